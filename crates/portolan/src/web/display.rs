//! How a reader wants pages to be: language, theme and zone, kept in a cookie.

use super::forms::Form;
use super::pages::{self, Shown};
use super::reader::{Display, Theme, reader};
use super::shell::Shell;
use super::sign_in::local;
use super::text::Language;
use super::{Shared, reader::text};
use askama::Template;
use axum::body::Body;
use axum::extract::State;
use http::{Request, StatusCode};

/// The page on which all of it is chosen.
#[derive(Template)]
#[template(path = "display.html")]
struct DisplayPage {
    shell: Shell,
    display: Display,
}

impl DisplayPage {
    /// The themes: word, name, and whether it is chosen.
    fn themes(&self) -> [(&'static str, String, bool); 3] {
        let t = self.shell.t;
        Theme::ALL.map(|theme| {
            let name = match theme {
                Theme::System => t.display_theme_system(),
                Theme::Light => t.display_theme_light(),
                Theme::Dark => t.display_theme_dark(),
            };
            (theme.word(), name, theme == self.display.theme)
        })
    }
}

/// Shows what is chosen.
pub(super) async fn show() -> Shown {
    pages::page(StatusCode::OK, &DisplayPage { shell: Shell::here(), display: reader().display }).into()
}

/// Keeps what a form chose; what it does not name stays.
pub(super) async fn set(State(pages): Shared, request: Request<Body>) -> Shown {
    let form = match Form::read(request).await {
        Ok(form) => form,
        Err(refused) => return (*refused).into(),
    };
    let mut display = reader().display;
    match form.field("language") {
        "" => {}
        "auto" => display.language = None,
        code => match Language::of_code(code) {
            Some(language) => display.language = Some(language),
            None => return pages::fault(StatusCode::BAD_REQUEST, &text().display_no_language()).into(),
        },
    }
    if let Some(theme) = Theme::ALL.into_iter().find(|theme| theme.word() == form.field("theme")) {
        display.theme = theme;
    }
    match form.field("zone") {
        "utc" => display.utc = true,
        "own" => display.utc = false,
        _ => {}
    }
    let mut response = pages::see(local(form.field("then")));
    pages.cookies().set_display(response.headers_mut(), &display.kept());
    response.into()
}

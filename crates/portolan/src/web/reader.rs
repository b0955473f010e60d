//! Who reads a page, and how they want it: found out once for each request, and there for whatever is rendered in it.

use super::forms;
use super::packed;
use super::pages;
use super::text::{Language, Text};
use super::{Pages, Shared, Visitor};
use crate::http::RequestId;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{ACCEPT_LANGUAGE, VARY};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use publishing::moment::Moment;
use std::sync::Arc;

tokio::task_local! {
    static READER: Arc<Reader>;
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Theme {
    /// As the reader's system is.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// Every one.
    pub(super) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its word in HTML and in the cookie.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// How a reader wants pages to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Display {
    /// What was chosen; the browser says it else.
    pub(super) language: Option<Language>,
    pub(super) theme: Theme,
    /// Whether times are left in UTC; they are in the browser's zone else, where it runs our script.
    pub(super) utc: bool,
}

impl Display {
    /// As it is kept in a cookie.
    pub(super) fn kept(self) -> String {
        let language = self.language.map_or("", Language::code);
        format!("{language}.{}.{}", self.theme.word(), if self.utc { "utc" } else { "own" })
    }

    /// From a cookie; what cannot be read is as if it had not been chosen.
    pub(super) fn read(cookie: &str) -> Self {
        let mut parts = cookie.split('.');
        let language = parts.next().and_then(Language::of_code);
        let theme = parts.next().and_then(|word| Theme::ALL.into_iter().find(|theme| theme.word() == word));
        Self { language, theme: theme.unwrap_or_default(), utc: parts.next() == Some("utc") }
    }
}

/// Who reads a page.
#[derive(Debug)]
pub(super) struct Reader {
    /// In which words.
    pub(super) text: Text,
    /// How.
    pub(super) display: Display,
    /// Who, if somebody is signed in.
    pub(super) visitor: Option<Arc<Visitor>>,
    /// The page's address on this service.
    pub(super) address: String,
    /// The id of the request, which the log names too.
    pub(super) request: Option<RequestId>,
    /// The time by which offers live.
    pub(super) now: Moment,
    /// How many of its seconds go by in one, where this is an emulator.
    pub(super) speed: Option<u32>,
}

impl Default for Reader {
    fn default() -> Self {
        let now = Moment::from_ticks(0);
        let (text, display, address) = (Text::default(), Display::default(), String::new());
        Self { text, display, visitor: None, request: None, address, now, speed: None }
    }
}

/// Whoever reads what is rendered now; nobody in particular outside of a request.
pub(super) fn reader() -> Arc<Reader> {
    READER.try_with(Arc::clone).unwrap_or_default()
}

/// The words for whoever reads what is rendered now.
pub(super) fn text() -> Text {
    reader().text
}

/// Finds out who asks for a page, and has it made for them.
pub(super) async fn meet(State(pages): Shared, request: Request<Body>, next: Next) -> Response {
    let display = pages.cookies().display(request.headers()).map(|cookie| Display::read(&cookie)).unwrap_or_default();
    let mut reader = Reader {
        text: Text { language: display.language.unwrap_or_else(|| accepted(request.headers())) },
        display,
        visitor: None,
        request: request.extensions().get().copied(),
        address: address(request.method(), request.uri()),
        now: pages.perform.now(),
        speed: pages.virtual_clock.as_ref().map(crate::clock::Clock::speed),
    };
    let may_be_packed = packed::may_be(request.headers());
    let mut response = match find(&pages, request.headers()).await {
        Ok(visitor) => {
            reader.visitor = visitor.map(Arc::new);
            let reader = Arc::new(reader);
            let answer = async {
                // Pages ask the API past its door, where callers are counted.
                let asked = reader.visitor.as_ref().map(|visitor| pages.limits.of_caller(visitor.caller.name()));
                match asked {
                    Some(Err(refused)) => *forms::too_many(refused, &text().fault_too_many()),
                    _ => next.run(request).await,
                }
            };
            READER.scope(Arc::clone(&reader), answer).await
        }
        Err(error) => READER.scope(Arc::new(reader), async { pages::not_now(&error) }).await,
    };
    let varies = HeaderValue::from_static("accept-language, cookie, accept-encoding, sec-fetch-site");
    response.headers_mut().append(VARY, varies);
    if may_be_packed { packed::packed(response).await } else { response }
}

/// Where a reader comes back to from a page: the page itself. Not where it took a form, nor where its address holds what signs somebody
/// in or opens something, which no page repeats.
fn address(method: &Method, uri: &Uri) -> String {
    let path = uri.path();
    let opens = ["/sign-in", "/setup", "/invitation", "/unsubscribe/"].iter().any(|start| path.starts_with(start));
    let again = uri.path_and_query().filter(|_| method == Method::GET && !opens && !path.contains("/oauth2/"));
    again.map_or_else(|| "/".to_owned(), ToString::to_string)
}

async fn find(pages: &Pages, headers: &HeaderMap) -> Result<Option<Visitor>, crate::store::StoreError> {
    let Some(cookie) = pages.cookies().session(headers) else { return Ok(None) };
    let Some((session, principal)) = pages.sessions.find(&cookie).await? else { return Ok(None) };
    let caller = Arc::new(pages.gate.caller_of(&principal)?);
    Ok(Some(Visitor { principal, caller, session: session.id, cookie }))
}

fn accepted(headers: &HeaderMap) -> Language {
    let header = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Language::accepted(header)
}

#[cfg(test)]
mod tests {
    use super::{Display, Theme};
    use crate::web::text::Language;

    #[test]
    fn what_is_kept_is_read_again() {
        for language in [None, Some(Language::English), Some(Language::Chinese)] {
            for theme in Theme::ALL {
                for utc in [true, false] {
                    let display = Display { language, theme, utc };
                    assert_eq!(Display::read(&display.kept()), display);
                }
            }
        }
        assert_eq!(Display::read("xx.<script>.1"), Display::default());
    }
}

//! The two pages that take a one-time secret: the first operator of an installation, and people who were invited.

use super::forms::Form;
use super::pages::{self, Fault, Shown, WelcomePage};
use super::reader::text;
use super::shell::Shell;
use super::{Pages, Shared};
use crate::perform::Failure;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode};
use publishing::access::AccessRefusal;

/// The form that makes the first operator.
pub(super) async fn show_setup() -> Shown {
    form(true, None, None, StatusCode::OK).into()
}

/// The form of somebody who was invited.
pub(super) async fn show_invitation() -> Shown {
    form(false, None, None, StatusCode::OK).into()
}

/// Makes the first operator.
pub(super) async fn set_up(State(pages): Shared, request: Request<Body>) -> Shown {
    taken(&pages, request, true).await.unwrap_or_else(|refused| *refused).into()
}

/// Sets the password of somebody who was invited.
pub(super) async fn accept_invitation(State(pages): Shared, request: Request<Body>) -> Shown {
    taken(&pages, request, false).await.unwrap_or_else(|refused| *refused).into()
}

async fn taken(pages: &Pages, request: Request<Body>, setup: bool) -> Result<Response, Box<Response>> {
    let sent = Form::read(request).await?;
    sent.may_try(pages)?;
    let refuse = |field: &str, message: &str| {
        let fault = Fault { field, message, is_foreign: true };
        Box::new(form(setup, Some(&sent), Some(fault), StatusCode::BAD_REQUEST))
    };
    let t = text();
    let (secret, password) = (sent.field("secret").trim(), sent.field("password").to_owned());
    if password != sent.field("again") {
        let fault = Fault { field: "again", message: &t.welcome_differ(), is_foreign: false };
        return Err(Box::new(form(setup, Some(&sent), Some(fault), StatusCode::BAD_REQUEST)));
    }
    let done = if setup {
        let (name, mail) = (sent.field("name").to_owned(), sent.field("mail").to_owned());
        pages.perform.set_up(secret, name, mail, password).await
    } else {
        pages.perform.accept_invitation(secret, password).await
    };
    match done {
        Ok(principal) => {
            let title = if setup { t.welcome_setup_done() } else { t.welcome_invitation_done() };
            let (name, mail) = (t.welcome_sign_in_name(), principal.mail.as_deref().unwrap_or_default());
            let link = Some(("/sign-in", t.sign_in()));
            let link = link.as_ref().map(|(address, words)| (*address, words.as_str()));
            Ok(pages::message(StatusCode::OK, &title, &t.welcome_done(), &[(&name, mail)], link))
        }
        Err(Failure::Access(AccessRefusal::Invalid { target, message })) => {
            Err(refuse(target.trim_start_matches('/'), &message))
        }
        Err(Failure::Access(refusal)) => Err(refuse("", &refusal.to_string())),
        Err(Failure::Password(fault @ crate::auth::PasswordFault::Length)) => {
            Err(refuse("password", &fault.to_string()))
        }
        Err(other) => Err(Box::new(pages::not_now(&other))),
    }
}

/// The form, with what was typed but for the secrets.
fn form(setup: bool, sent: Option<&Form>, fault: Option<Fault<'_>>, status: StatusCode) -> Response {
    let field = |name: &str| sent.map_or("", |sent| sent.field(name));
    let (name, mail) = (field("name"), field("mail"));
    pages::page(status, &WelcomePage { shell: Shell::here(), setup, name, mail, fault })
}

//! The two pages that take a one-time secret: the first operator of an installation, and people who were invited.

use super::forms::Form;
use super::pages::{self, Fault, Shown, WelcomePage};
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
        let fault = Fault { field, message };
        Box::new(form(setup, Some(&sent), Some(fault), StatusCode::BAD_REQUEST))
    };
    let (secret, password) = (sent.field("secret").trim(), sent.field("password").to_owned());
    if password != sent.field("again") {
        return Err(refuse("again", "The two passwords differ. Type the same one twice."));
    }
    let done = if setup {
        let (name, mail) = (sent.field("name").to_owned(), sent.field("mail").to_owned());
        pages.perform.set_up(secret, name, mail, password).await
    } else {
        pages.perform.accept_invitation(secret, password).await
    };
    match done {
        Ok(principal) => {
            let title = if setup { "You are the first operator" } else { "Your password is set" };
            let mail = principal.mail.as_deref().unwrap_or_default();
            let facts = [("Your sign-in name", mail)];
            let message = "The one-time secret is used up. Sign in with your password from now on.";
            Ok(pages::message(StatusCode::OK, title, message, &facts, Some(("/sign-in", "Sign in"))))
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

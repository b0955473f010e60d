//! Who one is here: roles, sessions, and the way out.

use super::forms::Form;
use super::pages::{self, AccountPage, SessionRow, Shown};
use super::{Pages, Shared, Visitor};
use crate::auth::is_form_token;
use crate::store::StoreError;
use api::dates::Date;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode};
use publishing::moment::Moment;
use uuid::Uuid;

const SIGN_IN: &str = "/sign-in?then=%2Faccount";

/// The front page leads to what there is: oneself.
pub(super) async fn front() -> Shown {
    pages::see("/account").into()
}

/// Who one is, what one may, and where one is signed in.
pub(super) async fn show(State(pages): Shared, headers: HeaderMap) -> Shown {
    match pages.visitor(&headers).await {
        Ok(None) => pages::see(SIGN_IN).into(),
        Ok(Some(visitor)) => account(&pages, &visitor).unwrap_or_else(|error| pages::not_now(&error)).into(),
        Err(error) => pages::not_now(&error).into(),
    }
}

fn account(pages: &Pages, visitor: &Visitor) -> Result<Response, StoreError> {
    let at = |moment: Moment| Date::from_ticks(moment.ticks() / 10_000_000 * 10_000_000).to_string();
    let sessions = pages.sessions.list(visitor.principal.id)?.into_iter().map(|session| SessionRow {
        id: session.id.to_string(),
        is_this: session.id == visitor.session,
        began: at(session.began_at),
        seen: at(session.seen_at),
        agent: session.agent,
        address: session.address,
    });
    let mut roles: Vec<(String, String)> =
        visitor.caller.publishers().map(|(publisher, role)| (publisher.to_string(), role.to_string())).collect();
    roles.sort();
    let staff: Vec<String> = visitor.caller.staff_roles().map(|role| role.to_string()).collect();
    if !staff.is_empty() {
        roles.insert(0, ("The marketplace".to_owned(), staff.join(", ")));
    }
    let page = AccountPage {
        style: &pages::style_path(),
        name: &visitor.principal.name,
        mail: visitor.principal.mail.as_deref(),
        id: visitor.principal.id.to_string(),
        issuer: &visitor.principal.identity.issuer,
        roles,
        sessions: sessions.collect(),
        form_token: crate::auth::form_token(&visitor.cookie),
    };
    Ok(pages::page(StatusCode::OK, &page))
}

/// Signs out: the session ends here, and the browser forgets it.
pub(super) async fn sign_out(State(pages): Shared, request: Request<Body>) -> Shown {
    let ended = ended(&pages, request, |_, visitor| Some(visitor.session)).await;
    let mut response = match ended {
        Err(refused) => return (*refused).into(),
        Ok(()) => pages::message(
            StatusCode::OK,
            "You are signed out",
            "This browser has no session here any more.",
            &[],
            Some(("/sign-in", "Sign in again")),
        ),
    };
    pages.cookies().drop_session(response.headers_mut());
    response.into()
}

/// Ends one of one's sessions, or all of them.
pub(super) async fn end_session(State(pages): Shared, request: Request<Body>) -> Shown {
    // A field that is no id must not end all of them.
    let which = |form: &Form, _: &Visitor| {
        let named = form.field("session");
        if named == "all" { None } else { Some(Uuid::try_parse(named).unwrap_or_default()) }
    };
    match ended(&pages, request, which).await {
        Err(refused) => (*refused).into(),
        Ok(()) => pages::see("/account").into(),
    }
}

async fn ended(
    pages: &Pages,
    request: Request<Body>,
    which: impl FnOnce(&Form, &Visitor) -> Option<Uuid>,
) -> Result<(), Box<Response>> {
    let form = Form::read(request).await?;
    let failed = |error: StoreError| Box::new(pages::not_now(&error));
    let visitor = pages.visitor(&form.headers).await.map_err(failed)?;
    let visitor = visitor.ok_or_else(|| Box::new(pages::see(SIGN_IN)))?;
    if !is_form_token(&visitor.cookie, form.field("form_token")) {
        let message = "The form is not from this session. Open the page again, and send it from there.";
        return Err(Box::new(pages::fault(StatusCode::FORBIDDEN, message)));
    }
    pages.sessions.end(visitor.principal.id, which(&form, &visitor)).await.map_err(failed)
}

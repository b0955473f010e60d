//! Who one is here: roles, sessions, and the way out.

use super::forms::Form;
use super::pages::{self, AccountPage, SessionRow, Shown};
use super::reader::{reader, text};
use super::shell::{Shell, may_anywhere};
use super::text::Text;
use super::{Pages, Shared, Visitor, mails};
use crate::auth::{Permission, is_form_token};
use crate::store::StoreError;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode};
use publishing::principal::Role;
use std::sync::Arc;
use uuid::Uuid;

const SIGN_IN: &str = "/sign-in?then=%2Faccount";

/// The front page leads to what there is for whoever asks: offers, for those who only review the reviews, and oneself.
pub(super) async fn front() -> Shown {
    let place = reader().visitor.as_ref().map_or("/sign-in?then=%2F", |visitor| {
        let caller = &visitor.caller;
        let is_member = caller.publishers().next().is_some();
        let only_reviews = !is_member && caller.staff_roles().all(|role| role == Role::Reviewer);
        if only_reviews && may_anywhere(caller, Permission::Review) {
            "/reviews"
        } else if may_anywhere(caller, Permission::Read) {
            "/offers"
        } else {
            "/account"
        }
    });
    pages::see(place).into()
}

/// Who one is, what one may, and where one is signed in.
pub(super) async fn show(State(pages): Shared) -> Shown {
    match &reader().visitor {
        None => pages::see(SIGN_IN).into(),
        Some(visitor) => account(&pages, visitor).unwrap_or_else(|error| pages::not_now(&error)).into(),
    }
}

fn account(pages: &Pages, visitor: &Visitor) -> Result<Response, StoreError> {
    let shell = Shell::here();
    let sessions = pages.sessions.list(visitor.principal.id)?.into_iter().map(|session| SessionRow {
        id: session.id.to_string(),
        is_this: session.id == visitor.session,
        began: shell.at(session.began_at),
        seen: shell.at(session.seen_at),
        browser: browser(shell.t, &session.agent),
        address: session.address,
    });
    let mut roles: Vec<(String, String)> =
        visitor.caller.publishers().map(|(publisher, role)| (publisher.to_string(), role.to_string())).collect();
    roles.sort();
    let staff: Vec<String> = visitor.caller.staff_roles().map(|role| role.to_string()).collect();
    if !staff.is_empty() {
        roles.insert(0, (text().circle_marketplace(), staff.join(", ")));
    }
    let page = AccountPage {
        name: &visitor.principal.name,
        mail: visitor.principal.mail.as_deref(),
        id: visitor.principal.id.to_string(),
        issuer: &visitor.principal.identity.issuer,
        roles,
        followed: mails::followed(pages, visitor)?,
        sessions: sessions.collect(),
        shell,
    };
    Ok(pages::page(StatusCode::OK, &page))
}

/// A browser by the name it is known by, where it has one; as it names itself, else.
fn browser(t: Text, agent: &str) -> String {
    // Each names those before it too, to be taken for them; the first that fits is the one.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Version/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    if agent.is_empty() {
        return t.account_no_browser();
    }
    let named = BROWSERS.into_iter().find_map(|(word, name)| Some((name, agent.split_once(word)?.1)));
    let system = SYSTEMS.into_iter().find(|(word, _)| agent.contains(word));
    match (named.filter(|_| agent.starts_with("Mozilla/5.0 (")), system) {
        (Some((name, version)), Some((_, system))) => {
            let version: String = version.chars().take_while(char::is_ascii_digit).collect();
            t.account_browser(name, version, system)
        }
        _ => agent.to_owned(),
    }
}

/// Signs out: the session ends here, and the browser forgets it.
pub(super) async fn sign_out(State(pages): Shared, request: Request<Body>) -> Shown {
    let ended = ended(&pages, request, |_, visitor| Some(visitor.session)).await;
    let t = text();
    let mut response = match ended {
        Err(refused) => return (*refused).into(),
        Ok(()) => pages::message(
            StatusCode::OK,
            &t.sign_out_title(),
            &t.sign_out_words(),
            &[],
            Some(("/sign-in", &t.sign_in_again())),
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
    let visitor = signed_in(&form)?;
    let ended = pages.sessions.end(visitor.principal.id, which(&form, &visitor)).await;
    ended.map_err(|error| Box::new(pages::not_now(&error)))
}

/// Whoever sent this form, from a page of their own session.
pub(super) fn signed_in(form: &Form) -> Result<Arc<Visitor>, Box<Response>> {
    let visitor = reader().visitor.clone().ok_or_else(|| Box::new(pages::see(SIGN_IN)))?;
    if !is_form_token(&visitor.cookie, form.field("form_token")) {
        return Err(Box::new(pages::fault(StatusCode::FORBIDDEN, &text().form_other_session())));
    }
    Ok(visitor)
}

#[cfg(test)]
mod tests {
    use super::browser;
    use crate::web::text::Text;

    #[test]
    fn browsers_have_names() {
        for (agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140 on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge 142 on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
                "Safari 26 on macOS",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
            ("Mozilla/5.0 (Plan 9) Firefox/1", "Mozilla/5.0 (Plan 9) Firefox/1"),
            ("", "A browser without a name"),
        ] {
            let named = browser(Text::default(), agent);
            assert_eq!(named.replace(['\u{2068}', '\u{2069}'], ""), expected);
        }
    }
}

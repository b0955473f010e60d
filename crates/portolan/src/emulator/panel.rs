//! What is asked by people with browsers: which requests are for pages, and who signs in how.

use crate::auth::Sessions;
use crate::demo::{Names, People};
use anyhow::Result;
use api::emulator::Person;
use axum::body::Body;
use http::header::ACCEPT;
use http::{Method, Request};

/// Names and addresses that no program's own people have, so that it can add those.
pub(super) const NAMES: Names<'static> = [
    ("Owner in the emulator", "owner@emulator.example"),
    ("Reviewer in the emulator", "reviewer@emulator.example"),
    ("Operator in the emulator", "operator@emulator.example"),
];

/// The people of the emulator with the paths that sign them in.
pub(super) fn people(people: &People, sessions: &Sessions) -> Result<Vec<Person>> {
    let [owner, reviewer, operator] = people.links(sessions, "")?;
    let all = [
        ("owner", &people.owner, owner),
        ("reviewer", &people.reviewer, reviewer),
        ("operator", &people.operator, operator),
    ];
    let person = |(role, person, sign_in): (&str, &publishing::principal::Principal, String)| Person {
        role: role.to_owned(),
        name: person.name.clone(),
        mail: person.mail.clone().unwrap_or_default(),
        sign_in,
    };
    Ok(all.into_iter().map(person).collect())
}

/// Whether a request below `/emulator` is for a page of the panel: a browser looks, or sends a form.
pub(super) fn is_page(request: &Request<Body>) -> bool {
    let is_form = request.uri().path().starts_with("/emulator/panel/");
    is_form || (matches!(*request.method(), Method::GET | Method::HEAD) && wants_html(request))
}

/// Whether a request is a browser's, for pages: no program's, so that the journal of requests keeps to those.
pub(super) fn is_for_people(request: &Request<Body>) -> bool {
    let path = request.uri().path();
    let is_api = path == "/api" || path.starts_with("/api/");
    !is_api && (path.starts_with("/assets/") || path == "/events" || wants_html(request))
}

fn wants_html(request: &Request<Body>) -> bool {
    let accepts = request.headers().get_all(ACCEPT).iter();
    accepts.filter_map(|accept| accept.to_str().ok()).any(|accept| accept.to_ascii_lowercase().contains("text/html"))
}

#[cfg(test)]
mod tests {
    use super::{is_for_people, is_page};
    use axum::body::Body;
    use http::Request;

    #[test]
    fn programs_and_people_are_told_apart() {
        const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
        for (method, path, accept, page, people) in [
            ("GET", "/emulator", BROWSER, true, true),
            ("GET", "/emulator", "*/*", false, false),
            ("POST", "/emulator/reset", BROWSER, false, true),
            ("POST", "/emulator/panel/advance", "*/*", true, false),
            ("GET", "/offers", BROWSER, true, true),
            ("GET", "/assets/style.css", "text/css", false, true),
            ("GET", "/events", "text/event-stream", false, true),
            ("GET", "/api/publishers", BROWSER, true, false),
            ("POST", "/contoso/oauth2/v2.0/token", "*/*", false, false),
        ] {
            let request = Request::builder().method(method).uri(path).header("accept", accept);
            let request = request.body(Body::empty()).unwrap();
            assert_eq!((is_page(&request), is_for_people(&request)), (page, people), "{method} {path} {accept}");
        }
    }
}

//! What the pages look like: templates, the stylesheet, and the headers that every page has.

use super::reader;
use super::shell::{Html, Shell};
use crate::http::document;
use crate::store::Document;
use api::catalog::{CatalogOffer, CatalogPlan};
use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

/// Nothing but our own stylesheet, script, forms and pictures, and in nobody's frame.
pub(crate) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// What a handler shows.
pub(super) struct Shown(pub(super) Response);

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        self.0
    }
}

impl From<Response> for Shown {
    fn from(response: Response) -> Self {
        Self(response)
    }
}

/// The form of the built-in issuer.
#[derive(Template)]
#[template(path = "authorize.html")]
pub(super) struct AuthorizePage<'a> {
    pub(super) shell: Shell,
    pub(super) action: &'a str,
    pub(super) mail: &'a str,
    pub(super) fault: Option<&'a str>,
}

/// The choice between issuers.
#[derive(Template)]
#[template(path = "choose.html")]
pub(super) struct ChoosePage<'a> {
    pub(super) shell: Shell,
    pub(super) choices: Vec<(&'a str, String)>,
}

/// A form that takes a one-time secret and a new password.
#[derive(Template)]
#[template(path = "welcome.html")]
pub(super) struct WelcomePage<'a> {
    pub(super) shell: Shell,
    pub(super) setup: bool,
    pub(super) name: &'a str,
    pub(super) mail: &'a str,
    pub(super) fault: Option<Fault<'a>>,
}

/// What is wrong with a form, and the field it is about; none for the whole.
pub(super) struct Fault<'a> {
    pub(super) field: &'a str,
    pub(super) message: &'a str,
    /// Whether the message is in English whatever the reader's language.
    pub(super) is_foreign: bool,
}

impl WelcomePage<'_> {
    /// Whether this is the field at fault.
    fn wrong(&self, field: &str) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.field == field)
    }
}

/// Who one is here.
#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage<'a> {
    pub(super) shell: Shell,
    pub(super) name: &'a str,
    pub(super) mail: Option<&'a str>,
    pub(super) id: String,
    pub(super) issuer: &'a str,
    pub(super) roles: Vec<(String, String)>,
    pub(super) followed: Vec<FollowedRow>,
    pub(super) sessions: Vec<SessionRow>,
}

/// Offers that somebody can get mails about.
pub(super) struct FollowedRow {
    /// The publisher's id, or the marketplace's name in forms.
    pub(super) at: String,
    pub(super) name: String,
    pub(super) is_followed: bool,
    /// Of what, where that was chosen.
    pub(super) events: String,
}

/// One of somebody's sessions.
pub(super) struct SessionRow {
    pub(super) id: String,
    pub(super) is_this: bool,
    pub(super) began: Html,
    pub(super) seen: Html,
    pub(super) browser: String,
    pub(super) address: String,
}

/// An offer as customers see it, or will see it.
#[derive(Template)]
#[template(path = "listing.html")]
pub(super) struct ListingPage<'a> {
    pub(super) shell: Shell,
    /// The version that is previewed.
    pub(super) preview: Option<i64>,
    pub(super) logo: Option<&'a str>,
    pub(super) hero: Option<&'a str>,
    /// The mail address of the support, where it can be a link.
    pub(super) mail_link: Option<&'a str>,
    pub(super) plans: Vec<PlanCard<'a>>,
    /// Screenshots, each with what it shows and the path of our copy.
    pub(super) pictures: Vec<(&'a str, Option<&'a str>)>,
    pub(super) listing: &'a CatalogOffer,
}

/// One plan on the page of an offer.
pub(super) struct PlanCard<'a> {
    pub(super) plan: &'a CatalogPlan,
    /// What marks it, and why it does.
    pub(super) mark: Option<(String, String)>,
    /// The sum, and what it is for.
    pub(super) price: Option<(String, String)>,
    /// Sizes and their prices.
    pub(super) sizes: Vec<(String, String)>,
    pub(super) trial: Option<String>,
    /// The path of our copy of the price sheet.
    pub(super) sheet: Option<&'a str>,
}

/// A page that ends mails.
#[derive(Template)]
#[template(path = "stop.html")]
pub(super) struct StopPage<'a> {
    pub(super) shell: Shell,
    pub(super) title: String,
    pub(super) text: String,
    /// What it sends, and what it says.
    pub(super) button: Option<(&'static str, String)>,
    pub(super) action: &'a str,
}

/// A page that only says something.
#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    shell: Shell,
    title: &'a str,
    message: &'a str,
    facts: &'a [(&'a str, &'a str)],
    link: Option<(&'a str, &'a str)>,
    /// Whether the message is in English whatever the reader's language.
    is_foreign: bool,
}

/// A page with the headers that every page has.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    let mut response = headed(Response::new(Body::from(written(template))));
    *response.status_mut() = status;
    response
}

fn written(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be written");
        reader::text().fault_not_now()
    })
}

fn headed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// A page with pictures that anybody may see and keep for a minute, or 304 where the browser has it.
pub(super) fn public(template: &impl Template, request: &HeaderMap) -> Response {
    let body = written(template);
    let hash: String = Sha256::digest(&body).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let Ok(etag) = HeaderValue::try_from(format!("\"{hash}\"")) else { return not_now(&"an ETag that is none") };
    let mut response = headed(document(Document { body: body.into(), etag }, request));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    response
}

/// A page that only says something, with a way on.
pub(super) fn message(
    status: StatusCode,
    title: &str,
    message: &str,
    facts: &[(&str, &str)],
    link: Option<(&str, &str)>,
) -> Response {
    page(status, &MessagePage { shell: Shell::here(), title, message, facts, link, is_foreign: false })
}

/// A page that says what is wrong.
pub(super) fn fault(status: StatusCode, text: &str) -> Response {
    let t = reader::text();
    message(status, &t.fault_title(), text, &[], Some(("/", &t.fault_home())))
}

/// A page with a message that the API or the rules have in English.
pub(super) fn foreign(status: StatusCode, title: &str, message: &str) -> Response {
    let shell = Shell::here();
    let home = shell.t.fault_home();
    page(status, &MessagePage { shell, title, message, facts: &[], link: Some(("/", &home)), is_foreign: true })
}

/// The page for what is our own fault; the cause is for the log.
pub(super) fn not_now(cause: &dyn std::fmt::Display) -> Response {
    tracing::error!(%cause, "a page failed on our side");
    let (t, request) = (reader::text(), reader::reader().request);
    let (name, id) = (t.fault_request(), request.map(|id| id.0.to_string()).unwrap_or_default());
    let facts = [(name.as_str(), id.as_str())];
    let (title, words, home) = (t.fault_title(), t.fault_not_now(), t.fault_home());
    let mut response = message(StatusCode::SERVICE_UNAVAILABLE, &title, &words, &facts, Some(("/", &home)));
    response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// Sends the browser on with a GET.
pub(super) fn see(address: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::try_from(address).unwrap_or(HeaderValue::from_static("/")));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

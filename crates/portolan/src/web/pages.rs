//! What the pages look like: templates, the stylesheet, and the headers that every page has.

use crate::http::document;
use crate::store::Document;
use api::catalog::{CatalogOffer, CatalogPlan};
use api::dates::Date;
use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use publishing::message::{Level, Message};
use publishing::moment::Moment;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../../templates/style.css");

/// Nothing but our own stylesheet and forms and the empty icon, and in nobody's frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// The same for pages with pictures, which are always our own copies; they have no forms.
const POLICY_WITH_IMAGES: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
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
    pub(super) style: &'a str,
    pub(super) action: &'a str,
    pub(super) mail: &'a str,
    pub(super) fault: Option<&'a str>,
}

/// The choice between issuers.
#[derive(Template)]
#[template(path = "choose.html")]
pub(super) struct ChoosePage<'a> {
    pub(super) style: &'a str,
    pub(super) choices: Vec<(&'a str, String)>,
}

/// A form that takes a one-time secret and a new password.
#[derive(Template)]
#[template(path = "welcome.html")]
pub(super) struct WelcomePage<'a> {
    pub(super) style: &'a str,
    pub(super) setup: bool,
    pub(super) name: &'a str,
    pub(super) mail: &'a str,
    pub(super) fault: Option<Fault<'a>>,
}

/// What is wrong with a form, and the field it is about; none for the whole.
pub(super) struct Fault<'a> {
    pub(super) field: &'a str,
    pub(super) message: &'a str,
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
    pub(super) style: &'a str,
    pub(super) name: &'a str,
    pub(super) mail: Option<&'a str>,
    pub(super) id: String,
    pub(super) issuer: &'a str,
    pub(super) roles: Vec<(String, String)>,
    pub(super) followed: Vec<FollowedRow>,
    pub(super) sessions: Vec<SessionRow>,
    pub(super) form_token: String,
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
    pub(super) began: String,
    pub(super) seen: String,
    pub(super) browser: String,
    pub(super) address: String,
}

/// An offer as customers see it, or will see it.
#[derive(Template)]
#[template(path = "listing.html")]
pub(super) struct ListingPage<'a> {
    pub(super) style: String,
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
    pub(super) mark: Option<(&'static str, &'static str)>,
    /// The sum, and what it is for.
    pub(super) price: Option<(String, &'static str)>,
    /// Sizes and their prices.
    pub(super) sizes: Vec<(String, String)>,
    pub(super) trial: Option<String>,
    /// The path of our copy of the price sheet.
    pub(super) sheet: Option<&'a str>,
}

/// Where an offer stands and what comes next.
#[derive(Template)]
#[template(path = "standing.html")]
pub(super) struct StandingPage<'a> {
    pub(super) style: &'a str,
    pub(super) name: &'a str,
    pub(super) publisher: &'a str,
    pub(super) offer: &'a str,
    pub(super) status: &'a str,
    pub(super) headline: &'a str,
    pub(super) next: &'a str,
    pub(super) since: String,
    pub(super) until: Option<(&'static str, String)>,
    pub(super) changed: String,
    /// The version that can be seen, and where.
    pub(super) preview: Option<(i64, String)>,
    pub(super) live: Option<(i64, String)>,
    pub(super) messages: Vec<MessageRow<'a>>,
    pub(super) steps: Vec<StepRow<'a>>,
}

/// One step on the page of where an offer stands.
pub(super) struct StepRow<'a> {
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) status: &'static str,
    /// Whether it stops the submission.
    pub(super) stops: bool,
    /// How far it has come, in percent, while it is worked on.
    pub(super) progress: Option<u8>,
    pub(super) messages: Vec<MessageRow<'a>>,
}

/// What a step says, as plain text: the template escapes it.
pub(super) struct MessageRow<'a> {
    level: &'static str,
    is_error: bool,
    code: Option<&'a str>,
    text: &'a str,
    mend: Option<&'a str>,
    target: Option<&'a str>,
    link: Option<&'a str>,
    at: String,
}

impl<'a> MessageRow<'a> {
    pub(super) fn of(message: &'a Message) -> Self {
        // What is no address of the web opens something else when it is clicked.
        let is_web = |link: &&str| link.starts_with("https://") || link.starts_with("http://");
        Self {
            level: match message.level {
                Level::Information => "Information",
                Level::Warning => "Warning",
                Level::Error => "Error",
            },
            is_error: message.level == Level::Error,
            code: message.code.as_deref(),
            text: &message.text,
            mend: message.mend.as_deref(),
            target: message.target.as_deref(),
            link: message.link.as_deref().filter(is_web),
            at: minute(message.at),
        }
    }
}

/// A moment to the minute, in UTC, for people.
pub(super) fn minute(moment: Moment) -> String {
    let date = Date::from_ticks(moment.ticks()).to_string();
    date.replace('T', " ").chars().take("2026-11-22 09:40".len()).collect()
}

/// A page that ends mails.
#[derive(Template)]
#[template(path = "stop.html")]
pub(super) struct StopPage<'a> {
    pub(super) style: &'a str,
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    /// What it sends, and what it says.
    pub(super) button: Option<(&'a str, &'a str)>,
    pub(super) action: &'a str,
}

/// A page that only says something.
#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    style: &'a str,
    title: &'a str,
    message: &'a str,
    facts: &'a [(&'a str, &'a str)],
    link: Option<(&'a str, &'a str)>,
}

/// The stylesheet's address, which changes with it.
pub(super) fn style_path() -> String {
    let digest = Sha256::digest(STYLE);
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/assets/style-{hash}.css")
}

/// The stylesheet.
pub(super) async fn style() -> Response {
    let mut response = Response::new(Body::from(STYLE));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
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
        "The page could not be written. Tell the operator.".to_owned()
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

/// A page that may show pictures.
pub(super) fn with_images(mut response: Response) -> Response {
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY_WITH_IMAGES);
    response
}

/// A page with pictures that anybody may see and keep for a minute, or 304 where the browser has it.
pub(super) fn public(template: &impl Template, request: &HeaderMap) -> Response {
    let body = written(template);
    let hash: String = Sha256::digest(&body).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let Ok(etag) = HeaderValue::try_from(format!("\"{hash}\"")) else { return not_now(&"an ETag that is none") };
    let mut response = with_images(headed(document(Document { body: body.into(), etag }, request)));
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
    page(status, &MessagePage { style: &style_path(), title, message, facts, link })
}

/// A page that says what is wrong.
pub(super) fn fault(status: StatusCode, text: &str) -> Response {
    message(status, "That did not work", text, &[], Some(("/", "Go to the front page")))
}

/// The page for what is our own fault; the cause is for the log.
pub(super) fn not_now(cause: &dyn std::fmt::Display) -> Response {
    tracing::error!(%cause, "a page failed on our side");
    let mut response =
        fault(StatusCode::SERVICE_UNAVAILABLE, "The service cannot do this just now. Try again in a moment.");
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

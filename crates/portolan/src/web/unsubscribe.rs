//! Ends mails, for whoever holds one: the address in it is signed, and needs no sign-in. To look at it changes nothing.

use super::pages::{self, Shown, StopPage};
use super::reader::text;
use super::shell::Shell;
use super::{Pages, Shared};
use crate::http::form_members;
use crate::listing::named;
use crate::perform::Failure;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use publishing::offer::OfferKey;
use uuid::Uuid;

/// The longest body that is looked at, in bytes. Mail programs send `List-Unsubscribe=One-Click`.
const LONGEST: usize = 4 << 10;

/// What an address ends.
enum Ends {
    /// A member's subscription.
    Subscription(Uuid),
    /// Mails about an offer to an address that was given at publish.
    About(OfferKey, Uuid),
}

/// Says what the address ends, with a button.
pub(super) async fn show(State(pages): Shared, names: RawPathParams, uri: Uri) -> Shown {
    let Some(ends) = ends(&pages, &names, &uri) else { return not_signed().into() };
    standing(&pages, &ends, &uri).unwrap_or_else(|error| pages::not_now(&error)).into()
}

/// Ends it: by the button, or by a mail program, which reads no page. The page's other button lets mails go on.
pub(super) async fn stop(State(pages): Shared, names: RawPathParams, uri: Uri, request: Request<Body>) -> Shown {
    let Some(ends) = ends(&pages, &names, &uri) else { return not_signed().into() };
    // What cannot be read asks for what the address is for.
    let body =
        Limited::new(request.into_body(), LONGEST).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let goes_on = form_members(&body).is_some_and(|form| form.get("mails").is_some_and(|word| word == "again"));
    let done = match &ends {
        Ends::Subscription(subscription) => pages.perform.unsubscribe(*subscription).await.map(drop),
        Ends::About(key, receiver) => pages.perform.stop_mails(*receiver, key, !goes_on).await,
    };
    let shown = match done {
        Ok(()) => standing(&pages, &ends, &uri),
        Err(error) => Err(error),
    };
    shown.unwrap_or_else(|error| pages::not_now(&error)).into()
}

/// What the address ends, if we signed it.
fn ends(pages: &Pages, names: &RawPathParams, uri: &Uri) -> Option<Ends> {
    let query = form_members(uri.query()?.as_bytes())?;
    let signature = query.get("signature")?;
    let names: Vec<&str> = names.iter().map(|(_, name)| name).collect();
    let links = pages.perform.links();
    match names[..] {
        [subscription] => {
            let subscription = Uuid::try_parse(subscription).ok()?;
            links.ends_subscription(subscription, signature).then_some(Ends::Subscription(subscription))
        }
        [publisher, offer, receiver] => {
            let (key, receiver) = (named(publisher, offer)?, Uuid::try_parse(receiver).ok()?);
            links.ends_mails(&key, receiver, signature).then_some(Ends::About(key, receiver))
        }
        _ => None,
    }
}

fn not_signed() -> Response {
    let t = text();
    pages::message(StatusCode::NOT_FOUND, &t.fault_title(), &t.stop_not_signed(), &[], None)
}

fn standing(pages: &Pages, ends: &Ends, uri: &Uri) -> Result<Response, Failure> {
    let shell = Shell::here();
    let t = shell.t;
    let (title, text, button) = match ends {
        Ends::Subscription(subscription) if pages.perform.is_subscribed(*subscription)? => {
            (t.stop_title(), t.stop_asked(), Some(("stop", t.stop_button())))
        }
        Ends::Subscription(_) => (t.stop_stopped(), t.stop_ask_again(), None),
        Ends::About(key, receiver) if pages.perform.are_mails_stopped(*receiver, key)? => (
            t.stop_stopped(),
            t.stop_nothing(format!("{}/{}", key.publisher, key.offer)),
            Some(("again", t.stop_again())),
        ),
        Ends::About(key, _) => {
            (t.stop_title(), t.stop_given(format!("{}/{}", key.publisher, key.offer)), Some(("stop", t.stop_button())))
        }
    };
    let action = uri.path_and_query().map_or("", |address| address.as_str());
    Ok(pages::page(StatusCode::OK, &StopPage { shell, title, text, button, action }))
}

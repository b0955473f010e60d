//! Where a page is: who asks, for which publisher or offer, and whether they may. The same answer for what is not there and for what
//! is not theirs.

use super::reader::{reader, text};
use super::{Pages, Visitor, pages};
use crate::auth::Permission;
use crate::listing::named;
use crate::store::Publisher;
use crate::wire;
use axum::extract::RawPathParams;
use axum::response::Response;
use http::StatusCode;
use publishing::offer::{Offer, OfferKey, PublisherId};
use std::sync::Arc;

/// An offer, for somebody who may read it.
pub(super) struct OfferAt {
    pub(super) visitor: Arc<Visitor>,
    pub(super) offer: Offer,
}

/// A publisher, for somebody who may do something there.
pub(super) struct PublisherAt {
    pub(super) visitor: Arc<Visitor>,
    pub(super) publisher: Publisher,
}

/// Whoever is signed in.
///
/// # Errors
/// The way to sign in, and back to the page that was asked for.
pub(super) fn signed_in() -> Result<Arc<Visitor>, Box<Response>> {
    let reader = reader();
    reader.visitor.clone().ok_or_else(|| {
        let then: String = form_urlencoded::byte_serialize(reader.address.as_bytes()).collect();
        Box::new(pages::see(&format!("/sign-in?then={then}")))
    })
}

/// The path's parameters.
pub(super) fn names(parameters: &RawPathParams) -> Vec<&str> {
    parameters.iter().map(|(_, name)| name).collect()
}

impl Visitor {
    /// Whether this is allowed at a publisher, as a member or as staff.
    pub(super) fn may(&self, publisher: &str, permission: Permission) -> bool {
        self.caller.authorise(publisher, permission).is_ok() || self.caller.authorise_marketplace(permission).is_ok()
    }
}

/// The offer that the first two names of the path are of.
///
/// # Errors
/// The page that says that there is none, or the way to sign in.
pub(super) async fn offer(pages: &Pages, parameters: &RawPathParams) -> Result<OfferAt, Box<Response>> {
    let visitor = signed_in()?;
    let names = names(parameters);
    let key = names.first().zip(names.get(1)).and_then(|(publisher, offer)| named(publisher, offer));
    let key = key.filter(|key| visitor.may(key.publisher.as_str(), Permission::Read)).ok_or_else(no_offer)?;
    let offer = pages.read.offer(&key).await.map_err(|error| Box::new(pages::not_now(&error)))?;
    Ok(OfferAt { visitor, offer: offer.ok_or_else(no_offer)? })
}

/// The publisher that the first name of the path is of, for somebody who may do this there.
///
/// # Errors
/// The page that says that there is none, or the way to sign in.
pub(super) fn publisher(
    pages: &Pages,
    parameters: &RawPathParams,
    permission: Permission,
) -> Result<PublisherAt, Box<Response>> {
    let visitor = signed_in()?;
    let id = names(parameters).first().and_then(|name| PublisherId::parse(name)).ok_or_else(no_publisher)?;
    if !visitor.may(id.as_str(), permission) {
        return Err(no_publisher());
    }
    let publisher = pages.read.publisher(&id.folded()).map_err(|error| Box::new(pages::not_now(&error)))?;
    Ok(PublisherAt { visitor, publisher: publisher.ok_or_else(no_publisher)? })
}

/// The same for whatever is not there, and for what is not for whoever asks.
fn no_offer() -> Box<Response> {
    let t = text();
    let home = Some(("/offers", t.at_all_offers()));
    let home = home.as_ref().map(|(address, words)| (*address, words.as_str()));
    Box::new(pages::message(StatusCode::NOT_FOUND, &t.at_no_offer_title(), &t.at_no_offer(), &[], home))
}

/// The same for a publisher.
pub(super) fn no_publisher() -> Box<Response> {
    let t = text();
    let home = t.fault_home();
    Box::new(pages::message(
        StatusCode::NOT_FOUND,
        &t.at_no_publisher_title(),
        &t.at_no_publisher(),
        &[],
        Some(("/", &home)),
    ))
}

/// An offer's name for people; its id where it has none.
pub(super) fn name_of(offer: &Offer) -> String {
    let name = wire::display_text(&offer.draft.definition);
    if name.trim().is_empty() { offer.key.offer.to_string() } else { name }
}

/// The address of an offer's page.
pub(super) fn path_of(key: &OfferKey) -> String {
    format!("/publishers/{}/offers/{}", key.publisher, key.offer)
}

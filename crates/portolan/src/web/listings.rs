//! The page of an offer: for customers as it is live, and before that for those who may see its preview.

use super::pages::{self, ListingPage, PlanCard, Shown};
use super::reader::{reader, text as words};
use super::shell::Shell;
use super::{Pages, Shared};
use crate::auth::Permission;
use crate::http::form_members;
use crate::listing::{Hidden, HiddenPlan, Preview, named};
use crate::store::StoreError;
use api::catalog::{CatalogOffer, CatalogPlan, CatalogPricing};
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, REFERRER_POLICY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use publishing::offer::{Offer, OfferKey};
use serde_json::Number;

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// The page where customers see an offer.
pub(super) async fn live(State(pages): Shared, names: RawPathParams, headers: HeaderMap) -> Shown {
    let live = match key(&names) {
        Some(key) => pages.shelf.live(&key).await,
        None => Ok(None),
    };
    match live {
        Ok(Some(listing)) => pages::public(&page(&pages, &listing, &[], None), &headers).into(),
        Ok(None) => not_there().into(),
        Err(error) => pages::not_now(&error).into(),
    }
}

/// The page where somebody with a signed link, or with a role, sees an offer before it is live.
pub(super) async fn preview(State(pages): Shared, names: RawPathParams, uri: Uri) -> Shown {
    let shown = previewed(&pages, key(&names), &uri).await;
    let mut response = shown.unwrap_or_else(|error| pages::not_now(&error));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(ROBOTS, HeaderValue::from_static("noindex"));
    // The address is what opens the page.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response.into()
}

async fn previewed(pages: &Pages, key: Option<OfferKey>, uri: &Uri) -> Result<Response, StoreError> {
    let offer = match &key {
        Some(key) => pages.shelf.offer(key).await?,
        None => None,
    };
    let signed = offer.as_ref().is_some_and(|offer| is_signed(pages, offer, uri));
    if !signed {
        // Without the query: what did not open this page is not sent on.
        let then: String = form_urlencoded::byte_serialize(uri.path().as_bytes()).collect();
        let Some(visitor) = reader().visitor.clone() else {
            return Ok(pages::see(&format!("/sign-in?then={then}")));
        };
        let publisher = key.as_ref().map_or("", |key| key.publisher.as_str());
        let is_member = visitor.caller.authorise(publisher, Permission::Read).is_ok();
        if !is_member && visitor.caller.authorise_marketplace(Permission::Read).is_err() {
            return Ok(not_there());
        }
    }
    let Some(offer) = offer else { return Ok(not_there()) };
    let Some(Preview { listing, hidden_plans }) = pages.shelf.preview(&offer).await? else { return Ok(not_there()) };
    let template = page(pages, &listing, &hidden_plans, Some(listing.version));
    Ok(pages::page(StatusCode::OK, &template))
}

/// Whether the query opens the preview that there is now. A member that is given twice opens nothing.
fn is_signed(pages: &Pages, offer: &Offer, uri: &Uri) -> bool {
    let Some(query) = form_members(uri.query().unwrap_or_default().as_bytes()) else { return false };
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    pages.shelf.opens(offer, text("version"), text("subscription"), text("signature"))
}

/// The same for whatever is not there, and for what is not for whoever asks.
fn not_there() -> Response {
    let t = words();
    pages::message(StatusCode::NOT_FOUND, &t.listing_missing_title(), &t.listing_missing(), &[], None)
}

fn key(names: &RawPathParams) -> Option<OfferKey> {
    let mut names = names.iter().map(|(_, name)| name);
    named(names.next()?, names.next()?)
}

fn page<'a>(
    pages: &'a Pages,
    listing: &'a CatalogOffer,
    hidden_plans: &'a [HiddenPlan],
    preview: Option<i64>,
) -> ListingPage<'a> {
    let path = |url: &'a Option<String>| url.as_deref().map(|url| pages.shelf.path(url));
    let public = listing.plans.iter().map(|plan| card(pages, plan, None));
    let hidden = hidden_plans.iter().map(|hidden| card(pages, &hidden.plan, Some(hidden.why)));
    let logos = &listing.logos;
    let pictures = listing.screenshots.iter().map(|shown| (shown.name.as_str(), path(&shown.url)));
    ListingPage {
        shell: Shell::for_everybody(),
        preview,
        logo: path(&logos.large).or_else(|| path(&logos.medium)).or_else(|| path(&logos.small)),
        hero: path(&logos.hero),
        mail_link: listing.support.email.as_deref().filter(|mail| is_plain_mail(mail)),
        plans: public.chain(hidden).collect(),
        pictures: pictures.collect(),
        listing,
    }
}

/// Whether a mail address can stand in a link as it is.
fn is_plain_mail(mail: &str) -> bool {
    mail.contains('@') && mail.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@.-_+".contains(&byte))
}

fn card<'a>(pages: &'a Pages, plan: &'a CatalogPlan, hidden: Option<Hidden>) -> PlanCard<'a> {
    let (t, pricing) = (words(), plan.pricing.as_ref());
    PlanCard {
        plan,
        mark: hidden.map(|hidden| match hidden {
            Hidden::Private => (t.listing_private(), t.listing_private_why()),
            Hidden::ForTemplates => (t.listing_hidden(), t.listing_hidden_why()),
        }),
        price: pricing.and_then(price),
        sizes: pricing.map(sizes).unwrap_or_default(),
        trial: pricing.and_then(|pricing| match pricing.free_trial_months {
            0 => None,
            months => Some(t.listing_free(months)),
        }),
        sheet: pricing.and_then(|pricing| pricing.price_sheet.as_deref()).map(|url| pages.shelf.path(url)),
    }
}

/// What a plan costs in a few words: the sum, and what it is for.
fn price(pricing: &CatalogPricing) -> Option<(String, String)> {
    let t = words();
    let currency = pricing.currency.as_deref().unwrap_or_default();
    if let Some(price) = &pricing.per_core_hour {
        return Some((format!("{currency} {price}"), t.listing_per_core()));
    }
    let of = |price: &Number| price.as_f64().unwrap_or(f64::INFINITY);
    if let Some(lowest) = pricing.per_size_hour.values().min_by(|one, other| of(one).total_cmp(&of(other))) {
        return Some((format!("{} {currency} {lowest}", t.listing_from()), t.listing_by_size()));
    }
    if pricing.in_price_sheet {
        return Some((t.listing_by_country(), t.listing_see_sheet()));
    }
    pricing.is_byol.then(|| (t.listing_own_licence(), t.listing_own_licence_words()))
}

/// The prices of sizes, smallest first, in words.
fn sizes(pricing: &CatalogPricing) -> Vec<(String, String)> {
    let currency = pricing.currency.as_deref().unwrap_or_default();
    let t = words();
    let cores = |size: &str| size.strip_suffix("core").and_then(|cores| cores.parse::<u32>().ok());
    let mut sizes: Vec<_> = pricing.per_size_hour.iter().map(|(size, price)| (cores(size), size, price)).collect();
    sizes.sort_by_key(|(cores, _, _)| *cores);
    let row = |(cores, size, price): (Option<u32>, &String, _)| {
        let size = match (cores, size.as_str()) {
            (Some(cores), _) => t.listing_cores(cores),
            (None, "sharedcore") => t.listing_shared_core(),
            (None, other) => other.to_owned(),
        };
        (size, format!("{currency} {price}"))
    };
    sizes.into_iter().map(row).collect()
}

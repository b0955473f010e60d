//! The catalogue: what is live, for everybody. No token is looked at, and no api-version is asked for.

use super::errors::Problem;
use super::request::query;
use super::{Rooms, Shared, reply};
use crate::listing::named;
use crate::store::LiveSelection;
use api::catalog::{CatalogEntry, CatalogOffer, CatalogPage};
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, Uri};
use publishing::offer::OfferKey;
use std::collections::BTreeMap;

/// For how long anybody may keep what they read, in the words of `Cache-Control`.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// What `top` may say, and what counts where it says nothing.
const MOST: usize = 200;
const USUAL: usize = 50;

/// What a query may say; anything else is passed over, as everywhere.
const PARAMETERS: [&str; 6] = ["after", "top", "publisherId", "offerTypeId", "category", "q"];

/// How many offers are looked at for one page, where a filter passes many over.
const LOOKED_AT: usize = 1_000;

/// The offers that are live.
#[utoipa::path(get, path = "/catalog/offers", operation_id = "list_catalog_offers", tag = "Catalog",
    params(("after" = Option<String>, Query, description = "Where the page begins; nextLink has it."),
        ("top" = Option<i64>, Query, description = "How many at most: 1 to 200, 50 where nothing is said."),
        ("publisherId" = Option<String>, Query, description = "Whose only."),
        ("offerTypeId" = Option<String>, Query, description = "Of which type only."),
        ("category" = Option<String>, Query, description = "In which category only."),
        ("q" = Option<String>, Query, description = "Only those with this text in their name or summary."),
        ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = CatalogPage, headers(("ETag" = String))), (status = 304, description = "Not changed.")))]
pub(crate) async fn list_catalog_offers(
    State(rooms): Shared,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut asked = Asked::read(&uri)?;
    let (value, last) = page(&rooms, &mut asked).await?;
    let next_link = last.map(|last| asked.next(&rooms.public_url, &last));
    Ok(kept(reply::rendered(&CatalogPage { value, next_link }, &headers)))
}

/// A live offer as its page shows it.
#[utoipa::path(get, path = "/catalog/offers/{publisherId}/{offerId}", operation_id = "get_catalog_offer", tag = "Catalog",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = CatalogOffer, headers(("ETag" = String))), (status = 304, description = "Not changed.")))]
pub(crate) async fn get_catalog_offer(
    State(rooms): Shared,
    names: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut names = names.iter().map(|(_, name)| name);
    let key = named(names.next().unwrap_or_default(), names.next().unwrap_or_default());
    let live = match key {
        Some(key) => rooms.shelf.live(&key).await?,
        None => None,
    };
    let live =
        live.ok_or_else(|| Problem::not_found("No such offer is live. GET /catalog/offers lists those that are."))?;
    Ok(kept(reply::rendered(&*live, &headers)))
}

fn kept(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, KEPT);
    response
}

/// What a query asks for.
struct Asked {
    selection: LiveSelection,
    top: usize,
    category: Option<String>,
    words: Option<String>,
    /// The query's members but `after`, for the link to the next page.
    filters: Vec<(String, String)>,
}

impl Asked {
    fn read(uri: &Uri) -> Result<Self, Problem> {
        let mut members = BTreeMap::new();
        for (name, value) in query(uri).into_iter().filter(|(name, _)| PARAMETERS.contains(&name.as_str())) {
            if members.insert(name.clone(), value).is_some() {
                return Err(Problem::bad_request(&name, format!("{name} is given twice. Give it once.")));
            }
        }
        let after = members.remove("after").map(|after| read_after(&after)).transpose()?;
        let filters = members.clone().into_iter().collect();
        let top = members.remove("top").map_or(Ok(USUAL), |top| read_top(&top))?;
        let (offer_type, publisher) = (members.remove("offerTypeId"), members.remove("publisherId"));
        let (category, words) = (members.remove("category"), members.remove("q").map(|words| words.to_lowercase()));
        Ok(Self { selection: LiveSelection { after, offer_type, publisher, top }, top, category, words, filters })
    }

    /// Whether an offer is one that was asked for, as far as the store has not looked.
    fn wants(&self, entry: &CatalogEntry) -> bool {
        let is_in = |category: &String| entry.categories.iter().any(|one| one.eq_ignore_ascii_case(category));
        let says = |words: &String| {
            let texts = [Some(&entry.display_text), entry.summary.as_ref(), Some(&entry.publisher_display_text)];
            texts.into_iter().flatten().any(|text| text.to_lowercase().contains(words.as_str()))
        };
        self.category.as_ref().is_none_or(is_in) && self.words.as_ref().is_none_or(says)
    }

    fn next(&self, public_url: &str, last: &OfferKey) -> String {
        let after = URL_SAFE_NO_PAD.encode(last.name());
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("after", &after)
            .extend_pairs(&self.filters)
            .finish();
        format!("{public_url}/catalog/offers?{query}")
    }
}

/// The offers of a page, and the one after which the next page begins, where there is one.
async fn page(rooms: &Rooms, asked: &mut Asked) -> Result<(Vec<CatalogEntry>, Option<OfferKey>), Problem> {
    let filtered = asked.category.is_some() || asked.words.is_some();
    let (mut found, mut looked_at, mut last) = (Vec::new(), 0, None);
    loop {
        // One more than is shown tells whether there is another page.
        asked.selection.top = if filtered { MOST } else { asked.top + 1 };
        let entries = rooms.shelf.entries(asked.selection.clone()).await?;
        let was_all = entries.len() < asked.selection.top;
        looked_at += entries.len();
        for (key, entry) in entries {
            asked.selection.after = Some(key.clone());
            if asked.wants(&entry) {
                if found.len() == asked.top {
                    return Ok((found, last));
                }
                found.push(entry);
            }
            last = Some(key);
        }
        if was_all {
            return Ok((found, None));
        }
        if looked_at >= LOOKED_AT {
            return Ok((found, last));
        }
    }
}

fn read_top(top: &str) -> Result<usize, Problem> {
    let fits = |top: &usize| (1..=MOST).contains(top);
    let message = || format!("top is not a whole number from 1 to {MOST}. Correct it, or leave it out.");
    top.parse().ok().filter(fits).ok_or_else(|| Problem::bad_request("top", message()))
}

fn read_after(after: &str) -> Result<OfferKey, Problem> {
    let text = URL_SAFE_NO_PAD.decode(after).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let key = text.as_deref().and_then(|text| text.split_once('/')).and_then(|(of, offer)| named(of, offer));
    let message = "after is none that this service gave out. Take nextLink as it is, or begin without it.";
    key.ok_or_else(|| Problem::bad_request("after", message))
}

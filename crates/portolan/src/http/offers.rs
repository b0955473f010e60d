//! Offers, read: the list, one offer, a version of it, a slot of it.

use super::errors::Problem;
use super::request::{At, query};
use super::{Rooms, Shared, reply};
use crate::auth::Permission;
use crate::links::Links;
use crate::store::Selection;
use crate::wire;
use api::offers::{Offer as WireOffer, OfferSummary, OfferSummaryDefinition};
use api::status::OfferStatus as WireStatus;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::ETAG;
use http::{HeaderValue, StatusCode, Uri};
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferKey, Snapshot};
use publishing::offer_type::OfferType;
use publishing::operation::{Operation, Purpose};
use publishing::replace::{Replacement, replace};
use serde_json::Value;
use serde_json::value::RawValue;

/// The offers of a publisher, in the order of their ids.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers", operation_id = "list_offers", tag = "Offers",
    params(("publisherId" = String, Path), ("$filter" = Option<String>, Query, description = "offerTypeId eq '...'"),
        ("$top" = Option<i64>, Query, description = "How many at most."), ("$skip" = Option<i64>, Query, description = "How many to pass over.")),
    responses((status = 200, body = Vec<OfferSummary>)))]
pub(crate) async fn list_offers(State(rooms): Shared, at: At, uri: Uri) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::Read)?;
    let mut selection =
        Selection { publisher: authorised.publisher().clone(), offer_type: None, skip: 0, top: i64::MAX };
    for (name, value) in query(&uri) {
        match name.to_ascii_lowercase().as_str() {
            "filter" => selection.offer_type = Some(offer_type_filter(&value)?),
            "top" => selection.top = count("$top", &value)?,
            "skip" => selection.skip = count("$skip", &value)?,
            _ => {}
        }
    }
    let publisher = authorised.publisher().as_str();
    let summaries = rooms.read.offers(selection).await?.into_iter().map(|listed| OfferSummary {
        offer_type_id: listed.offer_type,
        publisher_id: publisher.to_owned(),
        status: wire::offer_status(listed.status),
        id: listed.id,
        version: listed.version,
        definition: OfferSummaryDefinition { display_text: listed.display_text },
        changed_time: wire::date(listed.changed_at),
    });
    Ok(reply::json(StatusCode::OK, &summaries.collect::<Vec<_>>()))
}

/// Reads `offerTypeId eq '...'`, the one filter there is; a quote in the text is doubled.
fn offer_type_filter(filter: &str) -> Result<String, Problem> {
    let words: Vec<&str> = filter.trim().splitn(3, ' ').collect();
    let [name, equals, value] = words[..] else { return Err(no_such_filter()) };
    let quoted = value.trim().strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    match quoted.map(|text| text.replace("''", "\0")) {
        Some(text)
            if name.eq_ignore_ascii_case("offerTypeId")
                && equals.eq_ignore_ascii_case("eq")
                && !text.contains('\'') =>
        {
            Ok(text.replace('\0', "'"))
        }
        _ => Err(no_such_filter()),
    }
}

fn no_such_filter() -> Problem {
    Problem::bad_request(
        "$filter",
        "This filter is not supported. Use $filter=offerTypeId eq 'microsoft-azure-virtualmachines', or none.",
    )
}

pub(super) fn count(name: &str, value: &str) -> Result<i64, Problem> {
    value.parse().ok().filter(|count| *count >= 0).ok_or_else(|| {
        Problem::bad_request(name, format!("{name} is not a whole number from 0 up. Correct it, or leave it out."))
    })
}

/// An offer's draft.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}", operation_id = "get_offer", tag = "Offers",
    params(("publisherId" = String, Path), ("offerId" = String, Path),
        ("includeAllPricing" = Option<bool>, Query, description = "Accepted; all pricing is always included.")),
    responses((status = 200, body = WireOffer, headers(("ETag" = String, description = "To send as If-Match.")))))]
pub(crate) async fn get_offer(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let (_, offer) = load(&rooms, &at).await?;
    draft(StatusCode::OK, &offer)
}

/// An offer as it was published with a version.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/versions/{version}", operation_id = "get_offer_version",
    tag = "Offers", params(("publisherId" = String, Path), ("offerId" = String, Path), ("version" = i64, Path)),
    responses((status = 200, body = WireOffer)))]
pub(crate) async fn get_offer_version(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let (key, offer) = load(&rooms, &at).await?;
    let version = at.name(2).parse::<i64>().ok();
    let snapshot = match version {
        Some(version) => rooms.read.snapshot(&key, version).await?,
        None => None,
    };
    let snapshot = snapshot.ok_or_else(|| {
        let shown: String = at.name(2).chars().take(40).collect();
        Problem::not_found(format!(
            "No version {shown:?} of this offer was published. Its submissions list their offerVersion."
        ))
    })?;
    published(&rooms, &offer, snapshot, None).await
}

/// An offer in one of its slots.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/slot/{slot}", operation_id = "get_offer_slot", tag = "Offers",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("slot" = String, Path, description = "draft, preview (or staging), production")),
    responses((status = 200, body = WireOffer)))]
pub(crate) async fn get_offer_slot(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let (key, offer) = load(&rooms, &at).await?;
    let (slot, version) = match at.name(2).to_ascii_lowercase().as_str() {
        "draft" => return draft(StatusCode::OK, &offer),
        "preview" | "staging" => ("Staging", offer.preview),
        "production" => ("Production", offer.production),
        other => {
            let shown: String = other.chars().take(40).collect();
            return Err(Problem::not_found(format!(
                "There is no slot {shown:?}. The slots are draft, preview and production."
            )));
        }
    };
    let snapshot = match version {
        Some(version) => rooms.read.snapshot(&key, version).await?,
        None => None,
    };
    let snapshot = snapshot.ok_or_else(|| {
        let mend = if slot == "Staging" {
            "A submission fills it when its packaging is done; read the offer's status."
        } else {
            "A go live fills it when the offer's status becomes `succeeded`."
        };
        Problem::not_found(format!("The offer has nothing in the slot {slot}. {mend}"))
    })?;
    let live = (slot == "Production").then_some(WireStatus::Succeeded);
    published(&rooms, &offer, snapshot, live).await
}

/// The path's offer, for a caller who may read it.
pub(super) async fn load(rooms: &Rooms, at: &At) -> Result<(OfferKey, Offer), Problem> {
    load_for(rooms, at, Permission::Read).await
}

/// The same for a caller who may do this there.
pub(super) async fn load_for(rooms: &Rooms, at: &At, permission: Permission) -> Result<(OfferKey, Offer), Problem> {
    let authorised = at.authorise(&rooms.read, permission)?;
    let key = at.key(&authorised)?;
    let offer = rooms.read.offer(&key).await?.ok_or_else(|| missing(&key))?;
    Ok((key, offer))
}

/// There is no such offer, though there could be one.
pub(super) fn missing(key: &OfferKey) -> Problem {
    publishing::refusal::Refusal::OfferMissing {
        publisher: key.publisher.as_str().to_owned(),
        offer: key.offer.as_str().to_owned(),
    }
    .into()
}

/// The draft with its ETag.
pub(super) fn draft(status: StatusCode, offer: &Offer) -> Result<Response, Problem> {
    let document = wire_offer(
        offer,
        &offer.draft.definition,
        offer.version,
        wire::offer_status(offer.status()),
        offer.changed_at,
    )?;
    let mut response = reply::json(status, &document);
    let etag = HeaderValue::try_from(wire::date(offer.changed_at).etag()).map_err(|error| Problem::internal(&error))?;
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

/// A published version; its status is that of its own newest run, unless `status` says otherwise. Files that are kept here have
/// our addresses in place of those that they were fetched from; lists of audiences are nobody's to open, and keep theirs.
async fn published(
    rooms: &Rooms,
    offer: &Offer,
    snapshot: Snapshot,
    status: Option<WireStatus>,
) -> Result<Response, Problem> {
    let run = |purpose| rooms.read.operation_of_version(&offer.key, snapshot.version, purpose);
    let newest = match run(Purpose::GoLive).await? {
        Some(run) => Some(run),
        None => run(Purpose::Publish).await?,
    };
    let definition = match &newest {
        Some(run) => {
            let offer_type = rooms.types.get(&offer.offer_type);
            with_own_addresses(&snapshot.draft.definition, run, offer_type, &rooms.links)?
        }
        None => snapshot.draft.definition,
    };
    let run_status = || wire::offer_status(newest.map_or_else(|| offer.status(), |run| run.offer_status()));
    let status = status.unwrap_or_else(run_status);
    let document = wire_offer(offer, &definition, snapshot.version, status, snapshot.published_at)?;
    Ok(reply::json(StatusCode::OK, &document).into_response())
}

/// A definition with the addresses under which we serve the files that a run has pinned.
fn with_own_addresses(
    definition: &str,
    run: &Operation,
    offer_type: Option<&OfferType>,
    links: &Links,
) -> Result<String, Problem> {
    // Without the type nobody knows which of the files are lists of audiences.
    let Some(offer_type) = offer_type else { return Ok(definition.to_owned()) };
    let read: Value = serde_json::from_str(definition).map_err(|error| Problem::internal(&error))?;
    let lists = offer_type.schema().audience_lists(&read);
    let own = run.artifacts.iter().filter_map(|artifact| {
        let pinned = artifact.pinned.as_ref().filter(|pinned| pinned.kept && !lists.contains(&artifact.target))?;
        let pointer = artifact.target.strip_prefix("/definition")?.to_owned();
        let to = links.artifact(&pinned.digest, &pinned.media_type);
        Some((pointer, Replacement { from: artifact.url.clone(), to }))
    });
    Ok(replace(definition, &own.collect()))
}

fn wire_offer(
    offer: &Offer,
    definition: &str,
    version: i64,
    status: WireStatus,
    changed_at: Moment,
) -> Result<WireOffer, Problem> {
    Ok(WireOffer {
        offer_type_id: offer.offer_type.clone(),
        publisher_id: offer.key.publisher.as_str().to_owned(),
        status,
        id: offer.key.offer.as_str().to_owned(),
        version,
        definition: RawValue::from_string(definition.to_owned()).map_err(|error| Problem::internal(&error))?,
        changed_time: wire::date(changed_at),
    })
}

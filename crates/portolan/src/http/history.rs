//! What happened to offers, entry for entry, and where an offer stood at some moment: the journal, to be read.

use super::errors::Problem;
use super::lines::{Members, Span, Wanted, moment, page};
use super::offers::missing;
use super::request::{At, query};
use super::{Rooms, Shared, reply};
use crate::auth::Permission;
use crate::store::{About, Line, LineSelection};
use crate::wire;
use api::events::{HistoryEntry, HistoryPage};
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use publishing::happening::Happening;
use publishing::moment::Moment;
use publishing::offer::{OfferId, OfferKey, PublisherId};
use publishing::principal::Circle;
use std::sync::Arc;
use uuid::Uuid;

/// What a query may say; anything else is passed over, as everywhere.
const PARAMETERS: [&str; 10] =
    ["after", "before", "top", "order", "event", "operationId", "stepId", "since", "until", "expand"];

/// What happened to an offer: its entries of the publisher's journal.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/history", operation_id = "get_offer_history", tag = "History",
    params(("publisherId" = String, Path), ("offerId" = String, Path),
        ("after" = Option<i64>, Query, description = "Only entries after this sequence number."),
        ("before" = Option<i64>, Query, description = "Only entries before this sequence number."),
        ("$top" = Option<i64>, Query, description = "How many at most: 1 to 200, 50 where nothing is said."),
        ("order" = Option<String>, Query, description = "asc, oldest first, where nothing is said; or desc."),
        ("event" = Option<String>, Query, description = "Only these events, with commas between them."),
        ("operationId" = Option<String>, Query, description = "Only entries about this operation."),
        ("stepId" = Option<String>, Query, description = "Only entries about this step."),
        ("since" = Option<String>, Query, description = "Only entries of this moment and later."),
        ("until" = Option<String>, Query, description = "Only entries before this moment."),
        ("$expand" = Option<String>, Query, description = "status: each entry with the status document as it was after it."),
        ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = HistoryPage, headers(("ETag" = String))), (status = 304, description = "Not changed.")))]
pub(crate) async fn get_offer_history(
    State(rooms): Shared,
    at: At,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::Read)?;
    let name = at.status_name(&authorised)?;
    let key = at.key(&authorised)?;
    if rooms.read.status(name.as_str())?.is_none() {
        return Err(missing(&key));
    }
    answer(&rooms, &uri, &headers, key.publisher, Some(key.offer)).await
}

/// What happened to a publisher's offers.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/history", operation_id = "get_publisher_history", tag = "History",
    params(("publisherId" = String, Path),
        ("after" = Option<i64>, Query, description = "Only entries after this sequence number."),
        ("before" = Option<i64>, Query, description = "Only entries before this sequence number."),
        ("$top" = Option<i64>, Query, description = "How many at most: 1 to 200, 50 where nothing is said."),
        ("order" = Option<String>, Query, description = "asc, oldest first, where nothing is said; or desc."),
        ("event" = Option<String>, Query, description = "Only these events, with commas between them."),
        ("operationId" = Option<String>, Query, description = "Only entries about this operation."),
        ("stepId" = Option<String>, Query, description = "Only entries about this step."),
        ("since" = Option<String>, Query, description = "Only entries of this moment and later."),
        ("until" = Option<String>, Query, description = "Only entries before this moment."),
        ("$expand" = Option<String>, Query, description = "status: each entry with the status document as it was after it."),
        ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = HistoryPage, headers(("ETag" = String))), (status = 304, description = "Not changed.")))]
pub(crate) async fn get_publisher_history(
    State(rooms): Shared,
    at: At,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::Read)?;
    answer(&rooms, &uri, &headers, authorised.publisher().clone(), None).await
}

async fn answer(
    rooms: &Rooms,
    uri: &Uri,
    headers: &HeaderMap,
    publisher: PublisherId,
    offer: Option<OfferId>,
) -> Result<Response, Problem> {
    let mut asked = Asked::read(uri, publisher, offer)?;
    asked.span.narrow(&rooms.read)?;
    let asked = Arc::new(asked);
    let (value, next) = page(rooms, &asked, None, asked.span.top()).await?;
    let next_link = next.map(|next| asked.span.next(&rooms.public_url, next));
    Ok(reply::rendered(&HistoryPage { value, next_link }, headers))
}

/// What a query asks for.
struct Asked {
    span: Span,
    publisher: PublisherId,
    events: Vec<Happening>,
    operation: Option<Uuid>,
    step: Option<String>,
    expands: bool,
}

impl Asked {
    fn read(uri: &Uri, publisher: PublisherId, offer: Option<OfferId>) -> Result<Self, Problem> {
        let members = Members::read(uri, &PARAMETERS)?;
        let expands = members.text("expand").is_some_and(|what| what.eq_ignore_ascii_case("status"));
        if !expands && members.text("expand").is_some() {
            return Err(Problem::bad_request("$expand", "Only status can be expanded. Write $expand=status."));
        }
        let of_offer = offer.as_ref().map(|offer| format!("/offers/{offer}")).unwrap_or_default();
        let path = format!("/api/publishers/{publisher}{of_offer}/history");
        Ok(Self {
            events: members.text("event").map_or(Ok(Vec::new()), read_events)?,
            operation: members.text("operationId").map(read_operation).transpose()?,
            step: members.text("stepId").map(str::to_owned),
            expands,
            span: Span::read(
                members,
                Circle::Publisher(publisher.clone()),
                offer.map_or(About::Offers, About::Offer),
                false,
                path,
            )?,
            publisher,
        })
    }
}

impl Wanted for Asked {
    type Entry = HistoryEntry;

    fn span(&self) -> &Span {
        &self.span
    }

    fn is_filtered(&self) -> bool {
        !self.events.is_empty() || self.operation.is_some() || self.step.is_some()
    }

    fn wanted(&self, line: &Line) -> serde_json::Result<Option<HistoryEntry>> {
        let happened = wire::happened(line, &self.publisher)?;
        let is_wanted = (self.events.is_empty() || self.events.iter().any(|event| event.name() == happened.event))
            && (self.operation.is_none() || self.operation == happened.operation_id)
            && self
                .step
                .as_ref()
                .is_none_or(|step| happened.step_id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(step)));
        if !is_wanted {
            return Ok(None);
        }
        let status_document = self.expands.then(|| serde_json::from_slice(&line.document)).transpose()?;
        Ok(Some(HistoryEntry { happened, status_document }))
    }
}

/// What `asOf` in the query of a status says, where it is there.
pub(super) fn as_of(uri: &Uri) -> Result<Option<String>, Problem> {
    // Nearly every query is the api-version and nothing else, and this stands before the read that is asked for most.
    if !uri.query().is_some_and(|query| query.contains('&')) {
        return Ok(None);
    }
    let mut moments = query(uri).into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("asOf"));
    let moment = moments.next().map(|(_, value)| value);
    match moments.next() {
        Some(_) => Err(Problem::bad_request("asOf", "asOf is given twice. Give it once.")),
        None => Ok(moment),
    }
}

/// The status document of an offer as it was served at a moment.
pub(super) async fn status_at(
    rooms: &Rooms,
    key: &OfferKey,
    text: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let at = moment("asOf", text)?;
    if at > rooms.perform.now() {
        return Err(Problem::bad_request("asOf", "asOf lies in the future. Give a moment that has passed."));
    }
    let (circle, about) = (Circle::Publisher(key.publisher.clone()), About::Offer(key.offer.clone()));
    let before = rooms.read.first_since(&circle, Some(&key.offer), Moment::from_ticks(at.ticks() + 1))?;
    let newest = LineSelection { circle, about, after: 0, before, newest_first: true, most: 1 };
    let _turn = rooms.followers.reading.acquire().await;
    if let Some(line) = rooms.read.lines(newest.clone()).await?.pop() {
        let document = wire::tagged(line.document).map_err(|error| Problem::internal(&error))?;
        return Ok(reply::document(document, headers));
    }
    let oldest = LineSelection { before: i64::MAX, newest_first: false, ..newest };
    match rooms.read.lines(oldest).await?.first() {
        Some(line) => Err(Problem::not_found(format!(
            "There was no offer {} at that moment: it is there since {}. Ask for a later one.",
            key.offer,
            wire::date(Moment::from_ticks(line.at))
        ))),
        None => Err(missing(key)),
    }
}

fn read_events(names: &str) -> Result<Vec<Happening>, Problem> {
    let message = || {
        let all: Vec<&str> = Happening::ALL.iter().map(|happening| happening.name()).collect();
        format!("event names something that does not happen. Write some of these, with commas: {}.", all.join(", "))
    };
    let read = |name: &str| {
        let named = Happening::ALL.into_iter().find(|happening| happening.name().eq_ignore_ascii_case(name.trim()));
        named.ok_or_else(|| Problem::bad_request("event", message()))
    };
    names.split(',').map(read).collect()
}

fn read_operation(id: &str) -> Result<Uuid, Problem> {
    let message = "operationId is no id of an operation. The offer's submissions list them.";
    Uuid::try_parse(id).map_err(|_| Problem::bad_request("operationId", message))
}

//! What happened to offers, entry for entry, and where an offer stood at some moment: the journal, to be read.

use super::errors::Problem;
use super::offers::missing;
use super::request::{At, query};
use super::{Rooms, Shared, reply};
use crate::auth::Permission;
use crate::store::{Line, LineSelection};
use crate::wire;
use api::dates::Date;
use api::events::{HistoryEntry, HistoryPage};
use api::paths::{API_VERSION, API_VERSION_PARAMETER};
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use publishing::happening::Happening;
use publishing::moment::Moment;
use publishing::offer::{OfferId, OfferKey, PublisherId};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// What `$top` may say, and what counts where it says nothing.
const MOST: usize = 200;
const USUAL: usize = 50;

/// How many lines are looked at for one page, where a filter passes many over.
const LOOKED_AT: usize = 1_000;

/// By how much the times of a publisher's lines may be out of the order of their numbers, in seconds: offers change side by
/// side, and clocks are set right.
const DISORDER_SECONDS: i64 = 3_600;

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
    asked.narrow(rooms)?;
    let asked = Arc::new(asked);
    let (value, next) = page(rooms, &asked).await?;
    let next_link = next.map(|next| asked.next(&rooms.public_url, next));
    Ok(reply::rendered(&HistoryPage { value, next_link }, headers))
}

/// What a query asks for.
struct Asked {
    selection: LineSelection,
    top: usize,
    events: Vec<Happening>,
    operation: Option<Uuid>,
    step: Option<String>,
    since: Option<Moment>,
    until: Option<Moment>,
    expands: bool,
    /// The query's members, for the link to the next page.
    members: BTreeMap<&'static str, String>,
}

impl Asked {
    fn read(uri: &Uri, publisher: PublisherId, offer: Option<OfferId>) -> Result<Self, Problem> {
        let mut members = BTreeMap::new();
        for (name, value) in query(uri) {
            let Some(name) = PARAMETERS.into_iter().find(|known| known.eq_ignore_ascii_case(&name)) else { continue };
            if members.insert(name, value).is_some() {
                return Err(Problem::bad_request(name, format!("{name} is given twice. Give it once.")));
            }
        }
        let text = |name: &str| members.get(name).map(String::as_str);
        let newest_first = text("order").is_some_and(|order| order.eq_ignore_ascii_case("desc"));
        if !newest_first && !text("order").is_none_or(|order| order.eq_ignore_ascii_case("asc")) {
            return Err(Problem::bad_request("order", "order is neither asc nor desc. Write one of them."));
        }
        let expands = text("expand").is_some_and(|what| what.eq_ignore_ascii_case("status"));
        if !expands && text("expand").is_some() {
            return Err(Problem::bad_request("$expand", "Only status can be expanded. Write $expand=status."));
        }
        Ok(Self {
            selection: LineSelection {
                publisher,
                offer,
                after: text("after").map_or(Ok(0), |after| number("after", after))?,
                before: text("before").map_or(Ok(i64::MAX), |before| number("before", before))?,
                newest_first,
                most: 0,
            },
            top: text("top").map_or(Ok(USUAL), read_top)?,
            events: text("event").map_or(Ok(Vec::new()), read_events)?,
            operation: text("operationId").map(read_operation).transpose()?,
            step: text("stepId").map(str::to_owned),
            since: text("since").map(|since| moment("since", since)).transpose()?,
            until: text("until").map(|until| moment("until", until)).transpose()?,
            expands,
            members,
        })
    }

    /// Looks up where the times begin and end, so that nothing far from them is read.
    fn narrow(&mut self, rooms: &Rooms) -> Result<(), Problem> {
        let LineSelection { publisher, offer, after, before, .. } = &mut self.selection;
        let disorder = if offer.is_some() { 0 } else { DISORDER_SECONDS };
        if let Some(since) = self.since {
            let first = rooms.read.first_since(publisher, offer.as_ref(), since.plus_seconds(-disorder))?;
            *after = (*after).max(first - 1);
        }
        if let Some(until) = self.until {
            *before = (*before).min(rooms.read.first_since(publisher, offer.as_ref(), until.plus_seconds(disorder))?);
        }
        Ok(())
    }

    fn is_filtered(&self) -> bool {
        let by_time = self.selection.offer.is_none() && (self.since.is_some() || self.until.is_some());
        by_time || !self.events.is_empty() || self.operation.is_some() || self.step.is_some()
    }

    /// The line as an entry, where it is one that was asked for.
    fn wanted(&self, line: &Line) -> Result<Option<HistoryEntry>, Problem> {
        let at = Moment::from_ticks(line.at);
        if self.since.is_some_and(|since| at < since) || self.until.is_some_and(|until| at >= until) {
            return Ok(None);
        }
        let unreadable = |error: serde_json::Error| Problem::internal(&format!("entry {}: {error}", line.sequence));
        let happened = wire::happened(line, &self.selection.publisher).map_err(unreadable)?;
        let is_wanted = (self.events.is_empty() || self.events.iter().any(|event| event.name() == happened.event))
            && (self.operation.is_none() || self.operation == happened.operation_id)
            && self
                .step
                .as_ref()
                .is_none_or(|step| happened.step_id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(step)));
        if !is_wanted {
            return Ok(None);
        }
        let document = self.expands.then(|| serde_json::from_slice(&line.document)).transpose();
        Ok(Some(HistoryEntry { happened, status_document: document.map_err(unreadable)? }))
    }

    /// The address of the page that goes on from this number.
    fn next(&self, public_url: &str, from: i64) -> String {
        let mut members = self.members.clone();
        members.insert(if self.selection.newest_first { "before" } else { "after" }, from.to_string());
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair(API_VERSION_PARAMETER, API_VERSION)
            .extend_pairs(members)
            .finish();
        let LineSelection { publisher, offer, .. } = &self.selection;
        let offer = offer.as_ref().map(|offer| format!("/offers/{offer}")).unwrap_or_default();
        format!("{public_url}/api/publishers/{publisher}{offer}/history?{query}")
    }
}

/// The entries of a page, and the number from which the next page goes on, where there is one.
async fn page(rooms: &Rooms, asked: &Arc<Asked>) -> Result<(Vec<HistoryEntry>, Option<i64>), Problem> {
    // One more than is shown tells whether there is another page.
    let most = if asked.is_filtered() { MOST } else { asked.top + 1 };
    let mut selection = LineSelection { most: i64::try_from(most).unwrap_or(i64::MAX), ..asked.selection.clone() };
    let (mut found, mut looked_at, mut last) = (Vec::new(), 0, None);
    loop {
        let lines = read(rooms, asked, selection.clone()).await?;
        let count = lines.len();
        for (sequence, wanted) in lines {
            if let Some(entry) = wanted {
                if found.len() == asked.top {
                    return Ok((found, last));
                }
                found.push(entry);
            }
            last = Some(sequence);
        }
        looked_at += count;
        if count < most {
            return Ok((found, None));
        }
        if looked_at >= LOOKED_AT {
            return Ok((found, last));
        }
        if let Some(last) = last {
            *(if selection.newest_first { &mut selection.before } else { &mut selection.after }) = last;
        }
    }
}

/// The number of each of some lines, and the entry where it is one that was asked for. Only a few read at once, and documents are
/// read apart from those who answer others.
async fn read(
    rooms: &Rooms,
    asked: &Arc<Asked>,
    selection: LineSelection,
) -> Result<Vec<(i64, Option<HistoryEntry>)>, Problem> {
    let _turn = rooms.followers.reading.acquire().await;
    let lines = rooms.read.lines(selection).await?;
    let asked = Arc::clone(asked);
    let judge = move || lines.iter().map(|line| Ok((line.sequence, asked.wanted(line)?))).collect();
    tokio::task::spawn_blocking(judge).await.map_err(|error| Problem::internal(&error))?
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
    let (publisher, offer) = (key.publisher.clone(), Some(key.offer.clone()));
    let before = rooms.read.first_since(&key.publisher, offer.as_ref(), Moment::from_ticks(at.ticks() + 1))?;
    let newest = LineSelection { publisher, offer, after: 0, before, newest_first: true, most: 1 };
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

fn moment(name: &str, text: &str) -> Result<Moment, Problem> {
    let message = || {
        format!(
            "{name} is no moment. Write one of the years 1 to 9999 as 2026-11-22T09:41:00Z, with up to 7 digits of a second \
             (2026-11-22T09:41:00.1234567Z), or with an offset as 2026-11-22T10:41:00%2B01:00."
        )
    };
    let date = Date::parse(text).filter(|date| date.ticks() >= 0);
    date.map(|date| Moment::from_ticks(date.ticks())).ok_or_else(|| Problem::bad_request(name, message()))
}

fn number(name: &str, text: &str) -> Result<i64, Problem> {
    let message = || format!("{name} is no sequence number. Give a whole number from 0, as entries have them.");
    text.parse().ok().filter(|number| *number >= 0).ok_or_else(|| Problem::bad_request(name, message()))
}

fn read_top(top: &str) -> Result<usize, Problem> {
    let fits = |top: &usize| (1..=MOST).contains(top);
    let message = || format!("$top is not a whole number from 1 to {MOST}. Correct it, or leave it out.");
    top.parse().ok().filter(fits).ok_or_else(|| Problem::bad_request("$top", message()))
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

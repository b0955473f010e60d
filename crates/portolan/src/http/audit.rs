//! The audit: who did what, to offers and to who may what. As pages, as CSV, and as a JSON object a line.

use super::errors::Problem;
use super::exported::{Export, Format};
use super::lines::{Members, Span, Wanted, page};
use super::request::At;
use super::{Rooms, Shared, reply};
use crate::auth::Permission;
use crate::store::{About, Line, Read};
use crate::wire;
use api::audit::{AuditEntry, AuditPage};
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use publishing::entry::Event;
use publishing::offer::OfferId;
use publishing::principal::Circle;
use std::sync::Arc;
use uuid::Uuid;

/// What a query may say; anything else is passed over, as everywhere.
const PARAMETERS: [&str; 10] =
    ["after", "before", "top", "order", "event", "offerId", "who", "since", "until", "format"];

/// Who did what at a publisher, the newest first: all of its journal.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/audit", operation_id = "get_publisher_audit", tag = "Audit",
    params(("publisherId" = String, Path),
        ("who" = Option<String>, Query, description = "Only what this one did: a name or mail address as entries have it, or a principal's id."),
        ("offerId" = Option<String>, Query, description = "Only entries about this offer."),
        ("event" = Option<String>, Query, description = "Only these events, with commas between them."),
        ("since" = Option<String>, Query, description = "Only entries of this moment and later."),
        ("until" = Option<String>, Query, description = "Only entries before this moment."),
        ("after" = Option<i64>, Query, description = "Only entries after this sequence number."),
        ("before" = Option<i64>, Query, description = "Only entries before this sequence number."),
        ("$top" = Option<i64>, Query, description = "How many at most: 1 to 200. 50 where nothing is said, and all in an export."),
        ("order" = Option<String>, Query, description = "desc, newest first, where nothing is said; or asc."),
        ("format" = Option<String>, Query, description = "json; or csv or jsonl, which export all that was asked for. It goes before the header Accept."),
        ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "A page; or all of it as a file.", headers(("ETag" = String)),
        content((AuditPage = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), (status = 304, description = "Not changed.")))]
pub(crate) async fn get_publisher_audit(
    State(rooms): Shared,
    at: At,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let publisher = at.authorise(&rooms.read, Permission::ReadAudit)?.publisher().clone();
    answer(rooms, &at, &uri, &headers, Circle::Publisher(publisher)).await
}

/// Who did what among the marketplace's staff, the newest first: all of the marketplace's own journal.
#[utoipa::path(get, path = "/api/audit", operation_id = "get_marketplace_audit", tag = "Audit",
    params(
        ("who" = Option<String>, Query, description = "Only what this one did: a name or mail address as entries have it, or a principal's id."),
        ("event" = Option<String>, Query, description = "Only these events, with commas between them."),
        ("since" = Option<String>, Query, description = "Only entries of this moment and later."),
        ("until" = Option<String>, Query, description = "Only entries before this moment."),
        ("after" = Option<i64>, Query, description = "Only entries after this sequence number."),
        ("before" = Option<i64>, Query, description = "Only entries before this sequence number."),
        ("$top" = Option<i64>, Query, description = "How many at most: 1 to 200. 50 where nothing is said, and all in an export."),
        ("order" = Option<String>, Query, description = "desc, newest first, where nothing is said; or asc."),
        ("format" = Option<String>, Query, description = "json; or csv or jsonl, which export all that was asked for. It goes before the header Accept."),
        ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "A page; or all of it as a file.", headers(("ETag" = String)),
        content((AuditPage = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), (status = 304, description = "Not changed.")))]
pub(crate) async fn get_marketplace_audit(
    State(rooms): Shared,
    at: At,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    at.caller().authorise_marketplace(Permission::ReadAudit)?;
    answer(rooms, &at, &uri, &headers, Circle::Marketplace).await
}

async fn answer(
    rooms: Arc<Rooms>,
    at: &At,
    uri: &Uri,
    headers: &HeaderMap,
    circle: Circle,
) -> Result<Response, Problem> {
    let for_staff = at.caller().authorise_marketplace(Permission::ReadAudit).is_ok();
    let members = Members::read(uri, &PARAMETERS)?;
    let format = Format::of(members.text("format"), headers)?;
    let asked = Arc::new(Asked::read(&rooms, members, circle, for_staff)?);
    if let Some(format) = format {
        return Export::begin(rooms, at.caller_again(), asked, format).await;
    }
    let (value, next) = page(&rooms, &asked, None, asked.span.top()).await?;
    let next_link = next.map(|next| asked.span.next(&rooms.public_url, next));
    Ok(reply::rendered(&AuditPage { value, next_link }, headers))
}

/// What a query asks for.
pub(super) struct Asked {
    span: Span,
    events: Vec<&'static str>,
    who: Option<String>,
    for_staff: bool,
    read: Read,
}

impl Asked {
    fn read(rooms: &Rooms, members: Members, circle: Circle, for_staff: bool) -> Result<Self, Problem> {
        let path = match &circle {
            Circle::Marketplace => "/api/audit".to_owned(),
            Circle::Publisher(publisher) => format!("/api/publishers/{publisher}/audit"),
        };
        let about = members.text("offerId").map(read_offer).transpose()?.map_or(About::Anything, About::Offer);
        let events = members.text("event").map_or(Ok(Vec::new()), read_events)?;
        let who = members.text("who").map(|who| who.trim().to_lowercase());
        let mut span = Span::read(members, circle, about, true, path)?;
        span.narrow(&rooms.read)?;
        Ok(Self { span, events, who, for_staff, read: rooms.read.clone() })
    }

    /// Whether it is asked as staff, who are told which reviewer did what.
    pub(super) fn is_for_staff(&self) -> bool {
        self.for_staff
    }
}

impl Wanted for Asked {
    type Entry = AuditEntry;

    fn span(&self) -> &Span {
        &self.span
    }

    fn is_filtered(&self) -> bool {
        !self.events.is_empty() || self.who.is_some()
    }

    fn wanted(&self, line: &Line) -> serde_json::Result<Option<AuditEntry>> {
        // One whose name cannot be read is called by its id.
        let member = |id: Uuid| {
            let known = self.read.principal(id).ok().flatten();
            known.map(|principal| principal.mail.unwrap_or(principal.name))
        };
        let entry = wire::audited(line, self.span.circle(), self.for_staff, &member)?;
        // By what is answered: nobody finds out here what an answer would not tell.
        let is_theirs = self.who.as_ref().is_none_or(|who| {
            entry.who.to_lowercase() == *who || entry.principal_id.is_some_and(|id| id.to_string() == *who)
        });
        let is_wanted = is_theirs && (self.events.is_empty() || self.events.iter().any(|event| *event == entry.event));
        Ok(is_wanted.then_some(entry))
    }
}

fn read_offer(id: &str) -> Result<OfferId, Problem> {
    let message = "offerId is no id of an offer. The list of offers shows them.";
    OfferId::parse(id).ok_or_else(|| Problem::bad_request("offerId", message))
}

fn read_events(names: &str) -> Result<Vec<&'static str>, Problem> {
    let message = || {
        format!(
            "event names something that is not done. Write some of these, with commas: {}.",
            Event::WORDS.join(", ")
        )
    };
    let read = |name: &str| {
        let known = Event::WORDS.into_iter().find(|word| word.eq_ignore_ascii_case(name.trim()));
        known.ok_or_else(|| Problem::bad_request("event", message()))
    };
    names.split(',').map(read).collect()
}

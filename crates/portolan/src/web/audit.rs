//! The audit: who did what, of a publisher's journal or the marketplace's own; filtered by the address, and written to files.

use super::at;
use super::circles::publishers;
use super::pages::{self, Shown};
use super::reader::text;
use super::shell::{Html, Room, Shell};
use super::sign_in::query;
use super::{Pages, Shared, Visitor};
use crate::auth::Permission;
use crate::store::StoreError;
use api::audit::AuditPage as WirePage;
use api::paths::segment;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method, StatusCode, Uri};
use publishing::moment::Moment;
use std::collections::HashMap;

/// How many entries one page shows.
const PAGE: &str = "50";

/// How the address names the marketplace's own journal; no publisher's id has such a letter.
const MARKETPLACE: &str = "$marketplace";

/// The page.
#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    /// The journals there are to choose from: how the address names each, and its name.
    circles: Vec<(String, String)>,
    circle: String,
    asked: Asked,
    rows: Vec<Row>,
    /// What the API says no with.
    fault: Option<String>,
    older: Option<String>,
    csv: String,
    lines: String,
    command: String,
}

/// One entry.
struct Row {
    id: String,
    at: Html,
    who: String,
    words: String,
    event: String,
    offer: Option<(String, String)>,
    /// The difference that a published version made.
    difference: Option<String>,
    hash: String,
}

/// What the query asks for, beside the journal.
struct Asked {
    who: String,
    offer: String,
    event: String,
    since: String,
    before: String,
}

impl Asked {
    fn read(query: &HashMap<String, String>) -> Self {
        let field = |name: &str| query.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
        Self {
            who: field("who"),
            offer: field("offer"),
            event: field("event"),
            since: field("since"),
            before: field("before"),
        }
    }

    /// The day from which on, where it can be one: a field for days takes nothing else.
    fn day(&self) -> &str {
        let is_day = self.since.parse::<jiff::civil::Date>().is_ok();
        if is_day { &self.since } else { "" }
    }

    /// The query of the API that asks for this.
    fn of_api(&self, format: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let since = if self.since.is_empty() { String::new() } else { format!("{}T00:00:00Z", self.since) };
        for (name, value) in [
            ("who", self.who.as_str()),
            ("offerId", &self.offer),
            ("event", &self.event),
            ("since", &since),
            ("before", &self.before),
            ("format", format.unwrap_or_default()),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if format.is_none() {
            query.append_pair("$top", PAGE);
        }
        query.finish()
    }

    /// An address of ours that asks for this.
    fn of_page(&self, path: &str, circle: &str, before: Option<i64>) -> String {
        let mut query = form_urlencoded::Serializer::for_suffix(format!("{path}?"), path.len() + 1);
        let before = before.map(|number| number.to_string()).unwrap_or_default();
        for (name, value) in [
            ("of", circle),
            ("who", &self.who),
            ("offer", &self.offer),
            ("event", &self.event),
            ("since", &self.since),
            ("before", &before),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

fn path_of(circle: &str) -> String {
    if circle == MARKETPLACE { "/api/audit".to_owned() } else { format!("/api/publishers/{}/audit", segment(circle)) }
}

/// Shows who did what.
pub(super) async fn show(State(pages): Shared, uri: Uri) -> Shown {
    let visitor = match at::signed_in() {
        Ok(visitor) => visitor,
        Err(refused) => return (*refused).into(),
    };
    page(&pages, &visitor, &query(&uri)).await.unwrap_or_else(|error| pages::not_now(&error)).into()
}

/// The journals that somebody may read.
fn circles(pages: &Pages, visitor: &Visitor) -> Result<Vec<(String, String)>, StoreError> {
    let mut circles = Vec::new();
    if visitor.caller.authorise_marketplace(Permission::ReadAudit).is_ok() {
        circles.push((MARKETPLACE.to_owned(), text().audit_marketplace()));
    }
    let publishers = publishers(pages, visitor, Permission::ReadAudit)?;
    circles.extend(publishers.into_iter().map(|one| (one.id.to_string(), one.display_text)));
    Ok(circles)
}

async fn page(pages: &Pages, visitor: &Visitor, query: &HashMap<String, String>) -> Result<Response, StoreError> {
    let shell = Shell::of(Room::Audit);
    let circles = circles(pages, visitor)?;
    let wanted = query.get("of").map_or("", String::as_str);
    let Some((circle, _)) =
        circles.iter().find(|(id, _)| wanted.is_empty() || id.eq_ignore_ascii_case(wanted)).cloned()
    else {
        return Ok(*at::no_publisher());
    };
    let asked = Asked::read(query);
    let read = pages.api(visitor).get::<WirePage>(&format!("{}?{}", path_of(&circle), asked.of_api(None))).await;
    let (entries, more, fault) = match read {
        Ok(page) => (page.value, page.next_link.is_some(), None),
        Err(refused) => (Vec::new(), false, Some(refused.message)),
    };
    let last = entries.last().map(|entry| entry.sequence);
    let rows = entries.into_iter().map(|entry| {
        let publisher = entry.publisher_id.clone().unwrap_or_else(|| circle.clone());
        let offer = entry.offer_id.clone().map(|offer| {
            let address = format!("/publishers/{}/offers/{}", segment(&publisher), segment(&offer));
            (offer, address)
        });
        let difference = match (&offer, entry.version, entry.event.as_str()) {
            (Some((_, address)), Some(version), "published") if version > 1 => {
                Some(format!("{address}/diff?from={}&to={version}", version - 1))
            }
            _ => None,
        };
        Row {
            id: format!("e-{}", entry.sequence),
            at: shell.when(Moment::from_ticks(entry.at.ticks())),
            who: entry.who,
            words: entry.words,
            event: entry.event,
            offer,
            difference,
            hash: entry.hash.chars().take(8).collect(),
        }
    });
    let template = AuditPage {
        rows: rows.collect(),
        older: last.filter(|_| more).map(|last| asked.of_page("/audit", &circle, Some(last))),
        csv: asked.of_page("/audit.csv", &circle, None),
        lines: asked.of_page("/audit.jsonl", &circle, None),
        command: command(&circle, &asked),
        fault,
        asked,
        circle,
        circles,
        shell,
    };
    Ok(pages::page(StatusCode::OK, &template))
}

fn command(circle: &str, asked: &Asked) -> String {
    let of = if circle == MARKETPLACE { "--marketplace".to_owned() } else { format!("--publisher {circle}") };
    let mut line = format!("portolan audit list {of}");
    for (flag, value) in
        [("--who", &asked.who), ("--offer", &asked.offer), ("--event", &asked.event), ("--since", &asked.since)]
    {
        if !value.is_empty() {
            line.push_str(&format!(" {flag} '{}'", value.replace('\'', "'\\''")));
        }
    }
    line
}

/// The same as a table for spreadsheets.
pub(super) async fn csv(State(pages): Shared, uri: Uri) -> Shown {
    written(&pages, &uri, "csv").await
}

/// The same as a line of JSON for each entry.
pub(super) async fn lines(State(pages): Shared, uri: Uri) -> Shown {
    written(&pages, &uri, "jsonl").await
}

async fn written(pages: &Pages, uri: &Uri, format: &str) -> Shown {
    let visitor = match at::signed_in() {
        Ok(visitor) => visitor,
        Err(refused) => return (*refused).into(),
    };
    let query = query(uri);
    let circle = query.get("of").map_or("", String::as_str);
    let path = format!("{}?{}", path_of(circle), Asked::read(&query).of_api(Some(format)));
    let response = match pages.api(&visitor).raw(Method::GET, &path, None, Bytes::new()).await {
        Ok(response) if response.status() == StatusCode::OK => response,
        Ok(response) if response.status() == StatusCode::FORBIDDEN => return (*at::no_publisher()).into(),
        _ => return pages::fault(StatusCode::BAD_REQUEST, &text().audit_no_file()).into(),
    };
    let mut response = response.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.into()
}

//! An audit as a file: CSV, or a JSON object a line, read page by page while it is sent.

use super::audit::Asked;
use super::errors::Problem;
use super::lines::{MOST, Wanted, page};
use super::{Rooms, reply};
use crate::auth::{Caller, Permission};
use api::audit::AuditEntry;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use publishing::principal::Circle;
use std::io;
use std::sync::Arc;

/// The names of the columns.
const COLUMNS: [&str; 13] = [
    "sequence",
    "at",
    "event",
    "words",
    "who",
    "principalId",
    "publisherId",
    "offerId",
    "operationId",
    "stepId",
    "version",
    "memberId",
    "hash",
];

/// In what form entries are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// With a line of names first.
    Csv,
    /// A JSON object a line.
    Lines,
}

impl Format {
    /// What the query or else the header `Accept` asks for; none for a page of JSON.
    ///
    /// # Errors
    /// 400 for another format.
    pub(super) fn of(said: Option<&str>, headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        match said.map(str::to_ascii_lowercase).as_deref() {
            Some("json") => Ok(None),
            Some("csv") => Ok(Some(Self::Csv)),
            Some("jsonl") => Ok(Some(Self::Lines)),
            Some(_) => Err(Problem::bad_request("format", "format is none of json, csv and jsonl. Write one of them.")),
            None => {
                let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
                let mut types = accepted.flat_map(|value| value.split(',')).map(|range| {
                    let media_type = range.split(';').next().unwrap_or_default();
                    media_type.trim().to_ascii_lowercase()
                });
                // The first that is known counts.
                let known = types.find_map(|media_type| match media_type.as_str() {
                    "text/csv" => Some(Some(Self::Csv)),
                    "application/x-ndjson" | "application/jsonl" => Some(Some(Self::Lines)),
                    "application/json" => Some(None),
                    _ => None,
                });
                Ok(known.flatten())
            }
        }
    }

    const fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Lines => "application/x-ndjson; charset=utf-8",
        })
    }

    const fn file(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Csv => "attachment; filename=\"audit.csv\"",
            Self::Lines => "attachment; filename=\"audit.jsonl\"",
        })
    }

    fn written(self, entries: &[AuditEntry], is_first: bool) -> io::Result<Bytes> {
        match self {
            Self::Csv => csv(entries, is_first),
            Self::Lines => {
                let mut out = Vec::new();
                for entry in entries {
                    serde_json::to_writer(&mut out, entry)?;
                    out.push(b'\n');
                }
                Ok(out.into())
            }
        }
    }
}

/// An export on its way.
pub(super) struct Export {
    rooms: Arc<Rooms>,
    caller: Arc<Caller>,
    asked: Arc<Asked>,
    format: Format,
    /// How many entries are still to come at most, where that was said.
    left: Option<usize>,
    /// From where it goes on; none once all was read.
    next: Option<i64>,
}

impl Export {
    /// Reads the first page, and answers with it and all that follow.
    ///
    /// # Errors
    /// As the page. What fails later ends the answer before its end, which clients notice.
    pub(super) async fn begin(
        rooms: Arc<Rooms>,
        caller: Arc<Caller>,
        asked: Arc<Asked>,
        format: Format,
    ) -> Result<Response, Problem> {
        let left = asked.span().said_top();
        let mut export = Self { rooms, caller, asked, format, left, next: None };
        let entries = export.page(None).await?;
        let first = format.written(&entries, true).map_err(|error| Problem::internal(&error))?;
        let rest = futures_util::stream::unfold(export, |mut export| async move {
            let part = export.part().await?;
            if part.is_err() {
                export.next = None;
            }
            Some((part, export))
        });
        let whole = futures_util::StreamExt::chain(futures_util::stream::iter([Ok(first)]), rest);
        let mut response = reply::with_body(StatusCode::OK, Body::from_stream(whole));
        response.headers_mut().insert(CONTENT_TYPE, format.media_type());
        response.headers_mut().insert(CONTENT_DISPOSITION, format.file());
        Ok(response)
    }

    async fn page(&mut self, from: Option<i64>) -> Result<Vec<AuditEntry>, Problem> {
        let most = self.left.map_or(MOST, |left| left.min(MOST));
        let (entries, next) = page(&self.rooms, &self.asked, from, most).await?;
        self.left = self.left.map(|left| left.saturating_sub(entries.len()));
        self.next = next.filter(|_| self.left != Some(0));
        Ok(entries)
    }

    /// The next part; none where there is no more.
    async fn part(&mut self) -> Option<io::Result<Bytes>> {
        let next = self.next?;
        if self.rooms.is_draining() {
            return Some(Err(io::Error::other("the service stops")));
        }
        if !self.still_may() {
            return Some(Err(io::Error::other("the caller may not read the audit any more")));
        }
        Some(match self.page(Some(next)).await {
            Ok(entries) => self.format.written(&entries, false),
            Err(problem) => {
                tracing::error!(error = problem.message(), "an export of the audit broke off");
                Err(io::Error::other("the export broke off"))
            }
        })
    }

    /// Whether the caller may still read this, as what it was when it began, and its token has not ended.
    fn still_may(&mut self) -> bool {
        match self.rooms.gate.again(&self.caller) {
            Ok(caller) => self.caller = caller,
            Err(_) => return false,
        }
        match self.asked.span().circle() {
            Circle::Publisher(publisher) if !self.asked.is_for_staff() => {
                self.caller.authorise(publisher.as_str(), Permission::ReadAudit).is_ok()
            }
            _ => self.caller.authorise_marketplace(Permission::ReadAudit).is_ok(),
        }
    }
}

fn csv(entries: &[AuditEntry], is_first: bool) -> io::Result<Bytes> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if is_first {
        out.write_record(COLUMNS)?;
    }
    for entry in entries {
        out.write_record(cells(entry).map(harmless))?;
    }
    out.into_inner().map(Bytes::from).map_err(|error| io::Error::other(error.to_string()))
}

fn cells(entry: &AuditEntry) -> [String; COLUMNS.len()] {
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let entry = entry.clone();
    [
        entry.sequence.to_string(),
        entry.at.to_string(),
        entry.event,
        entry.words,
        entry.who,
        id(entry.principal_id),
        entry.publisher_id.unwrap_or_default(),
        entry.offer_id.unwrap_or_default(),
        id(entry.operation_id),
        entry.step_id.unwrap_or_default(),
        entry.version.map(|version| version.to_string()).unwrap_or_default(),
        id(entry.member_id),
        entry.hash,
    ]
}

/// A cell that no spreadsheet takes for a formula: anybody may choose a name.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::{Format, harmless};
    use http::HeaderMap;
    use http::header::ACCEPT;

    #[test]
    fn a_cell_is_no_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(harmless(formula.to_owned()), format!("'{formula}"));
        }
        for text in ["", "build", "a=1", "'=1", "2026-11-22"] {
            assert_eq!(harmless(text.to_owned()), text);
        }
    }

    #[test]
    fn the_query_goes_before_the_header() {
        let headers = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            headers
        };
        for (said, accept, format) in [
            (None, "*/*", None),
            (None, "text/csv", Some(Format::Csv)),
            (None, "Text/CSV; q=0.9, */*", Some(Format::Csv)),
            (None, "application/json, text/csv", None),
            (None, "application/x-ndjson", Some(Format::Lines)),
            (Some("JSON"), "text/csv", None),
            (Some("jsonl"), "text/csv", Some(Format::Lines)),
            (Some("csv"), "application/json", Some(Format::Csv)),
        ] {
            assert_eq!(Format::of(said, &headers(accept)).unwrap(), format, "{said:?} {accept}");
        }
        assert!(Format::of(Some("xml"), &headers("*/*")).is_err());
    }
}

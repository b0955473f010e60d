//! The submissions of an offer: all of them in pages, and one by itself, whose address stays.

use super::at::{self, OfferAt};
use super::pages::{self, Shown};
use super::shell::{Html, Room, Shell};
use super::sign_in::query;
use super::states;
use super::status::{self, SubmissionRow};
use super::steps::{self, MessageRow, StepRow};
use super::{Pages, Shared};
use crate::auth::Permission;
use crate::store::StoreError;
use api::events::HistoryPage;
use api::operations::Operation as WireOperation;
use api::paths::{API_VERSION, API_VERSION_PARAMETER};
use api::state::State;
use askama::Template;
use axum::extract::{RawPathParams, State as Extracted};
use axum::response::Response;
use http::{StatusCode, Uri};
use publishing::operation::{Course, Operation, Purpose};
use std::collections::HashMap;
use uuid::Uuid;

/// How many submissions one page shows.
const PAGE: usize = 50;

/// The list.
#[derive(Template)]
#[template(path = "submissions.html")]
struct SubmissionsPage<'a> {
    shell: Shell,
    path: &'a str,
    name: &'a str,
    publisher: &'a str,
    offer: &'a str,
    rows: Vec<Row>,
    count: usize,
    may_publish: bool,
    page: usize,
    /// Whether there are pages before and after.
    has_before: bool,
    has_after: bool,
}

/// One submission of the list.
struct Row {
    own: SubmissionRow,
    /// Who asked for it, where that is known.
    by: Option<String>,
    /// The version submitted before it, which was another one.
    compared: Option<i64>,
}

/// One submission.
#[derive(Template)]
#[template(path = "submission.html")]
struct SubmissionPage<'a> {
    shell: Shell,
    path: &'a str,
    name: &'a str,
    publisher: &'a str,
    offer: &'a str,
    row: Row,
    badge: Html,
    about: Vec<MessageRow>,
    steps: Vec<StepRow>,
    changed: Html,
    ends_at_sign_off: bool,
    emails: Option<String>,
    operation: String,
    /// Where the API answers the same.
    address: String,
    document: String,
    /// Whether it may still change.
    is_open: bool,
    older: Option<usize>,
    newer: Option<usize>,
}

/// All submissions of an offer, the newest first.
pub(super) async fn list(Extracted(pages): Shared, names: RawPathParams, uri: Uri) -> Shown {
    let at = match at::offer(&pages, &names).await {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    let page = query(&uri).get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 10_000);
    listed(&pages, &at, page).await.unwrap_or_else(|error| pages::not_now(&error)).into()
}

async fn listed(pages: &Pages, at: &OfferAt, page: usize) -> Result<Response, StoreError> {
    let (shell, key) = (Shell::of(Room::Offers), &at.offer.key);
    let runs = pages.read.operations(key).await?;
    let first = ((page - 1) * PAGE).min(runs.len());
    let shown = runs.get(first..(first + PAGE).min(runs.len())).unwrap_or_default();
    let by = by(pages, at, shown).await;
    let own = status::submissions(&shell, &runs, first + PAGE).into_iter().skip(first);
    let rows = own.zip(shown).enumerate().map(|(place, (own, run))| Row {
        own,
        by: by.get(&run.id).cloned(),
        compared: before(&runs, first + place),
    });
    let template = SubmissionsPage {
        path: &at::path_of(key),
        name: &at::name_of(&at.offer),
        publisher: key.publisher.as_str(),
        offer: key.offer.as_str(),
        rows: rows.collect(),
        count: runs.len(),
        may_publish: at.visitor.may(key.publisher.as_str(), Permission::Publish),
        page,
        has_before: page > 1,
        has_after: first + PAGE < runs.len(),
        shell,
    };
    Ok(pages::page(StatusCode::OK, &template))
}

/// The version that was submitted before that of the run at this place, the newest run being at 0.
fn before(runs: &[Operation], place: usize) -> Option<i64> {
    let own = runs.get(place)?.offer_version;
    runs.iter().skip(place + 1).map(|run| run.offer_version).find(|version| *version != own)
}

/// Who asked for these runs, given the newest first: as the journal says it.
async fn by(pages: &Pages, at: &OfferAt, runs: &[Operation]) -> HashMap<Uuid, String> {
    let (Some(newest), Some(oldest)) = (runs.first(), runs.last()) else { return HashMap::new() };
    let date = |moment| crate::wire::date(moment).to_string();
    let path = format!(
        "/api{}/history?event=published,goLiveStarted&$top=200&order=desc&since={}&until={}",
        at::path_of(&at.offer.key),
        date(oldest.started_at),
        date(newest.started_at.plus_seconds(1)),
    );
    let history: Result<HistoryPage, _> = pages.api(&at.visitor).get(&path).await;
    let entries = history.map(|page| page.value).unwrap_or_default().into_iter();
    // Who it was exactly, the audit says.
    let person = |by: String| by.rsplit_once(" (").map_or(by.clone(), |(name, _)| name.to_owned());
    entries.filter_map(|entry| Some((entry.happened.operation_id?, person(entry.happened.by)))).collect()
}

/// One submission of an offer, by its number.
pub(super) async fn show(Extracted(pages): Shared, names: RawPathParams) -> Shown {
    let at = match at::offer(&pages, &names).await {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    let number = at::names(&names).get(2).and_then(|number| number.parse::<usize>().ok());
    one(&pages, &at, number.unwrap_or_default()).await.unwrap_or_else(|error| pages::not_now(&error)).into()
}

async fn one(pages: &Pages, at: &OfferAt, number: usize) -> Result<Response, StoreError> {
    let (shell, key) = (Shell::of(Room::Offers), &at.offer.key);
    let (t, path) = (shell.t, at::path_of(key));
    let runs = pages.read.operations(key).await?;
    let Some((place, run)) = runs.len().checked_sub(number).and_then(|place| Some((place, runs.get(place)?))) else {
        let all = (format!("{path}/submissions"), t.status_all_submissions());
        let link = Some((all.0.as_str(), all.1.as_str()));
        let (title, words) = (t.submission_none_title(), t.submission_none(runs.len()));
        return Ok(pages::message(StatusCode::NOT_FOUND, &title, &words, &[], link));
    };
    let address = format!("/api{path}/operations/{}", run.id);
    let answered = pages.api(&at.visitor).send(http::Method::GET, &address, None, bytes::Bytes::new()).await;
    let answered = answered.map_err(|error| StoreError::Unavailable(error.message))?;
    let corrupt = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
    let document: WireOperation = serde_json::from_slice(&answered.body).map_err(corrupt)?;
    let pretty: serde_json::Value = serde_json::from_slice(&answered.body).map_err(corrupt)?;
    let edit = format!("{path}/edit");
    let edit = at.visitor.may(key.publisher.as_str(), Permission::SaveDraft).then_some(edit.as_str());
    let by = by(pages, at, std::slice::from_ref(run)).await.remove(&run.id);
    let Some(own) = status::submissions(&shell, &runs, place + 1).pop() else {
        return Err(StoreError::Corrupt("a submission without a number".to_owned()));
    };
    let state = State::of_operation(document.status, &document.steps);
    let is_newest = place == 0;
    let template = SubmissionPage {
        path: &path,
        name: &at::name_of(&at.offer),
        publisher: key.publisher.as_str(),
        offer: key.offer.as_str(),
        badge: states::badge(t, state),
        about: document
            .messages
            .iter()
            .enumerate()
            .map(|(place, said)| steps::message(&shell, &format!("m-{}", place + 1), said, None))
            .collect(),
        steps: steps::rows(&shell, &document.steps, Some(run), edit),
        changed: shell.when(run.changed_at),
        ends_at_sign_off: run.purpose == Purpose::Publish && run.course == Course::Completed,
        emails: Some(document.notification_emails.replace(',', ", ")).filter(|list| !list.is_empty()),
        operation: run.id.to_string(),
        address: format!("{address}?{API_VERSION_PARAMETER}={API_VERSION}"),
        document: serde_json::to_string_pretty(&pretty).map_err(corrupt)?,
        is_open: is_newest && at.offer.active_operation().is_some(),
        older: number.checked_sub(1).filter(|older| *older > 0),
        newer: Some(number + 1).filter(|newer| *newer <= runs.len()),
        row: Row { own, by, compared: before(&runs, place) },
        shell,
    };
    Ok(pages::page(StatusCode::OK, &template))
}

//! What an emulator sent to nobody: mails, events to webhooks, leads, the newest first, and each by itself.

use super::pages::{self, Shown};
use super::panel::calls;
use super::reader::text;
use super::shell::{Html, Room, Shell};
use super::sign_in::query;
use super::text::Text;
use super::{lost, refused};
use api::emulator::{Sent, SentMail, SentRequest, SentWhat};
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::{Extensions, StatusCode, Uri};
use publishing::moment::Moment;

/// How many letters or requests one page shows.
pub(super) const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "outbox.html")]
struct OutboxPage {
    shell: Shell,
    rows: Vec<SentRow>,
    older: Option<String>,
}

/// One letter in a list.
pub(super) struct SentRow {
    pub(super) number: u64,
    pub(super) kind: String,
    pub(super) about: String,
    pub(super) to: String,
    pub(super) answer: String,
    pub(super) attempt: u32,
    pub(super) at: Html,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct LetterPage<'a> {
    shell: Shell,
    row: SentRow,
    mail: Option<&'a SentMail>,
    request: Option<&'a SentRequest>,
}

/// What kind of letter it is, in words.
fn kind(t: Text, what: &SentWhat) -> String {
    match what {
        SentWhat::Mail(_) => t.outbox_mail(),
        SentWhat::Webhook(_) => t.outbox_webhook(),
        SentWhat::Lead(_) => t.outbox_lead(),
        SentWhat::Other(_) => t.outbox_other(),
    }
}

/// What a letter is about: the subject of a mail, the type of an event.
fn about(what: &SentWhat) -> String {
    match what {
        SentWhat::Mail(mail) => mail.subject.clone(),
        SentWhat::Webhook(request) | SentWhat::Lead(request) | SentWhat::Other(request) => {
            let body: serde_json::Value = serde_json::from_str(&request.body).unwrap_or_default();
            let kind = body.get("type").and_then(serde_json::Value::as_str);
            kind.map_or_else(|| request.method.clone(), str::to_owned)
        }
    }
}

pub(super) fn row(shell: &Shell, sent: &Sent) -> SentRow {
    SentRow {
        number: sent.number,
        kind: kind(shell.t, &sent.what),
        about: about(&sent.what),
        to: sent.what.destination().to_owned(),
        answer: sent.answer.clone(),
        attempt: sent.attempt,
        at: shell.at(Moment::from_ticks(sent.at.ticks())),
    }
}

/// Those of a list that a page shows, newest first, and the number before which the next page goes on.
pub(super) fn part<T>(all: Vec<T>, number: impl Fn(&T) -> u64, uri: &Uri) -> (Vec<T>, Option<u64>) {
    let before = query(uri).get("before").and_then(|before| before.parse().ok()).unwrap_or(u64::MAX);
    let mut part: Vec<T> =
        all.into_iter().rev().filter(|one| number(one) < before).take(PAGE.saturating_add(1)).collect();
    let is_more = part.len() > PAGE;
    part.truncate(PAGE);
    let last = part.last().map(number).filter(|_| is_more);
    (part, last)
}

/// Everything that was sent.
pub(super) async fn list(extensions: Extensions, uri: Uri) -> Shown {
    listed(&extensions, &uri).await.unwrap_or_else(|refused| *refused).into()
}

async fn listed(extensions: &Extensions, uri: &Uri) -> Result<Response, Box<Response>> {
    let all = calls(extensions)?.get::<Vec<Sent>>("/emulator/outbox").await;
    let all = all.map_err(|error| refused::page(&error))?;
    let (part, last) = part(all, |sent| sent.number, uri);
    let shell = Shell::of(Room::Emulator);
    let rows = part.iter().map(|sent| row(&shell, sent)).collect();
    let older = last.map(|last| format!("/emulator/outbox?before={last}"));
    Ok(pages::page(StatusCode::OK, &OutboxPage { rows, older, shell }))
}

/// One letter.
pub(super) async fn show(extensions: Extensions, Path(number): Path<String>) -> Shown {
    shown(&extensions, &number).await.unwrap_or_else(|refused| *refused).into()
}

async fn shown(extensions: &Extensions, number: &str) -> Result<Response, Box<Response>> {
    let all = calls(extensions)?.get::<Vec<Sent>>("/emulator/outbox").await;
    let all = all.map_err(|error| refused::page(&error))?;
    let Some(sent) = all.iter().find(|sent| sent.number.to_string() == number) else {
        return Err(Box::new(lost::page()));
    };
    let shell = Shell::of(Room::Emulator);
    let (mail, request) = match &sent.what {
        SentWhat::Mail(mail) => (Some(mail), None),
        SentWhat::Webhook(request) | SentWhat::Lead(request) | SentWhat::Other(request) => (None, Some(request)),
    };
    Ok(pages::page(StatusCode::OK, &LetterPage { row: row(&shell, sent), mail, request, shell }))
}

impl LetterPage<'_> {
    /// What is known of a signature, in words.
    fn signature(&self) -> Option<String> {
        let valid = self.request?.signature_valid?;
        Some(if valid { text().outbox_signed() } else { text().outbox_not_signed() })
    }
}

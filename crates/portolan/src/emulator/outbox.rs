//! What was sent to nobody: mails, events to webhooks, leads, in the order of sending.

use crate::checks::have_signed;
use crate::egress::Outgoing;
use crate::notify::Written;
use crate::store::{Means, Read};
use crate::wire::date;
use api::emulator::{Sent, SentMail, SentRequest, SentWhat};
use http::HeaderMap;
use publishing::moment::Moment;
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much is kept, the newest.
const MOST_KEPT: usize = 1_000;

/// What was sent. Clones are cheap, and are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox(Arc<Mutex<Kept>>);

/// Everything that was sent, for a snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    count: u64,
    /// With what is the same at each try.
    sent: VecDeque<(String, Sent)>,
}

impl Outbox {
    /// What was sent, oldest first; the last thousand.
    pub(super) fn list(&self) -> Vec<Sent> {
        self.state().sent.iter().map(|(_, sent)| sent.clone()).collect()
    }

    /// Everything, for a snapshot.
    pub(super) fn kept(&self) -> Kept {
        self.state().clone()
    }

    /// Everything is as it was kept; `Kept::default()` is empty.
    pub(super) fn put_back(&self, kept: Kept) {
        *self.state() = kept;
    }

    /// Records a mail, and what was answered to it.
    pub(super) fn mailed(&self, mail: &Written, now: Moment, answer: &str) {
        let source = String::from_utf8_lossy(&mail.source).into_owned();
        // The id of the message is the same at each try.
        let id = source.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id:"));
        let id = id.unwrap_or_default().to_owned();
        let Written { to, subject, text, html, .. } = mail.clone();
        self.record(id, now, answer, SentWhat::Mail(SentMail { to, subject, text, html, source }));
    }

    /// Records a request, and what was answered to it.
    pub(super) fn requested(&self, request: &Outgoing, signature_valid: Option<bool>, now: Moment, answer: &str) {
        let text =
            |name: &str| request.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let id = text("webhook-id");
        let is_signed = text("webhook-signature").is_some();
        let headers = request.headers.keys().filter_map(|name| Some((name.to_string(), text(name.as_str())?)));
        let sent = SentRequest {
            method: request.method.to_string(),
            url: request.url.clone(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            signature_valid,
        };
        let what = match (&id, is_signed) {
            (Some(_), true) => SentWhat::Webhook(sent),
            (Some(_), false) => SentWhat::Lead(sent),
            (None, _) => SentWhat::Other(sent),
        };
        self.record(id.unwrap_or_default(), now, answer, what);
    }

    fn record(&self, id: String, now: Moment, answer: &str, what: SentWhat) {
        let mut state = self.state();
        state.count += 1;
        let is_again = |(other, sent): &&(String, Sent)| {
            !id.is_empty() && *other == id && sent.what.destination() == what.destination()
        };
        let attempt = state.sent.iter().rev().find(is_again).map_or(1, |(_, sent)| sent.attempt.saturating_add(1));
        let sent = Sent { number: state.count, at: date(now), attempt, answer: answer.to_owned(), what };
        if state.sent.len() >= MOST_KEPT {
            state.sent.pop_front();
        }
        state.sent.push_back((id, sent));
    }

    fn state(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The offer that an event or a lead is about, as `publisher/offer`.
pub(super) fn offer_of(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let at = body.pointer("/data/entry").unwrap_or(&body);
    let id = |name| at.get(name).and_then(Value::as_str);
    Some(format!("{}/{}", PublisherId::parse(id("publisherId")?)?.folded(), id("offerId")?))
}

/// Whether a webhook's secret has signed a request; none where no webhook has this address.
pub(super) fn is_signed(read: &Read, request: &Outgoing, now: Moment) -> Option<bool> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let source = body.get("source")?.as_str()?;
    let publisher = source.rsplit_once("/api/publishers/").and_then(|(_, publisher)| PublisherId::parse(publisher));
    let circles = publisher.map(Circle::Publisher).into_iter().chain([Circle::Marketplace]);
    let subscriptions = circles.filter_map(|circle| read.subscriptions(&circle).ok()).flatten();
    let webhooks: Vec<_> = subscriptions
        .filter(|subscription| subscription.means == Means::Webhook)
        .filter_map(|subscription| subscription.webhook().ok())
        .filter(|webhook| webhook.url() == request.url)
        .collect();
    let signed = |headers: &HeaderMap| {
        let secrets = webhooks.iter().flat_map(|webhook| webhook.secrets(now)).map(|secret| secret.reveal());
        have_signed(secrets, headers, now, &request.body)
    };
    (!webhooks.is_empty()).then(|| signed(&request.headers))
}

//! Carries what happened to webhooks: each letter is a line of the journal, sent signed, and told in the order of its offer.

use crate::checks::signed_with_all;
use crate::clock::Clock;
use crate::egress::{Egress, EgressFault, Outgoing};
use crate::links::Links;
use crate::store::{
    Held, LONGEST_REST, LetterEnd, LetterKind, Notice, Post, StoreError, Subscription, SubscriptionChange,
};
use crate::wire;
use crate::work::{Carried, Carrier, Fails};
use async_trait::async_trait;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode};
use publishing::entry::{Entry, Event};
use publishing::moment::Moment;
use publishing::principal::Circle;
use std::time::Duration;
use tokio::time::timeout;

/// For a connection, and for a whole try.
const CONNECTING: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(15);

/// How much of an answer's body is taken, and for how long: nobody reads it, but many a server wants to get rid of it.
const MOST_TAKEN: usize = 64 << 10;
const TAKING: Duration = Duration::from_secs(1);

/// The longest that an endpoint may put us off, in seconds.
const LONGEST_PUT_OFF: i64 = LONGEST_REST;

/// After how many seconds without a delivery, although it was tried, a webhook is disabled.
const DISABLED_AFTER: i64 = 3 * 24 * 3600;

/// How often a change is made again because somebody else was faster.
const MOST_ROUNDS: usize = 10;

/// Why a webhook is disabled, in a word.
const FAILING: &str = "failing";
const GONE: &str = "gone";

/// The journal's name for what the service does by itself.
const SERVICE: &str = "portolan";

/// Carries what happened to webhooks.
#[derive(Clone, Debug)]
pub struct Webhooks {
    post: Post,
    egress: Egress,
    links: Links,
    clock: Clock,
    mails: bool,
}

/// What came of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// When it began.
    pub at: Moment,
    /// How long it took, in milliseconds.
    pub took: i64,
    /// What was answered, where something was.
    pub status: Option<u16>,
    /// Why it failed, in a word.
    pub failure: Option<&'static str>,
}

/// What was answered, and for how many seconds it wants to be left in peace.
type Answered = (StatusCode, Option<i64>);

#[async_trait]
impl Carrier for Webhooks {
    fn kind(&self) -> LetterKind {
        LetterKind::Webhook
    }

    async fn carry(&self, held: &Held) -> Result<Carried, StoreError> {
        let subscription = held.tells.and_then(|tells| tells.subscription);
        let subscription = subscription.map(|id| self.post.subscription(id)).transpose()?.flatten();
        let Some(subscription) = subscription.filter(|subscription| subscription.disabled.is_none()) else {
            return Ok(Carried::Never { failure: "disabled", status: None });
        };
        let lost = || StoreError::Corrupt(format!("the letter {} tells a line that is not there", held.id));
        let line = self.post.line(held).await?.ok_or_else(lost)?;
        let event = wire::event(&line, &held.key.publisher, &self.links);
        let body = event.and_then(|event| serde_json::to_vec(&event));
        let body = body.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let answer = self.send(&subscription, &held.id.to_string(), body).await?;
        Ok(carried(answer, self.clock.now()))
    }

    async fn not_delivered(&self, held: &Held, end: LetterEnd) -> Result<(), StoreError> {
        for _ in 0..MOST_ROUNDS {
            let subscription = held.tells.and_then(|tells| tells.subscription);
            let Some(subscription) = subscription.map(|id| self.post.subscription(id)).transpose()?.flatten() else {
                return Ok(());
            };
            let now = self.clock.now();
            let is_failing = subscription.failing_since.is_some_and(|since| since.plus_seconds(DISABLED_AFTER) <= now);
            let why = match end {
                LetterEnd::GivenUp { failure: Some(GONE) } => GONE,
                _ if is_failing => FAILING,
                _ => return Ok(()),
            };
            if subscription.disabled.is_some() {
                return Ok(());
            }
            match self.disable(held, subscription, why, now).await {
                Err(StoreError::Overtaken) => {}
                result => return result,
            }
        }
        Ok(())
    }
}

impl Webhooks {
    /// Carries what is in this store over this way out.
    pub fn new(post: Post, egress: Egress, links: Links, clock: Clock) -> Self {
        Self { post, egress, links, clock, mails: false }
    }

    /// The same, with a mail to those who answer for a webhook that is disabled.
    #[must_use]
    pub fn with_mails(self, mails: bool) -> Self {
        Self { mails, ..self }
    }

    /// Sends a webhook an event that tells nothing, now and once.
    ///
    /// # Errors
    /// [`StoreError`] where it could not be tried.
    pub async fn test(&self, subscription: &Subscription) -> Result<Tried, StoreError> {
        let (id, at, began) = (self.clock.fresh_id(), self.clock.now(), self.clock.steady());
        let event = wire::test_event(id, &subscription.circle, subscription.id, at, &self.links);
        let body = serde_json::to_vec(&event).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let answer = self.send(subscription, &id.to_string(), body).await?;
        let took = i64::try_from(self.clock.steady().saturating_sub(began).as_millis()).unwrap_or(i64::MAX);
        Ok(match carried(answer, at) {
            Carried::Delivered { status } => Tried { at, took, status, failure: None },
            Carried::Failed { failure, status, .. } | Carried::Never { failure, status } => {
                Tried { at, took, status, failure: Some(failure) }
            }
        })
    }

    /// One signed request.
    async fn send(
        &self,
        subscription: &Subscription,
        id: &str,
        body: Vec<u8>,
    ) -> Result<Result<Answered, EgressFault>, StoreError> {
        let webhook = subscription.webhook()?;
        let now = self.clock.now();
        let mut headers = signed_with_all(webhook.secrets(now).map(|secret| secret.reveal()), id, now, &body);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/cloudevents+json; charset=utf-8"));
        headers.insert(USER_AGENT, HeaderValue::from_static("Portolan-Webhook/1"));
        let post = Outgoing::post(webhook.url(), body);
        let post = Outgoing { headers, connecting: CONNECTING, patience: PATIENCE, largest: u64::MAX, ..post };
        let mut answer = match self.egress.to_outsider(post).await {
            Ok(answer) => answer,
            Err(fault) => return Ok(Err(fault)),
        };
        let answered = (answer.status, retry_after(&answer.headers));
        let take = async {
            let mut taken = 0;
            while taken <= MOST_TAKEN
                && let Ok(Some(chunk)) = answer.chunk().await
            {
                taken += chunk.len();
            }
        };
        // It has answered; what comes behind that changes nothing.
        let _ = timeout(TAKING, take).await;
        Ok(Ok(answered))
    }

    /// Sends nothing more to a webhook, and says so: in the journal, in the log, by mail.
    async fn disable(
        &self,
        held: &Held,
        subscription: Subscription,
        why: &'static str,
        now: Moment,
    ) -> Result<(), StoreError> {
        let (id, circle) = (subscription.id, subscription.circle.clone());
        let event = Event::SubscriptionDisabled { subscription: id, why: why.to_owned() };
        let entry = Entry { at: now, actor: SERVICE.to_owned(), told: None, event };
        let who = if self.mails { self.post.who_answers(&subscription)? } else { Default::default() };
        let url = subscription.webhook()?.shown_url();
        let since = subscription.failing_since.unwrap_or(now);
        let publisher = match &circle {
            Circle::Marketplace => String::new(),
            Circle::Publisher(publisher) => publisher.as_str().to_owned(),
        };
        // Before the webhook is disabled, for nobody would come back to it after that. Each goes out once all the same.
        for to in who {
            let notice =
                Notice::WebhookDisabled { subscription: id, url: url.clone(), publisher: publisher.clone(), since };
            self.post.notice(&held.key, &to, notice, now).await?;
        }
        let disabled = Subscription { disabled: Some((now, why.to_owned())), ..subscription };
        self.post.change_subscription(&circle, SubscriptionChange::Put(Box::new(disabled)), entry).await?;
        tracing::warn!(subscription = %id, circle = circle.name(), why, "a webhook is disabled; enable it once its endpoint is mended");
        Ok(())
    }
}

/// For how many seconds an endpoint wants to be left in peace, as far as it may.
fn retry_after(headers: &HeaderMap) -> Option<i64> {
    let seconds: i64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.clamp(0, LONGEST_PUT_OFF))
}

/// What an answer, or none, means for the letter and for what waits behind it.
fn carried(answer: Result<Answered, EgressFault>, now: Moment) -> Carried {
    let (status, wait) = match answer {
        Ok(answered) => answered,
        Err(fault) => {
            let failure = word(&fault);
            return Carried::Failed { failure, fails: Fails::Destination, status: None, not_before: None };
        }
    };
    let (failure, fails) = match status {
        StatusCode::GONE => return Carried::Never { failure: GONE, status: Some(status.as_u16()) },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => ("busy", Fails::Destination),
        _ if status.is_success() => return Carried::Delivered { status: Some(status.as_u16()) },
        _ if status.is_redirection() => ("redirected", Fails::Lane),
        _ => ("refused", Fails::Lane),
    };
    let not_before = wait.filter(|_| fails == Fails::Destination).map(|wait| now.plus_seconds(wait));
    Carried::Failed { failure, fails, status: Some(status.as_u16()), not_before }
}

fn word(fault: &EgressFault) -> &'static str {
    match fault {
        EgressFault::NoSuchName => "nameNotFound",
        EgressFault::Unreachable => "unreachable",
        EgressFault::Certificate => "certificate",
        EgressFault::TimedOut | EgressFault::TooSlow => "timedOut",
        EgressFault::Broken | EgressFault::TooLarge => "broken",
        EgressFault::NoAddress
        | EgressFault::NotHttps
        | EgressFault::Credentials
        | EgressFault::Port
        | EgressFault::Private
        | EgressFault::TooManyAddresses
        | EgressFault::TooManyRedirects
        | EgressFault::Redirected(_) => "addressNotAllowed",
    }
}

#[cfg(test)]
mod tests {
    use super::{Carried, Fails, carried, retry_after};
    use crate::egress::EgressFault;
    use http::{HeaderMap, StatusCode};
    use publishing::moment::Moment;

    const NOW: Moment = Moment::from_ticks(0);

    #[test]
    fn what_is_answered_says_what_else_would_fail() {
        for status in [200, 202, 204, 299] {
            let answer = Ok((StatusCode::from_u16(status).unwrap(), Some(5)));
            assert_eq!(carried(answer, NOW), Carried::Delivered { status: Some(status) });
        }
        for (status, failure, fails) in [
            (301, "redirected", Fails::Lane),
            (304, "redirected", Fails::Lane),
            (400, "refused", Fails::Lane),
            (404, "refused", Fails::Lane),
            (500, "refused", Fails::Lane),
            (502, "refused", Fails::Lane),
            (429, "busy", Fails::Destination),
            (503, "busy", Fails::Destination),
        ] {
            let not_before = (fails == Fails::Destination).then_some(NOW.plus_seconds(5));
            let expected = Carried::Failed { failure, fails, status: Some(status), not_before };
            assert_eq!(carried(Ok((StatusCode::from_u16(status).unwrap(), Some(5))), NOW), expected);
        }
        assert_eq!(carried(Ok((StatusCode::GONE, None)), NOW), Carried::Never { failure: "gone", status: Some(410) });
        let expected =
            Carried::Failed { failure: "timedOut", fails: Fails::Destination, status: None, not_before: None };
        assert_eq!(carried(Err(EgressFault::TimedOut), NOW), expected);
    }

    #[test]
    fn an_endpoint_puts_us_off_for_an_hour_at_most() {
        let said =
            |text: &str| retry_after(&HeaderMap::from_iter([(http::header::RETRY_AFTER, text.parse().unwrap())]));
        assert_eq!((said("0"), said(" 120 "), said("3601"), said("-5")), (Some(0), Some(120), Some(3_600), Some(0)));
        assert_eq!((said("soon"), said(""), retry_after(&HeaderMap::new())), (None, None, None));
    }
}

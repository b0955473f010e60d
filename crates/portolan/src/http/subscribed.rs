//! Subscriptions and what became of their letters, in the words of the wire.

use crate::notify::Tried;
use crate::store::{Attempt, Delivered, LetterState, StoreError, Subscription};
use crate::wire;
use api::subscriptions::{
    Delivery, DeliveryAttempt, DeliveryState, Subscription as WireSubscription, SubscriptionState,
};
use publishing::moment::Moment;

/// A webhook without its secrets.
pub(super) fn subscription(stored: &Subscription, now: Moment) -> Result<WireSubscription, StoreError> {
    let webhook = stored.webhook()?;
    let state = match (&stored.disabled, stored.failing_since) {
        (Some(_), _) => SubscriptionState::Disabled,
        (None, Some(_)) => SubscriptionState::Failing,
        (None, None) => SubscriptionState::Active,
    };
    Ok(WireSubscription {
        id: stored.id,
        url: webhook.shown_url(),
        events: stored.events.iter().map(|event| event.name().to_owned()).collect(),
        state,
        made_at: wire::date(stored.made_at),
        made_by: stored.made_by.clone(),
        old_secret_until: webhook.old_secret_until(now).map(wire::date),
        failing_since: stored.failing_since.map(wire::date),
        disabled_at: stored.disabled.as_ref().map(|(at, _)| wire::date(*at)),
        disabled_because: stored.disabled.as_ref().map(|(_, why)| why.clone()),
    })
}

/// A letter in the log.
pub(super) fn delivery(letter: Delivered) -> Delivery {
    let (state, next_attempt) = match letter.state {
        LetterState::Waiting(at) => (DeliveryState::Waiting, Some(wire::date(at))),
        LetterState::Delivered => (DeliveryState::Delivered, None),
        LetterState::Failed => (DeliveryState::Failed, None),
    };
    Delivery {
        id: letter.id,
        publisher_id: letter.publisher,
        offer_id: letter.offer,
        sequence: letter.line,
        event: letter.happening.map(|happening| happening.name().to_owned()),
        at: wire::date(letter.made_at),
        state,
        next_attempt,
        last_failure: letter.failure,
        attempts: letter.attempts.into_iter().map(attempt).collect(),
    }
}

fn attempt(attempt: Attempt) -> DeliveryAttempt {
    let Attempt { at, took, status, failure } = attempt;
    DeliveryAttempt { at: wire::date(at), took_milliseconds: took, status, failure }
}

/// What came of a test.
pub(super) fn tried(tried: Tried) -> DeliveryAttempt {
    let Tried { at, took, status, failure } = tried;
    DeliveryAttempt { at: wire::date(at), took_milliseconds: took, status, failure: failure.map(str::to_owned) }
}

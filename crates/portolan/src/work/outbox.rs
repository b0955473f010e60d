//! Delivers what is in the outbox: look, claim, carry, record. What fails waits, longer each time, and holds up no other
//! destination.

use super::rounds::{self, Due};
use crate::clock::Clock;
use crate::store::{Attempt, Held, LONGEST_REST, LetterEnd, LetterKind, Post, Rest, StoreError};
use async_trait::async_trait;
use publishing::moment::{Moment, TICKS_PER_SECOND};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// How long a letter may be in hand, in seconds.
const LEASE_SECONDS: i64 = 30;

/// How long one try may take: it ends before the lease does.
const ONE_TRY: Duration = Duration::from_secs(25);

/// How long letters in hand may still take when the service ends.
const LEAVE_TAKING: Duration = Duration::from_secs(5);

/// Seconds until the next try, by the number of failures before it; after that it is the last of them.
const BACK_OFF: [i64; 6] = [5, 30, 120, 600, 1_800, LONGEST_REST];

/// After how many seconds a letter is given up.
const GIVEN_UP_AFTER: i64 = 3 * 24 * 3600;

/// Carries letters of one kind to where they go.
#[async_trait]
pub trait Carrier: fmt::Debug + Send + Sync {
    /// Of which kind.
    fn kind(&self) -> LetterKind;

    /// Tries to deliver a letter, once.
    ///
    /// # Errors
    /// [`StoreError`] where it could not be tried.
    async fn carry(&self, held: &Held) -> Result<Carried, StoreError>;

    /// Hears, once that is recorded, that a letter was not delivered: this time, or for good.
    ///
    /// # Errors
    /// [`StoreError`] where nothing could follow from it.
    async fn not_delivered(&self, _: &Held, _: LetterEnd) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It was taken.
    Delivered {
        /// What was answered, where that is HTTP.
        status: Option<u16>,
    },
    /// It was not, and is tried again.
    Failed {
        /// Why, in a word.
        failure: &'static str,
        /// What else would have failed.
        fails: Fails,
        /// What was answered, where that is HTTP.
        status: Option<u16>,
        /// Not before this, where it was asked for.
        not_before: Option<Moment>,
    },
    /// It never will be.
    Never {
        /// Why, in a word.
        failure: &'static str,
        /// What was answered, where that is HTTP.
        status: Option<u16>,
    },
}

/// What else would have failed where a letter did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    /// Nothing that is known.
    Letter,
    /// What else is in its lane.
    Lane,
    /// Whatever goes to the same destination.
    Destination,
}

/// Delivers letters of one kind.
#[derive(Clone, Debug)]
pub struct Delivery {
    post: Post,
    due: Arc<Notify>,
    carrier: Arc<dyn Carrier>,
    clock: Clock,
}

impl Delivery {
    /// Delivers what is in this store. `due` wakes it.
    pub fn new(post: Post, due: Arc<Notify>, carrier: Arc<dyn Carrier>, clock: Clock) -> Self {
        Self { post, due, carrier, clock }
    }

    /// Delivers until told to stop. Letters in hand are finished first; those that take longer are given up, to be tried again,
    /// under the same id, by whoever comes next.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut in_hand = rounds::work_off(self, &self.due, &self.clock, &mut stop).await;
        let finished = async { while in_hand.join_next().await.is_some() {} };
        // Whoever still tries is aborted with the set.
        let _ = tokio::time::timeout(LEAVE_TAKING, finished).await;
    }

    /// Tries every letter that is due now and first of its lane, once; gives back how many there were.
    ///
    /// # Errors
    /// [`StoreError`] where nothing could be claimed.
    pub async fn deliver_due(&self) -> Result<usize, StoreError> {
        rounds::once(self).await
    }

    /// Tries one letter that is due now, once; gives back whether there was one.
    ///
    /// # Errors
    /// [`StoreError`] where nothing could be claimed.
    pub async fn deliver_one(&self) -> Result<bool, StoreError> {
        rounds::one(self).await
    }

    /// When the next letter is due, or something is to be tidied up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_due(&self) -> Result<Option<Moment>, StoreError> {
        self.next().await
    }

    /// One try to deliver, and the record of how it ended.
    async fn work_off(&self, held: &Held) -> Result<(), StoreError> {
        let now = self.clock.now();
        // Before the try, for nobody knows whether that comes to an end.
        if is_over(held, self.carrier.kind(), now) {
            tracing::warn!(id = %held.id, kind = ?self.carrier.kind(), offer = held.key.name(), "a letter is given up");
            let given_up = LetterEnd::GivenUp { failure: None };
            self.post.end(held, now, given_up, None).await?;
            return self.carrier.not_delivered(held, given_up).await;
        }
        let began = self.clock.steady();
        let timed_out =
            Carried::Failed { failure: "timedOut", fails: Fails::Destination, status: None, not_before: None };
        let carried = match tokio::time::timeout(ONE_TRY, self.carrier.carry(held)).await {
            Ok(carried) => carried?,
            Err(_) => timed_out,
        };
        let took = i64::try_from(self.clock.steady().saturating_sub(began).as_millis()).unwrap_or(i64::MAX);
        let (end, status, failure) = self.end(held, carried);
        let attempt = Attempt { at: now, took, status, failure: failure.map(str::to_owned) };
        self.post.end(held, self.clock.now(), end, Some(attempt)).await?;
        match end {
            LetterEnd::Delivered => Ok(()),
            LetterEnd::PutOff { .. } | LetterEnd::GivenUp { .. } => self.carrier.not_delivered(held, end).await,
        }
    }

    fn end(&self, held: &Held, carried: Carried) -> (LetterEnd, Option<u16>, Option<&'static str>) {
        let now = self.clock.now();
        match carried {
            Carried::Delivered { status } => (LetterEnd::Delivered, status, None),
            Carried::Never { failure, status } => {
                (LetterEnd::GivenUp { failure: Some(failure) }, status, Some(failure))
            }
            Carried::Failed { failure, fails, status, not_before } => {
                tracing::debug!(id = %held.id, attempt = held.attempt, failure, "a letter was not delivered");
                let at_least = not_before.unwrap_or(now);
                let lane = Rest::Lane(after(now, held.failures).max(at_least));
                let rest = match fails {
                    Fails::Letter => Rest::Letter,
                    Fails::Lane => lane,
                    // Leads of an offer are a destination of their own.
                    Fails::Destination if self.carrier.kind() == LetterKind::Lead => lane,
                    Fails::Destination => Rest::Destination(after(now, held.destination_failures).max(at_least)),
                };
                let until = after(now, held.attempt - 1).max(at_least);
                (LetterEnd::PutOff { until, failure, rest }, status, Some(failure))
            }
        }
    }
}

impl Due for Delivery {
    /// Of each destination a few at most.
    const HANDS: usize = 128;
    const NAME: &'static str = "letters";

    async fn take(&self, in_hand: &mut JoinSet<()>, free: usize) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let claimed = self.post.claim(self.carrier.kind(), now, now.plus_seconds(LEASE_SECONDS), free).await?;
        let count = claimed.len();
        for held in claimed {
            let delivery = self.clone();
            in_hand.spawn(async move {
                match delivery.work_off(&held).await {
                    Ok(()) => {}
                    Err(StoreError::Superseded) => tracing::info!(id = %held.id, "a letter was superseded"),
                    Err(error) => tracing::error!(%error, id = %held.id, "a try to deliver could not be recorded"),
                }
            });
        }
        Ok(count)
    }

    async fn next(&self) -> Result<Option<Moment>, StoreError> {
        self.post.next(self.carrier.kind()).await
    }
}

/// Whether a letter is too old to be tried; a first try is made where nothing says that it would fail. Where letters are sent in
/// order, the one before it says nothing of that. A mail that comes late tells nobody anything, tried or not.
fn is_over(held: &Held, kind: LetterKind, now: Moment) -> bool {
    let lane_fails = kind == LetterKind::Lead && held.failures > 0;
    let has_failed = held.attempt > 1 || held.destination_failures > 0 || lane_fails;
    now.ticks() - held.made_at.ticks() >= GIVEN_UP_AFTER * TICKS_PER_SECOND && (has_failed || kind == LetterKind::Mail)
}

/// When to try again after so many failures before this one.
fn after(now: Moment, failures: i64) -> Moment {
    let nth = usize::try_from(failures).unwrap_or(0).min(BACK_OFF.len() - 1);
    now.plus_seconds(BACK_OFF[nth])
}

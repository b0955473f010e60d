//! Delivers what is in the outbox: look, claim, send, record. What fails waits, longer each time, and holds up no other destination.

use crate::checks::{LeadAnswer, send_lead};
use crate::clock::Clock;
use crate::egress::{Egress, EgressFault};
use crate::store::{Held, LetterEnd, Post, StoreError};
use crate::wire;
use publishing::lead::{About, Lead, LeadFailure};
use publishing::leads::{Endpoint, LeadDestination, destination};
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::offer::OfferKey;
use publishing::secrets;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// How long a letter may be in hand, in seconds: longer than one try takes.
const LEASE_SECONDS: i64 = 30;

/// How many letters are in hand at once; of each destination one.
const MOST_IN_HAND: usize = 128;

/// How long to wait at most before looking again: the truth is what is due, being woken is only a hint.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Seconds until the next try, by the number of failures before it; after that it is the last of them.
const BACK_OFF: [i64; 6] = [5, 30, 120, 600, 1_800, 3_600];

/// After how many seconds a letter is given up.
const GIVEN_UP_AFTER: i64 = 3 * 24 * 3600;

/// Why a try failed, and whether any other letter would have failed there too.
type Failed = (LeadFailure, bool);

/// Delivers letters.
#[derive(Clone, Debug)]
pub struct Delivery {
    post: Post,
    due: Arc<Notify>,
    egress: Egress,
    clock: Clock,
}

impl Delivery {
    /// Delivers what is in this store over this way out. `due` wakes it.
    pub fn new(post: Post, due: Arc<Notify>, egress: Egress, clock: Clock) -> Self {
        Self { post, due, egress, clock }
    }

    /// Delivers until told to stop; letters in hand are finished first.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut in_hand = JoinSet::new();
        while !*stop.borrow() {
            let wait = match self.take(&mut in_hand).await {
                Ok(0) => self.post.next().await.ok().flatten(),
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(%error, "letters could not be claimed");
                    None
                }
            };
            let wait = wait.filter(|_| in_hand.len() < MOST_IN_HAND);
            let is_due = async {
                match wait {
                    Some(at) => self.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = in_hand.join_next(), if !in_hand.is_empty() => {}
                () = self.due.notified(), if in_hand.len() < MOST_IN_HAND => {}
                () = is_due => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        while in_hand.join_next().await.is_some() {}
    }

    /// Tries every letter that is due now and first of its destination, once; gives back how many there were.
    ///
    /// # Errors
    /// [`StoreError`] where nothing could be claimed.
    pub async fn deliver_due(&self) -> Result<usize, StoreError> {
        let mut in_hand = JoinSet::new();
        let count = self.take(&mut in_hand).await?;
        while in_hand.join_next().await.is_some() {}
        Ok(count)
    }

    /// Claims what is due, as far as hands are free, and sets to work on it; gives back how much that was.
    async fn take(&self, in_hand: &mut JoinSet<()>) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let free = MOST_IN_HAND.saturating_sub(in_hand.len());
        if free == 0 {
            return Ok(0);
        }
        let claimed = self.post.claim(now, now.plus_seconds(LEASE_SECONDS), free).await?;
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

    /// One try to deliver, and the record of how it ended.
    async fn work_off(&self, held: &Held) -> Result<(), StoreError> {
        let now = self.clock.now();
        // Before the try, for nobody knows whether that comes to an end.
        if is_over(held, now) {
            tracing::warn!(id = %held.id, offer = held.key.name(), "a lead is given up");
            return self.post.end(held, now, LetterEnd::GivenUp).await;
        }
        let tried = self.try_once(held).await?;
        let now = self.clock.now();
        let end = match tried {
            Ok(()) => LetterEnd::Delivered,
            Err((failure, is_of_the_destination)) => {
                tracing::debug!(id = %held.id, attempt = held.attempt, ?failure, "a lead was not delivered");
                let rest = is_of_the_destination.then(|| after(now, held.failures));
                LetterEnd::PutOff { until: after(now, held.attempt - 1), failure: word(failure), rest }
            }
        };
        self.post.end(held, now, end).await
    }

    /// Sends a letter to where leads of its offer go now.
    async fn try_once(&self, held: &Held) -> Result<Result<(), Failed>, StoreError> {
        let opened = self.post.open(held).map(|body| serde_json::from_slice::<Lead>(&body));
        let lead = match opened {
            Ok(Ok(lead)) => lead,
            // The parser's words would quote what it read.
            Ok(Err(_)) => return Ok(Err((LeadFailure::Unreadable, false))),
            Err(error) => {
                tracing::error!(%error, id = %held.id, "a lead cannot be read");
                return Ok(Err((LeadFailure::Unreadable, false)));
            }
        };
        let Some((endpoint, title)) = self.endpoint(&held.key).await? else {
            return Ok(Err((LeadFailure::NoDestination, true)));
        };
        let (id, taken_at) = (held.id.to_string(), wire::date(held.made_at).to_string());
        let about = About { id: &id, key: &held.key, title: &title, taken_at: &taken_at, is_test: false };
        let answer = send_lead(&self.egress, &endpoint, &id, &lead.document(&about)).await;
        Ok(match answer {
            Ok(status) => match LeadAnswer::from(status) {
                LeadAnswer::Taken => Ok(()),
                LeadAnswer::Unfit => Err((LeadFailure::Refused, false)),
                _ if status.is_redirection() => Err((LeadFailure::Redirected, true)),
                LeadAnswer::NotNow | LeadAnswer::Closed => Err((LeadFailure::Refused, true)),
            },
            Err(fault) => Err((category(&fault), true)),
        })
    }

    /// The endpoint of the version in production, and what that version is called.
    async fn endpoint(&self, key: &OfferKey) -> Result<Option<(Endpoint, String)>, StoreError> {
        let Some(version) = self.post.offer(key).await?.and_then(|offer| offer.production) else { return Ok(None) };
        let Some(snapshot) = self.post.snapshot(key, version).await? else { return Ok(None) };
        let judge = move || match destination(&secrets::put_back(&snapshot.draft)) {
            Ok(LeadDestination::Https(endpoint)) => Some((endpoint, wire::display_text(&snapshot.draft.definition))),
            _ => None,
        };
        let judged = tokio::task::spawn_blocking(judge).await;
        judged.map_err(|error| StoreError::Unavailable(format!("judging broke off: {error}")))
    }
}

fn category(fault: &EgressFault) -> LeadFailure {
    match fault {
        EgressFault::NoSuchName | EgressFault::Unreachable => LeadFailure::Unreachable,
        EgressFault::Certificate => LeadFailure::Certificate,
        EgressFault::TimedOut | EgressFault::TooSlow => LeadFailure::TimedOut,
        EgressFault::Broken | EgressFault::TooLarge => LeadFailure::Broken,
        EgressFault::NoAddress
        | EgressFault::NotHttps
        | EgressFault::Credentials
        | EgressFault::Port
        | EgressFault::Private
        | EgressFault::TooManyAddresses
        | EgressFault::TooManyRedirects
        | EgressFault::Redirected(_) => LeadFailure::AddressNotAllowed,
    }
}

/// Whether a letter is too old to be tried; a first try is made where nothing says that it would fail.
fn is_over(held: &Held, now: Moment) -> bool {
    now.ticks() - held.made_at.ticks() >= GIVEN_UP_AFTER * TICKS_PER_SECOND && (held.attempt > 1 || held.failures > 0)
}

/// When to try again after so many failures before this one.
fn after(now: Moment, failures: i64) -> Moment {
    let nth = usize::try_from(failures).unwrap_or(0).min(BACK_OFF.len() - 1);
    now.plus_seconds(BACK_OFF[nth])
}

/// How a failure is stored, and told.
const fn word(failure: LeadFailure) -> &'static str {
    match failure {
        LeadFailure::NoDestination => "noDestination",
        LeadFailure::AddressNotAllowed => "addressNotAllowed",
        LeadFailure::Unreachable => "unreachable",
        LeadFailure::Certificate => "certificate",
        LeadFailure::TimedOut => "timedOut",
        LeadFailure::Broken => "broken",
        LeadFailure::Redirected => "redirected",
        LeadFailure::Refused => "refused",
        LeadFailure::Unreadable => "unreadable",
    }
}

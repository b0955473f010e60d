//! The worker: claims due checks under a lease, runs them, and reports through `perform` like any other caller.

mod late;
mod leads;
mod outbox;
mod rounds;

pub use late::Lookout;
pub use leads::Leads;
pub use outbox::{Carried, Carrier, Delivery, Fails};

use crate::checks::{Checks, Denied, Job, Setback};
use crate::clock::Clock;
use crate::perform::{Failure, Perform};
use crate::store::{Claim, Claims, StoreError, Then};
use publishing::command::{Command, Ending, Report};
use publishing::message::Message;
use publishing::moment::Moment;
use publishing::offer::Offer;
use publishing::offer_type::OfferTypes;
use publishing::operation::{Check, CheckState, Course};
use publishing::refusal::Refusal;
use rounds::Due;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

/// How long a worker may hold a check, in seconds. A dead worker's checks are taken over after that.
const LEASE_SECONDS: i64 = 30;

/// How often a lease is renewed while a check is run.
const RENEWAL: Duration = Duration::from_secs(10);

/// How long checks in hand may still take when the service ends.
const LEAVE_TAKING: Duration = Duration::from_secs(5);

/// How often a check is tried, in a row, before it is blocked.
const MOST_ATTEMPTS: i64 = 5;

/// Works off what is due.
#[derive(Clone, Debug)]
pub struct Worker {
    claims: Claims,
    perform: Perform,
    types: Arc<OfferTypes>,
    checks: Checks,
    clock: Clock,
    /// Whether checks in hand shall be given up, for the service ends.
    giving_up: watch::Sender<bool>,
}

impl Worker {
    /// A worker that claims here, and reports there.
    pub fn new(claims: Claims, perform: Perform, types: Arc<OfferTypes>, checks: Checks, clock: Clock) -> Self {
        Self { claims, perform, types, checks, clock, giving_up: watch::Sender::new(false) }
    }

    /// Works until told to stop. Checks in hand are finished first; those that take longer are given up, to be begun again by
    /// whoever comes next.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut in_hand = rounds::work_off(self, &self.perform.work_due(), &self.clock, &mut stop).await;
        let finished = async { while in_hand.join_next().await.is_some() {} };
        if tokio::time::timeout(LEAVE_TAKING, finished).await.is_err() {
            self.giving_up.send_replace(true);
            while in_hand.join_next().await.is_some() {}
        }
    }

    /// Runs every check that is due now, once; gives back how many there were.
    ///
    /// # Errors
    /// [`StoreError`] where nothing could be claimed.
    pub async fn work_off_due(&self) -> Result<usize, StoreError> {
        rounds::once(self).await
    }

    /// Runs one check that is due now, the one that has been due for longest; gives back whether there was one.
    ///
    /// # Errors
    /// [`StoreError`] where nothing could be claimed.
    pub async fn work_off_one(&self) -> Result<bool, StoreError> {
        rounds::one(self).await
    }

    /// When the next check is due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_due(&self) -> Result<Option<Moment>, StoreError> {
        self.next().await
    }

    /// Runs one claimed check and reports it.
    async fn work_off(&self, claim: Claim) -> Result<(), Failure> {
        let offer = self.claims.offer(&claim.key).await?.ok_or(StoreError::Superseded)?;
        let operation = offer.operation.as_ref().filter(|operation| operation.id == claim.check.operation);
        let operation = operation.ok_or(StoreError::Superseded)?;
        let check = operation.check(&claim.check).ok_or(StoreError::Superseded)?;
        if operation.course == Course::CancelRequested {
            // Letting go is what the cancel waits for.
            let report = Report::new(Ending::WaitingUntil(self.clock.now()), check.messages.clone());
            return self.report(&claim, report, Then::GiveBack).await;
        }
        if claim.attempt > MOST_ATTEMPTS {
            // Whoever tried it before did not live to say so: it is not tried again by itself.
            let setback = Setback("whatever runs it ends with it".into());
            return self.report(&claim, self.blocked(&claim, &setback), Then::GiveBack).await;
        }
        let _leave = match self.checks.leave(check) {
            Ok(leave) => leave,
            Err(denied) => return self.wait(&claim, check, denied).await,
        };
        if matches!(check.state, CheckState::Queued { .. }) && !check.begun {
            self.perform.perform_claimed(&claim, Then::Keep, Command::StartCheck(claim.check.clone())).await?;
        }
        // The time that it has holds from its first try, whatever comes of that.
        let outside = self.checks.first_asked(check, self.clock.now());
        let Some(outcome) = self.run_check(&offer, &claim).await? else {
            return Ok(self.claims.put_off(&claim, self.clock.now(), false).await?);
        };
        match outcome {
            Ok(report) if says_nothing_new(check, &report) => {
                let until = if let Ending::WaitingUntil(at) = report.ending { at } else { self.clock.now() };
                Ok(self.claims.put_off(&claim, until, true).await?)
            }
            Ok(report) if self.checks.is_reported_again(&claim.check, self.clock.now()) => {
                self.report(&claim, report.clone(), Then::GiveBack).await?;
                self.report(&claim, report, Then::GiveBack).await
            }
            Ok(report) => self.report(&claim, report, Then::GiveBack).await,
            Err(setback) if claim.attempt < MOST_ATTEMPTS => {
                tracing::warn!(%setback, check = ?claim.check, attempt = claim.attempt, "a check could not be run");
                let wait = 1 << claim.attempt.clamp(0, 10);
                let report = Report::new(Ending::WaitingUntil(self.clock.now().plus_seconds(wait)), Vec::new());
                let report = Report { outside, ..report };
                self.report(&claim, report, Then::TryAgain).await
            }
            Err(setback) => self.report(&claim, self.blocked(&claim, &setback), Then::GiveBack).await,
        }
    }

    /// Waits for leave to run a check; what there is to say of that is said once.
    async fn wait(&self, claim: &Claim, check: &Check, denied: Denied) -> Result<(), Failure> {
        let seconds = i64::try_from(denied.wait.as_secs()).unwrap_or(i64::MAX).saturating_add(1);
        let until = match denied.report.as_ref().map(|report| report.ending) {
            Some(Ending::WaitingUntil(at)) => at,
            _ => self.clock.now().plus_seconds(seconds),
        };
        if let Some(report) = denied.report.filter(|report| !says_nothing_new(check, report)) {
            self.report(claim, *report, Then::Keep).await?;
        }
        Ok(self.claims.put_off(claim, until, false).await?)
    }

    async fn report(&self, claim: &Claim, report: Report, then: Then) -> Result<(), Failure> {
        if report.ending == Ending::Blocked {
            let codes: Vec<&str> = report.messages.iter().filter_map(|message| message.code.as_deref()).collect();
            tracing::warn!(offer = claim.key.name(), check = ?claim.check, ?codes, "a check is blocked");
        }
        let command = Command::ReportCheck(claim.check.clone(), report);
        self.perform.perform_claimed(claim, then, command).await.map(drop)
    }

    /// Runs a check under its claim, which is renewed meanwhile; `None` where it was given up. A check that is to be canceled
    /// lets go at once.
    async fn run_check(&self, offer: &Offer, claim: &Claim) -> Result<Option<Result<Report, Setback>>, Failure> {
        let job = match self.job(offer, claim).await {
            Ok(job) => job,
            Err(setback) => return Ok(Some(Err(setback))),
        };
        let so_far = job.check.messages.clone();
        let (said, mut heard) = mpsc::channel(16);
        // On a task of its own, so that a panic in it does not take the worker along; aborted where this is given up.
        let checks = self.checks.clone();
        let mut run = AbortOnDrop(tokio::spawn(async move { checks.run(job, said).await }));
        let mut giving_up = self.giving_up.subscribe();
        let mut renewal = tokio::time::interval(RENEWAL);
        renewal.tick().await;
        loop {
            tokio::select! {
                done = &mut run.0 => {
                    return Ok(Some(done.unwrap_or_else(|_| Err(Setback("the check broke off".into())))));
                }
                () = told(&mut giving_up) => return Ok(None),
                Some(report) = heard.recv() => {
                    let command = Command::ReportCheck(claim.check.clone(), report);
                    self.perform.perform_claimed(claim, Then::Keep, command).await?;
                }
                _ = renewal.tick() => {
                    self.claims.renew(claim, self.clock.now().plus_seconds(LEASE_SECONDS)).await?;
                    if self.is_to_let_go(claim).await? {
                        return Ok(Some(Ok(Report::new(Ending::WaitingUntil(self.clock.now()), so_far))));
                    }
                }
            }
        }
    }

    /// Whether a cancel waits for the check to let go.
    async fn is_to_let_go(&self, claim: &Claim) -> Result<bool, StoreError> {
        let offer = self.claims.offer(&claim.key).await?;
        let operation = offer.and_then(|offer| offer.operation).filter(|o| o.id == claim.check.operation);
        Ok(operation.is_none_or(|operation| operation.course != Course::Running))
    }

    async fn job(&self, offer: &Offer, claim: &Claim) -> Result<Job, Setback> {
        let lost = |what: &str| Setback(format!("{what} is not there"));
        let operation = offer.operation.as_ref().ok_or_else(|| lost("the operation"))?;
        let step = operation.steps.get(claim.check.step).ok_or_else(|| lost("the step"))?;
        let snapshot = self.claims.snapshot(&claim.key, operation.offer_version).await;
        Ok(Job {
            key: claim.key.clone(),
            at: claim.check.clone(),
            check: operation.check(&claim.check).ok_or_else(|| lost("the check"))?.clone(),
            offer_type: self.types.get(&offer.offer_type).cloned(),
            snapshot: snapshot.map_err(|error| Setback(error.to_string()))?.ok_or_else(|| lost("the version"))?,
            live_plans: offer.fixed_plans(),
            reached_at: step.reached_at.unwrap_or(operation.started_at),
            now: self.clock.now(),
            operation: operation.clone(),
            links: self.perform.links().clone(),
        })
    }

    /// The cause is for the operator's log; the publisher hears whose turn it is.
    fn blocked(&self, claim: &Claim, setback: &Setback) -> Report {
        tracing::error!(%setback, check = ?claim.check, attempt = claim.attempt, "a check cannot be run and is blocked");
        let text = "This check could not be run. The marketplace's operator has to mend that and unblock it.";
        Report::new(Ending::Blocked, vec![Message::error("CheckCannotRun", text, self.clock.now())])
    }

    /// What comes too late is thrown away, and said.
    fn note(&self, error: &Failure, check: &publishing::command::CheckRef) {
        match error {
            Failure::Store(StoreError::Superseded) | Failure::Refused(Refusal::Superseded) => {
                tracing::info!(?check, "a check was superseded");
            }
            other => tracing::error!(error = %other, ?check, "a check could not be reported"),
        }
    }
}

impl Due for Worker {
    const HANDS: usize = 32;
    const NAME: &'static str = "checks";

    async fn take(&self, in_hand: &mut JoinSet<()>, free: usize) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let claims = self.claims.claim(now, now.plus_seconds(LEASE_SECONDS), free).await?;
        let count = claims.len();
        for claim in claims {
            let worker = self.clone();
            in_hand.spawn(async move {
                let check = claim.check.clone();
                if let Err(error) = worker.work_off(claim).await {
                    worker.note(&error, &check);
                }
            });
        }
        Ok(count)
    }

    async fn next(&self) -> Result<Option<Moment>, StoreError> {
        self.claims.next_due().await
    }
}

/// Whether a report of a check that waits already says only that it waits on.
fn says_nothing_new(check: &Check, report: &Report) -> bool {
    check.begun
        && matches!((report.ending, check.state), (Ending::WaitingUntil(_), CheckState::Queued { .. }))
        && report.messages == check.messages
        && report.progress.is_none_or(|progress| Some(progress) == check.progress)
        && report.outside.as_ref().is_none_or(|outside| Some(outside) == check.outside.as_ref())
        && report.artifacts.is_empty()
}

/// Waits until somebody is told so.
async fn told(so: &mut watch::Receiver<bool>) {
    if so.wait_for(|told| *told).await.is_err() {
        std::future::pending().await
    }
}

/// A task that ends with whoever waits for it.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

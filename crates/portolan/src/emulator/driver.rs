//! Turns: who changes anything holds one. In it the clock stands, and what is due is worked off one by one, each at its moment.

use super::inner::Inner;
use super::{Emulator, reviews};
use anyhow::{Context, Result, ensure};
use api::emulator::Reviews;
use publishing::moment::Moment;
use std::sync::{Arc, PoisonError};
use tokio::sync::{OwnedMutexGuard, watch};

/// How many things may be done at one moment: more never come to an end.
const MOST_AT_ONCE: usize = 100_000;

/// Who works off what is due; at the same moment in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Checks,
    Verdicts,
    Looks,
    /// The deliveries, by their place.
    Letters(usize),
}

/// What is due next.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) at: Moment,
    source: Source,
    /// The offer, as `publisher/offer`, where that is known.
    pub(super) offer: Option<String>,
}

impl Due {
    /// What it is, in a word.
    pub(super) const fn what(&self) -> &'static str {
        match self.source {
            Source::Checks => "check",
            Source::Verdicts => "verdict",
            Source::Looks => "look",
            Source::Letters(_) => "letter",
        }
    }
}

/// A turn. The clock stands for as long as it is held.
pub(super) struct Turn {
    pub(super) emulator: Emulator,
    _held: OwnedMutexGuard<()>,
    /// Who had nothing to do at this moment, though it was due: what only had to be tidied up.
    idle: Vec<Source>,
    at: Moment,
    count: usize,
    ended: bool,
}

impl Emulator {
    /// Waits for a turn.
    pub(super) async fn turn(&self) -> Turn {
        let held = Arc::clone(&self.0.turn).lock_owned().await;
        self.0.clock.hold(None);
        let at = self.0.clock.now();
        Turn { emulator: self.clone(), _held: held, idle: Vec::new(), at, count: 0, ended: false }
    }

    /// What happens next by itself, as of the end of the last turn.
    pub(super) fn next_due(&self) -> Option<Due> {
        self.0.next.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Works off what is due as the clock comes to it, until told to stop.
    pub(super) async fn drive(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let is_due = async {
                match self.next_due() {
                    Some(due) => self.0.clock.sleep_until(due.at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = is_due => {
                    // By itself, so that it may end badly; and nobody waits for it who is told to stop.
                    let work = tokio::spawn(self.clone().work_off());
                    let worked = tokio::select! {
                        worked = work => worked,
                        _ = stop.wait_for(|stop| *stop) => break,
                    };
                    self.rest_after(worked.context("it broke off").flatten()).await;
                }
                () = self.0.changed.notified() => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
    }

    async fn work_off(self) -> Result<()> {
        let mut turn = self.turn().await;
        turn.settle().await?;
        turn.end().await
    }

    async fn rest_after(&self, worked: Result<()>) {
        if let Err(error) = worked {
            tracing::error!(
                error = format!("{error:#}"),
                "what is due could not be worked off; it is tried again in a second"
            );
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}

impl Turn {
    pub(super) fn now(&self) -> Moment {
        self.emulator.0.clock.now()
    }

    pub(super) fn inner(&self) -> Arc<Inner> {
        self.emulator.inner()
    }

    /// Works off everything that is due by now.
    pub(super) async fn settle(&mut self) -> Result<()> {
        let now = self.now();
        while self.step(now).await? {}
        Ok(())
    }

    /// Works off everything that is due up to this moment, each at its own, and makes the clock show it.
    pub(super) async fn settle_until(&mut self, until: Moment) -> Result<()> {
        while self.step(until).await? {}
        self.hold(until);
        Ok(())
    }

    /// Works off the next thing where it is due at this moment or before; whether it was.
    pub(super) async fn step(&mut self, until: Moment) -> Result<bool> {
        // What is due now is finished; far goes nobody any more.
        let is_over = until > self.at && *self.emulator.0.stopped.borrow();
        ensure!(!is_over, "the emulator is told to stop");
        let Some(due) = self.next().await?.filter(|due| due.at <= until) else { return Ok(false) };
        self.hold(due.at);
        self.count += 1;
        ensure!(
            self.count < MOST_AT_ONCE,
            "what is due at {} does not come to an end ({})",
            due.at.ticks(),
            due.what()
        );
        if !self.work_off(due.source).await? {
            self.idle.push(due.source);
        }
        Ok(true)
    }

    /// Makes the clock stand at a moment; it never goes back.
    fn hold(&mut self, at: Moment) {
        if at > self.at {
            self.emulator.0.clock.hold(Some(at));
            (self.at, self.count) = (at, 0);
            self.idle.clear();
        }
    }

    async fn work_off(&self, source: Source) -> Result<bool> {
        let inner = self.inner();
        Ok(match source {
            Source::Checks => inner.service.worker.work_off_one().await?,
            Source::Verdicts => {
                let (now, faults) = (self.now(), &self.emulator.0.faults);
                match reviews::next(&inner, self.emulator.0.making.pace(), faults, now).await? {
                    Some(pending) if pending.at <= now => pending.give(&inner, faults, now).await?,
                    _ => false,
                }
            }
            Source::Looks => inner.service.lookout.look_at_one().await?,
            Source::Letters(at) => match inner.service.deliveries.get(at) {
                Some(delivery) => delivery.deliver_one().await?,
                None => false,
            },
        })
    }

    /// What is due next, but for what is due and only had to be tidied up.
    pub(super) async fn next(&self) -> Result<Option<Due>> {
        let inner = self.inner();
        let service = &inner.service;
        let mut due = Vec::new();
        let mut add = |source, at: Option<Moment>, offer| due.extend(at.map(|at| Due { at, source, offer }));
        add(Source::Checks, service.worker.next_due().await?, None);
        if self.emulator.0.reviews == Reviews::Simulated {
            let (pace, faults) = (self.emulator.0.making.pace(), &self.emulator.0.faults);
            let pending = reviews::next(&inner, pace, faults, self.now()).await?;
            let offer = pending.as_ref().map(|pending| pending.key.name());
            add(Source::Verdicts, pending.map(|pending| pending.at), offer);
        }
        add(Source::Looks, service.lookout.next_due().await?, None);
        for (at, delivery) in service.deliveries.iter().enumerate() {
            add(Source::Letters(at), delivery.next_due().await?, None);
        }
        due.retain(|due| due.at > self.at || !self.idle.contains(&due.source));
        Ok(due.into_iter().min_by_key(|due| (due.at.max(self.at), due.source)))
    }

    /// Ends the turn: the clock goes on, as far as what is due next.
    pub(super) async fn end(mut self) -> Result<()> {
        let next = self.next().await?;
        self.ended = true;
        let until = next.as_ref().map(|due| due.at.max(self.at));
        *self.emulator.0.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
        self.emulator.0.clock.let_go(until);
        self.emulator.0.changed.notify_one();
        Ok(())
    }

    /// A turn in another emulator that is at the same point.
    pub(super) async fn of_copy(&self, emulator: Emulator) -> Self {
        let mut turn = emulator.turn().await;
        turn.idle.clone_from(&self.idle);
        (turn.at, turn.count) = (self.at, self.count);
        turn
    }

    /// The clock was set back, or the store is another.
    pub(super) fn begin_anew(&mut self) {
        (self.at, self.count) = (self.emulator.0.clock.now(), 0);
        self.idle.clear();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.ended {
            // It broke off: the driver takes up what is left, and until then nothing is passed over.
            let now = self.emulator.0.clock.now();
            let due = Due { at: now, source: Source::Checks, offer: None };
            *self.emulator.0.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(due);
            self.emulator.0.clock.let_go(Some(now));
            self.emulator.0.changed.notify_one();
        }
    }
}

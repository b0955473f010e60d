//! Everything as it is, kept under a name and put back, or tried out: the database, the clock with its speed and its count of ids,
//! the faults, and what was sent and asked.

use super::driver::Turn;
use super::faults::{Faults, State};
use super::outbox::{self, Outbox};
use super::requests::{self, Requests};
use super::{Emulator, Inside, Scenario};
use crate::clock::{Clock, Mark};
use crate::wire;
use anyhow::Result;
use api::emulator::Snapshot;
use std::sync::{Arc, Mutex, RwLock};
use tokio::sync::Notify;

/// How many snapshots are kept at most.
pub(super) const MOST_KEPT: usize = 100;

/// Everything as it was at some moment.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    image: Vec<u8>,
    mark: Mark,
    speed: u32,
    faults: State,
    outbox: outbox::Kept,
    requests: requests::Kept,
}

impl Kept {
    /// The same as clients see it.
    pub(super) fn described(&self, name: &str) -> Snapshot {
        Snapshot { name: name.to_owned(), at: wire::date(self.mark.moment), bytes: self.image.len() as u64 }
    }
}

impl Turn {
    /// Keeps everything as it is.
    pub(super) fn keep(&self) -> Result<Kept> {
        let inside = &self.emulator.0;
        Ok(Kept {
            image: self.inner().store.image()?,
            mark: inside.clock.mark(),
            speed: inside.clock.speed(),
            faults: inside.faults.kept(),
            outbox: inside.outbox.kept(),
            requests: inside.requests.kept(),
        })
    }

    /// Makes everything as it was.
    pub(super) async fn put_back(&mut self, kept: &Kept) -> Result<()> {
        let inside = &self.emulator.0;
        inside.clock.set_back(kept.mark);
        let inner = inside.making.of_image(&kept.image).await?;
        // Assembling may have taken ids.
        inside.clock.set_back(kept.mark);
        inside.clock.set_speed(kept.speed);
        inside.faults.put_back(kept.faults.clone());
        inside.outbox.put_back(kept.outbox.clone());
        inside.requests.put_back(kept.requests.clone());
        self.emulator.put_inner(inner);
        self.begin_anew();
        Ok(())
    }

    /// A turn in an emulator of its own, where everything is as it is here and goes on as it would here, but nobody sees it. What is
    /// tried out there first need not be undone here.
    pub(super) async fn rehearsal(&self) -> Result<Self> {
        let (inside, kept) = (&self.emulator.0, self.keep()?);
        let clock = Clock::running(inside.start, inside.making.seed(), 0);
        let (faults, outbox) = (Faults::default(), Outbox::default());
        faults.put_back(kept.faults);
        outbox.put_back(kept.outbox);
        clock.set_back(kept.mark);
        let making = inside.making.by(&clock, (&faults, &outbox));
        let inner = making.of_image(&kept.image).await?;
        // Assembling may have taken ids.
        clock.set_back(kept.mark);
        let copy = Emulator(Arc::new(Inside {
            requests: Requests::new(faults.clone(), clock.clone(), Clock::system()),
            clock,
            start: inside.start,
            reviews: inside.reviews,
            making,
            faults,
            outbox,
            scenario: Scenario::default(),
            people: inside.people.clone(),
            inner: RwLock::new(Arc::new(inner)),
            turn: Arc::default(),
            next: Mutex::default(),
            changed: Notify::new(),
            snapshots: Mutex::default(),
            stopped: inside.stopped.clone(),
        }));
        Ok(self.of_copy(copy).await)
    }

    /// Makes everything as it was at the start.
    pub(super) async fn reset(&mut self) -> Result<()> {
        let inside = &self.emulator.0;
        inside.clock.begin_anew(inside.start);
        let (inner, _, _) = inside.making.fresh().await?;
        inside.clock.set_speed(inside.making.speed());
        inside.faults.put_back(State::default());
        inside.outbox.put_back(outbox::Kept::default());
        inside.requests.put_back(requests::Kept::default());
        self.emulator.put_inner(inner);
        self.begin_anew();
        Ok(())
    }
}

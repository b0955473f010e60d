//! Everything as it is, kept under a name and put back: the database, the clock with its count of ids, the faults, and what
//! was sent and asked.

use super::driver::Turn;
use super::faults::State;
use super::{outbox, requests};
use crate::clock::Mark;
use crate::wire;
use anyhow::Result;
use api::emulator::Snapshot;

/// How many snapshots are kept at most.
pub(super) const MOST_KEPT: usize = 100;

/// Everything as it was at some moment.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    image: Vec<u8>,
    mark: Mark,
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
        inside.faults.put_back(kept.faults.clone());
        inside.outbox.put_back(kept.outbox.clone());
        inside.requests.put_back(kept.requests.clone());
        self.emulator.put_inner(inner);
        self.begin_anew();
        Ok(())
    }

    /// Makes everything as it was at the start.
    pub(super) async fn reset(&mut self) -> Result<()> {
        let inside = &self.emulator.0;
        inside.clock.begin_anew(inside.start);
        let (inner, _) = inside.making.fresh().await?;
        inside.faults.put_back(State::default());
        inside.outbox.put_back(outbox::Kept::default());
        inside.requests.put_back(requests::Kept::default());
        self.emulator.put_inner(inner);
        self.begin_anew();
        Ok(())
    }
}

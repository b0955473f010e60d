//! What steps usually take: kept in memory for rendering, refreshed by the commits that teach it; and the looks at late ones.

use super::{Actor, Failure, Perform, SERVICE};
use crate::store::{Learned, Look, Store, StoreError, Stored};
use crate::wire::{self, Usual, UsualEnd};
use publishing::command::Command;
use publishing::durations::{Durations, Range, Watched, ended_steps, watched};
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::offer::Offer;
use publishing::operation::{Course, Step};
use publishing::refusal::Refusal;
use publishing::status::{OfferStatus, StepStatus};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// For how long what was read counts, in seconds, though no commit of this process has taught anything since.
const FRESH_SECONDS: i64 = 300;

/// When to look again at a step of which too little is known to call it late, in seconds.
const UNKNOWN_SECONDS: i64 = 3_600;

/// What was read, by offer type and step.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    by_type: HashMap<String, HashMap<String, (Moment, Arc<Durations>)>>,
    /// Rises with what is forgotten: what was read before that is not kept.
    generation: u64,
}

impl Known {
    fn entries<T>(&self, work: impl FnOnce(&mut Entries) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn of(&self, store: &dyn Store, now: Moment, offer_type: &str, step: &str) -> Result<Arc<Durations>, StoreError> {
        let is_fresh = |read_at: Moment| (now.ticks() - read_at.ticks()).abs() < FRESH_SECONDS * TICKS_PER_SECOND;
        let (found, generation) = self.entries(|entries| {
            let found = entries.by_type.get(offer_type).and_then(|steps| steps.get(step));
            let fresh = found.filter(|(read_at, _)| is_fresh(*read_at)).map(|(_, durations)| Arc::clone(durations));
            (fresh, entries.generation)
        });
        if let Some(found) = found {
            return Ok(found);
        }
        let durations = Arc::new(store.durations(offer_type, step)?);
        self.entries(|entries| {
            if entries.generation == generation {
                let steps = entries.by_type.entry(offer_type.to_owned()).or_default();
                steps.insert(step.to_owned(), (now, Arc::clone(&durations)));
            }
        });
        Ok(durations)
    }

    /// Forgets the steps of which a commit has taught something.
    pub(super) fn forget(&self, offer_type: &str, learned: &Learned) {
        if learned.ended.is_empty() {
            return;
        }
        self.entries(|entries| {
            entries.generation += 1;
            if let Some(steps) = entries.by_type.get_mut(offer_type) {
                learned.ended.iter().for_each(|ended| drop(steps.remove(&ended.step)));
            }
        });
    }
}

impl Perform {
    /// The same, with or without telling what steps usually take. Late ones are noted either way.
    #[must_use]
    pub fn telling_durations(mut self, tells: bool) -> Self {
        self.tells_durations = tells;
        self
    }

    /// What each of these steps of an offer usually takes; nothing of those that have ended, or will not be reached.
    pub(super) fn usual(&self, offer: &Offer, steps: &[Step]) -> Result<Vec<Option<Usual>>, StoreError> {
        let ends = matches!(offer.status(), OfferStatus::Succeeded | OfferStatus::Canceled | OfferStatus::Failed)
            || offer.operation.as_ref().is_some_and(|operation| operation.course == Course::CancelRequested);
        if ends || !self.tells_durations {
            return Ok(Vec::new());
        }
        let at_hand = offer.operation.as_ref().and_then(watched);
        let usual = |(at, step): (usize, &Step)| {
            let is_left = matches!(
                step.status(),
                StepStatus::NotStarted | StepStatus::InProgress | StepStatus::WaitingForApproval
            );
            if !is_left || step.is_sign_off() || step.late.is_some() {
                return Ok(None);
            }
            let durations = self.known.of(self.store.as_ref(), self.clock.now(), &offer.offer_type, &step.id)?;
            let since = at_hand.filter(|watched| watched.at == at).map(|watched| watched.since);
            Ok(durations.range().map(|range| Usual { range, since }))
        };
        steps.iter().enumerate().map(usual).collect()
    }

    /// When the step at hand of an offer usually ends, by those earlier ones that took longer than it has by now.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn usual_end(&self, offer: &Offer) -> Result<Option<UsualEnd>, StoreError> {
        let at_hand = offer.operation.as_ref().and_then(watched).filter(|_| self.tells_durations);
        let Some(at_hand) = at_hand else { return Ok(None) };
        let now = self.clock.now();
        let known = self.known.of(self.store.as_ref(), now, &offer.offer_type, &at_hand.step.id)?;
        let end = |range: Range| UsualEnd {
            from: at_hand.plus(range.low),
            to: at_hand.plus(range.high),
            samples: range.samples,
        };
        Ok(known.after(at_hand.spent(now)).map(end))
    }

    /// How long a step of a type usually takes, where that is known and may be told.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn usual_of(&self, offer_type: &str, step: &str) -> Result<Option<Range>, StoreError> {
        if !self.tells_durations {
            return Ok(None);
        }
        Ok(self.known.of(self.store.as_ref(), self.clock.now(), offer_type, step)?.range())
    }

    /// What a decision teaches, and when to look whether the step that follows is late.
    pub(super) fn learned(&self, stored: Option<&Stored>, offer: &Offer) -> Result<Learned, StoreError> {
        let before = stored.and_then(|stored| stored.offer.operation.as_ref());
        let at_hand = offer.operation.as_ref().and_then(watched);
        let look_at = at_hand.map(|watched| self.look_at(offer, &watched)).transpose()?;
        Ok(Learned { ended: ended_steps(before, offer.operation.as_ref(), self.clock.now()), look_at })
    }

    fn range(&self, offer: &Offer, at_hand: &Watched<'_>) -> Result<Option<Range>, StoreError> {
        let known = self.known.of(self.store.as_ref(), self.clock.now(), &offer.offer_type, &at_hand.step.id)?;
        Ok(known.range())
    }

    fn look_at(&self, offer: &Offer, at_hand: &Watched<'_>) -> Result<Moment, StoreError> {
        let range = self.range(offer, at_hand)?;
        // Late is what takes longer than that, and not as long.
        let late = range.map(|range| at_hand.plus(range.late_after().saturating_add(1)));
        Ok(late.unwrap_or_else(|| self.clock.now().plus_seconds(UNKNOWN_SECONDS)))
    }

    /// Looks whether a step is late, by what is known now, and notes it; otherwise gives when to look again, if ever.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn look(&self, look: &Look) -> Result<Looked, Failure> {
        let stored = self.store.load(&look.key).await?;
        let offer = stored.map(|stored| stored.offer);
        let Some((offer, at_hand)) = offer.as_ref().and_then(|offer| {
            let operation = offer.operation.as_ref().filter(|operation| operation.id == look.operation)?;
            Some((offer, watched(operation)?))
        }) else {
            return Ok(Looked::Again(None));
        };
        let usual = match self.range(offer, &at_hand)? {
            Some(usual) if at_hand.spent(self.clock.now()) > usual.late_after() => usual,
            _ => return Ok(Looked::Again(Some(self.look_at(offer, &at_hand)?))),
        };
        let command = Command::NoteLate {
            operation: look.operation,
            step: at_hand.at,
            usual,
            tells_figures: self.tells_durations,
        };
        match self.run(&look.key, &Actor::named(SERVICE), command, None, None).await {
            Ok(_) => {
                let (offer, step) = (look.key.name(), &at_hand.step.id);
                let (since, most) = (wire::date(at_hand.since), usual.high / TICKS_PER_SECOND);
                tracing::warn!(offer, step, %since, usually_at_most_seconds = most, "a step takes longer than nine in ten earlier ones");
                Ok(Looked::Late)
            }
            // Somebody was faster, and has said with that when to look again.
            Err(Failure::Refused(Refusal::Superseded)) => Ok(Looked::Moved),
            Err(error) => Err(error),
        }
    }
}

/// What a look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// The step is late, and that is noted.
    Late,
    /// It is not; this is when to look again.
    Again(Option<Moment>),
    /// The offer has changed meanwhile.
    Moved,
}

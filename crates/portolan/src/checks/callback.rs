//! What a checker says by itself: who signed it, of which check it is, and what the rules hear of it.

use super::said::{Said, SaidFault, State};
use super::settings::Checker;
use super::{Checks, asked, http};
use ::http::HeaderMap;
use publishing::check::Outside;
use publishing::command::{CheckRef, Report};
use publishing::message::Message;
use publishing::moment::Moment;
use serde::Deserialize;
use std::sync::PoisonError;
use std::time::Duration;
use thiserror::Error;

/// A callback that was read.
#[derive(Debug)]
pub struct Callback {
    id: String,
    sequence: u64,
    said: Said,
}

/// A callback that cannot be taken. The text is for whoever runs the checker.
#[derive(Debug, Error)]
pub enum CallbackFault {
    /// It is not of the documented shape.
    #[error("The body cannot be taken: {0}.")]
    Said(#[from] SaidFault),
    /// It does not say of which check it is.
    #[error("/id is missing. Send the `id` of the start request.")]
    NoId,
    /// It is not numbered.
    #[error("/sequence is missing or 0. Number what you say of a check, from 1.")]
    NoSequence,
}

#[derive(Deserialize)]
struct Beside {
    id: Option<String>,
}

impl Checks {
    /// The names of the checkers whose secret has signed a callback just now. It takes as long whichever secret signed, and
    /// nothing is looked up; only what lacks a header, or is stale by its own timestamp, is turned away sooner.
    pub fn signers(&self, headers: &HeaderMap, body: &[u8]) -> Vec<&str> {
        let systems = self.checkers.values().filter_map(|checker| match checker {
            Checker::System(system) => Some(system),
            Checker::Program(..) => None,
        });
        systems
            .filter(|system| system.secrets.have_signed(headers, system.clock.now(), body))
            .map(|system| system.name.as_str())
            .collect()
    }
}

/// How often a check may say that it goes on: each time is a commit, with a line of the journal.
const TAKEN_EVERY: Duration = Duration::from_secs(1);

impl Checks {
    /// Whether a callback of this checker may count now. What ends a check always may.
    pub fn takes(&self, checker: &str, callback: &Callback) -> bool {
        let Some(Checker::System(system)) = self.checkers.get(checker) else { return true };
        if callback.said.state != State::Running {
            return true;
        }
        let now = system.clock.steady();
        let mut taken = system.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|_, at| now.saturating_sub(*at) < TAKEN_EVERY);
        let is_free = !taken.contains_key(&callback.id);
        taken.entry(callback.id.clone()).or_insert(now);
        is_free
    }
}

impl CallbackFault {
    /// The member that is wrong, as a JSON pointer; empty where it is another one, which the text names.
    pub const fn target(&self) -> &'static str {
        match self {
            Self::Said(_) => "",
            Self::NoId => "/id",
            Self::NoSequence => "/sequence",
        }
    }
}

impl Callback {
    /// Reads a callback.
    ///
    /// # Errors
    /// [`CallbackFault`] says what is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, CallbackFault> {
        let said = Said::read(body)?;
        let beside: Option<Beside> = serde_json::from_slice(body).ok();
        let id = beside.and_then(|beside| beside.id).ok_or(CallbackFault::NoId)?;
        let sequence = said.sequence.filter(|sequence| *sequence > 0).ok_or(CallbackFault::NoSequence)?;
        Ok(Self { id, sequence, said })
    }

    /// The round of this check that it is about; nothing where it is about another check.
    pub fn round_of(&self, check: &CheckRef) -> Option<u32> {
        asked::round(&self.id, check)
    }

    /// Whether it says something newer than this number.
    pub const fn is_newer_than(&self, sequence: u64) -> bool {
        self.sequence > sequence
    }

    /// What the rules hear, where the check has said this before.
    pub fn report(self, before: &[Message], now: Moment) -> Report {
        let outside = Outside { sequence: self.sequence, ..Outside::default() };
        Report { outside: Some(outside), ..http::report(self.said, before, now) }
    }
}

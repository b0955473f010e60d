//! Sends each command to its file, nothing else.

use crate::command::{Audience, Command};
use crate::entry::{Entry, Event};
use crate::moment::Moment;
use crate::offer::{Offer, OfferKey, Snapshot};
use crate::offer_type::OfferTypes;
use crate::operation::Operation;
use crate::refusal::Refusal;
use crate::review::Reviewer;
use crate::reviewed::Named;
use crate::{
    add_note, cancel, claim_review, give_verdict, go_live, happening, hear_check, note_late, publish, release_review,
    replan, report_check, roll_back, save_draft, start_check, synchronise_audiences,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a decision depends on besides the offer and the command.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The time.
    pub now: Moment,
    /// An id nobody has used, for an operation that may start.
    pub fresh_id: Uuid,
    /// Who asks, for the journal.
    pub actor: &'a str,
    /// Its id; none for the service itself.
    pub principal: Option<Uuid>,
    /// The offer types there are.
    pub types: &'a OfferTypes,
    /// What an update without `If-Match` means.
    pub missing_if_match: MissingIfMatch,
}

/// What a PUT on an existing offer without `If-Match` means (wire contract, "ETag and If-Match").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingIfMatch {
    /// The last writer wins.
    #[default]
    Accept,
    /// 409 `InvalidResourceId`.
    Conflict,
    /// 400 `BadRequest`.
    BadRequest,
}

/// What shall be stored, in one transaction, and answered.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The offer as it shall be; its newest operation with it.
    pub offer: Offer,
    /// The publish that this signs off, with its step complete; no longer the newest operation.
    pub signed_off: Option<Operation>,
    /// A version to keep for ever, if this publishes one.
    pub snapshot: Option<Snapshot>,
    /// The journal's line.
    pub entry: Entry,
    /// What to tell the caller.
    pub answer: Answer,
}

/// What a decision means to the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The draft was saved.
    Saved {
        /// Whether that created the offer.
        created: bool,
    },
    /// An operation was started.
    Started(Uuid),
    /// The operation is canceled.
    Canceled,
    /// The operation will be canceled when the check in hand lets go.
    CancelRequested(Uuid),
    /// The review is held until then.
    Held(Moment),
    /// These audiences are live.
    Synchronised(Vec<Audience>),
    /// It is recorded.
    Recorded,
}

/// Decides a command on an offer, or on none.
///
/// # Errors
/// A [`Refusal`]; then nothing is to be stored.
pub fn decide(
    key: &OfferKey,
    offer: Option<&Offer>,
    command: Command,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let there = || {
        offer.ok_or_else(|| Refusal::OfferMissing {
            publisher: key.publisher.as_str().to_owned(),
            offer: key.offer.as_str().to_owned(),
        })
    };
    let mut decision = match command {
        Command::SaveDraft { offer_type, definition, expected } => {
            save_draft::decide(key, offer, &offer_type, definition, &expected, context)
        }
        Command::Publish { emails, expected } => publish::decide(there()?, emails, &expected, context),
        Command::GoLive { expected } => go_live::decide(there()?, &expected, context),
        Command::Cancel { expected } => cancel::decide(there()?, &expected, context),
        Command::GiveVerdict { operation, step, queue, verdict } => {
            give_verdict::decide(there()?, Named { operation, step, queue }, verdict, context)
        }
        Command::ClaimReview { operation, step, queue } => {
            claim_review::decide(there()?, Named { operation, step, queue }, context)
        }
        Command::ReleaseReview { operation, step, queue, by_operator } => {
            release_review::decide(there()?, Named { operation, step, queue }, by_operator, context)
        }
        Command::AddNote { operation, step, queue, text, public } => {
            add_note::decide(there()?, Named { operation, step, queue }, text, public, context)
        }
        Command::StartCheck(check) => start_check::decide(there()?, check, context),
        Command::ReportCheck(check, report) => report_check::decide(there()?, check, report, context),
        Command::HearCheck { check, round, report } => hear_check::decide(there()?, check, round, report, context),
        Command::NoteLate { operation, step, usual, tells_figures } => {
            note_late::decide(there()?, operation, step, &usual, tells_figures, context)
        }
        Command::RollBack { from, expected } => roll_back::decide(there()?, from, &expected, context),
        Command::SynchroniseAudiences { audiences, expected } => {
            synchronise_audiences::decide(there()?, audiences, &expected, context)
        }
        Command::Replan => replan::decide(there()?, Event::Replanned, context),
        Command::RenewLinks => replan::decide(there()?, Event::LinksRenewed, context),
    }?;
    decision.entry.told = Some(happening::told(offer, &decision.offer, &decision.entry.event));
    Ok(decision)
}

impl Context<'_> {
    pub(crate) fn entry(&self, at: Moment, event: Event) -> Entry {
        Entry { at, actor: self.actor.to_owned(), told: None, event }
    }

    /// Who asks, as one who reviews.
    pub(crate) fn reviewer(&self) -> Reviewer {
        Reviewer { id: self.principal, name: self.actor.to_owned() }
    }
}

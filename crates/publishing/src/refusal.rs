//! Every way the rules say no. A refused command has changed nothing.

use crate::definition::{Fault, MOST_FAULTS};
use crate::moment::Moment;
use crate::status::OfferStatus;
use thiserror::Error;
use uuid::Uuid;

/// Why a command was refused, in words for the caller: the fault and the mend.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no such offer.
    #[error("There is no offer {offer:?} for publisher {publisher:?}. Create it with PUT, or check the id.")]
    OfferMissing {
        /// The publisher that was asked.
        publisher: String,
        /// The offer that is not there.
        offer: String,
    },
    /// Something in the request cannot be.
    #[error("{message}")]
    BadRequest {
        /// A JSON pointer into the body, or the header or parameter at fault.
        target: String,
        /// The fault and the mend.
        message: String,
    },
    /// A submission runs, or awaits sign-off.
    #[error("Submission {operation} {state}. Saving the draft is possible meanwhile.")]
    OperationInProgress {
        /// The operation in the way.
        operation: Uuid,
        /// What it is doing, and the mend, in words.
        state: &'static str,
    },
    /// The offer's status does not allow the command (wire contract, section 4).
    #[error("{command} is not possible while the offer's status is `{status}`. {mend}")]
    InvalidState {
        /// What was asked, in words.
        command: &'static str,
        /// Where the offer stands.
        status: OfferStatus,
        /// What to do instead.
        mend: &'static str,
    },
    /// The caller had seen another state of the offer than there is.
    #[error("The offer is not as If-Match says. Read it again, and repeat this with the ETag you get.")]
    Precondition {
        /// The change time the offer has now, if there is an offer.
        current: Option<Moment>,
    },
    /// The service is set to want `If-Match` on updates, as a conflict.
    #[error("The offer exists already. Send If-Match with its ETag, or `*` to overwrite it.")]
    IfMatchWanted {
        /// Whether the setting calls that a conflict (409) rather than a bad request (400).
        conflict: bool,
    },
    /// The draft is not fit to be published.
    #[error("The draft has {}. Mend each of `details`, and send this again.", count(.0))]
    Faults(Vec<Fault>),
    /// A verdict, a claim, a release or a note for a step that takes none.
    #[error("The step `{step}` takes no {asked}: {reason}.")]
    ReviewNotAwaited {
        /// The step that was named.
        step: String,
        /// What was asked, in words.
        asked: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// The operation has no such step.
    #[error("The operation has no step `{step}`. Its steps are: {steps}.")]
    StepMissing {
        /// The step that was named.
        step: String,
        /// The ids there are.
        steps: String,
    },
    /// Somebody else has the review in hand.
    #[error("{name} holds this review. Wait until the hold ends, or ask them or an operator to release it.")]
    HeldByAnother {
        /// Who.
        name: String,
        /// When the hold ends.
        until: Moment,
    },
    /// Two people have to approve, and this is one again.
    #[error("You have approved this already, and two people have to. Leave the other approval to another reviewer.")]
    ApprovedAlready,
    /// Whoever submitted cannot decide.
    #[error("You submitted this, and whoever submitted cannot decide. Leave the review to another reviewer.")]
    SubmittedByYou,
    /// Another version is live than the one that shall be taken away.
    #[error("Version {asked} is not live: customers see version {live}. Nothing was changed.")]
    OtherVersionLive {
        /// The version that was named.
        asked: i64,
        /// The version that is live.
        live: i64,
    },
    /// A report from a check that is not, or no longer, in hand.
    #[error("The check is not in hand any more: its operation has moved on.")]
    Superseded,
}

fn count(faults: &[Fault]) -> String {
    match faults.len() {
        1 => "1 fault".to_owned(),
        MOST_FAULTS => format!("{MOST_FAULTS} faults or more, of which these are the first"),
        many => format!("{many} faults"),
    }
}

impl Refusal {
    /// A bad request at a target.
    pub fn bad_request(target: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadRequest { target: target.into(), message: message.into() }
    }
}

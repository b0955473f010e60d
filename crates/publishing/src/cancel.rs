//! Cancel: stop the submission that runs or awaits sign-off. What is live stays live.

use crate::command::Expected;
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::operation::{Course, Operation};
use crate::refusal::Refusal;
use uuid::Uuid;

/// What becomes of the preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewThen {
    /// There is none.
    None,
    /// It is withdrawn: nobody sees this version any more.
    Withdrawn(i64),
    /// It stays: this version is of an earlier submission.
    Kept(i64),
}

/// What a cancel would do to an offer as it stands. The draft is kept in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// The operation that ends.
    pub operation: Uuid,
    /// Whether at once, or as soon as the check in hand lets go.
    pub at_once: bool,
    /// The version that is live, and stays so.
    pub live: Option<i64>,
    /// What becomes of the preview, once it is canceled.
    pub preview: PreviewThen,
}

impl Foreseen {
    /// The same in sentences.
    pub fn words(&self) -> String {
        let when = if self.at_once { "at once" } else { "as soon as the check in hand lets go" };
        let live = self.live.map_or("Nothing is live.".to_owned(), |live| format!("Version {live} stays live."));
        let preview = match self.preview {
            PreviewThen::None => String::new(),
            PreviewThen::Withdrawn(version) => format!(" The preview of version {version} is withdrawn."),
            PreviewThen::Kept(version) => format!(" The preview of version {version} stays."),
        };
        format!("The submission is canceled {when}. {live}{preview} The draft is kept.")
    }
}

/// What a cancel would do now.
///
/// # Errors
/// The [`Refusal`] that the cancel would be.
pub fn foresee(offer: &Offer) -> Result<Foreseen, Refusal> {
    let active = cancelable(offer)?;
    let preview = match offer.preview {
        None => PreviewThen::None,
        Some(version) if version == active.offer_version => PreviewThen::Withdrawn(version),
        Some(version) => PreviewThen::Kept(version),
    };
    Ok(Foreseen { operation: active.id, at_once: !active.has_check_in_hand(), live: offer.production, preview })
}

fn cancelable(offer: &Offer) -> Result<&Operation, Refusal> {
    let refused = |mend| Refusal::InvalidState { command: "Cancel", status: offer.status(), mend };
    let active = offer.active_operation().ok_or_else(|| refused("There is no submission to cancel."))?;
    if active.can_cancel() {
        return Ok(active);
    }
    Err(refused("Going live has begun and cannot be stopped; publish again to change what is live."))
}

pub(crate) fn decide(offer: &Offer, expected: &Expected, context: &Context<'_>) -> Result<Decision, Refusal> {
    expected.check(offer)?;
    let active = cancelable(offer)?;
    let now = offer.after_all(context.now);
    let id = active.id;
    let mut offer = offer.clone();
    let in_hand = active.has_check_in_hand();
    if let Some(operation) = &mut offer.operation {
        // Who asks again gets the same answer, and the wait began when it was asked first.
        if in_hand && operation.course != Course::CancelRequested {
            operation.cancel_requested_at = Some(now);
        }
        operation.course = Course::CancelRequested;
        operation.advance(now, context.now);
    }
    withdraw_preview(&mut offer);
    let (event, answer) = if in_hand {
        (Event::CancelRequested { operation: id }, Answer::CancelRequested(id))
    } else {
        (Event::Canceled { operation: id }, Answer::Canceled)
    };
    Ok(Decision { offer, signed_off: None, snapshot: None, entry: context.entry(now, event), answer })
}

/// A canceled submission's preview is withdrawn; the preview of an earlier version is not its to withdraw.
pub(crate) fn withdraw_preview(offer: &mut Offer) {
    let canceled = offer.operation.as_ref().filter(|operation| operation.course == Course::Canceled);
    if canceled.is_some_and(|operation| offer.preview == Some(operation.offer_version)) {
        offer.preview = None;
        offer.preview_audience.clear();
    }
}

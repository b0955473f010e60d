//! Add a note: a reviewer writes something down about a review, for the publisher or for reviewers alone.

use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::message::Message;
use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::review::{MOST_NOTES, Note};
use crate::reviewed::{Named, did_not_submit};

/// The stable code of the message that a public note is to the publisher.
pub const REVIEWER_NOTE: &str = "ReviewerNote";

pub(crate) fn decide(
    offer: &Offer,
    named: Named,
    text: String,
    public: bool,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let who = context.reviewer();
    let (at, check, operation) = named.in_review(offer, "note", &who, context.now)?;
    did_not_submit(operation, &who)?;
    if check.review.notes.len() >= MOST_NOTES {
        return Err(named.refused("note", "it has as many as it can have; say the rest in the verdict"));
    }
    let now = offer.after_all(context.now);
    let queue = check.kind.queue().unwrap_or_default().to_owned();
    // What only reviewers may read must not stand in a journal that the publisher may read.
    let event_text = public.then(|| text.clone());
    let mut offer = offer.clone();
    offer.change_check(&at, now, |check| {
        if public {
            check.messages.push(Message { code: Some(REVIEWER_NOTE.into()), ..Message::information(&text, now) });
        }
        check.review.notes.push(Note { by: who, at: now, text, public });
    });
    let event = Event::NoteAdded { operation: at.operation, step: named.step, queue, text: event_text };
    let entry = context.entry(now, event);
    Ok(Decision { offer, signed_off: None, snapshot: None, entry, answer: Answer::Recorded })
}

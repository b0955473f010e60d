//! Note late: the service sees that a step takes longer than such steps usually do, and says so once.

use crate::decide::{Answer, Context, Decision};
use crate::durations::{Range, watched};
use crate::entry::Event;
use crate::message::{Level, Message};
use crate::moment::TICKS_PER_SECOND;
use crate::offer::Offer;
use crate::refusal::Refusal;
use uuid::Uuid;

/// The stable code of the message that says so.
pub const STEP_LATE: &str = "StepLate";

/// Refused as [`Refusal::Superseded`] where the step is not late by this range, is not worked on any more, or is marked already.
pub(crate) fn decide(
    offer: &Offer,
    operation: Uuid,
    step: usize,
    usual: &Range,
    tells_figures: bool,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let running = offer.operation.as_ref().filter(|running| running.id == operation).ok_or(Refusal::Superseded)?;
    let at = watched(running).filter(|watched| watched.at == step).ok_or(Refusal::Superseded)?;
    if at.spent(context.now) <= usual.late_after() {
        return Err(Refusal::Superseded);
    }
    let (step_id, since) = (at.step.id.clone(), at.since);
    let now = offer.after_all(context.now);
    let mut offer = offer.clone();
    if let Some(operation) = &mut offer.operation {
        operation.changed_at = now;
        if let Some(step) = operation.steps.get_mut(step) {
            step.late = Some(Message {
                code: Some(STEP_LATE.into()),
                ..Message::new(Level::Warning, text(usual, tells_figures), now)
            });
        }
    }
    let seconds = |ticks: i64| ticks / TICKS_PER_SECOND;
    let event = Event::StepLate {
        operation,
        step: step_id,
        since,
        low_seconds: seconds(usual.low),
        median_seconds: seconds(usual.median),
        high_seconds: seconds(usual.high),
        samples: usual.samples,
    };
    Ok(Decision { offer, signed_off: None, snapshot: None, entry: context.entry(now, event), answer: Answer::Recorded })
}

fn text(usual: &Range, tells_figures: bool) -> String {
    let span = span(usual.low / TICKS_PER_SECOND, usual.high / TICKS_PER_SECOND);
    let figures = if tells_figures { format!(" ({} of them; usually {span})", usual.samples) } else { String::new() };
    format!(
        "This step takes longer than nine in ten earlier ones{figures}. That is on record for the marketplace's operator."
    )
}

/// From so many to so many seconds, in the largest unit of which the longer has two or more.
fn span(low: i64, high: i64) -> String {
    let units = [("days", 86_400), ("hours", 3_600), ("minutes", 60)];
    let (name, unit) = units.into_iter().find(|(_, unit)| high >= 2 * unit).unwrap_or(("seconds", 1));
    let (low, high) = (low / unit, (high + unit - 1) / unit);
    if low == high { format!("{high} {name}") } else { format!("{low} to {high} {name}") }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_span_is_told_in_the_unit_that_fits() {
        let hour = 3_600;
        assert_eq!(span(9 * hour, 30 * hour), "9 to 30 hours");
        assert_eq!(span(20 * hour, 4 * 24 * hour - 5), "0 to 4 days");
        assert_eq!(span(65, 7_100), "1 to 119 minutes");
        assert_eq!(span(0, 1), "0 to 1 seconds");
        assert_eq!(span(120, 120), "2 minutes");
        assert_eq!(span(0, 0), "0 seconds");
    }
}

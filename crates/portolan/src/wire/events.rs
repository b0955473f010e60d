//! Entries of the journal as those see them who follow offers: the same in history, streams, webhooks.

use super::date;
use crate::links::Links;
use crate::store::Line;
use api::events::{EVENT_TYPE_PREFIX, Event as WireEvent, EventData, Happened, TEST_EVENT_TYPE, TestEvent};
use api::status::OfferStatus as WireStatus;
use publishing::entry::{Entry, Event};
use publishing::happening::{Happening, Told};
use publishing::moment::Moment;
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Who did what the marketplace's people do.
pub(super) const STAFF: &str = "marketplace";

/// A line of a publisher's journal that is about an offer.
///
/// # Errors
/// Where what is stored cannot be read.
pub fn happened(line: &Line, publisher: &PublisherId) -> serde_json::Result<Happened> {
    #[derive(Deserialize)]
    struct Standing {
        status: WireStatus,
    }
    let entry: Entry = serde_json::from_str(&line.entry)?;
    let Told { happening, operation, step } =
        entry.told.clone().unwrap_or_else(|| before_it_was_recorded(&entry.event));
    let Standing { status } = serde_json::from_slice(&line.document)?;
    Ok(Happened {
        sequence: line.sequence,
        at: date(Moment::from_ticks(line.at)),
        event: happening.name().to_owned(),
        title: happening.title().to_owned(),
        by: if entry.event.is_reviewers() { STAFF.to_owned() } else { entry.actor },
        publisher_id: publisher.as_str().to_owned(),
        offer_id: line.offer.clone(),
        operation_id: operation,
        step_id: step,
        version: entry.event.version(),
        status,
        hash: hash(line),
    })
}

/// The hash of a line, in hexadecimal.
pub(super) fn hash(line: &Line) -> String {
    line.hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same in its envelope, with the status document of that moment.
///
/// # Errors
/// Where what is stored cannot be read.
pub fn event(line: &Line, publisher: &PublisherId, links: &Links) -> serde_json::Result<WireEvent> {
    let entry = happened(line, publisher)?;
    Ok(WireEvent {
        specversion: "1.0".to_owned(),
        id: entry.sequence.to_string(),
        source: format!("{}/api/publishers/{publisher}", links.public_url()),
        kind: format!("{EVENT_TYPE_PREFIX}{}", entry.event),
        subject: entry.offer_id.clone(),
        time: entry.at,
        datacontenttype: "application/json".to_owned(),
        data: EventData { entry, status: serde_json::from_slice::<Box<RawValue>>(&line.document)? },
    })
}

/// An event that tells nothing, to try a subscription of this circle.
pub fn test_event(id: Uuid, circle: &Circle, subscription: Uuid, now: Moment, links: &Links) -> TestEvent {
    TestEvent {
        specversion: "1.0".to_owned(),
        id: id.to_string(),
        source: match circle {
            Circle::Marketplace => format!("{}/api", links.public_url()),
            Circle::Publisher(publisher) => format!("{}/api/publishers/{publisher}", links.public_url()),
        },
        kind: TEST_EVENT_TYPE.to_owned(),
        subject: subscription.to_string(),
        time: date(now),
    }
}

/// What an entry says that was written before this was recorded with it: as much as the event alone tells.
fn before_it_was_recorded(event: &Event) -> Told {
    let (happening, operation) = match event {
        Event::Created => (Happening::Created, None),
        Event::DraftSaved => (Happening::DraftSaved, None),
        Event::Published { operation, .. } => (Happening::Published, Some(*operation)),
        Event::WentLive { operation } => (Happening::GoLiveStarted, Some(*operation)),
        Event::CancelRequested { operation } => (Happening::CancelRequested, Some(*operation)),
        Event::Canceled { operation } => (Happening::Canceled, Some(*operation)),
        Event::RolledBack { .. } => (Happening::RolledBack, None),
        Event::AudiencesSynchronised { .. } => (Happening::AudiencesSynchronised, None),
        Event::Replanned => (Happening::Replanned, None),
        Event::LinksRenewed => (Happening::LinksRenewed, None),
        Event::VerdictGiven { operation, .. }
        | Event::ReviewClaimed { operation, .. }
        | Event::ReviewReleased { operation, .. }
        | Event::NoteAdded { operation, .. } => (Happening::Reviewed, Some(*operation)),
        Event::CheckStarted { check } => (Happening::StepStarted, Some(check.operation)),
        Event::CheckReported { check, .. } | Event::CheckHeard { check, .. } => {
            (Happening::Progressed, Some(check.operation))
        }
        _ => (Happening::Progressed, None),
    };
    Told { happening, operation, step: None }
}

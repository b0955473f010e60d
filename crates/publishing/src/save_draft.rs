//! Save a draft: create the offer, or replace its draft slot. What runs meanwhile is not touched.

use crate::command::Expected;
use crate::decide::{Answer, Context, Decision, MissingIfMatch};
use crate::entry::Event;
use crate::moment::Moment;
use crate::offer::{Draft, Offer, OfferKey};
use crate::offer_type::OfferType;
use crate::refusal::Refusal;
use crate::secrets::{self, WithSecrets};
use serde_json::Value;

pub(crate) fn decide(
    key: &OfferKey,
    offer: Option<&Offer>,
    offer_type: &str,
    definition: WithSecrets,
    expected: &Expected,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    check_expected(offer, expected, context.missing_if_match)?;
    let offer_type = context.types.get(offer_type).ok_or_else(|| {
        Refusal::bad_request(
            "/offerTypeId",
            format!("There is no offer type {offer_type:?}. Use one of: {}.", context.types.ids().join(", ")),
        )
    })?;
    let now = offer.map_or(context.now, |offer| offer.after_all(context.now));
    let draft = draft(offer, offer_type, definition.0, now)?;
    let (saved, event) = match offer {
        None => (new_offer(key, offer_type, draft, now), Event::Created),
        Some(offer) if offer.offer_type != offer_type.id => {
            return Err(Refusal::bad_request(
                "/offerTypeId",
                format!(
                    "The offer's type is {:?} and cannot change. Send that type, or create another offer.",
                    offer.offer_type
                ),
            ));
        }
        Some(offer) => (Offer { draft, changed_at: now, ..offer.clone() }, Event::DraftSaved),
    };
    Ok(Decision {
        offer: saved,
        signed_off: None,
        snapshot: None,
        entry: context.entry(now, event),
        answer: Answer::Saved { created: offer.is_none() },
    })
}

/// Refuses where the caller's `If-Match` does not fit; a setting decides what its absence means on an update.
fn check_expected(offer: Option<&Offer>, expected: &Expected, missing: MissingIfMatch) -> Result<(), Refusal> {
    match (offer, expected, missing) {
        (Some(_), Expected::Unstated, MissingIfMatch::Conflict) => Err(Refusal::IfMatchWanted { conflict: true }),
        (Some(_), Expected::Unstated, MissingIfMatch::BadRequest) => Err(Refusal::IfMatchWanted { conflict: false }),
        (None, Expected::OneOf(_), _) => Err(Refusal::Precondition { current: None }),
        (None, _, _) => Ok(()),
        (Some(offer), _, _) => expected.check(offer),
    }
}

fn draft(offer: Option<&Offer>, offer_type: &OfferType, definition: String, now: Moment) -> Result<Draft, Refusal> {
    let taken = secrets::take_out(&definition, offer_type.secrets()).map_err(|error| {
        Refusal::bad_request("/definition", format!("The definition cannot be read: {error}. Send a JSON object."))
    })?;
    let mut secrets = offer.map(|offer| offer.draft.secrets.clone()).unwrap_or_default();
    for (pointer, value) in taken.secrets.0 {
        match value {
            Value::Null => drop(secrets.0.remove(&pointer)),
            Value::String(_) => drop(secrets.0.insert(pointer, value)),
            _ => {
                return Err(Refusal::bad_request(
                    format!("/definition{pointer}"),
                    "This secret is not a text. Send a JSON string, null to forget the stored one, or nothing to keep it.",
                ));
            }
        }
    }
    Ok(Draft { definition: taken.definition.unwrap_or(definition), secrets, saved_at: now })
}

fn new_offer(key: &OfferKey, offer_type: &OfferType, draft: Draft, now: Moment) -> Offer {
    Offer {
        key: key.clone(),
        offer_type: offer_type.id.clone(),
        version: 1,
        draft,
        changed_at: now,
        preview: None,
        production: None,
        preview_audience: Vec::new(),
        live_plans: Vec::new(),
        live_audiences: Vec::new(),
        previous: None,
        operation: None,
    }
}

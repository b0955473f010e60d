//! What a publish would come to: the draft, or one that is sent along, is judged, and nothing is changed.

use super::errors::Problem;
use super::offers::missing;
use super::request::{At, LONGEST_OFFER, expected, read_action, read_body};
use super::{Rooms, json, put_offer, reply};
use crate::auth::Permission;
use api::explain::PublishForecast;
use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use publishing::command::{Command, Expected};
use publishing::offer::{OfferId, OfferKey};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A body that may be an offer, as a PUT takes it, or else what a publish takes.
#[derive(Deserialize)]
struct Either<'a> {
    #[serde(borrow)]
    definition: Option<&'a RawValue>,
}

/// Judges as a publish would, which is refused with the same faults. With an offer in the body that is judged in the place of the
/// draft, also where there is no such offer yet.
pub(super) async fn judge(rooms: &Rooms, at: &At, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::Publish)?;
    let body = read_body(body, LONGEST_OFFER).await?;
    let is_offer = serde_json::from_slice::<Either<'_>>(&body).is_ok_and(|body| body.definition.is_some());
    let wanted = expected(headers);
    let (key, save, publish) = match is_offer {
        false => {
            let key = at.key(&authorised)?;
            rooms.read.offer(&key).await?.ok_or_else(|| missing(&key))?;
            let emails = read_action(Body::from(body)).await?;
            (key, None, Command::Publish { emails, expected: wanted })
        }
        true => {
            let offer = OfferId::parse(at.name(1)).ok_or_else(put_offer::no_id)?;
            let key = OfferKey { publisher: authorised.publisher().clone(), offer };
            let is_there = rooms.read.offer(&key).await?.is_some();
            let save = sent(&body, &key, if is_there { Expected::Any } else { Expected::Unstated })?;
            (key, Some(save), Command::Publish { emails: Vec::new(), expected: Expected::Unstated })
        }
    };
    let before = rooms.perform.foresee_publish(&authorised, &key.offer, save, publish).await?;
    let words =
        format!("Nothing is wrong with it: a publish would start version {} on its way to preview.", before.version);
    Ok(reply::json(StatusCode::OK, &PublishForecast { status: 202, words, version: before.version }))
}

fn sent(body: &Bytes, key: &OfferKey, expected: Expected) -> Result<Command, Problem> {
    let sent = put_offer::read(json::check(body)?, key.publisher.as_str(), key.offer.as_str())?;
    Ok(Command::SaveDraft { offer_type: sent.offer_type, definition: sent.definition.into(), expected })
}

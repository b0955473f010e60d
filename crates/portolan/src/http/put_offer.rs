//! PUT an offer: the body is judged here as a request, and as a draft by the rules.

use super::errors::Problem;
use super::request::{At, LONGEST_OFFER, OFFER_ID_FORM, expected, read_body, want_json};
use super::{Shared, json, offers};
use crate::auth::Permission;
use api::offers::{Offer, PutOffer};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use publishing::command::Command;
use publishing::decide::Answer;
use publishing::offer::OfferId;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Creates an offer, or replaces its draft.
#[utoipa::path(put, path = "/api/publishers/{publisherId}/offers/{offerId}", operation_id = "put_offer", tag = "Offers",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag of what is replaced, or *.")),
    request_body = PutOffer,
    responses((status = 200, body = Offer, description = "Replaced."), (status = 201, body = Offer, description = "Created.")))]
pub(crate) async fn put_offer(
    State(rooms): Shared,
    at: At,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::SaveDraft)?;
    let offer = OfferId::parse(at.name(1)).ok_or_else(no_id)?;
    want_json(&headers)?;
    let body = read_body(body, LONGEST_OFFER).await?;
    let Sent { offer_type, definition } = read(json::check(&body)?, authorised.publisher().as_str(), offer.as_str())?;
    let command = Command::SaveDraft { offer_type, definition: definition.into(), expected: expected(&headers) };
    let performed = rooms.perform.perform(&authorised, &offer, command).await?;
    let created = performed.answer == Answer::Saved { created: true };
    offers::draft(if created { StatusCode::CREATED } else { StatusCode::OK }, &performed.offer)
}

/// What a body says, once it is known to be about the path's offer.
pub(super) struct Sent {
    pub(super) offer_type: String,
    pub(super) definition: String,
}

/// The path names no offer that can be.
pub(super) fn no_id() -> Problem {
    Problem::bad_request("offerId", format!("The offer id in the path cannot be one. {OFFER_ID_FORM}"))
}

pub(super) fn read(text: &str, publisher: &str, offer: &str) -> Result<Sent, Problem> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(text)
        .map_err(|_| Problem::bad_request("", "The body is not a JSON object. Send the offer as one."))?;
    for (name, in_path) in [("publisherId", publisher), ("id", offer)] {
        let target = format!("/{name}");
        match text_member(&members, name)? {
            Some(id) if id.eq_ignore_ascii_case(in_path) => {}
            Some(_) => {
                return Err(Problem::bad_request(
                    target,
                    format!("{name} is not the one in the path. Send {in_path:?}."),
                ));
            }
            None => {
                return Err(Problem::bad_request(
                    target,
                    format!("{name} is missing. Send {in_path:?}, as in the path."),
                ));
            }
        }
    }
    let offer_type = text_member(&members, "offerTypeId")?.filter(|id| !id.trim().is_empty()).ok_or_else(|| {
        Problem::bad_request(
            "/offerTypeId",
            "OfferTypeId is missing or empty. Send the id of an offer type; GET /api/offerTypes lists them.",
        )
    })?;
    if members.get("offerTypeVersions").is_some_and(|versions| !matches!(versions.get().as_bytes()[0], b'{' | b'n')) {
        return Err(Problem::bad_request(
            "/offerTypeVersions",
            "offerTypeVersions is not an object. Send one, or leave it out.",
        ));
    }
    let definition = members.get("definition").map(|raw| raw.get().to_owned()).unwrap_or_else(|| "null".into());
    check_definition(&definition)?;
    Ok(Sent { offer_type, definition })
}

/// A member that must be a text; `None` where it is missing or null.
fn text_member(members: &HashMap<String, &RawValue>, name: &str) -> Result<Option<String>, Problem> {
    let Some(raw) = members.get(name) else { return Ok(None) };
    serde_json::from_str(raw.get())
        .map_err(|_| Problem::bad_request(format!("/{name}"), format!("{name} is not a text. Send a JSON string.")))
}

/// A draft may be incomplete, but what it has must be of the right kind to be shown and listed.
fn check_definition(definition: &str) -> Result<(), Problem> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Shape {
        display_text: Value,
        offer: Value,
        plans: Value,
    }
    let shape: Shape =
        serde_json::from_str(definition).ok().filter(|_| definition.starts_with('{')).ok_or_else(|| {
            Problem::bad_request(
                "/definition",
                "The definition is missing or not an object. Send one; it may be empty until you publish.",
            )
        })?;
    let wrong = |name: &str, kind: &str| {
        Err(Problem::bad_request(
            format!("/definition/{name}"),
            format!("{name} is not {kind}. Send {kind}, or leave it out until you publish."),
        ))
    };
    match shape {
        Shape { display_text, .. } if !(display_text.is_string() || display_text.is_null()) => {
            wrong("displayText", "a text")
        }
        Shape { offer, .. } if !(offer.is_object() || offer.is_null()) => wrong("offer", "an object"),
        Shape { plans, .. } if !(plans.is_array() || plans.is_null()) => wrong("plans", "an array"),
        Shape { .. } => Ok(()),
    }
}

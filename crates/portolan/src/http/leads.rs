//! Leads: anybody may leave one for the publisher of a live offer, and its members see how far the delivery has come.

use super::errors::Problem;
use super::offers::{self, count};
use super::request::{At, query, read_own, want_json};
use super::{CallerAddress, Shared, repeat, reply};
use crate::auth::{Done, Permission};
use crate::listing::named;
use crate::perform::Failure;
use crate::store::{LetterKind, LetterState, Sent};
use crate::wire;
use api::errors::ErrorDocument;
use api::leads::{Lead as WireLead, LeadState, NewLead, TakenLead};
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::{Extensions, HeaderMap, StatusCode, Uri};
use publishing::lead::{Customer, Lead, LeadRefusal, USUAL_ACTION};
use publishing::offer::OfferKey;

/// How many leads are listed at once where nothing is said, and at most.
const USUAL_PAGE: i64 = 100;
const LONGEST_PAGE: i64 = 1_000;

/// Leaves a lead for the publisher of a live offer. It is delivered to the endpoint that the offer names.
#[utoipa::path(post, path = "/catalog/offers/{publisherId}/{offerId}/leads", operation_id = "send_lead", tag = "Catalog",
    params(("publisherId" = String, Path), ("offerId" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "With the same key and body a lead is taken once a day."),
        ("Repeatability-Request-ID" = Option<String>, Header, description = "The same, as a GUID."),
        ("Repeatability-First-Sent" = Option<String>, Header, description = "An HTTP date, beside Repeatability-Request-ID.")),
    request_body = NewLead,
    responses((status = 202, description = "It is stored, and will be delivered.", body = TakenLead),
        (status = "4XX", description = "The request was refused, and changed nothing.", body = ErrorDocument),
        (status = "5XX", description = "The service could not.", body = ErrorDocument)))]
pub(crate) async fn send_lead(
    State(rooms): Shared,
    names: Result<RawPathParams, RawPathParamsRejection>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<Response, Problem> {
    let key = names.ok().and_then(|names| key(&names)).ok_or(LeadRefusal::Missing)?;
    let offer = rooms.read.offer(&key).await?;
    if !offer.is_some_and(|offer| offer.is_public(None)) {
        return Err(LeadRefusal::Missing.into());
    }
    // Also keeps forms of other sites out, which cannot say this without asking first.
    want_json(&headers)?;
    let once = repeat::key(&headers)?;
    let NewLead { plan_id, action, customer, note } = read_own(body).await?;
    // Only now: an answer to half a request would end the connection.
    if let Some(CallerAddress(address)) = extensions.get() {
        rooms.limits.of_leads(*address)?;
    }
    let customer = Customer {
        first_name: customer.first_name,
        last_name: customer.last_name,
        email: customer.email,
        phone: customer.phone,
        company: customer.company,
        title: customer.title,
        country: customer.country,
    };
    let action = action.unwrap_or_else(|| USUAL_ACTION.to_owned());
    let lead = Lead { plan: plan_id, action, customer, note: note.unwrap_or_default() };
    let taken = rooms.perform.take_lead(&key, lead, once.as_ref().map(|once| &*once.text)).await;
    let (id, before) = taken.map_err(|failure| match &once {
        Some(once) if failure == Failure::Lead(LeadRefusal::KeyUsed) => Problem::from(failure).at(once.header),
        _ => failure.into(),
    })?;
    let mut response = reply::json(StatusCode::ACCEPTED, &TakenLead { id });
    if let Some(once) = once {
        repeat::say(&mut response, once.header, before == Done::Before);
    }
    Ok(response)
}

fn key(names: &RawPathParams) -> Option<OfferKey> {
    let mut names = names.iter().map(|(_, name)| name);
    named(names.next()?, names.next()?)
}

/// The leads of an offer in the last 30 days, newest first: how far each has come, and nothing of what the customer left.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/leads", operation_id = "list_leads", tag = "Offers",
    params(("publisherId" = String, Path), ("offerId" = String, Path),
        ("$top" = Option<i64>, Query, description = "How many at most; 100 where nothing is said, 1000 at most."),
        ("$skip" = Option<i64>, Query, description = "How many to pass over.")),
    responses((status = 200, body = Vec<WireLead>)))]
pub(crate) async fn list_leads(State(rooms): Shared, at: At, uri: Uri) -> Result<Response, Problem> {
    let (key, _) = offers::load_for(&rooms, &at, Permission::ReadLeads).await?;
    let (mut top, mut skip) = (USUAL_PAGE, 0);
    for (name, value) in query(&uri) {
        match name.to_ascii_lowercase().as_str() {
            "top" => top = count("$top", &value)?.min(LONGEST_PAGE),
            "skip" => skip = count("$skip", &value)?,
            _ => {}
        }
    }
    let letters = rooms.read.letters(&key, LetterKind::Lead, skip, top).await?;
    Ok(reply::json(StatusCode::OK, &letters.into_iter().map(lead).collect::<Vec<_>>()))
}

fn lead(sent: Sent) -> WireLead {
    let (state, next_attempt) = match sent.state {
        LetterState::Waiting(at) => (LeadState::Waiting, Some(wire::date(at))),
        LetterState::Delivered => (LeadState::Delivered, None),
        LetterState::Failed => (LeadState::Failed, None),
    };
    let taken_at = wire::date(sent.made_at);
    WireLead { id: sent.id, taken_at, state, attempts: sent.attempts, next_attempt, last_failure: sent.failure }
}

//! Audiences: who may see private plans that are live, and how the draft's audiences are put in their place.

use super::errors::Problem;
use super::offers;
use super::request::{At, expected, read_action};
use super::{Rooms, Shared, reply};
use crate::artifacts::{self, Artifacts, Digest, PinFault, from_entries};
use crate::auth::Permission;
use api::audiences::{AudienceEntry, AudienceKind, PlanAudience, SynchronisedAudience};
use api::errors::ErrorCode;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use publishing::artifact_rule::MarkedArtifact;
use publishing::command::{Audience, Command};
use publishing::offer::Offer;
use publishing::refusal::Refusal;
use serde_json::Value;
use std::time::Duration;

/// How long the fetching of one file may take while the caller waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who may see the private plans that are live.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/audiences", operation_id = "list_audiences", tag = "Audiences",
    params(("publisherId" = String, Path), ("offerId" = String, Path)), responses((status = 200, body = Vec<PlanAudience>)))]
pub(crate) async fn list_audiences(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let (_, offer) = offers::load(&rooms, &at).await?;
    let mut plans = Vec::new();
    for audience in &offer.live_audiences {
        let entries = kept(&rooms, audience).await?.into_iter().map(entry).collect();
        plans.push(PlanAudience { plan_id: audience.plan.clone(), entries });
    }
    Ok(reply::json(StatusCode::OK, &plans))
}

/// Puts the draft's audiences in the place of those that private plans in production have, without publishing.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/offers/{offerId}/audiences/synchronise", operation_id = "synchronise_audiences", tag = "Audiences",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Vec<SynchronisedAudience>, description = "Customers of these audiences see the plans from now on, and nobody else.")))]
pub(crate) async fn synchronise_audiences(
    State(rooms): Shared,
    at: At,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::GoLive)?;
    let key = at.key(&authorised)?;
    let offer = rooms.read.offer(&key).await?.ok_or_else(|| offers::missing(&key))?;
    read_action(body).await?;
    let audiences = of_draft(&rooms, &offer).await?;
    let done: Vec<SynchronisedAudience> = audiences.iter().map(synchronised).collect();
    let command = Command::SynchroniseAudiences { audiences, expected: expected(&headers) };
    rooms.perform.perform(&authorised, &key.offer, command).await?;
    Ok(reply::json(StatusCode::OK, &done))
}

/// The audiences that the draft gives to plans that are live and private, fetched, judged and kept.
async fn of_draft(rooms: &Rooms, offer: &Offer) -> Result<Vec<Audience>, Problem> {
    let none = || Problem::internal(&"there is no store for files");
    let artifacts = rooms.artifacts.as_ref().ok_or_else(none)?;
    let definition: Value = serde_json::from_str(&offer.draft.definition).map_err(|error| Problem::internal(&error))?;
    let offer_type = rooms.types.of(offer)?;
    let marked = offer_type.schema().artifacts(&definition);
    let mut audiences = Vec::new();
    for (at, plan) in definition.get("plans").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let Some(id) = plan.get("planId").and_then(Value::as_str) else { continue };
        if !offer.live_plans.iter().any(|live| live.private && live.id == id) {
            continue;
        }
        let pointer = format!("/plans/{at}/restrictedAudience/uploadedCsvUri");
        let entries = match marked.iter().find(|marked| marked.pointer == pointer) {
            Some(marked) => fetched(rooms, artifacts, marked).await?,
            None => from_entries(plan),
        };
        if entries.is_empty() {
            continue;
        }
        let digest = artifacts.keep_audience(&entries).await.map_err(|fault| problem(fault, &pointer))?;
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        audiences.push(Audience { plan: id.to_owned(), digest: digest.to_string(), entries: count });
    }
    Ok(audiences)
}

async fn fetched(
    rooms: &Rooms,
    artifacts: &Artifacts,
    marked: &MarkedArtifact,
) -> Result<Vec<artifacts::AudienceEntry>, Problem> {
    let pin = artifacts.pin_from(&rooms.links, &marked.url, &marked.rule);
    let late = |_| PinFault::NotNow("It took longer than a minute.".into());
    let pinned = tokio::time::timeout(PATIENCE, pin).await.map_err(late).and_then(|pinned| pinned);
    Ok(pinned.map_err(|fault| problem(fault, &marked.pointer))?.audience.unwrap_or_default())
}

fn problem(fault: PinFault, pointer: &str) -> Problem {
    match fault {
        PinFault::Refused(flaws) => Refusal::Faults(flaws.iter().map(|flaw| flaw.at(pointer)).collect()).into(),
        PinFault::NotNow(why) => {
            let message = format!("The file of an audience could not be had. {why} Nothing was changed.");
            Problem::new(ErrorCode::ServiceUnavailable, message).at(format!("/definition{pointer}"))
        }
    }
}

/// The list that is kept for an audience.
async fn kept(rooms: &Rooms, audience: &Audience) -> Result<Vec<artifacts::AudienceEntry>, Problem> {
    let lost = || Problem::internal(&format!("the audience {} is not kept", audience.digest));
    let (artifacts, digest) = rooms.artifacts.as_ref().zip(Digest::parse(&audience.digest)).ok_or_else(lost)?;
    artifacts.audience(&digest).await.map_err(|error| Problem::internal(&error))?.ok_or_else(lost)
}

fn entry(entry: artifacts::AudienceEntry) -> AudienceEntry {
    let kind = match entry.kind {
        artifacts::AudienceKind::Subscription => AudienceKind::SubscriptionId,
        artifacts::AudienceKind::Tenant => AudienceKind::TenantId,
    };
    AudienceEntry { kind, id: entry.id, description: entry.description }
}

fn synchronised(audience: &Audience) -> SynchronisedAudience {
    let Audience { plan, digest, entries } = audience.clone();
    SynchronisedAudience { plan_id: plan, entries, digest }
}

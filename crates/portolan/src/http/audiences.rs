//! Audiences: who may see private plans that are live, and how the draft's audiences are put in their place.

use super::errors::Problem;
use super::offers;
use super::request::{At, expected, read_action};
use super::{Rooms, Shared, reply};
use crate::artifacts::{self, Artifacts, Digest, PinFault, from_entries};
use crate::auth::{Authorised, Permission};
use crate::perform::Failure;
use api::audiences::{AudienceEntry, AudienceKind, PlanAudience, SynchronisedAudience};
use api::errors::ErrorCode;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use publishing::artifact_rule::MarkedArtifact;
use publishing::command::{Audience, Command, Expected};
use publishing::decide::Answer;
use publishing::definition::{self, Fault};
use publishing::offer::{Offer, OfferKey};
use publishing::offer_type::OfferType;
use publishing::plan::is_private;
use publishing::refusal::Refusal;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the fetching of the files may take while the caller waits.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is begun again because the draft was saved meanwhile.
const MOST_ROUNDS: usize = 3;

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
    responses((status = 200, body = Vec<SynchronisedAudience>, description = "The lists that GET …/audiences gives are replaced by these; nothing was published.")))]
pub(crate) async fn synchronise_audiences(
    State(rooms): Shared,
    at: At,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::GoLive)?;
    let key = at.key(&authorised)?;
    rooms.read.offer(&key).await?.ok_or_else(|| offers::missing(&key))?;
    read_action(body).await?;
    let answer = match rooms.perform.answered_before(&authorised)? {
        Some(before) => before,
        None => match synchronise(&rooms, &authorised, &key, expected(&headers)).await {
            Ok(answer) => answer,
            // The same request may have been done meanwhile, with files that are not the same any more.
            Err(problem) => rooms.perform.answered_before(&authorised)?.ok_or(problem)?,
        },
    };
    let Answer::Synchronised(audiences) = answer else {
        return Err(Problem::internal(&"synchronising came to something else"));
    };
    Ok(reply::json(StatusCode::OK, &audiences.iter().map(synchronised).collect::<Vec<_>>()))
}

/// Reads the audiences of the draft as it is now, and puts them in place.
async fn synchronise(
    rooms: &Rooms,
    authorised: &Authorised<'_>,
    key: &OfferKey,
    stated: Expected,
) -> Result<Answer, Problem> {
    for _ in 0..MOST_ROUNDS {
        let offer = rooms.read.offer(key).await?.ok_or_else(|| offers::missing(key))?;
        let late = |_| problem(PinFault::NotNow("It took longer than a minute.".into()), "/plans");
        let audiences = tokio::time::timeout(PATIENCE, of_draft(rooms, &offer)).await.map_err(late)??;
        // What was read is the audiences of this draft, and must not be taken for those of a newer one.
        let is_unstated = stated == Expected::Unstated;
        let expected = if is_unstated { Expected::OneOf(vec![offer.changed_at]) } else { stated.clone() };
        let command = Command::SynchroniseAudiences { audiences, expected };
        match rooms.perform.perform(authorised, &key.offer, command).await {
            Err(Failure::Refused(Refusal::Precondition { .. })) if is_unstated => {}
            performed => return Ok(performed?.answer),
        }
    }
    let message = "The draft was saved again and again meanwhile. Nothing was changed; ask again when it is at rest.";
    Err(Problem::new(ErrorCode::Conflict, message))
}

/// The audiences that the draft gives to plans that are live and private, fetched, judged and kept.
async fn of_draft(rooms: &Rooms, offer: &Offer) -> Result<Vec<Audience>, Problem> {
    let none = || {
        let message =
            "This service fetches no files, as a demo or an emulator: audiences come live with the next publish.";
        Problem::new(ErrorCode::Conflict, message)
    };
    let artifacts = rooms.artifacts.as_ref().ok_or_else(none)?;
    let definition: Value = serde_json::from_str(&offer.draft.definition).map_err(|error| Problem::internal(&error))?;
    let offer_type = rooms.types.of(offer)?;
    let marked = offer_type.schema().artifacts(&definition);
    let faults = faults(&definition, offer, offer_type);
    if !faults.is_empty() {
        return Err(Refusal::Faults(faults).into());
    }
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
        let digest = artifacts.keep_audience(&entries).await.map_err(|fault| problem(fault, &pointer))?;
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        audiences.push(Audience::new(id, digest.to_string(), count));
    }
    Ok(audiences)
}

/// What is wrong with the audiences that the draft gives to plans that are live and private.
fn faults(definition: &Value, offer: &Offer, offer_type: &OfferType) -> Vec<Fault> {
    let plans = definition.get("plans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let at_audience = |fault: &Fault, at: usize| {
        let pointer = format!("/definition/plans/{at}/restrictedAudience");
        fault.pointer.strip_prefix(&pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let all = definition::faults(definition, offer_type, &[]);
    let mut faults = Vec::new();
    for live in offer.live_plans.iter().filter(|live| live.private) {
        let is_it = |plan: &&Value| plan.get("planId").and_then(Value::as_str) == Some(&live.id);
        let Some((at, plan)) = plans.iter().enumerate().find(|(_, plan)| is_it(plan)) else {
            let message = format!("The plan `{}` is live, and missing in the draft.", live.id);
            faults.push(Fault::new("Fixed", "/plans", message, "Put it back under the same planId."));
            continue;
        };
        faults.extend(all.iter().filter(|fault| at_audience(fault, at)).cloned());
        if !is_private(plan) {
            let message =
                format!("The plan `{}` is live as a private plan, and the draft names nobody for it.", live.id);
            let mend = "Give manualEntries or uploadedCsvUri; one entry of your own keeps everybody else out.";
            faults.push(Fault::new("Required", format!("/plans/{at}/restrictedAudience"), message, mend));
        }
        let entries = plan.pointer("/restrictedAudience/manualEntries").and_then(Value::as_array);
        for (entry_at, entry) in entries.into_iter().flatten().enumerate() {
            if from_entries(&json!({"restrictedAudience": {"manualEntries": [entry]}})).is_empty() {
                let pointer = format!("/plans/{at}/restrictedAudience/manualEntries/{entry_at}");
                let mend = "Give its type (SubscriptionId or TenantId) and a GUID as its id.";
                faults.push(Fault::new("BadFormat", pointer, "This entry names no subscription and no tenant.", mend));
            }
        }
    }
    faults
}

async fn fetched(
    rooms: &Rooms,
    artifacts: &Artifacts,
    marked: &MarkedArtifact,
) -> Result<Vec<artifacts::AudienceEntry>, Problem> {
    let pinned = artifacts.pin_from(&rooms.links, &marked.url, &marked.rule).await;
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
    let Audience { plan, digest, entries, known_at: _ } = audience.clone();
    SynchronisedAudience { plan_id: plan, entries, digest }
}

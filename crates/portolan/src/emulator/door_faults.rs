//! The emulator's own calls about faults: what goes wrong, scenarios, what was sent, what was asked.

use super::Emulator;
use super::door::{Answer, internal, read, spawned};
use super::driver::Turn;
use super::faults::Unfit;
use super::scenario::Scenario;
use crate::http::{LONGEST_OFFER, Problem, json_answer, read_body, shown, want_json, with_body};
use api::emulator::{AppliedScenario, NewFault};
use api::errors::ErrorCode;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};

/// What a scenario is called that came as a body.
const BODY: &str = "scenario";

/// The routes about faults.
pub(super) fn routes() -> Router<Emulator> {
    Router::new()
        .route("/emulator/faults", get(list_faults).post(add_fault).delete(clear_faults))
        .route("/emulator/faults/{id}", delete(remove_fault))
        .route("/emulator/scenario", post(apply_scenario))
        .route("/emulator/outbox", get(list_outbox))
        .route("/emulator/requests", get(list_requests))
}

impl From<Unfit> for Problem {
    fn from(unfit: Unfit) -> Self {
        Self::new(ErrorCode::BadRequest, unfit.0)
    }
}

impl Turn {
    /// Applies a scenario to what is there: offers first, so that they come where they shall stand, then what goes wrong. Where it
    /// breaks off, what was done stays. Its speed is for whoever asks to set.
    pub(super) async fn apply(&mut self, scenario: &Scenario) -> Result<AppliedScenario, Problem> {
        self.emulator.0.faults.set_takes(&scenario.takes);
        let mut offers = Vec::new();
        for offer in &scenario.offers {
            offers.push(self.reach(offer).await?.offer);
        }
        let faults = scenario.faults.iter().map(|fault| self.emulator.0.faults.add(fault.clone()));
        Ok(AppliedScenario { faults: faults.collect::<Result<_, Unfit>>()?, offers })
    }
}

impl Emulator {
    /// Applies a scenario in a turn, the whole of it or nothing.
    async fn apply(self, scenario: Scenario) -> Result<AppliedScenario, Problem> {
        let mut turn = self.turn().await;
        let applied = async {
            turn.settle().await.map_err(internal)?;
            turn.rehearsal().await.map_err(internal)?.apply(&scenario).await?;
            turn.apply(&scenario).await
        };
        let applied = applied.await;
        if let (Ok(_), Some(speed)) = (&applied, scenario.speed) {
            self.0.clock.set_speed(speed);
        }
        turn.end().await.map_err(internal)?;
        applied
    }

    /// Changes the faults in a turn: what is under way goes on with those that it began with.
    async fn change_faults<T>(self, change: impl FnOnce(&super::Faults) -> T) -> Result<T, Problem> {
        let turn = self.turn().await;
        let changed = change(&self.0.faults);
        turn.end().await.map_err(internal)?;
        Ok(changed)
    }
}

async fn list_faults(State(emulator): State<Emulator>) -> Answer {
    Ok(json_answer(StatusCode::OK, &emulator.0.faults.list()))
}

async fn add_fault(State(emulator): State<Emulator>, request: Request<Body>) -> Answer {
    let new: NewFault = read(request).await?;
    let fault = spawned(emulator.change_faults(move |faults| faults.add(new))).await??;
    Ok(json_answer(StatusCode::CREATED, &fault))
}

async fn clear_faults(State(emulator): State<Emulator>) -> Answer {
    spawned(emulator.change_faults(super::Faults::clear)).await?;
    Ok(with_body(StatusCode::NO_CONTENT, Body::empty()))
}

async fn remove_fault(State(emulator): State<Emulator>, Path(id): Path<String>) -> Answer {
    let named = id.clone();
    if spawned(emulator.change_faults(move |faults| faults.remove(&named))).await? {
        return Ok(with_body(StatusCode::NO_CONTENT, Body::empty()));
    }
    Err(Problem::not_found(format!(
        "There is no fault {:?}. GET /emulator/faults lists those that are set.",
        shown(&id)
    )))
}

async fn apply_scenario(State(emulator): State<Emulator>, request: Request<Body>) -> Answer {
    let (parts, body) = request.into_parts();
    let is_toml = parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/toml"));
    if !is_toml {
        want_json(&parts.headers)?;
    }
    let body = read_body(body, LONGEST_OFFER).await?;
    let not_text = |_| Problem::bad_request("", "The scenario is no UTF-8. Send it as TOML in UTF-8.");
    let mut text = String::from_utf8(body.to_vec()).map_err(not_text)?;
    if !is_toml {
        let fault =
            |error: &dyn std::fmt::Display| Problem::bad_request("", format!("The scenario cannot be read: {error}."));
        let value: toml::Table = serde_json::from_str(&text).map_err(|error| fault(&error))?;
        text = toml::to_string(&value).map_err(|error| fault(&error))?;
    }
    let scenario = Scenario::read(BODY, &text)?;
    Ok(json_answer(StatusCode::OK, &spawned(emulator.apply(scenario)).await?))
}

async fn list_outbox(State(emulator): State<Emulator>) -> Answer {
    Ok(json_answer(StatusCode::OK, &emulator.0.outbox.list()))
}

async fn list_requests(State(emulator): State<Emulator>) -> Answer {
    Ok(json_answer(StatusCode::OK, &emulator.0.requests.list()))
}

//! The emulator's outer door: `/emulator/…` is answered here, and everything else by the service inside, in turn.

use super::advance::advance;
use super::driver::Turn;
use super::reach::reach;
use super::snapshots::MOST_KEPT;
use super::{Emulator, guard, journal, panel};
use crate::clock::Clock;
use crate::http::{
    Answers, CutOff, Door, EmulatorCalls, LONGEST_OFFER, Problem, json_answer, read_body, want_json, with_body,
};
use crate::wire;
use api::emulator::{Advance, EmulatorState, NewSnapshot, NextDue, Reach, Speed};
use api::errors::ErrorCode;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::header::{CONTENT_TYPE, VARY};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use publishing::offer::is_slug;
use serde::de::DeserializeOwned;
use std::sync::PoisonError;

/// Longer than any body that the service inside takes, so that it says itself what is too long.
const LONGEST_BODY: usize = LONGEST_OFFER + (1 << 20);

/// Tell clients what the clock shows, and how many of its seconds go by in one of theirs.
const CLOCK: HeaderName = HeaderName::from_static("x-portolan-clock");
const SPEED: HeaderName = HeaderName::from_static("x-portolan-speed");

pub(super) type Answer = Result<Response, Problem>;

/// Answers whatever is asked of the emulator.
#[derive(Clone, Debug)]
pub struct OuterDoor {
    emulator: Emulator,
    own: Door,
    /// What pages ask.
    calls: Router,
}

impl OuterDoor {
    /// The door of an emulator, with the one of its own routes, and these unguarded.
    pub(super) fn new(emulator: Emulator, own: Door, calls: Router) -> Self {
        Self { emulator, own, calls }
    }
}

impl Answers for OuterDoor {
    async fn answer(&self, request: Request<Body>) -> Result<Response, CutOff> {
        let path = request.uri().path();
        if path == "/emulator" || path.starts_with("/emulator/") {
            let mut response =
                if panel::is_page(&request) { self.page(request).await } else { self.own.answer(request).await };
            response.headers_mut().append(VARY, HeaderValue::from_static("accept"));
            return Ok(response);
        }
        if panel::is_for_people(&request) {
            return Ok(self.inside(request).await);
        }
        let mut response = self.emulator.0.requests.through(request, |request| self.inside(request)).await?;
        let (clock, headers) = (&self.emulator.0.clock, response.headers_mut());
        headers.extend(HeaderValue::from_str(&wire::date(clock.now()).to_string()).ok().map(|now| (CLOCK, now)));
        headers.insert(SPEED, clock.speed().into());
        Ok(response)
    }

    fn clock(&self) -> &Clock {
        self.own.clock()
    }
}

impl OuterDoor {
    /// Has a page of the panel shown by the service inside, which asks back what the emulator is to do: not in a turn of its own.
    async fn page(&self, request: Request<Body>) -> Response {
        let (mut parts, body) = request.into_parts();
        if let Err(refused) = guard::admit(&self.emulator, &parts).await {
            return refused;
        }
        parts.extensions.insert(EmulatorCalls(self.calls.clone()));
        let door = self.emulator.inner().service.door.clone();
        door.answer(Request::from_parts(parts, body)).await
    }

    /// Has a request answered by the service inside.
    async fn inside(&self, request: Request<Body>) -> Response {
        let path = request.uri().path();
        let door = self.emulator.inner().service.door.clone();
        let changes_nothing = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        // Whoever asks for a token need not wait for a turn: nothing that is due depends on it.
        if changes_nothing || asks_for_token(path) {
            return door.answer(request).await;
        }
        // The body comes first: nobody else shall wait for one that is slow.
        let (parts, body) = request.into_parts();
        let body = match read_body(body, LONGEST_BODY).await {
            Ok(body) => body,
            Err(problem) => return problem.into_response(),
        };
        let answered =
            spawned(self.emulator.clone().answer_in_turn(Request::from_parts(parts, Body::from(body)))).await;
        answered.unwrap_or_else(IntoResponse::into_response)
    }
}

/// Whether a path is one where tokens are given out. In the API an offer or a publisher may have any name.
fn asks_for_token(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.contains("/oauth2/") && !path.starts_with("/api/")
}

impl Emulator {
    pub(super) fn public_url(&self) -> std::sync::Arc<str> {
        self.0.making.public_url()
    }

    /// Has a request answered by the service inside, after what was due before it and before what becomes due by it.
    async fn answer_in_turn(self, request: Request<Body>) -> Answer {
        let mut turn = self.turn().await;
        turn.settle().await.map_err(internal)?;
        let answer = turn.inner().service.door.answer(request).await;
        // What was asked for is done, whatever becomes of the rest: the driver takes that up.
        if let Err(error) = async {
            turn.settle().await?;
            turn.end().await
        }
        .await
        {
            tracing::error!(error = format!("{error:#}"), "what became due by a request could not be worked off");
        }
        Ok(answer)
    }

    async fn state(self) -> Result<EmulatorState, Problem> {
        let turn = self.turn().await;
        let state = turn.state().await;
        turn.end().await.map_err(internal)?;
        state.map_err(internal)
    }

    async fn set_speed(self, speed: u32) -> Result<EmulatorState, Problem> {
        let turn = self.turn().await;
        self.0.clock.set_speed(speed);
        let state = turn.state().await;
        turn.end().await.map_err(internal)?;
        state.map_err(internal)
    }

    async fn begin_anew(self) -> Result<EmulatorState, Problem> {
        let mut turn = self.turn().await;
        let done = async {
            turn.reset().await.map_err(internal)?;
            turn.apply(&self.0.scenario).await?;
            turn.state().await.map_err(internal)
        };
        let state = done.await;
        turn.end().await.map_err(internal)?;
        state
    }

    async fn take_snapshot(self, name: String) -> Result<api::emulator::Snapshot, Problem> {
        let turn = self.turn().await;
        let kept = turn.keep();
        turn.end().await.map_err(internal)?;
        let kept = kept.map_err(internal)?;
        let described = kept.described(&name);
        let mut snapshots = self.0.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        if snapshots.len() >= MOST_KEPT && !snapshots.contains_key(&name) {
            let message = format!("{MOST_KEPT} snapshots are kept, and there may be no more. Remove one.");
            return Err(Problem::new(ErrorCode::Conflict, message));
        }
        snapshots.insert(name, kept);
        Ok(described)
    }

    async fn put_snapshot_back(self, name: String) -> Result<EmulatorState, Problem> {
        let kept = self.0.snapshots.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let kept = kept.ok_or_else(|| no_snapshot(&name))?;
        let mut turn = self.turn().await;
        let done = async {
            turn.put_back(&kept).await?;
            turn.state().await
        };
        let state = done.await;
        turn.end().await.map_err(internal)?;
        state.map_err(internal)
    }
}

impl Turn {
    async fn state(&self) -> anyhow::Result<EmulatorState> {
        let (next, now, inside) = (self.next().await?, self.now(), &self.emulator.0);
        let snapshots = inside.snapshots.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        Ok(EmulatorState {
            now: wire::date(now),
            start: wire::date(inside.start),
            seed: inside.making.seed(),
            speed: inside.clock.speed(),
            frozen: inside.clock.speed() == 0,
            reviews: inside.reviews,
            next: next.map(|due| NextDue {
                at: wire::date(due.at.max(now)),
                what: due.what().to_owned(),
                offer: due.offer.clone(),
            }),
            faults: inside.faults.list().len(),
            snapshots,
        })
    }
}

/// The emulator's own calls, behind the guard.
pub(super) fn guarded(emulator: Emulator, calls: Router) -> Router {
    calls.layer(from_fn_with_state(emulator, admitted))
}

/// The emulator's own calls.
pub(super) fn calls(emulator: Emulator) -> Router {
    Router::new()
        .route("/emulator", get(get_state))
        .route("/emulator/advance", post(advance_clock))
        .route("/emulator/freeze", post(freeze))
        .route("/emulator/speed", post(set_speed))
        .route("/emulator/reset", post(reset))
        .route("/emulator/snapshots", get(list_snapshots).post(take_snapshot))
        .route("/emulator/snapshots/{name}", delete(forget_snapshot))
        .route("/emulator/snapshots/{name}/restore", post(restore))
        .route("/emulator/reach", post(reach_status))
        .route("/emulator/journal", get(get_journal))
        .route("/emulator/people", get(list_people))
        .merge(super::door_faults::routes())
        .with_state(emulator)
}

async fn admitted(State(emulator): State<Emulator>, request: Request<Body>, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match guard::admit(&emulator, &parts).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refused) => refused,
    }
}

/// What was asked goes on to its end, also where nobody waits for it any more: half a turn would not repeat.
pub(super) async fn spawned<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.unwrap_or_else(|error| Err(Problem::internal(&error)))
}

pub(super) fn internal(error: anyhow::Error) -> Problem {
    Problem::internal(&format!("{error:#}"))
}

/// Reads the body of a call of the emulator.
pub(super) async fn read<T: DeserializeOwned>(request: Request<Body>) -> Result<T, Problem> {
    let (parts, body) = request.into_parts();
    want_json(&parts.headers)?;
    let body = read_body(body, LONGEST_OFFER).await?;
    serde_json::from_slice(&body).map_err(|error| {
        Problem::bad_request(
            "",
            format!("The body is not what this call takes: {error}. docs/emulator.md describes it."),
        )
    })
}

/// Refuses a body where there is nothing to be said.
async fn nothing(request: Request<Body>) -> Result<(), Problem> {
    let (parts, body) = request.into_parts();
    if read_body(body, LONGEST_OFFER).await?.is_empty() {
        return Ok(());
    }
    want_json(&parts.headers)
}

async fn get_state(State(emulator): State<Emulator>) -> Answer {
    Ok(json_answer(StatusCode::OK, &spawned(emulator.state()).await?))
}

async fn advance_clock(State(emulator): State<Emulator>, request: Request<Body>) -> Answer {
    let asked: Advance = read(request).await?;
    Ok(json_answer(StatusCode::OK, &spawned(advance(emulator, asked)).await?))
}

async fn freeze(State(emulator): State<Emulator>, request: Request<Body>) -> Answer {
    nothing(request).await?;
    Ok(json_answer(StatusCode::OK, &spawned(emulator.set_speed(0)).await?))
}

async fn set_speed(State(emulator): State<Emulator>, request: Request<Body>) -> Answer {
    let Speed { speed } = read(request).await?;
    Ok(json_answer(StatusCode::OK, &spawned(emulator.set_speed(speed)).await?))
}

async fn reset(State(emulator): State<Emulator>, request: Request<Body>) -> Answer {
    nothing(request).await?;
    Ok(json_answer(StatusCode::OK, &spawned(emulator.begin_anew()).await?))
}

async fn list_snapshots(State(emulator): State<Emulator>) -> Answer {
    let snapshots = emulator.0.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
    let described: Vec<_> = snapshots.iter().map(|(name, kept)| kept.described(name)).collect();
    Ok(json_answer(StatusCode::OK, &described))
}

async fn take_snapshot(State(emulator): State<Emulator>, request: Request<Body>) -> Answer {
    let NewSnapshot { name } = read(request).await?;
    if !is_slug(&name) {
        let message = "A snapshot's name has 1 to 50 lower-case letters, digits, `-` and `_`, begins with a letter or digit, and does not end in `-`.";
        return Err(Problem::bad_request("/name", message));
    }
    Ok(json_answer(StatusCode::CREATED, &spawned(emulator.take_snapshot(name)).await?))
}

async fn restore(State(emulator): State<Emulator>, Path(name): Path<String>, request: Request<Body>) -> Answer {
    nothing(request).await?;
    Ok(json_answer(StatusCode::OK, &spawned(emulator.put_snapshot_back(name)).await?))
}

async fn forget_snapshot(State(emulator): State<Emulator>, Path(name): Path<String>) -> Answer {
    let removed = emulator.0.snapshots.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
    removed.ok_or_else(|| no_snapshot(&name))?;
    Ok(with_body(StatusCode::NO_CONTENT, Body::empty()))
}

async fn list_people(State(emulator): State<Emulator>) -> Answer {
    Ok(json_answer(StatusCode::OK, &emulator.0.people))
}

async fn reach_status(State(emulator): State<Emulator>, request: Request<Body>) -> Answer {
    let asked: Reach = read(request).await?;
    Ok(json_answer(StatusCode::OK, &spawned(reach(emulator, asked)).await?))
}

async fn get_journal(State(emulator): State<Emulator>) -> Answer {
    let exported = async move {
        let turn = emulator.turn().await;
        let text = journal::export(&turn.inner()).await;
        turn.end().await.map_err(internal)?;
        text.map_err(internal)
    };
    let mut response = with_body(StatusCode::OK, spawned(exported).await?);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/jsonl; charset=utf-8"));
    Ok(response)
}

fn no_snapshot(name: &str) -> Problem {
    let shown = crate::http::shown(name);
    Problem::not_found(format!("There is no snapshot {shown:?}. GET /emulator/snapshots lists those that are kept."))
}

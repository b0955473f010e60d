//! Whether the process lives, and whether it can serve. No sign-in.

use super::{Rooms, Shared, reply};
use crate::clock::Clock;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use publishing::moment::Moment;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

/// The answer of both.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or what is wrong.
    status: &'static str,
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", operation_id = "get_health", tag = "Health", responses((status = 200, body = Health)))]
pub(crate) async fn get_health() -> Response {
    reply::json(StatusCode::OK, &Health { status: "ok" })
}

/// Whether the service can serve: the store takes writes, and the service is not about to stop.
#[utoipa::path(get, path = "/readyz", operation_id = "get_readiness", tag = "Health",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn get_readiness(State(rooms): Shared) -> Response {
    if rooms.is_draining() {
        return reply::json(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "stopping" });
    }
    if rooms.readiness.of(&rooms).await {
        reply::json(StatusCode::OK, &Health { status: "ok" })
    } else {
        reply::json(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "the store does not take writes" })
    }
}

/// Whether the store could write when it was last tried, which anybody may ask, and so is tried once a second at most.
#[derive(Debug)]
pub struct Readiness {
    clock: Clock,
    tried: Mutex<Option<(Moment, bool)>>,
}

impl Readiness {
    /// Not tried yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, tried: Mutex::new(None) }
    }

    async fn of(&self, rooms: &Rooms) -> bool {
        let mut tried = self.tried.lock().await;
        let now = self.clock.now();
        if let Some((at, ready)) = *tried
            && now < at.plus_seconds(1)
            && now >= at
        {
            return ready;
        }
        let probe = rooms.read.probe().await.inspect_err(|error| tracing::warn!(%error, "not ready"));
        *tried = Some((now, probe.is_ok()));
        probe.is_ok()
    }
}

//! Whether the process lives, and whether it can serve. No sign-in.

use super::{Shared, reply};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
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
    match rooms.read.probe().await {
        Ok(()) => reply::json(StatusCode::OK, &Health { status: "ok" }),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            reply::json(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "the store does not take writes" })
        }
    }
}

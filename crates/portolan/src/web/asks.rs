//! Asks the API, within the process: pages change things as any client does, with the same checks, words and refusals.

use crate::auth::Caller;
use api::errors::{ErrorBody, ErrorCode, ErrorDocument};
use api::paths::{API_VERSION, API_VERSION_PARAMETER};
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, IF_MATCH};
use http::{Method, Request};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tower::ServiceExt;

/// The longest answer that a page makes something of, in bytes.
const LONGEST: usize = 16 << 20;

/// The API, for somebody.
#[derive(Clone, Debug)]
pub(super) struct Api {
    router: Router,
    /// For whom; none where the calls are for anybody.
    caller: Option<Arc<Caller>>,
}

/// What the API answered with a yes.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    /// The body.
    pub(super) body: Bytes,
}

impl Api {
    /// The API for this caller.
    pub(super) fn of(router: &Router, caller: &Arc<Caller>) -> Self {
        Self { router: router.clone(), caller: Some(Arc::clone(caller)) }
    }

    /// Calls that are for anybody: an emulator's own.
    pub(super) fn for_anybody(router: &Router) -> Self {
        Self { router: router.clone(), caller: None }
    }

    /// Reads what is at a path below `/api`, which may have a query.
    ///
    /// # Errors
    /// What the API says no with.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ErrorBody> {
        read(&self.send(Method::GET, path, None, Bytes::new()).await?.body)
    }

    /// Sends a body of JSON to a path below `/api`.
    ///
    /// # Errors
    /// What the API says no with.
    pub(super) async fn post(&self, path: &str, body: &impl Serialize) -> Result<Answered, ErrorBody> {
        self.send_json(Method::POST, path, None, body).await
    }

    /// The same with a method and, where it is given, the ETag that must hold.
    ///
    /// # Errors
    /// What the API says no with.
    pub(super) async fn send_json(
        &self,
        method: Method,
        path: &str,
        etag: Option<&str>,
        body: &impl Serialize,
    ) -> Result<Answered, ErrorBody> {
        let body = serde_json::to_vec(body).map_err(|error| broken(&error))?;
        self.send(method, path, etag, body.into()).await
    }

    /// Sends a request whose body, if there is one, is JSON.
    ///
    /// # Errors
    /// What the API says no with.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        etag: Option<&str>,
        body: Bytes,
    ) -> Result<Answered, ErrorBody> {
        let response = self.raw(method, path, etag, body).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LONGEST).collect().await.map_err(|error| broken(&error))?.to_bytes();
        if head.status.is_client_error() || head.status.is_server_error() {
            let said: ErrorDocument = read(&body)?;
            return Err(said.error);
        }
        Ok(Answered { body })
    }

    /// The answer as it is, for what is handed on whole.
    ///
    /// # Errors
    /// Where the request cannot be one.
    pub(super) async fn raw(
        &self,
        method: Method,
        path: &str,
        etag: Option<&str>,
        body: Bytes,
    ) -> Result<Response, ErrorBody> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{path}{joint}{API_VERSION_PARAMETER}={API_VERSION}"))
            .header(ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(etag) = etag {
            request = request.header(IF_MATCH, etag);
        }
        let mut request = request.body(Body::from(body)).map_err(|error| broken(&error))?;
        if let Some(caller) = &self.caller {
            request.extensions_mut().insert(Arc::clone(caller));
        }
        match self.router.clone().oneshot(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }
}

impl Answered {
    /// The body as what it is.
    ///
    /// # Errors
    /// Where it is something else.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ErrorBody> {
        read(&self.body)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ErrorBody> {
    serde_json::from_slice(body).map_err(|error| broken(&error))
}

/// What only a fault of ours brings about; the cause is for the log.
fn broken(cause: &dyn std::fmt::Display) -> ErrorBody {
    tracing::error!(%cause, "a page could not ask the API");
    let message = "The service cannot do this just now. Try again in a moment.".to_owned();
    ErrorBody { code: ErrorCode::InternalServerError, message, target: None, details: Vec::new() }
}

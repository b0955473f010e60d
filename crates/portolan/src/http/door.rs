//! The door: what every request passes on its way in, and every answer on its way out.

use super::address::CallerAddress;
use super::errors::{Cause, Problem};
use super::limits::Limits;
use super::rehearsed::{AskedBy, Instead};
use super::{paths, repeat};
use crate::auth::{Caller, Gate, Once, Unauthenticated};
use crate::clock::Clock;
use api::errors::ErrorCode;
use api::paths::{ACCEPTED_API_VERSIONS, API_VERSION_PARAMETER};
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tower::Service;
use uuid::Uuid;

/// Below this are the addresses that outside systems call back; they are given to them whole.
pub(super) const CALLBACKS: &str = "/api/checks/";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

const TWO_AUTHORIZATIONS: Unauthenticated = Unauthenticated(
    "Authorization has been denied for this request: there are two headers Authorization, and nobody knows which one counts. Send one.",
);

/// The id of a request, which the log and the answer name too.
#[derive(Clone, Copy, Debug)]
pub struct RequestId(pub Uuid);

/// Everything that answers requests.
#[derive(Clone, Debug)]
pub struct Door {
    router: Router,
    gate: Gate,
    limits: Arc<Limits>,
    clock: Clock,
}

impl Door {
    pub(super) fn new(router: Router, gate: Gate, limits: Arc<Limits>, clock: Clock) -> Self {
        Self { router, gate, limits, clock }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Answers a request: whatever happens inside, with a body that says what, and the headers of every answer.
    pub async fn answer(&self, mut request: Request<Body>) -> Response {
        let id = self.clock.fresh_id();
        let correlation = correlation(&request).unwrap_or_else(|| id_value(self.clock.fresh_id()));
        request.extensions_mut().insert(RequestId(id));
        let asked = tracing::enabled!(tracing::Level::DEBUG).then(|| (request.method().clone(), request.uri().clone()));
        let mut response = match self.admit(&mut request).await {
            Err(refused) => *refused,
            Ok(once) => {
                let mut router = self.router.clone();
                let mut response = match AssertUnwindSafe(router.call(request)).catch_unwind().await {
                    Ok(Ok(response)) => response,
                    Ok(Err(never)) => match never {},
                    Err(_) => Problem::internal(&"a handler panicked").into_response(),
                };
                if let Some(once) = once {
                    repeat::tell(&once, &mut response);
                }
                response
            }
        };
        if let Some((method, uri)) = asked {
            // The path alone: a query may hold what is nobody's business.
            tracing::debug!(%method, path = uri.path(), status = response.status().as_u16(), request_id = %id, "answered");
        }
        if let Some(Cause(cause)) = response.extensions_mut().remove() {
            tracing::error!(request_id = %id, cause, "a request failed on our side");
        }
        let headers = response.headers_mut();
        headers.reserve(6);
        headers.entry(CONTENT_TYPE).or_insert(JSON);
        headers.entry(CACHE_CONTROL).or_insert(NO_CACHE);
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(REQUEST_ID, id_value(id));
        headers.insert(CORRELATION_ID, correlation);
        response
    }

    /// Have you asked too often, who are you, do we speak the same version, and is this to be done once? In this order (wire
    /// contract, "Order of checks").
    async fn admit(&self, request: &mut Request<Body>) -> Result<Option<Arc<Once>>, Box<Response>> {
        let problem = |problem: Problem| Box::new(problem.into_response());
        if let Some(instead) = request.extensions_mut().remove::<Instead>() {
            return Err(Box::new(instead.into_response()));
        }
        if let Some(CallerAddress(address)) = request.extensions().get()
            && !(address.is_loopback() && matches!(request.uri().path(), "/healthz" | "/readyz"))
        {
            self.limits.of_address(*address).map_err(|refused| problem(refused.into()))?;
        }
        if let Some(uri) = paths::canonical(request.uri()) {
            *request.uri_mut() = uri;
        }
        let path = request.uri().path();
        // Who calls back about a check has no token, and signs what it sends.
        if (!path.starts_with("/api/") && path != "/api") || path.starts_with(CALLBACKS) {
            return Ok(None);
        }
        let mut authorizations = request.headers().get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
        // Of two, nobody knows which one a proxy in front has looked at.
        let authorization = authorizations.next();
        if authorizations.next().is_some() {
            return Err(Box::new(TWO_AUTHORIZATIONS.into_response()));
        }
        let caller =
            self.gate.authenticate(authorization).await.map_err(|refused| Box::new(refused.into_response()))?;
        if let Some(AskedBy(name)) = request.extensions().get() {
            let _ = name.set(caller.name().to_owned());
        }
        self.limits.of_caller(caller.name()).map_err(|refused| problem(refused.into()))?;
        check_version(request.uri()).map_err(problem)?;
        let once = repeat::prepare(request, &caller).await.map_err(problem)?;
        let caller = match &once {
            Some(once) => Arc::new(Caller::clone(&caller).asking(Arc::clone(once))),
            None => caller,
        };
        request.extensions_mut().insert(caller);
        Ok(once)
    }
}

/// Exactly one api-version, and one that is accepted.
fn check_version(uri: &Uri) -> Result<(), Problem> {
    let query = uri.query().unwrap_or_default();
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut versions =
        pairs.filter(|(name, _)| name.eq_ignore_ascii_case(API_VERSION_PARAMETER)).map(|(_, value)| value);
    let said = match (versions.next(), versions.next()) {
        (Some(version), None) if ACCEPTED_API_VERSIONS.contains(&&*version) => return Ok(()),
        (None, _) => "The query parameter api-version is missing.".to_owned(),
        (Some(version), None) => {
            let shown: String = version.chars().take(40).collect();
            format!("The api-version '{shown}' is not one that this service speaks.")
        }
        (Some(_), Some(_)) => "The query parameter api-version is given twice.".to_owned(),
    };
    let message = format!("{said} Send one of [{}]", ACCEPTED_API_VERSIONS.join(", "));
    Err(Problem::new(ErrorCode::InvalidAPIVersion, message).at(API_VERSION_PARAMETER))
}

/// The caller's correlation id, if it is a GUID.
fn correlation(request: &Request<Body>) -> Option<HeaderValue> {
    let value = request.headers().get(CORRELATION_ID)?;
    Uuid::try_parse(value.to_str().ok()?).ok()?;
    Some(value.clone())
}

fn id_value(id: Uuid) -> HeaderValue {
    let mut buffer = Uuid::encode_buffer();
    let text: &str = id.hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
}

/// No route has this path.
pub(crate) async fn no_such_path(uri: Uri) -> Problem {
    let shown: String = uri.path().chars().take(200).collect();
    Problem::not_found(format!("There is nothing at {shown}. GET /openapi.json lists every path."))
}

/// The path has routes, for other methods; axum adds `Allow`, which names them.
pub(super) async fn no_such_method(method: Method) -> Problem {
    let message = format!("This path does not take {method}. The header Allow names what it takes.");
    Problem::new(ErrorCode::MethodNotAllowed, message)
}

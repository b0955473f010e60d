//! The token endpoints of the built-in issuer, versions 1 and 2 (wire contract, "The token endpoint").

use super::errors::Problem;
use super::request::{LONGEST_ACTION, form_members, read_body};
use super::{CallerAddress, Rooms, Shared, reply};
use crate::issuer::{Audience, Issuer, Token, TokenRefusal};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

/// A token of version 1: two members are texts that the original wrote as texts.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct TokenDocument {
    token_type: &'static str,
    expires_in: ExpiresIn,
    ext_expires_in: ExpiresIn,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    expires_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    resource: Option<String>,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    id_token: Option<String>,
}

/// Seconds: a number in version 2, a text in version 1.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(crate) enum ExpiresIn {
    Number(i64),
    Text(String),
}

/// Why there is no token (RFC 6749, 5.2).
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct TokenErrorDocument {
    error: &'static str,
    error_description: String,
}

struct Refused(StatusCode, &'static str, String);

/// A token for a client, version 1: asked for by `resource`.
#[utoipa::path(post, path = "/{tenant}/oauth2/token", operation_id = "get_token_v1", tag = "Tokens",
    params(("tenant" = String, Path)), request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenDocument), (status = "4XX", body = TokenErrorDocument)))]
pub(crate) async fn get_token_v1(State(rooms): Shared, request: Request) -> Response {
    answer(&rooms, request, true).await
}

/// A token for a client, version 2: asked for by `scope`.
#[utoipa::path(post, path = "/{tenant}/oauth2/v2.0/token", operation_id = "get_token_v2", tag = "Tokens",
    params(("tenant" = String, Path)), request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenDocument), (status = "4XX", body = TokenErrorDocument)))]
pub(crate) async fn get_token_v2(State(rooms): Shared, request: Request) -> Response {
    answer(&rooms, request, false).await
}

async fn answer(rooms: &Rooms, request: Request, v1: bool) -> Response {
    let (head, body) = request.into_parts();
    let body = match read_body(body, LONGEST_ACTION).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    // Only now: an answer to half a request would end the connection.
    if let Some(CallerAddress(address)) = head.extensions.get()
        && let Err(refused) = rooms.limits.of_credentials(*address)
    {
        return Problem::from(refused).into_response();
    }
    let mut response = match token(rooms.issuer.as_ref(), &head.headers, &body, v1).await {
        Ok(token) => reply::json(StatusCode::OK, &document(token, v1)),
        Err(Refused(status, error, error_description)) => {
            let mut response = reply::json(status, &TokenErrorDocument { error, error_description });
            match status {
                StatusCode::UNAUTHORIZED => {
                    let challenge = HeaderValue::from_static("Basic realm=\"portolan\"");
                    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                }
                StatusCode::SERVICE_UNAVAILABLE => {
                    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
                }
                _ => {}
            }
            response
        }
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn token(issuer: Option<&Issuer>, headers: &HeaderMap, body: &[u8], v1: bool) -> Result<Token, Refused> {
    let invalid =
        |error: &'static str, description: &str| Refused(StatusCode::BAD_REQUEST, error, description.to_owned());
    let Some(issuer) = issuer else {
        let description = "The built-in issuer is switched off. Get a token from the issuer that the operator names.";
        return Err(Refused(StatusCode::NOT_FOUND, "invalid_request", description.to_owned()));
    };
    let form = form_members(body)
        .ok_or_else(|| invalid("invalid_request", "A member of the form is given twice. Send each once."))?;
    let member = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let audience = match v1 {
        true => Audience::Resource(member("resource").map(str::to_owned)),
        false => Audience::Scope(member("scope").map(str::to_owned)),
    };
    let (basic_id, basic_secret) = basic(headers).unzip();
    let client_id = member("client_id").map(str::to_owned).or(basic_id);
    let client_id =
        client_id.ok_or_else(|| invalid("invalid_request", "client_id is missing. Send the application id."))?;
    let granted = match member("grant_type") {
        Some("client_credentials") => {
            let secret = member("client_secret").map(str::to_owned).or(basic_secret);
            let missing = || {
                invalid(
                    "invalid_request",
                    "client_secret is missing. Send it; other proofs, such as client_assertion, are not known here.",
                )
            };
            issuer.client_token(&client_id, &secret.ok_or_else(missing)?, &audience).await
        }
        Some("authorization_code") => {
            let missing =
                || invalid("invalid_request", "code, redirect_uri or code_verifier is missing. Send all three.");
            let code = member("code").ok_or_else(missing)?;
            let redirect_uri = member("redirect_uri").ok_or_else(missing)?;
            let verifier = member("code_verifier").ok_or_else(missing)?;
            issuer.redeem(code, &client_id, redirect_uri, verifier).await
        }
        _ => {
            let description = "grant_type must be client_credentials or authorization_code. Send one of them.";
            return Err(invalid("unsupported_grant_type", description));
        }
    };
    granted.map_err(|refusal| {
        let description = refusal.to_string();
        match refusal {
            TokenRefusal::InvalidClient => Refused(StatusCode::UNAUTHORIZED, "invalid_client", description),
            TokenRefusal::InvalidResource(_) if v1 => invalid("invalid_resource", &description),
            TokenRefusal::InvalidResource(_) => invalid("invalid_scope", &description),
            TokenRefusal::InvalidGrant => invalid("invalid_grant", &description),
            TokenRefusal::Failed(cause) => {
                tracing::error!(%cause, "a token could not be made");
                let description = "A token cannot be made just now. Try again in a moment.".to_owned();
                Refused(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description)
            }
        }
    })
}

/// Client id and secret in the header, as RFC 6749, 2.3.1 has them.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| {
        let parsed = form_urlencoded::parse(text.as_bytes()).next();
        parsed.map(|(name, _)| name.into_owned()).unwrap_or_default()
    };
    Some((plain(id), plain(secret)))
}

fn document(token: Token, v1: bool) -> TokenDocument {
    let seconds = if v1 { ExpiresIn::Text(token.expires_in.to_string()) } else { ExpiresIn::Number(token.expires_in) };
    TokenDocument {
        token_type: "Bearer",
        expires_in: seconds.clone(),
        ext_expires_in: seconds,
        expires_on: v1.then(|| (token.not_before + token.expires_in).to_string()),
        not_before: v1.then(|| token.not_before.to_string()),
        resource: v1.then_some(token.resource),
        access_token: token.access_token,
        id_token: token.id_token,
    }
}

//! Where clients find the built-in issuer: its discovery documents and its keys (OpenID Connect Discovery 1.0).

use super::errors::Problem;
use super::{Rooms, Shared, reply};
use crate::issuer::Issuer;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use serde_json::json;

/// The discovery document of version 1 tokens.
#[utoipa::path(get, path = "/{tenant}/.well-known/openid-configuration", operation_id = "get_discovery_v1", tag = "Tokens",
    params(("tenant" = String, Path)), responses((status = 200, body = Object)))]
pub(crate) async fn get_discovery_v1(State(rooms): Shared, Path(tenant): Path<String>) -> Result<Response, Problem> {
    let issuer = issuer(&rooms)?;
    document(issuer, &tenant, "oauth2", "discovery/keys", &issuer.place().issuer_v1()).await
}

/// The discovery document of version 2 tokens.
#[utoipa::path(get, path = "/{tenant}/v2.0/.well-known/openid-configuration", operation_id = "get_discovery_v2", tag = "Tokens",
    params(("tenant" = String, Path)), responses((status = 200, body = Object)))]
pub(crate) async fn get_discovery_v2(State(rooms): Shared, Path(tenant): Path<String>) -> Result<Response, Problem> {
    let issuer = issuer(&rooms)?;
    document(issuer, &tenant, "oauth2/v2.0", "discovery/v2.0/keys", &issuer.place().issuer_v2()).await
}

/// The keys with which tokens of the built-in issuer are verified.
#[utoipa::path(get, path = "/{tenant}/discovery/keys", operation_id = "get_keys_v1", tag = "Tokens",
    params(("tenant" = String, Path)), responses((status = 200, body = Object)))]
pub(crate) async fn get_keys_v1(State(rooms): Shared) -> Result<Response, Problem> {
    Ok(reply::json(StatusCode::OK, &issuer(&rooms)?.jwks().await?))
}

/// The same keys, where clients of version 2 look for them.
#[utoipa::path(get, path = "/{tenant}/discovery/v2.0/keys", operation_id = "get_keys_v2", tag = "Tokens",
    params(("tenant" = String, Path)), responses((status = 200, body = Object)))]
pub(crate) async fn get_keys_v2(State(rooms): Shared) -> Result<Response, Problem> {
    Ok(reply::json(StatusCode::OK, &issuer(&rooms)?.jwks().await?))
}

/// Which hosts are this issuer, and where its discovery document is.
#[utoipa::path(get, path = "/common/discovery/instance", operation_id = "get_instance", tag = "Tokens",
    params(("authorization_endpoint" = Option<String>, Query)), responses((status = 200, body = Object)))]
pub(crate) async fn get_instance(State(rooms): Shared, uri: Uri) -> Result<Response, Problem> {
    let place = issuer(&rooms)?.place();
    let asked = super::request::query(&uri).into_iter().find(|(name, _)| name == "authorization_endpoint");
    let asked = asked.and_then(|(_, endpoint)| endpoint.parse::<Uri>().ok());
    let tenant = asked.as_ref().and_then(|uri| uri.path().split('/').nth(1)).filter(|tenant| is_tenant(tenant));
    let tenant = tenant.map_or_else(|| place.tenant.to_string(), str::to_owned);
    // Who asks for version 2 is sent to version 2: it sends a scope, which version 1 does not read.
    let v2 = asked.as_ref().is_some_and(|uri| uri.path().contains("/oauth2/v2.0/"));
    let version = if v2 { "/v2.0" } else { "" };
    let host = place.public_url.split_once("://").map_or("", |(_, host)| host);
    let instance = json!({
        "tenant_discovery_endpoint": format!("{}/{tenant}{version}/.well-known/openid-configuration", place.public_url),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    });
    Ok(reply::json(StatusCode::OK, &instance))
}

fn issuer(rooms: &Rooms) -> Result<&Issuer, Problem> {
    let off = || Problem::not_found("The built-in issuer is switched off. Ask the issuer that the operator names.");
    rooms.issuer.as_ref().ok_or_else(off)
}

/// Whether a name may stand for the tenant. There is one tenant; clients may call it as they always did.
fn is_tenant(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

async fn document(issuer: &Issuer, tenant: &str, oauth: &str, keys: &str, iss: &str) -> Result<Response, Problem> {
    let own = issuer.place().tenant.to_string();
    let tenant = if is_tenant(tenant) { tenant } else { &own };
    let base = format!("{}/{tenant}", issuer.place().public_url);
    let algorithms = issuer.algorithms().await?;
    let document = json!({
        "issuer": iss,
        // Version 1 has no sign-in of its own: people sign in by version 2.
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/{oauth}/token"),
        "jwks_uri": format!("{base}/{keys}"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "scopes_supported": ["openid", "profile"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "claims_supported": ["sub", "oid", "tid", "iss", "aud", "exp", "iat", "nbf", "name", "preferred_username", "nonce"],
    });
    Ok(reply::json(StatusCode::OK, &document))
}

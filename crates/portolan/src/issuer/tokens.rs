//! Tokens: who may have one, and what it says.

use super::{Issuer, IssuerFailure, Place};
use crate::auth::secret_hash;
use publishing::moment::{Moment, UNIX_EPOCH_TICKS};
use publishing::principal::{Kind, Principal};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use thiserror::Error;
use uuid::Uuid;

/// How long a token is good, in seconds.
const LASTS_SECONDS: i64 = 3_600;

/// How often it is written down that a secret was used, in seconds.
const USED_EVERY_SECONDS: i64 = 3_600;

/// For whom a token is, as the two versions of the endpoint are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Version 1: `resource`.
    Resource(Option<String>),
    /// Version 2: `scope`.
    Scope(Option<String>),
}

/// A token that was made.
#[derive(Clone)]
pub struct Token {
    /// The access token.
    pub access_token: String,
    /// For how many seconds it is good.
    pub expires_in: i64,
    /// From when on, in Unix seconds.
    pub not_before: i64,
    /// For whom it is.
    pub resource: String,
    /// The ID token, where a person signed in.
    pub id_token: Option<String>,
}

/// Why there is no token. The message is for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenRefusal {
    /// Client id and secret do not belong together, or the secret has ended.
    #[error(
        "The client id or the client secret is not right, or the secret has ended or was removed. Check both; an owner can add a secret."
    )]
    InvalidClient,
    /// The audience is not one that tokens are made for.
    #[error("{0}")]
    InvalidResource(String),
    /// The code is not good, or not for this client, address or verifier.
    #[error(
        "The code is not good, not any more, or not for this client, redirect_uri or code_verifier. Sign in again."
    )]
    InvalidGrant,
    /// The issuer could not.
    #[error(transparent)]
    Failed(#[from] IssuerFailure),
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("resource", &self.resource).finish_non_exhaustive()
    }
}

impl Issuer {
    /// A token for a service principal that proves itself with a secret.
    ///
    /// # Errors
    /// [`TokenRefusal`].
    pub async fn client_token(
        &self,
        client_id: &str,
        client_secret: &str,
        audience: &Audience,
    ) -> Result<Token, TokenRefusal> {
        let principal = self.store.application(&client_id.to_ascii_lowercase()).map_err(IssuerFailure::from)?;
        let presented = secret_hash(client_secret);
        let now = self.secrets_by.now();
        // Looked for at nobody too, so that a client that is not there takes about as long.
        let whose = principal.as_ref().map_or(Uuid::nil(), |principal| principal.id);
        let secrets = self.store.secrets(whose).map_err(IssuerFailure::from)?;
        let fits = |hash: &[u8; 32]| bool::from(hash.ct_eq(&presented));
        let used = secrets.iter().filter(|secret| secret.ends_at > now).find(|secret| fits(&secret.hash));
        let (principal, used) = principal.zip(used).ok_or(TokenRefusal::InvalidClient)?;
        let token = self.token_for(&principal, audience, LASTS_SECONDS).await?;
        if used.used_at.is_none_or(|at| at.plus_seconds(USED_EVERY_SECONDS) <= now) {
            self.store.secret_used(used.id, now).await.map_err(IssuerFailure::from)?;
        }
        Ok(token)
    }

    /// A token for a principal that has proven itself, good for so many seconds.
    ///
    /// # Errors
    /// [`TokenRefusal::InvalidResource`], [`TokenRefusal::Failed`].
    pub async fn token_for(
        &self,
        principal: &Principal,
        audience: &Audience,
        lasts_seconds: i64,
    ) -> Result<Token, TokenRefusal> {
        let place = self.place();
        let resource = audience.resource(place)?;
        let not_before = unix_seconds(self.clock.now());
        let mut claims = json!({
            "aud": resource,
            "iat": not_before,
            "nbf": not_before,
            "exp": not_before.saturating_add(lasts_seconds),
            "oid": principal.identity.subject,
            "sub": principal.identity.subject,
            "tid": place.tenant,
            "jti": self.clock.fresh_id(),
        });
        let client = principal.application.as_deref().unwrap_or(super::WEB_CLIENT);
        let mut say = |name: &str, value: Value| drop(claims.as_object_mut().map(|c| c.insert(name.to_owned(), value)));
        match audience {
            Audience::Resource(_) => {
                say("iss", place.issuer_v1().into());
                say("ver", "1.0".into());
                say("appid", client.into());
            }
            Audience::Scope(_) => {
                say("iss", place.issuer_v2().into());
                say("ver", "2.0".into());
                say("azp", client.into());
            }
        }
        if principal.kind == Kind::User {
            say("name", principal.name.clone().into());
        }
        let access_token = self.keys.sign("at+jwt", &claims).await?;
        Ok(Token { access_token, expires_in: lasts_seconds, not_before, resource, id_token: None })
    }

    /// An ID token for a person, for a client that asked with this nonce.
    pub(super) async fn id_token(
        &self,
        principal: &Principal,
        client: &str,
        nonce: Option<&str>,
    ) -> Result<String, IssuerFailure> {
        let place = self.place();
        let now = unix_seconds(self.clock.now());
        let claims = json!({
            "iss": place.issuer_v2(),
            "aud": client,
            "sub": principal.identity.subject,
            "oid": principal.identity.subject,
            "tid": place.tenant,
            "iat": now,
            "nbf": now,
            "exp": now + LASTS_SECONDS,
            "name": principal.name,
            "preferred_username": principal.mail,
            "nonce": nonce,
            "ver": "2.0",
        });
        self.keys.sign("JWT", &claims).await
    }
}

impl Audience {
    /// The audience as it was asked for, where tokens are made for it.
    fn resource(&self, place: &Place) -> Result<String, TokenRefusal> {
        let asked = match self {
            Self::Resource(resource) => resource.as_deref(),
            // Beside the scope of the API there may be those of OpenID Connect.
            Self::Scope(scope) => {
                scope.as_deref().unwrap_or_default().split(' ').find_map(|scope| scope.strip_suffix("/.default"))
            }
        };
        let usual = place.audiences.first().cloned().unwrap_or_default();
        let asked = match (asked, self) {
            (Some(asked), _) => asked,
            (None, Self::Scope(Some(scope))) if !scope.split(' ').any(|scope| scope == "openid") => scope,
            // Only to know who somebody is: nothing that the API takes.
            (None, Self::Scope(Some(_))) => return Ok(place.public_url.clone()),
            (None, _) => return Ok(usual),
        };
        let plain = |audience: &str| audience.strip_suffix('/').unwrap_or(audience).to_owned();
        if place.audiences.iter().any(|audience| plain(audience) == plain(asked)) {
            return Ok(asked.to_owned());
        }
        Err(TokenRefusal::InvalidResource(match self {
            Self::Resource(_) => format!("There are no tokens for that resource here. Ask for resource={usual}."),
            Self::Scope(_) => {
                format!("There are no tokens for that scope here. Ask for scope={}/.default.", plain(&usual))
            }
        }))
    }
}

/// A moment in Unix seconds.
fn unix_seconds(moment: Moment) -> i64 {
    (moment.ticks() - UNIX_EPOCH_TICKS) / 10_000_000
}

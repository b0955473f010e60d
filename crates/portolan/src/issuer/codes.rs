//! Codes: a person has signed in here, and a client may have tokens for it, once (RFC 6749, 4.1; RFC 7636).

use super::tokens::{Audience, Token, TokenRefusal};
use super::{Issuer, IssuerFailure};
use crate::auth::{is_password, secret_hash};
use crate::clock::random_secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use publishing::principal::Principal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// The client id of the service's own pages, the one client that may sign people in.
pub const WEB_CLIENT: &str = "portolan-web";

/// How long a code is good, in seconds.
const CODE_SECONDS: i64 = 60;

/// How long a token is good that somebody gets by signing in, in seconds.
const LASTS_SECONDS: i64 = 3_600;

/// What a client asks for when it sends somebody to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The client.
    pub client_id: String,
    /// Where the code goes.
    pub redirect_uri: String,
    /// What the client will know its answer by.
    pub state: String,
    /// What the ID token will repeat.
    pub nonce: Option<String>,
    /// The SHA-256 of the verifier, in base64url.
    pub code_challenge: String,
}

/// Somebody has signed in: where to send them, with the code.
#[derive(Clone)]
pub struct Consented {
    /// The address with code, state and issuer.
    pub location: String,
}

#[derive(Serialize, Deserialize)]
struct Record {
    asked: Asked,
    principal: Uuid,
}

impl Asked {
    /// Whether somebody may be sent to sign in for this, from this service.
    ///
    /// # Errors
    /// The fault in words; nobody must be sent to `redirect_uri` then.
    pub fn check(&self, redirect_uri: &str) -> Result<(), &'static str> {
        if self.client_id != WEB_CLIENT {
            return Err("The client is not known here. Begin at the page that you wanted to see.");
        }
        if self.redirect_uri != redirect_uri {
            return Err("The address to go back to is not the client's. Begin at the page that you wanted to see.");
        }
        if self.code_challenge.len() != 43 || self.state.is_empty() || self.state.len() > 512 {
            return Err("The request to sign in is not whole. Begin at the page that you wanted to see.");
        }
        Ok(())
    }
}

impl Issuer {
    /// Signs somebody in by mail address and password; `None` where they do not belong together.
    ///
    /// # Errors
    /// [`IssuerFailure`].
    pub async fn sign_in(&self, mail: &str, password: String) -> Result<Option<Principal>, IssuerFailure> {
        let user = self.store.user(&mail.trim().to_ascii_lowercase())?;
        let hash = match &user {
            Some(user) => self.store.password(user.id)?,
            None => None,
        };
        let known = is_password(password, hash).await.map_err(|error| IssuerFailure::new(error.to_string()))?;
        Ok(user.filter(|_| known))
    }

    /// Makes the code for somebody who has signed in.
    ///
    /// # Errors
    /// [`IssuerFailure`].
    pub async fn consent(&self, asked: Asked, principal: &Principal) -> Result<Consented, IssuerFailure> {
        let code = random_secret().map_err(|error| IssuerFailure::new(error.to_string()))?;
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &asked.state)
            .append_pair("iss", &self.place().issuer_v2())
            .finish();
        let location = format!("{}?{query}", asked.redirect_uri);
        let record = serde_json::to_string(&Record { asked, principal: principal.id })
            .map_err(|error| IssuerFailure::new(error.to_string()))?;
        let now = self.clock.now();
        self.store.put_code(secret_hash(&code), record, now.plus_seconds(CODE_SECONDS), now).await?;
        Ok(Consented { location })
    }

    /// Tokens for a code; the code is gone with this, whatever comes of it.
    ///
    /// # Errors
    /// [`TokenRefusal`].
    pub async fn redeem(
        &self,
        code: &str,
        client_id: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<Token, TokenRefusal> {
        let taken = self.store.take_code(secret_hash(code), self.clock.now()).await.map_err(IssuerFailure::from)?;
        let record: Record =
            taken.and_then(|record| serde_json::from_str(&record).ok()).ok_or(TokenRefusal::InvalidGrant)?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let proven = bool::from(challenge.as_bytes().ct_eq(record.asked.code_challenge.as_bytes()));
        if !proven || record.asked.client_id != client_id || record.asked.redirect_uri != redirect_uri {
            return Err(TokenRefusal::InvalidGrant);
        }
        let principal = self.store.principal(record.principal).map_err(IssuerFailure::from)?;
        let principal = principal.ok_or(TokenRefusal::InvalidGrant)?;
        // The pages need to know who it is, and have no use for a token that opens the API.
        let mut token = self.token_for(&principal, &Audience::Scope(Some("openid".into())), LASTS_SECONDS).await?;
        token.id_token = Some(self.id_token(&principal, client_id, record.asked.nonce.as_deref()).await?);
        Ok(token)
    }
}

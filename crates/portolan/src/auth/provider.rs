//! Signing in with a browser at an issuer: the authorisation code flow with PKCE (RFC 6749, 4.1; RFC 7636; OpenID Connect).

use super::fetch;
use super::trusted::IssuerSetting;
use crate::clock::{random_bytes, random_secret};
use crate::egress::{Egress, Outgoing};
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::OnceCell;
use url::Url;
use zeroize::Zeroizing;

/// An issuer at which people sign in.
#[derive(Clone)]
pub struct Provider {
    name: Arc<str>,
    label: Arc<str>,
    client_id: Arc<str>,
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// This service itself: where its sign-in page is.
    Own(Arc<str>),
    Elsewhere(Arc<Elsewhere>),
}

struct Elsewhere {
    issuer: String,
    document: Url,
    token_endpoint: Option<Url>,
    secret: Option<Zeroizing<String>>,
    egress: Egress,
    endpoints: OnceCell<Endpoints>,
}

/// What a discovery document says of signing in.
struct Endpoints {
    authorize: Url,
    token: Url,
    /// Whether its answers always say who they are from (RFC 9207).
    says_iss: bool,
}

/// What must be remembered of somebody who was sent to sign in, until they come back; nobody else may see it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Started {
    /// The provider's name.
    pub provider: String,
    /// What the answer must repeat.
    pub state: String,
    /// What the ID token must repeat.
    pub nonce: String,
    /// What proves that the code was for us.
    pub verifier: String,
}

impl Provider {
    /// This service itself, with the address of its sign-in page.
    pub fn own(name: &str, label: &str, client_id: &str, authorize: &str) -> Self {
        let place = Place::Own(authorize.into());
        Self { name: name.into(), label: label.into(), client_id: client_id.into(), place }
    }

    /// An issuer elsewhere, where its settings say that people sign in there. Nothing is fetched yet.
    ///
    /// # Errors
    /// Names the setting that cannot be, and the mend.
    pub fn elsewhere(setting: &IssuerSetting) -> Result<Option<Self>> {
        let Some(sign_in) = &setting.sign_in else { return Ok(None) };
        let under = || format!("{}/.well-known/openid-configuration", setting.issuer.trim_end_matches('/'));
        let document = fetch::address("discovery", &setting.discovery.clone().unwrap_or_else(under))?;
        let named = sign_in.token_endpoint.as_ref().map(|url| fetch::address("sign_in.token_endpoint", url));
        let secret = sign_in.client_secret_file.as_ref().map(|file| {
            let name = || format!("the file {} (setting `sign_in.client_secret_file`)", file.display());
            let text = Zeroizing::new(std::fs::read_to_string(file).with_context(name)?);
            let secret = Zeroizing::new(text.trim().to_owned());
            ensure!(!secret.is_empty(), "{} is empty: put the secret there, or leave out the setting", name());
            anyhow::Ok(secret)
        });
        let elsewhere = Elsewhere {
            issuer: setting.issuer.clone(),
            document,
            token_endpoint: named.transpose()?,
            secret: secret.transpose()?,
            egress: fetch::way_out(setting.ca_file.as_deref())?,
            endpoints: OnceCell::new(),
        };
        Ok(Some(Self {
            name: setting.name.as_str().into(),
            label: sign_in.label.as_deref().unwrap_or(&setting.name).into(),
            client_id: sign_in.client_id.as_str().into(),
            place: Place::Elsewhere(Arc::new(elsewhere)),
        }))
    }

    /// Its name in the settings.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name for people.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The client id that this service has there.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether it is this service itself.
    pub fn is_own(&self) -> bool {
        matches!(self.place, Place::Own(_))
    }

    /// Where to send somebody to sign in, and what to remember meanwhile.
    ///
    /// # Errors
    /// Where the provider's endpoints cannot be found, or there is no randomness.
    pub async fn start(&self, redirect_uri: &str) -> Result<(String, Started)> {
        let mut url = match &self.place {
            Place::Own(authorize) => Url::parse(authorize).context("the address of the sign-in page")?,
            Place::Elsewhere(elsewhere) => elsewhere.endpoints().await?.authorize.clone(),
        };
        let verifier: [u8; 32] = random_bytes().context("no randomness")?;
        let started = Started {
            provider: self.name.to_string(),
            state: random_secret().context("no randomness")?,
            nonce: random_secret().context("no randomness")?,
            verifier: URL_SAFE_NO_PAD.encode(verifier),
        };
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", "openid profile email")
            .append_pair("state", &started.state)
            .append_pair("nonce", &started.nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(Sha256::digest(&started.verifier)))
            .append_pair("code_challenge_method", "S256");
        Ok((url.into(), started))
    }

    /// Whether an answer may be from this provider: what it says of itself must be right, where it says it (RFC 9207).
    ///
    /// # Errors
    /// Where it cannot be found out whether the provider always says it.
    pub async fn answered(&self, iss: Option<&str>, own_issuer: &str) -> Result<bool> {
        let elsewhere = match &self.place {
            // We always say it ourselves.
            Place::Own(_) => return Ok(iss == Some(own_issuer)),
            Place::Elsewhere(elsewhere) => elsewhere,
        };
        match (iss, elsewhere.issuer.split_once("{tenantid}")) {
            (None, _) => Ok(!elsewhere.endpoints().await?.says_iss),
            (Some(iss), None) => Ok(iss == elsewhere.issuer),
            // A template's answers come from its tenants; the ID token will say from which.
            (Some(iss), Some((before, after))) => Ok(iss.starts_with(before) && iss.ends_with(after)),
        }
    }

    /// The ID token for a code, from an issuer elsewhere.
    ///
    /// # Errors
    /// Where it does not give one; the words are for the log.
    pub async fn redeem(&self, code: &str, verifier: &str, redirect_uri: &str) -> Result<String> {
        let Place::Elsewhere(elsewhere) = &self.place else { anyhow::bail!("the built-in issuer is asked directly") };
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", &*self.client_id),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        if let Some(secret) = &elsewhere.secret {
            form.push(("client_secret", secret.as_str()));
        }
        let endpoint = elsewhere.endpoints().await?.token.clone();
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = Outgoing::post(endpoint, form);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let answer = fetch::json(&elsewhere.egress, request).await.context("the token endpoint")?;
        let token = answer.get("id_token").and_then(Value::as_str);
        token.map(str::to_owned).context("the token endpoint gave no id_token")
    }
}

impl Elsewhere {
    /// Where to go, looked up once.
    async fn endpoints(&self) -> Result<&Endpoints> {
        if let Some(found) = self.endpoints.get() {
            return Ok(found);
        }
        // Not one after another: where the issuer is slow, each would wait for all before.
        let found = self.look_up().await?;
        Ok(self.endpoints.get_or_init(async || found).await)
    }

    async fn look_up(&self) -> Result<Endpoints> {
        let found = fetch::discovery(&self.egress, &self.document, &self.issuer).await?;
        // Only browsers are sent there, so that it may be anywhere; but not to read what is said in clear.
        let authorize = found.get("authorization_endpoint").and_then(Value::as_str).unwrap_or_default();
        let authorize = fetch::address("authorization_endpoint", authorize)?;
        let token = match &self.token_endpoint {
            Some(url) => url.clone(),
            None => fetch::named(&found, &self.document, "token_endpoint", "sign_in.token_endpoint")?,
        };
        let methods = found.get("code_challenge_methods_supported").and_then(Value::as_array);
        ensure!(
            methods.is_none_or(|methods| methods.iter().any(|method| method == "S256")),
            "the issuer knows no PKCE with S256, and without it nobody can sign in safely"
        );
        let says_iss = found.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true));
        Ok(Endpoints { authorize, token, says_iss })
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("name", &self.name).finish_non_exhaustive()
    }
}

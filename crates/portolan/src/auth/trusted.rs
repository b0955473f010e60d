//! An issuer that is trusted: what the operator says about it, and what its tokens must say.

use super::Unauthenticated;
use super::claims::{self, without_slash};
use super::compact::{Compact, Kind};
use super::denials::{
    ALGORITHM, KEY_DOES_NOT_FIT, MALFORMED, NO_SUBJECT, NotVerified, SIGNATURE, TENANT, TYPE, UNKNOWN_KEY,
    WRONG_CLIENT, WRONG_NONCE,
};
use super::fetch;
use super::keys::{Algorithm, Finding, KeySet, LocalKeys};
use super::remote_keys::{Place, RemoteKeys};
use super::verified::Verified;
use crate::clock::Clock;
use anyhow::{Context, Result, ensure};
use publishing::moment::Moment;
use publishing::principal::BUILT_IN;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Where the `tid` of a token goes in an issuer that is a template.
const TENANT_PLACE: &str = "{tenantid}";

/// What the operator says about an issuer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSetting {
    /// Its name in the names of principals: 1 to 50 of `a-z`, `0-9`, `-` and `_`.
    pub name: String,
    /// Exactly the claim `iss`. With `{tenantid}` it is a template: the claim `tid`, a GUID, goes there.
    pub issuer: String,
    /// Where its discovery document is; `/.well-known/openid-configuration` under the issuer where nothing is said.
    #[serde(default)]
    pub discovery: Option<String>,
    /// Where its keys are. With this no discovery document is asked for them.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// The audiences of its tokens, one of which must be in `aud`. A trailing slash does not matter.
    #[serde(default = "default_audiences")]
    pub audiences: Vec<String>,
    /// The `tid` values that are let in; any, where none is named.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// Which claim says who it is; `oid` for a template, else `sub`.
    #[serde(default)]
    pub subject: Option<SubjectClaim>,
    /// How its tokens may be signed.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// A PEM file of root certificates, besides those of the machine.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How people sign in there with a browser; they do not, where nothing is said.
    #[serde(default)]
    pub sign_in: Option<SignInSetting>,
}

/// How people sign in at an issuer with a browser.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInSetting {
    /// What the issuer is called on the page where people choose; its name where nothing is said.
    #[serde(default)]
    pub label: Option<String>,
    /// The client id that this service has there. Its redirect URI there is `<public_url>/sign-in/callback`.
    pub client_id: String,
    /// The file that holds the client secret there; a public client has none.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// Where codes become tokens, where discovery names that on another origin.
    #[serde(default)]
    pub token_endpoint: Option<String>,
}

/// The claim that says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectClaim {
    /// `sub`: the same for one client of the issuer.
    Sub,
    /// `oid`: the same for all clients of a tenant.
    Oid,
}

/// The audience that clients of this API ask tokens for (wire contract, "Authentication").
pub const USUAL_AUDIENCE: &str = "https://cloudpartner.azure.com";

fn default_audiences() -> Vec<String> {
    vec![USUAL_AUDIENCE.into()]
}

fn default_algorithms() -> Vec<Algorithm> {
    Algorithm::ALL.to_vec()
}

/// An issuer that is trusted.
#[derive(Debug)]
pub struct TrustedIssuer {
    name: Arc<str>,
    issuers: Vec<String>,
    audiences: Vec<String>,
    tenants: Vec<String>,
    subject: SubjectClaim,
    algorithms: Vec<Algorithm>,
    keys: Keys,
    wrong_audience: Unauthenticated,
}

#[derive(Debug)]
enum Keys {
    Local(LocalKeys),
    Remote(Arc<RemoteKeys>),
}

impl TrustedIssuer {
    /// An issuer on the web. Nothing is fetched yet.
    ///
    /// # Errors
    /// Names the setting that cannot be, and the mend.
    pub fn remote(setting: &IssuerSetting, clock: Clock) -> Result<Self> {
        Self::checked(setting, clock).with_context(|| format!("the issuer {:?}", setting.name))
    }

    fn checked(setting: &IssuerSetting, clock: Clock) -> Result<Self> {
        let is_word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
        ensure!(
            (1..=50).contains(&setting.name.len()) && setting.name.bytes().all(is_word),
            "`name` cannot be one: use 1 to 50 of a-z, 0-9, - and _"
        );
        ensure!(setting.name != BUILT_IN, "`name` is that of the service's own issuer: give it another one");
        ensure!(!setting.issuer.is_empty(), "`issuer` is empty: write what its tokens have in `iss`");
        ensure!(!setting.audiences.iter().any(String::is_empty), "an audience is empty: take it out");
        ensure!(!setting.audiences.is_empty(), "`audiences` is empty: name the audience of its tokens");
        ensure!(!setting.algorithms.is_empty(), "`algorithms` is empty: leave it out for all");
        let is_template = setting.issuer.contains(TENANT_PLACE);
        let place = match (&setting.jwks_uri, &setting.discovery) {
            (Some(keys), _) => Place::Keys(fetch::address("jwks_uri", keys)?),
            (None, discovery) => {
                ensure!(!is_template || discovery.is_some(), "`issuer` is a template: say where `discovery` is");
                let under = || format!("{}/.well-known/openid-configuration", without_slash(&setting.issuer));
                let document = fetch::address("discovery", &discovery.clone().unwrap_or_else(under))?;
                Place::Discovery { document, issuer: setting.issuer.clone() }
            }
        };
        let name: Arc<str> = setting.name.as_str().into();
        let egress = fetch::way_out(setting.ca_file.as_deref())?;
        let keys = Keys::Remote(RemoteKeys::new(Arc::clone(&name), place, egress, clock));
        let by_default = if is_template { SubjectClaim::Oid } else { SubjectClaim::Sub };
        Ok(Self {
            tenants: setting.tenants.clone(),
            subject: setting.subject.unwrap_or(by_default),
            algorithms: setting.algorithms.clone(),
            ..Self::new(name, vec![setting.issuer.clone()], setting.audiences.clone(), keys)
        })
    }

    /// This service itself: keys out of its own memory, `RS256`, the claim `sub`, and nothing but `at+jwt`.
    ///
    /// `issuers` are all the `iss` that its tokens may have.
    pub fn local(name: &str, issuers: Vec<String>, audiences: Vec<String>, keys: LocalKeys) -> Self {
        Self { algorithms: vec![Algorithm::Rs256], ..Self::new(name.into(), issuers, audiences, Keys::Local(keys)) }
    }

    /// The same, whose tokens may be signed so.
    #[must_use]
    pub fn signed_with(self, algorithms: Vec<Algorithm>) -> Self {
        Self { algorithms, ..self }
    }

    fn new(name: Arc<str>, issuers: Vec<String>, audiences: Vec<String>, keys: Keys) -> Self {
        let wanted = audiences.join(" or ");
        // Kept for good: issuers are made once, when the service starts, and `Unauthenticated` is a plain text.
        let wrong_audience = Unauthenticated(String::leak(format!(
            "Authorization has been denied for this request: the token is for another audience. Get one for {wanted}."
        )));
        let audiences = audiences.iter().map(|audience| without_slash(audience).to_owned()).collect();
        Self {
            name,
            issuers,
            audiences,
            tenants: Vec::new(),
            subject: SubjectClaim::Sub,
            algorithms: default_algorithms(),
            keys,
            wrong_audience,
        }
    }

    /// Its name in the settings.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The texts that `iss` is compared with.
    pub(super) fn issuers(&self) -> &[String] {
        &self.issuers
    }

    /// Whether a token with these claims says it is from here.
    pub(super) fn issued(&self, iss: &str, tid: Option<&str>) -> bool {
        self.issuers.iter().any(|issuer| is_same(issuer, iss, tid))
    }

    /// Asks an access token all that can be asked without keys.
    pub(super) fn accept(&self, token: &Compact<'_>, now: Moment) -> Result<Verified, Unauthenticated> {
        if matches!(self.keys, Keys::Local(_)) && token.kind != Kind::AccessToken {
            return Err(TYPE);
        }
        let audiences = claims::audiences(&token.claims)?;
        let is_ours = |audience: &&str| self.audiences.iter().any(|ours| ours == without_slash(audience));
        if !audiences.iter().any(is_ours) {
            return Err(self.wrong_audience);
        }
        self.sender(token, now)
    }

    /// Asks an ID token all that can be asked without keys.
    pub(super) fn accept_id_token(
        &self,
        token: &Compact<'_>,
        client_id: &str,
        nonce: &str,
        now: Moment,
    ) -> Result<Verified, Unauthenticated> {
        if token.kind != Kind::Jwt {
            return Err(TYPE);
        }
        let audiences = claims::audiences(&token.claims)?;
        let party = token.claims.name("azp")?;
        // OpenID Connect Core, 3.1.3.7: rules 3 to 5.
        let is_party = party.map_or(audiences.len() == 1, |party| party == client_id);
        if !is_party || !audiences.contains(&client_id) {
            return Err(WRONG_CLIENT);
        }
        let its_nonce = token.claims.name("nonce")?.unwrap_or_default();
        if nonce.is_empty() || !bool::from(its_nonce.as_bytes().ct_eq(nonce.as_bytes())) {
            return Err(WRONG_NONCE);
        }
        self.sender(token, now)
    }

    fn sender(&self, token: &Compact<'_>, now: Moment) -> Result<Verified, Unauthenticated> {
        let claims = &token.claims;
        if !self.algorithms.contains(&token.algorithm) {
            return Err(ALGORITHM);
        }
        let expires_at = claims::expiry(claims, now)?;
        let tenant = claims.name("tid")?.unwrap_or_default();
        if !self.tenants.is_empty() && !self.tenants.iter().any(|ours| ours.eq_ignore_ascii_case(tenant)) {
            return Err(TENANT);
        }
        let subject = match self.subject {
            SubjectClaim::Sub => claims.name("sub"),
            SubjectClaim::Oid => claims.name("oid"),
        };
        let mut application = None;
        for name in ["azp", "appid", "client_id"] {
            application = application.or(claims.name(name)?);
        }
        Ok(Verified {
            issuer: Arc::clone(&self.name),
            tenant: if claims::is_guid(tenant) { tenant.to_ascii_lowercase() } else { tenant.to_owned() },
            subject: subject.ok().flatten().ok_or(NO_SUBJECT)?.to_owned(),
            application: application.map(str::to_owned),
            name: claims::display_name(claims),
            expires_at,
        })
    }

    /// The generation of the keys, without waiting; nothing where they must be fetched first.
    pub(super) fn generation_at_hand(&self) -> Option<u64> {
        match &self.keys {
            Keys::Local(keys) => Some(keys.current().generation),
            Keys::Remote(keys) => keys.at_hand().map(|keys| keys.generation),
        }
    }

    /// Whether a key of the issuer made the signature; if so, the generation of the keys.
    pub(super) async fn check_signature(&self, token: &Compact<'_>) -> Result<u64, NotVerified> {
        let iss = token.claims.name("iss")?.ok_or(MALFORMED)?;
        let tid = token.claims.name("tid")?;
        let check = |keys: &KeySet| keys.check(token, |issuer| is_same(issuer, iss, tid));
        let (mut keys, mut finding);
        match &self.keys {
            Keys::Local(local) => {
                keys = local.current();
                finding = check(&keys);
            }
            Keys::Remote(remote) => {
                keys = remote.current().await.ok_or_else(|| self.unavailable())?;
                finding = check(&keys);
                if finding == Finding::UnknownKey
                    && let Some(newer) = remote.other_than(&keys).await
                {
                    keys = newer;
                    finding = check(&keys);
                }
            }
        }
        match finding {
            Finding::Good => Ok(keys.generation),
            Finding::WrongSignature => Err(SIGNATURE.into()),
            Finding::DoesNotFit => Err(KEY_DOES_NOT_FIT.into()),
            Finding::UnknownKey => Err(UNKNOWN_KEY.into()),
        }
    }

    fn unavailable(&self) -> NotVerified {
        NotVerified::Unavailable(format!(
            "The keys of the issuer {} cannot be fetched at the moment, so that nobody can be let in with its tokens. Try again after the time in Retry-After.",
            self.name
        ))
    }
}

/// Whether `iss` is this issuer, or the template filled with the tenant.
fn is_same(issuer: &str, iss: &str, tid: Option<&str>) -> bool {
    match (issuer.split_once(TENANT_PLACE), tid) {
        (None, _) => issuer == iss,
        (Some((before, after)), Some(tid)) => {
            claims::is_guid(tid)
                && iss.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|place| place == tid)
        }
        (Some(_), None) => false,
    }
}

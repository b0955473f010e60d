//! An issuer for tests: keys that sign, and a real server that shows them, counts who asks, and can be in any trouble.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use aws_lc_rs::{hmac, signature::RsaEncoding};
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream;
use portolan::auth::{IssuerSetting, Issuers, NotVerified, TrustedIssuer};
use portolan::clock::Clock;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// `world::START`, in seconds since 1970.
pub const NOW: i64 = 1_795_340_400;
pub const ISSUER: &str = "https://idp.test";
pub const AUDIENCE: &str = "https://cloudpartner.azure.com";
/// In every token, so that an echo is seen.
pub const CANARY: &str = "canary-7731";

pub struct Keys {
    pub rsa: RsaKeyPair,
    pub other_rsa: RsaKeyPair,
    pub ec: EcdsaKeyPair,
    pub ed: Ed25519KeyPair,
}

/// Made once: RSA keys take their time.
pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys {
        rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        other_rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        ed: Ed25519KeyPair::generate().unwrap(),
    })
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn rsa_jwk(key: &RsaKeyPair, kid: &str) -> Value {
    let components = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
    json!({"kty": "RSA", "kid": kid, "use": "sig", "n": b64(components.n), "e": b64(components.e)})
}

pub fn ec_jwk(kid: &str) -> Value {
    let point = keys().ec.public_key().as_ref();
    json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(&point[1..33]), "y": b64(&point[33..])})
}

pub fn ed_jwk(kid: &str) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(keys().ed.public_key())})
}

/// The public RSA key in each form that a forger might take for an HMAC secret.
pub fn public_key_forms() -> Vec<(&'static str, Vec<u8>)> {
    let public = keys().rsa.public_key();
    let x509: Vec<u8> = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der>::as_der(public).unwrap().as_ref().to_vec();
    let body = base64::engine::general_purpose::STANDARD.encode(&x509);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    vec![
        ("PEM", pem.clone().into_bytes()),
        ("PEM without the last line end", pem.trim_end().into()),
        ("DER", x509),
        ("PKCS #1", public.as_ref().to_vec()),
        ("JWK", serde_json::to_vec(&rsa_jwk(&keys().rsa, "rsa")).unwrap()),
        ("nothing", Vec::new()),
    ]
}

fn rsa_signature(key: &RsaKeyPair, padding: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    signature
}

/// Signs in the way named, which need not be what a header says.
pub fn sign(way: &str, message: &str) -> Vec<u8> {
    match way {
        "RS256" => rsa_signature(&keys().rsa, &RSA_PKCS1_SHA256, message),
        "PS256" => rsa_signature(&keys().rsa, &RSA_PSS_SHA256, message),
        "other RS256" => rsa_signature(&keys().other_rsa, &RSA_PKCS1_SHA256, message),
        "ES256" => keys().ec.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
        "EdDSA" => keys().ed.sign(message.as_bytes()).as_ref().to_vec(),
        other => panic!("{other}"),
    }
}

pub fn hmac(secret: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes()).as_ref().to_vec()
}

/// The key of [`Idp`] that signs in this way.
pub fn kid(way: &str) -> &'static str {
    match way {
        "ES256" => "ec",
        "EdDSA" => "ed",
        _ => "rsa",
    }
}

/// A token of these two texts, signed in the way named.
pub fn raw(header: &str, claims: &str, way: &str) -> String {
    let signed = format!("{}.{}", b64(header), b64(claims));
    let signature = b64(sign(way, &signed));
    format!("{signed}.{signature}")
}

/// A header and claims that are good, for a way of signing.
pub fn good(way: &str) -> (Value, Value) {
    let header = json!({"alg": way, "typ": "JWT", "kid": kid(way)});
    let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": CANARY, "exp": NOW + 3_600, "nbf": NOW, "iat": NOW});
    (header, claims)
}

/// `base` with these members instead of its own; a member that is the text `-` is taken away.
pub fn with(mut base: Value, changes: Value) -> Value {
    let members = base.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value == "-" {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    base
}

/// A good token but for these members of the header and the claims.
pub fn token(header: Value, claims: Value) -> String {
    let (good_header, good_claims) = good("RS256");
    raw(&with(good_header, header).to_string(), &with(good_claims, claims).to_string(), "RS256")
}

/// How a path of the server answers.
#[derive(Clone, Debug)]
pub enum Mood {
    Well,
    Status(u16),
    /// All that is wanted, under this status.
    WellWith(u16),
    Text(String),
    Redirect(String),
    Huge,
    Slow,
}

struct Inside {
    discovery: Value,
    jwks: Value,
    discovery_mood: Mood,
    jwks_mood: Mood,
    token_mood: Mood,
    /// What ID tokens say beside the usual, and how they are signed.
    person: Value,
    header: Value,
    way: &'static str,
    /// The secret that the client must prove itself with.
    secret: Option<&'static str>,
    /// What was asked for, by the code that was given.
    codes: HashMap<String, HashMap<String, String>>,
    /// Whether answers say who they are from.
    says_iss: bool,
    /// The forms that codes were redeemed with.
    redeemed: Vec<HashMap<String, String>>,
}

/// A server with a discovery document and keys.
#[derive(Clone)]
pub struct Idp {
    pub address: SocketAddr,
    inside: Arc<Mutex<Inside>>,
    pub discoveries: Arc<AtomicUsize>,
    pub fetches: Arc<AtomicUsize>,
    /// Requests for anything else.
    pub strays: Arc<AtomicUsize>,
    /// Bytes of a huge answer that went out.
    pub sent: Arc<AtomicUsize>,
}

impl Idp {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let discovery = json!({
            "issuer": ISSUER,
            "jwks_uri": format!("http://{address}/keys"),
            "authorization_endpoint": format!("http://{address}/authorize"),
            "token_endpoint": format!("http://{address}/token"),
            "code_challenge_methods_supported": ["plain", "S256"],
        });
        let jwks = json!({"keys": [rsa_jwk(&keys().rsa, "rsa"), ec_jwk("ec"), ed_jwk("ed")]});
        let inside = Inside {
            discovery,
            jwks,
            discovery_mood: Mood::Well,
            jwks_mood: Mood::Well,
            token_mood: Mood::Well,
            person: json!({}),
            header: json!({}),
            way: "RS256",
            secret: None,
            codes: HashMap::new(),
            says_iss: false,
            redeemed: Vec::new(),
        };
        let idp = Self {
            address,
            inside: Arc::new(Mutex::new(inside)),
            discoveries: Arc::default(),
            fetches: Arc::default(),
            strays: Arc::default(),
            sent: Arc::default(),
        };
        let (at_discovery, at_keys, elsewhere) = (idp.clone(), idp.clone(), idp.clone());
        let discovery = async move || {
            at_discovery.discoveries.fetch_add(1, Ordering::SeqCst);
            let (mood, document) =
                at_discovery.read(|inside| (inside.discovery_mood.clone(), inside.discovery.clone()));
            at_discovery.answer(mood, document).await
        };
        let keys = async move || {
            at_keys.fetches.fetch_add(1, Ordering::SeqCst);
            let (mood, document) = at_keys.read(|inside| (inside.jwks_mood.clone(), inside.jwks.clone()));
            at_keys.answer(mood, document).await
        };
        let (at_authorize, at_token) = (idp.clone(), idp.clone());
        let authorize =
            async move |uri: axum::http::Uri| at_authorize.authorize(members(uri.query().unwrap().as_bytes()));
        let token = async move |form: Bytes| {
            let (mood, document) = at_token.redeem(members(&form));
            at_token.answer(mood, document).await
        };
        let stray = async move || {
            elsewhere.strays.fetch_add(1, Ordering::SeqCst);
            elsewhere.read(|inside| inside.jwks.to_string())
        };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", routing::get(discovery))
            .route("/keys", routing::get(keys))
            .route("/authorize", routing::get(authorize))
            .route("/token", routing::post(token))
            .fallback(stray);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        idp
    }

    fn read<T>(&self, take: impl FnOnce(&Inside) -> T) -> T {
        take(&self.inside.lock().unwrap())
    }

    /// Lets in whoever comes, and sends them back with a code.
    fn authorize(&self, asked: HashMap<String, String>) -> Response {
        let mut inside = self.inside.lock().unwrap();
        let code = format!("code-{}", inside.codes.len() + 1);
        let said = |name: &str| asked.get(name).cloned().unwrap_or_default();
        assert_eq!((said("response_type"), said("code_challenge_method")), ("code".into(), "S256".into()));
        assert!(said("scope").split(' ').any(|scope| scope == "openid"), "{asked:?}");
        let mut back = url(&said("redirect_uri"));
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &said("state"));
        if inside.says_iss {
            back.query_pairs_mut().append_pair("iss", ISSUER);
        }
        inside.codes.insert(code, asked);
        axum::response::Redirect::to(back.as_str()).into_response()
    }

    /// What the token endpoint says: an ID token where code, client, address, verifier and secret are right.
    fn redeem(&self, form: HashMap<String, String>) -> (Mood, Value) {
        let mut inside = self.inside.lock().unwrap();
        inside.redeemed.push(form.clone());
        let said = |name: &str| form.get(name).cloned().unwrap_or_default();
        let Some(asked) = inside.codes.remove(&said("code")) else { return (Mood::Status(400), Value::Null) };
        let right = said("grant_type") == "authorization_code"
            && said("client_id") == asked["client_id"]
            && said("redirect_uri") == asked["redirect_uri"]
            && b64(Sha256::digest(said("code_verifier"))) == asked["code_challenge"]
            && form.get("client_secret").map(String::as_str) == inside.secret;
        if !right {
            return (Mood::Status(401), Value::Null);
        }
        let (header, claims) = good(inside.way);
        let usual = json!({"aud": asked["client_id"], "nonce": asked["nonce"]});
        let claims = with(with(claims, usual), inside.person.clone());
        let id_token = raw(&with(header, inside.header.clone()).to_string(), &claims.to_string(), inside.way);
        (inside.token_mood.clone(), json!({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token}))
    }

    /// Who signs in from now on: what the ID token says beside the usual, in its header and its claims, and how it is signed.
    pub fn person(&self, header: Value, claims: Value, way: &'static str) {
        let mut inside = self.inside.lock().unwrap();
        (inside.header, inside.person, inside.way) = (header, claims, way);
    }

    /// The client is not a public one.
    pub fn wants_secret(&self, secret: &'static str) {
        self.inside.lock().unwrap().secret = Some(secret);
    }

    pub fn says_iss(&self, says: bool) {
        self.inside.lock().unwrap().says_iss = says;
    }

    pub fn token_be(&self, mood: Mood) {
        self.inside.lock().unwrap().token_mood = mood;
    }

    /// Discovery with these members instead of its own.
    pub fn discovery_with(&self, changes: Value) {
        let mut inside = self.inside.lock().unwrap();
        inside.discovery = with(inside.discovery.clone(), changes);
    }

    /// The forms that codes were redeemed with.
    pub fn redeemed(&self) -> Vec<HashMap<String, String>> {
        self.read(|inside| inside.redeemed.clone())
    }

    async fn answer(&self, mood: Mood, document: Value) -> Response {
        match mood {
            Mood::Well => document.to_string().into_response(),
            Mood::Status(status) => axum::http::StatusCode::from_u16(status).unwrap().into_response(),
            Mood::WellWith(status) => {
                (axum::http::StatusCode::from_u16(status).unwrap(), document.to_string()).into_response()
            }
            Mood::Text(text) => text.into_response(),
            Mood::Redirect(to) => axum::response::Redirect::temporary(&to).into_response(),
            Mood::Huge => {
                let sent = Arc::clone(&self.sent);
                let chunk = Bytes::from(vec![b' '; 64 * 1_024]);
                let chunks = stream::iter((0..800).map(move |_| {
                    sent.fetch_add(chunk.len(), Ordering::SeqCst);
                    Ok::<_, std::convert::Infallible>(chunk.clone())
                }));
                Body::from_stream(chunks).into_response()
            }
            Mood::Slow => {
                let drops = stream::unfold((), |()| async {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b" ")), ()))
                });
                Body::from_stream(drops).into_response()
            }
        }
    }

    pub fn show(&self, keys: Value) {
        self.inside.lock().unwrap().jwks = json!({ "keys": keys });
    }

    pub fn show_document(&self, document: Value) {
        self.inside.lock().unwrap().jwks = document;
    }

    pub fn discovery(&self, document: Value) {
        self.inside.lock().unwrap().discovery = document;
    }

    /// Both paths answer like this from now on.
    pub fn be(&self, mood: Mood) {
        let mut inside = self.inside.lock().unwrap();
        inside.discovery_mood = mood.clone();
        inside.jwks_mood = mood;
    }

    pub fn keys_be(&self, mood: Mood) {
        self.inside.lock().unwrap().jwks_mood = mood;
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How often keys were fetched.
    pub fn fetched(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    /// The setting that trusts this issuer, and these members besides.
    pub fn setting(&self, more: Value) -> IssuerSetting {
        let discovery = self.url("/.well-known/openid-configuration");
        let setting = json!({"name": "idp", "issuer": ISSUER, "discovery": discovery});
        serde_json::from_value(with(setting, more)).unwrap()
    }

    pub fn issuers(&self, more: Value, clock: &Clock) -> Issuers {
        let issuer = TrustedIssuer::remote(&self.setting(more), clock.clone()).unwrap();
        Issuers::new(vec![issuer], clock.clone()).unwrap()
    }
}

fn members(form: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(form).into_owned().collect()
}

fn url(text: &str) -> reqwest::Url {
    text.parse().unwrap()
}

/// How a verification ended, in words: `taken`, `unavailable`, or the words for the caller.
pub fn outcome<T>(result: &Result<T, NotVerified>) -> String {
    match result {
        Ok(_) => "taken".into(),
        Err(NotVerified::Unavailable(_) | NotVerified::Failed(_)) => "unavailable".into(),
        Err(NotVerified::Denied(denied)) => denied.0.to_string(),
    }
}

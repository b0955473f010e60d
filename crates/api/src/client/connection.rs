//! How the typed client reaches a server: over which connections, as whom, and why it may get no answer.

use super::again::Tries;
use super::refusals::refusal;
use crate::dates::Date;
use crate::errors::{ErrorBody, ErrorDetail, ErrorDocument};
use crate::paths::segment;
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Mutex;

/// The tenant by which every server knows itself.
pub const COMMON_TENANT: &str = "common";

/// The audience of tokens for this API.
pub const USUAL_AUDIENCE: &str = "https://cloudpartner.azure.com";

/// How long it may take to reach the server.
const CONNECT: Duration = Duration::from_secs(10);

/// After how long it is told that an answer takes long.
const SLOW: Duration = Duration::from_secs(1);

/// How long the server may say nothing: longer than it waits for a change where it is asked to.
const SILENCE: Duration = Duration::from_secs(90);

/// Why a call gave no answer that was asked for. No message holds a token or a secret.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The client cannot be used as it was set up. The message says what to change.
    #[error("{0}")]
    Unusable(String),
    /// The server said no.
    #[error("{} (HTTP {status}{})", .error.message, named(.request_id))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error.
        error: Box<ErrorBody>,
        /// The id under which the server logged the request; empty if it gave none.
        request_id: String,
    },
    /// The server said no with a code that is none of ours: another server of this API, or something before it.
    #[error("{message} ({}HTTP {status}{})", if .code.is_empty() { String::new() } else { format!("{code}, ") }, named(.request_id))]
    Foreign {
        /// The HTTP status, which says more than the code.
        status: u16,
        /// Its code; empty if it gave none.
        code: String,
        /// What it says.
        message: String,
        /// Every fault, where it names several.
        details: Vec<ErrorDetail>,
        /// The id under which the server logged the request; empty if it gave none.
        request_id: String,
    },
    /// The token was not accepted.
    #[error("Not signed in: {0}")]
    Unauthorized(String),
    /// The server gave no token for the client id and secret.
    #[error("There is no token for this client: {reason} (HTTP {status})")]
    NoToken {
        /// The HTTP status.
        status: u16,
        /// What the server says.
        reason: String,
    },
    /// The server's certificate is not one to trust.
    #[error(
        "The server's certificate is not trusted. Check the address; if it is right, give the root certificate that \
         signed it (--ca-file on the command line)"
    )]
    Untrusted(#[source] reqwest::Error),
    /// The server could not be reached, or broke off.
    #[error("The server did not answer. Check that it runs, and its address: https or http, name and port")]
    Unreachable(#[source] reqwest::Error),
    /// The answer is not what the API promises.
    #[error("The server's answer (HTTP {status}) cannot be read: {reason}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// The HTTP status with which the server said no.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Foreign { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl From<reqwest::Error> for ClientError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if chain(&error).contains("invalid peer certificate") {
            Self::Untrusted(error)
        } else {
            Self::Unreachable(error)
        }
    }
}

/// Under which id the server logged a request, where it said so.
fn named(request_id: &str) -> String {
    if request_id.is_empty() { String::new() } else { format!(", request {request_id}") }
}

/// What an error and its causes say.
fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", chain(cause)))
}

/// Over which connections a server is reached.
#[derive(Clone, Debug, Default)]
pub struct Transport {
    /// Root certificates in PEM, trusted besides those of the machine.
    pub roots: Option<Vec<u8>>,
    /// Whether tokens and secrets may cross a network in clear text. Without it, http is for this machine only.
    pub plain_http: bool,
}

/// As whom a server is asked.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// With a bearer token.
    Token(Token),
    /// As a service principal, for which the client gets its tokens itself.
    Secret(ClientSecret),
    /// As nobody: for an emulator on this machine, which asks for no name.
    Nobody,
}

/// A bearer token.
#[derive(Clone)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A client id with its secret.
#[derive(Clone)]
pub struct ClientSecret {
    /// The client id: the service principal's application id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The tenant in the token endpoint's address; [`COMMON_TENANT`] does everywhere.
    pub tenant: String,
    /// For whom the tokens are; most often [`USUAL_AUDIENCE`].
    pub audience: String,
}

impl fmt::Debug for ClientSecret {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecret").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl Credentials {
    /// A bearer token.
    pub fn token(token: impl Into<String>) -> Self {
        Self::Token(Token(token.into()))
    }

    /// A client id with its secret, in the tenant [`COMMON_TENANT`] and for [`USUAL_AUDIENCE`].
    pub fn secret(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self::Secret(ClientSecret {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            tenant: COMMON_TENANT.to_owned(),
            audience: USUAL_AUDIENCE.to_owned(),
        })
    }
}

/// A server that is asked as somebody.
pub(super) struct Connection {
    http: Client,
    server: String,
    credentials: Credentials,
    /// The token that was got for the secret last. Whoever gets one holds the lock, so that all who wait have it too.
    held: Mutex<Option<String>>,
    /// What an emulator's clock showed last, and how many of its seconds go by in one of ours.
    clock: StdMutex<Option<(Date, u32)>>,
    /// Whether the last request was sent more than once.
    sent_again: AtomicBool,
}

impl Connection {
    pub(super) fn new(server: &str, credentials: Credentials, transport: &Transport) -> Result<Self, ClientError> {
        if let Credentials::Token(Token(token)) = &credentials
            && (token.is_empty() || HeaderValue::from_str(token).is_err())
        {
            let text = "The token is empty, or holds a line break or another character that no token has. Give it as it was shown.";
            return Err(ClientError::Unusable(text.to_owned()));
        }
        let http = client(server, transport)?;
        Ok(Self {
            http,
            server: server.trim_end_matches('/').to_owned(),
            credentials,
            held: Mutex::default(),
            clock: StdMutex::default(),
            sent_again: AtomicBool::new(false),
        })
    }

    pub(super) fn http(&self) -> &Client {
        &self.http
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Sends a request, and gives the answer if it is a success. What may be sent again is, where nothing answers or the server
    /// asks to come back soon.
    /// `slow` is told where that takes long.
    pub(super) async fn send(
        &self,
        mut request: RequestBuilder,
        slow: Option<fn(&str)>,
    ) -> Result<Response, ClientError> {
        let mut tries = Tries::of(&request);
        self.sent_again.store(false, Ordering::Relaxed);
        let tell = |text: &str| slow.into_iter().for_each(|slow| slow(text));
        loop {
            let again = request.try_clone();
            let mut answer = std::pin::pin!(self.answer(request));
            let answer = tokio::select! {
                answer = &mut answer => answer,
                () = tokio::time::sleep(SLOW) => {
                    tell("The server takes its time. Waiting for its answer.");
                    answer.await
                }
            };
            match (tries.pause(&answer), again) {
                (Some(pause), Some(again)) => {
                    if pause >= SLOW {
                        tell(&format!("The server cannot answer now. Trying again in {} s.", pause.as_secs()));
                    }
                    request = again;
                    tokio::time::sleep(pause).await;
                    self.sent_again.store(true, Ordering::Relaxed);
                }
                _ => return accepted(answer?).await,
            }
        }
    }

    /// Whether the last request was sent more than once before it was answered.
    pub(super) fn was_sent_again(&self) -> bool {
        self.sent_again.load(Ordering::Relaxed)
    }

    /// What an emulator's clock showed in its last answer, and how many of its seconds go by in one of ours; none of a server
    /// whose clock is everybody's.
    pub(super) fn clock(&self) -> Option<(Date, u32)> {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a request, and what the time is where it is from.
    async fn answer(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = self.answered(request).await?;
        let now = Date::parse(&header(&response, "x-portolan-clock"));
        let speed = header(&response, "x-portolan-speed").parse();
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = now.zip(speed.ok());
        Ok(response)
    }

    /// The answer to a request, with a token that has not ended.
    async fn answered(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let again = request.try_clone();
        let Some(token) = self.token(None).await? else { return Ok(request.send().await?) };
        let response = request.bearer_auth(&token).send().await?;
        // When a token ends is for the server to say: nobody's clock is asked. What it refused so has not been done.
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(again) = again
            && let Some(newer) = self.token(Some(&token)).await?
        {
            return Ok(again.bearer_auth(newer).send().await?);
        }
        Ok(response)
    }

    /// The token that requests carry now.
    pub(super) async fn current_token(&self) -> Result<Token, ClientError> {
        self.token(None).await.map(|token| Token(token.unwrap_or_default()))
    }

    /// A token that is not the refused one, if there can be one.
    async fn token(&self, refused: Option<&str>) -> Result<Option<String>, ClientError> {
        match &self.credentials {
            Credentials::Nobody => Ok(None),
            Credentials::Token(Token(token)) => Ok(refused.is_none().then(|| token.clone())),
            Credentials::Secret(secret) => {
                let mut held = self.held.lock().await;
                if held.is_none() || held.as_deref() == refused {
                    *held = Some(self.new_token(secret).await?);
                }
                Ok(held.clone())
            }
        }
    }

    async fn new_token(&self, secret: &ClientSecret) -> Result<String, ClientError> {
        let ClientSecret { client_id, client_secret, tenant, audience } = secret;
        let scope = format!("{}/.default", audience.trim_end_matches('/'));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", client_secret),
            ("scope", &scope),
        ];
        let request = self.http.post(format!("{}/{}/oauth2/v2.0/token", self.server, segment(tenant))).form(&form);
        let response = not_elsewhere(request.send().await?)?;
        let status = response.status();
        let body = response.bytes().await?;
        if status.is_success() {
            let answer = serde_json::from_slice::<TokenAnswer>(&body);
            let token =
                answer.ok().map(|answer| answer.access_token).filter(|token| HeaderValue::from_str(token).is_ok());
            let reason = || "there is no token in it. Check the server's address".to_owned();
            return token.ok_or_else(|| ClientError::Unreadable { status: status.as_u16(), reason: reason() });
        }
        let reason = serde_json::from_slice::<TokenRefusal>(&body).map(|refusal| refusal.error_description);
        let reason = reason.or_else(|_| serde_json::from_slice::<ErrorDocument>(&body).map(|body| body.error.message));
        let reason = reason.unwrap_or_else(|_| "No reason was given. Check the server's address.".to_owned());
        Err(ClientError::NoToken { status: status.as_u16(), reason })
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
}

#[derive(Deserialize)]
struct TokenRefusal {
    error_description: String,
}

/// Connections that carry a token nowhere but to this server.
fn client(server: &str, transport: &Transport) -> Result<Client, ClientError> {
    let unusable = |text: &str| ClientError::Unusable(text.to_owned());
    let bare = |url: &Url| url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let url = Url::parse(server).ok().filter(|url| matches!(url.scheme(), "http" | "https") && bare(url));
    let malformed =
        "The server's address cannot be used. Write it like https://portolan.example or http://127.0.0.1:8080.";
    let url = url.ok_or_else(|| unusable(malformed))?;
    let builder = Client::builder().redirect(Policy::none()).connect_timeout(CONNECT).read_timeout(SILENCE);
    if url.scheme() == "http" {
        if !is_here(&url) && !transport.plain_http {
            return Err(ClientError::Unusable(format!(
                "Over http the credentials would cross the network to {} in clear text. Use https, or, where the network \
                 is yours, allow it (--plain-http or PORTOLAN_PLAIN_HTTP=1 on the command line).",
                url.host_str().unwrap_or_default()
            )));
        }
        // A proxy would see the token. Without TLS no root certificates are needed, and a small machine may have none.
        return Ok(builder.no_proxy().tls_certs_only([]).build()?);
    }
    let builder = match &transport.roots {
        Some(pem) => {
            let roots = Certificate::from_pem_bundle(pem).ok().filter(|roots| !roots.is_empty());
            let none = "The file of root certificates holds none, or a broken one. Give it in PEM.";
            builder.tls_certs_merge(roots.ok_or_else(|| unusable(none))?)
        }
        None => builder,
    };
    builder.build().map_err(|error| {
        ClientError::Unusable(format!(
            "No server can be trusted here ({}). Where the machine has no root certificates, install its package of them \
             (often ca-certificates), or give the server's (--ca-file on the command line).",
            chain(&error)
        ))
    })
}

/// Whether an address is one of this machine.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether credentials for the server at this address would cross a network in clear text.
pub fn is_plain_and_away(server: &str) -> bool {
    Url::parse(server).is_ok_and(|url| url.scheme() == "http" && !is_here(&url))
}

fn not_elsewhere(response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let reason =
        "it points elsewhere, and credentials are not sent along. Give the address where the service itself is";
    Err(ClientError::Unreadable { status: status.as_u16(), reason: reason.to_owned() })
}

async fn accepted(response: Response) -> Result<Response, ClientError> {
    let response = not_elsewhere(response)?;
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    Err(refusal(response).await?)
}

pub(super) fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

//! One request and its answer, within bounds of time, size and speed; sent to addresses that were judged, and to no others.

use super::EgressFault;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::{Client, Response, redirect, retry};
use rustls::ClientConfig;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use url::Url;

/// How long one address may take to connect, where nothing else is said.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long an answer's body may be slow at first.
const GRACE: Duration = Duration::from_secs(10);

/// A request to be sent. It has no `Debug`: headers, body and address may be secret.
pub struct Outgoing {
    /// Its method.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// Its headers. `Host` and `Accept-Encoding` are ours.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// How many redirects may be followed.
    pub redirects: u8,
    /// For one address to connect.
    pub connecting: Duration,
    /// For the whole exchange, until the last byte of the answer is taken.
    pub patience: Duration,
    /// The largest body that an answer may have, in bytes.
    pub largest: u64,
    /// How many bytes a second an answer's body must have on average, once it has come for 10 seconds; 0 is no rule.
    pub slowest: u64,
}

impl Outgoing {
    /// A GET with 30 seconds for at most 1 MiB, and without redirects.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            redirects: 0,
            connecting: CONNECTING,
            patience: Duration::from_secs(30),
            largest: 1 << 20,
            slowest: 0,
        }
    }

    /// A POST, within the same bounds.
    pub fn post(url: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, body: body.into(), ..Self::get(url) }
    }
}

/// An answer, whose body is still to come. What is encoded (`Content-Encoding`) stays as it is.
pub struct Incoming {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Where it is from, after redirects.
    pub url: String,
    response: Response,
    largest: u64,
    slowest: u64,
    taken: u64,
    deadline: Instant,
    grace_ends: Instant,
}

impl fmt::Debug for Incoming {
    /// Without what could be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Incoming {
    /// The next part of the body, or nothing at its end.
    ///
    /// # Errors
    /// Where it broke off, or comes too slowly, or there is too much of it.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, EgressFault> {
        let (until, fault) = self.due();
        let chunk = tokio::select! {
            // So that a stream that never pauses ends too.
            biased;
            () = sleep_until(until) => return Err(fault),
            chunk = self.response.chunk() => chunk.map_err(EgressFault::of)?,
        };
        self.taken = self.taken.saturating_add(chunk.as_ref().map_or(0, |chunk| chunk.len() as u64));
        if self.taken > self.largest { Err(EgressFault::TooLarge) } else { Ok(chunk) }
    }

    /// The rest of the body.
    ///
    /// # Errors
    /// As [`Incoming::chunk`].
    pub async fn whole(mut self) -> Result<Bytes, EgressFault> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// How long the body will be, in bytes, if the answer says so.
    pub fn length(&self) -> Option<u64> {
        self.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// When the next part must be here, and what is wrong if it is not.
    fn due(&self) -> (Instant, EgressFault) {
        // As far as the bytes that came are enough for: so nobody needs to look at a clock.
        let enough_until = self.taken.checked_div(self.slowest).map(|seconds| {
            let beyond_grace = Duration::from_secs(seconds).saturating_sub(GRACE);
            self.grace_ends.checked_add(beyond_grace).unwrap_or(self.deadline)
        });
        match enough_until {
            Some(until) if until < self.deadline => (until, EgressFault::TooSlow),
            _ => (self.deadline, EgressFault::TimedOut),
        }
    }
}

/// What takes a request instead of the world, and says what is answered.
type Answer = dyn Fn(&Outgoing) -> Result<http::Response<Bytes>, EgressFault> + Send + Sync;

/// What a request goes over.
#[derive(Clone)]
pub(super) enum Wire {
    /// A connection, with these roots for TLS.
    Connection(Arc<ClientConfig>),
    /// None: it is answered here.
    Captured(Arc<Answer>),
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection(_) => "Connection",
            Self::Captured(_) => "Captured",
        })
    }
}

/// Sends a request to these addresses, over a connection of its own. Whatever name is in the URL is for TLS and `Host` only.
pub(super) async fn send(
    wire: &Wire,
    url: Url,
    addresses: Vec<SocketAddr>,
    request: &Outgoing,
    deadline: Instant,
) -> Result<Incoming, EgressFault> {
    let from = url.to_string();
    let response = match wire {
        Wire::Connection(tls) => connect(tls, url, addresses, request).await?,
        Wire::Captured(answer) => answer(request)?.into(),
    };
    let incoming = Incoming {
        status: response.status(),
        headers: response.headers().clone(),
        url: from,
        response,
        largest: request.largest,
        slowest: request.slowest,
        taken: 0,
        deadline,
        grace_ends: sleep(GRACE).deadline(),
    };
    let has_body = request.method != Method::HEAD;
    if has_body && incoming.length().is_some_and(|length| length > request.largest) {
        return Err(EgressFault::TooLarge);
    }
    Ok(incoming)
}

/// The answer that comes over a connection.
async fn connect(
    tls: &ClientConfig,
    url: Url,
    addresses: Vec<SocketAddr>,
    request: &Outgoing,
) -> Result<Response, EgressFault> {
    let mut headers = request.headers.clone();
    headers.remove(HOST);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let mut builder = client(tls, addresses, request.connecting)?.request(request.method.clone(), url).headers(headers);
    if !request.body.is_empty() {
        builder = builder.body(request.body.clone());
    }
    builder.send().await.map_err(EgressFault::of)
}

/// A client that knows no addresses but these, and leaves redirects, retries, encodings and proxies alone. Made for one
/// request, which costs less than its connection.
fn client(tls: &ClientConfig, addresses: Vec<SocketAddr>, connecting: Duration) -> Result<Client, EgressFault> {
    Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .dns_resolver(Judged(addresses))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .referer(false)
        .http1_only()
        .pool_max_idle_per_host(0)
        .connect_timeout(connecting)
        .user_agent("portolan")
        .build()
        .map_err(EgressFault::of)
}

/// The addresses that were judged, whatever name is asked for. Hosts that are addresses themselves never come here: the
/// client connects to what it reads, which is what was judged.
struct Judged(Vec<SocketAddr>);

impl Resolve for Judged {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses = self.0.clone().into_iter();
        Box::pin(async move { Ok(Box::new(addresses) as Box<dyn Iterator<Item = SocketAddr> + Send>) })
    }
}

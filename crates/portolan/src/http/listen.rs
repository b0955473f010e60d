//! Accepts connections, serves them, and lets them finish when the service stops.

use super::Door;
use super::address::{CallerAddress, forwarded, is_trusted};
use super::connections::{Connections, Place};
use super::limits::LimitSettings;
use super::slow::{Patience, Taken};
use super::tls::Certificate;
use crate::clock::Clock;
use crate::network::Network;
use anyhow::{Context, Result, bail};
use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How long requests may take to finish once the service stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The least that the HTTP library takes as the size of a buffer, in bytes.
const SMALLEST_BUFFER: usize = 8 << 10;

/// How connections come in.
#[derive(Clone, Debug, Default)]
pub struct Entrance {
    /// What they may take.
    pub limits: LimitSettings,
    /// The proxies whose word on the caller's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// What they are encrypted with; plain HTTP where there is none.
    pub certificate: Option<Certificate>,
}

/// Answers requests.
pub trait Answers: Send + Sync + 'static {
    /// Answers one.
    ///
    /// # Errors
    /// [`CutOff`] where it gets no answer.
    fn answer(&self, request: Request<Body>) -> impl Future<Output = Result<Response, CutOff>> + Send;

    /// By which certificates are looked after.
    fn clock(&self) -> &Clock;
}

/// The connection is cut instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the connection was cut off")]
pub struct CutOff;

impl Answers for Door {
    async fn answer(&self, request: Request<Body>) -> Result<Response, CutOff> {
        Ok(Self::answer(self, request).await)
    }

    fn clock(&self) -> &Clock {
        self.clock()
    }
}

/// What every connection needs.
struct Inside<D> {
    door: D,
    server: http1::Builder,
    patience: Patience,
    handshake: Duration,
    trusted_proxies: Vec<Network>,
    stop: watch::Receiver<bool>,
}

/// The addresses that a setting names. Those beyond this machine are refused where neither TLS nor `plain_http` is given.
///
/// # Errors
/// Names the address, and how it can be listened on.
pub async fn addresses(listen: &str, may_be_reached: bool) -> Result<Vec<SocketAddr>> {
    let named = tokio::net::lookup_host(listen).await;
    let named: Vec<_> =
        named.with_context(|| format!("cannot listen on {listen}; give another address with --listen"))?.collect();
    let open = named.iter().find(|address| !address.ip().to_canonical().is_loopback());
    if let Some(address) = open.filter(|_| !may_be_reached) {
        bail!(
            "{address} can be reached from other machines, and tokens would cross the network in plain text. \
             Give a certificate with --tls-certificate and --tls-key, \
             or --plain-http where a proxy in front ends TLS"
        );
    }
    Ok(named)
}

/// Serves connections until told to stop, then lets requests in flight finish.
pub async fn listen<D: Answers>(listener: TcpListener, door: D, entrance: Entrance, mut stop: watch::Receiver<bool>) {
    let offered = entrance.certificate.map(|certificate| certificate.kept_fresh(door.clock().clone(), stop.clone()));
    let connections = Connections::new(&entrance.limits);
    let inside = Arc::new(Inside::new(door, &entrance.limits, entrance.trusted_proxies, stop.clone()));
    let open = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, address, room) = match accepted {
            Ok((stream, address, Some(room))) => (stream, address, room),
            // The count is never closed.
            Ok((_, _, None)) => continue,
            Err(error) => {
                // Out of descriptors, most likely: existing connections go on, and new ones wait a moment.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let is_proxy = is_trusted(&inside.trusted_proxies, address);
        let Some(place) = connections.enter(room, address, is_proxy) else {
            tracing::debug!(%address, "closed a connection: the address has as many as it may");
            continue;
        };
        let acceptor = offered.as_ref().map(|offered| TlsAcceptor::from(Arc::clone(&offered.borrow())));
        tokio::spawn(Arc::clone(&inside).take(stream, acceptor, place, address, open.watcher()));
    }
    if tokio::time::timeout(DRAIN_TIMEOUT, open.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

impl<D: Answers> Inside<D> {
    fn new(door: D, limits: &LimitSettings, trusted_proxies: Vec<Network>, stop: watch::Receiver<bool>) -> Self {
        let seconds = |setting: NonZeroU32| Duration::from_secs(u64::from(setting.get()));
        let head = usize::try_from(limits.head_kibibytes.get()).unwrap_or(usize::MAX).saturating_mul(1 << 10);
        // Only HTTP/1.1: telling versions apart waits for the first bytes without a limit, and no client of this API needs more.
        // The most headers are 100 by default; any other number would cost an allocation in every request.
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(seconds(limits.head_seconds));
        server.max_header_size(head).max_buf_size(head.max(SMALLEST_BUFFER));
        let patience = Patience { whole: seconds(limits.body_seconds), silence: seconds(limits.body_silence_seconds) };
        Self { door, server, patience, handshake: seconds(limits.handshake_seconds), trusted_proxies, stop }
    }

    async fn take(
        self: Arc<Self>,
        stream: TcpStream,
        acceptor: Option<TlsAcceptor>,
        _place: Place,
        peer: IpAddr,
        watcher: Watcher,
    ) {
        // Answers are small and whole; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let stream = Taken::within(self.patience.silence, stream);
        let Some(acceptor) = acceptor else { return self.serve(stream, peer, watcher).await };
        let mut stop = self.stop.clone();
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(self.handshake, acceptor.accept(stream)) => shaken,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.serve(stream, peer, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn serve<S>(&self, stream: S, peer: IpAddr, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let is_proxy = is_trusted(&self.trusted_proxies, peer);
        let service = service_fn(|request: hyper::Request<Incoming>| async move {
            let mut request = request.map(|body| self.patience.with(body));
            let address = if is_proxy { forwarded(peer, &self.trusted_proxies, request.headers()) } else { peer };
            request.extensions_mut().insert(CallerAddress(address));
            self.door.answer(request).await
        });
        if let Err(error) = watcher.watch(self.server.serve_connection(TokioIo::new(stream), service)).await {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> std::io::Result<(TcpStream, IpAddr, Option<tokio::sync::OwnedSemaphorePermit>)> {
    let room = connections.room().await;
    let (stream, address) = listener.accept().await?;
    Ok((stream, address.ip().to_canonical(), room))
}

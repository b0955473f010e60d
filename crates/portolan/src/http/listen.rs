//! Accepts connections, serves them, and lets them finish when the service stops.

use super::Door;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long a client may take for the head of its request, from when the connection is free for one.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long requests may take to finish once the service stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves connections until told to stop, then lets requests in flight finish.
pub async fn listen(listener: TcpListener, door: Door, mut stop: watch::Receiver<bool>) {
    // Only HTTP/1.1: telling versions apart waits for the first bytes without a limit, and no client of this API needs more.
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let open = GracefulShutdown::new();
    let door = Arc::new(door);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: existing connections go on, and new ones wait a moment.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Answers are small and whole; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let door = Arc::clone(&door);
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let door = Arc::clone(&door);
            async move { Ok::<_, Infallible>(door.answer(request.map(Body::new)).await) }
        });
        let connection = open.watch(server.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
        });
    }
    if tokio::time::timeout(DRAIN_TIMEOUT, open.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

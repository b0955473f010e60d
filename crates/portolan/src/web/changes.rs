//! Tells a browser which offers change, so that its open pages are made anew. Only names go out; the pages ask for the rest.

use super::pages::Shown;
use super::{Pages, Shared, Visitor, pages};
use crate::auth::Permission;
use crate::web::reader::reader;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// Says after how many milliseconds a browser that lost the stream shall come back, and that it is there.
const FIRST: Bytes = Bytes::from_static(b"retry: 1000\n\n");

/// Says that the stream is alive, and nothing else.
const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// How long changes are gathered before they are told.
const GATHERED: Duration = Duration::from_millis(100);

/// How many names are told at once; of more it is said that anything may have changed.
const MOST: usize = 20;

/// What stands for any offer.
const ANYTHING: &str = "*";

/// The stream of what changes, for one session.
pub(super) async fn follow(State(pages): Shared) -> Shown {
    let Some(visitor) = reader().visitor.clone() else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return response.into();
    };
    let place = match pages.followers.enter(&visitor.caller) {
        Ok(place) => place,
        Err(_) => {
            // A browser does not come back by itself after this; our script looks again by itself then.
            return pages::not_now(&"too many streams of changes are open").into();
        }
    };
    let changes = pages.read.changes();
    let begun = Told { pages, visitor, changes, is_open: false, _place: place };
    let body = Body::from_stream(stream::unfold(begun, |mut told| async move {
        let next = told.next().await?;
        Some((Ok::<_, Infallible>(next), told))
    }));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.into()
}

struct Told {
    pages: Arc<Pages>,
    visitor: Arc<Visitor>,
    changes: Receiver<Arc<str>>,
    is_open: bool,
    _place: crate::http::Place,
}

impl Told {
    /// What is sent next; nothing where the service stops, or the session has ended.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.is_open {
            self.is_open = true;
            return Some(FIRST);
        }
        let mut stopping = self.pages.stopping.clone();
        loop {
            let first = tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => return None,
                heard = tokio::time::timeout(self.pages.followers.heartbeat(), self.changes.recv()) => heard,
            };
            let first = match first {
                Err(_) => return self.again().await.map(|_| HEARTBEAT),
                Ok(Ok(name)) => name,
                Ok(Err(RecvError::Lagged(_))) => ANYTHING.into(),
                Ok(Err(RecvError::Closed)) => return None,
            };
            tokio::time::sleep(GATHERED).await;
            let names = self.gathered(first);
            // Who may read what is asked anew each time: a member may have been removed meanwhile.
            let visitor = self.again().await?;
            let told: Vec<&str> = names.iter().map(|name| &**name).filter(|name| may_read(&visitor, name)).collect();
            if told.is_empty() {
                continue;
            }
            let lines = told.iter().map(|name| format!("data: {name}\n\n"));
            return Some(lines.collect::<String>().into());
        }
    }

    fn gathered(&mut self, first: Arc<str>) -> BTreeSet<Arc<str>> {
        let mut names = BTreeSet::from([first]);
        loop {
            match self.changes.try_recv() {
                Ok(name) => _ = names.insert(name),
                Err(TryRecvError::Lagged(_)) => _ = names.insert(ANYTHING.into()),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if names.len() > MOST || names.contains(ANYTHING) { BTreeSet::from([ANYTHING.into()]) } else { names }
    }

    /// The same session, with the roles of now; none where it has ended.
    async fn again(&self) -> Option<Visitor> {
        let (session, principal) = self.pages.sessions.find(&self.visitor.cookie).await.ok()??;
        let caller = Arc::new(self.pages.gate.caller_of(&principal).ok()?);
        Some(Visitor { principal, caller, session: session.id, cookie: self.visitor.cookie.clone() })
    }
}

fn may_read(visitor: &Visitor, name: &str) -> bool {
    let publisher = name.split('/').next().unwrap_or_default();
    name == ANYTHING
        || visitor.caller.authorise(publisher, Permission::Read).is_ok()
        || visitor.caller.authorise_marketplace(Permission::Read).is_ok()
}

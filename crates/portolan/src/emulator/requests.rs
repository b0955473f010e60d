//! The journal of requests: what the emulator was asked, what it answered, and which fault came in between.

use super::fault_requests::{OnRequest, cut};
use super::faults::Faults;
use crate::clock::Clock;
use crate::http::{AskedBy, CutOff};
use crate::wire::date;
use api::emulator::Asked;
use axum::body::Body;
use axum::response::Response;
use http::{Request, Uri};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// How many requests are kept, the newest.
const MOST_KEPT: usize = 5_000;
/// The longest path and query, in bytes.
const LONGEST_PATH: usize = 2_000;

/// Parameters of queries whose values may be seen by everybody; the value of any other may be a secret.
const PLAIN: [&str; 22] = [
    "api-version",
    "top",
    "skip",
    "filter",
    "orderby",
    "select",
    "after",
    "before",
    "since",
    "until",
    "offer",
    "offerid",
    "publisher",
    "publisherid",
    "slot",
    "version",
    "status",
    "type",
    "queue",
    "events",
    "category",
    "wait",
];

/// The journal of requests. Clones are cheap, and are the same.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    kept: Arc<Mutex<Kept>>,
    faults: Faults,
    clock: Clock,
    wall: Clock,
}

/// Every request, for a snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// How often everything was put back. Numbers begin again then, so a request is known by both.
    era: u64,
    count: u64,
    /// Each with the era in which it began.
    asked: VecDeque<(u64, Asked)>,
}

impl Requests {
    /// An empty one. What is asked meets these faults; `clock` is the emulator's, `wall` the machine's.
    pub(super) fn new(faults: Faults, clock: Clock, wall: Clock) -> Self {
        Self { kept: Arc::default(), faults, clock, wall }
    }

    /// What was asked, oldest first; the last five thousand.
    pub(super) fn list(&self) -> Vec<Asked> {
        self.state().asked.iter().map(|(_, asked)| asked.clone()).collect()
    }

    /// Everything, for a snapshot.
    pub(super) fn kept(&self) -> Kept {
        self.state().clone()
    }

    /// Everything is as it was kept; `Kept::default()` is empty.
    pub(super) fn put_back(&self, kept: Kept) {
        let mut state = self.state();
        // Never one that was: a snapshot may be put back twice.
        *state = Kept { era: state.era + 1, ..kept };
    }

    /// Lets a request through to whoever answers it, writes both down, and has the faults do what they are there for.
    ///
    /// # Errors
    /// [`CutOff`] where a fault takes the answer away.
    pub(super) async fn through<F>(
        &self,
        mut request: Request<Body>,
        answer: impl FnOnce(Request<Body>) -> F,
    ) -> Result<Response, CutOff>
    where
        F: Future<Output = Response>,
    {
        let began = self.wall.steady();
        let met = self.faults.on_request(&request, self.clock.now());
        let begun = self.begin(&request, met.as_ref().map(|(id, _)| id.clone()));
        let by = AskedBy::default();
        request.extensions_mut().insert(by.clone());
        let what = met.map(|(_, what)| what);
        if let Some(OnRequest::Instead(instead)) = &what {
            request.extensions_mut().insert(instead.clone());
        }
        let response = answer(request).await;
        if let Some(OnRequest::Late(wait)) = &what {
            tokio::time::sleep(*wait).await;
        }
        let took = self.wall.steady().saturating_sub(began);
        self.end(begun, |asked| {
            let id = response.headers().get("x-ms-request-id").and_then(|id| id.to_str().ok());
            asked.request_id = id.and_then(|id| Uuid::try_parse(id).ok());
            asked.status = response.status().as_u16();
            asked.milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            asked.by = by.0.get().cloned();
        });
        if what == Some(OnRequest::Cut) { cut(response).await } else { Ok(response) }
    }

    fn begin(&self, request: &Request<Body>, fault: Option<String>) -> (u64, u64) {
        let (at, real) = (date(self.clock.now()), date(self.wall.now()));
        let mut state = self.state();
        state.count += 1;
        let (era, number) = (state.era, state.count);
        if state.asked.len() >= MOST_KEPT {
            state.asked.pop_front();
        }
        let asked = Asked {
            number,
            at,
            real,
            method: request.method().to_string(),
            path: shown(request.uri()),
            status: 0,
            milliseconds: 0,
            request_id: None,
            by: None,
            fault,
        };
        state.asked.push_back((era, asked));
        (era, number)
    }

    fn end(&self, (era, number): (u64, u64), change: impl FnOnce(&mut Asked)) {
        // From the end, where it is; and nowhere after a reset meanwhile.
        let mut state = self.state();
        let is_it = |(began, asked): &&mut (u64, Asked)| *began == era && asked.number == number;
        if let Some((_, asked)) = state.asked.iter_mut().rev().find(is_it) {
            change(asked);
        }
    }

    fn state(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Path and query, without the values of parameters that may be secret.
fn shown(uri: &Uri) -> String {
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = name.trim_start_matches("%24").trim_start_matches('$').to_ascii_lowercase();
        if value.is_empty() || PLAIN.contains(&plain.as_str()) { pair.to_owned() } else { format!("{name}=…") }
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    let path = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    path.chars().take(LONGEST_PATH).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_may_be_secret_in_a_query_is_not_shown() {
        for (uri, expected) in [
            ("/api/publishers?api-version=2017-10-31", "/api/publishers?api-version=2017-10-31"),
            ("/api/x?%24top=5&$filter=a&sig=hush", "/api/x?%24top=5&$filter=a&sig=…"),
            ("/setup?secret=hush&code=hush", "/setup?secret=…&code=…"),
            ("/healthz", "/healthz"),
        ] {
            assert_eq!(shown(&uri.parse().unwrap()), expected);
        }
    }
}

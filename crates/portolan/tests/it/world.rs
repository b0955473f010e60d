//! A service of its own for one test: real HTTP on a free port, a real database in memory, and a clock the test turns.

use http::HeaderMap;
use portolan::auth::{Caller, MarketplaceRole, Role, TokenGate};
use portolan::clock::Clock;
use portolan::http::{Entrance, LimitSettings, Limits, Readiness, Rooms, description, door, listen};
use portolan::perform::Perform;
use portolan::store::{Claims, Publisher, Read, Sqlite, Store};
use portolan::wire::SuccessWord;
use portolan::work::Worker;
use publishing::decide::MissingIfMatch;
use publishing::moment::Moment;
use publishing::offer::PublisherId;
use publishing::offer_type::{OfferTypeFile, OfferTypes};
use reqwest::Method;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub const TOKEN: &str = "the-test-token";

/// 2026-11-22T09:40:00Z.
pub const START: Moment = Moment::from_ticks(639_309_372_000_000_000);

/// Where one test happens. The token is an owner of `contoso`, a reviewer, and nothing at `fabrikam`.
pub struct World {
    pub clock: Clock,
    pub store: Arc<dyn Store>,
    pub perform: Perform,
    pub worker: Worker,
    pub address: SocketAddr,
    http: reqwest::Client,
    _stop: watch::Sender<bool>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The error's code, or nothing.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// What a world can differ in.
pub struct Setting {
    pub types: OfferTypes,
    pub missing_if_match: MissingIfMatch,
    pub success_word: SuccessWord,
    /// Without limits of rates, for the clock stands still.
    pub entrance: Entrance,
}

impl Default for Setting {
    fn default() -> Self {
        let mut types = OfferTypes::built_in().unwrap();
        types.add(memo_type());
        let limits = LimitSettings { caller_per_second: 0, address_per_second: 0, ..LimitSettings::default() };
        let entrance = Entrance { limits, ..Entrance::default() };
        Self { types, missing_if_match: MissingIfMatch::Accept, success_word: SuccessWord::Succeeded, entrance }
    }
}

/// An operator's own type: a short pipeline, and a definition of two members.
pub fn memo_type() -> publishing::offer_type::OfferType {
    let text = include_str!("../memo.toml");
    let schema = include_str!("../memo.schema.json");
    OfferTypeFile::parse("memo.toml", text).unwrap().with_schema("memo.toml", schema).unwrap()
}

impl World {
    pub async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    pub async fn with(setting: Setting) -> Self {
        let store: Arc<dyn Store> = Arc::new(Sqlite::in_memory(1 << 20).unwrap());
        Self::on(store, setting).await
    }

    pub async fn on(store: Arc<dyn Store>, setting: Setting) -> Self {
        let clock = Clock::turned(START);
        for (id, name) in [("contoso", "Contoso, Ltd."), ("fabrikam", "Fabrikam, Inc.")] {
            let id = PublisherId::parse(id).unwrap();
            let publisher = Publisher { id, display_text: name.into(), seller_id: "1000001".into(), version: 1 };
            store.add_publisher(publisher).await.unwrap();
        }
        let types = Arc::new(setting.types);
        let perform = Perform::new(Arc::clone(&store), clock.clone(), Arc::clone(&types), setting.missing_if_match);
        perform.replan().await.unwrap();
        let roles = [(PublisherId::parse("contoso").unwrap(), Role::Owner)];
        let caller = Caller::new("token", roles, vec![MarketplaceRole::Operator, MarketplaceRole::Reviewer]);
        let rooms = Rooms {
            read: Read::new(Arc::clone(&store)),
            perform: perform.clone(),
            types: Arc::clone(&types),
            success_word: setting.success_word,
            draining: Arc::new(AtomicBool::new(false)),
            readiness: Arc::new(Readiness::new(clock.clone())),
            limits: Arc::new(Limits::new(&setting.entrance.limits, &clock)),
            description: description().unwrap(),
        };
        let door = door(rooms, TokenGate::new(TOKEN, caller), clock.clone());
        let worker = Worker::new(Claims::new(Arc::clone(&store)), perform.clone(), types, clock.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(listen(listener, door, setting.entrance, stopped));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { clock, store, perform, worker, address, http, _stop: stop }
    }

    /// Sends a request as it is. A `path` without a query gets the api-version.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let path = if path.contains('?') { path.to_owned() } else { format!("{path}?api-version=2017-10-31") };
        let method: Method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("http://{}{path}", self.address)).body(body);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            request = request.bearer_auth(TOKEN);
        }
        for (name, value) in headers.iter().filter(|(_, value)| *value != "none") {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.text().await.unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[], body.to_owned()).await
    }

    pub async fn put(&self, path: &str, body: &str) -> Answer {
        self.send("PUT", path, &[("content-type", "application/json")], body.to_owned()).await
    }

    /// Saves a memo as an offer's draft.
    pub async fn put_memo(&self, offer: &str) -> Answer {
        let body = format!(
            r#"{{"publisherId":"contoso","id":"{offer}","offerTypeId":"memo","definition":{{"displayText":"A memo","plans":[{{"planId":"one"}}]}}}}"#
        );
        self.put(&format!("/api/publishers/contoso/offers/{offer}"), &body).await
    }

    pub async fn status(&self, offer: &str) -> Value {
        self.get(&format!("/api/publishers/contoso/offers/{offer}/status")).await.json()
    }

    /// Turns the clock on and works off whatever is due, until two seconds bring nothing new.
    pub async fn settle(&self) {
        loop {
            self.clock.advance(Duration::from_secs(2));
            let mut worked = 0;
            loop {
                match self.worker.work_off_due().await.unwrap() {
                    0 => break,
                    some => worked += some,
                }
            }
            if worked == 0 {
                return;
            }
        }
    }

    /// A verdict on the step of an offer that waits for one.
    pub async fn verdict(&self, offer: &str, verdict: &str, body: &str) -> Answer {
        let reviews = self.get("/api/reviews").await.json();
        let review = reviews.as_array().unwrap().iter().find(|review| review["offerId"] == offer).unwrap().clone();
        let (operation, step) = (review["operationId"].as_str().unwrap(), review["stepId"].as_str().unwrap());
        self.post(&format!("/api/reviews/{operation}/{step}/{verdict}"), body).await
    }
}

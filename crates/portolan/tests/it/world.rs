//! A service of its own for one test: real HTTP on a free port, a real database in memory, and a clock the test turns.

use crate::origin::Origin;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use http::HeaderMap;
use portolan::artifacts::{ArtifactSettings, Artifacts};
use portolan::auth::{
    Caller, Gate, IssuerSetting, Issuers, LocalKeys, Permission, Provider, Role, Sessions, TrustedIssuer,
    USUAL_AUDIENCE,
};
use portolan::checks::{CheckerSetting, Checks};
use portolan::clock::Clock;
use portolan::egress::{Egress, EgressSettings};
use portolan::http::{Entrance, Followers, LimitSettings, Limits, Readiness, Rooms, api, description, door, listen};
use portolan::issuer::{Audience, Issuer, Place, WEB_CLIENT};
use portolan::links::Links;
use portolan::listing::Shelf;
use portolan::notify::{MailSettings, Mails, Webhooks};
use portolan::perform::{AccessRequest, Newcomer, Perform};
use portolan::store::{Claims, Looks, Post, Publisher, Read, SigningKey, Sqlite, Store, StoreError};
use portolan::vault::Vault;
use portolan::web::{self, Pages};
use portolan::wire::SuccessWord;
use portolan::work::{Delivery, Leads, Lookout, Worker};
use publishing::decide::MissingIfMatch;
use publishing::moment::Moment;
use publishing::offer::PublisherId;
use publishing::offer_type::{OfferTypeFile, OfferTypes};
use publishing::principal::{BUILT_IN, Circle, Kind, Principal};
use reqwest::Method;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::Uuid;

/// How the service is named in its tokens.
pub const PUBLIC_URL: &str = "http://portolan.test";

/// How long the tests' tokens are good: as far as a test turns its clock.
const CENTURY_SECONDS: i64 = 100 * 365 * 24 * 3600;

/// 2026-11-22T09:40:00Z.
pub const START: Moment = Moment::from_ticks(639_309_372_000_000_000);

/// The database in a directory, with the key file in it, as the service opens them.
pub fn opened(data: &Path) -> Result<Sqlite, StoreError> {
    Sqlite::open(data, 1 << 20, Vault::open(&data.join("secret.key")).unwrap())
}

/// Where one test happens. `token` is an owner of `contoso` and nothing at `fabrikam`; `staff_token` is operator and reviewer,
/// and is brought to reviews.
pub struct World {
    pub clock: Clock,
    pub store: Arc<dyn Store>,
    pub perform: Perform,
    pub worker: Worker,
    pub delivery: Delivery,
    pub webhooks: Delivery,
    pub lookout: Lookout,
    /// Delivers mails, where there is a server for them.
    pub mailing: Option<Delivery>,
    pub issuer: Issuer,
    pub address: SocketAddr,
    pub public_url: &'static str,
    pub token: String,
    pub staff_token: String,
    /// Where publishers have their files.
    pub origin: Origin,
    /// Where the files are kept.
    pub files: tempfile::TempDir,
    http: reqwest::Client,
    /// Makes the service stop.
    pub stop: watch::Sender<bool>,
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
    /// Whether it is told what steps usually take.
    pub learned_durations: bool,
    /// Without limits of rates, for the clock stands still.
    pub entrance: Entrance,
    /// Beside the built-in one.
    pub issuers: Vec<IssuerSetting>,
    /// Who does checks outside the service.
    pub checkers: Vec<CheckerSetting>,
    pub artifacts: ArtifactSettings,
    /// The way out.
    pub egress: Egress,
    /// How browsers reach it.
    pub public_url: &'static str,
    /// Whether mails are sent.
    pub mails: bool,
    /// How often streams are looked after.
    pub heartbeat: Duration,
    /// The server that takes mails.
    pub mail: MailSettings,
}

impl Default for Setting {
    fn default() -> Self {
        let mut types = OfferTypes::built_in().unwrap();
        types.add(memo_type());
        let unlimited = LimitSettings { caller_per_second: 0, address_per_second: 0, ..LimitSettings::default() };
        let limits = LimitSettings { leads_per_second: 0, ..unlimited };
        let entrance = Entrance { limits, ..Entrance::default() };
        Self {
            types,
            missing_if_match: MissingIfMatch::Accept,
            success_word: SuccessWord::Succeeded,
            learned_durations: true,
            entrance,
            issuers: Vec::new(),
            checkers: Vec::new(),
            artifacts: ArtifactSettings::default(),
            egress: egress(),
            public_url: PUBLIC_URL,
            mails: false,
            heartbeat: Duration::from_secs(15),
            mail: MailSettings::default(),
        }
    }
}

/// What an event stream begins with; the stream itself does not end.
async fn opening(mut stream: reqwest::Response) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\n\n") {
        text.extend(stream.chunk().await.unwrap().unwrap());
    }
    String::from_utf8(text).unwrap()
}

/// The usual way out: to public addresses only. Made once, for it reads the machine's root certificates.
pub fn egress() -> Egress {
    static EGRESS: OnceLock<Egress> = OnceLock::new();
    EGRESS.get_or_init(|| Egress::new(&EgressSettings::default()).unwrap()).clone()
}

/// An operator's own type: a short pipeline, and a definition of two members.
pub fn memo_type() -> publishing::offer_type::OfferType {
    let text = include_str!("../memo.toml");
    let schema = include_str!("../memo.schema.json");
    OfferTypeFile::parse("memo.toml", text).unwrap().with_schema("memo.toml", schema).unwrap()
}

/// The links of the usual world.
pub fn links() -> Links {
    Links::new(PUBLIC_URL.into(), &[7; 32])
}

/// The vault that all tests' worlds share, so that one can go on where another was.
pub fn vault() -> Vault {
    static VAULT: OnceLock<Vault> = OnceLock::new();
    VAULT.get_or_init(|| Vault::in_memory().unwrap()).clone()
}

/// The built-in issuer, with a key that all tests share: to make one takes a while.
async fn issuers(
    store: &Arc<dyn Store>,
    clock: &Clock,
    others: &[IssuerSetting],
    public_url: &str,
) -> (Issuer, Arc<Issuers>, Vec<Provider>) {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    let vault = vault();
    let private = KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref().to_vec());
    let sealed = vault.seal(private, "signing_key.sealed/test").unwrap();
    let key = SigningKey { id: "test".into(), made_at: START, signs_from: START, sealed };
    store.add_signing_key(key, None).await.unwrap();
    let audiences = vec![USUAL_AUDIENCE.to_owned()];
    let tenant = store.tenant(Uuid::from_u128(0x7e4a)).await.unwrap();
    let place = Place { public_url: public_url.into(), audiences: audiences.clone(), tenant };
    let keys = LocalKeys::default();
    let authorize = format!("{public_url}/{tenant}/oauth2/v2.0/authorize");
    let own = Provider::own(BUILT_IN, "Portolan", WEB_CLIENT, &authorize);
    let elsewhere = others.iter().filter_map(|setting| Provider::elsewhere(setting).unwrap());
    let providers = std::iter::once(own).chain(elsewhere).collect();
    let trusted = TrustedIssuer::local(BUILT_IN, vec![place.issuer_v1(), place.issuer_v2()], audiences, keys.clone());
    let issuer = Issuer::open(Arc::clone(store), vault, clock.clone(), place, keys).await.unwrap();
    let remote = others.iter().map(|setting| TrustedIssuer::remote(setting, clock.clone()).unwrap());
    let trusted = std::iter::once(trusted).chain(remote).collect();
    (issuer, Arc::new(Issuers::new(trusted, clock.clone()).unwrap()), providers)
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
        let checks = Checks::default().with_checkers(&setting.checkers, &clock).unwrap();
        let types = Arc::new(setting.types);
        let links = Links::new(setting.public_url.into(), &[7; 32]);
        let perform = Perform::new(
            Arc::clone(&store),
            clock.clone(),
            Arc::clone(&types),
            setting.missing_if_match,
            links.clone(),
        )
        .telling_durations(setting.learned_durations);
        let post = Post::new(Arc::clone(&store));
        let mails = Mails::open(&setting.mail, post, links.clone()).unwrap();
        let perform = perform.with_mails(setting.mails || mails.is_some());
        perform.replan().await.unwrap();
        let (issuer, issuers, providers) = issuers(&store, &clock, &setting.issuers, setting.public_url).await;
        let gate = Gate::new(Arc::clone(&issuers), Arc::clone(&store));
        let (stop, stopped) = watch::channel(false);
        let limits = Arc::new(Limits::new(&setting.entrance.limits, &clock));
        let origin = Origin::start().await;
        let files = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(&setting.artifacts, files.path(), origin.egress()).unwrap();
        let checks = checks.with_artifacts(artifacts.clone(), links.clone());
        let shelf = Shelf::new(Read::new(Arc::clone(&store)), links.clone());
        let post = Post::new(Arc::clone(&store));
        let webhooks = Webhooks::new(post.clone(), setting.egress.clone(), links.clone(), clock.clone());
        let webhooks = webhooks.with_mails(setting.mails || mails.is_some());
        let followers = Arc::new(Followers::new(&setting.entrance.limits).with_heartbeat(setting.heartbeat));
        let rooms = Rooms {
            shelf: shelf.clone(),
            read: Read::new(Arc::clone(&store)),
            perform: perform.clone(),
            issuer: Some(issuer.clone()),
            issuers: [BUILT_IN.to_owned(), "entra".to_owned()].into(),
            public_url: setting.public_url.into(),
            links: links.clone(),
            artifacts: Some(artifacts.clone()),
            types: Arc::clone(&types),
            checks: checks.clone(),
            webhooks: webhooks.clone(),
            success_word: setting.success_word,
            gate: gate.clone(),
            draining: stopped.clone(),
            readiness: Arc::new(Readiness::new(clock.clone())),
            limits: Arc::clone(&limits),
            followers: Arc::clone(&followers),
            description: description().unwrap(),
        };
        let api = api(rooms);
        let pages = Pages {
            shelf,
            sessions: Sessions::new(Arc::clone(&store), clock.clone()),
            gate: gate.clone(),
            issuer: Some(issuer.clone()),
            providers,
            issuers: Arc::clone(&issuers),
            perform: perform.clone(),
            vault: vault(),
            clock: clock.clone(),
            limits: Arc::clone(&limits),
            public_url: setting.public_url.into(),
            read: Read::new(Arc::clone(&store)),
            api: api.clone(),
            types: Arc::clone(&types),
            followers,
            stopping: stopped.clone(),
            virtual_clock: None,
        };
        let door = door(api, web::routes(pages), gate.clone(), limits, clock.clone());
        let claims = Claims::new(Arc::clone(&store));
        let checks = checks.with_egress(setting.egress.clone());
        let worker = Worker::new(claims, perform.clone(), types, checks, clock.clone());
        let leads = Arc::new(Leads::new(post.clone(), setting.egress));
        let delivery = Delivery::new(post.clone(), Arc::clone(&perform.post_due().leads), leads, clock.clone());
        let webhooks = Delivery::new(post, Arc::clone(&perform.post_due().webhooks), Arc::new(webhooks), clock.clone());
        let lookout = Lookout::new(Looks::new(Arc::clone(&store)), perform.clone(), clock.clone());
        let post = Post::new(Arc::clone(&store));
        let due = perform.post_due().mails.clone();
        let mailing = mails.map(|mails| Delivery::new(post, due, Arc::new(mails), clock.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(listen(listener, door, setting.entrance, stopped));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let (token, staff_token) = (String::new(), String::new());
        let public_url = setting.public_url;
        let mut world = Self {
            clock,
            store,
            perform,
            worker,
            delivery,
            webhooks,
            lookout,
            mailing,
            issuer,
            address,
            public_url,
            token,
            staff_token,
            origin,
            files,
            http,
            stop,
        };
        let ci = world.member("ci", Some("contoso"), &[Role::Owner]).await;
        world.token = world.token_of(&ci).await;
        let staff = world.member("staff", None, &[Role::Operator, Role::Reviewer]).await;
        world.staff_token = world.token_of(&staff).await;
        world
    }

    /// Makes a service principal, a member of a publisher or of the staff.
    pub async fn member(&self, name: &str, publisher: Option<&str>, roles: &[Role]) -> Principal {
        let circle = publisher.map_or(Circle::Marketplace, |id| Circle::Publisher(PublisherId::parse(id).unwrap()));
        let members = self.store.circle(&circle).unwrap().unwrap().members;
        if let Some(known) = members.into_iter().find(|member| member.principal.name == name) {
            return known.principal;
        }
        let newcomer = Newcomer::Described {
            kind: Kind::ServicePrincipal,
            name: name.into(),
            mail: None,
            identity: None,
            application: None,
        };
        let request = AccessRequest::AddMember { newcomer, roles: roles.iter().copied().collect() };
        let founder = Caller::new("founder", None).with(Circle::Marketplace, [Role::Operator]);
        let granted = match publisher {
            Some(publisher) => {
                let id = PublisherId::parse(publisher).unwrap();
                let by = founder.authorise_staff(id, Permission::ManageMembers).unwrap();
                self.perform.change_members(&by, request).await
            }
            None => {
                let by = founder.authorise_marketplace(Permission::ManageStaff).unwrap();
                self.perform.change_staff(&by, request).await
            }
        };
        granted.unwrap().principal.unwrap()
    }

    /// Invites a user of the built-in issuer, as a member of `contoso`; gives the code of the invitation.
    pub async fn invite(&self, name: &str, mail: &str, role: &str) -> String {
        let body = serde_json::json!({"kind": "user", "name": name, "mail": mail, "roles": [role]}).to_string();
        let answer = self.post("/api/publishers/contoso/members", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["invitation"]["code"].as_str().unwrap().to_owned()
    }

    /// The secret that makes the first operator.
    pub async fn setup_secret(&self) -> String {
        let secret = "pset_of-the-tests".to_owned();
        let hash = portolan::auth::secret_hash(&secret);
        let ends_at = Moment::from_ticks(i64::MAX);
        self.store.set_setup(Some(portolan::store::Invitation { hash, principal: None, ends_at })).await.unwrap();
        secret
    }

    pub async fn token_of(&self, principal: &Principal) -> String {
        let audience = Audience::Resource(None);
        self.issuer.token_for(principal, &audience, CENTURY_SECONDS).await.unwrap().access_token
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
            let reviews = path.to_ascii_lowercase().starts_with("/api/reviews");
            request = request.bearer_auth(if reviews { &self.staff_token } else { &self.token });
        }
        for (name, value) in headers.iter().filter(|(_, value)| *value != "none") {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let is_stream = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = if is_stream { opening(response).await } else { response.text().await.unwrap() };
        Answer { status, headers, body }
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

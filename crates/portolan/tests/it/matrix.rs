//! Who reaches what: every route, asked as every kind of caller, for what is there, what is not, and what is another's.
//!
//! What is expected follows from the table of needs, the table of roles and the contract's order of checks; docs/permissions.md
//! holds both tables to what they were.

use crate::permissions::{Route, routes};
use crate::store::assert_chain_of;
use crate::world::{Answer, Setting, World, opened};
use portolan::auth::{Caller, Permission, Role, SETUP_PREFIX, secret_hash};
use portolan::http::{Need, need};
use portolan::issuer::Audience;
use portolan::perform::{AccessRequest, Follower, Granted, Newcomer};
use portolan::store::{Invitation, Store, Subscription, SubscriptionChange};
use publishing::command::{Command, Expected, Verdict};
use publishing::decide::Answer as Decided;
use publishing::entry::{Entry, Event};
use publishing::moment::Moment;
use publishing::offer::{OfferId, PublisherId};
use publishing::principal::{Circle, Kind, Principal};
use rusqlite::Connection;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// A kind of caller, and what it may be where.
pub struct Who {
    pub name: &'static str,
    /// The header `Authorization`.
    pub sends: Option<String>,
    pub is_known: bool,
    /// Roles by publisher; in the marketplace by `$`.
    pub roles: Vec<(&'static str, Role)>,
    pub sets_up: bool,
}

impl Who {
    fn is_staff(&self) -> bool {
        self.roles.iter().any(|(at, _)| *at == "$")
    }

    fn may(&self, at: &str, permission: Permission) -> bool {
        self.roles.iter().any(|(circle, role)| circle.eq_ignore_ascii_case(at) && permission.is_of(*role))
    }
}

/// What is at a publisher, or in the marketplace, for the whole time.
struct Lasting {
    operation: Uuid,
    /// A service principal with a secret, and a user who has not chosen a password.
    program: Uuid,
    secret: Uuid,
    user: Uuid,
    /// A webhook.
    webhook: Uuid,
}

/// A service with something of everything at two publishers and in the marketplace.
pub struct Scene {
    pub world: World,
    /// Another connection to the same database, which sees whether anything was written.
    pub file: Connection,
    _data: TempDir,
    whos: Vec<Who>,
    lasting: BTreeMap<&'static str, Lasting>,
    made: AtomicUsize,
}

/// A request, and what it comes to where nothing stands against it.
#[derive(Clone)]
pub struct Asked {
    pub path: String,
    pub body: String,
    pub status: u16,
}

fn asked(status: u16, path: impl Into<String>, body: impl Into<String>) -> Asked {
    Asked { path: path.into(), body: body.into(), status }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Right,
    WithoutVersion,
    BrokenBody,
}

const UNKNOWN: &str = "nowhere";
const SETUP: &str = "pset_of_the_matrix";

impl Scene {
    pub async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
        let world = World::on(store, Setting::default()).await;
        let file = Connection::open(data.path().join("portolan.db")).unwrap();
        let (whos, lasting, made) = (Vec::new(), BTreeMap::new(), AtomicUsize::new(0));
        let mut scene = Self { world, file, _data: data, whos, lasting, made };
        for at in ["contoso", "fabrikam", "$"] {
            let lasting = scene.lasting_at(at).await;
            scene.lasting.insert(at, lasting);
        }
        scene.whos = scene.callers().await;
        scene
    }

    async fn callers(&self) -> Vec<Who> {
        let mut whos = Vec::new();
        let mut who = |name, sends: Option<String>, is_known, roles: &[(&'static str, Role)]| {
            whos.push(Who { name, sends, is_known, roles: roles.to_vec(), sets_up: false });
        };
        let bearer = |token: &str| Some(format!("Bearer {token}"));
        let owner = self.world.member("an owner", Some("contoso"), &[Role::Owner]).await;
        let token = self.world.token_of(&owner).await;
        let issuer = &self.world.issuer;
        let expired = issuer.token_for(&owner, &Audience::Resource(None), -7_200).await.unwrap().access_token;
        let for_another = token.replace('.', "~");
        who("nobody", None, false, &[]);
        who("garbage", bearer("c0ffee.c0ffee.c0ffee"), false, &[]);
        who("a broken token", bearer(&for_another), false, &[]);
        who("another scheme", Some(format!("Basic {token}")), false, &[]);
        who("an expired token", bearer(&expired), false, &[]);
        who("a setup secret that is none", bearer("pset_none"), false, &[]);
        let mut stranger = owner.clone();
        stranger.identity.subject = "nobody-knows-me".into();
        who("a stranger", bearer(&self.world.token_of(&stranger).await), true, &[]);
        who("an owner", bearer(&token), true, &[("contoso", Role::Owner)]);
        for (name, at, role) in [
            ("a contributor", "contoso", Role::Contributor),
            ("a reader", "contoso", Role::Reader),
            ("another's owner", "fabrikam", Role::Owner),
            ("an operator", "$", Role::Operator),
            ("a reviewer", "$", Role::Reviewer),
            ("an auditor", "$", Role::Auditor),
        ] {
            let principal = self.world.member(name, Some(at).filter(|at| *at != "$"), &[role]).await;
            who(name, bearer(&self.world.token_of(&principal).await), true, &[(at, role)]);
        }
        let user = self.add("contoso", "a user", Kind::User, &[Role::Contributor]).await;
        let token = self.world.token_of(&user).await;
        who("a user", bearer(&token), true, &[("contoso", Role::Contributor)]);
        let both = self.world.member("a reader and reviewer", None, &[Role::Reviewer]).await;
        let known = AccessRequest::AddMember { newcomer: Newcomer::Known(both.id), roles: [Role::Reader].into() };
        self.change("contoso", known).await;
        let token = self.world.token_of(&both).await;
        who("a reader and reviewer", bearer(&token), true, &[("contoso", Role::Reader), ("$", Role::Reviewer)]);
        // These two have been here while they were more, and are remembered.
        let gone = self.world.member("a former owner", Some("contoso"), &[Role::Owner]).await;
        let lowered = self.world.member("a lowered owner", Some("contoso"), &[Role::Owner]).await;
        let tokens = [self.world.token_of(&gone).await, self.world.token_of(&lowered).await];
        for token in &tokens {
            let header = format!("Bearer {token}");
            let members = "/api/publishers/contoso/members";
            assert_eq!(self.world.send("GET", members, &[("authorization", &header)], "").await.status, 200);
        }
        self.change("contoso", AccessRequest::RemoveMember(gone.id)).await;
        self.change("contoso", AccessRequest::SetRoles { member: lowered.id, roles: [Role::Reader].into() }).await;
        who("a former owner", bearer(&tokens[0]), true, &[]);
        who("a lowered owner", bearer(&tokens[1]), true, &[("contoso", Role::Reader)]);
        who("the setup secret", bearer(SETUP), true, &[]);
        whos.last_mut().unwrap().sets_up = true;
        assert!(SETUP.starts_with(SETUP_PREFIX));
        self.renew_setup().await;
        whos
    }

    async fn renew_setup(&self) {
        let invitation =
            Invitation { hash: secret_hash(SETUP), principal: None, ends_at: Moment::from_ticks(i64::MAX) };
        self.world.store.set_setup(Some(invitation)).await.unwrap();
    }

    async fn lasting_at(&self, at: &'static str) -> Lasting {
        let role = if at == "$" { Role::Auditor } else { Role::Reader };
        let granted = self.grant(at, "a program", Kind::ServicePrincipal, &[role]).await;
        let user = self.add(at, "an invited user", Kind::User, &[role]).await;
        let (secret, program) = (granted.secret.unwrap().0.id, granted.principal.unwrap().id);
        let operation = if at == "$" { Uuid::nil() } else { self.published(at, "memo").await };
        self.world.settle().await;
        Lasting { operation, program, secret, user: user.id, webhook: self.hooked(at, None).await }
    }

    /// Makes a webhook, in the place of all but one: there may be 20 only.
    async fn hooked(&self, at: &str, lasting: Option<Uuid>) -> Uuid {
        let founder = Caller::new("founder", None).with(Circle::Marketplace, [Role::Operator]);
        let permission = Permission::ManageNotifications;
        let staff = founder.authorise_marketplace(permission).unwrap();
        let member = PublisherId::parse(at).map(|id| founder.authorise_staff(id, permission).unwrap());
        let by = member.as_ref().map_or(Follower::of_marketplace(&staff), Follower::of_publisher);
        let perform = &self.world.perform;
        for there in perform.webhooks(&by).unwrap().iter().filter(|there| Some(there.id) != lasting) {
            perform.remove_webhook(&by, there.id).await.unwrap();
        }
        perform.add_webhook(&by, "https://127.0.0.1/hook", Vec::new(), None).await.unwrap().subscription.id
    }

    /// A letter to a webhook that was given up.
    async fn given_up(&self, at: &str, webhook: Uuid) -> Uuid {
        self.saved(if at == "$" { "contoso" } else { at }, &self.fresh("memo")).await;
        for disabled in [Some((self.world.clock.now(), "failing".to_owned())), None] {
            let there = self.world.store.subscription(webhook).unwrap().unwrap();
            let (circle, changed) = (there.circle.clone(), Subscription { disabled, ..there });
            let event = Event::SubscriptionChanged { subscription: webhook };
            let entry = Entry { at: self.world.clock.now(), actor: "maker".into(), told: None, event };
            let put = SubscriptionChange::Put(Box::new(changed));
            self.world.store.change_subscription(&circle, put, entry, None).await.unwrap();
        }
        self.world.store.deliveries(webhook, 0, 1).await.unwrap()[0].id
    }

    pub fn fresh(&self, word: &str) -> String {
        format!("{word}-{}", self.made.fetch_add(1, Ordering::Relaxed))
    }

    pub async fn change(&self, at: &str, request: AccessRequest) -> Granted {
        let founder = Caller::new("founder", None).with(Circle::Marketplace, [Role::Operator]);
        let perform = &self.world.perform;
        if at == "$" {
            let by = founder.authorise_marketplace(Permission::ManageStaff).unwrap();
            return perform.change_staff(&by, request).await.unwrap();
        }
        let by = founder.authorise_staff(PublisherId::parse(at).unwrap(), Permission::ManageMembers).unwrap();
        perform.change_members(&by, request).await.unwrap()
    }

    async fn grant(&self, at: &str, name: &str, kind: Kind, roles: &[Role]) -> Granted {
        let mail = (kind == Kind::User).then(|| format!("{}@x.example", self.fresh("user")));
        let newcomer = Newcomer::Described { kind, name: name.into(), mail, identity: None, application: None };
        self.change(at, AccessRequest::AddMember { newcomer, roles: roles.iter().copied().collect() }).await
    }

    async fn add(&self, at: &str, name: &str, kind: Kind, roles: &[Role]) -> Principal {
        self.grant(at, name, kind, roles).await.principal.unwrap()
    }

    /// Performs a command on a publisher's offer as an owner there.
    pub async fn perform(&self, at: &str, offer: &str, permission: Permission, command: Command) -> Decided {
        let owner = Caller::new("maker", None).with(Circle::Publisher(PublisherId::parse(at).unwrap()), [Role::Owner]);
        let offer = OfferId::parse(offer).unwrap();
        self.world.perform.perform(&owner.authorise(at, permission).unwrap(), &offer, command).await.unwrap().answer
    }

    pub async fn saved(&self, at: &str, offer: &str) {
        // A private plan, for its audience can be synchronised.
        let entry = r#"{"type":"subscriptionId","id":"0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b61"}"#;
        let plan = format!(r#"{{"planId":"one","restrictedAudience":{{"manualEntries":[{entry}]}}}}"#);
        let definition = format!(r#"{{"displayText":"A memo","plans":[{plan}]}}"#);
        let command = Command::SaveDraft {
            offer_type: "memo".into(),
            definition: definition.into(),
            expected: Expected::Unstated,
        };
        self.perform(at, offer, Permission::SaveDraft, command).await;
    }

    async fn published(&self, at: &str, offer: &str) -> Uuid {
        self.saved(at, offer).await;
        let command = Command::Publish { emails: vec![format!("jane@{at}.example")], expected: Expected::Unstated };
        match self.perform(at, offer, Permission::Publish, command).await {
            Decided::Started(operation) => operation,
            other => panic!("{other:?}"),
        }
    }

    /// An offer of its own whose review waits.
    pub async fn in_review(&self, at: &str, offer: &str) -> Uuid {
        let operation = self.published(at, offer).await;
        self.world.settle().await;
        operation
    }

    async fn signed_off_next(&self, at: &str, offer: &str) {
        let operation = self.in_review(at, offer).await;
        let staff = Caller::new("maker", None).with(Circle::Marketplace, [Role::Reviewer]);
        let by = staff.authorise_staff(PublisherId::parse(at).unwrap(), Permission::Review).unwrap();
        let command = Command::GiveVerdict { operation, step: "review".into(), queue: None, verdict: Verdict::Approve };
        self.world.perform.perform(&by, &OfferId::parse(offer).unwrap(), command).await.unwrap();
        self.world.settle().await;
    }

    /// An offer of its own whose second version is live.
    async fn live_twice(&self, at: &str, offer: &str) {
        for _ in 0..2 {
            self.signed_off_next(at, offer).await;
            self.perform(at, offer, Permission::GoLive, Command::GoLive { expected: Expected::Unstated }).await;
            self.world.settle().await;
        }
    }

    /// What the database has seen: changes with every commit of the service's.
    pub fn writes(&self) -> i64 {
        self.file.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap()
    }

    pub fn journal(&self) -> i64 {
        self.file.query_row("SELECT COUNT(*) FROM journal", [], |row| row.get(0)).unwrap()
    }

    /// Circle and actor of the lines that all journals together got since they had so many.
    fn new_lines(&self, since: i64) -> Vec<(String, String)> {
        let text = "SELECT publisher, json_extract(entry, '$.actor') FROM journal ORDER BY rowid DESC LIMIT ?1";
        let mut statement = self.file.prepare(text).unwrap();
        let rows = statement.query_map([self.journal() - since], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    async fn ask(&self, who: &Who, method: &str, path: &str, body: &str) -> Answer {
        let mut headers = vec![("content-type", "application/json"), ("authorization", "none")];
        if let Some(sends) = &who.sends {
            headers[1].1 = sends;
        }
        self.world.send(method, path, &headers, body.to_owned()).await
    }
}

/// The publishers that a route is asked at; one without a name for a route that names none.
fn places(path: &str, operation: &str) -> &'static [&'static str] {
    if path.contains("{publisherId}") || operation == "get_operation_by_composite_id" {
        &["contoso", "CONTOSO", "fabrikam", UNKNOWN]
    } else {
        &[""]
    }
}

/// The request for what is there. With `fresh` it is about something of its own, made now, so that it can succeed.
pub async fn existing(scene: &Scene, operation: &str, at: &str, fresh: bool) -> Asked {
    let known = match at {
        "" => "$".to_owned(),
        UNKNOWN => "contoso".to_owned(),
        at => at.to_ascii_lowercase(),
    };
    let lasting = &scene.lasting[known.as_str()];
    let offer = if fresh { scene.fresh("memo") } else { "memo".to_owned() };
    let offers = format!("/api/publishers/{at}/offers");
    let memo = |id: &str| {
        json!({"publisherId": at, "id": id, "offerTypeId": "memo", "definition": {"displayText": "A memo"}}).to_string()
    };
    match operation {
        "list_offers" => asked(200, offers, ""),
        "get_offer" => asked(200, format!("{offers}/memo"), ""),
        "get_offer_version" => asked(200, format!("{offers}/memo/versions/1"), ""),
        "get_offer_slot" => asked(200, format!("{offers}/memo/slot/draft"), ""),
        "get_offer_status" => asked(200, format!("{offers}/memo/status"), ""),
        "explain_offer" => asked(200, format!("{offers}/memo/explain"), ""),
        "get_offer_history" => asked(200, format!("{offers}/memo/history"), ""),
        "get_publisher_history" => asked(200, format!("/api/publishers/{at}/history"), ""),
        "get_publisher_audit" => asked(200, format!("/api/publishers/{at}/audit"), ""),
        "get_marketplace_audit" => asked(200, "/api/audit", ""),
        // As far as the first event: a stream does not end.
        "follow_offer" => asked(200, format!("{offers}/memo/events"), ""),
        "follow_publisher" => asked(200, format!("/api/publishers/{at}/events"), ""),
        "list_leads" => asked(200, format!("{offers}/memo/leads"), ""),
        // Nobody here has a mail address, and there is no server for mails; mail.rs asks where there is.
        "get_mails" | "delete_mails" => asked(404, format!("/api/publishers/{at}/notifications/mail"), ""),
        "put_mails" => asked(409, format!("/api/publishers/{at}/notifications/mail"), "{}"),
        "get_staff_mails" | "delete_staff_mails" => asked(404, "/api/notifications/mail", ""),
        "put_staff_mails" => asked(409, "/api/notifications/mail", "{}"),
        // Whom it is sent by plays no part; leads.rs asks for offers that are live.
        "send_lead" => asked(404, format!("/catalog/offers/{at}/none/leads"), "{}"),
        "list_submissions" => asked(200, format!("{offers}/memo/submissions"), ""),
        "get_operation" => asked(200, format!("{offers}/memo/operations/{}", lasting.operation), ""),
        "get_operation_by_composite_id" => asked(200, format!("/api/operations/{at}$memo$2$preview"), ""),
        "put_offer" => {
            if fresh {
                scene.saved(&known, &offer).await;
            }
            asked(200, format!("{offers}/{offer}"), memo(&offer))
        }
        "publish_offer" => {
            if fresh {
                scene.saved(&known, &offer).await;
            }
            asked(202, format!("{offers}/{offer}/publish"), "")
        }
        "go_live_offer" => {
            if fresh {
                scene.signed_off_next(&known, &offer).await;
            }
            asked(202, format!("{offers}/{offer}/golive"), "")
        }
        "cancel_offer" => {
            if fresh {
                scene.published(&known, &offer).await;
            }
            asked(200, format!("{offers}/{offer}/cancel"), "")
        }
        "list_audiences" => asked(200, format!("{offers}/memo/audiences"), ""),
        "synchronise_audiences" => {
            if fresh {
                scene.live_twice(&known, &offer).await;
            }
            asked(200, format!("{offers}/{offer}/audiences/synchronise"), "")
        }
        "roll_back_offer" => {
            if fresh {
                scene.live_twice(&known, &offer).await;
            }
            asked(200, format!("{offers}/{offer}/rollback"), r#"{"from":2}"#)
        }
        _ => existing_elsewhere(scene, operation, at, &known, fresh).await,
    }
}

/// The same for members, staff, reviews, and what is open to all.
async fn existing_elsewhere(scene: &Scene, operation: &str, at: &str, circle: &str, fresh: bool) -> Asked {
    let lasting = &scene.lasting[circle];
    let (base, role, other) = match at {
        "" => ("/api/staff".to_owned(), "auditor", "reviewer"),
        at => (format!("/api/publishers/{at}/members"), "reader", "contributor"),
    };
    let made = match (fresh, operation) {
        (true, "set_member_roles" | "remove_member" | "add_member_secret" | "remove_member_secret") => {
            Some(scene.grant(circle, "fresh", Kind::ServicePrincipal, &[Role::Reader]).await)
        }
        (true, "set_staff_roles" | "remove_staff" | "add_staff_secret" | "remove_staff_secret") => {
            Some(scene.grant(circle, "fresh", Kind::ServicePrincipal, &[Role::Auditor]).await)
        }
        _ => None,
    };
    let (program, secret) = match &made {
        Some(granted) => (granted.principal.as_ref().unwrap().id, granted.secret.as_ref().unwrap().0.id),
        None => (lasting.program, lasting.secret),
    };
    match operation {
        "list_members" | "list_staff" => asked(200, base, ""),
        "add_member" => {
            asked(201, base, json!({"kind": "servicePrincipal", "name": "added", "roles": [role]}).to_string())
        }
        "add_staff" => {
            asked(201, base, json!({"kind": "servicePrincipal", "name": "added", "roles": ["operator"]}).to_string())
        }
        "set_member_roles" | "set_staff_roles" => {
            asked(200, format!("{base}/{program}"), json!({ "roles": [other] }).to_string())
        }
        "remove_member" | "remove_staff" => asked(204, format!("{base}/{program}"), ""),
        "list_member_secrets" | "list_staff_secrets" => asked(200, format!("{base}/{program}/secrets"), ""),
        "add_member_secret" | "add_staff_secret" => asked(201, format!("{base}/{program}/secrets"), ""),
        "remove_member_secret" | "remove_staff_secret" => asked(204, format!("{base}/{program}/secrets/{secret}"), ""),
        "invite_member" | "invite_staff" => asked(201, format!("{base}/{}/invitation", lasting.user), ""),
        _ if is_of_webhooks(operation) => existing_webhook(scene, operation, at, circle, fresh).await,
        "list_reviews" => asked(200, "/api/reviews", ""),
        "get_review" | "give_verdict" | "claim_review" | "release_review" | "add_review_note" => {
            existing_review(scene, operation, fresh).await
        }
        "create_publisher" => asked(201, "/api/publishers", json!({ "id": scene.fresh("publisher") }).to_string()),
        "list_publishers" => asked(200, "/api/publishers", ""),
        "list_offer_types" => asked(200, "/api/offerTypes", ""),
        "get_token_v1" => asked(401, "/common/oauth2/token", TOKEN_FORM),
        "get_token_v2" => asked(401, "/common/oauth2/v2.0/token", TOKEN_FORM),
        "get_discovery_v1" => asked(200, "/common/.well-known/openid-configuration", ""),
        "get_discovery_v2" => asked(200, "/common/v2.0/.well-known/openid-configuration", ""),
        "get_keys_v1" => asked(200, "/common/discovery/keys", ""),
        "get_keys_v2" => asked(200, "/common/discovery/v2.0/keys", ""),
        "get_instance" => asked(200, "/common/discovery/instance", ""),
        "report_check" => asked(401, format!("/api/checks/{}/review/0/report", lasting.operation), "{}"),
        "list_catalog_offers" => asked(200, "/catalog/offers", ""),
        // None is live here, for anybody.
        "get_catalog_offer" => asked(404, format!("/catalog/offers/{at}/memo"), ""),
        "get_health" => asked(200, "/healthz", ""),
        "get_readiness" => asked(200, "/readyz", ""),
        "get_openapi" => asked(200, "/openapi.json", ""),
        // The address itself opens it: `pinning.rs` asks for what is there.
        "get_artifact" => asked(404, "/artifacts/unknown.unknown.png", ""),
        _ => panic!("{operation} is a new route: give the matrix a request for it"),
    }
}

fn is_of_webhooks(operation: &str) -> bool {
    ["_subscription", "_subscriptions", "_deliveries", "_delivery"].iter().any(|end| operation.ends_with(end))
}

fn webhooks(at: &str) -> String {
    if at.is_empty() { "/api/subscriptions".to_owned() } else { format!("/api/publishers/{at}/subscriptions") }
}

async fn existing_webhook(scene: &Scene, operation: &str, at: &str, circle: &str, fresh: bool) -> Asked {
    let lasting = scene.lasting[circle].webhook;
    let webhook = if fresh { scene.hooked(circle, Some(lasting)).await } else { lasting };
    let (base, nothing) = (webhooks(at), String::new());
    let one = format!("{base}/{webhook}");
    match operation.replace("marketplace_", "").as_str() {
        "list_subscriptions" => asked(200, base, nothing),
        "create_subscription" => asked(201, base, json!({ "url": "https://127.0.0.1/hook" }).to_string()),
        "get_subscription" => asked(200, one, nothing),
        "change_subscription" => asked(200, one, json!({ "events": [] }).to_string()),
        "remove_subscription" => asked(204, one, nothing),
        "rotate_subscription" => asked(200, format!("{one}/rotate"), nothing),
        "enable_subscription" => asked(200, format!("{one}/enable"), nothing),
        "test_subscription" => asked(200, format!("{one}/test"), nothing),
        "list_deliveries" => asked(200, format!("{one}/deliveries"), nothing),
        _ => {
            let letter = if fresh { scene.given_up(circle, webhook).await } else { Uuid::nil() };
            asked(202, format!("{one}/deliveries/{letter}/redeliver"), nothing)
        }
    }
}

/// The requests for a webhook, or a letter, that is not there or is somewhere else.
fn missing_webhook(operation: &str, at: &str, here: &Lasting, elsewhere: &Lasting) -> (Vec<String>, String) {
    let none = Uuid::from_u128(u128::MAX);
    let (base, operation) = (webhooks(at), operation.replace("marketplace_", ""));
    let rest = match operation.as_str() {
        "get_subscription" | "change_subscription" | "remove_subscription" => "",
        "rotate_subscription" => "/rotate",
        "enable_subscription" => "/enable",
        "test_subscription" => "/test",
        "list_deliveries" => "/deliveries",
        "repeat_delivery" => {
            let letters = [none.to_string(), "x".to_owned()];
            let paths = letters.map(|letter| format!("{base}/{}/deliveries/{letter}/redeliver", here.webhook));
            return (paths.to_vec(), String::new());
        }
        _ => return (Vec::new(), String::new()),
    };
    let body = if operation == "change_subscription" { json!({ "events": [] }).to_string() } else { String::new() };
    let ids = [none.to_string(), elsewhere.webhook.to_string(), "x".to_owned()];
    (ids.map(|id| format!("{base}/{id}{rest}")).to_vec(), body)
}

/// A review at a publisher that none of the reviewers belongs to.
async fn existing_review(scene: &Scene, operation: &str, fresh: bool) -> Asked {
    let waits = match fresh {
        true => scene.in_review("fabrikam", &scene.fresh("memo")).await,
        false => scene.lasting["fabrikam"].operation,
    };
    let review = format!("/api/reviews/{waits}/review");
    match operation {
        "get_review" => asked(200, review, ""),
        "claim_review" => asked(200, format!("{review}/claim"), ""),
        // Nobody holds it: that a release succeeds is told in `reviews.rs`.
        "release_review" => asked(400, format!("{review}/release"), ""),
        "add_review_note" => asked(200, format!("{review}/notes"), json!({ "text": "Seen." }).to_string()),
        _ => asked(200, format!("{review}/approve"), ""),
    }
}

const TOKEN_FORM: &str = "grant_type=client_credentials&client_id=nobody&client_secret=nothing";

/// The requests of a route for what is not there, or is somewhere else.
fn missing(scene: &Scene, operation: &str, at: &str) -> Vec<Asked> {
    let known = if at.is_empty() { "$" } else { at };
    let (here, elsewhere) = match known.to_ascii_lowercase().as_str() {
        "$" => ("$", "fabrikam"),
        "fabrikam" => ("fabrikam", "contoso"),
        _ => ("contoso", "fabrikam"),
    };
    let (here, elsewhere) = (&scene.lasting[here], &scene.lasting[elsewhere]);
    let offers = format!("/api/publishers/{at}/offers");
    let base = if at.is_empty() { "/api/staff".to_owned() } else { format!("/api/publishers/{at}/members") };
    let role = if at.is_empty() { "reviewer" } else { "contributor" };
    let none = Uuid::from_u128(u128::MAX);
    let (paths, body) = match operation {
        "get_offer" => (vec![format!("{offers}/none"), format!("{offers}/-")], String::new()),
        "get_offer_version" => (
            vec![
                format!("{offers}/none/versions/1"),
                format!("{offers}/memo/versions/9"),
                format!("{offers}/memo/versions/x"),
            ],
            String::new(),
        ),
        "get_offer_slot" => (
            vec![
                format!("{offers}/none/slot/draft"),
                format!("{offers}/memo/slot/production"),
                format!("{offers}/memo/slot/x"),
            ],
            String::new(),
        ),
        "get_offer_status" => (vec![format!("{offers}/none/status"), format!("{offers}/-/status")], String::new()),
        "explain_offer" => (vec![format!("{offers}/none/explain"), format!("{offers}/-/explain")], String::new()),
        "get_offer_history" => (vec![format!("{offers}/none/history"), format!("{offers}/-/history")], String::new()),
        "follow_offer" => (vec![format!("{offers}/none/events"), format!("{offers}/-/events")], String::new()),
        "list_leads" => (vec![format!("{offers}/none/leads"), format!("{offers}/-/leads")], String::new()),
        "list_submissions" => (vec![format!("{offers}/none/submissions")], String::new()),
        "get_operation" => (
            vec![
                format!("{offers}/none/operations/{}", here.operation),
                format!("{offers}/memo/operations/{none}"),
                format!("{offers}/memo/operations/{}", elsewhere.operation),
                format!("{offers}/memo/operations/x"),
            ],
            String::new(),
        ),
        "get_operation_by_composite_id" => (
            ["none$2$preview", "memo$3$preview", "memo$2$production", "memo$2$x", "memo$x$preview", "-$2$preview"]
                .map(|rest| format!("/api/operations/{at}${rest}"))
                .to_vec(),
            String::new(),
        ),
        "publish_offer" => (vec![format!("{offers}/none/publish")], String::new()),
        "go_live_offer" => (vec![format!("{offers}/none/golive")], String::new()),
        "cancel_offer" => (vec![format!("{offers}/none/cancel")], String::new()),
        "list_audiences" => (vec![format!("{offers}/none/audiences")], String::new()),
        "synchronise_audiences" => (vec![format!("{offers}/none/audiences/synchronise")], String::new()),
        "roll_back_offer" => (vec![format!("{offers}/none/rollback")], r#"{"from":2}"#.into()),
        "set_member_roles" | "set_staff_roles" => (
            vec![format!("{base}/{none}"), format!("{base}/{}", elsewhere.program), format!("{base}/x")],
            json!({ "roles": [role] }).to_string(),
        ),
        "remove_member" | "remove_staff" => (
            vec![format!("{base}/{none}"), format!("{base}/{}", elsewhere.program), format!("{base}/x")],
            String::new(),
        ),
        "list_member_secrets" | "add_member_secret" | "list_staff_secrets" | "add_staff_secret" => {
            let members = [none.to_string(), elsewhere.program.to_string(), "x".to_owned()];
            (members.map(|member| format!("{base}/{member}/secrets")).to_vec(), String::new())
        }
        "remove_member_secret" | "remove_staff_secret" => (
            vec![
                format!("{base}/{}/secrets/{none}", here.program),
                format!("{base}/{}/secrets/{}", here.program, elsewhere.secret),
                format!("{base}/{}/secrets/{}", elsewhere.program, elsewhere.secret),
                format!("{base}/{none}/secrets/{}", here.secret),
                format!("{base}/{}/secrets/x", here.program),
            ],
            String::new(),
        ),
        "invite_member" | "invite_staff" => {
            let members = [none.to_string(), elsewhere.user.to_string(), "x".to_owned()];
            (members.map(|member| format!("{base}/{member}/invitation")).to_vec(), String::new())
        }
        "give_verdict" => {
            let waits = scene.lasting["fabrikam"].operation;
            let paths = [format!("{none}/review/approve"), "x/review/approve".into(), format!("{waits}/review/x")];
            (paths.map(|rest| format!("/api/reviews/{rest}")).to_vec(), String::new())
        }
        "get_review" | "claim_review" | "release_review" | "add_review_note" => {
            let waits = scene.lasting["fabrikam"].operation;
            let word = match operation {
                "get_review" => "",
                "claim_review" => "/claim",
                "release_review" => "/release",
                _ => "/notes",
            };
            let paths = [format!("{none}/review{word}"), format!("x/review{word}"), format!("{waits}/x{word}")];
            let body = if word == "/notes" { json!({ "text": "Seen." }).to_string() } else { String::new() };
            (paths.map(|rest| format!("/api/reviews/{rest}")).to_vec(), body)
        }
        _ if is_of_webhooks(operation) => missing_webhook(operation, at, here, elsewhere),
        _ => (Vec::new(), String::new()),
    };
    paths.into_iter().map(|path| asked(404, path, body.clone())).collect()
}

/// The status that the tables and the order of checks give, before anything that the request is about is looked at.
fn refused(need: Need, who: &Who, at: &str, way: Way) -> Option<u16> {
    if need == Need::Nothing {
        return None;
    }
    if !who.is_known {
        return Some(401);
    }
    if way == Way::WithoutVersion {
        return Some(400);
    }
    let allowed = match need {
        Need::Nothing | Need::Token => true,
        Need::AtPublisher(permission) if who.may("$", permission) && !who.may(at, permission) => {
            return (at == UNKNOWN).then_some(404);
        }
        Need::AtPublisher(permission) => who.may(at, permission),
        Need::InMarketplace(permission) => who.may("$", permission),
        Need::InMarketplaceOrSetup(permission) => who.sets_up || who.may("$", permission),
    };
    (!allowed).then_some(403)
}

fn takes_a_body(method: &str, operation: &str) -> bool {
    let unread = operation.starts_with("get_token") || operation == "report_check";
    let bare = ["rotate_", "enable_", "test_", "repeat_"];
    let without = operation.starts_with("invite_") || bare.iter().any(|word| operation.starts_with(word)) || unread;
    matches!(method, "PUT" | "POST") && !without
}

/// One cell of the matrix: the status that was answered, and whatever was not as it should be.
async fn cell(
    scene: &Scene,
    route: &Route,
    who: &Who,
    at: &str,
    way: Way,
    absent: Option<&Asked>,
) -> (u16, Vec<String>) {
    let (method, _, operation) = route;
    let need = need(operation).unwrap();
    let refusal = refused(need, who, at, way);
    let fresh = refusal.is_none() && absent.is_none();
    if who.sets_up {
        scene.renew_setup().await;
    }
    if operation.starts_with("get_token") {
        // There, tries are limited by address, and all here come from one.
        scene.world.clock.advance(Duration::from_secs(60));
    }
    let existing = match absent {
        Some(_) => asked(0, "", ""),
        None => existing(scene, operation, at, fresh).await,
    };
    let Asked { path, body, status } = absent.unwrap_or(&existing);
    let expected = match (refusal, way) {
        (Some(refusal), _) => refusal,
        (None, Way::BrokenBody) if *status != 404 => 400,
        _ => *status,
    };
    let path = if way == Way::WithoutVersion { format!("{path}?x=1") } else { path.clone() };
    let body = if way == Way::BrokenBody { "{" } else { body };
    let (writes, journal) = (scene.writes(), scene.journal());
    let answer = scene.ask(who, method, &path, body).await;
    let what = format!("{method} {path} {way:?} by {}", who.name);
    let mut faults = Vec::new();
    if answer.status != expected {
        faults.push(format!("{what}: {} and not {expected}: {}", answer.status, answer.body));
    }
    if answer.status < 300 && method != "GET" {
        let lines = scene.new_lines(journal);
        let is_them = |actor: &str| match who.name {
            "a user" => actor.starts_with("user-"),
            "the setup secret" => actor == "setup",
            name => actor.starts_with(&format!("{name} (")),
        };
        let is_there = |circle: &str| match operation.as_str() {
            "create_publisher" => circle.starts_with("publisher-"),
            "give_verdict" | "claim_review" | "add_review_note" => circle == "fabrikam",
            _ if at.is_empty() => circle == "$marketplace",
            _ => circle == at.to_ascii_lowercase(),
        };
        // A test changes nothing.
        let expected = usize::from(!operation.starts_with("test_"));
        if lines.len() != expected || !lines.iter().all(|(circle, actor)| is_there(circle) && is_them(actor)) {
            faults.push(format!("{what}: the journals got {lines:?}"));
        }
    } else if operation != "get_readiness" && scene.writes() != writes {
        faults.push(format!("{what}: {}, and something was written", answer.status));
    }
    (answer.status, faults)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_caller_as_the_tables_say() {
    let scene = Scene::new().await;
    let (mut cells, mut faults) = (BTreeMap::new(), Vec::new());
    let routes = routes();
    for route in &routes {
        let (method, path, operation) = route;
        assert!(need(operation).is_some(), "{operation} is missing in needs.rs");
        let ways = [Way::Right, Way::WithoutVersion, Way::BrokenBody];
        for way in ways.into_iter().filter(|way| *way != Way::BrokenBody || takes_a_body(method, operation)) {
            for (who, at) in scene.whos.iter().flat_map(|who| places(path, operation).iter().map(move |at| (who, at))) {
                let absent = missing(&scene, operation, at);
                for absent in std::iter::once(None).chain(absent.iter().map(Some)) {
                    let (status, wrong) = cell(&scene, route, who, at, way, absent).await;
                    *cells.entry(status).or_insert(0) += 1;
                    faults.extend(wrong);
                }
            }
        }
    }
    let all: usize = cells.values().sum();
    println!("{} routes, {} callers, {all} cells: {cells:?}", routes.len(), scene.whos.len());
    assert!(faults.is_empty(), "{} cells are wrong:\n{}", faults.len(), faults[..faults.len().min(40)].join("\n"));
    assert!(all >= 2_000, "only {all} cells");
    for circle in ["contoso", "fabrikam", "$marketplace"] {
        let journal = Circle::try_from(circle.to_owned()).unwrap();
        let lines = scene.world.store.journal(&journal, 0, 10_000).await.unwrap();
        assert!(lines.len() > 5, "{circle} {}", lines.len());
        assert_chain_of(circle, &lines);
    }
}

/// What of an answer could tell two apart: all but its ids and the date.
pub fn tells(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let ids = ["x-ms-request-id", "x-ms-correlation-request-id", "date"];
    let headers = answer.headers.iter().filter(|(name, _)| !ids.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (answer.status, answer.body.clone(), headers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_is_not_there_looks_like_one_that_is_anothers() {
    let scene = Scene::new().await;
    let mut pairs = 0;
    for route in &routes() {
        let (method, path, operation) = route;
        if places(path, operation).len() == 1 {
            continue;
        }
        for who in scene.whos.iter().filter(|who| !who.is_staff()) {
            let theirs = |at: &str| who.roles.iter().any(|(circle, _)| *circle == at);
            for foreign in ["contoso", "fabrikam"].into_iter().filter(|at| !theirs(at)) {
                let there = existing(&scene, operation, foreign, false).await;
                let asked = [vec![there], missing(&scene, operation, foreign)].concat();
                for (way, query) in [("", "?api-version=2017-10-31"), ("without version", "?x=1")] {
                    for Asked { path, body, .. } in &asked {
                        let nowhere = path.replace(foreign, UNKNOWN);
                        assert_ne!(&nowhere, path);
                        for body in [body.as_str(), "{"] {
                            let known = scene.ask(who, method, &format!("{path}{query}"), body).await;
                            let unknown = scene.ask(who, method, &format!("{nowhere}{query}"), body).await;
                            assert_eq!(tells(&known), tells(&unknown), "{method} {path} {way} by {}", who.name);
                            pairs += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{pairs} pairs of answers, each alike");
    assert!(pairs > 2_000);
}

/// Numbers that look like chance, and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }

    /// A composite id, changed here and there.
    fn composite(&mut self) -> String {
        let own =
            self.pick(&["contoso", "Contoso", "contoso", "fabrikam", "nowhere", "$marketplace", "", "%", "*", "_"]);
        let publisher = if self.roll(2) == 0 { "fabrikam" } else { own };
        let offer = self.pick(&["memo", "memo", "MEMO", "none", "memo%2F..%2Fmemo", "..", "%2e%2e", "memo;x", "'", ""]);
        let version =
            self.pick(&["2", "2", "02", "+2", "-2", "2.0", "9223372036854775808", "-9223372036854775808", "0x2", ""]);
        let slot = self.pick(&["preview", "PREVIEW", "staging", "production", "draft", "preview%20", ""]);
        let mut id =
            [publisher, offer, version, slot].join(self.pick(&["$", "$", "$", "$", "%24", "$$", "%2524", "\u{ff04}"]));
        for _ in 0..self.roll(4) {
            let what = self.pick(&[
                "$",
                "%24",
                "%00",
                "%2F",
                "%5C",
                "%0A",
                "%FF",
                "%C0%A4",
                "%",
                "%2",
                "%zz",
                " ",
                "+",
                ".",
                "\u{430}",
                "\u{585}",
                "\u{455}",
                "\u{212a}",
                "\u{130}",
                "\u{200b}",
                "%EF%BC%84",
                "contoso",
                "fabrikam",
                "fabrikam$",
                "$fabrikam",
                "//",
                "?",
                "#",
                "\u{feff}",
                "%26",
                "=",
                "'",
                "\"",
                "--",
                "%25",
            ]);
            let places: Vec<usize> = id.char_indices().map(|(at, _)| at).chain([id.len()]).collect();
            let at = places[self.roll(places.len())];
            match self.roll(4) {
                0 => id.insert_str(at, what),
                1 => id.replace_range(at.., what),
                2 => id = id.replacen(self.pick(&["a", "o", "k", "$", "2", "m"]), what, 1),
                _ => id.insert_str(at, &what.repeat(self.roll(40))),
            }
        }
        match self.roll(12) {
            0 => id.to_ascii_uppercase(),
            1 => id.chars().rev().collect(),
            2 => id.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            3 => id + &"x".repeat(self.roll(3_000)),
            _ => id,
        }
    }
}

/// How many ids are tried: 100,000 where `PORTOLAN_SWEEP=all` asks for every one.
fn composite_ids() -> usize {
    if std::env::var_os("PORTOLAN_SWEEP").is_some() { 100_000 } else { 5_000 }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_composite_id_leads_to_anothers_operation() {
    let scene = Scene::new().await;
    // An operation says whom it tells of its end.
    let (own, theirs) = ("jane@contoso.example", "jane@fabrikam.example");
    let owner = scene.whos.iter().find(|who| who.name == "an owner").unwrap();
    let right = scene.ask(owner, "GET", "/api/operations/contoso$memo$2$preview", "").await;
    assert!(right.status == 200 && right.body.contains(own));
    let mut dice = Dice(1);
    let mut answers = BTreeMap::new();
    let world = Arc::new(scene.world);
    let header = owner.sends.clone().unwrap();
    let ids: Vec<String> = (0..composite_ids()).map(|_| dice.composite()).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for some in ids.chunks(ids.len() / 8) {
        let (some, world, header) = (some.to_vec(), Arc::clone(&world), header.clone());
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for id in some {
                let path = format!("/api/operations/{}?api-version=2017-10-31", id.replace(['?', '#'], "%3F"));
                let answer = world.send("GET", &path, &[("authorization", &header)], "").await;
                answers.push((id, answer));
            }
            answers
        });
    }
    while let Some(done) = tasks.join_next().await {
        for (id, answer) in done.unwrap() {
            assert!(answer.status < 500, "{id}: {} {}", answer.status, answer.body);
            assert!(!answer.body.contains(theirs), "{id}: {}", answer.body);
            assert!(answer.status != 200 || answer.body.contains(own), "{id}: {}", answer.body);
            // What is said of another's publisher is what is said of none.
            assert!(answer.status != 404 || !answer.body.contains("in fabrikam"), "{id}: {}", answer.body);
            *answers.entry(answer.status).or_insert(0) += 1;
        }
    }
    println!("{} composite ids: {answers:?}", ids.len());
    assert!(answers[&200] > 0 && answers[&403] > 1_000 && answers[&404] > 1_000);
}

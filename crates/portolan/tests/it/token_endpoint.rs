//! The built-in issuer on the wire: the token endpoints, discovery, keys and their rotation.

use crate::world::{Answer, PUBLIC_URL, START, World};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use publishing::moment::UNIX_EPOCH_TICKS;
use serde_json::{Value, json};
use std::time::Duration;

const V1: &str = "/common/oauth2/token";
const V2: &str = "/common/oauth2/v2.0/token";
const PUBLISHERS: &str = "/api/publishers";
const MEMBERS: &str = "/api/publishers/contoso/members";
const RESOURCE: &str = "https://cloudpartner.azure.com";
const SCOPE: &str = "https://cloudpartner.azure.com/.default";
const KEYS: &str = "/common/discovery/keys";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A member of contoso that proves itself with a secret.
struct Account {
    id: String,
    client_id: String,
    secret: String,
}

impl Account {
    async fn new(world: &World) -> Self {
        let body = r#"{"kind":"servicePrincipal","name":"robot","roles":["contributor"]}"#;
        let added = world.post(MEMBERS, body).await;
        assert_eq!(added.status, 201, "{}", added.body);
        let added = added.json();
        Self {
            id: text(&added["member"]["id"]),
            client_id: text(&added["member"]["applicationId"]),
            secret: text(&added["secret"]["value"]),
        }
    }

    /// The members of a form that asks for a token.
    fn form(&self) -> Vec<(&str, &str)> {
        vec![("grant_type", "client_credentials"), ("client_id", &self.client_id), ("client_secret", &self.secret)]
    }

    /// Another secret: its id and its value.
    async fn add_secret(&self, world: &World, body: &str) -> (String, String) {
        let added = world.post(&format!("{MEMBERS}/{}/secrets", self.id), body).await;
        assert_eq!(added.status, 201, "{}", added.body);
        (text(&added.json()["id"]), text(&added.json()["value"]))
    }

    async fn token(&self, world: &World) -> String {
        let answer = ask(world, V1, &self.form()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        text(&answer.json()["access_token"])
    }

    /// The status with which a token is asked for by this secret.
    async fn status(&self, world: &World, secret: &str) -> u16 {
        ask(world, V1, &with(self.form(), &[("client_secret", secret)])).await.status
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A form with these members instead of its own; one of `-` is left out.
fn with<'a>(mut form: Vec<(&'a str, &'a str)>, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    for (name, value) in changes {
        form.retain(|(there, _)| there != name);
        if *value != "-" {
            form.push((name, value));
        }
    }
    form
}

async fn ask_by(world: &World, path: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    if !headers.iter().any(|(name, _)| *name == "authorization") {
        all.push(("authorization", "none"));
    }
    all.extend(headers);
    // The endpoints know no api-version, but some clients send one.
    let path = if path.contains('?') { path.to_owned() } else { format!("{path}?") };
    world.send("POST", &path, &all, body).await
}

async fn ask(world: &World, path: &str, form: &[(&str, &str)]) -> Answer {
    ask_by(world, path, &[], form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()).await
}

async fn api_status(world: &World, token: &str) -> u16 {
    world
        .send("GET", &format!("{PUBLISHERS}/contoso/offers"), &[("authorization", &format!("Bearer {token}"))], "")
        .await
        .status
}

/// Header and claims of a token, not verified.
fn read(token: &str) -> [Value; 2] {
    let part =
        |at| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap();
    [part(0), part(1)]
}

fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn is_no_store(answer: &Answer) -> bool {
    answer.header("cache-control") == "no-store" && answer.header("content-type").starts_with("application/json")
}

/// Asserts that there is no token, with this status and this word, and that the words say what to do.
fn assert_refused(answer: &Answer, status: u16, error: &str, name: &str) {
    let body = answer.json();
    assert_eq!((answer.status, &body["error"]), (status, &json!(error)), "{name}: {}", answer.body);
    assert_eq!(names(&body), ["error", "error_description"], "{name}");
    assert!(text(&body["error_description"]).len() > 30 && is_no_store(answer), "{name}: {}", answer.body);
    let challenge = if status == 401 { "Basic realm=\"portolan\"" } else { "" };
    assert_eq!(answer.header("www-authenticate"), challenge, "{name}");
}

#[tokio::test]
async fn version_1_answers_with_texts_and_version_2_with_numbers() {
    let world = World::new().await;
    let account = Account::new(&world).await;
    let now = (START.ticks() - UNIX_EPOCH_TICKS) / 10_000_000;
    let tenant = world.issuer.place().tenant.to_string();
    let v1 = ask(&world, &format!("{V1}?api-version=1.0"), &with(account.form(), &[("resource", RESOURCE)])).await;
    assert!(v1.status == 200 && is_no_store(&v1), "{}", v1.body);
    let mut document = v1.json();
    let token = text(&document["access_token"]);
    document["access_token"] = json!("…");
    let expected = json!({
        "token_type": "Bearer", "expires_in": "3600", "ext_expires_in": "3600", "not_before": now.to_string(),
        "expires_on": (now + 3600).to_string(), "resource": RESOURCE, "access_token": "…",
    });
    assert_eq!(document, expected);
    let [header, mut claims] = read(&token);
    assert_eq!(header, json!({"typ": "at+jwt", "alg": "RS256", "kid": "test"}));
    assert!(claims["jti"].is_string() && claims["sub"].is_string());
    let (subject, id) = (claims["sub"].clone(), claims["jti"].clone());
    let common = json!({
        "aud": RESOURCE, "iat": now, "nbf": now, "exp": now + 3600, "oid": subject, "sub": subject, "tid": tenant, "jti": id,
    });
    let also = |more: Value| {
        let mut claims = common.clone();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    let iss = format!("{PUBLIC_URL}/{tenant}/");
    assert_eq!(claims, also(json!({"iss": iss, "ver": "1.0", "appid": account.client_id})));
    assert_eq!(api_status(&world, &token).await, 200);

    let v2 = ask(&world, V2, &with(account.form(), &[("scope", SCOPE)])).await;
    assert!(v2.status == 200 && is_no_store(&v2), "{}", v2.body);
    let mut document = v2.json();
    let token = text(&document["access_token"]);
    document["access_token"] = json!("…");
    assert_eq!(
        document,
        json!({"token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600, "access_token": "…"})
    );
    claims = read(&token)[1].clone();
    assert_ne!(claims["jti"], id, "each token is one of its own");
    claims["jti"] = id.clone();
    let iss = format!("{PUBLIC_URL}/{tenant}/v2.0");
    assert_eq!(claims, also(json!({"iss": iss, "ver": "2.0", "azp": account.client_id})));
    assert_eq!(api_status(&world, &token).await, 200);
}

#[tokio::test]
async fn the_audience_is_what_was_asked_for() {
    let world = World::new().await;
    let account = Account::new(&world).await;
    let slash = &format!("{RESOURCE}/");
    for (path, member, asked, audience) in [
        (V1, "resource", "-", RESOURCE),
        (V1, "resource", "", RESOURCE),
        (V1, "resource", RESOURCE, RESOURCE),
        (V1, "resource", slash, slash),
        (V2, "scope", "-", RESOURCE),
        (V2, "scope", "", RESOURCE),
        (V2, "scope", SCOPE, RESOURCE),
        (V2, "scope", "https://cloudpartner.azure.com//.default", slash),
        (V2, "scope", "openid profile https://cloudpartner.azure.com/.default offline_access", RESOURCE),
        (V2, "scope", RESOURCE, RESOURCE),
    ] {
        let answer = ask(&world, path, &with(account.form(), &[(member, asked)])).await;
        assert_eq!(answer.status, 200, "{path} {asked}: {}", answer.body);
        let token = text(&answer.json()["access_token"]);
        assert_eq!(read(&token)[1]["aud"], audience, "{path} {asked}");
        assert_eq!(api_status(&world, &token).await, 200, "{path} {asked}");
        if path == V1 {
            assert_eq!(answer.json()["resource"], audience);
        }
    }
    for (path, member, error) in [(V1, "resource", "invalid_resource"), (V2, "scope", "invalid_scope")] {
        for asked in [
            "https://graph.example",
            "https://graph.example/.default",
            "https://cloudpartner.azure.com//",
            "https://cloudpartner.azure.com.evil.example",
            "HTTPS://cloudpartner.azure.com",
            "/.default",
            " ",
        ] {
            let answer = ask(&world, path, &with(account.form(), &[(member, asked)])).await;
            assert_refused(&answer, 400, error, &format!("{path} {asked}"));
            assert!(answer.body.contains(RESOURCE) && !answer.body.contains("graph.example"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_gets_no_token_is_told_why() {
    let world = World::new().await;
    let account = Account::new(&world).await;
    let (id, secret) = (account.client_id.as_str(), account.secret.as_str());
    let upper = &id.to_uppercase();
    for (name, changes, status, error) in [
        ("good", vec![], 200, ""),
        ("a client id in capitals", vec![("client_id", &**upper)], 200, ""),
        ("members that nobody knows", vec![("client_info", "1"), ("x", "y")], 200, ""),
        ("a wrong secret", vec![("client_secret", "wrong")], 401, "invalid_client"),
        ("the id as secret", vec![("client_secret", id)], 401, "invalid_client"),
        ("a secret with a space", vec![("client_secret", &*format!("{secret} "))], 401, "invalid_client"),
        ("an unknown client", vec![("client_id", "11111111-2222-3333-4444-555555555555")], 401, "invalid_client"),
        ("a client that is no id", vec![("client_id", "' OR 1=1 --")], 401, "invalid_client"),
        ("no client", vec![("client_id", "-")], 400, "invalid_request"),
        ("an empty client", vec![("client_id", "")], 400, "invalid_request"),
        ("no secret", vec![("client_secret", "-")], 400, "invalid_request"),
        ("an empty secret", vec![("client_secret", "")], 400, "invalid_request"),
        ("an assertion", vec![("client_secret", "-"), ("client_assertion", "e30.e30.")], 400, "invalid_request"),
        ("no grant", vec![("grant_type", "-")], 400, "unsupported_grant_type"),
        ("a password", vec![("grant_type", "password")], 400, "unsupported_grant_type"),
        ("a refresh token", vec![("grant_type", "refresh_token")], 400, "unsupported_grant_type"),
        ("a grant in capitals", vec![("grant_type", "CLIENT_CREDENTIALS")], 400, "unsupported_grant_type"),
        ("a code without the rest", vec![("grant_type", "authorization_code")], 400, "invalid_request"),
    ] {
        for path in [V1, V2] {
            let answer = ask(&world, path, &with(account.form(), &changes)).await;
            match status {
                200 => assert_eq!(answer.status, 200, "{name}: {}", answer.body),
                _ => assert_refused(&answer, status, error, name),
            }
            assert!(!answer.body.contains(secret), "{name}");
        }
    }
    let refused = async |client: &str| {
        ask(&world, V1, &with(account.form(), &[("client_id", client), ("client_secret", "wrong")])).await.body
    };
    let nobody = refused("11111111-2222-3333-4444-555555555555").await;
    assert_eq!(refused(id).await, nobody, "it is not shown whether there is such a client");
}

#[tokio::test]
async fn a_body_that_is_no_form_or_says_a_thing_twice_gets_none() {
    let world = World::new().await;
    let account = Account::new(&world).await;
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(account.form()).finish();
    assert_eq!(ask_by(&world, V1, &[], form.clone()).await.status, 200);
    for twice in ["client_id=x", "client_secret=x", "grant_type=client_credentials", "x=1&x=1", "client%5Fid=x"] {
        for body in [format!("{form}&{twice}"), format!("{twice}&{form}")] {
            assert_refused(&ask_by(&world, V1, &[], body).await, 400, "invalid_request", twice);
        }
    }
    let json =
        json!({"grant_type": "client_credentials", "client_id": account.client_id, "client_secret": account.secret});
    for (name, body) in [("nothing", Vec::new()), ("JSON", json.to_string().into_bytes()), ("no text", vec![0xff; 100])]
    {
        assert_refused(&ask_by(&world, V1, &[], body).await, 400, "invalid_request", name);
    }
    let too_much = ask_by(&world, V1, &[], format!("{form}&x={}", "x".repeat(64 << 10))).await;
    assert_eq!((too_much.status, too_much.code().as_str()), (413, "PayloadTooLarge"), "{}", too_much.body);
    assert_eq!(ask_by(&world, V1, &[], format!("{form}&x={}", "x".repeat(60 << 10))).await.status, 200);
    // What stands in the query is not read: queries are logged on their way.
    assert_refused(&ask_by(&world, &format!("{V1}?{form}"), &[], "").await, 400, "invalid_request", "in the query");
    for path in [V1, V2] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = world.send(method, &format!("{path}?{form}"), &[("authorization", "none")], "").await;
            assert_eq!((answer.status, answer.code().as_str()), (405, "MethodNotAllowed"), "{method} {path}");
            assert_eq!(answer.header("allow"), "POST");
        }
    }
}

#[tokio::test]
async fn the_secret_may_be_in_the_header_too() {
    let world = World::new().await;
    let account = Account::new(&world).await;
    let grant = "grant_type=client_credentials";
    let (id, secret) = (&account.client_id, &account.secret);
    let escaped: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let encoded = |text: &str| STANDARD.encode(text);
    let both = encoded(&format!("{id}:{secret}"));
    for (name, header, status) in [
        ("plain", format!("Basic {both}"), 200),
        ("in small letters", format!("basic {both}"), 200),
        ("escaped", format!("Basic {}", encoded(&format!("{id}:{escaped}"))), 200),
        ("a wrong secret", format!("Basic {}", encoded(&format!("{id}:wrong"))), 401),
        (
            "another client",
            format!("Basic {}", encoded(&format!("11111111-2222-3333-4444-555555555555:{secret}"))),
            401,
        ),
        ("no secret", format!("Basic {}", encoded(&format!("{id}:"))), 401),
        ("no colon", format!("Basic {}", encoded(id)), 400),
        ("no base64", "Basic %%%".to_owned(), 400),
        ("no text", format!("Basic {}", STANDARD.encode([0xff, b':', 0xfe])), 400),
        ("another scheme", format!("Bearer {both}"), 400),
    ] {
        for path in [V1, V2] {
            let answer = ask_by(&world, path, &[("authorization", &header)], grant).await;
            match status {
                200 => assert_eq!(answer.status, 200, "{name}: {}", answer.body),
                401 => assert_refused(&answer, 401, "invalid_client", name),
                _ => assert_refused(&answer, 400, "invalid_request", name),
            }
        }
    }
}

#[tokio::test]
async fn a_secret_that_was_removed_or_has_ended_gets_no_token_and_others_do() {
    let world = World::new().await;
    let account = Account::new(&world).await;
    let mut secrets = Vec::new();
    for days in [1, 2, 3, 4] {
        secrets.push(account.add_secret(&world, &format!(r#"{{"days":{days}}}"#)).await);
    }
    let sixth = world.post(&format!("{MEMBERS}/{}/secrets", account.id), "").await;
    assert_eq!((sixth.status, sixth.code().as_str()), (409, "Conflict"), "{}", sixth.body);
    assert!(sixth.body.contains("Remove one"), "{}", sixth.body);
    for secret in [&account.secret].into_iter().chain(secrets.iter().map(|(_, value)| value)) {
        assert_eq!(account.status(&world, secret).await, 200, "five are good at once");
    }
    let (removed, value) = &secrets[3];
    let live = account.token(&world).await;
    let path = format!("{MEMBERS}/{}/secrets/{removed}", account.id);
    assert_eq!(world.send("DELETE", &path, &[], "").await.status, 204);
    assert_eq!(account.status(&world, value).await, 401);
    assert_eq!(api_status(&world, &live).await, 200, "a token that was given goes on to its end");
    let another = account.add_secret(&world, "").await.1;
    assert_eq!(account.status(&world, &another).await, 200);

    world.clock.advance(DAY - Duration::from_secs(1));
    assert_eq!(account.status(&world, &secrets[0].1).await, 200, "to its last second");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(account.status(&world, &secrets[0].1).await, 401);
    assert_eq!(account.status(&world, &secrets[1].1).await, 200);
    world.clock.advance(DAY * 180);
    assert_eq!(account.status(&world, &account.secret).await, 401, "one that nobody gave a time ends too");
    let ended = ask(&world, V1, &account.form()).await;
    assert_refused(&ended, 401, "invalid_client", "ended");
    let fresh = account.add_secret(&world, "").await.1;
    assert_eq!(account.status(&world, &fresh).await, 200, "those that have ended do not count");
}

#[tokio::test]
async fn a_token_is_good_for_an_hour_and_for_nobody_who_is_removed() {
    let world = World::new().await;
    let account = Account::new(&world).await;
    let token = account.token(&world).await;
    world.clock.advance(Duration::from_secs(3600 + 59));
    assert_eq!(api_status(&world, &token).await, 200, "clocks may differ by less than a minute");
    world.clock.advance(Duration::from_secs(1));
    let headers = [("authorization", &*format!("Bearer {token}"))];
    let expired = world.send("GET", PUBLISHERS, &headers, "").await;
    assert!(expired.status == 401 && expired.body.contains("has expired"), "{}", expired.body);

    let token = account.token(&world).await;
    assert_eq!(api_status(&world, &token).await, 200);
    assert_eq!(world.send("DELETE", &format!("{MEMBERS}/{}", account.id), &[], "").await.status, 204);
    assert_eq!(api_status(&world, &token).await, 403, "at once");
}

/// The tenant that the issuer understands of a name in an address.
async fn tenant_of(world: &World, name: &str) -> String {
    let discovery = world
        .send("GET", &format!("/{name}/v2.0/.well-known/openid-configuration?"), &[("authorization", "none")], "")
        .await;
    assert_eq!(discovery.status, 200, "{name}: {}", discovery.body);
    let endpoint = text(&discovery.json()["token_endpoint"]);
    let tenant =
        endpoint.strip_prefix(&format!("{PUBLIC_URL}/")).and_then(|path| path.strip_suffix("/oauth2/v2.0/token"));
    tenant.unwrap_or_else(|| panic!("{name}: {endpoint}")).to_owned()
}

#[tokio::test]
async fn discovery_documents_name_the_tenant_as_it_was_asked_for() {
    let world = World::new().await;
    let account = Account::new(&world).await;
    let own = world.issuer.place().tenant.to_string();
    for tenant in ["common", "organizations", "contoso.onmicrosoft.com", "72f988bf-86f1-41af-91ab-2d7cd011db47", &own] {
        for (version, oauth, keys, end) in
            [("", "oauth2", "discovery/keys", "/"), ("/v2.0", "oauth2/v2.0", "discovery/v2.0/keys", "/v2.0")]
        {
            let path = format!("/{tenant}{version}/.well-known/openid-configuration");
            let document = world.send("GET", &path, &[("authorization", "none")], "").await;
            assert_eq!((document.status, document.header("content-type")), (200, "application/json; charset=utf-8"));
            let base = format!("{PUBLIC_URL}/{tenant}");
            let expected = json!({
                "issuer": format!("{PUBLIC_URL}/{own}{end}"),
                "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
                "token_endpoint": format!("{base}/{oauth}/token"),
                "jwks_uri": format!("{base}/{keys}"),
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "client_credentials"],
                "scopes_supported": ["openid", "profile"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": true,
                "claims_supported":
                    ["sub", "oid", "tid", "iss", "aud", "exp", "iat", "nbf", "name", "preferred_username", "nonce"],
            });
            assert_eq!(document.json(), expected, "{path}");
            // What the document names is there, and a token from there is the issuer's.
            let address = |member: &str| text(&document.json()[member]).replacen(PUBLIC_URL, "", 1);
            assert_eq!(world.send("GET", &address("jwks_uri"), &[("authorization", "none")], "").await.status, 200);
            let token = ask(&world, &address("token_endpoint"), &account.form()).await;
            assert_eq!(read(&text(&token.json()["access_token"]))[1]["iss"], document.json()["issuer"]);
        }
    }
}

#[tokio::test]
async fn a_hostile_name_of_a_tenant_is_not_repeated() {
    let world = World::new().await;
    let own = world.issuer.place().tenant.to_string();
    let long = "a".repeat(101);
    for hostile in [
        "%2e%2e%2fevil",
        "a%2fb",
        "%22%3E%3Cscript%3E",
        "a%0d%0aSet-Cookie:x",
        "user@evil.example",
        "evil.example%3A443",
        "%5Cevil",
        "%00",
        "%ff",
        "a%20b",
        "%C3%A9",
        ".hidden",
        "...",
        &long,
    ] {
        let world_says =
            world.send("GET", &format!("/{hostile}/v2.0/.well-known/openid-configuration?"), &[], "").await;
        if hostile == "%ff" {
            assert_eq!(world_says.status, 400, "{}", world_says.body);
            continue;
        }
        assert_eq!(tenant_of(&world, hostile).await, own, "{hostile}");
        assert!(!world_says.body.contains("evil") && !world_says.body.contains("script"), "{}", world_says.body);
    }
    assert_eq!(tenant_of(&world, &long[1..]).await, long[1..]);
    assert_eq!(tenant_of(&world, "a-b_c.d").await, "a-b_c.d");
}

#[tokio::test]
async fn the_instance_sends_clients_to_the_version_that_they_speak() {
    let world = World::new().await;
    let own = world.issuer.place().tenant.to_string();
    for (query, found) in [
        ("", own.clone()),
        ("api-version=1.1", own.clone()),
        (
            "api-version=1.1&authorization_endpoint=https%3A%2F%2Flocalhost%2Fcommon%2Foauth2%2Fauthorize",
            "common".into(),
        ),
        (
            "authorization_endpoint=https://localhost/contoso.onmicrosoft.com/oauth2/v2.0/authorize&api-version=1.0",
            "contoso.onmicrosoft.com/v2.0".into(),
        ),
        ("authorization_endpoint=https://evil.example/common/oauth2/v2.0/authorize", "common/v2.0".into()),
        ("authorization_endpoint=https://localhost/..%2f..%2fevil/x", own.clone()),
        ("authorization_endpoint=https://localhost/%252e%252e/oauth2/v2.0/authorize", format!("{own}/v2.0")),
        ("authorization_endpoint=nonsense", own.clone()),
        ("authorization_endpoint=", own.clone()),
    ] {
        let answer =
            world.send("GET", &format!("/common/discovery/instance?{query}"), &[("authorization", "none")], "").await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let expected = json!({
            "tenant_discovery_endpoint": format!("{PUBLIC_URL}/{found}/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata":
                [{"preferred_network": "portolan.test", "preferred_cache": "portolan.test", "aliases": ["portolan.test"]}],
        });
        assert_eq!(answer.json(), expected, "{query}");
    }
}

/// The names of the keys that are published, each with nothing private in it.
async fn key_ids(world: &World) -> Vec<String> {
    let [first, second] =
        [KEYS, "/x/discovery/v2.0/keys"].map(|path| world.send("GET", path, &[("authorization", "none")], ""));
    let first = first.await;
    assert_eq!((first.status, &first.body), (200, &second.await.body));
    let keys = first.json();
    assert_eq!(names(&keys), ["keys"]);
    let id = |key: &Value| {
        assert_eq!(names(key), ["alg", "e", "kid", "kty", "n", "use"]);
        assert_eq!([&key["kty"], &key["alg"], &key["use"], &key["e"]], ["RSA", "RS256", "sig", "AQAB"]);
        assert_eq!(URL_SAFE_NO_PAD.decode(text(&key["n"])).unwrap().len(), 256, "2048 bits");
        text(&key["kid"])
    };
    keys["keys"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn keys_are_published_before_they_sign_and_disappear_after() {
    let world = World::new().await;
    let account = Account::new(&world).await;
    let began = world.clock.now();
    let days_gone = |world: &World| (world.clock.now().ticks() - began.ticks()) / 10_000_000 / (24 * 3600);
    // The owner's token is good for a century, as far as its time goes; the first key has signed it.
    let old = world.token.clone();
    let secret = account.add_secret(&world, r#"{"days":730}"#).await.1;
    let signed_by = async |world: &World| {
        let answer = ask(world, V2, &with(account.form(), &[("client_secret", &*secret)])).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let token = text(&answer.json()["access_token"]);
        assert_eq!(api_status(world, &token).await, 200);
        text(&read(&token)[0]["kid"])
    };
    assert_eq!(key_ids(&world).await, ["test"]);

    world.clock.advance(DAY * 88 - Duration::from_secs(1));
    assert_eq!((key_ids(&world).await, &*signed_by(&world).await), (vec!["test".to_owned()], "test"));
    world.clock.advance(Duration::from_secs(601));
    let ids = key_ids(&world).await;
    assert_eq!((ids.len(), &*ids[0], days_gone(&world)), (2, "test", 88));
    let second = ids[1].clone();
    assert_eq!(URL_SAFE_NO_PAD.decode(&second).unwrap().len(), 32, "a thumbprint");
    assert_eq!(signed_by(&world).await, "test", "who keeps the key set has not seen the new key yet");
    world.clock.advance(DAY);
    assert_eq!((key_ids(&world).await, &*signed_by(&world).await), (ids.clone(), "test"), "a day later neither");
    world.clock.advance(DAY);
    assert_eq!((key_ids(&world).await, signed_by(&world).await, days_gone(&world)), (ids.clone(), second.clone(), 90));
    assert_eq!(api_status(&world, &old).await, 200, "the first key still verifies");

    world.clock.advance(DAY);
    assert_eq!((key_ids(&world).await, signed_by(&world).await), (ids, second.clone()));
    assert_eq!(api_status(&world, &old).await, 200);
    world.clock.advance(DAY + Duration::from_secs(601));
    assert_eq!(key_ids(&world).await, std::slice::from_ref(&second));
    let headers = [("authorization", &*format!("Bearer {old}"))];
    let refused = world.send("GET", PUBLISHERS, &headers, "").await;
    assert!(refused.status == 401 && refused.body.contains("has no such key"), "{}", refused.body);
    assert_eq!(signed_by(&world).await, second);
    // A service that nobody asked for half a year: the key that there is signs until another was published long enough.
    world.clock.advance(DAY * 180);
    assert_eq!(signed_by(&world).await, second);
    let ids = key_ids(&world).await;
    assert_eq!((ids.len(), &ids[0]), (2, &second), "never empty");
    world.clock.advance(DAY * 2);
    assert_eq!(signed_by(&world).await, ids[1]);
}

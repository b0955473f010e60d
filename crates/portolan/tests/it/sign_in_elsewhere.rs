//! Signing in at an issuer elsewhere: the whole way over real HTTP, forged answers, and an issuer in trouble.

use crate::browser::{Browser, query_of, query_with, says};
use crate::idp::{ISSUER, Idp, Mood, NOW, good};
use crate::sign_in::jane;
use crate::world::{Answer, Setting, World};
use portolan::auth::{IssuerSetting, Provider};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const PERSON: &str = "11111111-2222-3333-4444-555555555555";

/// An issuer that nobody will reach, with a name that wants to be markup.
pub fn quiet_issuer() -> IssuerSetting {
    serde_json::from_value(json!({
        "name": "entra",
        "issuer": ISSUER,
        "discovery": "http://127.0.0.1:9/.well-known/openid-configuration",
        "sign_in": {"client_id": "portolan", "label": "<script>\"Contoso\"</script>"},
    }))
    .unwrap()
}

/// The setting of an issuer where people sign in, with these members of `sign_in` besides.
fn setting(idp: &Idp, more: Value) -> IssuerSetting {
    let sign_in = crate::idp::with(json!({"client_id": "portolan-at-idp", "label": "Contoso account"}), more);
    idp.setting(json!({"name": "entra", "subject": "oid", "sign_in": sign_in}))
}

/// A world that trusts this issuer. Whoever signs in there is a member of contoso.
async fn world(idp: &Idp, more: Value) -> World {
    let world = World::with(Setting { issuers: vec![setting(idp, more)], ..Setting::default() }).await;
    idp.person(json!({}), person(), "RS256");
    let body = json!({
        "kind": "user", "name": "Petra", "roles": ["contributor"],
        "issuer": "entra", "tenantId": TENANT, "objectId": PERSON,
    });
    let added = world.post("/api/publishers/contoso/members", &body.to_string()).await;
    assert_eq!(added.status, 201, "{}", added.body);
    world
}

fn person() -> Value {
    json!({"tid": TENANT, "oid": PERSON, "sub": "pairwise", "name": "Petra at Contoso"})
}

/// Goes to the issuer and to where it sends back, without coming back.
async fn on_the_way_back(browser: &mut Browser) -> String {
    let page = browser.begin("entra").await;
    let back = browser.get(&page).await;
    assert_eq!(back.status, 303, "{}", back.body);
    back.header("location").to_owned()
}

async fn sign_in(browser: &mut Browser) -> Answer {
    let back = on_the_way_back(browser).await;
    browser.get(&back).await
}

#[tokio::test]
async fn a_public_client_signs_in_whom_an_owner_has_added() {
    let idp = Idp::start().await;
    let world = world(&idp, json!({})).await;
    let mut browser = Browser::new(&world);
    let choice = browser.get("/sign-in?then=/account").await;
    assert!(choice.status == 200 && says(&choice, "Contoso account") && says(&choice, "Portolan"), "{}", choice.body);
    assert!(says(&choice, "/sign-in?at=entra&#38;then=%2Faccount"), "{}", choice.body);
    let page = browser.begin("entra").await;
    for (name, expected) in [
        ("response_type", "code"),
        ("client_id", "portolan-at-idp"),
        ("redirect_uri", "http://portolan.test/sign-in/callback"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(query_of(&page, name), expected);
    }
    let again = browser.begin("entra").await;
    for name in ["state", "nonce", "code_challenge"] {
        assert!(query_of(&page, name).len() >= 43 && query_of(&page, name) != query_of(&again, name), "{name}");
    }
    let answer = sign_in(&mut browser).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/account"), "{}", answer.body);
    let account = browser.get("/account").await;
    assert!(says(&account, "Petra") && says(&account, "contributor") && says(&account, "entra"), "{}", account.body);
    let form = idp.redeemed().pop().unwrap();
    assert!(!form.contains_key("client_secret") && form["code_verifier"].len() == 43, "{form:?}");
    assert_eq!(form["redirect_uri"], "http://portolan.test/sign-in/callback");
    assert_eq!(idp.discoveries.load(Ordering::SeqCst), 2, "once for the endpoints, once for the keys");
}

#[tokio::test]
async fn a_client_with_a_secret_proves_itself() {
    let idp = Idp::start().await;
    idp.wants_secret("s3cret & more");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3cret & more\n").unwrap();
    let with_secret = world(&idp, json!({"client_secret_file": file.path()})).await;
    let mut browser = Browser::new(&with_secret);
    assert_eq!(sign_in(&mut browser).await.status, 303);
    assert!(browser.is_in().await);
    let without = world(&idp, json!({})).await;
    let mut browser = Browser::new(&without);
    let answer = sign_in(&mut browser).await;
    assert!(answer.status == 502 && says(&answer, "did not confirm who you are"), "{}", answer.body);
    assert!(!browser.is_in().await);
    for (text, expected) in [("", "is empty"), (" \n", "is empty")] {
        std::fs::write(file.path(), text).unwrap();
        let setting = setting(&idp, json!({"client_secret_file": file.path()}));
        let error = format!("{:#}", Provider::elsewhere(&setting).unwrap_err());
        assert!(error.contains(expected) && error.contains("client_secret_file"), "{error}");
    }
    let setting = setting(&idp, json!({"client_secret_file": "/nowhere/secret"}));
    let error = format!("{:#}", Provider::elsewhere(&setting).unwrap_err());
    assert!(error.contains("/nowhere/secret") && error.contains("client_secret_file"), "{error}");
}

#[tokio::test]
async fn somebody_unknown_gets_the_facts_for_an_owner_and_no_session() {
    let idp = Idp::start().await;
    let world = world(&idp, json!({})).await;
    for (claims, facts) in [
        (json!({"oid": "stranger"}), vec!["entra", TENANT, "stranger", "Petra at Contoso"]),
        (json!({"tid": PERSON}), vec!["entra", PERSON]),
        (json!({"tid": "-"}), vec!["entra", PERSON]),
        (json!({"oid": "stranger", "name": "<script>\"'\u{202e}x"}), vec!["stranger", "&#60;script&#62;&#34;&#39;x"]),
    ] {
        let claims = crate::idp::with(person(), claims);
        idp.person(json!({}), claims, "RS256");
        let mut browser = Browser::new(&world);
        let answer = sign_in(&mut browser).await;
        assert!(answer.status == 403 && says(&answer, "You are not a member yet"), "{}", answer.body);
        for fact in facts {
            assert!(says(&answer, fact), "{fact}: {}", answer.body);
        }
        assert_eq!(browser.cookie_names(), Vec::<&str>::new());
        assert!(!browser.is_in().await);
    }
    // Nor is a program somebody who signs in.
    let body = json!({
        "kind": "servicePrincipal", "name": "robot", "roles": ["reader"],
        "issuer": "entra", "tenantId": TENANT, "objectId": "robot",
    });
    assert_eq!(world.post("/api/publishers/contoso/members", &body.to_string()).await.status, 201);
    idp.person(json!({}), crate::idp::with(person(), json!({"oid": "robot"})), "RS256");
    assert_eq!(sign_in(&mut Browser::new(&world)).await.status, 403);
}

#[tokio::test]
async fn an_id_token_that_is_not_ours_signs_nobody_in() {
    let idp = Idp::start().await;
    let world = world(&idp, json!({})).await;
    let none = json!({"alg": "none"});
    let hmac = json!({"alg": "HS256"});
    for (name, header, claims, way, expected) in [
        ("another nonce", json!({}), json!({"nonce": "other"}), "RS256", "belongs to another sign-in"),
        ("an empty nonce", json!({}), json!({"nonce": ""}), "RS256", "is malformed"),
        ("no nonce", json!({}), json!({"nonce": "-"}), "RS256", "belongs to another sign-in"),
        ("another audience", json!({}), json!({"aud": "other"}), "RS256", "for another client"),
        ("the API's audience", json!({}), json!({"aud": crate::idp::AUDIENCE}), "RS256", "for another client"),
        ("the client in capitals", json!({}), json!({"aud": "Portolan-at-IdP"}), "RS256", "for another client"),
        ("no audience", json!({}), json!({"aud": []}), "RS256", "for another client"),
        ("two, no party", json!({}), json!({"aud": ["portolan-at-idp", "x"]}), "RS256", "for another client"),
        ("another party", json!({}), json!({"azp": "other"}), "RS256", "for another client"),
        ("another issuer", json!({}), json!({"iss": "https://evil.test"}), "RS256", "is not trusted"),
        ("issuer and more", json!({}), json!({"iss": format!("{ISSUER}/")}), "RS256", "is not trusted"),
        ("no issuer", json!({}), json!({"iss": "-"}), "RS256", "is not trusted"),
        ("expired", json!({}), json!({"exp": NOW - 61}), "RS256", "has expired"),
        ("no end", json!({}), json!({"exp": "-"}), "RS256", "exp, nbf or iat"),
        ("not yet", json!({}), json!({"nbf": NOW + 120}), "RS256", "not yet valid"),
        ("no object id", json!({}), json!({"oid": "-"}), "RS256", "does not say who it is for"),
        ("unsigned", none, json!({}), "RS256", "the algorithm"),
        ("said to be HMAC", hmac, json!({}), "RS256", "the algorithm"),
        ("an access token", json!({"typ": "at+jwt"}), json!({}), "RS256", "not of the type"),
        ("a foreign key", json!({"alg": "RS256"}), json!({}), "other RS256", "the signature"),
        ("an unknown key", json!({"kid": "none of ours"}), json!({}), "RS256", "has no such key"),
    ] {
        // What is "-" must reach the issuer as it is: there it is taken away.
        let mut said = person();
        said.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        idp.person(header, said, way);
        let mut browser = Browser::new(&world);
        let answer = sign_in(&mut browser).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.body);
        assert!(says(&answer, expected), "{name}: {}", answer.body);
        assert!(browser.cookie_names().is_empty() && !browser.is_in().await, "{name}");
    }
    // The party may be said, the audience may be a list, and another algorithm may sign.
    for (claims, way) in
        [(json!({"aud": ["portolan-at-idp", "x"], "azp": "portolan-at-idp"}), "PS256"), (json!({}), "ES256")]
    {
        idp.person(json!({}), crate::idp::with(person(), claims), way);
        let mut browser = Browser::new(&world);
        assert_eq!(sign_in(&mut browser).await.status, 303);
        assert!(browser.is_in().await);
    }
    // A good ID token is no key to the API.
    let (header, claims) = good("RS256");
    let claims = crate::idp::with(crate::idp::with(claims, person()), json!({"aud": "portolan-at-idp"}));
    let token = format!("Bearer {}", crate::idp::raw(&header.to_string(), &claims.to_string(), "RS256"));
    assert_eq!(world.send("GET", "/api/publishers", &[("authorization", &token)], "").await.status, 401);
}

#[tokio::test]
async fn answers_come_from_the_issuer_that_was_asked() {
    let idp = Idp::start().await;
    let world = world(&idp, json!({})).await;
    let own = world.issuer.place().issuer_v2();
    // The way elsewhere was begun; the built-in issuer, or a stranger, answers.
    for iss in [own.as_str(), "https://evil.test", ""] {
        let mut browser = Browser::new(&world);
        let back = on_the_way_back(&mut browser).await;
        let answer = browser.get(&query_with(&back, "iss", Some(iss))).await;
        assert!(answer.status == 400 && says(&answer, "from another issuer"), "{iss}: {}", answer.body);
        assert!(!browser.is_in().await);
    }
    assert_eq!(idp.redeemed().len(), 0, "no code was shown to anybody");
    // The way to the built-in issuer was begun; the other one answers.
    for iss in [None, Some(ISSUER)] {
        let mut browser = Browser::new(&world);
        let page = browser.begin("built-in").await;
        let state = query_of(&page, "state");
        let answer =
            browser.get(&query_with(&format!("/sign-in/callback?code=code-1&state={state}"), "iss", iss)).await;
        assert!(answer.status == 400 && says(&answer, "from another issuer"), "{}", answer.body);
    }
    // A code of the built-in issuer says nothing elsewhere.
    let jane = jane(&world).await;
    let mut browser = Browser::new(&world);
    let back = on_the_way_back(&mut browser).await;
    let asked = portolan::issuer::Asked {
        client_id: portolan::issuer::WEB_CLIENT.into(),
        redirect_uri: "http://portolan.test/sign-in/callback".into(),
        state: query_of(&back, "state"),
        nonce: None,
        code_challenge: String::new(),
    };
    let mixed = world.issuer.consent(asked, &jane).await.unwrap().location;
    let answer = browser.get(&query_with(&mixed, "iss", None)).await;
    assert!(answer.status == 502 && !browser.is_in().await, "{}", answer.body);
    // It may say who it is; where it says that it always does, it must.
    idp.says_iss(true);
    let mut browser = Browser::new(&world);
    assert_eq!(sign_in(&mut browser).await.status, 303);
    let strict = Idp::start().await;
    strict.discovery_with(json!({"authorization_response_iss_parameter_supported": true}));
    let strict_world = self::world(&strict, json!({})).await;
    let answer = sign_in(&mut Browser::new(&strict_world)).await;
    assert!(answer.status == 400 && says(&answer, "from another issuer"), "{}", answer.body);
    strict.says_iss(true);
    assert_eq!(sign_in(&mut Browser::new(&strict_world)).await.status, 303);
}

#[tokio::test]
async fn state_code_and_errors_elsewhere() {
    let idp = Idp::start().await;
    let world = world(&idp, json!({})).await;
    let mut browser = Browser::new(&world);
    let back = on_the_way_back(&mut browser).await;
    let mut other = Browser::new(&world);
    let theirs = on_the_way_back(&mut other).await;
    let answer = browser.clone().get(&theirs).await;
    assert!(answer.status == 400 && says(&answer, "another sign-in"), "{}", answer.body);
    // Another browser's code, with one's own state: the verifier is not the one it was made for.
    let injected = query_with(&back, "code", Some(&query_of(&theirs, "code")));
    let answer = browser.clone().get(&injected).await;
    assert_eq!(answer.status, 502, "{}", answer.body);
    let mut thief = Browser::new(&world);
    assert_eq!(thief.get(&back).await.status, 400, "a code without the cookie");
    let denied = query_with(&query_with(&back, "code", None), "error", Some("access_denied"));
    let description = query_with(&denied, "error_description", Some("<script>evil.example"));
    let answer = browser.clone().get(&description).await;
    assert!(answer.status == 400 && says(&answer, "did not let you in") && !says(&answer, "evil"), "{}", answer.body);
    assert!(!browser.clone().is_in().await);
    let answer = browser.clone().get(&back).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(browser.get(&back).await.status, 502, "the same once more");
    world.clock.advance(Duration::from_secs(601));
    let mut late = Browser::new(&world);
    let back = on_the_way_back(&mut late).await;
    world.clock.advance(Duration::from_secs(601));
    let answer = late.get(&back).await;
    assert!(answer.status == 400 && says(&answer, "took too long"), "{}", answer.body);
}

#[tokio::test]
async fn an_issuer_in_trouble_signs_nobody_in_and_says_so() {
    let idp = Idp::start().await;
    let world = world(&idp, json!({})).await;
    for (name, mood) in [
        ("down", Mood::Status(503)),
        ("created", Mood::WellWith(201)),
        ("an error with a token", Mood::WellWith(400)),
        ("redirecting", Mood::Redirect(idp.url("/elsewhere"))),
        ("huge", Mood::Huge),
        ("HTML", Mood::Text("<html><script>evil</script>".into())),
        ("no token", Mood::Text(r#"{"access_token":"opaque"}"#.into())),
        ("a token that is no text", Mood::Text(r#"{"id_token":{"alg":"none"}}"#.into())),
        ("a token that is none", Mood::Text(r#"{"id_token":"x"}"#.into())),
        ("an empty token", Mood::Text(r#"{"id_token":""}"#.into())),
        ("nothing", Mood::Text(String::new())),
        ("slow", Mood::Slow),
    ] {
        idp.token_be(mood);
        let mut browser = Browser::new(&world);
        let began = Instant::now();
        let answer = sign_in(&mut browser).await;
        assert!(began.elapsed() < Duration::from_secs(15), "{name}: {:?}", began.elapsed());
        let expected = if matches!(name, "a token that is none" | "an empty token") { 400 } else { 502 };
        assert_eq!(answer.status, expected, "{name}: {}", answer.body);
        assert!(!says(&answer, "evil") && browser.cookie_names().is_empty() && !browser.is_in().await, "{name}");
    }
    assert_eq!(idp.strays.load(Ordering::SeqCst), 0, "no redirect was followed");
    assert!(idp.sent.load(Ordering::SeqCst) < 20 << 20, "a huge answer was not read to its end");
    idp.token_be(Mood::Well);
    let mut browser = Browser::new(&world);
    assert_eq!(sign_in(&mut browser).await.status, 303);
    // Where keys cannot be had: not now.
    let without_keys = Idp::start().await;
    without_keys.keys_be(Mood::Status(503));
    let world = self::world(&without_keys, json!({})).await;
    let answer = sign_in(&mut Browser::new(&world)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "2"), "{}", answer.body);
}

#[tokio::test]
async fn discovery_leads_nowhere_else() {
    let elsewhere = Idp::start().await;
    for (name, changes) in [
        ("token endpoint on another origin", json!({"token_endpoint": elsewhere.url("/token")})),
        ("no token endpoint", json!({"token_endpoint": "-"})),
        ("no authorisation endpoint", json!({"authorization_endpoint": "-"})),
        ("people in clear", json!({"authorization_endpoint": "http://login.test/authorize"})),
        ("a script", json!({"authorization_endpoint": "javascript:alert(1)"})),
        ("a name in it", json!({"authorization_endpoint": "https://user@login.test/authorize"})),
        ("of another issuer", json!({"issuer": "https://evil.test"})),
        ("no PKCE", json!({"code_challenge_methods_supported": ["plain"]})),
    ] {
        let idp = Idp::start().await;
        idp.discovery_with(changes);
        let world = world(&idp, json!({})).await;
        let mut browser = Browser::new(&world);
        let answer = browser.get("/sign-in?at=entra").await;
        assert_eq!(answer.status, 503, "{name}: {}", answer.body);
        assert!(browser.cookies.is_empty() && !answer.headers.contains_key("location"), "{name}");
    }
    assert_eq!(elsewhere.redeemed().len(), 0);
    // What the operator names is asked, and an issuer that was down is looked up again.
    let idp = Idp::start().await;
    idp.discovery_with(json!({"token_endpoint": elsewhere.url("/token"), "code_challenge_methods_supported": "-"}));
    let world = world(&idp, json!({"token_endpoint": idp.url("/token")})).await;
    idp.be(Mood::Status(500));
    let mut browser = Browser::new(&world);
    assert_eq!(browser.get("/sign-in?at=entra").await.status, 503);
    idp.be(Mood::Well);
    assert_eq!(sign_in(&mut browser).await.status, 303);
    assert!(browser.is_in().await);
}

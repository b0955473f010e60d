//! Keys of issuers on the web: fetched once, kept while the issuer is down, gone when they are withdrawn, and never taken from elsewhere.

use crate::idp::{CANARY, ISSUER, Idp, Mood, NOW, b64, ec_jwk, good, keys, outcome, rsa_jwk, token, with};
use crate::world::START;
use portolan::auth::{IssuerSetting, Issuers, LocalKeys, NotVerified, PublicKey, TrustedIssuer};
use portolan::clock::Clock;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

async fn started() -> (Idp, Arc<Issuers>, Clock) {
    let (idp, clock) = (Idp::start().await, Clock::turned(START));
    let issuers = Arc::new(idp.issuers(json!({}), &clock));
    (idp, issuers, clock)
}

/// A good token that lives for days, with this claim beside so that it is not one that was seen before.
fn lasting(mark: &str) -> String {
    token(json!({}), json!({"exp": NOW + 200_000, "mark": mark}))
}

/// A token with a key that does not exist; nobody signed it.
fn unknown(mark: usize) -> String {
    let (header, claims) = good("RS256");
    let header = with(header, json!({"kid": format!("unknown-{mark}")}));
    format!("{}.{}.{}", b64(header.to_string()), b64(claims.to_string()), b64([7; 256]))
}

#[tokio::test]
async fn keys_are_fetched_once_for_all_who_wait() {
    let (idp, issuers, _) = started().await;
    let all = (0..100).map(|at| {
        let issuers = Arc::clone(&issuers);
        tokio::spawn(async move { outcome(&issuers.verify(&lasting(&at.to_string())).await) })
    });
    for one in all.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), "taken");
    }
    assert_eq!((idp.discoveries.load(Ordering::SeqCst), idp.fetched()), (1, 1));
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_stop_the_fetch() {
    let (idp, issuers, _) = started().await;
    for _ in 0..5 {
        let gone = Arc::clone(&issuers);
        let gone = tokio::spawn(async move { gone.verify(&lasting("gone")).await });
        tokio::task::yield_now().await;
        gone.abort();
    }
    assert_eq!(outcome(&issuers.verify(&lasting("stays")).await), "taken");
    assert_eq!(idp.fetched(), 1);
}

#[tokio::test]
async fn while_there_are_no_keys_nobody_is_let_in_and_it_is_our_fault() {
    let html = "<html><body>Sign in</body></html>";
    let key = || rsa_jwk(&keys().rsa, "rsa");
    let elsewhere = Idp::start().await;
    type Trouble = (&'static str, Box<dyn Fn(&Idp)>);
    let troubles: Vec<Trouble> = vec![
        ("500", Box::new(|idp| idp.be(Mood::Status(500)))),
        ("404 for the keys", Box::new(|idp| idp.keys_be(Mood::Status(404)))),
        ("HTML", Box::new(move |idp| idp.be(Mood::Text(html.into())))),
        ("HTML for the keys", Box::new(move |idp| idp.keys_be(Mood::Text(html.into())))),
        ("cut off", Box::new(|idp| idp.keys_be(Mood::Text(r#"{"keys":["#.into())))),
        ("nothing", Box::new(|idp| idp.keys_be(Mood::Text(String::new())))),
        ("huge", Box::new(|idp| idp.keys_be(Mood::Huge))),
        ("a redirect to good keys", Box::new(|idp| idp.keys_be(Mood::Redirect(idp.url("/moved"))))),
        ("a redirect of all", Box::new(|idp| idp.be(Mood::Redirect(idp.url("/moved"))))),
        ("no set", Box::new(|idp| idp.show_document(json!({})))),
        ("an array", Box::new(move |idp| idp.show_document(json!([key()])))),
        ("keys that are no array", Box::new(move |idp| idp.show(key()))),
        ("no keys", Box::new(|idp| idp.show(json!([])))),
        ("only a secret", Box::new(|idp| idp.show(json!([{"kty": "oct", "kid": "rsa", "k": "AAAA"}])))),
        ("101 keys", Box::new(move |idp| idp.show((0..101).map(|_| key()).collect()))),
        (
            "another issuer",
            Box::new(|idp| idp.discovery(json!({"issuer": "https://evil.test", "jwks_uri": idp.url("/keys")}))),
        ),
        (
            "a slash behind the issuer",
            Box::new(|idp| idp.discovery(json!({"issuer": format!("{ISSUER}/"), "jwks_uri": idp.url("/keys")}))),
        ),
        ("no issuer", Box::new(|idp| idp.discovery(json!({"jwks_uri": idp.url("/keys")})))),
        ("no address of keys", Box::new(|idp| idp.discovery(json!({"issuer": ISSUER})))),
        ("an address that is none", Box::new(|idp| idp.discovery(json!({"issuer": ISSUER, "jwks_uri": "/keys"})))),
        ("keys in a file", Box::new(|idp| idp.discovery(json!({"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"})))),
        (
            "keys inside",
            Box::new(|idp| idp.discovery(json!({"issuer": ISSUER, "jwks_uri": "http://169.254.169.254/"}))),
        ),
        ("keys on another port", {
            let url = elsewhere.url("/keys");
            Box::new(move |idp| idp.discovery(json!({"issuer": ISSUER, "jwks_uri": url})))
        }),
        ("keys by https", {
            Box::new(|idp| {
                idp.discovery(json!({"issuer": ISSUER, "jwks_uri": idp.url("/keys").replace("http:", "https:")}))
            })
        }),
    ];
    for (name, trouble) in troubles {
        let (idp, issuers, clock) = started().await;
        trouble(&idp);
        assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "unavailable", "{name}");
        let asked = idp.discoveries.load(Ordering::SeqCst);
        assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "unavailable", "{name}");
        assert_eq!(idp.discoveries.load(Ordering::SeqCst), asked, "{name}: asked again at once");
        assert!(idp.sent.load(Ordering::SeqCst) < 20 << 20, "{name}: a huge answer was read");
        assert_eq!(idp.strays.load(Ordering::SeqCst), 0, "{name}: a redirect was followed");
        idp.be(Mood::Well);
        idp.discovery(json!({"issuer": ISSUER, "jwks_uri": idp.url("/keys")}));
        idp.show(json!([key()]));
        clock.advance(Duration::from_secs(10));
        assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken", "{name}, and well again");
    }
    assert_eq!(elsewhere.fetched(), 0, "another origin was asked");
}

#[tokio::test]
async fn a_slow_issuer_is_waited_for_ten_seconds_once_for_all() {
    let (idp, issuers, _) = started().await;
    idp.keys_be(Mood::Slow);
    let since = Instant::now();
    let (one, other) = (lasting("a"), lasting("b"));
    let (one, other) = tokio::join!(issuers.verify(&one), issuers.verify(&other));
    assert_eq!((outcome(&one).as_str(), outcome(&other).as_str()), ("unavailable", "unavailable"));
    assert!(since.elapsed() < Duration::from_secs(13), "{:?}", since.elapsed());
    assert_eq!(idp.fetched(), 1);
}

#[tokio::test]
async fn nobody_waits_for_an_issuer_that_is_known_to_be_down() {
    let (idp, issuers, clock) = started().await;
    assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken");
    idp.be(Mood::Status(503));
    clock.advance(10 * MINUTE);
    assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken");
    idp.be(Mood::Slow);
    clock.advance(MINUTE);
    let since = Instant::now();
    assert_eq!(outcome(&issuers.verify(&lasting("b")).await), "taken");
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

#[tokio::test]
async fn keys_work_for_a_day_while_the_issuer_is_down() {
    let (idp, issuers, clock) = started().await;
    assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken");
    idp.be(Mood::Status(503));
    for hour in 1..=23 {
        clock.advance(HOUR);
        assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken", "seen before, hour {hour}");
        assert_eq!(outcome(&issuers.verify(&lasting(&hour.to_string())).await), "taken", "hour {hour}");
    }
    clock.advance(2 * HOUR);
    assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "unavailable", "seen before");
    assert_eq!(outcome(&issuers.verify(&lasting("new")).await), "unavailable");
    idp.be(Mood::Well);
    clock.advance(MINUTE);
    assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken");
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_after_ten_minutes_at_most() {
    let (idp, issuers, clock) = started().await;
    let token = lasting("a");
    assert_eq!(outcome(&issuers.verify(&token).await), "taken");
    idp.show(json!([rsa_jwk(&keys().other_rsa, "rsa-2")]));
    clock.advance(5 * MINUTE - Duration::from_secs(1));
    assert_eq!(outcome(&issuers.verify(&token).await), "taken");
    assert_eq!(idp.fetched(), 1);
    clock.advance(5 * MINUTE + Duration::from_secs(1));
    assert!(outcome(&issuers.verify(&token).await).contains("has no such key"), "seen before");
    assert!(outcome(&issuers.verify(&lasting("b")).await).contains("has no such key"));
    assert_eq!(idp.fetched(), 2);
}

#[tokio::test]
async fn keys_in_use_are_fetched_anew_without_anyone_waiting() {
    let (idp, issuers, clock) = started().await;
    let token = lasting("a");
    assert_eq!(outcome(&issuers.verify(&token).await), "taken");
    idp.show(json!([ec_jwk("ec")]));
    clock.advance(5 * MINUTE);
    assert_eq!(outcome(&issuers.verify(&token).await), "taken", "with the keys at hand");
    let until = Instant::now() + Duration::from_secs(10);
    while outcome(&issuers.verify(&token).await) == "taken" {
        assert!(Instant::now() < until, "the keys were never fetched anew");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(idp.fetched(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_when_a_token_names_it() {
    let (idp, issuers, clock) = started().await;
    assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken");
    idp.show(json!([rsa_jwk(&keys().rsa, "rsa"), rsa_jwk(&keys().rsa, "rsa-2")]));
    let newer = token(json!({"kid": "rsa-2"}), json!({}));
    assert!(outcome(&issuers.verify(&newer).await).contains("has no such key"), "asked a moment ago");
    clock.advance(MINUTE);
    assert_eq!(outcome(&issuers.verify(&newer).await), "taken");
    assert_eq!(idp.fetched(), 2);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_once_a_minute_and_hinders_nobody() {
    let (idp, issuers, clock) = started().await;
    assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken");
    for minute in 0..3 {
        clock.advance(MINUTE);
        let flood = tokio::spawn({
            let issuers = Arc::clone(&issuers);
            async move {
                for at in 0..10_000 {
                    let said = outcome(&issuers.verify(&unknown(minute * 10_000 + at)).await);
                    assert!(said.contains("has no such key"), "{said}");
                    if at % 100 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            }
        });
        idp.be(if minute == 2 { Mood::Slow } else { Mood::Well });
        while !flood.is_finished() && minute < 2 {
            assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken");
            tokio::task::yield_now().await;
        }
        if minute == 2 {
            // Even while the flood waits for a slow issuer.
            tokio::time::sleep(Duration::from_millis(200)).await;
            let since = Instant::now();
            assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken");
            assert_eq!(outcome(&issuers.verify(&lasting("b")).await), "taken");
            assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
            flood.abort();
        } else {
            flood.await.unwrap();
        }
        let asked = idp.fetched() + idp.discoveries.load(Ordering::SeqCst);
        assert!(asked <= 2 * (minute + 2), "minute {minute}: asked {asked} times");
    }
}

#[tokio::test]
async fn a_proof_is_kept_as_long_as_token_and_keys_are() {
    let clock = Clock::turned(START);
    let key = |kid: &str| PublicKey::from_jwk(&rsa_jwk(&keys().rsa, kid)).unwrap();
    let local = LocalKeys::default();
    local.replace(vec![key("rsa")]);
    let issuer = TrustedIssuer::local("own", vec![ISSUER.into()], vec![crate::idp::AUDIENCE.into()], local.clone());
    let issuers = Issuers::new(vec![issuer], clock.clone()).unwrap();
    let token = token(json!({"typ": "at+jwt"}), json!({}));
    let first = issuers.verify(&token).await.unwrap();
    assert!(Arc::ptr_eq(&first, &issuers.verify(&token).await.unwrap()), "not kept");
    local.replace(vec![key("rsa")]);
    assert!(Arc::ptr_eq(&first, &issuers.verify(&token).await.unwrap()), "the keys are the same");
    local.replace(vec![key("rsa-2")]);
    assert!(outcome(&issuers.verify(&token).await).contains("has no such key"));
    local.replace(vec![key("rsa")]);
    let again = issuers.verify(&token).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &again), "an old proof came back");
    clock.advance(HOUR + Duration::from_secs(59));
    assert!(Arc::ptr_eq(&again, &issuers.verify(&token).await.unwrap()));
    clock.advance(Duration::from_secs(1));
    assert!(outcome(&issuers.verify(&token).await).contains("has expired"));
}

#[tokio::test]
async fn what_a_token_proves() {
    let (idp, clock) = (Idp::start().await, Clock::turned(START));
    let tid = "72F988BF-86F1-41AF-91AB-2D7CD011DB47";
    let issuers = idp.issuers(json!({"subject": "oid"}), &clock);
    let name = format!(" \u{202e}Anna\n\u{0}\u{200b} {}", "x".repeat(500));
    let claims = json!({"tid": tid, "oid": "o-1", "appid": "app-1", "client_id": "app-2", "name": name, "upn": "anna"});
    let verified = issuers.verify(&token(json!({}), claims)).await.unwrap();
    assert_eq!((&*verified.issuer, verified.subject.as_str()), ("idp", "o-1"));
    assert_eq!(verified.tenant, tid.to_lowercase());
    assert_eq!(verified.application.as_deref(), Some("app-1"));
    assert_eq!(verified.expires_at, START.plus_seconds(3_600));
    let name = verified.name.clone().unwrap();
    assert!(name.starts_with("Anna xxx") && name.chars().count() <= 128, "{name:?}");

    let bare =
        idp.issuers(json!({}), &clock).verify(&token(json!({}), json!({"name": " \n", "upn": "anna"}))).await.unwrap();
    assert_eq!((bare.tenant.as_str(), bare.subject.as_str(), &bare.application), ("", CANARY, &None));
    assert_eq!(bare.name.as_deref(), Some("anna"));
}

#[tokio::test]
async fn id_tokens_are_for_one_client_and_one_sign_in() {
    let (_idp, issuers, _) = started().await;
    let good = json!({"aud": "client-1", "nonce": "n-1"});
    for (name, header, claims, expected) in [
        ("good", json!({}), json!({}), "taken"),
        ("one audience in a list", json!({}), json!({"aud": ["client-1"]}), "taken"),
        ("its party", json!({}), json!({"azp": "client-1"}), "taken"),
        ("two audiences and its party", json!({}), json!({"aud": ["client-1", "x"], "azp": "client-1"}), "taken"),
        ("two audiences and no party", json!({}), json!({"aud": ["client-1", "x"]}), "for another client"),
        ("another party", json!({}), json!({"azp": "x"}), "for another client"),
        ("another audience", json!({}), json!({"aud": "client-2"}), "for another client"),
        ("a slash behind", json!({}), json!({"aud": "client-1/"}), "for another client"),
        ("no audience", json!({}), json!({"aud": "-"}), "malformed"),
        ("another nonce", json!({}), json!({"nonce": "n-2"}), "another sign-in"),
        ("the beginning of the nonce", json!({}), json!({"nonce": "n-"}), "another sign-in"),
        ("no nonce", json!({}), json!({"nonce": "-"}), "another sign-in"),
        ("expired", json!({}), json!({"exp": NOW - 60}), "expired"),
        ("an access token", json!({"typ": "at+jwt"}), json!({}), "not of the type"),
        ("signed by nobody", json!({"kid": "ec", "alg": "ES256"}), json!({}), "signature"),
        ("of nobody", json!({}), json!({"sub": "-"}), "does not say who"),
    ] {
        let mut all = good.clone();
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let token = token(header, all);
        let said = outcome(&issuers.verify_id_token("idp", &token, "client-1", "n-1").await);
        assert!(said.contains(expected), "{name}: {said}");
    }
    let token = token(json!({}), good.clone());
    assert!(outcome(&issuers.verify(&token).await).contains("for another audience"));
    assert!(outcome(&issuers.verify_id_token("other", &token, "client-1", "n-1").await).contains("not trusted"));
    for nonce in ["", "-"] {
        let without = crate::idp::token(json!({}), json!({"aud": "client-1", "nonce": nonce}));
        assert_ne!(
            outcome(&issuers.verify_id_token("idp", &without, "client-1", "").await),
            "taken",
            "nonce {nonce:?}"
        );
    }
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_at_the_start() {
    let clock = Clock::turned(START);
    let idp = Idp::start().await;
    for (more, said) in [
        (json!({"discovery": "http://idp.test/x"}), "use https"),
        (json!({"discovery": "http://10.0.0.1/x"}), "use https"),
        (json!({"discovery": "http://localhost.evil.test/x"}), "use https"),
        (json!({"discovery": "http://127.0.0.1.evil.test/x"}), "use https"),
        (json!({"jwks_uri": "http://idp.test/keys"}), "use https"),
        (json!({"jwks_uri": "file:///etc/passwd"}), "use https"),
        (json!({"discovery": "ftp://127.0.0.1/"}), "use https"),
        (json!({"discovery": "nonsense"}), "no URL"),
        (json!({"discovery": "https://me:secret@idp.test/"}), "must not hold a name or password"),
        (json!({"issuer": "http://idp.test", "discovery": "-"}), "use https"),
        (json!({"issuer": "", "discovery": "-"}), "`issuer` is empty"),
        (json!({"issuer": "https://login.test/{tenantid}", "discovery": "-"}), "say where `discovery` is"),
        (json!({"name": ""}), "`name` cannot be one"),
        (json!({"name": "En tra"}), "`name` cannot be one"),
        (json!({"audiences": []}), "`audiences` is empty"),
        (json!({"audiences": [""]}), "an audience is empty"),
        (json!({"algorithms": []}), "`algorithms` is empty"),
        (json!({"ca_file": "/nowhere/ca.pem"}), "ca_file"),
        (json!({"ca_file": concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")}), "ca_file"),
    ] {
        let refused = TrustedIssuer::remote(&idp.setting(more.clone()), clock.clone());
        let refused = format!("{:#}", refused.expect_err(&more.to_string()));
        assert!(refused.contains(said) && !refused.contains("secret@"), "{more}: {refused}");
    }
    for good in [
        json!({"discovery": "http://[::1]:1/"}),
        json!({"discovery": "http://localhost:1/"}),
        json!({"discovery": "https://idp.test/"}),
    ] {
        TrustedIssuer::remote(&idp.setting(good), clock.clone()).unwrap();
    }
    for bad in [
        json!({"name": "a"}),
        json!({"issuer": "a"}),
        json!({"name": "a", "issuer": "b", "audience": []}),
        json!({"name": "a", "issuer": "b", "algorithms": ["HS256"]}),
        json!({"name": "a", "issuer": "b", "subject": "email"}),
    ] {
        assert!(serde_json::from_value::<IssuerSetting>(bad.clone()).is_err(), "{bad}");
    }
    let one = |name: &str, issuer: &str| {
        TrustedIssuer::remote(&idp.setting(json!({"name": name, "issuer": issuer})), clock.clone()).unwrap()
    };
    for twice in
        [vec![one("a", "https://a"), one("a", "https://b")], vec![one("a", "https://a"), one("b", "https://a")]]
    {
        assert!(Issuers::new(twice, clock.clone()).is_err());
    }
}

#[test]
fn keys_that_cannot_check_tokens_are_refused() {
    let rsa = rsa_jwk(&keys().rsa, "rsa");
    for (change, said) in [
        (json!({"n": b64([0x7f; 256])}), "2048"),
        (json!({"n": b64([0x80; 1_025])}), "8192"),
        (json!({"n": b64([0x80; 128])}), "2048"),
        (json!({"n": ""}), "2048"),
        (json!({"n": "-"}), "missing"),
        (json!({"n": "AB=="}), "base64url"),
        (json!({"n": b64([vec![0; 200], vec![0xff; 256]].concat())}), ""),
        (json!({"e": ""}), "no RSA key"),
        (json!({"e": "-"}), "missing"),
        (json!({"d": "AQ"}), "private"),
        (json!({"alg": "RS512"}), "algorithm"),
        (json!({"alg": "ES256"}), "algorithm"),
        (json!({"alg": "HS256"}), "algorithm"),
        (json!({"crv": "P-256"}), "type or curve"),
        (json!({"kty": "rsa"}), "type or curve"),
        (json!({"kty": "EC"}), "type or curve"),
        (json!({"kty": "-"}), "no JWK"),
        (json!({"kid": 5}), "no JWK"),
        (json!({"use": "enc"}), "signatures"),
        (json!({"key_ops": ["sign"]}), "signatures"),
        (json!({"key_ops": []}), "signatures"),
    ] {
        let said_of_it = PublicKey::from_jwk(&with(rsa.clone(), change.clone())).expect_err(&change.to_string());
        assert!(said_of_it.contains(said), "{change}: {said_of_it}");
    }
    for (key, change) in [
        (ec_jwk("ec"), json!({"x": b64([0; 32]), "y": b64([0; 32])})),
        (ec_jwk("ec"), json!({"y": b64([1; 32])})),
        (ec_jwk("ec"), json!({"x": b64([1; 31])})),
        (ec_jwk("ec"), json!({"crv": "secp256k1"})),
        (ec_jwk("ec"), json!({"crv": "Ed25519"})),
        (crate::idp::ed_jwk("ed"), json!({"x": b64([1; 33])})),
        (crate::idp::ed_jwk("ed"), json!({"crv": "X25519"})),
        (crate::idp::ed_jwk("ed"), json!({"crv": "Ed448"})),
        (crate::idp::ed_jwk("ed"), json!({"alg": "ES256"})),
    ] {
        assert!(PublicKey::from_jwk(&with(key, change.clone())).is_err(), "{change}");
    }
}

#[tokio::test]
async fn the_setting_jwks_uri_says_where_the_keys_are() {
    let (idp, elsewhere, clock) = (Idp::start().await, Idp::start().await, Clock::turned(START));
    let issuers = idp.issuers(json!({"jwks_uri": elsewhere.url("/keys")}), &clock);
    assert_eq!(outcome(&issuers.verify(&lasting("a")).await), "taken");
    assert_eq!((idp.discoveries.load(Ordering::SeqCst), idp.fetched(), elsewhere.fetched()), (0, 0, 1));
}

#[tokio::test]
async fn an_issuer_with_a_certificate_of_its_own() {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = tokio_rustls::rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4_096]).await;
            let body = json!({"keys": [rsa_jwk(&keys().rsa, "rsa")]}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), certified.cert.pem()).unwrap();
    let (idp, clock) = (Idp::start().await, Clock::turned(START));
    let keys = format!("https://localhost:{port}/keys");
    let trusting = idp.issuers(json!({"jwks_uri": keys, "ca_file": file.path()}), &clock);
    assert_eq!(outcome(&trusting.verify(&lasting("a")).await), "taken");
    let wary = idp.issuers(json!({"jwks_uri": keys}), &clock);
    assert_eq!(outcome(&wary.verify(&lasting("a")).await), "unavailable");
}

#[tokio::test]
async fn tokens_of_another_library_are_taken() {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let (_idp, issuers, _) = started().await;
    let rsa = AsDer::<Pkcs8V1Der>::as_der(&keys().rsa).unwrap();
    let lines = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, rsa.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n");
    let rsa = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    let ec = EncodingKey::from_ec_der(keys().ec.to_pkcs8v1().unwrap().as_ref());
    let ed = EncodingKey::from_ed_der(keys().ed.to_pkcs8v1().unwrap().as_ref());
    for (algorithm, kid, key) in [
        (Algorithm::RS256, "rsa", &rsa),
        (Algorithm::PS256, "rsa", &rsa),
        (Algorithm::ES256, "ec", &ec),
        (Algorithm::EdDSA, "ed", &ed),
    ] {
        let header = Header { kid: Some(kid.into()), ..Header::new(algorithm) };
        let token = encode(&header, &good("RS256").1, key).unwrap();
        assert_eq!(outcome(&issuers.verify(&token).await), "taken", "{algorithm:?}");
    }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_change_of_state_is_logged_once_and_no_token_ever() {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    let _guard = tracing::subscriber::set_default(log.with_writer(move || writer.clone()).finish());
    let (idp, issuers, clock) = started().await;
    let token = lasting("a");
    idp.be(Mood::Status(503));
    for _ in 0..5 {
        clock.advance(MINUTE);
        let said = issuers.verify(&token).await;
        assert!(matches!(&said, Err(NotVerified::Unavailable(text)) if text.contains("idp")), "{said:?}");
    }
    idp.be(Mood::Well);
    for _ in 0..2 {
        clock.advance(11 * MINUTE);
        assert_eq!(outcome(&issuers.verify(&token).await), "taken");
    }
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.matches("cannot be fetched").count(), 1, "{text}");
    assert_eq!(text.matches("can be fetched again").count(), 1, "{text}");
    assert!(text.contains("503") && text.contains("discovery document"), "{text}");
    let parts: Vec<&str> = token.split('.').collect();
    assert!(!text.contains(parts[1]) && !text.contains(parts[2]) && !text.contains(CANARY), "{text}");
}

#[test]
fn a_setting_needs_a_name_and_an_issuer_only() {
    let setting: IssuerSetting = serde_json::from_value(json!({"name": "idp", "issuer": ISSUER})).unwrap();
    assert_eq!(setting.audiences, ["https://cloudpartner.azure.com"]);
    assert_eq!(setting.algorithms.len(), 4);
    assert_eq!((setting.subject, setting.ca_file, setting.tenants.len()), (None, None, 0));
}

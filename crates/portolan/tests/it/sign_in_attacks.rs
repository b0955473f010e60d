//! Attacks on signing in with a browser, on sessions and on forms: each is refused, and nobody is in.

use crate::browser::{Browser, query_of, query_with, says};
use crate::sign_in::{MAIL, PASSWORD, jane, operator, signed_in};
use crate::world::{Answer, PUBLIC_URL, World, vault};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portolan::issuer::{Asked, WEB_CLIENT};
use publishing::principal::Principal;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A browser on its way back from the built-in issuer, and the address that it is sent to. The password is left out.
async fn on_the_way_back(world: &World, who: &Principal, then: &str) -> (Browser, String) {
    let mut browser = Browser::new(world);
    let begun = browser.get(&format!("/sign-in?at=built-in&then={then}")).await;
    let page = begun.header("location").to_owned();
    let asked = Asked {
        client_id: query_of(&page, "client_id"),
        redirect_uri: query_of(&page, "redirect_uri"),
        state: query_of(&page, "state"),
        nonce: Some(query_of(&page, "nonce")),
        code_challenge: query_of(&page, "code_challenge"),
    };
    let consented = world.issuer.consent(asked, who).await.unwrap();
    (browser, consented.location)
}

/// Another byte at this place.
fn tampered(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

const COOKIE: &str = "portolan-sign-in";

#[tokio::test]
async fn whoever_comes_back_otherwise_than_sent_is_not_in() {
    const TOOK_LONG: &str = "The sign-in took too long, or was begun in another browser";
    const STATE: &str = "This answer belongs to another sign-in";
    const ISSUER: &str = "This answer is from another issuer";
    const CODE: &str = "The code was used, or took too long";
    const DENIED: &str = "The issuer did not let you in";
    type Attack = fn(&World, &mut Browser, &str, &Browser, &str) -> String;
    let attacks: [(&str, &str, Attack); 29] = [
        ("no state", STATE, |_, _, url, _, _| query_with(url, "state", None)),
        ("empty state", STATE, |_, _, url, _, _| query_with(url, "state", Some(""))),
        ("wrong state", STATE, |_, _, url, _, _| query_with(url, "state", Some("wrong"))),
        ("state in capitals", STATE, |_, _, url, _, _| {
            query_with(url, "state", Some(&format!("{}A", query_of(url, "state").to_uppercase())))
        }),
        ("state and more", STATE, |_, _, url, _, _| {
            query_with(url, "state", Some(&format!("{}0", query_of(url, "state"))))
        }),
        ("part of the state", STATE, |_, _, url, _, _| query_with(url, "state", Some(&query_of(url, "state")[1..]))),
        ("state of another browser", STATE, |_, _, url, _, theirs| {
            query_with(url, "state", Some(&query_of(theirs, "state")))
        }),
        ("answer of another browser", STATE, |_, _, _, _, theirs| theirs.to_owned()),
        ("cookie of another browser", STATE, |_, browser, url, other, _| {
            browser.cookies = other.cookies.clone();
            url.to_owned()
        }),
        ("no cookie", TOOK_LONG, |_, browser, url, _, _| {
            browser.cookies.clear();
            url.to_owned()
        }),
        ("empty cookie", TOOK_LONG, |_, browser, url, _, _| {
            browser.cookies.insert(COOKIE.into(), String::new());
            url.to_owned()
        }),
        ("cookie tampered at its beginning", TOOK_LONG, |_, browser, url, _, _| {
            let cookie = tampered(&browser.cookies[COOKIE], 0);
            browser.cookies.insert(COOKIE.into(), cookie);
            url.to_owned()
        }),
        ("cookie tampered in the middle", TOOK_LONG, |_, browser, url, _, _| {
            let cookie = browser.cookies[COOKIE].clone();
            browser.cookies.insert(COOKIE.into(), tampered(&cookie, cookie.len() / 2));
            url.to_owned()
        }),
        ("cookie cut short", TOOK_LONG, |_, browser, url, _, _| {
            let cookie = browser.cookies[COOKIE].clone();
            browser.cookies.insert(COOKIE.into(), cookie[..cookie.len() - 4].to_owned());
            url.to_owned()
        }),
        ("cookie in clear", TOOK_LONG, |_, browser, url, _, _| {
            browser.cookies.insert(COOKIE.into(), r#"{"started":{"provider":"built-in"}}"#.into());
            url.to_owned()
        }),
        ("cookie sealed for something else", TOOK_LONG, |_, browser, url, _, _| {
            let plain = vault().unseal(&browser.cookies[COOKIE], "sign-in cookie").unwrap();
            browser.cookies.insert(COOKIE.into(), vault().seal(&plain, "definition").unwrap());
            url.to_owned()
        }),
        ("two cookies", TOOK_LONG, |_, browser, url, other, _| {
            let two = format!("{}; {COOKIE}={}", browser.cookies[COOKIE], other.cookies[COOKIE]);
            browser.cookies.insert(COOKIE.into(), two);
            url.to_owned()
        }),
        ("cookie of 600 seconds", TOOK_LONG, |world, _, url, _, _| {
            world.clock.advance(Duration::from_secs(600));
            url.to_owned()
        }),
        ("code of 61 seconds", CODE, |world, _, url, _, _| {
            world.clock.advance(Duration::from_secs(61));
            url.to_owned()
        }),
        ("no code", DENIED, |_, _, url, _, _| query_with(url, "code", None)),
        ("empty code", DENIED, |_, _, url, _, _| query_with(url, "code", Some(""))),
        ("wrong code", CODE, |_, _, url, _, _| query_with(url, "code", Some("wrong"))),
        ("code of another browser", CODE, |_, _, url, _, theirs| {
            query_with(url, "code", Some(&query_of(theirs, "code")))
        }),
        ("error", DENIED, |_, _, url, _, _| query_with(&query_with(url, "code", None), "error", Some("access_denied"))),
        ("error beside a code", DENIED, |_, _, url, _, _| query_with(url, "error", Some("access_denied"))),
        ("no iss", ISSUER, |_, _, url, _, _| query_with(url, "iss", None)),
        ("empty iss", ISSUER, |_, _, url, _, _| query_with(url, "iss", Some(""))),
        ("iss of somebody else", ISSUER, |_, _, url, _, _| query_with(url, "iss", Some(crate::idp::ISSUER))),
        ("iss of version 1", ISSUER, |world, _, url, _, _| {
            query_with(url, "iss", Some(&world.issuer.place().issuer_v1()))
        }),
    ];
    let world = World::new().await;
    let jane = jane(&world).await;
    for (name, expected, attack) in attacks {
        let (mut browser, url) = on_the_way_back(&world, &jane, "/account").await;
        let (other, theirs) = on_the_way_back(&world, &jane, "/account").await;
        let url = attack(&world, &mut browser, &url, &other, &theirs);
        let answer = browser.get(&url).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.body);
        assert!(says(&answer, expected) && !answer.headers.contains_key("location"), "{name}: {}", answer.body);
        assert_eq!(browser.session(), "", "{name}");
        assert!(!browser.cookies.contains_key(COOKIE), "{name}: the cookie of the way there is dropped");
        assert!(!browser.is_in().await, "{name}");
    }
    // And as it was sent.
    let (mut browser, url) = on_the_way_back(&world, &jane, "/account").await;
    let replayed = browser.clone();
    world.clock.advance(Duration::from_secs(59));
    let answer = browser.get(&url).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/account"), "{}", answer.body);
    assert!(browser.is_in().await);
    let mut replayed = replayed;
    let answer = replayed.get(&url).await;
    assert!(answer.status == 400 && says(&answer, CODE) && !replayed.is_in().await, "{}", answer.body);
}

/// What a client asks for that keeps this verifier.
fn asked(verifier: &str) -> Asked {
    Asked {
        client_id: WEB_CLIENT.into(),
        redirect_uri: format!("{PUBLIC_URL}/sign-in/callback"),
        state: "state".into(),
        nonce: Some("nonce".into()),
        code_challenge: URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)),
    }
}

#[tokio::test]
async fn a_code_is_for_one_client_one_address_one_verifier_and_one_time() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let good = asked("").redirect_uri;
    let redeem = async |code: &str, client: &str, address: &str, verifier: &str| -> Answer {
        let form = [("grant_type", "authorization_code"), ("code", code), ("client_id", client)];
        let form = form.into_iter().chain([("redirect_uri", address), ("code_verifier", verifier)]);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        world.send("POST", "/common/oauth2/v2.0/token", &[("authorization", "none")], body).await
    };
    for (name, client, address, verifier) in [
        ("another verifier", WEB_CLIENT, good.as_str(), "other"),
        ("the challenge", WEB_CLIENT, good.as_str(), asked("verifier").code_challenge.as_str()),
        ("the verifier and more", WEB_CLIENT, good.as_str(), "verifier "),
        ("another client", "other", good.as_str(), "verifier"),
        ("the client in capitals", "PORTOLAN-WEB", good.as_str(), "verifier"),
        ("another address", WEB_CLIENT, "http://evil.example/sign-in/callback", "verifier"),
        ("the address with a query", WEB_CLIENT, &format!("{good}?x"), "verifier"),
        ("the address with a slash", WEB_CLIENT, &format!("{good}/"), "verifier"),
    ] {
        let code = query_of(&world.issuer.consent(asked("verifier"), &jane).await.unwrap().location, "code");
        let refused = redeem(&code, client, address, verifier).await;
        assert_eq!((refused.status, &refused.json()["error"]), (400, &"invalid_grant".into()), "{name}");
        let late = redeem(&code, WEB_CLIENT, &good, "verifier").await;
        assert_eq!(late.json()["error"], "invalid_grant", "{name}: the code is gone with the try");
    }
    let code = query_of(&world.issuer.consent(asked("verifier"), &jane).await.unwrap().location, "code");
    let (one, two) =
        tokio::join!(redeem(&code, WEB_CLIENT, &good, "verifier"), redeem(&code, WEB_CLIENT, &good, "verifier"));
    assert_eq!([one.status, two.status].iter().filter(|status| **status == 200).count(), 1, "two at once");
    for seconds in [59, 60] {
        let code = query_of(&world.issuer.consent(asked("verifier"), &jane).await.unwrap().location, "code");
        world.clock.advance(Duration::from_secs(seconds));
        let answer = redeem(&code, WEB_CLIENT, &good, "verifier").await;
        assert_eq!(answer.status, if seconds < 60 { 200 } else { 400 }, "{seconds}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_sign_in_page_sends_nobody_where_it_should_not() {
    let world = World::new().await;
    jane(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.begin("built-in").await;
    let (good, long) = (format!("{PUBLIC_URL}/sign-in/callback"), "x".repeat(513));
    let mut attacks: Vec<(&str, Option<String>)> = [
        format!("{good}.evil.example"),
        format!("{good}/"),
        format!("{good}/more"),
        format!("{good}?x=1"),
        format!("{good}#x"),
        format!("{good}/../../elsewhere"),
        format!("{good}%2f"),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good},{good}"),
        good.to_uppercase(),
        good.replace("callback", "Callback"),
        good.replace("http:", "https:"),
        good.replace("http:", "HTTP:"),
        good.replace("http:", ""),
        good.replace("portolan.test", "portolan.test.evil.example"),
        good.replace("portolan.test", "PORTOLAN.test"),
        good.replace("portolan.test", "portolan.test:8080"),
        good.replace("portolan.test", "portolan.test@evil.example"),
        good.replace("portolan.test", "x@portolan.test"),
        good.replace("portolan.test", "evil.example#portolan.test"),
        good.replace("portolan.test", "evil.example\\portolan.test"),
        good.replace("/sign-in", "//sign-in"),
        good.replace("/sign-in", "/x/../sign-in"),
        "https://evil.example/".into(),
        "/sign-in/callback".into(),
        "javascript:alert(1)".into(),
        "data:text/html,x".into(),
        "urn:ietf:wg:oauth:2.0:oob".into(),
        String::new(),
    ]
    .into_iter()
    .map(|address| ("redirect_uri", Some(address)))
    .collect();
    attacks.push(("redirect_uri", None));
    for (name, value) in [
        ("client_id", None),
        ("client_id", Some("other")),
        ("client_id", Some("Portolan-Web")),
        ("response_type", None),
        ("response_type", Some("token")),
        ("response_type", Some("code token")),
        ("response_type", Some("id_token")),
        ("code_challenge_method", None),
        ("code_challenge_method", Some("plain")),
        ("code_challenge_method", Some("s256")),
        ("code_challenge", None),
        ("code_challenge", Some("")),
        ("code_challenge", Some("short")),
        ("state", None),
        ("state", Some("")),
        ("state", Some(long.as_str())),
    ] {
        attacks.push((name, value.map(str::to_owned)));
    }
    for (name, value) in attacks {
        let url = query_with(&page, name, value.as_deref());
        let shown = browser.get(&url).await;
        let sent = browser.post(&url, &[("mail", MAIL), ("password", PASSWORD)]).await;
        for answer in [shown, sent] {
            assert_eq!(answer.status, 400, "{name} {value:?}: {}", answer.body);
            assert!(!answer.headers.contains_key("location"), "{name} {value:?}");
            // But for the one at the foot, which chooses a language.
            let forms = answer.body.matches("<form").count();
            assert!(forms == 1 && !says(&answer, "evil"), "{name} {value:?}: {}", answer.body);
        }
    }
    // Members beside those are left alone, and the right password leads back, to our own address alone.
    let url = query_with(&page, "prompt", Some("login"));
    let answer = browser.post(&url, &[("mail", MAIL), ("password", PASSWORD)]).await;
    assert!(answer.header("location").starts_with(&format!("{good}?code=")), "{}", answer.header("location"));
    assert_eq!(answer.status, 303);
}

#[tokio::test]
async fn the_password_goes_nowhere_else_whatever_the_path_is() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.begin("built-in").await;
    let query = page.split_once('?').unwrap().1;
    for target in [
        format!("/\\evil.example/oauth2/v2.0/authorize?{query}"),
        format!("//evil.example/oauth2/v2.0/authorize?{query}"),
        format!("http://evil.example/x/oauth2/v2.0/authorize?{query}"),
        format!("/common/oauth2/v2.0/authorize/?{query}"),
    ] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: portolan.test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(!answer.to_ascii_lowercase().contains("\nlocation:"), "{target}: {answer}");
        let actions = answer.split("action=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        assert!(
            actions.into_iter().all(|action| action.starts_with('?') || action == "/display"),
            "{target}: {answer}"
        );
    }
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_after_signing_in() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let long = format!("/{}", "x".repeat(1_000));
    for (then, expected) in [
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/%5Cevil.example", "/"),
        ("/x%5Cevil.example", "/"),
        ("%2F%2Fevil.example", "/"),
        ("%2F%5Cevil.example", "/"),
        ("https:%2F%2Fevil.example", "/"),
        ("https:evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("evil.example", "/"),
        ("@evil.example", "/"),
        (".evil.example", "/"),
        ("", "/"),
        ("%09%2F%2Fevil.example", "/"),
        ("%2F%09%2Fevil.example", "/"),
        ("%2F%0A%2Fevil.example", "/"),
        ("%20%2F%2Fevil.example", "/"),
        ("%2Faccount%0D%0ASet-Cookie:%20portolan=planted", "/"),
        ("%2Faccount%00", "/"),
        ("%2Fa%C3%A9", "/"),
        (long.as_str(), "/"),
        // These stay here: a browser takes nothing of them for a host.
        ("%252F%252Fevil.example", "/"),
        ("%2F%252F%252Fevil.example", "/%2F%2Fevil.example"),
        ("%2Faccount%3Fx%3D%2F%2Fevil.example", "/account?x=//evil.example"),
        ("/account", "/account"),
    ] {
        let (mut browser, url) = on_the_way_back(&world, &jane, then).await;
        let answer = browser.get(&url).await;
        assert_eq!((answer.status, answer.header("location")), (303, expected), "{then}");
        assert!(browser.is_in().await);
    }
}

#[tokio::test]
async fn a_cookie_planted_before_is_not_the_session_afterwards() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let (mut browser, url) = on_the_way_back(&world, &jane, "/account").await;
    browser.cookies.insert("portolan".into(), "planted".into());
    assert!(!browser.is_in().await);
    browser.get(&url).await;
    assert_ne!(browser.session(), "planted");
    assert!(browser.is_in().await && browser.session().len() == 64);
    let mut attacker = Browser::new(&world);
    attacker.cookies.insert("portolan".into(), "planted".into());
    assert!(!attacker.is_in().await);
    // Also where it is a real one: the attacker's own.
    let mut attacker = signed_in(&world, &operator(&world).await).await;
    let (mut browser, url) = on_the_way_back(&world, &jane, "/account").await;
    browser.cookies.insert("portolan".into(), attacker.session());
    browser.get(&url).await;
    assert_ne!(browser.session(), attacker.session());
    assert!(says(&browser.get("/account").await, MAIL) && !attacker.is_in().await);
    // Of two cookies nobody knows which one was planted.
    let real = browser.session();
    for cookies in [format!("portolan=planted; portolan={real}"), format!("portolan={real}; portolan=planted")] {
        assert_eq!(browser.ask("GET", "/account", &[("cookie", &cookies)], "").await.status, 303, "{cookies}");
    }
    for cookies in [format!("Portolan={real}"), format!("__Host-portolan={real}"), format!("portolan={real}0")] {
        assert_eq!(browser.ask("GET", "/account", &[("cookie", &cookies)], "").await.status, 303, "{cookies}");
    }
    // The hash that is stored opens nothing.
    let stored = portolan::auth::secret_hash(&real).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let cookies = format!("portolan={stored}");
    assert_eq!(browser.ask("GET", "/account", &[("cookie", &cookies)], "").await.status, 303);
}

#[tokio::test]
async fn forms_are_taken_from_our_own_pages_alone() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let mut browser = signed_in(&world, &jane).await;
    let mut other = signed_in(&world, &jane).await;
    let (token, others) = (browser.form_token().await, other.form_token().await);
    assert_ne!(token, others);
    let ours = ("sec-fetch-site", "same-origin");
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let attacks: [(&str, &str, Headers<'_>); 20] = [
        ("no token", "", &[ours]),
        ("another session's token", &others, &[ours]),
        ("the token in capitals", &token.to_uppercase(), &[ours]),
        ("part of the token", &token[1..], &[ours]),
        ("the token and more", &format!("{token}0"), &[ours]),
        ("the cookie as token", &browser.session(), &[ours]),
        ("cross-site", &token, &[("sec-fetch-site", "cross-site")]),
        ("same-site", &token, &[("sec-fetch-site", "same-site")]),
        ("none", &token, &[("sec-fetch-site", "none")]),
        ("no word of it", &token, &[("sec-fetch-site", "")]),
        ("cross-site with our origin", &token, &[("sec-fetch-site", "cross-site"), ("origin", PUBLIC_URL)]),
        ("capitals", &token, &[("sec-fetch-site", "Same-Origin")]),
        ("unreadable", &token, &[("sec-fetch-site", "sæme-origin")]),
        ("another origin", &token, &[("origin", "http://evil.example")]),
        ("another port", &token, &[("origin", "http://portolan.test:8080")]),
        ("a longer host", &token, &[("origin", "http://portolan.test.evil.example")]),
        ("a subdomain", &token, &[("origin", "http://x.portolan.test")]),
        ("null", &token, &[("origin", "null")]),
        ("an empty origin", &token, &[("origin", "")]),
        ("an unreadable origin", &token, &[("origin", "http://pörtolan.test")]),
    ];
    for (name, token, headers) in attacks {
        for (path, form) in [
            ("/sign-out", &[("form_token", token)][..]),
            ("/account/sessions/end", &[("form_token", token), ("session", "all")]),
        ] {
            let answer = browser.post_with(path, form, headers).await;
            assert_eq!(answer.status, 403, "{name} {path}: {}", answer.body);
            assert!(!answer.headers.contains_key("set-cookie"), "{name}");
        }
    }
    // Forms that need no session either.
    for path in ["/setup", "/invitation"] {
        for headers in [[("sec-fetch-site", "cross-site")], [("origin", "http://evil.example")], [("origin", "null")]] {
            assert_eq!(browser.post_with(path, &[("secret", "x")], &headers).await.status, 403, "{path} {headers:?}");
        }
    }
    let page = browser.begin("built-in").await;
    let form = [("mail", MAIL), ("password", PASSWORD)];
    assert_eq!(browser.post_with(&page, &form, &[("origin", "http://evil.example")]).await.status, 403);
    // A field twice, a query instead of a form, another method in a header or a field.
    let twice = format!("form_token={token}&form_token={token}");
    assert_eq!(browser.ask("POST", "/sign-out", &[ours], &twice).await.status, 400);
    assert_eq!(browser.ask("POST", &format!("/sign-out?form_token={token}"), &[ours], "").await.status, 403);
    let huge = format!("form_token={token}&x={}", "x".repeat(70_000));
    assert_eq!(browser.ask("POST", "/sign-out", &[ours], &huge).await.status, 400);
    let json = format!("{{\"form_token\":\"{token}\"}}");
    assert_eq!(browser.ask("POST", "/sign-out", &[ours, ("content-type", "text/plain")], &json).await.status, 403);
    for path in ["/sign-out", "/account/sessions/end"] {
        for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
            let path = format!("{path}?form_token={token}&session=all&_method=POST");
            let headers = [ours, ("x-http-method-override", "POST"), ("x-method-override", "POST")];
            let answer = browser.ask(method, &path, &headers, &format!("form_token={token}&session=all")).await;
            assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method} {path}");
        }
    }
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let answer = browser.post_with("/setup", &[("secret", "x")], &[ours, (header, "GET")]).await;
        assert_eq!(answer.status, 400, "{header}: it stays a POST");
    }
    assert!(browser.is_in().await && other.is_in().await, "all of it came to nothing");
    // What is no browser says neither; and an older one says its origin.
    assert_eq!(other.post_with("/sign-out", &[("form_token", &others)], &[("origin", PUBLIC_URL)]).await.status, 200);
    assert_eq!(browser.post_with("/sign-out", &[("form_token", &token)], &[]).await.status, 200);
}

#[tokio::test]
async fn pages_and_api_have_each_their_own_key() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let mut browser = signed_in(&world, &jane).await;
    let cookie = format!("portolan={}", browser.session());
    let path = "/api/publishers/contoso/offers";
    let answer = world.send("GET", path, &[("cookie", &cookie), ("authorization", "none")], "").await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    for bearer in [browser.session(), browser.form_token().await] {
        let bearer = format!("Bearer {bearer}");
        assert_eq!(world.send("GET", path, &[("authorization", &bearer)], "").await.status, 401);
    }
    let bearer = format!("Bearer {}", world.token_of(&jane).await);
    assert_eq!(world.send("GET", path, &[("authorization", &bearer)], "").await.status, 200, "the token is good");
    let mut nobody = Browser::new(&world);
    let answer = nobody.ask("GET", "/account", &[("authorization", &bearer)], "").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/sign-in?then=%2Faccount"));
    let answer = nobody.post_with("/sign-out", &[], &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, 303, "nor does it act: {}", answer.body);
}

#[tokio::test]
async fn head_shows_what_get_would() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let mut browser = signed_in(&world, &jane).await;
    for path in ["/", "/account", "/setup", "/invitation", "/sign-in"] {
        let (head, get) = (browser.ask("HEAD", path, &[], "").await, browser.get(path).await);
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        for header in ["content-type", "cache-control", "content-security-policy", "x-frame-options"] {
            assert_eq!(head.header(header), get.header(header), "{path}");
        }
    }
    assert_eq!(Browser::new(&world).ask("HEAD", "/account", &[], "").await.status, 303);
}

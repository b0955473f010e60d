//! Signing in with a browser, as people do: the first operator, an invitation, sessions, and how they end.

use crate::browser::{Browser, field, says};
use crate::world::{Setting, World};
use portolan::auth::Sessions;
use portolan::http::LimitSettings;
use publishing::principal::Principal;
use serde_json::json;
use std::time::Duration;

pub const PASSWORD: &str = "correct horse battery";
pub const MAIL: &str = "jane@contoso.example";

/// Invites Jane, a reader of contoso, and lets her choose her password.
pub async fn jane(world: &World) -> Principal {
    let code = world.invite("Jane Doe", MAIL, "reader").await;
    let mut browser = Browser::new(world);
    let answer = accept(&mut browser, &code, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    world.store.user(MAIL).unwrap().unwrap()
}

pub async fn accept(browser: &mut Browser, code: &str, password: &str) -> crate::world::Answer {
    browser.post("/invitation", &[("secret", code), ("password", password), ("again", password)]).await
}

/// A browser with a session that is there without a password: those take their time.
pub async fn signed_in(world: &World, principal: &Principal) -> Browser {
    let sessions = Sessions::new(world.store.clone(), world.clock.clone());
    let cookie = sessions.begin(principal, "Test/1.0", "127.0.0.1".into()).await.unwrap();
    let mut browser = Browser::new(world);
    let name = if world.public_url.starts_with("https") { "__Host-portolan" } else { "portolan" };
    browser.cookies.insert(name.into(), cookie);
    browser
}

#[tokio::test]
async fn the_first_operator_signs_in_and_out() {
    let world = World::new().await;
    let secret = world.setup_secret().await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.open("/").await.status, 200, "leads to the form");
    let form = [("secret", secret.as_str()), ("name", "Olga <Operator>"), ("mail", "Olga@Portolan.example")];
    let form: Vec<_> = form.into_iter().chain([("password", PASSWORD), ("again", PASSWORD)]).collect();
    let made = browser.post("/setup", &form).await;
    assert_eq!((made.status, browser.cookies.len()), (200, 1), "nobody is signed in by it: {}", made.body);
    assert!(says(&made, "You are the first operator") && says(&made, "olga@portolan.example"), "{}", made.body);
    let again = browser.post("/setup", &form).await;
    assert!(again.status == 400 && says(&again, "it was used"), "{}", again.body);

    let account = browser.sign_in("  OLGA@portolan.example ", PASSWORD).await;
    assert_eq!(account.status, 200, "{}", account.body);
    assert!(says(&account, "Olga &#60;Operator&#62;") && says(&account, "olga@portolan.example"), "{}", account.body);
    assert!(says(&account, "The marketplace") && says(&account, "operator"), "{}", account.body);
    assert!(says(&account, "this one") && says(&account, "Test/1.0") && says(&account, "127.0.0.1"));
    assert_eq!(browser.cookie_names(), ["portolan"], "the cookie of the way there is gone");

    let mut second = Browser::new(&world);
    second.agent = "Second/2.0".into();
    second.sign_in("olga@portolan.example", PASSWORD).await;
    let account = browser.get("/account").await;
    assert!(says(&account, "Second/2.0"), "{}", account.body);
    let other = account.body.split_once("name=\"session\" value=\"").unwrap().1.split_once('"').unwrap().0;
    let token = browser.form_token().await;
    let ended = browser.post("/account/sessions/end", &[("form_token", &token), ("session", other)]).await;
    assert_eq!((ended.status, ended.header("location")), (303, "/account"));
    assert!(browser.is_in().await && !second.is_in().await);
    assert!(!says(&browser.get("/account").await, "Second/2.0"));

    let before = browser.clone();
    let out = browser.post("/sign-out", &[("form_token", &token)]).await;
    assert!(out.status == 200 && says(&out, "signed out") && browser.cookies.is_empty(), "{}", out.body);
    assert!(!before.clone().is_in().await, "the session is gone, not only the cookie");
}

#[tokio::test]
async fn an_invited_user_chooses_a_password_and_ends_all_sessions() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let mut first = Browser::new(&world);
    let account = first.sign_in(MAIL, PASSWORD).await;
    assert!(account.status == 200 && says(&account, "contoso") && says(&account, "reader"), "{}", account.body);
    let mut second = signed_in(&world, &jane).await;
    let mut stranger = signed_in(&world, &operator(&world).await).await;
    let token = first.form_token().await;
    let all = [("form_token", token.as_str()), ("session", "all")];
    // A field that is no id, and none at all, end nothing.
    for session in ["", "ALL", "all ", "no id"] {
        first.post("/account/sessions/end", &[("form_token", &token), ("session", session)]).await;
        assert!(first.is_in().await && second.is_in().await, "{session:?}");
    }
    let answer = first.post("/account/sessions/end", &all).await;
    let page = first.follow(answer).await;
    assert!(page.status == 200 && says(&page, "Password"), "{}", page.body);
    assert!(!first.is_in().await && !second.is_in().await && stranger.is_in().await);
}

/// A user of the marketplace's staff, without a password.
pub async fn operator(world: &World) -> Principal {
    let body = json!({"kind": "user", "name": "Olga", "mail": "olga@portolan.example", "roles": ["operator"]});
    let (token, path) = (format!("Bearer {}", world.staff_token), "/api/staff");
    let added = world.send("POST", path, &[("authorization", &token)], body.to_string()).await;
    assert_eq!(added.status, 201, "{}", added.body);
    world.store.user("olga@portolan.example").unwrap().unwrap()
}

#[tokio::test]
async fn nobody_ends_the_sessions_of_others() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let mut janes = signed_in(&world, &jane).await;
    let session = world.store.sessions(jane.id).unwrap()[0].id.to_string();
    let mut other = signed_in(&world, &operator(&world).await).await;
    let token = other.form_token().await;
    other.post("/account/sessions/end", &[("form_token", &token), ("session", &session)]).await;
    assert!(janes.is_in().await && other.is_in().await);
}

#[tokio::test]
async fn over_https_cookies_are_bound_to_the_host() {
    let world = World::with(Setting { public_url: "https://portolan.test", ..Setting::default() }).await;
    jane(&world).await;
    let mut browser = Browser::new(&world);
    browser.begin("built-in").await;
    assert_eq!(browser.cookie_names(), ["__Host-portolan-sign-in"], "the browser looked at Secure and the rest");
    assert_eq!(browser.sign_in(MAIL, PASSWORD).await.status, 200);
    assert_eq!(browser.cookie_names(), ["__Host-portolan"]);
    // Without the prefix anybody next door could have set it.
    let value = browser.cookies.remove("__Host-portolan").unwrap();
    browser.cookies.insert("portolan".into(), value);
    assert!(!browser.is_in().await);
}

#[tokio::test]
async fn sessions_end_when_unused_and_after_twelve_hours() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let mut idle = signed_in(&world, &jane).await;
    world.clock.advance(Duration::from_secs(29 * 60));
    assert!(idle.is_in().await);
    world.clock.advance(Duration::from_secs(29 * 60));
    assert!(idle.is_in().await, "it was used meanwhile");
    world.clock.advance(Duration::from_secs(31 * 60));
    assert!(!idle.is_in().await);
    let mut used = signed_in(&world, &jane).await;
    for minutes in (20..12 * 60).step_by(20) {
        world.clock.advance(Duration::from_secs(20 * 60));
        assert!(used.is_in().await, "{minutes} minutes");
    }
    world.clock.advance(Duration::from_secs(20 * 60 - 1));
    assert!(used.is_in().await);
    world.clock.advance(Duration::from_secs(1));
    assert!(!used.is_in().await, "twelve hours");
    let sessions = Sessions::new(world.store.clone(), world.clock.clone());
    assert_eq!(sessions.list(jane.id).unwrap(), [], "nor is it listed");
}

#[tokio::test]
async fn a_new_password_ends_the_sessions() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let mut browser = signed_in(&world, &jane).await;
    let token = format!("Bearer {}", world.staff_token);
    // Only an operator may invite somebody again who has a password; and only where she was made.
    let path = format!("/api/publishers/contoso/members/{}/invitation", jane.id);
    let refused = world.post(&path, "").await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let invited = world.send("POST", &path, &[("authorization", &token)], "").await;
    assert_eq!(invited.status, 201, "{}", invited.body);
    assert!(browser.is_in().await, "the invitation alone changes nothing");
    let code = invited.json()["code"].as_str().unwrap().to_owned();
    let answer = accept(&mut Browser::new(&world), &code, "another long password").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(!browser.is_in().await);
    assert_eq!(Browser::new(&world).password(MAIL, PASSWORD).await.status, 401, "the old one is void");
    assert_eq!(Browser::new(&world).sign_in(MAIL, "another long password").await.status, 200);
}

#[tokio::test]
async fn who_is_no_member_any_more_has_no_roles_at_the_next_request() {
    let world = World::new().await;
    let jane = jane(&world).await;
    let mut browser = signed_in(&world, &jane).await;
    assert!(says(&browser.get("/account").await, "<td>contoso</td>"));
    let removed = world.send("DELETE", &format!("/api/publishers/contoso/members/{}", jane.id), &[], "").await;
    assert_eq!(removed.status, 204, "{}", removed.body);
    let account = browser.get("/account").await;
    assert!(says(&account, "You are a member of nothing yet") && !says(&account, "contoso</td>"), "{}", account.body);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let world = World::new().await;
    jane(&world).await;
    let mut browser = Browser::new(&world);
    browser.sign_in(MAIL, PASSWORD).await;
    let mut before = browser.clone();
    browser.sign_in(MAIL, PASSWORD).await;
    assert!(browser.is_in().await && !before.is_in().await);
    let page = browser.get("/account").await;
    assert_eq!(page.body.matches("Test/1.0").count(), 1, "{}", page.body);
}

#[tokio::test]
async fn a_setup_secret_and_an_invitation_are_good_once_also_at_once() {
    let world = World::new().await;
    let secret = world.setup_secret().await;
    let code = world.invite("Jane Doe", MAIL, "reader").await;
    let setup = async |mail: &str| {
        let form = [("secret", secret.as_str()), ("name", "Olga"), ("mail", mail), ("password", PASSWORD)];
        let form: Vec<_> = form.into_iter().chain([("again", PASSWORD)]).collect();
        Browser::new(&world).post("/setup", &form).await
    };
    let (one, two) = tokio::join!(setup("one@portolan.example"), setup("two@portolan.example"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400], "{} {}", one.body, two.body);
    let users = ["one@portolan.example", "two@portolan.example"].map(|mail| world.store.user(mail).unwrap());
    assert_eq!(users.iter().flatten().count(), 1, "the loser left nothing behind");

    let (mut first, mut second) = (Browser::new(&world), Browser::new(&world));
    let (one, two) = tokio::join!(accept(&mut first, &code, PASSWORD), accept(&mut second, &code, "another password"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400], "{} {}", one.body, two.body);
    let winner = if one.status == 200 { PASSWORD } else { "another password" };
    assert_eq!(Browser::new(&world).sign_in(MAIL, winner).await.status, 200);
    assert_eq!(accept(&mut first, &code, PASSWORD).await.status, 400);
    // Nor is one secret good in the other's place, or after its time.
    let fresh = world.setup_secret().await;
    assert_eq!(accept(&mut first, &fresh, PASSWORD).await.status, 400);
    let code = world.invite("Climber", "climber@contoso.example", "reader").await;
    for (secret, mail) in
        [(code.as_str(), "climber@contoso.example"), (&code, "new@contoso.example"), ("", "x@y.example")]
    {
        let form = [("secret", secret), ("name", "Climber"), ("mail", mail), ("password", PASSWORD)];
        let form: Vec<_> = form.into_iter().chain([("again", PASSWORD)]).collect();
        let answer = Browser::new(&world).post("/setup", &form).await;
        assert!(answer.status == 400 && says(&answer, "not the setup secret"), "{}", answer.body);
    }
    assert_eq!(accept(&mut first, &code, PASSWORD).await.status, 200, "it is still good for what it is for");
    let late = world.invite("Late", "late@contoso.example", "reader").await;
    world.clock.advance(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(accept(&mut first, &late, PASSWORD).await.status, 400, "a week is over");
}

#[tokio::test]
async fn staff_that_lost_the_way_in_keep_their_roles() {
    let world = World::new().await;
    let olga = operator(&world).await;
    let (token, path) = (format!("Bearer {}", world.staff_token), format!("/api/staff/{}", olga.id));
    let auditor = world.send("PUT", &path, &[("authorization", &token)], r#"{"roles":["auditor"]}"#).await;
    assert_eq!(auditor.status, 200, "{}", auditor.body);
    let secret = world.setup_secret().await;
    let form = [("secret", secret.as_str()), ("name", "Olga"), ("mail", "olga@portolan.example")];
    let form: Vec<_> = form.into_iter().chain([("password", PASSWORD), ("again", PASSWORD)]).collect();
    let mut browser = signed_in(&world, &olga).await;
    assert_eq!(Browser::new(&world).post("/setup", &form).await.status, 200);
    assert!(!browser.is_in().await, "the password is new");
    let account = browser.sign_in("olga@portolan.example", PASSWORD).await;
    assert!(says(&account, "<td>operator, auditor</td>") && says(&account, &olga.id.to_string()), "{}", account.body);
}

#[tokio::test]
async fn passwords_are_taken_as_they_are_or_refused_with_the_reason() {
    let world = World::new().await;
    let long = "x".repeat(1_025);
    let full = "ß".repeat(512);
    let code = world.invite("Jane Doe", MAIL, "reader").await;
    let mut browser = Browser::new(&world);
    for (password, again, fault) in [
        ("elevenchars", "elevenchars", "12 characters or more"),
        ("", "", "12 characters or more"),
        ("ßßßßßßßßßßß", "ßßßßßßßßßßß", "12 characters or more"),
        (long.as_str(), long.as_str(), "at most 1,024 bytes"),
        ("one long password", "one long passwort", "The two passwords differ"),
        ("one long password", "", "The two passwords differ"),
    ] {
        let form = [("secret", code.as_str()), ("password", password), ("again", again)];
        let answer = browser.post("/invitation", &form).await;
        assert!(answer.status == 400 && says(&answer, fault), "{password:?}: {}", answer.body);
        let typed = !password.is_empty() && answer.body.contains(password);
        assert!(!typed && !answer.body.contains(&code), "no secret comes back: {}", answer.body);
    }
    // The code is still good; NUL, Unicode and all lengths up to the bound are passwords, and each byte counts.
    for (at, (good, bad)) in [
        ("zero\0and after it", "zero\0and after IT"),
        ("пароль из слов 🔑", "пароль из слов 🔒"),
        (full.as_str(), "ß"),
        ("  blanks around  ", "blanks around"),
    ]
    .into_iter()
    .enumerate()
    {
        let mail = format!("user{at}@contoso.example");
        let code = world.invite("User", &mail, "reader").await;
        assert_eq!(accept(&mut browser, &code, good).await.status, 200, "{good:?}");
        assert_eq!(Browser::new(&world).password(&mail, bad).await.status, 401, "{bad:?}");
        assert_eq!(Browser::new(&world).sign_in(&mail, good).await.status, 200, "{good:?}");
    }
    assert_eq!(accept(&mut browser, &code, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_look_the_same() {
    let world = World::new().await;
    jane(&world).await;
    world.invite("Not yet", "not-yet@contoso.example", "reader").await;
    let mut browser = Browser::new(&world);
    let page = browser.begin("built-in").await;
    let mut medians = Vec::new();
    let mut bodies = Vec::new();
    for mail in [MAIL, "nobody@contoso.example", "not-yet@contoso.example"] {
        let mut times = Vec::new();
        for _ in 0..5 {
            let began = std::time::Instant::now();
            let answer = browser.post(&page, &[("mail", mail), ("password", "wrong password")]).await;
            times.push(began.elapsed());
            assert_eq!(answer.status, 401);
            bodies.push(answer.body.replace(mail, "MAIL"));
        }
        times.sort_unstable();
        medians.push(times[2]);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    println!("medians: known {:?}, unknown {:?}, invited {:?}", medians[0], medians[1], medians[2]);
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    assert!(*most < *least * 20, "{medians:?}");
}

#[tokio::test]
async fn who_tries_too_often_has_to_wait() {
    let limits = LimitSettings { address_per_second: 0, ..LimitSettings::default() };
    let mut setting = Setting::default();
    setting.entrance.limits = limits;
    let world = World::with(setting).await;
    let mut browser = Browser::new(&world);
    let page = browser.begin("built-in").await;
    // Setup and invitation do no work for a secret that is not there: the burst is over soon.
    let tries = [("secret", "pset_wrong"), ("password", PASSWORD), ("again", PASSWORD)];
    let mut refused = 0;
    for path in ["/setup", "/invitation"].into_iter().cycle().take(200) {
        let answer = browser.post(path, &tries).await;
        match answer.status {
            400 => assert_eq!(refused, 0),
            429 => {
                refused += 1;
                assert!(says(&answer, "too many tries") && answer.header("retry-after") == "1", "{}", answer.body);
            }
            other => panic!("{other}: {}", answer.body),
        }
    }
    assert_eq!(refused, 141, "60 at once, and the way to the page was one of them");
    // The password page and codes are counted together with them.
    let answer = browser.post(&page, &[("mail", MAIL), ("password", PASSWORD)]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "1"), "{}", answer.body);
    let state = crate::browser::query_of(&page, "state");
    let iss = form_urlencoded::byte_serialize(world.issuer.place().issuer_v2().as_bytes()).collect::<String>();
    let answer = browser.get(&format!("/sign-in/callback?code=x&state={state}&iss={iss}")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "1"), "{}", answer.body);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.post("/setup", &tries).await.status, 400);
}

#[tokio::test]
async fn passwords_of_one_account_are_counted_from_wherever_they_come() {
    let mut setting = Setting::default();
    let limits = LimitSettings { address_per_second: 0, credentials_per_second: 0, ..LimitSettings::default() };
    setting.entrance.limits = limits;
    let world = World::with(setting).await;
    let mut browser = Browser::new(&world);
    let page = browser.begin("built-in").await;
    let mut tried = async |mail: &str| browser.post(&page, &[("mail", mail), ("password", "not this one")]).await;
    for at in 0..30 {
        let mail = if at % 2 == 0 { "jane@x.example" } else { " JANE@x.example" };
        assert_eq!(tried(mail).await.status, 401);
    }
    let refused = tried("jane@x.example").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "6"), "{}", refused.body);
    assert!(says(&refused, "for this account"), "{}", refused.body);
    assert_eq!(tried("john@x.example").await.status, 401, "others go on");
    world.clock.advance(Duration::from_secs(6));
    assert_eq!(tried("jane@x.example").await.status, 401);
}

#[tokio::test]
async fn an_invitation_is_void_once_there_is_a_password() {
    let world = World::new().await;
    let staff = r#"{"kind":"user","name":"Dora","mail":"dora@x.example","roles":["auditor"]}"#;
    let bearer = format!("Bearer {}", world.staff_token);
    let invited = world.send("POST", "/api/staff", &[("authorization", &bearer)], staff).await.json();
    let code = invited["invitation"]["code"].as_str().unwrap().to_owned();
    let secret = world.setup_secret().await;
    let mut browser = Browser::new(&world);
    let password = |secret: &str| {
        [("secret", secret.to_owned()), ("password", PASSWORD.to_owned()), ("again", PASSWORD.to_owned())]
    };
    let named = [("name", "Dora".to_owned()), ("mail", "dora@x.example".to_owned())];
    let all: Vec<(&str, String)> = password(&secret).into_iter().chain(named).collect();
    let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.post("/setup", &all).await.status, 200, "she is let in again, as an operator");
    let late = password(&code);
    let late: Vec<(&str, &str)> = late.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.post("/invitation", &late).await.status, 400, "whoever kept her code sets no other password");
}

#[tokio::test]
async fn every_page_is_guarded_and_names_are_only_text() {
    let setting = Setting { issuers: vec![crate::sign_in_elsewhere::quiet_issuer()], ..Setting::default() };
    let world = World::with(setting).await;
    let name = "<script>alert(1)</script> \" ' & more";
    let code = world.invite(name, MAIL, "owner").await;
    let jane = world.store.user(MAIL).unwrap().unwrap();
    let mut browser = signed_in(&world, &jane).await;
    browser.agent = "<script>alert(2)</script>\"'".into();
    let mut named = signed_in(&world, &jane).await;
    let page = browser.begin("built-in").await;
    let evil = "\"><script>alert(3)</script>@x";
    let token = named.form_token().await;
    let mut pages = vec![
        ("account", browser.get("/account").await),
        ("choose", browser.get("/sign-in?then=%2F%22%3E%3Cscript%3E").await),
        ("authorize", browser.get(&page).await),
        ("setup", browser.get("/setup").await),
        ("invitation", browser.get("/invitation").await),
        ("callback", browser.get("/sign-in/callback?state=%3Cscript%3E").await),
        ("bad request", browser.get(&page.replace("response_type=code", "response_type=%3Cscript%3E")).await),
        ("wrong password", browser.post(&page, &[("mail", evil), ("password", "wrong")]).await),
        ("foreign form", browser.post_with("/setup", &[], &[("sec-fetch-site", "cross-site")]).await),
        ("no token", browser.post("/sign-out", &[]).await),
        ("bad invitation", browser.post("/invitation", &[("secret", evil)]).await),
        ("signed out", named.post("/sign-out", &[("form_token", &token)]).await),
    ];
    let secret = world.setup_secret().await;
    let too_long = "x".repeat(121);
    for (what, shown) in [("bad mail", evil), ("long name", too_long.as_str()), ("bidi", name)] {
        let form = [("secret", secret.as_str()), ("name", shown), ("mail", evil), ("password", PASSWORD)];
        let form: Vec<_> = form.into_iter().chain([("again", PASSWORD)]).collect();
        let answer = browser.post("/setup", &form).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        pages.push((what, answer));
    }
    assert!(says(&pages[13].1, "1 to 120 characters"), "{}", pages[13].1.body);
    for (what, page) in &pages {
        assert!(page.header("content-type").starts_with("text/html"), "{what}: {}", page.body);
        for (header, expected) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(page.header(header), expected, "{what}");
        }
        let policy = page.header("content-security-policy");
        for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{what}: {policy}");
        }
        assert!(!policy.contains("unsafe") && policy.contains("script-src 'self';"), "{policy}");
        // But for the one script, which is our own.
        let (before, rest) = page.body.split_once("<script src=\"/assets/script-").unwrap();
        let body = format!("{before}{}", rest.split_once("</script>").unwrap().1).to_ascii_lowercase();
        for wrong in ["<script", "style=", "<style", "onclick", "onload", "src=", "javascript:"] {
            assert!(!body.contains(wrong), "{what} has {wrong}: {body}");
        }
        let linked = body.split("href=\"").skip(1).chain(body.split("action=\"").skip(1));
        for address in linked.map(|rest| rest.split('"').next().unwrap()) {
            let local = (address.starts_with('/') && !address.starts_with("//"))
                || address.starts_with('?')
                || address == "#main";
            assert!(local || address == "data:,", "{what} leads to {address}");
        }
    }
    let account = &pages[0].1.body;
    assert!(account.contains("<bdi>&#60;script&#62;alert(1)"), "the name is set apart from what follows: {account}");
    assert!(!pages[3].1.body.contains(&code));
    // The session begun by signing in keeps the browser's name.
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(accept(&mut Browser::new(&world), &code, PASSWORD).await.status, 200);
    let account = browser.sign_in(MAIL, PASSWORD).await;
    assert!(says(&account, "&#60;script&#62;alert(2)"), "{}", account.body);
    assert_eq!(field(&account.body, "form_token").len(), 64);
}

#[tokio::test]
async fn the_stylesheet_is_there_under_an_address_that_changes_with_it() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/invitation").await;
    let style = page.body.split_once("<link rel=\"stylesheet\" href=\"").unwrap().1.split_once('"').unwrap().0;
    let answer = browser.get(style).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(answer.header("cache-control").contains("immutable") && !answer.body.contains("url("));
}

#[tokio::test]
async fn a_code_says_who_somebody_is_and_opens_nothing_of_the_api() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use sha2::Digest;
    let world = World::new().await;
    world.invite("Jane", MAIL, "owner").await;
    let jane = world.store.user(MAIL).unwrap().unwrap();
    let verifier = "v".repeat(43);
    let redirect_uri = format!("{}/sign-in/callback", crate::world::PUBLIC_URL);
    for scope in ["openid", "https://cloudpartner.azure.com/.default"] {
        let asked = portolan::issuer::Asked {
            client_id: portolan::issuer::WEB_CLIENT.into(),
            redirect_uri: redirect_uri.clone(),
            state: "s".into(),
            nonce: None,
            code_challenge: URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&verifier)),
        };
        let location = world.issuer.consent(asked, &jane).await.unwrap().location;
        let code = crate::browser::query_of(&location, "code");
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("client_id", portolan::issuer::WEB_CLIENT)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("code_verifier", &verifier)
            .append_pair("scope", scope)
            .append_pair("code", &code)
            .finish();
        let answer = world.send("POST", "/common/oauth2/v2.0/token?x", &[("authorization", "none")], form).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let bearer = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
        assert_eq!(
            world.send("GET", "/api/publishers", &[("authorization", &bearer)], "").await.status,
            401,
            "{scope}"
        );
    }
}

#[tokio::test]
async fn signing_in_goes_on_where_the_service_knows_itself_by() {
    let world = World::new().await;
    let at = async |host: &str, path: &str| {
        let answer = world.send("GET", path, &[("authorization", "none"), ("host", host)], "").await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        (answer.header("location").to_owned(), answer.headers.contains_key("set-cookie"))
    };
    let here = format!("{}/sign-in?then=%2Faccount&moved=1", crate::world::PUBLIC_URL);
    assert_eq!(at("localhost:8080", "/sign-in?then=%2Faccount").await, (here, false));
    // Behind a proxy that hides the name there is no going round in circles.
    let (location, cookie) = at("localhost:8080", "/sign-in?then=%2Faccount&moved=1").await;
    assert!(location.contains("/oauth2/v2.0/authorize?") && cookie, "{location}");
    let (location, cookie) = at("portolan.test", "/sign-in?then=%2Faccount").await;
    assert!(location.contains("/oauth2/v2.0/authorize?") && cookie, "{location}");
}

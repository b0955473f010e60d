//! Mails: who is told what, once and in order, whatever the mail server does; and what outsiders write never breaks one.

use crate::binary::{Portolan, curl};
use crate::browser::says;
use crate::python::{python, write_certificates};
use crate::sign_in;
use crate::world::{PUBLIC_URL, Setting, World, links};
use api::status::StatusDocument;
use lettre::message::Mailbox;
use portolan::notify::{Composer, MailSettings, MailTls, Told};
use portolan::store::Words;
use publishing::happening::Happening;
use publishing::moment::Moment;
use publishing::offer::{OfferId, OfferKey, PublisherId};
use publishing::principal::{Circle, Principal};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

const PASSWORD: &str = "open-sesame-4711";

/// A real mail server in Python, and what it took.
struct MailServer {
    child: Child,
    input: ChildStdin,
    port: u16,
    lines: Arc<Mutex<Vec<Value>>>,
    files: tempfile::TempDir,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn script(argument: &Value) -> Option<Command> {
    let mut command = Command::new(python()?);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/mail_server.py")).arg(argument.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    Some(command)
}

impl MailServer {
    /// None without Python.
    fn start(tls: &str, user: &str, port: u16) -> Option<Self> {
        let files = tempfile::tempdir().unwrap();
        write_certificates(files.path());
        std::fs::write(files.path().join("mail.password"), format!("{PASSWORD}\n")).unwrap();
        std::fs::set_permissions(files.path().join("mail.password"), PermissionsExt::from_mode(0o600)).unwrap();
        let (certificate, key) = (files.path().join("portolan.pem"), files.path().join("portolan.key"));
        let argument = json!({"tls": tls, "port": port, "certificate": certificate, "key": key, "user": user, "password": PASSWORD});
        let mut child = script(&argument)?.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&output.next().unwrap().unwrap()).unwrap();
        let lines: Arc<Mutex<Vec<Value>>> = Arc::default();
        let kept = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                kept.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Some(Self { child, input, port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(), lines, files })
    }

    fn plain() -> Option<Self> {
        Self::start("none", "", 0)
    }

    fn settings(&self) -> MailSettings {
        MailSettings {
            server: "127.0.0.1".into(),
            port: Some(self.port),
            tls: MailTls::None,
            from: "Portolan <portolan@portolan.test>".into(),
            ..MailSettings::default()
        }
    }

    fn tell(&mut self, mode: &str) {
        writeln!(self.input, "{mode}").unwrap();
        let began = Instant::now();
        while !self.lines.lock().unwrap().iter().any(|line| line["mode"] == mode) {
            assert!(began.elapsed() < Duration::from_secs(20), "it was not told");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.lines.lock().unwrap().retain(|line| line["mode"] != mode);
    }

    /// The mails it took, once there are so many.
    fn mails(&self, count: usize) -> Vec<Mail> {
        let began = Instant::now();
        loop {
            let mails: Vec<Mail> = self.lines.lock().unwrap().iter().map(|line| Mail(line.clone())).collect();
            if mails.len() >= count {
                return mails;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{} of {count} mails came", mails.len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A mail as Python's parser reads it.
#[derive(Clone, Debug)]
struct Mail(Value);

impl Mail {
    fn text_of(&self, member: &str) -> &str {
        self.0[member].as_str().unwrap()
    }

    fn to(&self) -> &str {
        self.0["to"][0].as_str().unwrap()
    }

    fn headers(&self, name: &str) -> Vec<&str> {
        let all = self.0["headers"].as_array().unwrap().iter();
        all.filter(|header| header[0] == name).map(|header| header[1].as_str().unwrap()).collect()
    }

    fn header(&self, name: &str) -> &str {
        let [value] = self.headers(name)[..] else { panic!("{name}: {self:?}") };
        value
    }

    /// What the subject says happened.
    fn state(&self) -> &str {
        self.header("Subject").split(':').next().unwrap()
    }

    /// The address that ends it, without the service's.
    fn unsubscribe(&self) -> String {
        self.header("List-Unsubscribe").trim_matches(['<', '>']).strip_prefix(PUBLIC_URL).unwrap().to_owned()
    }
}

/// The states that an address was mailed, in order.
fn states<'a>(mails: &'a [Mail], to: &str) -> Vec<&'a str> {
    mails.iter().filter(|mail| mail.to() == to).map(Mail::state).collect()
}

async fn world(mail: MailSettings) -> World {
    World::with(Setting { mail, ..Setting::default() }).await
}

async fn publish(world: &World, offer: &str, addresses: &str) {
    let body = json!({"metadata": {"notification-emails": addresses}}).to_string();
    let answer = world.post(&format!("/api/publishers/contoso/offers/{offer}/publish"), &body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
}

async fn deliver(world: &World) -> usize {
    // What is changed while the clock stands is of the next tick.
    world.clock.advance(Duration::from_secs(1));
    let mut all = 0;
    loop {
        match world.mailing.as_ref().unwrap().deliver_due().await.unwrap() {
            0 => return all,
            some => all += some,
        }
    }
}

async fn explained(world: &World, offer: &str) -> (String, String) {
    let told = world.get(&format!("/api/publishers/contoso/offers/{offer}/explain")).await.json();
    (told["headline"].as_str().unwrap().to_owned(), told["next"].as_str().unwrap().to_owned())
}

/// A memo through everything that is mailed; gives what `explain` said at each of these moments.
async fn whole_life(world: &World, offer: &str, addresses: &str) -> Vec<(&'static str, String, String)> {
    let mut said = Vec::new();
    let mut note = async |state| {
        let (headline, next) = explained(world, offer).await;
        said.push((state, headline, next));
    };
    assert_eq!(world.put_memo(offer).await.status, 201);
    publish(world, offer, addresses).await;
    world.settle().await;
    assert_eq!(
        world.verdict(offer, "block", r#"{"message":"The <logo> is \u202emissing & wrong."}"#).await.status,
        200
    );
    note("Blocked").await;
    assert_eq!(world.verdict(offer, "unblock", "").await.status, 200);
    assert_eq!(world.verdict(offer, "approve", "").await.status, 200);
    world.settle().await;
    note("Waits for your go live").await;
    assert_eq!(world.post(&format!("/api/publishers/contoso/offers/{offer}/golive"), "").await.status, 202);
    world.settle().await;
    note("Live").await;
    assert!(world.put_memo(offer).await.status < 300);
    publish(world, offer, addresses).await;
    world.settle().await;
    assert_eq!(world.verdict(offer, "reject", r#"{"message":"No."}"#).await.status, 200);
    note("Failed").await;
    assert!(world.put_memo(offer).await.status < 300);
    publish(world, offer, addresses).await;
    world.settle().await;
    world.post(&format!("/api/publishers/contoso/offers/{offer}/cancel"), "").await;
    world.settle().await;
    note("Canceled").await;
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_is_mailed_to_each_address_once_in_order_in_the_words_of_explain() {
    for (tls, kind) in [("starttls", MailTls::Starttls), ("tls", MailTls::Tls)] {
        let Some(server) = MailServer::start(tls, "portolan", 0) else { return };
        let mail = MailSettings {
            server: "localhost".into(),
            tls: kind,
            user: "portolan".into(),
            password_file: Some(server.files.path().join("mail.password")),
            ca_file: Some(server.files.path().join("root.pem")),
            ..server.settings()
        };
        let world = world(mail).await;
        let said =
            whole_life(&world, "memo-1", "jane@contoso.example,release@contoso.example,Jane@contoso.example").await;
        deliver(&world).await;
        let mails = server.mails(10);
        assert_eq!(mails.len(), 10);
        for to in ["jane@contoso.example", "release@contoso.example"] {
            assert_eq!(states(&mails, to), ["Blocked", "Waits for your go live", "Live", "Failed", "Canceled"]);
            let own: Vec<&Mail> = mails.iter().filter(|mail| mail.to() == to).collect();
            let thread = |mail: &&Mail| mail.header("References").to_owned();
            let threads: Vec<String> = own.iter().map(thread).collect();
            assert!(threads[0] == threads[1] && threads[1] == threads[2], "one submission, one thread: {threads:?}");
            assert_eq!(threads.iter().collect::<BTreeSet<_>>().len(), 3, "{threads:?}");
            for (mail, (state, headline, next)) in own.iter().zip(&said) {
                judge(mail, state, headline, next);
            }
            assert!(own[0].text_of("text").contains("* Error"), "{}", own[0].text_of("text"));
            assert!(own[0].text_of("text").contains("The <logo> is missing & wrong."), "{}", own[0].text_of("text"));
            assert!(
                own[0].text_of("html").contains("The &#60;logo&#62; is missing &#38; wrong."),
                "{}",
                own[0].text_of("html")
            );
            assert!(!own[2].text_of("text").contains("missing"), "what was mended is not said any more");
        }
        let ids: BTreeSet<&str> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
        assert_eq!(ids.len(), 10);
        assert!(mails.iter().all(|mail| mail.0["tls"] == true && mail.0["login"] == true));
    }
}

fn judge(mail: &Mail, state: &str, headline: &str, next: &str) {
    assert_eq!(mail.header("Subject"), format!("{state}: A memo (memo-1)"));
    assert_eq!(
        (mail.header("Auto-Submitted"), mail.header("List-Id")),
        ("auto-generated", "<memo-1.contoso.portolan.test>")
    );
    assert_eq!(mail.header("In-Reply-To"), mail.header("References"));
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(mail.0["defects"], json!([]), "{mail:?}");
    assert_eq!(mail.0["parts"], json!(["multipart/alternative", "text/plain", "text/html"]));
    let (text, html) = (mail.text_of("text"), mail.text_of("html"));
    for words in [headline, next] {
        assert!(text.contains(words), "{words}\n{text}");
        assert!(html.contains(words), "{words}\n{html}");
    }
    let page = "http://portolan.test/publishers/contoso/offers/memo-1";
    assert_eq!((text.matches("http").count(), html.matches("http").count()), (1, 1), "{text}\n{html}");
    assert!(text.contains(page) && html.contains(&format!("href=\"{page}\"")), "{html}");
    for remote in ["<img", "src=", "url(", "<script", "<link"] {
        assert!(!html.contains(remote), "{html}");
    }
    assert_eq!(mail.text_of("raw").lines().find(|line| line.len() > 998), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_the_server_for_a_day_comes_once_and_in_order() {
    let Some(server) = MailServer::plain() else { return };
    let settings = server.settings();
    let port = server.port;
    drop(server);
    let world = world(settings).await;
    whole_life(&world, "memo-1", "jane@contoso.example,release@contoso.example").await;
    for _ in 0..24 {
        world.clock.advance(Duration::from_secs(3600));
        deliver(&world).await;
    }
    let server = MailServer::start("none", "", port).unwrap();
    world.clock.advance(Duration::from_secs(3601));
    deliver(&world).await;
    let mails = server.mails(10);
    assert_eq!(mails.len(), 10);
    for to in ["jane@contoso.example", "release@contoso.example"] {
        assert_eq!(states(&mails, to), ["Blocked", "Waits for your go live", "Live", "Failed", "Canceled"]);
    }
    assert!(mails.iter().all(|mail| mail.header("Date").contains("22 Nov 2026")), "when it happened");
    assert_eq!(deliver(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_taken_and_not_acknowledged_comes_again_with_the_same_message_id() {
    let Some(mut server) = MailServer::plain() else { return };
    let world = world(server.settings()).await;
    assert_eq!(world.put_memo("memo-1").await.status, 201);
    publish(&world, "memo-1", "jane@contoso.example").await;
    server.tell("drop");
    world.settle().await;
    world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await;
    deliver(&world).await;
    assert_eq!(server.mails(1).len(), 1);
    world.clock.advance(Duration::from_secs(60));
    deliver(&world).await;
    let mails = server.mails(2);
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].text_of("raw"), mails[1].text_of("raw"), "every byte is the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_never_tried_is_given_up_after_three_days_too() {
    let Some(server) = MailServer::plain() else { return };
    let world = world(server.settings()).await;
    whole_life(&world, "memo-1", "jane@contoso.example").await;
    world.clock.advance(Duration::from_secs(3 * 24 * 3600 + 60));
    assert_eq!(world.mailing.as_ref().unwrap().deliver_due().await.unwrap(), 1);
    deliver(&world).await;
    assert!(server.mails(0).is_empty());
    let next = world.store.next_letter(portolan::store::LetterKind::Mail).await.unwrap().unwrap();
    assert!(next > world.clock.now(), "nothing waits");
}

/// Mails that wait, and that were given up, in a data directory.
fn kept(data: &Path) -> (i64, i64) {
    let counts = "SELECT COUNT(body), COUNT(failed_at) FROM outbox WHERE kind = 'mail'";
    let file = rusqlite::Connection::open(data.join("portolan.db")).unwrap();
    file.query_row(counts, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[test]
fn what_waits_for_a_server_that_is_set_no_more_is_given_up_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let settings = settings_file(
        data.path(),
        "server = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"portolan@portolan.test\"",
    );
    let service = Portolan::serve(data.path(), &["--config", &settings]);
    cancel(&service, "offer-1");
    drop(service);
    let waited = kept(data.path());
    assert!(waited.0 > 0 && waited.1 == 0, "{waited:?}");
    // With the same settings it goes on waiting.
    drop(Portolan::serve(data.path(), &["--config", &settings]));
    assert_eq!(kept(data.path()), waited);
    drop(Portolan::serve(data.path(), &[]));
    assert_eq!(kept(data.path()), (0, waited.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_or_put_off_holds_up_nobody() {
    let Some(mut server) = MailServer::plain() else { return };
    let world = world(server.settings()).await;
    server.tell("away");
    assert_eq!(world.put_memo("memo-1").await.status, 201);
    publish(&world, "memo-1", "gone@contoso.example,grey@contoso.example,jane@contoso.example").await;
    world.settle().await;
    world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await;
    deliver(&world).await;
    server.tell("take");
    world.clock.advance(Duration::from_secs(60));
    deliver(&world).await;
    assert_eq!(server.mails(1).iter().map(Mail::to).collect::<Vec<_>>(), ["jane@contoso.example"]);
    world.clock.advance(Duration::from_secs(60));
    deliver(&world).await;
    assert_eq!(server.mails(2)[1].to(), "grey@contoso.example");
    world.clock.advance(Duration::from_secs(4 * 24 * 3600));
    assert_eq!(deliver(&world).await, 0, "whoever is not there is not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_slows_nothing_down() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mail = MailSettings {
        server: "127.0.0.1".into(),
        port: Some(listener.local_addr().unwrap().port()),
        tls: MailTls::None,
        from: "portolan@portolan.test".into(),
        timeout_seconds: 1,
        ..MailSettings::default()
    };
    let world = world(mail).await;
    let began = Instant::now();
    whole_life(&world, "memo-1", "jane@contoso.example").await;
    assert!(began.elapsed() < Duration::from_secs(20), "nothing waits for mail");
    assert_eq!(deliver(&world).await, 1, "one mail finds out, and the others wait");
    assert_eq!(deliver(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_nothing_waits_and_nobody_can_follow() {
    let world = World::new().await;
    let jane = user(&world, "Jane", "jane@contoso.example").await;
    let (token, path) = (bearer(&world, &jane).await, "/api/publishers/contoso/notifications/mail");
    let refused = world.send("PUT", path, &[("authorization", &token)], "{}").await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("mail.server"), "{}", refused.body);
    whole_life(&world, "memo-1", "jane@contoso.example").await;
    assert!(world.mailing.is_none());
    assert_eq!(world.store.next_letter(portolan::store::LetterKind::Mail).await.unwrap(), None);
}

async fn user(world: &World, name: &str, mail: &str) -> Principal {
    world.invite(name, mail, "reader").await;
    let circle = Circle::Publisher(PublisherId::parse("contoso").unwrap());
    let members = world.store.circle(&circle).unwrap().unwrap().members;
    members.into_iter().find(|member| member.principal.name == name).unwrap().principal
}

async fn bearer(world: &World, who: &Principal) -> String {
    format!("Bearer {}", world.token_of(who).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_follows_what_it_likes_until_it_goes() {
    let Some(server) = MailServer::plain() else { return };
    let world = world(server.settings()).await;
    let (jane, joe) =
        (user(&world, "Jane", "jane@contoso.example").await, user(&world, "Joe", "joe@contoso.example").await);
    let path = "/api/publishers/contoso/notifications/mail";
    let ask = async |who: &Principal, method: &str, path: &str, body: &str| {
        world.send(method, path, &[("authorization", &bearer(&world, who).await)], body.to_owned()).await
    };
    assert_eq!(ask(&jane, "GET", path, "").await.status, 404);
    assert_eq!(ask(&jane, "DELETE", path, "").await.status, 404);
    let put = ask(&jane, "PUT", path, "{}").await;
    assert_eq!(put.status, 200, "{}", put.body);
    assert_eq!(put.json()["events"], json!(["blocked", "failed", "previewReady", "live", "canceled"]));
    assert_eq!(ask(&jane, "GET", path, "").await.body, put.body);
    let unknown = ask(&joe, "PUT", path, r#"{"events":["live","liven"]}"#).await;
    assert_eq!(
        (unknown.status, unknown.json()["error"]["target"].clone()),
        (400, json!("/events/1")),
        "{}",
        unknown.body
    );
    assert_eq!(
        ask(&joe, "PUT", path, r#"{"events":["live","live","published"]}"#).await.json()["events"],
        json!(["live", "published"])
    );
    // A service principal, and staff at a publisher they are no members of.
    let program = world.put(path, "{}").await;
    assert_eq!(program.status, 409, "{}", program.body);
    let staff = world.send("PUT", path, &[("authorization", &format!("Bearer {}", world.staff_token))], "{}").await;
    assert!(staff.status == 409 && staff.body.contains("/api/notifications/mail"), "{}", staff.body);
    assert_eq!(ask(&jane, "PUT", "/api/notifications/mail", "{}").await.status, 403);

    // Jane's address is given too: she is told once, and as the member she is.
    whole_life(&world, "memo-1", "jane@contoso.example").await;
    deliver(&world).await;
    let mails = server.mails(9);
    assert_eq!(
        states(&mails, "jane@contoso.example"),
        ["Blocked", "Waits for your go live", "Live", "Failed", "Canceled"]
    );
    assert_eq!(
        states(&mails, "joe@contoso.example"),
        ["Running, submitted", "Live", "Running, submitted", "Running, submitted"]
    );
    let lines =
        world.store.journal(&Circle::Publisher(PublisherId::parse("contoso").unwrap()), 0, 10_000).await.unwrap();
    let about = lines.iter().filter(|line| line.entry.contains("subscription")).count();
    assert_eq!(about, 2, "one line for each that follows");

    // Who goes gets nothing more, not even what waited.
    assert_eq!(world.put_memo("memo-2").await.status, 201);
    publish(&world, "memo-2", "").await;
    let member = format!("/api/publishers/contoso/members/{}", joe.id);
    assert_eq!(world.send("DELETE", &member, &[], "").await.status, 204);
    world.post("/api/publishers/contoso/offers/memo-2/cancel", "").await;
    world.settle().await;
    deliver(&world).await;
    let mails = server.mails(10);
    assert_eq!(states(&mails, "joe@contoso.example").len(), 4);
    assert_eq!(states(&mails, "jane@contoso.example").len(), 6);
    assert_eq!(mails.len(), 10);
    assert_eq!(
        world.store.next_letter(portolan::store::LetterKind::Mail).await.unwrap().map(|at| at > world.clock.now()),
        Some(true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_follow_all_publishers() {
    let Some(server) = MailServer::plain() else { return };
    let world = world(server.settings()).await;
    let body =
        json!({"kind": "user", "name": "Olga", "mail": "olga@market.example", "roles": ["operator"]}).to_string();
    let staff = format!("Bearer {}", world.staff_token);
    assert_eq!(world.send("POST", "/api/staff", &[("authorization", &staff)], body).await.status, 201);
    let members = world.store.circle(&Circle::Marketplace).unwrap().unwrap().members;
    let olga = members.into_iter().find(|member| member.principal.name == "Olga").unwrap().principal;
    let token = bearer(&world, &olga).await;
    let put =
        world.send("PUT", "/api/notifications/mail", &[("authorization", &token)], r#"{"events":["blocked"]}"#).await;
    assert_eq!(put.status, 200, "{}", put.body);
    whole_life(&world, "memo-1", "").await;
    deliver(&world).await;
    assert_eq!(states(&server.mails(1), "olga@market.example"), ["Blocked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_tls_is_not_as_set_is_told_as_that() {
    // A certificate of nobody who is trusted; a server without STARTTLS; one that does not begin with TLS.
    let cases = [("starttls", MailTls::Starttls), ("none", MailTls::Starttls), ("none", MailTls::Tls)];
    for (server, tls) in cases {
        let Some(server) = MailServer::start(server, "", 0) else { return };
        let world = world(MailSettings { server: "localhost".into(), tls, ..server.settings() }).await;
        world.put_memo("memo-1").await;
        publish(&world, "memo-1", "jane@contoso.example").await;
        world.settle().await;
        world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await;
        world.mailing.as_ref().unwrap().deliver_due().await.unwrap();
        let key =
            OfferKey { publisher: PublisherId::parse("contoso").unwrap(), offer: OfferId::parse("memo-1").unwrap() };
        let letters = world.store.letters(&key, portolan::store::LetterKind::Mail, 0, 10).await.unwrap();
        assert_eq!(letters[0].failure.as_deref(), Some("certificate"), "{tls:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_sign_in_with_a_browser_begin_and_end_their_mails() {
    let Some(server) = MailServer::plain() else { return };
    let world = world(server.settings()).await;
    let jane = sign_in::jane(&world).await;
    let mut browser = sign_in::signed_in(&world, &jane).await;
    let account = browser.get("/account").await;
    assert!(says(&account, "Mails about offers") && says(&account, "Send me mails"), "{}", account.body);
    assert!(!says(&account, "All publishers") && !says(&account, "you get mails"), "{}", account.body);
    let token = browser.form_token().await;
    for (form, status) in [
        ([("at", "contoso"), ("wanted", "yes"), ("form_token", "forged")], 403),
        ([("at", "fabrikam"), ("wanted", "yes"), ("form_token", &token)], 403),
        ([("at", "$marketplace"), ("wanted", "yes"), ("form_token", &token)], 403),
        ([("at", "contoso"), ("wanted", "yes"), ("form_token", &token)], 303),
        ([("at", "contoso"), ("wanted", "yes"), ("form_token", &token)], 303),
    ] {
        assert_eq!(browser.post("/account/mails", &form).await.status, status, "{form:?}");
    }
    assert!(says(&browser.get("/account").await, "you get mails"));
    whole_life(&world, "memo-1", "").await;
    deliver(&world).await;
    let count = states(&server.mails(1), "jane@contoso.example").len();
    assert!(count > 0);
    let end = [("at", "contoso"), ("wanted", "no"), ("form_token", &token)];
    assert_eq!(browser.post("/account/mails", &end).await.status, 303);
    assert!(!says(&browser.get("/account").await, "you get mails"));
    whole_life(&world, "memo-2", "").await;
    assert_eq!(deliver(&world).await, 0, "nobody is told any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_a_mail_can_end_it_and_nobody_else() {
    let Some(server) = MailServer::plain() else { return };
    let world = world(server.settings()).await;
    let joe = user(&world, "Joe", "joe@contoso.example").await;
    let (token, path) = (bearer(&world, &joe).await, "/api/publishers/contoso/notifications/mail");
    assert_eq!(world.send("PUT", path, &[("authorization", &token)], "{}").await.status, 200);
    assert_eq!(world.put_memo("memo-1").await.status, 201);
    publish(&world, "memo-1", "jane@contoso.example,jim@contoso.example").await;
    world.settle().await;
    world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await;
    deliver(&world).await;
    let mails = server.mails(3);
    let none = [("authorization", "none")];
    let link = |to: &str| mails.iter().find(|mail| mail.to() == to).unwrap().unsubscribe();
    let (jane, joe) = (link("jane@contoso.example"), link("joe@contoso.example"));
    for address in [&jane, &joe] {
        let page = world.send("GET", address, &none, "").await;
        assert_eq!(page.status, 200, "{}", page.body);
        let main = page.body.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
        assert!(main.contains("<form method=\"post\"") && !main.contains("<script"), "{main}");
        let (path, signature) = address.rsplit_once('=').unwrap();
        for wrong in [
            format!("{path}={}", signature.replace(|c: char| c.is_ascii_digit(), "a")),
            format!("{path}="),
            path.replace("signature", "x"),
        ] {
            assert_eq!(world.send("POST", &wrong, &none, "List-Unsubscribe=One-Click").await.status, 404, "{wrong}");
        }
    }
    let jims = jane
        .replace(jane.split(['/', '?']).nth(4).unwrap(), link("jim@contoso.example").split(['/', '?']).nth(4).unwrap());
    assert_eq!(world.send("POST", &jims, &none, "").await.status, 404, "another's, with her signature");
    // Nothing was ended by looking.
    world.verdict("memo-1", "unblock", "").await;
    world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await;
    deliver(&world).await;
    assert_eq!(server.mails(6).len(), 6);
    let form = [
        ("authorization", "none"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "cross-site"),
    ];
    for address in [&jane, &joe] {
        let ended = world.send("POST", address, &form, "List-Unsubscribe=One-Click").await;
        assert!(ended.status == 200 && ended.body.contains("no more"), "{}", ended.body);
        assert!(ended.headers.get("location").is_none());
        assert_eq!(
            world.send("POST", address, &form, "List-Unsubscribe=One-Click").await.status,
            200,
            "twice is no fault"
        );
    }
    assert_eq!(world.send("GET", path, &[("authorization", &token)], "").await.status, 404);
    world.verdict("memo-1", "unblock", "").await;
    world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await;
    deliver(&world).await;
    let mails = server.mails(7);
    assert_eq!((mails.len(), mails[6].to()), (7, "jim@contoso.example"));
    assert_eq!(world.send("POST", &jane, &form, "mails=again").await.status, 200);
    world.verdict("memo-1", "unblock", "").await;
    world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await;
    deliver(&world).await;
    assert_eq!(server.mails(9).len(), 9);
}

fn at(service: &Portolan, offer: &str, rest: &str) -> String {
    format!("{}/api/publishers/contoso/offers/{offer}{rest}?api-version=2017-10-31", service.url)
}

/// Publishes and cancels a draft: one mail.
fn cancel(service: &Portolan, offer: &str) {
    let definition: Value = serde_json::from_str(include_str!("../web-gateway.json")).unwrap();
    let put = json!({
        "publisherId": "contoso", "id": offer, "offerTypeId": "microsoft-azure-virtualmachines", "definition": definition
    });
    let put = put.to_string();
    let (status, answer) = curl(&[
        "--request",
        "PUT",
        "--header",
        "Content-Type: application/json",
        "--data",
        &put,
        &at(service, offer, ""),
    ]);
    assert_eq!(status, 201, "{answer}");
    let emails = r#"{"metadata":{"notification-emails":"jane@contoso.example,jim@contoso.example"}}"#;
    let (status, answer) = curl(&["--request", "POST", "--data", emails, &at(service, offer, "/publish")]);
    assert_eq!(status, 202, "{answer}");
    let (status, answer) = curl(&["--request", "POST", &at(service, offer, "/cancel")]);
    assert!(matches!(status, 200 | 202), "{answer}");
}

fn settings_file(data: &Path, mail: &str) -> String {
    let path = data.join("settings.toml");
    std::fs::write(&path, format!("[mail]\n{mail}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn nothing_is_lost_wherever_the_service_is_killed() {
    let Some(server) = MailServer::plain() else { return };
    let data = tempfile::tempdir().unwrap();
    let mail =
        format!("server = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"portolan@portolan.test\"", server.port);
    let settings = settings_file(data.path(), &mail);
    let rounds = 8;
    for round in 0..rounds {
        let mut service = Portolan::serve(data.path(), &["--config", &settings]);
        for offer in 0..3 {
            cancel(&service, &format!("offer-{round}-{offer}"));
        }
        std::thread::sleep(Duration::from_millis(37 * round % 200));
        service.child.kill().unwrap();
        service.child.wait().unwrap();
    }
    let _service = Portolan::serve(data.path(), &["--config", &settings]);
    let wanted = usize::try_from(rounds).unwrap() * 3 * 2;
    let began = Instant::now();
    loop {
        let mut by_id: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for mail in server.mails(0) {
            by_id.entry(mail.header("Message-ID").to_owned()).or_default().insert(mail.text_of("raw").to_owned());
            told.insert((mail.to().to_owned(), mail.header("Subject").to_owned()));
        }
        assert!(by_id.values().all(|raws| raws.len() == 1), "the same id, the same mail");
        assert!(told.len() <= by_id.len());
        if told.len() == wanted {
            assert_eq!(by_id.len(), wanted, "a double has the same id");
            println!("{} mails for {wanted}", server.mails(0).len());
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{} of {wanted}", told.len());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_wrong_password_is_named_in_the_log_without_it() {
    let Some(server) = MailServer::start("starttls", "portolan", 0) else { return };
    let data = tempfile::tempdir().unwrap();
    let (password, roots) = (server.files.path().join("mail.password"), server.files.path().join("root.pem"));
    std::fs::write(&password, "wrong-horse-battery\n").unwrap();
    let mail = format!(
        "server = \"localhost\"\nport = {}\nfrom = \"portolan@portolan.test\"\nuser = \"portolan\"\npassword_file = {password:?}\nca_file = {roots:?}",
        server.port
    );
    let settings = settings_file(data.path(), &mail);
    let mut service = Portolan::serve(data.path(), &["--config", &settings, "--log-level", "debug"]);
    cancel(&service, "offer-1");
    std::thread::sleep(Duration::from_secs(4));
    service.signal("TERM");
    service.child.wait().unwrap();
    let log = service.logging.take().unwrap().join().unwrap();
    assert!(log.contains("mend mail.user, and the password in mail.password_file"), "{log}");
    assert!(!log.contains("wrong-horse") && !log.contains("jane@") && !log.contains("jim@"), "{log}");
    assert!(server.mails(0).is_empty());
}

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// What somebody writes who means harm.
fn hostile(state: &mut u64) -> String {
    const PIECES: [&str; 24] = [
        "\r\n",
        "\n",
        "\r",
        "\0",
        "Bcc: evil@x.example",
        "\r\n\r\n",
        "<script>",
        "</bdi>",
        "\u{202e}",
        "\u{2028}",
        "=?utf-8?q?=0D=0AX:_y?=",
        "é",
        "漢字",
        "🚀",
        "\"",
        "&",
        "{{ page }}",
        "--=_",
        ".\r\n",
        "\u{7f}",
        " ",
        "Contoso",
        "\u{85}",
        "\u{feff}",
    ];
    (0..random(state) % 30)
        .map(|_| match random(state) % 4 {
            0 => char::from_u32(u32::try_from(random(state) % 0x11_0000).unwrap()).unwrap_or('x').to_string(),
            _ => PIECES[usize::try_from(random(state)).unwrap() % PIECES.len()]
                .repeat(usize::try_from(random(state) % 3 + 1).unwrap()),
        })
        .collect()
}

fn composed(composer: &Composer, name: &str, headline: &str, message: &Value, happening: Happening) -> Vec<u8> {
    let key =
        OfferKey { publisher: PublisherId::parse("Contoso").unwrap(), offer: OfferId::parse("web-gateway").unwrap() };
    let at = Moment::from_ticks(639_309_372_000_000_000);
    let words = Words {
        happening,
        name: name.into(),
        version: Some(3),
        headline: headline.into(),
        next: "Your turn: look at the preview, then go live.".into(),
        until: Some(at.plus_seconds(3600)),
        then: Some("goes on at".into()),
    };
    let step = |status: &str| json!({"id": "validate", "stepName": "Validate", "description": "", "status": status, "messages": [message], "progressPercentage": 100});
    let status = if happening == Happening::PreviewReady { "waitingForPublisherReview" } else { "running" };
    let document: StatusDocument = serde_json::from_value(json!({
        "status": status, "messages": [], "steps": [step("blocked"), step("complete")],
        "previewLinks": [], "liveLinks": [], "notificationEmails": ""
    }))
    .unwrap();
    let told = Told { id: Uuid::from_u128(7), at, key: &key, words: &words, document: &document, subscription: None };
    composer.told(&"jane@contoso.example".parse().unwrap(), &told).unwrap().source
}

pub fn composer() -> Composer {
    let from: Mailbox = "Portolan <portolan@portolan.test>".parse().unwrap();
    Composer::new(from, links())
}

#[test]
fn whatever_outsiders_write_the_headers_stay_whole() {
    let (composer, mut state) = (composer(), 4711);
    const HEADERS: [&str; 13] = [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "In-Reply-To",
        "References",
        "List-Id",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "MIME-Version",
        "Content-Type",
    ];
    let mut sample = Vec::new();
    for round in 0..5_000 {
        let (name, headline) = (hostile(&mut state), hostile(&mut state));
        let message = json!({"messageHtml": "", "level": "error", "timestamp": "2026-11-22T09:40:00Z",
            "code": hostile(&mut state), "text": hostile(&mut state), "mend": hostile(&mut state)});
        let mail = composed(&composer, &name, &headline, &message, Happening::Blocked);
        let text = String::from_utf8(mail).unwrap();
        assert!(
            text.is_ascii() && text.bytes().all(|byte| byte >= b' ' || byte == b'\r' || byte == b'\n' || byte == b'\t')
        );
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert_eq!(names, HEADERS, "{name:?}\n{head}");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{name:?}");
        assert!(text.lines().all(|line| line.len() <= 400), "{name:?}");
        if round % 25 == 0 {
            sample.push((name, text));
        }
    }
    let Some(mut command) = script(&json!({"only_read": true, "tls": "none"})) else { return };
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let texts: Vec<String> = sample.iter().map(|(_, text)| serde_json::to_string(text).unwrap()).collect();
    let writing = std::thread::spawn(move || texts.iter().for_each(|text| writeln!(input, "{text}").unwrap()));
    let output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut read = 0;
    for (line, (name, text)) in output.zip(&sample) {
        let mail = Mail(serde_json::from_str(&line.unwrap()).unwrap());
        let names: Vec<&str> =
            mail.0["headers"].as_array().unwrap().iter().map(|header| header[0].as_str().unwrap()).collect();
        assert_eq!(names, HEADERS, "{name:?}");
        assert_eq!(mail.0["defects"], json!([]), "{name:?}\n{text}");
        assert_eq!(mail.0["parts"], json!(["multipart/alternative", "text/plain", "text/html"]), "{name:?}");
        let subject = mail.header("Subject");
        assert!(subject.starts_with("Blocked: ") && subject.ends_with(" (web-gateway)"), "{subject:?}");
        assert!(!subject.contains(['\r', '\n', '\0', '\u{202e}']), "{subject:?}");
        let html = mail.text_of("html");
        assert!(
            !html.contains("<script")
                && html.matches("href=").count() == 1
                && html.matches("</bdi>").count() == html.matches("<bdi>").count(),
            "{html}"
        );
        read += 1;
    }
    writing.join().unwrap();
    child.wait().unwrap();
    assert_eq!(read, sample.len());
}

#[test]
fn a_mail_of_each_kind_looks_as_it_did() {
    let message = json!({"messageHtml": "", "level": "error", "timestamp": "2026-11-22T09:40:00Z", "code": "LogoTooSmall",
        "text": "The logo has 40 × 40 pixels, and 48 × 48 are wanted.", "mend": "Upload a larger one.", "target": "/definition/logo"});
    let mut all = String::new();
    for (happening, headline) in
        [(Happening::Blocked, "Validate is blocked."), (Happening::PreviewReady, "The preview of version 3 is ready.")]
    {
        let mail = composed(&composer(), "Contoso Web Gateway", headline, &message, happening);
        all.push_str(&String::from_utf8(mail).unwrap().replace("\r\n", "\n"));
        all.push('\n');
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails.txt");
    if std::env::var_os("PORTOLAN_RECORD").is_some() {
        std::fs::write(&file, &all).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap_or_default(), all, "PORTOLAN_RECORD=1 writes it anew");
}

//! The five verbs with the real binary: how waits end, what is told meanwhile and where, and that the server may go away.

use crate::binary::{Portolan, command, curl, token};
use crate::legacy::{Legacy, status};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A command of this test's token at a server, with nobody to ask.
fn portolan(server: &str, arguments: &[&str]) -> Command {
    let mut portolan = command();
    portolan.args(arguments).env("PORTOLAN_SERVER", server).env("PORTOLAN_TOKEN", token());
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NO_COLOR", "CLICOLOR_FORCE"] {
        portolan.env_remove(name);
    }
    portolan.env("LANG", "C.UTF-8").stdin(Stdio::null());
    portolan
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

fn said(output: Output) -> Said {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let said = Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}') && !said.err.contains('\r'), "{}", said.err);
    said
}

fn run(server: &str, arguments: &[&str]) -> Said {
    said(portolan(server, arguments).output().unwrap())
}

/// A child whose lines on standard error are read as they come.
struct Watching {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Watching {
    fn start(server: &str, arguments: &[&str]) -> Self {
        let mut child = portolan(server, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || errors.lines().try_for_each(|line| sender.send(line.unwrap())));
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line with this in it; how long that took.
    fn until(&mut self, part: &str) -> Duration {
        let began = Instant::now();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(30));
            let line = line.unwrap_or_else(|_| panic!("never {part:?} in {:#?}", self.seen));
            self.seen.push(line.clone());
            if line.contains(part) {
                return began.elapsed();
            }
        }
    }

    fn ends(mut self) -> (i32, String, Vec<String>) {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        self.seen.extend(self.lines.iter());
        (code, out, self.seen)
    }
}

/// The draft of one of the demo's offers as a file for another offer.
fn file(directory: &Path, demo: &Portolan, of: &str, change: impl Fn(&mut Value)) -> PathBuf {
    let (_, body) = curl(&[&format!("{}/api/publishers/contoso/offers/{of}?api-version=2017-10-31", demo.url)]);
    let read: Value = serde_json::from_str(&body).unwrap();
    let mut offer = serde_json::json!({"offerTypeId": read["offerTypeId"], "definition": read["definition"]});
    // Secrets are never read: leads go nowhere.
    offer["definition"]["offer"]["microsoft-azure-marketplace.leadDestination"] = "None".into();
    change(&mut offer["definition"]);
    let path = directory.join("offer.json");
    std::fs::write(&path, serde_json::to_string_pretty(&offer).unwrap()).unwrap();
    path
}

#[test]
fn a_wait_ends_as_soon_as_it_can_with_a_code_that_says_how() {
    let demo = Portolan::demo();
    let stand_in = "http://127.0.0.1:1";
    for (arguments, code, out, err) in [
        (&["wait", "saas-live", "--for", "live"][..], 0, "Live. See: http", ""),
        (&["wait", "saas-live", "--for", "preview"], 0, "Live.", ""),
        (&["wait", "vm-waiting-for-sign-off", "--for", "preview"], 0, "Then: portolan go-live", ""),
        (&["wait", "saas-live", "--for", "live", "--timeout", "soon"], 2, "", "write it like 2h30m"),
        (&["wait", "saas-liv", "--for", "live"], 3, "", "did you mean saas-live?"),
        (&["wait", "vm-never-published", "--for", "live"], 3, "No submission of vm-never-published runs", ""),
        (&["publish", "vm-in-progress"], 6, "", "nothing was submitted"),
        (&["go-live", "vm-in-progress", "--yes"], 6, "", "HTTP 400"),
        (&["wait", "saas-live", "--for", "live", "--server", stand_in], 7, "", "Check that it runs"),
        (
            &["wait", "vm-in-progress", "--for", "preview", "--timeout", "0"],
            8,
            "",
            "Not there yet: Certification inProgress 50%",
        ),
        (
            &["wait", "vm-in-progress", "--for", "live", "--timeout", "1s"],
            8,
            "",
            "Resume: portolan wait vm-in-progress --for live",
        ),
        (
            &["wait", "container-waiting-for-approval", "--for", "live", "--timeout", "1s"],
            8,
            "",
            "Not finished after 1 s",
        ),
        (&["wait", "vm-failed", "--for", "live"], 10, "error   offer/microsoft-azure-marketplace.smallLogo", ""),
        (&["wait", "vm-blocked", "--for", "preview"], 11, "result  blocked (exit 11)", ""),
        (&["wait", "vm-waiting-for-sign-off", "--for", "live"], 11, "Then: portolan go-live vm-waiting", ""),
        (&["wait", "iot-edge-canceled", "--for", "live"], 12, "result  canceled (exit 12)", ""),
        (&["status", "vm-failed", "--watch"], 10, "result  rejected (exit 10)", ""),
        (&["status", "contoso/vm-failed"], 0, "error    vm-failed  displaycertify", ""),
        (&["cancel", "vm-in-progress"], 2, "", "add --yes"),
        (&["go-live", "vm-waiting-for-sign-off"], 2, "", "Customers will see version 1"),
        (&["cancel", "vm-in-progress", "--dry-run"], 0, "canceled at once", ""),
        (&["cancel", "vm-in-progress", "--yes", "--wait"], 0, "Canceled", "Canceling."),
        (&["cancel", "saas-live", "--yes"], 6, "", "no submission to cancel"),
    ] {
        let said = run(&demo.url, arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}{}", said.out, said.err);
        assert!(said.out.contains(out) && said.err.contains(err), "{arguments:?}: {}\n{}", said.out, said.err);
        assert!(!out.is_empty() || said.out.is_empty(), "{arguments:?}: {}", said.out);
    }
    let wrong =
        portolan(&demo.url, &["wait", "contoso/saas-live", "--for", "live"]).env("PORTOLAN_TOKEN", "no").output();
    assert_eq!(said(wrong.unwrap()).code, 4);
    let live = run(&demo.url, &["wait", "saas-live", "--for", "live", "-o", "json"]);
    let (_, wire) =
        curl(&[&format!("{}/api/publishers/contoso/offers/saas-live/status?api-version=2017-10-31", demo.url)]);
    assert_eq!(live.out.trim_end(), wire, "the document is the wire's");
}

#[test]
fn an_offer_goes_from_a_file_to_customers() {
    let (demo, directory) = (Portolan::demo(), tempfile::tempdir().unwrap());
    let path = file(directory.path(), &demo, "vm-never-published", |_| ());
    let path = path.to_str().unwrap();
    let published = run(
        &demo.url,
        &["publish", "fresh", "-f", path, "--wait=preview", "--timeout", "1m", "--notify", "a@b.example"],
    );
    assert_eq!(published.code, 0, "{}", published.err);
    assert!(
        published.out.starts_with("Preview is ready after ") && published.out.lines().count() == 1,
        "{}",
        published.out
    );
    let lines: Vec<&str> = published.err.lines().collect();
    assert_eq!(
        lines[..2],
        ["Saved the draft of a new offer.", "Submitted. Ctrl-C stops watching, not the submission."]
    );
    for line in &lines[2..] {
        assert!(line.as_bytes()[8] == b'Z' && line[10..].starts_with("fresh "), "{line}");
    }
    for step in ["Validate Pre-Requisites", "Certification", "Provisioning"] {
        let done = lines.iter().filter(|line| line.ends_with(&format!("{step} complete"))).count();
        assert_eq!(done, 1, "{step} is told once: {}", published.err);
    }
    // With places in the file, as JSON, a line each.
    let live = run(&demo.url, &["go-live", "fresh", "--yes", "--wait", "--progress", "json"]);
    assert_eq!(live.code, 0, "{}", live.err);
    let told: Vec<Value> =
        live.err.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(told.iter().any(|line| line["type"] == "step" && line["stepId"] == "live"), "{}", live.err);
    let last = told.last().unwrap();
    assert_eq!((&last["type"], &last["outcome"], &last["exit"]), (&"result".into(), &"reached".into(), &0.into()));
    assert!(live.out.starts_with("Live after ") && live.out.contains("See: http"), "{}", live.out);
    let again = run(&demo.url, &["publish", "fresh", "-f", path]);
    assert!(again.code == 0 && again.err.contains("Saved the draft (0 changes)."), "{}{}", again.out, again.err);
    assert!(again.out.starts_with("Submitted. Follow: portolan status fresh --watch"), "{}", again.out);
}

#[test]
fn a_dry_run_names_every_fault_with_its_line_and_changes_nothing() {
    let (demo, directory) = (Portolan::demo(), tempfile::tempdir().unwrap());
    let offer = |id: &str| curl(&[&format!("{}/api/publishers/contoso/offers/{id}?api-version=2017-10-31", demo.url)]);
    let path = file(directory.path(), &demo, "vm-never-published", |_| ());
    let good = path.to_str().unwrap().to_owned();
    for offer in ["not-there-yet", "vm-never-published", "vm-failed"] {
        let said = run(&demo.url, &["publish", offer, "-f", &good, "--dry-run"]);
        assert_eq!(said.code, 0, "{offer}: {}", said.err);
        assert!(said.out.contains("Nothing is wrong with it"), "{}", said.out);
    }
    let before = offer("vm-never-published").1;
    let path = file(directory.path(), &demo, "vm-never-published", |definition| {
        definition["offer"]["microsoft-azure-marketplace.smallLogo"] = 7.into();
    });
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().position(|line| line.contains("smallLogo")).unwrap() + 1;
    let place = format!("{}:{line}", path.display());
    let path = path.to_str().unwrap();
    for offer in ["not-there-yet", "vm-never-published"] {
        let said = run(&demo.url, &["publish", offer, "-f", path, "--dry-run"]);
        assert_eq!((said.code, said.out.as_str()), (5, ""), "{}", said.err);
        assert!(said.err.contains(&place) && said.err.contains("smallLogo"), "{place}: {}", said.err);
    }
    assert_eq!(offer("vm-never-published").1, before, "the draft is as it was");
    assert_eq!(offer("not-there-yet").0, 404);
    assert_eq!(run(&demo.url, &["publish", "vm-never-published", "--dry-run"]).code, 0);
    assert_eq!(run(&demo.url, &["publish", "vm-in-progress", "--dry-run"]).code, 6);
    // What is really sent is neither saved nor submitted; a program reads the same.
    let real = run(&demo.url, &["publish", "vm-never-published", "-f", path, "-o", "json"]);
    assert_eq!(real.code, 5);
    assert!(real.err.contains("nothing was saved, and nothing was submitted"), "{}", real.err);
    assert_eq!(offer("vm-never-published").1, before, "the draft is as it was");
    let document: Value = serde_json::from_str(&real.out).unwrap();
    assert_eq!(
        (&document["error"]["code"], &document["error"]["details"][0]["place"]),
        (&"ValidationFailed".into(), &place.into())
    );
}

#[test]
fn what_was_rejected_is_annotated_in_github_actions() {
    let (demo, directory) = (Portolan::demo(), tempfile::tempdir().unwrap());
    let path = file(directory.path(), &demo, "vm-failed", |_| ());
    let summary = directory.path().join("summary");
    let mut wait = portolan(&demo.url, &["wait", "vm-failed", "--for", "live", "-f", path.to_str().unwrap()]);
    wait.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
    let said = said(wait.output().unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().position(|line| line.contains("smallLogo")).unwrap() + 1;
    let annotation = format!("::error file={},line={line},title=IMG-048::", path.display());
    assert!(said.code == 10 && said.err.contains(&annotation), "{annotation}: {}", said.err);
    assert!(said.out.contains(&format!("{}:{line}", path.display())), "{}", said.out);
    let summary = std::fs::read_to_string(&summary).unwrap();
    assert!(summary.contains("### vm-failed") && summary.contains("| IMG-048 |"), "{summary}");
}

#[test]
fn ctrl_c_stops_watching_and_says_how_to_go_on() {
    let demo = Portolan::demo();
    let mut watching = Watching::start(&demo.url, &["wait", "vm-in-progress", "--for", "live"]);
    watching.until("inProgress 50%");
    let id = watching.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let (code, out, seen) = watching.ends();
    assert_eq!((code, out.as_str()), (130, ""), "{seen:?}");
    let last: Vec<&str> = seen.iter().rev().take(2).rev().map(String::as_str).collect();
    assert_eq!(last, ["Stopped watching. The submission goes on.", "Resume: portolan wait vm-in-progress --for live"]);
    assert_eq!(run(&demo.url, &["wait", "vm-in-progress", "--for", "live", "--timeout", "0"]).code, 8);
}

#[test]
fn a_watch_that_nobody_reads_any_more_ends_quietly() {
    let demo = Portolan::demo();
    let mut watch = portolan(&demo.url, &["status", "vm-in-progress", "--watch"]);
    let mut child = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.ends_with("vm-in-progress running\n"), "{line}");
    drop(out);
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(10), "it goes on though nobody reads it");
        std::thread::sleep(Duration::from_millis(50));
    }
    let said = said(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

/// A type that waits for a reviewer.
const REVIEWED: &str = r#"
id = "reviewed"
display_text = "Reviewed"
[[step]]
id = "displaycertify"
name = "Certification"
description = "A reviewer looks."
checks = [{ kind = "reviewer", queue = "review" }]
[[step]]
id = "package"
name = "Package"
description = "The preview is put in place."
checks = [{ kind = "listing" }]
[[step]]
id = "publisher-signoff"
name = "Sign off"
description = "The publisher looks."
checks = [{ kind = "sign-off" }]
[[step]]
id = "live"
name = "Live"
description = "Customers see it."
checks = [{ kind = "promote" }]
"#;

#[test]
fn a_server_that_is_killed_is_waited_for_and_nothing_is_told_twice() {
    let data = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    std::fs::write(data.path().join("reviewed.toml"), REVIEWED).unwrap();
    let settings = data.path().join("settings.toml");
    std::fs::write(&settings, "offer_types = [\"reviewed.toml\"]\n").unwrap();
    let serve = || Portolan::serve_at(&listen, &url, data.path(), &["--config", settings.to_str().unwrap()]);
    let first = serve();
    let offer = data.path().join("offer.json");
    std::fs::write(&offer, r#"{"offerTypeId":"reviewed","definition":{"displayText":"W"}}"#).unwrap();
    let arguments = ["publish", "web-gateway", "-f", offer.to_str().unwrap(), "--wait=live"];
    let mut watching = Watching::start(&url, &arguments);
    watching.until("Certification waits for a reviewer");
    drop(first);
    assert!(watching.until("Trying again.") < Duration::from_secs(3));
    // Long enough to be tried, and missed, more than once.
    std::thread::sleep(Duration::from_secs(5));
    let second = serve();
    watching.until("the server answers again.");
    assert_eq!(run(&second.url, &["cancel", "web-gateway", "--yes"]).code, 0);
    let (code, out, seen) = watching.ends();
    assert_eq!(code, 12, "{seen:?}");
    assert!(out.contains("result  canceled (exit 12)"), "{out}");
    let told: Vec<&str> = seen.iter().filter(|line| line.contains("Z web-gateway")).map(|line| &line[10..]).collect();
    let lost: Vec<usize> = (0..told.len()).filter(|at| told[*at].ends_with("Trying again.")).collect();
    assert_eq!(lost.len(), 1, "it is said once: {told:#?}");
    assert!(told[lost[0] + 1].ends_with("answers again."), "nothing between: {told:#?}");
    assert_eq!(
        told[lost[0] + 2..],
        [
            "web-gateway canceled",
            "web-gateway Certification canceled",
            "web-gateway Package canceled",
            "web-gateway Sign off canceled",
            "web-gateway Live canceled"
        ],
        "{told:#?}"
    );
}

/// How the original goes from publish to preview: each look shows the next.
fn original() -> Legacy {
    const AT: &str = "/api/publishers/contoso/offers/web-gateway";
    Legacy::start(Box::new(|asked, before| {
        let steps = |one, two| status_of(one, two);
        let said = |status: u16, code: &str, message: &str| {
            Some((status, "", format!(r#"{{"error":{{"code":"{code}","message":"{message}","details":null}}}}"#)))
        };
        match asked.what.strip_prefix("GET ").or(asked.what.strip_prefix("POST ")).or(asked.what.strip_prefix("PUT ")) {
            Some(path) if path == format!("{AT}/status") => Some(match before {
                // The third look, after the publish, still shows how it was.
                0..=2 => (200, "Retry-After: 1\r\n", status("failed", &[("a", "Certification", "rejected")])),
                3 => (200, "Retry-After: 1\r\n", steps("inProgress", "notStarted")),
                4 => (200, "Retry-After: 1\r\n", steps("complete", "notStarted")),
                _ => (200, "Retry-After: 1\r\n", steps("complete", "waitingForPublisherReview")),
            }),
            // The answer to the first publish is lost.
            Some(path) if path == format!("{AT}/publish") && before == 0 => None,
            Some(path) if path == format!("{AT}/publish") => Some((
                202,
                "Location: /api/operations/contoso$web-gateway$2$preview?api-version=2017-10-31\r\n",
                String::new(),
            )),
            Some(path) if path == format!("{AT}/golive") => said(400, "OfferNotInPreview", "Nothing to sign off."),
            Some(path) if path == format!("{AT}/cancel") => said(418, "Teapot", "It is tea."),
            Some(path) if path == AT && asked.what.starts_with("PUT") => Some((200, "", offer_of())),
            Some(path) if path == AT => Some((200, "ETag: \"7\"\r\n", offer_of())),
            _ => Some((404, "Content-Type: text/html\r\n", "<html>no such page</html>".to_owned())),
        }
    }))
}

fn status_of(one: &str, two: &str) -> String {
    let offer = if two == "waitingForPublisherReview" { two } else { "running" };
    status(offer, &[("a", "Certification", one), ("publisher-signoff", "Publisher signoff", two)])
}

fn offer_of() -> String {
    r#"{"publisherId":"contoso","offerTypeId":"t","id":"web-gateway","status":"failed","version":2,"changedTime":"2018-03-16T18:50:05.1234567Z","definition":{"displayText":"W"},"pcMigrationStatus":"none"}"#.to_owned()
}

#[test]
fn a_server_that_speaks_only_the_original_api_is_followed_by_looking_again() {
    let server = original();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("offer.json");
    std::fs::write(&path, r#"{"offerTypeId":"t","definition":{"displayText":"New"}}"#).unwrap();
    let path = path.to_str().unwrap();
    let ask = |arguments: &[&str]| {
        let mut portolan = portolan(&server.url, arguments);
        said(portolan.env("PORTOLAN_TOKEN", "any").env("PORTOLAN_PUBLISHER", "contoso").output().unwrap())
    };
    for dry in [&["publish", "web-gateway", "--dry-run"][..], &["cancel", "web-gateway", "--dry-run"]] {
        let said = ask(dry);
        assert!(said.code == 2 && said.err.contains("nothing was sent"), "{}", said.err);
    }
    assert!(server.asked().iter().all(|asked| asked.what.starts_with("GET ")), "a dry run there would be none");
    let looks = server.asked().iter().filter(|asked| asked.what.ends_with("/status")).count();
    assert_eq!(looks, 1);

    let said = ask(&["publish", "web-gateway", "-f", path, "--wait=preview"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.starts_with("Preview is ready after "), "{}", said.out);
    let told: Vec<&str> =
        said.err.lines().filter(|line| line.contains("Z web-gateway")).map(|line| &line[10..]).collect();
    for line in ["web-gateway running", "web-gateway Certification inProgress", "web-gateway Certification complete"] {
        assert_eq!(told.iter().filter(|told| **told == line).count(), 1, "{line}: {told:#?}");
    }
    let asked = server.asked();
    let put = asked.iter().find(|asked| asked.what.starts_with("PUT")).unwrap();
    assert!(put.head.contains("if-match: \"7\"") && put.body.contains("New"), "{}", put.head);
    let keys: Vec<&str> = asked
        .iter()
        .filter(|asked| asked.what.ends_with("/publish"))
        .map(|asked| asked.head.lines().find(|line| line.starts_with("idempotency-key:")).unwrap())
        .collect();
    assert!(keys.len() == 2 && keys[0] == keys[1], "an answer that was lost is asked for again: {keys:?}");

    let refused = ask(&["go-live", "web-gateway", "--yes"]);
    assert!(
        refused.code == 5 && refused.err.contains("Nothing to sign off. (OfferNotInPreview, HTTP 400)"),
        "{}",
        refused.err
    );
    let refused = ask(&["cancel", "web-gateway", "--yes", "-o", "json"]);
    assert!(refused.code == 1 && refused.err.contains("It is tea."), "{}", refused.err);
    assert_eq!(serde_json::from_str::<Value>(&refused.out).unwrap()["error"]["code"], "Teapot");
    assert_eq!(ask(&["status", "no-such-offer"]).code, 3);
}

#[test]
fn messages_of_the_original_are_read_as_text_and_a_busy_server_is_asked_again() {
    let server = Legacy::start(Box::new(|asked, before| match asked.what.ends_with("/status") {
        true if before == 0 => Some((429, "Retry-After: 1\r\n", String::new())),
        true => Some((200, "", status("failed", &[("a", "Certification", "rejected")]))),
        false => Some((404, "", String::new())),
    }));
    let mut wait = portolan(&server.url, &["wait", "contoso/x", "--for", "live"]);
    let said = said(wait.env("PORTOLAN_TOKEN", "any").output().unwrap());
    assert_eq!(said.code, 10, "{}", said.err);
    assert!(said.out.starts_with("Failed at Certification. Mend what is named here"), "{}", said.out);
    assert!(said.out.contains("error   Logo is 40 &times; 40 <px>"), "{}", said.out);
}

#[test]
fn who_saved_the_draft_meanwhile_is_told() {
    let server = Legacy::start(Box::new(|asked, _| match asked.what.as_str() {
        what if what.starts_with("PUT") => {
            let refused =
                r#"{"error":{"code":"PreconditionFailed","message":"It is another by now.","target":"If-Match"}}"#;
            Some((412, "", refused.to_owned()))
        }
        what if what.ends_with("/history") => {
            let entry = r#"{"sequence":7,"at":"2026-11-22T09:41:00Z","event":"draftSaved","title":"The draft was saved","by":"jane","publisherId":"contoso","offerId":"web-gateway","status":"failed","hash":""}"#;
            Some((200, "", format!(r#"{{"value":[{entry}]}}"#)))
        }
        _ => Some((200, "ETag: \"7\"\r\n", offer_of())),
    }));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("offer.json");
    std::fs::write(&path, r#"{"offerTypeId":"t","definition":{"displayText":"New"}}"#).unwrap();
    let mut publish = portolan(&server.url, &["publish", "contoso/web-gateway", "-f", path.to_str().unwrap()]);
    let said = said(publish.env("PORTOLAN_TOKEN", "any").output().unwrap());
    assert_eq!(said.code, 6, "{}", said.err);
    assert!(said.err.contains("(The draft was saved by jane at 2026-11-22T09:41:00Z)"), "{}", said.err);
    assert!(server.asked().iter().all(|asked| !asked.what.starts_with("POST")), "nothing is submitted");
}

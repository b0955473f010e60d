//! The nouns of the command line: offers, submissions, events, journals and webhooks, read and written with the real binary.

use crate::binary::{Portolan, command, curl, token, with_token};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

/// What a command said.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Its standard error, where it failed with this code and all of these in it, and wrote no result.
    fn failed(self, code: i32, with: &[&str]) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.out.is_empty() && with.iter().all(|part| self.err.contains(part)), "{with:?}: {self:?}");
        self.err
    }
}

/// Runs `portolan` as the test's caller, with this on its standard input.
fn given(service: &Portolan, stdin: &str, arguments: &[&str]) -> Said {
    let mut command = command();
    command.env("PORTOLAN_TOKEN", token()).env("PORTOLAN_SERVER", &service.url).env("HOME", "/nonexistent");
    let mut child =
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may end without reading it.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn portolan(service: &Portolan, arguments: &[&str]) -> Said {
    given(service, "", arguments)
}

fn get(service: &Portolan, path: &str) -> String {
    let mark = if path.contains('?') { '&' } else { '?' };
    let (status, body) = curl(&[&format!("{}/api{path}{mark}api-version=2017-10-31", service.url)]);
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// Every command that reads, and the path that it reads.
fn reads(demo: &Portolan) -> Vec<(Vec<String>, String)> {
    let offers = "/publishers/contoso/offers";
    let runs: Value = serde_json::from_str(&get(demo, &format!("{offers}/vm-failed/submissions"))).unwrap();
    let run = runs[0]["id"].as_str().unwrap().to_owned();
    let members: Value = serde_json::from_str(&get(demo, "/publishers/contoso/members")).unwrap();
    let is_demo = |member: &&Value| member["name"] == "demo";
    let member = members.as_array().unwrap().iter().find(is_demo).unwrap()["id"].as_str().unwrap().to_owned();
    let newest: Value =
        serde_json::from_str(&get(demo, &format!("{offers}/vm-failed/history?order=desc&$top=1"))).unwrap();
    let moment = newest["value"][0]["at"].as_str().unwrap().to_owned();
    let added = portolan(demo, &["notify", "add", "https://hooks.contoso.example/x", "-o", "json"]).done();
    let hook: Value = serde_json::from_str(&added).unwrap();
    let hook = hook["subscription"]["id"].as_str().unwrap().to_owned();
    [
        ("publisher list".to_owned(), "/publishers".to_owned()),
        ("offer list".to_owned(), offers.to_owned()),
        ("offer show saas-live".to_owned(), format!("{offers}/saas-live")),
        ("offer show contoso/saas-live --slot production".to_owned(), format!("{offers}/saas-live/slot/production")),
        ("offer show saas-live --version 1".to_owned(), format!("{offers}/saas-live/versions/1")),
        ("offer audiences saas-live".to_owned(), format!("{offers}/saas-live/audiences")),
        ("offer history vm-failed --top 3".to_owned(), format!("{offers}/vm-failed/history?order=desc&$top=3")),
        (format!("offer history vm-failed --as-of {moment}"), format!("{offers}/vm-failed/status?asOf={moment}")),
        ("audit list --top 3".to_owned(), "/publishers/contoso/audit?$top=3".to_owned()),
        (
            "audit list --offer vm-failed --who portolan".to_owned(),
            "/publishers/contoso/audit?who=portolan&offerId=vm-failed&$top=50".to_owned(),
        ),
        ("audit list --marketplace".to_owned(), "/audit?$top=50".to_owned()),
        ("review list".to_owned(), "/reviews?mine=false&free=false".to_owned()),
        ("submission list vm-failed".to_owned(), format!("{offers}/vm-failed/submissions")),
        ("submission show vm-failed".to_owned(), format!("{offers}/vm-failed/operations/{run}")),
        (format!("submission show vm-failed {run}"), format!("{offers}/vm-failed/operations/{run}")),
        ("submission show vm-failed 1".to_owned(), format!("{offers}/vm-failed/operations/{run}")),
        (
            "journal list --event published --top 4".to_owned(),
            "/publishers/contoso/history?event=published&order=desc&$top=4".to_owned(),
        ),
        ("notify list".to_owned(), "/publishers/contoso/subscriptions".to_owned()),
        ("notify list --marketplace".to_owned(), "/subscriptions".to_owned()),
        (
            format!("notify deliveries {hook} --top 5"),
            format!("/publishers/contoso/subscriptions/{hook}/deliveries?$skip=0&$top=5"),
        ),
        ("access list".to_owned(), "/publishers/contoso/members".to_owned()),
        ("access secret list demo".to_owned(), format!("/publishers/contoso/members/{member}/secrets")),
        ("staff list".to_owned(), "/staff".to_owned()),
        ("staff secret list demo".to_owned(), format!("/staff/{member}/secrets")),
    ]
    .into_iter()
    .map(|(line, path)| (line.split(' ').map(str::to_owned).collect(), path))
    .collect()
}

/// A command that reads writes what the server answers, in the format that is asked for.
fn reads_as_it_is(demo: &Portolan, line: &[String], path: &str) {
    let ask = |format: &[&str]| {
        let line: Vec<&str> = line.iter().map(String::as_str).chain(format.iter().copied()).collect();
        portolan(demo, &line)
    };
    let wire = get(demo, path);
    let json = ask(&["-o", "json"]).done();
    assert_eq!(json, format!("{wire}\n"), "{line:?}");
    let none = ask(&["-o", "none"]);
    assert!(none.code == 0 && none.out.is_empty(), "{line:?}: {none:?}");
    let table = ask(&[]).done();
    assert!(!table.is_empty() && !table.contains('\u{1b}') && !table.starts_with(['[', '{']), "{line:?}: {table}");
    let document: Value = serde_json::from_str(&wire).unwrap();
    let rows = document.as_array().map_or(1, Vec::len);
    let tsv = ask(&["-o", "tsv"]).done();
    assert_eq!(tsv.lines().count(), rows, "{line:?}: {tsv}");
    assert!(!ask(&["-o", "yaml"]).done().starts_with(['[', '{']) || rows == 0, "{line:?}");
    let kind = ask(&["--query", "type(@)", "-o", "json"]).done();
    assert_eq!(kind, if document.is_array() { "\"array\"\n" } else { "\"object\"\n" }, "{line:?}");
}

#[test]
fn every_read_is_the_servers_document_and_nothing_else_is_on_standard_output() {
    let demo = Portolan::demo();
    for (line, path) in reads(&demo) {
        reads_as_it_is(&demo, &line, &path);
    }
    // Nobody reviews an offer of their own publisher.
    let reviewer = demo.said.split("PORTOLAN_TOKEN=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    with_token(reviewer, || {
        let reviews: Value = serde_json::from_str(&get(&demo, "/reviews")).unwrap();
        let blocked = reviews.as_array().unwrap().iter().find(|review| review["offerId"] == "vm-blocked").unwrap();
        let (operation, step) = (blocked["operationId"].as_str().unwrap(), blocked["stepId"].as_str().unwrap());
        let path = format!("/reviews/{operation}/{step}");
        for place in [&[operation, step][..], &[operation]] {
            let line: Vec<String> = ["review", "show"].iter().chain(place).map(|word| (*word).to_owned()).collect();
            reads_as_it_is(&demo, &line, &path);
        }
    });
}

#[test]
fn what_is_misspelt_is_guessed_and_not_found() {
    let demo = Portolan::demo();
    for (line, meant) in [
        ("offer show saas-liv", "saas-live"),
        ("offer history saas-liv", "saas-live"),
        ("offer diff saas-liv", "saas-live"),
        ("offer export saas-liv", "saas-live"),
        ("submission list vm-faild", "vm-failed"),
        ("submission messages vm-failed --step displaycertfy", "displaycertify"),
        ("events tail saas-liv", "saas-live"),
        ("events tail --event publishd", "published"),
        ("offer history vm-failed --event previewReddy", "previewReady"),
        ("journal list --publisher contosso", "contoso"),
        ("audit list --publisher contosso", "contoso"),
        ("audit export --format csv --event memberAddded", "memberAdded"),
        ("offer show contosso/saas-live", "contoso"),
        ("access role deno reader", "demo"),
        ("staff role reviwer auditor", "reviewer"),
        ("notify add https://x.example/ --event lve", "live"),
    ] {
        let err = portolan(&demo, &line.split(' ').collect::<Vec<_>>()).failed(3, &[&format!("did you mean {meant}?")]);
        assert!(!err.contains("HTTP"), "{err}");
    }
    let said = portolan(&demo, &["offer", "show", "saas-liv", "-o", "json"]);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    let error = &document["error"];
    assert_eq!((said.code, &error["fix"], &error["code"]), (3, &json!("Did you mean saas-live?"), &json!("NotFound")));
    assert!(error["requestId"].as_str().is_some_and(|id| id.len() == 36) && error.get("details").is_none(), "{error}");

    // Whoever is a member of nothing near is told what the server says, and of the marketplace's staff no more than others.
    let secret = portolan(&demo, &["access", "add", "--role", "reader", "--service-principal", "reader", "-o", "json"]);
    let added: Value = serde_json::from_str(&secret.done()).unwrap();
    let mut reader = command();
    reader.env("PORTOLAN_CLIENT_ID", added["member"]["applicationId"].as_str().unwrap());
    reader.env("PORTOLAN_CLIENT_SECRET", added["secret"]["value"].as_str().unwrap());
    let output = reader.args(["offer", "show", "contso/saas-live", "--server", &demo.url]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && err.contains("did you mean contoso?"), "{err}");
}

/// A definition that says this much.
fn file(directory: &Path, text: &str) -> String {
    let path = directory.join("offer.json");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_offer_goes_out_to_a_file_and_back_and_what_is_different_is_told() {
    let demo = Portolan::demo();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.json").to_str().unwrap().to_owned();
    let ask = |line: &[&str]| portolan(&demo, line);
    let exported = ask(&["offer", "export", "vm-never-published"]).done();
    assert!(exported.lines().count() > 20, "a line for each member: {exported}");
    let said = ask(&["offer", "export", "vm-never-published", "-f", &path]);
    assert!(said.out.is_empty() && std::fs::read_to_string(&path).unwrap() == exported, "{said:?}");
    ask(&["offer", "export", "vm-never-published", "-f", &path]).failed(2, &["is there already", "--force"]);
    ask(&["offer", "export", "vm-never-published", "-f", &path, "--force"]).done();

    let before = get(&demo, "/publishers/contoso/offers/vm-never-published");
    let put = ask(&["offer", "put", "vm-never-published", "-f", &path]).done();
    assert_eq!(put, "Saved the draft of contoso/vm-never-published (0 changes).\n");
    let after = get(&demo, "/publishers/contoso/offers/vm-never-published");
    let definition = |text: &str| serde_json::from_str::<Value>(text).unwrap()["definition"].clone();
    assert_eq!(definition(&before), definition(&after));
    assert_eq!(ask(&["offer", "export", "vm-never-published"]).done(), exported);

    let live = ask(&["offer", "export", "saas-live"]).done();
    let changed =
        live.replacen("\"displayText\": \"Contoso Shiftboard\"", "\"displayText\": \"Shiftboard 2\", \"x\": 1.10", 1);
    assert_ne!(changed, live);
    let judged = given(&demo, &changed, &["offer", "validate", "saas-live", "-f", "-"]);
    assert!(judged.out.contains("2 members would change") && judged.err.is_empty(), "{judged:?}");
    let busy = ask(&["offer", "export", "vm-in-progress"]).done();
    let busy = given(&demo, &busy, &["offer", "validate", "vm-in-progress", "-f", "-"]);
    assert!(busy.code == 0 && busy.err.contains("rules were not asked"), "{busy:?}");
    assert_eq!(
        ask(&["offer", "diff", "saas-live"]).done(),
        "Nothing is different between what is live and the draft.\n"
    );
    let put = given(&demo, &changed, &["offer", "put", "contoso/saas-live", "-f", "-"]).done();
    assert_eq!(put, "Saved the draft of contoso/saas-live (2 changes).\n");
    let table = ask(&["offer", "diff", "saas-live"]).done();
    assert!(
        table.contains("displayText  \"Contoso Shiftboard\"  \"Shiftboard 2\"\n") && table.contains("1.10"),
        "{table}"
    );
    let patch = ask(&["offer", "diff", "saas-live", "--from", "1", "--to", "draft", "-o", "json"]).done();
    assert_eq!(
        patch,
        concat!(
            r#"[{"op":"replace","path":"/definition/displayText","value":"Shiftboard 2"},"#,
            r#"{"op":"add","path":"/definition/x","value":1.10}]"#,
            "\n"
        )
    );
    ask(&["offer", "diff", "saas-live", "--from", "nothing"]).failed(2, &["draft, preview, live"]);
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line() {
    let demo = Portolan::demo();
    let directory = tempfile::tempdir().unwrap();
    let ask = |verb: &str, text: &str| {
        let path = file(directory.path(), text);
        portolan(&demo, &["offer", verb, "vm-never-published", "-f", &path])
    };
    let offer = |more: &str| {
        format!("{{\n\"id\": \"vm-never-published\",\n\"offerTypeId\": \"microsoft-azure-virtualmachines\",\n{more}}}")
    };
    for verb in ["put", "validate"] {
        ask(verb, "{\n  \"id\": ü}").failed(5, &["offer.json:2:9: expected value"]);
        ask(verb, "{\n\"id\": \"other\"}").failed(2, &["offer.json:2: id is \"other\""]);
        ask(verb, &offer("\"publisherId\": \"contoso\"")).failed(5, &["definition is missing", "offer export"]);
    }
    let wrong = offer("\"definition\": {\n  \"displayText\": \"ü\",\n  \"plans\": {}\n}");
    let err = ask("put", &wrong).failed(5, &["plans is not an array", "HTTP 400"]);
    assert!(err.lines().last().unwrap().ends_with("offer.json:6"), "{err}");
    let path = file(directory.path(), &wrong);
    let said = portolan(&demo, &["offer", "put", "vm-never-published", "-f", &path, "-o", "json"]);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert!(document["error"]["place"].as_str().unwrap().ends_with("offer.json:6"), "{document}");
    let judged = ask("validate", &offer("\"definition\": {\n  \"displayText\": \"\"\n}"));
    let err = judged.failed(5, &["nothing was changed", "HTTP 422"]);
    assert!(err.lines().skip(1).any(|line| line.contains("displayText") && line.ends_with("offer.json:5")), "{err}");
    assert!(get(&demo, "/publishers/contoso/offers/vm-never-published").contains("Contoso Relay Gateway Lab"));
    let odd = wrong.replace("microsoft-azure-virtualmachines", "microsoft-azure-virtualmachine");
    ask("validate", &odd).failed(5, &["offer.json:3: ", "did you mean microsoft-azure-virtualmachines?"]);
    let other = wrong.replace("microsoft-azure-virtualmachines", "microsoft-azure-saas");
    ask("validate", &other).failed(5, &["offer.json:3: ", "stays so"]);
    portolan(&demo, &["offer", "put", "x", "-f", "/nowhere.json"]).failed(2, &["/nowhere.json cannot be read"]);

    let exported = portolan(&demo, &["offer", "export", "vm-failed"]).done();
    let path = file(directory.path(), &exported);
    let number = exported.lines().position(|line| line.contains("smallLogo")).unwrap() + 1;
    let said = portolan(&demo, &["submission", "messages", "vm-failed", "-f", &path]).done();
    assert!(said.contains(&format!("IMG-048  {path}:{number}\n")), "{said}");
    let stale = portolan(
        &demo,
        &["offer", "put", "vm-failed", "-f", &path, "--if-match", "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""],
    );
    stale.failed(6, &["HTTP 412"]);
}

#[test]
fn events_are_told_and_sent_on_as_the_stream_has_them() {
    let demo = Portolan::demo();
    let (status, stream) =
        curl(&[&format!("{}/api/publishers/contoso/offers/vm-failed/events?api-version=2017-10-31", demo.url)]);
    assert_eq!(status, 200, "{stream}");
    let newest = stream.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let tail =
        |more: &[&str]| portolan(&demo, &[&["events", "tail", "vm-failed", "--limit", "1"], more].concat()).done();
    assert_eq!(tail(&["-o", "json"]), format!("{newest}\n"));
    assert_eq!(tail(&["--query", "data.entry.event", "-o", "tsv"]), "failed\n");
    let line = tail(&[]);
    assert!(line.contains("contoso/vm-failed") && line.contains("  failed  displaycertify  Rejected\n"), "{line}");
    assert_eq!(tail(&["--after", "1", "--event", "failed"]), line);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("http://{}/hook?key=1", listener.local_addr().unwrap());
    let program = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        while !request.ends_with(b"}") {
            let read = stream.read(&mut piece).unwrap();
            assert!(read > 0);
            request.extend_from_slice(&piece[..read]);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        String::from_utf8(request).unwrap()
    });
    let said = portolan(&demo, &["events", "forward", "vm-failed", "--to", &to, "--limit", "1"]);
    assert!(
        said.code == 0 && said.out.is_empty() && said.err.contains("HTTP 204") && !said.err.contains("key"),
        "{said:?}"
    );
    let request = program.join().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook?key=1 ") && head.contains("webhook-id: contoso:"), "{head}");
    assert_eq!(body, newest);
    portolan(&demo, &["events", "forward", "--to", "http://192.0.2.1/"]).failed(2, &["this machine only"]);
}

#[test]
fn an_audit_is_written_to_a_new_file_as_the_server_has_it() {
    let demo = Portolan::demo();
    let directory = tempfile::tempdir().unwrap();
    for form in ["csv", "jsonl"] {
        let path = directory.path().join(form);
        let export = ["audit", "export", "--format", form, "--event", "published", "-f", path.to_str().unwrap()];
        let served = get(&demo, &format!("/publishers/contoso/audit?event=published&format={form}"));
        assert_eq!(portolan(&demo, &export).done(), "");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), served);
        assert!(served.lines().count() > 5, "{served}");
        portolan(&demo, &export).failed(2, &["is there already", "--force"]);
        portolan(&demo, &[&export[..], &["--force"]].concat()).done();
        assert_eq!(portolan(&demo, &export[..6]).done(), served);
    }
    portolan(&demo, &["audit", "list", "--marketplace", "--offer", "saas-live"]).failed(2, &["--marketplace"]);
}

#[test]
fn a_journal_is_written_out_whole_and_in_order() {
    let demo = Portolan::demo();
    let directory = tempfile::tempdir().unwrap();
    let exported = portolan(&demo, &["offer", "export", "vm-never-published"]).done();
    let body = format!("@{}", file(directory.path(), &exported));
    let url = format!("{}/api/publishers/contoso/offers/vm-never-published?api-version=2017-10-31", demo.url);
    // More than a server gives on one page.
    for _ in 0..120 {
        let json = "Content-Type: application/json";
        assert_eq!(curl(&["--request", "PUT", "--header", json, "--data-binary", &body, &url]).0, 200);
    }
    let exported = portolan(&demo, &["journal", "export"]).done();
    let numbers: Vec<i64> = exported
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["sequence"].as_i64().unwrap())
        .collect();
    assert!(numbers.len() > 200 && numbers.is_sorted_by(|one, other| one < other), "{numbers:?}");
    let page = get(&demo, "/publishers/contoso/history?$top=1");
    let first = page.strip_prefix("{\"value\":[").and_then(|rest| rest.split_once("],\"nextLink\"")).unwrap().0;
    assert_eq!(exported.lines().next().unwrap(), first, "as the server writes it");
    let live = portolan(&demo, &["journal", "export", "--event", "live"]).done();
    assert!(live.lines().count() == 2 && live.lines().all(|line| exported.contains(line)), "{live}");
    let all = portolan(&demo, &["journal", "list", "--top", "200"]).done();
    assert!(all.lines().nth(1).unwrap().starts_with(&numbers.last().unwrap().to_string()), "{all}");
}

#[test]
fn webhooks_are_made_tried_and_taken_away() {
    let demo = Portolan::demo();
    let ask = |line: &str| portolan(&demo, &line.split(' ').collect::<Vec<_>>());
    let hook = "https://hooks.contoso.example/portolan";
    let made = ask(&format!("notify add {hook} --event live,failed"));
    assert!(made.err.contains("shown this once") && !made.err.contains("whsec_"), "{made:?}");
    let id = made.out.lines().find_map(|line| line.strip_prefix("export PORTOLAN_WEBHOOK_ID=")).unwrap().to_owned();
    let secret = |out: &str| out.lines().find(|line| line.contains("whsec_")).unwrap().to_owned();
    let list = ask("notify list").done();
    assert!(list.contains(&id) && list.contains("failed, live") && !list.contains("whsec_"), "{list}");
    let rotated = ask(&format!("notify rotate {id}")).done();
    assert_ne!(secret(&rotated), secret(&made.out));
    let tried = ask(&format!("notify test {hook}"));
    assert!(tried.code == 1 && tried.out.contains("nameNotFound") && tried.err.contains("did not take"), "{tried:?}");
    assert!(ask(&format!("notify deliveries {hook}")).done().contains("told nothing yet"));
    ask(&format!("notify redeliver {hook} {id}")).failed(3, &["HTTP 404"]);
    ask(&format!("notify enable {hook}"));
    ask(&format!("notify remove {hook}")).failed(2, &["--yes", "dropped"]);
    let removed = ask(&format!("notify remove {hook} --yes -o json"));
    assert!(removed.code == 0 && removed.out.is_empty() && removed.err.starts_with("Done: "), "{removed:?}");
    ask(&format!("notify remove {hook} --yes")).failed(3, &["no webhook"]);
    ask("notify mails show").failed(3, &["notify mails on"]);
    ask("notify mails on").failed(6, &["mail.server"]);
    ask("notify mails off").done();
}

#[test]
fn submissions_and_reviews_are_told_in_columns() {
    let demo = Portolan::demo();
    let ask = |line: &str| portolan(&demo, &line.split(' ').collect::<Vec<_>>());
    let list = ask("submission list vm-live-update-in-review").done();
    let lines: Vec<&str> = list.lines().collect();
    for column in ["NO", "STATE", "STEP", "BY", "STARTED", "TOOK"] {
        assert!(lines[0].contains(column), "{list}");
    }
    assert!(lines.len() == 4 && lines[1].starts_with("3   running  Certification  jane@contoso.example"), "{list}");
    ask("submission show vm-failed 2").failed(3, &["has 1 submissions"]);
    ask("submission show vm-failed x").failed(2, &["neither"]);
    ask("submission list vm-never-published").done();
    ask("submission show vm-never-published").failed(3, &["never submitted"]);
    let messages = ask("submission messages vm-failed --step displaycertify -o json").done();
    let messages: Value = serde_json::from_str(&messages).unwrap();
    assert_eq!((&messages[0]["stepId"], &messages[0]["code"]), (&json!("displaycertify"), &json!("IMG-048")));
}

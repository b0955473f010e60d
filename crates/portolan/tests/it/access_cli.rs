//! Who may what, on the command line: the real binary from the printed setup secret to members, secrets and invitations.

use crate::binary::{Portolan, command};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Variables of an environment.
type Variables = BTreeMap<String, String>;

/// What a command said.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    /// Its standard output, where it went well.
    fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Its standard error, where it failed with this code and all of these in it.
    fn failed(self, code: i32, with: &[&str]) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(with.iter().all(|part| self.err.contains(part)), "{with:?}: {self:?}");
        self.err
    }
}

/// Runs `portolan` with these variables.
fn portolan(variables: &Variables, arguments: &[&str]) -> Said {
    let output = command().envs(variables).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The variables that these lines of a shell set.
fn exported(lines: &str) -> Variables {
    let exports = lines.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    exports.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

fn variables<const N: usize>(pairs: [(&str, &str); N]) -> Variables {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The line of a table that holds this, in its columns.
fn line<'a>(table: &'a str, part: &str) -> Vec<&'a str> {
    let line = table.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part}: {table}"));
    line.split("  ").map(str::trim).filter(|text| !text.is_empty()).collect()
}

/// A fresh service, with what it printed.
fn fresh(data: &Path, more: &[&str]) -> Portolan {
    let mut serve = command();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = String::new();
    let mut out = BufReader::new(child.stdout.as_mut().unwrap());
    while !said.contains("void at the next start") {
        assert!(out.read_line(&mut said).unwrap() > 0, "{said}");
    }
    let url = said.split("open ").nth(1).unwrap().split("/setup").next().unwrap().to_owned();
    Portolan { child, url, said, logging: None }
}

fn setup_secret(service: &Portolan) -> String {
    service.said.lines().map(str::trim).find(|line| line.starts_with("pset_")).unwrap().to_owned()
}

/// A service with an operator, and the publisher contoso.
struct Marketplace {
    service: Portolan,
    operator: Variables,
    _data: TempDir,
}

impl Marketplace {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let service = fresh(data.path(), &[]);
        let first = variables([("PORTOLAN_SERVER", &service.url), ("PORTOLAN_TOKEN", &setup_secret(&service))]);
        let added = portolan(&first, &["staff", "add", "--role", "operator", "--service-principal", "admin"]);
        let operator = exported(&added.done());
        portolan(&operator, &["publisher", "create", "contoso", "--name", "Contoso, Ltd."]).done();
        Self { service, operator, _data: data }
    }

    fn ask(&self, arguments: &[&str]) -> Said {
        portolan(&self.operator, arguments)
    }

    fn service_principal(&self, name: &str, role: &str) -> Variables {
        exported(
            &self.ask(&["access", "add", "--publisher", "contoso", "--role", role, "--service-principal", name]).done(),
        )
    }
}

#[test]
fn the_printed_lines_lead_from_the_setup_secret_to_an_operator_and_on() {
    let data = tempfile::tempdir().unwrap();
    let service = fresh(data.path(), &[]);
    let secret = setup_secret(&service);
    let lines = &service.said[service.said.find("  read -rs").unwrap()..service.said.find("With a browser").unwrap()];
    let mut shell = Command::new("bash");
    let programs = Path::new(env!("CARGO_BIN_EXE_portolan")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    shell.args(["-c", lines]).current_dir(&data).env("PATH", path).stdin(Stdio::piped());
    let mut shell = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(shell.stdin.take().unwrap(), "{secret}").unwrap();
    let output = shell.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(line(&out, "admin")[2..4], ["servicePrincipal", "operator, reviewer"], "{out}");
    assert!(err.contains("shown this once") && !err.contains("pset_") && !err.contains("pcs_"), "{err}");

    let file = data.path().join("operator.env");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let operator = exported(&std::fs::read_to_string(file).unwrap());
    assert!(operator["PORTOLAN_SERVER"] == service.url && operator["PORTOLAN_CLIENT_SECRET"].starts_with("pcs_"));

    let spent = variables([("PORTOLAN_SERVER", &service.url), ("PORTOLAN_TOKEN", &secret)]);
    let again = ["staff", "add", "--role", "operator", "--service-principal", "intruder"];
    let err = portolan(&spent, &again).failed(4, &["Not signed in"]);
    assert!(!err.contains(&secret), "{err}");

    let created =
        portolan(&operator, &["publisher", "create", "contoso", "--name", "Contoso, Ltd.", "--seller-id", "7"]);
    assert!(created.err.contains("portolan access add --publisher contoso --role owner"), "{created:?}");
    assert_eq!(created.done(), "Done: there is a publisher contoso.\n");
    portolan(&operator, &["publisher", "create", "contoso"]).failed(6, &["HTTP 409"]);
    let add = ["access", "add", "--publisher", "contoso", "--role", "owner", "--service-principal", "build"];
    let owner = exported(&portolan(&operator, &add).done());
    let publishers = portolan(&owner, &["publisher", "list"]).done();
    assert_eq!(publishers, "ID       NAME           SELLER ID\ncontoso  Contoso, Ltd.  7\n");
    let members = portolan(&owner, &["access", "list", "--publisher", "contoso"]).done();
    assert_eq!(line(&members, "build")[2..5], ["servicePrincipal", "owner", &owner["PORTOLAN_CLIENT_ID"]]);
    portolan(&owner, &["staff", "list"]).failed(4, &["HTTP 403"]);
}

#[test]
fn members_are_named_and_their_roles_are_changed() {
    let marketplace = Marketplace::new();
    assert_eq!(
        marketplace.ask(&["access", "list", "--publisher", "contoso"]).done(),
        "Nobody is a member of contoso yet.\n"
    );
    marketplace.service_principal("build", "owner");
    let person = |name: &str, mail: &str| {
        let add = ["access", "add", "--publisher", "contoso", "--role", "contributor", "--user", name, "--mail", mail];
        marketplace.ask(&add).done()
    };
    let invited = person("Jane Doe", "jane@contoso.example");
    let page = format!("page  {}/invitation", marketplace.service.url);
    assert!(invited.contains(&page) && invited.contains("code  "), "{invited}");
    person("Jane Doe", "jane.doe@contoso.example");
    let role = |member: &str| marketplace.ask(&["access", "role", "--publisher", "contoso", member, "reader"]);
    role("Jane Doe").failed(2, &["more than one", "jane@contoso.example", "jane.doe@contoso.example"]);
    let err = role("nobody").failed(3, &["no member \"nobody\"", "build", "Jane Doe"]);
    assert!(!err.contains("pcs_"), "{err}");
    assert_eq!(role("JANE@contoso.example").done(), "Done: Jane Doe is reader of contoso.\n");
    let members = marketplace.ask(&["access", "list", "--publisher", "contoso"]).done();
    assert_eq!(line(&members, "jane@contoso.example")[3], "reader");
    assert_eq!(line(&members, "jane.doe@contoso.example")[3], "contributor");

    // An id is an id, whatever anybody is called.
    let id = line(&members, "jane@contoso.example")[0].to_owned();
    person(&id, "copy@contoso.example");
    marketplace.ask(&["access", "role", "--publisher", "contoso", &id, "contributor"]).done();
    let members = marketplace.ask(&["access", "list", "--publisher", "contoso"]).done();
    assert_eq!(line(&members, "jane@contoso.example")[3], "contributor");

    let again = marketplace.ask(&["access", "invite", "--publisher", "contoso", "jane@contoso.example"]).done();
    assert!(again.contains(&page) && again != invited, "{again}");
    marketplace
        .ask(&["access", "role", "--publisher", "contoso", "build", "reader"])
        .failed(6, &["This is the last owner", "HTTP 409"]);

    let remove = ["access", "remove", "--publisher", "contoso", "jane.doe@contoso.example"];
    marketplace.ask(&remove).failed(2, &["add --yes", "Jane Doe <jane.doe@contoso.example>, contributor of contoso"]);
    let removed = marketplace.ask(&[&remove[..], &["--yes"]].concat());
    let undo = removed.err.lines().find_map(|line| line.strip_prefix("To undo it: portolan ")).unwrap().to_owned();
    removed.done();
    role("jane.doe@contoso.example").failed(3, &["no member"]);
    marketplace.ask(&undo.split(' ').collect::<Vec<_>>()).done();
    role("jane.doe@contoso.example").done();
    marketplace
        .ask(&["access", "remove", "--publisher", "contoso", "build", "--yes"])
        .failed(6, &["This is the last owner"]);

    let staff = ["staff", "add", "--role", "reviewer", "--user", "Jo", "--mail", "jo@portolan.example"];
    marketplace.ask(&staff).done();
    let given = marketplace.ask(&["staff", "role", "Jo", "reviewer", "auditor"]).done();
    assert_eq!(given, "Done: Jo is reviewer, auditor of the marketplace.\n");
    marketplace.ask(&["staff", "remove", "admin", "--yes"]).failed(6, &["This is the last operator"]);
    marketplace.ask(&["staff", "remove", "jo@portolan.example", "--yes"]).done();
}

#[test]
fn a_secret_is_changed_without_a_pause_and_a_removed_one_gets_no_token() {
    let marketplace = Marketplace::new();
    let old = marketplace.service_principal("build", "owner");
    let list = || marketplace.ask(&["access", "secret", "list", "--publisher", "contoso", "build"]).done();
    let first = line(&list(), "never")[0].to_owned();
    let added = marketplace.ask(&["access", "secret", "add", "--publisher", "contoso", "build", "--days", "3"]);
    assert!(added.err.contains("shown this once") && !added.err.contains("pcs_"), "{added:?}");
    let new = exported(&added.done());
    assert_eq!(old["PORTOLAN_CLIENT_ID"], new["PORTOLAN_CLIENT_ID"]);
    let see = ["access", "list", "--publisher", "contoso"];
    portolan(&old, &see).done();
    portolan(&new, &see).done();
    assert_eq!(list().lines().count(), 3);
    let remove = ["access", "secret", "remove", "--publisher", "contoso", "build", &first];
    marketplace.ask(&remove).failed(2, &["--yes", &first, "within an hour"]);
    portolan(&old, &see).done();
    marketplace.ask(&[&remove[..], &["--yes"]].concat()).done();
    let err = portolan(&old, &see).failed(4, &["There is no token for this client", "HTTP 401"]);
    assert!(!err.contains(&old["PORTOLAN_CLIENT_SECRET"]), "{err}");
    portolan(&new, &see).done();
    assert!(!list().contains(&first));
    marketplace
        .ask(&["access", "secret", "add", "--publisher", "contoso", "build", "--days", "0"])
        .failed(5, &["HTTP 400"]);

    let second = exported(&marketplace.ask(&["staff", "secret", "add", "admin"]).done());
    portolan(&second, &["staff", "secret", "list", "admin"]).done();
}

#[test]
fn on_a_terminal_somebody_is_asked() {
    if Command::new("script").arg("--version").output().is_err() {
        return println!("not tried: script is not installed");
    }
    let marketplace = Marketplace::new();
    marketplace.service_principal("build", "owner");
    marketplace.service_principal("other", "owner");
    let answered = |answer: &str| {
        let mut terminal = Command::new("script");
        let line = format!("{} access remove --publisher contoso other", env!("CARGO_BIN_EXE_portolan"));
        terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]).envs(&marketplace.operator);
        let mut terminal = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut out = terminal.stdout.take().unwrap();
        let mut byte = [0];
        while !said.ends_with("[y/N] ") {
            assert!(out.read(&mut byte).unwrap() > 0, "{said}");
            said.push(char::from(byte[0]));
        }
        writeln!(terminal.stdin.as_mut().unwrap(), "{answer}").unwrap();
        (terminal.wait().unwrap().success(), said)
    };
    let (done, said) = answered("");
    assert!(!done && said.contains("owner of contoso, may do nothing there any more"), "{said}");
    assert!(marketplace.ask(&["access", "list", "--publisher", "contoso"]).done().contains("other"));
    assert!(answered("y").0);
    assert!(!marketplace.ask(&["access", "list", "--publisher", "contoso"]).done().contains("other"));
}

#[test]
fn over_tls_the_certificate_is_trusted_or_the_mend_is_named() {
    let data = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let file = |name: &str, text: String| -> PathBuf {
        let path = data.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (certificate, key) =
        (file("portolan.pem", made.cert.pem()), file("portolan.key", made.signing_key.serialize_pem()));
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let service = fresh(data.path(), &["--tls-certificate", certificate, "--tls-key", key]);
    let url = format!("https://localhost:{}", service.url.rsplit(':').next().unwrap());
    let secret = setup_secret(&service);
    let mut asked = variables([("PORTOLAN_SERVER", &url), ("PORTOLAN_TOKEN", &secret)]);
    let add = ["staff", "add", "--role", "operator", "--service-principal", "admin"];
    portolan(&asked, &add).failed(7, &["certificate is not trusted", "--ca-file"]);
    portolan(&asked, &[&add[..], &["--ca-file", "/nowhere.pem"]].concat()).failed(1, &["/nowhere.pem", "--ca-file"]);
    portolan(&asked, &[&add[..], &["--ca-file", key]].concat()).failed(2, &["root certificates holds none"]);
    for (name, value) in [("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")] {
        asked.insert(name.into(), value.into());
    }
    // A machine without root certificates is told so, and needs no more than the server's.
    portolan(&asked, &add).failed(2, &["No CA certificates", "ca-certificates", "--ca-file"]);
    let operator = exported(&portolan(&asked, &[&add[..], &["--ca-file", certificate]].concat()).done());
    assert_eq!(operator["PORTOLAN_CA_FILE"], certificate);
    assert!(portolan(&operator, &["staff", "list"]).done().contains("admin"));
    let wrong = format!("https://127.0.0.1:{}", service.url.rsplit(':').next().unwrap());
    portolan(&operator, &["staff", "list", "--server", &wrong]).failed(7, &["not trusted", "Check the address"]);
    portolan(&operator, &["staff", "list", "--server", &url.replace("https", "http")]).failed(7, &["https or http"]);
}

#[test]
fn credentials_cross_no_network_in_clear_text_and_no_proxy() {
    let mut marketplace = Marketplace::new();
    for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        marketplace.operator.insert(proxy.into(), "http://127.0.0.1:1".into());
    }
    marketplace.operator.insert("SSL_CERT_FILE".into(), "/nowhere".into());
    marketplace.operator.insert("SSL_CERT_DIR".into(), "/nowhere".into());
    marketplace.ask(&["staff", "list"]).done();
    // Not loopback by its address, and this machine nevertheless.
    let away = marketplace.service.url.replace("127.0.0.1", "0.0.0.0");
    let list = ["staff", "list", "--server", &away];
    let err = marketplace.ask(&list).failed(2, &["clear text", "--plain-http", "PORTOLAN_PLAIN_HTTP=1", "https"]);
    assert!(!err.contains("pcs_"), "{err}");
    marketplace.ask(&[&list[..], &["--plain-http"]].concat()).done();
    marketplace.operator.insert("PORTOLAN_PLAIN_HTTP".into(), "0".into());
    marketplace.ask(&list).failed(2, &["clear text"]);
    marketplace.operator.insert("PORTOLAN_PLAIN_HTTP".into(), "1".into());
    marketplace.ask(&list).done();
    let add = ["staff", "secret", "add", "admin", "--server", &away];
    assert_eq!(exported(&marketplace.ask(&add).done())["PORTOLAN_PLAIN_HTTP"], "1");
    for server in ["ftp://x", "portolan.example", "https://me:hush@portolan.example", "https://x/?hush"] {
        let err = marketplace.ask(&["staff", "list", "--server", server]).failed(2, &["Write it like https://"]);
        assert!(!err.contains("hush"), "{err}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let here = TcpListener::bind("127.0.0.1:0").unwrap();
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        elsewhere.local_addr().unwrap()
    );
    let server = format!("http://{}", here.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = here.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    for credentials in
        [&[("PORTOLAN_TOKEN", "hush")][..], &[("PORTOLAN_CLIENT_ID", "id"), ("PORTOLAN_CLIENT_SECRET", "hush")]]
    {
        let mut asked = variables([("PORTOLAN_SERVER", &server)]);
        asked.extend(credentials.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let err = portolan(&asked, &["publisher", "list"]).failed(1, &["HTTP 307", "points elsewhere"]);
        assert!(!err.contains("hush"), "{err}");
    }
    answering.join().unwrap();
    assert!(elsewhere.accept().is_err(), "nobody came there");
}

#[test]
fn no_process_list_shows_a_secret() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", silent.local_addr().unwrap());
    let set =
        variables([("PORTOLAN_CLIENT_ID", "an-id"), ("PORTOLAN_CLIENT_SECRET", "hush"), ("PORTOLAN_SERVER", &server)]);
    let mut list = command();
    let mut child =
        list.envs(&set).args(["access", "list", "--publisher", "contoso"]).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = silent.accept().unwrap();
    let mut asked = String::new();
    let began = Instant::now();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    while !asked.contains("client_secret=hush") {
        let mut bytes = [0; 4096];
        let had = stream.read(&mut bytes).unwrap();
        asked.push_str(&String::from_utf8_lossy(&bytes[..had]));
        assert!(had > 0 && began.elapsed() < Duration::from_secs(5), "{asked}");
    }
    let shown = std::fs::read_to_string(format!("/proc/{}/cmdline", child.id())).unwrap();
    assert!(shown.contains("contoso") && !shown.contains("hush"), "{shown}");
    drop(stream);
    drop(silent);
    assert!(!child.wait().unwrap().success());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(err.contains("did not answer") && !err.contains("hush"), "{err}");

    let token = portolan(&set, &["access", "list", "contoso", "--token", "hush"]);
    assert!(token.code == 2 && token.err.contains("unexpected argument"), "{token:?}");
    let nobody = variables([]);
    portolan(&nobody, &["review", "list"])
        .failed(4, &["PORTOLAN_CLIENT_ID", "PORTOLAN_CLIENT_SECRET", "PORTOLAN_TOKEN"]);
    let help = portolan(&set, &["access", "list", "--help"]);
    assert!(help.out.contains("--server") && !help.out.contains("hush"), "{help:?}");
}

/// The help of a command and of all below it, with their names.
fn pages(of: &[String], found: &mut Vec<(String, String)>) {
    let arguments: Vec<&str> = of.iter().map(String::as_str).chain(["--help"]).collect();
    let page = portolan(&variables([]), &arguments).done();
    if let Some(commands) = page.split("\nCommands:\n").nth(1) {
        let names = commands.lines().take_while(|line| line.starts_with("  ")).filter_map(|line| {
            let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.split(' ').next()?;
            (name != "help").then(|| name.to_owned())
        });
        for name in names.collect::<Vec<_>>() {
            pages(&[of, &[name]].concat(), found);
        }
    }
    found.push((of.join(" "), page));
}

#[test]
fn every_command_has_an_example_that_is_understood() {
    let mut found = Vec::new();
    let groups = ["publisher", "access", "staff", "review", "offer", "submission", "events", "notify"];
    for group in groups {
        pages(&[group.to_owned()], &mut found);
    }
    let journals = ["list", "export"].map(|verb| vec!["journal".to_owned(), verb.to_owned()]);
    journals.iter().for_each(|journal| pages(journal, &mut found));
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("offer.json"), "{}").unwrap();
    assert_eq!(
        found.len(),
        8 + 2 + 9 + 9 + 9 + 10 + 3 + 2 + 12 + 2,
        "{:?}",
        found.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    for (name, page) in found {
        let examples: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("Example: portolan ")).collect();
        assert!(!examples.is_empty(), "{name} has no example");
        for example in examples {
            assert!(example.starts_with(&name), "{name}: {example}");
            let words = example.split(" > ").next().unwrap();
            let mut shell = Command::new("bash");
            shell
                .args(["-c", &format!("{} {words}", env!("CARGO_BIN_EXE_portolan"))])
                .stdin(Stdio::null())
                .current_dir(&directory);
            for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("PORTOLAN_")) {
                shell.env_remove(variable);
            }
            let output = shell.output().unwrap();
            let err = String::from_utf8(output.stderr).unwrap();
            // Understood, and then nobody had said who asks.
            assert!(output.status.code() == Some(4) && err.contains("who asks"), "{example}: {err}");
        }
    }
}

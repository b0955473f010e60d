//! What proves who somebody is: shown once to whom it is for, and then in no answer, log line, file or process table.

use crate::binary::{Portolan, curl, token};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use portolan::vault::Vault;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// A secret under the name that a failure tells it by; the value is printed by no failure.
type Secret = (&'static str, String);

/// The bytes of a secret as they could stand somewhere: plain, in base64 at any place of the four, and in hexadecimal.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec()];
    for skipped in 0..3 {
        let some = &secret[skipped.min(secret.len())..];
        let whole = &some[..some.len() / 3 * 3];
        forms.push(STANDARD.encode(whole).into_bytes());
        forms.push(URL_SAFE_NO_PAD.encode(whole).into_bytes());
    }
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    forms.push(hex.to_uppercase().into_bytes());
    forms.push(hex.into_bytes());
    forms
}

fn holds(there: &[u8], secret: &[u8]) -> bool {
    forms(secret).iter().any(|form| there.windows(form.len()).any(|window| window == &form[..]))
}

/// The names of the files of the data directory that hold a secret.
fn files_with(data: &Path, secret: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(data).unwrap() {
        let (name, path) = entry.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())).unwrap();
        // The log of the database may go at any moment; the test's own token is where the test keeps it.
        let Ok(there) = std::fs::read(path) else { continue };
        if name != "the-tests-token" && holds(&there, secret) {
            found.push(name);
        }
    }
    found
}

/// Sends bytes as they are, and gives everything that comes back.
fn raw(url: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{text}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Makes one secret of each kind, and gives them with the client id that one belongs to.
fn make_secrets(service: &Portolan) -> (Vec<Secret>, String) {
    let api = |path: &str| format!("{}/api{path}?api-version=2017-10-31", service.url);
    let ask = |body: &str, path: &str| {
        let (status, answer) = curl(&["--data", body, &api(path)]);
        assert_eq!(status, 201, "{path}");
        parsed(&answer)
    };
    let bot = ask(r#"{"kind":"servicePrincipal","name":"bot","roles":["owner"]}"#, "/publishers/contoso/members");
    let client = text(&bot["member"]["applicationId"]);
    let secrets = format!("/publishers/contoso/members/{}/secrets", text(&bot["member"]["id"]));
    let second = ask("", &secrets);
    let user = r#"{"kind":"user","name":"Jane","mail":"jane@x.example","roles":["reader"]}"#;
    let user = ask(user, "/publishers/contoso/members");
    let form = format!(
        "grant_type=client_credentials&client_id={client}&client_secret={}&resource=https://cloudpartner.azure.com",
        text(&bot["secret"]["value"])
    );
    let (status, answer) = curl(&["--data", &form, &format!("{}/common/oauth2/token", service.url)]);
    assert_eq!(status, 200);
    let found = vec![
        ("the first client secret", text(&bot["secret"]["value"])),
        ("the second client secret", text(&second["value"])),
        ("the invitation code", text(&user["invitation"]["code"])),
        ("the access token", text(&parsed(&answer)["access_token"])),
        ("the operator's access token", token()),
        // Not of this service's making: what somebody may type into the wrong field.
        ("a chosen password", "correct-horse-battery-4d5e9b7c2f".to_owned()),
        ("a setup secret", format!("pset_{}", "4d5e9b7c2f".repeat(6))),
    ];
    (found, client)
}

/// Requests with a secret in every place that a client may put it, but for names: those of the path and of members in a body,
/// which answers repeat so that the fault can be found (docs/identity.md).
fn misplaced(secret: &str, good: &str, client: &str) -> Vec<Vec<u8>> {
    let version = "api-version=2017-10-31";
    let bearer = format!("Bearer {good}");
    let as_json = ("Content-Type", "application/json");
    let authorised = |name: &'static str| [("Authorization", bearer.as_str()), (name, secret)];
    let offers = "/api/publishers/contoso/offers";
    let in_body =
        format!(r#"{{"note":"{secret}","kind":"user","name":["{secret}"],"mail":"{secret}","roles":["{secret}"]}}"#);
    let typed = |member: &str, value: &str| {
        let mut body = json!({"kind": "user", "name": "x", "mail": "x@x.example", "roles": ["reader"]});
        body[member] = json!(value);
        body.to_string()
    };
    let quoted = format!(r#""{secret}""#);
    let mut requests = vec![
        // 401: as a token of this scheme and of others, twice, cut, and with more.
        request("GET", &format!("{offers}?{version}"), &[("Authorization", secret)], ""),
        request("GET", &format!("{offers}?{version}"), &[("Authorization", &format!("Bearer {secret}x"))], ""),
        request("GET", &format!("{offers}?{version}"), &[("Authorization", &format!("Basic {secret}"))], ""),
        request("GET", &format!("{offers}?{version}"), &[("Authorization", &bearer), ("Authorization", secret)], ""),
        request("GET", &format!("{offers}?{version}&access_token={secret}"), &[], ""),
        request("GET", &format!("{offers}?{version}"), &[("Cookie", secret), ("X-Token", secret)], ""),
        // 400 for a name and values of the query.
        request("GET", &format!("{offers}?{secret}={secret}"), &authorised("X-Other"), ""),
        request("GET", &format!("{offers}?{version}&$filter={secret}"), &authorised("X-Other"), ""),
        request("GET", &format!("{offers}?{version}&$top={secret}&$skip={secret}"), &authorised("X-Other"), ""),
        request("GET", &format!("{offers}/none/submissions?{version}&status={secret}"), &authorised("X-Other"), ""),
        // Headers that are looked at: conditions, media types, ids, addresses.
        request("GET", &format!("{offers}?{version}"), &authorised("x-ms-correlation-request-id"), ""),
        request("GET", &format!("{offers}?{version}"), &authorised("If-None-Match"), ""),
        request("GET", &format!("{offers}?{version}"), &authorised("X-Forwarded-For"), ""),
        request("PUT", &format!("{offers}/memo?{version}"), &authorised("If-Match"), "{}"),
        request("PUT", &format!("{offers}/memo?{version}"), &authorised("Content-Type"), "{}"),
        request("PUT", &format!("{offers}/memo?{version}"), &authorised("Content-Encoding"), "{}"),
        request("PUT", &format!("{offers}/memo?{version}"), &[("Authorization", &bearer), as_json], secret),
        request("PUT", &format!("{offers}/memo?{version}"), &[("Authorization", &bearer), as_json], &in_body),
        request("POST", &format!("{offers}/memo/publish?{version}"), &[("Authorization", &bearer)], &in_body),
        // 413, 405, 404, and what is no HTTP.
        request("POST", &format!("/api/publishers?{version}"), &[("Authorization", &bearer)], &secret.repeat(2_000)),
        request("PATCH", &format!("{offers}?{version}"), &authorised("X-Other"), &in_body),
        request("GET", &format!("/api/nothing/here?{version}&x={secret}"), &authorised("X-Other"), ""),
        request("GET", &format!("/nothing?{secret}"), &authorised("X-Other"), ""),
        format!("GET / HTTP/1.1\r\n{secret}\r\n\r\n").into_bytes(),
    ];
    for path in ["/api/publishers", "/api/staff", "/api/publishers/contoso/members"] {
        let path = format!("{path}?{version}");
        for body in [secret, &in_body, &quoted, &format!("[{quoted}]"), &format!(r#"{{"id":{quoted},"id":{quoted}}}"#)]
        {
            requests.push(request("POST", &path, &[("Authorization", &bearer), as_json], body));
        }
        // A publisher may be called whatever somebody likes.
        let members =
            ["id", "kind", "mail", "issuer", "roles"].into_iter().filter(|_| !path.starts_with("/api/publishers?"));
        for member in members {
            requests.push(request("POST", &path, &[("Authorization", &bearer)], &typed(member, secret)));
        }
    }
    // The form of the token endpoint, every member of it, and the header.
    for path in ["/common/oauth2/token", "/common/oauth2/v2.0/token"] {
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        for body in [
            format!("grant_type=client_credentials&client_id={client}&client_secret={secret}x"),
            format!("grant_type=client_credentials&client_id={secret}&client_secret={secret}"),
            format!("grant_type={secret}&client_id={client}&client_secret={secret}"),
            format!("grant_type=password&client_id={client}&username={secret}&password={secret}"),
            format!("client_secret={secret}&client_secret={secret}"),
            format!(
                "grant_type=authorization_code&client_id={client}&code={secret}&redirect_uri={secret}&code_verifier={secret}"
            ),
            format!("grant_type=client_credentials&client_id={client}&client_assertion={secret}"),
            secret.to_owned(),
            secret.repeat(2_000),
        ] {
            requests.push(request("POST", path, &[form], &body));
        }
        let basic = format!("Basic {}", STANDARD.encode(format!("{client}:{secret}x")));
        requests.push(request("POST", path, &[form, ("Authorization", &basic)], "grant_type=client_credentials"));
        requests.push(request("GET", &format!("{path}?client_secret={secret}"), &[], ""));
    }
    requests
}

#[test]
fn no_secret_of_identity_is_anywhere_but_where_it_was_shown() {
    let data = tempfile::tempdir().unwrap();
    // More tries at the token endpoint than an address has in a minute.
    let settings = tempfile::tempdir().unwrap();
    let settings = settings.path().join("settings.toml");
    std::fs::write(&settings, SETTINGS).unwrap();
    let arguments = ["--log-level", "trace", "--config", settings.to_str().unwrap()];
    let mut service = Portolan::serve(data.path(), &arguments);
    let (secrets, client) = make_secrets(&service);
    let mut statuses = std::collections::BTreeMap::<String, usize>::new();
    for (name, secret) in &secrets {
        for request in misplaced(secret, &token(), &client) {
            let answer = raw(&service.url, &request);
            let shown = answer.replace(secret.as_str(), "<the secret>");
            assert!(!holds(answer.as_bytes(), secret.as_bytes()), "{name} came back: {shown}");
            *statuses.entry(answer.split(' ').nth(1).unwrap_or("none").to_owned()).or_default() += 1;
        }
    }
    println!("{statuses:?}");
    for status in ["400", "401", "404", "405", "413", "415"] {
        assert!(statuses.contains_key(status), "no {status} among {statuses:?}");
    }
    let process = format!("/proc/{}", service.child.id());
    for file in ["cmdline", "environ", "comm"] {
        let there = std::fs::read(format!("{process}/{file}")).unwrap();
        for (name, secret) in &secrets {
            assert!(!holds(&there, secret.as_bytes()), "{name} is in {process}/{file}");
        }
    }
    for (name, secret) in &secrets {
        assert_eq!(files_with(data.path(), secret.as_bytes()), [""; 0], "{name}, while it runs");
    }
    service.signal("TERM");
    assert!(service.child.wait().unwrap().success());
    let logged = service.logging.take().unwrap().join().unwrap();
    assert!(logged.contains("answered") && logged.lines().count() > 500, "everything was logged");
    let logged = service.said.clone() + &logged;
    for (name, secret) in &secrets {
        assert!(!holds(logged.as_bytes(), secret.as_bytes()), "{name} is in the log");
        assert_eq!(files_with(data.path(), secret.as_bytes()), [""; 0], "{name}, after it has stopped");
    }
    the_private_key_is_sealed(data.path());
}

const SETTINGS: &str = "[limits]\ncredentials_per_second = 0\naddress_per_second = 0\ncaller_per_second = 0\n";

/// The key that signs is in the database, and opens, but is in no file as it is.
fn the_private_key_is_sealed(data: &Path) {
    let database = Connection::open(data.join("portolan.db")).unwrap();
    let mut statement = database.prepare("SELECT id, sealed FROM signing_key").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    let keys: Vec<(String, String)> = rows.collect::<rusqlite::Result<_>>().unwrap();
    assert_eq!(keys.len(), 1);
    let vault = Vault::open(&data.join("secret.key")).unwrap();
    for (id, sealed) in &keys {
        let private = vault.unseal(sealed, &format!("signing_key.sealed/{id}")).unwrap();
        assert!(private.len() > 1_000, "a key of 2048 bits in PKCS#8");
        // The public half may be read by all: the exponents and primes come after it.
        for part in private[400..].chunks_exact(48) {
            assert_eq!(files_with(data, part), [""; 0]);
        }
    }
    let line = std::fs::read_to_string(data.join("secret.key")).unwrap();
    let words: Vec<&str> = line.split_whitespace().filter(|word| !word.starts_with('#')).collect();
    assert!(
        line.lines().filter(|line| !line.starts_with('#')).count() == 1 && words.len() >= 2,
        "its own key, no more"
    );
}

/// The secret that a fresh service prints is on its standard output, once, and nowhere else.
#[test]
fn the_setup_secret_is_on_standard_output_and_nowhere_else() {
    let data = tempfile::tempdir().unwrap();
    // Whatever file is there counts as the test's token: the service is left without an operator.
    std::fs::write(data.path().join("the-tests-token"), "none").unwrap();
    let mut service = Portolan::serve(data.path(), &["--log-level", "trace"]);
    let mut printed = service.child.stdout.take().unwrap();
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains("prints a new one.") {
        let mut some = [0; 512];
        let read = printed.read(&mut some).unwrap();
        assert!(read > 0);
        said.extend_from_slice(&some[..read]);
    }
    let said = String::from_utf8(said).unwrap();
    let secret = said.lines().map(str::trim).find(|line| line.starts_with("pset_")).unwrap().to_owned();
    assert_eq!(said.matches(&secret).count(), 1);
    let staff = format!("{}/api/staff?api-version=2017-10-31", service.url);
    let bearer = format!("Authorization: Bearer {secret}");
    let ask = |body: &str| {
        let mut curl = std::process::Command::new("curl");
        curl.args(["--silent", "--include", "--max-time", "20", "--header", &bearer, "--data", body, &staff]);
        String::from_utf8(curl.stderr(Stdio::null()).output().unwrap().stdout).unwrap()
    };
    let operator = r#"{"kind":"servicePrincipal","name":"admin","roles":["operator"]}"#;
    let answers = [ask("{"), ask(r#"{"kind":"user","name":"x","roles":["auditor"]}"#), ask(operator), ask(operator)];
    let statuses = answers.each_ref().map(|answer| answer[9..12].to_owned());
    assert_eq!(statuses, ["400", "400", "201", "401"]);
    assert!(answers.iter().all(|answer| !answer.contains(&secret)));
    assert_eq!(files_with(data.path(), secret.as_bytes()), [""; 0]);
    let process = format!("/proc/{}", service.child.id());
    for file in ["cmdline", "environ"] {
        assert!(!holds(&std::fs::read(format!("{process}/{file}")).unwrap(), secret.as_bytes()), "{file}");
    }
    service.signal("TERM");
    assert!(service.child.wait().unwrap().success());
    let logged = service.said.clone() + &service.logging.take().unwrap().join().unwrap();
    assert!(logged.contains("answered") && !holds(logged.as_bytes(), secret.as_bytes()));
    assert_eq!(files_with(data.path(), secret.as_bytes()), [""; 0]);
}

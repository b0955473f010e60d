//! Real authentication libraries (msal, adal, azure-identity) against the real binary, over TLS: the scripts in `tests/python`.

use crate::binary::{command, setup_secret};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Clients keep the name that they always had for their tenant. The issuer's own is tried too.
const TENANTS: [&str; 3] = ["common", "contoso.onmicrosoft.com", "72f988bf-86f1-41af-91ab-2d7cd011db47"];

const AUDIENCE: &str = "https://cloudpartner.azure.com";

/// The Python of the environment that `./test` makes.
pub fn python() -> Option<PathBuf> {
    if std::env::var_os("PORTOLAN_WITHOUT_PYTHON").is_some_and(|set| !set.is_empty()) {
        println!("skipped: PORTOLAN_WITHOUT_PYTHON is set");
        return None;
    }
    let python = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/python/bin/python"));
    assert!(
        python.exists(),
        "{} is missing. Run ./test, which makes it, or set PORTOLAN_WITHOUT_PYTHON=1 to do without.",
        python.display()
    );
    Some(python)
}

/// Writes a root that clients shall trust, `root.pem`, and a certificate of it for this machine; gives the root.
pub fn write_certificates(files: &Path) -> String {
    let (root_key, key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let mut root = rcgen::CertificateParams::default();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    // OpenSSL, which Python uses, takes a certificate that has the name of its issuer for one that signed itself.
    root.distinguished_name.push(rcgen::DnType::CommonName, "root");
    root.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut leaf = rcgen::CertificateParams::new(names).unwrap();
    leaf.use_authority_key_identifier_extension = true;
    let leaf = leaf.signed_by(&key, &rcgen::Issuer::new(root, root_key)).unwrap();
    std::fs::write(files.join("root.pem"), &root_pem).unwrap();
    std::fs::write(files.join("portolan.pem"), leaf.pem()).unwrap();
    std::fs::write(files.join("portolan.key"), key.serialize_pem()).unwrap();
    root_pem
}

/// A `portolan serve` with TLS, and a member of contoso that has a secret.
struct Service {
    child: Child,
    files: tempfile::TempDir,
    url: String,
    client_id: String,
    client_secret: String,
    object_id: String,
    tenant: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    async fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let root = write_certificates(files.path());

        // The service must know its own address before it listens.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("https://localhost:{}", free.port());
        let mut serve = command();
        serve.args(["serve", "--log", "json", "--listen", &free.to_string(), "--public-url", &url]);
        serve.arg("--tls-certificate").arg(files.path().join("portolan.pem"));
        serve.arg("--tls-key").arg(files.path().join("portolan.key"));
        serve.arg("--data").arg(files.path().join("data"));
        let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("ready") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it was ready");
        }
        // Whoever writes to a pipe that nobody reads waits for ever: go on reading.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));

        let secret = setup_secret(&mut child);
        let trusted = reqwest::Certificate::from_pem(root.as_bytes()).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap();
        let mut service = Self {
            child,
            files,
            url,
            client_id: String::new(),
            client_secret: String::new(),
            object_id: String::new(),
            tenant: String::new(),
        };
        let operator = json!({"kind": "servicePrincipal", "name": "admin", "roles": ["operator"]});
        let admin = service.post(&http, "/staff", &secret, operator).await;
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            text(&admin["member"]["applicationId"]),
            text(&admin["secret"]["value"])
        );
        let answer = http.post(format!("{}/common/oauth2/token", service.url)).body(form).send().await.unwrap();
        let token: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let token = text(&token["access_token"]);
        service.post(&http, "/publishers", &token, json!({"id": "contoso"})).await;
        let member = json!({"kind": "servicePrincipal", "name": "ci", "roles": ["owner"]});
        let member = service.post(&http, "/publishers/contoso/members", &token, member).await;
        service.client_id = text(&member["member"]["applicationId"]);
        service.client_secret = text(&member["secret"]["value"]);
        service.object_id = text(&member["member"]["objectId"]);
        service.tenant = text(&member["member"]["tenantId"]);
        service
    }

    /// Makes something; the answer must be 201.
    async fn post(&self, http: &reqwest::Client, path: &str, token: &str, body: Value) -> Value {
        let url = format!("{}/api{path}?api-version=2017-10-31", self.url);
        let answer = http.post(url).bearer_auth(token).body(body.to_string()).send().await.unwrap();
        let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(status, 201, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Runs a script with each tenant; gives what it reports.
    fn run(&self, python: &PathBuf, script: &str) -> Value {
        let script = format!("{}/tests/python/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(python);
        // Nothing of the machine's own settings: no proxy, no other authority, no other certificates.
        command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("CLIENT_ID", &self.client_id).env("CLIENT_SECRET", &self.client_secret);
        command.env("REQUESTS_CA_BUNDLE", self.files.path().join("root.pem"));
        let output = command.arg(&script).arg(&self.url).args(TENANTS).arg(&self.tenant).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{script}: {error}: {said}"))
    }

    /// What a script did with a token of this version, for this audience.
    fn check(&self, used: &Value, version: &str, audience: &str) {
        assert_eq!(used["api"]["publishers"], json!([200, ["contoso"]]), "{used}");
        let put = &used["api"]["put"];
        assert!(put == 200 || put == 201, "{used}");
        assert_eq!(used["api"]["status"], json!([200, "neverPublished"]), "{used}");
        assert_eq!(used["from_cache"], true, "{used}");
        let (header, claims) = (&used["verified"]["header"], &used["verified"]["claims"]);
        assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("at+jwt")), "{used}");
        assert!(header["kid"].is_string(), "{used}");
        assert_eq!((&claims["aud"], &claims["ver"]), (&json!(audience), &json!(version)), "{used}");
        let client = if version == "1.0" { &claims["appid"] } else { &claims["azp"] };
        assert_eq!((client, &claims["oid"]), (&json!(self.client_id), &json!(self.object_id)), "{used}");
        let end = if version == "1.0" { "/" } else { "/v2.0" };
        assert_eq!(
            (&claims["iss"], &claims["tid"]),
            (&json!(format!("{}/{}{end}", self.url, self.tenant)), &json!(self.tenant))
        );
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Whether a token is told to be good for an hour, less what the script took.
fn lasts_an_hour(seconds: &Value) -> bool {
    seconds.as_f64().is_some_and(|seconds| (3_400.0..=3_600.0).contains(&seconds))
}

fn is_refused(error: &Value, code: &str) -> bool {
    error["error"] == code && error["error_description"].as_str().is_some_and(|description| description.len() > 20)
}

#[tokio::test(flavor = "multi_thread")]
async fn msal_adal_and_azure_identity_get_tokens_and_call_the_api() {
    let Some(python) = python() else { return };
    let service = Service::start().await;
    let (msal, adal, identity) = tokio::task::block_in_place(|| {
        let run = |script| service.run(&python, script);
        (run("with_msal.py"), run("with_adal.py"), run("with_azure_identity.py"))
    });
    for tenant in TENANTS.into_iter().chain([&*service.tenant]) {
        let msal = &msal[tenant];
        for way in ["authority", "oidc_authority", "instance_discovery"] {
            service.check(&msal[way], "2.0", AUDIENCE);
            let members = &msal[way]["members"];
            assert_eq!((&members["token_type"], &members["expires_in"]), (&json!("Bearer"), &json!(3600)), "{members}");
            assert_eq!(members["token_source"], "identity_provider", "{members}");
        }
        assert!(is_refused(&msal["refused"], "invalid_client"), "{msal}");
        assert!(is_refused(&msal["refused_oidc"], "invalid_client"), "{msal}");

        let adal = &adal[tenant];
        for (way, audience) in [("plain", AUDIENCE), ("slash", "https://cloudpartner.azure.com/")] {
            for api_version in ["1.0", "None"] {
                let used = &adal[format!("{way} {api_version}")];
                service.check(used, "1.0", audience);
                assert_eq!(
                    (&used["members"]["tokenType"], &used["members"]["resource"]),
                    (&json!("Bearer"), &json!(audience))
                );
                assert_eq!(used["members"]["expiresIn"], 3600, "{used}");
                assert!(lasts_an_hour(&used["seconds_left"]), "{used}");
            }
        }
        assert!(is_refused(&adal["refused"], "invalid_client"), "{adal}");
        assert!(is_refused(&adal["refused_resource"], "invalid_resource"), "{adal}");

        let identity = &identity[tenant];
        service.check(identity, "2.0", AUDIENCE);
        assert!(lasts_an_hour(&identity["seconds_left"]), "{identity}");
        let message = text(&identity["refused"]);
        assert!(message.contains("The client id or the client secret is not right"), "{message}");
    }
}

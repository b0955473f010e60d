//! TLS: handshakes, certificates that change while the service runs, and what is not TLS.

use crate::binary::command;
use crate::world::{Setting, World};
use portolan::http::{Certificate, LimitSettings};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A directory with `portolan.pem` and `portolan.key`.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> (Self, CertificateDer<'static>) {
        let files = Self(tempfile::tempdir().unwrap());
        let certificate = files.change();
        (files, certificate)
    }

    fn certificate(&self) -> PathBuf {
        self.0.path().join("portolan.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("portolan.key")
    }

    /// Writes a new certificate and its key.
    fn change(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(self.certificate(), made.cert.pem()).unwrap();
        std::fs::write(self.key(), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    async fn world(&self, limits: &str) -> World {
        let mut setting = Setting::default();
        setting.entrance.limits = toml::from_str::<LimitSettings>(limits).unwrap();
        setting.entrance.certificate = Some(Certificate::read(&self.certificate(), &self.key()).unwrap());
        World::with(setting).await
    }
}

/// Connects, trusting this certificate and no other; offers HTTP/2 too.
async fn connect(address: SocketAddr, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await.unwrap()).await
}

async fn is_served(stream: &mut TlsStream<TcpStream>) -> bool {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4096];
    let had = stream.read(&mut answer).await.unwrap();
    answer[..had].starts_with(b"HTTP/1.1 200")
}

/// Tries until the service offers this certificate.
async fn until_offered(address: SocketAddr, certificate: &CertificateDer<'static>) {
    let began = Instant::now();
    while connect(address, certificate).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(15), "the certificate is still another one");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_client_that_trusts_the_certificate_is_served() {
    let (files, trusted) = Files::new();
    let world = files.world("").await;
    let trusting = || {
        let certificate = reqwest::Certificate::from_der(&trusted).unwrap();
        reqwest::Client::builder().tls_certs_only([certificate]).resolve("localhost", world.address)
    };
    let url = format!("https://localhost:{}/api/publishers?api-version=2017-10-31", world.address.port());
    for version in [reqwest::tls::Version::TLS_1_2, reqwest::tls::Version::TLS_1_3] {
        let client = trusting().tls_version_min(version).tls_version_max(version).build().unwrap();
        let answer = client.get(&url).bearer_auth(&world.token).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_11));
        assert!(answer.text().await.unwrap().contains("contoso"));
    }
    let stream = connect(world.address, &trusted).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    assert!(connect(world.address, stranger.cert.der()).await.is_err());
}

#[tokio::test]
async fn a_changed_certificate_is_for_new_connections_and_a_broken_one_for_none() {
    let (files, first) = Files::new();
    let world = files.world("").await;
    let mut old = connect(world.address, &first).await.unwrap();
    assert!(is_served(&mut old).await);
    let second = files.change();
    until_offered(world.address, &second).await;
    assert!(connect(world.address, &first).await.is_err());
    assert!(is_served(&mut old).await, "the old connection goes on");

    std::fs::write(files.key(), "no key").unwrap();
    // Longer than the service takes to look again.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut new = connect(world.address, &second).await.unwrap();
    assert!(is_served(&mut new).await, "the certificate before the broken one stays");
    let third = files.change();
    until_offered(world.address, &third).await;
}

#[tokio::test]
async fn what_is_not_tls_does_no_harm() {
    let (files, trusted) = Files::new();
    let world = files.world("handshake_seconds = 1\nconnections = 3").await;
    let mut going_on = connect(world.address, &trusted).await.unwrap();
    for sent in ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "", "\u{16}\u{3}\u{1}", "nonsense"] {
        let mut plain = TcpStream::connect(world.address).await.unwrap();
        plain.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(4), plain.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "{sent:?}: the connection is closed in time");
        assert!(!answer.starts_with(b"HTTP"), "{sent:?}: it is no answer to read");
        assert!(is_served(&mut going_on).await, "{sent:?}");
    }
    assert!(is_served(&mut connect(world.address, &trusted).await.unwrap()).await, "no place is lost");
}

#[tokio::test]
async fn the_times_hold_within_tls() {
    let (files, trusted) = Files::new();
    let world = files.world("head_seconds = 1\nbody_silence_seconds = 1").await;
    let mut silent = connect(world.address, &trusted).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(4), silent.read_to_end(&mut answer)).await;
    assert!(read.is_ok() && answer.is_empty(), "{answer:?}");
    let mut silent = connect(world.address, &trusted).await.unwrap();
    let head = format!(
        "PUT /api/publishers/contoso/offers/memo-1?api-version=2017-10-31 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n",
        world.token
    );
    silent.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(4), silent.read_exact(&mut answer)).await;
    assert!(read.is_ok() && &answer == b"HTTP/1.1 408", "{answer:?}");
}

/// A `portolan serve` of its own, with what it logs.
struct Process {
    child: Child,
    log: Receiver<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn start(data: &Path, more: &[&str]) -> Self {
        let mut serve = command();
        serve.args(["serve", "--log", "json", "--data"]).arg(data).args(more);
        serve.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = serve.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (line, log) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|said| line.send(said)));
        Self { child, log }
    }

    /// Waits for a line of the log that holds this.
    fn says(&mut self, part: &str) -> Value {
        loop {
            let line =
                self.log.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("it never says {part}"));
            if line.contains(part) {
                return serde_json::from_str(&line).unwrap();
            }
        }
    }

    fn hang_up(&self) {
        assert!(Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap().success());
    }
}

#[test]
fn the_process_listens_everywhere_with_tls_and_reads_the_files_again_when_told_to() {
    let (files, first) = Files::new();
    let settings = files.0.path().join("settings.toml");
    let text = "[server]\nlisten = \"0.0.0.0:0\"\n[tls]\ncertificate = \"portolan.pem\"\nkey = \"portolan.key\"\n";
    std::fs::write(&settings, text).unwrap();
    let mut service = Process::start(&files.0.path().join("data"), &["--config", settings.to_str().unwrap()]);
    let ready = service.says("ready");
    assert!(ready["message"].as_str().unwrap().starts_with("ready: https://0.0.0.0:"), "{ready}");
    let port = ready["address"].as_str().unwrap().rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let served = |certificate: &CertificateDer<'static>| {
        runtime.block_on(async {
            is_served(&mut connect(address, certificate).await?)
                .await
                .then_some(())
                .ok_or(std::io::ErrorKind::Other.into())
        })
    };
    served(&first).unwrap();
    let mut review = command();
    review.args(["review", "list", "--server", &format!("https://localhost:{port}")]).env("PORTOLAN_TOKEN", "none");
    let reviewed = review.env("SSL_CERT_FILE", files.certificate()).output().unwrap();
    let said = String::from_utf8_lossy(&reviewed.stderr);
    assert!(said.contains("Not signed in"), "it is reached, and asks for a token: {said}");
    service.hang_up();
    service.says("new connections get the certificate");
    std::fs::write(files.certificate(), "no certificate").unwrap();
    service.hang_up();
    let error = service.says("the old one stays");
    assert!(error["error"].as_str().unwrap().contains("portolan.pem holds no certificate"), "{error}");
    served(&first).unwrap();
    let second = files.change();
    service.hang_up();
    service.says("new connections get the certificate");
    served(&second).unwrap();
    let _: std::io::Error = served(&first).unwrap_err();
    assert!(Command::new("kill").arg(service.child.id().to_string()).status().unwrap().success());
    assert!(service.child.wait().unwrap().success());
}

#[test]
fn files_that_cannot_be_used_are_named_and_nothing_is_made() {
    let (files, _) = Files::new();
    let (other, _) = Files::new();
    let path = |name: &str| files.0.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key, data) = (path("portolan.pem"), path("portolan.key"), path("data"));
    let other_key = other.key().to_str().unwrap().to_owned();
    let (garbage, torn) = (path("garbage"), path("torn"));
    std::fs::write(&garbage, "SECRET").unwrap();
    std::fs::write(&torn, std::fs::read_to_string(&key).unwrap().replace("END", "SECRET")).unwrap();
    for (arguments, expected) in [
        (vec!["--tls-certificate", &certificate], "--tls-key"),
        (vec!["--tls-key", &key], "--tls-certificate"),
        (
            vec!["--tls-certificate", "/nowhere.pem", "--tls-key", &key],
            "the certificate file /nowhere.pem cannot be read",
        ),
        (
            vec!["--tls-certificate", &certificate, "--tls-key", "/nowhere.key"],
            "the key file /nowhere.key cannot be read",
        ),
        (vec!["--tls-certificate", &garbage, "--tls-key", &key], "garbage holds no certificate"),
        (vec!["--tls-certificate", &certificate, "--tls-key", &garbage], "garbage holds no private key"),
        (vec!["--tls-certificate", &certificate, "--tls-key", &torn], "torn is not PEM"),
        (vec!["--tls-certificate", &certificate, "--tls-key", &certificate], "portolan.pem holds no private key"),
        (vec!["--tls-certificate", &certificate, "--tls-key", &other_key], "give two that fit together"),
    ] {
        let mut serve = command();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data", &data]).args(&arguments);
        let mut child = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(!child.wait().unwrap().success() && said.contains(expected), "{arguments:?}: {said}");
        assert!(!said.contains("SECRET") && !Path::new(&data).exists(), "{said}");
    }
}

//! An https endpoint on loopback that answers as a test wants, and the way out that leads to it.

use portolan::egress::{Egress, EgressSettings};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What an endpoint got.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Offer and number of the entry that an event tells.
    pub fn told(&self) -> (String, i64) {
        let entry = &self.json()["data"]["entry"];
        (entry["offerId"].as_str().unwrap().to_owned(), entry["sequence"].as_i64().unwrap())
    }
}

/// What an endpoint does.
#[derive(Clone, Debug)]
pub enum Does {
    Answers(u16),
    AsksToWait(u16, i64),
    Redirects(String),
    BreaksOff,
    Hangs,
    /// Says 200 and then never stops.
    Floods,
}

pub struct Receiver {
    pub address: SocketAddr,
    pub root: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    pub async fn start(does: impl Fn(&Got) -> Does + Send + Sync + 'static) -> Self {
        let made =
            rcgen::generate_simple_self_signed(vec!["hooks.test".into(), "moving.test".into(), "127.0.0.1".into()])
                .unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let (does, into) = (Arc::new(does), Arc::clone(&got));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, does, into) = (acceptor.clone(), Arc::clone(&does), Arc::clone(&into));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let Some(got) = request(&mut stream).await else { return };
                    // What it does is decided in the order in which requests came.
                    let does = {
                        let mut into = into.lock().unwrap();
                        into.push(got.clone());
                        does(&got)
                    };
                    let _ = answer(&mut stream, does).await;
                });
            }
        });
        Self { address, root: made.cert.pem(), got }
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    pub fn forget(&self) {
        self.got.lock().unwrap().clear();
    }

    /// `hooks.test` at this endpoint's port.
    pub fn url(&self) -> String {
        format!("https://hooks.test:{}/in?key=hush", self.address.port())
    }
}

async fn request(stream: &mut tokio_rustls::server::TlsStream<tokio::net::TcpStream>) -> Option<Got> {
    let mut bytes = Vec::new();
    loop {
        let mut some = [0; 8_192];
        let count = stream.read(&mut some).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines();
        let path = lines.next()?.split(' ').nth(1)?.to_owned();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        if body.len() >= headers.get("content-length")?.parse().ok()? {
            return Some(Got { path, headers, body: body.to_owned() });
        }
    }
}

async fn answer(
    stream: &mut tokio_rustls::server::TlsStream<tokio::net::TcpStream>,
    does: Does,
) -> std::io::Result<()> {
    let head = match does {
        Does::Answers(status) => format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        Does::AsksToWait(status, seconds) => {
            format!(
                "HTTP/1.1 {status} Said\r\nretry-after: {seconds}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
        }
        Does::Redirects(to) => {
            format!("HTTP/1.1 307 There\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        Does::BreaksOff => return Ok(()),
        Does::Hangs => return std::future::pending().await,
        Does::Floods => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 8_192]).await?;
            }
        }
    };
    stream.write_all(head.as_bytes()).await?;
    stream.shutdown().await
}

/// A way out on which `hooks.test` lies at the first of these endpoints, and nothing else internal is allowed.
pub fn egress(receivers: &[&Receiver]) -> Egress {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), receivers.iter().map(|receiver| receiver.root.as_str()).collect::<String>()).unwrap();
    let allow = receivers.iter().map(|receiver| receiver.address.to_string().parse().unwrap()).collect();
    let settings = EgressSettings { allow, http_hosts: Vec::new(), ca_file: Some(file.path().to_owned()) };
    let address = receivers[0].address;
    Egress::new(&settings).unwrap().with_names(BTreeMap::from([("hooks.test".into(), address)]))
}

//! Where publishers put their files: a TLS server on loopback whose answers a test chooses, and the way out that leads there.

use portolan::egress::{Egress, EgressSettings};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What there is at a path.
#[derive(Clone)]
pub enum Served {
    File(Vec<u8>),
    /// A server that knows no ranges.
    WithoutRanges(Vec<u8>),
    /// The whole length is announced, and after so many bytes the connection ends.
    Cut(Vec<u8>, usize),
    /// As before, but the length is not announced, and the connection ends without a word.
    CutUnannounced(Vec<u8>, usize),
    /// Only the length is announced.
    Announced(u64),
    Endless,
    /// It takes the request, and says nothing.
    Silent,
    Status(u16),
    Redirect(String),
}

pub struct Origin {
    address: SocketAddr,
    files: Arc<Mutex<HashMap<String, Served>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// A root, and a certificate of it for all hosts of the samples.
fn tls() -> &'static (tempfile::NamedTempFile, Arc<ServerConfig>) {
    static TLS: OnceLock<(tempfile::NamedTempFile, Arc<ServerConfig>)> = OnceLock::new();
    TLS.get_or_init(|| {
        let (root_key, key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
        let mut root = rcgen::CertificateParams::default();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), root.self_signed(&root_key).unwrap().pem()).unwrap();
        let names = vec!["*.contoso.example".to_owned(), "*.fabrikam.example".to_owned()];
        let leaf = rcgen::CertificateParams::new(names).unwrap();
        let leaf = leaf.signed_by(&key, &rcgen::Issuer::new(root, root_key)).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
        (file, Arc::new(config))
    })
}

impl Origin {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let origin = Self { address, files: Arc::default(), asked: Arc::default() };
        let (files, asked) = (Arc::clone(&origin.files), Arc::clone(&origin.asked));
        let acceptor = TlsAcceptor::from(Arc::clone(&tls().1));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, files, asked) = (acceptor.clone(), Arc::clone(&files), Arc::clone(&asked));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let Some((path, range)) = head(&mut stream).await else { return };
                    let served = files.lock().unwrap().get(&path).cloned();
                    let served = served.or_else(|| sample(&path).map(Served::File)).unwrap_or(Served::Status(404));
                    asked.lock().unwrap().push(path);
                    // A client that has heard enough goes away.
                    let _ = answer(&mut stream, served, range).await;
                });
            }
        });
        origin
    }

    /// A way out for which all names lead here.
    pub fn egress(&self) -> Egress {
        let address = self.address;
        let settings = EgressSettings {
            allow: vec![address.to_string().parse().unwrap()],
            ca_file: Some(tls().0.path().to_owned()),
            ..EgressSettings::default()
        };
        Egress::new(&settings).unwrap().with_lookup(move |name| match name {
            "inside.contoso.example" => vec!["10.0.0.1:443".parse().unwrap()],
            _ => vec![address],
        })
    }

    pub fn put(&self, path: &str, served: Served) -> String {
        self.files.lock().unwrap().insert(path.to_owned(), served);
        format!("https://files.contoso.example{path}")
    }

    /// How often a path was asked for; all together for none.
    pub fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| path.is_empty() || *asked == path).count()
    }
}

/// The path of a request, and the range it wants: from where, or how many at the end.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, Option<String>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    let range = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("range").then(|| value.trim().to_owned())
    });
    Some((path, range))
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), served: Served, range: Option<String>) -> std::io::Result<()> {
    let ok = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let last = range.and_then(|range| range.strip_prefix("bytes=-")?.parse::<usize>().ok());
    match served {
        Served::File(bytes) if last.is_some() => {
            let from = bytes.len().saturating_sub(last.unwrap());
            let (part, all) = (&bytes[from..], bytes.len());
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{}/{all}\r\nConnection: close\r\n\r\n",
                part.len(),
                all.saturating_sub(1)
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(part).await?;
        }
        Served::File(bytes) | Served::WithoutRanges(bytes) => {
            stream.write_all(ok(bytes.len()).as_bytes()).await?;
            stream.write_all(&bytes).await?;
        }
        Served::Cut(bytes, after) => {
            stream.write_all(ok(bytes.len()).as_bytes()).await?;
            stream.write_all(&bytes[..after]).await?;
            return stream.flush().await;
        }
        Served::CutUnannounced(bytes, after) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await?;
            stream.write_all(&bytes[..after]).await?;
            return stream.flush().await;
        }
        Served::Silent => return std::future::pending().await,
        Served::Announced(length) => {
            stream.write_all(ok(usize::try_from(length).unwrap()).as_bytes()).await?;
        }
        Served::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 8192]).await?;
            }
        }
        Served::Status(status) => {
            let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
        }
        Served::Redirect(to) => {
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
        }
    }
    stream.shutdown().await
}

/// The files that the sample definitions name, as they should be.
fn sample(path: &str) -> Option<Vec<u8>> {
    let name = path.rsplit('/').next()?;
    Some(match name {
        "48.png" | "logo-small.png" => png(48, 48),
        "90.png" | "logo-medium.png" => png(90, 90),
        "logo-large.png" => png(216, 216),
        "logo-wide.png" => png(255, 115),
        "logo-hero.png" => png(815, 290),
        _ if name.starts_with("screenshot-") => png(1280, 720),
        _ if name.starts_with("video-") => png(533, 324),
        _ if name.ends_with(".xlsx") => prices(),
        _ if name.ends_with(".csv") => {
            b"Type,Id,Description\r\nSubscriptionId,0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b61,Contoso\r\n".to_vec()
        }
        _ if name.ends_with(".vhd") => vhd(64 * 1024),
        _ if name.ends_with(".zip") => b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
        _ if name.ends_with(".tar") => tar(),
        _ if name.ends_with(".pdf") => b"%PDF-1.7\n%%EOF\n".to_vec(),
        _ if name.ends_with(".json") => b"{\"modules\": {}}".to_vec(),
        _ => return None,
    })
}

/// A PNG of so many pixels, without a picture in it.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.extend(b"\x08\x06\0\0\0\0\0\0\0\0\0\0\0IEND\xaeB`\x82");
    png
}

/// A VHD of fixed size with so many bytes on it.
pub fn vhd(size: usize) -> Vec<u8> {
    let mut footer = vec![0_u8; 512];
    footer[..8].copy_from_slice(b"conectix");
    footer[48..56].copy_from_slice(&(size as u64).to_be_bytes());
    footer[60..64].copy_from_slice(&2_u32.to_be_bytes());
    let sum: u32 = footer.iter().map(|byte| u32::from(*byte)).sum();
    footer[64..68].copy_from_slice(&(!sum).to_be_bytes());
    let mut disk: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
    disk.extend(footer);
    disk
}

fn tar() -> Vec<u8> {
    let mut tar = vec![0_u8; 1024];
    tar[..4].copy_from_slice(b"file");
    tar[257..263].copy_from_slice(b"ustar\0");
    tar
}

/// A workbook with a price list.
pub fn prices() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("Prices").unwrap();
    for (column, name) in (0_u16..).zip(["Market", "Currency", "sharedcore", "1core", "2core"]) {
        sheet.write(0, column, name).unwrap();
    }
    for (row, (market, currency)) in (1_u32..).zip([("DE", "EUR"), ("US", "USD"), ("JP", "JPY")]) {
        sheet.write(row, 0, market).unwrap();
        sheet.write(row, 1, currency).unwrap();
        sheet.write(row, 2, 0).unwrap();
        sheet.write(row, 3, 0.1).unwrap();
        sheet.write(row, 4, rust_xlsxwriter::Formula::new("=D2*2").set_result("0.30000000000000004")).unwrap();
    }
    book.save_to_buffer().unwrap()
}

//! Answers of servers that mean no good, redirects, and certificates: nothing goes on without end, and nothing is carried on.

use crate::egress::{egress, friend, trap};
use http::HeaderValue;
use portolan::egress::{Egress, EgressFault, EgressSettings, Outgoing};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a server goes on with after its first words.
#[derive(Clone, Copy)]
enum Then {
    Close,
    /// The same bytes again and again, after so long each time.
    Again(&'static [u8], Duration),
}

/// A server that says what it is told to.
#[derive(Clone)]
struct Server {
    address: SocketAddr,
    /// The heads of all requests.
    heads: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicUsize>,
}

impl Server {
    /// `answer` gets the head of each request.
    async fn start(then: Then, answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let (server, listener) = Self::listening().await;
        let (this, answer) = (server.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(this.clone().serve(stream, then, Arc::clone(&answer)));
            }
        });
        server
    }

    /// With TLS, for this name; also gives the root to trust.
    async fn encrypted(name: &str, answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (server, listener) = Self::listening().await;
        let (this, answer) = (server.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                let named = stream.get_ref().1.server_name().unwrap_or_default().to_owned();
                this.heads.lock().unwrap().push(format!("SNI: {named}"));
                tokio::spawn(this.clone().serve(stream, Then::Close, Arc::clone(&answer)));
            }
        });
        (server, made.cert.pem())
    }

    async fn listening() -> (Self, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Self { address, heads: Arc::default(), sent: Arc::default() }, listener)
    }

    async fn serve(
        self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        then: Then,
        answer: Arc<impl Fn(&str) -> Vec<u8>>,
    ) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let words = answer(&head);
        self.heads.lock().unwrap().push(head);
        let _ = stream.write_all(&words).await;
        if let Then::Again(words, pause) = then {
            while stream.write_all(words).await.is_ok() {
                self.sent.fetch_add(words.len(), Ordering::SeqCst);
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
        }
        let _ = stream.shutdown().await;
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// A way out on which this server is `files.test`, and may be asked by http.
    fn egress(&self) -> Egress {
        let names = BTreeMap::from([("files.test".to_owned(), self.address)]);
        egress(&[&self.address.to_string()], &["files.test"]).with_names(names)
    }
}

fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes(), body].concat()
}

fn redirect(to: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ", to, b"\r\n\r\n"].concat()
}

const FILE: &str = "http://files.test/file";

#[tokio::test]
async fn encoded_answers_stay_as_they_are() {
    let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\xc8\x04\0\xac*\x93\xd8\x02\0\0\0";
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let headers = format!("Content-Encoding: {encoding}\r\nContent-Length: {}\r\n", packed.len());
        let server = Server::start(Then::Close, move |_| ok(&headers, packed)).await;
        let mut request = Outgoing::get(FILE);
        request.headers.insert("accept-encoding", HeaderValue::from_static("gzip"));
        request.headers.insert("host", HeaderValue::from_static("elsewhere.test"));
        let answer = server.egress().to_outsider(request).await.unwrap();
        assert_eq!(answer.headers["content-encoding"], encoding);
        assert_eq!(&answer.whole().await.unwrap()[..], packed);
        let head = server.heads().remove(0).to_lowercase();
        assert!(head.contains("accept-encoding: identity\r\n") && !head.contains("gzip"), "{head}");
        assert!(head.contains("host: files.test\r\n") && !head.contains("elsewhere"), "{head}");
    }
}

#[tokio::test]
async fn an_endless_answer_ends_at_the_largest_size() {
    let server = Server::start(Then::Again(&[b'x'; 65_536], Duration::ZERO), |_| ok("", b"")).await;
    let answer = server.egress().to_outsider(Outgoing { largest: 100_000, ..Outgoing::get(FILE) }).await.unwrap();
    assert_eq!(answer.whole().await.unwrap_err(), EgressFault::TooLarge);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(server.sent.load(Ordering::SeqCst) < 50 << 20, "nobody hung up");
}

#[tokio::test]
async fn an_endless_answer_ends_with_the_patience_too() {
    let server = Server::start(Then::Again(b"x", Duration::from_millis(1)), |_| ok("", b"")).await;
    let patience = Duration::from_millis(700);
    let answer = server.egress().to_outsider(Outgoing { patience, ..Outgoing::get(FILE) }).await.unwrap();
    let since = Instant::now();
    assert_eq!(answer.whole().await.unwrap_err(), EgressFault::TimedOut);
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_longer_than_said() {
    let (address, reached) = trap("127.0.0.1:0").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().map(|at| (at, silent)).unwrap();
    for (at, expected) in [(silent.0, EgressFault::TimedOut), (address, EgressFault::Broken)] {
        let egress = egress(&[&at.to_string()], &["127.0.0.1"]);
        let request = Outgoing { patience: Duration::from_millis(500), ..Outgoing::get(format!("http://{at}/")) };
        let since = Instant::now();
        let faults = [egress.to_outsider(request).await.unwrap_err()];
        assert_eq!(faults, [expected]);
        assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    }
    assert_eq!(reached.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_byte_a_second_is_too_slow_after_ten_seconds() {
    let server = Server::start(Then::Again(b"x", Duration::from_secs(1)), |_| ok("", b"")).await;
    let request = |slowest| Outgoing { slowest, patience: Duration::from_secs(13), ..Outgoing::get(FILE) };
    let egress = server.egress();
    let read = async |slowest| {
        let since = Instant::now();
        let fault = egress.to_outsider(request(slowest)).await.unwrap().whole().await.unwrap_err();
        (fault, since.elapsed().as_secs())
    };
    let (slow, patient) = tokio::join!(read(1_000), read(0));
    assert!(matches!(slow, (EgressFault::TooSlow, 9..=11)), "{slow:?}");
    assert!(matches!(patient, (EgressFault::TimedOut, 12..=14)), "{patient:?}");
}

#[tokio::test]
async fn lengths_that_lie_are_found_out() {
    let exchange = async |length: &'static str, largest| {
        let server =
            Server::start(Then::Close, move |_| ok(&format!("Content-Length: {length}\r\n"), b"0123456789")).await;
        let answer = server.egress().to_outsider(Outgoing { largest, ..Outgoing::get(FILE) }).await?;
        answer.whole().await.map(|body| String::from_utf8(body.to_vec()).unwrap())
    };
    assert_eq!(exchange("10", 10).await, Ok("0123456789".into()));
    assert_eq!(exchange("10", 9).await, Err(EgressFault::TooLarge));
    assert_eq!(exchange("4", 10).await, Ok("0123".into()));
    assert_eq!(exchange("20", 100).await, Err(EgressFault::Broken));
    assert_eq!(exchange("9223372036854775807", 100).await, Err(EgressFault::TooLarge));
    for nonsense in ["x", "-1", "1, 2", "18446744073709551616"] {
        assert_eq!(exchange(nonsense, 100).await, Err(EgressFault::Broken), "{nonsense}");
    }
    let server = Server::start(Then::Close, |_| ok("Content-Length: 5000000000\r\n", b"")).await;
    let request = Outgoing { method: http::Method::HEAD, ..Outgoing::get(FILE) };
    let answer = server.egress().to_outsider(request).await.unwrap();
    assert_eq!(answer.length(), Some(5_000_000_000));
    assert_eq!(answer.whole().await.unwrap(), "");
}

#[tokio::test]
async fn redirects_are_followed_as_often_as_said() {
    let server = Server::start(Then::Close, |head| {
        let at: u32 = head.split(['/', ' ']).find_map(|word| word.parse().ok()).unwrap();
        if at == 100 { ok("Content-Length: 2\r\n", b"ok") } else { redirect(format!("/{}", at + 1).as_bytes()) }
    })
    .await;
    let egress = server.egress();
    let ask = async |method: &str, from: u32, redirects| {
        let method = method.parse().unwrap();
        let request = Outgoing { method, redirects, ..Outgoing::get(format!("http://files.test/{from}")) };
        let answer = egress.to_outsider(request).await;
        let asked = std::mem::take(&mut *server.heads.lock().unwrap()).len();
        (answer.map(|answer| (answer.status.as_u16(), answer.url)), asked)
    };
    assert_eq!(ask("GET", 0, 3).await, (Err(EgressFault::TooManyRedirects), 4));
    assert_eq!(ask("GET", 0, 99).await, (Err(EgressFault::TooManyRedirects), 100));
    assert_eq!(ask("GET", 97, 3).await, (Ok((200, "http://files.test/100".into())), 4));
    assert_eq!(ask("HEAD", 98, 3).await, (Ok((200, "http://files.test/100".into())), 3));
    assert_eq!(ask("GET", 97, 0).await, (Ok((302, "http://files.test/97".into())), 1));
    assert_eq!(ask("POST", 97, 3).await, (Ok((302, "http://files.test/97".into())), 1));
    // An operator's address is never left.
    let request = Outgoing { redirects: 3, ..Outgoing::get("http://files.test/1") };
    assert_eq!(egress.to_operator(request).await.unwrap().status, 302);
}

#[tokio::test]
async fn nothing_secret_is_carried_on() {
    let server = Server::start(Then::Close, |head| {
        if head.contains("GET /file") { redirect(b"/next") } else { ok("Content-Length: 0\r\n", b"") }
    })
    .await;
    let secret = ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-ms-token", "referer"];
    let mut request = Outgoing { redirects: 1, ..Outgoing::get(FILE) };
    for name in secret {
        request.headers.insert(name, HeaderValue::from_static("canary"));
    }
    request.headers.insert("accept", HeaderValue::from_static("image/png"));
    server.egress().to_outsider(request).await.unwrap();
    let heads = server.heads();
    assert_eq!(heads[0].matches("canary").count(), secret.len(), "{}", heads[0]);
    assert!(!heads[1].contains("canary") && !heads[1].contains("referer"), "{}", heads[1]);
    assert!(heads[1].contains("image/png"), "{}", heads[1]);
}

#[tokio::test]
async fn redirects_to_hostile_addresses_reach_nobody() {
    let (trapped, reached) = trap("[::]:0").await;
    let port = format!(":{}", trapped.port());
    let corpus: Vec<String> = crate::egress::corpus(&port);
    let locations = corpus.clone();
    let server = Server::start(Then::Close, move |head| {
        let at = head.split(['?', ' ']).find_map(|word| word.parse::<usize>().ok());
        match at {
            Some(at) => redirect(locations[at].replace(['\n', '\u{1}'], "").as_bytes()),
            None => ok("Content-Length: 0\r\n", b""),
        }
    })
    .await;
    let allow = [server.address.to_string(), format!("198.51.100.200{port}")];
    let address = server.address;
    let egress = egress(&[&allow[0], &allow[1]], &["files.test"]).with_lookup(move |name| match name {
        "files.test" => vec![address],
        name => crate::egress::lookup(name),
    });
    for (at, url) in corpus.iter().enumerate() {
        let patience = Duration::from_secs(5);
        let first = format!("http://files.test/go?{at}");
        let outcome = egress.to_outsider(Outgoing { redirects: 3, patience, ..Outgoing::get(first) }).await;
        // What has no scheme is a path on the server that redirects; nothing at all is the same path again.
        let stays = outcome.as_ref().is_ok_and(|answer| answer.url.starts_with("http://files.test/"));
        let refused = outcome.as_ref().is_err_and(|fault| {
            matches!(fault, EgressFault::Redirected(_)) || (url.is_empty() && *fault == EgressFault::TooManyRedirects)
        });
        assert!(stays || refused, "{url:?}: {outcome:?}");
        assert_eq!(reached.load(Ordering::SeqCst), 0, "{url:?} reached the listener");
    }
    assert!(server.heads().len() >= corpus.len());
}

#[tokio::test]
async fn a_name_that_moves_between_two_hops_is_judged_anew() {
    let server = Server::start(Then::Close, |_| redirect(b"/next")).await;
    let (good, calls) = (server.address, AtomicUsize::new(0));
    let (bad, reached) = trap(("127.0.0.2", good.port())).await;
    let egress = egress(&[&good.to_string()], &["files.test"])
        .with_lookup(move |_| vec![if calls.fetch_add(1, Ordering::SeqCst) == 0 { good } else { bad }]);
    let fault = egress.to_outsider(Outgoing { redirects: 3, ..Outgoing::get(FILE) }).await.unwrap_err();
    assert_eq!(fault, EgressFault::Redirected(Box::new(EgressFault::Private)));
    assert!(fault.is_lasting());
    assert_eq!((server.heads().len(), reached.load(Ordering::SeqCst)), (1, 0));
}

/// A way out that trusts the root, on which all names lie there, and http is allowed for one of them.
fn trusting(root: Option<&str>, at: SocketAddr) -> Egress {
    let file = tempfile::NamedTempFile::new().unwrap();
    let ca_file = root.map(|root| {
        std::fs::write(file.path(), root).unwrap();
        file.path().to_owned()
    });
    let allow = vec![at.to_string().parse().unwrap()];
    let settings = EgressSettings { allow, http_hosts: vec!["plain.test".into()], ca_file };
    Egress::new(&settings).unwrap().with_lookup(move |_| vec![at])
}

#[tokio::test]
async fn certificates_must_be_trusted_and_fit_the_name() {
    let (server, root) = Server::encrypted("files.test", |_| ok("Content-Length: 2\r\n", b"ok")).await;
    let ask = async |root: Option<&str>, url: &str| {
        trusting(root, server.address).to_outsider(Outgoing::get(url)).await.map(|answer| answer.status.as_u16())
    };
    assert_eq!(ask(Some(&root), "https://files.test/").await, Ok(200));
    let heads = server.heads();
    assert!(heads[0] == "SNI: files.test" && heads[1].contains("host: files.test\r\n"), "{heads:?}");
    assert_eq!(ask(Some(&root), "https://other.test/").await, Err(EgressFault::Certificate));
    assert_eq!(ask(None, "https://files.test/").await, Err(EgressFault::Certificate));
    let egress = trusting(None, server.address);
    assert_eq!(egress.to_operator(Outgoing::get("https://files.test/")).await.unwrap_err(), EgressFault::Certificate);
    assert_eq!(server.heads().len(), 2, "somebody was told something");
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_not_followed() {
    let (server, root) = Server::encrypted("files.test", |_| redirect(b"http://files.test/")).await;
    let request = Outgoing { redirects: 3, ..Outgoing::get("https://files.test/") };
    let fault = trusting(Some(&root), server.address).to_outsider(request).await.unwrap_err();
    assert_eq!(fault, EgressFault::Redirected(Box::new(EgressFault::NotHttps)));
}

#[tokio::test]
async fn proxies_in_the_environment_are_not_asked() {
    let (proxy, reached) = trap("127.0.0.1:0").await;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "egress_answers::with_proxies_in_the_environment", "--ignored", "--nocapture"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, format!("http://{proxy}")).env(name.to_lowercase(), format!("http://{proxy}"));
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    let child = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&child.stderr));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
#[ignore = "the test above runs it with an environment of its own"]
async fn with_proxies_in_the_environment() {
    assert!(std::env::var_os("HTTP_PROXY").is_some());
    let (server, root) = Server::encrypted("files.test", |_| ok("Content-Length: 0\r\n", b"")).await;
    let (plain, _) = friend("127.0.0.1:0").await;
    for (at, url) in [(server.address, "https://files.test/"), (plain, "http://plain.test/")] {
        let egress = trusting(Some(&root), at);
        assert_eq!(egress.to_outsider(Outgoing::get(url)).await.unwrap().status, 200);
        assert_eq!(egress.to_operator(Outgoing::get(url)).await.unwrap().status, 200);
    }
}

//! What connections and callers may take, and what happens to those who take more.

use crate::binary::command;
use crate::world::{Setting, World};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const OFFERS: &str = "/api/publishers/contoso/offers";

/// A world with these limits, trusting these proxies.
async fn world(limits: &str, trusted_proxies: &[&str]) -> World {
    let mut setting = Setting::default();
    setting.entrance.limits = toml::from_str(limits).unwrap();
    setting.entrance.trusted_proxies = trusted_proxies.iter().map(|network| network.parse().unwrap()).collect();
    World::with(setting).await
}

/// Reads until the other side closes; panics where it does not within the time.
async fn until_closed(stream: &mut TcpStream, within: Duration) -> String {
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = timeout(within, stream.read_to_end(&mut answer)).await.expect("the connection is closed in time");
    String::from_utf8(answer).unwrap()
}

/// Asks for health on a connection and reads one answer.
async fn health(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4096];
    let had = timeout(Duration::from_secs(5), stream.read(&mut answer)).await.expect("an answer").unwrap();
    String::from_utf8(answer[..had].to_vec()).unwrap()
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

#[tokio::test]
async fn a_caller_that_asks_too_often_is_told_when_to_come_back() {
    let world = world("caller_per_second = 1\ncaller_burst = 3\naddress_per_second = 0", &[]).await;
    for _ in 0..3 {
        assert_eq!(world.get(OFFERS).await.status, 200);
    }
    let refused = world.get(OFFERS).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "TooManyRequests"), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), "1");
    assert!(refused.body.contains("This caller") && refused.body.contains("Retry-After"), "{}", refused.body);
    assert!(!refused.header("x-ms-request-id").is_empty());
    assert_eq!(
        world.send("GET", OFFERS, &[("authorization", "none")], "").await.status,
        401,
        "nobody is not the caller"
    );
    assert_eq!(world.get("/healthz").await.status, 200, "the address has no limit here");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.get(OFFERS).await.status, 200);
    assert_eq!(world.get(OFFERS).await.status, 429);
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_so_before_anything_else() {
    let world = world("address_per_second = 1\naddress_burst = 4\ncaller_per_second = 0", &[]).await;
    let nobody = [("authorization", "none")];
    assert_eq!(world.get(OFFERS).await.status, 200);
    assert_eq!(world.send("GET", OFFERS, &nobody, "").await.status, 401);
    assert_eq!(world.get("/nothing/here").await.status, 404);
    assert_eq!(world.get("/openapi.json").await.status, 200);
    for path in [OFFERS, "/nothing/here", "/openapi.json", "/"] {
        let refused = world.send("GET", path, &nobody, "").await;
        assert_eq!((refused.status, refused.code().as_str()), (429, "TooManyRequests"), "{path}: {}", refused.body);
        assert_eq!(refused.header("retry-after"), "1");
        assert!(refused.body.contains("This address"), "{}", refused.body);
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(world.get(path).await.status, 200, "health is for the machine that runs the service");
    }
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(world.get(OFFERS).await.status, 200);
}

#[tokio::test]
async fn the_header_of_a_proxy_is_believed_only_of_a_trusted_one() {
    let limits = "address_per_second = 1\naddress_burst = 2\ncaller_per_second = 0";
    let ask = async |world: &World, forwarded: &str, path: &str| {
        world.send("GET", path, &[("x-forwarded-for", forwarded)], "").await.status
    };
    let behind = world(limits, &["127.0.0.1", "10.0.0.0/8"]).await;
    assert_eq!(ask(&behind, "192.0.2.1", OFFERS).await, 200);
    assert_eq!(ask(&behind, "203.0.113.9, 192.0.2.1", OFFERS).await, 200);
    assert_eq!(
        ask(&behind, "192.0.2.7, 192.0.2.1, 10.0.0.1", OFFERS).await,
        429,
        "what the caller wrote is not believed"
    );
    assert_eq!(ask(&behind, "192.0.2.1", "/healthz").await, 429, "it does not come from this machine");
    assert_eq!(ask(&behind, "192.0.2.2", OFFERS).await, 200);

    let bare = world(limits, &["10.0.0.0/8"]).await;
    assert_eq!(ask(&bare, "192.0.2.1", OFFERS).await, 200);
    assert_eq!(ask(&bare, "192.0.2.2", OFFERS).await, 200);
    assert_eq!(ask(&bare, "192.0.2.3", OFFERS).await, 429, "it is one and the same address");
}

#[tokio::test]
async fn one_address_cannot_take_every_connection() {
    let world = world("connections_per_address = 2", &["127.0.0.2"]).await;
    let (mut first, mut second) = (connect(world.address).await, connect(world.address).await);
    assert!(health(&mut first).await.starts_with("HTTP/1.1 200"));
    assert!(health(&mut second).await.starts_with("HTTP/1.1 200"));
    let mut third = connect(world.address).await;
    assert_eq!(until_closed(&mut third, Duration::from_secs(2)).await, "");
    assert!(health(&mut first).await.starts_with("HTTP/1.1 200"), "the others go on");

    // Another address, and a proxy that may have any number.
    let socket = |last: u8| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
        socket.connect(world.address)
    };
    assert!(health(&mut socket(3).await.unwrap()).await.starts_with("HTTP/1.1 200"));
    let mut proxy = Vec::new();
    for _ in 0..4 {
        let mut stream = socket(2).await.unwrap();
        assert!(health(&mut stream).await.starts_with("HTTP/1.1 200"));
        proxy.push(stream);
    }

    drop(second);
    let began = Instant::now();
    loop {
        let mut again = connect(world.address).await;
        again.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        if until_closed(&mut again, Duration::from_secs(2)).await.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "a place that is free can be taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn over_the_limit_of_all_connections_new_ones_wait() {
    let world = world("connections = 1", &[]).await;
    let mut first = connect(world.address).await;
    assert!(health(&mut first).await.starts_with("HTTP/1.1 200"));
    let mut second = connect(world.address).await;
    second.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4096];
    assert!(timeout(Duration::from_millis(300), second.read(&mut answer)).await.is_err(), "it waits");
    assert!(health(&mut first).await.starts_with("HTTP/1.1 200"));
    drop(first);
    let had = timeout(Duration::from_secs(5), second.read(&mut answer)).await.expect("its turn comes").unwrap();
    assert!(answer[..had].starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn who_is_silent_in_the_head_is_let_go() {
    let world = world("head_seconds = 1", &[]).await;
    for begun in ["", "GET /healthz HTTP/1.1\r\nHos"] {
        let mut stream = connect(world.address).await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        assert_eq!(until_closed(&mut stream, Duration::from_secs(5)).await, "", "{begun:?}");
    }
    let mut idle = connect(world.address).await;
    assert!(health(&mut idle).await.starts_with("HTTP/1.1 200"));
    assert_eq!(until_closed(&mut idle, Duration::from_secs(5)).await, "", "also between requests");
}

/// The head of a PUT of 100 bytes.
fn head_of_put(token: &str) -> String {
    format!(
        "PUT {OFFERS}/memo-1?api-version=2017-10-31 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n",
        token
    )
}

#[tokio::test]
async fn who_is_silent_in_the_body_is_told_so_and_let_go() {
    let world = world("body_silence_seconds = 1", &[]).await;
    let mut stream = connect(world.address).await;
    stream.write_all((head_of_put(&world.token) + "{ ").as_bytes()).await.unwrap();
    let answer = until_closed(&mut stream, Duration::from_secs(5)).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("RequestTimeout"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(world.get(&format!("{OFFERS}/memo-1")).await.status, 404);
    // A body that comes in pieces, each in time, is whole in the end.
    let body = r#"{"publisherId":"contoso","id":"memo-1","offerTypeId":"memo","definition":{"displayText":"x"}}"#;
    let mut stream = connect(world.address).await;
    stream.write_all(head_of_put(&world.token).as_bytes()).await.unwrap();
    for piece in format!("{body:100}").as_bytes().chunks(34) {
        tokio::time::sleep(Duration::from_millis(600)).await;
        stream.write_all(piece).await.unwrap();
    }
    let mut answer = [0; 12];
    timeout(Duration::from_secs(5), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 201");
}

#[tokio::test]
async fn who_trickles_a_body_is_told_so_and_let_go() {
    let world = world("body_seconds = 1", &[]).await;
    let (mut read, mut write) = connect(world.address).await.into_split();
    write.write_all(head_of_put(&world.token).as_bytes()).await.unwrap();
    let trickle = tokio::spawn(async move {
        for _ in 0..50 {
            if write.write_all(b" ").await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(3), read.read_to_end(&mut answer)).await.expect("closed in time");
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("RequestTimeout"), "{answer}");
    trickle.abort();
}

#[tokio::test]
async fn who_asks_and_never_reads_is_let_go() {
    let world = world("body_silence_seconds = 1\nconnections = 1", &[]).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(world.address).await.unwrap();
    let (_unread, mut write) = stream.into_split();
    let asking = tokio::spawn(async move {
        while write.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await.is_ok() {}
    });
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("the connection is closed in time").unwrap();
    assert!(health(&mut connect(world.address).await).await.starts_with("HTTP/1.1 200"), "its place is free");
}

#[tokio::test]
async fn heads_that_are_refused_before_the_door_have_no_body() {
    let world = world("head_kibibytes = 16", &[]).await;
    let ask = async |head: String| {
        let mut stream = connect(world.address).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = until_closed(&mut stream, Duration::from_secs(5)).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, "none"));
        (head.split(' ').nth(1).unwrap_or_default().to_owned(), body.to_owned(), head.to_ascii_lowercase())
    };
    let get = |headers: String| format!("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    assert_eq!(ask(get(format!("A: {}\r\n", "x".repeat(15 << 10)))).await.0, "200");
    assert_eq!(ask(get("A: x\r\n".repeat(90))).await.0, "200");
    for (request, status) in [
        (get(format!("A: {}\r\n", "x".repeat(16 << 10))), "431"),
        (get("A: x\r\n".repeat(101)), "431"),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(70_000)), "431"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
        (get("no colon\r\n".to_owned()), "400"),
        ("GET /healthz HTTP/9.9\r\n\r\n".to_owned(), "400"),
    ] {
        let (said, body, head) = ask(request.clone()).await;
        assert_eq!((said.as_str(), body.as_str()), (status, ""), "{request:.60}: {head}");
        assert!(head.contains("content-length: 0") && !head.contains("x-ms-request-id"), "{head}");
    }
}

#[test]
fn listening_beyond_this_machine_without_tls_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("not-made");
    for address in ["0.0.0.0:0", "[::]:0"] {
        let (ended, said) = serve(&data, &["--listen", address], "");
        assert_eq!(ended, Some(1), "{said}");
        for part in [address, "--tls-certificate", "--tls-key", "--plain-http"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!data.exists(), "nothing is made");
    }
    let settings = data.with_file_name("settings.toml");
    std::fs::write(&settings, "[server]\nplain_http = true\n").unwrap();
    let settings = settings.to_str().unwrap();
    for (arguments, variable) in [(&["--plain-http"][..], ""), (&[], "1"), (&["--config", settings], "false")] {
        let (_, said) = serve(&data, &[&["--listen", "0.0.0.0:0"], arguments].concat(), variable);
        assert!(said.contains("ready: http://0.0.0.0:"), "{arguments:?} {variable:?}: {said}");
    }
}

/// Runs `portolan serve` until it is ready, or ends; gives its exit code, if it ended, and what it said.
fn serve(data: &Path, arguments: &[&str], plain_http: &str) -> (Option<i32>, String) {
    let mut serve = command();
    serve.arg("serve").arg("--data").arg(data).args(arguments).env("PORTOLAN_PLAIN_HTTP", plain_http);
    let mut child = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        said.push_str(&line.unwrap());
        if said.contains("ready") {
            child.kill().unwrap();
        }
    }
    (child.wait().unwrap().code(), said)
}

//! Those who follow: what one costs who only waits, and how long it takes until the last of many has been told.

use crate::median;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{get, put};
use bytes::Bytes;
use portolan::checks::Checks;
use portolan::clock::Clock;
use portolan::demo;
use portolan::egress::{Egress, EgressSettings};
use portolan::http::{Entrance, LimitSettings};
use portolan::links::Links;
use portolan::notify::MailSettings;
use portolan::serve::{Identity, Setup};
use portolan::store::{Sqlite, Store};
use portolan::vault::Vault;
use portolan::wire::SuccessWord;
use publishing::decide::MissingIfMatch;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, broadcast};

/// Which server a process shall be, where it is one.
const SERVER: &str = "PORTOLAN_BENCH_SERVER";

const OFFERS: usize = 100;
const OFFER: &str = "/api/publishers/contoso/offers/offer-0";
const PUBLISHER: &str = "/api/publishers/contoso";

/// Prints bytes for one who waits, and the time until the last of many is told.
pub(crate) fn compare(quick: bool) {
    raise_limit();
    let (idle, told, rounds) = if quick { (50, 20, 1) } else { (10_000, 1_000, 9) };
    let [ours, bare] = ["ours", "bare"].map(|name| Server::start(name, idle, told, rounds, quick));
    if quick {
        return;
    }
    println!("{idle} who follow an offer, and nothing happens: resident memory of the server's process, for each");
    println!("  this service       {:>9.1} KiB", ours.memory / 1024.0);
    println!("  bare axum stream   {:>9.1} KiB", bare.memory / 1024.0);
    println!("  ratio              {:>9.2}\n", ours.memory / bare.memory);
    println!("from sending a change until the last of {told} has it, medians of {rounds}");
    println!("  this service, of one offer                {:>9.1} ms", ours.of_offer);
    println!("  this service, of a publisher of {OFFERS} offers {:>7.1} ms", ours.of_publisher);
    println!("  bare broadcast to axum streams            {:>9.1} ms", bare.of_offer);
    println!("  ratio                                     {:>9.2}\n", ours.of_offer / bare.of_offer);
}

/// What was measured of one server.
struct Figures {
    memory: f64,
    of_offer: f64,
    of_publisher: f64,
}

/// A server in a process of its own, ended when it is dropped.
struct Server {
    process: Child,
    address: SocketAddr,
    token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start(name: &str, idle: usize, told: usize, rounds: usize, quick: bool) -> Figures {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = command.env(SERVER, name).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let (address, token) = line.trim().split_once(' ').unwrap();
        let (address, token) = (address.parse().unwrap(), token.to_owned());
        let server = Self { process, address, token };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let calm = if quick { Duration::from_millis(100) } else { Duration::from_secs(20) };
        runtime.block_on(async {
            for n in 0..OFFERS {
                server.change(&format!("{PUBLISHER}/offers/offer-{n}")).await;
            }
            let before = server.resident();
            let waiting = server.follow(idle, OFFER).await;
            tokio::time::sleep(calm).await;
            let memory = (server.resident() - before) / idle as f64;
            drop(waiting);
            tokio::time::sleep(calm.min(Duration::from_secs(2))).await;
            let of_offer = server.delay(told, OFFER, rounds).await;
            let of_publisher = server.delay(told, PUBLISHER, rounds).await;
            Figures { memory, of_offer, of_publisher }
        })
    }

    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
    }

    /// Opens so many streams, and waits until each has begun.
    async fn follow(&self, many: usize, path: &str) -> Watchers {
        let watchers = Watchers::default();
        let request = format!(
            "GET {path}/events?api-version=2017-10-31 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            self.token
        );
        for n in 0..many {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            watchers.0.push(stream);
            // Not all at once: the queue of new connections is short.
            if n % 64 == 63 {
                watchers.0.wait_for(n + 1).await;
            }
        }
        watchers.0.wait_for(many).await;
        watchers
    }

    /// Milliseconds from sending a change until the last of so many has it.
    async fn delay(&self, many: usize, path: &str, rounds: usize) -> f64 {
        let watchers = self.follow(many, path).await;
        let mut delays = Vec::new();
        for round in 1..=rounds {
            let began = Instant::now();
            self.change(OFFER).await;
            watchers.0.wait_for(many * (round + 1)).await;
            delays.push(began.elapsed().as_secs_f64() * 1e3);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        median(delays)
    }

    async fn change(&self, path: &str) {
        let id = path.rsplit('/').next().unwrap();
        let body = format!(
            r#"{{"publisherId":"contoso","id":"{id}","offerTypeId":"microsoft-azure-virtualmachines","definition":{{}}}}"#
        );
        let request = format!(
            "PUT {path}?api-version=2017-10-31 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&answer));
    }
}

/// Those who follow, until they are dropped.
#[derive(Default)]
struct Watchers(Arc<Told>);

#[derive(Default)]
struct Told {
    /// How many events have come, to all of them together.
    events: AtomicUsize,
    more: Notify,
    gone: Notify,
}

impl Told {
    fn push(self: &Arc<Self>, mut stream: TcpStream) {
        let told = Arc::clone(self);
        tokio::spawn(async move {
            let mut buffer = vec![0; 512];
            loop {
                let had = tokio::select! {
                    had = stream.read(&mut buffer) => had.unwrap(),
                    () = told.gone.notified() => return,
                };
                assert!(had > 0, "the server keeps the stream open");
                if buffer[..had].windows(6).any(|six| six == b"data: ") {
                    told.events.fetch_add(1, Ordering::Relaxed);
                    told.more.notify_one();
                }
            }
        });
    }

    async fn wait_for(&self, events: usize) {
        while self.events.load(Ordering::Relaxed) < events {
            self.more.notified().await;
        }
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        self.0.gone.notify_waiters();
    }
}

fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// Serves until it is killed, where this process shall be a server.
pub(crate) fn serve_if_asked() {
    let Ok(name) = std::env::var(SERVER) else { return };
    raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if name == "ours" { serve(listener).await } else { serve_bare(listener).await }
    });
}

async fn serve(listener: TcpListener) {
    let store: Arc<dyn Store> = Arc::new(Sqlite::in_memory(16 << 20).unwrap());
    let clock = Clock::system();
    demo::fill(&store, clock.now(), &Links::new("http://portolan.test".into(), &[7; 32])).await.unwrap();
    let most = NonZeroU32::new(15_000).unwrap();
    let limits = LimitSettings {
        connections: most,
        followers: most,
        followers_per_caller: most,
        caller_per_second: 0,
        address_per_second: 0,
        ..LimitSettings::default()
    };
    let trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let setup = Setup {
        store: Arc::clone(&store),
        vault: Vault::in_memory().unwrap(),
        wall: Clock::system(),
        clock,
        types: demo::rehearsed_types().unwrap(),
        missing_if_match: MissingIfMatch::Accept,
        success_word: SuccessWord::Succeeded,
        learned_durations: true,
        identity: Identity::default(),
        entrance: Entrance { limits, trusted_proxies, ..Entrance::default() },
        checks: Checks::default(),
        artifacts: None,
        egress: Egress::new(&EgressSettings::default()).unwrap(),
        mail: MailSettings::default(),
    };
    let service = setup.start(listener).await.unwrap();
    let tokens = demo::tokens(&service.perform, service.issuer.as_ref(), demo::DAY_SECONDS).await.unwrap();
    println!("{} {}", service.address, tokens.owner);
    std::future::pending::<()>().await;
}

/// The least that could do the same: one broadcast, and a stream of it to each.
async fn serve_bare(listener: TcpListener) {
    println!("{} none", listener.local_addr().unwrap());
    let (tell, _) = broadcast::channel::<Bytes>(16);
    // As large as an event of the service.
    let frame = Bytes::from(format!("data: {}\n\n", "x".repeat(4_000)));
    let follow = {
        let (tell, frame) = (tell.clone(), frame.clone());
        move || {
            let state = (Some(frame.clone()), tell.subscribe());
            let frames = futures_util::stream::unfold(state, |(first, mut told)| async move {
                let next = match first {
                    Some(first) => first,
                    None => tokio::select! {
                        next = told.recv() => next.ok()?,
                        () = tokio::time::sleep(Duration::from_secs(15)) => Bytes::from_static(b":\n\n"),
                    },
                };
                Some((Ok::<_, Infallible>(next), (None, told)))
            });
            async move { Response::new(Body::from_stream(frames)) }
        }
    };
    let change = move || {
        let _ = tell.send(frame.clone());
        async {}
    };
    let router = Router::new()
        .route("/api/publishers/{publisher}/events", get(follow.clone()))
        .route("/api/publishers/{publisher}/offers/{offer}/events", get(follow))
        .route("/api/publishers/{publisher}/offers/{offer}", put(change));
    axum::serve(listener, router).await.unwrap();
}

//! GET status, against a bare axum handler that serves the same bytes.

use crate::load::{self, Requests, Round, pin, round};
use crate::median;
use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use portolan::checks::Checks;
use portolan::clock::Clock;
use portolan::demo;
use portolan::egress::{Egress, EgressSettings};
use portolan::http::{Entrance, LimitSettings};
use portolan::issuer::Audience;
use portolan::links::Links;
use portolan::notify::MailSettings;
use portolan::serve::{Identity, Setup};
use portolan::store::{Sqlite, Store};
use portolan::vault::Vault;
use portolan::wire::SuccessWord;
use publishing::decide::MissingIfMatch;
use publishing::principal::Circle;
use rustix::thread::Pid;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::net::TcpListener;

const PATH: &str = "/api/publishers/contoso/offers/vm-in-progress/status";

/// Prints how many answers a second the two give, and what one costs, each on one processor.
pub(crate) fn compare(quick: bool) {
    let (rounds, length) = if quick { (1, Duration::from_millis(50)) } else { (9, Duration::from_secs(1)) };
    let (fresh_rounds, fresh) = if quick { (1, 20) } else { (5, 2_000) };
    let (ours, our_thread, body, tokens) = serve_demo(1 + fresh_rounds * fresh);
    let (bare, bare_thread) = serve_bare(body);
    pin(1);
    let requests: Vec<String> = tokens.iter().map(|token| request(token)).collect();
    let same = Requests::Same(&requests[0], length);
    let (mut our_rounds, mut bare_rounds) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        our_rounds.push(round(ours, &same, our_thread));
        bare_rounds.push(round(bare, &same, bare_thread));
    }
    let (mut our_fresh, mut bare_fresh) = (Vec::new(), Vec::new());
    for each in requests[1..].chunks(fresh) {
        our_fresh.push(round(ours, &Requests::Each(each), our_thread));
        bare_fresh.push(round(bare, &Requests::Each(each), bare_thread));
    }
    if quick {
        return;
    }
    print("GET status, with a token that was verified before", &our_rounds, &bare_rounds);
    print("GET status, with a token that is new, RS256", &our_fresh, &bare_fresh);
}

fn request(token: &str) -> String {
    format!(
        "GET {PATH}?api-version=2017-10-31 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
    )
}

fn print(name: &str, ours: &[Round], bare: &[Round]) {
    let by = |rounds: &[Round], figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    let rates = median(ours.iter().zip(bare).map(|(ours, bare)| ours.rate / bare.rate).collect());
    let costs = median(ours.iter().zip(bare).map(|(ours, bare)| bare.cpu / ours.cpu).collect());
    println!("{name}, one server processor, medians of {} pairs", ours.len());
    println!(
        "  this service       {:>9.0} answers/s   {:>6.2} us of processor each",
        by(ours, |r| r.rate),
        by(ours, |r| r.cpu)
    );
    println!(
        "  bare axum handler  {:>9.0} answers/s   {:>6.2} us of processor each",
        by(bare, |r| r.rate),
        by(bare, |r| r.cpu)
    );
    println!("  ratio              {rates:>9.2} by rate     {costs:>6.2} by processor time\n");
}

/// The demo's service on a thread of its own; gives the bytes of the document too, and so many tokens.
fn serve_demo(tokens: usize) -> (SocketAddr, Pid, Bytes, Vec<String>) {
    let (started, start) = mpsc::channel();
    std::thread::spawn(move || {
        pin(0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store: Arc<dyn Store> = Arc::new(Sqlite::in_memory(16 << 20).unwrap());
            let clock = Clock::system();
            let links = Links::new("http://portolan.test".into(), &[7; 32]);
            demo::fill(&store, clock.now(), &links).await.unwrap();
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
                entrance: unhindered(),
                checks: Checks::default(),
                artifacts: None,
                egress: Egress::new(&EgressSettings::default()).unwrap(),
                mail: MailSettings::default(),
            };
            let service = setup.start(TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap();
            let body = store.status("contoso/vm-in-progress").unwrap().unwrap().body;
            let issuer = service.issuer.as_ref().unwrap();
            demo::tokens(&service.perform, Some(issuer), demo::DAY_SECONDS).await.unwrap();
            let staff = store.circle(&Circle::Marketplace).unwrap().unwrap().members;
            let mut made = Vec::new();
            for _ in 0..tokens {
                let token = issuer.token_for(&staff[0].principal, &Audience::Resource(None), 3_600).await.unwrap();
                made.push(token.access_token);
            }
            started.send((service.address, load::thread(), body, made)).unwrap();
            std::future::pending::<()>().await;
        });
    });
    start.recv().unwrap()
}

/// Every limit is asked, and none is reached.
fn unhindered() -> Entrance {
    let (most, burst) = (u32::MAX, NonZeroU32::MAX);
    let limits = LimitSettings { caller_per_second: most, address_per_second: most, ..LimitSettings::default() };
    let limits = LimitSettings { caller_burst: burst, address_burst: burst, ..limits };
    Entrance { limits, ..Entrance::default() }
}

fn serve_bare(body: Bytes) -> (SocketAddr, Pid) {
    let (started, start) = mpsc::channel();
    std::thread::spawn(move || {
        pin(0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            started.send((listener.local_addr().unwrap(), load::thread())).unwrap();
            let answer = move || {
                let body = body.clone();
                async move { ([("content-type", "application/json; charset=utf-8")], body) }
            };
            let path = "/api/publishers/{publisher}/offers/{offer}/status";
            axum::serve(listener, Router::new().route(path, get(answer))).await.unwrap();
        });
    });
    start.recv().unwrap()
}

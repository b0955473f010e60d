//! GET status, against a bare axum handler that serves the same bytes.

use crate::load::{self, Round, pin, round};
use crate::median;
use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use portolan::clock::Clock;
use portolan::demo;
use portolan::http::{Entrance, LimitSettings};
use portolan::serve::{Identity, Setup};
use portolan::store::{Sqlite, Store};
use portolan::vault::Vault;
use portolan::wire::SuccessWord;
use publishing::decide::MissingIfMatch;
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
    let (ours, our_thread, body, token) = serve_demo();
    let (bare, bare_thread) = serve_bare(body);
    pin(1);
    let request = format!(
        "GET {PATH}?api-version=2017-10-31 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
    );
    let (mut our_rounds, mut bare_rounds) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        our_rounds.push(round(ours, &request, our_thread, length));
        bare_rounds.push(round(bare, &request, bare_thread, length));
    }
    if quick {
        return;
    }
    print("GET status, with authentication", &our_rounds, &bare_rounds);
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

/// The demo's service on a thread of its own; gives the bytes of the document too.
fn serve_demo() -> (SocketAddr, Pid, Bytes, String) {
    let (started, start) = mpsc::channel();
    std::thread::spawn(move || {
        pin(0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store: Arc<dyn Store> = Arc::new(Sqlite::in_memory(16 << 20).unwrap());
            let clock = Clock::system();
            demo::fill(&store, clock.now()).await.unwrap();
            let setup = Setup {
                store: Arc::clone(&store),
                vault: Vault::in_memory().unwrap(),
                clock,
                types: demo::rehearsed_types().unwrap(),
                missing_if_match: MissingIfMatch::Accept,
                success_word: SuccessWord::Succeeded,
                identity: Identity::default(),
                entrance: unhindered(),
            };
            let service = setup.start(TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap();
            let body = store.status("contoso/vm-in-progress").unwrap().unwrap().body;
            let token = demo::token(&service.perform, service.issuer.as_ref()).await.unwrap();
            started.send((service.address, load::thread(), body, token)).unwrap();
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

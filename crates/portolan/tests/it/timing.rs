//! Whether time tells apart what answers do not: printed, and not judged, for on a machine that others use too a limit would fail
//! by chance, or be so wide that it said nothing. To be run on a quiet one:
//! `cargo test --release -p portolan --test it -- timing --ignored --nocapture`.

use crate::world::World;
use portolan::auth::Role;
use portolan::issuer::Audience;
use std::time::{Duration, Instant};

/// How often each of two is asked.
const ROUNDS: usize = 20_000;

/// Prints how two kinds of requests differ in time: the medians, and Welch's t of the faster nine tenths, where beyond ±4.5
/// says that they do differ.
fn compare(what: &str, mut one: Vec<Duration>, mut other: Vec<Duration>) {
    let of = |times: &mut Vec<Duration>| {
        times.sort();
        let kept: Vec<f64> = times[..times.len() / 10 * 9].iter().map(|time| time.as_secs_f64() * 1e6).collect();
        let mean = kept.iter().sum::<f64>() / kept.len() as f64;
        let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (kept.len() - 1) as f64;
        (times[times.len() / 2].as_secs_f64() * 1e6, mean, variance / kept.len() as f64)
    };
    let (first, second) = (of(&mut one), of(&mut other));
    let t = (first.1 - second.1) / (first.2 + second.2).sqrt();
    println!("{what}: medians {:.1} and {:.1} µs, t = {t:.2}", first.0, second.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints times, which only a quiet machine makes worth reading"]
async fn anothers_publisher_takes_as_long_as_none() {
    let world = World::new().await;
    world.member("owner", Some("fabrikam"), &[Role::Owner]).await;
    let times = async |path: &str| {
        let began = Instant::now();
        assert_eq!(world.get(path).await.status, 403);
        began.elapsed()
    };
    let [mut foreign, mut unknown, mut again] = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        foreign.push(times("/api/publishers/fabrikam/offers/memo-1/status").await);
        unknown.push(times("/api/publishers/nowhere1/offers/memo-1/status").await);
        again.push(times("/api/publishers/fabrikam/offers/memo-1/status").await);
    }
    compare("another's publisher and itself", foreign.clone(), again);
    compare("another's publisher and none", foreign, unknown);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints times, which only a quiet machine makes worth reading"]
async fn a_wrong_secret_takes_as_long_as_an_unknown_client() {
    let world = World::new().await;
    let program = world.member("program", Some("contoso"), &[Role::Owner]).await;
    let client = program.application.unwrap();
    let times = async |client: &str| {
        let began = Instant::now();
        assert!(world.issuer.client_token(client, "pcs_wrong", &Audience::Resource(None)).await.is_err());
        began.elapsed()
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        known.push(times(&client).await);
        unknown.push(times("00000000-0000-0000-0000-0000000000ff").await);
    }
    compare("a wrong secret and an unknown client", known, unknown);
}

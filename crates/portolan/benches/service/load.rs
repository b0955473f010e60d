//! A load of keep-alive requests from a thread of its own, and what they cost the server's thread.

use rustix::thread::{CpuSet, Pid, gettid, sched_setaffinity};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 16;

/// What one round of load saw.
pub(crate) struct Round {
    /// Answers a second.
    pub(crate) rate: f64,
    /// The server thread's processor time for one answer, in microseconds.
    pub(crate) cpu: f64,
}

/// Keeps this thread on one processor, where the machine has more.
pub(crate) fn pin(processor: usize) {
    let mut set = CpuSet::new();
    set.set(processor);
    let _ = sched_setaffinity(None, &set);
}

/// This thread's number, to ask what it has used.
pub(crate) fn thread() -> Pid {
    gettid()
}

fn cpu_time(thread: Pid) -> Duration {
    let path = format!("/proc/self/task/{}/schedstat", thread.as_raw_nonzero());
    let text = std::fs::read_to_string(path).unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// What is asked in a round.
pub(crate) enum Requests<'a> {
    /// The same over and over, for so long.
    Same(&'a str, Duration),
    /// Each once.
    Each(&'a [String]),
}

/// Sends requests, one at a time on each connection.
pub(crate) fn round(address: SocketAddr, requests: &Requests<'_>, server: Pid) -> Round {
    let (first, length) = match requests {
        Requests::Same(request, length) => (*request, *length),
        Requests::Each(requests) => (requests[0].as_str(), Duration::MAX),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let expected = answer_length(address, first).await;
        let (began, before) = (Instant::now(), cpu_time(server));
        let until = began.checked_add(length);
        let tasks: Vec<_> = (0..CONNECTIONS)
            .map(|task| {
                let requests: Vec<String> = match requests {
                    Requests::Same(request, _) => vec![(*request).to_owned()],
                    // The first was asked already.
                    Requests::Each(each) => each.iter().skip(1 + task).step_by(CONNECTIONS).cloned().collect(),
                };
                tokio::spawn(async move { ask_until(address, &requests, expected, until).await })
            })
            .collect();
        let mut answers = 0;
        for task in tasks {
            answers += task.await.unwrap();
        }
        let (took, used) = (began.elapsed(), cpu_time(server) - before);
        Round { rate: answers as f64 / took.as_secs_f64(), cpu: used.as_secs_f64() * 1e6 / answers as f64 }
    })
}

/// All answers to one request are of one length: their dates and ids are.
async fn answer_length(address: SocketAddr, request: &str) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_millis(300), stream.read_to_end(&mut answer)).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    answer.len()
}

/// Until a moment, again and again; without one, once each.
async fn ask_until(address: SocketAddr, requests: &[String], expected: usize, until: Option<Instant>) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 64 << 10];
    let mut answers = 0;
    let again = if until.is_some() { usize::MAX } else { 1 };
    for request in requests.iter().cycle().take(requests.len().saturating_mul(again)) {
        if until.is_some_and(|until| Instant::now() >= until) {
            break;
        }
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut had = 0;
        while had < expected {
            had += stream.read(&mut buffer).await.unwrap();
        }
        answers += 1;
    }
    answers
}

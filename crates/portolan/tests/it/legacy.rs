//! A server that speaks the original API and nothing else, as its first clients knew it: no events, no explanations, no ETags,
//! empty 202 answers with a `Location`, and error codes of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request as it came.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Method and path, without the query.
    pub what: String,
    /// The query.
    pub query: String,
    /// The headers, in small letters.
    pub head: String,
    /// The body.
    pub body: String,
}

/// How it answers, by what was asked and how often the same was asked before: status, more header lines, body. No status at all
/// breaks the connection.
pub type Answer = Box<dyn Fn(&Asked, usize) -> Option<(u16, &'static str, String)> + Send + Sync>;

/// A server on a free port, for as long as the test runs.
#[derive(Clone)]
pub struct Legacy {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Legacy {
    pub fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (asked.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (kept, answer) = (kept.clone(), answer.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &kept, &answer));
            }
        });
        Self { url, asked }
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, kept: &Mutex<Vec<Asked>>, answer: &Answer) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut asked = Asked::default();
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (asked.what, asked.query) = (format!("{method} {path}"), query.to_owned());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        length = line.strip_prefix("content-length:").map_or(length, |value| value.trim().parse().unwrap());
        asked.head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).unwrap();
    let before = {
        let mut kept = kept.lock().unwrap();
        kept.push(asked.clone());
        kept.iter().filter(|known| known.what == asked.what).count() - 1
    };
    let (status, head, body) = answer(&asked, before)?;
    let text = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{head}\r\n{body}",
        body.len()
    );
    reader.get_mut().write_all(text.as_bytes()).ok()
}

/// A status document of the original: messages in HTML alone.
pub fn status(offer: &str, steps: &[(&str, &str, &str)]) -> String {
    let steps: Vec<serde_json::Value> = steps
        .iter()
        .map(|(id, name, status)| {
            let messages = match *status {
                "rejected" => serde_json::json!([{"messageHtml": "Logo is <b>40 &times; 40</b> &lt;px&gt;", "level": "error", "timestamp": "2018-03-16T18:50:05.1234567Z"}]),
                _ => serde_json::json!([]),
            };
            serde_json::json!({"estimatedTimeFrame": "< 15 min", "id": id, "stepName": name, "description": "…", "status": status,
                "messages": messages, "progressPercentage": if *status == "complete" { 100 } else { 0 }})
        })
        .collect();
    serde_json::json!({"status": offer, "messages": [], "steps": steps, "previewLinks": [], "liveLinks": [], "notificationEmails": ""})
        .to_string()
}

//! Exit codes: each is reached by a real run, and code, help and documentation say the same of them.

use crate::binary::{Portolan, command, token};
use portolan::cli::Exit;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

/// A server that answers every request with this.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
        }
    });
    url
}

/// Runs that end with each exit code: its number, the arguments, and the token, where it is not the demo's.
const RUNS: [(u8, &[&str], Option<&str>); 17] = [
    (0, &["publisher", "list"], None),
    (0, &["help", "exit-codes"], None),
    (1, &["publisher", "list", "--server", "{garbage}"], None),
    (2, &["publisher", "list", "--server", "no address"], None),
    (2, &["publisher", "lst"], None),
    (2, &["help", "nothing-of-the-kind"], None),
    (3, &["publisher", "list", "--server", "{missing}"], None),
    (4, &["publisher", "list"], Some("wrong")),
    (4, &["publisher", "list"], Some("")),
    (5, &["publisher", "create", "not an id"], None),
    (6, &["publisher", "create", "contoso"], None),
    (7, &["publisher", "list", "--server", "http://127.0.0.1:1"], None),
    (8, &["wait", "vm-in-progress", "--for", "live", "--timeout", "0"], None),
    (8, &["wait", "vm-in-progress", "--for", "live", "--timeout", "1s"], None),
    (10, &["wait", "vm-failed", "--for", "live", "--timeout", "0"], None),
    (11, &["wait", "vm-waiting-for-sign-off", "--for", "live", "--timeout", "0"], None),
    (12, &["wait", "iot-edge-canceled", "--for", "live", "--timeout", "0"], None),
];

#[test]
fn each_is_reached_by_a_real_run() {
    let demo = Portolan::demo();
    let garbage = answering("no JSON");
    let missing = format!("{}/no/such/place", demo.url);
    for (number, arguments, with) in RUNS {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| argument.replace("{garbage}", &garbage).replace("{missing}", &missing))
            .collect();
        let home = tempfile::tempdir().unwrap();
        let mut run = command();
        run.args(&arguments).env("PORTOLAN_TOKEN", with.map_or_else(token, str::to_owned)).env("HOME", home.path());
        if !arguments.iter().any(|argument| argument == "--server") {
            run.env("PORTOLAN_SERVER", &demo.url);
        }
        let output = run.env_remove("XDG_DATA_HOME").stdin(Stdio::null()).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(number.into()), "{arguments:?}: {out}{err}");
        // Results are on standard output, all else on standard error, and no error is silent.
        // What a submission came to is a result, whatever the number.
        let is_of_submission = number >= 8;
        let streams = (out.is_empty(), err.is_empty());
        assert!(is_of_submission || streams == (number != 0, number == 0), "{arguments:?}: {out}{err}");
        assert!(streams != (true, true), "{arguments:?} says nothing");
    }
    let mut wait = command();
    wait.args(["wait", "vm-in-progress", "--for", "live"]).env("PORTOLAN_TOKEN", token());
    wait.env("PORTOLAN_SERVER", &demo.url).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = wait.spawn().unwrap();
    let mut first = [0];
    child.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut reached: Vec<u8> = RUNS.iter().map(|run| run.0).chain([130]).collect();
    reached.dedup();
    assert_eq!(reached, Exit::ALL.map(Exit::number), "a run for each");
}

#[test]
fn code_help_and_documentation_say_the_same() {
    let output = command().args(["help", "exit-codes"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for exit in Exit::ALL {
        assert!(help.contains(&format!("{:>4}  {}\n", exit.number(), exit.meaning())), "{exit:?}: {help}");
    }
    assert_eq!(
        help.lines().filter(|line| line.trim().starts_with(|c: char| c.is_ascii_digit())).count(),
        Exit::ALL.len()
    );
    let rows = Exit::ALL.map(|exit| format!("| {} | {} |\n", exit.number(), exit.meaning())).concat();
    crate::tree::documented("exit-codes", &format!("| Exit | Meaning |\n|---|---|\n{rows}"));
}

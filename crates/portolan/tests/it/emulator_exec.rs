//! `portolan emulator exec`: how it ends, what the command finds, what is left.

use crate::binary::command;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn exec(script: &str) -> Command {
    let mut exec = command();
    exec.args(["emulator", "exec", "--", "sh", "-c", script]);
    exec
}

fn run(script: &str) -> Output {
    exec(script).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn it_ends_as_the_command_does() {
    for (script, code) in [("true", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143)] {
        assert_eq!(run(script).status.code(), Some(code), "{script}");
    }
    for (program, code) in [("/nowhere/at/all", 127), ("no-such-command-at-all", 127), ("/etc/passwd", 126)] {
        let output = command().args(["emulator", "exec", "--", program]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{program}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(program));
    }
    assert_eq!(command().args(["emulator", "exec"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn the_command_finds_a_service_that_answers() {
    let status = "curl -s -o /dev/null -w '%{http_code}'";
    let output = run(&format!(
        "{status} -H \"Authorization: Bearer $PORTOLAN_TOKEN\" \
            \"$PORTOLAN_SERVER/api/publishers/$PORTOLAN_PUBLISHER/offers?api-version=2017-10-31\" && \
         {status} -H \"Authorization: Bearer $PORTOLAN_REVIEWER_TOKEN\" \"$PORTOLAN_SERVER/api/reviews?api-version=2017-10-31\""
    ));
    assert_eq!(said(&output), "200200");
    let mut exec = exec("echo $NO_PROXY/$no_proxy/$PORTOLAN_CLIENT_ID$PORTOLAN_CLIENT_SECRET/$HUSH; cat");
    exec.envs([("NO_PROXY", "a.example"), ("no_proxy", ""), ("HUSH", "kept")]);
    exec.envs([("PORTOLAN_CLIENT_ID", "id"), ("PORTOLAN_CLIENT_SECRET", "secret"), ("PORTOLAN_TOKEN", "old")]);
    let output = exec.stdin(Stdio::null()).output().unwrap();
    assert_eq!(said(&output), "a.example,127.0.0.1/a.example,127.0.0.1//kept\n");
    assert!(output.stderr.is_empty(), "nothing but what the command says");
}

#[test]
fn the_command_finds_it_whatever_its_documents_call_it() {
    let script = "echo $PORTOLAN_SERVER; curl -s -o /dev/null -w '%{http_code}' $PORTOLAN_SERVER/readyz";
    let mut told = command();
    told.args(["emulator", "exec", "--public-url", "http://emulator.test", "--", "sh", "-c", script]);
    let mut from_environment = exec(script);
    from_environment.env("PORTOLAN_PUBLIC_URL", "http://emulator.test");
    for mut exec in [told, from_environment] {
        let said = said(&exec.output().unwrap());
        assert!(said.starts_with("http://127.0.0.1:") && said.ends_with("\n200"), "{said}");
    }
}

/// Far would go whoever asks for a hundred years: the command does not wait for that, and neither does the end.
#[test]
fn it_ends_with_the_command_whatever_is_under_way() {
    let script = "curl -s -H 'Content-Type: application/json' -d '{\"offer\":\"a\",\"status\":\"running\"}' \
        $PORTOLAN_SERVER/emulator/reach > /dev/null; \
        curl -s -H 'Content-Type: application/json' -d '{\"by\":\"5000w\"}' $PORTOLAN_SERVER/emulator/advance & exit 5";
    let began = Instant::now();
    assert_eq!(run(script).status.code(), Some(5));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn its_data_is_the_same_each_time() {
    let offers = "curl -s -H \"Authorization: Bearer $PORTOLAN_TOKEN\" \
        \"$PORTOLAN_SERVER/api/publishers/contoso/offers?api-version=2017-10-31\"";
    let demo = || {
        let output =
            command().args(["emulator", "exec", "--demo", "--frozen", "--", "sh", "-c", offers]).output().unwrap();
        said(&output)
    };
    let one = demo();
    assert!(one.contains("saas-live"), "{one}");
    assert_eq!(one, demo());
}

#[test]
fn signals_reach_the_command() {
    for (name, code) in [("TERM", 10), ("INT", 11), ("USR1", 12)] {
        let script =
            "trap 'exit 10' TERM; trap 'exit 11' INT; trap 'exit 12' USR1; echo up; while :; do sleep 0.05; done";
        let mut child = exec(script).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n");
        assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{name}");
    }
}

#[test]
fn nothing_of_it_is_left() {
    let (home, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // One that goes when it is asked, and one that does not.
    let mut exec = exec("sleep 300 & echo $!; sh -c 'trap \"\" TERM; sleep 300; sleep 300' & echo $!; exit 4");
    exec.envs([("HOME", home.path()), ("TMPDIR", temporary.path()), ("XDG_CONFIG_HOME", home.path())]);
    let began = Instant::now();
    let output = exec.current_dir(temporary.path()).stderr(Stdio::inherit()).stdin(Stdio::null());
    let output = output.stdout(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(began.elapsed() < Duration::from_secs(20));
    let children = said(&output);
    assert_eq!(children.lines().count(), 2, "{children}");
    for child in children.lines() {
        let status = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        assert!(status.is_empty() || status.contains(") Z "), "{status}");
    }
    for directory in [home.path(), temporary.path()] {
        let left: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Whether it answers the first time that it is asked, so often in a row; how long from the start of the process to the answer.
fn started(times: usize) -> Vec<Duration> {
    let once = |_| {
        let began = Instant::now();
        let output = run("curl -s -m 5 -o /dev/null -w '%{http_code}' \"$PORTOLAN_SERVER/readyz\"; date +%s%N >&2");
        let took = began.elapsed();
        assert!(output.status.success() && said(&output) == "200", "{output:?}");
        took
    };
    (0..times).map(once).collect()
}

#[test]
fn twenty_starts_in_a_row_are_ready_when_the_command_starts() {
    started(20);
}

/// What it cannot do without: nobody is called, whatever is published.
#[test]
fn it_has_no_way_out() {
    let isolated = Command::new("unshare").args(["--user", "--map-root-user", "--net", "true"]).status();
    if !isolated.is_ok_and(|status| status.success()) {
        return;
    }
    let script = "curl -s -H 'Content-Type: application/json' -d '{\"offer\":\"a\",\"status\":\"succeeded\"}' \
        $PORTOLAN_SERVER/emulator/reach; tail -n +3 /proc/net/dev | grep -v lo: || true";
    let portolan = Path::new(env!("CARGO_BIN_EXE_portolan"));
    let inside = format!("ip link set lo up 2>/dev/null; exec {} emulator exec -- sh -c \"$0\"", portolan.display());
    let mut alone = Command::new("unshare");
    alone.args(["--user", "--map-root-user", "--net", "sh", "-c", &inside, script]);
    let output = alone.output().unwrap();
    assert!(said(&output).contains("\"status\":\"succeeded\""), "{output:?}");
}

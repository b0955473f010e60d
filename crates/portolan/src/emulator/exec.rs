//! Runs a command, passes signals on to it, and leaves nothing of it behind.

use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

/// How the shell says that a command is not there, and that it cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

/// How long what a command has left behind may take to end by itself.
const LEAVE_TAKING: Duration = Duration::from_secs(2);

/// What would contradict the token.
const NOT_PASSED_ON: [&str; 5] =
    ["PORTOLAN_CLIENT_ID", "PORTOLAN_CLIENT_SECRET", "PORTOLAN_TENANT", "PORTOLAN_AUDIENCE", "PORTOLAN_CA_FILE"];

/// Runs a command with these variables; gives how it ended, as a shell does.
pub(super) async fn run(command: &[OsString], variables: &[(&'static str, String)]) -> Result<ExitCode> {
    let Some((program, arguments)) = command.split_first() else { bail!("name a command after `--`") };
    let mut child = Command::new(program);
    child.args(arguments);
    // On a terminal it stays in the foreground, with us: it may read what is typed, and hears Ctrl-C from the terminal itself.
    let is_typed_to = std::io::stdin().is_terminal();
    if !is_typed_to {
        child.process_group(0);
    }
    // What it leaves behind in a session of its own comes to us, to be ended.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    for name in NOT_PASSED_ON {
        child.env_remove(name);
    }
    child.envs(variables.iter().map(|(name, value)| (name, value)));
    // Programs differ in which of the two they read first.
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let there = set("no_proxy").or_else(|| set("NO_PROXY")).map(|there| format!("{there},")).unwrap_or_default();
    for name in ["NO_PROXY", "no_proxy"] {
        child.env(name, format!("{there}127.0.0.1"));
    }
    // Before it starts, so that none is missed.
    let mut signals = Signals::new()?;
    let mut child = match child.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}: {error}", program.display());
            return Ok(ExitCode::from(if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN }));
        }
    };
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).filter(|_| !is_typed_to);
    let alone = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).filter(|_| is_typed_to);
    let ended = loop {
        tokio::select! {
            ended = child.wait() => break ended?,
            signal = signals.next() => {
                if let Some(group) = group {
                    let _ = kill_process_group(group, signal);
                    // One that is stopped hears it too.
                    let _ = kill_process_group(group, Signal::CONT);
                }
                // What is typed has come from the terminal already.
                if let Some(alone) = alone.filter(|_| !matches!(signal, Signal::INT | Signal::QUIT)) {
                    let _ = kill_process(alone, signal);
                }
            }
        }
    };
    if let Some(group) = group {
        clear(group).await;
    }
    end_orphans();
    Ok(ExitCode::from(code(ended)))
}

/// The code by which a shell tells how a process ended.
fn code(ended: ExitStatus) -> u8 {
    let code = ended.code().unwrap_or_else(|| 128 + ended.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// Ends what is left of a process group, first politely.
async fn clear(group: Pid) {
    let is_there = || test_kill_process_group(group).is_ok();
    let _ = kill_process_group(group, Signal::TERM);
    let gone = async {
        while is_there() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(LEAVE_TAKING, gone).await.is_err() {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Ends what was left to us: whatever has begun a session of its own.
fn end_orphans() {
    let own = rustix::process::getpid().as_raw_nonzero();
    for _ in 0..8 {
        let tasks = std::fs::read_dir(format!("/proc/{own}/task")).into_iter().flatten().flatten();
        let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        let children: Vec<Pid> = children
            .flat_map(|children| children.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<i32>>())
            .filter_map(Pid::from_raw)
            .collect();
        if children.is_empty() {
            return;
        }
        for child in children {
            let _ = kill_process(child, Signal::KILL);
            let _ = rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty());
        }
    }
}

/// The signals that are passed on.
struct Signals(Vec<(Signal, tokio::signal::unix::Signal)>);

impl Signals {
    fn new() -> Result<Self> {
        let passed_on = [
            (Signal::INT, SignalKind::interrupt()),
            (Signal::TERM, SignalKind::terminate()),
            (Signal::HUP, SignalKind::hangup()),
            (Signal::QUIT, SignalKind::quit()),
            (Signal::USR1, SignalKind::user_defined1()),
            (Signal::USR2, SignalKind::user_defined2()),
        ];
        Ok(Self(passed_on.into_iter().map(|(name, kind)| Ok((name, signal(kind)?))).collect::<Result<_>>()?))
    }

    async fn next(&mut self) -> Signal {
        let waiting = self.0.iter_mut().map(|(name, stream)| {
            Box::pin(async move {
                stream.recv().await;
                *name
            })
        });
        futures_util::future::select_all(waiting).await.0
    }
}

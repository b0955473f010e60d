//! Runs a local program as a check: the job goes in, lines of JSON come out, and whatever happens, nothing of it stays.
//!
//! The program runs as the service's own user, so it is one that the operator trusts. What it is kept from is doing harm by
//! mistake: it has a time, a memory, files and an environment of its own. `docs/checkers.md` tells it to people who write one.

use super::asked::Asked;
use super::said::{LONGEST_SAID, Line, MOST_MESSAGES, Said, SaidFault, SaidMessage, State};
use super::{Job, Setback};
use bytes::Bytes;
use publishing::check::Progress;
use publishing::command::Report;
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::sync::{mpsc::Sender, watch};
use tokio::time::{sleep, timeout};

/// How much of standard error the operator's log keeps, in bytes.
const LONGEST_LOG: usize = 64 << 10;

/// How long a file may be that the program writes, in blocks of 512 bytes: 1 GiB.
const FILE_BLOCKS: &str = "2097152";

/// How long a program may go on after it was asked to end, and its output may stay open after its end.
const GRACE: Duration = Duration::from_secs(2);

/// How often the publisher is told how far a program is: each time is a commit.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// Sets the limits and becomes the program. There is no limit on processes: that one counts all of a user's, and so the
/// service's own. What we open is closed in the program anyway; what whoever started the service left open to it is closed here.
const LAUNCH: &str = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; \
                      ulimit -c 0 && ulimit -v \"$1\" && ulimit -f \"$2\" && shift 2 && exec \"$@\"";

/// A program that is a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program, with its full path.
    pub program: PathBuf,
    /// What it is started with.
    pub arguments: Vec<String>,
    /// How long it may take, in seconds.
    pub timeout_seconds: u32,
    /// How much memory each of its processes may reserve, in MiB.
    pub memory_mebibytes: u32,
    /// Where it works; its own empty temporary directory where nothing is said.
    pub directory: Option<PathBuf>,
}

/// Why a program is no check that can be believed. The text is for the operator.
#[derive(Debug, Error)]
pub enum CommandFault {
    /// There was no program to speak to.
    #[error("the program could not be started: {0}. See that it is there and may be run")]
    NotStarted(#[from] std::io::Error),
    /// It took too long, and was killed.
    #[error("timed out: the program did not end within {0} seconds and was killed. Mend it, or give it more time")]
    TimedOut(u32),
    /// It did not end well, whatever it reported before.
    #[error("the program failed ({0}). What it wrote to standard error is in the log (127: it was not found)")]
    Failed(ExitStatus),
    /// It ended well, and did not say what it found.
    #[error("the program ended without a report. Its last line has to be one, like {{\"report\":\"passed\"}}")]
    NoReport,
    /// It went on after its report.
    #[error("the program said something after its report. The report has to be the last line")]
    AfterReport,
    /// It wrote more than 1 MiB, or more than 200 messages, and was killed.
    #[error("the program said too much and was killed. It may write 1 MiB, and 200 messages")]
    TooMuch,
    /// It ended, and a process that it left holds its output open.
    #[error("the program left a process behind that holds its output open. Let it wait for what it starts")]
    LeftBehind,
    /// A line could not be taken.
    #[error("the program wrote what cannot be taken: {0}")]
    Said(#[from] SaidFault),
}

/// Runs the program for a job, and tells now and then how far it is.
pub(super) async fn check(program: &Program, job: &Job, told: &Sender<Report>) -> Result<Report, Setback> {
    let input = serde_json::to_vec(&Asked::of(job, job.now.plus_seconds(program.timeout_seconds.into()))?)
        .map_err(|error| Setback(error.to_string()))?;
    let (newest, mut heard) = watch::channel(None);
    let tell = async {
        while heard.changed().await.is_ok() {
            let said: Option<Said> = heard.borrow_and_update().clone();
            if let Some(said) = said {
                let _ = told.send(said.report(job.now)).await;
            }
            sleep(TOLD_EVERY).await;
        }
        std::future::pending().await
    };
    tokio::select! {
        said = run(program, input.into(), |said| drop(newest.send(Some(said)))) => match said {
            Ok(said) => Ok(said.report(job.now)),
            Err(fault) => Err(Setback(format!("{}: {fault}", program.program.display()))),
        },
        report = tell => report,
    }
}

/// Runs the program once, and hands on what it says on the way: each time all there is so far, `running`.
/// Where the future is dropped, all that is left of the program is killed.
///
/// # Errors
/// [`CommandFault`] where the program gave no report that can be believed: the check was not run.
pub async fn run(program: &Program, input: Bytes, on_progress: impl FnMut(Said)) -> Result<Said, CommandFault> {
    let mut running = Running::start(program)?;
    let mut errors = Vec::new();
    let limit = Duration::from_secs(program.timeout_seconds.into());
    let Running { group, child, .. } = &mut running;
    let said = {
        let mut talk = Box::pin(converse(group, child.as_mut(), input, &mut errors, on_progress));
        if let Ok(said) = timeout(limit, &mut talk).await {
            said
        } else {
            // It is heard out meanwhile: who writes to nobody could not tidy up.
            group.end();
            let _ = timeout(GRACE, talk).await;
            Err(CommandFault::TimedOut(program.timeout_seconds))
        }
    };
    running.clear().await;
    if !errors.is_empty() {
        let (text, cut) = (String::from_utf8_lossy(&errors), errors.len() == LONGEST_LOG);
        tracing::warn!(program = %program.program.display(), cut, said = %text.escape_debug(), "a program wrote to standard error");
    }
    said
}

/// A process group; `None` once it was killed, for the number may be another's then.
#[derive(Debug)]
struct Group(Mutex<Option<Pid>>);

impl Group {
    /// Asks what is in it to end.
    fn end(&self) {
        if let Some(group) = *self.held() {
            let _ = kill_process_group(group, Signal::TERM);
        }
    }

    fn kill(&self) {
        if let Some(group) = self.held().take() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A program that runs, with all the processes it starts, and its temporary directory.
#[derive(Debug)]
struct Running {
    group: Group,
    child: Option<Child>,
    directory: Option<TempDir>,
}

impl Running {
    fn start(program: &Program) -> Result<Self, CommandFault> {
        let private = std::fs::Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new().prefix("portolan-check-").permissions(private).tempdir()?;
        let child = Command::new("/bin/sh")
            .args(["-c", LAUNCH, "sh"])
            .arg((u64::from(program.memory_mebibytes) << 10).to_string())
            .arg(FILE_BLOCKS)
            .arg(&program.program)
            .args(&program.arguments)
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8")])
            .env("TMPDIR", directory.path())
            .current_dir(program.directory.as_deref().unwrap_or(directory.path()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self { group: Group(Mutex::new(group)), child: Some(child), directory: Some(directory) })
    }

    /// Kills what is left, and removes what it left.
    async fn clear(mut self) {
        self.group.kill();
        cleared(self.child.take(), self.directory.take()).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.group.kill();
        if let (Some(child), Ok(runtime)) = (self.child.take(), Handle::try_current()) {
            runtime.spawn(cleared(Some(child), self.directory.take()));
        }
    }
}

/// Speaks with the program until it has ended.
async fn converse(
    group: &Group,
    child: Option<&mut Child>,
    input: Bytes,
    errors: &mut Vec<u8>,
    on_progress: impl FnMut(Said),
) -> Result<Said, CommandFault> {
    let gone = || CommandFault::NotStarted(std::io::ErrorKind::BrokenPipe.into());
    let child = child.ok_or_else(gone)?;
    let mut stdin = child.stdin.take().ok_or_else(gone)?;
    let (stdout, stderr) = (child.stdout.take().ok_or_else(gone)?, child.stderr.take().ok_or_else(gone)?);
    let feed = async move {
        // A program need not read what it is not interested in.
        let _ = stdin.write_all(&input).await;
        Ok(())
    };
    let talk = async { tokio::try_join!(listen(stdout, on_progress), feed, keep(stderr, errors)) };
    tokio::pin!(talk);
    let (heard, status) = tokio::select! {
        heard = &mut talk => (heard?.0, child.wait().await?),
        status = child.wait() => {
            let status = status?;
            // What the program started and left goes with it, and lets go of its output.
            group.kill();
            (timeout(GRACE, talk).await.map_err(|_| CommandFault::LeftBehind)??.0, status)
        }
    };
    if !status.success() {
        return Err(CommandFault::Failed(status));
    }
    let state = heard.report.ok_or(CommandFault::NoReport)?;
    Ok(heard.said(state).agreeing()?)
}

/// Removes the directory when the program has ended: before, it could still write there.
async fn cleared(child: Option<Child>, directory: Option<TempDir>) {
    if let Some(mut child) = child {
        let _ = child.wait().await;
    }
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || directory.map_or(Ok(()), TempDir::close)).await {
        tracing::warn!(%error, "the temporary directory of a program could not be removed");
    }
}

/// What a program has said so far.
#[derive(Debug, Default)]
struct Heard {
    progress: Option<Progress>,
    messages: Vec<SaidMessage>,
    report: Option<State>,
}

impl Heard {
    /// Takes one line; says whether it holds anything new.
    fn take(&mut self, line: &[u8]) -> Result<bool, CommandFault> {
        if line.trim_ascii().is_empty() {
            return Ok(false);
        }
        let Line { progress, message, report } = Line::read(line)?;
        let is_new = progress.is_some() || message.is_some();
        if self.report.is_some() && (is_new || report.is_some()) {
            return Err(CommandFault::AfterReport);
        }
        self.progress = progress.or(self.progress);
        self.messages.extend(message);
        if self.messages.len() > MOST_MESSAGES {
            return Err(CommandFault::TooMuch);
        }
        self.report = self.report.or(report);
        Ok(is_new)
    }

    fn said(self, state: State) -> Said {
        Said { state, sequence: None, progress: self.progress, messages: self.messages, retry_after_seconds: None }
    }
}

/// Hears out what the program says.
async fn listen(stdout: ChildStdout, mut on_progress: impl FnMut(Said)) -> Result<Heard, CommandFault> {
    let mut lines = BufReader::new(stdout.take(LONGEST_SAID as u64 + 1));
    let (mut heard, mut line, mut news) = (Heard::default(), Vec::new(), false);
    while lines.read_until(b'\n', &mut line).await? > 0 {
        if lines.get_ref().limit() == 0 {
            return Err(CommandFault::TooMuch);
        }
        news |= heard.take(&line)?;
        line.clear();
        // Where more is there already, the newest is told once.
        if news && lines.buffer().is_empty() {
            news = false;
            let (progress, messages) = (heard.progress, heard.messages.clone());
            on_progress(Heard { progress, messages, report: None }.said(State::Running));
        }
    }
    Ok(heard)
}

/// Keeps the beginning of what comes, and reads on, so that nobody has to wait.
async fn keep(mut from: impl AsyncRead + Unpin, kept: &mut Vec<u8>) -> Result<(), CommandFault> {
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let room = LONGEST_LOG - kept.len();
        kept.extend(chunk.iter().take(read.min(room)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CommandFault, FILE_BLOCKS, LAUNCH, Program, Said, State, run};
    use bytes::Bytes;
    use futures_util::future::join_all;
    use std::os::fd::AsRawFd;
    use std::path::Path;
    use std::time::{Duration, Instant};

    /// A shell program. It says things with `say`, reports with `report`.
    fn shell(script: &str) -> Program {
        let words = r#"say() { printf '{"message":{"level":"%s","message":"%s"}}\n' "$1" "$2"; }
                       report() { printf '{"report":"%s"}\n' "$1"; }"#;
        Program {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), format!("{words}\n{script}")],
            timeout_seconds: 20,
            memory_mebibytes: 256,
            directory: None,
        }
    }

    async fn ran(script: &str) -> Result<Said, CommandFault> {
        run(&shell(script), Bytes::from_static(b"{}"), |_| ()).await
    }

    async fn fault(script: &str) -> String {
        ran(script).await.unwrap_err().to_string()
    }

    /// Whether a process does anything: one that has ended and that nobody has asked for yet does not.
    fn lives(process: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
    }

    async fn gone(process: &str) {
        assert!(!process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit()), "{process}");
        let begin = Instant::now();
        while lives(process) {
            assert!(begin.elapsed() < Duration::from_secs(5), "{process} lives on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn a_program_passes_rejects_and_blocks() {
        assert_eq!(ran("report passed").await.unwrap().state, State::Passed);
        assert_eq!(ran("say error bad; report rejected").await.unwrap().state, State::Rejected);
        let said = ran("say warning hm; say error bad; report blocked").await.unwrap();
        assert_eq!(said.state, State::Blocked);
        assert_eq!(said.messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["hm", "bad"]);
        assert_eq!(ran("printf '{\"report\":\"passed\"}'").await.unwrap().state, State::Passed, "no line's end");
        assert_eq!(
            ran("echo; echo '{\"pulse\":1}'; report passed; echo '{\"x\":1}'").await.unwrap().state,
            State::Passed
        );
        assert!(fault("report rejected").await.contains("without an error message"));
    }

    #[tokio::test]
    async fn what_is_said_on_the_way_is_handed_on() {
        let mut heard = Vec::new();
        let script =
            "echo '{\"progress\":{\"done\":1,\"total\":2}}'; sleep 0.3; say warning hm; sleep 0.3; report passed";
        let said = run(&shell(script), Bytes::new(), |said| heard.push(said)).await.unwrap();
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert!(heard.iter().all(|said| said.state == State::Running && said.progress.unwrap().done == 1));
        assert_eq!((heard[0].messages.len(), heard[1].messages.len(), said.messages.len()), (0, 1, 1));
    }

    #[tokio::test]
    async fn nothing_but_a_report_and_a_good_end_is_believed() {
        for (script, words) in [
            ("exit 3", "exit status: 3"),
            ("report passed; exit 1", "exit status: 1"),
            ("report passed; kill -9 $$", "signal: 9"),
            ("true", "without a report"),
            ("echo rubbish; report passed", "cannot be taken"),
            ("echo '\"passed\"'; report passed", "cannot be taken"),
            ("printf '{\"report\":\"pass'", "cannot be taken"),
            ("printf '\\377\\n'; report passed", "cannot be taken"),
            ("report passed; report passed", "after its report"),
            ("report passed; say error late", "after its report"),
            ("report running", "report `passed`"),
            ("exec /no/such/program", "exit status: 127"),
        ] {
            let fault = fault(script).await;
            assert!(fault.contains(words), "{script}: {fault}");
        }
        let nowhere = Program { program: "/no/such/program".into(), ..shell("") };
        assert!(run(&nowhere, Bytes::new(), |_| ()).await.unwrap_err().to_string().contains("127"));
        let nowhere = Program { directory: Some("/no/such/directory".into()), ..shell("report passed") };
        assert!(matches!(run(&nowhere, Bytes::new(), |_| ()).await, Err(CommandFault::NotStarted(_))));
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_killed_with_all_it_started() {
        for script in [
            "sleep 100 & say warning \"$$ $!\"; wait",
            "trap '' TERM; sleep 100 & say warning \"$$ $!\"; while :; do sleep 1; done",
        ] {
            let (program, begin) = (Program { timeout_seconds: 1, ..shell(script) }, Instant::now());
            let mut processes = String::new();
            let said = run(&program, Bytes::new(), |said| processes.clone_from(&said.messages[0].text)).await;
            assert!(matches!(said, Err(CommandFault::TimedOut(1))), "{said:?}");
            assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
            for process in processes.split(' ') {
                gone(process).await;
            }
        }
        // Time to tidy up there is, though.
        let kept = tempfile::tempdir().unwrap();
        let tidied = kept.path().join("tidied");
        let script = format!("trap 'touch {}; exit' TERM; while :; do sleep 0.1; done", tidied.display());
        let said = run(&Program { timeout_seconds: 1, ..shell(&script) }, Bytes::new(), |_| ()).await;
        assert!(tidied.exists(), "{said:?}");
    }

    #[tokio::test]
    async fn what_a_program_leaves_behind_ends_with_it() {
        let said = ran("sleep 100 & say warning $!; report passed").await.unwrap();
        gone(&said.messages[0].text).await;
        // It left the group, so that it is not found; but what holds the output open is no end that can be believed.
        let begin = Instant::now();
        assert!(fault("setsid sleep 6 & sleep 0.2; report passed").await.contains("left a process behind"));
        assert!(begin.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_program_that_says_too_much_is_killed() {
        let line = r#"head -c 10000000 /dev/zero | tr '\0' a; report passed"#;
        let messages = "i=0; while [ $i -lt 201 ]; do say warning x; i=$((i+1)); done; report passed";
        for script in ["yes '{\"progress\":{\"done\":1,\"total\":2}}'", "yes ''", line, messages] {
            let begin = Instant::now();
            let said = fault(script).await;
            assert!(said.contains("too much"), "{script}: {said}");
            assert!(begin.elapsed() < Duration::from_secs(15));
        }
        let fits = "i=0; while [ $i -lt 200 ]; do say warning x; i=$((i+1)); done; report passed";
        assert_eq!(ran(fits).await.unwrap().messages.len(), 200);
        // Nobody has to read what goes to the log.
        assert!(ran("head -c 3000000 /dev/zero >&2; report passed").await.is_ok());
    }

    #[tokio::test]
    async fn the_job_comes_on_standard_input_to_who_reads_it() {
        let job = Bytes::from(vec![b'x'; 1 << 20]);
        let counted = run(&shell("say warning $(wc -c); report passed"), job.clone(), |_| ()).await.unwrap();
        assert_eq!(counted.messages[0].text, "1048576");
        for script in ["report passed", "exec <&-; sleep 0.2; report passed", "sleep 0.5; report passed"] {
            assert!(run(&shell(script), job.clone(), |_| ()).await.is_ok(), "{script}");
        }
    }

    #[tokio::test]
    async fn memory_and_files_are_limited() {
        let eats = "x=$(head -c 400000000 /dev/zero | tr '\\0' a); report passed";
        assert!(fault(eats).await.contains("the program failed"));
        assert!(run(&Program { memory_mebibytes: 2_000, ..shell(eats) }, Bytes::new(), |_| ()).await.is_ok());
        let said = ran("say warning \"$(ulimit -c) $(ulimit -f)\"; report passed").await.unwrap();
        assert_eq!(said.messages[0].text, format!("0 {FILE_BLOCKS}"));
    }

    #[tokio::test]
    async fn nothing_of_ours_is_inherited_and_nothing_is_left() {
        assert!(std::env::var_os("HOME").is_some(), "the canary");
        let script = "say warning \"$(env | cut -d= -f1 | tr '\\n' ' ')\"; say warning \"$TMPDIR\"; say warning \"$(pwd)\"; \
                      say warning \"$(ls -a | tr '\\n' ' ')$(stat -c %a .)\"; echo x > left; mkdir -p a/b; report passed";
        let said = ran(script).await.unwrap();
        let text = |at: usize| said.messages[at].text.as_str();
        for name in text(0).split(' ') {
            // What a shell sets itself is no secret.
            assert!(["PATH", "LANG", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"].contains(&name), "{name}");
        }
        assert_eq!(text(1), text(2));
        assert_eq!(text(3), ". .. 700");
        assert!(text(1).contains("portolan-check-") && !Path::new(text(1)).exists(), "{}", text(1));
        let there = Program { directory: Some("/usr".into()), ..shell("say warning $(pwd); report passed") };
        assert_eq!(run(&there, Bytes::new(), |_| ()).await.unwrap().messages[0].text, "/usr");
    }

    /// Tells which descriptors are open, of the first ten and of those in `CLOSED`.
    const DESCRIPTORS: &str =
        "for n in 0 1 2 3 4 5 6 7 8 9 $CLOSED; do if [ -e /proc/self/fd/$n ]; then printf '%s ' $n; fi; done";

    #[tokio::test]
    async fn only_three_descriptors_are_open() {
        let ours: Vec<_> = (0..20).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        let numbers: Vec<String> = ours.iter().map(|file| file.as_raw_fd().to_string()).collect();
        let script = format!("CLOSED='{}'; say warning \"$({DESCRIPTORS})\"; report passed", numbers.join(" "));
        assert_eq!(ran(&script).await.unwrap().messages[0].text, "0 1 2");
        // Where whoever started the service left some open.
        let left = "exec 3</dev/null 9</dev/null; exec /bin/sh -c \"$@\"";
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", left, "sh", LAUNCH, "sh", "262144", FILE_BLOCKS, "/bin/sh", "-c", DESCRIPTORS]);
        assert_eq!(String::from_utf8(command.output().unwrap().stdout).unwrap(), "0 1 2 ");
    }

    #[tokio::test]
    async fn who_loses_interest_leaves_nothing_behind() {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let program = shell("trap '' TERM; sleep 100 & say warning \"$$ $! $TMPDIR\"; wait");
        let running = tokio::spawn(async move {
            run(&program, Bytes::from(vec![0; 1 << 20]), |said| drop(sender.send(said.messages[0].text.clone()))).await
        });
        let text = receiver.recv().await.unwrap();
        let [shell, sleep, directory] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert!(lives(shell) && lives(sleep) && Path::new(directory).exists());
        running.abort();
        gone(shell).await;
        gone(sleep).await;
        let begin = Instant::now();
        while Path::new(directory).exists() {
            assert!(begin.elapsed() < Duration::from_secs(5));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn fifty_run_at_once() {
        let each = join_all((0..50).map(|at| async move {
            let script = format!("job=$(cat); say warning \"{at} $job\"; sleep 0.2; report passed");
            let said = run(&shell(&script), Bytes::from(format!("job {at}")), |_| ()).await.unwrap();
            assert_eq!(said.messages[0].text, format!("{at} job {at}"));
        }));
        tokio::time::timeout(Duration::from_secs(30), each).await.unwrap();
    }
}

//! Signing in on the command line: what is checked, where it is kept, who gets it, and that nobody else sees it.

use crate::binary::{Portolan, command, token};
use serde_json::Value;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a command said.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Somebody's machine: a home, and no keyring unless one is given.
struct Machine {
    home: TempDir,
    server: String,
}

impl Machine {
    fn of(demo: &Portolan) -> Self {
        Self { home: tempfile::tempdir().unwrap(), server: demo.url.clone() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.args(arguments).env("PORTOLAN_SERVER", &self.server).env("HOME", self.home.path());
        command.env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME").env_remove("DBUS_SESSION_BUS_ADDRESS");
        command.env("XDG_RUNTIME_DIR", self.home.path().join("none")).current_dir(self.home.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments), "")
    }

    fn login(&self, token: &str, more: &[&str]) -> Said {
        said(self.command(&[&["login", "--token-stdin"], more].concat()), token)
    }

    fn file(&self) -> std::path::PathBuf {
        self.home.path().join(".local/share/portolan/credentials.toml")
    }
}

fn said(mut command: Command, input: &str) -> Said {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// A client id with its secret, of a new member of contoso.
fn service_principal(demo: &Portolan) -> (String, String) {
    let body = r#"{"kind":"servicePrincipal","name":"build","roles":["contributor"]}"#;
    let url = format!("{}/api/publishers/contoso/members?api-version=2017-10-31", demo.url);
    let (status, added) = crate::binary::curl(&["--data", body, &url]);
    assert_eq!(status, 201, "{added}");
    let added: Value = serde_json::from_str(&added).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&added["member"]["applicationId"]), text(&added["secret"]["value"]))
}

#[test]
fn a_token_is_kept_in_a_file_for_one_server_until_it_is_forgotten() {
    let demo = Portolan::demo();
    let machine = Machine::of(&demo);
    assert_eq!(machine.run(&["whoami"]).code, 4);
    let kept = machine.login(&format!("{}\n", token()), &["--store", "file"]);
    assert!(kept.code == 0 && kept.out.is_empty() && kept.err.starts_with("Signed in to"), "{kept:?}");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&machine.file()), mode(machine.file().parent().unwrap())), (0o600, 0o700));
    let who = machine.run(&["whoami"]);
    for part in
        ["demo (a service principal)", "contoso (owner)", "operator", "credentials.toml", "ends", &machine.server]
    {
        assert!(who.code == 0 && who.out.contains(part), "{part}: {who:?}");
    }
    let document: Value = serde_json::from_str(&machine.run(&["whoami", "-o", "json"]).out).unwrap();
    assert_eq!((&document["secretIn"], &document["publishers"][0]["id"]), (&"file".into(), &"contoso".into()));
    assert_eq!(machine.run(&["publisher", "list"]).code, 0);
    // Another server gets nothing, also where it is the same machine.
    let other = Portolan::demo();
    let asked = machine.run(&["publisher", "list", "--server", &other.url]);
    assert!(asked.code == 4 && asked.err.contains("run portolan login"), "{asked:?}");
    // The environment goes first.
    let mut asked = machine.command(&["whoami"]);
    let asked = said(
        {
            asked.env("PORTOLAN_TOKEN", "wrong");
            asked
        },
        "",
    );
    assert_eq!(asked.code, 4, "{asked:?}");
    // What others may read is not used.
    std::fs::set_permissions(machine.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = machine.run(&["whoami"]);
    assert!(refused.code == 4 && refused.err.contains("chmod 600"), "{refused:?}");
    std::fs::set_permissions(machine.file(), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(
        machine.run(&["logout"]).err.contains("any more") && machine.run(&["logout"]).err.contains("Nothing was kept")
    );
    assert_eq!(machine.run(&["whoami"]).code, 4);
    assert!(!std::fs::read_to_string(machine.file()).unwrap().contains(&token()));
}

#[test]
fn a_project_is_not_sent_the_credentials_of_the_environment() {
    let demo = Portolan::demo();
    let machine = Machine::of(&demo);
    let project = machine.home.path().join("work");
    std::fs::create_dir(&project).unwrap();
    std::fs::write(project.join("portolan.toml"), format!("[client]\nserver = \"{}\"\n", demo.url)).unwrap();
    let asked = |token: &str, server: &str, more: &[&str]| {
        let mut command = machine.command(&[&["publisher", "list"], more].concat());
        command.current_dir(&project).env("PORTOLAN_TOKEN", token).env("PORTOLAN_SERVER", server);
        said(command, "")
    };
    let refused = asked(&token(), "", &[]);
    assert!(refused.code == 4 && refused.err.contains("set PORTOLAN_SERVER or add --server"), "{refused:?}");
    assert!(refused.err.contains(project.join("portolan.toml").to_str().unwrap()), "{refused:?}");
    assert_eq!(asked(&token(), &demo.url, &[]).code, 0);
    assert_eq!(asked(&token(), "", &["--server", &demo.url]).code, 0);
    // What is kept for this server is sent to it, whoever says that it is this one.
    assert_eq!(machine.login(&token(), &["--store", "file"]).code, 0);
    assert_eq!(asked("", "", &[]).code, 0);
}

#[test]
fn what_the_server_does_not_take_is_not_kept() {
    let demo = Portolan::demo();
    let machine = Machine::of(&demo);
    let (id, secret) = service_principal(&demo);
    for (arguments, input, code) in [
        (&["login", "--token-stdin"][..], "hush", 4),
        (&["login", "--token-stdin"], "", 2),
        (&["login", "--token-stdin"], "hu\nsh", 2),
        (&["login", "--client-id", &id, "--secret-stdin"], "hush", 4),
        (&["login", "--client-id", &id], &secret, 2),
        (&["login"], "", 2),
        (&["login", "--secret-stdin"], "hush", 2),
        (&["login", "--token-stdin", "--server", "http://127.0.0.1:1"], "hush", 7),
    ] {
        let refused = said(machine.command(&[arguments, &["--store", "file"]].concat()), input);
        assert_eq!(refused.code, code, "{arguments:?}: {refused:?}");
        assert!(!refused.err.contains("hush") && !refused.out.contains("hush"), "{refused:?}");
        assert!(!machine.file().exists(), "{arguments:?}");
    }
    let kept = said(machine.command(&["login", "--client-id", &id, "--secret-stdin", "--store", "file"]), &secret);
    assert_eq!(kept.code, 0, "{kept:?}");
    let who = machine.run(&["whoami"]);
    assert!(who.out.contains(&id) && who.out.contains("contoso") && !who.out.contains(&secret), "{who:?}");
}

/// Keeps in the keyring, reads from it, and says within 3 s what else there is.
fn cannot_keep(machine: &Machine, bus: Option<&str>) {
    for _ in 0..2 {
        let mut login = machine.command(&["login", "--token-stdin"]);
        if let Some(bus) = bus {
            login.env("DBUS_SESSION_BUS_ADDRESS", bus);
        }
        let began = Instant::now();
        let refused = said(login, &token());
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        assert!(refused.code == 4 && !machine.file().exists(), "{refused:?}");
        assert!(refused.err.contains("--store file") && refused.err.contains("PORTOLAN_TOKEN"), "{refused:?}");
    }
}

#[test]
fn where_no_keyring_answers_it_is_said_what_else_there_is() {
    let demo = Portolan::demo();
    let machine = Machine::of(&demo);
    cannot_keep(&machine, None);
    cannot_keep(&machine, Some("unix:path=/nowhere/bus"));
    // It accepts, and never says a word.
    let path = machine.home.path().join("bus");
    let silent = UnixListener::bind(&path).unwrap();
    cannot_keep(&machine, Some(&format!("unix:path={}", path.display())));
    drop(silent);
    // What is kept in one that does not answer now is not waited for either.
    std::fs::create_dir_all(machine.file().parent().unwrap()).unwrap();
    std::fs::set_permissions(machine.file().parent().unwrap(), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(machine.file(), format!("[{:?}]\nstore = \"keyring\"\n", machine.server)).unwrap();
    std::fs::set_permissions(machine.file(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let refused = machine.run(&["whoami"]);
    assert!(refused.code == 4 && refused.err.contains("--store file"), "{refused:?}");
    // Where the environment says who asks, the keyring is not asked at all.
    let mut who = machine.command(&["whoami"]);
    who.env("PORTOLAN_TOKEN", token());
    assert_eq!(said(who, "").code, 0);
}

#[test]
fn a_keyring_keeps_gives_and_forgets_and_a_locked_one_is_not_waited_for() {
    let there = |program: &str| Command::new("which").arg(program).stdout(Stdio::null()).status().unwrap().success();
    if !["dbus-run-session", "gnome-keyring-daemon", "gdbus"].into_iter().all(there) {
        assert!(std::env::var_os("PORTOLAN_WITHOUT_KEYRING").is_some(), "install dbus and gnome-keyring (test does)");
        return;
    }
    let demo = Portolan::demo();
    let machine = Machine::of(&demo);
    let portolan = env!("CARGO_BIN_EXE_portolan");
    let script = format!(
        r#"printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null
        cat token | {portolan} login --token-stdin; echo "login $?"
        {portolan} whoami; echo "whoami $?"
        {portolan} whoami --server http://127.0.0.1:1; echo "elsewhere $?"
        {portolan} logout; echo "logout $?"
        {portolan} whoami; echo "after $?"
        cat token | {portolan} login --token-stdin; echo "again $?"
        gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
          --method org.freedesktop.Secret.Service.Lock '[objectpath "/org/freedesktop/secrets/collection/login"]' >/dev/null
        date +%s > began; {portolan} whoami; echo "locked $?"; date +%s > ended"#
    );
    let shell = machine.command(&[]);
    let mut session = Command::new("dbus-run-session");
    session.args(["--", "bash", "-c", &script]).current_dir(&machine.home).env("HOME", machine.home.path());
    for (name, value) in shell.get_envs().filter(|(name, _)| name.to_str() != Some("XDG_RUNTIME_DIR")) {
        match value {
            Some(value) => session.env(name, value),
            None => session.env_remove(name),
        };
    }
    std::fs::write(machine.home.path().join("token"), token()).unwrap();
    let said = said(session, "");
    for part in
        ["login 0", "whoami 0", "in the system's keyring", "elsewhere 4", "logout 0", "after 4", "again 0", "locked 4"]
    {
        assert!(said.out.contains(part), "{part}: {said:?}");
    }
    let second = |name: &str| -> u64 {
        std::fs::read_to_string(machine.home.path().join(name)).unwrap().trim().parse().unwrap()
    };
    assert!(second("ended") - second("began") <= 4);
    let kept = std::fs::read_to_string(machine.file()).unwrap();
    assert!(!said.err.contains(&token()) && !kept.contains(&token()), "{kept}");
}

/// All arguments and variables of every process.
fn seen_by_others() -> String {
    let mut seen = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        // Not of this test, which has the secret itself.
        if entry.file_name().to_str().is_some_and(|name| name.parse().is_ok_and(|id: u32| id != std::process::id())) {
            seen.extend(std::fs::read(entry.path().join("cmdline")).unwrap_or_default());
            seen.extend(std::fs::read(entry.path().join("environ")).unwrap_or_default());
        }
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[test]
fn a_secret_is_in_no_process_list() {
    let demo = Portolan::demo();
    let machine = Machine::of(&demo);
    let secret = format!("very-secret-{}", std::process::id());
    let mut login =
        machine.command(&["login", "--client-id", "marker-of-this-test", "--secret-stdin", "--store", "file"]);
    // A server that accepts and says nothing, so that there is time to look.
    let slow = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    login.env("PORTOLAN_SERVER", format!("http://{}", slow.local_addr().unwrap()));
    let mut child = login.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    let _asked = slow.accept().unwrap();
    let seen = seen_by_others();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(seen.contains("marker-of-this-test") && !seen.contains(&secret));
    for command in ["login", "whoami", "logout"] {
        let help = machine.run(&[command, "--help"]).out;
        assert!(!help.contains("--secret <") && !help.contains("--token <") && !help.contains("--password"), "{help}");
    }
}

//! Completion in real shells: bash, zsh and fish complete commands, words and names that a demo has.

use crate::binary::{Portolan, command, token};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn script(shell: &str) -> String {
    let output = command().args(["completion", shell]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{shell}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a shell says to this, with the program on its path and a demo to ask.
fn shell(shell: &str, arguments: &[&str], server: &str) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_portolan")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(shell);
    command.args(arguments).env("PATH", path).env("PORTOLAN_SERVER", server).env("PORTOLAN_TOKEN", token());
    let output = command.env("HOME", home.path()).env("TERM", "dumb").stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{shell}: {error}; install it (test does)"));
    String::from_utf8(output.stdout).unwrap()
}

/// Command lines that are not finished, with what must be among the words, and what must not.
const BEGUN: [(&[&str], &str, &str); 5] = [
    (&["portolan", "who"], "whoami", "logout"),
    (&["portolan", "whoami", "--color", ""], "always", "--server"),
    (&["portolan", "whoami", "--output", "y"], "yaml", "json"),
    (&["portolan", "whoami", "--publisher", "con"], "contoso", "fabrikam"),
    (&["portolan", "help", "exit-codes", ""], "--help", "serve"),
];

#[test]
fn bash_completes_commands_words_and_names() {
    let demo = Portolan::demo();
    for (words, wanted, unwanted) in BEGUN {
        let list = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        let (last, before) = (words.len() - 1, words.len() - 2);
        let script = format!(
            "{}\nCOMP_WORDS=({list}); COMP_CWORD={last}; COMP_TYPE=9; _clap_complete_portolan portolan '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script("bash"),
            words[last],
            words[before]
        );
        let said = shell("bash", &["-c", &script], &demo.url);
        assert!(said.contains(wanted) && !said.contains(unwanted), "{words:?}: {said}");
    }
}

#[test]
fn fish_completes_commands_words_and_names() {
    let demo = Portolan::demo();
    for (words, wanted, unwanted) in BEGUN {
        let line = words.join(" ");
        let script = format!("{}\ncomplete --do-complete '{line}'", script("fish"));
        let said = shell("fish", &["--no-config", "-c", &script], &demo.url);
        assert!(said.contains(wanted) && !said.contains(unwanted), "{words:?}: {said}");
    }
}

#[test]
fn zsh_completes_commands_words_and_names() {
    let demo = Portolan::demo();
    for (words, wanted, unwanted) in BEGUN {
        let list = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        // The script hands what it got to _describe; there is no terminal to show it on.
        let script = format!(
            "compdef() {{ }}\n_describe() {{ print -rl -- \"${{(@P)3}}\" }}\n{}\nwords=({list}); CURRENT={}\n_clap_dynamic_completer_portolan",
            script("zsh").replace("#compdef portolan", ""),
            words.len()
        );
        let said = shell("zsh", &["--no-rcs", "-c", &script], &demo.url);
        assert!(said.contains(wanted) && !said.contains(unwanted), "{words:?}: {said}");
    }
    let script =
        format!("autoload -U compinit && compinit -u -D\n{}\nprint -r -- ${{_comps[portolan]}}", script("zsh"));
    let said = shell("zsh", &["--no-rcs", "-c", &script], &demo.url);
    assert!(said.contains("portolan"), "{said}");
}

#[test]
fn powershell_and_nushell_have_scripts_that_ask_the_program() {
    for (shell, parts) in [
        ("powershell", ["Register-ArgumentCompleter", "portolan", "PORTOLAN_COMPLETE"]),
        (
            "nushell",
            ["$env.config.completions.external.completer", "^portolan -- ...$spans", "PORTOLAN_COMPLETE: nushell"],
        ),
    ] {
        let script = script(shell);
        assert!(parts.iter().all(|part| script.contains(part)), "{script}");
        let opened = |open: char, close: char| (script.matches(open).count(), script.matches(close).count());
        for (open, close) in [opened('{', '}'), opened('(', ')'), opened('[', ']')] {
            assert_eq!(open, close, "{script}");
        }
    }
    let demo = Portolan::demo();
    let mut nushell = command();
    nushell.args(["--", "portolan", "whoami", "--publisher", ""]).env("PORTOLAN_COMPLETE", "nushell");
    let output = nushell.env("PORTOLAN_SERVER", &demo.url).env("PORTOLAN_TOKEN", token()).output().unwrap();
    let words: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(words, serde_json::json!([{ "value": "contoso", "description": "Contoso, Ltd." }]));
}

#[test]
fn whoever_pressed_tab_waits_two_seconds_at_most_and_sees_no_error() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = format!("http://{}", silent.local_addr().unwrap());
    for (server, token) in [(slow.as_str(), "x"), ("http://127.0.0.1:1", "x"), ("nonsense", "x"), (slow.as_str(), "")] {
        let mut asked = command();
        asked.args(["--", "portolan", "whoami", "--publisher", ""]).env("PORTOLAN_COMPLETE", "fish");
        let began = Instant::now();
        let output = asked.env("PORTOLAN_SERVER", server).env("PORTOLAN_TOKEN", token).output().unwrap();
        assert!(began.elapsed() < Duration::from_secs(3), "{server}: {:?}", began.elapsed());
        assert!(output.stdout.is_empty() && output.stderr.is_empty() && output.status.success(), "{output:?}");
    }
    let mut unknown = command();
    let output = unknown.args(["--", "portolan", ""]).env("PORTOLAN_COMPLETE", "tcsh").output().unwrap();
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

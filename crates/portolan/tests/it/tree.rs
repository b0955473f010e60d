//! The whole tree of commands: each has an example, every example runs, and what is piped has no escape bytes.

use crate::binary::{Portolan, command, curl, token};
use crate::emulator::Emulated;
use portolan::cli::{CREDENTIALS, SETTINGS};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Beginnings of examples that are not run here, each with its reason.
const NOT_RUN: [(&str, &str); 15] = [
    ("portolan serve", "it runs until it is stopped; `binary` starts it"),
    ("portolan demo", "it runs until it is stopped; each test here starts one"),
    ("portolan emulator start", "it runs until it is stopped"),
    ("portolan emulator exec --demo -- npm test", "npm may not be there"),
    ("portolan journal verify", "it needs the data of a service; `journal` makes some"),
    ("portolan login --client-id", "it asks on a terminal; `login` gives the secret on standard input"),
    (
        "portolan access add --role reader --user Jo --issuer entra",
        "a demo knows no other issuer; `access_cli` has one",
    ),
    ("portolan offer roll-back", "no offer of a demo was live twice; `history` rolls back"),
    ("portolan offer synchronise-audiences", "a demo keeps no files of audiences; `audiences` does"),
    ("portolan notify test", "nobody takes it at that address; `nouns_cli` has a receiver"),
    ("portolan notify mails on", "a demo has no mail server; `nouns_cli` has one"),
    ("portolan notify mails show", "a demo sends no mails"),
    ("portolan emulator outbox show", "nothing was sent in a fresh emulator; `emulator_sent` sends"),
    ("portolan events forward", "it runs until it is stopped; `nouns_cli` forwards"),
    ("portolan notify redeliver", "it needs the id of a delivery; `nouns_cli` has one"),
];

/// Beginnings of examples that say nothing on standard output where all went well.
const SILENT: [&str; 3] = ["portolan login", "portolan logout", "portolan man --directory"];

const HOOK: &str = "portolan notify add https://hooks.contoso.example/portolan --event live,failed";

/// What must have been done before an example of such a beginning.
const BEFORE: [(&str, &str); 11] = [
    ("portolan review release", "portolan review claim 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify"),
    ("portolan review unblock", "portolan review block 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify -m Wait."),
    ("portolan offer put", "portolan offer export vm-never-published > offer.json"),
    ("portolan offer validate", "portolan offer export vm-never-published > offer.json"),
    ("portolan notify deliveries", HOOK),
    ("portolan notify enable", HOOK),
    ("portolan notify remove", HOOK),
    ("portolan notify rotate", HOOK),
    ("portolan emulator fault remove", "portolan emulator fault add --step displaycertify --reject IMG-048 --times 1"),
    ("portolan emulator restore", "portolan emulator snapshot save before-go-live"),
    ("portolan emulator snapshot remove", "portolan emulator snapshot save before-go-live"),
];

/// The path of a command, and its help.
pub struct Node {
    pub path: Vec<String>,
    pub help: String,
}

fn help(path: &[String]) -> String {
    let output = command().args(path).arg("--help").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{path:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The tree, as help shows it.
pub fn tree() -> Vec<Node> {
    fn below(path: Vec<String>, found: &mut Vec<Node>) {
        let help = help(&path);
        let list = help.split_once("\nCommands:\n").map_or("", |(_, list)| list.split("\n\n").next().unwrap());
        let names: Vec<&str> = list
            .lines()
            .filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')))
            .filter_map(|rest| rest.split_whitespace().next())
            .collect();
        for name in names {
            below([path.as_slice(), &[name.to_owned()]].concat(), found);
        }
        found.push(Node { path, help });
    }
    let mut found = Vec::new();
    below(Vec::new(), &mut found);
    assert!(found.len() > 30, "the tree is not read");
    found
}

fn examples(node: &Node) -> impl Iterator<Item = &str> {
    node.help.lines().filter_map(|line| line.trim().strip_prefix("Example: "))
}

#[test]
fn every_command_has_an_example_of_its_own() {
    for node in tree().iter().filter(|node| !node.path.is_empty()) {
        let path = format!("portolan {}", node.path.join(" "));
        let mut known = examples(node).peekable();
        assert!(known.peek().is_some(), "{path} has no example");
        for example in known {
            let rest = example.strip_prefix(&path).filter(|rest| rest.is_empty() || rest.starts_with(' '));
            assert!(rest.is_some(), "{path}: an example of another command: {example}");
        }
        let (usage, first) = (node.help.find("Usage:"), node.help.find("Example:"));
        assert!(first < usage, "{path}: examples come first");
        assert!(!node.help.contains('\u{1b}'), "{path}");
    }
}

/// A demo with those in it whom examples name, and a home to run them in.
struct Place {
    url: String,
    _running: (Option<Portolan>, Option<Emulated>),
    home: TempDir,
    owner: String,
    reviewer: String,
}

impl Place {
    fn new() -> Self {
        let demo = Portolan::demo();
        let word = |start: &str| {
            let line = demo.said.lines().map(str::trim).find_map(|line| line.strip_prefix(start)).unwrap();
            line.split_whitespace().next().unwrap().to_owned()
        };
        let (url, reviewer) = (demo.url.clone(), word("PORTOLAN_TOKEN="));
        Self::of(url, token(), reviewer, (Some(demo), None))
    }

    /// The same in an emulator whose clock stands.
    fn emulated() -> Self {
        let emulator = Emulated::frozen(&["--demo"]);
        let (url, owner, reviewer) = (emulator.url.clone(), emulator.token.clone(), emulator.reviewer.clone());
        Self::of(url, owner, reviewer, (None, Some(emulator)))
    }

    fn of(url: String, owner: String, reviewer: String, running: (Option<Portolan>, Option<Emulated>)) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), &owner).unwrap();
        Self { url, _running: running, home, owner, reviewer }
    }

    /// Makes those known whom examples name.
    fn known(&self) {
        for (circle, role, mail) in [
            ("publishers/contoso/members", "owner", "jane@contoso.example"),
            ("staff", "operator", "jane@portolan.example"),
        ] {
            self.post(circle, &format!(r#"{{"kind":"user","name":"Jane Doe","mail":"{mail}","roles":["{role}"]}}"#));
        }
        self.post("publishers/contoso/members", r#"{"kind":"servicePrincipal","name":"build","roles":["reader"]}"#);
        self.post("staff", r#"{"kind":"servicePrincipal","name":"admin","roles":["operator"]}"#);
    }

    fn api(&self, path: &str) -> String {
        format!("{}/api/{path}?api-version=2017-10-31", self.url)
    }

    fn post(&self, path: &str, body: &str) {
        let (status, said) = curl(&["--data", body, &self.api(path)]);
        assert_eq!(status, 201, "{path}: {said}");
    }

    fn read(&self, path: &str) -> Value {
        serde_json::from_str(&curl(&[&self.api(path)]).1).unwrap()
    }

    /// The id of a secret that this member has.
    fn secret(&self, circle: &str, name: &str) -> String {
        let members = self.read(circle);
        let member = members.as_array().unwrap().iter().find(|member| member["name"] == name).unwrap();
        let secrets = self.read(&format!("{circle}/{}/secrets", member["id"].as_str().unwrap()));
        secrets[0]["id"].as_str().unwrap().to_owned()
    }

    /// A check that waits for a reviewer: its operation and step.
    fn review(&self) -> (String, String) {
        let arguments = ["review", "list", "--free", "--queue", "review", "--server", &self.url];
        let output = command().args(arguments).env("PORTOLAN_TOKEN", &self.reviewer).output().unwrap();
        let list = String::from_utf8(output.stdout).unwrap();
        let row = list.lines().nth(1).unwrap_or_else(|| panic!("{list}"));
        let mut words = row.split_whitespace().map(str::to_owned);
        (words.next().unwrap(), words.next().unwrap())
    }

    /// An example with this demo's ids in the place of its own.
    fn meant(&self, example: &str) -> String {
        const ID: &str = "2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50";
        let example = example.replace("publisher create contoso", "publisher create fabrikam");
        let example = example.replace(" web-gateway", " vm-in-progress");
        if !example.contains(ID) {
            return example;
        }
        if example.contains("portolan review") {
            let (operation, step) = self.review();
            return example.replace(&format!("{ID} certify"), &format!("{operation} {step}"));
        }
        let (circle, name) = match example.contains("portolan access") {
            true => ("publishers/contoso/members", "build"),
            false => ("staff", "admin"),
        };
        let id = self.secret(circle, name);
        example.replace(ID, &id)
    }

    fn shell(&self, line: &str, more: &[(&str, &str)]) -> std::process::Output {
        let programs = Path::new(env!("CARGO_BIN_EXE_portolan")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let token = if line.contains("portolan review") { &self.reviewer } else { &self.owner };
        let mut shell = Command::new("sh");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PORTOLAN_") || name.starts_with("XDG_"))
        {
            shell.env_remove(name);
        }
        shell.args(["-c", line]).current_dir(&self.home).env("PATH", path).env("HOME", self.home.path());
        shell.env("PORTOLAN_SERVER", &self.url).env("PORTOLAN_TOKEN", token).envs(more.iter().copied());
        shell.stdin(Stdio::null()).output().unwrap()
    }
}

/// Runs an example in a demo of its own; says what is wrong.
fn run_example(node: &Node, example: &str) -> Result<(), String> {
    let is_emulated = node.path.first().is_some_and(|noun| noun == "emulator");
    let place = if is_emulated { Place::emulated() } else { Place::new() };
    // Those are told apart by name, and `add` makes them.
    let is_adding = node.path.iter().any(|word| word == "add") && !node.path.iter().any(|word| word == "secret");
    if matches!(node.path[0].as_str(), "access" | "staff") && !is_adding {
        place.known();
    }
    let before = BEFORE.iter().find(|(begin, _)| example.starts_with(begin));
    let before = before.map_or_else(String::new, |(_, before)| format!("{{ {before}; }} 1>/dev/null && "));
    let line = place.meant(&format!("{before}{example}"));
    // An example that asks is answered; a reader of the help says yes.
    let asks = node.help.contains("--yes");
    let line = if asks && !line.contains("--yes") { format!("{line} --yes") } else { line };
    let output = place.shell(&line, &[]);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let into = example.split_once(" > ").map(|(_, file)| place.home.path().join(file));
    let is_silent = into.is_some() || SILENT.iter().any(|begin| example.starts_with(begin));
    let is_written = into.is_none_or(|file| std::fs::metadata(file).is_ok_and(|known| known.len() > 0));
    let has_escapes = out.contains('\u{1b}') || err.contains('\u{1b}');
    let is_well = output.status.code() == Some(0) && out.is_empty() == is_silent && is_written && !has_escapes;
    if is_well { Ok(()) } else { Err(format!("{line} ended with {:?}: {out}{err}", output.status.code())) }
}

/// The examples of the commands below these nouns, each in a demo of its own.
fn run_examples(nouns: impl Fn(&str) -> bool) {
    let (mut ran, mut faults) = (0, Vec::new());
    for node in tree().iter().filter(|node| node.path.first().is_some_and(|noun| nouns(noun))) {
        for example in examples(node).filter(|example| !NOT_RUN.iter().any(|(begin, _)| example.starts_with(begin))) {
            faults.extend(run_example(node, example).err());
            ran += 1;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(ran > 3, "no examples were found");
}

#[test]
fn the_examples_of_access_and_staff_run() {
    run_examples(|noun| matches!(noun, "access" | "staff"));
}

#[test]
fn the_examples_of_reviews_run() {
    run_examples(|noun| noun == "review");
}

#[test]
fn all_other_examples_run() {
    run_examples(|noun| !matches!(noun, "access" | "staff" | "review" | "emulator"));
}

#[test]
fn the_examples_of_the_emulator_run() {
    run_examples(|noun| noun == "emulator");
}

#[test]
fn what_is_not_run_is_an_example() {
    let tree = tree();
    let rows = NOT_RUN.iter().map(|row| row.0).chain(SILENT).chain(BEFORE.iter().map(|row| row.0));
    for begin in rows {
        assert!(
            tree.iter().flat_map(examples).any(|example| example.starts_with(begin)),
            "{begin} is no example any more"
        );
    }
}

#[test]
fn colour_is_only_where_it_is_wanted() {
    let place = Place::new();
    for line in
        ["portolan review list", "portolan publisher list", "portolan nonsense", "portolan whoami", "portolan --help"]
    {
        for (more, variables) in [
            ("", &[][..]),
            (" --color never", &[("CLICOLOR_FORCE", "1")]),
            ("", &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]),
        ] {
            if more.is_empty() || !matches!(line, "portolan nonsense" | "portolan --help") {
                let output = place.shell(&format!("{line}{more}"), variables);
                assert!(![output.stdout, output.stderr].concat().contains(&0x1b), "{line}{more} {variables:?}");
            }
        }
    }
    let closed = place.shell("portolan help access add | head -n 1; portolan publisher list | true", &[]);
    assert!(closed.stderr.is_empty(), "{closed:?}");
}

#[test]
fn a_typing_mistake_is_told_with_what_was_meant() {
    for (arguments, meant) in [
        (&["publsher", "list"][..], "publisher"),
        (&["access", "lst"], "list"),
        (&["whoami", "--colour", "never"], "--color"),
        (&["whoami", "-o", "jsn"], "json"),
        (&["help", "exit-code"], "exit-codes"),
    ] {
        let output = command().args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(meant), "{arguments:?}: {said}");
    }
}

#[test]
fn every_command_has_a_manual_page_and_each_topic_a_text() {
    let directory = tempfile::tempdir().unwrap();
    let man = command().args(["man", "--directory"]).arg(directory.path()).status().unwrap();
    assert!(man.success());
    for node in tree() {
        let name = ["portolan".to_owned()].into_iter().chain(node.path.clone()).collect::<Vec<_>>().join("-");
        let page =
            std::fs::read_to_string(directory.path().join(format!("{name}.1"))).unwrap_or_else(|_| panic!("{name}"));
        assert!(page.contains(".SH DESCRIPTION"), "{name}");
        let one = command().arg("man").args(&node.path).output().unwrap();
        assert!(one.status.success() && !one.stdout.is_empty(), "{name}");
    }
    for (topic, parts) in [
        (
            "environment",
            [SETTINGS.map(|setting| setting.variable()).to_vec(), CREDENTIALS.map(|row| row.0.to_owned()).to_vec()]
                .concat(),
        ),
        ("formats", ["table", "json", "yaml", "tsv", "none"].map(str::to_owned).to_vec()),
        ("ci", ["PORTOLAN_CLIENT_SECRET", "--yes", "exit-codes"].map(str::to_owned).to_vec()),
    ] {
        let output = command().args(["help", topic]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(parts.iter().all(|part| text.contains(part.as_str())), "{topic}: {text}");
    }
}

#[test]
fn versions_are_told_also_without_a_server() {
    let demo = Portolan::demo();
    let told = |server: &str| -> Value {
        let output = command().args(["version", "-o", "json", "--server", server]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let known = told(&demo.url);
    assert_eq!((&known["client"], &known["client"]), (&env!("CARGO_PKG_VERSION").into(), &known["server"]));
    assert_eq!(known["apiVersions"][0], "2017-10-31");
    assert_eq!(told("http://127.0.0.1:1")["server"], Value::Null);
}

#[test]
fn a_setting_says_where_it_is_from() {
    let home = tempfile::tempdir().unwrap();
    let own = home.path().join(".config/portolan/portolan.toml");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    std::fs::write(&own, "[client]\nserver = \"https://own.example\"\ncolor = \"never\"\n").unwrap();
    let project = home.path().join("work/portolan.toml");
    std::fs::create_dir_all(project.parent().unwrap()).unwrap();
    std::fs::write(&project, "[client]\npublisher = \"contoso\"\ncolor = \"always\"\n").unwrap();
    let mut show = command();
    show.args(["config", "show", "--origin", "-o", "json", "--progress", "plain"]).env("PORTOLAN_COLOR", "auto");
    show.env("HOME", home.path()).env_remove("XDG_CONFIG_HOME").current_dir(project.parent().unwrap());
    let output = show.output().unwrap();
    let settings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(settings.len(), SETTINGS.len());
    let row = |name: &str| {
        let row = settings.iter().find(|row| row["name"] == name).unwrap();
        (row["value"].as_str().map(str::to_owned), row["origin"].as_str().map(str::to_owned))
    };
    let said = |value: &str, origin: &str| (Some(value.to_owned()), Some(origin.to_owned()));
    assert_eq!(row("server"), said("https://own.example", own.to_str().unwrap()));
    assert_eq!(row("publisher"), said("contoso", project.to_str().unwrap()));
    assert_eq!(row("color"), said("auto", "PORTOLAN_COLOR"));
    assert_eq!(row("progress"), said("plain", "flag"));
    assert_eq!(row("no-input"), said("false", "default"));
    assert_eq!(row("timeout"), (None, None));
    // A broken file does not keep anybody from the service's own.
    std::fs::write(&project, "[client").unwrap();
    let mut default = command();
    let output = default.args(["config", "default"]).current_dir(project.parent().unwrap()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), portolan::config::DEFAULT_FILE);
}

/// Compares a part of the documentation, between two comments, with what the code says; with PORTOLAN_RECORD=1 it is rewritten.
pub fn documented(name: &str, text: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command-line.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let from = page.find(&begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
    let to = from + page[from..].find(&end).unwrap_or_else(|| panic!("no {end}"));
    if page[from..to] == *text {
        return;
    }
    assert!(
        std::env::var_os("PORTOLAN_RECORD").is_some(),
        "{name} is not as the code says; PORTOLAN_RECORD=1 writes it"
    );
    std::fs::write(&path, format!("{}{text}{}", &page[..from], &page[to..])).unwrap();
}

#[test]
fn the_documentation_lists_every_setting() {
    let mut text = "| Flag | Variable | Key in `[client]` | Default | In a project's file | Meaning |\n|---|---|---|---|---|---|\n".to_owned();
    for setting in &SETTINGS {
        let default = setting.default.map_or_else(|| "–".to_owned(), |value| format!("`{value}`"));
        let may = if setting.in_project { "yes" } else { "no" };
        let name = setting.name;
        text += &format!(
            "| `--{name}` | `{}` | `{name}` | {default} | {may} | {} |\n",
            setting.variable(),
            setting.meaning
        );
    }
    documented("settings", &text);
}

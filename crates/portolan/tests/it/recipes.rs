//! The recipes for build services: every command of theirs, as the service would run it, against the emulator.

use crate::binary::command;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A script of a recipe, with what runs it.
struct Script {
    shell: &'static [&'static str],
    text: String,
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ci")
}

fn recipe(name: &str) -> String {
    fs::read_to_string(examples().join(name)).unwrap()
}

fn parsed(name: &str) -> Value {
    serde_saphyr::from_str(&recipe(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value}"))
}

/// Runs the scripts one after the other in a directory with the offer, in an environment like the service's; the server is an
/// emulator. Gives back all that was said.
fn run(scripts: &[Script], variables: &[(&str, &str)]) -> String {
    assert!(scripts.len() >= 4, "{} scripts", scripts.len());
    let place = tempfile::tempdir().unwrap();
    fs::copy(examples().join("offer.json"), place.path().join("offer.json")).unwrap();
    let mut whole = "set -e\n".to_owned();
    for (at, script) in scripts.iter().enumerate() {
        let file = format!("step-{at}.sh");
        fs::write(place.path().join(&file), &script.text).unwrap();
        whole += &format!("echo '== {file}'\n{} {file}\n", script.shell.join(" "));
    }
    fs::write(place.path().join("all.sh"), &whole).unwrap();
    let program = env!("CARGO_BIN_EXE_portolan");
    let digest = Command::new("sha256sum").arg(program).output().unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap().split(' ').next().unwrap().to_owned();
    let mut exec = command();
    exec.args(["emulator", "exec", "--", "bash", "all.sh"]).current_dir(place.path()).stdin(Stdio::null());
    exec.env("OFFER", "shiftboard")
        .env("PORTOLAN_DOWNLOAD", format!("file://{program}"))
        .env("PORTOLAN_SHA256", digest);
    exec.env("GITHUB_STEP_SUMMARY", place.path().join("summary.md")).envs(variables.iter().copied());
    let output = exec.output().unwrap();
    let said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{:?}: {said}", output.status);
    said
}

/// Whether each of these was said, in this order.
fn in_order(said: &str, parts: &[&str]) {
    let mut rest = said;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("no {part:?} in its place: {said}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn github_actions() {
    let recipe = parsed("github-actions.yml");
    let jobs = recipe["jobs"].as_object().unwrap();
    let order = ["rehearse", "publish", "look-again", "go-live"];
    assert_eq!(jobs.len(), order.len());
    let steps = order.iter().flat_map(|job| list(&jobs[*job]["steps"]));
    let runs = steps.filter_map(|step| step.get("run"));
    let scripts: Vec<Script> = runs.map(|run| Script { shell: &["bash", "-e"], text: text(run) }).collect();
    let said = run(&scripts, &[("GITHUB_ACTIONS", "true"), ("CI", "true")]);
    in_order(&said, &["step-7.sh"]);
    assert!(!said.contains("::error"), "{said}");
}

#[test]
fn gitlab() {
    let recipe = parsed("gitlab-ci.yml");
    let lines = |value: &Value| list(value).iter().map(text).collect::<Vec<_>>().join("\n");
    let before = lines(&recipe["default"]["before_script"]);
    let script = |job: &&str| Script {
        shell: &["bash", "-eo", "pipefail"],
        text: format!("{before}\n{}\n", lines(&recipe[*job]["script"])),
    };
    let scripts: Vec<Script> = ["rehearse", "publish", "look-again", "go-live"].iter().map(script).collect();
    let named = recipe.as_object().unwrap().values().filter(|value| value.get("script").is_some());
    assert_eq!(named.count(), scripts.len());
    run(&scripts, &[("GITLAB_CI", "true"), ("CI", "true")]);
}

#[test]
fn azure_pipelines() {
    fn collect(value: &Value, found: &mut Vec<Script>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
            Value::Object(members) => {
                if let Some(bash) = members.get("bash") {
                    found.push(Script { shell: &["bash"], text: text(bash) });
                }
                members.iter().filter(|(name, _)| *name != "bash").for_each(|(_, value)| collect(value, found));
            }
            _ => {}
        }
    }
    let recipe = parsed("azure-pipelines.yml");
    let mut scripts = Vec::new();
    collect(&recipe["stages"], &mut scripts);
    run(&scripts, &[("TF_BUILD", "True")]);
}

#[test]
fn jenkins() {
    let recipe = recipe("Jenkinsfile");
    // What stands between the quotes of `sh`: three of them, or one.
    let mut scripts = Vec::new();
    for rest in recipe.split("sh '").skip(1) {
        let text = match rest.strip_prefix("''") {
            Some(long) => long.split("'''").next(),
            None => rest.split('\'').next(),
        };
        scripts.push(Script { shell: &["sh", "-xe"], text: text.unwrap().to_owned() });
    }
    run(&scripts, &[("JENKINS_URL", "http://jenkins.example/")]);
}

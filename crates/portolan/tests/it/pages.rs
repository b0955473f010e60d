//! The pages in a real browser: runs the suites in `tests/browser`, each against a service of its own.

use crate::binary::command;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

const SUITES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");

/// Where `./test` installs what the suites need.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/browser");

/// One suite at a time: each keeps all processors busy, and some look at the time.
static BROWSER: Mutex<()> = Mutex::new(());

/// Whether the suites are left out.
fn without_browser() -> bool {
    let left_out = std::env::var_os("PORTOLAN_WITHOUT_BROWSER").is_some_and(|set| !set.is_empty());
    if left_out {
        println!("skipped: PORTOLAN_WITHOUT_BROWSER is set");
    }
    left_out
}

/// Gives a command what every suite is told, runs it, and passes where the suite found no fault.
fn pass(name: &str, mut suite: Command) {
    let tools = PathBuf::from(TOOLS);
    assert!(
        tools.join("made-from").exists(),
        "{} is missing. Run ./test, which makes it, or set PORTOLAN_WITHOUT_BROWSER=1 to do without.",
        tools.display()
    );
    let paths = serde_json::to_string(&portolan::web::paths()).unwrap();
    suite.env("PAGES_TOOLS", tools.join("")).env("PAGES_PROGRAM", env!("CARGO_BIN_EXE_portolan"));
    suite.env("PAGES_PATHS", paths);
    let _alone = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
    let output = suite.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{name}:\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn file(suite: &str) -> PathBuf {
    Path::new(SUITES).join(suite)
}

/// Runs a suite beside an emulator that has an offer in every state.
fn with_emulator(suite: &str) {
    if without_browser() {
        return;
    }
    let mut exec = command();
    exec.args(["emulator", "exec", "--demo", "--frozen", "--reviews", "by-hand", "--", "node"]).arg(file(suite));
    pass(suite, exec);
}

/// Runs a suite that starts services itself, and stops them.
fn alone(suite: &str) {
    if without_browser() {
        return;
    }
    let mut node = Command::new("node");
    node.arg(file(suite));
    pass(suite, node);
}

#[test]
fn no_page_violates_a_rule_of_accessibility_or_leaves_the_host_or_is_heavy() {
    with_emulator("axe.mjs");
}

#[test]
fn every_pair_of_colours_can_be_told_apart() {
    with_emulator("contrast.mjs");
}

#[test]
fn forms_of_other_sites_change_nothing() {
    with_emulator("cross-site.mjs");
}

#[test]
fn no_text_runs_as_script() {
    alone("hostile.mjs");
}

#[test]
fn text_twice_as_large_is_not_cut_off() {
    with_emulator("text.mjs");
}

#[test]
fn core_tasks_are_done_by_keyboard_alone_and_without_script() {
    with_emulator("tasks.mjs");
}

#[test]
#[ignore = "some data on pages is not yet marked as data, and counts as untranslated"]
fn no_text_is_written_into_the_program() {
    with_emulator("pseudo.mjs");
}

#[test]
fn twelve_tabs_show_a_change_at_once_and_after_a_restart() {
    alone("tabs.mjs");
}

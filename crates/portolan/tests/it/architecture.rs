//! The house stays as ARCHITECTURE.md draws it: which room may name which, how long a file is, what its first line says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every arrow between rooms of `crates/portolan/src`; `main` and `lib` only wire, and may name all.
const ARROWS: [(&str, &[&str]); 24] = [
    ("artifacts", &["egress", "links"]),
    ("auth", &["clock", "egress", "store"]),
    ("checks", &["artifacts", "clock", "egress", "links", "markup", "wire"]),
    ("cli", &["clock"]),
    ("clock", &[]),
    ("config", &["artifacts", "auth", "checks", "egress", "http", "network", "notify", "store", "wire"]),
    ("demo", &["auth", "checks", "clock", "issuer", "links", "perform", "store", "work"]),
    ("egress", &["network"]),
    (
        "emulator",
        &[
            "auth", "checks", "clock", "config", "demo", "egress", "http", "issuer", "notify", "perform", "serve",
            "store", "vault", "wire", "work",
        ],
    ),
    (
        "http",
        &[
            "artifacts",
            "auth",
            "checks",
            "clock",
            "issuer",
            "links",
            "listing",
            "markup",
            "network",
            "notify",
            "perform",
            "store",
            "wire",
        ],
    ),
    ("issuer", &["auth", "clock", "store", "vault"]),
    ("journal", &["clock", "store"]),
    ("links", &[]),
    ("listing", &["links", "markup", "store"]),
    ("markup", &[]),
    ("network", &[]),
    ("notify", &["checks", "clock", "egress", "links", "markup", "store", "wire", "work"]),
    ("perform", &["auth", "clock", "links", "store", "wire"]),
    (
        "serve",
        &[
            "artifacts",
            "auth",
            "checks",
            "clock",
            "egress",
            "http",
            "issuer",
            "links",
            "listing",
            "notify",
            "perform",
            "store",
            "vault",
            "web",
            "wire",
            "work",
        ],
    ),
    ("store", &["vault"]),
    ("vault", &["clock"]),
    ("web", &["auth", "clock", "http", "issuer", "listing", "markup", "perform", "store", "vault", "wire"]),
    ("wire", &["links", "markup", "store"]),
    ("work", &["checks", "clock", "egress", "perform", "store", "wire"]),
];

/// Rooms that may not name a crate of ours; `cli` is for callers, and the rules know no wire.
const NOT_NAMED: [(&str, &str); 12] = [
    ("artifacts", "api"),
    ("cli", "publishing"),
    ("store", "api"),
    ("checks", "api"),
    ("work", "api"),
    ("perform", "api"),
    ("auth", "api"),
    ("clock", "api"),
    ("vault", "api"),
    ("egress", "api"),
    ("egress", "publishing"),
    ("vault", "publishing"),
];

/// The longest file, tests apart, in lines.
const LONGEST: usize = 400;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file: without comments, and without what is for its tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The rooms that code names after `crate::`, those in braces too.
fn named(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let list = after
            .strip_prefix('{')
            .map_or(after.split(|c: char| !c.is_alphanumeric() && c != '_').next(), |list| list.split('}').next());
        let names = list.unwrap().split(',').map(|name| name.trim().split("::").next().unwrap().to_owned());
        rooms.extend(names.filter(|name| !name.is_empty()));
    }
    rooms
}

#[test]
fn rooms_name_only_the_rooms_they_may() {
    let source = workspace().join("crates/portolan/src");
    for path in files(&source, "rs") {
        let room = path.strip_prefix(&source).unwrap().components().next().unwrap();
        let room = room.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if room == "main" || room == "lib" {
            continue;
        }
        let code = code(&path);
        let (_, allowed) = ARROWS
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{room} has no row among the arrows"));
        for other in named(&code).into_iter().filter(|other| *other != room) {
            assert!(allowed.contains(&other.as_str()), "{}: {room} may not name {other}", path.display());
        }
        for (_, krate) in NOT_NAMED.iter().filter(|(name, _)| *name == room) {
            let names_it = code
                .lines()
                .any(|line| line.contains(&format!("use {krate}::")) || line.contains(&format!(" {krate}::")));
            assert!(!names_it, "{}: {room} may not name the crate {krate}", path.display());
        }
    }
}

#[test]
fn doors_can_only_read_the_store() {
    for path in files(&workspace().join("crates/portolan/src/http"), "rs") {
        let code = code(&path);
        assert!(!code.contains("dyn Store") && !code.contains("Sqlite"), "{} names the whole store", path.display());
    }
}

#[test]
fn only_the_clock_reads_time_and_makes_randomness() {
    for path in files(&workspace().join("crates"), "rs") {
        let is_test = path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "benches")));
        if is_test || path.ends_with("src/clock.rs") {
            continue;
        }
        for source in
            ["SystemTime", "Instant::now", "Timestamp::now", "new_v4", "now_v7", "getrandom::", "aws_lc_rs::rand"]
        {
            assert!(!code(&path).contains(source), "{} uses {source}", path.display());
        }
    }
}

#[test]
fn only_the_egress_asks_the_world() {
    let source = workspace().join("crates/portolan/src");
    for path in files(&source, "rs").into_iter().filter(|path| !path.starts_with(source.join("egress"))) {
        for door in ["reqwest::", "TcpStream::connect", "UdpSocket", "hyper::client", "legacy::Client"] {
            assert!(!code(&path).contains(door), "{} uses {door}: send an egress::Outgoing", path.display());
        }
    }
}

#[test]
fn files_are_short_and_their_first_line_says_their_job() {
    for path in files(&workspace().join("crates"), "rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("//! ") && first.len() > 20,
            "{}: the first line does not say its job",
            path.display()
        );
        let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
        let in_tests = path.components().any(|part| part.as_os_str() == "tests");
        assert!(in_tests || lines <= LONGEST, "{} has {lines} lines", path.display());
    }
    for path in files(&workspace().join("crates/portolan/migrations"), "sql") {
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("-- "), "{}", path.display());
    }
}

#[test]
fn the_map_names_every_room_and_every_rule_file() {
    let map = std::fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    for directory in ["crates/portolan/src", "crates/publishing/src", "crates/api/src"] {
        for entry in std::fs::read_dir(workspace().join(directory)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let room = if name.ends_with(".rs") { name.clone() } else { format!("{name}/") };
            // As a word of its own: `offer.rs` is not named by `put_offer.rs`, nor by the word offer.
            let named = map.split([' ', '`', '\n', '(', ')', ',', '|']).any(|word| word == room);
            assert!(named, "{directory}/{name} is not in ARCHITECTURE.md");
        }
    }
}

#[test]
fn the_rules_know_no_wire_and_the_wire_knows_no_rules() {
    for (krate, others) in [("publishing", ["api", "portolan"]), ("api", ["publishing", "portolan"])] {
        let manifest = std::fs::read_to_string(workspace().join(format!("crates/{krate}/Cargo.toml"))).unwrap();
        for other in others {
            assert!(!manifest.lines().any(|line| line.starts_with(&format!("{other}."))), "{krate} depends on {other}");
        }
        for path in files(&workspace().join(format!("crates/{krate}/src")), "rs") {
            let words = ["async fn", "std::fs", "std::net", "tokio"];
            let pure = krate == "api" || !words.iter().any(|word| code(&path).contains(word));
            assert!(pure, "{} does I/O", path.display());
        }
    }
}

#[test]
fn nothing_in_the_tree_depends_on_what_must_not_be_there() {
    let lock = std::fs::read_to_string(workspace().join("Cargo.lock")).unwrap();
    // Not ring: the file lists it as a choice that others could make. Whether anything is built with it, cargo-deny tells.
    for banned in ["openssl-sys", "native-tls", "rsa"] {
        assert!(!lock.contains(&format!("name = \"{banned}\"\n")), "{banned} is in Cargo.lock");
    }
}

//! Who does checks outside the service, as the operator's settings say it.

use super::breaker::Places;
use super::command::Program;
use super::http::System;
use super::signature::Secrets;
use crate::clock::Clock;
use crate::egress::{Egress, EgressSettings};
use anyhow::{Context, Result, bail, ensure};
use publishing::offer::is_slug;
use publishing::pipeline::CheckKind;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use url::Url;

/// How long an outside system has to say how a check ends, in seconds: three days.
const USUAL_TIMEOUT: u32 = 3 * 24 * 3600;
/// How long a program may take, in seconds.
const USUAL_PROGRAM_TIMEOUT: u32 = 600;
/// How much memory each process of a program may reserve, in MiB.
const USUAL_MEMORY: u32 = 512;
/// How many checks may be with one checker at a time.
const USUAL_AT_ONCE: u16 = 4;

/// A checker: an outside system with a `url`, or a program of this machine with a `command`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckerSetting {
    /// What pipelines call it.
    pub name: String,
    /// Where an outside system takes start requests.
    pub url: Option<String>,
    /// The file with the secrets that are shared with it.
    pub secret_file: Option<PathBuf>,
    /// A PEM file of root certificates, besides those of the machine.
    pub ca_file: Option<PathBuf>,
    /// How often it is asked, in seconds; without it only where it says where.
    pub poll_seconds: Option<u32>,
    /// The program, with its full path, and what it is started with.
    pub command: Option<Vec<String>>,
    /// How much memory each process of the program may reserve, in MiB.
    pub memory_mebibytes: Option<u32>,
    /// Until when it must have said how a check ends, in seconds from when it was first asked.
    pub timeout_seconds: Option<u32>,
    /// How many of this service's requests, or programs, may be under way at a time.
    pub at_once: Option<u16>,
}

/// A checker as it is used.
#[derive(Clone, Debug)]
pub(super) enum Checker {
    System(Arc<System>),
    Program(Arc<Program>, Arc<Places>),
}

/// The checkers by name. The outside systems keep time by this clock.
///
/// # Errors
/// Names the checker, the setting that cannot be, and the mend.
pub(super) fn open(settings: &[CheckerSetting], clock: &Clock) -> Result<BTreeMap<String, Checker>> {
    let mut checkers = BTreeMap::new();
    for setting in settings {
        let name = &setting.name;
        let opened = one(setting, clock).with_context(|| format!("the [[checker]] {name:?}"))?;
        ensure!(
            checkers.insert(name.clone(), opened).is_none(),
            "two [[checker]] are called {name:?}; give each its own name"
        );
    }
    Ok(checkers)
}

fn one(setting: &CheckerSetting, clock: &Clock) -> Result<Checker> {
    ensure!(is_slug(&setting.name), "`name` must have at most 50 lower-case letters, digits, `_` and `-`");
    let at_once = usize::from(setting.at_once.unwrap_or(USUAL_AT_ONCE));
    ensure!(at_once > 0, "`at_once` is 0, so nothing would ever be checked; give it 1 at least");
    ensure!(setting.timeout_seconds != Some(0), "`timeout_seconds` is 0; give it 1 at least");
    let places = Places::new(at_once);
    match (&setting.url, &setting.command) {
        (Some(url), None) => Ok(Checker::System(Arc::new(system(setting, url, places, clock)?))),
        (None, Some(command)) => Ok(Checker::Program(Arc::new(program(setting, command)?), Arc::new(places))),
        _ => bail!("it needs either `url`, for an outside system, or `command`, for a program of this machine"),
    }
}

fn system(setting: &CheckerSetting, url: &str, places: Places, clock: &Clock) -> Result<System> {
    ensure!(setting.memory_mebibytes.is_none(), "`memory_mebibytes` is for programs; take it away");
    ensure!(setting.poll_seconds != Some(0), "`poll_seconds` is 0; give it 1 at least, or take it away");
    let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url =
        parsed.with_context(|| format!("`url` {url:?} is no address; write it like https://checks.example/start"))?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    ensure!(is_bare, "`url` must hold no name, password or fragment; requests are signed with the secret");
    let file = setting.secret_file.as_deref();
    let file = file.context("`secret_file` is missing; name a file with the secret that is shared with it")?;
    Ok(System {
        name: setting.name.clone(),
        url,
        secrets: Secrets::read(file)?,
        egress: Egress::new(&EgressSettings { ca_file: setting.ca_file.clone(), ..EgressSettings::default() })?,
        poll_seconds: setting.poll_seconds,
        timeout_seconds: setting.timeout_seconds.unwrap_or(USUAL_TIMEOUT),
        places,
        breaker: Arc::default(),
        taken: Mutex::default(),
        clock: clock.clone(),
    })
}

fn program(setting: &CheckerSetting, command: &[String]) -> Result<Program> {
    let only_for_systems = setting.secret_file.is_some() || setting.ca_file.is_some() || setting.poll_seconds.is_some();
    ensure!(!only_for_systems, "`secret_file`, `ca_file` and `poll_seconds` are for outside systems; take them away");
    let (program, arguments) = command.split_first().context("`command` is empty; name a program")?;
    let program = PathBuf::from(program);
    ensure!(program.is_absolute(), "`command` {program:?} needs a full path, such as /usr/bin/python3");
    let memory_mebibytes = setting.memory_mebibytes.unwrap_or(USUAL_MEMORY);
    ensure!(memory_mebibytes >= 16, "`memory_mebibytes` is less than any program needs; give it 16 at least");
    let timeout_seconds = setting.timeout_seconds.unwrap_or(USUAL_PROGRAM_TIMEOUT);
    Ok(Program { program, arguments: arguments.to_vec(), timeout_seconds, memory_mebibytes, directory: None })
}

/// What is wrong with a check of a pipeline, where these settings have no checker for it.
pub fn missing_checker(kind: &CheckKind, settings: &[CheckerSetting]) -> Option<String> {
    let (name, member, is_there): (_, _, fn(&CheckerSetting) -> bool) = match kind {
        CheckKind::Http { checker, .. } => (checker, "url", |setting| setting.url.is_some()),
        CheckKind::Command { checker, .. } => (checker, "command", |setting| setting.command.is_some()),
        _ => return None,
    };
    let known = settings.iter().any(|setting| setting.name == *name && is_there(setting));
    (!known).then(|| format!("names the checker {name:?}, which needs a [[checker]] of that name with a `{member}`"))
}

#[cfg(test)]
mod tests {
    use super::{CheckerSetting, missing_checker, open};
    use crate::clock::Clock;
    use publishing::pipeline::CheckKind;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn opened(text: &str, directory: &Path) -> Result<usize, String> {
        #[derive(serde::Deserialize)]
        struct File {
            checker: Vec<CheckerSetting>,
        }
        let mut file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        for checker in &mut file.checker {
            checker.secret_file = checker.secret_file.take().map(|file| directory.join(file));
        }
        open(&file.checker, &Clock::system()).map(|checkers| checkers.len()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn checkers_are_one_thing_or_the_other_and_within_bounds() {
        let directory = tempfile::tempdir().unwrap();
        let secret = directory.path().join("s");
        std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let system = "[[checker]]\nname = \"av\"\nurl = \"https://checks.example/start\"\nsecret_file = \"s\"\n";
        let program = "[[checker]]\nname = \"logo\"\ncommand = [\"/bin/true\"]\n";
        assert_eq!(opened(&format!("{system}poll_seconds = 5\n{program}"), directory.path()), Ok(2));
        for (text, words) in [
            (format!("{system}{system}"), "two [[checker]] are called \"av\""),
            (format!("{system}command = [\"/bin/true\"]"), "either `url`"),
            ("[[checker]]\nname = \"av\"".to_owned(), "either `url`"),
            (system.replace("\"av\"", "\"A v\""), "`name`"),
            (system.replace("secret_file = \"s\"", ""), "`secret_file` is missing"),
            (system.replace("https://", "ftp://"), "is no address"),
            (system.replace("https://", "https://me:hush@"), "no name, password"),
            (format!("{system}memory_mebibytes = 64"), "is for programs"),
            (format!("{system}poll_seconds = 0"), "`poll_seconds` is 0"),
            (format!("{system}at_once = 0"), "`at_once` is 0"),
            (format!("{system}timeout_seconds = 0"), "`timeout_seconds` is 0"),
            (format!("{system}timeout = 5"), "unknown field"),
            (program.replace("/bin/true", "true"), "full path"),
            (program.replace("\"/bin/true\"", ""), "`command` is empty"),
            (format!("{program}poll_seconds = 5"), "are for outside systems"),
            (format!("{program}memory_mebibytes = 8"), "16 at least"),
        ] {
            let error = opened(&text, directory.path()).unwrap_err();
            assert!(error.contains(words) && !error.contains("hush"), "{text}: {error}");
        }
    }

    #[test]
    fn a_pipeline_names_checkers_of_its_sort() {
        let setting = CheckerSetting { name: "av".into(), url: Some("https://x".into()), ..CheckerSetting::default() };
        let checker = "av".to_owned();
        let http = CheckKind::Http { checker: checker.clone(), reusable: false };
        assert_eq!(missing_checker(&http, std::slice::from_ref(&setting)), None);
        assert!(missing_checker(&http, &[]).unwrap().contains("\"av\""));
        let command = CheckKind::Command { checker, reusable: false };
        assert!(missing_checker(&command, &[setting]).unwrap().contains("`command`"), "of the wrong sort");
        assert_eq!(missing_checker(&CheckKind::Listing, &[]), None);
    }
}

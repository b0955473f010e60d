//! The scenarios that come with the program, by their names.

use super::fault::Fault;
use anyhow::{Context, Result};
use std::path::Path;

/// A scenario: its name, and its text.
pub(super) type Scenario = (&'static str, &'static str);

macro_rules! scenarios {
    ($($name:literal,)*) => {
        [$(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*]
    };
}

/// Every scenario there is, by name.
pub(super) const SCENARIOS: [Scenario; 14] = scenarios![
    "api-errors",
    "blocked",
    "conflict",
    "cut-connection",
    "expired-artifact",
    "expired-token",
    "lost-callback",
    "mail-down",
    "rejected",
    "reported-twice",
    "slow-answers",
    "slow-certification",
    "stalled",
    "webhook-down",
];

/// Where a scenario was found, and its text: one of the program's own by name, any other by the path of its file.
///
/// # Errors
/// Where there is neither.
pub fn scenario(named: &str) -> Result<(String, String)> {
    if let Some((name, text)) = SCENARIOS.iter().find(|(name, _)| *name == named) {
        return Ok((format!("{name}.toml"), (*text).to_owned()));
    }
    if !Path::new(named).exists() {
        let names = SCENARIOS.map(|(name, _)| name).join(", ");
        let text = format!("there is no scenario {named:?}, and no file of that name; the program's own are {names}");
        return Err(Fault::not_found(text).into());
    }
    let text = std::fs::read_to_string(named).with_context(|| format!("the scenario {named} cannot be read"))?;
    Ok((named.to_owned(), text))
}

/// What a scenario is about: the first sentence of its comment.
pub(super) fn about(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches('#').trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{SCENARIOS, about, scenario};

    #[test]
    fn every_file_of_the_directory_is_known_by_its_name() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort();
        assert_eq!(files, SCENARIOS.map(|(name, _)| name));
        assert!(SCENARIOS.iter().all(|(_, text)| about(text).len() > 20));
        assert_eq!(scenario("rejected").unwrap().0, "rejected.toml");
        assert!(scenario("rejectd").unwrap_err().to_string().contains("rejected, reported-twice"));
    }
}

//! The settings of the commands: a flag over its variable over the project's file over the user's file over the default.

use super::fault::Fault;
use super::output::Format;
use super::project;
use super::terminal::Colour;
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The name of the file, the project's and the user's. The service's settings may stand in it too.
const FILE: &str = "portolan.toml";

/// The table in it.
const TABLE: &str = "client";

/// One setting: `--server`, `PORTOLAN_SERVER`, and `server` in the table `[client]`.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in files, and of the flag without its dashes.
    pub name: &'static str,
    /// What it is where nobody says; nothing where it may stay unsaid.
    pub default: Option<&'static str>,
    /// Whether the project's file may say it: not where somebody else's file could give credentials away.
    pub in_project: bool,
    /// What it says, for people.
    pub meaning: &'static str,
}

/// Every setting.
pub const SETTINGS: [Setting; 9] = [
    Setting {
        name: "server",
        default: Some("http://127.0.0.1:8080"),
        in_project: true,
        meaning: "The server's address.",
    },
    Setting {
        name: "publisher",
        default: None,
        in_project: true,
        meaning: "The publisher that offers are looked for at; the only one you are a member of, where nothing is said.",
    },
    Setting {
        name: "output",
        default: Some("table"),
        in_project: true,
        meaning: "How results are written: table, json, yaml, tsv or none.",
    },
    Setting {
        name: "color",
        default: Some("auto"),
        in_project: true,
        meaning: "When to use colour: auto, always or never.",
    },
    Setting {
        name: "progress",
        default: Some("auto"),
        in_project: true,
        meaning: "How it is told what goes on: auto, live, plain, github or json.",
    },
    Setting {
        name: "timeout",
        default: None,
        in_project: true,
        meaning: "How long to wait at most, such as 2h30m; 0 looks once. Without it, as long as it takes.",
    },
    Setting {
        name: "no-input",
        default: Some("false"),
        in_project: true,
        meaning: "Ask nothing: fail where something would be asked.",
    },
    Setting {
        name: "ca-file",
        default: None,
        in_project: false,
        meaning: "A PEM file of root certificates to trust besides those of the machine.",
    },
    Setting {
        name: "plain-http",
        default: Some("false"),
        in_project: false,
        meaning: "Send credentials over http to another machine, in clear text: for a network that is yours.",
    },
];

impl Setting {
    /// The variable that says it: `PORTOLAN_SERVER`.
    pub fn variable(&self) -> String {
        format!("PORTOLAN_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }
}

/// How it is told what goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Progress {
    /// Live on a terminal, with annotations in GitHub Actions, and in plain lines elsewhere.
    #[default]
    Auto,
    /// A view of the steps that is drawn anew in place.
    Live,
    /// A line for each change.
    Plain,
    /// The same, with annotations for GitHub Actions.
    Github,
    /// A JSON object a line.
    Json,
}

/// The flags of every command that talks to a server.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Common options")]
pub(super) struct Flags {
    /// The server's address; http://127.0.0.1:8080 where nothing is said. [PORTOLAN_SERVER]
    #[arg(long, value_name = "URL", global = true)]
    server: Option<String>,
    /// The publisher that offers are looked for at. [PORTOLAN_PUBLISHER]
    #[arg(long, value_name = "ID", global = true)]
    publisher: Option<String>,
    /// How results are written. [PORTOLAN_OUTPUT]
    #[arg(long, short, value_name = "FORMAT", value_enum, global = true)]
    output: Option<Format>,
    /// What of the result to write, in JMESPath.
    #[arg(long, value_name = "JMESPATH", global = true)]
    pub(super) query: Option<String>,
    /// When to use colour. [PORTOLAN_COLOR]
    #[arg(long, value_name = "WHEN", value_enum, global = true)]
    color: Option<Colour>,
    /// How it is told what goes on. [PORTOLAN_PROGRESS]
    #[arg(long, value_name = "HOW", value_enum, global = true)]
    progress: Option<Progress>,
    /// Ask nothing: fail where something would be asked. [PORTOLAN_NO_INPUT]
    #[arg(long, global = true)]
    no_input: bool,
    /// A PEM file of root certificates to trust besides those of the machine. [PORTOLAN_CA_FILE]
    #[arg(long, value_name = "FILE", global = true)]
    ca_file: Option<PathBuf>,
    /// Send credentials over http to another machine, in clear text: for a network that is yours. [PORTOLAN_PLAIN_HTTP]
    #[arg(long, global = true)]
    plain_http: bool,
}

impl Flags {
    /// Those that say where names are to be looked for, in a command line that is not finished.
    pub(super) fn said_in(words: impl Iterator<Item = String>) -> Self {
        let words: Vec<String> = words.collect();
        let said = |name: &str| {
            let beside = words.iter().position(|word| word == name).and_then(|at| words.get(at + 1)).cloned();
            beside
                .or_else(|| words.iter().find_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned())))
        };
        Self { server: said("--server"), publisher: said("--publisher"), ..Self::default() }
    }
}

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A flag.
    Flag,
    /// A variable of the environment.
    Variable(String),
    /// The user's own file.
    File(PathBuf),
    /// The project's file, which may be somebody else's.
    Project(PathBuf),
    /// Nobody said it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            Self::File(path) | Self::Project(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// What is set, and where.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings(BTreeMap<&'static str, (String, Origin)>);

impl Settings {
    /// The settings of this process.
    ///
    /// # Errors
    /// Names the flag, variable or file that cannot be meant so.
    pub(super) fn read(flags: &Flags) -> Result<Self, Fault> {
        let mut settings = Self::default();
        settings.defaults();
        let home = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".config")));
        let user = home.map(|home| home.join("portolan").join(FILE)).filter(|path| path.is_file());
        if let Some(user) = &user {
            settings.file(Origin::File(user.clone()), std::fs::read_to_string(user))?;
        }
        let here = std::env::current_dir().ok();
        if let Some((path, file)) = here.and_then(|here| project::file(&here, FILE, user.as_deref())) {
            settings.file(Origin::Project(path), std::io::read_to_string(file))?;
        }
        settings.variables(|name| std::env::var(name).ok());
        settings.flags(flags);
        settings.check()?;
        Ok(settings)
    }

    /// The project's file, where it is the one that says which server it is.
    pub(super) fn project_of_server(&self) -> Option<&Path> {
        match self.get("server")? {
            (_, Origin::Project(path)) => Some(path),
            _ => None,
        }
    }

    /// What a setting says, and where that is from.
    pub(super) fn get(&self, name: &str) -> Option<(&str, &Origin)> {
        self.0.get(name).map(|(value, origin)| (value.as_str(), origin))
    }

    /// What a setting says.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|(value, _)| value)
    }

    /// What a setting says, where that is one of the words that it may be.
    pub(super) fn choice<T: ValueEnum + Default>(&self, name: &str) -> T {
        self.value(name).and_then(|value| T::from_str(value, true).ok()).unwrap_or_default()
    }

    /// Whether a setting says yes.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| truth(value) == Some(true))
    }

    fn set(&mut self, setting: &Setting, value: String, origin: Origin) {
        self.0.insert(setting.name, (value, origin));
    }

    fn defaults(&mut self) {
        for setting in &SETTINGS {
            if let Some(value) = setting.default {
                self.set(setting, value.to_owned(), Origin::Default);
            }
        }
    }

    fn file(&mut self, origin: Origin, text: std::io::Result<String>) -> Result<(), Fault> {
        let unusable = |why: String| Fault::usage(format!("{origin}: {why}"));
        let text = text.map_err(|error| unusable(error.to_string()))?;
        // The whole of what a parser says shows the line, which may be a secret of the service.
        let broken = |error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            unusable(format!("line {}: {}", before.matches('\n').count() + 1, error.message()))
        };
        let document: toml::Table = toml::from_str(&text).map_err(broken)?;
        let table = match document.get(TABLE) {
            None => return Ok(()),
            Some(toml::Value::Table(table)) => table,
            Some(_) => return Err(unusable(format!("{TABLE} is no table; write [{TABLE}]"))),
        };
        for (name, value) in table {
            let known = SETTINGS.iter().find(|setting| setting.name == name);
            let setting = known.ok_or_else(|| unusable(unknown(name)))?;
            if matches!(origin, Origin::Project(_)) && !setting.in_project {
                return Err(unusable(format!(
                    "{name} cannot stand in a project's file, for it could give credentials away; use --{name}, {}, \
                     or the file of your own",
                    setting.variable()
                )));
            }
            let value = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Boolean(is_so) => is_so.to_string(),
                toml::Value::Integer(number) => number.to_string(),
                _ => return Err(unusable(format!("{TABLE}.{name} must be a text"))),
            };
            self.set(setting, value, origin.clone());
        }
        Ok(())
    }

    fn variables(&mut self, variable: impl Fn(&str) -> Option<String>) {
        for setting in &SETTINGS {
            let name = setting.variable();
            if let Some(value) = variable(&name).filter(|value| !value.is_empty()) {
                self.set(setting, value, Origin::Variable(name));
            }
        }
    }

    fn flags(&mut self, flags: &Flags) {
        fn word<T: ValueEnum>(value: &Option<T>) -> Option<String> {
            value.as_ref()?.to_possible_value().map(|value| value.get_name().to_owned())
        }
        let said = |is_so: bool| is_so.then(|| "true".to_owned());
        let given = [
            ("server", flags.server.clone()),
            ("publisher", flags.publisher.clone()),
            ("output", word(&flags.output)),
            ("color", word(&flags.color)),
            ("progress", word(&flags.progress)),
            ("no-input", said(flags.no_input)),
            ("ca-file", flags.ca_file.as_ref().map(|path| path.display().to_string())),
            ("plain-http", said(flags.plain_http)),
        ];
        for (name, value) in given {
            if let (Some(value), Some(setting)) = (value, SETTINGS.iter().find(|setting| setting.name == name)) {
                self.set(setting, value, Origin::Flag);
            }
        }
    }

    /// Says which value is none that the setting can have.
    fn check(&self) -> Result<(), Fault> {
        fn words<T: ValueEnum>() -> Vec<String> {
            let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            names.map(|value| value.get_name().to_owned()).collect()
        }
        for (name, choices) in
            [("output", words::<Format>()), ("color", words::<Colour>()), ("progress", words::<Progress>())]
        {
            let Some((value, origin)) = self.get(name) else { continue };
            if !choices.contains(&value.to_ascii_lowercase()) {
                let choices = choices.join(", ");
                return Err(Fault::usage(format!("{name} cannot be {value:?} ({origin}); use one of {choices}")));
            }
        }
        for name in ["no-input", "plain-http"] {
            let Some((value, origin)) = self.get(name) else { continue };
            if truth(value).is_none() {
                return Err(Fault::usage(format!("{name} cannot be {value:?} ({origin}); use true or false")));
            }
        }
        Ok(())
    }
}

/// Whether a text says yes or no, in the words of environments.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" | "y" | "t" => Some(true),
        "0" | "false" | "no" | "off" | "n" | "f" => Some(false),
        _ => None,
    }
}

fn unknown(name: &str) -> String {
    let near = nearest(name, SETTINGS.iter().map(|setting| setting.name));
    let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    format!("[{TABLE}] knows no setting {name:?}{meant}")
}

/// The one of these that a misspelt name most likely means.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let scored = candidates.into_iter().map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known));
    let best = scored.filter(|(score, _)| *score > 0.8).max_by(|one, other| one.0.total_cmp(&other.0));
    best.map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::{Flags, Origin, SETTINGS, Settings, nearest};
    use clap::{Args, Command};

    fn read(user: &str, project: &str, variables: &[(&str, &str)], flags: &Flags) -> Result<Settings, String> {
        let mut settings = Settings::default();
        settings.defaults();
        for (origin, text) in [(Origin::File("user.toml".into()), user), (Origin::Project("x.toml".into()), project)] {
            settings.file(origin, Ok(text.to_owned())).map_err(|fault| fault.to_string())?;
        }
        settings.variables(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned()));
        settings.flags(flags);
        settings.check().map_err(|fault| fault.to_string())?;
        Ok(settings)
    }

    #[test]
    fn who_is_nearer_says_it() {
        let (user, project) = ("[client]\npublisher = \"user\"", "[client]\npublisher = \"project\"\n[server]\n");
        let variable = ("PORTOLAN_PUBLISHER", "variable");
        let flag = Flags { publisher: Some("flag".into()), ..Flags::default() };
        let none = Flags::default();
        let said = |user: &str, project: &str, variables: &[(&str, &str)], flags: &Flags| {
            let settings = read(user, project, variables, flags).unwrap();
            settings.get("publisher").map(|(value, origin)| (value.to_owned(), origin.clone()))
        };
        assert_eq!(said("", "", &[], &none), None);
        assert_eq!(said(user, "", &[], &none).unwrap().0, "user");
        assert_eq!(said(user, project, &[], &none).unwrap().0, "project");
        assert_eq!(
            said(user, project, &[variable], &none).unwrap(),
            ("variable".into(), Origin::Variable("PORTOLAN_PUBLISHER".into()))
        );
        assert_eq!(said(user, project, &[variable], &flag).unwrap(), ("flag".into(), Origin::Flag));
        assert_eq!(said("", "", &[("PORTOLAN_PUBLISHER", "")], &none), None);
    }

    #[test]
    fn it_is_known_whether_the_project_says_which_server() {
        let server = "[client]\nserver = \"https://one.example\"";
        let variable = ("PORTOLAN_SERVER", "https://two.example");
        let flag = Flags { server: Some("https://three.example".into()), ..Flags::default() };
        let none = Flags::default();
        for (user, project, variables, flags, is_projects) in [
            ("", server, &[][..], &none, true),
            (server, server, &[], &none, true),
            (server, "", &[], &none, false),
            ("", server, &[variable], &none, false),
            ("", server, &[], &flag, false),
            ("", "", &[], &none, false),
        ] {
            let settings = read(user, project, variables, flags).unwrap();
            assert_eq!(settings.project_of_server().is_some(), is_projects, "{user} {project} {variables:?}");
        }
    }

    #[test]
    fn what_cannot_be_names_itself_and_the_mend() {
        for (user, project, variable, part) in [
            ("", "[client]\nserfer = \"x\"", ("", ""), "did you mean server?"),
            ("", "[client]\nca-file = \"x\"", ("", ""), "cannot stand in a project's file"),
            ("", "client = 1", ("", ""), "write [client]"),
            ("[client]\noutput = \"xml\"", "", ("", ""), "use one of table, json"),
            ("", "", ("PORTOLAN_NO_INPUT", "perhaps"), "PORTOLAN_NO_INPUT"),
        ] {
            let fault = read(user, project, &[variable], &Flags::default()).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
        let broken = "[client]\npublisher = \"contoso\"\n[mail]\npassword = hush\n";
        let fault = read("", broken, &[], &Flags::default()).unwrap_err();
        assert!(fault.starts_with("x.toml: line 4: ") && !fault.contains("hush"), "{fault}");
        assert!(read("[client]\nplain-http = true", "", &[], &Flags::default()).unwrap().is_on("plain-http"));
    }

    #[test]
    fn each_setting_has_a_flag_that_names_its_variable() {
        let command = Flags::augment_args(Command::new("x"));
        for setting in SETTINGS.iter().filter(|setting| setting.name != "timeout") {
            let flag = command.get_arguments().find(|argument| argument.get_long() == Some(setting.name));
            let help = flag.unwrap_or_else(|| panic!("no --{}", setting.name)).get_help().unwrap().to_string();
            assert!(help.contains(&format!("[{}]", setting.variable())), "{help}");
        }
    }

    #[test]
    fn a_misspelt_name_means_the_nearest() {
        assert_eq!(nearest("web-gatway", ["web-gateway", "relay"]), Some("web-gateway"));
        assert_eq!(nearest("zzz", ["web-gateway", "relay"]), None);
    }
}

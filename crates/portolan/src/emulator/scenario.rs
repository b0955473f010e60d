//! Scenarios: TOML files that say what goes wrong, how long things take, and where offers stand at the start.

use super::fault_rules::judge;
use super::faults::Unfit;
use super::moments::{moment, span};
use api::emulator::{NewFault, Reach, Reviews};
use publishing::moment::Moment;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A scenario, read and judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// What everything that is drawn is drawn from. For the start alone.
    pub seed: Option<u64>,
    /// What the clock shows at the start. For the start alone.
    pub start: Option<Moment>,
    /// How many seconds the clock runs in a second; 0 where it stands.
    pub speed: Option<u32>,
    /// Who gives verdicts. For the start alone.
    pub reviews: Option<Reviews>,
    /// How many seconds steps take at least and at most, by their ids.
    pub takes: BTreeMap<String, (i64, i64)>,
    /// What goes wrong, in the order in which it is set.
    pub faults: Vec<NewFault>,
    /// Where offers stand at the start.
    pub offers: Vec<Reach>,
}

/// A scenario as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    seed: Option<u64>,
    start: Option<Spanned<String>>,
    speed: Option<u32>,
    reviews: Option<Reviews>,
    #[serde(default)]
    step: Vec<WrittenStep>,
    #[serde(default)]
    fault: Vec<Spanned<NewFault>>,
    #[serde(default)]
    offer: Vec<WrittenOffer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    id: String,
    takes: Spanned<Takes>,
}

/// A time, or the least and the most of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Takes {
    Exactly(String),
    Between([String; 2]),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOffer {
    id: Spanned<String>,
    #[serde(rename = "type")]
    offer_type: Option<String>,
    status: String,
}

impl Scenario {
    /// Reads a scenario from a text that was found under this name.
    ///
    /// # Errors
    /// Names the file, the line, the fault and the mend.
    pub fn read(file: &str, text: &str) -> Result<Self, Unfit> {
        let at = |begin: usize, what: &str| {
            let line = text.as_bytes().iter().take(begin).filter(|byte| **byte == b'\n').count() + 1;
            Unfit(format!("{file}:{line}: {what}"))
        };
        let written: Written = toml::from_str(text).map_err(|error| {
            at(
                error.span().map_or(0, |span| span.start),
                &format!("{}. docs/emulator-faults.md shows what there is.", error.message()),
            )
        })?;
        let start = written.start.map(|start| moment(start.get_ref()).map_err(|fault| at(start.span().start, &fault)));
        let mut takes = BTreeMap::new();
        for step in written.step {
            let range = step.takes.get_ref().range().map_err(|fault| at(step.takes.span().start, &fault))?;
            takes.insert(step.id, range);
        }
        let mut faults = Vec::new();
        for fault in written.fault {
            judge(fault.get_ref()).map_err(|unfit| at(fault.span().start, &unfit.0))?;
            faults.push(fault.into_inner());
        }
        let mut offers = Vec::new();
        for offer in written.offer {
            if offer.id.get_ref().split('/').count() != 2 {
                let what = format!("{:?} is no offer: write it like contoso/web-gateway", offer.id.get_ref());
                return Err(at(offer.id.span().start, &what));
            }
            let (id, offer_type, status) = (offer.id.into_inner(), offer.offer_type, Some(offer.status));
            offers.push(Reach { offer: id, offer_type, status, ..Reach::default() });
        }
        let Written { seed, speed, reviews, .. } = written;
        Ok(Self { seed, start: start.transpose()?, speed, reviews, takes, faults, offers })
    }
}

impl Takes {
    fn range(&self) -> Result<(i64, i64), String> {
        match self {
            Self::Exactly(time) => span(time).map(|seconds| (seconds, seconds)),
            Self::Between([least, most]) => match (span(least)?, span(most)?) {
                (least, most) if least <= most => Ok((least, most)),
                _ => Err(format!("{least} is longer than {most}: write the shorter time first")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scenario;
    use api::emulator::{FaultKind, Reviews};

    #[test]
    fn a_scenario_says_everything_at_once() {
        let text = r#"
            seed = 7
            start = "2026-03-01T00:00:00Z"
            speed = 60
            reviews = "by-hand"
            [[step]]
            id = "displaycertify"
            takes = ["2h", "1d 12h"]
            [[step]]
            id = "live"
            takes = "90s"
            [[fault]]
            kind = "reject"
            step = "displaycertify"
            code = "IMG-048"
            [[offer]]
            id = "contoso/web"
            status = "running"
        "#;
        let scenario = Scenario::read("x.toml", text).unwrap();
        assert_eq!((scenario.seed, scenario.speed, scenario.reviews), (Some(7), Some(60), Some(Reviews::ByHand)));
        assert_eq!(scenario.takes["displaycertify"], (7_200, 129_600));
        assert_eq!(scenario.takes["live"], (90, 90));
        assert_eq!(scenario.faults[0].kind, FaultKind::Reject);
        assert_eq!(scenario.offers[0].status.as_deref(), Some("running"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_file_and_line() {
        for (text, line, mend) in [
            ("sede = 7", 1, "unknown field `sede`"),
            ("\n\nseed = true", 3, "expected u64"),
            ("start = \"tomorrow\"", 1, "write it like 2026"),
            ("\n[[step]]\nid = \"live\"\ntakes = \"soon\"", 4, "write it like 90s"),
            ("[[step]]\nid = \"live\"\ntakes = [\"2h\", \"1h\"]", 3, "the shorter time first"),
            ("# first\n[[fault]]\nkind = \"reject\"\npath = \"/api/\"", 2, "has no member path"),
            ("[[fault]]\nkind = \"rejct\"", 2, "unknown variant `rejct`"),
            ("[[fault]]\nkind = \"reject\"\nsteps = \"live\"", 3, "unknown field `steps`"),
            ("[[offer]]\nid = \"web\"\nstatus = \"running\"", 2, "contoso/web-gateway"),
            ("seed = ", 1, "docs/emulator-faults.md"),
        ] {
            let fault = Scenario::read("x.toml", text).unwrap_err().to_string();
            assert!(fault.starts_with(&format!("x.toml:{line}: ")) && fault.contains(mend), "{text}: {fault}");
        }
    }
}

//! The emulator's clock on the wire: what it shows, how it is turned; snapshots, and what an offer is brought to.

use crate::dates::Date;
use serde::{Deserialize, Serialize};

/// How the emulator stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmulatorState {
    /// What its clock shows.
    pub now: Date,
    /// What its clock showed at the start.
    pub start: Date,
    /// What everything that is drawn is drawn from.
    pub seed: u64,
    /// How many seconds its clock runs in a second; 0 where it stands.
    pub speed: u32,
    /// Whether its clock stands.
    pub frozen: bool,
    /// Who gives verdicts.
    pub reviews: Reviews,
    /// What happens next by itself; none where nothing will.
    #[serde(default)]
    pub next: Option<NextDue>,
    /// How many faults are set.
    pub faults: usize,
    /// The names of the snapshots that are kept, in order.
    pub snapshots: Vec<String>,
}

/// Who gives verdicts on what waits for a reviewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reviews {
    /// The emulator approves by itself, after a while.
    #[default]
    Simulated,
    /// Nobody, unless somebody comes and does.
    ByHand,
}

/// What happens next by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextDue {
    /// When.
    pub at: Date,
    /// What, in a word: `check`, `verdict`, `look` (whether a step is late), `letter`, `fault`. More may come.
    pub what: String,
    /// About which offer, as `publisher/offer`, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
}

/// How far to turn the clock: exactly one of `by`, `to` and `until`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Advance {
    /// By so much: `90s`, `15m`, `2h`, `3d`, `1w`, or several of them, such as `1d 12h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// To a moment such as `2026-01-09T00:00:00Z`, or to `next`, which is when something happens by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Until an offer stands so: `status=waitingForPublisherReview`, or `step.displaycertify=blocked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The offer that `until` is about, as `publisher/offer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// How long to go on at most where `until` is given, or `to` is `next`; 365 days where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
}

/// How far to turn the clock, as a caller in Rust says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By so much, such as `2h`.
    By(String),
    /// To a moment.
    To(Date),
    /// To when something happens by itself.
    Next,
    /// Until an offer, as `publisher/offer`, stands so.
    Until {
        /// Such as `status=failed`.
        condition: String,
        /// As `publisher/offer`.
        offer: String,
        /// How long to go on at most, such as `30d`.
        within: Option<String>,
    },
}

impl From<Target> for Advance {
    fn from(target: Target) -> Self {
        match target {
            Target::By(by) => Self { by: Some(by), ..Self::default() },
            Target::To(moment) => Self { to: Some(moment.to_string()), ..Self::default() },
            Target::Next => Self { to: Some("next".to_owned()), ..Self::default() },
            Target::Until { condition, offer, within } => {
                Self { until: Some(condition), offer: Some(offer), within, ..Self::default() }
            }
        }
    }
}

/// What came of turning the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Advanced {
    /// What it showed before.
    pub from: Date,
    /// What it showed after that.
    pub to: Date,
    /// What happened on the way, in order.
    pub happened: Vec<Happening>,
}

/// Something that happened to an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Happening {
    /// When.
    pub at: Date,
    /// To which offer, as `publisher/offer`.
    pub offer: String,
    /// What, in a word, as in the history: `stepCompleted`, `previewReady` …
    pub kind: String,
    /// The same in a few words, for people.
    pub title: String,
}

/// How fast the clock shall run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Speed {
    /// How many seconds in a second; 0 freezes it.
    pub speed: u32,
}

/// A snapshot to be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSnapshot {
    /// Its name: 1 to 50 lower-case letters, digits, `_` and `-`. One of that name that is there is replaced.
    pub name: String,
}

/// A snapshot that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// What the clock showed when it was taken.
    pub at: Date,
    /// How large it is, in bytes.
    pub bytes: u64,
}

/// What an offer shall be brought to: a `status`, or a `step` with a `stepStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reach {
    /// The offer, as `publisher/offer`; a sample is saved where there is none.
    pub offer: String,
    /// The type of the sample; that of virtual machines where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_type: Option<String>,
    /// Where the offer shall stand, such as `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The id of a step, such as `displaycertify`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Where that step shall stand, such as `blocked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_status: Option<String>,
}

/// Somebody who signs in with a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// `owner` of the publisher, `reviewer` or `operator` of the marketplace.
    pub role: String,
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: String,
    /// The path that signs them in, as often as it is opened: a secret of this run.
    pub sign_in: String,
}

/// What came of bringing an offer somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reached {
    /// The offer, as `publisher/offer`.
    pub offer: String,
    /// Where it stands.
    pub status: String,
    /// Where the step stands that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_status: Option<String>,
    /// What the clock showed before.
    pub from: Date,
    /// What it shows now.
    pub to: Date,
    /// What happened on the way, in order.
    pub happened: Vec<Happening>,
}

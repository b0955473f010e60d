//! Offers that are in production, as lists show them.

use publishing::command::Artifact;
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use serde_json::Value;

/// Which offers in production to list.
#[derive(Clone, Debug, Default)]
pub struct LiveSelection {
    /// Only those after this one, in the order of folded names.
    pub after: Option<OfferKey>,
    /// Of which type only, without regard to case.
    pub offer_type: Option<String>,
    /// Whose only, without regard to case.
    pub publisher: Option<String>,
    /// How many at most.
    pub top: usize,
}

/// An offer in production that everybody may see.
#[derive(Clone, Debug)]
pub struct Live {
    /// Its name.
    pub key: OfferKey,
    /// Its publisher's name for people.
    pub publisher_display_text: String,
    /// The id of its type.
    pub offer_type: String,
    /// The version in production.
    pub version: i64,
    /// What lists show of the definition of that version, each member in its place: names, summary and categories.
    pub outline: Value,
    /// The files that the definition points to.
    pub artifacts: Vec<Artifact>,
    /// Since when the version is in production, where that is known.
    pub since: Option<Moment>,
}

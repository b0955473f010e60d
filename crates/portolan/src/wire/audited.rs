//! Entries of a journal as an audit reads them: who did what, without what publishers are not told.

use super::date;
use super::events::{STAFF, hash};
use crate::store::Line;
use api::audit::AuditEntry;
use publishing::deeds::Names;
use publishing::entry::Entry;
use publishing::moment::Moment;
use publishing::principal::Circle;
use serde::Deserialize;
use uuid::Uuid;

/// A line of a circle's journal. Where staff asks, reviewers are named. `member` says what a member is called, where it is known.
///
/// # Errors
/// Where what is stored cannot be read.
pub fn audited(
    line: &Line,
    circle: &Circle,
    for_staff: bool,
    member: &dyn Fn(Uuid) -> Option<String>,
) -> serde_json::Result<AuditEntry> {
    let entry: Entry = serde_json::from_str(&line.entry)?;
    let steps = match line.document.as_slice() {
        [] => Vec::new(),
        document => serde_json::from_slice::<Steps>(document)?.steps,
    };
    let is_hidden = entry.event.is_reviewers() && !for_staff;
    let (who, principal_id) = if is_hidden { (STAFF.to_owned(), None) } else { parted(&entry.actor) };
    let told = entry.told.as_ref();
    let own_step = match entry.event.check() {
        Some(check) => steps.get(check.step).map(|step| step.id.clone()),
        None => entry.event.step().map(str::to_owned),
    };
    Ok(AuditEntry {
        sequence: line.sequence,
        at: date(Moment::from_ticks(line.at)),
        event: entry.event.word().to_owned(),
        words: entry.event.words(&Called { steps: &steps, member }),
        who,
        principal_id,
        publisher_id: match circle {
            Circle::Marketplace => None,
            Circle::Publisher(publisher) => Some(publisher.as_str().to_owned()),
        },
        offer_id: Some(line.offer.clone()).filter(|offer| !offer.is_empty()),
        operation_id: entry.event.operation().or_else(|| told.and_then(|told| told.operation)),
        step_id: own_step.or_else(|| told.and_then(|told| told.step.clone())),
        version: entry.event.version(),
        member_id: entry.event.member(),
        hash: hash(line),
    })
}

/// What is read of a status document.
#[derive(Deserialize)]
struct Steps {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    id: String,
    step_name: String,
}

/// As what steps and members are known at that moment.
struct Called<'a> {
    steps: &'a [Step],
    member: &'a dyn Fn(Uuid) -> Option<String>,
}

impl Names for Called<'_> {
    fn member(&self, id: Uuid) -> String {
        (self.member)(id).unwrap_or_else(|| id.to_string())
    }

    fn step(&self, id: &str) -> String {
        self.steps.iter().find(|step| step.id == id).map_or_else(|| id.to_owned(), |step| step.step_name.clone())
    }

    fn step_at(&self, index: usize) -> String {
        self.steps.get(index).map_or_else(|| format!("number {}", index + 1), |step| step.step_name.clone())
    }

    fn moment(&self, moment: Moment) -> String {
        date(moment).to_string()
    }
}

/// The name and the id of who did something, as both stand in an entry.
fn parted(actor: &str) -> (String, Option<Uuid>) {
    let known = actor.strip_suffix(')').and_then(|actor| actor.rsplit_once(" ("));
    match known.and_then(|(name, id)| Some((name, Uuid::try_parse(id).ok()?))) {
        Some((name, id)) => (name.to_owned(), Some(id)),
        None => (actor.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::parted;
    use uuid::Uuid;

    #[test]
    fn a_name_is_parted_from_its_id() {
        let id = Uuid::from_u128(7);
        assert_eq!(parted(&format!("Jo (the tall) ({id})")), ("Jo (the tall)".to_owned(), Some(id)));
        for plain in ["portolan", "setup", "entra/jo (tall)", ""] {
            assert_eq!(parted(plain), (plain.to_owned(), None));
        }
    }
}

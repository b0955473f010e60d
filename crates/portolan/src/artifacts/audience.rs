//! Who may see a private plan: read from a CSV file, or from the entries of a definition, into one form.

use super::flaws::{Flaw, Flaws, quoted};
use super::workbook::records;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The most entries of an audience.
const MOST_ENTRIES: usize = 20_000;
/// The most characters of a description.
const LONGEST_DESCRIPTION: usize = 500;

const ID_MEND: &str = "Write a GUID, such as 0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b61.";
const KIND_MEND: &str = "Write SubscriptionId or TenantId.";

/// Whom an entry lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AudienceKind {
    /// Whoever uses this subscription.
    Subscription,
    /// Everybody in this tenant.
    Tenant,
}

/// One entry of an audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceEntry {
    /// Whom it lets in.
    pub kind: AudienceKind,
    /// The subscription or tenant.
    pub id: Uuid,
    /// What the publisher notes about it; at most 500 characters.
    pub description: String,
}

/// The columns of the file, by where they stand.
struct Columns {
    kind: usize,
    id: usize,
    description: Option<usize>,
}

/// Reads a CSV file `Type,Id,Description` in UTF-8.
///
/// # Errors
/// Its flaws, by cell.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<AudienceEntry>, Vec<Flaw>> {
    let mut flaws = Flaws::of("AudienceCell");
    let mut records = records(bytes).map_err(|flaw| vec![flaw])?;
    let Some(header) = records.next() else {
        flaws.add("The file is empty.", "Begin it with the header Type,Id,Description.");
        return flaws.or(Vec::new());
    };
    let (_, header) = header.map_err(|flaw| vec![flaw])?;
    let Some(columns) = columns(&header, &mut flaws) else { return flaws.or(Vec::new()) };
    let (mut entries, mut seen) = (Vec::new(), HashMap::new());
    for record in records {
        let (row, record) = record.map_err(|flaw| vec![flaw])?;
        if record.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        if entries.len() == MOST_ENTRIES {
            let message = format!("The file has more than {MOST_ENTRIES} entries.");
            return Err(vec![Flaw::new("AudienceCell", message, "Name tenants instead of their subscriptions.")]);
        }
        let Some(entry) = entry(&columns, row, &record, &mut flaws) else { continue };
        if let Some(first) = seen.insert((entry.kind, entry.id), row) {
            let place = cell(row, columns.id);
            let message =
                format!("{place}: {} is there twice; row {} has it too.", quoted(&entry.id.to_string()), first + 1);
            flaws.add(message, "Keep one of them.");
        }
        entries.push(entry);
    }
    if entries.is_empty() && flaws.is_empty() {
        flaws.add("The file names nobody.", "Add a row for each subscription or tenant.");
    }
    flaws.or(entries)
}

/// The audience that a plan names by its entries (`restrictedAudience.manualEntries`), at most 20,000; what the schema of
/// definitions refuses is left out, and what stands there twice is there once.
pub fn from_entries(plan: &Value) -> Vec<AudienceEntry> {
    let entries = plan.pointer("/restrictedAudience/manualEntries").and_then(Value::as_array);
    let (mut audience, mut seen) = (Vec::new(), HashSet::new());
    for entry in entries.into_iter().flatten() {
        if audience.len() == MOST_ENTRIES {
            break;
        }
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        // Clients that know of subscriptions only name no type.
        let kind = if text("type").is_empty() { Some(AudienceKind::Subscription) } else { kind(text("type")) };
        let Some((kind, id)) = kind.zip(guid(text("id"))) else { continue };
        if seen.insert((kind, id)) {
            let description = text("description").chars().take(LONGEST_DESCRIPTION).collect();
            audience.push(AudienceEntry { kind, id, description });
        }
    }
    audience
}

/// The form in which an audience is kept: the same entries give the same bytes, in whatever order they came.
pub(super) fn canonical(entries: &[AudienceEntry]) -> serde_json::Result<Vec<u8>> {
    let mut sorted: Vec<&AudienceEntry> = entries.iter().collect();
    sorted.sort_by_key(|entry| (entry.kind, entry.id));
    serde_json::to_vec(&sorted)
}

fn columns(header: &csv::StringRecord, flaws: &mut Flaws) -> Option<Columns> {
    let at = |name: &str| header.iter().position(|field| field.trim().eq_ignore_ascii_case(name));
    for (column, field) in header.iter().enumerate() {
        let known = ["type", "id", "description", ""].iter().any(|name| field.trim().eq_ignore_ascii_case(name));
        if !known || (!field.trim().is_empty() && at(field.trim()) != Some(column)) {
            let message = format!("{}: {} is no column of an audience.", cell(0, column), quoted(field));
            flaws.add(message, "Write the header Type,Id,Description, each once.");
        }
    }
    let (kind, id) = (at("type"), at("id"));
    if kind.is_none() || id.is_none() {
        flaws.add("Cell A1: the header has no column `Type` or no column `Id`.", "Write it as Type,Id,Description.");
    }
    Some(Columns { kind: kind?, id: id?, description: at("description") })
}

fn entry(columns: &Columns, row: u32, record: &csv::StringRecord, flaws: &mut Flaws) -> Option<AudienceEntry> {
    let field = |at: usize| record.get(at).unwrap_or_default().trim();
    let kind = kind(field(columns.kind));
    if kind.is_none() {
        let message = format!("{}: {} is no type.", cell(row, columns.kind), quoted(field(columns.kind)));
        flaws.add(message, KIND_MEND);
    }
    let id = guid(field(columns.id));
    if id.is_none() {
        flaws.add(format!("{}: {} is no id.", cell(row, columns.id), quoted(field(columns.id))), ID_MEND);
    }
    let description = columns.description.map(field).unwrap_or_default();
    if let Some(at) = columns.description.filter(|_| description.chars().count() > LONGEST_DESCRIPTION) {
        let mend = format!("Give at most {LONGEST_DESCRIPTION} characters.");
        flaws.add(format!("{}: the description is too long.", cell(row, at)), mend);
    }
    for (at, more) in record.iter().enumerate() {
        let known = [Some(columns.kind), Some(columns.id), columns.description].contains(&Some(at));
        if !known && !more.trim().is_empty() {
            let message = format!("{}: {} stands outside the columns.", cell(row, at), quoted(more));
            flaws.add(message, "Remove it, or write a description with a comma in quotes.");
        }
    }
    Some(AudienceEntry { kind: kind?, id: id?, description: description.to_owned() })
}

fn kind(text: &str) -> Option<AudienceKind> {
    match text.to_ascii_lowercase().as_str() {
        "subscriptionid" | "subscription" => Some(AudienceKind::Subscription),
        "tenantid" | "tenant" => Some(AudienceKind::Tenant),
        _ => None,
    }
}

/// A GUID in its usual spelling; the parser would take others too.
fn guid(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok().filter(|_| text.len() == 36)
}

fn cell(row: u32, column: usize) -> String {
    super::workbook::Sheet::default().place(row, u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{AudienceKind, from_entries, read};
    use serde_json::json;

    const FIRST: &str = "0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b61";
    const SECOND: &str = "0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b62";

    fn said(text: &str) -> Vec<String> {
        let flaws = read(text.as_bytes()).unwrap_err();
        flaws.iter().map(|flaw| format!("{} {}", flaw.message, flaw.mend)).collect()
    }

    #[test]
    fn a_file_with_bom_and_crlf_is_read() {
        let text = format!(
            "\u{feff}TYPE,id,Description\r\nSubscriptionId,{FIRST},\"Contoso, HQ\"\r\n\r\ntenant,{},\r\n,,\r\n",
            SECOND.to_uppercase()
        );
        let audience = read(text.as_bytes()).unwrap();
        let entries: Vec<_> =
            audience.iter().map(|entry| (entry.kind, entry.id.to_string(), entry.description.as_str())).collect();
        assert_eq!(
            entries,
            [
                (AudienceKind::Subscription, FIRST.to_owned(), "Contoso, HQ"),
                (AudienceKind::Tenant, SECOND.to_owned(), "")
            ]
        );
        assert_eq!(read(format!("Id,Type\n{FIRST},Tenant").as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn faults_are_told_by_cell() {
        let long = "x".repeat(501);
        let text = format!(
            "Type,Id,Description\nUser,{FIRST},\nTenant,{{{SECOND}}},\nTenant,{FIRST},{long}\nTenant,{FIRST},a,b\n"
        );
        assert_eq!(
            said(&text),
            [
                "Cell A2: `User` is no type. Write SubscriptionId or TenantId.",
                "Cell B3: `{0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b62}` is no id. Write a GUID, such as 0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b61.",
                "Cell C4: the description is too long. Give at most 500 characters.",
                "Cell D5: `b` stands outside the columns. Remove it, or write a description with a comma in quotes.",
                "Cell B5: `0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b61` is there twice; row 4 has it too. Keep one of them.",
            ]
        );
        assert!(said("")[0].contains("empty"));
        assert!(said("Type,Id\n")[0].contains("names nobody"));
        assert!(said("Kind,Id\n").iter().any(|said| said.contains("no column `Type`")));
        assert!(said(&format!("Type,Id,Id\nTenant,{FIRST},{FIRST}\n"))[0].starts_with("Cell C1"));
        let flaws = read(b"Type,Id\nTenant,\xff\n").unwrap_err();
        assert!(flaws[0].message.contains("not UTF-8, as line 2"), "{}", flaws[0].message);
    }

    #[test]
    fn twenty_thousand_entries_are_taken_and_not_one_more() {
        let file = |entries: u128| {
            let rows = (0..entries).map(|at| format!("Tenant,{}\n", uuid::Uuid::from_u128(at)));
            format!("Type,Id\n{}", rows.collect::<String>())
        };
        assert_eq!(read(file(20_000).as_bytes()).unwrap().len(), 20_000);
        assert!(said(&file(20_001))[0].contains("more than 20000"));
    }

    #[test]
    fn entries_of_a_plan_take_the_same_form() {
        let plan = json!({"restrictedAudience": {"manualEntries": [
            {"id": FIRST, "description": "ours"}, {"type": "TenantID", "id": SECOND},
            {"type": "subscriptionId", "id": FIRST}, {"type": "user", "id": SECOND}, {"id": "?"},
        ]}});
        let audience = from_entries(&plan);
        let kinds: Vec<_> = audience.iter().map(|entry| (entry.kind, entry.description.as_str())).collect();
        assert_eq!(kinds, [(AudienceKind::Subscription, "ours"), (AudienceKind::Tenant, "")]);
        assert!(from_entries(&json!({})).is_empty());
        let many = (0..20_001_u128).map(|at| json!({"id": uuid::Uuid::from_u128(at)})).collect::<Vec<_>>();
        assert_eq!(from_entries(&json!({"restrictedAudience": {"manualEntries": many}})).len(), 20_000);
    }
}

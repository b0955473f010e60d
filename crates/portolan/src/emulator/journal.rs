//! The journal of everybody as the store has it: a JSON line for each entry, to be compared byte for byte.

use super::inner::Inner;
use crate::store::{Journal, Line};
use anyhow::Result;
use publishing::principal::Circle;
use serde::Serialize;
use serde_json::value::RawValue;

/// One entry.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exported<'a> {
    circle: String,
    sequence: i64,
    offer: &'a str,
    ticks: i64,
    entry: &'a RawValue,
    document: Option<&'a RawValue>,
    hash: String,
}

/// Every entry of every journal, in order.
pub(super) async fn export(inner: &Inner) -> Result<String> {
    let mut text = String::new();
    for circle in inner.store.circles()? {
        for line in inner.store.journal(&circle, 0, i64::MAX).await? {
            text += &exported(&circle, &line)?;
            text.push('\n');
        }
    }
    Ok(text)
}

fn exported(circle: &Circle, line: &Line) -> Result<String> {
    let document = (!line.document.is_empty()).then(|| serde_json::from_slice(&line.document)).transpose()?;
    Ok(serde_json::to_string(&Exported {
        circle: circle.name(),
        sequence: line.sequence,
        offer: &line.offer,
        ticks: line.at,
        entry: serde_json::from_str(&line.entry)?,
        document,
        hash: line.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    })?)
}

//! A plan (a purchasable variant) as far as the rules look at it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What stays fixed about a plan once it is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// The plan's id.
    pub id: String,
    /// Whether only a restricted audience sees it.
    pub private: bool,
}

/// The plans of a definition, in its order; plans without an id are left out.
pub fn plans(definition: &Value) -> Vec<PlanSummary> {
    let plans = definition.get("plans").and_then(Value::as_array);
    plans.into_iter().flatten().filter_map(summary).collect()
}

fn summary(plan: &Value) -> Option<PlanSummary> {
    Some(PlanSummary { id: plan.get("planId")?.as_str()?.to_owned(), private: is_private(plan) })
}

/// Whether a plan names an audience, by entries or by a file.
pub fn is_private(plan: &Value) -> bool {
    let Some(audience) = plan.get("restrictedAudience") else {
        return false;
    };
    has_entries(audience) || has_file(audience)
}

/// Whether an audience is given by entries.
pub(crate) fn has_entries(audience: &Value) -> bool {
    audience.get("manualEntries").and_then(Value::as_array).is_some_and(|entries| !entries.is_empty())
}

/// Whether an audience is given by a file.
pub(crate) fn has_file(audience: &Value) -> bool {
    audience.get("uploadedCsvUri").and_then(Value::as_str).is_some_and(|uri| !uri.is_empty())
}

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
    /// Whether nobody sees it, for only solution templates use it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

impl PlanSummary {
    /// Whether everybody sees the plan.
    pub const fn visible_to_all(&self) -> bool {
        !self.private && !self.hidden
    }
}

/// Whether everybody sees an offer with these plans: it has none, or one that everybody sees.
pub fn any_visible(plans: &[PlanSummary]) -> bool {
    plans.is_empty() || plans.iter().any(PlanSummary::visible_to_all)
}

/// The plans of a definition, in its order; plans without an id are left out.
pub fn plans(definition: &Value) -> Vec<PlanSummary> {
    let plans = definition.get("plans").and_then(Value::as_array);
    plans.into_iter().flatten().filter_map(summary).collect()
}

fn summary(plan: &Value) -> Option<PlanSummary> {
    let id = plan.get("planId")?.as_str()?.to_owned();
    Some(PlanSummary { id, private: is_private(plan), hidden: is_hidden(plan) })
}

/// Whether only solution templates use a plan. The member's name begins with the id of the offer's type.
pub fn is_hidden(plan: &Value) -> bool {
    let is_it = |name: &str| name.rsplit_once('.').is_some_and(|(_, last)| last == "hideSKUForSolutionTemplate");
    plan.as_object()
        .is_some_and(|members| members.iter().any(|(name, value)| is_it(name) && *value == Value::Bool(true)))
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

#[cfg(test)]
mod tests {
    use super::{any_visible, plans};
    use serde_json::json;

    #[test]
    fn an_offer_is_for_everybody_if_one_of_its_plans_is_or_it_has_none() {
        let private =
            json!({"planId": "a", "restrictedAudience": {"manualEntries": [{"type": "tenantId", "id": "x"}]}});
        let hidden = json!({"planId": "b", "x.hideSKUForSolutionTemplate": true});
        let open = json!({"planId": "c", "x.hideSKUForSolutionTemplate": false});
        for (given, expected) in [
            (json!([]), true),
            (json!([private]), false),
            (json!([hidden]), false),
            (json!([private, hidden]), false),
            (json!([private, hidden, open]), true),
        ] {
            assert_eq!(any_visible(&plans(&json!({ "plans": given }))), expected, "{given}");
        }
    }
}

//! The plans of an offer: what they cost, and which of them not everybody may see.

use super::Source;
use super::fields::{array, text_or, texts};
use super::text;
use api::catalog::{CatalogPlan, CatalogPricing};
use publishing::plan::{is_hidden, is_private};
use serde_json::{Number, Value};

/// Why not everybody sees a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// Only a restricted audience may buy it.
    Private,
    /// It is only used by solution templates.
    ForTemplates,
}

/// A plan that not everybody may see, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct HiddenPlan {
    /// Why it is hidden.
    pub why: Hidden,
    /// The plan.
    pub plan: CatalogPlan,
}

/// The plans that everybody may see, in the definition's order.
pub(super) fn public(source: &Source<'_>) -> Vec<CatalogPlan> {
    let public = plans(source).filter(|(_, plan)| hidden_why(plan).is_none());
    public.filter_map(|(at, given)| plan(source, at, given)).collect()
}

/// The others.
pub(super) fn hidden(source: &Source<'_>) -> Vec<HiddenPlan> {
    let hidden = plans(source).filter_map(|(at, given)| {
        let why = hidden_why(given)?;
        Some(HiddenPlan { why, plan: plan(source, at, given)? })
    });
    hidden.collect()
}

fn plans<'a>(source: &Source<'a>) -> impl Iterator<Item = (usize, &'a Value)> {
    array(source.definition.get("plans")).iter().enumerate()
}

fn hidden_why(plan: &Value) -> Option<Hidden> {
    if is_private(plan) {
        return Some(Hidden::Private);
    }
    is_hidden(plan).then_some(Hidden::ForTemplates)
}

/// A member whose name begins with the id of the offer's type.
fn own<'a>(plan: &'a Value, name: &str) -> Option<&'a Value> {
    let is_it = |known: &str| known.rsplit_once('.').is_some_and(|(_, last)| last == name);
    plan.as_object()?.iter().find_map(|(known, value)| is_it(known).then_some(value))
}

fn plan(source: &Source<'_>, at: usize, plan: &Value) -> Option<CatalogPlan> {
    let plan_id = text_or(plan.get("planId"))?;
    let titled = text_or(own(plan, "skuTitle"));
    // Operators' own types name their plans more plainly.
    let named = || text_or(plan.get("title")).or_else(|| text_or(plan.get("displayText")));
    Some(CatalogPlan {
        title: titled.or_else(named).unwrap_or_else(|| plan_id.clone()),
        summary: text_or(own(plan, "skuSummary")),
        description: own(plan, "skuDescription").and_then(Value::as_str).and_then(|html| text::description(html, 4)),
        regions: texts(plan.get("regions")),
        operating_system: text_or(own(plan, "operationSystem")).or_else(|| text_or(own(plan, "operatingSystemFamily"))),
        recommended_sizes: texts(own(plan, "recommendedVMSizes")),
        pricing: plan.get("virtualMachinePricing").and_then(|given| pricing(source, at, given)),
        plan_id,
    })
}

fn pricing(source: &Source<'_>, at: usize, given: &Value) -> Option<CatalogPricing> {
    let given = given.as_object()?;
    let multiplier = given.get("coreMultiplier").and_then(Value::as_object);
    let number = |value: &Value| match value {
        Value::Number(number) => Some(number.clone()),
        _ => None,
    };
    let sizes = multiplier.and_then(|multiplier| multiplier.get("individually")?.as_object());
    let sheet = given.get("spreadSheetPricing").and_then(|sheet| sheet.get("uri")?.as_str());
    let in_price_sheet = sheet.is_some_and(|uri| !uri.is_empty());
    let pointer = format!("/plans/{at}/virtualMachinePricing/spreadSheetPricing/uri");
    Some(CatalogPricing {
        is_byol: given.get("isByol") == Some(&Value::Bool(true)),
        free_trial_months: given.get("freeTrialDurationInMonths").and_then(Value::as_u64).map_or(0, clamp),
        currency: multiplier.and_then(|multiplier| text_or(multiplier.get("currency"))),
        per_core_hour: multiplier.and_then(|multiplier| number(multiplier.get("single")?)),
        per_size_hour: sizes
            .into_iter()
            .flatten()
            .filter_map(|(size, price): (&String, &Value)| Some((size.clone(), number(price)?)))
            .collect::<std::collections::BTreeMap<String, Number>>(),
        in_price_sheet,
        price_sheet: in_price_sheet.then(|| source.copy(&pointer, |_| true)).flatten(),
    })
}

fn clamp(months: u64) -> u32 {
    u32::try_from(months).unwrap_or(u32::MAX)
}

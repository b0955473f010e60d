//! What a publisher writes, and the faults found in it: by the offer type's schema, then by the rules no schema can say.

use crate::leads;
use crate::offer::is_slug;
use crate::offer_type::OfferType;
use crate::plan::{PlanSummary, has_entries, has_file, is_private};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// One thing wrong at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A JSON pointer into the offer (`/definition/...`).
    pub pointer: String,
    /// A stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub mend: String,
}

impl Fault {
    /// A fault at a pointer into the definition.
    pub fn new(code: &str, pointer: impl AsRef<str>, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            pointer: format!("/definition{}", pointer.as_ref()),
            code: code.to_owned(),
            message: message.into(),
            mend: mend.into(),
        }
    }

    /// Fault and mend in one text.
    pub fn text(&self) -> String {
        format!("{} {}", self.message, self.mend)
    }
}

/// How many faults are told at once: mending so many takes a while, and a hostile draft could have millions.
pub const MOST_FAULTS: usize = 1_000;

/// The most plans of an offer.
const MOST_PLANS: usize = 100;
/// The most files that a definition may point to.
const MOST_FILES: usize = 500;

/// Every fault of a definition that is to be published, with the plans that customers can see today; at most
/// [`MOST_FAULTS`].
pub fn faults(definition: &Value, offer_type: &OfferType, live_plans: &[PlanSummary]) -> Vec<Fault> {
    let mut faults = offer_type.schema().faults(definition);
    too_many(definition, offer_type, &mut faults);
    plan_ids(definition, &mut faults);
    live_plans_stay(definition, live_plans, &mut faults);
    for (at, plan) in plans(definition) {
        audience(plan, at, &mut faults);
        pricing(plan, at, &mut faults);
    }
    if offer_type.schema().is_marketplace() {
        categories(definition, &mut faults);
        lead_destination(definition, &mut faults);
    }
    faults.truncate(MOST_FAULTS);
    faults
}

/// The subscriptions that may see the preview of a definition (wire contract, section 5); at most 100.
pub fn allowed_subscriptions(definition: &Value) -> Vec<String> {
    let given = definition.pointer("/offer/microsoft-azure-marketplace.allowedSubscriptions");
    let texts = given.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    texts.map(|text| text.trim().to_ascii_lowercase()).filter(|text| !text.is_empty()).take(100).collect()
}

fn plans(definition: &Value) -> impl Iterator<Item = (usize, &Value)> {
    definition.get("plans").and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// Each plan and each file costs work and room long after it was written.
fn too_many(definition: &Value, offer_type: &OfferType, faults: &mut Vec<Fault>) {
    let judged = faults.iter().any(|fault| fault.pointer == "/definition/plans");
    if !judged && plans(definition).count() > MOST_PLANS {
        let message = format!("The offer has more than {MOST_PLANS} plans.");
        faults.push(Fault::new("TooMany", "/plans", message, "Divide them among several offers."));
    }
    if offer_type.schema().artifacts(definition).len() > MOST_FILES {
        let message = format!("The definition points to more than {MOST_FILES} files.");
        faults.push(Fault::new("TooMany", "", message, "Remove some, or divide the offer."));
    }
}

fn plan_ids(definition: &Value, faults: &mut Vec<Fault>) {
    // The built-in schemas judge the form of an id too; an operator's type may have no schema.
    let judged: HashSet<String> = faults.iter().map(|fault| fault.pointer.clone()).collect();
    let mut seen = HashSet::new();
    for (at, plan) in plans(definition) {
        let Some(id) = plan.get("planId").and_then(Value::as_str) else { continue };
        let pointer = format!("/plans/{at}/planId");
        let well_formed = is_slug(id) || judged.contains(&format!("/definition{pointer}"));
        if !well_formed {
            let mend = "Use 1 to 50 lower-case letters, digits, `-` and `_`, beginning with a letter or digit and not ending in `-`.";
            faults.push(Fault::new("BadFormat", &pointer, "`planId` is not of the right form.", mend));
        }
        if !seen.insert(id) {
            let message = format!("Two plans are called `{id}`.");
            faults.push(Fault::new("Duplicate", &pointer, message, "Give each its own planId."));
        }
    }
}

/// Ids are fixed once live, and a public plan cannot become private (wire contract, section 5).
fn live_plans_stay(definition: &Value, live: &[PlanSummary], faults: &mut Vec<Fault>) {
    let id = |plan: &'_ Value| plan.get("planId").and_then(Value::as_str).map(str::to_owned);
    let now: HashMap<String, (usize, &Value)> =
        plans(definition).filter_map(|(at, plan)| Some((id(plan)?, (at, plan)))).collect();
    for plan in live {
        match now.get(&plan.id) {
            None => faults.push(Fault::new(
                "Fixed",
                "/plans",
                format!("The plan `{}` is live, and missing here.", plan.id),
                "Put it back under the same planId: the id of a live plan cannot change.",
            )),
            Some((at, now)) if is_private(now) && !plan.private => faults.push(Fault::new(
                "Fixed",
                format!("/plans/{at}/restrictedAudience"),
                format!("The plan `{}` is live for everybody and cannot become private.", plan.id),
                "Remove restrictedAudience, or add a private plan with another planId.",
            )),
            Some(_) => {}
        }
    }
}

fn audience(plan: &Value, at: usize, faults: &mut Vec<Fault>) {
    let Some(audience) = plan.get("restrictedAudience").filter(|audience| !audience.is_null()) else { return };
    if !audience.is_object() {
        // A plan whose audience is not understood would be for everybody.
        let pointer = format!("/definition/plans/{at}/restrictedAudience");
        if faults.iter().all(|fault| fault.pointer != pointer) {
            faults.push(Fault::new(
                "WrongType",
                format!("/plans/{at}/restrictedAudience"),
                "`restrictedAudience` has the wrong type.",
                "Make it a JSON object, or remove it.",
            ));
        }
    } else if has_entries(audience) && has_file(audience) {
        faults.push(Fault::new(
            "Conflict",
            format!("/plans/{at}/restrictedAudience"),
            "The audience is given twice, by entries and by a file.",
            "Keep either manualEntries or uploadedCsvUri.",
        ));
    } else if !is_private(plan) && audience.as_object().is_some_and(|members| !members.is_empty()) {
        faults.push(Fault::new(
            "Required",
            format!("/plans/{at}/restrictedAudience"),
            "The audience names nobody.",
            "Give manualEntries or uploadedCsvUri, or remove restrictedAudience.",
        ));
    }
}

fn pricing(plan: &Value, at: usize, faults: &mut Vec<Fault>) {
    let Some(pricing) = plan.get("virtualMachinePricing").filter(|pricing| pricing.is_object()) else { return };
    let pointer = format!("/plans/{at}/virtualMachinePricing");
    let byol = pricing.get("isByol") == Some(&Value::Bool(true));
    let multiplier = pricing.get("coreMultiplier").filter(|multiplier| !multiplier.is_null());
    let sheet = pricing.pointer("/spreadSheetPricing/uri").and_then(Value::as_str).is_some_and(|uri| !uri.is_empty());
    if multiplier.is_some() && sheet {
        faults.push(Fault::new(
            "Conflict",
            &pointer,
            "The price is given twice.",
            "Keep either coreMultiplier or spreadSheetPricing.",
        ));
    } else if !byol && multiplier.is_none() && !sheet {
        faults.push(Fault::new(
            "Required",
            &pointer,
            "The plan has no price.",
            "Give coreMultiplier or spreadSheetPricing, or set isByol to true.",
        ));
    }
    let currency = multiplier.map(|multiplier| multiplier.get("currency").and_then(Value::as_str).unwrap_or_default());
    if currency.is_some_and(str::is_empty) {
        faults.push(Fault::new(
            "Required",
            format!("{pointer}/coreMultiplier/currency"),
            "The price has no currency.",
            "Give its code, such as USD.",
        ));
    }
    let has =
        |name: &str| multiplier.is_some_and(|multiplier| multiplier.get(name).is_some_and(|value| !value.is_null()));
    if multiplier.is_some() && has("single") == has("individually") {
        faults.push(Fault::new(
            "Conflict",
            format!("{pointer}/coreMultiplier"),
            "A core multiplier has one price for every core size, or one for each.",
            "Give exactly one of single and individually.",
        ));
    }
}

/// Clients write categories as a list, newer ones as a map.
fn categories(definition: &Value, faults: &mut Vec<Fault>) {
    let Some(offer) = definition.get("offer") else { return };
    let given = |name: &str| offer.get(format!("microsoft-azure-marketplace.{name}"));
    let empty = |value: &Value| match value {
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    if given("categories").is_none_or(empty) && given("categoryMap").is_none_or(empty) {
        faults.push(Fault::new(
            "Required",
            "/offer/microsoft-azure-marketplace.categories",
            "The offer is in no category.",
            "Name at least one.",
        ));
    }
}

/// What the schema has judged already is not judged again.
fn lead_destination(definition: &Value, faults: &mut Vec<Fault>) {
    let mut found = leads::destination(definition).err().unwrap_or_default();
    found.retain(|fault| faults.iter().all(|known| known.pointer != fault.pointer));
    faults.append(&mut found);
}

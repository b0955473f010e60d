//! Which faults a definition has: one edit of a sample, and the faults it must bring, each at its place.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{OPERATOR_TYPE, SAMPLES, Store, TYPES, publish, sample, type_ids};
use publishing::artifact_rule::ArtifactKind;
use publishing::command::{Command, Expected};
use publishing::definition::{Fault, faults};
use publishing::offer_type::{OfferType, OfferTypeFile};
use publishing::plan::{PlanSummary, plans};
use publishing::refusal::Refusal;
use publishing::schema::Schema;
use publishing::status::OfferStatus;
use serde_json::{Value, json};

/// Sample | pointer | value that is set there, nothing to remove it | the faults: pointer and code, `=` for the same
/// pointer. `every` is each sample in turn; `"x"*3` is a text of three x.
const EVERY_TYPE: &str = r#"
    saas | | 3 | = WrongType
    saas | | [] | = WrongType
    saas | | null | = WrongType
    every | /displayText | | = Required
    every | /displayText | "" | = Required
    every | /offer | | = Required
    every | /offer | [] | = WrongType, /offer/{m}.categories Required
    every | /plans | | = Required
    every | /plans | [] | = TooFew
    every | /plans | {} | = WrongType
    every | /plans/0 | "module" | = WrongType
    every | /plans/0/planId | | = Required
    every | /plans/0/planId | 7 | = WrongType
    every | /plans/0/planId | "" | = BadFormat
    every | /plans/0/planId | "Team" | = BadFormat
    every | /plans/0/planId | "team-" | = BadFormat
    every | /plans/0/planId | "_team" | = BadFormat
    every | /plans/0/planId | "team\n" | = BadFormat
    every | /plans/0/planId | "e"*51 | = BadFormat
    every | /plans/0/planId | "e"*50 | none
    every | /plans/0/planId | "2" | none
    every | /plans/0/planId | "team_" | none
    saas | /plans/1/planId | "team" | = Duplicate
    every | /plans/0/regions | ["DE", "de"] | /plans/0/regions/1 BadFormat
    every | /offer/{m}.title | | = Required
    every | /offer/{m}.title | "" | = Required
    every | /offer/{m}.title | null | = WrongType
    every | /offer/{m}.title | "t"*200 | none
    every | /offer/{m}.title | "t"*201 | = TooLong
    every | /offer/{m}.summary | "s"*100 | none
    every | /offer/{m}.summary | "s"*101 | = TooLong
    every | /offer/{m}.description | "" | = Required
    every | /offer/{m}.termsOfUse | "" | = Required
    every | /offer/{m}.smallLogo | "" | = BadFormat
    every | /offer/{m}.mediumLogo | | = Required
    every | /offer/{m}.largeLogo | "" | none
    every | /offer/{m}.largeLogo | "logo.png" | = BadFormat
    every | /offer/{m}.privacyURL | "ftp://contoso.example" | = BadFormat
    every | /offer/{m}.supportContactEmail | "jane" | = BadFormat
    every | /offer/{m}.engineeringContactPhone | | = Required
    every | /offer/{m}.allowedSubscriptions/0 | "fabrikam" | = BadFormat
    every | /offer/{m}.usefulLinks/0/linkUrl | | = Required
    every | /offer/{m}.usefulLinks/0/linkTitle | "" | = Required
    every | /offer/{m}.usefulLinks/0/linkUrl | "docs" | = BadFormat
    saas | /offer/{m}.screenshots/0 | "https://a.example/b.png" | none
    saas | /offer/{m}.screenshots/0 | 4 | = WrongType
    saas | /offer/{m}.screenshots/0/screenshotUrl | "b" | = BadFormat
    every | /offer/{m}.categories | | = Required
    every | /offer/{m}.categories | [""] | /offer/{m}.categories/0 Required
    every | /offer/{m}-testdrive.enabled | "true" | = WrongType
    every | /offer/contoso.note | "kept" | none
"#;

const PLANS_OF_A_TYPE: &str = r#"
    virtualmachines | /plans/0/{v}.skuTitle | | = Required
    virtualmachines | /plans/0/{v}.skuSummary | "s"*101 | = TooLong
    virtualmachines | /plans/0/{v}.skuDescription | "" | = Required
    virtualmachines | /plans/0/{v}.operatingSystemFamily | "BeOS" | = NotAllowed
    virtualmachines | /plans/0/{v}.vmImages | | = Required
    virtualmachines | /plans/0/{v}.vmImages | {} | = TooFew
    virtualmachines | /plans/0/{v}.vmImages | {"2.3": {"osVhdUrl": "https://a.example/b"}} | = UnknownName
    virtualmachines | /plans/0/{v}.vmImages/2.3.0/osVhdUrl | | = Required
    virtualmachines | /plans/0/{v}.vmImages/2.3.0/osVhdUrl | "b.vhd" | = BadFormat
    virtualmachines | /plans/0/{v}.vmImages/2.4.1/lunVhdDetails/0/lun | -1 | = OutOfRange
    corevm | /plans/0/{v}.vmImages | {} | = TooFew
    corevm | /plans/0/{v}.vmImages/12.0.20240108/lunVhdDetails | {} | = WrongType
    corevm | /plans/1/{v}.skuTitle | "t"*201 | = TooLong
    applications | /plans/0/microsoft-azure-applications.skuSummary | | = Required
    applications | /plans/0/microsoft-azure-applications.package | {"3": {}} | = UnknownName
    container | /plans/0/microsoft-azure-container.skuTitle | "" | = Required
    container | /plans/0/microsoft-azure-container.imageTags | "latest" | = WrongType
    iotedge | /plans/0/microsoft-azure-iotedge.skuDescription | | = Required
    iotedge | /plans/0/microsoft-azure-iotedge.deploymentManifestUri | "d.json" | = BadFormat
    saas | /plans/1/microsoft-azure-saas.skuTitle | | = Required
    saas | /plans/1/microsoft-azure-saas.landingPageUrl | "shiftboard" | = BadFormat
"#;

const PRICES: &str = r#"
    virtualmachines | /plans/0/{p} | | = Required
    virtualmachines | /plans/0/{p} | 0.5 | = WrongType
    virtualmachines | /plans/0/{p} | {} | = Required
    virtualmachines | /plans/0/{p} | {"isByol": false} | = Required
    virtualmachines | /plans/0/{p} | {"isByol": true} | none
    virtualmachines | /plans/0/{p} | {"spreadSheetPricing": {"uri": ""}} | = Required
    virtualmachines | /plans/0/{p} | {"spreadSheetPricing": {"uri": "https://a.example/b"}} | none
    virtualmachines | /plans/0/{p}/spreadSheetPricing | {"uri": "https://a.example/b"} | /plans/0/{p} Conflict
    virtualmachines | /plans/0/{p}/coreMultiplier | | /plans/0/{p} Required
    virtualmachines | /plans/0/{p}/coreMultiplier | {"currency": "USD"} | = Conflict
    virtualmachines | /plans/0/{p}/coreMultiplier/currency | "dollars" | = BadFormat
    virtualmachines | /plans/0/{p}/coreMultiplier/single | -1 | = OutOfRange
    virtualmachines | /plans/0/{p}/coreMultiplier/currency | | = Required
    corevm | /plans/0/{p}/coreMultiplier/individually | {} | = TooFew
    virtualmachines | /plans/0/{p}/freeTrialDurationInMonths | 1.5 | = WrongType
    virtualmachines | /plans/0/{p}/isByol | "no" | = WrongType
    virtualmachines | /plans/1/{p}/isByol | false | /plans/1/{p} Required
    virtualmachines | /plans/1/{p}/isByol | | /plans/1/{p} Required
    corevm | /plans/0/{p} | {"isByol": false} | = Required
    corevm | /plans/0/{p}/coreMultiplier/single | 1 | /plans/0/{p}/coreMultiplier Conflict
    corevm | /plans/0/{p}/coreMultiplier/individually/3core | 1 | /plans/0/{p}/coreMultiplier/individually UnknownName
    corevm | /plans/0/{p}/coreMultiplier/individually/2core | -1 | = OutOfRange
    corevm | /plans/0/{p}/coreMultiplier/individually/416core | | none
"#;

const AUDIENCES: &str = r#"
    virtualmachines | /plans/1/restrictedAudience | | none
    virtualmachines | /plans/1/restrictedAudience | {} | none
    virtualmachines | /plans/1/restrictedAudience | [] | = WrongType
    virtualmachines | /plans/1/restrictedAudience | {"manualEntries": []} | = Required
    virtualmachines | /plans/1/restrictedAudience | {"uploadedCsvUri": ""} | = Required
    virtualmachines | /plans/1/restrictedAudience | {"uploadedCsvUri": "https://a.example/b.csv"} | none
    virtualmachines | /plans/1/restrictedAudience/uploadedCsvUri | "http://a.b" | /plans/1/restrictedAudience Conflict
    virtualmachines | /plans/1/restrictedAudience/manualEntries/0/id | | = Required
    virtualmachines | /plans/1/restrictedAudience/manualEntries/1/id | "fabrikam" | = BadFormat
    corevm | /plans/1/restrictedAudience/uploadedCsvUri | "b.csv" | = BadFormat
"#;

const LEADS: &str = r#"
    every | /offer/{m}.leadDestination | | none
    every | /offer/{m}.leadDestination | "None" | none
    every | /offer/{m}.leadDestination | "Pigeon" | = NotAllowed
    virtualmachines | /offer/{m}.tableLeadConfiguration/connectionString | 3 | = WrongType
    virtualmachines | /offer/{m}.tableLeadConfiguration | {} | = Required
    virtualmachines | /offer/{m}.tableLeadConfiguration/connectionString | " " | = Required
    container | /offer/{m}.crmLeadConfiguration | {"userName": ""} | = Required
    iotedge | /offer/{m}.blobLeadConfiguration | | = Required
    corevm | /offer/{m}.salesForceLeadConfiguration | {} | = Required
    container | /offer/{m}.crmLeadConfiguration | {} | = Required
    container | /offer/{m}.crmLeadConfiguration/clientSecret | [] | = WrongType
    saas | /offer/{m}.httpsEndpointLeadConfiguration | | = Required
    saas | /offer/{m}.httpsEndpointLeadConfiguration/httpsEndpointUrl | "http://a.example" | = BadFormat
    applications | /offer/{m}.marketoLeadConfiguration | {} | = Required
    virtualmachines | /offer/{m}.tableLeadConfiguration/connectionString | "AccountName=a" | = BadFormat
    iotedge | /offer/{m}.blobLeadConfiguration/containerName | "Sentinel" | = BadFormat
    corevm | /offer/{m}.salesForceLeadConfiguration/organizationId | "00D" | = BadFormat
    container | /offer/{m}.crmLeadConfiguration/organizationUrl | "http://crm.example" | = BadFormat
    container | /offer/{m}.crmLeadConfiguration/clientSecret | | = Required
    saas | /offer/{m}.httpsEndpointLeadConfiguration/httpsEndpointUrl | "https://u:p@a.example" | = BadFormat
    applications | /offer/{m}.marketoLeadConfiguration/munchkinAccountId | "123" | = BadFormat
    saas | /offer/{m}.leadDestination | "AzureTable" | /offer/{m}.tableLeadConfiguration Required
    saas | /offer/{m}.leadDestination | "AzureBlob" | /offer/{m}.blobLeadConfiguration Required
    saas | /offer/{m}.leadDestination | "Salesforce" | /offer/{m}.salesForceLeadConfiguration Required
    saas | /offer/{m}.leadDestination | "Dynamics" | /offer/{m}.crmLeadConfiguration Required
    saas | /offer/{m}.leadDestination | "Marketo" | /offer/{m}.marketoLeadConfiguration Required
    corevm | /offer/{m}.leadDestination | "HttpsEndpoint" | /offer/{m}.httpsEndpointLeadConfiguration Required
"#;

#[test]
fn every_edit_of_a_sample_brings_its_faults() {
    let mut wrong = Vec::new();
    let table = [EVERY_TYPE, PLANS_OF_A_TYPE, PRICES, AUDIENCES, LEADS].concat();
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, pointer, value, expected] = cells[..] else { panic!("{line}") };
        let value = (!value.is_empty()).then(|| read(value));
        let types = SAMPLES.iter().filter(|(id, _)| name == "every" || id.ends_with(&format!("-{name}")));
        let mut rows = 0;
        for (offer_type, _) in types {
            let mut definition = sample(offer_type);
            edit(&mut definition, pointer, value.clone());
            let found = judge(&definition, offer_type, &[]);
            if found != faults_of(&expected.replace('=', pointer)) {
                wrong.push(format!("{line}\n  in {offer_type} brings {found:?}"));
            }
            rows += 1;
        }
        assert_ne!(rows, 0, "{line}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn read(value: &str) -> Value {
    match value.split_once('*') {
        Some((text, times)) => text.trim_matches('"').repeat(times.parse().unwrap()).into(),
        None => serde_json::from_str(value).unwrap(),
    }
}

fn long(pointer: &str) -> String {
    pointer
        .replace("{m}", "microsoft-azure-marketplace")
        .replace("{v}", "microsoft-azure-virtualmachines")
        .replace("{p}", "virtualMachinePricing")
}

/// Sets the value at a pointer, or removes it where there is none; a member that is not there is added.
fn edit(definition: &mut Value, pointer: &str, value: Option<Value>) {
    let pointer = long(pointer);
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        *definition = value.unwrap();
        return;
    };
    match (definition.pointer_mut(parent).unwrap(), value) {
        (Value::Object(members), Some(value)) => drop(members.insert(name.to_owned(), value)),
        (Value::Object(members), None) => drop(members.remove(name)),
        (Value::Array(items), Some(value)) => items[name.parse::<usize>().unwrap()] = value,
        (Value::Array(items), None) => drop(items.remove(name.parse().unwrap())),
        (other, _) => panic!("{pointer} is in {other}"),
    }
}

type Found = Vec<(String, String)>;

/// Reads `pointer code, pointer code`.
fn faults_of(text: &str) -> Found {
    let one = |fault: &str| {
        let (pointer, code) = fault.rsplit_once(' ').unwrap_or(("", fault));
        (format!("/definition{}", long(pointer.trim())), code.to_owned())
    };
    let mut faults: Found = text.split(',').filter(|fault| *fault != "none").map(one).collect();
    faults.sort();
    faults
}

fn judge(definition: &Value, offer_type: &str, live: &[PlanSummary]) -> Found {
    names(faults(definition, TYPES.get(offer_type).unwrap(), live))
}

/// Pointers and codes; every fault says everything.
fn names(faults: Vec<Fault>) -> Found {
    for fault in &faults {
        let texts = [&fault.code, &fault.message, &fault.mend];
        assert!(texts.iter().all(|text| !text.is_empty()) && fault.pointer.starts_with("/definition"), "{fault:?}");
    }
    let mut found: Found = faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect();
    found.sort();
    found
}

#[test]
fn the_samples_have_no_faults() {
    for (offer_type, _) in SAMPLES {
        let definition = sample(offer_type);
        assert_eq!(judge(&definition, offer_type, &plans(&definition)), [], "{offer_type}");
    }
}

#[test]
fn at_most_a_hundred_subscriptions_see_the_preview() {
    for (count, expected) in [(0, "none"), (100, "none"), (101, "/offer/{m}.allowedSubscriptions TooMany")] {
        let subscriptions = (0..count).map(|n| json!(uuid::Uuid::from_u128(n).to_string())).collect();
        let mut definition = sample(SAAS);
        edit(&mut definition, "/offer/{m}.allowedSubscriptions", Some(subscriptions));
        assert_eq!(judge(&definition, SAAS, &[]), faults_of(expected), "{count}");
    }
}

const SAAS: &str = "microsoft-azure-saas";
const MACHINE: &str = "microsoft-azure-virtualmachines";

/// Ids are fixed once live, and a public plan cannot become private (wire contract, section 5).
#[test]
fn plans_that_are_live_stay() {
    const PUBLIC: [bool; 2] = [false, true];
    let rows: [([bool; 2], &str, &str, &str); 7] = [
        (PUBLIC, "/displayText", r#""Relay""#, "none"),
        (PUBLIC, "/plans/0/planId", r#""hourly""#, "/plans Fixed"),
        (PUBLIC, "/plans/1", "", "/plans Fixed"),
        (PUBLIC, "/plans/0/restrictedAudience", r#"{"uploadedCsvUri":"https://a.example/b"}"#, "= Fixed"),
        (PUBLIC, "/plans/1/restrictedAudience", "", "none"),
        ([true, true], "/plans/0/restrictedAudience", r#"{"uploadedCsvUri":"https://a.example/b"}"#, "none"),
        ([false, false], "/displayText", r#""Relay""#, "/plans/1/restrictedAudience Fixed"),
    ];
    for (private, pointer, value, expected) in rows {
        let mut definition = sample(MACHINE);
        let mut live = plans(&definition);
        live.iter_mut().zip(private).for_each(|(plan, private)| plan.private = private);
        edit(&mut definition, pointer, (!value.is_empty()).then(|| read(value)));
        let found = judge(&definition, MACHINE, &live);
        assert_eq!(found, faults_of(&expected.replace('=', pointer)), "{live:?} {pointer} {value}");
    }
}

#[test]
fn a_fault_of_a_live_plan_points_at_that_plan_where_another_has_no_id() {
    let mut definition = sample(MACHINE);
    edit(&mut definition, "/plans/0/planId", None);
    let live = [PlanSummary { id: "enterprise-byol".into(), private: false, hidden: false }];
    let expected = faults_of("/plans/0/planId Required,/plans/1/restrictedAudience Fixed");
    assert_eq!(judge(&definition, MACHINE, &live), expected);
}

/// What is live is what was promoted, not what was drafted or previewed.
#[test]
fn plans_are_live_from_the_promotion_on() {
    let mut store = Store::new(MACHINE);
    store.go_until(|store| store.status() == OfferStatus::WaitingForPublisherReview);
    store.put(common::cancel()).unwrap();
    let mut fewer = sample(MACHINE);
    edit(&mut fewer, "/plans/1", None);
    for definition in [&fewer, &sample(MACHINE)] {
        store.save(definition).unwrap();
        store.put(publish()).unwrap();
        store.go_until(|store| store.status() == OfferStatus::Succeeded);
        assert_eq!(store.offer().live_plans, plans(definition));
    }
    store.save(&fewer).unwrap();
    assert_eq!(refused(&mut store), faults_of("/plans Fixed"));
}

/// The faults for which publish refuses.
fn refused(store: &mut Store) -> Found {
    match store.put(publish()) {
        Err(Refusal::Faults(faults)) => names(faults),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_type_without_a_schema_is_judged_by_the_general_rules() {
    let plain = type_with(None);
    let rows = [
        (r#"{ "plans": [{ "planId": "a" }, { "planId": "b-" }] }"#, "/plans/1/planId BadFormat"),
        (r#"{ "plans": [{ "planId": "a" }, { "planId": "a" }] }"#, "/plans/1/planId Duplicate"),
        (r#"{ "plans": [{ "virtualMachinePricing": {} }] }"#, "/plans/0/{p} Required"),
        (r#"{ "offer": {} }"#, "none"),
    ];
    for (definition, expected) in rows {
        assert_eq!(names(faults(&read(definition), &plain, &[])), faults_of(expected), "{definition}");
    }
}

/// A secret is judged where it belongs, though the stored definition does not hold it.
#[test]
fn secrets_are_put_back_before_judging() {
    const SECRET: &str = "/offer/{m}.tableLeadConfiguration/connectionString";
    let missing = faults_of("/offer/{m}.tableLeadConfiguration Required");
    let mut store = Store::new(MACHINE);
    let mut save = |value: Option<Value>| {
        let mut definition = sample(MACHINE);
        edit(&mut definition, SECRET, value);
        store.save(&definition).unwrap();
        assert!(!store.offer().draft.definition.contains("connectionString"));
        store.clone()
    };
    assert_eq!(refused(&mut save(None)), missing);
    assert!(
        save(Some(json!("DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=aHVzaA==")))
            .put(publish())
            .is_ok()
    );
    assert!(save(None).put(publish()).is_ok(), "a PUT without the secret keeps it");
    assert_eq!(refused(&mut save(Some(Value::Null))), missing, "null clears it");
    let mut definition = sample(MACHINE);
    edit(&mut definition, SECRET, Some(json!(3)));
    assert!(Store::new(MACHINE).save(&definition).is_err(), "nobody could read what is wrong with it later");
}

/// Secret-typed fields are never returned (wire contract, section 2.1), however often they are written.
#[test]
fn no_stored_definition_holds_a_secret() {
    for offer_type in type_ids() {
        let mut store = Store::new(offer_type);
        store.save(&sample(offer_type)).unwrap();
        assert!(!store.offer().draft.definition.contains("not-a-real"), "{offer_type}");
    }
    let twice = [
        r#"{"offer":{"contoso.dockKey":"not-a-real-key","contoso.dockKey":"not-a-real-key"}}"#,
        r#"{"offer":{},"offer":{"contoso.dockKey":"not-a-real-key"}}"#,
    ];
    for text in twice {
        let mut store = Store::new(OPERATOR_TYPE);
        let definition = text.to_owned();
        let save = Command::SaveDraft {
            offer_type: OPERATOR_TYPE.into(),
            definition: definition.into(),
            expected: Expected::Any,
        };
        if store.put(save).is_ok() {
            assert!(!store.offer().draft.definition.contains("not-a-real"), "{text}");
        }
    }
}

/// What a schema marks as secret is taken out, or the schema is refused.
#[test]
fn no_marked_secret_is_overlooked() {
    let marked = json!({ "type": "string", "writeOnly": true });
    let schemas = [
        json!({ "$defs": { "key": marked }, "properties": { "key": { "$ref": "#/$defs/key" } } }),
        json!({ "anyOf": [{ "properties": { "key": marked } }] }),
    ];
    for schema in schemas {
        let text = schema.to_string();
        if let Ok(compiled) = Schema::compile(schema) {
            assert_eq!(compiled.secrets(), [["key".to_owned()]], "{text}");
        }
    }
}

/// A type with this schema, or with none.
fn type_with(schema: Option<&Value>) -> OfferType {
    let step = |kind: &str| {
        format!("[[step]]\nid = '{kind}'\nname = 'Step'\ndescription = ''\nchecks = [{{ kind = '{kind}' }}]\n")
    };
    let steps = ["listing", "sign-off", "promote"].map(step).concat();
    let text = format!("id = 'quay'\ndisplay_text = 'Quay'\n{steps}");
    let file = OfferTypeFile::parse("quay.toml", &text).unwrap();
    file.with_schema("quay.toml", &schema.map_or("{}".to_owned(), Value::to_string)).unwrap()
}

#[test]
fn a_definition_has_so_many_plans_and_files_and_no_more() {
    let schema = json!({"properties": {"files": {"items": {"x-artifact": true}}}});
    let judge = |definition: Value| {
        let found = faults(&definition, &type_with(Some(&schema)), &[]);
        found.into_iter().map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
    };
    let files = |many: usize| json!({"files": vec!["https://files.contoso.example/x"; many]});
    assert_eq!(judge(files(500)), []);
    assert_eq!(judge(files(501)), [("/definition".to_owned(), "TooMany".to_owned())]);
    let plans =
        |many: usize| json!({"plans": (0..many).map(|at| json!({"planId": at.to_string()})).collect::<Vec<_>>()});
    assert_eq!(judge(plans(100)), []);
    assert_eq!(judge(plans(101)), [("/definition/plans".to_owned(), "TooMany".to_owned())]);
}

/// What is not understood must not become an offer for everybody.
#[test]
fn an_audience_is_an_object_also_where_no_schema_says_so() {
    for audience in [json!("fabrikam"), json!(["fabrikam"]), json!(7), json!(false)] {
        let definition = json!({"plans": [{"planId": "berth", "restrictedAudience": audience}]});
        let found = faults(&definition, &type_with(None), &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((&*found[0].pointer, &*found[0].code), ("/definition/plans/0/restrictedAudience", "WrongType"));
    }
    for audience in [json!(null), json!({})] {
        let definition = json!({"plans": [{"planId": "berth", "restrictedAudience": audience}]});
        assert_eq!(faults(&definition, &type_with(None), &[]), []);
    }
}

#[test]
fn no_marked_file_is_overlooked_and_none_is_named_twice() {
    let marked = json!({"type": "string", "x-artifact": {"kind": "image"}});
    for schema in [
        json!({"$defs": {"logo": marked}, "properties": {"logo": {"$ref": "#/$defs/logo"}}}),
        json!({"oneOf": [{"properties": {"logo": marked}}]}),
        json!({"anyOf": [{"properties": {"logo": {"x-artifact": true}}}]}),
    ] {
        let said = Schema::compile(schema).unwrap_err();
        assert!(said.contains("x-artifact") && said.contains("move it there"), "{said}");
    }
    assert!(Schema::compile(json!({"anyOf": [{"properties": {"logo": {"x-artifact": false}}}]})).is_ok());

    let twice = json!({"properties": {"logo": marked}, "patternProperties": {"^l": {"x-artifact": true}}});
    let logo = json!({"logo": "https://files.contoso.example/logo", "large": "https://files.contoso.example/large"});
    let found = Schema::compile(twice).unwrap().artifacts(&logo);
    let found: Vec<_> = found.iter().map(|file| (&*file.pointer, file.rule.kind)).collect();
    assert_eq!(found, [("/logo", ArtifactKind::Image), ("/large", ArtifactKind::File)]);
}

//! docs/permissions.md is the two tables of who may what, and nothing else: it is written from them.

use portolan::auth::{Permission, Role};
use portolan::http::{Need, need};
use std::collections::BTreeSet;
use std::path::Path;

/// A route: method, path, operation id.
pub type Route = (String, String, String);

/// Every route of the OpenAPI document, in the order of its paths.
pub fn routes() -> Vec<Route> {
    let document = serde_json::to_value(portolan::http::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            routes.push((method.to_uppercase(), path.clone(), id.to_owned()));
        }
    }
    routes
}

#[test]
fn the_document_of_permissions_says_what_the_tables_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
    let written = document();
    if std::env::var_os("PORTOLAN_RECORD").is_some() {
        std::fs::write(&file, &written).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == written, "docs/permissions.md is not what the tables say: PORTOLAN_RECORD=1 writes it anew");
}

#[test]
fn every_permission_is_needed_by_a_route_and_every_role_has_one() {
    let needed: BTreeSet<String> = routes()
        .iter()
        .filter_map(|(_, _, id)| match need(id).unwrap() {
            Need::Nothing | Need::Token => None,
            Need::AtPublisher(permission)
            | Need::InMarketplace(permission)
            | Need::InMarketplaceOrSetup(permission) => Some(format!("{permission:?}")),
        })
        .collect();
    assert_eq!(needed, Permission::ALL.iter().map(|permission| format!("{permission:?}")).collect());
    for role in Role::ALL {
        assert!(Permission::ALL.iter().any(|permission| permission.is_of(role)), "{role} may nothing");
    }
}

fn document() -> String {
    let mut text = String::from(
        "# Who may what\n\n\
         Written by a test from `crates/portolan/src/auth/roles.rs` and `crates/portolan/src/http/needs.rs`; another test asks every\n\
         route as every kind of caller. Owner, contributor and reader are roles at one publisher, and mean nothing at another one.\n\
         Operator, reviewer and auditor are roles of the marketplace's staff, and count at every publisher.\n\n\
         ## Roles\n\n| Permission |",
    );
    for role in Role::ALL {
        text.push_str(&format!(" {role} |"));
    }
    text.push_str(&format!("\n|---|{}\n", ":---:|".repeat(Role::ALL.len())));
    for permission in Permission::ALL {
        text.push_str(&format!("| {} |", permission.words()));
        for role in Role::ALL {
            text.push_str(if permission.is_of(role) { " yes |" } else { " |" });
        }
        text.push('\n');
    }
    text.push_str("\n## Routes\n\n| Route | Operation | Needs | Roles |\n|---|---|---|---|\n");
    for (method, path, id) in routes() {
        let need = need(&id).unwrap_or_else(|| panic!("{id} is missing in needs.rs"));
        let (what, roles) = words(need);
        text.push_str(&format!("| {method} `{path}` | `{id}` | {what} | {roles} |\n"));
    }
    text
}

fn words(need: Need) -> (String, String) {
    let staff = |role: &&Role| role.is_of_staff();
    match need {
        Need::Nothing => ("nothing".into(), "everybody".into()),
        Need::Token => ("a token".into(), "every caller".into()),
        Need::AtPublisher(permission) => {
            (format!("at the publisher: {}", permission.words()), names(permission.roles().iter()))
        }
        Need::InMarketplace(permission) => {
            (format!("in the marketplace: {}", permission.words()), names(permission.roles().iter().filter(staff)))
        }
        Need::InMarketplaceOrSetup(permission) => {
            let roles = names(permission.roles().iter().filter(staff));
            (format!("in the marketplace: {}", permission.words()), format!("{roles}; the setup secret"))
        }
    }
}

fn names<'a>(roles: impl Iterator<Item = &'a Role>) -> String {
    roles.map(|role| role.word()).collect::<Vec<_>>().join(", ")
}

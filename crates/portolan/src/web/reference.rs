//! The pages for those who write programs: every call of the API, every schema, and what the codes mean.

use super::Shared;
use super::at;
use super::commands;
use super::described::{AnswerRow, BodyRow, DESCRIBED, Kind, MemberRow, OperationRow, SchemaRow};
use super::pages::{self, Shown};
use super::reader::text;
use super::rules::{self, RULES};
use super::samples;
use super::shell::{Room, Shell};
use super::sign_in::query;
use crate::auth::Permission;
use crate::http::{Need, need};
use api::errors::ErrorCode;
use askama::Template;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use serde_json::Value;

/// The way to what there is.
#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage {
    shell: Shell,
}

/// Every call.
#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage {
    shell: Shell,
    asked: String,
    groups: Vec<(&'static str, Vec<&'static OperationRow>)>,
    count: usize,
}

/// One call.
#[derive(Template)]
#[template(path = "operation.html")]
struct OperationPage {
    shell: Shell,
    operation: &'static OperationRow,
    body: Option<(&'static BodyRow, &'static [MemberRow])>,
    answers: Vec<(&'static AnswerRow, &'static [MemberRow])>,
    needs: Needs,
    codes: Vec<(String, u16)>,
    curl: String,
    command: Option<&'static str>,
}

/// What a call needs of its caller: in a sentence, and the permission and the roles that have it.
struct Needs {
    words: String,
    permission: Option<(&'static str, String)>,
}

/// One schema.
#[derive(Template)]
#[template(path = "schema.html")]
struct SchemaPage {
    shell: Shell,
    name: String,
    schema: &'static SchemaRow,
}

/// What the codes mean: all of them, or one.
#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    shell: Shell,
    rows: Vec<(&'static str, &'static str, &'static str)>,
}

/// What one code means.
#[derive(Template)]
#[template(path = "rule.html")]
struct RulePage {
    shell: Shell,
    code: String,
    words: Option<(&'static str, &'static str)>,
}

/// The way to what there is.
pub(super) async fn docs() -> Shown {
    pages::page(StatusCode::OK, &DocsPage { shell: Shell::of(Room::Reference) }).into()
}

/// Every call, or those with a text in them.
pub(super) async fn index(uri: Uri) -> Shown {
    let asked = query(&uri).remove("q").unwrap_or_default().trim().to_owned();
    let wanted = asked.to_lowercase();
    let fits = |row: &&OperationRow| {
        [&row.id, &row.tag, &row.method, &row.path, &row.words].iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let mut groups: Vec<(&str, Vec<_>)> = Vec::new();
    for operation in DESCRIBED.operations.iter().filter(fits) {
        match groups.last_mut().filter(|(tag, _)| *tag == operation.tag) {
            Some((_, rows)) => rows.push(operation),
            None => groups.push((&operation.tag, vec![operation])),
        }
    }
    let count = groups.iter().map(|(_, rows)| rows.len()).sum();
    pages::page(StatusCode::OK, &ApiPage { shell: Shell::of(Room::Reference), asked, groups, count }).into()
}

/// One call.
pub(super) async fn operation(State(pages): Shared, names: RawPathParams) -> Shown {
    let found = at::names(&names).first().and_then(|id| DESCRIBED.operation(id));
    let Some(operation) = found else { return not_there().into() };
    let page = OperationPage {
        shell: Shell::of(Room::Reference),
        operation,
        body: operation.body.as_ref().map(|body| (body, members(&body.kind))),
        answers: operation.answers.iter().map(|answer| (answer, held(answer))).collect(),
        needs: needs(&operation.id),
        codes: codes(operation),
        curl: samples::curl(&DESCRIBED, operation, &pages.public_url),
        command: commands::command(&operation.id).flatten(),
    };
    pages::page(StatusCode::OK, &page).into()
}

/// One schema.
pub(super) async fn schema(names: RawPathParams) -> Shown {
    let found = at::names(&names).first().and_then(|name| DESCRIBED.schemas.get_key_value(*name));
    let Some((name, schema)) = found else { return not_there().into() };
    pages::page(StatusCode::OK, &SchemaPage { shell: Shell::of(Room::Reference), name: name.clone(), schema }).into()
}

/// What all codes mean.
pub(super) async fn all_rules() -> Shown {
    let shell = Shell::of(Room::Reference);
    let row = |rule: &'static rules::Rule| {
        let (means, mend) = rule.words(shell.t.language);
        (rule.code, means, mend)
    };
    let rows = RULES.iter().map(row).collect();
    pages::page(StatusCode::OK, &RulesPage { shell, rows }).into()
}

/// What one code means; of those that are not the service's own, where to look.
pub(super) async fn rule(names: RawPathParams) -> Shown {
    let shell = Shell::of(Room::Reference);
    let code = at::names(&names).first().copied().unwrap_or_default().to_owned();
    let words = rules::of(&code).map(|rule| rule.words(shell.t.language));
    pages::page(StatusCode::OK, &RulePage { shell, code, words }).into()
}

fn not_there() -> Response {
    let t = text();
    let all = t.docs_all_calls();
    pages::message(StatusCode::NOT_FOUND, &t.docs_missing_title(), &t.docs_missing(), &[], Some(("/docs/api", &all)))
}

/// The members of the schema that is named; of one that is not, none.
fn members(kind: &Kind) -> &'static [MemberRow] {
    let schema = kind.schema.as_deref().and_then(|name| DESCRIBED.schemas.get(name));
    schema.map_or(&[], |schema| schema.members.as_slice())
}

/// The members of what an answer holds, where it is one of this call alone.
fn held(answer: &AnswerRow) -> &'static [MemberRow] {
    let is_own = answer.status.starts_with('2');
    answer.bodies.first().filter(|_| is_own).map_or(&[], |(_, kind)| members(kind))
}

fn needs(operation: &str) -> Needs {
    let t = text();
    let of = |permission: Permission| {
        let roles: Vec<String> = permission.roles().iter().map(ToString::to_string).collect();
        Some((permission.words(), roles.join(", ")))
    };
    match need(operation) {
        Some(Need::Nothing) | None => Needs { words: t.docs_needs_nothing(), permission: None },
        Some(Need::Token) => Needs { words: t.docs_needs_token(), permission: None },
        Some(Need::AtPublisher(permission)) => Needs { words: t.docs_needs_at_publisher(), permission: of(permission) },
        Some(Need::InMarketplace(permission)) => Needs { words: t.docs_needs_staff(), permission: of(permission) },
        Some(Need::InMarketplaceOrSetup(permission)) => {
            Needs { words: t.docs_needs_staff_or_setup(), permission: of(permission) }
        }
    }
}

/// The codes of errors, where the call's errors have codes, each with its status.
fn codes(operation: &OperationRow) -> Vec<(String, u16)> {
    let has_codes = |(_, kind): &(String, Kind)| kind.schema.as_deref() == Some("ErrorDocument");
    if !operation.answers.iter().flat_map(|answer| &answer.bodies).any(has_codes) {
        return Vec::new();
    }
    let codes = DESCRIBED.written.get("ErrorCode").and_then(|schema| schema.get("enum")).and_then(Value::as_array);
    let read = |code: &Value| {
        let status = serde_json::from_value::<ErrorCode>(code.clone()).ok()?.status();
        Some((code.as_str()?.to_owned(), status))
    };
    codes.into_iter().flatten().filter_map(read).collect()
}

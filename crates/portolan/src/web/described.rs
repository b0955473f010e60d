//! The OpenAPI document as plain rows: operations with what they take and answer, and schemas with their members.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Where schemas are in the document.
const SCHEMAS: &str = "#/components/schemas/";

/// The rows of the service's own document.
pub(super) static DESCRIBED: LazyLock<Described> =
    LazyLock::new(|| Described::of(&serde_json::to_value(crate::http::openapi()).unwrap_or_default()));

/// A document.
#[derive(Debug, Default)]
pub(super) struct Described {
    /// By their tags, in the order of the document.
    pub(super) operations: Vec<OperationRow>,
    pub(super) schemas: BTreeMap<String, SchemaRow>,
    /// The schemas as they are written.
    pub(super) written: Map<String, Value>,
}

/// A call.
#[derive(Debug)]
pub(super) struct OperationRow {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) words: String,
    pub(super) parameters: Vec<ParameterRow>,
    pub(super) body: Option<BodyRow>,
    pub(super) answers: Vec<AnswerRow>,
    /// Whether a token is sent.
    pub(super) has_token: bool,
}

/// Something in the address or the head of a call.
#[derive(Debug)]
pub(super) struct ParameterRow {
    pub(super) name: String,
    pub(super) place: String,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    pub(super) words: String,
}

/// The body of a call.
#[derive(Debug)]
pub(super) struct BodyRow {
    pub(super) media: String,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    /// Its schema as it is written.
    pub(super) schema: Value,
}

/// An answer.
#[derive(Debug)]
pub(super) struct AnswerRow {
    pub(super) status: String,
    pub(super) words: String,
    /// Media types, each with what it holds.
    pub(super) bodies: Vec<(String, Kind)>,
}

/// A schema.
#[derive(Debug)]
pub(super) struct SchemaRow {
    pub(super) words: String,
    pub(super) kind: Kind,
    pub(super) members: Vec<MemberRow>,
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct MemberRow {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    pub(super) words: String,
}

/// A type in words, with the name of a schema in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) before: String,
    pub(super) schema: Option<String>,
    pub(super) after: String,
}

impl Kind {
    fn plain(before: impl Into<String>) -> Self {
        Self { before: before.into(), ..Self::default() }
    }

    fn of(schema: &Value) -> Self {
        if let Some(name) = named(schema) {
            return Self { schema: Some(name.to_owned()), ..Self::default() };
        }
        for word in ["oneOf", "anyOf", "allOf"] {
            let Some(parts) = schema.get(word).and_then(Value::as_array) else { continue };
            let (nulls, others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| text(part, "type") == "null");
            let or_null = if nulls.is_empty() { "" } else { " or null" };
            if let [one] = others.as_slice() {
                let kind = Self::of(one);
                return Self { after: format!("{}{or_null}", kind.after), ..kind };
            }
            let join = if word == "allOf" { " with " } else { " or " };
            let parts: Vec<String> = others.into_iter().map(|part| Self::of(part).text()).collect();
            return Self::plain(format!("{}{or_null}", parts.join(join)));
        }
        let types = match schema.get("type") {
            Some(Value::String(one)) => one.clone(),
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
            _ => "anything".to_owned(),
        };
        if let Some(items) = schema.get("items") {
            let item = Self::of(items);
            return Self { before: format!("{types} of {}", item.before), ..item };
        }
        if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
            let value = Self::of(values);
            return Self { before: format!("{types} of {}", value.before), ..value };
        }
        let format = schema.get("format").and_then(Value::as_str).map_or_else(String::new, |of| format!(" ({of})"));
        let values = schema.get("enum").and_then(Value::as_array).map_or_else(String::new, |values| {
            let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            format!(": {}", values.join(", "))
        });
        Self::plain(format!("{types}{format}{values}"))
    }

    fn text(&self) -> String {
        format!("{}{}{}", self.before, self.schema.as_deref().unwrap_or_default(), self.after)
    }
}

impl Described {
    fn of(document: &Value) -> Self {
        let mut operations = Vec::new();
        for (path, item) in members(document, "paths") {
            for (method, operation) in item.as_object().into_iter().flatten() {
                operations.extend(operation.is_object().then(|| operation_of(path, method, operation)));
            }
        }
        operations.sort_by(|one, other| one.tag.cmp(&other.tag));
        let written = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
        let schemas = written.iter().map(|(name, schema)| {
            let mut found = Vec::new();
            members_of(schema, &written, &mut found);
            let row = SchemaRow { words: text(schema, "description"), kind: Kind::of(schema), members: found };
            (name.clone(), row)
        });
        Self { operations, schemas: schemas.collect(), written }
    }

    /// The operation of this id.
    pub(super) fn operation(&self, id: &str) -> Option<&OperationRow> {
        self.operations.iter().find(|operation| operation.id == id)
    }
}

fn operation_of(path: &str, method: &str, operation: &Value) -> OperationRow {
    let list = |name: &str| operation.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let tag = list("tags").first().and_then(Value::as_str).unwrap_or_default().to_owned();
    let words = [text(operation, "summary"), text(operation, "description")];
    let parameters = list("parameters").iter().map(parameter).collect();
    let body = operation.get("requestBody").and_then(|body| {
        let (media, content) = members(body, "content").next()?;
        let schema = content.get("schema").cloned().unwrap_or_default();
        Some(BodyRow { media: media.clone(), kind: Kind::of(&schema), is_required: is(body, "required"), schema })
    });
    let answers = members(operation, "responses").map(|(status, answer)| AnswerRow {
        status: status.clone(),
        words: text(answer, "description"),
        bodies: members(answer, "content").map(|(media, content)| (media.clone(), kind_in(content))).collect(),
    });
    OperationRow {
        id: text(operation, "operationId"),
        tag,
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        words: words.join(" ").trim().to_owned(),
        parameters,
        body,
        answers: answers.collect(),
        has_token: operation.get("security").is_some(),
    }
}

fn parameter(parameter: &Value) -> ParameterRow {
    ParameterRow {
        name: text(parameter, "name"),
        place: text(parameter, "in"),
        kind: kind_in(parameter),
        is_required: is(parameter, "required"),
        words: text(parameter, "description"),
    }
}

fn kind_in(holder: &Value) -> Kind {
    holder.get("schema").map(Kind::of).unwrap_or_default()
}

/// The members that an object of this schema has, those of the schemas that it is put together of too.
fn members_of(schema: &Value, all: &Map<String, Value>, found: &mut Vec<MemberRow>) {
    let required = schema.get("required").and_then(Value::as_array);
    for (name, member) in members(schema, "properties") {
        found.push(MemberRow {
            name: name.clone(),
            kind: Kind::of(member),
            is_required: required.is_some_and(|required| required.iter().any(|one| one == name)),
            words: text(member, "description"),
        });
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let part = named(part).and_then(|name| all.get(name)).unwrap_or(part);
        members_of(part, all, found);
    }
}

/// The name of the schema that is referred to.
pub(super) fn named(schema: &Value) -> Option<&str> {
    schema.get("$ref").and_then(Value::as_str)?.strip_prefix(SCHEMAS)
}

fn members<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    of.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn text(of: &Value, name: &str) -> String {
    of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is(of: &Value, name: &str) -> bool {
    of.get(name).and_then(Value::as_bool).unwrap_or_default()
}

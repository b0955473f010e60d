//! A JSON Schema of definitions: the faults it finds, and the places it marks.

use crate::artifact_rule::{ArtifactKind, ArtifactRule, MarkedArtifact};
use crate::definition::{Fault, MOST_FAULTS};
use crate::secrets::escape;
use crate::shape::Shape;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;
use std::collections::HashSet;

/// The id under which a type's schema may refer to the members that all offer types share.
pub const SHARED: &str = "urn:portolan:marketplace";

const SHARED_SCHEMA: &str = include_str!("../offer_types/marketplace.schema.json");

/// One token of a path through a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// The member of this name.
    Member(String),
    /// Any member, or any element.
    Any,
}

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    /// As it was written, with what it refers to among its `$defs`.
    written: Value,
    secrets: Vec<Vec<String>>,
    artifacts: Vec<(Vec<Token>, ArtifactRule)>,
    is_marketplace: bool,
}

impl Schema {
    /// Compiles a schema; what it refers to must lie in itself or be [`SHARED`].
    ///
    /// # Errors
    /// In words, where it is no schema.
    pub fn compile(mut schema: Value) -> Result<Self, String> {
        let shared: Value = serde_json::from_str(SHARED_SCHEMA).map_err(|error| error.to_string())?;
        let secrets = marked(&schema, &shared, "writeOnly").into_iter().filter(|(_, mark)| **mark == Value::Bool(true));
        let secrets: Option<Vec<_>> = secrets.map(|(path, _)| members_only(path)).collect();
        // A secret that is overlooked would be stored to be shown.
        let is_secret = |mark: &Value| *mark == Value::Bool(true);
        let overlooked = count_found(&schema, "writeOnly", is_secret) != count_marks(&schema, "writeOnly", is_secret);
        let secrets = secrets.filter(|_| !overlooked).ok_or(
            "a `writeOnly` member can only stand under `properties` (and `allOf`) from the root down; move it there",
        )?;
        if refers_into_shared(&schema) {
            return Err(format!("a `$ref` can name all of {SHARED}, and no part of it"));
        }
        // And a file that is overlooked would never be kept.
        let is_file = |mark: &Value| *mark != Value::Bool(false);
        if count_found(&schema, "x-artifact", is_file) != count_marks(&schema, "x-artifact", is_file) {
            return Err(format!(
                "an `x-artifact` can only stand under `properties`, `patternProperties`, `items`, `additionalProperties` and `allOf` from the root down, and behind a `$ref` to {SHARED}; move it there"
            ));
        }
        let artifacts = marked(&schema, &shared, "x-artifact").into_iter();
        let artifacts = artifacts.filter(|(_, mark)| **mark != Value::Bool(false));
        let artifacts = artifacts.map(|(path, mark)| Ok((path, ArtifactRule::parse(mark)?)));
        let artifacts = artifacts.collect::<Result<_, String>>()?;
        let is_marketplace = schema.to_string().contains(&format!("\"$ref\":\"{SHARED}\""));
        let root = schema.as_object_mut().ok_or("a schema is a JSON object")?;
        let definitions = root.entry("$defs").or_insert_with(|| Value::Object(serde_json::Map::new()));
        definitions.as_object_mut().ok_or("`$defs` is a JSON object")?.insert(SHARED.to_owned(), shared);
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            // An engine whose time is linear in the text, whatever the pattern.
            .with_pattern_options(PatternOptions::regex());
        let validator = options.build(&schema).map_err(|error| error.to_string())?;
        Ok(Self { validator, written: schema, secrets, artifacts, is_marketplace })
    }

    /// The faults of a definition, in the schema's order.
    pub fn faults(&self, definition: &Value) -> Vec<Fault> {
        self.validator.iter_errors(definition).take(MOST_FAULTS).map(|error| fault(&error)).collect()
    }

    /// Whether its definitions have the members that all marketplace offers share.
    pub fn is_marketplace(&self) -> bool {
        self.is_marketplace
    }

    /// What it says about a whole definition, for whoever edits one.
    pub fn shape(&self) -> Shape<'_> {
        Shape::of(&self.written)
    }

    /// Where secret members lie (`"writeOnly": true`), as names from the root.
    pub fn secrets(&self) -> &[Vec<String>] {
        &self.secrets
    }

    /// The artifact URLs of a definition (`x-artifact`), each place once: where two marks reach it, with the rule of the one that
    /// names more of its path. Empty texts are left out.
    pub fn artifacts(&self, definition: &Value) -> Vec<MarkedArtifact> {
        let (mut marked, mut seen) = (Vec::new(), HashSet::new());
        for (path, rule) in &self.artifacts {
            let mut found = Vec::new();
            collect(definition, path, String::new(), &mut found);
            found.retain(|(pointer, _)| seen.insert(pointer.clone()));
            marked.extend(found.into_iter().map(|(pointer, url)| MarkedArtifact { pointer, url, rule: rule.clone() }));
        }
        marked
    }

    /// Where a definition names lists of audiences, as pointers into the offer (`/definition/...`).
    pub fn audience_lists(&self, definition: &Value) -> HashSet<String> {
        let marked = self.artifacts(definition).into_iter();
        let lists = marked.filter(|marked| marked.rule.kind == ArtifactKind::Audience);
        lists.map(|list| format!("/definition{}", list.pointer)).collect()
    }
}

/// The paths of all subschemas that carry a keyword, each with what it says there, following properties, items, maps and
/// references.
fn marked<'a>(schema: &'a Value, shared: &'a Value, keyword: &str) -> Vec<(Vec<Token>, &'a Value)> {
    let mut found = Vec::new();
    walk(schema, shared, keyword, &mut Vec::new(), &mut found);
    found
}

/// How often a keyword that counts stands where [`marked`] finds it, the shared schema apart.
fn count_found(schema: &Value, keyword: &str, counts: fn(&Value) -> bool) -> usize {
    marked(schema, &Value::Null, keyword).iter().filter(|(_, mark)| counts(mark)).count()
}

/// Whether a schema refers to a part of the shared one, where its marks would be overlooked.
fn refers_into_shared(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            let part = reference.is_some_and(|name| name.starts_with(SHARED) && name != SHARED);
            part || members.values().any(refers_into_shared)
        }
        Value::Array(items) => items.iter().any(refers_into_shared),
        _ => false,
    }
}

/// How often a keyword that counts stands anywhere in a schema.
fn count_marks(schema: &Value, keyword: &str, counts: fn(&Value) -> bool) -> usize {
    match schema {
        Value::Object(members) => {
            let here = usize::from(members.get(keyword).is_some_and(counts));
            here + members.values().map(|member| count_marks(member, keyword, counts)).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(|item| count_marks(item, keyword, counts)).sum(),
        _ => 0,
    }
}

fn walk<'a>(
    schema: &'a Value,
    shared: &'a Value,
    keyword: &str,
    path: &mut Vec<Token>,
    found: &mut Vec<(Vec<Token>, &'a Value)>,
) {
    if let Some(mark) = schema.get(keyword) {
        found.push((path.clone(), mark));
    }
    if schema.get("$ref").and_then(Value::as_str) == Some(SHARED) {
        walk(shared, &Value::Null, keyword, path, found);
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        walk(part, shared, keyword, path, found);
    }
    let mut below = |token: Token, schema: &'a Value| {
        path.push(token);
        walk(schema, shared, keyword, path, found);
        path.pop();
    };
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        below(Token::Member(name.clone()), schema);
    }
    for schema in schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten() {
        below(Token::Any, schema.1);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(schema) = schema.get(key).filter(|schema| schema.is_object()) {
            below(Token::Any, schema);
        }
    }
}

fn members_only(path: Vec<Token>) -> Option<Vec<String>> {
    path.into_iter()
        .map(|token| match token {
            Token::Member(name) => Some(name),
            Token::Any => None,
        })
        .collect()
}

fn collect(value: &Value, path: &[Token], pointer: String, found: &mut Vec<(String, String)>) {
    let Some((token, deeper)) = path.split_first() else {
        if let Some(url) = value.as_str().filter(|url| !url.is_empty()) {
            found.push((pointer, url.to_owned()));
        }
        return;
    };
    match (token, value) {
        (Token::Member(name), Value::Object(members)) => {
            if let Some(value) = members.get(name) {
                collect(value, deeper, format!("{pointer}/{}", escape(name)), found);
            }
        }
        (Token::Any, Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                collect(item, deeper, format!("{pointer}/{at}"), found);
            }
        }
        (Token::Any, Value::Object(members)) => {
            for (name, member) in members {
                collect(member, deeper, format!("{pointer}/{}", escape(name)), found);
            }
        }
        _ => {}
    }
}

fn fault(error: &ValidationError<'_>) -> Fault {
    let mut pointer = error.instance_path().to_string();
    if let Kind::Required { property } = error.kind() {
        pointer.push('/');
        pointer.push_str(&escape(property.as_str().unwrap_or_default()));
    }
    let (code, message, mend) = words(error, &name(&pointer));
    Fault::new(code, pointer, message, mend)
}

/// The last member a pointer names, for people.
fn name(pointer: &str) -> String {
    pointer
        .rsplit('/')
        .next()
        .filter(|token| !token.is_empty())
        .unwrap_or("definition")
        .replace("~1", "/")
        .replace("~0", "~")
}

fn words(error: &ValidationError<'_>, name: &str) -> (&'static str, String, String) {
    match error.kind() {
        Kind::Required { .. } => ("Required", format!("`{name}` is missing."), "Add it.".into()),
        Kind::Type { kind } => {
            ("WrongType", format!("`{name}` has the wrong type."), format!("Make it {}.", types(kind)))
        }
        Kind::MinLength { limit: 1 } => ("Required", format!("`{name}` is empty."), "Fill it in.".into()),
        Kind::MinLength { limit } => {
            ("TooShort", format!("`{name}` is too short."), format!("Give at least {limit} characters."))
        }
        Kind::MaxLength { limit } => {
            ("TooLong", format!("`{name}` is too long."), format!("Give at most {limit} characters."))
        }
        Kind::MinItems { limit } => {
            ("TooFew", format!("`{name}` has too few entries."), format!("Give at least {limit}."))
        }
        Kind::MaxItems { limit } => {
            ("TooMany", format!("`{name}` has too many entries."), format!("Give at most {limit}."))
        }
        Kind::MinProperties { limit } => {
            ("TooFew", format!("`{name}` has too few members."), format!("Give at least {limit}."))
        }
        Kind::MaxProperties { limit } => {
            ("TooMany", format!("`{name}` has too many members."), format!("Give at most {limit}."))
        }
        Kind::Minimum { limit } => ("OutOfRange", format!("`{name}` is too small."), format!("Give {limit} or more.")),
        Kind::Maximum { limit } => ("OutOfRange", format!("`{name}` is too large."), format!("Give {limit} or less.")),
        Kind::Enum { options } => {
            ("NotAllowed", format!("`{name}` is none of the allowed values."), format!("Use one of {options}."))
        }
        Kind::Constant { expected_value } => {
            ("NotAllowed", format!("`{name}` has another value than it must."), format!("Write {expected_value}."))
        }
        Kind::Format { format } => {
            ("BadFormat", format!("`{name}` is not {}.", format_name(format)), format_mend(format).into())
        }
        Kind::Pattern { pattern } if pattern.contains("https?://") => (
            "BadFormat",
            format!("`{name}` is not a web address."),
            "Write it like https://contoso.example/page.".into(),
        ),
        Kind::Pattern { pattern } => (
            "BadFormat",
            format!("`{name}` is not of the right form."),
            format!("Write it so that it matches {pattern}."),
        ),
        Kind::UniqueItems => {
            ("Duplicate", format!("`{name}` holds the same entry twice."), "Remove one of them.".into())
        }
        Kind::PropertyNames { error } => {
            let mend = match error.kind() {
                Kind::Pattern { pattern } => format!("Write the names of its members so that they match {pattern}."),
                Kind::Enum { options } => format!("Use names out of {options}."),
                _ => "Use other names.".to_owned(),
            };
            ("UnknownName", format!("`{name}` has a member {} that it cannot have.", error.instance()), mend)
        }
        Kind::AdditionalProperties { unexpected } => (
            "UnknownName",
            format!("`{name}` cannot have: {}.", unexpected.join(", ")),
            "Remove or rename them.".into(),
        ),
        _ => ("Invalid", format!("`{name}` is not valid: {}.", error.masked()), "Correct it.".into()),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => format!("a JSON {one}"),
        TypeKind::Multiple(many) => {
            let names: Vec<String> = many.iter().map(|one| one.to_string()).collect();
            format!("one of {}", names.join(", "))
        }
    }
}

fn format_name(format: &str) -> &str {
    match format {
        "email" => "a mail address",
        "uri" => "an absolute URL",
        "uuid" => "a GUID",
        other => other,
    }
}

fn format_mend(format: &str) -> &'static str {
    match format {
        "email" => "Write it like jane@contoso.example.",
        "uri" => "Write it like https://contoso.example/page.",
        "uuid" => "Write it like 0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b61.",
        _ => "Correct it.",
    }
}

//! What a schema says about one place of a definition, for whoever edits it: all that applies there, taken together.

use crate::schema::SHARED;
use serde_json::Value;
use std::collections::BTreeSet;

/// How far references are followed, and how deep the smallest value is made.
const DEEPEST: usize = 16;

/// What a schema says about one place.
#[derive(Clone, Debug)]
pub struct Shape<'a> {
    root: &'a Value,
    parts: Vec<&'a Value>,
}

impl<'a> Shape<'a> {
    /// About a whole definition.
    pub(crate) fn of(root: &'a Value) -> Self {
        Self::expand(root, [root]).unwrap_or(Self { root, parts: Vec::new() })
    }

    fn expand(root: &'a Value, schemas: impl IntoIterator<Item = &'a Value>) -> Option<Self> {
        let mut parts = Vec::new();
        for schema in schemas {
            follow(root, schema, DEEPEST, &mut parts);
        }
        (!parts.is_empty()).then_some(Self { root, parts })
    }

    /// About a member of this object; `None` where nothing is known of it.
    pub fn member(&self, name: &str) -> Option<Self> {
        let named = self.parts.iter().filter_map(|part| part.get("properties")?.get(name));
        let found = Self::expand(self.root, named);
        found.or_else(|| {
            let patterns = self.parts.iter().filter_map(|part| part.get("patternProperties")?.as_object());
            let others =
                self.parts.iter().filter_map(|part| part.get("additionalProperties").filter(|s| s.is_object()));
            Self::expand(self.root, patterns.flat_map(|map| map.values()).chain(others))
        })
    }

    /// About the items of this array; `None` where nothing is known of them.
    pub fn items(&self) -> Option<Self> {
        Self::expand(self.root, self.parts.iter().filter_map(|part| part.get("items").filter(|s| s.is_object())))
    }

    /// The names of the members that are known, in order.
    pub fn members(&self) -> Vec<&'a str> {
        let maps = self.parts.iter().filter_map(|part| part.get("properties")?.as_object());
        let names: BTreeSet<&str> = maps.flat_map(|map| map.keys().map(String::as_str)).collect();
        names.into_iter().collect()
    }

    /// Whether it may have members of other names, of which something is known.
    pub fn is_map(&self) -> bool {
        let is_map = |part: &&Value| {
            part.get("patternProperties").is_some() || part.get("additionalProperties").is_some_and(Value::is_object)
        };
        self.parts.iter().any(is_map)
    }

    /// Whether a member has to be there at publish.
    pub fn requires(&self, name: &str) -> bool {
        let mut lists = self.parts.iter().filter_map(|part| part.get("required")?.as_array());
        lists.any(|list| list.iter().any(|known| known == name))
    }

    /// Its name for people.
    pub fn title(&self) -> Option<&'a str> {
        self.text("title")
    }

    /// What it is for.
    pub fn description(&self) -> Option<&'a str> {
        self.text("description")
    }

    fn text(&self, keyword: &str) -> Option<&'a str> {
        self.parts.iter().find_map(|part| part.get(keyword)?.as_str())
    }

    /// The values it may have, where they are counted.
    pub fn choices(&self) -> Option<&'a Vec<Value>> {
        self.parts.iter().find_map(|part| part.get("enum")?.as_array())
    }

    /// Whether it is never shown.
    pub fn is_secret(&self) -> bool {
        self.parts.iter().any(|part| part.get("writeOnly") == Some(&Value::Bool(true)))
    }

    /// The longest text it may be, in characters.
    pub fn longest(&self) -> Option<u64> {
        self.parts.iter().filter_map(|part| part.get("maxLength")?.as_u64()).min()
    }

    /// The type it may have; of several an object, where it is known what is in it, and the first apart from null else.
    pub fn kind(&self) -> Option<&'a str> {
        let kinds: Vec<&str> =
            self.parts.iter().find_map(|part| part.get("type")).map_or_else(Vec::new, |kinds| match kinds {
                Value::String(kind) => vec![kind.as_str()],
                Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            });
        let has_members = self.parts.iter().any(|part| part.get("properties").is_some()) || self.is_map();
        if has_members && (kinds.is_empty() || kinds.contains(&"object")) {
            return Some("object");
        }
        let is_list = self.parts.iter().any(|part| part.get("items").is_some());
        kinds.into_iter().find(|kind| *kind != "null").or(is_list.then_some("array"))
    }

    /// The smallest value to begin with: all that is required, and nothing in it.
    pub fn smallest(&self) -> Value {
        self.smallest_within(DEEPEST)
    }

    fn smallest_within(&self, depth: usize) -> Value {
        if let Some(first) = self.choices().and_then(|choices| choices.first()) {
            return first.clone();
        }
        if let Some(fixed) = self.parts.iter().find_map(|part| part.get("const")) {
            return fixed.clone();
        }
        let lowest = || self.parts.iter().filter_map(|part| part.get("minimum")).next().cloned();
        match self.kind() {
            Some("object") if depth > 0 => {
                let mut names: BTreeSet<&str> = BTreeSet::new();
                for list in self.parts.iter().filter_map(|part| part.get("required")?.as_array()) {
                    names.extend(list.iter().filter_map(Value::as_str));
                }
                let member = |name: &str| {
                    let shape = self.member(name);
                    let is_secret = shape.as_ref().is_some_and(Self::is_secret);
                    let value = shape.map_or_else(|| Value::String(String::new()), |of| of.smallest_within(depth - 1));
                    (!is_secret).then(|| (name.to_owned(), value))
                };
                Value::Object(names.into_iter().filter_map(member).collect())
            }
            Some("array") if depth > 0 => {
                let wants = self.parts.iter().any(|part| part.get("minItems").and_then(Value::as_u64).unwrap_or(0) > 0);
                let first = self.items().filter(|_| wants).map(|items| items.smallest_within(depth - 1));
                Value::Array(first.into_iter().collect())
            }
            Some("integer" | "number") => lowest().unwrap_or_else(|| Value::from(0)),
            Some("boolean") => Value::Bool(false),
            _ => Value::String(String::new()),
        }
    }
}

/// Collects a schema and all that applies with it.
fn follow<'a>(root: &'a Value, schema: &'a Value, depth: usize, parts: &mut Vec<&'a Value>) {
    if depth == 0 || !schema.is_object() {
        return;
    }
    parts.push(schema);
    let named = schema.get("$ref").and_then(Value::as_str).and_then(|name| match name.strip_prefix('#') {
        Some(pointer) => root.pointer(pointer),
        None if name == SHARED => root.get("$defs")?.get(SHARED),
        None => None,
    });
    let all = schema.get("allOf").and_then(Value::as_array);
    for part in named.into_iter().chain(all.into_iter().flatten()) {
        follow(root, part, depth - 1, parts);
    }
}

#[cfg(test)]
mod tests {
    use crate::offer_type::OfferTypes;
    use serde_json::json;

    #[test]
    fn what_all_types_share_and_what_one_adds_are_taken_together() {
        let types = OfferTypes::built_in().unwrap();
        let shape = types.get("microsoft-azure-saas").unwrap().schema().shape();
        let plan = shape.member("plans").unwrap().items().unwrap();
        assert!(plan.requires("planId") && plan.requires("microsoft-azure-saas.skuTitle"));
        assert_eq!(plan.member("microsoft-azure-saas.skuTitle").unwrap().longest(), Some(200));
        assert_eq!(plan.member("regions").unwrap().description(), Some("ISO country codes."));
        assert!(plan.member("unknown").is_none());
        let secret = ["offer", "microsoft-azure-marketplace.crmLeadConfiguration", "password"];
        let secret = secret.iter().fold(shape.clone(), |shape, name| shape.member(name).unwrap());
        assert!(secret.is_secret() && secret.kind() == Some("string"));
        let smallest = shape.smallest();
        assert_eq!(smallest["plans"][0]["planId"], json!(""));
        assert!(smallest["offer"]["microsoft-azure-marketplace.privacyURL"] == json!(""));
        assert!(smallest["offer"].get("microsoft-azure-marketplace.videos").is_none());
    }

    #[test]
    fn maps_know_the_members_that_nobody_has_named() {
        let types = OfferTypes::built_in().unwrap();
        let shape = types.get("microsoft-azure-virtualmachines").unwrap().schema().shape();
        let images = shape
            .member("plans")
            .and_then(|s| s.items())
            .and_then(|s| s.member("microsoft-azure-virtualmachines.vmImages"));
        let images = images.unwrap();
        assert!(images.is_map() && images.member("1.0.0").unwrap().requires("osVhdUrl"));
    }
}

//! Members of a definition, read leniently: what is not of the right kind is not there, for an operator's own type may have no schema.

use super::Source;
use crate::markup::visible;
use serde_json::Value;
use url::Url;

/// What the names of the members that all marketplace offers share begin with.
const PREFIX: &str = "microsoft-azure-marketplace.";

/// The members that all marketplace offers share.
pub(super) struct Fields<'a> {
    offer: Option<&'a Value>,
    source: &'a Source<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(definition: &'a Value, source: &'a Source<'a>) -> Self {
        Self { offer: definition.get("offer"), source }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.offer?.get(format!("{PREFIX}{name}"))
    }

    /// A text as it was written.
    pub(super) fn raw_text(&self, name: &str) -> Option<&'a str> {
        self.value(name)?.as_str()
    }

    /// A plain text, unless it is empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        text_or(self.value(name))
    }

    /// An address of the web.
    pub(super) fn web_address(&self, name: &str) -> Option<String> {
        web_address(self.raw_text(name)?)
    }

    /// Our copy of a picture.
    pub(super) fn image(&self, name: &str) -> Option<String> {
        self.source.image(&pointer(name))
    }

    pub(super) fn array(&self, name: &str) -> &'a [Value] {
        array(self.value(name))
    }

    /// The categories, which clients write as a list, newer ones as a map.
    pub(super) fn categories(&self) -> Vec<String> {
        let listed: Vec<String> = self.array("categories").iter().filter_map(|one| text_or(Some(one))).collect();
        if !listed.is_empty() {
            return listed;
        }
        match self.value("categoryMap") {
            Some(Value::Object(members)) => members.keys().map(|name| visible(name)).collect(),
            Some(Value::Array(entries)) => entries.iter().filter_map(|one| text_or(one.get("categoryL1"))).collect(),
            _ => Vec::new(),
        }
    }
}

/// Where a shared member stands in a definition.
pub(super) fn pointer(name: &str) -> String {
    format!("/offer/{PREFIX}{name}")
}

/// A plain text, unless it is empty.
pub(super) fn text_or(value: Option<&Value>) -> Option<String> {
    let text = visible(value?.as_str()?.trim());
    (!text.is_empty()).then_some(text)
}

/// An address of the web as every browser reads it; none where it leads to anything else.
pub(super) fn web_address(text: &str) -> Option<String> {
    let text = text.trim();
    let begins = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if !(begins("https://") || begins("http://")) || text.contains(char::is_whitespace) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    // A name before the host makes people take it for the host.
    (url.username().is_empty() && url.password().is_none()).then(|| url.to_string())
}

/// The elements of an array.
pub(super) fn array(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts of an array.
pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    array(value).iter().filter_map(|one| text_or(Some(one))).collect()
}

#[cfg(test)]
mod tests {
    use super::web_address;

    #[test]
    fn only_addresses_of_the_web_are_links() {
        for (given, expected) in [
            (" https://x.example/a?b=1 ", Some("https://x.example/a?b=1")),
            ("HTTP://X.example", Some("http://x.example/")),
            ("https://x.example/\"><script>", Some("https://x.example/%22%3E%3Cscript%3E")),
            ("javascript:alert(1)", None),
            ("https:x.example", None),
            ("//x.example", None),
            ("/sign-out", None),
            ("https://", None),
            ("https://bank.example@evil.example/", None),
            ("https://x.example/ is where", None),
            ("java\nscript:alert(1)", None),
            ("data:text/html,x", None),
            ("ht\u{e9}tps://x", None),
        ] {
            assert_eq!(web_address(given).as_deref(), expected, "{given:?}");
        }
    }
}

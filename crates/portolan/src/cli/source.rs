//! A file that holds an offer, given with `-f`: what is in it, and on which line each member stands.

use super::fault::Fault;
use super::print::plain;
use super::terminal::{padded, width};
use api::errors::ErrorDetail;
use api::offers::PutOffer;
use api::status::Message;
use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt;
use std::io::Read;

/// One fault of an offer: what a server found, about which member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flaw<'a> {
    /// What is wrong.
    pub(super) text: &'a str,
    /// What to do about it, where that is not said with it.
    pub(super) mend: Option<&'a str>,
    /// The rule that is broken.
    pub(super) rule: Option<&'a str>,
    /// A JSON pointer into the offer, or what else is at fault.
    pub(super) target: Option<&'a str>,
}

impl<'a> From<&'a ErrorDetail> for Flaw<'a> {
    fn from(detail: &'a ErrorDetail) -> Self {
        let ErrorDetail { code, message, target } = detail;
        Self { text: message, mend: None, rule: Some(code), target: Some(target) }
    }
}

impl<'a> From<&'a Message> for Flaw<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            text: &message.text,
            mend: message.mend.as_deref(),
            rule: message.code.as_deref(),
            target: message.target.as_deref(),
        }
    }
}

impl Flaw<'_> {
    /// The member, as people call it: its pointer into the definition.
    fn field(&self) -> String {
        let target = self.target.unwrap_or_default();
        let field = target.strip_prefix("/definition/").unwrap_or(target);
        plain(field.strip_prefix('/').unwrap_or(field))
    }
}

/// A line for each fault: the member, what is wrong, the mend, the rule, and where that stands in the file.
pub(super) fn lines(flaws: &[Flaw<'_>], source: Option<&Source>) -> Vec<String> {
    let fields: Vec<String> = flaws.iter().map(Flaw::field).collect();
    let widest = fields.iter().map(|field| width(field)).max().unwrap_or_default();
    let line = |(flaw, field): (&Flaw<'_>, &String)| {
        let place = source.zip(flaw.target).and_then(|(source, target)| source.place(target));
        let rule = [flaw.rule.map(str::to_owned), place];
        let rule: Vec<String> = rule.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let parts = [
            (widest > 0).then(|| padded(field, widest)),
            Some(flaw.text.to_owned()),
            flaw.mend.map(|mend| format!(" fix: {mend}")),
            (!rule.is_empty()).then(|| format!(" {}", rule.join("  "))),
        ];
        plain(&parts.into_iter().flatten().collect::<Vec<_>>().join("  "))
    };
    flaws.iter().zip(&fields).map(line).collect()
}

/// A file with an offer, as a PUT takes it and `portolan offer export` writes it.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// What people call it: its path as it was given, or `stdin`.
    name: String,
    text: String,
    offer: Given,
}

/// The members that count. Others, such as `status` of an offer that was read, are passed over.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    publisher_id: Option<String>,
    id: Option<String>,
    offer_type_id: Option<String>,
    definition: Option<Box<RawValue>>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Source {
    /// Reads a file; `-` is standard input.
    ///
    /// # Errors
    /// Where it cannot be read, or holds no offer; then with the line and the column.
    pub(super) fn read(path: &str) -> Result<Self, Fault> {
        let (name, bytes) = match path {
            "-" => {
                let mut bytes = Vec::new();
                ("stdin", std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes))
            }
            path => (path, std::fs::read(path)),
        };
        let bytes = bytes.map_err(|error| Fault::usage(format!("{name} cannot be read (-f): {error}")))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Fault::invalid(format!("{name} is no text in UTF-8; save it as UTF-8")))?;
        Self::parse(name, text)
    }

    fn parse(name: &str, text: String) -> Result<Self, Fault> {
        // Some editors begin files with a mark that is no JSON.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let given = serde_json::from_str(&text).map_err(|error| fault(name, &text, &error));
        Ok(Self { name: name.to_owned(), offer: given?, text })
    }

    /// The body of a PUT of this offer. The definition's bytes are those of the file.
    ///
    /// # Errors
    /// Where the file is another offer's, or says no type or definition.
    pub(super) fn put(&self, publisher: &str, offer: &str) -> Result<PutOffer, Fault> {
        let Given { publisher_id, id, offer_type_id, definition } = &self.offer;
        for (member, said, meant) in [("publisherId", publisher_id, publisher), ("id", id, offer)] {
            if let Some(said) = said
                && !said.eq_ignore_ascii_case(meant)
            {
                let place = self.place(&format!("/{member}")).unwrap_or_default();
                let text = format!("{place}: {member} is {said:?}, and {meant:?} was asked for: correct one of them");
                return Err(Fault::usage(text));
            }
        }
        let missing = |member: &str| {
            let name = &self.name;
            let text = format!("{name}:1: {member} is missing; write the offer as `portolan offer export` does");
            Fault::invalid(text)
        };
        Ok(PutOffer {
            publisher_id: publisher.to_owned(),
            offer_type_id: offer_type_id.clone().ok_or_else(|| missing("offerTypeId"))?,
            id: offer.to_owned(),
            definition: definition.clone().ok_or_else(|| missing("definition"))?,
        })
    }

    /// Where a JSON pointer into the offer leads: `offer.json:41`. Of what is missing, the nearest that is there around it.
    pub(super) fn place(&self, pointer: &str) -> Option<String> {
        if !(pointer.is_empty() || pointer.starts_with('/')) {
            return None;
        }
        let tree = parse_to_ast(&self.text, &CollectOptions::default(), &ParseOptions::default()).ok()?.value?;
        let (mut here, mut at) = (&tree, tree.start());
        for part in pointer.split('/').skip(1).map(unescaped) {
            let next = match here {
                Value::Object(object) => object.get(&part).map(|member| (&member.value, member.range.start)),
                Value::Array(array) => part.parse().ok().and_then(|index: usize| array.elements.get(index)).map(start),
                _ => None,
            };
            let Some(next) = next else { break };
            (here, at) = next;
        }
        let line = self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        Some(format!("{}:{line}", self.name))
    }
}

fn start<'a, 'b>(value: &'a Value<'b>) -> (&'a Value<'b>, usize) {
    (value, value.start())
}

/// A part of a JSON pointer as the member is called.
fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// What is wrong with a text, and where: `offer.json:41:7`, the column counted in characters.
fn fault(name: &str, text: &str, error: &serde_json::Error) -> Fault {
    let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let before = line.as_bytes().get(..error.column().saturating_sub(1)).unwrap_or(line.as_bytes());
    let column = String::from_utf8_lossy(before).chars().count() + 1;
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    Fault::invalid(format!("{name}:{}:{column}: {said}", error.line().max(1)))
}

#[cfg(test)]
mod tests {
    use super::{Flaw, Source, lines};

    fn parse(text: &str) -> Result<Source, String> {
        Source::parse("offer.json", text.to_owned()).map_err(|fault| fault.to_string())
    }

    const OFFER: &str = "\u{feff}{\r\n  \"publisherId\": \"contoso\",\r\n  \"id\": \"x\",\r\n  \"offerTypeId\": \"t\",\r\n  \"definition\": {\r\n    \"a/b\": 1.10,\r\n    \"~ü\": [\r\n      {\"🚢\": true}, {\r\n        \"price\": 12345678901234567890.0,\r\n        \"text\": \"\\u00fc\\ud83d\\udea2\"}\r\n    ]\r\n  }, \"status\": \"neverPublished\", \"version\": 3}\r\n";

    #[test]
    fn a_definition_keeps_its_bytes() {
        let put = parse(OFFER).unwrap().put("Contoso", "x").unwrap();
        let definition = put.definition.get();
        assert!(OFFER.contains(definition) && definition.starts_with('{') && definition.ends_with('}'));
        assert!(definition.contains("1.10") && definition.contains("12345678901234567890.0"), "{definition}");
        assert!(serde_json::to_string(&put).unwrap().contains(definition));
    }

    #[test]
    fn a_pointer_leads_to_a_line_and_what_is_missing_to_what_is_around_it() {
        let source = parse(OFFER).unwrap();
        for (pointer, line) in [
            ("", 1),
            ("/id", 3),
            ("/definition", 5),
            ("/definition/a~1b", 6),
            ("/definition/~0ü", 7),
            ("/definition/~0ü/0/🚢", 8),
            ("/definition/~0ü/1", 8),
            ("/definition/~0ü/1/price", 9),
            ("/definition/~0ü/1/text", 10),
            ("/definition/~0ü/1/none/deeper", 8),
            ("/definition/~0ü/7", 7),
            ("/definition/missing", 5),
            ("/missing", 1),
            ("/status", 12),
        ] {
            assert_eq!(source.place(pointer).unwrap(), format!("offer.json:{line}"), "{pointer}");
        }
        assert_eq!(source.place("If-Match"), None);
    }

    #[test]
    fn a_fault_is_a_line_that_says_where_it_stands() {
        let source = parse("{\n\"definition\": {\n\"smallLogo\": 1}}").unwrap();
        let logo = Flaw {
            text: "40 × 40 px,\nmust be 48 × 48",
            mend: Some("upload a 48 × 48 PNG"),
            rule: Some("IMG-048"),
            target: Some("/definition/smallLogo"),
        };
        let other = Flaw { text: "not now", mend: None, rule: None, target: Some("If-Match") };
        assert_eq!(
            lines(&[logo, other], Some(&source)),
            [
                "smallLogo  40 × 40 px,?must be 48 × 48   fix: upload a 48 × 48 PNG   IMG-048  offer.json:3",
                "If-Match   not now"
            ]
        );
        assert!(lines(&[logo], None)[0].ends_with("PNG   IMG-048"));
    }

    #[test]
    fn what_is_no_offer_says_where_and_what_to_do() {
        for (text, said) in [
            ("{\n  \"id\": \"ü\" \"x\"}", "offer.json:2:13: expected `,`"),
            ("{\"publisherId\": 1}", "offer.json:1:17: invalid type"),
            ("{\n", "offer.json:2:1: EOF"),
            ("[]", "offer.json:1:"),
            ("// c\n{}", "offer.json:1:1: expected value"),
            ("{\"definition\": {\"a\": [1,]}}", "offer.json:1:25: "),
            ("", "offer.json:1:1: EOF"),
        ] {
            let fault = parse(text).unwrap_err();
            assert!(fault.starts_with(said), "{text}: {fault}");
        }
        let put = |text: &str| parse(text).unwrap().put("contoso", "x").unwrap_err().to_string();
        assert!(put("{\"id\":\n\"y\"}").starts_with("offer.json:1: id is \"y\", and \"x\""));
        assert!(put("{}").contains("offerTypeId is missing"));
        assert!(put("{\"offerTypeId\":\"t\"}").contains("definition is missing"));
    }
}

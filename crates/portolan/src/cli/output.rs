//! How results are written: for people, or as JSON, YAML, tab-separated values, or not at all.

use super::print::plain;
use super::query::Query;
use super::terminal::{Look, padded, width};
use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::io::Write;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// As the server wrote it.
    Json,
    /// The same in YAML.
    Yaml,
    /// A line for each row, with tabs between its values.
    Tsv,
    /// Not at all.
    None,
}

/// Where results go, and how.
#[derive(Debug)]
pub(super) struct Output {
    /// How.
    pub(super) format: Format,
    /// What of them.
    pub(super) query: Option<Query>,
    /// What standard output can show.
    pub(super) look: Look,
}

impl Output {
    /// Whether people read it: then `table` of [`Output::document`] writes it.
    pub(super) fn is_for_people(&self) -> bool {
        self.format == Format::Table && self.query.is_none()
    }

    /// Writes a result: as it is, or, for people, as `table` does.
    pub(super) fn document(&self, json: &str, table: impl FnOnce(&mut dyn Write, Look) -> Result<()>) -> Result<()> {
        let mut out = std::io::stdout().lock();
        let queried;
        let json = match &self.query {
            None => json,
            Some(query) => {
                queried = query.of(json)?;
                queried.as_str()
            }
        };
        match self.format {
            Format::Table if self.query.is_none() => table(&mut out, self.look)?,
            Format::Table => rows(&mut out, json)?,
            Format::Json if self.look.is_terminal => writeln!(out, "{}", pretty(json)?)?,
            Format::Json => writeln!(out, "{json}")?,
            Format::Yaml => write!(out, "{}", yaml(json)?)?,
            Format::Tsv => separated(&mut out, json)?,
            Format::None => {}
        }
        out.flush().context("standard output cannot be written")
    }

    /// The same of a value that no server wrote.
    pub(super) fn value(
        &self,
        value: &impl Serialize,
        table: impl FnOnce(&mut dyn Write, Look) -> Result<()>,
    ) -> Result<()> {
        self.document(&serde_json::to_string(value)?, table)
    }
}

/// JSON with each member on a line of its own; every number, text and order as it was.
pub(super) fn pretty(json: &str) -> Result<String> {
    let _: &RawValue = serde_json::from_str(json)?;
    let (mut out, mut depth, mut in_text, mut escaped) = (String::with_capacity(json.len() * 2), 0, false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    for c in json.chars() {
        if in_text {
            out.push(c);
            (in_text, escaped) = (escaped || c != '"', !escaped && c == '\\');
            continue;
        }
        match c {
            ' ' | '\t' | '\n' | '\r' => continue,
            '}' | ']' => {
                depth -= 1;
                if !out.ends_with(['{', '[']) {
                    line(&mut out, depth);
                }
            }
            _ if out.ends_with(['{', '[']) => line(&mut out, depth),
            _ => {}
        }
        out.push(c);
        match c {
            '{' | '[' => depth += 1,
            ',' => line(&mut out, depth),
            ':' => out.push(' '),
            '"' => in_text = true,
            _ => {}
        }
    }
    Ok(out)
}

fn yaml(json: &str) -> Result<String> {
    struct Transcoded<'a>(&'a str);
    impl Serialize for Transcoded<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serde_transcode::transcode(&mut serde_json::Deserializer::from_str(self.0), serializer)
        }
    }
    Ok(serde_saphyr::to_string(&Transcoded(json))?)
}

/// The members of an object as they stand, or nothing where it is none.
fn members(json: &RawValue) -> Option<Vec<(String, Box<RawValue>)>> {
    struct Members(Vec<(String, Box<RawValue>)>);
    impl<'de> serde::Deserialize<'de> for Members {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Members;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        members.push(member);
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
    serde_json::from_str::<Members>(json.get()).ok().map(|members| members.0)
}

/// A value in one line: a text without its quotes, anything else as JSON.
fn cell(json: &RawValue) -> String {
    let text = match serde_json::from_str::<Value>(json.get()) {
        Ok(Value::String(text)) => text,
        Ok(Value::Null) => String::new(),
        _ => json.get().to_owned(),
    };
    plain(&text)
}

fn elements(json: &str) -> Result<Vec<Box<RawValue>>> {
    match serde_json::from_str(json) {
        Ok(elements) => Ok(elements),
        Err(_) => Ok(vec![serde_json::from_str(json)?]),
    }
}

/// One line for each element of a list, its values with tabs between them; no head, as programs read it.
fn separated(out: &mut impl Write, json: &str) -> Result<()> {
    for element in elements(json)? {
        let cells: Vec<String> = match members(&element) {
            Some(members) => members.iter().map(|(_, value)| cell(value)).collect(),
            None => serde_json::from_str::<Vec<Box<RawValue>>>(element.get())
                .map_or_else(|_| vec![cell(&element)], |values| values.iter().map(|value| cell(value)).collect()),
        };
        writeln!(out, "{}", cells.join("\t"))?;
    }
    Ok(())
}

/// Whatever it is, as a table: a row for each object of a list, or for each member of an object.
fn rows(out: &mut impl Write, json: &str) -> Result<()> {
    let elements = elements(json)?;
    let objects: Vec<_> = elements.iter().filter_map(|element| members(element)).collect();
    if objects.is_empty() || objects.len() < elements.len() {
        return separated(out, json);
    }
    let mut head: Vec<&str> = Vec::new();
    for (name, _) in objects.iter().flatten() {
        if !head.contains(&name.as_str()) {
            head.push(name);
        }
    }
    let value = |object: &Vec<(String, Box<RawValue>)>, name: &&str| {
        object.iter().find(|(known, _)| known == name).map_or_else(String::new, |(_, value)| cell(value))
    };
    let rows: Vec<Vec<String>> =
        objects.iter().map(|object| head.iter().map(|name| value(object, name)).collect()).collect();
    let head: Vec<String> = head.iter().map(|name| plain(name)).collect();
    Ok(columns(out, &head, &rows)?)
}

/// Writes a table: each column as wide as its widest text, the last one open. The texts steer no terminal.
pub(super) fn columns(out: &mut (impl Write + ?Sized), head: &[String], rows: &[Vec<String>]) -> std::io::Result<()> {
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let texts = rows.iter().filter_map(|row| row.get(column)).map(|text| width(text));
            texts.chain([width(&head[column])]).max().unwrap_or_default()
        })
        .collect();
    for row in std::iter::once(head).chain(rows.iter().map(Vec::as_slice)) {
        let line: Vec<String> = row.iter().zip(&widths).map(|(text, width)| padded(text, *width)).collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{pretty, rows, separated, yaml};

    const LIST: &str = r#"[{"b":"x\ty","a":1e3,"c":[1]},{"a":0.10,"b":null,"d":true}]"#;

    fn written(write: impl Fn(&mut Vec<u8>) -> anyhow::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_format_keeps_the_order() {
        assert_eq!(written(|out| separated(out, LIST)), "x?y\t1e3\t[1]\n0.10\t\ttrue\n");
        assert_eq!(written(|out| rows(out, LIST)), "b    a     c    d\nx?y  1e3   [1]\n     0.10       true\n");
        assert_eq!(written(|out| rows(out, "\"word\"")), "word\n");
        assert_eq!(written(|out| rows(out, "[[1,\"a\"],[2,\"b\"]]")), "1\ta\n2\tb\n");
        assert_eq!(yaml(r#"{"b":"y","a":[1,"no"]}"#).unwrap(), "b: \"y\"\na:\n- 1\n- \"no\"\n");
        assert_eq!(pretty(r#"{"b":1,"a":{}}"#).unwrap(), "{\n  \"b\": 1,\n  \"a\": {}\n}");
        assert_eq!(
            pretty(r#"{"a":[1.10,12345678901234567890123,{"{\\":"[\"," }],"e": [ ],"t":"\\"}"#).unwrap(),
            "{\n  \"a\": [\n    1.10,\n    12345678901234567890123,\n    {\n      \"{\\\\\": \"[\\\",\"\n    }\n  ],\n  \"e\": [],\n  \"t\": \"\\\\\"\n}"
        );
        assert!(pretty("{").is_err());
    }
}

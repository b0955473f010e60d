//! Checks the catalogues of the pages' words and makes a method of each message; compresses what the pages need beside them.

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The messages of a language: by id, the names of their variables in the order in which they come first.
type Messages = BTreeMap<String, Vec<String>>;

fn main() -> Result<()> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=locales");
    println!("cargo::rerun-if-changed=assets");
    let mut code = String::new();
    let (english, chinese) =
        (catalogue(&root, "en", "ENGLISH", &mut code)?, catalogue(&root, "zh-Hans", "CHINESE", &mut code)?);
    compare(&english, &chinese)?;
    methods(&english, &mut code)?;
    std::fs::write(out.join("text.rs"), code)?;
    let mut code = String::new();
    asset(&root, &out, "style.css", "STYLE", &mut code)?;
    asset(&root, &out, "script.js", "SCRIPT", &mut code)?;
    std::fs::write(out.join("assets.rs"), code)?;
    Ok(())
}

/// Reads the catalogues of a language, and writes a constant with their texts.
fn catalogue(root: &Path, language: &str, constant: &str, code: &mut String) -> Result<Messages> {
    let directory = root.join("locales").join(language);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&directory)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "ftl"));
    files.sort();
    let mut messages = Messages::new();
    writeln!(code, "const {constant}: &[&str] = &[")?;
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        let resource = fluent_syntax::parser::parse(text.as_str())
            .map_err(|(_, errors)| format!("{}: {errors:?}", file.display()))?;
        for entry in &resource.body {
            let Entry::Message(message) = entry else { continue };
            let name = message.id.name.to_owned();
            let mut variables = Vec::new();
            let value = message.value.as_ref().ok_or_else(|| format!("{}: {name} says nothing", file.display()))?;
            of_pattern(value, &mut variables);
            if messages.insert(name.clone(), variables).is_some() {
                return Err(format!("{}: {name} is there twice", file.display()).into());
            }
        }
        writeln!(code, "    include_str!({:?}),", file.display().to_string())?;
    }
    writeln!(code, "];")?;
    Ok(messages)
}

fn of_pattern(pattern: &Pattern<&str>, variables: &mut Vec<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            of_expression(expression, variables);
        }
    }
}

fn of_expression(expression: &Expression<&str>, variables: &mut Vec<String>) {
    match expression {
        Expression::Inline(inline) => of_inline(inline, variables),
        Expression::Select { selector, variants } => {
            of_inline(selector, variables);
            variants.iter().for_each(|variant| of_pattern(&variant.value, variables));
        }
    }
}

fn of_inline(inline: &InlineExpression<&str>, variables: &mut Vec<String>) {
    match inline {
        InlineExpression::VariableReference { id } if !variables.iter().any(|known| known == id.name) => {
            variables.push(id.name.to_owned());
        }
        InlineExpression::FunctionReference { arguments, .. } => {
            arguments.positional.iter().for_each(|inline| of_inline(inline, variables));
        }
        InlineExpression::Placeable { expression } => of_expression(expression, variables),
        _ => {}
    }
}

/// Both languages say the same things, with the same variables.
fn compare(english: &Messages, chinese: &Messages) -> Result<()> {
    let mut faults = Vec::new();
    for (id, variables) in english {
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort();
            names
        };
        match chinese.get(id) {
            None => faults.push(format!("zh-Hans has no {id}")),
            Some(theirs) if sorted(theirs) != sorted(variables) => {
                faults.push(format!("{id} has the variables {variables:?} in en, {theirs:?} in zh-Hans"));
            }
            Some(_) => {}
        }
    }
    faults.extend(chinese.keys().filter(|id| !english.contains_key(*id)).map(|id| format!("en has no {id}")));
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// A method for each message, so that none can be misspelt, and none is kept that nobody says.
fn methods(messages: &Messages, code: &mut String) -> Result<()> {
    writeln!(code, "impl Text {{")?;
    for (id, variables) in messages {
        let name = id.replace('-', "_");
        let (mut takes, mut gives) = (String::new(), String::new());
        for variable in variables {
            let argument = variable.replace('-', "_");
            write!(takes, ", {argument}: impl Into<FluentValue<'a>>")?;
            write!(gives, "({variable:?}, {argument}.into()), ")?;
        }
        let life = if variables.is_empty() { "" } else { "<'a>" };
        writeln!(code, "    pub(in crate::web) fn {name}{life}(self{takes}) -> String {{")?;
        writeln!(code, "        self.say({id:?}, [{}])\n    }}", gives.trim_end_matches(", "))?;
    }
    writeln!(code, "}}")?;
    Ok(())
}

/// A file as it is sent: under a name that changes with it, and compressed as browsers take it.
fn asset(root: &Path, out: &Path, file: &str, constant: &str, code: &mut String) -> Result<()> {
    let plain = std::fs::read(root.join("assets").join(file))?;
    let hash: String = Sha256::digest(&plain).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let (stem, ending) = file.split_once('.').ok_or("a file without an ending")?;
    let mut brotli = Vec::new();
    brotli::CompressorWriter::new(&mut brotli, 4096, 11, 22).write_all(&plain)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&plain)?;
    for (suffix, bytes) in [("", &plain), (".br", &brotli), (".gz", &gzip.finish()?)] {
        std::fs::write(out.join(format!("{file}{suffix}")), bytes)?;
    }
    writeln!(
        code,
        "/// `{file}`.\npub(super) const {constant}: Asset = Asset {{\n    path: \"/assets/{stem}-{hash}.{ending}\",\n    \
         plain: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\")),\n    \
         brotli: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}.br\")),\n    \
         gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}.gz\")),\n}};"
    )?;
    Ok(())
}

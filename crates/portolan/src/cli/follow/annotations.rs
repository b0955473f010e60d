//! What is wrong with an offer as annotations of GitHub Actions, and all of it in the summary of the job.

use crate::cli::print::plain;
use crate::cli::source::{Flaw, Source};
use std::io::Write;

/// GitHub shows ten of a step: one is for what else there is.
const MOST: usize = 9;

/// Writes annotations to standard error, where GitHub reads them too, and a list to the summary, where there is one.
pub(in crate::cli) fn annotate(offer: &str, flaws: &[(&'static str, Flaw<'_>)], source: Option<&Source>) {
    if flaws.is_empty() {
        return;
    }
    let text: String = annotations(flaws, source).iter().map(|line| format!("{line}\n")).collect();
    // Annotations come besides: whoever cannot have them has the lines.
    let _ = std::io::stderr().write_all(text.as_bytes());
    if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(summary(offer, flaws, source).as_bytes()));
    }
}

fn annotations(flaws: &[(&'static str, Flaw<'_>)], source: Option<&Source>) -> Vec<String> {
    let one = |(level, flaw): &(&'static str, Flaw<'_>)| {
        let place = source.zip(flaw.target).and_then(|(source, target)| source.place(target));
        let place = place.as_ref().and_then(|place| place.rsplit_once(':'));
        let mut properties: Vec<String> = Vec::new();
        if let Some((file, line)) = place {
            properties.push(format!("file={},line={line}", property(file)));
        }
        properties.extend(flaw.rule.filter(|rule| !rule.is_empty()).map(|rule| format!("title={}", property(rule))));
        let gap = if properties.is_empty() { "" } else { " " };
        format!("::{level}{gap}{}::{}", properties.join(","), data(&said(flaw)))
    };
    let mut lines: Vec<String> = flaws.iter().take(MOST).map(one).collect();
    if let Some(more @ 1..) = flaws.len().checked_sub(MOST) {
        lines
            .push(format!("::notice::{more} more: all {} are in the summary of the job, and in its log.", flaws.len()));
    }
    lines
}

fn said(flaw: &Flaw<'_>) -> String {
    let field = flaw.target.filter(|target| !target.is_empty()).map(|target| format!("{target}: ")).unwrap_or_default();
    let mend = flaw.mend.map(|mend| format!(" Fix: {mend}")).unwrap_or_default();
    format!("{field}{}{mend}", flaw.text)
}

/// Text as the data of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text as a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn summary(offer: &str, flaws: &[(&'static str, Flaw<'_>)], source: Option<&Source>) -> String {
    let cell = |text: &str| {
        let text = plain(text);
        text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace('`', "'").replace('@', "@\u{200b}")
    };
    let mut text = format!("### {}\n\n| | Field | What | Rule | Place |\n|---|---|---|---|---|\n", cell(offer));
    for (level, flaw) in flaws {
        let place = source.zip(flaw.target).and_then(|(source, target)| source.place(target)).unwrap_or_default();
        let mend = flaw.mend.map(|mend| format!(" Fix: {mend}")).unwrap_or_default();
        let what = format!("{}{mend}", flaw.text);
        let cells = [level, flaw.target.unwrap_or_default(), &what, flaw.rule.unwrap_or_default(), &place].map(cell);
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::{annotations, summary};
    use crate::cli::source::{Flaw, Source};
    use std::io::Write;

    #[test]
    fn annotations_are_few_and_escaped() {
        let mut file = tempfile::Builder::new().prefix("a,b").suffix(".json").tempfile().unwrap();
        file.write_all(b"{\n\"definition\": {\n\"smallLogo\": 1}}").unwrap();
        let source = Source::read(file.path().to_str().unwrap()).unwrap();
        let flaw = Flaw {
            text: "100% wrong\n::error::no | <b>",
            mend: Some("mend it"),
            rule: Some("IMG:048"),
            target: Some("/definition/smallLogo"),
        };
        let lines = annotations(&vec![("error", flaw); 12], Some(&source));
        assert_eq!(lines.len(), 10);
        let name = file.path().to_str().unwrap().replace(',', "%2C");
        let first = format!(
            "::error file={name},line=3,title=IMG%3A048::/definition/smallLogo: 100%25 wrong%0A::error::no | <b> Fix: mend it"
        );
        assert_eq!(lines[0], first);
        assert!(lines[9].starts_with("::notice::3 more: all 12"), "{}", lines[9]);
        assert_eq!(
            annotations(&[("warning", Flaw { rule: None, target: None, ..flaw })], None)[0].split("::").nth(1),
            Some("warning")
        );
        let list = summary("x", &[("error", flaw); 12], None);
        assert_eq!((list.matches("\\| &lt;b>").count(), list.lines().count()), (12, 17), "{list}");
    }
}

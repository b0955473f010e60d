//! Texts of a definition that may be HTML: what may be shown of them.

use crate::markup;

/// A description as HTML whose headings begin at a level and never leave one out; none where it says nothing.
pub(super) fn description(text: &str, first_heading: u8) -> Option<String> {
    let html = if text.contains('<') {
        markup::listing(text)
    } else {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| format!("<p>{}</p>", markup::listing(line))).collect()
    };
    (!html.trim().is_empty()).then(|| headings_in_order(&html, first_heading))
}

/// What a text says without its markup; none where it says nothing.
pub(super) fn plain(text: &str) -> Option<String> {
    let text = markup::plain_text(text);
    (!text.is_empty()).then_some(text)
}

/// Sanitised HTML, whose tags are therefore all spelled `<h3>`, with each heading at most one level below the one before it.
fn headings_in_order(html: &str, first: u8) -> String {
    let (mut ordered, mut before, mut open) = (String::with_capacity(html.len()), first - 1, Vec::new());
    for (at, piece) in html.split('<').enumerate() {
        if at > 0 {
            ordered.push('<');
        }
        let (slash, tag) = piece.strip_prefix('/').map_or(("", piece), |tag| ("/", tag));
        let heading = tag.strip_prefix('h').filter(|_| at > 0).and_then(|rest| rest.split_once('>'));
        let Some((given, rest)) = heading.and_then(|(level, rest)| Some((level.parse::<u8>().ok()?, rest))) else {
            ordered.push_str(piece);
            continue;
        };
        let level = if slash.is_empty() {
            before = given.clamp(first, (before + 1).min(6));
            open.push(before);
            before
        } else {
            open.pop().unwrap_or(given)
        };
        ordered.push_str(&format!("{slash}h{level}>{rest}"));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::{description, headings_in_order};

    #[test]
    fn headings_leave_no_level_out() {
        for (given, ordered) in [
            ("<h5>a</h5><h6>b</h6><h3>c</h3><h6>d</h6>", "<h3>a</h3><h4>b</h4><h3>c</h3><h4>d</h4>"),
            ("<p>h3> x</p>", "<p>h3> x</p>"),
            ("no tags", "no tags"),
        ] {
            assert_eq!(headings_in_order(given, 3), ordered, "{given}");
        }
        assert_eq!(headings_in_order("<h3>a</h3>", 4), "<h4>a</h4>");
    }

    #[test]
    fn plain_text_becomes_paragraphs_and_html_loses_what_it_may_not_hold() {
        assert_eq!(description("One & two\n\n three ", 3).unwrap(), "<p>One &amp; two</p><p>three</p>");
        assert_eq!(description("<p>x</p><script>y</script>", 3).unwrap(), "<p>x</p>");
        assert_eq!(description(" \n", 3), None);
        assert_eq!(description("<script>y</script>", 3), None);
    }
}

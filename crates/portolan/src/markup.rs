//! HTML that outsiders send: what of it may stay, what it says as plain text, and plain text as HTML.

use ammonia::{Builder, UrlRelative};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What a message may hold.
const MESSAGE_TAGS: [&str; 11] = ["a", "b", "br", "code", "em", "i", "li", "ol", "p", "strong", "ul"];

/// What an offer's description may hold beside that: headings below the page's own, and tables.
const LISTING_TAGS: [&str; 14] =
    ["h3", "h4", "h5", "h6", "table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"];

/// Tags that begin and end a line of plain text.
const LINE_TAGS: [&str; 36] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "caption",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tr",
    "ul",
    "option",
];

/// Tags between whose contents plain text has a space.
const CELL_TAGS: [&str; 2] = ["td", "th"];

/// Tags that go with all that is in them: none of it is meant to be read.
const UNREAD_TAGS: [&str; 9] =
    ["iframe", "math", "noembed", "noframes", "noscript", "script", "style", "svg", "template"];

/// How many `<` there may be in a message and in a description. A parser opens elements again where they were nested
/// wrongly, so the work can rise with the square of this number.
const MOST_MESSAGE_TAGS: usize = 200;
const MOST_LISTING_TAGS: usize = 1_000;

/// How many times longer than what came in the result may be. `<a>` gets its `rel` and its end: 14 times.
const GROWTH: usize = 16;

/// How often a text is sanitised until nothing changes any more. Two rounds do, where nobody attacks.
const ROUNDS: usize = 8;

static MESSAGE: LazyLock<Builder<'static>> = LazyLock::new(|| allowing(MESSAGE_TAGS.into()));
static LISTING: LazyLock<Builder<'static>> =
    LazyLock::new(|| allowing(MESSAGE_TAGS.into_iter().chain(LISTING_TAGS).collect()));
static LINES: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = allowing(LINE_TAGS.into_iter().chain(CELL_TAGS).collect());
    builder.tag_attributes(HashMap::new()).link_rel(None);
    builder
});

fn allowing(tags: HashSet<&'static str>) -> Builder<'static> {
    let mut builder = Builder::empty();
    builder
        .tags(tags)
        .clean_content_tags(UNREAD_TAGS.into())
        // It is not empty in an empty builder.
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
}

/// What of a message's HTML may be shown: paragraphs, lists, emphasis, code, and links to http, https and mailto. At most
/// 16 times as long as what came in. What holds more than 200 tags is shown as it was written, tags and all.
pub fn message(html: &str) -> String {
    sanitised(&MESSAGE, html, MOST_MESSAGE_TAGS)
}

/// What of an offer's description may be shown on a page: as [`message`], with headings, tables, and 1,000 tags.
pub fn listing(html: &str) -> String {
    sanitised(&LISTING, html, MOST_LISTING_TAGS)
}

/// Sanitises until nothing changes any more: what browsers would take apart in another way than the parser here is not
/// handed out.
fn sanitised(builder: &Builder<'_>, html: &str, most_tags: usize) -> String {
    if html.matches('<').count() > most_tags {
        return as_written(html);
    }
    let mut before = html.to_owned();
    for _ in 0..ROUNDS {
        let clean = visible(&builder.clean(&before).to_string());
        if clean == before {
            return clean;
        }
        if clean.len() > html.len() * GROWTH {
            break;
        }
        before = clean;
    }
    as_written(&plain_text(html))
}

/// The text as HTML, as a sanitiser would write it.
fn as_written(text: &str) -> String {
    let text = visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('\u{a0}', "&nbsp;")
}

/// What HTML says, as plain text: entities decoded, a line for each block, one space where there were many.
/// What holds more than 1,000 tags stays as it was written.
pub fn plain_text(html: &str) -> String {
    if html.matches('<').count() > MOST_LISTING_TAGS {
        return visible(html);
    }
    // After this, `<` only begins a tag without attributes, and the only entities are the four that are decoded below.
    let clean = LINES.clean(html).to_string();
    let mut lines = String::with_capacity(clean.len());
    for (at, piece) in clean.split('<').enumerate() {
        let (tag, text) = if at == 0 { ("", piece) } else { piece.split_once('>').unwrap_or((piece, "")) };
        let breaks = !tag.is_empty() && !CELL_TAGS.contains(&tag.trim_start_matches('/'));
        lines.push_str(if breaks { "\n" } else { " " });
        // A line break inside a text is but a space in HTML.
        lines.push_str(&text.replace(['\n', '\r'], " "));
    }
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = lines.lines().map(words).filter(|line| !line.is_empty()).collect();
    let decoded = lines.join("\n").replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ");
    visible(&decoded.replace("&amp;", "&"))
}

/// Plain text as HTML that says the same and does nothing.
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// The text without control characters (line breaks and tabs stay) and without those that turn the direction of what
/// follows: a reader would see another text than the one that is there.
pub fn visible(text: &str) -> String {
    let hidden = |character: char| {
        character.is_control() && !matches!(character, '\n' | '\t')
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|character| !hidden(*character)).collect()
}

#[cfg(test)]
mod tests {
    use super::{GROWTH, LISTING_TAGS, MESSAGE_TAGS, escape, listing, message, plain_text};
    use html5ever::tendril::StrTendril;
    use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
    use std::cell::RefCell;
    use std::time::{Duration, Instant};

    /// Everything in a text that is not among what may be there. None of the allowed tags changes how a tokenizer reads
    /// what follows, so that what it sees is what every parser sees.
    struct Forbidden<'a>(&'a [&'a str], RefCell<Vec<String>>);

    impl TokenSink for Forbidden<'_> {
        type Handle = ();

        fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
            let mut forbidden = self.1.borrow_mut();
            match token {
                Token::TagToken(tag) => {
                    if !self.0.contains(&&*tag.name) {
                        forbidden.push(format!("tag {}", tag.name));
                    }
                    for attribute in &tag.attrs {
                        let (name, value) = (&*attribute.name.local, &*attribute.value);
                        let known = match (&*tag.name, name) {
                            ("a", "rel") => value == "noopener noreferrer nofollow",
                            ("a", "href") => url::Url::parse(value)
                                .is_ok_and(|url| ["http", "https", "mailto"].contains(&url.scheme())),
                            _ => false,
                        };
                        if !known {
                            forbidden.push(format!("attribute {name}={value}"));
                        }
                    }
                }
                Token::DoctypeToken(_) | Token::CommentToken(_) => forbidden.push("comment or doctype".into()),
                Token::CharacterTokens(text) if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') => {
                    forbidden.push("control character".into());
                }
                Token::ParseError(what) => forbidden.push(what.into_owned()),
                _ => {}
            }
            TokenSinkResult::Continue
        }
    }

    fn forbidden(html: &str, tags: &[&str]) -> Vec<String> {
        let sink = Forbidden(tags, RefCell::default());
        let tokenizer = Tokenizer::new(sink, TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() });
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        tokenizer.sink.1.into_inner()
    }

    const VECTORS: &[&str] = &[
        "<script>alert(1)</script>",
        "<script src=//x.example></script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<svg/onload=alert(1)//",
        "<svg><script>alert(1)</script></svg>",
        "<svg><animate attributeName=href values=javascript:alert(1) /><a id=x><text>x</text></a>",
        "<svg><use href=\"data:image/svg+xml;base64,PHN2Zz4=#x\"></use></svg>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        "<math><mtext><table><mglyph><style><math><!--</style><img title=\"--><img src=1 onerror=alert(1)>\">",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<math href=javascript:alert(1)>x</math>",
        "<math><annotation-xml encoding=\"text/html\"><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
        "<svg><foreignObject><p><style><!--</style><img src=x onerror=alert(1)>--></foreignObject></svg>",
        "<svg><desc><table><thead title=\"</desc><img src=x onerror=alert(1)>\"></table></desc></svg>",
        "<a href=javascript:alert(1)>x</a>",
        "<a href=\" javascript:alert(1)\">x</a>",
        "<a href=\"java\tscript:alert(1)\">x</a>",
        "<a href=\"java\nscript:alert(1)\">x</a>",
        "<a href=\"&#106;avascript:alert(1)\">x</a>",
        "<a href=\"&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)\">x</a>",
        "<a href=\"javascript&colon;alert(1)\">x</a>",
        "<a href=\"java&Tab;script:alert(1)\">x</a>",
        "<a href=\"&#1;javascript:alert(1)\">x</a>",
        "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
        "<a href=\"javascript://https://x.example/%0aalert(1)\">x</a>",
        "<a href=\"vbscript:msgbox(1)\">x</a>",
        "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
        "<a href=\"blob:https://x.example/1\">x</a>",
        "<a href=\"filesystem:https://x.example/1\">x</a>",
        "<a href=\"file:///etc/passwd\">x</a>",
        "<a href=\"//x.example\">x</a>",
        "<a href=\"\\\\x.example\">x</a>",
        "<a href=\"/sign-out\">x</a>",
        "<a href=\"https:x.example\" onclick=alert(1) style=color:red id=x name=x target=_top ping=//x>x</a>",
        "<a href=https://x.example/ HREF=javascript:alert(1)>x</a>",
        "<a xlink:href=javascript:alert(1)>x</a>",
        "<a rel=opener href=http://x.example>x</a>",
        "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "<iframe src=javascript:alert(1)>",
        "<object data=javascript:alert(1)></object>",
        "<embed src=javascript:alert(1)>",
        "<base href=//x.example/>",
        "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
        "<link rel=stylesheet href=//x.example>",
        "<style>@import '//x.example';</style>",
        "<p style=\"background:url(javascript:alert(1))\">x</p>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
        "<template><script>alert(1)</script></template>",
        "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\"></textarea>",
        "<title><p title=\"</title><img src=x onerror=alert(1)>\"></title>",
        "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\"></xmp>",
        "<noembed><p title=\"</noembed><img src=x onerror=alert(1)>\"></noembed>",
        "<plaintext><img src=x onerror=alert(1)>",
        "<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
        "<select><template><img src=x onerror=alert(1)></template></select>",
        "<select><option><style></select><img src=x onerror=alert(1)></style>",
        "<form action=javascript:alert(1)><button>x</button></form>",
        "<input autofocus onfocus=alert(1)><details open ontoggle=alert(1)>x</details>",
        "<isindex action=javascript:alert(1) type=image>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<!--!><img src=x onerror=alert(1)>--!>",
        "<![CDATA[<img src=x onerror=alert(1)>]]>",
        "<?xml-stylesheet href=javascript:alert(1)?><?php echo 1 ?>",
        "<!DOCTYPE html [<!ENTITY x \"<script>alert(1)</script>\">]>&x;",
        "<<script>alert(1)//<</script>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<img \"\"\"><script>alert(1)</script>\">",
        "<a/href='javascript:alert(1)'/>x",
        "<x:script xmlns:x=http://www.w3.org/1999/xhtml>alert(1)</x:script>",
        "<b <script>alert(1)</script>0",
        "<table><td><a href=javascript:alert(1)><table><a>x",
        "<p><a href=https://x.example>x<p><a href=https://y.example>y<button><p>z",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&amp;lt;img src=x onerror=alert(1)&amp;gt;",
        "<b>\u{202e}txe.exe</b>&#x202e;&#x2066;&#0;&#13;",
        "{{constructor.constructor('alert(1)')()}}",
        "<li><ul><ol><li>x</ol><p>y<ul>",
        "<b><i><p>x</b></i></p><em><strong>",
        "<h3>x<h4>y</h3><caption><col><th>x",
    ];

    type Mutation = fn(&str) -> String;
    type Sanitise = fn(&str) -> String;

    const MUTATIONS: &[Mutation] = &[
        |v| v.to_owned(),
        |v| v.to_uppercase(),
        |v| v.chars().rev().collect(),
        |v| v.chars().enumerate().map(|(at, c)| if at % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect(),
        |v| v.replace(' ', "/"),
        |v| v.replace(' ', "\t\n"),
        |v| v.replace(' ', "\u{c}"),
        |v| v.replace('<', "<\0"),
        |v| v.replace('>', "\0>"),
        |v| v.replace("script", "scr\0ipt"),
        |v| v.replace("script", "scr\u{ad}ipt"),
        |v| v.replace('"', "'"),
        |v| v.replace('"', "`"),
        |v| v.replace('"', ""),
        |v| v.replace('=', " = "),
        |v| v.replace(':', "&colon;"),
        |v| v.replace('<', "&lt;"),
        |v| v.replace('<', "&lt"),
        |v| v.replace('<', "<<"),
        |v| v.replace('<', "</"),
        |v| v.replace('<', "<!"),
        |v| v.replace('<', "<svg><"),
        |v| v.replace('>', ""),
        |v| v.replace('>', "/>"),
        |v| v.replace("</", "</ "),
        |v| v.replace("alert", "\u{202e}alert\u{2028}"),
        |v| v.chars().map(|c| format!("&#{};", c as u32)).collect(),
        |v| v.chars().map(|c| format!("&#x{:x}", c as u32)).collect(),
        |v| v.chars().take(v.chars().count() / 2).collect(),
        |v| v.chars().take(v.chars().count() - 1).collect(),
        |v| v.chars().skip(1).collect(),
        |v| format!("{v}{v}"),
        |v| format!("\">{v}"),
        |v| format!("'>{v}"),
        |v| format!("-->{v}<!--"),
        |v| format!("]]>{v}"),
        |v| format!("</p></div></body></html>{v}"),
        |v| format!("<a href=\"{v}\">x</a>"),
        |v| format!("<a href='https://x.example/{v}'>x</a>"),
        |v| format!("<a href=https://x.example/?q={v}>x</a>"),
        |v| format!("<a href=\"mailto:{v}\">x</a>"),
        |v| format!("<p title=\"{v}\">x</p>"),
        |v| format!("<b>{v}</b>"),
        |v| format!("<p><button>{v}<p>x"),
        |v| format!("<a><table><a>{v}"),
        |v| format!("<table>{v}</table>"),
        |v| format!("<table><tr><td>{v}<b>"),
        |v| format!("<select>{v}</select>"),
        |v| format!("<svg>{v}</svg>"),
        |v| format!("<svg><title>{v}</title></svg>"),
        |v| format!("<svg><foreignObject>{v}</foreignObject></svg>"),
        |v| format!("<svg><style>{v}</style></svg>"),
        |v| format!("<math>{v}</math>"),
        |v| format!("<math><mtext>{v}</mtext></math>"),
        |v| format!("<math><annotation-xml encoding=text/html>{v}"),
        |v| format!("<math><mtext><table><mglyph><style>{v}</style>"),
        |v| format!("<noscript>{v}</noscript>"),
        |v| format!("<template>{v}</template>"),
        |v| format!("<textarea>{v}</textarea>"),
        |v| format!("<title>{v}</title>"),
        |v| format!("<style>{v}</style>"),
        |v| format!("<xmp>{v}</xmp>"),
        |v| format!("<iframe>{v}</iframe>"),
        |v| format!("<noembed>{v}"),
        |v| format!("<frameset>{v}"),
        |v| format!("<object><param>{v}</object>"),
        |v| format!("<!--{v}-->"),
        |v| format!("<![CDATA[{v}]]>"),
        |v| format!("<code><em>{}</em></code>", escape(v)),
        |v| escape(&escape(v)),
    ];

    #[test]
    fn whatever_is_sent_only_what_is_allowed_comes_out_and_stays_as_it_is() {
        let listing_tags: Vec<&str> = MESSAGE_TAGS.into_iter().chain(LISTING_TAGS).collect();
        let once = VECTORS.iter().flat_map(|vector| MUTATIONS.iter().map(move |mutation| mutation(vector)));
        let mut payloads: Vec<String> = once.collect();
        // What stands beside an attack can change how it is read.
        payloads.extend(VECTORS.iter().flat_map(|one| VECTORS.iter().map(move |other| format!("{one}{other}"))));
        assert!(payloads.len() >= 5_000, "{}", payloads.len());
        let checks: [(Sanitise, &[&str]); 2] = [(message, &MESSAGE_TAGS), (listing, &listing_tags)];
        for payload in &payloads {
            for (sanitise, tags) in checks {
                let clean = sanitise(payload);
                let found = forbidden(&clean, tags);
                assert!(found.is_empty(), "{payload}\n{clean}\n{found:?}");
                assert_eq!(sanitise(&clean), clean, "not a fixed point: {payload}");
                assert!(clean.len() <= payload.len() * GROWTH, "{payload}");
            }
            let text = plain_text(payload);
            assert!(text.len() <= payload.len() * 2, "{payload}");
            assert!(forbidden(&escape(&text), &[]).is_empty(), "{payload}\n{text}");
        }
    }

    #[test]
    fn what_may_stay_stays() {
        let html = "<p>See <a href=\"https://x.example/?a=1&amp;b=2\" rel=\"noopener noreferrer nofollow\">the <b>rules</b></a>,\
                    <br> <code>a &lt; b</code></p><ul><li><em>1</em></li></ul><ol><li><i>2</i> <strong>3</strong></li></ol>";
        assert_eq!(message(html), html);
        let table = "<h3>x</h3><table><caption>c</caption><colgroup><col></colgroup><thead><tr><th>a</th></tr></thead>\
                     <tbody><tr><td>b</td></tr></tbody><tfoot><tr><td>c</td></tr></tfoot></table>";
        assert_eq!(listing(table), table);
        assert_eq!(message("<h3>x</h3><table><tr><td>b"), "xb");
        assert_eq!(message("a<p>b<button><p>c"), "a<p>b</p><p>c</p><p></p>", "as every parser reads it");
    }

    #[test]
    fn plain_text_keeps_what_html_says() {
        for (html, text) in [
            ("<p>One &amp; two</p><p>three</p>", "One & two\nthree"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("<ul><li>a</li><li>b <i>c</i>d</li></ul>", "a\nb cd"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c", "a b\nc"),
            ("  a\n  b&nbsp;c ", "a b c"),
            ("a<b>b</b>c", "abc"),
            ("&amp;lt;b&amp;gt; &lt;b&gt; &eacute;&#x41;", "&lt;b&gt; <b> éA"),
            ("a<script>b</script><style>c</style><svg><title>d</title></svg>", "a"),
            ("1 < 2 > 0", "1 < 2 > 0"),
            ("\u{202e}a\u{0}&#x202e;", "a"),
            ("", ""),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }

    #[test]
    fn a_message_can_hold_no_markup() {
        assert_eq!(escape("<b onclick='x'>\"&"), "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;");
    }

    /// Elements that are nested wrongly are opened again, each in each.
    #[test]
    fn what_is_made_to_take_long_does_not() {
        for (each, block) in [(65, 65), (330, 330), (15_000, 10_000)] {
            let opened: String = (0..each).map(|at| format!("<b a{at}>")).collect();
            let payload = format!("{opened}{}x", "<p>y</p></b>".repeat(block));
            let (begin, longest) = (Instant::now(), payload.len() * GROWTH);
            assert_eq!(message(&message(&payload)), message(&payload));
            for clean in [message(&payload), listing(&payload), escape(&plain_text(&payload))] {
                assert!(clean.len() <= longest, "{}", clean.len());
            }
            assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        }
        for deep in ["<ul><li>", "<b>", "<table><td>", "<svg>", "<!--", "&", "<a href=http:x>", "<p", "'\""] {
            let payload = deep.repeat(20_000);
            assert!(
                listing(&payload).len() <= payload.len() * GROWTH && plain_text(&payload).len() <= payload.len() * 5
            );
        }
    }
}

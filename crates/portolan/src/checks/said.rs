//! The one shape in which a check outside the service says how it stands: read strictly, and within bounds.
//!
//! `docs/checkers.md` shows it to people who write checkers. Members that are not known are passed over, so that it can grow.

use crate::markup::{self, visible};
use publishing::check::Progress;
use publishing::command::{Ending, Report};
use publishing::message::{Level, Message};
use publishing::moment::Moment;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;
use thiserror::Error;
use url::Url;

/// How long a document may be, in bytes.
pub const LONGEST_SAID: usize = 1 << 20;

/// How many messages a check may have.
pub const MOST_MESSAGES: usize = 200;

/// How long a text, a code, and what stands in for a place may be, in characters.
const LONGEST_TEXT: usize = 4_000;
const LONGEST_CODE: usize = 64;
const LONGEST_PLACE: usize = 2_000;

/// The most parts that a progress may be told in.
const MOST_PARTS: u32 = 10_000;

/// The longest time that may be asked for before the next question, in seconds: a day.
const LONGEST_RETRY: u32 = 86_400;

/// The highest sequence: above it, not every program can tell two numbers apart.
const HIGHEST_SEQUENCE: u64 = (1 << 53) - 1;

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It goes on.
    Running,
    /// It has found nothing that stops the step.
    Passed,
    /// The offer cannot be published as it is; the publisher has to change it.
    Rejected,
    /// Somebody has to do something before the check can go on.
    Blocked,
}

/// One thing that a check says to the publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidMessage {
    /// How grave it is.
    pub level: Level,
    /// Plain text, never empty, of at most 4,000 characters.
    pub text: String,
    /// The same as HTML that was sanitised, where it was said as HTML.
    pub html: Option<String>,
    /// A stable code: 1 to 64 letters, digits, `.`, `_` and `-`.
    pub code: Option<String>,
    /// A JSON pointer into the offer.
    pub target: Option<String>,
    /// How it can be mended, as plain text.
    pub mend: Option<String>,
    /// An http or https address where more is told.
    pub link: Option<String>,
}

/// What a check says of itself, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// How it stands.
    pub state: State,
    /// Rises with everything the check says, so that what comes late is known; absent where the checker does not count.
    pub sequence: Option<u64>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// All there is to say so far; at most 200. They take the place of those that were said before.
    pub messages: Vec<SaidMessage>,
    /// After how many seconds to ask again: 1 to 86,400.
    pub retry_after_seconds: Option<u32>,
}

/// What a checker said cannot be taken. The text is for whoever runs the checker.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SaidFault(String);

/// One line of a program that is a check; the members that it has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) progress: Option<Progress>,
    pub(super) message: Option<SaidMessage>,
    pub(super) report: Option<State>,
}

impl Said {
    /// Reads what an outside check answers, calls back with, or says when it is asked.
    ///
    /// # Errors
    /// [`SaidFault`] where it is not of the documented shape, is beyond its bounds, or contradicts itself.
    pub fn read(body: &[u8]) -> Result<Self, SaidFault> {
        if body.len() > LONGEST_SAID {
            return fault(format!("longer than {} KiB; say less", LONGEST_SAID >> 10));
        }
        let Object(said) = parsed::<Object<WireSaid>>(body)?;
        if said.messages.len() > MOST_MESSAGES {
            return fault(format!("more than {MOST_MESSAGES} messages; sum them up"));
        }
        let messages = said.messages.into_iter().enumerate();
        let messages = messages.map(|(at, message)| message.0.read(&format!("/messages/{at}")));
        if said.sequence.is_some_and(|sequence| sequence > HIGHEST_SEQUENCE) {
            return fault(format!("/sequence is above {HIGHEST_SEQUENCE}; count from 1"));
        }
        if said.retry_after_seconds.is_some_and(|seconds| !(1..=LONGEST_RETRY).contains(&seconds)) {
            return fault(format!("/retryAfterSeconds is not between 1 and {LONGEST_RETRY}"));
        }
        Self {
            state: said.state,
            sequence: said.sequence,
            progress: said.progress.map(|progress| counted(progress.0)).transpose()?,
            messages: messages.collect::<Result<_, _>>()?,
            retry_after_seconds: said.retry_after_seconds,
        }
        .agreeing()
    }

    /// What the rules hear of it; each message with this time.
    pub fn report(self, now: Moment) -> Report {
        let ending = match self.state {
            State::Running => Ending::GoesOn,
            State::Passed => Ending::Done,
            State::Rejected => Ending::Rejected,
            State::Blocked => Ending::Blocked,
        };
        let message = |SaidMessage { level, text, html, code, target, mend, link }| Message {
            level,
            text,
            html,
            code,
            target,
            mend,
            link,
            at: now,
        };
        let messages = self.messages.into_iter().map(message).collect();
        Report { progress: self.progress, ..Report::new(ending, messages) }
    }

    /// The same, where its state and its messages agree: whoever stops an offer says why, and an error stops it.
    pub(super) fn agreeing(self) -> Result<Self, SaidFault> {
        let error = self.messages.iter().any(|message| message.level == Level::Error);
        match self.state {
            State::Rejected | State::Blocked if !error => {
                fault("it stops the offer without an error message; say with one what is wrong, and how to mend it")
            }
            State::Passed if error => {
                fault("it passed with an error message; reject the offer, or make the message a warning")
            }
            _ => Ok(self),
        }
    }
}

impl Line {
    /// Reads one line.
    pub(super) fn read(line: &[u8]) -> Result<Self, SaidFault> {
        let Object(line) = parsed::<Object<WireLine>>(line)?;
        if line.report == Some(State::Running) {
            return fault("/report is `running`; report `passed`, `rejected` or `blocked`, once and last");
        }
        Ok(Self {
            progress: line.progress.map(|progress| counted(progress.0)).transpose()?,
            message: line.message.map(|message| message.0.read("/message")).transpose()?,
            report: line.report,
        })
    }
}

/// The progress, where it is within its bounds.
fn counted(progress: Progress) -> Result<Progress, SaidFault> {
    if !(1..=MOST_PARTS).contains(&progress.total) || progress.done > progress.total {
        return fault(format!("/progress needs a total of 1 to {MOST_PARTS}, and no more done than that"));
    }
    Ok(progress)
}

/// A JSON object. What is derived alone would take a list of the members' values too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                // A member that is known and stands there twice is refused in here.
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Members(PhantomData)).map(Object)
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSaid {
    state: State,
    sequence: Option<u64>,
    progress: Option<Object<Progress>>,
    #[serde(default)]
    messages: Vec<Object<WireMessage>>,
    retry_after_seconds: Option<u32>,
}

#[derive(serde::Deserialize)]
struct WireLine {
    progress: Option<Object<Progress>>,
    message: Option<Object<WireMessage>>,
    report: Option<State>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMessage {
    level: Level,
    code: Option<String>,
    message: Option<String>,
    message_html: Option<String>,
    target: Option<String>,
    mend: Option<String>,
    link: Option<String>,
}

impl WireMessage {
    /// The message; `at` says where it stands, for faults.
    fn read(self, at: &str) -> Result<SaidMessage, SaidFault> {
        let bounded = |name: &str, text: Option<String>, longest: usize| match text {
            Some(text) if text.chars().count() > longest => {
                fault(format!("{at}/{name} is longer than {longest} characters; shorten it"))
            }
            text => Ok(text),
        };
        let source = bounded("messageHtml", self.message_html, LONGEST_TEXT)?;
        let text = bounded("message", self.message, LONGEST_TEXT)?.map(|text| said_text(&text));
        // What says nothing as text says nothing: HTML of nothing but tags is no message.
        let text = text.filter(|text| !text.is_empty()).or_else(|| source.as_deref().map(markup::plain_text));
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return fault(format!("{at} says nothing; give it a `message`, or a `messageHtml`"));
        };
        let code = self.code;
        let in_code = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if code.as_ref().is_some_and(|code| !(1..=LONGEST_CODE).contains(&code.len()) || !code.bytes().all(in_code)) {
            return fault(format!(
                "{at}/code is not made of 1 to {LONGEST_CODE} letters, digits, `.`, `_` and `-`; leave it out, or mend it"
            ));
        }
        let target = bounded("target", self.target, LONGEST_PLACE)?;
        if target.as_ref().is_some_and(|target| !is_pointer(target)) {
            return fault(format!("{at}/target is no JSON pointer; write it like /definition/offer/name"));
        }
        let link = match bounded("link", self.link, LONGEST_PLACE)?.map(|link| Url::parse(&link)) {
            None => None,
            Some(Ok(link)) if matches!(link.scheme(), "http" | "https") => Some(link.into()),
            Some(_) => return fault(format!("{at}/link is no http or https address; leave it out, or mend it")),
        };
        let mend = bounded("mend", self.mend, LONGEST_TEXT)?.map(|mend| said_text(&mend));
        Ok(SaidMessage {
            level: self.level,
            text,
            html: source.as_deref().map(markup::message),
            code,
            target,
            mend: mend.filter(|mend| !mend.is_empty()),
            link,
        })
    }
}

fn said_text(text: &str) -> String {
    visible(text).trim().to_owned()
}

fn is_pointer(text: &str) -> bool {
    let escaped = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escaped && visible(text) == text
}

fn parsed<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, SaidFault> {
    // The whole of it: in what is passed over, serde_json would not look.
    let Ok(text) = std::str::from_utf8(json) else { return fault("not UTF-8; send UTF-8") };
    serde_json::from_str(text).or_else(|error| fault(format!("not of the documented shape: {error}; correct it there")))
}

fn fault<T>(text: impl Into<String>) -> Result<T, SaidFault> {
    Err(SaidFault(text.into()))
}

#[cfg(test)]
mod tests {
    use super::{Level, Line, MOST_MESSAGES, Progress, Said, SaidMessage, State};
    use serde_json::{Value, json};

    fn read(said: &Value) -> Result<Said, String> {
        Said::read(said.to_string().as_bytes()).map_err(|fault| fault.to_string())
    }

    fn message(members: Value) -> Result<SaidMessage, String> {
        let mut message = json!({"level": "error", "message": "x"});
        message.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        read(&json!({"state": "rejected", "messages": [message]})).map(|said| said.messages[0].clone())
    }

    #[test]
    fn what_is_documented_is_read() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/checkers.md")).unwrap();
        let example = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        let said = Said::read(example.as_bytes()).unwrap();
        assert_eq!(
            said,
            Said {
                state: State::Rejected,
                sequence: Some(3),
                progress: Some(Progress { done: 3, total: 8 }),
                messages: vec![SaidMessage {
                    level: Level::Error,
                    text: "The logo is 40 x 40.".into(),
                    html: Some("The logo is <b>40 x 40</b>.".into()),
                    code: Some("IMG-048".into()),
                    target: Some("/definition/offer/logo".into()),
                    mend: Some("Upload 48 x 48.".into()),
                    link: Some("https://rules.example/IMG-048".into()),
                }],
                retry_after_seconds: Some(30),
            }
        );
        let least = read(&json!({"state": "running"})).unwrap();
        assert_eq!((least.sequence, least.progress, least.messages.len()), (None, None, 0));
    }

    #[test]
    fn the_documented_schema_takes_what_is_read() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/checkers.md")).unwrap();
        let blocks: Vec<&str> =
            page.split("```json\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
        let schema = blocks.iter().map(|block| serde_json::from_str::<Value>(block).unwrap());
        let schema = schema.into_iter().find(|block| block.get("$schema").is_some()).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        for (said, taken) in [
            (serde_json::from_str(blocks[0]).unwrap(), true),
            (json!({"state": "running", "more": 1}), true),
            (json!({"state": "passed", "messages": [{"level": "warning", "message": "x"}]}), true),
            (json!({"state": "passed", "messages": [{"level": "error", "message": "x"}]}), false),
            (json!({"state": "rejected", "messages": [{"level": "warning", "message": "x"}]}), false),
            (json!({"state": "blocked"}), false),
            (json!({"state": "done"}), false),
            (json!({"state": "running", "progress": [1, 2]}), false),
            (json!({"state": "running", "progress": {"done": 0, "total": 0}}), false),
            (json!({"state": "running", "retryAfterSeconds": 0}), false),
            (json!({"state": "running", "messages": [{"level": "error"}]}), false),
            (json!({"state": "running", "messages": [{"level": "error", "message": "x", "code": "a b"}]}), false),
            (json!({"state": "running", "messages": [{"level": "error", "message": "x", "target": "a"}]}), false),
            (json!({"state": "running", "messages": [{"level": "error", "message": "x", "link": "ftp://x"}]}), false),
        ] {
            assert_eq!(read(&said).is_ok(), taken, "{said}");
            assert_eq!(schema.is_valid(&said), taken, "{said}");
        }
    }

    #[test]
    fn what_is_doubled_misshapen_or_beyond_bounds_is_refused() {
        for (said, words) in [
            (r#"{"state":"passed","state":"rejected"}"#, "duplicate field `state`"),
            (r#"{"state":"running","messages":[{"level":"error","level":"warning","message":"x"}]}"#, "duplicate"),
            (r#"["running"]"#, "a JSON object"),
            (r#"{"state":"running","progress":[1,2]}"#, "a JSON object"),
            (r#"{"state":"running","messages":[["error"]]}"#, "a JSON object"),
            (r#"{"state":"Running"}"#, "unknown variant"),
            (r#"{"state":"running"} {}"#, "trailing"),
            (r#"{"state":"running","sequence":-1}"#, "invalid value"),
            (r#"{"state":"running","sequence":9007199254740992}"#, "/sequence"),
            (r#"{"state":"running","progress":{"done":3,"total":2}}"#, "/progress"),
            (r#"{"state":"running","progress":{"done":1,"total":10001}}"#, "/progress"),
            (r#"{"state":"running","retryAfterSeconds":86401}"#, "/retryAfterSeconds"),
            (r#"{"sequence":1}"#, "missing field `state`"),
            ("", "EOF"),
            ("\u{feff}{\"state\":\"running\"}", "expected value"),
        ] {
            let fault = Said::read(said.as_bytes()).unwrap_err().to_string();
            assert!(fault.contains(words), "{said}: {fault}");
        }
        assert!(Said::read(b"{\"state\":\"running\",\"x\":\"\xff\"}").is_err());
        assert!(Said::read(format!(r#"{{"state":"running","x":{}"#, "[".repeat(100_000)).as_bytes()).is_err());
        let long = |length: usize| format!(r#"{{"state":"running","x":"{}"}}"#, "x".repeat(length - 26));
        assert!(Said::read(long(1 << 20).as_bytes()).is_ok());
        assert!(Said::read(long((1 << 20) + 1).as_bytes()).unwrap_err().to_string().contains("1024 KiB"));
        let many = |count: usize| json!({"state": "running", "messages": vec![json!({"level": "error", "message": "x"}); count]});
        assert!(read(&many(MOST_MESSAGES)).is_ok());
        assert!(read(&many(MOST_MESSAGES + 1)).unwrap_err().contains("200 messages"));
    }

    #[test]
    fn messages_are_within_bounds() {
        for (members, words) in [
            (json!({"message": "é".repeat(4_001)}), "/messages/0/message is longer"),
            (json!({"messageHtml": "é".repeat(4_001)}), "/messages/0/messageHtml is longer"),
            (json!({"mend": "é".repeat(4_001)}), "/messages/0/mend is longer"),
            (json!({"message": " \u{202e}\u{0}\n"}), "says nothing"),
            (json!({"message": null, "messageHtml": "<p><script>x</script>"}), "says nothing"),
            (json!({"code": ""}), "/code"),
            (json!({"code": "a".repeat(65)}), "/code"),
            (json!({"code": "ä"}), "/code"),
            (json!({"target": "definition"}), "/target"),
            (json!({"target": "/a~2"}), "/target"),
            (json!({"target": "/a~"}), "/target"),
            (json!({"target": "/\u{202e}a"}), "/target"),
            (json!({"link": "javascript:alert(1)"}), "/link"),
            (json!({"link": "/rules"}), "/link"),
            (json!({"link": ""}), "/link"),
            (json!({"level": "fatal"}), "unknown variant"),
        ] {
            let fault = message(members.clone()).unwrap_err();
            assert!(fault.contains(words), "{members}: {fault}");
        }
        assert_eq!(message(json!({"message": "é".repeat(4_000)})).unwrap().text.chars().count(), 4_000);
        let taken = message(json!({
            "message": " \u{202e}one\u{2066}\r\n\ttwo\u{7} ", "mend": "\u{0}", "target": "", "code": "A.b_c-1",
            "link": "https://x.example/\u{202e}"
        }));
        let taken = taken.unwrap();
        assert_eq!((taken.text.as_str(), taken.html, taken.mend), ("one\n\ttwo", None, None));
        assert_eq!((taken.target.as_deref(), taken.code.as_deref()), (Some(""), Some("A.b_c-1")));
        assert_eq!(taken.link.as_deref(), Some("https://x.example/%E2%80%AE"));
    }

    #[test]
    fn html_is_sanitised_on_the_way_in_and_said_as_text_too() {
        let taken =
            message(json!({"message": null, "messageHtml": "<p onclick=x>a &lt; <b>b</b></p><script>c</script>"}));
        let taken = taken.unwrap();
        assert_eq!((taken.text.as_str(), taken.html.as_deref()), ("a < b", Some("<p>a &lt; <b>b</b></p>")));
        let both = message(json!({"message": "text", "messageHtml": "<i>html</i>"})).unwrap();
        assert_eq!((both.text.as_str(), both.html.as_deref()), ("text", Some("<i>html</i>")));
    }

    #[test]
    fn whoever_stops_an_offer_says_why() {
        let said =
            |state: &str, level: &str| read(&json!({"state": state, "messages": [{"level": level, "message": "x"}]}));
        for state in ["rejected", "blocked"] {
            assert!(said(state, "error").is_ok());
            assert!(said(state, "warning").unwrap_err().contains("without an error message"));
            assert!(read(&json!({"state": state})).unwrap_err().contains("without an error message"));
        }
        assert!(said("running", "error").is_ok() && said("passed", "warning").is_ok());
        assert!(said("passed", "error").unwrap_err().contains("passed with an error"));
    }

    #[test]
    fn lines_are_read_one_by_one() {
        let line = |text: &str| Line::read(text.as_bytes());
        assert_eq!(line(r#"{"report":"passed"}"#).unwrap().report, Some(State::Passed));
        assert!(line(r#"{"report":"running"}"#).is_err() && line("rubbish").is_err() && line("[]").is_err());
        assert!(line(r#"{"report":"passed","report":"passed"}"#).is_err());
        let unknown = line(r#"{"heartbeat":{"a":[1]}}"#).unwrap();
        assert_eq!(unknown, Line { progress: None, message: None, report: None });
    }
}

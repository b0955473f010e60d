//! Writes mails: what was true of an offer when something happened to it, as text and as HTML that say the same.
//!
//! Names and messages are outsiders'. They come into headers, text and HTML as one line each, without what hides or turns round.

use crate::links::Links;
use crate::markup::visible;
use crate::store::{Notice, Words, receiver, stable_id};
use crate::wire;
use anyhow::{Context, Result};
use api::state::State;
use api::status::{Message as Said, MessageLevel, StatusDocument, StepStatus};
use askama::Template;
use lettre::message::header::{ContentTransferEncoding, ContentType, Date, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::{Address, address::Envelope};
use publishing::happening::Happening;
use publishing::moment::{Moment, TICKS_PER_SECOND, UNIX_EPOCH_TICKS};
use publishing::offer::OfferKey;
use uuid::Uuid;

/// How many characters a name, a sentence and a code may have.
const LONGEST_NAME: usize = 100;
const LONGEST_TEXT: usize = 600;
const LONGEST_CODE: usize = 60;

/// How many messages a mail has; the page has all.
const MOST_SAID: usize = 20;

/// Writes mails of this installation.
#[derive(Debug)]
pub struct Composer {
    from: Mailbox,
    links: Links,
    host: String,
}

/// What a mail tells: an offer at the moment of a line of the journal.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The letter, the same at each try.
    pub id: Uuid,
    /// When it happened.
    pub at: Moment,
    /// The offer.
    pub key: &'a OfferKey,
    /// What was so then.
    pub words: &'a Words,
    /// The status document of then.
    pub document: &'a StatusDocument,
    /// The member's subscription; none for an address that was given at publish.
    pub subscription: Option<Uuid>,
}

/// What the text of a mail is written from; the HTML is written from the same.
#[derive(Template)]
#[template(path = "mail/told.txt")]
struct Page {
    title: String,
    name: String,
    offer: String,
    headline: String,
    next: String,
    until: Option<String>,
    said: Vec<Row>,
    more: usize,
    page: String,
    at: String,
    why: String,
}

#[derive(Template)]
#[template(path = "mail/told.html")]
struct HtmlPage<'a> {
    page: &'a Page,
}

struct Row {
    level: &'static str,
    code: Option<String>,
    text: String,
    mend: Option<String>,
}

#[derive(Template)]
#[template(path = "mail/notice.txt")]
struct NoticePage {
    title: String,
    text: String,
    mend: &'static str,
    why: &'static str,
}

#[derive(Template)]
#[template(path = "mail/notice.html")]
struct HtmlNotice<'a> {
    page: &'a NoticePage,
}

/// A mail as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// To whom.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says, as plain text.
    pub text: String,
    /// The same with markup.
    pub html: String,
    /// Headers and body, as they are sent.
    pub source: Vec<u8>,
}

impl Composer {
    /// Writes mails from this mailbox, that lead to these addresses.
    pub fn new(from: Mailbox, links: Links) -> Self {
        let authority = links.public_url().split("://").last().unwrap_or_default();
        let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => format!("[IPv6:{address}]"),
            None => authority.split(':').next().unwrap_or_default().to_owned(),
        };
        Self { from, links, host }
    }

    /// This installation's host, without a port.
    pub fn host(&self) -> &str {
        self.host.strip_prefix("[IPv6:").unwrap_or(&self.host)
    }

    /// A mail about an offer.
    ///
    /// # Errors
    /// Where a template or a header cannot be written.
    pub fn told(&self, to: &Address, told: &Told<'_>) -> Result<Written> {
        let Told { key, words, .. } = told;
        let name = Some(line(&words.name, LONGEST_NAME)).filter(|name| !name.is_empty());
        let (said, more) = said(told.document);
        let page = Page {
            title: title(State::of_document(told.document), words.happening),
            name: name.unwrap_or_else(|| key.offer.as_str().to_owned()),
            offer: key.offer.as_str().to_owned(),
            headline: line(&words.headline, LONGEST_TEXT),
            next: line(&words.next, LONGEST_TEXT),
            until: words.until.map(|until| match &words.then {
                Some(then) => format!("It {then} {}", minute(until)),
                None => format!("Until {}", minute(until)),
            }),
            said,
            more,
            page: self.links.status_page(key),
            at: minute(told.at),
            why: why(told),
        };
        let subject = format!("{}: {} ({})", page.title, page.name, page.offer);
        let unsubscribe = match told.subscription {
            Some(subscription) => self.links.end_subscription(subscription),
            None => self.links.end_mails(key, receiver(to.as_ref())),
        };
        let version = words.version.unwrap_or_default().to_string();
        let root = stable_id(&["thread", &key.name(), &version, &receiver(to.as_ref()).to_string()]);
        let list = format!("{}.{}.{}", key.offer.as_str(), key.publisher.folded(), self.host);
        let list: String = list.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        let headers = [
            ("In-Reply-To", self.message_id(root)),
            ("References", self.message_id(root)),
            ("List-Id", format!("<{list}>")),
            ("List-Unsubscribe", format!("<{unsubscribe}>")),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
        ];
        let (text, html) = (page.render()?, HtmlPage { page: &page }.render()?);
        self.mail(to, told.id, told.at, &subject, &headers, text, html)
    }

    /// A mail about a subscription.
    ///
    /// # Errors
    /// As [`Self::told`].
    pub fn notice(&self, to: &Address, id: Uuid, at: Moment, notice: &Notice) -> Result<Written> {
        let Notice::WebhookDisabled { subscription, url, publisher, since } = notice;
        let url = line(url, LONGEST_NAME);
        let whose = if publisher.is_empty() { "the marketplace".to_owned() } else { line(publisher, LONGEST_NAME) };
        let page = NoticePage {
            title: format!("Webhook disabled: {url}"),
            text: format!(
                "The webhook {subscription} of {whose} took nothing since {} UTC, and nothing is sent there any more.",
                minute(*since)
            ),
            mend: "Mend the receiver, then enable the webhook again. What was not delivered can be delivered again from its log.",
            why: "You get this mail because you manage the webhooks it is about.",
        };
        let subject = page.title.clone();
        let (text, html) = (page.render()?, HtmlNotice { page: &page }.render()?);
        self.mail(to, id, at, &subject, &[], text, html)
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of a mail, each once")]
    fn mail(
        &self,
        to: &Address,
        id: Uuid,
        at: Moment,
        subject: &str,
        headers: &[(&'static str, String)],
        text: String,
        html: String,
    ) -> Result<Written> {
        let date = Date::parse(&rfc_2822(at)?).ok().context("a date that is none")?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()])?;
        let mut builder = Message::builder()
            .envelope(envelope)
            .date(date.into())
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(encodable(subject))
            .raw_header(raw("Message-ID", &self.message_id(id)))
            .raw_header(raw("Auto-Submitted", "auto-generated"));
        for (name, value) in headers {
            builder = builder.raw_header(raw(name, value));
        }
        // Both parts are quoted-printable, in which no line begins like this.
        let parts = MultiPart::alternative().boundary(format!("=_{}", id.simple()));
        let parts = parts
            .singlepart(part(ContentType::TEXT_PLAIN, text.clone()))
            .singlepart(part(ContentType::TEXT_HTML, html.clone()));
        let source = builder.multipart(parts)?.formatted();
        Ok(Written { to: to.to_string(), subject: subject.to_owned(), text, html, source })
    }

    fn message_id(&self, id: Uuid) -> String {
        format!("<{id}@{}>", self.host)
    }
}

fn part(content_type: ContentType, body: String) -> SinglePart {
    SinglePart::builder().header(content_type).header(ContentTransferEncoding::QuotedPrintable).body(body)
}

/// A header of what we wrote ourselves: ASCII that can be seen, and no line longer than it may be.
fn raw(name: &'static str, value: &str) -> HeaderValue {
    let value: String = value.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

/// A text that is one line of at most so many characters, without what hides, or turns round what stands beside it.
fn line(text: &str, most: usize) -> String {
    let hides = |c: char| {
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    let spaced: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let seen: String = visible(&spaced).chars().filter(|c| !hides(*c)).collect();
    let words = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(most) {
        Some(_) => words.chars().take(most - 1).chain(['…']).collect(),
        None => words,
    }
}

/// A text that nobody takes for one that is encoded already, and would decode.
fn encodable(text: &str) -> String {
    text.replace("=?", "= ?")
}

/// The messages that matter at this moment: the errors that stop a step, then warnings; how many more there are.
fn said(document: &StatusDocument) -> (Vec<Row>, usize) {
    let stops = |status| matches!(status, StepStatus::Blocked | StepStatus::Rejected);
    let stopping = document.steps.iter().filter(|step| stops(step.status)).flat_map(|step| &step.messages);
    let errors = stopping.filter(|said| said.level == MessageLevel::Error);
    let warnings =
        document.steps.iter().flat_map(|step| &step.messages).filter(|said| said.level == MessageLevel::Warning);
    let all: Vec<&Said> = document.messages.iter().chain(errors).chain(warnings).collect();
    let more = all.len().saturating_sub(MOST_SAID);
    (all.into_iter().take(MOST_SAID).map(row).collect(), more)
}

fn row(said: &Said) -> Row {
    Row {
        level: match said.level {
            MessageLevel::Information => "Information",
            MessageLevel::Warning => "Warning",
            MessageLevel::Error => "Error",
        },
        code: said.code.as_deref().map(|code| line(code, LONGEST_CODE)),
        text: line(&said.text, LONGEST_TEXT),
        mend: said.mend.as_deref().map(|mend| line(mend, LONGEST_TEXT)),
    }
}

/// Where the offer stands, and what happened to it where that word does not tell.
fn title(state: State, happening: Happening) -> String {
    let is_told = matches!(
        (state, happening),
        (State::WaitsForReviewer, Happening::WaitingForReviewer)
            | (State::Blocked, Happening::Blocked)
            | (State::WaitsForGoLive, Happening::PreviewReady)
            | (State::Live, Happening::Live)
            | (State::Failed, Happening::Failed)
            | (State::Canceled, Happening::Canceled)
    );
    let words = state.words();
    if is_told { words.to_owned() } else { format!("{words}, {}", happening.title().to_lowercase()) }
}

fn why(told: &Told<'_>) -> String {
    let publisher = &told.key.publisher;
    let because = match (told.subscription, told.words.version) {
        (Some(_), _) => format!("You get this mail because you asked for mails about offers of {publisher}."),
        (None, Some(version)) => {
            format!(
                "You get this mail because your address was given when version {version} of {publisher}/{} was published.",
                told.key.offer
            )
        }
        (None, None) => format!(
            "You get this mail because your address was given when {publisher}/{} was published.",
            told.key.offer
        ),
    };
    format!("{because} To get no more of them, unsubscribe with your mail program.")
}

/// A moment to the minute, in UTC.
fn minute(moment: Moment) -> String {
    wire::date(moment).to_string().replace('T', " ").chars().take("2026-11-22 09:40".len()).collect()
}

fn rfc_2822(moment: Moment) -> Result<String> {
    let seconds = (moment.ticks() - UNIX_EPOCH_TICKS).div_euclid(TICKS_PER_SECOND);
    let at = jiff::Timestamp::from_second(seconds).context("a moment out of all time")?;
    Ok(at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[cfg(test)]
mod tests {
    use super::{encodable, line};

    #[test]
    fn an_outsiders_text_is_one_line_that_hides_nothing() {
        for (given, expected) in [
            ("Contoso\r\nBcc: x@y", "Contoso Bcc: x@y"),
            ("a\0b\u{202e}c\u{200b}d\u{2028}e\u{feff}f", "abcd ef"),
            ("  a \t\n b ", "a b"),
            ("\u{85}x", "x"),
        ] {
            assert_eq!(line(given, 100), expected, "{given:?}");
        }
        assert_eq!(line(&"é".repeat(200), 100).chars().count(), 100);
        assert_eq!(line(&"é".repeat(100), 100), "é".repeat(100));
        assert_eq!(encodable("=?utf-8?q?=0D=0ABcc?="), "= ?utf-8?q?=0D=0ABcc?=");
    }
}

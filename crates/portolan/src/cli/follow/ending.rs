//! How a wait ended, told: what is so now, what is wrong and where, and what to do next.

use super::annotate;
use super::feed::Snapshot;
use super::goal::{Goal, Outcome, Point};
use super::lines::in_short;
use super::spelling::word;
use super::watch::Manner;
use crate::cli::exit::Exit;
use crate::cli::print::{plain, quoted};
use crate::cli::session::Session;
use crate::cli::settings::Origin;
use crate::cli::source::{self, Flaw, Source};
use crate::cli::spans::told;
use anyhow::Result;
use api::state::at_hand;
use api::status::{Message, MessageLevel, OfferStatus, StatusDocument, StepStatus};
use serde_json::json;
use std::time::Duration;

/// How a wait ended.
#[derive(Debug)]
pub(in crate::cli) struct Ending<'a> {
    /// Who waited.
    pub(in crate::cli) session: &'a Session,
    /// The offer, as it was typed.
    pub(in crate::cli) meant: &'a str,
    /// The publisher's and the offer's id.
    pub(in crate::cli) key: (&'a str, &'a str),
    /// What was waited for.
    pub(in crate::cli) goal: Goal,
    /// How it came out.
    pub(in crate::cli) outcome: Outcome,
    /// Where the offer stands.
    pub(in crate::cli) snapshot: &'a Snapshot,
    /// How long it took, where it was seen to begin; how long was waited, where it is not over.
    pub(in crate::cli) took: Option<Duration>,
    /// Whether whose turn it is can be seen there already.
    pub(in crate::cli) is_drawn: bool,
    /// The file that the draft is from.
    pub(in crate::cli) source: Option<&'a Source>,
}

impl Ending<'_> {
    /// Tells it: what came of it on standard output, as the server wrote it where that was asked for; that it is not over, or that
    /// nobody watches any more, on standard error.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub(in crate::cli) fn tell(&self) -> Result<Exit> {
        let lines = self.lines();
        let is_result = !matches!(self.outcome, Outcome::Pending | Outcome::Interrupted);
        let manner = Manner::of(self.session, false);
        if manner == Manner::Json {
            let line = json!({"type": "result", "outcome": self.outcome.word(), "exit": self.outcome.exit().number(),
                "publisherId": self.key.0, "offerId": self.key.1, "status": self.snapshot.document.status});
            self.session.say(&line.to_string());
        }
        if manner == Manner::Github && is_result {
            let flaws: Vec<_> = self.messages().map(|message| (level(message), Flaw::from(message))).collect();
            annotate(self.key.1, &flaws, self.source);
        }
        let is_for_people = self.session.output.is_for_people();
        if !(is_result && is_for_people) && manner != Manner::Json {
            self.session.say(&lines.join("\n"));
        }
        if is_for_people && !is_result {
            return Ok(self.outcome.exit());
        }
        self.session.output.document(&self.snapshot.wire, |out, _| {
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
            Ok(())
        })?;
        Ok(self.outcome.exit())
    }

    /// The lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let document = &self.snapshot.document;
        let after = self.took.filter(|took| took.as_secs() > 0);
        let after = after.map(|took| format!(" after {}", told(seconds(took)))).unwrap_or_default();
        let link = |label: &str, links: &[api::status::Link]| {
            links.first().map(|link| format!(" {label}: {}", link.uri)).unwrap_or_default()
        };
        let then = |what: &str| format!("{what} {}", self.named());
        let mut lines = match (self.outcome, document.status) {
            (Outcome::Reached, OfferStatus::WaitingForPublisherReview) => {
                let look = link("Look", &document.preview_links);
                vec![format!("Preview is ready{after}.{look}   Then: {}", then("portolan go-live"))]
            }
            (Outcome::Reached, OfferStatus::Canceled | OfferStatus::NotStarted) => {
                vec![format!("Canceled{after}."), self.words()]
            }
            (Outcome::Reached, OfferStatus::Running) => vec!["The preview is signed off.".to_owned(), self.words()],
            (Outcome::Reached, _) => vec![format!("Live{after}.{}", link("See", &document.live_links))],
            (Outcome::SignOff, _) => vec![self.words(), format!("Then: {}", then("portolan go-live"))],
            (Outcome::TooLate, _) => vec![format!("Too late to cancel. {}", self.words())],
            (Outcome::Nothing, _) => vec![
                format!("No submission of {} runs. {}", self.key.1, self.words()),
                format!("Start one: {}", then("portolan publish")),
            ],
            (Outcome::Pending, _) => vec![self.unfinished(), format!("Resume: {}", self.resume())],
            (Outcome::Interrupted, _) => {
                vec!["Stopped watching. The submission goes on.".to_owned(), format!("Resume: {}", self.resume())]
            }
            (Outcome::Unheard, _) => Vec::new(),
            (Outcome::Rejected | Outcome::Blocked | Outcome::Canceled, _) => vec![self.words()],
        };
        lines.extend(self.flaws());
        if !matches!(self.outcome, Outcome::Reached | Outcome::Pending | Outcome::Interrupted | Outcome::Unheard) {
            let page = match &self.snapshot.explanation {
                Some(_) => format!("   {}/publishers/{}/offers/{}", self.session.address(), self.key.0, self.key.1),
                None => String::new(),
            };
            lines.push(format!("result  {} (exit {}){page}", self.outcome.word(), self.outcome.exit().number()));
        }
        lines.iter().filter(|line| !line.is_empty()).map(|line| plain(line)).collect()
    }

    /// The server's words, or ours where it has none.
    fn words(&self) -> String {
        match &self.snapshot.explanation {
            _ if self.is_drawn && self.session.output.look.is_terminal => String::new(),
            Some(said) => format!("{} {}", said.headline, said.next),
            None => {
                let at = at_hand(&self.snapshot.document.steps).map(|step| format!(" at {}", step.step_name));
                let at = at.unwrap_or_default();
                match self.snapshot.document.status {
                    OfferStatus::Failed => format!("Failed{at}. Mend what is named here, then publish again."),
                    OfferStatus::Canceled => format!("The submission was canceled{at}."),
                    OfferStatus::Running => format!("Blocked{at}."),
                    OfferStatus::WaitingForPublisherReview => "The preview waits for your go live.".to_owned(),
                    OfferStatus::NeverPublished => "It was never published.".to_owned(),
                    OfferStatus::NotStarted => "The draft was saved since the last one ended.".to_owned(),
                    OfferStatus::Succeeded | OfferStatus::Complete => "It is live.".to_owned(),
                }
            }
        }
    }

    fn unfinished(&self) -> String {
        let at = at_hand(&self.snapshot.document.steps)
            .map(in_short)
            .unwrap_or_else(|| word(&self.snapshot.document.status));
        let after = match self.took {
            None | Some(Duration::ZERO) => "Not there yet".to_owned(),
            Some(took) => format!("Not finished after {}", told(seconds(took))),
        };
        format!("{after}: {at}. The submission goes on.")
    }

    /// What has to be mended, with where it stands in the file.
    fn flaws(&self) -> Vec<String> {
        let messages: Vec<&Message> = self.messages().collect();
        let flaws: Vec<Flaw<'_>> = messages.iter().map(|message| Flaw::from(*message)).collect();
        let told = source::lines(&flaws, self.source);
        messages.iter().zip(told).map(|(message, line)| format!("{:<7} {line}", word(&message.level))).collect()
    }

    /// The errors and warnings of the step that said no, or is blocked.
    fn messages(&self) -> impl Iterator<Item = &Message> {
        let is_told = matches!(self.outcome, Outcome::Rejected | Outcome::Blocked);
        let steps = self.snapshot.document.steps.iter().filter(move |_| is_told);
        let steps = steps.filter(|step| matches!(step.status, StepStatus::Rejected | StepStatus::Blocked));
        steps.flat_map(|step| &step.messages).filter(|message| message.level != MessageLevel::Information)
    }

    /// What to type to wait on.
    fn resume(&self) -> String {
        match self.goal {
            Goal::Point(Point::Preview) => format!("portolan wait {} --for preview", self.named()),
            Goal::Point(Point::Live) => format!("portolan wait {} --for live", self.named()),
            Goal::Canceled | Goal::End => format!("portolan status {} --watch", self.named()),
        }
    }

    fn named(&self) -> String {
        named(self.session, self.meant)
    }
}

/// An offer as it is typed again, with the flags that said where it is.
pub(in crate::cli) fn named(session: &Session, meant: &str) -> String {
    let flags = ["server", "publisher"].into_iter().filter_map(|name| match session.settings.get(name) {
        Some((value, Origin::Flag)) => Some(format!(" --{name} {}", quoted(value))),
        _ => None,
    });
    format!("{}{}", quoted(meant), flags.collect::<String>())
}

fn level(message: &Message) -> &'static str {
    if message.level == MessageLevel::Error { "error" } else { "warning" }
}

fn seconds(took: Duration) -> i64 {
    i64::try_from(took.as_secs()).unwrap_or(i64::MAX)
}

/// Whether a document is of an offer with a submission that goes on.
pub(in crate::cli) fn goes_on(document: &StatusDocument) -> bool {
    matches!(document.status, OfferStatus::Running | OfferStatus::WaitingForPublisherReview)
}

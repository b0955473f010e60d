//! Following in lines, each of which stands alone: for logs, and as JSON for programs.

use super::feed::Snapshot;
use super::spelling::{count, word};
use crate::cli::moments::minute;
use crate::cli::print::plain;
use crate::cli::source::{self, Flaw, Source};
use crate::cli::spans::{between, stamp, told};
use api::dates::Date;
use api::state::at_hand;
use api::status::{Message, MessageLevel, StatusDocument, Step, StepStatus};
use serde_json::{Value, json};

/// A time that has gone by is told up to so many days: what took longer was on another clock.
const LONGEST: i64 = 60 * 86400;

/// Whose lines they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Teller<'a> {
    /// Whether programs read them.
    pub(super) is_json: bool,
    /// The publisher's id.
    pub(super) publisher: &'a str,
    /// The offer's id.
    pub(super) offer: &'a str,
    /// The file that the draft is from.
    pub(super) source: Option<&'a Source>,
}

/// What may be told.
#[derive(Clone, Copy, Debug)]
pub(super) enum News<'a> {
    /// The offer stands otherwise.
    Offer(&'a StatusDocument),
    /// A step does.
    Step(&'a Step, &'a Snapshot),
    /// A step says something.
    Message(&'a Step, &'a Message),
    /// It is somebody else's turn, or something else comes next.
    Words(&'a api::explain::Explanation),
    /// Nothing, for some time; the time.
    Nothing(&'a Snapshot),
    /// The server does not answer.
    Lost(&'a str),
    /// It does again.
    Back,
}

/// What is new in a snapshot, in the order of the steps.
pub(super) fn news<'a>(before: Option<&Snapshot>, now: &'a Snapshot, is_the_end: bool) -> Vec<News<'a>> {
    let mut news = Vec::new();
    if before.is_none_or(|before| before.document.status != now.document.status) {
        news.push(News::Offer(&now.document));
    }
    for step in &now.document.steps {
        let known = before.and_then(|before| before.document.steps.iter().find(|known| known.id == step.id));
        let is_new = match known {
            Some(known) => (known.status, known.progress_percentage) != (step.status, step.progress_percentage),
            None => !matches!(step.status, StepStatus::NotStarted | StepStatus::Complete),
        };
        if is_new {
            news.push(News::Step(step, now));
        }
        let is_new = |message: &&Message| known.is_none_or(|known| !known.messages.contains(message));
        let is_told = !is_the_end && (known.is_some() || step.status != StepStatus::Complete);
        news.extend(step.messages.iter().filter(is_new).filter(|_| is_told).map(|said| News::Message(step, said)));
    }
    let turn = |snapshot: &Snapshot| snapshot.explanation.as_ref().map(|said| said.turn);
    if let Some(explanation) = &now.explanation
        && !is_the_end
        && before.is_none_or(|before| turn(before) != turn(now))
    {
        news.push(News::Words(explanation));
    }
    news
}

impl Teller<'_> {
    /// The line of some news at this time; none where people are told nothing of it.
    pub(super) fn line(&self, news: News<'_>, at: Date) -> Option<String> {
        if self.is_json { Some(self.json(news, at).to_string()) } else { self.plain(news, at).map(|line| plain(&line)) }
    }

    fn plain(&self, news: News<'_>, at: Date) -> Option<String> {
        let offer = format!("{} {}", stamp(at), self.offer);
        Some(match news {
            News::Offer(document) => format!("{offer} {}", word(&document.status)),
            News::Step(step, snapshot) => format!("{offer} {}{}", in_short(step), usual_end(step, snapshot, at)),
            News::Message(_, message) if message.level == MessageLevel::Information => return None,
            News::Message(_, message) => format!("{offer} {}", self.flaw(message)),
            News::Words(explanation) => format!("{offer} {} {}", explanation.headline, explanation.next),
            News::Nothing(snapshot) => format!("{} still waiting: {}", stamp(at), still(snapshot, at)),
            News::Lost(why) => format!("{offer} {why}. Trying again."),
            News::Back => format!("{offer} the server answers again."),
        })
    }

    /// What a message says, in a line.
    fn flaw(&self, message: &Message) -> String {
        let line = source::lines(&[Flaw::from(message)], self.source).concat();
        format!("{:<7} {}", word(&message.level), line.trim_start())
    }

    fn json(&self, news: News<'_>, at: Date) -> Value {
        let (kind, more) = match news {
            News::Offer(document) => ("offer", json!({"status": document.status})),
            News::Step(step, snapshot) => {
                let usual = snapshot.explanation.as_ref().and_then(|said| said.step.as_ref());
                let usual = usual.filter(|at| at.id == step.id).and_then(|at| at.usual);
                let Step { id, step_name, status, progress_percentage, .. } = step;
                (
                    "step",
                    json!({"stepId": id, "stepName": step_name, "status": status, "progressPercentage": progress_percentage, "usual": usual}),
                )
            }
            News::Message(step, message) => {
                let place = self.source.zip(message.target.as_ref()).and_then(|(source, target)| source.place(target));
                ("message", json!({"stepId": step.id, "message": message, "place": place}))
            }
            News::Words(said) => ("turn", json!({"turn": said.turn, "headline": said.headline, "next": said.next})),
            News::Nothing(snapshot) => {
                ("waiting", json!({"stepId": at_hand(&snapshot.document.steps).map(|step| &step.id)}))
            }
            News::Lost(why) => ("lost", json!({"message": why})),
            News::Back => ("back", json!({})),
        };
        let mut line = json!({"type": kind, "at": at, "publisherId": self.publisher, "offerId": self.offer});
        if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
            line.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        line
    }
}

/// A step in a few words: `Certification inProgress 62%`, `Certification rejected: 2 errors, 1 warning`.
pub(super) fn in_short(step: &Step) -> String {
    let mut text = format!("{} {}", step.step_name, word(&step.status));
    if step.status == StepStatus::InProgress && step.progress_percentage > 0 {
        text += &format!(" {}%", step.progress_percentage);
    }
    let counted = count(step);
    if !counted.is_empty() && matches!(step.status, StepStatus::Rejected | StepStatus::Blocked) {
        text += &format!(": {counted}");
    }
    text
}

/// When a step usually ends: `, usually ends 18:40Z to 15:40Z+1d`.
fn usual_end(step: &Step, snapshot: &Snapshot, now: Date) -> String {
    let usual = snapshot.explanation.as_ref().and_then(|said| said.step.as_ref());
    let Some(usual) = usual.filter(|at| at.id == step.id).and_then(|at| at.usual) else { return String::new() };
    let days = |moment: Date| between(Date::from_ticks(0), moment) / 86400 - between(Date::from_ticks(0), now) / 86400;
    let time = |moment: Date| {
        let time: String = stamp(moment).chars().take(5).collect();
        if days(moment) == 0 { format!("{time}Z") } else { format!("{time}Z+{}d", days(moment)) }
    };
    format!(", usually ends {} to {}", time(usual.from), time(usual.to))
}

/// What is waited for, and since when.
fn still(snapshot: &Snapshot, now: Date) -> String {
    let step = at_hand(&snapshot.document.steps);
    let name = step.map_or_else(|| word(&snapshot.document.status), |step| step.step_name.clone());
    let since = step.and_then(|step| step.since).or(snapshot.explanation.as_ref().map(|said| said.since));
    match since.map(|since| (since, between(since, now))) {
        Some((_, seconds @ 0..LONGEST)) => format!("{name}, {}", told(seconds)),
        Some((since, _)) => format!("{name}, since {}", minute(since)),
        None => name,
    }
}

/// Where an offer stands in lines that stand alone: each begins with what it is about, and has no line before or after it.
pub(in crate::cli) fn alone(offer: &str, snapshot: &Snapshot, source: Option<&Source>) -> Vec<String> {
    let mut lines = vec![format!("offer    {offer}  {}", word(&snapshot.document.status))];
    for step in &snapshot.document.steps {
        let Step { id, status, progress_percentage, .. } = step;
        let mut line = format!("step     {offer}  {id}  {}  {progress_percentage}", word(status));
        let usual = snapshot.explanation.as_ref().and_then(|said| said.step.as_ref());
        if let Some(since) = step.since {
            line += &format!("  since={since}");
        }
        if let Some(usual) = usual.filter(|at| at.id == *id).and_then(|at| at.usual) {
            line += &format!("  eta={}/{}", usual.from, usual.to);
        }
        lines.push(line);
        let told = step.messages.iter().filter(|message| message.level != MessageLevel::Information);
        for message in told {
            let flaw = source::lines(&[Flaw::from(message)], source).concat();
            lines.push(format!("{:<7}  {offer}  {id}  {}", word(&message.level), flaw.trim_start()));
        }
    }
    if let Some(said) = &snapshot.explanation {
        lines.push(format!("turn     {offer}  {}  {} {}", word(&said.turn), said.headline, said.next));
    }
    lines.iter().map(|line| plain(line)).collect()
}

//! Asks an outside system to do a check: starts it with a signed request, then asks how it stands or waits to be called back.

use super::asked::{event, id};
use super::breaker::{Breaker, Denied, Leave, Places};
use super::said::{Said, State};
use super::signature::Secrets;
use super::{Job, Setback};
use crate::clock::Clock;
use crate::egress::{Egress, Incoming, Outgoing};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use publishing::check::{Check, Outside};
use publishing::command::{Ending, Report};
use publishing::message::{Level, Message};
use publishing::moment::Moment;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// How often in a row it may give no answer before the publisher is told.
const FAILURES_UNTOLD: u32 = 3;
/// From so many failures in a row on the waits are of the same length, and no more are counted: nothing new is written then.
const MOST_FAILURES: u32 = 9;
/// The longest wait after a failure, in seconds.
const LONGEST_WAIT: u32 = 300;
/// How often it is asked where it said where, and neither it nor the settings say how often, in seconds.
const USUAL_POLL: u32 = 30;
/// The longest address to ask at, in bytes.
const LONGEST_POLL: usize = 2_000;

const UNREACHABLE: &str = "CheckerUnreachable";

/// An outside system that does checks.
#[derive(Debug)]
pub(super) struct System {
    /// What pipelines call it.
    pub(super) name: String,
    /// Where it takes start requests.
    pub(super) url: Url,
    pub(super) secrets: Secrets,
    pub(super) egress: Egress,
    pub(super) poll_seconds: Option<u32>,
    pub(super) timeout_seconds: u32,
    /// For requests that are under way.
    pub(super) places: Places,
    pub(super) breaker: Arc<Breaker>,
    /// When a callback was taken that says that a check goes on, by the check's id; of the last second.
    pub(super) taken: Mutex<BTreeMap<String, Duration>>,
    pub(super) clock: Clock,
}

/// What came of a request.
enum Outcome {
    /// It said how the check stands; and where it can be asked.
    Said(Said, Option<String>),
    /// It does not want to do this check.
    Refused(StatusCode),
    /// It gave no answer that can be used; the text is for the log.
    Nothing(String),
}

/// What an answer may hold beside what is said of the check.
#[derive(Default, Deserialize)]
struct Beside {
    poll: Option<String>,
}

impl System {
    /// Leave to run a check, or how long to wait first. While the checker does not answer, the publisher reads why nothing
    /// moves, and the time that the check has goes by.
    pub(super) fn leave(&self, check: &Check) -> Result<Leave, Denied> {
        let now = self.clock.now();
        let known = self.known(check, now);
        let deadline = known.deadline.unwrap_or(now);
        // What is over time is blocked, and nothing is asked for it.
        if deadline <= now {
            return Ok(Leave::default());
        }
        let place = self.places.take()?;
        self.breaker.leave(place, self.clock.steady()).map_err(|wait| {
            let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX).saturating_add(1);
            let until = now.plus_seconds(seconds).min(deadline);
            Denied { wait, report: Some(Box::new(waiting(known, until, warned(check, now)))) }
        })
    }

    /// How a check stands, with the time that it has, which begins now where it has not begun.
    pub(super) fn known(&self, check: &Check, now: Moment) -> Outside {
        let known = check.outside.clone().unwrap_or_default();
        let deadline = known.deadline.unwrap_or_else(|| now.plus_seconds(self.timeout_seconds.into()));
        Outside { deadline: Some(deadline), ..known }
    }

    /// Runs a check once.
    pub(super) async fn run(&self, job: &Job) -> Result<Report, Setback> {
        let known = self.known(&job.check, job.now);
        let deadline = known.deadline.unwrap_or(job.now);
        if deadline <= job.now {
            return Ok(timed_out(job, known));
        }
        let id = id(&job.at, job.check.round);
        let outcome = match (known.taken, self.poll_address(&known, &id)) {
            (false, _) => self.send(&id, self.start(&event(job, deadline)?)).await,
            (true, Some(address)) => self.send(&id, Outgoing::get(address)).await,
            (true, None) => return Ok(waiting(known, deadline, unwarned(&job.check))),
        };
        match outcome {
            Outcome::Said(said, poll) => {
                self.breaker.closes();
                Ok(self.heard(job, known, deadline, said, poll))
            }
            Outcome::Refused(status) if !known.taken => {
                self.breaker.closes();
                let name = &self.name;
                Err(Setback(format!(
                    "the checker {name:?} refuses this check with {status}; its own log should say why"
                )))
            }
            // It answers, and only this check is asked for again less and less often.
            Outcome::Refused(status) => {
                self.breaker.closes();
                Ok(self.failed(job, known, deadline, &format!("the answer is {status}")))
            }
            Outcome::Nothing(cause) => {
                self.breaker.fails(self.clock.steady());
                Ok(self.failed(job, known, deadline, &cause))
            }
        }
    }

    fn start(&self, body: &[u8]) -> Outgoing {
        let mut request = Outgoing::post(self.url.as_str(), body.to_vec());
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/cloudevents+json"));
        request
    }

    /// Signs a request, sends it, and reads what is said.
    async fn send(&self, id: &str, mut request: Outgoing) -> Outcome {
        request.headers.extend(self.secrets.sign(id, self.clock.now(), &request.body));
        let answer = match self.egress.to_operator(request).await {
            Ok(answer) => answer,
            Err(fault) => return Outcome::Nothing(fault.to_string()),
        };
        let status = answer.status;
        let is_later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        if status.is_client_error() && !is_later.contains(&status) {
            return Outcome::Refused(status);
        }
        if status.is_redirection() {
            return Outcome::Nothing(format!("the answer is {status}, and redirects are not followed: set its `url`"));
        }
        if !status.is_success() {
            return Outcome::Nothing(format!("the answer is {status}"));
        }
        match self.read(answer).await {
            Ok((said, poll)) => Outcome::Said(said, poll),
            Err(cause) => Outcome::Nothing(cause),
        }
    }

    /// Reads an answer; an empty one says that the check runs.
    async fn read(&self, answer: Incoming) -> Result<(Said, Option<String>), String> {
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = answer.whole().await.map_err(|fault| fault.to_string())?;
        let (said, beside) = if body.trim_ascii().is_empty() {
            (running(), Beside::default())
        } else {
            let said = Said::read(&body).map_err(|fault| format!("the answer cannot be taken: {fault}"))?;
            let beside =
                serde_json::from_slice(&body).map_err(|error| format!("the answer cannot be taken: {error}"))?;
            (said, beside)
        };
        Ok((said, beside.poll.or(location).and_then(|poll| self.own(&poll))))
    }

    /// An address to ask at, if it is one of the checker's own: it could name anybody's otherwise.
    fn own(&self, address: &str) -> Option<String> {
        let url = self.url.join(address).ok().filter(|url| {
            let is_bare = url.username().is_empty() && url.password().is_none();
            is_bare && url.origin() == self.url.origin() && url.as_str().len() <= LONGEST_POLL
        });
        if url.is_none() {
            tracing::warn!(
                checker = self.name,
                "a checker names an address to ask at that is not its own; it is passed over"
            );
        }
        url.map(Url::into)
    }

    /// Where the check can be asked for, if it can.
    fn poll_address(&self, known: &Outside, id: &str) -> Option<String> {
        let below = || {
            let mut url = self.url.clone();
            url.set_path(&format!("{}/{id}", self.url.path().trim_end_matches('/')));
            url.into()
        };
        known.poll.clone().or_else(|| self.poll_seconds.map(|_| below()))
    }

    /// What follows from what it said.
    fn heard(&self, job: &Job, known: Outside, deadline: Moment, said: Said, poll: Option<String>) -> Report {
        let sequence = said.sequence.unwrap_or(known.sequence);
        // What answers a start again is about what was just asked, so it needs no number.
        let is_old = known.sequence > 0 && said.sequence.map_or(known.taken, |sequence| sequence <= known.sequence);
        let wait = said.retry_after_seconds.or(self.poll_seconds).unwrap_or(USUAL_POLL);
        // A final answer that comes behind something newer is thrown away by the rules, and has to be asked for again.
        let taken = known.taken || said.state == State::Running;
        let outside = Outside { taken, failures: 0, poll: poll.or(known.poll.clone()), ..known };
        let id = id(&job.at, job.check.round);
        let is_asked = self.poll_address(&outside, &id).is_some();
        let next = if is_asked { job.now.plus_seconds(wait.into()).min(deadline) } else { deadline };
        if is_old {
            return waiting(outside, next, unwarned(&job.check));
        }
        let is_empty = said == running();
        let mut report = report(said, &job.check.messages, job.now);
        if is_empty {
            report.messages = unwarned(&job.check);
        }
        if report.ending == Ending::GoesOn {
            report.ending = Ending::WaitingUntil(next);
        }
        report.outside = Some(Outside { sequence, ..outside });
        report
    }

    /// What follows where there was no answer: it is asked again, less and less often.
    fn failed(&self, job: &Job, known: Outside, deadline: Moment, cause: &str) -> Report {
        let failures = (known.failures + 1).min(MOST_FAILURES);
        let check = id(&job.at, job.check.round);
        tracing::warn!(checker = self.name, check, failures, cause, "a checker does not answer");
        let wait = (1_u32 << failures).min(LONGEST_WAIT);
        let is_told = failures >= FAILURES_UNTOLD || job.check.messages.iter().any(is_warning);
        let messages = if is_told { warned(&job.check, job.now) } else { unwarned(&job.check) };
        let next = job.now.plus_seconds(wait.into()).min(deadline);
        waiting(Outside { failures, ..known }, next, messages)
    }
}

/// What a checker says, as the rules hear it. What was said before keeps its time, so that a repeat is none.
pub(super) fn report(said: Said, before: &[Message], now: Moment) -> Report {
    let mut report = said.report(now);
    for message in &mut report.messages {
        let known = before.iter().find(|known| Message { at: now, ..(*known).clone() } == *message);
        message.at = known.map_or(now, |known| known.at);
    }
    report
}

fn running() -> Said {
    Said { state: State::Running, sequence: None, progress: None, messages: Vec::new(), retry_after_seconds: None }
}

fn is_warning(message: &Message) -> bool {
    message.code.as_deref() == Some(UNREACHABLE) && message.level == Level::Warning
}

/// What the check said so far, without our own warning.
fn unwarned(check: &Check) -> Vec<Message> {
    check.messages.iter().filter(|message| !is_warning(message)).cloned().collect()
}

/// The same with our warning; one that was given before keeps its time.
fn warned(check: &Check, now: Moment) -> Vec<Message> {
    let text = "The system that does this check does not answer. It is asked again; nothing for you to do.";
    let warning = Message { code: Some(UNREACHABLE.into()), ..Message::new(Level::Warning, text, now) };
    let given = check.messages.iter().find(|message| is_warning(message)).cloned();
    unwarned(check).into_iter().chain([given.unwrap_or(warning)]).collect()
}

fn waiting(outside: Outside, until: Moment, messages: Vec<Message>) -> Report {
    Report { outside: Some(outside), ..Report::new(Ending::WaitingUntil(until), messages) }
}

pub(super) fn timed_out(job: &Job, outside: Outside) -> Report {
    let text = "The system that does this check did not say in time how it ends. The marketplace's operator has to look at that and unblock it.";
    let mut messages = unwarned(&job.check);
    messages.push(Message::error("CheckTimedOut", text, job.now));
    Report { outside: Some(outside), ..Report::new(Ending::Blocked, messages) }
}

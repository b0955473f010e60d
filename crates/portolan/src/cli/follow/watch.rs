//! Watching an offer until what was waited for is so, or cannot be any more: how that is told meanwhile, and what ends it early.

use super::feed::{Heard, Snapshot, follow};
use super::goal::{Goal, Outcome};
use super::lines::{News, Teller, news};
use super::picture::{Frame, Title, picture};
use super::screen::{Screen, size};
use super::spelling::Line;
use crate::cli::session::Session;
use crate::cli::settings::Progress;
use crate::cli::source::Source;
use crate::cli::terminal::Paint;
use crate::clock::Clock;
use anyhow::{Context, Result};
use api::client::Client;
use api::dates::Date;
use api::status::StatusDocument;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{ErrorKind, Write};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often it is said that nothing is new.
const HEARTBEAT: Duration = Duration::from_secs(300);

/// How long a server may still say what was so before something was done, where that is no success.
const GRACE: Duration = Duration::from_secs(60);

/// As good as for ever.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 86400);

/// How it is told what goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Manner {
    /// Drawn in place.
    Live,
    /// In lines.
    Plain,
    /// In lines, and with annotations at the end.
    Github,
    /// In JSON, an object a line.
    Json,
    /// As the server wrote it, a document a line.
    Documents,
}

impl Manner {
    /// The manner that fits where it is told: on standard output, or else on standard error.
    pub(in crate::cli) fn of(session: &Session, on_output: bool) -> Self {
        let look = if on_output { session.output.look } else { session.look };
        let set = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|value| value == wanted);
        let can_draw = look.is_terminal && !set("TERM", "dumb");
        match session.progress() {
            _ if on_output && !session.output.is_for_people() => Self::Documents,
            Progress::Json => Self::Json,
            Progress::Github => Self::Github,
            Progress::Auto | Progress::Live if can_draw => Self::Live,
            Progress::Auto if set("GITHUB_ACTIONS", "true") => Self::Github,
            Progress::Auto | Progress::Live | Progress::Plain => Self::Plain,
        }
    }
}

/// An offer that is watched.
#[derive(Debug)]
pub(in crate::cli) struct Watch<'a> {
    /// Who watches.
    pub(in crate::cli) session: &'a Session,
    /// The server.
    pub(in crate::cli) client: &'a Client,
    /// The publisher's and the offer's id.
    pub(in crate::cli) key: (&'a str, &'a str),
    /// What it is.
    pub(in crate::cli) title: Title,
    /// What is waited for.
    pub(in crate::cli) goal: Goal,
    /// How long at most.
    pub(in crate::cli) limit: Option<Duration>,
    /// The file that the draft is from.
    pub(in crate::cli) source: Option<&'a Source>,
    /// Whether what is seen is the result, and told on standard output.
    pub(in crate::cli) on_output: bool,
    /// Where it stood before something was done about it: a server may say so for a while.
    pub(in crate::cli) before: Option<StatusDocument>,
}

/// What was seen.
#[derive(Debug)]
pub(in crate::cli) struct Watched {
    /// How it ended.
    pub(in crate::cli) outcome: Outcome,
    /// Where the offer stands.
    pub(in crate::cli) snapshot: Snapshot,
    /// How long was watched.
    pub(in crate::cli) took: Duration,
    /// Whether the last picture of it stands there.
    pub(in crate::cli) is_drawn: bool,
}

/// What wakes a watch.
enum Woken {
    Heard(Heard),
    Second,
    Interrupted,
    Late,
}

impl Watch<'_> {
    /// Watches from here on, until it ends.
    ///
    /// # Errors
    /// Where the server says no.
    pub(in crate::cli) async fn from(self, first: Snapshot) -> Result<Watched> {
        let mut interrupt = signal(SignalKind::interrupt()).context("Ctrl-C cannot be heard")?;
        let clock = Clock::system();
        let began = clock.steady();
        let mut heard = follow(self.client, self.key, &first.document);
        let mut second = tokio::time::interval(Duration::from_secs(1));
        let mut limit = std::pin::pin!(tokio::time::sleep(self.limit.unwrap_or(FOREVER)));
        let mut view = View::new(&self, clock.clone(), first);
        let mut outcome = self.outcome(&view.snapshot, Duration::ZERO);
        let mut written = view.begins(outcome.is_some());
        loop {
            // Where only progress is not read any more, what is waited for still counts.
            let is_closed = written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
            if (is_closed && self.on_output) || self.nobody_reads() {
                outcome = Some(Outcome::Unheard);
            }
            if let Some(outcome) = outcome {
                let _ = view.ends();
                return Ok(view.seen(outcome, clock.steady().saturating_sub(began)));
            }
            let woken = tokio::select! {
                biased;
                _ = interrupt.recv() => Woken::Interrupted,
                said = heard.recv() => Woken::Heard(said.context("the offer is not followed any more")??),
                () = &mut limit => Woken::Late,
                _ = second.tick() => Woken::Second,
            };
            let took = clock.steady().saturating_sub(began);
            written = match woken {
                Woken::Interrupted => {
                    at_once_next_time(interrupt);
                    let _ = view.ends();
                    return Ok(view.seen(Outcome::Interrupted, took));
                }
                Woken::Late => {
                    outcome = Some(Outcome::Pending);
                    Ok(())
                }
                Woken::Heard(Heard::Stands(snapshot)) => {
                    outcome = self.outcome(&snapshot, took);
                    view.stands(*snapshot, outcome.is_some())
                }
                Woken::Heard(Heard::Lost(why)) => view.lost(&why),
                Woken::Heard(Heard::Back) => view.back(),
                Woken::Second => {
                    outcome = self.outcome(&view.snapshot, took);
                    view.second()
                }
            };
        }
    }

    /// How it ends where it stands so, unless that is how it stood before and the server may not have begun.
    fn outcome(&self, snapshot: &Snapshot, took: Duration) -> Option<Outcome> {
        let is_old = self.before.as_ref() == Some(&snapshot.document);
        let counts = |outcome: &Outcome| !is_old || (*outcome != Outcome::Reached && took >= GRACE);
        self.goal.outcome(&snapshot.document).filter(counts)
    }

    /// Whether standard output is a pipe whose reader has gone: then nothing more needs to be seen.
    fn nobody_reads(&self) -> bool {
        let output = std::io::stdout();
        let mut polled = [PollFd::new(&output, PollFlags::empty())];
        let told = poll(&mut polled, Some(&Timespec::default()));
        self.on_output && told.is_ok() && polled.iter().any(|polled| polled.revents().contains(PollFlags::ERR))
    }
}

/// Another Ctrl-C does not wait for anything.
fn at_once_next_time(mut interrupt: Signal) {
    tokio::spawn(async move {
        interrupt.recv().await;
        std::process::exit(i32::from(Outcome::Interrupted.exit().number()));
    });
}

/// What is told, and where.
struct View<'a> {
    watch: &'a Watch<'a>,
    clock: Clock,
    manner: Manner,
    snapshot: Snapshot,
    screen: Screen,
    is_lost: bool,
    /// What the server's clock showed last and when that was heard, where it is another one than ours.
    theirs: Option<(Date, Duration)>,
    /// When something was told last.
    told: Duration,
}

impl<'a> View<'a> {
    fn new(watch: &'a Watch<'a>, clock: Clock, snapshot: Snapshot) -> Self {
        let look = if watch.on_output { watch.session.output.look } else { watch.session.look };
        let (manner, screen) = (Manner::of(watch.session, watch.on_output), Screen::new(look));
        let told = clock.steady();
        let theirs = watch.client.clock().map(|(at, _)| (at, told));
        Self { watch, clock, manner, snapshot, screen, is_lost: false, theirs, told }
    }

    fn seen(self, outcome: Outcome, took: Duration) -> Watched {
        Watched { outcome, snapshot: self.snapshot, took, is_drawn: self.manner == Manner::Live }
    }

    /// The time by the server's clock, as far as that is known.
    fn now(&self) -> Date {
        let Some((at, heard)) = self.theirs else { return Date::from_ticks(self.clock.now().ticks()) };
        let since = self
            .clock
            .steady()
            .saturating_sub(heard)
            .saturating_mul(self.watch.client.clock().map_or(1, |(_, speed)| speed));
        Date::from_ticks(at.ticks().saturating_add(i64::try_from(since.as_nanos() / 100).unwrap_or(i64::MAX)))
    }

    fn begins(&mut self, is_the_end: bool) -> std::io::Result<()> {
        let first = self.snapshot.clone();
        self.tell(None, &first, is_the_end)
    }

    fn stands(&mut self, snapshot: Snapshot, is_the_end: bool) -> std::io::Result<()> {
        if let (Some(at), true) = (snapshot.at, snapshot.is_fresh) {
            // A clock that is a little off is not worth a jump.
            let is_ours = at.ticks().abs_diff(self.clock.now().ticks()) < 600_000_000;
            let is_emulator = self.watch.client.clock().is_some();
            self.theirs = (is_emulator || !is_ours).then(|| (at, self.clock.steady()));
        }
        let before = std::mem::replace(&mut self.snapshot, snapshot.clone());
        self.tell(Some(&before), &snapshot, is_the_end)
    }

    /// Tells what is new.
    fn tell(&mut self, before: Option<&Snapshot>, now: &Snapshot, is_the_end: bool) -> std::io::Result<()> {
        match self.manner {
            Manner::Live => self.draw(),
            Manner::Documents => {
                let written = self.watch.session.output.document(&now.wire, |_, _| Ok(()));
                written.map_err(|error| error.downcast().unwrap_or_else(std::io::Error::other))
            }
            Manner::Plain | Manner::Github | Manner::Json => {
                let at = now.at.unwrap_or_else(|| self.now());
                let lines: Vec<String> =
                    news(before, now, is_the_end).into_iter().filter_map(|news| self.teller().line(news, at)).collect();
                self.write(&lines)
            }
        }
    }

    fn lost(&mut self, why: &str) -> std::io::Result<()> {
        self.is_lost = true;
        self.aside(News::Lost(why))
    }

    fn back(&mut self) -> std::io::Result<()> {
        self.is_lost = false;
        self.aside(News::Back)
    }

    /// Tells something about the connection, which is no part of the result.
    fn aside(&mut self, news: News<'_>) -> std::io::Result<()> {
        if self.manner == Manner::Live {
            return self.draw();
        }
        if let Some(line) = self.teller().line(news, self.now()) {
            self.watch.session.say(&line);
        }
        Ok(())
    }

    fn second(&mut self) -> std::io::Result<()> {
        let is_silent = self.clock.steady().saturating_sub(self.told) >= HEARTBEAT;
        match self.manner {
            Manner::Live => self.draw(),
            Manner::Documents => Ok(()),
            _ if is_silent => {
                let line = self.teller().line(News::Nothing(&self.snapshot), self.now());
                self.write(&Vec::from_iter(line))
            }
            _ => Ok(()),
        }
    }

    /// Leaves the last picture as it is to stay.
    fn ends(&mut self) -> std::io::Result<()> {
        if self.manner == Manner::Live {
            let picture = self.picture();
            self.show(&picture)?;
        }
        Ok(())
    }

    fn teller(&self) -> Teller<'_> {
        let (publisher, offer) = self.watch.key;
        Teller { is_json: self.manner == Manner::Json, publisher, offer, source: self.watch.source }
    }

    fn write(&mut self, lines: &[String]) -> std::io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.told = self.clock.steady();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        // GitHub reads commands of an older form anywhere in a line.
        let text = if self.manner == Manner::Github { text.replace("##[", "## [") } else { text };
        if self.watch.on_output {
            let mut out = std::io::stdout().lock();
            return out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
        std::io::stderr().write_all(text.as_bytes())
    }

    fn picture(&self) -> Vec<Line> {
        let (columns, rows) = if self.watch.on_output { size(std::io::stdout()) } else { size(std::io::stderr()) };
        let (look, now) = (self.screen.look(), Some(self.now()));
        picture(&self.watch.title, &self.snapshot, Frame { look, columns, rows: Some(rows), now })
    }

    /// The picture, with what Ctrl-C does.
    fn draw(&mut self) -> std::io::Result<()> {
        let mut lines = self.picture();
        let columns = if self.watch.on_output { size(std::io::stdout()).0 } else { size(std::io::stderr()).0 };
        let foot = match self.is_lost {
            true => Line::default().painted(Paint::Warning, "The server does not answer. Trying again."),
            false => Line::default().painted(Paint::Faint, "Ctrl-C stops watching, not the submission."),
        };
        lines.push(foot.cut(columns, self.screen.look()));
        self.show(&lines)
    }

    fn show(&mut self, lines: &[Line]) -> std::io::Result<()> {
        match self.watch.on_output {
            true => self.screen.draw(&mut std::io::stdout(), lines),
            false => self.screen.draw(&mut std::io::stderr(), lines),
        }
    }
}

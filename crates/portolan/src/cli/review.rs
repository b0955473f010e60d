//! `portolan review`: what waits for a reviewer, who has it in hand, notes, and the verdicts on it.

use super::Run;
use super::exit::Exit;
use super::fault::{Fault, Meant};
use super::moments::{between, minute, now};
use super::print::{plain, table};
use super::session::Session;
use super::settings::nearest;
use super::words::within;
use anyhow::{Context, Result};
use api::client::{Client, ClientError};
use api::dates::Date;
use api::errors::ErrorCode;
use api::reviews::{
    Approvals, NewNote, Review as Waiting, ReviewFilter, ReviewRequest, ReviewedCheck, Verdict, VerdictRequest,
};
use api::state::State;
use api::status::Message;
use clap::{Args, Subcommand};
use std::io::Write;
use uuid::Uuid;

/// What to do with reviews.
#[derive(Debug, Args)]
pub struct Review {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List what waits for a reviewer, oldest first.
    ///
    /// Example: portolan review list --mine-or-free
    List(Filter),
    /// Show a step with its checks, what they say, and what reviewers noted.
    ///
    /// Example: portolan review show 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify
    Show(Place),
    /// Take a review in hand for half an hour, or for another half hour.
    ///
    /// Example: portolan review claim 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify
    Claim(Decide),
    /// Let go of a review; an operator may release anybody's.
    ///
    /// Example: portolan review release 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify
    Release(Decide),
    /// Write something down: for reviewers alone, or with --public for the publisher too.
    ///
    /// Example: portolan review note 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify -m "Asked the lab for a second look."
    Note(Note),
    /// Approve a step: it is done.
    ///
    /// Example: portolan review approve 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify
    Approve(Decide),
    /// Reject a step: the submission fails.
    ///
    /// Example: portolan review reject 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify -m "The small logo is 40 x 40 px." --mend "Upload 48 x 48." --rule IMG-048
    Reject(DecideWithReason),
    /// Block a step: it waits until something is mended.
    ///
    /// Example: portolan review block 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify -m "The image cannot be read. Save a new link."
    Block(DecideWithReason),
    /// Unblock a step: what blocked it is mended.
    ///
    /// Example: portolan review unblock 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify
    Unblock(Decide),
}

/// Which reviews. `--mine` and `--free` together list both.
#[derive(Debug, Args)]
struct Filter {
    /// Only those in this queue.
    #[arg(long)]
    queue: Option<String>,
    /// Only those that you hold.
    #[arg(long)]
    mine: bool,
    /// Only those that nobody holds.
    #[arg(long)]
    free: bool,
    /// Only those that you or nobody holds.
    #[arg(long)]
    mine_or_free: bool,
}

/// Which step of which operation.
#[derive(Debug, Args)]
struct Place {
    /// The operation's id, as `portolan review list` shows it.
    operation: Uuid,
    /// The step's id; the one that waits where nothing is said.
    step: Option<String>,
}

impl Place {
    /// The step that is meant.
    async fn step(&self, client: &Client) -> Result<String> {
        if let Some(step) = &self.step {
            return Ok(step.clone());
        }
        let waiting = self.waiting(client).await?;
        let mut steps: Vec<&str> = waiting.iter().map(|review| review.step_id.as_str()).collect();
        steps.dedup();
        match steps[..] {
            [step] => Ok(step.to_owned()),
            [] => Err(Fault::not_found(format!("nothing of {} waits for a reviewer", self.operation)).into()),
            _ => Err(Fault::usage(format!("several steps wait; say which one: {}", steps.join(", "))).into()),
        }
    }

    async fn waiting(&self, client: &Client) -> Result<Vec<Waiting>, ClientError> {
        let all = client.list_reviews(&ReviewFilter::default()).await?;
        Ok(all.into_iter().filter(|review| review.operation_id == self.operation).collect())
    }

    /// What a call gave; where there is no such step, with the one that was probably meant.
    async fn of<T>(&self, client: &Client, step: &str, result: Result<T, ClientError>) -> Result<T> {
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if matches!(&error, ClientError::Refused { error, .. } if error.code == ErrorCode::NotFound) {
            let waiting = self.waiting(client).await.unwrap_or_default();
            let near = nearest(step, waiting.iter().map(|review| review.step_id.as_str())).filter(|near| *near != step);
            if let Some(near) = near {
                let what = format!("the operation has no step {step:?}");
                return Err(anyhow::Error::from(error).context(Meant { what, near: near.to_owned() }));
            }
        }
        Err(error.into())
    }
}

/// Which check of which step.
#[derive(Debug, Args)]
struct Decide {
    #[command(flatten)]
    place: Place,
    /// The queue of the check, where the step has several.
    #[arg(long)]
    queue: Option<String>,
}

/// Which check, and what is noted about it.
#[derive(Debug, Args)]
struct Note {
    #[command(flatten)]
    decide: Decide,
    /// What to write down.
    #[arg(short, long)]
    message: String,
    /// Let the publisher read it too.
    #[arg(long)]
    public: bool,
}

/// Which check, and why.
#[derive(Debug, Args)]
struct DecideWithReason {
    #[command(flatten)]
    decide: Decide,
    /// The text that the publisher will read.
    #[arg(short, long)]
    message: String,
    /// The rule that was broken, such as IMG-048.
    #[arg(long, visible_alias = "code")]
    rule: Option<String>,
    /// A JSON pointer to the field at fault.
    #[arg(long, visible_alias = "target")]
    field: Option<String>,
    /// What to do about it.
    #[arg(long)]
    mend: Option<String>,
    /// Where the rule is explained: an http or https address.
    #[arg(long)]
    link: Option<String>,
}

impl Run for Review {
    async fn run(self, session: &Session) -> Result<Exit> {
        match self.what {
            What::List(filter) => list(session, filter).await,
            What::Show(place) => show(session, place).await,
            What::Claim(decide) => claim(session, decide).await,
            What::Release(decide) => release(session, decide).await,
            What::Note(note) => note.add(session).await,
            What::Approve(decide) => decide.give(session, Verdict::Approve, VerdictRequest::default()).await,
            What::Unblock(decide) => decide.give(session, Verdict::Unblock, VerdictRequest::default()).await,
            What::Reject(reasoned) => reasoned.give(session, Verdict::Reject).await,
            What::Block(reasoned) => reasoned.give(session, Verdict::Block).await,
        }?;
        Ok(Exit::Done)
    }
}

impl DecideWithReason {
    async fn give(self, session: &Session, verdict: Verdict) -> Result<()> {
        let Self { decide, message, rule, field, mend, link } = self;
        let request = VerdictRequest { message: Some(message), code: rule, target: field, mend, link, queue: None };
        decide.give(session, verdict, request).await
    }
}

impl Decide {
    async fn give(self, session: &Session, verdict: Verdict, request: VerdictRequest) -> Result<()> {
        let Self { place, queue } = self;
        let client = session.client()?;
        let step = place.step(&client).await?;
        let given = client.give_verdict(place.operation, &step, verdict, &VerdictRequest { queue, ..request }).await;
        place.of(&client, &step, given).await.with_context(|| format!("{} of {step}", verdict.word()))?;
        session.done(&format!("Done: {} of {step} is recorded, and the publisher can see it.", verdict.word()))
    }
}

impl Note {
    async fn add(self, session: &Session) -> Result<()> {
        let Self { decide: Decide { place, queue }, message, public } = self;
        let note = NewNote { text: message, public, queue };
        let client = session.client()?;
        let step = place.step(&client).await?;
        let added = client.add_review_note(place.operation, &step, &note).await;
        place.of(&client, &step, added).await.with_context(|| format!("note on {step}"))?;
        let readers = if public { "the publisher and reviewers" } else { "reviewers alone" };
        session.done(&format!("Done: the note on {step} is for {readers} to read."))
    }
}

async fn list(session: &Session, filter: Filter) -> Result<()> {
    let Filter { queue, mine, free, mine_or_free } = filter;
    let client = session.client()?;
    let filter = ReviewFilter { queue, mine: mine || mine_or_free, free: free || mine_or_free };
    let reviews = client.list_reviews(&filter).await?;
    session.answered(&client, |out, _| {
        if reviews.is_empty() {
            return Ok(writeln!(out, "Nothing waits for a reviewer.")?);
        }
        let now = now();
        let rows: Vec<_> = reviews.into_iter().map(|review| row(review, now)).collect();
        let head = ["OPERATION", "STEP", "OFFER", "QUEUE", "STATE", "WAITING", "SINCE", "HELD BY"];
        Ok(table(out, head, &rows)?)
    })
}

fn row(review: Waiting, now: Date) -> [String; 8] {
    let state = match review.approvals {
        _ if review.blocked => "blocked".to_owned(),
        Some(Approvals { given, needed }) if needed > 1 => format!("waiting, {given} of {needed} approved"),
        _ => "waiting".to_owned(),
    };
    let offer = format!("{}/{}", review.publisher_id, review.offer_id);
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let operation = review.operation_id.to_string();
    let (waiting, since) = (between(review.waiting_since, now), minute(review.waiting_since));
    [operation, review.step_id, offer, or_none(review.queue), state, waiting, since, or_none(review.held_by)]
}

async fn show(session: &Session, place: Place) -> Result<()> {
    let client = session.client()?;
    let step = place.step(&client).await?;
    let step = place.of(&client, &step, client.get_review(place.operation, &step).await).await?;
    session.answered(&client, |out, _| {
        let offer = format!("{}/{}", step.publisher_id, step.offer_id);
        writeln!(
            out,
            "{} of {} version {}, {} %",
            plain(&step.step_name),
            plain(&offer),
            step.offer_version,
            step.progress_percentage
        )?;
        step.checks.iter().try_for_each(|check| show_check(out, check))
    })
}

fn show_check(out: &mut dyn Write, check: &ReviewedCheck) -> Result<()> {
    let queue = check.queue.as_ref().map(|queue| format!(" in queue {queue}")).unwrap_or_default();
    let status = within(State::of_step(check.status));
    writeln!(out, "\n{}{}: {status}, {} %", plain(&check.kind), plain(&queue), check.progress_percentage)?;
    if let (Some(name), Some(until)) = (&check.held_by, &check.held_until) {
        writeln!(out, "  held by {} until {until}", plain(name))?;
    }
    if let Some(Approvals { given, needed }) = check.approvals {
        writeln!(out, "  {given} of {needed} approved")?;
    }
    for approval in &check.approved_by {
        writeln!(out, "  approved by {} at {}", plain(&approval.by), approval.at)?;
    }
    for message in &check.messages {
        writeln!(out, "  {}", said(message))?;
    }
    for note in &check.notes {
        let readers = if note.public { "public note" } else { "note for reviewers" };
        writeln!(out, "  {readers} by {} at {}: {}", plain(&note.by), note.at, plain(&note.text))?;
    }
    Ok(())
}

fn said(message: &Message) -> String {
    let parts = [
        message.code.as_ref(),
        Some(&message.text),
        message.mend.as_ref(),
        message.target.as_ref(),
        message.link.as_ref(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().map(|part| plain(part)).collect();
    format!("{} {}", message.timestamp, parts.join(" | "))
}

async fn claim(session: &Session, decide: Decide) -> Result<()> {
    let Decide { place, queue } = decide;
    let client = session.client()?;
    let step = place.step(&client).await?;
    let hold = client.claim_review(place.operation, &step, &ReviewRequest { queue }).await;
    let hold = place.of(&client, &step, hold).await.with_context(|| format!("claim of {step}"))?;
    session.answered(&client, |out, _| Ok(writeln!(out, "Done: you hold {} until {}.", plain(&step), hold.held_until)?))
}

async fn release(session: &Session, decide: Decide) -> Result<()> {
    let Decide { place, queue } = decide;
    let client = session.client()?;
    let step = place.step(&client).await?;
    let released = client.release_review(place.operation, &step, &ReviewRequest { queue }).await;
    place.of(&client, &step, released).await.with_context(|| format!("release of {step}"))?;
    session.done(&format!("Done: nobody holds {step} any more."))
}

//! Turning the clock: by a span, to a moment, to what happens next, or until an offer stands somewhere.

use super::Emulator;
use super::driver::Turn;
use super::inner::Inner;
use super::moments::{moment, span};
use crate::clock::LAST_MOMENT;
use crate::http::{Problem, shown};
use crate::store::{Journal, LineSelection, Store};
use crate::wire;
use anyhow::Result;
use api::emulator::{Advance, Advanced, Happening};
use api::errors::ErrorCode;
use publishing::explain::explain;
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferId, OfferKey, PublisherId};
use publishing::principal::Circle;
use publishing::status::{OfferStatus, StepStatus};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// How long to go on at most where nothing is said.
const USUAL_LIMIT: &str = "365d";

/// How far to turn the clock.
enum Goal {
    By(i64),
    To(Moment),
    Next { within: String },
    Until { wanted: Wanted, key: OfferKey, within: String },
}

/// Where an offer shall stand.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Status(OfferStatus),
    Step(String, StepStatus),
}

/// Up to where the journals were read.
pub(super) struct Seen(BTreeMap<String, i64>);

/// Turns the clock.
pub(super) async fn advance(emulator: Emulator, request: Advance) -> Result<Advanced, Problem> {
    let goal = Goal::of(&request)?;
    let mut turn = emulator.turn().await;
    let outcome = turned(&mut turn, &goal).await;
    turn.end().await.map_err(|error| Problem::internal(&error))?;
    outcome
}

async fn turned(turn: &mut Turn, goal: &Goal) -> Result<Advanced, Problem> {
    let internal = |error: anyhow::Error| Problem::internal(&error);
    let from = turn.now();
    let seen = Seen::now(&turn.inner()).map_err(internal)?;
    match goal {
        Goal::By(seconds) if from.plus_seconds(*seconds) > LAST_MOMENT => {
            let last = wire::date(LAST_MOMENT);
            let message =
                format!("The clock goes no further than {last}. Give a shorter span, put a snapshot back, or reset.");
            return Err(Problem::new(ErrorCode::Conflict, message).at("/by"));
        }
        Goal::By(seconds) => turn.settle_until(from.plus_seconds(*seconds)).await.map_err(internal)?,
        Goal::To(moment) if *moment < from => {
            let now = wire::date(from);
            let message = format!(
                "The clock shows {now} already, and is not turned back. Name a later moment, put a snapshot back, or reset."
            );
            return Err(Problem::new(ErrorCode::Conflict, message).at("/to"));
        }
        Goal::To(moment) => turn.settle_until(*moment).await.map_err(internal)?,
        Goal::Next { within } => {
            let limit = from.plus_seconds(limit(within)?).min(LAST_MOMENT);
            let message = |_: &Turn| {
                Ok(format!(
                    "Nothing happens by itself within {within}. Publish an offer, or say how long to wait in `within`."
                ))
            };
            attempt(turn, limit, |turn| seen.has_more(&turn.inner()), message).await?;
        }
        Goal::Until { wanted, key, within } => {
            let limit = from.plus_seconds(limit(within)?).min(LAST_MOMENT);
            let message = |turn: &Turn| {
                let offer = turn.offer(key)?.ok_or_else(|| anyhow::anyhow!("the offer is gone"))?;
                Ok(in_the_way(key, wanted, &offer, turn.now(), within))
            };
            let offer = turn.offer(key).map_err(internal)?;
            wanted.fits(turn, key, offer.as_ref())?;
            let meets = |turn: &Turn| Ok(turn.offer(key)?.is_some_and(|offer| wanted.is_met(turn, &offer)));
            attempt(turn, limit, meets, message).await?;
        }
    }
    let happened = seen.happened(&turn.inner()).await.map_err(internal)?;
    Ok(Advanced { from: wire::date(from), to: wire::date(turn.now()), happened })
}

/// Goes from one thing that is due to the next until something is so. Where that does not come, nothing was done: it is tried out
/// first where nobody sees it.
async fn attempt(
    turn: &mut Turn,
    limit: Moment,
    is_so: impl Fn(&Turn) -> Result<bool>,
    message: impl Fn(&Turn) -> Result<String>,
) -> Result<(), Problem> {
    let internal = |error: anyhow::Error| Problem::internal(&error);
    turn.settle().await.map_err(internal)?;
    if is_so(turn).map_err(internal)? {
        return Ok(());
    }
    let mut rehearsal = turn.rehearsal().await.map_err(internal)?;
    if !steps(&mut rehearsal, limit, &is_so).await.map_err(internal)? {
        return Err(Problem::new(ErrorCode::Conflict, message(&rehearsal).map_err(internal)?));
    }
    if steps(turn, limit, &is_so).await.map_err(internal)? {
        return Ok(());
    }
    Err(Problem::internal(&"what was tried out did not come about a second time"))
}

/// Goes from one thing that is due to the next until something is so; whether it has come.
async fn steps(turn: &mut Turn, limit: Moment, is_so: &impl Fn(&Turn) -> Result<bool>) -> Result<bool> {
    while turn.step(limit).await? {
        if is_so(turn)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What keeps an offer from coming somewhere.
pub(super) fn in_the_way(key: &OfferKey, wanted: &Wanted, offer: &Offer, now: Moment, within: &str) -> String {
    let explained = explain(offer, now);
    let (headline, next) = (explained.headline.to_string(), explained.next);
    let headline = headline.trim_end_matches('.');
    format!(
        "{} does not come to {wanted} by itself within {within}. What stands in the way: {headline}. {next} The clock is where it was.",
        key.name()
    )
}

impl Goal {
    fn of(request: &Advance) -> Result<Self, Problem> {
        let within = || request.within.clone().unwrap_or_else(|| USUAL_LIMIT.to_owned());
        let fault = |target: &'static str| move |message: String| Problem::bad_request(target, message);
        if request.offer.is_some() && request.until.is_none() {
            return Err(Problem::bad_request(
                "/offer",
                "`offer` is what `until` is about. Give `until` too, or leave it out.",
            ));
        }
        match (&request.by, request.to.as_deref(), &request.until) {
            (Some(by), None, None) => span(by).map(Self::By).map_err(fault("/by")),
            (None, Some("next"), None) => Ok(Self::Next { within: within() }),
            (None, Some(to), None) => {
                moment(to).map(Self::To).map_err(|message| Problem::bad_request("/to", format!("{message}, or `next`")))
            }
            (None, None, Some(until)) => {
                let offer = request.offer.as_deref().ok_or_else(|| {
                    Problem::bad_request("/offer", "Until when? Name the offer in `offer`, as publisher/offer.")
                })?;
                let (wanted, key) = (Wanted::parse(until)?, key(offer)?);
                Ok(Self::Until { wanted, key, within: within() })
            }
            _ => Err(Problem::bad_request(
                "",
                r#"Give exactly one of `by`, `to` and `until`, such as {"by":"2h"}, {"to":"next"} or {"until":"status=succeeded","offer":"contoso/x"}."#,
            )),
        }
    }
}

fn limit(within: &str) -> Result<i64, Problem> {
    span(within).map_err(|message| Problem::bad_request("/within", message))
}

/// The offer of this name; one of the emulator's own publisher where none is named.
pub(super) fn key(text: &str) -> Result<OfferKey, Problem> {
    let (publisher, offer) = text.split_once('/').unwrap_or((super::PUBLISHER, text));
    let key = PublisherId::parse(publisher).zip(OfferId::parse(offer));
    let fault = || {
        Problem::bad_request("/offer", format!("{:?} names no offer. Write it like contoso/web-gateway.", shown(text)))
    };
    key.map(|(publisher, offer)| OfferKey { publisher, offer }).ok_or_else(fault)
}

impl Wanted {
    /// `status=…` or `step.….=…`.
    fn parse(text: &str) -> Result<Self, Problem> {
        match text.split_once('=') {
            Some(("status", word)) => Self::status("/until", word),
            Some((name, word)) if name.starts_with("step.") => Self::step("/until", &name["step.".len()..], word),
            _ => Err(Problem::bad_request(
                "/until",
                "Write what to wait for like status=succeeded or step.displaycertify=blocked.",
            )),
        }
    }

    pub(super) fn status(target: &str, word: &str) -> Result<Self, Problem> {
        let all = "neverPublished, notStarted, waitingForPublisherReview, running, succeeded, canceled, failed";
        read(word).map(Self::Status).ok_or_else(|| unknown(target, word, all))
    }

    pub(super) fn step(target: &str, step: &str, word: &str) -> Result<Self, Problem> {
        let all = "notStarted, inProgress, waitingForPublisherReview, waitingForApproval, blocked, rejected, complete, canceled";
        read(word).map(|status| Self::Step(step.to_owned(), status)).ok_or_else(|| unknown(target, word, all))
    }

    /// Refuses what can never be: there is no such offer, or no such step in it.
    pub(super) fn fits(&self, turn: &Turn, key: &OfferKey, offer: Option<&Offer>) -> Result<(), Problem> {
        let name = key.name();
        let missing = || Problem::not_found(format!("There is no offer {name}. Save one, or `reach` makes a sample."));
        let offer = offer.ok_or_else(missing)?;
        let Self::Step(id, _) = self else { return Ok(()) };
        let steps = turn.inner().service.perform.status(offer).steps;
        if steps.iter().any(|step| step.id == *id) {
            return Ok(());
        }
        let ids: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
        Err(Problem::not_found(format!("{name} has no step {:?}. Use one of {}.", shown(id), ids.join(", "))))
    }

    pub(super) fn is_met(&self, turn: &Turn, offer: &Offer) -> bool {
        match self {
            Self::Status(status) => offer.status() == *status,
            Self::Step(id, wanted) => {
                let shown = turn.inner().service.perform.status(offer);
                shown.steps.iter().any(|step| step.id == *id && step.status() == *wanted)
            }
        }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status={status}"),
            Self::Step(step, status) => {
                let word = serde_json::to_value(status).unwrap_or_default();
                write!(f, "step.{step}={}", word.as_str().unwrap_or_default())
            }
        }
    }
}

fn read<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

fn unknown(target: &str, word: &str, all: &str) -> Problem {
    Problem::bad_request(target, format!("There is no status {:?}. Use one of {all}.", shown(word)))
}

impl Turn {
    pub(super) fn offer(&self, key: &OfferKey) -> Result<Option<Offer>> {
        let inner = self.inner();
        // Nothing in it waits: the store is in memory.
        let stored = futures_util::FutureExt::now_or_never(inner.store.load(key));
        let stored = stored.ok_or_else(|| anyhow::anyhow!("the store in memory kept somebody waiting"))?;
        Ok(stored?.map(|stored| stored.offer))
    }
}

impl Seen {
    pub(super) fn now(inner: &Inner) -> Result<Self> {
        let mut seen = BTreeMap::new();
        for circle in inner.store.circles()? {
            if let Circle::Publisher(publisher) = circle {
                seen.insert(publisher.folded(), inner.store.newest_line(&publisher)?);
            }
        }
        Ok(Self(seen))
    }

    fn has_more(&self, inner: &Inner) -> Result<bool> {
        Ok(Self::now(inner)?.0 != self.0)
    }

    /// What has happened to offers since, in order.
    pub(super) async fn happened(&self, inner: &Inner) -> Result<Vec<Happening>> {
        let mut happened = Vec::new();
        for circle in inner.store.circles()? {
            let Circle::Publisher(publisher) = circle else { continue };
            let after = self.0.get(&publisher.folded()).copied().unwrap_or(0);
            let lines = inner.store.lines(LineSelection::after(publisher.clone(), None, after, i64::MAX)).await?;
            for line in lines {
                let entry = wire::happened(&line, &publisher)?;
                happened.push(Happening {
                    at: entry.at,
                    offer: format!("{publisher}/{}", line.offer),
                    kind: entry.event,
                    title: entry.title,
                });
            }
        }
        happened.sort_by_key(|happening| happening.at);
        Ok(happened)
    }
}

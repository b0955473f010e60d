//! Brings an offer to a status, or a step of it to one, by whatever that takes: real commands, verdicts and time.

use super::Emulator;
use super::advance::{Seen, Wanted, in_the_way, key};
use super::door::internal;
use super::driver::Turn;
use super::rehearsal::Forced;
use super::reviews::give;
use crate::auth::{Caller, Permission, Role};
use crate::clock::LAST_MOMENT;
use crate::demo::STORIES;
use crate::http::{Problem, shown};
use crate::perform::permission;
use crate::store::Directory;
use crate::wire;
use api::emulator::{Reach, Reached, Reviews};
use api::errors::ErrorCode;
use publishing::command::{Command, Ending, Expected, Reason, Verdict};
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferKey};
use publishing::operation::{Operation, Step};
use publishing::principal::Circle;
use publishing::status::{OfferStatus, StepStatus};

/// The type of a sample where none is named.
const USUAL_TYPE: &str = "microsoft-azure-virtualmachines";

/// How many commands are given at most on the way.
const MOST_COMMANDS: usize = 40;

/// How long the way may take, in seconds.
const LIMIT_SECONDS: i64 = 365 * 24 * 3600;

/// What to do next on the way.
#[derive(Clone, Debug, PartialEq)]
enum Act {
    Save,
    Publish,
    GoLive,
    Cancel,
    Verdict(Verdict),
    /// Make the check at hand end so.
    Force(Ending),
    /// Let time pass.
    Wait,
}

/// What an offer shall be brought to.
struct Way {
    key: OfferKey,
    wanted: Wanted,
    offer_type: String,
    limit: Moment,
}

/// Brings an offer somewhere.
pub(super) async fn reach(emulator: Emulator, request: Reach) -> Result<Reached, Problem> {
    aim(&request)?;
    let mut turn = emulator.turn().await;
    let outcome = async {
        turn.settle().await.map_err(internal)?;
        // Followers see nothing of a way that leads nowhere.
        turn.rehearsal().await.map_err(internal)?.reach(&request).await?;
        turn.reach(&request).await
    };
    let outcome = outcome.await;
    turn.end().await.map_err(internal)?;
    outcome
}

/// What offer shall be brought where.
fn aim(request: &Reach) -> Result<(OfferKey, Wanted), Problem> {
    let wanted = match (&request.status, &request.step, &request.step_status) {
        (Some(status), None, None) => Wanted::status("/status", status)?,
        (None, Some(step), Some(status)) => Wanted::step("/stepStatus", step, status)?,
        _ => {
            let message = "Give `status`, or `step` and `stepStatus`: where shall the offer stand?";
            return Err(Problem::bad_request("", message));
        }
    };
    Ok((key(&request.offer)?, wanted))
}

impl Turn {
    /// Brings an offer somewhere. Where the way breaks off, what was done stays.
    pub(super) async fn reach(&mut self, request: &Reach) -> Result<Reached, Problem> {
        let outcome = reached(self, request).await;
        self.emulator.0.making.rehearsed.force(None);
        outcome
    }
}

async fn reached(turn: &mut Turn, request: &Reach) -> Result<Reached, Problem> {
    let (key, wanted) = aim(request)?;
    turn.settle().await.map_err(internal)?;
    let (from, seen) = (turn.now(), Seen::now(&turn.inner()).map_err(internal)?);
    let publisher = turn.inner().store.publisher(&key.publisher.folded())?;
    let missing = || Problem::not_found(format!("There is no publisher {}. Create it first.", key.publisher));
    let key = OfferKey { publisher: publisher.ok_or_else(missing)?.id, ..key };
    let offer_type = request.offer_type.clone().unwrap_or_else(|| USUAL_TYPE.to_owned());
    let way = Way { key, wanted, offer_type, limit: from.plus_seconds(LIMIT_SECONDS).min(LAST_MOMENT) };
    let offer = way.walk(turn).await?;
    let step_status = match &way.wanted {
        Wanted::Step(_, status) => serde_json::to_value(status).ok().and_then(|word| word.as_str().map(str::to_owned)),
        Wanted::Status(_) => None,
    };
    Ok(Reached {
        offer: format!("{}/{}", way.key.publisher, way.key.offer.as_str()),
        status: offer.status().to_string(),
        step_status,
        from: wire::date(from),
        to: wire::date(turn.now()),
        happened: seen.happened(&turn.inner()).await.map_err(internal)?,
    })
}

impl Way {
    async fn walk(&self, turn: &mut Turn) -> Result<Offer, Problem> {
        let mut commands = 0;
        loop {
            let offer = turn.offer(&self.key).map_err(internal)?;
            if let Some(offer) = offer.as_ref().filter(|offer| self.wanted.is_met(turn, offer)) {
                return Ok(offer.clone());
            }
            let by_hand = turn.emulator.0.reviews == Reviews::ByHand;
            let act = self.next(turn, offer.as_ref(), by_hand)?;
            if act == Act::Wait {
                self.wait(turn, offer.as_ref()).await?;
                continue;
            }
            commands += 1;
            if commands > MOST_COMMANDS {
                return Err(self.impossible("the way there has no end"));
            }
            self.act(turn, offer.as_ref(), act).await?;
            turn.settle().await.map_err(internal)?;
        }
    }

    async fn wait(&self, turn: &mut Turn, offer: Option<&Offer>) -> Result<(), Problem> {
        if turn.step(self.limit).await.map_err(internal)? {
            return Ok(());
        }
        let message = offer.map(|offer| in_the_way(&self.key, &self.wanted, offer, turn.now(), "365d"));
        Err(Problem::new(ErrorCode::Conflict, message.unwrap_or_else(|| "nothing happens by itself".to_owned())))
    }

    /// Lets time pass until something has happened to the offer: what happens to others does not bring it on.
    async fn wait_for_change(&self, turn: &mut Turn, offer: Option<&Offer>) -> Result<(), Problem> {
        let operation_of = |offer: Option<&Offer>| offer.and_then(|offer| offer.operation.clone());
        let before = operation_of(offer);
        while operation_of(turn.offer(&self.key).map_err(internal)?.as_ref()) == before {
            self.wait(turn, offer).await?;
        }
        Ok(())
    }

    fn impossible(&self, why: &str) -> Problem {
        let message = format!("{} cannot be brought to {}: {why}.", self.key.name(), self.wanted);
        Problem::new(ErrorCode::Conflict, message)
    }

    /// What to do next.
    fn next(&self, turn: &Turn, offer: Option<&Offer>, by_hand: bool) -> Result<Act, Problem> {
        let Some(offer) = offer else { return Ok(Act::Save) };
        let operation = offer.operation.as_ref();
        let run = operation.and_then(|operation| Some((operation, operation.current_step()?)));
        let is_active = matches!(offer.status(), OfferStatus::Running | OfferStatus::WaitingForPublisherReview);
        let run = run.filter(|_| is_active);
        match &self.wanted {
            Wanted::Status(status) => self.to_status(offer, run, *status, by_hand),
            Wanted::Step(id, status) => {
                self.wanted.fits(turn, &self.key, Some(offer))?;
                match run {
                    Some((operation, current)) => self.to_step(operation, current, (id, *status), by_hand),
                    None => Ok(Act::Publish),
                }
            }
        }
    }

    fn to_status(
        &self,
        offer: &Offer,
        run: Option<(&Operation, &Step)>,
        wanted: OfferStatus,
        by_hand: bool,
    ) -> Result<Act, Problem> {
        if wanted == OfferStatus::NeverPublished {
            return Err(self.impossible("it was published before; name an offer that is not there yet, or reset"));
        }
        let Some((operation, current)) = run else {
            let ended_badly = matches!(offer.status(), OfferStatus::Canceled | OfferStatus::Failed);
            return Ok(if wanted == OfferStatus::NotStarted && ended_badly { Act::Save } else { Act::Publish });
        };
        let waits_for_publisher = offer.status() == OfferStatus::WaitingForPublisherReview;
        Ok(match wanted {
            OfferStatus::Canceled | OfferStatus::NotStarted if operation.can_cancel() => Act::Cancel,
            OfferStatus::Failed if waits_for_publisher => Act::Cancel,
            OfferStatus::Failed => self.end_badly(current, Ending::Rejected)?,
            _ => onward(current, by_hand),
        })
    }

    fn to_step(
        &self,
        operation: &Operation,
        current: &Step,
        (id, wanted): (&str, StepStatus),
        by_hand: bool,
    ) -> Result<Act, Problem> {
        let place = |id: &str| operation.steps.iter().position(|step| step.id == id);
        let (here, there) = (place(&current.id), place(id));
        let again = || if operation.can_cancel() { Act::Cancel } else { onward(current, by_hand) };
        if there > here && wanted != StepStatus::NotStarted {
            return Ok(onward(current, by_hand));
        }
        if there < here || wanted == StepStatus::NotStarted {
            return Ok(again());
        }
        let has_reviewer = current.checks.iter().any(|check| check.kind.queue().is_some());
        let by_machines = current.checks.iter().any(|check| !check.kind.waits_for_person());
        match wanted {
            StepStatus::InProgress if !by_machines => Err(self.impossible("machines do nothing in this step")),
            StepStatus::WaitingForApproval if !has_reviewer => {
                Err(self.impossible("no reviewer has a say in this step"))
            }
            StepStatus::WaitingForPublisherReview if !current.is_sign_off() => {
                Err(self.impossible("the publisher has no say in this step"))
            }
            // What machines have done is done: only another run comes there again.
            StepStatus::InProgress if current.status() == StepStatus::WaitingForApproval => Ok(again()),
            StepStatus::Blocked => self.end_badly(current, Ending::Blocked),
            StepStatus::Rejected => self.end_badly(current, Ending::Rejected),
            StepStatus::Canceled if operation.can_cancel() => Ok(Act::Cancel),
            StepStatus::Canceled => Err(self.impossible("going live has begun, and cannot be canceled")),
            StepStatus::Complete => Ok(onward(current, by_hand)),
            _ if current.status() == StepStatus::Blocked => Ok(Act::Verdict(Verdict::Unblock)),
            _ => Ok(Act::Wait),
        }
    }

    /// Makes the step at hand end with an error.
    fn end_badly(&self, current: &Step, ending: Ending) -> Result<Act, Problem> {
        let reason = Reason {
            code: Some("Emulated".to_owned()),
            text: "The emulator was told to bring the offer here.".to_owned(),
            ..Reason::default()
        };
        let has_reviewer = current.checks.iter().any(|check| check.kind.queue().is_some());
        Ok(match (current.status(), ending) {
            _ if current.is_sign_off() => {
                return Err(self.impossible("sign-off is the publisher's, and only ends well"));
            }
            (StepStatus::Blocked, Ending::Rejected) if !has_reviewer => Act::Verdict(Verdict::Unblock),
            (StepStatus::WaitingForApproval | StepStatus::Blocked, Ending::Rejected) => {
                Act::Verdict(Verdict::Reject(reason))
            }
            (StepStatus::WaitingForApproval, _) => Act::Verdict(Verdict::Block(reason)),
            // A reviewer's check that the step has not come to yet.
            _ if current.checks.iter().all(|check| check.kind.waits_for_person()) => Act::Wait,
            (_, ending) => Act::Force(ending),
        })
    }

    async fn act(&self, turn: &mut Turn, offer: Option<&Offer>, act: Act) -> Result<(), Problem> {
        let expected = Expected::Unstated;
        let command = match act {
            Act::Save => self.save(offer)?,
            Act::Publish => Command::Publish { emails: Vec::new(), expected },
            Act::GoLive => Command::GoLive { expected },
            Act::Cancel => Command::Cancel { expected },
            Act::Verdict(verdict) => return self.give(turn, offer, verdict).await,
            Act::Force(ending) => {
                let step = offer.and_then(|offer| offer.operation.as_ref()?.current_step());
                let step = step.map(|step| step.id.clone()).unwrap_or_default();
                turn.emulator.0.making.rehearsed.force(Some(Forced { offer: self.key.name(), step, ending }));
                return self.wait_for_change(turn, offer).await;
            }
            Act::Wait => return Ok(()),
        };
        let owner = Caller::new("emulator", None).with(Circle::Publisher(self.key.publisher.clone()), [Role::Owner]);
        let needed = permission(&command).unwrap_or(Permission::Read);
        let by = owner.authorise(self.key.publisher.as_str(), needed)?;
        turn.inner().service.perform.perform(&by, &self.key.offer, command).await?;
        Ok(())
    }

    /// The draft that is there, saved once more, or a sample.
    fn save(&self, offer: Option<&Offer>) -> Result<Command, Problem> {
        let expected = Expected::Unstated;
        if let Some(offer) = offer {
            let definition = offer.draft.definition.clone().into();
            return Ok(Command::SaveDraft { offer_type: offer.offer_type.clone(), definition, expected });
        }
        let story = STORIES.iter().find(|story| story.offer_type.eq_ignore_ascii_case(&self.offer_type));
        let story = story.ok_or_else(|| {
            let message = format!(
                "There is no sample of the type {:?}, and no offer {}. Save one, then ask again.",
                shown(&self.offer_type),
                self.key.name()
            );
            Problem::not_found(message)
        })?;
        let (offer_type, definition) = (story.offer_type.to_owned(), story.definition().into());
        Ok(Command::SaveDraft { offer_type, definition, expected })
    }

    async fn give(&self, turn: &Turn, offer: Option<&Offer>, verdict: Verdict) -> Result<(), Problem> {
        let operation = offer.and_then(|offer| offer.operation.as_ref());
        let Some((operation, step)) = operation.and_then(|operation| Some((operation, operation.current_step()?)))
        else {
            return Err(self.impossible("nothing waits for a reviewer"));
        };
        let before = step.checks.iter().map(|check| check.review.approvals.len()).max().unwrap_or(0);
        let named = (operation.id, step.id.clone(), None);
        give(&turn.inner(), &self.key, named, verdict, before)
            .await
            .map_err(|error| self.impossible(&format!("{error:#}")))
    }
}

/// Carries a run on.
fn onward(current: &Step, by_hand: bool) -> Act {
    match current.status() {
        StepStatus::Blocked => Act::Verdict(Verdict::Unblock),
        StepStatus::WaitingForPublisherReview => Act::GoLive,
        StepStatus::WaitingForApproval if by_hand => Act::Verdict(Verdict::Approve),
        _ => Act::Wait,
    }
}

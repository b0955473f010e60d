//! The only way anything changes: load, decide, commit; again if someone was faster.

mod access;
mod durations;
mod failure;
mod foresee;
mod leads;
mod mails;
mod repeated;
mod replan;
mod requests;
mod subscriptions;

pub use durations::Looked;
pub use failure::Failure;
pub use foresee::Foreseen;
pub use mails::MailFollower;
pub use requests::{AccessRequest, Granted, Newcomer, OneTime};
pub use subscriptions::{Followed, Follower};

use crate::auth::{Authorised, Once, Permission};
use crate::clock::Clock;
use crate::links::Links;
use crate::store::{Change, Claim, Repeated, Store, StoreError, Stored, Then, UnderClaim};
use crate::wire;
use durations::Known;
use publishing::command::{CheckRef, Command, Report};
use publishing::decide::{Answer, Context, Decision, MissingIfMatch, decide};
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferId, OfferKey};
use publishing::offer_type::OfferTypes;
use publishing::principal::Circle;
use std::sync::Arc;
use tokio::sync::Notify;
use uuid::Uuid;

/// How often a command is decided again because someone else was faster, before the caller is told to come back.
const MOST_ROUNDS: usize = 100;

/// The journal's name for what the service does by itself.
const SERVICE: &str = "portolan";

/// What came of a command.
#[derive(Clone, Debug)]
pub struct Performed {
    /// What it means to the caller.
    pub answer: Answer,
    /// The offer as it is now.
    pub offer: Offer,
}

/// Who asks for a change.
#[derive(Clone, Debug)]
struct Actor {
    /// For the journal.
    name: String,
    /// None for the service itself, and for outside systems.
    principal: Option<Uuid>,
}

impl Actor {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), principal: None }
    }
}

/// Performs commands.
#[derive(Clone, Debug)]
pub struct Perform {
    store: Arc<dyn Store>,
    clock: Clock,
    /// By which keys of requests grow old.
    wall: Clock,
    types: Arc<OfferTypes>,
    missing_if_match: MissingIfMatch,
    links: Links,
    mails: bool,
    work_due: Arc<Notify>,
    post_due: PostDue,
    known: Known,
    tells_durations: bool,
}

/// Wakes those who deliver what is in the outbox, each kind its own.
#[derive(Clone, Debug, Default)]
pub struct PostDue {
    /// Of leads.
    pub leads: Arc<Notify>,
    /// Of webhooks.
    pub webhooks: Arc<Notify>,
    /// Of mails.
    pub mails: Arc<Notify>,
}

impl Perform {
    /// Performs on this store, by this clock, for these offer types.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        types: Arc<OfferTypes>,
        missing_if_match: MissingIfMatch,
        links: Links,
    ) -> Self {
        let (work_due, post_due) = (Arc::new(Notify::new()), PostDue::default());
        let (known, tells_durations) = (Known::default(), true);
        let (mails, wall) = (false, clock.clone());
        Self { store, clock, wall, types, missing_if_match, links, mails, work_due, post_due, known, tells_durations }
    }

    /// The same, with mails sent to those who want to be told.
    #[must_use]
    pub fn with_mails(self, mails: bool) -> Self {
        Self { mails, ..self }
    }

    /// The same, with keys of requests kept by another clock: by the one that callers live by.
    #[must_use]
    pub fn with_keys_by(self, wall: Clock) -> Self {
        Self { wall, ..self }
    }

    /// Wakes whoever works off due checks.
    pub fn work_due(&self) -> Arc<Notify> {
        Arc::clone(&self.work_due)
    }

    /// The time.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// The service's addresses as others see them.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Wakes whoever delivers what is in the outbox.
    pub fn post_due(&self) -> &PostDue {
        &self.post_due
    }

    /// Performs a caller's command on an offer.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn perform(&self, by: &Authorised<'_>, offer: &OfferId, command: Command) -> Result<Performed, Failure> {
        let (key, actor) = self.admit(by, offer, &command)?;
        let Some(once) = by.once() else { return self.run(&key, &actor, command, None, None).await };
        let work = async { Ok(self.run(&key, &actor, command, None, Some(once)).await?.answer) };
        let answer = self.once(Some(once), work).await?;
        let missing = || StoreError::Corrupt(format!("{key:?} was changed, and is not there"));
        Ok(Performed { answer, offer: self.store.load(&key).await?.ok_or_else(missing)?.offer })
    }

    /// Whether the caller may ask this of the offer; who that is for the journal.
    fn admit(&self, by: &Authorised<'_>, offer: &OfferId, command: &Command) -> Result<(OfferKey, Actor), Failure> {
        if permission(command) != Some(by.permission()) {
            return Err(Failure::Forbidden);
        }
        self.still_may(by.principal(), &Circle::Publisher(by.publisher().clone()), by.permission())?;
        if by.permission() == Permission::Review {
            self.reviews_for_others(by)?;
        }
        let key = OfferKey { publisher: by.publisher().clone(), offer: offer.clone() };
        Ok((key, Actor { name: by.actor().to_owned(), principal: by.principal() }))
    }

    /// Asks again whether a caller may: between the proof at the door and this there was a body, which may take its time.
    fn still_may(&self, who: Option<Uuid>, circle: &Circle, permission: Permission) -> Result<(), Failure> {
        // Whoever is no principal is the service itself, or is let in by a secret that the change spends.
        let Some(who) = who else { return Ok(()) };
        let counts = |at: &Circle| *at == Circle::Marketplace || at.name() == circle.name();
        let memberships = self.store.memberships(who)?;
        let mut roles = memberships.iter().filter(|(at, _)| counts(at)).flat_map(|(_, roles)| roles);
        if roles.any(|role| permission.is_of(*role)) { Ok(()) } else { Err(Failure::Forbidden) }
    }

    /// Refuses whoever belongs to the publisher, as whatever: nobody reviews an offer of their own.
    fn reviews_for_others(&self, by: &Authorised<'_>) -> Result<(), Failure> {
        let Some(who) = by.principal() else { return Ok(()) };
        let own = Circle::Publisher(by.publisher().clone()).name();
        let is_member = self.store.memberships(who)?.iter().any(|(at, _)| at.name() == own);
        if is_member { Err(Failure::OwnPublisher) } else { Ok(()) }
    }

    /// Performs a worker's command under its claim; `then` says what becomes of the claim.
    ///
    /// # Errors
    /// [`Failure`], with [`StoreError::Superseded`] where the claim is not held any more.
    pub async fn perform_claimed(&self, claim: &Claim, then: Then, command: Command) -> Result<Performed, Failure> {
        let under = UnderClaim { claim: claim.clone(), then };
        self.run(&claim.key, &Actor::named(SERVICE), command, Some(under), None).await
    }

    /// Performs what an outside system, proven to be this checker, says about a check.
    ///
    /// # Errors
    /// [`Failure`], with [`publishing::refusal::Refusal::Superseded`] where that comes twice, too late, or after something newer.
    pub async fn hear(
        &self,
        key: &OfferKey,
        checker: &str,
        check: CheckRef,
        round: u32,
        report: Report,
    ) -> Result<Performed, Failure> {
        let command = Command::HearCheck { check, round, report };
        self.run(key, &Actor::named(&format!("checker {checker}")), command, None, None).await
    }

    async fn run(
        &self,
        key: &OfferKey,
        actor: &Actor,
        command: Command,
        claim: Option<UnderClaim>,
        once: Option<&Once>,
    ) -> Result<Performed, Failure> {
        for _ in 0..MOST_ROUNDS {
            let stored = self.store.load(key).await?;
            let decision = self.decide(key, (actor, self.clock.fresh_id()), &command, stored.as_ref()).await?;
            let repeated = self.kept(once, &decision.answer)?;
            let change = self.change(&decision, stored.as_ref(), claim.clone(), repeated)?;
            let (offer_type, learned) = (change.offer.offer_type.clone(), change.learned.clone());
            match self.store.commit(change).await {
                Err(StoreError::Overtaken) => {}
                Err(error) => return Err(error.into()),
                Ok(letters) => {
                    self.known.forget(&offer_type, &learned);
                    self.work_due.notify_one();
                    if letters > 0 {
                        self.post_due.webhooks.notify_one();
                        self.post_due.mails.notify_one();
                    }
                    return Ok(Performed { answer: decision.answer, offer: decision.offer });
                }
            }
        }
        Err(StoreError::Unavailable(format!("overtaken {MOST_ROUNDS} times")).into())
    }

    /// Asks the rules. Judging a large definition takes a while, and is done where it holds nobody up.
    async fn decide(
        &self,
        key: &OfferKey,
        (actor, fresh_id): (&Actor, Uuid),
        command: &Command,
        stored: Option<&Stored>,
    ) -> Result<Decision, Failure> {
        let command = command.clone();
        if !matches!(command, Command::Publish { .. }) {
            return Ok(decide(key, stored.map(|stored| &stored.offer), command, &self.context(actor, fresh_id))?);
        }
        let (this, key, actor, stored) = (self.clone(), key.clone(), actor.clone(), stored.cloned());
        let judge =
            move || decide(&key, stored.as_ref().map(|stored| &stored.offer), command, &this.context(&actor, fresh_id));
        let judged = tokio::task::spawn_blocking(judge).await;
        Ok(judged.map_err(|error| StoreError::Unavailable(format!("judging broke off: {error}")))??)
    }

    fn context<'a>(&'a self, actor: &'a Actor, fresh_id: Uuid) -> Context<'a> {
        Context {
            now: self.clock.now(),
            fresh_id,
            actor: &actor.name,
            principal: actor.principal,
            types: &self.types,
            missing_if_match: self.missing_if_match,
        }
    }

    fn change(
        &self,
        decision: &Decision,
        stored: Option<&Stored>,
        claim: Option<UnderClaim>,
        repeated: Option<Repeated>,
    ) -> Result<Change, Failure> {
        let offer = decision.offer.clone();
        let status = self.status(&offer);
        let mut document = wire::status_document(&status, &offer.key, &self.links);
        wire::add_usual(&mut document.steps, &self.usual(&offer, &status.steps)?);
        let document = wire::render(&document).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Change {
            learned: self.learned(stored, &offer)?,
            display_text: wire::display_text(&offer.draft.definition),
            offer,
            signed_off: decision.signed_off.clone(),
            decided_on: stored.map(|stored| stored.revision),
            snapshot: decision.snapshot.clone(),
            entry: decision.entry.clone(),
            document,
            claim,
            mails: self.mails,
            repeated,
        })
    }
}

/// What a caller needs to ask this; `None` for what only the service asks of itself.
pub fn permission(command: &Command) -> Option<Permission> {
    match command {
        Command::SaveDraft { .. } => Some(Permission::SaveDraft),
        Command::Publish { .. } => Some(Permission::Publish),
        Command::GoLive { .. } | Command::RollBack { .. } | Command::SynchroniseAudiences { .. } => {
            Some(Permission::GoLive)
        }
        Command::Cancel { .. } => Some(Permission::Cancel),
        Command::GiveVerdict { .. }
        | Command::ClaimReview { .. }
        | Command::ReleaseReview { .. }
        | Command::AddNote { .. } => Some(Permission::Review),
        Command::StartCheck(_)
        | Command::ReportCheck(..)
        | Command::HearCheck { .. }
        | Command::NoteLate { .. }
        | Command::Replan
        | Command::RenewLinks => None,
    }
}

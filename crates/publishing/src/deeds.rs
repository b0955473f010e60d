//! What an entry of the journal says was done: in a word for filters, and in a sentence for people.

use crate::check::CheckState;
use crate::command::{Audience, CheckRef, Ending, Reason, Verdict};
use crate::entry::{Event, FirstCredential};
use crate::moment::Moment;
use crate::pipeline::USUAL_QUEUE;
use crate::principal::{BUILT_IN, Kind, Role};
use std::collections::BTreeSet;
use uuid::Uuid;

/// How many plans a sentence names.
const PLANS_NAMED: usize = 5;

/// How those are called whom an entry names by their ids.
pub trait Names {
    /// A member.
    fn member(&self, id: Uuid) -> String;
    /// A step of the offer.
    fn step(&self, id: &str) -> String;
    /// The same by its index, from 0.
    fn step_at(&self, index: usize) -> String;
    /// A moment.
    fn moment(&self, moment: Moment) -> String;
}

impl Event {
    /// Every word for what was done.
    pub const WORDS: [&str; 32] = [
        "created",
        "draftSaved",
        "published",
        "wentLive",
        "cancelRequested",
        "canceled",
        "verdictGiven",
        "reviewClaimed",
        "reviewReleased",
        "noteAdded",
        "checkStarted",
        "checkReported",
        "checkHeard",
        "stepLate",
        "rolledBack",
        "audiencesSynchronised",
        "replanned",
        "linksRenewed",
        "publisherCreated",
        "memberAdded",
        "setUpAgain",
        "rolesChanged",
        "memberRemoved",
        "secretAdded",
        "secretRemoved",
        "invited",
        "passwordSet",
        "subscriptionAdded",
        "subscriptionChanged",
        "subscriptionRemoved",
        "subscriptionDisabled",
        "deliveryRepeated",
    ];

    /// What was done, in a word: as it is stored.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::DraftSaved => "draftSaved",
            Self::Published { .. } => "published",
            Self::WentLive { .. } => "wentLive",
            Self::CancelRequested { .. } => "cancelRequested",
            Self::Canceled { .. } => "canceled",
            Self::VerdictGiven { .. } => "verdictGiven",
            Self::ReviewClaimed { .. } => "reviewClaimed",
            Self::ReviewReleased { .. } => "reviewReleased",
            Self::NoteAdded { .. } => "noteAdded",
            Self::CheckStarted { .. } => "checkStarted",
            Self::CheckReported { .. } => "checkReported",
            Self::CheckHeard { .. } => "checkHeard",
            Self::StepLate { .. } => "stepLate",
            Self::RolledBack { .. } => "rolledBack",
            Self::AudiencesSynchronised { .. } => "audiencesSynchronised",
            Self::Replanned => "replanned",
            Self::LinksRenewed => "linksRenewed",
            Self::PublisherCreated => "publisherCreated",
            Self::MemberAdded { .. } => "memberAdded",
            Self::SetUpAgain { .. } => "setUpAgain",
            Self::RolesChanged { .. } => "rolesChanged",
            Self::MemberRemoved { .. } => "memberRemoved",
            Self::SecretAdded { .. } => "secretAdded",
            Self::SecretRemoved { .. } => "secretRemoved",
            Self::Invited { .. } => "invited",
            Self::PasswordSet { .. } => "passwordSet",
            Self::SubscriptionAdded { .. } => "subscriptionAdded",
            Self::SubscriptionChanged { .. } => "subscriptionChanged",
            Self::SubscriptionRemoved { .. } => "subscriptionRemoved",
            Self::SubscriptionDisabled { .. } => "subscriptionDisabled",
            Self::DeliveryRepeated { .. } => "deliveryRepeated",
        }
    }

    /// Whether a reviewer did it, of whom publishers are not told who it was.
    pub const fn is_reviewers(&self) -> bool {
        matches!(
            self,
            Self::VerdictGiven { .. }
                | Self::ReviewClaimed { .. }
                | Self::ReviewReleased { .. }
                | Self::NoteAdded { .. }
        )
    }

    /// In which operation, where it names one.
    pub const fn operation(&self) -> Option<Uuid> {
        match self {
            Self::Published { operation, .. }
            | Self::WentLive { operation }
            | Self::CancelRequested { operation }
            | Self::Canceled { operation }
            | Self::VerdictGiven { operation, .. }
            | Self::ReviewClaimed { operation, .. }
            | Self::ReviewReleased { operation, .. }
            | Self::NoteAdded { operation, .. }
            | Self::StepLate { operation, .. } => Some(*operation),
            _ => match self.check() {
                Some(check) => Some(check.operation),
                None => None,
            },
        }
    }

    /// At which step, where it names one by its id.
    pub const fn step(&self) -> Option<&str> {
        match self {
            Self::VerdictGiven { step, .. }
            | Self::ReviewClaimed { step, .. }
            | Self::ReviewReleased { step, .. }
            | Self::NoteAdded { step, .. }
            | Self::StepLate { step, .. } => Some(step.as_str()),
            _ => None,
        }
    }

    /// Which check it is about, where it is one of a worker's or an outside system's.
    pub const fn check(&self) -> Option<&CheckRef> {
        match self {
            Self::CheckStarted { check } | Self::CheckReported { check, .. } | Self::CheckHeard { check, .. } => {
                Some(check)
            }
            _ => None,
        }
    }

    /// Which version it published, or brought back.
    pub const fn version(&self) -> Option<i64> {
        match self {
            Self::Published { version, .. } | Self::RolledBack { to: version, .. } => Some(*version),
            _ => None,
        }
    }

    /// Which member it is about, where it is about one.
    pub const fn member(&self) -> Option<Uuid> {
        match self {
            Self::MemberAdded { principal, .. }
            | Self::SetUpAgain { principal, .. }
            | Self::RolesChanged { principal, .. }
            | Self::MemberRemoved { principal }
            | Self::SecretAdded { principal, .. }
            | Self::SecretRemoved { principal, .. }
            | Self::Invited { principal }
            | Self::PasswordSet { principal } => Some(*principal),
            _ => None,
        }
    }

    /// What was done, in a sentence that leaves out who did it. It holds no secret, no text of a note, and the name of no reviewer.
    pub fn words(&self, names: &impl Names) -> String {
        let member = |id: &Uuid| names.member(*id);
        match self {
            Self::Created => "Created the offer.".to_owned(),
            Self::DraftSaved => "Saved the draft.".to_owned(),
            Self::Published { version, .. } => format!("Submitted version {version}."),
            Self::WentLive { .. } => "Signed the preview off, so that the offer goes live.".to_owned(),
            Self::CancelRequested { .. } => {
                "Asked to cancel the submission, which waits for the check in hand.".to_owned()
            }
            Self::Canceled { .. } => "Canceled the submission.".to_owned(),
            Self::VerdictGiven { step, verdict, queue, came_to, .. } => {
                let at = at_step(names, step, queue.as_deref());
                let more = match (verdict, came_to) {
                    (Verdict::Approve, Some(CheckState::AwaitingPerson)) => ", which needs another approval",
                    _ => "",
                };
                let (decided, code) = decided(verdict);
                format!("{decided} {at}{code}{more}.")
            }
            Self::ReviewClaimed { step, queue, until, .. } => {
                let at = at_step(names, step, Some(queue));
                format!("Took the review of {at} in hand, until {}.", names.moment(*until))
            }
            Self::ReviewReleased { step, queue, .. } => {
                format!("Let go of the review of {}.", at_step(names, step, Some(queue)))
            }
            Self::NoteAdded { step, queue, text, .. } => {
                let for_whom = if text.is_some() { "the publisher" } else { "reviewers" };
                format!("Wrote a note for {for_whom} at {}.", at_step(names, step, Some(queue)))
            }
            Self::CheckStarted { check } => format!("Began a check of the step {}.", names.step_at(check.step)),
            Self::CheckReported { check, ending } => {
                format!("Ran a check of the step {}, {}.", names.step_at(check.step), ended(*ending, names))
            }
            Self::CheckHeard { check, ending, .. } => {
                format!("Told of a check of the step {}, {}.", names.step_at(check.step), ended(*ending, names))
            }
            Self::StepLate { step, samples, .. } => {
                format!("Noticed that the step {} takes longer than the last {samples} usually did.", names.step(step))
            }
            Self::RolledBack { from, to } => {
                format!("Put version {to} back into production, in the place of version {from}.")
            }
            Self::AudiencesSynchronised { audiences } => {
                format!("Synchronised who may see {}.", plans(audiences))
            }
            Self::Replanned => "Planned the steps anew, for the pipeline of the type had changed.".to_owned(),
            Self::LinksRenewed => "Renewed the links, for the address of the service had changed.".to_owned(),
            Self::PublisherCreated => "Created the publisher.".to_owned(),
            Self::MemberAdded { principal, kind, name, identity, roles, first } => {
                let kind = match kind {
                    Kind::User => "user",
                    Kind::ServicePrincipal => "service principal",
                };
                let issuer = match identity.issuer.as_str() {
                    BUILT_IN => String::new(),
                    issuer => format!(" of the issuer {issuer}"),
                };
                let with = match first {
                    FirstCredential::Nothing => "",
                    FirstCredential::Secret(_) => ", with a client secret",
                    FirstCredential::Invitation => ", with an invitation",
                    FirstCredential::Password => ", with a password",
                };
                format!("Added the {kind} {name} ({principal}){issuer} as {}{with}.", listed(roles))
            }
            Self::SetUpAgain { principal, roles } => {
                format!("Let {} in again with the setup secret, as {}.", member(principal), listed(roles))
            }
            Self::RolesChanged { principal, roles } => {
                format!("Changed the roles of {} to {}.", member(principal), listed(roles))
            }
            Self::MemberRemoved { principal } => format!("Removed {}.", member(principal)),
            Self::SecretAdded { principal, secret, ends_at } => {
                let until = names.moment(*ends_at);
                format!("Gave {} the client secret with the id {secret}, which ends at {until}.", member(principal))
            }
            Self::SecretRemoved { principal, secret } => {
                format!("Took the client secret with the id {secret} from {}.", member(principal))
            }
            Self::Invited { principal } => format!("Invited {} to choose a password.", member(principal)),
            Self::PasswordSet { principal } => format!("Set the password of {}.", member(principal)),
            Self::SubscriptionAdded { subscription } => format!("Added the subscription {subscription}."),
            Self::SubscriptionChanged { subscription } => format!("Changed the subscription {subscription}."),
            Self::SubscriptionRemoved { subscription } => format!("Removed the subscription {subscription}."),
            Self::SubscriptionDisabled { subscription, why } => {
                format!("Disabled the subscription {subscription} ({why}).")
            }
            Self::DeliveryRepeated { subscription, letter } => {
                format!("Had the delivery {letter} of the subscription {subscription} repeated.")
            }
        }
    }
}

/// A step, with its queue where that is not the usual one.
fn at_step(names: &impl Names, step: &str, queue: Option<&str>) -> String {
    let name = names.step(step);
    match queue.filter(|queue| *queue != USUAL_QUEUE) {
        Some(queue) => format!("the step {name} in the queue {queue}"),
        None => format!("the step {name}"),
    }
}

/// What was decided, and with which code.
fn decided(verdict: &Verdict) -> (&'static str, String) {
    let with = |reason: &Reason| reason.code.as_ref().map(|code| format!(", with the code {code}")).unwrap_or_default();
    match verdict {
        Verdict::Approve => ("Approved", String::new()),
        Verdict::Reject(reason) => ("Rejected", with(reason)),
        Verdict::Block(reason) => ("Blocked", with(reason)),
        Verdict::Unblock => ("Unblocked", String::new()),
    }
}

fn ended(ending: Ending, names: &impl Names) -> String {
    match ending {
        Ending::Done => "which is done".to_owned(),
        Ending::GoesOn => "which goes on".to_owned(),
        Ending::WaitingUntil(at) => format!("which is looked at again at {}", names.moment(at)),
        Ending::Blocked => "which is blocked".to_owned(),
        Ending::Rejected => "which said no".to_owned(),
    }
}

fn listed(roles: &BTreeSet<Role>) -> String {
    let words: Vec<&str> = roles.iter().map(|role| role.word()).collect();
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

fn plans(audiences: &[Audience]) -> String {
    match audiences {
        [] => "no plan".to_owned(),
        [one] => format!("the plan {}", one.plan),
        several => {
            let named: Vec<&str> = several.iter().take(PLANS_NAMED).map(|audience| audience.plan.as_str()).collect();
            let more = several.len() - named.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("the plans {}{more}", named.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Names;
    use crate::check::CheckState;
    use crate::command::{Audience, CheckRef, Ending, Reason, Verdict};
    use crate::entry::{Event, FirstCredential};
    use crate::moment::Moment;
    use crate::principal::{Identity, Kind, Role};
    use std::collections::BTreeSet;
    use uuid::Uuid;

    struct Called;

    impl Names for Called {
        fn member(&self, _: Uuid) -> String {
            "Jane Doe".to_owned()
        }

        fn step(&self, id: &str) -> String {
            format!("<{id}>")
        }

        fn step_at(&self, index: usize) -> String {
            format!("<{index}>")
        }

        fn moment(&self, moment: Moment) -> String {
            format!("tick {}", moment.ticks())
        }
    }

    /// One of each kind, with what is said of it.
    fn every() -> Vec<(Event, &'static str)> {
        let (operation, id) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (step, queue): (String, String) = ("certify".into(), "review".into());
        let check = || CheckRef { operation, step: 3, check: 0 };
        let at = Moment::from_ticks(7);
        let reason = Reason { code: Some("IMG-048".into()), text: "CANARY".into(), ..Reason::default() };
        let verdict = |verdict, queue: &str, came_to| Event::VerdictGiven {
            operation,
            step: "certify".into(),
            verdict,
            queue: Some(queue.into()),
            came_to,
        };
        let roles: BTreeSet<Role> = [Role::Owner, Role::Reader].into();
        let identity = |issuer: &str| Identity { issuer: issuer.into(), tenant: "t".into(), subject: "CANARY".into() };
        let added = |kind, issuer: &str, first| Event::MemberAdded {
            principal: id,
            kind,
            name: "build".into(),
            identity: identity(issuer),
            roles: [Role::Contributor].into(),
            first,
        };
        let subscription = id;
        let audiences = |count: usize| (0..count).map(|n| Audience::new(format!("p{n}"), "d", 1)).collect();
        vec![
            (Event::Created, "Created the offer."),
            (Event::DraftSaved, "Saved the draft."),
            (Event::Published { operation, version: 3 }, "Submitted version 3."),
            (Event::WentLive { operation }, "Signed the preview off, so that the offer goes live."),
            (
                Event::CancelRequested { operation },
                "Asked to cancel the submission, which waits for the check in hand.",
            ),
            (Event::Canceled { operation }, "Canceled the submission."),
            (
                verdict(Verdict::Approve, "legal", Some(CheckState::AwaitingPerson)),
                "Approved the step <certify> in the queue legal, which needs another approval.",
            ),
            (verdict(Verdict::Approve, "review", Some(CheckState::Complete)), "Approved the step <certify>."),
            (verdict(Verdict::Reject(reason), "review", None), "Rejected the step <certify>, with the code IMG-048."),
            (verdict(Verdict::Block(Reason::default()), "review", None), "Blocked the step <certify>."),
            (verdict(Verdict::Unblock, "review", None), "Unblocked the step <certify>."),
            (
                Event::ReviewClaimed { operation, step: step.clone(), queue: queue.clone(), until: at },
                "Took the review of the step <certify> in hand, until tick 7.",
            ),
            (
                Event::ReviewReleased { operation, step: step.clone(), queue: queue.clone(), held_by: "CANARY".into() },
                "Let go of the review of the step <certify>.",
            ),
            (
                Event::NoteAdded { operation, step: step.clone(), queue: queue.clone(), text: Some("CANARY".into()) },
                "Wrote a note for the publisher at the step <certify>.",
            ),
            (
                Event::NoteAdded { operation, step: step.clone(), queue, text: None },
                "Wrote a note for reviewers at the step <certify>.",
            ),
            (Event::CheckStarted { check: check() }, "Began a check of the step <3>."),
            (
                Event::CheckReported { check: check(), ending: Ending::WaitingUntil(at) },
                "Ran a check of the step <3>, which is looked at again at tick 7.",
            ),
            (
                Event::CheckHeard { check: check(), ending: Ending::Rejected, sequence: 1 },
                "Told of a check of the step <3>, which said no.",
            ),
            (
                Event::StepLate {
                    operation,
                    step,
                    since: at,
                    low_seconds: 1,
                    median_seconds: 2,
                    high_seconds: 3,
                    samples: 60,
                },
                "Noticed that the step <certify> takes longer than the last 60 usually did.",
            ),
            (Event::RolledBack { from: 3, to: 2 }, "Put version 2 back into production, in the place of version 3."),
            (Event::AudiencesSynchronised { audiences: audiences(1) }, "Synchronised who may see the plan p0."),
            (
                Event::AudiencesSynchronised { audiences: audiences(7) },
                "Synchronised who may see the plans p0, p1, p2, p3, p4 and 2 more.",
            ),
            (Event::Replanned, "Planned the steps anew, for the pipeline of the type had changed."),
            (Event::LinksRenewed, "Renewed the links, for the address of the service had changed."),
            (Event::PublisherCreated, "Created the publisher."),
            (
                added(Kind::ServicePrincipal, "built-in", FirstCredential::Secret(id)),
                "Added the service principal build (00000000-0000-0000-0000-000000000002) as contributor, with a client secret.",
            ),
            (
                added(Kind::User, "entra", FirstCredential::Nothing),
                "Added the user build (00000000-0000-0000-0000-000000000002) of the issuer entra as contributor.",
            ),
            (
                Event::SetUpAgain { principal: id, roles: [Role::Operator].into() },
                "Let Jane Doe in again with the setup secret, as operator.",
            ),
            (Event::RolesChanged { principal: id, roles }, "Changed the roles of Jane Doe to owner and reader."),
            (Event::MemberRemoved { principal: id }, "Removed Jane Doe."),
            (
                Event::SecretAdded { principal: id, secret: operation, ends_at: at },
                "Gave Jane Doe the client secret with the id 00000000-0000-0000-0000-000000000001, which ends at tick 7.",
            ),
            (
                Event::SecretRemoved { principal: id, secret: operation },
                "Took the client secret with the id 00000000-0000-0000-0000-000000000001 from Jane Doe.",
            ),
            (Event::Invited { principal: id }, "Invited Jane Doe to choose a password."),
            (Event::PasswordSet { principal: id }, "Set the password of Jane Doe."),
            (Event::SubscriptionAdded { subscription }, "Added the subscription 00000000-0000-0000-0000-000000000002."),
            (
                Event::SubscriptionChanged { subscription },
                "Changed the subscription 00000000-0000-0000-0000-000000000002.",
            ),
            (
                Event::SubscriptionRemoved { subscription },
                "Removed the subscription 00000000-0000-0000-0000-000000000002.",
            ),
            (
                Event::SubscriptionDisabled { subscription, why: "failing".into() },
                "Disabled the subscription 00000000-0000-0000-0000-000000000002 (failing).",
            ),
            (
                Event::DeliveryRepeated { subscription, letter: operation },
                "Had the delivery 00000000-0000-0000-0000-000000000001 of the subscription 00000000-0000-0000-0000-000000000002 repeated.",
            ),
        ]
    }

    #[test]
    fn every_kind_of_entry_has_a_word_and_a_sentence() {
        let mut words = BTreeSet::new();
        for (event, said) in every() {
            let told = event.words(&Called);
            assert_eq!(told, said);
            assert!(!told.contains("CANARY"), "{told}");
            assert_eq!(serde_json::to_value(&event).unwrap()["event"], event.word(), "the word is as it is stored");
            words.insert(event.word());
        }
        assert_eq!(words, Event::WORDS.into(), "one sample of every kind");
    }
}

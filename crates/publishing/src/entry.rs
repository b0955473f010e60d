//! What the journal records: who did what to an offer, or to who may what, when.

use crate::check::CheckState;
use crate::command::{Audience, CheckRef, Ending, Verdict};
use crate::happening::Told;
use crate::moment::Moment;
use crate::principal::{Identity, Kind, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// One line of the journal. The store adds sequence, status document and hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it happened.
    pub at: Moment,
    /// Who did it.
    pub actor: String,
    /// What it says to those who follow the offer; none where it is about no offer, or was written before that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What somebody got to prove who it is, when it became a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FirstCredential {
    /// Nothing: it is known already, or another issuer knows it.
    #[default]
    Nothing,
    /// A client secret.
    Secret(Uuid),
    /// An invitation to choose a password.
    Invitation,
    /// The password that it brought along with the setup secret.
    Password,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// The offer was created.
    Created,
    /// The draft was replaced.
    DraftSaved,
    /// A submission of this version was started.
    Published {
        /// The operation.
        operation: Uuid,
        /// The version that was published.
        version: i64,
    },
    /// The preview was signed off.
    WentLive {
        /// The operation that brings it to production.
        operation: Uuid,
    },
    /// A cancel was asked for while a check was in hand.
    CancelRequested {
        /// The operation.
        operation: Uuid,
    },
    /// The submission was canceled.
    Canceled {
        /// The operation.
        operation: Uuid,
    },
    /// A reviewer decided.
    VerdictGiven {
        /// The operation.
        operation: Uuid,
        /// The step's id.
        step: String,
        /// The decision.
        verdict: Verdict,
        /// The queue of the check; none where a worker's check was unblocked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue: Option<String>,
        /// Where the check stands since then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        came_to: Option<CheckState>,
    },
    /// A reviewer took a check in hand.
    ReviewClaimed {
        /// The operation.
        operation: Uuid,
        /// The step's id.
        step: String,
        /// The queue of the check.
        queue: String,
        /// When the hold ends.
        until: Moment,
    },
    /// A check is in no reviewer's hand any more.
    ReviewReleased {
        /// The operation.
        operation: Uuid,
        /// The step's id.
        step: String,
        /// The queue of the check.
        queue: String,
        /// Who held it.
        held_by: String,
    },
    /// A reviewer wrote something down.
    NoteAdded {
        /// The operation.
        operation: Uuid,
        /// The step's id.
        step: String,
        /// The queue of the check.
        queue: String,
        /// What the publisher may read of it; none where it may not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// A check was taken in hand.
    CheckStarted {
        /// Which check.
        check: CheckRef,
    },
    /// A run of a check ended.
    CheckReported {
        /// Which check.
        check: CheckRef,
        /// What follows.
        ending: Ending,
    },
    /// An outside system said how a check stands.
    CheckHeard {
        /// Which check.
        check: CheckRef,
        /// What follows.
        ending: Ending,
        /// The number of what it said.
        sequence: u64,
    },
    /// A step took longer than such steps usually do.
    StepLate {
        /// The operation.
        operation: Uuid,
        /// The step's id.
        step: String,
        /// Since when it was worked on.
        since: Moment,
        /// One in ten earlier ones took less, in seconds.
        low_seconds: i64,
        /// Half of them took no longer.
        median_seconds: i64,
        /// Nine in ten took no longer.
        high_seconds: i64,
        /// How many there were.
        samples: usize,
    },
    /// The version that was in production before is there again.
    RolledBack {
        /// The version that was in production.
        from: i64,
        /// The version that is there now.
        to: i64,
    },
    /// Private plans in production have these audiences now.
    AudiencesSynchronised {
        /// One for each plan.
        audiences: Vec<Audience>,
    },
    /// The pipeline of the offer's type had changed, and its steps were planned anew.
    Replanned,
    /// The service's address had changed, and the offer's links lead there now.
    LinksRenewed,
    /// The publisher was created.
    PublisherCreated,
    /// Somebody became a member.
    MemberAdded {
        /// Who.
        principal: Uuid,
        /// What that is.
        kind: Kind,
        /// Its name for people.
        name: String,
        /// Who it is in tokens.
        identity: Identity,
        /// As what.
        roles: BTreeSet<Role>,
        /// What it got to prove who it is.
        first: FirstCredential,
    },
    /// Somebody on the staff was let in again with the setup secret, as an operator with a new password.
    SetUpAgain {
        /// Who.
        principal: Uuid,
        /// As what from then on.
        roles: BTreeSet<Role>,
    },
    /// A member got other roles.
    RolesChanged {
        /// Who.
        principal: Uuid,
        /// As what from then on.
        roles: BTreeSet<Role>,
    },
    /// A member is none any more. Where it was made here, or is a member of nothing any more, its
    /// secrets and invitations are gone with that.
    MemberRemoved {
        /// Who.
        principal: Uuid,
    },
    /// A service principal got a secret.
    SecretAdded {
        /// Whose.
        principal: Uuid,
        /// The secret's id.
        secret: Uuid,
        /// When it ends.
        ends_at: Moment,
    },
    /// A secret was taken away.
    SecretRemoved {
        /// Whose.
        principal: Uuid,
        /// The secret's id.
        secret: Uuid,
    },
    /// A user was invited to choose a password.
    Invited {
        /// Whom.
        principal: Uuid,
    },
    /// A user chose a password.
    PasswordSet {
        /// Who.
        principal: Uuid,
    },
    /// Somebody wants to be told what happens.
    SubscriptionAdded {
        /// The subscription.
        subscription: Uuid,
    },
    /// What is told, or where, or with which secret, is another; or it goes on after it was disabled.
    SubscriptionChanged {
        /// The subscription.
        subscription: Uuid,
    },
    /// Nothing is told any more.
    SubscriptionRemoved {
        /// The subscription.
        subscription: Uuid,
    },
    /// Nothing is told any more until somebody mends that: telling failed for too long.
    SubscriptionDisabled {
        /// The subscription.
        subscription: Uuid,
        /// Why, in a word.
        why: String,
    },
    /// Something that was told is told again.
    DeliveryRepeated {
        /// The subscription.
        subscription: Uuid,
        /// The letter.
        letter: Uuid,
    },
}

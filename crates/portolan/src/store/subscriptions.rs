//! Subscriptions: who wants to be told what happens to offers, and what was tried to tell them.

use super::outbox::{Attempt, LetterState};
use super::{Held, Line, Member, Post, Read, Repeated, StoreError};
use async_trait::async_trait;
use publishing::entry::Entry;
use publishing::happening::Happening;
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use publishing::principal::{Circle, Role};
use publishing::webhook::Webhook;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use uuid::Uuid;
use zeroize::Zeroizing;

/// How somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Means {
    /// By a request to an address.
    Webhook,
    /// By mail to a principal.
    Mail,
}

/// A subscription as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: Uuid,
    /// Whose offers it is about: a publisher's, or, of the marketplace, everybody's.
    pub circle: Circle,
    /// How.
    pub means: Means,
    /// Rises when it is changed; 0 for one that is not stored yet.
    pub revision: i64,
    /// Whose it is, where it is mail; who made it, where it is a webhook.
    pub principal: Option<Uuid>,
    /// Of what; where there is none, of everything by webhook, and of what is always mailed by mail.
    pub events: Vec<Happening>,
    /// Address and secrets of a webhook, in the words of whoever delivers; sealed before it is stored.
    #[serde(with = "plain")]
    pub target: Zeroizing<Vec<u8>>,
    /// When it was made. Told is what happens from then on.
    pub made_at: Moment,
    /// By whom, as in the journal.
    pub made_by: String,
    /// Since when nothing was delivered although it was tried.
    pub failing_since: Option<Moment>,
    /// Since when, and why, in a word, nothing is sent any more.
    pub disabled: Option<(Moment, String)>,
}

/// A target among other words, for answers that are kept, sealed as a whole.
mod plain {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(target: &Zeroizing<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        target.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<Vec<u8>>, D::Error> {
        Vec::deserialize(deserializer).map(Zeroizing::new)
    }
}

impl fmt::Debug for Subscription {
    /// Without address and secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).field("circle", &self.circle).finish_non_exhaustive()
    }
}

impl Subscription {
    /// Where a webhook's events go.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it is none.
    pub fn webhook(&self) -> Result<Webhook, StoreError> {
        // The parser's own words would quote what it could not read.
        let unreadable = |_| StoreError::Corrupt(format!("the target of the subscription {} is no webhook", self.id));
        serde_json::from_slice(&self.target).map_err(unreadable)
    }

    /// The same with its events going there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where that cannot be written.
    pub fn with_webhook(self, webhook: &Webhook) -> Result<Self, StoreError> {
        let target = serde_json::to_vec(webhook).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Self { target: Zeroizing::new(target), ..self })
    }

    /// Whether it is told of this.
    pub fn wants(&self, happening: Happening) -> bool {
        match (self.events.is_empty(), self.means) {
            (true, Means::Webhook) => true,
            (true, Means::Mail) => happening.is_mailed(),
            (false, _) => self.events.contains(&happening),
        }
    }
}

/// What shall become of a subscription.
#[derive(Clone, Debug)]
pub enum SubscriptionChange {
    /// It is added, or has these events and this target from now on. What waits for one that is disabled is given up; what
    /// waits for one whose `failing_since` is none is tried at once.
    Put(Box<Subscription>),
    /// It is removed, with everything that waits for it and its log.
    Remove(Uuid),
}

/// A letter of a subscription in the delivery log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Its id, the same at each try.
    pub id: Uuid,
    /// The publisher in its stored form.
    pub publisher: String,
    /// The offer.
    pub offer: String,
    /// The number of the line in the publisher's journal; none for a test.
    pub line: Option<i64>,
    /// What happened then.
    pub happening: Option<Happening>,
    /// When it was put into the outbox.
    pub made_at: Moment,
    /// Where it stands.
    pub state: LetterState,
    /// Why the last try failed, in a word.
    pub failure: Option<String>,
    /// The tries, oldest first.
    pub attempts: Vec<Attempt>,
}

/// What is kept of subscriptions.
///
/// All methods fail with [`StoreError::Unavailable`] or [`StoreError::Corrupt`]; other errors are named.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// The subscriptions of a circle, oldest first.
    fn subscriptions(&self, circle: &Circle) -> Result<Vec<Subscription>, StoreError>;

    /// One, by its id.
    fn subscription(&self, id: Uuid) -> Result<Option<Subscription>, StoreError>;

    /// Changes one, with a line in its circle's journal, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] where it is not at this revision any more, or is gone; where the principal has a mail
    /// subscription in that circle already, under another id; where there are as many webhooks there as there may be.
    /// [`StoreError::AnsweredBefore`].
    async fn change_subscription(
        &self,
        circle: &Circle,
        change: SubscriptionChange,
        entry: Entry,
        repeated: Option<Repeated>,
    ) -> Result<(), StoreError>;

    /// Whether this receiver of mails wants none about an offer.
    fn are_mails_stopped(&self, receiver: Uuid, key: &OfferKey) -> Result<bool, StoreError>;

    /// From now on this receiver gets no mail about an offer although the address was given at publish, and what waits for it is
    /// given up; or gets them again.
    async fn stop_mails(&self, receiver: Uuid, key: &OfferKey, now: Moment, stopped: bool) -> Result<(), StoreError>;

    /// The letters of a subscription in the last 30 days, newest first.
    async fn deliveries(&self, subscription: Uuid, skip: i64, top: i64) -> Result<Vec<Delivered>, StoreError>;

    /// Puts a webhook's letter that was delivered or given up into the outbox again, under its id; whether there is one. The
    /// entry is written to the circle's journal, and the answer is kept with it.
    ///
    /// # Errors
    /// [`StoreError::AnsweredBefore`].
    async fn redeliver(
        &self,
        circle: &Circle,
        subscription: Uuid,
        letter: Uuid,
        now: Moment,
        entry: Entry,
        repeated: Option<Repeated>,
    ) -> Result<bool, StoreError>;
}

impl Read {
    /// As [`Subscriptions::subscriptions`].
    pub fn subscriptions(&self, circle: &Circle) -> Result<Vec<Subscription>, StoreError> {
        self.0.subscriptions(circle)
    }

    /// As [`Subscriptions::subscription`].
    pub fn subscription(&self, id: Uuid) -> Result<Option<Subscription>, StoreError> {
        self.0.subscription(id)
    }

    /// As [`Subscriptions::deliveries`].
    pub async fn deliveries(&self, subscription: Uuid, skip: i64, top: i64) -> Result<Vec<Delivered>, StoreError> {
        self.0.deliveries(subscription, skip, top).await
    }
}

impl Post {
    /// As [`Subscriptions::subscription`].
    pub fn subscription(&self, id: Uuid) -> Result<Option<Subscription>, StoreError> {
        self.0.subscription(id)
    }

    /// As [`Subscriptions::change_subscription`].
    pub async fn change_subscription(
        &self,
        circle: &Circle,
        change: SubscriptionChange,
        entry: Entry,
    ) -> Result<(), StoreError> {
        self.0.change_subscription(circle, change, entry, None).await
    }
}

impl Post {
    /// The line of the journal that a letter tells.
    pub async fn line(&self, held: &Held) -> Result<Option<Line>, StoreError> {
        match held.tells {
            Some(tells) => self.0.line(&held.key.publisher, tells.line).await,
            None => Ok(None),
        }
    }

    /// The mail addresses of whoever made a subscription, and of those who answer for its circle: owners, or operators.
    pub fn who_answers(&self, subscription: &Subscription) -> Result<BTreeSet<String>, StoreError> {
        let head = if subscription.circle == Circle::Marketplace { Role::Operator } else { Role::Owner };
        let members = self.0.circle(&subscription.circle)?.map(|circle| circle.members).unwrap_or_default();
        let answers =
            |member: &&Member| member.roles.contains(&head) || Some(member.principal.id) == subscription.principal;
        Ok(members.iter().filter(answers).filter_map(|member| member.principal.mail.clone()).collect())
    }
}

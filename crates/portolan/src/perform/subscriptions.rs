//! Performs what is asked about webhooks: load, change, store with a line in the journal; again if someone was faster.

use super::{Failure, MOST_ROUNDS, Perform};
use crate::auth::{Authorised, AuthorisedStaff, Once, Permission};
use crate::clock::random_bytes;
use crate::store::{Means, Repeated, StoreError, Subscription, SubscriptionChange};
use publishing::entry::{Entry, Event};
use publishing::happening::Happening;
use publishing::moment::Moment;
use publishing::principal::Circle;
use publishing::webhook::{MOST_WEBHOOKS, SubscriptionRefusal, Webhook, WebhookSecret};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Who asks about the subscriptions of a circle, proven.
#[derive(Clone, Debug)]
pub struct Follower<'a> {
    actor: &'a str,
    principal: Option<Uuid>,
    permission: Permission,
    circle: Circle,
    once: Option<&'a Once>,
}

/// What came of a change, kept for whoever sends it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Followed {
    /// The webhook, as it is from then on.
    pub subscription: Subscription,
    /// The secret that was made, or taken.
    pub secret: Option<WebhookSecret>,
    /// When that was.
    pub at: Moment,
}

impl<'a> Follower<'a> {
    /// Of a publisher's.
    pub fn of_publisher(by: &'a Authorised<'_>) -> Self {
        let circle = Circle::Publisher(by.publisher().clone());
        Self { actor: by.actor(), principal: by.principal(), permission: by.permission(), circle, once: by.once() }
    }

    /// Of the marketplace's.
    pub fn of_marketplace(by: &'a AuthorisedStaff<'_>) -> Self {
        let circle = Circle::Marketplace;
        Self { actor: by.actor(), principal: by.principal(), permission: by.permission(), circle, once: by.once() }
    }

    /// Whose subscriptions these are.
    pub fn circle(&self) -> &Circle {
        &self.circle
    }
}

impl Perform {
    /// The webhooks of a circle, oldest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn webhooks(&self, by: &Follower<'_>) -> Result<Vec<Subscription>, Failure> {
        let all = self.store.subscriptions(&by.circle)?;
        Ok(all.into_iter().filter(|subscription| subscription.means == Means::Webhook).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Failure`]; [`SubscriptionRefusal::Missing`] also where it is another circle's.
    pub fn webhook(&self, by: &Follower<'_>, id: Uuid) -> Result<Subscription, Failure> {
        let is_there = |subscription: &Subscription| {
            subscription.means == Means::Webhook && subscription.circle.name() == by.circle.name()
        };
        Ok(self.store.subscription(id)?.filter(is_there).ok_or(SubscriptionRefusal::Missing)?)
    }

    /// Adds a webhook. One that brings no secret gets one.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn add_webhook(
        &self,
        by: &Follower<'_>,
        url: &str,
        events: Vec<Happening>,
        secret: Option<WebhookSecret>,
    ) -> Result<Followed, Failure> {
        self.may_manage(by)?;
        self.once(by.once, self.added(by, url, events, secret)).await
    }

    async fn added(
        &self,
        by: &Follower<'_>,
        url: &str,
        events: Vec<Happening>,
        secret: Option<WebhookSecret>,
    ) -> Result<Followed, Failure> {
        let secret = secret.map_or_else(fresh_secret, Ok)?;
        let webhook = Webhook::new(url, secret.clone())?;
        if self.webhooks(by)?.len() >= MOST_WEBHOOKS {
            return Err(SubscriptionRefusal::TooMany.into());
        }
        let now = self.clock.now();
        let subscription = Subscription {
            id: self.clock.fresh_id(),
            revision: 0,
            circle: by.circle.clone(),
            means: Means::Webhook,
            principal: by.principal,
            events,
            target: Zeroizing::default(),
            made_at: now,
            made_by: by.actor.to_owned(),
            failing_since: None,
            disabled: None,
        };
        let subscription = subscription.with_webhook(&webhook)?;
        let event = Event::SubscriptionAdded { subscription: subscription.id };
        let followed = Followed { subscription, secret: Some(secret), at: now };
        match self.put(by, &followed, event).await {
            // By others, who have made the last that there may be.
            Err(StoreError::Overtaken) => Err(SubscriptionRefusal::TooMany.into()),
            result => Ok(result.map(|()| followed)?),
        }
    }

    /// Gives a webhook other events, and another address where one is said.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn change_webhook(
        &self,
        by: &Follower<'_>,
        id: Uuid,
        url: Option<&str>,
        events: Vec<Happening>,
    ) -> Result<Followed, Failure> {
        let change = |there: Subscription, webhook: Webhook| {
            let there = Subscription { events: events.clone(), ..there };
            let Some(url) = url else { return Ok((there, webhook)) };
            // What failed before says nothing of another address.
            Ok((Subscription { failing_since: None, ..there }, webhook.moved(url)?))
        };
        self.change_subscription(by, id, None, change).await
    }

    /// Gives a webhook a new secret; the one it has signs too for a day.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn rotate_webhook(&self, by: &Follower<'_>, id: Uuid) -> Result<Followed, Failure> {
        let (secret, now) = (fresh_secret()?, self.clock.now());
        let change = |there, webhook: Webhook| Ok((there, webhook.rotated(secret.clone(), now)));
        self.change_subscription(by, id, Some(&secret), change).await
    }

    /// Lets a webhook that was disabled go on; what waits for one that fails is tried at once.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn enable_webhook(&self, by: &Follower<'_>, id: Uuid) -> Result<Followed, Failure> {
        let change = |there, webhook| Ok((Subscription { disabled: None, failing_since: None, ..there }, webhook));
        self.change_subscription(by, id, None, change).await
    }

    /// Removes a webhook, with all that waits for it and its log.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn remove_webhook(&self, by: &Follower<'_>, id: Uuid) -> Result<(), Failure> {
        self.may_manage(by)?;
        self.webhook(by, id)?;
        let event = Event::SubscriptionRemoved { subscription: id };
        match self.store_subscription(by, SubscriptionChange::Remove(id), event, None).await {
            Err(StoreError::Overtaken) => Err(SubscriptionRefusal::Missing.into()),
            result => Ok(result?),
        }
    }

    /// Delivers a letter again that was delivered or given up, under its id.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn redeliver(&self, by: &Follower<'_>, id: Uuid, letter: Uuid) -> Result<(), Failure> {
        self.may_manage(by)?;
        self.once(by.once, self.redelivered(by, id, letter)).await
    }

    async fn redelivered(&self, by: &Follower<'_>, id: Uuid, letter: Uuid) -> Result<(), Failure> {
        if self.webhook(by, id)?.disabled.is_some() {
            return Err(SubscriptionRefusal::Disabled.into());
        }
        let now = self.clock.now();
        let event = Event::DeliveryRepeated { subscription: id, letter };
        let entry = Entry { at: now, actor: by.actor.to_owned(), told: None, event };
        let kept = self.kept(by.once, &())?;
        if !self.store.redeliver(&by.circle, id, letter, now, entry, kept).await? {
            return Err(SubscriptionRefusal::DeliveryMissing.into());
        }
        self.post_due.webhooks.notify_one();
        Ok(())
    }

    /// Changes one, decided again where someone was faster.
    async fn change_subscription(
        &self,
        by: &Follower<'_>,
        id: Uuid,
        secret: Option<&WebhookSecret>,
        change: impl Fn(Subscription, Webhook) -> Result<(Subscription, Webhook), SubscriptionRefusal>,
    ) -> Result<Followed, Failure> {
        self.may_manage(by)?;
        let changed = async {
            for _ in 0..MOST_ROUNDS {
                self.may_manage(by)?;
                let there = self.webhook(by, id)?;
                let webhook = there.webhook()?;
                let (changed, webhook) = change(there, webhook)?;
                let subscription = changed.with_webhook(&webhook)?;
                let followed = Followed { subscription, secret: secret.cloned(), at: self.clock.now() };
                match self.put(by, &followed, Event::SubscriptionChanged { subscription: id }).await {
                    Err(StoreError::Overtaken) => {}
                    result => return Ok(result.map(|()| followed)?),
                }
            }
            Err(StoreError::Unavailable(format!("overtaken {MOST_ROUNDS} times")).into())
        };
        self.once(by.once, changed).await
    }

    async fn put(&self, by: &Follower<'_>, followed: &Followed, event: Event) -> Result<(), StoreError> {
        let kept = self.kept(by.once, followed)?;
        let put = SubscriptionChange::Put(Box::new(followed.subscription.clone()));
        self.store_subscription(by, put, event, kept).await
    }

    async fn store_subscription(
        &self,
        by: &Follower<'_>,
        change: SubscriptionChange,
        event: Event,
        kept: Option<Repeated>,
    ) -> Result<(), StoreError> {
        let entry = Entry { at: self.clock.now(), actor: by.actor.to_owned(), told: None, event };
        self.store.change_subscription(&by.circle, change, entry, kept).await?;
        self.post_due.webhooks.notify_one();
        Ok(())
    }

    fn may_manage(&self, by: &Follower<'_>) -> Result<(), Failure> {
        if by.permission != Permission::ManageNotifications {
            return Err(Failure::Forbidden);
        }
        self.still_may(by.principal, &by.circle, by.permission)
    }
}

fn fresh_secret() -> Result<WebhookSecret, StoreError> {
    let bytes: Zeroizing<[u8; 32]> =
        random_bytes().map(Zeroizing::new).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(WebhookSecret::of(&bytes))
}

//! Performs what is asked about webhooks: load, change, store with a line in the journal; again if someone was faster.

use super::{Failure, MOST_ROUNDS, Perform};
use crate::auth::{Authorised, AuthorisedStaff, Permission};
use crate::clock::random_bytes;
use crate::store::{Means, StoreError, Subscription, SubscriptionChange};
use publishing::entry::{Entry, Event};
use publishing::happening::Happening;
use publishing::principal::Circle;
use publishing::webhook::{MOST_WEBHOOKS, SubscriptionRefusal, Webhook, WebhookSecret};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Who asks about the subscriptions of a circle, proven.
#[derive(Clone, Debug)]
pub struct Follower<'a> {
    actor: &'a str,
    principal: Option<Uuid>,
    permission: Permission,
    circle: Circle,
}

impl<'a> Follower<'a> {
    /// Of a publisher's.
    pub fn of_publisher(by: &'a Authorised<'_>) -> Self {
        let circle = Circle::Publisher(by.publisher().clone());
        Self { actor: by.actor(), principal: by.principal(), permission: by.permission(), circle }
    }

    /// Of the marketplace's.
    pub fn of_marketplace(by: &'a AuthorisedStaff<'_>) -> Self {
        let circle = Circle::Marketplace;
        Self { actor: by.actor(), principal: by.principal(), permission: by.permission(), circle }
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
    ) -> Result<(Subscription, WebhookSecret), Failure> {
        self.may_manage(by)?;
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
        match self.store_subscription(by, SubscriptionChange::Put(Box::new(subscription.clone())), event).await {
            // By others, who have made the last that there may be.
            Err(StoreError::Overtaken) => Err(SubscriptionRefusal::TooMany.into()),
            result => Ok(result.map(|()| (subscription, secret))?),
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
    ) -> Result<Subscription, Failure> {
        let change = |there: Subscription, webhook: Webhook| {
            let there = Subscription { events: events.clone(), ..there };
            let Some(url) = url else { return Ok((there, webhook)) };
            // What failed before says nothing of another address.
            Ok((Subscription { failing_since: None, ..there }, webhook.moved(url)?))
        };
        self.change_subscription(by, id, change).await
    }

    /// Gives a webhook a new secret; the one it has signs too for a day.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn rotate_webhook(&self, by: &Follower<'_>, id: Uuid) -> Result<(Subscription, WebhookSecret), Failure> {
        let (secret, now) = (fresh_secret()?, self.clock.now());
        let change = |there, webhook: Webhook| Ok((there, webhook.rotated(secret.clone(), now)));
        Ok((self.change_subscription(by, id, change).await?, secret))
    }

    /// Lets a webhook that was disabled go on; what waits for one that fails is tried at once.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn enable_webhook(&self, by: &Follower<'_>, id: Uuid) -> Result<Subscription, Failure> {
        let change = |there, webhook| Ok((Subscription { disabled: None, failing_since: None, ..there }, webhook));
        self.change_subscription(by, id, change).await
    }

    /// Removes a webhook, with all that waits for it and its log.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn remove_webhook(&self, by: &Follower<'_>, id: Uuid) -> Result<(), Failure> {
        self.may_manage(by)?;
        self.webhook(by, id)?;
        let event = Event::SubscriptionRemoved { subscription: id };
        match self.store_subscription(by, SubscriptionChange::Remove(id), event).await {
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
        if self.webhook(by, id)?.disabled.is_some() {
            return Err(SubscriptionRefusal::Disabled.into());
        }
        let now = self.clock.now();
        let event = Event::DeliveryRepeated { subscription: id, letter };
        let entry = Entry { at: now, actor: by.actor.to_owned(), told: None, event };
        if !self.store.redeliver(&by.circle, id, letter, now, entry).await? {
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
        change: impl Fn(Subscription, Webhook) -> Result<(Subscription, Webhook), SubscriptionRefusal>,
    ) -> Result<Subscription, Failure> {
        for _ in 0..MOST_ROUNDS {
            self.may_manage(by)?;
            let there = self.webhook(by, id)?;
            let webhook = there.webhook()?;
            let (changed, webhook) = change(there, webhook)?;
            let changed = changed.with_webhook(&webhook)?;
            let event = Event::SubscriptionChanged { subscription: id };
            let put = SubscriptionChange::Put(Box::new(changed.clone()));
            match self.store_subscription(by, put, event).await {
                Err(StoreError::Overtaken) => {}
                result => return Ok(result.map(|()| changed)?),
            }
        }
        Err(StoreError::Unavailable(format!("overtaken {MOST_ROUNDS} times")).into())
    }

    async fn store_subscription(
        &self,
        by: &Follower<'_>,
        change: SubscriptionChange,
        event: Event,
    ) -> Result<(), StoreError> {
        let entry = Entry { at: self.clock.now(), actor: by.actor.to_owned(), told: None, event };
        self.store.change_subscription(&by.circle, change, entry).await?;
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

//! The typed client's calls about webhooks: a publisher's, and the marketplace's.

use super::{Client, ClientError};
use crate::paths::segment;
use crate::subscriptions::{
    ChangedSubscription, Delivery, DeliveryAttempt, NewSubscription, Subscription, SubscriptionWithSecret,
};
use reqwest::Method;
use uuid::Uuid;

/// Whose webhooks a call is about.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// A publisher's.
    Publisher(&'a str),
    /// The marketplace's, which are told of all publishers.
    Marketplace,
}

impl Client {
    /// The webhooks, oldest first.
    pub async fn list_subscriptions(&self, of: Of<'_>) -> Result<Vec<Subscription>, ClientError> {
        self.read(self.request(Method::GET, &of.path(""))).await
    }

    /// Adds a webhook. Its secret is shown this once.
    pub async fn create_subscription(
        &self,
        of: Of<'_>,
        new: &NewSubscription,
    ) -> Result<SubscriptionWithSecret, ClientError> {
        self.read(self.request(Method::POST, &of.path("")).json(new)).await
    }

    /// A webhook.
    pub async fn get_subscription(&self, of: Of<'_>, id: Uuid) -> Result<Subscription, ClientError> {
        self.read(self.request(Method::GET, &of.path(&format!("/{id}")))).await
    }

    /// Gives a webhook other events, or another address.
    pub async fn change_subscription(
        &self,
        of: Of<'_>,
        id: Uuid,
        changed: &ChangedSubscription,
    ) -> Result<Subscription, ClientError> {
        self.read(self.request(Method::PUT, &of.path(&format!("/{id}"))).json(changed)).await
    }

    /// Removes a webhook, with what waits for it and its log.
    pub async fn remove_subscription(&self, of: Of<'_>, id: Uuid) -> Result<(), ClientError> {
        self.started(self.request(Method::DELETE, &of.path(&format!("/{id}")))).await.map(drop)
    }

    /// Gives a webhook a new secret, which is shown this once; the one before signs too for a day.
    pub async fn rotate_subscription(&self, of: Of<'_>, id: Uuid) -> Result<SubscriptionWithSecret, ClientError> {
        self.read(self.request(Method::POST, &of.path(&format!("/{id}/rotate")))).await
    }

    /// Lets a webhook go on that was disabled; what waits is tried at once.
    pub async fn enable_subscription(&self, of: Of<'_>, id: Uuid) -> Result<Subscription, ClientError> {
        self.read(self.request(Method::POST, &of.path(&format!("/{id}/enable")))).await
    }

    /// Sends a webhook an event that tells nothing, and says what came of it.
    pub async fn test_subscription(&self, of: Of<'_>, id: Uuid) -> Result<DeliveryAttempt, ClientError> {
        self.read(self.request(Method::POST, &of.path(&format!("/{id}/test")))).await
    }

    /// What a webhook was told in the last 30 days, newest first; at most `top`, after the first `skip`.
    pub async fn list_deliveries(
        &self,
        of: Of<'_>,
        id: Uuid,
        skip: i64,
        top: i64,
    ) -> Result<Vec<Delivery>, ClientError> {
        let request = self.request(Method::GET, &of.path(&format!("/{id}/deliveries")));
        self.read(request.query(&[("$skip", skip), ("$top", top)])).await
    }

    /// Delivers again what was delivered or given up, under the same id.
    pub async fn repeat_delivery(&self, of: Of<'_>, id: Uuid, delivery: Uuid) -> Result<(), ClientError> {
        let path = of.path(&format!("/{id}/deliveries/{delivery}/redeliver"));
        self.started(self.request(Method::POST, &path)).await.map(drop)
    }
}

impl Of<'_> {
    fn path(self, rest: &str) -> String {
        match self {
            Self::Publisher(publisher) => format!("/api/publishers/{}/subscriptions{rest}", segment(publisher)),
            Self::Marketplace => format!("/api/subscriptions{rest}"),
        }
    }
}

//! What the client asks about what comes next: whose turn it is, and what a cancel would do.

use super::{Client, ClientError};
use crate::explain::{CancelForecast, Explanation, PublishForecast};
use crate::offers::PutOffer;
use reqwest::Method;

impl Client {
    /// Whose turn it is with an offer, and what would clear it.
    pub async fn explain_offer(&self, publisher: &str, offer: &str) -> Result<Explanation, ClientError> {
        self.read(self.offer_request(Method::GET, publisher, offer, "/explain")).await
    }

    /// What a publish of the draft would come to, or of an offer in its place; nothing is changed. Fails as the publish would.
    /// A server that cannot do this would really publish: ask only one that explains offers.
    pub async fn foresee_publish(
        &self,
        publisher: &str,
        offer: &str,
        instead: Option<&PutOffer>,
    ) -> Result<PublishForecast, ClientError> {
        let request = self.offer_request(Method::POST, publisher, offer, "/publish").query(&[("dryRun", "true")]);
        self.read(match instead {
            Some(instead) => request.json(instead),
            None => request,
        })
        .await
    }

    /// What a cancel would come to; nothing is changed. Fails as the cancel would. A server that cannot do this would really
    /// cancel: ask only one that explains offers.
    pub async fn foresee_cancel(&self, publisher: &str, offer: &str) -> Result<CancelForecast, ClientError> {
        let request = self.offer_request(Method::POST, publisher, offer, "/cancel");
        self.read(request.query(&[("dryRun", "true")])).await
    }
}

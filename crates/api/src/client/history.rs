//! The typed client's calls about what was: histories, and where an offer stood at some moment.

use super::{Client, ClientError};
use crate::dates::Date;
use crate::events::HistoryPage;
use crate::paths::segment;
use crate::status::StatusDocument;
use reqwest::Method;

impl Client {
    /// A page of what happened to an offer. `query` holds `after`, `before`, `$top`, `order`, filters and `$expand`; `nextLink`
    /// has those of the next page.
    pub async fn get_offer_history(
        &self,
        publisher: &str,
        offer: &str,
        query: &[(&str, &str)],
    ) -> Result<HistoryPage, ClientError> {
        self.read(self.offer_request(Method::GET, publisher, offer, "/history").query(query)).await
    }

    /// The same for all offers of a publisher.
    pub async fn get_publisher_history(
        &self,
        publisher: &str,
        query: &[(&str, &str)],
    ) -> Result<HistoryPage, ClientError> {
        let path = format!("/api/publishers/{}/history", segment(publisher));
        self.read(self.request(Method::GET, &path).query(query)).await
    }

    /// Where an offer stood at a moment.
    pub async fn get_offer_status_as_of(
        &self,
        publisher: &str,
        offer: &str,
        moment: Date,
    ) -> Result<StatusDocument, ClientError> {
        let request = self.offer_request(Method::GET, publisher, offer, "/status");
        self.read(request.query(&[("asOf", moment.to_string())])).await
    }
}

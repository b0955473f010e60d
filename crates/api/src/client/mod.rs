//! A typed client: one method per operation, named as in the router and in the OpenAPI document. Every method fails with
//! [`ClientError`].

mod access;
mod again;
mod audit;
mod connection;
mod credentials;
mod emulator;
mod emulator_faults;
mod explain;
mod following;
mod forward;
mod history;
mod mails;
mod refusals;
mod reviews;
mod subscriptions;

pub use audit::Exported;
pub use subscriptions::Of;

pub use connection::{ClientError, is_plain_and_away};
pub use credentials::{COMMON_TENANT, ClientSecret, Credentials, Token, Transport, USUAL_AUDIENCE};
pub use following::Events;
pub use forward::Forward;

use crate::access::NewPublisher;
use crate::audiences::{PlanAudience, SynchronisedAudience};
use crate::catalog::{CatalogOffer, CatalogPage};
use crate::dates::Date;
use crate::leads::{Lead, NewLead, TakenLead};
use crate::offers::{ActionMetadata, ActionRequest, Offer, OfferSummary, PutOffer, RollBackRequest};
use crate::operations::{Operation, Submission};
use crate::paths::{API_VERSION, API_VERSION_PARAMETER, segment};
use crate::publishers::{OfferType, Publisher};
use crate::status::StatusDocument;
use bytes::Bytes;
use connection::{Connection, header};
use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// What is read of a server's OpenAPI document.
#[derive(Deserialize)]
struct Description {
    info: Described,
}

#[derive(Deserialize)]
struct Described {
    version: String,
}

/// An offer with the ETag to send when it is changed.
#[derive(Clone, Debug)]
pub struct Tagged<T> {
    /// What was read.
    pub value: T,
    /// Its ETag; empty if the server gave none.
    pub etag: String,
    /// When to ask again, where the server said so.
    pub retry_after: Option<Duration>,
}

/// A client for one server.
#[derive(Clone)]
pub struct Client {
    connection: Arc<Connection>,
    /// Goes with each POST.
    key: Option<HeaderValue>,
    /// The body of the last answer that was read.
    heard: Arc<Mutex<Bytes>>,
    /// Is told where an answer takes long.
    slow: Option<fn(&str)>,
}

impl fmt::Debug for Client {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.connection.server()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for the server at this address (`https://portolan.example`; `http://127.0.0.1:8080` on this machine).
    ///
    /// # Errors
    /// [`ClientError::Unusable`].
    pub fn new(server: &str, credentials: Credentials) -> Result<Self, ClientError> {
        Self::over(server, credentials, &Transport::default())
    }

    /// The same, over connections of one's own choice.
    ///
    /// # Errors
    /// [`ClientError::Unusable`].
    pub fn over(server: &str, credentials: Credentials, transport: &Transport) -> Result<Self, ClientError> {
        let connection = Arc::new(Connection::new(server, credentials, transport)?);
        Ok(Self { connection, key: None, heard: Arc::default(), slow: None })
    }

    /// The same client, whose next POST is done once, however often it is sent with this key (1 to 255 ASCII characters; a fresh
    /// GUID is best). Sent again within 7 days, it gets the first answer. Take another key for another request.
    ///
    /// # Errors
    /// [`ClientError::Unusable`] where the key cannot be one.
    pub fn repeatable(&self, key: &str) -> Result<Self, ClientError> {
        let fits = (1..=255).contains(&key.len()) && key.is_ascii();
        let value = HeaderValue::from_str(key).ok().filter(|_| fits);
        let text = "The key is empty, too long, or holds a character that no key has. Give 1 to 255 ASCII characters.";
        let key = value.ok_or_else(|| ClientError::Unusable(text.to_owned()))?;
        Ok(Self { key: Some(key), ..self.clone() })
    }

    /// The same client, which tells this where a server takes long to answer, or is asked again: in a sentence.
    #[must_use]
    pub fn telling(&self, slow: Option<fn(&str)>) -> Self {
        Self { slow, ..self.clone() }
    }

    /// Whether the last request was sent more than once before it was answered.
    pub fn was_sent_again(&self) -> bool {
        self.connection.was_sent_again()
    }

    /// The body of the last answer that was read by this client or its clones, as the server wrote it.
    pub fn heard(&self) -> Bytes {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The token that requests carry; for a service principal's secret the server is asked for one.
    pub async fn token(&self) -> Result<Token, ClientError> {
        self.connection.current_token().await
    }

    /// The version that the server says of itself, in the description of its routes. Other services may have none.
    pub async fn get_server_version(&self) -> Result<String, ClientError> {
        self.read::<Description>(self.request(Method::GET, "/openapi.json"))
            .await
            .map(|described| described.info.version)
    }

    /// What an emulator's clock showed in its last answer, and how many of its seconds go by in one of ours; none of a server
    /// whose clock is everybody's.
    pub fn clock(&self) -> Option<(Date, u32)> {
        self.connection.clock()
    }

    /// The publishers that the caller is a member of.
    pub async fn list_publishers(&self) -> Result<Vec<Publisher>, ClientError> {
        self.read(self.request(Method::GET, "/api/publishers")).await
    }

    /// Creates a publisher, which has no members yet.
    pub async fn create_publisher(&self, publisher: &NewPublisher) -> Result<Publisher, ClientError> {
        self.read(self.request(Method::POST, "/api/publishers").json(publisher)).await
    }

    /// The types an offer can have.
    pub async fn list_offer_types(&self) -> Result<Vec<OfferType>, ClientError> {
        self.read(self.request(Method::GET, "/api/offerTypes")).await
    }

    /// The offers of a publisher.
    pub async fn list_offers(&self, publisher: &str) -> Result<Vec<OfferSummary>, ClientError> {
        self.read(self.request(Method::GET, &format!("/api/publishers/{}/offers", segment(publisher)))).await
    }

    /// An offer's draft.
    pub async fn get_offer(&self, publisher: &str, offer: &str) -> Result<Tagged<Offer>, ClientError> {
        self.tagged(self.offer_request(Method::GET, publisher, offer, "")).await
    }

    /// An offer as published with a version.
    pub async fn get_offer_version(&self, publisher: &str, offer: &str, version: i64) -> Result<Offer, ClientError> {
        self.read(self.offer_request(Method::GET, publisher, offer, &format!("/versions/{version}"))).await
    }

    /// An offer in a slot: `draft`, `preview` or `production`.
    pub async fn get_offer_slot(&self, publisher: &str, offer: &str, slot: &str) -> Result<Offer, ClientError> {
        self.read(self.offer_request(Method::GET, publisher, offer, &format!("/slot/{}", segment(slot)))).await
    }

    /// Creates an offer or replaces its draft; `if_match` is an ETag, `*`, or nothing.
    pub async fn put_offer(&self, offer: &PutOffer, if_match: Option<&str>) -> Result<Tagged<Offer>, ClientError> {
        let request = self.offer_request(Method::PUT, &offer.publisher_id, &offer.id, "").json(offer);
        self.tagged(match if_match {
            Some(tag) => request.header("If-Match", tag),
            None => request,
        })
        .await
    }

    /// Where an offer stands.
    pub async fn get_offer_status(&self, publisher: &str, offer: &str) -> Result<StatusDocument, ClientError> {
        self.read(self.offer_request(Method::GET, publisher, offer, "/status")).await
    }

    /// Starts the way from draft to preview; answers with where to look.
    pub async fn publish_offer(
        &self,
        publisher: &str,
        offer: &str,
        notification_emails: &str,
    ) -> Result<String, ClientError> {
        self.publish_offer_as(publisher, offer, notification_emails, None).await
    }

    /// The same, only where the draft is as this ETag says.
    pub async fn publish_offer_as(
        &self,
        publisher: &str,
        offer: &str,
        notification_emails: &str,
        if_match: Option<&str>,
    ) -> Result<String, ClientError> {
        let metadata = ActionMetadata { notification_emails: notification_emails.to_owned() };
        let request = self.offer_request(Method::POST, publisher, offer, "/publish").json(&ActionRequest { metadata });
        let request = match if_match {
            Some(tag) => request.header("If-Match", tag),
            None => request,
        };
        self.started(request).await.map(Option::unwrap_or_default)
    }

    /// Signs off the preview; answers with where to look.
    pub async fn go_live_offer(&self, publisher: &str, offer: &str) -> Result<String, ClientError> {
        self.started(self.offer_request(Method::POST, publisher, offer, "/golive")).await.map(Option::unwrap_or_default)
    }

    /// Cancels the active submission; answers with where to look if that takes time.
    pub async fn cancel_offer(&self, publisher: &str, offer: &str) -> Result<Option<String>, ClientError> {
        self.started(self.offer_request(Method::POST, publisher, offer, "/cancel")).await
    }

    /// Takes the version that is live away: the one that was in production before is there again.
    pub async fn roll_back_offer(&self, publisher: &str, offer: &str, from: i64) -> Result<(), ClientError> {
        let request = self.offer_request(Method::POST, publisher, offer, "/rollback");
        self.started(request.json(&RollBackRequest { from })).await.map(drop)
    }

    /// Who may see the private plans that are live.
    pub async fn list_audiences(&self, publisher: &str, offer: &str) -> Result<Vec<PlanAudience>, ClientError> {
        self.read(self.offer_request(Method::GET, publisher, offer, "/audiences")).await
    }

    /// Puts the draft's audiences in the place of those that private plans in production have.
    pub async fn synchronise_audiences(
        &self,
        publisher: &str,
        offer: &str,
    ) -> Result<Vec<SynchronisedAudience>, ClientError> {
        self.read(self.offer_request(Method::POST, publisher, offer, "/audiences/synchronise")).await
    }

    /// The runs of an offer, newest first.
    pub async fn list_submissions(&self, publisher: &str, offer: &str) -> Result<Vec<Submission>, ClientError> {
        self.read(self.offer_request(Method::GET, publisher, offer, "/submissions/")).await
    }

    /// Where one run stands.
    pub async fn get_operation(&self, publisher: &str, offer: &str, operation: Uuid) -> Result<Operation, ClientError> {
        self.read(self.offer_request(Method::GET, publisher, offer, &format!("/operations/{operation}"))).await
    }

    /// Where one run stands, by the composite id `{publisher}${offer}${publishingVersion}${slot}`.
    pub async fn get_operation_by_composite_id(&self, id: &str) -> Result<Operation, ClientError> {
        self.read(self.request(Method::GET, &format!("/api/operations/{}", segment(id)))).await
    }

    /// The leads of an offer in the last 30 days, newest first.
    pub async fn list_leads(&self, publisher: &str, offer: &str) -> Result<Vec<Lead>, ClientError> {
        self.read(self.offer_request(Method::GET, publisher, offer, "/leads")).await
    }

    /// Leaves a lead for the publisher of a live offer; with the same key and lead it is taken once a day.
    pub async fn send_lead(
        &self,
        publisher: &str,
        offer: &str,
        lead: &NewLead,
        key: &str,
    ) -> Result<TakenLead, ClientError> {
        let path = format!("/catalog/offers/{}/{}/leads", segment(publisher), segment(offer));
        self.read(self.repeatable(key)?.request(Method::POST, &path).json(lead)).await
    }

    /// A page of the offers that are live. `query` holds `after`, `top` and filters; `nextLink` has those of the next page.
    pub async fn list_catalog_offers(&self, query: &[(&str, &str)]) -> Result<CatalogPage, ClientError> {
        self.read(self.request(Method::GET, "/catalog/offers").query(query)).await
    }

    /// A live offer as its page shows it.
    pub async fn get_catalog_offer(&self, publisher: &str, offer: &str) -> Result<CatalogOffer, ClientError> {
        self.read(self.request(Method::GET, &format!("/catalog/offers/{}/{}", segment(publisher), segment(offer))))
            .await
    }

    fn offer_request(&self, method: Method, publisher: &str, offer: &str, rest: &str) -> RequestBuilder {
        self.request(method, &format!("/api/publishers/{}/offers/{}{rest}", segment(publisher), segment(offer)))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.connection.server());
        let key = self.key.as_ref().filter(|_| method == Method::POST);
        let request = self.connection.http().request(method, url).query(&[(API_VERSION_PARAMETER, API_VERSION)]);
        match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        self.tagged(request).await.map(|tagged| tagged.value)
    }

    async fn tagged<T: DeserializeOwned>(&self, mut request: RequestBuilder) -> Result<Tagged<T>, ClientError> {
        let mut tries = again::Tries::of(&request);
        loop {
            let again = request.try_clone();
            let answer = self.tag(self.connection.send(request, self.slow).await?).await;
            match (tries.pause_after_body(&answer), again) {
                // The answer broke off.
                (Some(pause), Some(again)) => {
                    tokio::time::sleep(pause).await;
                    request = again;
                }
                _ => return answer,
            }
        }
    }

    /// What an answer says, with its ETag.
    async fn tag<T: DeserializeOwned>(&self, response: Response) -> Result<Tagged<T>, ClientError> {
        let (status, etag, retry_after) =
            (response.status().as_u16(), header(&response, "etag"), again::retry_after(&response));
        Ok(Tagged { value: self.parsed(status, response.bytes().await?)?, etag, retry_after })
    }

    /// What a body says; it is kept as what was heard last.
    fn parsed<T: DeserializeOwned>(&self, status: u16, body: Bytes) -> Result<T, ClientError> {
        let value = serde_json::from_slice(&body)
            .map_err(|error| ClientError::Unreadable { status, reason: error.to_string() })?;
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = body;
        Ok(value)
    }

    /// Where to look, if the server goes on working.
    async fn started(&self, request: RequestBuilder) -> Result<Option<String>, ClientError> {
        let response = self.connection.send(request, self.slow).await?;
        let location = || match header(&response, "operation-location") {
            none if none.is_empty() => header(&response, "location"),
            location => location,
        };
        Ok((response.status() == StatusCode::ACCEPTED).then(location))
    }
}

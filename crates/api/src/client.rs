//! A typed client: one method per operation, named as in the router and in the OpenAPI document. Every method fails with
//! [`ClientError`].

use crate::errors::{ErrorBody, ErrorDocument, UnauthorizedDocument};
use crate::offers::{ActionMetadata, ActionRequest, Offer, OfferSummary, PutOffer};
use crate::operations::{Operation, Submission};
use crate::paths::{API_VERSION, API_VERSION_PARAMETER, segment};
use crate::publishers::{OfferType, Publisher};
use crate::reviews::{Review, Verdict, VerdictRequest};
use crate::status::StatusDocument;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use std::fmt;
use thiserror::Error;
use uuid::Uuid;

/// Why a call gave no answer that was asked for.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The server said no.
    #[error("{} (HTTP {status}, request {request_id})", .error.message)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error.
        error: Box<ErrorBody>,
        /// The id under which the server logged the request; empty if it gave none.
        request_id: String,
    },
    /// The token was not accepted.
    #[error("Not signed in: {0}")]
    Unauthorized(String),
    /// The server could not be reached, or broke off.
    #[error("The server did not answer. Check that it runs, and its address; this client speaks http only")]
    Unreachable(#[source] reqwest::Error),
    /// The answer is not what the API promises.
    #[error("The server's answer (HTTP {status}) cannot be read: {reason}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<reqwest::Error> for ClientError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url())
    }
}

/// An offer with the ETag to send when it is changed.
#[derive(Clone, Debug)]
pub struct Tagged<T> {
    /// What was read.
    pub value: T,
    /// Its ETag; empty if the server gave none.
    pub etag: String,
}

/// A client for one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    server: String,
    token: String,
}

impl fmt::Debug for Client {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for the server at this URL (`http://127.0.0.1:8080`), with a bearer token.
    pub fn new(server: &str, token: &str) -> Self {
        Self { http: reqwest::Client::new(), server: server.trim_end_matches('/').to_owned(), token: token.to_owned() }
    }

    /// The publishers that the caller is a member of.
    pub async fn list_publishers(&self) -> Result<Vec<Publisher>, ClientError> {
        read(self.request(Method::GET, "/api/publishers")).await
    }

    /// The types an offer can have.
    pub async fn list_offer_types(&self) -> Result<Vec<OfferType>, ClientError> {
        read(self.request(Method::GET, "/api/offerTypes")).await
    }

    /// The offers of a publisher.
    pub async fn list_offers(&self, publisher: &str) -> Result<Vec<OfferSummary>, ClientError> {
        read(self.request(Method::GET, &format!("/api/publishers/{}/offers", segment(publisher)))).await
    }

    /// An offer's draft.
    pub async fn get_offer(&self, publisher: &str, offer: &str) -> Result<Tagged<Offer>, ClientError> {
        tagged(self.offer_request(Method::GET, publisher, offer, "")).await
    }

    /// An offer as published with a version.
    pub async fn get_offer_version(&self, publisher: &str, offer: &str, version: i64) -> Result<Offer, ClientError> {
        read(self.offer_request(Method::GET, publisher, offer, &format!("/versions/{version}"))).await
    }

    /// An offer in a slot: `draft`, `preview` or `production`.
    pub async fn get_offer_slot(&self, publisher: &str, offer: &str, slot: &str) -> Result<Offer, ClientError> {
        read(self.offer_request(Method::GET, publisher, offer, &format!("/slot/{}", segment(slot)))).await
    }

    /// Creates an offer or replaces its draft; `if_match` is an ETag, `*`, or nothing.
    pub async fn put_offer(&self, offer: &PutOffer, if_match: Option<&str>) -> Result<Tagged<Offer>, ClientError> {
        let request = self.offer_request(Method::PUT, &offer.publisher_id, &offer.id, "").json(offer);
        tagged(match if_match {
            Some(tag) => request.header("If-Match", tag),
            None => request,
        })
        .await
    }

    /// Where an offer stands.
    pub async fn get_offer_status(&self, publisher: &str, offer: &str) -> Result<StatusDocument, ClientError> {
        read(self.offer_request(Method::GET, publisher, offer, "/status")).await
    }

    /// Starts the way from draft to preview; answers with where to look.
    pub async fn publish_offer(
        &self,
        publisher: &str,
        offer: &str,
        notification_emails: &str,
    ) -> Result<String, ClientError> {
        let metadata = ActionMetadata { notification_emails: notification_emails.to_owned() };
        let request = self.offer_request(Method::POST, publisher, offer, "/publish").json(&ActionRequest { metadata });
        started(request).await.map(Option::unwrap_or_default)
    }

    /// Signs off the preview; answers with where to look.
    pub async fn go_live_offer(&self, publisher: &str, offer: &str) -> Result<String, ClientError> {
        started(self.offer_request(Method::POST, publisher, offer, "/golive")).await.map(Option::unwrap_or_default)
    }

    /// Cancels the active submission; answers with where to look if that takes time.
    pub async fn cancel_offer(&self, publisher: &str, offer: &str) -> Result<Option<String>, ClientError> {
        started(self.offer_request(Method::POST, publisher, offer, "/cancel")).await
    }

    /// The runs of an offer, newest first.
    pub async fn list_submissions(&self, publisher: &str, offer: &str) -> Result<Vec<Submission>, ClientError> {
        read(self.offer_request(Method::GET, publisher, offer, "/submissions/")).await
    }

    /// Where one run stands.
    pub async fn get_operation(&self, publisher: &str, offer: &str, operation: Uuid) -> Result<Operation, ClientError> {
        read(self.offer_request(Method::GET, publisher, offer, &format!("/operations/{operation}"))).await
    }

    /// Where one run stands, by the composite id `{publisher}${offer}${publishingVersion}${slot}`.
    pub async fn get_operation_by_composite_id(&self, id: &str) -> Result<Operation, ClientError> {
        read(self.request(Method::GET, &format!("/api/operations/{}", segment(id)))).await
    }

    /// The steps that wait for a reviewer.
    pub async fn list_reviews(&self) -> Result<Vec<Review>, ClientError> {
        read(self.request(Method::GET, "/api/reviews")).await
    }

    /// Approves, rejects, blocks or unblocks a step.
    pub async fn give_verdict(
        &self,
        operation: Uuid,
        step: &str,
        verdict: Verdict,
        request: &VerdictRequest,
    ) -> Result<(), ClientError> {
        let path = format!("/api/reviews/{operation}/{}/{}", segment(step), verdict.word());
        started(self.request(Method::POST, &path).json(request)).await.map(drop)
    }

    fn offer_request(&self, method: Method, publisher: &str, offer: &str, rest: &str) -> RequestBuilder {
        self.request(method, &format!("/api/publishers/{}/offers/{}{rest}", segment(publisher), segment(offer)))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.server))
            .query(&[(API_VERSION_PARAMETER, API_VERSION)])
            .bearer_auth(&self.token)
    }
}

async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ClientError> {
    tagged(request).await.map(|tagged| tagged.value)
}

async fn tagged<T: DeserializeOwned>(request: RequestBuilder) -> Result<Tagged<T>, ClientError> {
    let response = accepted(request.send().await?).await?;
    let (status, etag) = (response.status().as_u16(), header(&response, "etag"));
    let body = response.bytes().await?;
    let value =
        serde_json::from_slice(&body).map_err(|error| ClientError::Unreadable { status, reason: error.to_string() })?;
    Ok(Tagged { value, etag })
}

/// Where to look, if the server goes on working.
async fn started(request: RequestBuilder) -> Result<Option<String>, ClientError> {
    let response = accepted(request.send().await?).await?;
    Ok((response.status() == StatusCode::ACCEPTED).then(|| header(&response, "operation-location")))
}

async fn accepted(response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let request_id = header(&response, "x-ms-request-id");
    let body = response.bytes().await?;
    if status == StatusCode::UNAUTHORIZED {
        let document: Option<UnauthorizedDocument> = serde_json::from_slice(&body).ok();
        return Err(ClientError::Unauthorized(document.map_or_else(|| "no reason was given".into(), |d| d.message)));
    }
    Err(match serde_json::from_slice::<ErrorDocument>(&body) {
        Ok(document) => ClientError::Refused { status: status.as_u16(), error: Box::new(document.error), request_id },
        Err(error) => ClientError::Unreadable { status: status.as_u16(), reason: error.to_string() },
    })
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

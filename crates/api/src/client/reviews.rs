//! The typed client's calls about reviews: what waits, who has it in hand, notes and verdicts.

use super::{Client, ClientError};
use crate::paths::segment;
use crate::reviews::{Hold, NewNote, Review, ReviewFilter, ReviewRequest, ReviewedStep, Verdict, VerdictRequest};
use reqwest::Method;
use uuid::Uuid;

impl Client {
    /// What waits for a reviewer.
    pub async fn list_reviews(&self, filter: &ReviewFilter) -> Result<Vec<Review>, ClientError> {
        self.read(self.request(Method::GET, "/api/reviews").query(filter)).await
    }

    /// One step as its reviewers see it.
    pub async fn get_review(&self, operation: Uuid, step: &str) -> Result<ReviewedStep, ClientError> {
        self.read(self.request(Method::GET, &review(operation, step, ""))).await
    }

    /// Takes a review in hand for half an hour, or for another half hour.
    pub async fn claim_review(
        &self,
        operation: Uuid,
        step: &str,
        request: &ReviewRequest,
    ) -> Result<Hold, ClientError> {
        self.read(self.request(Method::POST, &review(operation, step, "/claim")).json(request)).await
    }

    /// Lets go of a review; an operator may release what somebody else holds.
    pub async fn release_review(
        &self,
        operation: Uuid,
        step: &str,
        request: &ReviewRequest,
    ) -> Result<(), ClientError> {
        self.started(self.request(Method::POST, &review(operation, step, "/release")).json(request)).await.map(drop)
    }

    /// Writes something down about a review.
    pub async fn add_review_note(&self, operation: Uuid, step: &str, note: &NewNote) -> Result<(), ClientError> {
        self.started(self.request(Method::POST, &review(operation, step, "/notes")).json(note)).await.map(drop)
    }

    /// Approves, rejects, blocks or unblocks a step.
    pub async fn give_verdict(
        &self,
        operation: Uuid,
        step: &str,
        verdict: Verdict,
        request: &VerdictRequest,
    ) -> Result<(), ClientError> {
        let path = review(operation, step, &format!("/{}", verdict.word()));
        self.started(self.request(Method::POST, &path).json(request)).await.map(drop)
    }
}

fn review(operation: Uuid, step: &str, rest: &str) -> String {
    format!("/api/reviews/{operation}/{}{rest}", segment(step))
}

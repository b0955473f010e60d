//! The caller's publishers, and the offer types there are.

use super::errors::Problem;
use super::request::At;
use super::{Shared, reply};
use api::publishers::{OfferType, Publisher, PublisherDefinition};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

/// The publishers that the caller is a member of.
#[utoipa::path(get, path = "/api/publishers", operation_id = "list_publishers", tag = "Publishers",
    responses((status = 200, body = Vec<Publisher>)))]
pub(crate) async fn list_publishers(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let all = rooms.read.publishers().await?;
    let theirs: Vec<Publisher> = all
        .into_iter()
        .filter(|publisher| at.caller().publishers().any(|(id, _)| *id == publisher.id))
        .map(|publisher| Publisher {
            id: publisher.id.as_str().to_owned(),
            version: publisher.version,
            definition: PublisherDefinition {
                display_text: publisher.display_text,
                offer_type_categories: Vec::new(),
                seller_id: publisher.seller_id,
            },
        })
        .collect();
    Ok(reply::json(StatusCode::OK, &theirs))
}

/// The types an offer can have.
#[utoipa::path(get, path = "/api/offerTypes", operation_id = "list_offer_types", tag = "Publishers",
    responses((status = 200, body = Vec<OfferType>)))]
pub(crate) async fn list_offer_types(State(rooms): Shared, _at: At) -> Response {
    let types = rooms.types.iter().map(|offer_type| OfferType {
        id: offer_type.id.clone(),
        version: 1,
        display_text: offer_type.display_text.clone(),
    });
    reply::json(StatusCode::OK, &types.collect::<Vec<_>>())
}

//! The caller's publishers, and the offer types there are.

use super::errors::Problem;
use super::request::{At, read_own};
use super::{Shared, reply};
use crate::auth::{LONGEST_NAME, Permission, is_unseen};
use crate::store::Publisher as Stored;
use api::access::NewPublisher;
use api::publishers::{OfferType, Publisher, PublisherDefinition};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use publishing::offer::PublisherId;

/// The publishers that the caller is a member of.
#[utoipa::path(get, path = "/api/publishers", operation_id = "list_publishers", tag = "Publishers",
    responses((status = 200, body = Vec<Publisher>)))]
pub(crate) async fn list_publishers(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let mut ids: Vec<String> = at.caller().publishers().map(|(id, _)| id.folded()).collect();
    ids.sort();
    let mut theirs = Vec::with_capacity(ids.len());
    for id in ids {
        theirs.extend(rooms.read.publisher(&id)?.map(shown));
    }
    Ok(reply::json(StatusCode::OK, &theirs))
}

/// Creates a publisher. It has no members yet.
#[utoipa::path(post, path = "/api/publishers", operation_id = "create_publisher", tag = "Publishers",
    request_body = NewPublisher, responses((status = 201, body = Publisher)))]
pub(crate) async fn create_publisher(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(Permission::CreatePublisher)?;
    let NewPublisher { id, display_text, seller_id } = read_own(body).await?;
    let form = "A publisher id has 1 to 50 letters, digits, `_`, `.` and `-`, and begins with a letter or digit.";
    let id = PublisherId::parse(&id).ok_or_else(|| Problem::bad_request("/id", form))?;
    for (target, text) in [("/displayText", &display_text), ("/sellerId", &seller_id)] {
        if text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_NAME || text.chars().any(is_unseen)) {
            let message = format!("This has at most {LONGEST_NAME} characters, all of them to be seen.");
            return Err(Problem::bad_request(target, message));
        }
    }
    let display_text = display_text.unwrap_or_else(|| id.as_str().to_owned());
    let publisher = Stored { id, display_text, seller_id: seller_id.unwrap_or_default(), version: 1 };
    rooms.perform.create_publisher(&by, publisher.clone()).await?;
    Ok(reply::json(StatusCode::CREATED, &shown(publisher)))
}

fn shown(publisher: Stored) -> Publisher {
    Publisher {
        id: publisher.id.as_str().to_owned(),
        version: publisher.version,
        definition: PublisherDefinition {
            display_text: publisher.display_text,
            offer_type_categories: Vec::new(),
            seller_id: publisher.seller_id,
        },
    }
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

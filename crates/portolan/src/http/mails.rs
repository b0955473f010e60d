//! Mails about offers: everybody follows, or not, for themselves.

use super::errors::Problem;
use super::request::{At, read_own};
use super::{Rooms, Shared, reply};
use crate::auth::Permission;
use crate::perform::MailFollower;
use crate::store::Subscription;
use crate::wire;
use api::mails::{MailSubscription, WantedMails};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use publishing::happening::Happening;

/// Whether the caller gets mails about a publisher's offers, and of what. Ours; the original had no such call.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/notifications/mail", operation_id = "get_mails", tag = "Notifications",
    params(("publisherId" = String, Path)), responses((status = 200, body = MailSubscription)))]
pub(crate) async fn get_mails(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    get(&rooms, &MailFollower::Member(at.authorise(&rooms.read, Permission::Read)?))
}

/// Lets the caller get mails about a publisher's offers; without events, of what is always mailed.
#[utoipa::path(put, path = "/api/publishers/{publisherId}/notifications/mail", operation_id = "put_mails", tag = "Notifications",
    params(("publisherId" = String, Path)), request_body = WantedMails, responses((status = 200, body = MailSubscription)))]
pub(crate) async fn put_mails(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    put(&rooms, &MailFollower::Member(at.authorise(&rooms.read, Permission::Read)?), body).await
}

/// Ends the caller's mails about a publisher's offers.
#[utoipa::path(delete, path = "/api/publishers/{publisherId}/notifications/mail", operation_id = "delete_mails", tag = "Notifications",
    params(("publisherId" = String, Path)), responses((status = 204, description = "Done.")))]
pub(crate) async fn delete_mails(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    delete(&rooms, &MailFollower::Member(at.authorise(&rooms.read, Permission::Read)?)).await
}

/// Whether the caller, as staff, gets mails about all publishers' offers, and of what.
#[utoipa::path(get, path = "/api/notifications/mail", operation_id = "get_staff_mails", tag = "Notifications",
    responses((status = 200, body = MailSubscription)))]
pub(crate) async fn get_staff_mails(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    get(&rooms, &MailFollower::Staff(at.caller().authorise_marketplace(Permission::Read)?))
}

/// Lets the caller, as staff, get mails about all publishers' offers.
#[utoipa::path(put, path = "/api/notifications/mail", operation_id = "put_staff_mails", tag = "Notifications",
    request_body = WantedMails, responses((status = 200, body = MailSubscription)))]
pub(crate) async fn put_staff_mails(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    put(&rooms, &MailFollower::Staff(at.caller().authorise_marketplace(Permission::Read)?), body).await
}

/// Ends the caller's mails about all publishers' offers.
#[utoipa::path(delete, path = "/api/notifications/mail", operation_id = "delete_staff_mails", tag = "Notifications",
    responses((status = 204, description = "Done.")))]
pub(crate) async fn delete_staff_mails(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    delete(&rooms, &MailFollower::Staff(at.caller().authorise_marketplace(Permission::Read)?)).await
}

fn get(rooms: &Rooms, by: &MailFollower<'_>) -> Result<Response, Problem> {
    let (own, address) = rooms.perform.mail_subscription(by)?.ok_or_else(none)?;
    Ok(reply::json(StatusCode::OK, &shown(&own, address)))
}

async fn put(rooms: &Rooms, by: &MailFollower<'_>, body: Body) -> Result<Response, Problem> {
    let WantedMails { events } = read_own(body).await?;
    let mut wanted = Vec::new();
    for (place, name) in events.iter().enumerate() {
        let known = Happening::of_name(name).ok_or_else(|| {
            let names: Vec<&str> = Happening::ALL.iter().map(|happening| happening.name()).collect();
            Problem::bad_request(
                format!("/events/{place}"),
                format!("There is no such event. There are: {}.", names.join(", ")),
            )
        })?;
        if !wanted.contains(&known) {
            wanted.push(known);
        }
    }
    let (own, address) = rooms.perform.follow_by_mail(by, wanted).await?;
    Ok(reply::json(StatusCode::OK, &shown(&own, address)))
}

async fn delete(rooms: &Rooms, by: &MailFollower<'_>) -> Result<Response, Problem> {
    if rooms.perform.unfollow_by_mail(by).await? {
        return Ok(reply::with_body(StatusCode::NO_CONTENT, Body::empty()));
    }
    Err(none())
}

fn none() -> Problem {
    Problem::not_found("You get no mails from here. Send a PUT to this address to get them.")
}

fn shown(own: &Subscription, address: String) -> MailSubscription {
    let always = || Happening::ALL.into_iter().filter(|happening| happening.is_mailed()).collect();
    let events = if own.events.is_empty() { always() } else { own.events.clone() };
    MailSubscription {
        mail: address,
        events: events.into_iter().map(|event: Happening| event.name().to_owned()).collect(),
        since: wire::date(own.made_at),
    }
}

//! Subscriptions: the webhooks of publishers, and those of the marketplace, which are told of all publishers.

use super::errors::Problem;
use super::offers::count;
use super::request::{At, query, read_own, shown};
use super::subscribed::{delivery, subscription, tried};
use super::{Rooms, Shared, reply};
use crate::auth::Permission;
use crate::perform::{Followed, Follower};
use api::subscriptions::{
    ChangedSubscription, Delivery, DeliveryAttempt, NewSubscription, Subscription as WireSubscription,
    SubscriptionWithSecret,
};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use publishing::webhook::{WebhookSecret, happenings};
use uuid::Uuid;

/// How many deliveries are listed at once where nothing is said, and at most.
const USUAL_PAGE: i64 = 100;
const LONGEST_PAGE: i64 = 1_000;

const PERMISSION: Permission = Permission::ManageNotifications;

/// The webhooks of a publisher, oldest first.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/subscriptions", operation_id = "list_subscriptions", tag = "Subscriptions",
    params(("publisherId" = String, Path)),
    responses((status = 200, body = Vec<WireSubscription>)))]
pub(crate) async fn list_subscriptions(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.authorise(&rooms.read, PERMISSION)?;
    let by = Follower::of_publisher(&by);
    list(&rooms, &by)
}

/// Adds a webhook, which is told what happens to the publisher's offers from now on. Its secret is shown this once.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/subscriptions", operation_id = "create_subscription", tag = "Subscriptions",
    params(("publisherId" = String, Path)),
    request_body = NewSubscription, responses((status = 201, body = SubscriptionWithSecret)))]
pub(crate) async fn create_subscription(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    let by = at.authorise(&rooms.read, PERMISSION)?;
    let by = Follower::of_publisher(&by);
    create(&rooms, &by, body).await
}

/// A webhook of a publisher.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/subscriptions/{subscriptionId}", operation_id = "get_subscription", tag = "Subscriptions",
    params(("publisherId" = String, Path), ("subscriptionId" = Uuid, Path)),
    responses((status = 200, body = WireSubscription)))]
pub(crate) async fn get_subscription(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.authorise(&rooms.read, PERMISSION)?;
    let by = Follower::of_publisher(&by);
    get(&rooms, &by, id(&at)?)
}

/// Gives a webhook of a publisher other events, or another address.
#[utoipa::path(put, path = "/api/publishers/{publisherId}/subscriptions/{subscriptionId}", operation_id = "change_subscription", tag = "Subscriptions",
    params(("publisherId" = String, Path), ("subscriptionId" = Uuid, Path)),
    request_body = ChangedSubscription, responses((status = 200, body = WireSubscription)))]
pub(crate) async fn change_subscription(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    let by = at.authorise(&rooms.read, PERMISSION)?;
    let by = Follower::of_publisher(&by);
    change(&rooms, &by, id(&at)?, body).await
}

/// Removes a webhook of a publisher, with what waits for it and its log.
#[utoipa::path(delete, path = "/api/publishers/{publisherId}/subscriptions/{subscriptionId}", operation_id = "remove_subscription", tag = "Subscriptions",
    params(("publisherId" = String, Path), ("subscriptionId" = Uuid, Path)),
    responses((status = 204, description = "Done.")))]
pub(crate) async fn remove_subscription(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.authorise(&rooms.read, PERMISSION)?;
    let by = Follower::of_publisher(&by);
    remove(&rooms, &by, id(&at)?).await
}

/// Gives a webhook of a publisher a new secret, which is shown this once; the one before signs too for a day.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/subscriptions/{subscriptionId}/rotate", operation_id = "rotate_subscription", tag = "Subscriptions",
    params(("publisherId" = String, Path), ("subscriptionId" = Uuid, Path)),
    responses((status = 200, body = SubscriptionWithSecret)))]
pub(crate) async fn rotate_subscription(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.authorise(&rooms.read, PERMISSION)?;
    let by = Follower::of_publisher(&by);
    rotate(&rooms, &by, id(&at)?).await
}

/// Lets a webhook of a publisher go on that was disabled; what waits is tried at once.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/subscriptions/{subscriptionId}/enable", operation_id = "enable_subscription", tag = "Subscriptions",
    params(("publisherId" = String, Path), ("subscriptionId" = Uuid, Path)),
    responses((status = 200, body = WireSubscription)))]
pub(crate) async fn enable_subscription(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.authorise(&rooms.read, PERMISSION)?;
    let by = Follower::of_publisher(&by);
    enable(&rooms, &by, id(&at)?).await
}

/// Sends a webhook of a publisher a signed event that tells nothing, now and once, and says what came of it.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/subscriptions/{subscriptionId}/test", operation_id = "test_subscription", tag = "Subscriptions",
    params(("publisherId" = String, Path), ("subscriptionId" = Uuid, Path)),
    responses((status = 200, body = DeliveryAttempt)))]
pub(crate) async fn test_subscription(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.authorise(&rooms.read, PERMISSION)?;
    let by = Follower::of_publisher(&by);
    test(&rooms, &by, id(&at)?).await
}

/// What a webhook of a publisher was told in the last 30 days, newest first, with each try.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/subscriptions/{subscriptionId}/deliveries", operation_id = "list_deliveries", tag = "Subscriptions",
    params(("publisherId" = String, Path),
        ("subscriptionId" = Uuid, Path),
        ("$top" = Option<i64>, Query, description = "How many at most; 100 where nothing is said, 1000 at most."),
        ("$skip" = Option<i64>, Query, description = "How many to pass over.")),
    responses((status = 200, body = Vec<Delivery>)))]
pub(crate) async fn list_deliveries(State(rooms): Shared, at: At, uri: Uri) -> Result<Response, Problem> {
    let by = at.authorise(&rooms.read, PERMISSION)?;
    let by = Follower::of_publisher(&by);
    deliveries(&rooms, &by, id(&at)?, &uri).await
}

/// Delivers again to a webhook of a publisher what was delivered or given up, under the same id.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/subscriptions/{subscriptionId}/deliveries/{deliveryId}/redeliver", operation_id = "repeat_delivery", tag = "Subscriptions",
    params(("publisherId" = String, Path), ("subscriptionId" = Uuid, Path), ("deliveryId" = Uuid, Path)),
    responses((status = 202, description = "It waits to be delivered.")))]
pub(crate) async fn repeat_delivery(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.authorise(&rooms.read, PERMISSION)?;
    let by = Follower::of_publisher(&by);
    redeliver(&rooms, &by, id(&at)?, delivery_id(&at)?).await
}

/// The webhooks of the marketplace, oldest first.
#[utoipa::path(get, path = "/api/subscriptions", operation_id = "list_marketplace_subscriptions", tag = "Subscriptions",
    responses((status = 200, body = Vec<WireSubscription>)))]
pub(crate) async fn list_marketplace_subscriptions(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(PERMISSION)?;
    let by = Follower::of_marketplace(&by);
    list(&rooms, &by)
}

/// Adds a webhook, which is told what happens to all offers from now on. Its secret is shown this once.
#[utoipa::path(post, path = "/api/subscriptions", operation_id = "create_marketplace_subscription", tag = "Subscriptions",
    request_body = NewSubscription, responses((status = 201, body = SubscriptionWithSecret)))]
pub(crate) async fn create_marketplace_subscription(
    State(rooms): Shared,
    at: At,
    body: Body,
) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(PERMISSION)?;
    let by = Follower::of_marketplace(&by);
    create(&rooms, &by, body).await
}

/// A webhook of the marketplace.
#[utoipa::path(get, path = "/api/subscriptions/{subscriptionId}", operation_id = "get_marketplace_subscription", tag = "Subscriptions",
    params(("subscriptionId" = Uuid, Path)),
    responses((status = 200, body = WireSubscription)))]
pub(crate) async fn get_marketplace_subscription(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(PERMISSION)?;
    let by = Follower::of_marketplace(&by);
    get(&rooms, &by, id(&at)?)
}

/// Gives a webhook of the marketplace other events, or another address.
#[utoipa::path(put, path = "/api/subscriptions/{subscriptionId}", operation_id = "change_marketplace_subscription", tag = "Subscriptions",
    params(("subscriptionId" = Uuid, Path)),
    request_body = ChangedSubscription, responses((status = 200, body = WireSubscription)))]
pub(crate) async fn change_marketplace_subscription(
    State(rooms): Shared,
    at: At,
    body: Body,
) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(PERMISSION)?;
    let by = Follower::of_marketplace(&by);
    change(&rooms, &by, id(&at)?, body).await
}

/// Removes a webhook of the marketplace, with what waits for it and its log.
#[utoipa::path(delete, path = "/api/subscriptions/{subscriptionId}", operation_id = "remove_marketplace_subscription", tag = "Subscriptions",
    params(("subscriptionId" = Uuid, Path)),
    responses((status = 204, description = "Done.")))]
pub(crate) async fn remove_marketplace_subscription(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(PERMISSION)?;
    let by = Follower::of_marketplace(&by);
    remove(&rooms, &by, id(&at)?).await
}

/// Gives a webhook of the marketplace a new secret, which is shown this once; the one before signs too for a day.
#[utoipa::path(post, path = "/api/subscriptions/{subscriptionId}/rotate", operation_id = "rotate_marketplace_subscription", tag = "Subscriptions",
    params(("subscriptionId" = Uuid, Path)),
    responses((status = 200, body = SubscriptionWithSecret)))]
pub(crate) async fn rotate_marketplace_subscription(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(PERMISSION)?;
    let by = Follower::of_marketplace(&by);
    rotate(&rooms, &by, id(&at)?).await
}

/// Lets a webhook of the marketplace go on that was disabled; what waits is tried at once.
#[utoipa::path(post, path = "/api/subscriptions/{subscriptionId}/enable", operation_id = "enable_marketplace_subscription", tag = "Subscriptions",
    params(("subscriptionId" = Uuid, Path)),
    responses((status = 200, body = WireSubscription)))]
pub(crate) async fn enable_marketplace_subscription(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(PERMISSION)?;
    let by = Follower::of_marketplace(&by);
    enable(&rooms, &by, id(&at)?).await
}

/// Sends a webhook of the marketplace a signed event that tells nothing, now and once, and says what came of it.
#[utoipa::path(post, path = "/api/subscriptions/{subscriptionId}/test", operation_id = "test_marketplace_subscription", tag = "Subscriptions",
    params(("subscriptionId" = Uuid, Path)),
    responses((status = 200, body = DeliveryAttempt)))]
pub(crate) async fn test_marketplace_subscription(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(PERMISSION)?;
    let by = Follower::of_marketplace(&by);
    test(&rooms, &by, id(&at)?).await
}

/// What a webhook of the marketplace was told in the last 30 days, newest first, with each try.
#[utoipa::path(get, path = "/api/subscriptions/{subscriptionId}/deliveries", operation_id = "list_marketplace_deliveries", tag = "Subscriptions",
    params(("subscriptionId" = Uuid, Path),
        ("$top" = Option<i64>, Query, description = "How many at most; 100 where nothing is said, 1000 at most."),
        ("$skip" = Option<i64>, Query, description = "How many to pass over.")),
    responses((status = 200, body = Vec<Delivery>)))]
pub(crate) async fn list_marketplace_deliveries(State(rooms): Shared, at: At, uri: Uri) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(PERMISSION)?;
    let by = Follower::of_marketplace(&by);
    deliveries(&rooms, &by, id(&at)?, &uri).await
}

/// Delivers again to a webhook of the marketplace what was delivered or given up, under the same id.
#[utoipa::path(post, path = "/api/subscriptions/{subscriptionId}/deliveries/{deliveryId}/redeliver", operation_id = "repeat_marketplace_delivery", tag = "Subscriptions",
    params(("subscriptionId" = Uuid, Path), ("deliveryId" = Uuid, Path)),
    responses((status = 202, description = "It waits to be delivered.")))]
pub(crate) async fn repeat_marketplace_delivery(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let by = at.caller().authorise_marketplace(PERMISSION)?;
    let by = Follower::of_marketplace(&by);
    redeliver(&rooms, &by, id(&at)?, delivery_id(&at)?).await
}

fn list(rooms: &Rooms, by: &Follower<'_>) -> Result<Response, Problem> {
    let now = rooms.perform.now();
    let there = rooms.perform.webhooks(by)?;
    let there: Vec<WireSubscription> = there.iter().map(|there| subscription(there, now)).collect::<Result<_, _>>()?;
    Ok(reply::json(StatusCode::OK, &there))
}

async fn create(rooms: &Rooms, by: &Follower<'_>, body: Body) -> Result<Response, Problem> {
    let NewSubscription { url, events, secret } = read_own(body).await?;
    let secret = secret.as_deref().map(WebhookSecret::parse).transpose()?;
    let added = rooms.perform.add_webhook(by, &url, happenings(&events)?, secret).await?;
    with_secret(StatusCode::CREATED, &added)
}

fn get(rooms: &Rooms, by: &Follower<'_>, id: Uuid) -> Result<Response, Problem> {
    Ok(reply::json(StatusCode::OK, &subscription(&rooms.perform.webhook(by, id)?, rooms.perform.now())?))
}

async fn change(rooms: &Rooms, by: &Follower<'_>, id: Uuid, body: Body) -> Result<Response, Problem> {
    rooms.perform.webhook(by, id)?;
    let ChangedSubscription { url, events } = read_own(body).await?;
    let changed = rooms.perform.change_webhook(by, id, url.as_deref(), happenings(&events)?).await?;
    as_changed(&changed)
}

async fn remove(rooms: &Rooms, by: &Follower<'_>, id: Uuid) -> Result<Response, Problem> {
    rooms.perform.remove_webhook(by, id).await?;
    Ok(reply::with_body(StatusCode::NO_CONTENT, Body::empty()))
}

async fn rotate(rooms: &Rooms, by: &Follower<'_>, id: Uuid) -> Result<Response, Problem> {
    with_secret(StatusCode::OK, &rooms.perform.rotate_webhook(by, id).await?)
}

async fn enable(rooms: &Rooms, by: &Follower<'_>, id: Uuid) -> Result<Response, Problem> {
    as_changed(&rooms.perform.enable_webhook(by, id).await?)
}

async fn test(rooms: &Rooms, by: &Follower<'_>, id: Uuid) -> Result<Response, Problem> {
    let there = rooms.perform.webhook(by, id)?;
    Ok(reply::json(StatusCode::OK, &tried(rooms.webhooks.test(&there).await?)))
}

async fn deliveries(rooms: &Rooms, by: &Follower<'_>, id: Uuid, uri: &Uri) -> Result<Response, Problem> {
    rooms.perform.webhook(by, id)?;
    let (mut top, mut skip) = (USUAL_PAGE, 0);
    for (name, value) in query(uri) {
        match name.to_ascii_lowercase().as_str() {
            "top" => top = count("$top", &value)?.min(LONGEST_PAGE),
            "skip" => skip = count("$skip", &value)?,
            _ => {}
        }
    }
    let letters = rooms.read.deliveries(id, skip, top).await?;
    Ok(reply::json(StatusCode::OK, &letters.into_iter().map(delivery).collect::<Vec<_>>()))
}

async fn redeliver(rooms: &Rooms, by: &Follower<'_>, id: Uuid, letter: Uuid) -> Result<Response, Problem> {
    rooms.perform.redeliver(by, id, letter).await?;
    Ok(reply::with_body(StatusCode::ACCEPTED, Body::empty()))
}

fn as_changed(changed: &Followed) -> Result<Response, Problem> {
    Ok(reply::json(StatusCode::OK, &subscription(&changed.subscription, changed.at)?))
}

fn with_secret(status: StatusCode, changed: &Followed) -> Result<Response, Problem> {
    let secret = changed.secret.as_ref().ok_or_else(|| Problem::internal(&"no secret was made"))?;
    let subscription = subscription(&changed.subscription, changed.at)?;
    Ok(reply::json(status, &SubscriptionWithSecret { subscription, secret: secret.reveal().to_owned() }))
}

/// The subscription's id in the path.
fn id(at: &At) -> Result<Uuid, Problem> {
    named(at, "subscriptionId")
}

fn delivery_id(at: &At) -> Result<Uuid, Problem> {
    named(at, "deliveryId")
}

fn named(at: &At, parameter: &str) -> Result<Uuid, Problem> {
    let text = at.named(parameter);
    Uuid::try_parse(text).map_err(|_| {
        Problem::not_found(format!(
            "{:?} in the path is no id. List the subscriptions, or their deliveries.",
            shown(text)
        ))
    })
}

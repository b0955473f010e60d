//! Mails about offers, for people who have signed in: of which publishers one gets them, and the switch.

use super::account::signed_in;
use super::forms::Form;
use super::pages::{self, FollowedRow, Shown};
use super::reader::text;
use super::{Pages, Shared, Visitor, told};
use crate::auth::Permission;
use crate::perform::{Failure, MailFollower};
use crate::store::StoreError;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode};

/// How a form names the marketplace; no publisher's id has such a letter.
const MARKETPLACE: &str = "$marketplace";

/// What a visitor can get mails about; nothing where this service sends none, or the visitor has no address.
pub(super) fn followed(pages: &Pages, visitor: &Visitor) -> Result<Vec<FollowedRow>, StoreError> {
    if !pages.perform.sends_mails() || visitor.principal.mail.is_none() {
        return Ok(Vec::new());
    }
    let mut circles: Vec<(String, String)> =
        visitor.caller.publishers().map(|(publisher, _)| (publisher.to_string(), publisher.to_string())).collect();
    circles.sort();
    circles.dedup();
    if visitor.caller.staff_roles().next().is_some() {
        circles.insert(0, (MARKETPLACE.to_owned(), text().account_all_publishers()));
    }
    let row = |(at, name): (String, String)| {
        let Some(by) = follower(visitor, &at) else { return Ok(None) };
        let own = pages.perform.mail_subscription(&by).map_err(of_store)?;
        let events = own
            .as_ref()
            .map(|(own, _)| own.events.iter().map(|event| told::event_words(text(), *event)).collect::<Vec<_>>());
        Ok(Some(FollowedRow { at, name, is_followed: own.is_some(), events: events.unwrap_or_default().join(", ") }))
    };
    circles.into_iter().filter_map(|circle| row(circle).transpose()).collect()
}

fn follower<'a>(visitor: &'a Visitor, at: &str) -> Option<MailFollower<'a>> {
    if at == MARKETPLACE {
        return visitor.caller.authorise_marketplace(Permission::Read).ok().map(MailFollower::Staff);
    }
    visitor.caller.authorise(at, Permission::Read).ok().map(MailFollower::Member)
}

fn of_store(failure: Failure) -> StoreError {
    match failure {
        Failure::Store(error) => error,
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// Begins or ends one's mails about the offers of a publisher, or of all.
pub(super) async fn set(State(pages): Shared, request: Request<Body>) -> Shown {
    match switched(&pages, request).await {
        Ok(()) => pages::see("/account").into(),
        Err(refused) => (*refused).into(),
    }
}

async fn switched(pages: &Pages, request: Request<Body>) -> Result<(), Box<Response>> {
    let form = Form::read(request).await?;
    let visitor = signed_in(&form)?;
    let refused = |status, words: String| Box::new(pages::fault(status, &words));
    let by = follower(&visitor, form.field("at"));
    let by = by.ok_or_else(|| refused(StatusCode::FORBIDDEN, text().account_no_member()))?;
    let done = match form.field("wanted") {
        "yes" => pages.perform.follow_by_mail(&by, Vec::new()).await.map(drop),
        _ => pages.perform.unfollow_by_mail(&by).await.map(drop),
    };
    done.map_err(|failure| match failure {
        Failure::Store(error) => Box::new(pages::not_now(&error)),
        Failure::Access(words) => {
            Box::new(pages::foreign(StatusCode::CONFLICT, &text().fault_title(), &words.to_string()))
        }
        _ => refused(StatusCode::FORBIDDEN, text().account_may_not()),
    })
}

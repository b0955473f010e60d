//! What is shown once: a new client secret, an invitation, a webhook's signing secret; each with how to use it.

use super::Pages;
use super::circles::CircleAt;
use super::pages;
use super::shell::{Html, Room, Shell};
use crate::auth::USUAL_AUDIENCE;
use api::access::{Invitation, Member, NewSecret};
use api::subscriptions::SubscriptionWithSecret;
use askama::Template;
use axum::response::Response;
use http::StatusCode;
use publishing::moment::Moment;

/// The page that has it, and is kept nowhere.
#[derive(Template)]
#[template(path = "secret.html")]
struct SecretPage<'a> {
    shell: Shell,
    title: String,
    words: String,
    secret: &'a str,
    /// Until when it is good.
    ends: Option<Html>,
    /// Lines to try it out.
    lines: Option<String>,
    /// Where an invitation is used.
    page: Option<&'a str>,
    /// The way back, with what it is called.
    back: (String, String),
}

fn shown(template: &SecretPage<'_>) -> Response {
    pages::page(StatusCode::CREATED, template)
}

/// A new secret of a service principal.
pub(super) fn of_program(pages: &Pages, at: &CircleAt, member: &Member, made: &NewSecret) -> Response {
    let shell = Shell::of(Room::Access);
    let (t, server) = (shell.t, &pages.public_url);
    let client = member.application_id.as_deref().unwrap_or(&member.object_id);
    let lines = format!(
        "portolan login --server {server} --client-id {client}\nportolan whoami --server {server}\n\n\
         curl {server}/common/oauth2/v2.0/token \\\n  -d grant_type=client_credentials -d client_id={client} \\\n  \
         -d scope={USUAL_AUDIENCE}/.default \\\n  --data-urlencode \"client_secret=$PORTOLAN_CLIENT_SECRET\""
    );
    shown(&SecretPage {
        title: t.secret_program_title(member.name.as_str()),
        words: t.secret_program(),
        secret: &made.value,
        ends: Some(shell.when(Moment::from_ticks(made.ends_at.ticks()))),
        lines: Some(lines),
        page: None,
        back: (format!("{}/{}", at.circle.page("access"), member.id), t.secret_back(member.name.as_str())),
        shell,
    })
}

/// An invitation.
pub(super) fn of_invitation(at: &CircleAt, member: &Member, made: &Invitation) -> Response {
    let shell = Shell::of(Room::Access);
    let t = shell.t;
    shown(&SecretPage {
        title: t.secret_invitation_title(member.name.as_str()),
        words: t.secret_invitation(),
        secret: &made.code,
        ends: Some(shell.when(Moment::from_ticks(made.ends_at.ticks()))),
        lines: None,
        page: Some(&made.page),
        back: (format!("{}/{}", at.circle.page("access"), member.id), t.secret_back(member.name.as_str())),
        shell,
    })
}

/// What signs the requests to a webhook.
pub(super) fn of_webhook(at: &CircleAt, made: &SubscriptionWithSecret) -> Response {
    let shell = Shell::of(Room::Notifications);
    let t = shell.t;
    let before = made.subscription.old_secret_until.map(|until| Moment::from_ticks(until.ticks()));
    let of = at.circle.id().map_or_else(|| "--marketplace".to_owned(), |id| format!("--publisher {id}"));
    shown(&SecretPage {
        title: t.secret_webhook_title(),
        words: before.map_or_else(|| t.secret_webhook(), |_| t.secret_webhook_rotated()),
        secret: &made.secret,
        ends: None,
        lines: Some(format!("portolan notify test {} {of}", made.subscription.id)),
        page: None,
        back: (
            format!("{}/{}", at.circle.page("notifications"), made.subscription.id),
            t.secret_back(made.subscription.url.as_str()),
        ),
        shell,
    })
}

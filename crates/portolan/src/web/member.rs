//! One member of a circle: its roles, secrets or invitation, and the way out of the circle.

use super::access::{chosen, kind_words, marks_of, role_words, roles_of, secrets};
use super::account::signed_in;
use super::circles::{self, CircleAt, TO_MANAGE, TO_SEE};
use super::forms::Form;
use super::pages::{self, Shown};
use super::refused::{self, Refused};
use super::secret;
use super::shell::{Html, Room, Shell};
use super::sign_in::query;
use super::{Pages, Shared};
use crate::store::StoreError;
use api::access::{Invitation, Member, MemberKind, NewRoles, NewSecret, Role, Secret, SecretRequest};
use api::dates::Date;
use askama::Template;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri};
use publishing::moment::Moment;
use publishing::principal::BUILT_IN;
use uuid::Uuid;

/// One member.
#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage<'a> {
    shell: Shell,
    at: &'a CircleAt,
    circle: String,
    path: String,
    list: String,
    member: &'a Member,
    kind: String,
    since: Html,
    marks: Vec<Html>,
    may_manage: bool,
    /// Whether whoever reads looks after its secrets.
    has_secrets: bool,
    /// Whether others do.
    is_elsewhere: bool,
    /// Whether it is a person who signs in here with a password.
    is_invited: bool,
    secrets: Vec<SecretRow>,
    revision: String,
    days: String,
    roles: Vec<Role>,
    done: Option<String>,
    refused: Refused,
}

impl MemberPage<'_> {
    fn words(&self, role: Role) -> String {
        role_words(self.shell.t, role)
    }
}

/// A secret without its value.
struct SecretRow {
    id: Uuid,
    made: Html,
    ends: Html,
    used: Option<Html>,
    is_over: bool,
}

/// The page that says what a removal ends.
#[derive(Template)]
#[template(path = "remove.html")]
pub(super) struct RemovePage {
    pub(super) shell: Shell,
    pub(super) title: String,
    /// What ends, each in a sentence.
    pub(super) ends: Vec<String>,
    pub(super) button: String,
    pub(super) back: String,
    pub(super) refused: Refused,
}

/// A member that is there.
struct MemberAt {
    at: CircleAt,
    member: Member,
}

impl MemberAt {
    async fn find(pages: &Pages, names: &RawPathParams, needs: circles::Needs) -> Result<Self, Box<Response>> {
        let at = circles::at(pages, names, needs)?;
        let id = Uuid::try_parse(circles::named(names, "member")).ok();
        let members: Vec<Member> =
            pages.api(&at.visitor).get(&at.circle.members()).await.map_err(|error| refused::page(&error))?;
        let member = members.into_iter().find(|member| Some(member.id) == id);
        let member = member.ok_or_else(|| circles::nothing(&super::reader::text().member_missing()))?;
        Ok(Self { at, member })
    }

    fn path(&self) -> String {
        format!("{}/{}", self.at.circle.page("access"), self.member.id)
    }

    /// Where the API has it.
    fn api(&self) -> String {
        format!("{}/{}", self.at.circle.members(), self.member.id)
    }

    fn has_secrets(&self) -> bool {
        self.member.kind == MemberKind::ServicePrincipal && self.member.issuer == BUILT_IN
    }
}

/// Who it is, and what may be changed.
pub(super) async fn show(State(pages): Shared, names: RawPathParams) -> Shown {
    shown(&pages, &names).await.unwrap_or_else(|refused| *refused).into()
}

async fn shown(pages: &Pages, names: &RawPathParams) -> Result<Response, Box<Response>> {
    let found = MemberAt::find(pages, names, TO_SEE).await?;
    page(pages, &found, None, Refused::default(), StatusCode::OK).await
}

/// Changes roles, adds a secret, or invites again.
pub(super) async fn change(State(pages): Shared, names: RawPathParams, request: Request<Body>) -> Shown {
    changed(&pages, &names, request).await.unwrap_or_else(|refused| *refused).into()
}

async fn changed(pages: &Pages, names: &RawPathParams, request: Request<Body>) -> Result<Response, Box<Response>> {
    let found = MemberAt::find(pages, names, TO_MANAGE).await?;
    let form = Form::read(request).await?;
    signed_in(&form)?;
    let (api, path) = (pages.api(&found.at.visitor), found.path());
    let t = super::reader::text();
    let revision = found.at.revision(pages).map_err(|error| Box::new(pages::not_now(&error)))?;
    // A form that is sent again, as by a reload, would make another secret; an old one would undo what somebody else has done.
    let may_lack_it = form.field("deed") == "roles" && form.field("revision").is_empty();
    if revision != form.field("revision") && !may_lack_it {
        let refused = Refused::own("", t.member_changed());
        return page(pages, &found, Some(&form), refused, StatusCode::CONFLICT).await;
    }
    let done = match form.field("deed") {
        "roles" => {
            let roles = NewRoles { roles: chosen(&form, &found.at.circle) };
            let set = api.send_json(Method::PUT, &found.api(), None, &roles).await;
            set.map(|_| pages::see(&format!("{path}?done=roles")))
        }
        "secret" => {
            let days = form.field("days").trim();
            let number = days.parse::<i64>().ok();
            if number.is_none() && !days.is_empty() {
                let refused = Refused::own("days", t.member_no_days());
                return page(pages, &found, Some(&form), refused, StatusCode::BAD_REQUEST).await;
            }
            let made = api.post(&format!("{}/secrets", found.api()), &SecretRequest { days: number }).await;
            made.and_then(|answer| answer.read::<NewSecret>())
                .map(|made| secret::of_program(pages, &found.at, &found.member, &made))
        }
        "invite" => {
            let made = api.send(Method::POST, &format!("{}/invitation", found.api()), None, Bytes::new()).await;
            made.and_then(|answer| answer.read::<Invitation>())
                .map(|made| secret::of_invitation(&found.at, &found.member, &made))
        }
        _ => Ok(pages::see(&path)),
    };
    match done {
        Ok(response) => Ok(response),
        Err(error) => page(pages, &found, Some(&form), Refused::of(&error), refused::status(&error)).await,
    }
}

async fn page(
    pages: &Pages,
    found: &MemberAt,
    form: Option<&Form>,
    refused: Refused,
    status: StatusCode,
) -> Result<Response, Box<Response>> {
    let shell = Shell::of(Room::Access);
    let (t, at, member) = (shell.t, &found.at, &found.member);
    let failed = |error: StoreError| Box::new(pages::not_now(&error));
    let may_manage = at.may(TO_MANAGE);
    let secrets = secrets(pages, at, member).await?;
    let sent = |deed: &str| form.filter(|form| form.field("deed") == deed);
    let template = MemberPage {
        circle: at.circle.name(t),
        path: found.path(),
        list: at.circle.page("access"),
        kind: kind_words(t, member.kind),
        since: shell.at(Moment::from_ticks(member.since.ticks())),
        marks: secrets.as_ref().map(|secrets| marks_of(&shell, secrets)).unwrap_or_default(),
        may_manage,
        is_elsewhere: may_manage && found.has_secrets() && secrets.is_none(),
        has_secrets: secrets.is_some(),
        is_invited: member.kind == MemberKind::User && member.issuer == BUILT_IN,
        secrets: secrets.iter().flatten().map(|secret| secret_row(&shell, secret)).collect(),
        revision: at.revision(pages).map_err(failed)?,
        days: sent("secret").map_or_else(|| "180".to_owned(), |form| form.field("days").to_owned()),
        roles: sent("roles").map_or_else(|| member.roles.clone(), |form| chosen(form, &at.circle)),
        done: match circles::was_done().as_str() {
            "roles" => Some(t.member_roles_set()),
            "secret-removed" => Some(t.member_secret_removed()),
            _ => None,
        },
        refused,
        member,
        at,
        shell,
    };
    Ok(pages::page(status, &template))
}

fn secret_row(shell: &Shell, secret: &Secret) -> SecretRow {
    let moment = |date: Date| Moment::from_ticks(date.ticks());
    SecretRow {
        id: secret.id,
        made: shell.at(moment(secret.made_at)),
        ends: shell.when(moment(secret.ends_at)),
        used: secret.used_at.map(|used| shell.when(moment(used))),
        is_over: moment(secret.ends_at) <= shell.now(),
    }
}

/// Says what ends with a removal: of the member, or of the secret that the query names.
pub(super) async fn ask(State(pages): Shared, names: RawPathParams, uri: Uri) -> Shown {
    let found = match MemberAt::find(&pages, &names, TO_MANAGE).await {
        Ok(found) => found,
        Err(refused) => return (*refused).into(),
    };
    asked(&found, &uri, Refused::default(), StatusCode::OK).into()
}

fn asked(found: &MemberAt, uri: &Uri, refused: Refused, status: StatusCode) -> Response {
    let shell = Shell::of(Room::Access);
    let (t, name) = (shell.t, found.member.name.as_str());
    let back = found.path();
    let template = match secret_of(uri) {
        Some(secret) => RemovePage {
            title: t.remove_secret_title(name),
            ends: vec![t.remove_secret_what(secret.to_string()), t.remove_secret_tokens()],
            button: t.remove_secret(),
            back,
            refused,
            shell,
        },
        None => RemovePage {
            title: t.remove_member_title(name, found.at.circle.name(t)),
            ends: vec![
                t.remove_member_roles(found.member.roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ")),
                if found.has_secrets() { t.remove_member_tokens() } else { t.remove_member_person() },
                t.remove_member_kept(),
            ],
            button: t.remove_member(),
            back,
            refused,
            shell,
        },
    };
    pages::page(status, &template)
}

fn secret_of(uri: &Uri) -> Option<Uuid> {
    query(uri).get("secret").map(|secret| Uuid::try_parse(secret).unwrap_or_default())
}

/// Removes it.
pub(super) async fn remove(State(pages): Shared, names: RawPathParams, request: Request<Body>) -> Shown {
    removed(&pages, &names, request).await.unwrap_or_else(|refused| *refused).into()
}

async fn removed(pages: &Pages, names: &RawPathParams, request: Request<Body>) -> Result<Response, Box<Response>> {
    let found = MemberAt::find(pages, names, TO_MANAGE).await?;
    let form = Form::read(request).await?;
    signed_in(&form)?;
    let (what, then) = match secret_of(&form.uri) {
        Some(secret) => (format!("{}/secrets/{secret}", found.api()), format!("{}?done=secret-removed", found.path())),
        None => (found.api(), format!("{}?done=removed", found.at.circle.page("access"))),
    };
    match pages.api(&found.at.visitor).send(Method::DELETE, &what, None, Bytes::new()).await {
        Ok(_) => Ok(pages::see(&then)),
        Err(error) => Ok(asked(&found, &form.uri, Refused::of(&error), refused::status(&error))),
    }
}

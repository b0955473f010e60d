//! The people and service principals of a circle: who is there, as what, when last, until when; and somebody is added.

use super::account::signed_in;
use super::circles::{self, Circle, CircleAt, TO_MANAGE, TO_SEE};
use super::forms::Form;
use super::pages::{self, Shown};
use super::refused::{self, Refused};
use super::secret;
use super::shell::{Html, Room, Shell};
use super::sign_in::query;
use super::states;
use super::text::Text;
use super::{Pages, Shared};
use crate::store::StoreError;
use api::access::{AddedMember, Member, MemberKind, NewMember, Role, Secret};
use api::dates::Date;
use api::errors::ErrorCode;
use api::state::Tone;
use askama::Template;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::{Request, StatusCode, Uri};
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::principal::BUILT_IN;
use uuid::Uuid;

/// How many members one page shows.
const PAGE: usize = 50;

const DAY_TICKS: i64 = 86_400 * TICKS_PER_SECOND;

/// After how many days without use a service principal stands out.
const UNUSED_DAYS: i64 = 90;

/// How many days before its end a secret stands out.
const SOON_DAYS: i64 = 30;

/// The list.
#[derive(Template)]
#[template(path = "access.html")]
struct AccessPage<'a> {
    shell: Shell,
    at: &'a CircleAt,
    name: String,
    path: String,
    rows: Vec<Row>,
    count: usize,
    may_manage: bool,
    page: usize,
    before: Option<String>,
    after: Option<String>,
    done: Option<String>,
    refused: Refused,
    form: Typed,
    revision: String,
    command: String,
}

impl AccessPage<'_> {
    fn words(&self, role: Role) -> String {
        role_words(self.shell.t, role)
    }

    /// The fields of somebody who is known by another issuer, or here: id, label, and what was typed.
    fn elsewhere(&self) -> [(&'static str, String, &str); 5] {
        let (t, typed) = (self.shell.t, &self.form);
        [
            ("issuer", t.access_issuer(), &typed.issuer),
            ("tenantId", t.access_tenant(), &typed.tenant),
            ("objectId", t.access_object(), &typed.object),
            ("applicationId", t.access_application(), &typed.application),
            ("id", t.access_known(), &typed.known),
        ]
    }
}

/// One member.
struct Row {
    address: String,
    name: String,
    mail: Option<String>,
    kind: String,
    roles: String,
    used: Option<Html>,
    /// What is said where no use is known.
    unused: String,
    marks: Vec<Html>,
    ends: Option<Html>,
}

/// What was typed into the form.
#[derive(Default)]
struct Typed {
    kind: String,
    name: String,
    mail: String,
    roles: Vec<Role>,
    issuer: String,
    tenant: String,
    object: String,
    application: String,
    known: String,
}

/// The roles that a circle has.
pub(super) fn roles_of(circle: &Circle) -> [Role; 3] {
    match circle {
        Circle::Publisher(_) => [Role::Owner, Role::Contributor, Role::Reader],
        Circle::Marketplace => [Role::Operator, Role::Reviewer, Role::Auditor],
    }
}

/// What a role may do, in words.
pub(super) fn role_words(t: Text, role: Role) -> String {
    match role {
        Role::Owner => t.role_owner(),
        Role::Contributor => t.role_contributor(),
        Role::Reader => t.role_reader(),
        Role::Operator => t.role_operator(),
        Role::Reviewer => t.role_reviewer(),
        Role::Auditor => t.role_auditor(),
    }
}

/// What a member is, in words.
pub(super) fn kind_words(t: Text, kind: MemberKind) -> String {
    match kind {
        MemberKind::User => t.access_person(),
        MemberKind::ServicePrincipal => t.access_program(),
    }
}

/// The roles that a form chose: of a publisher's one, of the marketplace's any.
pub(super) fn chosen(form: &Form, circle: &Circle) -> Vec<Role> {
    let is_chosen = |role: &Role| match circle {
        Circle::Publisher(_) => form.field("role") == role.word(),
        Circle::Marketplace => !form.field(&format!("role-{}", role.word())).is_empty(),
    };
    roles_of(circle).into_iter().filter(is_chosen).collect()
}

impl Typed {
    fn read(form: &Form, circle: &Circle) -> Self {
        let field = |name: &str| form.field(name).trim().to_owned();
        Self {
            kind: field("kind"),
            name: field("name"),
            mail: field("mail"),
            roles: chosen(form, circle),
            issuer: field("issuer"),
            tenant: field("tenantId"),
            object: field("objectId"),
            application: field("applicationId"),
            known: field("id"),
        }
    }

    /// What the API is sent.
    fn member(&self) -> Result<NewMember, Refused> {
        let t = super::reader::text();
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        if !self.known.is_empty() {
            let id = Uuid::try_parse(&self.known).map_err(|_| Refused::own("id", t.access_no_id()))?;
            return Ok(NewMember { id: Some(id), roles: self.roles.clone(), ..NewMember::default() });
        }
        let kinds = [MemberKind::User, MemberKind::ServicePrincipal];
        let kind = kinds.into_iter().find(|kind| kind.word() == self.kind);
        Ok(NewMember {
            id: None,
            kind,
            name: given(&self.name),
            // A program has none, and a form sends what was typed before the kind was changed.
            mail: given(&self.mail).filter(|_| kind == Some(MemberKind::User)),
            issuer: given(&self.issuer),
            tenant_id: given(&self.tenant),
            object_id: given(&self.object),
            application_id: given(&self.application),
            roles: self.roles.clone(),
        })
    }
}

/// Who is there.
pub(super) async fn show(State(pages): Shared, names: RawPathParams, uri: Uri) -> Shown {
    let at = match circles::at(&pages, &names, TO_SEE) {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    page(&pages, &at, &uri, Refused::default(), None, StatusCode::OK).await.unwrap_or_else(|refused| *refused).into()
}

/// Adds somebody.
pub(super) async fn add(State(pages): Shared, names: RawPathParams, request: Request<Body>) -> Shown {
    added(&pages, &names, request).await.unwrap_or_else(|refused| *refused).into()
}

async fn added(pages: &Pages, names: &RawPathParams, request: Request<Body>) -> Result<Response, Box<Response>> {
    let at = circles::at(pages, names, TO_MANAGE)?;
    let form = Form::read(request).await?;
    signed_in(&form)?;
    let typed = Typed::read(&form, &at.circle);
    let failed = |error: StoreError| Box::new(pages::not_now(&error));
    let new = match typed.member() {
        Ok(new) => new,
        Err(refused) => return page(pages, &at, &form.uri, refused, Some(typed), StatusCode::BAD_REQUEST).await,
    };
    if at.revision(pages).map_err(failed)? != form.field("revision") {
        let refused = Refused::own("", super::reader::text().access_changed());
        return page(pages, &at, &form.uri, refused, Some(typed), StatusCode::CONFLICT).await;
    }
    let answered = pages.api(&at.visitor).post(&at.circle.members(), &new).await;
    match answered.and_then(|answer| answer.read::<AddedMember>()) {
        Err(error) => page(pages, &at, &form.uri, Refused::of(&error), Some(typed), refused::status(&error)).await,
        Ok(AddedMember { member, secret: Some(made), .. }) => Ok(secret::of_program(pages, &at, &member, &made)),
        Ok(AddedMember { member, invitation: Some(made), .. }) => Ok(secret::of_invitation(&at, &member, &made)),
        Ok(_) => Ok(pages::see(&format!("{}?done=added", at.circle.page("access")))),
    }
}

async fn page(
    pages: &Pages,
    at: &CircleAt,
    uri: &Uri,
    refused: Refused,
    typed: Option<Typed>,
    status: StatusCode,
) -> Result<Response, Box<Response>> {
    let shell = Shell::of(Room::Access);
    let t = shell.t;
    let failed = |error: StoreError| Box::new(pages::not_now(&error));
    let members: Vec<Member> =
        pages.api(&at.visitor).get(&at.circle.members()).await.map_err(|error| refused::page(&error))?;
    let may_manage = at.may(TO_MANAGE);
    let asked = query(uri);
    let number: usize = asked.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 10_000);
    let path = at.circle.page("access");
    let first = (number - 1) * PAGE;
    let mut rows = Vec::new();
    for member in members.iter().skip(first).take(PAGE) {
        rows.push(row(pages, &shell, at, member, may_manage).await?);
    }
    let template = AccessPage {
        name: at.circle.name(t),
        rows,
        count: members.len(),
        may_manage,
        page: number,
        before: (number > 1).then(|| format!("{path}?page={}", number - 1)),
        after: (first + PAGE < members.len()).then(|| format!("{path}?page={}", number + 1)),
        done: match asked.get("done").map(String::as_str) {
            Some("added") => Some(t.access_added()),
            Some("removed") => Some(t.access_removed()),
            _ => None,
        },
        refused,
        form: typed.unwrap_or_else(|| Typed { kind: "user".into(), ..Typed::default() }),
        revision: at.revision(pages).map_err(failed)?,
        command: match at.circle.id() {
            Some(id) => format!("portolan access list --publisher {id}"),
            None => "portolan staff list".to_owned(),
        },
        path,
        at,
        shell,
    };
    Ok(pages::page(status, &template))
}

async fn row(
    pages: &Pages,
    shell: &Shell,
    at: &CircleAt,
    member: &Member,
    may_manage: bool,
) -> Result<Row, Box<Response>> {
    let t = shell.t;
    let moment = |date: Date| Moment::from_ticks(date.ticks());
    // Of a person nothing is told: when somebody was signed in is nobody's business but their own.
    let (mut used, mut ends, mut marks) = (None, None, Vec::new());
    if let Some(secrets) = secrets(pages, at, member).await?.filter(|_| may_manage) {
        used = secrets.iter().filter_map(|secret| secret.used_at.map(moment)).max();
        ends = secrets.iter().map(|secret| moment(secret.ends_at)).max();
        marks = marks_of(shell, &secrets);
    }
    Ok(Row {
        address: format!("{}/{}", at.circle.page("access"), member.id),
        name: member.name.clone(),
        mail: member.mail.clone(),
        kind: kind_words(t, member.kind),
        roles: member.roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", "),
        used: used.map(|moment: Moment| shell.when(moment)),
        unused: if ends.is_some() { t.member_never() } else { t.access_not_known() },
        ends: ends.map(|moment| shell.at(moment)),
        marks,
    })
}

/// The secrets of a service principal; nothing where it has none here, or they are not for whoever asks.
pub(super) async fn secrets(
    pages: &Pages,
    at: &CircleAt,
    member: &Member,
) -> Result<Option<Vec<Secret>>, Box<Response>> {
    let is_ours = member.kind == MemberKind::ServicePrincipal && member.issuer == BUILT_IN;
    if !is_ours || !at.may(TO_MANAGE) {
        return Ok(None);
    }
    match pages.api(&at.visitor).get(&format!("{}/{}/secrets", at.circle.members(), member.id)).await {
        Ok(secrets) => Ok(Some(secrets)),
        // It was made elsewhere, where they are looked after; or it has gone since the list was read.
        Err(error) if matches!(error.code, ErrorCode::Conflict | ErrorCode::NotFound) => Ok(None),
        Err(error) => Err(refused::page(&error)),
    }
}

/// What makes a service principal stand out: no secret that is good, one that ends soon, or nobody uses it.
pub(super) fn marks_of(shell: &Shell, secrets: &[Secret]) -> Vec<Html> {
    let (t, now) = (shell.t, shell.now());
    let moment = |date: Date| Moment::from_ticks(date.ticks());
    let mut marks = Vec::new();
    match secrets.iter().map(|secret| moment(secret.ends_at)).max() {
        None => marks.push(states::mark(Tone::Bad, &t.access_no_secret())),
        Some(ends) if ends <= now => marks.push(states::mark(Tone::Bad, &t.access_expired())),
        Some(ends) if ends.ticks() - now.ticks() <= SOON_DAYS * DAY_TICKS => {
            marks.push(states::mark(Tone::Waiting, &t.access_ends(shell.relative(ends))));
        }
        Some(_) => {}
    }
    let last = secrets.iter().filter_map(|secret| secret.used_at.map(moment)).max();
    let since: Option<Moment> = last.or_else(|| secrets.iter().map(|secret| moment(secret.made_at)).min());
    if let Some(since) = since {
        let days = (now.ticks() - since.ticks()) / DAY_TICKS;
        if days >= UNUSED_DAYS {
            marks.push(states::mark(Tone::Waiting, &t.access_unused(days)));
        }
    }
    marks
}

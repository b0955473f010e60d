//! Members of publishers and the marketplace's staff: who they are, what they may be, and their credentials.

use super::errors::Problem;
use super::request::{At, read_own};
use super::{Rooms, Shared, reply};
use crate::auth::{Authorised, AuthorisedStaff, Permission};
use crate::perform::{AccessRequest, Failure, Granted, Newcomer};
use crate::store::ClientSecret;
use crate::wire;
use api::access::{
    AddedMember, Invitation, Member as WireMember, MemberKind, NewMember, NewRoles, NewSecret, Secret, SecretRequest,
};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use publishing::access::AccessRefusal;
use publishing::principal::{BUILT_IN, Circle, Identity, Kind};
use uuid::Uuid;

/// In which circle a request happens, with the proof that it may.
enum In<'a> {
    Publisher(Authorised<'a>),
    Staff(AuthorisedStaff<'a>),
}

impl In<'_> {
    /// At the path's publisher.
    fn publisher<'a>(rooms: &Rooms, at: &'a At, permission: Permission) -> Result<In<'a>, Problem> {
        at.authorise(&rooms.read, permission).map(In::Publisher)
    }

    /// Among the marketplace's staff.
    fn staff(at: &At, permission: Permission) -> Result<In<'_>, Problem> {
        Ok(In::Staff(at.caller().authorise_marketplace(permission)?))
    }

    fn circle(&self) -> Circle {
        match self {
            Self::Publisher(by) => Circle::Publisher(by.publisher().clone()),
            Self::Staff(_) => Circle::Marketplace,
        }
    }

    fn by_operator(&self) -> bool {
        match self {
            Self::Publisher(by) => by.by_operator(),
            Self::Staff(_) => true,
        }
    }

    fn has_key(&self) -> bool {
        match self {
            Self::Publisher(by) => by.once(),
            Self::Staff(by) => by.once(),
        }
        .is_some()
    }

    async fn change(&self, rooms: &Rooms, request: AccessRequest) -> Result<Granted, Failure> {
        match self {
            Self::Publisher(by) => rooms.perform.change_members(by, request).await,
            Self::Staff(by) => rooms.perform.change_staff(by, request).await,
        }
    }
}

/// The members of a publisher.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/members", operation_id = "list_members", tag = "Access",
    params(("publisherId" = String, Path)), responses((status = 200, body = Vec<WireMember>)))]
pub(crate) async fn list_members(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    list(&rooms, &In::publisher(&rooms, &at, Permission::ReadMembers)?)
}

/// Makes somebody a member of a publisher.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/members", operation_id = "add_member", tag = "Access",
    params(("publisherId" = String, Path)), request_body = NewMember, responses((status = 201, body = AddedMember)))]
pub(crate) async fn add_member(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    add(&rooms, &In::publisher(&rooms, &at, Permission::ManageMembers)?, body).await
}

/// Gives a publisher's member another role.
#[utoipa::path(put, path = "/api/publishers/{publisherId}/members/{memberId}", operation_id = "set_member_roles", tag = "Access",
    params(("publisherId" = String, Path), ("memberId" = Uuid, Path)),
    request_body = NewRoles, responses((status = 200, body = WireMember)))]
pub(crate) async fn set_member_roles(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    let circle = In::publisher(&rooms, &at, Permission::ManageMembers)?;
    set_roles(&rooms, &circle, id(&at, 1)?, body).await
}

/// Makes a publisher's member none. The last owner stays.
#[utoipa::path(delete, path = "/api/publishers/{publisherId}/members/{memberId}", operation_id = "remove_member", tag = "Access",
    params(("publisherId" = String, Path), ("memberId" = Uuid, Path)), responses((status = 204, description = "Done.")))]
pub(crate) async fn remove_member(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let circle = In::publisher(&rooms, &at, Permission::ManageMembers)?;
    done(&rooms, &circle, AccessRequest::RemoveMember(id(&at, 1)?)).await
}

/// The secrets of a service principal that the publisher made, without their values.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/members/{memberId}/secrets", operation_id = "list_member_secrets", tag = "Access",
    params(("publisherId" = String, Path), ("memberId" = Uuid, Path)), responses((status = 200, body = Vec<Secret>)))]
pub(crate) async fn list_member_secrets(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    secrets(&rooms, &In::publisher(&rooms, &at, Permission::ManageMembers)?, id(&at, 1)?)
}

/// Gives a service principal another secret, which is shown this once.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/members/{memberId}/secrets", operation_id = "add_member_secret", tag = "Access",
    params(("publisherId" = String, Path), ("memberId" = Uuid, Path)),
    request_body = Option<SecretRequest>, responses((status = 201, body = NewSecret)))]
pub(crate) async fn add_member_secret(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    let circle = In::publisher(&rooms, &at, Permission::ManageMembers)?;
    add_secret(&rooms, &circle, id(&at, 1)?, body).await
}

/// Takes a secret away: no new tokens for it.
#[utoipa::path(delete, path = "/api/publishers/{publisherId}/members/{memberId}/secrets/{secretId}", operation_id = "remove_member_secret", tag = "Access",
    params(("publisherId" = String, Path), ("memberId" = Uuid, Path), ("secretId" = Uuid, Path)),
    responses((status = 204, description = "Done.")))]
pub(crate) async fn remove_member_secret(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let circle = In::publisher(&rooms, &at, Permission::ManageMembers)?;
    done(&rooms, &circle, AccessRequest::RemoveSecret { member: id(&at, 1)?, secret: id(&at, 2)? }).await
}

/// Invites a user again, who has not chosen a password yet; operators may do that for everyone.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/members/{memberId}/invitation", operation_id = "invite_member", tag = "Access",
    params(("publisherId" = String, Path), ("memberId" = Uuid, Path)), responses((status = 201, body = Invitation)))]
pub(crate) async fn invite_member(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    invite(&rooms, &In::publisher(&rooms, &at, Permission::ManageMembers)?, id(&at, 1)?).await
}

/// The marketplace's staff.
#[utoipa::path(get, path = "/api/staff", operation_id = "list_staff", tag = "Access",
    responses((status = 200, body = Vec<WireMember>)))]
pub(crate) async fn list_staff(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    list(&rooms, &In::staff(&at, Permission::ReadStaff)?)
}

/// Makes somebody staff. With the setup secret as token it makes the first operator.
#[utoipa::path(post, path = "/api/staff", operation_id = "add_staff", tag = "Access",
    request_body = NewMember, responses((status = 201, body = AddedMember)))]
pub(crate) async fn add_staff(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    add(&rooms, &In::Staff(at.caller().authorise_newcomer()?), body).await
}

/// Gives staff other roles.
#[utoipa::path(put, path = "/api/staff/{memberId}", operation_id = "set_staff_roles", tag = "Access",
    params(("memberId" = Uuid, Path)), request_body = NewRoles, responses((status = 200, body = WireMember)))]
pub(crate) async fn set_staff_roles(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    set_roles(&rooms, &In::staff(&at, Permission::ManageStaff)?, id(&at, 0)?, body).await
}

/// Takes somebody off the staff. The last operator stays.
#[utoipa::path(delete, path = "/api/staff/{memberId}", operation_id = "remove_staff", tag = "Access",
    params(("memberId" = Uuid, Path)), responses((status = 204, description = "Done.")))]
pub(crate) async fn remove_staff(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    done(&rooms, &In::staff(&at, Permission::ManageStaff)?, AccessRequest::RemoveMember(id(&at, 0)?)).await
}

/// The secrets of a service principal of the marketplace, without their values.
#[utoipa::path(get, path = "/api/staff/{memberId}/secrets", operation_id = "list_staff_secrets", tag = "Access",
    params(("memberId" = Uuid, Path)), responses((status = 200, body = Vec<Secret>)))]
pub(crate) async fn list_staff_secrets(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    secrets(&rooms, &In::staff(&at, Permission::ManageStaff)?, id(&at, 0)?)
}

/// Gives a service principal of the marketplace another secret, which is shown this once.
#[utoipa::path(post, path = "/api/staff/{memberId}/secrets", operation_id = "add_staff_secret", tag = "Access",
    params(("memberId" = Uuid, Path)), request_body = Option<SecretRequest>, responses((status = 201, body = NewSecret)))]
pub(crate) async fn add_staff_secret(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    add_secret(&rooms, &In::staff(&at, Permission::ManageStaff)?, id(&at, 0)?, body).await
}

/// Takes a secret of the marketplace's away: no new tokens for it.
#[utoipa::path(delete, path = "/api/staff/{memberId}/secrets/{secretId}", operation_id = "remove_staff_secret", tag = "Access",
    params(("memberId" = Uuid, Path), ("secretId" = Uuid, Path)), responses((status = 204, description = "Done.")))]
pub(crate) async fn remove_staff_secret(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let circle = In::staff(&at, Permission::ManageStaff)?;
    done(&rooms, &circle, AccessRequest::RemoveSecret { member: id(&at, 0)?, secret: id(&at, 1)? }).await
}

/// Invites staff again to choose a password.
#[utoipa::path(post, path = "/api/staff/{memberId}/invitation", operation_id = "invite_staff", tag = "Access",
    params(("memberId" = Uuid, Path)), responses((status = 201, body = Invitation)))]
pub(crate) async fn invite_staff(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    invite(&rooms, &In::staff(&at, Permission::ManageStaff)?, id(&at, 0)?).await
}

fn list(rooms: &Rooms, circle: &In<'_>) -> Result<Response, Problem> {
    let members = rooms.read.circle(&circle.circle())?.map(|stored| stored.members).unwrap_or_default();
    Ok(reply::json(StatusCode::OK, &members.iter().map(wire::member).collect::<Vec<_>>()))
}

async fn add(rooms: &Rooms, circle: &In<'_>, body: Body) -> Result<Response, Problem> {
    let new: NewMember = read_own(body).await?;
    let request = AccessRequest::AddMember { roles: wire::roles(&new.roles), newcomer: newcomer(rooms, new)? };
    let granted = circle.change(rooms, request).await?;
    let added = AddedMember {
        member: changed(&granted)?,
        secret: granted.secret.as_ref().map(|(secret, value)| new_secret(secret, value.reveal())),
        invitation: invitation(rooms, &granted),
    };
    Ok(reply::json(StatusCode::CREATED, &added))
}

async fn set_roles(rooms: &Rooms, circle: &In<'_>, who: Uuid, body: Body) -> Result<Response, Problem> {
    find(rooms, circle, who)?;
    let new: NewRoles = read_own(body).await?;
    let granted = circle.change(rooms, AccessRequest::SetRoles { member: who, roles: wire::roles(&new.roles) }).await?;
    Ok(reply::json(StatusCode::OK, &changed(&granted)?))
}

/// The member that a change was about. What is stored by now may be another story.
fn changed(granted: &Granted) -> Result<WireMember, Problem> {
    granted.member.as_ref().map(wire::member).ok_or_else(|| Problem::internal(&"a change of a member was about none"))
}

fn secrets(rooms: &Rooms, circle: &In<'_>, who: Uuid) -> Result<Response, Problem> {
    let home = rooms.read.circle(&circle.circle())?.and_then(|stored| {
        let known = stored.members.into_iter().find(|member| member.principal.id == who);
        known.map(|member| member.principal.home)
    });
    let home = home.ok_or(AccessRefusal::MemberMissing)?;
    if home.name() != circle.circle().name() && !circle.by_operator() {
        let message = "This member was made elsewhere, and its secrets are listed there. Ask its owners.";
        return Err(AccessRefusal::Conflict(message.to_owned()).into());
    }
    let secrets = rooms.read.secrets(who)?;
    let shown = secrets.iter().map(|secret| Secret {
        id: secret.id,
        made_at: wire::date(secret.made_at),
        ends_at: wire::date(secret.ends_at),
        used_at: secret.used_at.map(wire::date),
    });
    Ok(reply::json(StatusCode::OK, &shown.collect::<Vec<_>>()))
}

async fn add_secret(rooms: &Rooms, circle: &In<'_>, who: Uuid, body: Body) -> Result<Response, Problem> {
    // With a key it may have been done before, when the member was still there.
    if !circle.has_key() {
        find(rooms, circle, who)?;
    }
    let SecretRequest { days } = super::request::read_own_or_nothing(body).await?;
    let granted = circle.change(rooms, AccessRequest::AddSecret { member: who, days }).await?;
    let (secret, value) = granted.secret.ok_or_else(|| Problem::internal(&"no secret was made"))?;
    Ok(reply::json(StatusCode::CREATED, &new_secret(&secret, value.reveal())))
}

async fn invite(rooms: &Rooms, circle: &In<'_>, who: Uuid) -> Result<Response, Problem> {
    let granted = circle.change(rooms, AccessRequest::Invite(who)).await?;
    let made = invitation(rooms, &granted).ok_or_else(|| Problem::internal(&"no invitation was made"))?;
    Ok(reply::json(StatusCode::CREATED, &made))
}

async fn done(rooms: &Rooms, circle: &In<'_>, request: AccessRequest) -> Result<Response, Problem> {
    circle.change(rooms, request).await?;
    Ok(reply::with_body(StatusCode::NO_CONTENT, Body::empty()))
}

fn find(rooms: &Rooms, circle: &In<'_>, who: Uuid) -> Result<WireMember, Problem> {
    let members = rooms.read.circle(&circle.circle())?.map(|stored| stored.members).unwrap_or_default();
    let found = members.iter().find(|member| member.principal.id == who).map(wire::member);
    found.ok_or_else(|| Failure::from(AccessRefusal::MemberMissing).into())
}

/// The id at this place among the path's parameters.
fn id(at: &At, place: usize) -> Result<Uuid, Problem> {
    let not_one = |_| {
        Problem::not_found(format!(
            "{:?} in the path is no id. List the members, or their secrets, to see the ids.",
            super::request::shown(at.name(place))
        ))
    };
    Uuid::try_parse(at.name(place)).map_err(not_one)
}

fn newcomer(rooms: &Rooms, new: NewMember) -> Result<Newcomer, Problem> {
    let NewMember { id, kind, name, mail, issuer, tenant_id, object_id, application_id, roles: _ } = new;
    if let Some(id) = id {
        let described = kind.is_some()
            || [&name, &mail, &issuer, &tenant_id, &object_id, &application_id].into_iter().any(Option::is_some);
        if described {
            return Err(Problem::bad_request("/id", "Beside id there is a description. Send one of the two."));
        }
        return Ok(Newcomer::Known(id));
    }
    let wanted = |target, message: &str| Problem::bad_request(target, message);
    let kind = kind.ok_or_else(|| wanted("/kind", "Say what the member is: \"user\" or \"servicePrincipal\"."))?;
    let name = name.ok_or_else(|| wanted("/name", "Give the member a name for people."))?;
    let identity = match issuer.filter(|issuer| issuer != BUILT_IN) {
        None if object_id.is_some() || tenant_id.is_some() || application_id.is_some() => {
            return Err(wanted(
                "/issuer",
                "Name the issuer that knows this object id, tenant id or application id; the built-in one makes its own.",
            ));
        }
        None if rooms.issuer.is_none() => {
            return Err(wanted(
                "/issuer",
                "The built-in issuer is switched off. Name the issuer that the member gets its tokens from.",
            ));
        }
        None => None,
        Some(issuer) => {
            if !rooms.issuers.contains(&issuer) {
                let known = rooms.issuers.join(", ");
                return Err(wanted(
                    "/issuer",
                    &format!("There is no issuer of this name in the settings. There are: {known}."),
                ));
            }
            for (target, text) in
                [("/tenantId", &tenant_id), ("/objectId", &object_id), ("/applicationId", &application_id)]
            {
                let long = |text: &String| text.len() > 256 || text.chars().any(char::is_control);
                if text.as_ref().is_some_and(long) {
                    return Err(wanted(target, "This has at most 256 bytes, none of them a control character."));
                }
            }
            let subject = object_id.filter(|id| !id.is_empty());
            let subject = subject
                .ok_or_else(|| wanted("/objectId", "Give the member's object id (or subject) at that issuer."))?;
            let tenant = tenant_id.unwrap_or_default();
            // As tokens are read: a GUID in lower case.
            let is_guid = tenant.len() == 36 && Uuid::try_parse(&tenant).is_ok();
            let tenant = if is_guid { tenant.to_ascii_lowercase() } else { tenant };
            Some(Identity { issuer, tenant, subject })
        }
    };
    let kind = match kind {
        MemberKind::User => Kind::User,
        MemberKind::ServicePrincipal => Kind::ServicePrincipal,
    };
    Ok(Newcomer::Described { kind, name, mail, identity, application: application_id })
}

fn new_secret(secret: &ClientSecret, value: &str) -> NewSecret {
    NewSecret { id: secret.id, value: value.to_owned(), ends_at: wire::date(secret.ends_at) }
}

fn invitation(rooms: &Rooms, granted: &Granted) -> Option<Invitation> {
    let (ends_at, code) = granted.invitation.as_ref()?;
    let page = format!("{}/invitation", rooms.public_url);
    Some(Invitation { page, code: code.reveal().to_owned(), ends_at: wire::date(*ends_at) })
}

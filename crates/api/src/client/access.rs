//! The typed client's calls about who may what: members of publishers, staff, and their credentials.

use super::{Client, ClientError};
use crate::access::{AddedMember, Invitation, Member, NewMember, NewRoles, NewSecret, Secret, SecretRequest};
use crate::paths::segment;
use reqwest::Method;
use uuid::Uuid;

impl Client {
    /// The members of a publisher.
    pub async fn list_members(&self, publisher: &str) -> Result<Vec<Member>, ClientError> {
        self.read(self.request(Method::GET, &members(publisher, ""))).await
    }

    /// Makes somebody a member of a publisher.
    pub async fn add_member(&self, publisher: &str, new: &NewMember) -> Result<AddedMember, ClientError> {
        self.read(self.request(Method::POST, &members(publisher, "")).json(new)).await
    }

    /// Gives a publisher's member another role.
    pub async fn set_member_roles(
        &self,
        publisher: &str,
        member: Uuid,
        roles: &NewRoles,
    ) -> Result<Member, ClientError> {
        self.read(self.request(Method::PUT, &members(publisher, &format!("/{member}"))).json(roles)).await
    }

    /// Makes a publisher's member none. The last owner stays.
    pub async fn remove_member(&self, publisher: &str, member: Uuid) -> Result<(), ClientError> {
        self.started(self.request(Method::DELETE, &members(publisher, &format!("/{member}")))).await.map(drop)
    }

    /// The secrets of a service principal that the publisher made, without their values.
    pub async fn list_member_secrets(&self, publisher: &str, member: Uuid) -> Result<Vec<Secret>, ClientError> {
        self.read(self.request(Method::GET, &members(publisher, &format!("/{member}/secrets")))).await
    }

    /// Gives a service principal another secret, which is shown this once.
    pub async fn add_member_secret(
        &self,
        publisher: &str,
        member: Uuid,
        request: &SecretRequest,
    ) -> Result<NewSecret, ClientError> {
        self.read(self.request(Method::POST, &members(publisher, &format!("/{member}/secrets"))).json(request)).await
    }

    /// Takes a secret away: no new tokens for it.
    pub async fn remove_member_secret(&self, publisher: &str, member: Uuid, secret: Uuid) -> Result<(), ClientError> {
        self.started(self.request(Method::DELETE, &members(publisher, &format!("/{member}/secrets/{secret}"))))
            .await
            .map(drop)
    }

    /// Invites a user again, who has not chosen a password yet; operators may do that for everyone.
    pub async fn invite_member(&self, publisher: &str, member: Uuid) -> Result<Invitation, ClientError> {
        self.read(self.request(Method::POST, &members(publisher, &format!("/{member}/invitation")))).await
    }

    /// The marketplace's staff.
    pub async fn list_staff(&self) -> Result<Vec<Member>, ClientError> {
        self.read(self.request(Method::GET, "/api/staff")).await
    }

    /// Makes somebody staff. With the setup secret as token it makes the first operator.
    pub async fn add_staff(&self, new: &NewMember) -> Result<AddedMember, ClientError> {
        self.read(self.request(Method::POST, "/api/staff").json(new)).await
    }

    /// Gives staff other roles.
    pub async fn set_staff_roles(&self, member: Uuid, roles: &NewRoles) -> Result<Member, ClientError> {
        self.read(self.request(Method::PUT, &format!("/api/staff/{member}")).json(roles)).await
    }

    /// Takes somebody off the staff. The last operator stays.
    pub async fn remove_staff(&self, member: Uuid) -> Result<(), ClientError> {
        self.started(self.request(Method::DELETE, &format!("/api/staff/{member}"))).await.map(drop)
    }

    /// The secrets of a service principal of the marketplace, without their values.
    pub async fn list_staff_secrets(&self, member: Uuid) -> Result<Vec<Secret>, ClientError> {
        self.read(self.request(Method::GET, &format!("/api/staff/{member}/secrets"))).await
    }

    /// Gives a service principal of the marketplace another secret, which is shown this once.
    pub async fn add_staff_secret(&self, member: Uuid, request: &SecretRequest) -> Result<NewSecret, ClientError> {
        self.read(self.request(Method::POST, &format!("/api/staff/{member}/secrets")).json(request)).await
    }

    /// Takes a secret of the marketplace's away: no new tokens for it.
    pub async fn remove_staff_secret(&self, member: Uuid, secret: Uuid) -> Result<(), ClientError> {
        self.started(self.request(Method::DELETE, &format!("/api/staff/{member}/secrets/{secret}"))).await.map(drop)
    }

    /// Invites staff again to choose a password.
    pub async fn invite_staff(&self, member: Uuid) -> Result<Invitation, ClientError> {
        self.read(self.request(Method::POST, &format!("/api/staff/{member}/invitation"))).await
    }
}

fn members(publisher: &str, rest: &str) -> String {
    format!("/api/publishers/{}/members{rest}", segment(publisher))
}

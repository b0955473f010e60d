//! The demo's people: who signs in with a browser, by a link that is printed.

use super::{PUBLISHER, founder};
use crate::auth::{Permission, Role, Sessions};
use crate::perform::{AccessRequest, Newcomer, Perform};
use anyhow::{Context, Result, anyhow};
use publishing::offer::PublisherId;
use publishing::principal::{Kind, Principal};

/// Who there is.
#[derive(Clone, Debug)]
pub struct People {
    /// An owner of the publisher.
    pub owner: Principal,
    /// A reviewer, who is no member of the publisher.
    pub reviewer: Principal,
    /// An operator of the marketplace.
    pub operator: Principal,
}

/// A name and a mail address for each: owner, reviewer, operator.
pub type Names<'a> = [(&'a str, &'a str); 3];

/// The demo's.
pub const NAMES: Names<'static> = [
    ("Ada Sailor", "ada@contoso.example"),
    ("Kim Novak", "kim@marketplace.example"),
    ("Olga Petrova", "olga@marketplace.example"),
];

/// Makes the people, who have no passwords.
///
/// # Errors
/// Where somebody is refused that should not be.
pub async fn people(perform: &Perform, [owner, reviewer, operator]: &Names<'_>) -> Result<People> {
    let owner = person(owner, Role::Owner);
    let founder = founder();
    let id = PublisherId::parse(PUBLISHER).context("the demo's publisher id")?;
    let at = founder.authorise_staff(id, Permission::ManageMembers).map_err(|_| anyhow!("no operator"))?;
    let owner = perform.change_members(&at, owner).await?.principal.context("nobody was added")?;
    let by = founder.authorise_marketplace(Permission::ManageStaff).map_err(|_| anyhow!("no operator"))?;
    let reviewer = person(reviewer, Role::Reviewer);
    let reviewer = perform.change_staff(&by, reviewer).await?.principal.context("nobody was added")?;
    let operator = person(operator, Role::Operator);
    let operator = perform.change_staff(&by, operator).await?.principal.context("nobody was added")?;
    Ok(People { owner, reviewer, operator })
}

fn person((name, mail): &(&str, &str), role: Role) -> AccessRequest {
    let newcomer = Newcomer::Described {
        kind: Kind::User,
        name: (*name).to_owned(),
        mail: Some((*mail).to_owned()),
        identity: None,
        application: None,
    };
    AccessRequest::AddMember { newcomer, roles: [role].into() }
}

impl People {
    /// The addresses that sign each of them in, at a service that is seen at `public_url`: owner, reviewer, operator.
    ///
    /// # Errors
    /// Where there is no randomness.
    pub fn links(&self, sessions: &Sessions, public_url: &str) -> Result<[String; 3]> {
        let link = |person: &Principal| -> Result<String> {
            Ok(format!("{public_url}/sign-in/link?code={}", sessions.link(person.id)?))
        };
        Ok([link(&self.owner)?, link(&self.reviewer)?, link(&self.operator)?])
    }
}

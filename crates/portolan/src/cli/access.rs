//! `portolan access`: the members of a publisher, their roles and credentials.

use super::Run;
use super::circle::Circle;
use super::confirm::Confirm;
use super::exit::Exit;
use super::newcomer::Newcomer;
use super::session::Session;
use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

/// What a member of a publisher may be.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Role {
    /// May do everything the publisher can.
    Owner,
    /// May write and publish.
    Contributor,
    /// May look.
    Reader,
}

impl From<Role> for api::access::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Contributor => Self::Contributor,
            Role::Reader => Self::Reader,
        }
    }
}

/// What to do with a publisher's members.
#[derive(Debug, Args)]
pub struct Access {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the members, with their roles.
    ///
    /// Example: portolan access list
    List,
    /// Make somebody a member. A program gets its first secret, a person an invitation.
    ///
    /// Example: portolan access add --role owner --user "Jane Doe" --mail jane@contoso.example
    ///
    /// Example: portolan access add --role contributor --service-principal build > build.env
    ///
    /// Example: portolan access add --role reader --user Jo --issuer entra --tenant-id 72f988bf-86f1-41af-91ab-2d7cd011db47 --object-id 7e4a0c1d-2b1f-4a53-9d55-7c1f0f6a7b11
    Add {
        /// What they shall be.
        #[arg(long)]
        role: Role,
        /// Who.
        #[command(flatten)]
        newcomer: Newcomer,
    },
    /// Give a member another role.
    ///
    /// Example: portolan access role jane@contoso.example reader
    Role {
        /// Who.
        #[command(flatten)]
        member: Of,
        /// What they shall be from now on.
        role: Role,
    },
    /// Make a member none. The last owner stays.
    ///
    /// Example: portolan access remove "Jane Doe"
    Remove {
        /// Who.
        #[command(flatten)]
        member: Of,
        /// Whether to ask.
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Invite a person again, who has not chosen a password yet; operators may do that for everyone.
    ///
    /// Example: portolan access invite jane@contoso.example
    Invite {
        /// Whom.
        #[command(flatten)]
        member: Of,
    },
    /// The secrets of a program.
    ///
    /// Example: portolan access secret list build
    #[command(subcommand)]
    Secret(Secret),
}

#[derive(Debug, Subcommand)]
enum Secret {
    /// List a program's secrets, without their values.
    ///
    /// Example: portolan access secret list build
    List {
        /// Whose.
        #[command(flatten)]
        member: Of,
    },
    /// Give a program another secret, which is shown this once.
    ///
    /// Example: portolan access secret add build --days 90 > build.env
    Add {
        /// Whose.
        #[command(flatten)]
        member: Of,
        /// For how many days, 1 to 730; 180 where nothing is said.
        #[arg(long)]
        days: Option<i64>,
    },
    /// Take a secret away: no new tokens for it.
    ///
    /// Example: portolan access secret remove build 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50
    Remove {
        /// Whose.
        #[command(flatten)]
        member: Of,
        /// The secret's id, as `portolan access secret list` shows it.
        secret: Uuid,
        /// Whether to ask.
        #[command(flatten)]
        confirm: Confirm,
    },
}

/// A member of a publisher.
#[derive(Debug, Args)]
struct Of {
    /// The member's id, or its name or mail address where only one member has it.
    member: String,
}

impl Run for Access {
    async fn run(self, session: &Session) -> Result<Exit> {
        let circle = Circle::Publisher(session.publisher(&session.client()?).await?);
        match self.what {
            What::List => circle.list(session).await,
            What::Add { role, newcomer } => newcomer.add(session, &circle, vec![role.into()]).await,
            What::Role { member, role } => circle.set_roles(session, &member.member, vec![role.into()]).await,
            What::Remove { member, confirm } => circle.remove(session, &member.member, &confirm).await,
            What::Invite { member } => circle.invite(session, &member.member).await,
            What::Secret(Secret::List { member }) => circle.list_secrets(session, &member.member).await,
            What::Secret(Secret::Add { member, days }) => circle.add_secret(session, &member.member, days).await,
            What::Secret(Secret::Remove { member, secret, confirm }) => {
                circle.remove_secret(session, &member.member, secret, &confirm).await
            }
        }?;
        Ok(Exit::Done)
    }
}

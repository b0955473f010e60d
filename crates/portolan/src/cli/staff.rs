//! `portolan staff`: who runs the marketplace, their roles and credentials.

use super::Run;
use super::circle::Circle;
use super::confirm::Confirm;
use super::exit::Exit;
use super::newcomer::Newcomer;
use super::session::Session;
use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

/// What staff may be.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Role {
    /// Runs the marketplace.
    Operator,
    /// Decides reviews.
    Reviewer,
    /// Looks at what was done.
    Auditor,
}

impl From<Role> for api::access::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Operator => Self::Operator,
            Role::Reviewer => Self::Reviewer,
            Role::Auditor => Self::Auditor,
        }
    }
}

/// What to do with the marketplace's staff.
#[derive(Debug, Args)]
pub struct Staff {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the staff, with their roles.
    ///
    /// Example: portolan staff list
    List,
    /// Make somebody staff. A program gets its first secret, a person an invitation.
    ///
    /// With the setup secret as PORTOLAN_TOKEN it makes the first operator.
    ///
    /// Example: portolan staff add --role operator --role reviewer --service-principal admin > operator.env
    ///
    /// Example: portolan staff add --role reviewer --user "Jane Doe" --mail jane@portolan.example
    Add {
        /// What they shall be; may be given several times.
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<Role>,
        /// Who.
        #[command(flatten)]
        newcomer: Newcomer,
    },
    /// Give staff other roles.
    ///
    /// Example: portolan staff role jane@portolan.example operator reviewer
    Role {
        /// The member's id, or its name or mail address where only one member has it.
        member: String,
        /// What they shall be from now on.
        #[arg(required = true, value_name = "ROLE")]
        roles: Vec<Role>,
    },
    /// Take somebody off the staff. The last operator stays.
    ///
    /// Example: portolan staff remove "Jane Doe"
    Remove {
        /// The member's id, or its name or mail address where only one member has it.
        member: String,
        /// Whether to ask.
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Invite a person again to choose a password.
    ///
    /// Example: portolan staff invite jane@portolan.example
    Invite {
        /// The member's id, or its name or mail address where only one member has it.
        member: String,
    },
    /// The secrets of a program.
    ///
    /// Example: portolan staff secret list admin
    #[command(subcommand)]
    Secret(Secret),
}

#[derive(Debug, Subcommand)]
enum Secret {
    /// List a program's secrets, without their values.
    ///
    /// Example: portolan staff secret list admin
    List {
        /// The member's id, or its name where only one member has it.
        member: String,
    },
    /// Give a program another secret, which is shown this once.
    ///
    /// Example: portolan staff secret add admin --days 90 > operator.env
    Add {
        /// The member's id, or its name where only one member has it.
        member: String,
        /// For how many days, 1 to 730; 180 where nothing is said.
        #[arg(long)]
        days: Option<i64>,
    },
    /// Take a secret away: no new tokens for it.
    ///
    /// Example: portolan staff secret remove admin 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50
    Remove {
        /// The member's id, or its name where only one member has it.
        member: String,
        /// The secret's id, as `portolan staff secret list` shows it.
        secret: Uuid,
        /// Whether to ask.
        #[command(flatten)]
        confirm: Confirm,
    },
}

impl Run for Staff {
    async fn run(self, session: &Session) -> Result<Exit> {
        let circle = Circle::Staff;
        match self.what {
            What::List => circle.list(session).await,
            What::Add { roles, newcomer } => newcomer.add(session, &circle, wire(&roles)).await,
            What::Role { member, roles } => circle.set_roles(session, &member, wire(&roles)).await,
            What::Remove { member, confirm } => circle.remove(session, &member, &confirm).await,
            What::Invite { member } => circle.invite(session, &member).await,
            What::Secret(Secret::List { member }) => circle.list_secrets(session, &member).await,
            What::Secret(Secret::Add { member, days }) => circle.add_secret(session, &member, days).await,
            What::Secret(Secret::Remove { member, secret, confirm }) => {
                circle.remove_secret(session, &member, secret, &confirm).await
            }
        }?;
        Ok(Exit::Done)
    }
}

fn wire(roles: &[Role]) -> Vec<api::access::Role> {
    roles.iter().map(|role| (*role).into()).collect()
}

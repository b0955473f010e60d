//! Who may what: the one table.

pub use publishing::principal::Role;

/// Something a caller may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read offers, their status and their submissions.
    Read,
    /// Save drafts.
    SaveDraft,
    /// Publish.
    Publish,
    /// Go live.
    GoLive,
    /// Cancel.
    Cancel,
    /// See how far the delivery of an offer's leads has come.
    ReadLeads,
    /// See who is a member of a publisher.
    ReadMembers,
    /// Add and remove a publisher's members, change their roles, and manage the credentials of those it made.
    ManageMembers,
    /// Read who did what: to offers, and to who may what.
    ReadAudit,
    /// Manage webhooks: who is told by them what happens to offers.
    ManageNotifications,
    /// See what waits for a reviewer, and give verdicts.
    Review,
    /// Create publishers.
    CreatePublisher,
    /// See who is staff.
    ReadStaff,
    /// Add and remove staff, and manage their credentials.
    ManageStaff,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 14] = [
        Self::Read,
        Self::SaveDraft,
        Self::Publish,
        Self::GoLive,
        Self::Cancel,
        Self::ReadLeads,
        Self::ReadMembers,
        Self::ManageMembers,
        Self::ReadAudit,
        Self::ManageNotifications,
        Self::Review,
        Self::CreatePublisher,
        Self::ReadStaff,
        Self::ManageStaff,
    ];

    /// The roles that have it: members' at their own publisher, staff's at every publisher and in the marketplace.
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Auditor, Contributor, Operator, Owner, Reader, Reviewer};
        match self {
            Self::Read => &[Owner, Contributor, Reader, Operator, Reviewer, Auditor],
            Self::SaveDraft | Self::Publish | Self::GoLive | Self::Cancel => &[Owner, Contributor],
            // They are about the publisher's customers, who are nobody else's.
            Self::ReadLeads => &[Owner, Contributor],
            Self::ReadMembers => &[Owner, Contributor, Reader, Operator, Auditor],
            Self::ManageMembers => &[Owner, Operator],
            Self::ReadAudit => &[Owner, Operator, Auditor],
            Self::ManageNotifications => &[Owner, Contributor, Operator],
            Self::Review => &[Operator, Reviewer],
            Self::CreatePublisher | Self::ManageStaff => &[Operator],
            Self::ReadStaff => &[Operator, Auditor],
        }
    }

    /// Whether the role has it.
    pub fn is_of(self, role: Role) -> bool {
        self.roles().contains(&role)
    }

    /// What it allows, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Read => "read offers, their status and submissions",
            Self::SaveDraft => "save drafts",
            Self::Publish => "publish",
            Self::GoLive => "go live",
            Self::Cancel => "cancel",
            Self::ReadLeads => "see how far the delivery of leads has come",
            Self::ReadMembers => "see the members of a publisher",
            Self::ManageMembers => "manage the members of a publisher, and the credentials of those it made",
            Self::ReadAudit => "read the audit: who did what",
            Self::ManageNotifications => "manage webhooks",
            Self::Review => "see what waits for a reviewer, and give verdicts",
            Self::CreatePublisher => "create publishers",
            Self::ReadStaff => "see the staff",
            Self::ManageStaff => "manage the staff and its credentials",
        }
    }
}

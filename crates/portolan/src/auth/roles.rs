//! Who may what: the one table.

/// Something a caller may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read offers, their status and their history.
    Read,
    /// Save drafts.
    SaveDraft,
    /// Publish.
    Publish,
    /// Go live.
    GoLive,
    /// Cancel.
    Cancel,
    /// See what waits for a reviewer, and give verdicts.
    Review,
}

/// A member's role at a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// May do everything the publisher can.
    Owner,
    /// May write and publish.
    Contributor,
    /// May look.
    Reader,
}

/// A role in the marketplace, across publishers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarketplaceRole {
    /// Runs the service.
    Operator,
    /// Decides reviews.
    Reviewer,
    /// Looks at what was done.
    Auditor,
}

impl Role {
    /// Whether the role allows it, at its own publisher.
    pub const fn allows(self, permission: Permission) -> bool {
        match (self, permission) {
            (
                Self::Owner | Self::Contributor,
                Permission::Read
                | Permission::SaveDraft
                | Permission::Publish
                | Permission::GoLive
                | Permission::Cancel,
            )
            | (Self::Reader, Permission::Read) => true,
            (Self::Reader, Permission::SaveDraft | Permission::Publish | Permission::GoLive | Permission::Cancel)
            | (Self::Owner | Self::Contributor | Self::Reader, Permission::Review) => false,
        }
    }
}

impl MarketplaceRole {
    /// Whether the role allows it, at any publisher.
    pub const fn allows(self, permission: Permission) -> bool {
        match (self, permission) {
            (Self::Operator | Self::Reviewer, Permission::Review) => true,
            (Self::Auditor, Permission::Review)
            | (
                Self::Operator | Self::Reviewer | Self::Auditor,
                Permission::Read
                | Permission::SaveDraft
                | Permission::Publish
                | Permission::GoLive
                | Permission::Cancel,
            ) => false,
        }
    }
}

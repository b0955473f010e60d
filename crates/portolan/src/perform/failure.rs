//! Why a command was not performed: the rules, the roles, or the store said no.

use crate::auth::PasswordFault;
use crate::store::{KEPT_DAYS, StoreError};
use publishing::access::AccessRefusal;
use publishing::lead::LeadRefusal;
use publishing::refusal::Refusal;
use publishing::webhook::SubscriptionRefusal;
use thiserror::Error;

/// Why a command was not performed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// The rules said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules of access said no.
    #[error(transparent)]
    Access(#[from] AccessRefusal),
    /// A lead is not taken.
    #[error(transparent)]
    Lead(#[from] LeadRefusal),
    /// A subscription cannot be so, or is not there.
    #[error(transparent)]
    Subscription(#[from] SubscriptionRefusal),
    /// The password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordFault),
    /// The caller may not.
    #[error("the caller may not do this")]
    Forbidden,
    /// The caller is a member of the publisher whose offer is reviewed.
    #[error("the caller belongs to the publisher")]
    OwnPublisher,
    /// The caller has used the key in this header for another request.
    #[error(
        "This {0} was used for another request in the last {KEPT_DAYS} days. Send a key of its own with each request, and the same request with the same key."
    )]
    KeyUsed(&'static str),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

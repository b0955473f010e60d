//! Who is asking, and what they may do.

mod caller;
mod claims;
mod compact;
mod denials;
mod fetch;
mod gate;
mod issuers;
mod keys;
mod once;
mod passwords;
mod provider;
mod remote_keys;
mod roles;
mod sessions;
mod trusted;
mod verified;

pub use caller::{Authorised, AuthorisedStaff, Caller, Forbidden};
pub use claims::is_unseen;
pub(crate) use denials::EXPIRED;
pub use denials::{NotVerified, Unauthenticated};
pub use gate::{Gate, SETUP_PREFIX};
pub use issuers::Issuers;
pub use keys::{Algorithm, LocalKeys, PublicKey};
pub use once::{Done, Once};
pub use passwords::{LONGEST_NAME, PasswordFault, hash_password, is_password, secret_hash};
pub use provider::{Provider, Started};
pub use roles::{Permission, Role};
pub use sessions::{SESSION_HOURS, Sessions, form_token, is_form_token};
pub use trusted::{IssuerSetting, SignInSetting, SubjectClaim, TrustedIssuer, USUAL_AUDIENCE};
pub use verified::Verified;

use publishing::principal::Principal;

/// A principal as the journal names it: for people, and exactly.
pub fn principal_name(principal: &Principal) -> String {
    format!("{} ({})", principal.mail.as_deref().unwrap_or(&principal.name), principal.id)
}

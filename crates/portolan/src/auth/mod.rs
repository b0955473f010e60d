//! Who is asking, and what they may do.

mod caller;
mod claims;
mod compact;
mod denials;
mod issuers;
mod keys;
mod passwords;
mod remote_keys;
mod roles;
mod token;
mod trusted;
mod verified;

pub use caller::{Authorised, AuthorisedStaff, Caller, Forbidden};
pub use denials::NotVerified;
pub use issuers::Issuers;
pub use keys::{Algorithm, LocalKeys, PublicKey};
pub use passwords::{LONGEST_NAME, PasswordFault, hash_password, is_password, secret_hash};
pub use roles::{Permission, Role};
pub use token::{TokenGate, Unauthenticated};
pub use trusted::{IssuerSetting, SubjectClaim, TrustedIssuer};
pub use verified::Verified;

use publishing::principal::Principal;

/// A principal as the journal names it: for people, and exactly.
pub fn principal_name(principal: &Principal) -> String {
    format!("{} ({})", principal.mail.as_deref().unwrap_or(&principal.name), principal.id)
}

//! Who is asking, and what they may do.

mod caller;
mod passwords;
mod roles;
mod token;

pub use caller::{Authorised, AuthorisedStaff, Caller, Forbidden};
pub use passwords::{LONGEST_NAME, PasswordFault, hash_password, is_password, secret_hash};
pub use roles::{Permission, Role};
pub use token::{TokenGate, Unauthenticated};

use publishing::principal::Principal;

/// A principal as the journal names it: for people, and exactly.
pub fn principal_name(principal: &Principal) -> String {
    format!("{} ({})", principal.mail.as_deref().unwrap_or(&principal.name), principal.id)
}

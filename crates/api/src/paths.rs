//! Paths and the api-version.

use uuid::Uuid;

/// The api-version that this crate speaks.
pub const API_VERSION: &str = "2017-10-31";

/// Every accepted api-version; all mean the same.
pub const ACCEPTED_API_VERSIONS: [&str; 2] = [API_VERSION, "2016-08-01-preview"];

/// The name of the query parameter.
pub const API_VERSION_PARAMETER: &str = "api-version";

/// Where an operation is read: what `Location` and `Operation-Location` hold, relative to the host.
pub fn operation_location(publisher: &str, offer: &str, operation: Uuid) -> String {
    format!("/api/publishers/{publisher}/offers/{offer}/operations/{operation}?{API_VERSION_PARAMETER}={API_VERSION}")
}

/// One path segment, percent-encoded where it must be.
pub fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~$".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

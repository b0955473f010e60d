//! As whom a server is asked, and over which connections.

use std::fmt;

/// The tenant by which every server knows itself.
pub const COMMON_TENANT: &str = "common";

/// The audience of tokens for this API.
pub const USUAL_AUDIENCE: &str = "https://cloudpartner.azure.com";

/// Over which connections a server is reached.
#[derive(Clone, Debug, Default)]
pub struct Transport {
    /// Root certificates in PEM, trusted besides those of the machine.
    pub roots: Option<Vec<u8>>,
    /// Whether tokens and secrets may cross a network in clear text. Without it, http is for this machine only.
    pub plain_http: bool,
}

/// As whom a server is asked.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// With a bearer token.
    Token(Token),
    /// As a service principal, for which the client gets its tokens itself.
    Secret(ClientSecret),
    /// As nobody: for an emulator on this machine, which asks for no name.
    Nobody,
}

/// A bearer token.
#[derive(Clone)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A client id with its secret.
#[derive(Clone)]
pub struct ClientSecret {
    /// The client id: the service principal's application id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The tenant in the token endpoint's address; [`COMMON_TENANT`] does everywhere.
    pub tenant: String,
    /// For whom the tokens are; most often [`USUAL_AUDIENCE`].
    pub audience: String,
}

impl fmt::Debug for ClientSecret {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecret").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl Credentials {
    /// A bearer token.
    pub fn token(token: impl Into<String>) -> Self {
        Self::Token(Token(token.into()))
    }

    /// A client id with its secret, in the tenant [`COMMON_TENANT`] and for [`USUAL_AUDIENCE`].
    pub fn secret(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self::Secret(ClientSecret {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            tenant: COMMON_TENANT.to_owned(),
            audience: USUAL_AUDIENCE.to_owned(),
        })
    }
}

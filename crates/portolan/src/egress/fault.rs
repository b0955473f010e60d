//! Why a request to the world failed: categories and their mends, and nothing that would help to explore a network.

/// Why a request failed. What it says is for whoever wrote the address; the cause is in our log, at `debug`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EgressFault {
    /// It is no URL, or none of the web.
    #[error("The address is no URL of the web. Write it like https://files.example/image.vhd.")]
    NoAddress,
    /// Neither https nor an http that the operator allows.
    #[error("The address does not begin with https. Use https.")]
    NotHttps,
    /// There is a user name or a password in it.
    #[error("The address holds a user name or a password. Leave them out.")]
    Credentials,
    /// Another port than that of the scheme.
    #[error("The address names a port that is not allowed. Leave the port out, so that it is 443.")]
    Port,
    /// It leads to an address that is not public, or one of several is not.
    #[error("The address leads to a private network. Use one that everybody can reach.")]
    Private,
    /// Its name lies at more addresses than anybody needs.
    #[error("The name in the address has too many addresses. Use one with 16 at most.")]
    TooManyAddresses,
    /// It was redirected more often than allowed.
    #[error("The address redirects too often. Use the one that it leads to.")]
    TooManyRedirects,
    /// It redirects, and what is wrong there.
    #[error("The address redirects to another, and there: {0}")]
    Redirected(Box<EgressFault>),
    /// The answer is larger than allowed.
    #[error("The answer is larger than allowed. Make it smaller.")]
    TooLarge,
    /// There is no such name, or it could not be looked up.
    #[error("The name in the address was not found. Check its spelling, or try again later.")]
    NoSuchName,
    /// No connection.
    #[error("The server cannot be reached. Check the address and that the server runs.")]
    Unreachable,
    /// Its certificate is not trusted, or is another's.
    #[error("The server's certificate is not trusted, or does not fit its name. Install one that is.")]
    Certificate,
    /// It broke off, or what it says is no HTTP.
    #[error("The server broke off, or its answer is no HTTP. Check the server.")]
    Broken,
    /// The exchange took longer than it may.
    #[error("The server took too long. Try again later, or use a faster one.")]
    TimedOut,
    /// The answer came more slowly than it may.
    #[error("The server sends too slowly. Try again later, or use a faster one.")]
    TooSlow,
}

impl EgressFault {
    /// Whether asking again cannot help, because the address itself, or what is there, cannot be.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::NoAddress
            | Self::NotHttps
            | Self::Credentials
            | Self::Port
            | Self::Private
            | Self::TooManyAddresses
            | Self::TooManyRedirects
            | Self::TooLarge => true,
            Self::NoSuchName
            | Self::Unreachable
            | Self::Certificate
            | Self::Broken
            | Self::TimedOut
            | Self::TooSlow => false,
            Self::Redirected(fault) => fault.is_lasting(),
        }
    }

    /// The category of what the HTTP client says; the cause, without the URL, goes to the log.
    pub(super) fn of(error: reqwest::Error) -> Self {
        let is_connecting = error.is_connect();
        let cause = chain(&error.without_url());
        tracing::debug!(cause, "a request to the world failed");
        match () {
            () if cause.contains("invalid peer certificate") => Self::Certificate,
            () if is_connecting => Self::Unreachable,
            () => Self::Broken,
        }
    }
}

/// What an error and its causes say.
fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", chain(cause)))
}

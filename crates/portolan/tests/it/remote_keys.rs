//! Keys of issuers on the web.

//! Forms: read once, strictly, and only from our own pages.

use super::reader::text;
use super::{Pages, pages};
use crate::http::{CallerAddress, TooMany, form_members};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

/// The longest form, in bytes.
const LONGEST: usize = 64 << 10;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a form brought, and from where.
pub(super) struct Form {
    members: HashMap<String, String>,
    pub(super) address: IpAddr,
    pub(super) uri: http::Uri,
}

impl Form {
    /// Reads a form that one of our own pages sent.
    ///
    /// # Errors
    /// The page that says why not.
    pub(super) async fn read(request: Request<Body>) -> Result<Self, Box<Response>> {
        Self::read_within(request, LONGEST).await
    }

    /// The same for a form of at most so many bytes.
    ///
    /// # Errors
    /// The page that says why not.
    pub(super) async fn read_within(request: Request<Body>, longest: usize) -> Result<Self, Box<Response>> {
        let refuse = |status, message: String| Box::new(pages::fault(status, &message));
        let address = address(request.extensions());
        let (head, body) = request.into_parts();
        if !is_from_here(&head.headers) {
            return Err(refuse(StatusCode::FORBIDDEN, text().form_other_site()));
        }
        let body = Limited::new(body, longest).collect().await;
        let body = body.map_err(|_| refuse(StatusCode::BAD_REQUEST, text().form_broken()))?;
        let members = form_members(&body.to_bytes());
        let members = members.ok_or_else(|| refuse(StatusCode::BAD_REQUEST, text().form_twice()))?;
        Ok(Self { members, address, uri: head.uri })
    }

    /// A field; empty where it is not there.
    pub(super) fn field(&self, name: &str) -> &str {
        self.members.get(name).map_or("", String::as_str)
    }

    /// A field, where it is there.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.members.get(name).map(String::as_str)
    }

    /// Refuses who tries secrets or passwords too often.
    ///
    /// # Errors
    /// The page that says so.
    pub(super) fn may_try(&self, pages: &Pages) -> Result<(), Box<Response>> {
        may_try(pages, self.address)
    }
}

/// Refuses an address that tries secrets, passwords or codes too often.
///
/// # Errors
/// The page that says so.
pub(super) fn may_try(pages: &Pages, address: IpAddr) -> Result<(), Box<Response>> {
    pages.limits.of_credentials(address).map_err(|refused| too_many(refused, &text().form_many()))
}

/// The page for who has tried too often.
pub(super) fn too_many(refused: TooMany, message: &str) -> Box<Response> {
    let mut response = pages::fault(StatusCode::TOO_MANY_REQUESTS, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(refused.seconds()));
    Box::new(response)
}

/// The address of whoever asks.
pub(super) fn address(extensions: &http::Extensions) -> IpAddr {
    extensions.get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |CallerAddress(address)| *address)
}

/// Whether a form comes from one of our own pages, as far as browsers tell; those of the last years all do.
fn is_from_here(headers: &HeaderMap) -> bool {
    // What cannot be read is not from here either.
    let header = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (header(&FETCH_SITE), header(&ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = origin.split_once("://").map_or("", |(_, host)| host);
            header(&HOST).is_some_and(|ours| ours.eq_ignore_ascii_case(host))
        }
        // Neither is said by what is no browser, and has no cookies that it did not bring knowingly.
        (None, None) => true,
    }
}

/// What somebody is shown where a form could not be taken.
impl From<Box<Response>> for super::pages::Shown {
    fn from(response: Box<Response>) -> Self {
        Self(response.into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::is_from_here;
    use http::HeaderMap;

    #[test]
    fn forms_of_other_sites_are_told_apart() {
        for (headers, expected) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("host", "portolan.example"), ("origin", "https://portolan.example")], true),
            (&[("host", "portolan.example"), ("origin", "https://evil.example")], false),
            (&[("host", "portolan.example"), ("origin", "null")], false),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_from_here(&map), expected, "{headers:?}");
        }
    }
}

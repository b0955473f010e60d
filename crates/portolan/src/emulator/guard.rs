//! Who may tell the emulator what to do: programs of this machine, never a page that a browser shows, and from elsewhere only
//! an operator.

use super::Emulator;
use crate::auth::Role;
use crate::http::{CallerAddress, Problem};
use api::errors::ErrorCode;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use std::net::IpAddr;
use url::{Host, Url};

/// Refuses requests that a page of another site may have made a browser send, and those of strangers.
pub(super) async fn admit(emulator: &Emulator, request: &Parts) -> Result<(), Response> {
    let headers = &request.headers;
    let public_url = &emulator.public_url();
    if is_from_another_site(headers, public_url) {
        let message = "This was sent by a page of another site, and the emulator does what programs tell it, and its own pages. Send it from a program.";
        return Err(Problem::new(ErrorCode::Forbidden, message).into_response());
    }
    if !names_us(headers, public_url) {
        let message = "The header Host names another machine than the emulator. Ask it at 127.0.0.1, at localhost, or at its --public-url.";
        return Err(Problem::new(ErrorCode::Forbidden, message).at("Host").into_response());
    }
    let is_here = matches!(request.extensions.get(), Some(CallerAddress(address)) if address.is_loopback());
    if is_here {
        return Ok(());
    }
    let authorization = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let gate = emulator.inner().service.gate.clone();
    let caller = gate.authenticate(authorization).await.map_err(IntoResponse::into_response)?;
    if caller.staff_roles().any(|role| role == Role::Operator) {
        return Ok(());
    }
    let message = "From another machine only an operator may tell the emulator what to do. Send the token that it printed at its start.";
    Err(Problem::new(ErrorCode::Forbidden, message).into_response())
}

fn is_from_another_site(headers: &HeaderMap, public_url: &str) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let mut origins = headers.get_all(ORIGIN).iter();
    let own = |origin: &HeaderValue| {
        let Ok(text) = origin.to_str() else { return false };
        // A page of another port of this machine is another site's.
        text == public_url
            || headers.get(HOST).is_some_and(|host| text.as_bytes() == [b"http://", host.as_bytes()].concat())
    };
    sites.any(|site| site != "same-origin" && site != "none") || origins.any(|origin| !own(origin))
}

/// Whether the request is for this machine by a name that no other machine has, or for the public address.
fn names_us(headers: &HeaderMap, public_url: &str) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else { return false };
    let Ok(named) = Url::parse(&format!("http://{host}/")) else { return false };
    let own = Url::parse(public_url).ok();
    match named.host() {
        Some(Host::Ipv4(address)) if IpAddr::from(address).is_loopback() => true,
        Some(Host::Ipv6(address)) if IpAddr::from(address).is_loopback() => true,
        Some(Host::Domain("localhost")) => true,
        host => host.is_some() && own.as_ref().and_then(Url::host) == host,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_from_another_site, names_us};
    use http::HeaderMap;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    const OWN: &str = "http://emulator.example:8080";

    #[test]
    fn only_pages_of_our_own_may_ask() {
        for (pairs, is_other) in [
            (&[("host", "127.0.0.1:8080")][..], false),
            (
                &[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")],
                false,
            ),
            (&[("host", "x"), ("origin", OWN)], false),
            (&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "none")], false),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:3000")], true),
            (&[("host", "127.0.0.1:8080"), ("origin", "https://evil.example")], true),
            (&[("host", "127.0.0.1:8080"), ("origin", "null")], true),
            (&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "cross-site")], true),
            (&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "same-site")], true),
        ] {
            assert_eq!(is_from_another_site(&headers(pairs), OWN), is_other, "{pairs:?}");
        }
    }

    #[test]
    fn a_name_that_somebody_else_may_have_is_not_ours() {
        for (host, ours) in [
            ("127.0.0.1:8080", true),
            ("127.0.0.1", true),
            ("localhost:8080", true),
            ("[::1]:8080", true),
            ("emulator.example:8080", true),
            ("evil.example:8080", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("10.0.0.1:8080", false),
        ] {
            let host: HeaderMap = [(http::header::HOST, host.parse().unwrap())].into_iter().collect();
            assert_eq!(names_us(&host, OWN), ours, "{host:?}");
        }
        assert!(!names_us(&HeaderMap::new(), OWN));
    }
}

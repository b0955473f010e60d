//! Compresses pages on their way out, where nobody else can have made the browser ask for them.

use axum::body::Body;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use std::io::Write;

/// Shorter pages are sent as they are, in bytes.
const SHORTEST: usize = 1_400;

/// Whether the answer to a request with these headers may be compressed. How long a compressed page is tells something of what is in it
/// to whoever can put words into its address; so what another site made the browser ask for is sent as it is.
pub(super) fn may_be(request: &HeaderMap) -> bool {
    let text = |name: &str| request.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |part: &str| matches!(part.trim(), "gzip" | "x-gzip") || part.trim().starts_with("gzip;q=1");
    matches!(text("sec-fetch-site"), "same-origin" | "none") && text(ACCEPT_ENCODING.as_str()).split(',').any(takes)
}

/// The answer, compressed if it is a page.
pub(super) async fn packed(response: Response) -> Response {
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let is_done = response.headers().contains_key(CONTENT_ENCODING) || response.headers().contains_key(ETAG);
    if !is_page || is_done {
        return response;
    }
    let (mut head, body) = response.into_parts();
    // A page is all in memory: nothing waits, and nothing fails.
    let plain = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    let written = encoder.write_all(&plain).and_then(|()| encoder.finish());
    match written {
        Ok(bytes) if plain.len() >= SHORTEST => {
            head.headers.remove(CONTENT_LENGTH);
            head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Response::from_parts(head, Body::from(bytes))
        }
        _ => Response::from_parts(head, Body::from(plain)),
    }
}

#[cfg(test)]
mod tests {
    use super::may_be;
    use http::HeaderMap;

    #[test]
    fn what_another_site_asks_for_is_not_compressed() {
        for (site, encodings, expected) in [
            ("none", "gzip, deflate, br", true),
            ("same-origin", "br, gzip", true),
            ("same-origin", "br", false),
            ("same-origin", "gzip;q=0", false),
            ("cross-site", "gzip", false),
            ("same-site", "gzip", false),
            ("", "gzip", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-site", site.parse().unwrap());
            headers.insert("accept-encoding", encodings.parse().unwrap());
            assert_eq!(may_be(&headers), expected, "{site} {encodings}");
        }
    }
}

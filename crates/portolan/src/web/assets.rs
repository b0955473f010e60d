//! The stylesheet and the script: in the binary, compressed, and named by what is in them, so that browsers keep them.

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file that pages need.
#[derive(Debug)]
pub(super) struct Asset {
    /// Its address, which changes with it.
    pub(super) path: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

/// The stylesheet.
pub(super) async fn style(headers: HeaderMap) -> Response {
    answer(&STYLE, HeaderValue::from_static("text/css; charset=utf-8"), &headers)
}

/// The script.
pub(super) async fn script(headers: HeaderMap) -> Response {
    answer(&SCRIPT, HeaderValue::from_static("text/javascript; charset=utf-8"), &headers)
}

fn answer(asset: &Asset, content_type: HeaderValue, request: &HeaderMap) -> Response {
    let accepted: Vec<&str> = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).collect();
    let takes = |wanted: &str| {
        accepted.iter().flat_map(|line| line.split(',')).any(|part| {
            let (name, weight) = part.split_once(';').unwrap_or((part, ""));
            name.trim() == wanted && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        })
    };
    let (encoding, bytes) = match () {
        () if takes("br") => (Some("br"), asset.brotli),
        () if takes("gzip") => (Some("gzip"), asset.gzip),
        () => (None, asset.plain),
    };
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.extend(encoding.map(|encoding| (CONTENT_ENCODING, HeaderValue::from_static(encoding))));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}

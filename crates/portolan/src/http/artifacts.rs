//! The kept files of definitions. Whoever has a file's address has the file: there is no sign-in.

use super::errors::Problem;
use super::{Shared, reply};
use crate::artifacts::Digest;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::ops::Range;

/// What is under a digest never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Whatever a file holds, no browser runs it.
const HARMLESS: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// A file that a definition points to, as it was when it was submitted.
#[utoipa::path(get, path = "/artifacts/{name}", operation_id = "get_artifact", tag = "Artifacts",
    params(("name" = String, Path, description = "Digest, signature and ending, as an offer's version gives them."),
        ("Range" = Option<String>, Header, description = "One range of bytes.")),
    responses((status = 200, description = "The file."), (status = 206, description = "A part of it."),
        (status = 304, description = "The caller has it."), (status = 416, description = "There is no such part.")))]
pub(crate) async fn get_artifact(
    State(rooms): Shared,
    Path(name): Path<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("There is no such file. Read its address from the offer's version again.");
    let (digest, media_type) = rooms.links.opens_artifact(&name).ok_or_else(missing)?;
    let digest = Digest::parse(digest).ok_or_else(missing)?;
    let artifacts = rooms.artifacts.as_ref().ok_or_else(missing)?;
    let size = artifacts.size(&digest).await.map_err(|error| Problem::internal(&error))?.ok_or_else(missing)?;
    let etag = HeaderValue::try_from(format!("\"{digest}\"")).map_err(|error| Problem::internal(&error))?;
    if reply::is_known(&request, IF_NONE_MATCH, &etag) {
        return Ok(with_headers(reply::with_body(StatusCode::NOT_MODIFIED, Body::empty()), etag, media_type));
    }
    // A client that goes on with another file must get all of this one.
    let is_same = !request.contains_key(IF_RANGE) || request.get(IF_RANGE) == Some(&etag);
    let asked = request.get(RANGE).filter(|_| is_same).and_then(|range| Asked::parse(range.to_str().ok()?));
    let range = match asked.map(|asked| asked.within(size)) {
        Some(None) => {
            let mut response = reply::with_body(StatusCode::RANGE_NOT_SATISFIABLE, Body::empty());
            let headers = response.headers_mut();
            headers.extend(HeaderValue::try_from(format!("bytes */{size}")).map(|value| (CONTENT_RANGE, value)));
            return Ok(response);
        }
        range => range.flatten(),
    };
    let kept = artifacts.read(&digest, range.clone()).await.map_err(|error| Problem::internal(&error))?;
    let kept = kept.ok_or_else(missing)?;
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let (from, until) = (kept.range.start, kept.range.end);
    let mut response = reply::with_body(status, Body::from_stream(kept.stream));
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(until.saturating_sub(from)));
    if range.is_some() {
        let part = HeaderValue::try_from(format!("bytes {from}-{}/{size}", until.saturating_sub(1)));
        headers.extend(part.map(|value| (CONTENT_RANGE, value)));
    }
    Ok(with_headers(response, etag, media_type))
}

fn with_headers(mut response: Response, etag: HeaderValue, media_type: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(ETAG, etag);
    headers.insert(CACHE_CONTROL, FOR_EVER);
    headers.insert(CONTENT_SECURITY_POLICY, HARMLESS);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if !media_type.starts_with("image/") {
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    response
}

/// One range as it was asked for. Several at once are answered with the whole file, which is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Last(u64),
    From(u64, Option<u64>),
}

impl Asked {
    fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
        let number = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        if from.is_empty() {
            return number(to).map(Self::Last);
        }
        let to = if to.is_empty() { None } else { Some(number(to)?) };
        let from = number(from)?;
        to.is_none_or(|to| from <= to).then_some(Self::From(from, to))
    }

    /// The bytes of a file that are meant; `None` where it has none of them.
    fn within(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::Last(many) => size.saturating_sub(many)..size,
            Self::From(from, to) => from..to.map_or(size, |to| to.saturating_add(1).min(size)),
        };
        (range.start < range.end).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;

    #[test]
    fn one_range_is_understood_and_anything_else_is_not() {
        let within = |text: &str| Asked::parse(text).map(|asked| asked.within(10));
        assert_eq!(within("bytes=0-0"), Some(Some(0..1)));
        assert_eq!(within("bytes=3-"), Some(Some(3..10)));
        assert_eq!(within("bytes=3-99"), Some(Some(3..10)));
        assert_eq!(within("bytes=-4"), Some(Some(6..10)));
        assert_eq!(within("bytes=-99"), Some(Some(0..10)));
        assert_eq!(within("bytes=0-18446744073709551615"), Some(Some(0..10)));
        assert_eq!((within("bytes=10-"), within("bytes=-0")), (Some(None), Some(None)));
        for other in ["bytes=4-3", "bytes=0-1,3-4", "bytes=", "bytes=a-b", "lines=0-1", "bytes=+1-2", "bytes=-"] {
            assert_eq!(within(other), None, "{other}");
        }
    }
}

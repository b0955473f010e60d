//! Waiting reads (`Prefer: wait=30`): where a caller has the newest already, the answer comes when there is something newer.

use super::Rooms;
use super::errors::Problem;
use super::request::At;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::sync::Arc;
use std::time::Duration;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The longest wait, in seconds.
const LONGEST: u64 = 60;

/// A read that can be asked again: the same request, of the same caller.
pub(super) type ReadAgain = for<'a> fn(&'a Rooms, &'a At, &'a HeaderMap) -> BoxFuture<'a, Result<Response, Problem>>;

/// For how many seconds the caller would wait. What cannot be read is as if it were not there (RFC 7240).
pub(super) fn wanted(headers: &HeaderMap) -> Option<u64> {
    let preferences = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut values = preferences.flat_map(|value| unquoted(value, ',')).filter_map(|preference| {
        let (name, value) = unquoted(preference, ';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
    });
    // Of two that say something else, the first counts.
    let seconds = values.next().filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))?;
    // So many digits that it is no number any more are a long time.
    (!seconds.is_empty()).then(|| seconds.parse().unwrap_or(LONGEST).min(LONGEST))
}

/// The parts between separators that stand in no quotes.
fn unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut in_quotes = false;
    text.split(move |character| {
        in_quotes ^= character == '"';
        character == separator && !in_quotes
    })
}

/// Answers a read at once where it has something the caller has not, and otherwise when it has, or the wait is over.
/// `name` is that of the offer in the path: `publisher/offer`.
pub(super) async fn until_changed(
    rooms: Arc<Rooms>,
    mut at: At,
    headers: HeaderMap,
    name: String,
    seconds: u64,
    read: ReadAgain,
) -> Result<Response, Problem> {
    let mut answer = read(&rooms, &at, &headers).await?;
    if answer.status() == StatusCode::NOT_MODIFIED {
        // Where too many wait already this one does not, and is not told that it did.
        let Ok(_place) = rooms.followers.enter(at.caller()) else { return Ok(answer) };
        let mut follower = rooms.read.follow(&name.to_ascii_lowercase());
        let end = tokio::time::sleep(Duration::from_secs(seconds));
        tokio::pin!(end);
        let mut is_over = false;
        loop {
            // Roles may have been taken away meanwhile. Looked at after following began, so that nothing is missed.
            at = match at.again(&rooms) {
                Ok(at) => at,
                Err(refused) => return Ok(refused.into_response()),
            };
            answer = read(&rooms, &at, &headers).await?;
            if is_over || answer.status() != StatusCode::NOT_MODIFIED {
                break;
            }
            tokio::select! {
                () = follower.told() => { follower.look(); }
                () = tokio::time::sleep(rooms.followers.heartbeat) => {}
                () = &mut end => is_over = true,
                () = rooms.drained() => is_over = true,
            }
        }
    }
    if let Ok(applied) = HeaderValue::try_from(format!("wait={seconds}")) {
        answer.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::wanted;
    use http::{HeaderMap, HeaderValue};

    #[test]
    fn a_preference_is_read_as_its_standard_says_and_ignored_where_it_is_malformed() {
        for (given, seconds) in [
            (&["wait=30"][..], Some(30)),
            (&["respond-async, WAIT = \"5\"; foo=bar"], Some(5)),
            (&["respond-async", "wait=7"], Some(7)),
            (&["wait=0"], Some(0)),
            (&["wait=61"], Some(60)),
            (&["wait=99999999999999999999999"], Some(60)),
            (&["wait=5, wait=9"], Some(5)),
            (&["wait=x, wait=9"], None),
            (&["wait"], None),
            (&["wait="], None),
            (&["wait=-1"], None),
            (&["wait=1.5"], None),
            (&["await=3"], None),
            (&["note=\"a, wait=3\""], None),
            (&["note; wait=3"], None),
            (&[""], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append("prefer", HeaderValue::from_static(value));
            }
            assert_eq!(wanted(&headers), seconds, "{given:?}");
        }
    }
}

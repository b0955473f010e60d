//! What the claims of a token must say: when, for whom, about whom.

use super::Unauthenticated;
use super::compact::Object;
use super::denials::{EXPIRED, MALFORMED, NO_TIMES, NOT_YET};
use publishing::moment::{Moment, TICKS_PER_SECOND, UNIX_EPOCH_TICKS};
use serde_json::Value;

/// How far the clocks of issuer and service may be apart, in seconds.
pub(super) const SKEW: i64 = 60;

/// The longest name for display, in characters.
const LONGEST_DISPLAY: usize = 128;

/// The time in `exp`, where the token is valid now.
pub(super) fn expiry(claims: &Object, now: Moment) -> Result<Moment, Unauthenticated> {
    let expires_at = time(claims, "exp")?.ok_or(NO_TIMES)?;
    if now >= expires_at.plus_seconds(SKEW) {
        return Err(EXPIRED);
    }
    for name in ["nbf", "iat"] {
        if time(claims, name)?.is_some_and(|from| from > now.plus_seconds(SKEW)) {
            return Err(NOT_YET);
        }
    }
    Ok(expires_at)
}

/// A time in seconds since 1970, whole or not.
fn time(claims: &Object, name: &str) -> Result<Option<Moment>, Unauthenticated> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..1e12).contains(seconds)).ok_or(NO_TIMES)?;
    #[expect(clippy::cast_possible_truncation, reason = "times beyond the last moment become the last moment")]
    let ticks = (seconds * TICKS_PER_SECOND as f64) as i64;
    Ok(Some(Moment::from_ticks(ticks.saturating_add(UNIX_EPOCH_TICKS))))
}

/// Whom the token is for: a text, or several.
pub(super) fn audiences(claims: &Object) -> Result<Vec<&str>, Unauthenticated> {
    match claims.get("aud") {
        Some(Value::String(audience)) => Ok(vec![audience]),
        Some(Value::Array(audiences)) => audiences.iter().map(|audience| audience.as_str().ok_or(MALFORMED)).collect(),
        _ => Err(MALFORMED),
    }
}

/// An audience without its last slash.
pub(super) fn without_slash(audience: &str) -> &str {
    audience.strip_suffix('/').unwrap_or(audience)
}

/// A name for people, from whatever says one; shortened, and without characters that nobody can see.
pub(super) fn display_name(claims: &Object) -> Option<String> {
    let mut names = ["name", "preferred_username", "upn"].into_iter().filter_map(|name| claims.get(name)?.as_str());
    names.find_map(|name| {
        let name: String = name.chars().filter(|c| !is_unseen(*c)).take(LONGEST_DISPLAY).collect();
        let name = name.trim();
        (!name.is_empty()).then(|| name.to_owned())
    })
}

/// Whether a character shows nothing, or changes how others are shown: in a name it could only mislead.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether a text is a GUID with hyphens.
pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

//! Standard Webhooks: the signature of what goes to a checker or a webhook, and of what comes from a checker.

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use publishing::moment::{Moment, TICKS_PER_SECOND, UNIX_EPOCH_TICKS};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a message is called.
pub(super) const ID: HeaderName = HeaderName::from_static("webhook-id");
/// When it was signed, in seconds since 1970.
pub(super) const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// Its signatures.
pub(super) const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How many seconds a signature may be from now, in both directions.
const FRESH_SECONDS: i64 = 300;

/// How many bytes a secret has, as Standard Webhooks wants it.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The secrets that are shared with a checker: the first signs, all verify.
#[derive(Clone)]
pub(super) struct Secrets(Arc<[Key]>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.0.len()).finish()
    }
}

impl Secrets {
    /// Reads a file with one `whsec_…` a line.
    ///
    /// # Errors
    /// Names the file, the fault and the mend, and nothing that is in the file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = || format!("the file {} (setting `secret_file`)", path.display());
        let mut file = File::open(path).with_context(name)?;
        let mode = file.metadata().with_context(name)?.permissions().mode();
        ensure!(mode & 0o077 == 0, "{}: others may read it; run: chmod 600 {}", name(), path.display());
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).with_context(name)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Option<Vec<Key>> = lines.map(key).collect();
        let Some(keys) = keys else {
            bail!("{}: a line is no secret; write whsec_ and then 24 to 64 bytes in Base64", name());
        };
        ensure!(!keys.is_empty(), "{} holds no secret; write whsec_ and then 24 to 64 bytes in Base64", name());
        Ok(Self(keys.into()))
    }

    /// The headers that sign a body.
    pub(super) fn sign(&self, id: &str, now: Moment, body: &[u8]) -> HeaderMap {
        headers(self.0.iter().take(1), id, now, body)
    }

    /// Whether one of the signatures in the headers is of one of the secrets, over this body, and fresh.
    pub(super) fn have_signed(&self, headers: &HeaderMap, now: Moment, body: &[u8]) -> bool {
        let text = |name| {
            let mut values = headers.get_all(name).iter();
            let value = values.next()?.to_str().ok()?;
            values.next().is_none().then_some(value)
        };
        let (Some(id), Some(timestamp), Some(signatures)) = (text(ID), text(TIMESTAMP), text(SIGNATURE)) else {
            return false;
        };
        let is_plain = (1..=15).contains(&timestamp.len()) && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let signed_at: i64 = timestamp.parse().ok().filter(|_| is_plain).unwrap_or(0);
        if (seconds(now) - signed_at).abs() > FRESH_SECONDS {
            return false;
        }
        let given: Vec<Vec<u8>> =
            signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok()).collect();
        self.0.iter().any(|key| {
            let right = tag(key, id, timestamp, body);
            given.iter().any(|given| verify_slices_are_equal(right.as_ref(), given).is_ok())
        })
    }
}

/// The headers that sign a body with each of these secrets, all of them `whsec_…`; what is no such secret is passed over.
pub fn signed_with_all<'a>(secrets: impl Iterator<Item = &'a str>, id: &str, now: Moment, body: &[u8]) -> HeaderMap {
    headers(secrets.filter_map(key).collect::<Vec<_>>().iter(), id, now, body)
}

/// Whether one of these secrets, all of them `whsec_…`, has signed a body just now.
pub fn have_signed<'a>(secrets: impl Iterator<Item = &'a str>, headers: &HeaderMap, now: Moment, body: &[u8]) -> bool {
    Secrets(secrets.filter_map(key).collect()).have_signed(headers, now, body)
}

fn headers<'a>(keys: impl Iterator<Item = &'a Key>, id: &str, now: Moment, body: &[u8]) -> HeaderMap {
    let timestamp = seconds(now).to_string();
    let signatures: Vec<String> =
        keys.map(|key| format!("v1,{}", STANDARD.encode(tag(key, id, &timestamp, body)))).collect();
    let headers = [(ID, id), (TIMESTAMP, timestamp.as_str()), (SIGNATURE, &signatures.join(" "))];
    headers.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?))).collect()
}

fn key(line: &str) -> Option<Key> {
    let bytes = Zeroizing::new(STANDARD.decode(line.strip_prefix("whsec_")?).ok()?);
    SECRET_BYTES.contains(&bytes.len()).then(|| Key::new(HMAC_SHA256, &bytes))
}

fn tag(key: &Key, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
    let mut signed = hmac::Context::with_key(key);
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        signed.update(part);
    }
    signed.sign()
}

fn seconds(now: Moment) -> i64 {
    (now.ticks() - UNIX_EPOCH_TICKS).div_euclid(TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::{ID, SIGNATURE, Secrets, TIMESTAMP};
    use http::HeaderMap;
    use publishing::moment::{Moment, UNIX_EPOCH_TICKS};
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn secrets(text: &str, mode: u32) -> Result<Secrets, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("checker.secret");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        Secrets::read(&path).map_err(|error| format!("{error:#}"))
    }

    fn at(seconds: i64) -> Moment {
        Moment::from_ticks(UNIX_EPOCH_TICKS).plus_seconds(seconds)
    }

    /// The example of the specification's own libraries.
    #[test]
    fn the_known_signature_is_made_and_taken() {
        let secrets = secrets(OLD, 0o600).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let headers = secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at(1_614_265_330), body);
        assert_eq!(headers[SIGNATURE], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(secrets.have_signed(&headers, at(1_614_265_330), body));
    }

    #[test]
    fn only_what_was_signed_lately_with_one_of_the_secrets_is_taken() {
        let (old, new) = (secrets(OLD, 0o600).unwrap(), secrets(NEW, 0o400).unwrap());
        let both = secrets(&format!("# rotated\n{NEW}\n\n{OLD}\n"), 0o600).unwrap();
        let headers = old.sign("m1", at(1_000_000), b"{}");
        assert!(both.have_signed(&headers, at(1_000_000), b"{}") && !new.have_signed(&headers, at(1_000_000), b"{}"));
        assert!(new.have_signed(&both.sign("m1", at(1_000_000), b"{}"), at(1_000_000), b"{}"), "the first signs");
        for (now, fresh) in [(999_700, true), (999_699, false), (1_000_300, true), (1_000_301, false)] {
            assert_eq!(old.have_signed(&headers, at(now), b"{}"), fresh, "{now}");
        }
        assert!(!old.have_signed(&headers, at(1_000_000), b"{ }"), "another body");
        let changed = |name, value: &str| {
            let mut headers = headers.clone();
            headers.insert(name, value.parse().unwrap());
            old.have_signed(&headers, at(1_000_000), b"{}")
        };
        let right = headers[SIGNATURE].to_str().unwrap();
        assert!(changed(SIGNATURE, &format!("v1a,abc v1,AAAA {right}")), "one of several");
        assert!(!changed(SIGNATURE, &right.replace("v1,", "v2,")) && !changed(SIGNATURE, ""));
        assert!(!changed(ID, "m2") && !changed(TIMESTAMP, "1000001") && !changed(TIMESTAMP, "+1000000"));
        let mut twice = headers.clone();
        twice.append(TIMESTAMP, "1000000".parse().unwrap());
        assert!(!old.have_signed(&twice, at(1_000_000), b"{}"), "of two, nobody knows which counts");
        assert!(!old.have_signed(&HeaderMap::new(), at(1_000_000), b"{}"));
    }

    #[test]
    fn a_file_that_is_no_secret_is_refused_without_telling_it() {
        for (text, mode, words) in [
            ("", 0o600, "holds no secret"),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0o600, "whsec_"),
            ("whsec_c2hvcnQ=", 0o600, "24 to 64 bytes"),
            (OLD, 0o644, "chmod 600"),
        ] {
            let error = secrets(text, mode).unwrap_err();
            assert!(error.contains(words) && error.contains("checker.secret"), "{error}");
            assert!(!error.contains("MfKQ9") && !error.contains("c2hv"), "{error}");
        }
        assert_eq!(format!("{:?}", secrets(OLD, 0o600).unwrap()), "Secrets(1)");
    }
}

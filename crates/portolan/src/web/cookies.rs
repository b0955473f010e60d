//! The three cookies there are: who is signed in, who was sent to sign in, and how pages shall be.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

/// How cookies are named and sent, which depends on whether browsers reach the service by https.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cookies {
    encrypted: bool,
}

const SESSION: &str = "portolan";
const SIGN_IN: &str = "portolan-sign-in";
const DISPLAY: &str = "portolan-display";

/// For how long it is kept how pages shall be, in seconds.
const DISPLAY_SECONDS: i64 = 365 * 24 * 3600;

/// How long somebody may take to sign in, in seconds.
pub(super) const SIGN_IN_SECONDS: i64 = 600;

impl Cookies {
    pub(super) fn of(public_url: &str) -> Self {
        Self { encrypted: public_url.starts_with("https://") }
    }

    /// What the session's cookie holds.
    pub(super) fn session(self, headers: &HeaderMap) -> Option<String> {
        self.read(headers, SESSION)
    }

    /// What the cookie of a sign-in that was begun holds.
    pub(super) fn sign_in(self, headers: &HeaderMap) -> Option<String> {
        self.read(headers, SIGN_IN)
    }

    /// How pages shall be.
    pub(super) fn display(self, headers: &HeaderMap) -> Option<String> {
        self.read(headers, DISPLAY)
    }

    pub(super) fn set_display(self, headers: &mut HeaderMap, value: &str) {
        self.set(headers, DISPLAY, value, DISPLAY_SECONDS);
    }

    pub(super) fn set_session(self, headers: &mut HeaderMap, value: &str) {
        self.set(headers, SESSION, value, crate::auth::SESSION_HOURS * 3600);
    }

    pub(super) fn set_sign_in(self, headers: &mut HeaderMap, value: &str) {
        self.set(headers, SIGN_IN, value, SIGN_IN_SECONDS);
    }

    pub(super) fn drop_session(self, headers: &mut HeaderMap) {
        self.set(headers, SESSION, "", 0);
    }

    pub(super) fn drop_sign_in(self, headers: &mut HeaderMap) {
        self.set(headers, SIGN_IN, "", 0);
    }

    /// The prefix makes browsers take the cookie from this host alone, over https alone, for all of its paths.
    fn prefix(self) -> &'static str {
        if self.encrypted { "__Host-" } else { "" }
    }

    fn read(self, headers: &HeaderMap, name: &str) -> Option<String> {
        let name = format!("{}{name}", self.prefix());
        // As bytes: other services of the host may have set cookies that are no ASCII.
        let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        let mut values = lines
            .flat_map(|line| line.split(|byte| *byte == b';'))
            .filter_map(|cookie| cookie.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        // Of two, one was planted, and nobody knows which.
        let value = values.next().filter(|value| !value.is_empty() && values.next().is_none())?;
        String::from_utf8(value.to_vec()).ok()
    }

    fn set(self, headers: &mut HeaderMap, name: &str, value: &str, seconds: i64) {
        let secure = if self.encrypted { "; Secure" } else { "" };
        let cookie =
            format!("{}{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", self.prefix());
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.append(SET_COOKIE, cookie);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cookies;
    use http::header::COOKIE;
    use http::{HeaderMap, HeaderValue};

    #[test]
    fn a_cookie_is_found_among_others_unless_there_are_two() {
        let encrypted = Cookies::of("https://portolan.example");
        for (line, expected) in [
            ("a=b; __Host-portolan=one; c=d", Some("one")),
            ("portolan=one", None),
            ("__Host-portolan=one; __Host-portolan=two", None),
            ("__Host-portolan=", None),
            ("x__Host-portolan=one", None),
            ("__Host-portolan-sign-in=one", None),
            ("a=é; __Host-portolan=one", Some("one")),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            assert_eq!(encrypted.session(&headers).as_deref(), expected, "{line}");
        }
        let mut headers = HeaderMap::new();
        encrypted.set_session(&mut headers, "x");
        let set = headers["set-cookie"].to_str().unwrap();
        assert_eq!(set, "__Host-portolan=x; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure");
    }
}

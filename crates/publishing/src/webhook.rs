//! A webhook: the address that events go to, and the secrets that sign them. Nothing here is told by `Debug` or by a refusal.

use crate::happening::Happening;
use crate::moment::Moment;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;
use url::Url;

/// How many webhooks a publisher may have, and the marketplace.
pub const MOST_WEBHOOKS: usize = 20;

/// The longest address, in bytes.
const LONGEST_URL: usize = 2_000;

/// What a secret begins with, as Standard Webhooks wants it.
const SECRET_PREFIX: &str = "whsec_";

/// How many bytes a secret has, as Standard Webhooks wants it.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// For how many seconds the secret before signs too.
const ROTATION_SECONDS: i64 = 24 * 3600;

/// How many names that are none are told at most.
const MOST_TOLD: usize = 10;

/// Why a subscription is not made, or changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubscriptionRefusal {
    /// Something in it cannot be.
    #[error("{message}")]
    Invalid {
        /// Where in the body, as a JSON pointer.
        target: &'static str,
        /// What is wrong, and how to mend it.
        message: String,
    },
    /// There is none of this id.
    #[error("There is no such subscription here. List the subscriptions to see their ids.")]
    Missing,
    /// There is no letter of this id that could be delivered again.
    #[error(
        "There is no delivery of this id that is delivered or given up. List the deliveries; what waits is delivered by itself."
    )]
    DeliveryMissing,
    /// There are as many as there may be.
    #[error("There are {MOST_WEBHOOKS} webhooks here already. Remove one that is not needed any more, or change it.")]
    TooMany,
    /// Nothing is sent to it.
    #[error("The subscription is disabled. Enable it first.")]
    Disabled,
}

/// A secret of Standard Webhooks: `whsec_` and 24 to 64 bytes in Base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// The secret of these bytes, which nobody may guess.
    pub fn of(bytes: &[u8; 32]) -> Self {
        Self(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)))
    }

    /// A secret that a caller brings along.
    ///
    /// # Errors
    /// [`SubscriptionRefusal::Invalid`], which repeats nothing of it.
    pub fn parse(text: &str) -> Result<Self, SubscriptionRefusal> {
        let bytes = text.strip_prefix(SECRET_PREFIX).and_then(|rest| STANDARD.decode(rest).ok());
        if bytes.is_some_and(|bytes| SECRET_BYTES.contains(&bytes.len())) {
            return Ok(Self(text.to_owned()));
        }
        let message = "This is no secret. Send whsec_ and then 24 to 64 random bytes in Base64, or leave it out to have one made.";
        Err(SubscriptionRefusal::Invalid { target: "/secret", message: message.to_owned() })
    }

    /// The secret, to be shown or to sign with.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// Where events go, and what signs them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    url: String,
    secret: WebhookSecret,
    /// The secret before, and until when it signs too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<(WebhookSecret, Moment)>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook(…)")
    }
}

impl Webhook {
    /// A webhook at this address.
    ///
    /// # Errors
    /// [`SubscriptionRefusal::Invalid`] where that is none of https, or holds credentials or a fragment, or is too long. Where
    /// it leads is judged at each try.
    pub fn new(url: &str, secret: WebhookSecret) -> Result<Self, SubscriptionRefusal> {
        Ok(Self { url: judged(url)?, secret, before: None })
    }

    /// The same at another address.
    ///
    /// # Errors
    /// As [`Webhook::new`].
    pub fn moved(self, url: &str) -> Result<Self, SubscriptionRefusal> {
        Ok(Self { url: judged(url)?, ..self })
    }

    /// The same with a new secret; the one it had signs too for a day. One from before that is dropped.
    #[must_use]
    pub fn rotated(self, secret: WebhookSecret, now: Moment) -> Self {
        let before = Some((self.secret, now.plus_seconds(ROTATION_SECONDS)));
        Self { url: self.url, secret, before }
    }

    /// The address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address without what its query says, for that may be a key.
    pub fn shown_url(&self) -> String {
        self.url.split_once('?').map_or_else(|| self.url.clone(), |(before, _)| format!("{before}?…"))
    }

    /// The secrets that sign now, the newest first.
    pub fn secrets(&self, now: Moment) -> impl Iterator<Item = &WebhookSecret> {
        let before = self.before.iter().filter(move |(_, until)| *until > now).map(|(secret, _)| secret);
        std::iter::once(&self.secret).chain(before)
    }

    /// Until when the secret before signs too.
    pub fn old_secret_until(&self, now: Moment) -> Option<Moment> {
        self.before.as_ref().map(|(_, until)| *until).filter(|until| *until > now)
    }
}

/// An address that events may go to, as it is kept.
fn judged(text: &str) -> Result<String, SubscriptionRefusal> {
    let text = text.trim();
    let fits = Url::parse(text).is_ok_and(|url| {
        let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        url.scheme() == "https" && url.has_host() && is_bare && text.len() <= LONGEST_URL
    });
    let message = || {
        format!(
            "This is no address that events can go to. Write one of https with at most {LONGEST_URL} bytes, without user name, password and fragment, like https://hooks.contoso.example/portolan."
        )
    };
    fits.then(|| text.to_owned()).ok_or_else(|| SubscriptionRefusal::Invalid { target: "/url", message: message() })
}

/// The happenings of these names, each once and in the order of [`Happening::ALL`].
///
/// # Errors
/// [`SubscriptionRefusal::Invalid`] that lists the names that are none, and those there are.
pub fn happenings(names: &[String]) -> Result<Vec<Happening>, SubscriptionRefusal> {
    let unknown: Vec<&String> = names.iter().filter(|name| Happening::of_name(name).is_none()).collect();
    if unknown.is_empty() {
        let named = |happening: &Happening| names.iter().any(|name| name == happening.name());
        return Ok(Happening::ALL.into_iter().filter(named).collect());
    }
    let told = unknown.iter().take(MOST_TOLD).map(|name| format!("{:?}", name.chars().take(40).collect::<String>()));
    let (told, known) = (told.collect::<Vec<_>>().join(", "), Happening::ALL.map(Happening::name).join(", "));
    let message = format!("There are no events of the name {told}. Name some of: {known}; or none, for all.");
    Err(SubscriptionRefusal::Invalid { target: "/events", message })
}

#[cfg(test)]
mod tests {
    use super::{SubscriptionRefusal, Webhook, WebhookSecret, happenings};
    use crate::happening::Happening;
    use crate::moment::Moment;

    fn secret(byte: u8) -> WebhookSecret {
        WebhookSecret::of(&[byte; 32])
    }

    fn signing(webhook: &Webhook, now: Moment) -> Vec<WebhookSecret> {
        webhook.secrets(now).cloned().collect()
    }

    #[test]
    fn an_address_is_of_https_and_bare() {
        let long = format!("https://h.example/{}", "x".repeat(1_982));
        for good in ["https://h.example", " https://h.example:8443/a?key=1 ", "https://10.0.0.1/x", &long] {
            assert_eq!(Webhook::new(good, secret(1)).unwrap().url(), good.trim());
        }
        let longer = format!("{long}x");
        for bad in [
            "",
            "h.example",
            "http://h.example",
            "ftp://h.example",
            "https://",
            "https://me@h.example",
            "https://me:hush@h.example",
            "https://h.example/#hush",
            &longer,
        ] {
            let refusal = Webhook::new(bad, secret(1)).unwrap_err();
            assert!(matches!(refusal, SubscriptionRefusal::Invalid { target: "/url", .. }), "{bad}");
            assert!(!refusal.to_string().contains("hush"), "{refusal}");
        }
    }

    #[test]
    fn a_secret_is_as_standard_webhooks_wants_it() {
        let of = |count: usize| format!("whsec_{}", base64::Engine::encode(&super::STANDARD, vec![7; count]));
        for (count, fits) in [(0, false), (23, false), (24, true), (32, true), (64, true), (65, false)] {
            assert_eq!(WebhookSecret::parse(&of(count)).is_ok(), fits, "{count}");
        }
        for bad in ["", "whsec_", &of(32)[6..], "whsec_hush!hush!hush!hush!hush!hush!hush!hush!"] {
            let refusal = WebhookSecret::parse(bad).unwrap_err().to_string();
            assert!(!refusal.contains("hush"), "{refusal}");
        }
        assert_eq!(WebhookSecret::parse(secret(9).reveal()).unwrap(), secret(9));
    }

    #[test]
    fn for_a_day_the_secret_before_signs_too() {
        let now = Moment::from_ticks(0);
        let webhook = Webhook::new("https://h.example/?key=hush", secret(1)).unwrap();
        assert_eq!((signing(&webhook, now), webhook.old_secret_until(now)), (vec![secret(1)], None));
        let webhook = webhook.rotated(secret(2), now);
        let end = now.plus_seconds(24 * 3600);
        assert_eq!(signing(&webhook, end.plus_seconds(-1)), [secret(2), secret(1)]);
        assert_eq!((webhook.old_secret_until(now), webhook.old_secret_until(end)), (Some(end), None));
        assert_eq!(signing(&webhook, end), [secret(2)]);
        let again = webhook.rotated(secret(3), now);
        assert_eq!(signing(&again, now), [secret(3), secret(2)], "two at most");
        let moved = again.clone().moved("https://other.example").unwrap();
        assert_eq!((moved.url(), signing(&moved, now)), ("https://other.example", signing(&again, now)));
        let kept = serde_json::to_vec(&again).unwrap();
        assert_eq!(serde_json::from_slice::<Webhook>(&kept).unwrap(), again);
        assert_eq!(again.shown_url(), "https://h.example/?…");
        assert_eq!(moved.shown_url(), "https://other.example");
        let shown = format!("{again:?} {:?}", secret(1));
        assert!(!shown.contains("hush") && !shown.contains("whsec") && !shown.contains("h.example"), "{shown}");
    }

    #[test]
    fn names_that_are_none_are_listed() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(happenings(&[]), Ok(Vec::new()));
        let wanted = happenings(&names(&["live", "created", "live"]));
        assert_eq!(wanted, Ok(vec![Happening::Created, Happening::Live]));
        let refusal = happenings(&names(&["live", "Live", "lived"])).unwrap_err().to_string();
        assert!(refusal.contains(r#""Live", "lived". Name some of: created,"#), "{refusal}");
    }
}

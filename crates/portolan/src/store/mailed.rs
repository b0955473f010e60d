//! What the letter of a mail says: to whom, and the words that were true when it was put into the outbox.

use super::outbox::Letter;
use super::{LetterKind, Post, StoreError};
use publishing::explain::explain;
use publishing::happening::Happening;
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// A mail as it waits in the outbox, sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailed {
    /// The address it goes to.
    pub to: String,
    /// What it tells.
    #[serde(flatten)]
    pub says: Says,
}

/// What a mail tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Says {
    /// What happened to an offer.
    Happened(Words),
    /// Something about a subscription.
    Notice(Notice),
}

/// What is said of an offer at the moment when something happened to it: as `explain` says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// What happened.
    pub happening: Happening,
    /// The offer's name for people; empty where it has none.
    pub name: String,
    /// The version that is published, where one is or was.
    pub version: Option<i64>,
    /// What is so.
    pub headline: String,
    /// What comes next, and whose turn it is.
    pub next: String,
    /// The time that is known of what is waited for, where one is.
    pub until: Option<Moment>,
    /// What happens at that time, after the word "it"; none in letters from before that was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
}

/// What is told of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "camelCase")]
pub enum Notice {
    /// Nothing goes to a webhook any more until somebody mends it.
    WebhookDisabled {
        /// Which.
        subscription: Uuid,
        /// Where it goes, without what is secret in it.
        url: String,
        /// Whose it is; empty for the marketplace's.
        publisher: String,
        /// Since when nothing was taken there.
        since: Moment,
    },
}

impl fmt::Debug for Mailed {
    /// Without the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailed").field("says", &self.says).finish_non_exhaustive()
    }
}

impl Words {
    /// What is so of an offer at this moment, at which this happened to it.
    pub fn of(offer: &Offer, name: &str, happening: Happening, now: Moment) -> Self {
        let told = explain(offer, now);
        Self {
            happening,
            name: name.to_owned(),
            version: offer.operation.as_ref().map(|operation| operation.offer_version),
            then: told.known_time().map(|(then, _)| then.words().to_owned()),
            headline: told.headline.to_string(),
            next: told.next.to_string(),
            until: told.until,
        }
    }
}

/// Who an address is, in lanes and signed links: it cannot be turned back.
pub fn receiver(address: &str) -> Uuid {
    stable_id(&[&address.to_lowercase()])
}

/// The same for the same parts: whoever gets something twice can tell by it.
pub fn stable_id(parts: &[&str]) -> Uuid {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl Post {
    /// Puts a notice into the outbox, in the lane of mails about this offer to this address. The same notice of the same
    /// time goes there once, however often it is put.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notice(&self, key: &OfferKey, to: &str, notice: Notice, at: Moment) -> Result<(), StoreError> {
        let Notice::WebhookDisabled { subscription, since, .. } = &notice;
        let id = stable_id(&[&to.to_lowercase(), &subscription.to_string(), &since.ticks().to_string()]);
        let mailed = Mailed { to: to.to_owned(), says: Says::Notice(notice) };
        let body = serde_json::to_vec(&mailed).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let letter =
            Letter { id, key: key.clone(), kind: LetterKind::Mail, body: body.into(), made_at: at, once: None };
        self.0.post_notice(letter, receiver(to)).await
    }
}

#[cfg(test)]
mod tests {
    use super::{Mailed, Notice, Says};
    use publishing::moment::Moment;
    use uuid::Uuid;

    #[test]
    fn what_is_sealed_can_be_read_again() {
        let notice = Notice::WebhookDisabled {
            subscription: Uuid::from_u128(1),
            url: "https://hooks.example/…".into(),
            publisher: "contoso".into(),
            since: Moment::from_ticks(7),
        };
        let mailed = Mailed { to: "jane@contoso.example".into(), says: Says::Notice(notice) };
        let text = serde_json::to_string(&mailed).unwrap();
        assert!(text.contains(r#""to":"jane@contoso.example","notice":"webhookDisabled""#), "{text}");
        assert_eq!(serde_json::from_str::<Mailed>(&text).unwrap(), mailed);
        assert!(!format!("{mailed:?}").contains("jane"), "{mailed:?}");
    }
}

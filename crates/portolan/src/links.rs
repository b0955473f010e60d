//! Addresses that lead to us from outside, and the signatures of those that open only for who was given them.

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use publishing::offer::OfferKey;
use std::fmt;
use std::sync::Arc;

/// How many hexadecimal digits a signature has: 128 bits.
const SIGNATURE_DIGITS: usize = 32;

/// Media types that artifacts can have, and the endings of their addresses. What is not among them is `bin`.
const ENDINGS: [(&str, &str); 9] = [
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("text/csv", "csv"),
    ("application/zip", "zip"),
    ("application/pdf", "pdf"),
    ("application/gzip", "gz"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
];

/// The service's addresses as others see them.
#[derive(Clone)]
pub struct Links {
    public_url: Arc<str>,
    key: Arc<Key>,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

impl Links {
    /// Links below this address, which has no slash at its end, signed with this installation's key.
    pub fn new(public_url: Arc<str>, key: &[u8; 32]) -> Self {
        Self { public_url, key: Arc::new(Key::new(HMAC_SHA256, key)) }
    }

    /// The service's address, without a slash at its end.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The page where customers see an offer.
    pub fn live_page(&self, key: &OfferKey) -> String {
        format!("{}/listings/{}/{}", self.public_url, key.publisher, key.offer)
    }

    /// The page where those who have signed in see an offer's preview.
    pub fn preview_page(&self, key: &OfferKey) -> String {
        format!("{}/preview", self.live_page(key))
    }

    /// The page where whoever has this address sees the preview of a version, on behalf of a subscription.
    pub fn preview_page_for(&self, key: &OfferKey, version: i64, subscription: &str) -> String {
        let signature = self.sign(&Self::preview_text(key, version, subscription));
        let page = self.preview_page(key);
        // An operator's type may let it be any text.
        let subscription: String = form_urlencoded::byte_serialize(subscription.as_bytes()).collect();
        format!("{page}?version={version}&subscription={subscription}&signature={signature}")
    }

    /// Whether a signature opens the preview of a version on behalf of a subscription.
    pub fn opens_preview(&self, key: &OfferKey, version: i64, subscription: &str, signature: &str) -> bool {
        self.is_signed(&Self::preview_text(key, version, subscription), signature)
    }

    /// The page that says where an offer stands, for those who have signed in.
    pub fn status_page(&self, key: &OfferKey) -> String {
        format!("{}/publishers/{}/offers/{}", self.public_url, key.publisher, key.offer)
    }

    /// Where a pinned artifact can be had: whoever has the address has the file.
    pub fn artifact(&self, digest: &str, media_type: &str) -> String {
        let ending = ENDINGS.iter().find(|(known, _)| *known == media_type).map_or("bin", |(_, ending)| *ending);
        let signature = self.sign(&format!("artifact {digest} {ending}"));
        format!("{}/artifacts/{digest}.{signature}.{ending}", self.public_url)
    }

    /// The digest and media type of the artifact that the last part of an address names, if we wrote that address.
    pub fn opens_artifact<'a>(&self, name: &'a str) -> Option<(&'a str, &'static str)> {
        let (digest, rest) = name.split_once('.')?;
        let (signature, ending) = rest.split_once('.')?;
        let signed = self.is_signed(&format!("artifact {digest} {ending}"), signature);
        let known = ENDINGS.iter().find(|(_, known)| *known == ending);
        signed.then(|| (digest, known.map_or("application/octet-stream", |(media_type, _)| *media_type)))
    }

    /// The last part of the address of one of our own artifacts, where an address is one.
    pub fn own_artifact<'a>(&self, url: &'a str) -> Option<&'a str> {
        url.strip_prefix(&*self.public_url)?.strip_prefix("/artifacts/")
    }

    /// Where an outside system reports on a check.
    pub fn check_report(&self, operation: &uuid::Uuid, step: &str, check: usize) -> String {
        format!("{}/api/checks/{operation}/{step}/{check}/report", self.public_url)
    }

    fn preview_text(key: &OfferKey, version: i64, subscription: &str) -> String {
        format!("preview {} {version} {subscription}", key.name())
    }

    fn sign(&self, text: &str) -> String {
        let tag = hmac::sign(&self.key, text.as_bytes());
        tag.as_ref().iter().take(SIGNATURE_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
    }

    fn is_signed(&self, text: &str, signature: &str) -> bool {
        let right = self.sign(text);
        aws_lc_rs::constant_time::verify_slices_are_equal(right.as_bytes(), signature.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Links;
    use publishing::offer::{OfferId, OfferKey, PublisherId};

    fn key(offer: &str) -> OfferKey {
        OfferKey { publisher: PublisherId::parse("Contoso").unwrap(), offer: OfferId::parse(offer).unwrap() }
    }

    #[test]
    fn a_signature_opens_what_it_was_made_for_and_nothing_else() {
        let links = Links::new("https://portolan.example".into(), &[7; 32]);
        let page = links.preview_page_for(&key("web"), 3, "s1");
        let signature = page.rsplit_once('=').unwrap().1;
        assert_eq!(signature.len(), 32);
        assert!(links.opens_preview(&key("web"), 3, "s1", signature));
        assert!(!links.opens_preview(&key("web"), 4, "s1", signature), "another version");
        assert!(!links.opens_preview(&key("web2"), 3, "s1", signature), "another offer");
        assert!(!links.opens_preview(&key("web"), 3, "s2", signature), "another subscription");
        assert!(!links.opens_preview(&key("web"), 3, "s1", ""), "none");
        let others = Links::new("https://portolan.example".into(), &[8; 32]);
        assert!(!others.opens_preview(&key("web"), 3, "s1", signature), "another installation");
    }

    #[test]
    fn a_subscription_cannot_add_to_the_query_of_its_link() {
        let links = Links::new("https://portolan.example".into(), &[7; 32]);
        let page = links.preview_page_for(&key("web"), 3, "a&version=9 #\u{e9}");
        let (_, query) = page.split_once('?').unwrap();
        let members: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let [(_, version), (_, subscription), (_, signature)] = &members[..] else { panic!("{query}") };
        assert_eq!((version.as_str(), subscription.as_str()), ("3", "a&version=9 #\u{e9}"));
        assert!(links.opens_preview(&key("web"), 3, subscription, signature));
        assert!(!query.contains('#'), "{query}");
    }

    #[test]
    fn an_artifacts_address_is_ours_and_names_its_type() {
        let links = Links::new("https://portolan.example".into(), &[7; 32]);
        let address = links.artifact("ab12", "image/png");
        let name = links.own_artifact(&address).unwrap();
        assert_eq!(links.opens_artifact(name), Some(("ab12", "image/png")));
        assert_eq!(links.opens_artifact(&name.replace("ab12", "ab13")), None);
        assert_eq!(links.opens_artifact(&name.replace(".png", ".bin")), None, "the type is signed too");
        assert_eq!(links.own_artifact("https://elsewhere.example/artifacts/x.y.png"), None);
        let unknown = links.artifact("ab12", "text/html");
        assert_eq!(links.opens_artifact(links.own_artifact(&unknown).unwrap()).unwrap().1, "application/octet-stream");
    }
}

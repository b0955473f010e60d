//! Folds the fixed words of a path to the spelling of the routes, and drops a trailing slash.

use http::Uri;

/// The fixed words of paths below `/api`, as the routes spell them.
const WORDS: [&str; 35] = [
    "publishers",
    "offerTypes",
    "operations",
    "reviews",
    "offers",
    "status",
    "explain",
    "history",
    "audit",
    "events",
    "publish",
    "notifications",
    "mail",
    "golive",
    "cancel",
    "rollback",
    "audiences",
    "synchronise",
    "submissions",
    "versions",
    "slot",
    "leads",
    "members",
    "secrets",
    "invitation",
    "staff",
    "claim",
    "release",
    "notes",
    "subscriptions",
    "deliveries",
    "rotate",
    "enable",
    "test",
    "redeliver",
];

/// The path as the routes spell it, where it is spelled otherwise. Names are left as they are.
pub(crate) fn canonical(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    // Most paths are spelled as the routes are, and stand here before every read: one look over the bytes settles it.
    if !path.ends_with('/') && !path.bytes().any(|byte| byte.is_ascii_uppercase()) && !path.ends_with("/offertypes") {
        return None;
    }
    let trimmed = if path.len() > 1 { path.strip_suffix('/').unwrap_or(path) } else { path };
    let folded = fold(trimmed);
    if folded.is_none() && trimmed.len() == path.len() {
        return None;
    }
    let path = folded.as_deref().unwrap_or(trimmed);
    let whole = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    whole.parse().ok()
}

fn fold(path: &str) -> Option<String> {
    let mut segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let mut changed = false;
    let mut put = |at: usize, segments: &mut Vec<&str>, words: &[&'static str]| {
        let Some(segment) = segments.get(at).copied() else { return };
        if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(segment) && **word != segment) {
            segments[at] = word;
            changed = true;
        }
    };
    put(0, &mut segments, &["api"]);
    if segments.first() != Some(&"api") {
        return None;
    }
    put(1, &mut segments, &WORDS);
    if segments.get(1) == Some(&"publishers") {
        put(3, &mut segments, &WORDS);
        put(5, &mut segments, &WORDS);
        if segments.get(3) == Some(&"subscriptions") {
            put(7, &mut segments, &WORDS);
        }
        if segments.get(5) == Some(&"audiences") {
            put(6, &mut segments, &WORDS);
        }
    }
    for at in [1, 3] {
        if segments.get(at) == Some(&"notifications") {
            put(at + 1, &mut segments, &WORDS);
        }
    }
    if segments.get(1) == Some(&"staff") {
        put(3, &mut segments, &WORDS);
    }
    if segments.get(1) == Some(&"subscriptions") {
        put(3, &mut segments, &WORDS);
        put(5, &mut segments, &WORDS);
    }
    if segments.get(1) == Some(&"reviews") {
        put(4, &mut segments, &WORDS);
    }
    changed.then(|| format!("/{}", segments.join("/")))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn words_fold_and_names_do_not() {
        for (given, routed) in [
            (
                "/API/Publishers/Contoso/OFFERS/My-Offer/GoLive?x=Y",
                Some("/api/publishers/Contoso/offers/My-Offer/golive?x=Y"),
            ),
            ("/api/offertypes/", Some("/api/offerTypes")),
            ("/api/publishers/p/offers/o/submissions/?a=b", Some("/api/publishers/p/offers/o/submissions?a=b")),
            ("/api/reviews/ID/Review/Claim", Some("/api/reviews/ID/Review/claim")),
            ("/api/publishers/OFFERS/offers/STATUS/status", None),
            ("/api/Notifications/MAIL", Some("/api/notifications/mail")),
            ("/api/publishers/p/notifications/Mail", Some("/api/publishers/p/notifications/mail")),
            ("/api/operations/P$O$2$Preview", None),
            ("/Healthz", None),
            ("/", None),
        ] {
            let uri = canonical(&given.parse().unwrap());
            assert_eq!(uri.map(|uri| uri.to_string()).as_deref(), routed, "{given}");
        }
    }
}

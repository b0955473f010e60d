//! What handlers take from a request: the caller, the names in the path, the query, the body, the conditions.

use super::Rooms;
use super::errors::Problem;
use super::json;
use super::slow::TooSlow;
use crate::auth::{Authorised, Caller, NotVerified, Permission};
use crate::store::Read;
use api::dates::Date;
use api::errors::ErrorCode;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, IF_MATCH};
use http::request::Parts;
use http::{HeaderMap, Uri};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use publishing::addresses;
use publishing::command::Expected;
use publishing::moment::Moment;
use publishing::offer::{OfferId, OfferKey, is_slug};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The longest body of a PUT, in bytes.
pub(crate) const LONGEST_OFFER: usize = 4 << 20;

/// The longest body of a POST, in bytes.
pub(crate) const LONGEST_ACTION: usize = 64 << 10;

/// The caller that the door let in, and the names in the path, decoded once.
#[derive(Debug)]
pub(crate) struct At {
    caller: Arc<Caller>,
    names: Option<RawPathParams>,
}

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Arc<Caller>>().cloned();
        let caller = caller.ok_or_else(|| Problem::internal(&"a request came past the door"))?;
        let names = match RawPathParams::from_request_parts(parts, state).await {
            Ok(names) => Some(names),
            Err(RawPathParamsRejection::MissingPathParams(_)) => None,
            Err(_) => {
                return Err(Problem::not_found("The path holds bytes that are not UTF-8 when decoded. Correct it."));
            }
        };
        Ok(Self { caller, names })
    }
}

impl At {
    /// The caller.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The same, to be asked again later.
    pub(crate) fn caller_again(&self) -> Arc<Caller> {
        Arc::clone(&self.caller)
    }

    /// The same request of the same caller, with the roles of now.
    pub(super) fn again(self, rooms: &Rooms) -> Result<Self, NotVerified> {
        let caller = rooms.gate.again(&self.caller)?;
        Ok(Self { caller, ..self })
    }

    /// The name at this place among the path's parameters.
    pub(crate) fn name(&self, at: usize) -> &str {
        self.names.as_ref().and_then(|names| names.iter().nth(at)).map_or("", |(_, value)| value)
    }

    /// The path's parameter of this name.
    pub(crate) fn named(&self, parameter: &str) -> &str {
        let mut names = self.names.iter().flat_map(|names| names.iter());
        names.find(|(name, _)| *name == parameter).map_or("", |(_, value)| value)
    }

    /// Asks whether the caller may do this to the path's publisher. Comes before anything else is looked at.
    ///
    /// A member needs nothing but its roles for that, so that a publisher that is not there takes no other time than one that
    /// is not the caller's. Only staff, who may know all publishers, are told which there are.
    pub(crate) fn authorise(&self, read: &Read, permission: Permission) -> Result<Authorised<'_>, Problem> {
        self.authorise_at(self.name(0), read, permission)
    }

    /// The same for a publisher that is named elsewhere.
    pub(crate) fn authorise_at(
        &self,
        publisher: &str,
        read: &Read,
        permission: Permission,
    ) -> Result<Authorised<'_>, Problem> {
        if let Ok(authorised) = self.caller.authorise(publisher, permission) {
            return Ok(authorised);
        }
        self.caller.authorise_marketplace(permission)?;
        let stored = read.publisher(&publisher.to_ascii_lowercase())?;
        let missing = || Problem::not_found(format!("There is no publisher {:?}. Check its id.", shown(publisher)));
        Ok(self.caller.authorise_staff(stored.ok_or_else(missing)?.id, permission)?)
    }

    /// The name under which the store keeps the status of the path's offer, without an allocation.
    pub(crate) fn status_name(&self, authorised: &Authorised<'_>) -> Result<StatusName, Problem> {
        StatusName::new(authorised.publisher().as_str(), self.name(1)).ok_or_else(|| no_such_offer(self.name(1)))
    }

    /// The path's offer at an authorised publisher.
    pub(crate) fn key(&self, authorised: &Authorised<'_>) -> Result<OfferKey, Problem> {
        let offer = OfferId::parse(self.name(1)).ok_or_else(|| no_such_offer(self.name(1)))?;
        Ok(OfferKey { publisher: authorised.publisher().clone(), offer })
    }
}

/// `publisher/offer`, folded: at most 50 bytes each.
pub(crate) struct StatusName {
    bytes: [u8; 101],
    length: usize,
}

impl StatusName {
    fn new(publisher: &str, offer: &str) -> Option<Self> {
        let mut name = Self { bytes: [0; 101], length: publisher.len() + 1 + offer.len() };
        let bytes = name.bytes.get_mut(..name.length)?;
        let (first, rest) = bytes.split_at_mut(publisher.len());
        first.copy_from_slice(publisher.as_bytes());
        rest[0] = b'/';
        rest[1..].copy_from_slice(offer.as_bytes());
        bytes.make_ascii_lowercase();
        let folded = std::str::from_utf8(bytes.get(publisher.len() + 1..)?).ok()?;
        is_slug(folded).then_some(name)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// What an offer id looks like, for people.
pub(crate) const OFFER_ID_FORM: &str = "An offer id has 1 to 50 lower-case letters, digits, `-` and `_`, begins with a letter or digit, and does not end in `-`.";

/// There can be no offer of this id.
pub(crate) fn no_such_offer(id: &str) -> Problem {
    Problem::not_found(format!("There is no offer {:?}. {OFFER_ID_FORM}", shown(id)))
}

/// As much of a name as an answer repeats.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

/// The query's members, decoded, names without a leading `$`.
pub(crate) fn query(uri: &Uri) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.map(|(name, value)| (name.trim_start_matches('$').to_owned(), value.into_owned())).collect()
}

/// The members of a form; `None` where one is given twice, and nobody knows which counts.
pub fn form_members(body: &[u8]) -> Option<HashMap<String, String>> {
    let mut members = HashMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        if members.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(members)
}

/// The caller's `If-Match`.
pub(crate) fn expected(headers: &HeaderMap) -> Expected {
    let mut tags =
        headers.get_all(IF_MATCH).iter().flat_map(|value| value.to_str().unwrap_or_default().split(',')).peekable();
    if tags.peek().is_none() {
        return Expected::Unstated;
    }
    let mut moments = Vec::new();
    for tag in tags.map(str::trim) {
        if tag == "*" {
            return Expected::Any;
        }
        moments.extend(Date::from_etag(tag).map(|date| Moment::from_ticks(date.ticks())));
    }
    Expected::OneOf(moments)
}

/// Refuses a body that does not say it is JSON in UTF-8.
pub(crate) fn want_json(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |target, message: &str| Err(Problem::new(ErrorCode::UnsupportedMediaType, message).at(target));
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return refused("Content-Encoding", "The body is compressed. Send it uncompressed, without Content-Encoding.");
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let charset = parameters.split(';').find_map(|parameter| {
        parameter.trim().to_ascii_lowercase().strip_prefix("charset=").map(|c| c.trim_matches('"').to_owned())
    });
    let utf8 = charset.is_none_or(|charset| charset == "utf-8" || charset == "utf8");
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return refused(
            "Content-Type",
            "The body is not declared as JSON. Send Content-Type: application/json; charset=utf-8.",
        );
    }
    if !utf8 {
        return refused("Content-Type", "The body is declared in another charset than UTF-8. Send it in UTF-8.");
    }
    Ok(())
}

/// Reads a body of at most so many bytes.
pub(crate) async fn read_body(body: Body, longest: usize) -> Result<Bytes, Problem> {
    let too_long = || {
        let message = format!("The body is longer than {} KiB. Send a shorter one.", longest >> 10);
        Problem::new(ErrorCode::PayloadTooLarge, message)
    };
    // A length that is declared is believed. Where it is not much too long the body is let in and thrown away, for many
    // clients read no answer before they have sent everything.
    let declared = body.size_hint().lower();
    if declared > longest as u64 {
        if declared <= 4 * longest as u64 {
            let mut body = body;
            while let Some(Ok(_)) = body.frame().await {}
        }
        return Err(too_long());
    }
    match Limited::new(body, longest).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if is_due_to::<LengthLimitError>(error.as_ref()) => Err(too_long()),
        Err(error) if is_due_to::<TooSlow>(error.as_ref()) => {
            let message = "The body did not come in time. Send it again, faster, on a new connection.";
            Err(Problem::new(ErrorCode::RequestTimeout, message))
        }
        Err(_) => Err(Problem::bad_request("", "The body broke off. Send it again, whole.")),
    }
}

fn is_due_to<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<E>() || error.source().is_some_and(is_due_to::<E>)
}

/// Reads the JSON body of a call of our own, strictly: a misspelt member is a fault.
pub(crate) async fn read_own<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let body = read_body(body, LONGEST_ACTION).await?;
    let fault = |error: serde_json::Error| {
        let told = told(&error.to_string());
        Problem::bad_request("", format!("The body is not what this call takes: {told}. /openapi.json describes it."))
    };
    let text = json::check(&body)?;
    // Members are told by their names: serde would also take them in an array, in order.
    if !text.trim_start().starts_with('{') {
        return Err(Problem::bad_request(
            "",
            "The body is not a JSON object. /openapi.json describes what this call takes.",
        ));
    }
    serde_json::from_str(text).map_err(fault)
}

/// What serde says of a fault, without what was found there: that may be a secret in the wrong place.
fn told(error: &str) -> String {
    const MISSING: &str = "missing field";
    match error.rfind("expected ") {
        _ if error.starts_with(MISSING) => error.to_owned(),
        Some(wanted) => error[wanted..].to_owned(),
        None => error.rfind("at line ").map_or("another form", |place| &error[place..]).to_owned(),
    }
}

/// The same for a body that may be left out.
pub(crate) async fn read_own_or_nothing<T: DeserializeOwned + Default>(body: Body) -> Result<T, Problem> {
    let body = read_body(body, LONGEST_ACTION).await?;
    if body.trim_ascii().is_empty() { Ok(T::default()) } else { read_own(Body::from(body)).await }
}

/// Reads the optional body of publish, go live and cancel, which may use single quotes.
///
/// # Errors
/// 400 where it is no such body, or a mail address in it cannot be one.
pub(crate) async fn read_action(body: Body) -> Result<Vec<String>, Problem> {
    let body = read_body(body, LONGEST_ACTION).await?;
    if body.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let plain = json::check(&body).map(str::to_owned);
    let text = plain.or_else(|problem| {
        let doubled = json::with_double_quotes(&String::from_utf8_lossy(&body));
        json::check(doubled.as_bytes()).map(str::to_owned).map_err(|_| problem)
    })?;
    if text.trim() == "null" {
        return Ok(Vec::new());
    }
    let body: Value = serde_json::from_str(&text).map_err(|error| Problem::internal(&error))?;
    Ok(addresses::parse(emails(&body)?)?)
}

/// The mail list in the body of an action; empty where it has none.
fn emails(body: &Value) -> Result<&str, Problem> {
    const SAMPLE: &str =
        r#"Send something like {"metadata":{"notification-emails":"jane@contoso.example"}}, or no body."#;
    let wrong = |target: &str, what: &str| Err(Problem::bad_request(target, format!("{what}. {SAMPLE}")));
    match body {
        Value::Object(members) => match members.get("metadata") {
            None | Some(Value::Null) => Ok(""),
            Some(Value::Object(metadata)) => match metadata.get("notification-emails") {
                None | Some(Value::Null) => Ok(""),
                Some(Value::String(emails)) => Ok(emails),
                Some(_) => wrong("/metadata/notification-emails", "notification-emails is not a text"),
            },
            Some(_) => wrong("/metadata", "metadata is not an object"),
        },
        _ => wrong("", "The body is not a JSON object"),
    }
}

#[cfg(test)]
mod tests {
    use super::told;
    use api::access::{NewMember, NewRoles};
    use serde::de::DeserializeOwned;

    fn fault<T: DeserializeOwned>(body: &str) -> String {
        told(&serde_json::from_str::<T>(body).err().unwrap().to_string())
    }

    #[test]
    fn faults_are_told_without_what_was_found() {
        assert_eq!(fault::<NewRoles>("{}"), "missing field `roles` at line 1 column 2");
        assert_eq!(fault::<NewRoles>(r#"{"hush":1}"#), "expected `roles` at line 1 column 7");
        assert_eq!(fault::<NewRoles>(r#"{"roles":"hush expected x"}"#), "expected a sequence at line 1 column 26");
        for body in [
            r#"{"roles":["hush"]}"#,
            r#"{"kind":"hush","roles":[]}"#,
            r#"{"id":"hush","roles":[]}"#,
            r#"{"name":["hush"],"roles":[]}"#,
            r#"{"hush":"hush","roles":[]}"#,
            r#""hush""#,
        ] {
            let told = fault::<NewMember>(body);
            assert!(!told.contains("hush") && told.contains("line 1 column"), "{body}: {told}");
        }
    }
}

//! What a server says no with: in this API's words, in those of another server of the original API, or in none at all.

use super::ClientError;
use super::connection::header;
use crate::errors::{ErrorBody, ErrorCode, ErrorDetail, UnauthorizedDocument};
use crate::status::or_nothing;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

/// Every member may be missing, or null.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    #[serde(deserialize_with = "or_nothing")]
    error: Said,
    /// Some answer without an envelope.
    #[serde(alias = "Message", deserialize_with = "or_nothing")]
    message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    #[serde(deserialize_with = "or_nothing")]
    code: String,
    #[serde(deserialize_with = "or_nothing")]
    message: String,
    target: Option<String>,
    #[serde(deserialize_with = "or_nothing")]
    details: Vec<SaidDetail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SaidDetail {
    #[serde(deserialize_with = "or_nothing")]
    code: String,
    #[serde(deserialize_with = "or_nothing")]
    message: String,
    #[serde(deserialize_with = "or_nothing")]
    target: String,
}

/// The error that a failed answer is.
pub(super) async fn refusal(response: Response) -> Result<ClientError, ClientError> {
    let status = response.status();
    let mut request_id = header(&response, "x-ms-request-id");
    if request_id.is_empty() {
        request_id = header(&response, "x-ms-requestid");
    }
    let body = response.bytes().await?;
    if status == StatusCode::UNAUTHORIZED {
        let document: Option<UnauthorizedDocument> = serde_json::from_slice(&body).ok();
        let reason = document.map(|document| document.message).or_else(|| said(&body));
        return Ok(ClientError::Unauthorized(reason.unwrap_or_else(|| "no reason was given".into())));
    }
    Ok(read(status, &body, request_id))
}

fn said(body: &[u8]) -> Option<String> {
    let document: Document = serde_json::from_slice(body).ok()?;
    [document.error.message, document.message].into_iter().find(|text| !text.is_empty())
}

fn read(status: StatusCode, body: &[u8], request_id: String) -> ClientError {
    let Document { error, message } = serde_json::from_slice(body).unwrap_or_default();
    let known = ErrorCode::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(&error.code));
    let details: Vec<ErrorDetail> = error.details.into_iter().map(SaidDetail::into).collect();
    let status = status.as_u16();
    let message = [error.message, message].into_iter().find(|text| !text.is_empty());
    let message = message.unwrap_or_else(|| format!("The server says no, and gives no reason ({})", reason(status)));
    match known {
        Ok(code) => {
            let error = Box::new(ErrorBody { code, message, target: error.target, details });
            ClientError::Refused { status, error, request_id }
        }
        Err(_) => ClientError::Foreign { status, code: error.code, message, details, request_id },
    }
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("an unusual status")
}

impl From<SaidDetail> for ErrorDetail {
    fn from(said: SaidDetail) -> Self {
        let SaidDetail { code, message, target } = said;
        Self { code, message, target }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientError, ErrorCode, StatusCode, read};

    #[test]
    fn another_servers_words_are_kept() {
        let body = br#"{"error":{"code":"OfferMissing","message":"No such offer.","details":[{"code":"X","message":"y","target":null}]}}"#;
        let error = read(StatusCode::NOT_FOUND, body, "id-1".into());
        assert_eq!(error.to_string(), "No such offer. (OfferMissing, HTTP 404, request id-1)");
        let ClientError::Foreign { code, details, .. } = error else { panic!() };
        assert_eq!((code.as_str(), details[0].message.as_str(), details[0].target.as_str()), ("OfferMissing", "y", ""));
        let ours = read(StatusCode::CONFLICT, br#"{"error":{"code":"Conflict","message":"No."}}"#, String::new());
        assert_eq!(ours.to_string(), "No. (HTTP 409)");
        assert!(matches!(ours, ClientError::Refused { error, .. } if error.code == ErrorCode::Conflict));
        let bare = read(StatusCode::BAD_GATEWAY, b"<html>", String::new());
        assert_eq!(bare.to_string(), "The server says no, and gives no reason (Bad Gateway) (HTTP 502)");
        assert!(read(StatusCode::BAD_REQUEST, br#"{"Message":"Bad."}"#, String::new()).to_string().starts_with("Bad."));
    }
}

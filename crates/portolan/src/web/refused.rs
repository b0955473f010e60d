//! What the API said no with, on the page of the form: a summary at the top that leads to the fields, and the same words at each.

use super::pages;
use super::reader::text;
use api::errors::{ErrorBody, ErrorCode};
use axum::response::Response;
use http::StatusCode;

/// Why a form was not taken; empty on a page that is only shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Refused {
    /// The whole of it.
    message: String,
    /// Fields by their ids, with what is wrong there.
    fields: Vec<(String, String)>,
    /// Whether the words are in English whatever the reader's language.
    pub(super) is_foreign: bool,
}

impl Refused {
    /// The API's words.
    pub(super) fn of(error: &ErrorBody) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        let named = error.target.iter().map(|target| (target.as_str(), error.message.as_str()));
        for (target, words) in
            error.details.iter().map(|detail| (detail.target.as_str(), detail.message.as_str())).chain(named)
        {
            // `/events/0` is about the field `events`.
            let field = target.trim_start_matches('/').split('/').next().unwrap_or_default();
            if !field.is_empty() && !fields.iter().any(|(known, _)| known == field) {
                fields.push((field.to_owned(), words.to_owned()));
            }
        }
        Self { message: error.message.clone(), fields, is_foreign: true }
    }

    /// Our own words about a field, or the whole where none is named.
    pub(super) fn own(field: &str, words: String) -> Self {
        let fields = if field.is_empty() { Vec::new() } else { vec![(field.to_owned(), words.clone())] };
        Self { message: words, fields, is_foreign: false }
    }

    pub(super) fn is_some(&self) -> bool {
        !self.message.is_empty()
    }

    /// What is wrong, each with its field; one without a field where it is about the whole.
    pub(super) fn all(&self) -> Vec<(Option<&str>, &str)> {
        if self.fields.is_empty() {
            return vec![(None, self.message.as_str())];
        }
        self.fields.iter().map(|(field, words)| (Some(field.as_str()), words.as_str())).collect()
    }

    /// What is wrong with a field.
    pub(super) fn at(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == field).map(|(_, words)| words.as_str())
    }

    /// Whether it is about one of these.
    pub(super) fn is_about(&self, fields: &[&str]) -> bool {
        fields.iter().any(|field| self.at(field).is_some())
    }
}

/// The status that the API answers this with.
pub(super) fn status(error: &ErrorBody) -> StatusCode {
    StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The page for what has no form to be shown at: the API's words as they are, or that there is nothing.
pub(super) fn page(error: &ErrorBody) -> Box<Response> {
    let t = text();
    let title = if error.code == ErrorCode::NotFound { t.fault_lost_title() } else { t.fault_title() };
    Box::new(pages::foreign(status(error), &title, &error.message))
}

#[cfg(test)]
mod tests {
    use super::Refused;
    use api::errors::{ErrorBody, ErrorCode, ErrorDetail};

    #[test]
    fn faults_are_at_their_fields() {
        let detail = |target: &str, message: &str| ErrorDetail {
            code: "BadRequest".into(),
            message: message.into(),
            target: target.into(),
        };
        let mut error = ErrorBody {
            code: ErrorCode::BadRequest,
            message: "All of it.".into(),
            target: Some("/name".into()),
            details: vec![detail("/mail", "No mail."), detail("/events/3", "No event.")],
        };
        let refused = Refused::of(&error);
        assert_eq!((refused.at("mail"), refused.at("events")), (Some("No mail."), Some("No event.")));
        assert_eq!((refused.at("name"), refused.at("roles")), (Some("All of it."), None));
        (error.target, error.details) = (None, Vec::new());
        assert_eq!(Refused::of(&error).all(), [(None, "All of it.")]);
        assert!(!Refused::default().is_some());
    }
}

//! A lead: what somebody who is interested in an offer leaves for its publisher, and how a publisher's endpoint is told of it.

use crate::addresses::is_address;
use crate::offer::OfferKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use thiserror::Error;

/// What a lead is about where nothing is said: somebody wants the offer.
pub const USUAL_ACTION: &str = "INS";

/// Who left a lead. `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// 1 to 100 characters.
    pub first_name: String,
    /// 1 to 100 characters.
    pub last_name: String,
    /// A mail address.
    pub email: String,
    /// At most 50 characters.
    pub phone: String,
    /// At most 200 characters.
    pub company: String,
    /// At most 100 characters.
    pub title: String,
    /// At most 100 characters.
    pub country: String,
}

/// What somebody leaves. `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// The plan it is about.
    pub plan: Option<String>,
    /// What the customer did, as a code of 1 to 20 letters, digits, `-` and `_`.
    pub action: String,
    /// Who.
    pub customer: Customer,
    /// What the customer says, at most 2,000 characters.
    pub note: String,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Customer(…)")
    }
}

impl fmt::Debug for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lead(…)")
    }
}

/// Why a lead is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LeadRefusal {
    /// Something in it cannot be. The message repeats nothing of it.
    #[error("{message}")]
    Invalid {
        /// Where in the body, as a JSON pointer.
        target: String,
        /// What is wrong, and how to mend it.
        message: String,
    },
    /// There is no such offer in production, or no such public plan in it.
    #[error("There is no such offer here, or no such plan of it. Check the ids.")]
    Missing,
    /// Leads of this offer go nowhere, or to where this service delivers none.
    #[error("Leads of this offer are not delivered by this service. Ask its publisher directly.")]
    NotDelivered,
    /// The key was used for another lead.
    #[error("This key was used for another lead in the last 24 hours. Send a key of its own with each lead.")]
    KeyUsed,
}

impl Lead {
    /// The lead without blanks round its texts, if everything in it can be.
    ///
    /// # Errors
    /// [`LeadRefusal::Invalid`].
    pub fn judged(mut self) -> Result<Self, LeadRefusal> {
        let Customer { first_name, last_name, email, phone, company, title, country } = &mut self.customer;
        for (target, text, longest, required) in [
            ("/customer/firstName", first_name, 100, true),
            ("/customer/lastName", last_name, 100, true),
            ("/customer/email", email, 254, true),
            ("/customer/phone", phone, 50, false),
            ("/customer/company", company, 200, false),
            ("/customer/title", title, 100, false),
            ("/customer/country", country, 100, false),
        ] {
            *text = bounded(target, text, longest, required, |c| c.is_control())?;
        }
        self.note = bounded("/note", &self.note, 2_000, false, |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))?;
        if !is_address(&self.customer.email) {
            return Err(invalid("/customer/email", "This is no mail address. Write it like jane@contoso.example."));
        }
        let is_code = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if !(1..=20).contains(&self.action.len()) || !self.action.bytes().all(is_code) {
            return Err(invalid("/action", "This is no code of an action. Use 1 to 20 letters, digits, `-` and `_`."));
        }
        Ok(self)
    }

    /// What an https endpoint is sent: the members of the original, and ours after them.
    pub fn document(&self, about: &About<'_>) -> Value {
        let Customer { first_name, last_name, email, phone, company, title, country } = &self.customer;
        let mut document = json!({
            "UserDetails": {
                "FirstName": first_name, "LastName": last_name, "Email": email, "Phone": phone,
                "Company": company, "Title": title, "Country": country,
            },
            "LeadSource": "AzureMarketplace",
            "ActionCode": self.action,
            "OfferTitle": about.title,
            "Description": self.note,
            "id": about.id,
            "publisherId": about.key.publisher.as_str(),
            "offerId": about.key.offer.as_str(),
            "planId": self.plan,
            "takenAt": about.taken_at,
        });
        if about.is_test {
            document["test"] = Value::Bool(true);
        }
        document
    }

    /// A lead that nobody left, to try an endpoint with.
    pub fn test() -> Self {
        let customer = Customer {
            first_name: "Test".into(),
            last_name: "Lead".into(),
            email: "test@lead.example".into(),
            ..Customer::default()
        };
        let note = "This lead was made to test the endpoint. Nobody waits for an answer.".into();
        Self { plan: None, action: USUAL_ACTION.into(), customer, note }
    }
}

/// What an endpoint is told of a lead besides what the customer left.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The same each time the lead is sent.
    pub id: &'a str,
    /// The offer.
    pub key: &'a OfferKey,
    /// Its name for people.
    pub title: &'a str,
    /// When the lead was taken, in RFC 3339.
    pub taken_at: &'a str,
    /// Whether nobody left it.
    pub is_test: bool,
}

/// A text without blanks round it, if it is not too long, not missing, and holds nothing that is not to be seen.
fn bounded(
    target: &str,
    text: &str,
    longest: usize,
    required: bool,
    is_unseen: impl Fn(char) -> bool,
) -> Result<String, LeadRefusal> {
    let text = text.trim();
    if required && text.is_empty() {
        return Err(invalid(target, "This is missing or blank. Fill it in."));
    }
    if text.chars().count() > longest {
        return Err(invalid(target, format!("This is too long. Give at most {longest} characters.")));
    }
    if text.chars().any(is_unseen) {
        return Err(invalid(target, "There are control characters in it. Leave them out."));
    }
    Ok(text.to_owned())
}

fn invalid(target: &str, message: impl Into<String>) -> LeadRefusal {
    LeadRefusal::Invalid { target: target.to_owned(), message: message.into() }
}

/// Why a lead is not delivered yet, or never was: a category, and nothing of what an endpoint said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LeadFailure {
    /// The version in production has no destination that this service delivers to.
    NoDestination,
    /// The endpoint's address is none that may be sent to.
    AddressNotAllowed,
    /// It cannot be reached.
    Unreachable,
    /// Its certificate is not trusted.
    Certificate,
    /// It took too long.
    TimedOut,
    /// It broke off, or does not speak HTTP.
    Broken,
    /// It redirects, and redirects are not followed.
    Redirected,
    /// It answered with another status than 2xx.
    Refused,
    /// What is kept of the lead cannot be read any more.
    Unreadable,
}

#[cfg(test)]
mod tests {
    use super::{Customer, Lead, LeadRefusal, USUAL_ACTION};

    fn lead() -> Lead {
        Lead { note: " Call\nme ".into(), ..Lead::test() }
    }

    fn target(lead: Lead) -> String {
        match lead.judged().unwrap_err() {
            LeadRefusal::Invalid { target, message } => {
                assert!(!message.contains("hush"), "{message}");
                target
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lead_is_read_strictly_and_repeated_nowhere() {
        let judged = lead().judged().unwrap();
        assert_eq!((judged.note.as_str(), judged.action.as_str()), ("Call\nme", USUAL_ACTION));
        assert_eq!(format!("{judged:?} {:?}", judged.customer), "Lead(…) Customer(…)");
        let with = |change: fn(&mut Customer)| {
            let mut lead = lead();
            change(&mut lead.customer);
            target(lead)
        };
        assert_eq!(with(|customer| customer.email = "hush".into()), "/customer/email");
        assert_eq!(with(|customer| customer.email = "a@x.example\r\nBcc: hush@x".into()), "/customer/email");
        assert_eq!(with(|customer| customer.email = String::new()), "/customer/email");
        assert_eq!(with(|customer| customer.first_name = "  ".into()), "/customer/firstName");
        assert_eq!(with(|customer| customer.last_name = "hush".repeat(26)), "/customer/lastName");
        assert_eq!(with(|customer| customer.phone = "1".repeat(51)), "/customer/phone");
        assert_eq!(with(|customer| customer.company = "hush\0".into()), "/customer/company");
        assert_eq!(target(Lead { note: "x".repeat(2_001), ..lead() }), "/note");
        assert_eq!(target(Lead { note: "hush\u{7}".into(), ..lead() }), "/note");
        assert_eq!(target(Lead { action: "hush hush".into(), ..lead() }), "/action");
        assert_eq!(target(Lead { action: String::new(), ..lead() }), "/action");
    }
}

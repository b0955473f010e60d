//! Carries leads: what customers left, to the endpoint of the version in production.

use super::outbox::{Carried, Carrier, Fails};
use crate::checks::{LeadAnswer, send_lead};
use crate::egress::{Egress, EgressFault};
use crate::store::{Held, LetterKind, Post, StoreError};
use crate::wire;
use async_trait::async_trait;
use publishing::lead::{About, Lead, LeadFailure};
use publishing::leads::{Endpoint, LeadDestination, destination};
use publishing::offer::OfferKey;
use publishing::secrets;

/// Why a try failed, and whether any other letter would have failed there too.
type Failed = (LeadFailure, bool);

/// Carries leads.
#[derive(Clone, Debug)]
pub struct Leads {
    post: Post,
    egress: Egress,
}

#[async_trait]
impl Carrier for Leads {
    fn kind(&self) -> LetterKind {
        LetterKind::Lead
    }

    async fn carry(&self, held: &Held) -> Result<Carried, StoreError> {
        Ok(match self.try_once(held).await? {
            Ok(()) => Carried::Delivered { status: None },
            Err((failure, is_of_the_destination)) => {
                let fails = if is_of_the_destination { Fails::Lane } else { Fails::Letter };
                Carried::Failed { failure: word(failure), fails, status: None, not_before: None }
            }
        })
    }
}

impl Leads {
    /// Carries what is in this store over this way out.
    pub fn new(post: Post, egress: Egress) -> Self {
        Self { post, egress }
    }

    /// Sends a letter to where leads of its offer go now.
    async fn try_once(&self, held: &Held) -> Result<Result<(), Failed>, StoreError> {
        let opened = self.post.open(held).map(|body| serde_json::from_slice::<Lead>(&body));
        let lead = match opened {
            Ok(Ok(lead)) => lead,
            // The parser's words would quote what it read.
            Ok(Err(_)) => return Ok(Err((LeadFailure::Unreadable, false))),
            Err(error) => {
                tracing::error!(%error, id = %held.id, "a lead cannot be read");
                return Ok(Err((LeadFailure::Unreadable, false)));
            }
        };
        let Some((endpoint, title)) = self.endpoint(&held.key).await? else {
            return Ok(Err((LeadFailure::NoDestination, true)));
        };
        let (id, taken_at) = (held.id.to_string(), wire::date(held.made_at).to_string());
        let about = About { id: &id, key: &held.key, title: &title, taken_at: &taken_at, is_test: false };
        let answer = send_lead(&self.egress, &endpoint, &id, &lead.document(&about)).await;
        Ok(match answer {
            Ok(status) => match LeadAnswer::from(status) {
                LeadAnswer::Taken => Ok(()),
                LeadAnswer::Unfit => Err((LeadFailure::Refused, false)),
                _ if status.is_redirection() => Err((LeadFailure::Redirected, true)),
                LeadAnswer::NotNow | LeadAnswer::Closed => Err((LeadFailure::Refused, true)),
            },
            Err(fault) => Err((category(&fault), true)),
        })
    }

    /// The endpoint of the version in production, and what that version is called.
    async fn endpoint(&self, key: &OfferKey) -> Result<Option<(Endpoint, String)>, StoreError> {
        let Some(version) = self.post.offer(key).await?.and_then(|offer| offer.production) else { return Ok(None) };
        let Some(snapshot) = self.post.snapshot(key, version).await? else { return Ok(None) };
        let judge = move || match destination(&secrets::put_back(&snapshot.draft)) {
            Ok(LeadDestination::Https(endpoint)) => Some((endpoint, wire::display_text(&snapshot.draft.definition))),
            _ => None,
        };
        let judged = tokio::task::spawn_blocking(judge).await;
        judged.map_err(|error| StoreError::Unavailable(format!("judging broke off: {error}")))
    }
}

fn category(fault: &EgressFault) -> LeadFailure {
    match fault {
        EgressFault::NoSuchName | EgressFault::Unreachable => LeadFailure::Unreachable,
        EgressFault::Certificate => LeadFailure::Certificate,
        EgressFault::TimedOut | EgressFault::TooSlow => LeadFailure::TimedOut,
        EgressFault::Broken | EgressFault::TooLarge => LeadFailure::Broken,
        EgressFault::NoAddress
        | EgressFault::NotHttps
        | EgressFault::Credentials
        | EgressFault::Port
        | EgressFault::Private
        | EgressFault::TooManyAddresses
        | EgressFault::TooManyRedirects
        | EgressFault::Redirected(_) => LeadFailure::AddressNotAllowed,
    }
}

/// How a failure is stored, and told.
const fn word(failure: LeadFailure) -> &'static str {
    match failure {
        LeadFailure::NoDestination => "noDestination",
        LeadFailure::AddressNotAllowed => "addressNotAllowed",
        LeadFailure::Unreachable => "unreachable",
        LeadFailure::Certificate => "certificate",
        LeadFailure::TimedOut => "timedOut",
        LeadFailure::Broken => "broken",
        LeadFailure::Redirected => "redirected",
        LeadFailure::Refused => "refused",
        LeadFailure::Unreadable => "unreadable",
    }
}

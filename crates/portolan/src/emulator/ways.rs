//! The ways out of an emulator: none leads anywhere. What would be sent is recorded, and answered as the faults say.

use super::faults::{Down, Faults};
use super::outbox::{Outbox, is_signed, offer_of};
use crate::clock::Clock;
use crate::egress::{Egress, EgressFault, EgressSettings, Outgoing};
use crate::notify::{CapturedMail, MailAnswer, MailSettings, Written};
use crate::store::Read;
use bytes::Bytes;
use http::{Response, StatusCode};

/// Whom mails are from.
const FROM: &str = "Portolan <portolan@localhost>";

/// The ways out of an emulator.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    faults: Faults,
    outbox: Outbox,
    clock: Clock,
    read: Read,
}

impl Ways {
    /// What goes out is recorded in this outbox. The store knows who signs.
    pub(super) fn new(faults: Faults, outbox: Outbox, clock: Clock, read: Read) -> Self {
        Self { faults, outbox, clock, read }
    }

    /// The way for requests.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(super) fn egress(&self, settings: &EgressSettings) -> anyhow::Result<Egress> {
        let this = self.clone();
        Egress::captured(settings, move |request| this.answer(request))
    }

    /// The way for mails.
    pub(super) fn mail(&self) -> MailSettings {
        let this = self.clone();
        MailSettings::captured(FROM, CapturedMail::new(move |mail| this.take(mail)))
    }

    fn answer(&self, request: &Outgoing) -> Result<Response<Bytes>, EgressFault> {
        let now = self.clock.now();
        let is_event = request.headers.contains_key("webhook-signature");
        let met = is_event
            .then(|| offer_of(&request.body))
            .map(|offer| self.faults.on_webhook(&request.url, offer.as_deref(), now));
        let (answer, said) = match met.flatten() {
            None => (Ok(StatusCode::OK), "200".to_owned()),
            Some(Down::Answers(status)) => {
                (Ok(StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)), status.to_string())
            }
            Some(Down::TimedOut) => (Err(EgressFault::TimedOut), "timed-out".to_owned()),
            Some(Down::Refused) => (Err(EgressFault::Unreachable), "refused".to_owned()),
        };
        let signature = if is_event { is_signed(&self.read, request, now) } else { None };
        self.outbox.requested(request, signature, now, &said);
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer?;
        Ok(response)
    }

    fn take(&self, mail: &Written) -> MailAnswer {
        let now = self.clock.now();
        let (answer, said) = match self.faults.on_mail(&mail.to, now) {
            None => (MailAnswer::Taken, "250".to_owned()),
            Some(Down::Answers(code)) => (MailAnswer::Refused(code), code.to_string()),
            Some(Down::TimedOut | Down::Refused) => (MailAnswer::Unreachable, "refused".to_owned()),
        };
        self.outbox.mailed(mail, now, &said);
        answer
    }
}

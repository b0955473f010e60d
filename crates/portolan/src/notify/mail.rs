//! Carries mails: a letter of the outbox becomes a mail, and the mail server takes it.

use super::compose::{Composer, Told, Written};
use super::settings::MailSettings;
use super::smtp::{Fault, Smtp, Stage};
use crate::links::Links;
use crate::store::{Held, LetterKind, Mailed, Post, Says, StoreError};
use crate::work::{Carried, Carrier, Fails};
use anyhow::Result;
use api::status::StatusDocument;
use async_trait::async_trait;
use lettre::Address;

/// Carries mails.
#[derive(Debug)]
pub struct Mails {
    post: Post,
    smtp: Smtp,
    composer: Composer,
}

#[async_trait]
impl Carrier for Mails {
    fn kind(&self) -> LetterKind {
        LetterKind::Mail
    }

    async fn carry(&self, held: &Held) -> Result<Carried, StoreError> {
        let Some((to, mail)) = self.compose(held).await? else {
            return Ok(Carried::Never { failure: "unreadable", status: None });
        };
        Ok(match self.smtp.send(to, &mail).await {
            Ok(()) => Carried::Delivered { status: None },
            Err(fault) => {
                tell_operator(&fault);
                carried(&fault)
            }
        })
    }
}

impl Mails {
    /// Carries what is in this store to the mail server of these settings; nothing, where they name none.
    ///
    /// # Errors
    /// Names the setting that cannot be, and the mend. Whether the server can be reached is not asked.
    pub fn open(settings: &MailSettings, post: Post, links: Links) -> Result<Option<Self>> {
        if !settings.is_on() {
            return Ok(None);
        }
        let opened = settings.open()?;
        let composer = Composer::new(opened.from.clone(), links);
        let smtp = Smtp::new(opened, composer.host());
        Ok(Some(Self { post, smtp, composer }))
    }

    /// The address and the mail of a letter; none where the letter cannot be read.
    async fn compose(&self, held: &Held) -> Result<Option<(Address, Written)>, StoreError> {
        let opened = self.post.open(held).map(|body| serde_json::from_slice::<Mailed>(&body));
        let mailed = match opened {
            Ok(Ok(mailed)) => mailed,
            // Neither the parser's words nor the letter: they would quote the address.
            Ok(Err(_)) | Err(StoreError::Corrupt(_)) => {
                return Ok(unreadable(held, "a letter of a mail cannot be read"));
            }
            Err(error) => return Err(error),
        };
        let Ok(to) = mailed.to.parse::<Address>() else {
            return Ok(unreadable(held, "an address of a mail is none"));
        };
        let mail = match (&mailed.says, held.tells) {
            (Says::Happened(words), Some(tells)) => {
                let Some(line) = self.post.line(held).await? else {
                    return Ok(unreadable(held, "a letter of a mail tells a line that is not there"));
                };
                let Ok(document) = serde_json::from_slice::<StatusDocument>(&line.document) else {
                    return Ok(unreadable(held, "a line of the journal cannot be read"));
                };
                let (key, subscription) = (&held.key, tells.subscription);
                let told = Told { id: held.id, at: held.made_at, key, words, document: &document, subscription };
                self.composer.told(&to, &told)
            }
            (Says::Notice(notice), None) => self.composer.notice(&to, held.id, held.made_at, notice),
            _ => return Ok(unreadable(held, "a letter of a mail says nothing")),
        };
        match mail {
            Ok(mail) => Ok(Some((to, mail))),
            Err(error) => {
                tracing::error!(%error, id = %held.id, "a mail cannot be written");
                Ok(None)
            }
        }
    }
}

fn unreadable<T>(held: &Held, why: &'static str) -> Option<T> {
    tracing::error!(id = %held.id, "{why}");
    None
}

/// What is the operator's to mend is said in the log, with the setting; never with an address, a password or the server's words.
fn tell_operator(fault: &Fault) {
    let code = fault.code;
    let is_for_good = code.is_none_or(|code| code >= 500) && !fault.timed_out;
    match fault.stage {
        Stage::Login if is_for_good => tracing::error!(
            code,
            "the mail server does not let us in; mend mail.user, and the password in mail.password_file"
        ),
        Stage::Sender if code == Some(530) => {
            tracing::error!(code, "the mail server wants to know who we are; set mail.user and mail.password_file");
        }
        Stage::Sender if is_for_good && code.is_some() => {
            tracing::error!(code, "the mail server takes no mails from mail.from; mend that, or what mail.user may");
        }
        Stage::Connect if fault.is_tls => tracing::error!(
            "the mail server is not who it should be, or speaks no TLS; mend mail.server, mail.tls or mail.ca_file"
        ),
        Stage::Connect | Stage::Login | Stage::Sender => {
            tracing::warn!(code, timed_out = fault.timed_out, "the mail server cannot be reached; mails wait for it");
        }
        Stage::Recipient | Stage::Content if fault.is_policy => {
            tracing::warn!(code, "the mail server does not take a mail, by a rule of its own; it is tried again");
        }
        Stage::Recipient | Stage::Content => tracing::debug!(code, stage = ?fault.stage, "a mail was not taken"),
    }
}

/// What a fault means for the letter, and for what else waits.
fn carried(fault: &Fault) -> Carried {
    let failed = |failure, fails| Carried::Failed { failure, fails, status: fault.code, not_before: None };
    let is_for_good = fault.code.is_some_and(|code| code >= 500);
    match fault.stage {
        Stage::Connect if fault.is_tls => failed("certificate", Fails::Destination),
        _ if fault.timed_out && fault.stage != Stage::Content => failed("timedOut", Fails::Destination),
        Stage::Connect => failed("unreachable", Fails::Destination),
        Stage::Login => failed("login", Fails::Destination),
        Stage::Sender => failed("sender", Fails::Destination),
        // The server says good-bye, or wants to know who we are: it would say so of every mail.
        Stage::Recipient | Stage::Content if matches!(fault.code, Some(421 | 530)) => {
            failed("notNow", Fails::Destination)
        }
        Stage::Recipient if fault.code.is_none() => failed("broken", Fails::Destination),
        // A rule can be mended, and who is not there cannot.
        Stage::Recipient | Stage::Content if is_for_good && fault.is_policy => failed("policy", Fails::Lane),
        Stage::Recipient | Stage::Content if is_for_good => Carried::Never { failure: "refused", status: fault.code },
        // It may be this very mail that the server breaks at: the others go on.
        Stage::Content if fault.code.is_none() => failed("broken", Fails::Lane),
        Stage::Recipient | Stage::Content => failed("notNow", Fails::Lane),
    }
}

#[cfg(test)]
mod tests {
    use super::{Carried, Fails, Fault, Stage, carried};

    #[test]
    fn who_is_refused_holds_up_nobody_and_a_server_that_fails_holds_up_all() {
        let fault = |stage, code| Fault { stage, code, is_policy: false, timed_out: false, is_tls: false };
        let fails = |stage, code| match carried(&fault(stage, code)) {
            Carried::Failed { fails, .. } => Some(fails),
            _ => None,
        };
        for stage in [Stage::Connect, Stage::Login, Stage::Sender] {
            for code in [None, Some(421), Some(451), Some(535), Some(550)] {
                assert_eq!(fails(stage, code), Some(Fails::Destination), "{stage:?} {code:?}");
            }
        }
        assert_eq!(fails(Stage::Recipient, Some(550)), None);
        assert_eq!(fails(Stage::Recipient, Some(451)), Some(Fails::Lane), "greylisting");
        assert_eq!(fails(Stage::Recipient, Some(421)), Some(Fails::Destination));
        assert_eq!(fails(Stage::Recipient, None), Some(Fails::Destination));
        assert_eq!(fails(Stage::Content, Some(554)), None);
        assert_eq!(fails(Stage::Content, None), Some(Fails::Lane));
        let policy = Fault { is_policy: true, ..fault(Stage::Recipient, Some(550)) };
        assert!(matches!(carried(&policy), Carried::Failed { fails: Fails::Lane, failure: "policy", .. }));
    }
}

//! What the client asks about mails: whether the caller follows by mail, and what.

use super::{Client, ClientError};
use crate::mails::{MailSubscription, WantedMails};
use crate::paths::segment;
use reqwest::Method;

impl Client {
    /// The caller's mails about a publisher's offers; of no publisher, about all, for staff.
    pub async fn get_mail_subscription(&self, publisher: Option<&str>) -> Result<MailSubscription, ClientError> {
        self.read(self.request(Method::GET, &path(publisher))).await
    }

    /// Lets the caller follow by mail.
    pub async fn put_mail_subscription(
        &self,
        publisher: Option<&str>,
        wanted: &WantedMails,
    ) -> Result<MailSubscription, ClientError> {
        self.read(self.request(Method::PUT, &path(publisher)).json(wanted)).await
    }

    /// Ends the caller's mails.
    pub async fn delete_mail_subscription(&self, publisher: Option<&str>) -> Result<(), ClientError> {
        self.started(self.request(Method::DELETE, &path(publisher))).await.map(drop)
    }
}

fn path(publisher: Option<&str>) -> String {
    match publisher {
        Some(publisher) => format!("/api/publishers/{}/notifications/mail", segment(publisher)),
        None => "/api/notifications/mail".to_owned(),
    }
}

//! Sends events on to a program of this machine, as webhooks get them but for the signature.

use super::ClientError;
use crate::events::Event;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use std::fmt;
use std::time::Duration;

/// How long the program may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The way to a program of this machine.
#[derive(Clone)]
pub struct Forward {
    http: Client,
    to: Url,
}

impl fmt::Debug for Forward {
    /// Without the query, which may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward").field("host", &self.to.host_str()).finish_non_exhaustive()
    }
}

impl Forward {
    /// To an http address of this machine.
    ///
    /// # Errors
    /// [`ClientError::Unusable`] for any other address: elsewhere a webhook is the way, which signs what it sends.
    pub fn to(address: &str) -> Result<Self, ClientError> {
        let own = Url::parse(address).ok().filter(|to| to.scheme() == "http" && to.host_str().is_some_and(is_own));
        let text = "Events are forwarded to this machine only. Write it like http://127.0.0.1:8000/hook; for other machines \
                    add a webhook";
        let to = own.ok_or_else(|| ClientError::Unusable(text.to_owned()))?;
        // Over http no root certificates are needed, and a small machine may have none.
        let http =
            Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none()).timeout(PATIENCE).build()?;
        Ok(Self { http, to })
    }

    /// Sends an event as it was read (see [`super::Events::raw`]); gives back the HTTP status of the answer.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] where nobody answers.
    pub async fn send(&self, event: &Event, raw: &str) -> Result<u16, ClientError> {
        let id = format!("{}:{}", event.data.entry.publisher_id, event.id);
        let request = self.http.post(self.to.clone()).header("webhook-id", id);
        let request = request.header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8");
        Ok(request.body(raw.to_owned()).send().await?.status().as_u16())
    }
}

fn is_own(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::Forward;

    #[test]
    fn events_stay_on_this_machine() {
        for own in ["http://127.0.0.1:1/x", "http://localhost:1", "http://[::1]:8/"] {
            assert!(Forward::to(own).is_ok(), "{own}");
        }
        for other in ["http://10.0.0.1/", "https://127.0.0.1/", "http://127.0.0.1.example/", "localhost:1", ""] {
            assert!(Forward::to(other).is_err(), "{other}");
        }
    }
}

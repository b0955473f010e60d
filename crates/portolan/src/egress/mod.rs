//! The one door out: every request that the service makes to the world goes through it, and is judged here first.

mod exchange;
mod fault;
mod names;
mod public;
mod roots;
mod rules;
mod settings;

pub use exchange::{Incoming, Outgoing};
pub use fault::EgressFault;
pub use settings::{Destination, EgressSettings};

use bytes::Bytes;
use exchange::{Wire, send};
use http::header::{ACCEPT, LOCATION, RANGE};
use http::{HeaderMap, Method, StatusCode};
use names::Names;
use rules::Rules;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

/// The way out, with the operator's rules. Clones are cheap, and are the same.
#[derive(Clone, Debug)]
pub struct Egress {
    rules: Arc<Rules>,
    names: Names,
    wire: Wire,
}

/// Where every name lies whose request is captured: an address of the public internet, which nobody connects to.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)), 0);

impl Egress {
    /// The way out that the operator's settings leave open.
    ///
    /// # Errors
    /// Names the setting that cannot be, and the mend.
    pub fn new(settings: &EgressSettings) -> anyhow::Result<Self> {
        let wire = Wire::Connection(Arc::new(roots::tls(settings.ca_file.as_deref())?));
        Ok(Self { rules: Arc::new(Rules::new(settings)?), names: Names::dns(), wire })
    }

    /// For rehearsals: no name is looked up and no connection made. What the rules let out is given to `answer` instead, and
    /// what that says is the world's answer. Addresses that are written as such are judged like any other.
    ///
    /// # Errors
    /// Names the setting that cannot be, and the mend.
    pub fn captured(
        settings: &EgressSettings,
        answer: impl Fn(&Outgoing) -> Result<http::Response<Bytes>, EgressFault> + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let (rules, names) = (Arc::new(Rules::new(settings)?), Names::told(|_| vec![ANYWHERE]));
        Ok(Self { rules, names, wire: Wire::Captured(Arc::new(answer)) })
    }

    /// For tests and rehearsals: these names lie there, and nowhere else (instead of DNS). A port in a URL goes before the one
    /// here. The rules on addresses still hold.
    #[must_use]
    pub fn with_names(self, names: BTreeMap<String, SocketAddr>) -> Self {
        self.with_lookup(move |name| names.get(name).copied().into_iter().collect())
    }

    /// As [`Egress::with_names`], for names that lie at several addresses, or not always at the same. Port 0 is the scheme's.
    #[must_use]
    pub fn with_lookup(self, lookup: impl Fn(&str) -> Vec<SocketAddr> + Send + Sync + 'static) -> Self {
        Self { names: Names::told(lookup), ..self }
    }

    /// To an address that an outsider chose.
    ///
    /// Redirects are followed for GET and HEAD, each judged like the first address, and with no headers but `Accept` and
    /// `Range`. Where none may be followed, the answer that redirects is given back.
    ///
    /// # Errors
    /// The category of what is wrong: fit to be told to the outsider.
    pub async fn to_outsider(&self, request: Outgoing) -> Result<Incoming, EgressFault> {
        let deadline = sleep(request.patience).deadline();
        timeout_at(deadline, self.follow(request, deadline)).await.unwrap_or(Err(EgressFault::TimedOut))
    }

    /// To an address from the operator's settings: wherever it leads. Redirects are not followed.
    ///
    /// # Errors
    /// The category of what is wrong.
    pub async fn to_operator(&self, request: Outgoing) -> Result<Incoming, EgressFault> {
        let deadline = sleep(request.patience).deadline();
        let exchange = async {
            let url = rules::web_address(&request.url)?;
            let addresses = self.names.addresses(&url).await?;
            send(&self.wire, url, addresses, &request, deadline).await
        };
        timeout_at(deadline, exchange).await.unwrap_or(Err(EgressFault::TimedOut))
    }

    async fn follow(&self, mut request: Outgoing, deadline: Instant) -> Result<Incoming, EgressFault> {
        let mut answer = self.hop(&request, deadline).await?;
        if request.redirects == 0 || ![Method::GET, Method::HEAD].contains(&request.method) {
            return Ok(answer);
        }
        while let Some(location) = location(&answer) {
            request.redirects = request.redirects.checked_sub(1).ok_or(EgressFault::TooManyRedirects)?;
            request.headers = carried_on(&request.headers);
            let next = Url::parse(&answer.url).and_then(|url| url.join(&location));
            request.url = next.map_err(|_| EgressFault::Redirected(Box::new(EgressFault::NoAddress)))?.into();
            let hop = self.hop(&request, deadline).await;
            answer = hop.map_err(|fault| EgressFault::Redirected(Box::new(fault)))?;
        }
        Ok(answer)
    }

    /// One request, judged from the start.
    async fn hop(&self, request: &Outgoing, deadline: Instant) -> Result<Incoming, EgressFault> {
        let url = rules::web_address(&request.url)?;
        self.rules.judge_url(&url)?;
        let addresses = self.names.addresses_for_outsiders(&url).await?;
        for address in &addresses {
            self.rules.judge_address(&url, *address)?;
        }
        send(&self.wire, url, addresses, request, deadline).await
    }
}

/// Where an answer redirects to, if it does.
fn location(answer: &Incoming) -> Option<String> {
    let redirects = matches!(
        answer.status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let location = answer.headers.get(LOCATION).filter(|_| redirects)?;
    // As bytes: what is no UTF-8 becomes an address that leads elsewhere or nowhere, and is judged like any other.
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// The headers that go with a request to where it is redirected. Named are those that tell nothing, so that no credential
/// goes there, under whatever name.
fn carried_on(headers: &HeaderMap) -> HeaderMap {
    [ACCEPT, RANGE].into_iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone()))).collect()
}

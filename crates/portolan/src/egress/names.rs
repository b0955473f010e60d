//! Where names lie: asked once per request, so that what was judged is what is connected to.

use super::EgressFault;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::lookup_host;
use tokio::sync::Semaphore;
use url::{Host, Url};

/// The most addresses that a name may have.
const MOST_ADDRESSES: usize = 16;
/// The most lookups of outsiders' names at a time. Each holds a thread, for as long as their name servers please.
const MOST_LOOKUPS: usize = 32;

type Lookup = dyn Fn(&str) -> Vec<SocketAddr> + Send + Sync;

/// Who is asked where a name lies.
#[derive(Clone)]
pub(super) enum Names {
    /// The machine, as it is set up, within so many lookups for outsiders.
    Dns(Arc<Semaphore>),
    Told(Arc<Lookup>),
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns(_) => "Dns",
            Self::Told(_) => "Told",
        })
    }
}

impl Names {
    pub(super) fn dns() -> Self {
        Self::Dns(Arc::new(Semaphore::new(MOST_LOOKUPS)))
    }

    pub(super) fn told(lookup: impl Fn(&str) -> Vec<SocketAddr> + Send + Sync + 'static) -> Self {
        Self::Told(Arc::new(lookup))
    }

    /// The addresses of a URL's host; as [`Names::addresses`], but so that outsiders leave threads for others.
    pub(super) async fn addresses_for_outsiders(&self, url: &Url) -> Result<Vec<SocketAddr>, EgressFault> {
        let Self::Dns(lookups) = self else { return self.addresses(url).await };
        let Ok(place) = Arc::clone(lookups).acquire_owned().await else { return Err(EgressFault::NoSuchName) };
        let (names, url) = (self.clone(), url.clone());
        // In a task of its own: the thread is taken until the lookup ends, also where nobody waits for it any more.
        let lookup = tokio::spawn(async move {
            let _place = place;
            names.addresses(&url).await
        });
        lookup.await.unwrap_or(Err(EgressFault::NoSuchName))
    }

    /// The addresses of a URL's host, with the port that will be connected to; one to 16.
    pub(super) async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, EgressFault> {
        let port = url.port_or_known_default().ok_or(EgressFault::NoAddress)?;
        let found = match url.host().ok_or(EgressFault::NoAddress)? {
            Host::Ipv4(address) => vec![SocketAddr::new(address.into(), port)],
            Host::Ipv6(address) => vec![SocketAddr::new(address.into(), port)],
            Host::Domain(name) => match self {
                Self::Dns(_) => lookup_host((name, port)).await.map_err(|_| EgressFault::NoSuchName)?.collect(),
                Self::Told(lookup) => with_port(lookup(name.trim_end_matches('.')), url.port(), port),
            },
        };
        match found.len() {
            0 => Err(EgressFault::NoSuchName),
            1..=MOST_ADDRESSES => Ok(found),
            _ => Err(EgressFault::TooManyAddresses),
        }
    }
}

/// A port in the URL goes before that of the address, and the usual one is where neither names one.
fn with_port(mut addresses: Vec<SocketAddr>, named: Option<u16>, usual: u16) -> Vec<SocketAddr> {
    for address in &mut addresses {
        match named {
            Some(port) => address.set_port(port),
            None if address.port() == 0 => address.set_port(usual),
            None => {}
        }
    }
    addresses
}

//! Where names lie: asked once per request, so that what was judged is what is connected to.

use super::EgressFault;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::net::lookup_host;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::{Host, Url};

/// The most addresses that a name may have.
const MOST_ADDRESSES: usize = 16;
/// The most lookups of outsiders' names at a time. Each holds a thread, for as long as their name servers please; the runtime
/// has 512 of them.
const MOST_LOOKUPS: usize = 128;
/// The most of them within one registered name: whose name servers hang holds up nobody else.
const MOST_IN_ZONE: usize = 2;
/// What stands before a country's two letters where names are registered below both.
const SECOND_LEVELS: [&str; 8] = ["ac", "co", "com", "edu", "gov", "net", "or", "org"];

type Lookup = dyn Fn(&str) -> Vec<SocketAddr> + Send + Sync;

/// Who is asked where a name lies.
#[derive(Clone)]
pub(super) enum Names {
    /// The machine, as it is set up, within so many lookups for outsiders.
    Dns(Arc<Lookups>),
    Told(Arc<Lookup>),
}

/// The lookups for outsiders that are under way, by the registered names.
pub(super) struct Lookups {
    places: Arc<Semaphore>,
    zones: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// Leave to look up one name; given back when it is dropped.
struct Place {
    _of_zone: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Lookups {
    fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(MOST_LOOKUPS)), zones: Mutex::default() }
    }

    /// Waits for a place; whoever waits for one of its zone has none of the others' meanwhile.
    async fn place(&self, name: &str) -> Option<Place> {
        let of_zone = self.zone(zone(name)).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.places).acquire_owned().await.ok()?;
        Some(Place { _of_zone: of_zone, _of_all: of_all })
    }

    fn zone(&self, name: &str) -> Arc<Semaphore> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        zones.retain(|_, places| places.strong_count() > 0);
        if let Some(places) = zones.get(name).and_then(Weak::upgrade) {
            return places;
        }
        let places = Arc::new(Semaphore::new(MOST_IN_ZONE));
        zones.insert(name.to_owned(), Arc::downgrade(&places));
        places
    }
}

/// The part of a host's name that somebody registered, near enough: its last two labels, or three as in `contoso.co.uk`.
fn zone(name: &str) -> &str {
    let name = name.trim_end_matches('.');
    let mut labels = name.rsplit('.');
    let (top, second) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let many = if top.len() == 2 && SECOND_LEVELS.contains(&second) { 3 } else { 2 };
    let dots = name.rmatch_indices('.').map(|(at, _)| at).nth(many - 1);
    dots.map_or(name, |at| &name[at + 1..])
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
        Self::Dns(Arc::new(Lookups::new()))
    }

    pub(super) fn told(lookup: impl Fn(&str) -> Vec<SocketAddr> + Send + Sync + 'static) -> Self {
        Self::Told(Arc::new(lookup))
    }

    /// The addresses of a URL's host; as [`Names::addresses`], but so that outsiders leave threads for others.
    pub(super) async fn addresses_for_outsiders(&self, url: &Url) -> Result<Vec<SocketAddr>, EgressFault> {
        let (Self::Dns(lookups), Some(Host::Domain(name))) = (self, url.host()) else {
            return self.addresses(url).await;
        };
        let place = lookups.place(name).await.ok_or(EgressFault::NoSuchName)?;
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

#[cfg(test)]
mod tests {
    use super::{Lookups, zone};
    use std::time::Duration;

    #[test]
    fn a_zone_is_what_was_registered() {
        for (name, registered) in [
            ("files.contoso.example", "contoso.example"),
            ("a.b.contoso.example.", "contoso.example"),
            ("contoso.example", "contoso.example"),
            ("files.contoso.co.uk", "contoso.co.uk"),
            ("co.uk", "co.uk"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(zone(name), registered, "{name}");
        }
    }

    #[tokio::test]
    async fn one_zone_that_hangs_holds_up_no_other() {
        let lookups = Lookups::new();
        let (first, second) = (lookups.place("a.hangs.example").await, lookups.place("b.hangs.example").await);
        let soon = Duration::from_millis(20);
        for name in ["c", "d", "e"] {
            let name = format!("{name}.hangs.example");
            assert!(tokio::time::timeout(soon, lookups.place(&name)).await.is_err(), "{name}");
        }
        assert!(lookups.place("files.contoso.example").await.is_some());
        drop(first);
        assert!(lookups.place("c.hangs.example").await.is_some());
        drop(second);
        assert!(lookups.place("files.contoso.example").await.is_some());
        assert_eq!(lookups.zones.lock().unwrap().len(), 1, "what is over is forgotten");
    }
}

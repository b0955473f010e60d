//! How much one caller or one address may ask for in a time; the settings of every limit.

use super::address::counted;
use super::errors::Problem;
use crate::clock::Clock;
use api::errors::ErrorCode;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use serde::Deserialize;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// How many callers, or addresses, are told apart. Two that fall on one place share its rate.
const PLACES: usize = 1 << 14;

/// What connections and callers may take. A rate of 0 is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Connections at a time, from all addresses.
    pub connections: NonZeroU32,
    /// Connections at a time from one address.
    pub connections_per_address: NonZeroU32,
    /// Event streams and waiting reads at a time, of all callers.
    pub followers: NonZeroU32,
    /// Event streams and waiting reads at a time of one caller.
    pub followers_per_caller: NonZeroU32,
    /// Seconds for a TLS handshake.
    pub handshake_seconds: NonZeroU32,
    /// Seconds for the head of a request, from when the connection is free for one.
    pub head_seconds: NonZeroU32,
    /// KiB of the head of a request.
    pub head_kibibytes: NonZeroU32,
    /// Seconds for a body.
    pub body_seconds: NonZeroU32,
    /// Seconds without a byte in the middle of a body, or of an answer.
    pub body_silence_seconds: NonZeroU32,
    /// Requests a second of one caller, over time.
    pub caller_per_second: u32,
    /// Requests of one caller at once.
    pub caller_burst: NonZeroU32,
    /// Requests a second from one address, over time.
    pub address_per_second: u32,
    /// Requests from one address at once.
    pub address_burst: NonZeroU32,
    /// Tries a second to sign in from one address, over time.
    pub credentials_per_second: u32,
    /// Tries to sign in from one address at once.
    pub credentials_burst: NonZeroU32,
    /// Leads a second from one address, over time.
    pub leads_per_second: u32,
    /// Leads from one address at once.
    pub leads_burst: NonZeroU32,
    /// Passwords a minute for one account, from all addresses, over time.
    pub account_per_minute: u32,
    /// Passwords for one account at once.
    pub account_burst: NonZeroU32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let some = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self {
            connections: some(800),
            connections_per_address: some(200),
            followers: some(500),
            followers_per_caller: some(100),
            handshake_seconds: some(10),
            head_seconds: some(20),
            head_kibibytes: some(64),
            body_seconds: some(120),
            body_silence_seconds: some(20),
            caller_per_second: 500,
            caller_burst: some(2_000),
            address_per_second: 1_000,
            address_burst: some(4_000),
            credentials_per_second: 10,
            credentials_burst: some(60),
            leads_per_second: 5,
            leads_burst: some(60),
            account_per_minute: 10,
            account_burst: some(30),
        }
    }
}

/// The rates, and who has asked how much lately.
#[derive(Debug)]
pub struct Limits {
    address: Option<Rate>,
    caller: Option<Rate>,
    credentials: Option<Rate>,
    leads: Option<Rate>,
    account: Option<Rate>,
    places: RandomState,
}

/// More was asked for than a limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Which limit, as the beginning of a sentence.
    limit: &'static str,
    /// Until the next request is let in, at least 1.
    seconds: u64,
}

impl TooMany {
    /// Seconds until the next request is let in, at least 1.
    pub fn seconds(&self) -> u64 {
        self.seconds
    }
}

type Rate = RateLimiter<u64, Places, Clock, NoOpMiddleware<Duration>>;

/// One state a place, and no more places than there are from the start: nobody can fill the memory with names, nothing has to
/// be tidied up, and no lock stands before the hot path. Which place a name falls on is chosen anew at each start.
struct Places(Box<[InMemoryState]>);

impl StateStore for Places {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let place = usize::try_from(*key % self.0.len() as u64).unwrap_or(0);
        self.0[place].measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Places").field(&self.0.len()).finish()
    }
}

impl governor::clock::Clock for Clock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.steady()
    }
}

impl Limits {
    /// Nobody has asked for anything yet.
    pub fn new(settings: &LimitSettings, clock: &Clock) -> Self {
        let rate = |over: fn(NonZeroU32) -> Quota, many, burst| {
            let quota = over(NonZeroU32::new(many)?).allow_burst(burst);
            let places = Places((0..PLACES).map(|_| InMemoryState::default()).collect());
            Some(Rate::new(quota, places, clock.clone()))
        };
        Self {
            address: rate(Quota::per_second, settings.address_per_second, settings.address_burst),
            caller: rate(Quota::per_second, settings.caller_per_second, settings.caller_burst),
            credentials: rate(Quota::per_second, settings.credentials_per_second, settings.credentials_burst),
            leads: rate(Quota::per_second, settings.leads_per_second, settings.leads_burst),
            account: rate(Quota::per_minute, settings.account_per_minute, settings.account_burst),
            places: RandomState::new(),
        }
    }

    /// Counts a request from this address.
    ///
    /// # Errors
    /// [`TooMany`], where the address has sent too many lately.
    pub fn of_address(&self, address: IpAddr) -> Result<(), TooMany> {
        self.count(self.address.as_ref(), counted(address), "This address has sent too many requests")
    }

    /// Counts a request of this caller, by the name in the journal.
    ///
    /// # Errors
    /// [`TooMany`], where the caller has sent too many lately.
    pub fn of_caller(&self, name: &str) -> Result<(), TooMany> {
        self.count(self.caller.as_ref(), name, "This caller has sent too many requests")
    }

    /// Counts a try to sign in, or to get a token, from this address.
    ///
    /// # Errors
    /// [`TooMany`], where the address has tried too often lately.
    pub fn of_credentials(&self, address: IpAddr) -> Result<(), TooMany> {
        self.count(self.credentials.as_ref(), counted(address), "This address has tried too often to sign in")
    }

    /// Counts a lead from this address.
    ///
    /// # Errors
    /// [`TooMany`], where the address has left too many lately.
    pub fn of_leads(&self, address: IpAddr) -> Result<(), TooMany> {
        self.count(self.leads.as_ref(), counted(address), "This address has left too many leads")
    }

    /// Counts a password for this account, by its folded mail address, whether there is such an account or not.
    ///
    /// # Errors
    /// [`TooMany`], where too many were tried lately.
    pub fn of_account(&self, mail: &str) -> Result<(), TooMany> {
        self.count(self.account.as_ref(), mail, "Too many passwords were tried for this account")
    }

    fn count(&self, rate: Option<&Rate>, who: impl Hash, limit: &'static str) -> Result<(), TooMany> {
        let Some(rate) = rate else { return Ok(()) };
        rate.check_key(&self.places.hash_one(who)).map_err(|refused| {
            let wait = refused.wait_time_from(rate.clock().steady());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            TooMany { limit, seconds: seconds.max(1) }
        })
    }
}

impl From<TooMany> for Problem {
    fn from(TooMany { limit, seconds }: TooMany) -> Self {
        let message = format!("{limit}. Wait for the seconds in Retry-After, then go on more slowly.");
        Self::new(ErrorCode::TooManyRequests, message).after(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::{LimitSettings, Limits};
    use crate::clock::Clock;
    use publishing::moment::Moment;
    use std::net::IpAddr;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn limits(clock: &Clock) -> Limits {
        let burst = NonZeroU32::new(3).unwrap();
        let settings = LimitSettings { caller_per_second: 2, caller_burst: burst, ..LimitSettings::default() };
        Limits::new(&LimitSettings { address_per_second: 0, ..settings }, clock)
    }

    #[test]
    fn a_burst_then_the_rate_and_each_name_for_itself() {
        let clock = Clock::turned(Moment::from_ticks(639_309_372_000_000_000));
        let limits = limits(&clock);
        for _ in 0..3 {
            limits.of_caller("jane").unwrap();
        }
        assert_eq!(limits.of_caller("jane").unwrap_err().seconds, 1);
        limits.of_caller("john").unwrap();
        clock.advance(Duration::from_millis(500));
        limits.of_caller("jane").unwrap();
        limits.of_caller("jane").unwrap_err();
        clock.advance(Duration::from_secs(60));
        for _ in 0..3 {
            limits.of_caller("jane").unwrap();
        }
        limits.of_caller("jane").unwrap_err();
    }

    #[test]
    fn the_wait_is_rounded_up() {
        let clock = Clock::turned(Moment::from_ticks(639_309_372_000_000_000));
        let settings =
            LimitSettings { credentials_per_second: 1, credentials_burst: NonZeroU32::MIN, ..LimitSettings::default() };
        let limits = Limits::new(&settings, &clock);
        let address = IpAddr::from([192, 0, 2, 1]);
        limits.of_credentials(address).unwrap();
        clock.advance(Duration::from_millis(999));
        assert_eq!(limits.of_credentials(address).unwrap_err().seconds, 1);
        clock.advance(Duration::from_millis(1));
        limits.of_credentials(address).unwrap();
    }

    #[test]
    fn a_rate_of_zero_is_no_limit_and_many_names_stay_apart() {
        let clock = Clock::turned(Moment::from_ticks(639_309_372_000_000_000));
        let limits = limits(&clock);
        let own = IpAddr::from([192, 0, 2, 1]);
        assert!((0..100_000).all(|_| limits.of_address(own).is_ok()));
        let refused = (0..200_u32).filter(|name| limits.of_caller(&format!("caller-{name}")).is_err()).count();
        assert_eq!(refused, 0);
    }
}

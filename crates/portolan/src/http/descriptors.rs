//! Makes room for as many open files as the connections need.

use super::limits::LimitSettings;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files beside connections: the database, what is fetched and sent, programs that check.
const OTHER_FILES: u64 = 224;

/// Raises the process's limit of open files to what the connections need, and says so where it cannot be.
pub fn make_room(settings: &LimitSettings) {
    let wanted = u64::from(settings.connections.get()) + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None is no limit.
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    } else if raised < wanted {
        tracing::warn!(
            wanted,
            hard_limit = raised,
            "limits.connections is more than this process may have open: raise the hard limit (ulimit -Hn, LimitNOFILE), or lower the setting"
        );
    }
}

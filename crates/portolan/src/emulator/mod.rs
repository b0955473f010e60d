//! The emulator: the same service over a store in memory, with a clock that can be turned, simulated checks, and faults.

mod fault_requests;
mod fault_rules;
mod fault_steps;
mod faults;
mod outbox;
mod requests;
mod ways;

pub use fault_steps::{Ends, OnVerdict};
pub use faults::{Faults, State as FaultState, Unfit};
pub use outbox::{Kept as OutboxState, Outbox};
pub use requests::{Kept as RequestState, Requests};
pub use ways::Ways;

//! The emulator's own calls, at `/emulator`: wire types for its clock, its snapshots, and whatever it is told to do.

mod clock;
mod faults;
mod sent;

pub use clock::{
    Advance, Advanced, EmulatorState, Happening, NewSnapshot, NextDue, Person, Reach, Reached, Reviews, Snapshot,
    Speed, Target,
};
pub use faults::{AppliedScenario, Failure, Fault, FaultKind, NewFault};
pub use sent::{Asked, Sent, SentMail, SentRequest, SentWhat};

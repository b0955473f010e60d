//! The emulator's own calls, at `/emulator`: wire types for its clock, its snapshots, and whatever it is told to do.

mod clock;

pub use clock::{
    Advance, Advanced, EmulatorState, Happening, NewSnapshot, NextDue, Reach, Reached, Reviews, Snapshot, Speed, Target,
};

//! Following an offer: one source of snapshots for every command that waits, and the ways in which it is told.

mod annotations;
mod ending;
mod feed;
mod goal;
mod lines;
mod picture;
mod screen;
mod spelling;
mod watch;

pub(super) use annotations::annotate;
pub(super) use ending::{Ending, goes_on, named};
pub(super) use feed::{PAUSES, Snapshot, look, passes};
pub(super) use goal::{Goal, Outcome, Point};
pub(super) use lines::alone;
pub(super) use picture::{Frame, Title, picture};
pub(super) use screen::size;
pub(super) use watch::{Manner, Watch};

//! To be written: the promise this file shows.

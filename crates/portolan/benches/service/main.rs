//! What the service costs against the least that could do the same: `cargo bench`, or one part of it: `cargo bench -- following`.
//!
//! Every figure is a ratio against a baseline of the same run, taken in turn with it, for machines differ and drift.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod following;
mod load;
mod reads;
mod writes;

/// A part by its name.
type Part = (&'static str, fn(bool));

fn main() {
    following::serve_if_asked();
    // `cargo test --benches` runs this too, to see that it still works: then everything is short.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    if quick {
        println!("A short run, to see that it works. For figures: cargo bench -p portolan");
    }
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let parts: [Part; 3] = [("reads", reads::compare), ("writes", writes::compare), ("following", following::compare)];
    for (name, compare) in parts {
        if only.as_deref().is_none_or(|only| only == name) {
            compare(quick);
        }
    }
}

/// The middle of some figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

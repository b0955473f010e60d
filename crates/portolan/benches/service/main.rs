//! What the service costs against the least that could do the same: `cargo bench`.
//!
//! Every figure is a ratio against a baseline of the same run, taken in turn with it, for machines differ and drift.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod following;
mod load;
mod reads;
mod writes;

fn main() {
    following::serve_if_asked();
    // `cargo test --benches` runs this too, to see that it still works: then everything is short.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    if quick {
        println!("A short run, to see that it works. For figures: cargo bench -p portolan");
    }
    reads::compare(quick);
    writes::compare(quick);
    following::compare(quick);
}

/// The middle of some figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

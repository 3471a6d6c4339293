//! This host, looked at for real, as root, as an ordinary user, and in poorer surroundings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::time::Instant;

use super::*;

#[test]
fn a_quick_look_is_printed_with_its_cost() {
    let start = Instant::now();
    let cold = observe(Depth::Quick);
    let first = start.elapsed();
    let start = Instant::now();
    let warm = observe(Depth::Quick);
    eprintln!("quick look: {first:?} first, {:?} again", start.elapsed());
    assert_eq!(cold, warm);
}

#[test]
fn a_full_look_is_printed() {
    let start = Instant::now();
    let facts = observe(Depth::Full);
    eprintln!("full look: {:?}\n{facts:#?}", start.elapsed());
    assert_eq!(facts.run_ids == 0, !facts.privileged);
}

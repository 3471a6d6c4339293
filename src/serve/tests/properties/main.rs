//! What must hold for any input, against seeds and drawn bytes; the same files are the fuzz targets of `tests/fuzz`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // test code: a panic is a failed test

mod messages;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[test]
fn seeds() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/seeds/messages");
    let mut count = 0;
    for seed in fs::read_dir(seeds).unwrap() {
        messages::holds(&fs::read(seed.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 3);
}

proptest! {
    #[test]
    fn drawn(kind in 0u8..4, number in 0u8..13, call in any::<u64>(), rest in proptest::collection::vec(any::<u8>(), 0..120)) {
        messages::holds(&[&[kind, number][..], &call.to_le_bytes(), &rest].concat());
    }
}

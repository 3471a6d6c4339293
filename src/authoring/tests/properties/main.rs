//! What holds for any input: one property for each target of the fuzzer, here held against its seeds, against drawn bytes and, for filters, against
//! everything that can be enumerated. The fuzzer, in `tests/fuzz/`, includes these same files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod compiler;
mod editor;
mod exhaustive;
mod importer;
mod loader;
mod meaning;
mod narrowing;
mod wild;

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use remand_policy::policy::{Device, Enforce, NetworkMode, Policy, Word};
use remand_policy::shipped;
use serde_json::Value;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz")
}

/// Every seed of a target; a failure names the file.
fn replay(target: &str, holds: fn(&[u8])) {
    let directory = fuzz().join("seeds").join(target);
    let mut seeds: Vec<_> = directory.read_dir().expect(target).map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{} is empty", directory.display());
    for seed in seeds {
        let bytes = std::fs::read(&seed).unwrap();
        assert!(std::panic::catch_unwind(|| holds(&bytes)).is_ok(), "{}", seed.display());
    }
}

#[test]
fn seeds_of_the_loader_hold() {
    replay("loader", loader::holds);
}

#[test]
fn seeds_of_the_compiler_hold() {
    replay("compiler", compiler::holds);
}

#[test]
fn seeds_of_the_editor_hold() {
    replay("editor", editor::holds);
}

#[test]
fn seeds_of_the_importer_hold() {
    replay("importer", importer::holds);
}

#[test]
fn seeds_of_narrowing_hold() {
    replay("narrowing", narrowing::holds);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_compiler_holds_for_drawn_bytes(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        compiler::holds(&bytes);
    }

    /// Shipped texts with a piece of one put into another.
    #[test]
    fn the_loader_holds_for_mixed_texts(from in 0..3_usize, into in 0..3_usize, cuts in prop::array::uniform4(any::<prop::sample::Index>())) {
        let (from, into) = (shipped::SHIPPED[from].1.as_bytes(), shipped::SHIPPED[into].1.as_bytes());
        let [a, b, c, d] = cuts;
        let (a, b, c, d) = (a.index(from.len()), b.index(from.len()), c.index(into.len()), d.index(into.len()));
        let mixed = [&into[..c.min(d)], &from[a.min(b)..a.max(b)], &into[c.max(d)..]].concat();
        loader::holds(&mixed);
        editor::holds(&mixed);
        narrowing::holds(&[&mixed, [0].as_slice(), into].concat());
    }
}

/// What a fuzzer puts into texts: every key, word, group and unit.
fn dictionary() -> String {
    fn keys(value: &Value, into: &mut Vec<String>) {
        if let Value::Object(map) = value {
            into.extend(map.keys().cloned());
            map.values().for_each(|value| keys(value, into));
        }
    }
    let mut words = Vec::new();
    keys(&Policy::floor("p").tree(), &mut words);
    let unwritten = "$schema extends add remove call when reason arg equals one_of at_most masked mask value source target writable exec optional \
        unlimited default strict numeric 64MiB 1.5GiB 10s 250ms 2min 1us 1h 100B 4KiB 1TiB 0x1f read clone sendmsg execve";
    words.extend(unwritten.split_whitespace().map(str::to_owned));
    words.extend(remand_syscalls::names().filter(|name| name.starts_with('@')).map(str::to_owned));
    words.extend(Enforce::WORDS.iter().map(|(word, _)| (*word).to_owned()));
    words.extend(NetworkMode::WORDS.iter().map(|(word, _)| (*word).to_owned()));
    words.extend(Device::WORDS.iter().map(|(word, _)| (*word).to_owned()));
    words.sort();
    words.dedup();
    let quoted = words.iter().map(|word| format!("\"\\\"{word}\\\"\"\n"));
    let marks =
        ["//", "/*", "*/", ": ", "{", "}", "[", "]", ",", "null", "true", "false", "\\x00", "\\x0d\\x0a", "\\xef\\xbb\\xbf", "\\\\u0041"];
    let marks = marks.map(|mark| format!("\"{mark}\"\n"));
    format!("# Written by the test `the_dictionary_is_what_policies_are_made_of`.\n{}{}", quoted.collect::<String>(), marks.concat())
}

#[test]
fn the_dictionary_is_what_policies_are_made_of() {
    let file = fuzz().join("policy.dict");
    let wanted = dictionary();
    if std::env::var_os("WRITE_DICTIONARY").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap_or_default() == wanted,
        "stale: WRITE_DICTIONARY=1 cargo test -p remand-authoring dictionary"
    );
}

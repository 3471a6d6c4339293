//! Any bytes for the property of `editor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| remand_fuzz::editor::holds(bytes));

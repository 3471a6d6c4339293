//! Any bytes for the property of `narrowing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| remand_fuzz::narrowing::holds(bytes));

//! Any bytes for the property of `loader`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| remand_fuzz::loader::holds(bytes));

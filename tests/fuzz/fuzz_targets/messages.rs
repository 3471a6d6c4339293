//! Any bytes for the property of `messages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| remand_fuzz::messages::holds(bytes));

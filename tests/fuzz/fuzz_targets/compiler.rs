//! Any bytes for the property of `compiler`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| remand_fuzz::compiler::holds(bytes));

//! Any bytes for the property of `importer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| remand_fuzz::importer::holds(bytes));

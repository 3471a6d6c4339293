//! The properties that the targets hold: the files of the plain test `properties` of remand-policy, which holds them against the seeds.

#[path = "../../src/policy/tests/properties/compiler.rs"]
pub mod compiler;
#[path = "../../src/policy/tests/properties/editor.rs"]
pub mod editor;
#[path = "../../src/policy/tests/properties/importer.rs"]
pub mod importer;
#[path = "../../src/policy/tests/properties/loader.rs"]
pub mod loader;
#[path = "../../src/policy/tests/properties/meaning.rs"]
mod meaning;
#[path = "../../src/policy/tests/properties/narrowing.rs"]
pub mod narrowing;
#[path = "../../src/policy/tests/properties/wild.rs"]
mod wild;

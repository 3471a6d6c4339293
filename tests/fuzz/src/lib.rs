//! The properties that the targets hold: the files of the plain test `properties` of remand-authoring, which holds them against the seeds,
//! and that of remand-serve.

#[path = "../../../src/authoring/tests/properties/compiler.rs"]
pub mod compiler;
#[path = "../../../src/authoring/tests/properties/editor.rs"]
pub mod editor;
#[path = "../../../src/authoring/tests/properties/importer.rs"]
pub mod importer;
#[path = "../../../src/authoring/tests/properties/loader.rs"]
pub mod loader;
#[path = "../../../src/authoring/tests/properties/meaning.rs"]
mod meaning;
#[path = "../../../src/serve/tests/properties/messages.rs"]
pub mod messages;
#[path = "../../../src/authoring/tests/properties/narrowing.rs"]
pub mod narrowing;
#[path = "../../../src/authoring/tests/properties/wild.rs"]
mod wild;

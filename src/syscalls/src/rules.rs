//! What a policy says about system calls: names and conditions, in three lists.

/// An allowlist and what wins over it. What is not allowed is answered EPERM; unknown numbers, `clone3` and `io_uring_*` ENOSYS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Groups (`"@io"`) and single calls, with argument conditions.
    pub allow: Vec<Grant>,
    /// Calls taken out of what `allow` grants; wins over it. A group takes out every call that it grants, under conditions or not.
    pub deny: Vec<String>,
    /// Calls that end the run; wins over `allow` and `deny`. Group names are allowed.
    pub kill: Vec<String>,
}

/// One line of `allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// A call (`"ioctl"`) or a group (`"@threads"`).
    pub call: String,
    /// All must hold (AND). Empty: any arguments. Several grants of one call are alternatives (OR).
    pub when: Vec<Condition>,
    /// Why; required for a dangerous grant (a call or group marked dangerous in the table).
    pub reason: Option<String>,
}

impl Grant {
    /// A call with any arguments, or a group.
    #[must_use]
    pub fn any(call: &str) -> Self {
        Self { call: call.to_owned(), when: Vec::new(), reason: None }
    }
}

/// A condition on one argument register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Argument index, 0 to 5.
    pub arg: u8,
    /// Comparison. The width (32 or 64 bits) is taken from the call's signature in the syscall table, never from the policy.
    pub op: Comparison,
}

/// Comparisons on an unsigned argument.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Comparison {
    Equals(u64),
    OneOf(Vec<u64>),
    AtMost(u64),
    /// `(argument & mask) == value`.
    Masked {
        mask: u64,
        value: u64,
    },
}

impl Comparison {
    /// Whether a value, cut to the argument's width, passes.
    #[must_use]
    pub fn passes(&self, argument: u64) -> bool {
        match self {
            Self::Equals(value) => argument == *value,
            Self::OneOf(values) => values.contains(&argument),
            Self::AtMost(most) => argument <= *most,
            Self::Masked { mask, value } => argument & mask == *value,
        }
    }
}

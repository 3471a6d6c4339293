//! What a policy can say of a call: which calls it can grant, and which it can let end a run.

use remand_syscalls::{Grant, Rules, granted};

/// Whether a policy can grant this call at all.
pub(super) fn grantable(call: &str) -> bool {
    let grant = Grant { call: call.to_owned(), when: Vec::new(), reason: None };
    granted(&Rules { allow: vec![grant], deny: Vec::new(), kill: Vec::new() }).is_ok()
}

/// Whether a policy can let this call end the run: not one that is answered ENOSYS whatever the policy says, and not the one that every start makes.
pub(super) fn killable(call: &str) -> bool {
    call != "execve" && grantable(call)
}

//! What the supervisor answers a denied call, and what it tells people about one.
//!
//! Always holds: a number that this build does not know is answered ENOSYS, as a kernel without it would, so that libraries fall back.

use super::granted::Access;
use super::groups::{Group, STANDING};
use super::table::{CALLS, Call, at};
use crate::host::Arch;
use crate::policy::{Comparison, Condition, Grant, Policy};

/// `EPERM` on both instruction sets.
const EPERM: i32 = 1;
/// `ENOSYS` on both instruction sets.
const ENOSYS: i32 = 38;

/// The error number, positive, that a denied call is answered.
#[must_use]
pub fn answer(arch: Arch, number: u32) -> i32 {
    match call(arch, number).map(|call| call.home) {
        None | Some(Group::Never | Group::IoUring) => ENOSYS,
        Some(_) => EPERM,
    }
}

/// The smallest change to a policy that would allow a denied call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// There is none; why.
    None(String),
    /// A name in `syscalls.kill` or `syscalls.deny`, which stands before every grant.
    TakeOut {
        /// `kill` or `deny`.
        list: &'static str,
        /// What is to be taken out.
        name: String,
    },
    /// A harmless group.
    Group {
        /// Its name.
        name: &'static str,
        /// What it is for.
        purpose: &'static str,
    },
    /// The call alone, with the values of those arguments that its danger depends on. Has no reason yet.
    Call(Grant),
}

/// The smallest change to the policy that would allow a denied call with these arguments.
#[must_use]
pub fn remedy(policy: &Policy, arch: Arch, number: u32, args: &[u64; 6]) -> Remedy {
    let Some(call) = call(arch, number) else {
        return Remedy::None(format!("this build knows no system call {number}, and no policy can allow it"));
    };
    if call.home == Group::Never {
        return Remedy::None(format!("{} is never allowed, since no filter sees its arguments; programs fall back to clone", call.name));
    }
    for (list, names) in [("kill", &policy.syscalls.kill), ("deny", &policy.syscalls.deny)] {
        if let Some(name) = names.iter().find(|name| names_call(name, call)) {
            return Remedy::TakeOut { list, name: name.clone() };
        }
    }
    match safe_group(call, args).and_then(Group::info) {
        Some(info) => Remedy::Group { name: info.name, purpose: info.purpose },
        None => Remedy::Call(grant(call, args)),
    }
}

/// [`remedy`] as a sentence, with its danger.
#[must_use]
pub fn change(policy: &Policy, arch: Arch, number: u32, args: &[u64; 6]) -> String {
    let danger = || call(arch, number).map_or_else(String::new, |call| danger(call.home));
    match remedy(policy, arch, number, args) {
        Remedy::None(why) => format!("none: {why}"),
        Remedy::TakeOut { list, name } => format!("syscalls.{list}: take out \"{name}\", which stands before every grant{}", danger()),
        Remedy::Group { name, purpose } => format!("syscalls.allow: add \"{name}\" ({purpose})"),
        Remedy::Call(grant) => format!("syscalls.allow: add {}{}", written(&grant), danger()),
    }
}

/// What a call with these arguments endangers, by the narrowest group that grants it; `None` where that is harmless.
#[must_use]
pub fn risk(arch: Arch, number: u32, args: &[u64; 6]) -> Option<&'static str> {
    let call = call(arch, number)?;
    let group = standing(call, args).next().unwrap_or(call.home);
    if safe_group(call, args).is_some() { None } else { group.info()?.danger }
}

/// The groups that grant this call under conditions, which these arguments meet.
fn standing(call: &Call, args: &[u64; 6]) -> impl Iterator<Item = Group> {
    let fits = |when| Access::When(vec![when]).allows(call, args);
    STANDING.iter().filter(move |standing| standing.call == call.name && fits(standing.conditions())).map(|standing| standing.group)
}

/// A harmless group that grants this call with these arguments.
fn safe_group(call: &Call, args: &[u64; 6]) -> Option<Group> {
    std::iter::once(call.home).chain(standing(call, args)).find(|group| group.info().is_some_and(|info| info.danger.is_none()))
}

/// The grant of this call alone, with the values of those arguments that its danger depends on.
fn grant(call: &Call, args: &[u64; 6]) -> Grant {
    let mut looked_at: Vec<u8> = STANDING.iter().filter(|s| s.call == call.name).flat_map(|s| s.when.iter().map(|(arg, _)| *arg)).collect();
    looked_at.sort_unstable();
    looked_at.dedup();
    let value = |arg: u8| args.get(usize::from(arg)).map_or(0, |value| value & call.mask(arg));
    let when = looked_at.into_iter().map(|arg| Condition { arg, op: Comparison::Equals(value(arg)) }).collect();
    Grant { call: call.name.to_owned(), when, reason: None }
}

/// As a policy file writes it, the reason left to the writer.
fn written(Grant { call, when, .. }: &Grant) -> String {
    let condition = |condition: &Condition| match &condition.op {
        Comparison::Equals(value) => format!("{{\"arg\": {}, \"equals\": {value}}}", condition.arg),
        _ => crate::load::write_condition(condition).to_string(),
    };
    let when = when.iter().map(condition).collect::<Vec<_>>().join(", ");
    let when = if when.is_empty() { when } else { format!("\"when\": [{when}], ") };
    format!("{{\"call\": \"{call}\", {when}\"reason\": \"...\"}}")
}

fn danger(home: Group) -> String {
    let danger = home.info().and_then(|info| info.danger);
    danger.map_or_else(String::new, |danger| format!("; dangerous: {danger}"))
}

fn names_call(name: &str, call: &Call) -> bool {
    let group = Group::named(name);
    name == call.name
        || group == Some(call.home)
        || STANDING.iter().any(|standing| Some(standing.group) == group && standing.call == call.name)
}

fn call(arch: Arch, number: u32) -> Option<&'static Call> {
    CALLS.get(at(arch, number)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::syscalls::{name, number};

    const X86: Arch = Arch::X86_64;

    fn told(call: &str, args: [u64; 6]) -> String {
        change(&crate::syscalls::tests::policy(&["@io", "@files"], &["statx"], &["@keys"]), X86, number(X86, call).unwrap(), &args)
    }

    #[test]
    fn unknown_numbers_and_what_must_fall_back_do_not_exist() {
        for call in ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"] {
            assert_eq!(answer(X86, number(X86, call).unwrap()), ENOSYS, "{call}");
        }
        for unknown in [337, 423, 471 + 1, 512, 0x4000_0000, u32::MAX] {
            assert_eq!((name(X86, unknown), answer(X86, unknown)), (None, ENOSYS));
        }
        assert_eq!(answer(X86, number(X86, "ptrace").unwrap()), EPERM);
        assert_eq!(answer(Arch::Aarch64, 220), EPERM);
    }

    #[test]
    fn a_change_names_the_narrowest_line() {
        assert_eq!(told("poll", [0; 6]), "syscalls.allow: add \"@poll\" (wait for descriptors: poll, select, epoll, eventfd)");
        assert_eq!(
            told("clone", [0x11, 0, 0, 0, 0, 0]),
            format!("syscalls.allow: add \"@exec\" ({})", Group::Exec.info().unwrap().purpose)
        );
        let threads = told("clone", [0x3d_0f00, 0, 0, 0, 0, 0]);
        assert!(threads.contains("@threads"), "{threads}");
        let namespace = told("clone", [0xffff_0000_1000_0011, 0, 0, 0, 0, 0]);
        assert!(
            namespace.contains(r#"{"call": "clone", "when": [{"arg": 0, "equals": 18446462599001276433}], "reason": "..."}; dangerous: "#),
            "{namespace}"
        );
        let injected = told("ioctl", [0, 0xffff_ffff_0000_5412, 0, 0, 0, 0]);
        assert!(injected.contains(r#""when": [{"arg": 1, "equals": 21522}]"#), "{injected}");
        assert!(told("ptrace", [0; 6]).starts_with("syscalls.allow: add {\"call\": \"ptrace\", \"reason\": \"...\"}; dangerous: "));
    }

    #[test]
    fn a_risk_is_that_of_the_narrowest_group() {
        let risk = |call, args: [u64; 6]| risk(X86, number(X86, call).unwrap(), &args);
        let of = |group: Group| group.info().unwrap().danger;
        assert_eq!(risk("socket", [2, 1, 0, 0, 0, 0]), of(Group::Sockets));
        assert_eq!(risk("socket", [38, 1, 0, 0, 0, 0]), of(Group::RawSockets));
        assert_eq!(risk("clone", [0x3d_0f00, 0, 0, 0, 0, 0]), None);
        assert_eq!(risk("poll", [0; 6]), None);
    }

    #[test]
    fn a_change_names_what_stands_before_grants() {
        assert_eq!(told("statx", [0; 6]), "syscalls.deny: take out \"statx\", which stands before every grant");
        assert!(told("keyctl", [0; 6]).starts_with("syscalls.kill: take out \"@keys\""));
        assert!(told("clone3", [0; 6]).starts_with("none: "));
        let policy = crate::syscalls::tests::policy(&[], &[], &[]);
        assert!(change(&policy, X86, 999, &[0; 6]).starts_with("none: this build knows no system call 999"));
    }
}

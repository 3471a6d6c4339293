//! What the supervisor answers a denied call, and what it tells people about one.
//!
//! Always holds: a number that this build does not know is answered ENOSYS, as a kernel without it would, so that libraries fall back; so are calls that
//! they know to do without.

use std::fmt::{self, Write};

use crate::arch::Arch;
use crate::granted::meets;
use crate::groups::{Group, STANDING, Standing};
use crate::rules::{Comparison, Condition, Grant, Rules};
use crate::table::{CALLS, Call, at, find};

/// `EPERM` on both instruction sets.
const EPERM: i32 = 1;
/// `ENOSYS` on both instruction sets.
const ENOSYS: i32 = 38;

/// What a denied call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It is not permitted.
    Eperm,
    /// There is no such call.
    Enosys,
}

impl Denial {
    /// The error number, positive.
    #[must_use]
    pub const fn errno(self) -> i32 {
        match self {
            Self::Eperm => EPERM,
            Self::Enosys => ENOSYS,
        }
    }
}

/// What a denied call is answered.
#[must_use]
pub fn answer(arch: Arch, number: u32) -> Denial {
    match call(arch, number).map(|call| (call.home, call.name)) {
        None | Some((Group::Never | Group::IoUring, _) | (_, "openat2")) => Denial::Enosys,
        Some(_) => Denial::Eperm,
    }
}

/// Why no change to a policy would allow a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRemedy {
    /// This build knows no call of this number.
    Unknown(u32),
    /// No filter sees the arguments of this call.
    Unseen(&'static str),
    /// It is one of another instruction set.
    Foreign,
    /// Only a memory cgroup counts what it makes, and the run has none.
    Uncounted,
}

/// A list of names that stands before every grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// `syscalls.kill`.
    Kill,
    /// `syscalls.deny`.
    Deny,
}

impl Barrier {
    /// The field of the policy.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Kill => "syscalls.kill",
            Self::Deny => "syscalls.deny",
        }
    }
}

/// What would allow a denied call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing; why.
    None(NoRemedy),
    /// A name in `deny` or `kill` stands before every grant.
    TakeOut {
        /// Which list.
        list: Barrier,
        /// The entry that names the call.
        name: String,
        /// The call.
        call: &'static str,
    },
    /// A grant, of a harmless group where one will do, without its reason.
    Add(Grant),
    /// What another process found, in its words: a record that was read has no more.
    Told(String),
}

impl fmt::Display for NoRemedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(number) => write!(f, "this build knows no system call {number}, and no policy can allow it"),
            Self::Unseen(call) => write!(f, "{call} is never allowed, since no filter sees its arguments; programs fall back to clone"),
            Self::Foreign => f.write_str("every call of another instruction set ends the run"),
            Self::Uncounted => f.write_str("only a memory cgroup counts what this call makes, and this run has none (enforcement.memory)"),
        }
    }
}

/// The change to the policy, and its danger.
impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None(why) => write!(f, "none: {why}"),
            Self::TakeOut { list, name, call } => {
                write!(f, "{}: take out \"{name}\", which stands before every grant{}", list.field(), danger(call))
            }
            Self::Add(grant) => match Group::named(&grant.call).and_then(Group::info) {
                Some(info) => write!(f, "syscalls.allow: add \"{}\" ({})", info.name, info.purpose),
                None => write!(f, "syscalls.allow: add {}{}", written(grant), danger(&grant.call)),
            },
            Self::Told(change) => f.write_str(change),
        }
    }
}

/// The change to the policy that would allow a denied call with these arguments. An argument that is `None` can have any value.
#[must_use]
pub fn remedy(rules: &Rules, arch: Arch, number: u32, args: &[Option<u64>; 6]) -> Remedy {
    let Some(call) = call(arch, number) else {
        return Remedy::None(NoRemedy::Unknown(number));
    };
    if call.home == Group::Never {
        return Remedy::None(NoRemedy::Unseen(call.name));
    }
    for (list, names) in [(Barrier::Kill, &rules.kill), (Barrier::Deny, &rules.deny)] {
        if let Some(name) = names.iter().find(|name| names_call(name, call)) {
            return Remedy::TakeOut { list, name: name.clone(), call: call.name };
        }
    }
    match safe_group(call, args).and_then(Group::info) {
        Some(info) => Remedy::Add(Grant { call: info.name.to_owned(), when: Vec::new(), reason: None }),
        None => Remedy::Add(grant(call, args)),
    }
}

/// Whether an entry of `deny` or `kill` names this call, by itself or in a group.
#[must_use]
pub fn entry_names(entry: &str, call: &str) -> bool {
    find(call).and_then(|row| CALLS.get(row)).is_some_and(|call| names_call(entry, call))
}

/// What a call with these arguments endangers, by the narrowest group that grants it whatever the unknown ones are; `None` where that is
/// harmless.
#[must_use]
pub fn risk(arch: Arch, number: u32, args: &[Option<u64>; 6]) -> Option<&'static str> {
    let call = call(arch, number)?;
    let sure = |standing: &&Standing| {
        standing.call == call.name && standing.conditions().iter().all(|condition| meets(call, condition, args) == Some(true))
    };
    let groups: Vec<_> = STANDING.iter().filter(sure).map(|standing| standing.group).chain([call.home]).collect();
    if groups.iter().any(|group| group.info().is_some_and(|info| info.danger.is_none())) { None } else { groups.first()?.info()?.danger }
}

/// A harmless group that grants this call with these arguments, or may.
fn safe_group(call: &Call, args: &[Option<u64>; 6]) -> Option<Group> {
    let may = |standing: &Standing| standing.conditions().iter().all(|condition| meets(call, condition, args).unwrap_or(true));
    let standing = STANDING.iter().filter(|standing| standing.call == call.name && may(standing)).map(|standing| standing.group);
    std::iter::once(call.home).chain(standing).find(|group| group.info().is_some_and(|info| info.danger.is_none()))
}

/// The grant of this call alone, with the values of those known arguments that its danger depends on.
fn grant(call: &Call, args: &[Option<u64>; 6]) -> Grant {
    // Up to the first that is not met: what is behind it is about other calls.
    let decide = |standing: &Standing| {
        let mut unmet = false;
        let until = |condition: &Condition| !std::mem::replace(&mut unmet, meets(call, condition, args) == Some(false));
        standing.conditions().into_iter().take_while(until).map(|condition| condition.arg).collect::<Vec<_>>()
    };
    let mut looked_at: Vec<u8> = STANDING.iter().filter(|standing| standing.call == call.name).flat_map(decide).collect();
    looked_at.sort_unstable();
    looked_at.dedup();
    let equals = |arg: u8| {
        let value = (*args.get(usize::from(arg))?)? & call.mask(arg);
        Some(Condition { arg, op: Comparison::Equals(value) })
    };
    Grant { call: call.name.to_owned(), when: looked_at.into_iter().filter_map(equals).collect(), reason: None }
}

/// A grant as a policy writes it, with room for the reason.
fn written(grant: &Grant) -> String {
    let mut when = String::new();
    for condition in &grant.when {
        let comma = if when.is_empty() { "" } else { ", " };
        if let Comparison::Equals(value) = condition.op {
            let _ = write!(when, "{comma}{{\"arg\": {}, \"equals\": {value}}}", condition.arg);
        }
    }
    let when = if when.is_empty() { when } else { format!("\"when\": [{when}], ") };
    format!("{{\"call\": \"{}\", {when}\"reason\": \"...\"}}", grant.call)
}

fn danger(call: &str) -> String {
    let danger = find(call).and_then(|row| CALLS.get(row)).and_then(|call| call.home.info()?.danger);
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
    use crate::names::{name, number};

    const X86: Arch = Arch::X86_64;

    fn told(call: &str, args: [u64; 6]) -> String {
        remedy(&crate::tests::section(&["@io", "@files"], &["statx"], &["@keys"]), X86, number(X86, call).unwrap(), &args.map(Some))
            .to_string()
    }

    #[test]
    fn unknown_numbers_and_what_must_fall_back_do_not_exist() {
        for call in ["clone3", "openat2", "io_uring_setup", "io_uring_enter", "io_uring_register"] {
            assert_eq!(answer(X86, number(X86, call).unwrap()), Denial::Enosys, "{call}");
        }
        for unknown in [337, 423, 471 + 1, 512, 0x4000_0000, u32::MAX] {
            assert_eq!((name(X86, unknown), answer(X86, unknown)), (None, Denial::Enosys));
        }
        assert_eq!(answer(X86, number(X86, "ptrace").unwrap()), Denial::Eperm);
        assert_eq!(answer(Arch::Aarch64, 220), Denial::Eperm);
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
        let risk = |call, args: [u64; 6]| risk(X86, number(X86, call).unwrap(), &args.map(Some));
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
        assert_eq!(remedy(&Rules::default(), X86, 999, &[None; 6]), Remedy::None(NoRemedy::Unknown(999)));
    }
}

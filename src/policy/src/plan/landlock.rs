//! Landlock rights of a plan, as the kernel's bit masks for an ABI (`<linux/landlock.h>`).

use super::protections::Protections;
use super::root::PROTECTED_FILES;
use super::{LandlockPlan, Program};
use crate::host::{Fact, HostFacts};
use crate::outcome::Enforcement;
use crate::policy::{NetworkMode, Policy};

const EXECUTE: u64 = 1 << 0;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const MAKE_CHAR: u64 = 1 << 6;
const MAKE_BLOCK: u64 = 1 << 11;
const IOCTL_DEV: u64 = 1 << 15;
const READ: u64 = READ_FILE | READ_DIR;

/// Every right over files that an ABI knows.
#[must_use]
pub fn files(abi: u32) -> u64 {
    let rights = match abi {
        0 => 0,
        1 => 13,
        2 => 14,
        3 | 4 => 15,
        _ => 16,
    };
    (1 << rights) - 1
}

/// Binding and connecting TCP ports.
#[must_use]
pub fn tcp(abi: u32) -> u64 {
    if abi >= 4 { 0b11 } else { 0 }
}

/// Abstract sockets and signals.
#[must_use]
pub fn scopes(abi: u32) -> u64 {
    if abi >= 6 { 0b11 } else { 0 }
}

pub(super) fn plan(policy: &Policy, program: &Program<'_>, host: &HostFacts, protections: &mut Protections) -> Option<LandlockPlan> {
    let (abi, least) = (host.landlock_abi, policy.landlock.minimum_abi);
    let fact = match &host.landlock {
        Fact::Available if abi < least => Fact::Missing {
            blocker: format!("this kernel's Landlock ABI is {abi}, landlock.minimum_abi {least}"),
            remedy: "run a newer kernel, or lower landlock.minimum_abi".into(),
        },
        fact => fact.clone(),
    };
    if !protections.weigh("landlock_files", policy.landlock.enforce, &fact, &format!("ABI {abi}"), None) {
        return None;
    }
    let reach = |handled: u64, since: u32| match policy.network.mode {
        NetworkMode::None if handled != 0 => Enforcement::By(format!("ABI {abi}")),
        NetworkMode::None => Enforcement::Absent(format!("this kernel's Landlock ABI is {abi}; since {since}")),
        _ => Enforcement::Absent("network.mode is not none".into()),
    };
    let open = policy.network.mode != NetworkMode::None;
    let handled_net = if open { 0 } else { tcp(abi) };
    let scoped = if open { scopes(abi) & 0b10 } else { scopes(abi) };
    protections.note("landlock_tcp", reach(handled_net, 4));
    protections.note("landlock_scopes", reach(scoped, 6));
    Some(LandlockPlan { abi, handled_fs: files(abi), handled_net, scoped, rules: rules(policy, program, abi) })
}

fn rules(policy: &Policy, program: &Program<'_>, abi: u32) -> Vec<(String, u64)> {
    let all = files(abi);
    // What can be made in a directory of its own: everything but device nodes and programs.
    let own = all & !(EXECUTE | MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV);
    let exec = |yes: bool| if yes { EXECUTE } else { 0 };
    let mut rules = vec![("/".to_owned(), READ), ("/tmp".to_owned(), own | exec(policy.filesystem.tmp.exec))];
    if !policy.filesystem.devices.is_empty() {
        rules.push(("/dev".to_owned(), READ | WRITE_FILE));
    }
    let tree = match program {
        Program::Python(interpreter) => &interpreter.core,
        Program::Host { tree, .. } => tree,
    };
    // Single files are the program and what it is loaded with; directories hold libraries, which are mapped and not executed.
    let files = tree.binds.iter().filter(|path| !PROTECTED_FILES.contains(&path.as_str()));
    rules.extend(files.map(|path| (path.clone(), READ_FILE | EXECUTE)));
    for mount in &policy.filesystem.mounts {
        rules.push((mount.target.clone(), if mount.writable { own } else { READ } | exec(mount.exec)));
    }
    rules
}

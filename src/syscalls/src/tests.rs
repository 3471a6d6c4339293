#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::groups::{self, GROUPS, Group};
use crate::table::{CALLS, find};

/// Rules without conditions.
pub fn section(allow: &[&str], deny: &[&str], kill: &[&str]) -> Rules {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Rules { allow: allow.iter().map(|call| Grant::any(call)).collect(), deny: names(deny), kill: names(kill) }
}

/// All groups that are not dangerous.
pub fn safe_groups() -> Vec<&'static str> {
    names().filter(|name| is_group(name) && !is_dangerous(name)).collect()
}

#[test]
fn the_table_is_sorted_and_its_numbers_are_unique() {
    assert!(CALLS.is_sorted_by(|a, b| a.name < b.name));
    for arch in [Arch::X86_64, Arch::Aarch64] {
        let numbers: Vec<_> = CALLS.iter().filter_map(|call| Some((call.number(arch)?, call.name))).collect();
        assert_eq!(numbers.iter().map(|(number, _)| number).collect::<BTreeSet<_>>().len(), numbers.len());
        for (at, call) in numbers {
            assert_eq!((name(arch, at), number(arch, call)), (Some(call), Some(at)));
        }
    }
    assert!(CALLS.iter().all(|call| call.widths.len() <= 6 && call.widths.bytes().all(|width| b"il".contains(&width))));
}

/// The numbers of a second source, for both instruction sets, by way of the filters that it makes of single names.
#[test]
fn seccompiler_has_the_same_numbers() {
    for (arch, target) in [(Arch::X86_64, seccompiler::TargetArch::x86_64), (Arch::Aarch64, seccompiler::TargetArch::aarch64)] {
        let mut known = 0;
        for call in CALLS {
            let json =
                format!(r#"{{"x": {{"mismatch_action": "allow", "match_action": "trap", "filter": [{{"syscall": "{}"}}]}}}}"#, call.name);
            let Ok(programs) = seccompiler::compile_from_json(json.as_bytes(), target) else { continue };
            let theirs = programs["x"].iter().filter(|i| i.code == bpf::code::JEQ_K).nth(1).map(|instruction| instruction.k);
            assert_eq!(call.number(arch), theirs, "{}", call.name);
            known += 1;
        }
        assert!(known > 300, "only {known} names in common");
    }
}

#[test]
fn widths_are_those_of_the_kernels_signatures() {
    let widths: BTreeMap<_, _> = CALLS.iter().map(|call| (call.name, call.widths)).collect();
    for (call, expected) in [
        ("ioctl", "iil"),
        ("fcntl", "iil"),
        ("clone", "lllll"),
        ("mmap", "llllll"),
        ("prctl", "illll"),
        ("socket", "iii"),
        ("openat", "ilii"),
        ("fchmodat", "ili"),
        ("personality", "i"),
        ("unshare", "l"),
        ("kill", "ii"),
        ("sendto", "illili"),
        ("ptrace", "llll"),
        ("prlimit64", "iill"),
        ("getpid", ""),
    ] {
        assert_eq!(widths[call], expected, "{call}");
    }
    assert_eq!((argument_width("ioctl", 1), argument_width("ioctl", 2), argument_width("ioctl", 3)), (Some(32), Some(64), None));
    assert_eq!(argument_count("mmap"), Some(6));
}

#[test]
fn every_group_has_its_place_and_every_standing_condition_its_call() {
    for (position, info) in GROUPS.iter().enumerate() {
        assert_eq!((info.group as usize, Group::named(info.name)), (position, Some(info.group)));
        assert!(!grants_of_group(info.name).unwrap().is_empty(), "{} is empty", info.name);
    }
    for standing in groups::STANDING {
        let call = &CALLS[find(standing.call).unwrap()];
        assert!(standing.when.iter().all(|(arg, _)| usize::from(*arg) < call.widths.len()), "{}", call.name);
        assert_ne!(call.home, standing.group, "{} would be granted without its condition", call.name);
    }
}

/// What the catalogue of attacks needs; none of it may be had within the safe groups, whatever the arguments.
#[test]
fn no_safe_group_grants_a_call_of_the_catalogue() {
    let granted = granted(&section(&safe_groups(), &[], &[])).unwrap();
    let catalogue = "clone3 io_uring_setup io_uring_enter io_uring_register ptrace process_vm_readv process_vm_writev process_madvise kcmp \
        seccomp unshare setns mount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig fsmount \
        mount_setattr bpf perf_event_open userfaultfd keyctl add_key request_key socket bind connect splice vmsplice tee \
        init_module finit_module kexec_load iopl ioperm reboot swapon acct quotactl open_by_handle_at setxattr fsetxattr syslog \
        pidfd_getfd fanotify_init inotify_init1 modify_ldt setuid capset shmget mq_open clock_settime mincore sendmsg \
        setsockopt memfd_secret remap_file_pages";
    for call in catalogue.split_whitespace() {
        assert!(!granted.contains_key(call), "{call}");
        assert!(is_dangerous(call), "{call} is not marked dangerous");
    }
    for call in ["clone", "prctl", "ioctl", "fcntl", "personality", "mknodat", "fchmod", "mmap", "prlimit64", "socketpair", "pipe2"] {
        assert!(granted[call].iter().all(|when| !when.is_empty()), "{call} without conditions");
        assert!(is_dangerous(call), "{call} with any arguments is not marked dangerous");
    }
    for harmless in ["read", "@io", "@exec", "@socketpair", "no such call"] {
        assert!(!is_dangerous(harmless), "{harmless}");
    }
}

#[test]
fn kill_wins_over_deny_and_deny_over_allow() {
    let all = granted(&section(&["read", "write", "@poll"], &["write", "@poll"], &["read"])).unwrap();
    assert_eq!(all.len(), 0);
    let all = granted(&section(&["@threads", "@exec"], &["@threads"], &[])).unwrap();
    assert_eq!(all.keys().copied().collect::<Vec<_>>(), ["execve", "execveat", "fork", "vfork"]);
}

#[test]
fn without_processes_only_threads_are_made() {
    let mut rules = section(&["read", "@threads", "@exec", "@namespaces", "clone", "vfork"], &[], &[]);
    let threads = granted(&section(&["@threads"], &[], &[])).unwrap();
    rules.take_processes();
    let all = granted(&rules).unwrap();
    assert!(["read", "execve", "unshare"].iter().all(|call| all.contains_key(call)), "the rest stays");
    assert!(!all.contains_key("fork") && !all.contains_key("vfork"));
    assert_eq!(all["clone"], threads["clone"]);
}

#[test]
fn alternatives_add_up_and_senseless_sections_are_refused() {
    let when = |arg, value| Condition { arg, op: Comparison::Equals(value) };
    let limited = |call: &str, when| Grant { call: call.into(), when: vec![when], reason: None };
    let mut syscalls = section(&[], &[], &[]);
    syscalls.allow = vec![limited("kill", when(1, 0)), limited("kill", when(1, 15)), limited("kill", when(1, 15))];
    assert_eq!(granted(&syscalls).unwrap()["kill"], [[when(1, 0)], [when(1, 15)]]);
    syscalls.allow.push(Grant::any("kill"));
    assert_eq!(granted(&syscalls).unwrap()["kill"], [[]; 1]);
    syscalls.allow = vec![limited("kill", when(2, 0))];
    assert_eq!(granted(&syscalls), Err(InvalidRules::NoArgument { call: "kill".into(), arg: 2, count: 2 }));
    assert_eq!(granted(&section(&["clone3"], &[], &[])), Err(InvalidRules::Never("clone3".into())));
    assert_eq!(granted(&section(&["opne"], &[], &[])), Err(InvalidRules::Unknown("opne".into())));
    assert_eq!(granted(&section(&[], &["@nothing"], &[])), Err(InvalidRules::Unknown("@nothing".into())));
    assert_eq!(granted(&section(&[], &["clone3"], &["clone3"])), Ok(BTreeMap::new()));
}

//! Filters against known tricks and against another compiler. That they mean what the policy says, tests/properties holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch};

use super::*;
use crate::bpf::{SeccompData, check, run};
use crate::names::{self, number};
use crate::rules::Grant;
use crate::tests::{safe_groups, section};
use crate::{Around, COUNT};

const BOTH: [Arch; 2] = [Arch::X86_64, Arch::Aarch64];

fn data(arch: Arch, nr: u32, args: [u64; 6]) -> SeccompData {
    SeccompData { nr, arch: audit_arch(arch), instruction_pointer: 0x7fff_1234_5678, args }
}

/// Register contents at which comparisons change: around 0, powers of two, the given values, each with clean and dirty upper halves.
fn edges(values: &[u64]) -> Vec<u64> {
    let seeds = [0, 1 << 31, 1 << 32, 1 << 63, u64::MAX, 0x4_0000, 0o6000, 0x1_0000, 0x1000_0000].into_iter().chain(values.iter().copied());
    let near = seeds.flat_map(|seed| [seed.wrapping_sub(1), seed, seed.wrapping_add(1)]);
    near.flat_map(|value| [value, value | 0xdead_beef << 32, value & 0xffff_ffff]).collect()
}

fn values<'a>(all: impl IntoIterator<Item = &'a Access>) -> Vec<u64> {
    let of = |condition: &Condition| match &condition.op {
        Comparison::Equals(value) | Comparison::AtMost(value) => vec![*value],
        Comparison::OneOf(values) => values.clone(),
        Comparison::Masked { mask, value } => vec![*mask, *value, mask | value, !mask],
    };
    let conditions = all.into_iter().filter_map(|access| match access {
        Access::When(alternatives) => Some(alternatives.concat()),
        _ => None,
    });
    let mut all: Vec<u64> = conditions.flatten().flat_map(|condition| of(&condition)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Known tricks by name, so that a mistake that table and compiler share shows too.
#[test]
fn the_standing_conditions_hold_against_the_catalogue() {
    let program = compile(&section(&safe_groups(), &[], &[]), Arch::X86_64).unwrap();
    let answer = |call: &str, args: &[u64]| {
        let mut all = [0; 6];
        all[..args.len()].copy_from_slice(args);
        run(&program, &data(Arch::X86_64, number(Arch::X86_64, call).unwrap(), all)).unwrap()
    };
    for (call, args) in [
        ("clone", &[0x3d_0f00][..]),
        ("clone", &[0x0120_0011]),
        ("clone", &[0x4111]),
        ("ioctl", &[1, 0x5401]),
        ("ioctl", &[1, 0xffff_ffff_0000_5413]),
        ("fcntl", &[3, 1030]),
        ("fcntl", &[3, 6]),
        ("fadvise64", &[3, 0, 0, 3]),
        ("preadv2", &[3, 0, 0, 0, 0, 1]),
        ("prctl", &[15]),
        ("personality", &[0xffff_ffff]),
        ("chmod", &[0, 0o755]),
        ("open", &[0, 0o101, 0o1777]),
        // What the register holds where nothing is made: the kernel ignores it.
        ("open", &[0, 0, 0o6777]),
        ("openat", &[0, 0, 0o20_0000, u64::MAX]),
        ("openat", &[0, 0, 0o2020_0002, 0o644]),
        ("creat", &[0, 0o644]),
        ("mknodat", &[0, 0, 0o010_644]),
        ("mmap", &[0, 4096, 7, 0x22]),
        ("prlimit64", &[0, 7]),
        ("socketpair", &[1, 0x80801]),
        ("sendto", &[3, 0, 1]),
        ("pipe2", &[0, 0x80000]),
        ("sched_setscheduler", &[0, 3]),
    ] {
        assert_eq!(answer(call, args), ALLOW, "{call} {args:x?}");
    }
    for (call, args) in [
        ("clone", &[0x1000_0011][..]),
        ("clone", &[0xffff_ffff_1000_0011]),
        ("clone", &[0x8011]),
        ("clone", &[0x0002_0011]),
        ("ioctl", &[1, 0x5412]),
        ("ioctl", &[1, 0x1_0000_5412]),
        ("ioctl", &[1, 0xdead_beef_0000_541c]),
        ("fcntl", &[3, 8]),
        ("fcntl", &[3, 10]),
        ("fcntl", &[3, 15]),
        ("fcntl", &[3, 1024]),
        ("fcntl", &[3, 1025]),
        ("fadvise64", &[3, 0, 0, 4]),
        ("preadv2", &[3, 0, 0, 0, 0, 8]),
        ("preadv2", &[3, 0, 0, 0, 0, 0x80]),
        ("fcntl", &[3, 1026]),
        ("prctl", &[35]),
        ("prctl", &[1]),
        ("prctl", &[36]),
        ("prctl", &[4]),
        ("prctl", &[22]),
        ("prctl", &[0xffff_ffff_0000_0023]),
        ("personality", &[0x0040_0000]),
        ("personality", &[0xffff_ffff_0004_0000]),
        ("chmod", &[0, 0o4755]),
        ("open", &[0, 0o101, 0o4755]),
        ("openat", &[0, 0, 0o100, 0o2755]),
        ("openat", &[0, 0, 0xdead_beef_0000_0042, 0xdead_beef_0000_0000 | 0o4000]),
        ("openat", &[0, 0, 0o2020_0002, 0o4755]), // O_TMPFILE
        ("creat", &[0, 0o6000]),
        ("openat2", &[0, 0, 0, 24]),
        ("fchmod", &[3, 0xffff_ffff_0000_0000 | 0o2755]),
        ("mknodat", &[0, 0, 0o020_666]),
        ("mknodat", &[0, 0, 0o104_755]),
        ("mmap", &[0, 4096, 3, 0x4_0022]),
        ("memfd_create", &[0, 4]),
        ("prlimit64", &[1, 7]),
        ("socketpair", &[1, 2]),
        ("socketpair", &[16, 1]),
        ("sendto", &[3, 0, 1, 0, 0x7fff]),
        ("sendto", &[3, 0, 1, 0, 1 << 32]),
        ("pipe2", &[0, 0x80]),
        ("sched_setscheduler", &[0, 1]),
        ("getsockopt", &[3, 0, 3]),
        ("sendmsg", &[4]),
        ("sendmsg", &[5]),
        ("execve", &[]),
    ] {
        let expected = if call == "execve" { ALLOW } else { NOTIFY };
        assert_eq!(answer(call, args), expected, "{call} {args:x?}");
    }
    assert_eq!(answer("clone3", &[]), NO_SUCH_CALL);
}

#[test]
fn the_start_needs_execve_and_nothing_may_kill_it() {
    assert_eq!(compile(&section(&[], &[], &["execve"]), Arch::X86_64), Err(CompileError::KilledStart));
    assert_eq!(compile(&section(&["@io"], &[], &["@exec"]), Arch::Aarch64), Err(CompileError::KilledStart));
    let mut conditional = section(&["@io"], &[], &[]);
    conditional.allow.push(Grant { when: vec![Condition { arg: 1, op: Comparison::Equals(0) }], ..Grant::any("execve") });
    assert_eq!(compile(&conditional, Arch::X86_64), Err(CompileError::ConditionalStart));
    let program = compile(&section(&[], &["execve"], &[]), Arch::X86_64).unwrap();
    assert_eq!(run(&program, &data(Arch::X86_64, 59, [0; 6])), Ok(NOTIFY));
}

#[test]
fn a_filter_of_a_usual_policy_is_small() {
    let program = compile(&section(&safe_groups(), &[], &[]), Arch::X86_64).unwrap();
    check(&program).unwrap();
    assert!(program.len() < 600, "{} instructions", program.len());
}

fn comparison() -> impl Strategy<Value = Comparison> {
    let word = || prop_oneof![0..16_u64, any::<u64>(), any::<u32>().prop_map(u64::from), (0..64_u32).prop_map(|bit| 1 << bit)];
    prop_oneof![
        word().prop_map(Comparison::Equals),
        prop::collection::vec(word(), 0..5).prop_map(Comparison::OneOf),
        word().prop_map(Comparison::AtMost),
        (word(), word()).prop_map(|(mask, value)| Comparison::Masked { mask, value: value & mask }),
        (word(), word()).prop_map(|(mask, value)| Comparison::Masked { mask, value }),
    ]
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let when = prop::collection::vec((0..6_u8, comparison()), 0..4);
    (0..CALLS.len(), when).prop_filter_map("clone3 cannot be granted, execve not on conditions", |(row, when)| {
        let call = &CALLS[row];
        let count = u8::try_from(call.widths.len()).ok()?;
        let when: Vec<_> = when.into_iter().filter(|(arg, _)| *arg < count).map(|(arg, op)| Condition { arg, op }).collect();
        (call.name != "clone3" && (call.name != "execve" || when.is_empty())).then(|| Grant { when, ..Grant::any(call.name) })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same rules by another compiler, where it can say them: the answers are equal on everything that is tried.
    #[test]
    fn seccompiler_agrees(
        allow in prop::collection::vec(any_grant(), 1..12),
        calls in prop::collection::vec((0..512_u32, prop::array::uniform6(any::<u64>())), 20),
    ) {
        let syscalls = Rules { allow, ..section(&[], &[], &[]) };
        let edges = edges(&values(&access(&syscalls).unwrap()));
        for (arch, target) in BOTH.into_iter().zip([TargetArch::x86_64, TargetArch::aarch64]) {
            let ours = compile(&syscalls, arch).unwrap();
            let Some(theirs) = by_seccompiler(&syscalls, arch, target) else { return Ok(()) };
            let numbers = syscalls.allow.iter().filter_map(|grant| number(arch, &grant.call));
            let judged = numbers.flat_map(|nr| edges.iter().map(move |edge| (nr, [*edge; 6]))).chain(calls.iter().copied());
            for (nr, args) in judged.filter(|(nr, _)| number(arch, "clone3") != Some(*nr)) {
                let (ours, theirs) = (run(&ours, &data(arch, nr, args)), run(&theirs, &data(arch, nr, args)));
                prop_assert_eq!(ours == Ok(ALLOW), theirs == Ok(ALLOW), "{:?} {} {:x?}: {:x?}, {:x?}", arch, nr, args, ours, theirs);
            }
        }
    }
}

/// The policy in seccompiler's words; `None` where it has none.
fn by_seccompiler(syscalls: &Rules, arch: Arch, target: TargetArch) -> Option<Vec<Instruction>> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (call, access) in CALLS.iter().zip(access(syscalls).unwrap()) {
        let Some(nr) = call.number(arch) else { continue };
        match access {
            Access::Any => drop(rules.insert(nr.into(), Vec::new())),
            Access::When(alternatives) => {
                let rule = |when: &Vec<Condition>| {
                    when.iter().map(|condition| by_seccompiler_condition(call.name, condition)).collect::<Option<Vec<_>>>()
                };
                let all = alternatives.iter().map(|when| SeccompRule::new(rule(when)?).ok()).collect::<Option<Vec<_>>>()?;
                rules.insert(nr.into(), all);
            }
            Access::Denied | Access::Killed => {}
        }
    }
    let filter = SeccompFilter::new(rules, SeccompAction::Errno(1), SeccompAction::Allow, target).ok()?;
    let program: seccompiler::BpfProgram = filter.try_into().ok()?;
    Some(program.iter().map(|i| Instruction { code: i.code, jt: i.jt, jf: i.jf, k: i.k }).collect())
}

fn by_seccompiler_condition(call: &str, Condition { arg, op }: &Condition) -> Option<SeccompCondition> {
    let narrow = names::argument_width(call, *arg)? == 32;
    let length = if narrow { SeccompCmpArgLen::Dword } else { SeccompCmpArgLen::Qword };
    let (op, value) = match op {
        Comparison::Equals(value) => (SeccompCmpOp::Eq, *value),
        Comparison::AtMost(most) => (SeccompCmpOp::Le, *most),
        // It masks the value too, where ours never matches.
        Comparison::Masked { mask, value } if value & !mask == 0 => (SeccompCmpOp::MaskedEq(*mask), *value),
        Comparison::Masked { .. } | Comparison::OneOf(_) => return None,
    };
    // It cuts wide values to 32 bits, where ours never matches.
    let wide = narrow && (value > u32::MAX.into() || matches!(op, SeccompCmpOp::MaskedEq(mask) if mask > u32::MAX.into()));
    if wide { None } else { SeccompCondition::new(*arg, length, op, value).ok() }
}

#[test]
fn observing_asks_about_paths_and_allows_nothing_more() {
    use crate::paths;
    let args = [[0; 6], [5, 0, 0, 0, 0, 0], [0, 0x5412, 0x1000_0000, 0, 0, 0]];
    let conditional = section(&["@io", "@files"], &["statx"], &["readlink"]);
    let conditional = Rules { allow: [conditional.allow, vec![grant_when("openat")]].concat(), ..conditional };
    for (section, arch) in [section(&safe_groups(), &[], &["ptrace", "@kernel"]), section(&["@io"], &["@io"], &["read"]), conditional]
        .into_iter()
        .flat_map(|section| BOTH.map(|arch| (section.clone(), arch)))
    {
        let (normal, learning) =
            (compile_for_run(&section, arch, around(false, true)).unwrap(), compile_learning(&section, arch, around(false, true)).unwrap());
        check(&learning).unwrap();
        for (nr, args) in (0..=NUMBERS).flat_map(|nr| args.map(|args| (nr, args))) {
            let [normal, observed] = [&normal, &learning].map(|filter| run(filter, &data(arch, nr, args)).unwrap());
            let looks = names::name(arch, nr).is_some_and(|name| paths::lookup(arch, name, &args).is_some());
            let expected = if looks && normal == ALLOW { NOTIFY } else { normal };
            assert_eq!(observed, expected, "{nr} {args:?}");
        }
    }
}

/// What is kept from the kernel, said a second time.
fn expected_of_a_run(call: Option<&str>, args: [u64; 6], writable: bool) -> u32 {
    use crate::{DONE, SERVE};
    match call {
        Some("flock") => SERVE,
        Some("fcntl") if matches!(args[1] & 0xffff_ffff, 5..=7 | 36..=38) => SERVE,
        Some("sync" | "syncfs") => DONE,
        Some("fsync" | "fdatasync" | "msync" | "sync_file_range") if !writable => DONE,
        _ => ALLOW,
    }
}

#[test]
fn a_run_keeps_locks_and_flushes_from_the_kernel_whatever_grants_them() {
    let commands = (0..40).chain([1024, 1030, 0xdead_beef_0000_0006, 1 << 32]);
    let args: Vec<[u64; 6]> = commands.map(|command| [3, command, 0, command % 9, 0, 0]).collect();
    let mut conditional = section(&["@io"], &[], &[]);
    conditional.allow.extend(
        [("flock", 1, 6), ("fcntl", 0, 3), ("fsync", 0, 3)]
            .map(|(call, arg, value)| Grant { when: vec![Condition { arg, op: Comparison::Equals(value) }], ..Grant::any(call) }),
    );
    let sections =
        [section(&safe_groups(), &[], &[]), section(&["fcntl", "flock", "@administration"], &["fsync"], &["msync"]), conditional];
    for (section, arch) in sections.iter().flat_map(|section| BOTH.map(|arch| (section, arch))) {
        let plain = compile(section, arch).unwrap();
        for writable in [false, true] {
            let of_run = compile_for_run(section, arch, around(writable, false)).unwrap();
            check(&of_run).unwrap();
            for (nr, args) in (0..=NUMBERS).flat_map(|nr| args.iter().map(move |args| (nr, *args))) {
                let [plain, of_run] = [&plain, &of_run].map(|filter| run(filter, &data(arch, nr, args)).unwrap());
                let call = crate::name(arch, nr);
                let expected = match plain {
                    ALLOW => expected_of_a_run(call, args, writable),
                    KILL => END,
                    other => other,
                };
                assert_eq!(of_run, expected, "{call:?} {args:x?} {writable}");
            }
        }
    }
}

fn around(writable: bool, watched: bool) -> Around {
    Around { writable, watched, names: false }
}

#[test]
fn where_names_of_sockets_lead_out_each_connection_is_served() {
    for arch in BOTH {
        let [within, out] = [false, true]
            .map(|names| compile_for_run(&section(&["@unix_sockets"], &[], &[]), arch, Around { names, ..Around::default() }).unwrap());
        let number = |call| number(arch, call).unwrap();
        let answer = |filter: &[_], call, args| run(filter, &data(arch, number(call), args)).unwrap();
        assert_eq!((answer(&within, "connect", [3; 6]), answer(&out, "connect", [3; 6])), (ALLOW, crate::SERVE));
        for filter in [&within, &out] {
            // Streams and SOCK_SEQPACKET of AF_UNIX, with any flags; datagrams take a name that no filter sees, and SOCK_RAW makes them too.
            let kinds = [1, 2, 3, 4, 5, 10].map(|kind| answer(filter, "socket", [1, kind | 0x80800, 0, 0, 0, 0]) == ALLOW);
            assert_eq!(kinds, [true, false, false, false, true, false]);
        }
    }
}

fn grant_when(call: &str) -> Grant {
    Grant { call: call.into(), when: vec![Condition { arg: 2, op: Comparison::Equals(0) }], reason: None }
}

#[test]
fn shared_memory_that_nothing_counts_is_told_of() {
    let by_name = section(&["mmap"], &[], &[]);
    for (section, arch) in [section(&safe_groups(), &[], &[]), by_name].iter().flat_map(|section| BOTH.map(|arch| (section, arch))) {
        let [plain, watched] = [false, true].map(|watched| compile_for_run(section, arch, around(false, watched)).unwrap());
        let nr = number(arch, "mmap").unwrap();
        for flags in (0..0x100).chain([0x4_0021, 0xdead_beef_0000_0021, 0x8021]) {
            let [plain, watched] = [&plain, &watched].map(|filter| run(filter, &data(arch, nr, [0, 4096, 3, flags, 0, 0])).unwrap());
            let expected = if plain == ALLOW && flags & 0x2f == 0x21 { COUNT } else { plain };
            assert_eq!(watched, expected, "{flags:#x}");
        }
    }
}

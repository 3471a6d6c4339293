//! Import and export of foreign policies: real profiles and random ones against an account of the profile that is not the importer's, and against libseccomp.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod container;
mod export;
mod malformed;
mod oracle;
mod random;
mod real;

use std::borrow::Cow;

use remand_authoring::foreign::{Effect, Imported, import};
use remand_authoring::lint::lint;
use remand_policy::load::{Chain, trace};
use remand_policy::source::Source;
use remand_policy::{Policy, shipped};
use remand_syscalls::bpf::{Instruction, SeccompData, run};
use remand_syscalls::{ALLOW, Arch, Rules, argument_width, audit_arch, compile, is_group, names, number};
use serde_json::Value;

/// Both instruction sets.
pub const BOTH: [Arch; 2] = [Arch::X86_64, Arch::Aarch64];

/// A file of `data`.
pub fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/foreign/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The policy of a text, which must load without problem. The warnings that there may be are about the source: that it lets no Python start,
/// and that its limits are too low for each other.
pub fn load(text: &str) -> Policy {
    let source = Source { file: "imported".into(), text: Cow::Owned(text.as_bytes().to_vec()) };
    let loaded = trace(&Chain::shipped(&source), "imported")
        .unwrap_or_else(|problems| panic!("{}\n{text}", problems.iter().map(|problem| format!("{problem}\n")).collect::<String>()));
    let mut warnings = lint(&loaded, &source);
    warnings.retain(|warning| !warning.message.starts_with("no Python starts") && !warning.field.starts_with("limits."));
    assert_eq!(warnings, [], "{text}");
    loaded.policy
}

/// An import, and the policy that it loads as.
pub fn imported(profile: &Value) -> (Imported, Policy) {
    let imported = import(profile.to_string().as_bytes(), "profile.json", None).unwrap();
    let policy = load(&imported.policy);
    (imported, policy)
}

/// All system calls.
pub fn calls() -> impl Iterator<Item = &'static str> {
    names().filter(|name| !is_group(name))
}

/// What a program answers.
pub fn ask(program: &[Instruction], arch: Arch, call: &str, args: [u64; 6]) -> Option<u32> {
    let data = SeccompData { nr: number(arch, call)?, arch: audit_arch(arch), instruction_pointer: 0x7fff_1234_5678, args };
    Some(run(program, &data).unwrap())
}

/// The registers as the kernel sees them: the upper half of a narrow argument is nobody's.
pub fn seen(call: &str, mut args: [u64; 6]) -> [u64; 6] {
    for (index, arg) in (0..6_u8).zip(&mut args) {
        if argument_width(call, index) == Some(32) {
            *arg &= 0xffff_ffff;
        }
    }
    args
}

/// Whether an entry says of this call that it is allowed there and not here.
fn refused(imported: &Imported, call: &str) -> bool {
    imported
        .omissions
        .iter()
        .filter(|omission| omission.effect == Effect::Refused)
        .any(|omission| omission.what.split(", ").any(|name| name == call))
}

/// Compares a profile with what was imported of it, on both instruction sets: never wider, and the same where no entry says otherwise. Returns how many
/// answers were compared, and how many of them allow.
pub fn compare(profile: &Value, imported: &Imported, syscalls: &Rules) -> (usize, usize) {
    let (mut compared, mut allowing) = (0, 0);
    let denylist = profile["defaultAction"] == "SCMP_ACT_ALLOW";
    for arch in BOTH {
        let program = compile(syscalls, arch).unwrap();
        for call in calls().filter(|call| number(arch, call).is_some()) {
            let exact = !denylist && !refused(imported, call);
            let account = oracle::account(profile, arch, call);
            for args in oracle::registers(profile, call) {
                let there = account.allows(&seen(call, args));
                let here = ask(&program, arch, call, args) == Some(ALLOW);
                assert!(there || !here, "{arch:?} {call} {args:x?} is allowed here only\n{}", imported.policy);
                assert!(here || !there || !exact, "{arch:?} {call} {args:x?} is allowed there only, and not told\n{}", imported.policy);
                compared += 1;
                allowing += usize::from(here);
            }
        }
    }
    (compared, allowing)
}

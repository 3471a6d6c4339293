//! What is exported means what the filter means: by way of import, by way of libseccomp, and line by line.

use proptest::prelude::*;
use remand_authoring::foreign::{disassembly, export_profile, import, listing, raw};
use remand_syscalls::{Comparison, Condition, Grant, KILL, granted};

use super::random::profile;
use super::*;

fn grant(call: &str, when: &[Condition]) -> Grant {
    Grant { call: call.into(), when: when.to_vec(), reason: None }
}

fn is(arg: u8, op: Comparison) -> Condition {
    Condition { arg, op }
}

fn section(allow: Vec<Grant>, deny: &[&str], kill: &[&str]) -> Rules {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Rules { allow, deny: owned(deny), kill: owned(kill) }
}

/// The shipped policies, and one of every form of condition.
fn sections() -> Vec<Rules> {
    let shipped = shipped::SHIPPED.iter().map(|(name, _)| remand_policy::load::shipped(name).unwrap().unwrap().syscalls.rules);
    let odd = section(
        vec![
            grant("socket", &[is(0, Comparison::AtMost(10)), is(0, Comparison::Masked { mask: 1, value: 0 })]),
            grant("socket", &[is(0, Comparison::OneOf(vec![1, 2, 3])), is(1, Comparison::AtMost(5)), is(2, Comparison::Equals(0))]),
            grant("mmap", &[is(1, Comparison::AtMost(0x1_0000_0000)), is(2, Comparison::Masked { mask: 4, value: 0 })]),
            grant("clone", &[is(0, Comparison::Masked { mask: 0x7e02_0000, value: 0 })]),
            grant("prctl", &[is(0, Comparison::Equals(15)), is(0, Comparison::Equals(16))]),
            grant("personality", &[is(0, Comparison::Equals(0xffff_ffff))]),
            grant("@io", &[]),
            grant("io_uring_enter", &[is(0, Comparison::Equals(3))]),
        ],
        &["pread64"],
        &["ptrace", "@keys", "clone3"],
    );
    shipped.chain([odd, section(Vec::new(), &[], &[])]).collect()
}

/// The profile of a section, and what is imported of it.
fn round(section: &Rules, arch: Arch) -> (Value, Rules) {
    let (profile, _) = export_profile(section, arch).unwrap();
    let (_, policy) = imported(&profile);
    (profile, policy.syscalls.rules)
}

#[test]
fn an_exported_profile_imports_as_the_same_filter() {
    for (index, section) in sections().iter().enumerate() {
        for arch in BOTH {
            let (profile, back) = round(section, arch);
            let (there, here) = (compile(section, arch).unwrap(), compile(&back, arch).unwrap());
            for call in calls() {
                for args in oracle::registers(&profile, call) {
                    assert_eq!(ask(&there, arch, call, args), ask(&here, arch, call, args), "{index} {arch:?} {call} {args:x?}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_imported_once_goes_round(profile in profile()) {
        let (_, policy) = imported(&profile);
        for arch in BOTH {
            let Ok((exported, _)) = export_profile(&policy.syscalls.rules, arch) else { continue };
            let Ok(back) = import(exported.to_string().as_bytes(), "back.json", None) else { continue };
            let told = |call: &str| back.omissions.iter().any(|omission| omission.effect == Effect::Refused && omission.what.contains(call));
            let here = load(&back.policy).syscalls.rules;
            let (there, here) = (compile(&policy.syscalls.rules, arch).unwrap(), compile(&here, arch).unwrap());
            for call in calls() {
                for args in oracle::registers(&profile, call) {
                    let (one, other) = (ask(&there, arch, call, args), ask(&here, arch, call, args));
                    // A policy has no room for very many alternatives: then the call is left out, and told.
                    let less = other != Some(ALLOW) && told(call);
                    prop_assert!(one == other || less, "{:?} {} {:x?}: {:x?} {:x?}", arch, call, args, one, other);
                }
            }
        }
    }
}

#[test]
fn notes_say_what_a_profile_cannot() {
    let notes = |allow| export_profile(&section(allow, &[], &[]), Arch::X86_64).unwrap().1.join("\n");
    assert!(notes(vec![]).contains("execve is not granted"));
    assert!(notes(vec![grant("@exec", &[])]).contains("no-new-privileges) loads the profile first"));
    assert!(!notes(vec![grant("@exec", &[])]).contains("execve is not granted"));
    assert!(notes(vec![grant("socket", &[is(0, Comparison::AtMost(3))])]).contains("at_most"));
    assert!(notes(vec![grant("io_uring_enter", &[is(0, Comparison::Equals(3))])]).contains("io_uring_enter answer EPERM"));
    let many: Vec<u64> = (0..100).collect();
    let lists = [0, 1].map(|arg| is(arg, Comparison::OneOf(many.clone())));
    assert!(
        export_profile(&section(vec![grant("socket", &lists)], &[], &[]), Arch::X86_64)
            .unwrap_err()
            .to_string()
            .contains("conditions of socket")
    );
}

#[test]
fn the_listing_has_every_call_once_with_the_filters_answer() {
    for section in sections() {
        for arch in BOTH {
            let program = compile(&section, arch).unwrap();
            let text = listing(&section, arch).unwrap();
            let granted = granted(&section).unwrap();
            let lines: Vec<Vec<&str>> =
                text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_whitespace().collect()).collect();
            for call in calls() {
                let Some(number) = number(arch, call) else { continue };
                let number = number.to_string();
                let found: Vec<_> = lines.iter().filter(|line| line[0] == number && line[1] == call).collect();
                assert_eq!(found.len(), 1, "{call}");
                let answer = ask(&program, arch, call, [u64::MAX; 6]).unwrap();
                let first = found[0][2];
                match granted.get(call) {
                    Some(ways) if !ways.iter().any(Vec::is_empty) => assert_eq!(found[0][2..4], ["allow", "if"], "{call}"),
                    _ => assert_eq!((first == "allow", first == "kill"), (answer == ALLOW, answer == KILL), "{call}"),
                }
            }
            assert!(lines.last().unwrap()[0].ends_with('-'));
        }
    }
}

#[test]
fn the_disassembly_has_a_line_per_instruction_and_names_what_it_tests() {
    let section = remand_policy::load::shipped("default").unwrap().unwrap().syscalls.rules;
    for (arch, word) in [(Arch::X86_64, "AUDIT_ARCH_X86_64"), (Arch::Aarch64, "AUDIT_ARCH_AARCH64")] {
        let program = compile(&section, arch).unwrap();
        let text = disassembly(&program, arch);
        let lines: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(lines.len(), program.len());
        assert!(lines[0].ends_with("ld   [4]                          ; instruction set"), "{}", lines[0]);
        assert!(lines[1].contains("jeq  #") && lines[1].ends_with(word), "{}", lines[1]);
        for (line, instruction) in lines.iter().zip(&program) {
            assert!(line.contains(&format!("{:#010x}", instruction.k)) && !line.contains("none of seccomp's"), "{line}");
            let part = if instruction.code == 0x06 { "ret" } else { "" };
            assert!(line.contains(part), "{line}");
        }
        assert!(
            text.contains("; ALLOW") && text.contains("; USER_NOTIF") && text.contains("; KILL_PROCESS") && text.contains("; ERRNO ENOSYS")
        );
        let raw = raw(&program);
        assert_eq!(raw.len(), 8 * program.len());
        assert_eq!(raw[..8], [0x20, 0, 0, 0, 4, 0, 0, 0]);
    }
}

/// Any instructions whatever have a line each.
#[test]
fn what_is_no_program_is_shown_too() {
    let odd: Vec<_> = (0..=0xff_u16).map(|code| Instruction { code, jt: 0xff, jf: 0xff, k: u32::MAX }).collect();
    assert_eq!(disassembly(&odd, Arch::X86_64).lines().count(), 2 + odd.len());
    assert_eq!(disassembly(&[], Arch::X86_64).lines().count(), 2);
}

/// libseccomp compiles the exported profile to the same answers. Run by `cargo test -p remand-policy -- --ignored libseccomp` where it is installed.
#[test]
#[ignore = "needs python3-seccomp"]
fn exported_profiles_mean_the_same_to_libseccomp() {
    let directory = std::env::temp_dir().join(format!("remand-foreign-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    for (index, section) in sections().iter().enumerate() {
        let (profile, _) = export_profile(section, Arch::X86_64).unwrap();
        let (source, target) = (directory.join("profile.json"), directory.join("program.bpf"));
        std::fs::write(&source, profile.to_string()).unwrap();
        let script = format!("{}/tests/foreign/libseccomp.py", env!("CARGO_MANIFEST_DIR"));
        let done = std::process::Command::new("/usr/bin/python3").arg(script).args([&source, &target]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let unknown = String::from_utf8(done.stdout).unwrap();
        let theirs: Vec<Instruction> = real::program(&std::fs::read(&target).unwrap());
        let ours = compile(section, Arch::X86_64).unwrap();
        for call in calls().filter(|call| !unknown.lines().any(|name| name == *call)) {
            for args in oracle::registers(&profile, call) {
                let args = seen(call, args);
                let Some(here) = ask(&ours, Arch::X86_64, call, args) else { continue };
                let there = ask(&theirs, Arch::X86_64, call, args).unwrap();
                assert_eq!((here == ALLOW, here == KILL), (there == ALLOW, there == KILL), "{index} {call} {args:x?} {here:#x} {there:#x}");
            }
        }
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

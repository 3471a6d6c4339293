//! The profiles of Debian's packages: what is granted, what is left out, and what the compiled filter answers.

use remand_authoring::foreign::{Imported, Kind, import};
use remand_syscalls::{ALLOW, compile, granted};

use super::*;

const PROFILES: [&str; 4] = ["docker", "docker-old-format", "docker-conditional", "containers"];

fn read(name: &str) -> (Value, Imported, Policy) {
    let text = data(&format!("{name}.json"));
    let imported = import(&text, &format!("{name}.json"), None).unwrap();
    assert_eq!(imported.kind, Kind::Seccomp);
    let policy = load(&imported.policy);
    (serde_json::from_slice(&text).unwrap(), imported, policy)
}

/// Compares with a committed file, or writes it where REMAND_EXPECT says so.
pub fn expected(name: &str, text: &str) {
    let path = format!("{}/tests/foreign/data/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("REMAND_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{name} differs from what is committed; REMAND_EXPECT=1 writes it anew:\n{text}");
}

/// A program from the array that the kernel takes.
pub fn program(bytes: &[u8]) -> Vec<Instruction> {
    let one = |b: &[u8]| Instruction {
        code: u16::from_le_bytes([b[0], b[1]]),
        jt: b[2],
        jf: b[3],
        k: u32::from_le_bytes([b[4], b[5], b[6], b[7]]),
    };
    bytes.chunks_exact(8).map(one).collect()
}

pub fn list(imported: &Imported) -> String {
    imported
        .omissions
        .iter()
        .map(|omission| format!("{}: {}: {}: {}\n", omission.effect.word(), omission.path, omission.what, omission.why))
        .collect()
}

#[test]
fn what_is_imported_and_what_is_left_out_is_known_to_the_letter() {
    for name in PROFILES {
        let (_, imported, _) = read(name);
        expected(&format!("{name}.jsonc"), &imported.policy);
        expected(&format!("{name}.left"), &list(&imported));
    }
}

#[test]
fn real_profiles_are_never_widened_and_nothing_is_lost_untold() {
    for name in PROFILES {
        let (profile, imported, policy) = read(name);
        let (compared, allowing) = compare(&profile, &imported, &policy.syscalls.rules);
        assert!(compared > 1000 && (allowing > 1000 || name == "docker-conditional"), "{name}: {allowing} of {compared}");
    }
}

#[test]
fn libseccomp_allows_the_same() {
    for name in ["docker", "docker-old-format", "containers"] {
        let (profile, imported, policy) = read(name);
        let theirs = program(&data(&format!("{name}.libseccomp")));
        remand_syscalls::bpf::check(&theirs).unwrap();
        let ours = compile(&policy.syscalls.rules, Arch::X86_64).unwrap();
        let (mut same, mut allowed) = (0, 0);
        for call in calls() {
            for args in oracle::registers(&profile, call) {
                let Some(there) = ask(&theirs, Arch::X86_64, call, seen(call, args)) else { continue };
                let here = ask(&ours, Arch::X86_64, call, args);
                assert!(here != Some(ALLOW) || there == ALLOW, "{name} {call} {args:x?}: allowed here, {there:#x} there");
                if there == ALLOW && here != Some(ALLOW) {
                    assert!(refused(&imported, call), "{name} {call} {args:x?} is lost and not told");
                } else {
                    same += 1;
                    allowed += usize::from(there == ALLOW);
                }
            }
        }
        assert!(same > 1000 && allowed > 500, "{name}: {same} {allowed}");
    }
}

#[test]
fn dockers_default_answers_as_it_is_known_for() {
    let (_, _, policy) = read("docker");
    assert_eq!(granted(&policy.syscalls.rules).unwrap().len(), 291);
    for arch in BOTH {
        let program = compile(&policy.syscalls.rules, arch).unwrap();
        let allowed = |call: &str, args: [u64; 6]| ask(&program, arch, call, args).map(|answer| answer == ALLOW);
        // AF_UNIX, AF_INET, AF_NETLINK: this version of the profile has no condition on the family.
        for family in [1, 2, 16, 40] {
            assert_eq!(allowed("socket", [family, 1, 0, 0, 0, 0]), Some(true), "family {family}");
        }
        for (persona, wanted) in [
            (0, true),
            (8, true),
            (0x2_0000, true),
            (0x2_0008, true),
            (0xffff_ffff, true),
            (1, false),
            (0x4_0000, false),
            (0x40_0000, false),
        ] {
            assert_eq!(allowed("personality", [persona, 0, 0, 0, 0, 0]), Some(wanted), "{persona:#x}");
            assert_eq!(allowed("personality", [persona | 7 << 40, 0, 0, 0, 0, 0]), Some(wanted), "the kernel reads 32 bits: {persona:#x}");
        }
        // A fork and a thread; then each namespace.
        assert_eq!(allowed("clone", [0x11, 0, 0, 0, 0, 0]), Some(true));
        assert_eq!(allowed("clone", [0x3d_0f00, 0, 0, 0, 0, 0]), Some(true));
        for namespace in [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000_u64] {
            assert_eq!(allowed("clone", [0x11 | namespace, 0, 0, 0, 0, 0]), Some(false), "{namespace:#x}");
            assert_eq!(allowed("clone", [0x11 | namespace | 1 << 33, 0, 0, 0, 0, 0]), Some(false), "{namespace:#x}");
        }
        for call in [
            "mount",
            "unshare",
            "setns",
            "bpf",
            "keyctl",
            "add_key",
            "kexec_load",
            "init_module",
            "clone3",
            "userfaultfd",
            "reboot",
            "syslog",
        ] {
            assert_eq!(allowed(call, [0; 6]), Some(false), "{call}");
        }
        assert_eq!(allowed("ptrace", [0; 6]), Some(true), "minKernel");
    }
}

/// Podman and Buildah: audit sockets without CAP_AUDIT_WRITE are refused, told by two "not equal".
#[test]
fn containers_default_holds_back_audit_sockets() {
    let (_, _, policy) = read("containers");
    for arch in BOTH {
        let program = compile(&policy.syscalls.rules, arch).unwrap();
        for (family, protocol, wanted) in [
            (16, 9, false),
            (16, 8, true),
            (16, 10, true),
            (15, 9, true),
            (17, 9, true),
            (2, 9, true),
            (0xffff_ffff, 9, true),
            (16, 0, true),
        ] {
            let answer = ask(&program, arch, "socket", [family, 3, protocol, 0, 0, 0]);
            assert_eq!(answer == Some(ALLOW), wanted, "{family} {protocol}");
        }
    }
}

//! What `doctor` says is what runs meet: it makes one empty start under each policy, with the limits, mounts and files that a run would have.
//!
//! Always holds: each case asks `run` and `doctor` in the same surroundings, and without them both are content.

use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended, binary};
use remand_tests::facts::{PRIVILEGED, need};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("doctor::limits_that_leave_no_room_for_a_start_are_named [9.70]", limits),
        trial("doctor::surroundings_that_refuse_a_start_are_named [9.70]", surroundings),
        trial("doctor::a_capability_that_no_start_needs_is_not_missed [9.70]", spare_capability),
        trial("doctor::the_ceiling_and_the_machines_policies_count [9.70]", files),
    ]
}

/// `remand ARGS...` behind a shell that sets things up first.
fn behind(set_up: &str, args: &[&str]) -> Result<Ended, End> {
    let binary = binary().display().to_string();
    let script = format!("{set_up} \"$@\"");
    Call::program(Path::new("/bin/sh"), &[&["-c", &script, "sh", &binary], args].concat()).end()
}

/// `run` starts nothing, `doctor` says that nothing can be enforced, and both name the reason; no guess.
fn both_name(set_up: &str, reason: &str, code: &str) -> Check {
    let run = behind(set_up, &["run", code])?;
    let told = run.err();
    ensure(run.code == Some(10) && told.contains(reason), &format!("run names it: {reason}"), &(set_up, &run))?;
    ensure(!told.contains("answered with error") && !told.contains("dmesg"), "no guess", &(set_up, &run))?;
    let doctor = behind(set_up, &["doctor"])?;
    let told = doctor.out();
    ensure(doctor.code == Some(1) && told.contains(reason), &format!("doctor names it: {reason}"), &(set_up, &doctor))?;
    ensure(!told.contains("in full"), "and of no policy that it is enforced in full", &(set_up, &doctor))
}

fn content(set_up: &str, code: &str) -> Check {
    for args in [&["run", code][..], &["doctor"]] {
        let ended = behind(set_up, args)?;
        ensure(ended.code == Some(0), "without it both are content", &(set_up, ended))?;
    }
    Ok(())
}

fn limits() -> Check {
    let scratch = Scratch::new();
    let code = scratch.file("code.py", "return 1").display().to_string();
    content("exec prlimit --nofile=1024 --fsize=16777216 --data=1073741824 --stack=1048576", &code)?;
    for (limit, reason) in [
        ("nofile=64", "RLIMIT_NOFILE (ulimit -n) is 64 descriptors"),
        ("nofile=20", "RLIMIT_NOFILE (ulimit -n) is 20 descriptors"),
        ("nofile=6", "RLIMIT_NOFILE (ulimit -n) is 6 descriptors"),
        ("fsize=0", "RLIMIT_FSIZE, ulimit -f) is 0 bytes"),
        ("stack=24576", "RLIMIT_STACK (ulimit -s) is 24576 bytes"),
    ] {
        both_name(&format!("exec prlimit --{limit}"), reason, &code)?;
    }
    for args in [&["run", &code][..], &["doctor"]] {
        // An interpreter that is known by now starts with little.
        let ended = behind("exec prlimit --data=4194304", args)?;
        let named = ended.err().contains("is 4194304 bytes") || ended.out().contains("is 4194304 bytes");
        ensure(ended.code == Some(0) || named, "few are enough or named", &ended)?;
        let ended = behind("exec prlimit --data=4194303", args)?;
        ensure(ended.code == Some(10) && ended.err().contains("4194303 bytes of data (RLIMIT_DATA"), "too few for remand itself", &ended)?;
    }
    if need(&[PRIVILEGED]).is_err() {
        // No limit on processes holds a privileged user.
        both_name("exec prlimit --nproc=1", "RLIMIT_NPROC, ulimit -u) is 1", &code)?;
    }
    Ok(())
}

fn surroundings() -> Check {
    need(&[PRIVILEGED])?;
    let scratch = Scratch::new();
    let code = scratch.file("code.py", "return 1").display().to_string();
    content("exec unshare -mpf --mount-proc", &code)?;
    for (set_up, reason) in [
        ("exec unshare -pf", "/proc is another PID namespace's"),
        ("exec unshare -m sh -c 'mount -t tmpfs -o ro tmpfs /run; exec \"$@\"' sh", "/run is mounted read-only (EROFS)"),
        ("exec unshare -m sh -c 'mount -t tmpfs tmpfs /dev; exec \"$@\"' sh", "the host has no device node /dev/null"),
        ("exec unshare -m sh -c 'mount -o remount,bind,ro /proc; exec \"$@\"' sh", "/proc is mounted read-only"),
    ] {
        both_name(set_up, reason, &code)?;
    }
    Ok(())
}

/// Runs map no id 0.
fn spare_capability() -> Check {
    need(&[PRIVILEGED])?;
    let scratch = Scratch::new();
    let code = scratch.file("code.py", "return 1").display().to_string();
    content("exec setpriv --bounding-set -setfcap", &code)?;
    // The control: one that each start needs.
    let doctor = behind("exec setpriv --bounding-set -all", &["doctor"])?;
    ensure(doctor.code == Some(1) && doctor.out().contains("cannot be enforced"), "one that is needed is missed", &doctor)
}

fn files() -> Check {
    need(&[PRIVILEGED])?;
    let with = |file: &str, text: &str| {
        let etc = format!("mkdir -p /etc/remand/policies && printf \"%s\" \"$TEXT\" >/etc/remand/{file}");
        let set_up = format!("TEXT='{text}' exec unshare -m sh -c 'mount -t tmpfs -o mode=755 tmpfs /etc && {etc} && exec \"$@\"' sh");
        behind(&set_up, &["doctor"])
    };
    let within = r#"{"version": 1, "extends": "numeric"}"#;
    let lower = r#"{"version": 1, "extends": "default", "limits": {"memory": "128MiB"}}"#;
    let ended = with("policies/other.jsonc", within)?;
    ensure(ended.code == Some(0), "a policy of another name changes nothing", &ended)?;
    for (file, text, reason) in [
        ("ceiling.jsonc", "{", "the ceiling /etc/remand/ceiling.jsonc"),
        ("ceiling.jsonc", lower, "beyond the ceiling"),
        ("policies/strict.jsonc", "{", "/etc/remand/policies/strict.jsonc"),
    ] {
        let ended = with(file, text)?;
        let told = ended.out();
        ensure(ended.code == Some(1) && told.contains(reason) && told.contains("cannot be enforced"), reason, &ended)?;
    }
    Ok(())
}

//! What a plan means on this host: which mounts there are, whose policies names stand for, who writes in a writable mount.
//!
//! Always holds: nothing of the host's own `/etc` is touched; a trial that needs one has a mount namespace with nothing in `/etc` but its files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use libtest_mimic::Trial;
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, statfs};
use remand_tests::command::{Call, Ended, binary};
use remand_tests::policy_text::{extending, write};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, program, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("here::an_optional_mount_that_is_missing_stops_nothing [9.17]", optional),
        trial("here::an_optional_mount_that_is_out_of_reach_stops_nothing [9.71]", out_of_reach),
        trial("here::an_interpreter_that_no_run_takes_is_told_by_check [9.73]", by_path),
        trial("here::a_policy_file_that_no_run_takes_is_told_by_check [9.73]", untrusted),
        trial("here::a_policy_of_the_machine_wins [9.19]", names),
        trial("here::a_writable_mount_is_written_as_its_owner [9.21]", writable),
        trial("here::a_mount_that_cannot_be_mapped_is_named [9.21]", unmappable),
    ]
}

fn mounts(mounts: Value) -> Value {
    json!({ "filesystem": { "mounts": mounts } })
}

fn optional() -> Check {
    let scratch = Scratch::new();
    let there = scratch.path().join("there");
    fs::create_dir(&there)?;
    let missing = scratch.path().join("missing/deep");
    for (source, seen) in [(&missing, false), (&there, true)] {
        for target in ["/usr/other/deep", "/data"] {
            let mount = json!([{ "source": source, "target": target, "optional": true }]);
            let policy = write(&scratch, &mounts(mount)).display().to_string();
            let args = ["--policy".to_owned(), policy.clone(), "--query".into(), json!(target).to_string()];
            let outcome = Call::run("import os\nreturn os.path.isdir(_query)", &args).end()?.outcome()?;
            ensure(outcome["value"] == seen, "what is there is seen, what is missing stops nothing", &outcome)?;
            let named = outcome["enforcement"].get(format!("mount of {}", source.display())).is_some();
            ensure(named != seen, "what was left out is named", &outcome["enforcement"])?;
            let why = Call::new(&["policy", "why", "--policy", &policy, &format!("read {target}")]).end()?;
            ensure(why.code == Some(i32::from(!seen)), "why sees what the run sees", &why)?;
            let check = Call::new(&["policy", "check", &policy]).end()?;
            ensure(check.code == Some(0), "check is content", &check)?;
        }
    }
    // The control: a mount that is not optional.
    let policy = write(&scratch, &mounts(json!([{ "source": missing, "target": "/data" }]))).display().to_string();
    let outcome = Call::run("return 1", &["--policy".into(), policy.clone()]).end()?.outcome()?;
    let told = outcome["verdict"].to_string();
    ensure(outcome["verdict"]["kind"] == "not_started" && told.contains("the mount at /data"), "what is needed is refused by name", &told)?;
    let check = Call::new(&["policy", "check", &policy]).end()?;
    ensure(check.code == Some(1) && check.err().contains("/data"), "and check says so, of this host", &check)
}

/// `remand ARGS...` as a user whom modes keep out.
fn ordinary(args: &[&str], input: &str) -> Result<Ended, End> {
    let binary = binary().display().to_string();
    let drop = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--", &binary];
    let call =
        if privileged().is_ok() { Call::program(Path::new("/usr/bin/setpriv"), &[&drop[..], args].concat()) } else { Call::new(args) };
    call.input(input.as_bytes()).end()
}

fn mode(path: &Path, mode: u32) -> std::io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn out_of_reach() -> Check {
    let scratch = Scratch::new();
    mode(scratch.path(), 0o755)?;
    let closed = scratch.path().join("closed");
    fs::create_dir_all(closed.join("deep/er"))?;
    let file = scratch.file("file", "x");
    let sources = [
        (closed.join("deep/er").display().to_string(), format!("this user may not enter {} (EACCES)", closed.display())),
        (format!("{}/below", file.display()), format!("{} is no directory", file.display())),
    ];
    for (source, reason) in &sources {
        let closed_now = reason.contains("EACCES");
        for (optional, opened) in [(true, false), (false, false), (true, true), (false, true)] {
            if opened && !closed_now {
                continue;
            }
            mode(&closed, if closed_now && !opened { 0 } else { 0o755 })?;
            let mount = json!([{ "source": source, "target": "/data", "optional": optional }]);
            let policy = write(&scratch, &mounts(mount));
            mode(&policy, 0o644)?;
            let policy = policy.display().to_string();
            let run = ordinary(&["run", "--json", "--policy", &policy, "-"], "import os\nreturn os.path.exists('/data')")?;
            let outcome = run.outcome()?;
            let check = ordinary(&["policy", "check", &policy], "")?;
            let why = ordinary(&["policy", "why", "--policy", &policy, "read /data"], "")?;
            let case = (source, optional, opened, &outcome, &check);
            mode(&closed, 0o755)?;
            if optional || opened {
                ensure(outcome["value"] == opened && check.code == Some(0), "it stops nothing, and is seen where it can be", &case)?;
                ensure(outcome["enforcement"].to_string().contains(reason.as_str()) != opened, "what was left out is named", &case)?;
                ensure(why.code == Some(i32::from(!opened)), "why sees what the run sees", &why)?;
            } else {
                let told = outcome["verdict"].to_string();
                ensure(outcome["verdict"]["step"] == "plan" && told.contains(reason.as_str()), "what is needed is refused", &case)?;
                ensure(check.code == Some(1), "and check says so", &case)?;
            }
        }
    }
    Ok(())
}

/// Check and run of a policy by which `python` is the interpreter.
fn with_python(scratch: &Scratch, python: &Path) -> Result<(Ended, Ended), End> {
    let policy = write(scratch, &json!({ "python": { "interpreter": python } })).display().to_string();
    let check = Call::new(&["policy", "check", &policy]).end()?;
    Ok((check, Call::new(&["run", "--policy", &policy, "-"]).input(b"return 1").end()?))
}

fn by_path() -> Check {
    // Not below /tmp, which is a run's own.
    let home = std::env::var_os("HOME").ok_or_else(|| End::Skip("a home".to_owned()))?;
    let scratch = Scratch::below(Path::new(&home));
    mode(scratch.path(), 0o755)?;
    let doctor = remand_tests::facts::doctor();
    let found = doctor["interpreters"].as_array().into_iter().flatten().find_map(|python| python["usable"]["executable"].as_str());
    let python = Path::new(found.ok_or_else(|| End::Skip("an interpreter".to_owned()))?);
    let (check, run) = with_python(&scratch, python)?;
    ensure((check.code, run.code) == (Some(0), Some(0)), "the interpreter itself is taken", &(check, run))?;
    let open = scratch.path().join("open");
    fs::create_dir(&open)?;
    let place = |name: &str| scratch.path().join(name);
    let mut damaged = fs::read(python)?;
    damaged.truncate(damaged.len() / 2);
    if let Some(header) = damaged.get_mut(32..64) {
        header.fill(0xff);
    }
    program::write(place("script"), format!("#!/bin/sh\nexec {} \"$@\"\n", python.display()))?;
    program::write(place("damaged"), damaged)?;
    program::copy(python, open.join("python3"))?;
    mode(&open, 0o777)?;
    let mut files = vec![(place("script"), "is a script"), (place("damaged"), ""), (open.join("python3"), "can be written by others")];
    if privileged().is_ok() {
        for (name, permissions, owner, reason) in
            [("foreign", 0o755, 12345, "belongs to user 12345"), ("unreadable", 0o711, 0, "which only its owner can read")]
        {
            program::copy(python, place(name))?;
            std::os::unix::fs::chown(place(name), Some(owner), None)?;
            mode(&place(name), permissions)?;
            files.push((place(name), reason));
        }
    }
    for (file, reason) in files {
        let (check, run) = with_python(&scratch, &file)?;
        let same = (check.code, run.code) == (Some(1), Some(10)) && run.err().contains(reason);
        ensure(same, "check knows what the run meets", &(&file, check, run))?;
    }
    Ok(())
}

fn untrusted() -> Check {
    let scratch = Scratch::new();
    mode(scratch.path(), 0o755)?;
    let policy = write(&scratch, &json!({}));
    let name = policy.display().to_string();
    let both = || -> Result<(Option<i32>, Option<i32>), End> {
        let check = Call::new(&["policy", "check", &name]).end()?;
        let run = Call::new(&["run", "--policy", &name, "-"]).input(b"return 1").end()?;
        Ok((check.code, run.code))
    };
    let fine = both()?;
    ensure(fine == (Some(0), Some(0)), "the control", &fine)?;
    let root = privileged().is_ok();
    mode(&policy, 0o666)?;
    let shared = both()?;
    ensure(shared == if root { (Some(1), Some(2)) } else { (Some(0), Some(0)) }, "a file that others can write", &shared)?;
    mode(&policy, 0o644)?;
    if root {
        mode(scratch.path(), 0o777)?;
        let shared = both()?;
        mode(scratch.path(), 0o755)?;
        ensure(shared == (Some(1), Some(2)), "a directory that others can write", &shared)?;
        std::os::unix::fs::chown(&policy, Some(12345), None)?;
        let foreign = both()?;
        ensure(foreign == (Some(1), Some(2)), "another user's", &foreign)?;
    }
    Ok(())
}

/// `remand ARGS...` in a mount namespace of its own, with nothing in `/etc` but these policies.
fn on_machine(policies: &[(&str, &str)], input: &str, args: &[&str]) -> Result<Ended, End> {
    let files: String =
        policies.iter().map(|(name, text)| format!(" && printf '%s' '{text}' >/etc/remand/policies/{name}.jsonc")).collect();
    let script = format!("mount -t tmpfs -o mode=755 tmpfs /etc && mkdir -p /etc/remand/policies{files} && exec \"$@\"");
    let binary = binary().display().to_string();
    let command = [&["--mount", "/bin/sh", "-c", script.as_str(), "sh", binary.as_str()], args].concat();
    Call::program(Path::new("unshare"), &command).input(input.as_bytes()).end()
}

fn privileged() -> Check {
    if nix::unistd::geteuid().is_root() { Ok(()) } else { Err(End::Skip("a privileged start".to_owned())) }
}

fn names() -> Check {
    privileged()?;
    let mine = r#"{"version": 1, "extends": "default", "limits": {"memory": "200MiB"}}"#;
    let strict = r#"{"version": 1, "extends": "default", "limits": {"pids": 7}}"#;
    let machine = [("default", mine), ("strict", strict)];
    for (policies, policy, memory, pids) in [
        (&machine[..0], "default", 256, 64),
        (&machine[..], "default", 200, 64),
        (&machine[..], "strict", 200, 7),
        (&machine[..1], "strict", 0, 0),
    ] {
        let shown = on_machine(policies, "", &["policy", "show", policy])?;
        let own = policies.iter().any(|(name, _)| *name == policy);
        let path = format!("/etc/remand/policies/{policy}.jsonc");
        ensure(shown.code == Some(0) && shown.out().starts_with(&format!("// {path}")) == own, "show names the file", &shown)?;
        if memory > 0 {
            let holds =
                shown.out().contains(&format!("\"memory\": \"{memory}MiB\"")) && shown.out().contains(&format!("\"pids\": {pids},"));
            ensure(holds, "its values are those of the file, over the built-in policy of its name", &shown)?;
        }
        let ran = on_machine(policies, "return 1", &["run", "--json", "--policy", policy, "-"])?;
        ensure(ran.outcome()?["value"] == 1, "it runs", &ran)?;
    }
    let own = on_machine(&machine, "return 1", &["run", "--json", "--policy", "/etc/remand/policies/default.jsonc", "-"])?;
    ensure(own.outcome()?["value"] == 1, "by its path too", &own)?;
    let scratch = Scratch::new();
    let foreign = scratch.file("default.jsonc", r#"{"version": 1, "extends": "strict"}"#).display().to_string();
    for policies in [&machine[..0], &machine[..]] {
        let refused = on_machine(policies, "return 1", &["run", "--policy", &foreign, "-"])?;
        ensure(refused.code == Some(2) && refused.err().contains("default is the name of"), "a file cannot take the name", &refused)?;
        let check = on_machine(policies, "", &["policy", "check", &foreign])?;
        // The text is broken at the width.
        let told = check.err().split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        ensure(check.code == Some(2) && told.contains("default is the name of"), "check says so", &told)?;
    }
    Ok(())
}

/// Makes a file and says who owns what, and what becomes of set-user-id bits, devices and a file of somebody else's.
const WRITES: &str = "import os
def answer(deed, *args):
    try:
        return deed(*args)
    except OSError as error:
        return error.errno
setid = answer(os.open, '/out/made', os.O_CREAT | os.O_RDWR, 0o4755)
made = os.open('/out/made', os.O_CREAT | os.O_RDWR, 0o755)
os.write(made, b'x')
mode = os.fstat(made).st_mode & 0o7777
device = answer(os.mknod, '/out/device', 0o20666, 0x103)
other = answer(lambda: os.close(os.open('/out/other', os.O_WRONLY)))
mine = os.stat('/out').st_uid == os.getuid()
return [setid, mode, device, answer(os.chmod, '/out/made', 0o4755), other, mine]
";

/// Whether a mount of this directory's file system can be shown with other ids: an overlay's cannot, a tmpfs's since Linux 6.3.
fn maps_ids(directory: &Path) -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split('.').map_while(|number| number.parse::<u32>().ok());
    let since_6_3 = (numbers.next(), numbers.next()) >= (Some(6), Some(3));
    statfs(directory).is_ok_and(|found| match found.filesystem_type() {
        OVERLAYFS_SUPER_MAGIC => false,
        TMPFS_MAGIC => since_6_3,
        _ => true,
    })
}

fn writable() -> Check {
    let root = nix::unistd::geteuid().is_root();
    let places = [std::env::temp_dir(), "/run".into()];
    let place = places.iter().find(|place| !root || maps_ids(place));
    let scratch = Scratch::below(place.ok_or_else(|| End::Skip("a file system with id-mapped mounts".to_owned()))?);
    let out = scratch.path().join("out");
    fs::create_dir(&out)?;
    fs::set_permissions(&out, fs::Permissions::from_mode(0o755))?;
    if root {
        std::os::unix::fs::chown(&out, Some(12345), Some(54321))?;
        // Everybody may write it, but it is not the owner's.
        fs::write(out.join("other"), "x")?;
        fs::set_permissions(out.join("other"), fs::Permissions::from_mode(0o666))?;
    }
    let mount = json!([{ "source": out, "target": "/out", "writable": true, "reason": "a test" }]);
    let policy = extending("default", &scratch, &mounts(mount)).display().to_string();
    let outcome = Call::run(WRITES, &["--policy".into(), policy.clone()]).end()?.outcome()?;
    let entry = &outcome["enforcement"]["writable_mounts"]["by"];
    ensure(entry.as_str().is_some_and(|by| by.contains(if root { "12345:54321" } else { "caller" })), "the outcome says as whom", entry)?;
    let expected = json!([1, 0o755, 1, 1, if root { 13 } else { 2 }, true]);
    ensure(outcome["value"] == expected, "it writes, and makes no set-user-id file and no device", &outcome)?;
    let owner = fs::metadata(out.join("made")).map(|made| (made.uid(), made.gid()))?;
    let expected = fs::metadata(&out).map(|out| (out.uid(), out.gid()))?;
    ensure(owner == expected, "what it makes is the directory's owner's", &owner)?;
    for (question, code) in [("write /out/made", 0), ("write /out/new", 0), ("write /out/other", i32::from(root))] {
        let why = Call::new(&["policy", "why", "--policy", &policy, question]).end()?;
        ensure(why.code == Some(code), question, &why)?;
    }
    Ok(())
}

fn unmappable() -> Check {
    privileged()?;
    let scratch = Scratch::new();
    let mount = json!([{ "source": "/mnt", "target": "/out", "writable": true, "reason": "a test" }]);
    let policy = extending("default", &scratch, &mounts(mount)).display().to_string();
    // The kernel maps no ids of an overlay.
    let script = "mount -t tmpfs tmpfs /mnt && mkdir /mnt/a /mnt/b /mnt/c && \
        mount -t overlay overlay -o lowerdir=/mnt/a,upperdir=/mnt/b,workdir=/mnt/c /mnt || exit 77; exec \"$@\"";
    let binary = binary().display().to_string();
    let in_overlay = |args: &[&str]| {
        let command = [&["--mount", "/bin/sh", "-c", script, "sh", binary.as_str()], args].concat();
        Call::program(Path::new("unshare"), &command).input(b"open('/out/made', 'w')").end()
    };
    let ran = in_overlay(&["run", "--json", "--policy", &policy, "-"])?;
    if ran.code == Some(77) {
        return Err(End::Skip("a mount of type overlay".to_owned()));
    }
    let outcome = ran.outcome()?;
    ensure(outcome["error"]["type"] == "PermissionError", "it cannot write", &outcome)?;
    let entry = &outcome["enforcement"]["writable_mounts"];
    ensure(entry.to_string().contains("/mnt: its mount cannot be shown with other ids"), "the outcome says why", entry)?;
    let why = in_overlay(&["policy", "why", "--policy", &policy, "write /out/made"])?;
    ensure(why.code == Some(1) && why.out().contains("denied (EACCES)"), "why says so too", &why)
}

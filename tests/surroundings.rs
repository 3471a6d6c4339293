//! What surrounds the command when it is started: rights that are not its caller's, streams that are closed, limits, links where it writes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::{Call, Ended, binary, until};
use remand_tests::facts::{PRIVILEGED, need};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, plain, program, trial};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("surroundings::a_set_user_id_copy_refuses [9.6]", || refuses("chmod u+s", "set-user-id", "-u")),
        trial("surroundings::a_set_group_id_copy_refuses [9.6]", || refuses("chmod g+s", "set-group-id", "-g")),
        trial("surroundings::a_copy_with_file_capabilities_refuses [9.6]", file_capabilities),
        trial("surroundings::capabilities_that_the_caller_gave_are_fine", ambient_capabilities),
        trial("surroundings::closed_streams_in_every_combination [9.14]", closed_streams),
        trial("surroundings::streams_that_take_nothing [9.14]", full_streams),
        trial("surroundings::input_that_gives_nothing [9.14]", closed_input),
        trial("surroundings::a_small_stack [9.14]", small_stack),
        trial("surroundings::limits_too_small_for_a_start_are_named [9.74]", too_small),
        trial("surroundings::files_of_the_kernel_are_not_waited_for [9.74]", kernel_files),
        trial("surroundings::generate_follows_no_planted_link [9.15]", planted_links),
        trial("surroundings::what_only_a_start_takes_is_given_up", given_up),
        trial("surroundings::a_refusal_is_explained_by_looking [9.16]", explained),
        trial("surroundings::what_a_run_can_do_without_stops_none [9.16]", done_without),
        trial("surroundings::arguments_do_nothing_to_a_terminal [9.15 O12]", arguments_on_a_terminal),
    ]
}

/// Copies a program and does this to it.
fn copy(scratch: &Scratch, from: &Path, name: &str, change: &[&str]) -> Result<PathBuf, End> {
    let path = scratch.path().join(name);
    program::copy(from, &path)?;
    if let Some((tool, args)) = change.split_first() {
        let args: Vec<_> = args.iter().copied().chain(path.to_str()).collect();
        let ended = Call::program(Path::new(tool), &args).end()?;
        ensure(ended.code == Some(0), "the copy is changed", &ended)?;
    }
    Ok(path)
}

/// A program as nobody, who has no other rights.
fn as_nobody(program: &Path, args: &[&str]) -> Result<Ended, End> {
    let drop = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
    let all: Vec<_> = drop.iter().copied().chain(program.to_str()).chain(args.iter().copied()).collect();
    Call::program(Path::new("/usr/bin/setpriv"), &all).end()
}

/// Nothing is looked at, not even the arguments.
fn is_refused(copy: &Path, named: &str) -> Check {
    for args in [&["run", "-"][..], &["policy", "show", "default"], &["--no-such-argument"], &["--help"]] {
        let ended = as_nobody(copy, args)?;
        ensure(ended.code == Some(12) && ended.stdout.is_empty(), "refused with a status of its own", &ended)?;
        let told = ended.err();
        ensure([named, "sudo", "helper's socket"].iter().all(|word| told.contains(word)), "says why, and what to do", &ended)?;
    }
    Ok(())
}

fn works(copy: &Path) -> Check {
    let ended = as_nobody(copy, &["policy", "show", "default"])?;
    ensure(ended.code == Some(0), "the same copy without it works", &ended)
}

fn refuses(change: &str, named: &str, asked: &str) -> Check {
    need(&[PRIVILEGED])?;
    let scratch = Scratch::new();
    let change: Vec<_> = change.split(' ').collect();
    let id = copy(&scratch, Path::new("/usr/bin/id"), "id", &change)?;
    if as_nobody(&id, &[asked])?.out() != "0\n" {
        return Err(End::Skip("a file system without nosuid".into()));
    }
    works(&copy(&scratch, &binary(), "plain", &[])?)?;
    is_refused(&copy(&scratch, &binary(), "changed", &change)?, named)
}

/// CAP_CHOWN, permitted and effective, as `setcap` writes it.
const FILE_CAPABILITY: &str =
    "import os, struct, sys\nos.setxattr(sys.argv[1], 'security.capability', struct.pack('<5I', 0x02000001, 1, 0, 0, 0))";

fn file_capabilities() -> Check {
    need(&[PRIVILEGED])?;
    let scratch = Scratch::new();
    let python = plain::python();
    let change = [python.to_str().unwrap_or("python3"), "-I", "-c", FILE_CAPABILITY];
    let grep = copy(&scratch, Path::new("/bin/grep"), "grep", &change)?;
    if !as_nobody(&grep, &["CapPrm", "/proc/self/status"])?.out().trim_end().ends_with("0000000000000001") {
        return Err(End::Skip("a file system without nosuid".into()));
    }
    works(&copy(&scratch, &binary(), "plain", &[])?)?;
    is_refused(&copy(&scratch, &binary(), "changed", &change)?, "CAP_CHOWN")
}

fn ambient_capabilities() -> Check {
    need(&[PRIVILEGED])?;
    let binary = binary();
    let given = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", "+chown", "--ambient-caps", "+chown", "--"];
    let args: Vec<_> = given.into_iter().chain(binary.to_str()).chain(["policy", "show", "default"]).collect();
    let ended = Call::program(Path::new("/usr/bin/setpriv"), &args).end()?;
    ensure(ended.code == Some(0), "they were somebody's to give", &ended)
}

fn shell(script: &str, file: &Path) -> Result<Ended, End> {
    Call::program(Path::new("/bin/sh"), &["-c".as_ref(), script.as_ref(), binary().as_os_str(), file.as_os_str()]).end()
}

/// Descriptors of the supervisor that are none of its streams, while it runs, would be seen by the run as theirs.
fn closed_streams() -> Check {
    let scratch = Scratch::new();
    let quiet = scratch.file("quiet.py", "return 1");
    let loud = scratch.file("loud.py", "print('said')\nreturn 1");
    for closed in 0..8 {
        let [stdin, stdout, stderr] = [1, 2, 4].map(|bit| closed & bit != 0);
        let close = [(stdin, "<&-"), (stdout, ">&-"), (stderr, "2>&-")].map(|(closed, text)| if closed { text } else { "" }).join(" ");
        let ended = shell(&format!("exec \"$0\" run \"$1\" {close}"), &quiet)?;
        let expected = if stdout { (Some(11), String::new()) } else { (Some(0), "1\n".to_owned()) };
        ensure((ended.code, ended.out()) == expected, &format!("a value and closed streams: {close}"), &ended)?;
        ensure(stderr || ended.err().is_empty() != stdout, "and said where it can be", &ended)?;
        let ended = shell(&format!("exec \"$0\" run \"$1\" {close}"), &loud)?;
        ensure(ended.code == Some(if stdout || stderr { 11 } else { 0 }), &format!("a print and closed streams: {close}"), &ended)?;
        let ended = shell(&format!("exec \"$0\" exec -- /bin/echo \"$1\" {close}"), &loud)?;
        ensure(ended.code == Some(if stdout { 11 } else { 0 }), &format!("a program and closed streams: {close}"), &ended)?;
    }
    Ok(())
}

fn full_streams() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("loud.py", "print('said')\nreturn 1");
    for to in [">/dev/full", "2>/dev/full", "1</dev/null", "2</dev/null"] {
        for command in ["run", "run --json", "exec -- /bin/cat /nowhere", "doctor"] {
            // Nothing is lost where nothing is written: a record has no account beside it, a program's words are not all on both streams.
            let words = match command {
                "run" => true,
                "exec -- /bin/cat /nowhere" => to.starts_with('2') || to == "1</dev/null",
                _ => !to.starts_with('2'),
            };
            let ended = shell(&format!("exec \"$0\" {command} {} {to}", if command.starts_with("run") { "\"$1\"" } else { "" }), &file)?;
            ensure((ended.code == Some(11)) == words, &format!("{command} {to}"), &ended)?;
        }
    }
    Ok(())
}

fn closed_input() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("code.py", "return 1");
    for from in ["<&-", "0>/dev/null", "</"] {
        let ended = shell(&format!("exec \"$0\" run - {from}"), &file)?;
        ensure(ended.code == Some(2) && ended.err().contains("standard input"), "code that can't be read is not empty code", &ended)?;
        let ended = shell(&format!("exec \"$0\" run \"$1\" {from}"), &file)?;
        ensure(ended.code == Some(0), "what is not asked for may be closed", &ended)?;
    }
    let ended = shell("exec \"$0\" run - </dev/null", &file)?;
    ensure(ended.code == Some(0), "empty code is code", &ended)
}

fn small_stack() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("code.py", "return 1");
    for limit in ["-s 64", "-S -s 64", "-s 128", "-s 1024"] {
        let ended = shell(&format!("ulimit {limit}; exec \"$0\" run \"$1\""), &file)?;
        ensure(ended.code == Some(0) && ended.out() == "1\n", limit, &ended)?;
        let ended = shell(&format!("ulimit {limit}; exec \"$0\" policy explain strict"), &file)?;
        ensure(ended.code == Some(0), limit, &ended)?;
    }
    Ok(())
}

/// No abort, no signal without a cause, no other reason than the limit.
fn too_small() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("code.py", "return 1");
    for (limit, name) in [("-s 16", "RLIMIT_STACK"), ("-s 24", "RLIMIT_STACK"), ("-s 32", "RLIMIT_STACK"), ("-n 4", "RLIMIT_NOFILE")] {
        let ended = shell(&format!("ulimit {limit}; exec \"$0\" run \"$1\""), &file)?;
        let told = ended.err();
        let named = told.contains(name) && !told.contains("standard library") && !told.contains("SIGSEGV");
        ensure(ended.code == Some(10) && named, limit, &ended)?;
    }
    let ended = shell("ulimit -s 64; ulimit -n 128; exec \"$0\" run \"$1\"", &file)?;
    ensure(ended.code == Some(0), "with little more it runs", &ended)
}

/// Regular by their modes; one of them blocks until the kernel has something to say.
fn kernel_files() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("code.py", "return 1");
    for path in ["/proc/self/status", "/proc/kmsg", "/sys/kernel/mm/transparent_hugepage/enabled"] {
        for args in [&["run", path][..], &["run", "--items", path, file.to_str().unwrap_or("-")]] {
            let ended = Call::new(args).end()?;
            ensure(ended.code == Some(2) && ended.stdout.is_empty(), "it is no file", &ended)?;
        }
        let check = Call::new(&["policy", "check", path]).end()?;
        let seen = check.code == Some(2) && ["made by the kernel", "Permission denied"].iter().any(|word| check.err().contains(word));
        ensure(seen, "it is no policy, and nothing of it is shown", &check)?;
    }
    let ended = shell("exec \"$0\" run /proc/self/fd/3 3<\"$1\"", &file)?;
    ensure(ended.code == Some(0), "one that is handed over through /proc is read", &ended)
}

fn planted_links() -> Check {
    let scratch = Scratch::new();
    let (docs, precious) = (scratch.path().join("docs"), scratch.file("precious", "precious"));
    let elsewhere = scratch.path().join("elsewhere");
    fs::create_dir(&elsewhere)?;
    let (reference, place) = (docs.join("reference"), docs.join("reference/exit-codes.md"));
    let plants: [(&str, &dyn Fn() -> std::io::Result<()>); 5] = [
        ("a symbolic link", &|| symlink(&precious, &place)),
        ("a dangling one", &|| symlink(elsewhere.join("new"), &place)),
        ("a hard link", &|| fs::hard_link(&precious, &place)),
        ("a directory's", &|| symlink(&elsewhere, docs.join("man"))),
        ("a directory", &|| fs::create_dir(&place)),
    ];
    for (what, plant) in plants {
        fs::create_dir_all(&reference)?;
        plant()?;
        let ended = Call::new(&["generate".as_ref(), docs.as_os_str()]).end()?;
        ensure(ended.code == Some(2) && ended.err().contains("cannot write"), &format!("{what} is refused"), &ended)?;
        ensure(fs::read_to_string(&precious)? == "precious", &format!("{what} leads nowhere"), &ended)?;
        ensure(fs::read_dir(&elsewhere)?.next().is_none(), &format!("{what} leads nowhere"), &ended)?;
        fs::remove_dir_all(&docs)?;
    }
    for _ in 0..2 {
        let ended = Call::new(&["generate".as_ref(), docs.as_os_str()]).end()?;
        ensure(ended.code == Some(0) && place.is_file() && docs.join("man/remand.1").is_file(), "made, and made again", &ended)?;
    }
    Ok(())
}

/// `CAP_DAC_OVERRIDE`, `CAP_KILL`, `CAP_SETGID`, `CAP_SETUID`, `CAP_SYS_PTRACE`, by their numbers.
const KEPT: u64 = 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 19;

/// Effective and permitted capabilities of each thread of a process.
fn capabilities(pid: &str) -> Result<Vec<u64>, End> {
    let mut all = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        let sets = status.lines().filter_map(|line| line.strip_prefix("CapEff:").or_else(|| line.strip_prefix("CapPrm:")));
        all.extend(sets.filter_map(|set| u64::from_str_radix(set.trim(), 16).ok()));
    }
    Ok(all)
}

/// While a hostile run can write what they decode, neither `run` nor `exec`, with its relays, has more than ending it takes.
fn given_up() -> Check {
    need(&[PRIVILEGED])?;
    let own = capabilities("self")?;
    ensure(own.iter().all(|set| set & !KEPT != 0), "control: whoever starts it has more", &own)?;
    for args in [["run", "-"].as_slice(), &["exec", "--", "/bin/sleep", "9"]] {
        let mut started = Call::new(args).input(b"import time\ntime.sleep(9)").start();
        let pid = started.pid().to_string();
        let all = || capabilities(&pid).is_ok_and(|all| !all.is_empty() && all.iter().all(|set| set & !KEPT == 0));
        let kept = until(|| all().then_some(()));
        started.signal(Signal::SIGTERM);
        let ended = started.end()?;
        ensure(kept.is_some(), "no thread has more than that", &args)?;
        ensure(ended.code == Some(7), "and the run can be ended", &ended)?;
    }
    Ok(())
}

/// The same words from a run and from `doctor`, and none of the guesses.
fn explained() -> Check {
    need(&[PRIVILEGED])?;
    let scratch = Scratch::new();
    let code = scratch.file("code.py", "return 1");
    let root = scratch.path().join("root");
    fs::create_dir(&root)?;
    let root = root.display();
    let hosts = [
        (format!("mount --rbind / {root}; chroot {root} \"$0\" CALL"), "in a chroot", "pivot_root instead of"),
        ("umount -l /proc; \"$0\" CALL".to_owned(), "there is no /proc here", "mount -t proc"),
        ("mount -t tmpfs tmpfs /proc; \"$0\" CALL".to_owned(), "there is no /proc here", "mount -t proc"),
        ("mount -o remount,bind,ro /proc; \"$0\" CALL".to_owned(), "/proc is mounted read-only", "remount,bind,rw /proc"),
        ("mount -t tmpfs tmpfs /dev; \"$0\" CALL".to_owned(), "no device node /dev/null", "mount -t devtmpfs"),
        ("setpriv --bounding-set -all --inh-caps -all \"$0\" CALL".to_owned(), "CAP_SETFCAP", "leave root its capabilities"),
    ];
    let as_nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups -- \"$0\"";
    for (host, reason, cure) in hosts {
        for (call, failed) in [(format!("run {}", code.display()), 10), ("doctor".to_owned(), 1)] {
            for host in [&host, &host.replace("\"$0\"", as_nobody)] {
                if host.contains(as_nobody) && (call != "doctor" || host.contains("--bounding-set") || host.contains("chroot")) {
                    continue;
                }
                let script = format!("exec unshare -m sh -c '{}' \"$0\"", host.replace("CALL", &call));
                let ended = shell(&script, &code)?;
                let told = ended.out() + &ended.err();
                ensure(ended.code == Some(failed) && told.contains(reason), &format!("{call}: {reason}"), &ended)?;
                ensure(told.matches(cure).count() == 1, "with its cure, once", &(host, &ended))?;
                ensure(!["run as root", "answered with error"].iter().any(|guess| ended.err().contains(guess)), "no guess", &ended)?;
            }
        }
    }
    let ended = shell("exec unshare -m \"$0\" run \"$1\"", &code)?;
    ensure(ended.code == Some(0), "without them it starts", &ended)?;
    let ended = shell("ulimit -f 1; exec \"$0\" run --json \"$1\"", &code)?;
    ensure(ended.code == Some(0) || ended.out().contains("RLIMIT_FSIZE"), "a small limit on files is named", &ended)
}

/// What a run can do without: it starts, and its record says what was not to be had, in the words of `doctor`.
fn done_without() -> Check {
    need(&[PRIVILEGED])?;
    let scratch = Scratch::new();
    let code = scratch.file("code.py", "import os\nreturn os.path.exists('/proc/self/stat')");
    let cover = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys";
    let read_only = "awk \"\\$3 ~ /^cgroup/ {print \\$2}\" /proc/mounts | xargs -n 1 mount -o remount,bind,ro";
    let hosts = [
        (cover, "proc", "parts of this /proc are covered (/proc/sys)", false),
        ("umount -R -l /sys/fs/cgroup", "memory", "is not mounted", true),
        (read_only, "memory", "is mounted read-only (EROFS)", true),
        ("mount -t proc -o hidepid=2 proc /proc", "memory", "memory", true),
    ];
    for (host, protection, reason, proc) in hosts {
        // Newer kernels give a /proc of nothing but processes to whoever asks.
        let fresh = format!("exec unshare -m sh -c '{host}; exec unshare -Urpfm mount -t proc -o subset=pid proc /proc'");
        if !proc && shell(&fresh, &code)?.code == Some(0) {
            continue;
        }
        let call = |call: &str| shell(&format!("exec unshare -m sh -c '{host}; \"$0\" {call}' \"$0\""), &code);
        let outcome = call(&format!("run --json {}", code.display()))?.outcome()?;
        let said = outcome["enforcement"][protection].to_string();
        ensure(outcome["value"] == proc && said.contains(reason), "the run does without, and its record says why", &(host, &outcome))?;
        let doctor = call("doctor")?;
        ensure(doctor.code == Some(0) && doctor.out().contains(reason), "doctor says the same", &(host, doctor))?;
    }
    Ok(())
}

fn arguments_on_a_terminal() -> Check {
    let hostile = "x\u{9b}2J\u{202e}\u{3164}\u{fe0f}\u{e0041}\u{1b}]0;y\u{7}\nremand: all is well\r";
    let file = format!("/nowhere/{hostile}");
    let cases: [&[&str]; 14] = [
        &[hostile],
        &["run", &format!("--{hostile}")],
        &["run", "-", hostile],
        &["run", "--mode", hostile, "-"],
        &["run", "--policy", hostile, "-"],
        &["run", "--set", hostile, "-"],
        &["run", "--query", hostile, "-"],
        &["run", &file],
        &["exec", "--", hostile],
        &["policy", "check", &file],
        &["policy", "diff", hostile, "default"],
        &["policy", "why", "default", hostile],
        &["policy", "learn", "--to", &file, "--", "run", "--mode", hostile, "-"],
        &["generate", &format!("/proc/{hostile}")],
    ];
    for args in cases {
        let ended = Call::new(args).end()?;
        let printed = ended.out() + &ended.err();
        ensure(ended.code.is_some_and(|code| code != 0) && !printed.is_empty(), "a mistake is told", &ended)?;
        let alive = |c: char| (c.is_control() && c != '\n' && c != '\t') || "\u{202e}\u{3164}\u{fe0f}\u{e0041}".contains(c);
        ensure(!printed.contains(alive), &format!("harmless: {args:?}"), &ended)?;
        ensure(!printed.lines().any(|line| line.starts_with("remand: all is well")), &format!("no line of its own: {args:?}"), &ended)?;
    }
    Ok(())
}

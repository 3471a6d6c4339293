#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use remand_plan::files::{Entry, FileId, Files, Inode, Kind, NoProgram, Unseen};
use remand_plan::host::{Fact, HostFacts};
use remand_plan::interpreter::Tree;
use remand_plan::plan::Program;
use remand_policy::load::{Chain, Loaded, trace};
use remand_policy::shipped;
use remand_policy::source::Source;

use super::*;
use crate::fixtures::{full, python, rootless};

fn load(name: &str, text: Option<&str>) -> Loaded {
    let source = match text {
        Some(text) => Source { file: name.into(), text: text.as_bytes().to_vec().into() },
        None => shipped::source(name).unwrap(),
    };
    trace(&Chain::shipped(&source), name).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

/// What the host has, as far as anybody has looked.
struct Host;

impl Files for Host {
    fn look(&self, path: &str) -> Option<Entry> {
        match path {
            "/usr/lib/python3.11" => {
                Some(Entry::There(Inode { id: FileId::default(), kind: Kind::Directory, mode: 0o755, uid: 0, gid: 0 }))
            }
            "/usr/lib/python3.11/absent" | "/absent" => Some(Entry::Missing),
            "/data/link" => Some(Entry::Link("../srv/other".into())),
            _ => None,
        }
    }

    fn mappable(&self, _: &str) -> Option<Fact> {
        None
    }

    fn libraries(&self, _: &str, _: &str) -> Option<Vec<String>> {
        None
    }

    fn by_place(&self, _: &str) -> bool {
        false
    }

    fn needs(&self, _: &str, _: &str) -> Option<Result<Tree, NoProgram>> {
        None
    }
}

/// Asks a policy on a host, with the interpreter of the plan's tests and these files on the host.
fn with<T>(loaded: &Loaded, host: &HostFacts, ask: impl FnOnce(&Compiled<'_>) -> T) -> T {
    let python = python();
    let program = Program::Python(&python);
    let machine = Machine { host, program: Ok(&program), files: &Host, beyond: &|_| None };
    ask(&Compiled::new(&loaded.policy, &loaded.origins, machine).unwrap())
}

fn ask_in(loaded: &Loaded, words: &str) -> Answer {
    with(loaded, &full(), |compiled| answer(&Question::parse(words).unwrap(), compiled).unwrap())
}

#[test]
fn the_shipped_expectations_hold_with_and_without_privilege() {
    for (name, _) in shipped::SHIPPED {
        let loaded = load(name, None);
        assert!(loaded.expect.len() > 10, "{name}");
        for host in [full(), rootless()] {
            with(&loaded, &host, |compiled| {
                for expectation in &loaded.expect {
                    let found = find(&expectation.question, compiled).unwrap();
                    assert!(found.ruling.is(expectation.is), "{name}: {}: {:?}", expectation.words, found);
                }
            });
        }
    }
}

const CUSTOM: &str = r#"{"version": 1, "extends": "default",
 "filesystem": {"mounts": [{"source": "/data"}, {"source": "/out", "writable": true, "reason": "results"}], "proc": false, "devices": ["null"]},
 "syscalls": {"allow": {"add": [{"call": "socket", "when": [{"arg": 0, "one_of": [1, 2]}, {"arg": 1, "masked": {"mask": 15, "value": 1}}], "reason": "x"}]},
  "deny": ["statx"], "kill": ["@keys"]},
 "python": {"builtins_deny": ["eval"], "external_allow": ["numpy"]}}"#;

#[test]
fn answers_name_the_ruling_and_the_line() {
    let loaded = load("custom", Some(CUSTOM));
    for (words, ruling, line) in [
        ("read", "allowed", "built-in default:"),
        ("statx", "denied (EPERM)", "\"statx\""),
        ("keyctl", "ends the run", "\"@keys\""),
        ("socket AF_UNIX SOCK_STREAM", "allowed", "{\"call\": \"socket\""),
        ("socket AF_UNIX SOCK_DGRAM", "denied (EPERM)", ""),
        ("socket AF_UNIX SOCK_STREAM|SOCK_CLOEXEC 0", "allowed", "{\"call\": \"socket\""),
        ("socket AF_UNIX", "depends", "{\"call\": \"socket\""),
        ("socket AF_ALG", "denied (EPERM)", ""),
        ("ptrace", "denied (EPERM)", ""),
        ("clone3", "no such call (ENOSYS)", ""),
        ("io_uring_enter", "no such call (ENOSYS)", ""),
        ("syscall 999", "no such call (ENOSYS)", ""),
        ("syscall 0x40000027", "no such call (ENOSYS)", ""),
        ("syscall 0", "allowed", "built-in default:"),
        ("open /etc/passwd", "allowed", ""),
        ("write /etc/passwd", "read-only (EACCES)", ""),
        ("open /etc/shadow", "not visible (ENOENT)", ""),
        ("open /data/a", "allowed", "{\"source\": \"/data\""),
        ("open /data/../out/./a", "allowed", "{\"source\": \"/out\""),
        ("open /data/link", "not visible (ENOENT)", ""),
        ("write /data/a", "read-only (EROFS)", "{\"source\": \"/data\""),
        ("write /out/a", "allowed", "{\"source\": \"/out\""),
        ("exec /out/a", "denied (EACCES)", "{\"source\": \"/out\""),
        ("open /usr/lib/python3.11/os.py", "allowed", "built-in default:"),
        ("open /lib/python3.11/os.py", "allowed", "built-in default:"),
        ("open /usr/lib/python3.11/absent", "not visible (ENOENT)", "built-in default:"),
        ("open /usr/lib/python3.11/test/a", "not visible (ENOENT)", ""),
        ("exec /usr/bin/python3.11", "allowed", "built-in default:"),
        ("open /", "allowed", ""),
        ("write /new", "read-only (EROFS)", ""),
        ("open /var/tmp/a", "allowed", "built-in default:"),
        ("open a", "", ""),
        ("open ./a", "allowed", "built-in default:"),
        ("exec /tmp/a", "denied (EACCES)", "built-in default:"),
        ("open /proc/self/maps", "not visible (ENOENT)", ""),
        ("open /dev/null", "allowed", "\"null\""),
        ("open /dev/zero", "not visible (ENOENT)", ""),
        ("memory 256MiB", "allowed", "built-in default:"),
        ("memory 257MiB", "over the limit", "built-in default:"),
        ("memory unlimited", "over the limit", "built-in default:"),
        ("tmp 1GiB", "over the limit", "built-in default:"),
        ("open_files 257", "over the limit", "built-in default:"),
        ("import json", "allowed", "built-in default:"),
        ("import numpy", "allowed", "\"numpy\""),
        ("import requests", "denied (ImportError)", ""),
        ("builtin eval", "denied (NameError)", "\"eval\""),
        ("builtin exec", "allowed", "[\"eval\"]"),
        ("env HOME", "allowed", "built-in default:"),
        ("env PATH", "allowed", ""),
        ("env TZ", "denied (not set)", ""),
        ("connect 10.0.0.1:443", "denied (EPERM)", ""),
    ] {
        let Ok(question) = Question::parse(words) else {
            assert_eq!(ruling, "", "{words}");
            continue;
        };
        let found = with(&loaded, &full(), |compiled| find(&question, compiled).unwrap());
        assert_eq!(found.ruling.text(), ruling, "{words}: {}", found.because);
        let place =
            found.line.place.map(|place| if place.file == "custom" { CUSTOM[place.offset..].to_owned() } else { place.to_string() });
        let place = place.unwrap_or_default();
        assert!(if line.is_empty() { place.is_empty() } else { place.starts_with(line) }, "{words}: {place} {}", found.line.text);
    }
}

#[test]
fn what_is_kept_from_the_kernel_is_told() {
    let (default, writable) = (load("default", None), load("custom", Some(CUSTOM)));
    let (served, done, through) = ("which keeps the lock itself", "nothing is done", "lets it through");
    for (loaded, words, ruling, because) in [
        (&default, "fcntl 3 F_SETLK", Ruling::Allowed, served),
        (&default, "fcntl 3 F_OFD_SETLKW", Ruling::Allowed, served),
        (&default, "flock 3 LOCK_EX|LOCK_NB", Ruling::Allowed, served),
        (&default, "fcntl 3 F_GETFL", Ruling::Allowed, through),
        (&default, "fcntl 3", Ruling::Depends, "argument 1"),
        (&default, "fsync 3", Ruling::Allowed, done),
        (&default, "sync", Ruling::Allowed, done),
        (&writable, "fsync 3", Ruling::Allowed, through),
        (&writable, "syncfs 3", Ruling::Allowed, done),
        (&writable, "flock 3 LOCK_SH", Ruling::Allowed, served),
    ] {
        let found = ask_in(loaded, words).found;
        assert!(found.ruling == ruling && found.because.contains(because), "{words}: {found:?}");
    }
}

#[test]
fn what_no_file_writes_has_the_floor_s_value() {
    let loaded = load("bare", Some(r#"{"version": 1}"#));
    let host = HostFacts { landlock_abi: 4, ..full() };
    with(&loaded, &host, |compiled| {
        let memory = find(&Question::parse("memory 1GiB").unwrap(), compiled).unwrap();
        assert_eq!((memory.line.place, memory.line.text.as_str()), (None, "no file writes limits.memory: it has the narrowest value"));
        let read = find(&Question::parse("read").unwrap(), compiled).unwrap();
        assert_eq!(read.line.text, "no line grants it, and no file writes syscalls.allow");
    });
}

#[test]
fn where_nothing_runs_only_calls_are_answered() {
    let loaded = load("default", None);
    let host = full();
    let machine = Machine { host: &host, program: Err("no python3 on PATH"), files: &Unseen, beyond: &|_| None };
    let compiled = Compiled::new(&loaded.policy, &loaded.origins, machine).unwrap();
    assert_eq!(answer(&Question::parse("ptrace").unwrap(), &compiled).unwrap().found.ruling, Ruling::Denied("EPERM"));
    let refused = answer(&Question::parse("open /etc/passwd").unwrap(), &compiled).unwrap_err();
    assert_eq!(refused.to_string(), "nothing runs under this policy here: no python3 on PATH");
}

#[test]
fn without_a_memory_cgroup_uncounted_memory_is_refused_for_that() {
    let loaded = load("default", None);
    with(&loaded, &rootless(), |compiled| {
        let answer = answer(&Question::parse("memfd_create 0 0").unwrap(), compiled).unwrap();
        assert_eq!(answer.found.ruling, Ruling::Denied("EPERM"));
        assert!(answer.found.line.text.contains("without a memory cgroup"), "{answer:?}");
        assert!(answer.change.unwrap_err().contains("only a memory cgroup"));
    });
    assert_eq!(ask_in(&loaded, "memfd_create 0 0").found.ruling, Ruling::Allowed);
}

/// Applies a change by itself and asks again: not the code that found it.
fn after(loaded: &Loaded, words: &str, change: &Change) -> Ruling {
    let mut tree = loaded.policy.tree();
    change.edits.iter().for_each(|edit| edit.apply(&mut tree));
    ask_in(&load("edited", Some(&tree.to_string())), words).found.ruling
}

/// Every nineteenth call, from `first` on, and one question of each other kind.
fn questions(first: usize) -> Vec<String> {
    let calls = remand_syscalls::names().filter(|name| !name.starts_with('@')).skip(first).step_by(19).flat_map(|name| {
        let all = "0 ".repeat(remand_syscalls::argument_count(name).unwrap_or(0));
        [name.to_owned(), format!("{name} {}", all.trim())]
    });
    let more = [
        "socket AF_INET",
        "socket AF_ALG",
        "socketpair AF_UNIX SOCK_STREAM",
        "clone CLONE_NEWUSER",
        "clone SIGCHLD",
        "ioctl 0 TIOCSTI",
        "fcntl 0 F_SETSIG",
        "prctl PR_SET_DUMPABLE 1",
        "mmap 0 0 0 MAP_HUGETLB",
        "personality READ_IMPLIES_EXEC",
        "open /etc/shadow",
        "write /srv/out",
        "exec /bin/sh",
        "exec /usr/bin/python3.11",
        "open /data/a",
        "write /data/a",
        "write /out/a",
        "exec /out/a",
        "exec /tmp/x",
        "open /proc/self/maps",
        "open /dev/null",
        "open /dev/zero",
        "memory 2GiB",
        "memory 100MiB",
        "memory unlimited",
        "pids 1000",
        "pids 3",
        "wall_time 20s",
        "wall_time 1s",
        "tmp 1GiB",
        "tmp 1MiB",
        "tmp_inodes 1",
        "open_files 1000",
        "file_size 1GiB",
        "cpus 4",
        "stack 64MiB",
        "prints 1GiB",
        "result_depth 500",
        "job_size 1GiB",
        "import numpy",
        "import json",
        "import requests",
        "builtin eval",
        "builtin open",
        "env HOME",
        "env PATH",
        "connect 10.0.0.1:443",
        "connect 127.0.0.1:80",
    ];
    calls.chain(more.map(str::to_owned)).collect()
}

#[test]
fn every_change_that_is_offered_changes_the_answer() {
    let (mut offered, mut none) = (0, Vec::new());
    for (index, (name, text)) in [("default", None), ("strict", None), ("custom", Some(CUSTOM))].into_iter().enumerate() {
        let loaded = load(name, text);
        for words in questions(index) {
            let answer = ask_in(&loaded, &words);
            match &answer.change {
                Ok(change) => {
                    offered += 1;
                    let then = after(&loaded, &words, change);
                    assert_ne!(then, answer.found.ruling, "{name}: {words}: {:?}", change.edits);
                    assert_eq!(then, change.then, "{name}: {words}");
                    let allowed = answer.found.ruling == Ruling::Allowed;
                    assert!(
                        if allowed { then != Ruling::Allowed } else { matches!(then, Ruling::Allowed | Ruling::Depends) },
                        "{name}: {words}: {then:?}"
                    );
                    for edit in &change.edits {
                        assert!(!edit.to_string().is_empty());
                    }
                }
                Err(why) => none.push(format!("{name}: {words}: {}: {why}", answer.found.ruling.text())),
            }
        }
    }
    // What has no change is of few kinds, each for a reason.
    let known = [
        "is never allowed",
        "depends on",
        "has it",
        "its own file system",
        "needs it",
        "allows all",
        "no policy changes it",
        "has its /tmp",
        "on the host either",
        "is never shown",
        "cannot be lower",
        "would not load",
        "another call does its work",
        "hidden with site packages",
        "no filter can refuse it",
        "any value of",
        "would be",
        "no few edits",
    ];
    let odd: Vec<_> = none.iter().filter(|line| !known.iter().any(|reason| line.contains(reason))).collect();
    assert!(odd.is_empty(), "{odd:#?}");
    assert!(offered > 150, "{offered} offered");
    let stuck: Vec<_> = none.iter().filter(|line| line.contains("no few edits") || line.contains("would not load")).collect();
    assert!(stuck.len() < 20, "{stuck:#?}");
}

#[test]
fn a_danger_of_two_edits_is_told_once() {
    let change = ask_in(&load("default", None), "open /data/link").change.unwrap();
    assert_eq!((change.edits.len(), change.dangers.len()), (2, 1), "{change:?}");
}

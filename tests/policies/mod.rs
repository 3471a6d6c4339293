//! Policies about themselves: what `remand policy why` answers is what the kernel does inside a run, and the shipped policies' expectations hold live.
//!
//! Always holds: the answers and the calls are made under one policy file; what a call was answered is told by the supervisor's record, of which number,
//! count and first arguments must fit the answers.

mod own;

use std::collections::BTreeMap;

use libtest_mimic::Trial;
use remand_syscalls::Arch;
use remand_tests::command::Call;
use remand_tests::policy_text::extending;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value, json};

/// Calls made in one run: the record lists 64 kinds.
const KINDS: usize = 60;
/// Makes calls one after another and returns each one's error number, 0 where there was none.
const BATCH: &str = include_str!("batch.py");

pub fn trials() -> Vec<Trial> {
    let shipped = ["default", "strict", "numeric", "compile", "judge", "n8n"]
        .map(|name| trial(format!("policies::expectations_of_{name}"), move || live(name)));
    let differential = [("default", json!({})), ("strict", json!({ "syscalls": { "kill": [] } })), ("default", conditions())];
    let names = ["default", "strict", "conditions"];
    let differential = names
        .into_iter()
        .zip(differential)
        .map(|(name, (base, sections))| trial(format!("policies::why_is_what_the_kernel_does_{name}"), move || differ(base, &sections)));
    let kills = trial("policies::why_is_what_the_kernel_kills", kills);
    let exits = trial("policies::why_tells_by_its_exit_status", exits);
    let own = [
        trial("policies::a_users_own_are_found_behind_all_others", own::found_behind_the_others),
        trial("policies::a_users_own_are_not_for_root", own::not_for_root),
    ];
    shipped.into_iter().chain(differential).chain([kills, exits]).chain(own).collect()
}

fn live(name: &str) -> Check {
    let ended = Call::new(&["policy", "test", "--live", name]).end()?;
    ensure(ended.code == Some(0), "every expectation holds", &ended)
}

/// Grants with conditions of each kind, in 32 and 64 bits.
fn conditions() -> Value {
    let grant = |call: &str, when: Value| json!({ "call": call, "when": when, "reason": "a test of conditions" });
    json!({ "syscalls": { "allow": { "add": [
        grant("socket", json!([{ "arg": 0, "one_of": [1, 2, 38] }, { "arg": 1, "masked": { "mask": 15, "value": 1 } }])),
        grant("socket", json!([{ "arg": 0, "equals": 16 }])),
        grant("ioctl", json!([{ "arg": 1, "equals": 21522 }])),
        grant("keyctl", json!([{ "arg": 0, "at_most": 1 }, { "arg": 1, "equals": "0xffffffff" }])),
        grant("quotactl", json!([{ "arg": 1, "masked": { "mask": "0xffffffff00000000", "value": "0x100000000" } }])),
        grant("acct", json!([{ "arg": 0, "at_most": "0x100000001" }])),
    ] }, "deny": ["getpgid"] } })
}

/// Calls that come back at once and leave nothing behind, with the arguments to make them with, as questions.
fn questions() -> Vec<String> {
    /// Calls by which a run would end, block, lose its descriptors or its timers, or make what the next calls then wait for.
    const LEFT_OUT: &[&str] = &[
        "exit",
        "exit_group",
        "pause",
        "rt_sigreturn",
        "rt_sigsuspend",
        "vfork",
        "fork",
        "clone",
        "execve",
        "execveat",
        "kill",
        "tkill",
        "tgkill",
        "select",
        "poll",
        "ppoll",
        "pselect6",
        "epoll_wait",
        "alarm",
        "setitimer",
        "close_range",
        "close",
        "munmap",
        "mremap",
        "brk",
        "mprotect",
        "dup2",
        "dup3",
        "read",
        "restart_syscall",
        "reboot",
        "sync",
        "vhangup",
        "setrlimit",
        "prlimit64",
        "set_robust_list",
        "rseq",
        "arch_prctl",
        "munlockall",
        "sendmsg",
        "set_tid_address",
        "setsid",
        "futex",
        "rt_sigprocmask",
        "sigaltstack",
        "pidfd_send_signal",
        "rt_sigqueueinfo",
        "rt_tgsigqueueinfo",
        "chdir",
        "umask",
        "clock_nanosleep",
        "nanosleep",
        "timer_create",
        "mlockall",
        "inotify_init",
        "rt_sigtimedwait",
        "map_shadow_stack",
        "mseal",
        "write",
        "fchdir",
        "shutdown",
        // On newer kernels these pass every filter, and the first ends a caller that is no probe; the other is asked by its number (336) below.
        "uretprobe",
        "uprobe",
        "modify_ldt",
        "prctl",
        "rt_sigaction",
        "times",
        "time",
        "wait4",
        "waitid",
        "setuid",
        "setgid",
        "setresuid",
        "setreuid",
    ];
    let plain = remand_syscalls::names().filter(|name| !name.starts_with('@') && !LEFT_OUT.contains(name));
    let plain = plain.map(|name| format!("{name}{}", " 0".repeat(remand_syscalls::argument_count(name).unwrap_or(0))));
    let edges = EDGES.iter().flat_map(|(call, before, values)| values.iter().map(move |value| format!("{call} {before}{value}")));
    plain.chain(edges).collect()
}

/// Arguments at which an answer turns, and beside it: dirty upper halves, ±1, the sign.
const EDGES: &[(&str, &str, &[&str])] = &[
    (
        "socket",
        "",
        &[
            "0 1 0",
            "1 1 0",
            "1 2 0",
            "2 1 0",
            "2 0o2000001 0",
            "10 1 0",
            "16 3 0",
            "17 3 0",
            "38 5 0",
            "0x100000001 1 0",
            "0x100000026 5 0",
            "-1 1 0",
        ],
    ),
    ("socketpair", "", &["1 1 0 0", "1 2 0 0", "2 1 0 0", "1 0o2004001 0 0", "0x100000001 0x100000001 0 0"]),
    ("ioctl", "0 ", &["0x5401 0", "0x5402 0", "0x5412 0", "0x100005412 0", "0x5413 0", "0x541c 0", "0x80045430 0", "-1 0"]),
    ("fcntl", "0 ", &["1 0", "3 0", "8 0", "10 0", "1024 0", "1025 0", "1026 0", "0x100000001 0"]),
    ("personality", "", &["0xffffffff", "0", "0x40000", "0x400000", "0x1ffffffff", "-1"]),
    ("fchmod", "-1 ", &["0o644", "0o4755", "0o2755", "0o1777", "0x100000800", "0x100000000"]),
    ("mknodat", "-1 0 ", &["0 0", "0o100644 0", "0o010644 0", "0o020644 0", "0o060644 0", "0o104644 0"]),
    ("memfd_create", "0 ", &["0", "1", "4", "5", "0x100000004"]),
    ("mmap", "0 0 0 ", &["0 0 0", "0x40000 0 0", "0x40022 0 0", "0x100000022 0 0"]),
    ("pipe2", "0 ", &["0", "0x80", "0x80080"]),
    ("sched_setscheduler", "0 ", &["0 0", "1 0", "2 0", "3 0", "5 0", "6 0"]),
    ("sendto", "-1 0 0 0 ", &["0 0", "1 0", "0x100000000 0"]),
    ("getsockopt", "-1 ", &["1 3 0 0", "1 17 0 0", "6 3 0 0", "1 0x100000003 0 0"]),
    ("getpgid", "", &["0", "1", "2", "0x100000000", "-1"]),
    ("keyctl", "", &["0 -1 0 0 0", "1 -1 0 0 0", "2 -1 0 0 0", "0 0xffffffff 0 0 0"]),
    ("quotactl", "0 ", &["0x100000000 0 0", "0x1ffffffff 0 0", "0x200000000 0 0", "0 0 0"]),
    ("acct", "", &["0", "1", "0x100000000", "0x100000001", "0x100000002", "0x200000000"]),
    ("syscall", "", &["336", "423", "511", "512", "547", "999", "0x40000000", "0x40000027", "0x7fffffff"]),
    ("clone3", "", &["0 0", "1 1"]),
    ("unshare", "", &["0x10000000", "0x20000", "0"]),
];

/// `policy test --json` with each question as an expectation: the answers, in order.
fn answers(base: &str, sections: &Value, questions: &[String], scratch: &Scratch) -> Result<(String, Vec<String>), End> {
    let expect: Vec<_> = questions.iter().map(|words| json!({ "ask": words, "is": "allowed" })).collect();
    let mut policy = sections.clone();
    policy["expect"] = json!(expect);
    // Long enough for all, on any machine.
    policy["limits"] = json!({ "wall_time": "60s", "cpu_time": "60s", "memory": "256MiB" });
    let file = extending(base, scratch, &policy).display().to_string();
    let ended = Call::new(&["policy", "test", "--json", file.as_str()]).end()?;
    let record: Value = serde_json::from_slice(&ended.stdout).map_err(|error| End::Fail(format!("{error}: {ended:?}")))?;
    let answers: Vec<_> =
        record["expectations"].as_array().into_iter().flatten().map(|one| one["answer"].as_str().unwrap_or("").to_owned()).collect();
    ensure(answers.len() == questions.len(), "every question is answered", &ended)?;
    Ok((file, answers))
}

/// Number and arguments of a question whose arguments are all numbers.
fn made(words: &str) -> Value {
    let mut words = words.split(' ');
    let call = words.next().unwrap_or("");
    let call = if call == "syscall" { words.next().unwrap_or("") } else { call };
    json!([call, words.collect::<Vec<_>>()])
}

/// Every answer, against what the same calls got inside a run.
fn differ(base: &str, sections: &Value) -> Check {
    let scratch = Scratch::new();
    let numbers = numbers();
    let questions: Vec<_> =
        questions().into_iter().filter(|words| numbers.contains_key(first(words)) || words.starts_with("syscall ")).collect();
    // The 512 entries of a list.
    for questions in questions.chunks(500) {
        let (file, answers) = answers(base, sections, questions, &scratch)?;
        for (questions, answers) in questions.chunks(KINDS).zip(answers.chunks(KINDS)) {
            let query = json!({ "calls": questions.iter().map(|words| made(words)).collect::<Vec<_>>(), "numbers": numbers }).to_string();
            let outcome = Call::run(BATCH, &["--policy".into(), file.clone(), "--query".into(), query]).end()?.outcome()?;
            ensure(outcome["verdict"]["kind"] == "finished", "the calls were made", &(&outcome, questions))?;
            compare(questions, answers, &outcome, &numbers)?;
        }
    }
    Ok(())
}

fn first(words: &str) -> &str {
    words.split(' ').next().unwrap_or("")
}

fn compare(questions: &[String], answers: &[String], outcome: &Value, numbers: &BTreeMap<String, u64>) -> Check {
    let value = outcome["value"].as_array().cloned().unwrap_or_default();
    ensure(value.len() == questions.len(), "every call came back", &outcome["value"])?;
    let mut refused: BTreeMap<u64, u64> = BTreeMap::new();
    let mut differences = Vec::new();
    for ((words, answer), seen) in questions.iter().zip(answers).zip(&value) {
        let number = numbers.get(first(words)).copied().or_else(|| number(words.split(' ').nth(1)?));
        let number = number.ok_or_else(|| End::Fail(format!("{words} has no number")))?;
        let expected = match answer.as_str() {
            "denied (EPERM)" => 1,
            "no such call (ENOSYS)" => 38,
            "allowed" => 0,
            other => return Err(End::Fail(format!("{words}: {other}"))),
        };
        if expected != 0 {
            // What is refused without a record is told by its answer alone.
            *refused.entry(number).or_default() += u64::from(first(words) != "clone3");
            if seen != expected {
                differences.push(format!("{words}: {answer}, but the call was answered {seen}"));
            }
        } else {
            refused.entry(number).or_default();
        }
    }
    for (number, count) in refused {
        let name =
            numbers.iter().find(|(_, known)| **known == number).map_or_else(|| format!("syscall_{number}"), |(name, _)| name.clone());
        let record = outcome["violations"].as_array().into_iter().flatten().find(|violation| violation["syscall"] == name);
        let recorded = record.map_or(0, |violation| violation["count"].as_u64().unwrap_or(0));
        if recorded != count {
            differences.push(format!("{name}: {count} refusals were answered, {recorded} recorded"));
        }
    }
    ensure(differences.is_empty(), "why answers what the kernel does", &differences)
}

fn number(text: &str) -> Option<u64> {
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
}

/// Each in a run of its own: the run must end as `violated`, or not, as it was answered.
fn kills() -> Check {
    let scratch = Scratch::new();
    let numbers = numbers();
    let questions: Vec<String> = [
        "ptrace 0 0 0 0",
        "unshare 0",
        "mount 0 0 0 0 0",
        "bpf 0 0 0",
        "keyctl 0 0 0 0 0",
        "setns -1 0",
        "kcmp 0 0 0 0 0",
        "getpid",
        "chroot 0",
        "reboot 0 0 0 0",
    ]
    .map(str::to_owned)
    .into();
    let (file, answers) = answers("strict", &json!({}), &questions, &scratch)?;
    for (words, answer) in questions.iter().zip(&answers) {
        let query = json!({ "calls": [made(words)], "numbers": numbers }).to_string();
        let outcome = Call::run(BATCH, &["--policy".into(), file.clone(), "--query".into(), query]).end()?.outcome()?;
        let killed = outcome["verdict"]["kind"] == "violated";
        ensure(killed == (answer == "ends the run"), &format!("{words}: {answer}"), &outcome["verdict"])?;
    }
    ensure(answers.iter().filter(|answer| *answer == "ends the run").count() >= 7, "most of them kill", &answers)
}

fn exits() -> Check {
    for (words, code) in [("read", 0), ("ptrace", 1), ("clone", 1), ("open /etc/shadow", 1), ("memory 1GiB", 1), ("scoket", 2)] {
        let ended = Call::new(&["policy", "why", words]).end()?;
        ensure(ended.code == Some(code), words, &ended)?;
    }
    Ok(())
}

/// The numbers of all calls on this machine.
fn numbers() -> BTreeMap<String, u64> {
    remand_syscalls::names().filter_map(|name| Some((name.to_owned(), remand_syscalls::number(Arch::HERE, name)?.into()))).collect()
}

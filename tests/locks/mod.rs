//! File locks: kept by the supervisor as the kernel would keep them, seen by no other run and not by the host, and never more than a few thousand. On
//! writable mounts ([`shared`]) they are the kernel's too.

mod shared;

use std::fs::OpenOptions;

use libtest_mimic::Trial;
use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};
use remand_tests::command::{Call, scale};
use remand_tests::facts::{CGROUP_MEMORY, need};
use remand_tests::observe::Seen::{At, Denied, Exceeded, Raised, Value};
use remand_tests::observe::compare;
use remand_tests::plain::{self, Apart};
use remand_tests::probe::Probe;
use remand_tests::scratch::Scratch;
use remand_tests::technique::{Control, Technique};
use remand_tests::{Check, End, ensure, policy_text, probe, trial};
use serde_json::{Value as Json, json};

/// One row per technique.
pub const TABLE: &[Technique] = &[
    Technique::new(
        "many_locks",
        probe!("many_locks"),
        &[Value(r#"{"made":true,"answer":"ENOLCK"}"#)],
        Control::Plain(&[Value(r#"{"made":false,"answer":"ok"}"#)]),
    ),
    Technique::new("hammered_locks", probe!("hammer_locks"), &[Exceeded("wall_time")], Control::Query("10", &[Value("10")]))
        .set(&["limits.wall_time=1500ms"]),
];

/// What needs something on the host's side.
pub fn trials() -> Vec<Trial> {
    let own = vec![
        trial("locks::unseen_by_the_host_and_others [F15 9.7]", unseen),
        trial("locks::strict_refuses_them [9.7]", refused),
        trial("locks::answered_as_the_kernel_does", as_the_kernel),
        trial("locks::waited_for", || like_plain("lock_waits", &probe!("lock_waits"), &Json::Null)),
        trial("locks::sqlite_in_default", || sqlite("default")),
        trial("locks::sqlite_in_numeric", || sqlite("numeric")),
        trial("locks::taken_after_the_main_thread_ended [9.7]", after_the_main_thread),
        trial("locks::hold_no_memory_after_the_end [9.8]", given_back),
    ];
    own.into_iter().chain(shared::trials()).collect()
}

fn run(probe: &Probe, query: &Json, policy: &str) -> Result<Json, End> {
    let scratch = Scratch::new();
    // On a slow machine a shipped policy's time limits grow.
    let slow = (scale() > 1 && !policy.contains('/')).then(|| policy_text::extending(policy, &scratch, &json!({})).display().to_string());
    let args = ["--policy", slow.as_deref().unwrap_or(policy), "--query", &query.to_string()].map(str::to_owned);
    Call::run(&probe.code(), &args).end()?.outcome()
}

/// Somebody else's locks of both kinds stand in nobody's way here, and a plain process meets them.
fn unseen() -> Check {
    for (path, writable) in [(Json::Null, false), (json!("/dev/null"), true)] {
        let query = json!({ "path": path, "writable": writable });
        let probe = probe!("shared_lock");
        let first = run(&probe, &query, "default")?;
        let path = first["value"]["path"].as_str().ok_or_else(|| End::Fail(format!("the probe names its file: {first}")))?.to_owned();
        let open = || OpenOptions::new().read(true).write(writable).open(&path);
        let held = open()?;
        let kind = if writable { nix::libc::F_WRLCK } else { nix::libc::F_RDLCK };
        let all = nix::libc::flock { l_type: i16::try_from(kind).unwrap(), l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
        fcntl(&held, FcntlArg::F_OFD_SETLK(&all)).map_err(std::io::Error::from)?;
        let _whole = Flock::lock(open()?, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| std::io::Error::from(errno))?;
        let clear = [At("/found", "false"), At("/record", "\"ok\""), At("/description", "\"ok\""), At("/whole", "\"ok\"")];
        compare(&first, &clear)?;
        compare(&run(&probe, &query, "default")?, &clear)?;
        let control = plain::value(&probe, &json!({ "path": path, "writable": writable }), Apart::Nothing)?;
        ensure(control["found"] == true && control["whole"] == "EAGAIN", "without a sandbox the locks are met", &control)?;
    }
    Ok(())
}

fn refused() -> Check {
    let query = json!({ "path": "/dev/null", "writable": true });
    let outcome = run(&probe!("shared_lock"), &query, "strict")?;
    // The first question is refused already.
    compare(&outcome, &[Raised("PermissionError"), Denied("fcntl", "EPERM")]).map_err(End::Fail)
}

fn as_the_kernel() -> Check {
    (0..6).try_for_each(|seed| like_plain(&format!("seed {seed}"), &probe!("lock_calls"), &json!(seed)))
}

fn like_plain(what: &str, probe: &Probe, query: &Json) -> Check {
    let (here, there) = (run(probe, query, "default")?, plain::value(probe, query, Apart::Nothing)?);
    ensure(here["verdict"]["kind"] == "finished" && here["violations"] == json!([]), "nothing is refused", &here)?;
    ensure(here["value"] == there, &format!("{what}: a run is answered as a plain program is"), &(&here["value"], &there))
}

fn sqlite(policy: &str) -> Check {
    let outcome = run(&probe!("sqlite_two_processes"), &Json::Null, policy)?;
    compare(&outcome, &[Value(r#"{"delete":[[0,0],20,"ok"],"wal":[[0,0],20,"ok"]}"#)]).map_err(End::Fail)
}

/// Linux before 6.9 gives no descriptor of a thread whose process has lost its first.
fn after_the_main_thread() -> Check {
    let probe = probe!("locks_without_main");
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    if (numbers.next(), numbers.next()) >= (Some(6), Some(9)) {
        return like_plain("without a main thread", &probe, &Json::Null);
    }
    let late = "('ok', ('ENOLCK', 'ENOLCK', 'EBADF'))";
    let expected = json!([late, [["EAGAIN", "ok", "ok"], "ok"], "ok", "ok"]);
    let outcome = run(&probe, &Json::Null, "default")?;
    ensure(outcome["value"] == expected, "what it had it keeps, and what it asks for is refused", &outcome)
}

/// What was kept open for a lock is let go of before memory is looked at.
fn given_back() -> Check {
    need(&[CGROUP_MEMORY])?;
    let scratch = Scratch::new();
    let lifted = policy_text::write(&scratch, &policy_text::lifting(&["sendmsg"]));
    let outcome = run(&probe!("locked_memory"), &Json::Null, &lifted.display().to_string())?;
    compare(&outcome, &[Value("16777216")])?;
    ensure(outcome["enforcement"]["given_back"].get("by").is_some(), "nothing is held after the end", &outcome["enforcement"])
}

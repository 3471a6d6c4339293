//! Which process may do what, who has a token, and what is left when one dies.

use std::fs;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use remand_tests::broker::{Broker, Runner, settings};
use remand_tests::command::until;
use remand_tests::processes::{Process, all, appears, vanishes};
use remand_tests::{Check, End, ensure, trial};

use super::works;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("n8n::what_speaks_to_the_broker_has_no_rights", rights),
        trial("n8n::no_environment_has_a_token", tokens),
        trial("n8n::without_its_front_it_ends_with_its_tasks", front_killed),
        trial("n8n::killed_it_leaves_no_process", killed),
    ]
}

/// With these, code imports what it wants.
const ALL: [(&str, &str); 2] = [("N8N_RUNNERS_STDLIB_ALLOW", "*"), ("N8N_RUNNERS_EXTERNAL_ALLOW", "*")];

fn named(name: &str) -> serde_json::Value {
    settings(&format!("import ctypes\nctypes.CDLL(None).prctl(15, b'{name}', 0, 0, 0)\nwhile True:\n    pass"))
}

fn line(pid: i32) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

/// The process of this runner that speaks to the broker.
fn front(runner: &Runner) -> Result<Process, End> {
    let parent = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<i32>().ok()
    };
    let is = |process: &Process| {
        parent(process.pid) == Some(runner.pid().as_raw()) && line(process.pid).split(|byte| *byte == 0).nth(1) == Some(b"front-of-n8n")
    };
    all().into_iter().find(is).ok_or_else(|| End::Fail("no front".to_owned()))
}

fn status(pid: i32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn rights() -> Check {
    let broker = Broker::new();
    let set = [("N8N_RUNNERS_HEALTH_CHECK_SERVER_ENABLED", "true"), ("N8N_RUNNERS_HEALTH_CHECK_SERVER_PORT", "0")];
    let runner = Runner::start(&broker, &set)?;
    works(&mut broker.register()?, "t")?;
    let front = front(&runner)?.pid;
    let own = runner.pid().as_raw();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        ensure(status(front, set) == "0000000000000000", set, &status(front, set))?;
    }
    ensure(status(front, "NoNewPrivs") == "1" && status(front, "Seccomp") == "2", "held", &status(front, "Seccomp"))?;
    ensure(status(own, "Seccomp") == "0", "control: the supervisor makes runs", &own)?;
    if !geteuid().is_root() {
        // Not dumpable: nobody but root looks further.
        return ensure(fs::read_dir(format!("/proc/{front}/fd")).is_err(), "closed to its own user", &front);
    }
    let uid = status(front, "Uid");
    ensure(uid.split(' ').all(|id| id.parse::<u32>().is_ok_and(|id| (0x3fff_0000..0x4000_0000).contains(&id))), "nobody's user id", &uid)?;
    ensure(status(front, "Groups").is_empty(), "no groups", &status(front, "Groups"))?;
    let namespace = |pid: i32, kind: &str| fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok();
    for kind in ["mnt", "net", "ipc", "uts", "cgroup"] {
        ensure(namespace(front, kind) != namespace(own, kind), kind, &namespace(front, kind))?;
    }
    let root: Vec<_> = fs::read_dir(format!("/proc/{front}/root/"))?.collect();
    ensure(root.is_empty(), "an empty root", &root)
}

fn tokens() -> Check {
    let broker = Broker::new();
    let runner = Runner::start(&broker, &[("N8N_RUNNERS_MARKER", "kept")])?;
    let mut link = broker.register()?;
    works(&mut link, "t")?;
    let environment = |pid: i32| fs::read(format!("/proc/{pid}/environ")).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let own = environment(runner.pid().as_raw())?;
    ensure(own.contains("N8N_RUNNERS_MARKER=kept"), "control: the environment can be read, and is this runner's", &own)?;
    for process in all() {
        let found = environment(process.pid).unwrap_or_default();
        let ours = found.contains("N8N_RUNNERS_MARKER") || line(process.pid).windows(4).any(|part| part == b"-n8n");
        ensure(!ours || !found.contains("test_token"), "no token", &(process, found))?;
    }
    ensure(!runner.log().contains("test_token"), "nor in the log", &runner.log())
}

fn front_killed() -> Check {
    let broker = Broker::new();
    let mut runner = Runner::start(&broker, &ALL)?;
    let mut link = broker.register()?;
    link.begin("t", &named("n8n-frontless"))?;
    ensure(appears("n8n-frontless").is_some(), "it runs", &runner.log())?;
    kill(Pid::from_raw(front(&runner)?.pid), Signal::SIGKILL).unwrap();
    let ended = runner.end()?;
    ensure(ended.code == Some(1), "its status", &ended)?;
    ensure(vanishes("n8n-frontless"), "no run is left", &runner.log())?;
    runner.logs("The process that speaks to the broker: it has ended").map(drop)
}

fn killed() -> Check {
    let broker = Broker::new();
    let mut runner = Runner::start(&broker, &ALL)?;
    let mut link = broker.register()?;
    link.begin("t", &named("n8n-orphan"))?;
    ensure(appears("n8n-orphan").is_some(), "it runs", &runner.log())?;
    let front = front(&runner)?;
    runner.signal(Signal::SIGKILL);
    runner.end()?;
    ensure(vanishes("n8n-orphan"), "no run is left", &runner.log())?;
    let left = || all().contains(&front);
    ensure(until(|| (!left()).then_some(())).is_some(), "no front is left", &front)
}

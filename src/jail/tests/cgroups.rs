//! Cgroups of this host, for real: each limit is met by a process, and nothing is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use remand_jail::cgroup::{Cgroups, Join, RunCgroup};
use remand_plan::host::{CgroupFacts, CgroupVersion, Fact};
use remand_plan::plan::CgroupLimits;
use remand_trial::{Check, End, need};

remand_trial::tests!(
    memory_ends_what_asks_for_more,
    memory_of_a_cgroup_above_is_told_apart,
    pids_of_a_cgroup_above_do_not_reach_the_runs_peak,
    without_a_memory_limit_nothing_is_killed,
    pids_refuse_one_more,
    cpu_is_counted_and_can_be_bounded,
    a_kill_lifts_the_cpu_quota_and_raises_the_weight,
    a_run_that_is_killed_is_gone,
    nothing_is_left_after_a_thousand,
    what_is_in_use_is_refused_and_named,
    a_forkserver_of_another_user_can_start_runs
);

const MEBIBYTE: u64 = 1 << 20;

/// What this host gives; skips where it gives no cgroups.
fn host() -> Result<CgroupFacts, End> {
    let facts = remand_jail::host::cgroups();
    for (name, fact) in [("memory", &facts.memory), ("pids", &facts.pids), ("cpu", &facts.cpu)] {
        need(matches!(fact, Fact::Available), &format!("the {name} cgroup controller for runs"))?;
    }
    Ok(facts)
}

fn limits() -> CgroupLimits {
    CgroupLimits { memory: Some(32 * MEBIBYTE), pids: Some(8), cpus: None, use_memory: true, use_pids: true, use_cpu: true }
}

/// Runs a shell command inside: v1 as a child that moves itself through inherited descriptors, v2 by the directory's `cgroup.procs`, which costs a
/// grace period and so is only for tests.
fn inside(run: &RunCgroup, command: &str) -> ExitStatus {
    let mut shell = Command::new("sh");
    match run.join() {
        Join::Tasks(tasks) => {
            let [memory, pids, cpuacct] = tasks else { panic!("three hierarchies, not {}", tasks.len()) };
            let give = |fd: &OwnedFd| Stdio::from(fd.try_clone().unwrap());
            shell.stdin(give(memory)).stdout(give(pids)).stderr(give(cpuacct));
            let join = "echo 0 >&0 && echo 0 >&1 && echo 0 >&2 || exit 99; exec </dev/null >/dev/null 2>&1;";
            shell.args(["-c", &format!("{join} {command}")]);
        }
        Join::Into(directory) => {
            shell
                .stdin(directory.try_clone_to_owned().unwrap())
                .args(["-c", &format!("echo 0 >/proc/self/fd/0/cgroup.procs || exit 99; exec </dev/null; {command}")]);
        }
    }
    shell.status().unwrap()
}

fn awake(run: &RunCgroup) -> bool {
    let fd = run.memory_event().unwrap();
    let mut fds = [PollFd::new(fd, PollFlags::POLLIN | PollFlags::POLLPRI)];
    poll(&mut fds, PollTimeout::ZERO).unwrap();
    let wanted = if matches!(run.join(), Join::Tasks(_)) { PollFlags::POLLIN } else { PollFlags::POLLPRI };
    fds[0].revents().unwrap().contains(wanted)
}

fn memory_ends_what_asks_for_more() -> Check {
    let facts = host()?;
    let cgroups = Cgroups::new(&facts, None).unwrap();
    let run = cgroups.create(&limits()).unwrap();
    let eat = |mebibytes: u32| inside(&run, &format!("python3 -I -S -c 'b = bytearray({mebibytes} << 20)'"));
    assert!(!awake(&run), "quiet before");
    assert!(eat(8).success(), "control: under the limit");
    assert_eq!(run.counters().unwrap().oom_kills, 0);
    assert!(!eat(64).success());
    assert!(awake(&run));
    let counters = run.counters().unwrap();
    assert!(counters.oom_kills > 0, "{counters:?}");
    assert!(!awake(&run), "the counters make it quiet");
    if let Some(peak) = counters.memory_peak {
        assert!((16 * MEBIBYTE..=32 * MEBIBYTE).contains(&peak), "{counters:?}");
    }
    run.remove().unwrap();
    Ok(())
}

/// A cgroup above all runs, with limits of its own, in place of the usual parent. Removed by the caller once what is in it is gone.
fn service(facts: &CgroupFacts, name: &str, memory: u64, pids: u64) -> (CgroupFacts, Vec<String>) {
    let name = format!("remand-unit-{}-{name}", std::process::id());
    let mut below = facts.clone();
    let mut made = Vec::new();
    let mut make = |path: &mut String, files: &[(&str, u64)]| {
        *path = format!("{path}/{name}");
        std::fs::create_dir_all(&path).unwrap();
        files.iter().for_each(|(file, value)| std::fs::write(format!("{path}/{file}"), value.to_string()).unwrap());
        made.push(path.clone());
    };
    if facts.version == CgroupVersion::V2 {
        std::fs::write(format!("{}/cgroup.subtree_control", facts.parent), "+memory +pids +cpu").unwrap();
        make(&mut below.parent, &[("memory.max", memory), ("memory.swap.max", 0), ("pids.max", pids)]);
    } else {
        make(below.v1.get_mut("memory").unwrap(), &[("memory.limit_in_bytes", memory)]);
        make(below.v1.get_mut("pids").unwrap(), &[("pids.max", pids)]);
    }
    (below, made)
}

fn memory_of_a_cgroup_above_is_told_apart() -> Check {
    let facts = host()?;
    let (facts, made) = service(&facts, "memory", 24 * MEBIBYTE, 1000);
    {
        let cgroups = Cgroups::new(&facts, None).unwrap();
        let [run, innocent] = [(); 2].map(|()| cgroups.create(&CgroupLimits { memory: Some(512 * MEBIBYTE), ..limits() }).unwrap());
        assert!(!inside(&run, "python3 -I -S -c 'b = bytearray(64 << 20)'").success());
        let counters = run.counters().unwrap();
        assert!(counters.oom_kills > 0 && counters.memory_met == 0, "{counters:?}");
        let [above] = counters.memory_above.as_slice() else { panic!("{counters:?}") };
        assert_eq!((&above.cgroup, above.allowed), (&made[0], 24 * MEBIBYTE));
        let counters = innocent.counters().unwrap();
        assert_eq!((counters.oom_kills, counters.memory_met), (0, 0), "{counters:?}");
        run.remove().unwrap();
        // Its own limit, within the other's.
        let run = cgroups.create(&CgroupLimits { memory: Some(12 * MEBIBYTE), ..limits() }).unwrap();
        assert!(!inside(&run, "python3 -I -S -c 'b = bytearray(64 << 20)'").success());
        let counters = run.counters().unwrap();
        assert!(counters.oom_kills > 0 && counters.memory_met > 0 && counters.memory_above.is_empty(), "{counters:?}");
    }
    made.iter().for_each(|path| std::fs::remove_dir(path).unwrap());
    Ok(())
}

fn pids_of_a_cgroup_above_do_not_reach_the_runs_peak() -> Check {
    let facts = host()?;
    let (facts, made) = service(&facts, "pids", 512 * MEBIBYTE, 4);
    {
        let cgroups = Cgroups::new(&facts, None).unwrap();
        let run = cgroups.create(&limits()).unwrap();
        let code = "import posix\nfor i in range(7):\n if posix.fork() == 0:\n  import time; time.sleep(0.3); posix._exit(0)";
        assert!(!inside(&run, &format!("exec python3 -I -S -c '{code}'")).success());
        let counters = run.counters().unwrap();
        // The kernel notes the peak before it asks above, so it may be one higher.
        assert!(counters.pids_denied == 0 || counters.pids_peak.is_none_or(|peak| peak <= 5), "{counters:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
    made.iter().for_each(|path| std::fs::remove_dir(path).unwrap());
    Ok(())
}

fn without_a_memory_limit_nothing_is_killed() -> Check {
    let facts = host()?;
    let cgroups = Cgroups::new(&facts, None).unwrap();
    let run = cgroups.create(&CgroupLimits { memory: None, ..limits() }).unwrap();
    assert!(inside(&run, "python3 -I -S -c 'b = bytearray(64 << 20)'").success());
    assert_eq!(run.counters().unwrap().oom_kills, 0);
    Ok(())
}

fn pids_refuse_one_more() -> Check {
    let facts = host()?;
    let cgroups = Cgroups::new(&facts, None).unwrap();
    let run = cgroups.create(&limits()).unwrap();
    // So many sleepers, one process above them, and nobody in init's place.
    let fork = |count: u32| {
        let code =
            format!("import posix\nfor i in range({count}):\n if posix.fork() == 0:\n  import time; time.sleep(0.3); posix._exit(0)");
        inside(&run, &format!("exec python3 -I -S -c '{code}'"))
    };
    assert!(fork(8).success(), "control: as many as allowed");
    assert_eq!(run.counters().unwrap().pids_denied, 0);
    std::thread::sleep(Duration::from_millis(500));
    assert!(!fork(9).success());
    let counters = run.counters().unwrap();
    assert!(counters.pids_denied > 0, "{counters:?}");
    if let Some(peak) = counters.pids_peak {
        assert_eq!(peak, 8);
    }
    std::thread::sleep(Duration::from_millis(500));
    run.remove().unwrap();
    Ok(())
}

fn cpu_is_counted_and_can_be_bounded() -> Check {
    let facts = host()?;
    let cgroups = Cgroups::new(&facts, None).unwrap();
    let run = cgroups.create(&limits()).unwrap();
    assert_eq!(run.cpu().unwrap(), (Duration::ZERO, Duration::ZERO));
    assert!(inside(&run, "python3 -I -S -c 'for i in range(2000000): pass'").success());
    let (user, system) = run.cpu().unwrap();
    assert!(user + system > Duration::from_millis(1), "{user:?} {system:?}");
    for cpus in [1, 500, 2000] {
        drop(cgroups.create(&CgroupLimits { cpus: Some(cpus), ..limits() }).unwrap());
    }
    Ok(())
}

/// A killed process needs a CPU to die.
fn a_kill_lifts_the_cpu_quota_and_raises_the_weight() -> Check {
    let facts = host()?;
    let cgroups = Cgroups::new(&facts, None).unwrap();
    let run = cgroups.create(&CgroupLimits { cpus: Some(10), ..limits() }).unwrap();
    let places: Vec<_> = match run.join() {
        Join::Tasks(tasks) => tasks.iter().filter_map(|tasks| Some(path_of(tasks.as_fd()).parent()?.to_owned())).collect(),
        Join::Into(directory) => vec![path_of(directory)],
    };
    let first_words = |names: [&str; 2]| {
        let files = places.iter().flat_map(|place| names.map(|name| place.join(name)));
        files.filter_map(|file| std::fs::read_to_string(file).ok()?.split_whitespace().next().map(str::to_owned)).collect::<Vec<_>>()
    };
    let (quota, weight) = (|| first_words(["cpu.max", "cpu.cfs_quota_us"]), || first_words(["cpu.weight", "cpu.shares"]));
    assert_eq!(quota(), ["1000"]);
    assert!(["100", "1024"].contains(&weight().join(" ").as_str()), "{:?}", weight());
    run.kill().unwrap();
    assert!(["max", "-1"].contains(&quota().join(" ").as_str()), "{:?}", quota());
    assert!(["10000", "262144"].contains(&weight().join(" ").as_str()), "{:?}", weight());
    run.remove().unwrap();
    Ok(())
}

fn a_run_that_is_killed_is_gone() -> Check {
    let facts = host()?;
    let cgroups = Cgroups::new(&facts, None).unwrap();
    let run = cgroups.create(&limits()).unwrap();
    need(matches!(run.join(), Join::Into(_)), "cgroup v2 for runs")?; // v1 cannot kill
    assert!(inside(&run, "sleep 100 >/dev/null 2>&1 & exit 0").success());
    run.kill().unwrap();
    run.remove().unwrap();
    Ok(())
}

fn nothing_is_left_after_a_thousand() -> Check {
    let facts = host()?;
    let left = || -> usize {
        let directories: Vec<&String> = if facts.v1.is_empty() { vec![&facts.parent] } else { facts.v1.values().collect() };
        let mine = format!("remand-{}-", std::process::id());
        let names = directories.into_iter().flat_map(|path| std::fs::read_dir(path).unwrap());
        names.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(&mine)).count()
    };
    let fds = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let cgroups = Cgroups::new(&facts, None).unwrap();
    let (before, open) = (left(), fds());
    for _ in 0..1000 {
        let run = cgroups.create(&limits()).unwrap();
        run.counters().unwrap();
        run.remove().unwrap();
    }
    // Other tests of this process come and go meanwhile.
    assert!(left() < before + 40, "{} after {before}", left());
    assert!(fds() < open + 100, "{} after {open}", fds());
    Ok(())
}

fn what_is_in_use_is_refused_and_named() -> Check {
    let facts = host()?;
    let cgroups = Cgroups::new(&facts, None).unwrap();
    let run = cgroups.create(&limits()).unwrap();
    assert!(inside(&run, "sleep 1 >/dev/null 2>&1 & exit 0").success());
    let left: Vec<_> = match run.join() {
        Join::Tasks(tasks) => tasks.iter().map(|fd| path_of(fd.as_fd()).parent().unwrap().to_owned()).collect(),
        Join::Into(directory) => vec![path_of(directory)],
    };
    let error = run.remove().unwrap_err().to_string();
    assert!(error.contains("remove") && error.contains("/remand-") && error.contains("busy"), "{error}");
    std::thread::sleep(Duration::from_millis(1500));
    left.iter().for_each(|path| std::fs::remove_dir(path).unwrap());
    Ok(())
}

fn a_forkserver_of_another_user_can_start_runs() -> Check {
    const OTHER: u32 = 100_000;
    let facts = host()?;
    need(facts.version == CgroupVersion::V2, "cgroup v2 for runs")?;
    need(nix::unistd::geteuid().is_root(), "root")?;
    for (owner, works) in [(None, false), (Some(OTHER), true)] {
        let cgroups = Cgroups::new(&facts, owner).unwrap();
        let run = cgroups.create(&limits()).unwrap();
        let Join::Into(directory) = run.join() else { panic!("v2 joins by directory") };
        let (leaf, from) = (path_of(directory), path_of(cgroups.forkserver().unwrap()));
        // Moving asks for the same rights as being born there.
        let script = format!(
            "echo 0 >{}/cgroup.procs; exec setpriv --reuid={OTHER} --clear-groups sh -c 'echo 0 >{}/cgroup.procs'",
            from.display(),
            leaf.display()
        );
        assert_eq!(Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status().unwrap().success(), works, "{owner:?}");
    }
    Ok(())
}

fn path_of(fd: BorrowedFd<'_>) -> std::path::PathBuf {
    std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap()
}

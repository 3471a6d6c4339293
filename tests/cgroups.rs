//! What runs leave in the kernel's and the host's cgroups: no memory, no directories.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::{Call, scale, until};
use remand_tests::facts::{CGROUP_MEMORY, PAGES_KEEP_CGROUPS, PRIVILEGED, doctor, need};
use remand_tests::groups::{Group, of_supervisor, root};
use remand_tests::processes::{appears, vanishes};
use remand_tests::{Check, End, ensure, probe, trial, trial_alone};
use serde_json::json;

/// What is seen from outside of the run.
pub fn trials() -> Vec<Trial> {
    vec![
        trial_alone("cgroups::no_dying_memory_cgroups [9.9]", no_dying_memory_cgroups),
        trial_alone("cgroups::what_runs_share_stays_cached [9.9]", what_runs_share_stays_cached),
        trial("cgroups::a_killed_supervisors_are_swept_by_the_next_start [9.12 9.i]", swept_by_the_next_start),
        trial("cgroups::a_run_that_cannot_join_is_met_by_substitutes [9.g]", refused_at_the_join),
    ]
}

/// Memory cgroups that the kernel has and nobody sees any more.
fn dying() -> usize {
    let stat = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let root = root().unwrap_or_default();
    let number = |text: &str| text.parse().unwrap_or(0);
    match stat(root.join("cgroup.stat")).lines().find_map(|line| line.strip_prefix("nr_dying_descendants ")) {
        Some(count) => number(count),
        None => {
            let groups = stat("/proc/cgroups".into());
            let counted = groups.lines().find_map(|line| line.strip_prefix("memory")?.split_whitespace().nth(1));
            counted.map_or(0, number).saturating_sub(remand_tests::groups::below(&root).len())
        }
    }
}

/// The same when what is on its way out (RCU) is gone: it has been the lowest for a while.
fn settled() -> usize {
    let (mut lowest, mut looks) = (dying(), 0);
    let _ = until(|| {
        let now = dying();
        looks = if now < lowest { 0 } else { looks + 1 };
        lowest = lowest.min(now);
        (looks > 60).then_some(())
    });
    lowest
}

/// Files that hardly anybody reads, so that nobody else is charged for them.
const FILES: [&str; 12] =
    ["turtle", "tabnanny", "mailbox", "pdb", "cProfile", "profile", "pstats", "trace", "netrc", "plistlib", "symtable", "sched"];

fn no_dying_memory_cgroups() -> Check {
    need(&[PRIVILEGED, CGROUP_MEMORY, PAGES_KEEP_CGROUPS])?;
    let code = probe!("lone_page").code();
    forget()?;
    let before = settled();
    for file in FILES {
        let outcome = Call::run(&code, &["--query".to_owned(), format!("\"{file}.py\"")]).end()?.outcome()?;
        ensure(outcome["value"] == 4096, "the page is read", &outcome)?;
    }
    let left = settled();
    ensure(left < before + FILES.len() / 2, "no memory cgroup of a run stays in the kernel", &(before, left))?;
    // The control: the same in cgroups that are removed with what they are charged for. What is still being read cannot be dropped the first time.
    forget()?;
    settled();
    forget()?;
    let before = settled();
    for file in FILES {
        let group = Group::new()?;
        let script = format!("echo $$ >'{}/cgroup.procs' && exec \"$0\" -I -S -", group.path().display());
        let text = format!("def f(_query):\n{}\nf('{file}.py')", indented(&code));
        let ended = Call::program(Path::new("/bin/sh"), &["-c", &script, &interpreter()]).input(text.as_bytes()).end()?;
        ensure(ended.code == Some(0), "the control reads the page", &ended)?;
    }
    let left = dying();
    forget()?;
    ensure(left >= before + FILES.len() / 2, "each keeps its cgroup in the kernel", &(before, left))
}

/// Drops the files from the page cache, and with them the cgroups that they keep.
fn forget() -> Check {
    let each = format!("def f(_query):\n{}\nfor name in {FILES:?}:\n    f(name + '.py')", indented(DROP));
    let ended = Call::program(Path::new(&interpreter()), &["-I", "-S", "-c", &each]).end()?;
    ensure(ended.code == Some(0), "the files are dropped", &ended)
}

const DROP: &str = "import os\nf = os.open(os.path.join(os.path.dirname(os.__file__), _query), os.O_RDONLY)\nos.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)\nos.close(f)";

/// The interpreter of runs.
fn interpreter() -> String {
    doctor()["interpreters"][0]["usable"]["executable"].as_str().unwrap_or_default().to_owned()
}

fn indented(code: &str) -> String {
    code.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// Resident bytes of each file.
fn resident(files: &[String]) -> Result<Vec<u64>, End> {
    let args: Vec<&str> = ["-b", "-n", "-r", "-o", "RES"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let ended = Call::program(Path::new("fincore"), &args).end()?;
    let numbers: Vec<u64> = ended.out().split_whitespace().filter_map(|word| word.parse().ok()).collect();
    if numbers.len() == files.len() { Ok(numbers) } else { Err(End::Fail(format!("fincore: {ended:?}"))) }
}

fn what_runs_share_stays_cached() -> Check {
    need(&[PRIVILEGED, CGROUP_MEMORY])?;
    let code = "import fractions, sys\nreturn [fractions.__cached__, fractions.__file__]";
    let outcome = Call::run(code, &[]).end()?.outcome()?;
    let imported = outcome["value"].as_array().into_iter().flatten().filter_map(|path| path.as_str().map(str::to_owned));
    let files: Vec<String> = std::iter::once(interpreter()).chain(imported).filter(|path| Path::new(path).exists()).collect();
    // As after a start of the machine. What somebody has mapped stays.
    let each = format!("def f(_query):\n{}\nfor name in {files:?}:\n    f(name)", indented(DROP));
    Call::program(Path::new(&interpreter()), &["-I", "-S", "-c", &each]).end()?;
    let cold = resident(&files)?;
    Call::run(code, &[]).end()?.outcome()?;
    let once = resident(&files)?;
    // An emulated machine needs longer for a look through the library than the supervisor takes.
    let seen = if scale() == 1 { files.len() } else { 1 };
    ensure(once.iter().take(seen).all(|bytes| *bytes > 0), "what a run has read stays", &(&files, &cold, &once))?;
    for _ in 0..10 {
        Call::run(code, &[]).end()?.outcome()?;
    }
    let often = resident(&files)?;
    ensure(
        often.iter().zip(&once).take(seen).all(|(often, once)| often >= once),
        "as much is cached after ten runs",
        &(&files, &once, &often),
    )
}

fn swept_by_the_next_start() -> Check {
    need(&[CGROUP_MEMORY])?;
    let name = format!("swp-{}", std::process::id());
    let code = probe!("daemon").code();
    let mut started = Call::run(&code, &["--query".to_owned(), json!({ "name": name, "stay": true }).to_string()]).start();
    let pid = started.pid();
    let seen = appears(&name);
    // Looked at before: what a killed supervisor leaves, any start on this host may have swept by now.
    let had = of_supervisor(pid);
    started.signal(Signal::SIGKILL);
    started.end()?;
    ensure(seen.is_some() && !had.is_empty() && vanishes(&name), "the run was there, in cgroups, and is gone", &(seen, had))?;
    let outcome = Call::run("return 1", &[]).end()?.outcome()?;
    ensure(outcome["value"] == 1, "the next run is one", &outcome)?;
    let left = of_supervisor(pid);
    ensure(left.is_empty(), "the next start removes them", &left)
}

/// A real-time process may not enter a v1 cgroup that has no real-time budget, which nothing tells before it tries.
fn refused_at_the_join() -> Check {
    need(&[PRIVILEGED, CGROUP_MEMORY])?;
    let binary = remand_tests::command::binary().display().to_string();
    let run = |before: &[&str], sets: &[&str]| {
        let sets = sets.iter().chain(&["limits.cpus=0.5"]).flat_map(|set| ["--set", set]);
        let words: Vec<&str> = before.iter().copied().chain([binary.as_str(), "run", "--json"]).chain(sets).chain(["-"]).collect();
        Call::program(Path::new("/usr/bin/env"), &words).input(b"return 1").end()
    };
    let control = run(&[], &[])?.outcome()?;
    ensure(control["enforcement"]["memory"]["by"].is_string(), "the control: a cgroup holds it", &control["enforcement"])?;
    let real_time = ["chrt", "-f", "1"];
    let required = run(&real_time, &["limits.cgroup=required"])?;
    if !required.out().contains("cgroup_join") {
        return Err(End::Skip("real-time groups of cgroup v1".to_owned()));
    }
    let required = required.outcome()?;
    ensure(required["verdict"]["kind"] == "not_started", "where it is required it stops the run", &required)?;
    let met = run(&real_time, &[])?.outcome()?;
    ensure(met["value"] == 1, "an optional cgroup that cannot be joined does not", &met)?;
    let because = met["enforcement"]["memory"]["substitute"]["because"].as_str().unwrap_or_default();
    ensure(because.contains("refused in its own cgroup: Invalid argument"), "what refused is named", &met["enforcement"])
}

//! Limits of the cgroups above a run: they hold, and an outcome does not tell them as the run's own.

use std::fs;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::{Call, Started, scale};
use remand_tests::facts::{CGROUP_CPU, CGROUP_MEMORY, CGROUP_PIDS, need};
use remand_tests::observe::Seen::{Exceeded, Raised, Value, Verdict};
use remand_tests::observe::compare;
use remand_tests::scratch::Scratch;
use remand_tests::service::Service;
use remand_tests::technique::settings_of;
use remand_tests::{Check, ensure, policy_text, probe, processes, trial};
use serde_json::json;

/// Trials of services with limits of their own.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("levels::a_services_memory_is_not_told_as_the_runs [9.c]", a_services_memory),
        trial("levels::a_sibling_that_fills_the_service_is_the_one_that_is_told [9.c]", a_siblings_memory),
        trial("levels::a_services_pids_are_not_told_as_the_runs [9.c]", a_services_pids),
        trial("levels::init_is_in_the_runs_cgroups [9.12]", init_is_in_the_runs_cgroups),
    ]
}

fn service(memory: &str) -> Result<Service, remand_tests::End> {
    Service::new(&[("memory.limit_in_bytes", "memory.max", memory)])
}

fn bomb(mebibytes: Option<u32>) -> String {
    format!(
        "_query = {{'mib': {}, 'shared': False}}\n{}",
        mebibytes.map_or("None".into(), |mib| mib.to_string()),
        probe!("memory_bomb").code()
    )
}

fn a_services_memory() -> Check {
    need(&[CGROUP_MEMORY])?;
    for (of_the_service, of_the_run, level) in [("96M", "256MiB", "container"), ("1G", "64MiB", "run")] {
        let service = service(of_the_service)?;
        let ended = service.run(&bomb(None), &settings_of(&[&format!("limits.memory={of_the_run}")])).end()?;
        let outcome = ended.outcome()?;
        compare(&outcome, &[Exceeded("memory")])?;
        let verdict = &outcome["verdict"];
        let named = verdict["source"].as_str().is_some_and(|source| source.contains(&service.memory()));
        let allowed = if level == "run" { 64 << 20 } else { 96 << 20 };
        ensure(verdict["level"] == level && verdict["allowed"] == allowed && named == (level == "container"), level, verdict)?;
    }
    Ok(())
}

/// Two runs in one service: one sits still, the other takes what there is and is killed.
fn a_siblings_memory() -> Check {
    need(&[CGROUP_MEMORY])?;
    let service = service("128M")?;
    let scratch = Scratch::new();
    let settings =
        vec!["--policy".to_owned(), policy_text::write(&scratch, &json!({ "limits": { "wall_time": "60s" } })).display().to_string()];
    let quiet = "import sys, time\nprint('here', flush=True)\ntime.sleep(_query)\nreturn 'untouched'";
    let quiet: Started = service.run(quiet, &[settings.clone(), vec!["--query".into(), (4 * scale()).to_string()]].concat()).start();
    // Long before the sibling is full the quiet one holds what it will ever hold.
    let greedy = service.run(&format!("import time\ntime.sleep({})\n{}", scale(), bomb(None)), &settings).end()?.outcome()?;
    compare(&greedy, &[Exceeded("memory")])?;
    ensure(greedy["verdict"]["level"] == "container", "the service's limit", &greedy["verdict"])?;
    compare(&quiet.end()?.outcome()?, &[Value("\"untouched\"")])?;
    Ok(())
}

fn a_services_pids() -> Check {
    need(&[CGROUP_PIDS])?;
    let service = Service::new(&[("pids.max", "pids.max", "16")])?;
    let code = format!("_query = 40\n{}", probe!("fork_bomb").code());
    let args = settings_of(&["limits.pids=32"]);
    compare(&service.run(&code, &args).end()?.outcome()?, &[Raised("BlockingIOError")])?;
    compare(&Call::run(&code, &args).end()?.outcome()?, &[Exceeded("pids")])?; // control: its own limit is told
    Ok(())
}

/// What init does for a run (it reaps orphans by the thousand) is the run's CPU, by the same counters and limits.
fn init_is_in_the_runs_cgroups() -> Check {
    need(&[CGROUP_CPU, CGROUP_PIDS])?;
    let name = format!("orphan-{}", std::process::id() % 1_000_000);
    let mut run = Call::run(&probe!("daemon").code(), &["--query".to_owned(), format!("{{\"name\":\"{name}\",\"stay\":true}}")]).start();
    let orphan = processes::appears(&name).ok_or_else(|| "the run did not begin".to_owned())?;
    let cgroups = |pid: i32| fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    // Its parent is gone: init is its parent.
    let status = fs::read_to_string(format!("/proc/{}/status", orphan.pid))?;
    let init = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok()).unwrap_or(0);
    let [of_the_run, of_init, of_the_supervisor] = [orphan.pid, init, run.pid().as_raw()].map(cgroups);
    run.signal(Signal::SIGTERM);
    compare(&run.end()?.outcome()?, &[Verdict("cancelled")])?;
    ensure(of_the_run.contains("/remand-") && of_init == of_the_run, "init is where the run is", &(&of_the_run, of_init))?;
    ensure(of_the_supervisor != of_the_run, "control: the supervisor is not", &of_the_supervisor)
}

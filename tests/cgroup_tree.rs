//! Cgroup v2: whose groups surround a supervisor, what their limits are to its runs, and how it leaves them. Trees are made by the test, as root.

use std::path::Path;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::{Call, Started, until};
use remand_tests::facts::{CGROUP_V2, PRIVILEGED, need};
use remand_tests::groups::{Group, below, of_supervisor, within};
use remand_tests::processes::appears;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, probe, trial};
use serde_json::{Value, json};

/// What is seen from outside of the run.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("cgroup_tree::a_user_cannot_move_roots_run [9.a]", a_user_cannot_move_roots_run),
        trial("cgroup_tree::limits_around_the_supervisor_hold_its_runs [9.b]", limits_around_the_supervisor_hold_its_runs),
        trial("cgroup_tree::controllers_are_given_back [9.d]", controllers_are_given_back),
        trial("cgroup_tree::limits_of_the_owners_groups_stay [9.d]", limits_of_the_owners_groups_stay),
        trial(
            "cgroup_tree::a_killed_supervisors_group_is_swept_from_elsewhere [9.d 9.i]",
            a_killed_supervisors_group_is_swept_from_elsewhere,
        ),
        trial("cgroup_tree::a_late_refusal_is_met_by_substitutes [9.g]", a_late_refusal_is_met_by_substitutes),
    ]
}

const ALL: &str = "+memory +pids +cpu";

fn tree() -> Result<Group, End> {
    need(&[PRIVILEGED, CGROUP_V2])?;
    Group::new()
}

fn write(group: &Path, file: &str, text: &str) -> Check {
    std::fs::write(group.join(file), text).map_err(|error| End::Fail(format!("{file} of {}: {error}", group.display())))
}

fn read(group: &Path, file: &str) -> String {
    std::fs::read_to_string(group.join(file)).unwrap_or_default().trim().to_owned()
}

/// A run that stays, under a name of its own, and that name.
fn staying(group: &Path, alone: bool, name: &str) -> (Started, Scratch) {
    let scratch = Scratch::new();
    let code = scratch.file("stay.py", &probe!("daemon").code());
    let policy = policy_text::write(&scratch, &json!({}));
    let query = json!({ "name": name, "stay": true }).to_string();
    let args = ["run", "--json", "--policy", policy.to_str().unwrap(), "--query", &query, code.to_str().unwrap()];
    (within(group, alone, &args).start(), scratch)
}

fn outcome(group: &Path, alone: bool, code: &str, settings: &[&str]) -> Result<Value, End> {
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &json!({}));
    let mut args = vec!["run", "--json", "--policy", policy.to_str().unwrap()];
    args.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    args.push("-");
    within(group, alone, &args).input(code.as_bytes()).end()?.outcome()
}

fn name(what: &str) -> String {
    format!("{what}-{}", std::process::id())
}

/// Whether nobody can move a process to a group.
fn moved(pid: i32, to: &Path) -> Result<bool, End> {
    let script = format!("echo {pid} >'{}/cgroup.procs'", to.display());
    let args = ["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", &script];
    Ok(Call::program(Path::new("setpriv"), &args).end()?.code == Some(0))
}

fn a_user_cannot_move_roots_run() -> Check {
    let tree = tree()?;
    let (home, hideout) = (tree.make("home")?, tree.make("hideout")?);
    write(tree.path(), "cgroup.subtree_control", ALL)?;
    Call::program(Path::new("chown"), &["-R", "65534", tree.path().to_str().unwrap()]).end()?;
    let name = name("mov");
    let (mut started, _files) = staying(&home, false, &name);
    let run = appears(&name).ok_or_else(|| End::Fail("the run is seen".to_owned()))?;
    let group = std::fs::read_to_string(format!("/proc/{}/cgroup", run.pid))?;
    let got_out = moved(run.pid, &hideout)?;
    // The control: a process of root's that does lie in there.
    let sleeper =
        Call::program(Path::new("/bin/sh"), &["-c", &format!("echo $$ >'{}/cgroup.procs'; exec sleep 1000", home.display())]).start();
    let there = until(|| read(&home, "cgroup.procs").lines().any(|line| line == sleeper.pid().to_string()).then_some(()));
    ensure(
        there.is_some() && moved(sleeper.pid().as_raw(), &hideout)?,
        "the user moves a process that lies in the user's tree",
        &read(&home, "cgroup.procs"),
    )?;
    started.signal(Signal::SIGTERM);
    ensure(!got_out && !group.contains("trial-"), "the run lies where the user has no right", &group)?;
    let outcome = outcome(&home, false, "return 1", &[])?;
    let named = outcome["enforcement"]["supervisor_cgroup"]["absent"].as_str().unwrap_or_default();
    ensure(outcome["value"] == 1 && named.contains("uid 65534"), "who can stop the supervisor is named", &outcome["enforcement"])
}

fn limits_around_the_supervisor_hold_its_runs() -> Check {
    let tree = tree()?;
    let service = tree.make("service")?;
    write(tree.path(), "cgroup.subtree_control", ALL)?;
    let eat = format!("_query = {{'mib': 100, 'shared': False}}\n{}", probe!("memory_bomb").code());
    let free = outcome(&service, false, &eat, &[])?;
    ensure(free["value"] == 100, "without limits around it the run gets what it asks for", &free)?;
    ensure(free["enforcement"].get("surrounding_limits").is_none(), "and none is named", &free["enforcement"])?;
    for (file, limit) in [("memory.max", "62914560"), ("memory.swap.max", "0"), ("pids.max", "40"), ("cpu.max", "90000 100000")] {
        write(&service, file, limit)?;
    }
    let held = outcome(&service, false, &eat, &[])?;
    ensure(held["verdict"]["kind"] != "finished", "the limit of the service holds its runs", &held)?;
    ensure(held["usage"]["memory_peak"].as_u64().is_some_and(|peak| peak < 80 << 20), "they never have more", &held["usage"])?;
    let named = held["enforcement"]["surrounding_limits"]["by"].as_str().unwrap_or_default();
    let all = ["memory.max 62914560 of ", "memory.swap.max 0", "pids.max 40", "cpu.max 90000 100000"];
    ensure(all.iter().all(|limit| named.contains(limit)), "each is named", &held["enforcement"])
}

fn controllers_are_given_back() -> Check {
    let tree = tree()?;
    let (alone, above) = (tree.make("alone")?, tree.make("above")?);
    write(tree.path(), "cgroup.subtree_control", ALL)?;
    let home = tree.make("above/home")?;
    let name = name("giv");
    let (mut started, _files) = staying(&alone, true, &name);
    ensure(appears(&name).is_some(), "the run is seen", &name)?;
    let on = read(&alone, "cgroup.subtree_control");
    started.signal(Signal::SIGTERM);
    started.end()?;
    ensure(on.contains("memory"), "a supervisor alone in its group turns controllers on", &on)?;
    let left = (read(&alone, "cgroup.subtree_control"), below(&alone));
    ensure(left.0.is_empty() && left.1.len() == 1, "and leaves the group as it was", &left)?;
    let outcome = outcome(&home, false, "return 1", &[])?;
    ensure(outcome["enforcement"]["memory"]["by"] == "cgroup v2 memory.max", "a group above is used", &outcome["enforcement"])?;
    let on = read(&above, "cgroup.subtree_control");
    ensure(on.is_empty(), "and left as it was", &on)
}

fn limits_of_the_owners_groups_stay() -> Check {
    let tree = tree()?;
    let alone = tree.make("alone")?;
    write(tree.path(), "cgroup.subtree_control", ALL)?;
    let name = name("own");
    let (mut started, _files) = staying(&alone, true, &name);
    ensure(appears(&name).is_some(), "the run is seen", &name)?;
    let jobs = tree.make("alone/jobs")?;
    write(&jobs, "pids.max", "7")?;
    let pid = started.pid();
    started.signal(Signal::SIGTERM);
    started.end()?;
    ensure(read(&jobs, "pids.max") == "7", "the limit of the owner's own group is still there", &read(&alone, "cgroup.subtree_control"))?;
    std::fs::remove_dir(&jobs)?;
    Call::run("return 1", &[]).end()?.outcome()?;
    let left = (of_supervisor(pid), read(&alone, "cgroup.subtree_control"));
    ensure(left.0.is_empty() && left.1.is_empty(), "the next start gives back what could not be then", &left)
}

fn a_killed_supervisors_group_is_swept_from_elsewhere() -> Check {
    let tree = tree()?;
    let alone = tree.make("alone")?;
    write(tree.path(), "cgroup.subtree_control", ALL)?;
    let name = name("kil");
    let (mut started, _files) = staying(&alone, true, &name);
    ensure(appears(&name).is_some(), "the run is seen", &name)?;
    let enter = || Call::program(Path::new("/bin/sh"), &["-c", &format!("echo $$ >'{}/cgroup.procs'", alone.display())]).end();
    started.signal(Signal::SIGKILL);
    started.end()?;
    ensure(enter()?.code != Some(0), "the control: nobody can be put into the group", &below(&alone))?;
    // From another group than that of the killed one.
    let swept = until(|| {
        Call::run("return 1", &[]).end().ok()?;
        (below(&alone).len() == 1).then_some(())
    });
    ensure(swept.is_some(), "a start from elsewhere removes what was left", &below(&alone))?;
    ensure(enter()?.code == Some(0), "and gives the group back", &read(&alone, "cgroup.subtree_control"))
}

fn a_late_refusal_is_met_by_substitutes() -> Check {
    let tree = tree()?;
    let home = tree.make("home")?;
    write(tree.path(), "cgroup.subtree_control", ALL)?;
    write(tree.path(), "cgroup.max.descendants", "1")?;
    let met = outcome(&home, false, "return 1", &[])?;
    ensure(met["value"] == 1, "an optional cgroup that cannot be made does not stop the run", &met)?;
    let because = met["enforcement"]["memory"]["substitute"]["because"].as_str().unwrap_or_default();
    ensure(because.starts_with("cannot make "), "what refused is named", &met["enforcement"])?;
    let required = outcome(&home, false, "return 1", &["limits.cgroup=required"])?;
    ensure(required["verdict"]["kind"] == "not_started", "a required one does", &required)?;
    let doctor = within(&home, false, &["doctor"]).end()?.out();
    ensure(doctor.lines().any(|line| line.starts_with("cgroup memory") && line.contains("cannot make ")), "doctor says the same", &doctor)
}

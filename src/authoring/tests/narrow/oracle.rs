//! What "allows more" means, said a second time and without the order of the crate: by trying. Structs are taken apart without `..`, so that a field
//! for which nobody said it does not compile.

use std::collections::BTreeMap;

use remand_policy::policy::{Choices, Filesystem, Landlock, Limits, Mount, Namespaces, Network, Policy, Python, Results, Syscalls, Tmp};
use remand_policy::units::Limit;
use remand_syscalls::{Comparison, Condition, Grant, Rules, argument_width, calls_named, grants_of_group};

/// Every field in which `result` allows something that `ceiling` does not, or differs where only equality is safe.
pub fn more(ceiling: &Policy, result: &Policy) -> Vec<&'static str> {
    let Policy {
        name,
        description: _,
        limits,
        filesystem,
        syscalls,
        network,
        namespaces,
        landlock,
        python,
        result: forms,
        environment,
        request,
    } = result;
    // In which form a value is given lets nobody do more.
    let Results { nan: _, pandas: _, surrogates: _ } = forms;
    let mut found = Vec::new();
    let mut check = |field, fine: bool| {
        if !fine {
            found.push(field)
        }
    };
    check("name", *name == ceiling.name);
    more_limits(&ceiling.limits, limits, &mut check);
    let Filesystem { tmp: Tmp { size, inodes, exec }, mounts, proc, devices } = filesystem;
    let tmp = &ceiling.filesystem.tmp;
    check("filesystem.tmp.size", size.0 <= tmp.size.0);
    check("filesystem.tmp.inodes", *inodes <= tmp.inodes);
    check("filesystem.tmp.exec", tmp.exec || !exec);
    check(
        "filesystem.mounts",
        ["/srv/a/x", "/srv/b/x", "/srv/b/c/x", "/srv/d/x"].iter().all(|path| seen(&ceiling.filesystem.mounts, mounts, path)),
    );
    check("filesystem.proc", ceiling.filesystem.proc || !proc);
    check("filesystem.devices", devices.iter().all(|device| ceiling.filesystem.devices.contains(device)));
    let Syscalls { rules, quiet, enforce } = syscalls;
    for call in CALLS {
        let (before, after) = (Access::of(&ceiling.syscalls.rules, call), Access::of(rules, call));
        check("syscalls.allow", probes().all(|args| before.allows(call, args) || !after.allows(call, args)));
        check("syscalls.kill", after.killed || !before.killed);
    }
    check("syscalls.quiet", calls_named(quiet).is_subset(&calls_named(&ceiling.syscalls.quiet)));
    check("syscalls.enforce", *enforce as u8 <= ceiling.syscalls.enforce as u8);
    let Network { mode, reason: _ } = network;
    check("network.mode", *mode as u8 <= ceiling.network.mode as u8);
    more_namespaces(&ceiling.namespaces, namespaces, &mut check);
    let Landlock { enforce, minimum_abi } = landlock;
    check("landlock.enforce", *enforce as u8 <= ceiling.landlock.enforce as u8);
    check("landlock.minimum_abi", *minimum_abi >= ceiling.landlock.minimum_abi);
    let Python { interpreter, stdlib_allow, external_allow, builtins_deny, runner_env_deny } = python;
    let imports = |list: &[String], name: &str| list.iter().any(|known| known == "*" || known == name);
    for name in ["json", "os", "re", "other"] {
        check("python.stdlib_allow", imports(&ceiling.python.stdlib_allow, name) || !imports(stdlib_allow, name));
        check("python.external_allow", imports(&ceiling.python.external_allow, name) || !imports(external_allow, name));
    }
    check("python.interpreter", *interpreter == ceiling.python.interpreter);
    check("python.builtins_deny", ceiling.python.builtins_deny.iter().all(|name| builtins_deny.contains(name)));
    check("python.runner_env_deny", *runner_env_deny || !ceiling.python.runner_env_deny);
    let map = |list: &[(String, String)]| list.iter().cloned().collect::<BTreeMap<_, _>>();
    check("environment", map(environment) == map(&ceiling.environment));
    let Choices { interpreters, environment, mounts, tty } = request;
    check("request.tty", ceiling.request.tty || !*tty);
    for path in ["python3", "python3.9", "/opt/venvs", "/opt/venvs/a", "/opt/venvs/a/b", "/opt/venvsa", "/opt"] {
        let has = |list: &[String]| list.iter().any(|entry| entry == "*" || entry == path || path.starts_with(&format!("{entry}/")));
        check("request.interpreters", has(&ceiling.request.interpreters) || !has(interpreters));
    }
    for name in ["LC_ALL", "LC_", "LC", "KEY", "KEYS", "A"] {
        let has = |list: &[String]| {
            list.iter().any(|entry| entry == name || entry.strip_suffix('*').is_some_and(|start| name.starts_with(start)))
        };
        check("request.environment", has(&ceiling.request.environment) || !has(environment));
    }
    check(
        "request.mounts",
        ["/srv/a/x", "/srv/b/x", "/srv/b/c/x", "/srv/d/x"].iter().all(|path| seen(&ceiling.request.mounts, mounts, path)),
    );
    found
}

fn more_limits(ceiling: &Limits, result: &Limits, check: &mut impl FnMut(&'static str, bool)) {
    let Limits {
        wall_time,
        cpu_time,
        cpus,
        memory,
        pids,
        open_files,
        file_size,
        stack,
        stdin,
        stdout,
        stderr,
        prints,
        overflow,
        result_size,
        result_depth,
        result_nodes,
        job_size,
        artifacts,
        artifact_files,
        cgroup,
    } = result;
    fn most<T>(limit: &Limit<T>, number: impl Fn(&T) -> u64) -> u64 {
        match limit {
            Limit::At(value) => number(value),
            Limit::Unlimited => u64::MAX,
        }
    }
    check("limits.wall_time", most(wall_time, |n| n.0) <= most(&ceiling.wall_time, |n| n.0));
    check("limits.cpu_time", most(cpu_time, |n| n.0) <= most(&ceiling.cpu_time, |n| n.0));
    check("limits.cpus", most(cpus, |n| n.0.into()) <= most(&ceiling.cpus, |n| n.0.into()));
    check("limits.memory", most(memory, |n| n.0) <= most(&ceiling.memory, |n| n.0));
    check("limits.pids", most(pids, |n| *n) <= most(&ceiling.pids, |n| *n));
    check("limits.open_files", *open_files <= ceiling.open_files);
    check("limits.file_size", most(file_size, |n| n.0) <= most(&ceiling.file_size, |n| n.0));
    check("limits.stack", stack.0 <= ceiling.stack.0);
    check("limits.stdin", stdin.0 <= ceiling.stdin.0);
    check("limits.stdout", stdout.0 <= ceiling.stdout.0);
    check("limits.stderr", stderr.0 <= ceiling.stderr.0);
    check("limits.prints", prints.0 <= ceiling.prints.0);
    check("limits.overflow", *overflow as u8 <= ceiling.overflow as u8);
    check("limits.result_size", result_size.0 <= ceiling.result_size.0);
    check("limits.result_depth", *result_depth <= ceiling.result_depth);
    check("limits.result_nodes", *result_nodes <= ceiling.result_nodes);
    check("limits.job_size", job_size.0 <= ceiling.job_size.0);
    check("limits.artifacts", artifacts.0 <= ceiling.artifacts.0);
    check("limits.artifact_files", *artifact_files <= ceiling.artifact_files);
    check("limits.cgroup", *cgroup as u8 <= ceiling.cgroup as u8);
}

fn more_namespaces(ceiling: &Namespaces, result: &Namespaces, check: &mut impl FnMut(&'static str, bool)) {
    let Namespaces { ipc, uts, network, cgroup, own_uid } = result;
    check("namespaces.ipc", *ipc as u8 <= ceiling.ipc as u8);
    check("namespaces.uts", *uts as u8 <= ceiling.uts as u8);
    check("namespaces.network", *network as u8 <= ceiling.network as u8);
    check("namespaces.cgroup", *cgroup as u8 <= ceiling.cgroup as u8);
    check("namespaces.own_uid", *own_uid as u8 <= ceiling.own_uid as u8);
}

/// Whether a path in the run shows nothing more than under the ceiling: the same host path or none, with no more rights.
fn seen(ceiling: &[Mount], result: &[Mount], path: &str) -> bool {
    let shown = |mounts: &'_ [Mount]| {
        let mount = mounts.iter().rev().find(|mount| path.starts_with(&format!("{}/", mount.target)))?.clone();
        Some((mount.source.clone() + &path[mount.target.len()..], mount))
    };
    match (shown(ceiling), shown(result)) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some((from, old)), Some((to, new))) => {
            from == to && old.writable >= new.writable && old.exec >= new.exec && old.optional >= new.optional
        }
    }
}

/// Calls to try: every kind of which a random policy can speak.
const CALLS: [&str; 12] =
    ["read", "mmap", "socket", "socketpair", "connect", "ioctl", "clone", "kill", "fork", "execve", "mount", "ptrace"];

/// Arguments to try: the values of random conditions, their neighbours, and one that differs in its upper half only.
fn probes() -> impl Iterator<Item = [u64; 2]> {
    const VALUES: [u64; 14] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0x5413, 0x1_0000, 0x8000_0001, 0xffff_ffff, 0x1_0000_0002];
    VALUES.into_iter().flat_map(move |first| VALUES.into_iter().map(move |second| [first, second]))
}

/// What a section makes of one call.
struct Access {
    killed: bool,
    ways: Vec<Vec<Condition>>,
}

impl Access {
    fn of(rules: &Rules, call: &str) -> Self {
        let killed = rules.kill.iter().any(|name| !members(name, call).is_empty());
        let denied = rules.deny.iter().any(|name| !members(name, call).is_empty());
        let both = |grant: &Grant| {
            members(&grant.call, call).into_iter().map(|when| when.into_iter().chain(grant.when.clone()).collect()).collect::<Vec<_>>()
        };
        let ways = if killed || denied { Vec::new() } else { rules.allow.iter().flat_map(both).collect() };
        Self { killed, ways }
    }

    fn allows(&self, call: &str, args: [u64; 2]) -> bool {
        self.ways.iter().any(|way| way.iter().all(|condition| holds(call, condition, args)))
    }
}

fn members(name: &str, call: &str) -> Vec<Vec<Condition>> {
    match grants_of_group(name) {
        Some(grants) => grants.into_iter().filter(|grant| grant.call == call).map(|grant| grant.when).collect(),
        None if name == call => vec![Vec::new()],
        None => Vec::new(),
    }
}

fn holds(call: &str, condition: &Condition, args: [u64; 2]) -> bool {
    // Probes have two arguments; others are zero.
    let whole = args.get(usize::from(condition.arg)).copied().unwrap_or(0);
    let value = if argument_width(call, condition.arg) == Some(32) { whole & 0xffff_ffff } else { whole };
    match &condition.op {
        Comparison::Equals(wanted) => value == *wanted,
        Comparison::OneOf(wanted) => wanted.contains(&value),
        Comparison::AtMost(most) => value <= *most,
        Comparison::Masked { mask, value: wanted } => value & mask == *wanted,
    }
}

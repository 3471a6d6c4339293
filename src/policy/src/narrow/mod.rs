//! The order of policies, field by field, and narrowing: `effective = policy ⊓ request`.
//!
//! Always holds: `narrow` returns a policy that allows nothing that the ceiling does not; a request that asks for more is refused by field. Structs
//! are taken apart without `..`, so a field that has no order does not compile.
//!
//! Fields are compared by meaning: lists of names as sets, system calls by what is granted after groups, `deny` and `kill`. Where it can't be shown
//! that one side allows no more than the other, the field changes, and a request may not change it. Reasons have no meaning here.

mod change;
mod mounts;
mod syscalls;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::policy::{Device, Filesystem, Landlock, Limits, Namespaces, Network, Policy, Python, Tmp, Word};
use change::{Diff, changed, parsed};

pub use change::{Change, Direction};

/// A field of a request that asks for more than its policy allows, or for something that requests can't change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {}", self.reason())]
#[allow(missing_docs)]
pub struct Widened {
    pub field: String,
    pub ceiling: String,
    pub asked: String,
    pub direction: Direction,
}

impl Widened {
    /// What is asked for and what is allowed, without the field.
    #[must_use]
    pub fn reason(&self) -> String {
        let asked = if ["[]", "null"].contains(&self.asked.as_str()) { "leaving it out" } else { &self.asked };
        let ceiling = if ["[]", "null"].contains(&self.ceiling.as_str()) { String::new() } else { format!(" ({})", self.ceiling) };
        match self.direction {
            Direction::Changes => format!("{asked} is not narrower than what the policy says{ceiling}; requests only narrow"),
            _ => format!("{asked} is more than the policy allows{ceiling}"),
        }
    }
}

/// Everything in which `to` differs from `from`, by meaning.
#[must_use]
pub fn compare(from: &Policy, to: &Policy) -> Vec<Change> {
    let mut diff = Diff::new(from, to);
    let Policy { name, description, limits, filesystem, syscalls, network, namespaces, landlock, python, environment } = from;
    diff.entry("name", changed(name == &to.name), &json!(name), &json!(to.name));
    diff.field("description", changed(description == &to.description));
    compare_limits(&mut diff, limits, &to.limits);
    compare_filesystem(&mut diff, filesystem, &to.filesystem);
    syscalls::compare(&mut diff, syscalls, &to.syscalls);
    let Network { mode, reason: _ } = network;
    diff.order("network.mode", mode, &to.network.mode);
    compare_namespaces(&mut diff, namespaces, &to.namespaces);
    let Landlock { enforce, minimum_abi } = landlock;
    diff.order("landlock.enforce", enforce, &to.landlock.enforce);
    diff.order("landlock.minimum_abi", &to.landlock.minimum_abi, minimum_abi);
    compare_python(&mut diff, python, &to.python);
    compare_environment(&mut diff, environment, &to.environment);
    diff.changes
}

/// `asked` itself if it is within `ceiling`.
///
/// # Errors
/// Every field that may widen, see [`Change::may_widen`]; of a list, its entries together.
pub fn narrow(ceiling: &Policy, asked: Policy) -> Result<Policy, Vec<Widened>> {
    let mut widened: Vec<Widened> = Vec::new();
    for change in compare(ceiling, &asked).into_iter().filter(Change::may_widen) {
        match widened.iter_mut().find(|widened| widened.field == change.field) {
            Some(widened) => widened.add(&change),
            None => {
                let Change { field, direction, from, to } = change;
                widened.push(Widened { field, ceiling: from, asked: to, direction });
            }
        }
    }
    if widened.is_empty() { Ok(asked) } else { Err(widened) }
}

impl Widened {
    /// Another entry of the same list.
    fn add(&mut self, change: &Change) {
        for (own, entry) in [(&mut self.ceiling, change.from_value()), (&mut self.asked, change.to_value())] {
            if let (Value::Array(mut entries), Value::Array(more)) = (parsed(own), entry) {
                entries.extend(more);
                *own = Value::from(entries).to_string();
            }
        }
        if self.direction != change.direction {
            self.direction = Direction::Changes;
        }
    }
}

fn compare_limits(diff: &mut Diff<'_>, from: &Limits, to: &Limits) {
    let Limits {
        wall_time,
        cpu_time,
        cpus,
        memory,
        pids,
        open_files,
        file_size,
        stack,
        stdout,
        stderr,
        prints,
        result_size,
        result_depth,
        result_nodes,
        job_size,
        cgroup,
    } = from;
    diff.order("limits.wall_time", wall_time, &to.wall_time);
    diff.order("limits.cpu_time", cpu_time, &to.cpu_time);
    diff.order("limits.cpus", cpus, &to.cpus);
    diff.order("limits.memory", memory, &to.memory);
    diff.order("limits.pids", pids, &to.pids);
    diff.order("limits.open_files", open_files, &to.open_files);
    diff.order("limits.file_size", file_size, &to.file_size);
    diff.order("limits.stack", stack, &to.stack);
    diff.order("limits.stdout", stdout, &to.stdout);
    diff.order("limits.stderr", stderr, &to.stderr);
    diff.order("limits.prints", prints, &to.prints);
    diff.order("limits.result_size", result_size, &to.result_size);
    diff.order("limits.result_depth", result_depth, &to.result_depth);
    diff.order("limits.result_nodes", result_nodes, &to.result_nodes);
    diff.order("limits.job_size", job_size, &to.job_size);
    diff.order("limits.cgroup", cgroup, &to.cgroup);
}

fn compare_filesystem(diff: &mut Diff<'_>, from: &Filesystem, to: &Filesystem) {
    let Filesystem { tmp: Tmp { size, inodes, exec }, mounts, proc, devices } = from;
    diff.order("filesystem.tmp.size", size, &to.tmp.size);
    diff.order("filesystem.tmp.inodes", inodes, &to.tmp.inodes);
    diff.order("filesystem.tmp.exec", exec, &to.tmp.exec);
    mounts::compare(diff, mounts, &to.mounts);
    diff.order("filesystem.proc", proc, &to.proc);
    let words = |devices: &[Device]| devices.iter().map(|device| device.word().to_owned()).collect::<Vec<_>>();
    diff.names("filesystem.devices", &words(devices), &words(&to.devices), false);
}

fn compare_namespaces(diff: &mut Diff<'_>, from: &Namespaces, to: &Namespaces) {
    let Namespaces { user, mount, pid, ipc, uts, network, cgroup, own_uid } = from;
    diff.order("namespaces.user", user, &to.user);
    diff.order("namespaces.mount", mount, &to.mount);
    diff.order("namespaces.pid", pid, &to.pid);
    diff.order("namespaces.ipc", ipc, &to.ipc);
    diff.order("namespaces.uts", uts, &to.uts);
    diff.order("namespaces.network", network, &to.network);
    diff.order("namespaces.cgroup", cgroup, &to.cgroup);
    diff.order("namespaces.own_uid", own_uid, &to.own_uid);
}

fn compare_python(diff: &mut Diff<'_>, from: &Python, to: &Python) {
    let Python { interpreter, stdlib_allow, external_allow, builtins_deny, runner_env_deny } = from;
    diff.field("python.interpreter", changed(interpreter == &to.interpreter));
    diff.names("python.stdlib_allow", stdlib_allow, &to.stdlib_allow, false);
    diff.names("python.external_allow", external_allow, &to.external_allow, false);
    diff.names("python.builtins_deny", builtins_deny, &to.builtins_deny, true);
    diff.order("python.runner_env_deny", &to.runner_env_deny, runner_env_deny);
}

/// Any difference is a change: what a variable's value means, only the program knows.
fn compare_environment(diff: &mut Diff<'_>, from: &[(String, String)], to: &[(String, String)]) {
    let map = |list: &[(String, String)]| list.iter().cloned().collect::<BTreeMap<_, _>>();
    let (from, to) = (map(from), map(to));
    let names: BTreeSet<_> = from.keys().chain(to.keys()).collect();
    for name in names {
        let (from, to) = (from.get(name), to.get(name));
        diff.entry(&format!("environment.{name}"), changed(from == to), &json!(from), &json!(to));
    }
}

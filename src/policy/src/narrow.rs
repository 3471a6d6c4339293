//! The order of policies, field by field, and narrowing: `effective = policy ⊓ request`.
//!
//! Always holds: `narrow` returns a policy that allows nothing that the ceiling does not; a request that asks for more is refused by field. Structs
//! are taken apart without `..`, so a field that has no order does not compile.
//!
//! Fields are compared by meaning: lists of names as sets, system calls by what is granted after groups, `deny` and `kill`. Where it can't be shown
//! that one side allows no more than the other, the field changes, and a request may not change it. Reasons have no meaning here.

mod mounts;
mod syscalls;

pub(crate) use syscalls::{calls, covered};

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::policy::{Filesystem, Landlock, Limits, Namespaces, Network, Policy, Python, Tmp, Word};

/// Direction of a change of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Allows less.
    Narrows,
    /// Allows more.
    Widens,
    /// Neither (an environment value, a description).
    Changes,
}

/// One field that differs between two policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Dotted path, such as `limits.memory` or `syscalls.allow`.
    pub field: String,
    /// Direction from the first policy to the second.
    pub direction: Direction,
    /// The first policy's value, as a policy file writes it; of a list, only the entries that the second has not.
    pub from: String,
    /// The second's.
    pub to: String,
}

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
        match self.direction {
            Direction::Changes => {
                format!("{} is not narrower than what the policy says ({}); requests only narrow", self.asked, self.ceiling)
            }
            _ => format!("{} is more than the policy allows ({})", self.asked, self.ceiling),
        }
    }
}

/// All fields in which `to` differs from `from`, by meaning.
#[must_use]
pub fn compare(from: &Policy, to: &Policy) -> Vec<Change> {
    let mut diff = Diff { from, to, trees: OnceCell::new(), changes: Vec::new() };
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
/// Every field that widens. A field that merely changes is refused too, unless nothing can depend on it (name, description).
pub fn narrow(ceiling: &Policy, asked: Policy) -> Result<Policy, Vec<Widened>> {
    let refused = |change: &Change| change.direction != Direction::Narrows && !["name", "description"].contains(&change.field.as_str());
    let widened: Vec<_> = compare(ceiling, &asked)
        .into_iter()
        .filter(refused)
        .map(|Change { field, direction, from, to }| Widened { field, ceiling: from, asked: to, direction })
        .collect();
    if widened.is_empty() { Ok(asked) } else { Err(widened) }
}

/// Collects changes. Orderings are those of permission, `from` against `to`: `Less` where `to` allows more, `None` where neither allows less.
struct Diff<'p> {
    from: &'p Policy,
    to: &'p Policy,
    /// Both policies as text, made when the first difference is found.
    trees: OnceCell<(Value, Value)>,
    changes: Vec<Change>,
}

impl Diff<'_> {
    fn entry(&mut self, field: &str, ordering: Option<Ordering>, from: &Value, to: &Value) {
        let direction = match ordering {
            Some(Ordering::Equal) => return,
            Some(Ordering::Less) => Direction::Widens,
            Some(Ordering::Greater) => Direction::Narrows,
            None => Direction::Changes,
        };
        self.changes.push(Change { field: field.to_owned(), direction, from: from.to_string(), to: to.to_string() });
    }

    /// A field whose whole values are shown.
    fn field(&mut self, field: &str, ordering: Option<Ordering>) {
        if ordering == Some(Ordering::Equal) {
            return;
        }
        let (from, to) = self.trees.get_or_init(|| (self.from.tree(), self.to.tree()));
        let at = |tree: &Value| field.split('.').fold(tree.clone(), |value, key| value.get(key).cloned().unwrap_or_default());
        let (from, to) = (at(from), at(to));
        self.entry(field, ordering, &from, &to);
    }

    /// A field of which the greater value allows more.
    fn order<T: Ord>(&mut self, field: &str, from: &T, to: &T) {
        self.field(field, Some(from.cmp(to)));
    }

    /// A list of names of which more allow more, or `reverse`d; `"*"` is all names.
    fn names(&mut self, field: &str, from: &[String], to: &[String], reverse: bool) {
        let (from, to): (BTreeSet<_>, BTreeSet<_>) = (from.iter().collect(), to.iter().collect());
        let all = |set: &BTreeSet<&String>| set.iter().any(|name| *name == "*");
        let ordering = match (all(&from), all(&to)) {
            (false, false) => subsets(&from, &to),
            (from, to) => Some(from.cmp(&to)),
        };
        let only = |one: &BTreeSet<_>, other: &BTreeSet<_>| json!(one.difference(other).collect::<Vec<_>>());
        self.entry(field, if reverse { ordering.map(Ordering::reverse) } else { ordering }, &only(&from, &to), &only(&to, &from));
    }
}

fn changed(equal: bool) -> Option<Ordering> {
    equal.then_some(Ordering::Equal)
}

/// The order of sets by inclusion.
fn subsets<T: Ord>(from: &BTreeSet<T>, to: &BTreeSet<T>) -> Option<Ordering> {
    match (from.is_subset(to), to.is_subset(from)) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (false, false) => None,
    }
}

/// The order of values that consist of parts: one direction for all parts, or none.
fn together(parts: impl IntoIterator<Item = Option<Ordering>>) -> Option<Ordering> {
    parts.into_iter().try_fold(Ordering::Equal, |whole, part| match (whole, part?) {
        (Ordering::Equal, part) => Some(part),
        (whole, Ordering::Equal) => Some(whole),
        (whole, part) => (whole == part).then_some(whole),
    })
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
    let words = |devices: &[crate::policy::Device]| devices.iter().map(|device| device.word().to_owned()).collect::<Vec<_>>();
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
    let only = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        json!(one.iter().filter(|(name, value)| other.get(*name) != Some(value)).collect::<BTreeMap<_, _>>())
    };
    diff.entry("environment", changed(from == to), &only(&from, &to), &only(&to, &from));
}

//! Contradictions: values that are fine each and can't stand together.
//!
//! Always holds: only what can never be meant is refused; a limit that is merely useless is not. Requests are not checked here: a request that
//! lowers `memory` below an inherited `tmp.size` is narrower, which is all it has to be.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::{Range, Ranged};
use remand_syscalls::{Rules, grants_of_group};

use super::read::{Fault, Reader};
use crate::places;
use crate::policy::Policy;
use crate::text::quote;
use crate::units::Limit;

/// Checks the finished policy; positions are those of the keys that `root` writes.
pub(super) fn check(policy: &Policy, root: &Object<'_>, reader: &mut Reader<'_>) {
    let mut report = |paths: &[&str], entry: Option<&str>, fault: Fault| {
        let written = paths.iter().find_map(|path| Some((*path, locate(root, path, entry)?)));
        let (path, range) = written.unwrap_or_else(|| ("", Range::new(root.range.start, root.range.start + 1)));
        reader.report(range, path, fault);
    };
    if let Limit::At(memory) = policy.limits.memory {
        let size = policy.filesystem.tmp.size;
        if size > memory {
            let message = format!("filesystem.tmp.size = {size} is larger than limits.memory = {memory}, which counts it");
            let help = format!("filesystem.tmp.size: at most {memory}, or more memory");
            report(&["filesystem.tmp.size", "limits.memory"], None, Fault::new(message, help));
        }
        let job = policy.limits.job_size;
        if job > memory {
            let message = format!("limits.job_size = {job} is larger than limits.memory = {memory}, which must hold it");
            let help = format!("limits.job_size: at most {memory}, or more memory");
            report(&["limits.job_size", "limits.memory"], None, Fault::new(message, help));
        }
    }
    let Rules { allow, deny, kill } = &policy.syscalls.rules;
    for (path, list) in [("syscalls.deny", deny), ("syscalls.kill", kill)] {
        for name in list.iter().filter(|name| allow.iter().any(|grant| grant.call == **name)) {
            let message = format!("{} is in syscalls.allow too, where it has no effect", quote(name));
            report(&[path, "syscalls.allow"], Some(name), Fault::new(message, "take it out of one of the two"));
        }
    }
    let executes =
        |name: &&String| *name == "execve" || grants_of_group(name).is_some_and(|all| all.iter().any(|grant| grant.call == "execve"));
    if let Some(name) = kill.iter().find(executes) {
        let message = format!("nothing starts where {} ends the run: each run begins with an execve", quote(name));
        report(&["syscalls.kill"], Some(name), Fault::new(message, "put it in syscalls.deny, which the start itself does not feel"));
    }
    let interpreter = policy.python.interpreter.as_str();
    if let Some(own) = places::own(interpreter) {
        let message = format!("{} is never seen by a run: {own} is its own", quote(interpreter));
        report(&["python.interpreter"], None, Fault::new(message, "name one that is installed elsewhere"));
    }
    for (index, mount) in policy.filesystem.mounts.iter().enumerate() {
        if let Some(own) = places::taken(&mount.target) {
            let message = format!("no run can have a mount at {}: {own}", quote(&mount.target));
            report(&["filesystem.mounts"], Some(&mount.target), Fault::new(message, "choose another target"));
        }
        if let Some(hidden) = policy.filesystem.mounts.iter().take(index).find(|earlier| places::inside(&earlier.target, &mount.target)) {
            let message = format!("the mount at {} covers the earlier one at {}", quote(&mount.target), quote(&hidden.target));
            report(&["filesystem.mounts"], Some(&mount.target), Fault::new(message, "list the outer mount first"));
        }
    }
}

/// Where `path` is written; for a list, where `entry` is written in it.
fn locate(root: &Object<'_>, path: &str, entry: Option<&str>) -> Option<Range> {
    let (parents, key) = path.rsplit_once('.')?;
    let object = parents.split('.').try_fold(root, |object, key| object.get_object(key))?;
    let value = &object.get(key)?.value;
    Some(entry.and_then(|entry| find(value, entry)).unwrap_or_else(|| value.range()))
}

/// The text `entry` in a list, in its `add`, or in an object in it. The lists are at most three levels deep.
fn find(value: &Value<'_>, entry: &str) -> Option<Range> {
    match value {
        Value::StringLit(text) => (text.value == entry).then_some(text.range),
        Value::Array(array) => array.elements.iter().find_map(|element| find(element, entry)),
        Value::Object(object) => object.properties.iter().find_map(|property| find(&property.value, entry)),
        _ => None,
    }
}

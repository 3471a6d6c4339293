//! What `remand policy allow` and `deny` do to one grant.
//!
//! Always holds: afterwards the policy grants every call that was allowed, and no call that was denied, or there is a failure that says what is in the way. A
//! group is denied by taking its name and those of its calls out; what it has in common with other groups stays granted by them. Each does nothing the second
//! time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use remand_authoring::edit;
use remand_authoring::why::{Answer, Edit, Ruling};
use remand_policy::Policy;
use remand_policy::policy::Mount;
use remand_policy::question::{Question, Use};
use remand_syscalls::Rules;
use serde_json::{Value, json};

use super::context::Context;
use super::draft::Draft;
use super::why;
use crate::args::AllowArgs;
use crate::failure::Failure;
use crate::print::{lines, plain};

const ALLOW: &str = "syscalls.allow";
const MOUNTS: &str = "filesystem.mounts";

pub fn allow(draft: &mut Draft<'_>, typed: &str, args: &AllowArgs) -> Result<(), Failure> {
    if typed.starts_with('/') { mount(draft, typed, args) } else { call(draft, typed, args.reason.as_deref()) }
}

pub fn deny(draft: &mut Draft<'_>, typed: &str) -> Result<(), Failure> {
    if typed.starts_with('/') { unmount(draft, typed) } else { uncall(draft, typed) }
}

fn mount(draft: &mut Draft<'_>, typed: &str, args: &AllowArgs) -> Result<(), Failure> {
    let real = real(typed);
    let (source, target) = match typed.split_once(':') {
        Some((source, target)) => (source, Some(target)),
        // No mount follows a link.
        None => real.as_deref().map_or((typed, None), |real| (real, Some(typed))),
    };
    // A target has one mount. Of the same source it keeps what it had: what is allowed takes nothing away.
    let place = target.unwrap_or(source);
    let old = draft.policy()?.filesystem.mounts.into_iter().find(|mount| mount.target == place);
    let same = old.as_ref().filter(|mount| mount.source == source);
    let had = |what: fn(&Mount) -> bool| same.is_some_and(what);
    let mut entry = json!({ "source": source });
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            entry[key] = value;
        }
    };
    put("target", target.map(Value::from));
    put("writable", (args.writable || had(|mount| mount.writable)).then(|| true.into()));
    put("exec", (args.exec || had(|mount| mount.exec)).then(|| true.into()));
    put("optional", had(|mount| mount.optional).then(|| true.into()));
    let reason = args.reason.clone().or_else(|| same.and_then(|mount| mount.reason.clone()));
    let unreasoned = args.writable && reason.is_none();
    put("reason", reason.clone().map(Value::from));
    let as_it_is = same.is_some_and(|mount| (mount.writable || !args.writable) && (mount.exec || !args.exec));
    if as_it_is && same.is_some_and(|mount| mount.reason == reason) {
        return Ok(());
    }
    let edited = match old {
        Some(_) => edit::replace(&draft.text, MOUNTS, place, &entry),
        None => edit::add(&draft.text, MOUNTS, &entry, None),
    };
    draft.step(edited)?;
    draft.policy().map(|_| ()).map_err(|failure| if unreasoned { with_reason(failure) } else { failure })
}

/// Where a path leads, if a link is on the way.
fn real(typed: &str) -> Option<String> {
    let real = fs::canonicalize(typed).ok()?.into_os_string().into_string().ok()?;
    (Path::new(&real) != Path::new(typed)).then_some(real)
}

/// Adds the mounts that programs which are granted need to start, and tells what the mounts do not give even so, with what would.
pub fn needs(draft: &mut Draft<'_>, args: &AllowArgs) -> Result<String, Failure> {
    let mut told = String::new();
    for typed in args.grants.iter().filter(|typed| typed.starts_with('/')) {
        let target = typed.split_once(':').map_or(typed.as_str(), |(_, target)| target);
        let directory = fs::metadata(typed.split(':').next().unwrap_or(typed)).is_ok_and(|found| found.is_dir());
        let (using, word) = match (args.exec && !directory, args.writable && !directory) {
            (true, _) => (Use::Exec, "exec"),
            (_, true) => (Use::Write, "write"),
            _ => (Use::Read, "read"),
        };
        let question = Question::File(using, target.to_owned());
        let mut asked = ask(draft, &question)?;
        if using == Use::Exec
            && let Some(change) = asked.as_ref().and_then(|(answer, _)| answer.change.as_ref().ok())
        {
            change.edits.iter().try_for_each(|edit| mounted(draft, edit))?;
            asked = ask(draft, &question)?;
        }
        if let Some((answer, context)) = asked {
            let answer = format!("{word} {target}: {}\n{}", answer.found.ruling.text(), why::told(&answer, &context));
            told.push_str(&format!("note: this alone does not give it:\n{}", lines(&answer)));
        }
    }
    Ok(told)
}

/// Why something is not allowed under the draft. Where nothing starts, that is told elsewhere.
fn ask(draft: &Draft<'_>, question: &Question) -> Result<Option<(Answer, Context)>, Failure> {
    let context = draft.context()?;
    let answer = context.ask(|compiled| remand_authoring::why::answer(question, compiled))?.ok();
    Ok(answer.filter(|answer| answer.found.ruling != Ruling::Allowed).map(|answer| (answer, context)))
}

/// An edit that was offered, if it is a mount: nothing else was asked for.
fn mounted(draft: &mut Draft<'_>, edit: &Edit) -> Result<(), Failure> {
    match edit {
        Edit::Add(MOUNTS, entry) => draft.step(edit::add(&draft.text, MOUNTS, entry, None)),
        Edit::Remove(MOUNTS, target) => draft.step(edit::remove(&draft.text, MOUNTS, target)),
        _ => Ok(()),
    }
}

fn unmount(draft: &mut Draft<'_>, typed: &str) -> Result<(), Failure> {
    let policy = draft.policy()?;
    let mounts = &policy.filesystem.mounts;
    let found = mounts.iter().find(|mount| mount.target == typed).or_else(|| mounts.iter().find(|mount| mount.source == typed));
    if let Some(found) = found {
        return draft.step(edit::remove(&draft.text, MOUNTS, &found.target));
    }
    match mounts.iter().find(|mount| Path::new(typed).starts_with(&mount.target)) {
        None => Ok(()),
        Some(mount) => {
            let hint = Some("take that out, and mount what else is needed of it".to_owned());
            Err(Failure { hint, ..Failure::usage(format!("{}: the mount at {} shows it", plain(typed), plain(&mount.target))) })
        }
    }
}

/// The calls that a name stands for; a name of none goes to the loader, which says what was meant.
fn calls(name: &str) -> BTreeSet<String> {
    match remand_syscalls::grants_of_group(name) {
        Some(grants) => grants.into_iter().map(|grant| grant.call).collect(),
        None => BTreeSet::from([name.to_owned()]),
    }
}

/// Of these calls, those that are granted under some condition.
fn granted(policy: &Policy, calls: &BTreeSet<String>) -> BTreeSet<String> {
    let granted = remand_syscalls::granted(&policy.syscalls.rules).unwrap_or_default();
    calls.iter().filter(|call| granted.contains_key(call.as_str())).cloned().collect()
}

fn call(draft: &mut Draft<'_>, name: &str, reason: Option<&str>) -> Result<(), Failure> {
    let wanted = calls(name);
    let Rules { allow, deny, kill } = draft.policy()?.syscalls.rules;
    for (list, entries) in [("syscalls.deny", deny), ("syscalls.kill", kill)] {
        if entries.iter().any(|entry| entry == name) {
            draft.step(edit::remove(&draft.text, list, name))?;
        }
    }
    let own: Vec<_> = allow.iter().filter(|grant| grant.call == name).collect();
    let as_asked = own.iter().any(|grant| grant.when.is_empty() && (reason.is_none() || grant.reason.as_deref() == reason));
    if !as_asked && !whole(&draft.policy()?, name, reason) {
        let entry = reason.map_or_else(|| json!(name), |reason| json!({ "call": name, "reason": reason }));
        // Conditions, or another reason, would stand beside it.
        let edited =
            if own.is_empty() { edit::add(&draft.text, ALLOW, &entry, None) } else { edit::replace(&draft.text, ALLOW, name, &entry) };
        draft.step(edited)?;
    }
    let unreasoned = reason.is_none() && remand_syscalls::is_dangerous(name);
    let policy = draft.policy().map_err(|failure| if unreasoned { with_reason(failure) } else { failure })?;
    let still: Vec<_> = wanted.difference(&granted(&policy, &wanted)).cloned().collect();
    if still.is_empty() {
        return Ok(());
    }
    let hint = Some("a name in syscalls.deny or syscalls.kill takes it away: edit these lists".to_owned());
    Err(Failure { hint, ..Failure::usage(format!("{}: still denied: {}", plain(name), still.join(", "))) })
}

/// What is missing is most likely this.
fn with_reason(failure: Failure) -> Failure {
    Failure { hint: Some("nothing was written; give the reason with --reason".to_owned()), ..failure }
}

/// Whether a single call is granted with any arguments by a group already.
fn whole(policy: &Policy, name: &str, reason: Option<&str>) -> bool {
    let granted = remand_syscalls::granted(&policy.syscalls.rules).unwrap_or_default();
    reason.is_none() && granted.get(name).is_some_and(|alternatives| alternatives.iter().any(Vec::is_empty))
}

fn uncall(draft: &mut Draft<'_>, name: &str) -> Result<(), Failure> {
    if !remand_syscalls::is_call(name) && !remand_syscalls::is_group(name) {
        // The loader knows what was meant.
        draft.step(edit::add(&draft.text, "syscalls.deny", &json!(name), None))?;
        return draft.policy().map(|_| ());
    }
    let unwanted = calls(name);
    let policy = draft.policy()?;
    // What a group has in common with other groups is granted for their sake; what is granted by its own name, for nobody else's.
    let own: BTreeSet<&String> =
        policy.syscalls.rules.allow.iter().map(|grant| &grant.call).filter(|call| *call == name || unwanted.contains(*call)).collect();
    for call in own {
        draft.step(edit::remove(&draft.text, ALLOW, call))?;
    }
    if remand_syscalls::is_group(name) || granted(&draft.policy()?, &unwanted).is_empty() {
        return Ok(());
    }
    // A single call is not to be had from any group.
    draft.step(edit::add(&draft.text, "syscalls.deny", &json!(name), None))
}

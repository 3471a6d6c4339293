//! The profile that a container is given: what the policy and the profile that it came with both allow.
//!
//! Always holds: a call with these arguments is allowed only where both allow it. With a listener, what the policy refuses is told to it, but for what programs
//! are meant to fall back from (ENOSYS), for `write`, which runtimes need to hand the listener over, and for calls whose refusals are too many rules to say.

use serde_json::{Value, json};

use super::cubes::{Cube, Leaf, Sides, decide, of_way};
use super::theirs::{Foreign, Theirs};
use super::{RULES, Unexportable};
use crate::answer::{Denial, answer};
use crate::arch::Arch;
use crate::cover::calls_named;
use crate::granted::{Alternatives, granted};
use crate::names::{can_be_granted, number};
use crate::rules::Rules;
use crate::table::CALLS;

/// Most rules by which one call's refusals are told.
const TOLD: usize = 320;

/// For which container.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The policy's.
    pub rules: &'a Rules,
    /// The processor.
    pub arch: Arch,
    /// The profile that stays in force beside it, if there is one.
    pub theirs: Option<&'a Value>,
    /// The socket of who is told refusals, and what to tell them of the policy.
    pub listener: Option<(&'a str, &'a str)>,
}

/// The profile.
///
/// # Errors
/// See [`Unexportable`]; the other profile is not understood.
pub fn container_profile(asked: &Asked<'_>) -> Result<Value, Unexportable> {
    let theirs = asked.theirs.map_or_else(|| Ok(Theirs::none()), Theirs::read)?;
    let granted = granted(asked.rules)?;
    if !granted.contains_key("execve") {
        return Err(Unexportable::NoExecve);
    }
    let killed = calls_named(&asked.rules.kill);
    let mut rules = Written { told: asked.listener.is_some(), errno: theirs.errno, ..Written::default() };
    for (name, number) in CALLS.iter().filter_map(|call| Some((call.name, number(asked.arch, call.name)?))) {
        if killed.contains(name) && can_be_granted(name) {
            rules.killed.push(name);
            continue;
        }
        let absent = answer(asked.arch, number) == Denial::Enosys;
        match granted.get(name) {
            None if absent => rules.absent.push(name),
            None => rules.whole(name, Leaf::Refused),
            Some(ways) => rules.leaves(name, &leaves(name, ways, &theirs).ok_or(Unexportable::TooMany(name))?),
        }
        if rules.partial.len() > RULES {
            return Err(Unexportable::TooMany(name));
        }
    }
    Ok(rules.profile(asked))
}

fn leaves(name: &str, ways: &Alternatives, theirs: &Theirs) -> Option<Vec<(Cube, Leaf)>> {
    let ours = ways.iter().map(|way| of_way(name, way)).collect::<Option<Vec<_>>>()?.concat();
    let (allowed, denied) = theirs.of(name)?;
    decide(Sides { ours, allowed, denied })
}

/// Rules as they come.
#[derive(Debug, Default)]
struct Written {
    told: bool,
    errno: u64,
    allowed: Vec<&'static str>,
    refused: Vec<&'static str>,
    theirs: Vec<&'static str>,
    killed: Vec<&'static str>,
    absent: Vec<&'static str>,
    partial: Vec<Value>,
}

impl Written {
    fn whole(&mut self, name: &'static str, leaf: Leaf) {
        match leaf {
            Leaf::Allowed => self.allowed.push(name),
            Leaf::Theirs => self.theirs.push(name),
            // The default answers as well.
            Leaf::Refused if name != "write" => self.refused.push(name),
            Leaf::Refused => {}
        }
    }

    fn leaves(&mut self, name: &'static str, leaves: &[(Cube, Leaf)]) {
        if let [(_, leaf)] = leaves {
            return self.whole(name, *leaf);
        }
        let told = self.told && name != "write" && leaves.len() <= TOLD;
        for (cube, leaf) in leaves {
            let action = match leaf {
                Leaf::Allowed => "SCMP_ACT_ALLOW",
                Leaf::Refused if told => "SCMP_ACT_NOTIFY",
                Leaf::Refused | Leaf::Theirs => continue,
            };
            self.partial.push(json!({ "names": [name], "action": action, "args": arguments(cube) }));
        }
    }

    fn profile(self, asked: &Asked<'_>) -> Value {
        let errno = |errno: u64| json!({ "action": "SCMP_ACT_ERRNO", "errnoRet": errno });
        let mut syscalls = Vec::new();
        let mut whole = |names: Vec<&str>, rule: Value| {
            if let (false, Value::Object(rule)) = (names.is_empty(), rule) {
                let named = [("names".to_owned(), json!(names))];
                syscalls.push(Value::Object(named.into_iter().chain(rule).collect()));
            }
        };
        whole(self.allowed, json!({ "action": "SCMP_ACT_ALLOW" }));
        whole(self.absent, errno(38));
        whole(self.theirs, errno(self.errno));
        whole(self.killed, json!({ "action": "SCMP_ACT_KILL_PROCESS" }));
        if asked.listener.is_some() {
            whole(self.refused, json!({ "action": "SCMP_ACT_NOTIFY" }));
        }
        syscalls.extend(self.partial);
        let mut profile = json!({
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": 1,
            "architectures": [match asked.arch { Arch::X86_64 => "SCMP_ARCH_X86_64", Arch::Aarch64 => "SCMP_ARCH_AARCH64" }],
        });
        if let (Some((path, metadata)), Value::Object(profile)) = (asked.listener, &mut profile) {
            profile.insert("listenerPath".to_owned(), json!(path));
            profile.insert("listenerMetadata".to_owned(), json!(metadata));
        }
        if let Value::Object(profile) = &mut profile {
            profile.insert("syscalls".to_owned(), json!(syscalls));
        }
        profile
    }
}

fn arguments(cube: &Cube) -> Vec<Value> {
    let used = cube.0.iter().enumerate().filter(|(_, (mask, _))| *mask != 0);
    used.map(|(index, (mask, value))| match *mask {
        u64::MAX => json!({ "index": index, "value": value, "valueTwo": 0, "op": "SCMP_CMP_EQ" }),
        mask => json!({ "index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ" }),
    })
    .collect()
}

impl From<Foreign> for Unexportable {
    fn from(foreign: Foreign) -> Self {
        Self::Foreign(foreign)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

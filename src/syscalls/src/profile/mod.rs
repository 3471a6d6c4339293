//! A policy's system calls as a seccomp profile of the OCI runtime specification: to be written to a file, and for a container's own configuration.
//!
//! Always holds: the profile allows a call with these arguments only where the policy does; what it can't say is in the notes.

mod container;
mod cubes;
mod theirs;

use serde_json::{Value, json};

use crate::answer::{Denial, answer};
use crate::arch::Arch;
use crate::cover::calls_named;
use crate::granted::{InvalidRules, granted};
use crate::names::{argument_width, can_be_granted, names, number};
use crate::rules::{Comparison, Condition, Rules};

pub use container::{Asked, container_profile};
pub use theirs::Foreign;

/// Most rules of a profile. Lists of values multiply where one grant has several.
const RULES: usize = 4096;

/// Why there is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexportable {
    /// The section means nothing.
    #[error("syscalls: {0}")]
    InvalidRules(#[from] InvalidRules),
    /// Lists of values multiply.
    #[error("the conditions of {0} come to more than {RULES} rules, as a profile has no lists of values")]
    TooMany(&'static str),
    /// Nothing would start.
    #[error("execve is not granted, and the start of a container needs it")]
    NoExecve,
    /// The profile that the container came with is none.
    #[error("seccomp.{0}")]
    Foreign(Foreign),
}

/// The profile, and what it can't say.
///
/// # Errors
/// See [`Unexportable`].
pub fn profile(section: &Rules, arch: Arch) -> Result<(Value, Vec<String>), Unexportable> {
    let here = |call: &str| number(arch, call);
    let granted = granted(section)?;
    let killed: Vec<_> = calls_named(&section.kill).into_iter().filter(|call| can_be_granted(call) && here(call).is_some()).collect();
    let (mut always, mut rules, mut partly) = (Vec::new(), Vec::new(), Vec::new());
    for (call, ways) in granted.iter().filter(|(call, _)| here(call).is_some()) {
        if ways.iter().any(Vec::is_empty) {
            always.push(*call);
            continue;
        }
        partly.push(*call);
        for args in ways.iter().map(|way| arguments(call, way)) {
            for args in args.filter(|args| args.len() <= RULES).ok_or(Unexportable::TooMany(call))? {
                rules.push(json!({ "names": [call], "action": "SCMP_ACT_ALLOW", "args": args }));
            }
            if rules.len() > RULES {
                return Err(Unexportable::TooMany(call));
            }
        }
    }
    let absent = |call: &&str| here(call).is_some_and(|number| answer(arch, number) == Denial::Enosys);
    let refused = |call: &&str| !granted.contains_key(call) && !killed.iter().any(|killed| killed == call);
    let fall_back: Vec<_> = names().filter(absent).filter(refused).collect();
    let mut all = Vec::new();
    let mut whole = |names: Value, rule: Value| {
        if names.as_array().is_some_and(|names| !names.is_empty()) {
            let mut entry = json!({ "names": names });
            if let (Value::Object(entry), Value::Object(rule)) = (&mut entry, rule) {
                entry.extend(rule);
            }
            all.push(entry);
        }
    };
    whole(json!(always), json!({ "action": "SCMP_ACT_ALLOW" }));
    whole(json!(fall_back), json!({ "action": "SCMP_ACT_ERRNO", "errnoRet": Denial::Enosys.errno() }));
    whole(json!(killed), json!({ "action": "SCMP_ACT_KILL_PROCESS" }));
    all.extend(rules);
    let profile = json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "architectures": [match arch { Arch::X86_64 => "SCMP_ARCH_X86_64", Arch::Aarch64 => "SCMP_ARCH_AARCH64" }],
        "syscalls": all,
    });
    let narrow_at_most = granted.iter().any(|(call, ways)| ways.iter().flatten().any(|condition| compares_low_half(call, condition)));
    Ok((profile, notes(granted.contains_key("execve"), narrow_at_most, &partly.into_iter().filter(absent).collect::<Vec<_>>())))
}

fn compares_low_half(call: &str, condition: &Condition) -> bool {
    matches!(condition.op, Comparison::AtMost(_)) && argument_width(call, condition.arg) == Some(32)
}

/// What differs from the filter that runs have.
fn notes(execve: bool, narrow_at_most: bool, partly_absent: &[&str]) -> Vec<String> {
    let mut notes =
        vec![
                "a denied call is answered and not recorded: a profile has no supervisor".to_owned(),
                "a number that no rule names is answered EPERM, here ENOSYS (runc answers ENOSYS from the highest number of the profile on)"
                    .to_owned(),
                "calls of other instruction sets, x32 among them, are up to the runtime; here x32 is answered ENOSYS and the others end the run"
                    .to_owned(),
                "a runtime that sets no no-new-privileges (noNewPrivileges, --security-opt no-new-privileges) loads the profile first and confines itself under it: \
                 without that setting runc needs prctl, capset, setuid, setgid and setgroups allowed, crun also setresgid, and no container starts"
                    .to_owned(),
            ];
    if !execve {
        notes.push(
            "execve is not granted, and the start of a container needs it: a supervisor lets only the start's own one pass".to_owned(),
        );
    }
    if narrow_at_most {
        notes.push("\"at_most\" on a 32-bit argument compares 64 bits there: an argument with upper bits set, which the kernel ignores, is refused".to_owned());
    }
    if !partly_absent.is_empty() {
        notes.push(format!("where their conditions fail, {} answer EPERM, here ENOSYS", partly_absent.join(", ")));
    }
    notes
}

/// One alternative as the argument lists of rules: one comparison per argument, as runtimes read several as alternatives. `None` if they are too many.
fn arguments(call: &str, way: &[Condition]) -> Option<Vec<Vec<Value>>> {
    let mut lists: Vec<Vec<Value>> = vec![Vec::new()];
    for arg in 0..6 {
        let conditions: Vec<_> = way.iter().filter(|condition| condition.arg == arg).map(|condition| &condition.op).collect();
        if conditions.is_empty() {
            continue;
        }
        let max = if argument_width(call, arg) == Some(32) { u32::MAX.into() } else { u64::MAX };
        let options = comparisons(&conditions, max)?;
        let with = |list: &Vec<Value>| {
            let option = |(op, one, two): &(&str, u64, u64)| json!({ "index": arg, "value": one, "valueTwo": two, "op": op });
            options.iter().map(|found| list.iter().cloned().chain([option(found)]).collect()).collect::<Vec<_>>()
        };
        if lists.len() * options.len() > RULES {
            return None;
        }
        lists = lists.iter().flat_map(with).collect();
    }
    Some(lists)
}

/// Comparisons (name, value, second value) of which one holds exactly where all conditions do.
fn comparisons(conditions: &[&Comparison], max: u64) -> Option<Vec<(&'static str, u64, u64)>> {
    if let [Comparison::AtMost(most)] = conditions {
        return Some(vec![("SCMP_CMP_LE", *most.min(&max), 0)]);
    }
    let mut found = vec![(0, 0)];
    for condition in conditions {
        let options = masks(condition, max);
        if found.len() * options.len() > RULES {
            return None;
        }
        let both = |(mask, value): &(u64, u64)| {
            let agrees = |(other, wanted): &&(u64, u64)| (value ^ wanted) & mask & other == 0;
            options.iter().filter(agrees).map(|(other, wanted)| (mask | other, value | wanted)).collect::<Vec<_>>()
        };
        found = found.iter().flat_map(both).collect();
    }
    let equal = |(mask, value)| if mask == u64::MAX { ("SCMP_CMP_EQ", value, 0) } else { ("SCMP_CMP_MASKED_EQ", mask, value) };
    Some(found.into_iter().map(equal).collect())
}

/// Masks with values, of which one fits exactly where the comparison holds. The half that the kernel does not look at is in none.
fn masks(comparison: &Comparison, max: u64) -> Vec<(u64, u64)> {
    let exact = |value: &u64| (*value <= max).then_some((max, *value));
    match comparison {
        Comparison::Equals(value) => exact(value).into_iter().collect(),
        Comparison::OneOf(values) => values.iter().filter_map(exact).collect(),
        Comparison::Masked { mask, value } if value & !(mask & max) == 0 => vec![(mask & max, *value)],
        Comparison::Masked { .. } => Vec::new(),
        Comparison::AtMost(most) => {
            let most = (*most).min(max);
            // A lower value agrees with `most` down to a bit that `most` has and it has not.
            let bits = (0..u64::BITS).map(|bit| 1_u64 << bit).filter(|bit| most & bit != 0);
            let lower = bits.map(|bit| (max & !(bit - 1), most & max & !(bit - 1) & !bit));
            lower.chain([(max, most)]).collect()
        }
    }
}

//! What a policy's `syscalls` section means: for every call, refused, fatal, or allowed under which conditions.
//!
//! Always holds: `kill` wins over `deny`, `deny` over `allow`; a name that is in no table is an error and never a grant.

use std::collections::BTreeMap;

use crate::groups::{Group, STANDING};
use crate::rules::{Condition, Grant, Rules};
use crate::table::{CALLS, Call, find};

/// Alternatives, of which one must hold in all its conditions. An empty alternative always holds.
pub type Alternatives = Vec<Vec<Condition>>;

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Not allowed.
    Denied,
    /// Ends the run.
    Killed,
    /// Allowed with any arguments.
    Any,
    /// Allowed where one alternative holds.
    When(Alternatives),
}

/// A `syscalls` section that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    /// Neither call nor group.
    #[error("\"{0}\" is no system call and no group")]
    Unknown(String),
    /// A call that is never allowed.
    #[error("\"{0}\" cannot be granted: its arguments lie in memory, where no filter sees them; C libraries fall back to clone")]
    Never(String),
    /// A condition on an argument that the call does not have.
    #[error("{call} has no argument {arg} (it has {count}, counted from 0)")]
    NoArgument {
        /// The call.
        call: String,
        /// The argument asked about.
        arg: u8,
        /// How many there are.
        count: usize,
    },
}

/// The access to every call, in the table's order.
pub(crate) fn access(syscalls: &Rules) -> Result<Vec<Access>, InvalidRules> {
    let mut access = vec![Access::Denied; CALLS.len()];
    for grant in &syscalls.allow {
        for (row, mut when) in rows(&grant.call)? {
            check(row, grant)?;
            when.extend(grant.when.iter().cloned());
            if let Some(slot) = access.get_mut(row) {
                slot.allow(when);
            }
        }
    }
    for (names, becomes) in [(&syscalls.deny, Access::Denied), (&syscalls.kill, Access::Killed)] {
        for name in names {
            for row in named(name)? {
                if let Some(slot) = access.get_mut(row) {
                    slot.clone_from(&becomes);
                }
            }
        }
    }
    Ok(access)
}

impl Access {
    /// Adds an alternative.
    pub(crate) fn allow(&mut self, when: Vec<Condition>) {
        match self {
            Self::Any => {}
            _ if when.is_empty() => *self = Self::Any,
            Self::When(alternatives) if alternatives.contains(&when) => {}
            Self::When(alternatives) => alternatives.push(when),
            Self::Denied | Self::Killed => *self = Self::When(vec![when]),
        }
    }
}

/// Whether a condition holds for the bits of an argument that the kernel looks at.
fn holds(call: &Call, condition: &Condition, args: &[u64; 6]) -> bool {
    let Some(argument) = args.get(usize::from(condition.arg)).map(|argument| argument & call.mask(condition.arg)) else { return false };
    condition.op.passes(argument)
}

/// Whether a condition holds where the argument is known.
pub(crate) fn meets(call: &Call, condition: &Condition, args: &[Option<u64>; 6]) -> Option<bool> {
    let value = (*args.get(usize::from(condition.arg))?)?;
    let mut registers = [0; 6];
    if let Some(slot) = registers.get_mut(usize::from(condition.arg)) {
        *slot = value;
    }
    Some(holds(call, condition, &registers))
}

/// The ways in which one grant allows a call with these arguments, each with the conditions that open arguments (`None`) must still meet; an empty one is
/// met already. No way: the grant does not allow it.
#[must_use]
pub fn ways(grant: &Grant, call: &str, args: &[Option<u64>; 6]) -> Alternatives {
    let row = find(call);
    let Some(found) = row.and_then(|row| CALLS.get(row)) else { return Vec::new() };
    let all = rows(&grant.call).unwrap_or_default().into_iter().filter(|(granted, _)| Some(*granted) == row);
    let all = all.map(|(_, when)| when.into_iter().chain(grant.when.iter().cloned()).collect::<Vec<_>>());
    let possible = all.filter(|when| when.iter().all(|condition| meets(found, condition, args) != Some(false)));
    possible.map(|when| when.into_iter().filter(|condition| meets(found, condition, args).is_none()).collect()).collect()
}

/// The calls that a name in `allow` grants, with the conditions that stand in the group. A call by its own name has none.
fn rows(name: &str) -> Result<Vec<(usize, Vec<Condition>)>, InvalidRules> {
    let Some(group) = Group::named(name) else {
        let row = find(name).ok_or_else(|| InvalidRules::Unknown(name.to_owned()))?;
        let never = CALLS.get(row).is_some_and(|call| call.home == Group::Never);
        return if never { Err(InvalidRules::Never(name.to_owned())) } else { Ok(vec![(row, Vec::new())]) };
    };
    let home = CALLS.iter().enumerate().filter(|(_, call)| call.home == group).map(|(row, _)| (row, Vec::new()));
    let standing = STANDING.iter().filter(|standing| standing.group == group).filter_map(|s| Some((find(s.call)?, s.conditions())));
    Ok(home.chain(standing).collect())
}

/// The calls that a name in `deny` or `kill` takes away: a group's conditional ones are taken wholly.
fn named(name: &str) -> Result<Vec<usize>, InvalidRules> {
    match rows(name) {
        Ok(rows) => Ok(rows.into_iter().map(|(row, _)| row).collect()),
        Err(InvalidRules::Never(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn check(row: usize, grant: &Grant) -> Result<(), InvalidRules> {
    let Some(call) = CALLS.get(row) else { return Ok(()) };
    let count = call.widths.len();
    match grant.when.iter().find(|condition| usize::from(condition.arg) >= count) {
        Some(condition) => Err(InvalidRules::NoArgument { call: call.name.to_owned(), arg: condition.arg, count }),
        None => Ok(()),
    }
}

/// Every call that is allowed under some condition, by name. An empty alternative stands for any arguments. For comparing policies by meaning.
///
/// # Errors
/// See [`InvalidRules`].
pub fn granted(syscalls: &Rules) -> Result<BTreeMap<&'static str, Alternatives>, InvalidRules> {
    let alternatives = |access| match access {
        Access::Denied | Access::Killed => None,
        Access::Any => Some(vec![Vec::new()]),
        Access::When(alternatives) => Some(alternatives),
    };
    let all = CALLS.iter().map(|call| call.name).zip(access(syscalls)?);
    Ok(all.filter_map(|(name, access)| Some((name, alternatives(access)?))).collect())
}

/// What a group grants, as single calls with conditions; `None` if there is no such group.
#[must_use]
pub fn grants_of_group(name: &str) -> Option<Vec<Grant>> {
    Group::named(name)?;
    let grant = |(row, when)| Some(Grant { call: CALLS.get::<usize>(row)?.name.to_owned(), when, reason: None });
    Some(rows(name).ok()?.into_iter().filter_map(grant).collect())
}

/// What makes processes; `clone` threads too.
const MAKERS: [&str; 4] = ["fork", "vfork", "clone", "clone3"];
const THREADS: &str = "@threads";

impl Rules {
    /// Takes away what makes processes, and leaves what `@threads` grants.
    pub fn take_processes(&mut self) {
        let makes = |grant: &Grant| MAKERS.contains(&grant.call.as_str());
        let left = |grant: Grant| match grants_of_group(&grant.call) {
            Some(of) if grant.call != THREADS && of.iter().any(makes) => of.into_iter().filter(|grant| !makes(grant)).collect(),
            None if makes(&grant) => Vec::new(),
            _ => vec![grant],
        };
        self.allow = std::mem::take(&mut self.allow).into_iter().flat_map(left).collect();
    }
}

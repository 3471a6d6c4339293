//! A seccomp profile as it is written, in the format of Docker (`names`, `includes`, `excludes`, `archMap`) or of the OCI runtime specification.
//!
//! Always holds: what is read has the types that the format asks for; keys and words that the formats don't have are kept apart and told.

use super::json::{Node, Read, quoted};
use super::omissions::{Effect, Omissions};

/// A profile.
#[derive(Debug)]
pub(super) struct Profile<'a> {
    pub default: Answer,
    pub default_path: String,
    pub rules: Vec<Rule<'a>>,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Allow,
    Errno,
    Kill,
    Trap,
    Trace,
    Log,
    Notify,
}

/// An action with the error number that it answers, where it answers one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub action: Action,
    pub errno: u64,
}

/// One entry of `syscalls`.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    pub path: String,
    /// Names, each with its path.
    pub names: Vec<(&'a str, String)>,
    pub answer: Answer,
    pub args: Vec<Test>,
    pub includes: Filter<'a>,
    pub excludes: Filter<'a>,
    pub comment: Option<&'a str>,
}

/// When a rule applies.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    pub path: String,
    pub caps: Vec<&'a str>,
    pub arches: Vec<&'a str>,
    pub min_kernel: Option<&'a str>,
}

/// A comparison of one argument, in 64 bits and without sign, as libseccomp makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Test {
    pub arg: u8,
    pub op: Op,
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Op {
    Equal(u64),
    NotEqual(u64),
    Below(u64),
    AtMost(u64),
    AtLeast(u64),
    Above(u64),
    /// `argument & mask == value`; libseccomp looks at the value's bits within the mask only.
    Masked {
        mask: u64,
        value: u64,
    },
}

const EPERM: u64 = 1;

/// Reads a profile.
pub(super) fn read<'a>(node: &Node<'a>, omissions: &mut Omissions) -> Read<Profile<'a>> {
    let (mut default, mut errno, mut rules) = (None, EPERM, Vec::new());
    for (key, value) in node.members()? {
        match key {
            "defaultAction" => default = Some((action(&value)?, value.path)),
            "defaultErrnoRet" => errno = value.unsigned()?,
            // The same number as a word.
            "defaultErrno" => drop(value.text()?),
            "architectures" => architectures(&value, value.texts()?, omissions),
            "archMap" => arch_map(&value, omissions)?,
            "syscalls" => rules = value.elements()?.iter().map(|node| rule(node, omissions)).collect::<Read<_>>()?,
            _ => strange(key, &value, omissions),
        }
    }
    let (action, default_path) = default.ok_or_else(|| node.wrong("defaultAction is missing, so this is no seccomp profile"))?;
    Ok(Profile { default: Answer { action, errno }, default_path, rules })
}

fn rule<'a>(node: &Node<'a>, omissions: &mut Omissions) -> Read<Rule<'a>> {
    let mut names: Option<Vec<(&str, String)>> = None;
    let (mut act, mut errno, mut args) = (None, EPERM, Vec::new());
    let (mut includes, mut excludes, mut comment) = (Filter::default(), Filter::default(), None);
    for (key, value) in node.members()? {
        match key {
            "names" | "name" if names.is_some() => return Err(value.wrong("\"name\" and \"names\" can't both be written")),
            "names" => {
                let read = |node: Node<'a>| Ok((node.text()?, node.path));
                names = Some(value.elements()?.into_iter().map(read).collect::<Read<_>>()?);
            }
            "name" => names = Some(vec![(value.text()?, value.path)]),
            "action" => act = Some(action(&value)?),
            "errnoRet" => errno = value.unsigned()?,
            "errno" => drop(value.text()?),
            "args" => args = value.elements()?.iter().map(test).collect::<Read<_>>()?,
            "includes" => includes = filter(&value, omissions)?,
            "excludes" => excludes = filter(&value, omissions)?,
            "comment" => comment = Some(value.text()?).filter(|text| !text.is_empty()),
            // It could narrow what the rule allows.
            _ if !value.is_empty() => return Err(value.wrong("an unknown key of a rule: what the rule means can't be said")),
            _ => {}
        }
    }
    let action = act.ok_or_else(|| node.wrong("the rule has no action"))?;
    let names = names.ok_or_else(|| node.wrong("the rule has no names"))?;
    Ok(Rule { path: node.path.clone(), names, answer: Answer { action, errno }, args, includes, excludes, comment })
}

fn action(node: &Node<'_>) -> Read<Action> {
    Ok(match node.text()? {
        "SCMP_ACT_ALLOW" => Action::Allow,
        "SCMP_ACT_ERRNO" => Action::Errno,
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" | "SCMP_ACT_KILL_PROCESS" => Action::Kill,
        "SCMP_ACT_TRAP" => Action::Trap,
        "SCMP_ACT_TRACE" => Action::Trace,
        "SCMP_ACT_LOG" => Action::Log,
        "SCMP_ACT_NOTIFY" => Action::Notify,
        other => return Err(node.wrong(format!("{} is no action", quoted(other)))),
    })
}

fn test(node: &Node<'_>) -> Read<Test> {
    let (mut arg, mut one, mut two, mut op) = (None, 0, 0, None);
    for (key, value) in node.members()? {
        match key {
            "index" => match value.unsigned()? {
                index @ 0..=5 => arg = u8::try_from(index).ok(),
                index => return Err(value.wrong(format!("no call has an argument {index}; they are counted from 0 to 5"))),
            },
            "value" => one = value.unsigned()?,
            "valueTwo" => two = value.unsigned()?,
            "op" => op = Some(value),
            _ => return Err(value.wrong("a comparison has index, value, valueTwo and op, and nothing else")),
        }
    }
    let arg = arg.ok_or_else(|| node.wrong("the comparison has no index"))?;
    let word = op.ok_or_else(|| node.wrong("the comparison has no op"))?;
    let op = match word.text()? {
        "SCMP_CMP_EQ" => Op::Equal(one),
        "SCMP_CMP_NE" => Op::NotEqual(one),
        "SCMP_CMP_LT" => Op::Below(one),
        "SCMP_CMP_LE" => Op::AtMost(one),
        "SCMP_CMP_GE" => Op::AtLeast(one),
        "SCMP_CMP_GT" => Op::Above(one),
        "SCMP_CMP_MASKED_EQ" => Op::Masked { mask: one, value: two & one },
        other => return Err(word.wrong(format!("{} is no comparison", quoted(other)))),
    };
    Ok(Test { arg, op })
}

fn filter<'a>(node: &Node<'a>, omissions: &mut Omissions) -> Read<Filter<'a>> {
    let mut filter = Filter { path: node.path.clone(), ..Filter::default() };
    for (key, value) in node.members()? {
        match key {
            "caps" => filter.caps = value.texts()?,
            "arches" => filter.arches = value.texts()?,
            "minKernel" => filter.min_kernel = Some(value.text()?).filter(|text| !text.is_empty()),
            // A condition that is not understood could hold or not.
            _ if !value.is_empty() => return Err(value.wrong("an unknown condition: whether the rule applies can't be said")),
            _ => strange(key, &value, omissions),
        }
    }
    Ok(filter)
}

/// The instruction sets beside ours, whose programs run in such a container too.
fn architectures(node: &Node<'_>, names: Vec<&str>, omissions: &mut Omissions) {
    let foreign: Vec<_> = names.into_iter().filter(|name| !["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"].contains(name)).collect();
    if !foreign.is_empty() {
        let what = foreign.into_iter().map(quoted).collect::<Vec<_>>().join(", ");
        omissions.add(Effect::Refused, &node.path, what, "a call of another instruction set ends the run");
    }
}

fn arch_map(node: &Node<'_>, omissions: &mut Omissions) -> Read<()> {
    for entry in node.elements()? {
        let mut ours = false;
        let mut subordinate = None;
        for (key, value) in entry.members()? {
            match key {
                "architecture" => ours = ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"].contains(&value.text()?),
                "subArchitectures" => subordinate = Some((value.texts()?, value)),
                _ => strange(key, &value, omissions),
            }
        }
        // The entries of other machines say nothing about ours.
        if let (true, Some((names, value))) = (ours, subordinate) {
            architectures(&value, names, omissions);
        }
    }
    Ok(())
}

/// A key that is not understood. Empty ones say nothing.
fn strange(key: &str, value: &Node<'_>, omissions: &mut Omissions) {
    if !value.is_empty() {
        let why = match key {
            "flags" => "how remand installs its filter is no matter of a policy",
            "listenerPath" | "listenerMetadata" => "denied calls are told to the supervisor and to nobody else",
            _ => "an unknown key",
        };
        omissions.add(Effect::Unheld, &value.path, value.shown(), why);
    }
}

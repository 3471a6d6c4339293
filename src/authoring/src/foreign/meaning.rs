//! What a seccomp profile allows in a run: its rules evaluated (no capability, either instruction set), denials taken off.
//!
//! Always holds: never more than the profile. Where several rules name a call, a denial wins over every grant, whatever its place; a grant that can't be
//! expressed counts as none, and a denial that can't be expressed denies the call. Work per call is bounded by [`WAYS`] and [`DENIALS`].

use std::collections::{BTreeMap, BTreeSet};

use remand_syscalls::{Arch, Condition, covered, grants_of_group};

use super::grantable::{grantable, killable};
use super::omissions::{Effect, Omissions, listed};
use super::profile::{Action, Answer, Filter, Profile, Rule};
use super::ways::{WAYS, Way, joined, minus, repeated, split, way, written};
use crate::lint::can_match;

/// Most entries written for one call.
const WRITTEN: usize = 64;
/// Most conditional denials of one call.
const DENIALS: usize = 256;
const BOTH: [Arch; 2] = [Arch::X86_64, Arch::Aarch64];

/// What is left of a profile.
#[derive(Debug, Default)]
pub(super) struct Meaning<'a> {
    pub allowed: BTreeMap<&'a str, Allowed>,
    /// Calls that end the run, with the rule.
    pub killed: BTreeMap<&'a str, String>,
    /// How to name each rule: its path, and its comment.
    pub comments: BTreeMap<String, &'a str>,
}

/// A call's grant: alternatives, of which an empty one stands for any arguments, and the rules that they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allowed {
    pub ways: Vec<Vec<Condition>>,
    pub from: Vec<String>,
}

/// What the rules say of one call.
#[derive(Default)]
struct Said {
    ways: BTreeSet<Way>,
    from: Vec<String>,
    denials: Vec<(Way, String)>,
}

/// Evaluates a profile.
pub(super) fn meaning<'a>(profile: &Profile<'a>, conditions: bool, omissions: &mut Omissions) -> Meaning<'a> {
    let mut said: BTreeMap<&'a str, Said> = BTreeMap::new();
    let mut meaning = Meaning::default();
    by_default(profile, &mut said, omissions);
    for rule in &profile.rules {
        let allows = rule.answer.action == Action::Allow;
        // What is not sure allows nothing, and denies.
        let applies = BOTH.map(|arch| if conditions || allows { applies(rule, arch).unwrap_or(!allows) } else { true });
        if conditions || allows {
            conditional(rule, applies, omissions);
        }
        if applies == [false; 2] {
            continue;
        }
        if let Some(comment) = rule.comment {
            meaning.comments.insert(rule.path.clone(), comment);
        }
        match rule.answer.action {
            Action::Allow => grant(rule, applies, &mut said, omissions),
            _ => deny(rule, applies, profile.default, &mut said, &mut meaning.killed, omissions),
        }
    }
    for (call, said) in said {
        if let Some(allowed) = remaining(call, said, omissions) {
            meaning.allowed.insert(call, allowed);
        }
    }
    meaning
}

/// Whether a rule applies to a run on `arch`, which has no capability; `None` where some kernels that runs meet are newer than what it asks for, some not.
fn applies(Rule { includes, excludes, .. }: &Rule<'_>, arch: Arch) -> Option<bool> {
    let name = match arch {
        Arch::X86_64 => "amd64",
        Arch::Aarch64 => "arm64",
    };
    let here = includes.caps.is_empty()
        && (includes.arches.is_empty() || includes.arches.contains(&name))
        && !excludes.arches.contains(&name)
        && !excludes.min_kernel.is_some_and(always);
    let sure = includes.min_kernel.is_none_or(always) && excludes.min_kernel.is_none();
    if here && !sure { None } else { Some(here) }
}

/// Whether every kernel that runs meet is this or newer: Landlock came with 5.13.
fn always(version: &str) -> bool {
    let mut parts = version.splitn(2, '.').map(|part| part.parse::<u32>().ok());
    matches!((parts.next().flatten(), parts.next().flatten()), (Some(major), Some(minor)) if (major, minor) <= (5, 13))
}

/// Tells which conditions decided.
fn conditional(rule: &Rule<'_>, applies: [bool; 2], omissions: &mut Omissions) {
    let names: Vec<_> = rule.names.iter().map(|(name, _)| *name).collect();
    let mut told = |effect, filter: &Filter<'_>, why: String| omissions.add(effect, &filter.path, names_shown(&names), why);
    let Rule { includes, excludes, .. } = rule;
    let unsure = [includes, excludes].into_iter().find(|filter| filter.min_kernel.is_some_and(|version| !always(version)));
    if !includes.caps.is_empty() {
        told(Effect::Settled, includes, format!("only with {}; a run has no capability", shown(&includes.caps)));
    } else if excludes.min_kernel.is_some_and(always) {
        told(Effect::Settled, excludes, "not on newer kernels; every kernel that runs remand counts as newer".into());
    } else if let Some(filter) = unsure {
        let why = "it depends on the kernel, and a policy is for every kernel from 5.13 on: it allows nothing, and denies".into();
        told(if rule.answer.action == Action::Allow { Effect::Refused } else { Effect::Settled }, filter, why);
    } else if applies == [false; 2] {
        let filter = if includes.arches.is_empty() { excludes } else { includes };
        told(Effect::Settled, filter, "only on other instruction sets than amd64 and arm64".into());
    } else if let Some(version) = includes.min_kernel {
        told(Effect::Settled, includes, format!("only from kernel {version:?} on, which every kernel that runs remand counts as"));
    }
}

fn shown(names: &[&str]) -> String {
    names.iter().take(4).map(|name| super::json::quoted(name)).collect::<Vec<_>>().join(", ")
}

/// Call names of a file: those of calls as they are, others quoted.
fn names_shown(names: &[&str]) -> String {
    let shown: Vec<_> =
        names.iter().map(|name| if remand_syscalls::is_call(name) { (*name).to_owned() } else { super::json::quoted(name) }).collect();
    listed(&shown)
}

/// The instruction sets on which a call exists, as to whether a rule applies there: on all, on some.
fn reach(call: &str, applies: [bool; 2]) -> (bool, bool) {
    let mut there =
        BOTH.into_iter().zip(applies).filter(|(arch, _)| remand_syscalls::number(*arch, call).is_some()).map(|(_, applies)| applies);
    (there.clone().all(|applies| applies), there.any(|applies| applies))
}

fn grant<'a>(rule: &Rule<'a>, applies: [bool; 2], said: &mut BTreeMap<&'a str, Said>, omissions: &mut Omissions) {
    for (name, path) in &rule.names {
        let mut refuse = |why: &str| omissions.add(Effect::Refused, path, names_shown(&[name]), why);
        if !remand_syscalls::is_call(name) {
            refuse("no system call of x86_64 or AArch64 that this build knows");
            continue;
        }
        if !grantable(name) {
            refuse("never granted, since no filter sees its arguments in memory; it answers ENOSYS, and C libraries fall back to clone");
            continue;
        }
        match reach(name, applies) {
            (true, _) => {}
            (false, some) => {
                if some {
                    refuse("allowed on one of amd64 and arm64 only; a policy means both");
                }
                continue;
            }
        }
        match way(name, &rule.args) {
            Ok(Some(way)) => {
                let said = said.entry(name).or_default();
                said.ways.insert(way);
                if !said.from.contains(&rule.path) {
                    said.from.push(rule.path.clone());
                }
                if repeated(&rule.args) {
                    refuse("compares one argument twice, which runtimes read as alternatives; here both must hold");
                }
            }
            Ok(None) => refuse("its comparisons hold for no value that the kernel can see"),
            Err(arg) => refuse(&format!("the call has no argument {arg}; what is in that register says nothing")),
        }
    }
}

fn deny<'a>(
    rule: &Rule<'a>,
    applies: [bool; 2],
    default: Answer,
    said: &mut BTreeMap<&'a str, Said>,
    killed: &mut BTreeMap<&'a str, String>,
    omissions: &mut Omissions,
) {
    let mut told = Vec::new();
    for (name, _) in rule.names.iter().filter(|(name, _)| remand_syscalls::is_call(name)) {
        let (all, some) = reach(name, applies);
        if !some {
            continue;
        }
        // Of several comparisons of one argument, runtimes make alternatives: each denies.
        let ways: Vec<_> = if repeated(&rule.args) { rule.args.iter().map(|test| vec![*test]).collect() } else { vec![rule.args.clone()] };
        // A comparison of a register that the call does not have could hold.
        let ways = ways.iter().filter_map(|tests| way(name, tests).unwrap_or_else(|_| Some(Way::new())));
        said.entry(name).or_default().denials.extend(ways.map(|way| (way, rule.path.clone())));
        if rule.answer.action == Action::Kill && rule.args.is_empty() && all && killable(name) {
            killed.insert(name, rule.path.clone());
        } else if rule.answer != default && !answers(rule.answer, name) {
            told.push(*name);
        }
    }
    if !told.is_empty() {
        let (effect, why) = difference(rule.answer);
        omissions.add(
            effect,
            &rule.path,
            names_shown(&told),
            format!("{why}; here it is answered EPERM (ENOSYS where libraries are to fall back)"),
        );
    }
}

/// Whether a denied call gives the same error here.
fn answers(Answer { action, errno }: Answer, call: &str) -> bool {
    let ours = |arch| remand_syscalls::number(arch, call).map(|number| remand_syscalls::answer(arch, number));
    action == Action::Errno && BOTH.into_iter().filter_map(ours).all(|ours| u64::try_from(ours.errno()) == Ok(errno))
}

/// What an answer that is not ours does.
fn difference(Answer { action, errno }: Answer) -> (Effect, String) {
    match action {
        Action::Errno => (Effect::Answer, format!("answered error {errno} there")),
        Action::Kill => (Effect::Answer, "ends the process there, where a policy ends runs for whole calls only".into()),
        Action::Trap => (Effect::Answer, "SCMP_ACT_TRAP raises SIGSYS there".into()),
        Action::Trace => (Effect::Refused, "SCMP_ACT_TRACE leaves it to a tracer there".into()),
        Action::Notify => (Effect::Refused, "SCMP_ACT_NOTIFY leaves it to an agent there".into()),
        Action::Log => (Effect::Refused, "SCMP_ACT_LOG allows it and logs it there".into()),
        Action::Allow => (Effect::Refused, "allowed there".into()),
    }
}

/// What the default action comes to.
fn by_default<'a>(profile: &Profile<'a>, said: &mut BTreeMap<&'a str, Said>, omissions: &mut Omissions) {
    let Profile { default, default_path: path, .. } = profile;
    let mut told = |effect, why: String| omissions.add(effect, path, "every call that no rule names", why);
    match default.action {
        Action::Errno if default.errno == 1 => {}
        Action::Allow => {
            told(
                Effect::Refused,
                "a denylist allows what it does not know: the harmless groups are granted without what it denies, nothing else".into(),
            );
            for grant in remand_syscalls::names()
                .filter(|name| remand_syscalls::is_group(name) && !remand_syscalls::is_dangerous(name))
                .filter_map(grants_of_group)
                .flatten()
            {
                // Harmless groups name calls that are static.
                if let Some(call) = remand_syscalls::names().find(|name| *name == grant.call) {
                    let entry = said.entry(call).or_default();
                    entry.ways.extend(split(&grant.when));
                    entry.from = vec![path.clone()];
                }
            }
        }
        _ => {
            let (effect, why) = difference(*default);
            told(effect, format!("{why}; here EPERM, and ENOSYS where the number is unknown or libraries are to fall back"));
        }
    }
}

/// Two comparisons of the source may be one condition here: less than 6, and at most 5.
fn distinct(when: Vec<Condition>) -> Vec<Condition> {
    when.into_iter().fold(Vec::new(), |mut distinct, condition| {
        if !distinct.contains(&condition) {
            distinct.push(condition);
        }
        distinct
    })
}

/// The alternatives without those that another one has in it.
fn needed(mut ways: Vec<Vec<Condition>>) -> Vec<Vec<Condition>> {
    let mut at = 0;
    while at < ways.len() {
        let way = ways.remove(at);
        if !covered(&way, &ways) {
            ways.insert(at, way);
            at += 1;
        }
    }
    ways
}

/// What the denials leave of a call's grants, written as policies write it.
fn remaining(call: &str, Said { ways, from, denials }: Said, omissions: &mut Omissions) -> Option<Allowed> {
    let path = from.first()?.clone();
    let mut refuse = |path: &str, why: &str| omissions.add(Effect::Refused, path, call.to_owned(), why);
    if ways.len() > WAYS || denials.len() > DENIALS {
        refuse(&path, "too many conditions for a policy");
        return None;
    }
    let mut ways = ways;
    for (denial, denied_at) in &denials {
        let less: BTreeSet<Way> = ways.iter().flat_map(|way| minus(way, denial)).collect();
        if less != ways {
            refuse(denied_at, "another rule allows it too; here the denial wins");
        }
        ways = less;
        if ways.len() > WAYS {
            refuse(&path, "too many conditions for a policy");
            return None;
        }
    }
    // An alternative that asks for all that another asks for, and more, adds nothing.
    let least: Vec<_> = ways.iter().filter(|way| !ways.iter().any(|other| other != *way && other.is_subset(way))).collect();
    let written: Option<Vec<_>> = least.into_iter().map(|way| written(call, way)).collect();
    // What holds for no value is no grant, there and here.
    let matching = |ways: Vec<Vec<Vec<Condition>>>| ways.concat().into_iter().filter(|when| can_match(when)).map(distinct).collect();
    match written.map(|ways| needed(joined(matching(ways)))) {
        Some(ways) if ways.is_empty() => None,
        Some(ways) if call == "execve" && ways != [Vec::new()] => {
            refuse(&path, "granted whole or not at all: its arguments are addresses, whose values mean nothing");
            None
        }
        Some(ways) if ways.len() <= WRITTEN => Some(Allowed { ways, from }),
        _ => {
            refuse(&path, "too many conditions for a policy, which has no \"not equal\" and no \"above\"");
            None
        }
    }
}

//! A ceiling: a policy that no other may exceed, whoever wrote it.
//!
//! Always holds: a policy within the ceiling allows nothing that the ceiling does not, in any field; what can't be shown to be within is beyond. The
//! order is that of [`narrow`](crate::narrow), and these decisions about what it leaves open:
//! - `name` and `description` mean nothing, and `result` is about the form of what comes back: a run could have given the same by itself.
//! - `environment` is free, and so is which variables a request may set: no variable lets code do what it could not do without, since the run is confined
//!   before its program starts, and code
//!   can set any variable for the programs that it starts itself.
//! - `python.interpreter` must be the ceiling's: an interpreter brings the files beside it into the run.
//! - A mount is within if the ceiling mounts its source, or a directory above, with the same rights or more; where in the run it appears is free.
//!   A ceiling that covers a part of a mount by another one has them taken over as they are, or not at all.
//! - `syscalls.quiet` allows no call, but takes denials out of what people are shown, so that a longer list is beyond.
//! - `syscalls.kill`, `python.builtins_deny` and `landlock.minimum_abi` are floors: at least what the ceiling has.

use std::ops::RangeInclusive;

use remand_syscalls::{Grant, Rules, covered, granted};
use serde_json::{Value, json};

use crate::field::{Field, Greater, Names, Saying};
use crate::narrow::{Change, Compare, Direction, meant};
use crate::places::{beneath, inside};
use crate::policy::{Fields, Mount, Policy, Visitor, Word};
use crate::units::Number;
use crate::write::{write_grant, write_mount};

/// Calls named in one message.
const NAMED: usize = 5;

/// One value that a ceiling does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value} is beyond the ceiling")]
pub struct Excess {
    /// Dotted path of the field.
    pub field: String,
    /// The entry, where the field is a list and one entry of it is beyond.
    pub entry: Option<usize>,
    /// The value, as a policy file writes it, or what it does.
    pub value: String,
    /// The most that is allowed.
    pub most: String,
}

/// Everything in `policy` that is beyond `ceiling`; nothing where there is none.
#[must_use]
pub fn exceeding(ceiling: &Policy, policy: &Policy) -> Vec<Excess> {
    let mut found = Vec::new();
    Policy::visit(&mut Ceiling { ceiling, policy, found: &mut found });
    found
}

/// Holds the fields of a section against those of the ceiling's.
struct Ceiling<'c, S> {
    ceiling: &'c S,
    policy: &'c S,
    found: &'c mut Vec<Excess>,
}

impl<'c, S> Ceiling<'c, S> {
    /// What is not narrower of that which `visit` compares.
    fn beyond(&self, visit: impl FnOnce(&mut Compare<'_, S>)) -> Vec<Change> {
        let mut changes = Vec::new();
        visit(&mut Compare { from: self.ceiling, to: self.policy, changes: &mut changes });
        changes.retain(|change| change.direction != Direction::Narrows);
        changes
    }

    /// A field that is beyond as a whole.
    fn whole(&mut self, visit: impl FnOnce(&mut Compare<'_, S>)) {
        let excess = |Change { field, from, to, .. }| Excess { field, entry: None, value: to, most: from };
        self.found.extend(self.beyond(visit).into_iter().map(excess));
    }

    /// A list of which each entry takes something away.
    fn floor(&mut self, field: &str, changes: &[Change]) {
        let lacking: Vec<Value> = changes.iter().filter_map(|change| change.from_value().as_array().cloned()).flatten().collect();
        if !changes.is_empty() {
            let lacking = Value::from(lacking);
            let (value, most) = (format!("a list without {lacking}"), format!("at least {lacking}"));
            self.found.push(Excess { field: field.to_owned(), entry: None, value, most });
        }
    }

    fn both<T>(&self, field: &Field<S, T>) -> (&'c T, &'c T) {
        ((field.of)(self.ceiling), (field.of)(self.policy))
    }
}

impl<S> Visitor<S> for Ceiling<'_, S> {
    fn section<T: Fields>(&mut self, field: &Field<S, T>) {
        let (ceiling, policy) = self.both(field);
        T::visit(&mut Ceiling { ceiling, policy, found: self.found });
    }

    fn number<T: Number>(&mut self, field: &Field<S, T>, range: RangeInclusive<u64>, greater: Greater) {
        self.whole(|compare| compare.number(field, range, greater));
    }

    fn flag(&mut self, field: &Field<S, bool>, greater: Greater) {
        self.whole(|compare| compare.flag(field, greater));
    }

    fn word<T: Word + Ord>(&mut self, field: &Field<S, T>) {
        self.whole(|compare| compare.word(field));
    }

    fn form<T: Word>(&mut self, _: &Field<S, T>) {}

    fn words<T: Word>(&mut self, field: &Field<S, Vec<T>>) {
        let (ceiling, policy) = self.both(field);
        let words = |values: &[T]| values.iter().map(|value| value.word().to_owned()).collect::<Vec<_>>();
        self.found.extend(beyond(field.path, Names::Modules, &words(ceiling), &words(policy)));
    }

    fn text(&mut self, field: &Field<S, String>, saying: Saying) {
        if !matches!(saying, Saying::Name | Saying::Description) {
            self.whole(|compare| compare.text(field, saying));
        }
    }

    fn reason(&mut self, _: &Field<S, Option<String>>, _: fn(&S) -> Option<(&'static str, &'static str)>) {}

    fn names(&mut self, field: &Field<S, Vec<String>>, names: Names, longer: Greater) {
        if names == Names::Variables {
            return;
        }
        let changes = self.beyond(|compare| compare.names(field, names, longer));
        let (ceiling, policy) = self.both(field);
        match longer {
            Greater::AllowsMore if changes.is_empty() => {}
            Greater::AllowsMore => self.found.extend(beyond(field.path, names, ceiling, policy)),
            Greater::AllowsLess => self.floor(field.path, &changes),
        }
    }

    fn mounts(&mut self, field: &Field<S, Vec<Mount>>) {
        if !self.beyond(|compare| compare.mounts(field)).is_empty() {
            let (ceiling, policy) = self.both(field);
            self.found.extend(mounts(field.path, ceiling, policy));
        }
    }

    fn rules(&mut self, field: &Field<S, Rules>) {
        let (kills, grants_more): (Vec<_>, Vec<_>) =
            self.beyond(|compare| compare.rules(field)).into_iter().partition(|change| change.field == "syscalls.kill");
        let (ceiling, policy) = self.both(field);
        if !grants_more.is_empty() {
            self.found.extend(grants("syscalls.allow", ceiling, policy));
        }
        self.floor("syscalls.kill", &kills);
    }

    /// Judged in `rules`, with what takes away from it.
    fn grants(&mut self, _: &Field<S, Vec<Grant>>) {}

    fn variables(&mut self, _: &Field<S, Vec<(String, String)>>) {}
}

/// Names that are not among those allowed.
fn beyond(field: &str, names: Names, allowed: &[String], asked: &[String]) -> Vec<Excess> {
    let known = meant(names, allowed);
    let within =
        |name: &String| meant(names, std::slice::from_ref(name)).iter().all(|one| known.iter().any(|wide| names.covers(wide, one)));
    let extra = asked.iter().enumerate().filter(|(_, name)| !within(name));
    let most = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
    let excess = |(index, name): (usize, &String)| Excess {
        field: field.to_owned(),
        entry: Some(index),
        value: json!(name).to_string(),
        most: most.clone(),
    };
    extra.map(excess).collect()
}

/// Grants with a way that the ceiling does not have, of what `deny` and `kill` leave.
fn grants(field: &str, ceiling: &Rules, asked: &Rules) -> Vec<Excess> {
    let Ok(allowed) = granted(ceiling) else { return vec![nothing(field)] };
    let mut found = Vec::new();
    for (index, grant) in asked.allow.iter().enumerate() {
        let alone = Rules { allow: vec![grant.clone()], deny: asked.deny.clone(), kill: asked.kill.clone() };
        let Ok(ways) = granted(&alone) else { return vec![nothing(field)] };
        let within = |call: &str, ways: &[Vec<_>]| allowed.get(call).is_some_and(|others| ways.iter().all(|way| covered(way, others)));
        let beyond: Vec<_> = ways.iter().filter(|(call, ways)| !within(call, ways)).map(|(call, _)| *call).collect();
        let Some(first) = beyond.first() else { continue };
        let grant = json!(grant.call);
        let value = if grant == json!(first) { grant.to_string() } else { format!("{grant}, which grants {}", some(&beyond)) };
        let most = allowed.get(first).map_or_else(
            || format!("no {first}"),
            |ways| {
                some(
                    &ways
                        .iter()
                        .map(|when| write_grant(&Grant { call: (*first).to_owned(), when: when.clone(), reason: None }).to_string())
                        .collect::<Vec<_>>(),
                )
            },
        );
        found.push(Excess { field: field.to_owned(), entry: Some(index), value, most });
    }
    found
}

fn nothing(field: &str) -> Excess {
    Excess { field: field.to_owned(), entry: None, value: "a list with unknown names".to_owned(), most: "known names".to_owned() }
}

fn some<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<_> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    let more = names.len() - shown.len();
    shown.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

fn mounts(field: &str, allowed: &[Mount], asked: &[Mount]) -> Vec<Excess> {
    let whole = |mount: &Mount| !allowed.iter().any(|inner| inside(&inner.target, &mount.target));
    let gives = |mount: &Mount, outer: &Mount| {
        beneath(&mount.source, &outer.source) && mount.writable <= outer.writable && mount.exec <= outer.exec
    };
    let beyond = asked.iter().enumerate().filter(|(_, mount)| !allowed.iter().any(|outer| whole(outer) && gives(mount, outer)));
    let most = allowed.iter().map(|mount| write_mount(&Mount { reason: None, ..mount.clone() })).collect::<Vec<Value>>();
    let most = if most.is_empty() { "no mount".to_owned() } else { json!(most).to_string() };
    let excess = |(index, mount): (usize, &Mount)| {
        let value = write_mount(&Mount { reason: None, ..mount.clone() }).to_string();
        Excess { field: field.to_owned(), entry: Some(index), value, most: most.clone() }
    };
    beyond.map(excess).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::load::{Chain, parse};
    use crate::source::Source;

    fn policy(text: &str) -> Policy {
        parse(&Chain::shipped(&Source { file: "p".into(), text: format!("{{\"version\": 1, {text}}}").into_bytes().into() }), "p").unwrap()
    }

    /// Over the default, `ceiling` and `policy` each changed by a text.
    fn told(ceiling: &str, asked: &str) -> Vec<String> {
        let base = |text: &str| policy(&format!("\"extends\": \"default\", {text}"));
        let show = |e: &Excess| format!("{}{}: {} > {}", e.field, e.entry.map(|i| format!("[{i}]")).unwrap_or_default(), e.value, e.most);
        exceeding(&base(ceiling), &base(asked)).iter().map(show).collect()
    }

    #[test]
    fn each_field_by_its_own_order() {
        let same = "\"description\": \"d\"";
        assert_eq!(told(same, "\"limits\": {\"memory\": \"128MiB\"}, \"environment\": {\"A\": \"1\"}"), [""; 0]);
        assert_eq!(told(same, "\"result\": {\"nan\": \"string\", \"pandas\": \"records\", \"surrogates\": \"replace\"}"), [""; 0]);
        assert_eq!(told(same, "\"limits\": {\"memory\": \"1GiB\"}"), ["limits.memory: \"1GiB\" > \"256MiB\""]);
        assert_eq!(told("\"landlock\": {\"minimum_abi\": 4}", same), ["landlock.minimum_abi: 1 > 4"]);
        assert_eq!(
            told("\"syscalls\": {\"kill\": [\"@keys\"]}", same),
            ["syscalls.kill: a list without [\"add_key\",\"keyctl\",\"request_key\"] > at least [\"add_key\",\"keyctl\",\"request_key\"]"]
        );
        assert_eq!(told(same, "\"python\": {\"interpreter\": \"/opt/python\"}"), ["python.interpreter: \"/opt/python\" > \"python3\""]);
        assert_eq!(told(same, "\"python\": {\"external_allow\": [\"six\"]}"), ["python.external_allow[0]: \"six\" > none"]);
        assert_eq!(
            told("\"filesystem\": {\"devices\": [\"null\"]}", "\"filesystem\": {\"devices\": [\"null\", \"zero\"]}"),
            ["filesystem.devices[1]: \"zero\" > null"]
        );
    }

    #[test]
    fn grants_are_judged_by_what_is_left_of_them() {
        let sockets = "\"allow\": {\"add\": [{\"call\": \"@sockets\", \"reason\": \"r\"}]}";
        let found = told("\"description\": \"\"", &format!("\"syscalls\": {{{sockets}}}"));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("syscalls.allow[17]: \"@sockets\", which grants getsockopt, recvmmsg, ")
                && found[0].contains("> {\"call\":\"getsockopt\",\"when\":"),
            "{found:?}"
        );
        let unix =
            "\"syscalls\": {\"allow\": {\"add\": [{\"call\": \"socket\", \"reason\": \"r\", \"when\": [{\"arg\": 0, \"equals\": 1}]}]}}";
        let any = "\"syscalls\": {\"allow\": {\"add\": [{\"call\": \"socket\", \"reason\": \"r\"}]}}";
        assert_eq!(told(any, unix), [""; 0]);
        // What `@unix_sockets` grants is beside it.
        let found = told(unix, any);
        assert!(found.len() == 1 && found[0].starts_with("syscalls.allow[17]: \"socket\" > "), "{found:?}");
        assert!(found[0].ends_with("{\"call\":\"socket\",\"when\":[{\"arg\":0,\"equals\":1}]}"), "{found:?}");
    }

    #[test]
    fn mounts_are_judged_by_what_they_show() {
        let mounts = |list: &str| format!("\"filesystem\": {{\"mounts\": [{list}]}}");
        let srv = mounts("{\"source\": \"/srv\", \"target\": \"/data\"}");
        assert_eq!(
            told(&srv, &mounts("{\"source\": \"/srv/a\", \"target\": \"/a\"}, {\"source\": \"/srv\", \"target\": \"/b\"}")),
            [""; 0]
        );
        for wider in [
            "{\"source\": \"/srv2\"}",
            "{\"source\": \"/srv\", \"exec\": true}",
            "{\"source\": \"/srv/a\", \"writable\": true, \"reason\": \"r\"}",
        ] {
            let found = told(&srv, &mounts(wider));
            assert!(found.len() == 1 && found[0].starts_with("filesystem.mounts[0]: {"), "{found:?}");
        }
        let masked = mounts("{\"source\": \"/srv\"}, {\"source\": \"/empty\", \"target\": \"/srv/secret\"}");
        assert_eq!(told(&masked, &masked), [""; 0]);
        assert_eq!(told(&masked, &mounts("{\"source\": \"/srv\"}")).len(), 1, "shows what the ceiling covers");
        assert_eq!(told(&masked, &mounts("{\"source\": \"/srv\", \"target\": \"/x\"}")).len(), 1);
    }
}

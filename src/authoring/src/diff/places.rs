//! Where the two sides of a change were written.
//!
//! Always holds: a place is that of the very entry where there is one; else that of the list, or of the `deny` or `kill` that takes it away.

use std::collections::{BTreeMap, BTreeSet};

use remand_policy::load::{Loaded, Place};
use remand_policy::text::terminal::escape_line;
use remand_syscalls::grants_of_group;
use serde_json::Value;

use super::line::Line;
use super::value::call;

/// Lines of one file that are named.
const SHOWN: usize = 4;

/// ` [old.jsonc:3 -> new.jsonc:4]`, or the new side alone for what is new.
pub(super) fn told(line: &Line<'_>, from: &Loaded, to: &Loaded) -> String {
    let entries: Vec<&Value> = [&line.from, &line.to].into_iter().filter_map(Value::as_array).flatten().collect();
    let added = line.from.is_null() || line.from.as_array().is_some_and(Vec::is_empty);
    match (side(line, &entries, from), side(line, &entries, to)) {
        (_, new) if added => format!(" [{new}]"),
        (old, new) => format!(" [{old} -> {new}]"),
    }
}

fn side(line: &Line<'_>, entries: &[&Value], loaded: &Loaded) -> String {
    let whole = loaded.origins.of(line.field);
    let single = entries.is_empty().then_some(whole);
    let mut files: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let mut floor = false;
    for place in entries.iter().map(|entry| of_entry(line.field, entry, loaded).or(whole)).chain(single) {
        match place {
            Some(Place { file, line, .. }) => drop(files.entry(file).or_default().insert(*line)),
            None => floor = true,
        }
    }
    let told = files.iter().map(|(file, lines)| {
        let shown: Vec<_> = lines.iter().take(SHOWN).map(ToString::to_string).collect();
        let more = if lines.len() > SHOWN { ",..." } else { "" };
        format!("{}:{}{more}", escape_line(file), shown.join(","))
    });
    told.chain(floor.then(|| "floor".to_owned())).collect::<Vec<_>>().join(", ")
}

fn of_entry<'l>(field: &str, entry: &Value, loaded: &'l Loaded) -> Option<&'l Place> {
    let Loaded { policy, origins, .. } = loaded;
    let call = call(entry);
    let named = |name: &str| name == call || grants_of_group(name).is_some_and(|grants| grants.iter().any(|grant| grant.call == call));
    let rules = &policy.syscalls.rules;
    match field {
        "syscalls.allow" => {
            let of = |list: &str, names: &[String]| Some((list.to_owned(), names.iter().position(|name| named(name))?));
            let taken = of("syscalls.kill", &rules.kill).or_else(|| of("syscalls.deny", &rules.deny));
            let allowed: Vec<_> = rules.allow.iter().map(|grant| grant.call.clone()).collect();
            // Of several grants of one call, the one by its own name says more than a group.
            let own = allowed.iter().position(|name| name == call).map(|index| ("syscalls.allow".to_owned(), index));
            let granted = || own.or_else(|| of("syscalls.allow", &allowed));
            let (list, index) = taken.or_else(granted)?;
            origins.entry(&list, index)
        }
        "syscalls.kill" => origins.entry(field, rules.kill.iter().position(|name| named(name))?),
        "filesystem.mounts" => {
            let target = entry.get("target")?.as_str()?;
            origins.entry(field, policy.filesystem.mounts.iter().position(|mount| mount.target == target)?)
        }
        _ => {
            let tree = policy.tree();
            let list = field.split('.').try_fold(&tree, |value, key| value.get(key))?.as_array()?;
            origins.entry(field, list.iter().position(|known| known == entry)?)
        }
    }
}

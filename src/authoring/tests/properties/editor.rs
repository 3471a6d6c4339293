//! Edits of text: the value changes as was asked and in nothing else, and comments stay; told by a reading of comments and values that is not the
//! editor's.

use remand_authoring::edit::{add, format, remove, set};
use remand_policy::Policy;
use remand_policy::load::{Chain, parse};
use remand_policy::source::Source;
use remand_policy::units::Limit;
use serde_json::{Map, Value, json};

/// A file, a field or list, a value and a comment, separated by zero bytes.
pub fn holds(bytes: &[u8]) {
    let mut parts = bytes.splitn(4, |byte| *byte == 0).map(|part| std::str::from_utf8(part).ok());
    let mut part = || parts.next().unwrap_or(Some(""));
    let (Some(text), Some(field), Some(value), Some(comment)) = (part(), part(), part(), part()) else { return };
    check_format(text);
    check_policy(text);
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    if let Ok(changed) = set(text, field, &value) {
        assert_eq!(comments(&changed), comments(text), "{text:?} set {field} = {value}: {changed:?}");
        // The other parser refuses control characters in texts, which may be what goes.
        if let Some(mut wanted) = tree(text) {
            put(&mut wanted, field, &value);
            assert_eq!(tree(&changed), Some(wanted), "{text:?} set {field} = {value}: {changed:?}");
        }
        assert_eq!(set(&changed, field, &value).as_ref(), Ok(&changed), "set twice");
    }
    if let Ok(changed) = add(text, field, &value, (!comment.is_empty()).then_some(comment)) {
        check_rest(text, &changed, field);
        // Taken out of `remove` instead, an entry takes the comments of its line along.
        let kept = if comments(&changed).len() < comments(text).len() { own_lines(text) } else { comments(text) };
        assert!(within(kept, comments(&changed)), "{text:?} added {value} to {field}: {changed:?}");
    }
    if let Some(key) = value.as_str()
        && let Ok(changed) = remove(text, field, key)
    {
        check_rest(text, &changed, field);
        assert!(within(own_lines(text), comments(&changed)), "{text:?} without {key} in {field}: {changed:?}");
        // An entry that a comment spoke of stays beside it, as a comment itself.
        let new: Vec<_> = comments(&changed).into_iter().filter(|comment| !comment.contains(key)).collect();
        assert!(within(new, comments(text)), "{text:?} without {key} in {field}: {changed:?}");
    }
}

fn check_format(text: &str) {
    let formatted = match format(text) {
        Ok(formatted) => formatted,
        // Indentation may make a text too large; what is a small policy can be formatted.
        Err(problem) => return assert!(text.len() > 1 << 16 || load(text).is_none(), "{problem}: {text:?}"),
    };
    assert_eq!((tree(&formatted), comments(&formatted)), (tree(text), comments(text)), "{text:?}: {formatted:?}");
    assert_eq!(format(&formatted).as_ref(), Ok(&formatted), "{text:?}");
    assert_eq!(load(&formatted), load(text), "{text:?}");
}

/// Edits of what is a policy succeed, and the loader sees them.
fn check_policy(text: &str) {
    let Some(policy) = load(text).filter(|_| text.len() < 1 << 16) else { return };
    let changed = set(text, "limits.pids", &json!(7)).unwrap_or_else(|problem| panic!("{problem}: {text:?}"));
    let mut wanted = policy.clone();
    wanted.limits.pids = Limit::At(7);
    assert_eq!(load(&changed).as_ref(), Some(&wanted), "{text:?}: {changed:?}");
    let name = "bpf";
    if policy.syscalls.rules.allow.iter().any(|grant| grant.call == name) || policy.syscalls.rules.kill.len() > 500 {
        return;
    }
    let added = add(text, "syscalls.kill", &json!(name), Some("why")).unwrap_or_else(|problem| panic!("{problem}: {text:?}"));
    let mut wanted = policy;
    if !wanted.syscalls.rules.kill.iter().any(|known| known == name) {
        wanted.syscalls.rules.kill.push(name.to_owned());
    }
    assert_eq!(sorted(load(&added)), sorted(Some(wanted.clone())), "{text:?}: {added:?}");
    let removed = remove(&added, "syscalls.kill", name).unwrap_or_else(|problem| panic!("{problem}: {added:?}"));
    wanted.syscalls.rules.kill.retain(|known| known != name);
    assert_eq!(sorted(load(&removed)), sorted(Some(wanted)), "{added:?}: {removed:?}");
}

/// An entry that comes back out of `remove` stands where the base has it.
fn sorted(mut policy: Option<Policy>) -> Option<Policy> {
    if let Some(policy) = &mut policy {
        policy.syscalls.rules.kill.sort();
    }
    policy
}

fn load(text: &str) -> Option<Policy> {
    let source = Source { file: "p".into(), text: text.as_bytes().to_vec().into() };
    parse(&Chain::shipped(&source), "p").ok()
}

/// The comments of a text, each with whether it stands alone on its line, and the text without them.
fn strip(text: &str) -> (String, Vec<(String, bool)>) {
    let (mut rest, mut bare, mut found) = (text.strip_prefix('\u{feff}').unwrap_or(text), String::new(), Vec::new());
    let mut alone = true;
    while let Some(first) = rest.chars().next() {
        let ends = |end: &[char]| rest.find(end).unwrap_or(rest.len());
        let (length, comment) = match first {
            '"' => (quoted(rest), false),
            '/' if rest.starts_with("//") => (ends(&['\n', '\r']), true),
            '/' if rest.starts_with("/*") => (rest[2..].find("*/").map_or(rest.len(), |end| end + 4), true),
            _ => (first.len_utf8(), false),
        };
        let (piece, after) = rest.split_at(length);
        if comment {
            let closes = after.split(['\n', '\r']).next().unwrap_or("").trim().is_empty();
            let lines: Vec<_> = piece.lines().flat_map(|line| line.split('\r')).map(str::trim).filter(|line| !line.is_empty()).collect();
            found.push((lines.join("\n"), alone && closes));
        } else {
            alone = if matches!(first, '\n' | '\r') { true } else { alone && first.is_whitespace() };
            bare.push_str(piece);
        }
        rest = after;
    }
    (bare, found)
}

/// Bytes of the text in quotes at the start.
fn quoted(text: &str) -> usize {
    let mut escaped = true;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

fn comments(text: &str) -> Vec<String> {
    let mut all: Vec<_> = strip(text).1.into_iter().map(|(comment, _)| comment).collect();
    all.sort();
    all
}

fn own_lines(text: &str) -> Vec<String> {
    let mut all: Vec<_> = strip(text).1.into_iter().filter(|(_, alone)| *alone).map(|(comment, _)| comment).collect();
    all.sort();
    all
}

/// Whether each of `some` is in `all`, as often.
fn within(some: Vec<String>, all: Vec<String>) -> bool {
    let mut all = all.into_iter();
    some.iter().all(|one| all.any(|other| other == *one))
}

/// The value of a text by another parser; `None` where that cannot read it.
fn tree(text: &str) -> Option<Value> {
    let bare = strip(text).0;
    let mut plain = String::new();
    let mut rest = bare.as_str();
    while let Some(first) = rest.chars().next() {
        let (piece, after) = rest.split_at(if first == '"' { quoted(rest) } else { first.len_utf8() });
        let closes = after.trim_start().starts_with([']', '}']);
        // Any white space separates for the one parser, four kinds for the other.
        match first {
            ',' if closes => {}
            _ if first.is_whitespace() => plain.push(' '),
            _ => plain.push_str(piece),
        }
        rest = after;
    }
    serde_json::from_str(&plain).ok()
}

fn put(mut slot: &mut Value, field: &str, value: &Value) {
    for key in field.split('.') {
        let Value::Object(map) = slot else { return };
        slot = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    }
    *slot = value.clone();
}

/// Outside of one field nothing has changed.
fn check_rest(text: &str, changed: &str, field: &str) {
    let but = |text| {
        let mut tree = tree(text)?;
        put(&mut tree, field, &Value::Null);
        Some(tree)
    };
    let before = but(text);
    assert!(before.is_none() || but(changed) == before, "{field} of {text:?}: {changed:?}");
}

//! A resolved policy with everything filled in: each value, and where it was written.
//!
//! Always holds: the text is a policy file without `extends`, which loads to the same policy (one that a request narrowed may contradict itself, and
//! then says so when it is loaded); no character of another file's text can leave the comment or the string that it stands in.

use std::borrow::Cow;
use std::fmt::Write;

use remand_policy::load::{Loaded, Origins, Place};
use remand_policy::policy::Policy;
use remand_policy::text::terminal::{escape, escape_line};
use serde_json::{Value, json};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// A policy file.
    At(Place),
    /// No file wrote it: the narrowest value.
    Floor,
    /// The request that narrowed the policy.
    Request,
}

/// One value: a field, or an entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Dotted path, with an index for an entry: `limits.memory`, `syscalls.allow[0]`.
    pub field: String,
    /// As a policy file writes it.
    pub value: Value,
    /// Where it comes from.
    pub written: Written,
}

/// Characters of values that are put on one line, of a list whose entries stand together in their file.
const WIDTH: usize = 80;
/// Farthest column at which comments are lined up.
const COLUMN: usize = 48;

/// All values of `policy`: what was loaded, or that as a request narrowed it. Entries of lists one by one; an empty list is a value.
#[must_use]
pub fn values(policy: &Policy, loaded: &Loaded) -> Vec<Shown> {
    let mut found = Vec::new();
    let (tree, before) = (policy.tree(), loaded.policy.tree());
    each(&mut found, "", &tree, Some(&before), &loaded.origins);
    found.retain(|shown| shown.field != "version");
    found
}

/// [`values`] as one JSON array of `{field, value, file, line, column}`; the last three are `null` for what no file wrote, `file` is `--set` for what
/// the request did.
#[must_use]
pub fn json(values: &[Shown]) -> String {
    let object = |Shown { field, value, written }: &Shown| match written {
        Written::At(place) => {
            json!({ "field": field, "value": value, "file": place.file, "line": place.line, "column": place.column })
        }
        Written::Floor => json!({ "field": field, "value": value, "file": null, "line": null, "column": null }),
        Written::Request => json!({ "field": field, "value": value, "file": "--set", "line": null, "column": null }),
    };
    Value::from_iter(values.iter().map(object)).to_string()
}

/// [`values`] as a policy file with a comment behind each value: `// file:line`, `// floor` or `// --set`.
#[must_use]
pub fn text(policy: &Policy, loaded: &Loaded) -> String {
    let values = values(policy, loaded);
    let mut lines = vec![Line::new(0, "{", None)];
    write(&mut lines, &policy.tree(), &mut values.iter(), 1);
    lines.push(Line::new(0, "}", None));
    joined(&lines)
}

fn each(found: &mut Vec<Shown>, path: &str, value: &Value, before: Option<&Value>, origins: &Origins) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                each(found, &path, value, before.and_then(|before| before.get(key)), origins);
            }
        }
        Value::Array(entries) if !entries.is_empty() => {
            let before = before.and_then(Value::as_array);
            for (index, entry) in entries.iter().enumerate() {
                let known = before.and_then(|before| before.iter().position(|known| known == entry));
                let written = known.map_or(Written::Request, |known| at(origins.entry(path, known)));
                found.push(Shown { field: format!("{path}[{index}]"), value: entry.clone(), written });
            }
        }
        leaf => {
            // A network's reason is written beside its mode.
            let place = if path == "network.reason" { origins.of("network.mode") } else { origins.of(path) };
            let written = if before == Some(leaf) { at(place) } else { Written::Request };
            found.push(Shown { field: path.to_owned(), value: leaf.clone(), written });
        }
    }
}

fn at(place: Option<&Place>) -> Written {
    place.cloned().map_or(Written::Floor, Written::At)
}

impl Written {
    /// `file:line`, fit for one line of a comment.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::At(place) => escape_line(&format!("{}:{}", place.file, place.line)).replace('\r', "\\r"),
            Self::Floor => "floor".to_owned(),
            Self::Request => "--set".to_owned(),
        }
    }
}

/// A line of the file, without its comma.
struct Line {
    text: String,
    comment: Option<String>,
    comma: bool,
}

impl Line {
    fn new(depth: usize, text: &str, comment: Option<String>) -> Self {
        Self { text: format!("{}{text}", "  ".repeat(depth)), comment, comma: false }
    }
}

/// The members of an object; `values` are its leaves in the order of the tree, as [`each`] found them.
fn write<'v>(lines: &mut Vec<Line>, object: &Value, values: &mut impl Iterator<Item = &'v Shown>, depth: usize) {
    for (key, value) in object.as_object().into_iter().flatten() {
        let key = format!("{}: ", string(key));
        match value {
            _ if depth == 1 && key == "\"version\": " => lines.push(Line::new(depth, &format!("{key}{value}"), None)),
            Value::Object(map) if map.is_empty() => lines.push(Line::new(depth, &format!("{key}{{}}"), Some(Written::Floor.told()))),
            Value::Object(_) => {
                if depth == 1 {
                    lines.push(Line::new(0, "", None));
                }
                lines.push(Line::new(depth, &format!("{key}{{"), None));
                write(lines, value, values, depth + 1);
                lines.push(Line::new(depth, "}", None));
            }
            Value::Array(entries) if !entries.is_empty() => {
                lines.push(Line::new(depth, &format!("{key}["), None));
                entries_of(lines, values.by_ref().take(entries.len()), depth + 1);
                lines.push(Line::new(depth, "]", None));
            }
            leaf => {
                let comment = values.next().map(|shown| shown.written.told());
                lines.push(Line::new(depth, &format!("{key}{}", spaced(leaf)), comment));
            }
        }
        if let Some(line) = lines.last_mut() {
            line.comma = true;
        }
    }
    if let Some(line) = lines.last_mut() {
        line.comma = false;
    }
}

/// The entries of a list. Short ones that stand on one line of their file stand on one line here.
fn entries_of<'v>(lines: &mut Vec<Line>, entries: impl Iterator<Item = &'v Shown>, depth: usize) {
    let first = lines.len();
    for Shown { value, written, .. } in entries {
        let (text, comment) = (spaced(value), written.told());
        match lines.get_mut(first..).and_then(<[Line]>::last_mut) {
            Some(line) if line.comment.as_ref() == Some(&comment) && line.text.len() + text.len() < WIDTH => {
                let _ = write!(line.text, ", {text}"); // writing to a String cannot fail
            }
            last => {
                if let Some(line) = last {
                    line.comma = true;
                }
                lines.push(Line::new(depth, &text, Some(comment)));
            }
        }
    }
}

/// The comments of lines that follow each other stand below each other.
fn joined(lines: &[Line]) -> String {
    let mut text = String::new();
    for block in lines.chunk_by(|one, other| one.comment.is_some() == other.comment.is_some()) {
        let widths = block.iter().map(|line| line.text.chars().count() + usize::from(line.comma)).filter(|width| *width <= COLUMN);
        let width = widths.max().unwrap_or(0);
        for Line { text: line, comment, comma } in block {
            let line = format!("{line}{}", if *comma { "," } else { "" });
            // Writing to a String cannot fail.
            let _ = match comment {
                Some(comment) => writeln!(text, "{line:<width$} // {comment}"),
                None => writeln!(text, "{line}"),
            };
        }
    }
    text
}

/// JSON on one line, with spaces.
fn spaced(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(entries) => format!("[{}]", entries.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let members: Vec<_> = map.iter().map(|(key, value)| format!("{}: {}", string(key), spaced(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        plain => plain.to_string(),
    }
}

/// A JSON string without any character that a terminal would act on.
fn string(text: &str) -> String {
    let mut safe = String::new();
    for c in json!(text).to_string().chars() {
        if matches!(escape(c.encode_utf8(&mut [0; 4])), Cow::Borrowed(_)) {
            safe.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(safe, "\\u{unit:04x}"); // writing to a String cannot fail
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use remand_policy::load::{Chain, parse, trace};
    use remand_policy::overrides::apply;
    use remand_policy::shipped;
    use remand_policy::source::Source;

    use super::json as json_of;
    use super::*;

    fn loaded(file: &str, text: &str) -> Loaded {
        let source = Source { file: file.into(), text: text.as_bytes().to_vec().into() };
        trace(&Chain::shipped(&source), "p").unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn read_back(text: &str) -> Policy {
        let source = Source { file: "shown".into(), text: text.as_bytes().to_vec().into() };
        parse(&Chain::shipped(&source), "p").unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
    }

    const SMALL: &str = "{\n \"version\": 1,\n \"extends\": \"default\",\n \"limits\": {\"memory\": \"65MiB\"},\n \"syscalls\": {\"allow\": [\n  \
         {\"call\": \"ioctl\", \"when\": [{\"arg\": 1, \"equals\": 7}], \"reason\": \"tty\"}, \"@io\", \"@files\"\n ]},\n \
         \"filesystem\": {\"mounts\": [{\"source\": \"/a\"}]},\n \"environment\": {\"Z\": \"\\u001b\\u202e\", \"A\": \"\"}\n}";

    #[test]
    fn each_value_says_where_it_was_written() {
        let loaded = loaded("my.jsonc", SMALL);
        let text = text(&loaded.policy, &loaded);
        // However far the comments are moved out.
        let close: Vec<_> = text.lines().map(|line| line.split("  // ").map(str::trim_end).collect::<Vec<_>>().join(" // ")).collect();
        for line in [
            "    \"memory\": \"65MiB\", // my.jsonc:4",
            "    \"wall_time\": \"10s\", // built-in default:",
            "      { \"call\": \"ioctl\", \"when\": [{ \"arg\": 1, \"equals\": 7 }], \"reason\": \"tty\" }, // my.jsonc:6",
            "      \"@io\", \"@files\" // my.jsonc:6",
            "    \"deny\": [], // built-in default:",
            "      { \"source\": \"/a\", \"target\": \"/a\", \"writable\": false, \"exec\": false, \"optional\": false } // my.jsonc:8",
            "    \"Z\": \"\\u001b\\u202e\", // my.jsonc:9",
            "  \"description\": \"\", // floor",
        ] {
            assert!(close.iter().any(|shown| shown.starts_with(line)), "{line}\n{text}");
        }
        assert_eq!(read_back(&text), loaded.policy);
    }

    #[test]
    fn shipped_policies_and_the_floor_read_back() {
        for (name, text) in shipped::SHIPPED {
            let loaded = loaded(name, text);
            assert_eq!(read_back(&super::text(&loaded.policy, &loaded)), loaded.policy, "{name}");
        }
        let floor = loaded("f", "{\"version\": 1}");
        let text = text(&floor.policy, &floor);
        assert_eq!(read_back(&text), floor.policy);
        assert!(!text.contains("// f:"), "{text}");
    }

    #[test]
    fn a_file_name_stays_in_its_comment() {
        let loaded = loaded("a\n}\r\u{2028}b", SMALL);
        let text = text(&loaded.policy, &loaded);
        assert!(!text.contains(['\r', '\u{2028}', '\u{1b}', '\u{202e}']));
        assert_eq!(read_back(&text), loaded.policy);
    }

    #[test]
    fn what_a_request_narrowed_is_its_own() {
        let loaded = loaded("my.jsonc", SMALL);
        let overrides = json!({"limits": {"pids": 3}, "syscalls": {"allow": {"remove": ["@io"]}}});
        let narrowed = apply(&loaded.policy, &overrides).unwrap();
        let values = values(&narrowed, &loaded);
        let written = |field: &str| values.iter().find(|shown| shown.field == field).unwrap().written.told();
        assert_eq!(written("limits.pids"), "--set");
        assert_eq!(written("limits.memory"), "my.jsonc:4");
        assert_eq!(written("syscalls.allow[1]"), "my.jsonc:6");
        let json: Value = serde_json::from_str(&json_of(&values)).unwrap();
        let entry = json.as_array().unwrap().iter().find(|entry| entry["field"] == "limits.memory").unwrap();
        assert_eq!(*entry, json!({"field": "limits.memory", "value": "65MiB", "file": "my.jsonc", "line": 4, "column": 23}));
        assert_eq!(read_back(&text(&narrowed, &loaded)), narrowed);
    }
}

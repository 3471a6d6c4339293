//! A policy file's text: commented JSON, each line with the place in the source that it comes from.
//!
//! Always holds: text of the source stands in comments and values only as quoted and escaped text of one line; lists have no comma too many.

use remand_syscalls::{Comparison, Condition, Grant};
use serde_json::Value;

use super::fold::Folded;
use super::json::quoted;

/// One value of a section or list, and its comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub text: String,
    pub note: String,
}

/// A member of a section.
pub(super) fn member(key: &str, value: &Value, note: impl Into<String>) -> Line {
    Line { text: format!("{}: {value}", Value::from(key)), note: note.into() }
}

/// A file in the making.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub head: Vec<String>,
    pub description: String,
    pub limits: Vec<Line>,
    pub tmp: Vec<Line>,
    pub mounts: Vec<Line>,
    pub proc: Option<Line>,
    pub environment: Vec<Line>,
    pub syscalls: Option<Folded>,
}

impl Document {
    /// The text. What it does not say is that of the built-in policy `default`.
    pub fn text(&self) -> String {
        let mut sections = vec![
            "  \"version\": 1".to_owned(),
            "  // What the source does not say.\n  \"extends\": \"default\"".to_owned(),
            format!("  \"description\": {}", Value::from(self.description.as_str())),
        ];
        sections.extend(section("limits", &self.limits));
        sections.extend(self.filesystem());
        sections.extend(self.syscalls.as_ref().map(syscalls));
        sections.extend(section("environment", &self.environment));
        let head: String = self.head.iter().map(|line| format!("// {line}\n")).collect();
        format!("{head}{{\n{}\n}}\n", sections.join(",\n\n"))
    }

    fn filesystem(&self) -> Option<String> {
        let mut parts = Vec::new();
        if !self.tmp.is_empty() {
            parts.push(format!("    \"tmp\": {{\n{}\n    }}", lines(&self.tmp, "      ")));
        }
        if !self.mounts.is_empty() {
            parts.push(format!("    \"mounts\": [\n{}\n    ]", lines(&self.mounts, "      ")));
        }
        parts.extend(self.proc.as_ref().map(|line| lines(std::slice::from_ref(line), "    ")));
        (!parts.is_empty()).then(|| format!("  \"filesystem\": {{\n{}\n  }}", parts.join(",\n")))
    }
}

fn section(name: &str, members: &[Line]) -> Option<String> {
    (!members.is_empty()).then(|| format!("  \"{name}\": {{\n{}\n  }}", lines(members, "    ")))
}

/// Lines with commas between them, each followed by its comment.
fn lines(lines: &[Line], indent: &str) -> String {
    let last = lines.len().saturating_sub(1);
    let line = |(at, Line { text, note }): (usize, &Line)| {
        let comma = if at == last { "" } else { "," };
        let note = if note.is_empty() { String::new() } else { format!(" // {note}") };
        format!("{indent}{text}{comma}{note}")
    };
    lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn syscalls(Folded { allow, deny, kill }: &Folded) -> String {
    let allow: Vec<_> = allow.iter().map(|(entry, from)| Line { text: grant(entry), note: from.join(", ") }).collect();
    let deny: Vec<_> = deny
        .iter()
        .map(|(call, group)| Line {
            text: Value::from(call.as_str()).to_string(),
            note: format!("in {group}, and not allowed in the source"),
        })
        .collect();
    let kill: Vec<_> = kill.iter().map(|(call, path)| Line { text: Value::from(call.as_str()).to_string(), note: path.clone() }).collect();
    let list = |name: &str, entries: &[Line]| match entries {
        [] => format!("    \"{name}\": []"),
        _ => format!("    \"{name}\": [\n{}\n    ]", lines(entries, "      ")),
    };
    format!("  \"syscalls\": {{\n{}\n  }}", [list("allow", &allow), list("deny", &deny), list("kill", &kill)].join(",\n"))
}

fn grant(Grant { call, when, reason }: &Grant) -> String {
    let name = Value::from(call.as_str());
    if when.is_empty() && reason.is_none() {
        return name.to_string();
    }
    let mut parts = vec![format!("\"call\": {name}")];
    if !when.is_empty() {
        parts.push(format!("\"when\": [{}]", when.iter().map(condition).collect::<Vec<_>>().join(", ")));
    }
    parts.extend(reason.as_ref().map(|reason| format!("\"reason\": {}", Value::from(reason.as_str()))));
    format!("{{ {} }}", parts.join(", "))
}

fn condition(Condition { arg, op }: &Condition) -> String {
    let op = match op {
        Comparison::Equals(value) => format!("\"equals\": {}", word(*value)),
        Comparison::OneOf(values) => format!("\"one_of\": [{}]", values.iter().map(|value| word(*value)).collect::<Vec<_>>().join(", ")),
        Comparison::AtMost(most) => format!("\"at_most\": {}", word(*most)),
        Comparison::Masked { mask, value } => format!("\"masked\": {{ \"mask\": \"{mask:#x}\", \"value\": \"{value:#x}\" }}"),
    };
    format!("{{ \"arg\": {arg}, {op} }}")
}

/// Small numbers as people count, others by their bits.
fn word(value: u64) -> String {
    if value < 1024 { value.to_string() } else { format!("\"{value:#x}\"") }
}

/// A rule's comment in the source, as a comment here.
pub(super) fn remark(path: &str, comment: &str) -> String {
    format!("{path}: {}", quoted(comment))
}

//! Foreign JSON, each value with its path in the source, such as `$.syscalls[3].names[0]`.
//!
//! Always holds: strict JSON only; a key that is written twice is refused, since readers differ in which of the two they take; numbers are exact; a value
//! of another type than its place has is an error that names path, line and column. Work is bounded by [`LARGEST`].

use std::collections::BTreeSet;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// Largest file in bytes. Profiles of the field have some 15 KB, a whole `config.json` some 100 KB, so the loader's own limit is enough.
pub const LARGEST: usize = remand_policy::source::LARGEST;

/// Why a foreign file can't be imported at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Malformed {
    /// JSON path, or `line:column` where the text is no JSON; both where both are known.
    pub place: String,
    /// What is wrong there. Text of the file in it is quoted and escaped.
    pub message: String,
}

/// What reading gives.
pub(super) type Read<T> = Result<T, Malformed>;

/// Parses `text` and hands its value to `read`.
pub(super) fn with<T>(text: &[u8], read: impl FnOnce(Node<'_>) -> Read<T>) -> Read<T> {
    let wrong = |place: String, message: String| Malformed { place, message };
    if text.len() > LARGEST {
        return Err(wrong("$".into(), format!("{} bytes are more than a profile may have ({LARGEST})", text.len())));
    }
    let text = std::str::from_utf8(text).map_err(|error| wrong(format!("byte {}", error.valid_up_to()), "not UTF-8".into()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed = parse_to_ast(text, &CollectOptions::default(), &STRICT).map_err(|error| {
        let (line, column) = position(text, error.range().start);
        wrong(format!("{line}:{column}"), error.kind().to_string().to_lowercase())
    })?;
    let value = parsed.value.ok_or_else(|| wrong("$".into(), "the file is empty".into()))?;
    read(Node { value: &value, text, path: "$".into() })
}

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or("");
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// The keys that importing looks at. Readers in Go match keys in any case, so another spelling of one of them counts there.
const KEYS: &[&str] = &[
    "action",
    "annotations",
    "archMap",
    "arches",
    "architecture",
    "architectures",
    "args",
    "capabilities",
    "caps",
    "cgroupsPath",
    "allow",
    "commandLine",
    "cpus",
    "cpu",
    "hard",
    "limit",
    "memory",
    "period",
    "pids",
    "quota",
    "reservation",
    "soft",
    "swap",
    "comment",
    "consoleSize",
    "cwd",
    "defaultAction",
    "defaultErrno",
    "defaultErrnoRet",
    "destination",
    "devices",
    "domainname",
    "env",
    "errno",
    "errnoRet",
    "excludes",
    "flags",
    "gidMappings",
    "hostname",
    "includes",
    "index",
    "linux",
    "listenerMetadata",
    "listenerPath",
    "maskedPaths",
    "minKernel",
    "mounts",
    "name",
    "names",
    "namespaces",
    "noNewPrivileges",
    "ociVersion",
    "op",
    "options",
    "path",
    "process",
    "readonly",
    "readonlyPaths",
    "resources",
    "rlimits",
    "root",
    "rootfsPropagation",
    "seccomp",
    "source",
    "subArchitectures",
    "syscalls",
    "terminal",
    "type",
    "uidMappings",
    "user",
    "value",
    "valueTwo",
];

/// A value and its path.
#[derive(Clone)]
pub(super) struct Node<'a> {
    value: &'a Value<'a>,
    text: &'a str,
    pub path: String,
}

impl<'a> Node<'a> {
    /// An error about this value.
    pub fn wrong(&self, message: impl Into<String>) -> Malformed {
        let (line, column) = position(self.text, self.value.range().start);
        Malformed { place: format!("{} ({line}:{column})", self.path), message: message.into() }
    }

    fn expected(&self, what: &str) -> Malformed {
        let is = match self.value {
            Value::StringLit(text) => format!("the text {}", quoted(&text.value)),
            Value::NumberLit(number) => format!("the number {}", cut(number.value)),
            Value::BooleanLit(literal) => literal.value.to_string(),
            Value::Object(_) => "an object".into(),
            Value::Array(_) => "a list".into(),
            Value::NullKeyword(_) => "null".into(),
        };
        self.wrong(format!("{what} is expected, not {is}"))
    }

    /// Whether it is an object with one of these keys.
    pub fn has_any(&self, keys: &[&str]) -> bool {
        matches!(self.value, Value::Object(object) if keys.iter().any(|key| object.get(key).is_some()))
    }

    /// The members of an object, in its order. `null` is no member, and an object or list without any: writers in Go leave it behind.
    pub fn members(&self) -> Read<Vec<(&'a str, Self)>> {
        let object = match self.value {
            Value::Object(object) => object,
            Value::NullKeyword(_) => return Ok(Vec::new()),
            _ => return Err(self.expected("an object")),
        };
        let mut seen = BTreeSet::new();
        let mut member = |property: &'a jsonc_parser::ast::ObjectProp<'a>| {
            let name = property.name.as_str();
            let path = if plain(name) { format!("{}.{name}", self.path) } else { format!("{}[{}]", self.path, quoted(name)) };
            let node = Self { value: &property.value, text: self.text, path };
            // The long s and the Kelvin sign are letters in another case too.
            let folded = name.replace('\u{17f}', "s").replace('\u{212a}', "k");
            if let Some(key) = KEYS.iter().find(|key| **key != name && key.eq_ignore_ascii_case(&folded)) {
                return Err(node.wrong(format!("the key must be written {key:?}: runtimes read it in any case, and here it would be lost")));
            }
            if seen.insert(name) {
                Ok(node.value.as_null_keyword().is_none().then_some((name, node)))
            } else {
                Err(node.wrong("the key is written twice: which one counts depends on the reader"))
            }
        };
        object.properties.iter().filter_map(|property| member(property).transpose()).collect()
    }

    /// The elements of a list; `null` is an empty one.
    pub fn elements(&self) -> Read<Vec<Self>> {
        let element = |(index, value)| Self { value, text: self.text, path: format!("{}[{index}]", self.path) };
        match self.value {
            Value::Array(array) => Ok(array.elements.iter().enumerate().map(element).collect()),
            Value::NullKeyword(_) => Ok(Vec::new()),
            _ => Err(self.expected("a list")),
        }
    }

    /// A text.
    pub fn text(&self) -> Read<&'a str> {
        let text = self.value.as_string_lit().map(|text| &*text.value);
        text.ok_or_else(|| self.expected("a text"))
    }

    /// The texts of a list.
    pub fn texts(&self) -> Read<Vec<&'a str>> {
        self.elements()?.iter().map(Self::text).collect()
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Read<bool> {
        self.value.as_boolean_lit().map(|literal| literal.value).ok_or_else(|| self.expected("true or false"))
    }

    /// A whole number from 0 to 2^64-1.
    pub fn unsigned(&self) -> Read<u64> {
        self.number("a whole number from 0 to 18446744073709551615")
    }

    /// A whole number in 64 bits with sign.
    pub fn signed(&self) -> Read<i64> {
        self.number("a whole number in 64 bits")
    }

    fn number<T: std::str::FromStr>(&self, what: &str) -> Read<T> {
        let number = self.value.as_number_lit().and_then(|number| number.value.parse().ok());
        number.ok_or_else(|| self.expected(what))
    }

    /// The value as it is written, shortened, for a list of what was left out.
    pub fn shown(&self) -> String {
        match self.value {
            Value::StringLit(text) => quoted(&text.value),
            Value::NumberLit(number) => cut(number.value),
            Value::BooleanLit(literal) => literal.value.to_string(),
            Value::NullKeyword(_) => "null".into(),
            Value::Object(object) => format!("an object with {} keys", object.properties.len()),
            Value::Array(array) => format!("a list of {}", array.elements.len()),
        }
    }

    /// Whether nothing is written: `null`, an empty list or object.
    pub fn is_empty(&self) -> bool {
        match self.value {
            Value::NullKeyword(_) => true,
            Value::Array(array) => array.elements.is_empty(),
            Value::Object(object) => object.properties.is_empty(),
            _ => false,
        }
    }
}

fn plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Text of a file, shortened, in quotes, without anything that a terminal or a comment would take for its own.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", cut(text))
}

/// A file's name as messages and comments say it: in quotes only where it has odd characters.
pub(super) fn named(name: &str) -> String {
    let odd = name.is_empty() || name.len() > 60 || name.bytes().any(|byte| !byte.is_ascii_graphic() || b"\"\\'`".contains(&byte));
    if odd { quoted(name) } else { name.to_owned() }
}

fn cut(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or("")),
        None => text.to_owned(),
    }
}

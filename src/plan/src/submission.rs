//! A request as its caller writes it, in JSON: the one schema of `remand run --request`, of `remand helper`, and of whatever else takes requests.
//!
//! Always holds: it names no file of the caller's host but what it chooses ([`Choice`]), which the policy has to allow; what is malformed is refused whole, by the
//! name of its field. Reading needs no more memory than the text and what becomes of it: items and query stay text until the policy's limits are known.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::choice::{Choice, MountChoice, Secret};
use crate::job::{Data, DataError, Room};
use crate::outcome::File;
use crate::request::{Given, GivenKind, Mode, OnError, Origin, Request, Script};
use crate::words::words;

/// The version of the schema that is read here.
pub const VERSION: u64 = 1;
/// Most bytes of one that a daemon takes.
pub const LARGEST: usize = 32 << 20;

words! {
    /// How the code is called.
    ModeName {
        AllItems "all_items", PerItem "per_item", Script "script",
    }
}

words! {
    /// The value that a program gives: that of its last expression, or what it shows (the outcome's `displays`).
    ScriptValue {
        Last "last", Display "display",
    }
}

/// One run as a caller asks for it.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A request of remand")]
pub struct Submission<'a> {
    /// Version of this schema.
    #[serde(default = "version")]
    #[schemars(range(min = 1, max = 1))]
    pub version: u64,
    /// A policy's name.
    #[serde(default = "policy")]
    pub policy: String,
    /// What is narrowed: sections of a policy file with fields in them, such as `{"limits": {"memory": "64MiB"}}`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub overrides: Map<String, Value>,
    /// What is narrowed of the policy's section `python`, besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<Security>,
    /// How the code is called.
    #[serde(default = "all_items")]
    pub mode: ModeName,
    /// Mode `per_item`: what becomes of the other items where one raises an exception. Without it, `stop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnError>,
    /// Python source: a function body, or in mode `script` a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Mode `script`: the program's file name; `-c` or `-` where it has no file, as for `python3 -c CODE` and `python3 -`. Without it, `script.py`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Mode `script`: a module of the interpreter's, or among the files, that is the program, as `python3 -m` runs it; in place of `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Mode `script`: `sys.argv` without the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// Mode `script`: `await` may stand outside of functions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", rename = "await")]
    pub awaits: bool,
    /// Mode `script`: the value that is wanted of it. Without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ScriptValue>,
    /// Mode `script`: its standard input. Without it, that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Content>,
    /// The function modes: an array, whose members are the items. Without it, there are none.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    #[schemars(with = "Option<Vec<Value>>")]
    pub items: Option<&'a RawValue>,
    /// Mode `all_items`: what the code finds as `_query`. Without it, null.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    #[schemars(with = "Option<Value>")]
    pub query: Option<&'a RawValue>,
    /// What the run finds in its `/workspace`. Entries of an outcome's `files` can be given as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<GivenFile>,
    /// Patterns of files beneath `/workspace` that are wanted when the run is over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
    /// The interpreter: a name to look up, an absolute path, or the directory of a virtual environment, where `request.interpreters` of the policy allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// Variables of the run, where `request.environment` of the policy allows them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub environment: BTreeMap<String, Secret>,
    /// Files and directories of the host, where `request.mounts` of the policy allows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<MountChoice>,
    /// For whom of the caller's own it is: a label by which a daemon divides the caller's share, of 1 to 64 letters, digits, and any of `-._~`. It gives no right,
    /// and means nothing but to a daemon.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "for")]
    pub label: Option<String>,
}

fn version() -> u64 {
    VERSION
}

fn policy() -> String {
    "default".to_owned()
}

fn all_items() -> ModeName {
    ModeName::AllItems
}

/// What a workflow engine says of a code's rights; fields of the policy's section `python`, which they narrow.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// Modules of the standard library that may be imported; `*` is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdlib_allow: Option<Value>,
    /// Other modules that may be imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_allow: Option<Value>,
    /// Builtins that the code does not find.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builtins_deny: Option<Value>,
    /// Whether the environment is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_env_deny: Option<Value>,
}

/// Text, or bytes as an outcome's values have them.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Content {
    /// UTF-8.
    Text(String),
    /// Any bytes.
    Bytes(Base64),
}

/// Bytes in base64.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Base64 {
    /// The bytes, with padding.
    #[serde(rename = "$bytes")]
    pub bytes: String,
}

/// A file or a directory in `/workspace`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenFile {
    /// Path relative to `/workspace`, without `..`.
    pub name: String,
    /// A file's content as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A file's content in base64, as an outcome has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Whether the file may be executed, where the policy lets it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
    /// It is a directory: it has no content.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub directory: bool,
    /// Python looks for modules in the directory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imports: bool,
    /// Bytes of the content; what is not so large is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 of the content, hex; another content is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What it holds; means nothing here: it is taken, so that what an outcome has can be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
}

/// Why a request is none.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionError {
    /// No JSON, or not of this schema.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A version that is not known here.
    #[error("version {0} of requests is not known here; this remand reads version {VERSION}")]
    Version(u64),
    /// A field that cannot be as it is.
    #[error("{field}: {problem}")]
    Field {
        /// Its name.
        field: String,
        /// What is wrong.
        problem: String,
    },
    /// Items or a query that are none.
    #[error("{field}: {error}")]
    Data {
        /// Its name.
        field: &'static str,
        /// What is wrong.
        error: DataError,
    },
}

fn wrong(field: impl Into<String>, problem: impl Into<String>) -> SubmissionError {
    SubmissionError::Field { field: field.into(), problem: problem.into() }
}

impl<'a> Submission<'a> {
    /// Reads the text of one.
    ///
    /// # Errors
    /// See [`SubmissionError`].
    pub fn read(text: &'a str) -> Result<Self, SubmissionError> {
        let read: Self = serde_json::from_str(text)?;
        if read.version != VERSION {
            return Err(SubmissionError::Version(read.version));
        }
        read.fits_mode()?;
        Ok(read)
    }

    /// No field is given that its mode has no use for.
    fn fits_mode(&self) -> Result<(), SubmissionError> {
        let (script, per_item) = (self.mode == ModeName::Script, self.mode == ModeName::PerItem);
        let given = [
            ("name", self.name.is_some(), script),
            ("module", self.module.is_some(), script),
            ("argv", !self.argv.is_empty(), script),
            ("await", self.awaits, script),
            ("value", self.value.is_some(), script),
            ("stdin", self.stdin.is_some(), script),
            ("items", self.items.is_some(), !script),
            ("query", self.query.is_some(), !script && !per_item),
            ("on_error", self.on_error.is_some(), per_item),
        ];
        if let Some((field, ..)) = given.into_iter().find(|(_, given, fits)| *given && !fits) {
            return Err(wrong(field, format!("mode {} has no use for it", self.mode)));
        }
        match (&self.code, &self.module) {
            (None, None) => Err(wrong("code", "missing")),
            (Some(_), Some(_)) => Err(wrong("module", "there is code already")),
            _ => Ok(()),
        }
    }

    /// What it narrows of its policy, as one tree.
    ///
    /// # Errors
    /// The same is narrowed twice.
    pub fn narrowing(&mut self) -> Result<Value, SubmissionError> {
        let mut tree = std::mem::take(&mut self.overrides);
        if let Some(security) = &self.security {
            let Value::Object(security) = serde_json::to_value(security)? else { return Ok(Value::Object(tree)) };
            let python = tree.entry("python").or_insert_with(|| Value::Object(Map::new()));
            let python = python.as_object_mut().ok_or_else(|| wrong("overrides.python", "an object is expected"))?;
            for (key, value) in security {
                if python.insert(key.clone(), value).is_some() {
                    return Err(wrong(format!("security.{key}"), format!("overrides.python.{key} says it already")));
                }
            }
        }
        Ok(Value::Object(tree))
    }

    /// The request, with items and query within what there is room for: what the policy's limits say.
    ///
    /// # Errors
    /// See [`SubmissionError`].
    pub fn request(self, room: impl Into<Room>) -> Result<Request, SubmissionError> {
        let room = room.into();
        let data = |field, given: Option<&RawValue>, none, read: &dyn Fn(&str) -> Result<Data, DataError>| {
            given.map_or(Ok(none), |text| read(text.get()).map_err(|error| SubmissionError::Data { field, error }))
        };
        if self.items.is_some_and(|items| !items.get().starts_with('[')) {
            return Err(wrong("items", "an array is expected"));
        }
        let items = data("items", self.items, Data::no_items(), &|text| Data::items(text, room))?;
        let query = data("query", self.query, Data::null(), &|text| Data::value(text, "query", room))?;
        let origin = match (self.module, self.name) {
            (Some(module), _) => Origin::Module(module),
            (None, Some(name)) if name == Origin::Argument.argument() => Origin::Argument,
            (None, Some(name)) if name == Origin::Stdin.argument() => Origin::Stdin,
            (None, Some(name)) => Origin::File(file_name(name)?),
            (None, None) => Origin::default(),
        };
        let script = Script {
            origin,
            arguments: self.argv,
            awaits: self.awaits,
            value: self.value == Some(ScriptValue::Last),
            display: self.value == Some(ScriptValue::Display),
            lines: false,
        };
        Ok(Request {
            code: self.code.unwrap_or_default().into(),
            mode: match self.mode {
                ModeName::AllItems => Mode::AllItems,
                ModeName::PerItem => Mode::PerItem(self.on_error.unwrap_or(OnError::Stop)),
                ModeName::Script => Mode::Script(script),
            },
            items,
            query,
            stdin: self.stdin.map(|stdin| stdin.bytes("stdin")).transpose()?.map(Into::into),
            files: self.files.into_iter().map(GivenFile::given).collect::<Result<_, _>>()?,
            artifacts: self.artifacts,
            choice: Choice { interpreter: self.python, environment: self.environment, mounts: self.mounts, tty: None },
        })
    }
}

/// One of a policy that asks for nothing.
impl Default for Submission<'_> {
    fn default() -> Self {
        Self {
            version: VERSION,
            policy: policy(),
            overrides: Map::new(),
            security: None,
            mode: ModeName::AllItems,
            on_error: None,
            code: None,
            name: None,
            module: None,
            argv: Vec::new(),
            awaits: false,
            value: None,
            stdin: None,
            items: None,
            query: None,
            files: Vec::new(),
            artifacts: Vec::new(),
            python: None,
            environment: BTreeMap::new(),
            mounts: Vec::new(),
            label: None,
        }
    }
}

/// A program's name, which its own tracebacks and processes have.
fn file_name(name: String) -> Result<String, SubmissionError> {
    if name.is_empty() || name.contains(['/', '\0']) || [".", ".."].contains(&name.as_str()) {
        return Err(wrong("name", "a file's name without directories is expected, such as main.py"));
    }
    Ok(name)
}

fn decoded(field: &str, text: &str) -> Result<Vec<u8>, SubmissionError> {
    BASE64.decode(text.as_bytes()).map_err(|error| wrong(field, format!("no base64: {error}")))
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Bytes(Base64 { bytes: BASE64.encode(error.as_bytes()) }), Self::Text)
    }
}

impl From<&Given> for GivenFile {
    fn from(given: &Given) -> Self {
        let named = Self { name: given.name.clone(), ..Self::default() };
        match &given.kind {
            GivenKind::Directory { imports } => Self { directory: true, imports: *imports, ..named },
            GivenKind::File { content, executable } => match std::str::from_utf8(content) {
                Ok(text) => Self { text: Some(text.to_owned()), executable: *executable, ..named },
                Err(_) => Self { content: Some(BASE64.encode(content)), executable: *executable, ..named },
            },
        }
    }
}

impl Content {
    fn bytes(self, field: &str) -> Result<Vec<u8>, SubmissionError> {
        match self {
            Self::Text(text) => Ok(text.into_bytes()),
            Self::Bytes(Base64 { bytes }) => decoded(field, &bytes),
        }
    }
}

impl GivenFile {
    fn given(self) -> Result<Given, SubmissionError> {
        let field = format!("files: {}", self.name);
        let kind = match (self.directory, self.text, self.content) {
            (true, None, None) if !self.executable && self.size.is_none() && self.sha256.is_none() => {
                GivenKind::Directory { imports: self.imports }
            }
            (true, ..) => return Err(wrong(field, "a directory has a name and imports alone")),
            (false, ..) if self.imports => return Err(wrong(field, "imports is about directories")),
            (false, Some(text), None) => GivenKind::File { content: text.into_bytes().into(), executable: self.executable },
            (false, None, Some(base64)) => GivenKind::File { content: decoded(&field, &base64)?.into(), executable: self.executable },
            (false, None, None) => return Err(wrong(field, "text, or content in base64, is expected")),
            (false, Some(_), Some(_)) => return Err(wrong(field, "either text or content is expected, not both")),
        };
        if let (GivenKind::File { content, .. }, true) = (&kind, self.size.is_some() || self.sha256.is_some()) {
            let is = File::new(self.name.clone(), content.to_vec(), self.executable);
            if self.size.is_some_and(|size| size != is.size) || self.sha256.is_some_and(|sum| !sum.eq_ignore_ascii_case(&is.sha256)) {
                return Err(wrong(field, format!("its content has {} bytes and the SHA-256 {}", is.size, is.sha256)));
            }
        }
        Ok(Given { name: self.name, kind })
    }
}

/// The JSON Schema of requests.
#[must_use]
pub fn schema() -> Schema {
    schemars::schema_for!(Submission<'_>)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use remand_policy::Policy;
    use serde_json::json;

    fn request(text: &Value) -> Result<Request, SubmissionError> {
        let text = text.to_string();
        Submission::read(&text)?.request(&Policy::floor("test").limits)
    }

    #[test]
    fn every_field_arrives() {
        let function =
            request(&json!({"code": "return 1", "items": [{"a": 1}], "query": [2], "files": [], "artifacts": ["*.png"]})).unwrap();
        assert_eq!((function.mode, function.items.count()), (Mode::AllItems, 1));
        assert_eq!(function.artifacts, ["*.png"]);
        let each = request(&json!({"mode": "per_item", "on_error": "item", "code": "return _item"})).unwrap();
        assert_eq!(each.mode, Mode::PerItem(OnError::Item));
        let program = json!({
            "version": 1, "mode": "script", "code": "x", "name": "main.py", "argv": ["a", ""], "await": true, "value": "last",
            "stdin": {"$bytes": "AP8="}, "python": "python3.12", "environment": {"KEY": "v"}, "mounts": [{"source": "/srv"}],
            "files": [{"name": "a", "text": "\u{e9}"}, {"name": "b", "content": "AA==", "executable": true}, {"name": "d", "directory": true, "imports": true}],
        });
        let program = request(&program).unwrap();
        let script = Script {
            origin: Origin::File("main.py".into()),
            arguments: vec!["a".into(), String::new()],
            awaits: true,
            value: true,
            display: false,
            lines: false,
        };
        assert_eq!(program.mode, Mode::Script(script));
        assert_eq!(program.stdin.as_deref(), Some(&[0, 255][..]));
        assert_eq!(
            (program.choice.interpreter.as_deref(), program.choice.environment.len(), program.choice.mounts.len()),
            (Some("python3.12"), 1, 1)
        );
        let kinds: Vec<_> = program.files.into_iter().map(|file| file.kind).collect();
        let file = |content: &[u8], executable| GivenKind::File { content: content.into(), executable };
        assert_eq!(kinds, [file("\u{e9}".as_bytes(), false), file(&[0], true), GivenKind::Directory { imports: true }]);
        let module = request(&json!({"mode": "script", "module": "http.server", "stdin": ""})).unwrap();
        assert!(matches!(module.mode, Mode::Script(Script { origin: Origin::Module(_), .. })) && module.stdin.as_deref() == Some(&[][..]));
    }

    #[test]
    fn what_is_written_is_read() {
        let items: Box<RawValue> = RawValue::from_string("[1.10]".into()).unwrap();
        let given = [
            Given { name: "a".into(), kind: GivenKind::File { content: b"\xff"[..].into(), executable: true } },
            Given { name: "b".into(), kind: GivenKind::File { content: b"text"[..].into(), executable: false } },
            Given { name: "d".into(), kind: GivenKind::Directory { imports: true } },
        ];
        let environment: BTreeMap<_, _> = [("KEY".to_owned(), Secret("v".into()))].into();
        let function = Submission {
            code: Some("return 1".into()),
            items: Some(&items),
            files: given.iter().map(Into::into).collect(),
            environment: environment.clone(),
            python: Some("python3".into()),
            ..Submission::default()
        };
        let text = serde_json::to_string(&function).unwrap();
        assert!(text.contains("[1.10]") && !text.contains("stdin"), "{text}");
        let read = Submission::read(&text).unwrap().request(&Policy::floor("test").limits).unwrap();
        assert_eq!((read.items.count(), read.files.as_slice(), read.choice.environment), (1, given.as_slice(), environment));
        for (name, origin) in [("-c", Origin::Argument), ("-", Origin::Stdin), ("x.py", Origin::File("x.py".into()))] {
            let program = Submission {
                mode: ModeName::Script,
                code: Some(String::new()),
                name: Some(name.into()),
                argv: vec!["a".into()],
                awaits: true,
                value: Some(ScriptValue::Display),
                stdin: Some(vec![0, 255].into()),
                ..Submission::default()
            };
            let read = Submission::read(&serde_json::to_string(&program).unwrap()).unwrap().request(&Policy::floor("test").limits).unwrap();
            let Mode::Script(script) = read.mode else { panic!("{name}") };
            assert_eq!((script.origin, script.display, read.stdin.as_deref()), (origin, true, Some(&[0, 255][..])));
        }
    }

    #[test]
    fn what_one_run_left_another_is_given() {
        let mut left = serde_json::to_value(File::new("out/a.csv".into(), b"1,2".to_vec(), true)).unwrap();
        let given = request(&json!({"code": "", "files": [left]})).unwrap().files;
        assert_eq!(given, [Given { name: "out/a.csv".into(), kind: GivenKind::File { content: b"1,2"[..].into(), executable: true } }]);
        left["content"] = json!("AAAA");
        assert!(request(&json!({"code": "", "files": [left]})).unwrap_err().to_string().contains("SHA-256"));
    }

    #[test]
    fn what_is_narrowed_is_one_tree() {
        let narrowing = |text: &str| Submission::read(text).and_then(|mut read| read.narrowing());
        let both = r#"{"code": "", "overrides": {"limits": {"pids": 3}, "python": {"builtins_deny": ["eval"]}}, "security": {"stdlib_allow": ["json"]}}"#;
        let tree = json!({"limits": {"pids": 3}, "python": {"builtins_deny": ["eval"], "stdlib_allow": ["json"]}});
        assert_eq!(narrowing(both).unwrap(), tree);
        assert_eq!(narrowing(r#"{"code": ""}"#).unwrap(), json!({}));
        let twice = r#"{"code": "", "overrides": {"python": {"stdlib_allow": []}}, "security": {"stdlib_allow": ["json"]}}"#;
        assert!(narrowing(twice).unwrap_err().to_string().starts_with("security.stdlib_allow: "));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, told) in [
            (r#"{"code": "", "version": 2}"#, "version 2"),
            (r"{}", "code: missing"),
            (r#"{"code": "", "module": "m", "mode": "script"}"#, "module: there is code already"),
            (r#"{"code": "", "argv": ["x"]}"#, "argv: mode all_items has no use for it"),
            (r#"{"code": "", "stdin": "x"}"#, "stdin: mode all_items"),
            (r#"{"code": "", "mode": "per_item", "query": 1}"#, "query: mode per_item"),
            (r#"{"code": "", "on_error": "item"}"#, "on_error: mode all_items"),
            (r#"{"code": "", "mode": "script", "items": []}"#, "items: mode script"),
            (r#"{"code": "", "mode": "script", "name": "a/b"}"#, "name: a file's name"),
            (r#"{"code": "", "items": {"a": 1}}"#, "items: an array"),
            (r#"{"code": "", "items": [1e999]}"#, "out of range"),
            (r#"{"code": "", "timeout": 3}"#, "unknown field `timeout`"),
            (r#"{"code": "", "code": ""}"#, "duplicate field"),
            (r#"{"code": "", "files": [{"name": "a"}]}"#, "files: a: text, or content"),
            (r#"{"code": "", "files": [{"name": "a", "content": "*"}]}"#, "no base64"),
            (r#"{"code": "", "files": [{"name": "a", "text": "", "content": ""}]}"#, "not both"),
            (r#"{"code": "", "files": [{"name": "a", "text": "", "imports": true}]}"#, "imports is about directories"),
            (r#"{"code": "", "files": [{"name": "a", "directory": true, "text": ""}]}"#, "a directory has"),
            (r#"{"code": "", "mode": "shell"}"#, "unknown variant `shell`"),
            ("[1", "line 1 column"),
        ] {
            let read = Submission::read(text).and_then(|read| read.request(&Policy::floor("test").limits));
            let message = read.unwrap_err().to_string();
            assert!(message.contains(told), "{text}: {message}");
        }
    }
}

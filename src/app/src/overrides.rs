//! What a caller wants tightened, as one tree of the shape of a policy file: from `--security-config` and from `--set`.
//!
//! Always holds: no field is said twice; nothing here decides whether a value is right or narrow enough, the policy's loader does.

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::print::plain;

/// Bytes that a security config can have.
pub const MAX_SECURITY_CONFIG: u64 = 1 << 20;
const SECURITY_KEYS: [&str; 4] = ["stdlib_allow", "external_allow", "builtins_deny", "runner_env_deny"];

/// The tree that says it all.
pub fn tree(security_config: Option<&str>, settings: &[String]) -> Result<Value, Failure> {
    let mut tree = Map::new();
    if let Some(text) = security_config {
        tree.insert("python".into(), Value::Object(security(text)?));
    }
    for setting in settings {
        let (field, value) = parse(setting)?;
        put(&mut tree, field, value).map_err(|problem| Failure::usage(format!("--set {}: {problem}", plain(setting))))?;
    }
    Ok(Value::Object(tree))
}

fn security(text: &str) -> Result<Map<String, Value>, Failure> {
    let problem = |problem: String| Failure::usage(format!("--security-config: {problem}"));
    let Value::Object(config) = serde_json::from_str(text).map_err(|error| problem(error.to_string()))? else {
        return Err(problem("not a JSON object".into()));
    };
    match config.keys().find(|key| !SECURITY_KEYS.contains(&key.as_str())) {
        Some(key) => Err(problem(format!("unknown key `{}`; known are {}", plain(key), SECURITY_KEYS.join(", ")))),
        None => Ok(config),
    }
}

/// `limits.memory=64MiB`. A value that is JSON is that, anything else is a string: only strings need no quotes in a shell.
fn parse(setting: &str) -> Result<(&str, Value), Failure> {
    match setting.split_once('=') {
        Some((field, value)) if !field.split('.').any(str::is_empty) => {
            Ok((field, serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()))))
        }
        _ => Err(Failure::usage(format!("--set {}: not of the form section.field=value, such as limits.memory=64MiB", plain(setting)))),
    }
}

fn put(tree: &mut Map<String, Value>, field: &str, value: Value) -> Result<(), &'static str> {
    const TWICE: &str = "this field is set twice";
    let Some((section, rest)) = field.split_once('.') else {
        return if tree.insert(field.to_owned(), value).is_some() { Err(TWICE) } else { Ok(()) };
    };
    match tree.entry(section).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => put(inner, rest, value),
        _ => Err(TWICE),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn set(settings: &[&str]) -> Result<Value, String> {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        tree(None, &settings).map_err(|failure| failure.message)
    }

    #[test]
    fn settings_become_a_tree() {
        assert_eq!(
            set(&["limits.memory=64MiB", "limits.pids=5", "python.stdlib_allow=[\"json\"]", "filesystem.tmp.size=1MiB", "limits.cpus=\"2\"", "a.b=x=y"]),
            Ok(json!({
                "limits": {"memory": "64MiB", "pids": 5, "cpus": "2"},
                "python": {"stdlib_allow": ["json"]},
                "filesystem": {"tmp": {"size": "1MiB"}},
                "a": {"b": "x=y"},
            }))
        );
        assert_eq!(set(&[]), Ok(json!({})));
    }

    #[test]
    fn nothing_is_said_twice() {
        let twice = |field: &str| Err(format!("--set {field}: this field is set twice"));
        assert_eq!(set(&["limits.pids=1", "limits.pids=2"]), twice("limits.pids=2"));
        assert_eq!(set(&["limits=1", "limits.pids=2"]), twice("limits.pids=2"));
        assert_eq!(set(&["limits.pids=2", "limits=1"]), twice("limits=1"));
        let failure = tree(Some(r#"{"stdlib_allow": ["json"]}"#), &["python.stdlib_allow=[]".into()]).unwrap_err();
        assert_eq!(failure.message, "--set python.stdlib_allow=[]: this field is set twice");
    }

    #[test]
    fn a_malformed_setting_is_named() {
        for bad in ["limits.memory", "=1", "limits.=1", ".memory=1", "a..b=1", "\u{1b}[2J"] {
            let message = set(&[bad]).unwrap_err();
            assert!(message.starts_with("--set ") && message.contains("not of the form"), "{message}");
            assert!(!message.contains('\u{1b}'));
        }
    }

    #[test]
    fn a_security_config_narrows_the_python_section() {
        let text = r#"{"stdlib_allow": ["json"], "external_allow": [], "builtins_deny": ["eval"], "runner_env_deny": true}"#;
        let config: Value = serde_json::from_str(text).unwrap();
        assert_eq!(tree(Some(text), &["limits.pids=3".into()]).unwrap(), json!({"python": config, "limits": {"pids": 3}}));
        let message = |text| tree(Some(text), &[]).unwrap_err().message;
        assert_eq!(
            message(r#"{"stdlib": []}"#),
            "--security-config: unknown key `stdlib`; known are stdlib_allow, external_allow, builtins_deny, runner_env_deny"
        );
        assert_eq!(message("[]"), "--security-config: not a JSON object");
        assert_eq!(message("{\n x"), "--security-config: key must be a string at line 2 column 2");
    }
}

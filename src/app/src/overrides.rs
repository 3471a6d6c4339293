//! What a caller wants tightened, as one tree of the shape of a policy file: from `--security-config` and from `--set`.
//!
//! Always holds: nothing here decides whether a value is right or narrow enough, the policy's loader does.

use serde_json::{Map, Value, json};

use crate::args::ConfineArgs;
use crate::failure::Failure;
use crate::print::plain;

/// Bytes that a security config can have.
pub const MAX_SECURITY_CONFIG: u64 = 1 << 20;
const SECURITY_KEYS: [&str; 4] = ["stdlib_allow", "external_allow", "builtins_deny", "runner_env_deny"];

/// The tree that says all of what was typed for a run.
pub fn confined(security_config: Option<&str>, typed: &ConfineArgs) -> Result<Value, Failure> {
    let mut tree = tree(security_config, &typed.set)?;
    if let Some(time) = &typed.timeout {
        // As timeout(1) and most others have it.
        let unit = if time.ends_with(|last: char| last.is_ascii_digit()) { "s" } else { "" };
        let wrong =
            |problem: Box<remand_policy::text::Problem>| Failure::usage(format!("--timeout {}: {}", plain(time), plain(&problem.message)));
        remand_policy::overrides::set(&mut tree, "limits.wall_time", &format!("{time}{unit}")).map_err(wrong)?;
    }
    Ok(tree)
}

/// The tree that says it all.
pub fn tree(security_config: Option<&str>, settings: &[String]) -> Result<Value, Failure> {
    let mut tree = security_config.map_or_else(|| Ok(json!({})), |text| security(text).map(|config| json!({ "python": config })))?;
    for setting in settings {
        let wrong = |why: String| Failure::usage(format!("--set {}: {why}", plain(setting)));
        let (field, value) = setting.split_once('=').ok_or_else(|| wrong("write FIELD=VALUE, such as limits.memory=64MiB".into()))?;
        remand_policy::overrides::set(&mut tree, field, value).map_err(|problem| wrong(plain(&problem.message).into_owned()))?;
    }
    Ok(tree)
}

fn security(text: &str) -> Result<Map<String, Value>, Failure> {
    let problem = |problem: String| Failure::usage(format!("--security-config: {problem}"));
    let Value::Object(config) = serde_json::from_str(text).map_err(|error| problem(error.to_string()))? else {
        return Err(problem("not a JSON object".into()));
    };
    match config.keys().find(|key| !SECURITY_KEYS.contains(&key.as_str())) {
        Some(key) => Err(problem(format!("unknown key {}; known are {}", plain(key), SECURITY_KEYS.join(", ")))),
        None => Ok(config),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_security_config_narrows_the_python_section() {
        let text = r#"{"stdlib_allow": ["json"], "external_allow": [], "builtins_deny": ["eval"], "runner_env_deny": true}"#;
        let config: Value = serde_json::from_str(text).unwrap();
        let settings = ["limits.pids=3".into(), "limits.memory=64MiB".into()];
        assert_eq!(tree(Some(text), &settings).unwrap(), json!({"python": config, "limits": {"pids": 3, "memory": "64MiB"}}));
        assert_eq!(tree(None, &[]).unwrap(), json!({}));
    }

    #[test]
    fn what_is_malformed_is_named() {
        let message = |config, settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
            tree(config, &settings).unwrap_err().message
        };
        assert_eq!(
            message(Some(r#"{"stdlib": []}"#), &[]),
            "--security-config: unknown key stdlib; known are stdlib_allow, external_allow, builtins_deny, runner_env_deny"
        );
        assert_eq!(message(Some("[]"), &[]), "--security-config: not a JSON object");
        assert_eq!(message(Some("{\n x"), &[]), "--security-config: key must be a string at line 2 column 2");
        assert_eq!(message(None, &["limits.memory"]), "--set limits.memory: write FIELD=VALUE, such as limits.memory=64MiB");
        assert!(!message(None, &["\u{1b}[2J"]).contains('\u{1b}'));
    }
}

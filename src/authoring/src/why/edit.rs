//! An edit of a policy, as `remand policy set`, `allow` and a text editor would make it.
//!
//! Always holds: an edit names one field or one entry of a list; applying it to a policy's own tree gives a file that the loader reads or refuses.

use std::fmt;

use remand_syscalls::Arch;
use serde_json::{Value, json};

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Sets a field.
    Set(String, Value),
    /// Appends to a list.
    Add(&'static str, Value),
    /// Takes entries out of a list: by text, call or target.
    Remove(&'static str, String),
}

impl Edit {
    pub(super) fn set(field: &str, value: Value) -> Self {
        Self::Set(field.to_owned(), value)
    }

    /// Applies it to a policy's tree.
    pub(super) fn apply(&self, tree: &mut Value) {
        let path = match self {
            Self::Set(path, _) => path.as_str(),
            Self::Add(path, _) | Self::Remove(path, _) => path,
        };
        let slot = path.split('.').try_fold(tree, |slot, key| match slot {
            Value::Object(map) => Some(map.entry(key).or_insert(Value::Null)),
            _ => None,
        });
        match (self, slot) {
            (Self::Set(_, value), Some(slot)) => slot.clone_from(value),
            (Self::Add(_, value), Some(Value::Array(list))) => list.push(value.clone()),
            (Self::Remove(_, name), Some(Value::Array(list))) => list.retain(|entry| key(entry) != Some(name)),
            _ => {}
        }
    }

    /// What it endangers.
    #[must_use]
    pub fn danger(&self) -> Option<String> {
        match self {
            Self::Add("syscalls.allow", grant) => danger(grant).map(str::to_owned),
            Self::Add("filesystem.mounts", mount) if mount["writable"] == true => {
                Some("what a run writes there stays, for the host and for other runs".to_owned())
            }
            Self::Add("filesystem.mounts", _) => Some("every run under the policy can read what is there".to_owned()),
            Self::Set(field, value) if field == "network.mode" && value == "host" => {
                Some("runs reach whatever the host reaches, its own services too".to_owned())
            }
            _ => None,
        }
    }
}

/// What names an entry of a list.
fn key(entry: &Value) -> Option<&str> {
    entry.as_str().or_else(|| entry["call"].as_str()).or_else(|| entry["target"].as_str())
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(field, Value::String(text)) if plain(text) => write!(f, "set {field}={text}"),
            Self::Set(field, value) => write!(f, "set {field}={value}"),
            Self::Add(list, entry) => write!(f, "{list}: add {entry}"),
            Self::Remove(list, name) => write!(f, "{list}: take out {}", json!(name)),
        }
    }
}

/// Whether a text means itself on a command line.
fn plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// What a grant endangers with the arguments that its conditions leave.
pub(crate) fn danger(grant: &Value) -> Option<&'static str> {
    let name = key(grant)?;
    let mut args = [None; 6];
    for condition in grant["when"].as_array().into_iter().flatten() {
        let slot = condition["arg"].as_u64().and_then(|arg| args.get_mut(usize::try_from(arg).ok()?));
        if let (Some(slot), value) = (slot, condition["equals"].as_u64()) {
            *slot = value;
        }
    }
    match [Arch::X86_64, Arch::Aarch64].into_iter().find_map(|arch| Some((arch, remand_syscalls::number(arch, name)?))) {
        Some((arch, number)) => remand_syscalls::risk(arch, number, &args),
        None => remand_syscalls::danger(name),
    }
}

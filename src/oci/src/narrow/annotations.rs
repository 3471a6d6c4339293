//! Annotations: which of them mean something, and to whom.
//!
//! Always holds: an annotation may come from an image, and so from an attacker: none of them makes anything wider. What runtimes obey is refused unless it is
//! listed, or is what an engine sets by itself with a value that does nothing.

use std::collections::BTreeMap;

use remand_policy::text::quote;
use serde_json::Value;

use super::refused::{Refusals, Refused, join, shown};
use crate::settings::Settings;

/// Chooses among the policies that are listed.
const POLICY: &str = "dev.remand.policy";

/// What runtimes and their helpers obey.
const OBEYED: &[&str] = &["run.oci.", "org.systemd.property.", "io.podman.annotations.", "org.criu.", "module.wasm.", "krun."];

/// What a value looks like.
type Look = fn(&str) -> bool;

/// Names that podman sets on each container, and what their values look like.
const HARMLESS: &[(&str, Look)] = &[
    ("io.podman.annotations.autoremove", is_flag),
    ("io.podman.annotations.init", is_flag),
    ("io.podman.annotations.privileged", is_flag),
    ("io.podman.annotations.publish-all", is_flag),
    ("org.systemd.property.KillSignal", is_number),
    ("org.systemd.property.TimeoutStopUSec", |value| value.strip_prefix("uint64 ").is_some_and(is_number)),
];

fn is_flag(value: &str) -> bool {
    matches!(value, "TRUE" | "FALSE")
}

fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// A container of a pod, as its annotations say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pod {
    /// The one that holds the pod's namespaces.
    Sandbox,
    /// One of the others.
    Member,
}

impl Pod {
    /// As containerd, CRI-O and podman say it.
    #[must_use]
    pub fn of(annotations: &BTreeMap<String, String>) -> Option<Self> {
        let kinds = ["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"];
        match kinds.iter().find_map(|key| annotations.get(*key))?.as_str() {
            "sandbox" => Some(Self::Sandbox),
            "container" => Some(Self::Member),
            _ => None,
        }
    }
}

/// The annotations of a configuration or a state; what is no text is none.
#[must_use]
pub fn map(of: &Value) -> BTreeMap<String, String> {
    let all = of.get("annotations").and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Refuses those that runtimes obey.
pub(super) fn check(refusals: &mut Refusals, annotations: Option<&Value>, listed: &[String]) {
    let Some(annotations) = annotations.filter(|value| !value.is_null()) else { return };
    let Value::Object(annotations) = annotations else {
        return refusals.add("annotations", shown(annotations), "an object of texts stands here");
    };
    let obeyed = |name: &str| OBEYED.iter().any(|start| name.to_ascii_lowercase().starts_with(start));
    let harmless = |name: &str, value: &str| HARMLESS.iter().any(|(known, is)| *known == name && is(value));
    for (name, value) in annotations {
        let Some(value) = value.as_str() else {
            refusals.add(join("annotations", name), shown(value), "a text stands here");
            continue;
        };
        if obeyed(name) && !listed.contains(name) && !harmless(name, value) {
            refusals.add(
                join("annotations", name),
                "runtimes obey it, and it may come from an image",
                "list it in \"annotations\" of oci.jsonc",
            );
        }
    }
}

/// The name of the policy that a container with these annotations is held to.
///
/// # Errors
/// It chooses one that is not listed.
pub fn chosen<'s>(annotations: &BTreeMap<String, String>, settings: &'s Settings) -> Result<&'s str, Refused> {
    let Some(wanted) = annotations.get(POLICY) else { return Ok(&settings.policy) };
    settings.choose.iter().chain([&settings.policy]).find(|name| *name == wanted).map(String::as_str).ok_or_else(|| Refused {
        field: join("annotations", POLICY),
        found: format!("{} is not among the policies that a container may choose", quote(wanted)),
        most: if settings.choose.is_empty() {
            "\"choose\" of oci.jsonc lists none".to_owned()
        } else {
            format!("\"choose\" of oci.jsonc lists {}", settings.choose.join(", "))
        },
    })
}

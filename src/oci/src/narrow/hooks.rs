//! `hooks`: programs that the engine has its runtime start. They are the engine's own, and kept.

use serde_json::Value;

use super::refused::{Refusals, join};

const KEYS: &[&str] = &["prestart", "createRuntime", "createContainer", "poststart", "poststop", "startContainer"];

pub(super) fn check(refusals: &mut Refusals, hooks: Option<&mut Value>) {
    let Some(hooks) = hooks.filter(|value| !value.is_null()) else { return };
    let Some(hooks) = refusals.object("hooks", hooks, KEYS) else { return };
    for (kind, list) in hooks.iter_mut() {
        for (at, hook) in refusals.list(&join("hooks", kind), Some(list)).iter_mut().enumerate() {
            let place = format!("hooks.{kind}[{at}]");
            refusals.object(&place, hook, &["path", "args", "env", "timeout"]);
            if kind == "startContainer" {
                refusals.add(
                    place,
                    "a program of the container's own files, before the container's process is confined",
                    "none of that kind",
                );
            }
        }
    }
}

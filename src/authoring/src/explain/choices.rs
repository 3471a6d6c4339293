//! What a request may choose for itself.

use remand_policy::policy::{Choices, Mount};

use super::page::{Page, some};

/// Names that are listed.
const NAMED: usize = 20;

pub(super) fn choices(page: &mut Page<'_>) {
    let Choices { interpreters, environment, mounts, tty } = &page.policy.request;
    page.title("What a request may choose for itself");
    page.of("request.interpreters", format!("Its interpreter, besides that of the policy: {}.", listed(interpreters)));
    page.of("request.environment", format!("Environment variables: {}.", listed(environment)));
    for (index, mount) in mounts.iter().enumerate() {
        page.of(&format!("request.mounts[{index}]"), offered(mount));
    }
    if mounts.is_empty() {
        page.of("request.mounts", "No mount.");
    }
    page.of("request.tty", if *tty { "A terminal of the run's own." } else { "No terminal." });
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        [all] if all == "*" => "any".to_owned(),
        names => some(names, NAMED),
    }
}

fn offered(mount: &Mount) -> String {
    let Mount { source, target, writable, exec, optional, reason } = mount;
    let rights = match (writable, exec) {
        (false, false) => "to be read",
        (false, true) => "to be read and executed",
        (true, false) => "TO BE WRITTEN TO",
        (true, true) => "TO BE WRITTEN TO and executed",
    };
    let why = reason.as_ref().map(|reason| format!(", because of: {reason}")).unwrap_or_default();
    let nothing = if *optional { " That it is optional means nothing." } else { "" };
    format!("A mount of {source} or of what lies in it, {rights}, at {target} unless it says another place{why}.{nothing}")
}

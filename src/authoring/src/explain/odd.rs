//! What is odd in a policy: what it gives beyond the harmless, why, and what that endangers.

use remand_policy::policy::{Enforce, NetworkMode, Policy};
use remand_syscalls::danger;

use super::page::Page;

pub(super) fn odd(page: &mut Page<'_>) {
    page.title("What is odd, why it is there, and what it endangers");
    let before = page.text.len();
    grants(page);
    mounts(page);
    network(page);
    limits(page);
    optional(page);
    if page.text.len() == before {
        page.say("Nothing: no dangerous grant, no limit lifted, every protection required.");
    }
}

fn because(reason: Option<&String>) -> String {
    reason.map_or_else(|| "no reason is given".to_owned(), |reason| format!("because of: {reason}"))
}

fn grants(page: &mut Page<'_>) {
    for (index, grant) in page.policy.syscalls.rules.allow.iter().enumerate() {
        let Some(danger) = danger(&grant.call) else { continue };
        let when = if grant.when.is_empty() { "" } else { " with some arguments" };
        let sentence = format!("{}{when} is granted, {}. Danger: {danger}.", grant.call, because(grant.reason.as_ref()));
        page.of(&format!("syscalls.allow[{index}]"), sentence);
    }
}

fn mounts(page: &mut Page<'_>) {
    for (index, mount) in page.policy.filesystem.mounts.iter().enumerate() {
        let field = format!("filesystem.mounts[{index}]");
        if mount.writable {
            let danger = "a run can fill it, leave links and FIFOs in it, and pass on to whoever reads it what they may not expect";
            page.of(&field, format!("{} is writable, {}. Danger: {danger}.", mount.target, because(mount.reason.as_ref())));
        }
        if mount.writable && mount.exec {
            page.of(
                &field,
                format!("{} is writable and executable: a run can bring along programs for itself and for later runs.", mount.target),
            );
        }
    }
    for (index, mount) in page.policy.request.mounts.iter().enumerate().filter(|(_, mount)| mount.writable) {
        let danger = "a request can have a run write with the rights of whose it is";
        page.of(
            &format!("request.mounts[{index}]"),
            format!("What lies in {} may be chosen to be written to, {}. Danger: {danger}.", mount.source, because(mount.reason.as_ref())),
        );
    }
    if page.policy.filesystem.tmp.exec {
        page.of(
            "filesystem.tmp.exec",
            "/tmp is executable: a run can write native code and start it. (Native code in memory it has anyway.)",
        );
    }
}

fn network(page: &mut Page<'_>) {
    let network = &page.policy.network;
    let danger = match network.mode {
        NetworkMode::None => return,
        NetworkMode::Loopback => "runs that share the network namespace can find each other's sockets there",
        NetworkMode::Host => "whatever the host can reach without a password, a run can: metadata services, databases, other machines",
    };
    page.of("network.mode", format!("A network is granted, {}. Danger: {danger}.", because(network.reason.as_ref())));
}

fn limits(page: &mut Page<'_>) {
    let limits = &page.policy.limits;
    let lifted = [
        ("wall_time", limits.wall_time.value().is_none(), "a run may last for ever"),
        ("cpu_time", limits.cpu_time.value().is_none(), "a run may compute for as long as it lasts"),
        ("cpus", limits.cpus.value().is_none(), "a run may take every processor"),
        ("memory", limits.memory.value().is_none(), "a run may take all memory, and the kernel may end other programs for it"),
        ("pids", limits.pids.value().is_none(), "a fork bomb may take every process id"),
        ("file_size", limits.file_size.value().is_none(), "a file may fill what it lies on"),
    ];
    for (field, _, danger) in lifted.into_iter().filter(|(_, lifted, _)| *lifted) {
        page.of(&format!("limits.{field}"), format!("limits.{field} is lifted: {danger}."));
    }
}

fn optional(page: &mut Page<'_>) {
    let Policy { limits, syscalls, namespaces, landlock, .. } = page.policy;
    let asked = [
        ("limits.cgroup", limits.cgroup),
        ("syscalls.enforce", syscalls.enforce),
        ("namespaces.ipc", namespaces.ipc),
        ("namespaces.uts", namespaces.uts),
        ("namespaces.network", namespaces.network),
        ("namespaces.cgroup", namespaces.cgroup),
        ("namespaces.own_uid", namespaces.own_uid),
        ("landlock.enforce", landlock.enforce),
    ];
    for (field, _) in asked.into_iter().filter(|(_, enforce)| *enforce == Enforce::Optional) {
        page.of(field, format!("{field} is optional: on a host without it, runs go on without."));
    }
}

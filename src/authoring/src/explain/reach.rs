//! What a run can reach: networks, processes, other runs.

use remand_plan::Protection;
use remand_policy::policy::{Enforce, Namespaces, NetworkMode, Policy, Word};

use super::page::Page;
use crate::lint::unshown;

pub(super) fn reach(page: &mut Page<'_>) {
    let Policy { network, namespaces, .. } = page.policy;
    page.title("What a run can reach");
    let sentence = match network.mode {
        NetworkMode::None => "No network, not even a loopback that is up",
        NetworkMode::Loopback => "A loopback of its own, which leads to no other machine and no service of the host",
        NetworkMode::Host => "EVERY ADDRESS THAT THE HOST REACHES, services on the host's loopback included",
    };
    let reason = network.reason.as_ref().map_or(String::new(), |reason| format!(" Why: {reason}."));
    page.of("network.mode", format!("{sentence} (network.mode is {}).{reason}", network.mode.word()));
    for (what, lines) in unshown(page.policy) {
        page.say(format!("On that network, {what} (to show it, add {lines} to filesystem.mounts)."));
    }
    if network.mode == NetworkMode::None {
        let holds =
            if page.plan.is_some() { page.how(&Protection::LandlockTcp, None) } else { ", where the kernel has it (ABI 4)".to_owned() };
        page.say(format!("Landlock, a second lock on the network{holds}."));
    }
    let Namespaces { ipc, uts, network, cgroup, own_uid } = namespaces;
    // What a run is made of; no policy says anything of it.
    for (protection, sentence) in [
        (Protection::UserNamespace, "No capability outside of its own user namespace"),
        (Protection::MountNamespace, "No mount of the host"),
        (Protection::PidNamespace, "No process but its own: it can neither see, signal nor trace others"),
    ] {
        let holds = page.how(&protection, None);
        page.say(format!("{sentence}{holds}."));
    }
    let rows: [(&str, Protection, &str, Enforce); 5] = [
        ("ipc", Protection::IpcNamespace, "No System V or POSIX IPC object of the host", *ipc),
        ("uts", Protection::UtsNamespace, "No host name of the host to change", *uts),
        ("network", Protection::NetworkNamespace, "No interface and no abstract socket of the host", *network),
        ("cgroup", Protection::CgroupNamespace, "No path of the host's cgroups", *cgroup),
        ("own_uid", Protection::OwnUid, "A user id that no other concurrent run has", *own_uid),
    ];
    for (field, protection, sentence, enforce) in rows {
        if field == "network" && page.policy.network.mode == NetworkMode::Host {
            page.of(
                "namespaces.network",
                format!("Its network namespace is the host's (namespaces.network is {}, to no effect).", enforce.word()),
            );
            continue;
        }
        let holds = page.how(&protection, Some(enforce));
        page.of(&format!("namespaces.{field}"), format!("{sentence}{holds}."));
    }
    let scopes =
        if page.plan.is_some() { page.how(&Protection::LandlockScopes, None) } else { ", where the kernel has it (ABI 6)".to_owned() };
    page.say(format!("Landlock, a second lock on sockets and signals{scopes}."));
    let locks = page.how(&Protection::FileLocks, None);
    let shared = if page.policy.writes_to_host() { ", but on files of the mounts that it writes to" } else { "" };
    page.say(format!("No file lock of another run's or of the host's, and none of its own that they see{shared}{locks}."));
    let privileges =
        [Protection::NoNewPrivs, Protection::Capabilities, Protection::SupplementaryGroups].map(|protection| page.how(&protection, None));
    let [no_new, capabilities, groups] = privileges;
    page.say(format!("No privilege by a set-id program{no_new}; no capability{capabilities}; no group of the caller's{groups}."));
    let pipe = page.how(&Protection::ResultPipe, None);
    page.say(format!("The supervisor through the result pipe alone, to which it writes{pipe}."));
}

//! Mounts, network and Landlock: what is shown twice, and what reaches nothing.

use remand_plan::landlock::NEWEST;
use remand_policy::places::{behind, beneath, inside};
use remand_policy::policy::{Enforce, Mount, NetworkMode, Policy, Word};
use remand_policy::text::quote;
use remand_syscalls::granted;

use super::advice::{Found, Spot, field};

/// Places of which one must be shown, what fails without, and the entries that show them. OpenSSL looks for certificates in the directory that it was built
/// for: `/usr/lib/ssl` (Debian; its links lead on to two more), `/etc/pki/tls` (Fedora), `/etc/ssl` with one file (Alpine).
const NEEDED: &[(&[&str], &str, &str)] = &[
    (
        &["/etc/resolv.conf"],
        "no name is found but those in the run's own /etc/hosts: no mount shows /etc/resolv.conf",
        r#"{ "source": "/etc/resolv.conf" }"#,
    ),
    (
        &["/usr/lib/ssl/cert.pem", "/usr/lib/ssl/certs", "/etc/pki/tls/cert.pem", "/etc/pki/tls/certs", "/etc/ssl/cert.pem"],
        "every TLS peer is refused: no mount shows certificates of authorities where OpenSSL looks for them",
        r#"{ "source": "/usr/lib/ssl" }, { "source": "/etc/ssl/certs" }, { "source": "/usr/share/ca-certificates" } (Debian's places)"#,
    ),
];

pub(super) fn advise(policy: &Policy, found: &mut Found) {
    mounts(&policy.filesystem.mounts, found);
    patterns(&policy.filesystem.mounts, found);
    network(policy, found);
    landlock(policy, found);
}

/// A mount that shows what an outer one shows at the same place with the same rights.
fn mounts(mounts: &[Mount], found: &mut Found) {
    for (index, inner) in mounts.iter().enumerate() {
        let same = |outer: &&Mount| {
            behind(&inner.target, &outer.target) == behind(&inner.source, &outer.source)
                && (inner.writable, inner.exec) == (outer.writable, outer.exec)
        };
        // The last mount on the way is the one that is seen there.
        let outer = mounts.iter().take(index).rfind(|outer| inside(&inner.target, &outer.target));
        if let Some(outer) = outer.filter(same) {
            let message =
                format!("the mount at {} shows what the one at {} shows there already", quote(&inner.target), quote(&outer.target));
            found.say([Spot::Entry("filesystem.mounts", index)], message, "take it out");
        }
    }
}

/// Paths that other tools would fill in. Legal names all the same, so no errors.
fn patterns(mounts: &[Mount], found: &mut Found) {
    for (index, mount) in mounts.iter().enumerate() {
        let filled = [&mount.source, &mount.target].into_iter().find_map(|path| Some((path, path.chars().find(|c| "*?$[{".contains(*c))?)));
        if let Some((path, sign)) = filled {
            let message = format!("{} is taken letter by letter: nothing is put in for {sign:?}", quote(path));
            found.say([Spot::Entry("filesystem.mounts", index)], message, "write the path itself, or the directory that holds the files");
        }
    }
}

fn network(policy: &Policy, found: &mut Found) {
    let mode = policy.network.mode;
    // Unix sockets by name stay within the run.
    let mut rules = policy.syscalls.rules.clone();
    rules.allow.retain(|grant| grant.call != "@unix_sockets");
    let sockets = granted(&rules).unwrap_or_default();
    let group = policy.syscalls.rules.allow.iter().position(|grant| grant.call == "@sockets" || grant.call == "@raw_sockets");
    if let Some(index) = group.filter(|_| mode == NetworkMode::None) {
        let message = "sockets reach nothing outside the run: network.mode = none leaves it without a network";
        let help = "write \"network\": {\"mode\": \"host\", \"reason\": \"...\"}, or \"loopback\"; sockets within the run need \"@socketpair\" alone";
        found.say([Spot::Entry("syscalls.allow", index)], message, help);
    }
    if mode != NetworkMode::None && !sockets.contains_key("socket") {
        let message = format!("network.mode = {} has no use: syscalls.allow grants no socket to reach it by", mode.word());
        return found.say([field("network.mode"), field("syscalls.allow")], message, "grant \"@sockets\", or write \"none\"");
    }
    for (what, lines) in unshown(policy) {
        found.say(
            [field("network.mode")],
            format!("the host's network without its files: {what}"),
            format!("add {lines} to filesystem.mounts"),
        );
    }
}

/// What a run on the host's network looks for in files, and is not shown: what it cannot do without them, and the entries to add to `filesystem.mounts`.
pub(crate) fn unshown(policy: &Policy) -> Vec<(&'static str, &'static str)> {
    let shown = |path: &&str| policy.filesystem.mounts.iter().any(|mount| beneath(path, &mount.target));
    let lacks = |(paths, _, _): &&(&[&str], _, _)| policy.network.mode == NetworkMode::Host && !paths.iter().any(&shown);
    NEEDED.iter().filter(lacks).map(|(_, what, lines)| (*what, *lines)).collect()
}

fn landlock(policy: &Policy, found: &mut Found) {
    let (newest, linux) = NEWEST;
    let (abi, enforce) = (policy.landlock.minimum_abi, policy.landlock.enforce);
    if enforce == Enforce::Optional && abi > 1 {
        let message = format!("landlock.minimum_abi = {abi} has no effect, since landlock.enforce = optional takes what the kernel has");
        found.say([field("landlock.minimum_abi"), field("landlock.enforce")], message, "write \"required\", or 1");
    } else if abi > newest {
        let message = format!("no Linux up to {linux} has a Landlock ABI {abi}: nothing runs under this policy");
        found.say([field("landlock.minimum_abi"), field("landlock.enforce")], message, format!("at most {newest} (Linux {linux})"));
    }
}

//! The protections that no mechanism's file of its own decides: namespaces, ids and rights, `/proc`, the seccomp filter.
//!
//! Always holds: each is entered in the ledger, where it is enforced and where it is not.

use remand_policy::policy::{Enforce, NetworkMode, Policy};
use remand_syscalls::bpf::Instruction;
use remand_syscalls::{Around, Rules, granted};

use super::landlock;
use super::ledger::Ledger;
use super::owners::own_ids;
use crate::enforcement::Enforcement;
use crate::host::{Fact, HostFacts};
use crate::protection::Protection;

/// The namespaces. User, mount and PID are what a run is made of: without them there is none, and no policy says anything of them.
pub(super) fn namespaces(ledger: &mut Ledger, policy: &Policy, host: &HostFacts) {
    let (facts, asked) = (&host.namespaces, &policy.namespaces);
    ledger.need(Protection::UserNamespace, &facts.user, Enforce::Required, "user namespace of the forkserver");
    ledger.need(Protection::MountNamespace, &facts.mount, Enforce::Required, "mount namespace of the run, its root built from nothing");
    ledger.need(Protection::PidNamespace, &facts.pid, Enforce::Required, "PID namespace of the run");
    ledger.need(Protection::IpcNamespace, &facts.ipc, asked.ipc, "IPC namespace of the run");
    ledger.need(Protection::UtsNamespace, &facts.uts, asked.uts, "UTS namespace of the forkserver");
    ledger.need(Protection::CgroupNamespace, &facts.cgroup, asked.cgroup, "cgroup namespace of the run");
    let by = match policy.network.mode {
        NetworkMode::None => "empty network namespace",
        NetworkMode::Loopback => "network namespace with its own loopback",
        NetworkMode::Host => return ledger.absent(Protection::NetworkNamespace, "network.mode is host"),
    };
    ledger.need(Protection::NetworkNamespace, &facts.network, asked.network, by);
}

/// Ids, groups, capabilities, and who owns the result pipe.
pub(super) fn identity(ledger: &mut Ledger, policy: &Policy, host: &HostFacts) {
    let own = if own_ids(host) {
        host.ids_alone.clone()
    } else {
        Fact::Missing {
            blocker: "this process may not map other users' ids".into(),
            remedy: "Run remand as root, or say namespaces.own_uid = \"optional\".".into(),
        }
    };
    let missing = ledger.need(Protection::OwnUid, &own, policy.namespaces.own_uid, "a host uid from the pool");
    ledger.instead(Protection::OwnUid, missing.filter(|_| own_ids(host)), "a host uid from the pool, at random");
    ledger.by(Protection::NoNewPrivs, "PR_SET_NO_NEW_PRIVS");
    ledger.by(Protection::Capabilities, "all five sets empty");
    if host.privileged {
        ledger.by(Protection::SupplementaryGroups, "none");
        ledger.by(Protection::ResultPipe, "mode 0200, owned by the supervisor's user");
    } else {
        ledger.absent(Protection::SupplementaryGroups, "a user namespace that maps only its maker keeps its groups");
        ledger.substitute(Protection::ResultPipe, "mode 0200", "without privilege the run's user owns the pipe and can change its mode");
    }
}

/// Whether `/proc` is mounted. Where it cannot be, the run sees less, not more.
pub(super) fn proc(ledger: &mut Ledger, policy: &Policy, host: &HostFacts) -> bool {
    match (policy.filesystem.proc, &host.proc_mount) {
        (true, Fact::Available) => ledger.by(Protection::Proc, "the run's own processes only"),
        (true, Fact::Missing { blocker, .. }) => ledger.enter(Protection::Proc, no_proc(blocker)),
        (false, _) => ledger.by(Protection::Proc, "not mounted: filesystem.proc is false"),
    }
    policy.filesystem.proc && host.proc_mount.available()
}

/// What is said of a `/proc` that cannot be mounted: never the container's, which shows the supervisor and other runs.
pub(super) fn no_proc(because: &str) -> Enforcement {
    Enforcement::Substitute { by: "not mounted".into(), because: because.into() }
}

/// Calls that make memory which only a cgroup counts; refused where none does.
pub const UNCOUNTED: [&str; 2] = ["memfd_create", "shmget"];

/// The group whose grant takes that no name of a socket leads out of the run.
pub(super) const UNIX_SOCKETS: &str = "@unix_sockets";

/// What keeps the names of Unix sockets within a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// The kernel.
    Kept,
    /// The supervisor, which makes the connections.
    Served,
    /// Nothing: the policy grants `connect` besides, which is its own affair.
    Granted,
    /// Nothing, and what would lead out is not granted: why.
    LeadOut(String),
}

/// What keeps a Unix socket of the run from another run's, or the host's. Whatever is shown to a run, its interpreter's files too, may hold a socket of the host's,
/// now or later, and no read-only mount keeps anybody from connecting to it.
pub(super) fn names(policy: &Policy, host: &HostFacts) -> Names {
    let own_network = policy.network.mode != NetworkMode::Host && host.namespaces.network.available();
    let (abi, kept) = (host.landlock_abi, landlock::SOCKET_FILES);
    if !own_network && abi < landlock::SCOPES {
        return Names::LeadOut(format!(
            "the run has no network namespace of its own, and the kernel's Landlock ABI is {abi}: {} keeps abstract names apart",
            landlock::SCOPES
        ));
    }
    if abi >= kept {
        return Names::Kept;
    }
    let mut others = policy.syscalls.rules.clone();
    others.allow.retain(|grant| grant.call != UNIX_SOCKETS);
    if granted(&others).is_ok_and(|granted| granted.contains_key("connect")) {
        return Names::Granted;
    }
    let why =
        |what: &str| Names::LeadOut(format!("{what}, and the kernel's Landlock ABI is {abi}: {kept} keeps runs from sockets of the host"));
    if !own_network {
        return why("the network namespace is the host's");
    }
    // Where the run could leave a socket, others would connect to it.
    if let Some(mount) = policy.filesystem.mounts.iter().find(|mount| mount.writable) {
        return why(&format!("{} can be written", mount.source));
    }
    Names::Served
}

/// What a policy grants on a host.
pub(super) fn rules(policy: &Policy, host: &HostFacts) -> Rules {
    let mut rules = policy.syscalls.rules.clone();
    if let Names::LeadOut(_) = names(policy, host) {
        rules.allow.retain(|grant| grant.call != UNIX_SOCKETS);
    }
    rules
}

/// What the filter of a run has to know.
pub(super) fn around(policy: &Policy, host: &HostFacts, watched: bool) -> Around {
    Around { writable: policy.writes_to_host(), watched, names: names(policy, host) == Names::Served }
}

/// The same, where `watched` memory is all that holds a run.
pub(super) fn calls(policy: &Policy, host: &HostFacts, watched: bool) -> Rules {
    let mut calls = rules(policy, host);
    if watched {
        // Memory of a file that nobody maps is in no process's count.
        calls.deny.extend(UNCOUNTED.map(str::to_owned));
    }
    calls
}

/// The seccomp filter; empty where it is not enforced.
pub(super) fn filter(ledger: &mut Ledger, policy: &Policy, host: &HostFacts, watched: bool) -> Vec<Instruction> {
    let program = match remand_syscalls::compile_for_run(&calls(policy, host, watched), host.arch, around(policy, host, watched)) {
        Ok(program) => program,
        Err(error) => {
            ledger.refuse(Protection::Seccomp, error.to_string(), "Change the policy.");
            return Vec::new();
        }
    };
    let by = format!("seccomp filter of {} instructions; refused calls are recorded", program.len());
    ledger.need(Protection::Seccomp, &host.seccomp, policy.syscalls.enforce, &by);
    if policy.syscalls.rules.allow.iter().any(|grant| grant.call == UNIX_SOCKETS) {
        match names(policy, host) {
            Names::LeadOut(why) => ledger.substitute(Protection::UnixSockets, format!("{UNIX_SOCKETS} is not granted here"), why),
            Names::Served => ledger.by(Protection::UnixSockets, "the supervisor connects them, to sockets in the run's own directories"),
            Names::Granted => {
                ledger.absent(Protection::UnixSockets, "syscalls.allow grants connect besides: to any socket that the run is shown")
            }
            Names::Kept => ledger.by(Protection::UnixSockets, "no name of one leads out of the run"),
        }
    }
    // Without a filter nothing hands them over.
    match &host.seccomp {
        Fact::Available => {
            let shared = "; but on writable mounts, which others share, each is the kernel's too and seen by whoever opens the file (ENOLCK on FUSE, network \
                          and other file systems that may ask somebody)";
            let shared = if policy.writes_to_host() { shared } else { "" };
            ledger.by(Protection::FileLocks, format!("kept by the supervisor: none is the kernel's, no other run sees one{shared}"));
        }
        Fact::Missing { blocker, .. } => ledger.absent(Protection::FileLocks, blocker),
    }
    if host.seccomp.available() { program } else { Vec::new() }
}

//! Each protection against what the host gives: enforced by what, replaced by what, absent because of what, or refused.
//!
//! Always holds: a protection is weighed once; a required one that is missing is a refusal, and an optional one has an entry either way.

use std::collections::BTreeMap;

use super::{Made, Refused};
use crate::host::{Fact, HostFacts};
use crate::outcome::Enforcement;
use crate::policy::{Enforce, NetworkMode, Policy};
use crate::syscalls::bpf::Instruction;
use crate::syscalls::compile;

/// What has been weighed so far.
#[derive(Debug, Default)]
pub(super) struct Protections {
    enforcement: BTreeMap<String, Enforcement>,
    refused: Vec<Refused>,
}

impl Protections {
    /// Weighs one: `by` is what enforces it, `substitute` what stands in where it is optional and missing. Returns whether it is had.
    pub(super) fn weigh(&mut self, name: &str, wanted: Enforce, fact: &Fact, by: &str, substitute: Option<&str>) -> bool {
        match (fact, wanted, substitute) {
            (Fact::Available, _, _) => self.note(name, Enforcement::By(by.to_owned())),
            (Fact::Missing { blocker, remedy }, Enforce::Required, _) => self.refuse(name, blocker, remedy),
            (Fact::Missing { blocker, .. }, Enforce::Optional, Some(substitute)) => {
                self.note(name, Enforcement::Substitute { by: substitute.to_owned(), because: blocker.clone() });
            }
            (Fact::Missing { blocker, .. }, Enforce::Optional, None) => self.note(name, Enforcement::Absent(blocker.clone())),
        }
        fact.available()
    }

    pub(super) fn note(&mut self, name: &str, how: Enforcement) {
        self.enforcement.insert(name.to_owned(), how);
    }

    pub(super) fn refuse(&mut self, protection: &str, blocker: &str, remedy: &str) {
        self.refused.push(Refused { protection: protection.to_owned(), blocker: blocker.to_owned(), remedy: remedy.to_owned() });
    }

    pub(super) fn finish(self) -> (Vec<Refused>, BTreeMap<String, Enforcement>) {
        (self.refused, self.enforcement)
    }

    pub(super) fn namespaces(&mut self, policy: &Policy, host: &HostFacts) -> Made {
        let (wanted, facts) = (&policy.namespaces, &host.namespaces);
        // Without these three there is no root of its own and no end that takes every process along: never optional.
        for (name, fact) in [("user_namespace", &facts.user), ("mount_namespace", &facts.mount), ("pid_namespace", &facts.pid)] {
            self.weigh(name, Enforce::Required, fact, "a new one", None);
        }
        if policy.filesystem.proc {
            self.weigh("proc", Enforce::Required, &host.proc_mount, "its own processes only: hidepid=invisible, subset=pid", None);
        }
        Made {
            ipc: self.weigh("ipc_namespace", wanted.ipc, &facts.ipc, "a new one", None),
            uts: self.weigh("uts_namespace", wanted.uts, &facts.uts, "a new one", None),
            cgroup: self.weigh("cgroup_namespace", wanted.cgroup, &facts.cgroup, "a new one", None),
            network: self.network(policy, host),
        }
    }

    fn network(&mut self, policy: &Policy, host: &HostFacts) -> bool {
        let (wanted, fact) = (policy.namespaces.network, &host.namespaces.network);
        match policy.network.mode {
            NetworkMode::Host => {
                self.note("network_namespace", Enforcement::Absent("network.mode is host".into()));
                false
            }
            NetworkMode::Loopback => self.weigh("network_namespace", Enforce::Required, fact, "a new one with only its own loopback", None),
            NetworkMode::None => self.weigh("network_namespace", wanted, fact, "a new, empty one", None),
        }
    }

    /// The compiled filter; empty where there is none.
    pub(super) fn filter(&mut self, policy: &Policy, host: &HostFacts) -> Vec<Instruction> {
        match compile(&policy.syscalls, host.arch) {
            Ok(filter) => {
                let by = format!("filter of {} instructions, denials recorded", filter.len());
                let had = self.weigh("seccomp", policy.syscalls.enforce, &host.seccomp, &by, None);
                if had { filter } else { Vec::new() }
            }
            Err(error) => {
                self.refuse("syscalls", &error.to_string(), "change syscalls.allow, deny or kill");
                Vec::new()
            }
        }
    }

    /// What every start gives, and what privilege adds.
    pub(super) fn given(&mut self, policy: &Policy, host: &HostFacts) {
        self.note("capabilities", Enforcement::By("all five sets empty, securebits locked".into()));
        self.note("no_new_privs", Enforcement::By("prctl".into()));
        if let Some(span) = policy.limits.wall_time.value() {
            self.note("wall_time", Enforcement::By(format!("the supervisor's monotonic clock, {span}")));
        }
        let privileged = if host.privileged && host.run_ids >= 2 {
            Fact::Available
        } else {
            Fact::Missing { blocker: "an ordinary user can map only its own id".into(), remedy: "run remand as root".into() }
        };
        self.weigh("own_uid", policy.namespaces.own_uid, &privileged, "a host uid that no other run has", Some("the caller's uid"));
        let rootless = Some("mode 0200, but the run's user owns the inode and could change that");
        self.weigh("result_pipe", Enforce::Optional, &privileged, "mode 0200, owned by the supervisor", rootless);
    }
}

//! Hosts and an interpreter for tests; those of the packages above include this file too.
#![allow(dead_code, clippy::unreachable)] // not every test needs all of them

use std::collections::BTreeMap;

use remand_plan::Interpreter;
use remand_plan::files::FileId;
use remand_plan::host::{CgroupFacts, CgroupVersion, Fact, HostFacts, NamespaceFacts};
use remand_plan::interpreter::Tree;
use remand_syscalls::Arch;

/// A fact that is not.
pub fn missing(what: &str) -> Fact {
    Fact::Missing { blocker: format!("no {what}"), remedy: format!("Get {what}.") }
}

/// Root on cgroup v2 with everything there is.
pub fn full() -> HostFacts {
    let yes = || Fact::Available;
    HostFacts {
        kernel: "6.18.0".into(),
        kernel_version: (6, 18),
        arch: Arch::X86_64,
        uid: 0,
        gid: 0,
        groups: vec![0],
        privileged: true,
        run_ids: 1000,
        first_run_id: 60000,
        ids_alone: yes(),
        namespaces: NamespaceFacts { user: yes(), mount: yes(), pid: yes(), ipc: yes(), uts: yes(), network: yes(), cgroup: yes() },
        cgroup: CgroupFacts {
            version: CgroupVersion::V2,
            memory: yes(),
            pids: yes(),
            cpu: yes(),
            parent: "/sys/fs/cgroup/remand".into(),
            own: "/sys/fs/cgroup/remand".into(),
            v1: BTreeMap::new(),
            swap: yes(),
            surrounding: Vec::new(),
            exposed: None,
        },
        landlock_abi: 7,
        landlock: yes(),
        seccomp: yes(),
        proc_mount: yes(),
        descriptors: 1024,
        stack: u64::MAX,
        cpus: 4,
        glibc: Some((2, 36)),
        warnings: Vec::new(),
    }
}

/// An ordinary user without delegation.
pub fn rootless() -> HostFacts {
    let cgroup = match missing("delegation") {
        Fact::Missing { blocker, remedy } => CgroupFacts::none(&blocker, &remedy),
        Fact::Available => unreachable!(),
    };
    HostFacts { uid: 1001, gid: 1001, groups: vec![1001], privileged: false, run_ids: 0, cgroup, ..full() }
}

/// Debian's.
pub fn python() -> Interpreter {
    let tree = |binds: &[&str], links: &[(&str, &str)], hidden: &[&str]| Tree {
        binds: binds.iter().map(|path| (path.to_string(), FileId::default())).collect(),
        links: links.iter().map(|(path, target)| (path.to_string(), target.to_string())).collect(),
        hidden: hidden.iter().map(ToString::to_string).collect(),
    };
    Interpreter {
        executable: "/usr/bin/python3.11".into(),
        version: (3, 11, 2),
        prefix: "/usr".into(),
        core: tree(&["/usr/bin/python3.11", "/usr/lib/python3.11"], &[("/lib", "usr/lib")], &["/usr/lib/python3.11/test"]),
        site: tree(&["/usr/lib/python3.11/lib-dynload", "/usr/lib/python3/dist-packages"], &[("/lib", "usr/lib")], &[]),
        site_paths: vec!["/usr/lib/python3/dist-packages".into()],
        beside: Vec::new(),
        left_out: Vec::new(),
        standard_path: vec!["/usr/lib/python3.11".into()],
        builtin: Vec::new(),
        suffixes: Vec::new(),
        executor: b"code".to_vec(),
    }
}

//! Each blocker is told from the others, and has its own remedy.
#![allow(clippy::panic)]

use super::*;

const NETWORK: Kind =
    Kind { name: "network", limit: "net", flag: libc::CLONE_NEWNET, step: Step::NetworkNamespace, option: "CONFIG_NET_NS" };
const USER: Kind = Kind { name: "user", limit: "user", flag: 0, step: Step::UserNamespace, option: "CONFIG_USER_NS" };

fn ordinary() -> Surroundings {
    Surroundings { mapped: true, proc_mounted: true, ..Surroundings::default() }
}

fn told(fact: &Fact) -> (&str, &str) {
    match fact {
        Fact::Missing { blocker, remedy } => (blocker, remedy),
        Fact::Available => panic!("available"),
    }
}

#[test]
fn user_namespaces() {
    let filtered = Surroundings { filtered: true, ..ordinary() };
    let cases: &[(&Kind, Step, i32, Surroundings, &str, &str)] = &[
        (
            &USER,
            USER.step,
            libc::EPERM,
            Surroundings { userns_clone: Some(0), ..ordinary() },
            "unprivileged_userns_clone = 0 (EPERM)",
            "userns_clone=1",
        ),
        (&USER, USER.step, libc::EPERM, filtered.clone(), "seccomp filter", "seccomp=unconfined"),
        (&USER, USER.step, libc::ENOSYS, filtered, "seccomp filter hides", "seccomp=unconfined"),
        (&USER, USER.step, libc::EPERM, Surroundings { chroot: true, ..ordinary() }, "in a chroot", "pivot_root"),
        (&USER, USER.step, libc::EPERM, Surroundings { mapped: false, ..ordinary() }, "no id in its user namespace", "uid_map"),
        (&USER, USER.step, libc::EACCES, Surroundings { apparmor: Some(1), ..ordinary() }, "AppArmor", "userns,"),
        (
            &USER,
            Step::IdMap,
            libc::EACCES,
            Surroundings { apparmor: Some(1), ..ordinary() },
            "no capabilities in them (EACCES at id_map)",
            "userns,",
        ),
        (&NETWORK, NETWORK.step, libc::EPERM, Surroundings { apparmor: Some(1), ..ordinary() }, "no capabilities in them", "userns,"),
        (&USER, USER.step, libc::EPERM, ordinary(), "security module", "log"),
        (&USER, USER.step, libc::EINVAL, ordinary(), "built without user namespaces (EINVAL)", "CONFIG_USER_NS=y"),
        (&NETWORK, NETWORK.step, libc::EINVAL, ordinary(), "built without network namespaces", "CONFIG_NET_NS=y"),
        (
            &NETWORK,
            NETWORK.step,
            libc::ENOSPC,
            Surroundings { limits: vec![("net", 0)], ..ordinary() },
            "user.max_net_namespaces = 0 (ENOSPC)",
            "sysctl",
        ),
        (&NETWORK, NETWORK.step, libc::ENOSPC, Surroundings { limits: vec![("net", 9)], ..ordinary() }, "= 9 here, or less", "above"),
        (&USER, Step::IdMap, libc::ENOENT, ordinary(), "no /proc here", "mount"),
        (&USER, Step::IdMap, libc::EPERM, ordinary(), "id map of a user namespace was refused (EPERM)", "log"),
        (&USER, USER.step, libc::ENOMEM, ordinary(), "refused at user_namespace (ENOMEM)", "log"),
    ];
    for (kind, step, errno, around, blocker, remedy) in cases {
        let fact = namespace(kind, &Failure { step: *step, index: 0, errno: *errno }, around);
        let told = told(&fact);
        assert!(told.0.contains(blocker) && told.1.contains(remedy), "{told:?} lacks {blocker:?} or {remedy:?}");
    }
}

#[test]
fn root_is_not_held_by_limits_for_others() {
    let root = Surroundings { admin: true, userns_clone: Some(0), apparmor: Some(1), ..ordinary() };
    let fact = namespace(&USER, &Failure { step: USER.step, index: 0, errno: libc::EPERM }, &root);
    assert!(told(&fact).0.contains("security module"));
}

#[test]
fn a_fresh_proc() {
    let covered = Surroundings { proc_covers: vec!["/proc/kcore".into()], ..ordinary() };
    let none = Surroundings { proc_mounted: false, ..ordinary() };
    for (errno, around, blocker, remedy) in [
        (libc::EPERM, covered, "covered (/proc/kcore)", "unmask=ALL"),
        (libc::EPERM, none, "no /proc is mounted", "mount"),
        (libc::EINVAL, ordinary(), "restricted", "5.8"),
        (libc::ENOSYS, ordinary(), "no fsopen", "5.8"),
        (libc::EPERM, ordinary(), "refused (EPERM)", "log"),
    ] {
        let fact = proc(errno, &around);
        let told = told(&fact);
        assert!(told.0.contains(blocker) && told.1.contains(remedy), "{told:?}");
    }
}

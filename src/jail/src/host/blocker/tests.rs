//! Each blocker is told from the others, and has its own remedy.
#![allow(clippy::panic)]

use super::*;

fn ordinary() -> Surroundings {
    Surroundings { mapped: true, proc_mounted: true, modules: Some(vec!["selinux"]), ..Surroundings::default() }
}

fn told(fact: &Fact) -> (&str, &str) {
    match fact {
        Fact::Missing { blocker, remedy } => (blocker, remedy),
        Fact::Available => panic!("available"),
    }
}

#[test]
fn user_namespaces() {
    let filtered = Surroundings { refused: vec!["unshare", "pivot_root"], ..ordinary() };
    let cases: &[(&Kind, Child, i32, Surroundings, &str, &str)] = &[
        (
            &USER,
            USER.step,
            libc::EPERM,
            Surroundings { userns_clone: Some(0), ..ordinary() },
            "unprivileged_userns_clone = 0 (EPERM)",
            "userns_clone=1",
        ),
        (&USER, USER.step, libc::EPERM, filtered.clone(), "seccomp filter", "seccomp=unconfined"),
        (
            &USER,
            USER.step,
            libc::ENOSYS,
            filtered,
            "seccomp filter, as container runtimes install it, refuses user namespaces (ENOSYS)",
            "allow unshare, pivot_root:",
        ),
        (&USER, USER.step, libc::EPERM, Surroundings { chroot: true, ..ordinary() }, "in a chroot", "pivot_root"),
        (&USER, USER.step, libc::EPERM, Surroundings { mapped: false, ..ordinary() }, "no id in its user namespace", "uid_map"),
        (&USER, USER.step, libc::EACCES, Surroundings { apparmor: Some(1), ..ordinary() }, "AppArmor", "userns,"),
        (
            &USER,
            Child::IdMap,
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
        (&USER, Child::IdMap, libc::ENOENT, ordinary(), "no /proc here", "mount"),
        (&USER, Child::IdMap, libc::EROFS, ordinary(), "/proc is mounted read-only", "remount"),
        (&USER, Child::IdMap, libc::EPERM, ordinary(), "refuses the id map of a user namespace (EPERM)", "log"),
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
        (libc::EPERM, ordinary(), "(selinux) refuses a fresh /proc (EPERM)", "log"),
    ] {
        let fact = proc(errno, &around);
        let told = told(&fact);
        assert!(told.0.contains(blocker) && told.1.contains(remedy), "{told:?}");
    }
}

#[test]
fn a_refusal_is_explained_by_what_is_there() {
    let none = Some(Vec::new());
    let told = |name: Step, errno: i32, around: Surroundings| match step(name, errno, &around) {
        Some(Fact::Missing { blocker, remedy }) => format!("{blocker}: {remedy}"),
        _ => String::new(),
    };
    let filtered = || Surroundings { refused: vec!["unshare", "pivot_root"], ..ordinary() };
    let confined = || Surroundings { profile: Some("remand (enforce)".into()), ..ordinary() };
    for (name, errno, around, part) in [
        (Step::UserNamespace, libc::EPERM, Surroundings { chroot: true, root: true, admin: true, ..ordinary() }, "in a chroot"),
        (Step::UserNamespace, libc::EPERM, Surroundings { modules: none.clone(), ..ordinary() }, "in a chroot"),
        (Step::UserNamespace, libc::EPERM, Surroundings { modules: Some(vec!["selinux"]), ..ordinary() }, "(selinux)"),
        (Step::UserNamespace, libc::ENOSPC, Surroundings { limits: vec![("user", 0)], ..ordinary() }, "user.max_user_namespaces = 0"),
        (Step::IdMap, libc::EPERM, Surroundings { root: true, modules: none, ..ordinary() }, "CAP_SETFCAP"),
        (Step::OomScore, libc::ENOENT, Surroundings::default(), "mount -t proc"),
        (Step::OomScore, libc::EROFS, ordinary(), "/proc is mounted read-only"),
        (Step::Forkserver, libc::ENOSYS, filtered(), "refuses clone3"),
        (Step::MountNamespace, libc::EPERM, Surroundings { admin: true, ..filtered() }, "seccomp filter"),
        (Step::Root, libc::EPERM, filtered(), "seccomp filter"),
        (Step::Pivot, libc::EACCES, confined(), "\"remand (enforce)\""),
        (Step::Pivot, libc::EACCES, filtered(), "pivot_root"),
        (Step::RunMounts, libc::EPERM, Surroundings { proc_covers: vec!["/proc/kcore".into()], ..ordinary() }, "/proc/kcore"),
        (Step::IdMap, libc::EPERM, Surroundings { proc_foreign: true, ..ordinary() }, "another PID namespace's"),
        (Step::Ids, libc::EROFS, ordinary(), "/run is mounted read-only"),
        (Step::Ids, libc::EACCES, ordinary(), "/run cannot be written"),
        (Step::Ids, libc::EROFS, filtered(), "besides, a seccomp filter"),
        (Step::Landlock, libc::EPERM, filtered(), "refuses Landlock (EPERM): let it allow unshare, pivot_root:"),
        (Step::Pivot, libc::EPERM, Surroundings { root: true, ..filtered() }, "; and leave root its capabilities"),
        (Step::Root, libc::EFBIG, Surroundings { file_size: 8192, ..ordinary() }, "8192 bytes"),
    ] {
        assert!(told(name, errno, around).contains(part), "{name} {errno}: {part}");
    }
    // Nothing around has a part in these.
    for (name, errno) in
        [(Step::CloneInit, libc::EAGAIN), (Step::Root, libc::ENOENT), (Step::Root, libc::EACCES), (Step::Execve, libc::EACCES)]
    {
        assert_eq!(told(name, errno, ordinary()), "", "{name} {errno}");
    }
}

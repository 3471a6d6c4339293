#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use remand_policy::policy::{
    Choices, Device, Enforce, Filesystem, Landlock, Limits, Mount, Namespaces, Network, NetworkMode, NonFinite, Overflow, Policy, Python,
    Results, Surrogates, Syscalls, Tables, Tmp,
};
use remand_policy::units::{Bytes, Cpus, Limit, Span};
use remand_syscalls::{Arch, Around, Grant, Rules, is_dangerous, is_group, names};

use super::*;
use crate::enforcement::Enforcement;
use crate::files::{Entry, FileId, Files, Inode, Kind, NoProgram, Unseen};
use crate::fixtures::{full, missing, python, rootless};
use crate::host::{CgroupFacts, CgroupVersion, Fact, Surrounding};
use crate::interpreter::Tree;
use crate::plan::{Bind, CgroupLimits, LandlockPlan, Root, rlimit};
use crate::protection::Protection;

/// A small policy with these system calls; everything required.
fn small(allow: &[&str], deny: &[&str], kill: &[&str]) -> Policy {
    let yes = Enforce::Required;
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Policy {
        name: "test".into(),
        description: "for tests".into(),
        limits: Limits {
            wall_time: Limit::At(Span(10_000_000)),
            cpu_time: Limit::At(Span(5_500_000)),
            cpus: Limit::At(Cpus(1500)),
            memory: Limit::At(Bytes(256 << 20)),
            pids: Limit::At(32),
            open_files: 64,
            file_size: Limit::At(Bytes(16 << 20)),
            stack: Bytes(8 << 20),
            stdin: Bytes(900),
            stdout: Bytes(1000),
            stderr: Bytes(2000),
            prints: Bytes(3000),
            overflow: Overflow::End,
            result_size: Bytes(4000),
            result_depth: 50,
            result_nodes: 6000,
            job_size: Bytes(7000),
            artifacts: Bytes(8000),
            artifact_files: 9,
            cgroup: yes,
        },
        filesystem: Filesystem {
            tmp: Tmp { size: Bytes(64 << 20), inodes: 1024, exec: false },
            mounts: Vec::new(),
            proc: true,
            devices: Vec::new(),
        },
        syscalls: Syscalls {
            rules: Rules { allow: allow.iter().map(|call| Grant::any(call)).collect(), deny: names(deny), kill: names(kill) },
            quiet: Vec::new(),
            enforce: yes,
        },
        network: Network { mode: NetworkMode::None, reason: None },
        namespaces: Namespaces { ipc: yes, uts: yes, network: yes, cgroup: yes, own_uid: yes },
        landlock: Landlock { enforce: yes, minimum_abi: 1 },
        python: Python {
            interpreter: "python3".into(),
            stdlib_allow: vec!["*".into()],
            external_allow: Vec::new(),
            builtins_deny: Vec::new(),
            runner_env_deny: false,
        },
        result: Results { nan: NonFinite::Error, pandas: Tables::Error, surrogates: Surrogates::Error },
        environment: vec![("LANG".into(), "C.UTF-8".into())],
        request: Choices { interpreters: Vec::new(), environment: Vec::new(), mounts: Vec::new(), tty: false },
    }
}

/// All groups that are not dangerous.
fn safe_groups() -> Vec<&'static str> {
    names().filter(|name| is_group(name) && !is_dangerous(name)).collect()
}

fn policy() -> Policy {
    small(&safe_groups(), &[], &[])
}

/// As the shipped ones: what an ordinary user cannot have is optional.
fn lenient() -> Policy {
    let mut policy = policy();
    policy.limits.cgroup = Enforce::Optional;
    policy.namespaces.own_uid = Enforce::Optional;
    policy
}

fn on(policy: &Policy, host: &HostFacts) -> Result<Plan, Vec<Refused>> {
    resolve(policy, &Program::Python(&python()), host, &Unseen)
}

fn refused(policy: &Policy, host: &HostFacts) -> Vec<(Protection, String)> {
    on(policy, host).unwrap_err().into_iter().map(|refused| (refused.protection, refused.blocker)).collect()
}

fn around(writable: bool, watched: bool) -> Around {
    Around { writable, watched, names: false }
}

fn by(text: &str) -> Enforcement {
    Enforcement::By(text.into())
}

fn absent(because: &str) -> Enforcement {
    Enforcement::Absent(because.into())
}

fn instead(by: &str, because: &str) -> Enforcement {
    Enforcement::Substitute { by: by.into(), because: because.into() }
}

fn mount(target: &str) -> Mount {
    Mount { source: "/srv/data".into(), target: target.into(), writable: false, exec: false, optional: false, reason: None }
}

const READ: u64 = 0b1100;
const ALL: u64 = READ | 2 | 0x30 | 0x1780 | 0x6000;

#[test]
fn a_privileged_run_on_a_full_host() {
    let mut policy = policy();
    policy.filesystem.devices = vec![Device::Null, Device::Urandom];
    policy.filesystem.mounts = vec![Mount { writable: true, exec: true, ..mount("/data") }];
    let filter = remand_syscalls::compile_for_run(&policy.syscalls.rules, Arch::X86_64, around(true, false)).unwrap();
    let bind = |path: &str| Bind {
        source: path.into(),
        target: path.into(),
        writable: false,
        exec: true,
        owner: None,
        seen: Some(FileId::default()),
    };
    let link = |path: &str, target: &str| (path.to_owned(), target.to_owned());
    let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
    let rule = |path: &str, rights| (path.to_owned(), rights);
    let expected = Plan {
        rules: policy.syscalls.rules.clone(),
        quiet: BTreeSet::new(),
        policy_name: "test".into(),
        policy_hash: policy.hash(),
        root: Root {
            links: vec![
                link("/var/tmp", "/tmp"),
                link("/dev/shm", "/tmp"),
                link("/dev/fd", "/proc/self/fd"),
                link("/dev/stdin", "/proc/self/fd/0"),
                link("/dev/stdout", "/proc/self/fd/1"),
                link("/dev/stderr", "/proc/self/fd/2"),
                link("/lib", "usr/lib"),
            ],
            binds: vec![
                bind("/usr/bin/python3.11"),
                bind("/usr/lib/python3.11"),
                Bind { source: "/srv/data".into(), target: "/data".into(), writable: true, exec: true, owner: None, seen: None },
            ],
            hidden: vec!["/usr/lib/python3.11/test".into()],
            devices: vec!["/dev/null", "/dev/urandom"],
            files: vec![
                file(
                    "/etc/passwd",
                    "root:x:0:0:root:/nonexistent:/bin/false\nremand:x:1000:1000:remand:/tmp:/bin/false\n\
                     nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
                ),
                file("/etc/group", "root:x:0:\nremand:x:1000:\nnogroup:x:65534:\n"),
                file("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
                file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
                file("/remand/executor", "code"),
                file("/remand/main.py", "# The code of this run is the body of a function; what its processes import as `__main__` is this.\n"),
                file("/sys/devices/system/cpu/online", "0-1\n"),
            ],
            left_out: vec![],
        },
        tmp: TmpMount { size: 64 << 20, inodes: 1024, exec: false },
        proc: true,
        network: NetworkMode::None,
        cgroup: Some(CgroupLimits {
            memory: Some(256 << 20),
            pids: Some(32),
            cpus: Some(1500),
            use_memory: true,
            use_pids: true,
            use_cpu: true,
        }),
        rlimits: vec![
            (0, 7, 7),
            (1, 16 << 20, 16 << 20),
            (3, 8 << 20, 8 << 20),
            (4, 1, 1),
            (7, 64, 64),
            (8, 65536, 65536),
            (11, 256, 256),
            (12, 0, 0),
            (13, 0, 0),
            (14, 0, 0),
        ],
        memory_watch: None,
        wall_time: Some(Duration::from_secs(10)),
        cpu_time: Some(Duration::from_micros(5_500_000)),
        landlock: Some(LandlockPlan {
            abi: 7,
            handled_fs: 0xffff,
            handled_net: 0b11,
            scoped: 0b11,
            rules: vec![
                rule("/", 8),
                rule("/tmp", ALL),
                rule("/workspace", ALL),
                rule("/proc", READ),
                rule("/data", ALL | 1),
                rule("/dev", 6),
                rule("/etc", 4),
                rule("/remand", 4),
                rule("/sys", 4),
                rule("/usr", READ | 1),
            ],
        }),
        command: Command {
            path: "/usr/bin/python3.11".into(),
            argv: ["/usr/bin/python3.11", "-I", "-S", "-B", "-c", BOOTSTRAP].map(str::to_owned).to_vec(),
            env: vec!["LANG=C.UTF-8".into(), "PATH=/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()],
            cwd: "/workspace".into(),
            kind: CommandKind::Executor,
        },
        bounds: Bounds {
            stdin: 900,
            stdout: 1000,
            stderr: 2000,
            prints: 3000,
            overflow: Overflow::End,
            result_size: 4000,
            result_depth: 50,
            result_nodes: 6000,
            job_size: 7000,
            artifacts: 8000,
            artifact_files: 9,
        },
        enforcement: [
            (Protection::Capabilities, by("all five sets empty")),
            (Protection::CgroupNamespace, by("cgroup namespace of the run")),
            (Protection::CoreDumps, by("RLIMIT_CORE 1, which stops those to a pipe too")),
            (Protection::Cpu, by("cgroup v2 cpu.max")),
            (Protection::CpuTime, by("cgroup v2 cpu.stat, read by the supervisor")),
            (Protection::FileSize, by("RLIMIT_FSIZE")),
            (Protection::IpcNamespace, by("IPC namespace of the run")),
            (Protection::LandlockFiles, by("Landlock ABI 7")),
            (Protection::LandlockScopes, by("abstract sockets and signals")),
            (Protection::LandlockTcp, by("TCP: no bind, no connect")),
            (Protection::Memory, by("cgroup v2 memory.max")),
            (Protection::MountNamespace, by("mount namespace of the run, its root built from nothing")),
            (Protection::NetworkNamespace, by("empty network namespace")),
            (Protection::NoNewPrivs, by("PR_SET_NO_NEW_PRIVS")),
            (Protection::OwnUid, by("a host uid from the pool")),
            (Protection::PidNamespace, by("PID namespace of the run")),
            (Protection::Pids, by("cgroup v2 pids.max")),
            (Protection::Proc, by("the run's own processes only")),
            (Protection::ResultPipe, by("mode 0200, owned by the supervisor's user")),
            (Protection::Seccomp, by(&format!("seccomp filter of {} instructions; refused calls are recorded", filter.len()))),
            (Protection::SupplementaryGroups, by("none")),
            (
                Protection::FileLocks,
                by("kept by the supervisor: none is the kernel's, no other run sees one; but on writable mounts, which others share, each is the kernel's too \
                    and seen by whoever opens the file (ENOLCK on FUSE, network and other file systems that may ask somebody)"),
            ),
            (Protection::Swap, by("cgroup v2 memory.swap.max")),
            (Protection::UserNamespace, by("user namespace of the forkserver")),
            (Protection::UtsNamespace, by("UTS namespace of the forkserver")),
            (Protection::WallTime, by("monotonic timer of the supervisor")),
        ]
        .into(),
        filter,
        normal_filter: None,
        tty: false,
    };
    assert_eq!(on(&policy, &full()), Ok(expected));
}

const SAMPLED_SWAP: &str = "swapped memory of the run's processes, sampled by the supervisor and counted as memory";

#[test]
fn a_user_without_cgroups_gets_the_substitutes_by_name() {
    let full = on(&lenient(), &full()).unwrap();
    let plan = on(&lenient(), &rootless()).unwrap();
    assert_eq!((plan.cgroup, plan.memory_watch), (None, Some(256 << 20)));
    assert_eq!((plan.memory(), plan.pids()), (Some(256 << 20), Some(32)));
    let mut rlimits = full.rlimits.clone();
    rlimits.push((6, 33, 33));
    assert_eq!(plan.rlimits, rlimits);
    assert_eq!((&plan.root, &plan.landlock), (&full.root, &full.landlock));
    let mut calls = lenient().syscalls.rules;
    calls.deny.extend(UNCOUNTED.map(str::to_owned));
    assert_eq!(plan.filter, remand_syscalls::compile_for_run(&calls, Arch::X86_64, around(false, true)).unwrap());
    let seccomp = Enforcement::By(format!("seccomp filter of {} instructions; refused calls are recorded", plan.filter.len()));
    let changed: BTreeMap<_, _> = plan.enforcement.into_iter().filter(|(name, how)| full.enforcement.get(name) != Some(how)).collect();
    let expected = [
        (Protection::Cpu, absent("no delegation")),
        (Protection::CpuTime, instead("process times sampled by the supervisor, and RLIMIT_CPU per process", "no delegation")),
        (
            Protection::Memory,
            instead(
                "resident and swapped memory, page tables and socket buffers, sampled by the supervisor; memfd_create and shmget refused; /tmp counts by filesystem.tmp.size alone",
                "no delegation",
            ),
        ),
        (Protection::OwnUid, absent("this process may not map other users' ids")),
        (Protection::Pids, instead("RLIMIT_NPROC within the user namespace, and tasks sampled by the supervisor", "no delegation")),
        (Protection::Seccomp, seccomp),
        (Protection::ResultPipe, instead("mode 0200", "without privilege the run's user owns the pipe and can change its mode")),
        (Protection::SupplementaryGroups, absent("a user namespace that maps only its maker keeps its groups")),
        (Protection::Swap, instead(SAMPLED_SWAP, "no delegation")),
    ];
    assert_eq!(changed, expected.into());
}

#[test]
fn ids_that_another_container_may_give_out_are_a_substitute() {
    let host = HostFacts { ids_alone: missing("first PID namespace"), ..full() };
    let mut policy = policy();
    policy.namespaces.own_uid = Enforce::Optional;
    let plan = on(&policy, &host).unwrap();
    assert_eq!(plan.enforcement.get(&Protection::OwnUid), Some(&instead("a host uid from the pool, at random", "no first PID namespace")));
    policy.namespaces.own_uid = Enforce::Required;
    assert_eq!(on(&policy, &host).unwrap_err()[0].protection, Protection::OwnUid);
}

#[test]
fn everything_required_and_missing_is_refused_at_once_with_its_remedy() {
    let mut host = rootless();
    host.namespaces.user = missing("user namespaces");
    host.namespaces.ipc = missing("IPC namespaces");
    host.landlock_abi = 0;
    host.landlock = missing("Landlock");
    host.seccomp = missing("seccomp");
    let all = on(&policy(), &host).unwrap_err();
    assert_eq!(
        all.iter().map(|refused| refused.protection.to_string()).collect::<Vec<_>>(),
        ["user_namespace", "ipc_namespace", "own_uid", "memory", "pids", "cpu", "landlock_files", "seccomp"]
    );
    assert_eq!(all[0].to_string(), "user_namespace cannot be had here: no user namespaces. Get user namespaces.");
}

#[test]
fn optional_protections_that_are_missing_are_absent_but_not_those_a_run_is_made_of() {
    let mut policy = lenient();
    let namespaces = &mut policy.namespaces;
    for namespace in [&mut namespaces.ipc, &mut namespaces.cgroup] {
        *namespace = Enforce::Optional;
    }
    policy.syscalls.enforce = Enforce::Optional;
    policy.landlock.enforce = Enforce::Optional;
    let mut host = full();
    host.namespaces.ipc = missing("IPC");
    host.namespaces.cgroup = missing("cgroup namespaces");
    host.seccomp = missing("seccomp");
    host.landlock_abi = 0;
    host.landlock = missing("Landlock");
    host.proc_mount = missing("proc");
    let plan = on(&policy, &host).unwrap();
    assert_eq!((plan.filter.len(), plan.landlock.as_ref(), plan.proc, plan.has(&Protection::CgroupNamespace)), (0, None, false, false));
    for protection in [
        Protection::IpcNamespace,
        Protection::CgroupNamespace,
        Protection::Seccomp,
        Protection::LandlockFiles,
        Protection::LandlockTcp,
        Protection::LandlockScopes,
    ] {
        assert!(!plan.has(&protection), "{protection}");
    }
    assert!(plan.has(&Protection::Proc) && plan.has(&Protection::UtsNamespace));
    assert_eq!(on(&policy, &HostFacts { proc_mount: Fact::Available, ..host.clone() }).unwrap().without_proc("no proc"), plan);
    assert!(!plan.root.links.iter().any(|(path, _)| path == "/dev/fd"));
    host.namespaces.user = missing("user namespaces");
    host.namespaces.pid = missing("PID namespaces");
    let lacks = [(Protection::UserNamespace, "no user namespaces"), (Protection::PidNamespace, "no PID namespaces")];
    assert_eq!(refused(&policy, &host), lacks.map(|(name, blocker)| (name, blocker.to_owned())));
}

#[test]
fn landlock_masks_follow_the_abi() {
    let masks = |abi, mode| {
        let mut policy = lenient();
        policy.network.mode = mode;
        let plan = on(&policy, &HostFacts { landlock_abi: abi, ..full() }).unwrap();
        let landlock = plan.landlock.unwrap();
        assert!(landlock.rules.iter().all(|(_, rights)| rights & !landlock.handled_fs == 0));
        (landlock.handled_fs, landlock.handled_net, landlock.scoped, plan.enforcement[&Protection::LandlockTcp].clone())
    };
    let none = NetworkMode::None;
    assert_eq!(masks(1, none), (0x1fff, 0, 0, absent("the kernel's Landlock ABI is 1, 4 would do it")));
    assert_eq!(masks(2, none).0, 0x3fff);
    assert_eq!(masks(3, none).0, 0x7fff);
    assert_eq!(masks(4, none), (0x7fff, 0b11, 0, by("TCP: no bind, no connect")));
    assert_eq!(masks(5, none).0, 0xffff);
    assert_eq!(masks(6, none).2, 0b11);
    assert_eq!(masks(8, none).0, 0xffff);
    assert_eq!(masks(9, none).0, 0x1_ffff);
    assert_eq!(masks(99, none), (0x1_ffff, 0b1111, 0b11, by("TCP and UDP: no bind, no connect")));
    assert_eq!(masks(7, NetworkMode::Loopback), (0xffff, 0, 0b11, absent("network.mode is loopback")));
    assert_eq!(masks(7, NetworkMode::Host), (0xffff, 0, 0b11, absent("network.mode is host")));
}

#[test]
fn landlock_masks_are_those_of_the_landlock_crate() {
    use ::landlock::{ABI, Access, AccessFs, AccessNet, Scope};
    let all = [ABI::V1, ABI::V2, ABI::V3, ABI::V4, ABI::V5, ABI::V6, ABI::V7, ABI::V8, ABI::V9, ABI::V10];
    for (abi, number) in all.into_iter().zip(1..) {
        let plan = on(&lenient(), &HostFacts { landlock_abi: number, ..full() }).unwrap().landlock.unwrap();
        let theirs = (AccessFs::from_all(abi).bits(), AccessNet::from_all(abi).bits(), Scope::from_all(abi).bits());
        assert_eq!((plan.handled_fs, plan.handled_net, plan.scoped), theirs, "ABI {number}");
    }
}

#[test]
fn an_old_landlock_is_refused_where_a_newer_one_is_required_and_used_where_it_is_optional() {
    let mut policy = policy();
    policy.landlock.minimum_abi = 4;
    let host = HostFacts { landlock_abi: 2, ..full() };
    let blocker = "the kernel's Landlock ABI is 2, the policy asks for 4".to_owned();
    assert_eq!(refused(&policy, &host), [(Protection::LandlockFiles, blocker)]);
    policy.landlock.enforce = Enforce::Optional;
    assert_eq!(on(&policy, &host).unwrap().enforcement[&Protection::LandlockFiles], by("Landlock ABI 2"));
}

#[test]
fn mounts_that_would_cover_what_a_run_needs_are_refused_by_target() {
    let with = |targets: &[&str]| {
        let mut policy = policy();
        policy.filesystem.mounts = targets.iter().map(|target| mount(target)).collect();
        policy
    };
    for (target, blocker) in [
        ("/proc/x", "/proc is the run's own"),
        ("/tmp/data", "/tmp is the run's own"),
        ("/", "/proc is the run's own"),
        ("/var", "/var/tmp is the run's own"),
        ("/dev", "/dev is the run's own"),
        ("/remand/executor", "/remand is the run's own"),
        ("/etc", "/etc/passwd is made for the run"),
        ("/etc/hosts", "/etc/hosts is made for the run"),
        ("/usr", "the program needs /usr/bin/python3.11 as it is"),
        ("/usr/lib/python3.11/json", "the program needs /usr/lib/python3.11 as it is"),
        ("/lib/x", "the program needs /lib as it is"),
    ] {
        assert_eq!(refused(&with(&[target]), &full()), [(Protection::Mount { target: target.to_owned(), index: 0 }, blocker.to_owned())]);
    }
    assert_eq!(
        refused(&with(&["/a", "/a"]), &full()),
        [(Protection::Mount { target: "/a".into(), index: 1 }, "another mount is there".to_owned())]
    );
    // Neighbours, and one mount within another, which the host's directory has a place for.
    let plan = on(&with(&["/tmpfile", "/etc/ssl", "/usr/lib/python3.111", "/data", "/data/inner"]), &full()).unwrap();
    assert_eq!(plan.root.binds.len(), 2 + 5);
}

/// A host that has what the Python of the tests needs, at one path each.
struct Usr;

impl Files for Usr {
    fn look(&self, path: &str) -> Option<Entry> {
        let seen = python().core.binds.get(path.strip_prefix("/other").unwrap_or(path)).copied();
        let id = if path.starts_with("/other/usr/lib") { FileId { device: 7, inode: 7 } } else { seen.unwrap_or_default() };
        let link = python().core.links.into_iter().find(|(link, _)| link == path);
        let kind = if seen.is_some() { Kind::Regular } else { Kind::Directory };
        Some(link.map_or(Entry::There(Inode { id, kind, mode: 0o755, uid: 0, gid: 0 }), |(_, to)| Entry::Link(to)))
    }

    fn mappable(&self, _: &str) -> Option<Fact> {
        None
    }

    fn libraries(&self, _: &str, _: &str) -> Option<Vec<String>> {
        None
    }

    fn by_place(&self, _: &str) -> bool {
        false
    }

    fn needs(&self, _: &str, _: &str) -> Option<Result<Tree, NoProgram>> {
        None
    }
}

#[test]
fn a_mount_that_shows_what_the_program_needs_is_no_conflict() {
    let with = |source: &str, writable, exec| {
        let mut policy = policy();
        policy.filesystem.mounts = vec![Mount { source: source.into(), writable, exec, ..mount("/usr") }];
        resolve(&policy, &Program::Python(&python()), &full(), &Usr)
    };
    let root = with("/usr", false, true).unwrap().root;
    assert_eq!(
        root.binds.iter().map(|bind| bind.target.as_str()).collect::<Vec<_>>(),
        ["/usr"],
        "it takes the place of the files below it"
    );
    assert!(root.links.iter().any(|(link, _)| link == "/lib"), "a link elsewhere stays");
    for (source, writable, exec, said) in [
        ("/usr", true, true, "a run could write to it"),
        ("/usr", false, false, "only with \"exec\": true"),
        ("/other/usr", false, true, "the program needs /usr/lib/python3.11 as it is"),
    ] {
        let refused = with(source, writable, exec).unwrap_err();
        assert!(refused[0].blocker.contains(said), "{refused:?}");
    }
}

#[test]
fn site_packages_are_shown_only_where_the_policy_allows_imports_from_them() {
    let mut policy = policy();
    policy.python.external_allow = vec!["numpy".into()];
    let root = on(&policy, &full()).unwrap().root;
    let targets: Vec<_> = root.binds.iter().map(|bind| bind.target.as_str()).collect();
    assert_eq!(targets, ["/usr/bin/python3.11", "/usr/lib/python3.11", "/usr/lib/python3/dist-packages"]);
    assert_eq!(root.links.iter().filter(|(path, _)| path == "/lib").count(), 1);
}

#[test]
fn a_host_program_is_run_as_asked_without_executor_and_not_from_where_the_run_has_its_own() {
    let argv: Vec<String> = vec!["/bin/echo".into(), "-n".into()];
    let tree = Tree { binds: [("/bin/echo".into(), FileId::default())].into(), ..Tree::default() };
    let plan = resolve(&policy(), &Program::Host { argv: &argv, tree: &tree }, &full(), &Unseen).unwrap();
    assert_eq!((plan.command.path.as_str(), &plan.command.argv, plan.command.kind), ("/bin/echo", &argv, CommandKind::Program));
    assert!(!plan.root.files.iter().any(|(path, _)| path.starts_with("/remand")));
    let tree = Tree { binds: [("/tmp/echo".into(), FileId::default())].into(), ..Tree::default() };
    let refused = resolve(&policy(), &Program::Host { argv: &argv, tree: &tree }, &full(), &Unseen).unwrap_err();
    assert_eq!(refused[0].protection, Protection::ProgramFile { path: "/tmp/echo".into() });
}

#[test]
fn unlimited_is_absent_and_needs_no_controller() {
    let mut policy = policy();
    let limits = &mut policy.limits;
    (limits.memory, limits.pids, limits.cpus, limits.cpu_time) = (Limit::Unlimited, Limit::Unlimited, Limit::Unlimited, Limit::Unlimited);
    (limits.wall_time, limits.file_size) = (Limit::Unlimited, Limit::Unlimited);
    policy.namespaces.own_uid = Enforce::Optional;
    let plan = on(&policy, &rootless()).unwrap();
    for name in [
        Protection::Memory,
        Protection::Swap,
        Protection::Pids,
        Protection::Cpu,
        Protection::CpuTime,
        Protection::WallTime,
        Protection::FileSize,
    ] {
        assert!(matches!(&plan.enforcement[&name], Enforcement::Absent(because) if because.ends_with("is unlimited")), "{name}");
    }
    assert_eq!(
        (plan.wall_time, plan.cpu_time, plan.memory(), plan.pids(), plan.rlimit(rlimit::FSIZE), plan.memory_watch),
        (None, None, None, None, None, None)
    );
    assert_eq!(plan.rlimits.iter().map(|(resource, ..)| *resource).collect::<Vec<_>>(), [3, 4, 7, 8, 11, 12, 13, 14]);
}

fn surrounding(file: &str, copied: Fact) -> Surrounding {
    Surrounding { file: file.into(), value: "40".into(), cgroup: "/service".into(), copied }
}

#[test]
fn limits_around_the_supervisor_are_copied_and_named_or_refused() {
    let mut host = full();
    host.cgroup.surrounding = ["pids.max", "cpu.max"].map(|file| surrounding(file, Fact::Available)).into();
    let copied = by("pids.max 40 of /service, cpu.max 40 of /service, copied onto the run's parent");
    assert_eq!(on(&policy(), &host).unwrap().enforcement[&Protection::SurroundingLimits], copied);
    host.cgroup.surrounding.push(surrounding("cpuset.cpus", missing("cpuset")));
    let why = "cpuset.cpus 40 of /service, which holds this process, cannot hold its runs: no cpuset";
    assert_eq!(on(&lenient(), &host).unwrap().enforcement[&Protection::SurroundingLimits], absent(why));
    assert_eq!(refused(&policy(), &host), [(Protection::SurroundingLimits, why.to_owned())]);
}

#[test]
fn who_can_stop_the_supervisor_is_named() {
    let mut host = full();
    host.cgroup.exposed = Some("uid 5 can write to /a".into());
    let plan = on(&policy(), &host).unwrap();
    assert!(
        matches!(&plan.enforcement[&Protection::SupervisorCgroup], Enforcement::Absent(why) if why.starts_with("uid 5 can write to /a"))
    );
    assert!(!on(&policy(), &full()).unwrap().enforcement.contains_key(&Protection::SupervisorCgroup));
}

#[test]
fn a_late_refusal_gives_the_plan_of_a_host_that_has_less() {
    let mut lenient = lenient();
    let mut less = vec![HostFacts { cgroup: CgroupFacts::none("no room", "Make some."), ..full() }; 7];
    let [_, ipc, uts, network, cgroup, landlock, seccomp] = less.as_mut_slice() else { unreachable!() };
    ipc.namespaces.ipc = missing("IPC");
    uts.namespaces.uts = missing("UTS");
    network.namespaces.network = missing("network");
    cgroup.namespaces.cgroup = missing("cgroup namespaces");
    (landlock.landlock_abi, landlock.landlock) = (0, missing("Landlock"));
    seccomp.seccomp = missing("seccomp");
    let asked = &mut lenient.namespaces;
    (asked.ipc, asked.uts, asked.network, asked.cgroup) = (Enforce::Optional, Enforce::Optional, Enforce::Optional, Enforce::Optional);
    (lenient.landlock.enforce, lenient.syscalls.enforce) = (Enforce::Optional, Enforce::Optional);
    let planned = on(&lenient, &full()).unwrap();
    let learning = planned.clone().learning(&lenient, &full()).unwrap();
    for host in &less {
        let expected = on(&lenient, host).unwrap();
        assert_ne!(planned, expected);
        assert_eq!(planned.with_less(&lenient, host).unwrap(), expected);
        assert_eq!(learning.with_less(&lenient, host).unwrap(), expected.learning(&lenient, host).unwrap());
        assert!(on(&policy(), &full()).unwrap().with_less(&policy(), host).is_err());
    }
}

#[test]
fn partial_cgroups_are_used_for_what_they_hold() {
    let mut host = full();
    host.cgroup.version = CgroupVersion::V1;
    host.cgroup.pids = missing("pids controller");
    host.cgroup.swap = missing("swap accounting");
    host.kernel_version = (5, 10);
    let plan = on(&lenient(), &host).unwrap();
    let limits = plan.cgroup.unwrap();
    assert_eq!((limits.memory, limits.pids, limits.use_pids, limits.use_cpu), (Some(256 << 20), None, false, true));
    assert_eq!(plan.enforcement[&Protection::Memory], by("cgroup v1 memory.limit_in_bytes"));
    assert_eq!(
        plan.enforcement[&Protection::Pids],
        absent("no pids controller"),
        "before 5.14 RLIMIT_NPROC counts all of the user's processes"
    );
    assert_eq!((plan.rlimit(rlimit::NPROC), plan.pids(), plan.memory()), (None, None, Some(256 << 20)), "nothing holds them");
    assert_eq!(plan.enforcement[&Protection::Swap], instead(SAMPLED_SWAP, "no swap accounting"));
    let required = refused(&policy(), &host);
    assert_eq!(required.into_iter().map(|(what, _)| what).collect::<Vec<_>>(), [Protection::Swap, Protection::Pids]);
}

#[test]
fn a_policy_that_cannot_be_compiled_is_refused() {
    let all = refused(&small(&["@io"], &[], &["execve"]), &full());
    assert_eq!(all[0].0, Protection::Seccomp);
}

#[test]
fn every_shipped_policy_resolves_for_root_and_for_an_ordinary_user_on_old_landlock() {
    for (name, _) in remand_policy::shipped::SHIPPED {
        let policy = remand_policy::load::shipped(name).unwrap().unwrap();
        for host in [full(), rootless(), HostFacts { landlock_abi: 2, kernel_version: (6, 1), ..rootless() }] {
            let plan = on(&policy, &host).unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
            assert!(plan.has(&Protection::Seccomp) && plan.has(&Protection::LandlockFiles) && plan.has(&Protection::Memory), "{name}");
        }
    }
}

#[test]
fn the_cpu_backstop_comes_after_the_limit() {
    let mut policy = policy();
    for (micros, seconds) in [(1, 2), (1_000_000, 2), (1_000_001, 3), (u64::MAX, u64::MAX / 1_000_000 + 2)] {
        policy.limits.cpu_time = Limit::At(Span(micros));
        assert_eq!(on(&policy, &full()).unwrap().rlimits[0], (0, seconds, seconds));
    }
    policy.limits.file_size = Limit::At(Bytes(0));
    assert_eq!(on(&policy, &full()).unwrap().rlimits[1], (1, 0, 0));
}

#[test]
fn a_root_shows_what_it_binds_and_the_way_there() {
    let mut policy = policy();
    policy.filesystem.mounts = vec![Mount { source: "/srv/x".into(), ..mount("/data/deep/x") }];
    let root = resolve(&policy, &Program::Python(&python()), &full(), &Unseen).unwrap().root;
    for whole in [
        "/usr/lib/python3.11/os.py",
        "/lib/python3.11/../python3.11/os.py",
        "/lib/python3.11",
        "/data/deep/x/y",
        "/etc/passwd",
        "/tmp/a",
        "/proc/self",
    ] {
        assert_eq!(shown(&root, whole), Shown::Whole, "{whole}");
    }
    for way in ["/", "/etc", "/usr/lib", "/lib", "/data", "/data/deep/", "/dev"] {
        assert_eq!(shown(&root, way), Shown::OnTheWay, "{way}");
    }
    for nothing in ["/usr/lib/python3.1", "/lib/other", "/etc/shadow", "/data/deep/xx", "/dev/tty", "/srv/x"] {
        assert_eq!(shown(&root, nothing), Shown::Nothing, "{nothing}");
    }
}

/// A host on which nobody gets below `/closed`.
struct Closed;

impl Files for Closed {
    fn look(&self, path: &str) -> Option<Entry> {
        Some(match path {
            "/closed/a" => Entry::Unreachable("this user may not enter /closed (EACCES)".into()),
            _ => Entry::There(Inode { id: FileId::default(), kind: Kind::Directory, mode: 0o755, uid: 0, gid: 0 }),
        })
    }

    fn mappable(&self, _: &str) -> Option<Fact> {
        None
    }

    fn libraries(&self, _: &str, _: &str) -> Option<Vec<String>> {
        None
    }

    fn by_place(&self, _: &str) -> bool {
        false
    }

    fn needs(&self, _: &str, _: &str) -> Option<Result<Tree, NoProgram>> {
        None
    }
}

#[test]
fn a_source_that_nobody_gets_to_is_refused_or_left_out_with_the_reason() {
    let with = |source: &str, optional| {
        let mut policy = policy();
        policy.filesystem.devices = Vec::new();
        policy.filesystem.mounts = vec![Mount { source: source.into(), optional, ..mount("/data") }];
        resolve(&policy, &Program::Python(&python()), &full(), &Closed)
    };
    assert!(with("/open/a", false).unwrap().root.left_out.is_empty(), "the control");
    let refused = with("/closed/a/b", false).unwrap_err();
    assert!(
        refused.iter().any(|lack| lack.blocker == "/closed/a/b cannot be reached: this user may not enter /closed (EACCES)"),
        "{refused:?}"
    );
    let reason = ("/closed/a/b".to_owned(), "this user may not enter /closed (EACCES)".to_owned());
    assert_eq!(with("/closed/a/b", true).unwrap().root.left_out, [reason]);
}

#[test]
fn a_start_needs_room() {
    let on = |host: &HostFacts, program: &Program<'_>| resolve(&policy(), program, host, &Unseen).map(drop);
    let interpreter = python();
    let (python, other) = (Program::Python(&interpreter), Program::Host { argv: &["/program".to_owned()], tree: &Tree::default() });
    let small = |descriptors, stack| HostFacts { descriptors, stack, ..full() };
    assert_eq!(on(&small(72, 40 << 10), &python), Ok(()), "the control");
    let said = |host: &HostFacts, program| on(host, program).unwrap_err().iter().map(|lack| lack.blocker.clone()).collect::<String>();
    assert!(said(&small(71, u64::MAX), &other).contains("RLIMIT_NOFILE (ulimit -n) is 71 descriptors"));
    assert!(said(&small(1024, (40 << 10) - 1), &python).contains("RLIMIT_STACK"));
    assert_eq!(on(&small(1024, 1), &other), Ok(()), "what another program needs is its own business");
}

#[test]
fn a_terminal_is_added_where_it_is_asked_for() {
    let plan = on(&small(&["@io"], &[], &[]), &full()).unwrap();
    let with = plan.clone().at_terminal("xterm", true);
    assert_eq!(with.command.env, [&plan.command.env[..], &["TERM=xterm".to_owned()]].concat());
    assert_eq!(with.root.devices, [&plan.root.devices[..], &["/dev/tty"]].concat());
    let (rules, before) = (with.landlock.unwrap().rules, plan.landlock.clone().unwrap().rules);
    let files = 0b110 & plan.landlock.clone().unwrap().handled_fs;
    assert!(rules.starts_with(&before) && rules.len() == before.len() + 2);
    assert!(rules[before.len()..].iter().all(|(_, rights)| rights & 0b110 == files), "read and write");
    assert!(with.tty && !plan.tty);
    let set = plan.clone().setting(&[("TERM".to_owned(), "dumb".to_owned())]).at_terminal("xterm", false);
    assert!(set.command.env.contains(&"TERM=dumb".to_owned()) && set.root.devices == plan.root.devices);
}

#[test]
fn an_interpreter_without_an_environment_has_what_it_reads_itself() {
    let mut policy = policy();
    policy.python.runner_env_deny = true;
    policy.environment.push(("PYTHONHASHSEED".into(), "0".into()));
    assert_eq!(on(&policy, &full()).unwrap().command.env, ["PYTHONHASHSEED=0"]);
    policy.python.runner_env_deny = false;
    assert_eq!(on(&policy, &full()).unwrap().command.env.len(), 3);
}

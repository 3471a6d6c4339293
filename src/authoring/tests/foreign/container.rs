//! OCI configurations.

use remand_authoring::foreign::{Kind, import};
use remand_policy::units::{Bytes, Limit};
use serde_json::json;

use super::real::{expected, list};
use super::*;

fn told(imported: &Imported, path: &str) -> String {
    imported
        .omissions
        .iter()
        .filter(|omission| omission.path == path)
        .map(|omission| format!("{}: {}", omission.effect.word(), omission.what))
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn what_runc_writes_imports() {
    let imported = import(&data("runc-spec.json"), "config.json", None).unwrap();
    assert_eq!(imported.kind, Kind::Container);
    expected("runc-spec.jsonc", &imported.policy);
    expected("runc-spec.left", &list(&imported));
    let policy = load(&imported.policy);
    assert_eq!(policy.limits.open_files, 1024);
    assert!(policy.filesystem.proc);
    assert_eq!(policy.environment.iter().find(|(name, _)| name == "TERM").unwrap().1, "xterm");
}

#[test]
fn limits_are_at_most_those_of_the_container() {
    let config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "noNewPrivileges": true,
            "env": ["A=1=2", "A=3", "TERM\u{7f}=x", "B=\u{1b}"],
            "rlimits": [
                { "type": "RLIMIT_NOFILE", "hard": 64, "soft": 32 }, { "type": "RLIMIT_FSIZE", "hard": 1_048_576, "soft": 1 },
                { "type": "RLIMIT_CPU", "hard": 3, "soft": 1 }, { "type": "RLIMIT_STACK", "hard": u64::MAX, "soft": 1 },
                { "type": "RLIMIT_NPROC", "hard": 9, "soft": 9 }, { "type": "RLIMIT_AS", "hard": 1, "soft": 1 },
            ],
        },
        "root": { "path": "rootfs", "readonly": true },
        "mounts": [
            { "destination": "/data", "source": "/srv/data", "type": "bind", "options": ["rbind", "ro", "noexec"] },
            { "destination": "/out", "source": "/srv/out", "type": "none", "options": ["bind"] },
            { "destination": "/", "source": "/", "type": "bind" },
            { "destination": "/sock", "source": "/proc/1/root", "type": "bind" },
            { "destination": "/x/../y", "source": "/srv", "type": "bind" },
            { "destination": "/out", "source": "/srv/again", "type": "bind" },
            { "destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=8m"] },
        ],
        "linux": {
            "resources": {
                "memory": { "limit": 33_554_432, "swap": 67_108_864, "kernel": 1 },
                "pids": { "limit": 7 },
                "cpu": { "quota": 50_000, "period": 100_000, "shares": 512, "cpus": "0-1,1,4" },
            },
            "namespaces": [{ "type": "pid" }, { "type": "ipc", "path": "/proc/1/ns/ipc" }],
            "seccomp": { "defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{ "names": ["read"], "action": "SCMP_ACT_ALLOW" }] },
            "sysctl": { "net.core.somaxconn": "1" },
        },
    });
    let (imported, policy) = imported(&config);
    let limits = &policy.limits;
    assert_eq!((limits.memory, limits.pids, limits.open_files), (Limit::At(Bytes(32 << 20)), Limit::At(7), 64));
    assert_eq!(
        (limits.cpus.to_string(), limits.cpu_time.to_string(), limits.file_size),
        ("0.5".into(), "3s".into(), Limit::At(Bytes(1 << 20)))
    );
    assert_eq!(policy.filesystem.tmp.size, Bytes(8 << 20));
    let mounts: Vec<_> = policy.filesystem.mounts.iter().map(|m| (m.source.as_str(), m.target.as_str(), m.writable, m.exec)).collect();
    assert_eq!(mounts, [("/srv/data", "/data", false, false), ("/srv/out", "/out", true, true)]);
    assert!(!policy.filesystem.proc);
    assert_eq!(policy.syscalls.rules.allow.len(), 1);
    assert_eq!(policy.environment.iter().filter(|(name, _)| name == "A").map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["3"]);
    for (path, what) in [
        ("$.process.rlimits[5]", "unheld: \"RLIMIT_AS\" 1"),
        ("$.process.env[2]", "refused: \"TERM\\u{7f}\""),
        ("$.mounts[2]", "refused: \"/\" at \"/\""),
        ("$.mounts[3]", "refused: \"/proc/1/root\" at \"/sock\""),
        ("$.mounts[4]", "refused: \"/srv\" at \"/x/../y\""),
        ("$.mounts[5]", "refused: \"/srv/again\" at \"/out\""),
        ("$.linux.resources.memory.kernel", "unheld: 1"),
        ("$.linux.resources.memory.swap", "refused: 67108864"),
        ("$.linux.resources.cpu.shares", "unheld: 512"),
        ("$.linux.resources.cpu.cpus", "unheld: \"0-1,1,4\""),
        ("$.linux.namespaces[1]", "refused: \"ipc\" at \"/proc/1/ns/ipc\""),
        ("$.linux.sysctl", "unheld: an object with 1 keys"),
    ] {
        assert_eq!(told(&imported, path), what, "{path}");
    }
}

#[test]
fn limits_below_the_least_are_told_and_contradictions_are_settled() {
    let memory = |bytes: i64| imported(&json!({ "linux": { "resources": { "memory": { "limit": bytes } } } }));
    let (tiny, policy) = memory(1);
    assert_eq!((policy.limits.memory, told(&tiny, "$.linux.resources.memory.limit").as_str()), (Limit::At(Bytes(4096)), "unheld: 1"));
    let (_, policy) = memory(10 << 20);
    assert_eq!((policy.filesystem.tmp.size, policy.limits.job_size), (Bytes(10 << 20), Bytes(10 << 20)));
    // Docker writes -1 and 0 for none.
    for none in [-1, 0, i64::MIN] {
        let (_, policy) = memory(none);
        assert_eq!(policy.limits.memory, load("{\"version\": 1, \"extends\": \"default\"}").limits.memory);
    }
    assert_eq!(memory(i64::MAX).1.limits.memory, Limit::At(Bytes(i64::MAX.unsigned_abs())));
    for cpus in ["", "0", "0-4294967295", "3,1-2"] {
        imported(&json!({ "linux": { "resources": { "cpu": { "cpus": cpus } } } }));
    }
    for cpus in ["a", "2-1", "0-", "-1", "4294967296", "0,,1"] {
        let text = json!({ "linux": { "resources": { "cpu": { "cpus": cpus } } } }).to_string();
        assert!(import(text.as_bytes(), "x", None).unwrap_err().place.starts_with("$.linux.resources.cpu.cpus"), "{cpus}");
    }
}

/// Options of a tmpfs that say more than its size; the working directory.
#[test]
fn what_a_tmpfs_is_bounded_by_is_taken_over_or_told() {
    let tmpfs = |options: &[&str]| {
        let mount = json!({ "destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": options });
        imported(&json!({ "process": { "cwd": "/app" }, "mounts": [mount] }))
    };
    let (taken, policy) = tmpfs(&["nosuid", "noexec", "size=8m", "nr_inodes=2k", "mode=1777"]);
    assert_eq!((policy.filesystem.tmp.size, policy.filesystem.tmp.inodes), (Bytes(8 << 20), 2048));
    assert_eq!(told(&taken, "$.mounts[0]"), "");
    assert_eq!(told(&taken, "$.process.cwd"), "refused: \"/app\"");
    for (option, what) in [
        ("size=50%", "unheld: \"size=50%\" of \"/tmp\""),
        ("ro", "unheld: \"ro\" of \"/tmp\""),
        ("nr_blocks=7", "unheld: \"nr_blocks=7\" of \"/tmp\""),
        ("nr_inodes=x", "unheld: \"nr_inodes=x\" of \"/tmp\""),
        ("nr_inodes=0", "refused: \"nr_inodes=0\" of \"/tmp\""),
        ("nr_inodes=1", "unheld: 1"),
        ("shared", "unheld: \"shared\" of \"/tmp\""),
        ("tmpcopyup", "unheld: \"tmpcopyup\" of \"/tmp\""),
    ] {
        let (imported, policy) = tmpfs(&["noexec", option]);
        assert_eq!(told(&imported, "$.mounts[0]"), what);
        assert_eq!(policy.filesystem.tmp.size, Bytes(64 << 20));
    }
    assert_eq!(told(&tmpfs(&[]).0, "$.mounts[0]"), "refused: \"exec\" of \"/tmp\"");
    let shm = |option: &str| {
        let mount = json!({ "destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": [option] });
        told(&imported(&json!({ "process": {}, "mounts": [mount] })).0, "$.mounts[0]")
    };
    assert_eq!(shm("size=65536k"), "settled: \"/dev/shm\"");
    for option in ["size=1m", "size=10%", "nr_inodes=5", "ro"] {
        assert_eq!(shm(option), format!("unheld: \"{option}\" of \"/dev/shm\"; settled: \"/dev/shm\""));
    }
}

/// The sizes that the importer takes for those of the policy that it extends.
#[test]
fn the_base_has_the_sizes_that_limits_are_compared_with() {
    let base = load("{\"version\": 1, \"extends\": \"default\"}");
    assert_eq!(
        (base.limits.memory, base.filesystem.tmp.size, base.limits.job_size),
        (Limit::At(Bytes(256 << 20)), Bytes(64 << 20), Bytes(16 << 20))
    );
}

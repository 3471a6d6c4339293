#![allow(clippy::unwrap_used)]

use oci_spec::runtime::Spec;
use proptest::prelude::*;
use remand_policy::source::Source;
use remand_policy::{Policy, load};
use remand_syscalls::Arch;
use serde_json::{Value, json};

use super::*;

struct Host {
    cgroups: bool,
}

impl Facts for Host {
    fn is_the_hosts(&self, _: &str, path: &str) -> Result<bool, String> {
        if path.starts_with("/gone") { Err("no such file".to_owned()) } else { Ok(path.starts_with("/proc/1/")) }
    }

    fn leads_to(&self, path: &str) -> Result<String, String> {
        match path {
            "/gone" => Err("no such file".to_owned()),
            "/srv/link" => Ok("/etc".to_owned()),
            path => Ok(path.to_owned()),
        }
    }

    fn is_the_hosts_root(&self, path: &str) -> bool {
        path == "/" || path.starts_with("/gone")
    }

    fn cgroups(&self) -> bool {
        self.cgroups
    }

    fn swap(&self) -> bool {
        true
    }

    fn most(&self, limit: &str) -> Option<u64> {
        (limit == "RLIMIT_STACK").then_some(4 << 20)
    }
}

fn policy(text: &str) -> Policy {
    let text = format!("{{\"version\": 1, \"extends\": \"default\"{text}}}");
    load::parse(&load::Chain::shipped(&Source { file: "p".into(), text: text.into_bytes().into() }), "p").unwrap()
}

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// As runc's `spec` and engines write them.
fn config() -> Value {
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": { "uid": 0, "gid": 0 }, "args": ["sh"], "env": ["A=1"], "cwd": "/",
            "capabilities": { "bounding": ["CAP_SYS_ADMIN"], "effective": ["CAP_SYS_ADMIN"], "permitted": ["CAP_SYS_ADMIN"] },
            "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": 1_000_000, "soft": 10 }],
        },
        "root": { "path": "rootfs" },
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
            { "destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["rw"] },
        ],
        "linux": { "namespaces": [{ "type": "pid" }, { "type": "mount" }], "maskedPaths": ["/proc/own"] },
        "vendor": { "kept": true },
    })
}

/// What becomes of a configuration that is changed before.
fn narrowed(policy: &Policy, change: impl FnOnce(&mut Value)) -> Result<Value, Vec<String>> {
    on(&Host { cgroups: true }, policy, change)
}

fn on(facts: &Host, policy: &Policy, change: impl FnOnce(&mut Value)) -> Result<Value, Vec<String>> {
    let mut value = config();
    change(&mut value);
    let asked = Asked { id: ID, policy, arch: Arch::X86_64, listener: None, facts };
    container(&mut value, &[], &asked).map_err(|refused| refused.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    // What is written is what runtimes read.
    serde_json::from_value::<Spec>(value.clone()).unwrap();
    Ok(value)
}

fn good(change: impl FnOnce(&mut Value)) -> Value {
    narrowed(&policy(""), change).unwrap()
}

/// The fields that are refused.
fn refused(policy: &Policy, change: impl FnOnce(&mut Value)) -> Vec<String> {
    narrowed(policy, change).unwrap_err()
}

fn fields(change: impl FnOnce(&mut Value)) -> Vec<String> {
    refused(&policy(""), change).iter().map(|told| told.split(": ").next().unwrap().to_owned()).collect()
}

#[test]
fn a_process_has_no_capability_and_the_lower_limits() {
    let value = good(|_| {});
    let process = &value["process"];
    assert_eq!(process["noNewPrivileges"], true);
    for set in ["bounding", "effective", "inheritable", "permitted", "ambient"] {
        assert_eq!(process["capabilities"][set], json!([]), "{set}");
    }
    let limit = |name: &str| {
        let found = process["rlimits"].as_array().unwrap().iter().find(|limit| limit["type"] == name).unwrap();
        (found["soft"].as_u64().unwrap(), found["hard"].as_u64().unwrap())
    };
    assert_eq!(limit("RLIMIT_NOFILE"), (10, 256));
    assert_eq!(limit("RLIMIT_FSIZE"), (64 << 20, 64 << 20));
    assert_eq!(limit("RLIMIT_STACK"), (4 << 20, 4 << 20), "what processes here can have");
    assert_eq!(limit("RLIMIT_CORE"), (1, 1));
    assert_eq!(process["env"], json!(["A=1"]));
    assert_eq!((&value["vendor"], &value["ociVersion"]), (&json!({ "kept": true }), &json!("1.0.2")));
    assert_eq!(good(|c| c["process"]["oomScoreAdj"] = json!(-1000))["process"]["oomScoreAdj"], 0);
    assert_eq!(
        good(|c| c["process"]["ioPriority"] = json!({ "class": "IOPRIO_CLASS_BE" }))["process"]["ioPriority"],
        json!({ "class": "IOPRIO_CLASS_BE" })
    );
}

#[test]
fn what_a_process_cannot_be_held_to_is_refused() {
    assert_eq!(fields(|c| c["process"]["new"] = json!(1)), ["process.new"]);
    assert_eq!(fields(|c| c["process"]["NoNewPrivileges"] = json!(false)), ["process.NoNewPrivileges"]);
    assert_eq!(fields(|c| c["process"]["user"]["groups"] = json!([0])), ["process.user.groups"]);
    assert_eq!(fields(|c| c["process"]["capabilities"]["more"] = json!([])), ["process.capabilities.more"]);
    assert_eq!(fields(|c| c["process"]["rlimits"] = json!([{ "type": "RLIMIT_ALL", "soft": 1, "hard": 1 }])), ["process.rlimits[0].type"]);
    let twice = json!([{ "type": "RLIMIT_CPU", "soft": 1, "hard": 1 }, { "type": "RLIMIT_CPU", "soft": 9, "hard": 9 }]);
    assert_eq!(fields(|c| c["process"]["rlimits"] = twice), ["process.rlimits[1].type"]);
    assert_eq!(fields(|c| c["process"]["scheduler"] = json!({ "policy": "SCHED_FIFO" })), ["process.scheduler"]);
    assert_eq!(fields(|c| c["process"]["ioPriority"] = json!({ "class": "IOPRIO_CLASS_RT" })), ["process.ioPriority"]);
    assert_eq!(fields(|c| drop(c.as_object_mut().unwrap().remove("process"))), ["process"]);
    assert_eq!(fields(|c| c["process"] = json!([])), ["process"]);
}

#[test]
fn namespaces_are_the_containers_own() {
    let kinds = |value: &Value| {
        let all = value["linux"]["namespaces"].as_array().unwrap().clone();
        let shown = |one: &Value| format!("{}{}", one["type"].as_str().unwrap(), one.get("path").map_or("", |_| "+"));
        all.iter().map(shown).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(kinds(&good(|_| {})), "pid mount network ipc uts cgroup");
    let paths = json!([{ "type": "network", "path": "/run/netns/a" }, { "type": "user", "path": "/u" }, { "type": "ipc", "path": "/proc/1/ns/ipc" }]);
    assert_eq!(kinds(&good(|c| c["linux"]["namespaces"] = paths.clone())), "network user+ ipc pid mount uts cgroup");
    let host = policy(", \"network\": {\"mode\": \"host\", \"reason\": \"r\"}");
    assert_eq!(kinds(&narrowed(&host, |c| c["linux"]["namespaces"] = paths).unwrap()), "network+ user+ ipc pid mount uts cgroup");
    assert_eq!(kinds(&narrowed(&host, |_| {}).unwrap()), "pid mount ipc uts cgroup");
    assert_eq!(fields(|c| c["linux"]["namespaces"] = json!([{ "type": "new" }])), ["linux.namespaces[0].type"]);
    assert_eq!(
        fields(|c| c["linux"]["namespaces"] = json!([{ "type": "pid" }, { "type": "pid", "path": "/x" }])),
        ["linux.namespaces[1].type"]
    );
}

#[test]
fn a_pod_shares_its_own_namespaces_and_not_the_hosts() {
    let in_pod = |kind: &str, policy: &Policy, namespaces: Value| {
        let kind = kind.to_owned();
        narrowed(policy, move |c| {
            c["annotations"] = json!({ "io.kubernetes.cri.container-type": kind });
            c["linux"]["namespaces"] = namespaces;
        })
    };
    let of_pod = |network: &str| json!([{ "type": "pid" }, { "type": "network", "path": network }, { "type": "ipc", "path": "/proc/7/ns/ipc" }, { "type": "uts", "path": "/proc/7/ns/uts" }]);
    let host = policy(", \"network\": {\"mode\": \"host\", \"reason\": \"r\"}");
    for kind in ["sandbox", "container"] {
        let value = in_pod(kind, &host, of_pod("/proc/7/ns/net")).unwrap();
        assert_eq!(value["linux"]["namespaces"][1], json!({ "type": "network", "path": "/proc/7/ns/net" }));
        let told = in_pod(kind, &host, of_pod("/proc/1/ns/net")).unwrap_err();
        assert_eq!(told, ["linux.namespaces[1].path: \"/proc/1/ns/net\" is the host's; a pod shares its own"]);
        let told = in_pod(kind, &host, json!([{ "type": "network", "path": "/n" }, { "type": "ipc" }, { "type": "uts" }])).unwrap_err();
        assert_eq!(told, ["linux.namespaces: no pid namespace: the host's; a pod shares its own"]);
        let told = in_pod(kind, &policy(""), of_pod("/proc/7/ns/net")).unwrap_err();
        assert_eq!(
            told,
            [
                "linux.namespaces[1].path: \"/proc/7/ns/net\" is the network of its pod; policy p says network.mode none, which no container of a pod has"
            ]
        );
        let told = in_pod(kind, &host, of_pod("/gone/net")).unwrap_err();
        assert!(told[0].contains("cannot be looked at"), "{told:?}");
    }
}

#[test]
fn paths_are_the_union() {
    let value = good(|c| c["linux"]["readonlyPaths"] = json!(["/own"]));
    let has = |key: &str, path: &str| value["linux"][key].as_array().unwrap().contains(&json!(path));
    assert!(
        has("maskedPaths", "/proc/own")
            && has("maskedPaths", "/proc/kcore")
            && has("readonlyPaths", "/own")
            && has("readonlyPaths", "/proc/sys")
    );
    assert!(!has("maskedPaths", "/dev/zero"));
    let fewer = narrowed(&policy(", \"filesystem\": {\"devices\": [\"null\", \"urandom\"]}"), |_| {}).unwrap();
    assert!(fewer["linux"]["maskedPaths"].as_array().unwrap().contains(&json!("/dev/zero")));
}

#[test]
fn resources_are_the_lower() {
    let value = good(
        |c| c["linux"]["resources"] = json!({ "memory": { "limit": 1 << 20, "swap": -1 }, "pids": { "limit": 0 }, "cpu": { "quota": -1, "period": 50_000, "burst": 9 } }),
    );
    let resources = &value["linux"]["resources"];
    assert_eq!(resources["memory"], json!({ "limit": 1 << 20, "swap": 1 << 20 }));
    assert_eq!(resources["pids"], json!({ "limit": 64 }));
    assert_eq!(resources["cpu"], json!({ "quota": 50_000, "period": 50_000 }));
    let value = good(
        |c| c["linux"]["resources"] = json!({ "memory": { "limit": -1, "disableOOMKiller": true, "reservation": 1_i64 << 40 }, "pids": { "limit": 9 }, "cpu": { "quota": 100 } }),
    );
    let resources = &value["linux"]["resources"];
    assert_eq!(resources["memory"], json!({ "limit": 256 << 20, "disableOOMKiller": false, "reservation": 256 << 20, "swap": 256 << 20 }));
    assert_eq!((&resources["pids"]["limit"], &resources["cpu"]["quota"]), (&json!(9), &json!(100)));
    for (name, field) in [("memory.max", "memory.max"), ("pids.max", "pids.max"), ("cgroup.procs", "cgroup.procs"), ("../x", "../x")] {
        assert_eq!(
            fields(|c| c["linux"]["resources"] = json!({ "unified": { name: "max" } })),
            [format!("linux.resources.unified.{field}")]
        );
    }
    assert_eq!(
        good(|c| c["linux"]["resources"] = json!({ "unified": { "memory.oom.group": "1" } }))["linux"]["resources"]["unified"]["memory.oom.group"],
        "1"
    );
    assert_eq!(fields(|c| c["linux"]["resources"] = json!({ "new": {} })), ["linux.resources.new"]);
    assert_eq!(fields(|c| c["linux"]["resources"] = json!({ "cpu": { "realtimeRuntime": 5 } })), ["linux.resources.cpu.realtimeRuntime"]);
    assert_eq!(fields(|c| c["linux"]["resources"] = json!({ "memory": { "limit": "1g" } })), ["linux.resources.memory.limit"]);
}

#[test]
fn without_cgroups_a_policy_that_requires_them_refuses() {
    let without = Host { cgroups: false };
    let value = on(&without, &policy(""), |_| {}).unwrap();
    assert_eq!(value["linux"]["resources"].get("memory"), None);
    assert!(value["process"]["rlimits"].as_array().unwrap().iter().any(|limit| limit["type"] == "RLIMIT_NPROC" && limit["hard"] == 64));
    let told = on(&without, &policy(", \"limits\": {\"cgroup\": \"required\"}"), |_| {}).unwrap_err();
    assert!(told[0].starts_with("linux.resources: no cgroup holds"), "{told:?}");
}

#[test]
fn devices_are_those_of_the_policy() {
    let value = good(|c| {
        c["linux"]["devices"] = json!([{ "path": "/dev/null", "type": "c", "major": 1, "minor": 3 }]);
        c["linux"]["resources"] = json!({ "devices": [
            { "allow": true, "access": "rwm" }, { "allow": true, "type": "c", "major": 1, "minor": 5, "access": "rwm" }, { "allow": true, "type": "b", "access": "m" },
            { "allow": true, "type": "c", "major": 136, "access": "rw" }, { "allow": true, "type": "c", "major": 10, "minor": 200, "access": "rwm" },
        ] });
    });
    let rules = &value["linux"]["resources"]["devices"];
    assert_eq!(rules[0], json!({ "allow": false, "access": "rwm" }));
    assert_eq!(rules.as_array().unwrap().len(), 3, "{rules}");
    for device in [
        json!({ "path": "/dev/kvm", "type": "c", "major": 10, "minor": 232 }),
        json!({ "path": "/dev/null", "type": "b", "major": 1, "minor": 3 }),
        json!({ "path": "/dev/null", "type": "c", "major": 10, "minor": 232 }),
        json!({ "path": "/dev/x", "type": "c", "major": 1, "minor": 3 }),
    ] {
        assert_eq!(fields(|c| c["linux"]["devices"] = json!([device])), ["linux.devices[0].path"], "{device}");
    }
}

/// The first mount of a list of one, or what is told.
fn mounted(policy: &Policy, mount: Value) -> Result<Value, String> {
    narrowed(policy, |c| c["mounts"] = json!([mount])).map(|value| value["mounts"][0].clone()).map_err(|told| told.join("\n"))
}

#[test]
fn mounts_of_engines_are_kept_and_tightened() {
    let value = good(|_| {});
    let options = |at: usize| value["mounts"][at]["options"].clone();
    assert_eq!(options(0), json!(["nosuid", "nodev", "noexec"]));
    assert_eq!(
        options(1),
        json!(["nosuid", "strictatime", "mode=755", "size=67108864", "nr_inodes=4096", "noexec"]),
        "devices are made in it"
    );
    assert_eq!(options(2), json!(["nosuid", "ro", "nodev", "noexec"]));
    let default = policy("");
    let tmp = mounted(
        &default,
        json!({ "destination": "/tmp", "type": "tmpfs", "options": ["exec", "suid", "dev", "rw", "size=1g", "mode=1777"] }),
    )
    .unwrap();
    assert_eq!(tmp["options"], json!(["rw", "size=67108864", "mode=1777", "nr_inodes=4096", "nosuid", "nodev", "noexec"]));
    let hosts = json!({ "destination": "/etc/hosts", "type": "bind", "source": format!("/x/{ID}/userdata/hosts"), "options": ["rbind", "rshared"] });
    assert_eq!(mounted(&default, hosts).unwrap()["options"], json!(["rbind", "nosuid", "nodev", "noexec"]));
}

#[test]
fn mounts_of_the_host_are_those_of_the_policy() {
    let shows = policy(
        ", \"filesystem\": {\"mounts\": [{\"source\": \"/srv\", \"exec\": true}, {\"source\": \"/data\", \"writable\": true, \"reason\": \"r\"}]}",
    );
    let bind = |source: &str, target: &str| json!({ "destination": target, "type": "none", "source": source, "options": ["rbind", "rw"] });
    assert_eq!(mounted(&shows, bind("/srv/a", "/a")).unwrap()["options"], json!(["nosuid", "ro", "nodev", "bind"]));
    assert_eq!(mounted(&shows, bind("/data", "/d")).unwrap()["options"], json!(["rw", "nosuid", "nodev", "noexec", "bind"]));
    let other = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
    for (source, target) in [
        ("/", "/host"),
        ("/srv/link", "/x"),
        ("/srv2", "/x"),
        ("/gone", "/x"),
        ("/data/link", "/x"),
        ("/run/docker.sock", "/run/docker.sock"),
        ("/etc/hosts", "/etc/hosts"),
        (&format!("/x/{other}/hosts"), "/etc/hosts"),
        (&format!("/x/{ID}/hosts"), "/etc/shadow"),
        (&format!("/x/{ID}/key"), "/etc/hosts"),
        ("/home/me/tini", "/sbin/docker-init"),
        ("/var/lib/kubelet/pods/x/volumes/y", "/x"),
    ] {
        let told = mounted(&shows, bind(source, target)).unwrap_err();
        assert!(told.contains("filesystem.mounts of policy p: /srv, /data"), "{source}: {told}");
    }
}

#[test]
fn other_mounts_are_refused() {
    let default = policy("");
    for (mount, field) in [
        (json!({ "destination": "/x", "type": "overlay", "source": "overlay", "options": ["lowerdir=/"] }), "mounts[0].options"),
        (json!({ "destination": "/x", "type": "ext4", "source": "/dev/sda" }), "mounts[0]"),
        (json!({ "destination": "/x", "type": "proc" }), "mounts[0]"),
        (json!({ "destination": "/x/../proc", "type": "proc" }), "mounts[0].destination"),
        (json!({ "destination": "proc", "type": "proc" }), "mounts[0].destination"),
        (json!({ "destination": "/x", "type": "sysfs" }), "mounts[0]"),
        (json!({ "destination": "/x", "type": "tmpfs", "options": ["size=10%"] }), "mounts[0].options"),
        (json!({ "destination": "/x", "type": "tmpfs", "options": ["nosuid,suid"] }), "mounts[0].options"),
        (json!({ "destination": "/x", "type": "tmpfs", "options": ["bind"], "source": "/" }), "mounts[0]"),
        (json!({ "destination": "/x", "type": "tmpfs", "options": ["remount"] }), "mounts[0].options"),
        (json!({ "destination": "/x", "type": "tmpfs", "uidMappings": [] }), "mounts[0].uidMappings"),
    ] {
        let told = mounted(&default, mount.clone()).unwrap_err();
        assert!(told.starts_with(&format!("{field}: ")), "{mount}: {told}");
    }
    for root in ["/", "/gone"] {
        assert_eq!(fields(|c| c["root"]["path"] = json!(root)), ["root.path"]);
    }
    assert_eq!(fields(|c| c["root"]["Path"] = json!("/")), ["root.Path"]);
    for target in ["/proc", "/proc/self/attr", "/sys/kernel", "//sys/./firmware"] {
        let told = mounted(&default, json!({ "destination": target, "type": "tmpfs" })).unwrap_err();
        assert!(told.starts_with("mounts[0]: \"tmpfs\" at \"/"), "{told}");
    }
}

#[test]
fn hooks_are_kept_but_those_of_the_containers_files() {
    let hooks = json!({ "prestart": [{ "path": "/proc/7/exe", "args": ["libnetwork-setkey"] }] });
    assert_eq!(good(|c| c["hooks"] = hooks.clone())["hooks"], hooks);
    assert_eq!(fields(|c| c["hooks"] = json!({ "startContainer": [{ "path": "/x" }] })), ["hooks.startContainer[0]"]);
    assert_eq!(fields(|c| c["hooks"] = json!({ "later": [] })), ["hooks.later"]);
    assert_eq!(fields(|c| c["hooks"] = json!({ "prestart": [{ "path": "/x", "uid": 0 }] })), ["hooks.prestart[0].uid"]);
}

#[test]
fn fields_that_are_not_known_are_refused_below_what_is_held() {
    assert_eq!(
        fields(|c| c["linux"]["resources"] = json!({ "blockIO": { "weightDevice": [{ "new": 1 }] } })),
        ["linux.resources.blockIO.weightDevice[0].new"]
    );
    assert_eq!(fields(|c| c["linux"]["maskedPaths"] = json!("x")), ["linux.maskedPaths"]);
    assert_eq!(fields(|c| c["annotations"] = json!({ "dev.remand.policy": 7 })), ["annotations.dev.remand.policy"]);
    assert_eq!(fields(|c| c["annotations"] = json!([])), ["annotations"]);
    for pointer in ["/process", "/linux", "/mounts/0"] {
        let told = fields(|c| drop(c.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert("unheardOf".into(), json!(1))));
        assert!(told.len() == 1 && told[0].ends_with("unheardOf"), "{pointer}: {told:?}");
    }
    assert_eq!(fields(|c| c["linux"]["intelRdt"] = json!({})), ["linux.intelRdt"]);
    // A runtime written in Go takes the last of these.
    for key in ["Process", "LINUX", "Mounts", "proce\u{17f}\u{17f}", "hoo\u{212a}s"] {
        let told = refused(&policy(""), |c| drop(c.as_object_mut().unwrap().insert(key.into(), json!({}))));
        assert!(told[0].contains("upper and lower case"), "{key}: {told:?}");
    }
}

#[test]
fn annotations_that_runtimes_obey_are_refused_unless_listed() {
    let with = |name: &str, value: &str, listed: &[String]| {
        let (mut value, policy) = (
            {
                let mut c = config();
                c["annotations"] = json!({ name: value });
                c
            },
            policy(""),
        );
        let asked = Asked { id: ID, policy: &policy, arch: Arch::X86_64, listener: None, facts: &Host { cgroups: true } };
        container(&mut value, listed, &asked).is_ok()
    };
    for name in [
        "run.oci.handler",
        "Run.OCI.hooks.stdout",
        "org.systemd.property.DeviceAllow",
        "io.podman.annotations.userns",
        "org.criu.config",
        "module.wasm.image/variant",
    ] {
        assert!(!with(name, "1", &[]) && with(name, "1", &[name.to_owned()]), "{name}");
    }
    assert!(with("io.podman.annotations.autoremove", "TRUE", &[]) && !with("io.podman.annotations.autoremove", "x", &[]));
    assert!(with("org.systemd.property.TimeoutStopUSec", "uint64 10000000", &[]) && !with("org.systemd.property.KillSignal", "[1]", &[]));
    assert!(with("org.opencontainers.image.title", "x", &[]));
}

#[test]
fn an_annotation_chooses_among_what_is_listed() {
    use crate::settings::Settings;
    let choice = |choose: &[&str], wanted: Option<&str>| {
        let settings =
            Settings { policy: "web".into(), choose: choose.iter().map(|name| (*name).to_owned()).collect(), ..Settings::default() };
        let annotations = annotations_of(&json!({ "annotations": wanted.map(|name| json!({ "dev.remand.policy": name })) }));
        chosen(&annotations, &settings).map(str::to_owned).map_err(|refused| refused.to_string())
    };
    assert_eq!(choice(&["strict"], None), Ok("web".into()));
    assert_eq!(choice(&["strict"], Some("strict")), Ok("strict".into()));
    assert_eq!(choice(&[], Some("web")), Ok("web".into()));
    assert!(choice(&[], Some("strict")).unwrap_err().ends_with("\"choose\" of oci.jsonc lists none"));
    assert!(choice(&["a", "b"], Some("strict")).unwrap_err().ends_with("lists a, b"));
}

#[test]
fn other_parts_of_linux() {
    assert_eq!(good(|c| c["linux"]["rootfsPropagation"] = json!("rshared"))["linux"]["rootfsPropagation"], "rslave");
    assert_eq!(fields(|c| c["linux"]["cgroupsPath"] = json!("/a/../..")), ["linux.cgroupsPath"]);
    assert_eq!(fields(|c| c["linux"]["personality"] = json!({ "domain": "LINUX32" })), ["linux.personality"]);
    assert!(good(|c| c["linux"]["sysctl"] = json!({ "net.ipv4.ip_forward": "1", "kernel.shmmax": "1" })).is_object());
    for name in ["kernel.core_pattern", "vm.overcommit_memory", "kernel.sem2", "kernel/core_pattern", "fs.suid_dumpable"] {
        assert_eq!(fields(|c| c["linux"]["sysctl"] = json!({ name: "1" })).len(), 1, "{name}");
    }
    let host = policy(", \"network\": {\"mode\": \"host\", \"reason\": \"r\"}");
    assert_eq!(refused(&host, |c| c["linux"]["sysctl"] = json!({ "net.ipv4.ip_forward": "1" })).len(), 1);
    let strict = load::shipped("strict").unwrap().unwrap();
    let told = refused(&strict, |_| {});
    assert!(
        told[0].starts_with("mounts: policy strict says filesystem.proc false") && told[1].contains("execve is not granted"),
        "{told:?}"
    );
    let nobody = refused(&policy(""), |c| c["linux"]["seccomp"] = json!({ "defaultAction": "SCMP_ACT_ALLOW", "new": 1 }));
    assert!(nobody[0].starts_with("linux.seccomp.new: "), "{nobody:?}");
}

#[test]
fn a_process_of_exec_is_held_as_the_containers() {
    let policy = policy("");
    let asked = Asked { id: ID, policy: &policy, arch: Arch::X86_64, listener: None, facts: &Host { cgroups: true } };
    let mut value = json!({ "args": ["sh"], "cwd": "/", "capabilities": { "effective": ["CAP_SYS_ADMIN"] } });
    process(&mut value, &asked).unwrap();
    assert_eq!((&value["noNewPrivileges"], &value["capabilities"]["effective"]), (&json!(true), &json!([])));
    let told = process(&mut json!({ "new": 1 }), &asked).unwrap_err();
    assert_eq!(told[0].field, "new");
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z/.=%0-9]{0,6}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-zA-Z]{1,8}", inner), 0..4).prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

const PLACES: &[&str] = &[
    "/process",
    "/process/rlimits",
    "/process/rlimits/0/hard",
    "/process/capabilities",
    "/process/noNewPrivileges",
    "/process/user/uid",
    "/mounts",
    "/mounts/0",
    "/mounts/0/options",
    "/mounts/0/destination",
    "/mounts/1/type",
    "/linux",
    "/linux/namespaces",
    "/linux/namespaces/0",
    "/linux/namespaces/0/path",
    "/linux/resources",
    "/linux/resources/memory",
    "/linux/resources/memory/limit",
    "/linux/resources/pids/limit",
    "/linux/resources/cpu",
    "/linux/seccomp",
    "/linux/devices",
    "/linux/sysctl",
    "/linux/maskedPaths",
    "/hooks",
    "/annotations",
    "/root",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in a field: refused, or what must hold holds; and a second time changes nothing.
    #[test]
    fn never_wider(changes in proptest::collection::vec((proptest::sample::select(PLACES), tree()), 0..4)) {
        let policy = policy("");
        let mut value = config();
        value["linux"]["resources"] = json!({ "memory": { "limit": 7 }, "pids": { "limit": 7 }, "cpu": {} });
        for (place, tree) in changes {
            if let Some(slot) = value.pointer_mut(place) {
                *slot = tree;
            }
        }
        let before = value.clone();
        let asked = Asked { id: ID, policy: &policy, arch: Arch::X86_64, listener: None, facts: &Host { cgroups: true } };
        if container(&mut value, &[], &asked).is_err() {
            return Ok(());
        }
        prop_assert_eq!(&value["process"]["noNewPrivileges"], true);
        prop_assert!(value["process"]["capabilities"].as_object().unwrap().values().all(|set| set == &json!([])));
        for (path, most) in [("memory/limit", 256 << 20), ("pids/limit", 64)] {
            let at = format!("/linux/resources/{path}");
            let limit = value.pointer(&at).and_then(Value::as_u64).unwrap();
            let there = before.pointer(&at).and_then(Value::as_u64).filter(|there| *there > 0).unwrap_or(u64::MAX);
            prop_assert!(limit > 0 && limit <= most && limit <= there, "{} {}", path, limit);
        }
        for kind in ["pid", "network", "mount", "ipc", "uts", "cgroup"] {
            prop_assert!(value["linux"]["namespaces"].as_array().unwrap().contains(&json!({ "type": kind })), "{}", kind);
        }
        prop_assert_eq!(&value["linux"]["seccomp"]["defaultAction"], "SCMP_ACT_ERRNO");
        let once = value.clone();
        container(&mut value, &[], &asked).unwrap();
        prop_assert!(once == value, "a second time changes nothing");
    }
}

//! Inside containers: what doctor says in one is what runs meet there, and what it tells to do is enough.
//!
//! Always holds: each container is the real runtime's, with the system's `/usr` for its root, and is gone when its trial is over.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended, binary};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("containers::an_engine_is_told_what_it_has_to_be_told", told),
        trial("containers::a_profile_is_added_to_and_loses_nothing", profile),
        trial("containers::what_a_policy_calls_optional_stops_no_start", optional),
        trial("containers::a_policy_of_ones_own_is_believed_in_a_user_namespace", own_policy),
    ];
    type Of = fn(&'static str) -> Check;
    let of: [(&str, Of); 5] = [
        ("podmans_own_flags_are_enough", podman),
        ("dockers_filter_is_named_and_what_is_told_is_enough", docker),
        ("rights_that_are_missing_are_named_and_what_is_told_is_enough", rights),
        ("memory_that_runs_out_is_the_containers", memory),
        ("what_an_image_brings_along_is_used", warm),
    ];
    for (name, check) in of {
        trials.extend(["crun", "runc"].map(|runtime| trial(format!("containers::{name} [{runtime}]"), move || check(runtime))));
    }
    trials
}

const PODMAN: &str = include_str!("../src/authoring/tests/foreign/data/containers.json");
const DOCKER: &str = include_str!("../src/authoring/tests/foreign/data/docker.json");
/// Podman's, of which Docker's has some more.
const CAPABILITIES: [&str; 11] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// A container as an engine would configure it.
#[derive(Clone)]
struct Shape {
    user: u32,
    capabilities: Vec<&'static str>,
    /// In the form of Docker and podman.
    profile: Option<Value>,
    /// What engines hide of `/proc`.
    masked: bool,
    read_only: bool,
    /// Bytes.
    memory: Option<u64>,
    tmpfs: Vec<&'static str>,
    environment: Vec<&'static str>,
}

impl Shape {
    fn engine(profile: &str) -> Self {
        Self {
            user: 0,
            capabilities: CAPABILITIES.to_vec(),
            profile: Some(serde_json::from_str(profile).unwrap_or_default()),
            masked: true,
            read_only: false,
            memory: None,
            tmpfs: vec!["/tmp"],
            environment: Vec::new(),
        }
    }

    /// What nobody needs is taken away.
    fn restricted(self) -> Self {
        Self { user: 1000, capabilities: Vec::new(), read_only: true, ..self }
    }

    fn config(&self, root: &Path, out: &Path, id: &str, script: &str) -> Value {
        let bind =
            |from: &Path, to: &str, mode: &str| json!({ "destination": to, "type": "bind", "source": from, "options": ["rbind", mode] });
        let mut mounts = vec![
            json!({ "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] }),
            json!({ "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"] }),
            json!({ "destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"] }),
            json!({ "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "relatime", "ro"] }),
            bind(Path::new("/usr"), "/usr", "ro"),
            bind(binary().parent().unwrap_or(Path::new("/")), "/remand", "ro"),
            bind(out, "/out", "rw"),
        ];
        mounts.extend(
            self.tmpfs.iter().map(
                |place| json!({ "destination": place, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"] }),
            ),
        );
        let sets = ["bounding", "effective", "permitted"].map(|set| (set.to_owned(), json!(self.capabilities)));
        let path = "PATH=/usr/bin:/usr/sbin:/bin";
        let environment: Vec<_> = [path].into_iter().chain(self.environment.iter().copied()).collect();
        let (masked, read_only): (&[&str], &[&str]) = match self.masked {
            true => {
                (&["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list"], &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"])
            }
            false => (&[], &[]),
        };
        let namespaces = ["pid", "ipc", "uts", "mount", "network"].map(|kind| json!({ "type": kind }));
        json!({
            "ociVersion": "1.0.2",
            "process": {
                "user": { "uid": self.user, "gid": self.user }, "args": ["/bin/sh", "-c", script], "cwd": "/", "env": environment,
                "noNewPrivileges": true, "capabilities": Value::Object(sets.into_iter().collect()),
                "rlimits": [{ "type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096 }],
            },
            "root": { "path": root, "readonly": self.read_only },
            "mounts": mounts,
            "linux": {
                "namespaces": namespaces,
                "cgroupsPath": format!("/{id}"),
                "resources": self.memory.map_or(json!({}), |limit| json!({ "memory": { "limit": limit, "swap": limit } })),
                "maskedPaths": masked, "readonlyPaths": read_only,
                "seccomp": self.profile.as_ref().map(|profile| seccomp(profile, &self.capabilities)),
            },
        })
    }
}

/// A profile as an engine hands it to a runtime: what is on conditions is there or not.
fn seccomp(profile: &Value, held: &[&str]) -> Value {
    let list = |filter: &Value, key: &str| filter[key].as_array().cloned().unwrap_or_default();
    let here = if cfg!(target_arch = "x86_64") { ["amd64", "x86"] } else { ["arm64", "aarch64"] };
    let capability = |name: &Value| name.as_str().is_some_and(|name| held.contains(&name));
    let arch = |name: &Value| name.as_str().is_some_and(|name| here.contains(&name));
    let applies = |rule: &Value| {
        let (with, without) = (&rule["includes"], &rule["excludes"]);
        let arches = list(with, "arches");
        list(with, "caps").iter().all(capability)
            && (arches.is_empty() || arches.iter().any(arch))
            && !list(without, "caps").iter().any(capability)
            && !list(without, "arches").iter().any(arch)
    };
    let plain = |rule: &Value| {
        let mut rule = rule.clone();
        let kept = |key: &String, value: &mut Value| ["names", "action", "args", "errnoRet"].contains(&key.as_str()) && !value.is_null();
        rule.as_object_mut().into_iter().for_each(|rule| rule.retain(kept));
        rule
    };
    let rules: Vec<Value> = profile["syscalls"].as_array().into_iter().flatten().filter(|rule| applies(rule)).map(plain).collect();
    json!({ "defaultAction": profile["defaultAction"], "defaultErrnoRet": profile.get("defaultErrnoRet").unwrap_or(&json!(1)), "syscalls": rules })
}

/// A machine's runtime and a root for containers.
struct Runtime {
    path: PathBuf,
    scratch: Scratch,
}

/// What a container said.
#[derive(Debug)]
struct Said {
    doctor: (i32, String),
    run: (i32, Value),
}

/// A container of `runtime` for the script; crun does not take both versions of cgroups at once.
const START: &str = r#"runtime=$1 bundle=$2 id=$3
case $runtime in *crun) [ ! -e /sys/fs/cgroup/unified/cgroup.procs ] || mount -t tmpfs tmpfs /sys/fs/cgroup/unified;; esac
"$runtime" run --bundle "$bundle" "$id""#;

impl Runtime {
    fn new(name: &'static str) -> Result<Self, End> {
        if !nix::unistd::geteuid().is_root() {
            return Err(End::Skip("a privileged start".to_owned()));
        }
        let found = ["/usr/bin", "/usr/sbin"].map(|directory| Path::new(directory).join(name)).into_iter().find(|path| path.exists());
        let path = found.ok_or_else(|| End::Skip(name.to_owned()))?;
        let scratch = Scratch::below(Path::new("/var/lib"));
        for directory in [
            "root",
            "root/usr",
            "root/proc",
            "root/dev",
            "root/sys",
            "root/tmp",
            "root/run",
            "root/etc",
            "root/out",
            "root/remand",
            "root/var",
            "root/root",
        ] {
            fs::create_dir(scratch.path().join(directory))?;
        }
        fs::set_permissions(scratch.path().join("root/tmp"), fs::Permissions::from_mode(0o1777))?;
        for link in ["bin", "sbin", "lib", "lib64"] {
            symlink(format!("usr/{link}"), scratch.path().join("root").join(link))?;
        }
        fs::copy("/etc/ld.so.cache", scratch.path().join("root/etc/ld.so.cache"))?;
        Ok(Self { path, scratch })
    }

    /// What a shell script prints and leaves in `/out` in a container of this shape.
    fn script(&self, shape: &Shape, script: &str) -> Result<(Ended, PathBuf), End> {
        let bundle = self.scratch.path().join("bundle");
        let out = bundle.join("out");
        let _ = fs::remove_dir_all(&bundle);
        fs::create_dir_all(&out)?;
        fs::set_permissions(&out, fs::Permissions::from_mode(0o1777))?;
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let id = format!("remand-inside-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let config = shape.config(&self.scratch.path().join("root"), &out, &id, script);
        fs::write(bundle.join("config.json"), config.to_string())?;
        let args = [self.path.display().to_string(), bundle.display().to_string(), id];
        let ended = Call::program(Path::new("unshare"), &["--mount", "/bin/sh", "-c", START, "sh", &args[0], &args[1], &args[2]]).end()?;
        Ok((ended, out))
    }

    /// What doctor and a run say there.
    fn said(&self, shape: &Shape, code: &str) -> Result<Said, End> {
        let script = format!(
            "printf '%s' '{code}' >/out/code.py; /remand/remand doctor >/out/doctor 2>&1; echo $? >/out/doctor.status; \
             /remand/remand run --json /out/code.py >/out/run 2>/out/account; echo $? >/out/run.status"
        );
        let (ended, out) = self.script(shape, &script)?;
        let text = |name: &str| fs::read_to_string(out.join(name)).unwrap_or_default();
        let status = |name: &str| text(name).trim().parse().unwrap_or(-1);
        ensure(ended.code == Some(0), "the container", &(ended, text("account")))?;
        Ok(Said {
            doctor: (status("doctor.status"), text("doctor")),
            run: (status("run.status"), serde_json::from_str(&text("run")).unwrap_or_default()),
        })
    }

    fn works(&self, shape: &Shape, why: &str) -> Result<Value, End> {
        let said = self.said(shape, "return 1")?;
        ensure(said.doctor.0 == 0 && said.run.0 == 0 && said.run.1["value"] == 1, why, &said)?;
        Ok(said.run.1)
    }

    /// Both say no, for this reason, and tell these things to do.
    fn refuses(&self, shape: &Shape, reason: &str, cures: &[&str]) -> Check {
        let said = self.said(shape, "return 1")?;
        ensure(said.doctor.0 == 1 && said.run.0 == 10, "doctor's status is that of a run", &said)?;
        let hint = said.run.1["verdict"]["hint"].as_str().unwrap_or_default();
        let told = |text: &str| text.contains(reason) && cures.iter().all(|cure| text.contains(cure));
        ensure(told(hint) && told(&said.doctor.1), reason, &said)?;
        ensure(!hint.contains("AppArmor") && !hint.contains("answered with error"), "no guess", &said)
    }
}

fn podman(runtime: &'static str) -> Check {
    let runtime = Runtime::new(runtime)?;
    let stock = Shape::engine(PODMAN);
    let record = runtime.works(&stock, "root")?;
    let less = |record: &Value, what: &str| record["enforcement"][what]["substitute"]["because"].as_str().unwrap_or_default().to_owned();
    ensure(less(&record, "uts_namespace").contains("sethostname was refused"), "what was refused is named", &record["enforcement"])?;
    ensure(less(&record, "proc").contains("/proc/keys"), "what is done without is named", &record["enforcement"])?;
    runtime.works(&Shape { user: 1000, ..stock.clone() }, "an ordinary user")?;
    runtime.works(&stock.clone().restricted(), "read-only, without capabilities")?;
    let whole = Shape { masked: false, profile: None, ..stock };
    let record = runtime.works(&whole, "without filter and masks")?;
    ensure(record["enforcement"]["proc"].get("by").is_some(), "the control: a /proc of its own", &record["enforcement"])
}

fn docker(runtime: &'static str) -> Check {
    let runtime = Runtime::new(runtime)?;
    let stock = Shape::engine(DOCKER);
    let calls = ["clone3, unshare, mount_setattr", "move_mount, open_tree, pivot_root, umount2:"];
    runtime.refuses(&stock, "a seccomp filter", &[calls[0], calls[1], "remand policy export --as host-profile"])?;
    let (text, _) = exported(&runtime.scratch, DOCKER)?;
    let better = Shape { profile: serde_json::from_str(&text).ok(), ..stock.clone() };
    let record = runtime.works(&better, "with the profile that is told")?;
    ensure(record["enforcement"]["uts_namespace"].get("by").is_some(), "a name of its own, too", &record["enforcement"])?;
    runtime.works(&better.clone().restricted(), "read-only, without capabilities")?;
    // Each call alone is missed, and named.
    let profile = better.profile.clone().unwrap_or_default();
    for call in ["pivot_root", "move_mount", "landlock_add_rule"] {
        let mut less = profile.clone();
        for names in less["syscalls"].as_array_mut().into_iter().flatten().filter_map(|rule| rule["names"].as_array_mut()) {
            names.retain(|name| name != call);
        }
        let shape = Shape { profile: Some(less), ..better.clone() };
        runtime.refuses(&shape, "a seccomp filter", &[&format!("let it allow {call}:")])?;
    }
    Ok(())
}

fn rights(runtime: &'static str) -> Check {
    let runtime = Runtime::new(runtime)?;
    let none = Shape { capabilities: Vec::new(), ..Shape::engine(PODMAN) };
    runtime.refuses(&none, "root without CAP_SETFCAP", &["--cap-add SETFCAP", "--user 1000"])?;
    runtime.works(&Shape { capabilities: vec!["CAP_SETFCAP"], ..none.clone() }, "as it is told: the capability")?;
    runtime.works(&Shape { user: 1000, ..none }, "as it is told: an ordinary user")?;
    let mut admin = Shape { read_only: true, ..Shape::engine(PODMAN) };
    admin.capabilities.push("CAP_SYS_ADMIN");
    runtime.refuses(&admin, "/run is mounted read-only (EROFS)", &["--tmpfs /run"])?;
    admin.tmpfs.push("/run");
    runtime.works(&admin, "as it is told: a /run")?;
    // Docker's filter lets nobody pivot; both are told at once.
    let mut both = Shape { read_only: true, ..Shape::engine(DOCKER) };
    both.capabilities.push("CAP_SYS_ADMIN");
    runtime.refuses(&both, "/run is mounted read-only (EROFS)", &["--tmpfs /run", "let it allow", "pivot_root"])
}

fn memory(runtime: &'static str) -> Check {
    let runtime = Runtime::new(runtime)?;
    let small = Shape { memory: Some(96 << 20), ..Shape::engine(PODMAN) };
    let bomb = "held = []\nwhile True: held.append(bytearray(1 << 20))";
    // A policy that lets a run have more than its container has.
    let said = runtime.said(&small, bomb)?;
    let verdict = &said.run.1["verdict"];
    let source = verdict["source"].as_str().unwrap_or_default();
    let named = verdict["kind"] == "exceeded" && verdict["limit"] == "memory" && verdict["level"] == "container";
    ensure(named && verdict["allowed"] == 96 << 20 && source.contains("/sys/fs/cgroup/"), "the container's limit, by its group", &said)?;
    let said = runtime.said(&Shape { memory: Some(1 << 30), ..small.clone() }, bomb)?;
    ensure(said.run.1["verdict"]["level"] == "run", "the control: the run's own", &said.run)?;
    let killed = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)";
    let said = runtime.said(&small, killed)?;
    ensure(said.run.1["verdict"]["kind"] == "signaled", "whoever kills itself has not run out of memory", &said.run)
}

fn warm(runtime: &'static str) -> Check {
    let runtime = Runtime::new(runtime)?;
    let build = Shape { environment: vec!["HOME=/root"], ..Shape::engine(PODMAN) };
    let (ended, out) = runtime.script(&build, "/remand/remand warm --into /out/warm && ls -l /out/warm")?;
    ensure(ended.code == Some(0) && ended.out().contains("/usr/bin/python3 is known in /out/warm"), "it is kept", &ended)?;
    // Into the image; there it has another inode.
    let brought = runtime.scratch.path().join("root/warm");
    fs::create_dir(&brought)?;
    for record in fs::read_dir(out.join("warm"))? {
        let record = record?;
        fs::copy(record.path(), brought.join(record.file_name()))?;
        fs::set_permissions(brought.join(record.file_name()), fs::Permissions::from_mode(0o644))?;
    }
    // What doctor has to say of the interpreter that policies name.
    let inside = |environment: &[&'static str]| -> Result<String, End> {
        let shape = Shape { environment: environment.to_vec(), ..build.clone().restricted() };
        let (ended, _) = runtime.script(&shape, "/remand/remand doctor --json")?;
        let found: Value = serde_json::from_slice(&ended.stdout).map_err(|error| End::Fail(format!("{error}: {ended:?}")))?;
        ensure(ended.code == Some(0) && found["interpreters"][0]["asked"] == "python3", "it works either way", &ended)?;
        Ok(found["interpreters"][0]["usable"]["notes"].to_string())
    };
    let without = inside(&[])?;
    ensure(
        without.contains("are not kept") && without.contains("remand warm --into"),
        "the control: without it, and told what to do",
        &without,
    )?;
    let with = inside(&["REMAND_WARM=/warm"])?;
    ensure(with == "[]", "it is used", &with)?;
    for record in fs::read_dir(&brought)? {
        std::os::unix::fs::chown(record?.path(), Some(1001), Some(1001))?;
    }
    let another = inside(&["REMAND_WARM=/warm"])?;
    ensure(another.contains("are not kept"), "what another could write is not believed", &another)
}

/// The profile for containers that remand is to run in, and what was added.
fn exported(scratch: &Scratch, base: &str) -> Result<(String, String), End> {
    let base = scratch.file("base.json", base).display().to_string();
    let ended = Call::new(&["policy", "export", "--as", "host-profile", "--base", &base]).end()?;
    ensure(ended.code == Some(0), "exported", &ended)?;
    Ok((ended.out(), ended.err()))
}

fn profile() -> Check {
    let scratch = Scratch::new();
    for (base, added) in [(DOCKER, "clone3, unshare, mount_setattr, fsopen"), (PODMAN, "allows besides: sethostname\n")] {
        let (text, told) = exported(&scratch, base)?;
        ensure(told.contains(added), "what is added is named", &told)?;
        let (before, after): (Value, Value) =
            (serde_json::from_str(base).unwrap_or_default(), serde_json::from_str(&text).unwrap_or_default());
        let held = |profile: &Value| -> Vec<String> {
            let rules = seccomp(profile, &[])["syscalls"].clone();
            let allowing = |rule: &&Value| rule["action"] == "SCMP_ACT_ALLOW" && rule["args"].as_array().is_none_or(Vec::is_empty);
            let names = |rule: &Value| rule["names"].as_array().cloned().unwrap_or_default();
            let mut all: Vec<_> =
                rules.as_array().into_iter().flatten().filter(allowing).flat_map(names).map(|name| name.to_string()).collect();
            all.sort();
            all
        };
        let (before, after) = (held(&before), held(&after));
        ensure(before.iter().all(|call| after.contains(call)), "nothing is lost", &told)?;
        let more = after.iter().filter(|call| !before.contains(call)).count();
        ensure(more == told.matches(", ").count() + 1, "and nothing is gained that is not named", &(more, &told))?;
        let (again, told) = exported(&scratch, &text)?;
        ensure(again == text && told.contains("all that a start needs"), "it is enough", &told)?;
    }
    let none = Call::new(&["policy", "export", "--as", "host-profile"]).end()?;
    ensure(none.code == Some(2) && none.err().contains("--base") && none.err().contains("moby/profiles"), "a base is asked for", &none)?;
    let other = scratch.file("other.json", "{}").display().to_string();
    let wrong = Call::new(&["policy", "export", "--as", "host-profile", "--base", &other]).end()?;
    ensure(wrong.code == Some(2) && wrong.err().contains("defaultAction is missing"), "what is no profile", &wrong)?;
    let apparmor = Call::new(&["policy", "export", "--as", "apparmor"]).end()?;
    ensure(["  mount,\n", "  pivot_root,\n", "deny"].iter().all(|rule| apparmor.out().contains(rule)), "AppArmor's", &apparmor)
}

fn told() -> Check {
    for (engine, words) in [
        ("docker", &["docker run --security-opt seccomp=remand-seccomp.json IMAGE", "--as host-profile", "--as apparmor"][..]),
        ("podman", &["podman run IMAGE remand run"]),
        ("kubernetes", &["kind: Pod", "localhostProfile: profiles/remand.json", "allowPrivilegeEscalation: false"]),
        ("containerd", &["ctr run IMAGE"]),
        ("nspawn", &["systemd-nspawn '--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self'"]),
    ] {
        let ended = Call::new(&["doctor", "--container", engine]).end()?;
        ensure(ended.code == Some(0) && words.iter().all(|word| ended.out().contains(word)), engine, &ended)?;
        let ended = Call::new(&["doctor", "--container", engine, "--json"]).end()?;
        let advice: Value = serde_json::from_slice(&ended.stdout).map_err(|error| End::Fail(format!("{error}: {ended:?}")))?;
        ensure(advice["engine"] == engine && advice["needed"].is_array(), "as JSON", &advice)?;
    }
    Ok(())
}

/// `remand ARGS...` as root of a user namespace of its own, behind a shell.
fn in_user_namespace(set_up: &str, args: &[&str]) -> Result<Ended, End> {
    let binary = binary().display().to_string();
    let script = format!("{set_up} exec \"$@\"");
    let ended = Call::program(Path::new("unshare"), &[&["-r", "/bin/sh", "-c", &script, "sh", &binary], args].concat()).end()?;
    if ended.err().starts_with("unshare: ") { Err(End::Skip("user namespaces".to_owned())) } else { Ok(ended) }
}

fn optional() -> Check {
    let scratch = Scratch::new();
    let code = scratch.file("code.py", "return 1").display().to_string();
    for (limit, name) in [("net", "network"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup")] {
        let none = format!("echo 0 > /proc/sys/user/max_{limit}_namespaces;");
        let policy = json!({ "version": 1, "extends": "default", "namespaces": { name: "optional" } });
        let policy = scratch.file("mine.jsonc", &policy.to_string()).display().to_string();
        let outcome = in_user_namespace(&none, &["run", "--json", "--policy", &policy, &code])?.outcome()?;
        let how = &outcome["enforcement"][format!("{name}_namespace")];
        let named = how["absent"].as_str().is_some_and(|why| why.contains(&format!("user.max_{limit}_namespaces = 0")));
        ensure(outcome["value"] == 1 && named, "it starts, and what it has not is named", &(name, &outcome["verdict"], how))?;
        // The control: the policy that requires it.
        let required = in_user_namespace(&none, &["run", &code])?;
        ensure(
            required.code == Some(10) && required.err().contains(&format!("user.max_{limit}_namespaces")),
            "what is required",
            &required,
        )?;
        let doctor = in_user_namespace(&none, &["doctor"])?;
        ensure(doctor.code == Some(1), "and doctor says the same", &doctor)?;
    }
    Ok(())
}

fn own_policy() -> Check {
    let scratch = Scratch::new();
    let code = scratch.file("code.py", "return 1").display().to_string();
    let policy = scratch.file("mine.jsonc", "{ \"version\": 1, \"extends\": \"default\" }");
    let name = policy.display().to_string();
    let run = || in_user_namespace("", &["run", "--policy", &name, &code]);
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o644))?;
    let ended = run()?;
    ensure(ended.code == Some(0), "the caller's own", &ended)?;
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o666))?;
    let ended = run()?;
    ensure(ended.code == Some(2) && ended.err().contains("can be written by others"), "what everybody can write is nobody's policy", &ended)
}

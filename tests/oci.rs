//! Containers held to a policy in front of their runtime: what is written before one is started, and what crun and runc then make of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended, binary};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, program, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("oci::a_bundle_is_narrowed_and_the_arguments_are_unchanged", narrowed),
        trial("oci::what_cannot_be_held_starts_nothing", refused),
        trial("oci::what_is_no_bundle_of_ours_starts_nothing", bundles),
        trial("oci::the_process_of_exec_is_narrowed", exec),
        trial("oci::other_commands_are_handed_on", handed_on),
        trial("oci::the_policies_that_a_container_may_choose_are_the_administrators", chosen),
    ];
    trials.extend(["crun", "runc"].map(|runtime| trial(format!("oci::a_container_of_{runtime}_is_held"), move || held(runtime))));
    trials
}

/// A bundle as an engine leaves it.
struct Bundle {
    scratch: Scratch,
}

impl Bundle {
    fn new(config: &Value) -> Self {
        let scratch = Scratch::new();
        fs::set_permissions(scratch.file("config.json", &config.to_string()), fs::Permissions::from_mode(0o640)).unwrap();
        Self { scratch }
    }

    fn path(&self) -> &Path {
        self.scratch.path()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path().join("config.json")).unwrap()
    }

    fn config(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// `create` of this bundle, by a runtime that only says its arguments.
    fn create(&self) -> Result<Ended, End> {
        said(&["create", "--bundle", &self.path().display().to_string(), "c1"])
    }
}

fn config() -> Value {
    json!({
        "ociVersion": "1.0.2",
        "process": { "user": { "uid": 0, "gid": 0 }, "args": ["/bin/sh"], "cwd": "/", "env": ["PATH=/bin"], "capabilities": { "bounding": ["CAP_SYS_ADMIN"], "effective": ["CAP_SYS_ADMIN"], "permitted": ["CAP_SYS_ADMIN"] } },
        "root": { "path": "rootfs", "readonly": true },
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
        ],
        "linux": { "namespaces": [{ "type": "pid" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" }] },
        "vendor": { "kept": [1, 2.5] },
    })
}

/// `remand oci` with a runtime that only says its arguments.
fn said(args: &[&str]) -> Result<Ended, End> {
    by(Path::new("/bin/echo"), args)
}

fn by(runtime: &Path, args: &[&str]) -> Result<Ended, End> {
    Call::new(&[&["oci"], args].concat()).env("REMAND_OCI_RUNTIME", &runtime.display().to_string()).end()
}

fn narrowed() -> Check {
    let bundle = Bundle::new(&config());
    let path = bundle.path().display().to_string();
    let args = ["--root", "/r", "--log-format", "json", "create", "--bundle", &path, "--pid-file", "/p", "c1"];
    let ended = said(&args)?;
    ensure(ended.code == Some(0) && ended.out() == args.join(" ") + "\n", "the runtime gets the arguments", &ended)?;
    let config = bundle.config();
    let process = &config["process"];
    ensure(process["noNewPrivileges"] == true && process["capabilities"]["effective"] == json!([]), "the process is narrowed", process)?;
    let linux = &config["linux"];
    let networks = linux["namespaces"].as_array().map_or(0, |all| all.iter().filter(|one| one["type"] == "network").count());
    ensure(networks == 1 && linux["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO", "and what it shares", linux)?;
    ensure(bundle.text().contains("\"vendor\":{\"kept\":[1,2.5]}"), "what is not known elsewhere stays as it is", &config["vendor"])?;
    let mode = fs::metadata(bundle.path().join("config.json"))?.permissions().mode();
    ensure(mode & 0o7777 == 0o640, "with its mode", &mode)?;
    let linked = bundle.path().join("remand-oci");
    symlink(binary(), &linked)?;
    let ended = Call::program(&linked, &["run", "c1"]).cwd(bundle.path()).env("REMAND_OCI_RUNTIME", "/bin/echo").end()?;
    ensure(ended.out() == "run c1\n", "as engines find it, in the working directory", &ended)
}

/// Nothing was started and nothing written, and this was said.
fn stopped(ended: &Ended, bundle: &Bundle, before: &str, told: &str) -> Check {
    ensure(ended.code == Some(1) && ended.stdout.is_empty() && ended.err().contains(told), told, ended)?;
    ensure(bundle.text() == before, "the configuration is as it was", &bundle.text())
}

fn refused() -> Check {
    let cases: [(&str, Value, &str); 9] = [
        ("/process/new", json!(1), "process.new: a field that remand oci does not know"),
        ("/linux/intelRdt", json!({}), "linux.intelRdt: a field that remand oci does not know"),
        ("/Process", json!({}), "Process: differs from a known field only by upper and lower case"),
        (
            "/mounts/0",
            json!({ "destination": "/h", "type": "bind", "source": "/", "options": ["rbind"] }),
            "mounts[0]: \"/\" at \"/h\"; filesystem.mounts of policy default",
        ),
        (
            "/linux/devices",
            json!([{ "path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11 }]),
            "linux.devices[0].path: \"/dev/kmsg\"; filesystem.devices",
        ),
        ("/annotations", json!({ "run.oci.handler": "wasm" }), "annotations.run.oci.handler: runtimes obey it"),
        ("/annotations", json!({ "dev.remand.policy": "numeric" }), "annotations.dev.remand.policy: \"numeric\" is not among the policies"),
        ("/annotations", json!({ "dev.remand.policy": "\u{1b}[2J" }), "\"\\u{1b}[2J\" is not among the policies"),
        ("/hooks", json!({ "startContainer": [{ "path": "/x" }] }), "hooks.startContainer[0]"),
    ];
    for (pointer, value, told) in cases {
        let mut config = config();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match config.pointer_mut(parent).unwrap() {
            Value::Object(object) => drop(object.insert(key.to_owned(), value)),
            list => list[0] = value,
        }
        let bundle = Bundle::new(&config);
        let before = bundle.text();
        let log = bundle.path().join("log");
        let ended = said(&[
            "--log",
            &log.display().to_string(),
            "--log-format",
            "json",
            "create",
            "--bundle",
            &bundle.path().display().to_string(),
            "c1",
        ])?;
        stopped(&ended, &bundle, &before, told)?;
        let logged: Value = serde_json::from_str(fs::read_to_string(log)?.trim()).map_err(|error| error.to_string())?;
        ensure(
            logged["level"] == "error" && logged["msg"].as_str().is_some_and(|told| told.contains("refused under policy")),
            "engines find it in their log",
            &logged,
        )?;
    }
    for (args, told) in [
        (&["create", "--bund", "/b", "c1"][..], "option \"--bund\" is not known"),
        (&["restore", "c1"], "restore: a checkpoint"),
        (&["unheard-of"], "command \"unheard-of\" is not known"),
    ] {
        let ended = said(args)?;
        ensure(ended.code == Some(1) && ended.stdout.is_empty() && ended.err().contains(told), told, &ended)?;
    }
    Ok(())
}

fn bundles() -> Check {
    let bundle = Bundle::new(&config());
    let (path, real) = (bundle.path().join("config.json"), bundle.path().join("real.json"));
    fs::rename(&path, &real)?;
    symlink("real.json", &path)?;
    stopped(&bundle.create()?, &bundle, &bundle.text(), "config.json: is a symbolic link, which is not followed")?;
    fs::remove_file(&path)?;
    fs::rename(&real, &path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
    stopped(&bundle.create()?, &bundle, &bundle.text(), "can be written by others")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    fs::set_permissions(bundle.path(), fs::Permissions::from_mode(0o777))?;
    stopped(&bundle.create()?, &bundle, &bundle.text(), "others can put another in its place")?;
    fs::set_permissions(bundle.path(), fs::Permissions::from_mode(0o755))?;
    let ended = bundle.create()?;
    ensure(ended.code == Some(0), "the control", &ended)?;
    let own = by(&binary(), &["create", "--bundle", &bundle.path().display().to_string(), "c1"])?;
    ensure(own.code == Some(1) && own.err().contains("is remand itself"), "not for ever", &own)?;
    let none = by(Path::new("/nonexistent/runc"), &["state", "c1"])?;
    ensure(none.code == Some(1) && none.err().contains("/nonexistent/runc: No such file"), "no runtime", &none)
}

/// A runtime that knows one container, and says what it was started with.
fn runtime(scratch: &Scratch, annotations: &Value) -> Result<PathBuf, End> {
    let state = json!({ "ociVersion": "1.0.2", "id": "c1", "status": "running", "pid": 1, "bundle": "/b", "annotations": annotations });
    let path = scratch.path().join("runtime");
    program::write(
        &path,
        format!(
            "#!/bin/sh\ncase \"$*\" in *state*c1) echo '{state}';; *state*) echo no such container >&2; exit 1;; *) echo \"$@\";; esac\n"
        ),
    )?;
    Ok(path)
}

fn exec() -> Check {
    let scratch = Scratch::new();
    let process = scratch
        .file("process.json", &json!({ "args": ["/bin/sh"], "cwd": "/", "capabilities": { "effective": ["CAP_SYS_ADMIN"] } }).to_string());
    fs::set_permissions(&process, fs::Permissions::from_mode(0o600))?;
    let known = runtime(&scratch, &json!({}))?;
    let args =
        |process: &Path, id: &str| ["--root", "/r", "exec", "--process", &process.display().to_string(), "--detach", id].map(str::to_owned);
    let call = |runtime: &Path, process: &Path, id: &str| by(runtime, &args(process, id).each_ref().map(String::as_str));
    let ended = call(&known, &process, "c1")?;
    ensure(ended.code == Some(0) && ended.out() == args(&process, "c1").join(" ") + "\n", "handed on", &ended)?;
    let written: Value = serde_json::from_str(&fs::read_to_string(&process)?).map_err(|error| error.to_string())?;
    ensure(written["noNewPrivileges"] == true && written["capabilities"]["effective"] == json!([]), "the process is narrowed", &written)?;
    let linked = scratch.path().join("linked.json");
    symlink(&process, &linked)?;
    let ended = call(&known, &linked, "c1")?;
    ensure(ended.code == Some(1) && ended.err().contains("is a symbolic link"), "no link is followed", &ended)?;
    let ended = call(&known, Path::new("/dev/stdin"), "c1")?;
    ensure(ended.code == Some(1), "nor what comes by a pipe", &ended)?;
    let ended = call(&known, &process, "c2")?;
    ensure(ended.code == Some(1) && ended.err().contains("no such container"), "whose policy is not known", &ended)?;
    let other = runtime(&scratch, &json!({ "dev.remand.policy": "numeric" }))?;
    let ended = call(&other, &process, "c1")?;
    ensure(ended.code == Some(1) && ended.err().contains("is not among the policies"), "the policy is the container's", &ended)?;
    let ended = by(&known, &["exec", "--cap", "CAP_SYS_ADMIN", "c1", "sh"])?;
    ensure(ended.code == Some(1) && ended.stdout.is_empty(), "nothing is added on the command line", &ended)
}

fn handed_on() -> Check {
    for line in [
        "state c1",
        "start c1",
        "kill c1 15",
        "delete --force c1",
        "features",
        "--root /r ps --format json c1",
        "pause c1",
        "resume c1",
        "update --resources - c1",
        "list",
    ] {
        let ended = said(&line.split(' ').collect::<Vec<_>>())?;
        ensure(ended.code == Some(0) && ended.out() == format!("{line}\n"), line, &ended)?;
    }
    // GNU echo has no long options of its own but these.
    let ended = by(Path::new("/bin/true"), &["--version"])?;
    ensure(ended.out().contains("true"), "the runtime's version", &ended)
}

fn privileged() -> Check {
    if nix::unistd::geteuid().is_root() { Ok(()) } else { Err(End::Skip("a privileged start".to_owned())) }
}

/// In a mount namespace of its own, with nothing in `/etc` but this configuration.
fn configured(settings: &Path, script: &str, args: &[&str]) -> Result<Ended, End> {
    privileged()?;
    let script =
        format!("mount -t tmpfs -o mode=755 tmpfs /etc && mkdir /etc/remand && cat \"$1\" >/etc/remand/oci.jsonc && shift\n{script}");
    let settings = settings.display().to_string();
    Call::program(Path::new("unshare"), &[&["--mount", "/bin/sh", "-c", &script, "sh", &settings], args].concat()).end()
}

fn chosen() -> Check {
    let scratch = Scratch::new();
    let with = |settings: &str, annotation: &str| -> Result<(Ended, Value), End> {
        let mut config = config();
        config["annotations"] = json!({ "dev.remand.policy": annotation });
        let bundle = Bundle::new(&config);
        let create = "REMAND_OCI_RUNTIME=/bin/echo exec \"$1\" oci create --bundle \"$2\" c1";
        let args = [binary(), bundle.path().to_owned()].map(|path| path.display().to_string());
        let ended = configured(&scratch.file("oci.jsonc", settings), create, &args.each_ref().map(String::as_str))?;
        Ok((ended, bundle.config()))
    };
    let (ended, config) = with("{ \"version\": 1, \"choose\": [\"numeric\"] }", "numeric")?;
    ensure(
        ended.code == Some(0) && config["linux"]["resources"]["memory"]["limit"] != 256 << 20,
        "what is listed can be chosen",
        &(ended, config),
    )?;
    for (settings, annotation, told) in [
        ("{ \"version\": 1 }", "numeric", "lists none"),
        ("{ \"version\": 1, \"choose\": [\"numeric\"] }", "compile", "lists numeric"),
        ("{ \"version\": 1, \"choose\": [\"gone\"] }", "gone", "no policy gone"),
        ("{ \"version\": 1, \"choose\": [\"strict\"] }", "strict", "execve is not granted"),
        ("{ \"version\": 1, \"chose\": [] }", "default", "did you mean \"choose\"?"),
        ("{ \"version\": 1, \"agent\": { \"socket\": \"/nonexistent\" } }", "default", "the agent at /nonexistent is not there"),
    ] {
        let (ended, config) = with(settings, annotation)?;
        ensure(ended.code == Some(1) && ended.stdout.is_empty() && ended.err().contains(told), told, &ended)?;
        ensure(config["process"].get("noNewPrivileges").is_none(), "nothing is written", &config)?;
    }
    let (ended, config) = with("{ \"version\": 1, \"agent\": { \"socket\": \"/nonexistent\", \"absent\": \"unlogged\" } }", "default")?;
    ensure(ended.code == Some(0) && config["linux"]["seccomp"].get("listenerPath").is_none(), "unlogged, as the configuration says", &ended)
}

/// What a process in a container sees of what holds it.
const LOOK: &str = "grep -E 'CapEff|NoNewPrivs' /proc/self/status; nc 127.0.0.1 9 2>&1";

/// A container that ends by itself, one with `exec`, an agent that dies.
const LIFE: &str = r##"
remand=$1 bundles=$2 runtime=$3
export REMAND_OCI_RUNTIME=$runtime
wait_for() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -lt 3000 ] || { echo "no $1"; kill $agent; exit 9; }; sleep 0.01; done; }
# crun does not take both versions of cgroups at once.
case $runtime in *crun) [ ! -e /sys/fs/cgroup/unified/cgroup.procs ] || mount -t tmpfs tmpfs /sys/fs/cgroup/unified;; esac
"$remand" oci agent --socket "$bundles/agent" --log "$bundles/log" & agent=$!
wait_for '[ -S "$bundles/agent" ]'
echo "# run"; "$remand" oci run --bundle "$bundles/one" $4-one
"$remand" oci create --bundle "$bundles/two" --pid-file "$bundles/pid" $4-two </dev/null >"$bundles/out" 2>&1 || cat "$bundles/out"
"$remand" oci start $4-two
echo "# exec"; "$remand" oci exec --process "$bundles/process.json" $4-two
kill $agent; wait $agent
echo "# no agent"; "$remand" oci exec --process "$bundles/process.json" $4-two
"$remand" oci run --bundle "$bundles/one" $4-three 2>&1
# The calls of the container itself, whose agent is gone.
touch "$bundles/root/go"
wait_for 'grep -q socket "$bundles/out"'
echo "# gone"; cat "$bundles/out"
"$remand" oci kill $4-two 9
id=$4; wait_for '"$remand" oci state $id-two | grep -q stopped'
"$remand" oci delete $4-two
case $runtime in *crun) umount /sys/fs/cgroup/unified 2>/dev/null;; esac
echo "# left"; "$remand" oci state $4-two || echo gone
find /sys/fs/cgroup -name "$4-*" -type d
"##;

fn held(name: &'static str) -> Check {
    privileged()?;
    let runtime = ["/usr/bin", "/usr/sbin"].map(|directory| Path::new(directory).join(name)).into_iter().find(|path| path.exists());
    let runtime = runtime.ok_or_else(|| End::Skip(name.to_owned()))?;
    let busybox = Path::new("/bin/busybox");
    if !busybox.exists() {
        return Err(End::Skip("busybox".to_owned()));
    }
    let scratch = Scratch::below(Path::new("/var/lib"));
    let at = |name: &str| scratch.path().join(name);
    for directory in ["root", "root/bin", "root/proc", "root/dev", "one", "two"] {
        fs::create_dir(at(directory))?;
    }
    program::copy(busybox, at("root/bin/busybox"))?;
    ["sh", "grep", "nc", "sleep"].iter().try_for_each(|applet| symlink("busybox", at("root/bin").join(applet)))?;
    let waits = "while ! [ -e /go ]; do sleep 0.05; done; nc 127.0.0.1 9 2>&1; sleep 1000";
    for (bundle, script) in [("one", LOOK), ("two", waits)] {
        let mut config = config();
        config["root"]["path"] = json!(at("root"));
        config["process"]["args"] = json!(["/bin/sh", "-c", script]);
        fs::write(at(bundle).join("config.json"), config.to_string())?;
    }
    let process =
        json!({ "args": ["/bin/sh", "-c", LOOK], "cwd": "/", "env": ["PATH=/bin"], "capabilities": { "effective": ["CAP_SYS_ADMIN"] } });
    fs::write(at("process.json"), process.to_string())?;
    let settings = json!({ "version": 1, "agent": { "socket": at("agent") } });
    let id = format!("remand-test-{name}-{}", std::process::id());
    let args = [binary(), scratch.path().to_owned(), runtime].map(|path| path.display().to_string());
    let ended = configured(&scratch.file("oci.jsonc", &settings.to_string()), LIFE, &[&args[0], &args[1], &args[2], &id])?;
    let all = ended.out();
    let part = |name: &str| all.split("# ").find_map(|part| part.strip_prefix(name)?.strip_prefix('\n')).unwrap_or_default().to_owned();
    for name in ["run", "exec"] {
        let seen = part(name);
        let good =
            ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "socket: Operation not permitted"].iter().all(|line| seen.contains(line));
        ensure(good, "no capability, none to be gained, no socket", &(name, &ended))?;
    }
    let log = fs::read_to_string(at("log"))?;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
    for container in ["one", "two"] {
        let named = |line: &&Value| {
            line["container"] == format!("{id}-{container}") && line["call"] == "socket" && line["args"] == json!([2, 1, 0])
        };
        let found: Vec<_> = lines.iter().filter(named).collect();
        ensure(
            found.len() == 1
                && found[0]["count"] == 1
                && found[0]["remedy"].as_str().is_some_and(|told| told.starts_with("syscalls.allow: add")),
            "the agent names it, once",
            &(container, &log),
        )?;
    }
    let without = part("no agent");
    ensure(!without.contains("CapEff") && without.contains("the agent at "), "nothing starts without an agent", &ended)?;
    ensure(part("gone").contains("socket: Function not implemented"), "its calls do not exist once it is gone", &ended)?;
    let left = part("left");
    ensure(left.contains("gone\n") && !left.contains("/sys/fs/cgroup/"), "nothing is left", &ended)
}

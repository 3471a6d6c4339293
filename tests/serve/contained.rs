//! Clients that are in containers: who they are to the daemon, what they may, what becomes of their runs.
//!
//! Always holds: each container is podman's, with the system's `/usr`, and sees the directory of the daemon's socket read-only; it, its storage and its cgroups are
//! gone when its trial is over.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::Trial;
use nix::unistd::{Uid, chown};
use remand_tests::command::until;
use remand_tests::daemon::{Answer, Daemon};
use remand_tests::processes::{appears, named, vanishes};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value as Json, json};

use super::{configured, finished, goes_on, privileged, reachable};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("serve::a_container_is_refused_unless_the_configuration_admits_it", refused),
        trial("serve::a_restricted_container_has_full_enforcement", enforced),
        trial("serve::a_container_is_neither_another_nor_a_user_of_the_host", apart),
        trial("serve::each_container_has_its_own_quota", quotas),
        trial("serve::the_end_of_a_container_cancels_its_runs", ended),
        trial("serve::a_cgroup_that_a_user_may_write_matches_no_pattern", written),
        trial("serve::a_service_of_the_host_is_of_the_host_where_the_configuration_says_so", services),
        trial("serve::who_is_in_another_user_namespace_is_not_the_user_of_that_number", namespaces),
    ]
}

/// One cgroup in each hierarchy, and a name for it.
struct Tree(String);

impl Tree {
    fn new() -> Self {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        Self(format!("remand-contained-{}-{}", id(), LAST.fetch_add(1, Ordering::Relaxed)))
    }

    fn hierarchies() -> Vec<PathBuf> {
        let top = Path::new("/sys/fs/cgroup");
        let below = fs::read_dir(top).into_iter().flatten().flatten().map(|entry| entry.path());
        below.chain([top.to_owned()]).filter(|path| path.join("cgroup.procs").exists()).collect()
    }

    /// The one that counts.
    fn counted() -> PathBuf {
        let named = ["systemd", "pids", "memory"].map(|name| Path::new("/sys/fs/cgroup").join(name));
        named.into_iter().find(|path| path.join("tasks").exists()).unwrap_or_else(|| "/sys/fs/cgroup".into())
    }

    /// A cgroup below it.
    fn below(&self, name: &str) -> Result<PathBuf, End> {
        let path = Self::counted().join(&self.0).join(name);
        fs::create_dir_all(&path)?;
        Ok(path)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        for hierarchy in Self::hierarchies() {
            let own = hierarchy.join(&self.0);
            // Who was in them has ended, or is about to.
            let gone = || {
                for below in fs::read_dir(&own).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
                    let _ = fs::remove_dir(below.path());
                }
                let _ = fs::remove_dir(&own);
                (!own.exists()).then_some(())
            };
            let _ = until(gone);
        }
    }
}

/// Podman, with storage, root and cgroups of its own.
struct Podman {
    scratch: Scratch,
    tree: Tree,
}

const RESTRICTED: [&str; 5] = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
const MAPPED: [&str; 4] = ["--uidmap", "0:300000:65536", "--gidmap", "0:300000:65536"];

impl Podman {
    fn new() -> Result<Self, End> {
        privileged()?;
        for program in ["/usr/bin/podman", "/usr/sbin/runc", "/usr/bin/curl"] {
            if !Path::new(program).exists() {
                return Err(End::Skip(program.rsplit('/').next().unwrap_or_default().to_owned()));
            }
        }
        let scratch = Scratch::below(Path::new("/var/lib"));
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755))?;
        for directory in ["usr", "proc", "dev", "sys", "tmp", "run", "etc", "var", "remand"] {
            fs::create_dir_all(scratch.path().join("root").join(directory))?;
        }
        for link in ["bin", "sbin", "lib", "lib64"] {
            symlink(format!("usr/{link}"), scratch.path().join("root").join(link))?;
        }
        // What podman's own defaults raise, not every root may.
        let _ = scratch.file(
            "containers.conf",
            "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=20000:20000\"]\ndefault_sysctls=[]\n[engine]\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n",
        );
        Ok(Self { scratch, tree: Tree::new() })
    }

    /// The pattern of its containers.
    fn pattern(&self) -> String {
        format!("/{}/libpod-*", self.tree.0)
    }

    fn command(&self, daemon: &Daemon, flags: &[&str], script: &str) -> Command {
        let at = |name: &str| self.scratch.path().join(name).display().to_string();
        let mut podman = Command::new("/usr/bin/podman");
        podman.env("CONTAINERS_CONF", at("containers.conf"));
        podman.args(["--storage-driver", "vfs", "--root", &at("storage"), "--runroot", &at("run"), "--runtime", "/usr/sbin/runc"]);
        podman.args(["run", "--rm", "-i", "--net", "none", "--cgroup-parent", &format!("/{}", self.tree.0), "-v", "/usr:/usr:ro"]);
        podman.args(["-v", &format!("{}:/remand:ro", daemon.place().display())]).args(flags);
        podman.args(["--rootfs", &at("root"), "sh", "-c", script]);
        podman.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        podman
    }

    /// What curl is answered in a container.
    fn ask(&self, daemon: &Daemon, flags: &[&str], args: &str) -> Result<Answer, End> {
        let output = self.command(daemon, flags, &asking(args)).output()?;
        answer(&output)
    }
}

/// The command that asks.
fn asking(args: &str) -> String {
    format!("curl -sS -m 60 --unix-socket /remand/s.sock -w '\\n--status--%{{http_code}}' {args}")
}

fn answer(output: &std::process::Output) -> Result<Answer, End> {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some((text, status)) = out.rsplit_once("\n--status--") else { return Err(End::Fail(format!("no answer: {output:?}"))) };
    Ok(Answer { status: status.trim().parse().unwrap_or(0), head: String::new(), text: text.to_owned() })
}

/// Of code, for a shell.
fn submitting(code: &str, more: &str) -> String {
    format!("{more} -d '{}' http://remand/v1/runs", json!({ "code": code }).to_string().replace('\'', "'\\''"))
}

/// Root and user 1000 of the host, and containers of these cgroups.
fn admitting(pattern: &str, more: &str) -> Result<(Scratch, String), End> {
    let config = json!({
        "version": 1, "tenants": { "host": { "users": ["0", "1000"] } }, "containers": { "tested": { "cgroups": [pattern] } },
    });
    configured(&config.to_string().replacen("\"cgroups\"", &format!("{more} \"cgroups\""), 1))
}

fn refused() -> Check {
    let podman = Podman::new()?;
    let daemon = reachable(&["--allow-all-users"])?;
    let asked = submitting("return 1", "");
    for flags in [&[][..], &["--user", "1000"], &MAPPED] {
        let answer = podman.ask(&daemon, flags, &asked)?;
        let told = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        let named = told.contains("counts as a container, and the configuration admits none with the cgroup")
            && told.contains("containers.NAME.cgroups");
        ensure(answer.status == 403 && named && told.contains(&podman.tree.0), "refused, and told what to write", &(flags, &answer))?;
    }
    ensure(
        !daemon.log().contains("\"event\":\"front\",\"tenant\":\"user") && daemon.log().contains("\"event\":\"refused\""),
        "without a front",
        &daemon.log(),
    )?;
    finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    finished(&daemon.ask_as(Some(1000), &["-d", r#"{"code": "return 1"}"#], "/v1/runs")?, &json!(1))
}

/// What is enforced, each protection with how.
fn enforcement(outcome: &Json) -> Vec<(String, String)> {
    let how = |how: &Json| how.as_object().and_then(|how| how.keys().next().cloned()).unwrap_or_else(|| how.to_string());
    outcome["enforcement"].as_object().into_iter().flatten().map(|(name, what)| (name.clone(), how(what))).collect()
}

fn enforced() -> Check {
    let podman = Podman::new()?;
    let (_kept, file) = admitting(&podman.pattern(), "")?;
    let daemon = reachable(&["--config", &file])?;
    let of_host = daemon.run(&json!({ "code": "return 1" }))?;
    finished(&of_host, &json!(1))?;
    let control = enforcement(&of_host.json());
    ensure(control.len() > 10, "the control: the host's", &control)?;
    let (user, mapped_user) =
        ([&RESTRICTED[..], &["--user", "1000"]].concat(), [&MAPPED[..], &RESTRICTED[..], &["--user", "1000"]].concat());
    for flags in [&[][..], &["--user", "1000"], &MAPPED, &RESTRICTED, &user, &mapped_user] {
        let answer = podman.ask(&daemon, flags, &submitting("return 1", ""))?;
        finished(&answer, &json!(1))?;
        ensure(enforcement(&answer.json()) == control, "all that the host's has", &(flags, answer.json()["enforcement"].clone()))?;
    }
    ensure(daemon.log().contains(&format!("\"container\":\"/{}/libpod-", podman.tree.0)), "logged as a container", &daemon.log())
}

/// A container that goes on until this is dropped or closed.
struct Going(Child);

impl Going {
    /// In which a run of this name goes on.
    fn with(podman: &Podman, daemon: &Daemon, flags: &[&str], name: &str) -> Result<Self, End> {
        let script = format!("{}; cat", asking(&submitting(&goes_on(name), "-H 'Prefer: respond-async'")));
        let child = podman.command(daemon, flags, &script).stdin(Stdio::piped()).spawn()?;
        let going = Self(child);
        ensure(appears(name).is_some(), "it runs", &daemon.log())?;
        Ok(going)
    }

    /// Ends it by itself.
    fn end(mut self) -> Result<Answer, End> {
        drop(self.0.stdin.take());
        let mut output = std::process::Output { status: self.0.wait()?, stdout: Vec::new(), stderr: Vec::new() };
        for (pipe, to) in [
            (self.0.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn std::io::Read>), &mut output.stdout),
            (self.0.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn std::io::Read>), &mut output.stderr),
        ] {
            pipe.map(|mut pipe| pipe.read_to_end(to)).transpose()?;
        }
        answer(&output)
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The ids that a list of runs has.
fn listed(answer: &Answer) -> Vec<String> {
    answer.json()["runs"].as_array().into_iter().flatten().filter_map(|run| Some(run["run"].as_str()?.to_owned())).collect()
}

fn apart() -> Check {
    let podman = Podman::new()?;
    let (_kept, file) = admitting(&podman.pattern(), "")?;
    let daemon = reachable(&["--config", &file])?;
    let (of_root, of_user, of_container) = ("rs-c-root", "rs-c-user", "rs-c-other");
    let detached = |user: Option<u32>, name: &str| -> Result<String, End> {
        let answer =
            daemon.ask_as(user, &["-H", "Prefer: respond-async", "-d", &json!({ "code": goes_on(name) }).to_string()], "/v1/runs")?;
        ensure(answer.status == 202 && appears(name).is_some(), "it runs", &answer)?;
        Ok(answer.json()["run"].as_str().unwrap_or_default().to_owned())
    };
    let (roots, users) = (detached(None, of_root)?, detached(Some(1000), of_user)?);
    let other = Going::with(&podman, &daemon, &["--user", "1000"], of_container)?;
    // Root of the host sees all, and tells which is the container's.
    let all = daemon.ask(&[], "/v1/runs")?.json();
    let theirs = all["runs"].as_array().into_iter().flatten().find(|run| run["container"].is_string() && run["user"].is_null());
    let containers = theirs.and_then(|run| run["run"].as_str()).unwrap_or_default().to_owned();
    ensure(!containers.is_empty(), "the container's run", &all)?;
    let status = |method: &str, run: &str| {
        format!("curl -sS --unix-socket /remand/s.sock -o /dev/null -w '%{{http_code}} ' -X {method} http://remand/v1/runs/{run}")
    };
    let tries: Vec<String> =
        [&roots, &users, &containers].into_iter().flat_map(|run| ["GET", "DELETE"].map(|method| status(method, run))).collect();
    let metrics = "curl -sS --unix-socket /remand/s.sock -o /dev/null -w '%{http_code} ' http://remand/metrics";
    let script = format!("{}; {}; {metrics}", asking("http://remand/v1/runs"), tries.join("; "));
    for flags in [&[][..], &["--user", "1000"], &MAPPED, &["--uidmap", "0:1000:1", "--gidmap", "0:1000:1"]] {
        let output = podman.command(&daemon, flags, &script).output()?;
        let out = String::from_utf8_lossy(&output.stdout);
        ensure(out.starts_with("{\"runs\":[]}\n"), "a container sees none of these", &(flags, &output))?;
        let told = format!("{} 403", ["404"; 6].join(" "));
        ensure(out.trim().ends_with(&told), "as if they were not there, nor is what root may read", &(flags, &output))?;
    }
    let own = listed(&daemon.ask_as(Some(1000), &[], "/v1/runs")?);
    ensure(own == [users.clone()], "nor does the user of the host see the container's", &own)?;
    let answer = daemon.ask_as(Some(1000), &["-X", "DELETE"], &format!("/v1/runs/{containers}"))?;
    ensure(answer.status == 404, "or cancels it", &answer)?;
    for name in [of_root, of_user, of_container] {
        ensure(named(name).len() == 1, "all go on", &name)?;
    }
    drop(other);
    for (user, run) in [(None, &roots), (Some(1000), &users)] {
        daemon.ask_as(user, &["-X", "DELETE"], &format!("/v1/runs/{run}"))?;
    }
    ensure([of_root, of_user, of_container].into_iter().all(vanishes), "each ended by whose it is", &daemon.log())
}

fn quotas() -> Check {
    let podman = Podman::new()?;
    let (_kept, file) = admitting(&podman.pattern(), "\"concurrent\": 1, \"queued\": 0,")?;
    let daemon = reachable(&["--config", &file])?;
    let name = "rs-c-quota";
    let second = asking(&submitting("return 2", ""));
    let script = format!("{} >&2; read go; {second}; cat", asking(&submitting(&goes_on(name), "-H 'Prefer: respond-async'")));
    let child = podman.command(&daemon, &[], &script).stdin(Stdio::piped()).spawn()?;
    let mut first = Going(child);
    ensure(appears(name).is_some(), "it runs", &daemon.log())?;
    let another = podman.ask(&daemon, &[], &submitting("return 3", ""))?;
    finished(&another, &json!(3))?;
    if let Some(stdin) = first.0.stdin.as_mut() {
        std::io::Write::write_all(stdin, b"go\n")?;
    }
    let full = first.end()?;
    ensure(full.status == 429 && full.text.contains("quota"), "its own is used up", &full)?;
    ensure(vanishes(name), "and ends with it", &daemon.log())
}

fn ended() -> Check {
    let podman = Podman::new()?;
    let (_kept, file) = admitting(&podman.pattern(), "\"concurrent\": 1,")?;
    let daemon = reachable(&["--config", &file])?;
    let name = "rs-c-ends";
    let going = Going::with(&podman, &daemon, &RESTRICTED, name)?;
    let queued = |daemon: &Daemon| daemon.ask(&[], "/v1/runs").map(|answer| listed(&answer));
    ensure(queued(&daemon)?.len() == 1 && named(name).len() == 1, "the control: while it lives", &daemon.log())?;
    let taken = going.end()?;
    ensure(taken.status == 202, "its run was detached", &taken)?;
    // By its container's end, and not by a limit of its own.
    ensure(daemon.logs(&["\"event\":\"run\"", "\"verdict\":\"cancelled\"", &podman.tree.0]), "cancelled", &daemon.log())?;
    ensure(vanishes(name), "and gone", &daemon.log())?;
    ensure(daemon.logs(&["container ended", &podman.tree.0]), "told", &daemon.log())?;
    let forgotten = until(|| queued(&daemon).ok().filter(Vec::is_empty));
    ensure(forgotten.is_some(), "and forgotten", &daemon.ask(&[], "/v1/runs")?)
}

/// Curl, as this user, in a cgroup, by `unshare` with these arguments.
fn in_group(daemon: &Daemon, group: &Path, unshare: &[&str], user: u32) -> Result<Answer, End> {
    let as_user = if user == 0 { String::new() } else { format!("setpriv --reuid {user} --regid {user} --clear-groups") };
    let script = format!(
        "echo $$ >'{}/cgroup.procs' && exec unshare {} {as_user} curl -sS -m 60 --unix-socket '{}' -w '\\n--status--%{{http_code}}' {}",
        group.display(),
        unshare.join(" "),
        daemon.socket().display(),
        submitting("return 1", "")
    );
    answer(&Command::new("/bin/sh").args(["-c", &script]).output()?)
}

fn curl() -> Check {
    if Path::new("/usr/bin/curl").exists() { Ok(()) } else { Err(End::Skip("curl".to_owned())) }
}

fn written() -> Check {
    privileged()?;
    curl()?;
    let tree = Tree::new();
    let (_kept, file) = admitting(&format!("/{}/c-*", tree.0), "")?;
    let daemon = reachable(&["--config", &file])?;
    let group = tree.below("c-1")?;
    let ask = || in_group(&daemon, &group, &["--mount"], 0);
    finished(&ask()?, &json!(1))?;
    let nobody = Some(Uid::from_raw(65534));
    for path in [group.clone(), group.join("cgroup.procs"), group.parent().unwrap_or(&group).to_owned()] {
        chown(&path, nobody, None).map_err(|errno| errno.to_string())?;
        let answer = ask()?;
        let told =
            answer.text.contains("matches a pattern of the configuration, but") && answer.text.contains("can be written to by uid 65534");
        ensure(answer.status == 403 && told, "whoever may write it could be in it", &answer)?;
        chown(&path, Some(Uid::from_raw(0)), None).map_err(|errno| errno.to_string())?;
    }
    finished(&ask()?, &json!(1))
}

fn services() -> Check {
    privileged()?;
    curl()?;
    let tree = Tree::new();
    let config = json!({ "version": 1, "tenants": { "t": { "users": ["1000"] } }, "host_services": [format!("/{}/*.service", tree.0)] });
    let (_kept, file) = configured(&config.to_string())?;
    let daemon = reachable(&["--config", &file])?;
    let (service, other) = (tree.below("a.service")?, tree.below("a.scope")?);
    finished(&in_group(&daemon, &service, &["--mount"], 1000)?, &json!(1))?;
    ensure(daemon.log().contains("\"user\":1000"), "as the user that it is", &daemon.log())?;
    let of_root = in_group(&daemon, &service, &["--mount"], 0)?;
    ensure(of_root.status == 403 && of_root.text.contains("user 0 is in no tenant"), "and no other", &of_root)?;
    for (group, unshare, told) in [
        (&other, &["--mount"][..], "or to host_services, if it is a service of the host"),
        (&service, &["--mount", "--pid", "--fork"], "no service of the host has a PID namespace of its own"),
        (&service, &["--user", "--map-root-user"], "it has a user namespace that is not the host's"),
    ] {
        let answer = in_group(&daemon, group, unshare, 0)?;
        ensure(answer.status == 403 && answer.text.contains(told), told, &answer)?;
    }
    Ok(())
}

fn namespaces() -> Check {
    curl()?;
    let daemon = Daemon::start(&[])?;
    finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    for (unshare, differs) in
        [(&["--user", "--map-root-user"][..], "a user namespace"), (&["--user", "--map-current-user", "--mount"], "a user namespace")]
    {
        let curl = daemon.curl(None, &["-d", r#"{"code": "return 1"}"#], "/v1/runs")?;
        let mut command = Command::new("unshare");
        command.args(unshare).arg(curl.get_program()).args(curl.get_args());
        let output = command.output()?;
        if String::from_utf8_lossy(&output.stderr).starts_with("unshare: ") {
            return Err(End::Skip("user namespaces".to_owned()));
        }
        let out = String::from_utf8_lossy(&output.stdout);
        ensure(out.contains("HTTP 403") && out.contains(&format!("it has {differs} that is not the host's")), "refused", &output)?;
    }
    Ok(())
}

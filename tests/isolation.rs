//! Network, IPC, credentials: what belongs to the host or to another run is not there.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, binary};
use remand_tests::facts::{CGROUP_MEMORY, PRIVILEGED, UNSHARE, need};
use remand_tests::observe::Seen::{At, Denied, OneOf};
use remand_tests::observe::compare;
use remand_tests::plain::{self, Apart};
use remand_tests::probe::Probe;
use remand_tests::scratch::Scratch;
use remand_tests::technique::{Control, Technique};
use remand_tests::{Check, End, ensure, policy_text, probe, trial};
use serde_json::{Value as Json, json};

/// One row per technique.
pub const TABLE: &[Technique] = &[Technique::new(
    "all_capability_sets_empty",
    probe!("identity"),
    &[
        At("/capabilities", r#"{"CapInh":0,"CapPrm":0,"CapEff":0,"CapBnd":0,"CapAmb":0}"#),
        At("/no_new_privs", "\"1\""),
        At("/seccomp", "\"2\""),
        At("/uid", r#"["1000","1000","1000","1000"]"#),
        At("/gid", r#"["1000","1000","1000","1000"]"#),
    ],
    Control::Apart(&[At("/no_new_privs", "\"0\""), At("/uid/0", "\"0\"")]),
)
.needs(&[UNSHARE])];

/// What needs something on the host's side.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("isolation::abstract_socket_of_the_host [N1]", abstract_socket_of_the_host),
        trial("isolation::loopback_service_of_the_host [N3]", loopback_service_of_the_host),
        trial("isolation::shared_memory_of_the_host [N9]", shared_memory_of_the_host),
        trial("isolation::secrets_in_the_environment [N10]", secrets_in_the_environment),
        trial("isolation::walk_over_frames_and_objects [Y10]", walk_over_frames_and_objects),
        trial("isolation::supplementary_groups [N11]", supplementary_groups),
        trial("isolation::init_is_hidden_from_group_0", init_is_hidden),
    ]
}

/// A process that may not be traced is not even listed: also to whoever's group is 0, as OpenShift's containers have it, in a run with its caller's own ids.
fn init_is_hidden() -> Check {
    need(&[PRIVILEGED])?;
    let scratch = Scratch::new();
    let code =
        scratch.file("code.py", "import os\nreturn sorted(p for p in os.listdir('/proc') if p.isdigit()) + [os.path.exists('/proc/1')]");
    let (binary, code) = (binary().display().to_string(), code.display().to_string());
    for user in [
        &["--reuid=12345", "--regid=12345", "--clear-groups"][..],
        &["--reuid=12345", "--regid=0", "--clear-groups"],
        &["--bounding-set=-sys_admin"],
    ] {
        let args = [user, &[&binary, "run", "--json", &code]].concat();
        let outcome = Call::program(Path::new("setpriv"), &args).end()?.outcome()?;
        let seen = outcome["value"].as_array().cloned().unwrap_or_default();
        ensure(seen.len() == 2 && seen[0] != "1" && seen[1] == false, "itself alone", &outcome)?;
    }
    Ok(())
}

/// Runs a probe with sockets allowed, so that it is the namespace that holds.
fn with_sockets(probe: &Probe, query: &Json) -> Result<Json, End> {
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &policy_text::lifting(&["socket", "connect"]));
    let args = ["--policy", &policy.display().to_string(), "--query", &query.to_string()].map(str::to_owned);
    Call::run(&probe.code(), &args).end()?.outcome()
}

fn abstract_socket_of_the_host() -> Check {
    let name = format!("remand-test-{}", std::process::id());
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    let probe = probe!("abstract_socket");
    compare(&with_sockets(&probe, &json!(name))?, &[OneOf("", &["\"ECONNREFUSED\"", "\"EPERM\""])])?;
    let control = plain::value(&probe, &json!(name), Apart::Nothing)?;
    drop(listener);
    ensure(control == "ok", "without a sandbox the host's socket answers", &control)
}

fn loopback_service_of_the_host() -> Check {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = json!(listener.local_addr()?.port());
    let probe = probe!("tcp_to_host");
    compare(&with_sockets(&probe, &port)?, &[OneOf("", &["\"ENETUNREACH\"", "\"EACCES\""])])?;
    let control = plain::value(&probe, &port, Apart::Nothing)?;
    ensure(control == "ok", "without a sandbox the host's service answers", &control)
}

fn shared_memory_of_the_host() -> Check {
    let query = json!({ "key": std::process::id(), "name": format!("remand-test-{}", std::process::id()) });
    let made = plain::value(&probe!("make_ipc"), &query, Apart::Nothing)?;
    let control = plain::value(&probe!("shared_ipc"), &query, Apart::Nothing);
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &policy_text::lifting(&["shmget", "semget", "msgget", "mq_open"]));
    let args = ["--policy", &policy.display().to_string(), "--query", &query.to_string()].map(str::to_owned);
    let seen = Call::run(&probe!("shared_ipc").code(), &args).end().and_then(|ended| ended.outcome());
    let removed = plain::value(&probe!("remove_ipc"), &json!({ "made": made, "name": query["name"] }), Apart::Nothing);
    // Shared memory that no cgroup counts is refused before the namespace is asked.
    let shm = if need(&[CGROUP_MEMORY]).is_ok() { At("/shm", "\"ENOENT\"") } else { Denied("shmget", "EPERM") };
    compare(&seen?, &[shm, At("/sem", "\"ENOENT\""), At("/msg", "\"ENOENT\""), At("/mq", "\"ENOENT\"")])?;
    let control = control?;
    ensure(control["shm"] == "ok" && control["sem"] == "ok" && control["msg"] == "ok", "without a sandbox all are found", &control)?;
    removed.map(|_| ())
}

fn find(query: &Json, args: &[String]) -> Result<Json, End> {
    let secret = format!("canary-{}", query["mark"].as_str().unwrap_or(""));
    let args = [args, &["--query".to_owned(), query.to_string()]].concat();
    Call::run(&probe!("find_secrets").code(), &args).env("REMAND_TEST_CANARY", &secret).end()?.outcome()
}

fn secrets_in_the_environment() -> Check {
    let mark = format!("{:x}", std::process::id());
    let query = json!({ "mark": mark, "plant": false });
    let outcome = find(&query, &[])?;
    compare(&outcome, &[At("/found", "[]")])?;
    let scratch = Scratch::new();
    let sections = json!({ "environment": { "PLANTED": format!("canary-{mark}") }, "python": { "runner_env_deny": false } });
    let policy = policy_text::write(&scratch, &sections);
    let control = find(&query, &["--policy".to_owned(), policy.display().to_string()])?;
    compare(&control, &[At("/found", r#"["PLANTED","proc"]"#)]).map_err(End::Fail)
}

fn walk_over_frames_and_objects() -> Check {
    let mark = format!("{:x}w", std::process::id());
    compare(&find(&json!({ "mark": mark, "plant": false }), &[])?, &[At("/found", "[]")])?;
    compare(&find(&json!({ "mark": mark, "plant": true }), &[])?, &[At("/found", r#"["heap"]"#)]).map_err(End::Fail)
}

fn supplementary_groups() -> Check {
    need(&[PRIVILEGED])?;
    let binary = binary();
    let code = probe!("identity").code();
    let setpriv = ["--groups", "4242,0"];
    let inside: Vec<std::ffi::OsString> =
        setpriv.iter().map(Into::into).chain([binary.into()]).chain(["run", "--json", "-"].iter().map(Into::into)).collect();
    let outcome = Call::program(Path::new("setpriv"), &inside).input(code.as_bytes()).end()?.outcome()?;
    compare(&outcome, &[At("/groups", "[]")])?;
    let outside: Vec<&str> = setpriv.iter().copied().chain(["cat", "/proc/self/status"]).collect();
    let control = Call::program(Path::new("setpriv"), &outside).end()?.out();
    ensure(control.lines().any(|line| line.starts_with("Groups:") && line.contains("4242")), "without a sandbox the groups stay", &control)
}

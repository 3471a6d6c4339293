//! A forkserver and a host that changes while it is started.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use remand_policy::HostFacts;
use remand_policy::load::{Source, parse};
use remand_policy::plan::{self, Program};
use remand_policy::shipped;

use super::*;
use crate::host::{Depth, HostFiles, observe, without_cgroups};
use crate::interpreter::program;

/// A directory that everybody may enter, gone at the end; not in a place that a run has of its own.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Starts a run of a program; between its look at the program and the bind, `meanwhile` is done to the host.
fn started(name: &str, meanwhile: impl FnOnce(&str)) -> Result<bool, Unmade> {
    let base = if geteuid().is_root() { "/var/lib".into() } else { std::env::var_os("HOME").unwrap() };
    let scratch = Scratch(PathBuf::from(base).join(format!("remand-replaced-{name}-{}", std::process::id())));
    let file = scratch.0.join("program").to_str().unwrap().to_owned();
    fs::create_dir_all(&scratch.0).unwrap();
    fs::copy("/bin/true", &file).unwrap();
    let text = r#"{ "version": 1, "extends": "strict", "limits": { "cgroup": "optional" }, "landlock": { "enforce": "optional" },
        "namespaces": { "ipc": "optional", "uts": "optional", "network": "optional", "cgroup": "optional" } }"#;
    let policy = parse(&Source { file: "test".to_owned(), text: text.as_bytes().into() }, "test", &shipped::source).unwrap();
    let found = program(&file, "", None).unwrap();
    let host = HostFacts { cgroup: without_cgroups(), ..observe(Depth::Quick) };
    let plan = plan::resolve(&policy, &Program::Host { argv: &[found.path], tree: &found.tree }, &host, &HostFiles).unwrap();
    let setup = Setup::new(&plan, host.arch).map_err(Unmade::Failed)?;
    let ids = host.privileged.then(|| RunIds::take(host.first_run_id, host.run_ids).unwrap());
    meanwhile(&file);
    let server = Forkserver::start(&setup, &plan, ids.as_ref(), None, 0).unwrap();
    server.serve(ids.as_ref(), &Patience::begin(None)).map_err(|unmade| setup.about(unmade, &plan))
}

#[test]
fn what_was_replaced_since_it_was_judged_is_not_shown() {
    assert!(started("control", |_| ()).is_ok(), "control");
    let renamed = |file: &str| {
        fs::copy("/bin/true", format!("{file}.new")).unwrap();
        fs::rename(format!("{file}.new"), file).unwrap();
    };
    let failure = match started("renamed", renamed) {
        Err(Unmade::Failed(failure)) => failure,
        other => unreachable!("another file is shown: {other:?}"),
    };
    assert_eq!((failure.step, failure.errno), ("root", libc::ESTALE), "{failure}");
    assert!(failure.object.contains("/program"), "{failure}");
    let changed = |file: &str| fs::write(file, "changed in its place, by whoever owns it").unwrap();
    assert!(started("changed", changed).is_ok(), "the same file");
}

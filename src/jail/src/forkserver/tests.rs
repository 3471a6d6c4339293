//! A forkserver and a host that changes while it is started.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use remand_plan::files::FileId;
use remand_plan::frames::Bounds;
use remand_plan::plan::{Bind, Command, CommandKind, NetworkMode, Root, TmpMount};
use remand_syscalls::Rules;

use super::*;
use crate::host::{Depth, observe};

/// A directory that everybody may enter, gone at the end; not in a place that a run has of its own.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The plan of a run that is shown one file of the host's.
fn showing(path: &str) -> Plan {
    let found = fs::metadata(path).unwrap();
    let seen = Some(FileId { device: found.dev(), inode: found.ino() });
    let bind = Bind { source: path.into(), target: path.into(), writable: false, exec: true, owner: None, seen };
    Plan {
        policy_name: "test".into(),
        policy_hash: String::new(),
        root: Root { binds: vec![bind], ..Root::default() },
        tmp: TmpMount { size: 1 << 20, inodes: 16, exec: false },
        proc: false,
        network: NetworkMode::None,
        cgroup: None,
        rlimits: Vec::new(),
        memory_watch: None,
        wall_time: None,
        cpu_time: None,
        landlock: None,
        rules: Rules::default(),
        quiet: BTreeSet::new(),
        filter: Vec::new(),
        normal_filter: None,
        tty: false,
        command: Command { path: path.into(), argv: Vec::new(), env: Vec::new(), cwd: "/tmp".into(), kind: CommandKind::Program },
        bounds: Bounds {
            stdin: 1,
            stdout: 1,
            stderr: 1,
            prints: 1,
            overflow: remand_plan::frames::Overflow::End,
            result_size: 1,
            result_depth: 1,
            result_nodes: 1,
            job_size: 1,
            artifacts: 1,
            artifact_files: 1,
        },
        enforcement: BTreeMap::new(),
    }
}

/// Waits until it serves.
fn serve(server: &mut Forkserver) -> Result<(), Failure> {
    while !server.advance()? {
        poll(&mut [PollFd::new(server.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
    }
    Ok(())
}

/// Starts a forkserver that shows a program; between its look at the program and the bind, `meanwhile` is done to the host.
fn started(name: &str, meanwhile: impl FnOnce(&str)) -> Result<(), Failure> {
    let base = if geteuid().is_root() { "/var/lib".into() } else { std::env::var_os("HOME").unwrap() };
    let scratch = Scratch(PathBuf::from(base).join(format!("remand-replaced-{name}-{}", std::process::id())));
    let file = scratch.0.join("program").to_str().unwrap().to_owned();
    fs::create_dir_all(&scratch.0).unwrap();
    fs::copy("/bin/true", &file).unwrap();
    let (plan, host) = (Arc::new(showing(&file)), Arc::new(observe(Depth::Quick)));
    let setup = Setup::new(&plan, host.arch, 1)?;
    let ids = host.privileged.then(|| IdRange::take(host.first_run_id, host.run_ids, 1).unwrap());
    meanwhile(&file);
    let context =
        Context { plan, host, setup, cgroups: None, places: Places::new(1), ids, serving: OnceLock::new(), given_up: Arc::default() };
    serve(&mut Forkserver::make(Arc::new(context))?)
}

#[test]
fn what_was_replaced_since_it_was_judged_is_not_shown() {
    assert!(started("control", |_| ()).is_ok(), "control");
    let renamed = |file: &str| {
        fs::copy("/bin/true", format!("{file}.new")).unwrap();
        fs::rename(format!("{file}.new"), file).unwrap();
    };
    let failure = match started("renamed", renamed) {
        Err(failure) => failure,
        other => unreachable!("another file is shown: {other:?}"),
    };
    assert_eq!((failure.step, failure.errno), (Step::Root, libc::ESTALE), "{failure}");
    assert!(failure.mount.is_some_and(|mount| mount.ends_with("/program")), "the mount it was about");
    let (mut plan, arch) = (showing("/bin/true"), observe(Depth::Quick).arch);
    plan.root.binds[0] = Bind { target: "/elsewhere".into(), seen: Some(FileId { device: 0, inode: 0 }), ..plan.root.binds[0].clone() };
    let failure = Setup::new(&plan, arch, 1).unwrap_err();
    assert_eq!((failure.step, failure.mount.as_deref()), (Step::Setup, Some("/elsewhere")), "replaced before that");
    let changed = |file: &str| fs::write(file, "changed in its place, by whoever owns it").unwrap();
    assert!(started("changed", changed).is_ok(), "the same file");
}

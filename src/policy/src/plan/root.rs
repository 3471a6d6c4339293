//! The root file system of a plan.

use super::protections::Protections;
use super::{Bind, Program, Root};
use crate::interpreter::{EXECUTOR, Tree};
use crate::policy::{Mount, Policy};

/// Small files made in every root.
pub(super) const PROTECTED_FILES: &[&str] = &["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf"];
const OWN_DIRECTORIES: &[&str] = &["/tmp", "/proc", "/dev", "/remand", "/var/tmp"];

pub(super) fn root(policy: &Policy, program: &Program<'_>, protections: &mut Protections) -> Root {
    let mut trees: Vec<&Tree> = Vec::new();
    let mut files = own_files();
    match program {
        Program::Python(interpreter) => {
            trees.push(&interpreter.core);
            if !policy.python.external_allow.is_empty() {
                trees.push(&interpreter.site);
            }
            files.push((EXECUTOR.to_owned(), interpreter.executor.clone()));
        }
        Program::Host { tree, .. } => trees.push(tree),
    }
    let binds: Vec<Bind> = trees.iter().flat_map(|tree| &tree.binds).map(|path| host_path(path)).collect();
    for mount in &policy.filesystem.mounts {
        if let Some(taken) = conflict(mount, &binds) {
            let blocker = format!("its target {} meets {taken}, which remand itself needs there", mount.target);
            protections.refuse(&format!("the mount of {}", mount.source), &blocker, "choose another target in filesystem.mounts");
        }
    }
    let mounts = policy.filesystem.mounts.iter().map(|mount| Bind {
        source: mount.source.clone(),
        target: mount.target.clone(),
        writable: mount.writable,
        exec: mount.exec,
        optional: mount.optional,
    });
    Root {
        links: trees.iter().flat_map(|tree| tree.links.clone()).chain(own_links(policy.filesystem.proc)).collect(),
        hidden: trees.iter().flat_map(|tree| tree.hidden.clone()).collect(),
        devices: policy.filesystem.devices.clone(),
        binds: binds.into_iter().chain(mounts).collect(),
        files,
    }
}

/// A path that interpreter or program needs, at its own place. Executable, since libraries are mapped so.
fn host_path(path: &str) -> Bind {
    Bind { source: path.to_owned(), target: path.to_owned(), writable: false, exec: true, optional: false }
}

fn own_files() -> Vec<(String, Vec<u8>)> {
    let content = [
        "root:x:0:0::/:/sbin/nologin\nrun:x:1000:1000::/tmp:/sbin/nologin\n",
        "root:x:0:\nrun:x:1000:\n",
        "127.0.0.1 localhost\n::1 localhost\n",
        "passwd: files\ngroup: files\nhosts: files\n",
    ];
    PROTECTED_FILES.iter().zip(content).map(|(path, content)| ((*path).to_owned(), content.as_bytes().to_vec())).collect()
}

fn own_links(proc: bool) -> impl Iterator<Item = (String, String)> {
    let always = [("/var/tmp", "/tmp"), ("/dev/shm", "/tmp")];
    let with_proc = [
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ];
    let with_proc = with_proc.into_iter().filter(move |_| proc);
    always.into_iter().chain(with_proc).map(|(path, target)| (path.to_owned(), target.to_owned()))
}

/// What a mount's target is the same as, lies in, or covers. Below a directory that the interpreter needs there is no place for a mount point, as it is
/// read-only.
fn conflict(mount: &Mount, binds: &[Bind]) -> Option<String> {
    let meets = |path: &str| within(&mount.target, path) || within(path, &mount.target);
    let own = OWN_DIRECTORIES.iter().chain(PROTECTED_FILES).find(|path| meets(path)).map(|path| (*path).to_owned());
    own.or_else(|| binds.iter().find(|bind| meets(&bind.target)).map(|bind| bind.target.clone()))
}

fn within(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

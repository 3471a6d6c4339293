//! From a plan to what the forkserver is given: every string converted, every directory named, every bind looked at, before anything is cloned.
//!
//! Always holds: a `Setup` is complete; after the clone nothing is decided, converted or allocated.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use libc::{MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};
use nix::sys::resource::{Resource, getrlimit};
use remand_child::spec::{Entry, Ids, Landlock, Loopback, Own, RunSpec, Shared, Spec, Tmp};
use remand_child::step::FIRST_RULE;
use remand_plan::Protection;
use remand_plan::files::FileId;
use remand_plan::places::{self, DIRECTORIES, RUN_ID, TERMINALS};
use remand_plan::plan::{Bind, Plan, Root};
use remand_plan::step::Step;
use remand_syscalls::bpf::Instruction;
use remand_syscalls::{Arch, Key, with_handover};

use crate::failure::Failure;
use crate::sys::random::random;

/// Inodes of the private tmpfs that are not the run's: its root is one, as it ever was, and the two places in it.
pub const OWN_INODES: u64 = 2;
/// Directory in the root that other directories are hidden behind.
const EMPTY: &CStr = c"remand/empty";

/// Files of the root that name ids.
const NAMES: [&str; 2] = ["/etc/passwd", "/etc/group"];

/// One thing of the root.
#[derive(Debug)]
enum RootEntry {
    Directory(CString),
    Link { path: CString, target: CString },
    File { path: CString, content: Vec<u8> },
    Bind { source: CString, target: CString, attributes: u64, owner: Option<(u32, u32)>, seen: Option<FileId> },
    Hidden { path: CString },
}

/// All that a forkserver needs, owned.
#[derive(Debug)]
pub struct Setup {
    root: Vec<RootEntry>,
    tmp_size: CString,
    tmp_inodes: CString,
    tmp_attributes: u64,
    rlimits: Vec<(u32, u64, u64)>,
    landlock_rules: Vec<(CString, u64)>,
    /// Known to this process and, until it is the program, to the executor process.
    key: Key,
    filter: Vec<libc::sock_filter>,
    cwd: CString,
    path: CString,
    argv: Vec<CString>,
    envp: Vec<CString>,
}

/// What differs between forkservers of one plan.
#[derive(Debug)]
pub struct Start<'a> {
    /// The forkserver's end of its socket.
    pub socket: i32,
    /// How its user namespace gets ids.
    pub ids: Ids<'a>,
    /// The user namespaces that show files of these owners, by user and group id, as the run's.
    pub owners: &'a BTreeMap<(u32, u32), OwnedFd>,
    /// Init is born in the run's cgroup (v2).
    pub born_in_cgroup: bool,
    /// Flags of `seccomp(2)`.
    pub filter_flags: u64,
}

impl Setup {
    /// Converts a plan, for runs of so many ids.
    ///
    /// # Errors
    /// A string with a NUL byte, a source that is not there or is a symlink, more strings than `execve` is given room for.
    pub fn new(plan: &Plan, arch: Arch, ids: u32) -> Result<Self, Failure> {
        let key = random().map_err(|errno| Failure::kernel(Step::Setup, "random bits for the key of the start", errno))?;
        let mut argv = Vec::new();
        for argument in &plan.command.argv {
            argv.push(string(argument)?);
        }
        let mut envp = Vec::new();
        for variable in &plan.command.env {
            envp.push(string(variable)?);
        }
        let mut landlock_rules = Vec::new();
        for (path, rights) in plan.landlock.iter().flat_map(|landlock| &landlock.rules) {
            landlock_rules.push((string(path)?, *rights));
        }
        Ok(Self {
            root: root_entries(&plan.root, plan.proc, plan.tty, ids)?,
            tmp_size: string(&plan.tmp.size.to_string())?,
            tmp_inodes: string(&plan.tmp.inodes.saturating_add(OWN_INODES).to_string())?,
            tmp_attributes: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | if plan.tmp.exec { 0 } else { MOUNT_ATTR_NOEXEC },
            rlimits: plan.rlimits.iter().map(clamp_to_inherited).collect(),
            landlock_rules,
            filter: filter(&plan.filter, arch, key),
            key,
            cwd: string(&plan.command.cwd)?,
            path: string(&plan.command.path)?,
            argv,
            envp,
        })
    }

    /// Lends the whole as the structure that the forkserver reads.
    pub fn with_spec<T>(&self, plan: &Plan, start: &Start<'_>, use_spec: impl FnOnce(&Spec<'_>) -> T) -> T {
        let root: Vec<Entry<'_>> = self.root.iter().map(|made| made.lend(start.owners)).collect();
        let mut kept: Vec<_> = start.owners.values().map(AsRawFd::as_raw_fd).chain([start.socket]).collect();
        kept.sort_unstable();
        let rules: Vec<_> = self.landlock_rules.iter().map(|(path, rights)| (path.as_c_str(), *rights)).collect();
        let argv: Vec<_> = self.argv.iter().map(CString::as_c_str).collect();
        let envp: Vec<_> = self.envp.iter().map(CString::as_c_str).collect();
        let (network, shared) = (plan.has(&Protection::NetworkNamespace), plan.shares_network());
        let loopback = if plan.own_loopback() { Loopback::Up } else { Loopback::Down };
        use_spec(&Spec {
            socket: start.socket,
            kept: &kept,
            ids: start.ids,
            namespaces: Shared { uts: plan.has(&Protection::UtsNamespace), network: network && shared },
            root: &root,
            run: RunSpec {
                namespaces: Own {
                    ipc: plan.has(&Protection::IpcNamespace),
                    network: (network && !shared).then_some(loopback),
                    cgroup: plan.has(&Protection::CgroupNamespace),
                },
                born_in_cgroup: start.born_in_cgroup,
                tmp: Tmp { size: &self.tmp_size, inodes: &self.tmp_inodes, attributes: self.tmp_attributes },
                proc: plan.proc,
                tty: plan.tty,
                rlimits: &self.rlimits,
                drop_groups: matches!(start.ids, Ids::Pool),
                landlock: plan.landlock.as_ref().map(|landlock| Landlock {
                    handled_fs: landlock.handled_fs,
                    handled_net: landlock.handled_net,
                    scoped: landlock.scoped,
                    rules: &rules,
                }),
                key: self.key,
                filter: &self.filter,
                filter_flags: start.filter_flags,
                cwd: &self.cwd,
                path: &self.path,
                argv: &argv,
                envp: &envp,
            },
        })
    }

    /// A failure that was reported, with the object that it was about.
    #[must_use]
    pub fn about(&self, failure: Failure, plan: &Plan) -> Failure {
        match self.object(plan, failure.step, failure.index) {
            Some(object) => Failure { object: format!("{object}: {}", failure.object), mount: self.mount(&failure), ..failure },
            None => failure,
        }
    }

    /// The place in the run of the mount that a failed step was about.
    fn mount(&self, failure: &Failure) -> Option<String> {
        match self.root.get(usize::try_from(failure.index).ok()?)? {
            RootEntry::Bind { target, .. } if failure.step == Step::Root => Some(format!("/{}", target.to_string_lossy())),
            _ => None,
        }
    }

    /// Which object a failed step was about, for people.
    #[must_use]
    pub fn object(&self, plan: &Plan, step: Step, index: u32) -> Option<String> {
        let index = usize::try_from(index).ok()?;
        match step {
            Step::Root => self.root.get(index).map(RootEntry::describe),
            Step::Rlimit => self.rlimits.get(index).map(|(resource, soft, hard)| format!("resource {resource}, soft {soft}, hard {hard}")),
            Step::Landlock => index
                .checked_sub(FIRST_RULE)
                .and_then(|rule| self.landlock_rules.get(rule))
                .map(|(path, _)| format!("{}", path.to_string_lossy())),
            Step::Execve => Some(plan.command.path.clone()),
            _ => None,
        }
    }
}

impl RootEntry {
    fn lend(&self, owners: &BTreeMap<(u32, u32), OwnedFd>) -> Entry<'_> {
        match self {
            Self::Directory(path) => Entry::Directory(path),
            Self::Link { path, target } => Entry::Link { path, target },
            Self::File { path, content } => Entry::File { path, content },
            Self::Bind { source, target, attributes, owner, seen } => {
                let owner = owner.and_then(|owner| owners.get(&owner)).map(AsRawFd::as_raw_fd);
                Entry::Bind { source, target, attributes: *attributes, owner, seen: seen.map(|seen| (seen.device, seen.inode)) }
            }
            Self::Hidden { path } => Entry::Hidden { path, empty: EMPTY },
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Directory(path) => format!("directory /{}", path.to_string_lossy()),
            Self::Link { path, target } => format!("link /{} to {}", path.to_string_lossy(), target.to_string_lossy()),
            Self::File { path, .. } => format!("file /{}", path.to_string_lossy()),
            Self::Bind { source, target, .. } => format!("bind of {} at /{}", source.to_string_lossy(), target.to_string_lossy()),
            Self::Hidden { path } => format!("hiding /{}", path.to_string_lossy()),
        }
    }
}

/// As the kernel takes it; none stays none.
fn filter(own: &[Instruction], arch: Arch, key: Key) -> Vec<libc::sock_filter> {
    let program = if own.is_empty() { Vec::new() } else { with_handover(own, arch, key) };
    program.into_iter().map(|i| libc::sock_filter { code: i.code, jt: i.jt, jf: i.jf, k: i.k }).collect()
}

/// A limit can be lowered to what this process itself was given, never raised above it.
fn clamp_to_inherited(&(resource, soft, hard): &(u32, u64, u64)) -> (u32, u64, u64) {
    let ours = resource_of(resource).and_then(|resource| getrlimit(resource).ok()).map_or(u64::MAX, |(_, hard)| hard);
    (resource, soft.min(ours), hard.min(ours))
}

fn resource_of(number: u32) -> Option<Resource> {
    use Resource::{
        RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_LOCKS, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE,
        RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_SIGPENDING, RLIMIT_STACK,
    };
    let all = [
        RLIMIT_AS,
        RLIMIT_CORE,
        RLIMIT_CPU,
        RLIMIT_DATA,
        RLIMIT_FSIZE,
        RLIMIT_LOCKS,
        RLIMIT_MEMLOCK,
        RLIMIT_MSGQUEUE,
        RLIMIT_NICE,
        RLIMIT_NOFILE,
        RLIMIT_NPROC,
        RLIMIT_RTPRIO,
        RLIMIT_RTTIME,
        RLIMIT_SIGPENDING,
        RLIMIT_STACK,
    ];
    all.into_iter().find(|&resource| resource as u32 == number)
}

fn string(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| Failure::new(Step::Setup, format!("{text:?} has a NUL byte")))
}

/// Lists of the names of ids, with what stands there for a run's id for all ids that a forkserver's runs can have.
fn named(list: &[u8], ids: u32) -> Vec<u8> {
    let text = String::from_utf8_lossy(list);
    let line = |line: &str, id: u32| {
        let fields = line.split(':').map(|field| if field == RUN_ID.to_string() { id.to_string() } else { field.to_owned() });
        fields.collect::<Vec<_>>().join(":") + "\n"
    };
    let of_runs = |text: &str| text.split(':').any(|field| field == RUN_ID.to_string());
    let lines = text.lines().flat_map(|text| (0..if of_runs(text) { ids } else { 1 }).map(move |number| line(text, RUN_ID + number)));
    lines.collect::<String>().into_bytes()
}

/// A path in the root, relative to it.
fn inside(path: &str) -> Result<CString, Failure> {
    string(path.trim_matches('/'))
}

/// Everything of the root in the order in which it can be made: directories, links, files, binds, hidden directories.
fn root_entries(root: &Root, proc: bool, tty: bool, ids: u32) -> Result<Vec<RootEntry>, Failure> {
    // Read-only, so that nobody changes the times of the host's node; a device is written to all the same.
    let devices = root.devices.iter().map(|device| {
        let path = *device;
        Bind { source: path.into(), target: path.into(), writable: false, exec: false, owner: None, seen: None }
    });
    let mut binds: Vec<(Bind, u64)> =
        root.binds.iter().cloned().map(|bind| (bind, MOUNT_ATTR_NODEV)).chain(devices.map(|bind| (bind, 0))).collect();
    // Outer before inner, or the outer would cover the inner.
    binds.sort_by(|(a, _), (b, _)| a.target.cmp(&b.target));
    let (mut directories, mut files, mut mounts) = (BTreeSet::new(), Vec::new(), Vec::new());
    for directory in DIRECTORIES.into_iter().chain(tty.then_some(TERMINALS)) {
        parents(directory, &mut directories);
    }
    for (path, content) in &root.files {
        parents(parent(path), &mut directories);
        let content = if NAMES.contains(&path.as_str()) { named(content, ids) } else { content.clone() };
        files.push(RootEntry::File { path: inside(path)?, content });
    }
    let mut covered: Vec<String> = Vec::new();
    for (bind, nodev) in &binds {
        // Below another bind the place must exist there already.
        let within = covered.iter().any(|outer| places::inside(&bind.target, outer));
        let (directory, seen) = look(bind)?;
        if directory {
            covered.push(bind.target.clone());
            if !within {
                parents(&bind.target, &mut directories);
            }
        } else if !within {
            parents(parent(&bind.target), &mut directories);
            files.push(RootEntry::File { path: inside(&bind.target)?, content: Vec::new() });
        }
        let attributes =
            MOUNT_ATTR_NOSUID | nodev | if bind.writable { 0 } else { MOUNT_ATTR_RDONLY } | if bind.exec { 0 } else { MOUNT_ATTR_NOEXEC };
        let (source, target) = (string(&bind.source)?, inside(&bind.target)?);
        mounts.push(RootEntry::Bind { source, target, attributes, owner: bind.owner, seen: Some(seen) });
    }
    for hidden in &root.hidden {
        mounts.push(RootEntry::Hidden { path: inside(hidden)? });
    }
    if proc {
        // Not for runs, which have their own on top: the kernel lets a user namespace mount a /proc only where it sees a whole one.
        let attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
        mounts.push(RootEntry::Bind { source: c"/proc".into(), target: c"proc".into(), attributes, owner: None, seen: None });
    }
    let mut links = Vec::new();
    for (path, target) in &root.links {
        parents(parent(path), &mut directories);
        links.push(RootEntry::Link { path: inside(path)?, target: string(target)? });
    }
    let mut entries = Vec::new();
    for directory in directories {
        entries.push(RootEntry::Directory(inside(&directory)?));
    }
    entries.extend(links.into_iter().chain(files).chain(mounts));
    Ok(entries)
}

/// The directory and all above it, outermost first in the set's order.
fn parents(path: &str, into: &mut BTreeSet<String>) {
    let mut path = path.trim_end_matches('/');
    while !path.is_empty() && into.insert(path.to_owned()) {
        path = parent(path);
    }
}

fn parent(path: &str) -> &str {
    path.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Whether the source is a directory, and which file it is: still the one that was judged.
fn look(bind: &Bind) -> Result<(bool, FileId), Failure> {
    let path = &bind.source;
    let of_mount = |failure| Failure { mount: Some(bind.target.clone()), ..failure };
    let failed = |error: io::Error| of_mount(Failure::io(Step::Setup, &format!("{path} cannot be shown to the run"), &error));
    let found = std::fs::symlink_metadata(path).map_err(failed)?;
    let kind = found.file_type();
    if kind.is_symlink() || kind.is_fifo() || kind.is_socket() {
        return Err(of_mount(Failure::new(
            Step::Setup,
            format!("{path} is neither a directory nor a regular file (symbolic links are not followed: name what it leads to)"),
        )));
    }
    let seen = FileId { device: found.dev(), inode: found.ino() };
    if bind.seen.is_some_and(|judged| judged != seen) {
        return Err(of_mount(Failure::new(
            Step::Setup,
            format!("{path} was replaced while the run was started; run it again, and if it happens again, find out who replaces it"),
        )));
    }
    Ok((kind.is_dir(), seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_of_a_run_has_the_runs_name() {
        let (passwd, group) = (b"root:x:0:0:root:/:/\nremand:x:1000:1000:remand:/tmp:/bin/false\n", b"root:x:0:\nremand:x:1000:\n");
        assert_eq!(named(passwd, 1), passwd, "as it is written");
        assert_eq!(
            named(passwd, 2),
            b"root:x:0:0:root:/:/\nremand:x:1000:1000:remand:/tmp:/bin/false\nremand:x:1001:1001:remand:/tmp:/bin/false\n"
        );
        assert_eq!(named(group, 2), b"root:x:0:\nremand:x:1000:\nremand:x:1001:\n");
    }
}

//! What the supervisor prepared for forkserver and runs: plain borrowed data, complete before the clone.
//!
//! Always holds: paths in the run's root are relative to it; paths on the host are absolute.

use core::ffi::CStr;

/// One forkserver and the runs that it makes.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'a> {
    /// This end of the socket to the supervisor.
    pub socket: i32,
    /// How the user namespace gets its ids.
    pub ids: Ids<'a>,
    /// Descriptors that stay open until the root is built, `socket` among them, sorted.
    pub kept: &'a [i32],
    /// The namespaces made once beside user and mount.
    pub namespaces: Shared,
    /// What the root is made of, in order.
    pub root: &'a [Entry<'a>],
    /// What each run is made of.
    pub run: RunSpec<'a>,
}

/// Namespaces that all runs of a forkserver share.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// Nobody in it can change its names.
    pub uts: bool,
    /// Empty, and none of its runs can make a socket that reaches another's.
    pub network: bool,
}

/// Namespaces that each run has for itself, beside those of processes and mounts.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// What a run leaves in it goes with the run.
    pub ipc: bool,
    /// With its own loopback up or not; `None`: it has the forkserver's, or the host's.
    pub network: Option<Loopback>,
    /// Rooted where the executor is.
    pub cgroup: bool,
}

/// The loopback device of a network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Loopback {
    Up,
    Down,
}

/// Who maps ids into the user namespace.
#[derive(Clone, Copy, Debug)]
pub enum Ids<'a> {
    /// The privileged supervisor does, from outside: inside 0 is the forkserver, inside the id of each order that run. The root is built before, with the
    /// supervisor's own rights, so that runs can be shown what only root can reach and find the mounts locked.
    Pool,
    /// The forkserver maps itself, one id: text of `uid_map` and `gid_map`.
    Own {
        /// `inside outside 1`.
        uid_map: &'a [u8],
        /// `inside outside 1`.
        gid_map: &'a [u8],
    },
}

/// One thing in the new root.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Entry<'a> {
    Directory(&'a CStr),
    Link {
        path: &'a CStr,
        target: &'a CStr,
    },
    File {
        path: &'a CStr,
        content: &'a [u8],
    },
    /// A bind of a host path over an entry made before; `attributes` are `MOUNT_ATTR_*` to set, on everything beneath too.
    Bind {
        source: &'a CStr,
        target: &'a CStr,
        attributes: u64,
        /// The user namespace whose ids its files are shown with.
        owner: Option<i32>,
        /// Device and inode that are to be there, as `stat` has them.
        seen: Option<(u64, u64)>,
    },
    /// `empty`, an empty directory made before, read-only over this one.
    Hidden {
        path: &'a CStr,
        empty: &'a CStr,
    },
}

/// What each run is made of.
#[derive(Clone, Copy, Debug)]
pub struct RunSpec<'a> {
    /// The namespaces that are its own.
    pub namespaces: Own,
    /// Init is born in the run's cgroup (v2), rather than writing itself into `tasks` files (v1); the executor is its child.
    pub born_in_cgroup: bool,
    /// The tmpfs at `/tmp`.
    pub tmp: Tmp<'a>,
    /// Mount `/proc`, restricted to the run's own processes, over the host's that the root then has there (a user namespace may mount a new one only where
    /// it sees a whole one already).
    pub proc: bool,
    /// Its standard streams are a terminal of its own, see [`crate::terminal`].
    pub tty: bool,
    /// Flags of `seccomp(2)` beside the listener's.
    pub filter_flags: u64,
    /// (resource, soft, hard).
    pub rlimits: &'a [(u32, u64, u64)],
    /// Drop supplementary groups; impossible where the forkserver mapped itself.
    pub drop_groups: bool,
    /// Landlock, unless absent on this host.
    pub landlock: Option<Landlock<'a>>,
    /// What the registers of the one `sendmsg` that the filter lets pass hold.
    pub key: [u64; 3],
    /// The seccomp filter; empty for none.
    pub filter: &'a [libc::sock_filter],
    /// Working directory in the run, absolute.
    pub cwd: &'a CStr,
    /// Program in the run, absolute.
    pub path: &'a CStr,
    /// Arguments, at most [`crate::sys::MAX_STRINGS`].
    pub argv: &'a [&'a CStr],
    /// Environment, at most [`crate::sys::MAX_STRINGS`].
    pub envp: &'a [&'a CStr],
}

/// The tmpfs of a run, which its id owns.
#[derive(Clone, Copy, Debug)]
pub struct Tmp<'a> {
    /// Bytes.
    pub size: &'a CStr,
    /// Number of inodes.
    pub inodes: &'a CStr,
    /// `MOUNT_ATTR_*` of it.
    pub attributes: u64,
}

/// Landlock rights as bit masks of the running kernel's ABI.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Landlock<'a> {
    pub handled_fs: u64,
    pub handled_net: u64,
    pub scoped: u64,
    /// (absolute path in the run, rights). Rights that only directories can have are left out on others.
    pub rules: &'a [(&'a CStr, u64)],
}

/// The descriptors of one run, in the order in which they travel.
#[derive(Clone, Copy, Debug)]
pub struct RunFds {
    /// What becomes 0 to 5: input, stdout, stderr, job, result, stacks.
    pub std: [i32; 6],
    /// Socket to the supervisor: for the forkserver to tell that init is there, for init, and (as 6, close-on-exec) for the executor process.
    pub report: i32,
    /// What `/workspace` is to hold at the start, see [`crate::files`]; `-1`: nothing.
    pub files: i32,
    /// v1: the `tasks` file of each hierarchy, at most four (`-1`: none); v2: the directory of the run's cgroup, alone.
    pub cgroup: [i32; 4],
}

impl RunFds {
    /// Sorts descriptors that came with an order, `files` among them or not.
    #[must_use]
    pub fn from_received(fds: &[i32], files: bool) -> Option<Self> {
        let [stdin, stdout, stderr, job, result, stacks, report, rest @ ..] = fds else { return None };
        let (files, rest) = if files { rest.split_first()? } else { (&-1, rest) };
        let mut cgroup = [-1; 4];
        cgroup.get_mut(..rest.len())?.copy_from_slice(rest);
        Some(Self { std: [*stdin, *stdout, *stderr, *job, *result, *stacks], report: *report, files: *files, cgroup })
    }
}

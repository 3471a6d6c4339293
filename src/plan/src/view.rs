//! What a run sees of its root: where a path leads, followed as the kernel follows it, and what the run's ids may do there.
//!
//! Always holds: computed from the very plan that the mounts are made from; what nobody has seen of the host is unknown, and neither there nor missing.

use remand_policy::places::{DIRECTORIES, WRITABLE, behind, beneath};

use crate::files::{Entry, Files, Inode, Kind, LINKS};
use crate::host::HostFacts;
use crate::plan::{Bind, Plan};
use crate::resolve::owners::own_ids;

/// A right as in a mode's last three bits.
pub const READ: u32 = 4;
/// The same.
pub const WRITE: u32 = 2;
/// The same.
pub const EXECUTE: u32 = 1;

/// What is at a path of the run's root.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At<'p> {
    /// In the run's tmpfs.
    Tmp,
    /// In its `/proc`.
    Proc,
    /// The path of one of the host's nodes.
    Device(&'static str),
    /// A small file made in the root.
    Generated,
    /// In a bind; what it is, where that is known.
    Bind(&'p Bind, Option<Inode>),
    /// A directory that hides another.
    Hidden,
    /// A directory of the root itself.
    Directory,
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop<'p> {
    /// ENOENT.
    Missing {
        /// What the last directory that is there is.
        parent: At<'p>,
        /// Its path in the run.
        directory: String,
        /// Whether only the last component is missing.
        last: bool,
    },
    /// ENOTDIR: this is no directory.
    NotDirectory(String),
    /// EACCES: the run may not go through this directory.
    NoSearch(String, Inode),
    /// ELOOP.
    Loop,
}

/// Where a path leads.
pub struct Walk<'p> {
    /// The path in the run, links followed as far as there are any.
    pub path: String,
    /// What is there, or why nothing is.
    pub end: Result<At<'p>, Stop<'p>>,
}

enum Step<'p> {
    At(At<'p>),
    Link(String),
    Missing,
}

/// A plan with what its paths mean.
pub struct View<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// The host that it was made for.
    pub host: &'p HostFacts,
    /// Its files.
    pub files: &'p dyn Files,
}

impl<'p> View<'p> {
    /// Follows a path, a relative one from the run's working directory.
    pub fn walk(&self, path: &str) -> Walk<'p> {
        // A slash at the end asks for a directory.
        let slash = if path.ends_with('/') { "." } else { "" };
        let split = |text: &str| text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).rev().collect::<Vec<_>>();
        let mut rest = split(&format!("{path}/{slash}"));
        if !path.starts_with('/') {
            rest.extend(split(&self.plan.command.cwd));
        }
        let (mut here, mut at, mut links) = (String::new(), At::Directory, 0);
        let ended = |here: &str, rest: &[String], end| {
            let rest = rest.iter().rev().filter(|part| *part != ".").map(|part| format!("/{part}")).collect::<String>();
            let path = format!("{here}{rest}");
            Walk { path: if path.is_empty() { "/".to_owned() } else { path }, end }
        };
        while let Some(part) = rest.pop() {
            if let Err(stop) = self.passable(&here, at) {
                rest.push(part);
                return ended(&here, &rest, Err(stop));
            }
            match part.as_str() {
                "." => continue,
                ".." => {
                    here.truncate(here.rfind('/').unwrap_or(0));
                    at = if let Step::At(at) = self.step(if here.is_empty() { "/" } else { &here }) { at } else { At::Directory };
                    continue;
                }
                _ => {}
            }
            let next = format!("{here}/{part}");
            match self.step(&next) {
                Step::At(found) => (here, at) = (next, found),
                Step::Missing => {
                    let last = rest.iter().all(|part| part == ".");
                    let directory = if here.is_empty() { "/".to_owned() } else { here };
                    return ended(&next, &rest, Err(Stop::Missing { parent: at, directory, last }));
                }
                Step::Link(target) => {
                    links += 1;
                    if links > LINKS {
                        return Walk { path: path.to_owned(), end: Err(Stop::Loop) };
                    }
                    if target.starts_with('/') {
                        (here, at) = (String::new(), At::Directory);
                    }
                    if target.ends_with('/') {
                        rest.push(".".to_owned());
                    }
                    rest.extend(split(&target));
                }
            }
        }
        ended(&here, &rest, Ok(at))
    }

    /// Whether names below a place can be looked up.
    fn passable(&self, here: &str, at: At<'p>) -> Result<(), Stop<'p>> {
        match at {
            At::Tmp | At::Proc | At::Hidden | At::Directory | At::Bind(_, None) => Ok(()),
            At::Bind(bind, Some(inode)) if inode.kind == Kind::Directory => {
                if self.may(bind, inode, EXECUTE) {
                    Ok(())
                } else {
                    Err(Stop::NoSearch(here.to_owned(), inode))
                }
            }
            At::Device(_) | At::Generated | At::Bind(..) => Err(Stop::NotDirectory(here.to_owned())),
        }
    }

    fn step(&self, path: &str) -> Step<'p> {
        let root = &self.plan.root;
        if let Some((_, target)) = root.links.iter().find(|(link, _)| link == path) {
            return Step::Link(target.clone());
        }
        if WRITABLE.iter().any(|own| beneath(path, own)) {
            return Step::At(At::Tmp);
        }
        if self.plan.proc && beneath(path, "/proc") {
            // Mounted with subset=pid: processes, and nothing else of the machine.
            let first = path.split('/').nth(2).unwrap_or("self");
            let process = first.bytes().all(|b| b.is_ascii_digit());
            return if process || ["self", "thread-self"].contains(&first) { Step::At(At::Proc) } else { Step::Missing };
        }
        if let Some(device) = root.devices.iter().copied().find(|device| path == *device) {
            return Step::At(At::Device(device));
        }
        if let Some(hidden) = root.hidden.iter().find(|hidden| beneath(path, hidden)) {
            return if path == hidden { Step::At(At::Hidden) } else { Step::Missing };
        }
        if let Some(bind) = root.binds.iter().filter(|bind| beneath(path, &bind.target)).max_by_key(|bind| bind.target.len()) {
            let inside = behind(path, &bind.target).unwrap_or("");
            return match self.files.look(&format!("{}{inside}", bind.source)) {
                Some(Entry::Missing) => Step::Missing,
                Some(Entry::Link(target)) => Step::Link(target),
                Some(Entry::There(inode)) => Step::At(At::Bind(bind, Some(inode))),
                Some(Entry::Unreachable(_)) | None => Step::At(At::Bind(bind, None)),
            };
        }
        if root.files.iter().any(|(file, _)| file == path) {
            return Step::At(At::Generated);
        }
        let files = root.files.iter().map(|(path, _)| path);
        let entries = files.chain(root.links.iter().map(|(path, _)| path)).chain(root.binds.iter().map(|bind| &bind.target));
        let own = path == "/" || DIRECTORIES.iter().copied().chain(entries.map(String::as_str)).any(|entry| beneath(entry, path));
        if own { Step::At(At::Directory) } else { Step::Missing }
    }

    /// Whether the run's ids may do this to a file in a bind. Access lists are not looked at.
    pub fn may(&self, bind: &Bind, inode: Inode, right: u32) -> bool {
        let own = own_ids(self.host);
        let (owner, group) = match bind.owner {
            // Shown as the run's own; ids of others are nobody's, and nobody's files are not written.
            Some((uid, gid)) if right == WRITE && (inode.uid, inode.gid) != (uid, gid) => return false,
            Some((uid, gid)) => (inode.uid == uid, inode.gid == gid),
            // An id of its own owns nothing.
            None if own => (false, false),
            None => (inode.uid == self.host.uid, inode.gid == self.host.gid || self.host.groups.contains(&inode.gid)),
        };
        let class = if owner {
            6
        } else if group {
            3
        } else {
            0
        };
        inode.mode >> class & right == right
    }

    /// Whether what was made in the root for the run belongs to the run itself.
    pub fn owns_root(&self) -> bool {
        !own_ids(self.host)
    }
}

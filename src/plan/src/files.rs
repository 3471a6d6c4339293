//! What is at paths of the host, as far as a plan depends on it: seen by whoever asks for the plan, never looked up here.
//!
//! Always holds: a fact that nobody has seen is `None`, and is taken for nothing but that.

use crate::host::Fact;
use crate::interpreter::Tree;

pub use crate::file_id::FileId;

/// What is at a path, its last component not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Missing,
    /// This process cannot get there: why, with the kernel's answer.
    Unreachable(String),
    /// A symbolic link, and where it leads.
    Link(String),
    /// Anything else.
    There(Inode),
}

/// What a file is and who may do what to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Inode {
    pub id: FileId,
    pub kind: Kind,
    /// The twelve bits of `chmod`.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

/// Kinds of files that differ in what can be done to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Directory,
    Regular,
    Device,
    Fifo,
    Socket,
}

impl Kind {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Directory => "a directory",
            Self::Regular => "a regular file",
            Self::Device => "a device",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
        }
    }
}

/// Why the kernel cannot start a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoProgram {
    /// No format that it knows (ENOEXEC).
    Format(String),
    /// What the program needs is not there, or is not known.
    Lacks(String),
}

/// The files of a host.
pub trait Files {
    /// What is at an absolute path.
    fn look(&self, path: &str) -> Option<Entry>;

    /// Whether a mount of it can show its owner's files as another's (`MOUNT_ATTR_IDMAP`).
    fn mappable(&self, path: &str) -> Option<Fact>;

    /// The shared libraries that a program loads only with this extension of it, by the names it looks for.
    fn libraries(&self, program: &str, extension: &str) -> Option<Vec<String>>;

    /// The text of a file.
    fn text(&self, path: &str) -> Option<String> {
        let _ = path;
        None
    }

    /// Whether a program looks for its libraries beside itself (`$ORIGIN`), so that it starts nowhere else.
    fn by_place(&self, program: &str) -> bool;

    /// What else of the host a program needs, where `search` is its `PATH`.
    fn needs(&self, program: &str, search: &str) -> Option<Result<Tree, NoProgram>>;
}

/// A host that nobody has looked at.
#[derive(Clone, Copy, Debug)]
pub struct Unseen;

impl Files for Unseen {
    fn look(&self, _: &str) -> Option<Entry> {
        None
    }

    fn mappable(&self, _: &str) -> Option<Fact> {
        None
    }

    fn libraries(&self, _: &str, _: &str) -> Option<Vec<String>> {
        None
    }

    fn by_place(&self, _: &str) -> bool {
        false
    }

    fn needs(&self, _: &str, _: &str) -> Option<Result<Tree, NoProgram>> {
        None
    }
}

/// Longest chain of symbolic links that the kernel follows.
pub const LINKS: usize = 40;

/// Where a path of the host leads: no link in any component of the answer. `None`: nowhere, or nobody has seen it.
pub fn real(files: &dyn Files, path: &str) -> Option<(String, Inode)> {
    let mut rest: Vec<String> = parts(path).rev().map(str::to_owned).collect();
    let (mut here, mut links, mut last) = (String::new(), 0, None);
    while let Some(part) = rest.pop() {
        if part == ".." {
            here.truncate(here.rfind('/').unwrap_or(0));
            last = None;
            continue;
        }
        let next = format!("{here}/{part}");
        match files.look(&next)? {
            Entry::Missing | Entry::Unreachable(_) => return None,
            Entry::There(inode) => {
                if inode.kind != Kind::Directory && !rest.is_empty() {
                    return None;
                }
                (here, last) = (next, Some(inode));
            }
            Entry::Link(target) => {
                links += 1;
                if links > LINKS {
                    return None;
                }
                if target.starts_with('/') {
                    here.clear();
                }
                last = None;
                rest.extend(parts(&target).rev().map(str::to_owned));
            }
        }
    }
    let here = if here.is_empty() { "/".to_owned() } else { here };
    match last {
        Some(inode) => Some((here, inode)),
        None => match files.look(&here)? {
            Entry::There(inode) => Some((here, inode)),
            _ => None,
        },
    }
}

/// The components of a path, without those that mean nothing.
pub fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

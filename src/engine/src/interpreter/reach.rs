//! What a run may be shown of the host, by who said so.
//!
//! Always holds: what the caller or the policy *named* is shown wherever it lies (its owners are `trust`'s business); what was found by *content* (a
//! library that a file asks for, a `#!` line, a link in either) is shown only where everybody can reach and read it, or inside a named tree, and not in
//! places that the run has of its own. Each place is looked at once, in the very directory that was looked at before, and keeps its device and inode: what
//! is shown is what was judged, whoever renames directories meanwhile.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::rc::Rc;

use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::sys::stat::{FileStat, SFlag, fstat, fstatat};
use remand_plan::files::FileId;
use remand_policy::places::{self, beneath};

use super::budget::Budget;
use super::elf::Object;
use super::tree::{self, Node, Resolved, resolve};

/// Where looks and reads go: the machine, or an invented one.
pub(super) trait Host {
    /// What is at a real path, the last component not followed, if the directory above is this one.
    fn look(&self, path: &str, above: Option<FileId>) -> Node;
    /// The ELF file at a real path.
    fn object(&self, real: &str) -> Result<Object, String>;
    /// The regular file at a real path, or its beginning if it is larger than `most` bytes.
    fn bytes(&self, real: &str, most: usize) -> Option<Vec<u8>>;
}

/// This machine.
pub(super) struct Machine;

impl Host for Machine {
    fn look(&self, path: &str, above: Option<FileId>) -> Node {
        at(path, above).unwrap_or(Node::Missing)
    }

    fn object(&self, real: &str) -> Result<Object, String> {
        Object::read(open(real).map_err(|error| error.to_string())?)
    }

    fn bytes(&self, real: &str, most: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        open(real).ok()?.take(u64::try_from(most).ok()?.saturating_add(1)).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// What is at a real path, found in a directory that is open: by its path alone, it could be in another one by now.
fn at(path: &str, above: Option<FileId>) -> Option<Node> {
    let (directory, name) = path.rsplit_once('/')?;
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let directory = openat2(AT_FDCWD, if directory.is_empty() { "/" } else { directory }, how).ok()?;
    let id = |found: &FileStat| FileId { device: found.st_dev, inode: found.st_ino };
    if let Some(above) = above
        && id(&fstat(&directory).ok()?) != above
    {
        return None;
    }
    let found = fstatat(&directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
    if found.st_mode & SFlag::S_IFMT.bits() != SFlag::S_IFLNK.bits() {
        return Some(Node::Other(found.st_mode, id(&found)));
    }
    readlinkat(&directory, name).ok()?.into_string().ok().map(Node::Link)
}

/// Opens a regular file at a real path for reading. Anything else could block or act, and a symlink means that somebody is exchanging it.
pub(super) fn open(real: &str) -> std::io::Result<File> {
    let regular = |meta: std::fs::Metadata| {
        if meta.is_file() { Ok(()) } else { Err(std::io::Error::other("it is not a regular file")) }
    };
    regular(std::fs::symlink_metadata(real)?)?;
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let file = File::from(openat2(AT_FDCWD, real, how)?);
    regular(file.metadata()?)?;
    Ok(file)
}

/// As [`open`], of what a name leads to.
pub fn regular(name: &str) -> std::io::Result<File> {
    open(&resolve(name, &tree::host).ok_or(std::io::ErrorKind::NotFound)?.real)
}

/// A host, seen once, and what of it was named.
pub(super) struct Reach<'a> {
    host: &'a dyn Host,
    /// Real paths of trees that the caller or the policy named.
    named: Vec<String>,
    /// Runs have the caller's own user id: in a named tree, modes for everybody else say nothing.
    own_id: bool,
    nodes: RefCell<HashMap<String, Node>>,
    objects: RefCell<HashMap<String, Result<Rc<Object>, String>>>,
    /// Directories and files in which something was looked for in vain, and what was not there.
    pub(super) sought: RefCell<BTreeSet<String>>,
    pub(super) budget: Budget,
}

impl<'a> Reach<'a> {
    /// `named`: real paths; `own_id`: runs have the caller's own user id.
    pub(super) fn new(host: &'a dyn Host, named: Vec<String>, own_id: bool) -> Self {
        let (nodes, objects, sought) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { host, named, own_id, nodes, objects, sought, budget: Budget::default() }
    }

    /// Adds real paths of trees that were named.
    pub(super) fn name(&mut self, trees: &[String]) {
        self.named.extend_from_slice(trees);
    }

    /// All of a host.
    #[cfg(test)]
    pub(super) fn everything(host: &'a dyn Host) -> Self {
        Self::new(host, vec![String::new()], true)
    }

    /// What is at a path, the last component not followed; nothing where that cannot be paid.
    pub(super) fn look(&self, path: &str) -> Node {
        let seen = self.nodes.borrow().get(path).cloned();
        let target = if let Some(Node::Link(target)) = &seen { target.len() } else { 0 };
        if !self.budget.pay(path.len() + target, usize::from(seen.is_none())) {
            return Node::Missing;
        }
        seen.unwrap_or_else(|| {
            let node = match path.rsplit_once('/') {
                None | Some(("", _)) => self.host.look(path, None),
                Some((above, _)) => match self.look(above) {
                    Node::Other(_, above) => self.host.look(path, Some(above)),
                    _ => Node::Missing,
                },
            };
            if !self.budget.is_out() {
                self.nodes.borrow_mut().insert(path.to_owned(), node.clone());
            }
            node
        })
    }

    /// Follows a name that was found by content to what may be shown.
    pub(super) fn content(&self, name: &str) -> Option<Resolved> {
        resolve(name, &|path| self.look(path)).filter(|found| self.closed(found).is_none() && self.own(found).is_none())
    }

    /// The place of the run's own on the way: in the run, something else is there. A named tree counts as it is; the plan says why it cannot be shown.
    pub(super) fn own(&self, found: &Resolved) -> Option<&'static str> {
        let ends = found.links.iter().map(|(link, _)| link).chain(&found.left).chain([&found.real]);
        ends.filter(|end| !self.named.iter().any(|tree| beneath(end, tree))).find_map(|end| places::own(end))
    }

    /// The first place on the way that not everybody can pass or, at its end, read; with its mode. What lies in a named tree counts from there on.
    pub(super) fn closed(&self, found: &Resolved) -> Option<(String, u32)> {
        self.closed_but(found, &self.named, None)
    }

    /// Whether runs have the caller's own user id.
    pub(super) fn own_id(&self) -> bool {
        self.own_id
    }

    /// As [`Reach::closed`]; what lies below one more directory counts from there on.
    pub(super) fn closed_below(&self, found: &Resolved, directory: Option<&str>) -> Option<(String, u32)> {
        self.closed_but(found, &self.named, directory)
    }

    /// Whether everybody can reach the file and read it, links on the way included, wherever it lies.
    pub(super) fn public(&self, name: &str) -> bool {
        resolve(name, &|path| self.look(path)).is_some_and(|found| self.closed_but(&found, &[], None).is_none())
    }

    fn closed_but(&self, found: &Resolved, named: &[String], below: Option<&str>) -> Option<(String, u32)> {
        let ends = found.links.iter().map(|(link, _)| link).chain([&found.real]);
        for end in ends {
            let tree = named.iter().find(|tree| beneath(end, tree));
            if tree.is_some() && self.own_id {
                continue;
            }
            let below = below.filter(|directory| beneath(end, directory)).map_or(1, |directory| directory.len() + 1);
            let from = tree.map_or(below, String::len);
            let directories = end.match_indices('/').map(|(at, _)| at).filter(|at| *at >= from);
            for place in directories.chain([end.len()]).filter_map(|at| end.get(..at)) {
                if let Some(mode) = closed(&self.look(place), place == end) {
                    return Some((place.to_owned(), mode));
                }
            }
        }
        None
    }

    /// The ELF file at a real path; none where that cannot be paid.
    pub(super) fn object(&self, real: &str) -> Result<Rc<Object>, String> {
        let read = self.objects.borrow().get(real).cloned();
        if !self.budget.pay(real.len(), usize::from(read.is_none()) * 4) {
            return Err(Budget::refused(real));
        }
        read.unwrap_or_else(|| {
            let object = self.host.object(real).map(Rc::new);
            self.budget.pay(object.as_ref().map_or(0, |object| object.read), 0);
            self.objects.borrow_mut().insert(real.to_owned(), object.clone());
            object
        })
    }

    /// Checks that all looks could be paid.
    pub(super) fn complete(&self, file: &str) -> Result<(), String> {
        if self.budget.is_out() { Err(Budget::refused(file)) } else { Ok(()) }
    }

    /// All of a file that was found by content, if it has at most so many bytes and that can be paid.
    pub(super) fn bytes(&self, name: &str, most: usize) -> Option<Vec<u8>> {
        let bytes = self.host.bytes(&self.content(name)?.real, most).filter(|bytes| bytes.len() <= most)?;
        self.budget.pay(bytes.len(), 4).then_some(bytes)
    }
}

/// The mode of a place that not everybody can pass or, as the last of a way, read.
fn closed(node: &Node, last: bool) -> Option<u32> {
    match node {
        Node::Missing => Some(0),
        Node::Link(_) => None,
        Node::Other(mode, _) => {
            let needed = if mode & libc::S_IFMT != libc::S_IFDIR {
                0o4
            } else if last {
                0o5
            } else {
                0o1
            };
            (mode & needed != needed).then_some(mode & 0o7777)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    #[test]
    fn what_everybody_can_reach_and_read() {
        let top = std::env::temp_dir().join(format!("remand-public-{}", std::process::id()));
        std::fs::create_dir_all(top.join("a")).unwrap();
        let file = top.join("a/file");
        std::fs::write(&file, "").unwrap();
        symlink(&file, top.join("link")).unwrap();
        let public = |path: &str| Reach::new(&Machine, vec!["/".to_owned()], true).public(path);
        let mode = |path: &PathBuf, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let seen = || [&file, &top.join("link"), &top.join("a")].map(|path| public(path.to_str().unwrap()));
        mode(&top, 0o755);
        mode(&top.join("a"), 0o755);
        mode(&file, 0o644);
        assert_eq!(seen(), [true; 3]);
        mode(&file, 0o640);
        assert_eq!(seen(), [false, false, true]);
        mode(&file, 0o644);
        mode(&top.join("a"), 0o711);
        assert_eq!(seen(), [true, true, false], "reached, not listed");
        mode(&top.join("a"), 0o750);
        assert_eq!(seen(), [false; 3]);
        assert!(!public("/proc/none"));
        std::fs::remove_dir_all(&top).unwrap();
    }
}

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

/// What a path leads to, its last component not followed, for [`follow`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Node<T> {
    Link(String),
    Directory(T),
    Other(T),
}

/// A path followed to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed<T> {
    /// The same without a link in it; empty for the root.
    pub real: String,
    /// The links passed on the way: (real path of the link, target as written).
    pub links: Vec<(String, String)>,
    /// Real directories that were left again by `..`: they are on the way too.
    pub left: Vec<String>,
    /// What is there, unless the last step was one up.
    pub end: Option<T>,
}

/// Follows an absolute path as the kernel would. `None`: missing, more links than [`LINKS`], through what is no directory, or relative.
pub fn follow<T>(path: &str, look: impl Fn(&str) -> Option<Node<T>>) -> Option<Followed<T>> {
    let mut found = Followed { real: String::new(), links: Vec::new(), left: Vec::new(), end: None };
    let mut rest: Vec<String> = path.strip_prefix('/')?.rsplit('/').map(str::to_owned).collect();
    let mut directory = true;
    while let Some(part) = rest.pop() {
        match part.as_str() {
            _ if !directory => return None,
            "" | "." => continue,
            ".." => {
                found.left.push(found.real.clone());
                found.real.truncate(found.real.rfind('/').unwrap_or(0));
                found.end = None;
                continue;
            }
            _ => {}
        }
        let next = format!("{}/{part}", found.real);
        match look(&next)? {
            Node::Link(_) if found.links.len() == LINKS => return None,
            Node::Link(target) => {
                if target.starts_with('/') {
                    (found.real, found.end) = (String::new(), None);
                }
                rest.extend(target.rsplit('/').map(str::to_owned));
                found.links.push((next, target));
            }
            Node::Directory(end) => (found.real, found.end) = (next, Some(end)),
            Node::Other(end) => (found.real, found.end, directory) = (next, Some(end), false),
        }
    }
    Some(found)
}

/// Where a path of the host leads: no link in any component of the answer. `None`: nowhere, or nobody has seen it.
pub fn real(files: &dyn Files, path: &str) -> Option<(String, Inode)> {
    let look = |path: &str| match files.look(path)? {
        Entry::Missing | Entry::Unreachable(_) => None,
        Entry::Link(target) => Some(Node::Link(target)),
        Entry::There(inode) if inode.kind == Kind::Directory => Some(Node::Directory(inode)),
        Entry::There(inode) => Some(Node::Other(inode)),
    };
    let found = follow(path, look)?;
    let path = if found.real.is_empty() { "/".to_owned() } else { found.real };
    let inode = match found.end {
        Some(inode) => inode,
        None => match look(&path)? {
            Node::Directory(inode) => inode,
            _ => return None,
        },
    };
    Some((path, inode))
}

/// The components of a path, without those that mean nothing.
pub fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `/d` is a directory, `/d/f` a file, `/0` to `/41` a chain of links to it.
    fn look(path: &str) -> Option<Node<()>> {
        let link = |target: &str| Some(Node::Link(target.to_owned()));
        match path {
            "/d" => Some(Node::Directory(())),
            "/d/f" => Some(Node::Other(())),
            "/d/up" => link("../d/f"),
            "/slash" => link("d/f/"),
            "/loop" => link("loop"),
            "/41" => link("/d/f"),
            _ => link(&(path.strip_prefix('/')?.parse::<u32>().ok()? + 1).to_string()),
        }
    }

    #[test]
    fn a_path_leads_where_the_kernel_follows_it() {
        for (path, real) in [
            ("/d/f", Some("/d/f")),
            ("//d/./up", Some("/d/f")),
            ("/d/", Some("/d")),
            ("/d/..", Some("")),
            ("/", Some("")),
            ("/../d", Some("/d")),
            // ENOTDIR: a file has neither `.` nor `..`, and no slash behind it.
            ("/d/f/", None),
            ("/d/f/.", None),
            ("/d/f/../f", None),
            ("/slash", None),
            ("d/f", None),
            ("/d/x", None),
            ("/loop", None),
            // Forty links, and one more.
            ("/2", Some("/d/f")),
            ("/1", None),
        ] {
            assert_eq!(follow(path, look).map(|found| found.real).as_deref(), real, "{path}");
        }
        let found = follow("/d/up", look);
        assert_eq!(found.as_ref().map(|found| &found.links[..]), Some(&[("/d/up".to_owned(), "../d/f".to_owned())][..]));
        assert_eq!(found.map(|found| found.left), Some(vec!["/d".to_owned()]));
        assert_eq!(follow("/d", look).and_then(|found| found.end), Some(()));
        assert_eq!(follow("/d/f", look).and_then(|found| found.end), Some(()));
    }
}

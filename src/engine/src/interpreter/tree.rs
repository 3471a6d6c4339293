//! Names of files, resolved into the tree that makes them work in an otherwise empty root.
//!
//! Always holds: pure over `look`; every name that exists leads, through `links` only, to one of `binds` (or into one that is shown anyway).

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;

use libc::{S_IFDIR, S_IFMT};
use remand_plan::files::{self, FileId, Followed, follow};
use remand_plan::interpreter::Tree;
use remand_policy::places::{beneath, inside};

/// What is at a path, the last component not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Missing,
    Link(String),
    /// Anything else: its mode (`st_mode`), and which file it is.
    Other(u32, FileId),
}

/// Looks at the host.
pub(super) fn host(path: &str) -> Node {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => match std::fs::read_link(path).map(|target| target.into_os_string().into_string()) {
            Ok(Ok(target)) => Node::Link(target),
            _ => Node::Missing,
        },
        Ok(meta) => Node::Other(meta.mode(), FileId { device: meta.dev(), inode: meta.ino() }),
        Err(_) => Node::Missing,
    }
}

/// A name followed to its end, which is not the root.
pub(super) type Resolved = Followed<FileId>;

/// Follows an absolute name as the kernel would. `None`: it leads nowhere, or to the root itself.
pub(super) fn resolve(name: &str, look: &dyn Fn(&str) -> Node) -> Option<Resolved> {
    let look = |path: &str| match look(path) {
        Node::Missing => None,
        Node::Link(target) => Some(files::Node::Link(target)),
        Node::Other(mode, id) if mode & S_IFMT == S_IFDIR => Some(files::Node::Directory(id)),
        Node::Other(_, id) => Some(files::Node::Other(id)),
    };
    follow(name, look).filter(|found| !found.real.is_empty())
}

/// The tree that makes `names` work beside `shown`, which is shown too: what that has is left out.
pub(super) fn build<'a>(names: impl IntoIterator<Item = &'a str>, shown: &Tree, look: &dyn Fn(&str) -> Node) -> Tree {
    let mut reals = BTreeSet::new();
    let mut links = BTreeMap::new();
    for found in names.into_iter().filter_map(|name| resolve(name, look)) {
        reals.insert(found.real);
        links.extend(found.links);
    }
    let covered = |path: &str| shown.binds.keys().any(|above| beneath(path, above)) || reals.iter().any(|above| inside(path, above));
    let seen = |real: &String| match look(real) {
        Node::Other(_, id) => Some((real.clone(), id)),
        _ => None,
    };
    let binds = reals.iter().filter(|real| !covered(real)).filter_map(seen).collect();
    let links = links.into_iter().filter(|link| !covered(&link.0) && !shown.links.contains(link)).collect();
    Tree { binds, links, hidden: Vec::new() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A host where `/lib` and `/usr/bin/python3` are links, as on Debian, with a loop and an absolute link beside.
    fn debian(path: &str) -> Node {
        let link = |target: &str| Node::Link(target.to_owned());
        match path {
            "/lib" => link("usr/lib"),
            "/lib64" => link("usr/lib64"),
            "/usr/lib64/ld.so" => link("../lib/x/ld.so"),
            "/usr/bin/python3" => link("python3.11"),
            "/etc/alternatives/py" => link("/usr/bin/python3"),
            "/loop" => link("loop"),
            "/up" => link("../../.."),
            "/gone" => Node::Missing,
            _ => Node::Other(0o040_755, FileId::default()),
        }
    }

    fn binds(tree: &Tree) -> Vec<&str> {
        tree.binds.keys().map(String::as_str).collect()
    }

    fn pair(path: &str, target: &str) -> (String, String) {
        (path.to_owned(), target.to_owned())
    }

    #[test]
    fn follows_links_in_any_component() {
        let found = resolve("/lib64/ld.so", &debian).unwrap();
        assert_eq!(found.real, "/usr/lib/x/ld.so");
        assert_eq!(found.links, [pair("/lib64", "usr/lib64"), pair("/usr/lib64/ld.so", "../lib/x/ld.so")]);
        let found = resolve("/etc/alternatives/py", &debian).unwrap();
        assert_eq!(found.real, "/usr/bin/python3.11");
        assert_eq!(found.links, [pair("/etc/alternatives/py", "/usr/bin/python3"), pair("/usr/bin/python3", "python3.11")]);
    }

    #[test]
    fn dots_go_up_from_the_real_place() {
        assert_eq!(resolve("/lib/./x/../../share//f", &debian).unwrap().real, "/usr/share/f");
        assert_eq!(resolve("/../../usr", &debian).unwrap().real, "/usr");
    }

    #[test]
    fn nothing_for_loops_missing_relative_and_the_root() {
        for name in ["/loop", "/gone", "/gone/below", "usr/lib", "", "/", "/usr/..", "/up"] {
            assert_eq!(resolve(name, &debian), None, "{name}");
        }
    }

    #[test]
    fn no_bind_or_link_lies_below_a_bind() {
        let tree =
            build(["/usr/lib/py", "/lib/py/f", "/usr/lib/py-x", "/usr/bin/python3", "/usr/lib/py", "/gone"], &Tree::default(), &debian);
        assert_eq!(binds(&tree), ["/usr/bin/python3.11", "/usr/lib/py", "/usr/lib/py-x"]);
        assert_eq!(tree.links, [pair("/lib", "usr/lib"), pair("/usr/bin/python3", "python3.11")]);
        let tree = build(["/usr/bin/python3", "/usr/bin"], &Tree::default(), &debian);
        assert_eq!((binds(&tree), tree.links.len()), (vec!["/usr/bin"], 0));
    }

    #[test]
    fn what_another_tree_shows_is_left_to_it() {
        let shown = build(["/lib/py"], &Tree::default(), &debian);
        let tree = build(["/lib/py/site", "/lib/z.so", "/usr/bin/python3"], &shown, &debian);
        assert_eq!(binds(&tree), ["/usr/bin/python3.11", "/usr/lib/z.so"]);
        assert_eq!(tree.links, [pair("/usr/bin/python3", "python3.11")]);
    }
}

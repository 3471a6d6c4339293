//! Whether a file is where only trusted owners could have put it.
//!
//! Always holds: every directory, symlink and file on the way is looked at; what cannot be looked at is not trusted. Only below a directory that is
//! listed, what this process can neither list nor reach is passed over: it cannot be loaded with its rights either.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::unistd::{AccessFlags, access, getegid, geteuid};

use super::tree;
use crate::acl::{self, Writer};
use crate::unmapped;

const STICKY: u32 = 0o1000;
/// Group that stands for all that have no number here.
const NOBODY: u32 = 65534;
/// Directories of packages, which an interpreter that is asked does not see.
pub(super) const PACKAGES: [&str; 2] = ["site-packages", "dist-packages"];

/// The users who can change everything here anyway: root, and the owner of `/`, unless that is someone unnamed.
pub(super) fn roots() -> Vec<u32> {
    let owner = std::fs::metadata("/").map(|meta| meta.uid()).ok();
    std::iter::once(0).chain(owner.filter(|owner| Some(*owner) != unmapped::owner())).collect()
}

/// Whether what belongs to someone unnamed is the host's root's after all, or changes nothing: what is beneath a directory is looked at itself.
fn vouched(step: &str, meta: &Metadata, on_the_way: bool) -> bool {
    step == "/" || (on_the_way && meta.is_dir()) || unmapped::of_system(step)
}

/// Whose files this process may run with its own rights: root's, and its own.
pub(super) fn owners() -> Vec<u32> {
    roots().into_iter().chain([geteuid().as_raw()]).collect()
}

/// Every directory and link on the way to a file, and the file.
pub(super) fn steps(path: &str) -> Result<BTreeSet<String>, String> {
    let found = tree::resolve(path, &tree::host).ok_or_else(|| format!("cannot follow {path} to a file"))?;
    let mut steps = BTreeSet::from(["/".to_owned()]);
    for end in found.links.iter().map(|(link, _)| link.as_str()).chain([found.real.as_str()]) {
        steps.extend(end.match_indices('/').skip(1).filter_map(|(at, _)| end.get(..at)).map(str::to_owned));
        steps.insert(end.to_owned());
    }
    Ok(steps)
}

/// Checks that nobody but `owners` (user ids) could have put the file there or exchanged it.
///
/// # Errors
/// Names the component that somebody else can write, and the remedy.
pub(super) fn check(path: &str, owners: &[u32]) -> Result<(), String> {
    steps(path)?.iter().try_for_each(|step| only(owners, step, &look(step)?, true))
}

/// Checks a directory like [`check`], and that nobody else can add to it.
///
/// # Errors
/// As [`check`].
pub(super) fn directory(path: &str, owners: &[u32]) -> Result<(), String> {
    check(path, owners)?;
    let meta = std::fs::metadata(path).map_err(|error| format!("cannot look at {path}: {error}"))?;
    only(owners, path, &meta, false)
}

/// Checks that nobody but `owners` can change or add to anything in the directory at a real path; a file is looked at itself. Directories of packages are
/// left out, and links: what they lead to is either looked at itself or not loaded.
///
/// # Errors
/// As [`check`].
pub(super) fn contents(path: &str, owners: &[u32]) -> Result<(), String> {
    let meta = look(path)?;
    only(owners, path, &meta, false)?;
    let mut todo: Vec<_> = meta.is_dir().then(|| PathBuf::from(path)).into_iter().collect();
    while let Some(path) = todo.pop() {
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries.flatten(),
            Err(error) if out_of_reach(&error) && access(&path, AccessFlags::X_OK).is_err() => continue,
            Err(error) => return Err(format!("cannot list {}: {error}; chmod +r it", path.display())),
        };
        let entries = entries.filter(|entry| entry.file_name().to_str().is_none_or(|name| !PACKAGES.contains(&name)));
        for path in entries.map(|entry| entry.path()) {
            match std::fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_symlink() => {}
                Ok(meta) => {
                    only(owners, &path.to_string_lossy(), &meta, false)?;
                    todo.extend(meta.is_dir().then_some(path));
                }
                Err(error) if out_of_reach(&error) => {}
                Err(error) => return Err(format!("cannot look at {}: {error}", path.display())),
            }
        }
    }
    Ok(())
}

/// Whether there is nothing by that name for this process: it may not pass a directory, or its own compiled modules are just being replaced.
fn out_of_reach(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound)
}

fn look(step: &str) -> Result<Metadata, String> {
    std::fs::symlink_metadata(step).map_err(|error| format!("cannot look at {step}: {error}"))
}

/// `on_the_way`: only a part of the path to something that is looked at itself.
fn only(owners: &[u32], step: &str, meta: &Metadata, on_the_way: bool) -> Result<(), String> {
    let us = if owners.iter().all(|owner| roots().contains(owner)) { "root" } else { "root or yourself" };
    if unmapped::owner() == Some(meta.uid()) && meta.uid() != geteuid().as_raw() {
        if !vouched(step, meta, on_the_way) {
            return Err(format!(
                "{step} belongs to a user whom this user namespace does not map, who could change what is run with our rights; map that user, or have it below /usr or /opt"
            ));
        }
    } else if !owners.contains(&meta.uid()) {
        return Err(format!("{step} belongs to user {}, who could change what is run with our rights; chown it to {us}", meta.uid()));
    }
    let mode = if on_the_way { meta.mode() } else { meta.mode() & !STICKY };
    let list = || acl::list(step);
    if let Some(writer) = other_writer(owners, mode, meta.gid(), &list) {
        return Err(format!(
            "{step} can be written by others ({writer}; mode {:04o}, group {}); chmod go-w it",
            meta.mode() & 0o7777,
            meta.gid()
        ));
    }
    Ok(())
}

/// Who else may write, by mode, group, and the access `list` of what is there. In a sticky directory nobody can move or replace another owner's entry,
/// and the entry's owner is checked as the next step.
fn other_writer(owners: &[u32], mode: u32, group: u32, list: &dyn Fn() -> std::io::Result<Option<Vec<u8>>>) -> Option<Writer> {
    let kind = mode & libc::S_IFMT;
    if kind == libc::S_IFLNK || (kind == libc::S_IFDIR && mode & STICKY != 0) {
        return None;
    }
    if mode & 0o002 != 0 {
        return Some(Writer::Anybody);
    }
    let writers = if mode & 0o020 == 0 { Vec::new() } else { acl::writers(list(), group) };
    writers.into_iter().find(|writer| match writer {
        Writer::User(user) => !owners.contains(user),
        Writer::Group(group) => *group != 0 && Some(*group) != own_group(),
        Writer::Anybody => true,
    })
}

/// A group that is a user's own by its number has no other member: many systems make files writable by it.
fn own_group() -> Option<u32> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    (user == group && user != NOBODY).then_some(group)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    #[test]
    fn modes() {
        let said = |mode, group| other_writer(&[0], mode, group, &|| Ok(None));
        assert_eq!(said(0o040_755, 5), None);
        assert_eq!(said(0o040_757, 0), Some(Writer::Anybody));
        assert_eq!(said(0o040_775, 50), Some(Writer::Group(50)), "Debian's group staff");
        assert_eq!(said(0o040_775, 0), None);
        assert_eq!(said(0o041_777, 0), None, "/tmp");
        assert_eq!(said(0o101_777, 0), Some(Writer::Anybody), "sticky means nothing on a file");
        assert_eq!(said(0o120_777, 5), None, "a symlink's mode means nothing");
    }

    #[test]
    fn what_is_nobodys_by_name_is_roots_in_its_own_places_alone() {
        let (directory, file) = (std::fs::metadata("/usr").unwrap(), std::fs::metadata("/etc/passwd").unwrap());
        for (step, meta, on_the_way, believed) in [
            ("/usr/lib/x", &file, false, true),
            ("/opt/conda", &directory, false, true),
            ("/", &directory, true, true),
            ("/home", &directory, true, true),
            ("/home/venv/bin/python3", &file, true, false),
            ("/home/venv/lib", &directory, false, false),
            ("/usrs/x", &file, true, false),
        ] {
            assert_eq!(vouched(step, meta, on_the_way), believed, "{step}");
        }
    }

    #[test]
    fn where_there_is_an_access_list_the_mode_does_not_say_who_may_write() {
        let named = |user: u8| Ok(Some(vec![2, 0, 0, 0, 2, 0, 6, 0, user, 0, 0, 0]));
        assert_eq!(other_writer(&[0], 0o100_664, 0, &|| named(7)), Some(Writer::User(7)));
        assert_eq!(other_writer(&[0, 7], 0o100_664, 0, &|| named(7)), None, "one of the owners");
        assert_eq!(other_writer(&[0], 0o100_644, 0, &|| named(7)), None, "the mask forbids it");
        assert_eq!(other_writer(&[0], 0o100_664, 0, &|| Err(nix::errno::Errno::EIO.into())), Some(Writer::Anybody));
    }

    #[test]
    fn a_missing_or_foreign_file_is_refused() {
        assert!(check("/proc/none/x", &[0]).is_err());
        assert!(check("/", &[0]).is_err());
        assert!(check("/usr/bin", &[0]).is_ok());
        assert!(check("/usr/bin", &[4_000_000]).is_err());
        assert!(directory("/usr/bin", &[0]).is_ok() && check("/tmp", &[0]).is_ok() && directory("/tmp", &[0]).is_err());
    }

    #[test]
    fn one_file_of_another_user_spoils_a_directory() {
        let top = std::env::temp_dir().join(format!("remand-trust-{}", std::process::id()));
        std::fs::create_dir_all(top.join("a/site-packages")).unwrap();
        std::fs::create_dir_all(top.join("a/b")).unwrap();
        let (file, package) = (top.join("a/b/os.py"), top.join("a/site-packages/x.py"));
        for path in [&file, &package] {
            std::fs::write(path, "").unwrap();
        }
        symlink("/tmp", top.join("a/link")).unwrap();
        std::fs::set_permissions(&package, Permissions::from_mode(0o666)).unwrap();
        let said = || contents(top.to_str().unwrap(), &owners());
        assert_eq!(said(), Ok(()), "packages and links are not looked at");
        for path in [&file, &top.join("a/b")] {
            let before = std::fs::metadata(path).unwrap().permissions();
            std::fs::set_permissions(path, Permissions::from_mode(0o1777)).unwrap();
            assert!(said().unwrap_err().contains(path.to_str().unwrap()));
            std::fs::set_permissions(path, before).unwrap();
        }
        if geteuid().is_root() {
            chown(&file, Some(4_000_000), None).unwrap();
            assert!(said().unwrap_err().contains("os.py belongs to user 4000000"));
        }
        std::fs::remove_dir_all(&top).unwrap();
    }
}

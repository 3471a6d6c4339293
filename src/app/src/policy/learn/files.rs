//! What a run looked for, as this host has it, seen as the caller.
//!
//! Always holds: no file is opened; only directories and regular files count; a path that changes meanwhile makes a proposal wrong, which people read before
//! it is used. A directory is looked through as far as [`ENTRIES`] go, all directories of one run together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use remand_authoring::learn::{File, guarded};
use remand_jail::run::{PathLookup, PathLookups};

/// Most entries that are looked at for one run, and most levels.
const ENTRIES: usize = 50_000;
const LEVELS: usize = 16;

/// Those that are here, and with the programs among them what `needed` says that they lack to start.
pub fn found(lookups: &PathLookups, needed: &dyn Fn(&str) -> Vec<String>) -> Vec<File> {
    let mut trees = Trees { known: BTreeMap::new(), left: ENTRIES };
    let mut here = |lookup: &PathLookup| {
        let real = fs::canonicalize(&lookup.path).ok()?;
        let meta = fs::symlink_metadata(&real).ok().filter(|meta| meta.is_dir() || meta.is_file())?;
        let reachable = real.ancestors().skip(1).all(|directory| fs::symlink_metadata(directory).is_ok_and(|meta| may(&meta, 0o1)));
        Some(File {
            path: lookup.path.clone(),
            call: lookup.call.clone(),
            writes: lookup.writes,
            lists: lookup.lists,
            // Who asks of any file whether it can be executed is answered by its mode.
            executes: lookup.executes && meta.permissions().mode() & 0o111 != 0,
            everybody: reachable && if meta.is_dir() { trees.open(&real) } else { may(&meta, 0o4) },
            beside: reachable && real.parent().is_some_and(|directory| trees.open(directory)),
            directory: meta.is_dir(),
            real: text(&real)?,
        })
    };
    let mut files: Vec<File> = lookups.seen.iter().filter_map(&mut here).collect();
    let programs = files.iter().filter(|file| file.executes && !file.directory);
    let names: BTreeSet<String> = programs.flat_map(|program| needed(&program.real)).collect();
    for path in names {
        match files.iter_mut().find(|file| file.path == path) {
            Some(file) => file.executes = true,
            None => files.extend(here(&PathLookup { call: "execve".to_owned(), path, writes: false, lists: false, executes: true })),
        }
    }
    files
}

/// Directories that were looked through.
struct Trees {
    known: BTreeMap<PathBuf, bool>,
    left: usize,
}

impl Trees {
    /// Whether everybody may read all that is in a directory, and nothing of it has a guarded name.
    fn open(&mut self, directory: &Path) -> bool {
        if let Some(known) = self.known.get(directory) {
            return *known;
        }
        let open = fs::symlink_metadata(directory).is_ok_and(|meta| self.entry(directory, &meta, LEVELS));
        self.known.insert(directory.to_owned(), open);
        open
    }

    fn entry(&mut self, path: &Path, meta: &Metadata, levels: usize) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        if path.to_str().is_none_or(|path| guarded(path).is_some()) {
            return false;
        }
        // A link leads to what the run's own root has there.
        if !meta.is_dir() {
            return meta.is_symlink() || meta.is_file() && may(meta, 0o4);
        }
        let Ok(entries) = fs::read_dir(path) else { return false };
        levels > 0
            && may(meta, 0o5)
            && entries
                .into_iter()
                .all(|entry| entry.is_ok_and(|entry| entry.metadata().is_ok_and(|meta| self.entry(&entry.path(), &meta, levels - 1))))
    }
}

fn may(meta: &Metadata, others: u32) -> bool {
    meta.permissions().mode() & others == others
}

fn text(path: &Path) -> Option<String> {
    path.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_directory_is_open_only_with_all_that_is_in_it() {
        let directory = std::env::temp_dir().join(format!("remand-learn-{}", std::process::id()));
        fs::create_dir_all(directory.join("a/b")).unwrap();
        let mode = |path: &str, mode| fs::set_permissions(directory.join(path), fs::Permissions::from_mode(mode)).unwrap();
        let file = |path: &str, bits| {
            fs::write(directory.join(path), "x").unwrap();
            mode(path, bits);
        };
        for path in ["", "a", "a/b"] {
            mode(path, 0o755);
        }
        let open = |left| Trees { known: BTreeMap::new(), left }.open(&directory);
        file("a/b/plain", 0o644);
        let control = open(ENTRIES);
        let too_many = open(3);
        file("a/b/.env", 0o644);
        let named = open(ENTRIES);
        fs::remove_file(directory.join("a/b/.env")).unwrap();
        file("a/b/kept", 0o600);
        let kept = open(ENTRIES);
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!((control, too_many, named, kept), (true, false, false, false));
    }
}

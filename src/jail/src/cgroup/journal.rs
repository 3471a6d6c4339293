//! Where the cgroups of this user's supervisors are: on record while they live, so that after a kill the next start sweeps them, from wherever it is made.
//!
//! Always holds: a record is locked while its maker lives, and lies in a directory that only this user can write. Without a place for records everything
//! works; what a killed supervisor left then waits for a start in the same cgroup.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;

use super::{name, stale};

/// Bytes of a record: a path for each hierarchy.
const LARGEST: u64 = 64 << 10;
/// Records looked at by one start; the rest waits for the next ones.
const MOST: usize = 64;

/// This supervisor's record; gone with it.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    _lock: Flock<File>,
    stays: bool,
}

impl Journal {
    /// Records that directories are about to be made in these.
    pub(super) fn begin(parents: &[&str]) -> Option<Self> {
        places().iter().find_map(|place| Self::begin_in(place, parents))
    }

    fn begin_in(place: &Path, parents: &[&str]) -> Option<Self> {
        if !ours(place) {
            DirBuilder::new().recursive(true).mode(0o700).create(place).ok()?;
        }
        let name = name::own_name();
        let (draft, path) = (place.join(format!(".{name}")), place.join(name));
        let file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(&draft).ok()?;
        // Under its name only when it is locked: an unlocked one is a dead supervisor's.
        let mut lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()?;
        let done = ours(place) && lock.write_all(parents.join("\n").as_bytes()).is_ok() && fs::rename(&draft, &path).is_ok();
        done.then_some(Self { path, _lock: lock, stays: false })
    }

    /// Something will be left that a later start is to sweep.
    pub(super) fn stay(&mut self) {
        self.stays = true;
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if !self.stays {
            // One that stays costs the next start a look.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Sweeps what dead supervisors of this user left.
pub(super) fn sweep() {
    places().iter().filter(|place| ours(place)).for_each(|place| sweep_in(place));
}

fn sweep_in(place: &Path) {
    let names = fs::read_dir(place).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    for name in names.filter(|name| name::maker(name).is_some()).take(MOST) {
        let path = place.join(&name);
        let Ok(file) = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path) else { continue };
        let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else { continue };
        let mut text = String::new();
        let whole = (&*lock).take(LARGEST).read_to_string(&mut text).is_ok();
        if whole && text.lines().all(|parent| stale::sweep_of(parent, &name)) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Where records may be, best first.
fn places() -> Vec<PathBuf> {
    if geteuid().is_root() {
        return vec!["/run/remand/cgroups".into()];
    }
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    set("XDG_RUNTIME_DIR").into_iter().chain(cache).map(|place| place.join("remand/cgroups")).collect()
}

fn ours(place: &Path) -> bool {
    fs::symlink_metadata(place).is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_record_lives_with_its_maker_and_leads_to_what_it_left() {
        let root = std::env::temp_dir().join(format!("remand-journal-{}", std::process::id()));
        let (place, group) = (root.join("records"), root.join("group"));
        let directory = |name: &str| group.join(name);
        let journal = Journal::begin_in(&place, &[group.to_str().unwrap()]).unwrap();
        let name = journal.path.file_name().unwrap().to_str().unwrap().to_owned();
        let left = [directory(&format!("{name}/run-0")), directory(&format!("{name}/supervisor"))];
        left.iter().for_each(|path| fs::create_dir_all(path).unwrap());
        fs::create_dir(directory("theirs")).unwrap();
        sweep_in(&place);
        assert!(left.iter().all(|path| path.exists()), "its maker lives");
        let mut journal = journal;
        journal.stay();
        drop(journal);
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
        sweep_in(&place);
        assert!(!directory(&name).exists() && directory("theirs").exists());
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
        drop(Journal::begin_in(&place, &[]).unwrap());
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "nothing was left");
        fs::remove_dir_all(root).unwrap();
    }
}

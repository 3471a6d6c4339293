//! Host ids for one forkserver and its runs: user and group ids that no other on this host has while they are held.
//!
//! Always holds: they are held by a lock on their part of one file, which the kernel lifts with the process, so that a crash leaks none; of two runs at the
//! same time each has another. Without privilege there is nothing to hold: every run has the caller's own. A forkserver has no more runs than places.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use remand_plan::places::RUN_ID;
use remand_plan::step::Step;

use crate::failure::Failure;
use crate::sys::random::random;

const DIRECTORY: &str = "/run/remand";
const FILE: &str = "/run/remand/ids";

/// Ids in a row: the first for the forkserver and inits (inside: 0), the others for runs.
#[derive(Debug)]
pub struct IdRange {
    first: u32,
    runs: u32,
    _lock: File,
}

impl IdRange {
    /// Takes free ones for so many runs, from `count` ids that begin at `first`.
    ///
    /// # Errors
    /// The lock file cannot be had or is not safe, or not enough ids in a row are free.
    pub fn take(first: u32, count: u32, runs: u32) -> Result<Arc<Self>, Failure> {
        let lock = open()?;
        // In pairs, of which one is enough for a forkserver and its run.
        let (pairs, wanted) = (count / 2, runs.saturating_add(2) / 2);
        let places = (pairs + 1).saturating_sub(wanted);
        // Begins where others are unlikely to be, those of other containers too, which have a file of their own.
        let [number] = random().map_err(|errno| Failure::kernel(Step::Ids, "random bits for the choice of ids", errno))?;
        let begin = u32::try_from(number % u64::from(places.max(1))).unwrap_or(0);
        for pair in (begin..places).chain(0..begin) {
            if lock_bytes(&lock, pair, wanted).map_err(|error| Failure::io(Step::Ids, FILE, &error))? {
                return Ok(Arc::new(Self { first: first + 2 * pair, runs, _lock: lock }));
            }
        }
        Err(Failure::new(Step::Ids, format!("all {pairs} pairs of run ids are in use, or no {wanted} in a row are free")))
    }

    /// Host id of forkserver and inits.
    #[must_use]
    pub fn server(&self) -> u32 {
        self.first
    }

    /// Host id of the first run.
    #[must_use]
    pub fn first_run(&self) -> u32 {
        self.first + 1
    }

    /// The map to write for user and group ids alike.
    #[must_use]
    pub fn map(&self) -> String {
        format!("0 {} 1\n{RUN_ID} {} {}\n", self.first, self.first_run(), self.runs)
    }
}

/// The places of one forkserver's runs: how many it can have at once, and which are taken.
#[derive(Debug)]
pub struct Places {
    most: u32,
    taken: Mutex<BTreeSet<u32>>,
}

impl Places {
    /// So many.
    #[must_use]
    pub fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    fn taken(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one run, and its ids: its own while this lives, where there is a range of them; else the caller's.
#[derive(Debug)]
pub struct RunId {
    places: Arc<Places>,
    number: u32,
    range: Option<Arc<IdRange>>,
}

impl RunId {
    /// One that no other run has; `None` if all places are taken. `range`: with an id for each place.
    #[must_use]
    pub fn take(places: &Arc<Places>, range: Option<&Arc<IdRange>>) -> Option<Self> {
        let mut taken = places.taken();
        let number = (0..places.most).find(|number| !taken.contains(number))?;
        taken.insert(number);
        Some(Self { places: Arc::clone(places), number, range: range.cloned() })
    }

    /// As the run sees it.
    #[must_use]
    pub fn inside(&self) -> u32 {
        RUN_ID + if self.range.is_some() { self.number } else { 0 }
    }

    /// On the host, where it is the run's own.
    #[must_use]
    pub fn host(&self) -> Option<u32> {
        self.range.as_ref().map(|range| range.first_run() + self.number)
    }
}

impl Drop for RunId {
    fn drop(&mut self) {
        self.places.taken().remove(&self.number);
    }
}

fn open() -> Result<File, Failure> {
    let named = |error: io::Error, path: &str| Failure::io(Step::Ids, path, &error);
    match DirBuilder::new().mode(0o700).create(DIRECTORY) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(named(error, DIRECTORY)),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(FILE);
    let file = file.map_err(|error| named(error, FILE))?;
    let directory = std::fs::symlink_metadata(DIRECTORY).map_err(|error| named(error, DIRECTORY))?;
    let found = file.metadata().map_err(|error| named(error, FILE))?;
    let ours = directory.is_dir() && directory.uid() == nix::unistd::geteuid().as_raw() && directory.mode() & 0o022 == 0;
    if !ours || !found.is_file() {
        return Err(Failure::new(Step::Ids, format!("{DIRECTORY} is not a directory that only this user can write: remove it")));
    }
    Ok(file)
}

fn lock_bytes(file: &File, at: u32, count: u32) -> io::Result<bool> {
    let mut range = libc::flock { l_type: 0, l_whence: 0, l_start: at.into(), l_len: count.into(), l_pid: 0 };
    range.l_type = i16::try_from(libc::F_WRLCK).unwrap_or(1);
    match fcntl(file, FcntlArg::F_OFD_SETLK(&range)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_once_and_given_back_with_its_run() {
        let places = Places::new(2);
        let take = || RunId::take(&places, None);
        let (first, second) = (take().unwrap(), take());
        assert!(second.is_some() && take().is_none());
        assert_eq!((first.inside(), first.host()), (RUN_ID, None), "the caller's own, whichever place it has");
        drop(first);
        assert!(take().is_some());
    }
}

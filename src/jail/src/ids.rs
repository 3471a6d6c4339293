//! Host ids for one supervisor: a pair of user and group ids that no other run on this host has while it is held.
//!
//! Always holds: a pair is held by a lock on one byte of one file, which the kernel lifts with the process, so that a crash leaks none.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use remand_plan::step::Step;

use crate::failure::Failure;

const DIRECTORY: &str = "/run/remand";
const FILE: &str = "/run/remand/ids";

/// A pair of ids: `first` for the forkserver and init (inside: 0), `first + 1` for the run.
#[derive(Debug)]
pub struct RunIds {
    first: u32,
    _lock: File,
}

impl RunIds {
    /// Takes a free pair from `count` ids that begin at `first`.
    ///
    /// # Errors
    /// The lock file cannot be had or is not safe, or no pair is free.
    pub fn take(first: u32, count: u32) -> Result<Self, Failure> {
        let lock = open()?;
        let pairs = count / 2;
        // Begins where others are unlikely to be, so that the first try mostly is the last.
        let begin = std::process::id() % pairs.max(1);
        for pair in (begin..pairs).chain(0..begin) {
            if lock_byte(&lock, pair).map_err(|error| Failure::io(Step::Ids, FILE, &error))? {
                return Ok(Self { first: first + 2 * pair, _lock: lock });
            }
        }
        Err(Failure::new(Step::Ids, format!("all {pairs} pairs of run ids are in use")))
    }

    /// Host id of forkserver and init.
    #[must_use]
    pub fn server(&self) -> u32 {
        self.first
    }

    /// Host id of the run.
    #[must_use]
    pub fn run(&self) -> u32 {
        self.first + 1
    }

    /// The map to write for user and group ids alike.
    #[must_use]
    pub fn map(&self) -> String {
        format!("0 {} 1\n{} {} 1\n", self.first, crate::setup::RUN_ID, self.run())
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

fn lock_byte(file: &File, at: u32) -> io::Result<bool> {
    let mut range = libc::flock { l_type: 0, l_whence: 0, l_start: at.into(), l_len: 1, l_pid: 0 };
    range.l_type = i16::try_from(libc::F_WRLCK).unwrap_or(1);
    match fcntl(file, FcntlArg::F_OFD_SETLK(&range)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

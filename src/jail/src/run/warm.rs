//! Page cache of what runs share (interpreter, libraries, standard library, site packages), kept outside of any run's cgroup: a page is charged to whoever
//! touches it first, and thrown out when that cgroup is emptied.
//!
//! Always holds: only what every run sees read-only is touched, by hints, within bounds; a hint that fails costs time and nothing else.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use remand_policy::Plan;

use crate::cgroup::RunCgroup;
use crate::sys::cached::first_page_cached;

/// Bytes that one hint is good for: the kernel reads no more ahead at once, by default.
const CHUNK: u64 = 128 << 10;
/// Bytes of the largest file; a library, not data.
const LARGEST: u64 = 64 << 20;
/// How long to look through directories. Only the first runs after a start of the machine, or after its memory was short, need it.
const LONGEST: Duration = Duration::from_millis(200);

/// Touches the files that each run begins with, before a run does.
pub fn begin(plan: &Plan) {
    shared(plan, true).map(Path::new).filter(|path| path.is_file()).for_each(read_ahead);
}

/// Files of shared directories that are in the page cache, whole where a first page is.
#[derive(Debug, Default)]
pub struct InUse(Vec<PathBuf>);

impl InUse {
    /// Looks for them, if the run was charged for page cache. To be called before its cgroup is emptied.
    pub fn look(plan: &Plan, cgroup: Option<&RunCgroup>) -> Self {
        if cgroup.and_then(RunCgroup::cached).is_none_or(|bytes| bytes == 0) {
            return Self::default();
        }
        let begin = Instant::now();
        let (mut directories, files): (Vec<PathBuf>, Vec<PathBuf>) = shared(plan, false).map(PathBuf::from).partition(|path| path.is_dir());
        let mut found: Vec<PathBuf> = files.into_iter().filter(|path| cached(path)).collect();
        while let Some(directory) = directories.pop().filter(|_| begin.elapsed() < LONGEST) {
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && !plan.root.hidden.iter().any(|hidden| path.as_os_str() == hidden.as_str()) => {
                        directories.push(path)
                    }
                    Ok(kind) if kind.is_file() && cached(&path) => found.push(path),
                    _ => {}
                }
            }
        }
        Self(found)
    }

    /// Reads them again, for whoever comes next; charged to this process's own cgroup.
    pub fn again(self) {
        let begin = Instant::now();
        self.0.iter().take_while(|_| begin.elapsed() < LONGEST).for_each(|path| read_ahead(path));
    }
}

/// What every run is shown; `programs`: of that, what may be executed, which leaves out data.
fn shared(plan: &Plan, programs: bool) -> impl Iterator<Item = &str> {
    plan.root.binds.iter().filter(move |bind| !bind.writable && (bind.exec || !programs)).map(|bind| bind.source.as_str())
}

fn cached(path: &Path) -> bool {
    open(path).is_some_and(|file| first_page_cached(file.as_fd()))
}

fn open(path: &Path) -> Option<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path).ok()
}

fn read_ahead(path: &Path) {
    let Some(file) = open(path) else { return };
    let Ok(length) = file.metadata().map(|found| found.len().min(LARGEST)) else { return };
    for offset in (0..length).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX)).filter_map(|offset| i64::try_from(offset).ok()) {
        if posix_fadvise(&file, offset, CHUNK.cast_signed(), PosixFadviseAdvice::POSIX_FADV_WILLNEED).is_err() {
            return;
        }
    }
}

//! Page cache of what runs share (interpreter, libraries, standard library, site packages), kept outside of any run's cgroup: a page is charged to whoever
//! touches it first, and thrown out when that cgroup is emptied.
//!
//! Always holds: only what every run sees read-only is touched, by hints, within bounds, and by `regular` alone, since it may be another user's; the clock is
//! looked at before each step, however much there is; a hint that fails costs time and nothing else.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::dir::Type;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use remand_plan::Plan;

use crate::cgroup::RunCgroup;
use crate::regular;
use crate::sys::cached::first_page_cached;

/// Bytes that one hint is good for: the kernel reads no more ahead at once, by default.
const CHUNK: u64 = 128 << 10;
/// Bytes of the largest file; a library, not data.
const LARGEST: u64 = 64 << 20;
/// How long to look through directories, and to read ahead. Only the first runs after a start of the machine, or after its memory was short, need it.
const LONGEST: Duration = Duration::from_millis(200);

/// Touches the files that each run begins with, before a run does.
pub fn begin(plan: &Plan) {
    let in_time = clock();
    shared(plan, true).for_each(|path| read_ahead(Path::new(path), &in_time));
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
        // The last are looked at first: what is mounted by itself is what all runs need.
        let (mut places, files): (Vec<PathBuf>, Vec<PathBuf>) = shared(plan, false).map(PathBuf::from).partition(|path| path.is_dir());
        places.extend(files);
        Self(in_use(places, &plan.root.hidden, &clock()))
    }

    /// Reads them again, for whoever comes next; charged to this process's own cgroup.
    pub fn again(self) {
        let in_time = clock();
        self.0.iter().take_while(|_| in_time()).for_each(|path| read_ahead(path, &in_time));
    }
}

/// Whether there is still time, from now on.
fn clock() -> impl Fn() -> bool {
    let begin = Instant::now();
    move || begin.elapsed() < LONGEST
}

/// What every run is shown; `programs`: of that, what may be executed, which leaves out data.
fn shared(plan: &Plan, programs: bool) -> impl Iterator<Item = &str> {
    plan.root.binds.iter().filter(move |bind| !bind.writable && (bind.exec || !programs)).map(|bind| bind.source.as_str())
}

/// Files in the page cache among these and below them.
fn in_use(mut places: Vec<PathBuf>, hidden: &[String], in_time: &dyn Fn() -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    while let Some(place) = places.pop().filter(|_| in_time()) {
        let Ok(mut directory) = regular::list(&place) else {
            found.extend(Some(place).filter(|place| cached(place)));
            continue;
        };
        for entry in directory.iter().take_while(|_| in_time()).flatten() {
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            let path = place.join(name);
            match entry.file_type() {
                Some(Type::File) if cached(&path) => found.push(path),
                // Some file systems do not say what it is.
                Some(Type::Directory) | None if name != "." && name != ".." => {
                    places.extend(Some(path).filter(|path| !hidden.iter().any(|hidden| path.as_os_str() == hidden.as_str())));
                }
                _ => {}
            }
        }
    }
    found
}

fn cached(path: &Path) -> bool {
    regular::open(path).is_ok_and(|file| first_page_cached(file.as_fd()))
}

fn read_ahead(path: &Path, in_time: &dyn Fn() -> bool) {
    let Ok(file) = regular::open(path) else { return };
    let Ok(length) = file.metadata().map(|found| found.len().min(LARGEST)) else { return };
    let steps = (0..length).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX)).take_while(|_| in_time());
    for offset in steps.filter_map(|offset| i64::try_from(offset).ok()) {
        if posix_fadvise(&file, offset, CHUNK.cast_signed(), PosixFadviseAdvice::POSIX_FADV_WILLNEED).is_err() {
            return;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::fs;

    #[test]
    fn the_clock_is_looked_at_before_each_entry_and_each_step() {
        let top = fs::canonicalize(std::env::temp_dir()).unwrap().join(format!("remand-warm-{}", std::process::id()));
        fs::create_dir_all(top.join("hidden")).unwrap();
        (0..500).for_each(|number| fs::write(top.join(format!("{number}")), "text").unwrap());
        fs::write(top.join("hidden/file"), "text").unwrap();
        let hidden = [top.join("hidden").display().to_string()];
        let asked = Cell::new(0);
        let times = |most: u32| {
            asked.set(0);
            let asked = &asked;
            move || asked.replace(asked.get() + 1) < most
        };
        // The control: with time, all is found but what is hidden.
        assert_eq!(in_use(vec![top.clone()], &hidden, &times(u32::MAX)).len(), 500);
        assert_eq!(in_use(vec![top.clone(), top.join("7")], &[], &times(u32::MAX)).len(), 502);
        assert!(in_use(vec![top.clone()], &[], &times(20)).len() < 20);
        assert_eq!(asked.get(), 21);
        let large = top.join("large");
        fs::File::create(&large).unwrap().set_len(LARGEST).unwrap();
        read_ahead(&large, &times(3));
        assert_eq!(asked.get(), 4);
        fs::remove_dir_all(&top).unwrap();
    }
}

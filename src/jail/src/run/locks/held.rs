//! The open file descriptions that locks rest on, each held by a descriptor of the supervisor's, so that it stays the same one as long as it is asked about.
//!
//! Always holds: never more than [`MOST`]; only regular files, directories and device nodes, since a held pipe or socket would keep its other end from
//! seeing its end. What the run has closed is found when somebody asks, not before; all descriptors of the run are looked at once for each call that is
//! answered, however many locks that is about, and at most [`MOST_LOOKS`] times.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;
use remand_plan::files::FileId;

use super::caller;
use crate::sys::file;

/// Descriptors of this process that one run's locks can hold.
pub const MOST: usize = 128;
/// Looks at descriptors of the run, and comparisons with ours, in one search. A run by `default` has 64 times 256 descriptors at most.
const MOST_LOOKS: usize = 20_000;
/// Places that are kept of one description.
const MOST_PLACES: usize = 16;

#[derive(Debug)]
struct Description {
    number: u64,
    file: FileId,
    ours: Arc<OwnedFd>,
    /// Where it was last seen: process and descriptor.
    places: Vec<(u32, i32)>,
}

/// All of a run.
#[derive(Debug, Default)]
pub struct Held {
    all: Vec<Description>,
    last: u64,
    /// Whether this call has searched, and then, whether it looked at everything.
    searched: Option<bool>,
    /// What the search has cost.
    looks: usize,
}

impl Held {
    /// The number of the description that `ours` is a copy of, as seen at a descriptor of a process; `None`: there are too many, with
    /// `others` that are open for the same run.
    ///
    /// # Errors
    /// The kernel cannot compare.
    pub fn number(&mut self, file: FileId, ours: OwnedFd, place: (u32, i32), others: usize) -> Result<Option<u64>, Errno> {
        let me = std::process::id();
        for known in self.all.iter_mut().filter(|known| known.file == file) {
            if file::same(me, std::os::fd::AsRawFd::as_raw_fd(&ours), known.ours.as_fd())? {
                known.seen(place);
                return Ok(Some(known.number));
            }
        }
        if self.all.len() + others >= MOST {
            return Ok(None);
        }
        self.last += 1;
        self.all.push(Description { number: self.last, file, ours: Arc::new(ours), places: vec![place] });
        Ok(Some(self.last))
    }

    /// Our copy of a description.
    pub fn ours(&self, number: u64) -> Option<Arc<OwnedFd>> {
        self.all.iter().find(|known| known.number == number).map(|known| Arc::clone(&known.ours))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether a descriptor of a process still is this description.
    pub fn is_at(&self, number: u64, place: (u32, i32)) -> bool {
        self.all.iter().find(|known| known.number == number).is_some_and(|known| is_at(&known.ours, place))
    }

    /// A new call: what was found before may have changed.
    pub fn begin(&mut self) {
        (self.searched, self.looks) = (None, 0);
    }

    /// Whether any process below `init` still has this description; yes, where the search would be too long.
    pub fn is_open(&mut self, number: u64, init: u32) -> bool {
        let Some(known) = self.all.iter_mut().find(|known| known.number == number) else { return false };
        let ours = Arc::clone(&known.ours);
        known.places.retain(|&place| is_at(&ours, place));
        if !known.places.is_empty() {
            return true;
        }
        let whole = self.searched.unwrap_or_else(|| self.search(init).is_some());
        self.searched = Some(whole);
        !whole || self.all.iter().any(|known| known.number == number && !known.places.is_empty())
    }

    /// Notes where each description is; `None`: there is more than may be looked at, or may not be looked at.
    fn search(&mut self, init: u32) -> Option<()> {
        for process in caller::below(init) {
            let thread = caller::successor(process).unwrap_or(process);
            let descriptors = fs::read_dir(format!("/proc/{thread}/fd")).into_iter().flatten().flatten();
            for fd in descriptors.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
                self.look(1)?;
                match file::facts(None, &format!("/proc/{thread}/fd/{fd}")) {
                    Ok(facts) => self.compare(facts.id, (process, fd), thread)?,
                    // Closed meanwhile.
                    Err(Errno::ENOENT) => {}
                    Err(_) => return None,
                }
            }
        }
        Some(())
    }

    /// Which descriptions of this file a descriptor is, as a thread of its process sees it.
    fn compare(&mut self, file: FileId, place: (u32, i32), thread: u32) -> Option<()> {
        let alike = self.all.iter().filter(|known| known.file == file).count();
        self.look(alike)?;
        let known = self.all.iter_mut().filter(|known| known.file == file);
        known.filter(|known| file::same(thread, place.1, known.ours.as_fd()).unwrap_or(true)).for_each(|known| known.seen(place));
        Some(())
    }

    fn look(&mut self, times: usize) -> Option<()> {
        self.looks += times;
        (self.looks <= MOST_LOOKS).then_some(())
    }

    /// Lets go of what nothing rests on.
    pub fn keep(&mut self, needed: impl Fn(u64) -> bool) {
        self.all.retain(|known| needed(known.number));
    }
}

impl Description {
    fn seen(&mut self, place: (u32, i32)) {
        if !self.places.contains(&place) {
            if self.places.len() >= MOST_PLACES {
                self.places.remove(0);
            }
            self.places.push(place);
        }
    }
}

/// Whether a descriptor of a process is the same description as ours; yes, where that cannot be known.
fn is_at(ours: &OwnedFd, (process, fd): (u32, i32)) -> bool {
    let same = |thread| file::same(thread, fd, ours.as_fd()).unwrap_or(true);
    // Also a process whose first thread has ended has descriptors, as seen by another.
    same(process) || caller::successor(process).is_some_and(same)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]

    use std::fs::File;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_description_is_known_by_every_copy_and_gone_when_all_are_closed() {
        let path = std::env::temp_dir().join(format!("remand-held-{}", std::process::id()));
        let me = std::process::id();
        let (first, mut held) = (File::create(&path).unwrap(), Held::default());
        let id = file::facts(Some(first.as_fd()), "").unwrap().id;
        assert_eq!(file::facts(None, path.to_str().unwrap()).unwrap().id, id);
        let place = |file: &File| (me, file.as_raw_fd());
        let number = |held: &mut Held, file: &File| held.number(id, file.try_clone().unwrap().into(), place(file), 0).unwrap().unwrap();
        let (copy, other) = (first.try_clone().unwrap(), File::open(&path).unwrap());
        let one = number(&mut held, &first);
        assert_eq!((number(&mut held, &copy), held.all.len()), (one, 1));
        assert_ne!(number(&mut held, &other), one);
        assert!(held.is_at(one, place(&copy)) && !held.is_at(one, place(&other)) && !held.is_at(one, (me, 9999)));
        // A process that has none of them stands for the run.
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(held.is_open(one, child.id()), "it is known where");
        let places = [place(&first), place(&copy)];
        drop((first, copy));
        assert!(places.iter().all(|place| !held.is_at(one, *place)) && !held.is_open(one, child.id()));
        held.keep(|number| number != one);
        assert_eq!(held.all.len(), 1);
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_file(&path).unwrap();
    }
    /// A run once kept the supervisor busy past its wall time by many descriptors and many locks whose files it had closed.
    #[test]
    fn many_closed_files_cost_one_search() {
        let path = std::env::temp_dir().join(format!("remand-search-{}", std::process::id()));
        fs::write(&path, "").unwrap();
        let me = std::process::id();
        let id = file::facts(None, path.to_str().unwrap()).unwrap().id;
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut held = Held::default();
        for _ in 0..MOST {
            let opened = File::open(&path).unwrap();
            let place = (me, opened.as_raw_fd());
            held.number(id, opened.into(), place, 0).unwrap().unwrap();
        }
        // Nowhere in the run, and no longer where they were seen.
        held.all.iter_mut().for_each(|known| known.places.clear());
        held.begin();
        assert!(!held.is_open(1, child.id()));
        let once = held.looks;
        assert!((2..=MOST_LOOKS).contains(&once), "{once}");
        assert!((1..=u64::try_from(MOST).unwrap()).all(|number| !held.is_open(number, child.id())) && held.looks == once);
        // A new call looks again; what is too much to look at counts as open, and nothing is noted of it.
        held.begin();
        held.looks = MOST_LOOKS;
        assert!(held.is_open(1, child.id()) && held.all.iter().all(|known| known.places.is_empty()));
        held.begin();
        assert!(!held.is_open(1, child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_file(&path).unwrap();
    }
}

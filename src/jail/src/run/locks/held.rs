//! The open file descriptions that locks rest on, each held by a descriptor of the supervisor's, so that it stays the same one as long as it is asked about.
//!
//! Always holds: never more than [`MOST`]; only regular files, directories and device nodes, since a held pipe or socket would keep its other end from
//! seeing its end. What the run has closed is found when somebody asks, not before.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;

use super::caller;
use crate::sys::file::{self, FileId};

/// Descriptors of this process that one run's locks can hold.
const MOST: usize = 128;
/// Descriptors of the run that are compared in one search.
const MOST_COMPARED: usize = 20_000;
/// Places that are kept of one description.
const MOST_PLACES: usize = 16;

#[derive(Debug)]
struct Description {
    number: u64,
    file: FileId,
    ours: OwnedFd,
    /// Where it was last seen: process and descriptor.
    places: Vec<(u32, i32)>,
}

/// All of a run.
#[derive(Debug, Default)]
pub struct Held {
    all: Vec<Description>,
    last: u64,
}

impl Held {
    /// The number of the description that `ours` is a copy of, as seen at a descriptor of a process; `None`: there are too many.
    ///
    /// # Errors
    /// The kernel cannot compare.
    pub fn number(&mut self, file: FileId, ours: OwnedFd, place: (u32, i32)) -> Result<Option<u64>, Errno> {
        let me = std::process::id();
        for known in self.all.iter_mut().filter(|known| known.file == file) {
            if file::same(me, std::os::fd::AsRawFd::as_raw_fd(&ours), known.ours.as_fd())? {
                known.seen(place);
                return Ok(Some(known.number));
            }
        }
        if self.all.len() >= MOST {
            return Ok(None);
        }
        self.last += 1;
        self.all.push(Description { number: self.last, file, ours, places: vec![place] });
        Ok(Some(self.last))
    }

    /// Whether a descriptor of a process still is this description.
    pub fn is_at(&self, number: u64, (process, fd): (u32, i32)) -> bool {
        let known = self.all.iter().find(|known| known.number == number);
        known.is_some_and(|known| file::same(process, fd, known.ours.as_fd()).unwrap_or(true))
    }

    /// Whether any process below `init` still has this description; yes, where the search would be too long.
    pub fn is_open(&mut self, number: u64, init: u32) -> bool {
        let Some(known) = self.all.iter_mut().find(|known| known.number == number) else { return false };
        known.places.retain(|&(process, fd)| file::same(process, fd, known.ours.as_fd()).unwrap_or(true));
        if !known.places.is_empty() {
            return true;
        }
        let mut compared = 0;
        for process in caller::below(init) {
            let descriptors = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
            for fd in descriptors.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
                compared += 1;
                if compared > MOST_COMPARED || file::same(process, fd, known.ours.as_fd()).unwrap_or(true) {
                    known.seen((process, fd));
                    return true;
                }
            }
        }
        false
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
        let number = |held: &mut Held, file: &File| held.number(id, file.try_clone().unwrap().into(), place(file)).unwrap().unwrap();
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
}

//! The book of a run's locks: for each file who holds what, and through which descriptor a process came to it.
//!
//! Always holds: pure; there are never more than [`MOST`] locks.

use remand_plan::files::FileId;

use super::ranges::{Lock, Owner, Range, Ranges};

/// Locks of one run, a few dozen bytes each. A database connection has about ten.
pub const MOST: usize = 1024;

/// Descriptors through which one file is locked.
const MOST_WAYS: usize = 1024;

/// A descriptor of a process through which it locked a file, and the open file description behind it. When the process closes it, its locks go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    pub process: u32,
    pub fd: i32,
    pub description: u64,
}

#[derive(Debug)]
struct File {
    id: FileId,
    /// Those of `fcntl`.
    records: Ranges,
    /// Those of `flock`.
    whole: Ranges,
    ways: Vec<Way>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Book(Vec<File>);

impl Book {
    /// The first lock of another owner that stands in the way.
    pub fn conflict(&self, file: FileId, whole: bool, wanted: &Lock) -> Option<Lock> {
        self.0.iter().find(|known| known.id == file)?.of(whole).conflict(wanted)
    }

    /// Whether one more lock has room.
    pub fn has_room(&self, file: FileId, way: Way) -> bool {
        let locks: usize = self.0.iter().map(|file| file.records.len() + file.whole.len()).sum();
        let known = self.0.iter().find(|known| known.id == file);
        // One more lock can split another in two.
        locks + 2 <= MOST && known.is_none_or(|known| known.ways.len() < MOST_WAYS || known.ways.contains(&way))
    }

    /// Gives a lock, which is to have room.
    pub fn set(&mut self, file: FileId, whole: bool, lock: Lock, way: Way) {
        let index = self.0.iter().position(|known| known.id == file).unwrap_or_else(|| {
            self.0.push(File { id: file, records: Ranges::default(), whole: Ranges::default(), ways: Vec::new() });
            self.0.len() - 1
        });
        if let Some(known) = self.0.get_mut(index) {
            let ranges = if whole { &mut known.whole } else { &mut known.records };
            ranges.set(lock);
            if !known.ways.contains(&way) {
                known.ways.push(way);
            }
        }
    }

    /// Takes a range from an owner.
    pub fn cut(&mut self, file: FileId, whole: bool, owner: Owner, range: Range) {
        let Some(known) = self.0.iter_mut().find(|known| known.id == file) else { return };
        let ranges = if whole { &mut known.whole } else { &mut known.records };
        ranges.cut(owner, range);
        known.tidy();
        self.0.retain(|file| file.records.len() + file.whole.len() > 0);
    }

    /// Takes everything on a file from an owner.
    pub fn drop(&mut self, file: FileId, owner: Owner) {
        self.cut(file, false, owner, Range::ALL);
        self.cut(file, true, owner, Range::ALL);
    }

    /// The descriptors through which a process locked a file.
    pub fn ways(&self, file: FileId, process: u32) -> Vec<Way> {
        let known = self.0.iter().find(|known| known.id == file);
        known.into_iter().flat_map(|known| &known.ways).filter(|way| way.process == process).copied().collect()
    }

    /// Every owner on every file, each once.
    pub fn owners(&self) -> Vec<(FileId, Owner)> {
        let mut all: Vec<(FileId, Owner)> = Vec::new();
        for file in &self.0 {
            for owner in file.records.owners().chain(file.whole.owners()) {
                if !all.contains(&(file.id, owner)) {
                    all.push((file.id, owner));
                }
            }
        }
        all
    }

    /// The record locks of an owner on a file.
    pub fn records(&self, file: FileId, owner: Owner) -> Vec<Lock> {
        self.0.iter().filter(|known| known.id == file).flat_map(|known| known.records.of(owner)).collect()
    }

    /// Whether an owner has a lock on a file.
    pub fn has(&self, file: FileId, owner: Owner) -> bool {
        self.0.iter().any(|known| known.id == file && (known.records.has(owner) || known.whole.has(owner)))
    }

    /// Whether anything rests on a description.
    pub fn needs(&self, description: u64) -> bool {
        let owner = Owner::Description(description);
        self.0
            .iter()
            .any(|file| file.records.has(owner) || file.whole.has(owner) || file.ways.iter().any(|way| way.description == description))
    }
}

impl File {
    fn of(&self, whole: bool) -> &Ranges {
        if whole { &self.whole } else { &self.records }
    }

    /// A way is kept as long as its process has a lock.
    fn tidy(&mut self) {
        let records = &self.records;
        self.ways.retain(|way| records.has(Owner::Process(way.process)));
    }
}

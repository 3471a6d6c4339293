//! Locks taken here, and met by a description that stands for somebody outside.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::{Path, PathBuf};

use super::*;

const ROOM: usize = 8;

/// A file of its own, gone at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("remand-real-{name}-{}", std::process::id()));
        std::fs::write(&path, "").unwrap();
        Self(path)
    }

    fn open(&self, read: bool, write: bool) -> Arc<OwnedFd> {
        Arc::new(File::options().read(read).write(write).open(&self.0).unwrap().into())
    }

    fn id(&self) -> FileId {
        file::facts(None, Path::to_str(&self.0).unwrap()).unwrap().id
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn lock(owner: Owner, exclusive: bool, first: i64, last: i64) -> Lock {
    Lock { owner, exclusive, range: Range { first, last } }
}

#[test]
fn a_process_locks_through_each_description_that_it_has() {
    let (place, me, mut real) = (Place::new("each"), Owner::Process(7), Real::default());
    let (file, reader, outside) = (place.id(), place.open(true, false), place.open(true, true));
    real.take(file, false, &lock(me, false, 0, 9), &reader, &[], ROOM).unwrap();
    assert_eq!(record(outside.as_fd(), libc::F_WRLCK, Range::ALL), Err(Errno::EAGAIN));
    // Through one that writes, beside and in place of what it has; and back through one that only writes.
    let before = [lock(me, false, 0, 9)];
    real.take(file, false, &lock(me, true, 5, 14), &place.open(true, true), &before, ROOM).unwrap();
    let before = [lock(me, false, 0, 4), lock(me, true, 5, 14)];
    real.take(file, false, &lock(me, true, 0, 0), &place.open(false, true), &before, ROOM).unwrap();
    assert_eq!(real.opened(), 1);
    let met = |first, last| record(outside.as_fd(), libc::F_RDLCK, Range { first, last });
    assert_eq!([met(0, 0), met(1, 4), met(5, 14), met(15, 20)], [Err(Errno::EAGAIN), Ok(()), Err(Errno::EAGAIN), Ok(())]);
    // A refusal leaves everything.
    assert_eq!(real.take(file, false, &lock(me, true, 0, 4), &place.open(true, true), &[], ROOM), Err(Errno::EAGAIN));
    record(outside.as_fd(), libc::F_UNLCK, Range::ALL).unwrap();
    assert_eq!([met(0, 0), met(1, 4)], [Err(Errno::EAGAIN), Ok(())]);
    real.give(file, false, me, Range { first: 0, last: 9 }).unwrap();
    assert_eq!([met(0, 9), met(10, 10)], [Ok(()), Err(Errno::EAGAIN)]);
    real.keep(|_, _| false);
    assert_eq!(record(outside.as_fd(), libc::F_WRLCK, Range::ALL), Ok(()));
}

#[test]
fn a_description_that_somebody_else_has_too_keeps_no_lock() {
    let (place, owner, mut real) = (Place::new("flock"), Owner::Description(3), Real::default());
    let (file, ours, outside) = (place.id(), place.open(true, false), place.open(true, false));
    let whole = |exclusive| Lock { owner, exclusive, range: Range::ALL };
    real.take(file, true, &whole(false), &ours, &[], ROOM).unwrap();
    file::flock(outside.as_fd(), libc::LOCK_SH).unwrap();
    // The conversion gives the old lock up, as the kernel's.
    assert_eq!(real.take(file, true, &whole(true), &ours, &[], ROOM), Err(Errno::EAGAIN));
    file::flock(outside.as_fd(), libc::LOCK_EX).unwrap();
    file::flock(outside.as_fd(), libc::LOCK_UN).unwrap();
    real.take(file, true, &whole(true), &ours, &[], ROOM).unwrap();
    assert_eq!((file::flock(outside.as_fd(), libc::LOCK_SH), real.opened()), (Err(Errno::EAGAIN), 0));
    drop(real);
    assert_eq!(file::flock(outside.as_fd(), libc::LOCK_EX), Ok(()));
    drop(ours);
}

#[test]
fn who_is_in_the_way_is_told_without_a_number_of_this_machine() {
    let (place, me, real) = (Place::new("tell"), Owner::Process(7), Real::default());
    let (file, ours, outside) = (place.id(), place.open(true, true), place.open(true, true));
    record(outside.as_fd(), libc::F_WRLCK, Range { first: 3, last: 4 }).unwrap();
    let asked = lock(me, false, 0, i64::MAX);
    assert_eq!(real.tell(file, &asked, ours.as_fd()), Ok(Some((true, Range { first: 3, last: 4 }, -1))));
    record(outside.as_fd(), libc::F_UNLCK, Range::ALL).unwrap();
    assert_eq!(real.tell(file, &asked, ours.as_fd()), Ok(None));
    // This process's own, as another process's would be.
    fcntl(&outside, FcntlArg::F_SETLK(&of(libc::F_RDLCK, Range { first: 5, last: i64::MAX }))).unwrap();
    let asked = lock(me, true, 0, i64::MAX);
    assert_eq!(real.tell(file, &asked, ours.as_fd()), Ok(Some((false, Range { first: 5, last: i64::MAX }, 0))));
}

#[test]
fn no_more_are_opened_than_there_is_room_for() {
    let (place, mut real) = (Place::new("room"), Real::default());
    let (file, ours) = (place.id(), place.open(true, true));
    let answers = [1, 2, 3].map(|process| real.take(file, false, &lock(Owner::Process(process), false, 0, 0), &ours, &[], 2));
    assert_eq!(answers, [Ok(()), Ok(()), Err(Errno::ENOLCK)]);
    let own = Lock { owner: Owner::Description(1), exclusive: false, range: Range::ALL };
    assert_eq!(real.take(file, false, &own, &ours, &[], 2), Ok(()), "what is the run's own is counted where it is held");
}

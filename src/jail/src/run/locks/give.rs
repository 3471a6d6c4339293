//! One call carried out: over the book, the descriptions that locks rest on, and the kernel.
//!
//! Always holds: what nobody has any more stands in nobody's way; the kernel is asked last, and the book is changed only after it has agreed.

use std::fs::File;
use std::os::fd::AsFd;

use nix::errno::Errno;
use remand_plan::files::FileId;

use super::ranges::{Lock, Owner, Range};
use super::request::{self, Request, Wants, deadlock};
use super::{Answer, Asked, Locks, caller, held};

impl Locks {
    /// Gives, takes, or says who is in the way.
    pub(super) fn attempt(&mut self, asked: &Asked) -> Answer {
        let &Asked { file, request: Request { whole, range, wants }, owner, .. } = asked;
        let (exclusive, wait) = match wants {
            Wants::Lock { exclusive, wait } => (exclusive, wait),
            _ => return self.give(file, whole, owner, range).map_or_else(Answer::Failed, |()| Answer::Done),
        };
        let wanted = Lock { owner, exclusive, range };
        let blocker = self.conflict(file, whole, &wanted);
        let taken = match blocker {
            Some(_) => Err(Errno::EAGAIN),
            None => self.take(asked, wanted).or_else(|errno| {
                if errno == Errno::ENOLCK {
                    self.sweep(Some(asked.way.description));
                    return self.take(asked, wanted);
                }
                Err(errno)
            }),
        };
        let circle = |blocker: Lock| !whole && deadlock(owner, blocker.owner, |owner| self.waits_for(owner));
        match taken {
            Err(Errno::EAGAIN) if wait && blocker.is_some_and(circle) => Answer::Failed(Errno::EDEADLK),
            Err(Errno::EAGAIN) => {
                // As the kernel has it: the old lock goes before the new one is asked for.
                let gone = if whole { self.give(file, whole, owner, range) } else { Ok(()) };
                gone.map_or_else(Answer::Failed, |()| if wait { Answer::Wait } else { Answer::Failed(Errno::EAGAIN) })
            }
            taken => taken.map_or_else(Answer::Failed, |()| Answer::Done),
        }
    }

    /// Gives a lock that stands in nobody's way here.
    fn take(&mut self, &Asked { file, request, owner, way, real }: &Asked, wanted: Lock) -> Result<(), Errno> {
        if !self.book.has_room(file, way) {
            return Err(Errno::ENOLCK);
        }
        if real {
            let ours = self.held.ours(way.description).ok_or(Errno::ENOLCK)?;
            let (before, room) = (self.book.records(file, owner), held::MOST.saturating_sub(self.held.len()));
            self.real.take(file, request.whole, &wanted, &ours, &before, room)?;
        }
        self.book.set(file, request.whole, wanted, way);
        Ok(())
    }

    /// Gives a range back.
    fn give(&mut self, file: FileId, whole: bool, owner: Owner, range: Range) -> Result<(), Errno> {
        self.real.give(file, whole, owner, range)?;
        self.book.cut(file, whole, owner, range);
        Ok(())
    }

    /// What stands in the way and still has an owner.
    fn conflict(&mut self, file: FileId, whole: bool, wanted: &Lock) -> Option<Lock> {
        loop {
            let blocker = self.book.conflict(file, whole, wanted)?;
            if self.still_has(file, blocker.owner) {
                return Some(blocker);
            }
        }
    }

    /// Whether an owner still has what its locks rest on; otherwise they go.
    pub(super) fn still_has(&mut self, file: FileId, owner: Owner) -> bool {
        let has = match owner {
            Owner::Process(process) => self.book.ways(file, process).iter().all(|way| self.held.is_at(way.description, (process, way.fd))),
            Owner::Description(description) => self.held.is_open(description, self.init),
        };
        if !has {
            self.book.drop(file, owner);
            self.real.keep(|other, another| (other, another) != (file, owner));
        }
        has
    }

    /// Everything that has no owner any more goes.
    pub(super) fn sweep(&mut self, asked: Option<u64>) {
        if std::mem::replace(&mut self.swept, true) {
            return;
        }
        for (file, owner) in self.book.owners() {
            self.still_has(file, owner);
        }
        self.let_go(asked);
    }

    /// Nothing is held that no lock rests on, but for what is just asked about.
    pub(super) fn let_go(&mut self, asked: Option<u64>) {
        let (book, waiting) = (&self.book, &self.waiting);
        self.real.keep(|file, owner| {
            book.has(file, owner) || waiting.iter().any(|waiter| (waiter.asked.file, waiter.asked.owner) == (file, owner))
        });
        self.held.keep(|number| {
            asked == Some(number) || book.needs(number) || waiting.iter().any(|waiter| waiter.asked.way.description == number)
        });
    }

    fn waits_for(&self, owner: Owner) -> Option<Owner> {
        let waiter = self.waiting.iter().find(|waiter| waiter.asked.owner == owner && !waiter.asked.request.whole)?;
        let Asked { file, request: Request { whole, range, wants: Wants::Lock { exclusive, .. } }, owner, .. } = waiter.asked else {
            return None;
        };
        self.book.conflict(file, whole, &Lock { owner, exclusive, range }).map(|lock| lock.owner)
    }

    pub(super) fn tell(&mut self, asked: &Asked, (memory, address, bytes): &(File, u64, [u8; request::SIZE])) -> Result<Answer, Errno> {
        let &Asked { file, request: Request { whole, range, wants }, owner, way, real } = asked;
        let wanted = Lock { owner, exclusive: wants == Wants::Tell { exclusive: true }, range };
        let found = match self.conflict(file, whole, &wanted) {
            Some(Lock { owner: Owner::Process(process), exclusive, range }) => {
                Some((exclusive, range, caller::own_number(process).unwrap_or(0)))
            }
            Some(Lock { owner: Owner::Description(_), exclusive, range }) => Some((exclusive, range, -1)),
            None if real => {
                let ours = self.held.ours(way.description).ok_or(Errno::ENOLCK)?;
                self.real.tell(file, &wanted, ours.as_fd())?
            }
            None => None,
        };
        caller::tell(memory, *address, &request::told(*bytes, found))?;
        Ok(Answer::Done)
    }
}

//! File locks of a run, kept by the supervisor in the kernel's place: `flock`, and the record locks of `fcntl`.
//!
//! The kernel charges its locks to nobody, and keeps them on inodes that runs, users and the host share. Here they cost the supervisor a bounded table,
//! and nobody else sees them. Always holds: no lock of a run is ever the kernel's; what a run does to its own descriptors while it asks can fool only
//! itself; an answer costs the run what it costs the supervisor, several times over.
//!
//! What differs from the kernel's own: a lock whose descriptor was closed, or whose owner ended, goes when another asks for it; a process that opened a file
//! twice keeps its record locks when it closes the descriptor that it did not lock through; a stop signal waits as long as a lock is waited for.

mod book;
mod caller;
mod held;
mod ranges;
mod request;

use std::fs::File;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use remand_child::sys::now;

use self::book::{Book, Way};
use self::held::Held;
use self::ranges::{Lock, Owner};
pub use self::request::Call;
use self::request::{Request, Wants, deadlock};
use crate::sys::file::FileId;
use crate::sys::notify::{self, Notification};

/// Calls that wait at once.
const MOST_WAITING: usize = 1024;
/// Between two looks for locks whose owner is gone, while somebody waits for one; nanoseconds.
const TICK: u64 = 10_000_000;
/// How much of one processor's time answers may take, as one part of so many; and how much at once, in nanoseconds of that share.
const SHARE: u64 = 4;
const BURST: u64 = 200_000_000;

/// One call, ready to be decided.
#[derive(Clone, Copy, Debug)]
struct Asked {
    file: FileId,
    request: Request,
    owner: Owner,
    way: Way,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    thread: u32,
    asked: Asked,
}

/// What comes of a call.
enum Answer {
    Done,
    Failed(Errno),
    /// Until what is in the way has gone.
    Wait,
    /// The caller is gone.
    Nobody,
}

/// All locks of one run.
#[derive(Debug)]
pub struct Locks {
    init: u32,
    /// The run can write to files of the host.
    writable: bool,
    book: Book,
    held: Held,
    waiting: Vec<Waiter>,
    /// When those who wait are looked at next.
    look: u64,
    /// Until when the answers so far have used up their share of a processor.
    paid: u64,
    /// This call has looked for everything without an owner.
    swept: bool,
}

impl Locks {
    /// None yet.
    pub fn new(init: u32, writable: bool) -> Self {
        Self { init, writable, book: Book::default(), held: Held::default(), waiting: Vec::new(), look: 0, paid: 0, swept: false }
    }

    /// When there is something to do without being asked.
    pub fn due(&self) -> Option<u64> {
        let busy = self.busy_until();
        (!self.waiting.is_empty()).then(|| self.look.max(busy.unwrap_or(0))).or(busy)
    }

    /// Until when no call is to be answered, so that a run that does nothing but lock waits, and not the supervisor.
    pub fn busy_until(&self) -> Option<u64> {
        let until = self.paid.saturating_sub(BURST);
        (until > now()).then_some(until)
    }

    /// Answers a call, now or later.
    ///
    /// # Errors
    /// The kernel's, to an answer.
    pub fn serve(&mut self, listener: BorrowedFd<'_>, call: Call, notification: &Notification) -> Result<(), Errno> {
        let began = self.begin();
        let answered = match self.decide(listener, call, notification) {
            Ok((asked, Answer::Wait)) => self.wait(listener, notification, asked),
            Ok((_, answer)) => respond(listener, notification.id, answer),
            Err(errno) => notify::deny(listener, notification.id, errno as i32),
        };
        let retried = if self.waiting.is_empty() { Ok(()) } else { self.retry(listener) };
        self.pay(began);
        answered.and(retried)
    }

    /// Looks at those who wait, if it is time.
    ///
    /// # Errors
    /// The kernel's, to an answer.
    pub fn tick(&mut self, listener: BorrowedFd<'_>) -> Result<(), Errno> {
        let began = self.begin();
        if self.waiting.is_empty() || began < self.look || self.busy_until().is_some() {
            return Ok(());
        }
        self.look = began + TICK;
        let mut told = Ok(());
        self.waiting.retain(|waiter| {
            let signalled = caller::signalled(waiter.thread);
            if signalled {
                told = told.and(notify::deny(listener, waiter.id, libc::EINTR));
            }
            !signalled && notify::waits(listener, waiter.id)
        });
        let retried = self.retry(listener);
        self.pay(began);
        told.and(retried)
    }

    /// What is looked up is looked up once for each call that is answered.
    fn begin(&mut self) -> u64 {
        self.swept = false;
        self.held.begin();
        now()
    }

    fn pay(&mut self, began: u64) {
        self.paid = self.paid.max(began) + SHARE * now().saturating_sub(began);
    }

    fn decide(&mut self, listener: BorrowedFd<'_>, call: Call, notification: &Notification) -> Result<(Asked, Answer), Errno> {
        #[allow(clippy::cast_possible_truncation)] // the kernel takes an int
        let fd = (notification.args[0] as u32).cast_signed();
        let process = caller::process(notification.pid).ok_or(Errno::ENOLCK)?;
        let opened = caller::opened(process, fd)?;
        if self.writable && caller::shared_writable(process, &opened.copy) {
            return Err(Errno::ENOLCK);
        }
        let memory = caller::memory(notification.pid);
        let (file, open) = (opened.id, opened.open);
        // All that was read and opened is the caller's only if it still waits.
        let waits = notify::waits(listener, notification.id);
        let mut found = None;
        let (request, by_process) = match call {
            Call::Flock(operation) => (request::flock(operation)?, false),
            Call::Fcntl { tell, wait, by_process, address } => {
                let memory = memory?;
                let asked = caller::asked(&memory, address)?;
                found = Some((memory, address, asked));
                (request::fcntl(tell, wait, by_process, &asked, open)?, by_process)
            }
        };
        let description = self.describe(file, opened.copy, (process, fd))?;
        let owner = if by_process { Owner::Process(process) } else { Owner::Description(description) };
        let asked = Asked { file, request, owner, way: Way { process, fd, description } };
        if !waits {
            return Ok((asked, Answer::Nobody));
        }
        self.still_has(file, owner);
        let answer = match (request.wants, found) {
            (Wants::Tell { .. }, Some(found)) => self.tell(&asked, &found)?,
            _ => self.attempt(&asked),
        };
        self.let_go();
        Ok((asked, answer))
    }

    /// The number of a description; where there is no room, what nobody has any more goes first.
    fn describe(&mut self, file: FileId, copy: std::os::fd::OwnedFd, place: (u32, i32)) -> Result<u64, Errno> {
        let again = copy.try_clone().map_err(|_| Errno::ENOLCK)?;
        if let Some(number) = self.held.number(file, copy, place).map_err(|_| Errno::ENOLCK)? {
            return Ok(number);
        }
        self.sweep();
        self.held.number(file, again, place).map_err(|_| Errno::ENOLCK)?.ok_or(Errno::ENOLCK)
    }

    /// Gives, takes, or says who is in the way.
    fn attempt(&mut self, asked: &Asked) -> Answer {
        let &Asked { file, request: Request { whole, range, wants }, owner, way } = asked;
        let (exclusive, wait) = match wants {
            Wants::Lock { exclusive, wait } => (exclusive, wait),
            _ => {
                self.book.cut(file, whole, owner, range);
                return Answer::Done;
            }
        };
        let wanted = Lock { owner, exclusive, range };
        if let Some(blocker) = self.conflict(file, whole, &wanted) {
            if whole {
                // As the kernel has it: the old lock goes before the new one is asked for.
                self.book.cut(file, whole, owner, range);
            }
            let circle = !whole && deadlock(owner, blocker.owner, |owner| self.waits_for(owner));
            return match wait {
                true if circle => Answer::Failed(Errno::EDEADLK),
                true => Answer::Wait,
                false => Answer::Failed(Errno::EAGAIN),
            };
        }
        if self.book.set(file, whole, wanted, way) {
            return Answer::Done;
        }
        self.sweep();
        if self.book.set(file, whole, wanted, way) { Answer::Done } else { Answer::Failed(Errno::ENOLCK) }
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
    fn still_has(&mut self, file: FileId, owner: Owner) -> bool {
        let has = match owner {
            Owner::Process(process) => self.book.ways(file, process).iter().all(|way| self.held.is_at(way.description, (process, way.fd))),
            Owner::Description(description) => self.held.is_open(description, self.init),
        };
        if !has {
            self.book.drop(file, owner);
        }
        has
    }

    /// Everything that has no owner any more goes.
    fn sweep(&mut self) {
        if std::mem::replace(&mut self.swept, true) {
            return;
        }
        for (file, owner) in self.book.owners() {
            self.still_has(file, owner);
        }
        self.let_go();
    }

    fn let_go(&mut self) {
        let (book, waiting) = (&self.book, &self.waiting);
        self.held.keep(|number| book.needs(number) || waiting.iter().any(|waiter| waiter.asked.way.description == number));
    }

    fn waits_for(&self, owner: Owner) -> Option<Owner> {
        let waiter = self.waiting.iter().find(|waiter| waiter.asked.owner == owner && !waiter.asked.request.whole)?;
        let Asked { file, request: Request { whole, range, wants: Wants::Lock { exclusive, .. } }, owner, .. } = waiter.asked else {
            return None;
        };
        self.book.conflict(file, whole, &Lock { owner, exclusive, range }).map(|lock| lock.owner)
    }

    fn tell(&mut self, asked: &Asked, (memory, address, bytes): &(File, u64, [u8; request::SIZE])) -> Result<Answer, Errno> {
        let &Asked { file, request: Request { whole, range, wants }, owner, .. } = asked;
        let exclusive = wants == Wants::Tell { exclusive: true };
        let found = self.conflict(file, whole, &Lock { owner, exclusive, range }).map(|lock| {
            let pid = match lock.owner {
                Owner::Process(process) => caller::own_number(process).unwrap_or(0),
                Owner::Description(_) => -1,
            };
            (lock.exclusive, lock.range, pid)
        });
        caller::tell(memory, *address, &request::told(*bytes, found))?;
        Ok(Answer::Done)
    }

    fn wait(&mut self, listener: BorrowedFd<'_>, notification: &Notification, asked: Asked) -> Result<(), Errno> {
        if self.waiting.len() >= MOST_WAITING {
            return notify::deny(listener, notification.id, libc::ENOLCK);
        }
        if self.waiting.is_empty() {
            self.look = now() + TICK;
        }
        self.waiting.push(Waiter { id: notification.id, thread: notification.pid, asked });
        Ok(())
    }

    /// Tries for those who wait, in the order in which they came.
    fn retry(&mut self, listener: BorrowedFd<'_>) -> Result<(), Errno> {
        let (mut told, mut next) = (Ok(()), 0);
        while let Some(asked) = self.waiting.get(next).map(|waiter| waiter.asked) {
            match self.attempt(&asked) {
                Answer::Wait => next += 1,
                answer => told = told.and(respond(listener, self.waiting.remove(next).id, answer)),
            }
        }
        self.let_go();
        told
    }
}

fn respond(listener: BorrowedFd<'_>, id: u64, answer: Answer) -> Result<(), Errno> {
    match answer {
        Answer::Done => notify::done(listener, id),
        Answer::Failed(errno) => notify::deny(listener, id, errno as i32),
        Answer::Wait | Answer::Nobody => Ok(()),
    }
}

//! File locks of a run, kept by the supervisor in the kernel's place: `flock`, and the record locks of `fcntl`.
//!
//! The kernel charges its locks to nobody, and keeps them on inodes that runs, users and the host share. Here they cost the supervisor a bounded table,
//! and nobody else sees them. Only where the run itself writes to the host's files does the kernel keep them too ([`real`]), so that the run and whoever else
//! opens these files meet each other's. Always holds: no lock of a run is the kernel's but on a writable host mount, and none of these outlives the run;
//! what a run does to its own descriptors while it asks can fool only itself; an answer costs the run what it costs the supervisor, several times over.
//!
//! What differs from the kernel's own: a lock whose descriptor was closed, or whose owner ended, goes when another asks for it, or, where the kernel keeps it
//! too, with the next look ([`SWEEP`]); a process that opened a file twice keeps its record locks when it closes the descriptor that it did not lock through;
//! a stop signal waits as long as a lock is waited for. Who waits for a lock of somebody outside is tried for again and again ([`TICK`]): no call waits here,
//! and the kernel has no descriptor that tells when a lock is free. A circle that leads through others than the run's processes is not found.

mod book;
pub mod caller;
mod give;
mod held;
mod ranges;
mod real;
mod request;

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use remand_plan::files::FileId;

use self::book::{Book, Way};
use self::caller::Whose;
use self::held::Held;
use self::ranges::Owner;
use self::real::Real;
use self::request::{Request, Wants};
use crate::moment::Moment;
use crate::sys::notify::{self, Notification};

pub use self::request::Call;

/// Calls that wait at once.
const MOST_WAITING: usize = 1024;
/// Between two looks for locks whose owner is gone, while somebody waits for one.
const TICK: Duration = Duration::from_millis(10);
/// The same while nobody waits, but somebody outside may.
const SWEEP: Duration = Duration::from_millis(50);
/// How much of one processor's time answers may take, as one part of so many; and how much of that share at once.
const SHARE: u32 = 4;
const BURST: Duration = Duration::from_millis(200);

/// One call, ready to be decided.
#[derive(Clone, Copy, Debug)]
struct Asked {
    file: FileId,
    request: Request,
    owner: Owner,
    way: Way,
    /// The kernel keeps it too.
    real: bool,
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
    real: Real,
    waiting: Vec<Waiter>,
    /// When those who wait and those who hold are looked at next.
    look: Moment,
    /// Until when the answers so far have used up their share of a processor.
    paid: Moment,
    /// Until when no call is to be answered. Noted, not worked out when asked for: between two looks at the clock it could pass, unseen by who would set a timer.
    busy: Option<Moment>,
    /// This call has looked for everything without an owner.
    swept: bool,
}

impl Locks {
    /// None yet.
    pub fn new(init: u32, writable: bool) -> Self {
        let (book, held, real) = (Book::default(), Held::default(), Real::default());
        Self {
            init,
            writable,
            book,
            held,
            real,
            waiting: Vec::new(),
            look: Moment::told(0),
            paid: Moment::told(0),
            busy: None,
            swept: false,
        }
    }

    /// Gives everything back, once nobody is left to hold it.
    pub fn end(&mut self) {
        *self = Self::new(self.init, self.writable);
    }

    /// When there is something to do without being asked.
    pub fn due(&self) -> Option<Moment> {
        self.busy.or_else(|| (!self.idle()).then_some(self.look))
    }

    /// Nobody waits here or outside.
    fn idle(&self) -> bool {
        self.waiting.is_empty() && self.real.is_empty()
    }

    /// No call is to be answered before [`Self::due`], so that a run that does nothing but lock waits, and not the supervisor.
    pub fn busy(&self) -> bool {
        self.busy.is_some()
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
        // Whoever waits is noted by now.
        self.let_go(None);
        self.pay(began);
        answered.and(retried)
    }

    /// Looks at those who wait, and for locks of the kernel whose owner is gone, if it is time. Without a listener nobody waits any more.
    ///
    /// # Errors
    /// The kernel's, to an answer.
    pub fn tick(&mut self, listener: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
        let now = Moment::now();
        self.busy = self.busy.filter(|&until| now < until);
        if self.busy() || self.idle() || now < self.look {
            return Ok(());
        }
        let began = self.begin();
        for (file, owner) in self.real.owners() {
            self.still_has(file, owner);
        }
        let told = match listener {
            Some(listener) => self.leave(listener).and(self.retry(listener)),
            None => {
                self.waiting.clear();
                Ok(())
            }
        };
        self.let_go(None);
        self.look = began.after(if self.waiting.is_empty() { SWEEP } else { TICK });
        self.pay(began);
        told
    }

    /// Those who wait no more: gone, or with a signal to handle.
    fn leave(&mut self, listener: BorrowedFd<'_>) -> Result<(), Errno> {
        let mut told = Ok(());
        self.waiting.retain(|waiter| {
            let signalled = caller::signalled(waiter.thread);
            if signalled {
                told = told.and(notify::deny(listener, waiter.id, libc::EINTR));
            }
            !signalled && notify::waits(listener, waiter.id)
        });
        told
    }

    /// What is looked up is looked up once for each call that is answered.
    fn begin(&mut self) -> Moment {
        self.swept = false;
        self.held.begin();
        Moment::now()
    }

    /// Charges the run for what was done since `began`.
    pub fn pay(&mut self, began: Moment) {
        let now = Moment::now();
        self.paid = self.paid.max(began).after(SHARE * now.since(began));
        let ahead = self.paid.since(now).saturating_sub(BURST);
        if !ahead.is_zero() {
            self.busy = Some(now.after(ahead));
        }
    }

    fn decide(&mut self, listener: BorrowedFd<'_>, call: Call, notification: &Notification) -> Result<(Asked, Answer), Errno> {
        #[allow(clippy::cast_possible_truncation)] // the kernel takes an int
        let fd = (notification.args[0] as u32).cast_signed();
        let process = caller::process(notification.pid).ok_or(Errno::ENOLCK)?;
        let opened = caller::opened((process, notification.pid), fd)?;
        let whose = if self.writable { caller::whose(notification.pid, &opened.copy) } else { Whose::Ours };
        if whose == Whose::Remote {
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
        let asked = Asked { file, request, owner, way: Way { process, fd, description }, real: whose == Whose::Shared };
        if !waits {
            return Ok((asked, Answer::Nobody));
        }
        self.still_has(file, owner);
        let answer = match (request.wants, found) {
            (Wants::Tell { .. }, Some(found)) => self.tell(&asked, &found)?,
            _ => self.attempt(&asked),
        };
        Ok((asked, answer))
    }

    /// The number of a description; where there is no room, what nobody has any more goes first.
    fn describe(&mut self, file: FileId, copy: std::os::fd::OwnedFd, place: (u32, i32)) -> Result<u64, Errno> {
        let again = copy.try_clone().map_err(|_| Errno::ENOLCK)?;
        if let Some(number) = self.held.number(file, copy, place, self.real.opened()).map_err(|_| Errno::ENOLCK)? {
            return Ok(number);
        }
        self.sweep(None);
        self.held.number(file, again, place, self.real.opened()).map_err(|_| Errno::ENOLCK)?.ok_or(Errno::ENOLCK)
    }

    fn wait(&mut self, listener: BorrowedFd<'_>, notification: &Notification, asked: Asked) -> Result<(), Errno> {
        if self.waiting.len() >= MOST_WAITING {
            return notify::deny(listener, notification.id, libc::ENOLCK);
        }
        if self.waiting.is_empty() {
            self.look = Moment::now().after(TICK);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// While no call is answered there is a time to go on, even if it passes before anybody asks for it.
    #[test]
    fn who_is_busy_is_due() {
        let mut locks = Locks::new(1, false);
        assert!(!locks.busy() && locks.due().is_none());
        let now = Moment::now();
        let long_ago = Moment::told(1);
        assert!(now.since(long_ago) > BURST, "a host that was up for a moment at least");
        locks.pay(long_ago);
        assert!(locks.busy() && locks.due().is_some_and(|due| due > now), "{locks:?}");
        let passed = Moment::told(2);
        locks.busy = Some(passed);
        assert!(locks.busy() && locks.due() == Some(passed), "it stays so until it is looked at");
        assert!(locks.tick(None).is_ok());
        assert!(!locks.busy() && locks.due().is_none());
    }
}

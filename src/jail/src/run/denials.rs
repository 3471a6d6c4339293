//! What the filter's listener tells: denied system calls, recorded and answered; lock calls and connections to sockets, carried out. While learning, also allowed calls that look paths
//! up.
//!
//! Always holds: a denial never depends on memory of the run, so nothing can race it; a run that does little but such calls waits for its answers, and cannot
//! keep the supervisor busy. A call that ends the run is never answered: its caller waits for it until it is killed. What is denied, served or let through, the filter says, run once more on the registers. In a normal run nothing is let through but the first `execve` and what is only counted; while learning (a plan with `normal_filter`), exactly what the
//! filter of a normal run allows, by that filter and the registers alone.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use remand_plan::outcome::{Answered, Violation};
use remand_plan::{Plan, UNCOUNTED};
use remand_syscalls::bpf::SeccompData;
use remand_syscalls::{Arch, *};

use super::locks::{Call, Locks};
use super::lookups::PathLookups;
use super::sockets;
use crate::moment::Moment;
use crate::sys::notify::{self, Notification};

/// Kinds of denied calls that are listed.
const MOST_KINDS: usize = 64;
/// Denials that are answered at full speed. After that they cost the run what they cost the supervisor, several times over.
const QUICK_ANSWERS: u64 = 10_000;
/// Most that are answered before limits are looked at again.
pub const MOST_AT_ONCE: usize = 1024;

/// The listener and what it has seen.
#[derive(Debug)]
pub struct Denials {
    listener: Option<OwnedFd>,
    arch: Arch,
    execve: Option<u32>,
    /// By instruction set and number.
    seen: Vec<((u32, u32), Violation)>,
    lookups: PathLookups,
    locks: Locks,
    answered: u64,
    truncated: bool,
    /// Bytes of shared memory that the run asked for so far, where no cgroup counts them.
    shared: u64,
    /// A call was made that ends the run.
    fatal: bool,
}

impl Denials {
    /// Nothing seen yet of the run below `init`; `writable`: it can write to files of the host.
    pub fn new(arch: Arch, init: u32, writable: bool) -> Self {
        Self {
            locks: Locks::new(init, writable),
            listener: None,
            arch,
            execve: number(arch, "execve"),
            seen: Vec::new(),
            lookups: PathLookups::default(),
            answered: 0,
            truncated: false,
            shared: 0,
            fatal: false,
        }
    }

    /// Begins to listen.
    pub fn listen(&mut self, listener: OwnedFd) {
        self.listener = Some(listener);
    }

    /// Bytes of shared memory that the run asked for so far, where no cgroup counts them: at most so much of it exists.
    pub fn shared(&self) -> u64 {
        self.shared
    }

    /// What to watch.
    pub fn listener(&self) -> Option<BorrowedFd<'_>> {
        self.listener.as_ref().map(AsFd::as_fd)
    }

    /// The same, but as long as no call is to be answered.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.listener.as_ref().filter(|_| !self.locks.busy()).map(AsFd::as_fd)
    }

    /// When there is something to do without being told.
    pub fn due(&self) -> Option<Moment> {
        self.locks.due()
    }

    /// Looks at calls that wait for a lock, and at locks whose owner is gone.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn tick(&mut self) -> Result<(), Errno> {
        self.locks.tick(self.listener.as_ref().map(AsFd::as_fd))
    }

    /// Every process under the filter is gone: what its locks hold is given back.
    pub fn close(&mut self) {
        self.listener = None;
        self.locks.end();
    }

    /// Takes and answers what waits, at most so many. `begun`: user code can have begun. Whether the run is to end for a call.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn answer_all(&mut self, plan: &Plan, begun: bool, most: usize) -> Result<bool, Errno> {
        for _ in 0..most {
            // None while locks are looked after.
            let Some(listener) = self.fd() else { break };
            // Receiving would wait where none is there.
            let mut one = [PollFd::new(listener, PollFlags::POLLIN)];
            if poll(&mut one, PollTimeout::ZERO)? == 0 || !one.iter().any(|fd| fd.revents().is_some_and(|e| e.contains(PollFlags::POLLIN)))
            {
                break;
            }
            self.answer(plan, begun)?;
        }
        Ok(self.fatal)
    }

    fn answer(&mut self, plan: &Plan, begun: bool) -> Result<(), Errno> {
        let Some(listener) = self.listener.as_ref().map(AsFd::as_fd) else { return Ok(()) };
        let began = Moment::now();
        let Some(notification) = notify::receive(listener)? else { return Ok(()) };
        // The first execve is the executor process becoming the program: this crate's own call, made before any code of the run exists.
        if Some(notification.number) == self.execve.take() {
            return notify::continue_syscall(listener, notification.id);
        }
        match meant(plan, &notification) {
            Some(ALLOW) if plan.normal_filter.is_some() => {
                if begun {
                    self.lookups.record(listener, self.arch, &notification);
                }
                return notify::continue_syscall(listener, notification.id);
            }
            Some(SERVE) if name(self.arch, notification.number) == Some("connect") => {
                let answered = sockets::connect(listener, &notification);
                self.locks.pay(began);
                return answered;
            }
            Some(SERVE) => {
                if let Some(call) = name(self.arch, notification.number).and_then(|name| Call::of(name, &notification.args)) {
                    return self.locks.serve(listener, call, &notification);
                }
            }
            Some(COUNT) => {
                // The length, which nobody can change while the call waits. It is never taken off: what still lives of it, nobody can tell.
                self.shared = self.shared.saturating_add(notification.args[1]);
                self.locks.pay(began);
                return notify::continue_syscall(listener, notification.id);
            }
            Some(END) => {
                self.record(plan, &notification, Answered::EndOfRun);
                self.fatal = true;
                return Ok(());
            }
            _ => {}
        }
        let answer = answer(self.arch, notification.number);
        notify::deny(listener, notification.id, answer.errno())?;
        self.record(plan, &notification, answer.into());
        self.answered += 1;
        if self.answered > QUICK_ANSWERS {
            self.locks.pay(began);
        }
        Ok(())
    }

    fn record(&mut self, plan: &Plan, notification: &Notification, answered: Answered) {
        let kind = (notification.arch, notification.number);
        // Learning tells one call's arguments apart, as far as another change would allow them.
        let remedy = plan.normal_filter.is_some().then(|| self.remedy(plan, notification));
        let same = |seen: &Violation| remedy.as_ref().is_none_or(|remedy| *remedy == seen.remedy);
        if let Some((_, violation)) = self.seen.iter_mut().find(|(seen, violation)| *seen == kind && same(violation)) {
            violation.count += 1;
        } else if self.seen.len() < MOST_KINDS {
            let remedy = remedy.unwrap_or_else(|| self.remedy(plan, notification));
            self.seen.push((kind, Violation { syscall: self.called(notification), args: notification.args, count: 1, answered, remedy }));
        } else {
            self.truncated = true;
        }
    }

    fn called(&self, notification: &Notification) -> String {
        let native = self.native(notification);
        let known = name(self.arch, notification.number).filter(|_| native);
        let foreign = if native { "" } else { "foreign_" };
        known.map_or_else(|| format!("{foreign}syscall_{}", notification.number), str::to_owned)
    }

    fn native(&self, notification: &Notification) -> bool {
        notification.arch == audit_arch(self.arch)
    }

    /// What would allow the call. The plan may refuse what the policy does not.
    fn remedy(&self, plan: &Plan, notification: &Notification) -> Remedy {
        let number = notification.number;
        if !self.native(notification) {
            Remedy::None(NoRemedy::Foreign)
        } else if plan.memory_watch.is_some() && name(self.arch, number).is_some_and(|name| UNCOUNTED.contains(&name)) {
            Remedy::None(NoRemedy::Uncounted)
        } else {
            remedy(&plan.rules, self.arch, number, &notification.args.map(Some))
        }
    }

    /// All kinds, most frequent first, and whether there were more; and what was looked for, while learning.
    pub fn finish(mut self) -> (Vec<Violation>, bool, PathLookups) {
        self.seen.sort_by_key(|(_, violation)| std::cmp::Reverse(violation.count));
        (self.seen.into_iter().map(|(_, violation)| violation).collect(), self.truncated, self.lookups)
    }
}

/// What the filter of a normal run answers to this call.
fn meant(plan: &Plan, notification: &Notification) -> Option<u32> {
    let data = SeccompData { nr: notification.number, arch: notification.arch, instruction_pointer: 0, args: notification.args };
    bpf::run(plan.normal_filter.as_ref().unwrap_or(&plan.filter), &data).ok()
}

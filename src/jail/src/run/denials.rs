//! What the filter's listener tells: denied system calls, recorded and answered; lock calls, carried out. While learning, also allowed calls that look paths
//! up.
//!
//! Always holds: a denial never depends on memory of the run, so nothing can race it; a run that does little but such calls cannot keep the supervisor busy
//! for ever. What is denied, served or let through, the filter says, run once more on the registers. In a normal run nothing is let through but the first `execve`; while learning (a plan with `unobserved`), exactly what the
//! filter of a normal run allows, by that filter and the registers alone.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use remand_policy::host::Arch;
use remand_policy::outcome::Violation;
use remand_policy::plan::UNCOUNTED;
use remand_policy::syscalls::bpf::{self, SeccompData};
use remand_policy::{Plan, Policy, syscalls};

use super::locks::{Call, Locks};
use super::looks::Looks;
use crate::sys::notify::{self, Notification};

/// Kinds of denied calls that are listed.
const MOST_KINDS: usize = 64;
/// Denials that are answered one by one. After that the listener is closed, and the kernel answers ENOSYS by itself.
const MOST_ANSWERS: u64 = 10_000;
/// Most that are answered before limits are looked at again.
pub const MOST_AT_ONCE: usize = 1024;

/// The listener and what it has seen.
#[derive(Debug)]
pub struct Denials {
    listener: Option<OwnedFd>,
    arch: Arch,
    execve: Option<u32>,
    seen: Vec<(u32, Violation)>,
    looks: Looks,
    locks: Locks,
    answered: u64,
    truncated: bool,
}

impl Denials {
    /// Nothing seen yet of the run below `init`; `writable`: it can write to files of the host.
    pub fn new(arch: Arch, init: u32, writable: bool) -> Self {
        Self {
            locks: Locks::new(init, writable),
            listener: None,
            arch,
            execve: syscalls::number(arch, "execve"),
            seen: Vec::new(),
            looks: Looks::default(),
            answered: 0,
            truncated: false,
        }
    }

    /// Begins to listen.
    pub fn listen(&mut self, listener: OwnedFd) {
        self.listener = Some(listener);
    }

    /// What to poll; nothing as long as no call is to be answered.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.listener.as_ref().filter(|_| self.locks.busy_until().is_none()).map(AsFd::as_fd)
    }

    /// When there is something to do without being told.
    pub fn due(&self) -> Option<u64> {
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

    /// Takes and answers what waits, at most so many. `begun`: user code can have begun.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn answer_all(&mut self, policy: &Policy, plan: &Plan, begun: bool, most: usize) -> Result<(), Errno> {
        for _ in 0..most {
            // None while locks are looked after.
            let Some(listener) = self.fd() else { break };
            // Receiving would wait where none is there.
            let mut one = [PollFd::new(listener, PollFlags::POLLIN)];
            if poll(&mut one, PollTimeout::ZERO)? == 0 || !one.iter().any(|fd| fd.revents().is_some_and(|e| e.contains(PollFlags::POLLIN)))
            {
                break;
            }
            self.answer(policy, plan, begun)?;
        }
        Ok(())
    }

    fn answer(&mut self, policy: &Policy, plan: &Plan, begun: bool) -> Result<(), Errno> {
        let Some(listener) = self.listener.as_ref().map(AsFd::as_fd) else { return Ok(()) };
        let Some(notification) = notify::receive(listener)? else { return Ok(()) };
        // The first execve is the executor process becoming the program: this crate's own call, made before any code of the run exists.
        if Some(notification.number) == self.execve.take() {
            return notify::let_through(listener, notification.id);
        }
        match meant(plan, self.arch, &notification) {
            Some(syscalls::ALLOW) if plan.unobserved.is_some() => {
                if begun {
                    self.looks.look(listener, self.arch, &notification);
                }
                return notify::let_through(listener, notification.id);
            }
            Some(syscalls::SERVE) => {
                if let Some(call) = syscalls::name(self.arch, notification.number).and_then(|name| Call::of(name, &notification.args)) {
                    return self.locks.serve(listener, call, &notification);
                }
            }
            _ => {}
        }
        notify::deny(listener, notification.id, syscalls::answer(self.arch, notification.number))?;
        self.record(policy, plan, &notification);
        self.answered += 1;
        if self.answered >= MOST_ANSWERS {
            self.truncated = true;
            // Its locks stay as long as it has what they rest on.
            self.listener = None;
        }
        Ok(())
    }

    fn record(&mut self, policy: &Policy, plan: &Plan, notification: &Notification) {
        let number = notification.number;
        // Learning tells one call's arguments apart, as far as another change would allow them.
        let change = plan.unobserved.is_some().then(|| syscalls::change(policy, self.arch, number, &notification.args));
        let same = |seen: &Violation| change.as_ref().is_none_or(|change| *change == seen.change);
        if let Some((_, violation)) = self.seen.iter_mut().find(|(seen, violation)| *seen == number && same(violation)) {
            violation.count += 1;
        } else if self.seen.len() < MOST_KINDS {
            let answered = Errno::from_raw(syscalls::answer(self.arch, number));
            let name = syscalls::name(self.arch, number);
            let uncounted = plan.memory_watch.is_some() && name.is_some_and(|name| UNCOUNTED.contains(&name));
            self.seen.push((
                number,
                Violation {
                    syscall: name.map_or_else(|| format!("syscall_{number}"), str::to_owned),
                    args: notification.args,
                    count: 1,
                    answered: format!("{answered:?}"),
                    change: if uncounted {
                        "none: only a memory cgroup counts what this call makes, and this run has none (enforcement.memory)".to_owned()
                    } else {
                        change.unwrap_or_else(|| syscalls::change(policy, self.arch, number, &notification.args))
                    },
                },
            ));
        } else {
            self.truncated = true;
        }
    }

    /// All kinds, most frequent first, and whether there were more; and what was looked for, while learning.
    pub fn finish(mut self) -> (Vec<Violation>, bool, Looks) {
        self.seen.sort_by_key(|(_, violation)| std::cmp::Reverse(violation.count));
        (self.seen.into_iter().map(|(_, violation)| violation).collect(), self.truncated, self.looks)
    }
}

/// What the filter of a normal run answers to this call.
fn meant(plan: &Plan, arch: Arch, notification: &Notification) -> Option<u32> {
    let data = SeccompData { nr: notification.number, arch: syscalls::audit_arch(arch), instruction_pointer: 0, args: notification.args };
    bpf::run(plan.unobserved.as_ref().unwrap_or(&plan.filter), &data).ok()
}

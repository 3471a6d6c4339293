//! Policies that are made ready for this host, each in a thread of its own: an interpreter that was not asked before is asked then, which takes a while.
//!
//! Always holds: nobody but those who want the same waits for it; there are never more at once than runs that have a turn, since each holds the turn of one.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use remand_engine::host::{Depth, observe};
use remand_engine::{Caller, Effective, Engine, Identity, PrepareError, Prepared, Program};

use crate::protocol::Chosen;

/// A policy as it was named, and the hash of what that was.
pub type What = (Chosen, String);

/// What came of one.
pub type Done = Result<Arc<Prepared>, PrepareError>;

/// Something that is made ready, and the runs that wait for it, the first of which asked.
#[derive(Debug)]
struct Going {
    number: u64,
    /// None: what the first chose besides is nobody else's.
    what: Option<What>,
    runs: Vec<String>,
}

/// See the module.
#[derive(Debug)]
pub struct Preparing {
    woken: Arc<EventFd>,
    done: Receiver<(u64, Done)>,
    to: Sender<(u64, Done)>,
    going: Vec<Going>,
}

impl Preparing {
    /// Nothing goes on.
    pub fn new() -> Result<Self, Errno> {
        let woken = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let (to, done) = channel();
        Ok(Self { woken: Arc::new(woken), done, to, going: Vec::new() })
    }

    /// Lets a run wait for what others wait for already; whether there are such.
    pub fn join(&mut self, what: &What, run: &str) -> bool {
        let going = self.going.iter_mut().find(|going| going.what.as_ref() == Some(what));
        going.map(|going| going.runs.push(run.to_owned())).is_some()
    }

    /// Begins to make a policy ready, for a run. `number`: of nothing else. `what`: for whoever wants the same.
    pub fn begin(
        &mut self,
        (number, run, what): (u64, &str, Option<What>),
        engine: Engine,
        effective: Effective,
        identity: Identity,
    ) -> std::io::Result<()> {
        let (to, woken) = (self.to.clone(), Arc::clone(&self.woken));
        let work = move || {
            let caller = Caller { identity, ..Caller::default() };
            let done = engine.prepare(&effective, Program::Python, &observe(Depth::Quick), &caller).map(Arc::new);
            // Whoever has nobody to tell is in a daemon that ends.
            if to.send((number, done)).is_ok() {
                let _ = woken.write(1);
            }
        };
        thread::Builder::new().name("prepare".to_owned()).spawn(work)?;
        self.going.push(Going { number, what, runs: vec![run.to_owned()] });
        Ok(())
    }

    /// What was made ready since: what it was, for which runs.
    pub fn take(&mut self) -> Vec<(Option<What>, Vec<String>, Done)> {
        let _ = self.woken.read(); // that it was woken is all that it says
        let mut taken = Vec::new();
        while let Ok((number, done)) = self.done.try_recv() {
            let Some(at) = self.going.iter().position(|going| going.number == number) else { continue };
            let Going { what, runs, .. } = self.going.swap_remove(at);
            taken.push((what, runs, done));
        }
        taken
    }
}

impl AsFd for Preparing {
    /// Readable when something is ready.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }
}

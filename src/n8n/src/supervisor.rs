//! The supervisor: makes the runs, and answers what the front asks.
//!
//! Always holds: one thread, which waits in one place and for nobody in particular; a front that says what is in no table is ended, and this process with it; no
//! run outlives it.

mod going;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{SockType, getsockopt, sockopt};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, dup2_stdin};
use remand_engine::{Held, Moment};
use remand_front::memory;
use remand_front::peer::{Fault, Peer};

use crate::dial::Dialer;
use crate::log::Log;
use crate::outgoing;
use crate::packets::{Ask, Tell, pack_messages, unpack_task};
use crate::settings::{Level, Settings, environment};
use crate::task::{Answer, Task};
use crate::tasks::Tasks;
use going::Going;

/// What a supervisor is started with, in place of a command.
pub const WORD: &str = "supervisor-of-n8n";

/// How much longer than the grace time the front may take.
const RESERVE: Duration = Duration::from_secs(2);
/// Bytes of a task besides those of its message.
const BESIDE: u64 = 1 << 20;

/// See the module.
struct Supervisor<'s> {
    settings: &'s Settings,
    log: &'s Log<'s>,
    peer: Peer,
    /// The id of what speaks with strangers, with privilege.
    user: Option<u32>,
    signals: Held,
    tasks: Tasks,
    going: BTreeMap<u64, Going>,
    dialer: Option<Dialer>,
    /// Until when the front has to have ended.
    until: Option<Moment>,
}

/// How it ends.
enum Stop {
    /// As the front says.
    End(u8),
    /// The front is no more.
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A front, as a child of this process. It is killed and waited for with this value.
struct Front(Pid);

impl Drop for Front {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL); // no error if it has ended
        let _ = waitpid(self.0, None);
    }
}

/// Is one, for the front with this process id; gives the exit status.
///
/// # Errors
/// This process was not started as one.
pub fn supervise(front: i32, user: Option<u32>, log_of: impl for<'l> Fn(&'l Settings) -> Log<'l>) -> Result<u8, String> {
    let not_started = || "this is a part of remand n8n, which starts it".to_owned();
    let socket = io::stdin().as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
    let child = Pid::from_raw(front);
    if getsockopt(&socket, sockopt::SockType) != Ok(SockType::SeqPacket) || front < 2 || waitpid(child, Some(WaitPidFlag::WNOHANG)).is_err()
    {
        return Err(not_started());
    }
    let front = Front(child);
    let nothing = std::fs::File::open("/dev/null").map_err(|error| format!("/dev/null: {error}"))?;
    dup2_stdin(&nothing).map_err(|errno| errno.to_string())?;
    let settings = Settings::read(&environment()).map_err(|why| why.0)?;
    let log = log_of(&settings);
    let status = match supervisor(&settings, user, socket, &log) {
        Ok(mut supervisor) => supervisor.work(),
        Err(why) => {
            log.say(Level::Error, &why);
            1
        }
    };
    drop(front);
    Ok(status)
}

fn supervisor<'s>(settings: &'s Settings, user: Option<u32>, socket: OwnedFd, log: &'s Log<'s>) -> Result<Supervisor<'s>, String> {
    let signals = Held::all_that_end(&[]).map_err(|errno| format!("holding signals back: {errno}"))?;
    let tasks = Tasks::new(settings)?;
    for warning in tasks.warnings(settings) {
        log.say(Level::Warning, &warning);
    }
    Ok(Supervisor { settings, log, peer: Peer::new(socket), user, signals, tasks, going: BTreeMap::new(), dialer: None, until: None })
}

impl Supervisor<'_> {
    fn work(&mut self) -> u8 {
        loop {
            match self.turn() {
                Ok(()) => {}
                Err(Stop::End(status)) => return status,
                Err(Stop::Fault(fault)) => {
                    self.log.say(Level::Error, &format!("The process that speaks to the broker: {fault}"));
                    return 1;
                }
            }
        }
    }

    /// Waits until something is to be done, and does it.
    fn turn(&mut self) -> Result<(), Stop> {
        let Ready { front, signals, dialer, going } = self.wait()?;
        if signals {
            self.signalled()?;
        }
        if dialer && let Some(dialer) = self.dialer.take() {
            let (tell, beside) = dialer.said();
            self.peer.tell(tell.packet(), beside)?;
        }
        for number in going {
            self.advance(number)?;
        }
        if front {
            self.peer.flush()?;
            self.hear()?;
        }
        if self.until.is_some_and(|until| Moment::now() >= until) {
            return Err(Stop::Fault("it did not end in time".to_owned()));
        }
        Ok(())
    }

    fn wait(&self) -> Result<Ready, Stop> {
        let front = if self.peer.is_behind() { PollFlags::POLLOUT } else { PollFlags::POLLIN };
        let mut waited = vec![PollFd::new(self.peer.as_fd(), front), PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        waited.extend(self.going.values().map(|going| PollFd::new(going.as_fd(), PollFlags::POLLIN)));
        waited.extend(self.dialer.iter().map(|dialer| PollFd::new(dialer.as_fd(), PollFlags::POLLIN)));
        // Only an end has a time.
        let timeout = if self.until.is_some() { PollTimeout::from(500u16) } else { PollTimeout::NONE };
        match poll(&mut waited, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Stop::Fault(format!("waiting: {errno}"))),
        }
        let ready = |at: usize| waited.get(at).is_some_and(|fd| fd.any().unwrap_or(false));
        let going = self.going.keys().enumerate().filter(|(at, _)| ready(2 + at)).map(|(_, number)| *number).collect();
        Ok(Ready { front: ready(0), signals: ready(1), dialer: ready(2 + self.going.len()), going })
    }

    fn signalled(&mut self) -> Result<(), Stop> {
        while let Some(number) = self.signals.came() {
            let name = Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |signal| signal.as_str().to_owned());
            self.until = self.until.or_else(|| Some(Moment::now().after(self.settings.grace + RESERVE)));
            self.peer.tell(Tell::Stop(name).packet(), None)?;
        }
        Ok(())
    }

    fn hear(&mut self) -> Result<(), Stop> {
        while let Some((packet, mut beside)) = self.peer.heard()? {
            let ask = Ask::read(packet).map_err(|_| "it said what is in no table".to_owned())?;
            if beside.len() != ask.descriptors() {
                return Err(Stop::Fault(format!("it sent {} descriptors beside {ask:?}", beside.len())));
            }
            self.ask(ask, beside.pop())?;
        }
        Ok(())
    }

    fn ask(&mut self, ask: Ask, beside: Option<OwnedFd>) -> Result<(), Stop> {
        match ask {
            Ask::Failed(why) => return Err(Stop::Fault(why)),
            Ask::Say(level, line) => self.log.say(level, &line),
            Ask::Dial => match Dialer::start(&self.settings.broker, self.user) {
                Ok(dialer) => self.dialer = Some(dialer),
                Err(error) => self.peer.tell(Tell::Unreachable(error.to_string()).packet(), None)?,
            },
            Ask::Start(number) => {
                let memory = beside.ok_or_else(|| "it handed over no task".to_owned())?;
                let most = self.settings.max_payload.saturating_add(BESIDE);
                let bytes = memory::read(memory, most).map_err(|error| format!("the task that it handed over: {error}"))?;
                let task = unpack_task(&bytes).map_err(|_| "the task that it handed over is malformed".to_owned())?;
                self.start(number, task)?;
            }
            Ask::Cancel(number) => {
                if let Some(going) = self.going.get_mut(&number) {
                    going.cancel();
                }
            }
            Ask::End(status) => return Err(Stop::End(status)),
        }
        Ok(())
    }

    fn start(&mut self, number: u64, task: Task) -> Result<(), Stop> {
        if self.going.len() >= self.settings.max_concurrency || self.going.contains_key(&number) {
            return Err(Stop::Fault("it began more tasks than there are slots".to_owned()));
        }
        self.log.say(Level::Info, &format!("Received task {}", task.id));
        let began = Moment::now();
        match self.tasks.start(&task) {
            Ok(running) => drop(self.going.insert(number, Going::new(task, running, began))),
            Err(answer) => self.answer(number, &task, began, answer)?,
        }
        Ok(())
    }

    fn advance(&mut self, number: u64) -> Result<(), Stop> {
        let goes_on = self.going.get_mut(&number).is_none_or(|going| going.advance(Moment::now()));
        if goes_on {
            return Ok(());
        }
        let Some(going) = self.going.remove(&number) else { return Ok(()) };
        let (task, began, answer) = going.answer();
        self.answer(number, &task, began, answer)
    }

    fn answer(&mut self, number: u64, task: &Task, began: Moment, answer: Answer) -> Result<(), Stop> {
        let (level, line) = going::told(task, &answer, Moment::now().since(began));
        self.log.say(level, &line);
        let messages = outgoing::answer(&task.id, answer, self.settings.max_payload);
        let beside = memory::sealed(&pack_messages(&messages)).or_else(|error| {
            let failed = outgoing::error(&task.id, &format!("The answer cannot be handed over: {error}"));
            memory::sealed(&pack_messages(&[failed]))
        });
        let beside = beside.map_err(|error| format!("no memory for an answer: {error}"))?;
        Ok(self.peer.tell(Tell::Answer(number).packet(), Some(beside))?)
    }
}

/// What something is to be done about.
struct Ready {
    front: bool,
    signals: bool,
    dialer: bool,
    going: Vec<u64>,
}

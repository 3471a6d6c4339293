//! The caller's own terminal, where a run has one in its place (`--tty`): its keys go to the run one by one, and its size is the run's.
//!
//! Always holds: as soon as this is over it is as it was before, however this process ends but by SIGKILL or a fault; so it is while this process is stopped,
//! and as long as another is in the foreground. What was typed, or answered by the terminal itself, and not read by the run is read by nobody after it.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::panic;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::signal::{Signal, raise};
use nix::sys::termios::{FlushArg, SetArg, Termios, cfmakeraw, tcflush, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};
use remand_engine::Screen;
use remand_jail::{Held, Size};

use crate::failure::Failure;

/// What a terminal without a name is called.
const UNNAMED: &str = "xterm";

/// Its modes before, while they are others.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// What becomes `TERM` of a run that is to have a terminal; refuses one where there is none to stand for. `taken`: what else reads standard input.
pub fn asked(tty: bool, taken: Option<&str>) -> Result<Option<String>, Failure> {
    let hint = |hint: &str| Some(hint.to_owned());
    match taken {
        _ if !tty => return Ok(None),
        Some(taken) => {
            let hint = hint("its keys are the run's; give the file by its name");
            return Err(Failure { hint, ..Failure::usage(format!("--tty: {taken} cannot be standard input too")) });
        }
        None if !io::stdin().is_terminal() => {
            let hint =
                hint("leave --tty out, and the run gets what comes there by a pipe; or call it at a terminal, such as that of script(1)");
            return Err(Failure { hint, ..Failure::usage("--tty: standard input is no terminal".into()) });
        }
        None => {}
    }
    Ok(Some(std::env::var("TERM").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| UNNAMED.to_owned())))
}

/// It is to be the run's.
pub struct Terminal(Held);

impl Terminal {
    /// Watches it. Whoever holds signals back does so before.
    pub fn watch() -> Result<Self, Failure> {
        let failed = |errno: Errno| Failure::internal(format!("cannot take the terminal: {}", errno.desc()));
        tcgetattr(io::stdin()).map_err(failed)?;
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |why| {
            restore();
            told(why);
        }));
        let signals = [Signal::SIGWINCH, Signal::SIGTSTP, Signal::SIGCONT];
        Held::these(signals.into_iter().map(|signal| signal as i32)).map(Self).map_err(failed)
    }

    /// Its size, as a run follows it.
    pub fn screen(&self) -> Screen<'_> {
        Screen { changed: self.0.as_fd(), size: Box::new(|| self.changed()) }
    }

    fn changed(&self) -> Size {
        while let Some(signal) = self.0.came() {
            if signal == Signal::SIGTSTP as i32 {
                give_back();
                // That one cannot be held back; when it is over there is a SIGCONT.
                let _ = raise(Signal::SIGSTOP);
            } else if signal == Signal::SIGCONT as i32 {
                set_raw();
            }
        }
        Size::of(io::stdin().as_fd()).unwrap_or_default()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Takes it: from now on the run's code can read keys, and until now Ctrl-C cancels.
pub fn take() {
    let mut before = before();
    if before.is_none() {
        *before = tcgetattr(io::stdin()).ok();
    }
    drop(before);
    set_raw();
}

/// The same, if nobody has: what a run wrote may be read before it is known that it has begun, by a supervisor that had to wait for a processor.
pub fn take_at_last() {
    if before().is_none() {
        take();
    }
}

fn before() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What has no foreground is nobody else's.
fn in_foreground() -> bool {
    tcgetpgrp(io::stdin()).map_or(true, |group| group == getpgrp())
}

fn set_raw() {
    let Some(mut modes) = before().clone().filter(|_| in_foreground()) else { return };
    cfmakeraw(&mut modes);
    // It was asked for its modes; a terminal that is gone needs none.
    let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &modes);
}

/// It is as it was, until it is taken again.
fn give_back() {
    if let Some(modes) = before().as_ref().filter(|_| in_foreground()) {
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, modes);
        let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
    }
}

fn restore() {
    give_back();
    *before() = None;
}

//! A line on the terminal that says how a run goes, for runs of more than a second.
//!
//! Always holds: nothing of it is left once the run is over, or once the program writes or its caller types; it stands on a line of its own; it waits for no terminal,
//! and is written nowhere else.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::OFlag;
use remand_engine::{Progress, Watcher};

use remand_plan::outcome::microseconds;

use crate::amount::{bytes, time};
use crate::args::ShowArgs;

/// The line.
#[derive(Clone)]
pub struct Line(Arc<Mutex<State>>);

struct State {
    /// The terminal, by an opening of our own: not to wait for it is then nobody else's business.
    terminal: File,
    shown: bool,
    /// What was written last has not ended its line.
    within: bool,
    /// How many write just now.
    writing: u32,
    /// It has no place any more.
    over: bool,
}

impl Line {
    /// One on standard error, if that is a terminal that can take a line back, and anybody wants it.
    pub fn wanted(show: &ShowArgs) -> Option<Self> {
        let able = std::env::var_os("TERM").is_some_and(|name| !name.is_empty() && name != "dumb");
        if show.quiet || !able || !io::stderr().is_terminal() {
            return None;
        }
        let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
        let terminal = OpenOptions::new().write(true).custom_flags(flags).open("/proc/self/fd/2").ok()?;
        Some(Self(Arc::new(Mutex::new(State { terminal, shown: false, within: false, writing: 0, over: false }))))
    }

    /// What shows it.
    pub fn watcher(line: Option<&Self>) -> Option<Watcher<'static>> {
        let line = line?.clone();
        Some(Box::new(move |progress| line.show(progress)))
    }

    fn show(&self, progress: Progress) {
        let mut state = self.lock();
        if state.over || state.within || state.writing > 0 {
            return;
        }
        // Not wrapped, or it could not be taken back.
        let text = format!("\r\x1b[K\x1b[?7l\x1b[2m{}\x1b[0m\x1b[?7h", told(progress));
        state.shown |= state.terminal.write(text.as_bytes()).is_ok();
    }

    /// Something else is about to be written to the terminal.
    pub fn begin(&self) {
        let mut state = self.lock();
        state.writing += 1;
        state.erase();
    }

    /// It was written, and ended with these bytes.
    pub fn end(&self, written: &[u8]) {
        let mut state = self.lock();
        state.writing = state.writing.saturating_sub(1);
        state.within = written.last().map_or(state.within, |last| *last != b'\n');
    }

    /// It is shown no more.
    pub fn close(&self) {
        let mut state = self.lock();
        state.over = true;
        state.erase();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn erase(&mut self) {
        if std::mem::take(&mut self.shown) {
            // A terminal that takes nothing now shows nothing new either.
            let _ = self.terminal.write(b"\r\x1b[K");
        }
    }
}

/// How it goes, in a few words.
fn told(progress: Progress) -> String {
    let Progress { wall, cpu, memory, printed, .. } = progress;
    let memory = memory.map(|held| format!(", {}", bytes(held))).unwrap_or_default();
    let printed = if printed == 0 { String::new() } else { format!(", {} printed", bytes(printed)) };
    format!("{} s, CPU {}{memory}{printed}", wall.as_secs(), time(microseconds(cpu.0 + cpu.1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_tells_what_is_known() {
        let (wall, cpu) = (Duration::from_millis(2900), (Duration::from_millis(1000), Duration::from_millis(500)));
        let progress = Progress { wall, cpu, memory: Some(3 << 20), pids: None, printed: 4 };
        assert_eq!(told(progress), "2 s, CPU 1.50 s, 3 MiB, 4 bytes printed");
        assert_eq!(told(Progress { memory: None, printed: 0, ..progress }), "2 s, CPU 1.50 s");
    }
}

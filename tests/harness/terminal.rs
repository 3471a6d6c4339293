//! The command at a terminal: a pseudo-terminal of the test's, which is the controlling one of the command's session, as at a shell.
//!
//! Always holds: what is shown is read all the time; every wait has an end; the command is gone with its terminal.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::{Pid, ttyname};

use crate::End;
use crate::command::{binary, until};

/// A command at a terminal of 24 lines and 80 columns.
pub struct Terminal {
    keyboard: File,
    /// Kept open, so that settings can be asked for.
    line: File,
    shown: Arc<Mutex<Vec<u8>>>,
    child: Child,
}

impl Terminal {
    /// Starts `remand ARGS...` there; `shell`: what a shell is to do around `"$@"`.
    ///
    /// # Errors
    /// There is no pseudo-terminal, or no `setsid`.
    pub fn start<S: AsRef<OsStr>>(shell: &str, args: &[S], env: &[(&str, &str)]) -> Result<Self, End> {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).map_err(|errno| End::Fail(format!("no pseudo-terminal: {errno}")))?;
        let (keyboard, line) = (File::from(pty.master), File::from(pty.slave));
        let mut command = Command::new("setsid");
        command
            .args(["-c", "sh", "-c", shell, "sh"])
            .arg(binary())
            .args(args)
            .env_remove("NO_COLOR")
            .env("TERM", "xterm")
            .envs(env.iter().copied());
        command.stdin(line.try_clone()?).stdout(line.try_clone()?).stderr(line.try_clone()?);
        let child = command.spawn()?;
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, seen) = (keyboard.try_clone()?, Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // EIO is how it says that nobody has it open any more.
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                seen.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]);
            }
        });
        Ok(Self { keyboard, line, shown, child })
    }

    /// What was shown until now.
    #[must_use]
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until something is shown.
    ///
    /// # Errors
    /// It was not in bounded time.
    pub fn shows(&self, text: &str) -> Result<(), End> {
        let seen = until(|| self.screen().contains(text).then_some(()));
        seen.ok_or_else(|| End::Fail(format!("{text:?} was not shown; on the screen: {:?}", self.screen())))
    }

    /// Presses keys.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn types(&mut self, keys: &str) -> Result<(), End> {
        Ok(self.keyboard.write_all(keys.as_bytes())?)
    }

    /// Its settings.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn settings(&self) -> Result<Termios, End> {
        tcgetattr(&self.line).map_err(|errno| End::Fail(errno.to_string()))
    }

    /// Makes it as large as that; whoever is in the foreground is told.
    ///
    /// # Errors
    /// There is no `stty`.
    pub fn resize(&self, rows: u16, columns: u16) -> Result<(), End> {
        let name = ttyname(&self.line).map_err(|errno| End::Fail(errno.to_string()))?;
        let size = [rows.to_string(), columns.to_string()];
        let done = Command::new("stty").arg("-F").arg(name).args(["rows", &size[0], "cols", &size[1]]).status()?;
        if done.success() { Ok(()) } else { Err(End::Fail(format!("stty: {done}"))) }
    }

    /// The process id of the shell, or of what it became.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Waits for its end: its status as a shell has it, and all that was shown.
    ///
    /// # Errors
    /// It did not end in bounded time.
    pub fn end(&mut self) -> Result<(i32, String), End> {
        let status = until(|| self.child.try_wait().ok().flatten());
        let status = status.ok_or_else(|| End::Fail(format!("no end; on the screen: {:?}", self.screen())))?;
        // What was written before the end may not have been read yet.
        let mut before = self.screen();
        let still = until(|| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let now = self.screen();
            (now == std::mem::replace(&mut before, now.clone())).then_some(now)
        });
        Ok((status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(-1), still.unwrap_or_default()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill(self.pid(), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

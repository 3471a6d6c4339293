//! The operator's editor, and the operator's answers.
//!
//! Always holds: no signal ends this process while the editor has the terminal: an interrupt is the editor's business, an end is passed on to it; answers
//! are read byte by byte, so that nothing is taken from an editor that reads the same input.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::print::{self, plain};

/// Editors that take `+LINE`.
const LINED: &[&str] =
    &["vi", "vim", "nvim", "view", "nano", "pico", "emacs", "emacsclient", "mg", "joe", "jed", "micro", "kak", "ed", "ex"];
/// Where there is no `$VISUAL` and no `$EDITOR`, in this order.
const DEFAULTS: &[&str] = &["/usr/bin/editor", "/usr/bin/vi", "/bin/vi", "/usr/bin/nano", "/usr/bin/vim", "/usr/bin/emacs", "/bin/ed"];
/// Milliseconds that an editor has to end when this process is to end.
const PATIENCE: u16 = 2000;
/// Bytes of an answer that are looked at.
const ANSWER: usize = 64;

/// A program and its first arguments.
pub struct Editor(Vec<OsString>);

/// How it went.
pub enum Ended {
    Well,
    /// With this status or by this signal.
    Badly(String),
    /// This process is to end.
    Stopped,
}

impl Editor {
    pub fn chosen() -> Result<Self, Failure> {
        let set = ["VISUAL", "EDITOR"].iter().filter_map(env::var_os).find(|value| !value.is_empty());
        let found = || DEFAULTS.iter().find(|path| Path::new(path).exists()).map(OsString::from);
        let Some(value) = set.or_else(found) else {
            let hint = Some("name one in $EDITOR".to_owned());
            return Err(Failure { hint, ..Failure::usage("no editor is installed where one is looked for".to_owned()) });
        };
        // A path with spaces, or a command with options.
        let words: Vec<OsString> = match value.to_str() {
            Some(text) if !Path::new(text).exists() => text.split_whitespace().map(OsString::from).collect(),
            _ => vec![value],
        };
        if words.is_empty() { Err(Failure::usage("$VISUAL or $EDITOR names no editor".to_owned())) } else { Ok(Self(words)) }
    }

    /// The arguments for a file that is to be opened at a line.
    fn command(&self, file: &Path, line: Option<usize>) -> Command {
        let mut words = self.0.iter();
        let program = words.next().map_or_else(PathBuf::new, PathBuf::from);
        let lined = program.file_name().and_then(|name| name.to_str()).is_some_and(|name| LINED.contains(&name));
        let mut command = Command::new(program);
        command.args(words).args(line.filter(|_| lined).map(|line| format!("+{line}"))).arg(file);
        command
    }

    /// Lets it edit.
    pub fn run(&self, file: &Path, line: Option<usize>, signals: &Cancel) -> Result<Ended, Failure> {
        let name = || plain(&self.0.first().map(|name| name.to_string_lossy()).unwrap_or_default()).into_owned();
        let failed = |error: io::Error| Failure {
            hint: Some("name another editor in $VISUAL or $EDITOR".to_owned()),
            ..Failure::usage(format!("editor {}: cannot be run: {error}", name()))
        };
        // Rust starts programs with no signal held back.
        let mut child = self.command(file, line).spawn().map_err(failed)?;
        let mut stopped = false;
        loop {
            // Looked at first: an interrupt that came while it lived is read below, and is not taken for an answer to the question that follows.
            let ended = child.try_wait().map_err(failed)?;
            let mut came = false;
            while let Some(signal) = signals.came() {
                came = true;
                if ![Signal::SIGINT, Signal::SIGQUIT, Signal::SIGCHLD].map(|own| own as i32).contains(&signal) {
                    stopped = true;
                    if ended.is_none() {
                        end(&child);
                    }
                }
            }
            if let Some(status) = ended {
                return Ok(match (stopped, status.success()) {
                    (true, _) => Ended::Stopped,
                    (false, true) => Ended::Well,
                    (false, false) => Ended::Badly(format!("editor {} ended with {status}", name())),
                });
            }
            let timeout = if stopped { PollTimeout::from(PATIENCE) } else { PollTimeout::NONE };
            if !came && poll(&mut [PollFd::new(signals.fd(), PollFlags::POLLIN)], timeout) == Ok(0) {
                let _ = child.kill(); // it may have ended by now
            }
        }
    }
}

fn end(child: &Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM); // not waited for yet, so the number is still its own
    }
}

/// Asks, and reads one line. `None`: there is no answer, since input has ended or this process is to end.
pub fn ask(question: &str, signals: &Cancel) -> Result<Option<String>, Failure> {
    print::stdout(question)?;
    let stdin = io::stdin();
    let mut line = Vec::new();
    loop {
        let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN), PollFd::new(signals.fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::NONE); // what is wrong with it, the read says
        if signals.came().is_some_and(|signal| signal != Signal::SIGCHLD as i32) {
            return Ok(None);
        }
        if fds.first().and_then(PollFd::any) == Some(false) {
            continue;
        }
        let mut byte = [0];
        match nix::unistd::read(&stdin, &mut byte) {
            Ok(0) | Err(_) if line.is_empty() => return Ok(None),
            Ok(0) | Err(_) => break,
            Ok(_) if byte == *b"\n" => break,
            Ok(_) if line.len() < ANSWER => line.extend(byte),
            Ok(_) => {}
        }
    }
    Ok(Some(String::from_utf8_lossy(&line).trim().to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_to_editors_that_take_it() {
        let arguments = |words: &[&str]| {
            let command = Editor(words.iter().map(OsString::from).collect()).command(Path::new("f"), Some(7));
            command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(arguments(&["/usr/bin/vim", "-n"]), ["-n", "+7", "f"]);
        assert_eq!(arguments(&["nano"]), ["+7", "f"]);
        assert_eq!(arguments(&["code", "--wait"]), ["--wait", "f"]);
    }
}

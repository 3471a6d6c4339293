//! One program run for its answer.
//!
//! Always holds: the program is gone when this returns; it gets [`DEADLINE`] and may say [`MAX_OUTPUT`] bytes on either stream.

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

const DEADLINE: Duration = Duration::from_secs(10);
/// The longest true answer is the compiled executor in hexadecimal, some 100 KiB.
const MAX_OUTPUT: usize = 4 << 20;

/// What a program said.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Answer {
    /// The reason a failed program gave: how it ended, and the last line it wrote to stderr.
    pub(super) fn reason(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing");
        // The text is hostile: no control characters, no flood.
        let last: String = last.chars().filter(|c| !c.is_control()).take(300).collect();
        format!("{} ({last})", self.status)
    }
}

/// Runs `command` (its stdin is the caller's choice) in a process group of its own.
///
/// # Errors
/// It could not be started, said too much, or did not end in time.
pub(super) fn answer(command: &mut Command) -> Result<Answer, String> {
    within(DEADLINE, command)
}

fn within(time: Duration, command: &mut Command) -> Result<Answer, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(|error| format!("cannot start {program}: {error}"))?;
    let group = Pid::from_raw(child.id().cast_signed());
    let heard = listen(&mut child, Instant::now() + time);
    // Also what it left behind. The group cannot be another's yet: the child has not been reaped, or was just now.
    let _ = killpg(group, Signal::SIGKILL);
    let status = child.wait().map_err(|error| format!("cannot wait for {program}: {error}"))?;
    let (stdout, stderr) = heard?;
    Ok(Answer { status, stdout, stderr })
}

/// Reads both streams to their ends, then waits for the exit, all until `deadline`.
fn listen(child: &mut Child, deadline: Instant) -> Result<(Vec<u8>, Vec<u8>), String> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else { return Err("no pipes".to_owned()) };
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        let flags = |open: bool| if open { PollFlags::POLLIN } else { PollFlags::empty() };
        let mut fds = [PollFd::new(stdout.as_fd(), flags(out_open)), PollFd::new(stderr.as_fd(), flags(err_open))];
        let ready = poll(&mut fds, PollTimeout::try_from(left(deadline)?).unwrap_or(PollTimeout::ZERO));
        let [out_ready, err_ready] = fds.map(|fd| fd.any().unwrap_or(false));
        match ready {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(format!("cannot poll its output: {error}")),
        }
        if out_open && out_ready {
            out_open = take(&mut stdout, &mut out)?;
        }
        if err_open && err_ready {
            err_open = take(&mut stderr, &mut err)?;
        }
    }
    while child.try_wait().map_err(|error| format!("cannot wait for it: {error}"))?.is_none() {
        std::thread::sleep(Duration::from_millis(1).min(left(deadline)?));
    }
    Ok((out, err))
}

/// Time until `deadline`.
fn left(deadline: Instant) -> Result<Duration, String> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(format!("did not answer in time ({} s)", DEADLINE.as_secs())) } else { Ok(left) }
}

/// Takes what is there; false at the end of the stream.
fn take(from: &mut impl Read, into: &mut Vec<u8>) -> Result<bool, String> {
    let mut buffer = [0; 8192];
    let count = match from.read(&mut buffer) {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(true),
        read => read.map_err(|error| format!("cannot read its output: {error}"))?,
    };
    into.extend_from_slice(buffer.get(..count).unwrap_or_default());
    if into.len() > MAX_OUTPUT { Err(format!("said more than {MAX_OUTPUT} bytes")) } else { Ok(count > 0) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Answer, String> {
        answer(Command::new("/bin/sh").args(["-c", script]).stdin(Stdio::null()))
    }

    #[test]
    fn hears_both_streams_and_the_status() {
        let answer = shell("echo out; printf 'a\\nb\\033c\\n' >&2; exit 3").unwrap();
        assert_eq!((answer.stdout.as_slice(), answer.status.code()), (b"out\n".as_slice(), Some(3)));
        assert_eq!(answer.reason(), "exit status: 3 (bc)");
    }

    #[test]
    fn a_flood_ends_the_program() {
        assert!(shell("exec cat /dev/zero").unwrap_err().contains("said more than"));
    }

    #[test]
    fn silence_ends_the_program_and_what_it_left_behind() {
        for script in ["exec sleep 1000", "sleep 1000 & exit 0", "exec >&- 2>&-; exec sleep 1000"] {
            let said = within(Duration::from_millis(200), Command::new("/bin/sh").args(["-c", script]).stdin(Stdio::null()));
            assert!(said.unwrap_err().contains("did not answer in time"), "{script}");
        }
    }

    #[test]
    fn what_cannot_be_started_is_named() {
        assert!(answer(Command::new("/nonexistent").stdin(Stdio::null())).unwrap_err().contains("/nonexistent"));
    }
}

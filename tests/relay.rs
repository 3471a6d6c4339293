//! Output of a program passed on: whoever reads it, or does not, no limit and no signal waits for them, and what waits goes on when they read.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use libtest_mimic::Trial;
use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, pipe2};
use remand_tests::command::{binary, scale, until};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::json;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("relay::a_reader_that_does_not_read_holds_no_limit_up [9.50]", not_read),
        trial("relay::nor_does_one_that_begins_late [9.50]", read_late),
        trial("relay::what_waits_goes_on_before_the_end [9.50]", goes_on),
        trial("relay::a_reader_that_is_gone_is_noticed_without_more_output [9.50]", gone),
    ]
}

/// A program of the host under the default policy, this to be its standard output.
struct Run {
    _scratch: Scratch,
    remand: Child,
    /// All of standard error; until then nothing.
    told: Receiver<String>,
    /// One message as soon as there is anything on it.
    begun: Receiver<()>,
}

impl Run {
    fn start(stdout: OwnedFd, wall: u32, code: &str) -> Result<Self, End> {
        let scratch = Scratch::new();
        let limits = json!({ "limits": { "wall_time": format!("{}ms", wall * scale()), "stdout": "64MiB", "cpu_time": "unlimited" } });
        let mut command = Command::new(binary());
        command.args(["exec", "--policy", &policy_text::write(&scratch, &limits).display().to_string()]);
        command.args(["--", "python3", "-I", "-S", "-c", &format!("import os, time\n{code}")]);
        let mut remand = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).spawn()?;
        let mut stderr = remand.stderr.take().ok_or_else(|| "no standard error".to_owned())?;
        let ((tell, told), (begin, begun)) = (channel(), channel());
        std::thread::spawn(move || {
            let mut all = vec![0];
            let first = stderr.read_exact(&mut all);
            let _ = first.and_then(|()| begin.send(()).map_err(std::io::Error::other)).and_then(|()| stderr.read_to_end(&mut all));
            tell.send(String::from_utf8_lossy(&all).into_owned())
        });
        Ok(Self { _scratch: scratch, remand, told, begun })
    }

    /// The program has said so on standard error.
    fn begun(&self) -> Check {
        until(|| self.begun.try_recv().ok()).ok_or_else(|| End::Fail("the program did not begin".into()))
    }

    /// Whether the supervisor has no children any more.
    fn is_over(&self) -> bool {
        let pid = self.remand.id();
        let children = || fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).is_ok_and(|text| !text.is_empty());
        until(|| (!children()).then_some(())).is_some()
    }

    fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.remand.id().cast_signed()), signal);
    }

    /// Its exit code and standard error.
    fn end(&mut self) -> Result<(Option<i32>, String), End> {
        let status = until(|| self.remand.try_wait().ok().flatten()).ok_or_else(|| End::Fail("no end".into()))?;
        Ok((status.code(), self.told.recv().map_err(|error| error.to_string())?))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.remand.kill();
        let _ = self.remand.wait();
    }
}

/// A pipe, a socket and a terminal: the end to read from, and the other.
fn streams() -> Result<[(&'static str, File, OwnedFd); 3], End> {
    let failed = |errno: nix::errno::Errno| End::Fail(errno.to_string());
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    let (ours, theirs) = UnixStream::pair()?;
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).map_err(failed)?;
    grantpt(&master).and_then(|()| unlockpt(&master)).map_err(failed)?;
    let terminal = File::options().read(true).write(true).open(ptsname_r(&master).map_err(failed)?)?;
    let master = File::from(master.as_fd().try_clone_to_owned()?);
    Ok([
        ("a pipe", reader.into(), writer),
        ("a socket", OwnedFd::from(ours).into(), theirs.into()),
        ("a terminal", master, terminal.into()),
    ])
}

/// What a stream gives, to its end.
fn drained(mut reader: File) -> std::thread::JoinHandle<usize> {
    // A terminal ends with an error.
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = reader.read_to_end(&mut all);
        all.len()
    })
}

const FLOOD: &str = "
for _ in range(40):
    os.write(1, b'x' * 65536)
os.write(2, b'.')
time.sleep(100000)";

fn not_read() -> Check {
    for (name, reader, writer) in streams()? {
        let mut run = Run::start(writer, 1500, FLOOD)?;
        run.begun()?;
        ensure(run.is_over(), "the run is stopped by its limit although nobody reads", &name)?;
        let read = drained(reader);
        let (code, told) = run.end()?;
        ensure(code == Some(5) && told.contains("over limits.wall_time"), name, &(code, told))?;
        // The control: whoever reads after all gets everything.
        let read = read.join().unwrap_or_default();
        ensure(read == 40 << 16, "nothing is lost", &(name, read))?;
    }
    Ok(())
}

/// Cancelled, so that the program's own end does not write the rest.
fn goes_on() -> Check {
    for (name, mut reader, writer) in streams()? {
        let mut run = Run::start(writer, 300_000, FLOOD)?;
        run.begun()?;
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let mut all = vec![0; 40 << 16];
            tell.send(reader.read_exact(&mut all).map(|()| reader))
        });
        let whole = until(|| told.try_recv().ok()).is_some_and(|read| read.is_ok());
        ensure(whole, "all of it comes while the program sleeps", &name)?;
        run.signal(Signal::SIGTERM);
        let (code, told) = run.end()?;
        ensure(code == Some(7), "the control: it still slept", &(name, code, told))?;
    }
    Ok(())
}

/// 60 MiB wait when the reader begins, and a little more comes all the time.
fn read_late() -> Check {
    let [(_, reader, writer), ..] = streams()?;
    let code = "
for _ in range(960):
    os.write(1, b'x' * 65536)
os.write(2, b'.')
while True:
    time.sleep(.02)
    os.write(1, b'y')";
    let mut run = Run::start(writer, 4000, code)?;
    run.begun()?;
    let read = drained(reader);
    let (code, told) = run.end()?;
    ensure(code == Some(5), "stopped by its limit", &(code, &told))?;
    // The record's own account of how long the run lived.
    let seen = told.split(" allowed, ").nth(1).and_then(|rest| rest.split_once(" seen")).map(|(seen, _)| seen.to_owned());
    let seconds = seen.and_then(|seen| seen.strip_suffix(" s")?.parse::<f64>().ok()).unwrap_or(f64::MAX);
    ensure(seconds < 8.0 * f64::from(scale()), "it did not outlive it by as much again", &told)?;
    let read = read.join().unwrap_or_default();
    ensure(read > 960 << 16, "the control: all of it was passed on", &read)
}

fn gone() -> Check {
    for (name, reader, writer) in streams()? {
        if name == "a terminal" {
            continue; // its closing is a signal to whoever it controls
        }
        let mut run = Run::start(writer, 300_000, FLOOD)?;
        run.begun()?;
        drop(reader);
        ensure(run.is_over(), "the run is cancelled when nobody can read what waits", &name)?;
        let (code, told) = run.end()?;
        ensure(code == Some(11), name, &(code, told))?;
    }
    Ok(())
}

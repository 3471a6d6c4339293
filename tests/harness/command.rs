//! Runs the command under test and reads what it answered.
//!
//! Always holds: the binary is REMAND_BIN or the one built beside these tests; every wait has an end; what is kept of the output is bounded.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::scratch::Scratch;
use crate::{End, policy_text};

/// Most bytes kept of one stream.
const KEPT: u64 = 64 << 20;

/// Longest that one command may take before its test fails, unscaled.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much slower than a plain machine this one is (an emulated one: 20 to 50), from REMAND_TEST_SCALE.
#[must_use]
pub fn scale() -> u32 {
    std::env::var("REMAND_TEST_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(1).max(1)
}

/// The command under test.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("REMAND_BIN") {
        return path.into();
    }
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let built = ["release/remand", "debug/remand"].iter().map(|name| target.join(name)).find(|path| path.exists());
    built.unwrap_or_else(|| panic!("no remand to test: set REMAND_BIN or build it first (cargo build --release)"))
}

/// One call of a command, to be.
#[derive(Debug)]
pub struct Call {
    command: Command,
    input: Option<Vec<u8>>,
    files: Option<Scratch>,
}

impl Call {
    /// `remand ARGS...` with nothing on standard input.
    #[must_use]
    pub fn new<S: AsRef<OsStr>>(args: &[S]) -> Self {
        Self::program(&binary(), args)
    }

    /// Any other program, as a control.
    #[must_use]
    pub fn program<S: AsRef<OsStr>>(program: &Path, args: &[S]) -> Self {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, input: None, files: None }
    }

    /// `remand run --json [ARGS...] -` with the code on standard input. On a slow machine the default policy's time limits grow, as those of tests' own do.
    #[must_use]
    pub fn run(code: &str, args: &[String]) -> Self {
        let mut all: Vec<OsString> = vec!["run".into(), "--json".into()];
        let slow = (scale() > 1 && !args.iter().any(|arg| arg == "--policy")).then(Scratch::new);
        all.extend(slow.iter().flat_map(|scratch| ["--policy".into(), policy_text::write(scratch, &json!({})).into()]));
        all.extend(args.iter().map(OsString::from));
        all.push("-".into());
        Self { files: slow, ..Self::new(&all).input(code.as_bytes()) }
    }

    /// Bytes for standard input.
    #[must_use]
    pub fn input(mut self, bytes: &[u8]) -> Self {
        self.input = Some(bytes.to_vec());
        self.command.stdin(Stdio::piped());
        self
    }

    /// One environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Working directory.
    #[must_use]
    pub fn cwd(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    /// A file for standard error, to be read while it runs.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn stderr_to(mut self, path: &Path) -> std::io::Result<Self> {
        self.command.stderr(std::fs::File::create(path)?);
        Ok(self)
    }

    /// The same for standard output.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn stdout_to(mut self, path: &Path) -> std::io::Result<Self> {
        self.command.stdout(std::fs::File::create(path)?);
        Ok(self)
    }

    /// Starts it.
    #[must_use]
    pub fn start(mut self) -> Started {
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("cannot start {:?}: {error}", self.command));
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), self.input.take()) {
            std::thread::spawn(move || pipe.write_all(&bytes)); // a command that does not read its input is no error here
        }
        let stdout = gather(child.stdout.take());
        let stderr = gather(child.stderr.take());
        Started { child, stdout, stderr, _files: self.files }
    }

    /// Starts it and waits for its end.
    ///
    /// # Errors
    /// It did not end in bounded time.
    pub fn end(self) -> Result<Ended, End> {
        self.start().end()
    }
}

fn gather(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.by_ref().take(KEPT).read_to_end(&mut kept);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        sender.send(kept)
    });
    receiver
}

/// A command that was started.
#[derive(Debug)]
pub struct Started {
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    /// What it reads, there as long as it is.
    _files: Option<Scratch>,
}

impl Started {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Sends it a signal, unless it has ended already.
    pub fn signal(&mut self, signal: Signal) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill(self.pid(), signal);
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It did not end in bounded time, or something kept its output open after that; it is killed then.
    pub fn end(mut self) -> Result<Ended, End> {
        let Some(status) = until(|| self.child.try_wait().ok().flatten()) else {
            let _ = self.child.kill();
            let _ = self.child.wait();
            return Err(End::Fail(format!("no end within {:?}", PATIENCE * scale())));
        };
        let patience = PATIENCE * scale();
        let stdout = self.stdout.recv_timeout(patience).map_err(|_| "its standard output stayed open after its end".to_owned())?;
        let stderr = self.stderr.recv_timeout(patience).map_err(|_| "its standard error stayed open after its end".to_owned())?;
        Ok(Ended { code: status.code(), signal: status.signal(), stdout, stderr })
    }
}

/// Runs until one was heard, some times. The 20 ms that a run has at a limit to say what it has to say are a bound and no promise: a busy host may have no processor
/// for it meanwhile.
///
/// # Errors
/// A run's own.
pub fn heard<T>(run: impl Fn() -> Result<T, End>, says: impl Fn(&T) -> bool) -> Result<T, End> {
    for _ in 1..5 {
        let ended = run()?;
        if says(&ended) {
            return Ok(ended);
        }
    }
    run()
}

/// Asks again and again until there is an answer, or the patience is used up.
pub fn until<T>(ask: impl FnMut() -> Option<T>) -> Option<T> {
    until_for(PATIENCE * scale(), ask)
}

/// The same with another patience.
pub fn until_for<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + patience;
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// A command that ended.
pub struct Ended {
    /// Its exit code, if it was not killed.
    pub code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, signal, .. } = self;
        write!(f, "code {code:?}, signal {signal:?}, stdout {:.2000?}, stderr {:.2000?}", self.out(), self.err())
    }
}

impl Ended {
    /// Standard output as text.
    #[must_use]
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    #[must_use]
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The outcome record that `--json` printed: standard output is that and nothing else.
    ///
    /// # Errors
    /// What was printed instead.
    pub fn outcome(&self) -> Result<Value, End> {
        outcome(&self.stdout)
            .map_err(|why| End::Fail(format!("{why}; exit {:?}, signal {:?}, stderr: {}", self.code, self.signal, self.err())))
    }
}

/// Parses an outcome record and checks that it has the documented top-level keys.
fn outcome(stdout: &[u8]) -> Result<Value, String> {
    let value: Value =
        serde_json::from_slice(stdout).map_err(|error| format!("no outcome record: {error}: {:.300}", String::from_utf8_lossy(stdout)))?;
    for key in [
        "version",
        "run",
        "policy",
        "verdict",
        "value",
        "error",
        "prints",
        "stdout",
        "stderr",
        "violations",
        "usage",
        "timing",
        "enforcement",
    ] {
        if value.get(key).is_none() {
            return Err(format!("the outcome record has no {key}: {value}"));
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_must_be_whole() {
        assert!(outcome(b"").is_err());
        assert!(outcome(b"{\"version\":1}").is_err());
        assert!(outcome(b"{} {}").is_err());
        let full = r#"{"version":1,"run":"","policy":{},"verdict":{},"value":null,"error":null,"prints":[],"stdout":{},"stderr":{},"violations":[],"usage":{},"timing":[],"enforcement":{}}"#;
        assert!(outcome(full.as_bytes()).is_ok());
        assert!(outcome(format!("{full} trailing").as_bytes()).is_err());
    }

    #[test]
    fn output_and_code_come_back() {
        let ended = Call::program(Path::new("/bin/sh"), &["-c", "cat; echo err >&2; exit 7"]).input(b"in").end().unwrap();
        assert_eq!((ended.code, ended.out().as_str(), ended.err().as_str()), (Some(7), "in", "err\n"));
    }

    #[test]
    fn a_signal_reaches_it() {
        let mut started = Call::program(Path::new("/bin/sleep"), &["1000"]).start();
        started.signal(Signal::SIGTERM);
        assert_eq!(started.end().unwrap().signal, Some(15));
    }
}

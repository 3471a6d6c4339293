//! A running `remand serve`, and who asks it, by curl.
//!
//! Always holds: it ends with this value, with its runs; its socket lies in a directory of its own.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::End;
use crate::command::{Call, Ended, Started, until};
use crate::processes::{Process, all};
use crate::scratch::Scratch;

/// See the module.
#[derive(Debug)]
pub struct Daemon {
    started: Option<Started>,
    scratch: Scratch,
    pid: Pid,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Of HTTP; 0: none.
    pub status: u16,
    /// The head, as it came.
    pub head: String,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Daemon {
    /// Starts one with these arguments besides.
    ///
    /// # Errors
    /// It does not listen.
    pub fn start(args: &[&str]) -> Result<Self, End> {
        Self::beside(Scratch::new(), |socket| Call::new(&[&["serve", "--log", "json", "--socket", socket], args].concat()))
    }

    /// Starts a program that is one, at a socket in this directory.
    ///
    /// # Errors
    /// It does not listen.
    pub fn beside(scratch: Scratch, call: impl FnOnce(&str) -> Call) -> Result<Self, End> {
        let socket = scratch.path().join("s.sock");
        let started = call(&socket.display().to_string()).stderr_to(&scratch.path().join("log"))?.start();
        let daemon = Self { pid: started.pid(), started: Some(started), scratch };
        match until(|| UnixStream::connect(daemon.socket()).ok().map(drop).or_else(|| daemon.ended().then_some(()))) {
            Some(()) if !daemon.ended() => Ok(daemon),
            _ => Err(End::Fail(format!("it does not listen: {}", daemon.log()))),
        }
    }

    fn ended(&self) -> bool {
        !all().iter().any(|process| process.pid == self.pid.as_raw())
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.scratch.path().join("s.sock")
    }

    /// Its directory.
    #[must_use]
    pub fn place(&self) -> &Path {
        self.scratch.path()
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
    }

    /// Waits until it has logged a line with all of these.
    #[must_use]
    pub fn logs(&self, words: &[&str]) -> bool {
        until(|| self.log().lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(())).is_some()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill(self.pid, signal);
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not end.
    pub fn end(mut self) -> Result<Ended, End> {
        self.started.take().ok_or_else(|| "it has ended".to_owned())?.end()
    }

    /// Its fronts.
    #[must_use]
    pub fn fronts(&self) -> Vec<Process> {
        self.children(true)
    }

    /// Its forkservers, and the inits of runs.
    #[must_use]
    pub fn others(&self) -> Vec<Process> {
        self.children(false)
    }

    fn children(&self, fronts: bool) -> Vec<Process> {
        all().into_iter().filter(|process| parent(process.pid) == Some(self.pid.as_raw()) && is_front(process.pid) == fronts).collect()
    }

    /// Asks as this process's user.
    ///
    /// # Errors
    /// The skip: there is no curl.
    pub fn ask(&self, args: &[&str], path: &str) -> Result<Answer, End> {
        self.ask_as(None, args, path)
    }

    /// Submits a request and waits.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn run(&self, request: &Value) -> Result<Answer, End> {
        self.ask(&["-d", &request.to_string()], "/v1/runs")
    }

    /// Asks as another user.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn ask_as(&self, user: Option<u32>, args: &[&str], path: &str) -> Result<Answer, End> {
        let output = self.curl(user, args, path)?.output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (text, head) = text.rsplit_once("\n--head--\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Ok(Answer { status, head: head.to_owned(), text: text.to_owned() })
    }

    /// The command that asks. What it prints ends with the head.
    ///
    /// # Errors
    /// The skip: there is no curl.
    pub fn curl(&self, user: Option<u32>, args: &[&str], path: &str) -> Result<Command, End> {
        if !Path::new("/usr/bin/curl").exists() {
            return Err(End::Skip("curl".to_owned()));
        }
        let mut curl = Command::new("/usr/bin/curl");
        curl.args(["-sS", "-N", "-m", "60", "--unix-socket"]).arg(self.socket()).args(args).arg(format!("http://remand{path}"));
        curl.args(["-w", "\n--head--\nHTTP %{http_code} %header{location} %header{retry-after} %header{content-type}"]);
        curl.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(user) = user {
            curl.uid(user).gid(user);
        }
        Ok(curl)
    }

    /// A connection on which these bytes were sent.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn raw(&self, bytes: &[u8]) -> Result<UnixStream, End> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.write_all(bytes)?;
        Ok(stream)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut started) = self.started.take() {
            // The second ends what goes on; what it keeps for runs is removed only by itself.
            started.signal(Signal::SIGTERM);
            started.signal(Signal::SIGINT);
            if until(|| self.ended().then_some(())).is_none() {
                started.signal(Signal::SIGKILL);
            }
            // Waited for, lest other trials find it.
            let _ = started.end();
        }
    }
}

/// Fronts of daemons that are no more, whoever's they were.
#[must_use]
pub fn orphans() -> Vec<Process> {
    let serves = |pid: i32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).nth(1).is_some_and(|word| word == b"serve" || word == b"--be-a-supervisor"))
    };
    all().into_iter().filter(|process| is_front(process.pid) && !parent(process.pid).is_some_and(serves)).collect()
}

fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn is_front(pid: i32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.split(|byte| *byte == 0).nth(1) == Some(b"front-of-serve"))
}

//! What is done with a command line of a runtime: understood, the configuration that it names narrowed, handed on.
//!
//! Always holds: the runtime is started for a container only after everything that it will read of it was narrowed and written.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use remand_engine::trust::{self, Distrust};
use remand_engine::{Effective, Engine, Refusal};
use remand_policy::source::{LARGEST, Source};
use remand_policy::text::Problem;
use remand_syscalls::Arch;
use serde_json::{Value, json};

use crate::command::{self, Call, Line, Unclear};
use crate::document::{Document, Unusable};
use crate::host::Host;
use crate::narrow::{self, Asked, Refused};
use crate::runtime::{Runtime, RuntimeError};
use crate::settings::{self, Absent, Settings};

/// Where an administrator says what containers are held to.
const FILE: &str = "/etc/remand/oci.jsonc";

/// Why the runtime was not started.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The command line.
    #[error(transparent)]
    Unclear(#[from] Unclear),
    /// The configuration of this front cannot be opened or trusted.
    #[error("{FILE}: {}", .0.of(Path::new(FILE)))]
    Distrusted(Distrust),
    /// It cannot be read.
    #[error("{FILE}: {0}")]
    Unreadable(std::io::Error),
    /// It is not understood.
    #[error("{FILE}: {}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings {
        /// Its text.
        text: Source,
        /// Every problem.
        problems: Vec<Problem>,
    },
    /// There is no policy to hold a container to.
    #[error(transparent)]
    Policy(#[from] Refusal),
    /// A file that the runtime would read.
    #[error(transparent)]
    Document(#[from] Unusable),
    /// What the container asks for and cannot be held to.
    #[error("container {id} is refused under policy {policy}: {}", told(.refused))]
    Refused {
        /// The container.
        id: String,
        /// The policy's name.
        policy: String,
        /// Everything.
        refused: Vec<Refused>,
    },
    /// Nobody is told refused calls.
    #[error("the agent at {socket} is not there: {error}")]
    NoAgent {
        /// Its socket.
        socket: String,
        /// The kernel's answer.
        error: std::io::Error,
    },
    /// The runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

fn told(refused: &[Refused]) -> String {
    refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
}

/// Where a runtime tells its errors to whoever started it.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    json: bool,
}

/// The runtime was not started.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub stop: Stop,
    /// Where engines look for a runtime's message besides standard error.
    pub log: Option<Log>,
}

/// Does what the arguments behind the program's name say: narrows, and becomes the runtime.
///
/// # Errors
/// Why it does not.
pub fn run(args: &[OsString]) -> Result<Infallible, Box<Stopped>> {
    let line = command::parse(args).map_err(|unclear| Stopped { stop: unclear.into(), log: None })?;
    let log = line.log.clone().map(|path| Log { path, json: line.json });
    act(args, &line).map_err(|stop| Box::new(Stopped { stop, log }))
}

fn act(args: &[OsString], line: &Line) -> Result<Infallible, Stop> {
    let settings = settings()?;
    let runtime = Runtime::find(settings.runtime.as_deref())?;
    match &line.call {
        Call::Pass | Call::Exec { process: None, .. } => {}
        Call::Make { bundle, id } => make(&settings, bundle.as_deref().unwrap_or(Path::new(".")), id)?,
        Call::Exec { process: Some(process), id } => exec(&settings, process, id, &runtime.state(&line.globals, id)?)?,
    }
    Ok(runtime.become_it(args)?)
}

fn make(settings: &Settings, bundle: &Path, id: &str) -> Result<(), Stop> {
    let document = Document::open(&bundle.join("config.json"))?;
    let mut config = document.read()?;
    let policy = policy(settings, &config, id)?;
    let listener = listener(settings)?;
    let asked = Asked { id, policy: policy.policy(), arch: Arch::HERE, listener, facts: &Host { bundle } };
    narrow::container(&mut config, &settings.annotations, &asked).map_err(|refused| stop(&asked, refused))?;
    Ok(document.replace(&config)?)
}

/// Under the policy of the container, which its annotations say as they did when it was made.
fn exec(settings: &Settings, process: &Path, id: &str, state: &Value) -> Result<(), Stop> {
    let policy = policy(settings, state, id)?;
    let document = Document::open(process)?;
    let mut value = document.read()?;
    let asked = Asked { id, policy: policy.policy(), arch: Arch::HERE, listener: None, facts: &Host { bundle: Path::new(".") } };
    narrow::process(&mut value, &asked).map_err(|refused| stop(&asked, refused))?;
    Ok(document.replace(&value)?)
}

fn policy(settings: &Settings, annotated: &Value, id: &str) -> Result<Effective, Stop> {
    let chosen = narrow::chosen(&narrow::annotations_of(annotated), settings);
    let name = chosen.map_err(|refused| Stop::Refused { id: id.to_owned(), policy: settings.policy.clone(), refused: vec![refused] })?;
    Ok(Engine::from_environment().policy(name, &Value::Null)?)
}

fn stop(asked: &Asked<'_>, refused: Vec<Refused>) -> Stop {
    Stop::Refused { id: asked.id.to_owned(), policy: asked.policy.name.clone(), refused }
}

/// The agent's socket, where there is one that answers.
fn listener(settings: &Settings) -> Result<Option<&str>, Stop> {
    let Some(agent) = &settings.agent else { return Ok(None) };
    match UnixStream::connect(&agent.socket) {
        Ok(_) => Ok(Some(&agent.socket)),
        Err(_) if agent.absent == Absent::Unlogged => Ok(None),
        Err(error) => Err(Stop::NoAgent { socket: agent.socket.clone(), error }),
    }
}

/// What the administrator says; without a file, what is built in.
///
/// # Errors
/// The file is there and cannot be trusted or understood.
pub fn settings() -> Result<Settings, Stop> {
    let Some(file) = trust::open_if_there(Path::new(FILE)).map_err(Stop::Distrusted)? else { return Ok(Settings::default()) };
    let mut text = Vec::new();
    file.take(LARGEST as u64 + 1).read_to_end(&mut text).map_err(Stop::Unreadable)?;
    let source = Source { file: FILE.to_owned(), text: text.into() };
    settings::read(&source).map_err(|problems| Stop::Settings { text: source, problems })
}

impl Log {
    /// Says it as the runtime would. Whoever cannot be told here finds it on standard error.
    pub fn tell(&self, message: &str) {
        let line = if self.json { json!({ "level": "error", "msg": message }).to_string() } else { message.to_owned() };
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        let file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(&self.path);
        let _ = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    }
}

//! The runtime itself: where it is, what it says of a container, and becoming it.
//!
//! Always holds: it gets the arguments that were given, unchanged; what it answers is bounded before it is read.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Names the runtime, before the configuration does.
const VARIABLE: &str = "REMAND_OCI_RUNTIME";
/// Those that are looked for otherwise, and where.
const NAMES: &[&str] = &["crun", "runc"];
const DIRECTORIES: &[&str] = &["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec/crun", "/bin", "/sbin"];
/// Most bytes of an answer.
const LARGEST: u64 = 4 << 20;

/// A runtime.
#[derive(Clone, Debug)]
pub struct Runtime(PathBuf);

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// None was found.
    #[error("no OCI runtime: {} is in none of {}", NAMES.join(" or "), DIRECTORIES.join(", "))]
    None,
    /// The one that is named is not there, or cannot be started.
    #[error("the OCI runtime {}: {error}", path.display())]
    Unusable {
        /// As named.
        path: PathBuf,
        /// The kernel's answer.
        error: io::Error,
    },
    /// It would start itself for ever.
    #[error("the OCI runtime {} is remand itself", .0.display())]
    Itself(PathBuf),
    /// It does not say what a container is.
    #[error("the OCI runtime does not tell the state of container {id}: {answer}")]
    NoState {
        /// Which.
        id: String,
        /// What it said.
        answer: String,
    },
}

impl Runtime {
    /// The one that the environment names, or the configuration, or the first that is found.
    ///
    /// # Errors
    /// There is none.
    pub fn find(configured: Option<&str>) -> Result<Self, RuntimeError> {
        let named = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).or_else(|| configured.map(OsString::from));
        let candidates = match &named {
            Some(name) if Path::new(name).is_absolute() => vec![PathBuf::from(name)],
            Some(name) => installed(name).collect(),
            None => NAMES.iter().flat_map(|name| installed(OsStr::new(name))).collect(),
        };
        let Some(path) = candidates.iter().find(|path| path.exists()).or(candidates.first()) else { return Err(RuntimeError::None) };
        let unusable = |error| RuntimeError::Unusable { path: path.clone(), error };
        let (found, own) = (fs::metadata(path), fs::metadata("/proc/self/exe"));
        let found = match (found, named) {
            (Err(_), None) => return Err(RuntimeError::None),
            (found, _) => found.map_err(unusable)?,
        };
        if own.is_ok_and(|own| (own.dev(), own.ino()) == (found.dev(), found.ino())) {
            return Err(RuntimeError::Itself(path.clone()));
        }
        Ok(Self(path.clone()))
    }

    /// The state of a container.
    ///
    /// # Errors
    /// It does not say.
    pub fn state(&self, globals: &[OsString], id: &str) -> Result<Value, RuntimeError> {
        let mut command = Command::new(&self.0);
        command.args(globals).args(["state", id]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let no_state = |answer: String| RuntimeError::NoState { id: id.to_owned(), answer };
        let mut child = command.spawn().map_err(|error| RuntimeError::Unusable { path: self.0.clone(), error })?;
        let (mut answer, mut told) = (Vec::new(), Vec::new());
        // What it says of errors is short enough for the pipe.
        let read = child.stdout.take().map(|stdout| stdout.take(LARGEST).read_to_end(&mut answer));
        let _ = child.stderr.take().map(|stderr| stderr.take(4096).read_to_end(&mut told));
        let ended = child.wait();
        match (read.transpose(), ended) {
            (Ok(_), Ok(status)) if status.success() => serde_json::from_slice(&answer).map_err(|error| no_state(error.to_string())),
            (Err(error), _) | (_, Err(error)) => Err(no_state(error.to_string())),
            (Ok(_), Ok(status)) => Err(no_state(format!("{status}: {}", String::from_utf8_lossy(&told).trim()))),
        }
    }

    /// Becomes it.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn become_it(&self, args: &[OsString]) -> Result<Infallible, RuntimeError> {
        Err(RuntimeError::Unusable { path: self.0.clone(), error: Command::new(&self.0).args(args).exec() })
    }
}

fn installed(name: &OsStr) -> impl Iterator<Item = PathBuf> {
    let name = name.to_owned();
    DIRECTORIES.iter().map(move |directory| Path::new(directory).join(&name))
}

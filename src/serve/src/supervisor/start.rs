//! What a supervisor begins with: where things are, its configuration, what it was started with.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::thread::available_parallelism;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;
use remand_engine::close_on_exec;
use remand_engine::trust::{Distrust, open_if_there};
use remand_policy::source::{LARGEST, Source};
use remand_policy::text::Problem as Wrong;

use crate::config::{self, Config};

/// Where things are.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The socket; else the usual one.
    pub socket: Option<PathBuf>,
    /// The configuration; else the usual one, if it is there.
    pub config: Option<PathBuf>,
    /// Without a configuration: everybody may run something.
    pub everybody: bool,
}

/// Why there is no daemon.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration cannot be trusted or opened.
    #[error("the configuration {}: {}", path.display(), distrust.of(path))]
    Distrusted {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        distrust: Distrust,
    },
    /// It is not there, or cannot be read.
    #[error("the configuration {}: {why}", path.display())]
    Unreadable {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It is not understood.
    #[error("the configuration: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Wrong {
        /// Its text.
        text: Source,
        /// Every problem.
        problems: Vec<Wrong>,
    },
    /// There is no socket.
    #[error("the socket {}: {why}", path.display())]
    Socket {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Not even this process's own namespaces can be looked at.
    #[error("this process's own namespaces cannot be looked at in /proc: {error}")]
    Namespaces {
        /// The kernel's answer.
        error: std::io::Error,
    },
    /// The kernel refuses something.
    #[error("{what}: {errno}")]
    Kernel {
        /// What.
        what: &'static str,
        /// Its answer.
        errno: Errno,
    },
}

pub(super) fn kernel(what: &'static str) -> impl FnOnce(Errno) -> ServeError {
    move |errno| ServeError::Kernel { what, errno }
}

fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// The configuration, as it is used; with its file, if there is one.
///
/// # Errors
/// It cannot be used.
pub fn configured(places: &Places) -> Result<(Config, Option<PathBuf>), ServeError> {
    let path = places.config.clone().unwrap_or_else(|| config::FILE.into());
    let unreadable = |why: String| ServeError::Unreadable { path: path.clone(), why };
    let opened = open_if_there(&path).map_err(|distrust| ServeError::Distrusted { path: path.clone(), distrust })?;
    let Some(file) = opened else {
        if places.config.is_some() {
            return Err(unreadable("there is no such file".to_owned()));
        }
        return Ok((Config::without_file(geteuid().as_raw(), processors(), places.everybody), None));
    };
    let mut text = Vec::new();
    let length = file.take(LARGEST as u64 + 1).read_to_end(&mut text).map_err(|error| unreadable(error.to_string()))?;
    if length > LARGEST {
        return Err(unreadable(format!("larger than {LARGEST} bytes")));
    }
    let source = Source { file: path.to_string_lossy().into_owned(), text: text.into() };
    match config::read(&source, processors()) {
        Ok(config) => Ok((config, Some(path))),
        Err(problems) => Err(ServeError::Wrong { text: source, problems }),
    }
}

/// What whoever started this left open is no front's: the socket of a service manager above all.
pub(super) fn keep_to_itself() -> Result<(), Errno> {
    let open = fs::read_dir("/proc/self/fd").map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    let numbers: Vec<i32> = open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // The directory's own is gone by now.
    numbers.into_iter().filter(|number| *number > 2).try_for_each(|number| match close_on_exec(number) {
        Err(Errno::EBADF) => Ok(()),
        done => done,
    })
}

/// A run needs some forty, a front one.
pub(super) fn raise_descriptors() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(65536).max(soft), hard); // what is there then is what there is
    }
}

/// Tells whoever started this as a service.
pub(super) fn notify(state: &str) {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match name.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&name),
    };
    // Who does not listen misses it.
    let _ = UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(state.as_bytes(), &address?));
}

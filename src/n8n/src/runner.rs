//! The beginning of a runner: what is set is read, the front is started with the token, and this process becomes the supervisor.
//!
//! Always holds: becoming it is an exec, after which neither this process's memory nor its environment has a token; what cannot be used is told, and nothing is
//! started then.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use remand_engine::close_on_exec;
use remand_engine::host::{Depth, observe};
use remand_front::peer::Peer;
use remand_front::{memory, wire};

use crate::front;
use crate::ids::id;
use crate::log::{Form, Log};
use crate::packets::{Begin, Tell};
use crate::settings::{Level, SECRETS, Settings, Token, Unusable, environment, token};
use crate::supervisor;

/// Ids below the first of runs' that fronts of a daemon may have.
const OTHERS: u32 = 257;

/// How the log is written, for somebody who looks on or not.
#[must_use]
pub fn form(settings: Option<&Settings>, terminal: bool) -> Form {
    let least = settings.map_or(Level::Info, |settings| settings.level);
    Form { least, times: terminal, colors: terminal && !settings.is_some_and(|settings| settings.no_color) }
}

/// Becomes a runner; gives the exit status where it cannot. `terminal`: somebody looks on.
pub fn begin(terminal: bool, say: &dyn Fn(&str)) -> u8 {
    let settings = Settings::read(&environment());
    let log = Log::new(form(settings.as_ref().ok(), terminal), say);
    let began = settings.and_then(|settings| Ok((token(&environment())?, settings)));
    let Err(why) = began.and_then(|(token, settings)| become_supervisor(&settings, token, &log));
    log.say(Level::Error, &why.0);
    1
}

fn become_supervisor(settings: &Settings, token: Token, log: &Log<'_>) -> Result<Infallible, Unusable> {
    log.say(Level::Info, "Starting runner...");
    if !settings.ignored.is_empty() {
        log.say(Level::Info, &format!("Nothing is reported to Sentry by this runner: {} is ignored", settings.ignored.join(", ")));
    }
    let failed = |what: &'static str| move |error: &dyn std::fmt::Display| Unusable(format!("{what}: {error}"));
    raise_descriptors();
    keep_to_itself().map_err(|errno| failed("descriptors that were left open")(&errno))?;
    let health = settings.health.as_ref().map(|(host, port)| listener(host, *port, log)).transpose()?;
    let user = front_id();
    let begin = Begin {
        broker: settings.broker.clone(),
        runner: settings.runner.clone().unwrap_or_else(id),
        token,
        max_concurrency: settings.max_concurrency,
        max_payload: settings.max_payload,
        idle: settings.idle,
        grace: settings.grace,
        health: health.is_some(),
    };
    let (socket, front) = started(&begin, user, health).map_err(|error| failed("the process that speaks to the broker")(&error))?;
    let mut next = Command::new("/proc/self/exe");
    next.arg0("remand").args([supervisor::WORD, &front.to_string(), &shown(user)]).stdin(Stdio::from(socket));
    for name in SECRETS {
        next.env_remove(name).env_remove(format!("{name}_FILE"));
    }
    Err(failed("this program, once more")(&next.exec()))
}

/// An id as a word.
fn shown(user: Option<u32>) -> String {
    user.map_or_else(|| "-".to_owned(), |id| id.to_string())
}

/// Whom the front becomes, with privilege: nobody that anything belongs to.
pub fn front_id() -> Option<u32> {
    let host = observe(Depth::Quick);
    let below = |count| host.first_run_id.checked_sub(count).filter(|id| *id > 0);
    host.privileged.then(|| below(OTHERS).or_else(|| below(1)).unwrap_or(65_534))
}

/// The front, told what it begins with.
fn started(begin: &Begin, user: Option<u32>, health: Option<TcpListener>) -> io::Result<(OwnedFd, u32)> {
    let (socket, theirs) = wire::pair()?;
    let mut child = Command::new("/proc/self/exe")
        .arg0("remand")
        .args([front::WORD, &shown(user)])
        .env_clear()
        // Whom to trust with TLS.
        .envs(["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut peer = Peer::new(socket.try_clone()?);
    let told = memory::sealed(&begin.pack()).map_err(|error| error.to_string()).and_then(|begin| {
        peer.tell(Tell::Begin.packet(), Some(begin))?;
        health.map_or(Ok(()), |listener| peer.tell(Tell::Health.packet(), Some(listener.into())))
    });
    if let Err(why) = told {
        let _ = child.kill(); // no error if it has ended
        child.wait()?;
        return Err(io::Error::other(why));
    }
    Ok((socket, child.id()))
}

fn listener(host: &str, port: u16, log: &Log<'_>) -> Result<TcpListener, Unusable> {
    let listener = TcpListener::bind((host, port)).map_err(|error| {
        let in_use = error.kind() == io::ErrorKind::AddrInUse;
        Unusable(if in_use {
            format!("Port {port} is already in use")
        } else {
            format!("Health check server on {host}, port {port}: {error}")
        })
    })?;
    let wrong = |error: io::Error| Unusable(format!("Health check server: {error}"));
    listener.set_nonblocking(true).map_err(wrong)?;
    let port = listener.local_addr().map_err(wrong)?.port();
    log.say(Level::Info, &format!("Health check server listening on {host}, port {port}"));
    Ok(listener)
}

/// What whoever started this left open is no part's of it.
fn keep_to_itself() -> Result<(), Errno> {
    let open = fs::read_dir("/proc/self/fd").map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    let numbers: Vec<i32> = open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // The directory's own is gone by now.
    numbers.into_iter().filter(|number| *number > 2).try_for_each(|number| match close_on_exec(number) {
        Err(Errno::EBADF) => Ok(()),
        done => done,
    })
}

/// A run needs some forty.
fn raise_descriptors() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536).max(soft), hard); // what is there then is what there is
    }
}

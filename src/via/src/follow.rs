//! A run by a daemon: asked for, followed to its end, cancelled where the caller wants it; or left to itself, and watched.
//!
//! Always holds: a run that is given up goes with its connection; where the caller cancels, the daemon is asked to end the run, and its outcome is waited for, not
//! without end; whoever watches a run does nothing to it.

use std::future::{Future, pending};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::{Method, Response, StatusCode};
use remand_plan::Outcome;
use remand_plan::event::{Heard, hear};
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, Runtime};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep_until, timeout};

use crate::answer::{failing, problem, version};
use crate::connection::{Connection, Wanted, body_of, told};
use crate::error::{Problem, ViaError};
use crate::events::{Broken, Events};
use crate::{DOCUMENT, EVENT, PATIENCE, QUIET, TAKING};

/// What is told of a run while it goes on.
#[derive(Debug)]
pub enum Told<'a> {
    /// An event.
    Event {
        /// As it came: JSON of one line.
        line: &'a str,
        /// What is in it.
        heard: &'a Heard,
    },
    /// So many events before the next are not kept any more; of a run that is watched.
    Missed(u64),
}

/// Asks the daemon at this socket for a run, and waits for its outcome. `cancel` is readable when the run is to end. `tell` gets each event but the last.
///
/// # Errors
/// See [`ViaError`].
pub fn run(socket: &Path, request: Vec<u8>, cancel: BorrowedFd<'_>, tell: &mut dyn FnMut(Told<'_>)) -> Result<Outcome, ViaError> {
    runtime()?.block_on(async {
        let cancel = polled(cancel)?;
        let asking = async { stream(submit(greeted(socket).await?, request, Wanted::Events).await?).await };
        let begun = tokio::select! {
            begun = asking => begun?,
            _ = cancel.readable() => return Err(ViaError::Cancelled(NOT_TAKEN)),
        };
        Following::new(socket, begun, cancel, true).followed(tell).await
    })
}

/// Asks the daemon at this socket for a run that goes on by itself; gives its id. `cancel` is readable when it is no longer waited for that it is taken.
///
/// # Errors
/// See [`ViaError`].
pub fn detach(socket: &Path, request: Vec<u8>, cancel: BorrowedFd<'_>) -> Result<String, ViaError> {
    runtime()?.block_on(async {
        let cancel = polled(cancel)?;
        let asking = async { taken(submit(greeted(socket).await?, request, Wanted::Taken).await?).await };
        tokio::select! {
            run = asking => run.map_err(|error| match error {
                ViaError::Gone(why) => ViaError::Lost(why),
                error => error,
            }),
            _ = cancel.readable() => Err(ViaError::Cancelled(NOT_TAKEN)),
        }
    })
}

/// Follows a run that the daemon at this socket has, from the first of its events that are kept; gives its outcome. When `leave` is readable, the run is left to
/// itself.
///
/// # Errors
/// See [`ViaError`].
pub fn watch(socket: &Path, run: &str, leave: BorrowedFd<'_>, tell: &mut dyn FnMut(Told<'_>)) -> Result<Outcome, ViaError> {
    runtime()?.block_on(async {
        let leave = polled(leave)?;
        let asking = async {
            let mut connection = greeted(socket).await?;
            let path = format!("/v1/runs/{run}/events");
            let answer = timeout(PATIENCE, connection.ask(Method::GET, &path, None, Wanted::Events)).await;
            let silent = |_| ViaError::Silent { what: "answered", seconds: PATIENCE.as_secs() };
            let answer = answer.map_err(silent)?.map_err(|error| ViaError::Lost(told(&error)))?;
            stream(Answered { connection, answer, run: run.to_owned() }).await
        };
        let begun = tokio::select! {
            begun = asking => begun?,
            _ = leave.readable() => return Err(ViaError::Left),
        };
        Following::new(socket, begun, leave, false).followed(tell).await
    })
}

const NOT_TAKEN: &str = "the daemon had not said that it took the run";

pub fn runtime() -> Result<Runtime, ViaError> {
    Builder::new_current_thread().enable_io().enable_time().build().map_err(ViaError::Own)
}

/// A connection to what has said that it is a daemon of a version that is known here.
pub async fn greeted(socket: &Path) -> Result<Connection, ViaError> {
    let mut connection = Connection::open(socket).await?;
    let (head, body) = connection.document(Method::GET, "/version", DOCUMENT).await?;
    version(&head, &body)?;
    Ok(connection)
}

fn polled(fd: BorrowedFd<'_>) -> Result<AsyncFd<OwnedFd>, ViaError> {
    // Its successor is unsafe, for what does not own its descriptor; this does.
    #[allow(deprecated)]
    fd.try_clone_to_owned().and_then(AsyncFd::new).map_err(ViaError::Own)
}

/// An answer about a run of this id.
struct Answered {
    connection: Connection,
    answer: Response<Incoming>,
    run: String,
}

/// A run whose events come.
struct Begun {
    /// There as long as the run is followed.
    _connection: Connection,
    body: Incoming,
    run: String,
}

async fn submit(mut connection: Connection, request: Vec<u8>, wanted: Wanted) -> Result<Answered, ViaError> {
    let asked = connection.ask(Method::POST, "/v1/runs", Some(Bytes::from(request)), wanted);
    let answer = timeout(TAKING, asked).await.map_err(untaken)?.map_err(|error| ViaError::Gone(told(&error)))?;
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let run = location.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Answered { connection, answer, run })
}

fn untaken(_: Elapsed) -> ViaError {
    ViaError::Silent { what: "taken or refused the run", seconds: TAKING.as_secs() }
}

impl Answered {
    /// Its answer of this status; any other is why there is none.
    async fn of(self, status: StatusCode) -> Result<Self, ViaError> {
        if self.answer.status() != status {
            let (head, body) = self.answer.into_parts();
            let said = timeout(PATIENCE, body_of(body, DOCUMENT)).await.map_err(untaken)?;
            return Err(problem(&head, &said.map_err(ViaError::Gone)?));
        }
        Ok(self)
    }

    fn names_the_run(&self) -> bool {
        !self.run.is_empty() && self.run.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }
}

async fn stream(answered: Answered) -> Result<Begun, ViaError> {
    let answered = answered.of(StatusCode::OK).await?;
    let kind = answered.answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if kind != Some("text/event-stream") || !answered.names_the_run() {
        return Err(ViaError::Other("it answers a run with no events".to_owned()));
    }
    let Answered { connection, answer, run } = answered;
    Ok(Begun { _connection: connection, body: answer.into_body(), run })
}

async fn taken(answered: Answered) -> Result<String, ViaError> {
    let answered = answered.of(StatusCode::ACCEPTED).await?;
    if answered.names_the_run() { Ok(answered.run) } else { Err(ViaError::Other("it does not name the run that it took".to_owned())) }
}

type Asked = Pin<Box<dyn Future<Output = Result<(), ViaError>>>>;

struct Following {
    socket: PathBuf,
    begun: Begun,
    /// Readable when whoever follows it wants no more.
    cancel: AsyncFd<OwnedFd>,
    /// It goes with its connection, and is cancelled by whoever follows it.
    own: bool,
    /// The caller has cancelled.
    cancelled: bool,
    /// When it is over at the latest, or asked whether it goes on.
    until: Instant,
    /// What is being asked beside.
    asked: Asked,
}

impl Following {
    fn new(socket: &Path, begun: Begun, cancel: AsyncFd<OwnedFd>, own: bool) -> Self {
        Self { socket: socket.to_owned(), begun, cancel, own, cancelled: false, until: Instant::now() + QUIET, asked: Box::pin(pending()) }
    }

    async fn followed(mut self, tell: &mut dyn FnMut(Told<'_>)) -> Result<Outcome, ViaError> {
        let mut events = Events::new(EVENT);
        loop {
            tokio::select! {
                biased; // whatever comes, the caller is heard
                _ = self.cancel.readable(), if !self.cancelled => {
                    if !self.own {
                        return Err(ViaError::Left);
                    }
                    self.wait(PATIENCE);
                    self.cancelled = true;
                    self.ask(Method::DELETE);
                }
                answered = &mut self.asked => {
                    self.asked = Box::pin(pending());
                    // Whether it cannot be asked to end the run or does not know it: there is nothing to wait for.
                    answered.map_err(|error| self.gone(error.to_string()))?;
                }
                () = sleep_until(self.until) => {
                    if self.cancelled {
                        return Err(self.gone(String::new()));
                    }
                    self.ask(Method::GET);
                    self.wait(QUIET);
                }
                frame = self.begun.body.frame() => {
                    let bytes = match frame {
                        Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                        Some(Err(error)) => return Err(self.gone(told(&error))),
                        None => return Err(self.gone("it closed the connection".to_owned())),
                    };
                    events.add(&bytes);
                    self.wait(QUIET);
                    loop {
                        let line = match events.next() {
                            Ok(Some(line)) => line,
                            Ok(None) => break,
                            Err(Broken::Missing(count)) if !self.own => {
                                tell(Told::Missed(count));
                                continue;
                            }
                            Err(broken) => return Err(self.gone(broken.to_string())),
                        };
                        match hear(&line).map_err(|error| self.gone(format!("it said what is no event: {error}")))? {
                            Heard::Outcome(outcome) => return Ok(*outcome),
                            Heard::Problem { detail, hint, exit_status } => {
                                let exit_status = failing(exit_status);
                                return Err(ViaError::Refused(Problem { detail, hint, exit_status, retry_after: None }));
                            }
                            heard => tell(Told::Event { line: &line, heard: &heard }),
                        }
                    }
                }
            }
        }
    }

    /// Whoever cancelled waits no longer for having heard something.
    fn wait(&mut self, length: Duration) {
        if !self.cancelled {
            self.until = Instant::now() + length;
        }
    }

    /// Asks about the run on a connection beside.
    fn ask(&mut self, method: Method) {
        let (socket, path) = (self.socket.clone(), format!("/v1/runs/{}", self.begun.run));
        self.asked = Box::pin(async move {
            let mut beside = Connection::open(&socket).await?;
            let (head, body) = beside.document(method, &path, EVENT).await?;
            if head.status == StatusCode::OK { Ok(()) } else { Err(problem(&head, &body)) }
        });
    }

    fn gone(&self, why: String) -> ViaError {
        if self.cancelled {
            return ViaError::Cancelled("the daemon did not say how the run ended; it goes with its connection");
        }
        if self.own { ViaError::Gone(why) } else { ViaError::Lost(why) }
    }
}

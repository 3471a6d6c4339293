//! A run by a daemon: asked for, followed to its end, cancelled where the caller wants it.
//!
//! Always holds: a run that is given up goes with its connection; where the caller cancels, the daemon is asked to end the run, and its outcome is waited for, not
//! without end.

use std::future::{Future, pending};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::{Method, StatusCode};
use remand_plan::Outcome;
use remand_plan::event::{Heard, hear};
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until, timeout};

use crate::answer::{failing, problem, version};
use crate::connection::{Connection, body_of, told};
use crate::error::{Problem, ViaError};
use crate::events::Events;
use crate::{EVENT, PATIENCE, QUIET, TAKING};

/// What is told of a run while it goes on.
#[derive(Debug)]
pub struct Told<'a> {
    /// The event, as it came: JSON of one line.
    pub line: &'a str,
    /// What is in it.
    pub heard: &'a Heard,
}

/// Asks the daemon at this socket for a run, and waits for its outcome. `cancel` is readable when the run is to end. `tell` gets each event but the last.
///
/// # Errors
/// See [`ViaError`].
pub fn run(socket: &Path, request: Vec<u8>, cancel: BorrowedFd<'_>, tell: &mut dyn FnMut(Told<'_>)) -> Result<Outcome, ViaError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(ViaError::Own)?;
    runtime.block_on(async {
        // Its successor is unsafe, for what does not own its descriptor; this does.
        #[allow(deprecated)]
        let cancel = cancel.try_clone_to_owned().and_then(AsyncFd::new).map_err(ViaError::Own)?;
        let asking = async {
            let mut connection = Connection::open(socket).await?;
            let (head, body) = connection.document(Method::GET, "/version").await?;
            version(&head, &body)?;
            submit(connection, request).await
        };
        let begun = tokio::select! {
            begun = asking => begun?,
            _ = cancel.readable() => return Err(ViaError::Cancelled("the daemon had not said that it took the run")),
        };
        Following::new(socket, begun, cancel).followed(tell).await
    })
}

/// A run that a daemon took.
struct Begun {
    /// There as long as the run is followed.
    _connection: Connection,
    body: Incoming,
    run: String,
}

async fn submit(mut connection: Connection, request: Vec<u8>) -> Result<Begun, ViaError> {
    let asked = connection.ask(Method::POST, "/v1/runs", Some(Bytes::from(request)));
    let silent = |_| ViaError::Silent { what: "taken or refused the run", seconds: TAKING.as_secs() };
    let answer = timeout(TAKING, asked).await.map_err(silent)?.map_err(|error| ViaError::Gone(told(&error)))?;
    let (head, body) = answer.into_parts();
    if head.status != StatusCode::OK {
        let said = timeout(PATIENCE, body_of(body)).await.map_err(silent)?;
        return Err(problem(&head, &said.map_err(ViaError::Gone)?));
    }
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let run = text(LOCATION).rsplit('/').next().unwrap_or_default().to_owned();
    if text(CONTENT_TYPE) != "text/event-stream" || run.is_empty() || !run.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(ViaError::Other("it answers a run with no events".to_owned()));
    }
    Ok(Begun { _connection: connection, body, run })
}

type Asked = Pin<Box<dyn Future<Output = Result<(), ViaError>>>>;

struct Following {
    socket: PathBuf,
    begun: Begun,
    cancel: AsyncFd<OwnedFd>,
    /// The caller has cancelled.
    cancelled: bool,
    /// When it is over at the latest, or asked whether it goes on.
    until: Instant,
    /// What is being asked beside.
    asked: Asked,
}

impl Following {
    fn new(socket: &Path, begun: Begun, cancel: AsyncFd<OwnedFd>) -> Self {
        Self { socket: socket.to_owned(), begun, cancel, cancelled: false, until: Instant::now() + QUIET, asked: Box::pin(pending()) }
    }

    async fn followed(mut self, tell: &mut dyn FnMut(Told<'_>)) -> Result<Outcome, ViaError> {
        let mut events = Events::new(EVENT);
        loop {
            tokio::select! {
                biased; // whatever comes, the caller is heard
                _ = self.cancel.readable(), if !self.cancelled => {
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
                    while let Some(line) = events.next().map_err(|broken| ViaError::Gone(broken.to_string()))? {
                        match hear(&line).map_err(|error| ViaError::Gone(format!("it said what is no event: {error}")))? {
                            Heard::Outcome(outcome) => return Ok(*outcome),
                            Heard::Problem { detail, hint, exit_status } => {
                                let exit_status = failing(exit_status);
                                return Err(ViaError::Refused(Problem { detail, hint, exit_status, retry_after: None }));
                            }
                            heard => tell(Told { line: &line, heard: &heard }),
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
            let (head, body) = beside.document(method, &path).await?;
            if head.status == StatusCode::OK { Ok(()) } else { Err(problem(&head, &body)) }
        });
    }

    fn gone(&self, why: String) -> ViaError {
        if self.cancelled {
            return ViaError::Cancelled("the daemon did not say how the run ended; it goes with its connection");
        }
        ViaError::Gone(why)
    }
}

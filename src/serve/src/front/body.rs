//! The body of a request, and what it becomes for the supervisor.
//!
//! Always holds: a body is bounded in size, time and number before it is read; what is wrong with it is told by field, in the words of `remand helper`; it names no
//! file of the host.

use std::fmt::Display;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::header::CONTENT_ENCODING;
use remand_plan::job::{JobError, Room};
use remand_plan::request::Mode;
use remand_plan::submission::Submission;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::answer::gone;
use super::link::Link;
use crate::limits::{BODY_TIME, LARGEST_BODY, SMALL_BODY};
use crate::protocol::{Ask, Chosen, NAME, NARROWING, Problem, Tell, Then, is_label};
use crate::{memory, packed};

/// What stands in the place of a label.
pub const NO_LABEL: &str = "for: a label is 1 to 64 letters, digits, and any of - . _ ~";

/// What the connections of a front share.
#[derive(Debug)]
pub struct Front {
    /// The way to the supervisor.
    pub link: Rc<Link>,
    /// Kilobytes of large bodies that there is room for.
    pub bodies: Arc<Semaphore>,
    /// Runs of batches that there is room for among the calls that a front may have.
    pub batched: Semaphore,
    /// Landlock holds it.
    pub landlocked: bool,
    /// With a user id of its own.
    pub apart: bool,
}

/// A problem of the caller's making.
pub fn refused(status: u16, detail: impl Into<String>) -> Problem {
    Problem { status, exit_status: 2, detail: detail.into(), ..Problem::default() }
}

/// The body, and what it takes.
pub async fn body_of(front: &Front, request: Request<Incoming>) -> Result<(Option<OwnedSemaphorePermit>, Bytes), Problem> {
    if request.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(refused(415, "a body is taken as it is, without Content-Encoding"));
    }
    let size = request.body().size_hint().exact().unwrap_or(LARGEST_BODY as u64).min(LARGEST_BODY as u64);
    // Whoever announces a large one and lets it come slowly holds up other large ones, and nothing else.
    let kilobytes = if size <= SMALL_BODY { 0 } else { u32::try_from(size >> 10).unwrap_or(u32::MAX) };
    let whole = async {
        let place = Arc::clone(&front.bodies).acquire_many_owned(kilobytes).await.ok();
        let body = Limited::new(request.into_body(), LARGEST_BODY).collect().await;
        (place, body)
    };
    let (place, body) = timeout(BODY_TIME, whole).await.map_err(|_| refused(408, "the body did not come in time"))?;
    let body = body.map_err(|error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
        Some(_) => refused(413, format!("the body has more than {LARGEST_BODY} bytes")),
        None => refused(400, format!("the body: {error}")),
    })?;
    Ok((place, body.to_bytes()))
}

/// A body as what the supervisor takes: a policy's name with what is narrowed, and the rest packed.
pub async fn described(front: &Front, body: &[u8], then: Then) -> Result<(Chosen, Option<String>, OwnedFd), Problem> {
    let body = std::str::from_utf8(body).map_err(|error| wrong(&format!("no UTF-8: {error}")))?;
    let mut submission = Submission::read(body).map_err(|error| wrong(&error))?;
    let label = submission.label.take();
    if label.as_ref().is_some_and(|label| !is_label(label)) {
        return Err(refused(400, format!("the request: {NO_LABEL}")));
    }
    if !submission.mounts.is_empty() {
        return Err(refused(422, "the request: mounts: a request names no file of the daemon's host; send files by content, in `files`"));
    }
    if submission.python.as_ref().is_some_and(|python| python.contains('/')) {
        return Err(refused(
            422,
            "the request: python: a name is expected, such as python3.12: a request names no file of the daemon's host",
        ));
    }
    let narrowing = submission.narrowing().map_err(|error| wrong(&error))?.to_string();
    if narrowing.len() > NARROWING {
        return Err(refused(413, format!("the request: overrides: more than {NARROWING} bytes")));
    }
    let chosen = Chosen { policy: std::mem::take(&mut submission.policy), narrowing };
    if chosen.policy.len() > NAME {
        return Err(refused(422, "the request: policy: no policy has so long a name"));
    }
    let room = match front.link.call(&Ask::Limits(chosen.clone()), None).next(|_| true).await {
        Ok((Tell::Limits { size, depth }, _)) => Room { size, depth },
        Ok((Tell::Problem(problem), _)) => return Err(problem),
        Ok(_) => return Err(gone(&"an answer to something else")),
        Err(error) => return Err(gone(&error)),
    };
    let mut request = submission.request(room).map_err(|error| wrong(&error))?;
    if let Mode::Script(script) = &mut request.mode {
        script.lines = then != Then::Wait;
    }
    let size = request.items.size().saturating_add(request.query.size());
    let Some(packed) = packed::pack(&request) else {
        return Err(wrong(&JobError::TooLarge { size, allowed: room.size }));
    };
    memory::sealed(&packed).map(|memory| (chosen, label, memory)).map_err(|error| gone(&error))
}

fn wrong(why: &dyn Display) -> Problem {
    let hint = Some("docs/request.md has the fields of a request, /openapi.json their schema".to_owned());
    Problem { hint, ..refused(400, format!("the request: {why}")) }
}

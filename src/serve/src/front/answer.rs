//! What a front answers with: documents, problems, streams of events.

use std::convert::Infallible;
use std::fmt::Display;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Response, StatusCode};
use remand_plan::event;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::protocol::Problem;

/// The body of an answer.
#[derive(Debug)]
pub enum Answer {
    /// All of it.
    Whole(Option<Bytes>),
    /// Portions as they come.
    Stream(mpsc::Receiver<Bytes>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(portions) => portions.poll_recv(context).map(|portion| portion.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// A problem as `application/problem+json`: the data of the command's, within what RFC 9457 has.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Problem")]
pub struct Shown<'a> {
    /// Always `about:blank`: the status says what it is.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    #[serde(flatten)]
    problem: event::Problem<'a>,
}

fn with(status: StatusCode, kind: &'static str, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A JSON document.
pub fn document(status: StatusCode, text: impl Into<Bytes>) -> Response<Answer> {
    with(status, "application/json", Answer::Whole(Some(text.into())))
}

/// What is counted, as OpenMetrics has it.
pub fn metrics(text: Vec<u8>) -> Response<Answer> {
    with(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", Answer::Whole(Some(text.into())))
}

/// Events as they come.
pub fn events(portions: mpsc::Receiver<Bytes>) -> Response<Answer> {
    with(StatusCode::OK, "text/event-stream", Answer::Stream(portions))
}

/// Lines of JSON as they come.
pub fn lines(portions: mpsc::Receiver<Bytes>) -> Response<Answer> {
    with(StatusCode::OK, "application/x-ndjson", Answer::Stream(portions))
}

/// A run that was taken and goes on.
pub fn taken(run: &str) -> Response<Answer> {
    at(document(StatusCode::ACCEPTED, serde_json::json!({ "run": run }).to_string()), run)
}

/// With the place of a run.
pub fn at(mut response: Response<Answer>, run: &str) -> Response<Answer> {
    if let Ok(place) = HeaderValue::from_str(&format!("/v1/runs/{run}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// Why there is no answer.
pub fn problem(problem: &Problem) -> Response<Answer> {
    let status = status_of(problem);
    let text = serde_json::to_string(&shown(problem)).unwrap_or_default();
    let mut response = with(status, "application/problem+json", Answer::Whole(Some(text.into())));
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A problem as its document has it.
pub fn shown(problem: &Problem) -> Shown<'_> {
    let status = status_of(problem);
    Shown {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Problem"),
        status: status.as_u16(),
        problem: event::Problem { detail: &problem.detail, hint: problem.hint.as_deref(), exit_status: problem.exit_status },
    }
}

/// A path that is known by other methods.
pub fn other_method(allowed: &'static str) -> Response<Answer> {
    let told = Problem { status: 405, exit_status: 2, detail: format!("this path takes {allowed}"), ..Problem::default() };
    let mut response = problem(&told);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// The supervisor said nothing that can be passed on.
pub fn broken(why: &dyn Display) -> Response<Answer> {
    problem(&gone(why))
}

/// The same as a problem.
pub fn gone(why: &dyn Display) -> Problem {
    Problem { status: 502, exit_status: 11, detail: format!("the supervisor: {why}"), ..Problem::default() }
}

//! The paths of the API, and what each asks of the supervisor.
//!
//! Always holds: a body is bounded in size, time and number before it is read; what is wrong with it is told by field, in the words of `remand helper`; a request
//! names no file of the host.

use std::fmt::Display;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT, CONTENT_ENCODING, HeaderMap, HeaderName};
use hyper::{Method, Request, Response, StatusCode};
use remand_plan::job::{JobError, Room};
use remand_plan::request::Mode;
use remand_plan::submission::Submission;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::answer::{self, Answer, broken, gone};
use super::link::{Link, text};
use super::{openapi, stream};
use crate::limits::{BODY_TIME, LARGEST_BODY, SMALL_BODY};
use crate::protocol::{Ask, Chosen, NAME, NARROWING, Problem, Tags, Tell, Then, is_key, is_label};
use crate::{memory, packed};

/// What a browser of events tells that it has seen.
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
/// See [`idempotency_key`].
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How to answer.
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What stands in the place of a label.
const NO_LABEL: &str = "for: a label is 1 to 64 letters, digits, and any of - . _ ~";

/// What the connections of a front share.
#[derive(Debug)]
pub struct Front {
    /// The way to the supervisor.
    pub link: Rc<Link>,
    /// Kilobytes of large bodies that there is room for.
    pub bodies: Semaphore,
    /// Landlock holds it.
    pub landlocked: bool,
    /// With a user id of its own.
    pub apart: bool,
}

/// Answers a request.
pub async fn answer(front: Rc<Front>, request: Request<Incoming>) -> Response<Answer> {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let method = request.method().clone();
    match (parts.as_slice(), &method) {
        (["healthz"], &Method::GET) => answer::document(StatusCode::OK, "{\"status\":\"ok\"}"),
        (["readyz"], &Method::GET) => asked(&front, &Ask::Ready).await,
        (["metrics"], &Method::GET) => asked_for(&front, &Ask::Metrics, answer::metrics).await,
        (["version"], &Method::GET) => answer::document(StatusCode::OK, front.version()),
        (["openapi.json"], &Method::GET) => answer::document(StatusCode::OK, openapi::document().to_string()),
        (["v1", "policies"], &Method::GET) => asked(&front, &Ask::Policies).await,
        (["v1", "policies", name], &Method::GET) if name.len() > NAME => answer::problem(&refused(404, "no policy has so long a name")),
        (["v1", "policies", name], &Method::GET) => {
            asked(&front, &Ask::Policy(Chosen { policy: (*name).to_owned(), narrowing: "{}".to_owned() })).await
        }
        (["v1", "runs"], &Method::GET) => match label_of(request.uri().query()) {
            Ok(label) => asked(&front, &Ask::List(label)).await,
            Err(problem) => answer::problem(&problem),
        },
        (["v1", "runs"], &Method::DELETE) => match label_of(request.uri().query()) {
            Ok(Some(label)) => asked(&front, &Ask::CancelLabel(label)).await,
            Ok(None) => answer::problem(&refused(400, "which runs? /v1/runs?for=LABEL is those of a label, /v1/runs/RUN is one")),
            Err(problem) => answer::problem(&problem),
        },
        (["v1", "runs"], &Method::POST) => submit(&front, request).await.unwrap_or_else(|problem| answer::problem(&problem)),
        (["v1", "runs", run], &Method::GET) => asked(&front, &Ask::Look((*run).to_owned())).await,
        (["v1", "runs", run], &Method::DELETE) => asked(&front, &Ask::Cancel((*run).to_owned())).await,
        (["v1", "runs", run, "events"], &Method::GET) => {
            let seen = request.headers().get(LAST_EVENT).and_then(|seen| seen.to_str().ok()?.parse::<u64>().ok());
            stream::of_run(&front.link, (*run).to_owned(), seen.map_or(0, |seen| seen.saturating_add(1))).await
        }
        (
            ["healthz" | "readyz" | "metrics" | "version" | "openapi.json"]
            | ["v1", "policies"]
            | ["v1", "policies", _]
            | ["v1", "runs", _, "events"],
            _,
        ) => answer::other_method("GET"),
        (["v1", "runs"], _) => answer::other_method("DELETE, GET, POST"),
        (["v1", "runs", _], _) => answer::other_method("DELETE, GET"),
        _ => {
            answer::problem(&Problem { hint: Some("GET /openapi.json has every path".to_owned()), ..refused(404, "there is no such path") })
        }
    }
}

fn refused(status: u16, detail: impl Into<String>) -> Problem {
    Problem { status, exit_status: 2, detail: detail.into(), ..Problem::default() }
}

/// The label that a query names, which is all that one can say here.
fn label_of(query: Option<&str>) -> Result<Option<String>, Problem> {
    match query.map(|query| query.split_once('=').unwrap_or((query, ""))) {
        None => Ok(None),
        Some(("for", label)) if is_label(label) => Ok(Some(label.to_owned())),
        Some(("for", _)) => Err(refused(400, NO_LABEL)),
        Some((name, _)) => Err(refused(400, format!("the query: {} is not known; `for` is", remand_policy::text::quote(name)))),
    }
}

/// What one document answers.
async fn asked(front: &Front, ask: &Ask) -> Response<Answer> {
    asked_for(front, ask, |text| answer::document(StatusCode::OK, text)).await
}

async fn asked_for(front: &Front, ask: &Ask, shown: impl FnOnce(Vec<u8>) -> Response<Answer>) -> Response<Answer> {
    match front.link.call(ask, None).next(|_| true).await {
        Ok((Tell::Document(long), beside)) => match text(long, beside) {
            Ok(text) => shown(text),
            Err(error) => broken(&error),
        },
        Ok((Tell::Problem(problem), _)) => answer::problem(&problem),
        Ok(_) => broken(&"an answer to something else"),
        Err(error) => broken(&error),
    }
}

impl Front {
    fn version(&self) -> String {
        let weaker: Vec<&str> = [
            (!self.landlocked).then_some("fronts are not held by Landlock: this kernel has none"),
            (!self.apart).then_some("the supervisor has no privilege: fronts and runs have its own user id, and it serves that user alone"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let version = env!("CARGO_PKG_VERSION");
        serde_json::json!({ "remand": version, "api": 1, "requests": remand_plan::submission::VERSION, "weaker": weaker }).to_string()
    }
}

/// Whether a header that has a list of words has this one.
fn says(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|list| list.to_str().ok());
    let mut words = lists.flat_map(|list| list.split(',')).map(|said| said.split(';').next().unwrap_or_default().trim());
    words.any(|said| said.eq_ignore_ascii_case(word))
}

/// What the caller would ask for the same run by once more.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let wrong = || refused(400, "Idempotency-Key: 1 to 255 visible characters of ASCII are expected, once");
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => key.to_str().ok().filter(|key| is_key(key)).map(|key| Some(key.to_owned())).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

async fn submit(front: &Front, request: Request<Incoming>) -> Result<Response<Answer>, Problem> {
    let headers = request.headers();
    let then = match () {
        () if says(headers, &PREFER, "respond-async") => Then::Detach,
        () if says(headers, &ACCEPT, "text/event-stream") => Then::Stream,
        () => Then::Wait,
    };
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(refused(415, "a body is taken as it is, without Content-Encoding"));
    }
    let key = idempotency_key(headers)?;
    let (chosen, label, memory) = {
        let size = request.body().size_hint().exact().unwrap_or(LARGEST_BODY as u64).min(LARGEST_BODY as u64);
        // Whoever announces a large one and lets it come slowly holds up other large ones, and nothing else.
        let kilobytes = if size <= SMALL_BODY { 0 } else { u32::try_from(size >> 10).unwrap_or(u32::MAX) };
        let whole = async {
            // Its place is given back as soon as it has become something smaller.
            let place = front.bodies.acquire_many(kilobytes).await.ok();
            let body = Limited::new(request.into_body(), LARGEST_BODY).collect().await;
            (place, body)
        };
        let (_place, body) = timeout(BODY_TIME, whole).await.map_err(|_| refused(408, "the body did not come in time"))?;
        let body = body.map_err(|error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
            Some(_) => refused(413, format!("the body has more than {LARGEST_BODY} bytes")),
            None => refused(400, format!("the body: {error}")),
        })?;
        described(front, &body.to_bytes(), then).await?
    };
    let mut call = front.link.call(&Ask::Submit(chosen, then, Tags { label, key }), Some(memory));
    let run = match call.next(|_| then == Then::Detach).await {
        Ok((Tell::Accepted(run), _)) => run,
        Ok((Tell::Problem(problem), _)) => return Err(problem),
        Ok(_) => return Ok(broken(&"an answer to something else")),
        Err(error) => return Ok(broken(&error)),
    };
    match then {
        Then::Detach => Ok(answer::taken(&run)),
        Then::Stream => Ok(answer::at(stream::of_call(&front.link, run.clone(), call), &run)),
        Then::Wait => match call.next(|_| true).await {
            Ok((Tell::Document(long), beside)) => match text(long, beside) {
                Ok(text) => Ok(answer::document(StatusCode::OK, text)),
                Err(error) => Ok(broken(&error)),
            },
            Ok((Tell::Problem(problem), _)) => Err(problem),
            Ok(_) => Ok(broken(&"an answer to something else")),
            Err(error) => Ok(broken(&error)),
        },
    }
}

/// A body as what the supervisor takes: a policy's name with what is narrowed, and the rest packed.
async fn described(front: &Front, body: &[u8], then: Then) -> Result<(Chosen, Option<String>, OwnedFd), Problem> {
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

//! The paths of the API, and what each asks of the supervisor.
//!
//! Always holds: what is asked is asked for the identity that this front is bound to; what has no answer is a problem, with its status.

use std::rc::Rc;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, HeaderMap, HeaderName};
use hyper::{Method, Request, Response, StatusCode};

use super::answer::{self, Answer, broken};
use super::body::{Front, NO_LABEL, body_of, described, refused};
use super::link::text;
use super::{batch, openapi, stream};
use crate::protocol::{Ask, Chosen, NAME, Problem, Tags, Tell, Then, is_key, is_label};

/// What a browser of events tells that it has seen.
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
/// See [`idempotency_key`].
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How to answer.
const PREFER: HeaderName = HeaderName::from_static("prefer");

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
        (["v1", "batches"], &Method::POST) => batch_of(&front, request).await.unwrap_or_else(|problem| answer::problem(&problem)),
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
        (["v1", "batches"], _) => answer::other_method("POST"),
        (["v1", "runs"], _) => answer::other_method("DELETE, GET, POST"),
        (["v1", "runs", _], _) => answer::other_method("DELETE, GET"),
        _ => {
            answer::problem(&Problem { hint: Some("GET /openapi.json has every path".to_owned()), ..refused(404, "there is no such path") })
        }
    }
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

async fn batch_of(front: &Rc<Front>, request: Request<Incoming>) -> Result<Response<Answer>, Problem> {
    if says(request.headers(), &PREFER, "respond-async") || request.headers().contains_key(IDEMPOTENCY_KEY) {
        return Err(refused(400, "a batch is waited for, and has no Idempotency-Key: submit its runs one by one"));
    }
    let (place, body) = body_of(front, request).await?;
    batch::answer(front, &body, place)
}

async fn submit(front: &Front, request: Request<Incoming>) -> Result<Response<Answer>, Problem> {
    let headers = request.headers();
    let then = match () {
        () if says(headers, &PREFER, "respond-async") => Then::Detach,
        () if says(headers, &ACCEPT, "text/event-stream") => Then::Stream,
        () => Then::Wait,
    };
    let key = idempotency_key(headers)?;
    let (chosen, label, memory) = {
        // Its place is given back as soon as it has become something smaller.
        let (_place, body) = body_of(front, request).await?;
        described(front, &body, then).await?
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

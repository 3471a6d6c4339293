//! A batch: one request with many inputs, each a run of its own, whose results are lines that come as the runs end.
//!
//! Always holds: all inputs are read before the first begins; only a few have begun that are not over, and one that has no room waits for another to end, or for as
//! long as the quota says; when the reader goes, the runs that go on are cancelled and no other begins.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use remand_plan::submission::Submission;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::{JoinSet, spawn_local};
use tokio::time::sleep;

use super::answer::{self, Answer, gone};
use super::body::{Front, described, refused};
use super::link::text;
use crate::protocol::{Ask, Problem, Tags, Tell, Then};

/// Inputs of one batch.
pub const INPUTS: usize = 10_000;
/// Runs of one batch that have begun or wait in the supervisor.
const WINDOW: usize = 8;
/// Bytes of the requests of one batch together: each is read before the first begins.
const TOGETHER: usize = 128 << 20;
/// Members of an object that is looked at; a request has fewer.
const MEMBERS: usize = 64;
/// What an input may have, in the place of the request's own.
pub const FIELDS: [&str; 6] = ["items", "query", "stdin", "argv", "files", "environment"];

/// What is submitted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Submitted<'a> {
    #[serde(borrow)]
    request: Members<'a>,
    #[serde(borrow)]
    inputs: Vec<Members<'a>>,
    #[serde(default)]
    stop_on_failure: bool,
}

/// An object, by member, none twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Self::Value = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.len() == MEMBERS {
                        return Err(de::Error::custom(format_args!("more than {MEMBERS} members")));
                    }
                    if members.iter().any(|(other, _)| *other == name) {
                        return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    members.push((name, value));
                }
                Ok(members)
            }
        }
        from.deserialize_map(Reader).map(Members)
    }
}

/// The members of an object, each with its text.
type Parts = Vec<(String, String)>;

/// A batch that was read. Its requests are put together when they are made: all of them at once could be any number of times the body.
struct Batch {
    request: Rc<Parts>,
    /// What is not made yet, by number.
    waiting: BTreeMap<usize, Parts>,
    stop_on_failure: bool,
}

/// How a run of it went: a line for the reader, and whether it finished; or when there may be room for it.
enum Ended {
    Told(String, bool),
    NoRoom(usize, Parts, Duration),
}

fn read(body: &[u8]) -> Result<Batch, Problem> {
    let wrong = |why: String| refused(400, format!("the batch: {why}"));
    let submitted: Submitted<'_> = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    if submitted.inputs.len() > INPUTS {
        return Err(refused(413, format!("the batch: more than {INPUTS} inputs")));
    }
    let parts = |members: Members<'_>| members.0.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect::<Parts>();
    let request = parts(submitted.request);
    let (mut waiting, mut together) = (BTreeMap::new(), 0);
    for (number, input) in submitted.inputs.into_iter().enumerate() {
        if let Some((name, _)) = input.0.iter().find(|(name, _)| !FIELDS.contains(&name.as_str())) {
            let quoted = remand_policy::text::quote(name);
            return Err(wrong(format!("inputs[{number}]: {quoted} is no part of an input; those are {}", FIELDS.join(", "))));
        }
        let input = parts(input);
        let text = whole(&request, &input);
        together += text.len();
        if together > TOGETHER {
            return Err(refused(413, format!("the batch: its requests have more than {TOGETHER} bytes together, by inputs[{number}]")));
        }
        Submission::read(&text).map_err(|error| wrong(format!("inputs[{number}]: the request: {error}")))?;
        waiting.insert(number, input);
    }
    Ok(Batch { request: Rc::new(request), waiting, stop_on_failure: submitted.stop_on_failure })
}

/// The request with an input's members in the place of its own.
fn whole(request: &Parts, input: &Parts) -> String {
    let own = request.iter().filter(|(name, _)| !input.iter().any(|(other, _)| other == name));
    let member = |(name, value): &(String, String)| format!("{}:{value}", serde_json::Value::from(name.as_str()));
    format!("{{{}}}", own.chain(input).map(member).collect::<Vec<_>>().join(","))
}

/// Answers with a line for each input. `place`: what its body takes, as long as it is there.
pub fn answer(front: &Rc<Front>, body: &[u8], place: Option<OwnedSemaphorePermit>) -> Result<Response<Answer>, Problem> {
    let batch = read(body)?;
    let (to, portions) = mpsc::channel(1);
    let front = Rc::clone(front);
    spawn_local(async move {
        let _place = place;
        tokio::select! {
            () = all(&front, batch, &to) => {}
            () = to.closed() => {}
        }
    });
    Ok(answer::lines(portions))
}

/// Does all of it. Dropped, it drops the calls of the runs that go on, which ends them.
async fn all(front: &Rc<Front>, mut batch: Batch, to: &mpsc::Sender<Bytes>) {
    let (mut going, mut finished, mut failed) = (JoinSet::new(), 0usize, 0usize);
    let mut full = false;
    loop {
        let stopped = batch.stop_on_failure && failed > 0;
        while !stopped && !full && going.len() < WINDOW {
            let Some((number, input)) = batch.waiting.pop_first() else { break };
            going.spawn_local(run(Rc::clone(front), number, Rc::clone(&batch.request), input));
        }
        if stopped || (going.is_empty() && batch.waiting.is_empty()) {
            break;
        }
        match going.join_next().await {
            Some(Ok(Ended::Told(line, well))) => {
                (finished, failed) = (finished + usize::from(well), failed + usize::from(!well));
                full = false;
                if to.send(line.into()).await.is_err() {
                    return;
                }
            }
            Some(Ok(Ended::NoRoom(number, input, after))) => {
                batch.waiting.insert(number, input);
                full = !going.is_empty(); // until one of its own is over; else until the quota says
                if !full {
                    sleep(after).await;
                }
            }
            _ => return, // a run that cannot be told of: the answer breaks off, without its last line
        }
    }
    let skipped = batch.waiting.len() + going.len();
    drop(going);
    let last = serde_json::json!({ "over": { "finished": finished, "failed": failed, "skipped": skipped } });
    let _ = to.send(format!("{last}\n").into()).await; // or nobody reads it
}

async fn run(front: Rc<Front>, number: usize, request: Rc<Parts>, input: Parts) -> Ended {
    match outcome(&front, &whole(&request, &input)).await {
        Ok(outcome) => {
            let finished = verdict(&outcome).is_some_and(|kind| kind == "finished");
            Ended::Told(format!("{{\"index\":{number},\"outcome\":{outcome}}}\n"), finished)
        }
        Err(Problem { status: 429, retry_after: Some(after), .. }) => Ended::NoRoom(number, input, Duration::from_secs(after)),
        Err(problem) => {
            let told = serde_json::json!({ "index": number, "problem": answer::shown(&problem) });
            Ended::Told(format!("{told}\n"), false)
        }
    }
}

async fn outcome(front: &Front, body: &str) -> Result<String, Problem> {
    let _turn = front.batched.acquire().await;
    let (chosen, label, memory) = described(front, body.as_bytes(), Then::Wait).await?;
    let mut call = front.link.call(&Ask::Submit(chosen, Then::Wait, Tags { label, key: None }), Some(memory));
    let broken = |error: std::io::Error| gone(&error);
    let mut told = call.next(|tell| matches!(tell, Tell::Document(_))).await.map_err(broken)?;
    if let Tell::Accepted(_) = told.0 {
        told = call.next(|_| true).await.map_err(broken)?;
    }
    match told {
        (Tell::Document(long), beside) => {
            let text = text(long, beside).map_err(broken)?;
            String::from_utf8(text).map_err(|error| gone(&error))
        }
        (Tell::Problem(problem), _) => Err(problem),
        _ => Err(gone(&"an answer to something else")),
    }
}

/// The kind of an outcome's verdict.
fn verdict(outcome: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Of {
        verdict: Kind,
    }
    #[derive(Deserialize)]
    struct Kind {
        kind: String,
    }
    serde_json::from_str::<Of>(outcome).ok().map(|of| of.verdict.kind)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_inputs_members_stand_in_the_place_of_the_requests() {
        let batch = read(br#"{"request": {"code": "return 1", "query": 1}, "inputs": [{}, {"query": {"a": [2]}, "items": []}]}"#).unwrap();
        let texts: Vec<_> = batch.waiting.values().map(|input| whole(&batch.request, input)).collect();
        assert_eq!(texts, [r#"{"code":"return 1","query":1}"#, r#"{"code":"return 1","query":{"a": [2]},"items":[]}"#]);
    }

    #[test]
    fn what_is_wrong_is_told_by_input() {
        for (body, said) in [
            (r#"{"inputs": []}"#, "missing field `request`"),
            (r#"{"request": {"code": "x"}, "inputs": [{}, {"code": "y"}]}"#, "inputs[1]: \"code\" is no part of an input"),
            (r#"{"request": {"code": "x"}, "inputs": [{"query": 1, "query": 2}]}"#, "duplicate field `query`"),
            (
                r#"{"request": {"code": "x"}, "inputs": [{"stdin": "a"}]}"#,
                "inputs[0]: the request: stdin: mode all_items has no use for it",
            ),
            (r#"{"request": {}, "inputs": [{}]}"#, "inputs[0]: the request: code: missing"),
            (r#"{"request": [], "inputs": []}"#, "an object"),
        ] {
            let problem = read(body.as_bytes()).err().unwrap();
            assert!(problem.status == 400 && problem.detail.contains(said), "{body}: {}", problem.detail);
        }
    }
    #[test]
    fn many_small_inputs_of_a_large_request_are_refused_before_they_are_put_together() {
        let body = format!("{{\"request\": {{\"code\": \"{}\"}}, \"inputs\": [{}]}}", "x".repeat(1 << 20), vec!["{}"; 1000].join(","));
        let problem = read(body.as_bytes()).err().unwrap();
        assert!(problem.status == 413 && problem.detail.contains("by inputs[127]"), "{}", problem.detail);
        let members: Vec<_> = (0..100).map(|number| format!("\"{number}\": 0")).collect();
        let problem = read(format!("{{\"request\": {{{}}}, \"inputs\": []}}", members.join(",")).as_bytes()).err().unwrap();
        assert!(problem.detail.contains("more than 64 members"), "{}", problem.detail);
    }
}

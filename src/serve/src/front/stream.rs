//! A run's events as server-sent events, at the pace of whoever reads them.
//!
//! Always holds: one portion at most waits here for each reader; the supervisor is asked for the next when the last was taken. When the reader goes, so does all
//! that is held for it, the run of a submitted stream included.

use std::fmt::Write;
use std::rc::Rc;

use bytes::Bytes;
use hyper::Response;
use tokio::sync::mpsc;
use tokio::task::spawn_local;

use super::answer::{self, Answer};
use super::link::{Call, Link, text};
use crate::protocol::{Ask, Tell};

/// Answers with the events of a run from this one on.
pub async fn of_run(link: &Rc<Link>, run: String, mut from: u64) -> Response<Answer> {
    // The first answer says whether there is such a run.
    match portion(link, &run, &mut from).await {
        Ok(first) => answer::events(told(link, run, from, Some(first), None)),
        Err(told) => told,
    }
}

/// Answers with the events of the run that `call` submitted and that ends with its reader: at once, so that they know which it is.
pub fn of_call(link: &Rc<Link>, run: String, call: Call) -> Response<Answer> {
    answer::events(told(link, run, 0, None, Some(call)))
}

/// Portion by portion, as they are taken. `held` lives as long.
fn told(link: &Rc<Link>, run: String, mut from: u64, first: Option<(Bytes, bool)>, held: Option<Call>) -> mpsc::Receiver<Bytes> {
    let (to, portions) = mpsc::channel(1);
    let link = Rc::clone(link);
    spawn_local(async move {
        let _held = held;
        let mut next = first;
        loop {
            let (bytes, over) = match next.take() {
                Some(portion) => portion,
                None => tokio::select! {
                    // A stream that breaks off is a stream without its last event.
                    asked = portion(&link, &run, &mut from) => match asked {
                        Ok(portion) => portion,
                        Err(_) => return,
                    },
                    () = to.closed() => return,
                },
            };
            if to.send(bytes).await.is_err() || over {
                return;
            }
        }
    });
    portions
}

/// The next portion, and whether it is the last.
async fn portion(link: &Rc<Link>, run: &str, from: &mut u64) -> Result<(Bytes, bool), Response<Answer>> {
    let mut call = link.call(&Ask::Events(run.to_owned(), *from), None);
    match call.next(|_| true).await {
        Ok((Tell::Events { first, over, lines }, beside)) => {
            let lines = text(lines, beside).map_err(|error| answer::broken(&error))?;
            let (shown, next) = shown(&String::from_utf8_lossy(&lines), first);
            *from = next;
            Ok((shown.into(), over))
        }
        Ok((Tell::Problem(problem), _)) => Err(answer::problem(&problem)),
        Ok(_) => Err(answer::broken(&"an answer to something else")),
        Err(error) => Err(answer::broken(&error)),
    }
}

/// Lines of events as server-sent events, numbered from `first`; the number after the last.
fn shown(lines: &str, first: u64) -> (String, u64) {
    let (mut shown, mut number) = (String::with_capacity(lines.len() + 64), first);
    for line in lines.lines() {
        let kind = line.strip_prefix("{\"event\":\"").and_then(|rest| rest.split('"').next()).unwrap_or("message");
        let _ = write!(shown, "id: {number}\nevent: {kind}\ndata: {line}\n\n"); // a String takes it all
        number += 1;
    }
    (shown, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_an_event_with_its_number_and_kind() {
        let (shown, next) = shown("{\"event\":\"start\",\"run\":\"a\"}\n{\"event\":\"stdout\",\"text\":\"\\n\"}\n", 7);
        assert_eq!(next, 9);
        assert_eq!(
            shown,
            "id: 7\nevent: start\ndata: {\"event\":\"start\",\"run\":\"a\"}\n\nid: 8\nevent: stdout\ndata: {\"event\":\"stdout\",\"text\":\"\\n\"}\n\n"
        );
    }
}

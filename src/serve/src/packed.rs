//! A request on its way from a front to the supervisor, as bytes in a memory of its own.
//!
//! Always holds: what is read is bounded by what is there, and by a number of parts; what a caller may not name (a mount, a path of an interpreter) has no place
//! in it. Items and query travel as the run gets them: the run's own interpreter takes them apart, nobody before it.

use std::collections::BTreeMap;

use remand_plan::choice::{Choice, Secret};
use remand_plan::job::Data;
use remand_plan::request::{Code, Given, GivenKind, Mode, OnError, Origin, Request, Script};

use crate::bytes::{Malformed, Reader, Writer};

/// Most parts of each kind.
const PARTS: usize = 1 << 16;
/// Longest name of anything.
const NAME: usize = 1 << 16;

/// Writes one. `None`: items or a query that there was no room for.
#[must_use]
pub fn pack(request: &Request) -> Option<Vec<u8>> {
    // A request in JSON has its code as text.
    let Code::Text(code) = &request.code else { return None };
    let mut to = Writer::default();
    mode(&mut to, &request.mode)?;
    to.text(code);
    to.bytes(request.items.encoded()?);
    to.bytes(request.query.encoded()?);
    to.maybe(request.stdin.as_deref(), Writer::bytes);
    to.list(&request.files, |to, file| {
        to.text(&file.name);
        match &file.kind {
            GivenKind::File { content, executable } => {
                to.byte(u8::from(*executable));
                to.bytes(content);
            }
            GivenKind::Directory { imports } => to.byte(2 + u8::from(*imports)),
        }
    });
    to.list(&request.artifacts, |to, pattern| to.text(pattern));
    to.maybe(request.choice.interpreter.as_deref(), Writer::text);
    to.list(&request.choice.environment.iter().collect::<Vec<_>>(), |to, (name, value)| {
        to.text(name);
        to.text(&value.0);
    });
    Some(to.0)
}

fn mode(to: &mut Writer, mode: &Mode) -> Option<()> {
    match mode {
        Mode::AllItems => to.byte(0),
        Mode::PerItem(OnError::Stop) => to.byte(1),
        Mode::PerItem(OnError::Item) => to.byte(2),
        Mode::Script(script) => {
            to.byte(3);
            let (kind, name) = match &script.origin {
                Origin::File(name) => (0, name.as_str()),
                Origin::Stdin => (1, ""),
                Origin::Argument => (2, ""),
                Origin::Module(name) => (3, name.as_str()),
            };
            to.byte(kind);
            to.text(name);
            to.list(&script.arguments, |to, argument| to.text(argument));
            to.byte(u8::from(script.awaits));
            to.byte(u8::from(script.value));
            to.byte(u8::from(script.display));
            to.byte(u8::from(script.lines));
        }
        Mode::N8n(task) => {
            to.byte(4);
            to.bytes(task.encoded()?);
        }
    }
    Some(())
}

/// Reads one.
///
/// # Errors
/// It is none.
pub fn unpack(bytes: &[u8]) -> Result<Request, Malformed> {
    let most = bytes.len();
    Reader::all(bytes, |from| {
        Ok(Request {
            mode: read_mode(from)?,
            code: from.text(most)?.into(),
            items: Data::of_encoded(from.bytes(most)?.to_vec()),
            query: Data::of_encoded(from.bytes(most)?.to_vec()),
            stdin: from.maybe(|from| from.bytes(most).map(Into::into))?,
            files: from.list(PARTS, file)?,
            artifacts: from.list(PARTS, |from| from.text(NAME))?,
            choice: Choice {
                interpreter: from.maybe(|from| from.text(NAME))?.map(named).transpose()?,
                environment: from
                    .list(PARTS, |from| Ok((from.text(NAME)?, Secret(from.text(most)?))))?
                    .into_iter()
                    .collect::<BTreeMap<_, _>>(),
                mounts: Vec::new(),
                tty: None,
            },
        })
    })
}

/// An interpreter by its name, and not by a path of the host.
fn named(interpreter: String) -> Result<String, Malformed> {
    if interpreter.contains('/') { Err(Malformed) } else { Ok(interpreter) }
}

fn file(from: &mut Reader<'_>) -> Result<Given, Malformed> {
    let name = from.text(NAME)?;
    let kind = match from.byte()? {
        executable @ (0 | 1) => GivenKind::File { content: from.bytes(usize::MAX)?.into(), executable: executable == 1 },
        imports @ (2 | 3) => GivenKind::Directory { imports: imports == 3 },
        _ => return Err(Malformed),
    };
    Ok(Given { name, kind })
}

fn read_mode(from: &mut Reader<'_>) -> Result<Mode, Malformed> {
    Ok(match from.byte()? {
        0 => Mode::AllItems,
        1 => Mode::PerItem(OnError::Stop),
        2 => Mode::PerItem(OnError::Item),
        3 => {
            let (kind, name) = (from.byte()?, from.text(NAME)?);
            let origin = match kind {
                0 if !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != ".." => Origin::File(name),
                1 if name.is_empty() => Origin::Stdin,
                2 if name.is_empty() => Origin::Argument,
                3 => Origin::Module(name),
                _ => return Err(Malformed),
            };
            let arguments = from.list(PARTS, |from| from.text(NAME))?;
            let (awaits, value, display, lines) = (from.flag()?, from.flag()?, from.flag()?, from.flag()?);
            Mode::Script(Script { origin, arguments, awaits, value, display, lines })
        }
        4 => Mode::N8n(Data::of_encoded(from.bytes(usize::MAX)?.to_vec())),
        _ => return Err(Malformed),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn requests() -> Vec<Request> {
        let origins = [Origin::File("a.py".into()), Origin::Stdin, Origin::Argument, Origin::Module("m.x".into())];
        let scripts = origins.map(|origin| {
            Mode::Script(Script { origin, arguments: vec!["-v".into()], awaits: true, value: false, display: true, lines: false })
        });
        let file = GivenKind::File { content: b"\0\xff".as_slice().into(), executable: true };
        let whole = Request {
            code: "return 1".into(),
            mode: Mode::PerItem(OnError::Item),
            items: Data::items("[1, {\"a\": []}]", 1000).unwrap(),
            query: Data::value("\"q\"", "query", 1000).unwrap(),
            stdin: Some(b"in".as_slice().into()),
            files: vec![Given { name: "a".into(), kind: file }, Given { name: "d".into(), kind: GivenKind::Directory { imports: true } }],
            artifacts: vec!["*.txt".into()],
            choice: Choice {
                interpreter: Some("python3.11".into()),
                environment: [("A".to_owned(), Secret("b".into()))].into(),
                mounts: Vec::new(),
                tty: None,
            },
        };
        let task = Data::value("{\"per_item\": true}", "", 1000).unwrap();
        let modes = scripts.into_iter().chain([Mode::AllItems, Mode::PerItem(OnError::Stop), Mode::N8n(task)]);
        modes.map(|mode| Request { mode, ..Request::default() }).chain([whole]).collect()
    }

    #[test]
    fn what_is_packed_is_unpacked_and_nothing_shorter_or_longer() {
        for request in requests() {
            let packed = pack(&request).unwrap();
            assert_eq!(unpack(&packed), Ok(request));
            assert!((0..packed.len()).all(|length| unpack(packed.get(..length).unwrap()).is_err()));
            assert_eq!(unpack(&[packed.as_slice(), &[0]].concat()), Err(Malformed));
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_not_packed() {
        assert_eq!(pack(&Request { items: Data::items("[1, 2, 3]", 5).unwrap(), ..Request::default() }), None);
    }

    #[test]
    fn no_path_of_an_interpreter_and_no_file_above() {
        let with = |interpreter: &str| Choice { interpreter: Some(interpreter.to_owned()), ..Choice::default() };
        let packed = |choice| unpack(&pack(&Request { choice, ..Request::default() }).unwrap());
        assert!(packed(with("python3")).is_ok());
        assert_eq!(packed(with("/usr/bin/python3")), Err(Malformed));
        let named = |name: &str| Mode::Script(Script { origin: Origin::File(name.to_owned()), ..Script::default() });
        assert_eq!(unpack(&pack(&Request { mode: named("../a"), ..Request::default() }).unwrap()), Err(Malformed));
    }

    proptest! {
        #[test]
        fn garbage_is_malformed_or_a_request(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = unpack(&bytes);
        }
    }
}

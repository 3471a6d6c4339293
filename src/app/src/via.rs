//! `--via`: the same run by a daemon (`remand serve`), in the place of one by this process.
//!
//! Always holds: what a request cannot say is refused by its name before anything is sent; what comes back is held to what was asked for; who waits is told what
//! became of it in one sentence, whatever becomes of the daemon.

mod sent;

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use remand_engine::Outcome;
use remand_engine::store::is_path;
use remand_plan::event::Heard;
use remand_plan::submission::{LARGEST, ModeName, ScriptValue, Submission};
use remand_policy::text::terminal::one_line;
use remand_via::{Problem, Told, ViaError};

use crate::args::{ChooseArgs, FilesArgs, PythonArgs, PythonChoice, RunArgs, ViaArgs};
use crate::artifacts::Delivery;
use crate::cancel::Cancel;
use crate::failure::{Failure, INTERNAL, NOT_STARTED};
use crate::forward::unpassed;
use crate::print::{self, lines, plain};
use crate::python::Asked;
use crate::read::{self, Bounds};
use crate::record::Record;
use crate::run::one_from_input;
use crate::way::{Passed, Way};
use crate::{overrides, submitted};

/// Exit status of what was cancelled; the same as the verdict's.
const CANCELLED: u8 = 7;

/// `remand run --via`.
pub fn run(args: &RunArgs) -> Result<u8, Failure> {
    if let Some(file) = &args.request {
        return request(args, file);
    }
    one_from_input(args, &[])?;
    sayable(&args.confine.policy, &args.python, &args.choose)?;
    if args.via.detach {
        return detach(&args.via, sent::function(args)?);
    }
    let record = Record::open(args.show.outcome.as_deref())?;
    let body = sent::function(args)?;
    let mut delivery = Delivery::prepare(&args.files, !args.show.for_people())?;
    let outcome = outcome(&args.via, body, Passed::asked(&args.show, Passed::Text), &mut delivery)?;
    crate::run::give(args, &outcome, record.as_ref(), &delivery)
}

/// With `--request`.
fn request(args: &RunArgs, file: &Path) -> Result<u8, Failure> {
    let record = Record::open(args.show.outcome.as_deref())?;
    let text = read::text(file, "the request", LARGEST as u64, "what a daemon takes")?;
    let submission = Submission::read(&text).map_err(submitted::wrong)?;
    if !submission.mounts.is_empty() {
        return Err(unsayable("the request: mounts", MOUNTS));
    }
    if submission.python.as_ref().is_some_and(|python| python.contains('/')) {
        return Err(unsayable("the request: python is a path", PYTHONS));
    }
    if is_path(&submission.policy) {
        return Err(unsayable("the request: policy is a file", POLICIES));
    }
    if args.via.detach {
        return detach(&args.via, text.into_bytes());
    }
    let program = (submission.mode == ModeName::Script).then(|| submission.value == Some(ScriptValue::Last));
    let files = FilesArgs { artifacts: submission.artifacts.clone(), ..args.files.clone() };
    let mut delivery = Delivery::prepare(&files, !args.show.for_people())?;
    let otherwise = if program.is_some() { Passed::Streams } else { Passed::Text };
    let outcome = outcome(&args.via, text.into_bytes(), Passed::asked(&args.show, otherwise), &mut delivery)?;
    submitted::give(args, program, &outcome, record.as_ref(), &delivery)
}

/// `remand python --via`.
pub fn python(args: &PythonArgs) -> Result<u8, Failure> {
    sayable(&args.confine.policy, &args.python, &args.choose)?;
    if args.terminal.tty {
        return Err(unsayable("--tty", "a request has no terminal; leave it out, and send what is typed by a pipe"));
    }
    let record = Record::open(args.show.outcome.as_deref())?;
    let narrowing = overrides::confined(None, &args.confine)?;
    let asked = Asked::of(args, Bounds::of_request())?;
    let typed = asked.takes_input(args) && io::stdin().is_terminal();
    let stdin = (asked.takes_input(args) && !typed).then(sent::input).transpose()?;
    let body = sent::program(&args.confine.policy, narrowing, &asked.request, stdin)?;
    if args.via.detach {
        return detach(&args.via, body);
    }
    // As for a run here: what a program has for a caller is its record, or its streams.
    let mut delivery = Delivery::prepare(&args.files, args.show.json)?;
    let outcome = outcome(&args.via, body, Passed::asked(&args.show, Passed::Streams), &mut delivery)?;
    let code = crate::python::give(args, &asked, &outcome, record.as_ref(), &delivery)?;
    if typed && !args.show.quiet && outcome.error.as_ref().is_some_and(|error| error.kind == "EOFError") {
        print::account("remand: --via sends no standard input from a terminal\n  give it by a pipe or a file\n");
    }
    Ok(code)
}

/// `remand exec --via`.
pub fn no_program() -> Failure {
    let hint = "have it run here without --via, or send a Python program: remand python --via SOCKET".to_owned();
    let why = "exec has no --via: a daemon runs Python code that it is sent, and a program would be one of its host, of which a request names nothing";
    Failure { hint: Some(hint), ..Failure::usage(why.to_owned()) }
}

const MOUNTS: &str =
    "a daemon shows runs nothing of its host that a request names; send files by content: --file, --dir, or `files` of a request";
const PYTHONS: &str = "name one that the daemon finds on its PATH, such as python3.12";
const POLICIES: &str = "name a policy that the daemon has; --set narrows it";

/// Refuses what a request has no word for.
fn sayable(policy: &str, python: &PythonChoice, choose: &ChooseArgs) -> Result<(), Failure> {
    if !choose.mount.is_empty() {
        return Err(unsayable("--mount", MOUNTS));
    }
    if python.python.as_ref().is_some_and(|python| python.to_string_lossy().contains('/')) {
        return Err(unsayable("--python is a path", PYTHONS));
    }
    if is_path(policy) { Err(unsayable("--policy is a file", POLICIES)) } else { Ok(()) }
}

fn unsayable(what: &str, hint: &str) -> Failure {
    let why = format!("{what}: with --via a request names no path of a host, and no terminal; nothing was sent");
    Failure { hint: Some(hint.to_owned()), ..Failure::usage(why) }
}

/// Has it run by itself.
fn detach(via: &ViaArgs, body: Vec<u8>) -> Result<u8, Failure> {
    let socket = socket(via, &body)?;
    let cancel = Cancel::hold()?;
    let run = remand_via::detach(socket, body, cancel.fd()).map_err(|error| {
        let taken = matches!(error, ViaError::Cancelled(_) | ViaError::Lost(_));
        let told = failure(&the_daemon(socket), error);
        let hint = if taken { Some("it may have taken it: remand ps lists the runs that it has".to_owned()) } else { told.hint };
        Failure { hint, ..told }
    })?;
    print::answering(cancel);
    print::stdout(&format!("{run}\n")).map(|()| 0)
}

/// Where it is sent, if it is not too long.
fn socket<'a>(via: &'a ViaArgs, body: &[u8]) -> Result<&'a Path, Failure> {
    if body.len() > LARGEST {
        let why = format!("the request has {} bytes, and a daemon takes {LARGEST}; nothing was sent", body.len());
        return Err(Failure::usage(why));
    }
    Ok(via.via.as_deref().unwrap_or(Path::new("")))
}

/// The daemon at a socket, for people.
pub fn the_daemon(socket: &Path) -> String {
    format!("the daemon at {}", plain(&socket.to_string_lossy()))
}

/// Has it run, passing what it says on, and delivers the files that it left.
fn outcome(via: &ViaArgs, body: Vec<u8>, passed: Passed, delivery: &mut Delivery) -> Result<Outcome, Failure> {
    let socket = socket(via, &body)?;
    let unpassed = |error| unpassed("output", &error);
    let cancel = Cancel::hold()?;
    if passed == Passed::Nothing {
        let outcome = asked(socket, body, cancel.fd(), &mut |_| {}, delivery);
        print::answering(cancel);
        return outcome;
    }
    let mut way = Way::open(passed, None, false).map_err(unpassed)?;
    let ends = way.or_gone(cancel.fd()).map_err(unpassed)?;
    let mut tell = |told: Told<'_>| pass(&mut way, told);
    let outcome = asked(socket, body, ends.0.as_fd(), &mut tell, delivery);
    way.end();
    print::answering(cancel);
    way.finish(outcome)
}

/// Passes on what is told.
pub fn pass(way: &mut Way, told: Told<'_>) {
    match told {
        Told::Event { line, .. } if way.passes_events() => way.event(&one_line(line)),
        Told::Event { heard: Heard::Output(channel, bytes), .. } => way.output(*channel, bytes),
        Told::Event { heard: Heard::Dropped(channel, bytes), .. } => way.dropped(*channel, *bytes),
        Told::Event { .. } => {}
        Told::Missed(count) => print::account(&format!("remand: {count} events before this are not kept any more\n")),
    }
}

fn asked(
    socket: &Path,
    body: Vec<u8>,
    cancel: BorrowedFd<'_>,
    tell: &mut dyn FnMut(Told<'_>),
    delivery: &mut Delivery,
) -> Result<Outcome, Failure> {
    let who = the_daemon(socket);
    let mut outcome = remand_via::run(socket, body, cancel, tell).map_err(|error| failure(&who, error))?;
    let gave = |what| Failure { code: INTERNAL, ..Failure::usage(format!("{who}: {what}")) };
    delivery.were_asked_for(&outcome).map_err(gave)?;
    delivery.deliver(&mut outcome).map(|()| outcome)
}

/// Why there is no outcome, for people.
pub fn failure(who: &str, error: ViaError) -> Failure {
    let said = plain(&error.to_string()).into_owned();
    let (code, hint) = match error {
        ViaError::Refused(Problem { detail, hint, exit_status, retry_after }) => {
            let later = retry_after.map(|seconds| format!("it may do it in {seconds} s"));
            let hint: Vec<_> = hint.map(|hint| lines(&hint)).into_iter().chain(later).collect();
            let hint = (!hint.is_empty()).then(|| hint.join("; "));
            return Failure { message: format!("{who}: {}", lines(&detail)), hint, code: exit_status };
        }
        ViaError::Absent(_) => (NOT_STARTED, Some("`remand serve` is one; without --via it is run here")),
        ViaError::Version { .. } => (NOT_STARTED, Some("use the remand of the daemon's version")),
        ViaError::Silent { .. } | ViaError::Other(_) => (NOT_STARTED, None),
        ViaError::Gone(_) | ViaError::Lost(_) | ViaError::Own(_) => (INTERNAL, None),
        ViaError::Cancelled(_) | ViaError::Left => (CANCELLED, None),
    };
    Failure { message: format!("{who}: {said}"), hint: hint.map(str::to_owned), code }
}

//! `remand python`: a Python program, as `python3` runs it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use remand_engine::{Engine, Laps, Outcome, Program, Request};
use remand_plan::choice::Choice;
use remand_plan::request::{Code, Mode, Origin, Script};
use remand_plan::step::Step;
use remand_plan::verdict::Verdict;
use remand_policy::Policy;

use crate::args::{PythonArgs, ValueArg};
use crate::artifacts::Delivery;
use crate::failure::Failure;
use crate::forward::Ways;
use crate::read::Bounds;
use crate::record::Record;
use crate::way::Passed;
use crate::{account, answer, beside, choose, forward, given, overrides, read, terminal};

/// Reads the program, runs it with its output passed on, and gives the outcome.
pub fn python(args: PythonArgs) -> Result<u8, Failure> {
    let mut laps = Laps::start();
    let record = Record::open(args.show.outcome.as_deref())?;
    let engine = Engine::from_environment();
    let policy = engine.policy(&args.confine.policy, &overrides::confined(None, &args.confine)?)?;
    laps.lap(Step::Policy);
    let mut asked = Asked::of(&args, policy.policy().into())?;
    let mut delivery = Delivery::prepare(&args.files, args.show.json)?;
    laps.lap(Step::Request);
    let ways = Ways::asked(asked.takes_input(&args), &args.show, Passed::Streams).tty(args.terminal.tty);
    ways.tell(&mut asked.request);
    let mut outcome = forward::run(&engine, &policy, (Program::Python, &asked.request), ways, &mut delivery)?;
    laps.before(&mut outcome.timing);
    give(&args, &asked, &outcome, record.as_ref(), &delivery)
}

/// Gives the outcome; the exit status.
pub fn give(args: &PythonArgs, asked: &Asked, outcome: &Outcome, record: Option<&Record>, delivery: &Delivery) -> Result<u8, Failure> {
    let mut account = account::program(outcome);
    if let Some(error) = &outcome.error {
        account.push_str(&beside::account(error, &asked.places));
    }
    account.push_str(&delivery.account(outcome));
    let value = match args.value {
        Some(ValueArg::Last) if outcome.verdict == Verdict::Finished => Some(outcome.value.get().to_owned()),
        // What was shown before an end of any kind was shown.
        Some(ValueArg::Display) if args.show.for_people() => {
            Some(serde_json::to_string(&outcome.displays).map_err(|error| Failure::internal(error.to_string()))?)
        }
        _ => None,
    };
    answer::give_program(outcome, &args.show, record, &account, value.as_deref())?;
    Ok(delivery.status(answer::status(&outcome.verdict, args.status)))
}

/// The program as a request, and what people call it.
pub fn request(args: &PythonArgs, policy: &Policy) -> Result<(String, Request), Failure> {
    let name = match (args.module.first(), args.script.first()) {
        (Some(module), _) => format!("-m {}", module.to_string_lossy()),
        (_, Some(script)) => script.to_string_lossy().into_owned(),
        _ => "-c".to_owned(),
    };
    Ok((name, Asked::of(args, policy.into())?.request))
}

/// What is to be run.
pub struct Asked {
    /// As a request.
    pub request: Request,
    /// Directories of the caller's where what the program misses may lie, each with what it is.
    places: Vec<(PathBuf, &'static str)>,
}

impl Asked {
    /// What these arguments ask for.
    pub fn of(args: &PythonArgs, bounds: Bounds) -> Result<Self, Failure> {
        let (limit, bound) = bounds.text;
        // Before it is read.
        let program = args.script.first().is_some_and(|file| read::is_stdin(Path::new(file)));
        let taken = program.then_some("the program").or(given::takes_stdin(&args.files).then_some("--file"));
        let tty = terminal::asked(args.terminal.tty, taken)?;
        let here = (PathBuf::from("."), beside::HERE);
        let (origin, code, rest, place) = match (args.code.as_slice(), args.module.as_slice(), args.script.as_slice()) {
            ([code, rest @ ..], _, _) => (Origin::Argument, read::argument(code)?.into(), rest, None),
            (_, [module, rest @ ..], _) => (Origin::Module(read::argument(module)?), Code::default(), rest, None),
            (_, _, [file, rest @ ..]) => {
                let path = Path::new(file);
                let code = read::bytes(path, "the program", limit, bound)?;
                let place = path.parent().filter(|_| !read::is_stdin(path));
                (origin(path)?, code.into(), rest, place.map(|place| (Path::new(".").join(place), "the script's directory")))
            }
            _ => return Err(Failure::usage("a program is expected: SCRIPT, -c CODE, -m MODULE, or - for standard input".into())),
        };
        let arguments = rest.iter().map(read::argument).collect::<Result<_, _>>()?;
        let script = Script {
            origin,
            arguments,
            awaits: args.awaits,
            value: args.value == Some(ValueArg::Last),
            display: args.value == Some(ValueArg::Display),
            lines: false,
        };
        let mode = Mode::Script(script);
        let choice = Choice { tty, ..choose::python(&args.python, &args.choose)? };
        let request = Request {
            code,
            mode,
            choice,
            files: given::read(&args.files, bounds)?,
            artifacts: args.files.artifacts.clone(),
            ..Request::default()
        };
        let asked = Self { request, places: place.into_iter().chain([here]).collect() };
        if asked.is_stdin() && given::takes_stdin(&args.files) {
            return Err(Failure::usage("only one of SCRIPT and --file can be standard input".into()));
        }
        Ok(asked)
    }

    /// Whether standard input is the program's: what is read as the program is not its input too.
    pub fn takes_input(&self, args: &PythonArgs) -> bool {
        !self.is_stdin() && !given::takes_stdin(&args.files)
    }

    fn is_stdin(&self) -> bool {
        matches!(&self.request.mode, Mode::Script(Script { origin: Origin::Stdin, .. }))
    }
}

/// What a file is called inside: its own name, but for a pipe of the shell's, which has a number.
fn origin(path: &Path) -> Result<Origin, Failure> {
    if read::is_stdin(path) {
        return Ok(Origin::Stdin);
    }
    let name = path.file_name().filter(|_| !path.starts_with("/dev/fd") && !path.starts_with("/proc")).map(OsStr::to_owned);
    name.map_or_else(|| Ok(Origin::default()), |name| read::argument(name).map(Origin::File))
}

//! The `remand` command.
//!
//! Always holds: no unsafe code; what was typed ([`args`]) and what it means (each command's file) are two types; only [`mod@print`] prints; an error is told
//! once, here.
#![forbid(unsafe_code)]

mod account;
mod amount;
mod answer;
mod args;
mod artifacts;
mod beside;
mod cancel;
mod choose;
mod complete;
mod container;
mod doctor;
mod exec;
mod failure;
mod forward;
mod generate;
mod given;
mod helper;
mod judge;
mod n8n;
mod oci;
mod overrides;
mod policy;
mod print;
mod progress;
mod python;
mod read;
mod record;
mod refusal;
mod relay;
mod rights;
mod run;
mod runs;
mod serve;
mod submitted;
mod terminal;
mod via;
mod warm;
mod way;
mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use nix::sys::resource::{Resource, getrlimit};

use crate::args::Command;
use crate::failure::Failure;
use crate::oci::Started;

fn main() -> ExitCode {
    // A part of the daemon: it makes what it stands on itself, before there is a second thread.
    if let Some(code) = serve::front().or_else(n8n::part) {
        return ExitCode::from(code);
    }
    // A stack to stand on comes before all else, which has nothing to do with anybody's rights.
    let done = remand_jail::room::with_room(begin).unwrap_or_else(|error| {
        Err(Failure::internal(format!("cannot make a thread, for which the stack (ulimit -s) is too small here: {error}")))
    });
    let code = done.unwrap_or_else(|failure| {
        print::failure(&failure);
        failure.code
    });
    ExitCode::from(if print::lost() { failure::INTERNAL } else { code })
}

fn begin() -> Result<u8, Failure> {
    // First of all: nothing of whoever started us, no argument, variable or file, is looked at with rights that are not theirs.
    rights::none_gained()?;
    let args: Vec<_> = std::env::args_os().collect();
    if let Some(done) = n8n::in_place_of_python(&args) {
        return done;
    }
    let words = match oci::started(&args) {
        Started::Runtime(args) => match oci::front(args)? {},
        Started::Command(words) => words,
    };
    print::can_answer()?;
    if complete::answered(args::command)? {
        return Ok(0);
    }
    remand_jail::settle_signals().map_err(|errno| Failure::internal(format!("cannot settle signals: {errno}")))?;
    n8n::supervisor(&words).unwrap_or_else(|| command(words))
}

/// Descriptors that this process needs before a plan can say that there are too few for a run.
const DESCRIPTORS: u64 = 24;
/// Bytes of data that it needs for the same, threads among it: an allocation that fails ends it, and says nothing of why. No interpreter starts with so few.
const DATA: u64 = 4 << 20;

fn command(words: Vec<OsString>) -> Result<u8, Failure> {
    let command = args::parse(words).map_err(typed_wrong)?.command;
    if matches!(command, Command::Run(_) | Command::Python(_) | Command::Helper(_) | Command::Exec(_) | Command::Judge(_)) {
        let has = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
        if let Some(lack) = remand_plan::no_descriptors(has).filter(|_| has < DESCRIPTORS) {
            return Err(Failure { code: failure::NOT_STARTED, ..Failure::usage(lack.to_string()) });
        }
    }
    let (data, _) = getrlimit(Resource::RLIMIT_DATA).unwrap_or((u64::MAX, 0));
    if data < DATA {
        let hint = Some("raise it: ulimit -d unlimited".to_owned());
        let message = format!("this process may have {data} bytes of data (RLIMIT_DATA, ulimit -d), and remand itself needs {DATA}");
        return Err(Failure { code: failure::NOT_STARTED, hint, ..Failure::usage(message) });
    }
    match command {
        Command::Run(args) if args.via.via.is_some() => via::run(&args),
        Command::Python(args) if args.via.via.is_some() => via::python(&args),
        Command::Exec(args) if args.via.is_some() => Err(via::no_program()),
        Command::Run(args) => run::run(args),
        Command::Python(args) => python::python(args),
        Command::Exec(args) => exec::exec(args),
        Command::Helper(args) => helper::helper(&args),
        Command::Judge(args) => judge::judge(&args),
        Command::Serve(args) => serve::serve(args),
        Command::Ps(args) => runs::ps(&args),
        Command::Logs(args) => runs::logs(&args),
        Command::Why(args) => why::why(&args),
        Command::Cancel(args) => runs::cancel(&args),
        Command::N8n(args) => n8n::n8n(args.command),
        Command::Doctor(args) => match args.container {
            Some(engine) => container::container(engine, args.json),
            None => doctor::doctor(&args),
        },
        Command::Warm(args) => warm::warm(&args),
        Command::Policy(command) => policy::policy(command),
        Command::Oci(command) => oci::oci(command),
        Command::Generate(args) => generate::generate(&args),
    }
}

/// Help and version are asked for and go to standard output; anything else is a mistake.
fn typed_wrong(error: clap::Error) -> Failure {
    if error.use_stderr() {
        print::wrong(&args::wrong(error));
        return Failure::told(failure::USAGE);
    }
    print::help(&error.render()).err().unwrap_or_else(|| Failure::told(0))
}

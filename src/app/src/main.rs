//! The `remand` command.
//!
//! Always holds: no unsafe code; what was typed ([`args`]) and what it means (each command's file) are two types; only [`mod@print`] prints; an error is told
//! once, here.
#![forbid(unsafe_code)]

mod account;
mod answer;
mod args;
mod cancel;
mod ceiling;
mod doctor;
mod exec;
mod failure;
mod generate;
mod laps;
mod overrides;
mod policies;
mod policy;
mod print;
mod read;
mod relay;
mod run;
mod trust;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let settled = remand_jail::settle_signals().map_err(|errno| Failure::internal(format!("cannot settle signals: {errno}")));
    let done = settled.and_then(|()| Args::try_parse().map_err(|error| typed_wrong(&error))).and_then(|args| match args.command {
        Command::Run(args) => run::run(args),
        Command::Exec(args) => exec::exec(args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Policy(command) => policy::policy(command),
        Command::Generate(args) => generate::generate(&args),
    });
    ExitCode::from(done.unwrap_or_else(|failure| {
        print::failure(&failure);
        failure.code
    }))
}

/// Help and version are asked for and go to standard output; anything else is a mistake.
fn typed_wrong(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    if error.use_stderr() {
        print::stderr(&text);
        return Failure::told(failure::USAGE);
    }
    print::stdout(text.as_bytes()).err().unwrap_or_else(|| Failure::told(0))
}

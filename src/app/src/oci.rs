//! `remand oci`, and `remand-oci`: in front of an OCI runtime.
//!
//! Always holds: what a runtime's command line says is understood by remand-oci's own table and never by this command's, since it is handed on unchanged.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use remand_oci::agent::{self, Places};
use remand_oci::front::{self, Stop};

use crate::args::{AgentArgs, OciCommand};
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::policy::snippet;
use crate::print::{self, lines, plain};

/// The name of the link by which engines call it.
const LINK: &str = "remand-oci";

/// The arguments of a runtime, if that is what this process was started as: those behind `remand-oci`, or behind `remand oci`.
pub fn runtime(args: &[OsString]) -> Option<&[OsString]> {
    let (program, rest) = args.split_first()?;
    let linked = Path::new(program).file_name() == Some(OsStr::new(LINK));
    let args = if linked { rest } else { rest.split_first().filter(|(word, _)| *word == "oci")?.1 };
    // What this command's own definition knows: help, and the agent.
    let own = |word: &OsString| word == "agent" || (!linked && (word == "--help" || word == "-h" || word == "help"));
    (!args.first().is_some_and(own) && (linked || !args.is_empty())).then_some(args)
}

/// What is not a runtime's command line.
pub fn oci(command: OciCommand) -> Result<u8, Failure> {
    match command {
        OciCommand::Agent(args) => agent(args),
        OciCommand::Runtime(args) => match front(&args)? {},
    }
}

/// Answers for containers until a signal comes. Gives 0.
fn agent(args: AgentArgs) -> Result<u8, Failure> {
    let cancel = Cancel::hold()?;
    let places = Places { socket: args.socket, log: args.log, metrics: args.metrics };
    let say = |what: &str| print::stderr(&format!("remand oci agent: {}\n", plain(what)));
    agent::serve(&places, cancel.fd(), say).map_err(|error| Failure::usage(plain(&error.to_string()).into_owned()))?;
    Ok(0)
}

/// Becomes the runtime, or says why not.
pub fn front(args: &[OsString]) -> Result<Infallible, Failure> {
    front::run(args).map_err(|stopped| {
        let failure = told(stopped.stop);
        if let Some(log) = stopped.log {
            log.tell(&failure.message);
        }
        Failure { code: 1, ..failure }
    })
}

fn told(stop: Stop) -> Failure {
    match stop {
        Stop::Policy(refusal) => refusal.into(),
        Stop::Settings { text, problems } => {
            let file = text.file.clone();
            Failure::usage(format!("{}:\n{}", plain(&file), snippet::told(&[text], &problems)))
        }
        Stop::NoAgent { .. } => Failure {
            hint: Some("start remand oci agent, or say \"absent\": \"unlogged\" in /etc/remand/oci.jsonc".to_owned()),
            ..Failure::usage(plain(&stop.to_string()).into_owned())
        },
        other => Failure::usage(lines(&other.to_string())),
    }
}

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

/// What this process was started as.
pub enum Started<'a> {
    /// A runtime, with these arguments.
    Runtime(&'a [OsString]),
    /// This command, with these words.
    Command(Vec<OsString>),
}

/// What words mean: behind `remand-oci`, or behind `remand oci`, they are a runtime's unless this command's own definition knows them: help, and the agent.
pub fn started(words: &[OsString]) -> Started<'_> {
    let linked = words.first().and_then(|program| Path::new(program).file_name()) == Some(OsStr::new(LINK));
    let rest = words.get(1..).unwrap_or_default();
    let args = if linked { Some(rest) } else { rest.split_first().filter(|(word, _)| *word == "oci").map(|(_, args)| args) };
    let own = |word: &OsString| word == "agent" || (!linked && (word == "--help" || word == "-h"));
    match args {
        Some(args) if args.first().map_or(linked, |word| !own(word)) => Started::Runtime(args),
        Some(args) => Started::Command(["remand", "oci"].into_iter().map(OsString::from).chain(args.iter().cloned()).collect()),
        None => Started::Command(words.to_vec()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The runtime's arguments, or `=` and this command's words.
    fn said(line: &str) -> String {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        let joined = |words: &[OsString]| words.join(OsStr::new(" ")).to_string_lossy().into_owned();
        match started(&words) {
            Started::Runtime(args) => joined(args),
            Started::Command(words) => format!("= {}", joined(&words)),
        }
    }

    #[test]
    fn a_runtimes_words_are_not_this_commands() {
        assert_eq!(said("/usr/bin/remand-oci --root R create c"), "--root R create c");
        assert_eq!(said("remand oci --version"), "--version");
        assert_eq!(said("remand-oci --help"), "--help");
        assert_eq!(said("remand-oci"), "");
        assert_eq!(said("/x/remand-oci agent --socket S"), "= remand oci agent --socket S");
        assert_eq!(said("remand oci agent --socket S"), "= remand oci agent --socket S");
        assert_eq!(said("remand oci --help"), "= remand oci --help");
        assert_eq!(said("remand oci"), "= remand oci");
        assert_eq!(said("remand run oci"), "= remand run oci");
    }
}

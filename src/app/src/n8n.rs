//! `remand n8n`: n8n's task runner for Python.

use std::ffi::OsString;
use std::io::{IsTerminal, stdout};
use std::os::unix::process::CommandExt;

use remand_n8n::install::{self, Called, InstallError, called};
use remand_n8n::{DIAL, FRONT, Finding, Log, SUPERVISOR};

use crate::args::N8nCommand;
use crate::failure::{Failure, NOT_STARTED};
use crate::print::{self, plain};
use crate::rights;

/// Is a part of it that speaks with strangers, where this process was started as one.
pub fn part() -> Option<u8> {
    let words: Vec<_> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let (Some(&word), user) = (words.first(), words.get(1).and_then(|word| word.parse().ok())) else { return None };
    if ![FRONT, DIAL].contains(&word) {
        return None;
    }
    if let Err(failure) = rights::none_gained() {
        print::failure(&failure);
        return Some(failure.code);
    }
    let done = match (word, words.get(2), words.get(3).and_then(|port| port.parse().ok())) {
        (DIAL, Some(host), Some(port)) => remand_n8n::dial(user, host, port),
        (FRONT, None, None) => remand_n8n::front(user),
        _ => Err("this is a part of remand n8n, which starts it".to_owned()),
    };
    let done = done.map_err(|why| print::failure(&Failure::usage(plain(&why).into_owned())));
    Some(if done.is_ok() { 0 } else { NOT_STARTED })
}

/// Is the supervisor, where this process was started as one.
pub fn supervisor(words: &[OsString]) -> Option<Result<u8, Failure>> {
    let [_, word, front, user] = words else { return None };
    if word != SUPERVISOR {
        return None;
    }
    let number = |word: &OsString| word.to_str()?.parse().ok();
    let user = user.to_str().and_then(|word| word.parse().ok());
    let done = remand_n8n::supervise(number(front).unwrap_or(0), user, |settings| {
        Log::new(remand_n8n::form(Some(settings), stdout().is_terminal()), &say)
    });
    Some(done.map_err(|why| Failure { code: NOT_STARTED, ..Failure::usage(plain(&why).into_owned()) }))
}

/// Is what was installed in the place of a Python, where this process was started as one.
pub fn in_place_of_python(words: &[OsString]) -> Option<Result<u8, Failure>> {
    match called(words)? {
        Called::Runner => Some(n8n(None)),
        Called::Python(python) => {
            let why = std::process::Command::new(&python).args(words.get(1..).unwrap_or_default()).exec();
            Some(Err(Failure::usage(format!(
                "{}: {why}; it is the Python in whose place remand n8n install put remand",
                plain(&python.to_string_lossy())
            ))))
        }
    }
}

/// Becomes a runner, until it ends, or does something else; gives the exit status.
pub fn n8n(command: Option<N8nCommand>) -> Result<u8, Failure> {
    let told = |error: InstallError| Failure::usage(plain(&error.to_string()).into_owned());
    // The file itself, whatever link it was started by.
    let program = || std::env::current_exe().map_err(|error| Failure::internal(format!("this program's own file: {error}")));
    let done = match command {
        Some(N8nCommand::Doctor) => return Ok(doctor()),
        None => return Ok(remand_n8n::begin(stdout().is_terminal(), &say)),
        Some(N8nCommand::Install(args)) => {
            let place = install::install(&args.directory, &program()?).map_err(told)?;
            format!("{} is remand n8n when n8n starts it; remand n8n uninstall puts back what was there", place.display())
        }
        Some(N8nCommand::Uninstall(args)) => {
            format!("{} is what it was before", install::uninstall(&args.directory, &program()?).map_err(told)?.display())
        }
    };
    print::stdout(&format!("{}\n", plain(&done)))?;
    Ok(0)
}

/// Gives 1 where something is wrong.
fn doctor() -> u8 {
    let told = |finding: &Finding| {
        let (word, what) = match finding {
            Finding::Well(what) => ("ok", what),
            Finding::Note(what) => ("note", what),
            Finding::Wrong(what) => ("wrong", what),
        };
        print::log(&format!("{word:<5} {}", plain(what)));
    };
    u8::from(!remand_n8n::doctor(&told))
}

fn say(line: &str) {
    print::log(line);
}

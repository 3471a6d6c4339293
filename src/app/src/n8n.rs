//! `remand n8n`: n8n's task runner for Python.

use std::ffi::OsString;
use std::io::{IsTerminal, stdout};

use remand_n8n::{DIAL, FRONT, Log, SUPERVISOR};

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

/// Becomes a runner, until it ends; gives the exit status.
pub fn n8n() -> u8 {
    remand_n8n::begin(stdout().is_terminal(), &say)
}

fn say(line: &str) {
    print::log(line);
}

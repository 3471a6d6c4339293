//! `remand ps`, `remand logs` and `remand cancel`: the runs that a daemon has, looked at and ended by whoever they belong to.
//!
//! Always holds: looking at a run, and ceasing to look, does nothing to it.

use std::fmt::Write as _;
use std::os::fd::AsFd;
use std::path::PathBuf;

use remand_engine::Outcome;
use remand_plan::frames::ErrorFrame;
use remand_plan::outcome::exit_code;
use remand_plan::verdict::Verdict;
use remand_serve::protocol::is_label;
use remand_via::{Listed, Told, ViaError, Which};

use crate::account;
use crate::amount::time;
use crate::args::{CancelArgs, DaemonArgs, LogsArgs, PsArgs};
use crate::cancel::Cancel;
use crate::failure::{Failure, USAGE};
use crate::forward::unpassed;
use crate::print::{self, plain};
use crate::via::{failure, pass, the_daemon};
use crate::way::{Passed, Way};

/// What stands where there is nothing.
const NONE: &str = "-";

/// `remand ps`. Gives 0.
pub fn ps(args: &PsArgs) -> Result<u8, Failure> {
    labelled(args.label.as_deref())?;
    let socket = place(&args.daemon);
    let mut runs = remand_via::list(&socket, args.label.as_deref()).map_err(|error| failure(&the_daemon(&socket), error))?;
    runs.retain(|run| args.all || run.state != "over");
    if args.json {
        let text = serde_json::to_string(&runs).map_err(|error| Failure::internal(error.to_string()))?;
        return print::json(&text).map(|()| 0);
    }
    print::stdout(&table(&runs)).map(|()| 0)
}

/// A line for each, below one that names the columns.
fn table(runs: &[Listed]) -> String {
    let head = ["RUN", "STATE", "AGE", "POLICY", "FOR", "WHOSE"].map(str::to_owned);
    let rows: Vec<[String; 6]> = [head].into_iter().chain(runs.iter().map(row)).collect();
    let mut widths = [0; 6];
    for row in &rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = cell.chars().count().max(*width));
    }
    rows.iter().fold(String::new(), |mut text, row| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
        text
    })
}

fn row(run: &Listed) -> [String; 6] {
    let text = |text: &str| if text.is_empty() { NONE.to_owned() } else { plain(text).into_owned() };
    let state = run.verdict.as_deref().unwrap_or(&run.state);
    // As a clock would say it: no fractions of what is long over.
    let age = match run.age_ms {
        ms @ ..1000 => time(ms.saturating_mul(1000)),
        ms @ ..120_000 => format!("{} s", ms / 1000),
        ms @ ..7_200_000 => format!("{} min", ms / 60_000),
        ms => format!("{} h", ms / 3_600_000),
    };
    let whose = run.user.map(|user| user.to_string()).or_else(|| run.container.clone());
    [text(&run.run), text(state), age, text(&run.policy), text(run.label.as_deref().unwrap_or("")), text(&whose.unwrap_or_default())]
}

/// `remand logs`. Gives the exit status of the run's verdict.
pub fn logs(args: &LogsArgs) -> Result<u8, Failure> {
    if args.json {
        let outcome = outcome_of(&args.daemon, &args.run)?;
        return print::record(&outcome).map(|()| exit_code(&outcome.verdict));
    }
    named(&args.run)?;
    let socket = place(&args.daemon);
    let cancel = Cancel::hold()?;
    let unpassed = |error| unpassed("output", &error);
    let mut way = Way::open(if args.stream { Passed::Events } else { Passed::Streams }, None, false).map_err(unpassed)?;
    let ends = way.or_gone(cancel.fd()).map_err(unpassed)?;
    let mut tell = |told: Told<'_>| pass(&mut way, told);
    let outcome = remand_via::watch(&socket, &args.run, ends.0.as_fd(), &mut tell);
    way.end();
    print::answering(cancel);
    let outcome = way.finish(outcome.map_err(|error| left(&args.run, &the_daemon(&socket), error)))?;
    over(&outcome, args.stream)
}

/// The record of a run, when it is over.
pub fn outcome_of(daemon: &DaemonArgs, run: &str) -> Result<Outcome, Failure> {
    named(run)?;
    let socket = place(daemon);
    let cancel = Cancel::hold()?;
    let outcome = remand_via::watch(&socket, run, cancel.fd(), &mut |_| {}).map_err(|error| left(run, &the_daemon(&socket), error))?;
    print::answering(cancel);
    Ok(outcome)
}

/// How it ended, after what it said.
fn over(outcome: &Outcome, events: bool) -> Result<u8, Failure> {
    if events {
        print::record(&remand_plan::event::Event::Outcome { outcome })?;
    } else {
        // As Python does itself at the end of a program.
        let said = |error: &ErrorFrame| outcome.stderr.text.contains(&error.stack);
        let own = matches!(outcome.verdict, Verdict::Exited { .. }) || outcome.error.as_ref().is_some_and(said);
        print::account(&if own { account::program(outcome) } else { account::account(outcome) });
        if outcome.verdict == Verdict::Finished && outcome.value.get() != "null" {
            print::json(outcome.value.get())?;
        }
    }
    Ok(exit_code(&outcome.verdict))
}

/// Why its end was not seen.
fn left(run: &str, who: &str, error: ViaError) -> Failure {
    let again = match &error {
        ViaError::Left => Some(format!("it goes on: remand logs {run} shows it again, remand cancel {run} ends it")),
        ViaError::Lost(_) => Some(format!("remand logs {run} shows what became of it")),
        _ => None,
    };
    let told = failure(who, error);
    Failure { hint: again.or(told.hint), ..told }
}

/// `remand cancel`. Prints the ids of those that were cancelled; gives 0 if there is none of those named that could not be.
pub fn cancel(args: &CancelArgs) -> Result<u8, Failure> {
    labelled(args.label.as_deref())?;
    args.runs.iter().try_for_each(|run| named(run))?;
    let socket = place(&args.daemon);
    let who = the_daemon(&socket);
    let ended = |which| remand_via::cancel(&socket, which).map_err(|error| failure(&who, error));
    let said = |runs: &[String]| print::stdout(&runs.iter().fold(String::new(), |text, run| text + &plain(run) + "\n"));
    if let Some(label) = &args.label {
        return said(&ended(Which::Label(label))?).map(|()| 0);
    }
    // A daemon forgets what is over when it is told to cancel it, and with it an outcome that somebody may want.
    let going = remand_via::list(&socket, None).map_err(|error| failure(&who, error))?;
    let mut code = 0;
    for run in &args.runs {
        if going.iter().any(|listed| listed.run == *run && listed.state == "over") {
            let hint = Some(format!("remand logs {run} shows how it ended"));
            print::failure(&Failure { hint, ..Failure::usage(format!("{who}: the run {run} is over already; nothing was done")) });
            code = USAGE;
            continue;
        }
        match ended(Which::Run(run)) {
            Ok(runs) => said(&runs)?,
            Err(failure) => {
                print::failure(&failure);
                code = failure.code;
            }
        }
    }
    Ok(code)
}

fn place(args: &DaemonArgs) -> PathBuf {
    args.via.clone().unwrap_or_else(remand_serve::found)
}

/// An id can have no other character; a path that one is put into has a meaning of its own.
fn named(run: &str) -> Result<(), Failure> {
    if !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let hint = Some("remand ps lists them".to_owned());
    Err(Failure { hint, ..Failure::usage(format!("{} is no run: letters and digits are expected", remand_policy::text::quote(run))) })
}

fn labelled(label: Option<&str>) -> Result<(), Failure> {
    match label {
        Some(label) if !is_label(label) => {
            let why = format!("--for: {} is no label: 1 to 64 of A-Z a-z 0-9 . _ ~ - are expected", remand_policy::text::quote(label));
            Err(Failure::usage(why))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(run: &str, state: &str, age_ms: u64) -> Listed {
        let (run, state, policy) = (run.to_owned(), state.to_owned(), "default".to_owned());
        Listed { run, state, verdict: None, policy, age_ms, label: None, user: Some(7), container: None }
    }

    #[test]
    fn a_row_is_a_line_whatever_a_daemon_says() {
        let hostile = Listed {
            label: Some("a\nb\u{1b}[2J".to_owned()),
            container: Some("/pod".to_owned()),
            user: None,
            ..listed("x", "queued", 999)
        };
        let over = Listed { verdict: Some("finished".to_owned()), ..listed("yy", "over", 7_200_000) };
        let text = table(&[hostile, over, listed("z", "running", 119_999)]);
        let rows: Vec<Vec<_>> =
            text.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
        assert_eq!(rows[0], ["RUN", "STATE", "AGE", "POLICY", "FOR", "WHOSE"]);
        assert_eq!(rows.len(), 4);
        assert!(!text.contains('\u{1b}') && rows[1][4].starts_with('a') && rows[1][5] == "/pod", "{text}");
        assert_eq!(rows[2], ["yy", "finished", "2 h", "default", "-", "7"]);
        assert_eq!(rows[3][2], "119 s");
    }

    #[test]
    fn an_id_is_no_path() {
        assert!(named("0a9Z").is_ok());
        for wrong in ["", "..", "a/b", "a?b", "a b", "\u{e9}"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }
}

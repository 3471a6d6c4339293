//! Giving an outcome to whoever asked: the record, or the value and an account of it; the exit status either way.

use std::fmt::Write as _;

use remand_plan::event::Event;
use remand_plan::outcome::{Outcome, Timing, exit_code, program_code};
use remand_plan::verdict::Verdict;

use crate::args::{ShowArgs, StatusArg, StatusArgs};
use crate::failure::Failure;
use crate::record::Record;
use crate::{account, print};

/// The outcome of a function, whose output was passed on already, line by line, with this account of it.
pub fn give(outcome: &Outcome, show: &ShowArgs, record: Option<&Record>, account: &str) -> Result<u8, Failure> {
    told(outcome, show, record, account)?;
    if show.for_people() && outcome.verdict == Verdict::Finished {
        print::json(outcome.value.get())?;
    }
    Ok(exit_code(&outcome.verdict))
}

/// The outcome of a program, whose own output was passed on already as it was, with this account of it; and a value as JSON, if one is wanted. What is ours begins
/// a line of its own.
pub fn give_program(
    outcome: &Outcome,
    show: &ShowArgs,
    record: Option<&Record>,
    account: &str,
    value: Option<&str>,
) -> Result<(), Failure> {
    let is_open = |said: &str| !said.is_empty() && !said.ends_with('\n');
    let between = if !account.is_empty() && is_open(&outcome.stderr.text) { "\n" } else { "" };
    told(outcome, show, record, &format!("{between}{account}"))?;
    if let Some(value) = value.filter(|_| show.for_people()) {
        if is_open(&outcome.stdout.text) {
            print::stdout("\n")?;
        }
        print::json(value)?;
    }
    Ok(())
}

/// The record, or an account.
fn told(outcome: &Outcome, show: &ShowArgs, record: Option<&Record>, account: &str) -> Result<(), Failure> {
    record.map_or(Ok(()), |record| record.write(outcome))?;
    if show.timing {
        print::stderr(&table(&outcome.timing));
    }
    if show.json {
        print::record(outcome)?;
    } else if show.stream {
        print::record(&Event::Outcome { outcome })?;
    } else if !show.quiet {
        print::account(account);
    }
    if show.verbose {
        print::account(&account::details(outcome));
    }
    Ok(())
}

/// The exit status of a command that runs programs.
pub fn status(verdict: &Verdict, wanted: StatusArgs) -> u8 {
    match wanted.exit_status {
        StatusArg::Program => program_code(verdict),
        StatusArg::Verdict => exit_code(verdict),
    }
}

/// The steps as a table.
fn table(timing: &[Timing]) -> String {
    timing.iter().fold(String::new(), |mut text, Timing { step, us }| {
        let _ = writeln!(text, "{us:>9} µs  {step}");
        text
    })
}

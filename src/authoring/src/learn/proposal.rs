//! A proposal as text: the patch, and why each line of it is there.
//!
//! Always holds: everything that was asked for is told, with what became of it. What is told may hold any character: whoever prints it escapes it.

use std::fmt::Write;

use remand_plan::verdict::Verdict;
use serde::Serialize;
use similar::TextDiff;

use super::{Change, Line, Standing};

/// No verdict tells a job that caught an error from one that had none.
const SAID: &str =
    "a job that catches the error and does not say so finishes too: look at what it gave; if it did not do its work, let it raise";

/// What became of one input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// Its name.
    pub input: String,
    /// Runs while learning.
    pub runs: u32,
    /// How the last of them ended.
    pub learned: String,
    /// How a normal run under the proposal ends.
    pub proposed: String,
}

/// The patch of a file, as `diff -u` writes it; empty where nothing changes.
#[must_use]
pub fn unified(file: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    TextDiff::from_lines(before, after).unified_diff().header(file, &format!("{file} (proposed)")).to_string()
}

/// All lines, by what became of them, and the inputs.
#[must_use]
pub fn text(lines: &[Line], ran: &[Ran]) -> String {
    let mut text = String::new();
    type Is = fn(&Standing) -> bool;
    let sections: [(&str, Is); 5] = [
        ("proposed", |standing| *standing == Standing::Proposed),
        ("asked for, not proposed by default: dangerous", |standing| *standing == Standing::Dangerous),
        ("beyond the ceiling", |standing| matches!(standing, Standing::Beyond { .. })),
        ("refused", |standing| matches!(standing, Standing::Refused { .. })),
        ("asked for, and not needed: the job finishes without", |standing| *standing == Standing::Unneeded),
    ];
    for (title, is) in sections {
        let mut lines = lines.iter().filter(|line| is(&line.standing)).peekable();
        if lines.peek().is_some() {
            let _ = writeln!(text, "{title}"); // writing to a String cannot fail
        }
        let unneeded = lines.peek().is_some_and(|line| line.standing == Standing::Unneeded);
        lines.for_each(|line| tell(&mut text, line));
        if unneeded {
            let _ = writeln!(text, "  {SAID}");
        }
    }
    if !ran.is_empty() && ran.iter().all(|ran| ran.learned != Verdict::Finished.kind()) {
        let _ = writeln!(text, "no input finished: what is proposed is what the runs asked for, and was not tried without");
    }
    let _ = writeln!(text, "inputs");
    for Ran { input, runs, learned, proposed } in ran {
        let times = if *runs == 1 { "1 run" } else { &format!("{runs} runs") };
        let _ = writeln!(text, "  {input}: {times}, the last one {learned}; under the proposal: {proposed}");
    }
    text
}

fn tell(text: &mut String, line: &Line) {
    let change = match &line.change {
        Change::Add { field, value } => format!("{field}: add {value}"),
        Change::Set { field, value, was } => format!("{field}: {was} becomes {value}"),
    };
    let _ = writeln!(text, "  {change}");
    match &line.standing {
        Standing::Beyond { most } => {
            let _ = writeln!(text, "      the most that is allowed: {most}");
        }
        Standing::Refused { because } => {
            let _ = writeln!(text, "      because: {because}");
        }
        Standing::Proposed | Standing::Dangerous | Standing::Unneeded => {}
    }
    let _ = writeln!(text, "      risk: {}", line.risk);
    for need in &line.needs {
        let _ = writeln!(text, "      run {} of {}: {}", need.run, need.input, need.because);
    }
}

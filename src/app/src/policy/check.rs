//! `remand policy check`: load policy files and print every problem, each with the piece of source that it is about.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use remand_policy::load::{Problem, Source};

use crate::args::CheckArgs;
use crate::failure::{Failure, USAGE};
use crate::policies;
use crate::print::{self, lines, plain};

/// Does it; the exit status.
pub fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let mut code = 0;
    for file in &args.files {
        let source = policies::look(file)?;
        match policies::parse(&policies::name(file), &source) {
            Ok(_) => print::stdout(format!("{}: ok\n", plain(&source.file)).as_bytes())?,
            Err(problems) => {
                print::stderr(&told(&source, &problems));
                code = USAGE;
            }
        }
    }
    Ok(code)
}

/// All problems of one file, underlined where they are.
pub fn told(source: &Source, problems: &[Problem]) -> String {
    problems.iter().map(|problem| one(source, problem)).collect()
}

fn one(source: &Source, problem: &Problem) -> String {
    let mut diagnostic = MietteDiagnostic::new(problem.to_string());
    let end = problem.offset.saturating_add(problem.bytes);
    // A problem in a base has no text here to point at.
    if problem.file == source.file && end <= source.text.len() {
        diagnostic = diagnostic.with_label(LabeledSpan::underline(problem.offset..end));
    }
    // Replaced bytes are longer than what they replace, but nothing that is not UTF-8 is followed by a problem.
    let text = String::from_utf8_lossy(&source.text).into_owned();
    let report = Report::new(diagnostic).with_source_code(NamedSource::new(&source.file, text));
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(120);
    let mut text = String::new();
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => lines(&text),
        Err(_) => format!("{}\n", plain(&problem.to_string())),
    }
}

//! Problems as people read them: the message, and the piece of the file that it is about, underlined.
//!
//! Always holds: what is shown of a file is a few lines of bounded length, whatever the file is like, and harmless to a terminal.

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents, Report, SourceCode, SourceSpan,
    SpanContents,
};
use remand_policy::load::Place;
use remand_policy::source::Source;
use remand_policy::text::{Problem, Severity};

use crate::print::{lines, plain};

/// Longest line shown whole, in bytes.
const LINE: usize = 200;
/// What is shown of a longer one, before the problem, and of it with what follows.
const AROUND: (usize, usize) = (40, 120);
const WIDTH: usize = 120;

/// What to say of a place in a policy.
#[derive(Debug)]
pub struct Said {
    pub severity: Severity,
    pub field: String,
    pub message: String,
    pub help: Option<String>,
}

/// A problem at `place`, or of the first file as a whole.
pub fn problem(sources: &[Source], place: Option<&Place>, said: Said) -> Problem {
    let Said { severity, field, message, help } = said;
    let file = place.map_or_else(|| sources.first().map_or("", |source| &source.file), |place| &place.file);
    let (line, column, offset, bytes) = place.map_or((1, 1, 0, 0), |place| (place.line, place.column, place.offset, place.bytes));
    let text = sources.iter().find(|source| source.file == file).and_then(|source| source.text.get(offset..offset.saturating_add(bytes)));
    let length = text.map_or(0, |text| String::from_utf8_lossy(text).chars().count());
    Problem { severity, file: file.to_owned(), line, column, length, offset, bytes, field, message, help }
}

/// All problems, each underlined in the text that it is about.
pub fn told(sources: &[Source], problems: &[Problem]) -> String {
    problems.iter().map(|problem| one(sources, problem)).collect()
}

fn one(sources: &[Source], problem: &Problem) -> String {
    let severity = if problem.severity == Severity::Error { miette::Severity::Error } else { miette::Severity::Warning };
    let mut diagnostic = MietteDiagnostic::new(problem.to_string()).with_severity(severity);
    let window = sources.iter().find(|source| source.file == problem.file).and_then(|source| Window::around(source, problem));
    if let Some(window) = &window {
        diagnostic = diagnostic.with_label(LabeledSpan::underline(window.label.0..window.label.1));
    }
    let report = Report::new(diagnostic);
    let report = match window {
        Some(window) => report.with_source_code(window),
        None => report,
    };
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(WIDTH);
    let mut text = String::new();
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => lines(&text),
        Err(_) => format!("{}\n", plain(&problem.to_string())),
    }
}

/// The line of a problem, its neighbours where they are short, and what to underline in them.
#[derive(Debug)]
struct Window {
    file: String,
    text: String,
    /// Of the first line shown, from 0.
    line: usize,
    column: usize,
    label: (usize, usize),
    /// Line and column of the label, from 0.
    place: (usize, usize),
}

impl Window {
    /// `None` for a problem that is about no place in the text.
    fn around(source: &Source, problem: &Problem) -> Option<Self> {
        let text = source.text.as_ref();
        let at = problem.offset.min(text.len());
        if text.is_empty() || (problem.offset, problem.bytes) == (0, 0) {
            return None;
        }
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let start = text.get(..at)?.iter().rposition(is_end).map_or(0, |end| end + 1);
        let end = text.get(at..)?.iter().position(is_end).map_or(text.len(), |length| at + length);
        let (from, to) =
            if end - start <= LINE { (start, end) } else { (start.max(at.saturating_sub(AROUND.0)), end.min(at.saturating_add(AROUND.1))) };
        let piece = |from: usize, to: usize| text.get(from..to).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        // Bytes that are no text become longer when they are shown.
        let before = piece(from, at)?;
        let about = piece(at, to.min(at.saturating_add(problem.bytes)))?;
        let after = piece(to.min(at.saturating_add(problem.bytes)), to)?;
        let mut window = Self {
            file: source.file.clone(),
            line: problem.line.saturating_sub(1),
            column: problem.column.saturating_sub(1 + before.chars().count()),
            place: (problem.line.saturating_sub(1), problem.column.saturating_sub(1)),
            label: (before.len(), before.len() + about.len()),
            text: before + &about + &after,
        };
        window.neighbours(text, start, end);
        Some(window)
    }

    /// Puts the lines before and after around the line from `start` to `end`.
    fn neighbours(&mut self, text: &[u8], start: usize, end: usize) {
        let short = |line: &[u8]| (line.len() <= LINE).then(|| String::from_utf8_lossy(line).into_owned());
        let before =
            text.get(..start).and_then(|before| before.strip_suffix(b"\n")).map(|before| before.strip_suffix(b"\r").unwrap_or(before));
        let before = before.and_then(|before| before.rsplit(|byte| *byte == b'\n').next()).and_then(short);
        if let Some(before) = before.filter(|before| self.line > 0 && !before.contains('\r')) {
            self.line -= 1;
            self.label = (self.label.0 + before.len() + 1, self.label.1 + before.len() + 1);
            self.text = format!("{before}\n{}", self.text);
        }
        let after = text.get(end..).map(|after| after.strip_prefix(b"\r").unwrap_or(after)).and_then(|after| after.strip_prefix(b"\n"));
        if let Some(after) = after.and_then(|after| after.split(|byte| *byte == b'\n').next()).and_then(short) {
            self.text.push('\n');
            self.text.push_str(after.trim_end_matches('\r'));
        }
    }
}

impl SourceCode for Window {
    fn read_span<'a>(&'a self, _: &SourceSpan, before: usize, _: usize) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let all = SourceSpan::from((0, self.text.len()));
        // Without lines around it, it is asked for to say where the label is.
        let (line, column) = if before == 0 { self.place } else { (self.line, self.column) };
        let count = self.text.lines().count();
        Ok(Box::new(MietteSpanContents::new_named(self.file.clone(), self.text.as_bytes(), all, line, column, count)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use remand_policy::load::{Chain, parse};

    fn shown(text: &str) -> String {
        let source = Source { file: "p.jsonc".into(), text: text.as_bytes().to_vec().into() };
        let problems = parse(&Chain::alone(&source), "p").unwrap_err();
        told(&[source], &problems)
    }

    #[test]
    fn the_line_and_its_neighbours_are_shown_and_the_place_is_underlined() {
        let text = "{\r\n  \"version\": 1,\r\n  \"limits\": { \"memory\": 64 }\r\n}\r\n";
        assert_eq!(
            shown(text),
            "  × p.jsonc:3:25: limits.memory: \"64\" has no unit (write \"64B\" or \"64KiB\" or \"64MiB\")\n   ╭─[p.jsonc:3:25]\n 2 │   \"version\": 1,\n \
             3 │   \"limits\": { \"memory\": 64 }\n   ·                         ──\n 4 │ }\n   ╰────\n"
        );
    }

    #[test]
    fn a_line_of_a_mebibyte_is_cut() {
        let many = (0..500).fold(String::new(), |text, n| text + &format!("\"k{n}\": \"{}\",", "x".repeat(1000)));
        let told = shown(&format!("{{\"version\": 1, \"limits\": {{{many}}}}}"));
        assert!(told.len() < 100 * 3000, "{}", told.len());
        assert!(told.contains("\"k99\"") && told.contains("──"));
    }

    #[test]
    fn texts_of_every_kind_are_shown() {
        for text in [
            "",
            "\u{feff}",
            "{",
            "\r\r\r{",
            "[",
            "{\"a\": \"\u{1b}[2J\"}",
            "{\"version\": 1,\n\n\n\"é𝄞\": 1}",
            "\n\n\n",
            "{\"version\": 1, \"\\ud800\": 1}",
        ] {
            let told = shown(text);
            assert!(told.contains("p.jsonc:"), "{told}");
            assert!(!told.contains(|c: char| c.is_control() && c != '\n'), "{told:?}");
        }
        let source = Source { file: "p.jsonc".into(), text: b"{\n \"a\": \"\xff\xfe\"}".as_slice().into() };
        let problems = parse(&Chain::alone(&source), "p").unwrap_err();
        assert!(told(&[source], &problems).contains("not UTF-8"));
    }
}

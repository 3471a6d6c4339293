//! What is wrong with a policy file or a request, and exactly where.
//!
//! Always holds: a position lies inside the text it was made from, lines and columns count from 1, columns count characters.

use std::fmt;

use jsonc_parser::common::Range;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The text is no policy.
    Error,
    /// It is a policy, but hardly the one that was meant.
    Warning,
}

/// One thing that is wrong, ready to be shown as `file:line:column`, or as a labelled piece of the source by `offset` and `bytes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether the text is refused for it.
    pub severity: Severity,
    /// The file as its caller named it; `request` for a request's overrides.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters concerned; 0 where something is missing at this point.
    pub length: usize,
    /// Byte offset into the file, a byte order mark counted.
    pub offset: usize,
    /// Bytes concerned.
    pub bytes: usize,
    /// Dotted path of the field, such as `limits.memory` or `syscalls.allow[3]`; empty for the file as a whole.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl std::error::Error for Problem {}

/// A text with its name; makes problems.
#[derive(Clone, Copy)]
pub struct Text<'t> {
    /// The name of the file.
    pub file: &'t str,
    /// Without byte order mark.
    pub text: &'t str,
    /// Bytes of the byte order mark that was taken off.
    pub skipped: usize,
}

impl Text<'_> {
    /// An error at a range of the text, in a field.
    #[must_use]
    pub fn problem(&self, range: Range, field: &str, message: String, help: Option<String>) -> Problem {
        let before = self.text.get(..range.start).unwrap_or(self.text);
        let mut here = Position::default();
        here.pass(before);
        let bytes = range.end.saturating_sub(range.start);
        Problem {
            severity: Severity::Error,
            file: self.file.to_owned(),
            line: here.line,
            column: here.column,
            length: self.text.get(range.start..range.end).map_or(0, |part| part.chars().count()),
            offset: before.len() + self.skipped,
            bytes,
            field: field.to_owned(),
            message,
            help,
        }
    }
}

/// A position in a text: line and column, from 1. A carriage return, which stands only before a line feed, is no column.
#[derive(Clone, Copy)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Default for Position {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

impl Position {
    /// Moves over a part of the text.
    pub fn pass(&mut self, part: &str) {
        for c in part.chars() {
            match c {
                '\n' => *self = Self { line: self.line + 1, column: 1 },
                '\r' => {}
                _ => self.column += 1,
            }
        }
    }
}

/// Help for a word that is none of `known`: the nearest of them, or all where they are few.
pub fn did_you_mean<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    const FEW: usize = 16;
    // Hostile words may be long; nothing that long is near a known one.
    let known: Vec<_> = known.collect();
    let near = |candidate: &&str| (strsim::damerau_levenshtein(word, candidate), candidate.len());
    let alike = known.iter().copied().filter(|candidate| same_sense(word, candidate));
    let best = if word.len() <= 64 { alike.min_by_key(near) } else { None };
    match best {
        Some(candidate) if near(&candidate).0 <= (candidate.len() / 3).max(1) => Some(format!("did you mean \"{candidate}\"?")),
        _ if !known.is_empty() && known.len() <= FEW => Some(format!("known here: {}", known.join(", "))),
        _ => None,
    }
}

/// Whether neither or both of two words begin as one that negates another.
pub fn same_sense(a: &str, b: &str) -> bool {
    const NEGATIONS: &[&str] = &["no", "un", "dis", "without", "~", "!", "-"];
    let negates = |word: &str| NEGATIONS.iter().any(|negation| word.to_ascii_lowercase().starts_with(negation));
    negates(a) == negates(b)
}

/// `text` as a message quotes it: cut where it is long, and escaped, so that no control character of a file reaches a terminal.
pub fn quote(text: &str) -> String {
    const SHOWN: usize = 60;
    let cut = text.char_indices().nth(SHOWN).map_or(text, |(end, _)| text.get(..end).unwrap_or(text));
    let dots = if cut.len() < text.len() { "..." } else { "" };
    format!("{cut:?}{dots}")
}

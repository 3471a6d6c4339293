//! A member taken out of a list or an object, with the comments that share its line.
//!
//! Always holds: other members and comments stay byte for byte; what goes besides is white space and one comma.

use jsonc_parser::common::Range;
use jsonc_parser::tokens::Token;

use super::document::{Document, Splice};
use super::format;

/// What goes: the whole text without the member, and the comments that went with it.
pub(super) struct Removed {
    pub text: String,
    pub comments: Vec<String>,
}

/// The whole text without the member at `own` of what stands at `within`.
pub(super) fn member(document: &Document<'_>, within: Range, own: Range) -> Removed {
    let (open, close) = (document.token(within.start), document.token(within.end.saturating_sub(1)));
    let goes = Going::new(document, open, close, document.token(own.start), document.token(own.end));
    let dropped = |at: &usize| (goes.first..goes.end).contains(at) || goes.comma == Some(*at);
    let tokens = |at: usize| document.tokens.get(at);
    let comment = |at: &usize| tokens(*at).is_some_and(format::is_comment);
    let printed = |at| tokens(at).map(|token| format::printed(token, document.at(token.range)).into_owned());
    let comments = (goes.first..goes.end).filter(comment).filter_map(printed).collect();
    let nothing_left = (open + 1..close).all(|at| dropped(&at));
    let splices =
        if nothing_left { vec![cut(Range::new(within.start + 1, within.end.saturating_sub(1)))] } else { goes.splices(document, close) };
    Removed { text: document.apply(splices), comments }
}

fn cut(range: Range) -> Splice {
    Splice { range, text: String::new() }
}

/// The tokens that go: those from `first` to before `end`, and a comma that may stand elsewhere.
struct Going {
    first: usize,
    end: usize,
    comma: Option<usize>,
}

impl Going {
    /// The member's tokens are those from `first` to before `end`.
    fn new(document: &Document<'_>, open: usize, close: usize, first: usize, end: usize) -> Self {
        let comment = |at: usize| document.tokens.get(at).is_some_and(format::is_comment);
        let comma = |at: usize| document.tokens.get(at).is_some_and(|token| token.token == Token::Comma);
        let same_line = |at: usize| document.breaks(at) == 0;
        let (mut start, mut stop) = (first, end);
        while start > open + 1 && comment(start - 1) && same_line(start) {
            start -= 1;
        }
        while stop < close && comment(stop) && same_line(stop) {
            stop += 1;
        }
        let behind = (stop..close).find(|at| !comment(*at)).filter(|at| comma(*at));
        if behind == Some(stop) && same_line(stop) {
            let after = (stop + 1..close).take_while(|at| comment(*at) && same_line(*at)).last().map_or(stop + 1, |last| last + 1);
            // Comments behind the comma belong to what comes next on their line.
            stop = if after == close || !same_line(after) { after } else { stop + 1 };
            return Self { first: start, end: stop, comma: None };
        }
        let before = || (open + 1..start).rev().find(|at| !comment(*at)).filter(|at| comma(*at));
        Self { first: start, end: stop, comma: behind.or_else(before) }
    }

    fn splices(&self, document: &Document<'_>, close: usize) -> Vec<Splice> {
        let (before, after) = (document.gap(self.first), document.gap(self.end));
        let (above, below) = (document.breaks(self.first), document.breaks(self.end));
        let last = self.end == close;
        let mut range = Range::new(before.end, after.start);
        match (above > 0, below > 0) {
            // The line goes, with empty lines that would be left at the end or beside other empty ones.
            (true, true) if last || below > 1 => range.start = before.start,
            (true, true) => range.start = before.start + last_break(document.at(before)),
            (true, false) if !last => range.end = after.end,
            (false, false) if !last => range.end = after.end,
            (false, _) => range.start = before.start,
            (true, false) => {}
        }
        let comma = self.comma.and_then(|at| document.tokens.get(at)).map(|token| cut(token.range));
        comma.into_iter().chain([cut(range)]).collect()
    }
}

/// Where the last line end of white space begins.
fn last_break(gap: &str) -> usize {
    let at = gap.rfind(['\n', '\r']).unwrap_or(0);
    if gap.get(..at).is_some_and(|before| before.ends_with('\r')) && gap.get(at..).is_some_and(|rest| rest.starts_with('\n')) {
        at - 1
    } else {
        at
    }
}

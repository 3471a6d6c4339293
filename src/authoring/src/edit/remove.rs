//! A member taken out of a list or an object.
//!
//! Always holds: other members and all comments stay byte for byte; what goes besides is white space and one comma. A member on lines of its own that has a
//! comment, on its line or right above it, is turned into a comment itself: so no comment is lost, and none is left beside what it does not speak of.

use jsonc_parser::common::Range;
use jsonc_parser::tokens::Token;

use super::document::{Document, Splice};
use super::{format, tokens};

/// The whole text without the member, the comments that went with it, and those that it became.
pub(super) struct Removed {
    pub text: String,
    pub gone: Vec<String>,
    pub came: Vec<String>,
    /// It has a comment, on its line or right above.
    pub commented: bool,
}

/// The whole text without the member at `own` of what stands at `within`.
pub(super) fn member(document: &Document<'_>, within: Range, own: Range) -> Removed {
    let (open, close) = (document.token(within.start), document.token(within.end.saturating_sub(1)));
    let goes = Going::new(document, open, close, document.token(own.start), document.token(own.end));
    let comment = |at: &usize| document.tokens.get(*at).is_some_and(tokens::is_comment);
    let commented = (goes.first..goes.end).any(|at| comment(&at));
    let above =
        goes.first > open + 1 && comment(&(goes.first - 1)) && document.breaks(goes.first) == 1 && on_own_line(document, goes.first - 1);
    let alone = document.breaks(goes.first) > 0 && document.breaks(goes.end) > 0;
    if alone && (commented || above) {
        return goes.commented_out(document);
    }
    let kept = |splices| Removed { text: document.apply(splices), gone: Vec::new(), came: Vec::new(), commented };
    if commented {
        return kept(goes.between_comments(document, own, close));
    }
    let dropped = |at: usize| (goes.first..goes.end).contains(&at) || goes.comma == Some(at);
    if (open + 1..close).all(dropped) {
        return kept(vec![cut(Range::new(within.start + 1, within.end.saturating_sub(1)))]);
    }
    kept(goes.splices(document, close))
}

/// Whether the comment at `index` begins its line.
fn on_own_line(document: &Document<'_>, index: usize) -> bool {
    document.tokens.get(index).is_some_and(|token| document.first_on_line(token.range.start))
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
        let comment = |at: usize| document.tokens.get(at).is_some_and(tokens::is_comment);
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

    /// Each line of it behind slashes.
    fn commented_out(&self, document: &Document<'_>) -> Removed {
        let place = |at: usize| document.tokens.get(at).map_or(Range::new(0, 0), |token| token.range);
        let range = Range::new(place(self.first).start, place(self.end.saturating_sub(1)).end);
        let inside = (self.first..self.end).filter_map(|at| document.tokens.get(at)).filter(|token| tokens::is_comment(token));
        let gone = inside.map(|token| tokens::printed(token, document.at(token.range)).into_owned()).collect();
        let lines = document.at(range).split(['\n', '\r']).filter(|line| !line.trim().is_empty());
        let came: Vec<String> = lines.map(|line| format!("// {}", line.trim())).collect();
        let text = came.join(&format!("{}{}", document.newline, document.indent(range.start)));
        let comma = self.comma.and_then(|at| document.tokens.get(at)).map(|token| cut(token.range));
        Removed { text: document.apply(comma.into_iter().chain([Splice { range, text }]).collect()), gone, came, commented: true }
    }

    /// Without the member alone, where others share its line: which of them the comments speak of, they do not say.
    fn between_comments(&self, document: &Document<'_>, own: Range, close: usize) -> Vec<Splice> {
        let is_comma = |at: &usize| document.tokens.get(*at).is_some_and(|token| token.token == Token::Comma);
        let is_comment = |at: &usize| document.tokens.get(*at).is_some_and(tokens::is_comment);
        let next = document.token(own.end);
        let behind = (next..close).find(|at| !is_comment(at)).filter(is_comma);
        let comma = behind.or(self.comma).and_then(|at| document.tokens.get(at)).map(|token| token.range);
        let mut range = own;
        if let Some(comma) = comma.filter(|_| behind == Some(next)) {
            range.end = comma.end;
        }
        let rest = document.body.get(range.end..).unwrap_or("");
        range.end += rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let text = format::comments_within(document, own.start, own);
        comma
            .filter(|comma| comma.end > range.end || comma.start < range.start)
            .map(cut)
            .into_iter()
            .chain([Splice { range, text }])
            .collect()
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

//! A member put at the end of an object or a list.
//!
//! Always holds: what is there already stays where it is, byte for byte, except that an object or list on one line is laid out anew where the member
//! or its comment does not fit there.

use jsonc_parser::ast::{Array, Object};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::tokens::Token;
use serde_json::Value;

use super::document::{Document, Splice};
use super::format::{self, Start, WIDTH};
use super::tokens;

/// What is put there.
pub(super) struct Member<'m> {
    /// Of an object's.
    pub key: Option<&'m str>,
    pub value: &'m Value,
    /// Without slashes.
    pub comment: Option<&'m str>,
}

/// An object's or a list's members.
pub(super) trait Container {
    fn range(&self) -> Range;
    /// The last two, in order.
    fn last_two(&self) -> (Option<Range>, Option<Range>);
}

impl Container for Object<'_> {
    fn range(&self) -> Range {
        self.range
    }

    fn last_two(&self) -> (Option<Range>, Option<Range>) {
        let mut members = self.properties.iter().rev().map(|property| property.range);
        let last = members.next();
        (members.next(), last)
    }
}

impl Container for Array<'_> {
    fn range(&self) -> Range {
        self.range
    }

    fn last_two(&self) -> (Option<Range>, Option<Range>) {
        let mut members = self.elements.iter().rev().map(Ranged::range);
        let last = members.next();
        (members.next(), last)
    }
}

impl Member<'_> {
    /// The whole text with this member at the end of `into`, which stands in `outer`, outermost first.
    pub fn append(&self, document: &Document<'_>, outer: &[Range], into: &dyn Container) -> String {
        let (before, last) = into.last_two();
        let place = Place::new(document, into.range(), before, last);
        match place {
            Place::Line { .. } => document.apply(self.on_a_line(document, &place)),
            Place::Inline { at, .. } => {
                let end = at + document.body.get(at..).and_then(|rest| rest.find(['\n', '\r'])).unwrap_or(document.body.len() - at);
                let text = self.inline(&place, "");
                let fits = document.column(end) + text.chars().count() <= WIDTH;
                if self.comment.is_none() && fits {
                    return document.apply(vec![Splice { range: Range::new(at, at), text }]);
                }
                self.laid_out(document, outer, into.range(), &place)
            }
        }
    }

    fn compact(&self) -> String {
        let key = self.key.map(|key| format!("{}: ", Value::from(key))).unwrap_or_default();
        format!("{key}{}", format::spaced(self.value))
    }

    /// The member on a line of its own, behind the last one and its comments.
    fn on_a_line(&self, document: &Document<'_>, place: &Place) -> Vec<Splice> {
        let Place::Line { comma, at, to, ref indent, ref closing, empty_line, trailing } = *place else { return Vec::new() };
        let key = self.key.map(|key| format!("{}: ", Value::from(key))).unwrap_or_default();
        let column = indent.chars().count() + key.chars().count();
        let value = format::snippet(self.value, indent, column, document);
        let (newline, end) = (document.newline, if trailing { "," } else { "" });
        let mut text = newline.repeat(1 + usize::from(empty_line));
        let line = format!("{indent}{key}{value}{end}");
        match self.remarks().as_slice() {
            [remark] if !value.contains('\n') && line.chars().count() + 1 + remark.chars().count() <= WIDTH => {
                text.push_str(&format!("{line} {remark}"));
            }
            remarks => {
                let above: String = remarks.iter().map(|remark| format!("{indent}{remark}{newline}")).collect();
                text.push_str(&format!("{above}{line}"));
            }
        }
        if let Some(closing) = closing {
            text.push_str(&format!("{newline}{closing}"));
        }
        let comma = comma.map(|at| Splice { range: Range::new(at, at), text: ",".to_owned() });
        comma.into_iter().chain([Splice { range: Range::new(at, to), text }]).collect()
    }

    /// The member on the line of the last one, with what stands above it.
    fn inline(&self, place: &Place, above: &str) -> String {
        let Place::Inline { ref before, ref after, .. } = *place else { return String::new() };
        format!("{before}{above}{}{after}", self.compact())
    }

    /// The comment's lines.
    pub fn remarks(&self) -> Vec<String> {
        let parts = self.comment.into_iter().flat_map(|comment| comment.split(['\n', '\r']));
        parts.filter(|part| !part.is_empty()).map(slashed).collect()
    }

    /// As [`Member::inline`], then the outermost value that stood on one line is laid out anew.
    fn laid_out(&self, document: &Document<'_>, outer: &[Range], own: Range, place: &Place) -> String {
        let Place::Inline { at, .. } = *place else { return String::new() };
        let one_line = |range: &&Range| tokens::breaks(document.at(**range)) == 0;
        let whole = outer.iter().find(one_line).copied().unwrap_or(own);
        let raw = |range: Range| document.body.get(range.start..range.end).unwrap_or("");
        let (remarks, newline) = (self.remarks(), document.newline);
        let trailing = match remarks.as_slice() {
            [] => self.inline(place, ""),
            // One short remark goes behind the entry.
            [remark] if self.compact().len() + remark.len() < WIDTH - 40 => format!("{} {remark}{newline}", self.inline(place, "")),
            remarks => self.inline(place, &format!("{newline}{}{newline}", remarks.join(newline))),
        };
        let text = format!("{}{trailing}{}", raw(Range::new(whole.start, at)), raw(Range::new(at, whole.end)));
        let indent = document.indent(whole.start);
        let start = Start { indent, unit: document.unit, newline: document.newline, column: document.column(whole.start), limit: WIDTH };
        let laid = format::text(&text, &start).unwrap_or(text);
        document.apply(vec![Splice { range: whole, text: laid }])
    }
}

/// Without characters that would do something to a terminal, or end the comment.
fn slashed(comment: &str) -> String {
    let clean: String = comment.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("// {}", clean.trim()).trim_end().to_owned()
}

/// Where a member goes.
enum Place {
    /// On a line of its own, in place of the white space from `at` to `to`; with a comma behind the last member, and an own one where `trailing`.
    /// `closing`: the indentation of the bracket that follows, if that is to get a line of its own.
    Line { comma: Option<usize>, at: usize, to: usize, indent: String, closing: Option<String>, empty_line: bool, trailing: bool },
    /// At `at`, between these texts.
    Inline { at: usize, before: String, after: String },
}

impl Place {
    fn new(document: &Document<'_>, own: Range, before: Option<Range>, last: Option<Range>) -> Self {
        let close = document.token(own.end.saturating_sub(1));
        let outside = document.indent(own.start);
        let inside = format!("{outside}{}", document.unit);
        let Some(last) = last else { return Self::empty(document, close, own, outside, inside) };
        let first = document.token(last.start);
        let next = document.token(last.end);
        let (mut end, mut comma) = (behind(document, next, close), None);
        if let Some(index) = (next..close).find(|index| document.tokens.get(*index).is_some_and(|t| t.token == Token::Comma)) {
            comma = Some(index);
            end = behind(document, index + 1, close);
        }
        let at = document.tokens.get(end.saturating_sub(1)).map_or(last.end, |token| token.range.end);
        let remark = document.tokens.get(end.saturating_sub(1)).is_some_and(tokens::is_line);
        if starts_line(document, first) || remark {
            let indent = if starts_line(document, first) { document.indent(last.start).to_owned() } else { inside };
            let gap = before.map(|before| document.at(Range::new(before.end, last.start)));
            let empty_line = gap.is_some_and(has_empty_line);
            // A bracket that shares the last member's line would end up behind a comment.
            let shares = document.breaks(end) == 0;
            let to = if shares { document.gap(end).end } else { at };
            let closing = shares.then(|| outside.to_owned());
            return Self::Line {
                comma: comma.is_none().then_some(last.end),
                at,
                to,
                indent,
                closing,
                empty_line,
                trailing: comma.is_some(),
            };
        }
        let (before, after) = if comma.is_some() { (" ", ",") } else { (", ", "") };
        Self::Inline { at, before: before.to_owned(), after: after.to_owned() }
    }

    fn empty(document: &Document<'_>, close: usize, own: Range, outside: &str, inside: String) -> Self {
        let gap = document.gap(close);
        let bare = gap.start == own.start + 1;
        if document.breaks(close) > 0 {
            let closing = bare.then(|| outside.to_owned());
            let to = if bare { gap.end } else { gap.start };
            return Self::Line { comma: None, at: gap.start, to, indent: inside, closing, empty_line: false, trailing: false };
        }
        let space = if document.at(own).starts_with('{') { " " } else { "" };
        let before = if bare { space } else { " " };
        let after = if gap.start == gap.end { space } else { "" };
        Self::Inline { at: gap.start, before: before.to_owned(), after: after.to_owned() }
    }
}

/// The index behind the comments that stand on the line of the token before `index`.
fn behind(document: &Document<'_>, index: usize, close: usize) -> usize {
    let stays = |index: &usize| document.tokens.get(*index).is_some_and(tokens::is_comment) && document.breaks(*index) == 0;
    (index..close).take_while(stays).last().map_or(index, |last| last + 1)
}

/// Whether only comments stand before the token on its line.
fn starts_line(document: &Document<'_>, index: usize) -> bool {
    let comment = |index: usize| document.tokens.get(index).is_some_and(tokens::is_comment);
    let mut index = index;
    while document.breaks(index) == 0 && index.checked_sub(1).is_some_and(comment) {
        index -= 1;
    }
    document.breaks(index) > 0
}

fn has_empty_line(gap: &str) -> bool {
    let last = gap.split('\n').count().saturating_sub(1);
    gap.split('\n').enumerate().any(|(index, line)| index > 0 && index < last && line.trim().is_empty())
}

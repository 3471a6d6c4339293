//! The layout: a text's tokens printed with the white space that the shipped policies have.
//!
//! Always holds: tokens and comments come out in their order, untouched but for commas, line ends inside block comments and white space at the end of
//! line comments; what was printed prints the same again.
//!
//! A comma stands behind its value, or behind the block comments that follow the value on its line. A comment that shares a line with an entry stays
//! with it: before the entry if the entry goes on after it, else after it.

use std::borrow::Cow;

use jsonc_parser::common::Range;
use jsonc_parser::tokens::{Token, TokenAndRange};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy};
use remand_policy::load;
use remand_policy::text::Text;
use serde_json::Value;

use super::document::Document;
use super::tokens::{breaks, is_comment, is_line, printed};

/// Characters that a line has at most, where comments and texts allow.
pub(super) const WIDTH: usize = 150;

/// What a layout may not change: the tokens without commas, comments as they are printed.
pub(super) fn essence<'d>(document: &'d Document<'_>) -> Vec<Cow<'d, str>> {
    document.tokens.iter().filter(|t| t.token != Token::Comma).map(|t| printed(t, document.at(t.range))).collect()
}

/// A whole file.
pub(super) fn file(text: &str, tokens: &[TokenAndRange<'_>]) -> String {
    let mut out = print(text, tokens, &Start { indent: "", unit: "  ", newline: "\n", column: 0, limit: WIDTH });
    out.push('\n');
    out
}

/// A value as it would be written in `document` from `column` on, in a line that is indented by `indent`.
pub(super) fn snippet(value: &Value, indent: &str, column: usize, document: &Document<'_>) -> String {
    write(value, &Start { indent, unit: document.unit, newline: document.newline, column, limit: WIDTH })
}

/// A value on one line.
pub(super) fn spaced(value: &Value) -> String {
    write(value, &Start { indent: "", unit: "", newline: "", column: 0, limit: usize::MAX })
}

fn write(value: &Value, start: &Start<'_>) -> String {
    let text = value.to_string();
    // JSON of ours is read, unless it is too deep; the edit's own check refuses that.
    self::text(&text, start).unwrap_or(text)
}

/// A piece of JSON laid out.
pub(super) fn text(text: &str, start: &Start<'_>) -> Option<String> {
    let collect = CollectOptions { comments: CommentCollectionStrategy::AsTokens, tokens: true };
    let parsed = load::tokens(Text { file: "", text, skipped: 0 }, &collect).ok()?;
    Some(print(text, &parsed.tokens?, start))
}

/// Where printing starts.
pub(super) struct Start<'s> {
    /// White space of its line, and of the closing bracket's.
    pub indent: &'s str,
    pub unit: &'s str,
    pub newline: &'s str,
    /// Characters that stand on the line already.
    pub column: usize,
    /// Characters that a line has at most.
    pub limit: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Open { object: bool },
    Close { object: bool },
    Comma,
    Colon,
    Line,
    Block,
    Scalar,
}

struct Piece<'t> {
    text: Cow<'t, str>,
    kind: Kind,
    /// Line ends before it, commas overlooked.
    lines: usize,
    /// Of a bracket that opens: the one that closes.
    close: usize,
}

impl Piece<'_> {
    fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::Line | Kind::Block)
    }
}

/// The comments in a value, as they can stand at `place`.
pub(super) fn comments_within(document: &Document<'_>, place: usize, value: Range) -> String {
    let (indent, first) = (document.indent(place), document.first_on_line(place));
    let mut kept = String::new();
    for token in document.tokens.iter().filter(|token| value.start < token.range.start && token.range.end < value.end && is_comment(token))
    {
        kept.push_str(document.at(token.range));
        kept.push_str(&if is_line(token) || first { format!("{}{indent}", document.newline) } else { " ".to_owned() });
    }
    kept
}

/// Tokens without commas that trail, the other commas moved to where they are printed.
fn arrange<'t>(text: &'t str, tokens: &[TokenAndRange<'_>]) -> Vec<Piece<'t>> {
    let mut pieces: Vec<Piece<'t>> = Vec::with_capacity(tokens.len());
    let mut opened = Vec::new();
    let mut comma = false;
    let mut end = tokens.first().map_or(0, |token| token.range.start);
    for token in tokens {
        let kind = match token.token {
            Token::OpenBrace => Kind::Open { object: true },
            Token::OpenBracket => Kind::Open { object: false },
            Token::CloseBrace => Kind::Close { object: true },
            Token::CloseBracket => Kind::Close { object: false },
            Token::Comma => Kind::Comma,
            Token::Colon => Kind::Colon,
            Token::CommentLine(_) => Kind::Line,
            Token::CommentBlock(_) => Kind::Block,
            _ => Kind::Scalar,
        };
        if kind == Kind::Comma {
            // The comments since the value may not hold a line end, or the comma stands before them.
            let at = pieces.iter().rposition(|piece| !piece.is_comment()).map_or(0, |at| at + 1);
            let inline = pieces.get(at..).is_some_and(|tail| tail.iter().all(|piece| piece.kind == Kind::Block && piece.lines == 0));
            let at = if inline { pieces.len() } else { at };
            pieces.insert(at, Piece { text: Cow::Borrowed(","), kind, lines: 0, close: 0 });
            comma = true;
            continue;
        }
        if let (Kind::Close { .. }, true) = (kind, comma)
            && let Some(at) = pieces.iter().rposition(|piece| piece.kind == Kind::Comma)
        {
            pieces.remove(at);
        }
        comma &= matches!(kind, Kind::Line | Kind::Block);
        if let Kind::Close { .. } = kind
            && let Some(open) = opened.pop()
            && let (close, Some(open)) = (pieces.len(), pieces.get_mut::<usize>(open))
        {
            open.close = close;
        }
        if let Kind::Open { .. } = kind {
            opened.push(pieces.len());
        }
        let lines = breaks(text.get(end..token.range.start).unwrap_or(""));
        let own = text.get(token.range.start..token.range.end).unwrap_or("");
        pieces.push(Piece { text: printed(token, own), kind, lines, close: 0 });
        end = token.range.end;
    }
    pieces
}

/// Prints tokens that stand in `text`.
fn print(text: &str, tokens: &[TokenAndRange<'_>], start: &Start<'_>) -> String {
    let pieces = arrange(text, tokens);
    let (widths, broken) = sums(&pieces);
    let between = |sums: &[usize], open: usize, close: usize| {
        let at = |index: usize| sums.get(index).copied().unwrap_or(0);
        at(close).saturating_sub(at(open))
    };
    let mut out = Out { text: String::with_capacity(text.len()), column: start.column, start };
    // Of each open bracket, whether its entries stand on lines of their own.
    let mut open: Vec<bool> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| pieces.get(before));
        let tall = match piece.kind {
            Kind::Close { .. } => open.pop(),
            _ => open.last().copied(),
        };
        let space = match before {
            None => Space::None,
            Some(before) if tall == Some(false) => flat(before, piece),
            Some(before) => apart(before, piece, || leads(&pieces, index)),
        };
        out.space(space, open.iter().filter(|tall| **tall).count());
        out.push(&piece.text);
        if let Kind::Open { .. } = piece.kind {
            let comma = usize::from(pieces.get(piece.close + 1).is_some_and(|next| next.kind == Kind::Comma));
            let width = out.column + between(&widths, index, piece.close) + comma;
            let fits = between(&broken, index, piece.close) == 0 && width <= start.limit;
            let empty = piece.close == index + 1;
            open.push(tall != Some(false) && !empty && !fits);
        }
    }
    out.text
}

/// For each piece: characters up to its end if all stood on one line, and how many pieces up to it can't.
fn sums(pieces: &[Piece<'_>]) -> (Vec<usize>, Vec<usize>) {
    let (mut width, mut broken) = (0, 0);
    let mut before: Option<&Piece<'_>> = None;
    let sum = |piece| {
        let piece: &Piece<'_> = piece;
        width += piece.text.chars().count() + usize::from(before.is_some_and(|before| flat(before, piece) == Space::One));
        broken += usize::from(piece.lines > 0 || piece.kind == Kind::Line || piece.is_comment() && piece.text.contains('\n'));
        before = Some(piece);
        (width, broken)
    };
    pieces.iter().map(sum).unzip()
}

#[derive(Clone, Copy, PartialEq)]
enum Space {
    None,
    One,
    Line,
    Empty,
}

/// Between two pieces on one line.
fn flat(before: &Piece<'_>, piece: &Piece<'_>) -> Space {
    match (before.kind, piece.kind) {
        (Kind::Open { .. }, Kind::Close { .. }) | (_, Kind::Comma | Kind::Colon | Kind::Close { object: false }) => Space::None,
        (Kind::Open { object: false }, _) => Space::None,
        _ => Space::One,
    }
}

/// Between two pieces where entries stand on lines of their own.
fn apart(before: &Piece<'_>, piece: &Piece<'_>, leads: impl Fn() -> bool) -> Space {
    let line = match (before.kind, piece.lines) {
        (Kind::Open { .. }, _) | (_, ..=1) => Space::Line,
        _ => Space::Empty,
    };
    let entry = matches!(before.kind, Kind::Comma | Kind::Open { .. });
    match piece.kind {
        Kind::Close { .. } if matches!(before.kind, Kind::Open { .. }) => Space::None,
        Kind::Close { .. } => Space::Line,
        Kind::Comma => Space::None,
        Kind::Colon if before.kind != Kind::Line => Space::None,
        Kind::Colon => Space::Line,
        Kind::Line | Kind::Block if piece.lines > 0 || before.kind == Kind::Line || entry && leads() => line,
        Kind::Line | Kind::Block => Space::One,
        Kind::Open { .. } | Kind::Scalar if entry || before.is_comment() && (piece.lines > 0 || before.kind == Kind::Line) => line,
        Kind::Open { .. } | Kind::Scalar => Space::One,
    }
}

/// Whether the comment at `index` stands on the line of an entry that comes after it.
fn leads(pieces: &[Piece<'_>], index: usize) -> bool {
    let block = |piece: &&Piece<'_>| piece.kind == Kind::Block;
    let mut rest = pieces.get(index..).unwrap_or_default().iter();
    let next = rest.by_ref().skip(1).find(|piece| piece.lines > 0 || !block(piece));
    pieces.get(index).as_ref().is_some_and(block)
        && next.is_some_and(|next| next.lines == 0 && matches!(next.kind, Kind::Open { .. } | Kind::Scalar))
}

struct Out<'s> {
    text: String,
    column: usize,
    start: &'s Start<'s>,
}

impl Out<'_> {
    fn push(&mut self, text: &str) {
        // A comment of several lines ends them as the others.
        if text.contains('\n') && self.start.newline != "\n" {
            self.text.push_str(&text.replace('\n', self.start.newline));
        } else {
            self.text.push_str(text);
        }
        match text.rfind('\n') {
            Some(at) => self.column = text.get(at + 1..).unwrap_or("").chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    fn space(&mut self, space: Space, depth: usize) {
        let Start { indent, unit, newline, .. } = self.start;
        match space {
            Space::None => {}
            Space::One => self.push(" "),
            Space::Line | Space::Empty => {
                self.text.push_str(newline);
                if space == Space::Empty {
                    self.text.push_str(newline);
                }
                self.text.push_str(indent);
                self.text.push_str(&unit.repeat(depth));
                self.column = indent.chars().count() + depth * unit.chars().count();
            }
        }
    }
}

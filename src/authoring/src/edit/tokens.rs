//! What the tokens of a text are: comments, line ends, and a token as it is printed.

use std::borrow::Cow;

use jsonc_parser::tokens::{Token, TokenAndRange};

pub(super) fn is_line(token: &TokenAndRange<'_>) -> bool {
    matches!(token.token, Token::CommentLine(_))
}

pub(super) fn is_block(token: &TokenAndRange<'_>) -> bool {
    matches!(token.token, Token::CommentBlock(_))
}

pub(super) fn is_comment(token: &TokenAndRange<'_>) -> bool {
    is_line(token) || is_block(token)
}

/// Line ends, of all three kinds.
pub(super) fn breaks(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ends = |(at, byte): (usize, &u8)| *byte == b'\n' || *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    bytes.iter().enumerate().filter(|pair| ends(*pair)).count()
}

/// The text of a token as it is printed.
pub(super) fn printed<'t>(token: &TokenAndRange<'_>, text: &'t str) -> Cow<'t, str> {
    if is_line(token) {
        Cow::Borrowed(text.trim_end())
    } else if is_block(token) && text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

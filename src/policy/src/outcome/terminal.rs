//! Text from a run, made safe to show on a terminal.
//!
//! Always holds: the result has no control character but newline and tab, nothing that changes the direction or the place of other text, and no
//! character that is there without being seen; text without them is returned as it is.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes what a terminal would act on, in Rust's notation: `\u{1b}[31m`. Newline and tab stay.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if acts(character) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// The same for text that must stay on one line: newline and tab are escaped too.
#[must_use]
pub fn escape_line(text: &str) -> Cow<'_, str> {
    match escape(text) {
        safe if safe.contains(['\n', '\t']) => Cow::Owned(safe.replace('\n', "\\n").replace('\t', "\\t")),
        safe => safe,
    }
}

fn acts(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        // C0, DEL, C1 (where 9B alone begins a control sequence).
        _ if character.is_control() => true,
        // Direction: marks, embeddings, overrides, isolates.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Line and paragraph separators; invisible ones: zero-width space, word joiner and kin, byte order mark, interlinear marks, tags.
        // Zero-width joiner and non-joiner stay: scripts and emoji need them.
        '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{ad}' | '\u{180e}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_untouched() {
        for text in ["", "a\tb\nc", "Grüße, 世界, नमस्ते, 👩\u{200d}👩\u{200d}👧", "\\u{1b}"] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_a_terminal_acts_on_is_spelled_out() {
        for (text, safe) in [
            ("\u{1b}[31mred\u{1b}]0;title\u{7}", "\\u{1b}[31mred\\u{1b}]0;title\\u{7}"),
            ("a\rb\u{8}c\0", "a\\u{d}b\\u{8}c\\u{0}"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("if x: # \u{202e}evil\u{2066}", "if x: # \\u{202e}evil\\u{2066}"),
            ("in\u{200b}visible\u{feff}\u{e0041}", "in\\u{200b}visible\\u{feff}\\u{e0041}"),
        ] {
            assert_eq!(escape(text), safe);
        }
        assert_eq!(escape_line("a\n\tb\r"), "a\\n\\tb\\u{d}");
    }

    #[test]
    fn nothing_below_space_and_nothing_bidirectional_survives() {
        let all: String = (0..=0x10_FFFF).filter_map(char::from_u32).collect();
        assert!(!escape(&all).chars().any(acts));
    }
}

//! Text from a run, a file or a caller, made safe to show on a terminal: by the properties that Unicode gives its characters, not by a list of bad ones.
//!
//! Always holds: the result has no control character but newline and tab, nothing that changes the direction or the place of other text, and no
//! character that is there without being seen; text without them is returned as it is. Emoji that are joined by invisible characters fall apart.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};

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
        ' '..='~' => false,
        _ if is_ignorable(character) || BLANK.contains(&character) => true,
        _ => matches!(
            character.general_category(),
            // C0, DEL and C1 (where 9B alone begins a control sequence); format characters, which change the direction, the place or the meaning of their
            // neighbours; what no standard gives a shape; ends of lines and paragraphs that are not newlines.
            Category::Control
                | Category::Format
                | Category::Surrogate
                | Category::PrivateUse
                | Category::Unassigned
                | Category::LineSeparator
                | Category::ParagraphSeparator
        ),
    }
}

/// Symbols whose shape is empty: the braille pattern without a dot and the note without a head. No property tells them from those that are seen.
const BLANK: &[char] = &['\u{2800}', '\u{1d159}'];

/// Unicode's Default_Ignorable_Code_Point: shown as nothing at all where it is not supported, letters of Hangul and variation selectors among them. The
/// property covers what is reserved for such characters too, so that later versions of Unicode hardly change it.
fn is_ignorable(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// JSON text on one line of characters that do nothing to a terminal. The value stays the same: a raw control character in JSON is either white space
/// between tokens, or stands in a string, where an escape means the same.
#[must_use]
pub fn one_line(json: &str) -> Cow<'_, str> {
    if matches!(escape_line(json), Cow::Borrowed(_)) {
        return Cow::Borrowed(json);
    }
    let mut line = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if matches!(escape(c.encode_utf8(&mut [0; 4])), Cow::Borrowed(_)) => line.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(line, "\\u{unit:04x}"); // writing to a String cannot fail
                }
            }
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_untouched() {
        for text in ["", "a\tb\nc", "Grüße, 世界\u{3000}한글, नमस्ते, e\u{301}, 👩👧, a\u{a0}b", "\\u{1b}"] {
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
    fn what_is_there_without_being_seen_is_spelled_out() {
        let invisible = "\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{180e}\u{200b}\u{200c}\u{200d}\u{2060}\u{2064}\u{2065}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{1d173}";
        let more = "\u{e0001}\u{e0041}\u{e0100}\u{e01ef}\u{fff9}\u{2028}\u{2029}\u{e000}\u{10fffd}\u{378}\u{ffff}\u{1fffe}\u{70f}\u{110bd}\u{2800}\u{1d159}";
        for character in invisible.chars().chain(more.chars()) {
            assert_eq!(escape(&character.to_string()), format!("\\u{{{:x}}}", u32::from(character)));
        }
    }

    #[test]
    fn nothing_that_acts_survives() {
        let all: String = (0..=0x10_FFFF).filter_map(char::from_u32).collect();
        assert!(!escape(&all).chars().any(acts));
    }
}

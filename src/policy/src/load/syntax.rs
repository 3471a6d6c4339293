//! What to say of text that is no JSON with comments: where the slip is, and what to write.
//!
//! Always holds: the parser alone decides that a text is refused; here its message only becomes one for people, at a place within the text.

use jsonc_parser::ast::Value;
use jsonc_parser::common::Range;
use jsonc_parser::{CollectOptions, ParseOptions, ParseResult, parse_to_ast};

use crate::text::{Problem, Text};

/// The tree of a text.
pub(crate) fn tree(text: Text<'_>) -> Result<Value<'_>, Vec<Problem>> {
    let empty = || vec![text.problem(Range::new(0, 0), "", "the file is empty".to_owned(), Some("start with {\"version\": 1}".to_owned()))];
    tokens(text, &CollectOptions::default()).map_err(|problem| vec![*problem])?.value.ok_or_else(empty)
}

/// Comments and trailing commas are taken. Nothing else beyond JSON is asked for; the parser also takes raw control characters in texts and a few more kinds of white space.
/// # Errors
/// The first thing that is no JSON.
pub fn tokens<'t>(text: Text<'t>, collect: &CollectOptions) -> Result<ParseResult<'t>, Box<Problem>> {
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    parse_to_ast(text.text, collect, &options).map_err(|error| {
        let message = error.kind().to_string();
        let message = message.chars().next().map_or(String::new(), |first| first.to_lowercase().chain(message.chars().skip(1)).collect());
        let Slip { range, message, help } = slip(text.text, error.range(), &message);
        Box::new(text.problem(range, "", message, help))
    })
}

/// A refusal in words: where, what, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slip {
    pub range: Range,
    pub message: String,
    pub help: Option<String>,
}

/// What the parser's messages mean.
const MESSAGES: &[(&str, &str)] = &[
    ("expected comma", "put a comma between this and what stands before"),
    ("expected string for object property", "write the key in double quotes"),
    ("single-quoted", "use double quotes"),
    ("hexadecimal", "a whole number, or where system calls are compared a text such as \"0x1f\""),
    ("unterminated string", "a \" is missing; a text ends on its line"),
    ("unterminated comment", "a */ is missing"),
    ("maximum nesting depth", "nothing in a policy is that deep"),
    ("text cannot contain more than one", "the file is one object"),
    ("leading or trailing decimal", "write a digit on both sides of the point"),
    ("unary plus", "write the number without it"),
    ("invalid escape", "a text writes one backslash as \\\\; paths have / here"),
];

/// What other notations put where JSON has something else: how the refused text begins, what it is, what to write.
const MARKS: &[(&str, &str, &str)] = &[
    ("\u{201c}", "a typographic quotation mark", "use the plain one: \""),
    ("\u{201d}", "a typographic quotation mark", "use the plain one: \""),
    ("\u{201e}", "a typographic quotation mark", "use the plain one: \""),
    ("\u{ab}", "a typographic quotation mark", "use the plain one: \""),
    ("\u{2018}", "a typographic quotation mark", "use the plain one: \""),
    ("\u{2019}", "a typographic quotation mark", "use the plain one: \""),
    ("`", "a backquote", "use double quotes"),
    ("#", "\"#\" begins no comment here", "write // before a comment"),
    ("--", "\"--\" begins no comment here", "write // before a comment"),
    ("<!--", "an HTML comment", "write // before a comment"),
    ("<<<<<<<", "a conflict that a merge has left", "choose one of the two sides and take the marks out"),
    ("=======", "a conflict that a merge has left", "choose one of the two sides and take the marks out"),
    (">>>>>>>", "a conflict that a merge has left", "choose one of the two sides and take the marks out"),
    (";", "a semicolon", "entries are separated by commas"),
    ("=>", "\"=>\"", "write : between a key and its value"),
    ("=", "\"=\"", "write : between a key and its value"),
    ("${", "a template that was not filled in", "write the value; nothing is replaced in a policy"),
    ("$", "a variable", "write the value; nothing is replaced in a policy"),
    ("\\", "a backslash outside of a text", "take it out; a value may go on over several lines"),
    ("\0", "a NUL byte", "take it out, and save the file as UTF-8"),
    ("\u{a0}", "a no-break space", "write a plain space"),
    ("\u{200b}", "an invisible character", "take it out"),
    ("\u{feff}", "a byte order mark", "take it out; one may stand at the start of the file only"),
    ("(", "a parenthesis", "objects stand in { }, lists in [ ]"),
    ("+", "a plus sign", "write the number without it"),
];

/// Words that other notations have for values.
const VALUES: &[(&str, &str)] =
    &[("yes", "true"), ("on", "true"), ("no", "false"), ("off", "false"), ("none", "null"), ("nil", "null"), ("undefined", "null")];

/// The parser's message for the text at `range`, for people.
pub(super) fn slip(text: &str, range: Range, message: &str) -> Slip {
    let rest = text.get(range.start..).unwrap_or_default();
    let here = |message: String, help: String| Slip { range, message, help: Some(help) };
    if let Some(language) = language(text) {
        let help = format!("looks like {language}; a policy is JSON with comments: {{\"version\": 1, \"extends\": \"default\"}}");
        return Slip { range, message: "this is no JSON".to_owned(), help: Some(help) };
    }
    if ["unterminated object", "unterminated array", "unexpected close"].iter().any(|start| message.starts_with(start)) {
        return unclosed(text).unwrap_or_else(|| here(message.to_owned(), "a } or ] is missing".to_owned()));
    }
    if let Some(slip) = number(text, range) {
        return slip;
    }
    // A minus sign is blamed one character late where it begins a comment of another language.
    let back = text.get(..range.start).and_then(|before| before.strip_suffix('-')).filter(|_| rest.starts_with('-'));
    let start = back.map_or(range.start, str::len);
    // Within a text a sign is no mark of another notation.
    let marks = if message.starts_with("invalid") { &[] } else { MARKS };
    let found = marks.iter().find(|(mark, _, _)| text.get(start..).is_some_and(|rest| rest.starts_with(mark)));
    if let Some((mark, what, help)) = found {
        return Slip { range: Range::new(start, start + mark.len()), message: (*what).to_owned(), help: Some((*help).to_owned()) };
    }
    if message.starts_with("unexpected word") || (message.starts_with("unexpected token") && rest.starts_with(char::is_alphabetic)) {
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').take(40).collect();
        let lower = word.to_lowercase();
        let meant = VALUES.iter().find(|(slip, _)| *slip == lower).map_or(lower.as_str(), |(_, meant)| meant);
        let help = match meant {
            "true" | "false" | "null" => format!("write {meant}"),
            "nan" | "inf" | "infinity" => "a number is finite; \"unlimited\" lifts a limit where that is allowed".to_owned(),
            _ => format!("write \"{word}\", in double quotes"),
        };
        return here(message.to_owned(), help);
    }
    let help = MESSAGES.iter().find(|(start, _)| message.starts_with(start)).map(|(_, help)| (*help).to_owned());
    Slip { range, message: message.to_owned(), help }
}

/// Another notation, where the first thing in the file is none of JSON's.
fn language(text: &str) -> Option<&'static str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']) && !line.starts_with("//"));
    let first = lines.clone().next()?;
    let assigns = |line: &str, sign: char| {
        let key = line.split(sign).next().unwrap_or_default();
        line.contains(sign) && !key.trim().is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '))
    };
    // A heading stands in brackets by itself, as no list of JSON does: a word is no value.
    let heading = first.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    match first {
        _ if first.starts_with("---") || first.starts_with("%YAML") || assigns(first, ':') => Some("YAML"),
        _ if heading
            .is_some_and(|name| name.starts_with(char::is_alphabetic) && assigns(lines.clone().nth(1).unwrap_or_default(), '=')) =>
        {
            Some("an INI or TOML file")
        }
        _ if assigns(first, '=') => Some("TOML"),
        _ if first.starts_with("<?xml") || first.starts_with("<!DOCTYPE") => Some("XML"),
        _ => None,
    }
}

/// `1_000`, `032`, `64MiB`: the parser took the first part for the whole number.
fn number(text: &str, range: Range) -> Option<Slip> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+' | '%');
    let at = range.start.min(text.len());
    let before = text.get(..at)?;
    let start = before.trim_end_matches(part).len();
    let token: String = text.get(start..)?.chars().take_while(|c| part(*c)).take(40).collect();
    // Whatever was written, the parser stopped within it.
    let digits = token.strip_prefix(['-', '+']).unwrap_or(&token);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.contains(|c: char| c.is_ascii_digit()) || start == at {
        return None;
    }
    let plain: String = token.chars().filter(|c| *c != '_').collect();
    let unpadded = digits.trim_start_matches('0');
    let all = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (message, help) = match () {
        () if token.contains('_') => ("a number with _ in it", format!("write {plain}")),
        () if all(digits) && digits.starts_with('0') && all(unpadded) => {
            let octal = u64::from_str_radix(unpadded, 8).map_or(String::new(), |octal| format!(", or {octal} if it is octal"));
            ("a number that begins with 0", format!("write {unpadded}{octal}"))
        }
        () if digits.chars().any(char::is_alphabetic) || token.contains('%') => {
            ("a number with a unit, without quotes", format!("write \"{token}\""))
        }
        () => return None,
    };
    Some(Slip { range: Range::new(start, start + token.len()), message: message.to_owned(), help: Some(help) })
}

/// A bracket that stands in no text and no comment.
#[derive(Clone, Copy)]
struct Bracket {
    at: usize,
    sign: char,
    /// Where its line begins, and after how many blanks.
    line: usize,
    indent: usize,
}

/// The bracket that is most likely the one without its partner: the first that is closed by a line further out than its own, else the innermost that is
/// still open at the end.
fn unclosed(text: &str) -> Option<Slip> {
    let mut open: Vec<Bracket> = Vec::new();
    let mut suspect = None;
    for bracket in brackets(text) {
        if partner(bracket.sign).is_some() {
            open.push(bracket);
        } else if let Some(opened) = open.pop() {
            let first = bracket.at == bracket.line + bracket.indent;
            let further_out = first && bracket.line != opened.line && bracket.indent < opened.indent;
            let other_kind = partner(opened.sign) != Some(bracket.sign);
            suspect = suspect.or((further_out || other_kind).then_some(opened));
        }
    }
    let Bracket { at, sign, .. } = suspect.or_else(|| open.pop())?;
    let partner = partner(sign)?;
    Some(Slip {
        range: Range::new(at, at + 1),
        message: format!("this {sign} has no {partner}"),
        help: Some(format!("a {partner} is missing")),
    })
}

/// What closes an opening bracket.
fn partner(sign: char) -> Option<char> {
    match sign {
        '{' => Some('}'),
        '[' => Some(']'),
        _ => None,
    }
}

fn brackets(text: &str) -> Vec<Bracket> {
    let blanks = |line: usize| text.get(line..).unwrap_or_default().bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let mut found = Vec::new();
    let (mut from, mut line, mut indent) = (0, 0, blanks(0));
    while let Some(next) = text.get(from..).and_then(|rest| rest.find(['{', '[', '}', ']', '"', '/', '\n'])) {
        let at = from + next;
        let rest = text.get(at..).unwrap_or_default();
        let sign = rest.chars().next().unwrap_or_default();
        let skipped = skipped(rest);
        match sign {
            '\n' => (line, indent) = (at + 1, blanks(at + 1)),
            '{' | '[' | '}' | ']' => found.push(Bracket { at, sign, line, indent }),
            _ => {}
        }
        from = at + skipped.unwrap_or(1);
    }
    found
}

/// Bytes of the text or comment that begins here.
fn skipped(rest: &str) -> Option<usize> {
    let until = |from: usize, end: &str| rest.get(from..).and_then(|rest| rest.find(end)).map_or(rest.len(), |found| from + found);
    if rest.starts_with("//") {
        return Some(until(2, "\n"));
    }
    if rest.starts_with("/*") {
        return Some((until(2, "*/") + 2).min(rest.len()));
    }
    let body = rest.strip_prefix('"')?;
    let mut escaped = false;
    let end = body.find(|c| {
        let ends = (c == '"' && !escaped) || c == '\n';
        escaped = c == '\\' && !escaped;
        ends
    });
    Some(end.map_or(rest.len(), |end| end + 2).min(rest.len()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::load::tests::problems_of;
    use crate::text::Problem;

    fn told(text: &str) -> String {
        let Problem { line, column, message, help, .. } = problems_of(text).remove(0);
        format!("{line}:{column} {message} ({})", help.unwrap_or_default())
    }

    #[test]
    fn signs_of_other_notations() {
        for (written, said) in [
            ("\u{201c}pids\u{201d}: 3", "2:1 a typographic quotation mark (use the plain one: \")"),
            ("'pids': 3", "2:1 single-quoted"),
            ("# few", "2:1 \"#\" begins no comment here (write // before a comment)"),
            ("<!-- few -->", "2:1 an HTML comment"),
            ("-- few", "2:1 \"--\" begins no comment here"),
            ("<<<<<<< HEAD", "2:1 a conflict that a merge has left"),
            ("\"a\" = 3", "2:5 \"=\" (write : between a key and its value)"),
            ("\"a\": 3;", "2:7 a semicolon (entries are separated by commas)"),
            ("\"a\": True", "2:6 unexpected word (write true)"),
            ("\"a\": no", "2:6 unexpected word (write false)"),
            ("\"a\": strict", "2:6 unexpected word (write \"strict\", in double quotes)"),
            ("\"a\": 1_000_000", "2:6 a number with _ in it (write 1000000)"),
            ("\"a\": 032", "2:6 a number that begins with 0 (write 32, or 26 if it is octal)"),
            ("\"a\": .5", "2:6 leading or trailing decimal points on numbers are not allowed (write a digit on both sides of the point)"),
            ("\"a\": +5", "(write the number without it)"),
            ("\"a\": Infinity", "2:6 unexpected word (a number is finite"),
            ("\"a\": 64MiB", "2:6 a number with a unit, without quotes (write \"64MiB\")"),
            ("\"a\": 50%", "2:6 a number with a unit, without quotes (write \"50%\")"),
            ("\"a\": ${LIMIT}", "2:6 a template that was not filled in"),
            ("\"a\": \"C:\\data\"", "invalid escape (a text writes one backslash as"),
            ("\"a\": 3 \"b\": 4", "expected comma (put a comma between"),
            ("a: 3", "expected string for object property (write the key in double quotes)"),
        ] {
            let found = told(&format!("{{\n{written}\n}}"));
            assert!(found.contains(said), "{written}: {found}");
        }
    }

    #[test]
    fn files_of_other_languages() {
        for (text, language) in [
            ("version: 1\nextends: default\n", "YAML"),
            ("---\nversion: 1\n", "YAML"),
            ("# a comment\nversion = 1\n", "TOML"),
            ("[limits]\nmemory = 3\n", "an INI or TOML file"),
            ("<?xml version=\"1.0\"?>", "XML"),
        ] {
            let found = told(text);
            assert!(found.contains("this is no JSON") && found.contains(&format!("looks like {language};")), "{found}");
        }
        assert!(!told("[1,\n2").contains("looks like"));
    }

    #[test]
    fn the_bracket_without_its_partner() {
        for (text, place) in [
            ("{\n  \"limits\": {\n    \"pids\": 3\n  ,\"version\": 1\n}\n", "2:13 this { has no }"),
            ("{\n  \"a\": [\"}\", // ]\n  \"x\"\n}\n", "2:8 this [ has no ]"),
            ("{\"a\": {\"b\": 1}", "1:1 this { has no }"),
            ("{\n  \"a\": {\n    \"b\": 1\n  },\n", "1:1 this { has no }"),
            ("{\n  \"a\": {\n    \"b\": 1,\n", "2:8 this { has no }"),
        ] {
            let found = told(text);
            assert!(found.starts_with(place) || found.contains(place), "{text}: {found}");
        }
    }
}

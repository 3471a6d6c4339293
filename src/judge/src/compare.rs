//! Whether an answer is the expected one.
//!
//! Always holds: bytes are compared, whatever they are; time and memory are linear in both.

/// Longest piece of either that is told, in bytes.
const TOLD: usize = 60;

/// How answers are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Compare {
    /// Word by word; blanks and line ends only separate.
    Tokens,
    /// Line by line, without blanks at the ends of lines and empty lines at the end.
    Lines,
    /// Byte by byte.
    Exact,
    /// Word by word; where both are numbers they may differ by so much, absolutely or relatively.
    Numbers(f64),
}

/// Where an answer is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Line of the answer, from 1.
    pub line: usize,
    /// What was expected there, the beginning of it; nothing: the end.
    pub expected: Option<String>,
    /// What is there.
    pub found: Option<String>,
}

impl Difference {
    /// In one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let told = |piece: &Option<String>| piece.as_ref().map_or_else(|| "nothing more".to_owned(), |text| format!("{text:?}"));
        format!("line {}: expected {}, found {}", self.line, told(&self.expected), told(&self.found))
    }
}

impl Compare {
    /// The first difference, if there is one.
    #[must_use]
    pub fn difference(self, expected: &[u8], found: &[u8]) -> Option<Difference> {
        match self {
            Self::Tokens => first(tokens(expected), tokens(found), |a, b| a == b),
            Self::Numbers(within) => first(tokens(expected), tokens(found), |a, b| a == b || close(a, b, within)),
            Self::Lines => first(lines(expected), lines(found), |a, b| a == b),
            Self::Exact => first(whole_lines(expected), whole_lines(found), |a, b| a == b),
        }
    }
}

type Piece<'a> = (usize, &'a [u8]);

fn first<'a>(
    mut expected: impl Iterator<Item = Piece<'a>>,
    mut found: impl Iterator<Item = Piece<'a>>,
    same: impl Fn(&[u8], &[u8]) -> bool,
) -> Option<Difference> {
    let mut last = 1;
    loop {
        let (wanted, there) = match (expected.next(), found.next()) {
            (None, None) => return None,
            (Some((_, wanted)), Some((line, there))) if same(wanted, there) => {
                last = line;
                continue;
            }
            (wanted, there) => (wanted, there),
        };
        let told = |piece: Piece<'_>| String::from_utf8_lossy(piece.1.get(..TOLD).unwrap_or(piece.1)).into_owned();
        return Some(Difference { line: there.map_or(last, |(line, _)| line), expected: wanted.map(told), found: there.map(told) });
    }
}

/// Words with the numbers of their lines.
fn tokens(text: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    whole_lines(text)
        .flat_map(|(number, line)| line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(move |word| (number, word)))
}

/// Lines without blanks at their ends, and without empty ones at the end of all.
fn lines(text: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    whole_lines(text.trim_ascii_end()).map(|(number, line)| (number, line.trim_ascii_end()))
}

/// Lines with their ends.
fn whole_lines(text: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    (1..).zip(text.split_inclusive(|&byte| byte == b'\n'))
}

fn close(expected: &[u8], found: &[u8], within: f64) -> bool {
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<f64>().ok().filter(|number| number.is_finite());
    match (number(expected), number(found)) {
        (Some(expected), Some(found)) => (expected - found).abs() <= within * expected.abs().max(1.0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(how: Compare, expected: &str, found: &str) -> bool {
        how.difference(expected.as_bytes(), found.as_bytes()).is_none()
    }

    #[test]
    fn each_way_forgives_what_it_says() {
        use Compare::*;
        assert!(same(Tokens, "1 2\n3\n", "1  2 3") && !same(Tokens, "1 2", "12") && !same(Tokens, "1", "1 1") && !same(Tokens, "1 1", "1"));
        assert!(
            same(Lines, "a b\nc\n", "a b  \nc\n\n") && !same(Lines, "a b", "a  b") && !same(Lines, "a\nb", "a b") && same(Lines, "", "\n")
        );
        assert!(same(Exact, "a\n", "a\n") && !same(Exact, "a\n", "a") && !same(Exact, "a", "a ") && same(Exact, "", ""));
        let near = Numbers(1e-6);
        assert!(same(near, "1.0 yes", "1 yes") && same(near, "1000000", "1000000.5") && same(near, "0", "0.0000005"));
        assert!(!same(near, "1", "1.1") && !same(near, "nan", "inf") && !same(near, "1", "one") && same(near, "nan", "nan"));
    }

    #[test]
    fn a_difference_says_where() {
        let told = |expected: &[u8], found: &[u8]| Compare::Tokens.difference(expected, found).map(|difference| difference.sentence());
        assert_eq!(told(b"1\n2\n3", b"1\n2\n4").as_deref(), Some("line 3: expected \"3\", found \"4\""));
        assert_eq!(told(b"1\n2", b"1\n").as_deref(), Some("line 1: expected \"2\", found nothing more"));
        assert_eq!(told(b"1", b"1\n\n\xff\x1b").as_deref(), Some("line 3: expected nothing more, found \"\u{fffd}\\u{1b}\""));
        assert_eq!(told(b"", &[b'x'; 1000]).map(|told| told.len() < 120), Some(true));
    }
}

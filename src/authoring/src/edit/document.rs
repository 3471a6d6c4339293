//! A text taken apart: tokens, tree, places; and put together again with pieces replaced.
//!
//! Always holds: offsets count from behind the byte order mark, which every edit keeps; a key on the way to a field is written once.

use std::borrow::Cow;

use jsonc_parser::ast::{Object, ObjectProp, Value as Ast};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::tokens::TokenAndRange;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy};
use remand_policy::load;
use remand_policy::source::{LARGEST, lone_return};
use remand_policy::text::{Problem, Text, quote};

use super::tokens;
use super::tree::Tree;

/// Why a text was not edited, and where it stands in the way. The caller puts in the file's name.
pub type EditError = Box<Problem>;

pub(super) struct Document<'t> {
    text: Text<'t>,
    /// The text without byte order mark.
    pub body: &'t str,
    /// All tokens, comments among them, in order.
    pub tokens: Vec<TokenAndRange<'t>>,
    pub root: Ast<'t>,
    /// What ends its lines.
    pub newline: &'static str,
    /// What it indents by.
    pub unit: &'t str,
}

/// A piece replaced.
pub(super) struct Splice {
    pub range: Range,
    pub text: String,
}

/// Where the keys of a field lead. `outer`: the objects and lists on the way, outermost first, without the last.
pub(super) enum Found<'a, 't, 'k> {
    There { property: &'a ObjectProp<'t>, outer: Vec<Range> },
    Missing { object: &'a Object<'t>, outer: Vec<Range>, key: &'k str, rest: &'k [&'k str] },
}

impl<'t> Document<'t> {
    pub fn parse(whole: &'t str) -> Result<Self, EditError> {
        let body = whole.strip_prefix('\u{feff}').unwrap_or(whole);
        let text = Text { file: "", text: body, skipped: whole.len() - body.len() };
        let refuse = |message: String| Box::new(text.problem(Range::new(0, 0), "", message, None));
        if whole.len() > LARGEST {
            return Err(refuse(format!("{} bytes are more than a policy file may have ({LARGEST})", whole.len())));
        }
        // What the loader refuses for it would be a policy when it is laid out.
        if let Some(problem) = lone_return(&text) {
            return Err(Box::new(problem));
        }
        let collect = CollectOptions { comments: CommentCollectionStrategy::AsTokens, tokens: true };
        let parsed = load::tokens(text, &collect)?;
        let root = parsed.value.ok_or_else(|| refuse("the file is empty".to_owned()))?;
        let newline = if body.contains("\r\n") { "\r\n" } else { "\n" };
        let mut document = Self { text, body, tokens: parsed.tokens.unwrap_or_default(), root, newline, unit: "  " };
        // The first key that stands on a line of its own shows the unit.
        if let Ast::Object(root) = &document.root
            && let Some(first) = root.properties.first()
            && !document.indent(first.range.start).is_empty()
        {
            document.unit = document.indent(first.range.start);
        }
        Ok(document)
    }

    pub fn tree(&self) -> Tree {
        Tree::from(&self.root)
    }

    /// The comments, with their slashes, as they are printed.
    pub fn comments(&self) -> impl Iterator<Item = Cow<'t, str>> {
        self.tokens.iter().filter(|token| tokens::is_comment(token)).map(|token| tokens::printed(token, self.at(token.range)))
    }

    pub fn at(&self, range: Range) -> &'t str {
        self.body.get(range.start..range.end).unwrap_or("")
    }

    pub fn refuse(&self, range: Range, message: String, help: Option<String>) -> EditError {
        Box::new(self.text.problem(range, "", message, help))
    }

    /// The parts of a field's name.
    pub fn keys<'k>(&self, field: &'k str) -> Result<Vec<&'k str>, EditError> {
        let keys: Vec<_> = field.split('.').collect();
        if field.len() > 256 || keys.iter().any(|key| key.is_empty()) { Err(no_field(self, field)) } else { Ok(keys) }
    }

    /// Follows the keys from the root.
    pub fn find<'a, 'k>(&'a self, keys: &'k [&'k str]) -> Result<Found<'a, 't, 'k>, EditError> {
        let (mut value, mut outer, mut found) = (&self.root, Vec::new(), None);
        for (index, key) in keys.iter().enumerate() {
            let Ast::Object(object) = value else {
                let path = keys.get(..index).unwrap_or_default().join(".");
                let what = if path.is_empty() { "the file".to_owned() } else { quote(&path) };
                return Err(self.refuse(value.range(), format!("{what} is no object, so it has no {}", quote(key)), None));
            };
            let mut written = object.properties.iter().filter(|property| property.name.as_str() == *key);
            let (first, second) = (written.next(), written.next());
            if let Some(second) = second {
                let message = format!("the key {} is written twice", quote(key));
                return Err(self.refuse(second.name.range(), message, Some("keep one of them".to_owned())));
            }
            let Some(property) = first else {
                return Ok(Found::Missing { object, outer, key, rest: keys.get(index + 1..).unwrap_or_default() });
            };
            outer.push(object.range);
            (value, found) = (&property.value, Some(property));
        }
        let property = found.ok_or_else(|| no_field(self, ""))?;
        Ok(Found::There { property, outer })
    }

    /// Whether the file starts from another one.
    pub fn extends(&self) -> bool {
        matches!(&self.root, Ast::Object(root) if root.get("extends").is_some())
    }

    /// The white space that the line of `offset` begins with.
    pub fn indent(&self, offset: usize) -> &'t str {
        let line = self.line(offset);
        line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or("")
    }

    /// What stands before `offset` on its line.
    fn line(&self, offset: usize) -> &'t str {
        let before = self.body.get(..offset).unwrap_or("");
        before.get(before.rfind(['\n', '\r']).map_or(0, |at| at + 1)..).unwrap_or("")
    }

    /// Characters before `offset` on its line.
    pub fn column(&self, offset: usize) -> usize {
        self.line(offset).chars().count()
    }

    /// Whether nothing but white space stands before `offset` on its line.
    pub fn first_on_line(&self, offset: usize) -> bool {
        self.line(offset).trim().is_empty()
    }

    /// The index of the first token from `offset` on.
    pub fn token(&self, offset: usize) -> usize {
        self.tokens.partition_point(|token| token.range.start < offset)
    }

    /// The white space before a token.
    pub fn gap(&self, index: usize) -> Range {
        let end = self.tokens.get(index).map_or(self.body.len(), |token| token.range.start);
        let start = index.checked_sub(1).and_then(|before| self.tokens.get(before)).map_or(0, |token| token.range.end);
        Range::new(start.min(end), end)
    }

    /// Line ends in the white space before a token.
    pub fn breaks(&self, index: usize) -> usize {
        tokens::breaks(self.at(self.gap(index)))
    }

    /// The whole text with pieces replaced that do not overlap; of those at one place, the first given comes first.
    pub fn apply(&self, mut splices: Vec<Splice>) -> String {
        splices.sort_by_key(|splice| splice.range.start);
        let mut out = if self.text.skipped > 0 { "\u{feff}".to_owned() } else { String::new() };
        let mut from = 0;
        for Splice { range, text } in splices {
            out.push_str(self.body.get(from..range.start).unwrap_or(""));
            out.push_str(&text);
            from = range.end.max(from);
        }
        out.push_str(self.body.get(from..).unwrap_or(""));
        out
    }

    /// The result, if it is `wanted`, with the comments of the original, those `gone` (by their text) and those that `came`.
    pub fn finish(&self, changed: String, wanted: &Tree, gone: &[String], came: &[String]) -> Result<String, EditError> {
        let again = Document::parse(&changed)?;
        let mut before: Vec<_> = self.comments().chain(came.iter().map(Cow::from)).collect();
        let mut after: Vec<_> = again.comments().chain(gone.iter().map(Cow::from)).collect();
        before.sort_unstable();
        after.sort_unstable();
        if again.tree() == *wanted && before == after {
            return Ok(changed);
        }
        let help = Some("edit the file by hand, or format it first".to_owned());
        Err(self.refuse(self.root.range(), "is written in a way that this edit cannot keep".to_owned(), help))
    }
}

/// A field that is spelled wrong.
fn no_field(document: &Document<'_>, field: &str) -> EditError {
    document.refuse(document.root.range(), format!("{} is no field", quote(field)), Some("write limits.memory".to_owned()))
}

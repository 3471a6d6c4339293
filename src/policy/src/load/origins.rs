//! Where each value of a policy was written: file, line and column, through all of its bases.
//!
//! Always holds: a field without a place was written in no file and has the value of [`crate::Policy::floor`]; the places of a list stand in the order of
//! the policy's own list and are as many.

use std::collections::BTreeMap;

use jsonc_parser::common::Range;

use crate::text::Text;

/// A piece of a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as [`super::Source`] names it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte offset into the file, a byte order mark counted.
    pub offset: usize,
    /// Bytes of the value.
    pub bytes: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The places of a policy's values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    fields: BTreeMap<String, Place>,
    entries: BTreeMap<String, Vec<Place>>,
}

impl Origins {
    /// Where the value of a field was written last: `limits.memory`, `environment.HOME`; of a list, the list or the edit of it as a whole.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<&Place> {
        self.fields.get(field)
    }

    /// Where an entry of a list, such as `syscalls.allow` or `filesystem.mounts`, was written; `index` counts in the policy's own list.
    #[must_use]
    pub fn entry(&self, list: &str, index: usize) -> Option<&Place> {
        self.entries.get(list)?.get(index)
    }

    /// The same without the places of a list.
    pub(super) fn without(mut self, list: &str) -> Self {
        self.fields.remove(list);
        self.entries.remove(list);
        self
    }

    pub(super) fn set(&mut self, field: &str, text: Text<'_>, range: Range) {
        self.fields.insert(field.to_owned(), unplaced(text, range));
    }

    pub(super) fn forget(&mut self, field: &str) {
        self.fields.remove(field);
    }

    pub(super) fn push(&mut self, list: &str, text: Text<'_>, range: Range) {
        self.entries.entry(list.to_owned()).or_default().push(unplaced(text, range));
    }

    /// Keeps the entries of those positions for which `keep` says so.
    pub(super) fn retain(&mut self, list: &str, keep: &[bool]) {
        if let Some(places) = self.entries.get_mut(list) {
            let mut keep = keep.iter();
            places.retain(|_| keep.next().copied().unwrap_or(true));
        }
    }

    /// Finds the lines and columns of one text's places, in one pass over it: there may be many on one long line.
    pub(super) fn locate(&mut self, text: Text<'_>) {
        let own = |place: &&mut Place| place.line == 0 && place.file == text.file;
        let mut places: Vec<_> = self.fields.values_mut().chain(self.entries.values_mut().flatten()).filter(own).collect();
        places.sort_by_key(|place| place.offset);
        let mut here = crate::text::Position::default();
        let mut from = 0;
        for place in places {
            let to = place.offset.saturating_sub(text.skipped);
            here.pass(text.text.get(from..to).unwrap_or(""));
            from = to;
            (place.line, place.column) = (here.line, here.column);
        }
    }
}

/// A place whose line and column [`Origins::locate`] finds.
fn unplaced(text: Text<'_>, range: Range) -> Place {
    let bytes = range.end.saturating_sub(range.start);
    Place { file: text.file.to_owned(), line: 0, column: 0, offset: range.start + text.skipped, bytes }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::load::{Chain, trace};
    use crate::source::Source;

    fn file(name: &str, text: &str) -> Source {
        Source { file: name.into(), text: text.as_bytes().to_vec().into() }
    }

    #[test]
    fn each_value_comes_from_the_file_that_wrote_it_last() {
        let base = "{\n \"version\": 1,\n \"limits\": {\"memory\": \"64MiB\", \"pids\": 3},\n \"syscalls\": {\"allow\": [\"@io\", \"@files\"]},\n \
                    \"environment\": {\"A\": \"1\", \"B\": \"2\"}\n}";
        let top = "\u{feff}{\"version\": 1, \"extends\": \"base\",\r\n \"limits\": {\"pids\": 2},\n \
                   \"syscalls\": {\"allow\": {\"remove\": [\"@io\"], \"add\": [\"read\"]}}, \"environment\": {\"A\": null}}";
        let loaded = trace(&Chain::follow(&file("top", top), |_, _| Ok(file("base", base))), "top").unwrap();
        let at = |field: &str| loaded.origins.of(field).map(ToString::to_string);
        assert_eq!(at("limits.memory").unwrap(), "base:3:23");
        assert_eq!(at("limits.pids").unwrap(), "top:2:21");
        assert_eq!(at("limits.cpus"), None);
        assert_eq!((at("environment.A"), at("environment.B").unwrap().as_str()), (None, "base:5:33"));
        let entry = |index| loaded.origins.entry("syscalls.allow", index).map(ToString::to_string);
        assert_eq!(loaded.policy.syscalls.rules.allow.iter().map(|grant| grant.call.as_str()).collect::<Vec<_>>(), ["@files", "read"]);
        assert_eq!((entry(0).unwrap().as_str(), entry(1).unwrap().as_str(), entry(2)), ("base:4:32", "top:3:52", None));
        let place = loaded.origins.of("limits.pids").unwrap();
        assert_eq!(&top.as_bytes()[place.offset..place.offset + place.bytes], b"2");
    }
}

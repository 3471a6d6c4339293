//! Which files of a run are wanted when it is over, by patterns over their paths beneath `/workspace`.
//!
//! Always holds: matching takes time linear in the path, whatever the pattern, since the paths are the run's; a `*` matches no `/`.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::job::JobError;
use remand_policy::places::WORKSPACE;

/// Directories inside each other that are looked into.
pub const DEPTH: usize = 32;
/// Most patterns of a request, and bytes of each.
const PATTERNS: usize = 64;
const LONGEST: usize = 1024;
/// What a pattern has that is more than a name.
const WILD: [char; 5] = ['*', '?', '[', '{', '\\'];

/// Patterns that were understood.
#[derive(Clone, Debug)]
pub struct Patterns {
    set: GlobSet,
    /// As they were written.
    written: Vec<String>,
    /// Which of `written` each of the set comes from.
    of: Vec<usize>,
    depth: usize,
}

impl Patterns {
    /// Reads patterns; `None` where there are none.
    ///
    /// # Errors
    /// One that means nothing, or looks out of `/workspace`.
    pub fn read(written: &[String]) -> Result<Option<Self>, JobError> {
        let wrong = |pattern: &str, why: &str| JobError::Pattern { pattern: pattern.to_owned(), why: why.to_owned() };
        if let Some(over) = written.get(PATTERNS) {
            return Err(wrong(over, &format!("there are more than {PATTERNS} patterns")));
        }
        let (mut set, mut of, mut depth) = (GlobSetBuilder::new(), Vec::new(), 0);
        for (index, pattern) in written.iter().enumerate() {
            for path in paths(pattern).map_err(|why| wrong(pattern, why))? {
                let glob =
                    GlobBuilder::new(&path).literal_separator(true).build().map_err(|error| wrong(pattern, &error.kind().to_string()))?;
                set.add(glob);
                of.push(index);
                depth = depth.max(if path.contains("**") { DEPTH } else { path.matches('/').count() });
            }
        }
        let set = set.build().map_err(|error| wrong("", &error.to_string()))?;
        Ok((!written.is_empty()).then(|| Self { set, written: written.to_vec(), of, depth: depth.min(DEPTH) }))
    }

    /// Whether a file is wanted.
    #[must_use]
    pub fn matches(&self, path: &Path) -> bool {
        self.set.is_match(path)
    }

    /// Directories inside each other that can hold a wanted file.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Those that match none of these.
    #[must_use]
    pub fn without_match<'p>(&self, found: impl Iterator<Item = &'p str>) -> Vec<String> {
        let mut met = vec![false; self.written.len()];
        for index in found.flat_map(|path| self.set.matches(path)) {
            if let Some(met) = self.of.get(index).and_then(|pattern| met.get_mut(*pattern)) {
                *met = true;
            }
        }
        self.written.iter().zip(met).filter(|(_, met)| !met).map(|(pattern, _)| pattern.clone()).collect()
    }
}

/// The globs that a pattern stands for: a plain name is a file, or a directory with all that it holds.
fn paths(pattern: &str) -> Result<Vec<String>, &'static str> {
    let beneath = pattern.strip_prefix(WORKSPACE).map_or(pattern, |rest| rest.trim_start_matches('/'));
    let whole = beneath.ends_with('/');
    let path: Vec<&str> = beneath.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if pattern.len() > LONGEST {
        return Err("it is too long");
    } else if beneath.starts_with('/') {
        return Err("a pattern of paths relative to /workspace is expected");
    } else if path.contains(&"..") {
        return Err("`..` leads out of /workspace");
    } else if path.is_empty() && beneath.is_empty() {
        return Err("an empty pattern matches nothing; `**` matches all files");
    }
    let path = path.join("/");
    Ok(match (path.is_empty(), whole, path.contains(WILD)) {
        (true, ..) => vec!["**".to_owned()],
        (_, true, _) => vec![format!("{path}/**")],
        (_, false, false) => vec![format!("{path}/**"), path],
        (_, false, true) => vec![path],
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(written: &[&str]) -> Result<Option<Patterns>, JobError> {
        Patterns::read(&written.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn patterns_are_those_of_a_shell() {
        for (pattern, taken, not, depth) in [
            ("*.png", &["a.png", ".png"][..], &["a/b.png", "a.png2"][..], 0),
            ("out/*", &["out/a"], &["out", "out/a/b", "a"], 1),
            ("**/*.csv", &["a.csv", "x/y/a.csv"], &["a.csv2"], DEPTH),
            ("out", &["out", "out/a", "out/a/b"], &["outer", "x/out"], DEPTH),
            ("out/", &["out/a", "out/a/b"], &["out"], DEPTH),
            ("./a.txt", &["a.txt"], &["b.txt"], DEPTH),
            ("/workspace/a[0-9]", &["a1"], &["a", "ab"], 0),
            ("{a,b}.txt", &["a.txt", "b.txt"], &["c.txt"], 0),
            ("**", &["a", "x/y/z"], &[], DEPTH),
            (".", &["a", "x/y/z"], &[], DEPTH),
        ] {
            let read = read(&[pattern]).unwrap().unwrap();
            assert!(taken.iter().all(|path| read.matches(Path::new(path))), "{pattern}");
            assert!(not.iter().all(|path| !read.matches(Path::new(path))), "{pattern}");
            assert_eq!(read.depth(), depth, "{pattern}");
        }
    }

    #[test]
    fn what_means_nothing_or_leads_out_is_refused() {
        for wrong in ["../*", "a/../../b", "/etc/*", "", "[", "{a"] {
            assert!(read(&[wrong]).is_err(), "{wrong}");
        }
        assert!(read(&["*"; PATTERNS]).is_ok() && read(&["*"; PATTERNS + 1]).is_err());
        assert!(read(&[]).unwrap().is_none());
    }

    #[test]
    fn a_pattern_that_matched_nothing_is_told_as_it_was_written() {
        let read = read(&["*.png", "out/", "b"]).unwrap().unwrap();
        assert_eq!(read.without_match(["out/x", "a.png"].into_iter()), ["b"]);
        assert_eq!(read.without_match([].into_iter()), ["*.png", "out/", "b"]);
    }
}

//! Which files of a run are wanted when it is over, by patterns over their paths beneath `/workspace`.
//!
//! Always holds: matching takes time linear in the path, whatever the pattern, since the paths are the run's; a `*` matches no `/`, and nothing wild matches a dot
//! that begins a name: what is hidden (`.git`, `.envrc`) acts on whoever works beside it, and is taken only where a pattern writes its dot.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::job::JobError;
use crate::request::{GivenKind, Mode, Request};
use crate::workspace;
use remand_policy::places::WORKSPACE;

/// Directories inside each other that are looked into.
pub const DEPTH: usize = 32;
/// Most patterns of a request, and bytes of each.
const PATTERNS: usize = 64;
const LONGEST: usize = 1024;
/// What a pattern's braces may stand for together.
const ALTERNATIVES: usize = 64;
/// What a pattern has that is more than a name.
const WILD: [char; 5] = ['*', '?', '[', '{', '\\'];

/// Patterns that were understood.
#[derive(Clone, Debug)]
pub struct Patterns {
    set: GlobSet,
    /// As they were written.
    written: Vec<String>,
    /// Of each of the set: which of `written` it comes from, and how many names in it begin with a dot that is written.
    of: Vec<(usize, usize)>,
    depth: usize,
    /// What the run was given, by path.
    given: BTreeMap<String, Arc<[u8]>>,
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
            for path in paths(pattern).and_then(spread).map_err(|why| wrong(pattern, why))? {
                let glob =
                    GlobBuilder::new(&path).literal_separator(true).build().map_err(|error| wrong(pattern, &error.kind().to_string()))?;
                set.add(glob);
                of.push((index, path.split('/').filter(|name| name.starts_with('.') || name.starts_with("\\.")).count()));
                depth = depth.max(if path.contains("**") { DEPTH } else { path.matches('/').count() });
            }
        }
        let set = set.build().map_err(|error| wrong("", &error.to_string()))?;
        Ok((!written.is_empty()).then(|| Self { set, written: written.to_vec(), of, depth: depth.min(DEPTH), given: BTreeMap::new() }))
    }

    /// The same for what such a request leaves: a file that it gave, and that is as it was, is nothing that the run made.
    #[must_use]
    pub fn besides(self, request: &Request) -> Self {
        let files = request.files.iter().filter_map(|given| match &given.kind {
            GivenKind::File { content, .. } => Some((workspace::path(&given.name).ok()?, Arc::clone(content))),
            GivenKind::Directory { .. } => None,
        });
        let program = match &request.mode {
            Mode::Script(script) => script.origin.file().map(|name| (name.to_owned(), Arc::from(request.code.as_bytes()))),
            _ => None,
        };
        Self { given: files.chain(program).collect(), ..self }
    }

    /// Whether a file is wanted.
    #[must_use]
    pub fn matches(&self, path: &Path) -> bool {
        self.met(path).next().is_some()
    }

    /// What was given by this path, unless a pattern is this very path.
    #[must_use]
    pub fn given(&self, path: &str) -> Option<&[u8]> {
        self.given.get(path).filter(|_| !self.written.iter().any(|pattern| pattern == path)).map(|content| &**content)
    }

    /// Whether a directory can hold something wanted.
    #[must_use]
    pub fn enters(&self, directory: &Path) -> bool {
        self.of.iter().any(|(_, dots)| *dots >= hidden(directory))
    }

    /// Whether this name, which begins with a dot, is written in a pattern as it is.
    #[must_use]
    pub fn spells(&self, name: &str) -> bool {
        self.written.iter().any(|pattern| pattern.split('/').any(|part| part == name))
    }

    /// Those that match, as places in `written`. Each dot of a pattern stands for that of one name: where a path has more, something wild met one.
    fn met(&self, path: &Path) -> impl Iterator<Item = usize> {
        let dots = hidden(path);
        self.set.matches(path).into_iter().filter_map(move |index| self.of.get(index).filter(|(_, own)| *own == dots).map(|(of, _)| *of))
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
        for index in found.flat_map(|path| self.met(Path::new(path))) {
            if let Some(met) = met.get_mut(index) {
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

/// Names in a path that begin with a dot.
fn hidden(path: &Path) -> usize {
    path.iter().filter(|name| name.as_bytes().starts_with(b".")).count()
}

/// Each alternative of braces as a pattern of its own, so that it can be told which dots are written.
fn spread(patterns: Vec<String>) -> Result<Vec<String>, &'static str> {
    let (mut todo, mut done) = (patterns, Vec::new());
    while let Some(pattern) = todo.pop() {
        match braces(&pattern) {
            Some(alternatives) => todo.extend(alternatives),
            None => done.push(pattern),
        }
        if todo.len() + done.len() > ALTERNATIVES {
            return Err("its braces stand for more than 64 patterns");
        }
    }
    Ok(done)
}

/// A pattern with its first braces resolved; nothing where it has none that are closed.
fn braces(pattern: &str) -> Option<Vec<String>> {
    let (mut depth, mut cuts, mut class, mut signs) = (0, Vec::new(), None, pattern.char_indices());
    while let Some((at, sign)) = signs.next() {
        match (sign, class) {
            ('\\', None) => {
                signs.next();
            }
            // The first sign of a class is in it, whatever it is; so is the one behind its `!`.
            (']', Some(begun)) if at > begun => class = None,
            ('!' | '^', Some(begun)) if at == begun => class = Some(at + 1),
            (_, Some(_)) => {}
            ('[', None) => class = Some(at + 1),
            ('{', None) => {
                depth += 1;
                if depth == 1 {
                    cuts.push(at);
                }
            }
            (',', None) if depth == 1 => cuts.push(at),
            ('}', None) if depth == 1 => {
                let (before, after) = (pattern.get(..*cuts.first()?)?, pattern.get(at + 1..)?);
                let ends = cuts.iter().skip(1).copied().chain([at]);
                let parts = cuts.iter().zip(ends).filter_map(|(from, to)| pattern.get(from + 1..to));
                return Some(parts.map(|part| format!("{before}{part}{after}")).collect());
            }
            ('}', None) => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::request::{Code, Given, Origin, Script};

    fn read(written: &[&str]) -> Result<Option<Patterns>, JobError> {
        Patterns::read(&written.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn patterns_are_those_of_a_shell() {
        for (pattern, taken, not, depth) in [
            ("*.png", &["a.png"][..], &["a/b.png", "a.png2", ".png", ".a.png"][..], 0),
            ("out/*", &["out/a"], &["out", "out/a/b", "a"], 1),
            ("**/*.csv", &["a.csv", "x/y/a.csv"], &["a.csv2"], DEPTH),
            ("out", &["out", "out/a", "out/a/b"], &["outer", "x/out"], DEPTH),
            ("out/", &["out/a", "out/a/b"], &["out"], DEPTH),
            ("./a.txt", &["a.txt"], &["b.txt"], DEPTH),
            ("/workspace/a[0-9]", &["a1"], &["a", "ab"], 0),
            ("{a,b}.txt", &["a.txt", "b.txt"], &["c.txt"], 0),
            ("{a/b,c{d,}}/*", &["a/b/x", "c/x", "cd/x"], &["a/x", "d/x"], 2),
            ("[{,]{[}],b}", &["{}", ",}", "{b"], &["}", "b"], 0),
            ("**", &["a", "x/y/z"], &[".a", ".git/hooks/x", "x/.y/z"], DEPTH),
            (".", &["a", "x/y/z"], &[".a", "x/.y"], DEPTH),
            ("[.]a", &[], &[".a"], 0),
            ("?a", &["ba"], &[".a"], 0),
            ("{*,b}/c", &["x/c"], &[".x/c"], 1),
            ("{.a,*}/c", &[".a/c", "x/c"], &[".b/c"], 1),
            (".*", &[".a"], &["a", ".git/x"], 0),
            ("**/.*", &[".a", "x/.a"], &[".git/.a", "x/a"], DEPTH),
            (".git", &[".git/a/b", ".git"], &[".git/.a", ".github"], DEPTH),
            ("\\.a", &[".a"], &["a"], 0),
        ] {
            let read = read(&[pattern]).unwrap().unwrap();
            assert!(taken.iter().all(|path| read.matches(Path::new(path))), "{pattern}");
            assert!(not.iter().all(|path| !read.matches(Path::new(path))), "{pattern}");
            assert_eq!(read.depth(), depth, "{pattern}");
        }
    }

    #[test]
    fn what_means_nothing_or_leads_out_is_refused() {
        for wrong in ["../*", "a/../../b", "/etc/*", "", "[", "{a", "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"] {
            assert!(read(&[wrong]).is_err(), "{wrong}");
        }
        assert!(read(&["*"; PATTERNS]).is_ok() && read(&["*"; PATTERNS + 1]).is_err());
        assert!(read(&[]).unwrap().is_none());
    }

    #[test]
    fn what_was_given_is_known_and_what_is_hidden_is_not_entered() {
        let script = Script { origin: Origin::File("a.py".to_owned()), ..Script::default() };
        let kind = GivenKind::File { content: Arc::from(&b"data"[..]), executable: false };
        let files = vec![Given { name: "./in/b".to_owned(), kind }];
        let request = Request { code: Code::Text("print(1)".to_owned()), mode: Mode::Script(script), files, ..Request::default() };
        let read = |written: &[&str]| read(written).unwrap().unwrap().besides(&request);
        let (all, named) = (read(&["**"]), read(&["in/b", ".x/*"]));
        assert_eq!((all.given("a.py"), all.given("in/b"), all.given("c")), (Some(&b"print(1)"[..]), Some(&b"data"[..]), None));
        assert_eq!(named.given("in/b"), None, "asked for by name");
        assert!(!all.enters(Path::new(".x")) && all.enters(Path::new("x")) && named.enters(Path::new(".x")));
        assert!(named.spells(".x") && !read(&[".*/**"]).spells(".x"));
    }

    #[test]
    fn a_pattern_that_matched_nothing_is_told_as_it_was_written() {
        let read = read(&["*.png", "out/", "b"]).unwrap().unwrap();
        assert_eq!(read.without_match(["out/x", "a.png"].into_iter()), ["b"]);
        assert_eq!(read.without_match([].into_iter()), ["*.png", "out/", "b"]);
    }
}

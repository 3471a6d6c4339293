//! What lies elsewhere and belongs to an interpreter all the same: directories that `.pth` files and editable installs name, and files that links of the
//! standard library lead to.
//!
//! Always holds: nothing is executed, a line that imports something is only read for the paths that are written in it. A path counts only where everybody can
//! reach and read it, or where it lies beside the virtual environment; and where runs have the caller's own id, only if by its mode everybody can read all
//! that is shown of it, so that no package can show a run what only the caller may see. No place of the run's own is among them; of a directory, `parts` are shown.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use remand_policy::places::{CLOSED_SOURCES, behind, beneath, overlap, taken};

use super::parts;
use super::reach::Reach;
use super::tree::{Resolved, resolve};
use super::trust::{self, PACKAGES};

/// Bytes of a `.pth` file, or of the module of an editable install, that are read.
const LARGEST: usize = 256 << 10;
/// Paths that are looked at of one directory of packages.
const MAX_PATHS: usize = 1000;
/// Names that are told.
const NAMED: usize = 8;

/// What directories of packages bring in besides themselves.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// Directories and files to show.
    pub names: BTreeSet<String>,
    /// Directories in which modules are found.
    pub directories: Vec<String>,
    /// Files and directories that this rests on.
    pub read: BTreeSet<String>,
    /// Real paths of the directories that were looked through.
    pub listed: Vec<String>,
    /// For people: what is named, and what of it is shown.
    pub beside: Vec<(String, String)>,
    /// What is named and not shown, and why.
    pub left_out: Vec<(String, String)>,
    project: Option<String>,
}

/// What the `.pth` files in directories of packages bring in. `project`: the directory that a virtual environment lies in.
pub(super) fn brought(sites: &[String], project: Option<&str>, reach: &Reach<'_>) -> Brought {
    let mut brought = Brought { project: project.map(str::to_owned), ..Brought::default() };
    for site in sites {
        let mut files: Vec<String> = listed(site).filter(|name| name.ends_with(".pth") && !name.starts_with('.')).collect();
        files.sort();
        let mut left = MAX_PATHS;
        for file in files.iter().map(|name| format!("{site}/{name}")) {
            let text = reach.bytes(&file, LARGEST).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
            brought.read.insert(file);
            for line in
                text.trim_start_matches('\u{feff}').lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'))
            {
                if line.starts_with("import ") || line.starts_with("import\t") {
                    brought.imported(site, line, reach, &mut left);
                } else {
                    let path = if line.starts_with('/') { line.to_owned() } else { format!("{site}/{line}") };
                    brought.add(&path, sites, reach, &mut left, true);
                }
            }
        }
    }
    brought
}

impl Brought {
    /// What a module that a line imports has written in it: editable installs have a finder beside them, with a table of packages and where they are.
    fn imported(&mut self, site: &str, line: &str, reach: &Reach<'_>, left: &mut usize) {
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        for module in line.split(|c: char| !name(c)).skip(1).collect::<BTreeSet<_>>() {
            let file = format!("{site}/{module}.py");
            let Some(text) = reach.bytes(&file, LARGEST) else { continue };
            self.read.insert(file);
            for path in written(&String::from_utf8_lossy(&text)) {
                self.add(path, &[site.to_owned()], reach, left, false);
            }
        }
    }

    /// A path that is named: a directory of modules, or a package or module itself.
    fn add(&mut self, path: &str, sites: &[String], reach: &Reach<'_>, left: &mut usize, directory: bool) {
        if *left == 0 || self.read.contains(path) {
            return;
        }
        *left -= 1;
        // What is not there is nothing to Python either.
        let Some(found) = resolve(path, &|path| reach.look(path)) else {
            reach.sought.borrow_mut().insert(path.to_owned());
            return;
        };
        if sites.iter().any(|site| beneath(&found.real, site)) {
            return;
        }
        self.read.insert(path.to_owned());
        let why = refused(&found, reach, self.project.as_deref()).or_else(|| self.show(path, &found.real, reach, directory));
        self.left_out.extend(why.map(|why| (path.to_owned(), why)));
    }

    /// Adds what is shown of a place at a real path, or says why nothing is.
    fn show(&mut self, path: &str, real: &str, reach: &Reach<'_>, directory: bool) -> Option<String> {
        let shown = if Path::new(real).is_dir() {
            parts::shown(real, !directory, &reach.budget, &mut self.listed)
        } else {
            Some(real.to_owned()).filter(|real| parts::is_shown(real)).into_iter().collect()
        };
        // A link among them is judged by what it leads to.
        let mut ends = shown.iter().filter(|_| reach.own_id()).filter_map(|shown| resolve(shown, &|path| reach.look(path)));
        let secret = ends.find_map(|found| parts::closed(&found.real, &reach.budget));
        if let Some(secret) = secret {
            return Some(unreadable(secret, reach));
        }
        if shown.is_empty() {
            return Some("a .pth file names it, and no package or module is in it".to_owned());
        }
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        self.directories.push(if directory { path } else { above }.to_owned());
        let named = |shown: &String| behind(shown, real).map_or_else(|| shown.clone(), |rest| format!("{path}{rest}"));
        self.beside.push((path.to_owned(), told(real, &shown)));
        self.names.extend(shown.iter().map(named));
        None
    }
}

/// Why a place is not shown to runs.
fn refused(found: &Resolved, reach: &Reach<'_>, project: Option<&str>) -> Option<String> {
    let real = &found.real;
    let kernels = || CLOSED_SOURCES.iter().find(|closed| overlap(real, closed)).map(|own| format!("{own} is the run's own"));
    if let Some(own) = taken(real).or_else(kernels).or_else(|| reach.own(found).map(|own| format!("{own} is the run's own"))) {
        return Some(own);
    }
    reach.closed_below(found, project).map(|(place, _)| unreadable(place, reach))
}

/// What decides is looked at again too: it may be opened.
fn unreadable(secret: String, reach: &Reach<'_>) -> String {
    let why = format!("a .pth file names it, and not everybody can read {secret}: chmod -R o+rX it, or name it in filesystem.mounts");
    reach.sought.borrow_mut().insert(secret);
    why
}

/// What is shown of a directory or file, in words.
fn told(real: &str, shown: &[String]) -> String {
    let names: Vec<&str> = shown.iter().filter_map(|path| behind(path, real)?.strip_prefix('/')).collect();
    match names.get(..NAMED) {
        _ if names.is_empty() => "a .pth file names it: shown, read-only".to_owned(),
        Some(first) if names.len() > NAMED => {
            format!("a .pth file names it: {} and {} more, read-only", first.join(", "), names.len() - NAMED)
        }
        _ => format!("a .pth file names it: {}, read-only, and nothing else of it", names.join(", ")),
    }
}

/// Absolute paths that stand in quotes.
fn written(text: &str) -> impl Iterator<Item = &str> {
    let quoted = |quote: char| text.split(quote).skip(1).step_by(2);
    quoted('\'').chain(quoted('"')).filter(|path| path.starts_with('/') && path.len() > 1 && !path.contains(['\n', '\\', '\0']))
}

/// Links in standard libraries that lead out of them, to a file that everybody can read and nobody else could have put there: Debian keeps its
/// `sitecustomize.py` in `/etc`.
pub(super) fn links(libraries: &[String], owners: &[u32], reach: &Reach<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut todo: Vec<PathBuf> = libraries.iter().map(PathBuf::from).collect();
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !PACKAGES.iter().any(|packages| name == *packages) => todo.push(entry.path()),
                Ok(kind) if kind.is_symlink() => found.extend(entry.path().into_os_string().into_string().ok()),
                _ => {}
            }
        }
    }
    let leads = |link: &String| {
        let end = reach.content(link).map(|found| found.real);
        end.is_some_and(|real| taken(&real).is_none() && Path::new(&real).is_file()) && trust::check(link, owners).is_ok()
    };
    let (leads, nowhere): (_, BTreeSet<String>) = found.into_iter().partition(leads);
    reach.sought.borrow_mut().extend(nowhere);
    leads
}

/// Names in a directory.
fn listed(directory: &str) -> impl Iterator<Item = String> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok())
}

#[cfg(test)]
mod tests;

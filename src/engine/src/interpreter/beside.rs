//! What lies elsewhere and belongs to an interpreter all the same: directories that `.pth` files and editable installs name, and files that links of the
//! standard library lead to.
//!
//! Always holds: nothing is executed, a line that imports something is only read for the paths that are written in it. A path counts only where everybody can
//! reach and read it, or where it lies beside the virtual environment; and where runs have the caller's own id, only if by its mode everybody can read all
//! that is in it, so that no package can show a run what only the caller may see. No place of the run's own is among them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use remand_policy::places::{CLOSED_SOURCES, beneath, overlap, taken};

use super::reach::Reach;
use super::tree::{Node, Resolved, resolve};
use super::trust::{self, PACKAGES};

/// Bytes of a `.pth` file, or of the module of an editable install, that are read.
const LARGEST: usize = 256 << 10;
/// Paths that are looked at of one directory of packages.
const MAX_PATHS: usize = 1000;

/// What directories of packages bring in besides themselves.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// Directories and files to show.
    pub names: BTreeSet<String>,
    /// Directories in which modules are found.
    pub directories: Vec<String>,
    /// Files and directories that this rests on.
    pub read: BTreeSet<String>,
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
        let Some(found) = resolve(path, &|path| reach.look(path)) else { return };
        if sites.iter().any(|site| beneath(&found.real, site)) {
            return;
        }
        self.read.insert(path.to_owned());
        match refused(&found, reach, self.project.as_deref()) {
            Some(why) => self.left_out.push((path.to_owned(), why)),
            None => {
                let above = path.rsplit_once('/').map_or("", |(above, _)| above);
                self.directories.push(if directory { path } else { above }.to_owned());
                self.names.insert(path.to_owned());
            }
        }
    }
}

/// Why a place is not shown to runs.
fn refused(found: &Resolved, reach: &Reach<'_>, project: Option<&str>) -> Option<String> {
    let real = &found.real;
    let kernels = || CLOSED_SOURCES.iter().find(|closed| overlap(real, closed)).map(|own| format!("{own} is the run's own"));
    if let Some(own) = taken(real).or_else(kernels).or_else(|| reach.own(found).map(|own| format!("{own} is the run's own"))) {
        return Some(own);
    }
    let secret = reach.closed_below(found, project).map(|(place, _)| place);
    let secret = secret.or_else(|| reach.own_id().then(|| closed(real, reach)).flatten())?;
    Some(format!("a .pth file names it, and not everybody can read {secret}: chmod -R o+rX it, or name it in filesystem.mounts"))
}

/// The first thing below a directory that not everybody can read, or that is no file. What nobody can pay to look at is such a thing.
fn closed(real: &str, reach: &Reach<'_>) -> Option<String> {
    let mut todo = vec![real.to_owned()];
    while let Some(path) = todo.pop() {
        let needed = match reach.look(&path) {
            Node::Link(_) => continue,
            Node::Other(mode, _) if mode & libc::S_IFMT == libc::S_IFDIR => (mode, 0o5),
            Node::Other(mode, _) if mode & libc::S_IFMT == libc::S_IFREG => (mode, 0o4),
            _ => return Some(path),
        };
        if needed.0 & needed.1 != needed.1 {
            return Some(path);
        }
        if needed.1 == 0o5 {
            todo.extend(listed(&path).map(|name| format!("{path}/{name}")));
        }
    }
    None
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
    found.retain(leads);
    found
}

/// Names in a directory.
fn listed(directory: &str) -> impl Iterator<Item = String> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::reach::Machine;
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            // Nothing that a run has of its own or that somebody else may write, wherever the checkout lies: not below /tmp.
            let places = ["/var/lib".to_owned(), std::env::var("HOME").unwrap_or_default()];
            let path = places.iter().map(|place| Path::new(place).join(format!("remand-beside-{name}-{}", std::process::id())));
            let path = path.into_iter().find(|path| std::fs::create_dir(path).is_ok()).unwrap();
            set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
            Self(path.canonicalize().unwrap())
        }

        fn path(&self, name: &str) -> String {
            format!("{}/{name}", self.0.display())
        }

        fn file(&self, name: &str, text: &str) -> String {
            let path = self.path(name);
            std::fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        }

        fn mode(&self, name: &str, mode: u32) {
            set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_pth_files_and_editable_installs_name() {
        let place = Place::new("names");
        for file in ["plain/one.py", "finder/src/two/__init__.py", "site/own/x.py"] {
            place.file(file, "");
        }
        let site = place.path("site");
        let finder = format!("MAPPING: dict[str, str] = {{'two': '{}', \"gone\": \"/no/such\"}}\n", place.path("finder/src/two"));
        place.file("site/__editable___two_finder.py", &finder);
        place.file("site/a.pth", &format!("# {0}/no\n{0}/plain\nown\n../none\n", place.0.display()));
        place.file("site/b.pth", "import __editable___two_finder; __editable___two_finder.install()\n");
        place.file("site/.c.pth", &place.path("finder"));
        // What is beside is closed to others by the directory above alone.
        place.mode("", 0o700);
        let reach = Reach::new(&Machine, vec![site.clone()], true);
        let found = brought(std::slice::from_ref(&site), Some(&place.path("")[..place.path("").len() - 1]), &reach);
        assert_eq!(found.names, [place.path("plain"), place.path("finder/src/two")].into());
        assert_eq!(found.directories, [place.path("plain"), place.path("finder/src")]);
        assert_eq!(brought(&[place.path("site")], None, &reach).left_out.len(), 2, "of no project");
        assert!(found.left_out.is_empty() && found.read.contains(&place.path("site/__editable___two_finder.py")), "{found:?}");
    }

    #[test]
    fn a_run_is_not_shown_what_only_the_caller_may_see() {
        let place = Place::new("secret");
        place.file("code/a.py", "");
        let secret = place.file("code/deep/secret", "");
        let site = place.path("site");
        place.file("site/a.pth", &format!("{}\n/\n/etc\n/proc/self\n/sys\n/tmp\n", place.path("code")));
        let found = |own: bool| {
            let reach = Reach::new(&Machine, vec![site.clone()], own);
            brought(std::slice::from_ref(&site), Some(place.0.to_str().unwrap()), &reach)
        };
        assert_eq!(
            (found(true).names, found(true).left_out.len()),
            ([place.path("code")].into(), 4),
            "the root is nobody's, the rest the run's own"
        );
        place.mode("code/deep/secret", 0o600);
        assert!(found(true).names.is_empty() && found(true).left_out[0].1.contains(&secret), "{:?}", found(true).left_out);
        assert_eq!(found(false).names.len(), 1, "the kernel keeps it from a run with an id of its own");
        place.mode("", 0o700);
        assert_eq!(found(false).names.len(), 1, "what is beside counts from there on");
        place.mode("code", 0o750);
        assert!(found(false).names.is_empty());
    }

    #[test]
    fn links_of_a_standard_library_lead_somewhere() {
        let place = Place::new("links");
        let file = place.file("etc/sitecustomize.py", "");
        let library = place.path("lib");
        place.file("lib/site-packages/x.py", "");
        for (target, link) in
            [(file.as_str(), "lib/a.py"), ("/etc/passwd", "lib/b"), ("/etc", "lib/c"), ("gone", "lib/d"), (&file, "lib/site-packages/e")]
        {
            symlink(target, place.path(link)).unwrap();
        }
        let reach = Reach::new(&Machine, vec![place.0.to_str().unwrap().to_owned()], true);
        let found = |owners: &[u32]| links(std::slice::from_ref(&library), owners, &reach);
        assert_eq!(found(&trust::owners()), [place.path("lib/a.py")].into());
        assert!(found(&[4_000_000]).is_empty(), "somebody else could have put it there");
    }

    #[test]
    fn paths_that_are_written() {
        let text = "MAPPING: dict[str, str] = {'one': '/a/one', \"two\": \"/b/two\"}\nx = 'no'; y = 'a\n/c'";
        assert_eq!(written(text).collect::<Vec<_>>(), ["/a/one", "/b/two"]);
    }
}

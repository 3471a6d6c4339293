//! What an interpreter loads when it starts, found by reading: its `pyvenv.cfg`, and the standard libraries that it can come upon.
//!
//! Always holds: nothing is executed. The search goes up from the executable, from what it links to and from `home`, as Python's own (getpath) does. It
//! may find other places than Python does; so an interpreter is shown these and no others, and then can load no others.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::reach::regular;
use super::{tree, trust};

/// Directories of libraries below a prefix.
const LIBRARIES: [&str; 2] = ["lib", "lib64"];
/// Prefixes that interpreters of distributions have compiled in, for one that lies elsewhere.
const COMPILED_IN: [&str; 2] = ["/usr/local", "/usr"];
/// Bytes of a `pyvenv.cfg` that are read.
const MAX_CONFIG: u64 = 64 << 10;

/// One installation as it lies on the disk. Absolute names, which may lead through links.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The name that is executed.
    pub executable: String,
    /// What is at its end.
    pub binary: String,
    /// The `pyvenv.cfg` in force.
    pub config: Option<String>,
    /// Standard libraries: directories with `os.py`, their extension modules, and zip files.
    pub libraries: Vec<String>,
    /// Real directories that the caller has named along with it: prefixes of the libraries, and the virtual environment.
    pub prefixes: BTreeSet<String>,
    /// Where a configuration or a library was looked for: whether one is there decides.
    pub sought: BTreeSet<String>,
}

impl Layout {
    /// Reads what lies around the executable at an absolute path.
    ///
    /// # Errors
    /// It leads to no file, or no standard library is found.
    pub(super) fn read(executable: &str) -> Result<Self, String> {
        let binary = real(executable).ok_or("leads to no file")?;
        let configs: Vec<String> = ancestors(executable).skip(1).take(2).map(|directory| format!("{directory}/pyvenv.cfg")).collect();
        let is_config = |path: &String| real(path).is_some_and(|real| real.ends_with("/pyvenv.cfg") && Path::new(&real).is_file());
        let config = configs.iter().find(|path| is_config(path)).cloned();
        let home = config.as_deref().and_then(home);
        let starts = [Some(executable.to_owned()), home.as_ref().map(|home| format!("{home}/python")), Some(binary.clone())];
        let wanted = versioned(&binary);
        let (mut unseen, mut sought) = (None, BTreeSet::from_iter(configs));
        let mut first = |prefixes: &mut dyn Iterator<Item = &str>| {
            prefixes.map(|prefix| below(prefix, wanted, (&mut unseen, &mut sought))).find(|found| !found.is_empty()).unwrap_or_default()
        };
        let mut libraries: Vec<String> = starts.iter().flatten().flat_map(|start| first(&mut ancestors(start).skip(1))).collect();
        if libraries.is_empty() {
            libraries = first(&mut COMPILED_IN.into_iter());
        }
        if libraries.is_empty() {
            let none = || "has no standard library (lib/python3.N/os.py) in any directory above it".to_owned();
            return Err(unseen.map_or_else(none, |unseen| format!("cannot be looked at: {unseen}")));
        }
        libraries.sort();
        libraries.dedup();
        // PREFIX/lib/python3.N; the root of the file system is not anybody's prefix.
        let above = |path: String, levels| ancestors(&path).nth(levels).map(str::to_owned).filter(|prefix| !prefix.is_empty());
        let prefixes = libraries.iter().filter(|path| is_standard(path)).filter_map(|path| above(real(path)?, 2));
        let prefixes = prefixes.chain(config.iter().filter_map(|config| above(real(config)?, 1))).collect();
        Ok(Self { executable: executable.to_owned(), binary, config, libraries, prefixes, sought })
    }

    /// Checks that nobody but `owners` can change or add to any of it.
    ///
    /// # Errors
    /// Names what somebody else can write, and the remedy.
    pub(super) fn trusted(&self, owners: &[u32]) -> Result<(), String> {
        for path in [&self.executable].into_iter().chain(&self.config).chain(&self.libraries) {
            trust::check(path, owners)?;
        }
        // Several names may lead to one directory.
        let directories: BTreeSet<String> = self.libraries.iter().filter_map(|path| real(path)).collect();
        directories.iter().try_for_each(|path| trust::contents(path, owners))
    }

    /// Real directories in which shared libraries of its own may lie.
    pub(super) fn places(&self) -> Vec<String> {
        let below = self.prefixes.iter().flat_map(|prefix| LIBRARIES.map(|name| format!("{prefix}/{name}")));
        below.chain(self.libraries.iter().cloned()).filter_map(|path| real(&path)).collect()
    }

    /// The directory that a virtual environment lies in, unless that is somebody's home or above one.
    pub(super) fn project(&self) -> Option<String> {
        let project = ancestors(&real(self.config.as_deref()?)?).nth(2)?.to_owned();
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let above_home = home.is_some_and(|home| home.canonicalize().unwrap_or(home).starts_with(&project));
        // `/root` and `/home/NAME` are somebody's, whoever asks.
        (!above_home && project.matches('/').count() > 1 && project.strip_prefix("/home/").is_none_or(|name| name.contains('/')))
            .then_some(project)
    }

    /// Whether a directory is one that the caller has named with this interpreter as a place of packages.
    pub(super) fn names(&self, site: &str) -> bool {
        let place = |prefix: &String| {
            let mut parts = site.strip_prefix(prefix)?.strip_prefix('/')?.split('/').skip_while(|part| *part == "local");
            Some(
                LIBRARIES.contains(&parts.next()?)
                    && parts.next()?.starts_with("python")
                    && parts.next().is_some()
                    && parts.next().is_none(),
            )
        };
        self.prefixes.iter().any(|prefix| place(prefix) == Some(true))
    }
}

fn real(name: &str) -> Option<String> {
    tree::resolve(name, &tree::host).map(|found| found.real)
}

/// The path and everything above it; the root is the empty string.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(above, _)| above))
}

/// The value of `home` in a `pyvenv.cfg`.
fn home(config: &str) -> Option<String> {
    let mut text = String::new();
    regular(config).ok()?.take(MAX_CONFIG).read_to_string(&mut text).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once('='));
    let (_, value) = lines.find(|(key, _)| key.trim().eq_ignore_ascii_case("home"))?;
    value.trim().strip_prefix('/').map(|rest| format!("/{}", rest.trim_end_matches('/')))
}

/// `python3.11` of a file with that name; `None` where the name leaves the version open.
fn versioned(binary: &str) -> Option<&str> {
    binary.rsplit('/').next().filter(|name| version(name).is_some())
}

/// `3.13t` of `python3.13t`.
fn version(name: &str) -> Option<&str> {
    let version = name.strip_prefix("python")?;
    let minor = version.strip_prefix("3.")?;
    (!minor.is_empty() && minor.trim_end_matches('t').bytes().all(|digit| digit.is_ascii_digit())).then_some(version)
}

fn is_standard(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| version(name).is_some())
}

/// Whether there is a standard library, or a part of one. The shape is asked of what is at the end of links: a link could lead anywhere.
fn is_library(path: &str) -> bool {
    let Some(real) = real(path) else { return false };
    let there = |name: &str| Path::new(&real).join(name).exists();
    let name = real.rsplit('/').next().unwrap_or_default();
    (version(name).is_some() && (there("os.py") || there("lib-dynload")))
        || (name == "lib-dynload" && Path::new(&real).is_dir())
        || (name.starts_with("python3") && name.ends_with(".zip") && Path::new(&real).is_file())
}

/// The standard libraries directly below a prefix, of one version or of all. What kept a directory that is there from being listed goes to `unseen`, and where
/// they were looked for to `sought`.
fn below(prefix: &str, wanted: Option<&str>, (unseen, sought): (&mut Option<String>, &mut BTreeSet<String>)) -> Vec<String> {
    let mut found = Vec::new();
    for directory in LIBRARIES.iter().map(|name| format!("{prefix}/{name}")) {
        let entries = std::fs::read_dir(&directory).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let entries = entries.unwrap_or_else(|error| {
            if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
                unseen.get_or_insert_with(|| format!("{directory}: {error}"));
            }
            Vec::new()
        });
        sought.insert(directory.clone());
        let names = entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
        for name in names.filter(|name| version(name).is_some() && wanted.is_none_or(|wanted| wanted == name)) {
            let standard = format!("{directory}/{name}");
            sought.extend([standard.clone(), format!("{standard}/lib-dynload")]);
            let zip = format!("{directory}/{}.zip", name.replace('.', ""));
            found.extend([format!("{standard}/lib-dynload"), standard, zip].into_iter().filter(|path| is_library(path)));
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A directory with these files; removed by the caller.
    fn installed(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let top = std::env::temp_dir().join(format!("remand-layout-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = top.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        top
    }

    #[test]
    fn nothing_is_waited_for_where_a_configuration_is_exchanged() {
        let top = installed("fifo", &[("pyvenv.cfg", "home = /a/bin/\n")]);
        let config = top.join("pyvenv.cfg");
        assert_eq!(home(config.to_str().unwrap()).as_deref(), Some("/a/bin"));
        std::fs::remove_file(&config).unwrap();
        nix::unistd::mkfifo(&config, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(home(config.to_str().unwrap()), None);
        std::fs::remove_dir_all(&top).unwrap();
    }

    #[test]
    fn an_installation_and_an_environment_over_it() {
        let top = installed(
            "venv",
            &[
                ("base/bin/python3.12", ""),
                ("base/lib/python3.12/os.py", ""),
                ("base/lib/python3.9/os.py", ""),
                ("base/lib/python312.zip", ""),
                ("base/lib64/python3.12/lib-dynload/x.so", ""),
                ("venv/lib/python3.12/site-packages/x.py", ""),
            ],
        );
        let path = |name: &str| format!("{}/{name}", top.display());
        std::fs::create_dir(path("venv/bin")).unwrap();
        symlink(path("base/bin/python3.12"), path("venv/bin/python")).unwrap();
        std::fs::write(path("venv/pyvenv.cfg"), format!("version = 3.12\nHome = {}/\n", path("base/bin"))).unwrap();
        let layout = Layout::read(&path("venv/bin/python")).unwrap();
        let libraries =
            ["base/lib/python3.12", "base/lib/python312.zip", "base/lib64/python3.12", "base/lib64/python3.12/lib-dynload"].map(path);
        assert_eq!((layout.binary.clone(), layout.config.clone()), (path("base/bin/python3.12"), Some(path("venv/pyvenv.cfg"))));
        assert_eq!((layout.libraries.as_slice(), &layout.prefixes), (&libraries[..], &["base", "venv"].map(path).into()));
        assert!(
            ["venv/pyvenv.cfg", "venv/bin/pyvenv.cfg", "venv/lib"].iter().all(|name| layout.sought.contains(&path(name))),
            "{layout:?}"
        );
        // Links that lead to something else are none of it.
        std::fs::write(path("secret"), "").unwrap();
        for (from, to) in [("venv/bin/pyvenv.cfg", "secret"), ("base/lib/python3.12/lib-dynload", "venv")] {
            symlink(path(to), path(from)).unwrap();
        }
        assert_eq!(Layout::read(&path("venv/bin/python")).as_ref(), Ok(&layout));
        for (site, named) in [
            ("venv/lib/python3.12/site-packages", true),
            ("base/local/lib/python3.12/dist-packages", true),
            ("base/lib/python3.12/x/site-packages", false),
            ("base/site-packages", false),
            ("other/lib/python3.12/site-packages", false),
        ] {
            assert_eq!(layout.names(&path(site)), named, "{site}");
        }
        std::fs::remove_dir_all(&top).unwrap();
    }

    /// A link to itself can be listed by nobody, root included, and is there.
    #[test]
    fn a_directory_that_cannot_be_listed_is_told_as_itself() {
        let top = installed("unseen", &[("bin/python3.77", "")]);
        let said = || Layout::read(&format!("{}/bin/python3.77", top.display())).unwrap_err();
        assert!(said().contains("has no standard library"), "the control");
        symlink("lib", top.join("lib")).unwrap();
        assert!(said().contains("cannot be looked at") && said().contains("/lib: "), "{}", said());
        std::fs::remove_dir_all(&top).unwrap();
    }

    #[test]
    fn without_a_version_in_the_name_every_version_counts_and_without_a_library_none_does() {
        let top = installed(
            "open",
            &[("bin/python3", ""), ("lib/python3.9/os.py", ""), ("lib/python3.13t/os.py", ""), ("lib/python2.7/os.py", "")],
        );
        let names = |executable: &str| Layout::read(&format!("{}/{executable}", top.display())).map(|layout| layout.libraries);
        let all = ["python3.13t", "python3.9"].map(|name| format!("{}/lib/{name}", top.display()));
        assert_eq!(names("bin/python3"), Ok(all.to_vec()));
        std::fs::write(top.join("bin/python3.4"), "").unwrap();
        assert!(names("bin/python3.4").unwrap_err().contains("standard library"));
        std::fs::remove_dir_all(&top).unwrap();
    }
}

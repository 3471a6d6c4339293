//! Version managers' shims (pyenv, asdf): scripts named like an interpreter that choose one and execute it.
//!
//! Always holds: a shim is read and not executed; its choice is made by its manager's rules for versions that lie in the manager's own directory, and
//! what they choose is trusted no more than any other interpreter. As root, the current directory, which anybody may have filled, chooses nothing.

use std::env;
use std::io::Read;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::candidate::executable;
use super::reach::regular;
use super::tree;

/// Bytes read of a shim or of a file that chooses.
const MAX_FILE: u64 = 64 << 10;
/// What a policy is to say instead.
const REMEDY: &str = "write the path of the interpreter itself as python.interpreter";

/// A version manager whose rules are simple enough to follow.
struct Manager {
    name: &'static str,
    /// The word before `exec` in its shims.
    program: &'static str,
    /// Where its versions are, below the directory that holds `shims`.
    versions: &'static str,
    /// Variable that chooses before any file.
    variable: &'static str,
    /// File that chooses, in the current directory or one above.
    file: &'static str,
    /// What begins its line about Python, with its space; empty where the file is about nothing else.
    line: &'static str,
}

const MANAGERS: [Manager; 2] = [
    Manager { name: "pyenv", program: "pyenv", versions: "versions", variable: "PYENV_VERSION", file: ".python-version", line: "" },
    Manager {
        name: "asdf",
        program: "asdf",
        versions: "installs/python",
        variable: "ASDF_PYTHON_VERSION",
        file: ".tool-versions",
        line: "python ",
    },
];

/// The interpreter that a shim would execute; `None` if the candidate is none.
///
/// # Errors
/// It chooses nothing that is there, or what it chooses can't be told by reading.
pub(super) fn behind(candidate: &str) -> Result<Option<String>, String> {
    let directory = env::current_dir().ok().filter(|_| !geteuid().is_root()).unwrap_or_else(|| PathBuf::from("/"));
    behind_for(&Caller { variable: &|name| env::var(name).ok().filter(|value| !value.is_empty()), directory: &directory }, candidate)
}

/// What chooses, besides the files of the manager.
struct Caller<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    directory: &'a Path,
}

fn behind_for(caller: &Caller<'_>, candidate: &str) -> Result<Option<String>, String> {
    let real = tree::resolve(candidate, &tree::host).ok_or("leads to no file")?.real;
    let text = text(&real).unwrap_or_default();
    let script = text.starts_with("#!");
    let (name, real_name) = (last(candidate), last(&real));
    let shims = [candidate, &real].into_iter().find_map(|path| path.strip_suffix(last(path))?.strip_suffix("/shims/"));
    match shims {
        None if !script => Ok(None),
        // An interpreter that merely lies there. The programs that mise links to are its own.
        Some(_) if !script && real_name.starts_with("python") => Ok(None),
        Some(root) => {
            let manager = MANAGERS.iter().find(|manager| script && execs(&text, manager.program));
            let manager = manager.ok_or_else(|| format!("is a version manager's shim, which is not executed to ask it: {REMEDY}"))?;
            manager.choice(caller, Path::new(root), name).map(Some)
        }
        None => Err(format!("is a script, which is not executed to ask what it starts: {REMEDY}")),
    }
}

impl Manager {
    fn choice(&self, caller: &Caller<'_>, root: &Path, name: &str) -> Result<String, String> {
        let versions = root.join(self.versions);
        let wanted = self.wanted(caller, root);
        for version in &wanted {
            // Beneath the manager's own directory, and not another place: PYENV_VERSION=../../../tmp/x named a program once.
            if version.contains('/') || version.starts_with('.') {
                return Err(format!("is {}'s shim, and {version:?} is no version: {REMEDY}", self.name));
            }
            let directories = [version.as_str(), version.trim_start_matches("python-")].map(|version| versions.join(version));
            let directory = directories.into_iter().find(|directory| directory.is_dir()).or_else(|| latest(&versions, version));
            let file = directory.and_then(|directory| directory.join("bin").join(name).into_os_string().into_string().ok());
            if let Some(file) = file.filter(|file| executable(file).is_ok()) {
                return Ok(file);
            }
        }
        let chosen = if wanted.is_empty() { "no version".to_owned() } else { wanted.join(", ") };
        Err(format!("is {}'s shim, which chooses {chosen}, and {} has no {name} for it", self.name, versions.display()))
    }

    /// The versions chosen, best first.
    fn wanted(&self, caller: &Caller<'_>, root: &Path) -> Vec<String> {
        let words = |text: &str| text.split([' ', ':', '\t']).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        if let Some(chosen) = (caller.variable)(self.variable) {
            return words(&chosen);
        }
        let above = caller.directory.ancestors().map(|directory| directory.join(self.file));
        let home = (caller.variable)("HOME").map(|home| Path::new(&home).join(self.file));
        let global = if self.line.is_empty() { Some(root.join("version")) } else { home };
        let chosen = above.chain(global).find_map(|file| {
            let text = text(file.to_str()?)?;
            let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
            let chosen: Vec<String> = lines.filter_map(|line| line.strip_prefix(self.line)).flat_map(words).collect();
            (!chosen.is_empty()).then_some(chosen)
        });
        chosen.unwrap_or_default()
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether a line of a shim executes `program exec ...`, by whatever path.
fn execs(shim: &str, program: &str) -> bool {
    shim.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().map(|word| last(word.trim_matches('"'))).collect();
        words.windows(3).any(|three| three == ["exec", program, "exec"])
    })
}

/// The newest of the versions that a prefix of one means: 3.11.7 for 3.11.
fn latest(versions: &Path, prefix: &str) -> Option<PathBuf> {
    let number = |name: &str| -> Option<Vec<u32>> { name.split('.').map(|part| part.parse().ok()).collect() };
    let names = std::fs::read_dir(versions).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.filter(|name| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.')));
    names.filter_map(|name| Some((number(&name)?, name))).max().map(|(_, name)| versions.join(name))
}

/// A regular file's beginning. Opening anything else could block or act.
fn text(path: &str) -> Option<String> {
    let file = regular(path).ok()?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const PYENV: &str = "#!/usr/bin/env bash\nset -e\nexport PYENV_ROOT=\"/x\"\nexec \"/x/libexec/pyenv\" exec \"$program\" \"$@\"\n";

    /// A manager's directory with these versions, and a shim with this text.
    fn installed(name: &str, versions: &str, shim: &str) -> PathBuf {
        let root = env::temp_dir().join(format!("remand-shim-{name}-{}", std::process::id()));
        let file = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        };
        file("shims/python3", shim);
        for version in ["3.9.18", "3.11.7", "3.11.10", "own"] {
            file(&format!("{versions}/{version}/bin/python3"), "\x7fELF");
        }
        root
    }

    fn choice(root: &Path, wanted: &str) -> Result<Option<String>, String> {
        std::fs::write(root.join("version"), wanted).unwrap();
        let shim = root.join("shims/python3");
        let said = behind_for(&Caller { variable: &|_| None, directory: Path::new("/") }, shim.to_str().unwrap());
        said.map(|path| path.map(|path| path.strip_prefix(root.to_str().unwrap()).unwrap_or(&path).to_owned()))
    }

    #[test]
    fn pyenv_chooses_below_its_own_directory() {
        let root = installed("pyenv", "versions", PYENV);
        for (wanted, version) in
            [("3.9.18\n", "3.9.18"), ("# mine\nnone\n3.11\n", "3.11.10"), ("python-3.11.7", "3.11.7"), ("own:3.9.18", "own")]
        {
            assert_eq!(choice(&root, wanted), Ok(Some(format!("/versions/{version}/bin/python3"))), "{wanted}");
        }
        for wanted in ["", "3.12", "3.1", "system", "../shims", "/tmp/x", "."] {
            assert!(choice(&root, wanted).is_err(), "{wanted}");
        }
        std::fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn other_scripts_and_shims_are_refused_and_programs_are_none() {
        let root = installed("other", "versions", "#!/bin/sh\nexec /bin/x exec python3\n");
        assert!(choice(&root, "own").unwrap_err().contains("python.interpreter"));
        std::fs::rename(root.join("shims"), root.join("bin")).unwrap();
        assert!(behind(root.join("bin/python3").to_str().unwrap()).unwrap_err().starts_with("is a script"));
        std::fs::create_dir(root.join("shims")).unwrap();
        symlink("/bin/true", root.join("shims/python3")).unwrap();
        assert!(choice(&root, "own").unwrap_err().contains("shim"), "mise links its shims to itself");
        assert_eq!(behind("/bin/true"), Ok(None));
        std::fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn what_a_shim_executes() {
        assert!(execs(PYENV, "pyenv") && !execs(PYENV, "asdf"));
        assert!(execs("#!/bin/sh\nexec /opt/asdf/bin/asdf exec \"python3\" \"$@\"\n", "asdf"));
        assert!(!execs("# pyenv exec\nexec pyenv which x\n", "pyenv"));
    }
}

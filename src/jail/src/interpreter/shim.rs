//! Version managers' shims (pyenv, asdf, mise): programs named like an interpreter that choose one and execute it.
//!
//! Always holds: a shim sees only the variables that steer it; as root, none that names a place that others can write, on PATH or otherwise, and
//! not the current directory.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::geteuid;

use super::answer::answer;
use super::cache::Stamp;
use super::trust;

/// Prefixes of the variables that version managers obey.
const STEERS: &[&str] = &["PYENV_", "ASDF_", "MISE_", "RTX_", "XDG_"];
/// Files by which they choose, in the current directory or one above.
const CHOICES: &[&str] = &[".python-version", ".tool-versions", "mise.toml", ".mise.toml"];

/// A candidate that is a shim, with all that steers its choice.
pub(super) struct Shim<'a> {
    candidate: &'a str,
    path: &'a str,
    variables: BTreeMap<OsString, OsString>,
    directory: PathBuf,
}

impl<'a> Shim<'a> {
    /// `None` if the candidate is taken to be an interpreter itself.
    pub(super) fn detect(candidate: &'a str, path: &'a str) -> Option<Self> {
        let mut start = [0; 2];
        let script = File::open(candidate).is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) && start == *b"#!";
        // mise's are symlinks to the program itself.
        if !script && Path::new(candidate).parent().is_none_or(|directory| !directory.ends_with("shims")) {
            return None;
        }
        let steers =
            |name: &OsString| name == "HOME" || name.to_str().is_some_and(|name| STEERS.iter().any(|prefix| name.starts_with(prefix)));
        let variables = std::env::vars_os().filter(|(name, _)| steers(name)).collect();
        // Anybody may have filled the directory that root happens to be in.
        let directory = std::env::current_dir().ok().filter(|_| !geteuid().is_root()).unwrap_or_else(|| PathBuf::from("/"));
        Some(Self { candidate, path, variables, directory })
    }

    /// All that the choice depends on, as text for a cache key.
    pub(super) fn steering(&self) -> String {
        let above = self.directory.ancestors().flat_map(|directory| CHOICES.iter().map(|name| directory.join(name)));
        let home = self.variables.get(&OsString::from("HOME")).map(PathBuf::from).unwrap_or_default();
        let global = [home.join(".tool-versions"), home.join(".config/mise/config.toml")];
        // pyenv's is beside its directory of shims.
        let version = Path::new(self.candidate).ancestors().nth(2).map(|root| root.join("version"));
        let files: Vec<_> = above.chain(global).chain(version).filter_map(|file| Some((Stamp::of(file.to_str()?)?, file))).collect();
        format!("{:?}\n{:?}\n{:?}\n{files:?}", self.path, self.variables, self.directory)
    }

    /// The interpreter that the shim executes. `owners`: `Some` (as root) limits whose programs and settings it may use.
    pub(super) fn real(&self, owners: Option<&[u32]>) -> Result<String, String> {
        let trusted =
            |place: &Path| owners.is_none_or(|owners| place.to_str().is_some_and(|place| trust::directory(place, owners).is_ok()));
        // A value with a slash leads somewhere, be it relative: PYENV_VERSION=../../../tmp/x names a program.
        let names_no_place = |value: &OsString| !value.as_encoded_bytes().contains(&b'/');
        let variables = self.variables.iter().filter(|(_, value)| names_no_place(value) || trusted(Path::new(value)));
        let path = std::env::split_paths(self.path).filter(|directory| directory.is_absolute() && trusted(directory));
        let path = std::env::join_paths(path).map_err(|error| format!("cannot be given PATH: {error}"))?;
        let mut command = Command::new(self.candidate);
        command.args(["-I", "-S", "-c", "import sys; print(sys.executable)"]);
        command.env_clear().envs(variables).env("PATH", path).current_dir(&self.directory).stdin(Stdio::null());
        let answer = answer(&mut command)?;
        let path = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        if !answer.status.success() {
            return Err(format!("asked for the interpreter behind it, it failed: {}", answer.reason()));
        }
        if !path.starts_with('/') || path == self.candidate || path.contains('\n') {
            return Err(format!("asked for the interpreter behind it, it says {path:?}"));
        }
        Ok(path)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn as_root_no_variable_leads_to_a_place_that_is_not_trusted() {
        let file = std::env::temp_dir().join(format!("remand-shim-{}", std::process::id()));
        std::fs::write(&file, "#!/bin/sh\necho \"/$PYENV_VERSION:$PYENV_ROOT:$PYENV_SHELL\"\n").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        let given = [("PYENV_VERSION", "../../tmp/x"), ("PYENV_ROOT", "/tmp/x"), ("PYENV_SHELL", "sh")];
        let variables = given.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let shim = Shim { candidate: file.to_str().unwrap(), path: "/usr/bin:/bin", variables, directory: PathBuf::from("/") };
        assert_eq!(shim.real(None).unwrap(), "/../../tmp/x:/tmp/x:sh", "control");
        assert_eq!(shim.real(Some(&trust::roots())).unwrap(), "/::sh");
        std::fs::remove_file(&file).unwrap();
    }
}

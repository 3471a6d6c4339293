//! A runner in the place of n8n's own: n8n starts `.venv/bin/python -m src.main` in the directory of its Python runner, and `python` there becomes a link to this
//! program, which is a runner when it is called so and the Python that was there otherwise.
//!
//! Always holds: what was there is kept beside it, and comes back; nothing is replaced that is not known; the file is there at every moment but one, between two
//! renames.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// What was in the place before, beside it.
const KEPT: &str = "python.before-remand";
/// The link while it is made.
const NEW: &str = "python.remand-new";

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The kernel refuses something.
    #[error("{}: {why}", path.display())]
    Kernel {
        /// About what.
        path: PathBuf,
        /// Its answer.
        why: io::Error,
    },
    /// The directory is not that of a runner.
    #[error("{}: there is no such directory; the one of n8n's Python runner is expected, in which n8n starts .venv/bin/python", .0.display())]
    NoDirectory(PathBuf),
    /// Two things claim to be what was there before.
    #[error("{}: it is left from an earlier installation, and {} is no link to this program: remove the one that is not wanted", kept.display(), python.display())]
    Both {
        /// What was kept.
        kept: PathBuf,
        /// What is there.
        python: PathBuf,
    },
    /// It was not installed there.
    #[error("{}: no link to this program: nothing to undo", .0.display())]
    NotInstalled(PathBuf),
}

fn kernel(path: &Path) -> impl FnOnce(io::Error) -> InstallError {
    let path = path.to_owned();
    |why| InstallError::Kernel { path, why }
}

/// What is in a runner's directory.
struct Place {
    bin: PathBuf,
    python: PathBuf,
    kept: PathBuf,
}

impl Place {
    fn of(directory: &Path) -> Result<Self, InstallError> {
        if !directory.is_dir() {
            return Err(InstallError::NoDirectory(directory.to_owned()));
        }
        let bin = directory.join(".venv/bin");
        Ok(Self { python: bin.join("python"), kept: bin.join(KEPT), bin })
    }

    /// It is a link to this program, or to one of its name that has moved since.
    fn is_ours(&self, program: &Path) -> bool {
        let name = |path: &Path| path.file_name().map(OsStr::to_owned);
        fs::read_link(&self.python).is_ok_and(|target| target == program || name(&target) == name(program))
    }

    fn python_is_there(&self) -> bool {
        fs::symlink_metadata(&self.python).is_ok()
    }
}

/// Puts this program in the place of a runner's Python; where.
///
/// # Errors
/// Nothing was changed.
pub fn install(directory: &Path, program: &Path) -> Result<PathBuf, InstallError> {
    let place = Place::of(directory)?;
    let ours = place.is_ours(program);
    if fs::symlink_metadata(&place.kept).is_ok() && place.python_is_there() && !ours {
        return Err(InstallError::Both { kept: place.kept, python: place.python });
    }
    fs::create_dir_all(&place.bin).map_err(kernel(&place.bin))?;
    let new = place.bin.join(NEW);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(kernel(&new)(error)),
        _ => {}
    }
    symlink(program, &new).map_err(kernel(&new))?;
    let replaced = if place.python_is_there() && !ours { fs::rename(&place.python, &place.kept) } else { Ok(()) };
    let done = replaced.map_err(kernel(&place.python)).and_then(|()| fs::rename(&new, &place.python).map_err(kernel(&place.python)));
    if done.is_err() {
        let _ = fs::remove_file(&new); // what is told is what failed before
    }
    done.map(|()| place.python)
}

/// Puts back what was there before, if anything; where.
///
/// # Errors
/// Nothing was changed.
pub fn uninstall(directory: &Path, program: &Path) -> Result<PathBuf, InstallError> {
    let place = Place::of(directory)?;
    let kept = fs::symlink_metadata(&place.kept).is_ok();
    // Between the two renames of an installation there is none.
    let between = kept && !place.python_is_there();
    if !between && !place.is_ours(program) {
        return Err(InstallError::NotInstalled(place.python));
    }
    if kept {
        fs::rename(&place.kept, &place.python).map_err(kernel(&place.python))?;
    } else {
        fs::remove_file(&place.python).map_err(kernel(&place.python))?;
        // Those that were made for it; one with something in it is somebody's.
        let _ = fs::remove_dir(&place.bin).and_then(|()| fs::remove_dir(directory.join(".venv")));
    }
    Ok(place.python)
}

/// What a call means in which this program is named as a Python is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// To be a runner.
    Runner,
    /// To be the Python that was there before, with the same arguments.
    Python(PathBuf),
}

/// Whether this is such a call.
#[must_use]
pub fn called(words: &[OsString]) -> Option<Called> {
    let (program, arguments) = words.split_first()?;
    let program = Path::new(program);
    if program.file_name() != Some(OsStr::new("python")) {
        return None;
    }
    let runs = arguments.windows(2).any(|pair| pair == ["-m", "src.main"]);
    Some(if runs { Called::Runner } else { Called::Python(program.with_file_name(KEPT)) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_call_is_a_runner_or_python() {
        assert_eq!(called(&words("/x/.venv/bin/python -m src.main")), Some(Called::Runner));
        assert_eq!(called(&words("/x/.venv/bin/python -I -B -X disable_remote_debug -m src.main")), Some(Called::Runner));
        assert_eq!(called(&words("/x/bin/python --version")), Some(Called::Python("/x/bin/python.before-remand".into())));
        assert_eq!(called(&words("remand python -m src.main")), None);
        assert_eq!(called(&words("/usr/bin/remand")), None);
        assert_eq!(called(&[]), None);
    }
}

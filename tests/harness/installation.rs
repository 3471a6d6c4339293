//! A small CPython installation of a trial's own, where a run can be given one: not below /tmp, which is the run's own.
//!
//! Always holds: it belongs to the user of the tests and nobody else can write it; it is removed at the end.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::End;
use crate::command::{Call, binary};
use crate::plain::python;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Prints the executable and the directory of the standard library.
const WHERE: &str = "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(os.path.dirname(os.__file__)))";
/// Copies both, without what no start needs.
const COPY: &str = r#"
set -e
mkdir -p "$3/bin" "$3/lib"
cp "$1" "$3/bin/"
tar -C "${2%/*}" --exclude=test --exclude=tests --exclude=__pycache__ --exclude='*-packages' --exclude='config-*' --exclude=idlelib -cf - "${2##*/}" |
    tar -C "$3/lib" --no-same-owner -xf -
chmod -R go-w,a+rX "$3"
"#;

/// A directory that holds `base`, an installation, and `venv`, an environment over it.
#[derive(Debug)]
pub struct Installation {
    directory: PathBuf,
    /// `python3.11`.
    pub version: String,
}

impl Installation {
    /// Makes it of copies of the tests' interpreter, in a directory that only this user can enter.
    ///
    /// # Errors
    /// There is no interpreter, or it cannot be copied.
    pub fn new() -> Result<Self, End> {
        let root = nix::unistd::geteuid().is_root();
        let place = if root { binary().parent().map(Path::to_owned) } else { std::env::var_os("HOME").map(PathBuf::from) };
        let place = place.unwrap_or_default().canonicalize()?;
        if place.starts_with("/tmp") || place.starts_with("/var/tmp") {
            return Err(End::Skip("a home outside of /tmp".to_owned()));
        }
        let name = format!("installation-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut made = Self { directory: place.join(name), version: String::new() };
        fs::create_dir(&made.directory)?;
        fs::set_permissions(&made.directory, PermissionsExt::from_mode(0o700))?;
        let said = Call::program(&python(), &["-c", WHERE]).end()?.out();
        let Some((executable, library)) = said.trim().split_once('\n') else { return Err(End::Fail(format!("no interpreter: {said}"))) };
        let copied = Call::program(Path::new("/bin/sh"), &["-c", COPY, "sh", executable, library, &made.path("base")]).end()?;
        if copied.code != Some(0) {
            return Err(End::Fail(format!("{executable} cannot be copied: {}", copied.err())));
        }
        made.version = library.rsplit('/').next().unwrap_or_default().to_owned();
        let name = executable.rsplit('/').next().unwrap_or_default();
        if name != "python3" {
            symlink(name, made.path("base/bin/python3"))?;
        }
        made.environment("venv", "base")?;
        Ok(made)
    }

    /// Makes another environment over an installation here.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn environment(&self, name: &str, base: &str) -> std::io::Result<()> {
        fs::create_dir_all(self.path(&format!("{name}/bin")))?;
        symlink(self.path(&format!("{base}/bin/python3")), self.path(&format!("{name}/bin/python3")))?;
        fs::write(self.path(&format!("{name}/pyvenv.cfg")), format!("home = {}\n", self.path(&format!("{base}/bin"))))
    }

    /// A path in it.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// A path in the standard library.
    #[must_use]
    pub fn library(&self, name: &str) -> String {
        self.path(&format!("base/lib/{}/{name}", self.version))
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

//! A root that holds nothing but what was found, and what the tests of it share.
#![allow(dead_code)]

use std::fmt::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use remand_plan::interpreter::Tree;
use remand_trial::{Check, End, need, program};

pub const NOBODY: u32 = 65534;
pub const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A directory that everybody may enter, gone at the end. Not below /tmp, which is a run's own, and so is where an interpreter is asked.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let base = if is_root() { "/var/lib".into() } else { std::env::var_os("HOME").unwrap() };
        let path = Path::new(&base).join(format!("remand-interpreter-{name}-{unique}"));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        Self(path)
    }

    pub fn join(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// What a successful program said.
pub fn said(output: &Output) -> Option<String> {
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A shell script that makes a root of the trees and runs the arguments in it.
fn root_script(trees: &[&Tree]) -> String {
    let mut script = "set -e\nmount -t tmpfs -o mode=755 none \"$1\"\ncd \"$1\"\nshift\n".to_owned();
    let parent = |path: &str| Path::new(path).parent().unwrap().to_str().unwrap().to_owned();
    for (link, target) in trees.iter().flat_map(|tree| &tree.links) {
        writeln!(script, "mkdir -p '.{}'\nln -s '{target}' '.{link}'", parent(link)).unwrap();
    }
    for bind in trees.iter().flat_map(|tree| tree.binds.keys()) {
        let make = if Path::new(bind).is_dir() { "mkdir -p" } else { ": >" };
        writeln!(script, "mkdir -p '.{}'\n{make} '.{bind}'\nmount --bind '{bind}' '.{bind}'", parent(bind)).unwrap();
    }
    for hidden in trees.iter().flat_map(|tree| &tree.hidden) {
        writeln!(script, "mount -t tmpfs none '.{hidden}'").unwrap();
    }
    script + "exec chroot . \"$@\"\n"
}

/// Runs `argv` in a root of nothing but the trees; skips where no namespaces are to be had.
pub fn inside(trees: &[&Tree], argv: &[&str]) -> Result<Output, End> {
    let flags: &[&str] = if is_root() { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] };
    let can = Command::new("unshare").args(flags).arg("true").status().unwrap().success();
    need(can, &format!("unshare {} for the control", flags.join(" ")))?;
    let scratch = Scratch::new("root");
    let root = scratch.join("");
    let mut command = Command::new("unshare");
    command.args(flags).args(["sh", "-c", &root_script(trees), "sh", &root]).args(argv);
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    Ok(command.env_clear().env("PATH", path).current_dir("/").stdin(Stdio::null()).output().unwrap())
}

/// Runs this test program once more as an ordinary user, who cannot enter what is root's alone.
pub fn again_as_nobody(home_check: impl Fn(&Path)) -> Check {
    need(is_root(), "root")?; // whoever is not is ordinary already
    let scratch = Scratch::new("nobody");
    let home = scratch.join("home");
    std::fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    let copy = scratch.join("tests");
    program::copy(std::env::current_exe().unwrap(), &copy)?;
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", &copy, "--format=pretty", "--test-threads=2"]);
    let output = command.env("HOME", &home).current_dir("/").output().expect("setpriv of util-linux");
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}"); // each of these counts too
    assert!(output.status.success() && text.contains("test result: ok"), "{}", String::from_utf8_lossy(&output.stderr));
    home_check(Path::new(&home));
    Ok(())
}

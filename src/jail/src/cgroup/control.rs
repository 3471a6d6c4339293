//! The controllers of a v2 directory that belongs to others too: turned on for runs, and off again.
//!
//! Always holds: only what was turned on here is turned off, as noted on the directory itself, so that the last supervisor to leave does it, or after a
//! kill the next start; never while a cgroup of somebody else beneath could lose a limit by it.

use std::io;

use super::directory::{Directory, directories};
use super::error::CgroupError;

const SUBTREE: &str = "cgroup.subtree_control";
/// The kernel keeps it as long as the directory is there (Linux 5.7, as `CLONE_INTO_CGROUP`).
const NOTE: &str = "user.remand.controllers";
/// Files of a cgroup, and how they begin where nobody set them.
const UNSET: [(&str, &str); 11] = [
    ("memory.max", "max"),
    ("memory.high", "max"),
    ("memory.low", "0"),
    ("memory.min", "0"),
    ("memory.swap.max", "max"),
    ("pids.max", "max"),
    ("cpu.max", "max"),
    ("cpu.weight", "100"),
    ("cpuset.cpus", ""),
    ("cpuset.mems", ""),
    ("io.max", ""),
];

/// Turns on what is not on yet, in a directory of our own.
pub(super) fn enable(directory: &Directory, controllers: &[&str]) -> Result<(), CgroupError> {
    let missing = missing(directory, controllers)?;
    if missing.is_empty() { Ok(()) } else { directory.write(SUBTREE, signed('+', &missing)) }
}

/// Turns on what is not on yet, in a directory of others.
pub(super) fn borrow(above: &Directory, controllers: &[&str]) -> Result<(), CgroupError> {
    let missing = missing(above, controllers)?;
    if missing.is_empty() {
        return Ok(());
    }
    let before = noted(above);
    // First: what is on and not noted would stay on.
    note(above, before.iter().chain(&missing).cloned().collect())?;
    let done = above.write(SUBTREE, signed('+', &missing));
    if done.is_err() {
        note(above, before)?;
    }
    done
}

/// Whether something was turned on here that is to be turned off.
pub(super) fn borrowed(above: &Directory) -> bool {
    !noted(above).is_empty()
}

/// Turns off what was turned on in a directory of others, if nobody there needs it any more. `own`: the name of a directory in it that is about to go;
/// `home`: where this process came from.
pub(super) fn give_back(above: &Directory, own: Option<&str>, home: &str) {
    let noted = noted(above);
    let needs = |name: &String| {
        let path = format!("{}/{name}", above.path());
        let on_the_way_home = home == path || home.starts_with(&format!("{path}/"));
        own != Some(name.as_str()) && (!on_the_way_home || limited(&path))
    };
    if !noted.is_empty() && !directories(above.path()).iter().any(needs) && above.write(SUBTREE, signed('-', &noted)).is_ok() {
        // A note that stays can only turn off what is off.
        let _ = note(above, Vec::new());
    }
}

/// Turns everything off in a directory of our own: the one above refuses to, else.
pub(super) fn disable(directory: &Directory) {
    if let Ok(on) = directory.read(SUBTREE) {
        // Refused where somebody's cgroup beneath has it on: so it is needed.
        let _ = directory.write(SUBTREE, signed('-', &words(&on)));
    }
}

fn missing(directory: &Directory, controllers: &[&str]) -> Result<Vec<String>, CgroupError> {
    let on = words(&directory.read(SUBTREE)?);
    Ok(controllers.iter().map(ToString::to_string).filter(|name| !on.contains(name)).collect())
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn signed(sign: char, controllers: &[String]) -> String {
    controllers.iter().map(|name| format!("{sign}{name}")).collect::<Vec<_>>().join(" ")
}

fn noted(above: &Directory) -> Vec<String> {
    let note = xattr::get(above.path(), NOTE).ok().flatten().unwrap_or_default();
    words(&String::from_utf8_lossy(&note))
}

fn note(above: &Directory, controllers: Vec<String>) -> Result<(), CgroupError> {
    let done = if controllers.is_empty() {
        xattr::remove(above.path(), NOTE)
    } else {
        xattr::set(above.path(), NOTE, controllers.join(" ").as_bytes())
    };
    match done {
        Err(error) if error.raw_os_error() == Some(libc::ENODATA) => Ok(()),
        done => done.map_err(|source: io::Error| CgroupError { attempt: "note controllers on", path: above.path().to_owned(), source }),
    }
}

/// Whether somebody set a limit or a share there.
fn limited(path: &str) -> bool {
    let set = |file: &str, unset: &str| {
        std::fs::read_to_string(format!("{path}/{file}")).is_ok_and(|text| text.split_whitespace().next().unwrap_or_default() != unset)
    };
    UNSET.iter().any(|(file, unset)| set(file, unset))
}

//! Answers that an image brings along: made when it is built, for runs that can keep none of their own (no HOME, a read-only root).
//!
//! Always holds: a record is believed as a policy is, by its owner and mode; it counts only while every file that it rests on has the same size, modification in
//! seconds and content, every directory the same names in it, every step on the way the same owner and mode, out of others' reach, and this remand would ask the
//! same. Device and inode numbers, which layers and overlayfs change, are never in it.

use std::collections::BTreeSet;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::renameat;
use nix::unistd::geteuid;
use remand_plan::Interpreter;
use remand_plan::interpreter::PROGRAM;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ask::QUESTIONS;
use super::budget::Budget;
use super::cache::{MAX_RECORD, frame, unframe};
use super::needs::Rests;
use super::tree::{self, Node};
use super::{parts, trust as reach};
use crate::trust;

/// Names the directory.
const VARIABLE: &str = "REMAND_WARM";
/// Where it is where nothing names it.
const USUAL: &str = "/usr/lib/remand/warm";
/// Another form of records, or another way to find what is in them.
const FORM: u32 = 1;

/// A directory of such records.
pub(super) struct Warm(PathBuf);

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    key: String,
    /// What this remand asks, and how.
    program: String,
    /// Every file and directory that the answer rests on; of some, that there is none.
    contents: Vec<(String, Option<Content>)>,
    /// What everybody must be able to read.
    open: Vec<String>,
    /// Every step on the way: mode, user and group.
    places: Vec<(String, (u32, u32, u32))>,
    interpreter: Interpreter,
}

/// What is in a file (a directory: the names in it), told by what layers of images keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    size: u64,
    /// Seconds; 0 of a directory.
    modified: i64,
    sha256: String,
}

impl Content {
    /// Of what `path` leads to; `None` if that cannot be told.
    fn of(path: &str) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        if meta.is_dir() {
            let sha256 = hex(&Sha256::digest(names(path)?));
            return Some(Self { size: 0, modified: 0, sha256 });
        }
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok().filter(|_| meta.is_file())?;
        let mut digest = Sha256::new();
        io::copy(&mut file, &mut digest).ok()?;
        Some(Self { size: meta.size(), modified: meta.mtime(), sha256: hex(&digest.finalize()) })
    }
}

/// Names in a directory, but of what Python makes as it imports.
fn names(directory: &str) -> Option<Vec<u8>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(directory).ok()? {
        let entry = entry.ok()?;
        let name = entry.file_name().into_encoded_bytes();
        if name != b"__pycache__" {
            names.insert([&name[..], if entry.file_type().ok()?.is_dir() { b"/\0" } else { b"\0" }].concat());
        }
    }
    Some(names.into_iter().flatten().collect())
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Mode, user and group of what is at a path, where nobody but root and this user can exchange it.
fn place(path: &str) -> Option<(u32, u32, u32)> {
    let meta = std::fs::symlink_metadata(path).ok()?;
    let trusted = [0, geteuid().as_raw()].contains(&meta.uid());
    (trusted && !written_by_others(&meta)).then(|| (meta.mode(), meta.uid(), meta.gid()))
}

fn written_by_others(meta: &Metadata) -> bool {
    let sticky = meta.is_dir() && meta.mode() & libc::S_ISVTX != 0;
    !meta.is_symlink() && !sticky && meta.mode() & 0o022 != 0
}

/// By which answers of this program are told from those of another.
fn program() -> String {
    hex(&Sha256::digest(format!("{FORM}\n{}\n{QUESTIONS}\n{PROGRAM}", env!("CARGO_PKG_VERSION"))))
}

/// Under which name a record is kept.
fn file_name(key: &str) -> String {
    hex(&Sha256::digest(key)).chars().take(32).collect()
}

impl Warm {
    /// The directory of this machine, if there is one.
    pub(super) fn here() -> Option<Self> {
        let named = std::env::var_os(VARIABLE).map(PathBuf::from).filter(|path| path.is_absolute());
        Some(Self(named.unwrap_or_else(|| USUAL.into()))).filter(|warm| warm.0.is_dir())
    }

    /// The interpreter of a good record for `key`, if there is one.
    pub(super) fn load(&self, key: &str) -> Option<Interpreter> {
        let file = trust::open_policy(&self.0.join(file_name(key))).ok()?;
        let mut bytes = Vec::new();
        file.take(MAX_RECORD).read_to_end(&mut bytes).ok()?;
        let (text, executor) = unframe(&bytes)?;
        let Record { key: kept, program: asked, contents, open, places, mut interpreter } = serde_json::from_slice(text).ok()?;
        let budget = Budget::default();
        let fresh = kept == key
            && asked == program()
            && places.iter().all(|(path, seen)| place(path).as_ref() == Some(seen))
            && contents.iter().all(|(path, seen)| Content::of(path) == *seen)
            && open.iter().all(|path| parts::closed(path, &budget).is_none());
        if !fresh {
            return None;
        }
        interpreter.executor = executor.to_vec();
        // Which files these are on this machine.
        for (path, id) in interpreter.core.binds.iter_mut().chain(&mut interpreter.site.binds) {
            let Node::Other(_, here) = tree::host(path) else { return None };
            *id = here;
        }
        Some(interpreter)
    }
}

/// Keeps an answer in a directory: complete under its name, or not at all.
///
/// # Errors
/// Why it cannot be kept, or would not be believed.
pub(super) fn store(into: &Path, key: &str, rests: &Rests, interpreter: &Interpreter) -> Result<(), String> {
    let mut steps = BTreeSet::new();
    for name in &rests.names {
        steps.extend(reach::steps(name)?);
    }
    let place = |path: String| match place(&path) {
        Some(seen) => Ok((path, seen)),
        None => Err(format!("{path} can be changed by others than root and yourself; chmod go-w it")),
    };
    let contents = rests.names.union(&rests.sought).chain(&rests.directories).map(|path| (path.clone(), Content::of(path))).collect();
    let record = Record {
        key: key.to_owned(),
        program: program(),
        contents,
        open: rests.open.clone(),
        places: steps.into_iter().map(place).collect::<Result<_, _>>()?,
        interpreter: interpreter.clone(),
    };
    let text = serde_json::to_vec(&record).map_err(|error| error.to_string())?;
    let bytes = frame(&text, &interpreter.executor).filter(|bytes| bytes.len() as u64 <= MAX_RECORD).ok_or("the record is too large")?;
    put(into, &file_name(key), &bytes)
}

/// Makes the directory, before anything is looked at: a name that it adds to a directory of libraries is one of those that count.
///
/// # Errors
/// Why it cannot be made.
pub(super) fn make(into: &Path) -> Result<(), String> {
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(into).map_err(|error| format!("{}: {error}", into.display()))
}

fn put(into: &Path, name: &str, bytes: &[u8]) -> Result<(), String> {
    let failed = |error: &io::Error| format!("{}: {error}", into.display());
    let path = into.join(name);
    // Runs would not believe what others could write.
    let (directory, ..) = trust::open_to_replace(&path).map_err(|distrust| distrust.of(&path))?;
    let temporary = format!(".{name}.{}", std::process::id());
    let write = || -> io::Result<()> {
        let mut file = File::options().write(true).create_new(true).mode(0o644).open(into.join(&temporary))?;
        file.write_all(bytes)?;
        Ok(renameat(&directory, temporary.as_str(), &directory, name)?)
    };
    write().map_err(|error| {
        let _ = std::fs::remove_file(into.join(&temporary));
        failed(&error)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_told_by_what_layers_keep() {
        let top = std::fs::canonicalize(std::env::temp_dir()).unwrap().join(format!("remand-warm-record-{}", std::process::id()));
        std::fs::create_dir_all(top.join("lib")).unwrap();
        let path = |name: &str| top.join(name).to_str().unwrap().to_owned();
        std::fs::write(path("lib/a"), "one").unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        let aged = |name: &str| File::options().write(true).open(path(name)).unwrap().set_modified(long_ago).unwrap();
        aged("lib/a");
        let (file, directory) = (Content::of(&path("lib/a")), Content::of(&path("lib")));
        assert_eq!(file.as_ref().map(|content| (content.size, content.modified)), Some((3, 1_000_000)));
        // Another file of the same name, size and age has another inode: the same content is the same.
        std::fs::remove_file(path("lib/a")).unwrap();
        std::fs::write(path("lib/a"), "one").unwrap();
        aged("lib/a");
        assert_eq!((Content::of(&path("lib/a")), Content::of(&path("lib"))), (file.clone(), directory.clone()));
        std::fs::write(path("lib/a"), "two").unwrap();
        aged("lib/a");
        assert_ne!(Content::of(&path("lib/a")), file, "as old and as long, and another");
        std::fs::create_dir(path("lib/__pycache__")).unwrap();
        assert_eq!(Content::of(&path("lib")), directory);
        std::fs::write(path("lib/b"), "").unwrap();
        assert_ne!(Content::of(&path("lib")), directory);
        assert_eq!((Content::of(&path("gone")), Content::of("/dev/null")), (None, None));
        std::fs::remove_dir_all(&top).unwrap();
    }
}

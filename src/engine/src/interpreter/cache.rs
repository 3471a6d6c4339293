//! Answers kept between runs, one small file each.
//!
//! Always holds: the directory and each record read belong to us and nobody else can write them (checked on the open descriptor, no symlink
//! followed); a record counts only while every file, directory and absence that it rests on, whoever could exchange one of them, and this very program, are
//! the same.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use remand_plan::Interpreter;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::budget::Budget;
use super::candidate::once_each;
use super::parts;
use super::stamp::{Directories, Place, Stamp};

/// Bytes; a record with its executor has some 50 KiB.
pub(super) const MAX_RECORD: u64 = 4 << 20;
/// Records kept; when there are more, all go.
const MAX_RECORDS: usize = 256;

/// What was found out about a candidate.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What was asked.
    pub key: String,
    /// Every file that the answer rests on; of some, that there is none.
    pub files: Vec<(String, Option<Stamp>)>,
    /// Every directory that modules were looked for in.
    pub directories: Directories,
    /// What everybody must be able to read: runs have the caller's own id.
    pub open: Vec<String>,
    /// Every step on the way to them, as it was when they were trusted.
    pub places: Vec<(String, Place)>,
    /// The interpreter, or why there is none.
    pub answer: Result<Interpreter, String>,
}

/// An open cache.
pub(super) struct Cache {
    directory: OwnedFd,
    /// Identity of this program: its questions, its executor and its version.
    program: Stamp,
}

impl Cache {
    /// Opens the cache of the calling user, making it first if need be.
    ///
    /// # Errors
    /// Why there is none; everything works without, more slowly.
    pub(super) fn open() -> Result<Self, String> {
        let mut refused = Vec::new();
        for path in places(geteuid().is_root(), &|name| std::env::var_os(name).map(PathBuf::from)) {
            match Self::open_at(&path) {
                Ok(cache) => return Ok(cache),
                Err(reason) => refused.push((format!("{}:", path.display()), reason)),
            }
        }
        let refused = if refused.is_empty() { "there is no HOME".to_owned() } else { once_each(refused).join("; ") };
        Err(format!(
            "answers of interpreters are not kept, so starts are slow: {refused}; give it a HOME that it can write to, or run `remand warm --into DIR` when the image is \
             built"
        ))
    }

    fn open_at(path: &Path) -> Result<Self, String> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let directory = open(path, flags, Mode::empty()).or_else(|_| {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| error.to_string())?;
            open(path, flags, Mode::empty()).map_err(|error| error.to_string())
        })?;
        let directory = File::from(directory);
        ours(&directory, 0o077)?;
        let program = Stamp::of("/proc/self/exe").ok_or("cannot look at /proc/self/exe")?;
        Ok(Self { directory: directory.into(), program })
    }

    /// The record for `key`, if there is a good one.
    pub(super) fn load(&self, key: &str) -> Option<Record> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let file = File::from(openat(&self.directory, self.name(key).as_str(), flags, Mode::empty()).ok()?);
        let size = ours(&file, 0o022).ok().filter(|size| *size <= MAX_RECORD)?;
        let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?.saturating_add(1));
        file.take(MAX_RECORD).read_to_end(&mut bytes).ok()?;
        let record = decode(&bytes)?;
        let fresh = record.key == key
            && record.places.iter().all(|(path, place)| Place::of(path).as_ref() == Some(place))
            && record.files.iter().all(|(path, stamp)| Stamp::of(path) == *stamp)
            && record.directories.are_the_same();
        // A mode may be another where no directory is.
        let budget = Budget::default();
        (fresh && record.open.iter().all(|path| parts::closed(path, &budget).is_none())).then_some(record)
    }

    /// Keeps a record: complete under its name, or not at all.
    ///
    /// # Errors
    /// Why it could not be kept.
    pub(super) fn store(&self, record: &Record) -> Result<(), String> {
        let bytes = encode(record).ok_or("a record cannot be encoded")?;
        self.prune().map_err(|error| format!("cannot clear the interpreter cache: {error}"))?;
        let name = self.name(&record.key);
        let temporary = format!("{name}.{}", std::process::id());
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        // What a killed process of the same id left.
        let _ = unlinkat(&self.directory, temporary.as_str(), UnlinkatFlags::NoRemoveDir);
        let write = || -> std::io::Result<()> {
            let mut file = File::from(openat(&self.directory, temporary.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
            file.write_all(&bytes)?;
            Ok(renameat(&self.directory, temporary.as_str(), &self.directory, name.as_str())?)
        };
        write().map_err(|error| {
            let _ = unlinkat(&self.directory, temporary.as_str(), UnlinkatFlags::NoRemoveDir);
            format!("cannot write to the interpreter cache: {error}")
        })
    }

    fn prune(&self) -> nix::Result<()> {
        let mut listing = Dir::openat(&self.directory, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let names: Vec<_> =
            listing.iter().flatten().map(|entry| entry.file_name().to_owned()).filter(|name| !name.to_bytes().starts_with(b".")).collect();
        if names.len() >= MAX_RECORDS {
            for name in names {
                let _ = unlinkat(&self.directory, name.as_c_str(), UnlinkatFlags::NoRemoveDir);
            }
        }
        Ok(())
    }

    fn name(&self, key: &str) -> String {
        let digest = Sha256::digest(format!("{key}\n{:?}", self.program));
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Where the cache may be, best first. Root's is in a directory that only root can write; a user's where users' caches are, and so is that of a
/// user who is root in a namespace of their own only.
fn places(root: bool, variable: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let set = |name| variable(name).filter(|path| path.is_absolute());
    let user = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    root.then(|| PathBuf::from("/var/cache")).into_iter().chain(user).map(|directory| directory.join("remand")).collect()
}

/// Checks that an open file is ours and has none of the `forbidden` mode bits. Gives its size in bytes.
fn ours(file: &File, forbidden: u32) -> Result<u64, String> {
    let meta = file.metadata().map_err(|error| error.to_string())?;
    if meta.uid() != geteuid().as_raw() {
        return Err(format!("it belongs to user {}", meta.uid()));
    }
    if meta.mode() & forbidden != 0 {
        return Err(format!("others have rights to it (mode {:04o})", meta.mode() & 0o7777));
    }
    Ok(meta.size())
}

fn encode(record: &Record) -> Option<Vec<u8>> {
    frame(&serde_json::to_vec(record).ok()?, record.answer.as_ref().map_or(&[][..], |interpreter| &interpreter.executor))
}

/// Lengths of both, the JSON text, the executor's bytes.
pub(super) fn frame(text: &[u8], executor: &[u8]) -> Option<Vec<u8>> {
    let lengths = [u32::try_from(text.len()).ok()?.to_le_bytes(), u32::try_from(executor.len()).ok()?.to_le_bytes()].concat();
    Some([&lengths, text, executor].concat())
}

/// The text and the executor's bytes; nothing of a file cut short by a crash of the machine.
pub(super) fn unframe(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (text_length, rest) = bytes.split_first_chunk::<4>()?;
    let (executor_length, rest) = rest.split_first_chunk::<4>()?;
    let (text, executor) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*text_length)).ok()?)?;
    (executor.len() == usize::try_from(u32::from_le_bytes(*executor_length)).ok()?).then_some((text, executor))
}

fn decode(bytes: &[u8]) -> Option<Record> {
    let (text, executor) = unframe(bytes)?;
    let mut record: Record = serde_json::from_slice(text).ok()?;
    if let Ok(interpreter) = &mut record.answer {
        interpreter.executor = executor.to_vec();
    }
    Some(record)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use remand_plan::files::FileId;
    use remand_plan::interpreter::Tree;
    use std::os::unix::fs::{PermissionsExt, symlink};

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("remand-cache-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn record(file: &Path) -> Record {
        let tree = Tree {
            binds: [("/usr/lib/é".to_owned(), FileId { device: 1, inode: u64::MAX })].into(),
            links: vec![("/lib".to_owned(), "usr/lib".to_owned())],
            hidden: vec![],
        };
        let executable = "/usr/bin/python3".to_owned();
        let interpreter = Interpreter {
            executable,
            version: (3, 11, 2),
            prefix: "/usr".to_owned(),
            core: tree,
            site: Tree::default(),
            site_paths: vec![],
            beside: vec![],
            left_out: vec![],
            standard_path: vec![],
            builtin: Vec::new(),
            suffixes: Vec::new(),
            executor: vec![0, 255, 7],
        };
        let file = file.to_str().unwrap().to_owned();
        let directory = Path::new(&file).parent().unwrap().to_str().unwrap().to_owned();
        let places = vec![(directory.clone(), Place::of(&directory).unwrap())];
        Record {
            key: "k".to_owned(),
            files: vec![(file.clone(), Stamp::of(&file))],
            places,
            directories: Directories::default(),
            open: vec![],
            answer: Ok(interpreter),
        }
    }

    #[test]
    fn a_record_lasts_until_a_file_of_it_changes() {
        let scratch = Scratch::new("lasts");
        let file = scratch.0.join("library.so");
        std::fs::write(&file, "1").unwrap();
        let cache = Cache::open_at(&scratch.0.join("a/b")).unwrap();
        let record = record(&file);
        assert_eq!(cache.load("k"), None);
        cache.store(&record).unwrap();
        assert_eq!(cache.load("k"), Some(record));
        assert_eq!(cache.load("other"), None);
        let mode = |mode| std::fs::set_permissions(&scratch.0, PermissionsExt::from_mode(mode)).unwrap();
        mode(0o1777);
        assert_eq!(cache.load("k"), None, "others can exchange the file now");
        mode(0o700);
        assert!(cache.load("k").is_none());
        let absent = scratch.0.join("pyvenv.cfg");
        let mut resting = self::record(&file);
        resting.files.push((absent.to_str().unwrap().to_owned(), None));
        resting.open.push(file.to_str().unwrap().to_owned());
        cache.store(&resting).unwrap();
        assert!(cache.load("k").is_some(), "control");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        resting.files[0].1 = Stamp::of(file.to_str().unwrap());
        cache.store(&resting).unwrap();
        assert!(cache.load("k").is_none(), "not everybody can read it any more");
        resting.open.clear();
        cache.store(&resting).unwrap();
        assert!(cache.load("k").is_some(), "control");
        std::fs::write(&absent, "").unwrap();
        assert!(cache.load("k").is_none(), "what was not there is there");
        std::fs::write(&file, "22").unwrap();
        assert_eq!(cache.load("k"), None);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(cache.load("k"), None);
    }

    #[test]
    fn what_others_can_write_is_no_cache() {
        let scratch = Scratch::new("others");
        let directory = scratch.0.join("open");
        std::fs::create_dir(&directory).unwrap();
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o770)).unwrap();
        assert!(Cache::open_at(&directory).err().unwrap().contains("0770"));
        let link = scratch.0.join("link");
        symlink(&directory, &link).unwrap();
        assert!(Cache::open_at(&link).is_err());
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o700)).unwrap();
        let cache = Cache::open_at(&directory).unwrap();
        let record = record(Path::new("/etc/passwd"));
        cache.store(&record).unwrap();
        let stored = directory.join(cache.name("k"));
        std::fs::set_permissions(&stored, PermissionsExt::from_mode(0o620)).unwrap();
        assert_eq!(cache.load("k"), None);
        std::fs::set_permissions(&stored, PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(cache.load("k"), Some(record));
        std::fs::rename(&stored, scratch.0.join("elsewhere")).unwrap();
        symlink(scratch.0.join("elsewhere"), &stored).unwrap();
        assert_eq!(cache.load("k"), None);
    }

    #[test]
    fn damage_is_a_miss() {
        let record = record(Path::new("/etc/passwd"));
        let bytes = encode(&record).unwrap();
        assert_eq!(decode(&bytes), Some(record));
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "{length}");
        }
        assert_eq!(decode(&[0xff; 64]), None);
    }

    #[test]
    fn too_many_records_are_cleared() {
        let scratch = Scratch::new("many");
        std::fs::set_permissions(&scratch.0, PermissionsExt::from_mode(0o700)).unwrap();
        let cache = Cache::open_at(&scratch.0).unwrap();
        for n in 0..MAX_RECORDS {
            std::fs::write(scratch.0.join(n.to_string()), "").unwrap();
        }
        cache.store(&record(Path::new("/etc/passwd"))).unwrap();
        assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 1);
    }

    #[test]
    fn where_it_is() {
        let set = |wanted: &'static str, value: &'static str| move |name: &str| (name == wanted).then(|| PathBuf::from(value));
        assert_eq!(places(true, &set("HOME", "/h")), [PathBuf::from("/var/cache/remand"), PathBuf::from("/h/.cache/remand")]);
        assert_eq!(places(false, &set("XDG_CACHE_HOME", "/x")), [PathBuf::from("/x/remand")]);
        assert!(places(false, &set("XDG_CACHE_HOME", "x")).is_empty());
    }
}

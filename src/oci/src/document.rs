//! A JSON file that a runtime is about to read, replaced by another value.
//!
//! Always holds: the file is opened within its directory and no link is followed; what was read is what is replaced, as far as nobody else can write there; the
//! new file is whole before it has the old one's name, with its owner and mode, and on any failure the old one stays.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, UnlinkatFlags, unlinkat};
use serde_json::Value;

/// Most bytes of a file. Arguments and environment are at most 6 MiB of one.
const LARGEST: u64 = 16 << 20;

/// The file, open.
#[derive(Debug)]
pub struct Document {
    directory: OwnedFd,
    name: OsString,
    path: PathBuf,
    file: File,
}

/// Why it cannot be replaced.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct Unusable {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl Document {
    /// Opens the file.
    ///
    /// # Errors
    /// The kernel's answer; it is no regular file; others can write to it or put another in its place.
    pub fn open(path: &Path) -> Result<Self, Unusable> {
        let unusable = |why: String| Unusable { path: path.to_owned(), why };
        let Some(name) = path.file_name() else { return Err(unusable("names no file".to_owned())) };
        let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory =
            open(parent, flags, Mode::empty()).map_err(|errno| unusable(format!("its directory cannot be opened: {}", errno.desc())))?;
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let file = match openat(&directory, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::ELOOP) => return Err(unusable("is a symbolic link, which is not followed".to_owned())),
            Err(errno) => return Err(unusable(format!("cannot be opened: {}", errno.desc()))),
        };
        let directory_of = File::from(directory);
        let objection = objection(&file, &directory_of).map_err(|error| unusable(error.to_string()))?;
        match objection {
            Some(objection) => Err(unusable(objection.to_owned())),
            None => Ok(Self { directory: directory_of.into(), name: name.to_owned(), path: path.to_owned(), file }),
        }
    }

    /// What stands in it.
    ///
    /// # Errors
    /// It is too large, or no JSON.
    pub fn read(&self) -> Result<Value, Unusable> {
        let mut bytes = Vec::new();
        match (&self.file).take(LARGEST + 1).read_to_end(&mut bytes) {
            Err(error) => Err(self.unusable(&error)),
            Ok(_) if bytes.len() as u64 > LARGEST => Err(self.unusable(&format!("larger than {LARGEST} bytes"))),
            Ok(_) => serde_json::from_slice(&bytes).map_err(|error| self.unusable(&error)),
        }
    }

    /// Puts a value in its place.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn replace(&self, value: &Value) -> Result<(), Unusable> {
        let name = format!(".remand-{:016x}", RandomState::new().build_hasher().finish());
        self.written(&name, value).map_err(|error| {
            let _ = unlinkat(&self.directory, name.as_str(), UnlinkatFlags::NoRemoveDir); // the first error counts
            self.unusable(&format!("cannot be replaced: {error}"))
        })
    }

    fn written(&self, name: &str, value: &Value) -> io::Result<()> {
        let found = self.file.metadata()?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut file = File::from(openat(&self.directory, name, flags, Mode::from_bits_truncate(0o600))?);
        file.write_all(&serde_json::to_vec(value)?)?;
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (found.uid(), found.gid()) {
            fchown(&file, Some(found.uid()), Some(found.gid()))?;
        }
        file.set_permissions(found.permissions())?;
        renameat(&self.directory, name, &self.directory, self.name.as_os_str())?;
        Ok(())
    }

    fn unusable(&self, why: &dyn std::fmt::Display) -> Unusable {
        Unusable { path: self.path.clone(), why: why.to_string() }
    }
}

/// Who else could change what the runtime reads.
fn objection(file: &File, directory: &File) -> io::Result<Option<&'static str>> {
    const OTHERS: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let (file, directory) = (file.metadata()?, directory.metadata()?);
    let (shared, own) = (directory.permissions().mode(), [0, Uid::effective().as_raw()].contains(&file.uid()));
    Ok(if !file.is_file() {
        Some("is not a regular file")
    } else if file.permissions().mode() & OTHERS != 0 {
        Some("can be written by others than its owner")
    } else if shared & OTHERS != 0 && (shared & STICKY == 0 || !own) {
        Some("lies in a directory where others can put another in its place")
    } else {
        None
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn scratch(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("remand-oci-{name}-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        directory
    }

    #[test]
    fn replaced_whole_with_owner_and_mode() {
        let directory = scratch("replaced");
        let path = directory.join("config.json");
        fs::write(&path, "{\"a\": 1.50, \"big\": 18446744073709551616}").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        fs::hard_link(&path, directory.join("other")).unwrap();
        let document = Document::open(&path).unwrap();
        let mut value = document.read().unwrap();
        value["b"] = json!([1]);
        document.replace(&value).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1.50,\"big\":18446744073709551616,\"b\":[1]}", "numbers stay as written");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o604);
        assert!(fs::read_to_string(directory.join("other")).unwrap().starts_with("{\"a\": 1.50"), "a second name keeps the old one");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2, "nothing else is left");
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn links_and_what_others_can_change_are_refused() {
        let directory = scratch("refused");
        let path = directory.join("config.json");
        let why = || Document::open(&path).unwrap_err().why;
        assert!(why().contains("No such file"));
        fs::write(directory.join("real"), "{}").unwrap();
        symlink("real", &path).unwrap();
        assert_eq!(why(), "is a symbolic link, which is not followed");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(why(), "is not a regular file");
        fs::remove_dir(&path).unwrap();
        nix::unistd::mkfifo(&path, Mode::from_bits_truncate(0o600)).unwrap();
        assert_eq!(why(), "is not a regular file");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "{").unwrap();
        assert!(Document::open(&path).unwrap().read().unwrap_err().why.starts_with("EOF"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(why(), "can be written by others than its owner");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(why(), "lies in a directory where others can put another in its place");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(Document::open(&path).is_ok(), "as /tmp is");
        fs::remove_dir_all(&directory).unwrap();
    }
}

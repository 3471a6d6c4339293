//! Files that a run left, on their way to its caller: into a directory (`--artifacts-to`), or in the record.
//!
//! Always holds: a file is written under another name and takes its own when it is whole; no link in the directory is followed and, unless asked, nothing that
//! stands there is replaced; a hidden directory that stands there (`.git`) is entered only if a pattern spells its name; a file belongs to the caller and has mode 0644 or 0755, whatever the run made of it. What is not delivered is named.

use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, RenameFlags, open, openat, renameat, renameat2};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};
use remand_plan::Outcome;
use remand_plan::artifacts::Patterns;
use remand_plan::outcome::{self, LeftOut, Why};

use crate::args::FilesArgs;
use crate::failure::{Failure, INTERNAL};
use crate::print::plain;
use crate::rights;

/// Bytes of all files together whose content a record has.
const IN_RECORD: u64 = 1 << 20;

/// What becomes of them.
pub struct Delivery {
    patterns: Option<Patterns>,
    to: Option<(OwnedFd, PathBuf)>,
    overwrite: bool,
    /// Bytes of content for the record.
    room: u64,
    /// Why some were not written, for people.
    troubles: Vec<String>,
}

impl Delivery {
    /// Opens the directory, which is made if it is not there. `record`: the caller gets the record.
    pub fn prepare(args: &FilesArgs, record: bool) -> Result<Self, Failure> {
        let patterns = Patterns::read(&args.artifacts).map_err(|error| Failure::usage(error.to_string()))?;
        if patterns.is_some() && args.artifacts_to.is_none() && !record {
            let hint = Some("--artifacts-to DIR puts them into a directory; --json puts small ones into the record".to_owned());
            return Err(Failure { hint, ..Failure::usage("--artifacts: it is not said where the files are to go".into()) });
        }
        if args.artifacts_to.is_some() && patterns.is_none() {
            return Err(Failure::usage(
                "--artifacts-to: no files are asked for; --artifacts GLOB, or artifacts of the request, says which".into(),
            ));
        }
        let open = |path: &Path| rights::as_caller(|| directory(path)).map(|to| (to, path.to_owned()));
        let to = args.artifacts_to.as_deref().map(open).transpose()?;
        Ok(Self { patterns, to, overwrite: args.overwrite, room: IN_RECORD, troubles: Vec::new() })
    }

    /// All into the record, for a caller who cannot be given them in another way.
    pub fn recorded() -> Self {
        Self { patterns: None, to: None, overwrite: false, room: u64::MAX, troubles: Vec::new() }
    }

    /// Refuses a record that another process gave with files that were not asked for, or without their content: it could name anything.
    pub fn were_asked_for(&self, outcome: &Outcome) -> Result<(), String> {
        let asked = |file: &outcome::File| {
            let wanted = self.patterns.as_ref().is_some_and(|patterns| patterns.matches(Path::new(&file.name)));
            wanted && (file.content.is_some() || self.to.is_none())
        };
        let other = outcome.files.iter().find(|file| !asked(file));
        other.map_or(Ok(()), |file| Err(format!("it gave {}, which was not asked for, or not its content", plain(&file.name))))
    }

    /// Puts the files where they are to go. What could not be written is left out.
    pub fn deliver(&mut self, outcome: &mut Outcome) -> Result<(), Failure> {
        match &self.to {
            None => in_record(outcome, self.room),
            Some((to, path)) => {
                let files = std::mem::take(&mut outcome.files);
                let spells = |name: &str| self.patterns.as_ref().is_some_and(|patterns| patterns.spells(name));
                let mut place = Place { to: to.as_fd(), overwrite: self.overwrite, spells: &spells, made: BTreeSet::new() };
                let written = rights::as_caller(|| Ok(files.into_iter().map(|file| place.write(file)).collect::<Vec<_>>()))?;
                for written in written {
                    match written {
                        Ok(file) => outcome.files.push(file),
                        Err((file, errno)) => {
                            let why = if errno == Errno::EEXIST { Why::Exists } else { Why::Unwritten };
                            self.troubles.push(format!(
                                "cannot write {}: {}",
                                plain(&path.join(&file.name).to_string_lossy()),
                                told(errno)
                            ));
                            outcome.files_left_out.push(LeftOut { name: file.name, why });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// What is to be said of them; nothing where all is well.
    pub fn account(&self, outcome: &Outcome) -> String {
        let mut text: String = self.troubles.iter().map(|trouble| format!("remand: {trouble}\n")).collect();
        let told = |left: &&LeftOut| !matches!(left.why, Why::Exists | Why::Unwritten);
        for LeftOut { name, why } in outcome.files_left_out.iter().filter(told) {
            text.push_str(&format!("remand: --artifacts left out {}: {}\n", plain(name), sentence(*why)));
        }
        if outcome.files_left_out_truncated {
            text.push_str("remand: --artifacts left out more than these\n");
        }
        let all = outcome.files.iter().map(|file| file.name.as_str()).chain(outcome.files_left_out.iter().map(|left| left.name.as_str()));
        let unmet = self.patterns.as_ref().map(|patterns| patterns.without_match(all)).unwrap_or_default();
        unmet.iter().for_each(|pattern| text.push_str(&format!("remand: no file matches --artifacts {}\n", plain(pattern))));
        text
    }

    /// The command's exit status: one that would tell success does not where something that the run gave did not get to its directory.
    pub fn status(&self, code: u8) -> u8 {
        if code == 0 && !self.troubles.is_empty() { INTERNAL } else { code }
    }
}

fn told(errno: Errno) -> String {
    match errno {
        Errno::EEXIST => {
            "something stands there already; --overwrite replaces files, and a hidden directory is entered if a pattern spells its name"
                .to_owned()
        }
        errno => io::Error::from(errno).to_string(),
    }
}

fn sentence(why: Why) -> &'static str {
    match why {
        Why::Link => "it is a symbolic link",
        Why::Fifo => "it is a FIFO",
        Why::Socket => "it is a socket",
        Why::Device => "it is a device",
        Why::Name => "its name is no plain text: it has control or invisible characters, or is not UTF-8",
        Why::Size => "it would be more than limits.artifacts in all",
        Why::Count => "it would be more than limits.artifact_files",
        Why::Depth => "it lies in too many directories inside each other",
        Why::Entries => "there are too many entries in the directories; it was not looked at whole",
        Why::Unreadable => "it cannot be read",
        Why::Exists => "something stands there already",
        Why::Unwritten => "it could not be written",
        Why::Record => "its content is too large for the record; --artifacts-to DIR takes it",
    }
}

/// Leaves the record the content of so much as it may carry.
fn in_record(outcome: &mut Outcome, mut left: u64) {
    for file in &mut outcome.files {
        match left.checked_sub(file.size) {
            Some(rest) => left = rest,
            None => {
                file.content = None;
                outcome.files_left_out.push(LeftOut { name: file.name.clone(), why: Why::Record });
            }
        }
    }
}

fn directory(path: &Path) -> Result<OwnedFd, Failure> {
    let failed =
        |errno: Errno| Failure::usage(format!("cannot use --artifacts-to {}: {}", plain(&path.to_string_lossy()), io::Error::from(errno)));
    match mkdirat(AT_FDCWD, path, Mode::from_bits_truncate(0o755)) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(failed(errno)),
    }
    open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()).map_err(failed)
}

/// Where files go.
struct Place<'a> {
    to: BorrowedFd<'a>,
    overwrite: bool,
    /// Whether a pattern spells a name.
    spells: &'a (dyn Fn(&str) -> bool + Sync),
    /// Hidden directories that were made here.
    made: BTreeSet<PathBuf>,
}

impl Place<'_> {
    /// Writes one file, which is given back without its content; or with what stood in the way.
    fn write(&mut self, mut file: outcome::File) -> Result<outcome::File, (outcome::File, Errno)> {
        let content = file.content.take().unwrap_or_default();
        let path = Path::new(&file.name);
        let put = self.directory(path.parent().unwrap_or(Path::new(""))).and_then(|directory| {
            let name = path.file_name().ok_or(Errno::EINVAL)?;
            put(directory.as_ref().map_or(self.to, AsFd::as_fd), name, &file, &content, self.overwrite)
        });
        match put {
            Ok(()) => Ok(file),
            Err(errno) => Err((file, errno)),
        }
    }

    /// Opens the directory of a file, which is made if it is not there.
    fn directory(&mut self, path: &Path) -> Result<Option<OwnedFd>, Errno> {
        let (mut directory, mut beneath): (Option<OwnedFd>, _) = (None, PathBuf::new());
        for part in path {
            let above = directory.as_ref().map_or(self.to, AsFd::as_fd);
            beneath.push(part);
            let hidden = part.as_bytes().starts_with(b".");
            match mkdirat(above, part, Mode::from_bits_truncate(0o755)) {
                Ok(()) if hidden => {
                    self.made.insert(beneath.clone());
                }
                Err(Errno::EEXIST) if hidden && !self.made.contains(&beneath) && !part.to_str().is_some_and(self.spells) => {
                    return Err(Errno::EEXIST);
                }
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(errno) => return Err(errno),
            }
            let inside = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            directory = Some(openat(above, part, inside, Mode::empty())?);
        }
        Ok(directory)
    }
}

fn put(directory: BorrowedFd<'_>, name: &OsStr, file: &outcome::File, content: &[u8], overwrite: bool) -> Result<(), Errno> {
    let new =
        CString::new(format!(".remand-{}-{}", std::process::id(), file.sha256.get(..16).unwrap_or_default())).map_err(|_| Errno::EINVAL)?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let made = openat(directory, new.as_c_str(), flags, Mode::from_bits_truncate(0o600)).map(File::from)?;
    let done = fill(made, content, file.executable).and_then(|()| place(directory, new.as_c_str(), name, overwrite));
    if done.is_err() {
        let _ = unlinkat(directory, new.as_c_str(), UnlinkatFlags::NoRemoveDir);
    }
    done
}

fn fill(mut file: File, content: &[u8], executable: bool) -> Result<(), Errno> {
    let mode = if executable { 0o755 } else { 0o644 };
    let filled = file.write_all(content).and_then(|()| file.set_permissions(Permissions::from_mode(mode)));
    filled.map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
}

/// Gives a file its name.
fn place(directory: BorrowedFd<'_>, new: &std::ffi::CStr, name: &OsStr, overwrite: bool) -> Result<(), Errno> {
    if overwrite {
        return renameat(directory, new, directory, name);
    }
    match renameat2(directory, new, directory, name, RenameFlags::RENAME_NOREPLACE) {
        // A file system that cannot: a second name, and the first goes.
        Err(Errno::EINVAL | Errno::ENOSYS) => {
            linkat(directory, new, directory, name, AtFlags::empty())?;
            unlinkat(directory, new, UnlinkatFlags::NoRemoveDir)
        }
        placed => placed,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("remand-artifacts-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn put(&self, name: &str, content: &str, executable: bool, overwrite: bool) -> Result<(), Errno> {
            let file = outcome::File::new(name.into(), content.into(), executable);
            let to = directory(&self.0).unwrap();
            let spells = |name: &str| name == ".spelled";
            let mut place = Place { to: to.as_fd(), overwrite, spells: &spells, made: BTreeSet::new() };
            place.write(file).map(drop).map_err(|(_, errno)| errno)
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<_> = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_whole_has_our_mode_and_replaces_nothing_unasked() {
        let place = Scratch::new("whole");
        place.put("a", "one", false, false).unwrap();
        place.put("in/side/b", "two", true, false).unwrap();
        let mode = |name: &str| fs::metadata(place.0.join(name)).unwrap().mode() & 0o7777;
        assert_eq!((mode("a"), mode("in/side/b")), (0o644, 0o755));
        assert_eq!(place.put("a", "three", false, false), Err(Errno::EEXIST));
        assert_eq!(fs::read_to_string(place.0.join("a")).unwrap(), "one");
        place.put("a", "three", false, true).unwrap();
        assert_eq!(fs::read_to_string(place.0.join("a")).unwrap(), "three");
        assert_eq!(place.put("in", "x", false, true), Err(Errno::EISDIR), "a directory is never replaced");
        assert_eq!(place.names(), ["a", "in"], "and nothing else is left");
    }

    #[test]
    fn a_hidden_directory_that_stands_there_is_entered_only_by_its_name() {
        let place = Scratch::new("hidden");
        for name in [".git/hooks", ".spelled"] {
            fs::create_dir_all(place.0.join(name)).unwrap();
        }
        assert_eq!(place.put(".git/hooks/x", "x", true, true), Err(Errno::EEXIST));
        assert_eq!(place.put(".spelled/x", "x", false, false), Ok(()));
        assert_eq!(place.put(".new/x", "x", false, false), Ok(()));
        assert_eq!(place.put(".new/y", "x", false, false), Err(Errno::EEXIST), "it stood there before this run");
    }

    #[test]
    fn no_link_is_followed() {
        let (place, other) = (Scratch::new("links"), Scratch::new("other"));
        symlink(&other.0, place.0.join("out")).unwrap();
        symlink(other.0.join("target"), place.0.join("file")).unwrap();
        assert_eq!(place.put("out/a", "x", false, true), Err(Errno::ENOTDIR));
        assert_eq!(place.put("file", "x", false, false), Err(Errno::EEXIST));
        place.put("file", "x", false, true).unwrap();
        assert!(place.0.join("file").symlink_metadata().unwrap().is_file() && other.names().is_empty());
    }
}

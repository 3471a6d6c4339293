//! The files of this host, as far as this process may look at them.
//!
//! Always holds: nothing is opened but what a program is asked for; a path that this process may not look at is unreachable, with the reason, and not missing.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use remand_jail::host;
use remand_plan::files::{Entry, FileId, Files, Inode, Kind, NoProgram};
use remand_plan::host::Fact;
use remand_plan::interpreter::Tree;

use crate::interpreter;

/// Larger ones are not looked through.
const LARGEST_PROGRAM: u64 = 64 << 20;

/// This host's.
#[derive(Clone, Copy, Debug)]
pub struct HostFiles;

impl Files for HostFiles {
    fn look(&self, path: &str) -> Option<Entry> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_symlink() => Some(match fs::read_link(path) {
                Ok(target) => target.into_os_string().into_string().map_or_else(|_| Entry::Unreachable(not_text(path)), Entry::Link),
                Err(error) => unreachable(path, &error),
            }),
            Ok(found) => Some(Entry::There(inode(&found))),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Some(Entry::Missing),
            Err(error) => Some(unreachable(path, &error)),
        }
    }

    fn mappable(&self, path: &str) -> Option<Fact> {
        let found = fs::symlink_metadata(path).ok()?;
        Some(host::mappable(path, (found.uid(), found.gid())))
    }

    fn libraries(&self, program: &str, extension: &str) -> Option<Vec<String>> {
        interpreter::extension(program, extension)
    }

    fn text(&self, path: &str) -> Option<String> {
        let mut text = Vec::new();
        interpreter::regular(path).and_then(|file| file.take(LARGEST_PROGRAM).read_to_end(&mut text)).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    fn by_place(&self, program: &str) -> bool {
        const ORIGIN: &[u8] = b"$ORIGIN";
        let mut text = Vec::new();
        let read = interpreter::regular(program).and_then(|file| file.take(LARGEST_PROGRAM).read_to_end(&mut text));
        read.is_ok() && text.starts_with(b"\x7fELF") && text.windows(ORIGIN.len()).any(|window| window == ORIGIN)
    }

    fn needs(&self, program: &str, search: &str) -> Option<Result<Tree, NoProgram>> {
        let mut start = Vec::new();
        interpreter::regular(program).and_then(|file| file.take(4).read_to_end(&mut start)).ok()?;
        if !start.starts_with(b"#!") && start != *b"\x7fELF" {
            return Some(Err(NoProgram::Format(format!("{program} is neither a program nor a script with a #! line"))));
        }
        Some(match interpreter::program(program, search, Some(search)) {
            Ok(found) => Ok(found.tree),
            Err(error) => Err(NoProgram::Lacks(error.to_string())),
        })
    }
}

fn not_text(path: &str) -> String {
    format!("the symbolic link {path} leads to a name that is no UTF-8 text")
}

/// Why this process cannot get to a path.
fn unreachable(path: &str, error: &io::Error) -> Entry {
    Entry::Unreachable(match path.rsplit_once('/') {
        Some((above, _)) if error.kind() == ErrorKind::PermissionDenied => {
            format!("this user may not enter {} (EACCES)", if above.is_empty() { "/" } else { above })
        }
        _ => format!("{path}: {error}"),
    })
}

fn inode(found: &Metadata) -> Inode {
    let kind = found.file_type();
    let kind = if kind.is_dir() {
        Kind::Directory
    } else if kind.is_file() {
        Kind::Regular
    } else if kind.is_fifo() {
        Kind::Fifo
    } else if kind.is_socket() {
        Kind::Socket
    } else {
        Kind::Device
    };
    Inode { id: FileId { device: found.dev(), inode: found.ino() }, kind, mode: found.mode() & 0o7777, uid: found.uid(), gid: found.gid() }
}

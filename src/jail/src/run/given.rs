//! What a run is to find in its `/workspace`, on its way to the run's init, which copies it.
//!
//! Always holds: it travels as a file of this process's memory that has no name; the run never holds it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use remand_child::files::Entry;
use remand_plan::step::Step;
use remand_plan::workspace::{Made, Workspace};

use crate::failure::Failure;

/// `MFD_NOEXEC_SEAL`, which `vm.memfd_noexec` may ask for (Linux 6.3).
const NOEXEC_SEAL: MFdFlags = MFdFlags::from_bits_retain(8);

/// Writes it as init reads it; nothing where nothing is given.
///
/// # Errors
/// The kernel's answer.
pub fn pack(workspace: &Workspace) -> Result<Option<OwnedFd>, Failure> {
    if workspace.is_empty() {
        return Ok(None);
    }
    let failed = |error: &io::Error| Failure::io(Step::Files, "a file in memory for what the run is given", error);
    let made = match memfd_create("remand", MFdFlags::MFD_CLOEXEC) {
        Err(Errno::EACCES) => memfd_create("remand", MFdFlags::MFD_CLOEXEC | NOEXEC_SEAL),
        made => made,
    };
    let file = File::from(made.map_err(|errno| failed(&errno.into()))?);
    write(&mut BufWriter::new(&file), workspace).map_err(|error| failed(&error))?;
    Ok(Some(file.into()))
}

fn write(to: &mut impl Write, workspace: &Workspace) -> io::Result<()> {
    for (path, made) in workspace {
        let (mode, content): (u32, &[u8]) = match made {
            Made::Directory => (libc::S_IFDIR | 0o755, &[]),
            Made::File(content, executable) => (libc::S_IFREG | if *executable { 0o755 } else { 0o644 }, content),
        };
        to.write_all(&Entry { mode, path: path.len() as u64 + 1, content: content.len() as u64 }.bytes())?;
        to.write_all(path.as_bytes())?;
        to.write_all(&[0])?;
        to.write_all(content)?;
    }
    to.flush()
}

//! `--outcome`: the record in a file or through a descriptor, beside what is printed for people.
//!
//! Always holds: it is opened before anything is run, so that nothing is run for nothing; a file keeps what it holds until there is a record to replace it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::ftruncate;
use remand_plan::Outcome;

use crate::failure::Failure;
use crate::print::{self, plain};

/// Where the record goes.
pub struct Record {
    to: File,
    name: String,
    /// It is a file of its own, whose old text goes.
    whole: bool,
}

impl Record {
    /// What `--outcome` names: a number is a descriptor, anything else a file.
    pub fn open(typed: Option<&Path>) -> Result<Option<Self>, Failure> {
        let Some(path) = typed else { return Ok(None) };
        let shown = plain(&path.to_string_lossy()).into_owned();
        let failed =
            |error: io::Error| Failure::usage(format!("--outcome {shown}: cannot be opened for writing: {error}; nothing was run"));
        if let Some(number) = path.to_str().and_then(|text| text.parse::<u16>().ok()) {
            let to = remand_jail::inherited(number.into()).map_err(|errno| failed(errno.into()))?;
            let flags = fcntl(&to, FcntlArg::F_GETFL).map(OFlag::from_bits_truncate).map_err(|errno| failed(errno.into()))?;
            if !matches!(flags & OFlag::O_ACCMODE, OFlag::O_WRONLY | OFlag::O_RDWR) || flags.contains(OFlag::O_PATH) {
                return Err(failed(io::Error::other("it is open for reading; a file of that name is ./NUMBER")));
            }
            return Ok(Some(Self { to: to.into(), name: format!("descriptor {number}"), whole: false }));
        }
        // A FIFO that nobody reads is an error here, and not a wait.
        let to = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
            .open(path);
        let to = to.map_err(failed)?;
        let whole = to.metadata().map_err(failed)?.is_file();
        Ok(Some(Self { to, name: shown, whole }))
    }

    /// Writes it.
    pub fn write(&self, outcome: &Outcome) -> Result<(), Failure> {
        let cut = if self.whole { ftruncate(self.to.as_fd(), 0) } else { Ok(()) };
        cut.and_then(|()| print::record_to(&self.to, outcome)).map_err(|errno| Failure::unwritten(&self.name, errno))
    }
}

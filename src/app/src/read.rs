//! Bounded reading: no file, pipe or standard input is taken into memory beyond a size that was set before.
//!
//! Always holds: a reader stops one byte after the limit; what was read is either complete or refused.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use crate::failure::Failure;
use crate::print::plain;

/// The name that stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads a file, or standard input for `-`, of at most `limit` bytes. `what` names it in messages, `bound` names the limit's origin.
pub fn bytes(path: &Path, what: &str, limit: u64, bound: &str) -> Result<Vec<u8>, Failure> {
    let name = || if is_stdin(path) { format!("{what} from standard input") } else { format!("{what} {}", plain(&path.to_string_lossy())) };
    let read = if is_stdin(path) {
        stdin().and_then(|stdin| all(stdin, limit))
    } else {
        File::open(path).and_then(|file| if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { all(file, limit) })
    };
    match read {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Failure::usage(format!("{}: larger than {bound} = {limit} bytes", name()))),
        Err(error) => Err(Failure::usage(format!("cannot read {}: {error}", name()))),
    }
}

/// As [`bytes`], for text.
pub fn text(path: &Path, what: &str, limit: u64, bound: &str) -> Result<String, Failure> {
    let text = String::from_utf8(bytes(path, what, limit, bound)?)
        .map_err(|error| Failure::usage(format!("{what} is not UTF-8 text: wrong at byte {}", error.utf8_error().valid_up_to())))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Standard input as a file: the standard library's takes one that is not open for reading for one that has ended.
fn stdin() -> io::Result<File> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    if file.metadata()?.is_dir() { Err(io::Error::other("it is closed, or a directory")) } else { Ok(file) }
}

/// Everything up to end of file, or `None` if that is more than `limit`.
pub fn all(reader: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_byte_over_the_limit_is_refused() {
        assert_eq!(all(&b"1234"[..], 4).unwrap(), Some(b"1234".to_vec()));
        assert_eq!(all(&b"12345"[..], 4).unwrap(), None);
        assert_eq!(all(io::repeat(0), 1 << 20).unwrap(), None, "an endless reader ends");
        assert_eq!(all(&b""[..], u64::MAX).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn a_directory_is_no_file() {
        let failure = bytes(Path::new("/"), "code", 10, "limits.job_size").unwrap_err();
        assert_eq!(failure.message, "cannot read code /: is a directory");
    }
}

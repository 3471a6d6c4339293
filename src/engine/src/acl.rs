//! Who may write a file whose mode lets its group write.
//!
//! Always holds: where a file has a POSIX access control list, the group bits of its mode are the list's mask: they say that somebody in it may write,
//! and not who. A list that cannot be read or understood lets anybody.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::Path;

use nix::errno::Errno;

const NAME: &str = "system.posix_acl_access";
/// `POSIX_ACL_XATTR_VERSION`, and the bytes of one entry: tag, rights, id.
const VERSION: [u8; 4] = [2, 0, 0, 0];
const ENTRY: usize = 8;
const WRITE: u16 = 2;

/// Somebody who may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A user by number.
    User(u32),
    /// A group by number.
    Group(u32),
    /// Nobody knows who.
    Anybody,
}

impl Display for Writer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user {id}"),
            Self::Group(id) => write!(f, "group {id}"),
            Self::Anybody => write!(f, "anybody, as far as can be told"),
        }
    }
}

/// The list of what is at a path, the last component not followed; `None` if it has none.
///
/// # Errors
/// The kernel's answer.
pub(crate) fn list(path: &str) -> io::Result<Option<Vec<u8>>> {
    plain(xattr::get(path, NAME))
}

/// Whom the group bits of a file's mode let write, by the path and the group of the file; the last component is followed.
#[must_use]
pub fn writers_of_open(path: &Path, group: u32) -> Vec<Writer> {
    writers(plain(xattr::get_deref(path, NAME)), group)
}

/// As [`writers_of_open`], by the list.
pub(crate) fn writers(list: io::Result<Option<Vec<u8>>>, group: u32) -> Vec<Writer> {
    match list {
        Ok(None) => vec![Writer::Group(group)],
        Ok(Some(list)) => read(&list, group).unwrap_or_else(|| vec![Writer::Anybody]),
        Err(_) => vec![Writer::Anybody],
    }
}

/// A file system without lists has none.
fn plain(list: io::Result<Option<Vec<u8>>>) -> io::Result<Option<Vec<u8>>> {
    list.or_else(|error| if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) { Ok(None) } else { Err(error) })
}

fn read(list: &[u8], group: u32) -> Option<Vec<Writer>> {
    let (mut found, mut masked) = (Vec::new(), false);
    for entry in list.strip_prefix(&VERSION)?.chunks(ENTRY) {
        let [tag, tag_high, rights, rights_high, id @ ..] = *entry.first_chunk::<ENTRY>()?;
        let (id, writes) = (u32::from_le_bytes(id), u16::from_le_bytes([rights, rights_high]) & WRITE != 0);
        match u16::from_le_bytes([tag, tag_high]) {
            // The owner, and all others: as the mode says.
            0x01 | 0x20 => {}
            0x02 if writes => found.push(Writer::User(id)),
            0x04 if writes => found.push(Writer::Group(group)),
            0x08 if writes => found.push(Writer::Group(id)),
            0x02 | 0x04 | 0x08 => {}
            0x10 => masked = !writes,
            _ => return None,
        }
    }
    Some(if masked { Vec::new() } else { found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let bytes =
            entries.iter().flat_map(|(tag, rights, id)| [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat());
        VERSION.into_iter().chain(bytes).collect()
    }

    #[test]
    fn who_may_write_by_a_list() {
        const NO_ID: u32 = u32::MAX;
        let plain = [(0x01, 7, NO_ID), (0x04, 5, NO_ID), (0x20, 5, NO_ID)];
        let said = |more: &[(u16, u16, u32)]| writers(Ok(Some(list(&[&plain[..], more].concat()))), 9);
        assert_eq!(said(&[]), []);
        assert_eq!(said(&[(0x02, 6, 1), (0x02, 4, 2), (0x08, 2, 3), (0x10, 7, NO_ID)]), [Writer::User(1), Writer::Group(3)]);
        assert_eq!(said(&[(0x04, 7, NO_ID)]), [Writer::Group(9)]);
        assert_eq!(said(&[(0x02, 7, 1), (0x10, 5, NO_ID)]), [], "the mask takes it away");
        assert_eq!(said(&[(0x40, 7, 1)]), [Writer::Anybody]);
        assert_eq!(writers(Ok(Some(vec![3, 0, 0, 0])), 9), [Writer::Anybody], "another version");
        assert_eq!(writers(Ok(Some([list(&plain), vec![1]].concat())), 9), [Writer::Anybody], "cut short");
        assert_eq!(writers(Ok(None), 9), [Writer::Group(9)]);
        assert_eq!(writers(Err(Errno::EIO.into()), 9), [Writer::Anybody]);
        assert_eq!(writers(super::plain(Err(Errno::EOPNOTSUPP.into())), 9), [Writer::Group(9)]);
    }
}

//! How large a terminal is.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{from_mut, from_ref};

use nix::errno::Errno;

/// Characters; pixels where the terminal tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Size {
    pub rows: u16,
    pub columns: u16,
    pub pixels: (u16, u16),
}

impl Size {
    /// That of a terminal.
    ///
    /// # Errors
    /// The kernel's answer; ENOTTY for what is none.
    pub fn of(terminal: BorrowedFd<'_>) -> Result<Self, Errno> {
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the descriptor is open, and the kernel writes one `struct winsize`.
        Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, from_mut(&mut size)) })?;
        Ok(Self { rows: size.ws_row, columns: size.ws_col, pixels: (size.ws_xpixel, size.ws_ypixel) })
    }

    /// Makes a terminal so large; its foreground group is told where that is another size.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn give(self, terminal: BorrowedFd<'_>) -> Result<(), Errno> {
        let size = libc::winsize { ws_row: self.rows, ws_col: self.columns, ws_xpixel: self.pixels.0, ws_ypixel: self.pixels.1 };
        // SAFETY: the descriptor is open, and the kernel reads one `struct winsize`.
        Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, from_ref(&size)) }).map(drop)
    }
}

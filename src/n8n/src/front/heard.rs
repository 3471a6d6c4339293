//! What the supervisor says to its front.
//!
//! Always holds: what is in no table ends the front.

use std::io;
use std::os::fd::OwnedFd;

use remand_front::way::Way;

use crate::packets::Tell;

/// What the supervisor says next, with what is beside it.
pub async fn next(way: &Way, buffer: &mut Vec<u8>) -> io::Result<(Tell, Option<OwnedFd>)> {
    let (packet, mut beside) = way.next(buffer).await?;
    let tell = Tell::read(packet).map_err(io::Error::other)?;
    if beside.len() != tell.descriptors() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((tell, beside.pop()))
}

//! Sources of mounts: whether the host has them, and in a form that can be mounted.
//!
//! Always holds: what was not seen is taken to be there; no symbolic link is ever followed.

use remand_policy::places::behind;
use remand_policy::policy::Mount;

use crate::files::{Entry, Files, Kind};
use crate::plan::Root;

/// Why a mount cannot be made.
pub(super) struct Cannot {
    pub blocker: String,
    pub remedy: &'static str,
}

/// Why the mount is not to be made, which an optional one whose source nobody gets to is not; `None`: it is.
pub(super) fn left_out(mount: &Mount, root: &Root, files: &dyn Files) -> Result<Option<String>, Cannot> {
    let mut here = String::new();
    for part in mount.source.split('/').filter(|part| !part.is_empty()) {
        here = format!("{here}/{part}");
        match files.look(&here) {
            None => break,
            Some(Entry::Missing) if mount.optional => return Ok(Some("there is no such file".to_owned())),
            Some(Entry::Unreachable(why)) if mount.optional => return Ok(Some(why)),
            Some(Entry::Unreachable(why)) => {
                let blocker = format!("{} cannot be reached: {why}", mount.source);
                return Err(Cannot { blocker, remedy: "Open the way to it, or write \"optional\": true to run without it." });
            }
            Some(Entry::Missing) => {
                let blocker =
                    if here == mount.source { format!("there is no {here}") } else { format!("there is no {}: no {here}", mount.source) };
                return Err(Cannot { blocker, remedy: "Make it, or write \"optional\": true to run without it." });
            }
            Some(Entry::Link(target)) => {
                let blocker = format!("{here} is a symbolic link (to {target}), which no mount follows");
                return Err(Cannot { blocker, remedy: "Write where it leads." });
            }
            Some(Entry::There(inode)) if here == mount.source => match inode.kind {
                Kind::Directory | Kind::Regular => {}
                kind => {
                    let blocker = format!("{here} is {}: neither a directory nor a regular file", kind.name());
                    return Err(Cannot { blocker, remedy: "Mount the directory that holds it, or nothing." });
                }
            },
            Some(Entry::There(inode)) if inode.kind != Kind::Directory => {
                if mount.optional {
                    return Ok(Some(format!("{here} is no directory")));
                }
                let blocker = format!("{here} is no directory, and {} lies below it", mount.source);
                return Err(Cannot { blocker, remedy: "Write another filesystem.mounts source." });
            }
            Some(Entry::There(_)) => {}
        }
    }
    within(mount, root, files).map_or(Ok(None), Err)
}

/// A mount below another one needs a place there, which nobody makes in what belongs to the host.
fn within(mount: &Mount, root: &Root, files: &dyn Files) -> Option<Cannot> {
    let rest = |outer: &str| behind(&mount.target, outer).filter(|rest| !rest.is_empty());
    let outer = root.binds.iter().filter(|bind| rest(&bind.target).is_some()).max_by_key(|bind| bind.target.len())?;
    let place = format!("{}{}", outer.source, rest(&outer.target)?);
    let (Some(Entry::There(_)), found) = (files.look(&outer.source), files.look(&place)) else { return None };
    let remedy = "Make it, or choose another filesystem.mounts target.";
    let lies = format!("it lies in the mount of {}", outer.source);
    match (found, files.look(&mount.source)) {
        (Some(Entry::Missing), _) => Some(Cannot { blocker: format!("{lies}, where there is no {place}"), remedy }),
        (Some(Entry::Unreachable(why)), _) => Some(Cannot { blocker: format!("{lies}, where {place} cannot be reached: {why}"), remedy }),
        (Some(Entry::Link(_)), _) => Some(Cannot { blocker: format!("{lies}, where {place} is a symbolic link"), remedy }),
        (Some(Entry::There(place_inode)), Some(Entry::There(source)))
            if (place_inode.kind == Kind::Directory) != (source.kind == Kind::Directory) =>
        {
            Some(Cannot {
                blocker: format!(
                    "{lies}, where {place} is {}: a directory is mounted on a directory, a file on a file",
                    place_inode.kind.name()
                ),
                remedy,
            })
        }
        _ => None,
    }
}

//! What a run looked for, as this host has it, seen as the caller.
//!
//! Always holds: nothing is opened; only directories and regular files count; a path that changes meanwhile makes a proposal wrong, which people read before
//! it is used.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use remand_jail::run::Looks;
use remand_policy::learn::File;

/// Those that are here.
pub fn found(looks: &Looks) -> Vec<File> {
    let here = looks.seen.iter().filter_map(|look| {
        let real = fs::canonicalize(&look.path).ok()?;
        let meta = fs::symlink_metadata(&real).ok().filter(|meta| meta.is_dir() || meta.is_file())?;
        let reachable = real.ancestors().skip(1).all(|directory| fs::symlink_metadata(directory).is_ok_and(|meta| may(&meta, 0o1)));
        let directory = real.parent().and_then(|parent| fs::symlink_metadata(parent).ok());
        Some(File {
            path: look.path.clone(),
            call: look.call.clone(),
            writes: look.writes,
            lists: look.lists,
            executes: look.executes,
            everybody: reachable && may(&meta, if meta.is_dir() { 0o5 } else { 0o4 }),
            beside: reachable && directory.is_some_and(|meta| may(&meta, 0o5)),
            directory: meta.is_dir(),
            real: text(&real)?,
        })
    });
    here.collect()
}

fn may(meta: &Metadata, others: u32) -> bool {
    meta.permissions().mode() & others == others
}

fn text(path: &Path) -> Option<String> {
    path.to_str().map(str::to_owned)
}

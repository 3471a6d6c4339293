//! What a run's cgroup is still charged for when its processes are gone: page cache that it read first, names it looked up, files that somebody holds.
//! A cgroup that is removed with it stays in the kernel until the memory goes.
//!
//! Always holds: bounded in time; nothing but caches is given up, which whoever needs them reads again.

use std::time::{Duration, Instant};

use super::directory::Directory;
use super::error::CgroupError;

/// How long to go on; checked after each step, which the kernel needs some milliseconds for.
const LONGEST: Duration = Duration::from_millis(500);
/// Bytes of a step.
const STEP: u64 = 16 << 20;
/// Bytes of kernel memory that may still be on its way to be freed when a run has ended. The kernel hands them to the cgroup above.
const SOME: u64 = 1 << 20;

/// The files of a version.
#[derive(Debug)]
pub(super) struct Files {
    /// Bytes charged.
    pub usage: &'static str,
    /// Bytes of them that are the kernel's own, if this version tells: these keep no cgroup.
    pub kernel: Option<&'static str>,
    /// Page cache, in `memory.stat`.
    pub cache: &'static str,
    /// Takes fewer bytes than are charged, after an attempt to free the rest.
    pub bound: &'static str,
    /// Frees all that can be, on every CPU, given how much.
    pub empty: &'static str,
}

/// Empties a cgroup without processes; bytes that could not be freed, apart from some of the kernel's.
pub(super) fn empty(group: &Directory, files: &Files) -> Result<u64, CgroupError> {
    let begin = Instant::now();
    let late = || begin.elapsed() >= LONGEST;
    let kernel = || files.kernel.map_or(Ok(None), |file| group.number_if_there(file));
    let clean = |usage: u64| Ok::<_, CgroupError>(usage < SOME && kernel()?.is_some_and(|kernel| kernel >= usage));
    let mut usage = group.number(files.usage)?;
    while usage > STEP && !late() {
        // Refused where less could be freed: the next look tells how much.
        let refused = group.write(files.bound, usage - STEP).is_err();
        let before = std::mem::replace(&mut usage, group.number(files.usage)?);
        if refused || usage >= before {
            break;
        }
    }
    if clean(usage)? || late() {
        return Ok(usage.saturating_sub(SOME));
    }
    // Cheap, and mostly enough; what lies ready on other CPUs it does not reach.
    let _ = group.write(files.bound, 0);
    usage = group.number(files.usage)?;
    if !clean(usage)? && !late() {
        // Refused where not all could be freed.
        let _ = group.write_if_there(files.empty, usage);
        usage = group.number(files.usage)?;
    }
    Ok(usage.saturating_sub(SOME))
}

/// Bytes of page cache, as far as the kernel has summed them up; asked only where there can be any, since the sum costs more than all else.
pub(super) fn cached(group: &Directory, files: &Files) -> Option<u64> {
    let usage = group.number(files.usage).ok()?;
    let kernel = files.kernel.and_then(|file| group.number(file).ok()).unwrap_or(0);
    if usage.saturating_sub(kernel) == 0 { Some(0) } else { group.keyed("memory.stat", files.cache).ok() }
}

//! The list of libraries that `ldconfig` makes for glibc's loader, `/etc/ld.so.cache`.
//!
//! Always holds: entries for other machines and C libraries are left out; a damaged file lists less, or nothing; what is kept is in proportion to the file.

use std::collections::{HashMap, HashSet};

const OLD_MAGIC: &[u8] = b"ld.so-1.7.0";
/// The older format: after the magic and the count, at the next word, entries of three words.
const OLD_COUNT: usize = 12;
const OLD_ENTRY: usize = 12;
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
/// Longest name, with its NUL byte.
const MAX_PATH: usize = 4096;
/// Entries for glibc 2 on this machine.
#[cfg(target_arch = "x86_64")]
const FLAGS: u32 = 0x0303;
#[cfg(target_arch = "aarch64")]
const FLAGS: u32 = 0x0a03;

/// Paths by the name that is asked for.
#[derive(Debug, Default)]
pub(super) struct Cache(HashMap<String, Vec<String>>);

impl Cache {
    /// Reads the file's bytes.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        Self(new_part(bytes).and_then(entries).unwrap_or_default())
    }

    /// Every path that the loader may take for a name: one for each kind of processor, and the first of those for all.
    pub(super) fn lookup(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The part in the present format, which may follow one in the older.
fn new_part(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.starts_with(MAGIC) {
        return Some(bytes);
    }
    let count = usize::try_from(number(bytes, OLD_COUNT).filter(|_| bytes.starts_with(OLD_MAGIC))?).ok()?;
    let end = count.checked_mul(OLD_ENTRY)?.checked_add(OLD_COUNT + 4)?.checked_next_multiple_of(8)?;
    bytes.get(end..).filter(|rest| rest.starts_with(MAGIC))
}

fn entries(bytes: &[u8]) -> Option<HashMap<String, Vec<String>>> {
    let count = usize::try_from(number(bytes, MAGIC.len())?).ok()?;
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    let mut plain = HashSet::new();
    // Entries may share their texts, but true ones not many times.
    let mut left = bytes.len().saturating_mul(4);
    for entry in bytes.get(HEADER..)?.chunks_exact(ENTRY).take(count) {
        let text = |at| string(bytes, number(entry, at)?);
        let (Some(FLAGS), Some(name), Some(path)) = (number(entry, 0), text(4), text(8)) else { continue };
        let for_all = entry.get(16..).is_some_and(|bits| bits.iter().all(|byte| *byte == 0));
        left = left.checked_sub(name.len() + path.len())?;
        if for_all && !plain.insert(name) {
            continue;
        }
        found.entry(name.to_owned()).or_default().push(path.to_owned());
    }
    Some(found)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?))
}

fn string(bytes: &[u8], at: u32) -> Option<&str> {
    let text = bytes.get(usize::try_from(at).ok()?..)?;
    std::str::from_utf8(text.get(..text.iter().take(MAX_PATH).position(|byte| *byte == 0)?)?).ok()
}

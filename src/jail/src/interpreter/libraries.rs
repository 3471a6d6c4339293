//! Shared libraries of a program, as its own dynamic loader finds them.
//!
//! Always holds: the program itself is never executed; its loader is asked, confined to reading, and only if a trusted owner put it there; every
//! library named is an ELF file, so that no other file of the host can be named into a run.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use nix::unistd::geteuid;

use super::answer::answer;
use super::{tree, trust};
use crate::sys::reader::{as_nobody, confine};

/// Where the loader looks for libraries outside of its default directories.
pub(super) const LOADER_CACHE: &str = "/etc/ld.so.cache";
/// Longest list of files to preload, in bytes: one environment string may have 128 KiB.
const MAX_PRELOAD: usize = 64 << 10;

/// How to ask for libraries of one program.
pub(super) struct Loader {
    /// `PT_INTERP` of the program.
    pub path: String,
    /// Real path of the program.
    program: String,
    /// Nobody vouches for the program, and its file can make the loader run its code: it is looked at without root's rights.
    stranger: bool,
}

impl Loader {
    /// The loader of the program at a real path; `None` for a static program. `owners` may have put it there.
    ///
    /// # Errors
    /// Not a program of this machine, or a loader that is not trusted.
    pub(super) fn of(program: &str, owners: &[u32]) -> Result<Option<Self>, String> {
        let Some(path) = requested(program).map_err(|error| format!("cannot read {program}: {error}"))? else { return Ok(None) };
        // The file decides which loader it wants, and asking means running it: any file could be meant.
        let name = path.rsplit('/').next().unwrap_or_default();
        if !name.starts_with("ld-") && !name.starts_with("ld.so") && !name.starts_with("ld64.so") {
            return Err(format!("{program} wants {path:?} as its dynamic loader, which is not one by its name"));
        }
        trust::check(&path, owners).map_err(|reason| format!("{program} wants {path} as its dynamic loader: {reason}"))?;
        Ok(Some(Self { path, program: program.to_owned(), stranger: false }))
    }

    /// The same, for a program that nobody vouches for.
    #[must_use]
    pub(super) fn of_stranger(self) -> Self {
        Self { stranger: true, ..self }
    }

    /// Names of every library that the program and `also` (libraries by path, or by name to search for) load, and [`LOADER_CACHE`] if they aren't
    /// all found without it. What is in `also` and cannot be loaded is passed over, as it would be in the run.
    ///
    /// # Errors
    /// The loader failed.
    pub(super) fn libraries(&self, also: &[String]) -> Result<BTreeSet<String>, String> {
        let mut names = BTreeSet::from([self.path.clone()]);
        for (program, preload) in self.batches(also) {
            let cached = self.list(program, &preload, false)?;
            let uncached = self.list(program, &preload, true)?;
            let reals = |names: &BTreeSet<String>| -> BTreeSet<String> {
                names.iter().filter_map(|name| tree::resolve(name, &tree::host)).map(|found| found.real).collect()
            };
            if !reals(&cached).is_subset(&reals(&uncached)) {
                names.insert(LOADER_CACHE.to_owned());
            }
            names.extend(cached);
            names.extend(uncached);
        }
        Ok(names)
    }

    /// What to ask, as (program, files to load before it). A file whose name holds a separator of that list is asked about by itself.
    fn batches<'a>(&'a self, also: &'a [String]) -> Vec<(&'a str, String)> {
        let (alone, listed): (Vec<&String>, Vec<&String>) = also.iter().partition(|file| file.contains([' ', ':']));
        let mut batches = vec![(self.program.as_str(), String::new())];
        for file in listed {
            match batches.last_mut() {
                Some((_, list)) if list.len() + file.len() < MAX_PRELOAD => {
                    list.push(':');
                    list.push_str(file);
                }
                _ => batches.push((&self.program, file.clone())),
            }
        }
        batches.extend(alone.into_iter().map(|file| (file.as_str(), String::new())));
        batches
    }

    fn list(&self, program: &str, preload: &str, without_cache: bool) -> Result<BTreeSet<String>, String> {
        let mut command = Command::new(&self.path);
        if without_cache {
            command.arg("--inhibit-cache");
        }
        command.args(["--list", program]).env_clear().env("LD_PRELOAD", preload).current_dir("/").stdin(Stdio::null());
        let stranger = self.stranger && geteuid().is_root();
        if stranger {
            as_nobody(&mut command);
        }
        confine(&mut command)?;
        let answer = answer(&mut command)?;
        // Without the cache it may well fail to find something: that is the question.
        if !answer.status.success() && !without_cache {
            let hint = if stranger { "; it is looked at without root's rights: everybody must be able to read it" } else { "" };
            return Err(format!("{} cannot list the libraries of {program}: {}{hint}", self.path, answer.reason()));
        }
        let text = String::from_utf8(answer.stdout).map_err(|_| format!("{} names files that are not UTF-8", self.path))?;
        Ok(text.lines().filter_map(library).filter(|path| is_elf(path)).map(str::to_owned).collect())
    }
}

/// The path in one line of the list: `libc.so.6 => /lib/libc.so.6 (0x7f...)`, or `/lib64/ld.so (0x7f...)`.
fn library(line: &str) -> Option<&str> {
    let line = line.rsplit_once(" (0x").map_or(line, |(line, _)| line).trim();
    let path = line.rsplit_once(" => ").map_or(line, |(_, path)| path);
    path.starts_with('/').then_some(path)
}

/// Whether there is a regular ELF file. Opening anything else could block or act.
pub(super) fn is_elf(path: &str) -> bool {
    let mut magic = [0; 4];
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file())
        && File::open(path).is_ok_and(|mut f| f.read_exact(&mut magic).is_ok())
        && magic == *b"\x7fELF"
}

/// The `PT_INTERP` string of a 64-bit little-endian ELF file: which loader to ask is the one thing no loader can say.
fn requested(program: &str) -> Result<Option<String>, String> {
    const PT_INTERP: u64 = 3;
    const MAX_PATH: u64 = 4096;
    let file = File::open(program).map_err(|error| error.to_string())?;
    let take = |at: u64, count: usize| -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; count];
        file.read_exact_at(&mut bytes, at).map_err(|_| "it ends too early".to_owned())?;
        Ok(bytes)
    };
    let number =
        |at: u64, count: usize| Ok::<u64, String>(take(at, count)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)));
    if take(0, 6)? != b"\x7fELF\x02\x01" {
        return Err("it is not a 64-bit program of this machine".to_owned());
    }
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let header = table.checked_add(index * size).filter(|at| *at < u64::MAX / 2).ok_or("its headers are out of range")?;
        if number(header, 4)? == PT_INTERP {
            let (at, length) = (number(header + 8, 8)?, number(header + 32, 8)?.min(MAX_PATH));
            let mut path = take(at, usize::try_from(length).unwrap_or(0))?;
            path.truncate(path.iter().position(|byte| *byte == 0).unwrap_or(path.len()));
            return String::from_utf8(path).map(Some).map_err(|_| "the name of its loader is not UTF-8".to_owned());
        }
    }
    Ok(None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_list() {
        assert_eq!(library("\tlibc.so.6 => /lib/x/libc.so.6 (0x00007f)"), Some("/lib/x/libc.so.6"));
        assert_eq!(library("\t/lib64/ld-linux-x86-64.so.2 (0x00007f)"), Some("/lib64/ld-linux-x86-64.so.2"));
        assert_eq!(library("\t/a b/c (1).so (0x00007f)"), Some("/a b/c (1).so"));
        for line in ["\tlinux-vdso.so.1 (0x00007f)", "\tlibx.so => not found", "\tstatically linked", ""] {
            assert_eq!(library(line), None, "{line}");
        }
    }

    #[test]
    fn batches_keep_to_the_longest_string_and_set_odd_names_apart() {
        let loader = Loader { path: "/ld.so".to_owned(), program: "/p".to_owned(), stranger: false };
        let mut also: Vec<String> = (0..3000).map(|n| format!("/site/{n:060}.so")).collect();
        also.push("/site/a b.so".to_owned());
        let batches = loader.batches(&also);
        assert_eq!(batches.last().unwrap(), &("/site/a b.so", String::new()));
        assert!(batches.iter().all(|(_, list)| list.len() <= MAX_PRELOAD));
        let listed: usize = batches.iter().map(|(_, list)| list.split(':').filter(|file| !file.is_empty()).count()).sum();
        assert_eq!(listed, 3000);
        assert_eq!(loader.batches(&[]), [("/p", String::new())]);
    }

    #[test]
    fn the_loader_is_read_from_hostile_files_too() {
        assert!(requested("/bin/sh").unwrap().unwrap().contains("/ld-"));
        let file = std::env::temp_dir().join(format!("remand-elf-{}", std::process::id()));
        let path = file.to_str().unwrap();
        let mut elf = [0_u8; 64];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        elf[54..58].copy_from_slice(&[0xff; 4]);
        for bytes in [&elf[..], &elf[..20], b"", b"#!/bin/sh\n"] {
            std::fs::write(&file, bytes).unwrap();
            assert!(requested(path).is_err());
        }
        let mut evil = std::fs::read("/bin/sh").unwrap();
        let at = evil.windows(6).position(|window| window == b"/lib64" || window == b"/lib/l").unwrap();
        evil[at..at + 5].copy_from_slice(b"/tmp/");
        std::fs::write(&file, &evil).unwrap();
        assert!(Loader::of(path, &[0]).err().unwrap().contains("as its dynamic loader"));
        std::fs::remove_file(&file).unwrap();
    }
}

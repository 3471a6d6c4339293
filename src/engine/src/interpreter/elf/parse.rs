//! What one ELF file says about how it is loaded.
//!
//! Always holds: the file is hostile. Only its headers, its dynamic table and the strings that this names are read, each of bounded size; nothing
//! that it says makes this fail but with a reason.

use std::cell::Cell;
use std::fs::File;

use object::elf::{self, Dyn64, FileHeader64, ProgramHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{FileKind, LittleEndian, ReadCache, ReadRef};

/// Most bytes of one table of the file, as the largest true dynamic tables have some 2 KiB.
const MAX_TABLE: u64 = 1 << 18;
/// Most bytes of all tables and strings of the file, as often as it names them.
const MAX_READ: u64 = 1 << 20;
/// Longest path, and longest name in one, as in the kernel.
pub(super) const MAX_PATH: usize = 4096;
const MAX_COMPONENT: usize = 255;
/// Longest string: distributions that name each directory of each library (Nix) have search paths of several KiB.
const MAX_STRING: u64 = 1 << 16;
/// Most entries of the dynamic table that name something.
const MAX_NAMES: usize = 1024;
#[cfg(target_arch = "x86_64")]
const MACHINE: elf::Machine = elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: elf::Machine = elf::EM_AARCH64;

const END: LittleEndian = LittleEndian;
type Headers<'a> = &'a [ProgramHeader64<LittleEndian>];

/// What matters of a program or shared library of this machine. Text that is not UTF-8 is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Object {
    /// `ET_EXEC`: no loader takes it for a library.
    pub fixed: bool,
    /// `PT_INTERP`: the loader that the kernel starts for it.
    pub loader: Option<String>,
    /// `DT_SONAME`.
    pub soname: Option<String>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<String>,
    /// `DT_FILTER` and `DT_AUXILIARY`: objects that glibc loads in front of it, where they are there.
    pub filters: Vec<String>,
    /// `DT_RPATH`.
    pub rpath: Option<String>,
    /// `DT_RUNPATH`.
    pub runpath: Option<String>,
    /// `DF_1_NODEFLIB`: nothing that it needs is looked for in default directories.
    pub nodeflib: bool,
    /// Bytes read to find this out.
    pub read: usize,
}

/// The file, with a limit on each read and on all: sizes, and how many there are, are the file's own claim.
#[derive(Clone, Copy)]
struct Bounded<'a> {
    cache: &'a ReadCache<File>,
    left: &'a Cell<u64>,
}

impl Bounded<'_> {
    fn take(self, size: u64) -> Result<(), ()> {
        self.left.set(self.left.get().saturating_sub(size));
        if self.left.get() == 0 { Err(()) } else { Ok(()) }
    }
}

impl<'a> ReadRef<'a> for Bounded<'a> {
    fn len(self) -> Result<u64, ()> {
        self.cache.len()
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        if size > MAX_TABLE {
            return Err(());
        }
        self.take(size)?;
        self.cache.read_bytes_at(offset, size)
    }

    fn read_bytes_at_until(self, range: std::ops::Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let read = self.cache.read_bytes_at_until(range, delimiter);
        self.take(read.map_or(MAX_PATH, <[u8]>::len).try_into().map_err(|_| ())?)?;
        read
    }
}

impl Object {
    /// Reads an open regular file.
    ///
    /// # Errors
    /// It is no 64-bit ELF file of this machine, or a damaged one.
    pub(crate) fn read(file: File) -> Result<Self, String> {
        let cache = ReadCache::new(file);
        let left = Cell::new(MAX_READ);
        let data = Bounded { cache: &cache, left: &left };
        let foreign = || format!("it is not a 64-bit program of this machine ({})", std::env::consts::ARCH);
        // The kernel may start one, and a run's filter would kill it at its first call.
        if matches!(FileKind::parse(data), Ok(FileKind::Elf32)) {
            return Err(format!("it is a 32-bit program; runs have 64-bit programs of this machine alone ({})", std::env::consts::ARCH));
        }
        let header = FileHeader64::<LittleEndian>::parse(data).map_err(|_| foreign())?;
        if !header.is_little_endian() || header.e_machine(END) != MACHINE {
            return Err(foreign());
        }
        // From 0xffff on the number of headers would be elsewhere; no loader looks there.
        let many = header.e_phnum(END) == elf::PN_XNUM;
        let headers: Headers<'_> = if many { None } else { header.program_headers(END, data).ok() }.ok_or("its headers are damaged")?;
        let mut found = Self { fixed: header.e_type(END) == elf::ET_EXEC, ..Self::default() };
        for header in headers {
            if let Some(name) = header.interpreter(END, data).map_err(|_| "the name of its loader is damaged")? {
                found.loader = Some(text(name).filter(|name| fits(name)).ok_or("the name of its loader is too long, or not UTF-8")?);
            }
        }
        for header in headers {
            if let Some(table) = header.dynamic(END, data).map_err(|_| "its dynamic table is damaged")? {
                found.take(table, headers, data)?;
            }
        }
        found.read = usize::try_from(MAX_READ - left.get()).unwrap_or_default();
        if left.get() == 0 { Err("its tables and names are longer than any true program's".to_owned()) } else { Ok(found) }
    }

    fn take(&mut self, table: &[Dyn64<LittleEndian>], headers: Headers<'_>, data: Bounded<'_>) -> Result<(), String> {
        let table: Vec<_> =
            table.iter().map(|entry| (entry.tag(END), entry.val(END))).take_while(|(tag, _)| *tag != elf::DT_NULL).collect();
        let value = |wanted| table.iter().find(|(tag, _)| *tag == wanted).map(|(_, value)| *value);
        self.nodeflib = value(elf::DT_FLAGS_1).is_some_and(|flags| flags & elf::DF_1_NODEFLIB.0 != 0);
        let Some(strings) = value(elf::DT_STRTAB).and_then(|address| offset(headers, address)) else { return Ok(()) };
        let mut names = 0;
        for (tag, index) in table {
            let place = match tag {
                elf::DT_NEEDED | elf::DT_FILTER | elf::DT_AUXILIARY | elf::DT_SONAME | elf::DT_RPATH | elf::DT_RUNPATH => index,
                _ => continue,
            };
            names += 1;
            let string = strings.checked_add(place).and_then(|at| string(data, at)).filter(|_| names <= MAX_NAMES);
            let list = matches!(tag, elf::DT_RPATH | elf::DT_RUNPATH);
            // No loader finds it, and so none loads this.
            if string.as_ref().is_some_and(|name| !list && !fits(name)) {
                return Err("it has a name for a library that no file can have".to_owned());
            }
            match tag {
                elf::DT_NEEDED => self.needed.extend(string),
                elf::DT_SONAME => self.soname = string,
                elf::DT_RPATH => self.rpath = string,
                elf::DT_RUNPATH => self.runpath = string,
                _ => self.filters.extend(string),
            }
        }
        Ok(())
    }
}

/// Whether a file can have this name.
fn fits(name: &str) -> bool {
    name.len() < MAX_PATH && name.split('/').all(|part| part.len() <= MAX_COMPONENT)
}

/// Where in the file an address of its image is.
fn offset(headers: Headers<'_>, address: u64) -> Option<u64> {
    headers.iter().filter(|header| header.p_type(END) == elf::PT_LOAD).find_map(|header| {
        let within = address.checked_sub(header.p_vaddr(END))?;
        header.p_offset(END).checked_add(within).filter(|_| within < header.p_filesz(END))
    })
}

fn string(data: Bounded<'_>, at: u64) -> Option<String> {
    let end = data.len().ok()?;
    let short = data.read_bytes_at_until(at..end, 0).ok();
    let long = || data.read_bytes_at(at, end.checked_sub(at)?.min(MAX_STRING)).ok();
    text(short.or_else(long)?).filter(|text| !text.is_empty())
}

/// The text before the first NUL byte.
fn text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.split(|byte| *byte == 0).next()?;
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

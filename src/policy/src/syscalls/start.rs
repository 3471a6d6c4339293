//! What an interpreter needs to start at all.
//!
//! Always holds: without any one of these, no CPython that was measured (3.9 to 3.13) gets through user code, on any instruction set that has the
//! call; the end-to-end tests take each of them away and look. What only some C libraries need (`newfstatat` here, `fstat` there) is not listed.

/// In the order of the table.
pub const NEEDED_TO_START: &[&str] = &[
    "arch_prctl",     // the loader's thread-local storage
    "close",          // every file that was opened
    "fcntl",          // whether the standard streams are open
    "getdents64",     // the import system lists directories
    "mmap",           // the loader maps libraries, the allocator takes arenas
    "mprotect",       // the loader makes relocated pages read-only
    "openat",         // libraries and modules
    "read",           // libraries, modules and the job
    "rt_sigaction",   // Python's own signal handlers
    "rt_sigprocmask", // threads and signals of the C library
    "write",          // the `ready` frame and the result
];

//! System calls: the table, named groups, the compiler from a policy to a seccomp filter, and a simulator for filters.

pub mod bpf;

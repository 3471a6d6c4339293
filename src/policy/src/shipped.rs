//! The policies that are built into the binary.

//! A table of the files in `programs/`, built into the tests so that they run from any directory and as any user.
#![forbid(unsafe_code)]

use std::fmt::Write;
use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=programs");
    let directory = env::current_dir()?.join("programs");
    let mut names = Vec::new();
    for entry in fs::read_dir(&directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".rs") {
            names.push(name);
        }
    }
    names.sort();
    let mut table = "&[".to_owned();
    for name in names {
        let _ = write!(table, "({name:?}, include_str!({:?})),", directory.join(&name));
    }
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&out).join("programs.rs"), table + "]")
}

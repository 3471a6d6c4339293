//! What a CPython needs to run, as found by asking it once. Found and cached by `remand-engine`; plain data here.
//!
//! Always holds: every path is absolute; `binds` are real paths (no symlink in any component), and `links` are exactly the symlinks that lead
//! from the names the interpreter uses to those real paths.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::files::FileId;

/// What a program that shows as a notebook does is given besides, in its job.
pub const DISPLAY: &str = include_str!("../../executor/display.py");
/// What the interpreter is started with, by `-c`: it reads the compiled executor and becomes it.
pub const BOOTSTRAP: &str = include_str!("../../executor/bootstrap.py");
/// The executor's text: its files are one program, in this order, which its own tests read here; then the layers that only some of its jobs load, each after a
/// NUL, its name and another NUL.
pub const PROGRAM: &str = concat!(
    include_str!("../../executor/frames.py"),
    include_str!("../../executor/values.py"),
    include_str!("../../executor/forms.py"),
    include_str!("../../executor/prints.py"),
    include_str!("../../executor/source.py"),
    include_str!("../../executor/places.py"),
    include_str!("../../executor/errors.py"),
    include_str!("../../executor/names.py"),
    include_str!("../../executor/function.py"),
    include_str!("../../executor/script.py"),
    include_str!("../../executor/main.py"),
    "\0n8n\0",
    include_str!("../../executor/n8n/rules.py"),
    include_str!("../../executor/n8n/analysis.py"),
    include_str!("../../executor/n8n/guards.py"),
    include_str!("../../executor/n8n/values.py"),
    include_str!("../../executor/n8n/task.py"),
);
/// Path in the run of the compiled executor.
pub const EXECUTOR: &str = "/remand/executor";
/// Path in the run of what stands for the code of a function as a file.
pub const MAIN: &str = "/remand/main.py";

/// One CPython installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interpreter {
    /// Path that is executed inside the run; for a venv, its `bin/python`.
    pub executable: String,
    /// Such as `(3, 11, 7)`.
    pub version: (u32, u32, u32),
    /// `sys.prefix` as `site` would set it: for a venv, its directory.
    pub prefix: String,
    /// Directories and files that it cannot start or import the standard library without: the binary, its loader, libraries, `lib/python3.x`.
    pub core: Tree,
    /// Site packages and the libraries their extensions need, so far as `core` doesn't show them; empty unless they were asked for.
    pub site: Tree,
    /// Directories of packages, so far as they were asked for, and those that `.pth` files in them name.
    pub site_paths: Vec<String>,
    /// What such files name, and what of it runs are shown.
    pub beside: Vec<(String, String)>,
    /// What such files name and runs are not shown, and why.
    pub left_out: Vec<(String, String)>,
    /// `sys.path` of the bare interpreter: its standard library.
    pub standard_path: Vec<String>,
    /// Modules that it has in itself, by their whole names: compiled in, frozen, or made at its start.
    pub builtin: Vec<String>,
    /// Endings of its extension modules, such as `.abi3.so`.
    pub suffixes: Vec<String>,
    /// The executor, compiled by this very interpreter: what its `marshal.dumps` made of the code object. Kept beside the record, not in it.
    #[serde(skip)]
    pub executor: Vec<u8>,
}

/// Host files shown to a run at their own paths, read-only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Real paths of directories and regular files to bind, none below another; and which file was looked at there and judged.
    pub binds: BTreeMap<String, FileId>,
    /// Symlinks to recreate: (path, target as written on the host).
    pub links: Vec<(String, String)>,
    /// Real paths below `binds` to hide behind an empty directory (such as `site-packages` inside `lib/python3.11` when it is not asked for).
    pub hidden: Vec<String>,
}

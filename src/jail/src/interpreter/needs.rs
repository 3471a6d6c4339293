//! From an interpreter's reply to the trees that it needs.
//!
//! Always holds: a path of the reply is used only where it looks like what was asked for, so that no answer can put another directory of the host
//! into a run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use remand_policy::Interpreter;
use remand_policy::interpreter::Tree;

use super::ask::Reply;
use super::libraries::Loader;
use super::tree;

/// Loaded by libc or Python by name when first needed, so that no file names them: libc ends threads with libgcc's unwinder.
const LAZY: &[&str] = &["libgcc_s.so.1"];
/// Extension modules that are of no use in a run and would bring in many libraries: no display, no directory services.
const LEFT_OUT: &[&str] = &["_tkinter", "nis"];
/// Most extension modules looked at below site directories.
const MAX_MODULES: usize = 50_000;

/// An interpreter, and every name that its trees were made from (whose identity they depend on).
pub(super) type Needs = (Interpreter, BTreeSet<String>);

/// Finds out what the interpreter behind `reply` needs; with `site`, also for its site packages. `owners` may have put its loader there.
pub(super) fn needs(reply: &Reply, executor: Vec<u8>, site: bool, owners: &[u32]) -> Result<Needs, String> {
    let follow = |name: &str| tree::resolve(name, &tree::host).map(|found| found.real);
    let binary = follow(&reply.executable).ok_or_else(|| format!("cannot follow {} to a file", reply.executable))?;
    // The shape is asked of what is at the end of symlinks: those may be anybody's.
    let fits = |path: &str, shape: &dyn Fn(&Path) -> bool| follow(path).is_some_and(|real| shape(Path::new(&real)));
    let is_library = |path: &Path| is_library(path, reply.version);
    let library_paths: Vec<&str> = reply.paths.iter().map(String::as_str).filter(|path| fits(path, &is_library)).collect();
    if !library_paths.iter().any(|path| Path::new(path).join("os.py").is_file()) {
        return Err(format!("it names no standard library directory (sys.path is {:?})", reply.paths));
    }
    let loader = Loader::of(&binary, owners)?;
    let load = |also: &[String]| loader.as_ref().map_or(Ok(BTreeSet::new()), |loader| loader.libraries(also));

    let mut names = load(&stdlib_modules(&library_paths))?;
    names.extend([reply.executable.clone(), binary.clone()]);
    names.extend(reply.venv.iter().filter(|path| fits(path, &|path| path.ends_with("pyvenv.cfg") && path.is_file())).cloned());
    names.extend(library_paths.iter().map(|path| (*path).to_owned()));
    names.extend(reply.zoneinfo.iter().filter(|path| fits(path, &|path| path.ends_with("zoneinfo") && path.is_dir())).cloned());
    let mut core = tree::build(names.iter().map(String::as_str), &Tree::default(), &tree::host);

    let site_paths: Vec<String> = reply.site.iter().filter(|path| site && fits(path, &is_site)).cloned().collect();
    let shown: Vec<String> = site_paths.iter().filter_map(|path| follow(path)).collect();
    core.hidden = core.binds.iter().flat_map(|bind| ["site-packages", "dist-packages"].map(|name| format!("{bind}/{name}"))).collect();
    core.hidden.retain(|path| is_dir(path) && !shown.contains(path));

    let site_names: BTreeSet<String> =
        if site { load(&site_modules(&shown)?)?.into_iter().chain(site_paths.iter().cloned()).collect() } else { BTreeSet::new() };
    let site_tree = tree::build(site_names.iter().map(String::as_str), &core, &tree::host);
    names.extend(site_names);
    // What lies in a directory that is shown whole may change without changing this answer.
    names.retain(|name| {
        follow(name).is_some_and(|real| core.binds.contains(&real) || site_tree.binds.contains(&real) || shown.contains(&real))
    });
    let interpreter = Interpreter {
        executable: reply.executable.clone(),
        version: reply.version,
        prefix: reply.prefix.clone(),
        core,
        site: site_tree,
        site_paths,
        executor,
    };
    Ok((interpreter, names))
}

fn is_dir(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn is_site(path: &Path) -> bool {
    path.is_dir() && (path.ends_with("site-packages") || path.ends_with("dist-packages"))
}

/// Whether an entry of `sys.path` looks like a part of the standard library.
fn is_library(path: &Path, (major, minor, _): (u32, u32, u32)) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let zip = name.starts_with(&format!("python{major}{minor}")) && name.ends_with(".zip") && path.is_file();
    // `python3.13t` is the build without a global lock.
    let directory = name.starts_with(&format!("python{major}.{minor}")) && path.join("os.py").is_file();
    zip || directory || (name == "lib-dynload" && path.is_dir())
}

/// What the standard library may load: its extension modules, and libraries loaded by name.
fn stdlib_modules(library_paths: &[&str]) -> Vec<String> {
    let directories = library_paths.iter().filter(|path| path.ends_with("/lib-dynload"));
    let files = directories.filter_map(|path| std::fs::read_dir(path).ok()).flatten().flatten().map(|entry| entry.path());
    let modules = files.filter(|file| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".so") && !LEFT_OUT.iter().any(|out| name.strip_prefix(out).is_some_and(|rest| rest.starts_with('.')))
    });
    let mut modules: Vec<String> = modules.filter_map(|file| file.into_os_string().into_string().ok()).collect();
    modules.sort();
    LAZY.iter().map(|name| (*name).to_owned()).chain(modules).collect()
}

/// Every shared object below the site directories (symlinks to directories are not followed).
fn site_modules(directories: &[String]) -> Result<Vec<String>, String> {
    let mut modules = Vec::new();
    let mut todo: Vec<PathBuf> = directories.iter().map(PathBuf::from).collect();
    while let Some(directory) = todo.pop() {
        let entries = std::fs::read_dir(&directory).map_err(|error| format!("cannot list {}: {error}", directory.display()))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => todo.push(entry.path()),
                Ok(_) if name.ends_with(".so") || name.contains(".so.") => modules.extend(entry.path().into_os_string().into_string()),
                _ => {}
            }
        }
        if modules.len() > MAX_MODULES {
            return Err(format!("more than {MAX_MODULES} shared objects below {}", directories.join(", ")));
        }
    }
    modules.sort();
    Ok(modules)
}

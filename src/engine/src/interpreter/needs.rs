//! From an interpreter's layout and its reply to the trees that it needs.
//!
//! Always holds: the core is found by reading alone, before the interpreter is asked; a path of the reply is used only where it looks like what was asked
//! for, and only if it was named along with the interpreter or everybody can read it, so that no answer can put another directory of the host into a run.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use remand_plan::Interpreter;
use remand_plan::interpreter::Tree;

use super::ask::Reply;
use super::beside;
use super::budget::Budget;
use super::elf::libraries;
use super::layout::Layout;
use super::reach::{Machine, Reach};
use super::tree;
use super::trust::{self, PACKAGES};

/// Loaded by libc or Python by name when first needed, so that no file names them: libc ends threads with libgcc's unwinder.
const LAZY: &[&str] = &["libgcc_s.so.1"];
/// Extension modules that are of no use in a run and would bring in many libraries: no display, no directory services.
const LEFT_OUT: &[&str] = &["_tkinter", "nis"];
/// Endings of directories that no module is imported from.
const NO_MODULES: [&str; 2] = ["__pycache__", ".dist-info"];
/// Most extension modules looked at below site directories.
const MAX_MODULES: usize = 50_000;

/// What an interpreter starts with and imports its standard library from.
pub(super) struct Core {
    /// The shared libraries of the executable and of its extension modules.
    pub shared: BTreeSet<String>,
    /// Everything by name: those, the executable, `pyvenv.cfg`, the standard libraries.
    names: BTreeSet<String>,
    binary: String,
    reach: Reach<'static>,
}

impl Core {
    /// Finds it by reading. `own_id`: runs have the caller's own user id.
    pub(super) fn of(layout: &Layout, own_id: bool) -> Result<Self, String> {
        let reach = Reach::new(&Machine, layout.places(), own_id);
        let shared = libraries(&layout.binary, &stdlib_modules(&layout.libraries)?, &reach)?;
        let links = beside::links(&layout.libraries, &trust::owners(), &reach);
        let own = [&layout.executable, &layout.binary].into_iter().chain(&layout.config).chain(&layout.libraries);
        Ok(Self { names: shared.iter().chain(own).cloned().chain(links).collect(), shared, binary: layout.binary.clone(), reach })
    }

    /// What shows it, with directories of packages hidden unless they are among `shown`.
    pub(super) fn tree(&self, shown: &[String]) -> Tree {
        let mut tree = tree::build(self.names.iter().map(String::as_str), &Tree::default(), &|path| self.reach.look(path));
        tree.hidden = tree.binds.keys().flat_map(|bind| PACKAGES.map(|name| format!("{bind}/{name}"))).collect();
        tree.hidden.retain(|path| is_dir(path) && !shown.contains(path));
        tree
    }
}

/// The locale that the shipped policies name: a directory of files, which glibc does not have in itself.
const LOCALE: &str = "/usr/lib/locale/C.utf8";

/// What an answer rests on.
#[derive(Debug, Default)]
pub(super) struct Rests {
    /// Files and directories that it was made from.
    pub names: BTreeSet<String>,
    /// What was not there, and where something was looked for in vain.
    pub sought: BTreeSet<String>,
    /// Real paths of the directories that modules were looked for in.
    pub directories: Vec<String>,
    /// Real paths of what a run is shown only while everybody can read all of it.
    pub open: Vec<String>,
}

pub(super) type Needs = (Interpreter, Rests);

/// Finds out what the interpreter behind `reply` needs besides its core; with `site`, also its site packages.
pub(super) fn needs(
    layout: &Layout,
    mut core: Core,
    (reply, executor): (&Reply, Vec<u8>),
    site: bool,
    owners: &[u32],
) -> Result<Needs, String> {
    let follow = |name: &str| tree::resolve(name, &tree::host).map(|found| found.real);
    let standard: BTreeSet<String> =
        layout.libraries.iter().filter(|path| Path::new(path).join("os.py").is_file()).filter_map(|path| follow(path)).collect();
    if !reply.paths.iter().filter_map(|path| follow(path)).any(|path| standard.contains(&path)) {
        return Err(format!("names none of the standard libraries that were found for it (sys.path is {:?})", reply.paths));
    }
    let public = |path: &str, end: &str| follow(path).is_some_and(|real| real.ends_with(end) && is_dir(&real)) && core.reach.public(path);
    let zoneinfo = reply.zoneinfo.iter().find(|path| public(path, "/zoneinfo")).cloned();
    let locale = Some(LOCALE).filter(|path| public(path, LOCALE)).map(str::to_owned);
    core.names.extend(zoneinfo.into_iter().chain(locale));

    let mut site_paths = if site { packages(layout, reply, &core.reach, owners)? } else { Vec::new() };
    let shown: Vec<String> = site_paths.iter().filter_map(|path| follow(path)).collect();
    let core_tree = core.tree(&shown);
    core.reach.name(&shown);
    let brought = beside::brought(&shown, layout.project().as_deref(), &core.reach);
    let open: Vec<String> = brought.names.iter().filter_map(|name| follow(name)).collect();
    let trees: Vec<String> = open.iter().chain(&shown).cloned().collect();
    let (modules, mut directories) = if site { site_modules(&trees, &core.reach.budget)? } else { Default::default() };
    let modules = if site { libraries(&core.binary, &modules, &core.reach)? } else { BTreeSet::new() };
    directories.splice(0..0, brought.listed);
    let site_names: BTreeSet<String> = modules.into_iter().chain(site_paths.iter().cloned()).chain(brought.names).collect();
    site_paths.extend(brought.directories);
    let site_tree = tree::build(site_names.iter().map(String::as_str), &core_tree, &|path| core.reach.look(path));
    core.reach.complete(&core.binary)?;
    let mut names = core.names;
    names.extend(site_names);
    // What lies in a directory that is shown whole may change without changing this answer.
    names.retain(|name| {
        follow(name).is_some_and(|real| core_tree.binds.contains_key(&real) || site_tree.binds.contains_key(&real) || shown.contains(&real))
    });
    names.extend(brought.read);
    let mut sought: BTreeSet<String> = core.reach.sought.take();
    sought.extend(
        layout.sought.iter().chain(&reply.zoneinfo).chain(if site { &reply.site[..] } else { &[] }).cloned().chain([LOCALE.to_owned()]),
    );
    let open = if core.reach.own_id() { open } else { Vec::new() };
    let interpreter = Interpreter {
        executable: layout.executable.clone(),
        version: reply.version,
        prefix: reply.prefix.clone(),
        core: core_tree,
        site: site_tree,
        site_paths,
        left_out: brought.left_out,
        beside: brought.beside,
        standard_path: reply.paths.clone(),
        builtin: reply.builtin.clone(),
        suffixes: reply.suffixes.clone(),
        executor,
    };
    Ok((interpreter, Rests { names, sought, directories, open }))
}

/// The site directories that are there: those named along with the interpreter, if nobody else can add to them, and those that everybody can read.
fn packages(layout: &Layout, reply: &Reply, reach: &Reach<'_>, owners: &[u32]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for path in &reply.site {
        // The shape is asked of what is at the end of symlinks: those may be anybody's.
        let Some(real) = tree::resolve(path, &tree::host).map(|found| found.real).filter(|real| is_site(Path::new(real))) else { continue };
        if !reach.public(path) {
            let named = if layout.names(&real) { Ok(()) } else { Err("it lies outside of the interpreter's own directories".to_owned()) };
            let named = named.and_then(|()| trust::directory(path, owners));
            named.map_err(|why| format!("has packages in {path}, which not everybody can read, and {why}"))?;
        }
        found.push(path.clone());
    }
    Ok(found)
}

fn is_dir(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn is_site(path: &Path) -> bool {
    path.is_dir() && (path.ends_with("site-packages") || path.ends_with("dist-packages"))
}

/// What the standard library may load: its extension modules, and libraries loaded by name.
fn stdlib_modules(libraries: &[String]) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    for path in libraries.iter().filter(|path| path.ends_with("/lib-dynload")) {
        let entries = std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        files.extend(entries.map_err(|error| format!("cannot list {path}: {error}"))?.into_iter().map(|entry| entry.path()));
    }
    let modules = files.into_iter().filter(|file| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".so") && !LEFT_OUT.iter().any(|out| name.strip_prefix(out).is_some_and(|rest| rest.starts_with('.')))
    });
    let mut modules: Vec<String> = modules.filter_map(|file| file.into_os_string().into_string().ok()).collect();
    modules.sort();
    Ok(LAZY.iter().map(|name| (*name).to_owned()).chain(modules).collect())
}

/// Every shared object that these are or that is below them (symlinks to directories are not followed), and the directories that may hold one. What cannot be
/// listed is passed over: one package is no reason that nothing starts, and mostly a run cannot reach it either.
fn site_modules(trees: &[String], budget: &Budget) -> Result<(Vec<String>, Vec<String>), String> {
    let is_object = |name: &str| name.ends_with(".so") || name.contains(".so.");
    let mut modules: Vec<String> = trees.iter().filter(|tree| is_object(tree) && Path::new(tree).is_file()).cloned().collect();
    let mut directories = Vec::new();
    let mut todo: VecDeque<PathBuf> = trees.iter().filter(|tree| is_dir(tree)).map(PathBuf::from).collect();
    // Those further up first: where they are too many to look at each time, these tell more.
    while let Some(directory) = todo.pop_front() {
        directories.extend(
            directory
                .to_str()
                .filter(|_| !NO_MODULES.iter().any(|none| directory.as_os_str().as_encoded_bytes().ends_with(none.as_bytes())))
                .map(str::to_owned),
        );
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !budget.pay(directory.as_os_str().len() + name.len(), 0) {
                return Err(format!("more files below {} than can be looked at", trees.join(", ")));
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => todo.push_back(entry.path()),
                Ok(_) if is_object(&name) => modules.extend(entry.path().into_os_string().into_string()),
                _ => {}
            }
        }
        if modules.len() > MAX_MODULES {
            return Err(format!("more than {MAX_MODULES} shared objects below {}", trees.join(", ")));
        }
    }
    modules.sort();
    Ok((modules, directories))
}

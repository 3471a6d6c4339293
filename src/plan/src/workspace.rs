//! What a request gives a run for its `/workspace`: names checked, directories named before what they hold.
//!
//! Always holds: a name stays beneath `/workspace`; what is made fits into the run's own file system, which the policy keeps below its memory; nothing is made over another or over the
//! program's own file.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use remand_policy::Policy;

use crate::job::JobError;
use crate::request::{Given, GivenKind, Mode, Request};

/// Longest name of one file or directory in bytes, as the kernel takes it.
const LONGEST_NAME: usize = 255;
/// Longest path beneath `/workspace`.
const LONGEST_PATH: usize = 4_000;
/// What a file takes at least of the file system that holds it.
const PAGE: u64 = 4096;

/// One thing to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// A directory.
    Directory,
    /// A file with its content; whether it may be executed.
    File(Arc<[u8]>, bool),
}

/// What is to be made, by its path beneath `/workspace`: a directory comes before what it holds.
pub type Workspace = BTreeMap<String, Made>;

/// What a request gives, as it is to be made under a policy.
///
/// # Errors
/// What of it cannot be made.
pub fn workspace(request: &Request, policy: &Policy) -> Result<Workspace, JobError> {
    let mut made = Workspace::new();
    for Given { name, kind } in &request.files {
        let path = path(name)?;
        if own_program(request, &path, kind)? {
            continue;
        }
        for (end, _) in path.match_indices('/') {
            add(&mut made, path.get(..end).unwrap_or_default(), Made::Directory)?;
        }
        match kind {
            // `/workspace` itself is there.
            GivenKind::Directory { .. } if path.is_empty() => {}
            GivenKind::Directory { .. } => add(&mut made, &path, Made::Directory)?,
            GivenKind::File { .. } if path.is_empty() => return Err(wrong(name, "it names no file")),
            GivenKind::File { content, executable } => add(&mut made, &path, Made::File(Arc::clone(content), *executable))?,
        }
    }
    fits(&made, policy)?;
    Ok(made)
}

/// A name as a path beneath `/workspace`: its components, and nothing for `.`.
///
/// # Errors
/// It does not stay there.
pub fn path(name: &str) -> Result<String, JobError> {
    if name.is_empty() || name.starts_with('/') {
        return Err(wrong(name, "a name relative to /workspace is expected"));
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(wrong(name, "`..` leads out of /workspace"));
    }
    if name.contains('\0') || parts.iter().any(|part| part.len() > LONGEST_NAME) || name.len() > LONGEST_PATH {
        return Err(wrong(name, "it is too long for a name, or has a NUL byte"));
    }
    Ok(parts.join("/"))
}

/// Whether it is the program's own file, which is there in any case.
fn own_program(request: &Request, path: &str, kind: &GivenKind) -> Result<bool, JobError> {
    let Mode::Script(script) = &request.mode else { return Ok(false) };
    if script.origin.file() != Some(path) {
        return Ok(false);
    }
    match kind {
        GivenKind::File { content, .. } if **content == *request.code.as_bytes() => Ok(true),
        _ => Err(wrong(path, "the program's own file has this name")),
    }
}

fn add(made: &mut Workspace, path: &str, what: Made) -> Result<(), JobError> {
    match made.entry(path.to_owned()) {
        Entry::Vacant(free) => drop(free.insert(what)),
        Entry::Occupied(taken) if *taken.get() == Made::Directory && what == Made::Directory => {}
        Entry::Occupied(_) => return Err(wrong(path, "two things are given that name")),
    }
    Ok(())
}

fn fits(made: &Workspace, policy: &Policy) -> Result<(), JobError> {
    let bytes = |made: &Made| if let Made::File(content, _) = made { (content.len() as u64).next_multiple_of(PAGE) } else { 0 };
    let size = made.values().map(bytes).sum();
    let tmp = &policy.filesystem.tmp;
    let bounds = [
        ("filesystem.tmp.size", size, tmp.size.0, "bytes"),
        ("filesystem.tmp.inodes", made.len() as u64, tmp.inodes, "files and directories"),
    ];
    match bounds.into_iter().find(|(_, size, allowed, _)| size > allowed) {
        Some((field, size, allowed, what)) => Err(JobError::FilesTooLarge { field, size, allowed, what }),
        None => Ok(()),
    }
}

fn wrong(name: &str, why: &'static str) -> JobError {
    JobError::File { name: name.to_owned(), why }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::request::{Origin, Script};

    fn file(name: &str, content: &str) -> Given {
        Given { name: name.into(), kind: GivenKind::File { content: content.as_bytes().into(), executable: false } }
    }

    fn directory(name: &str) -> Given {
        Given { name: name.into(), kind: GivenKind::Directory { imports: true } }
    }

    fn made(files: Vec<Given>) -> Result<Vec<String>, String> {
        let mode = Mode::Script(Script { origin: Origin::File("main.py".into()), ..Script::default() });
        let request = Request { code: "pass".into(), mode, files, ..Request::default() };
        let policy = Policy::floor("test");
        workspace(&request, &policy).map(|made| made.into_keys().collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn directories_come_before_what_they_hold() {
        let given = vec![file("b/c/d", ""), file("./a//x", ""), directory("."), directory("b/"), directory("e"), file("main.py", "pass")];
        assert_eq!(made(given).unwrap(), ["a", "a/x", "b", "b/c", "b/c/d", "e"]);
    }

    #[test]
    fn what_is_not_beneath_the_workspace_or_over_another_is_refused() {
        for (files, said) in [
            (vec![file("../a", "")], "../a: `..` leads out of /workspace"),
            (vec![file("a/../../b", "")], "a/../../b: `..` leads out of /workspace"),
            (vec![file("/etc/passwd", "")], "/etc/passwd: a name relative to /workspace is expected"),
            (vec![file("", "")], ": a name relative to /workspace is expected"),
            (vec![file(".", "")], ".: it names no file"),
            (vec![file("a\0", "")], "a\0: it is too long for a name, or has a NUL byte"),
            (vec![file("a", ""), file("./a", "")], "a: two things are given that name"),
            (vec![file("a", ""), file("a/b", "")], "a: two things are given that name"),
            (vec![directory("a"), file("a", "")], "a: two things are given that name"),
            (vec![file("main.py", "other")], "main.py: the program's own file has this name"),
            (vec![directory("main.py")], "main.py: the program's own file has this name"),
        ] {
            assert_eq!(made(files), Err(said.into()));
        }
        assert!(made(vec![file(&"n".repeat(256), "")]).is_err() && made(vec![file(&"n".repeat(255), "")]).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_starts() {
        let size = Policy::floor("test").filesystem.tmp.size.0;
        let whole = "x".repeat(usize::try_from(size).unwrap());
        assert!(made(vec![file("a", &whole)]).is_ok());
        let over = made(vec![file("a", &whole), file("b", "x")]).unwrap_err();
        assert_eq!(over, format!("the files are {} bytes, over filesystem.tmp.size = {size}", size + PAGE));
        let many = (0..65).map(|n| file(&n.to_string(), "")).collect();
        assert_eq!(made(many).unwrap_err(), "the files are 65 files and directories, over filesystem.tmp.inodes = 64");
    }
}

//! What a program needs to start and a run does not see: what its `#!` line names, its loader, its libraries.
//!
//! Always holds: names are those by which the program or its loader looks for a file; a file that a run sees by another name does not count.

use remand_plan::files::{Files, LINKS, NoProgram, parts, real};
use remand_plan::host::HostFacts;
use remand_plan::interpreter::Tree;
use remand_plan::plan::Plan;
use remand_plan::view::{At, View};
use remand_policy::places::behind;

/// Where `execvp` and `env` look without a `PATH`.
const SEARCH: &str = "/bin:/usr/bin";

/// Why a file is started by nothing that a mount shows.
pub(super) enum Never {
    /// No format that the kernel knows.
    Format(String),
    Unknown(String),
}

/// The names of what a run under this plan lacks to start the program at a path of the host, as far as that can be seen.
#[must_use]
pub fn needed(program: &str, plan: &Plan, host: &HostFacts, files: &dyn Files) -> Vec<String> {
    lacking(program, &View { plan, host, files }).and_then(Result::ok).unwrap_or_default()
}

/// The names of what a run lacks to start the program at a path of the host; `None` where nobody has looked.
pub(super) fn lacking(source: &str, view: &View<'_>) -> Option<Result<Vec<String>, Never>> {
    let search = view.plan.command.env.iter().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or(SEARCH);
    let tree = match view.files.needs(source, search)? {
        Ok(tree) => tree,
        Err(NoProgram::Format(why)) => return Some(Err(Never::Format(why))),
        Err(NoProgram::Lacks(why)) => return Some(Err(Never::Unknown(why))),
    };
    let unseen = |name: &String| match view.walk(name).end {
        Ok(At::Bind(bind, _)) => !bind.exec,
        Ok(_) => false,
        Err(_) => true,
    };
    let itself = real(view.files, source).map(|(real, _)| real);
    let other = |name: &String| itself.is_none() || real(view.files, name).map(|(real, _)| real) != itself;
    Some(Ok(names(&tree).into_iter().filter(|name| other(name) && unseen(name)).collect()))
}

/// The names that lead to what a tree shows: the files themselves, but those that a link of their own leads to, and through each of its links.
fn names(tree: &Tree) -> Vec<String> {
    let mut names: Vec<String> = tree.binds.keys().cloned().collect();
    let mut linked = Vec::new();
    for _ in 0..LINKS {
        let known = names.len();
        for (link, target) in &tree.links {
            let end = target_of(link, target);
            for name in names.clone() {
                let Some(rest) = behind(&name, &end).filter(|_| end != "/") else { continue };
                if rest.is_empty() {
                    linked.push(name.clone());
                }
                let through = format!("{link}{rest}");
                if !names.contains(&through) {
                    names.push(through);
                }
            }
        }
        if names.len() == known {
            break;
        }
    }
    names.retain(|name| !linked.contains(name));
    names
}

/// Where a link leads, as an absolute path.
fn target_of(link: &str, target: &str) -> String {
    let above = if target.starts_with('/') { "" } else { link.rsplit_once('/').map_or("", |(above, _)| above) };
    let mut whole: Vec<&str> = Vec::new();
    for part in parts(above).chain(parts(target)) {
        if part == ".." {
            whole.pop();
        } else {
            whole.push(part);
        }
    }
    format!("/{}", whole.join("/"))
}

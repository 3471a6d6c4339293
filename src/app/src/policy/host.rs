//! What a policy names that this machine does not have, or that a run would refuse here.
//!
//! Always holds: only warnings come from here, since the policy may be for another machine; nothing that a policy names by its path is opened or run.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use remand_jail::host::{Depth, observe};
use remand_jail::interpreter;
use remand_policy::load::{Loaded, Place, Problem, Severity, Source};
use remand_policy::plan::{self, Program, Refused};
use remand_policy::policy::Mount;

use super::snippet::{Said, problem};
use crate::print::plain;
use crate::run::DEFAULT_PATH;
use crate::trust::{self, Distrust};

/// Who else can write the policy itself.
pub fn trust(path: &Path, sources: &[Source]) -> Vec<Problem> {
    let told = |Distrust { component, objection, .. }: Distrust| {
        let message = format!("{} {objection}", shown(&component));
        problem(sources, None, Said { severity: Severity::Warning, field: String::new(), message, help: None })
    };
    trust::objections(path).into_iter().map(told).collect()
}

/// The interpreter and the mounts.
pub fn lacks(loaded: &Loaded, sources: &[Source]) -> Vec<Problem> {
    let all = sources;
    let warning = |field: String, place: Option<&Place>, message: String, help: &str| {
        problem(sources, place, Said { severity: Severity::Warning, field, message, help: Some(help.to_owned()) })
    };
    let wanted = &loaded.policy.python.interpreter;
    let interpreter = absent(wanted).map(|message| {
        let field = "python.interpreter";
        warning(field.into(), loaded.origins.of(field), message, "name one that is installed; `remand exec` needs none")
    });
    let mounts = &loaded.policy.filesystem.mounts;
    let sources = mounts.iter().enumerate().filter_map(|(index, mount)| {
        let (message, help) = source(mount).or_else(|| inner(mount, mounts))?;
        Some(warning("filesystem.mounts".into(), loaded.origins.entry("filesystem.mounts", index), message, help))
    });
    let found: Vec<_> = interpreter.into_iter().chain(sources).collect();
    // What the mounts and the interpreter lack is told better by themselves.
    if found.is_empty() { refusals(loaded, all) } else { found }
}

/// Why nothing starts under the policy here, with the interpreter that a run of this user would take by its bare name.
fn refusals(loaded: &Loaded, sources: &[Source]) -> Vec<Problem> {
    let Loaded { policy, origins, .. } = loaded;
    if policy.python.interpreter.contains('/') {
        return Vec::new();
    }
    let path = env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.into());
    let Ok(found) = interpreter::find(&policy.python.interpreter, &path, !policy.python.external_allow.is_empty()) else {
        return Vec::new();
    };
    let refused = plan::resolve(policy, &Program::Python(&found.interpreter), &observe(Depth::Quick)).err().unwrap_or_default();
    let told = |Refused { protection, blocker, remedy }: Refused| {
        let mount = policy.filesystem.mounts.iter().position(|mount| protection == format!("the mount at {}", mount.target));
        let place = mount.and_then(|index| origins.entry("filesystem.mounts", index));
        let message = format!("nothing starts under it here: {} cannot be had: {}", plain(&protection), plain(&blocker));
        problem(sources, place, Said { severity: Severity::Warning, field: String::new(), message, help: Some(remedy) })
    };
    refused.into_iter().map(told).collect()
}

fn shown(path: &Path) -> String {
    plain(&path.to_string_lossy()).into_owned()
}

/// Why no interpreter of this name can be started. It is not asked anything: the file that names it may be anybody's.
fn absent(wanted: &str) -> Option<String> {
    let usable = |path: &Path| fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    if wanted.contains('/') {
        return (!usable(Path::new(wanted))).then(|| format!("{} is no program here", plain(wanted)));
    }
    let path = env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.into());
    let found = env::split_paths(&path).any(|directory| usable(&directory.join(wanted)));
    (!found).then(|| format!("there is no {} on PATH", plain(wanted)))
}

/// Why a mount's source can't be shown.
fn source(mount: &Mount) -> Option<(String, &'static str)> {
    let mut here = PathBuf::new();
    for component in Path::new(&mount.source).components() {
        here.push(component);
        match fs::symlink_metadata(&here) {
            Ok(file) if file.is_symlink() => {
                return Some((format!("{} is a symbolic link, which no mount follows", shown(&here)), "write where it leads"));
            }
            Ok(file) if here == Path::new(&mount.source) && !file.is_dir() && !file.is_file() => {
                return Some((
                    format!("{} is neither a directory nor a regular file", shown(&here)),
                    "mount the directory that holds it, or nothing",
                ));
            }
            Ok(_) => {}
            Err(error) if mount.optional && error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                return Some((
                    format!("{} cannot be looked at: {error}", shown(&here)),
                    "make it, or write \"optional\": true to run without it",
                ));
            }
        }
    }
    None
}

/// A mount below another one needs a place there, which nobody makes in what belongs to the host.
fn inner(mount: &Mount, all: &[Mount]) -> Option<(String, &'static str)> {
    let below = |outer: &&Mount| mount.target.strip_prefix(&outer.target).is_some_and(|rest| rest.starts_with('/'));
    let outer = all.iter().filter(below).max_by_key(|outer| outer.target.len())?;
    let place = format!("{}{}", outer.source, mount.target.strip_prefix(&outer.target)?);
    let missing = fs::symlink_metadata(&place).is_err() && fs::symlink_metadata(&outer.source).is_ok();
    missing.then(|| {
        (
            format!("{} lies in the mount of {}, where there is no {}", plain(&mount.target), plain(&outer.source), plain(&place)),
            "make it, or choose another target",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(source: &str, target: &str, optional: bool) -> Mount {
        Mount { source: source.into(), target: target.into(), writable: false, exec: false, optional, reason: None }
    }

    #[test]
    fn sources_of_every_kind() {
        let told = |path: &str, optional| source(&mount(path, "/a", optional)).map(|(message, _)| message);
        assert_eq!(told("/usr", false), None);
        assert_eq!(told("/dev/null", false).as_deref(), Some("/dev/null is neither a directory nor a regular file"));
        assert_eq!(told("/proc/self/exe", false).as_deref(), Some("/proc/self is a symbolic link, which no mount follows"));
        assert!(told("/nonexistent/a", false).is_some_and(|told| told.starts_with("/nonexistent cannot be looked at: ")));
        assert_eq!(told("/nonexistent/a", true), None);
        let outer = mount("/usr", "/data", false);
        let told = |target: &str| inner(&mount("/etc", target, false), std::slice::from_ref(&outer)).map(|(message, _)| message);
        assert_eq!((told("/data/bin"), told("/database")), (None, None));
        assert_eq!(told("/data/no/such").as_deref(), Some("/data/no/such lies in the mount of /usr, where there is no /usr/no/such"));
    }

    #[test]
    fn interpreters_by_path_and_by_name() {
        assert_eq!((absent("/bin/sh"), absent("sh")), (None, None));
        assert_eq!(absent("/nonexistent/python3").as_deref(), Some("/nonexistent/python3 is no program here"));
        assert_eq!(absent("/etc").as_deref(), Some("/etc is no program here"));
        assert_eq!(absent("no-such-python").as_deref(), Some("there is no no-such-python on PATH"));
    }
}

//! What a request chooses, held to the `request` section of its policy.
//!
//! Always holds: a choice is taken as a whole or not at all; what it names of the host was looked at with the rights of whoever makes the request. Values of
//! variables become no part of a policy, whose hash would tell them to whoever guesses.

use std::path::{Component, Path};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};
use remand_plan::choice::{Choice, MountChoice};
use remand_plan::files::FileId;
use remand_plan::python_variables::refused;
use remand_policy::Policy;
use remand_policy::field::Names;
use remand_policy::load::is_variable;
use remand_policy::places::{behind, beneath};
use remand_policy::policy::Mount;
use remand_policy::ranges::LONGEST_VARIABLE;
use serde_json::{Value, json};

use crate::beneath::judged;
use crate::identity::Identity;

/// Why a request does not get what it chooses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Declined {
    /// The policy does not let it.
    #[error("{asked}: request.{field} of the policy does not allow it")]
    NotAllowed {
        /// What was chosen, without a value.
        asked: String,
        /// The list of the policy's section `request`.
        field: &'static str,
        /// The entry that would allow it.
        entry: Value,
    },
    /// It is not to be had.
    #[error("{asked}: {why}")]
    Wrong {
        /// What was chosen, without a value.
        asked: String,
        /// What is in the way.
        why: String,
    },
}

/// What was chosen, as the plan needs it.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub interpreter: Option<String>,
    pub mounts: Vec<(Mount, FileId)>,
}

/// Judges all of a choice.
///
/// # Errors
/// Everything that is declined.
pub(crate) fn choose(policy: &Policy, choice: &Choice, python: bool, caller: &Identity) -> Result<Chosen, Vec<Declined>> {
    let mut declined: Vec<Declined> =
        choice.environment.iter().filter_map(|(name, value)| variable(policy, python, name, &value.0)).collect();
    let mut kept = |said| match said {
        Ok(found) => Some(found),
        Err(why) => {
            declined.push(why);
            None
        }
    };
    choice.tty.as_ref().and_then(|term| kept(terminal(policy, term).map(|()| Found::Terminal)));
    let interpreter = choice.interpreter.as_ref().and_then(|asked| kept(interpreter(policy, asked, caller).map(Found::Interpreter)));
    let mounts: Vec<_> = choice.mounts.iter().filter_map(|asked| kept(mount(policy, asked, caller).map(Found::Mount))).collect();
    if !declined.is_empty() {
        return Err(declined);
    }
    let mut chosen = Chosen::default();
    for found in interpreter.into_iter().chain(mounts) {
        match found {
            Found::Interpreter(path) => chosen.interpreter = Some(path),
            Found::Mount(mount) => chosen.mounts.push(mount),
            Found::Terminal => {}
        }
    }
    Ok(chosen)
}

enum Found {
    Interpreter(String),
    Mount((Mount, FileId)),
    Terminal,
}

fn wrong(asked: &str, why: impl Into<String>) -> Declined {
    Declined::Wrong { asked: asked.to_owned(), why: why.into() }
}

/// Why a variable is not set.
fn variable(policy: &Policy, python: bool, name: &str, value: &str) -> Option<Declined> {
    let asked = format!("the variable {name}");
    if !is_variable(name) {
        Some(wrong(&asked, "that is no variable's name"))
    } else if !policy.request.environment.iter().any(|allowed| Names::Variables.covers(allowed, name)) {
        Some(Declined::NotAllowed { asked, field: "environment", entry: json!(name) })
    } else if value.contains('\0') || name.len() + value.len() + 2 > LONGEST_VARIABLE {
        Some(wrong(&asked, "its value holds a NUL, or is longer than the kernel takes"))
    } else if policy.python.runner_env_deny {
        Some(wrong(&asked, "python.runner_env_deny of the policy empties the environment before the code could find it"))
    } else {
        let why = python.then(|| refused(name, value)).flatten();
        why.map(|why| wrong(&asked, why))
    }
}

/// Whether there may be a terminal, called so.
fn terminal(policy: &Policy, term: &str) -> Result<(), Declined> {
    const LONGEST: usize = 64;
    if !policy.request.tty {
        return Err(Declined::NotAllowed { asked: "a terminal".to_owned(), field: "tty", entry: json!(true) });
    }
    let named = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
    if term.is_empty() || term.len() > LONGEST || !term.chars().all(named) {
        return Err(wrong("a terminal", "TERM is no terminal's name"));
    }
    Ok(())
}

/// The interpreter that is meant: of a directory, the one in its `bin`.
fn interpreter(policy: &Policy, asked: &str, caller: &Identity) -> Result<String, Declined> {
    let what = format!("the interpreter {asked}");
    plain(asked).map_err(|why| wrong(&what, why))?;
    let allowed = |entry: &String| Names::Interpreters.covers(entry, asked);
    if asked != policy.python.interpreter && !policy.request.interpreters.iter().any(allowed) {
        return Err(Declined::NotAllowed { asked: what, field: "interpreters", entry: json!(asked) });
    }
    if !asked.starts_with('/') {
        return Ok(asked.to_owned());
    }
    let found = caller.on_behalf(|| {
        let path = if Path::new(asked).is_dir() {
            ["python3", "python"].map(|name| format!("{asked}/bin/{name}")).to_vec()
        } else {
            vec![asked.to_owned()]
        };
        let usable =
            |path: &String| faccessat(AT_FDCWD, path.as_str(), AccessFlags::X_OK, AtFlags::AT_EACCESS).map_err(std::io::Error::from);
        let last = path.last().map(usable);
        path.into_iter().find(|path| usable(path).is_ok()).ok_or(last)
    });
    match found.map_err(|error| wrong(&what, format!("cannot look at it as user {}: {error}", caller.user())))? {
        Ok(path) => Ok(path),
        Err(last) => {
            let why = last.and_then(Result::err).map(|error| format!(": {error}")).unwrap_or_default();
            Err(wrong(
                &what,
                format!("it is no program that user {} may execute, and no directory with one in its bin{why}", caller.user()),
            ))
        }
    }
}

/// The mount that is meant.
fn mount(policy: &Policy, asked: &MountChoice, caller: &Identity) -> Result<(Mount, FileId), Declined> {
    let MountChoice { source, target, writable } = asked;
    let what = format!("the mount of {source}");
    for path in std::iter::once(source).chain(target) {
        if !path.starts_with('/') {
            return Err(wrong(&what, format!("{path} is no absolute path")));
        }
        plain(path).map_err(|why| wrong(&what, why))?;
    }
    let offers = policy.request.mounts.iter().filter(|offer| beneath(source, &offer.source) && *writable <= offer.writable);
    let Some(offer) = offers.max_by_key(|offer| offer.source.len()) else {
        let entry = if *writable { json!({ "source": source, "writable": true, "reason": "why" }) } else { json!({ "source": source }) };
        let asked = if *writable { format!("{what}, to be written to") } else { what };
        return Err(Declined::NotAllowed { asked, field: "mounts", entry });
    };
    let rest = behind(source, &offer.source).unwrap_or_default();
    let target = target.clone().unwrap_or_else(|| format!("{}{rest}", offer.target));
    let seen = judged(&offer.source, source, *writable, caller).map_err(|why| wrong(&what, why))?;
    let mount =
        Mount { source: source.clone(), target, writable: *writable, exec: offer.exec, optional: false, reason: offer.reason.clone() };
    Ok((mount, seen))
}

/// A name, or an absolute path in its only spelling.
fn plain(text: &str) -> Result<(), String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("it is empty, or has control characters".to_owned());
    }
    if !text.contains('/') {
        return Ok(());
    }
    let spelled: std::path::PathBuf = Path::new(text).components().filter(|part| *part != Component::CurDir).collect();
    let up = Path::new(text).components().any(|part| part == Component::ParentDir);
    if !text.starts_with('/') || up || spelled.as_os_str() != text {
        return Err(format!("{text} is not an absolute path in its shortest spelling"));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use remand_plan::choice::Secret;

    fn policy() -> Policy {
        let mut policy = remand_policy::load::shipped("default").unwrap().unwrap();
        policy.request.environment = vec!["LC_*".to_owned(), "KEY".to_owned()];
        policy.request.interpreters = vec!["python3.12".to_owned(), "/usr/bin".to_owned()];
        let mount = |source: &str, target: &str, writable| Mount {
            source: source.to_owned(),
            target: target.to_owned(),
            writable,
            exec: false,
            optional: false,
            reason: Some("r".to_owned()),
        };
        policy.request.mounts = vec![mount("/usr/share", "/data", false), mount("/usr/lib", "/usr/lib", false)];
        policy
    }

    fn declined(choice: &Choice) -> Vec<String> {
        choose(&policy(), choice, true, &Identity::own()).map_or_else(|why| why.iter().map(ToString::to_string).collect(), |_| Vec::new())
    }

    #[test]
    fn variables_by_name_and_by_beginning() {
        let set =
            |name: &str| declined(&Choice { environment: [(name.to_owned(), Secret("hidden".to_owned()))].into(), ..Choice::default() });
        assert!(set("LC_ALL").is_empty() && set("KEY").is_empty());
        for (name, why) in
            [("KEYS", "request.environment of the policy does not allow it"), ("A=B", "no variable's name"), ("", "no variable's name")]
        {
            let said = set(name).concat();
            assert!(said.contains(why) && !said.contains("hidden"), "{said}");
        }
    }

    #[test]
    fn interpreters_by_name_path_and_place() {
        let of = |name: &str| declined(&Choice { interpreter: Some(name.to_owned()), ..Choice::default() }).concat();
        for name in ["python3", "python3.12", "/usr/bin/env"] {
            assert_eq!(of(name), "", "{name}");
        }
        for (name, why) in [
            ("python3.11", "does not allow it"),
            ("/bin/sh", "does not allow it"),
            ("/usr/bin2/x", "does not allow it"),
            ("/usr/bin/../../bin/sh", "shortest spelling"),
            ("bin/python", "shortest spelling"),
            ("/usr/bin/no-such", "no program that user"),
        ] {
            assert!(of(name).contains(why), "{name}: {}", of(name));
        }
    }

    #[test]
    fn mounts_beneath_places() {
        let of = |source: &str, target: Option<&str>, writable| {
            let mounts = vec![MountChoice { source: source.to_owned(), target: target.map(str::to_owned), writable }];
            choose(&policy(), &Choice { mounts, ..Choice::default() }, true, &Identity::own())
                .map(|chosen| chosen.mounts.into_iter().map(|(mount, _)| mount.target).collect::<String>())
                .map_err(|why| why.iter().map(ToString::to_string).collect::<String>())
        };
        assert_eq!(of("/usr/share", None, false).as_deref(), Ok("/data"));
        assert_eq!(of("/usr/share/doc", None, false).as_deref(), Ok("/data/doc"));
        assert_eq!(of("/usr/share/doc", Some("/x"), false).as_deref(), Ok("/x"));
        for (source, target, writable, why) in [
            ("/usr/share", None, true, "to be written to: request.mounts of the policy does not allow it"),
            ("/usr", None, false, "request.mounts of the policy does not allow it"),
            ("/usr/share/../../etc", None, false, "shortest spelling"),
            ("/usr/share/", None, false, "shortest spelling"),
            ("share", None, false, "no absolute path"),
            ("/usr/share", Some("x"), false, "no absolute path"),
            ("/usr/share/none", None, false, "No such file"),
        ] {
            let said = of(source, target, writable).unwrap_err();
            assert!(said.contains(why), "{source}: {said}");
        }
    }
}

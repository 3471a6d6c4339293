//! The sections of a policy file, one function each.
//!
//! Always holds: each function takes its struct apart without `..`, so a field that files can't set does not compile.

use std::path::{Component, Path};

use jsonc_parser::ast::Value;

use super::read::{Fault, Field, Listed, Reader, Section};
use super::syscalls::{self, reason};
use crate::places::{CLOSED_SOURCES, CLOSED_TARGETS, beneath};
use crate::policy::{Filesystem, Landlock, Limits, Mount, Namespaces, Network, NetworkMode, Policy, Python, Tmp};
use crate::ranges;
use crate::text::quote;

/// All sections; the caller reads what stands above them.
pub(crate) fn read(root: &mut Section<'_, '_, '_>, policy: &mut Policy) {
    let Policy { name: _, description: _, limits, filesystem, syscalls, network, namespaces, landlock, python, environment } = policy;
    root.section("limits", |section| read_limits(section, limits));
    root.section("filesystem", |section| read_filesystem(section, filesystem));
    root.section("syscalls", |section| syscalls::read(section, syscalls));
    root.section("network", |section| read_network(section, network));
    root.section("namespaces", |section| read_namespaces(section, namespaces));
    root.section("landlock", |section| read_landlock(section, landlock));
    root.section("python", |section| read_python(section, python));
    if let Some(value) = root.value("environment") {
        read_environment(root.reader, value, environment);
    }
}

fn read_limits(section: &mut Section<'_, '_, '_>, into: &mut Limits) {
    let Limits {
        wall_time,
        cpu_time,
        cpus,
        memory,
        pids,
        open_files,
        file_size,
        stack,
        stdout,
        stderr,
        prints,
        result_size,
        result_depth,
        result_nodes,
        job_size,
        cgroup,
    } = into;
    section.within("wall_time", wall_time, ranges::TIME);
    section.within("cpu_time", cpu_time, ranges::TIME);
    section.within("cpus", cpus, ranges::CPUS);
    section.within("memory", memory, ranges::MEMORY);
    section.within("pids", pids, ranges::PIDS);
    section.within("open_files", open_files, ranges::OPEN_FILES);
    section.within("file_size", file_size, ranges::FILE_SIZE);
    section.within("stack", stack, ranges::STACK);
    section.within("stdout", stdout, ranges::KEPT);
    section.within("stderr", stderr, ranges::KEPT);
    section.within("prints", prints, ranges::KEPT);
    section.within("result_size", result_size, ranges::KEPT);
    section.within("result_depth", result_depth, ranges::RESULT_DEPTH);
    section.within("result_nodes", result_nodes, ranges::RESULT_NODES);
    section.within("job_size", job_size, ranges::KEPT);
    section.set("cgroup", cgroup);
}

fn read_filesystem(section: &mut Section<'_, '_, '_>, into: &mut Filesystem) {
    let Filesystem { tmp, mounts, proc, devices } = into;
    section.section("tmp", |section| {
        let Tmp { size, inodes, exec } = tmp;
        section.within("size", size, ranges::TMP_SIZE);
        section.within("inodes", inodes, ranges::TMP_INODES);
        section.set("exec", exec);
    });
    section.list("mounts", mounts, |_| Ok(()));
    section.set("proc", proc);
    section.list("devices", devices, |_| Ok(()));
}

impl Field for Mount {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        reader.object(field, value, |section| {
            // Asked for all keys before it gives up, so that none is called unknown.
            let written: Option<String> = section.need("source");
            let source = written.clone().unwrap_or_default();
            let mut mount = Self { target: source.clone(), source, writable: false, exec: false, optional: false, reason: None };
            section.set("target", &mut mount.target);
            section.set("writable", &mut mount.writable);
            section.set("exec", &mut mount.exec);
            section.set("optional", &mut mount.optional);
            mount.reason = reason(section);
            if mount.writable && mount.reason.is_none() && !section.reader.request {
                section.report_at(
                    "writable",
                    Fault::new("a writable mount is dangerous and has no reason", "add \"reason\": \"why runs need it\""),
                );
            }
            written?;
            place(&mount.source, CLOSED_SOURCES).map_err(|fault| section.report_at("source", fault)).ok()?;
            place(&mount.target, CLOSED_TARGETS).map_err(|fault| section.report_at("target", fault)).ok()?;
            Some(mount)
        })?
    }
}

impl Listed for Mount {
    fn key(&self) -> &str {
        &self.target
    }
}

/// An absolute path in its only spelling, neither the root nor in one of the `closed` trees.
fn place(path: &str, closed: &[&str]) -> Result<(), Fault> {
    let spelled: std::path::PathBuf = Path::new(path).components().filter(|part| *part != Component::CurDir).collect();
    if !path.starts_with('/') {
        let help = match path.chars().next() {
            Some('~' | '$') => "write the whole path: nothing is replaced in a policy",
            _ if path.contains('\\') || path.get(1..2) == Some(":") => "write a path of Linux: it has / and starts with one",
            _ => "start it with /",
        };
        return Err(Fault::new(format!("{} is not absolute", quote(path)), help));
    }
    if Path::new(path).components().any(|part| part == Component::ParentDir) {
        return Err(Fault::new(format!("{} goes up by \"..\"", quote(path)), "write the path it leads to"));
    }
    if spelled.as_os_str() != path {
        return Err(Fault::new(format!("{} has a shorter spelling", quote(path)), format!("write {}", quote(&spelled.to_string_lossy()))));
    }
    // What is longer, no system call takes; only with its NUL is it as long as PATH_MAX.
    if path.len() > ranges::LONGEST_PATH {
        return Err(Fault::new(format!("{} is longer than the {} bytes of a path", quote(path), ranges::LONGEST_PATH), "shorten it"));
    }
    if let Some(name) = path.split('/').find(|name| name.len() > ranges::LONGEST_NAME) {
        return Err(Fault::new(format!("{} is longer than the {} bytes of a name", quote(name), ranges::LONGEST_NAME), "shorten it"));
    }
    match closed.iter().find(|tree| beneath(path, tree)) {
        Some(tree) => Err(Fault { message: format!("{} lies in {tree}, which each run has of its own", quote(path)), help: None }),
        None if path == "/" => Err(Fault::new("the whole root can't be mounted", "name the directories that are needed")),
        None => Ok(()),
    }
}

fn read_network(section: &mut Section<'_, '_, '_>, into: &mut Network) {
    let Network { mode, reason: why } = into;
    let before = *mode;
    section.set("mode", mode);
    let written = reason(section);
    // A reason belongs to the mode that it was written for.
    if written.is_some() || *mode != before {
        *why = written;
    }
    if *mode != NetworkMode::None && why.is_none() && !section.reader.request {
        section.report_at("mode", Fault::new("a network is dangerous and has no reason", "add \"reason\": \"why runs need it\""));
    }
}

fn read_namespaces(section: &mut Section<'_, '_, '_>, into: &mut Namespaces) {
    let Namespaces { user, mount, pid, ipc, uts, network, cgroup, own_uid } = into;
    section.set("user", user);
    section.set("mount", mount);
    section.set("pid", pid);
    section.set("ipc", ipc);
    section.set("uts", uts);
    section.set("network", network);
    section.set("cgroup", cgroup);
    section.set("own_uid", own_uid);
}

fn read_landlock(section: &mut Section<'_, '_, '_>, into: &mut Landlock) {
    let Landlock { enforce, minimum_abi } = into;
    section.set("enforce", enforce);
    section.within("minimum_abi", minimum_abi, ranges::MINIMUM_ABI);
}

fn read_python(section: &mut Section<'_, '_, '_>, into: &mut Python) {
    let Python { interpreter, stdlib_allow, external_allow, builtins_deny, runner_env_deny } = into;
    section.checked("interpreter", interpreter, |path| match path.as_str() {
        "" => Err(Fault::new("no interpreter", "write \"python3\" or an absolute path")),
        name if !name.contains('/') => Ok(()),
        path => place(path, &[]),
    });
    section.list("stdlib_allow", stdlib_allow, |name| module(name));
    section.list("external_allow", external_allow, |name| module(name));
    for (key, list) in [("stdlib_allow", stdlib_allow), ("external_allow", external_allow)] {
        if list.len() > 1 && list.iter().any(|name| name == "*") {
            section.report_at(key, Fault::new("\"*\" allows all, so the other names have no effect", "keep either \"*\" or the names"));
        }
    }
    section.list("builtins_deny", builtins_deny, |name| identifier(name));
    section.set("runner_env_deny", runner_env_deny);
}

fn module(name: &str) -> Result<(), Fault> {
    match name.split_once('.') {
        Some((first, _)) if identifier(first).is_ok() => {
            Err(Fault::new(format!("{} names a submodule", quote(name)), format!("write \"{first}\": packages are allowed as a whole")))
        }
        _ if name == "*" => Ok(()),
        _ => identifier(name),
    }
}

fn identifier(name: &str) -> Result<(), Fault> {
    let starts = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if starts && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Ok(());
    }
    let help = name.contains('-').then(|| "write the name that is imported, not the one that is installed".to_owned());
    Err(Fault { message: format!("{} is not a Python name", quote(name)), help })
}

/// Sets variables by name over those of the base; `null` takes one out.
fn read_environment(reader: &mut Reader<'_>, value: &Value<'_>, into: &mut Vec<(String, String)>) {
    reader.object("environment", value, |section| {
        for property in &section.object.properties {
            let name = property.name.as_str();
            section.accept(name);
            let mut report = |message: String| section.reader.report(property.range, "environment", Fault { message, help: None });
            if name.is_empty()
                || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                || name.starts_with(|c: char| c.is_ascii_digit())
            {
                report(format!("{} is not a variable's name", quote(name)));
                continue;
            }
            match &property.value {
                Value::StringLit(text) if text.value.contains('\0') => report(format!("the value of {name} holds a NUL")),
                Value::StringLit(text) if name.len() + text.value.len() + 2 > ranges::LONGEST_VARIABLE => {
                    report(format!("{name} is longer than the kernel takes"))
                }
                Value::StringLit(text) => {
                    match into.iter_mut().find(|(known, _)| known == name) {
                        Some((_, slot)) => *slot = text.value.clone().into_owned(),
                        None => into.push((name.to_owned(), text.value.clone().into_owned())),
                    }
                    section.reader.trace(|origins, file| origins.set(&format!("environment.{name}"), file, text.range));
                }
                Value::NullKeyword(_) => {
                    into.retain(|(known, _)| known != name);
                    section.reader.trace(|origins, _| origins.forget(&format!("environment.{name}")));
                }
                other => {
                    let help = match other {
                        Value::NumberLit(number) => Some(format!("write \"{}\"", number.value)),
                        Value::BooleanLit(literal) => Some(format!("write \"{}\"", literal.value)),
                        _ => None,
                    };
                    section.reader.wrong_type(&format!("environment.{name}"), other, "a text", help);
                }
            }
        }
    });
}

//! Files: where a path leads in the run's own root, and what mount, Landlock and filter say to it.
//!
//! Always holds: a path is followed component by component, through the links of the root and, where somebody has looked, those of the host; the modes of
//! files decide further, and an answer says so.

use std::collections::VecDeque;

use serde_json::json;

use super::compiled::{Compiled, Found};
use super::edit::Edit;
use super::question::{Call, Use, Which};
use super::{Finding, Line, Ruling, call};
use crate::plan::landlock::fs;
use crate::plan::{Bind, Plan};
use crate::policy::{Device, Word};

/// Links that are followed, as the kernel does.
const LINKS: usize = 40;
/// Directories that every root has.
const OWN: [&str; 4] = ["/tmp", "/proc", "/dev", "/remand/empty"];

/// Where a path ends.
#[derive(Clone, Debug, PartialEq)]
enum At<'p> {
    Tmp,
    Proc,
    Device(Device),
    /// A small file made in the root.
    Made,
    /// In a bind; whether it is a directory, or missing, where that is known.
    Bind(&'p Bind, Option<Found>),
    /// A directory that hides another.
    Hidden,
    /// A directory of the root itself.
    Directory,
    Nothing,
}

/// Whether a run may do this to a file.
pub(super) fn find(using: Use, path: &str, compiled: &Compiled<'_>, plan: &Plan) -> Finding {
    let (name, args) = match using {
        Use::Exec => ("execve", [None; 6]),
        Use::Read => ("openat", [Some(0xffff_ff9c), None, Some(0o200_0000), None, None, None]),
        Use::Write => ("openat", [Some(0xffff_ff9c), None, Some(0o200_0101), Some(0o666), None, None]),
    };
    let filter = call::find(&Call { which: Which::Name(name), args }, compiled);
    if filter.ruling != Ruling::Allowed {
        return Finding { because: format!("{name}: {}", filter.because), ..filter };
    }
    let (real, at) = locate(path, compiled, plan);
    let mut found = placed(using, &real, &at, compiled, plan);
    if found.ruling == Ruling::Allowed
        && let Some(refused) = landlock(using, &real, &at, compiled, plan)
    {
        found = refused;
    }
    if found.ruling == Ruling::Allowed && using == Use::Exec && found.cure.is_err() {
        // Nothing of the root can be taken away, but the call can.
        found.cure = filter.cure;
    }
    if real != path {
        found.because = format!("it leads to {real}: {}", found.because);
    }
    found
}

fn beneath(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Follows a path from the root, a relative one from the run's working directory.
fn locate<'p>(path: &str, compiled: &Compiled<'_>, plan: &'p Plan) -> (String, At<'p>) {
    let split = |text: &str| text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<VecDeque<_>>();
    let mut rest = if path.starts_with('/') { VecDeque::new() } else { split(&plan.command.cwd) };
    rest.extend(split(path));
    let (mut here, mut links) = (String::new(), 0);
    while let Some(part) = rest.pop_front() {
        match part.as_str() {
            "." => continue,
            ".." => {
                here.truncate(here.rfind('/').unwrap_or(0));
                continue;
            }
            _ => {}
        }
        let next = format!("{here}/{part}");
        let Some(target) = link(&next, compiled, plan) else {
            here = next;
            continue;
        };
        links += 1;
        if links > LINKS {
            return (path.to_owned(), At::Nothing);
        }
        if target.starts_with('/') {
            here.clear();
        }
        let mut parts = split(&target);
        parts.append(&mut rest);
        rest = parts;
    }
    if here.is_empty() {
        here.push('/');
    }
    let at = classify(&here, compiled, plan);
    (here, at)
}

/// Where a link leads, if there is one.
fn link(path: &str, compiled: &Compiled<'_>, plan: &Plan) -> Option<String> {
    if let Some((_, target)) = plan.root.links.iter().find(|(link, _)| link == path) {
        return Some(target.clone());
    }
    match classify(path, compiled, plan) {
        At::Bind(_, Some(Found::Link(target))) => Some(target),
        _ => None,
    }
}

fn classify<'p>(path: &str, compiled: &Compiled<'_>, plan: &'p Plan) -> At<'p> {
    let root = &plan.root;
    if beneath(path, "/tmp") {
        return At::Tmp;
    }
    if plan.proc && beneath(path, "/proc") {
        // Mounted with subset=pid: processes, and nothing else of the machine.
        let first = path.split('/').nth(2).unwrap_or("self");
        let process = first.bytes().all(|b| b.is_ascii_digit());
        return if process || ["self", "thread-self"].contains(&first) { At::Proc } else { At::Nothing };
    }
    if let Some(device) = root.devices.iter().find(|device| path.strip_prefix("/dev/") == Some(device.word())) {
        return At::Device(*device);
    }
    if let Some(hidden) = root.hidden.iter().find(|hidden| beneath(path, hidden)) {
        return if path == hidden { At::Hidden } else { At::Nothing };
    }
    let look = |path: &str| (compiled.ground.look)(path);
    let made = |bind: &&Bind| !(bind.optional && look(&bind.source) == Some(Found::Missing));
    let bind = root.binds.iter().filter(|bind| beneath(path, &bind.target)).filter(made).max_by_key(|bind| bind.target.len());
    if let Some(bind) = bind {
        let inside = path.strip_prefix(bind.target.as_str()).unwrap_or("");
        return At::Bind(bind, look(&format!("{}{inside}", bind.source)));
    }
    if root.files.iter().any(|(file, _)| file == path) {
        return At::Made;
    }
    let entries = root
        .files
        .iter()
        .map(|(path, _)| path)
        .chain(root.links.iter().map(|(path, _)| path))
        .chain(root.binds.iter().map(|bind| &bind.target));
    if path == "/" || OWN.iter().copied().chain(entries.map(String::as_str)).any(|entry| beneath(entry, path)) {
        return At::Directory;
    }
    At::Nothing
}

/// Links in /proc that the kernel follows to whatever a process holds.
const MAGIC: &[&str] = &["cwd", "root", "exe", "fd", "map_files"];

/// What the mounts say.
fn placed(using: Use, path: &str, at: &At<'_>, compiled: &Compiled<'_>, plan: &Plan) -> Finding {
    let fixed = |why: &str| Err(why.to_owned());
    let found = |ruling, because: &str, line, cure| Finding { ruling, because: because.to_owned(), line, cure };
    let own_root = || Line::none("each run's root, made for it");
    match (at, using) {
        (At::Tmp, Use::Exec) if !plan.tmp.exec => found(
            Ruling::Denied("EACCES"),
            "/tmp is mounted noexec",
            Line::field(compiled, "filesystem.tmp.exec"),
            Ok(vec![Edit::set("filesystem.tmp.exec", json!(true))]),
        ),
        (At::Tmp, Use::Exec) => found(
            Ruling::Allowed,
            "the run's own /tmp, mounted without noexec",
            Line::field(compiled, "filesystem.tmp.exec"),
            Ok(vec![Edit::set("filesystem.tmp.exec", json!(false))]),
        ),
        (At::Tmp, _) => found(
            Ruling::Allowed,
            "the run's own tmpfs, empty at the start and gone with it",
            Line::field(compiled, "filesystem.tmp.size"),
            fixed("every run has its /tmp; filesystem.tmp.size bounds it"),
        ),
        (At::Proc, _) if path.split('/').any(|part| MAGIC.contains(&part) || part.starts_with(|c: char| c.is_ascii_digit())) => found(
            Ruling::Depends,
            "it is a process's own, or a link to what a process holds: other processes of the run are hidden, and links lead into its root",
            Line::field(compiled, "filesystem.proc"),
            Ok(vec![Edit::set("filesystem.proc", json!(false))]),
        ),
        (At::Proc, Use::Read) => found(
            Ruling::Allowed,
            "a /proc of the run's own processes only",
            Line::field(compiled, "filesystem.proc"),
            Ok(vec![Edit::set("filesystem.proc", json!(false))]),
        ),
        (At::Proc, _) => found(
            Ruling::Denied("EACCES"),
            "the run's /proc has nothing that it may write or execute",
            own_root(),
            fixed("no policy changes it"),
        ),
        (At::Device(_), Use::Exec) => found(Ruling::Denied("EACCES"), "a device is no program", own_root(), fixed("no policy changes it")),
        (At::Device(device), _) => device_found(*device, compiled),
        (At::Made, Use::Read) => {
            found(Ruling::Allowed, "a small file made for the run, not the host's", own_root(), fixed("every run has it"))
        }
        (At::Made, Use::Write) => {
            found(Ruling::ReadOnly, "a small file of the run's root, which is read-only", own_root(), fixed("every run has it as it is"))
        }
        (At::Directory | At::Hidden, Use::Read) => {
            found(Ruling::Allowed, "a directory of the run's root, made for it", own_root(), fixed("every run has it"))
        }
        (At::Directory | At::Hidden, Use::Write) => {
            found(Ruling::ReadOnly, "a directory of the run's root, which is read-only", own_root(), fixed("every run has it as it is"))
        }
        (At::Made | At::Directory | At::Hidden, Use::Exec) => {
            found(Ruling::Denied("EACCES"), "not a program", own_root(), fixed("every run has it as it is"))
        }
        (At::Bind(bind, Some(Found::Missing)), Use::Read | Use::Exec) => {
            let because = format!("there is no such file in {}, which is shown at {}", bind.source, bind.target);
            Finding { ruling: Ruling::NotVisible, because, line: bind_line(bind, compiled), cure: fixed("make the file on the host") }
        }
        (At::Bind(bind, _), _) => bound(using, bind, compiled),
        (At::Nothing, _) => nothing(using, path, compiled, plan),
    }
}

fn device_found(device: Device, compiled: &Compiled<'_>) -> Finding {
    let devices = &compiled.policy.filesystem.devices;
    let index = devices.iter().position(|known| *known == device);
    let line =
        index.map_or_else(|| Line::field(compiled, "filesystem.devices"), |index| Line::entry(compiled, "filesystem.devices", index));
    let cure = Ok(vec![Edit::Remove("filesystem.devices", device.word().to_owned())]);
    Finding { ruling: Ruling::Allowed, because: "a device node that the policy gives".to_owned(), line, cure }
}

/// The line that shows a bind: a mount of the policy, or the interpreter that needs it.
fn bind_line(bind: &Bind, compiled: &Compiled<'_>) -> Line {
    let index = compiled.policy.filesystem.mounts.iter().position(|mount| mount.target == bind.target);
    index.map_or_else(
        || Line { text: "python.interpreter, which needs it".to_owned(), ..Line::field(compiled, "python.interpreter") },
        |index| Line::entry(compiled, "filesystem.mounts", index),
    )
}

fn bound(using: Use, bind: &Bind, compiled: &Compiled<'_>) -> Finding {
    let mount = compiled.policy.filesystem.mounts.iter().find(|mount| mount.target == bind.target);
    // The same mount with one switch turned.
    let turned = |key: &str, on: bool| {
        let mut wanted = crate::load::write_mount(mount.ok_or("the program needs it as it is")?);
        wanted[key] = json!(on);
        if on && key == "writable" {
            wanted["reason"] = json!("why runs need it");
        }
        Ok::<_, &str>(vec![Edit::Remove("filesystem.mounts", bind.target.clone()), Edit::Add("filesystem.mounts", wanted)])
    };
    let shown = format!("{} is shown at {}", bind.source, bind.target);
    let (ruling, because, cure) = match using {
        Use::Read => {
            let remove = mount.map(|mount| vec![Edit::Remove("filesystem.mounts", mount.target.clone())]);
            (Ruling::Allowed, format!("{shown}; the file's own mode decides further"), remove.ok_or("the program needs it"))
        }
        Use::Write if bind.writable => {
            (Ruling::Allowed, format!("{shown}, writable; the file's own mode decides further"), turned("writable", false))
        }
        Use::Write => (Ruling::ReadOnly, format!("{shown}, read-only"), turned("writable", true)),
        Use::Exec if bind.exec => (Ruling::Allowed, format!("{shown}; the file's own mode decides further"), turned("exec", false)),
        Use::Exec => (Ruling::Denied("EACCES"), format!("{shown}, noexec"), turned("exec", true)),
    };
    Finding { ruling, because, line: bind_line(bind, compiled), cure: cure.map_err(str::to_owned) }
}

/// Nothing there: a mount would show it, or the switch of what is the run's own.
fn nothing(using: Use, path: &str, compiled: &Compiled<'_>, plan: &Plan) -> Finding {
    let parent = path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
    let ruling = match (using, classify(parent, compiled, plan)) {
        (Use::Write, At::Directory | At::Hidden) => Ruling::ReadOnly,
        _ => Ruling::NotVisible,
    };
    let devices = |name: &str| Device::WORDS.iter().find(|(word, _)| *word == name).map(|(word, _)| *word);
    let device = path.strip_prefix("/dev/").and_then(devices);
    let cure = if beneath(path, "/proc") && !compiled.policy.filesystem.proc {
        Ok(vec![Edit::set("filesystem.proc", json!(true))])
    } else if let Some(word) = device {
        Ok(vec![Edit::Add("filesystem.devices", json!(word))])
    } else if plan.root.hidden.iter().any(|hidden| beneath(path, hidden)) {
        Err("it is hidden with site packages; python.external_allow shows those".to_owned())
    } else if OWN.iter().chain(&["/remand"]).any(|own| beneath(path, own)) {
        Err("each run has its own file system there".to_owned())
    } else if (compiled.ground.look)(path) == Some(Found::Missing) {
        Err("there is nothing of that name on the host either".to_owned())
    } else {
        let mut mount = json!({ "source": path });
        match using {
            Use::Read => {}
            Use::Write => {
                mount["writable"] = json!(true);
                mount["reason"] = json!("why runs need it");
            }
            Use::Exec => mount["exec"] = json!(true),
        }
        Ok(vec![Edit::Add("filesystem.mounts", mount)])
    };
    let because = "nothing is mounted there in the run's root".to_owned();
    Finding { ruling, because, line: Line::lacking(compiled, "filesystem.mounts"), cure }
}

/// What Landlock refuses although the mounts would not.
fn landlock(using: Use, path: &str, at: &At<'_>, compiled: &Compiled<'_>, plan: &Plan) -> Option<Finding> {
    let landlock = plan.landlock.as_ref()?;
    let directory = matches!(at, At::Directory | At::Hidden | At::Bind(_, Some(Found::Directory)));
    let right = match using {
        Use::Read if directory => fs::READ_DIR,
        Use::Read => fs::READ_FILE,
        Use::Write => fs::WRITE_FILE,
        Use::Exec => fs::EXECUTE,
    };
    let granted = landlock.rules.iter().filter(|(rule, _)| beneath(path, rule)).fold(0, |all, (_, rights)| all | rights);
    (landlock.handled_fs & right != 0 && granted & right == 0).then(|| Finding {
        ruling: Ruling::Denied("EACCES"),
        because: format!("no Landlock rule grants it beneath {path} (ABI {})", landlock.abi),
        line: Line::field(compiled, "landlock.enforce"),
        cure: Err("Landlock's rules follow the mounts; this place has none".to_owned()),
    })
}

//! An OCI container's `config.json`: limits, environment, namespaces and paths, and the seccomp profile in it.
//!
//! Always holds: a limit here is at most the one there, or the list says that it is not; a key that no rule here knows is in the list.

use serde_json::json;

use super::json::{Node, Read, quoted};
use super::left::{Effect, Ledger};
use super::mounts;
use super::write::{Document, Line, member};
use crate::units::{Bytes, Cpus, Span};

/// What is gathered before it is written: the lowest limit that anything says, with its place.
#[derive(Default)]
struct Limits {
    memory: Lowest,
    pids: Lowest,
    /// Thousandths of a CPU.
    cpus: Lowest,
    open_files: Lowest,
    file_size: Lowest,
    stack: Lowest,
    /// Seconds.
    cpu_time: Lowest,
}

#[derive(Default)]
struct Lowest(Option<(u64, String)>);

impl Lowest {
    fn lower(&mut self, value: u64, path: &str) {
        if self.0.as_ref().is_none_or(|(lowest, _)| value < *lowest) {
            self.0 = Some((value, path.to_owned()));
        }
    }
}

/// What every run has whatever the policy, so that it is no matter of one.
const ALWAYS: &str = "every run has that, or what amounts to it";
const NOWHERE: &str = "no field of a policy says that";

/// Reads the whole configuration.
pub(super) fn read(root: &Node<'_>, name: &str, document: &mut Document, left: &mut Ledger) -> Read<()> {
    let mut limits = Limits::default();
    let (mut mounts, mut readonly, mut network) = (None, false, false);
    for (key, value) in root.members()? {
        match key {
            "ociVersion" | "annotations" => {}
            "hostname" | "domainname" => left.add(Effect::Settled, &value.path, value.shown(), "each run has a host name of its own"),
            "process" => process(&value, &mut limits, document, left)?,
            "linux" => network = linux(&value, name, &mut limits, document, left)?,
            "mounts" => mounts = Some(value),
            "root" => readonly = root_section(&value, left)?,
            _ if value.is_empty() => {}
            _ => left.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if network {
        left.add(
            Effect::Refused,
            "$.linux.namespaces",
            "no network namespace of its own, so the host's",
            "here none; write network.mode \"host\" if it is needed",
        );
    }
    let tmp = mounts::read(mounts.as_ref(), name, readonly, document, left)?;
    write_limits(limits, tmp, document, left);
    Ok(())
}

fn root_section(node: &Node<'_>, left: &mut Ledger) -> Read<bool> {
    let mut readonly = false;
    for (key, value) in node.members()? {
        match key {
            "path" => left.add(
                Effect::Refused,
                &value.path,
                quoted(value.text()?),
                "a run's root holds its interpreter and the policy's mounts, and no image",
            ),
            "readonly" => readonly = value.boolean()?,
            _ => left.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if !readonly {
        left.add(Effect::Refused, &format!("{}.readonly", node.path), "false", "a run's root is read-only; it writes to /tmp");
    }
    Ok(readonly)
}

fn process(node: &Node<'_>, limits: &mut Limits, document: &mut Document, left: &mut Ledger) -> Read<()> {
    let mut privileges = false;
    for (key, value) in node.members()? {
        match key {
            // What is run, and where; not what it may do.
            "args" | "commandLine" | "cwd" | "terminal" | "consoleSize" => {}
            "user" => left.add(Effect::Settled, &value.path, "user", "a run's ids are its own: remand chooses them"),
            "noNewPrivileges" => privileges = value.boolean()?,
            "capabilities" => capabilities(&value, left)?,
            "env" => environment(&value, document, left)?,
            "rlimits" => rlimits(&value, limits, left)?,
            _ if value.is_empty() => {}
            _ => left.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if !privileges {
        left.add(Effect::Refused, &format!("{}.noNewPrivileges", node.path), "false", "a run never gains privileges by executing a file");
    }
    Ok(())
}

fn capabilities(node: &Node<'_>, left: &mut Ledger) -> Read<()> {
    let mut all: Vec<&str> = Vec::new();
    for (_, set) in node.members()? {
        all.extend(set.texts()?);
    }
    all.sort_unstable();
    all.dedup();
    if !all.is_empty() {
        let shown: Vec<_> = all.iter().take(8).map(|name| quoted(name)).collect();
        let more = if all.len() > 8 { format!(" and {} more", all.len() - 8) } else { String::new() };
        left.add(Effect::Refused, &node.path, format!("{}{more}", shown.join(", ")), "a run has no capability");
    }
    Ok(())
}

fn environment(node: &Node<'_>, document: &mut Document, left: &mut Ledger) -> Read<()> {
    for entry in node.elements()? {
        let text = entry.text()?;
        let Some((name, value)) = text.split_once('=') else { return Err(entry.wrong(format!("{} is no NAME=VALUE", quoted(text)))) };
        let word = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !word || value.contains('\0') || name.len() + value.len() + 2 > 131_072 {
            left.add(
                Effect::Refused,
                &entry.path,
                quoted(name),
                "its name has more than letters, digits and _, or its value is not one that a policy can write",
            );
            continue;
        }
        let key = format!("{}:", json!(name));
        // The last one counts, as it does for most programs.
        document.environment.retain(|line: &Line| !line.text.starts_with(&key));
        document.environment.push(member(name, &json!(value), entry.path));
    }
    Ok(())
}

fn rlimits(node: &Node<'_>, limits: &mut Limits, left: &mut Ledger) -> Read<()> {
    for entry in node.elements()? {
        let (mut kind, mut hard) = (None, None);
        for (key, value) in entry.members()? {
            match key {
                "type" => kind = Some(value.text()?),
                "hard" => hard = Some(value.unsigned()?),
                // The process may raise it to the hard one.
                "soft" => drop(value.unsigned()?),
                _ => left.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
            }
        }
        let kind = kind.ok_or_else(|| entry.wrong("the limit has no type"))?;
        let hard = hard.ok_or_else(|| entry.wrong("the limit has no hard value"))?;
        if hard == u64::MAX {
            continue; // infinity
        }
        match kind {
            "RLIMIT_NOFILE" => limits.open_files.lower(hard, &entry.path),
            "RLIMIT_FSIZE" => limits.file_size.lower(hard, &entry.path),
            "RLIMIT_STACK" => limits.stack.lower(hard, &entry.path),
            "RLIMIT_CPU" => limits.cpu_time.lower(hard, &entry.path),
            "RLIMIT_NPROC" => limits.pids.lower(hard, &entry.path),
            "RLIMIT_CORE" => left.add(Effect::Settled, &entry.path, kind, "no run leaves a core dump"),
            _ => left.add(Effect::Unheld, &entry.path, format!("{} {hard}", quoted(kind)), NOWHERE),
        }
    }
    Ok(())
}

/// The `linux` section; whether the container has the host's network.
fn linux(node: &Node<'_>, name: &str, limits: &mut Limits, document: &mut Document, left: &mut Ledger) -> Read<bool> {
    let (mut network, mut filtered) = (true, false);
    for (key, value) in node.members()? {
        match key {
            "seccomp" if !value.is_empty() => {
                filtered = true;
                super::seccomp(&value, name, document, left)?;
            }
            "resources" => resources(&value, limits, left)?,
            "namespaces" => network = namespaces(&value, left)?,
            "maskedPaths" | "readonlyPaths" => paths(&value, left)?,
            "devices" => devices(&value, left)?,
            "uidMappings" | "gidMappings" => {
                left.add(Effect::Settled, &value.path, value.shown(), "a run's ids are its own: remand chooses them")
            }
            "cgroupsPath" => left.add(Effect::Settled, &value.path, value.shown(), "each run has a cgroup of its own"),
            "rootfsPropagation" => match value.text()? {
                "private" | "rprivate" | "slave" | "rslave" | "unbindable" | "runbindable" => {
                    left.add(Effect::Settled, &value.path, value.shown(), ALWAYS)
                }
                other => left.add(Effect::Refused, &value.path, quoted(other), "a run's mounts reach nobody else"),
            },
            _ if value.is_empty() => {}
            _ => left.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if !filtered {
        left.add(
            Effect::Refused,
            &format!("{}.seccomp", node.path),
            "no seccomp profile",
            "every call is allowed there; here those of the policy that is extended",
        );
    }
    Ok(network)
}

/// Every run has every namespace to itself. Whether the container has the host's network.
fn namespaces(node: &Node<'_>, left: &mut Ledger) -> Read<bool> {
    let mut host = true;
    let mut kinds = Vec::new();
    for entry in node.elements()? {
        let (mut kind, mut path) = (None, None);
        for (key, value) in entry.members()? {
            match key {
                "type" => kind = Some(value.text()?),
                "path" => path = Some(value.text()?).filter(|path| !path.is_empty()),
                _ => left.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
            }
        }
        let kind = kind.ok_or_else(|| entry.wrong("the namespace has no type"))?;
        if let Some(path) = path {
            left.add(
                Effect::Refused,
                &entry.path,
                format!("{} at {}", quoted(kind), quoted(path)),
                "no run enters a namespace that is there already",
            );
        } else if kind == "network" {
            left.add(
                Effect::Refused,
                &entry.path,
                "a network namespace, which runtimes give a loopback",
                "here an empty one; write network.mode \"loopback\" if it is needed",
            );
        } else if kind == "time" {
            left.add(Effect::Unheld, &entry.path, "a time namespace", NOWHERE);
        }
        host &= kind != "network";
        kinds.push(kind);
    }
    for kind in ["pid", "ipc", "uts", "mount"] {
        if !kinds.contains(&kind) {
            left.add(Effect::Refused, &node.path, format!("no {kind} namespace, so the host's"), "a run has its own");
        }
    }
    Ok(host)
}

fn paths(node: &Node<'_>, left: &mut Ledger) -> Read<()> {
    let paths = node.texts()?;
    let (own, other): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| ["/proc/", "/sys/"].iter().any(|tree| path.starts_with(tree)));
    if !own.is_empty() {
        let what = format!("{} paths in /proc and /sys", own.len());
        left.add(Effect::Settled, &node.path, what, "a run has no /sys, and a /proc of its own processes only");
    }
    for path in other {
        left.add(Effect::Unheld, &node.path, quoted(path), "below a mount it stays as it is; elsewhere a run does not have it");
    }
    Ok(())
}

fn devices(node: &Node<'_>, left: &mut Ledger) -> Read<()> {
    for entry in node.elements()? {
        for (key, value) in entry.members()? {
            let known = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
            if key == "path" && !known.contains(&value.text()?) {
                left.add(
                    Effect::Refused,
                    &entry.path,
                    value.shown(),
                    "a run has null, zero, full, random and urandom, and no other device",
                );
            }
        }
    }
    Ok(())
}

fn resources(node: &Node<'_>, limits: &mut Limits, left: &mut Ledger) -> Read<()> {
    for (key, value) in node.members()? {
        match key {
            "memory" => memory(&value, limits, left)?,
            "cpu" => cpu(&value, limits, left)?,
            "pids" => {
                for (key, value) in value.members()? {
                    match key {
                        "limit" => positive(&value)?.into_iter().for_each(|most| limits.pids.lower(most, &value.path)),
                        _ => left.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
                    }
                }
            }
            "devices" => device_rules(&value, left)?,
            _ if value.is_empty() => {}
            _ => left.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    Ok(())
}

/// A limit; zero and below mean none.
fn positive(node: &Node<'_>) -> Read<Option<u64>> {
    Ok(u64::try_from(node.signed()?).ok().filter(|value| *value > 0))
}

fn memory(node: &Node<'_>, limits: &mut Limits, left: &mut Ledger) -> Read<()> {
    let (mut limit, mut swap) = (None, None);
    for (key, value) in node.members()? {
        match key {
            "limit" => limit = positive(&value)?.map(|most| (most, value.path)),
            "swap" => swap = positive(&value)?.map(|most| (most, value.path)),
            "kernel" | "kernelTCP" => {
                if positive(&value)?.is_some() {
                    left.add(
                        Effect::Unheld,
                        &value.path,
                        value.shown(),
                        "kernel memory is counted in limits.memory, and has no limit of its own",
                    );
                }
            }
            _ if value.is_empty() => {}
            _ => left.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if let Some((most, path)) = &limit {
        limits.memory.lower(*most, path);
    }
    // Memory and swap together: a run swaps nothing, so the sum is a limit on memory.
    if let Some((sum, path)) = swap {
        limits.memory.lower(sum, &path);
        if limit.is_none_or(|(most, _)| sum > most) {
            left.add(Effect::Refused, &path, sum.to_string(), "no run uses swap");
        }
    }
    Ok(())
}

fn cpu(node: &Node<'_>, limits: &mut Limits, left: &mut Ledger) -> Read<()> {
    let (mut quota, mut period) = (None, 100_000);
    for (key, value) in node.members()? {
        match key {
            "quota" => quota = positive(&value)?.map(|most| (most, value.path)),
            "period" => period = value.unsigned()?.max(1),
            "cpus" if !value.text()?.is_empty() => {
                limits.cpus.lower(processors(&value)?.saturating_mul(1000), &value.path);
                left.add(
                    Effect::Unheld,
                    &value.path,
                    value.shown(),
                    "their number is taken over as limits.cpus; which ones is up to the scheduler",
                );
            }
            _ if value.is_empty() || key == "cpus" => {}
            "shares" => left.add(Effect::Unheld, &value.path, value.shown(), "no weight between runs; limits.cpus bounds each"),
            _ => left.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if let Some((quota, path)) = quota {
        let thousandths = u128::from(quota) * 1000 / u128::from(period);
        limits.cpus.lower(u64::try_from(thousandths).unwrap_or(u64::MAX), &path);
    }
    Ok(())
}

/// How many processors a list such as `0-3,8` names.
fn processors(node: &Node<'_>) -> Read<u64> {
    let wrong = || node.wrong("a list of processors such as \"0-3,8\" is expected");
    let mut ranges = Vec::new();
    for part in node.text()?.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u32>().map(u64::from).map_err(|_| wrong());
        ranges.push((number(first)?, number(last)?));
    }
    ranges.sort_unstable();
    let (mut count, mut next) = (0, 0);
    for (first, last) in ranges {
        if last < first {
            return Err(wrong());
        }
        let from = first.max(next);
        count += (last + 1).saturating_sub(from);
        next = next.max(last + 1);
    }
    Ok(count)
}

fn device_rules(node: &Node<'_>, left: &mut Ledger) -> Read<()> {
    for entry in node.elements()? {
        for (key, value) in entry.members()? {
            if key == "allow" && value.boolean()? {
                left.add(
                    Effect::Refused,
                    &entry.path,
                    "a device rule that allows",
                    "a run has null, zero, full, random and urandom, and no other device",
                );
            }
        }
    }
    Ok(())
}

/// Writes the limits that something says, and those of the base that they contradict.
fn write_limits(limits: Limits, tmp: Option<(u64, String)>, document: &mut Document, left: &mut Ledger) {
    const MOST: u64 = i64::MAX as u64;
    let Limits { memory, pids, cpus, open_files, file_size, stack, cpu_time } = limits;
    let mut within = |field: &str, Lowest(lowest): Lowest, least: u64, most: u64| {
        let (value, path) = lowest?;
        if value < least {
            left.add(Effect::Unheld, &path, value.to_string(), format!("the least that {field} can be is {least}"));
        }
        Some((value.clamp(least, most), path))
    };
    let memory = within("limits.memory", memory, 4096, MOST);
    let mut write = |key: &str, value: serde_json::Value, path: String| document.limits.push(member(key, &value, path));
    if let Some((bytes, path)) = &memory {
        write("memory", json!(Bytes(*bytes).to_string()), path.clone());
        if *bytes < DEFAULT_JOB {
            write("job_size", json!(Bytes(*bytes).to_string()), "must fit in the memory".into());
        }
    }
    if let Some((count, path)) = within("limits.pids", pids, 1, u64::MAX) {
        write("pids", json!(count), path);
    }
    if let Some((thousandths, path)) = within("limits.cpus in thousandths", cpus, 10, u32::MAX.into()) {
        let cpus = Cpus(u32::try_from(thousandths).unwrap_or(u32::MAX)).to_string();
        write("cpus", cpus.parse().map_or(serde_json::Value::Null, serde_json::Value::Number), path);
    }
    if let Some((count, path)) = within("limits.open_files", open_files, 8, 1_048_576) {
        write("open_files", json!(count), path);
    }
    if let Some((bytes, path)) = within("limits.file_size", file_size, 1, MOST) {
        write("file_size", json!(Bytes(bytes).to_string()), path);
    }
    if let Some((bytes, path)) = within("limits.stack", stack, 64 << 10, 1 << 30) {
        write("stack", json!(Bytes(bytes).to_string()), path);
    }
    if let Some((seconds, path)) = within("limits.cpu_time in seconds", cpu_time, 1, MOST / 1_000_000) {
        write("cpu_time", json!(Span(seconds * 1_000_000).to_string()), path);
    }
    let memory = memory.map(|(bytes, _)| bytes);
    let tmp = within("filesystem.tmp.size", Lowest(tmp), 4096, MOST);
    // Without a limit in the source the memory is that of the base.
    let room = memory.unwrap_or(DEFAULT_MEMORY);
    let size = tmp.filter(|(size, _)| *size <= room).or_else(|| (room < DEFAULT_TMP).then(|| (room, "must fit in the memory".into())));
    document.tmp.extend(size.map(|(size, path)| member("size", &json!(Bytes(size).to_string()), path)));
}

/// Sizes in the built-in policy `default`; a test compares them.
pub(super) const DEFAULT_MEMORY: u64 = 256 << 20;
pub(super) const DEFAULT_TMP: u64 = 64 << 20;
pub(super) const DEFAULT_JOB: u64 = 16 << 20;

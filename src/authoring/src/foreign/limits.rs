//! The limits of an OCI container: `linux.resources` and `process.rlimits`, each the lowest that anything says.
//!
//! Always holds: a limit is at most the one there; where a policy can't say one so low, the list names it.

use std::ops::RangeInclusive;

use remand_policy::ranges;
use remand_policy::units::{Bytes, Cpus, Span};
use serde_json::json;

use super::json::{Node, Read, quoted};
use super::omissions::{Effect, NOWHERE, Omissions};
use super::write::{Document, member};

/// What is gathered before it is written: the lowest limit that anything says, with its place.
#[derive(Default)]
pub(super) struct Limits {
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

/// What a tmpfs at `/tmp` is bounded by, with its place.
#[derive(Default)]
pub(super) struct Tmp {
    /// Bytes.
    pub size: Option<(u64, String)>,
    pub inodes: Option<(u64, String)>,
}

/// `process.rlimits`.
pub(super) fn rlimits(node: &Node<'_>, limits: &mut Limits, omissions: &mut Omissions) -> Read<()> {
    for entry in node.elements()? {
        let (mut kind, mut hard) = (None, None);
        for (key, value) in entry.members()? {
            match key {
                "type" => kind = Some(value.text()?),
                "hard" => hard = Some(value.unsigned()?),
                // The process may raise it to the hard one.
                "soft" => drop(value.unsigned()?),
                _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
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
            "RLIMIT_CORE" => omissions.add(Effect::Settled, &entry.path, kind, "no run leaves a core dump"),
            _ => omissions.add(Effect::Unheld, &entry.path, format!("{} {hard}", quoted(kind)), NOWHERE),
        }
    }
    Ok(())
}

/// `linux.resources`.
pub(super) fn resources(node: &Node<'_>, limits: &mut Limits, omissions: &mut Omissions) -> Read<()> {
    for (key, value) in node.members()? {
        match key {
            "memory" => memory(&value, limits, omissions)?,
            "cpu" => cpu(&value, limits, omissions)?,
            "pids" => {
                for (key, value) in value.members()? {
                    match key {
                        "limit" => positive(&value)?.into_iter().for_each(|most| limits.pids.lower(most, &value.path)),
                        _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
                    }
                }
            }
            "devices" => device_rules(&value, omissions)?,
            _ if value.is_empty() => {}
            _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    Ok(())
}

/// A limit; zero and below mean none.
fn positive(node: &Node<'_>) -> Read<Option<u64>> {
    Ok(u64::try_from(node.signed()?).ok().filter(|value| *value > 0))
}

/// `linux.resources.devices`.
fn device_rules(node: &Node<'_>, omissions: &mut Omissions) -> Read<()> {
    for entry in node.elements()? {
        for (key, value) in entry.members()? {
            if key == "allow" && value.boolean()? {
                omissions.add(
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

fn memory(node: &Node<'_>, limits: &mut Limits, omissions: &mut Omissions) -> Read<()> {
    let (mut limit, mut swap) = (None, None);
    for (key, value) in node.members()? {
        match key {
            "limit" => limit = positive(&value)?.map(|most| (most, value.path)),
            "swap" => swap = positive(&value)?.map(|most| (most, value.path)),
            "kernel" | "kernelTCP" => {
                if positive(&value)?.is_some() {
                    omissions.add(
                        Effect::Unheld,
                        &value.path,
                        value.shown(),
                        "kernel memory is counted in limits.memory, and has no limit of its own",
                    );
                }
            }
            _ if value.is_empty() => {}
            _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if let Some((most, path)) = &limit {
        limits.memory.lower(*most, path);
    }
    // Memory and swap together: a run swaps nothing, so the sum is a limit on memory.
    if let Some((sum, path)) = swap {
        limits.memory.lower(sum, &path);
        if limit.is_none_or(|(most, _)| sum > most) {
            omissions.add(Effect::Refused, &path, sum.to_string(), "no run uses swap");
        }
    }
    Ok(())
}

fn cpu(node: &Node<'_>, limits: &mut Limits, omissions: &mut Omissions) -> Read<()> {
    let (mut quota, mut period) = (None, 100_000);
    for (key, value) in node.members()? {
        match key {
            "quota" => quota = positive(&value)?.map(|most| (most, value.path)),
            "period" => period = value.unsigned()?.max(1),
            "cpus" if !value.text()?.is_empty() => {
                limits.cpus.lower(processors(&value)?.saturating_mul(1000), &value.path);
                omissions.add(
                    Effect::Unheld,
                    &value.path,
                    value.shown(),
                    "their number is taken over as limits.cpus; which ones is up to the scheduler",
                );
            }
            _ if value.is_empty() || key == "cpus" => {}
            "shares" => omissions.add(Effect::Unheld, &value.path, value.shown(), "no weight between runs; limits.cpus bounds each"),
            _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
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

/// Writes the limits that something says, and those of the base that they contradict.
pub(super) fn write(limits: Limits, tmp: Tmp, document: &mut Document, omissions: &mut Omissions) {
    // Where a limit can be lifted, the most is what the kernel counts to.
    let up_to_most = |range: RangeInclusive<u64>| *range.start()..=ranges::MOST;
    let Limits { memory, pids, cpus, open_files, file_size, stack, cpu_time } = limits;
    let mut within = |field: &str, Lowest(lowest): Lowest, range: RangeInclusive<u64>| {
        let (value, path) = lowest?;
        let (least, most) = range.into_inner();
        if value < least {
            omissions.add(Effect::Unheld, &path, value.to_string(), format!("the least that {field} can be is {least}"));
        }
        Some((value.clamp(least, most), path))
    };
    let memory = within("limits.memory", memory, up_to_most(ranges::MEMORY));
    let mut put = |key: &str, value: serde_json::Value, path: String| document.limits.push(member(key, &value, path));
    if let Some((bytes, path)) = &memory {
        put("memory", json!(Bytes(*bytes).to_string()), path.clone());
        if *bytes < DEFAULT_JOB {
            put("job_size", json!(Bytes(*bytes).to_string()), "must fit in the memory".into());
        }
    }
    if let Some((count, path)) = within("limits.pids", pids, ranges::PIDS) {
        put("pids", json!(count), path);
    }
    if let Some((thousandths, path)) = within("limits.cpus in thousandths", cpus, *ranges::CPUS.start()..=u32::MAX.into()) {
        let cpus = Cpus(u32::try_from(thousandths).unwrap_or(u32::MAX)).to_string();
        put("cpus", cpus.parse().map_or(serde_json::Value::Null, serde_json::Value::Number), path);
    }
    if let Some((count, path)) = within("limits.open_files", open_files, ranges::OPEN_FILES) {
        put("open_files", json!(count), path);
    }
    if let Some((bytes, path)) = within("limits.file_size", file_size, up_to_most(ranges::FILE_SIZE)) {
        put("file_size", json!(Bytes(bytes).to_string()), path);
    }
    if let Some((bytes, path)) = within("limits.stack", stack, ranges::STACK) {
        put("stack", json!(Bytes(bytes).to_string()), path);
    }
    if let Some((seconds, path)) = within("limits.cpu_time in seconds", cpu_time, 1..=ranges::MOST / 1_000_000) {
        put("cpu_time", json!(Span(seconds * 1_000_000).to_string()), path);
    }
    let memory = memory.map(|(bytes, _)| bytes);
    let size = within("filesystem.tmp.size", Lowest(tmp.size), ranges::TMP_SIZE);
    let inodes = within("filesystem.tmp.inodes", Lowest(tmp.inodes), ranges::TMP_INODES);
    // Without a limit in the source the memory is that of the base.
    let room = memory.unwrap_or(DEFAULT_MEMORY);
    if let Some((size, path)) = size.as_ref().filter(|(size, _)| *size > room) {
        omissions.add(Effect::Refused, path, size.to_string(), "larger than the memory that counts it");
    }
    let size = size.filter(|(size, _)| *size <= room).or_else(|| (room < DEFAULT_TMP).then(|| (room, "must fit in the memory".into())));
    document.tmp.extend(size.map(|(size, path)| member("size", &json!(Bytes(size).to_string()), path)));
    document.tmp.extend(inodes.map(|(count, path)| member("inodes", &json!(count), path)));
}

/// Sizes in the built-in policy `default`; a test compares them.
const DEFAULT_MEMORY: u64 = 256 << 20;
pub(super) const DEFAULT_TMP: u64 = 64 << 20;
const DEFAULT_JOB: u64 = 16 << 20;

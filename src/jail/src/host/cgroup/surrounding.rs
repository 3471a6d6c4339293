//! Limits that hold this process, and that runs get past where their cgroups are made further up: those of the levels in between.
//!
//! Always holds: of several levels the tightest is told; what cannot be had by runs' cgroups is told with the reason.

use std::collections::BTreeMap;

use remand_plan::host::Surrounding;

use super::super::look::read;
use super::level::Level;

/// Files of one number, or `max`.
const NUMBERS: [&str; 5] = ["memory.max", "memory.high", "memory.swap.max", "memory.zswap.max", "pids.max"];
/// Files of a list, with the one that says what is left of it by all levels above.
const LISTS: [(&str, &str); 2] = [("cpuset.cpus", "cpuset.cpus.effective"), ("cpuset.mems", "cpuset.mems.effective")];

/// The limits of the levels below the chosen one.
pub(super) fn of(levels: &[Level], chosen: &Level) -> Vec<Surrounding> {
    let skipped: Vec<&Level> = levels.iter().take_while(|level| level.path != chosen.path).collect();
    let numbers = NUMBERS.iter().filter_map(|file| tightest(&skipped, file, |text| text.parse::<u64>().ok()));
    let lists = LISTS.iter().filter_map(|(file, effective)| {
        let level = skipped.iter().find(|level| !content(level, effective).is_empty())?;
        let value = content(level, effective);
        (value != content(chosen, effective)).then(|| (*file, value, level.path.clone()))
    });
    let all = numbers.chain(tightest(&skipped, "cpu.max", bandwidth)).chain(lists).chain(devices(&skipped));
    let copied = |file: &str| chosen.fact(file.split('.').next().unwrap_or(file));
    all.map(|(file, value, cgroup)| Surrounding { file: file.into(), value, cgroup, copied: copied(file) }).collect()
}

fn content(level: &Level, file: &str) -> String {
    read(&format!("{}/{file}", level.path)).trim().to_owned()
}

/// The file's content at the level where it allows the least; nothing where no level limits it.
fn tightest<'a>(levels: &[&Level], file: &'a str, allows: impl Fn(&str) -> Option<u64>) -> Option<(&'a str, String, String)> {
    let limited = levels.iter().filter_map(|level| {
        let value = content(level, file);
        Some((allows(&value)?, value, level.path.clone()))
    });
    limited.min_by_key(|(allowed, ..)| *allowed).map(|(_, value, path)| (file, value, path))
}

/// Millionths of a CPU that `quota period` allows.
fn bandwidth(text: &str) -> Option<u64> {
    let (quota, period) = text.split_once(' ')?;
    quota.parse::<u64>().ok()?.saturating_mul(1_000_000).checked_div(period.parse().ok()?)
}

/// `io.max`: a line per device, the smallest of each of its numbers.
fn devices<'a>(levels: &[&Level]) -> Option<(&'a str, String, String)> {
    let level = levels.iter().find(|level| !content(level, "io.max").is_empty())?;
    let mut devices: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for text in levels.iter().map(|level| content(level, "io.max")) {
        for (device, rest) in text.lines().filter_map(|line| line.split_once(' ')) {
            let limits = devices.entry(device.to_owned()).or_default();
            for (key, number) in rest.split_whitespace().filter_map(|word| word.split_once('=')) {
                let number = number.parse().unwrap_or(u64::MAX);
                limits.entry(key.to_owned()).and_modify(|least| *least = number.min(*least)).or_insert(number);
            }
        }
    }
    let word = |(key, number): (&String, &u64)| if *number == u64::MAX { format!("{key}=max") } else { format!("{key}={number}") };
    let lines = devices.iter().map(|(device, limits)| format!("{device} {}", limits.iter().map(word).collect::<Vec<_>>().join(" ")));
    Some(("io.max", lines.collect::<Vec<_>>().join("\n"), level.path.clone()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::host::cgroup::level::Inside;

    /// Levels of an invented tree, nearest first, with these files.
    fn tree(name: &str, files: &[&[(&str, &str)]]) -> Vec<Level> {
        let root = std::env::temp_dir().join(format!("remand-surrounding-{name}-{}", std::process::id()));
        let level = |(index, files): (usize, &&[(&str, &str)])| {
            let path = root.join(index.to_string());
            std::fs::create_dir_all(&path).unwrap();
            files.iter().for_each(|(file, text)| std::fs::write(path.join(file), format!("{text}\n")).unwrap());
            let all = "cpuset cpu io memory pids".to_owned();
            Level {
                path: path.to_str().unwrap().into(),
                refused: None,
                on: all.clone(),
                offered: all,
                may_enable: true,
                inside: Inside::Nobody,
                top: false,
            }
        };
        files.iter().enumerate().map(level).collect()
    }

    fn told(levels: &[Level], chosen: usize) -> Vec<(String, String, usize)> {
        let found = of(levels, &levels[chosen]);
        assert!(found.iter().all(|limit| limit.copied.available()));
        let place = |path: &str| levels.iter().position(|level| level.path == path).unwrap();
        found.into_iter().map(|limit| (limit.file, limit.value, place(&limit.cgroup))).collect()
    }

    fn owned(expected: &[(&str, &str, usize)]) -> Vec<(String, String, usize)> {
        expected.iter().map(|(file, value, level)| ((*file).to_owned(), (*value).to_owned(), *level)).collect()
    }

    #[test]
    fn of_skipped_levels_the_tightest_counts() {
        let levels = tree(
            "tightest",
            &[
                &[
                    ("memory.max", "100"),
                    ("memory.high", "max"),
                    ("pids.max", "max"),
                    ("cpu.max", "50000 100000"),
                    ("io.max", "8:0 rbps=9 wiops=max"),
                ],
                &[
                    ("memory.max", "60"),
                    ("memory.swap.max", "0"),
                    ("pids.max", "40"),
                    ("cpu.max", "10000 10000"),
                    ("io.max", "8:0 rbps=7 wiops=5\n8:16 rbps=1"),
                ],
                &[("memory.max", "1"), ("cpu.max", "max 100000")],
            ],
        );
        assert_eq!(told(&levels, 0), owned(&[]), "limits of the chosen level hold by themselves");
        assert_eq!(
            told(&levels, 1),
            owned(&[("memory.max", "100", 0), ("cpu.max", "50000 100000", 0), ("io.max", "8:0 rbps=9 wiops=max", 0)])
        );
        let all = [
            ("memory.max", "60", 1),
            ("memory.swap.max", "0", 1),
            ("pids.max", "40", 1),
            ("cpu.max", "50000 100000", 0),
            ("io.max", "8:0 rbps=7 wiops=5\n8:16 rbps=1", 0),
        ];
        assert_eq!(told(&levels, 2), owned(&all));
    }

    #[test]
    fn processors_count_where_fewer_are_left() {
        let levels = tree(
            "processors",
            &[
                &[],
                &[("cpuset.cpus.effective", "1"), ("cpuset.mems.effective", "0")],
                &[("cpuset.cpus.effective", "0-3"), ("cpuset.mems.effective", "0")],
            ],
        );
        assert_eq!(told(&levels, 2), owned(&[("cpuset.cpus", "1", 1)]));
    }

    #[test]
    fn what_cannot_be_copied_says_why() {
        let mut levels = tree("lost", &[&[("memory.max", "5")], &[]]);
        levels[1].on = "pids".into();
        levels[1].offered = "pids".into();
        assert!(!of(&levels, &levels[1])[0].copied.available());
    }
}

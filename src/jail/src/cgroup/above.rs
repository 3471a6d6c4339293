//! The cgroups above a run's, by their memory limits: whose was met when a process of the run was killed and its own limit was not.
//!
//! Always holds: only counters of a level itself are read, never those that include the levels beneath it; a level counts only by what grew meanwhile.

use remand_plan::evidence::MemoryLevel;

use super::directory::keyed;

/// Events of a level itself; `memory.events` includes what lies beneath.
const LOCAL: &str = "memory.events.local";

/// v2: levels, nearest first, with how often their limit was met at the run's start.
#[derive(Debug)]
pub(super) struct Above(Vec<(String, u64)>);

impl Above {
    /// Looks at `parent` and what is above it, as far as it is mounted here and can have a limit (the root cannot).
    pub(super) fn look(parent: &str) -> Self {
        Self(upwards(parent).map_while(|path| Some((path.to_owned(), met(path)?))).collect())
    }

    /// Those whose limit was met since.
    pub(super) fn met(&self) -> Vec<MemoryLevel> {
        let grew = |(path, before): &&(String, u64)| met(path).is_some_and(|met| met > *before);
        self.0.iter().filter(grew).map(|(path, _)| level(path, "memory.max", ["memory.peak", "memory.current"])).collect()
    }
}

fn met(path: &str) -> Option<u64> {
    keyed(&std::fs::read_to_string(format!("{path}/{LOCAL}")).ok()?, "oom")
}

/// A directory and all above it.
pub(super) fn upwards(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(above, _)| above))
}

/// A level as it is now, by the names of its files: its limit; the most that it ever held, or what it holds. More than the limit is of a time before this limit.
pub(super) fn level(path: &str, limit: &str, held: [&str; 2]) -> MemoryLevel {
    let number = |file: &str| std::fs::read_to_string(format!("{path}/{file}")).ok()?.trim().parse().ok();
    let allowed = number(limit).unwrap_or(u64::MAX);
    MemoryLevel { cgroup: path.to_owned(), allowed, seen: held.iter().find_map(|file| number(file)).unwrap_or(allowed).min(allowed) }
}

/// Bytes that a full cgroup may lack: the kernel charges in batches, per CPU.
pub(super) const SLACK: u64 = 1 << 20;

/// The cgroups that this process and a run without one of its own are in together, by what ended there for want of memory: a container's, mostly.
#[derive(Debug)]
pub(crate) struct Together {
    /// Nearest first, each with how often something in it was killed, and its limit met.
    levels: Vec<(String, u64, u64)>,
    files: &'static Names,
}

/// Names of files of one version.
#[derive(Debug)]
struct Names {
    /// What has `oom_kill`: of the level itself.
    kills: &'static str,
    /// What has how often the limit was met with nothing to reclaim, as `oom`. v1 has no such count: `memory.failcnt` counts what could still be reclaimed, and (seen on
    /// 6.18) not what fails where memory and swap are bounded as one.
    met: Option<&'static str>,
    limit: &'static str,
    held: [&'static str; 2],
}

const V1: Names = Names {
    kills: "memory.oom_control",
    met: None,
    limit: "memory.limit_in_bytes",
    held: ["memory.max_usage_in_bytes", "memory.usage_in_bytes"],
};
const V2: Names = Names { kills: LOCAL, met: Some(LOCAL), limit: "memory.max", held: ["memory.peak", "memory.current"] };

impl Names {
    fn look(&self, path: &str) -> Option<(u64, u64)> {
        let count = |file: &str, key: &str| keyed(&std::fs::read_to_string(format!("{path}/{file}")).ok()?, key);
        Some((count(self.kills, "oom_kill")?, self.met.map_or(Some(0), |file| count(file, "oom"))?))
    }
}

impl Together {
    /// Looks at a directory of this version and at those above it, as far as they can be read.
    pub(crate) fn look(own: &str, v1: bool) -> Self {
        let files = if v1 { &V1 } else { &V2 };
        let seen = |path: &str| files.look(path).map(|(kills, met)| (path.to_owned(), kills, met));
        Self { levels: upwards(own).map_while(seen).collect(), files }
    }

    /// How many were killed in the nearest since, and the levels whose limit was met meanwhile (v1: that are, or were, full).
    pub(crate) fn killed(&self) -> (u64, Vec<MemoryLevel>) {
        let now: Vec<_> = self.levels.iter().map(|(path, ..)| self.files.look(path).unwrap_or_default()).collect();
        let killed = self.levels.first().zip(now.first()).map_or(0, |((_, before, _), (after, _))| after.saturating_sub(*before));
        if killed == 0 {
            return (0, Vec::new());
        }
        let met = self.levels.iter().zip(&now).filter(|((.., before), (_, after))| self.files.met.is_none() || after > before);
        let levels = met.map(|((path, ..), _)| level(path, self.files.limit, self.files.held));
        (killed, levels.filter(|level| level.seen.saturating_add(SLACK) >= level.allowed).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_level_counts_by_what_grew() {
        let root = std::env::temp_dir().join(format!("remand-above-{}", std::process::id()));
        let (outer, inner) = (root.join("outer"), root.join("outer/inner"));
        std::fs::create_dir_all(&inner).unwrap();
        let write = |place: &std::path::Path, file: &str, text: &str| std::fs::write(place.join(file), text).unwrap();
        for place in [&outer, &inner] {
            write(place, LOCAL, "low 7\noom 2\noom_kill 9\n");
        }
        write(&outer, "memory.max", "40960\n");
        write(&outer, "memory.current", "40000\n");
        let above = Above::look(inner.to_str().unwrap());
        assert_eq!(above.0.iter().map(|(_, met)| *met).collect::<Vec<_>>(), [2, 2], "up to the first without the file");
        assert_eq!(above.met(), []);
        write(&outer, LOCAL, "low 8\noom 3\noom_kill 9\n");
        write(&inner, LOCAL, "low 9\noom 2\noom_kill 12\n");
        let level = |place: &std::path::Path, allowed, seen| MemoryLevel { cgroup: place.to_str().unwrap().into(), allowed, seen };
        assert_eq!(above.met(), [level(&outer, 40960, 40000)], "kills are no proof");
        write(&inner, LOCAL, "low 9\noom 3\noom_kill 12\n");
        write(&inner, "memory.max", "max\n");
        write(&outer, "memory.peak", "50000\n");
        assert_eq!(above.met(), [level(&inner, u64::MAX, u64::MAX), level(&outer, 40960, 40960)]);
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_was_killed_beside_is_told_with_the_level_that_was_full() {
        let root = std::env::temp_dir().join(format!("remand-together-{}", std::process::id()));
        let inner = root.join("outer/inner");
        std::fs::create_dir_all(&inner).unwrap();
        let write = |kills: u32, held: u32| {
            std::fs::write(inner.join("memory.oom_control"), format!("oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n")).unwrap();
            std::fs::write(inner.join("memory.limit_in_bytes"), "67108864\n").unwrap();
            std::fs::write(inner.join("memory.max_usage_in_bytes"), format!("{held}\n")).unwrap();
        };
        write(2, 67_108_864);
        let together = Together::look(inner.to_str().unwrap(), true);
        assert_eq!(together.killed(), (0, vec![]), "those before");
        write(3, 67_100_000);
        let full = MemoryLevel { cgroup: inner.to_str().unwrap().into(), allowed: 67_108_864, seen: 67_100_000 };
        assert_eq!(together.killed(), (1, vec![full]));
        write(3, 1 << 20);
        assert_eq!(together.killed(), (1, vec![]), "not for want of this level's memory");
        assert_eq!(Together::look(root.to_str().unwrap(), true).killed(), (0, vec![]), "nothing to be seen there");
        std::fs::remove_dir_all(root).unwrap();
    }
}

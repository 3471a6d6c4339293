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
}

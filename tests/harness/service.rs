//! A cgroup that stands for a service or a container: made beneath the one that runs' cgroups are made in, with limits of its own.
//!
//! Always holds: what is started in it is started there, never moved; it is removed with this value, once empty. On v2 what is started sits in a leaf, so
//! that several can be, and runs' cgroups beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::End;
use crate::command::{Call, binary, until};
use crate::facts::host;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Directories: one for each v1 hierarchy, or one.
#[derive(Debug)]
pub struct Service {
    directories: Vec<PathBuf>,
}

impl Service {
    /// Makes it, with these values: (file of v1, file of v2, value).
    ///
    /// # Errors
    /// The skip: this user may make none here; or what could not be written.
    pub fn new(values: &[(&str, &str, &str)]) -> Result<Self, End> {
        let facts = &host()["cgroup"];
        let v2 = facts["version"] == "v2";
        let above: Vec<PathBuf> = if v2 {
            vec![facts["parent"].as_str().unwrap_or_default().into()]
        } else {
            ["memory", "pids"].iter().filter_map(|name| facts["v1"][name].as_str()).map(PathBuf::from).collect()
        };
        let name = format!("remand-test-service-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut service = Self { directories: Vec::new() };
        for above in above {
            if v2 {
                fs::write(above.join("cgroup.subtree_control"), "+memory +pids +cpu")?;
            }
            fs::create_dir(above.join(&name)).map_err(|error| End::Skip(format!("a cgroup that it may make others in ({error})")))?;
            service.directories.push(above.join(&name));
            if v2 {
                fs::write(above.join(&name).join("cgroup.subtree_control"), "+memory +pids +cpu")?;
                service.directories.push(above.join(&name).join("start"));
                fs::create_dir(above.join(&name).join("start"))?;
            }
        }
        for (v1_file, v2_file, value) in values {
            let file = if v2 { v2_file } else { v1_file };
            let directory = service.directories.iter().find(|directory| directory.join(file).exists());
            fs::write(directory.ok_or_else(|| format!("no {file} in {:?}", service.directories))?.join(file), value)?;
        }
        Ok(service)
    }

    /// Where its memory is counted, as an outcome names it.
    #[must_use]
    pub fn memory(&self) -> String {
        self.directories.first().map(|directory| directory.display().to_string()).unwrap_or_default()
    }

    /// `remand run --json ARGS -` in it.
    #[must_use]
    pub fn run(&self, code: &str, args: &[String]) -> Call {
        // v2: the leaf alone.
        let joined = self.directories.iter().skip(usize::from(host()["cgroup"]["version"] == "v2"));
        let moves: String = joined.map(|directory| format!("echo 0 >{}/cgroup.procs || exit 99; ", directory.display())).collect();
        let mut all = vec!["-c".to_owned(), format!("{moves}exec \"$0\" run --json \"$@\" -"), binary().display().to_string()];
        all.extend_from_slice(args);
        Call::program(Path::new("/bin/sh"), &all).input(code.as_bytes())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for directory in self.directories.iter().rev() {
            // What was reaped can still be counted for a moment.
            until(|| fs::remove_dir(directory).ok().or_else(|| (!directory.exists()).then_some(())));
        }
    }
}

//! The containers that are served, from when each first connected to its end.
//!
//! Always holds: one is known by its cgroup, which is held: another of the same path is another; when it is gone, or nobody is left in it, so is all that was its.

use std::collections::BTreeMap;
use std::time::Duration;

use remand_engine::Moment;
use remand_engine::host::Group;

use crate::client::Container;
use crate::limits::CONTAINERS;

/// How often it is looked whether one has ended.
const OFTEN: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug, Default)]
pub struct Containers {
    known: BTreeMap<u64, (String, Group)>,
    looked: Option<Moment>,
}

impl Containers {
    /// Whether one is known.
    pub fn has(&self, number: u64) -> bool {
        self.known.contains_key(&number)
    }

    /// Takes out those that have ended, each with its cgroup. Of v1 nothing tells when that is, so it is looked for, from time to time.
    pub fn take_ended(&mut self, now: Moment) -> Vec<(u64, String)> {
        if self.looked.is_some_and(|looked| now.since(looked) < OFTEN) {
            return Vec::new();
        }
        self.looked = Some(now);
        let ended: Vec<u64> = self.known.iter().filter(|(_, (_, group))| group.is_empty()).map(|(number, _)| *number).collect();
        ended.into_iter().filter_map(|number| Some((number, self.known.remove(&number)?.0))).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The container of a cgroup, which is `number` if it was not known.
    pub fn of(&mut self, cgroup: String, group: Group, number: u64) -> Result<Container, String> {
        let known = self.known.iter().find(|(_, (path, held))| *path == cgroup && held.is(&group)).map(|(number, _)| *number);
        if known.is_none() && self.known.len() >= CONTAINERS {
            return Err(format!("{CONTAINERS} containers are known, which is all that this daemon serves at once"));
        }
        let number = known.unwrap_or(number);
        self.known.entry(number).or_insert_with(|| (cgroup.clone(), group));
        Ok(Container { number, cgroup })
    }
}

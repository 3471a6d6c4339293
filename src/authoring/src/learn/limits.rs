//! Limits that ended a run: raised step by step while learning, then set to what was measured with headroom. Those that a finished run nearly met get it too.
//!
//! Always holds: a limit is raised only where its own counter ended a run or came close, at most [`STEP`] times at once, never above what the host has
//! ([`HostSize`]), never lifted. What nothing measures is doubled, so that the value that was enough is at most twice what was needed.

use remand_plan::outcome::Outcome;
use remand_plan::verdict::{Level, Verdict};
use remand_policy::policy::Policy;
use remand_policy::question::measures;
use remand_policy::units::{Bytes, Unit};
use serde_json::{Value, json};

use super::{Change, Line, Run, Standing};

/// Times that a measured limit is raised at once.
const STEP: u64 = 4;
/// Measured, times the one, over the other: half as much again.
const HEADROOM: (u64, u64) = (3, 2);
/// A part of a limit beyond which it is nearly met.
const CLOSE: (u64, u64) = (4, 5);
/// Longest that learning lets one run take or compute; microseconds.
const LONGEST: u64 = 600_000_000;

/// What the host has, up to which limits can be raised; bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSize {
    /// Memory in all: runs get at most half of it.
    pub memory: u64,
    /// Open files that a process can be given.
    pub open_files: u64,
}

/// A limit: where it is written, up to what learning raises it, what a run spent of it, what it lets a run spend.
struct Row {
    field: &'static str,
    most: fn(&HostSize) -> u64,
    measured: Option<fn(&Outcome) -> Option<u64>>,
    risk: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        field: "limits.wall_time",
        most: |_| LONGEST,
        measured: Some(|o| Some(o.usage.wall_ms.0)),
        risk: "each run may hold its place for so long",
    },
    Row {
        field: "limits.cpu_time",
        most: |_| LONGEST,
        measured: Some(|o| Some(o.usage.cpu_ms.user.0.saturating_add(o.usage.cpu_ms.system.0))),
        risk: "each run may compute for so long",
    },
    Row {
        field: "limits.memory",
        most: |host| host.memory / 2,
        measured: Some(|o| o.usage.memory_peak),
        risk: "each run may hold so much of the host's memory",
    },
    Row {
        field: "limits.pids",
        most: |_| 4096,
        measured: Some(|o| o.usage.pids_peak),
        risk: "each run may have so many processes and threads",
    },
    Row {
        field: "limits.open_files",
        most: |host| host.open_files,
        measured: None,
        risk: "each process may hold so many descriptors, each some kernel memory",
    },
    Row {
        field: "limits.file_size",
        most: |host| host.memory / 2,
        measured: None,
        risk: "one file may be so large, where filesystem.tmp.size and writable mounts let it",
    },
    Row {
        field: "filesystem.tmp.size",
        most: |host| host.memory / 4,
        measured: None,
        risk: "files in /tmp may take so much of the run's memory",
    },
    Row { field: "filesystem.tmp.inodes", most: |_| 1 << 20, measured: None, risk: "so many files, each some kernel memory" },
    Row { field: "limits.stdin", most: |_| 1 << 30, measured: None, risk: "each run may keep the supervisor passing so much on" },
    Row {
        field: "limits.stdout",
        most: |_| 64 << 20,
        measured: Some(|o| Some(o.stdout.text.len() as u64)),
        risk: "the outcome may carry so much more",
    },
    Row {
        field: "limits.stderr",
        most: |_| 64 << 20,
        measured: Some(|o| Some(o.stderr.text.len() as u64)),
        risk: "the outcome may carry so much more",
    },
    Row {
        field: "limits.prints",
        most: |_| 64 << 20,
        measured: Some(|o| Some(o.prints.iter().map(|text| text.len() as u64).sum())),
        risk: "the outcome may carry so much more",
    },
    Row {
        field: "limits.result_size",
        most: |_| 256 << 20,
        // With the frames around the value.
        measured: Some(|o| Some(o.value.get().len() as u64 + 1024)),
        risk: "the outcome may carry so much more, parsed by the supervisor",
    },
    Row {
        field: "limits.result_depth",
        most: |_| 1024,
        measured: None,
        risk: "the supervisor and whoever reads the outcome meet deeper values",
    },
    Row {
        field: "limits.result_nodes",
        most: |_| 50_000_000,
        measured: None,
        risk: "the supervisor and whoever reads the outcome meet more values",
    },
];

/// The highest of each row that a finished run spent.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured(Vec<(&'static str, u64)>);

impl Measured {
    pub fn take(&mut self, outcome: &Outcome) {
        for (row, measure) in ROWS.iter().filter_map(|row| Some((row, row.measured?))) {
            let Some(value) = measure(outcome) else { continue };
            match self.0.iter_mut().find(|(field, _)| *field == row.field) {
                Some((_, highest)) => *highest = value.max(*highest),
                None => self.0.push((row.field, value)),
            }
        }
    }

    fn of(&self, field: &str) -> Option<u64> {
        self.0.iter().find(|(known, _)| *known == field).map(|(_, value)| *value)
    }
}

/// The field whose limit ended a run, with what the counter showed.
fn exceeded(outcome: &Outcome) -> Option<(&'static str, String)> {
    if let Some(error) = outcome.exception()
        && matches!(outcome.verdict, Verdict::Raised | Verdict::Finished)
    {
        let many = error.kind == "OSError" && error.message.starts_with("[Errno 24] ");
        return many.then(|| ("limits.open_files", "too many open files, by the code's own account".to_owned()));
    }
    // Nothing that a policy says helps where another's memory ran out.
    let Verdict::Exceeded { limit, allowed, seen, unit, source, level: Level::Run } = &outcome.verdict else { return None };
    limit.field(*unit).map(|field| (field, format!("ended it: {seen} of {allowed} {unit} ({source})")))
}

/// What a run that a limit ended asks for.
pub(super) fn asked(run: &Run<'_>, host: &HostSize) -> Vec<Line> {
    let Some((field, because)) = exceeded(run.outcome) else { return Vec::new() };
    let tree = run.policy.tree();
    let mut lines = raise(run, &tree, field, &because, host, 0);
    // What is in /tmp counts as memory too: a larger one needs that.
    let size = lines.first().filter(|line| field == "filesystem.tmp.size" && line.standing == Standing::Proposed);
    if let Some(size) = size.and_then(|line| Unit::Bytes.amount(line.change.value()))
        && current(&tree, "limits.memory").is_some_and(|memory| memory < size.saturating_mul(2))
    {
        let because = format!("/tmp of {} counts in it", Bytes(size));
        lines.splice(0..0, raise(run, &tree, "limits.memory", &because, host, size.saturating_mul(2)));
    }
    lines
}

fn raise(run: &Run<'_>, tree: &Value, field: &str, because: &str, host: &HostSize, least: u64) -> Vec<Line> {
    let Some((row, now)) = ROWS.iter().find(|row| row.field == field).and_then(|row| Some((row, current(tree, field)?))) else {
        return Vec::new();
    };
    let highest = (row.most)(host);
    let step = now.saturating_mul(if row.measured.is_some() { STEP } else { 2 });
    let wanted = if least > 0 { least } else { step }.min(highest);
    let standing = if wanted > now {
        Standing::Proposed
    } else {
        Standing::Refused { because: format!("learning raises it to {} at most on this machine", row.unit().show(highest)) }
    };
    let value = if wanted > now { wanted } else { step };
    vec![Line {
        change: Change::Set { field: row.field, value: row.unit().json(Some(value)), was: row.unit().json(Some(now)) },
        standing,
        risk: row.risk.to_owned(),
        needs: vec![run.need(format!("{} {because}", row.field))],
    }]
}

/// What raised limits become: measured with headroom, above what was too little.
pub(super) fn settled(lines: &[Line], measured: &Measured, host: &HostSize) -> Vec<(usize, Change)> {
    let settle = |(index, line): (usize, &Line)| {
        let Change::Set { field, was, value } = &line.change else { return None };
        let row = ROWS.iter().find(|row| row.field == *field && line.standing == Standing::Proposed)?;
        let (spent, was_number) = (measured.of(field)?, row.unit().amount(was)?);
        // Too little was enough another time: what was measured then says nothing of the time when it was not.
        let wanted = headroom(row.unit(), spent.max(was_number)).min((row.most)(host));
        let change = Change::Set { field: row.field, was: was.clone(), value: row.unit().json(Some(wanted)) };
        (change.value() != value).then_some((index, change))
    };
    lines.iter().enumerate().filter_map(settle).collect()
}

/// Limits that ended no run, and of which a finished one used more than [`CLOSE`]: the next run may need a little more, so they get the same headroom.
pub(super) fn close(policy: &Policy, lines: &[Line], measured: &Measured, host: &HostSize) -> Vec<Line> {
    let (tree, floor) = (policy.tree(), Policy::floor("floor").tree());
    let raise = |row: &Row| {
        let (now, spent) = (current(&tree, row.field)?, measured.of(row.field)?);
        let known = lines.iter().any(|line| line.change.field() == row.field);
        // One process of one is no waver: every run has it.
        let bare = row.unit() == Unit::Count && current(&floor, row.field).is_some_and(|bare| spent <= bare);
        let wanted = headroom(row.unit(), spent).min((row.most)(host));
        let is_close = u128::from(spent) * u128::from(CLOSE.1) > u128::from(now) * u128::from(CLOSE.0);
        (is_close && !known && !bare && wanted > now).then(|| Line {
            change: Change::Set { field: row.field, value: row.unit().json(Some(wanted)), was: row.unit().json(Some(now)) },
            standing: Standing::Proposed,
            risk: format!("{}; it ended no run, but one spent {} of it", row.risk, row.unit().show(spent)),
            needs: Vec::new(),
        })
    };
    ROWS.iter().filter_map(raise).collect()
}

/// Limits that stand above what was measured with headroom, lowered to that, but not below what a bare interpreter just starts with.
pub(super) fn tightened(policy: &Policy, measured: &Measured) -> Vec<Line> {
    let (tree, floor) = (policy.tree(), Policy::floor("floor").tree());
    let lower = |row: &Row| {
        let (now, spent) = (current(&tree, row.field), measured.of(row.field)?);
        let mut least = current(&floor, row.field)?;
        if row.field == "limits.memory" {
            least = least.max(policy.filesystem.tmp.size.0).max(policy.limits.job_size.0);
        }
        let wanted = headroom(row.unit(), spent).max(least);
        now.is_none_or(|now| wanted < now).then(|| Line {
            change: Change::Set {
                field: row.field,
                value: row.unit().json(Some(wanted)),
                was: now.map_or(json!("unlimited"), |now| row.unit().json(Some(now))),
            },
            standing: Standing::Proposed,
            risk: format!("narrows; a later run that needs more than the {} measured here, by half, ends", row.unit().show(spent)),
            needs: Vec::new(),
        })
    };
    ROWS.iter().filter_map(lower).collect()
}

/// Half as much again, rounded up to what people write: an eighth of the next power of two below, tenths of a second, whole counts.
fn headroom(unit: Unit, spent: u64) -> u64 {
    let wanted = spent.saturating_mul(HEADROOM.0).div_ceil(HEADROOM.1).max(1);
    let grain = match unit {
        Unit::Bytes => ((1_u64 << wanted.ilog2()) / 8).max(4096),
        Unit::Time => 100_000,
        Unit::Cpus | Unit::Count => 1,
    };
    wanted.checked_next_multiple_of(grain).unwrap_or(wanted)
}

/// What a policy's tree says; `None` where the limit is lifted.
fn current(tree: &Value, field: &str) -> Option<u64> {
    let row = ROWS.iter().find(|row| row.field == field)?;
    row.unit().amount(field.split('.').try_fold(tree, |value, key| value.get(key))?)
}

impl Row {
    fn unit(&self) -> Unit {
        measures().into_iter().find(|measure| measure.field == self.field).map_or(Unit::Count, |measure| measure.unit)
    }
}

//! Limits: what may be asked about each, what it is in a plan, and what holds it.
//!
//! Always holds: every number of `limits` in a policy can be asked about.

use serde_json::{Value, json};

use super::compiled::Compiled;
use super::edit::Edit;
use super::question::AskError;
use super::{Finding, Line, Ruling};
use crate::load::quote;
use crate::outcome::Enforcement;
use crate::plan::Plan;
use crate::units::{Bytes, Cpus, Span};

/// One limit.
#[derive(Debug)]
pub struct Measure {
    /// The word that questions use.
    pub name: &'static str,
    /// The policy's field.
    pub field: &'static str,
    unit: Unit,
    /// The value in a plan; `None` is unlimited.
    value: fn(&Plan) -> Option<u64>,
    /// The protection in `Plan::enforcement` that tells what holds it, or what always does.
    by: Held,
    /// What comes of more.
    over: &'static str,
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field
    }
}

impl Eq for Measure {}

#[derive(Clone, Copy, Debug)]
enum Held {
    Protection(&'static str),
    Always(&'static str),
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Bytes,
    Time,
    Cpus,
    Count,
}

/// A value that is asked about, in the unit of the plan; `None` is `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub Option<u64>);

macro_rules! measures {
    ($($name:literal $field:literal $unit:ident $value:expr, $by:expr, $over:literal;)*) => {
        &[$(Measure { name: $name, field: $field, unit: Unit::$unit, value: $value, by: $by, over: $over }),*]
    };
}

const READER: Held = Held::Always("the supervisor, which reads no more");

const MEASURES: &[Measure] = measures! {
    "wall_time" "limits.wall_time" Time |plan| plan.wall_time, Held::Protection("wall_time"), "the run is ended as exceeded";
    "cpu_time" "limits.cpu_time" Time |plan| plan.cpu_time, Held::Protection("cpu_time"), "the run is ended as exceeded";
    "cpus" "limits.cpus" Cpus |plan| plan.cgroup.and_then(|cgroup| cgroup.cpus).map(u64::from), Held::Protection("cpu"), "it waits for its next period";
    "memory" "limits.memory" Bytes |plan| plan.memory, Held::Protection("memory"), "the run is ended as exceeded";
    "pids" "limits.pids" Count |plan| plan.pids, Held::Protection("pids"), "fork and clone fail with EAGAIN";
    "open_files" "limits.open_files" Count |plan| rlimit(plan, 7), Held::Always("RLIMIT_NOFILE"), "open fails with EMFILE";
    "file_size" "limits.file_size" Bytes |plan| plan.file_size, Held::Protection("file_size"), "the run is ended by SIGXFSZ, as exceeded";
    "stack" "limits.stack" Bytes |plan| rlimit(plan, 3), Held::Always("RLIMIT_STACK"), "the process dies of SIGSEGV";
    "stdout" "limits.stdout" Bytes |plan| Some(plan.collect.stdout), READER, "the run is ended as exceeded";
    "stderr" "limits.stderr" Bytes |plan| Some(plan.collect.stderr), READER, "the run is ended as exceeded";
    "prints" "limits.prints" Bytes |plan| Some(plan.collect.prints), READER, "the run is ended as exceeded";
    "result_size" "limits.result_size" Bytes |plan| Some(plan.collect.result_size), READER, "the run is ended as exceeded";
    "result_depth" "limits.result_depth" Count |plan| Some(plan.collect.result_depth), READER, "the run is ended as exceeded";
    "result_nodes" "limits.result_nodes" Count |plan| Some(plan.collect.result_nodes), READER, "the run is ended as exceeded";
    "job_size" "limits.job_size" Bytes |plan| Some(plan.collect.job_size), Held::Always("the job's encoder"), "nothing is run";
    "tmp" "filesystem.tmp.size" Bytes |plan| Some(plan.tmp.size), Held::Always("the size of the tmpfs at /tmp"), "writes fail with ENOSPC";
    "tmp_inodes" "filesystem.tmp.inodes" Count |plan| Some(plan.tmp.inodes), Held::Always("nr_inodes of the tmpfs at /tmp"), "new files fail with ENOSPC";
};

fn rlimit(plan: &Plan, resource: u32) -> Option<u64> {
    plan.rlimits.iter().find(|(number, _, _)| *number == resource).map(|(_, soft, _)| *soft).filter(|soft| *soft != u64::MAX)
}

/// The words that limits are asked by.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    MEASURES.iter().map(|measure| measure.name)
}

/// The limit that a word names, by itself or as a field, and what follows a `=` in the word.
pub(super) fn find(word: &str) -> Option<(&'static Measure, Option<&str>)> {
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    let fits =
        |measure: &&Measure| measure.name == name || measure.field == name || measure.field.strip_prefix("filesystem.") == Some(name);
    MEASURES.iter().find(fits).map(|measure| (measure, value))
}

/// The value asked about.
pub(super) fn parse(measure: &Measure, written: Option<&str>, rest: &[&str]) -> Result<Amount, AskError> {
    let example = measure.unit.example();
    let text = match (written, rest) {
        (Some(text), []) => text,
        (None, [text]) => text,
        _ => return Err(AskError::new(format!("\"{}\" takes one value", measure.name), format!("write {} {example}", measure.name))),
    };
    if text == "unlimited" {
        return Ok(Amount(None));
    }
    let quantity = match measure.unit {
        Unit::Bytes => text.parse::<Bytes>().map(|bytes| bytes.0),
        Unit::Time => text.parse::<Span>().map(|span| span.0),
        Unit::Cpus => text.parse::<Cpus>().map(|cpus| cpus.0.into()),
        Unit::Count => {
            let count = text
                .parse()
                .map_err(|_| AskError::new(format!("{} is no count", quote(text)), format!("write {} {example}", measure.name)));
            return count.map(|count| Amount(Some(count)));
        }
    };
    quantity.map(|value| Amount(Some(value))).map_err(|error| AskError { message: error.to_string(), help: error.help() })
}

impl Unit {
    fn example(self) -> &'static str {
        match self {
            Self::Bytes => "256MiB",
            Self::Time => "10s",
            Self::Cpus => "1.5",
            Self::Count => "100",
        }
    }

    fn show(self, value: Option<u64>) -> String {
        match (self, value) {
            (_, None) => "unlimited".to_owned(),
            (Self::Bytes, Some(value)) => Bytes(value).to_string(),
            (Self::Time, Some(value)) => Span(value).to_string(),
            (Self::Cpus, Some(value)) => Cpus(u32::try_from(value).unwrap_or(u32::MAX)).to_string(),
            (Self::Count, Some(value)) => value.to_string(),
        }
    }

    /// As a policy file writes it.
    fn json(self, value: Option<u64>) -> Value {
        let shown = self.show(value);
        match (self, value) {
            (Self::Cpus | Self::Count, Some(_)) => shown.parse::<serde_json::Number>().map_or(Value::Null, Value::Number),
            _ => json!(shown),
        }
    }
}

/// Whether a run may spend that much.
pub(super) fn find_out(measure: &Measure, amount: Amount, compiled: &Compiled<'_>, plan: &Plan) -> Finding {
    let limit = (measure.value)(plan);
    let line = Line::field(compiled, measure.field);
    let (by, absent) = match measure.by {
        Held::Always(by) => (by.to_owned(), None),
        Held::Protection(name) => match plan.enforcement.get(name) {
            Some(Enforcement::By(by)) => (by.clone(), None),
            Some(Enforcement::Substitute { by, .. }) => (by.clone(), None),
            Some(Enforcement::Absent(why)) => (String::new(), Some(why.clone())),
            None => (String::new(), Some("nothing holds it".to_owned())),
        },
    };
    if let Some(why) = absent {
        let because = format!("nothing holds {} here: {why}", measure.field);
        return Finding { ruling: Ruling::Allowed, because, line, cure: Err("nothing that a policy says would hold it here".to_owned()) };
    }
    let fits = limit.is_none_or(|limit| amount.0.is_some_and(|amount| amount <= limit));
    let shown = measure.unit.show(limit);
    if fits {
        let because = format!("{} = {shown}, held by {by}", measure.field);
        return Finding { ruling: Ruling::Allowed, because, line, cure: lower(measure, amount) };
    }
    let because = format!("{} = {shown}, held by {by}; above it {}", measure.field, measure.over);
    Finding { ruling: Ruling::OverLimit, because, line, cure: Ok(raise(measure, amount, compiled)) }
}

/// The limit set to what is asked for, and what must grow with it: memory counts the tmpfs and holds the job.
fn raise(measure: &Measure, amount: Amount, compiled: &Compiled<'_>) -> Vec<Edit> {
    let mut edits = vec![Edit::set(measure.field, measure.unit.json(amount.0))];
    if let (true, Some(wanted), Some(memory)) =
        (matches!(measure.name, "tmp" | "job_size"), amount.0, compiled.policy.limits.memory.value().map(|bytes| bytes.0))
        && wanted > memory
    {
        edits.push(Edit::set("limits.memory", measure.unit.json(amount.0)));
    }
    edits
}

fn lower(measure: &Measure, amount: Amount) -> Result<Vec<Edit>, String> {
    let below = match amount.0 {
        // Any number is below.
        None => return Err(format!("any value of {} would", measure.field)),
        Some(0 | 1) => return Err(format!("{} cannot be lower", measure.field)),
        Some(amount) => amount - 1,
    };
    Ok(vec![Edit::set(measure.field, measure.unit.json(Some(below)))])
}

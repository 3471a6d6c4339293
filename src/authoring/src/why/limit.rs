//! Limits: what each is in a plan, what holds it, and what comes of more.
//!
//! Always holds: whatever can be asked about has its line here.

use remand_plan::Plan;
use remand_plan::Protection;
use remand_plan::enforcement::Enforcement;
use remand_plan::frames::Overflow;
use remand_plan::outcome::microseconds;
use remand_plan::plan::rlimit;
use remand_policy::question::{Amount, Measure};

use super::compiled::Compiled;
use super::edit::Edit;
use super::finding::{Finding, Line, Ruling};

#[derive(Debug)]
enum Held {
    Protection(Protection),
    Always(&'static str),
}

const READER: Held = Held::Always("the supervisor, which reads no more");

/// One limit of a plan.
struct Limited {
    /// The policy's field.
    field: &'static str,
    /// The value in a plan; `None` is unlimited.
    value: fn(&Plan) -> Option<u64>,
    /// The protection in `Plan::enforcement` that tells what holds it, or what always does.
    by: Held,
    /// What comes of more.
    over: &'static str,
}

macro_rules! limits {
    ($($field:literal $value:expr, $by:expr, $over:literal;)*) => {
        &[$(Limited { field: $field, value: $value, by: $by, over: $over }),*]
    };
}

const LIMITS: &[Limited] = limits! {
    "limits.wall_time" |plan| plan.wall_time.map(microseconds), Held::Protection(Protection::WallTime), "the run is ended as exceeded";
    "limits.cpu_time" |plan| plan.cpu_time.map(microseconds), Held::Protection(Protection::CpuTime), "the run is ended as exceeded";
    "limits.cpus" |plan| plan.cgroup.and_then(|cgroup| cgroup.cpus).map(u64::from), Held::Protection(Protection::Cpu), "it waits for its next period";
    "limits.memory" |plan| plan.memory(), Held::Protection(Protection::Memory), "the run is ended as exceeded";
    "limits.pids" |plan| plan.pids(), Held::Protection(Protection::Pids), "fork and clone fail with EAGAIN";
    "limits.open_files" |plan| plan.rlimit(rlimit::NOFILE), Held::Always("RLIMIT_NOFILE"), "open fails with EMFILE";
    "limits.file_size" |plan| plan.rlimit(rlimit::FSIZE), Held::Protection(Protection::FileSize), "the run is ended by SIGXFSZ, as exceeded";
    "limits.stack" |plan| plan.rlimit(rlimit::STACK), Held::Always("RLIMIT_STACK"), "the process dies of SIGSEGV";
    "limits.stdin" |plan| Some(plan.bounds.stdin), READER, "the run is ended as exceeded";
    "limits.stdout" |plan| Some(plan.bounds.stdout), READER, "the run is ended as exceeded";
    "limits.stderr" |plan| Some(plan.bounds.stderr), READER, "the run is ended as exceeded";
    "limits.prints" |plan| Some(plan.bounds.prints), READER, "the run is ended as exceeded";
    "limits.result_size" |plan| Some(plan.bounds.result_size), READER, "the run is ended as exceeded";
    "limits.result_depth" |plan| Some(plan.bounds.result_depth), READER, "the run is ended as exceeded";
    "limits.result_nodes" |plan| Some(plan.bounds.result_nodes), READER, "the run is ended as exceeded";
    "limits.job_size" |plan| Some(plan.bounds.job_size), Held::Always("the job's encoder"), "nothing is run";
    "limits.artifacts" |plan| Some(plan.bounds.artifacts), READER, "what would be more is left out";
    "limits.artifact_files" |plan| Some(plan.bounds.artifact_files), READER, "what would be more is left out";
    "filesystem.tmp.size" |plan| Some(plan.tmp.size), Held::Always("the size of the tmpfs at /tmp"), "writes fail with ENOSPC";
    "filesystem.tmp.inodes" |plan| Some(plan.tmp.inodes), Held::Always("nr_inodes of the tmpfs at /tmp"), "new files fail with ENOSPC";
};

/// What `limits.overflow` is about.
const OUTPUT: [&str; 3] = ["limits.stdout", "limits.stderr", "limits.prints"];

/// Whether a run may spend that much.
pub(super) fn find_out(measure: &Measure, amount: Amount, compiled: &Compiled<'_>, plan: &Plan) -> Finding {
    let line = Line::field(compiled, measure.field);
    let Some(limited) = LIMITS.iter().find(|limited| limited.field == measure.field) else {
        return Finding { ruling: Ruling::Allowed, because: "nothing holds it".to_owned(), line, cure: Err("no plan has it".to_owned()) };
    };
    let limit = (limited.value)(plan);
    let (by, absent) = match &limited.by {
        Held::Always(by) => ((*by).to_owned(), None),
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
    let shown = measure.show(limit);
    if fits {
        let because = format!("{} = {shown}, held by {by}", measure.field);
        return Finding { ruling: Ruling::Allowed, because, line, cure: lower(measure, amount) };
    }
    let truncated = plan.bounds.overflow == Overflow::Truncate && OUTPUT.contains(&measure.field);
    let over = if truncated { "the middle is dropped, and 64 times it end the run" } else { limited.over };
    let because = format!("{} = {shown}, held by {by}; above it {over}", measure.field);
    Finding { ruling: Ruling::OverLimit, because, line, cure: Ok(raise(measure, amount, compiled)) }
}

/// The limit set to what is asked for, and what must grow with it: memory counts the tmpfs and holds the job.
fn raise(measure: &Measure, amount: Amount, compiled: &Compiled<'_>) -> Vec<Edit> {
    let mut edits = vec![Edit::set(measure.field, measure.json(amount.0))];
    if let (true, Some(wanted), Some(memory)) =
        (matches!(measure.name, "tmp" | "job_size"), amount.0, compiled.policy.limits.memory.value().map(|bytes| bytes.0))
        && wanted > memory
    {
        edits.push(Edit::set("limits.memory", measure.json(amount.0)));
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
    Ok(vec![Edit::set(measure.field, measure.json(Some(below)))])
}

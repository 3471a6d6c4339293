//! The outcome record: one shape for `--json`, the daemon and the Python client. Its JSON Schema is generated from these types.
//!
//! It is read too, as another process has written it: that is as hostile as a run. What is read is written as it was.
//!
//! Always holds: everything that came from the run is bounded and is data; control characters never reach a terminal from here unescaped.

mod exit_code;
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use remand_syscalls::{Denial, Remedy};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::enforcement::Enforcement;
use crate::evidence::Given;
use crate::frames::{ErrorFrame, Replaced, Shown};
use crate::output::{Dropped, Order, Output, Texts};
use crate::protection::Protection;
use crate::step::Step;
use crate::trace::Where;
use crate::verdict::Verdict;
use crate::words::words;

pub use crate::output::Captured;
pub use files::{File, LeftOut, Why, is_plain};

pub use exit_code::{EXIT_CODES, exit_code, exit_code_table, program_code};

/// Version of this record's shape.
pub const VERSION: u32 = 1;

/// The whole record of one run.
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Outcome {
    /// Shape version, 1.
    pub version: u32,
    /// Random id of the run.
    pub run: String,
    /// Which policy, exactly.
    pub policy: PolicyRef,
    /// How it ended, with the evidence.
    pub verdict: Verdict,
    /// What the code returned; in `per_item` mode the array of items, `null` where there is none.
    #[schemars(with = "serde_json::Value")]
    pub value: Box<RawValue>,
    /// What stands in `value` for something that JSON cannot say (`result` of the policy): the code's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replaced>,
    /// What a program showed (`--value display`), in order: outputs of the notebook format. Hostile: HTML and scripts among it are the code's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub displays: Vec<Shown>,
    /// The exception of a `raised` run, or what went with another verdict.
    pub error: Option<ErrorFrame>,
    /// Where the code was when a limit of time or memory or a signal ended it: its own claim, where it could make one.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub place: Option<Where>,
    /// What became of the items, in `per_item` mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Items>,
    /// Captured prints, in order.
    pub prints: Texts,
    /// Prints that are missing there, where the run went on (`limits.overflow`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prints_dropped: Option<Dropped>,
    /// What it was given as standard input, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Given>,
    /// Processes that the code left running when it ended by itself, and that were ended with it: what they had not written yet is not here.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_running: u64,
    /// It had a terminal of its own: `stdout` is all that was written there, standard error included, with the line ends of a terminal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tty: bool,
    /// Standard output of the run (what was not by `print`).
    pub stdout: Captured,
    /// Standard error of the run.
    pub stderr: Captured,
    /// Prints and both streams in one order.
    pub output: Output,
    /// What is known of that order: `exact` where all came by one pipe, as what functions print and write by `sys.stdout` and `sys.stderr` does; else `read`, the
    /// order in which the supervisor read.
    pub output_order: Order,
    /// Files that the run left in `/workspace` and its caller wanted, by name.
    pub files: Vec<File>,
    /// Such files that are not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files_left_out: Vec<LeftOut>,
    /// More were left out than are listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub files_left_out_truncated: bool,
    /// Denied system calls, most frequent first.
    pub violations: Vec<Violation>,
    /// More calls were denied than are listed.
    pub violations_truncated: bool,
    /// Denied system calls that the policy expects (`syscalls.quiet`), apart from the others.
    pub quiet: Vec<Violation>,
    /// What the run spent.
    pub usage: Usage,
    /// Microseconds per step, in order.
    pub timing: Vec<Timing>,
    /// Each protection: what enforced it, or why it was not.
    pub enforcement: BTreeMap<Protection, Enforcement>,
}

impl Outcome {
    /// The exception that ended it, else the first that an item raised.
    #[must_use]
    pub fn exception(&self) -> Option<&ErrorFrame> {
        self.error.as_ref().or_else(|| self.items.as_ref()?.error.as_ref())
    }

    /// One that holds nothing but how it ended. A run that was never made has no id.
    #[must_use]
    pub fn bare(policy: PolicyRef, verdict: Verdict) -> Self {
        Self {
            version: VERSION,
            run: String::new(),
            policy,
            verdict,
            value: RawValue::NULL.to_owned(),
            replaced: None,
            displays: Vec::new(),
            error: None,
            place: None,
            items: None,
            prints: Texts::default(),
            prints_dropped: None,
            stdin: None,
            left_running: 0,
            tty: false,
            stdout: Captured::default(),
            stderr: Captured::default(),
            output: Output::default(),
            output_order: Order::Exact,
            files: Vec::new(),
            files_left_out: Vec::new(),
            files_left_out_truncated: false,
            violations: Vec::new(),
            violations_truncated: false,
            quiet: Vec::new(),
            usage: Usage::default(),
            timing: Vec::new(),
            enforcement: BTreeMap::new(),
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's shape
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What became of items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Items {
    /// How many the run was given.
    pub given: u64,
    /// How many gave a value; those that gave None are dropped.
    pub returned: u64,
    /// How many raised an exception, where that does not end the run (`on_error`: `item`); each has an item `{"error": ..., "pairedItem": ...}`.
    pub failed: u64,
    /// The first of these exceptions, with its stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorFrame>,
}

/// Name and content of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PolicyRef {
    /// Name.
    pub name: String,
    /// SHA-256 of the effective policy's canonical text, hex.
    pub hash: String,
}

/// One kind of denied call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Violation {
    /// Name, or `syscall_NNN` where this build knows none; `foreign_syscall_NNN` for one of another instruction set.
    pub syscall: String,
    /// The six argument registers of the first occurrence.
    pub args: [u64; 6],
    /// How often.
    pub count: u64,
    /// What it was answered, such as `EPERM`; `end of the run` where the policy ends the run for it.
    pub answered: Answered,
    /// The policy line that would allow it, and whether that is dangerous.
    #[serde(rename = "change", serialize_with = "told", deserialize_with = "as_told")]
    #[schemars(with = "String")]
    pub remedy: Remedy,
}

impl Violation {
    /// Whether the policy expects it, which names these calls. One that ended the run is news, whatever it names.
    #[must_use]
    pub fn quiet(&self, expected: &BTreeSet<String>) -> bool {
        self.answered != Answered::EndOfRun && expected.contains(&self.syscall)
    }
}

fn told<S: serde::Serializer>(remedy: &Remedy, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(remedy)
}

fn as_told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Remedy, D::Error> {
    String::deserialize(deserializer).map(Remedy::Told)
}

words! {
    /// What a denied call was answered.
    Answered {
        Eperm "EPERM", Enosys "ENOSYS", EndOfRun "end of the run",
    }
}

impl From<Denial> for Answered {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Eperm => Self::Eperm,
            Denial::Enosys => Self::Enosys,
        }
    }
}

/// What a run spent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Usage {
    /// Milliseconds from `ready` to the end; from the launch where the end came before `ready` was read.
    pub wall_ms: Milliseconds,
    /// User and system milliseconds of CPU.
    pub cpu_ms: CpuMs,
    /// Bytes; `null` where nothing counts them here.
    pub memory_peak: Option<u64>,
    /// Tasks; `null` where nothing counts them here.
    pub pids_peak: Option<u64>,
}

/// Microseconds that serialise as milliseconds with three decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milliseconds(pub u64);

impl From<Duration> for Milliseconds {
    fn from(length: Duration) -> Self {
        Self(microseconds(length))
    }
}

/// Whole microseconds of a length of time, as records have them.
#[must_use]
pub fn microseconds(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

impl Serialize for Milliseconds {
    #[allow(clippy::cast_precision_loss)] // exact below 2^53 microseconds, 285 years
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Milliseconds {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, which is right for a duration
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(|ms| Self((ms * 1000.0).round() as u64))
    }
}

impl schemars::JsonSchema for Milliseconds {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Milliseconds".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0 })
    }
}

/// CPU milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[allow(missing_docs)]
pub struct CpuMs {
    pub user: Milliseconds,
    pub system: Milliseconds,
}

/// One step's cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Timing {
    /// Which.
    pub step: Step,
    /// Microseconds.
    pub us: u64,
}

/// JSON Schema of [`Outcome`], generated from the types here, the same text at every call.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Outcome).to_value()
}

#[cfg(test)]
mod tests;

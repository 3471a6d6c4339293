//! What is told of a run while it goes on, an event per line (`--stream`). Its JSON Schema is generated from this type.
//!
//! Always holds: as in the outcome, what came from the run is bounded, and data.

mod heard;

use data_encoding::BASE64;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::frames::Shown;
use crate::outcome::{CpuMs, Outcome, PolicyRef};
use crate::output::Channel;

/// One event. `us`: microseconds from `start`, by the supervisor's clock.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// User code can begin. The first event, unless the run was never made.
    Start {
        /// Shape version of events and of the outcome, 1.
        version: u32,
        /// Random id of the run, the outcome's.
        run: &'a str,
        /// Which policy, exactly.
        policy: &'a PolicyRef,
    },
    /// What a function printed by one `print`, or a part of it.
    Print {
        /// When.
        us: u64,
        /// The text that `print` makes of it.
        text: &'a str,
        /// What was printed, where that is known and was not too much; what is no JSON is text.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Vec<serde_json::Value>>")]
        values: Option<&'a RawValue>,
        /// It goes on where the one before it ended.
        #[serde(skip_serializing_if = "is_false")]
        continues: bool,
    },
    /// What was written to standard output; invalid UTF-8 is replaced.
    Stdout {
        /// When.
        us: u64,
        /// What. A character that was written in two pieces comes with the second.
        text: &'a str,
        /// The bytes that were written, in base64, where they are not those of `text`.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "in_base64")]
        #[schemars(with = "Option<String>")]
        base64: Option<&'a [u8]>,
    },
    /// What was written to standard error; invalid UTF-8 is replaced.
    Stderr {
        /// When.
        us: u64,
        /// What. A character that was written in two pieces comes with the second.
        text: &'a str,
        /// The bytes that were written, in base64, where they are not those of `text`.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "in_base64")]
        #[schemars(with = "Option<String>")]
        base64: Option<&'a [u8]>,
    },
    /// Output was dropped (`limits.overflow`): the next event of its kind has what came last.
    Dropped {
        /// When.
        us: u64,
        /// From where.
        from: Channel,
        /// How much.
        bytes: u64,
    },
    /// An item is done, in `per_item` mode.
    Item {
        /// When.
        us: u64,
        /// Its number.
        index: u64,
        /// What the code made of it.
        #[schemars(with = "serde_json::Value")]
        value: &'a RawValue,
    },
    /// What it has used by now: twice a second after its first, as long as the reader reads.
    Usage {
        /// When; that much wall time it has used.
        us: u64,
        /// User and system milliseconds of CPU.
        cpu_ms: CpuMs,
        /// Bytes that no file of a disk backs; `null` where nothing counts them here.
        memory: Option<u64>,
        /// Processes and threads; `null` where nothing counts them here.
        pids: Option<u64>,
    },
    /// A program showed something, or its last expression has a value (`--value display`): an output of the notebook format.
    Display {
        /// What, and when.
        #[serde(flatten)]
        shown: &'a Shown,
    },
    /// The run is over. The last event, unless there is a problem.
    Outcome {
        /// The whole record.
        outcome: &'a Outcome,
    },
    /// The request cannot be answered. The last event then; only of `remand helper`, which has nobody to tell it else.
    Problem {
        /// Why.
        #[serde(flatten)]
        problem: Problem<'a>,
    },
}

/// Why a request has no outcome.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
pub struct Problem<'a> {
    /// What was tried, on which object, with what answer; may span lines.
    pub detail: &'a str,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'a str>,
    /// The exit status of the command.
    pub exit_status: u8,
}

pub use heard::{Heard, NoEvent, hear};

fn in_base64<S: Serializer>(bytes: &Option<&[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(bytes.unwrap_or_default()))
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// JSON Schema of [`Event`], the same text at every call.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Event<'_>).to_value()
}

//! What was seen of a run, when it is over.
//!
//! Always holds: plain data, gathered by `follow`, read by `record`; what the run was made of is still held by it.

use remand_child::message::Ended;
use remand_plan::evidence::{Given, InFlight, Stop};
use remand_plan::frames::{FrameError, Received, Shown};
use remand_plan::outcome::Violation;
use remand_plan::output::Log;
use std::time::Duration;

use super::artifacts::Found;
use super::lookups::PathLookups;
use super::parts::Parts;
use super::tree::Sample;
use crate::cgroup::Counters;
use crate::failure::Failure;
use crate::sys::process::Usage;

/// Everything that was seen of a run.
#[derive(Debug)]
pub struct Seen {
    /// A step that failed on the way to exec.
    pub failure: Option<Failure>,
    /// All steps up to exec were done.
    pub executing: bool,
    /// Init's account of the end.
    pub ended: Option<Ended>,
    /// Why the supervisor stopped it.
    pub stopped: Option<Stop>,
    /// What went wrong in remand itself, or what no frame was.
    pub trouble: Option<String>,
    /// Files that it left and its caller wanted.
    pub artifacts: Found,
    /// Frames.
    pub received: Received,
    /// The first frame error.
    pub frame_error: Option<FrameError>,
    /// What it was given to read.
    pub given: Option<Given>,
    /// Prints and streams.
    pub log: Log,
    /// What the program showed.
    pub displays: Vec<Shown>,
    /// What the code says of where it was.
    pub stacks: Vec<u8>,
    /// It was asked.
    pub asked: bool,
    /// Denied calls.
    pub violations: Vec<Violation>,
    /// There were more.
    pub violations_truncated: bool,
    /// Paths that were looked for, while learning.
    pub lookups: PathLookups,
    /// Microseconds from `ready` (a plain program: from exec) to the end.
    pub wall: Duration,
    /// What descriptors in flight still hold, where the run could make some.
    pub in_flight: Option<InFlight>,
    /// What waiting for init told.
    pub usage: Usage,
    /// Counters of the cgroup, as far as there is one.
    pub counters: Option<Counters>,
    /// The highest of each that sampling saw; nothing where no sample was needed.
    pub sampled: Sample,
    /// What the run was made of, now empty of processes.
    pub parts: Parts,
}

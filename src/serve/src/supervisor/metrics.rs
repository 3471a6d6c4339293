//! What the daemon counts of itself and of its runs, as OpenMetrics text.
//!
//! Always holds: nothing that a client or a run can choose freely is a label, so that there are few series for ever: labels are verdicts, limits, steps, statuses
//! of HTTP, and names of system calls.

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use remand_engine::Outcome;
use remand_plan::verdict::Verdict;

/// Upper ends of what times are sorted into, in seconds: from a forkserver's start to the longest run.
const TIMES: [f64; 16] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];

/// The one label of a series.
type Label = [(&'static str, String); 1];

/// The counters.
pub struct Metrics {
    registry: Registry,
    runs: Family<Label, Counter>,
    exceeded: Family<Label, Counter>,
    denied: Family<Label, Counter>,
    refused: Family<Label, Counter>,
    wall: Histogram,
    cpu: Counter<f64, std::sync::atomic::AtomicU64>,
    queued: Histogram,
    steps: Family<Label, Histogram>,
    running: Gauge,
    waiting: Gauge,
    fronts: Gauge,
    connections: Gauge,
}

fn times() -> Histogram {
    Histogram::new(TIMES)
}

/// A word of the outcome as its JSON has it.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

impl Default for Metrics {
    fn default() -> Self {
        let mut new = Self {
            registry: Registry::with_prefix("remand"),
            runs: Family::default(),
            exceeded: Family::default(),
            denied: Family::default(),
            refused: Family::default(),
            wall: times(),
            cpu: Counter::default(),
            queued: times(),
            steps: Family::new_with_constructor(times),
            running: Gauge::default(),
            waiting: Gauge::default(),
            fronts: Gauge::default(),
            connections: Gauge::default(),
        };
        let registry = &mut new.registry;
        registry.register("runs", "Runs that are over, by verdict", new.runs.clone());
        registry.register("limits_exceeded", "Runs that exceeded a limit, by limit", new.exceeded.clone());
        registry.register(
            "denied_calls",
            "System calls that were denied, by name; those that this build has no name for as one",
            new.denied.clone(),
        );
        registry.register(
            "refused",
            "Connections and requests that the supervisor refused, by status of HTTP; what a front cannot read is refused by itself",
            new.refused.clone(),
        );
        registry.register_with_unit("run_wall", "From a run's ready to its end", Unit::Seconds, new.wall.clone());
        registry.register_with_unit("run_cpu", "CPU that runs have taken, user and system", Unit::Seconds, new.cpu.clone());
        registry.register_with_unit("run_queued", "From when a run was taken to its turn", Unit::Seconds, new.queued.clone());
        registry.register_with_unit("run_step", "What a step of a run took, by step", Unit::Seconds, new.steps.clone());
        registry.register("runs_running", "Runs that go on", new.running.clone());
        registry.register("runs_waiting", "Runs that wait for their turn", new.waiting.clone());
        registry.register("fronts", "Processes that speak to clients", new.fronts.clone());
        registry.register("connections", "Connections of clients", new.connections.clone());
        new
    }
}

impl Metrics {
    /// A run is over.
    pub fn over(&self, outcome: &Outcome) {
        self.runs.get_or_create(&[("verdict", outcome.verdict.kind().to_owned())]).inc();
        if let Verdict::Exceeded { limit, .. } = &outcome.verdict {
            self.exceeded.get_or_create(&[("limit", word(limit))]).inc();
        }
        for denied in outcome.violations.iter().chain(&outcome.quiet) {
            let named = !denied.syscall.contains("syscall_"); // what has no name is any number that a run has thought of
            let call = if named { denied.syscall.as_str() } else { "unknown" };
            self.denied.get_or_create(&[("call", call.to_owned())]).inc_by(denied.count);
        }
        let seconds = |microseconds| Duration::from_micros(microseconds).as_secs_f64();
        let cpu = outcome.usage.cpu_ms;
        self.wall.observe(seconds(outcome.usage.wall_ms.0));
        self.cpu.inc_by(seconds(cpu.user.0.saturating_add(cpu.system.0)));
        for timing in &outcome.timing {
            self.steps.get_or_create(&[("step", word(timing.step))]).observe(seconds(timing.us));
        }
    }

    /// A run has its turn, so long after it was taken.
    pub fn begins(&self, after: Duration) {
        self.queued.observe(after.as_secs_f64());
    }

    /// A connection or a request was refused.
    pub fn refused(&self, status: u16) {
        self.refused.get_or_create(&[("status", status.to_string())]).inc();
    }
}

/// What there is now.
#[derive(Clone, Copy, Debug)]
pub struct Present {
    /// Runs that go on.
    pub running: usize,
    /// Runs that wait for their turn.
    pub waiting: usize,
    /// Fronts.
    pub fronts: usize,
    /// Connections of theirs.
    pub connections: usize,
}

impl Metrics {
    /// All of them, as text.
    pub fn text(&self, present: Present) -> Result<String, std::fmt::Error> {
        let Present { running, waiting, fronts, connections } = present;
        for (gauge, number) in
            [(&self.running, running), (&self.waiting, waiting), (&self.fronts, fronts), (&self.connections, connections)]
        {
            gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

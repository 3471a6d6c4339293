//! Drives two runs in one thread: waits for both at once, and lets each do what it has to do. `cargo run --example two_runs`; the short one answers first.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use remand_engine::host::{Depth, observe};
use remand_engine::{Caller, Engine, Moment, Program, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::from_environment();
    let policy = engine.policy("default", &serde_json::Value::Null)?;
    let prepared = engine.prepare(&policy, Program::Python, &observe(Depth::Quick), &Caller::default())?;
    let mut runs = Vec::new();
    for code in ["import time\ntime.sleep(1)\nreturn 'long'", "return 'short'"] {
        let request = Request { code: code.into(), ..Request::default() };
        runs.push(prepared.start(&request, None)?.map_err(|outcome| outcome.verdict.kind())?);
    }
    while !runs.is_empty() {
        let mut fds: Vec<_> = runs.iter().map(|run| PollFd::new(run.as_fd(), PollFlags::POLLIN)).collect();
        poll(&mut fds, PollTimeout::NONE)?;
        let now = Moment::now();
        for over in runs.extract_if(.., |run| !run.advance(now)) {
            let (outcome, _) = over.outcome();
            println!("{} {}", outcome.verdict.kind(), outcome.value);
        }
    }
    Ok(())
}

//! Endings by the process itself.

use std::time::Duration;

use remand_policy::units::Cpus;

use super::hints::hint;
use super::kinds::Verdict;
use super::signals::signal_name;
use crate::evidence::{Ended, Evidence, FrameEnd, Start};
use crate::frames::FrameError;
use crate::plan::{CommandKind, Plan};
use crate::step::Step;

/// What held the run is still there.
pub fn not_removed(evidence: &Evidence) -> Option<Verdict> {
    evidence.cleanup.failed.clone().map(|message| Verdict::Internal { message })
}

/// The supervisor's own failure.
pub fn internal(evidence: &Evidence) -> Verdict {
    let message = evidence.trouble.clone().unwrap_or_else(|| "the supervisor failed while the run went on".to_owned());
    Verdict::Internal { message }
}

/// A step before exec failed: what it was about, and what to do.
pub fn failed_step(evidence: &Evidence) -> Option<Verdict> {
    let Start::Failed(failure) = &evidence.start else { return None };
    let todo = failure.cause.clone().unwrap_or_else(|| hint(failure.step, failure.index, failure.errno));
    let parts = [failure.object.clone().unwrap_or_default(), todo];
    let hint = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    Some(Verdict::NotStarted { step: failure.step, index: failure.index, errno: failure.errno, hint })
}

/// The proof of a start is `ready`, never the absence of an error.
pub fn never_ready(evidence: &Evidence) -> Option<Verdict> {
    let refused = matches!(&evidence.frames, FrameEnd::Refused(refused) if !matches!(refused, FrameError::CutShort { .. }));
    if evidence.ready || refused {
        return None;
    }
    let how = match evidence.ended {
        Ended::Exited(code) => format!("ended with code {code}"),
        Ended::Signaled(signal) => format!("was ended by {}", signal_name(signal)),
        Ended::Unknown => "went with its whole run".to_owned(),
    };
    let hint = format!("the interpreter {how} before it reached the code; what it wrote is in the outcome's stderr");
    Some(not_ready(evidence, hint))
}

/// It reports no step of its own.
fn not_ready(evidence: &Evidence, hint: String) -> Verdict {
    let hint = evidence.silent.iter().fold(hint, |hint, why| format!("{hint}; {why}"));
    Verdict::NotStarted { step: Step::Ready, index: 0, errno: 0, hint }
}

/// The supervisor waited no longer. A start that had used most of what the policy gives was held up by the policy; any other waited for something.
pub fn late(evidence: &Evidence, plan: &Plan, waited: Duration) -> Verdict {
    let used = evidence.counters.cpu();
    let given = |cpus: u32| waited.saturating_mul(cpus) / 1000;
    let why = match plan.cgroup.and_then(|limits| limits.cpus).filter(|&cpus| used >= given(cpus) / 2) {
        Some(cpus) => format!("limits.cpus, {} of a CPU, is too little; raise it", Cpus(cpus)),
        None => "it waited for something (a file system, a module of its start), or this host is far too busy".to_owned(),
    };
    let hint = format!("not ready {} s after it was made, with {} ms of CPU time used: {why}", waited.as_secs(), used.as_millis());
    not_ready(evidence, hint)
}

pub fn finished(evidence: &Evidence, plan: &Plan) -> Option<Verdict> {
    match (plan.command.kind, &evidence.frames, evidence.ended) {
        (CommandKind::Executor, FrameEnd::Done, Ended::Exited(0)) | (CommandKind::Program, FrameEnd::None, Ended::Exited(0)) => {
            Some(Verdict::Finished)
        }
        // Whatever its frames say: a program may close its descriptors, become another one, or end in the middle of a word.
        (CommandKind::Executor, _, Ended::Exited(0)) if evidence.program => Some(Verdict::Finished),
        _ => None,
    }
}

/// What is left: the run failed, and no limit explains it.
pub fn failed(evidence: &Evidence) -> Verdict {
    match (evidence.ended, &evidence.frames) {
        // Python's own status for an exception that nobody caught.
        (Ended::Exited(1), FrameEnd::Error(_)) => Verdict::Raised,
        (Ended::Exited(code), _) if evidence.program => Verdict::Exited { code },
        (Ended::Unknown, _) => {
            Verdict::Internal { message: "the run's init was killed from outside, and how the executor ended is lost".to_owned() }
        }
        (Ended::Signaled(signal), _) => Verdict::Signaled { signal, name: signal_name(signal) },
        (Ended::Exited(_), FrameEnd::Refused(refused)) => malformed(refused),
        (Ended::Exited(_), FrameEnd::Error(_)) => Verdict::Raised,
        (Ended::Exited(0), FrameEnd::None | FrameEnd::Done) => Verdict::NoResult,
        (Ended::Exited(code), FrameEnd::None | FrameEnd::Done) => Verdict::Exited { code },
    }
}

/// The code has closed what its result goes by, and lived on.
pub fn result_closed() -> Verdict {
    Verdict::MalformedResult { reason: "its end, before any result: the code closed descriptor 4 and went on".to_owned() }
}

pub fn malformed(refused: &FrameError) -> Verdict {
    Verdict::MalformedResult { reason: refused.to_string() }
}

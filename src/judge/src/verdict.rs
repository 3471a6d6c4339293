//! What a test comes to.
//!
//! Always holds: pure functions of outcomes and of the statuses that checkers and interactors end with; every ending has a verdict.

use remand_plan::job::JobError;
use remand_plan::limit::LimitKind;
use remand_plan::verdict::{Level, Verdict as Ending};
use schemars::JsonSchema;
use serde::Serialize;

/// What a test, or all of them together, come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Verdict {
    /// Accepted.
    #[serde(rename = "AC")]
    Accepted,
    /// Not tried, since an earlier test failed and no more were wanted.
    #[serde(rename = "SK")]
    Skipped,
    /// The answer is wrong.
    #[serde(rename = "WA")]
    WrongAnswer,
    /// It took too much time.
    #[serde(rename = "TLE")]
    TimeLimit,
    /// It took too much memory.
    #[serde(rename = "MLE")]
    MemoryLimit,
    /// It wrote too much.
    #[serde(rename = "OLE")]
    OutputLimit,
    /// It failed by itself: another status than 0, a signal, an exception, a limit that is none of the others.
    #[serde(rename = "RE")]
    RuntimeError,
    /// It could not be compiled.
    #[serde(rename = "CE")]
    CompileError,
    /// The judging failed, not the solution: a checker, an interactor, the host.
    #[serde(rename = "JE")]
    JudgeError,
}

impl Verdict {
    /// Its letters.
    #[must_use]
    pub fn letters(self) -> &'static str {
        match self {
            Self::Accepted => "AC",
            Self::Skipped => "SK",
            Self::WrongAnswer => "WA",
            Self::TimeLimit => "TLE",
            Self::MemoryLimit => "MLE",
            Self::OutputLimit => "OLE",
            Self::RuntimeError => "RE",
            Self::CompileError => "CE",
            Self::JudgeError => "JE",
        }
    }
}

/// What the end of a solution's run says without a look at its answer; nothing, if it ended as it should.
pub fn of_run(ending: &Ending) -> Option<Verdict> {
    Some(match ending {
        Ending::Finished => return None,
        Ending::Exceeded { limit, level, .. } => match (limit, level) {
            // Somebody else's memory.
            (_, Level::Container | Level::Host) | (LimitKind::Stdin, _) => Verdict::JudgeError,
            (LimitKind::WallTime | LimitKind::CpuTime, _) => Verdict::TimeLimit,
            (LimitKind::Memory, _) => Verdict::MemoryLimit,
            (LimitKind::Stdout, _) => Verdict::OutputLimit,
            _ => Verdict::RuntimeError,
        },
        Ending::NotStarted { .. } | Ending::Internal { .. } | Ending::Cancelled => Verdict::JudgeError,
        _ => Verdict::RuntimeError,
    })
}

/// What a checker or an interactor ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Accepts,
    Rejects,
    /// It ended by an exception, a signal or a limit of its own: by itself, or because of what the solution gave it.
    Broke,
    /// It says that it has failed, or the host has.
    Failed,
}

impl Said {
    /// The statuses of testlib (0 right, 1 wrong, 2 wrong in form) and of the ICPC's package format (42 right, 43 wrong).
    pub fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Finished | Ending::Exited { code: 42 } => Self::Accepts,
            Ending::Exited { code: 1 | 2 | 43 } => Self::Rejects,
            Ending::Raised | Ending::Signaled { .. } | Ending::Exceeded { level: Level::Run, .. } => Self::Broke,
            _ => Self::Failed,
        }
    }

    pub fn verdict(self) -> Verdict {
        match self {
            Self::Accepts => Verdict::Accepted,
            Self::Rejects => Verdict::WrongAnswer,
            Self::Broke | Self::Failed => Verdict::JudgeError,
        }
    }
}

/// Whether a program ended as one does that could not understand what it read: by an exception that nobody caught (status 1 of Python's), or by `abort`, which is
/// where those of C++ and failed assertions lead.
pub fn is_thrown(ending: &Ending) -> bool {
    matches!(ending, Ending::Raised | Ending::Signaled { signal: SIGABRT, .. })
}

/// What a solution comes to that no run can be given.
pub fn of_unsent(why: &JobError) -> Verdict {
    if matches!(why, JobError::FilesTooLarge { .. }) { Verdict::MemoryLimit } else { Verdict::RuntimeError }
}

const SIGABRT: i32 = 6;
/// A pipe whose reader is gone.
const SIGPIPE: i32 = 13;

/// What an interactive test comes to. Where both failed, these rules say whose fault it was; the first that fits holds:
///
/// 1. What the host or the supervisor did is nobody's fault: a judge's error.
/// 2. A solution that took too much of something has done so, whatever the interactor says. That holds for time too: two that wait for each other are the
///    solution's fault, unless the interactor had rejected it before.
/// 3. A solution that failed first, failed: what the interactor saw then was the end of its input.
/// 4. An interactor that rejects, rejects: what the solution did afterwards, it did with its pipes closed.
/// 5. An interactor that ended by an exception of its own (or by `abort`) after the solution had ended, or had written to it, could not understand the solution:
///    it rejects.
/// 6. An interactor that failed in another way, or before it heard of the solution, is a judge's error.
/// 7. A solution that failed after it was accepted has failed, unless it only wrote to who no longer listened.
///
/// `spoke`: the solution had written something before the interactor ended.
pub fn of_two(solution: &Ending, interactor: &Ending, solution_first: bool, spoke: bool) -> Verdict {
    let said = if is_thrown(interactor) && (solution_first || spoke) { Said::Rejects } else { Said::of(interactor) };
    let own = of_run(solution);
    match (own, said) {
        (Some(Verdict::JudgeError), _) => Verdict::JudgeError,
        (Some(Verdict::TimeLimit), Said::Rejects) if !solution_first => Verdict::WrongAnswer,
        (Some(over), _) if over != Verdict::RuntimeError => over,
        (Some(failed), _) if solution_first => failed,
        (_, Said::Rejects | Said::Broke | Said::Failed) => said.verdict(),
        (Some(_), Said::Accepts) if matches!(solution, Ending::Signaled { signal: SIGPIPE, .. }) => Verdict::Accepted,
        (Some(failed), Said::Accepts) => failed,
        (None, Said::Accepts) => Verdict::Accepted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(limit: LimitKind) -> Ending {
        Ending::Exceeded { limit, allowed: 1, seen: 2, unit: limit.unit(), source: String::new(), level: Level::Run }
    }

    fn signal(signal: i32) -> Ending {
        Ending::Signaled { signal, name: String::new() }
    }

    #[test]
    fn a_run_that_ended_well_is_left_to_its_answer() {
        assert_eq!(of_run(&Ending::Finished), None);
        let told = [
            (Ending::Raised, Verdict::RuntimeError),
            (Ending::Exited { code: 3 }, Verdict::RuntimeError),
            (signal(11), Verdict::RuntimeError),
            (over(LimitKind::CpuTime), Verdict::TimeLimit),
            (over(LimitKind::WallTime), Verdict::TimeLimit),
            (over(LimitKind::Memory), Verdict::MemoryLimit),
            (over(LimitKind::Stdout), Verdict::OutputLimit),
            (over(LimitKind::Pids), Verdict::RuntimeError),
            (over(LimitKind::Stdin), Verdict::JudgeError),
            (Ending::Internal { message: String::new() }, Verdict::JudgeError),
        ];
        for (ending, verdict) in told {
            assert_eq!(of_run(&ending), Some(verdict), "{ending:?}");
        }
        let elsewhere = Ending::Exceeded {
            limit: LimitKind::Memory,
            allowed: 1,
            seen: 2,
            unit: LimitKind::Memory.unit(),
            source: String::new(),
            level: Level::Container,
        };
        assert_eq!(of_run(&elsewhere), Some(Verdict::JudgeError), "another's memory is not the solution's fault");
    }

    #[test]
    fn of_two_that_fail_one_is_to_blame() {
        let (well, wrong, broke) = (Ending::Finished, Ending::Exited { code: 1 }, Ending::Exited { code: 3 });
        let crash = signal(11);
        for (solution, interactor, solution_first, verdict) in [
            (&well, &well, true, Verdict::Accepted),
            (&well, &wrong, true, Verdict::WrongAnswer),
            (&crash, &wrong, true, Verdict::RuntimeError),
            (&crash, &wrong, false, Verdict::WrongAnswer),
            (&crash, &broke, true, Verdict::RuntimeError),
            (&crash, &broke, false, Verdict::JudgeError),
            (&well, &broke, false, Verdict::JudgeError),
            (&crash, &well, false, Verdict::RuntimeError),
            (&signal(SIGPIPE), &well, false, Verdict::Accepted),
            (&over(LimitKind::Memory), &wrong, false, Verdict::MemoryLimit),
            (&over(LimitKind::WallTime), &over(LimitKind::WallTime), true, Verdict::TimeLimit),
            (&over(LimitKind::WallTime), &over(LimitKind::WallTime), false, Verdict::TimeLimit),
            (&over(LimitKind::WallTime), &wrong, false, Verdict::WrongAnswer),
            (&Ending::Internal { message: String::new() }, &well, true, Verdict::JudgeError),
        ] {
            let found = of_two(solution, interactor, solution_first, false);
            assert_eq!(found, verdict, "{solution:?}, {interactor:?}, {solution_first}");
        }
    }

    #[test]
    fn an_interactor_that_could_not_understand_a_solution_rejects_it() {
        let (well, sent, unheard) = (Ending::Finished, (false, true), (false, false));
        for (interactor, (first, spoke), verdict) in [
            (&Ending::Raised, (true, false), Verdict::WrongAnswer),
            (&Ending::Raised, sent, Verdict::WrongAnswer),
            (&signal(SIGABRT), sent, Verdict::WrongAnswer),
            (&Ending::Raised, unheard, Verdict::JudgeError),
            (&signal(11), sent, Verdict::JudgeError),
            (&Ending::Exited { code: 3 }, sent, Verdict::JudgeError),
            (&over(LimitKind::CpuTime), sent, Verdict::JudgeError),
        ] {
            assert_eq!(of_two(&well, interactor, first, spoke), verdict, "{interactor:?}, {first}, {spoke}");
        }
        assert_eq!(of_two(&over(LimitKind::Memory), &Ending::Raised, false, true), Verdict::MemoryLimit, "its own limit comes first");
    }
}

//! Trying questions in runs under the very policy: each in a run of its own, by the executor and a small job.
//!
//! Always holds: what a system call was answered is read from the supervisor's record, never from what the job says; a run lasts two seconds at most, and one
//! that ends before the deed had its answer is none; what could reach beyond the run (a file made in a writable mount, a connection over the host's network)
//! is not tried.
//!
//! The copy of the policy that a run is made under differs in two things: its wall time, and, but for imports and builtins, its Python lists, which are no
//! protection.

use std::collections::BTreeMap;

use remand_authoring::why::{Compiled, Ruling};
use remand_engine::{Caller, Effective, Outcome, Prepared, Program, Request};
use remand_plan::frames::{Denied, PythonList};
use remand_plan::job::Data;
use remand_plan::limit::LimitKind;
use remand_plan::outcome::Answered;
use remand_plan::verdict::Verdict;
use remand_policy::policy::NetworkMode;
use remand_policy::question::{Amount, Call, Is, Question, Use, Which};
use remand_policy::units::Span;
use serde_json::{Value, json};

use super::context::Context;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::print::plain;

/// Microseconds that a run may take.
const LONGEST: Span = Span(2_000_000);
/// Most descriptors that are opened to try a limit.
const MOST_FILES: u64 = 4096;
/// Most bytes that are printed to try a limit.
const MOST_PRINTS: u64 = 4 << 20;

const CALL: &str = include_str!("live/call.py");
const FILE: &str = include_str!("live/file.py");
const IMPORT: &str = include_str!("live/import.py");
const EXEC: &str = include_str!("live/exec.py");
const CONNECT: &str = include_str!("live/connect.py");
const OPEN_FILES: &str = include_str!("live/open_files.py");
const FILE_SIZE: &str = include_str!("live/file_size.py");

/// What came of trying.
pub enum Tried {
    /// It was tried.
    Saw(Seen),
    /// It was not; why.
    Skipped(String),
}

impl Tried {
    /// Why it was not tried, if it was not.
    pub fn skipped(&self) -> Option<&str> {
        match self {
            Self::Saw(_) => None,
            Self::Skipped(why) => Some(why),
        }
    }
}

/// What a run saw.
pub struct Seen {
    /// As an answer.
    pub ruling: Ruling,
}

impl Seen {
    /// Whether it is what was expected. A file's mode may refuse a write before the read-only mount does.
    pub fn fits(&self, is: Is) -> bool {
        self.ruling.is(is) || is == Is::ReadOnly && self.ruling == Ruling::Denied("EACCES")
    }
}

/// Runs under one policy.
pub struct Live<'o> {
    context: &'o Context,
    /// With the Python lists lifted.
    lifted: Prepared,
    /// With them in place.
    whole: Prepared,
    cancel: Cancel,
    /// Denied calls of a job that makes none of its own.
    before: Option<BTreeMap<String, u64>>,
}

impl<'o> Live<'o> {
    /// Gets ready.
    pub fn new(context: &'o Context, effective: &Effective) -> Result<Self, Failure> {
        let cancel = Cancel::hold()?;
        let prepared = |effective: &Effective| {
            let caller = Caller { cancel: Some(cancel.fd()), ..Caller::default() };
            let prepared = context.engine.prepare(effective, Program::Python, &context.host, &caller);
            prepared.map_err(|why| Failure {
                code: 1,
                ..Failure::usage(format!("policy {}: nothing runs under it here: {}", plain(context.file()), plain(&why.to_string())))
            })
        };
        let whole = effective.at_most(LONGEST);
        let (lifted, whole) = (prepared(&whole.without_python_lists())?, prepared(&whole)?);
        Ok(Self { context, lifted, whole, cancel, before: None })
    }

    /// Tries one question.
    pub fn look(&mut self, question: &Question, compiled: &Compiled<'_>) -> Tried {
        let ruling = match question {
            Question::Call(call) => self.calls(call, compiled),
            Question::File(using, path) => self.file(*using, path),
            Question::Limit(measure, amount) => self.limit(measure.name, *amount),
            Question::Import(name) => self.import(name),
            Question::Builtin(name) => self.yes("return _query in __builtins__", name, "NameError", false),
            Question::Env(name) => self.yes("import os\nreturn _query in os.environ", name, "not set", true),
            Question::Connect(address) => self.connect(*address),
        };
        ruling.map_or_else(Tried::Skipped, |ruling| Tried::Saw(Seen { ruling }))
    }

    fn run(&self, under: &Prepared, code: &str, query: Value) -> Result<Outcome, String> {
        let query = Data::value(&query.to_string(), "query", u64::MAX).map_err(|error| error.to_string())?;
        let request = Request { code: code.into(), query, ..Request::default() };
        under.run(&request, Caller { cancel: Some(self.cancel.fd()), ..Caller::default() }).map_err(|error| error.to_string())
    }

    /// A run of a job that prints before it does its deed.
    fn deed(&self, code: &str, query: Value) -> Result<Outcome, String> {
        let outcome = self.run(&self.lifted, code, query)?;
        if outcome.prints.is_empty() {
            let error = outcome.error.as_ref().map(|error| format!(" ({}: {})", error.kind, error.message)).unwrap_or_default();
            return Err(format!("the job did not get as far as trying: {}{error}", outcome.verdict.kind()));
        }
        Ok(outcome)
    }

    /// A call whose answer depends on an open argument is made with a value for each answer.
    fn calls(&mut self, call: &Call, compiled: &Compiled<'_>) -> Result<Ruling, String> {
        let examples = remand_authoring::why::examples(call, compiled);
        if examples.len() < 2 {
            return self.call(call);
        }
        for (expected, example) in examples {
            let seen = self.call(&example)?;
            if seen != expected {
                return Ok(seen);
            }
        }
        Ok(Ruling::Depends)
    }

    fn call(&mut self, call: &Call) -> Result<Ruling, String> {
        let arch = self.context.host.arch;
        let number = match call.which {
            Which::Name(name) => remand_syscalls::number(arch, name).ok_or("this machine has no call of this name")?,
            Which::Number(number) => number,
        };
        let args: Vec<_> = call.args.iter().map(|arg| format!("{:x}", arg.unwrap_or(0))).collect();
        if self.before.is_none() {
            let none = self.deed(CALL, json!({ "number": number, "args": args, "make": false }))?;
            self.before =
                Some(none.violations.into_iter().chain(none.quiet).map(|violation| (violation.syscall, violation.count)).collect());
        }
        let outcome = self.deed(CALL, json!({ "number": number, "args": args, "make": true }))?;
        let name = remand_syscalls::name(arch, number).map_or_else(|| format!("syscall_{number}"), str::to_owned);
        let before = self.before.as_ref().and_then(|before| before.get(&name)).copied().unwrap_or(0);
        let denied =
            outcome.violations.iter().chain(&outcome.quiet).find(|violation| violation.syscall == name && violation.count > before);
        Ok(match (&outcome.verdict, denied) {
            (Verdict::Violated { .. }, _) => Ruling::EndsTheRun,
            (_, Some(violation)) if violation.answered == Answered::Enosys => Ruling::NoSuchCall,
            (_, Some(_)) => Ruling::Denied("EPERM"),
            // The one call that the filter answers by itself, so that nothing is recorded.
            (_, None) if answer(&outcome)? == Some(38) && name == "clone3" => Ruling::NoSuchCall,
            (_, None) => Ruling::Allowed,
        })
    }

    fn file(&self, using: Use, path: &str) -> Result<Ruling, String> {
        if using == Use::Exec && self.context.loaded.policy.filesystem.mounts.iter().any(|mount| mount.exec) {
            return Err("it may run a program of a mount".to_owned());
        }
        let code = if using == Use::Exec { EXEC } else { FILE };
        // A file that is not there is made only where nothing of the host can be written.
        let own = path.starts_with("/tmp/") && !path.split('/').any(|part| part == "..");
        let writable = self.lifted.plan().root.binds.iter().any(|bind| bind.writable) && !own;
        let outcome = self.deed(code, json!({ "path": path, "write": using == Use::Write, "make": !writable }))?;
        if matches!(outcome.verdict, Verdict::Violated { .. }) {
            return Ok(Ruling::EndsTheRun);
        }
        Ok(match answer(&outcome)? {
            Some(0) | None => Ruling::Allowed,
            Some(2) if using == Use::Write && writable => return Err("it would make a file on the host".to_owned()),
            Some(2) => Ruling::NotVisible,
            Some(30) => Ruling::ReadOnly("EROFS"),
            Some(1) => Ruling::Denied("EPERM"),
            Some(13) => Ruling::Denied("EACCES"),
            Some(21) => Ruling::Denied("EISDIR"),
            Some(38) => Ruling::NoSuchCall,
            // Another program's format, a busy text, a device without a driver: not the policy's doing.
            Some(_) => Ruling::Allowed,
        })
    }

    fn limit(&self, name: &str, amount: Amount) -> Result<Ruling, String> {
        let wanted = amount.0.filter(|wanted| i64::try_from(*wanted).is_ok());
        let (code, most) = match name {
            "open_files" => (OPEN_FILES, MOST_FILES),
            "file_size" => (FILE_SIZE, u64::MAX),
            "prints" => ("print('x' * (_query - 1))\nreturn 0", MOST_PRINTS),
            _ => return Err(format!("what {name} bounds is not spent for a test")),
        };
        let wanted = wanted.filter(|wanted| (1..=most).contains(wanted)).ok_or("not so much is spent for a test")?;
        let outcome = self.run(&self.lifted, code, json!(wanted))?;
        Ok(match &outcome.verdict {
            Verdict::Exceeded { limit: LimitKind::FileSize | LimitKind::Prints, .. } => Ruling::OverLimit,
            Verdict::Finished if answer(&outcome)? == Some(0) && outcome.prints_dropped.is_none() => Ruling::Allowed,
            Verdict::Finished => Ruling::OverLimit,
            verdict => return Err(format!("the job did not get as far as trying: {}", verdict.kind())),
        })
    }

    /// The executor's own account: it holds the list, and no protection does.
    fn import(&self, name: &str) -> Result<Ruling, String> {
        let outcome = self.run(&self.whole, IMPORT, json!(name))?;
        let error = match (&outcome.verdict, &outcome.error) {
            (Verdict::Finished, _) => return Ok(Ruling::Allowed),
            (Verdict::Raised, Some(error)) => error,
            (verdict, _) => return Err(unanswered(verdict)),
        };
        // A module that another one lacks has another name.
        let itself = outcome.prints.iter().next().is_some_and(|missing| missing.trim_end() == name);
        match (&error.denied, error.kind.as_str()) {
            (Some(Denied { list: PythonList::BuiltinsDeny, name }), _) => Err(format!("the job did not get as far as trying: no {name}")),
            (Some(_), _) => Ok(Ruling::Denied("ImportError")),
            (None, "ModuleNotFoundError") if itself => Ok(Ruling::NotVisible),
            (None, "ModuleNotFoundError" | "ImportError") => Ok(Ruling::Denied("ImportError")),
            _ => Ok(Ruling::Allowed),
        }
    }

    fn yes(&self, code: &str, query: &str, denied: &'static str, lifted: bool) -> Result<Ruling, String> {
        let outcome = self.run(if lifted { &self.lifted } else { &self.whole }, code, json!(query))?;
        match outcome.value.get() {
            "true" => Ok(Ruling::Allowed),
            "false" => Ok(Ruling::Denied(denied)),
            _ => Err(format!("the job did not get as far as trying: {}", outcome.verdict.kind())),
        }
    }

    fn connect(&self, address: std::net::SocketAddr) -> Result<Ruling, String> {
        if self.lifted.plan().network == NetworkMode::Host {
            return Err("a test connects to nothing over the host's network".to_owned());
        }
        let outcome = self.deed(CONNECT, json!({ "host": address.ip().to_string(), "port": address.port(), "six": address.is_ipv6() }))?;
        if matches!(outcome.verdict, Verdict::Violated { .. }) {
            return Ok(Ruling::EndsTheRun);
        }
        Ok(match answer(&outcome)? {
            Some(1) => Ruling::Denied("EPERM"),
            Some(13) => Ruling::Denied("EACCES"),
            // No route, no address to come from.
            Some(99 | 101) => Ruling::Unreachable,
            _ => Ruling::Allowed,
        })
    }
}

/// The error number that a deed was answered, 0 for none; nothing where it ended the process, as `exit_group` and a program that starts do.
fn answer(outcome: &Outcome) -> Result<Option<i64>, String> {
    match &outcome.verdict {
        Verdict::Finished => Ok(outcome.value.get().parse().ok()),
        Verdict::Exited { .. } | Verdict::NoResult | Verdict::Signaled { .. } | Verdict::MalformedResult { .. } => Ok(None),
        verdict => Err(unanswered(verdict)),
    }
}

fn unanswered(verdict: &Verdict) -> String {
    format!("the run ended before an answer was seen: {}", verdict.kind())
}

#[cfg(test)]
mod tests {
    use remand_plan::limit::Unit;
    use remand_plan::outcome::PolicyRef;
    use remand_plan::verdict::Level;

    use super::*;

    #[test]
    fn a_run_that_something_else_ended_answers_nothing() {
        let of = |verdict| answer(&Outcome::bare(PolicyRef { name: String::new(), hash: String::new() }, verdict));
        let over = |limit| Verdict::Exceeded { limit, allowed: 1, seen: 2, unit: Unit::Bytes, source: String::new(), level: Level::Run };
        for verdict in [over(LimitKind::WallTime), over(LimitKind::Memory), Verdict::Cancelled, Verdict::Raised] {
            let kind = verdict.kind();
            assert_eq!(of(verdict), Err(format!("the run ended before an answer was seen: {kind}")));
        }
        assert_eq!(of(Verdict::NoResult), Ok(None));
        assert_eq!(of(Verdict::Signaled { signal: 11, name: "SIGSEGV".to_owned() }), Ok(None));
    }
}

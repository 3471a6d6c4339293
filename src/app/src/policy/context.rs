//! What questions about a policy are answered from: the policy with where each value was written, this host, and the interpreter that `remand run` would
//! take.
//!
//! Always holds: host and interpreter are found as for a run; where there is none, the reason is kept and the filter alone is asked.

use remand_authoring::why::{Compiled, Line, Machine};
use remand_engine::store::{Purpose, Store};
use remand_engine::{Ceiling, Engine, HostFiles};
use remand_jail::host::{self, Depth};
use remand_plan::plan::Program;
use remand_plan::{HostFacts, Interpreter};
use remand_policy::Policy;
use remand_policy::load::Loaded;
use remand_policy::source::Source;

use crate::failure::Failure;
use crate::print::plain;
use crate::refusal;

/// All that a question needs, context.
pub struct Context {
    /// The file itself, then its bases.
    pub sources: Vec<Source>,
    pub loaded: Loaded,
    pub host: HostFacts,
    pub interpreter: Result<Interpreter, String>,
    pub engine: Engine,
    /// What edits that are offered may not exceed.
    ceiling: Option<Ceiling>,
}

impl Context {
    /// Of this name or file.
    pub fn load(typed: &str, purpose: Purpose) -> Result<Self, Failure> {
        let (loaded, sources) = Store::system().load(typed, purpose)?;
        Self::of(sources, loaded)
    }

    /// Of a policy that was read.
    pub fn of(sources: Vec<Source>, loaded: Loaded) -> Result<Self, Failure> {
        let engine = Engine::from_environment();
        let host = host::observe(Depth::Quick);
        let interpreter = engine.python(&loaded.policy, &host, None);
        let interpreter = interpreter.map(|found| found.interpreter).map_err(|error| error.to_string());
        let ceiling = engine.ceiling()?;
        Ok(Self { sources, loaded, host, interpreter, engine, ceiling })
    }

    /// The policy's own file.
    pub fn file(&self) -> &str {
        self.sources.first().map_or("", |source| &source.file)
    }

    /// Why nothing runs under the policy itself, where it is beyond the ceiling.
    pub fn beyond(&self) -> Option<String> {
        refusal::first_beyond(self.ceiling.as_ref()?, &self.loaded.policy)
    }

    /// Lends the compiled policy.
    pub fn ask<T>(&self, ask: impl FnOnce(&Compiled<'_>) -> T) -> Result<T, Failure> {
        let program = self.interpreter.as_ref().map(Program::Python).map_err(String::as_str);
        let program = program.as_ref().map_err(|why| *why);
        let beyond = |policy: &Policy| refusal::first_beyond(self.ceiling.as_ref()?, policy);
        let machine = Machine { host: &self.host, program, files: &HostFiles, beyond: &beyond };
        let compiled = Compiled::new(&self.loaded.policy, &self.loaded.origins, machine);
        let compiled = compiled.map_err(|why| Failure::usage(format!("policy {}: {}", plain(self.file()), plain(&why))))?;
        Ok(ask(&compiled))
    }

    /// A line with its place and what stands there.
    pub fn line(&self, line: &Line) -> String {
        let Some(place) = &line.place else { return line.text.clone() };
        let source = self.sources.iter().find(|source| source.file == place.file);
        let there = source.and_then(|source| source.text.get(place.offset..place.offset.saturating_add(place.bytes))).unwrap_or_default();
        format!("{place}: {}: {}", line.text, short(&String::from_utf8_lossy(there)))
    }
}

/// A piece of a file on one line.
fn short(text: &str) -> String {
    const SHOWN: usize = 120;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

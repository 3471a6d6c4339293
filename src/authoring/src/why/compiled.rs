//! What a question is answered from: the filter and the plan that a policy becomes here.
//!
//! Always holds: both are made by the functions that runs are made with.

use remand_plan::files::Files;
use remand_plan::host::HostFacts;
use remand_plan::plan::{self, Plan, Program};
use remand_policy::load;
use remand_policy::load::{Chain, Origins};
use remand_policy::policy::Policy;
use remand_policy::source::Source;
use remand_syscalls::bpf::Instruction;
use remand_syscalls::{Arch, Around};
use serde_json::Value;

/// The machine that a question is about, as far as an answer depends on it.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// What was seen of it.
    pub host: &'a HostFacts,
    /// What runs on it; `Err`: why there is none.
    pub program: Result<&'a Program<'a>, &'a str>,
    /// Its files.
    pub files: &'a dyn Files,
    /// Its ceiling: what a policy exceeds it by, if it does.
    pub beyond: &'a dyn Fn(&Policy) -> Option<String>,
}

impl std::fmt::Debug for Machine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("host", self.host).field("program", &self.program).finish_non_exhaustive()
    }
}

/// A policy as the kernel gets it.
#[derive(Clone, Debug)]
pub struct Compiled<'a> {
    /// The policy, for the lines that an answer names.
    pub policy: &'a Policy,
    /// Where they were written.
    pub origins: &'a Origins,
    /// What it was resolved on.
    pub machine: Machine<'a>,
    /// The filter of a run; empty where none is enforced.
    pub filter: Vec<Instruction>,
    /// The plan of a run; `Err`: why nothing runs here.
    pub plan: Result<Plan, String>,
}

impl<'a> Compiled<'a> {
    /// Compiles and resolves.
    ///
    /// # Errors
    /// The system calls make no filter on any machine.
    pub fn new(policy: &'a Policy, origins: &'a Origins, machine: Machine<'a>) -> Result<Self, String> {
        let plan = machine.program.map_err(str::to_owned).and_then(|program| {
            let refusals = |refused: Vec<plan::Refused>| refused.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            remand_plan::resolve(policy, program, machine.host, machine.files).map_err(refusals)
        });
        let around = Around { writable: policy.writes_to_host(), ..Around::default() };
        let filter = match &plan {
            Ok(plan) => plan.filter.clone(),
            Err(_) => {
                remand_syscalls::compile_for_run(&policy.syscalls.rules, machine.host.arch, around).map_err(|error| error.to_string())?
            }
        };
        Ok(Self { policy, origins, machine, filter, plan })
    }

    pub(super) fn arch(&self) -> Arch {
        self.machine.host.arch
    }

    /// Another policy on the same machine.
    pub(super) fn with<'p>(&self, policy: &'p Policy) -> Result<Compiled<'p>, String>
    where
        'a: 'p,
    {
        Compiled::new(policy, self.origins, self.machine)
    }

    /// The policy that a tree says.
    pub(super) fn reread(&self, tree: &Value) -> Result<Policy, String> {
        let source = Source { file: "the edited policy".to_owned(), text: tree.to_string().into_bytes().into() };
        let first = |problems: Vec<remand_policy::text::Problem>| {
            problems.first().map_or_else(String::new, |problem| format!("the edited policy would not load: {}", problem.message))
        };
        load::parse(&Chain::alone(&source), &self.policy.name).map_err(first)
    }
}

//! From an effective policy and what was seen of a host to a plan.
//!
//! Always holds: a plan comes out only if every required protection can be enforced; what is optional and cannot be had is named in the plan.

mod cpus;
mod landlock;
mod ledger;
mod limits;
pub(crate) mod owners;
mod protections;
mod room;
mod root;
mod sources;

use ledger::Ledger;
use remand_policy::Policy;
use remand_policy::places::WORKSPACE;
use remand_syscalls::CompileError;
use std::time::Duration;

use crate::files::Files;
use crate::frames::Bounds;
use crate::host::HostFacts;
use crate::interpreter::BOOTSTRAP;
use crate::plan::{Command, CommandKind, Plan, Program, Refused, TmpMount};
use crate::protection::Protection;

pub use cpus::POOLS;
pub use owners::own_ids;
pub use protections::UNCOUNTED;
pub use room::{no_descriptors, no_room};
pub use root::{Shown, shown, unexecutable};

impl Plan {
    /// The same plan where the host turned out to have less at the start: cgroups, a namespace, Landlock, a filter with a listener, each with the reason in
    /// `host`. What the policy calls optional is kept by substitutes or named, as if this had been known before.
    ///
    /// # Errors
    /// What the policy requires and cannot be had now.
    pub fn with_less(&self, policy: &Policy, host: &HostFacts) -> Result<Self, Vec<Refused>> {
        let mut ledger = Ledger::default();
        protections::namespaces(&mut ledger, policy, host);
        let limits = limits::resolve(&mut ledger, policy, host);
        let landlock = landlock::resolve(&mut ledger, policy, host);
        let filter = protections::filter(&mut ledger, policy, host, limits.memory_watch.is_some());
        let mut plan = Self {
            // With the rules that came later, those of a terminal.
            landlock: landlock.and(self.landlock.clone()),
            rules: protections::rules(policy, host),
            cgroup: limits.cgroup,
            rlimits: limits.rlimits,
            memory_watch: limits.memory_watch,
            filter,
            normal_filter: None,
            ..self.clone()
        };
        plan.enforcement.remove(&Protection::SurroundingLimits);
        plan.enforcement.extend(ledger.finish()?);
        if self.normal_filter.is_none() {
            return Ok(plan);
        }
        let failed = |error: CompileError| {
            vec![Refused { protection: Protection::Seccomp, blocker: error.to_string(), remedy: "Change the policy.".into() }]
        };
        plan.learning(policy, host).map_err(failed)
    }

    /// The same plan where the run's `/proc` turned out to be refused at the start: it sees less.
    #[must_use]
    pub fn without_proc(&self, because: &str) -> Self {
        let mut plan = Self { proc: false, ..self.clone() };
        plan.root.links.retain(|link| !root::PROC_LINKS.contains(&(link.0.as_str(), link.1.as_str())));
        plan.landlock.iter_mut().for_each(|landlock| landlock.rules.retain(|(path, _)| path != "/proc"));
        plan.enforcement.insert(Protection::Proc, protections::no_proc(because));
        plan
    }

    /// The same plan for learning: calls that look a path up are seen by the supervisor. Allows exactly what the plan allowed.
    ///
    /// # Errors
    /// The filter would be none; the plan's own was one.
    pub fn learning(self, policy: &Policy, host: &HostFacts) -> Result<Self, CompileError> {
        if self.filter.is_empty() {
            return Ok(self);
        }
        let watched = self.memory_watch.is_some();
        let filter = remand_syscalls::compile_learning(
            &protections::calls(policy, host, watched),
            host.arch,
            protections::around(policy, host, watched),
        )?;
        Ok(Self { normal_filter: Some(self.filter), filter, ..self })
    }
}

/// Resolves an effective policy for a host and what was seen of its files.
///
/// # Errors
/// Every required protection that the host lacks, and every mount that cannot be made, all at once.
pub fn resolve(policy: &Policy, program: &Program<'_>, host: &HostFacts, files: &dyn Files) -> Result<Plan, Vec<Refused>> {
    let mut ledger = Ledger::default();
    for Refused { protection, blocker, remedy } in no_room(host, matches!(program, Program::Python(_))) {
        ledger.refuse(protection, blocker, remedy);
    }
    protections::namespaces(&mut ledger, policy, host);
    protections::identity(&mut ledger, policy, host);
    let limits = limits::resolve(&mut ledger, policy, host);
    let landlock = landlock::resolve(&mut ledger, policy, host);
    let proc = protections::proc(&mut ledger, policy, host);
    let filter = protections::filter(&mut ledger, policy, host, limits.memory_watch.is_some());
    let cpus = cpus::count(policy, host);
    let root = root::resolve(&mut ledger, policy, program, (proc, cpus), files);
    let root = owners::resolve(&mut ledger, root, host, files);
    let landlock = landlock.map(|masks| landlock::rules(masks, policy, &root, proc));
    let enforcement = ledger.finish()?;
    Ok(Plan {
        policy_name: policy.name.clone(),
        policy_hash: policy.hash(),
        root,
        tmp: TmpMount { size: policy.filesystem.tmp.size.0, inodes: policy.filesystem.tmp.inodes, exec: policy.filesystem.tmp.exec },
        proc,
        network: policy.network.mode,
        cgroup: limits.cgroup,
        rlimits: limits.rlimits,
        memory_watch: limits.memory_watch,
        wall_time: policy.limits.wall_time.value().map(|span| Duration::from_micros(span.0)),
        cpu_time: policy.limits.cpu_time.value().map(|span| Duration::from_micros(span.0)),
        landlock,
        rules: protections::rules(policy, host),
        quiet: remand_syscalls::calls_named(&policy.syscalls.quiet),
        filter,
        normal_filter: None,
        tty: false,
        command: command(policy, program, cpus),
        bounds: bounds(policy),
        enforcement,
    })
}

/// Where programs are looked for without a `PATH`.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn command(policy: &Policy, program: &Program<'_>, cpus: u32) -> Command {
    let (kind, argv) = match program {
        // Isolated, without writing bytecode; without `site`, which takes as long as the rest of the start, where there are no packages that it could set up.
        Program::Python(python) => {
            let flags: &[&str] = if policy.python.external_allow.is_empty() { &["-I", "-S", "-B"] } else { &["-I", "-B"] };
            let argv = [&[python.executable.as_str()], flags, &["-c", BOOTSTRAP]].concat();
            (CommandKind::Executor, argv.into_iter().map(str::to_owned).collect())
        }
        Program::Host { argv, .. } => (CommandKind::Program, argv.to_vec()),
    };
    // Where programs look for `python3` (in a virtual environment, for its own), before where a shell looks without one.
    let path = match program {
        Program::Python(python) if !policy.environment.iter().any(|(name, _)| name == "PATH") => {
            let own = python.executable.rsplit_once('/').map(|(directory, _)| directory);
            own.map(|own| format!("PATH={own}:{DEFAULT_PATH}"))
        }
        _ => None,
    };
    let mut command = Command {
        path: argv.first().cloned().unwrap_or_default(),
        argv,
        env: cpus::variables(policy, cpus).chain(path).collect(),
        cwd: WORKSPACE.into(),
        kind,
    }
    .settled();
    if kind == CommandKind::Executor && policy.python.runner_env_deny {
        // What the interpreter was never given, /proc does not show either. Those that it reads itself stay.
        command.env.retain(|line| line.starts_with("PYTHON"));
    }
    command
}

fn bounds(policy: &Policy) -> Bounds {
    let limits = &policy.limits;
    Bounds {
        stdin: limits.stdin.0,
        stdout: limits.stdout.0,
        stderr: limits.stderr.0,
        prints: limits.prints.0,
        overflow: limits.overflow,
        result_size: limits.result_size.0,
        result_depth: limits.result_depth,
        result_nodes: limits.result_nodes,
        job_size: limits.job_size.0,
        artifacts: limits.artifacts.0,
        artifact_files: limits.artifact_files,
    }
}

#[cfg(test)]
pub(crate) mod tests;

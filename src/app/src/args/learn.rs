//! What was typed after `remand policy learn`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args as ArgGroup;

/// `remand policy learn`.
#[derive(Debug, ArgGroup)]
#[command(after_help = LEARN_HELP)]
pub struct LearnArgs {
    /// The policy to start from: a name, or a file (a path with `/`, or ending in .jsonc) [default: the job's --policy, or default]
    #[arg(long, value_name = "NAME|FILE")]
    pub from: Option<String>,
    /// A policy that the proposal may not exceed, besides /etc/remand/ceiling.jsonc where it exists
    #[arg(long, value_name = "FILE")]
    pub ceiling: Option<PathBuf>,
    /// Runs of each input at most, before what was not needed is taken out again
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Input items of a `run`, once for each input to learn from
    #[arg(long, value_name = "FILE")]
    pub items: Vec<PathBuf>,
    /// Try dangerous calls too, and propose them where the job finishes with them
    #[arg(long)]
    pub try_dangerous: bool,
    /// Take a job that finishes for done, even if it says that it failed: a value with an "error", a traceback that it wrote
    #[arg(long)]
    pub finished_is_done: bool,
    /// Also lower limits that stand above what was measured by more than half
    #[arg(long)]
    pub tighten: bool,
    /// Write the policy with the patch: over the file that was learned from, or as a new file
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Print the patch, its lines and the inputs as one JSON document
    #[arg(long)]
    pub json: bool,
    /// The job: `run [OPTIONS] FILE`, `python [OPTIONS] SCRIPT [ARGS]...`, or `exec COMMAND...`
    #[arg(last = true, required = true, value_name = "JOB")]
    pub job: Vec<OsString>,
}

const LEARN_HELP: &str = "\
The job is really run, as many times as it takes, each time in its namespaces and under its limits. What it was denied is granted to the next run if it is \
harmless; what is dangerous stays denied and is told apart, unless --try-dangerous asks for it. A limit that ended it is raised, and at the end set to what was \
measured and half as much again. A file of the host that it looked for is shown to it, read-only, unless it is secret. At last each line is left out once: what the \
job finishes without is no part of the patch. A job that finishes and says that it failed (its value has an \"error\", it wrote a traceback) has not done its \
work: it is learned from as one that raised, unless --finished-is-done says otherwise. Nothing is written without --write.

The exit status is 0 if every input finishes under the proposal, 1 if one does not, 2 for wrong usage.";

//! `remand n8n`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Be n8n's task runner for Python, for n8n's broker.
#[derive(Args, Debug)]
#[command(after_help = N8N_HELP, disable_help_subcommand = true)]
pub struct N8nArgs {
    /// Something else than being one.
    #[command(subcommand)]
    pub command: Option<N8nCommand>,
}

/// What can be done besides.
#[derive(Debug, Subcommand)]
pub enum N8nCommand {
    /// Say why a runner gets no tasks: what is set, what this machine can do, how far a connection to the broker comes
    Doctor,
    /// Take the place of n8n's own runner, where n8n starts that itself
    Install(RunnerDirArgs),
    /// Put back what was there before
    Uninstall(RunnerDirArgs),
}

/// Where.
#[derive(Args, Debug)]
pub struct RunnerDirArgs {
    /// The directory of n8n's Python runner, in which n8n starts `.venv/bin/python -m src.main`
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
}

const N8N_HELP: &str = "\
It takes the variables of n8n's own runner, each also as NAME_FILE: N8N_RUNNERS_TASK_BROKER_URI, _MAX_CONCURRENCY, _MAX_PAYLOAD, _TASK_TIMEOUT, \
_AUTO_SHUTDOWN_TIMEOUT, _GRACEFUL_SHUTDOWN_TIMEOUT, _STDLIB_ALLOW, _EXTERNAL_ALLOW, _BUILTINS_DENY, _HEALTH_CHECK_SERVER_ENABLED and the others of \
docs/n8n.md.

With N8N_RUNNERS_GRANT_TOKEN, which n8n or its launcher gives, it lasts as long as that token; with N8N_RUNNERS_AUTH_TOKEN it gets such tokens itself and stays \
connected over restarts of the broker. Each task is a run in a sandbox of its own; the process that speaks to the broker is another one, without any rights.";

//! `remand oci`: what was typed, as far as it is not a runtime's command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as ArgGroup, Subcommand};

/// `remand oci`.
#[derive(Debug, Subcommand)]
#[command(after_help = OCI_HELP, override_usage = OCI_USAGE, disable_help_subcommand = true)]
pub enum OciCommand {
    /// Be told the system calls that containers are refused
    Agent(AgentArgs),
    /// Never met: a runtime's command line is taken before.
    #[command(external_subcommand)]
    Runtime(Vec<OsString>),
}

/// `remand oci agent`.
#[derive(Debug, ArgGroup)]
#[command(after_help = AGENT_HELP)]
pub struct AgentArgs {
    /// Where runtimes reach it; "agent" of /etc/remand/oci.jsonc names the same
    #[arg(long, value_name = "SOCKET")]
    pub socket: PathBuf,
    /// The log, a file that is added to and begins anew at 8 MiB; standard output without it
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// A file for metrics in the text format of Prometheus, replaced when they change
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
}

const OCI_USAGE: &str = "remand oci [GLOBAL OPTIONS] create|run|exec|... (the command line of an OCI runtime)
       remand oci agent --socket SOCKET";

const OCI_HELP: &str = "\
Podman (--runtime), Docker (--add-runtime), containerd (BinaryName) and CRI-O take a link to this program that is named remand-oci as their runtime. On create \
and run it narrows the bundle's config.json to a policy, on exec --process the file of the process; then it becomes the runtime itself with its arguments \
unchanged: the one that REMAND_OCI_RUNTIME or /etc/remand/oci.jsonc names, else crun or runc. What cannot be held to the policy is refused, with its field and \
the most that is allowed, and status 1. docs/oci.md tells how to set it up.";

const AGENT_HELP: &str = "\
One line of JSON for each distinct container, call and arguments: how often, what it was answered, and the change to the policy that would allow it. In a file \
the count is kept up to date in its place; a stream gets the line when the call is first made. A call is never let through; while no agent is there, the kernel \
answers ENOSYS.";

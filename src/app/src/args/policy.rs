//! What was typed after `remand policy`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, Subcommand};

/// `remand policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Load policy files and print every problem in them
    Check(CheckArgs),
    /// Ask what a run is allowed, and which line decides it
    Why(WhyArgs),
    /// Test the expectations that policy files carry about themselves
    Test(TestArgs),
}

/// `remand policy check`.
#[derive(Debug, ArgGroup)]
pub struct CheckArgs {
    /// Policy files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `remand policy why`.
#[derive(Debug, ArgGroup)]
#[command(after_help = WHY_HELP)]
pub struct WhyArgs {
    /// A built-in policy, one in /etc/remand/policies, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "default")]
    pub policy: String,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
    /// The question, such as `socket AF_INET`, `open /etc/passwd`, `memory 2GiB`, `import numpy`
    #[arg(required = true, allow_hyphen_values = true, trailing_var_arg = true, value_name = "QUESTION")]
    pub question: Vec<String>,
}

/// `remand policy test`.
#[derive(Debug, ArgGroup)]
#[command(after_help = TEST_HELP)]
pub struct TestArgs {
    /// Policies: files, or names of built-in ones and of those in /etc/remand/policies
    #[arg(required = true, value_name = "FILE|NAME")]
    pub policies: Vec<String>,
    /// Try each expectation inside a run under the policy as well
    #[arg(long)]
    pub live: bool,
    /// Print the results as JSON, one line for each policy
    #[arg(long)]
    pub json: bool,
}

const WHY_HELP: &str = "\
A question is one of:
  CALL [ARGUMENT...]           socket AF_INET SOCK_STREAM; clone CLONE_NEWUSER|SIGCHLD; ioctl 0 TIOCSTI; prctl PR_SET_DUMPABLE 1
                               numbers are 42, 0x2a, 0o52 or -1; ? or nothing leaves an argument open
  syscall NUMBER [ARGUMENT...] a call by its number
  open|read|write|exec PATH    a file, in the run's own root
  LIMIT VALUE                  memory 2GiB, pids 10, wall_time 20s, tmp 1GiB, open_files 1000
  import MODULE, builtin NAME, env VARIABLE, connect ADDRESS:PORT

The answer comes from the compiled filter and the plan of a run on this machine. `depends` is said where two values of an open argument are answered \
differently.

The exit status is 0 if it is allowed, 1 if not, 2 if the question or the policy is wrong.";

const TEST_HELP: &str = "\
An expectation is an entry of the file's `expect` list: {\"call\": \"socket AF_INET\", \"is\": \"denied\", \"reason\": \"...\"}. Instead of `call`: open, read, write, \
exec, limit, import, builtin, env, connect, or ask for any question of `remand policy why`. `is` is one of allowed, denied (refused in any way that lets the run \
go on), no_such_call, not_visible, read_only, killed, depends.

With --live each is tried in a run of its own. What a call was answered is read from the supervisor's record. What is not tried is counted as skipped, by name.

The exit status is 0 if all hold, 1 if one does not, 2 if a policy cannot be used.";

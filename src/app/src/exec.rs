//! `remand exec`: any program of the host under a policy.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use remand_jail::host::{self, Depth};
use remand_jail::interpreter;
use remand_jail::run::{Ask, Caller, Output, Stream};
use remand_policy::plan::{self, Program};
use remand_policy::{Outcome, Policy};

use crate::answer::{self, not_started, refused};
use crate::args::ExecArgs;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::laps::Laps;
use crate::overrides;
use crate::policies;
use crate::print::plain;
use crate::relay::Relay;
use crate::run::DEFAULT_PATH;

/// Does it; the exit status.
pub fn exec(args: ExecArgs) -> Result<u8, Failure> {
    let mut laps = Laps::start();
    let asked = Asked::from_args(&args)?;
    laps.lap("policy");
    let mut outcome = asked.outcome(&mut laps, args.show.json)?;
    laps.before(&mut outcome.timing);
    answer::give_program(&outcome, args.show)
}

/// What the arguments mean: a program and the policy that it runs under.
struct Asked {
    policy: Policy,
    /// `argv[0]` is an absolute path.
    argv: Vec<String>,
}

impl Asked {
    fn from_args(args: &ExecArgs) -> Result<Self, Failure> {
        let policy = policies::effective(&args.confine.policy, &overrides::tree(None, &args.confine.set)?)?;
        let mut argv = args.command.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        if let Some(command) = argv.first_mut() {
            let path = env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
            *command = text(located(command, &path)?.as_os_str())?;
        }
        Ok(Self { policy, argv })
    }

    fn outcome(&self, laps: &mut Laps, quiet: bool) -> Result<Outcome, Failure> {
        let host = host::observe(Depth::Quick);
        laps.lap("host");
        let tree = match interpreter::program(self.argv.first().map_or("", String::as_str)) {
            Ok(tree) => tree,
            Err(error) => return Ok(not_started(&self.policy, "program", error.to_string())),
        };
        laps.lap("program");
        let plan = match plan::resolve(&self.policy, &Program::Host { argv: &self.argv, tree: &tree }, &host) {
            Ok(plan) => plan,
            Err(lacks) => return Ok(refused(&self.policy, &lacks)),
        };
        laps.lap("plan");
        start(&Ask { policy: &self.policy, plan: &plan, host: &host, job: &[] }, quiet)
    }
}

/// Runs it, passing its output on unless the caller wants nothing but the record.
fn start(ask: &Ask<'_>, quiet: bool) -> Result<Outcome, Failure> {
    let cancel = Cancel::hold()?;
    let (out, err) = (io::stdout(), io::stderr());
    let mut out = Relay::new(&out, out.is_terminal());
    let mut err = Relay::new(&err, err.is_terminal());
    let mut pass = |stream, bytes: &[u8]| match stream {
        Stream::Stdout => out.pass(bytes),
        Stream::Stderr => err.pass(bytes),
    };
    let output = (!quiet).then_some(&mut pass as Output<'_>);
    let outcome = remand_jail::run::run(ask, Caller { cancel: Some(cancel.fd()), output });
    drop(cancel);
    match (out.finish(), err.finish()) {
        (Some(errno), _) => Err(Failure::unwritten(&errno.into())),
        (None, _) => Ok(outcome),
    }
}

fn text(argument: impl AsRef<std::ffi::OsStr>) -> Result<String, Failure> {
    let argument = argument.as_ref();
    argument.to_str().map(str::to_owned).ok_or_else(|| Failure::usage(format!("{}: not UTF-8 text", plain(&argument.to_string_lossy()))))
}

/// The program's absolute path: a name is looked up on `path`, in its absolute directories only.
fn located(command: &str, path: &OsString) -> Result<PathBuf, Failure> {
    if command.contains('/') {
        return std::path::absolute(command).map_err(|error| Failure::usage(format!("{}: {error}", plain(command))));
    }
    let executable = |file: &PathBuf| fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    let directories = env::split_paths(path).filter(|directory| directory.is_absolute());
    directories
        .map(|directory| directory.join(Path::new(command)))
        .find(executable)
        .ok_or_else(|| Failure::usage(format!("{}: no such program on PATH", plain(command))))
}

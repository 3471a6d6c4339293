//! `remand exec`: any program of the host under a policy.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::{env, path};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use remand_engine::{HostFiles, interpreter};
use remand_jail::host::{self, Depth};
use remand_jail::run::{Ask, Caller, Stream};
use remand_plan::Outcome;
use remand_plan::interpreter::Tree;
use remand_plan::plan::Program;
use remand_plan::step::Step;
use remand_policy::Policy;

use crate::answer::{self, not_started, refused};
use crate::args::ExecArgs;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::laps::Laps;
use crate::print::{self, plain};
use crate::relay::Relay;
use crate::run::DEFAULT_PATH;
use crate::{overrides, policies};

/// Does it; the exit status.
pub fn exec(args: ExecArgs) -> Result<u8, Failure> {
    let mut laps = Laps::start();
    let asked = Asked::from_args(&args)?;
    laps.lap(Step::Policy);
    let mut outcome = asked.outcome(&mut laps, args.show.json)?;
    laps.before(&mut outcome.timing);
    answer::give_program(&outcome, args.show)
}

/// What the arguments mean: a program and the policy that it runs under.
struct Asked {
    policy: Policy,
    /// `argv[0]` is an absolute path, or a name to look up on PATH.
    argv: Vec<String>,
}

impl Asked {
    fn from_args(args: &ExecArgs) -> Result<Self, Failure> {
        let policy = policies::effective(&args.confine.policy, &overrides::tree(None, &args.confine.set)?)?;
        Ok(Self { policy, argv: argv(&args.command)? })
    }

    fn outcome(self, laps: &mut Laps, quiet: bool) -> Result<Outcome, Failure> {
        let host = host::observe(Depth::Quick);
        laps.lap(Step::Host);
        // Before the search for the program meets it.
        let cramped = remand_plan::cramped(&host, false);
        if !cramped.is_empty() {
            return Ok(refused(&self.policy, &cramped));
        }
        let (argv, tree) = match program(&self.argv, &self.policy) {
            Ok(found) => found,
            Err(why) => return Ok(not_started(&self.policy, Step::Program, why)),
        };
        laps.lap(Step::FindProgram);
        let plan = match remand_plan::resolve(&self.policy, &Program::Host { argv: &argv, tree: &tree }, &host, &HostFiles) {
            Ok(plan) => plan,
            Err(lacks) => return Ok(refused(&self.policy, &lacks)),
        };
        laps.lap(Step::Plan);
        start(
            &Ask { plan: &plan, host: &host, job: &[], without_cgroup: &|plan, host| plan.without_cgroup(&self.policy, host).ok() },
            quiet,
        )
    }
}

/// The arguments as text; a command with a `/` as an absolute path.
pub fn argv(command: &[OsString]) -> Result<Vec<String>, Failure> {
    let mut argv = command.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    if let Some(command) = argv.first_mut().filter(|command| command.contains('/')) {
        *command = text(path::absolute(&*command).map_err(|error| Failure::usage(format!("{}: {error}", plain(command))))?)?;
    }
    Ok(argv)
}

/// The arguments with the program's real path first, and what it needs of the host; or why there is none.
pub fn program(argv: &[String], policy: &Policy) -> Result<(Vec<String>, Tree), String> {
    let path = env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.into());
    let inside = policy.environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_str());
    let program = interpreter::program(argv.first().map_or("", String::as_str), &path, inside).map_err(|error| error.to_string())?;
    Ok((std::iter::once(program.path).chain(argv.iter().skip(1).cloned()).collect(), program.tree))
}

/// Runs it, passing its output on unless the caller wants nothing but the record.
fn start(ask: &Ask<'_>, quiet: bool) -> Result<Outcome, Failure> {
    let cancel = Cancel::hold()?;
    if quiet {
        let outcome = remand_jail::run::run(ask, Caller { cancel: Some(cancel.fd()), output: None });
        print::answering(cancel);
        return Ok(outcome);
    }
    let no_streams = |error| Failure::internal(format!("cannot start to pass output on: {error}"));
    // After the signals are held back, which are the loop's and not those threads'.
    let out = Relay::start(io::stdout(), io::stdout().is_terminal()).map_err(no_streams)?;
    let err = Relay::start(io::stderr(), io::stderr().is_terminal()).map_err(no_streams)?;
    let ends = any(&[cancel.fd(), out.gone(), err.gone()]).map_err(no_streams)?;
    let mut pass = |stream, bytes: &[u8]| match stream {
        Stream::Stdout => out.take(bytes),
        Stream::Stderr => err.take(bytes),
    };
    let outcome = remand_jail::run::run(ask, Caller { cancel: Some(ends.0.as_fd()), output: Some(&mut pass) });
    print::answering(cancel);
    match (out.finish(), err.finish()) {
        (Some(errno), _) => Err(Failure::unwritten("standard output", errno)),
        (None, Some(errno)) => Err(Failure::unwritten("standard error", errno)),
        (None, None) => Ok(outcome),
    }
}

/// Readable when one of these is.
fn any(fds: &[BorrowedFd<'_>]) -> io::Result<Epoll> {
    let any = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    fds.iter().try_for_each(|fd| any.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, 0)))?;
    Ok(any)
}

fn text(argument: impl AsRef<OsStr>) -> Result<String, Failure> {
    let argument = argument.as_ref();
    argument.to_str().map(str::to_owned).ok_or_else(|| Failure::usage(format!("{}: not UTF-8 text", plain(&argument.to_string_lossy()))))
}

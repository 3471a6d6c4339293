//! The forkserver: makes once what runs of one policy share (user namespace, root file system, UTS namespace, a network namespace without sockets), then
//! makes runs.
//!
//! Always holds: it never sees a job, a result or a run's memory, only descriptors passing through, and none of one run is left when it makes the next; runs
//! are the supervisor's children, not its own; a run that it cannot make is told on that run's socket and ends nothing else; it ends with the supervisor's
//! end of its own socket.

use crate::fds::close_all_except;
use crate::init;
use crate::message::{MAX_FDS, Order, Report, Run, Serving, WORDS};
use crate::root;
use crate::spec::{Ids, RunFds, Spec};
use crate::step::{At, Errno, Failure, Step};
use crate::sys::{self, Clone, Fd, Process};

/// NOROOT and NO_CAP_AMBIENT_RAISE on, KEEP_CAPS and NO_SETUID_FIXUP off, each locked: no execve can ever bring a capability back, and a change of user
/// clears the sets as it should.
const SECUREBITS: i32 = libc::SECBIT_NOROOT
    | libc::SECBIT_NOROOT_LOCKED
    | libc::SECBIT_NO_CAP_AMBIENT_RAISE
    | libc::SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED
    | libc::SECBIT_KEEP_CAPS_LOCKED
    | libc::SECBIT_NO_SETUID_FIXUP_LOCKED;

/// Makes a forkserver; it will report on `spec.socket`. `cgroup`: the v2 cgroup directory that it is born in.
///
/// Neither it nor the runs it makes signal their end; wait with `__WALL`.
///
/// # Errors
/// The kernel's answer to `clone3`.
pub fn start(spec: &Spec<'_>, cgroup: Option<Fd>) -> Result<Process, Errno> {
    sys::clone(Clone { flags: 0, exit_signal: 0, cgroup }, || serve(spec))
}

fn serve(spec: &Spec<'_>) -> ! {
    let served = set_up(spec).and_then(|serving| {
        sys::send(spec.socket, &Report::Serving(serving).words(), &[]).at(Step::Forkserver)?;
        while let Some((run, fds)) = next_order(spec.socket)? {
            make_run(spec, run, &fds)?;
        }
        Ok(())
    });
    if let Err(failure) = served {
        // The supervisor may be gone; then nobody is left to be told.
        let _ = sys::send(spec.socket, &Report::Failed(failure).words(), &[]);
    }
    sys::exit(i32::from(served.is_err()))
}

/// Returns what only a set-up can tell.
fn set_up(spec: &Spec<'_>) -> Result<Serving, Failure> {
    sys::block_signals(u64::MAX).at(Step::Forkserver)?;
    close_all_except(spec.kept)?;
    // The caller's would close the root to the run, which has another user.
    sys::umask(0o022).at(Step::Forkserver)?;
    // Where memory runs out on the whole host, runs go first. Raised here, while /proc/self still belongs to this process.
    let oom_score = spared(write_file(sys::CWD, c"/proc/self/oom_score_adj", b"1000")).at(Step::OomScore)?;
    let proc = sys::openat(sys::CWD, c"/proc", libc::O_PATH | libc::O_DIRECTORY, 0).at(Step::Forkserver)?;
    match spec.ids {
        Ids::Pool => {
            // Built with the supervisor's own rights and before the user namespace, so that mount namespaces copied inside find every mount locked.
            root::build(spec.root)?;
            for owner in spec.kept.iter().filter(|fd| **fd != spec.socket) {
                sys::close(*owner).at(Step::Root)?;
            }
            sys::unshare(libc::CLONE_NEWUSER).at(Step::UserNamespace)?;
            sys::send(spec.socket, &Report::WantsIds.words(), &[]).at(Step::IdMap)?;
            wait_for_ids(spec.socket)?;
            become_root_inside()?;
        }
        Ids::Own { uid_map, gid_map } => {
            sys::unshare(libc::CLONE_NEWUSER).at(Step::UserNamespace)?;
            // A group map without privilege is only allowed once supplementary groups can no longer change.
            write_file(proc, c"self/setgroups", b"deny").at_index(Step::IdMap, 0)?;
            write_file(proc, c"self/uid_map", uid_map).at_index(Step::IdMap, 1)?;
            write_file(proc, c"self/gid_map", gid_map).at_index(Step::IdMap, 2)?;
            root::build(spec.root)?;
        }
    }
    // A second wall behind the filter's refusal of CLONE_NEWUSER; some containers mount /proc/sys read-only.
    let nested_userns_disabled = write_file(proc, c"sys/user/max_user_namespaces", b"0").is_ok();
    sys::close(proc).at(Step::Forkserver)?;
    let host_name = share(spec)?;
    reset_signals()?;
    drop_bounding_set()?;
    // From here on nothing of this process is to be read, not even by its own user.
    sys::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0).at(Step::Dumpable)?;
    Ok(Serving { nested_userns_disabled, host_name, oom_score })
}

/// Of what protects nothing, a refusal stops no run: the kernel's answer, 0 where it was done.
fn spared(done: Result<(), Errno>) -> Result<Errno, Errno> {
    match done {
        Ok(()) => Ok(0),
        Err(refused @ (libc::EPERM | libc::EACCES | libc::EROFS | libc::ENOSYS)) => Ok(refused),
        Err(other) => Err(other),
    }
}

/// What the caller ignored (SIGPIPE, SIGHUP under nohup) would stay ignored through execve.
fn reset_signals() -> Result<(), Failure> {
    for signal in (1..=64).filter(|&signal| signal != libc::SIGKILL && signal != libc::SIGSTOP) {
        sys::default_action(signal).at(Step::Signals)?;
    }
    Ok(())
}

/// Here and not in each run: children inherit it, and what this process does needs capabilities that it holds, not ones that execve could give.
fn drop_bounding_set() -> Result<(), Failure> {
    sys::prctl(libc::PR_SET_SECUREBITS, u64::from(SECUREBITS.unsigned_abs()), 0, 0, 0).at_index(Step::Capabilities, 100)?;
    for capability in 0..64u8 {
        match sys::prctl(libc::PR_CAPBSET_DROP, capability.into(), 0, 0, 0) {
            // The first number that this kernel has no capability for.
            Err(libc::EINVAL) if capability > 0 => return Ok(()),
            answer => answer.at_index(Step::Capabilities, capability.into())?,
        }
    }
    Ok(())
}

/// Returns the kernel's answer to the host's name, which the filters of containers refuse.
fn share(spec: &Spec<'_>) -> Result<Errno, Failure> {
    let mut host_name = 0;
    if spec.namespaces.uts {
        sys::unshare(libc::CLONE_NEWUTS).at(Step::UtsNamespace)?;
        host_name = spared(sys::set_host_name(b"remand")).at(Step::UtsNamespace)?;
    }
    if spec.namespaces.network {
        sys::unshare(libc::CLONE_NEWNET).at(Step::NetworkNamespace)?;
    }
    Ok(host_name)
}

fn become_root_inside() -> Result<(), Failure> {
    sys::setresgid(0, 0, 0).at(Step::Gid)?;
    sys::clear_groups().at(Step::Groups)?;
    sys::setresuid(0, 0, 0).at(Step::Uid)
}

fn wait_for_ids(socket: Fd) -> Result<(), Failure> {
    let mut words = [0; WORDS];
    match sys::receive(socket, &mut words, &mut [-1; MAX_FDS]).at(Step::IdMap)? {
        Some(_) if Order::from_words(&words) == Some(Order::IdsMapped) => Ok(()),
        _ => Err(Failure { step: Step::IdMap, index: 0, errno: libc::EPROTO }),
    }
}

/// `None`: the supervisor wants no more runs.
fn next_order(socket: Fd) -> Result<Option<(Run, RunFds)>, Failure> {
    let (mut words, mut fds) = ([0; WORDS], [-1; MAX_FDS]);
    let Some(count) = sys::receive(socket, &mut words, &mut fds).at(Step::Forkserver)? else { return Ok(None) };
    let unknown = Failure { step: Step::Forkserver, index: 1, errno: libc::EPROTO };
    let Some(Order::Run(run)) = Order::from_words(&words) else { return Err(unknown) };
    RunFds::from_received(&fds[..count], run.files).map(|fds| Some((run, fds))).ok_or(unknown)
}

fn make_run(spec: &Spec<'_>, run: Run, fds: &RunFds) -> Result<(), Failure> {
    // CLONE_PARENT: the supervisor itself waits for the run, and knows its end and its use of CPU from the kernel.
    let flags =
        [libc::CLONE_NEWPID, libc::CLONE_NEWNS, libc::CLONE_PARENT].iter().fold(0, |all, &flag| all | u64::from(flag.unsigned_abs()));
    let cgroup = spec.run.born_in_cgroup.then_some(fds.cgroup[0]);
    let made = sys::clone(Clone { flags, exit_signal: 0, cgroup }, || {
        let _ = sys::close(spec.socket);
        init::main(&spec.run, run, fds)
    });
    let report = match made.at(Step::CloneInit) {
        Ok(Process { pid, pidfd }) => sys::send(fds.report, &Report::Init { pid: pid.into() }.words(), &[pidfd]),
        Err(failure) => sys::send(fds.report, &Report::Failed(failure).words(), &[]),
    };
    // Who does not listen any more has given the run up; an init sees that for itself.
    let _ = report;
    // Everything of the run, above all the write ends of its pipes: their end of file is the proof that it is gone.
    close_all_except(&[spec.socket])
}

fn write_file(directory: Fd, path: &core::ffi::CStr, text: &[u8]) -> Result<(), Errno> {
    let file = sys::openat(directory, path, libc::O_WRONLY, 0)?;
    let written = sys::write(file, text);
    sys::close(file)?;
    written
}

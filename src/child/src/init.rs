//! Init, PID 1 of a run: makes the run's own mounts and the executor process, reaps what is orphaned, and ends everything when the executor ends.
//!
//! Always holds: user code never is PID 1, so it can be signalled as any process; init runs no code but this and holds no descriptor of the run, only its
//! report socket; when it says [`Ended`] it is the last process of the run. It is in the run's cgroups, so that what the run makes it do (reaping by the
//! thousand) is the run's CPU.

use core::ffi::CStr;

use crate::decimal::Decimal;
use crate::executor;
use crate::fds::close_all_except;
use crate::files;
use crate::message::{Ended, Executing, MAX_FDS, Order, Report, Run, WORDS};
use crate::spec::{Loopback, RunFds, RunSpec};
use crate::step::{At, Errno, Failure, RunMount, Step};
use crate::sys::{self, Clone, Fd, Waited};
use crate::terminal;

/// What the executor tells its stacks for. A program that knows nothing of it ignores it.
const ASK_WHERE: i32 = libc::SIGURG;
const SIGCHLD_BIT: u64 = 1 << (libc::SIGCHLD - 1);

/// Runs init to the end of the run.
pub fn main(run: &RunSpec<'_>, ordered: Run, fds: &RunFds) -> ! {
    let ended = begin(run, ordered, fds).and_then(|(tmp, executor)| {
        keep_open(fds.report, tmp)?;
        let ended = reap(fds.report, tmp, executor)?;
        sys::send(fds.report, &Report::Ended(ended).words(), &[]).at(Step::Init)
    });
    if let Err(failure) = ended {
        let _ = sys::send(fds.report, &Report::Failed(failure).words(), &[]);
    }
    // The kernel kills whatever is left in the PID namespace.
    sys::exit(i32::from(ended.is_err()))
}

/// Mounts, then the executor process. Returns the place `/tmp` and the executor's process id.
fn begin(run: &RunSpec<'_>, ordered: Run, fds: &RunFds) -> Result<(Fd, u32), Failure> {
    let id = ordered.id;
    let mut timing = Executing { init: sys::now(), ..Executing::default() };
    join_cgroups(run, fds)?; // first, so that all that follows is charged to the run
    own_namespaces(run)?;
    let id_text = Decimal::of(id);
    let owner = id_text.text();
    let options = [(c"mode", c"0700"), (c"uid", owner), (c"gid", owner), (c"size", run.tmp.size), (c"nr_inodes", run.tmp.inodes)];
    let tmp = sys::new_mount(c"tmpfs", &options, run.tmp.attributes).at_index(Step::RunMounts, RunMount::NewTmp as usize)?;
    sys::attach(tmp, sys::CWD, c"/tmp").at_index(Step::RunMounts, RunMount::AttachTmp as usize)?;
    for (name, place) in PLACES {
        show(tmp, name, place, id).at_index(Step::RunMounts, RunMount::PlacesInTmp as usize)?;
    }
    if ordered.files || ordered.workspace {
        with_workspace(tmp, ordered, fds)?;
    }
    if run.proc {
        // hidepid: processes that may not be traced, init above all, are not even listed, whatever groups the run has ("invisible" leaves them to group 0);
        // subset: nothing but processes, no sysctls, no kernel interfaces.
        let proc = sys::new_mount(c"proc", &[(c"hidepid", c"ptraceable"), (c"subset", c"pid")], executor::PROC_ATTRIBUTES)
            .at_index(Step::RunMounts, RunMount::NewProc as usize)?;
        sys::attach(proc, sys::CWD, c"/proc").at_index(Step::RunMounts, RunMount::AttachProc as usize)?;
        sys::close(proc).at_index(Step::RunMounts, RunMount::CloseProc as usize)?;
    }
    let mut fds = *fds;
    if run.tty {
        let [input, output, error, ..] = &mut fds.std;
        *input = terminal::make(fds.report, owner)?;
        (*output, *error) = (*input, *input);
    }
    timing.mounted = sys::now();
    let clone = Clone { flags: 0, exit_signal: u64::from(libc::SIGCHLD.unsigned_abs()), cgroup: None };
    let made = sys::clone(clone, || executor::main(run, id, &fds, timing)).at(Step::CloneExecutor)?;
    Ok((tmp, made.pid))
}

/// One tmpfs, so that its limits count both places: its own root is where nobody sees it, below `/tmp`, which comes last.
const PLACES: [(&CStr, &CStr); 2] = [(c"workspace", c"/workspace"), (c"tmp", c"/tmp")];

/// Shows a directory of the tmpfs, made for the run's user, at a place of the root.
fn show(tmp: Fd, name: &CStr, place: &CStr, id: u32) -> Result<(), Errno> {
    sys::mkdirat(tmp, name, 0o700)?;
    sys::chown(tmp, name, id, id, 0)?;
    let mount = sys::clone_mount(tmp, name)?;
    sys::attach(mount, sys::CWD, place)?;
    sys::close(mount)
}

/// Fills `/workspace`, and hands it over: its directory by a mount that no process of the run finds, so that nothing can be put over it or in its place.
fn with_workspace(tmp: Fd, ordered: Run, fds: &RunFds) -> Result<(), Failure> {
    let workspace = sys::openat(tmp, c"workspace", libc::O_RDONLY | libc::O_DIRECTORY, 0).at(Step::Files)?;
    if ordered.files {
        files::place(fds.files, workspace, ordered.id)?;
        sys::close(fds.files).at(Step::Files)?;
    }
    if ordered.workspace {
        sys::send(fds.report, &Report::Workspace.words(), &[workspace]).at(Step::Files)?;
    }
    sys::close(workspace).at(Step::Files)
}

/// What would join it with other runs of its forkserver. That of cgroups is the executor's own to make.
fn own_namespaces(run: &RunSpec<'_>) -> Result<(), Failure> {
    if run.namespaces.ipc {
        sys::unshare(libc::CLONE_NEWIPC).at(Step::IpcNamespace)?;
    }
    if let Some(loopback) = run.namespaces.network {
        sys::unshare(libc::CLONE_NEWNET).at(Step::NetworkNamespace)?;
        if loopback == Loopback::Up {
            sys::loopback_up().at(Step::Loopback)?;
        }
    }
    Ok(())
}

fn join_cgroups(run: &RunSpec<'_>, fds: &RunFds) -> Result<(), Failure> {
    if run.born_in_cgroup {
        return Ok(());
    }
    for (index, &tasks) in fds.cgroup.iter().take_while(|&&fd| fd >= 0).enumerate() {
        // "0" moves the caller. A lone thread that moves itself needs no global lock, hence no wait for an RCU grace period (milliseconds).
        sys::write(tasks, b"0").at_index(Step::CgroupJoin, index)?;
    }
    Ok(())
}

fn keep_open(report: Fd, tmp: Fd) -> Result<(), Failure> {
    if report < tmp { close_all_except(&[report, tmp]) } else { close_all_except(&[tmp, report]) }
}

/// Waits for the executor, then ends and reaps all others.
fn reap(report: Fd, tmp: Fd, executor: u32) -> Result<Ended, Failure> {
    // Every signal has been blocked since the forkserver began, so that none is lost before this.
    let signals = sys::signal_fd(SIGCHLD_BIT).at(Step::InitSignals)?;
    let mut ended = Ended::default();
    loop {
        let ready = sys::wait_readable([signals, report]).at(Step::Init)?;
        if ready[1] != 0 {
            hear(report, executor);
        }
        if ready[0] == 0 {
            continue;
        }
        sys::read(signals, &mut [0; 128]).at(Step::Init)?;
        while let Some(waited) = sys::wait(libc::WNOHANG).or_else(none_left).at(Step::Init)? {
            add(&mut ended, &waited);
            if waited.pid == executor {
                ended.status = waited.status;
                (ended.tmp, ended.inodes) = sys::space(tmp).at(Step::Init)?;
                return end_all(ended);
            }
        }
    }
}

/// What the supervisor wants; or it is gone, and with it the run. Not left to PDEATHSIG: that one watches a thread of the supervisor's.
fn hear(report: Fd, executor: u32) {
    let (mut words, mut fds) = ([0; WORDS], [-1; MAX_FDS]);
    let heard = sys::receive(report, &mut words, &mut fds);
    if !matches!(heard, Ok(Some(0))) || Order::from_words(&words) != Some(Order::AskWhere) {
        sys::exit(1);
    }
    // The executor has not been waited for, so the number is its own. Whether it hears is its own affair.
    let _ = sys::kill(i32::try_from(executor).unwrap_or(0).max(2), ASK_WHERE);
}

fn end_all(mut ended: Ended) -> Result<Ended, Failure> {
    // Who has ended by now is not left running.
    while let Some(waited) = sys::wait(libc::WNOHANG).or_else(none_left).at(Step::Init)? {
        add(&mut ended, &waited);
    }
    sys::kill(-1, libc::SIGKILL).or_else(|errno| if errno == libc::ESRCH { Ok(()) } else { Err(errno) }).at(Step::Init)?;
    while let Some(waited) = sys::wait(0).or_else(none_left).at(Step::Init)? {
        ended.left += 1;
        add(&mut ended, &waited);
    }
    ended.at = sys::now();
    Ok(ended)
}

fn none_left(errno: i32) -> Result<Option<Waited>, i32> {
    if errno == libc::ECHILD { Ok(None) } else { Err(errno) }
}

fn add(ended: &mut Ended, waited: &Waited) {
    ended.user += waited.user;
    ended.system += waited.system;
    ended.resident = ended.resident.max(waited.resident);
}

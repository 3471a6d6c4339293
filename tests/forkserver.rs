//! Several runs of one forkserver at once, driven by one thread: each has what is its own, and none reaches another.
//!
//! Always holds: the runs live at the same time, which each shows by a word that it gives before it is ended.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use remand_engine::{Caller, Engine, Forkserver, Moment, Outcome, Program, Request, Run, Said};
use remand_jail::host::{Depth, observe};
use remand_plan::enforcement::Enforcement;
use remand_plan::host::CgroupVersion;
use remand_plan::job::Data;
use remand_plan::verdict::Verdict;
use remand_plan::{HostFacts, Protection};
use remand_tests::processes::{self, Process};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial, trial_alone};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("forkserver::runs_at_once_have_what_is_their_own", own),
        trial("forkserver::a_run_finds_nothing_of_its_neighbour", neighbours),
        trial("forkserver::what_joins_runs_keeps_them_apart", one_at_a_time),
        trial_alone("forkserver::a_forkserver_outlives_its_runs_and_they_outlive_it", lives),
    ]
}

/// How long a trial may take in all.
const LONGEST: Duration = Duration::from_secs(300);
/// Names itself after its number, says so, and stays.
const STAYS: &str = "import ctypes, time\nctypes.CDLL(None).prctl(15, b'MARK-%d' % _query)\nprint('here')\nwhile True: time.sleep(1)";

/// Everything that the runs of one forkserver are made from.
struct Made {
    prepared: remand_engine::Prepared,
    server: Forkserver,
    scratch: Scratch,
}

/// A run, with what it printed.
struct One<'a> {
    run: Run<'a>,
    said: Arc<Mutex<Vec<String>>>,
    goes_on: bool,
}

impl Made {
    /// A forkserver that serves. Without a pids controller an ordinary user's processes are counted together, and runs that are counted share no forkserver.
    fn new(sections: &Value, counted: bool) -> Result<Self, End> {
        let host = host_facts();
        let scratch = Scratch::new();
        let mut sections = sections.clone();
        if !counted && !host.privileged && !host.cgroup.pids.available() {
            sections["limits"]["pids"] = json!("unlimited");
        }
        sections["limits"]["wall_time"] = json!("600s");
        let policy = policy_text::write(&scratch, &sections).display().to_string();
        let engine = Engine::from_environment();
        let effective = engine.policy(&policy, &Value::Null).map_err(|refusal| End::Fail(format!("{refusal:?}")))?;
        let prepared = engine.prepare(&effective, Program::Python, &host, &Caller::default()).map_err(|why| End::Fail(why.to_string()))?;
        let mut server = prepared.forkserver(3).map_err(|failure| End::Fail(failure.to_string()))?;
        while !server.advance().map_err(|failure| End::Fail(failure.to_string()))? {
            poll(&mut [PollFd::new(server.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
        }
        Ok(Self { prepared, server, scratch })
    }

    fn start(&self, code: &str, number: u64) -> One<'static> {
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let sink = move |part: Said<'_>, _| {
            if let Said::Output(piece) = part {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(String::from_utf8_lossy(piece.text).into_owned());
            }
        };
        let query = Data::value(&number.to_string(), "query", 100).unwrap();
        let request = Request { code: code.into(), query, ..Request::default() };
        let run = self.prepared.start_of(&self.server, &request, Some(Box::new(sink))).unwrap().unwrap();
        One { run, said, goes_on: true }
    }
}

impl One<'_> {
    fn spoke(&self) -> bool {
        !self.said.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn ended(self) -> Outcome {
        self.run.outcome().0
    }
}

fn host_facts() -> HostFacts {
    observe(Depth::Quick)
}

/// One loop over all of them, until it is enough; whether it came to that.
fn drive(runs: &mut [One<'_>], enough: impl Fn(&[One<'_>]) -> bool) -> bool {
    let begun = Instant::now();
    while !enough(runs) {
        if begun.elapsed() > LONGEST {
            return false;
        }
        let mut fds: Vec<_> = runs.iter().filter(|one| one.goes_on).map(|one| PollFd::new(one.run.as_fd(), PollFlags::POLLIN)).collect();
        poll(&mut fds, PollTimeout::from(1000u16)).unwrap();
        for one in runs.iter_mut().filter(|one| one.goes_on) {
            one.goes_on = one.run.advance(Moment::now());
        }
        if runs.iter().all(|one| !one.goes_on) {
            return enough(runs);
        }
    }
    true
}

/// What the host sees of a process: a namespace, or its cgroups.
fn seen(process: &Process, what: &str) -> String {
    let base = format!("/proc/{}", process.pid);
    if what == "cgroup" { fs::read_to_string(format!("{base}/cgroup")).unwrap() } else { namespace(&base, what) }
}

fn namespace(base: &str, what: &str) -> String {
    fs::read_link(format!("{base}/ns/{what}")).unwrap().display().to_string()
}

fn own() -> Check {
    let made = Made::new(&json!({ "syscalls": { "allow": { "remove": ["@unix_sockets"] } } }), false)?;
    let mark = format!("own-{}", std::process::id());
    let code = STAYS.replace("MARK", &mark);
    let mut runs: Vec<_> = (0..3).map(|number| made.start(&code, number)).collect();
    ensure(drive(&mut runs, |runs| runs.iter().all(One::spoke)), "all three speak while they live", &"")?;
    let found: Vec<_> = (0..3).flat_map(|number| processes::named(&format!("{mark}-{number}"))).collect();
    ensure(found.len() == 3, "one process each", &found)?;
    let different = |what: &str| found.iter().map(|process| seen(process, what)).collect::<BTreeSet<_>>().len();
    let (plan, host) = (made.prepared.plan(), made.prepared.host());
    for what in ["pid", "mnt", "ipc", "cgroup"] {
        let expected = if what == "cgroup" && plan.cgroup.is_none() { 1 } else { 3 };
        ensure(different(what) == expected, &format!("{what}: its own"), &different(what))?;
    }
    ensure(different("user") == 1 && different("net") == 1, "one forkserver, and no socket that could join them", &found)?;
    let uids: BTreeSet<_> = found.iter().map(|process| process.uid).collect();
    ensure(uids.len() == if host.privileged { 3 } else { 1 }, "user ids on the host", &uids)?;
    let too_many = made.start(&code, 3);
    if host.privileged {
        let outcome = too_many.ended();
        ensure(matches!(outcome.verdict, Verdict::NotStarted { .. }), "a fourth where there are three ids", &outcome.verdict)?;
    } else {
        drop(too_many);
    }
    runs.iter_mut().for_each(|one| one.run.cancel());
    ensure(drive(&mut runs, |runs| runs.iter().all(|one| !one.goes_on)), "all end", &"")?;
    let mut told = BTreeSet::new();
    for outcome in runs.into_iter().map(One::ended) {
        ensure(outcome.verdict == Verdict::Cancelled, "cancelled", &outcome.verdict)?;
        told.extend(match outcome.enforcement.get(&Protection::OwnUid) {
            // In a container, whose ids another one may give out too, a substitute.
            Some(Enforcement::By(by) | Enforcement::Substitute { by, .. }) => Some(by.clone()),
            _ => None,
        });
    }
    ensure(told.len() == if host.privileged { 3 } else { 0 }, "each names its own", &told)?;
    ensure((0..3).all(|number| processes::vanishes(&format!("{mark}-{number}"))), "nothing is left", &"")
}

/// Makes what others could find, and looks for it: a message queue, an abstract name, a file in `/tmp`, a process. 0 makes and stays, the others only look.
const LOOKS: &str = r#"
import ctypes, os, socket, time
libc = ctypes.CDLL(None, use_errno=True)
def queue(flags): return ctypes.get_errno() if libc.msgget(KEY, flags) < 0 else 0
if _query == 0:
    queue(0o1666)
    name = socket.socket(socket.AF_UNIX)
    name.bind(b'\0remand-KEY')
    name.listen()
    open('/tmp/note', 'w').close()
def connected():
    try: socket.socket(socket.AF_UNIX).connect(b'\0remand-KEY')
    except OSError as error: return error.errno
    return 0
found = [queue(0), connected(), os.path.exists('/tmp/note'), sorted(p for p in os.listdir('/proc') if p.isdigit())]
print(found)
if _query == 0:
    while True: time.sleep(1)
return found
"#;

fn neighbours() -> Check {
    let lifted = policy_text::lifting(&["msgget", "@sockets", "bind", "listen", "connect"]);
    let made = Made::new(&with_modules(lifted), false)?;
    let code = LOOKS.replace("KEY", &(1_000_000 + std::process::id()).to_string());
    let mut runs = vec![made.start(&code, 0)];
    ensure(drive(&mut runs, |runs| runs[0].spoke()), "the one that makes things speaks", &"")?;
    let itself = runs[0].said.lock().unwrap().concat().trim_end().to_owned();
    let alone = "[0, 0, True, ['2']]";
    ensure(itself == alone, "the control: it finds what it made", &itself)?;
    runs.push(made.start(&code, 1));
    ensure(drive(&mut runs, |runs| !runs[1].goes_on), "the one that looks ends", &"")?;
    let looked = runs.remove(1).ended();
    let nothing = format!("[{},{},false,[\"2\"]]", Errno::ENOENT as i32, Errno::ECONNREFUSED as i32);
    ensure(looked.value.get() == nothing, "no queue, no name, no file, no process of the other", &(looked.value.get(), looked.verdict))?;
    let one = runs.remove(0);
    ensure(one.ended().verdict == Verdict::Cancelled, "the first lived meanwhile", &"")
}

fn with_modules(mut sections: Value) -> Value {
    sections["python"] = json!({ "stdlib_allow": ["*"] });
    sections
}

/// What belongs to a user is one user's: without ids of their own, two runs that reach keyrings, or whose processes are counted by user, share no forkserver.
fn one_at_a_time() -> Check {
    let plan = |sections: &Value| Made::new(sections, true).map(|made| (made.prepared.plan().most_together(false), made.scratch));
    let (keys, _) = plan(&policy_text::lifting(&["keyctl"]))?;
    ensure(keys == 1, "keyrings", &keys)?;
    let host = host_facts();
    let (counted, _) = plan(&json!({}))?;
    let by_user = host.cgroup.version == CgroupVersion::None || !host.cgroup.pids.available();
    ensure((counted == 1) == by_user, "processes, where no cgroup counts them", &counted)
}

fn lives() -> Check {
    let made = Made::new(&json!({}), false)?;
    for number in 0..5 {
        let mut runs = vec![made.start("return _query + 1", number)];
        ensure(drive(&mut runs, |runs| !runs[0].goes_on), "it ends", &number)?;
        let outcome = runs.remove(0).ended();
        ensure(outcome.value.get() == (number + 1).to_string(), "one after the other, each with its answer", &outcome.verdict)?;
    }
    // Given up in every moment of its start.
    for number in 0..5 {
        let one = made.start(STAYS, number);
        drop(one);
    }
    let mut last = vec![made.start("import time\nprint(1)\ntime.sleep(0.5)\nreturn 7", 9)];
    ensure(drive(&mut last, |runs| runs[0].spoke()), "it is made", &"")?;
    let Made { prepared, server, scratch } = made;
    drop(server);
    ensure(drive(&mut last, |runs| !runs[0].goes_on), "it ends", &"")?;
    let outcome = last.remove(0).ended();
    drop((prepared, scratch));
    ensure(outcome.value.get() == "7", "a run goes on without its forkserver", &outcome.verdict)?;
    ensure(children().is_empty(), "no process is left, nor one that nobody waited for", &children())
}

/// Processes that this one is to wait for, dead ones too.
fn children() -> Vec<String> {
    let stats = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let parent = |stat: &String| stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
    stats.filter(|stat| parent(stat) == Some(std::process::id())).collect()
}

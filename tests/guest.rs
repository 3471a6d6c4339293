//! The engine as a guest: called from eight threads at once of a program that has a handler for SIGCHLD, a tokio runtime and children of its own. The trial
//! starts this very program anew, as one that does nothing else ([`be_one`]).
//!
//! Always holds: what the kernel says of the process afterwards is what it said before; no child of its own was waited for by the engine, nor any other's.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use libtest_mimic::Trial;
use nix::sys::prctl::get_child_subreaper;
use remand_engine::{Caller, Engine, Program, Request, Said};
use remand_plan::verdict::Verdict;
use remand_tests::command::until;
use remand_tests::{Check, ensure, trial};
use serde_json::Value;
use tokio::process::Command;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![trial("guest::eight_threads_of_a_program_of_its_own", eight)]
}

/// What this program is told to be [`be_one`].
pub const WORD: &str = "--be-a-guest";
const THREADS: usize = 8;
const RUNS: usize = 3;
/// What of `/proc/self/status` is the process's and not of the moment.
const LASTING: [&str; 14] = [
    "Umask",
    "Uid",
    "Gid",
    "Groups",
    "Threads",
    "SigBlk",
    "SigIgn",
    "SigCgt",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "NoNewPrivs",
    "Seccomp",
];

fn eight() -> Check {
    let ended = std::process::Command::new(std::env::current_exe()?).arg(WORD).output()?;
    ensure(ended.status.success(), "a program with eight threads", &ended)
}

/// The program. Panics where something is wrong.
pub fn be_one() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let engine = Engine::from_environment();
    let over = Arc::new(AtomicBool::new(false));
    answered(&engine, 0); // what is kept for the next run is there now
    runtime.block_on(child()); // and what tokio keeps
    let before = state();
    let children = runtime.spawn(children(Arc::clone(&over)));
    thread::scope(|scope| {
        for number in 0..THREADS {
            let engine = &engine;
            scope.spawn(move || (0..RUNS).for_each(|_| answered(engine, number)));
        }
    });
    over.store(true, Ordering::Relaxed);
    assert!(runtime.block_on(children).unwrap() > 0);
    // A thread that was waited for is still listed for a moment.
    until(|| (state() == before).then_some(()));
    assert_eq!(state(), before);
}

/// A run of Python and one of a program, each with its own answer.
fn answered(engine: &Engine, number: usize) {
    let policy = engine.policy("default", &Value::Null).unwrap();
    let request = Request { code: format!("return [{number}, 6 * 7]").into(), ..Request::default() };
    let outcome = engine.run(&policy, Program::Python, &request, Caller::default()).unwrap();
    assert_eq!((outcome.verdict, outcome.value.get()), (Verdict::Finished, format!("[{number},42]").as_str()));
    let mut said = Vec::new();
    let sink = |part: Said<'_>, _| {
        if let Said::Output(piece) = part {
            said.extend_from_slice(piece.text);
        }
    };
    let argv = ["echo".to_owned(), number.to_string()];
    let caller = Caller { sink: Some(Box::new(sink)), ..Caller::default() };
    let outcome = engine.run(&policy, Program::Command(&argv), &Request::default(), caller).unwrap();
    assert_eq!((outcome.verdict, said), (Verdict::Finished, format!("{number}\n").into_bytes()));
}

/// Children of the program's own, one after the other; how many.
async fn children(over: Arc<AtomicBool>) -> u32 {
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        child().await;
        count += 1;
    }
    count
}

/// One child, whose end is heard of by a handler for SIGCHLD, and whose status nobody else has taken.
async fn child() {
    let mut heard = signal(SignalKind::child()).unwrap();
    let status = Command::new("/bin/sh").args(["-c", "exit 7"]).status().await.unwrap();
    assert_eq!(status.code(), Some(7));
    heard.recv().await.unwrap();
}

/// What the kernel says of this process that a guest has to leave alone.
fn state() -> Vec<String> {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let lasting = status.lines().filter(|line| line.split_once(':').is_some_and(|(name, _)| LASTING.contains(&name)));
    let mut all: Vec<_> = lasting.map(str::to_owned).collect();
    all.push(fs::read_to_string("/proc/self/limits").unwrap());
    all.push(format!("{:?} {:?}", std::env::current_dir().unwrap(), get_child_subreaper().unwrap()));
    all.push(format!("{} descriptors", fs::read_dir("/proc/self/fd").unwrap().count()));
    all
}

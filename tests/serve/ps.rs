//! The runs that a daemon has, as its users look at them and end them: `remand ps`, `logs`, `cancel`, and `--detach`.

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::{Call, Ended, until};
use remand_tests::daemon::Daemon;
use remand_tests::processes::appears;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value as Json, json};

use super::{goes_on, is_ended};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("serve::a_detached_command_is_listed_watched_and_cancelled", watched),
        trial("serve::what_a_detached_command_said_is_there_when_it_is_over", over),
        trial("serve::cancel_ends_those_of_a_label_and_no_outcome_is_lost", labelled),
        trial("serve::what_is_no_run_is_told", wrong),
        trial("serve::why_answers_for_a_run_and_for_a_record", why),
    ]
}

fn at(daemon: &Daemon, words: &[&str]) -> Call {
    let socket = daemon.socket().display().to_string();
    let (command, rest) = words.split_first().expect("a command");
    Call::new(&[&[*command, "--via", &socket], rest].concat())
}

fn said(daemon: &Daemon, words: &[&str]) -> Result<Ended, End> {
    at(daemon, words).end()
}

/// The id of a run that goes on by itself.
fn detached(daemon: &Daemon, words: &[&str]) -> Result<String, End> {
    let ended = said(daemon, &[&[words[0], "--detach"], &words[1..]].concat())?;
    let run = ended.out().trim_end().to_owned();
    ensure(ended.code == Some(0) && !run.is_empty() && ended.err().is_empty(), "its id alone", &ended)?;
    Ok(run)
}

fn listed(daemon: &Daemon, words: &[&str]) -> Result<Vec<Json>, End> {
    let ended = said(daemon, &[&["ps", "--json"], words].concat())?;
    let listed = serde_json::from_str::<Vec<Json>>(&ended.out()).map_err(|error| format!("{error}: {ended:?}"))?;
    Ok(listed)
}

fn watched() -> Check {
    let daemon = Daemon::start(&[])?;
    let name = "rs-watched";
    let run = detached(&daemon, &["python", "-c", &format!("print('begun', flush=True)\n{}", goes_on(name))])?;
    ensure(appears(name).is_some(), "it goes on without its command", &daemon.log())?;
    let table = said(&daemon, &["ps"])?.out();
    let lines: Vec<_> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    let row = lines.iter().find(|line| line.first() == Some(&run.as_str()));
    ensure(lines[0][..2] == ["RUN", "STATE"] && row.is_some_and(|row| row[1] == "running" && row.contains(&"default")), "a row", &table)?;
    let mut watching = at(&daemon, &["logs", &run]).start();
    ensure(until(|| listed(&daemon, &[]).ok().filter(|runs| runs.len() == 1)).is_some(), "one", &daemon.log())?;
    watching.signal(Signal::SIGINT);
    let watched = watching.end()?;
    ensure(watched.code == Some(7) && watched.err().contains("it goes on"), "whoever stops watching is told so", &watched)?;
    ensure(listed(&daemon, &[])?[0]["state"] == "running", "and the run goes on", &daemon.log())?;
    let cancelled = said(&daemon, &["cancel", &run])?;
    ensure(cancelled.code == Some(0) && cancelled.out() == format!("{run}\n"), "cancelled", &cancelled)?;
    is_ended(&daemon, name)?;
    let logs = said(&daemon, &["logs", &run])?;
    ensure(logs.code == Some(7) && logs.out() == "begun\n" && logs.err().contains("cancelled"), "what it said until then", &logs)?;
    ensure(listed(&daemon, &[])?.is_empty(), "it is not listed any more", &daemon.log())?;
    let all = listed(&daemon, &["--all"])?;
    ensure(all[0]["verdict"] == "cancelled" && all[0]["age_ms"].is_u64(), "but as what is over", &all)
}

fn over() -> Check {
    let daemon = Daemon::start(&[])?;
    let value = detached(&daemon, &["run", "-c", "print('a\\x1b[2J')\nreturn _query", "--query", "[1]"])?;
    let logs = said(&daemon, &["logs", &value])?;
    ensure(logs.code == Some(0) && logs.out() == "[1]\n" && logs.err().starts_with('a'), "prints, then the value", &logs)?;
    let record = said(&daemon, &["logs", "--json", &value])?;
    ensure(record.code == Some(0) && record.outcome()?["run"] == value.as_str(), "the record", &record)?;
    let events = said(&daemon, &["logs", "--stream", &value])?.out();
    let kinds: Vec<_> =
        events.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok()).map(|event| event["event"].clone()).collect();
    ensure(kinds == ["start", "print", "outcome"], "its events", &events)?;
    let raised = detached(&daemon, &["run", "-c", "raise ValueError('why')"])?;
    let logs = said(&daemon, &["logs", &raised])?;
    let here = Call::new(&["run", "-c", "raise ValueError('why')"]).end()?;
    let same = logs.code == here.code && logs.out().is_empty() && logs.err() == here.err();
    ensure(same, "told as a run here tells it", &(&logs, &here))?;
    let exited = detached(&daemon, &["python", "-c", "import sys\nprint(sys.argv)\nsys.stderr.write('e')\nsys.exit('bye')", "x"])?;
    let logs = said(&daemon, &["logs", &exited])?;
    ensure(logs.code == Some(3) && logs.out() == "['-c', 'x']\n" && logs.err().starts_with("ebye"), "its streams", &logs)?;
    let many = detached(&daemon, &["python", "-c", "for n in range(30000): print(n, flush=True)"])?;
    let logs = said(&daemon, &["logs", &many])?;
    let whole = logs.out().ends_with("29999\n") && (logs.out().starts_with("0\n") || logs.err().contains("are not kept any more"));
    ensure(logs.code == Some(0) && whole, "what is not kept is named", &(logs.code, logs.out().len(), logs.err()))
}

fn labelled() -> Check {
    let daemon = Daemon::start(&[])?;
    let request = |label: &str, code: &str| json!({ "code": code, "for": label }).to_string();
    let submit = |label: &str, code: &str| {
        let answer = daemon.ask(&["-H", "Prefer: respond-async", "-d", &request(label, code)], "/v1/runs")?;
        Ok::<_, End>(answer.json()["run"].as_str().unwrap_or_default().to_owned())
    };
    let (one, other) = (submit("a", &goes_on("rs-label-a"))?, submit("b", &goes_on("rs-label-b"))?);
    ensure(appears("rs-label-a").is_some() && appears("rs-label-b").is_some(), "both go on", &daemon.log())?;
    ensure(listed(&daemon, &["--for", "a"])?.len() == 1 && listed(&daemon, &[])?.len() == 2, "listed by label", &daemon.log())?;
    let ended = said(&daemon, &["cancel", "--for", "a"])?;
    ensure(ended.code == Some(0) && ended.out() == format!("{one}\n"), "those of the label", &ended)?;
    is_ended(&daemon, "rs-label-a")?;
    let left = listed(&daemon, &[])?;
    ensure(left.len() == 1 && left[0]["run"] == other.as_str(), "the other goes on", &left)?;
    let again = said(&daemon, &["cancel", &one, &other])?;
    ensure(
        again.code == Some(2) && again.err().contains("is over already") && again.out() == format!("{other}\n"),
        "each by itself",
        &again,
    )?;
    ensure(said(&daemon, &["logs", &one])?.code == Some(7), "the outcome of what was over is still there", &daemon.log())
}

fn wrong() -> Check {
    let daemon = Daemon::start(&[])?;
    for words in [["logs", "../../version"], ["cancel", "a b"], ["cancel", ""]] {
        let ended = said(&daemon, &words)?;
        ensure(ended.code == Some(2) && ended.err().contains("is no run"), "refused before it is asked", &ended)?;
    }
    for words in [["logs", "abc"], ["cancel", "abc"]] {
        let ended = said(&daemon, &words)?;
        ensure(ended.code == Some(2) && ended.out().is_empty() && ended.err().contains("unknown"), "in the daemon's words", &ended)?;
    }
    let label = said(&daemon, &["ps", "--for", "a/b"])?;
    ensure(label.code == Some(2) && label.err().contains("--for"), "no label", &label)?;
    let nobody = Call::new(&["ps", "--via", "/nowhere/remand.sock"]).end()?;
    ensure(nobody.code == Some(10) && nobody.err().contains("no daemon answers there"), "no daemon", &nobody)?;
    let alone = Call::new(&["run", "--detach", "-c", "return 1"]).end()?;
    ensure(alone.code == Some(2) && alone.err().contains("--via"), "nothing here lives longer than its command", &alone)
}

fn why() -> Check {
    let daemon = Daemon::start(&[])?;
    let code = "import ctypes\nc = ctypes.CDLL(None)\nc.unshare(0x10000000)\nfor _ in range(2): c.mkdir(b'/tmp/a', 0o700)\nc.syscall(9001)\nwhile True: pass";
    let words = ["-t", "300ms", "-c", code];
    let run = detached(&daemon, &[&["run"], &words[..]].concat())?;
    let told = said(&daemon, &["why", &run])?;
    let text = told.out();
    for part in [
        "exceeded",
        "wall_time 600000us",
        "unshare 0x10000000: denied",
        "decided by",
        "to change it",
        "syscall_9001: no answer",
        "narrowed by its request",
    ] {
        ensure(text.contains(part), part, &told)?;
    }
    ensure(told.code == Some(10), "one has no answer", &told)?;
    let scratch = Scratch::new();
    let record = scratch.path().join("record.json").display().to_string();
    Call::new(&["run", "--outcome", &record, "-c", "import ctypes\nctypes.CDLL(None).unshare(0x10000000)"]).end()?;
    let told = Call::new(&["why", "--json", &record]).end()?;
    let answers: Json = serde_json::from_str(&told.out()).map_err(|error| format!("{error}: {told:?}"))?;
    let first = &answers["answers"][0];
    ensure(
        told.code == Some(0) && answers["same_policy"] == true && first["allowed"] == false && first["count"] == 1,
        "of a record",
        &answers,
    )?;
    let clean = Call::new(&["run", "--json", "-c", "return 1"]).end()?;
    let told = Call::new(&["why", "-"]).input(&clean.stdout).end()?;
    ensure(told.code == Some(0) && told.out().contains("nothing was denied"), "nothing to ask", &told)?;
    let other = Call::new(&["why", "-"]).input(b"{\"run\": 1}").end()?;
    ensure(other.code == Some(2) && other.err().contains("is no record of a run"), "no record", &other)?;
    let elsewhere = String::from_utf8_lossy(&clean.stdout).replace("\"name\":\"default\"", "\"name\":\"none-such\"");
    let told = Call::new(&["why", "-"]).input(elsewhere.as_bytes()).end()?;
    ensure(told.code == Some(2) && told.err().contains("--policy"), "a policy that is not here", &told)?;
    let told = Call::new(&["why", "--policy", "default", "-"]).input(elsewhere.as_bytes()).end()?;
    ensure(told.code == Some(0), "another is asked", &told)
}

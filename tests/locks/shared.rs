//! Locks on writable mounts of the host: the run and whoever else opens the files meet each other's, and none outlives its owner.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use libtest_mimic::Trial;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};
use nix::libc;
use remand_tests::command::{Call, Started, until};
use remand_tests::observe::Seen::Value;
use remand_tests::observe::compare;
use remand_tests::plain::{self, Apart};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, probe, trial};
use serde_json::{Value as Json, json};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("locks::shared::named [9.7]", named),
        trial("locks::shared::others_are_met [9.7]", others_are_met),
        trial("locks::shared::met_by_others [9.7]", met_by_others),
        trial("locks::shared::waited_for [9.7]", waited_for),
        trial("locks::shared::end_with_their_owner [9.7]", end_with_their_owner),
        trial("locks::shared::answered_as_the_kernel_does [9.7]", as_the_kernel),
        trial("locks::shared::sqlite_in_two_processes [9.7]", sqlite_in_two_processes),
        trial("locks::shared::sqlite_beside_another [9.7]", || ["delete", "wal"].into_iter().try_for_each(sqlite_beside_another)),
    ]
}

const KINDS: [&str; 3] = ["record", "description", "whole"];

/// A directory of the host that a run writes to.
struct Place {
    policy: Scratch,
    shared: Scratch,
}

impl Place {
    fn new() -> Result<Self, End> {
        let (policy, shared) = (Scratch::new(), Scratch::new());
        // Root's run has a user of its own, where mounts cannot map ids.
        std::fs::set_permissions(shared.path(), PermissionsExt::from_mode(0o777))?;
        Ok(Self { policy, shared })
    }

    fn start(&self, code: &str, query: &Json) -> Started {
        let mount = json!({ "source": self.shared.path(), "target": "/srv/out", "writable": true, "reason": "a test of locks" });
        let policy = policy_text::write(&self.policy, &json!({ "limits": { "wall_time": "60s" }, "filesystem": { "mounts": [mount] } }))
            .display()
            .to_string();
        Call::run(code, &["--policy", &policy, "--query", &query.to_string()].map(str::to_owned)).start()
    }

    fn does(&self, what: &str) -> Started {
        self.start(&probe!("shared_files").code(), &json!({ "in": "/srv/out", "do": what }))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.shared.path().join(name)
    }

    fn open(&self, name: &str) -> std::io::Result<File> {
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(self.path(name))?;
        // Whoever made it: the run opens it too.
        let _ = file.set_permissions(PermissionsExt::from_mode(0o666));
        Ok(file)
    }

    fn say(&self, word: &str) -> Check {
        self.open(word).map(drop).map_err(End::from)
    }

    /// Waits for a run's word.
    fn hear(&self, word: &str) -> Check {
        ensure(until(|| self.path(word).exists().then_some(())).is_some(), "the run gets on", &word)
    }

    /// Whether nobody has a lock of a kind on a file.
    fn is_free(&self, name: &str, kind: &str) -> Result<bool, End> {
        let file = self.open(name)?;
        let taken = if kind == "whole" { whole(file).map(drop) } else { record(&file, libc::F_WRLCK, 0, 0) };
        match taken {
            Err(errno) if errno != Errno::EAGAIN => Err(End::Fail(format!("{name}: {errno}"))),
            taken => Ok(taken.is_ok()),
        }
    }
}

fn of(kind: i32, first: i64, length: i64) -> libc::flock {
    libc::flock { l_type: i16::try_from(kind).unwrap(), l_whence: 0, l_start: first, l_len: length, l_pid: 0 }
}

fn record(file: &File, kind: i32, first: i64, length: i64) -> Result<(), Errno> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&of(kind, first, length))).map(drop)
}

fn whole(file: File) -> Result<Flock<File>, Errno> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno)
}

fn errno(errno: Errno) -> End {
    End::Fail(format!("a lock of the test: {errno}"))
}

/// The run's own files and the devices have locks that only the run sees; the outcome says which are which.
fn named() -> Check {
    let place = Place::new()?;
    let outcome = place.start(&probe!("locks_beside_the_host").code(), &Json::Null).end()?.outcome()?;
    compare(&outcome, &[Value(r#"{"shared":["ok","ok"],"own":["ok","ok"],"device":["ok","ok"]}"#)])?;
    let said = outcome["enforcement"]["file_locks"]["by"].as_str().unwrap_or_default();
    ensure(said.contains("is the kernel's too"), "the outcome names whose locks these are", &said)
}

/// A run is told of them, without a process id of the host's.
fn others_are_met() -> Check {
    let place = Place::new()?;
    let (held, by_process) = (place.open("record")?, place.open("description")?);
    record(&held, libc::F_WRLCK, 3, 3).map_err(errno)?;
    fcntl(&by_process, FcntlArg::F_SETLK(&of(libc::F_RDLCK, 7, 0))).map_err(errno)?;
    let flocked = whole(place.open("whole")?).map_err(errno)?;
    let met = json!({ "record": "EAGAIN", "description": "EAGAIN", "whole": "EAGAIN" });
    let outcome = place.does("meet").end()?.outcome()?;
    ensure(outcome["value"] == json!([met, [1, 0, 3, 3, -1], [0, 0, 7, 0, 0], [0, 0, 7, 0, 0]]), "they are met", &outcome)?;
    record(&held, libc::F_UNLCK, 0, 0).map_err(errno)?;
    fcntl(&by_process, FcntlArg::F_SETLK(&of(libc::F_UNLCK, 0, 0))).map_err(errno)?;
    flocked.unlock().map_err(|(_, error)| errno(error))?;
    let outcome = place.does("meet").end()?.outcome()?;
    let taken = json!({ "record": "ok", "description": "ok", "whole": "ok" });
    // By then its own are there: its process's, which does not meet itself, and a description's.
    let own = json!([taken, [2, 0, 0, 0, 0], [1, 0, 0, 0, -1], [1, 0, 0, 0, -1]]);
    ensure(outcome["value"] == own, "without them it gets everything", &outcome)
}

/// Byte by byte, through whichever descriptor a process locked them; and all are free when the answer is there.
fn met_by_others() -> Check {
    let place = Place::new()?;
    let run = place.does("hold");
    place.hear("held")?;
    let free = |kind, first| -> Result<bool, End> {
        let file = place.open("record")?;
        Ok(record(&file, kind, first, 1).is_ok())
    };
    let seen = [free(libc::F_RDLCK, 0)?, free(libc::F_RDLCK, 2)?, free(libc::F_WRLCK, 2)?, free(libc::F_WRLCK, 10)?];
    let others = [place.is_free("description", "description")?, place.is_free("whole", "whole")?];
    place.say("go")?;
    place.hear("moved")?;
    let moved = [free(libc::F_WRLCK, 0)?, free(libc::F_WRLCK, 1)?, free(libc::F_WRLCK, 19)?, free(libc::F_WRLCK, 20)?];
    place.say("end")?;
    let outcome = run.end()?.outcome()?;
    compare(&outcome, &[Value(r#"["ok","EBADF","ok","ok","EAGAIN"]"#)])?;
    ensure(seen == [false, true, false, true] && others == [false; 2], "locks of a run are met", &(seen, others))?;
    ensure(moved == [true, false, true, false], "what it gives back is free", &moved)?;
    let after = KINDS.map(|kind| place.is_free(kind, kind).is_ok_and(|free| free));
    ensure(after == [true; 3], "none is left when the answer is there", &after)
}

fn waited_for() -> Check {
    let place = Place::new()?;
    let (one, other) = (place.open("record")?, place.open("description")?);
    record(&one, libc::F_WRLCK, 0, 0).map_err(errno)?;
    record(&other, libc::F_RDLCK, 5, 1).map_err(errno)?;
    let flocked = whole(place.open("whole")?).map_err(errno)?;
    let run = place.does("wait");
    let mut early = Vec::new();
    for kind in KINDS {
        place.hear(&format!("waits-{kind}"))?;
        early.push(place.path(&format!("got-{kind}")).exists());
        match kind {
            "record" => record(&one, libc::F_UNLCK, 0, 0).map_err(errno)?,
            "description" => record(&other, libc::F_UNLCK, 0, 0).map_err(errno)?,
            _ => (),
        }
        if kind != "whole" {
            place.hear(&format!("got-{kind}"))?;
        }
    }
    flocked.unlock().map_err(|(_, error)| errno(error))?;
    place.hear("got-whole")?;
    let free = KINDS.map(|kind| place.is_free(kind, kind).is_ok_and(|free| free));
    place.say("end")?;
    compare(&run.end()?.outcome()?, &[Value("\"got\"")])?;
    ensure(early == [false; 3] && free == [false; 3], "given when it was free, and then the run's", &(early, free))
}

/// Nobody in the run asks; somebody outside gets them while the run goes on.
fn end_with_their_owner() -> Check {
    let place = Place::new()?;
    let run = place.does("leave");
    place.hear("forked")?;
    let names = |way: &str| KINDS.map(|kind| (format!("{way}-{kind}"), kind));
    let left: Vec<(String, &str)> = ["dies", "killed", "closes"].into_iter().flat_map(names).collect();
    left.iter().try_for_each(|(name, _)| place.hear(&format!("took-{name}")))?;
    let free = |name: &str, kind| place.is_free(name, kind).is_ok_and(|free| free);
    let before: Vec<&String> = left.iter().filter(|(name, kind)| free(name, kind)).map(|(name, _)| name).collect();
    place.say("leave")?;
    let gone = until(|| left.iter().all(|(name, kind)| free(name, kind)).then_some(()));
    // A fork inherits no record, and has the descriptions with all that is theirs.
    let record = until(|| free("forked-record", "record").then_some(()));
    let forked = [free("forked-description", "description"), free("forked-whole", "whole")];
    place.say("end")?;
    compare(&run.end()?.outcome()?, &[Value("\"left\"")])?;
    ensure(before.is_empty(), "they were held", &before)?;
    ensure(gone.is_some() && record.is_some(), "none outlives its owner", &left)?;
    ensure(forked == [false; 2], "those of a description go with its last descriptor", &forked)
}

fn as_the_kernel() -> Check {
    let probes = (0..3).map(|seed| (probe!("lock_calls"), json!(seed))).chain([(probe!("lock_waits"), Json::Null)]);
    for (probe, query) in probes {
        let place = Place::new()?;
        let outcome = place.start(&format!("import os\nos.chdir('/srv/out')\n{}", probe.code()), &query).end()?.outcome()?;
        let there = plain::value(&probe, &query, Apart::Nothing)?;
        ensure(outcome["value"] == there, &format!("{query}: a run is answered as a plain program is"), &(&outcome, &there))?;
    }
    Ok(())
}

fn sqlite_in_two_processes() -> Check {
    let place = Place::new()?;
    let code = format!("import os\nos.chdir('/srv/out')\n{}", probe!("sqlite_two_processes").code());
    let outcome = place.start(&code, &Json::Null).end()?.outcome()?;
    compare(&outcome, &[Value(r#"{"delete":[[0,0],20,"ok"],"wal":[[0,0],20,"ok"]}"#)]).map_err(End::Fail)
}

/// A database that one side holds is locked for the other, and free afterwards; each way round.
fn sqlite_beside_another(journal: &str) -> Check {
    let probe = probe!("sqlite_beside");
    for run_holds in [true, false] {
        let place = Place::new()?;
        place.open("base.db")?; // empty, and for both: what SQLite makes itself is its maker's alone
        let query = |inside: bool, what: &str| {
            let at = if inside { json!("/srv/out") } else { json!(place.shared.path()) };
            json!({ "in": at, "do": what, "journal": journal })
        };
        let begin = |inside: bool, what: &str| match inside {
            true => place.start(&probe.code(), &query(true, what)),
            false => plain::call(&probe.code(), &query(false, what), Apart::Nothing).start(),
        };
        let value = |inside: bool, started: Started| -> Result<Json, End> {
            let ended = started.end()?;
            let plain = || serde_json::from_str(ended.out().lines().last().unwrap_or_default()).unwrap_or(json!(ended.err()));
            Ok(if inside { ended.outcome()?["value"].clone() } else { plain() })
        };
        let holder = begin(run_holds, "hold");
        place.hear("held")?;
        let met = value(!run_holds, begin(!run_holds, "ask"))?;
        place.say("go")?;
        let whole = value(run_holds, holder)?;
        let after = value(!run_holds, begin(!run_holds, "ask"))?;
        let seen = [&met, &whole, &after];
        let expected = [&json!("database is locked"), &json!("ok"), &json!("ok")];
        ensure(seen == expected, &format!("{journal}, held by the {}", if run_holds { "run" } else { "other" }), &seen)?;
    }
    Ok(())
}

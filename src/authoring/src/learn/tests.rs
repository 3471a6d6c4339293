#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use remand_plan::files::FileId;
use remand_plan::frames::ErrorFrame;
use remand_plan::frames::{Denied, PythonList};
use remand_plan::interpreter::{Interpreter, Tree};
use remand_plan::limit::{LimitKind, Unit};
use remand_plan::outcome::{Answered, Captured, CpuMs, Milliseconds, PolicyRef, Usage, Violation};
use remand_plan::plan::Program;
use remand_plan::resolve;
use remand_plan::verdict::{Level, Verdict};
use remand_policy::ceiling::exceeding;
use remand_policy::load::{Chain, parse};
use remand_policy::narrow::{Direction, compare};
use remand_policy::source::Source;
use remand_syscalls::*;
use serde_json::json;
use serde_json::value::RawValue;

use super::*;
use crate::fixtures::full;

const MOST: HostSize = HostSize { memory: 4 << 30, open_files: 4096 };
const STRICT: &str = "{\n  \"version\": 1,\n  \"extends\": \"strict\" // mine\n}\n";

fn source(text: &str) -> Source {
    Source { file: "my.jsonc".into(), text: text.as_bytes().to_vec().into() }
}

fn policy(text: &str) -> Policy {
    parse(&Chain::shipped(&source(text)), "my").unwrap()
}

fn learner(text: &str, ceiling: Option<&str>, try_dangerous: bool) -> Learner {
    let ceilings = ceiling.map(policy).into_iter().collect();
    Learner::new(Start { chain: Chain::shipped(&source(text)), name: "my".into(), ceilings, host: MOST, try_dangerous }).unwrap()
}

fn outcome(verdict: Verdict) -> Outcome {
    Outcome::bare(PolicyRef { name: "my".into(), hash: String::new() }, verdict)
}

fn raised(kind: &str, message: &str) -> Outcome {
    let error = ErrorFrame { kind: kind.into(), message: message.into(), ..ErrorFrame::default() };
    Outcome { error: Some(error), ..outcome(Verdict::Raised) }
}

fn exceeded(limit: LimitKind, allowed: u64, unit: Unit) -> Outcome {
    outcome(Verdict::Exceeded { limit, allowed, seen: allowed + 1, unit, source: "a counter".into(), level: Level::Run })
}

fn finished(memory: u64) -> Outcome {
    spent(memory, 3000)
}

fn spent(memory: u64, wall: u64) -> Outcome {
    let ms = |n: u64| Milliseconds(n * 1000);
    let usage = Usage { wall_ms: ms(wall), cpu_ms: CpuMs { user: ms(200), system: ms(50) }, memory_peak: Some(memory), pids_peak: Some(1) };
    Outcome { usage, ..outcome(Verdict::Finished) }
}

/// As the supervisor records denials.
fn denied(learner: &Learner, mut outcome: Outcome, calls: &[(&str, [u64; 6])]) -> Outcome {
    let trial = learner.policy().unwrap();
    let violation = |(call, args): &(&str, [u64; 6])| Violation {
        syscall: (*call).into(),
        args: *args,
        count: 1,
        answered: Answered::Eperm,
        remedy: number(Arch::X86_64, call)
            .map_or(Remedy::None(NoRemedy::Unknown(0)), |nr| remedy(&trial.syscalls.rules, Arch::X86_64, nr, &args.map(Some))),
    };
    outcome.violations = calls.iter().map(violation).collect();
    outcome
}

fn learn(learner: &mut Learner, input: &str, number: u32, outcome: &Outcome, files: &[File]) -> bool {
    let trial = learner.policy().unwrap();
    let tree = Tree {
        binds: [("/usr/lib/python3".into(), FileId::default())].into(),
        links: vec![("/lib".into(), "usr/lib".into())],
        hidden: Vec::new(),
    };
    let python = Interpreter {
        executable: "/usr/bin/python3".into(),
        version: (3, 11, 0),
        prefix: "/usr".into(),
        core: tree,
        site: Tree::default(),
        site_paths: Vec::new(),
        beside: Vec::new(),
        left_out: Vec::new(),
        standard_path: Vec::new(),
        builtin: Vec::new(),
        suffixes: Vec::new(),
        executor: Vec::new(),
    };
    let plan = resolve(&trial, &Program::Python(&python), &full(), &remand_plan::files::Unseen).unwrap();
    learner
        .learn(&Run {
            input,
            number,
            arch: Arch::X86_64,
            policy: &trial,
            plan: &plan,
            outcome,
            files,
            done: outcome.verdict == Verdict::Finished && failure(outcome).is_none(),
        })
        .unwrap()
}

fn standings(learner: &Learner) -> Vec<(String, &Standing)> {
    learner.lines().iter().map(|line| (line.change.value().to_string(), &line.standing)).collect()
}

fn file(path: &str) -> File {
    let (path, real, call) = (path.to_owned(), path.to_owned(), "openat".to_owned());
    File { path, real, call, writes: false, lists: false, executes: false, directory: false, everybody: true, beside: true }
}

fn directory(path: &str) -> File {
    File { directory: true, ..file(path) }
}

#[test]
fn a_whole_proposal() {
    let mut learner = learner(STRICT, None, false);
    let clone = ("clone", [0x3d_0f00, 1, 2, 3, 4, 5]);
    let first = denied(&learner, raised("PermissionError", "no"), &[clone, ("socket", [2, 0x8_0001, 0, 0, 0, 0]), ("keyctl", [0; 6])]);
    assert!(learn(&mut learner, "a.json", 1, &first, &[file("/srv/data/words.txt"), file("/etc/shadow")]));
    assert!(learn(&mut learner, "a.json", 2, &exceeded(LimitKind::Memory, 64 << 20, Unit::Bytes), &[]));
    assert!(!learn(&mut learner, "a.json", 3, &spent(80 << 20, 1000), &[]));
    learner.settle(false).unwrap();
    let ran = [Ran { input: "a.json".into(), runs: 3, learned: "finished".into(), proposed: "finished".into() }];
    let text = learner.text().unwrap();
    assert_eq!(
        unified("my.jsonc", learner.before(), &text),
        r#"--- my.jsonc
+++ my.jsonc (proposed)
@@ -1,4 +1,7 @@
 {
   "version": 1,
-  "extends": "strict" // mine
+  "extends": "strict", // mine
+  "syscalls": { "allow": { "add": ["@threads"] } },
+  "filesystem": { "mounts": { "add": [{ "source": "/srv/data/words.txt" }] } },
+  "limits": { "memory": "120MiB" }
 }
"#
    );
    assert_eq!(
        describe(learner.lines(), &ran),
        r#"proposed
  syscalls.allow: add "@threads"
      risk: harmless: start threads (the fork side of clone is in @exec)
      run 1 of a.json: clone(0x3d0f00, 0x1, 0x2, 0x3, 0x4) was denied
  filesystem.mounts: add {"source":"/srv/data/words.txt"}
      risk: shows /srv/data/words.txt of the host, read-only
      run 1 of a.json: openat("/srv/data/words.txt") found nothing
  limits.memory: "64MiB" becomes "120MiB"
      risk: each run may hold so much of the host's memory
      run 2 of a.json: limits.memory ended it: 67108865 of 67108864 bytes (a counter)
asked for, not proposed by default: dangerous
  syscalls.allow: add {"call":"socket","when":[{"arg":0,"equals":2}],"reason":"learned: the job makes this call; write here why it may"}
      risk: dangerous: sends to whatever the run's network namespace reaches, and opens the kernel's socket code to attack
      run 1 of a.json: socket(0x2, 0x80001, 0x0) was denied
refused
  syscalls.allow: add "keyctl"
      because: syscalls.kill names "@keys", and learning does not undo what was denied by name
      risk: dangerous: keyrings belong to a user, not to a namespace
      run 1 of a.json: keyctl(0x0, 0x0, 0x0, 0x0, 0x0) was denied
  network.mode: "none" becomes "host"
      because: the network is granted by hand: write "network": {"mode": "host", "reason": "..."} ("loopback" if the run talks to itself alone) beside the grant of the sockets
      risk: dangerous: the run reaches every address that the host reaches, services on its loopback included
      run 1 of a.json: a socket of the internet was denied
  filesystem.mounts: add {"source":"/etc/shadow"}
      because: /etc/shadow is never shown: passwords
      risk: shows /etc/shadow of the host, read-only
      run 1 of a.json: openat("/etc/shadow") found nothing
inputs
  a.json: 3 runs, the last one finished; under the proposal: finished
"#
    );
}

#[test]
fn dangerous_calls_are_tried_only_where_that_was_asked_for() {
    let calls = [("socket", [2, 1, 0, 0, 0, 0]), ("fcntl", [0, 1024, 0, 0, 0, 0])];
    for tried in [false, true] {
        let mut learner = learner("{\"version\": 1, \"extends\": \"default\"}", None, tried);
        let run = denied(&learner, raised("PermissionError", "no"), &calls);
        assert_eq!(learn(&mut learner, "a", 1, &run, &[]), tried);
        let expected = if tried { Standing::Proposed } else { Standing::Dangerous };
        assert!(standings(&learner).iter().filter(|(value, _)| value != "\"host\"").all(|(_, standing)| **standing == expected));
        assert!(matches!(standings(&learner)[2], (_, Standing::Refused { .. })), "the network is told, and never proposed");
        assert_eq!(compare(learner.base(), &learner.policy().unwrap()).is_empty(), !tried);
    }
}

#[test]
fn what_a_run_finished_without_is_not_needed_until_another_needs_it() {
    let mut learner = learner(STRICT, None, false);
    let clone = [("clone", [0x3d_0f00, 0, 0, 0, 0, 0])];
    let run = denied(&learner, finished(1 << 20), &clone);
    assert!(!learn(&mut learner, "a", 1, &run, &[]));
    assert_eq!(standings(&learner), [("\"@threads\"".to_owned(), &Standing::Unneeded)]);
    let run = denied(&learner, raised("RuntimeError", "can't start new thread"), &clone);
    assert!(learn(&mut learner, "b", 1, &run, &[]));
    assert_eq!(standings(&learner), [("\"@threads\"".to_owned(), &Standing::Proposed)]);
    assert_eq!(learner.doubtful(), [0]);
    learner.set_needed(0, false);
    assert_eq!(learner.text().unwrap(), STRICT);
}

#[test]
fn nothing_goes_beyond_the_ceiling() {
    let ceiling = "{\"version\": 1, \"extends\": \"strict\", \"limits\": {\"memory\": \"100MiB\"}}";
    let mut learner = learner(STRICT, Some(ceiling), true);
    let calls = [("clone", [0x3d_0f00, 0, 0, 0, 0, 0]), ("socket", [2, 1, 0, 0, 0, 0])];
    let run = denied(&learner, raised("PermissionError", "no"), &calls);
    assert!(!learn(&mut learner, "a", 1, &run, &[file("/srv/data/words.txt")]));
    assert!(learn(&mut learner, "a", 2, &exceeded(LimitKind::Memory, 64 << 20, Unit::Bytes), &[]), "as far as it goes");
    assert!(!learn(&mut learner, "a", 3, &exceeded(LimitKind::Memory, 100 << 20, Unit::Bytes), &[]));
    assert!(!learn(&mut learner, "a", 4, &exceeded(LimitKind::WallTime, 2_000_000, Unit::Us), &[]));
    let beyond = |most: &str| Standing::Beyond { most: most.into() };
    let (clone, socket, mount, memory, wall) =
        (beyond("no clone"), beyond("no socket"), beyond("no mount"), beyond("\"100MiB\""), beyond("\"2s\""));
    let told: Vec<_> = learner
        .lines()
        .iter()
        .filter(|line| line.change.field() != "network.mode")
        .map(|line| (line.change.field(), line.change.value()["call"].as_str(), &line.standing))
        .collect();
    assert_eq!(
        told,
        [
            ("syscalls.allow", None, &clone),
            ("syscalls.allow", Some("socket"), &socket),
            ("filesystem.mounts", None, &mount),
            ("limits.memory", None, &Standing::Proposed),
            ("limits.memory", None, &memory),
            ("limits.wall_time", None, &wall),
        ]
    );
    learner.settle(false).unwrap();
    assert_eq!(learner.policy().unwrap().limits.memory.to_string(), "100MiB");
}

#[test]
fn limits_rise_in_steps_and_end_at_what_was_measured() {
    let mut learner = learner(STRICT, None, false);
    assert!(learn(&mut learner, "a", 1, &exceeded(LimitKind::WallTime, 2_000_000, Unit::Us), &[]));
    assert_eq!(learner.policy().unwrap().limits.wall_time.to_string(), "8s");
    assert!(learn(&mut learner, "a", 2, &exceeded(LimitKind::FileSize, 1 << 20, Unit::Bytes), &[]));
    assert_eq!(learner.policy().unwrap().limits.file_size.to_string(), "2MiB", "nothing measures it");
    assert!(learn(&mut learner, "a", 3, &raised("OSError", "[Errno 24] Too many open files"), &[]));
    assert!(learn(&mut learner, "a", 4, &exceeded(LimitKind::ResultShape, 64, Unit::Levels), &[]));
    assert!(!learn(&mut learner, "a", 5, &finished(20 << 20), &[]));
    learner.settle(false).unwrap();
    let limits = learner.policy().unwrap().limits;
    let told = (limits.wall_time.to_string(), limits.file_size.to_string(), limits.open_files, limits.result_depth);
    assert_eq!(told, ("4500ms".into(), "2MiB".into(), 64, 128));
    learner.settle(true).unwrap();
    let limits = learner.policy().unwrap().limits;
    // Never below what a bare interpreter starts with.
    assert_eq!((limits.memory.to_string().as_str(), limits.pids.to_string().as_str()), ("64MiB", "2"));
}

#[test]
fn limits_have_an_end() {
    let text = "{\"version\": 1, \"extends\": \"strict\", \"limits\": {\"memory\": \"3GiB\", \"wall_time\": \"9min\"}}";
    let mut learner = learner(text, None, false);
    assert!(!learn(&mut learner, "a", 1, &exceeded(LimitKind::Memory, 3 << 30, Unit::Bytes), &[]), "the host has 4 GiB");
    assert!(
        matches!(&learner.lines()[0].standing, Standing::Refused { because } if because == "learning raises it to 2GiB at most on this machine")
    );
    assert!(learn(&mut learner, "a", 2, &exceeded(LimitKind::WallTime, 540_000_000, Unit::Us), &[]));
    assert_eq!(learner.policy().unwrap().limits.wall_time.to_string(), "10min");
    assert!(!learn(&mut learner, "a", 3, &exceeded(LimitKind::WallTime, 600_000_000, Unit::Us), &[]));
}

#[test]
fn a_larger_tmp_brings_the_memory_that_it_counts_in() {
    let mut learner = learner("{\"version\": 1, \"extends\": \"strict\", \"filesystem\": {\"tmp\": {\"size\": \"40MiB\"}}}", None, false);
    assert!(learn(&mut learner, "a", 1, &exceeded(LimitKind::TmpSize, 40 << 20, Unit::Bytes), &[]));
    let policy = learner.policy().unwrap();
    assert_eq!((policy.filesystem.tmp.size.to_string(), policy.limits.memory.to_string()), ("80MiB".into(), "160MiB".into()));
}

#[test]
fn refused_imports_by_the_executors_own_account() {
    let text = "{\"version\": 1, \"extends\": \"default\", \"python\": {\"stdlib_allow\": [\"json\"]}}";
    let mut learner = learner(text, None, false);
    let import = |name: &str, list| {
        let outcome = raised("ImportError", "in words that nobody reads");
        let error = outcome.error.map(|error| ErrorFrame { denied: Some(Denied { list, name: name.into() }), ..error });
        Outcome { error, ..outcome }
    };
    assert!(learn(&mut learner, "a", 1, &import("re", PythonList::StdlibAllow), &[]));
    assert!(learn(&mut learner, "a", 2, &import("numpy", PythonList::ExternalAllow), &[]));
    for forged in [
        import("json", PythonList::StdlibAllow),
        import("a\", \"*", PythonList::StdlibAllow),
        import("*", PythonList::StdlibAllow),
        import("", PythonList::StdlibAllow),
        import("re", PythonList::BuiltinsDeny),
        raised("ImportError", "import of standard library module 'm' is not allowed by python.stdlib_allow of the policy"),
    ] {
        assert!(!learn(&mut learner, "a", 3, &forged, &[]), "{forged:?}");
    }
    let python = learner.policy().unwrap().python;
    assert_eq!((python.stdlib_allow, python.external_allow), (vec!["json".to_owned(), "re".into()], vec!["numpy".to_owned()]));
}

#[test]
fn mounts_are_the_smallest_and_never_secret() {
    let fails = raised("FileNotFoundError", "no");
    let added = |files: &[File]| {
        let mut learner = learner(STRICT, None, true);
        learn(&mut learner, "a", 1, &fails, files);
        let mounts = learner.policy().unwrap().filesystem.mounts;
        mounts
            .iter()
            .map(|mount| {
                format!(
                    "{}{}{}",
                    mount.source,
                    if mount.source == mount.target { "" } else { " at " },
                    if mount.source == mount.target { "" } else { &mount.target }
                ) + if mount.exec { " exec" } else { "" }
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(added(&[file("/srv/a/one"), file("/srv/a/two")]), ["/srv/a/one", "/srv/a/two"]);
    assert_eq!(added(&[file("/srv/a/one"), file("/srv/a/two"), file("/srv/a/three"), file("/srv/b/x")]), ["/srv/b/x", "/srv/a"]);
    let closed = |name: &str| File { beside: false, ..file(name) };
    assert_eq!(added(&[closed("/srv/a/one"), closed("/srv/a/two"), closed("/srv/a/three")]).len(), 3, "not everybody may list it");
    assert_eq!(added(&["/etc/a", "/etc/b", "/etc/c"].map(file)).len(), 3, "never /etc whole");
    assert_eq!(added(&[directory("/srv"), directory("/srv/a"), file("/srv/a/one")]), ["/srv/a/one"], "what is on the way is there then");
    assert_eq!(added(&[directory("/srv/a")]), ["/srv/a"]);
    assert_eq!(added(&[file("/srv/a/one"), File { lists: true, ..directory("/srv/a") }]), ["/srv/a"], "a listing wants all of it");
    assert_eq!(added(&[File { real: "/srv/real".into(), ..file("/srv/link") }]), ["/srv/real at /srv/link"]);
    assert_eq!(added(&[File { real: "/srv/real".into(), ..file("/srv/x/../real") }]), ["/srv/real"]);
    assert_eq!(added(&[File { executes: true, ..file("/opt/tool") }, file("/opt/lib/x.so.1")]), ["/opt/tool exec", "/opt/lib/x.so.1 exec"]);
    for refused in [
        directory("/home/me"),
        directory("/opt"),
        directory("/usr/lib"),
        file("/etc/shadow"),
        file("/home/me/.ssh/config"),
        file("/srv/server.key"),
        file("/dev/tty"),
        file("/run/docker.sock"),
        File { real: "/etc/gshadow".into(), ..file("/srv/innocent") },
        File { writes: true, ..file("/srv/a/one") },
        File { everybody: false, ..file("/srv/a/one") },
    ] {
        assert_eq!(added(std::slice::from_ref(&refused)), [""; 0], "{refused:?}");
    }
    for there in ["/usr/lib/python3/os.py", "/lib/python3/os.py", "/etc/passwd", "/etc", "/tmp/x", "/dev/null", "/etc/ld.so.cache"] {
        let mut learner = learner(STRICT, None, false);
        learn(&mut learner, "a", 1, &fails, &[file(there)]);
        assert_eq!(learner.lines(), [], "{there}");
    }
}

#[test]
fn a_program_on_a_mount_that_executes_nothing_is_mounted_to_be_executed() {
    let program = |path: &str| File { executes: true, ..file(path) };
    let fails = raised("PermissionError", "no");
    let mounts = |learner: &Learner| {
        let shown = learner.policy().unwrap().filesystem.mounts.into_iter();
        shown.map(|mount| format!("{} at {} {} {}", mount.source, mount.target, mount.exec, mount.optional)).collect::<Vec<_>>()
    };
    let mut found = learner(STRICT, None, false);
    assert!(learn(&mut found, "a", 1, &fails, &[file("/opt/tool")]), "as a shell looks for it");
    assert_eq!(mounts(&found), ["/opt/tool at /opt/tool false false"]);
    assert!(learn(&mut found, "a", 2, &fails, &[program("/opt/tool")]));
    assert_eq!((mounts(&found), found.lines().len()), (vec!["/opt/tool at /opt/tool true false".to_owned()], 1));
    assert!(!learn(&mut found, "a", 3, &fails, &[program("/opt/tool")]), "nothing more");
    let base = |mount: &str| format!("{{\"version\": 1, \"extends\": \"strict\", \"filesystem\": {{\"mounts\": [{mount}]}}}}");
    for (mount, program, expected) in [
        ("{\"source\": \"/opt\"}", program("/opt/bin/tool"), vec!["/opt at /opt false false", "/opt/bin/tool at /opt/bin/tool true false"]),
        (
            "{\"source\": \"/opt\", \"target\": \"/x\"}",
            File { real: "/opt/a".into(), ..program("/x/b") },
            vec!["/opt at /x false false", "/opt/a at /x/a true false"],
        ),
        ("{\"source\": \"/opt/tool\", \"optional\": true}", program("/opt/tool"), vec!["/opt/tool at /opt/tool true true"]),
        ("{\"source\": \"/opt/tool\", \"exec\": true}", program("/opt/tool"), vec!["/opt/tool at /opt/tool true false"]),
        ("{\"source\": \"/opt\", \"writable\": true, \"reason\": \"x\"}", program("/opt/tool"), vec!["/opt at /opt false false"]),
        ("{\"source\": \"/opt\"}", File { everybody: false, ..program("/opt/tool") }, vec!["/opt at /opt false false"]),
        ("{\"source\": \"/opt\"}", file("/opt/tool"), vec!["/opt at /opt false false"]),
    ] {
        let mut learner = learner(&base(mount), None, false);
        learn(&mut learner, "a", 1, &fails, std::slice::from_ref(&program));
        assert_eq!(mounts(&learner), expected, "{mount} {program:?}");
    }
}

#[test]
fn a_directory_takes_the_place_of_its_files_and_a_refused_mount_goes() {
    let mut learner = learner(STRICT, None, false);
    let fails = raised("FileNotFoundError", "no");
    learn(&mut learner, "a", 1, &fails, &[file("/srv/a/one")]);
    learn(&mut learner, "b", 1, &fails, &[directory("/srv/a")]);
    assert_eq!(learner.lines().len(), 1, "it is there, on the way");
    learn(&mut learner, "b", 2, &fails, &[File { lists: true, ..directory("/srv/a") }]);
    assert_eq!(learner.lines().len(), 1);
    assert_eq!(learner.lines()[0].needs.len(), 2);
    assert!(learner.refuse_mount("/srv/a", "the program needs it") && !learner.refuse_mount("/srv/a", "again"));
    assert_eq!(learner.text().unwrap(), STRICT);
}

/// Any kind of run that there is.
fn any_outcome() -> impl Strategy<Value = (Outcome, Vec<(&'static str, [u64; 6])>)> {
    let calls: Vec<&'static str> = names().filter(|name| is_call(name)).collect();
    let values = prop_oneof![Just(0), Just(1), Just(2), Just(0x1000_0000), Just(0x3d_0f00), any::<u64>()];
    let calls = prop::collection::vec((prop::sample::select(calls), prop::array::uniform6(values)), 0..6);
    let limits = prop::sample::select(vec![
        (LimitKind::Memory, Unit::Bytes),
        (LimitKind::WallTime, Unit::Us),
        (LimitKind::TmpSize, Unit::Bytes),
        (LimitKind::Pids, Unit::Tasks),
        (LimitKind::ResultShape, Unit::Digits),
    ]);
    let ends = prop_oneof![
        Just(0_u8).prop_map(|_| (None, None)),
        limits.prop_map(|limit| (Some(limit), None)),
        any::<u64>().prop_map(|memory| (None, Some(memory)))
    ];
    (calls, ends, any::<u64>()).prop_map(|(calls, end, seen)| {
        let outcome = match end {
            (Some((limit, unit)), _) => exceeded(limit, seen / 2, unit),
            (_, Some(memory)) => finished(memory),
            _ => raised("PermissionError", "no"),
        };
        (outcome, calls)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_runs_do_nothing_dangerous_is_granted_and_the_ceiling_holds(runs in prop::collection::vec(any_outcome(), 1..5), tighten: bool) {
        let mut learner = learner(STRICT, Some("{\"version\": 1, \"extends\": \"default\"}"), false);
        for ((outcome, calls), number) in runs.into_iter().zip(1..) {
            let run = denied(&learner, outcome, &calls);
            learn(&mut learner, "a", number, &run, &[file("/srv/a/one")]);
        }
        learner.settle(tighten).unwrap();
        let proposed = learner.policy().unwrap();
        let beyond = exceeding(&policy("{\"version\": 1, \"extends\": \"default\"}"), &proposed);
        prop_assert_eq!(beyond, []);
        prop_assert!(proposed.syscalls.rules.allow.iter().all(|grant| !is_dangerous(&grant.call)));
        prop_assert_eq!(&proposed.syscalls.rules.kill, &learner.base().syscalls.rules.kill);
        let changed = compare(learner.base(), &proposed);
        prop_assert!(changed.iter().all(|change| change.direction == Direction::Widens || tighten), "{:?}", changed);
        let unlimited = proposed.tree().to_string().contains("unlimited");
        prop_assert!(!unlimited);
    }
}

#[test]
fn a_line_as_data() {
    let mut learner = learner(STRICT, None, false);
    learn(&mut learner, "a", 1, &exceeded(LimitKind::Memory, 64 << 20, Unit::Bytes), &[]);
    assert_eq!(
        serde_json::to_value(&learner.lines()[0]).unwrap(),
        json!({
            "change": "set",
            "field": "limits.memory",
            "value": "256MiB",
            "was": "64MiB",
            "standing": "proposed",
            "risk": "each run may hold so much of the host's memory",
            "needs": [{ "input": "a", "run": 1, "because": "limits.memory ended it: 67108865 of 67108864 bytes (a counter)" }],
        })
    );
}

#[test]
fn a_job_cannot_make_a_proposal_endless() {
    let mut learner = learner(STRICT, None, false);
    let files: Vec<_> = (0..90).map(|n| file(&format!("/srv/{n}/words.txt"))).collect();
    learn(&mut learner, "a", 1, &raised("FileNotFoundError", "no"), &files);
    let count =
        |refused: bool| standings(&learner).iter().filter(|(_, standing)| matches!(standing, Standing::Refused { .. }) == refused).count();
    assert_eq!((count(false), count(true)), (64, 26));
}

#[test]
fn a_limit_that_was_nearly_met_gets_headroom_and_no_other() {
    let memory = |peak: u64, ceiling: Option<&str>| {
        let mut learner = learner(STRICT, ceiling, false);
        learn(&mut learner, "a", 1, &spent(peak, 1000), &[]);
        learner.settle(false).unwrap();
        (learner.policy().unwrap().limits.memory.to_string(), learner.lines().len())
    };
    assert_eq!(memory(60 << 20, None), ("96MiB".into(), 1), "half as much again, rounded up");
    assert_eq!(memory(51 << 20, None), ("64MiB".into(), 0), "less than four fifths");
    let ceiling = "{\"version\": 1, \"extends\": \"strict\", \"limits\": {\"memory\": \"70MiB\"}}";
    assert_eq!(memory(60 << 20, Some(ceiling)), ("70MiB".into(), 1), "as far as it goes");
}

#[test]
fn a_network_is_named_only_where_one_was_looked_for() {
    let named = |policy: &str, outcome: Outcome, calls: &[(&str, [u64; 6])]| {
        let mut learner = learner(policy, None, true);
        let run = denied(&learner, outcome, calls);
        learn(&mut learner, "a", 1, &run, &[]);
        learner.settle(false).unwrap();
        assert_eq!(learner.policy().unwrap().network, learner.base().network, "never proposed");
        learner.lines().iter().any(|line| line.change.field() == "network.mode")
    };
    let no = || raised("PermissionError", "no");
    assert!(named(STRICT, no(), &[("socket", [2, 1, 0, 0, 0, 0])]) && named(STRICT, no(), &[("socket", [10, 1, 0, 0, 0, 0])]));
    assert!(!named(STRICT, no(), &[("socket", [1, 1, 0, 0, 0, 0])]), "a socket of this machine");
    assert!(named(STRICT, raised("OSError", "[Errno 101] Network is unreachable"), &[]));
    assert!(named(STRICT, raised("gaierror", "[Errno -3] Temporary failure in name resolution"), &[]));
    assert!(!named(STRICT, raised("OSError", "[Errno 28] No space left on device"), &[]));
    let host = "{\"version\": 1, \"extends\": \"strict\", \"network\": {\"mode\": \"host\", \"reason\": \"r\"}}";
    assert!(!named(host, no(), &[("socket", [2, 1, 0, 0, 0, 0])]), "it has one");
}

#[test]
fn a_job_that_may_only_have_said_that_it_failed_is_told() {
    let told = |end: Outcome| {
        let mut learner = learner(STRICT, None, false);
        let run = denied(&learner, end, &[("clone", [0x3d_0f00, 0, 0, 0, 0, 0])]);
        learn(&mut learner, "a", 1, &run, &[]);
        describe(learner.lines(), &[]).contains("does not say so finishes too")
    };
    assert!(told(spent(1 << 20, 1000)));
    assert!(!told(raised("SystemExit", "3")) && !told(outcome(Verdict::Exited { code: 1 })) && !told(outcome(Verdict::NoResult)));
}

#[test]
fn a_job_that_says_it_failed_is_not_done() {
    let said = |value: &str, stderr: &str| {
        let captured = |text: &str| Captured { text: text.into(), ..Captured::default() };
        let value = RawValue::from_string(value.into()).unwrap();
        failure(&Outcome { value, stderr: captured(stderr), ..outcome(Verdict::Finished) })
    };
    for value in ["{\"error\": \"no\"}", "[{\"json\": {\"Errors\": [1]}}]", "{\"ok\": false}", "\"[Errno 13] Permission denied\""] {
        assert!(said(value, "").is_some(), "{value}");
    }
    assert_eq!(said("1", "Traceback (most recent call last):\n").as_deref(), Some("it wrote \"Traceback (most recent call last):\""));
    for value in ["null", "{\"error\": null, \"errors\": [], \"ok\": true}", "{\"name\": \"error\"}", "[]"] {
        assert_eq!(said(value, "warning"), None, "{value}");
    }
    assert_eq!(failure(&raised("OSError", "[Errno 1]")), None, "that is another verdict");
    // What it asked for is tried, not taken for unneeded.
    let mut learner = learner(STRICT, None, false);
    let value = RawValue::from_string("{\"error\": \"can't start new thread\"}".into()).unwrap();
    let first = denied(&learner, Outcome { value, ..finished(1 << 20) }, &[("clone", [0x3d_0f00, 1, 2, 3, 4, 5])]);
    assert!(learn(&mut learner, "a", 1, &first, &[]));
    assert_eq!(standings(&learner), [("\"@threads\"".to_owned(), &Standing::Proposed)]);
}

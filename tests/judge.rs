//! `remand judge`: each verdict with its proof, what a solution cannot see, and whose fault it is where two programs talk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("judge::python_has_each_verdict", || every_verdict(PYTHON, "a.py")),
        trial("judge::cpp_has_each_verdict", || need("g++").and_then(|()| every_verdict(CPP, "a.cpp"))),
        trial("judge::what_does_not_compile_is_told", uncompiled),
        trial("judge::a_source_without_end_ends_at_a_limit", || need("g++").and_then(|()| bombs())),
        trial("judge::recursion_may_use_all_of_the_memory", || need("g++").and_then(|()| deep())),
        trial("judge::tests_and_answers_are_seen_by_the_checker_alone", unseen),
        trial("judge::a_checker_says_it_by_its_status", checker),
        trial("judge::two_that_talk_and_whose_fault_it_is", interactive),
        trial("judge::a_test_has_limits_of_its_own_and_the_first_failure_can_be_the_last", limits),
        trial("judge::an_answer_that_was_cut_is_none", cut),
        trial("judge::what_a_solution_causes_is_its_verdict_and_ends_no_judging", caused),
        trial("judge::who_cannot_read_an_answer_rejects_it", unreadable),
        trial("judge::no_cpu_time_is_lost_where_no_cgroup_counts", uncounted),
        trial("judge::what_cannot_be_judged_is_told_before_anything_runs", wrong),
    ]
}

const PYTHON: &str = "
word = input()
if word == 'right': print(7)
elif word == 'wrong': print(8)
elif word == 'time':
    while True: pass
elif word == 'memory': a = [bytes([1]) * (1 << 20) for i in range(1000)]
elif word == 'output':
    while True: print('x' * 1000)
elif word == 'exit': exit(3)
elif word == 'raise': 1 / 0
elif word == 'status': __import__('os')._exit(42)
elif word == 'signal': __import__('os').kill(__import__('os').getpid(), 11)
elif word == 'call': __import__('socket').socket()
";

const CPP: &str = r#"
#include <cstring>
#include <iostream>
#include <string>
#include <vector>
#include <csignal>
#include <unistd.h>
#include <sys/socket.h>
int main() {
    std::string word;
    std::cin >> word;
    if (word == "right") std::cout << 7 << "\n";
    else if (word == "wrong") std::cout << 8 << "\n";
    else if (word == "time") for (volatile long i = 0;; i++);
    else if (word == "memory") { std::vector<char *> all; for (int i = 0; i < 1000; i++) { all.push_back(new char[1 << 20]); memset(all.back(), 1, 1 << 20); } std::cout << (int)all[500][500]; }
    else if (word == "output") for (;;) std::cout << std::string(1000, 'x') << "\n";
    else if (word == "exit") return 3;
    else if (word == "raise") throw 1;
    else if (word == "status") return 42;
    else if (word == "signal") raise(SIGSEGV);
    else if (word == "call") return socket(AF_INET, SOCK_STREAM, 0) < 0;
}
"#;

/// Each word of an input with its verdict and what stands in the proof.
const VERDICTS: &[(&str, &str, &str)] = &[
    ("right", "AC", "finished"),
    ("wrong", "WA", "finished"),
    ("time", "TLE", "cpu_time"),
    ("memory", "MLE", "memory"),
    ("output", "OLE", "stdout"),
    ("exit", "RE", "exited"),
    ("raise", "RE", ""),
    ("status", "RE", "exited"),
    ("signal", "RE", "SIGSEGV"),
    ("call", "RE", ""),
];

fn need(compiler: &str) -> Check {
    let there = Path::new("/usr/bin").join(compiler).exists();
    if there { Ok(()) } else { Err(End::Skip(format!("{compiler} in /usr/bin"))) }
}

struct Contest {
    scratch: Scratch,
    options: Vec<String>,
}

impl Contest {
    fn new(source: &str, name: &str) -> Self {
        let scratch = Scratch::new();
        let program = scratch.file(name, source).display().to_string();
        fs::create_dir(scratch.path().join("tests")).unwrap();
        let tests = scratch.path().join("tests").display().to_string();
        // However busy the host is, it is the CPU time that ends a run.
        let options =
            ["judge", "--json", "--program", &program, "--tests", &tests, "-t", "1s", "-m", "64MiB", "--set", "limits.stdout=64KiB"];
        let options = [&options[..], &["--set", "limits.wall_time=1min"]].concat().into_iter().map(str::to_owned).collect();
        Self { scratch, options }
    }

    fn test(self, name: &str, input: &str, answer: &str) -> Self {
        self.file(&format!("tests/{name}.in"), input).file(&format!("tests/{name}.ans"), answer)
    }

    fn file(self, name: &str, text: &str) -> Self {
        let _ = self.scratch.file(name, text);
        self
    }

    fn option(mut self, name: &str, value: &str) -> Self {
        self.options.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// An option that is a file.
    fn tool(self, option: &str, name: &str, text: &str) -> Self {
        let path = self.scratch.file(name, text).display().to_string();
        self.option(option, &path)
    }

    fn judged(&self) -> Result<Judged, End> {
        let ended = Call::new(&self.options).end()?;
        let record = serde_json::from_slice(&ended.stdout).map_err(|error| End::Fail(format!("{error}: {ended:?}")))?;
        Ok(Judged { code: ended.code, record })
    }

    fn refused(&self) -> Result<String, End> {
        let ended = Call::new(&self.options).end()?;
        ensure(ended.code == Some(2) && ended.stdout.is_empty(), "wrong usage", &ended)?;
        Ok(ended.err())
    }
}

struct Judged {
    code: Option<i32>,
    record: Value,
}

impl Judged {
    fn tests(&self) -> BTreeMap<&str, &Value> {
        let tests = self.record["tests"].as_array().unwrap();
        tests.iter().map(|test| (test["name"].as_str().unwrap(), test)).collect()
    }

    fn verdicts(&self) -> Vec<&str> {
        self.record["tests"].as_array().unwrap().iter().map(|test| test["verdict"].as_str().unwrap()).collect()
    }
}

fn every_verdict(source: &str, name: &str) -> Check {
    let contest = VERDICTS.iter().fold(Contest::new(source, name), |contest, (word, ..)| contest.test(word, word, "7\n"));
    let judged = contest.judged()?;
    ensure(judged.code == Some(1), "not accepted", &judged.record)?;
    for (word, verdict, proof) in VERDICTS {
        let tests = judged.tests();
        let test = tests[word];
        ensure(test["verdict"] == *verdict && test["ended"].to_string().contains(proof), word, &test)?;
        ensure(test["usage"]["cpu_ms"]["user"].is_number(), "what it spent", &test)?;
    }
    let right = Contest::new(source, name).test("1", "right", "7").judged()?;
    ensure(right.code == Some(0) && right.record["verdict"] == "AC", "all accepted", &right.record)
}

fn uncompiled() -> Check {
    let judged = Contest::new("def f(:\n", "a.py").test("1", "", "").judged()?;
    let compiled = judged.record["compiled"]["message"].to_string();
    ensure(judged.code == Some(1) && judged.record["verdict"] == "CE" && compiled.contains("SyntaxError"), "Python", &judged.record)?;
    need("gcc")?;
    let judged = Contest::new("int main(void) { return missing; }\n", "a.c").test("1", "", "").judged()?;
    let compiled = judged.record["compiled"]["message"].to_string();
    ensure(judged.code == Some(1) && judged.record["verdict"] == "CE" && compiled.contains("missing"), "C", &judged.record)
}

fn bombs() -> Check {
    let types = "template<class T, int N> struct B { B<B<T, N>, N - 1> a; B<B<T *, N>, N - 1> b; };\n\
                 template<class T> struct B<T, 0> { T *p; };\nB<int, 20> x;\nint main() {}\n";
    let judged = Contest::new(types, "a.cpp").test("1", "", "").judged()?;
    let ended = &judged.record["compiled"]["ended"];
    ensure(judged.record["verdict"] == "CE" && ended["kind"] != "finished", "types without end", &judged.record)?;
    let judged = Contest::new("#include \"/dev/zero\"\n", "a.cpp").test("1", "", "").judged()?;
    ensure(
        judged.record["verdict"] == "CE" && judged.record["compiled"]["message"].to_string().contains("No such file"),
        "no device",
        &judged.record,
    )
}

/// A stack of some 150 MiB.
fn deep() -> Check {
    let source = "#include <cstdio>\nlong down(long n) { volatile char room[1000]; room[0] = 1; return n ? down(n - 1) + room[0] : 0; }\n\
                  int main() { printf(\"%ld\\n\", down(150000)); }\n";
    let contest = || Contest::new(source, "a.cpp").test("1", "", "150000");
    let judged = contest().option("-m", "256MiB");
    // The last of two options holds for nobody: take the first away.
    let mut options = judged.options.clone();
    let first = options.iter().position(|option| option == "-m").unwrap();
    options.drain(first..first + 2);
    let judged = Contest { options, ..judged }.judged()?;
    ensure(judged.verdicts() == ["AC"], "within the memory", &judged.record)?;
    let judged = contest().judged()?;
    ensure(judged.verdicts() == ["MLE"] || judged.verdicts() == ["RE"], "control: not within 64 MiB", &judged.record)
}

fn unseen() -> Check {
    let looks = "import os\nprint(sorted(os.listdir('.')), sorted(os.listdir('/tmp')), [p for p in ('input', 'answer', '/var/lib', '/etc/shadow') if os.path.exists(p)])";
    let sees =
        "import os, sys\nprint(sorted(os.listdir('.')), sys.argv[1:], [open(name).read() for name in sys.argv[1:]], file=sys.stderr)";
    let contest = Contest::new(looks, "a.py").test("1", "the input", "the answer").tool("--checker", "checker.py", sees);
    let judged = contest.judged()?;
    let message = judged.record["tests"][0]["message"].as_str().unwrap_or_default().to_owned();
    ensure(message.contains("['answer', 'input', 'output', 'program.py']"), "the checker sees them", &message)?;
    ensure(message.contains("'the input'") && message.contains("'the answer'"), "as they are", &message)?;
    ensure(message.contains("['program.py'] [] []"), "the solution sees itself alone", &message)
}

fn checker() -> Check {
    let judge = "import sys\ncode = int(open('output').read())\nprint('it said', code, file=sys.stderr)\nassert sys.stdin.read() == open('output').read()\nsys.exit(code)";
    let codes = [("0", "AC"), ("42", "AC"), ("1", "WA"), ("2", "WA"), ("43", "WA"), ("3", "JE"), ("7", "JE")];
    let contest = codes.iter().fold(Contest::new("print(input())", "a.py"), |contest, (code, _)| contest.test(code, code, ""));
    let judged = contest.tool("--checker", "checker.py", judge).judged()?;
    for (code, verdict) in codes {
        let tests = judged.tests();
        ensure(tests[code]["verdict"] == verdict, code, tests[code])?;
        ensure(tests[code]["message"].as_str() == Some(&format!("it said {code}")), "what it says", tests[code])?;
    }
    let broken = Contest::new("print(1)", "a.py").test("1", "", "").tool("--checker", "checker.py", "def f(:").refused()?;
    ensure(broken.contains("the checker does not compile") && broken.contains("SyntaxError"), "a checker that is none", &broken)
}

/// Asks for a number, and says whether it is the secret one.
const ASKS: &str = "
import sys
secret = open(sys.argv[1]).read().strip()
print('what is it?', flush=True)
said = sys.stdin.readline().strip()
print(said, file=sys.stderr)
sys.exit(0 if said == secret else 1 if said else 3)
";

fn interactive() -> Check {
    let answers = |code: &str| format!("question = input()\n{code}");
    let rows: [(&str, &str, &str, &str); 7] = [
        ("right", "print(5)", ASKS, "AC"),
        ("wrong", "print(6)", ASKS, "WA"),
        ("crashes first", "1 / 0", ASKS, "RE"),
        ("talks on", "print(5, flush=True)\nimport time\ntime.sleep(0.5)\nexit(4)", ASKS, "RE"),
        ("both wait", "input()", ASKS, "TLE"),
        ("too much memory", "a = bytearray(1 << 28)\nprint(5)", ASKS, "MLE"),
        ("a broken interactor", "print(5)", "import sys\nprint('?', flush=True)\nsys.stdin.readline()\nsys.exit(3)", "JE"),
    ];
    for (what, code, interactor, verdict) in rows {
        let contest = Contest::new(&answers(code), "a.py").test("1", "5", "").tool("--interactor", "talks.py", interactor);
        let judged = if what == "both wait" { contest.option("--set", "limits.wall_time=2s") } else { contest }.judged()?;
        let test = &judged.record["tests"][0];
        ensure(test["verdict"] == verdict, what, test)?;
        ensure(test["tied"].is_string() && test["judged"]["kind"].is_string(), "what ties them is named", test)?;
    }
    Ok(())
}

fn limits() -> Check {
    let source = "a = bytearray(int(input()) << 20)\nprint(len(a) >> 20)";
    let limits = json!({"*": {"limits": {"stdout": "1KiB"}}, "b": {"limits": {"memory": "40MiB"}}}).to_string();
    let contest = || {
        Contest::new(source, "a.py").test("a", "45", "45").test("b", "45", "45").test("c", "45", "45").file("tests/limits.json", &limits)
    };
    let judged = contest().judged()?;
    ensure(judged.verdicts() == ["AC", "MLE", "AC"], "one test has less", &judged.record)?;
    let mut first = contest();
    first.options.push("--stop".to_owned());
    let judged = first.judged()?;
    ensure(judged.verdicts() == ["AC", "MLE", "SK"] && judged.record["verdict"] == "MLE", "not one more", &judged.record)
}

fn cut() -> Check {
    let source = "print('x' * 100000)";
    let contest = Contest::new(source, "a.py").test("1", "", &"x".repeat(100_000));
    let scratch = Scratch::new();
    let policy = policy_text::extending("judge", &scratch, &json!({"limits": {"overflow": "truncate"}})).display().to_string();
    let judged = contest.option("--policy", &policy).judged()?;
    let test = &judged.record["tests"][0];
    ensure(test["verdict"] == "OLE" && test["ended"]["kind"] == "finished", "it went on, and its answer is not whole", test)
}

fn caused() -> Check {
    let contest = || Contest::new("", "a.py").test("1", "1 2", "\u{e9}\n").test("2", "1 2", "\u{e9}\n");
    // Python takes it, in whatever it is written.
    let of = |source: &[u8]| {
        let contest = contest();
        fs::write(contest.scratch.path().join("a.py"), source).unwrap();
        contest.judged()
    };
    for source in [&b"#!/usr/bin/python3\n# coding: latin-1\nprint('\xe9')\n"[..], "\u{feff}print('\u{e9}')\n".as_bytes()] {
        let judged = of(source)?;
        ensure(judged.code == Some(0) && judged.verdicts() == ["AC", "AC"], "an encoding of its own", &judged.record)?;
    }
    for (what, source) in [("no encoding", &b"print('\xe9')\n"[..]), ("a NUL byte", b"print(1)\0\n"), ("2 MiB", &[b'\n'; 2 << 20])] {
        let judged = of(source)?;
        let message = &judged.record["compiled"]["message"];
        ensure(judged.record["verdict"] == "CE" && *message != "", what, &judged.record)?;
    }
    let scratch = Scratch::new();
    let narrow = json!({"filesystem": {"tmp": {"size": "2MiB"}}});
    let policy = policy_text::extending("judge", &scratch, &narrow).display().to_string();
    let source = "import sys\nprint(3 if input() == 'few' else 'x' * (3 << 19))";
    let judge = "import sys\nsys.exit(0 if open('output').read().split() == ['3'] else 1)";
    let lot = format!("{}\n", "y".repeat(900_000));
    let contest = |answer: &str| {
        let contest = Contest::new(source, "a.py").test("1", "many", answer).test("2", "few", answer).tool("--checker", "c.py", judge);
        let mut contest = contest.option("--policy", &policy);
        contest
            .options
            .iter_mut()
            .filter(|option| *option == "limits.stdout=64KiB")
            .for_each(|option| *option = "limits.stdout=8MiB".into());
        contest
    };
    let judged = contest(&lot).judged()?;
    let tests = judged.tests();
    ensure(judged.verdicts() == ["OLE", "AC"], "an output that does not fit beside the rest", &judged.record)?;
    ensure(tests["1"]["message"].to_string().contains("filesystem.tmp.size"), "it is said what is too small", tests["1"])?;
    let said = contest(&lot.repeat(3)).refused()?;
    ensure(said.contains("filesystem.tmp.size"), "the setter's own files do not fit", &said)
}

/// A checker and an interactor as they are written in a hurry: what they cannot read is an exception.
fn unreadable() -> Check {
    let checks = "import sys\nsys.exit(0 if int(open(sys.argv[2]).read()) == int(open(sys.argv[3]).read()) else 1)";
    let broken = "import sys\nsys.exit(0 if int(open(sys.argv[2]).read()) == secret else 1)";
    let greedy = "import sys\na = bytearray(1 << int(open('output').read()))\nsys.exit(0 if len(a) == 8 else 1)";
    let asks = "import sys\na = int(open(sys.argv[1]).read())\nfor i in range(3):\n    print(a, flush=True)\n    if int(input()) != a: sys.exit(1)";
    let fails = "import sys\nsecret\nprint(1)";
    for (what, source, option, tool, verdict) in [
        ("right", "print(input())", "--checker", checks, "AC"),
        ("nothing", "", "--checker", checks, "WA"),
        ("junk", "print('xxx')", "--checker", checks, "WA"),
        ("a broken checker", "print(input())", "--checker", broken, "JE"),
        ("what the checker has no memory for", "print(62)", "--checker", greedy, "WA"),
        ("right, by turns", "for i in range(3): print(input(), flush=True)", "--interactor", asks, "AC"),
        ("nothing to the interactor", "", "--interactor", asks, "WA"),
        ("less than it asks for", "print(input(), flush=True)", "--interactor", asks, "WA"),
        ("junk to the interactor", "input()\nprint('xxx', flush=True)\ninput()", "--interactor", asks, "WA"),
        ("an interactor that says nothing", "import time\ntime.sleep(3)\nprint(1)", "--interactor", fails, "JE"),
    ] {
        let judged = Contest::new(source, "a.py").test("1", "3", "3").tool(option, "tool.py", tool).judged()?;
        let test = &judged.record["tests"][0];
        ensure(test["verdict"] == verdict, what, test)?;
        ensure(what.starts_with("right") || !test["message"].as_str().unwrap_or_default().is_empty(), "what it said is kept", test)?;
    }
    Ok(())
}

/// Children that nobody waits for leave their CPU time to nobody.
fn uncounted() -> Check {
    let children = "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nbegan = time.monotonic()\n\
                    while time.monotonic() - began < 6:\n    if os.fork() == 0:\n        t = time.process_time()\n        \
                    while time.process_time() - t < 0.004: pass\n        os._exit(0)\n    try: os.wait()\n    except ChildProcessError: pass\nprint(3)";
    let threads = "import threading\nt = threading.Thread(target=print, args=(3,))\nt.start()\nt.join()";
    let judged = Contest::new(children, "a.py").test("1", "", "3").judged()?;
    let (held, test) = (&judged.record["enforcement"]["cpu_time"], &judged.record["tests"][0]);
    let expected = if held["by"].is_string() { "TLE" } else { "RE" };
    ensure(test["verdict"] == expected, "what is not counted is not made", &judged.record)?;
    ensure(held["by"].is_string() || held["substitute"]["because"].is_string(), "the record says what holds the limit", &judged.record)?;
    let judged = Contest::new(threads, "a.py").test("1", "", "3").judged()?;
    ensure(judged.verdicts() == ["AC"], "threads are made", &judged.record)
}

fn wrong() -> Check {
    let says = |contest: Contest, part: &str| contest.refused().and_then(|said| ensure(said.contains(part), part, &said));
    let print = "print(1)";
    says(Contest::new(print, "a.py"), "no test in it")?;
    says(Contest::new(print, "a.py").file("tests/1.in", ""), "has no answer")?;
    says(Contest::new(print, "a.rb").test("1", "", ""), "tells no language")?;
    says(Contest::new(print, "a.py").test("1", "", "").file("tests/limits.json", r#"{"1": {"limits": {"memory": "9GiB"}}}"#), "memory")?;
    says(Contest::new(print, "a.py").test("1", "", "").file("tests/limits.json", r#"{"1": {"limits": {"memroy": "9MiB"}}}"#), "memory")?;
    says(Contest::new(print, "a.py").test("1", "", "").option("--checker", "/nowhere.py"), "/nowhere.py")
}

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use crate::limit::Shape;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::*;
use crate::fixtures::python;
use crate::request::Given;

const ALL: u64 = u64::MAX;

fn encoded(text: &str) -> Vec<u8> {
    let data = Data::value(text, "", ALL).unwrap();
    assert_eq!(data.size, data.bytes.len() as u64);
    data.bytes
}

const PYTHON: &str = "/usr/bin/python3";

/// Asks a real interpreter whether the marshal bytes are what its own `json.loads` makes of the text, types and signs included.
fn same_in_python(pairs: &[(String, Vec<u8>)]) {
    const PROGRAM: &str = "
import json, marshal, sys
for line in sys.stdin:
    text, data = json.loads(line)
    expected, got = json.loads(text), marshal.loads(bytes.fromhex(data))
    assert repr(got) == repr(expected), (text, got)
print('same')
";
    let mut child = Command::new(PYTHON).args(["-I", "-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for (text, bytes) in pairs {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(input, "{}", json!([text, hex])).unwrap();
    }
    drop(input);
    assert_eq!(child.wait_with_output().unwrap().stdout, b"same\n");
}

#[test]
fn decodes_in_python_to_what_json_would_give() {
    let nines = |count: usize| "9".repeat(count);
    let mut texts: Vec<String> = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "-1",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "1000000000000000000",
        "999999999999999999",
        "340282366920938463463374607431768211456",
        "0.0",
        "-0.0",
        "1.0",
        "1e5",
        "1E-7",
        "0.1",
        "5e-324",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
        "123456789012345678901234567890.5",
        "\"\"",
        "\"é\\u0000\\ud83d\\ude00\"",
        "[]",
        "{}",
        "[1, [2.5, {\"a\": null, \"\": [true]}], \"x\"]",
        "{\"b\": 1, \"a\": 2, \"b2\": {\"c\": -3}}",
    ]
    .map(str::to_owned)
    .into();
    for digits in [17, 18, 19, 35, 36, 37, 299, 4_299, 4_300] {
        texts.push(nines(digits));
        texts.push(format!("-1{}", "0".repeat(digits - 1)));
    }
    let pairs: Vec<_> = texts.into_iter().map(|text| (text.clone(), encoded(&text))).collect();
    same_in_python(&pairs);
}

#[test]
fn known_bytes() {
    assert_eq!(encoded(r#"{"a": [null, 1]}"#), b"{\xda\x01a[\x02\0\0\0Ni\x01\0\0\x000");
    assert_eq!(encoded("2147483648"), b"l\x03\0\0\0\0\0\0\0\x02\0");
    assert_eq!(encoded("-2147483649"), b"l\xfd\xff\xff\xff\x01\0\0\0\x02\0");
    assert_eq!(encoded("0.5"), b"g\0\0\0\0\0\0\xe0\x3f");
    assert_eq!(encoded(r#"["a", "é"]"#), b"[\x02\0\0\0z\x01au\x02\0\0\0\xc3\xa9");
    assert_eq!(encoded(r#"[{"a": 1, "b": "a"}, {"b": 1}]"#), b"[\x02\0\0\0{\xda\x01ai\x01\0\0\0\xda\x01bz\x01a0{r\x01\0\0\0i\x01\0\0\x000");
}

/// Long keys, keys of other letters, and more of them than are remembered.
#[test]
fn keys_that_come_again_are_the_same() {
    let odd = [&"k".repeat(64), &"k".repeat(65), &"k".repeat(300), "é", "a\\n", ""];
    let odd: Vec<String> = odd.iter().map(|key| format!("{{\"{key}\": {{\"{key}\": \"{key}\"}}, \"x\": 1}}")).collect();
    let many: Vec<String> = (0..5_000).chain(0..5_000).map(|key| format!("{{\"{key}\": {key}, \"x\": \"x\"}}")).collect();
    let texts = [odd.join(","), many.join(",")].map(|items| format!("[{items},{items}]"));
    let pairs: Vec<_> = texts.map(|text| (text.clone(), encoded(&text))).into();
    same_in_python(&pairs);
}

#[test]
fn what_python_cannot_hold_is_refused_by_place() {
    let refused = |text: &str| Data::value(text, "query", ALL).unwrap_err().to_string();
    assert_eq!(refused("{\"rows\": [1, {\"a\": [0], \"price\": 1e999}]}"), "query.rows[1].price: 1e999 is out of range");
    assert!(refused(&"9".repeat(4_301)).ends_with(" is out of range"));
    assert!(refused("[1,\n {]").starts_with("key must be a string at line 2 column 3"));
    assert!(matches!(Data::items("{\n}", ALL), Err(DataError::NotArray)));
    let lines = |text| Data::items(text, ALL).unwrap();
    for (text, array) in [("{}", "[{}]"), ("1\n\r\n[2]\r\n", "[1, [2]]"), ("[1]\n[]", "[[1], []]"), ("[[1]\n]", "[[1]]")] {
        assert_eq!((lines(text), lines(text).count()), (lines(array), lines(array).count()), "{text}");
        assert_eq!(Data::items(&super::array(text).unwrap(), ALL).unwrap(), lines(array), "{text}");
    }
    assert!(matches!(Data::items("1\n2,", ALL), Err(DataError::Line { line: 2, .. })));
    assert_eq!(Data::items("1\n2", 3).unwrap().count(), 0, "more than a job may be is not kept");
    assert!(matches!(Data::items(" [ ]\n", ALL), Ok(data) if data == Data::no_items()));
    assert_eq!(Data::value("null", "", ALL).unwrap(), Data::null());
}

#[test]
fn depth_at_and_over_the_limit() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let refused = |text: &str| Data::items(text, ALL).unwrap_err().to_string();
    assert!(Data::items(&nested(1_000), ALL).is_ok());
    assert_eq!(refused(&nested(1_001)), format!("items{}...: nested deeper than limits.result_depth = 1000", "[0]".repeat(65)));
    // Far more than any stack would take.
    assert!(refused(&nested(1 << 20)).ends_with("nested deeper than limits.result_depth = 1000"));
    let small = Room { size: ALL, depth: 3 };
    assert!(Data::items(&nested(3), small).is_ok());
    assert_eq!(Data::items(&nested(4), small).unwrap_err().to_string(), "items[0][0][0]: nested deeper than limits.result_depth = 3");
    assert!(Data::items(&format!("[{}]", vec!["[[]]"; 2_000].join(",")), ALL).is_ok(), "siblings do not add up");
}

#[test]
fn what_is_too_large_is_counted_and_not_kept() {
    let text = r#"[1, 99999999999999999999, 1.5, "\u00e9", {"k": [null, true]}, [], -5000000000]"#;
    let whole = Data::items(text, ALL).unwrap();
    assert_eq!(Data::items(text, whole.size).unwrap(), whole);
    for allowed in 0..whole.size {
        let data = Data::items(text, allowed).unwrap();
        assert_eq!((data.size, data.bytes.len()), (whole.size, 0), "{allowed}");
    }
}

/// Objects that serde_json takes for numbers of its own, keys twice, all white space.
#[test]
fn odd_text_is_what_python_makes_of_it() {
    let texts = [
        r#"{"$serde_json::private::Number": "1"}"#,
        r#"{"a": 1, "b": 2, "a": 3}"#,
        " \t\r\n[ 1 ,\t{ \"a\" : [ ] ,\n\"b\\\"\" : \"\\\\\" } ]\r\n",
        r#"["\u0000\b\f\/\"", "a\\", {"\ud83d\ude00": "\uD83D\uDE00\uffff"}]"#,
        r#"["x\ud83d", "\uDE00\ud83d", "\\\ud800\n\ud83d\ude00é\u00e9\"", {"\udfff": "\ud800x"}, "\ud83d\ud83d\ude00"]"#,
    ];
    let pairs: Vec<_> = texts.map(|text| (text.to_owned(), encoded(text))).into();
    same_in_python(&pairs);
}

fn policy(job_size: u64) -> Policy {
    use remand_policy::policy::*;
    use remand_policy::units::{Bytes, Limit};
    let required = Enforce::Required;
    let bytes = Bytes(1 << 33);
    Policy {
        name: String::new(),
        description: String::new(),
        limits: Limits {
            wall_time: Limit::Unlimited,
            cpu_time: Limit::Unlimited,
            cpus: Limit::Unlimited,
            memory: Limit::Unlimited,
            pids: Limit::Unlimited,
            open_files: 1,
            file_size: Limit::Unlimited,
            stack: bytes,
            stdin: bytes,
            stdout: bytes,
            stderr: bytes,
            prints: Bytes(1000),
            overflow: Overflow::End,
            result_size: bytes,
            result_depth: 1,
            result_nodes: 1,
            job_size: Bytes(job_size),
            artifacts: Bytes(0),
            artifact_files: 0,
            cgroup: required,
        },
        filesystem: Filesystem { tmp: Tmp { size: bytes, inodes: 1, exec: false }, mounts: Vec::new(), proc: true, devices: Vec::new() },
        syscalls: Syscalls { rules: remand_syscalls::Rules::default(), quiet: Vec::new(), enforce: required },
        network: Network { mode: NetworkMode::None, reason: None },
        namespaces: Namespaces { ipc: required, uts: required, network: required, cgroup: required, own_uid: required },
        landlock: Landlock { enforce: required, minimum_abi: 1 },
        python: Python {
            interpreter: String::new(),
            stdlib_allow: vec!["json".into()],
            external_allow: vec![],
            builtins_deny: vec!["eval".into()],
            runner_env_deny: true,
        },
        result: Results { nan: NonFinite::Error, pandas: Tables::Error, surrogates: Surrogates::Error },
        environment: Vec::new(),
        request: Choices { interpreters: Vec::new(), environment: Vec::new(), mounts: Vec::new(), tty: false },
    }
}

/// A job as Python reads it.
fn in_python(job: &[u8]) -> Value {
    const PROGRAM: &str = "
import json, marshal, sys
job = marshal.load(sys.stdin.buffer)
job.update((name, marshal.loads(job[name])) for name in ('items', 'query', 'n8n'))
print(json.dumps(job))
";
    let mut child = Command::new(PYTHON).args(["-I", "-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(job).unwrap();
    serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn the_whole_job_at_and_over_its_size() {
    let request = Request {
        code: "return 1".into(),
        mode: Mode::PerItem(OnError::Stop),
        items: Data::items(r#"[{"a": 1}]"#, ALL).unwrap(),
        ..Request::default()
    };
    let job = encode(&request, &policy(1 << 20), &python()).unwrap();
    let shape = r#"{"version": 4, "mode": "per_item", "n8n": null, "script": null, "paths": [], "environment": {}, "on_error": "stop", "code": "return 1", "items": [{"a": 1}], "query": null,
        "security": {"stdlib_allow": ["json"], "external_allow": [], "builtins_deny": ["eval"], "runner_env_deny": true},
        "prefix": "/usr", "standard_path": ["/usr/lib/python3.11"], "limits": {"prints": 1000, "result_size": 8589934592},
        "result": {"nan": "error", "pandas": "error", "surrogates": "error"}}"#;
    assert_eq!(in_python(&job), serde_json::from_str::<Value>(shape).unwrap());
    let size = job.len() as u64;
    assert_eq!(encode(&request, &policy(size), &python()), Ok(job));
    assert_eq!(encode(&request, &policy(size - 1), &python()), Err(JobError::TooLarge { size, allowed: size - 1 }));
    let request = Request { items: Data::items("[1, 2, 3, 4]", 7).unwrap(), ..request };
    assert_eq!(encode(&request, &policy(7), &python()), Err(JobError::TooLarge { size: size + 10, allowed: 7 }));
}

/// What came of a job: frames, the first that was wrong, the exit status, the texts.
type Answer = (crate::frames::Received, Option<crate::frames::FrameError>, Option<i32>, Vec<String>);

/// Runs the real executor on an encoded job and decodes what it wrote.
fn round_trip(request: &Request, effective: &Policy) -> Answer {
    const START: &str = "import sys; exec(compile(sys.stdin.read().partition('\\0')[0], 'executor.py', 'exec'), {'__name__': 'remand'})";
    let mut job = std::env::temp_dir();
    job.push(format!("remand-job-test-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::write(&job, encode(request, effective, &python()).unwrap()).unwrap();
    // Frames leave on descriptor 4, which is this child's standard output.
    let script = "exec \"$0\" -I -S -c \"$1\" 3<\"$2\" 4>&1 1>/dev/null";
    let mut shell = Command::new("/bin/sh");
    let shell = shell.args(["-c", script, PYTHON, START]).arg(&job).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    child.stdin.take().unwrap().write_all(crate::interpreter::PROGRAM.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    std::fs::remove_file(&job).unwrap();
    let limits = &effective.limits;
    let mut decoder = crate::frames::Decoder::new(crate::frames::Bounds {
        stdin: 0,
        stdout: 0,
        stderr: 0,
        prints: limits.prints.0,
        overflow: limits.overflow,
        result_size: limits.result_size.0,
        result_depth: limits.result_depth,
        result_nodes: limits.result_nodes,
        job_size: 0,
        artifacts: 0,
        artifact_files: 0,
    });
    let _ = decoder.feed(&ended.stdout);
    let texts = decoder.news().into_iter().filter_map(|news| match news {
        crate::frames::News::Text(text) => {
            Some(format!("{} {}{}", text.channel, text.text, text.values.map_or(String::new(), |values| values.to_string())))
        }
        crate::frames::News::Item | crate::frames::News::Shown(_) => None,
    });
    let texts = texts.collect();
    let (received, error) = decoder.finish();
    (received, error, ended.status.code(), texts)
}

#[test]
fn the_executor_understands_jobs_and_its_frames_are_understood() {
    use crate::frames::FrameError;
    let mut effective = policy(1 << 20);
    effective.limits.result_size = remand_policy::units::Bytes(400);
    effective.limits.result_depth = 10;
    effective.limits.result_nodes = 100;
    let asked = |code: &str, mode, items: Vec<Value>| Request {
        code: code.into(),
        mode,
        items: Data::items(&json!(items).to_string(), ALL).unwrap(),
        query: Data::value("{\"big\": 123456789012345678901234567890}", "query", ALL).unwrap(),
        ..Request::default()
    };
    let code = "import sys\nprint('é\\n\\x00')\nsys.stdout.write('o')\nprint(1, file=sys.stderr)\nreturn [_query, _items[0], 1.5]";
    effective.python.stdlib_allow.push("sys".into());
    let run = |code: &str, mode, items: Vec<Value>| round_trip(&asked(code, mode, items), &effective);
    let (mut received, error, code, texts) = run(code, Mode::AllItems, vec![json!({"a": [null]})]);
    assert_eq!((error, code), (None, Some(0)));
    assert_eq!(texts, ["print é\n\0\n[\"é\\n\\u0000\"]", "stdout o", "stderr 1\n"]);
    assert_eq!(received.value().get(), r#"[{"big":123456789012345678901234567890},{"a":[null]},1.5]"#);

    let (mut received, error, ..) =
        run("return _item or None", Mode::PerItem(OnError::Stop), vec![json!(1), json!(0), json!({"json": {"b": 2}})]);
    assert_eq!((error, received.done), (None, true));
    assert_eq!(received.value().get(), r#"[{"json":1,"pairedItem":{"item":0}},{"json":{"b":2},"pairedItem":{"item":2}}]"#);

    let (received, error, code, _) = run("\nreturn eval('1') + '\\ud800'", Mode::AllItems, vec![]);
    let raised = received.error.unwrap();
    assert_eq!((error, code, raised.kind.as_str(), raised.line), (None, Some(1), "NameError", Some(2)));
    assert!(raised.description.contains("python.builtins_deny"), "{raised:?}");

    let control = run("return 'x' * 374", Mode::AllItems, vec![]);
    assert_eq!((control.1, control.0.result_bytes), (None, 400));
    assert_eq!(run("return 'x' * 375", Mode::AllItems, vec![]).1, Some(FrameError::TooLarge { seen: 401, allowed: 400 }));
    assert_eq!(
        run("return [[[[[[[[[[[]]]]]]]]]]]", Mode::AllItems, vec![]).1,
        Some(FrameError::TooComplex { what: Shape::Depth, seen: 11, allowed: 10 })
    );
    assert_eq!(
        run("return [0] * 100", Mode::AllItems, vec![]).1,
        Some(FrameError::TooComplex { what: Shape::Values, seen: 101, allowed: 100 })
    );
    let denied = run("import posix", Mode::AllItems, vec![]).0.error.unwrap();
    assert!(denied.message.contains("python.stdlib_allow"), "{denied:?}");
    // Past the list, as any code can: a length of 4 GiB is refused by its four bytes.
    let forged = run("import json\njson.codecs.sys.modules['posix'].write(4, b'\\xff' * 4)", Mode::AllItems, vec![]);
    assert_eq!(forged.1, Some(FrameError::TooLarge { seen: 0xFFFF_FFFF, allowed: 400 }));
}

#[test]
fn modules_that_are_given_are_looked_for_first() {
    let given = |name: &str, kind| Given { name: name.into(), kind };
    let file = || given("a.py", GivenKind::File { content: b"".as_slice().into(), executable: false });
    let directory = |name: &str, imports| given(name, GivenKind::Directory { imports });
    let found = |mode: Mode, files: Vec<Given>| paths(&Request { mode, files, ..Request::default() }, &policy(1 << 20));
    assert_eq!(found(Mode::AllItems, vec![]), [""; 0]);
    assert_eq!(found(Mode::PerItem(OnError::Stop), vec![file()]), ["/workspace"]);
    let directories = || vec![directory("./lib/", true), directory("data", false), directory(".", true)];
    assert_eq!(found(Mode::AllItems, directories()), ["/workspace", "/workspace/lib"]);
    let argument = Mode::Script(Script { origin: Origin::Argument, ..Script::default() });
    assert_eq!(found(argument, directories()), ["", "/workspace/lib"]);
}

/// The program's word of itself in the job, by Python's own reader.
#[test]
fn a_program_finds_what_names_it() {
    let script = |origin, arguments: &[&str]| Script {
        origin,
        arguments: arguments.iter().map(ToString::to_string).collect(),
        awaits: true,
        value: false,
        display: false,
        lines: false,
    };
    let job = |script| {
        encode(&Request { code: "x".into(), mode: Mode::Script(script), ..Request::default() }, &policy(1 << 20), &python()).unwrap()
    };
    let named = |shown: &str, path: &str, file: &str, module: &str, argv: &str| {
        let text = format!(
            r#"{{"version": 4, "mode": "script", "n8n": null, "script": {{"directory": "/workspace", "shown": "{shown}", "file": {file}, "module": {module},
            "argv": {argv}, "display": null, "await": true, "value": false, "lines": false}}, "paths": ["{path}"], "environment": {{}}, "on_error": "stop", "code": "x", "items": [], "query": null,
            "security": {{"stdlib_allow": ["json"], "external_allow": [], "builtins_deny": ["eval"], "runner_env_deny": true}},
            "prefix": "/usr", "standard_path": ["/usr/lib/python3.11"], "limits": {{"prints": 1000, "result_size": 8589934592}},
            "result": {{"nan": "error", "pandas": "error", "surrogates": "error"}}}}"#
        );
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let cases = [
        (Origin::File("a.py".into()), named("/workspace/a.py", "/workspace", r#""a.py""#, "null", r#"["a.py", "-x"]"#)),
        (Origin::Stdin, named("<stdin>", "", r#""<stdin>""#, "null", r#"["-", "-x"]"#)),
        (Origin::Argument, named("<string>", "", "null", "null", r#"["-c", "-x"]"#)),
        (Origin::Module("m".into()), named("<string>", "/workspace", "null", r#""m""#, r#"["-m", "-x"]"#)),
    ];
    for (origin, expected) in cases {
        assert_eq!(in_python(&job(script(origin.clone(), &["-x"]))), expected, "{origin:?}");
    }
    let shows = in_python(&job(Script { display: true, ..script(Origin::Argument, &[]) }));
    assert_eq!(shows["script"]["display"], DISPLAY, "only where it is asked for");
}

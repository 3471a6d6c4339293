//! Good and bad files, each bad one with the exact place and words of every problem.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::borrow::Cow;

use serde_json::Value;

use super::*;
use crate::overrides::{apply, set};
use crate::shipped;
use crate::source::LARGEST;
use crate::units::{Bytes, Limit};

fn file(text: impl Into<Vec<u8>>) -> Source {
    Source { file: "p.jsonc".into(), text: Cow::Owned(text.into()) }
}

fn read(text: &str) -> Result<Policy, Vec<Problem>> {
    parse(&Chain::shipped(&file(text)), "p")
}

pub(super) fn problems_of(text: &str) -> Vec<Problem> {
    read(text).expect_err(text)
}

/// Problems of a file as `line:column+length field: message (help)`.
fn problems(text: &str) -> Vec<String> {
    let found = read(text).expect_err(text);
    for problem in &found {
        // The place by line and column is the place by bytes.
        let piece = &text[problem.offset..problem.offset + problem.bytes];
        let line = text.split(['\n', '\r']).nth(problem.line - 1).unwrap();
        assert!(line.chars().skip(problem.column - 1).collect::<String>().starts_with(piece.lines().next().unwrap_or("")), "{problem}");
        assert_eq!(piece.chars().count(), problem.length, "{problem}");
    }
    found.iter().map(|p| format!("{}:{}+{} {}", p.line, p.column, p.length, p.to_string().split_once(": ").unwrap().1)).collect()
}

/// One section of an otherwise good file that starts at 1:15.
fn section(text: &str) -> Vec<String> {
    problems(&format!("{{\"version\": 1, {text}}}"))
}

#[test]
fn a_file_without_base_starts_from_the_floor() {
    assert_eq!(read("{\"version\": 1}").unwrap(), Policy::floor("p"));
    let policy = read("// why\n{\"$schema\": 7, \"version\": 1, \"description\": \"d\", \"limits\": {\"memory\": \"1.5GiB\",},}").unwrap();
    assert_eq!((policy.limits.memory, policy.description.as_str()), (Limit::At(Bytes(3 << 29)), "d"));
}

#[test]
fn lists_replace_or_edit_and_objects_merge() {
    let policy = read(
        "{\"version\": 1, \"extends\": \"default\", \"filesystem\": {\"devices\": [\"null\"]},
          \"syscalls\": {\"allow\": {\"remove\": [\"@exec\"], \"add\": [\"mkdir\"]}}, \"environment\": {\"HOME\": null, \"A\": \"1\"}}",
    )
    .unwrap();
    let base = shipped("default").unwrap().unwrap();
    assert_eq!(policy.limits, base.limits);
    assert_eq!(policy.filesystem.devices, [crate::policy::Device::Null]);
    let names = |policy: &Policy| policy.syscalls.rules.allow.iter().map(|grant| grant.call.clone()).collect::<Vec<_>>();
    let expected: Vec<_> = names(&base).into_iter().filter(|name| name != "@exec").chain(["mkdir".to_owned()]).collect();
    assert_eq!(names(&policy), expected);
    assert_eq!(policy.environment, [("LANG".to_owned(), "C.UTF-8".to_owned()), ("A".to_owned(), "1".to_owned())]);
}

#[test]
fn every_problem_at_once_in_order() {
    let text =
        "{\n  \"limits\": {\n    \"memroy\": \"10MB\",\n    \"wall_time\": 10,\n    \"wall_time\": \"10s\"\n  },\n  \"netwrok\": {}\n}\n";
    assert_eq!(
        problems(text),
        [
            "1:1+1 \"version\" is missing (write \"version\": 1)",
            "3:5+8 limits: unknown key \"memroy\" (did you mean \"memory\"?)",
            "4:18+2 limits.wall_time: \"10\" has no unit (write \"10us\" or \"10ms\" or \"10s\")",
            "5:5+11 limits: the key \"wall_time\" is written twice (keep one of them)",
            "7:3+9 unknown key \"netwrok\" (did you mean \"network\"?)",
        ]
    );
}

#[test]
fn values_of_limits() {
    let cases = [
        (
            "\"memory\": \"10MB\"",
            "1:37+6 limits.memory: \"10MB\" has the unknown unit \"MB\" (write \"10MiB\", or \"10000000B\" if powers of 1000 are meant)",
        ),
        (
            "\"memory\": 0",
            "1:37+1 limits.memory: \"0B\": zero is no limit (write a limit above zero; \"unlimited\" lifts a limit where that is allowed)",
        ),
        ("\"memory\": \"none\"", "1:37+6 limits.memory: expected a limit, found the text \"none\" (write \"unlimited\" to lift it)"),
        (
            "\"memory\": null",
            "1:37+4 limits.memory: expected an amount such as \"64MiB\", found null (leave the key out to inherit its value)",
        ),
        ("\"memory\": \"9EiB\"", "1:37+6 limits.memory: \"9EiB\" has the unknown unit \"EiB\" (units are B, KiB, MiB, GiB, TiB)"),
        (
            "\"stack\": \"unlimited\"",
            "1:36+11 limits.stack: expected an amount such as \"64MiB\", found the text \"unlimited\" (this limit can't be lifted)",
        ),
        ("\"stack\": \"1KiB\"", "1:36+6 limits.stack: 1KiB is out of range (at least 64KiB)"),
        ("\"stdout\": \"0B\"", "1:37+4 limits.stdout: 0B is out of range (at least 1B)"),
        ("\"pids\": \"64\"", "1:35+4 limits.pids: expected a whole number from 0 on, found the text \"64\" (write 64, without quotes)"),
        ("\"pids\": -1", "1:35+2 limits.pids: expected a limit, found the number -1 (write \"unlimited\" to lift it)"),
        ("\"pids\": 1.5", "1:35+3 limits.pids: expected a whole number from 0 on, found the number 1.5"),
        (
            "\"pids\": 18446744073709551616",
            "1:35+20 limits.pids: expected a whole number from 0 on, found the number 18446744073709551616 (at most 18446744073709551615)",
        ),
        ("\"open_files\": 4", "1:41+1 limits.open_files: 4 is out of range (at least 16)"),
        ("\"cpus\": \"2\"", "1:35+3 limits.cpus: expected a number of CPUs, found the text \"2\" (write 2, without quotes)"),
        ("\"cpus\": 0.001", "1:35+5 limits.cpus: 0.001 is out of range (at least 0.01)"),
        ("\"cgroup\": true", "1:37+4 limits.cgroup: expected a word, found true (one of: required, optional)"),
        ("\"cgroup\": \"requried\"", "1:37+10 limits.cgroup: unknown word \"requried\" (did you mean \"required\"?)"),
    ];
    for (text, expected) in cases {
        assert_eq!(section(&format!("\"limits\": {{{text}}}")), [expected]);
    }
    assert_eq!(
        section("\"limits\": []"),
        ["1:26+2 limits: expected an object, found a list (write {\"memory\": \"256MiB\", \"wall_time\": \"10s\"})"]
    );
}

#[test]
fn mounts() {
    let cases = [
        ("{}", "1:42+1 filesystem.mounts[0]: \"source\" is missing"),
        ("{\"target\": \"/a\"}", "1:42+1 filesystem.mounts[0]: \"source\" is missing"),
        ("{\"source\": \"data\"}", "1:53+6 filesystem.mounts[0].source: \"data\" is not absolute (start it with /)"),
        ("{\"source\": \"/a/../b\"}", "1:53+9 filesystem.mounts[0].source: \"/a/../b\" goes up by \"..\" (write the path it leads to)"),
        ("{\"source\": \"/a//b/\"}", "1:53+8 filesystem.mounts[0].source: \"/a//b/\" has a shorter spelling (write \"/a/b\")"),
        (
            "{\"source\": \"/\"}",
            "1:53+3 filesystem.mounts[0].source: the whole root can't be mounted (name the directories that are needed)",
        ),
        ("{\"source\": \"/proc/1\"}", "1:53+9 filesystem.mounts[0].source: \"/proc/1\" lies in /proc, which each run has of its own"),
        (
            "{\"source\": \"/a\", \"target\": \"/tmp/a\"}",
            "1:69+8 filesystem.mounts[0].target: \"/tmp/a\" lies in /tmp, which each run has of its own",
        ),
        (
            "{\"source\": \"/a\", \"writable\": true}",
            "1:71+4 filesystem.mounts[0].writable: a writable mount is dangerous and has no reason (add \"reason\": \"why runs need it\")",
        ),
        ("{\"source\": \"/a\"}, {\"source\": \"/b\", \"target\": \"/a\"}", "1:60+32 filesystem.mounts: \"/a\" is listed twice"),
        (
            "{\"source\": \"/a\", \"target\": \"/var\"}",
            "1:69+6 filesystem.mounts: no run can have a mount at \"/var\": /var/tmp is the run's own (choose another target)",
        ),
        (
            "{\"source\": \"/etc/hosts\"}",
            "1:53+12 filesystem.mounts: no run can have a mount at \"/etc/hosts\": /etc/hosts is made for the run (choose another target)",
        ),
        (
            "{\"source\": \"/a/b\"}, {\"source\": \"/a\"}",
            "1:73+4 filesystem.mounts: the mount at \"/a\" covers the earlier one at \"/a/b\" (list the outer mount first)",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(section(&format!("\"filesystem\": {{\"mounts\": [{text}]}}")), [expected]);
    }
}

#[test]
fn grants() {
    let cases = [
        ("\"@thread\"", "1:39+9 syscalls.allow[0]: unknown group \"@thread\" (did you mean \"@threads\"?)"),
        ("\"threads\"", "1:39+9 syscalls.allow[0]: unknown system call \"threads\" (write \"@threads\")"),
        ("\"opneat\"", "1:39+8 syscalls.allow[0]: unknown system call \"opneat\" (did you mean \"openat\"?)"),
        ("{\"reason\": \"r\"}", "1:39+1 syscalls.allow[0]: \"call\" is missing"),
        ("7", "1:39+1 syscalls.allow[0]: expected a name, or an object with \"call\", found the number 7"),
        ("\"read\", \"read\"", "1:47+6 syscalls.allow: \"read\" is listed twice"),
        (
            "{\"call\": \"@io\", \"when\": [{\"arg\": 0, \"equals\": 1}]}",
            "1:39+50 syscalls.allow[0]: conditions need a single call: a group's calls have different arguments (name the call)",
        ),
        (
            "{\"call\": \"read\", \"when\": [{\"arg\": 6, \"equals\": 1}]}",
            "1:73+1 syscalls.allow[0].when[0].arg: 6 is no argument (0 to 5)",
        ),
        (
            "{\"call\": \"read\", \"when\": [{\"arg\": 5, \"equals\": 1}]}",
            "1:39+51 syscalls.allow: read has no argument 5 (it has 3, counted from 0)",
        ),
        (
            "{\"call\": \"read\", \"when\": [{\"arg\": 0}]}",
            "1:65+1 syscalls.allow[0].when[0]: compares with nothing (write one of \"equals\", \"one_of\", \"at_most\", \"masked\")",
        ),
        (
            "{\"call\": \"read\", \"when\": [{\"arg\": 0, \"masked\": {\"mask\": \"0xf\", \"value\": 16}}]}",
            "1:111+2 syscalls.allow[0].when[0].masked.value: has bits outside the mask, so it never matches (clear them, or widen the mask)",
        ),
        (
            "{\"call\": \"read\", \"when\": [{\"arg\": 0, \"equals\": \"0x1ffffffff\"}]}",
            "1:39+63 syscalls.allow: argument 0 of read has 32 bits (the kernel looks at its lower 32 bits only; -1 is \"0xffffffff\")",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(section(&format!("\"syscalls\": {{\"allow\": [{text}]}}")), [expected]);
    }
    let dangerous = section("\"syscalls\": {\"allow\": [\"@sockets\"]}");
    assert!(dangerous[0].starts_with("1:39+10 syscalls.allow: \"@sockets\" is dangerous and has no reason: "), "{dangerous:?}");
    read("{\"version\": 1, \"syscalls\": {\"allow\": [{\"call\": \"@sockets\", \"reason\": \"talks to its peer\"}]}}").unwrap();
    let never = section("\"syscalls\": {\"allow\": [{\"call\": \"clone3\", \"reason\": \"r\"}]}");
    assert!(never[0].starts_with("1:39+33 syscalls.allow: \"clone3\" cannot be granted"), "{never:?}");
    let both = section("\"syscalls\": {\"allow\": [\"mkdir\"], \"deny\": [\"rmdir\", \"mkdir\"]}");
    assert_eq!(both, ["1:67+7 syscalls.deny: \"mkdir\" is in syscalls.allow too, where it has no effect (take it out of one of the two)"]);
}

#[test]
fn the_other_sections() {
    let cases = [
        (
            "\"network\": {\"mode\": \"host\"}",
            "1:36+6 network.mode: a network is dangerous and has no reason (add \"reason\": \"why runs need it\")",
        ),
        ("\"network\": \"none\"", "1:27+6 network: expected an object, found the text \"none\" (write {\"mode\": \"none\"})"),
        ("\"landlock\": {\"minimum_abi\": 0}", "1:44+1 landlock.minimum_abi: 0 is out of range (at least 1)"),
        (
            "\"python\": {\"stdlib_allow\": [\"os.path\"]}",
            "1:44+9 python.stdlib_allow: \"os.path\" names a submodule (write \"os\": packages are allowed as a whole)",
        ),
        (
            "\"python\": {\"stdlib_allow\": [\"*\", \"os\"]}",
            "1:43+11 python.stdlib_allow: \"*\" allows all, so the other names have no effect (keep either \"*\" or the names)",
        ),
        (
            "\"python\": {\"external_allow\": [\"scikit-learn\"]}",
            "1:46+14 python.external_allow: \"scikit-learn\" is not a Python name (write the name that is imported, not the one that is installed)",
        ),
        ("\"python\": {\"interpreter\": \"bin/python\"}", "1:42+12 python.interpreter: \"bin/python\" is not absolute (start it with /)"),
        ("\"environment\": {\"N\": 4}", "1:37+1 environment.N: expected a text, found the number 4 (write \"4\")"),
        ("\"environment\": {\"A=B\": \"\"}", "1:32+9 environment: \"A=B\" is not a variable's name"),
        ("\"description\": \"a\\u001b[2J\"", "1:31+12 description: \"a\\u{1b}[2J\" has control characters"),
        ("\"extends\": \"defualt\"", "1:27+9 extends: no policy \"defualt\" (did you mean \"default\"?)"),
        (
            "\"extends\": \"default\", \"syscalls\": {\"allow\": {\"remove\": [\"@exce\"]}}",
            "1:72+7 syscalls.allow.remove: \"@exce\" is not in the list that this file starts from (did you mean \"@exec\"?)",
        ),
        (
            "\"extends\": \"default\", \"limits\": {\"memory\": \"32MiB\"}",
            "1:59+7 limits.memory: filesystem.tmp.size = 64MiB is larger than limits.memory = 32MiB, which counts it (filesystem.tmp.size: at most 32MiB, or more memory)",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(section(text), [expected], "{text}");
    }
}

#[test]
fn texts_that_are_no_json() {
    let cases = [
        ("", "1:1+0 the file is empty (start with {\"version\": 1})"),
        ("[]", "1:1+2 expected an object, found a list"),
        ("{\"version\": 1", "1:1+1 this { has no }"),
        ("{\"version\": 1 \"limits\": {}}", "1:14+0 expected comma"),
        ("{version: 1}", "1:2+7 expected string for object property"),
        ("{\"version\": 0x1}", "1:13+1 hexadecimal numbers are not allowed"),
        ("{\"version\": NaN}", "1:13+3 unexpected token"),
        ("{\"version\": 'x'}", "1:13+1 single-quoted strings are not allowed"),
        ("{\"version\": 2}", "1:13+1 version: version 2 is unknown (this remand reads version 1)"),
        ("{\"version\": 1} {}", "1:16+1 text cannot contain more than one JSON value"),
        ("/* é", "1:1+4 unterminated comment block"),
    ];
    for (text, expected) in cases {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].split(" (").next(), expected.split(" (").next(), "{text}");
    }
}

#[test]
fn positions_count_characters_lines_and_the_byte_order_mark() {
    let text = "\u{feff}{\"version\": 1,\r\n  /* é𝄞 */ \"x\": 1}";
    let found = &parse(&Chain::shipped(&file(text)), "p").unwrap_err()[0];
    assert_eq!((found.line, found.column, found.length), (2, 12, 3));
    assert_eq!(&text[found.offset..found.offset + found.bytes], "\"x\"");
    // What looks like a part of the comment would be a key.
    let found = read("{\"version\": 1, // harmless\r\"limits\": {}}").unwrap_err();
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["p.jsonc:1:27: a carriage return without a line feed (end lines with a line feed, alone or after a carriage return)"]
    );
}

#[test]
fn bytes_that_are_no_text() {
    let found = &parse(&Chain::shipped(&file(*b"{\n \"a\": \"\xff\"}")), "p").unwrap_err()[0];
    assert_eq!((found.line, found.column, found.offset, found.message.as_str()), (2, 8, 9, "not UTF-8"));
    let found = &parse(&Chain::shipped(&file(vec![b' '; LARGEST + 1])), "p").unwrap_err()[0];
    assert_eq!(found.to_string(), "p.jsonc:1:1: 1048577 bytes are more than a policy file may have (1048576)");
    parse(&Chain::shipped(&file([b"{\"version\": 1}".as_slice(), &vec![b' '; LARGEST - 14]].concat())), "p").unwrap();
}

#[test]
fn extends_in_a_circle_and_problems_of_a_base() {
    let find = |name: &str| match name {
        "a" => Ok(Source { file: "a.jsonc".into(), text: b"{\"version\": 1, \"extends\": \"b\"}".as_slice().into() }),
        "b" => Ok(Source { file: "b.jsonc".into(), text: b"{\"version\": 1, \"extends\": \"a\", \"x\": 1}".as_slice().into() }),
        _ => Err("none".to_owned()),
    };
    let found = parse(&Chain::follow(&find("a").unwrap(), |_, name| find(name)), "a").unwrap_err();
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "b.jsonc:1:27: extends: goes in a circle: a.jsonc -> b.jsonc -> a.jsonc",
            "b.jsonc:1:32: unknown key \"x\" (known here: extends, $schema, version, description, limits, filesystem, syscalls, network, namespaces, landlock, python, environment, result, request, expect)"
        ]
    );
    let endless = |name: &str| {
        Ok(Source { file: format!("{name}x"), text: format!("{{\"version\": 1, \"extends\": \"{name}x\"}}").into_bytes().into() })
    };
    let found = parse(&Chain::follow(&endless("").unwrap(), |_, name| endless(name)), "").unwrap_err();
    assert!(found[0].message.starts_with("more than 8 files: x -> xx"), "{}", found[0]);
}

#[test]
fn hostile_sizes_end_soon() {
    assert_eq!(
        problems(&"[".repeat(LARGEST))[0].split_once(' ').unwrap().1,
        "maximum nesting depth exceeded (nothing in a policy is that deep)"
    );
    assert_eq!(problems(&format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200))).len(), 2);
    let many = (0..50_000).fold(String::new(), |text, n| text + &format!("\"k{n}\":1,"));
    assert_eq!(problems(&format!("{{\"version\":1,{many}}}")), ["1:1+538904 more than 512 keys (split or shorten it)"]);
    let many = (0..500).fold(String::new(), |text, n| text + &format!("\"k{n}\":1,"));
    assert_eq!(section(&format!("\"limits\": {{{many}}}")).len(), 100);
    assert_eq!(section(&format!("\"syscalls\": {{\"deny\": [{}]}}", "1,".repeat(1000))).len(), 1);
}

#[test]
fn canonical_text_reads_back() {
    for (name, _) in shipped::SHIPPED {
        let policy = shipped(name).unwrap().unwrap();
        let text = policy.canonical();
        let again = parse(&Chain::shipped(&file(text.clone())), name).unwrap();
        assert_eq!((again.canonical(), again.hash()), (text, policy.hash()));
        assert_eq!(again, policy);
    }
    let hash = Policy::floor("").hash();
    assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
}

#[test]
fn a_request_narrows_by_the_same_code() {
    let policy = shipped("default").unwrap().unwrap();
    let mut tree = Value::Null;
    for (path, text) in
        [("limits.memory", "32MiB"), ("python.stdlib_allow", "[\"json\"]"), ("limits.pids", "8"), ("limits.cgroup", "required")]
    {
        set(&mut tree, path, text).unwrap();
    }
    let narrowed = apply(&policy, &tree).unwrap();
    assert_eq!((narrowed.limits.memory, narrowed.limits.pids), (Limit::At(Bytes(32 << 20)), Limit::At(8)));
    assert_eq!(narrowed.python.stdlib_allow, ["json"]);
    assert_eq!(apply(&policy, &Value::Null).unwrap(), policy);

    let shown = |tree: &Value| apply(&policy, tree).unwrap_err().iter().map(|p| format!("{}: {}", p.field, p.message)).collect::<Vec<_>>();
    for (path, text, expected) in [
        ("limits.memory", "1GiB", "limits.memory: \"1GiB\" is more than the policy allows (\"256MiB\")"),
        ("limits.pids", "unlimited", "limits.pids: \"unlimited\" is more than the policy allows (64)"),
        ("syscalls.allow", "[\"@io\", \"@sockets\"]", "syscalls.allow: "),
        ("environment.A", "1", "environment.A: \"1\" is not narrower than what the policy says; requests only narrow"),
        (
            "python.interpreter",
            "/bin/sh",
            "python.interpreter: \"/bin/sh\" is not narrower than what the policy says (\"python3\"); requests only narrow",
        ),
        ("extends", "strict", ": unknown key \"extends\""),
        ("limits.memory", "64", "limits.memory: \"64\" has no unit"),
    ] {
        let mut tree = Value::Null;
        set(&mut tree, path, text).unwrap();
        assert!(shown(&tree)[0].starts_with(expected), "{:?}", shown(&tree));
    }
    assert_eq!(apply(&policy, &Value::from(7)).unwrap_err()[0].message, "expected an object, found the number 7");
    set(&mut tree, "limits.memory.x", "1").unwrap_err();
    set(&mut tree, "a..b", "1").unwrap_err();
}

#[test]
fn paths_that_no_system_call_takes_are_refused() {
    let told = |source: &str, target: &str| {
        let text = format!("{{\"version\": 1, \"filesystem\": {{\"mounts\": [{{\"source\": \"{source}\", \"target\": \"{target}\"}}]}}}}");
        parse(&Chain::shipped(&Source { file: "p".into(), text: text.into_bytes().into() }), "p")
            .err()
            .map(|problems| problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; "))
    };
    let name = |length| format!("/{}", "a".repeat(length));
    let deep = |length: usize| "/aaaa".repeat(length / 5);
    assert_eq!((told("/a", &name(255)), told("/a", &deep(4095)), told(&name(255), "/a")), (None, None, None));
    for (source, target) in [("/a".to_owned(), name(256)), (name(256), "/a".to_owned()), ("/a".to_owned(), format!("/b{}/c", name(300)))] {
        assert!(told(&source, &target).unwrap().contains("longer than the 255 bytes of a name"));
    }
    assert!(told("/a", &format!("{}a", deep(4095))).unwrap().contains("longer than the 4095 bytes of a path"));
}

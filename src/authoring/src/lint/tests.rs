//! Every advice once where it is due and, beside it, the nearest file to which it must not be given.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use remand_policy::load::{Chain, trace};
use remand_policy::shipped;
use remand_policy::source::Source;
use remand_policy::text::Severity;

fn warnings(text: &str) -> Vec<String> {
    let source = Source { file: "p.jsonc".into(), text: text.as_bytes().to_vec().into() };
    let loaded = trace(&Chain::shipped(&source), "p").unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    let told = |p: &remand_policy::text::Problem| {
        assert_eq!((p.severity, p.file.as_str()), (Severity::Warning, "p.jsonc"));
        assert!(text.get(p.offset..p.offset + p.bytes).is_some(), "{p}");
        format!("{}:{}+{} {}", p.line, p.column, p.length, p.to_string().split_once(": ").unwrap().1)
    };
    super::lint(&loaded, &source).iter().map(told).collect()
}

/// A file over the default policy.
fn over(text: &str) -> Vec<String> {
    warnings(&format!("{{\"version\": 1, \"extends\": \"default\", {text}}}"))
}

#[track_caller]
fn due(text: &str, said: &str, not: &str) {
    let found = over(text);
    assert!(found.len() == 1 && found[0].contains(said), "{text}: {found:?}");
    assert_eq!(over(not), [""; 0], "{not}");
}

#[test]
fn shipped_policies_get_none() {
    for (name, text) in shipped::SHIPPED {
        assert_eq!(warnings(text), [""; 0], "{name}");
    }
}

#[test]
fn limits() {
    let limits = |text: &str| format!("\"limits\": {{{text}}}");
    let due = |text: &str, said: &str, not: &str| due(&limits(text), said, &limits(not));
    due(
        "\"stack\": \"64MiB\"",
        "1:58+7 limits.stack: limits.pids = 64 threads with a stack of 64MiB reserve 4GiB of addresses, which costs nothing; but what they touch counts in \
         limits.memory = 256MiB: when 4 of them have filled their stacks, the next ends the run (a stack of 4MiB lets all of them fill theirs; or at most 4 pids)",
        "\"stack\": \"64MiB\", \"pids\": 4",
    );
    due("\"stack\": \"64MiB\"", "have filled their stacks", "\"stack\": \"256MiB\"");
    due("\"stack\": \"512MiB\"", "limits.stack = 512MiB is never full", "\"stack\": \"8MiB\"");
    due("\"pids\": 100000", "limits.pids = 100000 is never reached", "\"pids\": 1000");
    due("\"pids\": 1", "counts the interpreter itself", "\"pids\": 2");
    due(
        "\"wall_time\": \"5s\"",
        "1:62+4 limits.wall_time: limits.cpu_time = 10s is never reached: limits.wall_time = 5s on limits.cpus = 1 gives 5s of it",
        "\"wall_time\": \"5s\", \"cpu_time\": \"5s\"",
    );
    due("\"cpu_time\": \"30s\"", "gives 10s of it, then the wall clock ends the run", "\"cpu_time\": \"30s\", \"cpus\": 3");
    due("\"file_size\": \"1GiB\"", "a full /tmp (ENOSPC) stops a file first", "\"file_size\": \"unlimited\"");
    due("\"result_size\": \"1GiB\"", "only the values of many items", "\"result_size\": \"256MiB\"");
    due("\"result_nodes\": 100000000", "is never reached: each takes at least a byte", "\"result_nodes\": 8000000");
    assert_eq!(over("\"filesystem\": {\"tmp\": {\"size\": \"1MiB\"}}"), [""; 0], "a narrower /tmp than the inherited file_size");
    assert_eq!(over(&limits("\"cpu_time\": \"10100ms\"")), [""; 0], "the start of the interpreter counts too");
}

#[test]
fn grants() {
    // Without the grant that has some of these calls already.
    let add = |grants: &str| format!("\"syscalls\": {{\"allow\": {{\"remove\": [\"@unix_sockets\"], \"add\": [{grants}]}}}}");
    let call = |call: &str, when: &str| format!("{{\"call\": \"{call}\", \"reason\": \"r\", \"when\": [{when}]}}");
    let due = |grants: &str, said: &str, not: &str| due(&add(grants), said, &add(not));
    let socket = |when: &str| call("socket", when);
    due("\"read\"", "syscalls.allow: \"@io\" grants all of \"read\" already (take it out)", &socket("{\"arg\": 0, \"equals\": 1}"));
    due(
        &call("read", "{\"arg\": 0, \"equals\": 3}"),
        "the condition has no effect: \"@io\" grants \"read\"",
        &socket("{\"arg\": 2, \"equals\": 3}"),
    );
    due(
        &call("prctl", "{\"arg\": 0, \"equals\": 15}"),
        "the condition has no effect: \"@process\" grants \"prctl\" with these arguments already",
        &call("prctl", "{\"arg\": 0, \"equals\": 4}"),
    );
    let never = "the conditions on argument 0 of socket contradict each other: this grant never matches";
    for (contradiction, consistent) in [
        ("{\"arg\": 0, \"equals\": 1}, {\"arg\": 0, \"equals\": 2}", "{\"arg\": 0, \"equals\": 1}, {\"arg\": 1, \"equals\": 2}"),
        (
            "{\"arg\": 0, \"one_of\": [1, 2]}, {\"arg\": 0, \"at_most\": 0}",
            "{\"arg\": 0, \"one_of\": [1, 2]}, {\"arg\": 0, \"at_most\": 1}",
        ),
        (
            "{\"arg\": 0, \"masked\": {\"mask\": 12, \"value\": 8}}, {\"arg\": 0, \"masked\": {\"mask\": 8, \"value\": 0}}",
            "{\"arg\": 0, \"masked\": {\"mask\": 12, \"value\": 8}}, {\"arg\": 0, \"masked\": {\"mask\": 3, \"value\": 0}}",
        ),
        (
            "{\"arg\": 0, \"masked\": {\"mask\": 8, \"value\": 8}}, {\"arg\": 0, \"at_most\": 7}",
            "{\"arg\": 0, \"masked\": {\"mask\": 8, \"value\": 8}}, {\"arg\": 0, \"at_most\": 8}",
        ),
    ] {
        due(&socket(contradiction), never, &socket(consistent));
    }
    due(
        &socket("{\"arg\": 0, \"at_most\": \"0xffffffff\"}"),
        "holds for every value",
        &socket("{\"arg\": 0, \"at_most\": \"0xfffffffe\"}"),
    );
    due(
        &socket("{\"arg\": 0, \"equals\": 1}, {\"arg\": 2, \"masked\": {\"mask\": 0, \"value\": 0}}"),
        "argument 2 of socket holds for every value",
        &socket("{\"arg\": 0, \"equals\": 1}"),
    );
}

#[test]
fn denials() {
    due(
        "\"syscalls\": {\"allow\": {\"add\": [{\"call\": \"ptrace\", \"reason\": \"r\"}]}, \"kill\": [\"@debug\"]}",
        "syscalls.allow: \"@debug\" in syscalls.kill leaves nothing of the grant of \"ptrace\"",
        "\"syscalls\": {\"kill\": [\"@debug\"]}",
    );
    due("\"syscalls\": {\"deny\": [\"ptrace\"]}", "nothing in syscalls.allow grants \"ptrace\"", "\"syscalls\": {\"deny\": [\"mkdir\"]}");
    due("\"syscalls\": {\"deny\": [\"mkdir\"], \"kill\": [\"mkdir\", \"@keys\"]}", "", "\"syscalls\": {\"kill\": [\"mkdir\"]}");
}

#[test]
fn what_the_interpreter_needs() {
    let quiet = |name: &str| format!("\"syscalls\": {{\"quiet\": [\"{name}\"]}}");
    due(&quiet("read"), "syscalls.quiet: \"read\" is granted by syscalls.allow, so it is never denied", &quiet("mbind"));
    due(&quiet("@time"), "\"@time\" is granted", &quiet("@numa"));
    due(
        "\"syscalls\": {\"quiet\": [\"ptrace\"], \"kill\": [\"@debug\"]}",
        "\"ptrace\" in syscalls.kill ends the run, which is never quiet",
        "\"syscalls\": {\"quiet\": [\"ptrace\"], \"kill\": [\"mount\"]}",
    );
    // Granted with some arguments, denied with others: `socket` of `@unix_sockets`.
    assert_eq!(over(&quiet("socket")), [""; 0]);
    let none = warnings("{\"version\": 1, \"syscalls\": {\"allow\": [\"@io\", \"@files\", \"@signals\"]}}");
    assert_eq!(
        none,
        [
            "1:38+29 syscalls.allow: no Python starts under this policy: it needs arch_prctl, futex, mmap, mprotect; `remand exec` starts programs that do not (grant \"@memory\", \"@process\")"
        ]
    );
    assert_eq!(
        over("\"syscalls\": {\"deny\": [\"mmap\"]}"),
        [
            "1:60+6 syscalls.deny: no Python starts under this policy: it needs mmap; `remand exec` starts programs that do not (take \"mmap\" out of syscalls.deny)"
        ]
    );
    assert!(warnings("{\"version\": 1}")[0].starts_with("1:1+1 no Python starts under this policy"));
}

#[test]
fn mounts_network_and_landlock() {
    let mounts = |inner: &str| format!("\"filesystem\": {{\"mounts\": [{{\"source\": \"/srv\", \"target\": \"/data\"}}, {inner}]}}");
    due(
        &mounts("{\"source\": \"/srv/a\", \"target\": \"/data/a\"}"),
        "the mount at \"/data/a\" shows what the one at \"/data\" shows there already",
        &mounts("{\"source\": \"/srv/b\", \"target\": \"/data/a\"}"),
    );
    let network = "\"network\": {\"mode\": \"loopback\", \"reason\": \"r\"}";
    let sockets = format!(
        "{network}, \"syscalls\": {{\"allow\": {{\"remove\": [\"@socketpair\"], \"add\": [{{\"call\": \"@sockets\", \"reason\": \"r\"}}]}}}}"
    );
    due(network, "network.mode: network.mode = loopback has no use", &sockets);
    let host = |mounts: &str| format!("{}, \"filesystem\": {{\"mounts\": [{mounts}]}}", sockets.replace("loopback", "host"));
    // What is proposed is a policy, and says no more.
    let (names, certificates) = (
        r#"{"source": "/etc/resolv.conf"}"#,
        r#"{ "source": "/usr/lib/ssl" }, { "source": "/etc/ssl/certs" }, { "source": "/usr/share/ca-certificates" }"#,
    );
    let both = host(&format!("{names}, {certificates}"));
    due(&host(certificates), "no mount shows /etc/resolv.conf (add { \"source\": \"/etc/resolv.conf\" } to filesystem.mounts)", &both);
    due(&host(names), &format!("where OpenSSL looks for them (add {certificates} (Debian's places) to filesystem.mounts)"), &both);
    due(&host(&format!("{names}, {{\"source\": \"/etc/ssl/certs\"}}")), "every TLS peer is refused", &both);
    let bundle = r#"{"source": "/etc/ssl/certs/ca-certificates.crt", "target": "/usr/lib/ssl/cert.pem"}"#;
    assert_eq!(over(&host(&format!("{names}, {bundle}"))), [""; 0]);
    let landlock = |text: &str| format!("\"landlock\": {{{text}}}");
    due(&landlock("\"minimum_abi\": 12"), "no Linux up to 7.2 has a Landlock ABI 12", &landlock("\"minimum_abi\": 10"));
    due(&landlock("\"minimum_abi\": 4, \"enforce\": \"optional\""), "has no effect", &landlock("\"enforce\": \"optional\""));
}

#[test]
fn python_and_environment() {
    let python = |text: &str| format!("\"python\": {{{text}}}");
    due(
        &python("\"stdlib_allow\": [\"jsno\"]"),
        "python.stdlib_allow: no standard library of Python 3.9 to 3.14 has \"jsno\" (did you mean \"json\"?)",
        &python("\"stdlib_allow\": [\"json\", \"_json\"]"),
    );
    due(
        &python("\"external_allow\": [\"os\"]"),
        "\"os\" is in the standard library",
        &python("\"external_allow\": [\"distutils\", \"numpy\"]"),
    );
    due(&python("\"builtins_deny\": [\"evla\"]"), "(did you mean \"eval\"?)", &python("\"builtins_deny\": [\"eval\", \"exit\"]"));
    due(
        &python("\"builtins_deny\": [\"__import__\"]"),
        "no import statement works",
        &python("\"builtins_deny\": [\"__import__\"], \"stdlib_allow\": []"),
    );
    let environment = |text: &str| format!("\"environment\": {{{text}}}");
    due(&environment("\"LD_PRELOAD\": \"/a.so\""), "environment.LD_PRELOAD: ", &environment("\"LANG\": \"C\""));
    due(
        &environment("\"PYTHONHOME\": \"/a\""),
        "PYTHONHOME: it would have no effect in the run's Python",
        &environment("\"PATH\": \"/a\""),
    );
    due(
        &environment("\"OMP_NUM_THREADS\": \"65\""),
        "asks for more threads than limits.pids = 64",
        &environment("\"OMP_NUM_THREADS\": \"64\""),
    );
    let emptied = |value| format!("{}, {}", environment("\"OMP_NUM_THREADS\": \"2\""), python(&format!("\"runner_env_deny\": {value}")));
    due(&emptied("true"), "empties the environment before any package reads OMP_NUM_THREADS", &emptied("false"));
}

#[test]
fn many_values_are_not_compared() {
    let grant = |first: usize| {
        let values: Vec<_> = (first..first + 400).map(|n| n.to_string()).collect();
        format!("{{\"call\": \"socket\", \"reason\": \"r\", \"when\": [{{\"arg\": 0, \"one_of\": [{}]}}]}}", values.join(","))
    };
    let many: Vec<_> = (0..300).map(grant).collect();
    assert_eq!(over(&format!("\"syscalls\": {{\"allow\": {{\"add\": [{}]}}}}", many.join(","))), [""; 0]);
}

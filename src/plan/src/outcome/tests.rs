#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use remand_syscalls::NoRemedy;
use serde_json::json;

use super::*;
use crate::limit::{LimitKind, Unit};
use crate::verdict::Level;

fn every_verdict() -> Vec<Verdict> {
    let text = || "x".to_owned();
    vec![
        Verdict::Finished,
        Verdict::Raised,
        Verdict::Exited { code: -7 },
        Verdict::Signaled { signal: 11, name: text() },
        Verdict::Exceeded {
            limit: LimitKind::WallTime,
            allowed: 1,
            seen: u64::MAX,
            unit: Unit::Digits,
            source: text(),
            level: Level::Container,
        },
        Verdict::Violated { source: text() },
        Verdict::Cancelled,
        Verdict::NoResult,
        Verdict::MalformedResult { reason: text() },
        Verdict::NotStarted { step: Step::Pivot, index: 3, errno: 13, hint: text() },
        Verdict::Internal { message: text() },
    ]
}

fn outcome(verdict: Verdict) -> Outcome {
    Outcome {
        version: VERSION,
        run: "r1".into(),
        policy: PolicyRef { name: "default".into(), hash: "00".into() },
        verdict,
        value: RawValue::from_string("{\"n\":1.10,\"big\":123456789012345678901234567890}".into()).unwrap(),
        replaced: None,
        displays: Vec::new(),
        error: Some(ErrorFrame { kind: "ValueError".into(), line: Some(2), ..ErrorFrame::default() }),
        items: Some(Items { given: 3, returned: 1, failed: 1, error: None }),
        prints: ["hi\n"].into_iter().collect(),
        prints_dropped: None,
        place: None,
        stdin: None,
        left_running: 0,
        tty: false,
        stdout: Captured::default(),
        stderr: Captured { text: "e".into(), truncated: true, ..Captured::default() },
        output: Output::default(),
        output_order: Order::Exact,
        files: Vec::new(),
        files_left_out: Vec::new(),
        files_left_out_truncated: false,
        violations: vec![Violation {
            syscall: "mount".into(),
            args: [u64::MAX, 0, 0, 0, 0, 0],
            count: 2,
            answered: Answered::Eperm,
            remedy: Remedy::None(NoRemedy::Foreign),
        }],
        violations_truncated: false,
        quiet: Vec::new(),
        usage: Usage { wall_ms: Milliseconds(1_234_567), memory_peak: Some(1), ..Usage::default() },
        timing: vec![Timing { step: Step::CloneInit, us: 120 }],
        enforcement: BTreeMap::from([
            (Protection::Memory, Enforcement::Substitute { by: "rlimit".into(), because: "no cgroup".into() }),
            (Protection::Pids, Enforcement::By("cgroup v2 pids.max".into())),
            (Protection::OwnUid, Enforcement::Absent("not privileged".into())),
        ]),
    }
}

#[test]
fn the_keys_and_their_order() {
    let value = serde_json::to_value(outcome(Verdict::Finished)).unwrap();
    let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let named = "version run policy verdict value error items prints stdout stderr output output_order files violations violations_truncated quiet usage timing enforcement";
    assert_eq!(keys.join(" "), named);
    assert_eq!(value["verdict"], json!({"kind": "finished"}));
    assert_eq!(value["error"]["type"], json!("ValueError"));
    assert_eq!(value["usage"]["wall_ms"].to_string(), "1234.567");
    assert_eq!(value["enforcement"]["memory"], json!({"substitute": {"by": "rlimit", "because": "no cgroup"}}));
    let exceeded = serde_json::to_string(&every_verdict()[4]).unwrap();
    assert_eq!(
        exceeded,
        r#"{"kind":"exceeded","limit":"wall_time","allowed":1,"seen":18446744073709551615,"unit":"digits","source":"x","level":"container"}"#
    );
    let older: Verdict = serde_json::from_str(&exceeded.replace(r#","level":"container""#, "")).unwrap();
    assert!(matches!(older, Verdict::Exceeded { level: Level::Run, .. }), "a record without the level is of a run's own limit");
}

#[test]
fn values_are_the_runs_own_text_and_verdicts_read_back() {
    for verdict in every_verdict() {
        let text = serde_json::to_string(&verdict).unwrap();
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
        let text = serde_json::to_string(&outcome(verdict)).unwrap();
        assert!(text.contains("\"value\":{\"n\":1.10,\"big\":123456789012345678901234567890}"), "{text}");
    }
}

#[test]
fn what_is_read_is_written_as_it_was() {
    let file = File::new("a/b.txt".into(), vec![0, 255], true);
    let texts = ["\u{e9}", "", "x\n"];
    for verdict in every_verdict() {
        let mut all = outcome(verdict);
        all.files = vec![file.clone()];
        all.files_left_out = vec![LeftOut::new("x", Why::Fifo)];
        all.prints = texts.into_iter().collect();
        all.left_running = 2;
        all.tty = true;
        all.quiet = all.violations.clone();
        all.stdin = Some(Given { bytes: 3, unread: 1 });
        let text = serde_json::to_string(&all).unwrap();
        let read: Outcome = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        // One that has nothing but what is always there.
        let bare = serde_json::to_string(&Outcome::bare(PolicyRef { name: "x".into(), hash: "0".into() }, Verdict::Cancelled)).unwrap();
        assert_eq!(serde_json::to_string(&serde_json::from_str::<Outcome>(&bare).unwrap()).unwrap(), bare);
    }
}

#[test]
fn exit_codes_are_the_table() {
    let mut used: Vec<u8> = Vec::new();
    for verdict in every_verdict() {
        let code = exit_code(&verdict);
        let row = EXIT_CODES.iter().find(|(number, ..)| *number == code).unwrap();
        assert_eq!(row.1, verdict.kind());
        assert_eq!(serde_json::to_value(&verdict).unwrap()["kind"], json!(verdict.kind()));
        used.push(code);
    }
    used.extend([2, 12]);
    used.sort_unstable();
    assert_eq!(used, EXIT_CODES.map(|(code, ..)| code), "each code is somebody's, and once");
    assert!(exit_code_table().lines().count() == 13 && exit_code_table().starts_with("  0  finished"));
}

#[test]
fn the_schema_names_every_key() {
    let schema = schema();
    assert_eq!(schema.to_string(), super::schema().to_string());
    let value = serde_json::to_value(outcome(Verdict::Finished)).unwrap();
    for key in value.as_object().unwrap().keys() {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
    let kinds: Vec<_> =
        schema["$defs"]["Verdict"]["oneOf"].as_array().unwrap().iter().map(|one| one["properties"]["kind"]["const"].clone()).collect();
    assert_eq!(kinds, every_verdict().iter().map(|verdict| json!(verdict.kind())).collect::<Vec<_>>());
}

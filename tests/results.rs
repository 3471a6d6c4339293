//! The result channel: whatever the code writes there, the verdict rests on what the supervisor saw.

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::observe::Seen::{self, Exceeded, Exited, Malformed, NoDenial, OneOf, Raised, Signaled, Value, Verdict};
use remand_tests::observe::compare;
use remand_tests::technique::{Control, Technique};
use remand_tests::{Check, End, probe, trial};
use serde_json::json;

/// One row per technique.
pub const TABLE: &[Technique] = &[
    Technique::new("child_reports_for_a_failed_parent", probe!("child_reports"), &[Exited(3)], Control::Query("0", &[Value("\"forged\"")]))
        .query("3"),
    Technique::new(
        "tags_stay_data",
        probe!("tags_in_value"),
        &[
            Value(
                r#"{"py/reduce":["os.system",["id"]],"yaml":"!!python/object/apply:os.system ['id']","pickle":"cos\nsystem\n(S'id'\ntR.","__class__":"x","$ref":"file:///etc/passwd"}"#,
            ),
            NoDenial,
        ],
        Control::Plain(&[OneOf("/yaml", &["\"!!python/object/apply:os.system ['id']\""])]),
    ),
    Technique::new("exit_zero", probe!("leave_without_result"), &[Verdict("no_result")], VALUE).query(r#"{"by":"_exit","code":0}"#),
    Technique::new("exit_zero_in_a_handler", probe!("leave_without_result"), &[Verdict("no_result")], VALUE)
        .query(r#"{"by":"handler","code":0}"#),
    Technique::new("system_exit", probe!("leave_without_result"), &[Raised("SystemExit")], VALUE).query(r#"{"by":"exit","code":0}"#),
    Technique::new("exit_137", probe!("leave_without_result"), &[Exited(137)], VALUE).query(r#"{"by":"_exit","code":137}"#),
    Technique::new("exit_159", probe!("leave_without_result"), &[Exited(159)], VALUE).query(r#"{"by":"_exit","code":159}"#),
    Technique::new("exit_124", probe!("leave_without_result"), &[Exited(124)], VALUE).query(r#"{"by":"_exit","code":124}"#),
    Technique::new("kill_9", probe!("kill_itself"), &[Signaled("SIGKILL")], ALIVE).query("9"),
    // Two signals that the kernel sends for a crossed line: code that wants to end so can cross the line just as well.
    Technique::new("kill_31", probe!("kill_itself"), &[Signaled("SIGSYS")], ALIVE).query("31"),
    Technique::new("kill_24", probe!("kill_itself"), &[Signaled("SIGXCPU")], ALIVE).query("24"),
    Technique::new("kill_25", probe!("kill_itself"), &[Exceeded("file_size")], ALIVE).query("25"),
    Technique::new(
        "acts_after_its_result",
        probe!("act_after_result"),
        &[Value("\"honest\"")],
        Control::Query(r#"{"late":false}"#, &[Value("\"honest\"")]),
    )
    .query(r#"{"late":true}"#),
];

const VALUE: Control = Control::Query(r#"{"by":"value","code":5}"#, &[Value("5")]);
const ALIVE: Control = Control::Query("0", &[Value("\"alive\"")]);

/// Bytes on the result pipe: name, frames (each is given its length), raw bytes after them, how the process ends, what must be seen.
type Row = (&'static str, &'static [&'static [u8]], &'static [u8], Ending, &'static [Seen]);

#[derive(Clone, Copy)]
enum Ending {
    Return,
    Exit(i32),
    Kill,
}

const DONE: &[u8] = br#"{"kind":"done","value":"forged"}"#;
const ITEM: &[u8] = br#"{"kind":"item","index":0,"value":{}}"#;

const FRAMES: &[Row] = &[
    ("honest [O1]", &[], b"", Ending::Return, &[Value("\"honest\"")]),
    ("forged_done_and_return [O1 Y15]", &[DONE], b"", Ending::Return, &[Malformed("")]),
    ("forged_done_and_exit_7 [O1]", &[DONE], b"", Ending::Exit(7), &[Exited(7)]),
    ("forged_done_and_kill [O1]", &[DONE], b"", Ending::Kill, &[Signaled("SIGKILL")]),
    ("forged_verdict [O1]", &[br#"{"kind":"verdict","verdict":{"kind":"finished"}}"#], b"", Ending::Exit(0), &[Malformed("")]),
    ("two_results [O2]", &[DONE, DONE], b"", Ending::Exit(0), &[Malformed("")]),
    ("item_after_the_result [O2]", &[DONE, ITEM], b"", Ending::Exit(0), &[Malformed("")]),
    ("second_ready [O2]", &[br#"{"kind":"ready"}"#], b"", Ending::Return, &[Malformed("")]),
    ("truncated_frame [O2]", &[], b"\0\0\x01\0{\"kind\":", Ending::Exit(0), &[Malformed("")]),
    ("truncated_length [O2]", &[], b"\0\0", Ending::Exit(0), &[Malformed("")]),
    ("trailing_bytes [O2]", &[DONE], b"\0", Ending::Exit(0), &[Malformed("")]),
    ("frame_of_no_bytes [O2]", &[b""], b"", Ending::Exit(0), &[Malformed("")]),
    ("no_object [O2]", &[b"[]"], b"", Ending::Exit(0), &[Malformed("")]),
    ("two_values_in_a_frame [O2]", &[br#"{"kind":"done","value":1}{}"#], b"", Ending::Exit(0), &[Malformed("")]),
    ("length_of_four_gibibytes [O4]", &[], b"\xff\xff\xff\xff", Ending::Return, &[Exceeded("result_size")]),
    ("duplicate_keys [O4]", &[br#"{"kind":"done","value":1,"value":2}"#], b"", Ending::Exit(0), &[Malformed("")]),
    ("invalid_utf8 [O4]", &[b"{\"kind\":\"done\",\"value\":\"\xff\xfe\"}"], b"", Ending::Exit(0), &[Malformed("")]),
    ("nan [O4]", &[br#"{"kind":"done","value":NaN}"#], b"", Ending::Exit(0), &[Malformed("")]),
    ("infinity [O4]", &[br#"{"kind":"done","value":-Infinity}"#], b"", Ending::Exit(0), &[Malformed("")]),
    ("marshal_bytes [O5]", &[], b"\xe3\0\0\0\0\0\0\0\0\0\0\0\0", Ending::Exit(0), &[Exceeded("result_size")]),
    ("pickle_bytes [O5]", &[b"cos\nsystem\n(S'id'\ntR."], b"", Ending::Exit(0), &[Malformed("")]),
];

/// Frames by hand.
pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = FRAMES.iter().map(|row| trial(format!("results::{}", row.0), || write(row))).collect();
    trials.push(trial("results::deep_frame [O4]", || deep("[", "]")));
    trials.push(trial("results::deep_objects [O4]", || deep("{\"a\":", "}")));
    trials.push(trial("results::huge_number [O4]", huge_number));
    trials
}

fn write(row: &Row) -> Check {
    let (_, frames, raw, ending, seen) = row;
    let mut bytes: Vec<u8> = frames.iter().flat_map(|frame| framed(frame)).collect();
    bytes.extend_from_slice(raw);
    run(&bytes, *ending, seen)
}

fn deep(open: &str, close: &str) -> Check {
    let text = format!("{{\"kind\":\"done\",\"value\":{}1{}}}", open.repeat(100_000), close.repeat(100_000));
    run(&framed(text.as_bytes()), Ending::Exit(0), &[Exceeded("result_shape")])
}

fn huge_number() -> Check {
    let text = format!("{{\"kind\":\"done\",\"value\":{}}}", "9".repeat(100_000));
    let seen = [Malformed(""), Exceeded("result_shape")];
    run(&framed(text.as_bytes()), Ending::Exit(0), &seen[..1]).or_else(|_| run(&framed(text.as_bytes()), Ending::Exit(0), &seen[1..]))
}

fn framed(text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], text].concat()
}

fn run(bytes: &[u8], ending: Ending, seen: &[Seen]) -> Check {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let end = match ending {
        Ending::Return => json!("return"),
        Ending::Exit(code) => json!(code),
        Ending::Kill => json!("kill"),
    };
    // The bytes travel inside the code: a command line could not hold them.
    let code = format!("_query = {}\n{}", json!({ "hex": [hex], "end": end }), probe!("write_frames").code());
    let outcome = Call::run(&code, &[]).end()?.outcome()?;
    compare(&outcome, seen).map_err(End::Fail)
}

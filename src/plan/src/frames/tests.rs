#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use crate::limit::Shape;
use proptest::prelude::*;

use super::shape::Budget;
use super::*;
use crate::frames::Bounds;

const LIMITS: Bounds = Bounds {
    stdin: 0,
    stdout: 0,
    stderr: 0,
    prints: 100,
    overflow: Overflow::End,
    result_size: 200,
    result_depth: 5,
    result_nodes: 20,
    job_size: 0,
    artifacts: 0,
    artifact_files: 0,
};

fn frame(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn stream(frames: &[&str]) -> Vec<u8> {
    frames.iter().flat_map(|text| frame(text)).collect()
}

const READY: &str = r#"{"kind":"ready"}"#;

/// What is left of a run's bytes, comparable.
type Seen = (bool, Vec<(u64, String)>, Vec<String>, Option<String>, bool, Option<ErrorFrame>, Option<FrameError>);

fn decode(bytes: &[u8], portions: &[usize]) -> Seen {
    let mut decoder = Decoder::new(LIMITS);
    let mut rest = bytes;
    for portion in portions.iter().copied().chain([usize::MAX]) {
        let (now, later) = rest.split_at(portion.min(rest.len()));
        let failed = decoder.feed(now).is_err();
        assert_eq!(failed, decoder.feed(&[]).is_err(), "an error is final");
        rest = later;
    }
    let texts = decoder.news().into_iter().filter_map(|news| match news {
        News::Text(Text { channel, text, values, continues }) => {
            let values = values.map_or_else(String::new, |values| format!(" {values}"));
            Some(format!("{channel}{}: {text}{values}", if continues { " on" } else { "" }))
        }
        News::Item => None,
        News::Shown(Shown { output_type, data, .. }) => Some(format!("{output_type}: {data:?}")),
    });
    let texts = texts.collect();
    let (received, error) = decoder.finish();
    let text = |value: &RawValue| value.get().to_owned();
    let items = received.items.iter().map(|(index, value)| (*index, text(value))).collect();
    (received.ready, items, texts, received.value.as_deref().map(text), received.done, received.error, error)
}

fn error(frames: &[&str]) -> FrameError {
    decode(&stream(frames), &[]).6.expect("an error")
}

fn is_malformed(bytes: &[u8]) {
    assert!(matches!(decode(bytes, &[]).6, Some(FrameError::Malformed(_))), "{}", String::from_utf8_lossy(bytes));
}

#[test]
fn a_run_of_each_mode() {
    let seen = decode(&stream(&[READY, r#"{"kind":"print","text":"hi\n"}"#, r#"{"kind":"done","value":null}"#]), &[]);
    assert_eq!(seen, (true, vec![], vec!["print: hi\n".to_owned()], Some("null".to_owned()), true, None, None));
    let items = [READY, r#"{"kind":"item","index":0,"value":{"json":1}}"#, r#"{"kind":"item","index":7,"value":2}"#, r#"{"kind":"done"}"#];
    let seen = decode(&stream(&items), &[]);
    assert_eq!(seen, (true, vec![(0, r#"{"json":1}"#.to_owned()), (7, "2".to_owned())], vec![], None, true, None, None));
    let raised = r#"{"kind":"error","type":"E","message":"m","description":"","stack":"s","line":3,"item":null}"#;
    let expected = ErrorFrame { kind: "E".into(), message: "m".into(), stack: "s".into(), line: Some(3), ..ErrorFrame::default() };
    assert_eq!(decode(&stream(&[READY, raised]), &[]).5.as_ref(), Some(&expected));
    let by_list = raised.replace("null}", r#"null,"denied":{"list":"stdlib_allow","name":"os"}}"#);
    let denied = Some(Denied { list: PythonList::StdlibAllow, name: "os".into() });
    assert_eq!(decode(&stream(&[READY, &by_list]), &[]).5, Some(ErrorFrame { denied, ..expected }));
    for bad in [
        by_list.replace("stdlib_allow", "import_allow"),
        by_list.replace(r#","name":"os""#, ""),
        by_list.replace(r#""os""#, r#""os","x":1"#),
    ] {
        is_malformed(&stream(&[READY, &bad]));
    }
}

/// Of an exception no more is kept than an executor tells, however it is said.
#[test]
fn a_hostile_account_of_an_exception() {
    let call = r#"{"file":"f","function":"g","line":1,"column":2,"end_line":1,"end_column":5,"text":"t","mine":true}"#;
    let holding = |members: &str, cause: &str| {
        format!(
            r#"{{"type":"E","message":"m","notes":[],"frames":[],"frames_left_out":0,"members":[{members}],"members_left_out":0,"cause":{cause},"context":null}}"#
        )
    };
    let related = |cause: &str| holding("", cause);
    let raised = |more: &str| {
        let text = format!(r#"{{"kind":"error","type":"E","message":"m","description":"","stack":"","line":null,"item":null,{more}}}"#);
        decode(&stream(&[READY, &text]), &[])
    };
    let many = |one: &str, count: usize| vec![one; count].join(",");
    let deep = |depth: usize| (0..depth).fold("null".to_owned(), |inner, _| related(&inner));
    let group = |members: usize| holding(&many(&related("null"), members), "null");
    for fits in [
        format!(r#""frames":[{}]"#, many(call, 26)),
        format!(r#""notes":[{}]"#, many("\"n\"", 10)),
        format!(r#""members":[{}],"members_left_out":18446744073709551615"#, many(&related("null"), 10)),
        format!(r#""cause":{}"#, deep(5)),
        format!(r#""members":[{}]"#, many(&group(7), 3)),
        format!(r#""frames":[{}]"#, call.replace(r#""g""#, "null").replace(":2,", ":null,")),
    ] {
        let seen = raised(&fits);
        assert!(seen.5.is_some() && seen.6.is_none(), "{fits}: {:?}", seen.6);
    }
    let long = |of: &str, text: &str| of.replace(text, &format!("\"{}\"", "é".repeat(if text == "\"m\"" { 8_001 } else { 2_001 })));
    for bad in [
        format!(r#""frames":[{}]"#, many(call, 27)),
        format!(r#""notes":[{}]"#, many("\"n\"", 11)),
        format!(r#""members":[{}]"#, many(&related("null"), 11)),
        format!(r#""cause":{}"#, deep(6)),
        format!(r#""context":{}"#, deep(400)),
        format!(r#""members":[{}]"#, many(&group(8), 3)),
        format!(r#""frames":[{}]"#, long(call, "\"f\"")),
        format!(r#""frames":[{}]"#, long(call, "\"g\"")),
        format!(r#""frames":[{}]"#, long(call, "\"t\"")),
        format!(r#""notes":[{}]"#, long("\"m\"", "\"m\"")),
        format!(r#""cause":{}"#, long(&related("null"), "\"m\"")),
        format!(r#""cause":{}"#, long(&related("null"), "\"E\"")),
        format!(r#""frames":[{}]"#, call.replace(":2,", ":-2,")),
        format!(r#""frames":[{}]"#, call.replace("true", "1")),
        format!(r#""frames":[{}]"#, call.replace("true", "true,\"more\":1")),
        format!(r#""cause":{}"#, related("null").replace("\"notes\":[],", "")),
        format!(r#""cause":{}"#, related("null").replace("\"notes\"", "\"stack\"")),
        r#""notes":[],"notes":[]"#.to_owned(),
    ] {
        assert!(matches!(raised(&bad).6, Some(FrameError::Malformed(_))), "{}", bad.chars().take(100).collect::<String>());
    }
}

/// The code's own word about its value: added up, and no more of it kept than an executor says.
#[test]
fn what_was_replaced_is_counted_and_bounded() {
    let item = |index: usize, count: u64, spots: usize, at: &str| {
        let spots = vec![format!(r#"{{"at":"{at}","was":"NaN"}}"#); spots].join(",");
        format!(r#"{{"kind":"item","index":{index},"value":1,"replaced":{{"count":{count},"first":[{spots}]}}}}"#)
    };
    let decoded = |frames: &[&str]| {
        let mut decoder = Decoder::new(Bounds { result_size: 1 << 20, ..LIMITS });
        let _ = decoder.feed(&stream(frames));
        decoder.finish()
    };
    let (received, error) = decoded(&[READY, &item(0, u64::MAX, 9, "$[0].a"), &item(1, 7, 5, "$[1]")]);
    let replaced = received.replaced.unwrap();
    assert_eq!((error, replaced.count, replaced.first.len()), (None, u64::MAX, 10));
    assert_eq!(replaced.first[9], Spot { at: "$[1]".into(), was: Was::Nan });
    for bad in [
        item(0, 11, 11, "$"),
        item(0, 1, 1, &"x".repeat(301)),
        item(0, 1, 1, "$").replace("NaN", "7"),
        item(0, 1, 1, "$").replace(r#""count":1,"#, ""),
        item(0, 1, 1, "$").replace(r#""count":1"#, r#""count":-1"#),
        r#"{"kind":"done","value":1,"replaced":{"count":1,"first":[],"x":1}}"#.to_owned(),
        r#"{"kind":"print","text":"","replaced":{"count":1,"first":[]}}"#.to_owned(),
    ] {
        assert!(matches!(decoded(&[READY, &bad]).1, Some(FrameError::Malformed(_))), "{bad}");
    }
    assert_eq!(decoded(&[READY, &item(0, 1, 1, &"é".repeat(300))]).1, None);
}

/// An item stands in the array that the outcome has.
#[test]
fn the_array_of_items_counts() {
    let item = |depth: usize| format!(r#"{{"kind":"item","index":0,"value":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let done = |depth: usize| format!(r#"{{"kind":"done","value":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let over = Some(FrameError::TooComplex { what: Shape::Depth, seen: 6, allowed: 5 });
    assert_eq!((decode(&stream(&[READY, &item(4)]), &[]).6, decode(&stream(&[READY, &done(5)]), &[]).6), (None, None));
    assert_eq!((decode(&stream(&[READY, &item(5)]), &[]).6, decode(&stream(&[READY, &done(6)]), &[]).6), (over.clone(), over));
}

#[test]
fn an_item_is_a_value_or_an_error() {
    let raised = r#"{"kind":"error","type":"E","message":"m","description":"","stack":"s","line":3,"item":9}"#;
    let of = |index: u64, error: &str| format!(r#"{{"kind":"item","index":{index},"error":{error}}}"#);
    let mut decoder = Decoder::new(Bounds { result_size: 1_000, result_nodes: 100, ..LIMITS });
    let frames = [READY, r#"{"kind":"item","index":0,"value":null}"#, &of(1, raised), &of(2, raised), r#"{"kind":"done"}"#];
    decoder.feed(&stream(&frames)).unwrap();
    let (mut received, error) = decoder.finish();
    assert_eq!((error, received.items_failed), (None, 2));
    let first = received.item_error.take().unwrap();
    assert_eq!((first.item, first.stack.as_str()), (Some(1), "s"), "the place that the frame says, not the error");
    let item = |item: u64| format!(r#"{{"error":{{"type":"E","message":"m","line":3}},"pairedItem":{{"item":{item}}}}}"#);
    assert_eq!(received.value().get(), format!("[null,{},{}]", item(1), item(2)));
    let neither = r#"{"kind":"item","index":0}"#.to_owned();
    let both = of(0, raised).replace(r#""error""#, r#""value":1,"error""#);
    for bad in [neither, both, of(0, "null"), of(0, &raised.replace("\"m\"", "1"))] {
        is_malformed(&stream(&[READY, &bad]));
    }
    assert!(matches!(error_of_many(raised), FrameError::TooLarge { .. }), "errors count as results");
}

fn error_of_many(raised: &str) -> FrameError {
    let items: Vec<_> = (0..5).map(|index| format!(r#"{{"kind":"item","index":{index},"error":{raised}}}"#)).collect();
    error(&std::iter::once(READY).chain(items.iter().map(String::as_str)).collect::<Vec<_>>())
}

#[test]
fn ready_is_told_once() {
    let mut decoder = Decoder::new(LIMITS);
    let ready = frame(READY);
    decoder.feed(&ready[..10]).unwrap();
    assert!(!decoder.received().ready);
    decoder.feed(&ready[10..]).unwrap();
    assert!(decoder.received().ready);
    decoder.feed(&frame(r#"{"kind":"done"}"#)).unwrap();
    let mut at_once = Decoder::new(LIMITS);
    assert!(at_once.feed(&[ready.as_slice(), &[0xFF; 4]].concat()).is_err());
    assert!(at_once.received().ready, "what is no frame takes nothing back that came before it in the same portion");
}

/// Catalogue O1, O2: one final frame, nothing before, beside or after.
#[test]
fn order() {
    let done = r#"{"kind":"done","value":1}"#;
    let item = r#"{"kind":"item","index":1,"value":1}"#;
    let raised = r#"{"kind":"error","type":"","message":"","description":"","stack":"","line":null,"item":null}"#;
    for frames in [
        &[done][..],
        &[item],
        &[raised],
        &[READY, READY],
        &[READY, done, done],
        &[READY, done, raised],
        &[READY, done, item],
        &[READY, raised, done],
        &[READY, item, item],
        &[READY, r#"{"kind":"print","text":"","kind":"done"}"#],
        &[READY, r#"{"kind":"done","value":1,"value":2}"#],
        &[READY, r#"{"kind":"done","value":1,"more":2}"#],
        &[READY, r#"{"kind":"done","value":1} x"#],
        &[READY, r#"{"kind":"done","value":}"#],
        &[READY, r#"{"kind":"item","value":1}"#],
        &[READY, r#"{"kind":"item","index":-1,"value":1}"#],
        &[READY, r#"{"kind":"error","message":""}"#],
        &[READY, r#"{"value":1,"kind":"done"}"#],
        &[READY, r#"{"kind":"other","value":1}"#],
        &[READY, r#"{"kind":"print","text":"\ud800"}"#],
        &["ready"],
        &[""],
    ] {
        is_malformed(&stream(frames));
    }
    let long = error(&[READY, &format!(r#"{{"kind":"done","{}":1}}"#, "x".repeat(150))]).to_string()
        + &error(&[READY, &format!(r#"{{"kind":"error","{}":1}}"#, "x".repeat(9000))]).to_string();
    assert!(long.len() < 600, "a reason quotes the run's bytes only so far");
    let mut trailing = stream(&[READY, done]);
    assert_eq!(decode(&trailing, &[]).6, None, "the control");
    trailing.push(0);
    is_malformed(&trailing);
}

/// Catalogue O4: what JSON readers disagree about or choke on.
#[test]
fn hostile_values() {
    let deep = "[".repeat(60) + &"]".repeat(60);
    let long = "9".repeat(usize::try_from(NUMBER_LENGTH).unwrap() + 1);
    for value in [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "01",
        "1.",
        "+1",
        "'a'",
        r#"{"a":1,"a":2}"#,
        r#""\ud800""#,
        "\"\u{1}\"",
        "[1,]",
        "[",
        "nul",
    ] {
        is_malformed(&stream(&[READY, &format!(r#"{{"kind":"done","value":{value}}}"#)]));
    }
    let with = |value: &str| format!(r#"{{"kind":"done","value":{value}}}"#);
    assert_eq!(error(&[READY, &with(&deep)]), FrameError::TooComplex { what: Shape::Depth, seen: 6, allowed: 5 });
    assert_eq!(
        error(&[READY, &with(&format!("[{}1]", "1,".repeat(19)))]),
        FrameError::TooComplex { what: Shape::Values, seen: 21, allowed: 20 }
    );
    assert!(matches!(error(&[READY, &with(&long)]), FrameError::TooLarge { .. }), "size comes first");
    let mut invalid = stream(&[READY, &with("\"xx\"")]);
    let place = invalid.len() - 4;
    invalid[place] = 0xFF;
    is_malformed(&invalid);
}

#[test]
fn a_megabyte_of_brackets_does_not_recurse() {
    let limits = Bounds { result_size: 1 << 22, result_depth: 1 << 22, result_nodes: 1 << 22, ..LIMITS };
    let mut decoder = Decoder::new(limits);
    decoder.feed(&frame(READY)).unwrap();
    let value = "[".repeat(1 << 20) + &"]".repeat(1 << 20);
    decoder.feed(&frame(&format!(r#"{{"kind":"done","value":{value}}}"#))).unwrap();
    assert_eq!(decoder.finish().0.value().get(), value);
}

/// Catalogue O4: a 4 GiB length is refused by its four bytes.
#[test]
fn a_length_allocates_nothing() {
    let mut decoder = Decoder::new(LIMITS);
    decoder.feed(&frame(READY)).unwrap();
    assert_eq!(decoder.feed(&[0xFF; 4]), Err(FrameError::TooLarge { seen: 0xFFFF_FFFF, allowed: 200 }));
    let (received, error) = decoder.finish();
    assert!(received.ready && error.is_some());

    // Under the room of error frames, but over that of results: refused once the kind shows.
    let mut decoder = Decoder::new(LIMITS);
    decoder.feed(&frame(READY)).unwrap();
    assert_eq!(decoder.feed(&100_000_u32.to_be_bytes()), Ok(()));
    assert_eq!(decoder.feed(br#"{"kind":"done",     "#), Err(FrameError::TooLarge { seen: 100_000, allowed: 200 }));
}

#[test]
fn result_size_at_and_over() {
    let done = |length: usize| format!(r#"{{"kind":"done","value":"{}"}}"#, "x".repeat(length - 26));
    assert_eq!(decode(&stream(&[READY, &done(200)]), &[]).6, None);
    assert_eq!(error(&[READY, &done(201)]), FrameError::TooLarge { seen: 201, allowed: 200 });
    let item = |index: usize, length: usize| format!(r#"{{"kind":"item","index":{index},"value":"{}"}}"#, "x".repeat(length - 36));
    let two = [READY, &item(1, 100), &item(2, 100), r#"{"kind":"done"}"#];
    assert_eq!(decode(&stream(&two), &[]).6, None, "done without a value costs nothing");
    assert_eq!(error(&[READY, &item(1, 100), &item(2, 101)]), FrameError::TooLarge { seen: 201, allowed: 200 });
    let nodes = [r#"{"kind":"item","index":1,"value":[1,1,1,1,1,1,1,1,1,1]}"#, r#"{"kind":"item","index":2,"value":[1,1,1,1,1,1,1,1,1]}"#];
    assert_eq!(error(&[READY, nodes[0], nodes[1]]), FrameError::TooComplex { what: Shape::Values, seen: 21, allowed: 20 });
}

#[test]
fn output_of_each_kind() {
    let frames = [
        READY,
        r#"{"kind":"print","text":"a 1\n","values":["a",1]}"#,
        r#"{"kind":"out","text":"o"}"#,
        r#"{"kind":"err","text":"e","continues":true}"#,
        r#"{"kind":"print","text":""}"#,
        r#"{"kind":"print","text":"p","values":null,"continues":true}"#,
    ];
    assert_eq!(
        decode(&stream(&frames), &[]).2,
        ["print: a 1\n [\"a\",1]", "stdout: o", "stderr on: e", "print on: p"],
        "nothing is no print"
    );
    // Values that no result could have are left out; the text says it too.
    for values in ["1", "[[[[[[]]]]]]", "[{\"a\":1,\"a\":2}]", "[1e999]", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"] {
        let print = format!(r#"{{"kind":"print","text":"x","values":{values}}}"#);
        assert_eq!(decode(&stream(&[READY, &print]), &[]).2, ["print: x"], "{values}");
    }
    let tens = r#"{"kind":"print","text":"x","values":[1,1,1,1,1,1,1,1,1]}"#;
    assert_eq!(decode(&stream(&[READY, tens, tens, tens]), &[]).2[2], "print: x", "of all prints together");
    for bad in [
        r#"{"kind":"out","text":"","values":[]}"#,
        r#"{"kind":"out"}"#,
        r#"{"kind":"err","text":1}"#,
        r#"{"kind":"outer","text":""}"#,
        r#"{"kind":"print","text":"x","continues":1}"#,
        r#"{"kind":"print","text":"x","values":[NaN]}"#,
    ] {
        is_malformed(&stream(&[READY, bad]));
    }
}

#[test]
fn a_frame_of_output_is_bounded() {
    let print = |text: usize| format!(r#"{{"kind":"print","text":"{}"}}"#, "x".repeat(text));
    let most = usize::try_from(OUTPUT_SIZE).unwrap() - print(0).len();
    assert_eq!(decode(&stream(&[READY, &print(most)]), &[]).6, None);
    let large = LIMITS.result_size.max(1 << 30);
    let mut decoder = Decoder::new(Bounds { result_size: large, ..LIMITS });
    assert!(matches!(decoder.feed(&stream(&[READY, &print(most + 1)])), Err(FrameError::Malformed(_))));
    let whole = r#"{"kind":"print","text":"\u0000","values":["\u0000"]}"#;
    let escaped = (whole.len() - 12) as u64 + 6 * (1 << 16) + (1 << 16);
    assert!(escaped <= OUTPUT_SIZE, "64 KiB of text that is all escapes, and as many of values");
}

/// Catalogue O2: a truncated frame.
#[test]
fn every_cut_is_noticed() {
    let whole = stream(&[READY, r#"{"kind":"done","value":[1]}"#]);
    let ends = [0, 20, whole.len()];
    for cut in 0..=whole.len() {
        let seen = decode(&whole[..cut], &[]);
        assert_eq!(seen.6.is_none(), ends.contains(&cut), "cut at {cut}");
        assert!(matches!(seen.6, None | Some(FrameError::CutShort { .. })), "cut at {cut}");
        assert_eq!(seen.4, cut == whole.len());
    }
}

#[test]
fn value_of_the_outcome() {
    let value = |frames: &[&str]| {
        let mut decoder = Decoder::new(LIMITS);
        decoder.feed(&stream(frames)).unwrap();
        decoder.finish().0.value().get().to_owned()
    };
    assert_eq!(value(&[READY]), "null");
    assert_eq!(value(&[READY, r#"{"kind":"done"}"#]), "[]");
    assert_eq!(value(&[READY, r#"{"kind":"done","value":{"a":1.50}}"#]), r#"{"a":1.50}"#);
    let items = [READY, r#"{"kind":"item","index":0,"value":{}}"#, r#"{"kind":"item","index":2,"value": 1e3 }"#];
    assert_eq!(value(&items), "[{},1e3]", "items of a run that failed later are kept");
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => Just(frame(READY)),
        8 => "[a-z\"\\\\é]{0,30}".prop_map(|text| frame(&serde_json::json!({"kind": "print", "text": text}).to_string())),
        8 => (0..20_u64, "[\\[\\]{}:,\"0-9a-z.]{0,12}").prop_map(|(index, value)| frame(&format!(r#"{{"kind":"item","index":{index},"value":{value}}}"#))),
        8 => (0..20_u64).prop_map(|index| frame(&format!(r#"{{"kind":"item","index":{index},"value":[1,{{"a":"b"}}]}}"#))),
        4 => Just(frame(r#"{"kind":"done","value":1}"#)),
        2 => prop::collection::vec(any::<u8>(), 0..20),
        1 => Just(vec![0, 0, 1]),
    ]
}

proptest! {
    #[test]
    fn any_split_gives_the_same(frames in prop::collection::vec(any_frame(), 0..8), first in any::<bool>(), portions in prop::collection::vec(1..40_usize, 0..40)) {
        let head = if first { frame(READY) } else { Vec::new() };
        let bytes = [head, frames.concat()].concat();
        let whole = decode(&bytes, &[]);
        prop_assert_eq!(&decode(&bytes, &portions), &whole);
        prop_assert_eq!(&decode(&bytes, &vec![1; bytes.len()]), &whole);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,60}") {
        decode(&bytes, &[7, 1, 30]);
        decode(&[frame(READY), frame(&format!(r#"{{"kind":"done","value":{text}}}"#))].concat(), &[]);
        let _ = shape::check(&text, &mut Budget { depth: 3, around: 0, nodes: 9, used: 0 });
    }
}

#[test]
fn what_is_shown_counts_as_a_result() {
    let show = |data: &str| format!(r#"{{"kind":"show","as":"display_data","bundle":{{"data":{data},"metadata":{{}}}}}}"#);
    let (one, long) = (show(r#"{"a/b":"x"}"#), show(&format!(r#"{{"a/b":"{}"}}"#, "x".repeat(99))));
    let (_, _, texts, _, _, _, failed) = decode(&stream(&[READY, &one, &one]), &[3, 40]);
    assert_eq!((texts.len(), failed), (2, None));
    assert_eq!(texts[0], r#"display_data: {"a/b": RawValue("x")}"#);
    assert!(matches!(error(&[READY, &one, &long]), FrameError::TooLarge { allowed: 200, .. }));
    let deep = show(r#"{"application/json":[[[[]]]]}"#);
    assert!(matches!(error(&[READY, &deep]), FrameError::TooComplex { what: Shape::Depth, .. }));
    assert!(matches!(error(&[&one]), FrameError::Malformed(_)));
    assert!(matches!(error(&[READY, r#"{"kind":"done","value":1}"#, &one]), FrameError::Malformed(_)));
}

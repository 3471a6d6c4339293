#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn log(kept: u64, overflow: Overflow) -> Log {
    Log::new(&Bounds {
        stdin: 0,
        stdout: kept,
        stderr: kept,
        prints: kept,
        overflow,
        result_size: 0,
        result_depth: 0,
        result_nodes: 0,
        job_size: 0,
        artifacts: 0,
        artifact_files: 0,
    })
}

fn piece<'a>(channel: Channel, text: &'a (impl AsRef<[u8]> + ?Sized)) -> Piece<'a> {
    Piece { channel, text: text.as_ref(), values: None, continues: false }
}

/// As they are written, which is as they are read.
fn entries(told: &Told) -> Value {
    let text = serde_json::to_string(&told.output).unwrap();
    let read: Output = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    serde_json::from_str(&text).unwrap()
}

use Channel::{Print, Stderr, Stdout};

#[test]
fn one_order_of_all_that_came_by_one_pipe() {
    let mut log = log(100, Overflow::End);
    let values = Some(r#"["a",1]"#);
    log.take(&Piece { values, ..piece(Print, "a 1\n") }, By::Frame, 5);
    log.take(&piece(Stdout, "half "), By::Frame, 6);
    log.take(&piece(Stdout, "a line\n"), By::Frame, 7);
    log.take(&piece(Stdout, "next"), By::Frame, 7);
    log.take(&piece(Print, "b"), By::Frame, 8);
    log.take(&Piece { continues: true, ..piece(Print, "c") }, By::Frame, 9);
    log.take(&piece(Stderr, "e"), By::Frame, 9);
    let told = log.told();
    let expected = json!([
        { "from": "print", "text": "a 1\n", "us": 5, "values": ["a", 1] },
        { "from": "stdout", "text": "half a line\n", "us": 6 },
        { "from": "stdout", "text": "next", "us": 7 },
        { "from": "print", "text": "bc", "us": 8 },
        { "from": "stderr", "text": "e", "us": 9 },
    ]);
    assert_eq!((entries(&told), told.order), (expected, Order::Exact));
    assert_eq!((told.prints.iter().collect::<Vec<_>>(), told.stdout.text.as_str()), (vec!["a 1\n", "bc"], "half a line\nnext"));
}

#[test]
fn the_order_of_several_pipes_is_that_of_reading() {
    let by = |pieces: &[(Channel, By)]| {
        let mut log = log(100, Overflow::End);
        pieces.iter().for_each(|(channel, by)| assert_eq!(log.take(&piece(*channel, "x"), *by, 0), b"x"));
        log.told().order
    };
    assert_eq!(by(&[(Print, By::Frame), (Stdout, By::Frame), (Stderr, By::Frame)]), Order::Exact);
    assert_eq!(by(&[(Stderr, By::Stream), (Stderr, By::Stream)]), Order::Exact);
    assert_eq!(by(&[(Stdout, By::Stream), (Stderr, By::Stream)]), Order::Read);
    assert_eq!(by(&[(Stdout, By::Frame), (Stdout, By::Stream)]), Order::Read);
}

#[test]
fn a_print_counts_its_bytes_and_no_more() {
    let mut log = log(100, Overflow::End);
    for _ in 0..50 {
        assert_eq!(log.take(&piece(Print, "x\n"), By::Frame, 0), b"x\n");
    }
    assert_eq!((log.seen(Print), log.over(Print)), (100, false));
    assert_eq!(log.take(&piece(Print, "y"), By::Frame, 0), b"");
    assert!(log.over(Print));
    let told = log.told();
    assert_eq!((told.prints.iter().count(), told.prints_dropped), (50, None));
}

#[test]
fn a_run_that_ends_for_its_output_keeps_the_beginning() {
    let mut log = log(4, Overflow::End);
    assert_eq!(log.take(&piece(Stdout, "abc"), By::Stream, 0), b"abc");
    assert_eq!(log.take(&piece(Stdout, "def"), By::Stream, 0), b"d");
    assert!(log.over(Stdout) && log.rest(Stdout).is_none());
    let told = log.told();
    assert_eq!(told.stdout, Captured { text: "abcd".into(), truncated: true, ..Captured::default() });
}

#[test]
fn a_run_that_goes_on_keeps_beginning_and_end() {
    let mut log = log(10, Overflow::Truncate);
    let mut passed = Vec::new();
    for part in ["0123", "4567", "89", "ab", "cdefgh"] {
        passed.extend_from_slice(log.take(&piece(Stdout, part), By::Stream, 0));
    }
    assert_eq!(passed, b"0123456789", "what is within the limit is passed on as it comes");
    assert_eq!(log.rest(Stdout), Some((3, &b"defgh"[..])), "and at the end the rest");
    assert!(!log.over(Stdout));
    let told = log.told();
    assert_eq!(told.stdout, Captured { text: "01234".into(), truncated: true, dropped: 8, tail: "defgh".into() });
    let expected = json!([
        { "from": "stdout", "text": "01234", "us": 0 },
        { "from": "stdout", "text": "defgh", "us": 0, "dropped": 8 },
    ]);
    assert_eq!(entries(&told), expected);
}

#[test]
fn what_comes_in_many_pieces_takes_no_more_memory() {
    for (channels, apart) in [(&[Stdout][..], 1 << 16), (&[Stdout, Stderr], 1 << 16), (&[Print], 1 << 20)] {
        let many = apart / 4 * 5 * channels.len() as u64;
        let mut log = log(many, Overflow::End);
        for number in 0..many {
            let values = (channels == [Print]).then_some("[]");
            log.take(&Piece { values, ..piece(channels[number as usize % channels.len()], "\n") }, By::Frame, number);
        }
        let told = log.told();
        let entries = told.output.iter().collect::<Vec<_>>();
        assert!(entries.len() as u64 <= channels.len() as u64 * (apart + apart / 1024 + 1), "{} entries", entries.len());
        assert_eq!(entries.iter().map(|entry| entry.text.len() as u64).sum::<u64>(), many, "all of the text is there");
        assert!(entries.windows(2).all(|two| two[0].us < two[1].us));
        assert!(entries.iter().all(|entry| entry.text.len() == 1 || entry.values.is_none()), "no values that are another's");
        assert_eq!(told.order, if channels.len() == 1 { Order::Exact } else { Order::Read }, "what went before another is told");
    }
}

#[test]
fn dropped_prints_are_counted() {
    let mut log = log(8, Overflow::Truncate);
    for number in 0..9 {
        log.take(&Piece { values: Some("[0]"), ..piece(Print, &format!("{number}\n")) }, By::Frame, number);
    }
    let told = log.told();
    assert_eq!(told.prints.iter().collect::<Vec<_>>(), ["0\n", "1\n", "7\n", "8\n"]);
    assert_eq!(told.prints_dropped, Some(Dropped { after: 2, calls: 5, bytes: 10 }));
    assert_eq!(entries(&told)[2], json!({ "from": "print", "text": "7\n", "us": 7, "dropped": 10 }), "values are no more than text may be");
}

#[test]
fn the_end_comes_at_64_times() {
    let mut log = log(10, Overflow::Truncate);
    (0..64).for_each(|_| assert!(log.take(&piece(Stderr, "0123456789"), By::Stream, 0).len() <= 10));
    assert!(!log.over(Stderr));
    log.take(&piece(Stderr, "x"), By::Stream, 0);
    assert!(log.over(Stderr));
    let mut tiny = self::log(1, Overflow::Truncate);
    tiny.take(&piece(Print, "abc"), By::Frame, 0);
    let told = tiny.told();
    assert_eq!((told.prints.iter().collect::<String>(), told.prints_dropped), ("a".into(), Some(Dropped { after: 1, calls: 0, bytes: 2 })));
}

#[test]
fn characters_that_come_in_two() {
    let mut log = log(100, Overflow::End);
    for (channel, part) in [(Stdout, &b"\xe2\x82"[..]), (Stderr, b"\xc3"), (Stdout, b"\xac\xff\xe2"), (Stderr, b"\xa9"), (Stdout, b"\x82")]
    {
        log.take(&piece(channel, part), By::Stream, 0);
    }
    let told = log.told();
    assert_eq!((told.stdout.text.as_str(), told.stderr.text.as_str()), ("\u{20ac}\u{fffd}\u{fffd}", "\u{e9}"));
    let mut cut = self::log(8, Overflow::Truncate);
    cut.take(&piece(Stdout, "\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}"), By::Stream, 0);
    let told = cut.told();
    assert_eq!((told.stdout.text.as_str(), told.stdout.tail.as_str()), ("\u{20ac}", "\u{20ac}"), "whole characters");
}

proptest! {
    #[test]
    fn whatever_comes_is_kept_within_bounds(
        pieces in prop::collection::vec((0..3_usize, prop::collection::vec(any::<u8>(), 0..20), any::<bool>(), any::<bool>()), 0..40),
        kept in 1..60_u64,
        truncate in any::<bool>(),
    ) {
        let mut log = log(kept, if truncate { Overflow::Truncate } else { Overflow::End });
        let mut all = [const { Vec::new() }; 3];
        let mut passed = [const { Vec::new() }; 3];
        for (us, (channel, text, values, continues)) in pieces.iter().enumerate() {
            let channel = Channel::ALL[*channel];
            let piece = Piece { channel, text, values: values.then_some("[1]"), continues: *continues };
            all[channel as usize].extend_from_slice(text);
            passed[channel as usize].extend_from_slice(log.take(&piece, By::Stream, us as u64));
        }
        for channel in Channel::ALL {
            let (all, passed) = (&all[*channel as usize], &passed[*channel as usize]);
            prop_assert_eq!(log.seen(*channel), all.len() as u64);
            prop_assert_eq!(passed, &all[..all.len().min(kept as usize)]);
            if let Some((dropped, rest)) = log.rest(*channel) {
                prop_assert!(truncate && all.ends_with(rest) && passed.len() + dropped as usize + rest.len() == all.len());
            }
        }
        let whole = String::from_utf8_lossy(&all[1]).into_owned();
        let told = log.told();
        let entries = told.output.iter().collect::<Vec<_>>();
        prop_assert!(entries.windows(2).all(|two| two[0].us <= two[1].us));
        if all[1].len() as u64 <= kept {
            prop_assert_eq!(&told.stdout.text, &whole);
        } else {
            prop_assert!(told.stdout.truncated && truncate == (told.stdout.dropped > 0));
        }
        prop_assert!(told.stdout.text.len() + told.stdout.tail.len() <= 3 * kept as usize);
    }
}

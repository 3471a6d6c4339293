//! The examples of `policies/README.md`: each block of `jsonc` is a policy that loads, or fails with the text of the block after it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use remand_policy::load::{Chain, parse};
use remand_policy::source::Source;

const README: &str = include_str!("../../../policies/README.md");

/// Every fenced block: the words after the fence, the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in page.lines() {
        if let Some(info) = line.strip_prefix("```") {
            open = !open;
            if open {
                found.push((info.to_owned(), String::new()));
            }
        } else if let (true, Some((_, text))) = (open, found.last_mut()) {
            text.push_str(line);
            text.push('\n');
        }
    }
    assert!(!open, "a block has no end");
    found
}

/// What the loader says of a text, a line per problem; empty if it is a policy.
fn told(text: &str) -> String {
    let source = Source { file: "policy.jsonc".into(), text: text.as_bytes().to_vec().into() };
    let problems = parse(&Chain::shipped(&source), "policy").err().unwrap_or_default();
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn examples_load_or_fail_as_the_page_says() {
    let blocks = blocks(README);
    let (mut good, mut bad) = (0, 0);
    for (index, (info, text)) in blocks.iter().enumerate().filter(|(_, (info, _))| info.starts_with("jsonc")) {
        if info == "jsonc error" {
            let (next, expected) = &blocks[index + 1];
            assert_eq!(next, "text", "what the error is must follow: {text}");
            assert_eq!(told(text), *expected, "{text}");
            bad += 1;
        } else {
            assert_eq!(told(text), "", "{text}");
            good += 1;
        }
    }
    assert!(good >= 9 && bad >= 3, "{good} good examples, {bad} bad ones: the page has lost some");
}

#[test]
fn fences_are_read_as_people_read_them() {
    assert_eq!(
        blocks("a\n```jsonc error\n{\n```\nb\n```text\nx\n```\n"),
        [("jsonc error".into(), "{\n".into()), ("text".into(), "x\n".into())]
    );
    assert_eq!(told("{ \"version\": 2 }"), "policy.jsonc:1:14: version: version 2 is unknown (this remand reads version 1)\n");
}

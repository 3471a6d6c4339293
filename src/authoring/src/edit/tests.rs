//! Edits by example, and as properties over texts with comments, line ends and commas in every place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use remand_policy::shipped::SHIPPED;
use serde_json::{Value, json};

use super::tree::Tree;
use super::*;

const POLICY: &str = "// head\n{\n  \"version\": 1,\n  \"extends\": \"default\", // base\n\n  \"limits\": {\n    \"memory\": \"64MiB\", // enough\n    // last\n    \
                      \"pids\": 4\n  },\n\n  \"syscalls\": {\n    \"allow\": { \"remove\": [\"@exec\", \"@threads\"] },\n    \"kill\": [\n      \"bpf\", // loads\n      \
                      // own line\n      \"unshare\" // makes\n    ]\n  }\n}\n";

/// The lines of `new` that `old` has not, and the other way round.
fn changed(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
    let only = |one: &str, other: &str| one.split('\n').filter(|line| !other.split('\n').any(|o| o == *line)).map(str::to_owned).collect();
    (only(old, new), only(new, old))
}

#[track_caller]
fn edited(new: Result<String, EditError>, old_lines: &[&str], new_lines: &[&str]) -> String {
    let new = new.unwrap_or_else(|problem| panic!("{problem}"));
    let (gone, came) = changed(POLICY, &new);
    assert_eq!(
        (gone, came),
        (old_lines.iter().map(|l| (*l).to_owned()).collect(), new_lines.iter().map(|l| (*l).to_owned()).collect()),
        "{new}"
    );
    new
}

#[test]
fn the_shipped_policies_are_in_layout() {
    for (name, text) in SHIPPED {
        assert_eq!(format(text).unwrap(), *text, "{name}");
    }
    assert_eq!(format(POLICY).unwrap(), POLICY);
}

#[test]
fn a_field_is_written_in_place() {
    edited(
        set(POLICY, "limits.memory", &json!("1GiB")),
        &["    \"memory\": \"64MiB\", // enough"],
        &["    \"memory\": \"1GiB\", // enough"],
    );
    edited(set(POLICY, "limits.cpus", &json!(2)), &["    \"pids\": 4"], &["    \"pids\": 4,", "    \"cpus\": 2"]);
    let text = edited(set(POLICY, "network.mode", &json!("none")), &["  }"], &["  \"network\": { \"mode\": \"none\" }"]);
    assert!(text.ends_with("    ]\n  },\n\n  \"network\": { \"mode\": \"none\" }\n}\n"), "{text}");
    let kill = ["      \"bpf\", // loads", "      // own line", "      \"unshare\" // makes"];
    edited(
        set(POLICY, "syscalls.kill", &json!(["@keys"])),
        &[&["    \"kill\": ["][..], &kill, &["    ]"]].concat(),
        &["    // loads", "    // own line", "    // makes", "    \"kill\": [\"@keys\"]"],
    );
    assert_eq!(set(POLICY, "limits.pids", &json!(4)).unwrap(), POLICY, "says so already");
    assert_eq!(
        set("\u{feff}{\r\n\t\"a\": 1,\r\n}", "b.c", &json!([])).unwrap(),
        "\u{feff}{\r\n\t\"a\": 1,\r\n\t\"b\": { \"c\": [] },\r\n}"
    );
    assert_eq!(set("{}", "a", &json!(1)).unwrap(), "{ \"a\": 1 }");
    assert_eq!(set("{ /* c */ }", "a", &json!(1)).unwrap(), "{ /* c */ \"a\": 1 }");
    assert_eq!(set("{\n}", "a", &json!(1)).unwrap(), "{\n  \"a\": 1\n}");
    assert_eq!(set("{ // c\n}", "a", &json!(1)).unwrap(), "{ // c\n  \"a\": 1\n}");
    assert_eq!(set("{\"a\": [1 /* x */]}", "a", &json!(2)).unwrap(), "{/* x */ \"a\": 2}");
}

#[test]
fn an_entry_is_appended_where_the_list_has_room_for_it() {
    edited(
        add(POLICY, "syscalls.kill", &json!("setns"), None),
        &["      \"unshare\" // makes"],
        &["      \"unshare\", // makes", "      \"setns\""],
    );
    edited(
        add(POLICY, "syscalls.kill", &json!("setns"), Some("enters")),
        &["      \"unshare\" // makes"],
        &["      \"unshare\", // makes", "      \"setns\" // enters"],
    );
    let remove = "    \"allow\": { \"remove\": [\"@exec\", \"@threads\"] },";
    edited(
        add(POLICY, "syscalls.allow", &json!("mkdir"), None),
        &[remove],
        &["    \"allow\": { \"remove\": [\"@exec\", \"@threads\"], \"add\": [\"mkdir\"] },"],
    );
    edited(add(POLICY, "syscalls.allow", &json!("@exec"), None), &[remove], &["    \"allow\": { \"remove\": [\"@threads\"] },"]);
    edited(
        add(POLICY, "syscalls.allow", &json!({"call": "mkdir"}), Some("run 3\nneeds it")),
        &[remove],
        &[
            "    \"allow\": {",
            "      \"remove\": [\"@exec\", \"@threads\"],",
            "      \"add\": [",
            "        // run 3",
            "        // needs it",
            "        { \"call\": \"mkdir\" }",
            "      ]",
            "    },",
        ],
    );
    edited(
        add(POLICY, "filesystem.devices", &json!("null"), None),
        &["  }"],
        &["  \"filesystem\": { \"devices\": { \"add\": [\"null\"] } }"],
    );
    assert_eq!(add("{\"version\": 1}", "a.b", &json!("x"), None).unwrap(), "{\"version\": 1, \"a\": { \"b\": [\"x\"] }}");
    assert_eq!(add("{\"a\": [1, 2,]}", "a", &json!(3), None).unwrap(), "{\"a\": [1, 2, 3,]}");
    assert_eq!(add("{\"a\": [1 /* one */]}", "a", &json!(2), None).unwrap(), "{\"a\": [1 /* one */, 2]}");
    assert_eq!(add("{\"a\": [1, // one\n]}", "a", &json!(2), None).unwrap(), "{\"a\": [1, // one\n  2,\n]}");
    assert_eq!(add("{\"a\": [\"x\"]}", "a", &json!("x"), None).unwrap(), "{\"a\": [\"x\"]}", "it is there already");
    assert_eq!(add("{\"a\": [1,\n1 /* b */]}", "a", &json!(2), Some("c")).unwrap(), "{\"a\": [1,\n1, /* b */\n2 // c\n]}");
    assert_eq!(add("{\"a\": []}", "a", &json!(1), Some("\u{1b}[2J")).unwrap(), "{\n  \"a\": [\n    1 // [2J\n  ]\n}");
}

#[test]
fn a_line_that_would_get_too_long_is_laid_out() {
    let names: Vec<_> = (0..10).map(|n| format!("\"name_{n:03}\"")).collect();
    let text = format!("{{\n  \"a\": {{ \"b\": [{}] }}\n}}\n", names.join(", "));
    assert_eq!(format(&text).unwrap().lines().map(|line| line.chars().count()).max(), text.lines().map(|line| line.chars().count()).max());
    let new = add(&add(&text, "a.b", &json!("c"), None).unwrap(), "a.b", &json!("of a length"), None).unwrap();
    assert!(
        new.starts_with("{\n  \"a\": {\n    \"b\": [\"name_000\"") || new.starts_with("{\n  \"a\": {\n    \"b\": [\n      \"name_000\",\n"),
        "{new}"
    );
    assert_eq!(format(&new).unwrap(), new);
}

#[test]
fn an_entry_goes_and_its_comments_stay_beside_it() {
    edited(remove(POLICY, "syscalls.kill", "bpf"), &["      \"bpf\", // loads"], &["      // \"bpf\", // loads"]);
    edited(
        remove(POLICY, "syscalls.kill", "unshare"),
        &["      \"bpf\", // loads", "      \"unshare\" // makes"],
        &["      \"bpf\" // loads", "      // \"unshare\" // makes"],
    );
    edited(
        remove(POLICY, "syscalls.allow", "mkdir"),
        &["    \"allow\": { \"remove\": [\"@exec\", \"@threads\"] },"],
        &["    \"allow\": { \"remove\": [\"@exec\", \"@threads\", \"mkdir\"] },"],
    );
    edited(remove(POLICY, "filesystem.mounts", "/opt"), &["  }"], &["  \"filesystem\": { \"mounts\": { \"remove\": [\"/opt\"] } }"]);
    let cases = [
        ("[\"x\"]", "[]"),
        ("[ /* it */ \"x\", // it\n]", "[ /* it */ // it\n]"),
        ("[ // list\n \"x\"\n]", "[ // list\n]"),
        ("[\"x\", \"y\"]", "[\"y\"]"),
        ("[\"y\", \"x\"]", "[\"y\"]"),
        ("[\"y\", \"x\", ]", "[\"y\", ]"),
        ("[\"y\", \"x\", \"z\"]", "[\"y\", \"z\"]"),
        ("[\"y\", /* x */ \"x\" /* x */, /* z */ \"z\"]", "[\"y\", /* x */ /* x */ /* z */ \"z\"]"),
        ("[\"y\", // y\n \"x\"]", "[\"y\" // y\n ]"),
        ("[\n  \"y\",\r\n\r\n  \"x\",\r\n\r\n  \"z\"\n]", "[\n  \"y\",\r\n\r\n  \"z\"\n]"),
        (
            "[\n  \"y\",\n\n  {\"call\": \"x\", \"when\": [/* w */]},\n  {\"call\": \"x\"}, // second\n]",
            "[\n  \"y\",\n\n  // {\"call\": \"x\", \"when\": [/* w */]},\n  // {\"call\": \"x\"}, // second\n]",
        ),
        ("[\n  {\"source\": \"x\", \"target\": \"y\"},\n  {\"source\": \"x\"}\n]", "[\n  {\"source\": \"x\", \"target\": \"y\"}\n]"),
        ("[\n  \"x\"\n  // own\n  , \"y\"\n]", "[\n  // own\n   \"y\"\n]"),
    ];
    for (old, new) in cases {
        assert_eq!(remove(&format!("{{\"a\": {old}}}"), "a", "x").unwrap_or_else(|p| panic!("{old}: {p}")), format!("{{\"a\": {new}}}"));
    }
}

#[test]
fn what_says_nothing_any_more_goes() {
    let made = add(POLICY, "filesystem.mounts", &json!({ "source": "/opt" }), None).unwrap();
    assert_eq!(remove(&made, "filesystem.mounts", "/opt").unwrap(), POLICY);
    let noted = made.replace("\"mounts\": {", "\"mounts\": { /* ours */");
    assert!(remove(&noted, "filesystem.mounts", "/opt").unwrap().contains("\"mounts\": { /* ours */ \"add\": [] }"));
    let removed = remove(POLICY, "syscalls.deny", "@keys").unwrap();
    assert_eq!(add(&removed, "syscalls.deny", &json!("@keys"), None).unwrap(), POLICY);
}

#[test]
fn what_cannot_be_edited_says_where() {
    let refused = |result: Result<String, EditError>| {
        let problem = result.unwrap_err();
        format!("{}:{}+{} {}", problem.line, problem.column, problem.length, problem.message)
    };
    assert_eq!(refused(set("{\n  \"a\": 1, }}", "a", &json!(2))), "2:12+1 text cannot contain more than one JSON value");
    assert_eq!(refused(set("\u{feff}{\"a\": 1,\n\"a\": 2}", "a", &json!(2))), "2:1+3 the key \"a\" is written twice");
    assert_eq!(refused(set("{\"a\": {\"b\": 1}}", "a.b.c", &json!(2))), "1:13+1 \"a.b\" is no object, so it has no \"c\"");
    assert_eq!(refused(set("[]", "a", &json!(2))), "1:1+2 the file is no object, so it has no \"a\"");
    assert_eq!(refused(set("{}", "a..b", &json!(2))), "1:1+2 \"a..b\" is no field");
    assert_eq!(refused(set("", "a", &json!(2))), "1:1+0 the file is empty");
    assert_eq!(refused(add("{\"a\": \"x\"}", "a", &json!("y"), None)), "1:7+3 a is no list");
    assert_eq!(refused(add("{\"a\": {\"add\": 7}}", "a", &json!("y"), None)), "1:15+1 a.add is no list");
    assert_eq!(refused(remove("{\"a\": [\"x\"]}", "a", "y")), "1:1+12 \"y\" is not in a");
    assert_eq!(refused(remove("{\"a\": {\"remove\": [\"x\"]}}", "a", "x")), "1:1+24 \"x\" is in a.remove already");
    assert_eq!(refused(remove("{}", "a", "x")), "1:1+2 there is no a to take \"x\" out of");
    assert_eq!(refused(format("{\"a\": 'x'}")).split(' ').next(), Some("1:7+1"));
    let deep = "[".repeat(600) + &"]".repeat(600);
    assert!(refused(format(&deep)).contains("nesting depth"));
    let full = format!("{{\"a\": \"{}\"}}", "x".repeat(remand_policy::source::LARGEST - 9));
    assert_eq!(set(&full, "a", &json!(1)).unwrap(), "{\"a\": 1}");
    assert!(refused(set(&full, "b", &json!(1))).contains("more than a policy file may have"));
}

#[test]
fn what_the_loader_refuses_for_a_lone_carriage_return_is_not_laid_out_into_a_policy() {
    for text in ["{ \"a\": 1, /* b \r c */ \"d\": 2 }", "{\r\"a\": 1}"] {
        assert!(format(text).is_err_and(|problem| problem.message.starts_with("a carriage return")), "{text:?}");
        assert!(set(text, "a", &json!(2)).is_err(), "{text:?}");
    }
}

#[test]
fn comments_keep_their_entries_in_the_layout() {
    let cases = [
        ("{}", "{}\n"),
        ("{\n\n}", "{}\n"),
        ("[1,2 ,3,]", "[1, 2, 3]\n"),
        ("{\"a\":1,\n\"b\":{\"c\":2}}", "{\n  \"a\": 1,\n  \"b\": { \"c\": 2 }\n}\n"),
        ("[1 /* one */, /* two */ 2]", "[1 /* one */, /* two */ 2]\n"),
        ("[1 // one\n, 2 /* two */,]", "[\n  1, // one\n  2 /* two */\n]\n"),
        ("[1, /* two */ 2,\n3]", "[\n  1,\n  /* two */ 2,\n  3\n]\n"),
        ("// head\r\n\r\n\r\n{ \"a\" : // why\r\n 1 }\r\n// tail", "// head\n\n{\n  \"a\": // why\n  1\n}\n// tail\n"),
        ("{ /* a\r\n b */ \"a\": 1}", "{\n  /* a\n b */ \"a\": 1\n}\n"),
        ("[ // list  \n\n\n1\n\n\n\n, 2\n\n]", "[ // list\n\n  1,\n\n  2\n]\n"),
        ("\u{feff}[/**/]", "[/**/]\n"),
    ];
    for (old, new) in cases {
        assert_eq!(format(old).unwrap(), new, "{old}");
        assert_eq!(format(new).unwrap(), new, "idempotent");
    }
}

/// A text with the noise that bytes ask for between its tokens: white space and numbered comments.
struct Noisy<'n> {
    noise: std::slice::Iter<'n, u8>,
    comments: usize,
    text: String,
}

impl Noisy<'_> {
    fn gap(&mut self) {
        for _ in 0..2 {
            let byte = self.noise.next().copied().unwrap_or(0);
            self.comments += 1;
            let n = self.comments;
            self.text.push_str(&match byte % 24 {
                1 => "\n".to_owned(),
                2 => "\r\n".to_owned(),
                3 => "\n\n\n".to_owned(),
                4 => " \t".to_owned(),
                5 => format!("// line {n}  \n"),
                6 => format!("//{n}\r\n"),
                7 => format!("/* block {n} */"),
                8 => format!("\n  /* block {n} */ "),
                9 => format!("/* two\r\n lines {n} */"),
                10 => "\t\r\n".to_owned(),
                11 => "  \n      ".to_owned(),
                12..=14 => " ".to_owned(),
                15 => "\u{a0}".to_owned(),
                _ => String::new(),
            });
        }
    }

    fn put(&mut self, token: &str) {
        self.text.push_str(token);
        self.gap();
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Array(values) => self.members("[", values.iter().map(|value| (None, value)), "]"),
            Value::Object(map) => self.members("{", map.iter().map(|(key, value)| (Some(key), value)), "}"),
            other => self.put(&other.to_string()),
        }
    }

    fn members<'v>(&mut self, open: &str, members: impl ExactSizeIterator<Item = (Option<&'v String>, &'v Value)>, close: &str) {
        self.put(open);
        let count = members.len();
        for (index, (key, value)) in members.enumerate() {
            if let Some(key) = key {
                self.put(&Value::from(key.as_str()).to_string());
                self.put(":");
            }
            self.value(value);
            if index + 1 < count || self.noise.next().is_some_and(|byte| byte % 4 == 0) {
                self.put(",");
            }
        }
        self.put(close);
    }
}

fn noisy(value: &Value, noise: &[u8]) -> String {
    let mut noisy = Noisy { noise: noise.iter(), comments: 0, text: String::new() };
    noisy.gap();
    noisy.value(value);
    noisy.text
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop_oneof![
            Just("a"),
            Just("b"),
            Just("//"),
            Just("é\u{1b}\""),
            Just("long enough to go beyond the width of a line, with a few others")
        ]
        .prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec(("[a-d]", inner), 0..5).prop_map(|pairs| pairs.into_iter().collect()),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    proptest::collection::vec(("[a-d]", value()), 0..5).prop_map(|pairs| pairs.into_iter().collect())
}

fn read(text: &str) -> Value {
    let document = Document::parse(text).unwrap_or_else(|problem| panic!("{problem}: {text}"));
    fn plain(tree: &Tree) -> Value {
        match tree {
            Tree::Null => Value::Null,
            Tree::Bool(value) => json!(value),
            Tree::Number(text) => serde_json::from_str(text).unwrap(),
            Tree::Text(text) => json!(text),
            Tree::List(list) => list.iter().map(plain).collect(),
            Tree::Object(pairs) => pairs.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        }
    }
    plain(&document.tree())
}

fn comments(text: &str) -> Vec<String> {
    let document = Document::parse(text).unwrap();
    let mut comments: Vec<_> = document.comments().map(|comment| comment.into_owned()).collect();
    comments.sort();
    comments
}

/// The entries of `syscalls.allow`, in order.
fn entries(text: &str) -> Vec<String> {
    let value = read(text);
    let list = &value["syscalls"]["allow"];
    let list = list.as_array().or_else(|| list["add"].as_array()).cloned().unwrap_or_default();
    list.iter().map(|entry| entry.as_str().or_else(|| entry["call"].as_str()).unwrap_or_default().to_owned()).collect()
}

/// With numbered comments behind commas, brackets and before line ends, as the noise says.
fn remarked(text: &str, noise: &[u8]) -> String {
    let document = Document::parse(text).unwrap();
    let (mut out, mut from, mut count) = (String::new(), 0, 0);
    for (index, token) in document.tokens.iter().enumerate() {
        out.push_str(&text[from..token.range.end]);
        from = token.range.end;
        if tokens::is_comment(token) {
            continue;
        }
        let ends = document.breaks(index + 1) > 0;
        match noise[index % noise.len()] {
            0 => out.push_str(&format!(" /* remark {count}; */")),
            1 if ends => out.push_str(&format!(" // remark {count};")),
            2 if ends => out.push_str(&format!("\n      // remark {count};")),
            3 if ends => out.push_str(&format!(" /* remark {count};\n of two lines */")),
            _ => continue,
        }
        count += 1;
    }
    out + &text[from..]
}

/// Each line of a comment with the nearest texts before and behind it that are no comment.
fn neighbours(text: &str) -> Vec<(String, [String; 2])> {
    let document = Document::parse(text).unwrap();
    let plain = |at: &usize| document.tokens.get(*at).is_some_and(|token| matches!(token.token, jsonc_parser::tokens::Token::String(_)));
    let shown = |at: Option<usize>| {
        at.and_then(|at| document.tokens.get(at)).map_or(String::new(), |token| document.at(token.range).trim_matches('"').to_owned())
    };
    let mut found = Vec::new();
    for (index, token) in document.tokens.iter().enumerate().filter(|(_, token)| tokens::is_comment(token)) {
        let near = [shown((0..index).rev().find(plain)), shown((index..document.tokens.len()).find(plain))];
        let lines = document.at(token.range).lines().map(|line| line.trim().trim_start_matches("//").trim().to_owned());
        found.extend(lines.filter(|line| line.contains("remark")).map(|line| (line, near.clone())));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn format_keeps_values_and_comments_and_is_idempotent(value in value(), noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = noisy(&value, &noise);
        let new = format(&text).unwrap_or_else(|problem| panic!("{problem}: {text}"));
        prop_assert_eq!(read(&new), value);
        prop_assert_eq!(comments(&new), comments(&text));
        prop_assert_eq!(&format(&new).unwrap(), &new, "{}", text);
        prop_assert!(!new.contains('\r') && !new.contains(" \n"), "{}", new);
    }

    #[test]
    fn set_changes_one_field_and_keeps_comments(
        object in object(), noise in proptest::collection::vec(any::<u8>(), 0..200),
        keys in proptest::collection::vec("[a-e]", 1..4), value in value(),
    ) {
        let text = noisy(&object, &noise);
        let mut wanted = object;
        let mut slot = Some(&mut wanted);
        for key in &keys {
            slot = slot.and_then(Value::as_object_mut).map(|map| map.entry(key.clone()).or_insert_with(|| json!({})));
        }
        let new = set(&text, &keys.join("."), &value);
        if let Some(slot) = slot {
            *slot = value;
            let new = new.unwrap_or_else(|problem| panic!("{problem}: {text}"));
            prop_assert_eq!(read(&new), wanted);
            prop_assert_eq!(comments(&new), comments(&text));
        } else {
            prop_assert!(new.is_err());
        }
    }

    #[test]
    fn add_appends_one_entry_and_its_comment(
        list in proptest::collection::vec(scalar(), 0..5), noise in proptest::collection::vec(any::<u8>(), 0..200),
        remark in proptest::option::of("[a-z\n/*]{0,12}"),
    ) {
        let text = noisy(&json!({ "s": { "l": list }, "t": 1 }), &noise);
        let new = add(&text, "s.l", &json!({ "call": "new" }), remark.as_deref()).unwrap_or_else(|problem| panic!("{problem}: {text}"));
        let mut wanted = list;
        wanted.push(json!({ "call": "new" }));
        prop_assert_eq!(read(&new), json!({ "s": { "l": wanted }, "t": 1 }));
        let lines = remark.iter().flat_map(|remark| remark.split('\n')).filter(|line| !line.is_empty()).count();
        prop_assert_eq!(comments(&new).len(), comments(&text).len() + lines);
    }

    #[test]
    fn remove_takes_entries_and_no_comment(
        list in proptest::collection::vec(scalar(), 0..5), noise in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let text = noisy(&json!({ "s": { "l": list }, "t": 1 }), &noise);
        let left: Vec<_> = list.iter().filter(|entry| **entry != json!("a")).cloned().collect();
        match remove(&text, "s.l", "a") {
            Ok(new) => {
                prop_assert!(left.len() < list.len());
                prop_assert_eq!(read(&new), json!({ "s": { "l": left }, "t": 1 }));
                let after = comments(&new).join("\n");
                let lines = |comment: &String| comment.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
                prop_assert!(comments(&text).iter().flat_map(lines).all(|line| after.contains(&line)), "{}\n--\n{}", text, new);
            }
            Err(problem) => prop_assert!(left.len() == list.len(), "{}: {}", problem, text),
        }
    }

    /// Over the shipped policies with a comment in every place where one can stand: allowing, denying and exchanging any of their calls loses no comment,
    /// moves no other entry, and leaves every comment between the same neighbours.
    #[test]
    fn comments_and_order_survive_every_edit(
        which in 0..SHIPPED.len(), noise in proptest::collection::vec(0_u8..24, 40..400), pick in any::<usize>(), how in 0..4_u8, crlf in any::<bool>(),
    ) {
        let mut text = remarked(SHIPPED[which].1, &noise);
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let names = entries(&text);
        if names.is_empty() {
            return Ok(());
        }
        let name = names[pick % names.len()].clone();
        let list = "syscalls.allow";
        let edited = match how {
            0 => remove(&text, list, &name),
            1 => replace(&text, list, &name, &json!({ "call": name, "reason": "another" })),
            2 => add(&text, list, &json!("bpf"), Some("by Ann")),
            _ => replace(&text, list, &name, &json!(name)),
        };
        let new = edited.unwrap_or_else(|problem| panic!("{problem}: {text}"));
        let left: Vec<String> = entries(&new).into_iter().filter(|entry| entry != "bpf").collect();
        let wanted: Vec<String> = names.iter().filter(|entry| how != 0 || **entry != name).cloned().collect();
        prop_assert_eq!(&left, &wanted, "{}", new);
        // Between which entries each comment stands; one that is taken out stands there in a comment.
        let (before, after) = (neighbours(&text), neighbours(&new));
        // What the entry itself is written with is another's business.
        let listed = read(&text)["syscalls"]["allow"].clone();
        let listed = listed.as_array().or_else(|| listed["add"].as_array()).cloned().unwrap_or_default();
        let own: Vec<String> = listed
            .iter()
            .map(ToString::to_string)
            .filter(|entry| entry.contains(&format!("\"{name}\"")))
            .flat_map(|entry| entry.split('"').map(str::to_owned).collect::<Vec<_>>())
            .collect();
        for (remark, near) in &before {
            let now = after.iter().find(|(other, _)| other.contains(remark.as_str())).map(|(_, near)| near);
            let beside_own = near.iter().any(|was| own.contains(was));
            let moved = now.is_none_or(|now| near != now && !beside_own && how != 2);
            prop_assert!(!moved, "{} of {}: {:?} is {:?}\n{}\n--\n{}", how, name, (remark, near), now, text, new);
        }
        prop_assert!(!crlf || !new.replace("\r\n", "").contains(['\n', '\r']), "bare line ends: {:?}", new);
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}:,\"a1 \n\r/*\u{feff}é-]{0,40}", field in "[a.]{0,4}") {
        let _ = (format(&text), set(&text, &field, &json!([1])), add(&text, &field, &json!("a"), Some("c")), remove(&text, &field, "a"));
    }
}

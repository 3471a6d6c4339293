//! A request never widens a policy: for random policies, random requests and every field, by an account of "more" that is not the crate's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../policy/tests/schema/arbitrary.rs"]
mod arbitrary;
mod ceiling;
mod oracle;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use remand_authoring::{diff, show};
use remand_policy::load::{Chain, parse, trace};
use remand_policy::narrow::{Change, Direction, compare, narrow};
use remand_policy::overrides::apply;
use remand_policy::source::Source;
use remand_policy::{Policy, shipped};
use serde_json::{Map, Value, json};

use arbitrary::policy;
use oracle::more;

/// Dotted paths of all fields that a request can set, from the text of a policy: a new field is here as soon as it is written.
fn fields(policy: &Policy) -> Vec<String> {
    fn walk(path: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) if path != "environment" => {
                for (key, value) in map {
                    walk(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, value, found);
                }
            }
            _ => found.push(path.to_owned()),
        }
    }
    let mut found = Vec::new();
    walk("", &policy.tree(), &mut found);
    found.retain(|path| !["version", "description", "network.reason"].contains(&path.as_str()));
    found
}

/// The request that sets these fields to the values of `from`.
fn request(from: &Policy, fields: &[&String]) -> Value {
    let mut tree = json!({});
    for field in fields {
        let value = field.split('.').fold(from.tree(), |tree, key| tree.get(key).cloned().unwrap());
        let mut slot = &mut tree;
        for key in field.split('.') {
            slot = slot.as_object_mut().unwrap().entry(key).or_insert(Value::Object(Map::new()));
        }
        *slot = value;
    }
    tree
}

/// The requests' environment is merged by variable, so the result is compared as what was asked.
fn check(ceiling: &Policy, overrides: &Value) -> Option<Policy> {
    let result = apply(ceiling, overrides).ok()?;
    assert_eq!(more(ceiling, &result), Vec::<&str>::new(), "{overrides} over {}", ceiling.canonical());
    Some(result)
}

/// Keys in the other order.
fn reversed(tree: &mut Value) {
    if let Value::Object(map) = tree {
        *map = std::mem::take(map).into_iter().rev().collect();
        map.values_mut().for_each(reversed);
    }
}

/// The change seen from the other side.
fn mirrored(change: Change) -> Change {
    let direction = match change.direction {
        Direction::Narrows => Direction::Widens,
        Direction::Widens => Direction::Narrows,
        same @ (Direction::Changes | Direction::Free) => same,
    };
    Change { direction, from: change.to, to: change.from, ..change }
}

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_request_widens(ceiling in policy(), other in policy(), picks in proptest::collection::vec(any::<proptest::sample::Index>(), 1..6)) {
        let fields = fields(&ceiling);
        let picked: Vec<_> = picks.iter().map(|pick| pick.get(&fields)).collect();
        check(&ceiling, &request(&other, &picked));
    }

    /// Single grants against many: where conditions, groups, `deny` and `kill` meet.
    #[test]
    fn no_grant_widens(ceiling in policy(), other in policy(), conditions in any::<bool>()) {
        for grant in other.syscalls.rules.allow.iter().chain(&ceiling.syscalls.rules.allow) {
            let mut asked = ceiling.clone();
            let mut grant = grant.clone();
            if conditions && !grant.call.starts_with('@') {
                grant.when.extend(other.syscalls.rules.allow.iter().flat_map(|other| other.when.clone()));
            }
            asked.syscalls.rules.allow = vec![grant];
            if let Ok(result) = narrow(&ceiling, asked) {
                prop_assert_eq!(more(&ceiling, &result), Vec::<&str>::new(), "{:?} over {:?}", result.syscalls, ceiling.syscalls);
            }
        }
    }

    #[test]
    fn narrowing_by_oneself_changes_nothing(ceiling in policy()) {
        prop_assert_eq!(compare(&ceiling, &ceiling), vec![]);
        prop_assert_eq!(&narrow(&ceiling, ceiling.clone()).unwrap(), &ceiling);
        let all = fields(&ceiling);
        prop_assert_eq!(&apply(&ceiling, &request(&ceiling, &all.iter().collect::<Vec<_>>())).unwrap(), &ceiling);
    }

    #[test]
    fn directions_reverse(one in policy(), other in policy()) {
        let back: Vec<_> = compare(&other, &one).into_iter().map(mirrored).collect();
        let there = compare(&one, &other);
        prop_assert_eq!(there.len(), back.len());
        for change in &there {
            prop_assert!(back.contains(change), "{:?}", change);
        }
    }

    /// The order of diffs is that of requests: what a request made of a policy widens nothing, and what may not widen is granted.
    #[test]
    fn what_a_request_makes_never_widens(ceiling in policy(), other in policy(), picks in proptest::collection::vec(any::<proptest::sample::Index>(), 1..6)) {
        let fields = fields(&ceiling);
        let picked: Vec<_> = picks.iter().map(|pick| pick.get(&fields)).collect();
        for asked in [request(&other, &picked), request(&ceiling, &picked), request(&Policy::floor("p"), &picked)] {
            if let Ok(result) = apply(&ceiling, &asked) {
                let changes = compare(&ceiling, &result);
                prop_assert!(!changes.iter().any(Change::may_widen), "{:?}", changes);
                prop_assert!(!diff::text(&changes).contains("  widens "), "{}", diff::text(&changes));
            }
        }
        prop_assert_eq!(narrow(&ceiling, other.clone()).is_ok(), !compare(&ceiling, &other).iter().any(Change::may_widen));
    }

    /// Every change of every two policies has its line, whatever its kind.
    #[test]
    fn every_change_is_told(one in policy(), other in policy()) {
        let changes = compare(&one, &other);
        let text = diff::text(&changes);
        for change in &changes {
            let start = format!("  {:<7}  {}: ", change.direction.word(), change.field);
            prop_assert!(text.lines().any(|line| line.starts_with(&start)), "{:?}: {}", change, text);
        }
        prop_assert_eq!(text.is_empty(), changes.is_empty());
    }

    #[test]
    fn layout_comments_and_the_order_of_keys_make_no_difference(policy in policy(), salt in any::<u64>()) {
        let mut tree = policy.tree();
        reversed(&mut tree);
        let pretty = serde_json::to_string_pretty(&tree).unwrap();
        let noise = ["", " // a comment: \"limits\": {", " /* another */", "\r\n\t", "\n\n"];
        let lines = pretty.lines().zip(0_u32..).map(|(line, number)| {
            line.to_owned() + noise[usize::try_from(salt.rotate_left(number * 3 % 64) % 5).unwrap()] + "\n"
        });
        let source = Source { file: "p".into(), text: lines.collect::<String>().into_bytes().into() };
        let read = parse(&Chain::shipped(&source), "p").map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>());
        prop_assert_eq!(read.map(|read| compare(&policy, &read)), Ok(vec![]));
    }

    #[test]
    fn what_is_shown_reads_back(policy in policy()) {
        let load = |text: String| trace(&Chain::shipped(&Source { file: "p".into(), text: text.into_bytes().into() }), "p").unwrap();
        let loaded = load(policy.canonical());
        prop_assert_eq!(load(show::text(&policy, &loaded)).policy, policy);
    }

    #[test]
    fn every_policy_reads_back_from_its_text(policy in policy()) {
        let source = Source { file: "p".into(), text: policy.canonical().into_bytes().into() };
        let read = parse(&Chain::shipped(&source), "p");
        prop_assert_eq!(read.as_ref().map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>()), Ok(&policy));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}", cut in any::<proptest::sample::Index>(), junk in "[\\[\\]{}:,\"0-9a-z/*\\\\ -]{0,6}") {
        let shipped = shipped::SHIPPED[0].1;
        let at = (0..=cut.index(shipped.len())).rev().find(|at| shipped.is_char_boundary(*at)).unwrap();
        for text in [text, format!("{}{junk}{}", &shipped[..at], &shipped[at..]), format!("{}{junk}", &shipped[..at])] {
            let source = Source { file: "p".into(), text: text.into_bytes().into() };
            let _ = parse(&Chain::shipped(&source), "p");
        }
    }
}

/// One field at a time: narrower values pass, wider ones are refused by the name of that field, and each field has shown both.
#[test]
fn every_field_narrows_and_refuses() {
    let mut runner = TestRunner::deterministic();
    let mut draw = || policy().new_tree(&mut runner).unwrap().current();
    let pairs: Vec<_> = (0..80).map(|_| (draw(), draw())).collect();
    for field in fields(&Policy::floor("p")) {
        let (mut narrowed, mut refused) = (0, 0);
        for (ceiling, other) in &pairs {
            let overrides = request(other, &[&field]);
            match apply(ceiling, &overrides) {
                Ok(result) => {
                    narrowed += usize::from(result != *ceiling);
                    check(ceiling, &overrides);
                }
                Err(problems) => {
                    refused += 1;
                    // Deny and kill show in what is allowed; a list entry has an index.
                    let known =
                        |problem: &str| problem.starts_with(&field) || field.starts_with("syscalls.") && problem.starts_with("syscalls.");
                    assert!(problems.iter().all(|problem| known(&problem.field)), "{field}: {problems:?}");
                }
            }
        }
        let fixed = ["environment", "python.interpreter"].contains(&field.as_str());
        let free = field.starts_with("result.");
        assert!((refused > 0) != free, "{field} was refused {refused} times");
        assert!(fixed || narrowed > 0, "{field} was never narrowed");
    }
}

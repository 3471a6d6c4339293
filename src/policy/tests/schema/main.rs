//! The schema and the loader agree: on files written for each kind of value and of mistake, and on random policies.
//!
//! A bad file whose name begins with `loader_` is one of the mistakes that only the loader can know; its first line says why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arbitrary;

use std::path::Path;

use jsonschema::Validator;
use proptest::prelude::*;
use remand_policy::load::{Chain, trace};
use remand_policy::source::Source;
use remand_policy::text::Problem;
use remand_policy::{Policy, schema, shipped};
use serde_json::Value;

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema::file()).unwrap()
}

/// A policy file as an editor reads it.
fn tree(text: &str) -> Value {
    jsonc_parser::parse_to_serde_value(text, &jsonc_parser::ParseOptions::default()).unwrap()
}

fn load(text: &str) -> Result<Policy, Vec<Problem>> {
    trace(&Chain::shipped(&Source { file: "p.jsonc".into(), text: text.as_bytes().to_vec().into() }), "p").map(|loaded| loaded.policy)
}

/// Name and text of every file of a corpus.
fn corpus(directory: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema").join(directory);
    let files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn good_files_pass_both() {
    let validator = validator();
    let shipped = shipped::SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let files: Vec<_> = corpus("good").into_iter().chain(shipped).collect();
    assert!(files.len() >= 25);
    for (name, text) in files {
        load(&text).unwrap_or_else(|problems| panic!("good/{name}: {problems:?}"));
        let refused: Vec<_> = validator.iter_errors(&tree(&text)).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(refused.is_empty(), "good/{name}: {refused:?}");
    }
}

#[test]
fn bad_files_fail_both_except_what_only_the_loader_knows() {
    let validator = validator();
    let files = corpus("bad");
    assert!(files.len() >= 25);
    for (name, text) in files {
        let problems = load(&text).expect_err(&name);
        assert_eq!(problems.len(), 1, "bad/{name} holds more than one mistake: {problems:?}");
        assert_eq!(validator.is_valid(&tree(&text)), name.starts_with("loader_"), "bad/{name}: {}", problems[0]);
    }
}

#[test]
fn every_name_is_granted_alike() {
    let validator = validator();
    for name in remand_syscalls::names() {
        for allow in
            [format!("\"{name}\""), format!("{{ \"call\": \"{name}\" }}"), format!("{{ \"call\": \"{name}\", \"reason\": \"r\" }}")]
        {
            let text = format!("{{ \"version\": 1, \"syscalls\": {{ \"allow\": [{allow}], \"kill\": [] }} }}");
            assert_eq!(load(&text).is_ok(), validator.is_valid(&tree(&text)), "{allow}");
        }
        let text = format!("{{ \"version\": 1, \"syscalls\": {{ \"kill\": [\"{name}\"] }} }}");
        // The schema names no call: that no run starts without execve, the loader knows.
        let starts = |call: &str| call == "execve";
        let kills_the_start =
            starts(name) || remand_syscalls::grants_of_group(name).is_some_and(|all| all.iter().any(|grant| starts(&grant.call)));
        assert_eq!(load(&text).is_err(), kills_the_start, "{name}");
        assert!(validator.is_valid(&tree(&text)), "{name}");
    }
}

/// Every number at its bounds and beyond them, by the bounds that the schema states.
#[test]
fn bounds_are_those_of_the_loader() {
    let validator = validator();
    let schema = schema::file();
    let mut checked = 0;
    for (pointer, field) in numbers(&schema, "") {
        let path: Vec<_> = pointer.split('.').collect();
        for (value, good) in [("minimum", true), ("maximum", true)].map(|(key, good)| (field.get(key), good)) {
            let Some(bound) = value else { continue };
            let mut cases = vec![(bound.to_string(), good)];
            if let Some(whole) = bound.as_u64() {
                let out = if Some(bound) == field.get("minimum") { whole.checked_sub(1) } else { whole.checked_add(1) };
                cases.extend(out.map(|out| (out.to_string(), false)));
            }
            for (number, good) in cases {
                let text = path.iter().rev().fold(number, |text, key| format!("{{ \"{key}\": {text} }}"));
                let text = text.replacen('{', "{ \"version\": 1,", 1);
                assert_eq!((load(&text).is_ok(), validator.is_valid(&tree(&text))), (good, good), "{text}");
                checked += 1;
            }
        }
    }
    assert!(checked >= 20, "{checked}");
}

/// Every field that is written as a number: dotted path, schema.
fn numbers<'s>(schema: &'s Value, above: &str) -> Vec<(String, &'s Value)> {
    let mut found = Vec::new();
    for (key, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        let value = field.pointer("/anyOf/0").unwrap_or(field);
        if value["type"] == "integer" || value["type"] == "number" {
            found.push((path.clone(), value));
        }
        found.extend(numbers(field, &path));
    }
    found
}

proptest! {
    #[test]
    fn random_policies_pass_both(policy in arbitrary::policy()) {
        thread_local!(static VALIDATOR: Validator = validator());
        let tree = policy.tree();
        VALIDATOR.with(|validator| {
            let refused: Vec<_> = validator.iter_errors(&tree).map(|error| format!("{}: {error}", error.instance_path())).collect();
            prop_assert!(refused.is_empty(), "{:?}", refused);
            prop_assert!(load(&tree.to_string()).is_ok());
            Ok(())
        })?;
    }
}

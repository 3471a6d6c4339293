//! The schema and the reference against the types; against the loader they are tested in `tests/schema`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use super::reference::{leaves, paragraphs};
use super::*;

/// Paths of all values in a tree that are no sections.
fn paths(tree: &Value, above: &str) -> Vec<String> {
    let Value::Object(map) = tree else { return vec![above.to_owned()] };
    if map.is_empty() {
        return vec![above.to_owned()];
    }
    let join = |key: &str| if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
    map.iter().flat_map(|(key, value)| paths(value, &join(key))).collect()
}

#[test]
fn exactly_the_fields_of_a_policy_say_what_the_kernel_makes_of_them() {
    let schema = file();
    let told: BTreeSet<_> =
        leaves(&schema, "").into_iter().filter(|leaf| !paragraphs(leaf.schema)[1].is_empty()).map(|leaf| leaf.path).collect();
    assert_eq!(told, paths(&Policy::floor("").tree(), "").into_iter().collect());
    for leaf in leaves(&schema, "") {
        let [meaning, kernel, range] = paragraphs(leaf.schema);
        assert!(meaning.ends_with('.') && (kernel.is_empty() || kernel.ends_with('.')), "{}", leaf.path);
        assert!(range.is_empty() || range.starts_with("From "), "{}: {range}", leaf.path);
    }
}

#[test]
fn numbers_have_the_bounds_of_the_loader() {
    let schema = file();
    let at = |path: &str| schema.pointer(&format!("/properties/limits/properties/{path}")).unwrap();
    assert_eq!((&at("open_files")["minimum"], &at("open_files")["maximum"]), (&json!(16), &json!(1_048_576)));
    assert_eq!(at("cpus/anyOf/0")["minimum"].to_string(), "0.01");
    assert_eq!(paragraphs(at("stack"))[2], "From 64KiB to 1GiB.");
    assert_eq!(paragraphs(at("memory"))[2], "From 4KiB to unlimited.");
    assert_eq!(paragraphs(at("stdout"))[2], "From 1B.");
}

#[test]
fn the_reference_tells_values_conditions_and_dangers() {
    let text = reference();
    assert!(text.contains("- Floor: `\"64MiB\"`. `default`: `\"256MiB\"`.\n"));
    assert!(text.contains("### `@pipes`\n\nFor: make pipes.\n\n`pipe`\n\n- `pipe2` where argument 1 has of the bits 0x80 exactly 0x0\n"));
    assert!(text.contains("**Dangerous:** the clock is the host's.\n"));
}

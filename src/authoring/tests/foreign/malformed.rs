//! Files that are no profiles: an error that names the place, never a panic.

use proptest::prelude::*;
use remand_authoring::foreign::{Kind, LARGEST, Malformed, import};

use super::*;

fn error(text: &str) -> String {
    match import(text.as_bytes(), "bad.json", None) {
        Err(Malformed { place, message }) => format!("{place}: {message}"),
        Ok(imported) => panic!("{text} is taken as {:?}", imported.kind),
    }
}

fn rule(rest: &str) -> String {
    error(&format!(
        "{{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", {rest}}}]}}"
    ))
}

fn test(rest: &str) -> String {
    rule(&format!("\"args\": [{{\"index\": 0, \"op\": \"SCMP_CMP_EQ\", {rest}}}]"))
}

#[test]
fn text_that_is_no_json_has_a_line_and_a_column() {
    assert!(error("{\n  \"defaultAction\": }").starts_with("2:20: "), "{}", error("{\n  \"defaultAction\": }"));
    assert!(error("").contains("empty"));
    assert!(error("{\"defaultAction\": \"SCMP_ACT_ERRNO\",}").starts_with("1:"));
    assert!(error("{} {}").starts_with("1:"));
    assert!(error("// comment\n{}").starts_with("1:1: "));
    assert!(error(&"[".repeat(LARGEST)).contains("nesting"));
    assert!(error(&format!("{}1{}", "{\"a\":".repeat(5000), "}".repeat(5000))).contains("nesting"));
    assert!(error(&" ".repeat(LARGEST + 1)).contains("more than a profile may have"));
    let utf8 = import(b"{\"defaultAction\": \"\xff\"}", "bad.json", None).unwrap_err();
    assert_eq!(utf8.to_string(), "byte 19: not UTF-8");
}

#[test]
fn values_of_the_wrong_type_have_a_path() {
    assert_eq!(
        error("[]"),
        "$ (1:1): neither a seccomp profile (which has defaultAction) nor an OCI config.json (which has ociVersion, process, linux)"
    );
    assert_eq!(error("{\"defaultAction\": 1}"), "$.defaultAction (1:19): a text is expected, not the number 1");
    assert_eq!(error("{\"defaultAction\": \"SCMP_ACT_ALOW\"}"), "$.defaultAction (1:19): \"SCMP_ACT_ALOW\" is no action");
    assert_eq!(error("{\"defaultAction\": \"\\u001b[2J\"}"), "$.defaultAction (1:19): \"\\u{1b}[2J\" is no action");
    assert!(
        error("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": {}}").contains("$.syscalls (1:49): a list is expected, not an object")
    );
    assert!(error("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultAction\": \"SCMP_ACT_ALLOW\"}").contains("written twice"));
    assert!(rule("\"name\": \"x\"").contains("can't both be written"));
    assert!(rule("\"args\": 7").contains("$.syscalls[0].args (1:"));
    assert!(rule("\"includes\": {\"moon\": \"full\"}").contains("an unknown condition"));
    assert!(test("\"value\": -1").contains("$.syscalls[0].args[0].value (1:"));
    for number in ["18446744073709551616", "1.0", "1e3", "-0.0", "\"1\"", "1e999999999", "true", "[]"] {
        assert!(test(&format!("\"value\": {number}")).contains("is expected"), "{number}");
    }
    assert!(rule("\"args\": [{\"index\": 6, \"op\": \"SCMP_CMP_EQ\"}]").contains("no call has an argument 6"));
    assert!(rule("\"args\": [{\"index\": 0, \"op\": \"SCMP_CMP_XX\"}]").contains("\"SCMP_CMP_XX\" is no comparison"));
    assert!(rule("\"args\": [{\"op\": \"SCMP_CMP_EQ\"}]").contains("has no index"));
    assert!(import(b"{}", "bad.json", Some(Kind::Seccomp)).unwrap_err().message.contains("defaultAction is missing"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Real profiles with a piece replaced: an error, or a policy that loads.
    #[test]
    fn a_broken_profile_is_refused_or_still_a_policy(at in 0.0..1.0_f64, length in 0..40_usize, piece in "[\\[\\]{}\",:0-9a-zA-Z_ \\-.\\\\\u{7f}\u{202e}]{0,12}", which in 0..3_usize) {
        let mut text = data(["docker-conditional.json", "runc-spec.json", "containers.json"][which]);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let from = ((text.len() as f64 * at) as usize).min(text.len());
        let to = (from + length).min(text.len());
        text.splice(from..to, piece.bytes());
        for kind in [None, Some(Kind::Seccomp), Some(Kind::Container)] {
            match import(&text, "a\u{1b}]0;x\u{7}\n\"*/.json", kind) {
                Ok(imported) => drop(load(&imported.policy)),
                Err(error) => prop_assert!(!error.to_string().chars().any(char::is_control), "{error:?}"),
            }
        }
    }
}

/// Readers in Go match keys in any case: what they would take for a condition is never skipped.
#[test]
fn a_key_in_another_case_is_refused() {
    let profile = |rule: &str, key: &str| {
        format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "{key}": [{{"names": ["clone"], "action": "SCMP_ACT_ALLOW"{rule}}}]}}"#)
    };
    import(profile("", "syscalls").as_bytes(), "p", None).unwrap();
    let args = r#", "Args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]"#;
    for text in [
        profile(args, "syscalls"),
        profile(r#", "Includes": {"caps": ["CAP_SYS_ADMIN"]}"#, "syscalls"),
        profile("", "Syscalls"),
        profile("", "\u{17f}yscalls"),
    ] {
        let error = import(text.as_bytes(), "p", None).unwrap_err().to_string();
        assert!(error.contains("the key must be written"), "{error}");
    }
    let error = import(profile(r#", "only": ["root"]"#, "syscalls").as_bytes(), "p", None).unwrap_err().to_string();
    assert!(error.contains("an unknown key of a rule"), "{error}");
}

/// A policy is for every kernel from 5.13 on; what an OCI runtime does not read holds nothing back there.
#[test]
fn a_condition_on_the_kernel_allows_only_what_is_sure() {
    let rule = |names: &str, action: &str, filter: &str| format!(r#"{{"names": ["{names}"], "action": "SCMP_ACT_{action}", {filter}}}"#);
    let rules = [
        rule("ptrace", "ALLOW", r#""includes": {"minKernel": "99.0"}"#),
        rule("getcpu", "ALLOW", r#""includes": {"minKernel": "4.8"}"#),
        rule("sysinfo", "ALLOW", r#""comment": """#),
        rule("sysinfo", "ERRNO", r#""excludes": {"minKernel": "99.0"}"#),
        rule("uname", "ALLOW", r#""comment": """#),
        rule("uname", "ERRNO", r#""includes": {"caps": ["CAP_SYS_ADMIN"]}"#),
    ];
    let profile = format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{}]}}"#, rules.join(", "));
    let allowed = |text: &str| {
        let program = compile(&load(&import(text.as_bytes(), "p", None).unwrap().policy).syscalls.rules, Arch::X86_64).unwrap();
        ["ptrace", "getcpu", "sysinfo", "uname"].map(|call| ask(&program, Arch::X86_64, call, [0; 6]) == Some(ALLOW))
    };
    assert_eq!(allowed(&profile), [false, true, false, true]);
    let container = format!(r#"{{"ociVersion": "1.0.2", "linux": {{"seccomp": {profile}}}}}"#);
    assert_eq!(allowed(&container), [false, true, false, false]);
}

//! The command's edges, up to the point where a run would begin: arguments, input, policies, streams.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const REMAND: &str = env!("CARGO_BIN_EXE_remand");

fn remand(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(REMAND).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input); // it may refuse before it reads
    child.wait_with_output().unwrap()
}

/// What is refused: exit status 2, nothing on standard output, this on standard error.
fn refused(args: &[&str], input: &[u8]) -> String {
    let output = remand(args, input);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{text}");
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    text
}

/// A file that is gone with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("remand-cli-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn help_and_version_go_to_standard_output_and_mistakes_do_not() {
    let version = remand(&["--version"], b"");
    assert_eq!((version.status.code(), version.stdout.as_slice()), (Some(0), format!("remand {}\n", env!("CARGO_PKG_VERSION")).as_bytes()));
    assert_eq!(remand(&["run", "--help"], b"").status.code(), Some(0));
    assert!(refused(&["run", "--frobnicate", "x"], b"").contains("--frobnicate"));
    assert!(refused(&[], b"").contains("Usage"));
}

#[test]
fn an_answer_that_cannot_be_written_is_no_success() {
    let to = |stdout: Stdio| {
        Command::new(REMAND).arg("--version").stdout(stdout).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
    };
    let full = to(fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into());
    assert_eq!(full.status.code(), Some(11));
    assert!(String::from_utf8(full.stderr).unwrap().starts_with("remand: cannot write to standard output: "));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let gone = to(writer.into());
    assert_eq!((gone.status.code(), gone.stderr.as_slice()), (Some(11), &b""[..]), "a reader that went away knows it");
}

/// H3 of the catalogue of techniques: descriptors 0 to 2 closed at the start, so that the next file opened becomes one of them.
#[test]
fn a_policy_file_never_becomes_standard_output() {
    let policy = Scratch::new("closed.jsonc", "{\"version\": 1}");
    let script = "exec \"$0\" policy check \"$1\" <&- >&- 2>&-";
    let status = Command::new("sh").args(["-c", script, REMAND, policy.name()]).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(fs::read_to_string(&policy.0).unwrap(), "{\"version\": 1}");
}

#[test]
fn input_is_refused_with_its_place() {
    let code = Scratch::new("code.py", "return 1");
    assert_eq!(refused(&["run", "--items", "-", "-"], b""), "remand: only one of FILE and --items can be standard input\n");
    assert!(refused(&["run", "--items", "-", code.name()], b"[1,\n {]").contains("--items: key must be a string at line 2 column 3\n"));
    assert!(refused(&["run", "--items", "-", code.name()], b"{\"a\": 1}").contains("a JSON array is expected"));
    assert!(refused(&["run", "--query", "word", code.name()], b"").contains("--query: expected value at line 1 column 1\n"));
    assert!(refused(&["run", "-"], b"return '\xff'").contains("code is not UTF-8 text: wrong at byte 8\n"));
    assert!(refused(&["run", "/nonexistent"], b"").contains("cannot read code /nonexistent: No such file or directory"));
    assert!(refused(&["run", "--items", "/dev/zero", code.name()], b"").contains("larger than limits.job_size = "));
    assert!(refused(&["run", "--set", "limits.job_size=7B", code.name()], b"").contains("larger than limits.job_size = 7 bytes\n"));
}

#[test]
fn a_request_that_widens_names_field_ceiling_and_wish() {
    let text = refused(&["run", "--set", "limits.memory=1TiB", "-"], b"");
    assert!(["limits.memory", "1TiB", "256MiB", "a request only narrows"].iter().all(|part| text.contains(part)), "{text}");
    let text = refused(&["run", "--set", "limits.memroy=1MiB", "-"], b"");
    assert!(text.contains("did you mean \"memory\"?"), "{text}");
    let config = Scratch::new("security.json", "{\"stdlib_allow\": [\"json\"], \"extra\": 1}");
    assert!(refused(&["run", "--security-config", config.name(), "-"], b"").contains("unknown key extra"));
}

#[test]
fn a_policy_is_found_by_name_or_by_path() {
    let text = refused(&["run", "--policy", "defualt", "-"], b"");
    assert!(text.contains("no policy defualt is built in or in /etc/remand/policies\n  built in are: default"), "{text}");
    assert!(refused(&["run", "--policy", "../x", "-"], b"").contains("policy ../x: cannot be opened"));
    assert!(refused(&["run", "--policy", "/dev/null", "-"], b"").contains("policy /dev/null: is not a regular file"));
    assert!(refused(&["run", "--policy", "a\u{1b}[2Jb", "-"], b"").contains("\\u{1b}[2J"));
}

#[test]
fn policy_check_passes_the_shipped_ones_and_underlines_each_mistake() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let files: Vec<_> = fs::read_dir(shipped)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonc"))
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let output = remand(&["policy", "check", file.to_str().unwrap()], b"");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let bad = Scratch::new(
        "bad.jsonc",
        "{\n  \"version\": 1,\n  \"extends\": \"default\",\n  // \u{1b}[2J\n  \"limits\": { \"memory\": 64, \"memroy\": 1 }\n}\n",
    );
    let text = refused(&["policy", "check", bad.name()], b"");
    assert!(text.contains(&format!("{}:5:25: limits.memory", bad.name())) && text.contains("5:29: limits"), "{text}");
    assert!(text.contains("──"), "underlined: {text}");
    let used = refused(&["run", "--policy", bad.name(), "-"], b"");
    assert!(used.contains("did you mean \"memory\"?"), "{used}");
}

#[test]
fn a_foreign_policy_is_imported_and_a_filter_exported() {
    let profile = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read", "frobnicate"], "action": "SCMP_ACT_ALLOW"}]}"#;
    let source = Scratch::new("profile.json", profile);
    let output = remand(&["policy", "import", source.name()], b"");
    assert_eq!(output.status.code(), Some(1), "something is left out");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("$.syscalls[0].names[1]: refused: \"frobnicate\": no system call"), "{told}");
    let policy = Scratch::new("imported.jsonc", std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(remand(&["policy", "check", policy.name()], b"").status.code(), Some(0));
    let whole = remand(&["policy", "import", "--json", "--from", "seccomp", "-"], profile.replace(", \"frobnicate\"", "").as_bytes());
    assert_eq!((whole.status.code(), whole.stderr.as_slice()), (Some(0), &b"[]\n"[..]));
    let existing = refused(&["policy", "import", source.name(), "--output", policy.name()], b"");
    assert!(existing.contains("cannot write the policy to"), "{existing}");
    assert!(refused(&["policy", "import", "-"], b"{\"defaultAction\": 1}").contains("$.defaultAction (1:19): a text is expected"));
    let export = |form| {
        let output = remand(&["policy", "export", "--as", form, "--arch", "aarch64", "default"], b"");
        assert_eq!(output.status.code(), Some(0), "{form}");
        output.stdout
    };
    assert!(String::from_utf8(export("text")).unwrap().contains("63        read                     allow\n"));
    assert!(String::from_utf8(export("bpf")).unwrap().contains("AUDIT_ARCH_AARCH64"));
    assert!(serde_json::from_slice::<serde_json::Value>(&export("oci")).unwrap()["defaultAction"] == "SCMP_ACT_ERRNO");
    assert_eq!(export("bpf-raw")[..8], [0x20, 0, 0, 0, 4, 0, 0, 0]);
}

//! The command's edges, up to the point where a run would begin: arguments, input, policies, streams.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

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
    for args in
        [&[][..], &["--nonsense"], &["run", "--nonsense"], &["policy", "set", "default", "limits.pids=3"], &["policy", "why", "nonsense"]]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = |stderr: Stdio| Command::new(REMAND).args(args).stdout(Stdio::null()).stderr(stderr).status().unwrap().code();
        assert_eq!((status(Stdio::null()), status(full.into())), (Some(2), Some(11)), "{args:?}");
        let closed = Command::new("sh").args(["-c", "exec \"$0\" \"$@\" 2>&-", REMAND]).args(args).stdout(Stdio::null()).status().unwrap();
        assert_eq!(closed.code(), Some(11), "{args:?}: closed");
    }
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
    assert_eq!(status.code(), Some(11), "nothing is done for nobody");
    assert_eq!(fs::read_to_string(&policy.0).unwrap(), "{\"version\": 1}");
}

#[test]
fn input_is_refused_with_its_place() {
    let code = Scratch::new("code.py", "return 1");
    assert_eq!(
        refused(&["run", "--items", "-", "-"], b""),
        "remand: only one of FILE, --items, --query-file and --file can be standard input\n"
    );
    assert!(refused(&["run", "--items", "-", code.name()], b"[1,\n {]").contains("--items: key must be a string at line 2 column 3\n"));
    assert!(refused(&["run", "--items", "-", code.name()], b"{\n\"a\": 1}").contains("a JSON array is expected"));
    assert!(refused(&["run", "--query", "word", code.name()], b"").contains("--query: expected value at line 1 column 1\n"));
    assert!(refused(&["run", "--items", "-", code.name()], b"[\"\xff\"]").contains("--items is not UTF-8 text: wrong at byte 2\n"));
    assert!(refused(&["run", "/proc/none"], b"").contains("cannot read code /proc/none: No such file or directory"));
    assert!(refused(&["run", "--items", "/dev/zero", code.name()], b"").contains("it is a device"));
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
    assert!(
        text.contains("no policy defualt is built in or in /etc/remand/policies") && text.contains("\n  built in are: default"),
        "{text}"
    );
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

/// A directory that is gone with this value.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = fs::canonicalize(std::env::temp_dir()).unwrap().join(format!("remand-cli-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Status and problems of `policy check --json`.
fn problems(args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = remand(&[&["policy", "check", "--json"], args].concat(), b"");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code(), document["problems"].as_array().unwrap().clone())
}

#[test]
fn policy_check_survives_every_kind_of_file() {
    let directory = Directory::new("kinds");
    let fifo = directory.0.join("fifo.jsonc");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let link = directory.0.join("link.jsonc");
    let good = directory.file("good.jsonc", "\u{feff}{\r\n\"version\": 1,\r\n\"extends\": \"default\"\r\n}\r\n");
    std::os::unix::fs::symlink(&good, &link).unwrap();
    let cases = [
        (directory.file("open.jsonc", "[".repeat(1 << 20)), "maximum nesting depth exceeded"),
        (
            directory.file("deep.jsonc", format!("{{\"version\": 1, \"limits\": {}1{}}}", "{\"a\":".repeat(100_000), "}".repeat(100_000))),
            "maximum nesting",
        ),
        (directory.file("huge.jsonc", " ".repeat((1 << 20) + 1)), "the file is larger than"),
        (directory.file("empty.jsonc", ""), "the file is empty"),
        (directory.file("nul.jsonc", "{\"version\": 1, \"a\0\": 1}"), "unknown key \"a\\0\""),
        (directory.file("nuls.jsonc", "\0\0\0"), "a NUL byte"),
        (directory.file("surrogate.jsonc", "{\"version\": 1, \"description\": \"\\ud800\"}"), "invalid unicode escape sequence"),
        (directory.file("latin.jsonc", b"{\"version\": 1, \"description\": \"\xe9\"}"), "not UTF-8"),
        (directory.file("twice.jsonc", "{\"version\": 1, \"version\": 1}"), "the key \"version\" is written twice"),
        (directory.file("cut.jsonc", "{\"version\": 1, \"limits\": {"), "this { has no }"),
        (directory.0.to_str().unwrap().to_owned(), "the file is not a regular file"),
        (fifo.to_str().unwrap().to_owned(), "the file is not a regular file"),
        (link.to_str().unwrap().to_owned(), "the file is a symbolic link; name the file itself"),
        ("/dev/zero".to_owned(), "the file is not a regular file"),
        (directory.0.join("absent.jsonc").to_str().unwrap().to_owned(), "the file cannot be opened: "),
    ];
    for (file, said) in &cases {
        let (status, found) = problems(&[file]);
        assert_eq!((status, found.len()), (Some(2), 1), "{file}: {found:?}");
        assert!(found[0]["message"].as_str().unwrap().starts_with(said), "{file}: {found:?}");
        let told = remand(&["policy", "check", file], b"");
        assert_eq!(told.status.code(), Some(2));
        assert!(told.stderr.len() < 4096, "{file}: {}", told.stderr.len());
    }
    assert_eq!(problems(&[&good]), (Some(0), vec![]), "a byte order mark and DOS lines");
    let all: Vec<&str> = cases.iter().map(|(file, _)| file.as_str()).chain([good.as_str()]).collect();
    assert_eq!(problems(&all).1.len(), cases.len(), "one bad file does not hide another");
}

#[test]
fn policy_check_tells_errors_from_warnings() {
    let directory = Directory::new("warnings");
    let doubtful =
        directory.file("doubtful.jsonc", "{\n  \"version\": 1, \"extends\": \"default\",\n  \"limits\": { \"wall_time\": \"5s\" }\n}\n");
    let (status, found) = problems(&[&doubtful]);
    assert_eq!((status, found.len()), (Some(0), 1));
    let expected = [
        ("severity", json!("warning")),
        ("line", json!(3)),
        ("column", json!(28)),
        ("length", json!(4)),
        ("field", json!("limits.wall_time")),
    ];
    for (key, value) in expected {
        assert_eq!(found[0][key], value, "{key}");
    }
    let told = remand(&["policy", "check", "--deny-warnings", &doubtful], b"");
    assert_eq!(told.status.code(), Some(2));
    assert!(
        String::from_utf8(told.stderr).unwrap().contains("⚠")
            && String::from_utf8(told.stdout).unwrap().contains("doubtful.jsonc: 1 warning")
    );
    let shared = directory.file("shared.jsonc", "{\"version\": 1, \"extends\": \"default\", \"python\": {\"interpreter\": \"/sys/none\"}}");
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o666)).unwrap();
    let told = remand(&["policy", "check", "--json", &shared], b"");
    let document: Value = serde_json::from_slice(&told.stdout).unwrap();
    let messages: Vec<_> = document["here"].as_array().unwrap().iter().map(|problem| problem["message"].as_str().unwrap()).collect();
    assert_eq!((told.status.code(), &document["problems"]), (Some(1), &json!([])), "the text is fine; this machine lacks something");
    assert_eq!(
        messages,
        [
            format!("{shared} can be written by others than root (mode 0666); chmod go-w").as_str(),
            "`remand run` starts nothing under it here: /sys/none is no program here"
        ]
    );
    assert_eq!(remand(&["policy", "check", "--no-host", &shared], b"").status.code(), Some(0), "for a check that is made elsewhere");
}

/// Everything under which nothing starts: by its text, on any machine (2), or on this one (1).
#[test]
fn policy_check_tells_where_nothing_starts() {
    let directory = Directory::new("starts");
    let over = |text: &str| directory.file("p.jsonc", format!("{{\"version\": 1, \"extends\": \"default\", {text}}}"));
    let none = format!("/none-{}/a", std::process::id()); // not below /tmp or /sys, which are a run's own
    let mount = |text: &str| format!("\"filesystem\": {{\"mounts\": [{text}]}}");
    for (text, status, said) in [
        ("\"limits\": {\"pids\": 32}".to_owned(), 0, "ok"),
        ("\"syscalls\": {\"kill\": [\"execve\"]}".to_owned(), 2, "nothing starts where \"execve\" ends the run"),
        ("\"syscalls\": {\"deny\": [\"mmap\"]}".to_owned(), 1, "`remand exec` starts programs that do not"),
        ("\"syscalls\": {\"deny\": [\"fcntl\"]}".to_owned(), 1, "`remand run` starts nothing under it here"),
        ("\"python\": {\"interpreter\": \"/tmp/python3\"}".to_owned(), 2, "is never seen by a run: /tmp is its own"),
        ("\"python\": {\"interpreter\": \"/usr/bin/true\"}".to_owned(), 1, "/usr/bin/true is no Python"),
        ("\"python\": {\"interpreter\": \"no-such-python\"}".to_owned(), 1, "there is no no-such-python on PATH"),
        (mount(&format!("{{\"source\": \"{none}\", \"optional\": true}}")), 0, "ok"),
        (mount(&format!("{{\"source\": \"{none}\"}}")), 1, &format!("there is no {none}")),
        (mount("{\"source\": \"/etc/mtab\", \"target\": \"/a\"}"), 1, "/etc/mtab is a symbolic link"),
    ] {
        let told = remand(&["policy", "check", &over(&text)], b"");
        let both = [told.stdout, told.stderr].concat();
        let both = String::from_utf8_lossy(&both);
        assert_eq!(told.status.code(), Some(status), "{text}: {both}");
        // Underlined texts are broken at the width.
        let words = |text: &str| text.split_whitespace().filter(|word| *word != "│").collect::<String>();
        assert!(words(&both).contains(&words(said)), "{text}: {both}");
        if status == 1 {
            assert_eq!(remand(&["policy", "check", "--no-host", &over(&text)], b"").status.code(), Some(0), "{text}");
        }
    }
    let policy = over("\"limits\": {\"pids\": 32}");
    let before = fs::read(&policy).unwrap();
    let set = remand(&["policy", "set", &policy, "syscalls.kill=[\"execve\"]"], b"");
    assert_eq!((set.status.code(), fs::read(&policy).unwrap()), (Some(2), before), "set does not write it");
}

#[test]
fn policy_check_holds_files_to_a_ceiling() {
    let directory = Directory::new("ceiling");
    let ceiling = directory.file("ceiling.jsonc", "{\"version\": 1, \"extends\": \"default\", \"limits\": {\"memory\": \"128MiB\"}}");
    let wide = directory.file("wide.jsonc", "{\"version\": 1, \"extends\": \"default\",\n \"python\": {\"external_allow\": [\"six\"]}}");
    let narrow = directory.file("narrow.jsonc", "{\"version\": 1, \"extends\": \"strict\"}");
    let shipped = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/default.jsonc")).unwrap();
    let line = shipped.lines().position(|line| line.contains("\"memory\"")).unwrap() as u64 + 1;
    let (status, found) = problems(&["--ceiling", &ceiling, &wide, &narrow]);
    let places: Vec<_> =
        found.iter().map(|p| (p["file"].as_str().unwrap(), p["line"].as_u64().unwrap(), p["field"].as_str().unwrap())).collect();
    assert_eq!(status, Some(2));
    assert_eq!(places, [(wide.as_str(), 2, "python.external_allow"), ("built-in default", line, "limits.memory")]);
    let told = String::from_utf8(remand(&["policy", "check", "--ceiling", &ceiling, &wide], b"").stderr).unwrap();
    assert!(
        told.contains("\"256MiB\" is beyond the ceiling")
            && told.contains(&format!("{line} │     \"memory\": \"256MiB\","))
            && told.contains("the most that is allowed: \"128MiB\""),
        "{told}"
    );
    let broken = directory.file("broken.jsonc", "{");
    assert!(refused(&["policy", "check", "--ceiling", &broken, &narrow], b"").contains("the ceiling "));
}

/// The first line of the default policy that holds `text`, from 1.
fn line_of(text: &str) -> usize {
    include_str!("../../../policies/default.jsonc").lines().position(|line| line.contains(text)).unwrap() + 1
}

/// Exit status and standard output.
fn said(args: &[&str]) -> (Option<i32>, String) {
    let output = remand(args, b"");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_diff_tells_directions_and_fails_on_what_it_is_asked_to() {
    let wider = Scratch::new("wider.jsonc", "{\n\"version\": 1, \"extends\": \"default\", /* same */\n\"limits\": {\"pids\": 65}\n}");
    let other = Scratch::new("other.jsonc", r#"{"version": 1, "extends": "default", "environment": {"LANG": "\u001b[31m"}}"#);
    let same = Scratch::new("same.jsonc", r#"{"version": 1, "extends": "default", "limits": {"pids": 64, "memory": "0.25GiB"}}"#);
    let diff = |from: &str, to: &str, rest: &[&str]| said(&[&["policy", "diff", from, to][..], rest].concat());
    let (code, text) = diff("default", wider.name(), &["--fail-on", "widen"]);
    assert_eq!(code, Some(1));
    assert!(text.contains(&format!("\nlimits\n  widens   limits.pids: 64 -> 65 [built-in default:{} -> ", line_of("\"pids\""))), "{text}");
    assert!(text.contains(&format!("{}:3]", wider.name())), "{text}");
    assert_eq!(diff("default", wider.name(), &[]).0, Some(0));
    assert_eq!(diff(wider.name(), "default", &["--fail-on", "widen"]).0, Some(0));
    assert_eq!(diff(wider.name(), "default", &["--fail-on", "change"]).0, Some(1));
    let (code, text) = diff("default", other.name(), &["--fail-on", "widen"]);
    assert_eq!(code, Some(1), "what has no order may widen");
    assert!(text.contains("changes  environment.LANG: C.UTF-8 -> ") && !text.contains('\u{1b}'), "{text:?}");
    // Only the description, of which nothing depends.
    assert_eq!(diff("default", same.name(), &["--fail-on", "widen"]).0, Some(0));
    assert_eq!(diff(same.name(), same.name(), &["--fail-on", "change"]), (Some(0), "no difference in meaning\n".to_owned()));
    assert!(refused(&["policy", "diff", "default", "/nowhere.jsonc"], b"").contains("/nowhere.jsonc"));
    let (_, json) = diff(wider.name(), "strict", &["--json"]);
    let changes: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert!(changes.contains(&serde_json::json!(
        {"field": "limits.pids", "mechanism": "limits", "direction": "narrows", "from": 65, "to": 4})));
    assert!(changes.contains(&serde_json::json!(
        {"field": "syscalls.allow", "mechanism": "syscalls", "direction": "narrows", "from": ["execve"], "to": []})));
    assert!(changes.iter().all(|change| change["direction"] != "widens"));
}

#[test]
fn what_is_shown_is_a_policy_file() {
    let (code, text) = said(&["policy", "show", "numeric", "--set", "limits.memory=1GiB"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("\"memory\": \"1GiB\",") && text.contains("// --set") && text.contains("// built-in numeric:"), "{text}");
    let shown = Scratch::new("shown.jsonc", &text);
    let (code, text) = said(&["policy", "diff", "numeric", shown.name(), "--json"]);
    let changes: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!((code, changes.len(), &changes[0]["field"]), (Some(0), 1, &"limits.memory".into()));
    let (_, json) = said(&["policy", "show", "--json"]);
    let values: Vec<Value> = serde_json::from_str(&json).unwrap();
    let pids = values.iter().find(|value| value["field"] == "limits.pids").unwrap();
    assert_eq!(
        *pids,
        serde_json::json!({"field": "limits.pids", "value": 64, "file": "built-in default", "line": line_of("\"pids\""), "column": 13})
    );
    assert!(refused(&["policy", "show", "--set", "limits.pids=65"], b"").contains("more than the policy allows"));
}

#[test]
fn an_explanation_names_every_threat() {
    let (code, text) = said(&["policy", "explain", "strict"]);
    assert_eq!(code, Some(0));
    for title in ["can read", "can write", "can reach", "can spend", "can call", "is odd", "is not protected"] {
        assert!(text.lines().any(|line| line.starts_with("What ") && line.contains(title)), "{title}: {text}");
    }
    let missing = Scratch::new("nowhere.jsonc", r#"{"version": 1, "python": {"interpreter": "/sys/none/python3"}}"#);
    let (code, text) = said(&["policy", "explain", missing.name()]);
    assert_eq!(code, Some(0));
    assert!(text.contains("NOTHING RUNS UNDER IT HERE: ") && text.contains("/sys/none/python3"), "{text}");
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
    assert_eq!(remand(&["policy", "check", "--no-host", policy.name()], b"").status.code(), Some(0));
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
    assert!(serde_json::from_slice::<Value>(&export("oci")).unwrap()["defaultAction"] == "SCMP_ACT_ERRNO");
    assert_eq!(export("bpf-raw")[..8], [0x20, 0, 0, 0, 4, 0, 0, 0]);
}

#[test]
fn no_answer_is_given_for_a_link_that_leads_to_what_a_process_holds() {
    for question in [["write", "/proc/self/cwd/q"], ["exec", "/proc/self/exe"], ["write", "/dev/fd/1"]] {
        let (code, text) = said(&["policy", "why", question[0], question[1]]);
        assert_eq!(code, Some(1));
        assert!(text.contains(": depends"), "{text}");
    }
    let (code, text) = said(&["policy", "why", "write", "/proc/self/comm"]);
    assert!(code == Some(1) && text.contains(": denied (EACCES)"), "{text}");
}

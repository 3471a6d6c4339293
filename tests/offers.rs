//! What `remand policy why` offers, applied to a policy and run: paths of the host of every kind, as they are on whatever machine this is.
//!
//! Always holds: an answer is compared with what the same deed got in a run, before the offer and with it; nothing of the host is written, only opened.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::policy_text::extending;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value, json};

/// Where paths are taken from, and how deep.
const PLACES: &[(&str, usize)] = &[
    ("/etc", 3),
    ("/usr/bin", 1),
    ("/usr/sbin", 1),
    ("/bin", 1),
    ("/usr/lib", 2),
    ("/usr/local", 3),
    ("/usr/share", 2),
    ("/var", 3),
    ("/opt", 3),
    ("/proc", 1),
    ("/dev", 2),
    ("/run", 2),
];
/// Names that are always asked about, where they are.
const ALWAYS: &[&str] =
    &["/etc/shadow", "/etc/alternatives/awk", "/etc/mtab", "/etc/localtime", "/usr/bin/python3", "/usr/bin/env", "/bin/sh"];
/// Paths whose way matters, whatever is at their end.
const ODD: &[&str] = &[
    "/nodir/../etc/passwd",
    "/usr/nodir/../lib",
    "/etc/passwd/",
    "/etc/passwd/x",
    "/etc/../etc/passwd",
    "/tmp/..",
    "/dev/null/x",
    "/proc/meminfo",
    "/lib/../nodir",
    "/etc/new",
    "/usr/lib/new",
    "/new",
];
/// Of each kind in each place.
const SOME: usize = 2;
const ALL: usize = 9;
/// Does the deed, or says what stood in its way.
const DEED: &str = "import os
path = _query['path']
print('now')
try:
    if _query['using'] == 'exec':
        os.execv(path, [path, '--version'])
    flags = os.O_WRONLY | os.O_CREAT if _query['using'] == 'write' else os.O_RDONLY
    os.close(os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666))
except OSError as error:
    return error.errno
return 0
";

/// All of them. With REMAND_TEST_ALL_OFFERS, of more paths (a minute or two).
pub fn trials() -> Vec<Trial> {
    vec![
        trial("policies::what_why_offers_does_what_it_says [9.18 9.23]", offers),
        trial("policies::allow_exec_gives_what_a_start_needs [9.18]", programs),
    ]
}

fn offers() -> Check {
    let each = if std::env::var_os("REMAND_TEST_ALL_OFFERS").is_some() { ALL } else { SOME };
    let scratch = Scratch::new();
    let (mut asked, mut offered, mut wrong) = (0, 0, Vec::new());
    let odd = ODD.iter().map(|path| (PathBuf::from(path), vec!["read", "write", "exec"]));
    for (path, uses) in paths(each).into_iter().map(|path| (path.clone(), uses(&path))).chain(odd) {
        for using in uses {
            asked += 1;
            let question = format!("{using} {}", path.display());
            match tried(using, &path, &question, &scratch) {
                Ok(true) => offered += 1,
                Ok(false) => {}
                Err(End::Fail(why)) => wrong.push(format!("{question}: {why}")),
                Err(skip) => return Err(skip),
            }
        }
    }
    eprintln!("{asked} questions, {offered} offers, {} wrong", wrong.len());
    ensure(wrong.is_empty(), "every answer and every offer is what a run meets", &wrong)?;
    ensure(asked > 40 && offered > 10, "questions were asked and offers made", &(asked, offered))
}

/// Each program that `why` has an offer for: what `allow --exec` writes starts it, at once; the control is the mount of the program alone.
fn programs() -> Check {
    let scratch = Scratch::new();
    let (mut started, mut alone, mut wrong) = (0, 0, Vec::new());
    let (each, step) = if std::env::var_os("REMAND_TEST_ALL_OFFERS").is_some() { (ALL, 1) } else { (SOME, 3) };
    for path in paths(each).into_iter().filter(|path| uses(path).contains(&"exec")).step_by(step) {
        let shown = path.display().to_string();
        let why = Call::new(&["policy", "why", "--json", &format!("exec {shown}")]).end()?;
        let answer: Value = serde_json::from_slice(&why.stdout).map_err(|error| End::Fail(format!("{error}: {why:?}")))?;
        if answer["allowed"] == true || answer["change"]["edits"].is_null() {
            continue;
        }
        let real = fs::canonicalize(&path)?;
        let bare = json!({ "filesystem": { "mounts": { "add": [{ "source": real, "target": path, "exec": true }] } } });
        let policy = extending("default", &scratch, &bare).display().to_string();
        alone += usize::from(deed("exec", &path, &["--policy".into(), policy])? == "allowed");
        let policy = extending("default", &scratch, &json!({})).display().to_string();
        let allowed = Call::new(&["policy", "allow", "--exec", &policy, &shown]).end()?;
        let met = deed("exec", &path, &["--policy".into(), policy])?;
        if allowed.code != Some(0) || allowed.err().contains("does not give it") || met != "allowed" {
            wrong.push((shown, met, allowed));
        } else {
            started += 1;
        }
    }
    ensure(wrong.is_empty(), "every program starts with what was written, and nothing is left to say", &wrong)?;
    ensure(started > 4 && alone < started, "programs need more than themselves", &(started, alone))
}

/// Paths of each kind in each place, spread over it.
fn paths(each: usize) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = ALWAYS.iter().map(PathBuf::from).filter(|path| fs::symlink_metadata(path).is_ok()).collect();
    for (place, depth) in PLACES {
        let mut kinds: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
        gather(Path::new(place), *depth, &mut kinds);
        for mut of_kind in kinds.into_values() {
            of_kind.sort();
            let step = of_kind.len().div_ceil(each).max(1);
            all.extend(of_kind.into_iter().step_by(step));
        }
    }
    all
}

fn gather(directory: &Path, depth: usize, kinds: &mut BTreeMap<&'static str, Vec<PathBuf>>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        // What processes of the host share is nothing to a run, whose own this is: it reads there what it made.
        if directory == Path::new("/dev/shm") {
            continue;
        }
        // A question is words, and what a process has is gone by the next.
        let odd = path.to_str().is_none_or(|text| {
            text.contains(char::is_whitespace) || text.starts_with("/proc/") && text.contains(|c: char| c.is_ascii_digit())
        });
        let Some(kind) = kind(&path).filter(|_| !odd) else { continue };
        if kind == "directory" && depth > 1 {
            gather(&path, depth - 1, kinds);
        }
        kinds.entry(kind).or_default().push(path);
    }
}

fn kind(path: &Path) -> Option<&'static str> {
    let found = fs::symlink_metadata(path).ok()?;
    let kind = found.file_type();
    Some(match () {
        () if kind.is_symlink() => "link",
        () if kind.is_dir() => "directory",
        () if kind.is_socket() => "socket",
        () if kind.is_fifo() => "fifo",
        () if !kind.is_file() => "device",
        () if found.permissions().mode() & 0o111 == 0 => "file",
        () if start(path) == *b"#!" => "script",
        () => "program",
    })
}

fn start(path: &Path) -> [u8; 2] {
    use std::io::Read;
    let mut start = [0; 2];
    let _ = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    start
}

fn uses(path: &Path) -> Vec<&'static str> {
    match kind(path) {
        Some("file") => vec!["read", "write", "exec"],
        Some("script" | "program") => vec!["read", "exec"],
        Some("link") if fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0) => {
            vec!["read", "exec"]
        }
        Some("directory") => vec!["read", "write", "exec"],
        _ => vec!["read"],
    }
}

/// One question: whether there was an offer; an error where a run meets something else.
fn tried(using: &str, path: &Path, question: &str, scratch: &Scratch) -> Result<bool, End> {
    let ended = Call::new(&["policy", "why", "--json", question]).end()?;
    let answer: Value = serde_json::from_slice(&ended.stdout).map_err(|error| End::Fail(format!("{error}: {ended:?}")))?;
    let told = answer["answer"].as_str().unwrap_or("").to_owned();
    let met = deed(using, path, &["--policy".into(), "default".into()])?;
    let expected = told.split_once('(').map_or(told.as_str(), |(_, errno)| errno.trim_end_matches(')'));
    ensure(expected == "depends" || expected == met, &format!("it was answered {told}"), &met)?;
    let Some(edits) = answer["change"]["edits"].as_array().filter(|_| answer["allowed"] == false) else { return Ok(false) };
    let policy = extending("default", scratch, &applied(edits)?).display().to_string();
    let met = deed(using, path, &["--policy".into(), policy])?;
    ensure(met == "allowed", "with the offer it is allowed", &(met.as_str(), edits))?;
    Ok(true)
}

/// The sections that edits make of the default policy.
fn applied(edits: &[Value]) -> Result<Value, End> {
    let mut sections = json!({});
    for edit in edits.iter().filter_map(Value::as_str) {
        let wrong = || End::Fail(format!("an edit that is not understood: {edit}"));
        if let Some((field, value)) = edit.strip_prefix("set ").and_then(|edit| edit.split_once('=')) {
            *slot(&mut sections, field) = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        } else {
            let (list, entry) = edit.split_once(": add ").ok_or_else(wrong)?;
            let entry: Value = serde_json::from_str(entry).map_err(|_| wrong())?;
            let list = slot(&mut sections, list);
            if list.is_null() {
                *list = json!({ "add": [] });
            }
            list["add"].as_array_mut().ok_or_else(wrong)?.push(entry);
        }
    }
    Ok(sections)
}

fn slot<'t>(tree: &'t mut Value, field: &str) -> &'t mut Value {
    field.split('.').fold(tree, |tree, key| {
        if tree.is_null() {
            *tree = json!({});
        }
        &mut tree[key]
    })
}

/// What a run meets: "allowed", or the error's name.
fn deed(using: &str, path: &Path, args: &[String]) -> Result<String, End> {
    let query = json!({ "using": using, "path": path }).to_string();
    let args = [args, &["--set".into(), "limits.wall_time=3s".into(), "--query".into(), query]].concat();
    let outcome = Call::run(DEED, &args).end()?.outcome()?;
    let stderr = outcome["stderr"]["text"].as_str().or(outcome["stderr"].as_str()).unwrap_or("").to_owned();
    if outcome["prints"].as_array().is_none_or(Vec::is_empty) {
        return Err(End::Fail(format!("the deed was not tried: {} {}", outcome["verdict"], outcome["error"])));
    }
    Ok(match outcome["value"].as_i64().filter(|_| outcome["verdict"]["kind"] == "finished") {
        Some(0) => "allowed".to_owned(),
        Some(errno) => format!("{:?}", nix::errno::Errno::from_raw(i32::try_from(errno).unwrap_or(0))),
        // The program was started; the loader or env may have said that it lacks something.
        None if stderr.contains("error while loading shared libraries") || stderr.contains("/env: ") => {
            format!("started in vain: {stderr}")
        }
        None => "allowed".to_owned(),
    })
}

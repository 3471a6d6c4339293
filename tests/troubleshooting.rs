//! `docs/troubleshooting.md`, entry by entry: the code fails as the page says, and finishes after the edit.

use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended, scale};
use remand_tests::facts::{CGROUP_MEMORY, CGROUP_PIDS, need};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};

const PAGE: &str = include_str!("../docs/troubleshooting.md");
const DEFAULT: &str = "{ \"version\": 1, \"extends\": \"default\" }";

/// One symptom.
struct Entry {
    title: &'static str,
    /// What the host must have, as the page's comment says.
    needs: Vec<&'static str>,
    /// Words after the fence, text.
    blocks: Vec<(&'static str, &'static str)>,
}

/// A trial per entry.
pub fn trials() -> Vec<Trial> {
    let entries: Vec<_> = PAGE.split("\n### ").skip(1).filter_map(entry).collect();
    assert!(entries.len() >= 30, "the page has lost some of its entries: {}", entries.len());
    entries.into_iter().map(|entry| trial(format!("troubleshooting::{}", slug(entry.title)), move || cured(&entry))).collect()
}

fn entry(text: &'static str) -> Option<Entry> {
    let (title, _) = text.split_once('\n')?;
    let needs = text.split_once("<!-- needs: ").and_then(|(_, rest)| rest.split_once(" -->")).map_or("", |(needs, _)| needs);
    // Outside and inside of fences take turns.
    let inside = text.split("\n```").skip(1).step_by(2);
    Some(Entry {
        title,
        needs: needs.split(", ").filter(|need| !need.is_empty()).collect(),
        blocks: inside.filter_map(|part| part.split_once('\n')).collect(),
    })
}

fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

impl Entry {
    fn block(&self, info: &str) -> Option<&'static str> {
        self.blocks.iter().find(|(known, _)| *known == info).map(|(_, text)| *text)
    }

    /// Runs code under a policy; both as the page writes them.
    fn run(&self, code: &str, policy: &str) -> Result<Ended, End> {
        let scratch = Scratch::new();
        let policy = scratch.file("mine.jsonc", policy);
        let mut call = Call::new(&["run".as_ref(), "--policy".as_ref(), policy.as_os_str(), "-".as_ref()]).input(code.as_bytes());
        if let (true, Some(python)) = (self.needs.contains(&"numeric"), std::env::var("REMAND_TEST_NUMERIC_PYTHON").ok()) {
            let beside = Path::new(&python).parent().unwrap_or(Path::new("/")).display().to_string();
            call = call.env("PATH", &format!("{beside}:{}", std::env::var("PATH").unwrap_or_default()));
        }
        call.end()
    }
}

fn cured(entry: &Entry) -> Check {
    if scale() > 1 {
        return Err(End::Skip("a machine at full speed: the page's time limits are for one".to_owned()));
    }
    entry.needs.iter().try_for_each(|need| met(need))?;
    let part = |info: &str| entry.block(info).ok_or_else(|| End::Fail(format!("no block `{info}`")));
    let code = part("python")?;
    let before = entry.block("jsonc before").unwrap_or(DEFAULT);
    let failed = entry.run(code, before)?;
    ensure(failed.code != Some(0), "it fails before the edit", &failed)?;
    for line in part("text")?.lines() {
        ensure(failed.err().lines().any(|printed| like(printed, line)), &format!("it prints {line:?}"), &failed)?;
    }
    ensure(
        entry.block("jsonc").is_some() != entry.block("python after").is_some(),
        "one edit, of the policy or of the code",
        &entry.title,
    )?;
    let finished = entry.run(entry.block("python after").unwrap_or(code), entry.block("jsonc").unwrap_or(before))?;
    ensure(finished.code == Some(0), "it finishes after the edit", &finished)
}

fn met(name: &str) -> Check {
    let missing = |what: &str| Err(End::Skip(what.to_owned()));
    match name {
        "numeric" if std::env::var_os("REMAND_TEST_NUMERIC_PYTHON").is_some() => Ok(()),
        "numeric" => missing("REMAND_TEST_NUMERIC_PYTHON (an interpreter with numpy and pandas)"),
        "pids" => need(&[CGROUP_PIDS]),
        "memory" => need(&[CGROUP_MEMORY]),
        "two CPUs" if std::thread::available_parallelism().is_ok_and(|count| count.get() > 1) => Ok(()),
        path if path.starts_with('/') && Path::new(path).exists() => Ok(()),
        other => missing(other),
    }
}

/// Whether a printed line holds the page's, in which `…` stands for anything.
fn like(printed: &str, line: &str) -> bool {
    let mut rest = Some(printed);
    for part in line.split('…') {
        rest = rest.and_then(|text| text.split_once(part)).map(|(_, after)| after);
    }
    rest.is_some()
}

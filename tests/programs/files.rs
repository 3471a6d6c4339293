//! Programs in files of their own, each a trial: what one prints, how it ends and what it says of its errors is the same under plain Python and under
//! `remand python`, on the same interpreter; or differs as its first lines say.
//!
//! `NAME.py` is the program, `NAME.in` its standard input. Its first lines may be:
//!
//! - `# differs: WHY`: `NAME.out` is what it prints under remand, and plain Python prints something else;
//! - `# function`: it does the same as the body of a function (`remand run`);
//! - `# needs: numeric`: it runs on an interpreter with numpy and pandas, under the policy of that name;
//! - `# errors: vary`: standard error has times or addresses in it, and is not compared.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, plain, policy_text, trial};
use serde_json::json;

const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/programs.rs"));

pub fn trials() -> impl Iterator<Item = Trial> {
    let names = FILES.iter().filter_map(|(name, text)| Some(Program { name: name.strip_suffix(".py")?, text }));
    names.map(|program| trial(format!("programs::{}", program.name), move || program.check()))
}

fn beside(name: &str, kind: &str) -> Option<&'static str> {
    FILES.iter().find(|(file, _)| file.strip_suffix(kind) == Some(name)).map(|(_, text)| *text)
}

#[derive(Clone, Copy)]
struct Program {
    name: &'static str,
    text: &'static str,
}

/// Who runs it, and under which policy.
struct Ways {
    python: PathBuf,
    policy: Vec<String>,
}

impl Program {
    fn has(&self, line: &str) -> bool {
        self.text.lines().take_while(|text| text.starts_with("# ")).any(|text| text.starts_with(line))
    }

    fn check(&self) -> Check {
        let (policies, scratch) = (Scratch::new(), Scratch::new());
        let ways = self.ways(&policies)?;
        let script = scratch.file("script.py", self.text).display().to_string();
        let confined: Vec<&str> = ["python"].into_iter().chain(ways.policy.iter().map(String::as_str)).chain([script.as_str()]).collect();
        let here = self.call(Call::new(&confined))?;
        let place = scratch.path().canonicalize()?;
        let plain = Call::program(&ways.python, &["script.py"]).cwd(&place).env("TMPDIR", &place.display().to_string());
        let plain = self.call(plain)?;
        let mut printed = shown(&plain.out(), &place);
        if self.has("# differs") {
            let differs = beside(self.name, ".out").unwrap_or_default();
            ensure(differs != printed, "control: plain Python prints something else", &plain)?;
            differs.clone_into(&mut printed);
        }
        let both = (&here, &plain);
        ensure(here.out() == printed, "it prints what plain Python prints, or what is said", &both)?;
        ensure(here.code == plain.code.or(plain.signal.map(|signal| 128 + signal)), "it ends as in plain Python", &both)?;
        ensure(self.has("# errors: vary") || without_account(&here) == shown(&plain.err(), &place), "its errors are the same", &both)?;
        if self.has("# function") && plain.code == Some(0) { self.as_function(&ways.policy, &printed) } else { Ok(()) }
    }

    fn ways(&self, policies: &Scratch) -> Result<Ways, End> {
        if !self.has("# needs: numeric") {
            return Ok(Ways { python: python(), policy: Vec::new() });
        }
        let python = std::env::var_os("REMAND_TEST_NUMERIC_PYTHON")
            .ok_or_else(|| End::Skip("REMAND_TEST_NUMERIC_PYTHON (an interpreter with numpy and pandas)".to_owned()))?;
        let sections = json!({ "python": { "interpreter": python.to_string_lossy() } });
        let policy = policy_text::extending("numeric", policies, &sections).display().to_string();
        Ok(Ways { python: python.into(), policy: vec!["--policy".to_owned(), policy] })
    }

    fn call(&self, call: Call) -> Result<Ended, End> {
        match beside(self.name, ".in") {
            Some(input) => call.input(input.as_bytes()).end(),
            None => call.end(),
        }
    }

    fn as_function(&self, policy: &[String], printed: &str) -> Check {
        let outcome = Call::run(self.text, policy).end()?.outcome()?;
        let prints = outcome["prints"].as_array().into_iter().flatten().filter_map(|print| print.as_str());
        let seen = prints.chain(outcome["stdout"]["text"].as_str()).collect::<String>();
        ensure(outcome["verdict"]["kind"] == "finished" && seen == printed, "the same as a function", &outcome)
    }
}

/// The interpreter itself, not a program in front of it.
fn python() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    let ask = || Call::program(&plain::python(), &["-c", "import sys; print(sys.executable)"]).end().ok().map(|ended| ended.out());
    FOUND.get_or_init(|| ask().map_or_else(plain::python, |said| said.trim().into())).clone()
}

/// Text with the place of a plain program as it is called in a run.
fn shown(text: &str, place: &Path) -> String {
    text.replace(&place.display().to_string(), "/workspace")
}

/// What the program said, without what remand adds.
fn without_account(ended: &Ended) -> String {
    ended.err().split_inclusive('\n').filter(|line| !line.starts_with("remand: ") && !line.starts_with("| ")).collect()
}

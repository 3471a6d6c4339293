//! What is found by reading, compared with what the loaders of this machine say themselves.
//!
//! The sample runs with every test. The whole machine: `cargo test -p remand-jail every_program_of_this_machine -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use super::load::Load;
use super::rules::Rules;
use crate::interpreter::reach::{Machine, Reach};
use crate::interpreter::tree::{self, resolve};

/// Real paths of libraries, and names that are not found.
type Said = (BTreeSet<String>, BTreeSet<String>);

fn loader_says(loader: &str, program: &str, without_cache: bool) -> Option<Said> {
    let mut command = Command::new(loader);
    if without_cache {
        command.arg("--inhibit-cache");
    }
    let output = command.args(["--list", program]).env_clear().current_dir("/").stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if text.is_empty() || String::from_utf8_lossy(&output.stderr).contains("version `") {
        return None;
    }
    // It does not list itself where nothing is needed.
    let mut said: Said = (BTreeSet::from([resolve(loader, &tree::host)?.real]), BTreeSet::new());
    for line in text.lines().map(str::trim) {
        let line = line.rsplit_once(" (0x").map_or(line, |(line, _)| line);
        let (name, path) = line.rsplit_once(" => ").unwrap_or((line, line));
        if path == "not found" {
            said.1.insert(name.to_owned());
        } else if path.starts_with('/') {
            said.0.insert(resolve(path, &tree::host).unwrap().real);
        }
    }
    Some(said)
}

fn reading_says(loader: &str, program: &str, listed: bool) -> Option<Said> {
    let reach = Reach::everything(&Machine);
    let rules = Rules::of(loader, &reach);
    let load = Load::new(program, loader, &rules, listed, &reach).ok()?;
    Some((load.reals.clone(), load.missing.iter().map(|missing| missing.name.clone()).collect()))
}

/// Differences for one file; `None` if its loader does not want it.
fn compared(loader: &str, program: &str) -> Option<Vec<String>> {
    let mut differences = Vec::new();
    for listed in [true, false] {
        let said = loader_says(loader, program, !listed)?;
        let read = reading_says(loader, program, listed);
        if read.as_ref() != Some(&said) {
            let read = read.unwrap_or_default();
            let (more, less) = (read.0.difference(&said.0).collect::<Vec<_>>(), said.0.difference(&read.0).collect::<Vec<_>>());
            differences
                .push(format!("{program} (list {listed}): more {more:?}, less {less:?}, missing {:?} instead of {:?}", read.1, said.1));
        }
    }
    Some(differences)
}

fn elf_files(directories: &[String], below: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut todo: Vec<_> = directories.iter().map(std::path::PathBuf::from).collect();
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let Some(real) = path.to_str().and_then(|path| resolve(path, &tree::host)).map(|found| found.real) else { continue };
            if kind.is_dir() && below {
                todo.push(path);
            } else if Reach::new(&Machine, Vec::new(), true).object(&real).is_ok() {
                found.insert(real);
            }
        }
    }
    found
}

fn compare_all(files: &BTreeSet<String>) {
    let shell = Reach::new(&Machine, Vec::new(), true).object(&resolve("/bin/sh", &tree::host).unwrap().real).unwrap();
    let usual = shell.loader.clone().unwrap();
    let (mut same, mut differences) = (0, Vec::new());
    for file in files {
        let object = Reach::new(&Machine, Vec::new(), true).object(file).unwrap();
        match compared(object.loader.as_deref().unwrap_or(&usual), file) {
            Some(differing) if differing.is_empty() => same += 1,
            Some(differing) => differences.extend(differing),
            None => {}
        }
    }
    println!("{same} of {} files compared without a difference", files.len());
    assert!(same > 0 && differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_sample_of_this_machine() {
    let some = elf_files(&["/usr/bin".to_owned()], false).into_iter().step_by(25);
    let libraries = elf_files(&["/usr/lib/python3".to_owned(), "/usr/lib/python3.11/lib-dynload".to_owned()], true).into_iter().step_by(10);
    compare_all(&some.chain(libraries).collect());
}

#[test]
#[ignore = "takes minutes; run it where the reader was changed"]
fn every_program_of_this_machine() {
    let below = |top: &str, name: &str| -> Vec<String> {
        let entries = std::fs::read_dir(top).into_iter().flatten().flatten();
        entries.map(|entry| entry.path().join(name)).filter(|path| path.is_dir()).map(|path| path.to_str().unwrap().to_owned()).collect()
    };
    let mut files = elf_files(&["/usr/bin".to_owned(), "/usr/sbin".to_owned()], false);
    let mut trees = below("/usr/lib", "lib-dynload");
    trees.extend([
        "/usr/lib/python3".to_owned(),
        "/usr/local/lib".to_owned(),
        "/usr/libexec".to_owned(),
        "/usr/lib/x86_64-linux-gnu".to_owned(),
    ]);
    trees.extend(below(&std::env::var("PYENV_ROOT").map(|root| format!("{root}/versions")).unwrap_or_default(), "lib"));
    trees.extend(
        std::env::var("REMAND_TEST_TREES").unwrap_or_default().split(':').filter(|tree| Path::new(tree).is_dir()).map(str::to_owned),
    );
    files.extend(elf_files(&trees, true));
    compare_all(&files);
}

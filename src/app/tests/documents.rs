//! The commands of `policies/README.md`: each block of `sh` is run with the built command, and prints the block of `text` after it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const README: &str = include_str!("../../../policies/README.md");

/// A directory that is gone with this value.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Every fenced block: the words after the fence, the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let parts: Vec<_> = page.split("\n```").collect();
    // Outside and inside of fences take turns.
    let inside = parts.iter().skip(1).step_by(2);
    inside.filter_map(|part| part.split_once('\n')).map(|(info, text)| (info.to_owned(), text.to_owned() + "\n")).collect()
}

/// Both streams of a shell's commands, in which `remand` is the one that was built.
fn output(commands: &str, directory: &Path) -> String {
    let script = format!("exec 2>&1\nremand() {{ \"$REMAND\" \"$@\"; }}\n{commands}");
    let mut shell = Command::new("sh");
    let done = shell.args(["-c", &script]).env("REMAND", env!("CARGO_BIN_EXE_remand")).current_dir(directory).output().unwrap();
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn commands_print_what_the_page_says() {
    let scratch = Scratch(std::env::temp_dir().join(format!("remand-documents-{}", std::process::id())));
    fs::create_dir(&scratch.0).unwrap();
    fs::write(scratch.0.join("hello.py"), "return 'hello'\n").unwrap();
    let blocks = blocks(README);
    for (info, text) in &blocks {
        // A policy that the commands name says so beside its fence.
        if let Some(name) = info.strip_prefix("jsonc ").filter(|name| name.ends_with(".jsonc")) {
            fs::write(scratch.0.join(name), text).unwrap();
        }
    }
    let mut run = 0;
    for (index, (_, commands)) in blocks.iter().enumerate().filter(|(_, (info, _))| info == "sh") {
        let (next, expected) = &blocks[index + 1];
        assert_eq!(next, "text", "what is printed must follow: {commands}");
        assert_eq!(output(commands, &scratch.0), *expected, "{commands}");
        run += 1;
    }
    assert!(run >= 7, "the page has lost its commands");
}

//! The examples of README.md and of docs/request.md: each command is run as it stands there, by a shell, and what it prints is compared with what stands below it.
//!
//! An example is a block of the kind `console`: lines after `$ ` are commands, lines after `> ` go on with one, the others are what it prints. `…` stands for
//! any text, alone in a line for any lines. The examples share one directory, in their order.

use std::env;
use std::iter::Peekable;
use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, binary};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, ensure, trial};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("readme::every_example_prints_what_it_shows", || examples(include_str!("../README.md"), 10)),
        trial("readme::examples_of_requests_print_what_they_show", || examples(include_str!("../docs/request.md"), 3)),
        trial("readme::what_is_shown_is_compared", compared),
    ]
}

const ANY: &str = "…";

/// A command and the lines that it is to print.
type Example = (String, Vec<String>);

fn examples(page: &str, least: usize) -> Check {
    let examples = read(page);
    ensure(examples.len() >= least, "there are examples", &examples.len())?;
    let scratch = Scratch::new();
    let path = format!("{}:{}", binary().parent().unwrap().display(), env::var("PATH").unwrap_or_default());
    for (command, shown) in examples {
        let whole = format!("{{ {command}\n}} 2>&1");
        let ended = Call::program(Path::new("/bin/bash"), &["-c", &whole]).cwd(scratch.path()).env("PATH", &path).end()?;
        let printed = ended.out();
        let printed: Vec<&str> = printed.lines().collect();
        let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
        ensure(fits(&shown, &printed), &format!("$ {command}\nprints {shown:#?}"), &printed)?;
    }
    Ok(())
}

fn read(page: &str) -> Vec<Example> {
    let (mut examples, mut lines): (Vec<Example>, _) = (Vec::new(), page.lines().peekable());
    while let Some(line) = lines.next() {
        if line == "```console" {
            block(&mut lines, &mut examples);
        }
    }
    examples
}

fn block<'a>(lines: &mut Peekable<impl Iterator<Item = &'a str>>, examples: &mut Vec<Example>) {
    while let Some(line) = lines.next().filter(|line| *line != "```") {
        match line.strip_prefix("$ ") {
            Some(command) => {
                let mut command = command.to_owned();
                while let Some(more) = lines.next_if(|line| line.starts_with('>')) {
                    command.push('\n');
                    command.push_str(more.strip_prefix("> ").unwrap_or_default());
                }
                examples.push((command, Vec::new()));
            }
            None => {
                if let Some((_, shown)) = examples.last_mut() {
                    shown.push(line.to_owned());
                }
            }
        }
    }
}

fn fits(shown: &[&str], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((&ANY, rest)) => (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..])),
        Some((line, rest)) => printed.split_first().is_some_and(|(there, left)| line_fits(line, there) && fits(rest, left)),
    }
}

fn line_fits(shown: &str, there: &str) -> bool {
    let mut parts = shown.split(ANY);
    let Some(mut rest) = parts.next().and_then(|first| there.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        match if parts.peek().is_none() { rest.ends_with(part).then_some(rest.len()) } else { rest.find(part).map(|at| at + part.len()) } {
            Some(end) => rest = &rest[end..],
            None => return false,
        }
    }
    rest.is_empty()
}

fn compared() -> Check {
    let page = "text\n```console\n$ echo one\none\n$ cat <<E\n> two\n>\n> E\ntwo\n\n```\n```\n$ not one\n```\n";
    let wanted = [("echo one", vec!["one"]), ("cat <<E\ntwo\n\nE", vec!["two", ""])];
    let wanted: Vec<Example> = wanted.map(|(command, shown)| (command.into(), shown.into_iter().map(String::from).collect())).into();
    ensure(read(page) == wanted, "examples", &read(page))?;
    for (shown, printed, fit) in [
        (&["a"][..], &["a"][..], true),
        (&["a"], &["b"], false),
        (&["a"], &[], false),
        (&[], &["a"], false),
        (&["a … c"], &["a bb c"], true),
        (&["a … c"], &["a c"], false),
        (&["a…"], &["abc"], true),
        (&["a…"], &["bbc"], false),
        (&["…", "z"], &["x", "y", "z"], true),
        (&["…", "z"], &["z", "y"], false),
    ] {
        ensure(fits(shown, printed) == fit, &format!("{shown:?}"), &printed)?;
    }
    Ok(())
}

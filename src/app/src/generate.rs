//! `remand generate`: man pages, shell completions, the schemas of outcomes and policies and the reference of policy files, from the same definitions that the
//! command runs on.
//!
//! Always holds: what is committed below `docs/` is what this writes, a test compares them; no link in the directory is followed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use clap::Command;
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};
use clap_mangen::Man;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};
use remand_plan::event;
use remand_plan::outcome::{self, EXIT_CODES};
use remand_plan::submission;
use remand_policy::schema;

use crate::args::{self, GenerateArgs};
use crate::complete;
use crate::failure::Failure;
use crate::print::plain;

/// Writes all files below the directory. Gives 0.
pub fn generate(args: &GenerateArgs) -> Result<u8, Failure> {
    let failed = |path: &Path, error: io::Error| Failure::usage(format!("cannot write {}: {error}", plain(&path.to_string_lossy())));
    fs::create_dir_all(&args.directory).map_err(|error| failed(&args.directory, error))?;
    // The caller's own word is followed; nothing that lies inside is.
    let docs = open(&args.directory, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
    let docs = docs.map_err(|errno| failed(&args.directory, errno.into()))?;
    for (name, text) in files()? {
        put(&docs, &name, text.as_bytes()).map_err(|error| failed(&args.directory.join(&name), error))?;
    }
    Ok(0)
}

/// Writes a file, at most one directory deep. Where somebody else has put a link or another thing in its place, nothing is written.
fn put(docs: &OwnedFd, name: &str, text: &[u8]) -> io::Result<()> {
    let unlinked = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let (directory, name) = match name.split_once('/') {
        None => (docs.try_clone()?, name),
        Some((directory, name)) => match mkdirat(docs, directory, Mode::from_bits_truncate(0o777)) {
            Ok(()) | Err(Errno::EEXIST) => (openat(docs, directory, unlinked | OFlag::O_DIRECTORY, Mode::empty())?, name),
            Err(errno) => return Err(errno.into()),
        },
    };
    // Not cut off before it was looked at, and without waiting for the reader of a FIFO.
    let flags = unlinked | OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_NONBLOCK;
    let mut file = File::from(openat(directory, name, flags, Mode::from_bits_truncate(0o666))?);
    let found = file.metadata()?;
    if !found.is_file() || found.nlink() > 1 {
        return Err(io::Error::other("it is no regular file, or has a second name (a hard link); remove it"));
    }
    file.set_len(0)?;
    file.write_all(text)
}

/// Every generated file: path below `docs`, content.
fn files() -> Result<Vec<(String, String)>, Failure> {
    let mut command = args::command();
    command.build();
    let mut files = Vec::new();
    pages(&command, &mut files)?;
    let shells: [(&dyn EnvCompleter, &str); 3] = [(&Bash, "remand.bash"), (&Zsh, "_remand"), (&Fish, "remand.fish")];
    for (shell, name) in shells {
        let mut text = Vec::new();
        let written = shell.write_registration(complete::VARIABLE, "remand", "remand", "remand", &mut text);
        written.map_err(|error| Failure::internal(error.to_string()))?;
        files.push((format!("completions/{name}"), utf8(text)?));
    }
    let schemas = [
        ("request", serde_json::to_string_pretty(&submission::schema())),
        ("outcome", serde_json::to_string_pretty(&outcome::schema())),
        ("event", serde_json::to_string_pretty(&event::schema())),
        ("judge", serde_json::to_string_pretty(&remand_judge::schema())),
        ("policy", serde_json::to_string_pretty(&schema::file())),
        ("serve", serde_json::to_string_pretty(&remand_serve::config::schema())),
    ];
    for (name, text) in schemas {
        let text = text.map_err(|error| Failure::internal(error.to_string()))?;
        files.push((format!("reference/{name}.schema.json"), text + "\n"));
    }
    let openapi = serde_json::to_string_pretty(&remand_serve::openapi()).map_err(|error| Failure::internal(error.to_string()))?;
    files.push(("reference/openapi.json".into(), openapi + "\n"));
    files.push(("reference/policy.md".into(), schema::reference()));
    files.push(("reference/exit-codes.md".into(), exit_codes()));
    Ok(files)
}

/// A page per command, hidden ones left out.
fn pages(command: &Command, files: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut text = Vec::new();
    // No date: the text must not change with the day it is made.
    let man = Man::new(command.clone()).date("").source(concat!("remand ", env!("CARGO_PKG_VERSION"))).manual("User Commands");
    man.render(&mut text).map_err(|error| Failure::internal(error.to_string()))?;
    let mut text = utf8(text)?;
    if matches!(command.get_name(), "run" | "exec" | "helper") {
        text.push_str(".SH \"EXIT STATUS\"\n");
        text.extend(EXIT_CODES.map(|(code, kind, meaning)| format!(".TP\n\\fB{code}\\fR {kind}\n{meaning}\n")));
    }
    files.push((format!("man/{name}.1"), text));
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| pages(sub, files))
}

fn exit_codes() -> String {
    let mut text = EXIT_CODES_HEAD.to_owned();
    for (code, kind, meaning) in EXIT_CODES {
        let program = match kind {
            "exited" => "the program's own".to_owned(),
            "signaled" => "128 and the signal's number".to_owned(),
            _ => code.to_string(),
        };
        text.push_str(&format!("| {code} | `{kind}` | {meaning} | {program} |\n"));
    }
    text
}

const EXIT_CODES_HEAD: &str = "\
# Exit statuses

`remand run` tells the verdict by its exit status. It never is the status of the code's own process: code that exits with 5 \
is `exited`, status 3; its own status is in the account on standard error, and in the outcome.

`remand python` and `remand exec` pass the program's own status on where it ended by itself (`--exit-status program`), so that a 5 may be the program's \
or a limit's; with `--exit-status verdict` they tell the verdict as `remand run` does. The record of `--json` tells them apart in any case.

An answer that could not be written, to standard output or to standard error, is status 11, whatever the verdict was. Where standard output is closed, nothing is \
done at all.

The other commands end with 0 where the answer is good, with 1 where it is not, and with 2 where they could not be understood or a file could not be read:

| command | 1 means | 2 also means |
|---|---|---|
| `remand doctor` | a built-in policy cannot be enforced here, or no interpreter is found | |
| `remand policy check` | | an error in any of the files; with `--deny-warnings`, a warning |
| `remand policy diff` | `--fail-on` found a change; `widen` counts what changes without an order too, but not the description | |
| `remand policy why` | what was asked about is not allowed, or it `depends` | |
| `remand policy test` | an expectation does not hold | nothing runs under the policy here |
| `remand policy learn` | an input does not finish under the proposal | |
| `remand policy edit` | it was told not to write | |
| `remand policy set`, `allow`, `deny` | | the file would not be a policy, or beyond the ceiling; nothing was written |
| `remand policy fmt --check` | a file would change | |
| `remand policy import` | something was left out | |

| verdict's status | verdict | meaning | `--exit-status program` |
|---|---|---|---|
";

fn utf8(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| Failure::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        args::command().debug_assert();
    }

    #[test]
    fn what_is_committed_is_what_is_generated() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        for (name, text) in files().unwrap() {
            let committed = fs::read_to_string(docs.join(&name)).unwrap_or_default();
            assert!(committed == text, "docs/{name} is out of date: run `cargo run -- generate docs`");
        }
    }
}

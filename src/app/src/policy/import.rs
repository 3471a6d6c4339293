//! `remand policy import`: a policy from a seccomp profile or a container's configuration.
//!
//! Always holds: the policy goes to standard output or to a new file, the list of what was not taken over to standard error; nothing is overwritten.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use remand_authoring::foreign::{self, Effect, Imported, Kind, LARGEST};
use remand_engine::store::Store;
use serde_json::Value;

use crate::args::{FromArg, ImportArgs};
use crate::failure::Failure;
use crate::print::{self, plain};
use crate::read;

/// Exit status where something was left out.
const LEFT_OUT: u8 = 1;

/// Makes a policy of a foreign profile and lists what was left out. Gives 1 where something was.
pub fn import(args: &ImportArgs) -> Result<u8, Failure> {
    let text = read::bytes(&args.file, "foreign policy", LARGEST as u64, "what an import may have")?;
    let kind = args.from.map(|from| match from {
        FromArg::Seccomp => Kind::Seccomp,
        FromArg::Oci => Kind::Container,
    });
    let name = if read::is_stdin(&args.file) { "standard input".into() } else { args.file.to_string_lossy() };
    let imported = foreign::import(&text, &name, kind)
        .map_err(|malformed| Failure::usage(format!("cannot import {}: {}", plain(&name), plain(&malformed.to_string()))))?;
    match &args.output {
        Some(path) => write(path, &imported.policy)?,
        None => print::content(imported.policy.as_bytes())?,
    }
    print::stderr(&if args.json { json(&imported)? } else { list(&imported, &name) });
    Ok(if imported.omissions.iter().all(|omission| omission.effect == Effect::Settled) { 0 } else { LEFT_OUT })
}

/// Writes a file that was not there.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    Store::system().may_stand(path, text.as_bytes())?;
    let written = OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::usage(format!("cannot write the policy to {}: {error}", plain(&path.to_string_lossy()))))
}

fn list(imported: &Imported, name: &str) -> String {
    let mut text = String::new();
    for omission in &imported.omissions {
        let (path, what, why) = (plain(&omission.path), plain(&omission.what), plain(&omission.why));
        let _ = writeln!(text, "{}: {path}: {}: {what}: {why}", plain(name), omission.effect.word()); // writing to a String cannot fail
    }
    text
}

fn json(imported: &Imported) -> Result<String, Failure> {
    let list = Value::from(imported.omissions.iter().map(foreign::Omission::tree).collect::<Vec<_>>());
    let text = serde_json::to_string_pretty(&list).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(format!("{}\n", print::lines(&text)))
}

//! `remand policy fmt`: policy files in one layout.

use std::path::Path;

use remand_authoring::edit;
use remand_engine::store::look;
use remand_policy::source::LARGEST;

use super::replace::Original;
use super::validate::Validator;
use crate::args::FmtArgs;
use crate::failure::{Failure, USAGE};
use crate::print::{self, plain};
use crate::read;

/// Exit status where `--check` found a file in another layout.
const DIFFERENT: u8 = 1;

/// Writes each file in the one layout; with `--check`, names those that are in another and gives 1. Every file is looked at, whatever the others are like.
pub fn fmt(args: &FmtArgs) -> Result<u8, Failure> {
    let mut code = 0;
    for file in &args.files {
        let done = if read::is_stdin(file) { standard(args.check) } else { one(file, args.check) };
        code = code.max(done.unwrap_or_else(|failure| {
            print::failure(&failure);
            failure.code
        }));
    }
    Ok(code)
}

fn standard(check: bool) -> Result<u8, Failure> {
    let path = Path::new("-");
    let bytes = read::bytes(path, "policy", LARGEST as u64, "the most that a policy may have")?;
    let text = formatted(Path::new("standard input"), &bytes)?;
    match check {
        false => print::content(text.as_bytes()).map(|()| 0),
        true => told(path, text.as_bytes() != bytes),
    }
}

fn one(path: &Path, check: bool) -> Result<u8, Failure> {
    if check {
        let source = look(path)?;
        return told(path, formatted(path, &source.text)?.as_bytes() != source.text.as_ref());
    }
    let original = Original::open(path)?;
    let bytes = original.present(path, "`remand policy edit` makes one")?;
    let text = formatted(path, bytes)?;
    if text.as_bytes() != bytes {
        original.replace(text.as_bytes())?;
    }
    Ok(0)
}

fn told(path: &Path, differs: bool) -> Result<u8, Failure> {
    if !differs {
        return Ok(0);
    }
    print::stdout(&format!("{}\n", plain(&path.to_string_lossy())))?;
    Ok(DIFFERENT)
}

fn formatted(path: &Path, bytes: &[u8]) -> Result<String, Failure> {
    let name = || plain(&path.to_string_lossy()).into_owned();
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Failure::usage(format!("policy {}: is not UTF-8 text: wrong at byte {}", name(), error.valid_up_to())))?;
    let validator = Validator::without_ceiling(path);
    edit::format(text).map_err(|problem| Failure {
        code: USAGE,
        ..Failure::usage(format!("policy {}:\n{}", name(), validator.underlined(bytes, *problem)))
    })
}

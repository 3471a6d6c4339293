//! What a request chooses of its surroundings: `--python`, `--env`, `--env-file`, `--mount`.
//!
//! Always holds: nothing is decided here; no value of a variable is in a message.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use remand_plan::choice::{Choice, MountChoice, Secret};

use crate::args::{ChooseArgs, PythonChoice};
use crate::failure::Failure;
use crate::print::plain;
use crate::read::{self, argument as text};

/// Bytes that a file of variables can have.
const LARGEST: u64 = 1 << 20;

/// What is chosen for Python code.
pub fn python(python: &PythonChoice, args: &ChooseArgs) -> Result<Choice, Failure> {
    let interpreter =
        python.python.as_ref().map(|name| text(name).and_then(|name| if name.contains('/') { absolute(&name) } else { Ok(name) }));
    Ok(Choice { interpreter: interpreter.transpose()?, ..choice(args)? })
}

/// What is chosen for any program.
pub fn choice(args: &ChooseArgs) -> Result<Choice, Failure> {
    let mut environment = BTreeMap::new();
    for file in &args.env_file {
        let lines = read::text(file, "--env-file", LARGEST, "the limit of 1 MiB")?;
        for (number, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
            let (name, value) = variable(line.trim_start(), &format!("--env-file {}, line {}", file.display(), number + 1))?;
            environment.insert(name, value);
        }
    }
    for setting in &args.env {
        let setting = text(setting).map_err(|_| Failure::usage("--env: not UTF-8 text".into()))?;
        let (name, value) = variable(&setting, "--env")?;
        environment.insert(name, value);
    }
    let mounts = args.mount.iter().map(mount).collect::<Result<_, _>>()?;
    Ok(Choice { environment, mounts, ..Choice::default() })
}

fn variable(setting: &str, whence: &str) -> Result<(String, Secret), Failure> {
    if let Some((name, value)) = setting.split_once('=') {
        return Ok((name.to_owned(), Secret(value.to_owned())));
    }
    // Without a `=` the whole text may be a secret that was typed in the wrong place, and is not shown.
    let here = Some(setting).filter(|name| !name.is_empty() && !name.contains('\0')).and_then(std::env::var_os);
    let here = here.ok_or_else(|| Failure::usage(format!("{whence}: write NAME=VALUE, or the NAME of a variable that is set here")))?;
    text(here)
        .map(|value| (setting.to_owned(), Secret(value)))
        .map_err(|_| Failure::usage(format!("{whence}: {setting} is not UTF-8 text here")))
}

fn mount(typed: &OsString) -> Result<MountChoice, Failure> {
    let typed = text(typed)?;
    let wrong = |why: &str| Failure::usage(format!("--mount {}: {why}", plain(&typed)));
    let mut parts: Vec<&str> = typed.split(':').collect();
    let mode = if parts.len() > 1 { parts.pop_if(|last| ["rw", "ro"].contains(last)) } else { None };
    let (source, target) = match parts.as_slice() {
        [source] => (*source, None),
        [source, target] if target.starts_with('/') => (*source, Some((*target).to_owned())),
        [_, _] => return Err(wrong("DST is an absolute path in the run, and what may stand behind it is ro or rw")),
        _ => return Err(wrong("write SRC, SRC:DST, SRC:rw or SRC:DST:rw")),
    };
    if source.is_empty() {
        return Err(wrong("SRC is empty"));
    }
    Ok(MountChoice { source: absolute(source)?, target, writable: mode == Some("rw") })
}

/// An absolute path in its shortest spelling, from the working directory. `..` takes a name away: where a link was named, nothing is mounted anyway.
fn absolute(path: &str) -> Result<String, Failure> {
    let whole = std::path::absolute(path).map_err(|error| Failure::usage(format!("{}: {error}", plain(path))))?;
    let mut plain = PathBuf::new();
    for part in Path::new(&whole).components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    text(plain)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn mounts_in_their_forms() {
        let here = std::env::current_dir().unwrap().display().to_string();
        let of = |typed: &str| mount(&typed.into()).map(|mount| (mount.source, mount.target, mount.writable));
        assert_eq!(of("/srv").unwrap(), ("/srv".into(), None, false));
        assert_eq!(of("/srv/../a/./b/:/x:rw").unwrap(), ("/a/b".into(), Some("/x".into()), true));
        assert_eq!(of("data:rw").unwrap(), (format!("{here}/data"), None, true));
        assert_eq!(of("rw").unwrap(), (format!("{here}/rw"), None, false));
        for typed in ["", ":/x", "/a:b", "/a:/b:/c", "/a:/b:rw:rw", "/a:/b:x"] {
            assert!(of(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn variables_keep_all_of_their_value_and_tell_none_of_it() {
        let of = |typed: &str| variable(typed, "--env");
        assert_eq!(of("A=b=c ").unwrap(), ("A".into(), Secret("b=c ".into())));
        assert_eq!(of("PATH").unwrap().1.0, std::env::var("PATH").unwrap());
        let message = of("secret without a name").unwrap_err().message;
        assert!(message.contains("NAME=VALUE") && !message.contains("secret"));
    }
}

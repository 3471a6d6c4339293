//! The command line of an OCI runtime, as engines call it and as far as a wrapper must understand it: a table.
//!
//! Always holds: no input, no output. An option that is in no table is refused, since what the runtime would make of it is not known: its parser may take
//! abbreviations, join words, or take an option that stands behind others. So is one that is there twice, and what would make a container less than it is.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use remand_policy::text::quote;

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What stands before the command, for other calls of the same runtime.
    pub globals: Vec<OsString>,
    /// Where the runtime tells its errors (`--log`).
    pub log: Option<PathBuf>,
    /// They are told as JSON there (`--log-format json`).
    pub json: bool,
    /// The command.
    pub call: Call,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Makes no process of a container.
    Pass,
    /// `create`, `run`.
    Make {
        /// The bundle, if not the working directory.
        bundle: Option<PathBuf>,
        /// The container.
        id: String,
    },
    /// `exec`.
    Exec {
        /// The file with the process; without one, the process is made of the container's own.
        process: Option<PathBuf>,
        /// The container.
        id: String,
    },
}

/// Why a command line is not passed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// No option of that name.
    #[error("{command}: option {option} is not known to remand oci, so it cannot tell what the runtime would do")]
    Option {
        /// Of which command.
        command: String,
        /// As written.
        option: String,
    },
    /// It stands there twice.
    #[error("{command}: option --{option} is there twice")]
    Twice {
        /// Of which command.
        command: String,
        /// Which.
        option: &'static str,
    },
    /// Nothing follows an option that has a value.
    #[error("{command}: option --{option} needs a value")]
    NoValue {
        /// Of which command.
        command: String,
        /// Which.
        option: &'static str,
    },
    /// An option or a command that is not let through.
    #[error("{what}: {why}")]
    Refused {
        /// The option or command.
        what: String,
        /// Why.
        why: &'static str,
    },
    /// No command of that name.
    #[error("command {0} is not known to remand oci")]
    Command(String),
    /// The container's name is missing, or more than that is there.
    #[error("{0} takes the name of one container, behind its options")]
    Name(String),
    /// The process is said twice.
    #[error("exec takes a process from --process or from the command line, not from both")]
    TwoProcesses,
}

/// An option: long name, short one, whether it has a value, why it is refused.
struct Opt(&'static str, Option<u8>, bool, Option<&'static str>);

const fn flag(long: &'static str) -> Opt {
    Opt(long, None, false, None)
}

const fn value(long: &'static str) -> Opt {
    Opt(long, None, true, None)
}

const GLOBAL: &[Opt] = &[
    value("root"),
    value("log"),
    value("log-format"),
    value("log-level"),
    value("rootless"),
    value("cgroup-manager"),
    value("criu"),
    flag("systemd-cgroup"),
    flag("debug"),
];

const WIDER: Option<&str> = Some("a process has what the policy leaves it");

const MAKE: &[Opt] = &[
    Opt("bundle", Some(b'b'), true, None),
    value("console-socket"),
    value("pid-file"),
    value("pidfd-socket"),
    value("preserve-fds"),
    flag("no-subreaper"),
    flag("no-new-keyring"),
    Opt("detach", Some(b'd'), false, None),
    flag("keep"),
    Opt("no-pivot", None, false, Some("without pivot_root the host's root stays behind the container's")),
    Opt("config", Some(b'f'), true, Some("only the bundle's config.json is narrowed")),
];

const EXEC: &[Opt] = &[
    Opt("process", Some(b'p'), true, None),
    value("console-socket"),
    value("pid-file"),
    value("pidfd-socket"),
    value("preserve-fds"),
    value("cwd"),
    Opt("env", Some(b'e'), true, None),
    Opt("user", Some(b'u'), true, None),
    Opt("additional-gids", Some(b'g'), true, None),
    Opt("tty", Some(b't'), false, None),
    Opt("detach", Some(b'd'), false, None),
    flag("no-subreaper"),
    flag("no-new-privs"),
    flag("ignore-paused"),
    Opt("cap", Some(b'c'), true, WIDER),
    Opt("apparmor", None, true, WIDER),
    Opt("process-label", None, true, WIDER),
    Opt("cgroup", None, true, Some("the process belongs into the container's own group")),
];

/// Options that may be there more than once.
const REPEATED: &[&str] = &["env", "additional-gids"];

const PASS: &[&str] = &[
    "state",
    "start",
    "kill",
    "delete",
    "features",
    "ps",
    "pause",
    "resume",
    "update",
    "list",
    "events",
    "spec",
    "checkpoint",
    "help",
    "--help",
    "-h",
    "--version",
    "-v",
];

const REFUSED: &[(&str, &str)] =
    &[("restore", "a checkpoint brings a process that no policy has narrowed"), ("mounts", "a container sees what it was created with")];

/// Understands the arguments behind the program's name.
///
/// # Errors
/// See [`Unclear`].
pub fn parse(args: &[OsString]) -> Result<Line, Unclear> {
    let mut words = Words { command: "remand oci", rest: args };
    let found = words.options(GLOBAL, PASS)?;
    let globals = args.get(..args.len() - words.rest.len()).unwrap_or_default().to_vec();
    let of = |name: &str| found.iter().find(|(option, _)| *option == name).map(|(_, value)| value.clone());
    let json = of("log-format").is_some_and(|format| format == "json");
    let call = call(&mut words)?;
    Ok(Line { globals, log: of("log").map(PathBuf::from), json, call })
}

fn call(words: &mut Words<'_>) -> Result<Call, Unclear> {
    let Some((command, rest)) = words.rest.split_first() else { return Ok(Call::Pass) };
    let command = command.to_string_lossy();
    let path = |found: &[(&str, OsString)], name: &str| found.iter().find(|(option, _)| *option == name).map(|(_, path)| path.into());
    if let Some((_, why)) = REFUSED.iter().find(|(name, _)| *name == command) {
        return Err(Unclear::Refused { what: command.into_owned(), why });
    }
    let mut words = Words { command: &command, rest };
    match command.as_ref() {
        "create" | "run" => {
            let found = words.options(MAKE, &[])?;
            let [id] = words.rest else { return Err(Unclear::Name(command.into_owned())) };
            Ok(Call::Make { bundle: path(&found, "bundle"), id: id.to_string_lossy().into_owned() })
        }
        "exec" => {
            let found = words.options(EXEC, &[])?;
            let process = path(&found, "process");
            match (words.rest, process) {
                ([], _) => Err(Unclear::Name(command.into_owned())),
                ([_, _, ..], Some(_)) => Err(Unclear::TwoProcesses),
                // A runtime may take options of its own from behind the name.
                ([_, word, ..], None) if word.as_bytes().starts_with(b"-") => Err(words.unknown(word)),
                ([id, ..], process) => Ok(Call::Exec { process, id: id.to_string_lossy().into_owned() }),
            }
        }
        other if PASS.contains(&other) => Ok(Call::Pass),
        other => Err(Unclear::Command(quote(other))),
    }
}

/// What is left to read of the arguments of a command.
struct Words<'a> {
    command: &'a str,
    rest: &'a [OsString],
}

impl Words<'_> {
    /// Takes options up to the first word that is none, or one of `stop`.
    fn options(&mut self, table: &'static [Opt], stop: &[&str]) -> Result<Vec<(&'static str, OsString)>, Unclear> {
        let mut found: Vec<(&'static str, OsString)> = Vec::new();
        while let Some((word, rest)) = self.rest.split_first() {
            if !word.as_bytes().starts_with(b"-") || stop.iter().any(|stop| *stop == word) {
                break;
            }
            self.rest = rest;
            let Some((option, joined)) = option(table, word) else { return Err(self.unknown(word)) };
            let Opt(name, _, takes, refused) = *option;
            if let Some(why) = refused {
                return Err(Unclear::Refused { what: format!("{} --{name}", self.command), why });
            }
            if found.iter().any(|(other, _)| *other == name) && !REPEATED.contains(&name) {
                return Err(Unclear::Twice { command: self.command.to_owned(), option: name });
            }
            let value = match (joined, takes) {
                (Some(value), _) => value,
                (None, false) => OsString::new(),
                (None, true) => {
                    let (value, rest) = self.rest.split_first().ok_or_else(|| self.no_value(name))?;
                    self.rest = rest;
                    value.clone()
                }
            };
            found.push((name, value));
        }
        Ok(found)
    }

    fn unknown(&self, word: &OsStr) -> Unclear {
        Unclear::Option { command: self.command.to_owned(), option: quote(&word.to_string_lossy()) }
    }

    fn no_value(&self, option: &'static str) -> Unclear {
        Unclear::NoValue { command: self.command.to_owned(), option }
    }
}

/// The option that a word is, with the value behind its `=`. A single dash with more than a letter means different things to different runtimes.
fn option<'t>(table: &'t [Opt], word: &OsStr) -> Option<(&'t Opt, Option<OsString>)> {
    let bytes = word.as_bytes();
    if let [b'-', short] = bytes {
        return table.iter().find(|Opt(_, known, ..)| *known == Some(*short)).map(|option| (option, None));
    }
    let long = bytes.strip_prefix(b"--")?;
    let end = long.iter().position(|byte| *byte == b'=').unwrap_or(long.len());
    let (name, value) = (long.get(..end)?, long.get(end + 1..));
    let option = table.iter().find(|Opt(known, ..)| known.as_bytes() == name)?;
    let value = value.map(|value| OsStr::from_bytes(value).to_owned());
    // A flag is there or not.
    if !option.2 && value.as_ref().is_some_and(|value| value != "true" && value != "false") { None } else { Some((option, value)) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said(line: &str) -> Result<Line, String> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>()).map_err(|error| error.to_string())
    }

    fn call(line: &str) -> Call {
        said(line).unwrap().call
    }

    #[test]
    fn as_podman_docker_and_containerd_call() {
        let make = |bundle: &str| Call::Make { bundle: Some(bundle.into()), id: "c".to_owned() };
        assert_eq!(call("create --bundle B --pid-file F --console-socket S c"), make("B"));
        assert_eq!(call("--systemd-cgroup create --bundle=B --pid-file F c"), make("B"));
        let containerd = said("--root R --log L --log-format json create --bundle B --pid-file F c").unwrap();
        assert_eq!((containerd.call, containerd.log, containerd.json), (make("B"), Some("L".into()), true));
        assert_eq!(containerd.globals, ["--root", "R", "--log", "L", "--log-format", "json"]);
        assert_eq!(call("run c"), Call::Make { bundle: None, id: "c".to_owned() });
        let exec = |process: Option<&str>| Call::Exec { process: process.map(PathBuf::from), id: "c".to_owned() };
        assert_eq!(call("--root R exec --process P --console-socket S --tty --detach --pid-file F c"), exec(Some("P")));
        assert_eq!(call("exec -t -u 0 -e A=1 -e B=2 c ls -l --cap x"), exec(None));
    }

    #[test]
    fn everything_else_passes() {
        let lines = "state c;start c;kill c 15;kill --all c 9;delete --force c;features;ps --format json c;pause c;resume c;update --resources=F c;\
                     update --resources - c;--version;-v;--root R --version;--help;;spec;list";
        for line in lines.split(';') {
            assert_eq!(said(line).map(|line| line.call), Ok(Call::Pass), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (line, part) in [
            ("create --bund B c", "option \"--bund\" is not known"),
            ("create -bundle B c", "option \"-bundle\""),
            ("create -bB c", "option \"-bB\""),
            ("create --bundle A --bundle B c", "--bundle is there twice"),
            ("create --bundle A -b B c", "--bundle is there twice"),
            ("create c --bundle B", "takes the name of one container"),
            ("create -- c", "option \"--\""),
            ("create --bundle", "needs a value"),
            ("create", "takes the name"),
            ("create --config other.json c", "only the bundle's config.json"),
            ("run -f other.json c", "only the bundle's config.json"),
            ("create --no-pivot c", "pivot_root"),
            ("exec --cap CAP_SYS_ADMIN c sh", "what the policy leaves it"),
            ("exec --process P c sh", "not from both"),
            ("exec c --cap CAP_SYS_ADMIN sh", "option \"--cap\""),
            ("exec --process A -p B c", "is there twice"),
            ("restore --bundle B c", "restore: a checkpoint"),
            ("mounts add c", "mounts: a container"),
            ("unheard-of c", "command \"unheard-of\" is not known"),
            ("--unheard-of state c", "option \"--unheard-of\""),
            ("--debug=create state c", "option \"--debug=create\""),
        ] {
            let said = said(line).unwrap_err();
            assert!(said.contains(part), "{line}: {said}");
        }
    }
}

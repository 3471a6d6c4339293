//! The question language: one line of words, one question.
//!
//! ```text
//! socket AF_INET SOCK_STREAM      a system call, with arguments as far as they matter; `?` leaves one open
//! clone CLONE_NEWUSER|SIGCHLD     constants find their own argument and are or'ed
//! syscall 999                     a call by its number
//! open|read|write|exec PATH       a file (openat and execve too); open takes O_* flags
//! memory 2GiB                     a limit, and a value for it
//! import numpy, builtin eval, env HOME, connect 10.0.0.1:443
//! ```
//!
//! Always holds: a question that was parsed names things that exist: a call of the table, an argument of it, a limit. Texts of any length are refused in
//! bounded work.

use std::net::SocketAddr;

use crate::text::{did_you_mean, quote};

pub(crate) mod constants;
mod error;
mod expectation;
mod measure;

pub use error::QuestionError;
pub use expectation::{Expectation, Is, QUESTIONS};
pub use measure::{Amount, Measure, measures};

/// Longest question in bytes; a path may be 4096.
const LONGEST: usize = 5000;

/// One question about a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// May a run make this system call? Arguments that were not given are open.
    Call(Call),
    /// May it do this to a file?
    File(Use, String),
    /// May it spend this much?
    Limit(Measure, Amount),
    /// May the code import this module?
    Import(String),
    /// Does the code find this builtin?
    Builtin(String),
    /// Is this environment variable set?
    Env(String),
    /// Can it reach this by TCP?
    Connect(SocketAddr),
}

/// A system call and what is known of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which.
    pub which: Which,
    /// The six registers; `None`: any value.
    pub args: [Option<u64>; 6],
}

/// How a call was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// By its name in the table.
    Name(&'static str),
    /// By its number, on the instruction set that is asked about.
    Number(u32),
}

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Use {
    Read,
    Write,
    Exec,
}

/// How many of [`KINDS`] are about files.
const FILES: usize = 4;
/// First words that are neither calls nor limits, those about files first.
const KINDS: &[&str] = &["open", "read", "write", "exec", "import", "builtin", "env", "connect", "syscall"];

impl Question {
    /// Reads one question from one line.
    ///
    /// # Errors
    /// What is not understood, with what may have been meant.
    pub fn parse(line: &str) -> Result<Self, QuestionError> {
        bounded(line)?;
        Self::of(&line.split_ascii_whitespace().collect::<Vec<_>>())
    }

    /// What is done to the file at a path, which may hold any character but those that control; `None`: no such word is about files alone.
    #[must_use]
    pub fn about_file(word: &str, path: &str) -> Option<Result<Self, QuestionError>> {
        KINDS.get(..FILES)?.contains(&word).then(|| bounded(path).and_then(|()| Self::of(&[word, path])))
    }

    /// Reads one question from its words; of those, a path may hold blanks.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of(words: &[&str]) -> Result<Self, QuestionError> {
        bounded(&words.join(" "))?;
        let Some((&first, rest)) = words.split_first() else {
            return Err(QuestionError::new(
                "there is no question",
                "ask for example: open /etc/passwd, socket AF_INET, memory 2GiB, import numpy",
            ));
        };
        if let Some(file) = file(first, rest) {
            return file;
        }
        match first {
            "import" => Ok(Self::Import(one(first, rest, "numpy", module)?)),
            "builtin" => Ok(Self::Builtin(one(first, rest, "eval", |text| name(text).map(|()| text.to_owned()))?)),
            "env" => Ok(Self::Env(one(first, rest, "HOME", |text| Ok(text.to_owned()))?)),
            "connect" if !rest.iter().all(|word| number(word).is_some() || *word == "?") => {
                one(first, rest, "10.0.0.1:443", address).map(Self::Connect)
            }
            "syscall" => by_number(rest),
            _ => match measure::find(first) {
                Some((measure, value)) => measure::parse(&measure, value, rest).map(|amount| Self::Limit(measure, amount)),
                None => call(first, rest),
            },
        }
    }
}

/// Refuses what is too long, or controls a terminal.
fn bounded(text: &str) -> Result<(), QuestionError> {
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(QuestionError::new("a question is one line of words", "ask for example: socket AF_INET"));
    }
    Ok(())
}

/// Exactly one word after the first.
fn one<T>(first: &str, rest: &[&str], example: &str, read: impl Fn(&str) -> Result<T, QuestionError>) -> Result<T, QuestionError> {
    match rest {
        [word] => read(word),
        _ => Err(QuestionError::new(format!("\"{first}\" takes one word, not {}", rest.len()), format!("write {first} {example}"))),
    }
}

/// A module's name, with those of the packages that it is in.
fn module(text: &str) -> Result<String, QuestionError> {
    match text.split('.').try_for_each(name) {
        Ok(()) => Ok(text.to_owned()),
        Err(QuestionError { help, .. }) => Err(QuestionError { message: format!("{} is not a Python name", quote(text)), help }),
    }
}

fn name(text: &str) -> Result<(), QuestionError> {
    let starts = text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if starts && text.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Ok(());
    }
    let help = text.contains('-').then(|| "write the name that is imported, not the one that is installed".to_owned());
    Err(QuestionError { message: format!("{} is not a Python name", quote(text)), help })
}

fn address(text: &str) -> Result<SocketAddr, QuestionError> {
    let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    local.as_deref().unwrap_or(text).parse().map_err(|_| {
        QuestionError::new(
            format!("{} is no address and port", quote(text)),
            "write connect 10.0.0.1:443 or connect [::1]:443; what a name stands for, only a resolver knows",
        )
    })
}

/// A question about a file: a word that opens files, and a path.
fn file(first: &str, rest: &[&str]) -> Option<Result<Question, QuestionError>> {
    let is_path = |word: &&&str| word.starts_with('/') || word.starts_with("./") || word.starts_with("../");
    let using = match first {
        "open" | "openat" | "openat2" | "read" => Use::Read,
        "write" | "creat" => Use::Write,
        "exec" | "execve" | "execveat" => Use::Exec,
        _ => return None,
    };
    let Some(path) = rest.iter().find(is_path) else {
        let wrong = match rest {
            // Numbers alone are arguments of the call.
            words if words.iter().all(|word| number(word).is_some() || *word == "?") && first != "exec" => return None,
            [] => return None,
            _ if first == "openat" || first == "openat2" || first == "execveat" => return None,
            [word, ..] => QuestionError::new(format!("{} is no path", quote(word)), format!("write {first} /path/from/the/root")),
        };
        return Some(Err(wrong));
    };
    let mut flags = 0;
    for word in rest.iter().filter(|word| !is_path(word) && **word != "AT_FDCWD") {
        match flag_word("openat", 2, word) {
            Some(value) if using != Use::Exec => flags |= value,
            _ => {
                return Some(Err(QuestionError::new(
                    format!("{} is no flag of {first}", quote(word)),
                    format!("write {first} {path}; on a command line, quotes around a path with blanks make it one word"),
                )));
            }
        }
    }
    // O_WRONLY, O_RDWR, O_CREAT, O_TRUNC.
    let using = if using == Use::Read && flags & 0o1103 != 0 { Use::Write } else { using };
    Some(Ok(Question::File(using, (*path).to_string())))
}

fn by_number(rest: &[&str]) -> Result<Question, QuestionError> {
    let wrong = || QuestionError::new("\"syscall\" takes a number and up to six arguments", "write syscall 999");
    let (&first, rest) = rest.split_first().ok_or_else(wrong)?;
    let which = number(first).and_then(|wide| u32::try_from(wide).ok()).map(Which::Number).ok_or_else(wrong)?;
    let mut args = [None; 6];
    for (index, word) in rest.iter().enumerate() {
        let slot = args.get_mut(index).ok_or_else(wrong)?;
        *slot = if *word == "?" { None } else { Some(number(word).ok_or_else(wrong)?) };
    }
    Ok(Question::Call(Call { which, args }))
}

fn call(first: &str, rest: &[&str]) -> Result<Question, QuestionError> {
    let Some(name) = remand_syscalls::names().find(|name| *name == first) else {
        let calls = remand_syscalls::names().filter(|name| !name.starts_with('@'));
        let known: Vec<_> = calls.chain(measures().into_iter().map(|measure| measure.name)).chain(KINDS.iter().copied()).collect();
        return Err(QuestionError {
            message: format!("{} is no system call, limit or other thing to ask about", quote(first)),
            help: did_you_mean(first, known.into_iter()),
        });
    };
    let Some(count) = remand_syscalls::argument_count(name) else {
        return Err(QuestionError::new(format!("\"{name}\" is a group of calls"), "ask about one call of it, such as openat"));
    };
    let mut args = [None; 6];
    let mut at = 0;
    for word in rest {
        let (index, value) = argument(name, at, word)?;
        let too_many = || QuestionError::new(format!("{name} has {count} arguments, {} is one more", quote(word)), "leave it out");
        let slot = args.get_mut(index).filter(|_| index < count).ok_or_else(too_many)?;
        *slot = value;
        at = index + 1;
    }
    Ok(Question::Call(Call { which: Which::Name(name), args }))
}

/// Which argument a word stands for, where `at` is the next, and its value.
fn argument(call: &str, at: usize, word: &str) -> Result<(usize, Option<u64>), QuestionError> {
    if word == "?" {
        return Ok((at, None));
    }
    if let Some(value) = flag_word(call, at, word) {
        return Ok((at, Some(value)));
    }
    let named = word.split('|').find_map(|part| constants::argument(call, part));
    if let Some((index, value)) = named.and_then(|index| Some((index, flag_word(call, index, word)?))) {
        return Ok((index, Some(value)));
    }
    let part = word.split('|').find(|part| number(part).is_none() && constants::argument(call, part).is_none()).unwrap_or(word);
    let help = did_you_mean(part, constants::of(call).map(|(_, name, _)| name));
    Err(QuestionError {
        message: format!("{} is no value that {call} takes", quote(part)),
        help: help.or_else(|| Some("numbers are always understood: 42, 0x2a, -1; ? leaves an argument open".to_owned())),
    })
}

/// Numbers and constants of one argument, or'ed by `|`.
fn flag_word(call: &str, index: usize, word: &str) -> Option<u64> {
    word.split('|').try_fold(0, |all, part| Some(all | number(part).or_else(|| constants::value(call, index, part))?))
}

/// `42`, `0x2a`, `0o52`; a negative number is its two's complement. `0755` is refused: it means two numbers to two readers.
fn number(text: &str) -> Option<u64> {
    if let Some(digits) = text.strip_prefix('-') {
        let value: u64 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
        return (value <= 1 << 63).then(|| value.wrapping_neg());
    }
    let digits =
        |radix, digits: &str| digits.bytes().all(|b| b.is_ascii_alphanumeric()).then(|| u64::from_str_radix(digits, radix).ok())?;
    match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(hex), _) => digits(16, hex),
        (_, Some(octal)) => digits(8, octal),
        _ if text.len() > 1 && text.starts_with('0') => None,
        _ => digits(10, text),
    }
}

#[cfg(test)]
mod tests;

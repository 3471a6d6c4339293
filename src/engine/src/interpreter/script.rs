//! Who executes a script: its `#!` line as the kernel reads it, and the arguments of `env` as `env` does.
//!
//! Always holds: pure; a line that is understood in part is refused.

use std::collections::VecDeque;

/// Bytes of a file that the kernel reads to find out how to execute it.
pub(super) const MAX_LINE: usize = 256;
/// Where `execvp` looks without `PATH`.
pub(super) const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// Long options of `env` that change nothing here.
const HARMLESS: &[&str] = &["debug", "block-signal", "default-signal", "ignore-signal", "list-signal-handling"];

/// A `#!` line: an interpreter, and all the rest as one argument.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub interpreter: String,
    pub argument: Option<String>,
}

impl Line {
    /// From the first bytes of a file; `None` if it does not begin with `#!`.
    ///
    /// # Errors
    /// No kernel would execute it, or only relative to its working directory.
    pub(super) fn read(start: &[u8]) -> Result<Option<Self>, String> {
        let start = start.get(..MAX_LINE).unwrap_or(start);
        let Some(rest) = start.strip_prefix(b"#!") else { return Ok(None) };
        let blank = |c: char| c == ' ' || c == '\t';
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | 0));
        // The kernel's buffer ends with a NUL byte; a line that fills it is cut there.
        let cut = end.is_none() && start.len() == MAX_LINE;
        let text = rest.get(..end.unwrap_or(rest.len() - usize::from(cut))).unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| "its #! line is not UTF-8")?.trim_matches(blank);
        let (interpreter, argument) = text.split_once(blank).map_or((text, ""), |(first, rest)| (first, rest.trim_start_matches(blank)));
        if cut && argument.is_empty() {
            return Err(format!("the interpreter in its #! line is longer than {MAX_LINE} bytes"));
        }
        if !interpreter.starts_with('/') {
            return Err(format!("its #! line names {interpreter:?}, not an absolute path"));
        }
        let argument = Some(argument.to_owned()).filter(|argument| !argument.is_empty());
        Ok(Some(Self { interpreter: interpreter.to_owned(), argument }))
    }
}

/// What `env` executes: a name with the `PATH` to look it up on, or a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Env {
    pub program: String,
    pub path: String,
}

impl Env {
    /// From the one argument that a `#!` line gives it, with `PATH` as it is in the run.
    ///
    /// # Errors
    /// It would execute nothing, or does something that is not followed here.
    pub(super) fn read(argument: Option<&str>, path: &str) -> Result<Self, String> {
        let mut words: VecDeque<String> = argument.map(str::to_owned).into_iter().collect();
        let mut path = path.to_owned();
        let mut options = true;
        loop {
            let word = words.pop_front().ok_or("its #! line gives env nothing to execute")?;
            if options && word == "--" {
                options = false;
            } else if options && word == "-" {
                DEFAULT_PATH.clone_into(&mut path);
            } else if let Some(long) = word.strip_prefix("--").filter(|_| options) {
                long_option(long, &mut words, &mut path)?;
            } else if let Some(letters) = word.strip_prefix('-').filter(|_| options) {
                short_options(letters, &mut words, &mut path)?;
            } else if let Some((name, value)) = word.split_once('=') {
                options = false;
                if name == "PATH" {
                    value.clone_into(&mut path);
                }
            } else {
                return Ok(Self { program: word, path });
            }
        }
    }
}

fn long_option(option: &str, words: &mut VecDeque<String>, path: &mut String) -> Result<(), String> {
    let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value.to_owned())));
    match (name, value) {
        ("ignore-environment", None) => DEFAULT_PATH.clone_into(path),
        ("unset", value) => unset(value.or_else(|| words.pop_front()), path),
        ("split-string", value) => split(value.or_else(|| words.pop_front()), words)?,
        (name, _) if HARMLESS.contains(&name) => {}
        _ => return Err(not_followed(&format!("--{option}"))),
    }
    Ok(())
}

/// A word of one-letter options; the last may have its value in the same word or in the next.
fn short_options(letters: &str, words: &mut VecDeque<String>, path: &mut String) -> Result<(), String> {
    for (at, letter) in letters.char_indices() {
        let rest = letters.get(at + letter.len_utf8()..).filter(|rest| !rest.is_empty()).map(str::to_owned);
        match letter {
            'i' => DEFAULT_PATH.clone_into(path),
            'v' => {}
            'u' => {
                unset(rest.or_else(|| words.pop_front()), path);
                break;
            }
            'S' => return split(rest.or_else(|| words.pop_front()), words),
            _ => return Err(not_followed(&format!("-{letters}"))),
        }
    }
    Ok(())
}

fn unset(name: Option<String>, path: &mut String) {
    if name.as_deref() == Some("PATH") {
        DEFAULT_PATH.clone_into(path);
    }
}

/// Puts the words of a string before the others.
fn split(text: Option<String>, words: &mut VecDeque<String>) -> Result<(), String> {
    let text = text.unwrap_or_default();
    let parts: Vec<&str> = text.split_ascii_whitespace().collect();
    if text.contains(['\\', '\'', '"', '$']) || parts.iter().any(|part| part.starts_with('#')) {
        return Err(not_followed(&format!("-S {text}")));
    }
    parts.iter().rev().for_each(|part| words.push_front((*part).to_owned()));
    Ok(())
}

fn not_followed(what: &str) -> String {
    format!(
        "its #! line gives env {what:?}; of env's arguments -i, -u NAME, -v, -S with plain words and NAME=VALUE are followed: name the interpreter itself"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn line(text: &str) -> Option<(String, Option<String>)> {
        Line::read(text.as_bytes()).unwrap().map(|line| (line.interpreter, line.argument))
    }

    fn some(interpreter: &str, argument: Option<&str>) -> Option<(String, Option<String>)> {
        Some((interpreter.to_owned(), argument.map(str::to_owned)))
    }

    #[test]
    fn one_interpreter_and_one_argument() {
        assert_eq!(line("#!/bin/sh\necho"), some("/bin/sh", None));
        assert_eq!(line("#! \t/bin/sh  -e x \t\n"), some("/bin/sh", Some("-e x")));
        assert_eq!(line("#!/bin/sh"), some("/bin/sh", None), "the file ends");
        assert_eq!(line("#!/bin/sh\0 -e\n"), some("/bin/sh", None));
        assert_eq!(line("#!/bin/sh -e\r\n"), some("/bin/sh", Some("-e\r")));
        assert_eq!(line("#!/bin/sh\r\n"), some("/bin/sh\r", None));
        assert_eq!(line(""), None);
        assert_eq!(line("\x7fELF"), None);
        for bad in ["#!", "#!\n/bin/sh", "#!  \n", "#!sh\n", "#!./sh\n"] {
            assert!(Line::read(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Line::read(b"#!/bin/\xff\n").is_err());
    }

    #[test]
    fn the_kernel_reads_256_bytes() {
        let name = |length: usize| format!("/{}", "x".repeat(length - 1));
        assert_eq!(line(&format!("#!{}\n", name(253))), some(&name(253), None));
        assert!(Line::read(format!("#!{}\n", name(254)).as_bytes()).is_err());
        let long = format!("#!/bin/sh {}\n", "y".repeat(300));
        assert_eq!(line(&long), some("/bin/sh", Some(&"y".repeat(MAX_LINE - 1 - "#!/bin/sh ".len()))));
    }

    #[test]
    fn what_env_executes() {
        for (argument, program, path) in [
            ("sh", "sh", "/p"),
            ("python3 -u", "python3 -u", "/p"),
            ("-S python3 -u", "python3", "/p"),
            ("-Spython3 -u", "python3", "/p"),
            ("-vS -- A=b\tsh", "sh", "/p"),
            ("--split-string=-u FILE sh", "sh", "/p"),
            ("-S -u /etc/x /bin/sh", "/bin/sh", "/p"),
            ("-S -uPATH sh", "sh", DEFAULT_PATH),
            ("-S --unset PATH sh", "sh", DEFAULT_PATH),
            ("-S -i sh", "sh", DEFAULT_PATH),
            ("-S - sh", "sh", DEFAULT_PATH),
            ("-S -iu X PATH=/q sh", "sh", "/q"),
            ("-S A=b -i", "-i", "/p"),
            ("-S --default-signal=PIPE -S -i B=c sh", "sh", DEFAULT_PATH),
        ] {
            let expected = Env { program: program.to_owned(), path: path.to_owned() };
            assert_eq!(Env::read(Some(argument), "/p"), Ok(expected), "{argument}");
        }
    }

    #[test]
    fn what_is_not_followed_is_refused() {
        for argument in [
            "-C /tmp sh",
            "-S -C /tmp sh",
            "-S --chdir=/tmp sh",
            "-0",
            "-S 'sh'",
            "-S ${SHELL}",
            "-S s\\_h",
            "-S sh #x",
            "-x",
            "--split sh",
            "-S -a x sh",
        ] {
            assert!(Env::read(Some(argument), "/p").unwrap_err().contains("gives env"), "{argument}");
        }
        for argument in [None, Some("-S"), Some("-u"), Some("-S -u sh"), Some("A=b"), Some("-i"), Some("--"), Some("-S --unset sh")] {
            assert!(Env::read(argument, "/p").unwrap_err().contains("nothing to execute"), "{argument:?}");
        }
    }
}

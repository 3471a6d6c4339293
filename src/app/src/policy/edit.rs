//! `remand policy edit`: a policy edited without fear.
//!
//! Always holds: the editor works on a private copy; the file is replaced only by a policy that loads, that is within the ceiling, and that the operator
//! said yes to after seeing what it changes. Where the text cannot be written though it was to be, the copy is kept and its place told.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use nix::unistd::mkdtemp;
use remand_engine::store::{Store, policy_name};
use remand_engine::trust;
use remand_policy::Policy;
use remand_policy::source::LARGEST;

use super::change;
use super::editor::{Editor, Ended, ask};
use super::replace::Original;
use super::validate::{Invalid, Validator};
use crate::args::EditArgs;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::print::{self, plain};
use crate::read;

/// Exit status where nothing was written though something was changed.
const UNWRITTEN: u8 = 1;

/// Has an editor change a private copy until it is a policy, and writes it over the file after a yes. Gives 0 for written or not changed, 1 for told not to write.
pub fn edit(args: &EditArgs) -> Result<u8, Failure> {
    let path = Store::system().file_to_write(&args.policy)?;
    let original = Original::open_or_new(&path)?;
    let editor = Editor::chosen()?;
    // From here on nothing ends this process at once, so that nothing is left behind.
    let signals = Cancel::of(&[Signal::SIGCHLD])?;
    let name = policy_name(&path);
    let text = original.text.clone().unwrap_or_else(|| template(&name).into_bytes());
    original.fits(&text)?;
    let mut copy = Copy::new(&path, &text)?;
    let validator = Validator::new(&path)?;
    let session = Session { path: &path, validator, before: text, is_new: original.text.is_none(), signals };
    let end = session.run(&editor, &copy).map_err(|failure| session.abandoned(&mut copy, failure))?;
    let code = match end {
        End::Write(new) => match original.replace(&new) {
            Ok(()) => return say(&path, "written").map(|()| 0),
            Err(failure) => return Err(copy.kept(failure)),
        },
        End::Unchanged => return say(&path, "not changed").map(|()| 0),
        End::Dropped => UNWRITTEN,
    };
    say(&path, "nothing was written")?;
    Ok(code)
}

fn say(path: &Path, what: &str) -> Result<(), Failure> {
    print::stdout(&format!("{}: {what}\n", plain(&path.to_string_lossy())))
}

/// What a new policy starts from.
pub fn template(name: &str) -> String {
    format!(
        "// {name}: what is run under it, and what it needs.\n//\n//     remand run --policy {name} hello.py\n{{\n  \"version\": 1,\n  \
         \"extends\": \"default\",\n  \"description\": \"\"\n}}\n"
    )
}

/// One sitting at one file.
struct Session<'p> {
    path: &'p Path,
    validator: Validator<'p>,
    before: Vec<u8>,
    is_new: bool,
    signals: Cancel,
}

enum End {
    Write(Vec<u8>),
    Unchanged,
    Dropped,
}

impl Session<'_> {
    /// The editor, the check and the question, again and again.
    fn run(&self, editor: &Editor, copy: &Copy) -> Result<End, Failure> {
        let mut line = None;
        loop {
            match editor.run(&copy.file, line, &self.signals)? {
                Ended::Well => {}
                Ended::Stopped => return Ok(End::Dropped),
                Ended::Badly(how) => return Err(Failure { hint: Some("nothing was written".to_owned()), ..Failure::usage(how) }),
            }
            let new = copy.read()?;
            if new == self.before {
                return Ok(End::Unchanged);
            }
            let again = match self.validator.validate(&new) {
                Err(Invalid { told, line: at }) => {
                    line = at;
                    print::stderr(&told);
                    self.choose("(e)dit again, or e(x)it without saving? ", &["e", "edit"], &["x", "exit", "q"])?
                }
                Ok((loaded, warnings)) => {
                    line = None;
                    print::stderr(&warnings);
                    print::stdout(&self.change(&loaded.policy))?;
                    match self.answer("write it? [y/N/e] ")?.as_deref() {
                        Some("y" | "yes") => return Ok(End::Write(new)),
                        Some("e" | "edit") => Some(true),
                        _ => Some(false),
                    }
                }
            };
            if again != Some(true) {
                return Ok(End::Dropped);
            }
        }
    }

    fn change(&self, new: &Policy) -> String {
        let name = plain(&self.path.to_string_lossy()).into_owned();
        if self.is_new {
            let base = remand_policy::load::shipped("default").and_then(Result::ok);
            let told = base.map(|base| change::summary(&base, new)).unwrap_or_default();
            return format!("{name}, a new policy, beside the default one:\n{told}");
        }
        match self.validator.validate(&self.before) {
            Ok((before, _)) => format!("{name}:\n{}", change::summary(&before.policy, new)),
            Err(_) => format!("{name}: it was no policy before, and would be one\n"),
        }
    }

    /// Asks until one of the words is the answer: whether it is one of the first. `None`: there is no answer.
    fn choose(&self, question: &str, yes: &[&str], no: &[&str]) -> Result<Option<bool>, Failure> {
        loop {
            match self.answer(question)? {
                None => return Ok(None),
                Some(word) if yes.contains(&word.as_str()) => return Ok(Some(true)),
                Some(word) if no.contains(&word.as_str()) => return Ok(Some(false)),
                Some(_) => {}
            }
        }
    }

    fn answer(&self, question: &str) -> Result<Option<String>, Failure> {
        let answer = ask(question, &self.signals)?;
        if answer.is_none() {
            print::stdout("\n")?;
        }
        Ok(answer)
    }

    /// What was edited is not thrown away because something failed.
    fn abandoned(&self, copy: &mut Copy, failure: Failure) -> Failure {
        if copy.read().is_ok_and(|text| text == self.before) { failure } else { copy.kept(failure) }
    }
}

/// The private copy, in a directory that nobody else can enter; gone with this value, unless it is kept.
struct Copy {
    directory: PathBuf,
    file: PathBuf,
    keep: bool,
}

impl Copy {
    fn new(path: &Path, text: &[u8]) -> Result<Self, Failure> {
        let base = std::env::temp_dir();
        let shown = || plain(&base.to_string_lossy()).into_owned();
        let failed = |why: &dyn std::fmt::Display| Failure {
            hint: Some("name another directory in $TMPDIR".to_owned()),
            ..Failure::usage(format!("cannot make a private copy in {}: {why}", shown()))
        };
        let directory = mkdtemp(&base.join("remand-edit-XXXXXX")).map_err(|errno| failed(&errno.desc()))?;
        let file = directory.join(path.file_name().unwrap_or_default());
        let copy = Self { directory, file, keep: false };
        let write = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy.file)?.write_all(text);
        write().map_err(|error: std::io::Error| failed(&error))?;
        // In somebody else's directory, the copy could be exchanged for another file while the editor runs.
        match trust::objections(&copy.file).first() {
            None => Ok(copy),
            Some(distrust) => Err(failed(&format!("{} {}", plain(&distrust.component.to_string_lossy()), distrust.objection))),
        }
    }

    fn read(&self) -> Result<Vec<u8>, Failure> {
        let name = plain(&self.file.to_string_lossy()).into_owned();
        let file = trust::open_regular(&self.file).map_err(|distrust| Failure::usage(format!("the copy {name} {}", distrust.objection)))?;
        match read::all(file, LARGEST as u64) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(Failure::usage(format!("the copy {name} is larger than the {LARGEST} bytes that a policy may have"))),
            Err(error) => Err(Failure::usage(format!("the copy {name} cannot be read: {error}"))),
        }
    }

    /// Stays for the operator, whom the failure tells where.
    fn kept(&mut self, failure: Failure) -> Failure {
        self.keep = true;
        let place = format!("your text is kept in {}", plain(&self.file.to_string_lossy()));
        Failure { hint: Some(failure.hint.map_or_else(|| place.clone(), |hint| format!("{hint}; {place}"))), ..failure }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_dir_all(&self.directory); // a private directory of ours, which nobody misses
        }
    }
}

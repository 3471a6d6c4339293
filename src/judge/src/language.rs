//! What programs are written in: how a source is compiled in a run, and how what comes of it is run.
//!
//! Always holds: a source and a product travel as bytes; what compiles and what runs are two runs.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use remand_plan::Request;
use remand_plan::request::{Given, GivenKind, Mode, Origin, Script};

/// What a compiled program is called in a run.
pub const PRODUCT: &str = "program";

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// By the interpreter of the policy.
    Python,
    /// By `gcc`.
    C,
    /// By `g++`.
    Cpp,
}

impl Language {
    /// By the ending of a file's name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension().and_then(OsStr::to_str)? {
            "py" => Some(Self::Python),
            "c" => Some(Self::C),
            "cc" | "cpp" | "cxx" | "c++" | "C" => Some(Self::Cpp),
            _ => None,
        }
    }

    /// What the source is called in a run.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Python => "program.py",
            Self::C => "program.c",
            Self::Cpp => "program.cpp",
        }
    }

    /// The command that makes [`PRODUCT`] of the source; none of Python's, which is read as it is.
    #[must_use]
    pub fn compiler(self) -> Option<Vec<String>> {
        let (compiler, standard) = match self {
            Self::Python => return None,
            Self::C => ("gcc", "-std=gnu17"),
            Self::Cpp => ("g++", "-std=gnu++17"),
        };
        Some([compiler, "-O2", standard, "-o", PRODUCT, self.source(), "-lm"].map(str::to_owned).to_vec())
    }
}

/// What can be run.
#[derive(Clone, Debug)]
pub enum Runnable {
    /// Source of Python.
    Python(Arc<str>),
    /// A program for this machine.
    Native(Arc<[u8]>),
}

impl Runnable {
    /// As a request with arguments and files; and the command, where it is not Python.
    pub fn asked(&self, arguments: &[&str], mut files: Vec<Given>) -> (Request, Option<Vec<String>>) {
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        match self {
            Self::Python(text) => {
                let origin = Origin::File(Language::Python.source().to_owned());
                let script = Script { origin, arguments: arguments.collect(), ..Script::default() };
                (Request { code: (&**text).into(), mode: Mode::Script(script), files, ..Request::default() }, None)
            }
            Self::Native(program) => {
                files.push(given(PRODUCT, Arc::clone(program), true));
                // A program that the host knows starts the one that it does not.
                let command = ["env".to_owned(), format!("./{PRODUCT}")].into_iter().chain(arguments).collect();
                (Request { files, ..Request::default() }, Some(command))
            }
        }
    }
}

/// A file for a run.
pub fn given(name: &str, content: Arc<[u8]>, executable: bool) -> Given {
    Given { name: name.to_owned(), kind: GivenKind::File { content, executable } }
}

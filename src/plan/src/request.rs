//! A request: one run as asked by a caller.

use std::sync::Arc;

use crate::choice::Choice;
use crate::job::Data;
use remand_policy::places::WORKSPACE;

use crate::words::words;

/// How the user's code is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Once, with `_items` and `_query`.
    AllItems,
    /// Once per item, with `_item`; every result is streamed as it is done.
    PerItem(OnError),
    /// As n8n's own runner calls it, with its names and in its words; and what is set for the task, a JSON object (see `src/executor/n8n/task.py`). Its value is one,
    /// also where the code is called for each item; the text of each print is a JSON array of texts.
    N8n(Data),
    /// It is a program, the module `__main__`, as `python3` runs it.
    Script(Script),
}

words! {
    /// What becomes of the others where an item's code raises an exception.
    OnError {
        Stop "stop", Item "item",
    }
}

/// What a program is to find about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// What names it.
    pub origin: Origin,
    /// `sys.argv` without the first.
    pub arguments: Vec<String>,
    /// `await` stands outside of functions too.
    pub awaits: bool,
    /// The value of the last expression is wanted.
    pub value: bool,
    /// What it shows is wanted: `display()`, the value of the last expression as a notebook shows it, figures of matplotlib.
    pub display: bool,
    /// Somebody looks on: standard output comes line by line, as Python has it for a terminal, and not in blocks, as it has it for a pipe.
    pub lines: bool,
}

/// What names a program; the text is the request's code, but for a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file of this name, without directories: `python3 NAME`.
    File(String),
    /// Standard input: `python3 -`.
    Stdin,
    /// An argument: `python3 -c CODE`.
    Argument,
    /// A module of the interpreter's: `python3 -m NAME`.
    Module(String),
}

impl Default for Origin {
    fn default() -> Self {
        Self::File("script.py".to_owned())
    }
}

impl Origin {
    /// What `sys.argv` begins with.
    #[must_use]
    pub fn argument(&self) -> &str {
        match self {
            Self::File(name) => name,
            Self::Stdin => "-",
            Self::Argument => "-c",
            Self::Module(_) => "-m",
        }
    }

    /// The file that the text is put into, in the run's working directory, so that multiprocessing's children find it.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::File(name) => Some(name),
            Self::Stdin => Some("<stdin>"),
            Self::Argument | Self::Module(_) => None,
        }
    }

    /// What tracebacks call it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::File(name) => format!("{WORKSPACE}/{name}"),
            Self::Stdin => "<stdin>".to_owned(),
            Self::Argument | Self::Module(_) => "<string>".to_owned(),
        }
    }

    /// Where it looks for modules first.
    #[must_use]
    pub fn directory(&self) -> &str {
        match self {
            Self::File(_) | Self::Module(_) => WORKSPACE,
            Self::Stdin | Self::Argument => "",
        }
    }
}

/// Python source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// Text, whatever encoding it names for itself: an argument, a member of a request.
    Text(String),
    /// What a file has: Python reads it in the encoding that it names (PEP 263).
    File(Arc<[u8]>),
}

impl Code {
    /// As a file has it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::File(bytes) => bytes,
        }
    }
}

impl Default for Code {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<String> for Code {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Code {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<u8>> for Code {
    fn from(bytes: Vec<u8>) -> Self {
        Self::File(bytes.into())
    }
}

/// One run as asked; by default without code, items and query.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Python source: a function body, or a program.
    pub code: Code,
    /// How it is called.
    pub mode: Mode,
    /// Input items, an array of any JSON.
    pub items: Data,
    /// `_query` in `all_items` mode.
    pub query: Data,
    /// What a program has as its standard input, whole. None: what its caller passes on, or nothing. A function has none.
    pub stdin: Option<Arc<[u8]>>,
    /// What the run finds in its `/workspace`, by content. A copy each, in its memory and gone with it.
    pub files: Vec<Given>,
    /// Patterns of the files beneath `/workspace` that are wanted when the run is over, however it ends.
    pub artifacts: Vec<String>,
    /// What it chooses for itself, where the policy lets it.
    pub choice: Choice,
}

/// A file or a directory that a run finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Path relative to `/workspace`, without `..`; of a directory also `.`.
    pub name: String,
    /// What is there.
    pub kind: GivenKind,
}

/// What is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenKind {
    /// A file.
    File {
        /// What it holds.
        content: Arc<[u8]>,
        /// Whether it may be executed, where the policy lets files of the run's own be.
        executable: bool,
    },
    /// A directory, which need not be named for the sake of what it holds.
    Directory {
        /// Python looks for modules in it.
        imports: bool,
    },
}

impl Default for Request {
    fn default() -> Self {
        Self {
            code: Code::default(),
            mode: Mode::AllItems,
            items: Data::no_items(),
            query: Data::null(),
            stdin: None,
            files: Vec::new(),
            artifacts: Vec::new(),
            choice: Choice::default(),
        }
    }
}

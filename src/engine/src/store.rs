//! The policies of this machine, by the name or the file that was asked for.
//!
//! Always holds: a name stands for a file of the administrator's directory, else for a built-in policy; a path for a file, and nothing runs under one that has
//! another policy's name; a file is opened only as far as [`trust`] goes, and read once.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use remand_policy::load::{self, Chain, Loaded, Origins};
use remand_policy::shipped::{self, SHIPPED};
use remand_policy::source::{LARGEST, Source};
use remand_policy::text::Problem;

use crate::refusal::{Document, Refusal};
use crate::trust::{self, Distrust};

/// Where an administrator puts policies that are asked for by name.
const DIRECTORY: &str = "/etc/remand/policies";

/// What a policy is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Something is to run under it: its file must be out of others' reach.
    Run,
    /// To look at it: its file may be anybody's.
    Look,
}

/// What was read of a policy.
#[derive(Debug)]
pub struct Read {
    /// The policy, or every problem.
    pub loaded: Result<Loaded, Vec<Problem>>,
    /// The file itself, then its bases: what problems are about.
    pub sources: Vec<Source>,
}

/// A directory of policies, before those that are built in.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// This machine's.
    #[must_use]
    pub fn system() -> Self {
        Self { directory: DIRECTORY.into() }
    }

    /// The text that a name or a path stands for.
    ///
    /// # Errors
    /// There is none; it cannot be opened or trusted; for [`Purpose::Run`], its file has another policy's name.
    pub fn source(&self, typed: &str, purpose: Purpose) -> Result<Source, Refusal> {
        if !is_path(typed) {
            return self.named(typed)?.ok_or_else(|| Refusal::Unknown { name: typed.to_owned(), directory: self.directory.clone() });
        }
        let path = Path::new(typed);
        if purpose == Purpose::Look {
            return look(path);
        }
        let source = trust::open_policy(path).map_err(|distrust| distrusted(path, distrust)).and_then(|file| text(path, file))?;
        self.own_name(typed, &source).map(|()| source)
    }

    /// The policy of a name or a file with where its values were written, and the texts that it was read from, the file itself first.
    ///
    /// # Errors
    /// As [`Store::source`]; the text is no policy.
    pub fn load(&self, typed: &str, purpose: Purpose) -> Result<(Loaded, Vec<Source>), Refusal> {
        self.understood(typed, &self.source(typed, purpose)?, true)
    }

    /// What a text says that was found for a name or a file; `places`: with where its values were written.
    pub(crate) fn understood(&self, typed: &str, source: &Source, places: bool) -> Result<(Loaded, Vec<Source>), Refusal> {
        let Read { loaded, sources } = self.read(&policy_name(Path::new(typed)), source, places);
        match loaded {
            Ok(loaded) => Ok((loaded, sources)),
            Err(problems) => Err(Refusal::Wrong { document: Document::Policy, typed: typed.to_owned(), sources, problems }),
        }
    }

    /// Reads what a text says, its bases found by name; `places`: with where its values were written.
    #[must_use]
    pub fn read(&self, name: &str, source: &Source, places: bool) -> Read {
        let chain = self.chain(source);
        let loaded = if places {
            load::trace(&chain, name)
        } else {
            load::parse(&chain, name).map(|policy| Loaded { policy, origins: Origins::default(), expect: Vec::new() })
        };
        Read { loaded, sources: chain.files }
    }

    /// A policy file with its bases, found by name.
    #[must_use]
    pub fn chain(&self, source: &Source) -> Chain {
        Chain::follow(source, |asking, name| {
            // The machine's own policy of this name, by whatever path it was asked for, extends the built-in one.
            if self.is_place(Path::new(&asking.file), name) { shipped::source(name) } else { self.base(name) }
        })
    }

    /// The base of this name, for the loader.
    ///
    /// # Errors
    /// There is none, or it cannot be trusted, in one sentence.
    pub fn base(&self, name: &str) -> Result<Source, String> {
        match self.named(name) {
            Ok(Some(source)) => Ok(source),
            Ok(None) => Err(format!("{}; others stand in {}", built_in(), self.directory.display())),
            Err(refusal) => Err(refusal.to_string()),
        }
    }

    /// The administrator's file of a name, if there is one.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.place(name)).filter(|place| is_name(name) && place.exists())
    }

    /// Whether a name stands for a policy that is built in.
    #[must_use]
    pub fn is_built_in(&self, name: &str) -> bool {
        shipped::source(name).is_ok() && !self.place(name).exists()
    }

    /// The file of a policy that is to be written: a path, or the administrator's of a name.
    ///
    /// # Errors
    /// It is built in, or no name.
    pub fn file_to_write(&self, typed: &str) -> Result<PathBuf, Refusal> {
        if is_path(typed) {
            return Ok(typed.into());
        }
        let name = typed.to_owned();
        if self.is_built_in(typed) {
            return Err(Refusal::BuiltIn { name });
        }
        if is_name(typed) { Ok(self.place(typed)) } else { Err(Refusal::NoName { name }) }
    }

    /// Refuses a file that has another policy's name, unless it says the same.
    ///
    /// # Errors
    /// [`Refusal::NameTaken`]; the other policy cannot be trusted.
    pub fn own_name(&self, typed: &str, source: &Source) -> Result<(), Refusal> {
        if is_path(typed) { self.may_stand(Path::new(typed), &source.text) } else { Ok(()) }
    }

    /// The same of a text that is to be written to a file: nothing would run under it.
    ///
    /// # Errors
    /// As [`Store::own_name`].
    pub fn may_stand(&self, path: &Path, text: &[u8]) -> Result<(), Refusal> {
        let name = policy_name(path);
        if self.is_place(path, &name) {
            return Ok(());
        }
        match self.named(&name)?.filter(|other| *other.text != *text) {
            None => Ok(()),
            Some(other) => Err(Refusal::NameTaken { typed: path.to_string_lossy().into_owned(), name, other: other.file }),
        }
    }

    /// One of the administrator's policies, or a built-in one; `None` if there is none of that name.
    fn named(&self, name: &str) -> Result<Option<Source>, Refusal> {
        if !is_name(name) {
            return Ok(None);
        }
        let path = self.place(name);
        match trust::open_if_there(&path) {
            Ok(Some(file)) => text(&path, file).map(Some),
            Ok(None) | Err(Distrust { missing: true, .. }) => Ok(shipped::source(name).ok()),
            Err(distrust) => Err(distrusted(&path, distrust)),
        }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.jsonc"))
    }

    fn is_place(&self, path: &Path, name: &str) -> bool {
        std::path::absolute(path).is_ok_and(|path| path == self.place(name))
    }
}

/// The text of a file to look at, whoever owns it: nothing runs under it.
///
/// # Errors
/// It cannot be opened or read, or is too large.
pub fn look(path: &Path) -> Result<Source, Refusal> {
    trust::open_regular(path).map_err(|distrust| distrusted(path, distrust)).and_then(|file| text(path, file))
}

/// The text of an open file.
pub(crate) fn text(path: &Path, file: File) -> Result<Source, Refusal> {
    let mut bytes = Vec::new();
    match file.take(LARGEST as u64 + 1).read_to_end(&mut bytes) {
        Ok(length) if length <= LARGEST => Ok(Source { file: path.to_string_lossy().into_owned(), text: bytes.into() }),
        Ok(_) => Err(Refusal::TooLarge { path: path.to_owned() }),
        Err(error) => Err(Refusal::Unreadable { path: path.to_owned(), error }),
    }
}

/// A policy's name: the file's, without directory and ending.
#[must_use]
pub fn policy_name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The built-in policies, in one sentence.
#[must_use]
pub fn built_in() -> String {
    format!("built in are: {}", SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
}

fn distrusted(path: &Path, distrust: Distrust) -> Refusal {
    Refusal::Distrusted { document: Document::Policy, path: path.to_owned(), distrust }
}

fn is_path(typed: &str) -> bool {
    typed.contains('/') || typed.ends_with(".jsonc")
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

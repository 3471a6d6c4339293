//! The policies of this machine, by the name or the file that was asked for.
//!
//! Always holds: a name stands for a file of the administrator's directory, else for a built-in policy, else for a file of the user's own directory: whoever can
//! write there, such as a program that the user ran, changes nothing that the others' names mean; a file there that says something else under such a name is
//! refused, and not passed over. Root has no directory of its own, and what stands beside the
//! administrator's policies extends none of a user's. A path stands for a file, and nothing runs under one that has another policy's name; a file is opened only
//! as far as [`trust`] goes, and read once.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use remand_policy::load::{self, Chain, Loaded, Origins};
use remand_policy::shipped::{self, SHIPPED};
use remand_policy::source::{LARGEST, Source};
use remand_policy::text::Problem;

use crate::refusal::{Document, Refusal, listed};
use crate::trust::{self, Distrust};

/// Where an administrator puts policies that are asked for by name.
const DIRECTORY: &str = "/etc/remand/policies";
/// Where a user does, below the directory of its configuration.
const OF_USER: &str = "remand/policies";

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

/// The administrator's directory of policies, before those that are built in, and the user's behind them.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
    /// `None`: it is root's process, or has no such place.
    own: Option<PathBuf>,
}

impl Store {
    /// This machine's, and this user's.
    #[must_use]
    pub fn system() -> Self {
        Self { directory: DIRECTORY.into(), own: own_directory(Uid::effective(), |name| env::var_os(name).map(PathBuf::from)) }
    }

    /// The directories that names are looked up in.
    #[must_use]
    pub fn directories(&self) -> Vec<PathBuf> {
        [&self.directory].into_iter().chain(&self.own).cloned().collect()
    }

    /// The text that a name or a path stands for.
    ///
    /// # Errors
    /// There is none; it cannot be opened or trusted; for [`Purpose::Run`], its file has another policy's name.
    pub fn source(&self, typed: &str, purpose: Purpose) -> Result<Source, Refusal> {
        if !is_path(typed) {
            return self.undisputed(typed)?.ok_or_else(|| Refusal::Unknown { name: typed.to_owned(), directories: self.directories() });
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
        self.understood(typed, &self.source(typed, purpose)?, purpose, true)
    }

    /// What a text says that was found for a name or a file; `places`: with where its values were written.
    pub(crate) fn understood(
        &self,
        typed: &str,
        source: &Source,
        purpose: Purpose,
        places: bool,
    ) -> Result<(Loaded, Vec<Source>), Refusal> {
        let Read { loaded, sources } = self.read(&policy_name(Path::new(typed)), source, purpose, places);
        match loaded {
            Ok(loaded) => Ok((loaded, sources)),
            Err(problems) => Err(Refusal::Wrong { document: Document::Policy, typed: typed.to_owned(), sources, problems }),
        }
    }

    /// Reads what a text says, with its bases; `places`: with where its values were written.
    #[must_use]
    pub fn read(&self, name: &str, source: &Source, purpose: Purpose, places: bool) -> Read {
        let chain = self.chain(source, purpose);
        let loaded = if places {
            load::trace(&chain, name)
        } else {
            load::parse(&chain, name).map(|policy| Loaded { policy, origins: Origins::default(), expect: Vec::new() })
        };
        Read { loaded, sources: chain.files }
    }

    /// A policy file with its bases, found by name or beside the file that extends them.
    #[must_use]
    pub fn chain(&self, source: &Source, purpose: Purpose) -> Chain {
        Chain::follow(source, |asking, wanted| {
            if let Some(path) = load::beside(&asking.file, wanted) {
                return base_file(&path, purpose);
            }
            let asking = Path::new(&asking.file);
            // The machine's own policy of this name, by whatever path it was asked for, extends the built-in one.
            if self.is_place(asking, wanted) { shipped::source(wanted) } else { self.base(wanted, asking) }
        })
    }

    /// The base of this name, which a file asks for; a user's may ask for one of the user's own.
    fn base(&self, name: &str, asking: &Path) -> Result<Source, String> {
        let by_itself = self.own_file(name).is_some_and(|own| is_at(asking, &own));
        let found = match self.is_administrators(asking) || shipped::is_file(asking) {
            true => self.named(name, false),
            false if by_itself => self.named(name, true),
            false => self.undisputed(name),
        };
        match found {
            Ok(Some(source)) => Ok(source),
            Ok(None) => Err(format!("{}; others stand in {}", built_in(), listed(&self.directories()))),
            Err(refusal) => Err(refusal.to_string()),
        }
    }

    /// The file of a name, if there is one.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        let own = || self.own_place(name).filter(|place| place.exists());
        Some(self.place(name)).filter(|place| place.exists()).or_else(own).filter(|_| is_name(name))
    }

    /// Whether a name stands for a policy that is built in.
    #[must_use]
    pub fn is_built_in(&self, name: &str) -> bool {
        shipped::source(name).is_ok() && !self.place(name).exists()
    }

    /// The file of a policy that is to be written: a path, or that of a name: the administrator's where it is there or where root asks, else the user's own.
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
        if !is_name(typed) {
            return Err(Refusal::NoName { name });
        }
        let place = self.place(typed);
        Ok(if place.exists() { place } else { self.own_place(typed).unwrap_or(place) })
    }

    /// Makes the directory of the user's own policies, and those above it, where a file that is to be written there lies and they are missing. Nobody else
    /// gets in.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn make_way(&self, file: &Path) -> io::Result<()> {
        match self.own.as_deref().filter(|own| file.parent() == Some(own)) {
            Some(own) => fs::DirBuilder::new().recursive(true).mode(0o700).create(own),
            None => Ok(()),
        }
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
        if self.is_place(path, &name) || self.file(&name).is_some_and(|file| is_at(path, &file)) {
            return Ok(());
        }
        match self.named(&name, true)?.filter(|other| *other.text != *text) {
            None => Ok(()),
            Some(other) => Err(Refusal::NameTaken { typed: path.to_string_lossy().into_owned(), name, other: other.file }),
        }
    }

    /// One of the administrator's policies, a built-in one, or (`own`) one of the user's own; `None` if there is none of that name.
    fn named(&self, name: &str, own: bool) -> Result<Option<Source>, Refusal> {
        if !is_name(name) {
            return Ok(None);
        }
        if let Some(source) = if_there(&self.place(name))?.or_else(|| shipped::source(name).ok()) {
            return Ok(Some(source));
        }
        self.own_place(name).filter(|_| own).map_or(Ok(None), |place| if_there(&place))
    }

    /// As [`Store::named`], where no file of the user's own says something else under the name and could not take effect.
    fn undisputed(&self, name: &str) -> Result<Option<Source>, Refusal> {
        let found = self.named(name, true)?;
        let (Some(source), Some(own)) = (&found, self.own_file(name)) else { return Ok(found) };
        if is_at(Path::new(&source.file), &own) {
            return Ok(found);
        }
        match if_there(&own) {
            Ok(None) => Ok(found),
            Ok(Some(mine)) if mine.text == source.text => Ok(found),
            _ => {
                let (typed, name) = (own.to_string_lossy().into_owned(), name.to_owned());
                Err(Refusal::NameTaken { typed, name, other: source.file.clone() })
            }
        }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.jsonc"))
    }

    /// The user's own file of a name, unless that name is a built-in policy's.
    fn own_place(&self, name: &str) -> Option<PathBuf> {
        self.own_file(name).filter(|_| shipped::source(name).is_err())
    }

    /// Where the user's own file of a name would stand.
    fn own_file(&self, name: &str) -> Option<PathBuf> {
        self.own.as_ref().map(|directory| directory.join(format!("{name}.jsonc")))
    }

    fn is_place(&self, path: &Path, name: &str) -> bool {
        is_at(path, &self.place(name))
    }

    /// Whether a file stands with the administrator's policies, or beside them as the ceiling does.
    fn is_administrators(&self, path: &Path) -> bool {
        let directory = self.directory.parent().unwrap_or(&self.directory);
        std::path::absolute(path).is_ok_and(|path| path.starts_with(directory))
    }
}

/// The directory of a user's own policies, as the XDG Base Directory Specification has it: what is not absolute is ignored. Root has none, since the variables
/// are whoever's started it (`sudo` may keep them); nor has a user whose variables lead to what is another's or out of reach.
fn own_directory(user: Uid, variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    let directory = config.filter(|_| !user.is_root())?.join(OF_USER);
    let own = match fs::metadata(&directory) {
        Ok(found) => found.is_dir() && found.uid() == user.as_raw(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    own.then_some(directory)
}

/// The text of a base's file, under the rules of ownership that hold for the file that extends it.
fn base_file(path: &Path, purpose: Purpose) -> Result<Source, String> {
    let opened = match purpose {
        Purpose::Run => trust::open_policy(path),
        Purpose::Look => trust::open_regular(path),
    };
    opened.map_err(|distrust| distrusted(path, distrust)).and_then(|file| text(path, file)).map_err(|refusal| refusal.to_string())
}

/// The text of a named policy's file; `None` where there is no file.
fn if_there(path: &Path) -> Result<Option<Source>, Refusal> {
    match trust::open_if_there(path) {
        Ok(Some(file)) => text(path, file).map(Some),
        Ok(None) | Err(Distrust { missing: true, .. }) => Ok(None),
        Err(distrust) => Err(distrusted(path, distrust)),
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
fn is_at(path: &Path, place: &Path) -> bool {
    std::path::absolute(path).is_ok_and(|path| path == place)
}

/// Whether what was typed for a policy is a file and no name.
#[must_use]
pub fn is_path(typed: &str) -> bool {
    typed.contains('/') || typed.ends_with(".jsonc")
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests;

//! The policy file that is learned from: how it is found, what its policy may not exceed, and how a proposal is written; and the host's size.
//!
//! Always holds: a file that is replaced is the one that was learned from, unchanged since.

use std::path::Path;

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::sysinfo::sysinfo;
use remand_authoring::learn::HostSize;
use remand_engine::Ceiling;
use remand_engine::store::{Purpose, Store, policy_name};
use remand_policy::Policy;
use remand_policy::source::Source;

use crate::args::LearnArgs;
use crate::failure::Failure;
use crate::policy::replace::Original;
use crate::print::plain;

/// A policy to learn from.
pub struct PolicyFile {
    /// Its file; of a built-in policy, one that extends it.
    pub source: Source,
    /// Its name.
    pub name: String,
    /// What no proposal may exceed.
    pub ceilings: Vec<Ceiling>,
    built_in: bool,
}

impl PolicyFile {
    /// The policy that was typed for learning, or for the job.
    pub fn find(args: &LearnArgs, of_job: &str) -> Result<Self, Failure> {
        let typed = match args.from.as_deref() {
            None => of_job,
            Some(from) if of_job == "default" || of_job == from => from,
            Some(_) => return Err(Failure::usage("two policies: one with --from, another with the job's --policy".into())),
        };
        let store = Store::system();
        let built_in = store.is_built_in(typed);
        let source = if built_in {
            let text = format!("{{\n  \"version\": 1,\n  \"extends\": \"{typed}\"\n}}\n");
            Source { file: format!("a policy that extends {typed}"), text: text.into_bytes().into() }
        } else {
            store.source(typed, Purpose::Run)?
        };
        let asked = args.ceiling.as_deref().map(|path| Ceiling::look(path, &store)).transpose()?;
        let ceilings = Ceiling::here(&store)?.into_iter().chain(asked).collect();
        let name = if built_in { typed.to_owned() } else { policy_name(Path::new(typed)) };
        Ok(Self { source, name, ceilings, built_in })
    }

    /// The ceilings' policies.
    pub fn ceilings(&self) -> Vec<Policy> {
        self.ceilings.iter().map(|ceiling| ceiling.policy().clone()).collect()
    }

    /// The policy itself is within the ceilings, or no run of it would be made.
    pub fn holds(&self, policy: &Policy) -> Result<(), Failure> {
        match self.ceilings.iter().find(|ceiling| !ceiling.beyond(policy).is_empty()) {
            None => Ok(()),
            Some(ceiling) => Err(Failure {
                hint: Some("remand policy check --ceiling FILE says which values are".into()),
                ..Failure::usage(format!("policy {} is beyond the ceiling {} already", plain(&self.name), plain(&ceiling.file)))
            }),
        }
    }

    /// What of the file's text stands on a disk already: nothing of one that extends a built-in policy.
    pub fn written<'t>(&self, text: &'t str) -> &'t str {
        if self.built_in { "" } else { text }
    }

    /// Writes a proposal: over the file that was learned from, or as a new file.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        let original = Original::open(path)?;
        match &original.text {
            Some(old) if old.as_slice() != &*self.source.text => Err(Failure {
                hint: Some("name the file that was learned from, or one that is not there yet".into()),
                ..Failure::usage(format!("{}: it is there, and is not the policy that was learned from", plain(&path.to_string_lossy())))
            }),
            _ => original.replace(text.as_bytes()),
        }
    }
}

/// The host's size. What cannot be asked counts as small.
pub fn host_size() -> HostSize {
    let memory = sysinfo().map_or(1 << 30, |info| info.ram_total());
    HostSize { memory, open_files: getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(_, hard)| hard.min(1 << 20)) }
}

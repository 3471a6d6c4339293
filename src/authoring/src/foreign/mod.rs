//! Policies of other tools: import of seccomp profiles and of OCI container configurations, export of a compiled filter, and profiles for containers around remand.
//!
//! Always holds: pure; an import allows nothing that its source denies, and lists everything that it could not take over; text of the source is hostile and
//! ends as an error or as quoted text. What is imported was loaded and compiled once before it is returned.

mod container;
mod disassemble;
mod fold;
mod grantable;
mod host;
mod json;
mod limits;
mod listing;
mod meaning;
mod mounts;
mod omissions;
mod profile;
mod seccomp;
mod test;
mod ways;
mod write;

use std::borrow::Cow;

use json::{Node, Read, named};
use omissions::Omissions;
use remand_policy::load;
use remand_policy::source::Source;
use remand_syscalls::{Arch, compile};
use write::Document;

pub use disassemble::{disassembly, raw};
pub use host::{APPARMOR, apparmor_profile, host_profile};
pub use json::{LARGEST, Malformed};
pub use listing::listing;
pub use omissions::{Effect, Omission};
pub use remand_syscalls::{Unexportable, profile as export_profile};

/// What a foreign file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A seccomp profile of Docker, Podman or the OCI runtime specification.
    Seccomp,
    /// An OCI runtime's `config.json`.
    Container,
}

/// A foreign policy taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What the source was taken for.
    pub kind: Kind,
    /// The policy file's text.
    pub policy: String,
    /// What could not be taken over, those first that matter most.
    pub omissions: Vec<Omission>,
}

/// Imports `text`, the content of the file that people know as `name`. Without `kind`, the content decides.
///
/// # Errors
/// The text is no JSON, neither kind, a value has the wrong type, or the result is more than a policy can hold.
pub fn import(text: &[u8], name: &str, kind: Option<Kind>) -> Result<Imported, Malformed> {
    json::with(text, |root| {
        let kind = kind.map_or_else(|| guess(&root), Ok)?;
        let mut omissions = Omissions::default();
        let mut document = Document { description: format!("Imported from {}", named(name)), ..Document::default() };
        match kind {
            Kind::Seccomp => seccomp::read(&root, true, name, &mut document, &mut omissions)?,
            Kind::Container => container::read(&root, name, &mut document, &mut omissions)?,
        }
        let mut omissions = omissions.0;
        omissions.sort_by_key(|entry| entry.effect);
        document.head.splice(0..0, head(name, kind, &omissions));
        let policy = document.text();
        verified(&policy).map_err(|message| root.wrong(message))?;
        Ok(Imported { kind, policy, omissions })
    })
}

fn guess(root: &Node<'_>) -> Read<Kind> {
    if root.has_any(&["defaultAction"]) {
        return Ok(Kind::Seccomp);
    }
    if root.has_any(&["ociVersion", "linux", "process"]) {
        return Ok(Kind::Container);
    }
    Err(root.wrong("neither a seccomp profile (which has defaultAction) nor an OCI config.json (which has ociVersion, process, linux)"))
}

fn head(name: &str, kind: Kind, omissions: &[Omission]) -> Vec<String> {
    let what = match kind {
        Kind::Seccomp => "a seccomp profile",
        Kind::Container => "a container's configuration",
    };
    let count = |effect| omissions.iter().filter(|entry| entry.effect == effect).count();
    vec![
        format!("Imported from {}, {what}. Each line names the place that it comes from.", named(name)),
        format!(
            "Not taken over: {} restrictions, {} permissions, {} answers to denied calls; `remand policy import` lists them.",
            count(Effect::Unheld),
            count(Effect::Refused),
            count(Effect::Answer)
        ),
    ]
}

/// The text as runs would load it: what this importer writes wrongly is never handed out.
fn verified(policy: &str) -> Result<(), String> {
    let source = Source { file: "the imported policy".into(), text: Cow::Owned(policy.as_bytes().to_vec()) };
    let loaded = load::parse(&load::Chain::shipped(&source), "imported")
        .map_err(|problems| problems.first().map_or_else(String::new, |problem| format!("can't be said in a policy: {problem}")))?;
    for arch in [Arch::X86_64, Arch::Aarch64] {
        compile(&loaded.syscalls.rules, arch).map_err(|error| format!("can't be said in a policy: {error}"))?;
    }
    Ok(())
}

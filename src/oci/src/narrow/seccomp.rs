//! `linux.seccomp`: the policy's filter, within the one that the container came with.

use remand_syscalls::{Asked as Profile, Unexportable, container_profile};
use serde_json::{Map, Value};

use super::asked::Asked;
use super::refused::Refusals;

pub(super) fn narrow(refusals: &mut Refusals, linux: &mut Map<String, Value>, asked: &Asked<'_>) {
    let policy = asked.policy;
    let made = container_profile(&Profile {
        rules: &policy.syscalls.rules,
        arch: asked.arch,
        theirs: linux.get("seccomp").filter(|profile| !profile.is_null()),
        listener: asked.listener.map(|path| (path, policy.name.as_str())),
    });
    match made {
        Ok(profile) => drop(linux.insert("seccomp".to_owned(), profile)),
        Err(Unexportable::Foreign(foreign)) => {
            refusals.add(format!("linux.seccomp.{}", foreign.place), foreign.fault, "what it denies must be known to be held");
        }
        Err(other) => refusals.add("linux.seccomp", format!("policy {}: {other}", policy.name), "name a policy for containers"),
    }
}

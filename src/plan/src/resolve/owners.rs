//! Who writes in a writable mount: a run with an id of its own does so as the owner of the source, where the mount can be made to show it that way.
//!
//! Always holds: a mount is shown with other ids only to be written, and only its source's owner and group become the run's; what belongs to anybody else is
//! seen as belonging to nobody, and cannot be written.

use super::ledger::Ledger;
use crate::files::{Entry, Files};
use crate::host::{Fact, HostFacts};
use crate::plan::{Bind, Root};
use crate::protection::Protection;

/// Finds the owner for each writable mount, and enters by what runs can write there.
pub(super) fn resolve(ledger: &mut Ledger, root: Root, host: &HostFacts, files: &dyn Files) -> Root {
    if !root.binds.iter().any(|bind| bind.writable) {
        return root;
    }
    if !own_ids(host) {
        ledger.by(Protection::WritableMounts, "the run has the caller's own id, and writes what the caller may");
        return root;
    }
    let mut lacks = Vec::new();
    let mut mapped = Vec::new();
    let owned = |bind: Bind| {
        let Some(Entry::There(source)) = files.look(&bind.source).filter(|_| bind.writable) else { return bind };
        match files.mappable(&bind.source) {
            Some(Fact::Available) => {
                mapped.push(format!("{} as {}:{}", bind.source, source.uid, source.gid));
                Bind { owner: Some((source.uid, source.gid)), seen: Some(source.id), ..bind }
            }
            Some(Fact::Missing { blocker, .. }) => {
                lacks.push(blocker);
                bind
            }
            None => bind,
        }
    };
    let binds = root.binds.into_iter().map(owned).collect();
    let by = format!("id-mapped mounts: the run writes in {}", mapped.join(", in "));
    match (mapped.is_empty(), lacks.is_empty()) {
        (true, true) => {}
        (false, true) => ledger.by(Protection::WritableMounts, by),
        (true, false) => ledger.substitute(
            Protection::WritableMounts,
            "the run has an id that owns nothing, and writes what everybody may",
            lacks.join("; "),
        ),
        (false, false) => {
            ledger.substitute(Protection::WritableMounts, format!("{by}; elsewhere what everybody may write"), lacks.join("; "))
        }
    }
    Root { binds, ..root }
}

/// Whether runs have host ids of their own, and not the caller's.
#[must_use]
pub fn own_ids(host: &HostFacts) -> bool {
    host.privileged && host.run_ids > 0
}

//! The shared libraries of a program, found as the dynamic loader of a run will find them, by reading.
//!
//! Always holds: nothing is executed, and no loader is asked. Every file named is an ELF file of this machine that a run may be shown (`Reach`), or a
//! configuration file of the loader; all work is bounded, whatever the files say.

mod cache;
#[cfg(test)]
mod ldd_tests;
mod load;
mod parse;
mod rules;
mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use load::Load;
use rules::Rules;

use super::reach::Reach;

pub(super) use parse::Object;

/// Names of every file that a program (a real path) and `also` (libraries by path, or by name to search for) load: its loader, the libraries, and the
/// loader's list of them if not all are found without it. None for a static program. What is in `also` and cannot be loaded is passed over, as it
/// will be in the run.
///
/// # Errors
/// The program cannot be loaded: it is damaged, or needs something that is not there or that a run may not be shown.
pub(super) fn libraries(program: &str, also: &[String], reach: &Reach<'_>) -> Result<BTreeSet<String>, String> {
    let object = reach.object(program).map_err(|reason| format!("cannot read {program}: {reason}"))?;
    let Some(loader) = object.loader.clone() else { return Ok(BTreeSet::new()) };
    let rules = Rules::of(&loader, reach);
    let mut load = Load::new(program, &loader, &rules, true, reach)?;
    if let Some(missing) = load.missing.first() {
        return Err(load.explain(missing));
    }
    load.add(also)?;
    if let Some((listing, _)) = &rules.listing {
        let mut without = Load::new(program, &loader, &rules, false, reach)?;
        without.add(also)?;
        if !load.reals.is_subset(&without.reals) {
            load.names.insert(listing.clone());
        }
        load.names.extend(without.names);
    }
    Ok(load.names)
}

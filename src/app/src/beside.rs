//! What a program missed and its caller has: a run is shown the script alone, and only its caller can be told what lies beside it.
//!
//! Always holds: the name is the run's claim. It is looked up only beneath the directories that the caller named, and only whether it is there.

use std::path::{Component, PathBuf};

use remand_plan::frames::{Missing, MissingKind};
use remand_plan::places::WORKSPACE;

use crate::print::plain;

/// What to say about it; nothing if the caller does not have it either.
pub fn account(missing: &Missing, places: &[(PathBuf, &str)]) -> String {
    let found = names(missing).into_iter().find_map(|name| {
        let (_, what) = places.iter().find(|(place, _)| place.join(&name).exists())?;
        Some((name, what))
    });
    let Some((name, what)) = found else { return String::new() };
    let todo = match missing.kind {
        MissingKind::Module => {
            "show that directory with filesystem.mounts of a policy of your own and add its target to sys.path, or put the code into the script"
        }
        MissingKind::File => {
            "hand it over on standard input, or show its directory with filesystem.mounts of a policy of your own and open it there"
        }
    };
    format!("remand: {} lies in {what}, and a run is shown the script alone\n  {todo}\n", plain(&name.display().to_string()))
}

/// The relative paths that the name may stand for.
fn names(missing: &Missing) -> Vec<PathBuf> {
    let names = match missing.kind {
        MissingKind::Module => {
            let name = missing.name.replace('.', "/");
            vec![format!("{name}.py"), name]
        }
        MissingKind::File => vec![missing.name.strip_prefix(&format!("{WORKSPACE}/")).unwrap_or(&missing.name).to_owned()],
    };
    let beneath = |path: &PathBuf| {
        !path.as_os_str().is_empty() && path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    };
    names.into_iter().map(PathBuf::from).filter(beneath).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_lies_beside_the_script_is_told_and_nothing_else() {
        let top = std::env::temp_dir().join(format!("remand-beside-{}", std::process::id()));
        std::fs::create_dir_all(top.join("pack")).unwrap();
        for name in ["helper.py", "pack/part.py", "data.csv"] {
            std::fs::write(top.join(name), "").unwrap();
        }
        let places = [(top.join("pack"), "the first"), (top.clone(), "the second")];
        let said = |kind, name: &str| account(&Missing { kind, name: name.into() }, &places);
        assert!(said(MissingKind::Module, "helper").starts_with("remand: helper.py lies in the second, "));
        assert!(said(MissingKind::Module, "part").starts_with("remand: part.py lies in the first, "));
        assert!(said(MissingKind::Module, "pack").starts_with("remand: pack lies in the second, "));
        assert!(said(MissingKind::Module, "pack.part").starts_with("remand: pack/part.py lies in the second, "));
        for name in ["data.csv", "./data.csv", "/workspace/data.csv"] {
            assert!(said(MissingKind::File, name).contains("data.csv lies in the second, "), "{name}");
        }
        let absolute = top.join("data.csv").display().to_string();
        let none =
            [(MissingKind::File, "none"), (MissingKind::File, &absolute), (MissingKind::File, "pack/../data.csv"), (MissingKind::File, "")];
        for (kind, name) in none {
            assert_eq!(said(kind, name), "", "{name}");
        }
        std::fs::remove_dir_all(&top).unwrap();
    }
}

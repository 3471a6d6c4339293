//! What code missed and its caller has: a run is shown what it is given alone, and only its caller can be told what lies beside it, and how to give it.
//!
//! Always holds: the name is the run's claim. It is looked up with the caller's rights, only beneath the directories that the caller named, and only whether it is there.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use remand_plan::frames::{ErrorFrame, Missing, MissingKind, PythonList};
use remand_plan::places::WORKSPACE;

use crate::print::plain;
use crate::rights;

/// The place where the command was called.
pub const HERE: &str = "the directory that remand was called in";

/// What to say about what an exception says is missing; nothing if the caller does not have it either.
pub fn account(error: &ErrorFrame, places: &[(PathBuf, &str)]) -> String {
    // A function is denied a module of its caller's by the list of those that it may import.
    let denied = error.denied.as_ref().filter(|denied| denied.list == PythonList::ExternalAllow);
    let denied = || denied.map(|denied| Missing { kind: MissingKind::Module, name: denied.name.clone() });
    let Some(missing) = error.missing.clone().or_else(denied) else { return String::new() };
    // As the caller would find it: root sees what lies behind links of theirs.
    let found = rights::as_caller(|| {
        Ok(names(&missing).into_iter().find_map(|name| {
            let (place, what) = places.iter().find(|(place, _)| place.join(&name).exists())?;
            Some((option(&name, &place.join(&name)), name, what))
        }))
    });
    let Ok(Some((given, name, what))) = found else { return String::new() };
    format!("remand: {} lies in {what}, and a run is shown only what it is given\n  give it: {given}\n", plain(&name.display().to_string()))
}

/// What to type so that the run finds a path of the caller's by this name.
fn option(name: &Path, path: &Path) -> String {
    let typed: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    let flag = if typed.is_dir() { "--dir" } else { "--file" };
    let (typed, name) = (typed.display().to_string(), name.display().to_string());
    let by_own_name = !name.contains('/') && !typed.contains('=');
    let value = if by_own_name { typed } else { format!("{name}={typed}") };
    format!("{flag} {}", plain(&quoted(&value)))
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "_-./=+,:@%".contains(c);
    if word.chars().all(plain) { Cow::Borrowed(word) } else { Cow::Owned(format!("'{}'", word.replace('\'', "'\\''"))) }
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
    let bare = |path: PathBuf| path.components().filter(|part| *part != Component::CurDir).collect::<PathBuf>();
    names.into_iter().map(PathBuf::from).filter(beneath).map(bare).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use remand_plan::frames::Denied;

    #[test]
    fn what_lies_beside_the_script_is_told_with_what_to_type() {
        let top = std::env::temp_dir().join(format!("remand-beside-{}", std::process::id()));
        std::fs::create_dir_all(top.join("pack/in it")).unwrap();
        for name in ["helper.py", "pack/part.py", "data.csv", "it's.csv", "a=b"] {
            std::fs::write(top.join(name), "").unwrap();
        }
        let places = [(top.join("pack"), "the first"), (top.join("."), "the second")];
        let told = |error: ErrorFrame| account(&error, &places).replace(&top.display().to_string(), "TOP");
        let said = |kind, name: &str| told(ErrorFrame { missing: Some(Missing { kind, name: name.into() }), ..ErrorFrame::default() });
        let (module, file) = (MissingKind::Module, MissingKind::File);
        for (kind, name, lies, typed) in [
            (module, "helper", "helper.py lies in the second, ", "--file TOP/helper.py"),
            (module, "part", "part.py lies in the first, ", "--file TOP/pack/part.py"),
            (module, "pack", "pack lies in the second, ", "--dir TOP/pack"),
            (module, "pack.part", "pack/part.py lies in the second, ", "--file pack/part.py=TOP/pack/part.py"),
            (file, "data.csv", "data.csv lies in the second, ", "--file TOP/data.csv"),
            (file, "./data.csv", "data.csv lies in the second, ", "--file TOP/data.csv"),
            (file, "/workspace/data.csv", "data.csv lies in the second, ", "--file TOP/data.csv"),
            (file, "pack/in it", "pack/in it lies in the second, ", "--dir 'pack/in it=TOP/pack/in it'"),
            (file, "it's.csv", "it's.csv lies in the second, ", "--file 'TOP/it'\\''s.csv'"),
            (file, "a=b", "a=b lies in the second, ", "--file a=b=TOP/a=b"),
        ] {
            let said = said(kind, name);
            assert!(said.contains(lies) && said.ends_with(&format!("give it: {typed}\n")), "{said}");
        }
        let absolute = top.join("data.csv").display().to_string();
        for (kind, name) in [(file, "none"), (file, &absolute), (file, "pack/../data.csv"), (file, "")] {
            assert_eq!(said(kind, name), "", "{name}");
        }
        let denied = |list| told(ErrorFrame { denied: Some(Denied { list, name: "helper".into() }), ..ErrorFrame::default() });
        assert!(denied(PythonList::ExternalAllow).contains("--file") && denied(PythonList::StdlibAllow).is_empty());
        std::fs::remove_dir_all(&top).unwrap();
    }
}

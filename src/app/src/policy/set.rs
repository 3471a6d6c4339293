//! `remand policy set`, `allow`, `deny`: edits of a policy file in place.
//!
//! Always holds: all or nothing: what is written is a policy, within the ceiling of this machine.

use std::path::{Path, PathBuf};

use remand_authoring::edit;
use remand_engine::store::{Read, Store, policy_name};
use remand_policy::Policy;
use remand_policy::load::Loaded;
use serde_json::{Value, json};

use super::edit::template;
use super::grant;
use super::ground::Owned;
use super::judge::{self, Judge, Wrong};
use super::replace::Original;
use crate::args::{AllowArgs, DenyArgs, PlaceArgs, SetArgs};
use crate::failure::Failure;
use crate::print::{self, plain};

/// Sets the fields that are named, all or none. Gives 0.
pub fn set(args: &SetArgs) -> Result<u8, Failure> {
    change(&args.policy, args.place, |draft| args.settings.iter().try_for_each(|setting| draft.set(setting)))
}

/// Grants system calls and mounts, all or none, and says what they still lack. Gives 0.
pub fn allow(args: &AllowArgs) -> Result<u8, Failure> {
    if (args.writable || args.exec) && !args.grants.iter().any(|grant| grant.starts_with('/')) {
        return Err(Failure::usage("--writable and --exec are about mounts, and none is named".to_owned()));
    }
    let mut lacking = String::new();
    let status = change(&args.policy, args.place, |draft| {
        args.grants.iter().try_for_each(|typed| grant::allow(draft, typed, args))?;
        lacking = grant::needs(draft, args)?;
        Ok(())
    })?;
    print::stderr(&lacking);
    Ok(status)
}

/// Takes grants back, all or none. Gives 0.
pub fn deny(args: &DenyArgs) -> Result<u8, Failure> {
    change(&args.policy, args.place, |draft| args.grants.iter().try_for_each(|typed| grant::deny(draft, typed)))
}

/// A text while it is edited.
pub struct Draft<'j> {
    judge: Judge<'j>,
    path: &'j Path,
    /// As it is by now.
    pub text: String,
}

fn change(typed: &str, place: PlaceArgs, edit: impl FnOnce(&mut Draft<'_>) -> Result<(), Failure>) -> Result<u8, Failure> {
    let path: PathBuf = Store::system().file_to_write(typed)?;
    let original = Original::open(&path)?;
    let is_new = original.text.is_none() && place.create;
    let start = if is_new {
        template(&policy_name(&path)).into_bytes()
    } else {
        original.present(&path, "--create makes it from the default policy, and `remand policy edit` does")?.to_vec()
    };
    let bytes = if is_new { &[] } else { start.as_slice() };
    let mut draft = Draft::new(&path, &start)?;
    let before = draft.judge.judge(&start).ok();
    edit(&mut draft)?;
    if draft.text.as_bytes() == bytes {
        print::stdout(&format!("{}: nothing to change\n", plain(typed)))?;
        return Ok(0);
    }
    original.fits(draft.text.as_bytes())?;
    let (after, warnings) = draft.judged()?;
    if place.dry_run {
        print::content(judge::unified(&path, bytes, draft.text.as_bytes()).as_bytes())?;
        return Ok(0);
    }
    original.replace(draft.text.as_bytes())?;
    let here = super::host::news(before.as_ref().map(|(before, _)| before), &after, &[draft.judge.source(draft.text.as_bytes())]);
    let told = match before {
        Some((before, _)) => judge::change(&before.policy, &after.policy),
        None => "it was no policy before, and is one now\n".to_owned(),
    };
    print::stderr(&warnings);
    print::stderr(&here);
    let new = if is_new { ", a new policy, beside the default one" } else { "" };
    print::stdout(&format!("{}{new}:\n{told}", plain(typed)))?;
    Ok(0)
}

impl<'j> Draft<'j> {
    fn new(path: &'j Path, bytes: &[u8]) -> Result<Self, Failure> {
        let judge = Judge::new(path)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { judge, path, text: text.to_owned() }),
            Err(_) => Err(refused(path, judge.judge(bytes).err())),
        }
    }

    /// The policy that the text is by now.
    pub fn policy(&self) -> Result<Policy, Failure> {
        self.judged().map(|(loaded, _)| loaded.policy)
    }

    /// The same with where its values were written, and its warnings as people read them.
    fn judged(&self) -> Result<(Loaded, String), Failure> {
        self.judge.judge(self.text.as_bytes()).map_err(|wrong| refused(self.path, Some(wrong)))
    }

    /// What questions about it are answered from.
    pub fn owned(&self) -> Result<Owned, Failure> {
        let Read { loaded, sources } = Store::system().read(&policy_name(self.path), &self.judge.source(self.text.as_bytes()), true);
        match loaded {
            Ok(loaded) => Owned::of(sources, loaded),
            Err(_) => Err(refused(self.path, self.judge.judge(self.text.as_bytes()).err())),
        }
    }

    /// Takes a step, or says where the text stands in the way.
    pub fn step(&mut self, edited: Result<String, edit::EditError>) -> Result<(), Failure> {
        match edited {
            Ok(text) => self.text = text,
            Err(problem) => {
                let told = self.judge.underlined(self.text.as_bytes(), *problem);
                return Err(refused(self.path, Some(Wrong { told, line: None })));
            }
        }
        Ok(())
    }

    fn set(&mut self, setting: &str) -> Result<(), Failure> {
        let wrong = |why: String| Failure::usage(format!("{}: {why}", plain(setting)));
        let (field, typed) = setting.split_once('=').ok_or_else(|| wrong("write FIELD=VALUE, such as limits.memory=64MiB".into()))?;
        let mut tree = json!({});
        remand_policy::overrides::set(&mut tree, field, typed).map_err(|problem| wrong(plain(&problem.message).into_owned()))?;
        // In a file, null takes a variable of the base out.
        if field.starts_with("environment.") && typed == "null" {
            return self.step(edit::set(&self.text, field, &Value::Null));
        }
        let value = field.split('.').try_fold(&tree, |tree, key| tree.get(key)).unwrap_or(&Value::Null);
        self.step(edit::set(&self.text, field, value))
    }
}

fn refused(path: &Path, wrong: Option<Wrong>) -> Failure {
    let told = wrong.map(|wrong| wrong.told).unwrap_or_default();
    Failure {
        hint: Some("nothing was written".to_owned()),
        ..Failure::usage(format!("policy {} would have these problems:\n{}", plain(&path.to_string_lossy()), told.trim_end()))
    }
}

//! `remand policy set`, `allow`, `deny`: edits of a policy file in place.
//!
//! Always holds: all or nothing: what is written is a policy, within the ceiling of this machine.

use std::path::PathBuf;

use remand_authoring::edit;
use remand_engine::store::{Store, policy_name};
use serde_json::{Value, json};

use super::change;
use super::draft::Draft;
use super::edit::template;
use super::grant;
use super::replace::Original;
use crate::args::{AllowArgs, DenyArgs, PlaceArgs, SetArgs};
use crate::failure::Failure;
use crate::print::{self, plain};

/// Sets the fields that are named, all or none. Gives 0.
pub fn set(args: &SetArgs) -> Result<u8, Failure> {
    change(&args.policy, args.place, |draft| args.settings.iter().try_for_each(|setting| assign(draft, setting)))
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

fn change(typed: &str, place: PlaceArgs, edit: impl FnOnce(&mut Draft<'_>) -> Result<(), Failure>) -> Result<u8, Failure> {
    let path: PathBuf = Store::system().file_to_write(typed)?;
    let original = if place.create && !place.dry_run { Original::open_or_new(&path)? } else { Original::open(&path)? };
    let is_new = original.text.is_none() && place.create;
    let start = if is_new {
        template(&policy_name(&path)).into_bytes()
    } else {
        original.present(&path, "--create makes it from the default policy, and `remand policy edit` does")?.to_vec()
    };
    let bytes = if is_new { &[] } else { start.as_slice() };
    let mut draft = Draft::new(&path, &start)?;
    let before = draft.validator.validate(&start).ok();
    edit(&mut draft)?;
    if draft.text.as_bytes() == bytes {
        print::stdout(&format!("{}: nothing to change\n", plain(typed)))?;
        return Ok(0);
    }
    original.fits(draft.text.as_bytes())?;
    let (after, warnings) = draft.validated()?;
    if place.dry_run {
        print::content(change::unified(&path, bytes, draft.text.as_bytes()).as_bytes())?;
        return Ok(0);
    }
    original.replace(draft.text.as_bytes())?;
    let here = super::host::news(before.as_ref().map(|(before, _)| before), &after, &[draft.validator.source(draft.text.as_bytes())]);
    let told = match before {
        Some((before, _)) => change::summary(&before.policy, &after.policy),
        None => "it was no policy before, and is one now\n".to_owned(),
    };
    print::stderr(&warnings);
    print::stderr(&here);
    let new = if is_new { ", a new policy, beside the default one" } else { "" };
    print::stdout(&format!("{}{new}:\n{told}", plain(typed)))?;
    Ok(0)
}

/// Sets one field, as it was typed: `FIELD=VALUE`.
fn assign(draft: &mut Draft<'_>, setting: &str) -> Result<(), Failure> {
    let wrong = |why: String| Failure::usage(format!("{}: {why}", plain(setting)));
    let (field, typed) = setting.split_once('=').ok_or_else(|| wrong("write FIELD=VALUE, such as limits.memory=64MiB".into()))?;
    let mut tree = json!({});
    remand_policy::overrides::set(&mut tree, field, typed).map_err(|problem| wrong(plain(&problem.message).into_owned()))?;
    // In a file, null takes a variable of the base out.
    if field.starts_with("environment.") && typed == "null" {
        return draft.step(edit::set(&draft.text, field, &Value::Null));
    }
    let value = field.split('.').try_fold(&tree, |tree, key| tree.get(key)).unwrap_or(&Value::Null);
    draft.step(edit::set(&draft.text, field, value))
}

//! The mount that would show something of the host to runs.
//!
//! Always holds: its source has no symbolic link in it and is a directory or a regular file; its target is where the path leads in the run; nothing is shown
//! that learning never proposes.

use remand_plan::files::{Kind, real};
use remand_policy::places::{beneath, own};
use remand_policy::policy::{Device, Word};
use remand_policy::question::Use;
use serde_json::json;

use super::asked::Asked;
use super::edit::Edit;
use crate::learn::guarded;

/// What makes the place that was asked about appear.
pub(super) fn cure(asked: &Asked<'_, '_>) -> Result<Vec<Edit>, String> {
    let path = asked.path.as_str();
    let filesystem = &asked.compiled.policy.filesystem;
    let device = path.strip_prefix("/dev/").and_then(|name| Device::WORDS.iter().find(|(word, _)| *word == name));
    if beneath(path, "/proc") && !filesystem.proc {
        Ok(vec![Edit::set("filesystem.proc", json!(true))])
    } else if let Some((word, _)) = device {
        Ok(vec![Edit::Add("filesystem.devices", json!(word))])
    } else if asked.view.plan.root.hidden.iter().any(|hidden| beneath(path, hidden)) {
        Err("it is hidden with site packages; python.external_allow shows those".to_owned())
    } else {
        let edit = show(asked, path, asked.using)?;
        let Edit::Add(_, mount) = &edit else { return Ok(vec![edit]) };
        let (source, target) = (mount["source"].as_str().unwrap_or(path), mount["target"].as_str());
        // The kernel knows a mounted program by the place where it is mounted.
        if asked.using == Use::Exec && target.is_some() && asked.view.files.by_place(source) {
            return Err(format!("it looks for its libraries beside itself, and starts only where it is: ask for {source}"));
        }
        Ok(vec![edit])
    }
}

/// The mount that shows what the host has at a path.
pub(super) fn show(asked: &Asked<'_, '_>, path: &str, using: Use) -> Result<Edit, String> {
    let target = asked.view.walk(path).path;
    if target.split('/').any(|part| part == "..") {
        return Err("the path goes through a directory that is not there: write it without \"..\"".to_owned());
    }
    if own(&target).is_some() {
        return Err("each run has its own file system there".to_owned());
    }
    let seen = asked.view.files.look("/").is_some();
    let source = match real(asked.view.files, &target) {
        Some((_, inode)) if !matches!(inode.kind, Kind::Directory | Kind::Regular) => {
            return Err(format!("it is {}, which no mount shows", inode.kind.name()));
        }
        Some((source, _)) => source,
        None if seen => return Err("there is nothing of that name on the host either, or it cannot be looked at".to_owned()),
        None => target.clone(),
    };
    if let Some(why) = [path, &target, &source].iter().find_map(|path| guarded(path)) {
        return Err(why);
    }
    let mut mount = json!({ "source": source });
    if target != source {
        mount["target"] = json!(target);
    }
    match using {
        Use::Read => {}
        Use::Write => {
            mount["writable"] = json!(true);
            mount["reason"] = json!("why runs need it");
        }
        Use::Exec => mount["exec"] = json!(true),
    }
    Ok(Edit::Add("filesystem.mounts", mount))
}

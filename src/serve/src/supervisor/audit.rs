//! The audit record: for each run a line when it begins and one when it is over, in a file that only grows.
//!
//! Always holds: a line is whole or not there; nothing of a run's code or data is in it, but the hash of the code; where it is required, nothing begins that is not
//! written there. A file system that does not answer holds the daemon up: it is the administrator's to choose.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use remand_engine::trust::open_to_replace;
use remand_plan::Outcome;
use remand_plan::outcome::PolicyRef;
use remand_policy::policy::Enforce;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::record::Record;
use crate::config::Audit as Configured;

/// The file of the configuration, if one is named.
#[derive(Default)]
pub struct Audit {
    to: Option<(Configured, Result<File, String>)>,
}

/// Of the administrator's, who alone may write it.
fn opened(path: &Path) -> Result<File, String> {
    let (directory, name, _) = open_to_replace(path).map_err(|distrust| distrust.of(path))?;
    let flags = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = File::from(openat(&directory, &name, flags, Mode::S_IRUSR | Mode::S_IWUSR).map_err(|errno| errno.desc().to_owned())?);
    let regular = file.metadata().is_ok_and(|found| found.is_file());
    regular.then_some(file).ok_or_else(|| "it is no regular file".to_owned())
}

/// What stands in the file's way of being whole is taken away again.
fn append(file: &mut File, line: &[u8]) -> io::Result<()> {
    let before = file.metadata()?.len();
    file.write_all(line).inspect_err(|_| drop(file.set_len(before)))
}

impl Audit {
    /// Opens the file, also in the place of the one that was written so far: that is how it is rotated.
    pub fn open(configured: Option<&Configured>) -> Self {
        Self { to: configured.map(|configured| (configured.clone(), opened(&configured.file))) }
    }

    /// Why nothing is written, and may not begin therefore; for people.
    pub fn trouble(&self) -> Option<(&PathBuf, &str)> {
        let (configured, opened) = self.to.as_ref()?;
        opened.as_ref().err().map(|why| (&configured.file, why.as_str()))
    }

    /// Whether what cannot be written may not begin.
    pub fn is_required(&self) -> bool {
        self.to.as_ref().is_some_and(|(configured, _)| configured.enforce == Enforce::Required)
    }

    /// A run begins. An error says why that is not written.
    pub fn begins(&mut self, run: &str, record: &Record, code: &[u8]) -> Result<(), String> {
        let PolicyRef { name, hash } = &record.policy;
        self.write(record.client.told(json!({
            "event": "begin", "run": run, "tenant": record.tenant, "for": record.label,
            "policy": name, "policy_hash": hash, "code_sha256": data_encoding::HEXLOWER.encode(&Sha256::digest(code)),
        })))
    }

    /// A run is over. An error says why that is not written.
    pub fn over(&mut self, run: &str, record: &Record, outcome: &Outcome) -> Result<(), String> {
        self.write(record.client.told(json!({ "event": "end", "run": run, "verdict": outcome.verdict, "usage": outcome.usage })))
    }

    fn write(&mut self, mut record: Value) -> Result<(), String> {
        let Some((configured, file)) = &mut self.to else { return Ok(()) };
        if file.is_err() {
            *file = opened(&configured.file); // it may be there by now
        }
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        record["unix_ms"] = json!(u64::try_from(time).unwrap_or(0));
        let line = format!("{record}\n");
        let written =
            file.as_mut().map_err(|why| why.clone()).and_then(|file| append(file, line.as_bytes()).map_err(|error| error.to_string()));
        written.map_err(|why| format!("the audit file {} cannot be written: {why}", configured.file.display()))
    }
}

//! The ledger of protections: what each rests on, and what is refused where a required one cannot be had.
//!
//! Always holds: every protection is entered once, by the real thing, a substitute or a lack with its reason; nothing is left out because it failed.

use std::collections::BTreeMap;

use remand_policy::policy::Enforce;

use crate::enforcement::Enforcement;
use crate::host::Fact;
use crate::plan::Refused;
use crate::protection::Protection;

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    refused: Vec<Refused>,
    enforcement: BTreeMap<Protection, Enforcement>,
}

impl Ledger {
    pub(super) fn enter(&mut self, protection: Protection, how: Enforcement) {
        self.enforcement.insert(protection, how);
    }

    pub(super) fn by(&mut self, protection: Protection, what: impl Into<String>) {
        self.enter(protection, Enforcement::By(what.into()));
    }

    pub(super) fn substitute(&mut self, protection: Protection, by: impl Into<String>, because: impl Into<String>) {
        self.enforcement.insert(protection, Enforcement::Substitute { by: by.into(), because: because.into() });
    }

    pub(super) fn absent(&mut self, protection: Protection, because: impl Into<String>) {
        self.enforcement.insert(protection, Enforcement::Absent(because.into()));
    }

    pub(super) fn refuse(&mut self, protection: Protection, blocker: impl Into<String>, remedy: impl Into<String>) {
        self.refused.push(Refused { protection, blocker: blocker.into(), remedy: remedy.into() });
    }

    /// A protection that a host fact decides. Returns the blocker where it is missing and optional: the caller may know a substitute.
    pub(super) fn need<'f>(&mut self, protection: Protection, fact: &'f Fact, enforce: Enforce, by: &str) -> Option<&'f str> {
        match fact {
            Fact::Available => self.by(protection, by),
            Fact::Missing { blocker, remedy } if enforce == Enforce::Required => self.refuse(protection, blocker, remedy),
            Fact::Missing { blocker, .. } => {
                self.absent(protection, blocker);
                return Some(blocker);
            }
        }
        None
    }

    /// What stands in for a protection that turned out missing; nothing if it is there, or refused.
    pub(super) fn instead(&mut self, protection: Protection, missing: Option<&str>, by: &str) {
        if let Some(because) = missing {
            self.substitute(protection, by, because);
        }
    }

    pub(super) fn finish(self) -> Result<BTreeMap<Protection, Enforcement>, Vec<Refused>> {
        if self.refused.is_empty() { Ok(self.enforcement) } else { Err(self.refused) }
    }
}

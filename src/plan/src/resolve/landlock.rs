//! Landlock, the second layer: every right that the kernel's ABI knows is handled, and granted only beneath what the root shows.
//!
//! Always holds: no right is handled that the ABI does not know (the kernel would refuse all of them); nothing is granted that a mount denies.

use std::collections::BTreeMap;

use remand_policy::places::WRITABLE;
use remand_policy::policy::{Enforce, NetworkMode, Policy};

use super::ledger::Ledger;
use crate::host::{Fact, HostFacts};
use crate::landlock::fs;
use crate::plan::{LandlockPlan, Root};
use crate::protection::Protection;

const READ: u64 = fs::READ_FILE | fs::READ_DIR;
const WRITE: u64 = fs::WRITE_FILE | fs::REMOVE | fs::MAKE | fs::REFER | fs::TRUNCATE;
/// ABI that restricts TCP; Linux 6.7.
const TCP: u32 = 4;
/// ABI that restricts abstract sockets and signals; Linux 6.12.
pub(super) const SCOPES: u32 = 6;
/// ABI that restricts connecting to sockets by path; Linux 7.1.
pub(super) const SOCKET_FILES: u32 = 9;
/// ABI that restricts UDP; Linux 7.2.
const UDP: u32 = 10;
/// What can be handled here; rules come when the root is known.
pub(super) fn resolve(ledger: &mut Ledger, policy: &Policy, host: &HostFacts) -> Option<LandlockPlan> {
    let abi = host.landlock_abi;
    let old = Fact::Missing {
        blocker: format!("the kernel's Landlock ABI is {abi}, the policy asks for {}", policy.landlock.minimum_abi),
        remedy: "Use a newer kernel, or lower landlock.minimum_abi.".into(),
    };
    let fact = match (abi, &host.landlock) {
        (0, Fact::Missing { .. }) => &host.landlock,
        (0, Fact::Available) => &old,
        // Where it is optional, an older one does what it can.
        _ if abi < policy.landlock.minimum_abi && policy.landlock.enforce == Enforce::Required => &old,
        _ => &Fact::Available,
    };
    ledger.need(Protection::LandlockFiles, fact, policy.landlock.enforce, &format!("Landlock ABI {abi}"));
    if abi == 0 {
        for protection in [Protection::LandlockTcp, Protection::LandlockScopes] {
            ledger.absent(protection, "no Landlock");
        }
        return None;
    }
    network(ledger, policy, abi);
    if abi >= SCOPES {
        ledger.by(Protection::LandlockScopes, "abstract sockets and signals")
    } else {
        ledger.absent(Protection::LandlockScopes, older(abi, SCOPES))
    }
    Some(LandlockPlan {
        abi,
        handled_fs: handled_fs(abi),
        handled_net: handled_net(policy, abi),
        scoped: if abi >= SCOPES { 0b11 } else { 0 },
        rules: Vec::new(),
    })
}

fn network(ledger: &mut Ledger, policy: &Policy, abi: u32) {
    match policy.network.mode {
        NetworkMode::None if abi >= UDP => ledger.by(Protection::LandlockTcp, "TCP and UDP: no bind, no connect"),
        NetworkMode::None if abi >= TCP => ledger.by(Protection::LandlockTcp, "TCP: no bind, no connect"),
        NetworkMode::None => ledger.absent(Protection::LandlockTcp, older(abi, TCP)),
        NetworkMode::Loopback => ledger.absent(Protection::LandlockTcp, "network.mode is loopback"),
        NetworkMode::Host => ledger.absent(Protection::LandlockTcp, "network.mode is host"),
    }
}

fn older(abi: u32, needed: u32) -> String {
    format!("the kernel's Landlock ABI is {abi}, {needed} would do it")
}

fn handled_fs(abi: u32) -> u64 {
    let count = fs::COUNTS.iter().find(|(since, _)| abi >= *since).map_or(0, |(_, count)| *count);
    (1 << count) - 1
}

fn handled_net(policy: &Policy, abi: u32) -> u64 {
    match policy.network.mode {
        NetworkMode::None if abi >= UDP => 0b1111,
        NetworkMode::None if abi >= TCP => 0b11,
        _ => 0,
    }
}

/// One grant for each top directory in which everything has the same rights: it holds nothing else, and each grant costs a run four system calls.
fn grouped(places: impl Iterator<Item = (String, u64)>) -> Vec<(String, u64)> {
    let mut tops: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    for (path, rights) in places {
        let top = path.split('/').nth(1).map_or_else(|| path.clone(), |top| format!("/{top}"));
        tops.entry(top).or_default().push((path, rights));
    }
    let merged = tops.into_iter().flat_map(|(top, places)| match places.first() {
        Some(&(_, rights)) if places.iter().all(|(_, other)| *other == rights) => vec![(top, rights)],
        _ => places,
    });
    merged.collect()
}

/// Grants beneath what the root shows: the run's own places, then each bind as it is mounted.
pub(super) fn rules(plan: LandlockPlan, policy: &Policy, root: &Root, proc: bool) -> LandlockPlan {
    let execute = |exec| if exec { fs::EXECUTE } else { 0 };
    let own = READ | WRITE | fs::RESOLVE_UNIX | execute(policy.filesystem.tmp.exec);
    let mut rules = vec![("/".to_owned(), fs::READ_DIR)];
    rules.extend(WRITABLE.map(|place| (place.to_owned(), own)));
    if proc {
        rules.push(("/proc".into(), READ));
    }
    let files = root.files.iter().map(|(path, _)| (path.clone(), fs::READ_FILE));
    // A shared mapping of /dev/zero takes one that was opened for writing, and is memory that no call tells of. What is written there goes nowhere.
    let write = |device: &str| if device == "/dev/zero" { 0 } else { fs::WRITE_FILE };
    let devices = root.devices.iter().map(|device| ((*device).to_owned(), fs::READ_FILE | write(device)));
    let bind = |bind: &crate::plan::Bind| (bind.target.clone(), READ | execute(bind.exec) | if bind.writable { WRITE } else { 0 });
    rules.extend(grouped(files.chain(devices).chain(root.binds.iter().map(bind))));
    for (_, rights) in &mut rules {
        *rights &= plan.handled_fs;
    }
    LandlockPlan { rules, ..plan }
}

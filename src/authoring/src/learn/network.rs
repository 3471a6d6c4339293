//! A run that looked for the network, which its policy leaves it without.
//!
//! Always holds: a network is named and never proposed, not even where dangerous grants are tried: whom a job may talk to is for a person to say.

use remand_policy::policy::NetworkMode;
use serde_json::json;

use super::{Change, Line, Run, Standing};

/// `AF_INET` and `AF_INET6`.
const FAMILIES: [u64; 2] = [2, 10];
/// What Python says where there is no way out: `EADDRNOTAVAIL`, `ENETUNREACH`.
const NO_WAY: [&str; 2] = ["[Errno 99] ", "[Errno 101] "];

pub(super) fn asked(run: &Run<'_>) -> Option<Line> {
    if run.policy.network.mode != NetworkMode::None {
        return None;
    }
    let family = |args: &[u64; 6]| args.first().is_some_and(|family| FAMILIES.contains(&(family & u64::from(u32::MAX))));
    let denied = run.outcome.violations.iter().find(|denied| denied.syscall == "socket" && family(&denied.args));
    let failed = || {
        let told = |error: &&remand_plan::frames::ErrorFrame| {
            error.kind == "gaierror" || (error.kind == "OSError" && NO_WAY.iter().any(|no| error.message.starts_with(no)))
        };
        run.outcome.exception().filter(told).map(|error| format!("it raised {}: {:.200}", error.kind, error.message))
    };
    let because = denied.map(|_| "a socket of the internet was denied".to_owned()).or_else(failed)?;
    let by_hand = "the network is granted by hand: write \"network\": {\"mode\": \"host\", \"reason\": \"...\"} (\"loopback\" if the run talks to itself alone) \
                   beside the grant of the sockets";
    Some(Line {
        change: Change::Set { field: "network.mode", value: json!("host"), was: json!("none") },
        standing: Standing::Refused { because: by_hand.to_owned() },
        risk: "dangerous: the run reaches every address that the host reaches, services on its loopback included".to_owned(),
        needs: vec![run.need(because)],
    })
}

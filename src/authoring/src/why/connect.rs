//! Connections: the calls that make one, Landlock, and the network namespace, in the order in which they refuse.
//!
//! Always holds: an address is only looked at for whether it is the loopback's; whether something answers there, nobody asks.

use std::net::SocketAddr;

use remand_plan::plan::Plan;
use remand_policy::policy::NetworkMode;
use remand_policy::question::{Call, Which};
use serde_json::json;

use super::call;
use super::compiled::Compiled;
use super::edit::Edit;
use super::finding::{Finding, Line, Ruling};

/// `LANDLOCK_ACCESS_NET_CONNECT_TCP`.
const CONNECT_TCP: u64 = 1 << 1;

/// Whether a run can connect there by TCP.
pub(super) fn find(address: SocketAddr, compiled: &Compiled<'_>, plan: &Plan) -> Finding {
    // AF_INET, AF_INET6; SOCK_STREAM, as C libraries and Python ask for it.
    let family = if address.is_ipv4() { 2 } else { 10 };
    let calls = [("socket", [Some(family), Some(1), Some(0), None, None, None]), ("connect", [None; 6])];
    for (name, args) in calls {
        let found = call::find(&Call { which: Which::Name(name), args }, compiled);
        if found.ruling != Ruling::Allowed {
            return Finding { because: format!("{name}: {}", found.because), ..found };
        }
    }
    let local = address.ip().is_loopback();
    let line = Line::field(compiled, "network.mode");
    let wider = if local { "loopback" } else { "host" };
    let cure = Ok(vec![Edit::set("network.mode", json!(wider)), Edit::set("network.reason", json!("why runs need it"))]);
    if plan.landlock.as_ref().is_some_and(|landlock| landlock.handled_net & CONNECT_TCP != 0) {
        let because = "Landlock refuses every TCP connection where network.mode is none".to_owned();
        return Finding { ruling: Ruling::Denied("EACCES"), because, line, cure };
    }
    let (ruling, because) = match plan.network {
        NetworkMode::None => (Ruling::Unreachable, "the run's network namespace is empty, its loopback down"),
        NetworkMode::Loopback if !local => (Ruling::Unreachable, "the run's network namespace has nothing but its own loopback"),
        NetworkMode::Loopback => (Ruling::Allowed, "the run's own loopback, where only the tenant's runs listen"),
        NetworkMode::Host => (Ruling::Allowed, "the host's network namespace; routes and firewalls of the host decide further"),
    };
    let cure = if ruling == Ruling::Allowed { Ok(vec![Edit::set("network.mode", json!("none"))]) } else { cure };
    Finding { ruling, because: because.to_owned(), line, cure }
}

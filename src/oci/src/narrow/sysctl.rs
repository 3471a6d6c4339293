//! `linux.sysctl`: what is a namespace's own.

use serde_json::{Map, Value};

use super::refused::{Refusals, join};

pub(super) fn check(refusals: &mut Refusals, linux: &mut Map<String, Value>) {
    let Some(all) = linux.get("sysctl").filter(|value| !value.is_null()) else { return };
    let Some(all) = all.as_object() else { return refusals.add("linux.sysctl", "no object", "an object stands here") };
    let namespaces = linux.get("namespaces").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let own = |kind: &str| namespaces.iter().any(|namespace| namespace["type"] == kind && namespace.get("path").is_none());
    for name in all.keys() {
        // A slash means the same to the kernel as a dot.
        let dotted = name.replace('/', ".");
        let ipc = ["kernel.msg", "kernel.shm", "fs.mqueue."].iter().any(|start| dotted.starts_with(start)) || dotted == "kernel.sem";
        let kept = !dotted.contains("..")
            && ((dotted.starts_with("net.") && own("network")) || (ipc && own("ipc")) || (dotted == "kernel.domainname" && own("uts")));
        if !kept {
            refusals.add(
                join("linux.sysctl", name),
                "not of a namespace that is the container's own",
                "net. of an own network, System V and POSIX queues of an own ipc",
            );
        }
    }
}

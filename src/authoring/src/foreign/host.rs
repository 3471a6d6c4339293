//! Profiles for a container that remand is to run in: what its engine gives every container, and the calls and mounts of a start besides.
//!
//! Always holds: a base loses nothing that it allows; what is added is named. The calls that are added make user namespaces reachable to whatever runs in the
//! container, as they are to every ordinary user outside of one.

use remand_syscalls::NEEDED_OF_HOST;
use serde_json::{Value, json};

use super::json::{LARGEST, Malformed};

/// Gives a run's UTS namespace its name; a start does without.
const WANTED: &str = "sethostname";

/// A seccomp profile in the form of `base` (Docker's, podman's or the OCI runtime specification's) that lets starts through, and the calls that it allows more.
///
/// # Errors
/// The base is no seccomp profile.
pub fn host_profile(base: &[u8]) -> Result<(String, Vec<&'static str>), Malformed> {
    let wrong = |place: &str, message: &str| Malformed { place: place.into(), message: message.into() };
    if base.len() > LARGEST {
        return Err(wrong("$", "the profile is too large"));
    }
    let mut profile: Value = serde_json::from_slice(base)
        .map_err(|error| wrong(&format!("{}:{}", error.line(), error.column()), "it is no JSON, or nested too deeply"))?;
    let Some(default) = profile.get("defaultAction").and_then(Value::as_str).map(str::to_owned) else {
        return Err(wrong("$", "defaultAction is missing, so this is no seccomp profile"));
    };
    let no_rules = json!([]);
    let Some(rules) = profile.get("syscalls").unwrap_or(&no_rules).as_array().cloned() else {
        return Err(wrong("$.syscalls", "is no list"));
    };
    let added: Vec<_> = NEEDED_OF_HOST.into_iter().chain([WANTED]).filter(|call| !allowed(call, &default, &rules)).collect();
    let mut rules: Vec<Value> = rules.into_iter().filter_map(|rule| without(rule, &added)).collect();
    if !added.is_empty() {
        rules.push(json!({ "names": added, "action": ALLOW, "comment": "what remand needs to start runs" }));
        profile["syscalls"] = rules.into();
    }
    let text = serde_json::to_string_pretty(&profile).map_err(|error| wrong("$", &error.to_string()))?;
    Ok((format!("{text}\n"), added))
}

const ALLOW: &str = "SCMP_ACT_ALLOW";

fn names(rule: &Value) -> impl Iterator<Item = &str> {
    rule.get("names").and_then(Value::as_array).into_iter().flatten().chain(rule.get("name")).filter_map(Value::as_str)
}

/// Whether every container may make the call, whatever its capabilities, kernel and the call's arguments.
fn allowed(call: &str, default: &str, rules: &[Value]) -> bool {
    let own: Vec<&Value> = rules.iter().filter(|rule| names(rule).any(|name| name == call)).collect();
    let empty = |rule: &Value, key: &str| match rule.get(key) {
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Object(keys)) => keys.is_empty(),
        Some(other) => other.is_null(),
        None => true,
    };
    let always = |rule: &Value| ["args", "includes", "excludes"].iter().all(|key| empty(rule, key));
    let allows = |rule: &Value| rule.get("action").and_then(Value::as_str) == Some(ALLOW);
    own.iter().all(|rule| allows(rule)) && (default == ALLOW || own.iter().any(|rule| always(rule)))
}

/// A rule without these calls, of which another says all; nothing where it was about no others.
fn without(mut rule: Value, calls: &[&str]) -> Option<Value> {
    let about = |name: &Value| name.as_str().is_some_and(|name| calls.contains(&name));
    if rule.get("name").is_some_and(about) {
        return None;
    }
    match rule.get_mut("names").and_then(Value::as_array_mut) {
        Some(names) => {
            let before = names.len();
            names.retain(|name| !about(name));
            (!names.is_empty() || before == 0).then_some(rule)
        }
        None => Some(rule),
    }
}

/// The name of the AppArmor profile below.
pub const APPARMOR: &str = "remand-container";

/// An AppArmor profile for containers: all that a container does, and the mounts of a start in namespaces of its own; the kernel's own switches stay out of reach.
#[must_use]
pub fn apparmor_profile() -> String {
    format!(
        "# For containers in which remand starts runs. Load it with apparmor_parser -r FILE; then --security-opt apparmor={APPARMOR}\n\
         # (Kubernetes: appArmorProfile of type Localhost).\n\
         #\n\
         # It lets what is in the container mount. Without CAP_SYS_ADMIN, a mount is possible in a user namespace of its own alone, and no other process sees it.\n\
         # On Ubuntu 23.10 and later with kernel.apparmor_restrict_unprivileged_userns=1, write `abi <abi/4.0>,` first and `userns,` among the rules.\n\
         #include <tunables/global>\n\
         \n\
         profile {APPARMOR} flags=(attach_disconnected,mediate_deleted) {{\n  \
           network,\n  \
           capability,\n  \
           file,\n  \
           signal (receive),\n  \
           signal (send) peer={APPARMOR},\n  \
           ptrace (trace,read,tracedby,readby) peer={APPARMOR},\n\
         \n  \
           # A start: a root of its own, what is shown of the container bound into it, and the old root gone.\n  \
           mount,\n  \
           umount,\n  \
           pivot_root,\n\
         \n  \
           # What is the whole machine's. /proc/sys/user counts namespaces, each user namespace for itself.\n  \
           deny @{{PROC}}/{{kcore,kmem,mem,sysrq-trigger}} rwklx,\n  \
           deny @{{PROC}}/sys/{{abi,debug,dev,fs,kernel,net,sunrpc,vm}}/** wklx,\n  \
           deny @{{PROC}}/{{acpi,bus,driver,fs,irq,scsi}}/** wklx,\n  \
           deny /sys/{{block,bus,class,dev,devices,firmware,hypervisor,kernel,module,power}}/** wklx,\n  \
           deny /sys/fs/{{bpf,ext4,fuse,pstore,selinux,xfs}}/** wklx,\n  \
           deny /sys/{{firmware,kernel/security}}/** r,\n\
         }}\n"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn added(base: &Value) -> Vec<&'static str> {
        host_profile(base.to_string().as_bytes()).unwrap().1
    }

    fn twice(base: &Value) -> Value {
        let (text, _) = host_profile(base.to_string().as_bytes()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(added(&value), [""; 0], "with what is added it is enough");
        value
    }

    #[test]
    fn what_is_allowed_on_conditions_is_allowed_without() {
        let all: Vec<_> = NEEDED_OF_HOST.into_iter().chain([WANTED]).collect();
        let base = json!({ "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "kept": true, "syscalls": [
            { "names": ["read", "clone3"], "action": "SCMP_ACT_ALLOW" },
            { "names": ["unshare", "bpf"], "action": "SCMP_ACT_ALLOW", "includes": { "caps": ["CAP_SYS_ADMIN"] } },
            { "names": ["sethostname"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "excludes": { "caps": ["CAP_SYS_ADMIN"] } },
            { "name": "umount2", "action": "SCMP_ACT_ALLOW", "args": [] },
        ] });
        assert_eq!(added(&base), all.iter().copied().filter(|call| !["clone3", "umount2"].contains(call)).collect::<Vec<_>>());
        let profile = twice(&base);
        let rules = profile["syscalls"].as_array().unwrap();
        assert_eq!((rules.len(), &rules[1]["names"], &profile["kept"]), (4, &json!(["bpf"]), &json!(true)));
        assert_eq!(added(&json!({ "defaultAction": "SCMP_ACT_ALLOW" })), [""; 0]);
        let denied = json!({ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{ "names": ["pivot_root"], "action": "SCMP_ACT_ERRNO" }] });
        assert_eq!(added(&denied), ["pivot_root"]);
        twice(&denied);
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        for text in ["", "[]", "{", "{\"syscalls\": []}", "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": 1}"] {
            assert!(host_profile(text.as_bytes()).is_err(), "{text}");
        }
        assert!(host_profile("[".repeat(100_000).as_bytes()).is_err());
    }
}

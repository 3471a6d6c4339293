//! A policy as text: one stable JSON per meaning of every field, for hashes and diffs.
//!
//! Always holds: structs are taken apart without `..`, so a field that is not written does not compile; the text is a complete policy file, which
//! reads back as the same policy.

use remand_syscalls::{Comparison, Condition, Grant, Rules};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::policy::{Filesystem, Landlock, Limits, Mount, Namespaces, Network, Policy, Python, Syscalls, Tmp, Word};
use crate::units::{Cpus, Limit};

impl Policy {
    /// All fields but the name, as compact JSON in a fixed order. It is a policy file without `extends`.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.tree().to_string()
    }

    /// SHA-256 of [`Policy::canonical`], in lower-case hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        Sha256::digest(self.canonical()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The tree that [`Policy::canonical`] writes.
    #[must_use]
    pub fn tree(&self) -> Value {
        let Self { name: _, description, limits, filesystem, syscalls, network, namespaces, landlock, python, environment } = self;
        let variables: Map<_, _> = environment.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "version": 1,
            "description": description,
            "limits": write_limits(limits),
            "filesystem": write_filesystem(filesystem),
            "syscalls": write_syscalls(syscalls),
            "network": write_network(network),
            "namespaces": write_namespaces(namespaces),
            "landlock": write_landlock(landlock),
            "python": write_python(python),
            "environment": variables,
        })
    }
}

fn write_limits(limits: &Limits) -> Value {
    let Limits {
        wall_time,
        cpu_time,
        cpus,
        memory,
        pids,
        open_files,
        file_size,
        stack,
        stdout,
        stderr,
        prints,
        result_size,
        result_depth,
        result_nodes,
        job_size,
        cgroup,
    } = limits;
    json!({
        "wall_time": wall_time.to_string(),
        "cpu_time": cpu_time.to_string(),
        "cpus": write_cpus(*cpus),
        "memory": memory.to_string(),
        "pids": match pids { Limit::At(count) => json!(count), Limit::Unlimited => json!("unlimited") },
        "open_files": open_files,
        "file_size": file_size.to_string(),
        "stack": stack.to_string(),
        "stdout": stdout.to_string(),
        "stderr": stderr.to_string(),
        "prints": prints.to_string(),
        "result_size": result_size.to_string(),
        "result_depth": result_depth,
        "result_nodes": result_nodes,
        "job_size": job_size.to_string(),
        "cgroup": cgroup.word(),
    })
}

fn write_cpus(cpus: Limit<Cpus>) -> Value {
    match cpus {
        // The exact decimal digits; a float would do for these values, but not provably.
        Limit::At(cpus) => cpus.to_string().parse::<serde_json::Number>().map_or(Value::Null, Value::Number),
        Limit::Unlimited => json!("unlimited"),
    }
}

fn write_filesystem(filesystem: &Filesystem) -> Value {
    let Filesystem { tmp: Tmp { size, inodes, exec }, mounts, proc, devices } = filesystem;
    json!({
        "tmp": { "size": size.to_string(), "inodes": inodes, "exec": exec },
        "mounts": mounts.iter().map(write_mount).collect::<Vec<_>>(),
        "proc": proc,
        "devices": devices.iter().map(|device| device.word()).collect::<Vec<_>>(),
    })
}

/// One mount, as a policy file writes it.
#[must_use]
pub fn write_mount(mount: &Mount) -> Value {
    let Mount { source, target, writable, exec, optional, reason } = mount;
    let tree = json!({ "source": source, "target": target, "writable": writable, "exec": exec, "optional": optional });
    with_reason(tree, reason.as_deref())
}

fn write_syscalls(syscalls: &Syscalls) -> Value {
    let Syscalls { rules: Rules { allow, deny, kill }, enforce } = syscalls;
    json!({ "allow": allow.iter().map(write_grant).collect::<Vec<_>>(), "deny": deny, "kill": kill, "enforce": enforce.word() })
}

/// One grant.
#[must_use]
pub fn write_grant(grant: &Grant) -> Value {
    let Grant { call, when, reason } = grant;
    if when.is_empty() && reason.is_none() {
        return json!(call);
    }
    let mut tree = json!({ "call": call });
    if !when.is_empty() {
        tree["when"] = when.iter().map(write_condition).collect();
    }
    with_reason(tree, reason.as_deref())
}

/// One condition of a grant.
#[must_use]
pub fn write_condition(condition: &Condition) -> Value {
    let Condition { arg, op } = condition;
    match op {
        Comparison::Equals(value) => json!({ "arg": arg, "equals": value }),
        Comparison::OneOf(values) => json!({ "arg": arg, "one_of": values }),
        Comparison::AtMost(most) => json!({ "arg": arg, "at_most": most }),
        Comparison::Masked { mask, value } => json!({ "arg": arg, "masked": { "mask": mask, "value": value } }),
    }
}

fn with_reason(mut tree: Value, reason: Option<&str>) -> Value {
    if let Some(reason) = reason {
        tree["reason"] = json!(reason);
    }
    tree
}

fn write_network(network: &Network) -> Value {
    let Network { mode, reason } = network;
    with_reason(json!({ "mode": mode.word() }), reason.as_deref())
}

fn write_namespaces(namespaces: &Namespaces) -> Value {
    let Namespaces { user, mount, pid, ipc, uts, network, cgroup, own_uid } = namespaces;
    json!({
        "user": user.word(),
        "mount": mount.word(),
        "pid": pid.word(),
        "ipc": ipc.word(),
        "uts": uts.word(),
        "network": network.word(),
        "cgroup": cgroup.word(),
        "own_uid": own_uid.word(),
    })
}

fn write_landlock(landlock: &Landlock) -> Value {
    let Landlock { enforce, minimum_abi } = landlock;
    json!({ "enforce": enforce.word(), "minimum_abi": minimum_abi })
}

fn write_python(python: &Python) -> Value {
    let Python { interpreter, stdlib_allow, external_allow, builtins_deny, runner_env_deny } = python;
    json!({
        "interpreter": interpreter,
        "stdlib_allow": stdlib_allow,
        "external_allow": external_allow,
        "builtins_deny": builtins_deny,
        "runner_env_deny": runner_env_deny,
    })
}

//! `remand doctor --container ENGINE`: what an engine has to be told so that runs can be started in its containers.
//!
//! Always holds: nothing of this machine is looked at; what is needed and what is merely better are told apart, and the least of each is told: scripts/containers
//! starts containers with these very words.

use std::fmt::Write as _;

use serde::Serialize;

use crate::args::Engine;
use crate::failure::Failure;
use crate::print;

/// What to tell one engine.
#[derive(Serialize)]
struct Advice {
    engine: &'static str,
    /// How a container begins that runs are started in, flags of `needed` after it.
    command: &'static str,
    /// What to make first, on the machine of the engine.
    prepare: &'static [Step],
    /// Flags without which no run starts.
    needed: &'static [&'static str],
    /// Flags for what a run has not otherwise.
    better: &'static [Better],
    /// Flags that take rights of the container away which no run needs.
    restricted: &'static [&'static str],
    /// What a pod's container says.
    manifest: Option<&'static str>,
}

#[derive(Clone, Copy, Serialize)]
struct Step {
    why: &'static str,
    run: &'static str,
}

#[derive(Serialize)]
struct Better {
    gives: &'static str,
    flags: &'static [&'static str],
}

const SECCOMP: Step = Step {
    why: "The seccomp profile of Docker and containerd hides the calls that start runs. Take theirs (seccomp/default.json of https://github.com/moby/profiles, of your \
          version) and add these:",
    run: "remand policy export --as host-profile --base default.json > remand-seccomp.json",
};
const APPARMOR: Step = Step {
    why: "Only where the machine has AppArmor (/sys/kernel/security/apparmor is there), whose profile for containers denies mounts; then also \
          --security-opt apparmor=remand-container:",
    run: "remand policy export --as apparmor > /etc/apparmor.d/remand-container && apparmor_parser -r /etc/apparmor.d/remand-container",
};
/// For a read-only root: what keeps the answers of interpreters, without which each start asks anew.
const RESTRICTED: &[&str] =
    &["--user", "1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/tmp", "--env", "HOME=/tmp"];

const DOCKER: Advice = Advice {
    engine: "docker",
    command: "docker run",
    prepare: &[SECCOMP, APPARMOR],
    needed: &["--security-opt", "seccomp=remand-seccomp.json"],
    better: &[Better { gives: "a /proc of the run's own", flags: &["--security-opt", "systempaths=unconfined"] }],
    restricted: RESTRICTED,
    manifest: None,
};

const PODMAN: Advice = Advice {
    engine: "podman",
    command: "podman run",
    prepare: &[APPARMOR],
    needed: &[],
    better: &[
        Better { gives: "a /proc of the run's own", flags: &["--security-opt", "unmask=ALL"] },
        Better {
            gives: "a host name of the run's own (remand policy export --as host-profile --base /usr/share/containers/seccomp.json > remand-seccomp.json)",
            flags: &["--security-opt", "seccomp=remand-seccomp.json"],
        },
    ],
    restricted: RESTRICTED,
    manifest: None,
};

const CONTAINERD: Advice = Advice {
    engine: "containerd",
    command: "ctr run",
    prepare: &[Step {
        why: "Only with a seccomp profile; ctr has none by default, a kubelet may ask for one. To theirs, add:",
        run: SECCOMP.run,
    }],
    needed: &[],
    better: &[Better { gives: "the profile's other refusals", flags: &["--seccomp", "--seccomp-profile", "remand-seccomp.json"] }],
    restricted: &["--user", "1000"],
    manifest: None,
};

const NSPAWN: Advice = Advice {
    engine: "nspawn",
    command: "systemd-nspawn",
    prepare: &[],
    needed: &["--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self"],
    better: &[],
    restricted: &["--user", "nobody"],
    manifest: None,
};

const KUBERNETES: Advice = Advice {
    engine: "kubernetes",
    command: "kubectl apply",
    prepare: &[
        SECCOMP,
        Step {
            why: "On each node, where its kubelet looks:",
            run: "install -D -m 644 remand-seccomp.json /var/lib/kubelet/seccomp/profiles/remand.json",
        },
        Step {
            why: "Only where nodes have AppArmor; then also, beside seccompProfile, appArmorProfile: { type: Localhost, localhostProfile: remand-container }:",
            run: APPARMOR.run,
        },
    ],
    needed: &[],
    better: &[],
    restricted: &[],
    manifest: Some(include_str!("../../../docs/kubernetes.yaml")),
};

/// Prints what to tell the engine. Gives 0.
pub fn container(engine: Engine, json: bool) -> Result<u8, Failure> {
    let advice = match engine {
        Engine::Docker => DOCKER,
        Engine::Podman => PODMAN,
        Engine::Kubernetes => KUBERNETES,
        Engine::Containerd => CONTAINERD,
        Engine::Nspawn => NSPAWN,
    };
    if json {
        print::json(&serde_json::to_string(&advice).map_err(|error| Failure::internal(error.to_string()))?)?;
    } else {
        print::stdout(&text(&advice))?;
    }
    Ok(0)
}

/// A script, as far as it can be one.
fn text(advice: &Advice) -> String {
    let mut text = String::new();
    for Step { why, run } in advice.prepare {
        let _ = writeln!(text, "# {why}\n{run}\n");
    }
    if let Some(manifest) = advice.manifest {
        text.push_str(manifest);
        return text;
    }
    let what = if advice.engine == "nspawn" { "-D ROOT" } else { "IMAGE" };
    let needed = words(advice.needed);
    let _ = writeln!(text, "{}{needed} {what} remand run code.py", advice.command);
    for Better { gives, flags } in advice.better {
        let _ = writeln!(text, "\n# For {gives}:\n#  {}", words(flags));
    }
    let _ = writeln!(text, "\n# No run needs the rights that these take away:\n#  {}", words(advice.restricted));
    text
}

fn words(flags: &[&str]) -> String {
    flags.iter().map(|flag| if flag.contains(' ') { format!(" '{flag}'") } else { format!(" {flag}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_begins_with_what_is_needed() {
        let docker = text(&DOCKER);
        assert!(docker.contains("\ndocker run --security-opt seccomp=remand-seccomp.json IMAGE remand run code.py\n"), "{docker}");
        assert!(text(&PODMAN).contains("\npodman run IMAGE remand run code.py\n"));
        assert!(text(&NSPAWN).starts_with("systemd-nspawn '--system-call-filter=landlock_create_ruleset "));
        assert!(text(&KUBERNETES).contains("localhostProfile: profiles/remand.json"));
    }
}

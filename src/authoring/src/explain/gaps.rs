//! What is not protected: by any policy, by this one, on this host.

use remand_plan::enforcement::Enforcement;

use super::page::Page;

/// What no policy protects from.
const NEVER: &[&str] = &[
    "A bug in the kernel behind a granted call. Fewer calls make fewer bugs reachable; code worth a kernel exploit to somebody belongs in a virtual machine.",
    "Side channels: caches, branch predictors, timing, the load of the machine.",
    "The content of a result. Value, error, prints and traceback are the code's own claims: bounded and harmless to show, not true.",
    "The python.* lists. They give early errors, and any code can get around them.",
    "The host's availability beyond the limits of one run: how many go on at once is up to the caller.",
];

pub(super) fn gaps(page: &mut Page<'_>) {
    page.title("What is not protected");
    for sentence in NEVER {
        page.say(sentence);
    }
    if page.policy.filesystem.mounts.iter().any(|mount| mount.writable) {
        page.say("What lies in a writable mount, from a run, and later runs and the host from what it leaves there.");
    }
    if !page.policy.python.external_allow.is_empty() {
        page.say("A run from the packages beside its interpreter: they run with its rights, and it can read all of them.");
    }
    let Some(plan) = page.plan else {
        return page.say("Whatever this host lacks: without a plan, this cannot say what.");
    };
    let mut whole = true;
    for (source, why) in &plan.root.left_out {
        page.say(format!("Here, the optional mount of {source} is left out: {why}."));
        whole = false;
    }
    for (protection, enforcement) in &plan.enforcement {
        let sentence = match enforcement {
            Enforcement::By(_) => continue,
            Enforcement::Substitute { by, because } => format!("Here, {protection} has only a substitute, since {because}: {by}."),
            Enforcement::Absent(because) => format!("Here, {protection} is missing: {because}."),
        };
        page.say(sentence);
        whole = false;
    }
    if whole {
        page.say(
            "Here, every protection that the policy asks for rests on the real thing. (`remand doctor` names known holes of the kernel.)",
        );
    } else {
        page.say("(`remand doctor` says how to get what is missing, and names known holes of the kernel.)");
    }
}

//! What held each protection of a run, in the end: the plan's account, completed by what only the start and the end could tell.
//!
//! Always holds: of a run that was not made, the plan's account is the whole.

use std::collections::BTreeMap;

use crate::enforcement::Enforcement;
use crate::evidence::{Confinement, Evidence, Groups, InFlight};
use crate::plan::Plan;
use crate::protection::Protection;

pub fn enforcement(evidence: &Evidence, plan: &Plan) -> BTreeMap<Protection, Enforcement> {
    let mut all = plan.enforcement.clone();
    let Some(confinement) = evidence.confinement else { return all };
    if let Some(uid) = confinement.own_uid {
        let held = match all.remove(&Protection::OwnUid) {
            Some(Enforcement::Substitute { because, .. }) => Enforcement::Substitute { by: format!("host uid {uid}"), because },
            _ => Enforcement::By(format!("host uid {uid}, held by this run alone")),
        };
        all.insert(Protection::OwnUid, held);
    }
    all.insert(Protection::SupplementaryGroups, groups(confinement));
    all.insert(Protection::NestedUserNamespaces, nested(confinement));
    if let (Some(why), Some(Enforcement::By(by))) = (confinement.no_host_name, all.get(&Protection::UtsNamespace)) {
        let substitute =
            Enforcement::Substitute { by: format!("{by}, with the host's name"), because: format!("sethostname was refused: {why}") };
        all.insert(Protection::UtsNamespace, substitute);
    }
    if let Some(why) = confinement.no_oom_score {
        let why =
            format!("oom_score_adj cannot be raised here ({why}): where memory runs out on the whole host, runs are not the first to go");
        all.insert(Protection::OomScore, Enforcement::Absent(why));
    }
    for (source, why) in &plan.root.left_out {
        all.insert(Protection::LeftOut { source: source.clone() }, Enforcement::Absent(format!("{why}, and the mount is optional")));
    }
    if let Some(in_flight) = evidence.in_flight {
        all.insert(Protection::GivenBack, given_back(in_flight));
    }
    if evidence.cleanup.charged > 0 {
        let why = format!(
            "{} bytes of the run's memory were still charged to its cgroup, and not to be freed, when that was removed",
            evidence.cleanup.charged
        );
        all.insert(Protection::MemoryReturned, Enforcement::Absent(why));
    }
    all
}

fn groups(confinement: Confinement) -> Enforcement {
    match confinement.groups {
        Groups::Dropped => Enforcement::By("setgroups: none".into()),
        Groups::None => Enforcement::By("the caller has none".into()),
        Groups::Kept => {
            Enforcement::Absent("an ordinary user cannot drop its supplementary groups: they still open files that are mounted".into())
        }
    }
}

fn nested(confinement: Confinement) -> Enforcement {
    if confinement.nested_userns_disabled {
        Enforcement::By("user.max_user_namespaces = 0 inside".into())
    } else {
        Enforcement::Absent("/proc/sys is read-only here; the seccomp filter still refuses the calls".into())
    }
}

fn given_back(InFlight { bytes, pipes }: InFlight) -> Enforcement {
    let by = "its pipes have ended".to_owned();
    match bytes {
        Some(0) if pipes == 0 => Enforcement::By(format!("{by}, and its cgroup holds neither anonymous nor shared memory")),
        None if pipes == 0 => {
            Enforcement::Substitute { by, because: "without a memory cgroup nothing counts what descriptors in flight hold".to_owned() }
        }
        bytes => Enforcement::Absent(format!(
            "{} bytes of memory (anon and shmem of the cgroup's memory.stat) and {pipes} pipes are still held by descriptors in flight, which the \
             policy lets the run make (sendmsg), until the kernel collects them",
            bytes.map_or_else(|| "uncounted".to_owned(), |bytes| bytes.to_string())
        )),
    }
}

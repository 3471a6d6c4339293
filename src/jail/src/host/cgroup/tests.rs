//! Where cgroups are found, from texts of hosts of every kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const V1: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
const V1_OWN: &str = "9:name=systemd:/user.slice\n8:pids:/\n4:memory:/jobs/a\n2:cpu,cpuacct:/\n0::/user.slice/session-1.scope\n";

fn v1_path(own: &str, mountinfo: &str, controller: &str) -> Result<String, Fact> {
    named(own, &mounts::of_kinds(mountinfo, &["cgroup", "cgroup2"]), controller).map(|place| place.path())
}

fn v2_path(own: &str, mountinfo: &str) -> Result<String, Fact> {
    unified(own, &mounts::of_kinds(mountinfo, &["cgroup", "cgroup2"])).map(|place| place.path())
}

fn blocker(fact: &Fact) -> &str {
    match fact {
        Fact::Missing { blocker, remedy } if !remedy.is_empty() => blocker,
        _ => panic!("{fact:?}"),
    }
}

#[test]
fn v1_and_hybrid() {
    assert_eq!(v1_path(V1_OWN, V1, "memory").unwrap(), "/sys/fs/cgroup/memory/jobs/a");
    assert_eq!(v1_path(V1_OWN, V1, "pids").unwrap(), "/sys/fs/cgroup/pids");
    assert_eq!(v1_path(V1_OWN, V1, "cpu").unwrap(), "/sys/fs/cgroup/cpu,cpuacct");
    assert_eq!(v1_path(V1_OWN, V1, "cpuacct").unwrap(), "/sys/fs/cgroup/cpu,cpuacct");
    assert_eq!(v2_path(V1_OWN, V1).unwrap(), "/sys/fs/cgroup/unified/user.slice/session-1.scope");
}

#[test]
fn pure_v2() {
    let mountinfo = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
    assert_eq!(v2_path("0::/user.slice/a.scope\n", mountinfo).unwrap(), "/sys/fs/cgroup/user.slice/a.scope");
    assert_eq!(v2_path("0::/\n", mountinfo).unwrap(), "/sys/fs/cgroup");
    assert_eq!(blocker(&v1_path("0::/\n", mountinfo, "memory").unwrap_err()), "the kernel has no v1 controller memory");
}

#[test]
fn containers() {
    // Of its own cgroup namespace, and of the host's.
    let own = "1169 1165 0:29 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw";
    assert_eq!(v2_path("0::/\n", own).unwrap(), "/sys/fs/cgroup");
    let hosts = "1169 1165 0:29 /docker/4f1 /sys/fs/cgroup/memory ro,nosuid master:9 - cgroup cgroup rw,memory";
    assert_eq!(v1_path("4:memory:/docker/4f1\n", hosts, "memory").unwrap(), "/sys/fs/cgroup/memory");
    assert_eq!(v1_path("4:memory:/docker/4f1/x\n", hosts, "memory").unwrap(), "/sys/fs/cgroup/memory/x");
    for elsewhere in ["/docker/4f1a", "/", "/../other"] {
        let refused = v1_path(&format!("4:memory:{elsewhere}\n"), hosts, "memory").unwrap_err();
        assert!(blocker(&refused).contains("outside"), "{refused:?}");
    }
    let refused = v2_path("0::/../other\n", own).unwrap_err();
    assert!(blocker(&refused).contains("outside"), "{refused:?}");
}

#[test]
fn not_mounted() {
    assert_eq!(blocker(&v2_path("0::/\n", "").unwrap_err()), "cgroup v2 is not mounted");
    assert_eq!(blocker(&v1_path(V1_OWN, "", "pids").unwrap_err()), "the cgroup v1 controller pids is not mounted");
    assert_eq!(blocker(&v2_path("", "").unwrap_err()), "the kernel has no cgroup v2");
    let facts = facts("", "");
    assert_eq!(facts.version, CgroupVersion::None);
    assert_eq!(blocker(&facts.memory), "the kernel has no cgroup v2");
}

fn level(path: &str) -> Level {
    let all = "cpuset cpu io memory pids".to_owned();
    Level { path: path.into(), refused: None, on: all.clone(), offered: all, may_enable: true, inside: Inside::Nobody, top: false }
}

#[test]
fn the_nearest_directory_that_gives_all_is_taken() {
    let own = Level { on: String::new(), inside: Inside::Others, ..level("/a/b/c") };
    assert_eq!(choose(&[own.clone(), level("/a/b"), level("/a")]).path, "/a/b");
    assert!(blocker(&own.fact("memory")).contains("other processes"));
    // Where nothing is above it, nobody could make another beside it.
    let remedy = |level: &Level| level.fact("memory").lack().unwrap().1.to_owned();
    assert!(remedy(&own).contains("systemd-run"));
    assert!(remedy(&Level { top: true, ..own.clone() }).ends_with("mkdir /a/b/c/self; echo 0 > /a/b/c/self/cgroup.procs"));
    let read_only = Level { refused: Some(format!("/a/b/c {READ_ONLY}")), ..own.clone() };
    assert!(remedy(&read_only).contains("unmask=/sys/fs/cgroup") && !remedy(&read_only).contains("systemd-run"));
    // Alone in its own: it can step aside.
    let alone = Level { inside: Inside::Us, ..own.clone() };
    assert_eq!(choose(&[alone, level("/a/b")]).path, "/a/b/c");
    // Alone, but with groups of others beneath.
    let parted = Level { inside: Inside::UsAndGroups, ..own.clone() };
    assert_eq!(choose(&[parted.clone(), level("/a/b")]).path, "/a/b");
    assert!(blocker(&parted.fact("pids")).contains("over their owner's head"));
    // Nothing on, nothing inside.
    let empty = Level { on: String::new(), ..level("/a/b") };
    assert_eq!(choose(&[own.clone(), empty]).path, "/a/b");
    // The next one lacks cpu, the one above has it.
    let some = Level { on: "memory pids".into(), offered: "memory pids".into(), ..level("/a/b") };
    assert_eq!(choose(&[own.clone(), some.clone(), level("/a")]).path, "/a");
    assert_eq!(choose(&[own, some.clone()]).path, "/a/b");
    assert!(blocker(&some.fact("cpu")).contains("cpu is not delegated to /a/b"));
}

#[test]
fn nothing_delegated() {
    let refused = Level { refused: Some("/a can't be written to".into()), ..level("/a") };
    let facts = v2(&[refused]);
    assert_eq!(facts.version, CgroupVersion::None);
    for fact in [&facts.memory, &facts.pids, &facts.cpu, &facts.swap] {
        assert_eq!(blocker(fact), "/a can't be written to");
    }
    let fixed = Level { on: String::new(), may_enable: false, ..level("/a") };
    assert!(blocker(&fixed.fact("pids")).contains("subtree_control"));
}

"""The shapes of containers that scripts/containers starts remand in: what an engine is told, what then keeps a run from starting, and what is enough.

Always holds: of each shape doctor's status is that of a run; what blocks is named by both; with each cure, which is told there or by `doctor --container`, both are 0.
"""

from dataclasses import dataclass, field

RESTRICTED = ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/tmp"]
# Where it is made, scripts/containers puts it: `remand policy export --as host-profile --base` Docker's own.
PROFILE = ["--security-opt", "seccomp=@PROFILE@"]
ADMIN = ["--cap-add", "SYS_ADMIN"]


@dataclass
class Shape:
    name: str
    engine: str
    flags: list = field(default_factory=list)
    # Words of the reason, where nothing starts.
    blocks: str = ""
    # For people: what blocks.
    why: str = ""
    # Each is enough: flags besides, or of a program of this machine the words instead.
    cures: list = field(default_factory=list)


FILTER = "Docker's seccomp profile hides the calls that start runs"
SETFCAP = "root without CAP_SETFCAP may not map its own id (Linux 5.12)"
RUN = "/run is read-only, where a privileged start keeps the locks on its ids"

SHAPES = [
    Shape("podman, as it is", "podman"),
    Shape("podman, an ordinary user", "podman", ["--user", "1000"]),
    Shape("podman, restricted: an ordinary user, read-only, no capabilities", "podman", ["--user", "1000", *RESTRICTED]),
    Shape("podman, read-only", "podman", ["--read-only", "--tmpfs", "/tmp"]),
    Shape("podman, a whole /proc", "podman", ["--security-opt", "unmask=ALL"]),
    Shape("podman, no seccomp profile", "podman", ["--security-opt", "seccomp=unconfined"]),
    Shape("podman, root without capabilities", "podman", RESTRICTED, "CAP_SETFCAP", SETFCAP, [["--cap-add", "SETFCAP"], ["--user", "1000"]]),
    Shape("podman, CAP_SYS_ADMIN", "podman", ADMIN),
    Shape("podman, CAP_SYS_ADMIN, read-only", "podman", [*ADMIN, "--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp"], "/run is mounted read-only", RUN, [["--tmpfs", "/run"]]),
    Shape("podman --privileged", "podman", ["--privileged"]),
    Shape("podman, its root another user of the host (hostUsers: false)", "podman", ["--uidmap", "0:300000:65536", "--gidmap", "0:300000:65536"]),
    Shape("podman, rootless", "rootless", ["--passwd=false"]),
    Shape("podman, rootless, an ordinary user", "rootless", ["--passwd=false", "--user", "1000"]),
    Shape("docker, as it is", "docker", [], "seccomp filter", FILTER, [PROFILE, ["--security-opt", "seccomp=unconfined"]]),
    Shape("docker, restricted: an ordinary user, read-only, no capabilities", "docker", ["--user", "1000", *RESTRICTED], "seccomp filter", FILTER, [PROFILE]),
    Shape("docker, CAP_SYS_ADMIN", "docker", ADMIN, "pivot_root", "Docker's seccomp profile lacks pivot_root even then", [PROFILE]),
    Shape("docker, CAP_SYS_ADMIN, read-only", "docker", [*ADMIN, "--read-only", "--tmpfs", "/tmp"], "/run is mounted read-only", RUN + "; the profile lacks pivot_root", [[*PROFILE, "--tmpfs", "/run"]]),
    Shape("docker, a whole /proc", "docker", ["--security-opt", "systempaths=unconfined"], "seccomp filter", FILTER, [PROFILE]),
    Shape("ctr, as it is", "ctr"),
    Shape("ctr --seccomp", "ctr", ["--seccomp"], "seccomp filter", FILTER, [["--seccomp-profile", "@PROFILE@"]]),
    Shape("unshare -r", "host", ["unshare", "-r"]),
    Shape("unshare -Urmpf --mount-proc", "host", ["unshare", "-Urmpf", "--mount-proc"]),
    Shape("unshare -pf, with the /proc of the host", "host", ["unshare", "-pf"], "another PID namespace's", "/proc is another PID namespace's", [["unshare", "-mpf", "--mount-proc"]]),
    Shape("chroot", "host", ["unshare", "-m", "sh", "-c", 'mount --rbind / @PLACE@ && exec chroot @PLACE@ "$@"', "sh"], "in a chroot", "no user namespace is made in a chroot"),
    Shape("bwrap --unshare-all --proc /proc --dev /dev", "bwrap", ["--unshare-all", "--proc", "/proc", "--dev", "/dev"]),
    Shape("bwrap --unshare-all, with the /proc of the host", "bwrap", ["--unshare-all", "--dev", "/dev"], "/proc", "/proc is read-only", [["--proc", "/proc"]]),
    Shape("firejail --noprofile", "firejail", ["--noprofile", "--quiet"]),
    Shape("systemd-nspawn", "nspawn", [], "Landlock", "its filter knows no Landlock", [["--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self"]]),
]

# What this script cannot have, from hand: docs/containers.md says so.
ELSEWHERE = [
    ("Docker where the machine has AppArmor", "docker-default denies mounts and pivot_root", "`--security-opt apparmor=remand-container` (`remand policy export --as apparmor`), and as above", "virtual machines (scripts/vm)"),
    ("docker run --privileged", "", "", "cannot be had on the machine that made this table"),
    ("Kubernetes, restricted pod", FILTER, "`remand doctor --container kubernetes`", "no kubelet here; its containers are containerd's"),
    ("cgroup v2, cgroups read-only", "nothing: limits.memory and limits.pids rest on substitutes", "cgroups writable (podman: `--security-opt unmask=/sys/fs/cgroup`) and two lines at the beginning of the entrypoint: `mkdir /sys/fs/cgroup/self; echo 0 > /sys/fs/cgroup/self/cgroup.procs`", "virtual machines (scripts/vm)"),
    ("gVisor", "it has no seccomp listeners", "none", "not tried"),
]

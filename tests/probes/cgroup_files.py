# F10, F11: cgroup files: a release agent, the run's own limits, a way out by cgroup.procs.
# needs: native
found = [line.split()[4] for line in open("/proc/self/mountinfo") if " - cgroup" in line]
return {"mounts": len(found), "sys": opened("/sys/fs/cgroup", os.O_RDONLY), "own": sorted({line.rstrip("\n").split(":", 2)[2] for line in open("/proc/self/cgroup")})}

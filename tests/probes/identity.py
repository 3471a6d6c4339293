# N11, N13, N12: groups, capability sets, ids and the no_new_privs flag, as the kernel sees them.
with open("/proc/self/status") as status:
    fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
names = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
return {"groups": fields["Groups"].split(), "capabilities": {name: int(fields[name], 16) for name in names}, "uid": fields["Uid"].split(), "gid": fields["Gid"].split(), "no_new_privs": fields["NoNewPrivs"], "seccomp": fields["Seccomp"]}

# F17, K8: device nodes and a setuid file in the writable directory, and the flags of every mount.
# needs: native
import stat
with open("bit", "w"):
    pass
os.chmod("bit", 0o4755)
mounts = [(line.split()[4], line.split()[5].split(",")) for line in open("/proc/self/mountinfo")]
return {
    "character": syscall("mknodat", -100, b"node", stat.S_IFCHR | 0o666, os.makedev(1, 3)),
    "block": syscall("mknodat", -100, b"disk", stat.S_IFBLK | 0o666, os.makedev(8, 0)),
    "bit": bool(os.stat("bit").st_mode & stat.S_ISUID),
    "suid_mounts": sorted(path for path, flags in mounts if "nosuid" not in flags),
    "dev_mounts": sorted(path for path, flags in mounts if "nodev" not in flags and not path.startswith("/dev/")),
    "writable_mounts": sorted(path for path, flags in mounts if "rw" in flags),
}

# F12: the root, working directory, descriptors, memory and environment of another process of the run's namespace.
# needs: native
pid = _query or "1"
names = ["root/.", "cwd/.", "fd", "mem", "environ", "maps"]
return {"open": {name: opened(f"/proc/{pid}/{name}", os.O_RDONLY) for name in names}, "pids": len([name for name in os.listdir("/proc") if name.isdigit()])}

# F9, K12: settings of the whole host below /proc/sys, and what leaks kernel addresses.
# needs: native
paths = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger", "/proc/kcore", "/proc/kallsyms", "/proc/kmsg", "/sys/kernel"]
return {"open": {path: opened(path, os.O_RDONLY | os.O_NONBLOCK) for path in paths}, "write": opened("/proc/sys/kernel/core_pattern", os.O_WRONLY)}

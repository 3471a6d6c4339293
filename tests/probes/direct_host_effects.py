# K9, K12: modules, kexec, reboot, swap, clocks, host name, file handles, the kernel log.
# needs: native
return {
    "init_module": syscall("init_module", 0, 0, 0), "kexec_load": syscall("kexec_load", 0, 0, 0, 0), "reboot": syscall("reboot", 0, 0, 0, 0),
    "swapon": syscall("swapon", 0, 0), "acct": syscall("acct", b"/remand-no-such-file"), "quotactl": syscall("quotactl", 0, 0, 0, 0), "syslog": syscall("syslog", 3, 0, 0),
    "clock_settime": syscall("clock_settime", 0, 0), "settimeofday": syscall("settimeofday", 0, 0), "sethostname": syscall("sethostname", b"x", -1),
    "open_by_handle_at": syscall("open_by_handle_at", -100, 0, 0), "fanotify_init": syscall("fanotify_init", 0, 0),
}

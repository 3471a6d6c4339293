# F8: remount writable, unmount a mask, bind over, by old calls and new ones.
# needs: native
return {
    "tmpfs": syscall("mount", b"none", b"/tmp", b"tmpfs", 0, 0), "remount": syscall("mount", 0, b"/", 0, 0x1020, 0),
    "bind": syscall("mount", b"/tmp", b"/usr", 0, 0x1000, 0), "umount": syscall("umount2", b"/tmp", 2),
    "move_mount": syscall("move_mount", -1, b"", -100, b"/tmp", 4), "mount_setattr": syscall("mount_setattr", -100, b"/", 0, 0, 0),
    "setns": syscall("setns", -1, 0),
}

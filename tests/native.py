# System calls by number, so that nothing in Python or libc stands between a probe and the kernel.
import ctypes
import errno
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_COLUMN = 1 if os.uname().machine == "aarch64" else 0
_NUMBERS = {  # name: (x86_64, aarch64)
    "personality": (135, 92), "ptrace": (101, 117), "kcmp": (312, 272), "prctl": (157, 167), "getpid": (39, 172),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "process_madvise": (440, 440), "seccomp": (317, 277),
    "clone": (56, 220), "clone3": (435, 435), "unshare": (272, 97), "setns": (308, 268), "socket": (41, 198), "socketpair": (53, 199),
    "vmsplice": (278, 75), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "mount_setattr": (442, 442), "open_tree_attr": (467, 467), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "mknodat": (259, 33), "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "ioctl": (16, 29), "memfd_create": (319, 279), "init_module": (175, 105), "kexec_load": (246, 104), "reboot": (169, 142),
    "swapon": (167, 224), "acct": (163, 89), "quotactl": (179, 60), "syslog": (103, 116), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "sethostname": (170, 161), "pidfd_getfd": (438, 438), "pidfd_open": (434, 434),
    "fanotify_init": (300, 262), "gettid": (186, 178), "iopl": (172, 172), "sendmsg": (46, 211), "sendmmsg": (307, 269),
    "fsync": (74, 82), "fdatasync": (75, 83), "sync_file_range": (277, 84), "msync": (26, 227), "syncfs": (306, 267),
    "exit": (60, 93), "openat": (257, 56), "openat2": (437, 437),
}


def number(name):
    return _NUMBERS[name][_COLUMN]


def raw(call, *args):
    """(result, errno name or None) of a call given by name or number; integers travel as 64-bit registers."""
    nr = number(call) if isinstance(call, str) else call
    passed = [ctypes.c_ulong(arg % 2**64) if isinstance(arg, int) else arg for arg in args]
    ctypes.set_errno(0)
    result = _libc.syscall(ctypes.c_long(nr), *passed)
    return result, (errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno())) if result == -1 else None)


def syscall(call, *args):
    """'ok' or the name of the errno."""
    return raw(call, *args)[1] or "ok"


def opened(path, flags):
    """'ok' or the name of the errno of opening a path; nothing is written."""
    try:
        os.close(os.open(path, flags))
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

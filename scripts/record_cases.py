"""The cases that scripts/record records, as one table: the files that each finds, and the commands.

Always holds: what a case does depends on nothing but the binary, the user and the machine: no race decides its end, no amount that was measured its text.
@HERE@ in a file and $HERE in a command are the case's own directory, @VENV@ an environment with packages of one's own.
"""

import json
import re

# Once, before all cases.
SETUP = """
umask 022
/usr/bin/python3 -m venv --without-pip venv || python3 -m venv --without-pip venv
site=$(echo venv/lib/python3*/site-packages)
echo 'word = "mine"' >"$site/mine.py"
echo 'word = "other"' >"$site/other.py"
"""


def policy(base="default", **sections):
    return json.dumps({"version": 1, "extends": base, **sections}, indent=2) + "\n"


def granting(*calls, **sections):
    """The default with these calls, and why."""
    grants = [call if isinstance(call, dict) else {"call": call, "reason": "a case of the record"} for call in calls]
    return policy(syscalls={"allow": {"add": grants}}, **sections)


def mounting(*mounts):
    return policy(filesystem={"mounts": list(mounts)})


WRITABLE = {"writable": True, "reason": "a case of the record"}
WITH_COMMENTS = """// Reports of the night shift.
{
  "version": 1,
  "extends": "default", // as all of ours
  "limits": {
    "memory": "64MiB", /* enough so far */
    "pids": 8,
  },
  // None of these.
  "syscalls": { "deny": ["linkat"], "kill": ["ptrace"] }
}
"""
GOOD = {
    "minimal": '{ "version": 1 }\n',
    "report": policy(description="Monthly reports", limits={"memory": "1GiB", "wall_time": "60s", "cpu_time": "60s"}),
    "comments": WITH_COMMENTS,
    "limits": policy(limits={"wall_time": "1.5s", "cpu_time": "500ms", "cpus": 0.5, "memory": "128MiB", "pids": 16, "file_size": "unlimited"}),
    "lists": policy(
        filesystem={"devices": ["null", "urandom"]},
        syscalls={
            "allow": {"remove": ["@threads"], "add": [{"call": "chown", "reason": "archives"}]},
            "deny": ["link", "linkat"],
            "kill": {"add": ["@mount", "@kernel", "ptrace"]},
        },
    ),
    "conditions": granting(
        {"call": "socket", "when": [{"arg": 0, "one_of": [1, 2]}, {"arg": 1, "masked": {"mask": "0xf", "value": 1}}], "reason": "its socket"},
        {"call": "socket", "when": [{"arg": 0, "equals": 16}], "reason": "its links"},
        {"call": "chown", "when": [{"arg": 1, "at_most": 1000}], "reason": "archives"},
        {"call": "acct", "when": [{"arg": 0, "at_most": "0x100000001"}], "reason": "wide"},
    ),
    "mounts": mounting(
        {"source": "@HERE@/data", "target": "/data"},
        {"source": "@HERE@/out", "target": "/out", **WRITABLE},
        {"source": "@HERE@/absent", "target": "/absent", "optional": True},
    ),
    "programs": mounting({"source": "@HERE@/tools", "target": "/tools", "exec": True}),
    "absent": mounting({"source": "@HERE@/absent"}),
    "tmp": policy(filesystem={"tmp": {"size": "4MiB", "inodes": 64, "exec": True}, "proc": False}),
    "loopback": granting("@sockets", network={"mode": "loopback", "reason": "tests a server"}),
    "host": granting("@sockets", network={"mode": "host", "reason": "asks a server"}),
    "environment": policy("strict", environment={"TZ": "Europe/Paris", "HOME": None, "EMPTY": ""}),
    "python": policy(python={"stdlib_allow": ["json", "math", "os"], "builtins_deny": ["eval", "exec"], "runner_env_deny": True}),
    "numbers": policy("numeric", limits={"cpus": 1}, environment={"OPENBLAS_NUM_THREADS": "1"}),
    "required": policy(limits={"cgroup": "required"}, namespaces={"own_uid": "required"}),
    "landlock": policy(landlock={"enforce": "required", "minimum_abi": 99}),
    "kill": policy(syscalls={"kill": ["@mount", "ptrace", "kexec_load"]}),
    "expect": granting(
        "@sockets",
        network={"mode": "loopback", "reason": "tests a server"},
        expect=[
            {"call": "socket AF_INET SOCK_STREAM", "is": "allowed"},
            {"call": "socket AF_ALG", "is": "denied", "reason": "kernel code"},
            {"open": "/etc/shadow", "is": "not_visible"},
            {"limit": "memory 1GiB", "is": "denied"},
            {"ask": "connect 127.0.0.1:80", "is": "allowed"},
        ],
    ),
    "ceiling": policy(limits={"memory": "512MiB", "wall_time": "60s", "cpu_time": "60s"}),
    "low": policy("strict", limits={"pids": 2}),
}
FAILING = {
    "failing": policy(expect=[{"call": "bind", "is": "allowed"}, {"open": "/etc/passwd", "is": "not_visible"}, {"limit": "pids 1", "is": "allowed"}]),
    "broken": policy(limits={"memroy": "64MB", "pids": 0}, syscalls={"allow": {"add": ["@sockets", "sleep"]}}),
    "bare": policy(python={"interpreter": "@HERE@/tools/none"}),
    "named": policy(python={"interpreter": "no-such-python"}),
    "script": policy(python={"interpreter": "@HERE@/tools/hello"}),
    "false": policy(python={"interpreter": "/bin/false"}),
    "directory": policy(python={"interpreter": "@HERE@/tools"}),
    "venv": policy(python={"interpreter": "@VENV@/bin/python3", "external_allow": ["mine"]}),
}
PROFILES = {
    "bare": {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read", "write", "exit_group"], "action": "SCMP_ACT_ALLOW"}]},
    "docker": {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}],
        "syscalls": [
            {"names": ["openat", "close", "mmap", "no_such_call"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
            {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
            {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {"names": ["syslog"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYSLOG"]}},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
        ],
    },
    "open": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["ptrace", "mount"], "action": "SCMP_ACT_KILL_PROCESS"}]},
    "ways": {
        "defaultAction": "SCMP_ACT_KILL",
        "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_LOG"},
            {"names": ["write"], "action": "SCMP_ACT_TRACE"},
            {"names": ["kill"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 9, "op": "SCMP_CMP_NE"}]},
            {"names": ["lseek"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 4096, "op": "SCMP_CMP_LT"}]},
            {"names": ["mmap"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 4096, "op": "SCMP_CMP_GE"}]},
        ],
    },
    "config": {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": ["PATH=/usr/bin:/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": {"bounding": ["CAP_KILL"]},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "job",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/data", "type": "bind", "source": "/srv/data", "options": ["rbind", "ro"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=65536k"]},
        ],
        "linux": {
            "resources": {"memory": {"limit": 67108864}, "pids": {"limit": 5}, "cpu": {"quota": 50000, "period": 100000}},
            "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "mount"}],
            "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read", "socket"], "action": "SCMP_ACT_ALLOW"}]},
        },
    },
    "neither": {"hello": "world"},
}
FILES = {
    **{f"{name}.jsonc": text for name, text in {**GOOD, **FAILING}.items()},
    **{f"{name}.json": json.dumps(profile) for name, profile in PROFILES.items()},
    "items.json": json.dumps([{"json": {"n": 1}}, {"json": {"n": 2, "name": "Bl\u00e9\U0001f40d"}}, {"json": {"n": -1, "big": 9007199254740993}}]),
    "hello.py": 'print("hello from inside")\nreturn {"sum": sum(range(10)), "items": len(_items)}\n',
    "threads.py": "import threading\nthreading.Thread(target=print).start()\nreturn 1\n",
    "data/file": "data of the host\n",
    "out/kept": "kept\n",
    "tools/hello": '#!/bin/sh\necho "hello $1"\n',
    "tools/lost": "#!/no/such/interpreter\n",
    "tools/python": "#!/usr/bin/python3 -S\nimport sys\nprint('hello', sys.argv[1:])\n",
    "tools/text": "no program\n",
    "bin/careful": "#!/bin/sh\nsed -i 's/\"64MiB\"/\"128MiB\"/; s/\"linkat\"/&, \"symlinkat\"/' \"$1\"\n",
    "bin/careless": "#!/bin/sh\nsed -i 's/\"syscalls\": {/\"network\": { \"mode\": \"host\" },\\n  &/' \"$1\"\n",
    "bin/idle": "#!/bin/sh\n",
    "bin/failing": "#!/bin/sh\nexit 3\n",
}

# A call with all its arguments: none is what was left in a register.
RAW = """import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *given):
    given = [ctypes.c_long(value) for value in [*given, 0, 0, 0, 0, 0, 0][:6]]
    return libc.syscall(ctypes.c_long(number), *given), ctypes.get_errno()
"""
FORK = """import os, time
def hold(count):
    for _ in range(count):
        try:
            child = os.fork()
        except BlockingIOError:
            time.sleep(1)  # to be counted where it is by looking
            raise
        if child == 0:
            time.sleep(1000)
"""
FRAME = """import os
def frame(data):
    os.write(4, len(data).to_bytes(4, 'big') + data)
"""
DONE = FRAME + 'frame(b\'{"kind":"done","value":"forged"}\')\n'

# Name, options, code: each is run twice, with --json and for people.
JOBS = [
    # Values.
    ("value", "", "print('said')\nreturn {'a': [1, None, 'x', True, 1.5, -0.0, 1e300]}"),
    ("nothing", "", ""),
    ("only a comment", "", "# nothing"),
    ("texts", "", "return ['\u00e9\U0001f40d', '\\x00\\x1b[2J', '\\u2028', '\"\\\\', {'': {'k': []}}]"),
    ("large number", "", "return [2 ** 63, -2 ** 63, 2 ** 64 - 1, 10 ** 30]"),
    ("tags stay data", "", "return {'py/reduce': ['os.system', ['id']], '__class__': 'x', '$ref': 'file:///etc/passwd'}"),
    ("tuple and nested", "", "return ((1, (2, (3,))), [[]], {})"),
    *((f"odd value {name}", "", f"return {text}") for name, text in [
        ("nan", "float('nan')"), ("infinity", "[-float('inf')]"), ("huge", "10 ** 5000"), ("surrogate", "'\\ud800'"), ("set", "{1}"),
        ("bytes", "b'x'"), ("key", "{(1, 2): 3}"), ("number key", "{1: 2, None: 3, True: 4}"), ("object", "object"), ("function", "len"),
    ]),
    ("cycle", "", "x = []\nx.append(x)\nreturn x"),
    ("body with functions", "", "import math\ndef area(r):\n    return math.floor(r * r * 3)\nclass A:\n    x = [area(i) for i in range(3)]\nreturn A.x"),
    ("text over lines", "", "text = '''one\n    two\n\tthree'''\nreturn text"),
    # Items and queries.
    ("all items", "--items items.json", "return _items"),
    ("query", "--query '{\"factor\": 2}' --items items.json", "return [_query['factor'] * item['json']['n'] for item in _items]"),
    ("no items", "", "return [_items, _query]"),
    ("per item", "--mode per_item --items items.json", "return None if _item['json']['n'] < 0 else {'json': {'twice': _item['json']['n'] * 2}}"),
    ("per item of none", "--mode per_item", "return _item"),
    ("per item plain value", "--mode per_item --items items.json", "return _item['json']['n']"),
    ("per item raises", "--mode per_item --items items.json", "x = 1\nif _item['json']['n'] == 2:\n    raise ValueError('no good')\nreturn _item"),
    ("per item exits", "--mode per_item --items items.json", "import os\nif _item['json']['n'] < 0:\n    os._exit(3)\nreturn _item"),
    ("per item prints", "--mode per_item --items items.json", "print(_item['json']['n'])\nreturn _item"),
    # Prints and output.
    ("prints", "", "print('a', 1, sep='-')\nprint('b', end='')\nprint({'k': [1]})\nprint()\nprint('\u00e9\\x1b[2J')\nreturn 5"),
    ("print to a file", "", "import sys\nprint('err', file=sys.stderr)\nprint('out', file=sys.stdout, flush=True)\nreturn 1"),
    ("raw output", "", "import os\nos.write(1, b'out\\x1b[2J\\x9b\\n')\nos.write(2, b'remand: finished\\x1b]0;x\\x07')\nreturn 1"),
    ("logging", "", "import logging\nlogging.warning('watch out')\nreturn 1"),
    # Errors.
    ("raises", "", "x = 1\nraise ValueError('bad thing')"),
    ("raises within", "", "def inner():\n    return {}['key']\n\nreturn inner()"),
    ("raises from", "", "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise RuntimeError('outer') from error"),
    ("raises a class of its own", "", "class Bomb(Exception):\n    def __str__(self):\n        raise ValueError('no text')\nraise Bomb"),
    ("raises a terminal escape", "", "raise Exception('\\x1b[1A\\r\\n\u202e')"),
    ("raises a large text", "", "raise Exception('x' * 100000)"),
    ("recursion", "", "def f(n):\n    return f(n + 1)\nreturn f(0)"),
    ("syntax error", "", "x = 1\nif x ==:\n    return 2"),
    ("bad indentation", "", "x = 1\n  y = 2"),
    ("null byte", "", "x = '\\0'\nreturn eval('1\\0')"),
    ("keyboard interrupt", "", "raise KeyboardInterrupt"),
    ("group of exceptions", "", "raise ExceptionGroup('many', [ValueError(1), KeyError('k')])"),
    ("file not found", "", "open('/etc/shadow')"),
    ("read-only file", "", "open('/etc/passwd', 'w')"),
    ("read-only root", "", "import os\nos.mkdir('/new')"),
    # Other ends.
    ("system exit", "", "import sys\nsys.exit(0)"),
    ("system exit with text", "", "import sys\nsys.exit('over')"),
    ("exits 0", "", "import os\nos._exit(0)"),
    *((f"exits {code}", "", f"import os\nos._exit({code})") for code in (1, 7, 124, 137, 159)),
    *((f"kills itself by {number}", "", f"import os, time\nos.kill(os.getpid(), {number})\ntime.sleep(5)") for number in (6, 9, 11, 15, 24, 25, 31)),
    ("null pointer", "", "import ctypes\nctypes.string_at(0)"),
    ("forged result", "", DONE + "return 'honest'"),
    ("forged result and exit 0", "", DONE + "os._exit(0)"),
    ("forged result and exit 7", "", DONE + "os._exit(7)"),
    ("two results", "", DONE + DONE + "os._exit(0)"),
    *((f"frame {name}", "", f"{FRAME}frame({data!r})\nos._exit(0)") for name, data in [
        ("forged verdict", b'{"kind":"verdict","verdict":{"kind":"finished"}}'), ("second ready", b'{"kind":"ready"}'), ("of no bytes", b""),
        ("no object", b"[]"), ("two values", b'{"kind":"done","value":1}{}'), ("duplicate keys", b'{"kind":"done","value":1,"value":2}'),
        ("no UTF-8", b'{"kind":"done","value":"\xff\xfe"}'), ("nan", b'{"kind":"done","value":NaN}'), ("unknown key", b'{"kind":"done","value":1,"x":2}'),
        ("error without a type", b'{"kind":"error"}'), ("item out of order", b'{"kind":"item","index":5,"value":{}}'),
    ]),
    ("truncated frame", "", "import os\nos.write(4, b'\\0\\0\\x01\\0{\"kind\":')\nos._exit(0)"),
    ("truncated length", "", "import os\nos.write(4, b'\\0\\0')\nos._exit(0)"),
    ("length of four gibibytes", "", "import os\nos.write(4, b'\\xff\\xff\\xff\\xff')\nreturn 1"),
    # Limits.
    ("wall time", "--set limits.wall_time=300ms", "import time\ntime.sleep(1000)"),
    ("wall time in a loop", "--set limits.wall_time=300ms", "while True: pass"),
    ("cpu time", "--set limits.cpu_time=200ms --set limits.wall_time=10s", "while True: pass"),
    ("memory", "--set limits.memory=64MiB", "kept = []\nwhile True:\n    kept.append(bytearray(b'x') * (1 << 20))"),
    ("stdout", "--set limits.stdout=4KiB", "import os\nos.write(1, b'x' * 4096)\nos.write(1, b'x')\nos.read(0, 1)\nimport time\ntime.sleep(5)"),
    ("stdout just below", "--set limits.stdout=4KiB", "import os\nos.write(1, b'x' * 4096)\nreturn 1"),
    ("stderr", "--set limits.stderr=4KiB", "import os, time\nos.write(2, b'x' * 4096)\nos.write(2, b'x')\ntime.sleep(5)"),
    ("prints limit", "--set limits.prints=4KiB", "print('x' * 5000)\nreturn 1"),
    ("result size", "--set limits.result_size=4KiB", "return 'x' * 5000"),
    ("result depth", "--set limits.result_depth=16", "x = None\nfor _ in range(17):\n    x = [x]\nreturn x"),
    ("result nodes", "--set limits.result_nodes=100", "return [0] * 101"),
    ("result nodes just below", "--set limits.result_nodes=100", "return [0] * 90"),
    ("file size", "--set limits.file_size=1MiB", "with open('/tmp/x', 'wb') as file:\n    file.truncate((1 << 20) + 1)"),
    ("file size just below", "--set limits.file_size=1MiB", "with open('/tmp/x', 'wb') as file:\n    return file.truncate(1 << 20)"),
    ("tmp size", "--set filesystem.tmp.size=4MiB", "with open('/tmp/x', 'wb', 0) as file:\n    while True:\n        file.write(b'x' * 65536)"),
    ("tmp inodes", "--set filesystem.tmp.inodes=64", "for n in range(100):\n    open(f'/tmp/{n}', 'w').close()"),
    ("pids", "--set limits.pids=4", FORK + "hold(10)\nreturn 1"),
    ("pids just below", "--set limits.pids=8", FORK + "hold(3)\nreturn 1"),
    ("open files", "--set limits.open_files=32", "import os\nmade = []\ntry:\n    while True:\n        made.append(os.dup(0))\nexcept OSError as error:\n    return [error.errno, max(made)]"),
    ("stack", "--set limits.stack=1MiB", "import resource\nreturn resource.getrlimit(resource.RLIMIT_STACK)"),
    # Calls.
    ("denied call", "", RAW + "return [call(165), call(165), call(101), call(321)]"),
    ("denied calls of many kinds", "", RAW + "return [call(number)[1] for number in range(300, 335)]"),
    ("denied by its arguments", "", RAW + "return [call(16, 0, 0x5412, 0), call(72, 0, 1024, 0), call(135, 0x40000)]"),
    ("no such call", "", RAW + "return [call(435), call(425, 1), call(999)]"),
    ("denied and raised", "", RAW + "call(165)\nraise Exception('after')"),
    ("denied socket", "", "import socket\ntry:\n    socket.socket(1, 1)\nexcept PermissionError as error:\n    return error.errno"),
    ("socket of a condition", "--policy conditions.jsonc", "import socket\nsocket.socket(1, 1).close()\nsocket.socket(2, 1).close()\nreturn 'made'"),
    ("killed call", "--policy kill.jsonc", RAW + "return call(101)"),
    ("killed by strict", "--policy strict", RAW + "return call(165)"),
    ("foreign calls", "", RAW + "return call(0x40000027)"),
    ("strict computes", "--policy strict", "return sum(range(10))"),
    ("strict forks", "--policy strict", "import os\ntry:\n    os.fork()\nexcept PermissionError as error:\n    return error.errno"),
    ("strict starts a thread", "--policy strict", "import threading\ntry:\n    threading.Thread(target=print).start()\nexcept RuntimeError as error:\n    return str(error)"),
    ("threads and processes", "", "import os, threading\nt = threading.Thread(target=print)\nt.start()\nt.join()\npid = os.fork()\nif pid == 0:\n    os._exit(0)\nreturn os.waitpid(pid, 0)[1]"),
    ("subprocess", "", "import subprocess, sys\nreturn subprocess.run([sys.executable, '-c', 'print(6 * 7)'], capture_output=True, text=True).stdout"),
    ("no program", "", "import subprocess\nsubprocess.run(['/bin/true'])"),
    ("locks", "", "import fcntl\nfile = open('/tmp/x', 'w')\nfcntl.lockf(file, fcntl.LOCK_EX)\nfcntl.flock(file, fcntl.LOCK_SH)\nreturn 1"),
    ("event loop", "", "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 3\nreturn asyncio.run(main())"),
    # What is seen.
    ("identity", "", "import os, socket\nreturn [os.getuid(), os.getgid(), os.getgroups(), os.getpid(), os.getcwd(), socket.gethostname(), os.umask(0)]"),
    ("environment", "", "import os\nreturn dict(os.environ)"),
    ("environment of a policy", "--policy environment.jsonc", "import os\nreturn dict(os.environ)"),
    ("root", "", "import os\nreturn [sorted(os.listdir(path)) for path in ('/', '/dev', '/etc', '/tmp')]"),
    ("accounts", "", "return [open(path).read() for path in ('/etc/passwd', '/etc/group', '/etc/hosts', '/etc/nsswitch.conf')]"),
    ("devices", "--policy strict", "import os\nreturn sorted(os.listdir('/dev'))"),
    ("descriptors", "", "import os\nreturn [fd for fd in range(64) if os.path.exists(f'/proc/self/fd/{fd}')]"),
    ("status", "", "keys = ('Cap', 'NoNewPrivs', 'Seccomp:', 'NSpid')\nreturn [line.split() for line in open('/proc/self/status') if line.startswith(keys)]"),
    ("rlimits", "", "import resource\nreturn {n: resource.getrlimit(getattr(resource, n)) for n in sorted(dir(resource)) if n.startswith('RLIMIT_') and n != 'RLIMIT_NPROC'}"),
    ("interfaces", "", "return [line.split(':')[0].strip() for line in open('/proc/self/net/dev')]"),
    ("mounts", "--policy mounts.jsonc", "import os\nopen('/out/made', 'w').write('made inside')\nreturn [open('/data/file').read(), sorted(os.listdir('/out')), os.path.exists('/absent')]"),
    ("read-only mount", "--policy mounts.jsonc", "open('/data/new', 'w')"),
    ("absent mount", "--policy absent.jsonc", "return 1"),
    ("own tmp", "--policy tmp.jsonc", "import os\nopen('/tmp/x', 'w').write('x')\nv = os.statvfs('/tmp')\nreturn [v.f_blocks * v.f_frsize, v.f_files, os.path.exists('/proc/self')]"),
    ("loopback", "--policy loopback.jsonc", "import socket\ns = socket.create_server(('127.0.0.1', 0))\nc = socket.create_connection(s.getsockname())\ns.accept()[0].sendall(b'over')\nreturn c.recv(9).decode()"),
    ("host network", "--policy host.jsonc", "import socket\nsocket.socket().close()\nreturn 'made'"),
    ("python lists", "--policy python.jsonc", "import json, math, os\nreturn [math.pi > 3, dict(os.environ)]"),
    ("refused import", "--policy python.jsonc", "import statistics"),
    ("refused builtin", "--policy python.jsonc", "return eval('1')"),
    ("refused package", "", "import numpy"),
    ("no such module", "", "import no_such_module"),
    ("numeric without packages", "--policy numeric", "import sys, os\nreturn [sys.version_info[:2] > (3, 8), os.environ['OMP_NUM_THREADS']]"),
    ("package of an environment", "--policy venv.jsonc", "import mine\nreturn mine.word"),
    ("package that is not listed", "--policy venv.jsonc", "import other"),
    # Not started.
    ("no interpreter", "--policy bare.jsonc", "return 1"),
    ("no named interpreter", "--policy named.jsonc", "return 1"),
    ("interpreter is a script", "--policy script.jsonc", "return 1"),
    ("interpreter is false", "--policy false.jsonc", "return 1"),
    ("interpreter is a directory", "--policy directory.jsonc", "return 1"),
    ("required protections", "--policy required.jsonc", "return 1"),
    ("landlock of the future", "--policy landlock.jsonc", "return 1"),
    ("minimal policy", "--policy minimal.jsonc", "return 1"),
    # Requests.
    ("narrowed", "--set limits.memory=64MiB --set limits.pids=3 --set 'syscalls.deny=[\"mkdir\"]'", "import os\nos.mkdir('/tmp/x')"),
    ("narrowed python", "--set 'python.stdlib_allow=[\"json\"]' --set 'python.builtins_deny=[\"eval\"]'", "import math"),
    ("security config", "--security-config <(echo '{\"stdlib_allow\": [\"json\"], \"builtins_deny\": [\"eval\"], \"runner_env_deny\": true}')", "import os"),
    ("job too large", "--set limits.job_size=1KiB", "return '" + "x" * 2000 + "'"),
]

# Refused before anything runs: options of `remand run`, with `return 1` on standard input.
REQUESTS = [
    *(f"--set {setting} -" for setting in [
        "limits.memory=100TiB", "limits.wall_time=unlimited", "network.mode=host", "limits.memory", "limits.no_such=1", "limits.memroy=1MiB",
        "limits.memory=1", "limits.memory=0MiB", "limits.pids=x", "'python.external_allow=[\"numpy\"]'", "'syscalls.allow=[\"@sockets\"]'",
        "filesystem.tmp.exec=true", "syscalls.enforce=optional", "'environment.X=1'", "version=2", "extends=strict", "=", "limits=1",
        "'filesystem.mounts=[{\"source\":\"/etc\"}]'", "python.interpreter=/usr/bin/python3", "limits.cgroup=optional",
    ]),
    "--set limits.memory=64MiB --set limits.memory=32MiB -",
    "--mode some_items -", "--query { -", "--query '{\"a\":1,\"a\":2}' -", "--query 1e999 -", "--policy no-such-policy -", "--policy defualt -",
    "--policy ./no-such.jsonc -", "--policy broken.jsonc -", "--policy . -", "/no/such/code.py", ".", "", "--no-such-option -", "- -",
    "--items no-such.json -", "--items - -", "--items <(echo '{\"json\": 1}') -", "--items <(echo '[1,]') -", "--items <(printf '[\"\\xff\"]') -",
    "--items <(echo '[1, \"x\", null]') -", "--security-config <(echo '{\"stdlib\": []}') -", "--security-config <(echo '{\"external_allow\": [\"numpy\"]}') -",
    "--security-config <(echo '[') -", "--security-config <(echo '{\"stdlib_allow\": \"json\"}') -", "--security-config - -", "<(printf '\\xff\\xfe')",
]

# Programs: options and words of `remand exec`, each with --json too.
PROGRAMS = [
    "-- /bin/echo hello", "-- echo hello", "-- /bin/false", "-- /bin/cat /etc/shadow", "-- /bin/ls /", "-- sh -c 'echo out; echo err >&2; exit 7'",
    "-- sh -c 'kill -9 $$'", "-- sh -c 'kill -SEGV $$'", "--set limits.wall_time=300ms -- /bin/sleep 1000",
    "--set limits.stdout=1KiB -- sh -c 'while :; do echo xxxxxxxxxxxxxxx; done'",
    "--set limits.cpu_time=200ms -- sh -c 'while :; do :; done'", "-- no-such-program", "-- ./no-such-program", "-- ./tools", "-- ./data/file",
    "-- ./tools/hello you",
    "-- ./tools/lost", "-- ./tools/python you", "-- ./tools/text", "--policy programs.jsonc -- sh -c '. /tools/hello; /tools/hello you'",
    "--policy strict -- /bin/true",
    "--policy mounts.jsonc -- cat /data/file", "--policy minimal.jsonc -- /bin/true", "--policy absent.jsonc -- /bin/true", "--policy required.jsonc -- /bin/true",
    "--policy broken.jsonc -- true", "-- env", "-- sh -c 'printf \"\\033[2J\\200\"'", "-- ''", "--set network.mode=host -- true", "--", "true",
    "-- unshare -r true", "-- mount -t tmpfs none /tmp",
]

# Shell commands as they are.
COMMANDS = [
    "remand", "remand --help", "remand -h", "remand --version", "remand no-such", "remand help run", "remand policy", "remand run --json=1 x",
    "remand run hello.py", "remand run --timing hello.py", "remand run --json --timing hello.py", "remand run - <hello.py",
    "remand run --items - hello.py <items.json",
    "remand run /dev/stdin <hello.py", "remand run hello.py <&-", "remand run hello.py <&- 2>&-", "remand run hello.py >&-", "remand run hello.py >/dev/full",
    "remand run --json hello.py >/dev/full", "echo 'raise Exception' | remand run - 2>/dev/full", "echo 'return \"x\" * 100000' | remand run - | true",
    "chmod 666 report.jsonc; remand run --policy report.jsonc hello.py",
    "mkdir open; chmod 777 open; cp report.jsonc open; remand run --policy open/report.jsonc hello.py",
    "ln -s report.jsonc link.jsonc; remand run --policy link.jsonc hello.py", "mkfifo fifo; remand run fifo", "mkfifo fifo; remand run --policy ./fifo hello.py",
    "mkfifo fifo; remand policy check fifo", "cp hello.py other.py; chmod 0 other.py; remand run other.py; echo \"[$?]\"; chmod 644 other.py",
    "PATH=$HERE/../bin remand run hello.py; PATH=$HERE/../bin remand doctor",
    "remand exec -- sh -c 'cat; echo end' <hello.py", "chmod +x tools/text; remand exec -- ./tools/text", "remand doctor", "remand doctor --json",
    "remand generate docs", "remand generate no/such/place",
    "mkdir docs; remand generate docs", "remand generate hello.py",
    # Cancelled, once it is seen to run.
    *(f"""mkfifo seen; remand exec {option} --policy programs.jsonc -- sh -c 'echo up >&2; while :; do :; done' 2>seen & pid=$!
exec 3<seen; read -r word <&3; kill -{name} $pid; cat <&3; wait $pid""" for name in ("INT", "TERM", "HUP") for option in ("",)),
    """echo 'import time; open("/out/up", "w").close(); time.sleep(1000)' >job.py; remand run --json --policy mounts.jsonc job.py & pid=$!
for _ in $(seq 600); do [ -e out/up ] || sleep 0.1; done; kill -TERM $pid; wait $pid""",
    # Check.
    "remand policy check", "remand policy check *.jsonc", "remand policy check --no-host *.jsonc", "remand policy check --json --no-host *.jsonc",
    "remand policy check --json broken.jsonc",
    "remand policy check --deny-warnings mounts.jsonc", "remand policy check --ceiling ceiling.jsonc report.jsonc limits.jsonc",
    "remand policy check --ceiling ceiling.jsonc --json report.jsonc",
    "remand policy check --ceiling broken.jsonc report.jsonc", "remand policy check --ceiling no-such.jsonc report.jsonc",
    "remand policy check no-such.jsonc report.jsonc",
    "remand policy check data", "remand policy check default", "printf '\\xff' >x.jsonc; remand policy check x.jsonc", ": >x.jsonc; remand policy check x.jsonc",
    "trap 'rm x.jsonc' EXIT; truncate -s 3M x.jsonc; remand policy check x.jsonc",
    "printf '\\xef\\xbb\\xbf{\"version\": 1}\\r\\n' >x.jsonc; remand policy check x.jsonc",
    # Show, explain, export of built-in ones.
    *(f"remand policy {command} {name}" for command in ("show", "show --json", "explain", "export --as oci", "export --as text", "export --as bpf") for name in ("default", "strict", "numeric", "compile", "judge")),
    *(f"remand policy export --as {form} --arch aarch64 strict" for form in ("oci", "text", "bpf")),
    "remand policy export --as bpf-raw default | od -Ad -tx1 | head -n 60", "remand policy export default", "remand policy export --as pdf default",
    "remand policy export --as text no-such",
    "remand policy export --as oci conditions.jsonc >profile.json; remand policy import profile.json",
    "remand policy show --set limits.memory=64MiB default", "remand policy show --set limits.memory=1TiB default", "remand policy show no-such",
    "remand policy show broken.jsonc",
    "remand policy explain --set limits.pids=2 default", "remand policy explain broken.jsonc", "remand policy explain no-such.jsonc",
    # Diff.
    *(f"remand policy diff {words}" for words in [
        "default strict", "strict default", "default numeric", "default default", "--json default strict", "--fail-on widen default strict",
        "--fail-on widen strict default",
        "--fail-on change default report.jsonc", "default report.jsonc", "report.jsonc limits.jsonc", "default lists.jsonc", "default conditions.jsonc",
        "conditions.jsonc expect.jsonc",
        "default mounts.jsonc", "mounts.jsonc programs.jsonc", "default environment.jsonc", "default python.jsonc", "loopback.jsonc host.jsonc",
        "--json loopback.jsonc host.jsonc",
        "minimal.jsonc default", "comments.jsonc default", "required.jsonc landlock.jsonc", "default broken.jsonc", "default no-such", "default",
        "tmp.jsonc kill.jsonc",
    ]),
    # Edits.
    *(f"remand policy {words}" for words in [
        "set comments.jsonc limits.wall_time=20s limits.pids=4", "set --dry-run comments.jsonc limits.memory=128MiB",
        "set comments.jsonc limits.memory=48MiB limits.wall_time=20s",
        "set comments.jsonc limits.memory=64MiB", "set comments.jsonc limits.memroy=1", "set comments.jsonc limits.memory",
        "set comments.jsonc environment.LANG=C network.mode=none",
        "set comments.jsonc 'python.stdlib_allow=[\"json\"]'", "set comments.jsonc network.mode=host",
        "set comments.jsonc limits.file_size=unlimited limits.cpus=0.5", "set minimal.jsonc limits.pids=8 description=mine",
        "set --create new.jsonc limits.pids=8", "set new.jsonc limits.pids=8", "set --create --dry-run new.jsonc limits.pids=8", "set default limits.pids=8",
        "set broken.jsonc limits.pids=8",
        "set broken.jsonc limits.memroy=1MiB", "set comments.jsonc 'filesystem.mounts=[{\"source\":\"/usr/share\"}]'", "set comments.jsonc extends=strict",
        "set comments.jsonc 'syscalls.deny=[]'",
        "allow comments.jsonc chown --reason 'unpacks archives'", "allow comments.jsonc chown", "allow comments.jsonc mkdir", "allow comments.jsonc linkat",
        "allow comments.jsonc ptrace --reason x",
        "allow comments.jsonc @sockets --reason 'asks a server'", "allow comments.jsonc @no-such", "allow comments.jsonc no_such_call",
        "allow comments.jsonc /usr/share:/share", "allow comments.jsonc $HERE/data:/data",
        "allow comments.jsonc $HERE/out --writable --reason 'results'", "allow comments.jsonc $HERE/out --writable", "allow comments.jsonc $HERE/tools --exec",
        "allow comments.jsonc /no/such/place",
        "allow comments.jsonc relative", "allow --dry-run lists.jsonc @threads mkdir", "allow --create new.jsonc chown --reason archives",
        "allow mounts.jsonc $HERE/data:/data", "allow minimal.jsonc @io",
        "deny comments.jsonc @socketpair", "deny comments.jsonc mkdir mkdirat", "deny comments.jsonc socket", "deny comments.jsonc no_such_call",
        "deny conditions.jsonc chown", "deny mounts.jsonc /data",
        "deny mounts.jsonc /no/such/target", "deny --dry-run comments.jsonc @threads", "deny lists.jsonc link", "deny expect.jsonc @sockets",
        "fmt comments.jsonc report.jsonc", "fmt --check *.jsonc", "fmt - <comments.jsonc", "fmt --check - <comments.jsonc", "fmt broken.jsonc",
        "fmt no-such.jsonc", "fmt - <<<'{\"version\":1,'", "fmt",
        "fmt - <<<'// one\n{\"version\":1,   // two\n\n\n\"limits\":{\"pids\":3,/* three */},\"expect\":[\n1,2]} // four'",
    ]),
    *(f"echo {answer} | EDITOR=$HERE/bin/{editor} remand policy edit {file}" for answer, editor, file in [
        ("y", "careful", "comments.jsonc"), ("n", "careful", "comments.jsonc"), ("x", "careless", "comments.jsonc"), ("y", "idle", "comments.jsonc"), ("y", "failing", "comments.jsonc"),
        ("y", "no-such", "comments.jsonc"), ("y", "idle", "no-such.jsonc"), ("y", "idle", "default"),
    ]),
    # Learn.
    *(f"remand policy learn {words}" for words in [
        "--from strict -- run threads.py", "--from strict --json -- run threads.py", "--from strict --write new.jsonc -- run threads.py",
        "--from low.jsonc --write low.jsonc -- run threads.py",
        "--from low.jsonc --write report.jsonc -- run threads.py", "-- run hello.py", "--runs 1 --from strict -- run threads.py",
        "--from strict --ceiling strict -- run threads.py",
        "-- run - <<<'import socket; socket.socket().close()'", "--try-dangerous -- run - <<<'import socket; socket.socket().close()'",
        "--from strict -- run - <<<'raise Exception(1)'",
        "-- run - <<<'return len(open(\"/etc/debian_version\").read())'", "-- run - <<<'open(\"/etc/shadow\")'",
        "--from python.jsonc -- run - <<<'import errno, statistics'", "-- exec cat /etc/debian_version",
        "-- doctor", "-- run --set limits.pids=3 -", "-- run --json -", "--from strict -- run --policy numeric -", "--items x.json -- exec true",
        "--runs 0 -- run -", "--", "-- run no-such.py",
        "--items items.json -- run hello.py", "--from broken.jsonc -- run hello.py",
    ]),
    # Import and test.
    *(f"remand policy import {words}" for words in [
        *(f"{name}.json" for name in PROFILES), *(f"--json {name}.json" for name in PROFILES), "--from oci bare.json", "--from seccomp config.json", "--output new.jsonc docker.json",
        "--output report.jsonc docker.json", "no-such.json", "- <docker.json", "hello.py",
    ]),
    *(f"remand policy test {words}" for words in [
        "default strict numeric", "expect.jsonc", "failing.jsonc", "--json expect.jsonc failing.jsonc", "--live expect.jsonc", "--live failing.jsonc",
        "--live --json expect.jsonc", "--live strict",
        "broken.jsonc", "no-such", "report.jsonc", "absent.jsonc", "--live absent.jsonc",
    ]),
]

# Of `remand policy why`, under each of these policies.
QUESTIONS = {
    "default": [
        "read", "socket AF_INET SOCK_STREAM", "socket AF_ALG", "socket", "clone", "clone CLONE_NEWUSER|SIGCHLD", "clone SIGCHLD", "clone3", "io_uring_setup 1",
        "unshare CLONE_NEWNS", "ptrace",
        "ioctl 0 TIOCSTI", "ioctl 0 ?", "prctl PR_SET_DUMPABLE 1", "syscall 999", "syscall 39", "personality 0xffffffff", "fcntl 3 F_SETLK",
        "mmap 0 4096 PROT_EXEC", "kill -1 9", "chown",
        "open /etc/passwd", "open /etc/shadow", "open /var/log", "open /tmp/x", "open /proc/self/status", "open /dev/zero", "open /usr/bin/python3",
        "open relative", "open /etc/passwd/", "open /bin",
        "write /etc/passwd", "write /tmp/file", "exec /tmp/file", "exec /bin/sh", "exec /usr/bin/python3", "read /etc/hosts", "memory 2GiB", "memory 1MiB",
        "pids 10", "wall_time 20s", "tmp 1GiB",
        "open_files 1000", "file_size 64MiB", "cpus 2", "prints 1KiB", "result_depth 500", "memory", "memory 2GB", "import json", "import numpy",
        "import os.path", "builtin eval", "env HOME",
        "env PATH", "connect 127.0.0.1:80", "connect example.com:443", "connect x", "scoket", "socket AF_NO_SUCH", "read 1 2 3 4 5 6 7", "", "frobnicate the bits",
    ],
    "strict": ["ptrace", "mount", "clone SIGCHLD", "open /proc/self/status", "flock 3 LOCK_EX", "memory 65MiB", "bpf BPF_PROG_LOAD"],
    "conditions.jsonc": ["socket AF_UNIX SOCK_STREAM", "socket AF_INET SOCK_DGRAM", "socket AF_NETLINK", "chown 0 1000", "chown 0 1001", "acct 0x100000002"],
    "mounts.jsonc": ["open /data/file", "write /data/file", "write /out/x", "open /absent", "exec /data/file", "open /out/kept"],
    "python.jsonc": ["import json", "import statistics", "builtin eval", "builtin len", "env HOME"],
    "loopback.jsonc": ["connect 127.0.0.1:80", "connect 10.0.0.1:80", "socket AF_INET"],
    "host.jsonc": ["connect 10.0.0.1:80"],
    "broken.jsonc": ["read"],
    "no-such": ["read"],
}

# Each stands in a policy that extends the default.
MISTAKES = """
"MemoryMax": "128M"
"mem_limit": "128m"
"limits": { "memory_limit": "1g" }
"limits": { "nproc": 32 }
"cpuset": "0-1"
"memory_swap": "1g"
"cap_add": ["NET_ADMIN"]
"security_opt": ["seccomp=unconfined"]
"user": "1000:1000"
"volumes": ["/srv/data:/data"]
"working_dir": "/srv"
"ports": ["80:80"]
"zzz": 1
"limits": 1
"limits": { "memory": "64MB" }
"limits": { "memory": 64 }
"limits": { "memory": "64 MiB" }
"limits": { "memory": "1.3B" }
"limits": { "memory": "999999999TiB" }
"limits": { "memory": "32MiB" }
"limits": { "memory": null }
"limits": { "memory": "50%" }
"limits": { "memory": "1MiB", "memory": "2MiB" }
"limits": { "wall_time": 10 }
"limits": { "wall_time": "1m30s" }
"limits": { "wall_time": "0s" }
"limits": { "pids": -1 }
"limits": { "pids": 1.5 }
"limits": { "pids": 1_000 }
"limits": { "pids": 032 }
"limits": { "cpus": 0.0001 }
"limits": { "cgroup": "yes" }
"limits": { "result_depth": 100000 }
"limits": { "extends": "strict" }
"limits": { "pids": 32; }
"limits" = { "pids": 32 }
"limits": { "pids": 32
# fewer
<<<<<<< HEAD
\u201climits\u201d: { "pids": 32 }
"extends": "defualt"
"extends": "base.jsonc"
"extends": ["default", "strict"]
"version": 2
"description": 5
"$schema": 5
"syscalls": { "allow": { "add": ["@system-service"] } }
"syscalls": { "allow": { "add": ["@sockets"] } }
"syscalls": { "allow": { "add": ["SYS_openat"] } }
"syscalls": { "allow": { "add": ["sleep"] } }
"syscalls": { "allow": "@io" }
"syscalls": { "allow": { "add": [{ "name": "mkdir" }] } }
"syscalls": { "allow": { "remove": ["@sockets"] } }
"syscalls": { "allow": { "add": ["mkdir"] } }
"syscalls": { "allow": ["read"], "deny": ["read"] }
"syscalls": { "deny": ["linkta"] }
"syscalls": { "deny": ["socket"], "kill": ["read"] }
"syscalls": { "allow": { "add": [{ "call": "socket", "reason": "r", "when": { "arg": 0, "equals": 1 } }] } }
"syscalls": { "allow": { "add": [{ "call": "socket", "reason": "r", "when": [{ "arg": 0, "equals": "AF_UNIX" }] }] } }
"syscalls": { "allow": { "add": [{ "call": "socket", "reason": "r", "when": [{ "arg": 9, "equals": 1 }] }] } }
"syscalls": { "allow": { "add": [{ "call": "socket", "reason": "r", "when": [{ "arg": 0, "one_of": [] }] }] } }
"syscalls": { "allow": { "add": [{ "call": "socket", "reason": "r", "when": [{ "arg": 0, "masked": { "mask": 1, "value": 2 } }] }] } }
"syscalls": { "allow": { "add": [{ "call": "@sockets", "reason": "api" }] } }
"syscalls": { "enforce": "optional" }
"filesystem": { "mounts": ["/srv/data:/data:ro"] }
"filesystem": { "mounts": [{ "source": "/srv/data", "mode": "rw" }] }
"filesystem": { "mounts": [{ "source": "~/data" }] }
"filesystem": { "mounts": [{ "source": "/usr/share", "writable": true }] }
"filesystem": { "mounts": [{ "source": "/usr/share/../lib" }] }
"filesystem": { "mounts": [{ "source": "/usr/share", "target": "/proc" }] }
"filesystem": { "mounts": [{ "source": "/usr/share", "target": "/a" }, { "source": "/usr/lib", "target": "/a" }] }
"filesystem": { "mounts": [{ "source": "/etc" }, { "source": "/root", "optional": true }] }
"filesystem": { "mounts": [{ "source": "/srv/data/*.csv" }] }
"filesystem": { "tmp": "64MiB" }
"filesystem": { "tmp": { "size": "1TiB" } }
"filesystem": { "tmp": { "exec": true } }
"filesystem": { "proc": "yes" }
"filesystem": { "devices": ["sda", "null"] }
"network": true
"network": { "mode": "host" }
"network": { "mode": "loopback", "reason": "r" }
"network": { "allow": ["api.example.com:443"] }
"namespaces": { "pid": "optional" }
"namespaces": { "time": "required" }
"landlock": { "minimum_abi": 0 }
"landlock": { "enforce": "optional" }
"python": { "interpreter": "bin/python" }
"python": { "interpreter": "" }
"python": { "stdlib_allow": ["json", "no_such_module", "numpy"] }
"python": { "external_allow": ["json"] }
"python": { "builtins_deny": ["eval", "evil"] }
"environment": ["TZ=UTC"]
"environment": { "PATH": "$PATH:/opt/bin" }
"environment": { "A=B": "x" }
"environment": { "LD_PRELOAD": "/x.so" }
"environment": { "X": 5 }
"expect": [{ "syscall": "ptrace", "is": "denied" }]
"expect": [{ "call": "ptrace", "is": "forbidden" }]
"expect": [{ "call": "scoket", "is": "denied" }, { "limit": "memory", "is": "denied" }]
"expect": [{ "call": "ptrace" }, 5]
"expect": [{ "open": "etc", "is": "denied" }, { "call": "ptrace", "open": "/x", "is": "denied" }]
"""
WHOLE = [
    "version: 1\nextends: default", 'version = 1\nextends = "default"', "[limits]\npids = 32", '[{ "version": 1 }]', "{}", '{ "version": "1" }', '{ "version": 1 } x', '{ "version": 1, "limits": { "pids": tru } }',
    '{ "version": 1, "a": "\\x" }', '{ "version": 1, "a": "no end', "{" * 200, "null", '{ "version": 1, "limits": {} /* no end', "<xml/>", '{ "version": 1, "extends": "default" "limits": {} }',
]
HELPED = ["run", "exec", "doctor", "policy", "generate"] + [
    f"policy {name}" for name in ("check", "diff", "show", "explain", "why", "test", "edit", "set", "allow", "deny", "fmt", "import", "export", "learn")
]


def here(text):
    return f"<<'END'\n{text}\nEND"


def groups():
    for command in HELPED:
        yield "help", command, f"remand {command} --help"
        yield "help", f"{command} short", f"remand {command} -h"
    for name, options, code in JOBS:
        yield "run", name, f"remand run --json {options} - {here(code)}"
        yield "run", f"{name} for people", f"remand run {options} - {here(code)}"
    for options in REQUESTS:
        yield "request", options, f"remand run {options} <<<'return 1'"
    for words in PROGRAMS:
        yield "exec", words, f"remand exec {words}"
        yield "exec", f"{words} json", f"remand exec --json {words}"
    for command in COMMANDS:
        yield "command", command.removeprefix("remand "), command
    for name in GOOD:
        for command in ("check", "show", "explain", "show --json", "export --as text"):
            yield "good", f"{name} {command}", f"remand policy {command} {name}.jsonc"
    for under, questions in QUESTIONS.items():
        for question in questions:
            yield "why", f"{under} {question}", f"remand policy why --policy {under} '{question}'"
            yield "why", f"{under} {question} json", f"remand policy why --json --policy {under} '{question}'"
    for text in MISTAKES.split("\n")[1:-1]:
        whole = f'{{\n  "version": 1,\n  "extends": "default",\n  {text}\n}}'
        if text.startswith(('"extends"', '"version"')):
            whole = f"{{\n  {text}\n}}" if "version" in text else f'{{\n  "version": 1,\n  {text}\n}}'
        yield "mistake", text, f"cat >policy.jsonc {here(whole)}\nremand policy check policy.jsonc"
    for text in WHOLE:
        yield "mistake", text, f"cat >policy.jsonc {here(text)}\nremand policy check policy.jsonc"


def cases():
    """Name, as a path, and command of each."""
    for number, (group, name, command) in enumerate(groups()):
        slug = re.sub(r"[^A-Za-z0-9_=.]+", "-", name).strip("-.")[:60]
        yield f"{group}/{number:04}-{slug}", command

# honest: random lock calls of two processes on one file, each told its answer; the same dice fall everywhere.
import errno, fcntl, os, random, struct
dice = random.Random(_query)
path = "lock-calls"
with open(path, "wb") as file:
    file.write(bytes(40))

def call(fd, op):
    kind, args = op
    try:
        if kind == "flock":
            fcntl.flock(fd, args)
            return "ok"
        if kind == "seek":
            return str(os.lseek(fd, args, os.SEEK_SET))
        command, *fields = args
        answer = fcntl.fcntl(fd, command, struct.pack("hhqqi4x", *fields))
        l_type, whence, start, length, pid = struct.unpack("hhqqi4x", answer)
        who = {me: "me", other: "other"}.get(pid, "nobody") if command == fcntl.F_GETLK and l_type != fcntl.F_UNLCK else "-"
        return f"{l_type} {whence} {start} {length} {who}"
    except OSError as error:
        return errno.errorcode[error.errno]

def roll():
    kind = dice.choice(["flock", "seek", "set", "set", "set", "get", "close"])
    if kind == "flock":
        return kind, dice.choice([1, 2, 8, 3, 0]) | fcntl.LOCK_NB
    if kind == "seek":
        return kind, dice.randrange(40)
    if kind == "close":
        return kind, None
    command = fcntl.F_SETLK if kind == "set" else fcntl.F_GETLK
    types = [fcntl.F_RDLCK, fcntl.F_WRLCK] + ([fcntl.F_UNLCK, 9] if kind == "set" else [])
    return kind, (command, dice.choice(types), dice.choice([0] * 6 + [1, 2, 3]), dice.choice([dice.randrange(40)] * 5 + [-7]), dice.choice([dice.randrange(20)] * 5 + [-3]), 0)

to_child, to_parent = os.pipe(), os.pipe()
me, child = os.getpid(), os.fork()
other = child or os.getppid()
me = os.getpid()
modes = [os.O_RDWR, os.O_RDONLY, os.O_WRONLY]
fds = [os.open(path, modes[0])]

def step(op):
    if op[0] == "close":  # whatever was locked through it goes
        os.close(fds.pop())
        fds.append(os.open(path, dice.choice(modes)))
        return "closed"
    return call(fds[0], op)

answers = []
for turn in range(250):
    mine, op = dice.random() < 0.5, roll()
    if mine == bool(child):
        said = step(op)
        if not child:
            os.write(to_parent[1], said.encode().ljust(64))
        else:
            answers.append(said)
            os.write(to_child[1], b".")
    else:
        if op[0] == "close":
            dice.choice(modes)
        if child:
            answers.append(os.read(to_parent[0], 64).decode().strip())
        else:
            os.read(to_child[0], 1)
if not child:
    os._exit(0)
os.waitpid(child, 0)
return answers

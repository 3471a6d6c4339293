# K3, F1: write to what the interpreter is made of: its binary, each mapped library, each through /proc/self/exe and /proc/1/exe too.
# needs: native
paths = [_query] if _query else sorted({line.split()[-1] for line in open("/proc/self/maps") if line.split()[-1].startswith("/")})
answers = {opened(path, os.O_WRONLY) for path in paths}
if not _query:
    answers |= {opened("/proc/self/exe", os.O_RDWR), opened("/proc/1/exe", os.O_WRONLY)}
else:
    open(_query, "w").close()
    answers = {opened(_query, os.O_WRONLY)}
return sorted(answers)

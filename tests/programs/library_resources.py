import resource

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (50, hard))
kept = []
try:
    while True:
        kept.append(open("/dev/null"))
except OSError as error:
    print(error.errno, len(kept) < 50)
for file in kept:
    file.close()
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
while True:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    if usage.ru_utime > 0:  # 0 until a tick of the clock has met it outside of the kernel
        break
print(usage.ru_maxrss > 0, resource.getpagesize())
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard + 1))
    print("raised")
except (ValueError, PermissionError, OverflowError) as error:
    print("refused")

import signal

for name in ("SIGINT", "SIGPIPE", "SIGXFSZ", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGCHLD", "SIGALRM", "SIGQUIT", "SIGABRT"):
    print(name, signal.getsignal(getattr(signal, name)))
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))

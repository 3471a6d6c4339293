# P12: catch the soft limit's signal and spin on.
import resource, signal, time
for number in (signal.SIGXCPU, signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGVTALRM):
    signal.signal(number, signal.SIG_IGN)
while _query is None or time.process_time() < _query:
    pass
return "done"

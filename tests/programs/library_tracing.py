import dis
import io
import sys
import trace

def f(n):
    if n:
        return f(n - 1)
    return "end"

events = []
sys.setprofile(lambda frame, event, given: events.append(event) if frame.f_code is f.__code__ else None)
f(2)
sys.setprofile(None)
print(events)
lines = []
def tracer(frame, event, given):
    lines.append(frame.f_lineno - f.__code__.co_firstlineno)
    return tracer
sys.settrace(tracer)
f(0)
sys.settrace(None)
print(lines[:4])
out = io.StringIO()
dis.dis(f, file=out)
print("RETURN" in out.getvalue(), trace.Trace(count=0, trace=0).runfunc(f, 1))

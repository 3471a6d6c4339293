# N10, Y10: look for a canary in the environment, the process's memory map of strings, and every object that the collector knows.
import gc, os, sys
mark = "canary-" + _query["mark"]
kept = {"here": mark, "tracked": []} if _query["plant"] else None
found = [key for key, value in os.environ.items() if mark in value or mark in key]
if mark.encode() in open("/proc/self/environ", "rb").read() or mark.encode() in open("/proc/self/cmdline", "rb").read():
    found.append("proc")
frame, own = sys._getframe(), sys._getframe().f_locals
while frame is not None:
    found += [name for name, value in {**frame.f_globals, **frame.f_locals}.items() if isinstance(value, str) and mark in value and name != "mark"]
    frame = frame.f_back
for object in gc.get_objects():
    if type(object) is dict and object is not own and "mark" not in object:
        found += ["heap" for value in list(object.values()) if type(value) is str and mark in value]
return {"found": sorted(set(found)), "environment": sorted(os.environ)}

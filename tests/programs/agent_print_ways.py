# function
import io
import sys

print("a", "b", sep="-", end="!\n")
print(*range(3), sep="\n")
print("to stderr", file=sys.stderr)
print("flushed", flush=True)
print()
print(None, True, 1.0, [1, "x"], {"k": (1,)}, b"b")
print("no newline", end="")
print(" and the rest")
out = io.StringIO()
print("captured", file=out)
print(repr(out.getvalue()))

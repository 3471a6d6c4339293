import sys

sys.stdout.buffer.write(b"raw \xff bytes\n")
sys.stdout.flush()
sys.stdout.write("text\n")
print(sys.stdout.isatty(), sys.stdout.fileno(), sys.stdout.name, sys.stderr.line_buffering)
sys.stdout.reconfigure(errors="replace")
print("\ud800")
sys.stdout.reconfigure(encoding="latin-1")
print("\xe9")

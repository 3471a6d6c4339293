import sys

total = 0
for line in sys.stdin:
    if not line.strip():
        continue
    total += int(line, 0)
print(total)

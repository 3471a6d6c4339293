import sys

print("first")
sys.stdout.close()
sys.stderr.write("stdout is closed\n")

import os
import sys

print("by print")
os.write(1, b"by write\n")
sys.stderr.write("by stderr\n")
os.write(1, b"again\n")
print("last")

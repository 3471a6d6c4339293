import sys

try:
    print("cleaning up later")
    sys.exit("nothing to do: no input files")
finally:
    print("cleaned up")

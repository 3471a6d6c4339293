import argparse
import sys

print(sys.argv[1:])
parser = argparse.ArgumentParser(prog="tool", description="Does a thing")
parser.add_argument("names", nargs="*", default=["nobody"])
parser.add_argument("-n", "--number", type=int, default=2, help="how many")
parser.add_argument("--loud", action="store_true")
print(parser.parse_args())
print(parser.parse_args(["a", "b", "-n", "5", "--loud"]))
parser.parse_args(["--number", "many"])

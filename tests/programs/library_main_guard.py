import sys

def main(argv=None):
    argv = sys.argv if argv is None else argv
    print("called with", len(argv), argv[0].endswith(".py"))
    return 3

if __name__ == "__main__":
    sys.exit(main())

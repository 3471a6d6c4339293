import sys

print([line for line in sys.stdin], int(" 7\r\n"))

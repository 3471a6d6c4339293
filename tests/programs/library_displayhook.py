import sys

sys.displayhook([1, 2])
print(_)
exec(compile("6 * 7", "<typed>", "single"))
sys.displayhook = lambda value: print("shown", value)
exec(compile("1 + 1", "<typed>", "single"))

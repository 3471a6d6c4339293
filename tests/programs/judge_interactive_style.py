import sys

lo, hi = 1, 100
for answer in sys.stdin:
    guess = (lo + hi) // 2
    print(guess, flush=True)
    if answer.strip() == "higher":
        lo = guess + 1
    elif answer.strip() == "lower":
        hi = guess - 1
    else:
        break

class Trouble(Exception):
    """Own exception."""

def step(n):
    if n == 0:
        raise Trouble("at the bottom", {"n": n})
    step(n - 1)

print("before")
step(3)

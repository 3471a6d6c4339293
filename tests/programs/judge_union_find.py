import sys

def main():
    data = iter(map(int, sys.stdin.buffer.read().split()))
    n, m = next(data), next(data)
    parent = list(range(n))

    def find(x):
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for _ in range(m):
        a, b = find(next(data)), find(next(data))
        parent[a] = b
    sys.stdout.write(str(len({find(x) for x in range(n)})) + "\n")

main()

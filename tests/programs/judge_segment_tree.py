import sys
input = lambda: sys.stdin.readline().rstrip()

n, q = map(int, input().split())
size = 1 << (n - 1).bit_length()
tree = [0] * size + list(map(int, input().split())) + [0] * (size - n)
for i in range(size - 1, 0, -1):
    tree[i] = tree[2 * i] + tree[2 * i + 1]
out = []
for _ in range(q):
    kind, a, b = input().split()
    a, b = int(a), int(b)
    if kind == "set":
        a += size
        tree[a] = b
        while a > 1:
            a //= 2
            tree[a] = tree[2 * a] + tree[2 * a + 1]
    else:
        total, lo, hi = 0, a + size, b + size + 1
        while lo < hi:
            if lo & 1:
                total += tree[lo]
                lo += 1
            if hi & 1:
                hi -= 1
                total += tree[hi]
            lo, hi = lo // 2, hi // 2
        out.append(total)
print("\n".join(map(str, out)))

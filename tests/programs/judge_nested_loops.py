n = int(input())
count = 0
for i in range(n):
    for j in range(n):
        for k in range(n):
            if (i * j + k) % 7 == 3:
                count += 1
i = 0
while i < 100000:
    i += 1
    if i & 1:
        continue
    count ^= i
print(count)
